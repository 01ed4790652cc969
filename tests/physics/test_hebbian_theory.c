/* test_hebbian_theory.c -- the replica theory of the dense network against published numbers, against its own equations integrated
 * another way, and against thermodynamics (u = d(bf)/db).  Tables: tests/data/pspin_constants.csv and t0_capacity.csv (their first
 * lines state source and error); lines of the phase diagram to the digits given. */
#include "qtest.h"

#include <gsl/gsl_integration.h>
#include <gsl/gsl_math.h>

#include "dataset.h"
#include "hebbian/hebbian.h"
#include "hebbian/theory.h"
#include "hebbian/theory_parts.h"
#include "params.h"
#include "sweep.h"
#include "theory.h"

/* All quantities at a point given as "P=4 T=0.5 ..."; "T=-": T is not set. */
static int quantities(const char *text, double out[HEB_QUANTITIES])
{
    qn_schema schema;
    qn_params p;
    char word[32], value[32];
    int used;
    assert_int_equal(qn_schema_init(&schema, &hebbian_model), 0);
    assert_int_equal(qn_params_init(&p, &schema), 0);
    for (; sscanf(text, " %31[^= ]=%31s%n", word, value, &used) == 2; text += used) {
        int i = qn_schema_index(&schema, word);
        assert_true(i >= 0);
        qn_value_free(&p.v[i]);
        if (strcmp(value, "-"))
            assert_int_equal(qn_value_parse(&schema.item[i], value, &p.v[i]), 0);
    }
    int err = heb_theory_at(&p, out);
    qn_params_free(&p);
    qn_schema_free(&schema);
    return err;
}

static double quantity(heb_quantity which, const char *format, ...) QN_PRINTF(2, 3);
static double quantity(heb_quantity which, const char *format, ...)
{
    char text[256];
    double out[HEB_QUANTITIES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_int_equal(quantities(text, out), 0);
    return out[which];
}

/* Rows of a table of numbers: lines that begin with '#' or a letter are skipped. */
static size_t read_table(const char *path, size_t cols, double (*rows)[8], size_t most)
{
    FILE *f = fopen(path, "r");
    char line[512];
    size_t n = 0;
    if (!f)
        fail_msg("%s cannot be opened (tests run in the root of the repository)", path);
    while (f && fgets(line, sizeof line, f)) {
        if (line[0] < '0' || line[0] > '9')
            continue;
        assert_true(n < most);
        char *at = line;
        for (size_t k = 0; k < cols; k++, at += *at == ',')
            rows[n][k] = strtod(at, &at);
        n++;
    }
    fclose(f);
    return n;
}

/* ---- averages ------------------------------------------------------------------------------------------------------ */

typedef struct average {
    double a, sigma, T, y;
    int which;
} average;

static double integrand(double z, void *of)
{
    const average *x = of;
    double h = (x->a + x->sigma * z) / x->T, e = exp(-2 * fabs(h)), lc = fabs(h) + log1p(e);
    double value[] = {(h > 0 ? 2 * e : 2) / (1 + e), pow(2 / (exp(h) + exp(-h)), 2) / x->T, pow(2 / (exp(h) + exp(-h)), 4) / x->T, x->T * lc, 1};
    return value[x->which] * exp(x->y * x->T * lc - z * z / 2) / sqrt(2 * M_PI);
}

/* Adaptive, from -14 to 14, cut where tanh has its step. */
static double adaptive(average x)
{
    gsl_integration_workspace *w = gsl_integration_workspace_alloc(2000);
    double z0 = -x.a / x.sigma, width = 20 * x.T / x.sigma, cut[5] = {-14, z0 - width, z0, z0 + width, 14}, sum = 0;
    gsl_function f = {integrand, &x};
    for (size_t i = 0; i < 4; i++) {
        double lo = GSL_MIN(GSL_MAX(cut[i], -14), 14), hi = GSL_MIN(GSL_MAX(cut[i + 1], -14), 14), part, err;
        if (lo < hi && !gsl_integration_qag(&f, lo, hi, 0, 1e-13, 2000, GSL_INTEG_GAUSS61, w, &part, &err))
            sum += part;
    }
    gsl_integration_workspace_free(w);
    return sum;
}

/* Every regime: noise far below and far above T, far and near threshold.  Relative error, also of the tiny 1 - m. */
static void test_averages(void **state)
{
    (void)state;
    static const double a[] = {0, 0.1, 1, 2, 3}, sigma[] = {0.01, 0.1, 0.5, 1, 2}, T[] = {0.001, 0.02, 0.1, 0.3, 1, 3};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++)
            for (size_t k = 0; k < 6; k++) {
                if (a[i] / sigma[j] > 11)
                    continue;
                heb_theory th;
                assert_int_equal(heb_theory_init(&th, 4, HEB_DISTINCT, T[k]), 0);
                heb_moments m = heb_average(&th, a[i], sigma[j]);
                double got[] = {m.d, m.c, m.s4, m.l};
                for (int w = 0; w < 4; w++) {
                    double want = adaptive((average){a[i], sigma[j], T[k], 0, w});
                    if (!(fabs(got[w] / want - 1) <= 1e-10))
                        fail_msg("average %d at a=%g sigma=%g T=%g: %.15g, want %.15g", w, a[i], sigma[j], T[k], got[w], want);
                }
            }
    for (size_t j = 2; j < 5; j++)
        for (size_t k = 0; k < 6; k++) {
            heb_theory th;
            double y = GSL_MIN(1 / T[k], 1.7);
            assert_int_equal(heb_theory_init(&th, 4, HEB_DISTINCT, T[k]), 0);
            heb_tilted m = heb_tilted_average(&th, sigma[j], y);
            double total = adaptive((average){0, sigma[j], T[k], y, 4}), got[] = {m.c, m.s4, m.l};
            assert_near(m.log_z, log(total), 1e-10);
            for (int w = 0; w < 3; w++)
                assert_near(got[w] / (adaptive((average){0, sigma[j], T[k], y, w + 1}) / total), 1, 1e-10);
        }
}

/* T = 0 is the limit of T -> 0, in all that the equations use; corrections of order T^2. */
static void test_zero_temperature_limit(void **state)
{
    (void)state;
    heb_theory zero, cold;
    assert_int_equal(heb_theory_init(&zero, 4, HEB_DISTINCT, 0), 0);
    assert_int_equal(heb_theory_init(&cold, 4, HEB_DISTINCT, 1e-5), 0);
    heb_moments p = heb_average(&zero, 1.2, 0.7), q = heb_average(&cold, 1.2, 0.7);
    assert_near(p.d, q.d, 1e-8);
    assert_near(p.c, q.c, 1e-8);
    assert_near(p.s4, q.s4, 1e-8);
    assert_near(p.l, q.l, 1e-8);
    heb_tilted s = heb_tilted_average(&zero, 0.7, 1.6), t = heb_tilted_average(&cold, 0.7, 1.6);
    assert_near(s.log_z, t.log_z, 1e-4);
    assert_near(s.c, t.c, 1e-4);
    assert_near(s.s4, t.s4, 1e-4);
    assert_near(s.l, t.l, 1e-4);
    static const char *const models[] = {"P=2 load=0.08", "P=4 load=0.2", "P=6 load=0.3 energy=distinct", "P=4 load=2", "P=2 load=0.5"};
    for (size_t i = 0; i < 5; i++)
        for (heb_quantity w = HEB_Q_M; w <= HEB_Q_LOAD_COEXISTENCE; w++)
            if (w != HEB_Q_REPLICON && (w != HEB_Q_CROSSTALK || models[i][2] == '2'))
                assert_near(quantity(w, "N=128 %s T=1e-5", models[i]), quantity(w, "N=128 %s T=0", models[i]), 1e-4);
    assert_true(quantity(HEB_Q_REPLICON, "N=128 P=4 load=0.1 T=0") < 0); /* RS is never stable there */
    assert_true(quantity(HEB_Q_LOAD_REPLICON, "N=128 P=4 load=0.1 T=0") == 0);
}

/* ---- the equations, written out ----------------------------------------------------------------------------------- */

typedef struct plain {
    double m, q, f, u, replicon;
} plain;

/* One step of the RS equations from (m, q), and f there, with the trapezoid rule on [-8.5, 8.5], 3000 nodes; xi = q^P, or q^4 + 3 q^2. */
static plain iterate(int P, bool full, double T, double load, double m, double q)
{
    double b = 1 / T, chi = b * (1 - q), r = q / ((1 - chi) * (1 - chi)), variance, sum_m = 0, sum_q = 0, sum_l = 0, sum_4 = 0;
    if (P == 2)
        variance = load * r;
    else
        variance = full ? load * (2 * q * q * q + 3 * q) : load * P / 2 * pow(q, P - 1);
    double step = 17.0 / 3000;
    for (int i = 0; i <= 3000; i++) {
        double z = -8.5 + step * i, w = step * exp(-z * z / 2) / sqrt(2 * M_PI), h = b * (P / 2.0 * pow(m, P - 1) + z * sqrt(variance));
        sum_m += w * tanh(h);
        sum_q += w * tanh(h) * tanh(h);
        sum_4 += w * pow(1 - tanh(h) * tanh(h), 2);
        sum_l += w * (fabs(h) + log1p(exp(-2 * fabs(h))));
    }
    plain out = {sum_m, sum_q, 0, 0, 0};
    if (P == 2) {
        out.f = load / 2 + m * m / 2 + load / (2 * b) * (log(1 - chi) - b * q / (1 - chi)) + load * b * r * (1 - q) / 2 - T * sum_l;
        out.replicon = (1 - chi) * (1 - chi) - load * b * b * sum_4;
        return out;
    }
    double xi = full ? pow(q, 4) + 3 * q * q : pow(q, P), xi1 = full ? 4 * q * q * q + 6 * q : P * pow(q, P - 1), one = full ? 4 : 1;
    out.f = -T * (sum_l - b * (P - 1) / 2.0 * pow(m, P) + b * b * load / 4 * (one - xi1 + q * xi1 - xi));
    out.u = -pow(m, P) / 2 - b * load / 2 * (one - xi);
    out.replicon = 1 - b * b * load * (full ? 6 * q * q + 3 : P * (P - 1) / 2.0 * pow(q, P - 2)) * sum_4;
    return out;
}

static void test_equations(void **state)
{
    (void)state;
    static const struct {
        int P;
        bool full;
        double T, load;
    } at[] = {{2, false, 0.3, 0.05}, {2, false, 0.6, 0.03}, {2, false, 0.9, 0.001}, {4, false, 0.6, 0.05}, {4, false, 0.2, 0.43}, {4, false, 0.95, 0.03},
              {6, false, 0.6, 0.1}, {8, false, 1, 0.3}, {4, true, 0.5, 0.1}, {4, true, 0.8, 0.05}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        heb_theory th;
        assert_int_equal(heb_theory_init(&th, at[i].P, at[i].full ? HEB_FULL : HEB_DISTINCT, at[i].T), 0);
        heb_rs top = heb_rs_spinodal(&th);
        assert_true(at[i].load < top.load);
        heb_rs s = heb_rs_retrieval(&th, &top, at[i].load);
        plain p = iterate(at[i].P, at[i].full, at[i].T, at[i].load, s.m, s.q);
        assert_false(th.failed);
        assert_true(s.m > top.m);
        assert_near(p.m, s.m, 1e-11);
        assert_near(p.q, s.q, 1e-11);
        assert_near(p.f, heb_rs_f(&th, &s), 1e-11);
        assert_near(p.replicon, heb_rs_replicon(&th, &s), 1e-9);
        if (at[i].P > 2)
            assert_near(p.u, heb_rs_u(&th, &s), 1e-11);
        /* f is stationary: by central differences it does not change to first order */
        double e = 1e-4;
        assert_near((iterate(at[i].P, at[i].full, at[i].T, at[i].load, s.m + e, s.q).f - iterate(at[i].P, at[i].full, at[i].T, at[i].load, s.m - e, s.q).f) / (2 * e), 0, 1e-5);
        assert_near((iterate(at[i].P, at[i].full, at[i].T, at[i].load, s.m, s.q + e).f - iterate(at[i].P, at[i].full, at[i].T, at[i].load, s.m, s.q - e).f) / (2 * e), 0, 1e-5);
    }
}

/* u = d(f/T)/d(1/T), in every state: retrieval, paramagnet, glass. */
static void test_energy_is_derivative(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double T;
    } at[] = {{"P=2 load=0.05", 0.3}, {"P=2 load=0.02", 0.6}, {"P=2 load=0.5", 0.4}, {"P=2 load=0.5", 1.2}, {"P=2 load=0.5", 2.2}, {"P=4 load=0.1", 0.6}, {"P=4 load=0.38", 0.05},
              {"P=4 load=0.05", 0.9}, {"P=4 load=1", 1.1}, {"P=4 load=1", 0.5}, {"P=4 load=1", 0.1}, {"P=6 load=0.1", 0.6}, {"P=6 load=1", 0.4}, {"P=8 load=2", 0.3},
              {"P=4 load=0.1 energy=full", 0.5}, {"P=4 load=0.3 energy=full", 0.4}, {"P=4 load=0.3 energy=full", 1.5}, {"P=6 load=0.1 energy=full", 0.5}, {"P=2 load=0.05 energy=full", 0.3}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        double b = 1 / at[i].T, e = 1e-4 * b, bf[2];
        for (int k = 0; k < 2; k++) {
            double T = 1 / (k ? b + e : b - e);
            bf[k] = quantity(HEB_Q_F, "N=128 %s T=%.17g", at[i].model, T) / T;
        }
        assert_near((bf[1] - bf[0]) / (2 * e), quantity(HEB_Q_U, "N=128 %s T=%.17g", at[i].model, at[i].T), 2e-6);
    }
}

/* ---- published numbers --------------------------------------------------------------------------------------------- */

static void test_capacity(void **state)
{
    (void)state;
    double row[16][8];
    size_t n = read_table("tests/data/t0_capacity.csv", 8, row, 16);
    assert_true(n >= 4);
    for (size_t i = 0; i < n; i++) {
        assert_near(quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=%g load=0 T=0", row[i][0]), row[i][1], 1e-8);
        assert_near(quantity(HEB_Q_M_SPINODAL, "N=128 P=%g load=0 T=0", row[i][0]), row[i][2], 1e-6);
    }
    assert_near(quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=2 load=0 T=0"), 0.137905566, 1e-9);
    assert_near(quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=10 load=0 T=0"), 0.6446804, 1e-7);
    assert_near(quantity(HEB_Q_M_SPINODAL, "N=128 P=10 load=0 T=0"), 0.983235, 1e-6);
    assert_near(quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=4 load=0 dynamics=zero"), 0.3957202, 1e-7);
    /* full: every load divided by (2P-3)!!/(P-1)! */
    assert_near(quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=4 load=0 T=0 energy=full"), 0.3957202384 / 2.5, 1e-9);
    assert_near(quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=6 load=0 T=0 energy=full"), 0.47303861 / (945.0 / 120), 1e-8);
}

static void test_pspin_constants(void **state)
{
    (void)state;
    double row[16][8];
    size_t n = read_table("tests/data/pspin_constants.csv", 7, row, 16), tested = 0;
    for (size_t i = 0; i < n; i++) {
        int P = (int)row[i][0];
        if (P % 2)
            continue;
        heb_theory th;
        assert_int_equal(heb_theory_init(&th, P, HEB_DISTINCT, 0), 0);
        heb_transitions at = heb_glass_transitions(&th);
        assert_near(at.dynamic, row[i][1], 1e-5);
        assert_near(at.glass, row[i][2], 1e-5);
        heb_rest ground = heb_rest_at(&th, &at, 1);
        assert_near(ground.f, row[i][5], 1e-6);
        assert_near(ground.u, row[i][5], 1e-6);
        assert_near(ground.y, row[i][6], 2e-5);
        assert_near(heb_rest_at(&th, &at, 4).f, 2 * row[i][5], 2e-6); /* J = sqrt(load) */
        th.T = at.glass * (1 - 1e-6);
        heb_rest frozen = heb_rest_at(&th, &at, 1);
        assert_near(frozen.q, row[i][3], 2e-5);
        assert_near(frozen.y * th.T, 1, 1e-4);
        assert_near(frozen.f, -1 / (4 * th.T) - th.T * M_LN2, 1e-9); /* continuous at the transition */
        for (int k = 0; k < 2 && !isnan(row[i][4]); k++) {
            th.T = row[i][4] + (k ? 2e-5 : -2e-5); /* the step is unstable below the Gardner temperature */
            assert_true((heb_rest_at(&th, &at, 1).replicon > 0) == (k == 1));
        }
        assert_false(th.failed);
        tested++;
    }
    assert_true(tested >= 4);
    assert_near(quantity(HEB_Q_T_GLASS, "N=128 P=4 load=0.25 T=1"), 0.61688 / 2, 1e-5);
    assert_near(quantity(HEB_Q_T_DYNAMIC, "N=128 P=4 load=0.25 T=1"), 0.67841 / 2, 1e-5);
    assert_near(quantity(HEB_Q_T_GLASS, "N=128 P=2 load=0.25 T=1"), 1.5, 1e-12);
}

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        int P;
        double T, spinodal, coexistence, digits;
    } line[] = {{4, 0.25, 0.44286, 0.38019, 6e-6}, {4, 0.45, 0.46018, 0.36501, 6e-6}, {4, 0.55, 0.45291, 0.28555, 6e-6}, {4, 0.65, 0.41278, 0.14326, 6e-6}, {4, 0.75, 0.32921, 0, 6e-6},
                {6, 0.25, 0.51060, 0.36392, 6e-6}, {6, 0.45, 0.52729, 0.34265, 6e-6}, {6, 0.65, 0.52194, 0.12963, 6e-6}, {6, 0.85, 0.44546, 0, 6e-6},
                {2, 0.2, 0.122559, 0.050725, 6e-7}, {2, 0.4, 0.081037, 0.037047, 6e-7}, {2, 0.6, 0.038809, 0.019264, 6e-7}, {2, 0.8, 0.010101, 0.005370, 6e-7}};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        double out[HEB_QUANTITIES];
        char text[64];
        snprintf(text, sizeof text, "N=128 P=%d T=%g load=0.001", line[i].P, line[i].T);
        assert_int_equal(quantities(text, out), 0);
        assert_near(out[HEB_Q_LOAD_SPINODAL], line[i].spinodal, line[i].digits);
        assert_near(out[HEB_Q_LOAD_COEXISTENCE], line[i].coexistence, line[i].digits);
        /* on the line the two free energies are equal; a little to the sides they are ordered, and retrieval ends at the spinodal */
        double c = out[HEB_Q_LOAD_COEXISTENCE], s = out[HEB_Q_LOAD_SPINODAL];
        for (int k = -1; k <= 1 && c > 0; k++) {
            double x = c * (1 + 1e-3 * k), retrieval = quantity(HEB_Q_F, "N=128 P=%d T=%g load=%.15g", line[i].P, line[i].T, x);
            double rest = quantity(HEB_Q_F_REST, "N=128 P=%d T=%g load=%.15g", line[i].P, line[i].T, x);
            assert_true(k ? (retrieval - rest) * k > 0 : fabs(retrieval - rest) < 1e-9);
        }
        assert_true(quantity(HEB_Q_M, "N=128 P=%d T=%g load=%.15g", line[i].P, line[i].T, s * (1 - 1e-9)) > 0.5);
        assert_true(quantity(HEB_Q_M, "N=128 P=%d T=%g load=%.15g", line[i].P, line[i].T, s * (1 + 1e-9)) == 0);
    }
    assert_near(quantity(HEB_Q_LOAD_COEXISTENCE, "N=128 P=2 T=0 load=0"), 0.0519, 5e-5);
    double load = 0.3, glass = quantity(HEB_Q_F_REST, "N=128 P=2 T=0 load=%g", load);
    assert_near(glass, -1 / M_PI - sqrt(2 * load / M_PI), 1e-10);
}

/* Ends of the lines at load 0, and where RS loses its stability on the spinodal. */
static void test_ends(void **state)
{
    (void)state;
    static const struct {
        int P;
        double exists, ground;
    } end[] = {{2, 1, 1}, {4, 0.99157, 0.72590}, {6, 1.26816, 0.72161}, {8, 1.54776, 0.72136}};
    for (size_t i = 0; i < 4; i++)
        for (int k = -1; k <= 1; k += 2) {
            double exists = end[i].exists + 1e-5 * k, ground = end[i].ground + 1e-5 * k;
            assert_true((quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=%d load=0 T=%.9g", end[i].P, exists) > 0) == (k < 0));
            assert_true((quantity(HEB_Q_M, "N=128 P=%d load=0 T=%.9g", end[i].P, exists) > 0) == (k < 0));
            assert_true((quantity(HEB_Q_LOAD_COEXISTENCE, "N=128 P=%d load=0 T=%.9g", end[i].P, ground) > 0) == (k < 0));
        }
    /* unstable on the spinodal of P = 4 below T = 0.46, of P = 6 below T = 0.53 */
    assert_true(quantity(HEB_Q_LOAD_REPLICON, "N=128 P=4 load=0 T=0.45") < quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=4 load=0 T=0.45"));
    assert_true(isnan(quantity(HEB_Q_LOAD_REPLICON, "N=128 P=4 load=0 T=0.47")));
    assert_true(quantity(HEB_Q_LOAD_REPLICON, "N=128 P=6 load=0 T=0.52") < quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=6 load=0 T=0.52"));
    assert_true(isnan(quantity(HEB_Q_LOAD_REPLICON, "N=128 P=6 load=0 T=0.54")));
    double line = quantity(HEB_Q_LOAD_REPLICON, "N=128 P=4 load=0 T=0.3");
    assert_near(quantity(HEB_Q_REPLICON, "N=128 P=4 T=0.3 load=%.15g", line), 0, 1e-8);
    assert_true(quantity(HEB_Q_REPLICON, "N=128 P=4 T=0.3 load=%.15g", line * 0.99) > 0);
}

/* The points at which simulations are held against this theory. */
static void test_points(void **state)
{
    (void)state;
    static const struct {
        int P;
        double load, T, m;
    } at[] = {{2, 0.05, 0.3, 0.99116}, {2, 0.1, 0.2, 0.98909}, {2, 0.02, 0.6, 0.87929}, {4, 0.05, 0.6, NAN}, {4, 0.1, 0.6, NAN}, {4, 0.2, 0.4, NAN}, {6, 0.1, 0.6, NAN}, {6, 0.1, 0.8, 0.997}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        double out[HEB_QUANTITIES];
        char text[64];
        snprintf(text, sizeof text, "N=128 P=%d load=%g T=%g", at[i].P, at[i].load, at[i].T);
        assert_int_equal(quantities(text, out), 0);
        print_message("    P=%d load=%-5g T=%-4g m=%.6f q=%.6f u=%.6f f=%.6f\n", at[i].P, at[i].load, at[i].T, out[HEB_Q_M], out[HEB_Q_Q], out[HEB_Q_U], out[HEB_Q_F]);
        if (!isnan(at[i].m))
            assert_near(out[HEB_Q_M], at[i].m, at[i].P == 2 ? 6e-6 : 6e-4);
        else
            assert_near(out[HEB_Q_M], iterate(at[i].P, false, at[i].T, at[i].load, out[HEB_Q_M], out[HEB_Q_Q]).m, 1e-11);
    }
}

/* ---- parameters ----------------------------------------------------------------------------------------------------- */

static void test_parameters(void **state)
{
    (void)state;
    /* K instead of load */
    assert_near(quantity(HEB_Q_M, "P=4 N=64 K=1986 T=0.6"), quantity(HEB_Q_M, "P=4 N=64 load=%.15g T=0.6", heb_load_of(1986, 64, 4, HEB_EXACT)), 1e-12);
    assert_near(quantity(HEB_Q_M, "P=4 N=64 K=2185 T=0.6 norm=asymptotic"), quantity(HEB_Q_M, "P=4 N=64 load=%.15g T=0.6", 2185 * 12.0 / (64.0 * 64 * 64)), 1e-12);
    /* one step: erf(sqrt(P/(4 load))), full: noise (2P-3)!!/(P-1)! times larger */
    assert_near(quantity(HEB_Q_ONE_STEP, "N=128 P=4 load=0.7 T=0.6"), erf(sqrt(1 / 0.7)), 1e-14);
    assert_near(quantity(HEB_Q_ONE_STEP, "N=128 P=2 load=0.7 T=0.6"), erf(sqrt(0.5 / 0.7)), 1e-14);
    assert_near(quantity(HEB_Q_ONE_STEP, "N=128 P=4 load=0.7 T=0.6 energy=full"), erf(sqrt(1 / (0.7 * 2.5))), 1e-14);
    assert_near(quantity(HEB_Q_STABILITY, "N=128 P=4 load=0.7 T=0.6"), 1 - erfc(sqrt(1 / 0.7)) / 2, 1e-14);
    assert_near(quantity(HEB_Q_ONE_STEP, "N=128 P=4 load=0.7 T=0.6 start=noisy start_overlap=0.8"), erf(0.512 / sqrt(0.7)), 1e-14);
    assert_true(quantity(HEB_Q_ONE_STEP, "N=128 P=4 load=0.7 T=0.6 start=random") == 0);
    assert_near(quantity(HEB_Q_STABILITY, "N=128 P=4 load=0.7 T=0.6 start=random"), 1 - erfc(sqrt(1 / 0.7)) / 2, 1e-14);
    /* P = 2: paramagnet load/(1-b); T = 0 load r, r = 1/(1-C)^2 */
    assert_near(quantity(HEB_Q_CROSSTALK, "N=128 P=2 load=0.5 T=2"), 0.5 / (1 - 0.5), 1e-14);
    double c = sqrt(2 / M_PI / 0.5) / (1 + sqrt(2 / M_PI / 0.5)); /* of the glass: C/(1-C) = sqrt(2/(pi load)) */
    assert_near(quantity(HEB_Q_CROSSTALK, "N=128 P=2 load=0.5 T=0"), 0.5 / ((1 - c) * (1 - c)), 1e-12);
    /* load 0: mean field, m = tanh((P/2T) m^(P-1)) */
    double m = quantity(HEB_Q_M, "N=128 P=4 load=0 T=0.6");
    assert_near(m, tanh(2 * m * m * m / 0.6), 1e-14);
    assert_near(quantity(HEB_Q_U, "N=128 P=4 load=0 T=0.6"), -m * m * m * m / 2, 1e-14);
    assert_true(quantity(HEB_Q_M, "N=128 P=4 load=0 T=0") == 1 && quantity(HEB_Q_ONE_STEP, "N=128 P=4 load=0 T=0") == 1);
    assert_near(quantity(HEB_Q_F, "N=128 P=4 load=0 T=0"), -0.5, 1e-14);
    /* without retrieval: the paramagnet */
    assert_near(quantity(HEB_Q_F, "N=128 P=4 load=1 T=1.5"), -1 / 6.0 - 1.5 * M_LN2, 1e-14);
    assert_near(quantity(HEB_Q_U, "N=128 P=4 load=1 T=1.5"), -1 / 3.0, 1e-14);
    assert_true(quantity(HEB_Q_M, "N=128 P=4 load=1 T=1.5") == 0);
    assert_near(quantity(HEB_Q_U, "N=128 P=2 load=0.5 T=2"), -0.25 * 0.5 / (1 - 0.5), 1e-14);
    /* full: the energy that the patterns have at random; E M^4 = 3N^2 - 2N, E M^6 = 15N^3 - 30N^2 + 16N */
    double n = 64, K = heb_patterns_at(0.05, 64, 4, HEB_EXACT);
    assert_near(quantity(HEB_Q_F, "P=4 N=64 load=0.05 T=5 energy=full"), -5 * M_LN2 - 0.05 / 20 * 4 - K / 2 * (3 * n * n - 2 * n) / pow(n, 4), 1e-12);
    double at_random = quantity(HEB_Q_U, "P=6 N=64 load=0.05 T=1e6 energy=full"), K6 = heb_patterns_at(0.05, 64, 6, HEB_EXACT);
    assert_near(at_random / (-K6 / 2 * (15 * n * n * n - 30 * n * n + 16 * n) / pow(n, 6)), 1, 1e-6);
    assert_near(quantity(HEB_Q_F, "P=2 N=64 load=0.05 T=0.3 energy=full"), quantity(HEB_Q_F, "P=2 N=64 load=0.05 T=0.3") - 0.025, 1e-14);
    /* what is not set */
    double out[HEB_QUANTITIES];
    assert_int_equal(quantities("P=4 T=0.25 load=-", out), 0);
    assert_near(out[HEB_Q_LOAD_SPINODAL], 0.44286, 6e-6);
    assert_true(isnan(out[HEB_Q_M]) && isnan(out[HEB_Q_T_GLASS]));
    assert_int_equal(quantities("P=4 load=0.25 T=-", out), 0);
    assert_near(out[HEB_Q_T_GLASS], 0.61688 / 2, 1e-5);
    assert_true(isnan(out[HEB_Q_M]) && isnan(out[HEB_Q_LOAD_SPINODAL]));
    assert_int_equal(quantities("P=4 load=0.1 T=0.5 N=- energy=full", out), 0);
    assert_true(out[HEB_Q_M] > 0.9 && isnan(out[HEB_Q_U]));
    assert_int_equal(quantities("P=4 K=100 T=0.25 N=-", out), 0);
    assert_true(isnan(out[HEB_Q_M]) && out[HEB_Q_LOAD_SPINODAL] > 0);
    assert_int_equal(quantities("P=4 load=0.25 T=0.5 N=100 patterns=file", out), 0);
    for (int i = 0; i < HEB_QUANTITIES; i++)
        assert_true(isnan(out[i]));
}

/* Every quantity over the whole plane: no equation is left unsolved, and what must be ordered is. */
static void test_plane(void **state)
{
    (void)state;
    static const double T[] = {0, 1e-9, 1e-4, 0.01, 0.1, 0.3, 0.7, 0.9915, 1, 5}, load[] = {0, 1e-12, 1e-3, 0.0459, 0.5, 1000};
    static const int P[] = {2, 4, 6, 30};
    for (size_t i = 0; i < sizeof P / sizeof *P; i++)
        for (int full = 0; full < 2; full++)
            for (size_t j = 0; j < sizeof T / sizeof *T; j++)
                for (size_t k = 0; k < sizeof load / sizeof *load; k++) {
                    double out[HEB_QUANTITIES];
                    char text[128];
                    snprintf(text, sizeof text, "N=128 P=%d energy=%s T=%g load=%g", P[i], full ? "full" : "distinct", T[j], load[k]);
                    int err = quantities(text, out);
                    bool ordered = out[HEB_Q_M] >= 0 && out[HEB_Q_M] <= 1 && out[HEB_Q_Q] >= -1e-12 && out[HEB_Q_Q] <= 1 && isfinite(out[HEB_Q_F]) && isfinite(out[HEB_Q_U]) &&
                                   isfinite(out[HEB_Q_F_REST]) && out[HEB_Q_LOAD_COEXISTENCE] >= 0 && out[HEB_Q_LOAD_COEXISTENCE] <= out[HEB_Q_LOAD_SPINODAL] &&
                                   (out[HEB_Q_M] > 0) == (load[k] < out[HEB_Q_LOAD_SPINODAL]) &&
                                   (T[j] > 0 || fabs(out[HEB_Q_F] - out[HEB_Q_U]) <= 1e-9 * fabs(out[HEB_Q_F])) && /* no entropy at T = 0 */
                                   !(isfinite(out[HEB_Q_LOAD_REPLICON]) && out[HEB_Q_LOAD_REPLICON] > out[HEB_Q_LOAD_SPINODAL]);
                    if (err || !ordered)
                        fail_msg("%s: error %d (%s), m=%g q=%g f=%.12g u=%.12g f_rest=%g spinodal=%g coexistence=%g replicon=%g", text, err, err ? qn_error_text() : "", out[HEB_Q_M],
                                 out[HEB_Q_Q], out[HEB_Q_F], out[HEB_Q_U], out[HEB_Q_F_REST], out[HEB_Q_LOAD_SPINODAL], out[HEB_Q_LOAD_COEXISTENCE], out[HEB_Q_LOAD_REPLICON]);
                }
}

/* ---- sweeps --------------------------------------------------------------------------------------------------------- */

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "hebbian") ? NULL : &hebbian_model;
}

static const char *near_name(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static void open_sweep(const char *text, qn_sweep *s)
{
    qn_problems problems = {0};
    qn_sweep_source from = {.file = "test.yaml", .text = text, .find = find, .near = near_name};
    if (qn_sweep_init(s, &from, &problems))
        fail_msg("the sweep is refused: %s", qn_error_text());
}

static void test_dataset(void **state)
{
    (void)state;
    qn_sweep s;
    qn_dataset *d;
    open_sweep("model: hebbian\nseed: 1\nparameters: {N: 128, P: 4}\nsweep:\n  load: [0, 0.1, 0.3]\n  T: [0.25, 0.6]\n", &s);
    assert_int_equal(qn_theory_build(&s, &d), 0);
    for (size_t k = 0; k < HEB_QUANTITIES; k++) {
        qn_var *v = qn_dataset_find(d, heb_quantities[k].name);
        assert_non_null(v);
        assert_int_equal(v->rank, 2);
        assert_string_equal(v->dims[0], "load");
        assert_string_equal(v->dims[1], "T");
        assert_string_equal(qn_attr_text(d, v, "units"), "1");
        assert_string_equal(qn_attr_text(d, v, "kind"), "theory");
        assert_string_equal(qn_attr_text(d, v, "long_name"), heb_quantities[k].meaning);
        assert_string_equal(qn_attr_text(d, v, "symbol"), heb_quantities[k].symbol);
        const char *locates = qn_attr_text(d, v, "locates");
        assert_true(heb_quantities[k].locates ? locates && !strcmp(locates, heb_quantities[k].locates) : !locates);
    }
    qn_var *m = qn_dataset_find(d, "m"), *line = qn_dataset_find(d, "load_spinodal");
    assert_near(m->f64[2], quantity(HEB_Q_M, "N=128 P=4 load=0.1 T=0.25"), 0);
    assert_near(m->f64[3], quantity(HEB_Q_M, "N=128 P=4 load=0.1 T=0.6"), 0);
    assert_near(line->f64[4], 0.44286, 6e-6); /* the same in every row of loads */
    assert_near(line->f64[0], line->f64[4], 0);
    assert_non_null(qn_dataset_find(d, "load"));
    qn_dataset_free(d);
    qn_sweep_free(&s);
}

/* Retrieval with one step: the table of T = 0, and states of a load
 * beyond the RS spinodal from another program (its digits). */
static void test_rsb_retrieval(void **state)
{
    (void)state;
    double row[16][8];
    size_t n = read_table("tests/data/t0_capacity.csv", 8, row, 16), tested = 0;
    for (size_t i = 0; i < n; i++) {
        int P = (int)row[i][0];
        if (P == 2)
            continue;
        heb_theory th;
        assert_int_equal(heb_theory_init(&th, P, HEB_DISTINCT, 0), 0);
        heb_rsb s = heb_rsb_spinodal(&th);
        assert_near(s.load, row[i][3], 2e-6);
        assert_near(s.m, row[i][4], 2e-4); /* a fold: flat in m */
        assert_near(s.q1, row[i][5], 2e-3);
        assert_near(s.y, row[i][6], 1e-2);
        tested++;
    }
    assert_int_equal(tested, 3);
    static const double at[][4] = {{0, 0.9189, 0.9535, 3.319}, {0.05, 0.91954, 0.95168, 2.998}, {0.1, 0.91986, 0.95003, 2.721}};
    for (int i = 0; i < 3; i++) {
        heb_theory th;
        assert_int_equal(heb_theory_init(&th, 4, HEB_DISTINCT, at[i][0]), 0);
        heb_rsb top = heb_rsb_spinodal(&th), s = heb_rsb_retrieval(&th, &top, 0.43);
        assert_near(s.m, at[i][1], 1e-4);
        assert_near(s.q1, at[i][2], 1e-4);
        assert_near(s.y, at[i][3], 2e-3);
    }
    double out[HEB_QUANTITIES];
    assert_int_equal(quantities("N=128 P=4 load=0.43 T=0", out), 0);
    assert_near(out[HEB_Q_LOAD_SPINODAL_RSB], 0.4583435, 2e-6);
    assert_near(out[HEB_Q_M_RSB], 0.91895, 1e-4);
    assert_near(out[HEB_Q_Q_RSB], 1, 0);
    assert_true(isnan(quantity(HEB_Q_M_RSB, "N=128 P=4 load=0 T=0")));
    assert_true(isnan(quantity(HEB_Q_LOAD_SPINODAL_RSB, "N=128 P=2 load=0.1 T=0")));
}

/* ---- learning ------------------------------------------------------------------------------------------------------------ */

typedef struct learned {
    double m, q, x, f;
} learned;

/* One step of the equations from (x, q), and f there: u = 1 + sqrt(rho) g, both Gaussians by the trapezoid rule, 400 x 400 nodes.  P >= 4. */
static learned learn(int P, double T, double load, double rho, double signal, double weight, double x, double q)
{
    double b = 1 / T, s = sqrt(load * P / 2 * pow(q, P - 1)), a = signal * P / 2.0 * pow(x, P - 1), step = 17.0 / 400, l = 0;
    learned out = {0};
    for (int i = 0; i <= 400; i++)
        for (int j = 0; j <= 400; j++) {
            double g = -8.5 + step * i, z = -8.5 + step * j, w = step * step * exp(-(g * g + z * z) / 2) / (2 * M_PI);
            double u = 1 + sqrt(rho) * g, h = b * (a * u + s * z);
            out.m += w * tanh(h);
            out.q += w * tanh(h) * tanh(h);
            out.x += w * weight * u * tanh(h);
            l += w * (fabs(h) + log1p(exp(-2 * fabs(h))));
        }
    out.f = -T * (l - b * (P - 1) / 2.0 * signal / weight * pow(x, P) + b * b * load / 4 * (1 - P * pow(q, P - 1) + (P - 1) * pow(q, P)));
    return out;
}

static void test_learning_equations(void **state)
{
    (void)state;
    static const struct {
        int P, unsupervised;
        double T, load, M, r;
    } at[] = {{4, 0, 0.4, 0.05, 20, 0.5}, {4, 0, 0.7, 0.1, 60, 0.7}, {6, 0, 0.4, 0.1, 30, 0.8}, {4, 1, 0.4, 0.05, 20, 0.8}, {6, 1, 0.3, 0.1, 100, 0.8}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char model[128];
        double out[HEB_QUANTITIES], r = at[i].r, rho = (1 - r * r) / (at[i].M * r * r), rho_p = (1 - pow(r, 2 * at[i].P)) / (at[i].M * pow(r, 2 * at[i].P));
        double signal = 1 / sqrt(1 + (at[i].unsupervised ? rho_p : rho)), weight = at[i].unsupervised ? 1 : signal;
        snprintf(model, sizeof model, "N=128 P=%d dataset=%s M=%g r=%.17g load=%g", at[i].P, at[i].unsupervised ? "unsupervised" : "supervised", at[i].M, r, at[i].load);
        char here[160];
        snprintf(here, sizeof here, "%s T=%g", model, at[i].T);
        assert_int_equal(quantities(here, out), 0);
        assert_true(out[HEB_Q_M] > 0.5);
        double x = out[HEB_Q_NU] * (at[i].unsupervised ? sqrt(1 + rho) : 1), q = out[HEB_Q_Q], e = 1e-4;
        assert_near(out[HEB_Q_MEAN], out[HEB_Q_NU] * r * sqrt(1 + rho), 1e-12);
        learned p = learn(at[i].P, at[i].T, at[i].load, rho, signal, weight, x, q);
        assert_near(p.m, out[HEB_Q_M], 1e-9);
        assert_near(p.q, q, 1e-9);
        assert_near(p.x, x, 1e-9);
        assert_near(p.f, out[HEB_Q_F], 1e-9);
        for (int k = 0; k < 2; k++) { /* f is stationary */
            double up = learn(at[i].P, at[i].T, at[i].load, rho, signal, weight, k ? x : x + e, k ? q + e : q).f;
            double down = learn(at[i].P, at[i].T, at[i].load, rho, signal, weight, k ? x : x - e, k ? q - e : q).f;
            assert_near((up - down) / (2 * e), 0, 1e-5);
        }
        double b = 1 / at[i].T, bf[2]; /* u = d(bf)/db */
        for (int k = 0; k < 2; k++)
            bf[k] = (b + (k ? 1e-4 : -1e-4)) * quantity(HEB_Q_F, "%s T=%.17g", model, 1 / (b + (k ? 1e-4 : -1e-4)));
        assert_near((bf[1] - bf[0]) / 2e-4, out[HEB_Q_U], 2e-6);
        /* retrieval ends at the spinodal, and f crosses that of m = 0 where it should */
        double top = out[HEB_Q_LOAD_SPINODAL], c = out[HEB_Q_LOAD_COEXISTENCE];
        snprintf(model, sizeof model, "N=128 P=%d dataset=%s M=%g r=%.17g T=%g", at[i].P, at[i].unsupervised ? "unsupervised" : "supervised", at[i].M, r, at[i].T);
        assert_true(quantity(HEB_Q_M, "%s load=%.15g", model, top * (1 - 1e-7)) > 0.2);
        assert_near(quantity(HEB_Q_M, "%s load=%.15g", model, top * (1 + 1e-7)), 0, 0);
        if (c > 0 && c < top)
            assert_near(quantity(HEB_Q_F, "%s load=%.15g", model, c), quantity(HEB_Q_F_REST, "%s load=%.15g", model, c), 1e-8);
    }
}

/* Perfect examples are storage; T = 0 and load = 0 in closed form; one step to the digits of its formula; many examples are Gaussian. */
static void test_learning_limits(void **state)
{
    (void)state;
    static const heb_quantity same[] = {HEB_Q_M, HEB_Q_Q, HEB_Q_U, HEB_Q_F, HEB_Q_LOAD_SPINODAL, HEB_Q_LOAD_COEXISTENCE, HEB_Q_REPLICON, HEB_Q_ONE_STEP};
    for (int unsupervised = 0; unsupervised < 2; unsupervised++)
        for (int P = 2 + 2 * unsupervised; P <= 6; P += 2)
            for (size_t k = 0; k < sizeof same / sizeof *same; k++)
                for (int cold = 0; cold < 2; cold++) {
                    double load = P == 2 ? 0.05 : 0.1, T = cold ? 0 : 0.3;
                    if (cold && same[k] == HEB_Q_REPLICON)
                        continue;
                    assert_near(quantity(same[k], "N=128 P=%d load=%g T=%g dataset=%s r=1", P, load, T, unsupervised ? "unsupervised" : "supervised"),
                                quantity(same[k], "N=128 P=%d load=%g T=%g", P, load, T), 1e-7);
                }
    assert_near(quantity(HEB_Q_M, "N=128 P=4 load=0.05 T=0.4 dataset=supervised rho=0.15"), 0.953, 5e-4);
    for (int P = 2; P <= 6; P += 2)
        assert_near(quantity(HEB_Q_M, "N=128 P=%d load=0 T=0 dataset=supervised rho=0.3", P), erf(1 / sqrt(0.6)), 1e-9);
    static const double one[][4] = {{0.2, 10, 0.6, 0.8997}, {0.5, 20, 0.6, 0.8682}};
    for (int i = 0; i < 2; i++) {
        double rho = (1 - 0.36) / (one[i][1] * 0.36), rho_p = (1 - pow(0.6, 8)) / (one[i][1] * pow(0.6, 8)), got;
        assert_near(got = quantity(HEB_Q_ONE_STEP, "N=128 P=4 load=%g T=0 dataset=supervised M=%g r=0.6", one[i][0], one[i][1]), one[i][3], 5e-5);
        assert_near(got, erf(1 / sqrt(2 * (rho + one[i][0] / 2 * pow(1 + rho, 4)))), 1e-12);
        assert_near(quantity(HEB_Q_ONE_STEP, "N=128 P=4 load=%g T=0 dataset=unsupervised M=%g r=0.6", one[i][0], one[i][1]), erf(1 / sqrt(2 * (rho + one[i][0] / 2 * (1 + rho_p)))), 1e-12);
    }
    /* 64 examples against infinitely many; M = 1: a spin of the example agrees with probability (1+r)/2, and the example is what is stored */
    double out[HEB_QUANTITIES];
    assert_int_equal(quantities("N=128 P=4 load=0.05 T=0.4 dataset=supervised M=64 rho=0.05", out), 0);
    assert_near(out[HEB_Q_M_BINOMIAL], out[HEB_Q_M], 2e-3);
    assert_near(out[HEB_Q_NU_BINOMIAL], out[HEB_Q_NU], 2e-3);
    assert_near(out[HEB_Q_ONE_STEP_BINOMIAL], out[HEB_Q_ONE_STEP], 2e-3);
    assert_int_equal(quantities("N=128 P=4 load=0.05 T=0.4 dataset=supervised M=1 r=0.5", out), 0);
    double stored = quantity(HEB_Q_M, "N=128 P=4 load=0.05 T=0.4");
    assert_near(out[HEB_Q_NU_BINOMIAL], stored, 1e-9);
    assert_near(out[HEB_Q_M_BINOMIAL], 0.5 * stored, 1e-9);
    assert_true(isnan(quantity(HEB_Q_M, "N=128 P=2 load=0.05 T=0.4 dataset=unsupervised M=5 r=0.5")));
    /* a second, lower hill of the load at small overlaps is not the spinodal */
    assert_near(quantity(HEB_Q_LOAD_SPINODAL, "N=128 P=4 load=0 T=0.1 dataset=supervised rho=0.51"), 0.1577, 3e-4);
}

static void test_csv(void **state)
{
    (void)state;
    static const char *const texts[] = {"model: hebbian\nseed: 1\nparameters: {N: 128, P: 4, T: 0.6, load: 0.1}\n",
                                        "model: hebbian\nseed: 1\nparameters: {N: 128, P: 4, T: 0.6}\nsweep: {load: [0.05, 0.1]}\n"};
    for (int i = 0; i < 2; i++) {
        qn_sweep s;
        char *text = NULL, value[64];
        size_t size = 0;
        open_sweep(texts[i], &s);
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        assert_int_equal(qn_theory_csv(&s, out), 0);
        fclose(out);
        char *head = strtok(text, "\n"), *row = strtok(NULL, "\n"), *last = i ? strtok(NULL, "\n") : row;
        assert_null(strtok(NULL, "\n"));
        const char *begin = i ? "load,m,m_abs,q,u,f," : "N,P,load,T,m,m_abs,q,u,f,", *start = i ? "0.05," : "128,4,0.1,0.6,";
        assert_true(head && row && last && !strncmp(head, begin, strlen(begin)) && !strncmp(row, start, strlen(start)));
        size_t commas[2] = {0, 0};
        for (const char *c = head; *c; c++)
            commas[0] += *c == ',';
        for (const char *c = last; *c; c++)
            commas[1] += *c == ',';
        assert_int_equal(commas[0], commas[1]);
        snprintf(value, sizeof value, "0.1%s,%.10g,", i ? "" : ",0.6", quantity(HEB_Q_M, "N=128 P=4 load=0.1 T=0.6"));
        assert_non_null(strstr(last, value));
        free(text);
        qn_sweep_free(&s);
    }
    qn_model bare = hebbian_model;
    bare.theory = NULL;
    bare.theory_at = NULL;
    qn_sweep s;
    qn_dataset *d;
    open_sweep(texts[0], &s);
    s.model = &bare;
    assert_int_equal(qn_theory_build(&s, &d), QN_ERR_INPUT);
    assert_null(d);
    qn_sweep_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_averages),       cmocka_unit_test(test_zero_temperature_limit), cmocka_unit_test(test_equations),
        cmocka_unit_test(test_energy_is_derivative), cmocka_unit_test(test_capacity),         cmocka_unit_test(test_pspin_constants),
        cmocka_unit_test(test_lines),          cmocka_unit_test(test_ends),                   cmocka_unit_test(test_points),
        cmocka_unit_test(test_parameters),     cmocka_unit_test(test_plane),                  cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_rsb_retrieval), cmocka_unit_test(test_learning_equations), cmocka_unit_test(test_learning_limits), cmocka_unit_test(test_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
