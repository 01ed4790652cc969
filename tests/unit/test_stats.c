/* test_stats.c -- sums, bins, autocorrelation, estimates, verdict, intervals and jackknife against values by hand, at the edges too.
 * Whether the error bars mean what they say is counted in tests/stat/test_calibration.c. */
#include "qtest.h"

#include <pthread.h>

#include "rng.h"
#include "stats.h"

/* ---- sums and bins ---------------------------------------------------------------------------------------------- */

static void test_sum(void **state)
{
    (void)state;
    double x[100] = {0};
    assert_true(qn_sum(0, x) == 0);
    for (size_t n = 1; n <= 100; n++) {
        x[n - 1] = (double)n;
        assert_true(qn_sum(n, x) == (double)(n * (n + 1) / 2));
    }
}

static void test_mean_var(void **state)
{
    (void)state;
    const double x[] = {NAN, 1e9 + 1, INFINITY, 1e9 + 2, 1e9 + 6, -INFINITY};
    double mean, var;
    assert_int_equal(qn_mean_var(6, x, &mean, &var), 3);
    assert_true(mean == 1e9 + 3 && var == 7);
    assert_int_equal(qn_mean_var(2, x, &mean, &var), 1);
    assert_true(mean == 1e9 + 1 && isnan(var));
    assert_int_equal(qn_mean_var(1, x, &mean, NULL), 0);
    assert_true(isnan(mean));
    assert_int_equal(qn_mean_var(6, x, NULL, NULL), 3);
}

static void test_bins(void **state)
{
    (void)state;
    for (size_t bins = 1; bins < 40; bins++)
        for (size_t n = bins; n < 200; n++) {
            assert_true(qn_bin_start(n, bins, 0) == 0 && qn_bin_start(n, bins, bins) == n);
            for (size_t b = 0; b < bins; b++) {
                size_t size = qn_bin_start(n, bins, b + 1) - qn_bin_start(n, bins, b);
                assert_true(size == n / bins || size == n / bins + 1);
            }
        }
    assert_true(qn_bin_start(SIZE_MAX, 1000, 1000) == SIZE_MAX); /* no overflow */
    const double x[] = {1, 2, 3, 4, 5, 6, 7};
    double out[4];
    qn_bin_means(7, x, 3, out); /* 2 + 2 + 3 */
    assert_true(out[0] == 1.5 && out[1] == 3.5 && out[2] == 6);
    qn_bin_means(2, x, 4, out);
    assert_true(out[0] == 1 && out[1] == 2 && isnan(out[2]) && isnan(out[3]));
    qn_bin_means(0, x, 2, out);
    assert_true(isnan(out[0]) && isnan(out[1]));
}

/* ---- autocorrelation -------------------------------------------------------------------------------------------- */

static void make_chain(uint64_t seed, size_t n, double rho, double *x)
{
    qn_rng r;
    qn_rng_seed(&r, seed, 1, 2, 3);
    double now = qn_rng_normal(&r);
    for (size_t t = 0; t < n; t++) {
        x[t] = now;
        now = rho * now + sqrt(1 - rho * rho) * qn_rng_normal(&r);
    }
}

/* The rule, plainly: all lags by double loops. */
static qn_tau plain_tau(size_t n, const double *x)
{
    double mean = 0, gamma0 = 0, tau = 0.5;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        gamma0 += (x[i] - mean) * (x[i] - mean) / (double)n;
    size_t w = 0;
    while (w < n / 2 && (double)w < 5 * tau) {
        double g = 0;
        w++;
        for (size_t i = 0; i + w < n; i++)
            g += (x[i] - mean) * (x[i + w] - mean) / (double)(n - w);
        tau += g / gamma0;
    }
    double c = 2 * tau * gamma0 * (1 + (2 * (double)w + 1) / (double)n);
    c = c > 0 ? c : 0;
    tau = c / (2 * (gamma0 + c / (double)n));
    return (qn_tau){.tau = tau > 0.05 ? tau : 0.05, .window = w};
}

/* Windows below and beyond the lag where the transform takes over, lengths that no power of two divides. */
static void test_tau(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double rho;
    } at[] = {{2, 0}, {3, 0.5}, {10, 0.5}, {100, 0}, {777, 0.8}, {1000, 0.9}, {1000, 0.98}, {4999, 0.97}, {300, 0.999}};
    double x[5000];
    for (size_t c = 0; c < sizeof at / sizeof *at; c++) {
        qn_tau got, want;
        make_chain(c, at[c].n, at[c].rho, x);
        assert_int_equal(qn_autocorrelation(at[c].n, x, &got), 0);
        want = plain_tau(at[c].n, x);
        assert_int_equal(got.window, want.window);
        assert_near(got.tau, want.tau, 1e-10 * want.tau);
        assert_near(got.neff, (double)at[c].n / (2 * got.tau), 1e-12 * got.neff);
        assert_true(got.err > 0);
        for (size_t i = 0; i < at[c].n; i++) /* neither shift nor scale matters */
            x[i] = 1e6 - 1e-3 * x[i];
        assert_int_equal(qn_autocorrelation(at[c].n, x, &want), 0);
        assert_int_equal(got.window, want.window);
        assert_near(got.tau, want.tau, 1e-5 * want.tau);
    }
}

static void test_tau_edges(void **state)
{
    (void)state;
    double x[1000];
    qn_tau t;
    qn_series_stat s;
    for (size_t i = 0; i < 1000; i++)
        x[i] = 0.1; /* constant: not what rounding makes of it */
    for (size_t n = 1; n <= 1000; n *= 10) {
        assert_int_equal(qn_autocorrelation(n, x, &t), 0);
        assert_true(t.tau == 0.5 && t.neff == (double)n && isfinite(t.err));
        assert_int_equal(qn_series_analyse(n, x, &s), 0);
        assert_true(s.mean == 0.1 && s.tau == 0.5);
    }
    assert_true(s.half[0] == 0.1 && s.half[1] == 0.1 && s.half_err[0] == 0 && s.half_err[1] == 0);
    assert_int_equal(qn_series_analyse(1, x, &s), 0);
    assert_true(isnan(s.half[0]) && isnan(s.half_err[1]));
    assert_int_equal(qn_series_analyse(0, x, &s), 0);
    assert_true(isnan(s.mean) && isnan(s.half[0]));
    for (size_t i = 0; i < 1000; i++)
        x[i] = i % 2 ? 1 : -1; /* alternates: not infinitely many samples */
    assert_int_equal(qn_autocorrelation(1000, x, &t), 0);
    assert_true(t.tau == 0.05 && t.neff == 10000);
    x[500] = NAN;
    assert_int_equal(qn_series_analyse(1000, x, &s), 0);
    assert_true(isnan(s.tau) && isnan(s.mean) && isfinite(s.half[0]) && isnan(s.half[1]));
    for (size_t i = 0; i < 1000; i++)
        x[i] = 1e-200 * (double)(i % 7); /* squares that a double cannot hold */
    assert_int_equal(qn_autocorrelation(1000, x, &t), 0);
    assert_true(isfinite(t.tau));
}

/* Half-means and their errors: each half as a series of its own, error sqrt(2 tau var/n). */
static void test_halves(void **state)
{
    (void)state;
    enum { N = 1001 };
    double x[N], mean, var;
    qn_series_stat s, lone;
    qn_tau t;
    make_chain(7, N, 0.7, x);
    assert_int_equal(qn_series_analyse(N, x, &s), 0);
    for (size_t h = 0; h < 2; h++) {
        size_t start = h ? N / 2 : 0, n = h ? N - N / 2 : N / 2;
        assert_int_equal(qn_series_analyse(n, x + start, &lone), 0);
        assert_near(s.half[h], lone.mean, 1e-15);
        assert_int_equal(qn_autocorrelation(n, x + start, &t), 0);
        qn_mean_var(n, x + start, &mean, &var);
        assert_near(s.half_err[h], sqrt(2 * t.tau * var / (double)n), 0.01 * s.half_err[h]); /* the variance's own bias, tau/n */
    }
}

static void *analyse_many(void *out)
{
    static const size_t n[] = {500, 900, 1700, 3000, 4100};
    double x[4100], sum = 0;
    for (size_t k = 0; k < 25; k++) {
        qn_tau t;
        make_chain(k, n[k % 5], 0.99, x);
        if (qn_autocorrelation(n[k % 5], x, &t))
            return NULL;
        sum += t.tau;
    }
    *(double *)out = sum;
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t thread[THREADS];
    double out[THREADS] = {0};
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, analyse_many, &out[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < THREADS; i++)
        assert_true(out[i] > 0 && out[i] == out[0]);
}

/* ---- estimates -------------------------------------------------------------------------------------------------- */

enum { R = 9, N = 1000, BINS = 16 };

typedef struct sample {
    qn_series_stat stat[R];
    int64_t n[R];
    double bins[R * BINS];
} sample;

static void make_sample(sample *s, double rho, const double *shift)
{
    double x[N];
    for (size_t r = 0; r < R; r++) {
        make_chain(100 + r, N, rho, x);
        for (size_t t = 0; t < N && shift; t++)
            x[t] += shift[r];
        assert_int_equal(qn_series_analyse(N, x, &s->stat[r]), 0);
        qn_bin_means(N, x, BINS, s->bins + r * BINS);
        s->n[r] = N;
    }
}

static void test_estimate(void **state)
{
    (void)state;
    sample s;
    qn_estimate e;
    double means[R], mean, var;
    make_sample(&s, 0, NULL);
    for (size_t r = 0; r < R; r++)
        means[r] = s.stat[r].mean;

    qn_estimate_series(R, s.stat, s.n, BINS, s.bins, true, &e); /* nine that are alike: their spread */
    qn_mean_var(R, means, &mean, &var);
    assert_near(e.mean, mean, 1e-15);
    assert_near(e.err, sqrt(var / R), 1e-12);
    assert_true(e.dof == R - 1 && e.from_replicas && e.replicas == R);

    qn_estimate_series(4, s.stat, s.n, BINS, s.bins, false, &e); /* four of different disorder: their spread too */
    qn_mean_var(4, means, &mean, &var);
    assert_near(e.err, sqrt(var / 4), 1e-12);
    assert_true(e.dof == 3 && e.from_replicas);

    /* Four that are alike, independent measurements: every bin is a block; sizes 62 and 63 weigh. */
    qn_estimate_series(4, s.stat, s.n, BINS, s.bins, true, &e);
    double weight = 0, square = 0;
    for (size_t r = 0; r < 4; r++)
        for (size_t b = 0; b < BINS; b++) {
            double w = (double)(qn_bin_start(N, BINS, b + 1) - qn_bin_start(N, BINS, b)), d = s.bins[r * BINS + b] - mean;
            weight += w;
            square += w * d * d;
        }
    assert_true(e.dof == 4 * BINS - 1 && !e.from_replicas);
    assert_near(e.mean, mean, 1e-15);
    assert_near(e.err, sqrt(square / weight / (4 * BINS - 1)), 0.005 * e.err); /* but for tau - 1/2, which is noise here */

    double tau = 0, neff = 0;
    for (size_t r = 0; r < 4; r++) {
        tau += s.stat[r].tau / 4;
        neff += s.stat[r].neff;
    }
    assert_near(e.tau, tau, 1e-14);
    assert_near(e.neff, neff, 1e-9);
}

/* tau = 19.5, n = 1,000, 16 bins of 62.5: two bins make a block of five tau; what neighbours share is put back. */
static void test_blocks(void **state)
{
    (void)state;
    sample s;
    qn_estimate e;
    make_sample(&s, 0.95, NULL);
    s.stat[0].tau = 19.5;
    qn_estimate_series(1, s.stat, s.n, BINS, s.bins, true, &e);
    double mean = s.stat[0].mean, square = 0;
    for (size_t b = 0; b < 8; b++) {
        double d = (s.bins[2 * b] * 62 + s.bins[2 * b + 1] * 63) / 125 - mean; /* 62 and 63 by turns */
        square += d * d;
    }
    assert_true(e.dof == 7);
    assert_near(e.err, sqrt(square / 8 / 7 / (1 - (19.5 - 1 / 78.0) / 125)), 1e-9);
    s.stat[0].tau = 200; /* hopeless: four blocks are kept, the verdict says no */
    qn_estimate_series(1, s.stat, s.n, BINS, s.bins, true, &e);
    assert_true(e.dof == 3 && e.eq == QN_EQ_NO && e.err > 0);
}

static void test_estimate_edges(void **state)
{
    (void)state;
    sample s;
    qn_estimate e, f;
    make_sample(&s, 0.3, NULL);
    qn_estimate_series(5, s.stat, s.n, BINS, s.bins, true, &e);
    s.n[1] = 0; /* not there, or not finite: as if never asked for */
    s.stat[1].mean = s.stat[1].tau = NAN;
    s.bins[BINS] = NAN;
    qn_estimate_series(5, s.stat, s.n, BINS, s.bins, true, &f);
    assert_true(f.replicas == 4 && isfinite(f.err) && f.mean != e.mean && f.dof == e.dof - BINS);
    qn_estimate_series(2, s.stat, s.n, BINS, s.bins, false, &f);
    assert_true(f.replicas == 1 && !f.from_replicas && f.dof == BINS - 1); /* one left: binning */
    qn_estimate_series(1, s.stat + 1, s.n + 1, BINS, s.bins + BINS, true, &f);
    assert_true(f.replicas == 0 && isnan(f.mean) && isnan(f.err) && f.eq == QN_EQ_NO);
    qn_estimate_series(0, NULL, NULL, BINS, NULL, true, &f);
    assert_true(f.replicas == 0 && isnan(f.mean));

    /* A single bin says nothing of an error: the halves do. */
    double one = s.stat[0].mean, want = sqrt(s.stat[0].half_err[0] * s.stat[0].half_err[0] + s.stat[0].half_err[1] * s.stat[0].half_err[1]) / 2;
    qn_estimate_series(1, s.stat, s.n, 1, &one, true, &f);
    assert_near(f.err, want, 1e-12);
    assert_true(f.dof > 10 && f.dof < 2000 && !f.from_replicas);

    double x = 3; /* one measurement: a mean and no error */
    int64_t n = 1;
    qn_series_stat stat;
    assert_int_equal(qn_series_analyse(1, &x, &stat), 0);
    qn_estimate_series(1, &stat, &n, 1, &x, true, &f);
    assert_true(f.mean == 3 && isnan(f.err) && f.dof == 0 && f.eq == QN_EQ_NO);

    double bins[8] = {2, 2, 2, 2, 2, 2, 2, 2}; /* frozen */
    qn_series_stat still[2] = {{.mean = 2, .tau = 0.5, .tau_err = 0.01, .neff = 100, .half = {2, 2}}, {.mean = 2, .tau = 0.5, .tau_err = 0.01, .neff = 100, .half = {2, 2}}};
    int64_t many[2] = {100, 100};
    qn_estimate_series(2, still, many, 4, bins, true, &f);
    assert_true(f.mean == 2 && f.err == 0 && f.eq == QN_EQ_YES);
}

static void test_values(void **state)
{
    (void)state;
    const double x[] = {1, NAN, 2, 6};
    qn_estimate e;
    qn_estimate_values(4, x, &e);
    assert_true(e.mean == 3 && e.replicas == 3 && e.dof == 2);
    assert_near(e.err, sqrt(7 / 3.0), 1e-15);
    qn_estimate_values(2, x, &e);
    assert_true(e.mean == 1 && isnan(e.err) && e.replicas == 1 && e.dof == 0);
    qn_estimate_values(1, x + 1, &e);
    assert_true(isnan(e.mean) && e.replicas == 0);
}

/* ---- the verdict ------------------------------------------------------------------------------------------------ */

static void test_verdict(void **state)
{
    (void)state;
    const qn_series_stat good = {.mean = 1, .tau = 2, .tau_err = 0.2, .neff = 250, .half = {1, 1.1}, .half_err = {0.1, 0.1}};
    qn_series_stat s[16];
    int64_t n[16];
    for (size_t r = 0; r < 16; r++) {
        s[r] = good;
        s[r].half[1] = r % 2 ? 1.1 : 0.9;
        n[r] = 1000;
    }
    assert_int_equal(qn_equilibrated(16, s, n), QN_EQ_YES);
    assert_int_equal(qn_equilibrated(1, s, n), QN_EQ_YES);
    n[0] = 99; /* 49.5 tau */
    assert_int_equal(qn_equilibrated(1, s, n), QN_EQ_NO);
    n[0] = 100;
    assert_int_equal(qn_equilibrated(1, s, n), QN_EQ_YES);
    n[0] = 1000;
    for (size_t r = 0; r < 16; r++)
        s[r].half[1] = 1.1; /* 0.7 sigma each, 2.8 together */
    assert_int_equal(qn_equilibrated(1, s, n), QN_EQ_YES);
    assert_int_equal(qn_equilibrated(16, s, n), QN_EQ_NO);
    for (size_t r = 0; r < 16; r++)
        s[r].half[1] = 1;
    s[5].half[1] = 1.3; /* one alone at 2.1 sigma may, at 6 not, though the average moves by 1.5 sigma only */
    assert_int_equal(qn_equilibrated(16, s, n), QN_EQ_YES);
    s[5].half[1] = 1.85;
    assert_int_equal(qn_equilibrated(16, s, n), QN_EQ_NO);
    s[5] = good;
    s[5].half[1] = 1.6; /* a transient that swelled the error of its own half does not hide behind it */
    s[5].half_err[0] = 1;
    assert_int_equal(qn_equilibrated(1, s + 5, n), QN_EQ_NO);
    s[0] = (qn_series_stat){.mean = 1, .tau = 0.5, .tau_err = 0.05, .half = {1, 1}};
    assert_int_equal(qn_equilibrated(1, s, n), QN_EQ_YES);
    s[0].half[1] = 1 + 1e-9; /* stands still, elsewhere */
    assert_int_equal(qn_equilibrated(1, s, n), QN_EQ_NO);
    s[0].half[0] = NAN;
    assert_int_equal(qn_equilibrated(1, s, n), QN_EQ_NO);
    assert_int_equal(qn_equilibrated(0, s, n), QN_EQ_NO);
}

/* ---- intervals and jackknife ------------------------------------------------------------------------------------ */

static void test_student(void **state)
{
    (void)state;
    /* scipy.stats.t.ppf((1 + p)/2, dof) */
    static const struct {
        double p, dof, want;
    } at[] = {{0.95, 1, 12.706204736174694}, {0.95, 2, 4.302652729749462}, {0.95, 3, 3.1824463052837078}, {0.95, 31, 2.039513446396408},
              {0.6826894921370859, 3, 1.196881354403156}, {0.99, 7.5, 3.421422688124044}, {0.5, 0.7, 1.200330743457406}, {0.95, INFINITY, 1.959963984540054}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        assert_near(qn_student_quantile(at[i].p, at[i].dof), at[i].want, 1e-9 * at[i].want);
    assert_near(qn_student_quantile(0.95, 0.99e6), qn_student_quantile(0.95, 1.01e6), 1e-5);
    for (double dof = 0.3; dof < 1e5; dof *= 1.07) /* no error handler of GSL's is ever reached */
        for (double tail = 0.5; tail > 1e-7; tail *= 0.3)
            assert_true(qn_student_quantile(1 - tail, dof) > 0);
    assert_true(qn_student_quantile(0, 5) == 0 && isnan(qn_student_quantile(0.95, 0)) && isnan(qn_student_quantile(0.95, NAN)) &&
                isnan(qn_student_quantile(1, 5)) && isnan(qn_student_quantile(NAN, 5)));
}

static void test_wilson(void **state)
{
    (void)state;
    double lo, hi;
    qn_wilson(7, 10, 1.959963984540054, &lo, &hi); /* scipy.stats.binomtest(7, 10).proportion_ci(method="wilson") */
    assert_near(lo, 0.3967781, 1e-7);
    assert_near(hi, 0.8922087, 1e-7);
    qn_wilson(0, 10, 1.96, &lo, &hi);
    assert_true(lo == 0 && hi > 0.27 && hi < 0.28);
    qn_wilson(10, 10, 1.96, &lo, &hi);
    assert_true(hi == 1 && lo > 0.72 && lo < 0.73);
    qn_wilson(0, 0, 1.96, &lo, &hi);
    assert_true(lo == 0 && hi == 1);
}

static double square_of(size_t n, const double *x, void *ctx)
{
    (void)n;
    ++*(int *)ctx;
    return x[0] * x[0];
}

static double ratio(size_t n, const double *x, void *ctx)
{
    (void)n;
    (void)ctx;
    return x[0] / x[1];
}

static void test_jackknife(void **state)
{
    (void)state;
    const double x[] = {1, 2, 4, 9};
    double value, err;
    int calls = 0;
    /* The square of the mean: mean^2 - s^2/n without bias. */
    assert_int_equal(qn_jackknife(4, 1, x, NULL, square_of, &calls, true, &value, &err), 0);
    double mean, var, theta[4], centre = 0, spread = 0;
    qn_mean_var(4, x, &mean, &var);
    assert_near(value, mean * mean - var / 4, 1e-12);
    for (size_t j = 0; j < 4; j++) {
        theta[j] = pow((16 - x[j]) / 3, 2);
        centre += theta[j] / 4;
    }
    for (size_t j = 0; j < 4; j++)
        spread += (theta[j] - centre) * (theta[j] - centre);
    assert_near(err, sqrt(3 / 4.0 * spread), 1e-12);
    assert_int_equal(calls, 5);
    assert_int_equal(qn_jackknife(4, 1, x, NULL, square_of, &calls, false, &value, &err), 0);
    assert_near(value, 16, 1e-12);

    /* The scale of the weights is nothing, and a block without weight is not there, NaN or not. */
    const double two[] = {1, 3, 2, 1, NAN, NAN, 4, 2}, w[] = {10, 20, 0, 15}, w3[] = {1, 2, 1.5}, three[] = {1, 3, 2, 1, 4, 2};
    double other, other_err;
    assert_int_equal(qn_jackknife(4, 2, two, w, ratio, NULL, true, &value, &err), 0);
    assert_int_equal(qn_jackknife(3, 2, three, w3, ratio, NULL, true, &other, &other_err), 0);
    assert_near(value, other, 1e-12);
    assert_near(err, other_err, 1e-12);
    assert_true(err > 0);

    assert_int_equal(qn_jackknife(1, 1, x + 1, NULL, square_of, &calls, true, &value, &err), 0);
    assert_true(value == 4 && isnan(err));
    assert_int_equal(qn_jackknife(0, 1, x, NULL, square_of, &calls, true, &value, &err), 0);
    assert_true(isnan(value) && isnan(err));
}

/* Unequal blocks of a linear function: the mean has no bias and the error is that of the weighted mean; over many draws the jackknife's error
 * squared is the variance of the mean within 4 of its own standard errors (chance 6e-5), and of the square the bias goes. */
static void test_jackknife_law(void **state)
{
    (void)state;
    enum { TIMES = 20000, BLOCKS = 6 };
    static const double size[BLOCKS] = {1, 2, 3, 4, 5, 9};
    qn_rng r;
    qn_rng_seed(&r, 41, 42, 43, 44);
    double error2[TIMES], squares[TIMES], mean, var;
    for (size_t i = 0; i < TIMES; i++) {
        double x[BLOCKS], value, err;
        int calls = 0;
        double pair[2 * BLOCKS];
        for (size_t b = 0; b < BLOCKS; b++) {
            x[b] = 0.5 + qn_rng_normal(&r) / sqrt(size[b]);
            pair[2 * b] = x[b];
            pair[2 * b + 1] = 1;
        }
        assert_int_equal(qn_jackknife(BLOCKS, 2, pair, size, ratio, NULL, true, &value, &err), 0);
        error2[i] = err * err;
        assert_int_equal(qn_jackknife(BLOCKS, 1, x, size, square_of, &calls, true, &squares[i], &err), 0);
    }
    qn_mean_var(TIMES, error2, &mean, &var);
    assert_sigma(mean, sqrt(var / TIMES), 1 / 24.0);
    qn_mean_var(TIMES, squares, &mean, &var);
    assert_sigma(mean, sqrt(var / TIMES), 0.25);
    assert_true(1 / 24.0 > 8 * sqrt(var / TIMES)); /* the bias that is gone would have been seen */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum),       cmocka_unit_test(test_mean_var), cmocka_unit_test(test_bins),
        cmocka_unit_test(test_tau),       cmocka_unit_test(test_tau_edges), cmocka_unit_test(test_halves),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_estimate), cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_estimate_edges), cmocka_unit_test(test_values), cmocka_unit_test(test_verdict),
        cmocka_unit_test(test_student),   cmocka_unit_test(test_wilson),   cmocka_unit_test(test_jackknife),
        cmocka_unit_test(test_jackknife_law)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
