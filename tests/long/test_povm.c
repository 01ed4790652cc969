/* test_povm.c -- accuracy of the variational tasks of engine povm against exact results: steady states of the dissipative Ising ring, dynamics of the
 * dissipative XYZ model on a ring and on a torus.  Times are for one core of 2024.
 *
 * Expectations are sums over all outcome strings up to 8 spins, so that the bounds hold the error of the optimisation alone; seeds are fixed. */
#include "povm_run.h"

#include "povm/net.h"
#include "povm/pauli.h"
#include "povm/outcome.h"
#include "povm/variational_settings.h"

enum { SAMPLES = 1 << 20 }; /* where all strings are too many: <Z> of 9 spins to 0.0006 */

/* <X>, <Y>, <Z> of a net, averages over the sites; C = sum |L P| where asked for and all strings can be summed over. */
static void look(const job *j, const double *theta, double r[3], double *c)
{
    povm_variational v;
    povm_net *net;
    int *order = NULL;
    povm_variational_read(&j->at.p, &j->at.problem, &v);
    povm_shape shape = v.shape;
    if (v.strings > 1) {
        shape.orders = povm_lattice_orders(&j->at.problem.lattice, v.strings, &order);
        shape.order = order;
    }
    assert_int_equal(povm_net_create(&shape, &net), 0);
    povm_net_set(net, theta);
    size_t n = (size_t)shape.n, all = povm_outcome_count(shape.n, shape.k), count = all <= POVM_MOST_STRINGS ? all : SAMPLES;
    uint8_t *string = malloc(count * n);
    double *p = malloc(2 * count * sizeof *p);
    assert_true(string && p);
    if (count == all) {
        for (size_t s = 0; s < all; s++)
            povm_outcome_string(shape.n, shape.k, s, string + s * n);
        povm_net_logp(net, all, string, p);
    } else {
        povm_net_sample(net, &j->at.streams, QN_STREAM_MEASUREMENT, 0, count, string, p);
    }
    r[0] = r[1] = r[2] = 0;
    for (size_t s = 0; s < count; s++) {
        p[s] = count == all ? exp(p[s]) : 1.0 / (double)count;
        for (int q = 0; q < 3; q++)
            for (size_t i = 0; i < n; i++)
                r[q] += p[s] * j->at.problem.frame.dual[q + 1][string[s * n + i]] / (double)n;
    }
    if (c) {
        assert_true(count == all);
        povm_outcome_apply(&j->at.problem, p, p + all);
        *c = 0;
        for (size_t s = 0; s < all; s++)
            *c += fabs(p[all + s]);
    }
    free(string);
    free(p);
    free(order);
    povm_net_destroy(net);
}

static double distance(const double a[3], const double b[3])
{
    return fmax(fmax(fabs(a[0] - b[0]), fabs(a[1] - b[1])), fabs(a[2] - b[2]));
}

/* ---- steady states, 1500 iterations of 1024 strings ---------------------------------------------------------------------- */

static void steady(uint64_t seed, const char *text, const double want[3], double bound, double bound_c)
{
    job j;
    qn_group g = {0};
    size_t n;
    double r[3], c;
    job_open(&j, &povm_steady, seed, text);
    job_steps(&j, 1500);
    look(&j, job_saved(&j, &g, "theta", &n), r, &c);
    print_message("%s, seed %d: off by %.4f %.4f %.4f, C = %.4f\n", text, (int)seed, r[0] - want[0], r[1] - want[1], r[2] - want[2], c);
    assert_true(distance(r, want) <= bound);
    assert_true(c <= bound_c);
    qn_group_clear(&g);
    job_close(&j);
}

static const double ring4[3] = {0.4397812534, 0.1871861250, -0.8128138749}, ring6[3] = {0.446569098, 0.1889652645, -0.8110347355},
                    ring8[3] = {0.4469204232, 0.1892702162, -0.8107297838}, ring8_g2[3] = {0.2470084351, 0.3815297333, -0.2369405335};

static void steady_of_4(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        steady(seed, "N=4; g=1", ring4, 0.004, 0.015);
        steady(seed, "N=4; g=1; ansatz=made", ring4, 0.01, 0.02);
        steady(seed, "N=4; g=1; preset=release; batch=1024; lr_schedule=cosine", ring4, 0.03, 0.08);
    }
}

static void steady_of_6(void **state)
{
    (void)state;
    steady(1, "N=6; g=1", ring6, 0.006, 0.03);
}

static void steady_of_8(void **state)
{
    (void)state;
    steady(1, "N=8; g=1", ring8, 0.01, 0.06);
    steady(1, "N=8; g=2", ring8_g2, 0.01, 0.06);
}

/* ---- dynamics of the dissipative XYZ model from all up --------------------------------------------------------------------- */

#define XYZ "hamiltonian=0.9 XX + 1.6 YY + 1.0 ZZ; jumps=s-; "

/* Largest error of <Z> at `looks` times, `each` time steps apart. */
static double follow(const char *text, int looks, int each)
{
    job j;
    povm_pauli g;
    double most = 0, r[3];
    job_open(&j, &povm_fbt, 1, text);
    assert_int_equal(povm_pauli_create(&j.at.problem, true, &g), 0);
    size_t n = (size_t)j.at.problem.lattice.n, count;
    double *c = malloc((3 * g.size + 3 * n * (n + 1)) * sizeof *c), *one = c + 3 * g.size;
    assert_non_null(c);
    int parts = (int)ceil(j.at.problem.tau * g.norm / POVM_PAULI_REACH);
    povm_pauli_start(&g, j.at.problem.start, c);
    for (int k = 0; k < looks; k++) {
        qn_group saved = {0};
        povm_expectations x;
        double want = 0;
        for (int i = 0; i < each * parts; i++)
            povm_pauli_evolve(&g, j.at.problem.tau / parts, c, c + g.size);
        povm_pauli_expectations(&g, &j.at.problem, c, one, one + 3 * n, &x);
        for (size_t i = 0; i < n; i++)
            want += one[2 * n + i] / (double)n;
        job_steps(&j, each);
        look(&j, job_saved(&j, &saved, "theta", &count), r, NULL);
        qn_group_clear(&saved);
        print_message("t = %.2f: <Z> = %.4f, exact %.4f, off by %.4f\n", j.at.problem.tau * each * (k + 1), r[2], want, r[2] - want);
        most = fmax(most, fabs(r[2] - want));
    }
    free(c);
    povm_pauli_free(&g);
    job_close(&j);
    return most;
}

static void xyz_ring(void **state)
{
    (void)state;
    print_message("ring of 4, default net\n");
    assert_true(follow("N=4; tau=0.05; " XYZ, 4, 5) <= 0.003);
    print_message("ring of 4, made\n");
    assert_true(follow("N=4; tau=0.05; ansatz=made; " XYZ, 4, 5) <= 0.01);
    print_message("ring of 4, the public program's setting to t = 0.16\n");
    assert_true(follow("N=4; tau=0.016; preset=release; batch=1024; " XYZ, 1, 10) <= 0.01);
}

static void xyz_torus(void **state)
{
    (void)state;
    print_message("torus of 3 x 3, default net, 4 orders\n");
    assert_true(follow("lattice=grid; Lx=3; Ly=3; tau=0.1; inner=100; strings=4; " XYZ, 5, 1) <= 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_of_4), cmocka_unit_test(steady_of_6), cmocka_unit_test(steady_of_8), cmocka_unit_test(xyz_ring), cmocka_unit_test(xyz_torus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
