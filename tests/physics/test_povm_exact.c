/* test_povm_exact.c -- engine povm: measurements, generators, the exact solver and trajectories against closed forms, dense matrices, eigenvalues in
 * outcome space and reference values.
 *
 * Reference values: from two independent programs (Pauli vector; eigenproblem of the 4^N outcome space), to the digits given.  Statistical checks
 * at 4 standard errors with fixed seeds: a fresh seed would fail one with probability 6e-5. */
#include "povm_run.h"

#include <complex.h>
#include <gsl/gsl_complex_math.h>
#include <gsl/gsl_eigen.h>

#include "povm/exact.h"
#include "povm/outcome.h"
#include "povm/waves.h"

/* ---- measurements ------------------------------------------------------------------------------------------------- */

enum { MOST_DIM = 32 };
typedef double complex matrix[MOST_DIM][MOST_DIM];

/* op_0 x op_1 x ..., site 0 the fastest bit of the index. */
static double complex entry(int n, const double complex (*op[])[2], size_t row, size_t column)
{
    double complex x = 1;
    for (int i = 0; i < n; i++)
        x *= op[i][row >> i & 1][column >> i & 1];
    return x;
}

static void random_state(int n, qn_rng *rng, matrix rho)
{
    const size_t d = (size_t)1 << n;
    matrix a;
    double trace = 0;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            a[i][j] = qn_rng_normal(rng) + I * qn_rng_normal(rng);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) {
            rho[i][j] = 0;
            for (size_t k = 0; k < d; k++)
                rho[i][j] += a[i][k] * conj(a[j][k]);
            trace += i == j ? creal(rho[i][i]) : 0;
        }
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            rho[i][j] /= trace;
}

static void test_frames(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        povm_frame f;
        povm_frame_init(&f, (povm_kind)kind);
        double complex sum[2][2] = {{0}};
        for (int a = 0; a < f.k; a++) {
            double length = 0;
            for (int q = 0; q < 3; q++)
                length += f.v[a][q] * f.v[a][q];
            assert_true(f.w[a] * (1 - sqrt(length)) > -1e-14); /* the least eigenvalue */
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 2; j++)
                    sum[i][j] += f.m[a][i][j];
            assert_near(f.dual[0][a], 1, 1e-13);
        }
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++)
                assert_near(cabs(sum[i][j] - (i == j)), 0, 1e-14);
        for (int a = 0; a < f.k; a++)
            for (int b = 0; b < f.k; b++) {
                double back = 0, complete = 0;
                for (int c = 0; c < f.k; c++)
                    back += f.t_inverse[a][c] * f.t[c][b];
                for (int c = 0; c < f.k; c++)
                    for (int d = 0; d < f.k; d++)
                        complete += f.t[a][c] * f.t_inverse[c][d] * f.t[d][b];
                assert_near(complete, f.t[a][b], 1e-13);
                if (kind != POVM_PAULI6)
                    assert_near(back, a == b, 1e-13);
            }
    }
}

static void test_frame_tables(void **state)
{
    (void)state;
    const double r3 = sqrt(3), sign[4][3] = {{1, 1, 1}, {1, -1, -1}, {-1, 1, -1}, {-1, -1, 1}};
    const double tetra_z[3][4] = {{0, 2 * sqrt(2), -sqrt(2), -sqrt(2)}, {0, 0, sqrt(6), -sqrt(6)}, {3, -1, -1, -1}};
    const double pauli4[3][4] = {{-1, 5, -1, -1}, {-1, -1, 5, -1}, {5, -1, -1, -1}}, t4[4][4] = {{2, 1, 1, 2}, {1, 2, 1, 2}, {1, 1, 2, 2}, {2, 2, 2, 12}};
    const double pauli6[3][6] = {{0, 0, 3, -3, 0, 0}, {0, 0, 0, 0, 3, -3}, {3, -3, 0, 0, 0, 0}};
    povm_frame f;
    for (int kind = 0; kind < 4; kind++) {
        povm_frame_init(&f, (povm_kind)kind);
        for (int a = 0; a < f.k; a++)
            for (int q = 0; q < 3; q++) {
                const double want = kind == POVM_TETRA_CUBE ? r3 * sign[a][q] : kind == POVM_TETRA_Z ? tetra_z[q][a] : kind == POVM_PAULI4 ? pauli4[q][a] : pauli6[q][a];
                assert_near(f.dual[q + 1][a], want, 1e-12);
            }
        for (int a = 0; a < f.k; a++)
            for (int b = 0; b < f.k; b++) {
                if (kind == POVM_PAULI6)
                    assert_near(f.t[a][b], a == b ? 1.0 / 9 : a / 2 == b / 2 ? 0 : 1.0 / 18, 1e-15);
                else if (kind == POVM_PAULI4)
                    assert_near(f.t[a][b], t4[a][b] / 18, 1e-15);
                else
                    assert_near(f.t[a][b], a == b ? 0.25 : 1.0 / 12, 1e-15);
                if (kind < POVM_PAULI4)
                    assert_near(f.t_inverse[a][b], a == b ? 5 : -1, 1e-13);
            }
    }
}

/* rho -> P by traces -> rho by the dual frame; P by the Pauli vector is the same; so are <Q> by dual values. */
static void round_trip(povm_kind kind, int n, qn_rng *rng)
{
    static matrix rho;
    povm_frame f;
    povm_frame_init(&f, kind);
    random_state(n, rng, rho);
    const size_t d = (size_t)1 << n, strings = (size_t)1 << 2 * n;
    double *p = malloc(strings * sizeof *p), *c = malloc(strings * sizeof *c), *q = malloc(strings * sizeof *q);
    static const double complex pauli[4][2][2] = {{{1, 0}, {0, 1}}, {{0, 1}, {1, 0}}, {{0, -I}, {I, 0}}, {{1, 0}, {0, -1}}};
    const double complex(*op[5])[2], (*letter[5])[2];
    for (size_t s = 0; s < strings; s++) {
        double complex trace = 0, mean = 0;
        for (int i = 0; i < n; i++) {
            op[i] = f.m[s >> 2 * i & 3];
            letter[i] = pauli[s >> 2 * i & 3];
        }
        for (size_t i = 0; i < d; i++)
            for (size_t j = 0; j < d; j++) {
                trace += rho[i][j] * entry(n, op, j, i);
                mean += rho[i][j] * entry(n, letter, j, i);
            }
        p[s] = creal(trace);
        c[s] = creal(mean);
    }
    assert_int_equal(povm_pauli_probabilities(&f, n, c, q), 0);
    for (size_t s = 0; s < strings; s++)
        assert_near(q[s], p[s], 1e-14);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) {
            double complex sum = 0;
            for (size_t s = 0; s < strings; s++) {
                for (int k = 0; k < n; k++)
                    op[k] = f.n[s >> 2 * k & 3];
                sum += p[s] * entry(n, op, i, j);
            }
            assert_near(cabs(sum - rho[i][j]), 0, 1e-12);
        }
    free(p);
    free(c);
    free(q);
}

static void test_round_trip(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 1, 2, 3, 4);
    for (int kind = 0; kind < 3; kind++)
        for (int n = 1; n <= 5; n++)
            round_trip((povm_kind)kind, n, &rng);
}

/* ---- generators --------------------------------------------------------------------------------------------------- */

static void test_golden_generators(void **state)
{
    (void)state;
    static const double tetra_z[4][4] = {{-6, 0, 0, 0}, {2, -2, 1, 1}, {2, 1, -2, 1}, {2, 1, 1, -2}}; /* sixths */
    static const double pauli4[4][4] = {{-12, 0, 0, 0}, {1, -5, 1, 1}, {1, 1, -5, 1}, {10, 4, 4, -2}}; /* twelfths */
    static const struct {
        const char *name;
        int entries;
        double largest, row;
    } zz[] = {{"tetra_cube", 160, 0.577, 5.77}, {"tetra_z", 102, NAN, NAN}, {"pauli4", 146, 4.67, 29.3}};
    for (int kind = 0; kind < 3; kind++) {
        char text[100];
        point x;
        snprintf(text, sizeof text, "povm=%s; N=2; hamiltonian=ZZ; jumps=s-", zz[kind].name);
        point_open(&x, 1, text);
        const povm_generator *g = &x.problem.generator;
        int entries = 0;
        double largest = 0, most = 0;
        for (int a = 0; a < 16; a++) {
            double row = 0;
            for (int b = 0; b < 16; b++) {
                entries += g->two[16 * a + b] != 0;
                largest = fmax(largest, fabs(g->two[16 * a + b]));
                row += fabs(g->two[16 * a + b]);
            }
            most = fmax(most, row);
        }
        assert_int_equal(entries, zz[kind].entries);
        if (isfinite(zz[kind].row)) {
            assert_near(largest, zz[kind].largest, 0.005);
            assert_near(most, zz[kind].row, 0.05);
        }
        for (int a = 0; a < 4 && kind > 0; a++)
            for (int b = 0; b < 4; b++)
                assert_near(g->one[4 * a + b], kind == 1 ? tetra_z[a][b] / 6 : pauli4[a][b] / 12, 1e-14);
        point_close(&x);
    }
}

static void test_columns(void **state)
{
    (void)state;
    static const char *const povms[] = {"tetra_cube", "tetra_z", "pauli4", "pauli6"};
    for (int kind = 0; kind < 4; kind++) {
        char text[200];
        point x;
        snprintf(text, sizeof text, "povm=%s; N=2; hamiltonian=0.7 XY - 1.3 ZX + 0.4 ZZ + 0.9 X - 0.2 Y; jumps=s- + 0.5 s+Z + 0.3 Y + 0.8 s-s-", povms[kind]);
        point_open(&x, 1, text);
        const int k = x.problem.generator.k;
        for (int sites = 1; sites <= 2; sites++) {
            const int all = sites == 1 ? k : k * k;
            const double *g = sites == 1 ? x.problem.generator.one : x.problem.generator.two;
            for (int b = 0; b < all; b++) {
                double sum = 0;
                for (int a = 0; a < all; a++)
                    sum += g[a * all + b];
                assert_near(sum, 0, 1e-13);
            }
        }
        point_close(&x);
    }
}

/* Gap and largest modulus of the eigenvalues of L on all k^n strings. */
static void outcome_eigenvalues(const char *text, double *gap, double *largest)
{
    point x;
    point_open(&x, 1, text);
    const size_t all = povm_outcome_count(x.problem.lattice.n, x.problem.frame.k);
    gsl_matrix *m = gsl_matrix_alloc(all, all);
    gsl_vector_complex *values = gsl_vector_complex_alloc(all);
    gsl_eigen_nonsymm_workspace *w = gsl_eigen_nonsymm_alloc(all);
    double *unit = calloc(all, sizeof *unit), *column = calloc(all, sizeof *column);
    for (size_t b = 0; b < all; b++) {
        unit[b] = 1;
        povm_outcome_apply(&x.problem, unit, column);
        unit[b] = 0;
        for (size_t a = 0; a < all; a++)
            gsl_matrix_set(m, a, b, column[a]);
    }
    assert_int_equal(gsl_eigen_nonsymm(m, values, w), 0);
    size_t zero = 0;
    for (size_t k = 0; k < all; k++)
        if (gsl_complex_abs(gsl_vector_complex_get(values, k)) < gsl_complex_abs(gsl_vector_complex_get(values, zero)))
            zero = k;
    assert_near(gsl_complex_abs(gsl_vector_complex_get(values, zero)), 0, 1e-10);
    *gap = INFINITY;
    *largest = 0;
    for (size_t k = 0; k < all; k++) {
        const gsl_complex z = gsl_vector_complex_get(values, k);
        *largest = fmax(*largest, gsl_complex_abs(z));
        if (k != zero)
            *gap = fmin(*gap, -GSL_REAL(z));
    }
    gsl_matrix_free(m);
    gsl_vector_complex_free(values);
    gsl_eigen_nonsymm_free(w);
    free(unit);
    free(column);
    point_close(&x);
}

static void test_gap(void **state)
{
    (void)state;
    static const char *const povms[] = {"tetra_cube", "tetra_z", "pauli4"};
    double gap, largest, of_frame, its_largest;
    point x;
    point_open(&x, 1, "N=2; g=0.7; V=1.3; hamiltonian=V/4 ZZ + g/2 X + 0.3 XY");
    assert_int_equal(povm_pauli_gap(&x.problem, &gap, &largest), 0);
    point_close(&x);
    for (int kind = 0; kind < 3; kind++) {
        char text[150];
        snprintf(text, sizeof text, "povm=%s; N=2; g=0.7; V=1.3; hamiltonian=V/4 ZZ + g/2 X + 0.3 XY", povms[kind]);
        outcome_eigenvalues(text, &of_frame, &its_largest);
        assert_near(of_frame, gap, 1e-10);
        assert_near(its_largest, largest, 1e-10);
    }
    point_open(&x, 1, "N=4");
    assert_int_equal(povm_pauli_gap(&x.problem, &gap, &largest), 0);
    assert_near(gap, 0.5450532782, 1e-9);
    assert_near(largest, 6.0367697698, 1e-9);
    point_close(&x);
    outcome_eigenvalues("N=4; povm=pauli4", &of_frame, &its_largest);
    assert_near(of_frame, gap, 1e-9);
    assert_near(its_largest, largest, 1e-9);
}

/* ---- exact states -------------------------------------------------------------------------------------------------- */

/* Expectations of the exact state: steady (t < 0) or at time t. */
typedef struct values {
    double s[3], near[3], energy;
} values;

static values exact(const char *text, double t)
{
    point x;
    povm_exact e;
    povm_steady_solver s = {0};
    point_open(&x, 1, text);
    assert_int_equal(povm_exact_init(&x.problem, &e), 0);
    assert_int_equal(povm_steady_solver_create(&e.g, x.problem.start, &s), 0);
    if (t < 0) {
        while (!s.over)
            povm_steady_solver_step(&s);
        assert_true(s.converged);
    } else {
        double *scratch = malloc(2 * e.g.size * sizeof *scratch);
        const double parts = ceil(t * e.g.norm / POVM_PAULI_REACH);
        for (int k = 0; k < parts; k++)
            povm_pauli_evolve(&e.g, t / parts, s.c, scratch);
        free(scratch);
    }
    povm_expectations v;
    povm_pauli_expectations(&e.g, &x.problem, s.c, e.one, e.pair, &v);
    povm_look_exact(e.look, &v);
    values out;
    for (int k = 0; k < 3; k++) {
        out.s[k] = povm_look_mean(e.look, POVM_O_SX + k, 0);
        out.near[k] = v.near[k];
    }
    out.energy = v.energy;
    povm_steady_solver_free(&s);
    povm_exact_free(&e);
    point_close(&x);
    return out;
}

static void assert_spin(const char *text, double t, double x, double y, double z)
{
    const values v = exact(text, t);
    const double want[3] = {x, y, z};
    for (int k = 0; k < 3; k++)
        if (!(fabs(v.s[k] - want[k]) < 1e-10))
            fail_msg("%s at t = %g: <%c> = %.12g, want %.12g", text, t, "XYZ"[k], v.s[k], want[k]);
}

static void test_single_spin(void **state)
{
    (void)state;
    const double t = 0.7, e = exp(-t), p = 0.3;
    assert_spin("N=1; hamiltonian=0 X; jumps=s-", t, 0, 0, 2 * e - 1);
    assert_spin("N=1; hamiltonian=0 X; jumps=s-; start=+x", t, exp(-t / 2), 0, e - 1);
    assert_spin("N=1; hamiltonian=0 X; jumps=sqrt(0.3) Z; start=+x", t, exp(-2 * p * t), 0, 0);
    assert_spin("N=1; hamiltonian=0 X; jumps=s+; start=down", t, 0, 0, 1 - 2 * e);
    assert_spin("N=1; hamiltonian=g/2 X; g=1.7; jumps=0 Z", t, 0, -sin(1.7 * t), cos(1.7 * t));
    assert_spin("N=1; hamiltonian=g/2 Y; g=1.7; jumps=0 Z", t, sin(1.7 * t), 0, cos(1.7 * t));
    assert_spin("N=1; hamiltonian=g/2 Z; g=1.7; jumps=0 Z; start=+x", t, cos(1.7 * t), sin(1.7 * t), 0);
    for (double g = 0.5; g < 3; g *= 2) {
        char text[60];
        snprintf(text, sizeof text, "N=3; V=0; g=%g", g);
        assert_spin(text, -1, 0, 2 * g / (1 + 2 * g * g), -1 / (1 + 2 * g * g));
    }
    assert_spin("N=1; g=1", -1, 0, 2.0 / 3, -1.0 / 3);
    assert_spin("N=2; hamiltonian=0 X; jumps=s-; start=0.3, -0.4, 0.5", t, 0.3 * exp(-t / 2), -0.4 * exp(-t / 2), 1.5 * e - 1);
}

static void test_dephasing_ring(void **state)
{
    (void)state;
    for (int n = 3; n <= 7; n++) {
        char text[120];
        snprintf(text, sizeof text, "N=%d; hamiltonian=ZZ; jumps=0.5 Z; start=+x", n);
        assert_near(exact(text, 0.3).s[0], 0.5862960930, 5e-11);
        snprintf(text, sizeof text, "N=%d; hamiltonian=-0.8 ZZ; jumps=sqrt(0.1) Z; start=+x", n);
        assert_near(exact(text, 0.6).s[0], pow(cos(2 * 0.8 * 0.6), 2) * exp(-2 * 0.1 * 0.6), 1e-11);
    }
}

static void test_steady_table(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double x, y, z, zz, within;
    } table[] = {{"N=4; g=1", 0.4397812534418, 0.1871861249640, -0.8128138750360, 0.7028685616756, 1e-12}, /* dense LU of all 4^N equations */
                 {"N=6; g=2", 0.2471914589085, 0.3811967657451, -0.2376064685097, 0.1140107390555, 1e-12},
                 {"N=4; g=1", 0.4397812534, 0.1871861250, -0.8128138749, 0.7028685616, 2.5e-10}, /* two programs: they differ from the LU by up to 2e-10 */
                 {"N=6; g=2", 0.2471914587, 0.3811967658, -0.2376064685, 0.1140107390, 2.5e-10},
                 {"N=8; g=1", 0.4469204232, 0.1892702162, -0.8107297838, 0.6989996779, 2.5e-10},
                 {"N=8; g=2", 0.2470084351, 0.3815297333, -0.2369405335, 0.1134363158, 2.5e-10}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        const values v = exact(table[k].text, -1);
        assert_near(v.s[0], table[k].x, table[k].within);
        assert_near(v.s[1], table[k].y, table[k].within);
        assert_near(v.s[2], table[k].z, table[k].within);
        assert_near(v.near[2], table[k].zz, table[k].within);
        assert_near(v.s[2], -1 + (strstr(table[k].text, "g=2") ? 2 : 1) * v.s[1], 1e-11);
        assert_near(v.energy, 0.5 * v.near[2] + (strstr(table[k].text, "g=2") ? 1 : 0.5) * v.s[0], 1e-12);
    }
    static const struct {
        const char *povm;
        double least;
    } frames[] = {{"tetra_z", 8.06e-5}, {"pauli4", 2.01e-5}};
    for (int k = 0; k < 2; k++) {
        char text[40];
        double c[256], p[256], least = 1;
        point x;
        snprintf(text, sizeof text, "N=4; povm=%s", frames[k].povm);
        point_open(&x, 1, text);
        assert_int_equal(povm_pauli_solve(&x.problem, -1, c), 0);
        assert_int_equal(povm_pauli_probabilities(&x.problem.frame, 4, c, p), 0);
        for (int a = 0; a < 256; a++)
            least = fmin(least, p[a]);
        assert_near(least, frames[k].least, 5e-8);
        point_close(&x);
    }
}

static void test_dynamics_table(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double t, v[6];
    } table[] = {{"N=4; g=1", 8, {0.4326609314, 0.1918824158, -0.8027729378, NAN, NAN, NAN}},
                 {"N=8; g=1", 8, {0.4393530814, 0.1946430601, -0.7994883712, NAN, NAN, NAN}},
                 {"lattice=grid; hamiltonian=0.9 XX + 1.6 YY + 1.0 ZZ; jumps=s-", 0.016, {NAN, NAN, 0.9672756025, NAN, NAN, NAN}},
                 {"lattice=grid; hamiltonian=0.9 XX + 1.6 YY + 1.0 ZZ; jumps=s-", 2, {NAN, NAN, -0.3420544843, 0.1559477154, 0.0705592040, 0.1983148331}},
                 {"N=2; boundary=open; hamiltonian=0.5 ZZ + 0.5 X", 0.5, {0.0300848128, -0.2243266806, 0.1486968841, NAN, NAN, NAN}},
                 {"N=2; boundary=open; hamiltonian=0.5 ZZ + 0.5 X", 1, {0.0111012891, -0.0799470686, -0.3681579633, NAN, NAN, 0.1421031096}},
                 {"N=4; hamiltonian=0.9 XX + 1.6 YY + ZZ; jumps=s-", 0.5, {NAN, NAN, 0.06092, NAN, NAN, NAN}},
                 {"N=4; hamiltonian=0.9 XX + 1.6 YY + ZZ; jumps=s-", 1, {NAN, NAN, -0.40810, NAN, NAN, NAN}}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        const values v = exact(table[k].text, table[k].t);
        for (int q = 0; q < 6; q++)
            if (isfinite(table[k].v[q]))
                assert_near(q < 3 ? v.s[q] : v.near[q - 3], table[k].v[q], k < 6 ? 6e-11 : 6e-6);
    }
}

static void test_identity(void **state)
{
    (void)state;
    static const char *const lattices[] = {"N=2", "N=5; boundary=open", "N=6", "lattice=grid; Lx=3; Ly=2", "lattice=graph; N=5; bonds=0,1,1,2,2,0,2,3,3,4"};
    for (size_t k = 0; k < sizeof lattices / sizeof *lattices; k++)
        for (double g = 0.3; g < 5; g += 1.5) {
            char text[120];
            snprintf(text, sizeof text, "%s; g=%g; V=%g; gamma=0.6", lattices[k], g, 3 - g);
            const values v = exact(text, -1);
            assert_near(v.s[2], -1 + g * v.s[1] / 0.6, 1e-10);
        }
}

/* drho/dt by dense matrices with RK4, all words at all their places: N = 3, no two terms alike. */
static void test_dense(void **state)
{
    (void)state;
    enum { N = 3, D = 8, STEPS = 400 };
    static matrix h, rho, k[4], y;
    static matrix jump[32];
    int n_jumps = 0;
    point x;
    point_open(&x, 1, "N=3; boundary=open; hamiltonian=0.7 XY - 1.3 ZX + 0.4 ZZ + 0.9 X - 0.2 Y + 0.6 Z; jumps=s- + 0.5 s+Z + 0.3 Y + 0.8 s-s- - 0.4 s-X; start=0.6, 0.0, 0.8");
    const povm_terms *t = &x.problem.terms;
    static const double complex one[2][2] = {{1, 0}, {0, 1}};
    memset(h, 0, sizeof h);
    for (int w = 0; w < t->n_hamiltonian + t->n_jumps; w++) {
        const povm_word *word = w < t->n_hamiltonian ? &t->hamiltonian[w] : &t->jump[w - t->n_hamiltonian];
        for (int i = 0; i + word->sites <= N; i++) {
            const double complex(*op[N])[2] = {one, one, one};
            op[i] = word->op[0];
            if (word->sites == 2)
                op[i + 1] = word->op[1];
            for (size_t r = 0; r < D; r++)
                for (size_t c = 0; c < D; c++) {
                    const double complex z = word->factor * entry(N, op, r, c);
                    if (w < t->n_hamiltonian)
                        h[r][c] += z;
                    else
                        jump[n_jumps][r][c] = z;
                }
            n_jumps += w >= t->n_hamiltonian;
        }
    }
    const double complex up[2][2] = {{0.9, 0.3}, {0.3, 0.1}}; /* (1 + 0.6 X + 0.8 Z)/2 */
    const double complex(*start[N])[2] = {up, up, up};
    for (size_t r = 0; r < D; r++)
        for (size_t c = 0; c < D; c++)
            rho[r][c] = entry(N, start, r, c);
    const double dt = 1.0 / STEPS;
    for (int step = 0; step < STEPS; step++) {
        for (int stage = 0; stage < 4; stage++) {
            const double part = stage == 0 ? 0 : stage < 3 ? dt / 2 : dt;
            for (size_t r = 0; r < D; r++)
                for (size_t c = 0; c < D; c++)
                    y[r][c] = rho[r][c] + (stage ? part * k[stage - 1][r][c] : 0);
            for (size_t r = 0; r < D; r++)
                for (size_t c = 0; c < D; c++) {
                    double complex sum = 0;
                    for (size_t l = 0; l < D; l++)
                        sum += -I * (h[r][l] * y[l][c] - y[r][l] * h[l][c]);
                    for (int j = 0; j < n_jumps; j++)
                        for (size_t l = 0; l < D; l++)
                            for (size_t m = 0; m < D; m++)
                                sum += jump[j][r][l] * y[l][m] * conj(jump[j][c][m]) - 0.5 * conj(jump[j][l][r]) * jump[j][l][m] * y[m][c] -
                                       0.5 * y[r][l] * conj(jump[j][m][l]) * jump[j][m][c];
                    k[stage][r][c] = sum;
                }
        }
        for (size_t r = 0; r < D; r++)
            for (size_t c = 0; c < D; c++)
                rho[r][c] += dt / 6 * (k[0][r][c] + 2 * k[1][r][c] + 2 * k[2][r][c] + k[3][r][c]);
    }
    static const double complex pauli[4][2][2] = {{{1, 0}, {0, 1}}, {{0, 1}, {1, 0}}, {{0, -I}, {I, 0}}, {{1, 0}, {0, -1}}};
    double all[64];
    assert_int_equal(povm_pauli_solve(&x.problem, 1, all), 0);
    for (size_t s = 0; s < 64; s++) {
        const double complex(*op[N])[2] = {pauli[s & 3], pauli[s >> 2 & 3], pauli[s >> 4]};
        double complex mean = 0;
        for (size_t r = 0; r < D; r++)
            for (size_t c = 0; c < D; c++)
                mean += rho[r][c] * entry(N, op, c, r);
        assert_near(all[s], creal(mean), 2e-9);
    }
    point_close(&x);
}

/* One string of each orbit, or all strings: the same states and observables. */
static void test_symmetries(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t symmetries;
    } cases[] = {
        {"N=6; hamiltonian=0.5 ZZ + 0.3 XX + 0.7 X; start=0.6, 0.48, 0.64", 12},
        {"N=6; hamiltonian=0.5 ZY + 0.3 XX + 0.7 X; start=0.6, 0.48, 0.64", 6},
        {"N=6; boundary=open; hamiltonian=0.5 ZZ + 0.7 X", 2},
        {"N=6; boundary=open; hamiltonian=0.5 ZX + 0.7 X", 1},
        {"N=2; hamiltonian=0.5 ZZ + 0.7 X; double_bonds=true", 2},
        {"lattice=grid; Lx=3; Ly=2; hamiltonian=0.5 ZZ + 0.7 X", 12},
        {"lattice=grid; Lx=2; Ly=2; hamiltonian=0.5 ZZ + 0.7 X; jumps=s- + 0.4 s-s-", 8},
        {"lattice=grid; Lx=3; Ly=2; hamiltonian=0.5 ZX + 0.7 X", 3},
        {"lattice=graph; N=5; bonds=0,1,1,2,2,0,2,3,3,4; hamiltonian=0.5 ZX + 0.7 X", 1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        point x;
        povm_pauli some, all;
        point_open(&x, 1, cases[k].text);
        assert_int_equal(povm_pauli_create(&x.problem, true, &some), 0);
        assert_int_equal(povm_pauli_create(&x.problem, false, &all), 0);
        assert_int_equal(all.size, (size_t)1 << 2 * all.n);
        assert_int_equal(some.n_symmetries, cases[k].symmetries);
        size_t strings = 0;
        for (size_t q = 0; q < some.size; q++)
            strings += some.orbit_size[q];
        assert_int_equal(strings, all.size);
        double *c = malloc(some.size * sizeof *c), *d = malloc(all.size * sizeof *d), *e = malloc(all.size * sizeof *e), *scratch = malloc(2 * all.size * sizeof *scratch);
        povm_pauli_start(&some, x.problem.start, c);
        povm_pauli_start(&all, x.problem.start, d);
        povm_pauli_evolve(&some, 0.3, c, scratch);
        povm_pauli_evolve(&all, 0.3, d, scratch);
        povm_pauli_expand(&some, c, e);
        for (size_t q = 0; q < all.size; q++) {
            assert_near(e[q], d[q], 1e-13);
            assert_near(c[povm_pauli_find(&some, (uint32_t)q)], d[q], 1e-13);
        }
        assert_near(povm_pauli_purity(&some, c), povm_pauli_purity(&all, d), 1e-13);
        free(c);
        free(d);
        free(e);
        free(scratch);
        povm_pauli_free(&some);
        povm_pauli_free(&all);
        point_close(&x);
    }
}

/* A graph with a ring's bonds is the ring; where nothing relaxes, the time average; a slowly relaxing state. */
static void test_hard_steady_states(void **state)
{
    (void)state;
    const values ring = exact("N=5; g=1.3", -1), graph = exact("N=5; g=1.3; lattice=graph; bonds=0,1,1,2,2,3,3,4,4,0", -1);
    for (int k = 0; k < 3; k++)
        assert_near(ring.s[k], graph.s[k], 1e-11);
    assert_near(exact("N=2; hamiltonian=Z; jumps=0 Z; start=+x", -1).s[0], 0, 1e-12);
    assert_near(exact("N=2; hamiltonian=Z; jumps=0 Z; start=0.6, 0, 0.8", -1).s[2], 0.8, 1e-12);
    assert_near(exact("N=3; hamiltonian=ZZ; jumps=0.5 Z; start=0.6, 0, 0.8", -1).near[2], 0.64, 1e-12);
    const values slow = exact("N=4; gamma=1e-4", -1);
    assert_near(slow.s[2], -1 + slow.s[1] / 1e-4, 1e-7);
    const values strong = exact("N=6; V=8; g=2", -1);
    assert_near(strong.s[2], -1 + 2 * strong.s[1], 1e-10);
}

/* States: purity and least eigenvalue of the GHZ state and of the maximally mixed one; P and dual values of the GHZ state, by samples too. */
static void test_ghz(void **state)
{
    (void)state;
    double c[64] = {0}, p[64], least;
    static const struct {
        int string;
        double value;
    } ghz[] = {{0, 1}, {3 + 4 * 3, 1}, {3 + 16 * 3, 1}, {4 * 3 + 16 * 3, 1}, {1 + 4 + 16, 1}, {1 + 4 * 2 + 16 * 2, -1}, {2 + 4 * 1 + 16 * 2, -1}, {2 + 4 * 2 + 16, -1}};
    for (size_t k = 0; k < sizeof ghz / sizeof *ghz; k++)
        c[ghz[k].string] = ghz[k].value;
    assert_int_equal(povm_pauli_least_eigenvalue(3, c, &least), 0);
    assert_near(least, 0, 1e-14);
    c[3] = 0.1; /* no state any more */
    assert_int_equal(povm_pauli_least_eigenvalue(3, c, &least), 0);
    assert_near(least, -0.025 / 2, 1e-12);
    c[3] = 0;
    for (int kind = 0; kind < 3; kind++) {
        povm_frame f;
        povm_frame_init(&f, (povm_kind)kind);
        assert_int_equal(povm_pauli_probabilities(&f, 3, c, p), 0);
        for (size_t k = 0; k < sizeof ghz / sizeof *ghz; k++) {
            double mean = 0;
            for (int a = 0; a < 64; a++)
                mean += p[a] * f.dual[ghz[k].string & 3][a & 3] * f.dual[ghz[k].string >> 2 & 3][a >> 2 & 3] * f.dual[ghz[k].string >> 4][a >> 4];
            assert_near(mean, ghz[k].value, 1e-12);
        }
    }
    povm_frame f;
    qn_rng rng;
    povm_frame_init(&f, POVM_TETRA_CUBE);
    assert_int_equal(povm_pauli_probabilities(&f, 3, c, p), 0);
    qn_rng_seed(&rng, 5, 6, 7, 8);
    double mean[2] = {0, 0};
    enum { DRAWS = 1000000 };
    for (int s = 0; s < DRAWS; s++) {
        double u = qn_rng_uniform(&rng);
        int a = 0;
        while (a < 63 && (u -= p[a]) >= 0)
            a++;
        mean[0] += f.dual[1][a & 3] * f.dual[1][a >> 2 & 3] * f.dual[1][a >> 4] / DRAWS;
        mean[1] += f.dual[1][a & 3] * f.dual[2][a >> 2 & 3] * f.dual[2][a >> 4] / DRAWS;
    }
    assert_sigma(mean[0], sqrt(26.0 / DRAWS), 1);
    assert_sigma(mean[1], sqrt(26.0 / DRAWS), -1);
}

/* ---- trajectories --------------------------------------------------------------------------------------------------- */

enum { TIMES = 5 };

/* Averages of `count` trajectories at multiples of `every` beside the exact state; returns the jumps a trajectory and its error. */
static double against_exact(const char *text, size_t count, double every, double *jumps_err)
{
    point x;
    povm_exact e;
    povm_waves *w;
    povm_look *look;
    point_open(&x, 20261125, text);
    const size_t n = (size_t)x.problem.lattice.n;
    assert_int_equal(povm_exact_init(&x.problem, &e), 0);
    x.problem.tau = every;
    assert_int_equal(povm_waves_create(&x.problem, 0.02, &w), 0);
    assert_int_equal(povm_look_create(&x.problem, &look), 0);
    povm_room *room = povm_room_create(w);
    assert_non_null(room);
    const size_t lanes = (size_t)povm_waves_lanes(w), blocks = count / lanes;
    povm_block *block = calloc(blocks, sizeof *block);
    double *c = malloc(e.g.size * sizeof *c), *scratch = malloc(2 * e.g.size * sizeof *scratch), *one = malloc(lanes * 3 * n * sizeof *one), *pair = malloc(lanes * 3 * n * n * sizeof *pair);
    povm_expectations v, *of = calloc(lanes, sizeof *of);
    povm_pauli_start(&e.g, x.problem.start, c);
    for (size_t b = 0; b < blocks; b++)
        assert_int_equal(povm_block_init(w, &x.streams, b * lanes, &block[b]), 0);
    for (int t = 1; t <= TIMES; t++) {
        povm_look_clear(look);
        for (size_t b = 0; b < blocks; b++) {
            povm_block_advance(w, room, povm_waves_steps(w), &block[b]);
            povm_block_look(w, room, &block[b], one, pair, of);
            for (size_t l = 0; l < lanes; l++)
                povm_look_state(look, b * lanes + l, blocks * lanes, &of[l]);
        }
        const double parts = ceil(every * e.g.norm / POVM_PAULI_REACH);
        for (int k = 0; k < parts; k++)
            povm_pauli_evolve(&e.g, every / parts, c, scratch);
        povm_pauli_expectations(&e.g, &x.problem, c, e.one, e.pair, &v);
        povm_look_clear(e.look);
        povm_look_exact(e.look, &v);
        for (int obs = POVM_O_SX; obs <= POVM_O_ENERGY; obs++) {
            const double got = povm_look_mean(look, obs, 0), err = povm_look_error(look, obs, 0), want = povm_look_mean(e.look, obs, 0);
            if (!(fabs(got - want) <= Q_Z * err + 1e-9))
                fail_msg("%s, t = %g: %s = %.6g +- %.2g, want %.6g (z = %.2f)", text, t * every, povm_observables[obs].name, got, err, want, (got - want) / err);
            assert_true(err < 0.01);
        }
        for (int obs = POVM_O_CORR_XX; obs <= POVM_O_CORR_ZZ; obs++)
            for (size_t k = 0; k < 2; k++)
                assert_sigma(povm_look_mean(look, obs, k), povm_look_error(look, obs, k) + 1e-9, povm_look_mean(e.look, obs, k));
    }
    double mean = 0, square = 0;
    for (size_t j = 0; j < blocks * lanes; j++) {
        const double jumps = (double)block[j / lanes].jumps[j % lanes];
        mean += jumps / (double)(blocks * lanes);
        square += jumps * jumps / (double)(blocks * lanes);
    }
    *jumps_err = sqrt((square - mean * mean) / (double)(blocks * lanes - 1));
    for (size_t b = 0; b < blocks; b++)
        povm_block_free(&block[b]);
    free(block);
    free(c);
    free(scratch);
    free(one);
    free(pair);
    free(of);
    povm_room_destroy(room);
    povm_look_destroy(look);
    povm_waves_destroy(w);
    povm_exact_free(&e);
    point_close(&x);
    return mean;
}

/* Jumps until t: gamma times the integral of the number of spins up, by Simpson's rule. */
static double expected_jumps(const char *text, int n, double t)
{
    enum { PARTS = 40 };
    double sum = 0;
    for (int k = 0; k <= PARTS; k++)
        sum += (k == 0 || k == PARTS ? 1 : k % 2 ? 4 : 2) * n * (1 + exact(text, t * k / PARTS).s[2]) / 2;
    return sum * t / PARTS / 3;
}

static void test_trajectories_ising(void **state)
{
    (void)state;
    double err, jumps = against_exact("N=6; g=1", 4000, 0.5, &err);
    assert_sigma(jumps, err, expected_jumps("N=6; g=1", 6, 0.5 * TIMES));
}

static void test_trajectories_xyz(void **state)
{
    (void)state;
    double err, jumps = against_exact("N=6; hamiltonian=0.9 XX + 1.6 YY + 1.0 ZZ; jumps=s-", 4000, 0.3, &err);
    assert_sigma(jumps, err, expected_jumps("N=6; hamiltonian=0.9 XX + 1.6 YY + 1.0 ZZ; jumps=s-", 6, 0.3 * TIMES));
}

/* Every kind of word: gates that are no rotations of pairs, two-site and incoherent jumps, mixed words in the energy, an open grid. */
static void test_trajectories_words(void **state)
{
    (void)state;
    double err;
    against_exact("lattice=grid; Lx=3; Ly=2; boundary=open; hamiltonian=0.9 XX + 1.6 YY + ZZ + 0.3 XY - 0.4 ZX + 0.3 Y + 0.2 Z; jumps=s- + 0.5 Z + 0.4 s-s- + 0.3 XY + 0.2 s+; start=0.6, 0, 0.8",
                  2000, 0.25, &err);
}

/* Many spins that know nothing of each other, in lanes and alone in their block: every spin of every trajectory is a sample of the same known motion. */
static void test_trajectories_long(void **state)
{
    (void)state;
    static const struct {
        int n;
        size_t count;
    } cases[] = {{12, 64}, {17, 8}};
    for (int k = 0; k < 2; k++) {
        char text[100];
        point x;
        povm_waves *w;
        snprintf(text, sizeof text, "N=%d; hamiltonian=0 X; jumps=s-; tau=0.4; start=+x", cases[k].n);
        point_open(&x, 3, text);
        assert_int_equal(povm_waves_create(&x.problem, 0.1, &w), 0);
        povm_room *room = povm_room_create(w);
        assert_non_null(room);
        const size_t lanes = (size_t)povm_waves_lanes(w), n = (size_t)cases[k].n, samples = cases[k].count * n;
        double *one = malloc(lanes * 3 * n * sizeof *one), *pair = malloc(lanes * 3 * n * n * sizeof *pair), sum[3] = {0}, square[3] = {0};
        povm_expectations of[POVM_LANES];
        assert_int_equal(lanes, k ? 1 : POVM_LANES);
        for (size_t b = 0; b < cases[k].count / lanes; b++) {
            povm_block block;
            assert_int_equal(povm_block_init(w, &x.streams, b * lanes, &block), 0);
            povm_block_advance(w, room, povm_waves_steps(w), &block);
            povm_block_look(w, room, &block, one, pair, of);
            for (size_t l = 0; l < lanes; l++)
                for (size_t i = 0; i < 3 * n; i++) {
                    sum[i / n] += of[l].one[i];
                    square[i / n] += of[l].one[i] * of[l].one[i];
                }
            povm_block_free(&block);
        }
        const double want[3] = {exp(-0.2), 0, exp(-0.4) - 1};
        for (int q = 0; q < 3; q++) {
            const double mean = sum[q] / (double)samples, err = sqrt(fmax(square[q] / (double)samples - mean * mean, 0) / (double)samples);
            assert_sigma(mean, err + 1e-12, want[q]);
        }
        free(one);
        free(pair);
        povm_room_destroy(room);
        povm_waves_destroy(w);
        point_close(&x);
    }
}

/* A trajectory comes out the same bits in any lane, beside any others. */
static void test_lanes(void **state)
{
    (void)state;
    point x;
    povm_waves *w;
    povm_block a, b;
    point_open(&x, 9, "N=5; tau=2");
    assert_int_equal(povm_waves_create(&x.problem, 0.02, &w), 0);
    povm_room *room = povm_room_create(w);
    assert_non_null(room);
    assert_int_equal(povm_block_init(w, &x.streams, 0, &a), 0);
    assert_int_equal(povm_block_init(w, &x.streams, 3, &b), 0);
    povm_block_advance(w, room, povm_waves_steps(w), &a);
    povm_block_advance(w, room, povm_waves_steps(w) / 2, &b);
    povm_block_advance(w, room, povm_waves_steps(w) - povm_waves_steps(w) / 2, &b);
    for (size_t l = 3; l < POVM_LANES; l++) {
        assert_int_equal(a.jumps[l], b.jumps[l - 3]);
        assert_true(a.norm[l] == b.norm[l - 3]);
        for (size_t s = 0; s < 32; s++)
            assert_true(a.re[s * POVM_LANES + l] == b.re[s * POVM_LANES + l - 3]);
    }
    povm_block_free(&a);
    povm_block_free(&b);
    povm_room_destroy(room);
    povm_waves_destroy(w);
    point_close(&x);
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------------ */

/* Goes on after `first` units (pieces, where a unit takes several) as if it had not stopped. */
static void resumed(const povm_task *task, const char *text, int first, int then)
{
    job whole, half, again;
    qn_group g = {0};
    job_open(&whole, task, 4, text);
    job_open(&half, task, 4, text);
    job_open(&again, task, 4, text);
    if (task == &povm_exact_steady) {
        for (int k = 0; k < first; k++)
            assert_int_equal(task->advance(half.run, &half.at.streams, 1), 0);
    } else {
        job_steps(&half, first);
    }
    assert_int_equal(task->save(half.run, &g), 0);
    assert_int_equal(task->load(again.run, &g), 0);
    assert_same_checkpoint(&half, &again);
    job_steps(&again, then);
    job_steps(&whole, task == &povm_exact_steady ? 1 : first + then);
    assert_same_checkpoint(&whole, &again);
    qn_group_clear(&g);
    job_close(&whole);
    job_close(&half);
    job_close(&again);
}

static void test_resume(void **state)
{
    (void)state;
    resumed(&povm_exact_steady, "N=9; g=1", 3, 1);
    resumed(&povm_exact_dynamics, "N=5; tau=0.3", 4, 5);
    resumed(&povm_trajectories, "N=5; tau=0.1; trajectories=20", 7, 6);
    resumed(&povm_trajectories, "N=17; tau=0.1; trajectories=2", 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_frame_tables),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_golden_generators),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_single_spin),
        cmocka_unit_test(test_dephasing_ring),
        cmocka_unit_test(test_steady_table),
        cmocka_unit_test(test_dynamics_table),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_symmetries),
        cmocka_unit_test(test_hard_steady_states),
        cmocka_unit_test(test_ghz),
        cmocka_unit_test(test_trajectories_ising),
        cmocka_unit_test(test_trajectories_xyz),
        cmocka_unit_test(test_trajectories_words),
        cmocka_unit_test(test_trajectories_long),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_resume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
