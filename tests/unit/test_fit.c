/* test_fit.c -- resampling of a result's samples and fits along an axis, where the answer is known. */
#include "synthetic.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>

#include "finding.h"
#include "fit.h"
#include "form.h"
#include "parts.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void fails(int err, const char *words)
{
    assert_int_equal(err, QN_ERR_INPUT);
    if (!strstr(qn_error_text(), words))
        fail_msg("no \"%s\" in \"%s\"", words, qn_error_text());
}

static void fill(qn_rng *r, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = qn_rng_normal(r);
}

/* ---- resamples ------------------------------------------------------------------------------------------------------ */

enum { MANY = 4000 };

/* Two points: the standard deviations over the resamples, and their correlation. */
static double correlation(const qn_sampled *s, double err[2])
{
    const size_t cell[2] = {0, 1};
    double *y, xy = 0, mean[2] = {0};
    made(qn_resample(s, 2, cell, MANY, &y));
    qn_resample_errors(2, MANY, y, err);
    for (size_t b = 0; b < MANY; b++)
        for (size_t i = 0; i < 2; i++)
            mean[i] += y[2 * b + i] / MANY;
    for (size_t b = 0; b < MANY; b++)
        xy += (y[2 * b] - mean[0]) * (y[2 * b + 1] - mean[1]) / MANY;
    free(y);
    return xy / (err[0] * err[1]);
}

/* The spread over the resamples is the unbiased standard error of a mean, for any number of replicas; points with the same disorder go
 * together, others do not.  4,000 resamples: a spread is known to 1.1 %, a correlation of 0 to 0.016; bounds are 4 of these. */
static void test_mean(void **state)
{
    (void)state;
    static const struct {
        size_t replicas;
        const char *disorder;
        bool together;
    } cases[] = {{2, "N", true}, {5, "N", true}, {32, "N", true}, {32, "N T", false}, {32, "", false}, {7, NULL, true}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        size_t n = cases[c].replicas;
        double x[64], err[2], var[2];
        qn_rng r;
        synthetic s;
        qn_sampled m;
        qn_rng_seed(&r, 1, c, 0, 0);
        fill(&r, 2 * n, x);
        for (size_t i = 0; i < n; i++) /* the second point is the first one, with less of something else */
            x[n + i] = 5 + x[i] + 0.1 * x[n + i];
        synthetic_begin(&s, n, cases[c].disorder);
        synthetic_axis(&s, "T", 2, (double[]){1, 2});
        synthetic_outcome(&s, "a", false, x);
        made(qn_sampled_init(&m, s.d, "a", QN_MEAN));
        double rho = correlation(&m, err);
        for (size_t i = 0; i < 2; i++) {
            qn_mean_var(n, x + i * n, NULL, &var[i]);
            assert_near(err[i] / sqrt(var[i] / (double)n), 1, 0.045);
        }
        if (cases[c].together)
            assert_true(rho > 0.95);
        else
            assert_near(rho, 0, 0.065);
        qn_sampled_free(&m);
        synthetic_end(&s);
    }
}

/* Series without disorder and few replicas: blocks of bins; with many, replicas. */
static void test_series(void **state)
{
    (void)state;
    static const size_t replicas[] = {1, 3, 16};
    for (size_t c = 0; c < COUNT(replicas); c++) {
        size_t n = replicas[c], bins = 32;
        double *x = malloc(n * bins * sizeof *x), err, var, *y;
        qn_rng r;
        synthetic s;
        qn_sampled m;
        qn_rng_seed(&r, 2, c, 0, 0);
        fill(&r, n * bins, x);
        synthetic_begin(&s, n, "");
        synthetic_axis(&s, "T", 1, (double[]){1});
        synthetic_series(&s, "a", bins, 100, x);
        made(qn_sampled_init(&m, s.d, "a", QN_MEAN));
        assert_int_equal(m.from_blocks, n < 8);
        made(qn_resample(&m, 1, &(size_t){0}, MANY, &y));
        qn_resample_errors(1, MANY, y, &err);
        if (m.from_blocks) {
            qn_mean_var(n * bins, x, NULL, &var);
            assert_near(err / sqrt(var / (double)(n * bins)), 1, 0.045);
            assert_near(qn_sampled_dof(&m, 0), (double)(n * bins) - 1, 0);
        } else {
            double mean[16];
            for (size_t k = 0; k < n; k++)
                qn_mean_var(bins, x + k * bins, &mean[k], NULL);
            qn_mean_var(n, mean, NULL, &var);
            assert_near(err / sqrt(var / (double)n), 1, 0.045);
        }
        free(y);
        free(x);
        qn_sampled_free(&m);
        synthetic_end(&s);
    }
}

/* An expression that is not in the file, against its propagated error. */
static void test_expression(void **state)
{
    (void)state;
    enum { N = 64 };
    double a[N], b[N], err, va, vb, ma, mb, *y;
    qn_rng r;
    synthetic s;
    qn_sampled m;
    qn_rng_seed(&r, 3, 0, 0, 0);
    for (size_t i = 0; i < N; i++) {
        a[i] = 10 + qn_rng_normal(&r);
        b[i] = 20 + qn_rng_normal(&r);
    }
    synthetic_begin(&s, N, "N");
    synthetic_axis(&s, "T", 1, (double[]){3});
    synthetic_outcome(&s, "a", false, a);
    synthetic_outcome(&s, "b", false, b);
    made(qn_sampled_init(&m, s.d, "T*a/b", QN_MEAN));
    made(qn_resample(&m, 1, &(size_t){0}, MANY, &y));
    qn_resample_errors(1, MANY, y, &err);
    qn_mean_var(N, a, &ma, &va);
    qn_mean_var(N, b, &mb, &vb);
    double cov = 0;
    for (size_t i = 0; i < N; i++)
        cov += (a[i] - ma) * (b[i] - mb) / (N - 1);
    double want = 3 * ma / mb * sqrt((va / (ma * ma) + vb / (mb * mb) - 2 * cov / (ma * mb)) / N);
    assert_near(m.value[0], 3 * ma / mb, 0.01 * want);
    assert_near(err / want, 1, 0.05);
    free(y);
    qn_sampled_free(&m);
    fails(qn_sampled_init(&m, s.d, "T*aa/b", QN_MEAN), "no observable 'aa'; there are: a, b");
    qn_sampled_free(&m);
    fails(qn_sampled_init(&m, s.d, "a/b", QN_MEDIAN), "expression of means");
    qn_sampled_free(&m);
    fails(qn_sampled_init(&m, s.d, "T*", QN_MEAN), "expected");
    qn_sampled_free(&m);
    synthetic_end(&s);
}

/* A median counts runs that did not end as above all others; the mean knows those that ended. */
static void test_median(void **state)
{
    (void)state;
    static const double x[] = {1, NAN, 2, 3, NAN, 7, 1, 2, 3, 4, 5, 6, NAN, NAN, NAN, NAN, 1, 2};
    synthetic s;
    qn_sampled m;
    size_t runs, unfinished;
    synthetic_begin(&s, 6, "N");
    synthetic_axis(&s, "T", 3, (double[]){1, 2, 3});
    synthetic_outcome(&s, "t", false, x);
    made(qn_sampled_init(&m, s.d, "t", QN_MEDIAN));
    assert_near(m.value[0], 5, 0);
    assert_near(m.value[1], 3.5, 0);
    assert_true(isinf(m.value[2]));
    qn_sampled_runs(&m, 0, &runs, &unfinished);
    assert_int_equal(runs, 6);
    assert_int_equal(unfinished, 2);
    assert_near(qn_sampled_at(&m, 0, (double[]){4, 0, 0, 1, 0, 0}), 1, 0);
    assert_near(qn_sampled_at(&m, 0, (double[]){1, 0, 1, 1, 0, 1}), 2.5, 0);
    assert_true(isinf(qn_sampled_at(&m, 0, (double[]){1, 3, 0, 0, 0, 1})));
    qn_sampled_free(&m);
    made(qn_sampled_init(&m, s.d, "t", QN_MEAN));
    assert_near(m.value[0], 3.25, 1e-15);
    qn_sampled_free(&m);
    made(qn_sampled_init(&m, s.d, "t", QN_GEOMETRIC));
    assert_near(m.value[1], pow(720, 1. / 6), 1e-14);
    qn_sampled_free(&m);
    synthetic_end(&s);
}

static void test_too_few(void **state)
{
    (void)state;
    synthetic s;
    qn_sampled m;
    synthetic_begin(&s, 1, "N");
    synthetic_axis(&s, "T", 2, (double[]){1, 2});
    synthetic_outcome(&s, "t", false, (double[]){1, -2});
    fails(qn_sampled_init(&m, s.d, "t", QN_MEAN), "too few to resample");
    qn_sampled_free(&m);
    synthetic_end(&s);
    synthetic_begin(&s, 2, "N");
    synthetic_axis(&s, "T", 1, (double[]){1});
    synthetic_outcome(&s, "t", false, (double[]){1, -2});
    fails(qn_sampled_init(&m, s.d, "t", QN_GEOMETRIC), "positive");
    qn_sampled_free(&m);
    synthetic_end(&s);
}

/* ---- weights ---------------------------------------------------------------------------------------------------------- */

/* Variances that are all alike but measured with 4 degrees of freedom come out nearly alike; those that truly differ keep their differences. */
static void test_moderate(void **state)
{
    (void)state;
    enum { N = 40 };
    double y[N], err[N], dof[N], own = 0, after = 0;
    qn_rng r;
    qn_rng_seed(&r, 4, 0, 0, 0);
    for (size_t i = 0; i < N; i++) {
        double square = 0;
        for (size_t k = 0; k < 4; k++)
            square += gsl_pow_2(qn_rng_normal(&r));
        err[i] = sqrt(square / 4);
        dof[i] = 4;
        y[i] = i % 2 ? 1 : -1;
        own += gsl_pow_2(log(err[i])) / N;
    }
    made(qn_moderate(N, y, err, dof));
    for (size_t i = 0; i < N; i++)
        after += gsl_pow_2(log(err[i])) / N;
    assert_true(own > 0.1 && after < own / 4);
    for (size_t i = 0; i < N; i++) {
        err[i] = i % 3 ? 1 : 100;
        dof[i] = 200;
    }
    made(qn_moderate(N, y, err, dof));
    for (size_t i = 0; i < N; i++)
        assert_near(err[i] / (i % 3 ? 1 : 100), 1, 0.1);
    double none[] = {0, 2, NAN, 0};
    made(qn_moderate(4, y, none, dof));
    for (size_t i = 0; i < 4; i++)
        assert_near(none[i], 2, 0);
}

/* ---- forms ------------------------------------------------------------------------------------------------------------ */

static bool unknown(void *ctx, const char *name)
{
    (void)ctx;
    return !strcmp(name, "L");
}

/* Numbers without noise give the parameters back, from the starts that are chosen. */
static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *form, *start;
        double theta[3], from, to;
    } cases[] = {{"power", NULL, {3, -0.7}, 10, 1e5},      {"power", NULL, {-2e-9, 4}, 1e3, 1e6},       {"power", "exponent=3", {1e8, 0.1}, 0.01, 1},
                 {"logistic", NULL, {2.3, 0.1}, 2, 2.6},   {"logistic", NULL, {-1, -5}, -30, 30},       {"stretched", NULL, {0.8, 40, 0.5}, 0, 1000},
                 {"stretched", NULL, {5, 2, 1.7}, 0.1, 4}, {"a + b*exp(-c*t)", "c=0.5", {1, 2, 0.3}, 0, 10}, {"a*t/L + b", NULL, {14, -1, 0}, 0, 10}};
    for (size_t c = 0; c < COUNT(cases); c++) {
        enum { N = 12 };
        qn_form f;
        double x[N], y[N], err[N], theta[QN_FORM_PARAMETERS], chi2, constant[] = {7};
        made(qn_form_init(&f, cases[c].form, "t", cases[c].start, unknown, NULL));
        for (size_t i = 0; i < N; i++) {
            double u = (double)i / (N - 1);
            x[i] = f.kind == QN_FORM_POWER ? cases[c].from * pow(cases[c].to / cases[c].from, u) : cases[c].from + u * (cases[c].to - cases[c].from);
            y[i] = qn_form_value(&f, cases[c].theta, constant, x[i]);
            err[i] = 0.01 * fabs(y[i]) + 1e-12;
        }
        qn_form_data d = {N, x, err, constant, NULL};
        made(qn_form_fit(&f, &d, y, NULL, theta, &chi2));
        for (size_t k = 0; k < f.n; k++)
            assert_near(theta[k] / cases[c].theta[k], 1, 1e-6);
        double again[QN_FORM_PARAMETERS];
        made(qn_form_fit(&f, &d, y, theta, again, &chi2)); /* from the solution itself */
        for (size_t k = 0; k < f.n; k++)
            assert_near(again[k] / cases[c].theta[k], 1, 1e-6);
        qn_form_free(&f);
    }
    qn_form f;
    fails(qn_form_init(&f, "powr", "t", NULL, unknown, NULL), "did you mean 'power'");
    fails(qn_form_init(&f, "a*s", "t", NULL, unknown, NULL), "does not depend on t");
    qn_form_free(&f);
    fails(qn_form_init(&f, "a*t+", "t", NULL, unknown, NULL), "expected");
    fails(qn_form_init(&f, "power", "t", "a=1", unknown, NULL), "amplitude, exponent");
    fails(qn_form_init(&f, "power", "t", "amplitude", unknown, NULL), "NAME=NUMBER");
}

/* Maximum likelihood of 0/1 outcomes: the score of Firth's penalised likelihood vanishes (an independent evaluation), and an all-or-nothing
 * step has its middle in the gap. */
static void test_likelihood(void **state)
{
    (void)state;
    enum { N = 5 };
    qn_form f;
    const double x[N] = {0, 1, 2, 3, 4}, runs[N] = {10, 20, 10, 10, 10}, y[N] = {0, 0.1, 0.4, 0.8, 1}, step[N] = {0, 0, 0, 1, 1};
    double theta[2], chi2, best = 0;
    made(qn_form_init(&f, "logistic", "x", NULL, unknown, NULL));
    qn_form_data d = {N, x, NULL, NULL, runs};
    made(qn_form_fit(&f, &d, y, NULL, theta, &chi2));
    for (int turn = 0; turn < 5; turn++) { /* penalised log likelihood at the solution and around it */
        double a[2] = {-theta[0] / theta[1] + (turn == 1 ? 1e-3 : turn == 2 ? -1e-3 : 0), 1 / theta[1] + (turn == 3 ? 1e-3 : turn == 4 ? -1e-3 : 0)}, l = 0, h[3] = {0};
        for (size_t i = 0; i < N; i++) {
            double p = 1 / (1 + exp(-a[0] - a[1] * x[i])), w = runs[i] * p * (1 - p);
            l += runs[i] * (y[i] * log(p) + (1 - y[i]) * log(1 - p));
            h[0] += w;
            h[1] += w * x[i];
            h[2] += w * x[i] * x[i];
        }
        l += 0.5 * log(h[0] * h[2] - h[1] * h[1]);
        if (!turn)
            best = l;
        else
            assert_true(l < best);
    }
    made(qn_form_fit(&f, &d, step, NULL, theta, &chi2));
    assert_near(theta[0], 2.5, 0.2);
    qn_form_free(&f);
}

/* ---- the verb's work ------------------------------------------------------------------------------------------------------ */

static char said[4096];
static void note(void *ctx, const char *line)
{
    (void)ctx;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
}

/* y = A(chi) P^b(chi) over a grid chi, P: 16 replicas with noise. */
static void power_grid(synthetic *s, const char *disorder)
{
    enum { R = 16 };
    static const double chi[] = {0, 1}, p[] = {64, 128, 256, 512, 1024};
    double x[2 * 5 * R];
    qn_rng r;
    qn_rng_seed(&r, 5, 0, 0, 0);
    synthetic_begin(s, R, disorder);
    synthetic_axis(s, "chi", 2, chi);
    synthetic_axis(s, "P", 5, p);
    for (size_t i = 0; i < 10; i++)
        for (size_t k = 0; k < R; k++)
            x[i * R + k] = (2 + chi[i / 5]) * pow(p[i % 5], 0.5 + chi[i / 5]) * exp(0.1 * qn_rng_normal(&r));
    synthetic_outcome(s, "w", false, x);
}

static void test_fit(void **state)
{
    (void)state;
    synthetic s;
    qn_dataset *d;
    power_grid(&s, "P chi");
    qn_fit_request q = {.data = s.d, .observable = "w", .along = "P", .resamples = 500, .say = note};
    made(qn_fit_make(&q, &d));
    const qn_var *b = qn_dataset_find(d, "exponent"), *e = qn_dataset_find(d, "exponent_err"), *dof = qn_dataset_find(d, "exponent_dof"), *chi = qn_dataset_find(d, "chi");
    assert_string_equal(qn_attr_text(d, NULL, "axes"), "chi");
    assert_int_equal(b->size, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_sigma(b->f64[i], e->f64[i], 0.5 + (double)i);
        /* slope of five points with errors 0.1/sqrt(16) at steps of ln 2, to the 20 % that 75 degrees of freedom and the weights leave */
        assert_near(e->f64[i] / (0.025 / (M_LN2 * sqrt(10))), 1, 0.25);
        assert_true(dof->f64[i] > 25 && dof->f64[i] <= 75.5);
        assert_near(chi->f64[i], (double)i, 0);
        assert_int_equal(qn_dataset_find(d, "chi2_dof")->i64[i], 3);
        assert_true(qn_dataset_find(d, "p_value")->f64[i] > 0.001);
    }

    /* a fit of the fit: joint resamples, exponent = 0.5 + slope*chi */
    qn_dataset *again;
    qn_fit_request next = {.data = d, .observable = "exponent", .along = "chi", .form = "a + slope*chi", .resamples = 1000, .say = note};
    made(qn_fit_make(&next, &again));
    double slope = qn_dataset_find(again, "slope")->f64[0], err = qn_dataset_find(again, "slope_err")->f64[0];
    assert_near(slope, b->f64[1] - b->f64[0], 1e-9);
    assert_near(err / hypot(e->f64[0], e->f64[1]), 1, 0.2);
    assert_int_equal(qn_dataset_find(again, "slope")->rank, 0);
    qn_dataset_free(again);
    qn_dataset_free(d);

    /* selections, windows */
    static const char *const where[] = {"P>=128", "P<1024", "chi=1"};
    q.where = where;
    q.n_where = 3;
    made(qn_fit_make(&q, &d));
    assert_int_equal(qn_dataset_find(d, "exponent")->size, 1);
    assert_int_equal(qn_dataset_find(d, "points")->i64[0], 3);
    qn_dataset_free(d);
    q.n_where = 0;
    q.local = true;
    made(qn_fit_make(&q, &d));
    const qn_var *slopes = qn_dataset_find(d, "exponent"), *w = qn_dataset_find(s.d, "w");
    assert_int_equal(slopes->size, 8);
    for (size_t i = 0; i < 8; i++)
        assert_near(slopes->f64[i], log(w->f64[i / 4 * 5 + i % 4 + 1] / w->f64[i / 4 * 5 + i % 4]) / M_LN2, 1e-7);
    qn_dataset_free(d);
    q.local = false;

    fails(qn_fit_make(&(qn_fit_request){.data = s.d, .observable = "v", .along = "P"}, &d), "no observable 'v'");
    fails(qn_fit_make(&(qn_fit_request){.data = s.d, .observable = "w", .along = "p"}, &d), "no axis");
    fails(qn_fit_make(&(qn_fit_request){.data = s.d, .observable = "w", .resamples = 100}, &d), "--along says");
    q.form = "stretched";
    q.where = (const char *const[]){"P<=128"};
    q.n_where = 1;
    fails(qn_fit_make(&q, &d), "3 points");
    synthetic_end(&s);
}

/* A list of points is the grid that it makes up, or a list again. */
static void test_list(void **state)
{
    (void)state;
    enum { R = 8, N = 7 };
    static const double t[N] = {1, 4, 2, 2, 1, 4, 8}, l[N] = {16, 8, 16, 8, 8, 16, 8}, point[N] = {0, 1, 2, 3, 4, 5, 6};
    static const char *const dim = "point";
    synthetic s;
    qn_dataset *d;
    qn_var *v;
    double x[N * R];
    qn_rng r;
    qn_rng_seed(&r, 6, 0, 0, 0);
    synthetic_begin(&s, R, "L");
    synthetic_axis(&s, "point", N, point);
    v = synthetic_var(s.d, "T", QN_F64, 1, &dim);
    memcpy(v->f64, t, sizeof t);
    made(qn_attr_str(s.d, v, "kind", "coordinate"));
    v = synthetic_var(s.d, "L", QN_F64, 1, &dim);
    memcpy(v->f64, l, sizeof l);
    made(qn_attr_str(s.d, v, "kind", "coordinate"));
    for (size_t i = 0; i < N * R; i++)
        x[i] = l[i / R] * t[i / R] * t[i / R] * exp(0.01 * qn_rng_normal(&r));
    synthetic_outcome(&s, "w", false, x);
    qn_fit_request q = {.data = s.d, .observable = "w", .along = "T", .resamples = 200};
    made(qn_fit_make(&q, &d));
    assert_string_equal(qn_attr_text(d, NULL, "axes"), "L");
    assert_near(qn_dataset_find(d, "L")->f64[0], 8, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_sigma(qn_dataset_find(d, "exponent")->f64[i], qn_dataset_find(d, "exponent_err")->f64[i], 2);
        assert_sigma(qn_dataset_find(d, "amplitude")->f64[i], qn_dataset_find(d, "amplitude_err")->f64[i], i ? 16 : 8);
        assert_int_equal(qn_dataset_find(d, "points")->i64[i], i ? 3 : 4);
    }
    qn_dataset_free(d);
    static const char *const where[] = {"L=8", "T>1"};
    q.where = where;
    q.n_where = 2;
    made(qn_fit_make(&q, &d));
    assert_int_equal(qn_dataset_find(d, "points")->i64[0], 3);
    qn_dataset_free(d);
    synthetic_end(&s);
}

/* 0/1 outcomes that never mix: the width cannot be known. */
static void test_separated(void **state)
{
    (void)state;
    enum { R = 4 };
    double x[4 * R];
    synthetic s;
    qn_dataset *d;
    for (size_t i = 0; i < 4 * R; i++)
        x[i] = i >= 2 * R;
    synthetic_begin(&s, R, "N");
    synthetic_axis(&s, "T", 4, (double[]){1, 2, 3, 4});
    synthetic_outcome(&s, "success", true, x);
    fails(qn_fit_make(&(qn_fit_request){.data = s.d, .observable = "success", .along = "T", .form = "logistic", .resamples = 200}, &d), "too coarse");
    synthetic_end(&s);
}

/* Runs without a result are told, and so is what the statistic makes of them. */
static void test_remarks(void **state)
{
    (void)state;
    enum { R = 8 };
    double x[3 * R];
    synthetic s;
    qn_dataset *d;
    for (size_t i = 0; i < 3 * R; i++)
        x[i] = i % R == 7 ? NAN : (double)(i / R + 1) + 0.1 * (double)(i % R);
    synthetic_begin(&s, R, "N");
    synthetic_axis(&s, "T", 3, (double[]){1, 2, 3});
    synthetic_outcome(&s, "t", false, x);
    qn_fit_request q = {.data = s.d, .observable = "t", .along = "T", .resamples = 200, .say = note};
    *said = 0;
    made(qn_fit_make(&q, &d));
    assert_non_null(strstr(said, "3 of 24 runs have no t: the mean is over the others"));
    qn_dataset_free(d);
    *said = 0;
    q.statistic = QN_MEDIAN;
    made(qn_fit_make(&q, &d));
    assert_non_null(strstr(said, "the median counts them as above all others"));
    qn_dataset_free(d);
    synthetic_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean),    cmocka_unit_test(test_series), cmocka_unit_test(test_expression), cmocka_unit_test(test_median),
        cmocka_unit_test(test_too_few), cmocka_unit_test(test_moderate), cmocka_unit_test(test_forms),    cmocka_unit_test(test_likelihood),
        cmocka_unit_test(test_fit),     cmocka_unit_test(test_list),   cmocka_unit_test(test_separated),  cmocka_unit_test(test_remarks),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
