/* test_ising.c -- the template's Ising plug-in, loaded as a user loads it and run through the core, against exact enumeration (L = 3),
 * Kaufman's energy of finite lattices, Onsager's and Yang's infinite ones.  Its theory is first held against enumeration itself. */
#include <math.h>
#include <unistd.h>

#include "dataset.h"
#include "group.h"
#include "model.h"
#include "qtest.h"
#include "schedule.h"
#include "stats.h"

/* Bound of the statistical checks, in standard errors of Student's distribution: as unlikely as 4 sigma of a normal, 6.3e-5 a check. */
#define CONFIDENCE 0.99993666
#define REPLICAS 32 /* of every run: errors are the spread between them */

static const qn_model *ising;

static int load_plugin(void **state)
{
    (void)state;
    int err = qn_plugin_load("models/template/ising.so", &ising);
    if (err)
        print_error("%s\n", qn_error_text());
    return err;
}

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, ising->name) ? NULL : ising;
}

static void open_sweep(const char *text, qn_sweep *s)
{
    qn_problems problems = {0};
    int err = qn_sweep_init(s, &(qn_sweep_source){.file = "test_ising", .text = text, .find = find}, &problems);
    if (err)
        qn_problems_print(&problems, stderr);
    assert_int_equal(err, 0);
    qn_problems_free(&problems);
}

/* ---- exact ------------------------------------------------------------------------------------------------------- */

enum { U, U2, M, M_ABS, M2, M4, N_MEANS };
static const char *const names[] = {"u", "u2", "m", "m_abs", "m2", "m4"};

/* Thermal means of an l x l torus by summing over all 2^(l l) states. */
static void enumerate(unsigned l, double t, double mean[N_MEANS])
{
    unsigned n = l * l;
    double z = 0, sum[N_MEANS] = {0};
    for (uint32_t c = 0; c < 1u << n; c++) {
        int bonds = 0, up = 0;
        for (unsigned y = 0; y < l; y++)
            for (unsigned x = 0; x < l; x++) {
                uint32_t s = c >> (y * l + x) & 1, east = c >> (y * l + (x + 1) % l) & 1, south = c >> ((y + 1) % l * l + x) & 1;
                bonds += (s == east ? 1 : -1) + (s == south ? 1 : -1);
                up += s ? 1 : -1;
            }
        double w = exp((bonds - 2 * (int)n) / t), u = -(double)bonds / n, m = (double)up / n;
        const double x[N_MEANS] = {u, u * u, m, fabs(m), m * m, m * m * m * m};
        z += w;
        for (int k = 0; k < N_MEANS; k++)
            sum[k] += w * x[k];
    }
    for (int k = 0; k < N_MEANS; k++)
        mean[k] = sum[k] / z;
}

static double theory(const char *quantity, unsigned l, double t)
{
    char text[160];
    double out[16];
    qn_sweep s;
    qn_params p;
    snprintf(text, sizeof text, "model: ising\nseed: 1\nparameters: {L: %u, T: %.17g}\n", l, t);
    open_sweep(text, &s);
    assert_int_equal(qn_sweep_point(&s, 0, &p), 0);
    assert_int_equal(ising->theory_at(&p, out), 0);
    qn_params_free(&p);
    qn_sweep_free(&s);
    for (size_t q = 0; ising->theory[q].name; q++)
        if (!strcmp(ising->theory[q].name, quantity))
            return out[q];
    fail_msg("no theory of %s", quantity);
    return NAN;
}

static void kaufman_is_the_sum_over_states(void **state)
{
    (void)state;
    const double t[] = {0.7, 1.5, 2.2, 2.269185314213022, 2.4, 3.5, 10};
    for (unsigned l = 2; l <= 4; l++)
        for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
            double mean[N_MEANS];
            enumerate(l, t[i], mean);
            assert_near(theory("u_finite", l, t[i]), mean[U], 1e-10);
        }
}

static void onsager_is_its_limit(void **state)
{
    (void)state;
    const double t_c = theory("T_c", 8, 1);
    assert_near(sinh(2 / t_c), 1, 1e-12);                    /* self-dual point, Kramers & Wannier 1941 */
    assert_near(theory("u", 8, t_c), -sqrt(2), 1e-10);       /* Onsager's value there */
    assert_near(theory("u", 8, 2), theory("u_finite", 256, 2), 1e-10);
    assert_near(theory("u", 8, 3), theory("u_finite", 256, 3), 1e-10);
    for (double t = 0.8; t < 6; t += 0.7) {
        double h = 1e-4 * t, slope = (theory("u", 8, t + h) - theory("u", 8, t - h)) / (2 * h);
        assert_near(theory("specific_heat", 8, t) / slope, 1, 1e-5);
    }
    /* Low-temperature series of the spontaneous magnetisation in x = exp(-4/T); the next term is -714 x^6. */
    double x = exp(-4.0), series = 1 - 2 * pow(x, 2) - 8 * pow(x, 3) - 34 * pow(x, 4) - 152 * pow(x, 5);
    assert_near(theory("m", 8, 1), series - 714 * pow(x, 6), 6e3 * pow(x, 7));
    assert_near(theory("m_abs", 8, 2.27), 0, 0);
}

/* ---- Monte Carlo --------------------------------------------------------------------------------------------------- */

/* The result of a whole run, as `quench run` makes it. */
static qn_dataset *run(const char *text)
{
    char folder[] = "/tmp/test_ising.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/out.h5", folder);
    qn_sweep s;
    qn_run_report report;
    qn_dataset *d;
    open_sweep(text, &s);
    int err = qn_run(&s, &(qn_run_options){.output = path, .threads = 2, .flush_s = 30, .part = 1, .parts = 1, .quiet = true}, &report);
    if (err)
        print_error("%s\n", qn_error_text());
    assert_int_equal(err, 0);
    assert_int_equal(qn_dataset_read(path, NULL, &d), 0);
    qn_sweep_free(&s);
    unlink(path);
    rmdir(folder);
    return d;
}

static double value(const qn_dataset *d, const char *name, const char *suffix, size_t point)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    const qn_var *v = qn_dataset_find(d, full);
    assert_non_null(v);
    assert_true(point < v->size && v->type == QN_F64);
    return v->f64[point];
}

/* The mean is as wanted, and its error small enough to say so. */
static void check(const qn_dataset *d, const char *name, size_t point, double want, double largest_err)
{
    double got = value(d, name, "", point), err = value(d, name, "_err", point);
    double bound = qn_student_quantile(CONFIDENCE, REPLICAS - 1);
    if (!(fabs(got - want) <= bound * err) || !(err <= largest_err))
        fail_msg("%s at point %zu: %.8g +- %.2g, want %.8g (z = %.2f, bound %.2f, error at most %.2g)", name, point, got, err, want, (got - want) / err, bound, largest_err);
}

static void every_state_of_l3_has_its_weight(void **state)
{
    (void)state;
    qn_dataset *d = run("model: ising\nseed: 20261124\nreplicas: 32\nparameters: {L: 3, start: random}\n"
                        "sweep:\n  dynamics: [heatbath, cluster]\n  T: [1.5, 2.269, 4]\n"
                        "sampling: {thermalization: 200, steps: 20000}\n");
    const double t[] = {1.5, 2.269, 4};
    for (size_t dynamics = 0; dynamics < 2; dynamics++)
        for (size_t i = 0; i < 3; i++) {
            double mean[N_MEANS];
            enumerate(3, t[i], mean);
            for (int k = 0; k < N_MEANS; k++)
                check(d, names[k], 3 * dynamics + i, mean[k], k == M ? 0.1 : k == U2 ? 0.01 : 0.005); /* the heat bath seldom turns m over at T = 1.5 */
            double n = 9;
            check(d, "binder", 3 * dynamics + i, 1 - mean[M4] / (3 * mean[M2] * mean[M2]), 0.01);
            check(d, "specific_heat", 3 * dynamics + i, n * (mean[U2] - mean[U] * mean[U]) / (t[i] * t[i]), 0.02);
            check(d, "susceptibility", 3 * dynamics + i, n * (mean[M2] - mean[M_ABS] * mean[M_ABS]) / t[i], 0.02);
        }
    qn_dataset_free(d);
}

/* A heat bath at T = 0.7 keeps the sign of m that it has (the last check): only the ladder brings its mean to zero.  Along a continuation every temperature starts where the one above ended. */
static void chained_temperatures_of_l3(void **state)
{
    (void)state;
    const double t[] = {0.7, 1.1, 1.6, 2.4, 4};
    qn_dataset *ladder = run("model: ising\nseed: 20261125\nreplicas: 32\nparameters: {L: 3}\nsweep:\n  T: [0.7, 1.1, 1.6, 2.4, 4]\n"
                             "sampling: {thermalization: 200, steps: 4000}\ntempering: {axis: T}\n");
    qn_dataset *cooling = run("model: ising\nseed: 20261125\nreplicas: 32\nparameters: {L: 3}\nsweep:\n  T: [4, 2.4, 1.6, 1.1, 0.7]\n"
                              "sampling: {thermalization: 200, steps: 4000}\ncontinuation: {axis: T}\n");
    for (size_t i = 0; i < 5; i++) {
        double mean[N_MEANS];
        enumerate(3, t[i], mean);
        for (int k = 0; k < N_MEANS; k++) {
            check(ladder, names[k], i, mean[k], k == M ? 0.05 : 0.01);
            if (k != M)
                check(cooling, names[k], 4 - i, mean[k], 0.01);
        }
        assert_true(value(ladder, "round_trips", "", i) > 100);
        if (i < 4)
            assert_true(value(ladder, "exchange_rate", "", i) > 0.2 && value(ladder, "exchange_rate", "", i) < 1);
    }
    assert_true(value(cooling, "m", "_err", 4) > 0.15); /* each replica kept its sign */
    qn_dataset_free(ladder);
    qn_dataset_free(cooling);
}

/* At L = 64 the energy differs from the infinite lattice by less than 1e-7 at T = 3 and the magnetisation at T = 2 by less still. */
static void onsager_and_yang_at_l64(void **state)
{
    (void)state;
    qn_dataset *d = run("model: ising\nseed: 20261124\nreplicas: 32\nparameters: {L: 64}\nsweep:\n  T: [2.0, 3.0]\n"
                        "sampling: {thermalization: 300, steps: 1500}\n");
    check(d, "u", 0, theory("u", 64, 2), 6e-4);
    check(d, "u", 1, theory("u", 64, 3), 6e-4);
    check(d, "u", 0, theory("u_finite", 64, 2), 6e-4);
    check(d, "u", 1, theory("u_finite", 64, 3), 6e-4);
    check(d, "m", 0, theory("m", 64, 2), 6e-4);
    check(d, "m_abs", 0, theory("m_abs", 64, 2), 6e-4);
    check(d, "specific_heat", 0, theory("specific_heat", 64, 2), 0.03);
    check(d, "specific_heat", 1, theory("specific_heat", 64, 3), 0.03);
    qn_dataset_free(d);
}

/* Critical slowing down would spoil the heat bath here; clusters mix in a few steps. */
static void clusters_at_the_critical_point(void **state)
{
    (void)state;
    const unsigned l = 32;
    const double t = 2.269185314213022, h = 1e-3;
    qn_dataset *d = run("model: ising\nseed: 20261124\nreplicas: 32\nparameters: {L: 32, T: 2.269185314213022, dynamics: cluster}\n"
                        "sampling: {thermalization: 100, steps: 2000}\n");
    check(d, "u", 0, theory("u_finite", l, t), 3e-3);
    check(d, "specific_heat", 0, (theory("u_finite", l, t + h) - theory("u_finite", l, t - h)) / (2 * h), 0.05);
    assert_true(value(d, "u", "_tau", 0) < 10);
    assert_true(fabs(value(d, "u", "", 0) - theory("u", l, t)) > 10 * value(d, "u", "_err", 0)); /* the finite size is seen */
    qn_dataset_free(d);
}

/* ---- checkpoints ----------------------------------------------------------------------------------------------------- */

static void goes_on_from_a_checkpoint_bit_by_bit(void **state)
{
    (void)state;
    static const char *const text[] = {"model: ising\nseed: 3\nparameters: {L: 17, T: 2.3}\n",
                                       "model: ising\nseed: 3\nparameters: {L: 17, T: 2.3, dynamics: cluster, start: random}\n"};
    for (int k = 0; k < 2; k++) {
        qn_sweep s;
        qn_params p;
        open_sweep(text[k], &s);
        assert_int_equal(qn_sweep_point(&s, 0, &p), 0);
        const uint64_t key[2] = {1, 2};
        qn_streams first, second;
        qn_streams_open(&first, 5, key, key, 0);
        qn_streams_open(&second, 6, key, key, 0);
        void *a = NULL, *b = NULL;
        qn_group saved = {0}, end_a = {0}, end_b = {0};
        assert_int_equal(ising->create(&p, NULL, &first, &a), 0);
        for (int i = 0; i < 20; i++)
            assert_int_equal(ising->step(a, &first), 0);
        assert_int_equal(ising->save(a, &saved), 0);
        qn_streams middle = first;
        assert_int_equal(ising->create(&p, NULL, &second, &b), 0);
        assert_int_equal(ising->load(b, &saved), 0);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(ising->step(a, &first), 0);
            assert_int_equal(ising->step(b, &middle), 0);
        }
        assert_int_equal(ising->save(a, &end_a), 0);
        assert_int_equal(ising->save(b, &end_b), 0);
        const qn_entry *before = qn_group_get(&saved, "spin"), *x = qn_group_get(&end_a, "spin"), *y = qn_group_get(&end_b, "spin");
        assert_int_equal(x->n, 17 * 17);
        assert_memory_equal(x->data, y->data, x->n);
        assert_memory_not_equal(x->data, before->data, x->n);
        assert_memory_equal(&first, &middle, sizeof first);
        ising->destroy(a);
        ising->destroy(b);
        ising->destroy(NULL);
        qn_group_clear(&saved);
        qn_group_clear(&end_a);
        qn_group_clear(&end_b);
        qn_params_free(&p);
        qn_sweep_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kaufman_is_the_sum_over_states),
        cmocka_unit_test(onsager_is_its_limit),
        cmocka_unit_test(every_state_of_l3_has_its_weight),
        cmocka_unit_test(chained_temperatures_of_l3),
        cmocka_unit_test(onsager_and_yang_at_l64),
        cmocka_unit_test(clusters_at_the_critical_point),
        cmocka_unit_test(goes_on_from_a_checkpoint_bit_by_bit),
    };
    return cmocka_run_group_tests_name("ising", tests, load_plugin, NULL);
}
