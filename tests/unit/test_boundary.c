/* test_boundary.c -- boundaries and finite-size scaling of made-up results, where the answer is known. */
#include "synthetic.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>

#include "boundary.h"
#include "collapse.h"
#include "parts.h"
#include "places.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void fails(int err, const char *words)
{
    assert_int_equal(err, QN_ERR_INPUT);
    if (!strstr(qn_error_text(), words))
        fail_msg("no \"%s\" in \"%s\"", words, qn_error_text());
}

static char said[4096];
static void note(void *ctx, const char *line)
{
    (void)ctx;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
}

/* ---- places on a curve ----------------------------------------------------------------------------------------------- */

static void test_places(void **state)
{
    (void)state;
    enum { N = 9 };
    double x[N], line[N], wave[N], curve[N];
    size_t step = 0;
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)i;
        line[i] = 8 - 1.5 * x[i];
        wave[i] = cos(M_PI * x[i] / 3); /* 1 0.5 -0.5 -1 -0.5 0.5 1 0.5 -0.5 */
        curve[i] = tanh(0.7 * (x[i] - 3.5));
    }
    assert_near(qn_place_level(N, x, line, 2, NAN, &step), 4, 1e-12);
    assert_near(qn_place_level(N, x, line, 2.3, NAN, &step), 3.8, 1e-12);
    assert_int_equal(step, 3);
    assert_true(isnan(qn_place_level(N, x, line, 9, NAN, NULL)));
    assert_near(qn_place_level(N, x, wave, 0, NAN, NULL), 1.5, 1e-9); /* first, last, next to a place */
    assert_near(qn_place_level(N, x, wave, 0, HUGE_VAL, NULL), 7.5, 0.1); /* at the end: a parabola */
    assert_near(qn_place_level(N, x, wave, 0, 5, NULL), 4.5, 1e-9);
    assert_near(qn_place_level(2, x, line, 7, NAN, NULL), 2. / 3, 1e-12);
    assert_int_equal(qn_place_steep_step(N, x, curve), 3); /* symmetric around 3.5: its centre */
    assert_near(qn_place_steepest(N, x, curve, 3), 3.5, 1e-12);
    assert_int_equal(qn_place_steep_step(3, x, curve), SIZE_MAX);
    assert_int_equal(qn_place_steep_step(6, x + 3, curve + 3), SIZE_MAX); /* steepest at the end */
    assert_near(qn_place_zero(N, x, line, NULL), 16. / 3, 1e-9);
    assert_true(isnan(qn_place_zero(3, x, line, NULL)));

    /* the clearest change of sign, not a tail of noise around zero */
    const double noisy[] = {0.01, -0.02, 0.9, 1.1, 0.8, -0.7, -1, -0.9, 0.01}, err[] = {0.02, 0.02, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.02};
    assert_int_equal(qn_place_split(N, noisy, err, 0), 4);
    assert_int_equal(qn_place_split(N, line, NULL, 100), SIZE_MAX);
}

/* ---- boundaries ------------------------------------------------------------------------------------------------------------ */

enum { R = 16, K = 15 };

typedef double (*law)(double t, double l);
static double tanh_law(double t, double l) { return 0.5 - 0.5 * tanh(10 * (t - 0.3 - 0.1 * l)); }
static double binder_law(double t, double l) { return 0.4 - 0.25 * tanh((t - 1.03) * l / 4); }
static double step_law(double t, double l) { return t < 0.52 + 0.1 * l ? 0.95 : 0.02; }
static double plateau_law(double t, double l) { return (2 + l) * (1 + t * t * t); }

/* 16 replicas over (l, T); T moved by `shift` in name only. */
static void grid(synthetic *s, law f, size_t n, const double *l, const char *name, double from, double to, double noise, double shift, uint64_t seed)
{
    double t[K], *x = malloc(n * K * R * sizeof *x);
    qn_rng r;
    qn_rng_seed(&r, 21, seed, 0, 0);
    for (size_t k = 0; k < K; k++)
        t[k] = from + (to - from) * (double)k / (K - 1);
    for (size_t i = 0; i < n * K * R; i++)
        x[i] = f(t[i / R % K], l[i / R / K]) * (1 + noise * qn_rng_normal(&r));
    for (size_t k = 0; k < K; k++)
        t[k] += shift;
    synthetic_begin(s, R, name);
    synthetic_axis(s, name, n, l);
    synthetic_axis(s, "T", K, t);
    synthetic_outcome(s, "m", false, x);
    free(x);
}

/* Every way finds what was put in, within its errors, and with T relabelled by +0.1 the same plus 0.1. */
static void test_ways(void **state)
{
    (void)state;
    static const double l[] = {1, 2, 4}, sizes[] = {8, 16, 32};
    const struct {
        qn_boundary_request q;
        law f;
        const double *l;
        double from, to, noise, want[3], most; /* most: the error is at most */
    } cases[] = {
        {{.how = QN_BOUNDARY_LEVEL, .level = 0.5}, tanh_law, l, 0, 1, 0.05, {0.4, 0.5, 0.7}, 0.01},
        {{.how = QN_BOUNDARY_LEVEL, .level = 0.2}, tanh_law, l, 0, 1, 0.05, {0.4693147, 0.5693147, 0.7693147}, 0.01},
        {{.how = QN_BOUNDARY_HALF}, tanh_law, l, 0, 1, 0.05, {0.4, 0.5, 0.7}, 0.01},
        {{.how = QN_BOUNDARY_STEEPEST}, tanh_law, l, 0, 1.1, 0.05, {0.4, 0.5, 0.7}, 0.02},
        {{.how = QN_BOUNDARY_FACTOR, .factor = 2, .from_given = true}, plateau_law, l, 0.1, 2, 0.05, {1, 1, 1}, 0.02},
        {{.how = QN_BOUNDARY_FACTOR, .factor = 0.5, .from_given = true, .from_high = true}, plateau_law, l, 0.1, 2, 0.05, {1.518294, 1.518294, 1.518294}, 0.02},
        {{.how = QN_BOUNDARY_CROSSING, .drift = 2}, binder_law, sizes, 0.9, 1.16, 0.02, {1.03}, 0.01},
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        double place[2][3], err[2][3];
        size_t n = 0;
        for (int moved = 0; moved < 2; moved++) {
            synthetic s;
            qn_dataset *d;
            qn_boundary_request q = cases[c].q;
            grid(&s, cases[c].f, 3, cases[c].l, "L", cases[c].from, cases[c].to, cases[c].noise, moved ? 0.1 : 0, c);
            q.data = s.d;
            q.observable = "m";
            q.resamples = 400;
            made(qn_boundary_make(&q, &d));
            const qn_var *v = qn_dataset_find(d, "T_c"), *e = qn_dataset_find(d, "T_c_err");
            assert_string_equal(qn_attr_text(d, v, "locates"), "T");
            n = v->size;
            assert_int_equal(n, q.how == QN_BOUNDARY_CROSSING ? 1 : 3);
            for (size_t i = 0; i < n; i++) {
                place[moved][i] = v->f64[i];
                err[moved][i] = e->f64[i];
            }
            qn_dataset_free(d);
            synthetic_end(&s);
        }
        for (size_t i = 0; i < n; i++) {
            assert_sigma(place[0][i], err[0][i], cases[c].want[i]);
            assert_true(err[0][i] > 0 && err[0][i] < cases[c].most);
            assert_near(place[1][i] - place[0][i], 0.1, 1e-9);
            assert_near(err[1][i], err[0][i], 1e-9);
        }
    }
}

/* A jump inside one step: half a step's uncertainty is part of the error, and it is told. */
static void test_coarse(void **state)
{
    (void)state;
    static const double l[] = {1, 2};
    synthetic s;
    qn_dataset *d;
    qn_boundary_request q = {.observable = "m", .how = QN_BOUNDARY_LEVEL, .level = 0.5, .resamples = 200, .say = note};
    *said = 0;
    grid(&s, step_law, 2, l, "L", 0, 1.4, 0.01, 0, 1);
    q.data = s.d;
    made(qn_boundary_make(&q, &d));
    for (size_t i = 0; i < 2; i++) {
        double place = qn_dataset_find(d, "T_c")->f64[i], err = qn_dataset_find(d, "T_c_err")->f64[i];
        assert_true(place > 0.6 + 0.1 * (double)i && place < 0.7 + 0.1 * (double)i);
        assert_near(err, 0.1 / sqrt(12), 0.002);
        assert_int_equal(qn_dataset_find(d, "coarse")->i8[i], 1);
    }
    assert_non_null(strstr(said, "the grid is coarse at 2 of 2 lines"));
    qn_dataset_free(d);
    synthetic_end(&s);
}

static void test_refusals(void **state)
{
    (void)state;
    static const double l[] = {1, 2};
    synthetic s;
    qn_dataset *d;
    qn_boundary_request q = {.observable = "m", .how = QN_BOUNDARY_LEVEL, .level = 1.5, .resamples = 200};
    grid(&s, tanh_law, 2, l, "L", 0, 1, 0.01, 0, 2);
    q.data = s.d;
    fails(qn_boundary_make(&q, &d), "does not cross 1.5 along T; it lies between");
    q.how = QN_BOUNDARY_DEFAULT;
    fails(qn_boundary_make(&q, &d), "--level X");
    q.how = QN_BOUNDARY_CROSSING;
    q.size = "N";
    fails(qn_boundary_make(&q, &d), "no axis N");
    q.size = "L";
    q.drift = 2;
    fails(qn_boundary_make(&q, &d), "do not cross");
    q.how = QN_BOUNDARY_FACTOR;
    q.factor = 1;
    fails(qn_boundary_make(&q, &d), "other than 1");
    q.how = QN_BOUNDARY_LEVEL;
    q.level = 0.5;
    q.where = (const char *const[]){"T<0.1"};
    q.n_where = 1;
    fails(qn_boundary_make(&q, &d), "too coarse");
    qn_collapse_request c = {.data = s.d, .observable = "m", .where = q.where, .n_where = 1, .resamples = 100};
    fails(qn_collapse_make(&c, &d), "too coarse");
    c.n_where = 0;
    c.exponents = "beta";
    fails(qn_collapse_make(&c, &d), "T_c, 1/nu");
    c.exponents = NULL;
    c.size = "N";
    fails(qn_collapse_make(&c, &d), "no axis N");
    synthetic_end(&s);
}

/* The boundary of a list of points, and of a boundary's own file a fit: T_c = 0.3 + 0.1 l. */
static void test_list(void **state)
{
    (void)state;
    enum { POINTS = 24 };
    static const char *const dim = "point";
    double t[POINTS], l[POINTS], at[POINTS], x[POINTS * R];
    synthetic s;
    qn_dataset *d;
    qn_var *v;
    qn_rng r;
    qn_rng_seed(&r, 22, 0, 0, 0);
    for (size_t i = 0; i < POINTS; i++) { /* points around the boundary, as a refinement would put them, in no order */
        size_t k = i * 7 % POINTS;
        at[i] = (double)i;
        l[i] = (double)(k / 8 + 1);
        t[i] = 0.3 + 0.1 * l[i] + 0.02 * ((double)(k % 8) - 3.3);
        for (size_t j = 0; j < R; j++)
            x[i * R + j] = tanh_law(t[i], l[i]) * (1 + 0.02 * qn_rng_normal(&r));
    }
    synthetic_begin(&s, R, "L");
    synthetic_axis(&s, "point", POINTS, at);
    v = synthetic_var(s.d, "T", QN_F64, 1, &dim);
    memcpy(v->f64, t, sizeof t);
    made(qn_attr_str(s.d, v, "kind", "coordinate"));
    v = synthetic_var(s.d, "L", QN_F64, 1, &dim);
    memcpy(v->f64, l, sizeof l);
    made(qn_attr_str(s.d, v, "kind", "coordinate"));
    synthetic_outcome(&s, "m", false, x);
    qn_boundary_request q = {.data = s.d, .observable = "m", .along = "T", .how = QN_BOUNDARY_LEVEL, .level = 0.5, .resamples = 300};
    made(qn_boundary_make(&q, &d));
    assert_string_equal(qn_attr_text(d, NULL, "axes"), "L");
    assert_null(qn_attr_text(d, qn_dataset_find(d, "L"), "kind")); /* an axis now, no longer a coordinate along the list */
    for (size_t i = 0; i < 3; i++)
        assert_sigma(qn_dataset_find(d, "T_c")->f64[i], qn_dataset_find(d, "T_c_err")->f64[i], 0.3 + 0.1 * ((double)i + 1));
    qn_dataset_free(d);
    synthetic_end(&s);
}

/* ---- finite-size scaling -------------------------------------------------------------------------------------------------------- */

static double scaling_law(double t, double l) { return pow(l, -0.25) / (1 + exp((t - 2) * pow(l, 0.8))); }

/* Exact scaling with noise: exponents within their errors, quality 1, and the collapsed data are the master curve. */
static void test_collapse(void **state)
{
    (void)state;
    static const double l[] = {8, 16, 32, 64};
    synthetic s;
    qn_dataset *d;
    grid(&s, scaling_law, 4, l, "L", 1.8, 2.2, 0.02, 0, 3);
    qn_collapse_request q = {.data = s.d, .observable = "m", .resamples = 200, .say = note};
    made(qn_collapse_make(&q, &d));
    const struct {
        const char *name, *err;
        double want, most;
    } what[] = {{"T_c", "T_c_err", 2, 0.005}, {"inverse_nu", "inverse_nu_err", 0.8, 0.02}, {"beta_over_nu", "beta_over_nu_err", 0.25, 0.01}};
    for (size_t k = 0; k < 3; k++) {
        double e = qn_dataset_find(d, what[k].err)->f64[0];
        assert_sigma(qn_dataset_find(d, what[k].name)->f64[0], e, what[k].want);
        assert_true(e > 0 && e < what[k].most);
    }
    double dof = (double)qn_dataset_find(d, "quality_dof")->i64[0];
    assert_true(dof >= 45 && dof < 55 && qn_dataset_find(d, "points")->i64[0] == 60);
    assert_near(qn_dataset_find(d, "quality")->f64[0], 1, 4 * sqrt(2 / dof));
    const qn_var *x = qn_dataset_find(d, "T_scaled"), *y = qn_dataset_find(d, "m_scaled"), *e = qn_dataset_find(d, "m_scaled_err");
    for (size_t i = 0; i < y->size; i++)
        assert_near(y->f64[i], 1 / (1 + exp(x->f64[i])), 5 * e->f64[i] + 0.03); /* 0.03: L^(error of beta/nu), error of T_c */
    qn_dataset_free(d);

    q.fix = "1/nu=0.8,T_c=2"; /* what is held has no error, and the rest a smaller one */
    made(qn_collapse_make(&q, &d));
    assert_near(qn_dataset_find(d, "T_c")->f64[0], 2, 0);
    assert_near(qn_dataset_find(d, "T_c_err")->f64[0], 0, 0);
    assert_sigma(qn_dataset_find(d, "beta_over_nu")->f64[0], qn_dataset_find(d, "beta_over_nu_err")->f64[0], 0.25);
    qn_dataset_free(d);
    synthetic_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places), cmocka_unit_test(test_ways),     cmocka_unit_test(test_coarse), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_list),   cmocka_unit_test(test_collapse),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
