/* test_calibration.c -- do the error bars mean what they say?
 *
 * Chains x_t = rho x_(t-1) + sqrt(1-rho^2) xi_t, x_0 from the stationary law: mean 0, variance 1, rho(t) = rho^t, hence
 * tau = (1+rho)/(2(1-rho)) exactly.  Every case repeats the whole path of a point (analysis of each replica, bins, estimate) 2,000 times and counts.
 * Seeds are fixed.  A count may be off by 4 standard deviations, 0.042 for the 68 % and 0.019 for the 95 % intervals (chance 6e-5 each for a
 * fresh seed); nothing is allowed on top, for short chains neither. */
#include "qtest.h"

#include <gsl/gsl_randist.h>

#include "rng.h"
#include "stats.h"

enum { REPEAT = 2000, MOST_REPLICAS = 16, MOST_BINS = 64 };
#define P68 0.682689492137086
#define P95 0.954499736103642

static double exact_tau(double rho)
{
    return (1 + rho) / (2 * (1 - rho));
}

static void chain(qn_rng *rng, size_t n, double rho, double *noise, double *x)
{
    double now = qn_rng_normal(rng), kick = sqrt(1 - rho * rho);
    qn_rng_fill_normal(rng, n, noise);
    for (size_t t = 0; t < n; t++) {
        x[t] = now;
        now = rho * now + kick * noise[t];
    }
}

/* One point: R chains of n, a disorder shift of each replica of standard deviation `disorder`. */
static void point(qn_rng *rng, size_t replicas, size_t n, size_t bins, double rho, double disorder, double *x, qn_estimate *est)
{
    static double bin[MOST_REPLICAS * MOST_BINS];
    qn_series_stat stat[MOST_REPLICAS];
    int64_t count[MOST_REPLICAS];
    for (size_t r = 0; r < replicas; r++) {
        chain(rng, n, rho, x + n, x);
        double shift = disorder > 0 ? disorder * qn_rng_normal(rng) : 0;
        for (size_t t = 0; t < n; t++)
            x[t] += shift;
        assert_int_equal(qn_series_analyse(n, x, &stat[r]), 0);
        qn_bin_means(n, x, bins, bin + r * bins);
        count[r] = (int64_t)n;
    }
    qn_estimate_series(replicas, stat, count, bins, bin, !(disorder > 0), est);
}

static double *scratch(size_t n)
{
    double *x = malloc(2 * n * sizeof *x);
    assert_non_null(x);
    return x;
}

static double share(size_t hits, size_t of)
{
    return (double)hits / (double)of;
}

/* ---- coverage --------------------------------------------------------------------------------------------------- */

static const struct coverage {
    size_t replicas, n, bins;
    double rho, disorder;
} cases[] = {
    {1, 2000, 32, 0.0, 0},  {1, 2000, 32, 0.5, 0},  {1, 2000, 32, 0.9, 0},   {1, 4000, 64, 0.9, 0}, {1, 1000, 32, 0.9, 0}, {1, 500, 32, 0.9, 0},
    {1, 2000, 1, 0.9, 0},   {2, 500, 32, 0.6, 0},   {4, 500, 32, 0.0, 0},    {4, 500, 32, 0.6, 0},  {4, 1000, 32, 0.9, 0}, {16, 200, 32, 0.0, 0},
    {16, 200, 32, 0.6, 0},  {16, 200, 32, 0.9, 0},  {8, 20, 32, 0.6, 0},     {2, 500, 32, 0.6, 0.1}, {4, 500, 32, 0.6, 0.1}, {4, 500, 32, 0.6, 1.0},
    {16, 200, 32, 0.6, 1.0},
};

static void test_coverage(void **state)
{
    (void)state;
    printf("# coverage over %d repetitions; want 0.683 and 0.954\n#  R     n  bins   rho  disorder    dof  in 68 %%  in 95 %%\n", REPEAT);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const struct coverage *k = &cases[c];
        double *x = scratch(k->n), dof = 0;
        size_t in68 = 0, in95 = 0;
        qn_rng rng;
        qn_rng_seed(&rng, 11, c, 12, 13);
        for (size_t i = 0; i < REPEAT; i++) {
            qn_estimate e;
            point(&rng, k->replicas, k->n, k->bins, k->rho, k->disorder, x, &e);
            in68 += fabs(e.mean) <= e.err * qn_student_quantile(P68, e.dof);
            in95 += fabs(e.mean) <= e.err * qn_student_quantile(P95, e.dof);
            dof += e.dof / REPEAT;
        }
        free(x);
        printf("  %2zu %5zu  %4zu  %4.2f  %8.1f %6.1f  %7.4f  %7.4f\n", k->replicas, k->n, k->bins, k->rho, k->disorder, dof, share(in68, REPEAT),
               share(in95, REPEAT));
        assert_sigma(share(in68, REPEAT), sqrt(P68 * (1 - P68) / REPEAT), P68);
        assert_sigma(share(in95, REPEAT), sqrt(P95 * (1 - P95) / REPEAT), P95);
    }
}

/* ---- autocorrelation time --------------------------------------------------------------------------------------- */

/* The mean of 400 estimates against the exact value.  Closing the window at 5 tau leaves exp(-5) = 0.7 % out, and the window closes early where
 * noise makes it; both shrink with n: 2 % are allowed at 400 tau and more.  Their spread against the error that they claim: within 20 %. */
static void test_tau(void **state)
{
    (void)state;
    enum { TIMES = 400 };
    static const struct {
        double rho;
        size_t n;
    } at[] = {{0, 2000}, {0.3, 2000}, {0.6, 2000}, {0.9, 4000}, {0.9, 20000}, {0.98, 20000}};
    printf("# integrated autocorrelation time over %d chains\n#  rho      n   exact    mean    error  spread  claimed\n", TIMES);
    for (size_t c = 0; c < sizeof at / sizeof *at; c++) {
        double *x = scratch(at[c].n), got[TIMES], claimed = 0, mean, var, want = exact_tau(at[c].rho);
        qn_rng rng;
        qn_rng_seed(&rng, 21, c, 22, 23);
        for (size_t i = 0; i < TIMES; i++) {
            qn_tau t;
            chain(&rng, at[c].n, at[c].rho, x + at[c].n, x);
            assert_int_equal(qn_autocorrelation(at[c].n, x, &t), 0);
            assert_true((double)t.window >= 5 * (t.tau * 0.8) || t.window == at[c].n / 2);
            got[i] = t.tau;
            claimed += t.err / TIMES;
        }
        free(x);
        qn_mean_var(TIMES, got, &mean, &var);
        printf("  %4.2f %6zu %7.3f %7.3f %8.3f %7.3f  %7.3f\n", at[c].rho, at[c].n, want, mean, sqrt(var / TIMES), sqrt(var), claimed);
        assert_near(mean, want, 0.02 * want + Q_Z * sqrt(var / TIMES));
        assert_near(sqrt(var) / claimed, 1, 0.2);
    }
}

/* ---- the verdict ------------------------------------------------------------------------------------------------ */

/* Mean of the second half less that of the first, of a drift d(s), s = t/n. */
typedef enum { STATIONARY, LINEAR, RELAXING, TRANSIENT, JUMP, KINDS } drift_kind;

static double drift_at(drift_kind kind, double s, double halves)
{
    switch (kind) {
    case LINEAR: return 2 * halves * s;
    case RELAXING: return halves * exp(-3 * s) * 1.5 / (1 - 2 * exp(-1.5) + exp(-3));
    case TRANSIENT: return halves * exp(-20 * s) * 10 / (1 - 2 * exp(-10) + exp(-20));
    default: return 0;
    }
}

/* Flagged out of 1,000 points: stationary ones at most 5 % (the rule aims at 3 %: 5 % would be 4 standard deviations above), drifting ones at
 * least 95 %.  Drifts: the halves differ by 12 standard errors of the point, growing linearly, relaxing over the whole chain, or as a
 * transient of a twentieth of it that thermalization should have cut off; one replica alone that moves by 5 of its standard deviations
 * at half time. */
static void test_verdict(void **state)
{
    (void)state;
    enum { TIMES = 1000 };
    static const struct {
        size_t replicas, n;
        double rho;
    } at[] = {{1, 200, 0}, {1, 1000, 0.6}, {1, 1000, 0.9}, {1, 2000, 0.9}, {4, 500, 0}, {4, 500, 0.6}, {4, 1000, 0.9}, {16, 200, 0}, {16, 200, 0.6}, {16, 1000, 0.9}};
    printf("# flagged out of %d points\n#  R     n   rho  stationary  linear  relaxing  transient  one jumps\n", TIMES);
    for (size_t c = 0; c < sizeof at / sizeof *at; c++) {
        const size_t n = at[c].n, replicas = at[c].replicas;
        const double halves = 12 * sqrt(2 * exact_tau(at[c].rho) / (double)(n * replicas));
        double *x = scratch(n);
        size_t flagged[KINDS] = {0};
        qn_rng rng;
        qn_rng_seed(&rng, 31, c, 32, 33);
        for (drift_kind kind = STATIONARY; kind < KINDS; kind++)
            for (size_t i = 0; i < TIMES; i++) {
                qn_series_stat stat[MOST_REPLICAS];
                int64_t count[MOST_REPLICAS];
                for (size_t r = 0; r < replicas; r++) {
                    chain(&rng, n, at[c].rho, x + n, x);
                    for (size_t t = 0; t < n && kind != STATIONARY; t++)
                        x[t] += kind == JUMP ? (r == 0 && 2 * t >= n ? 5 : 0) : drift_at(kind, (double)t / (double)n, halves);
                    assert_int_equal(qn_series_analyse(n, x, &stat[r]), 0);
                    count[r] = (int64_t)n;
                }
                flagged[kind] += qn_equilibrated(replicas, stat, count) == QN_EQ_NO;
            }
        free(x);
        printf("  %2zu %5zu  %4.2f  %10.3f  %6.3f  %8.3f  %9.3f  %9.3f\n", replicas, n, at[c].rho, share(flagged[STATIONARY], TIMES),
               share(flagged[LINEAR], TIMES), share(flagged[RELAXING], TIMES), share(flagged[TRANSIENT], TIMES), share(flagged[JUMP], TIMES));
        if (flagged[STATIONARY] * 20 > TIMES)
            fail_msg("%zu of %d stationary points are flagged", flagged[STATIONARY], TIMES);
        for (drift_kind kind = LINEAR; kind < KINDS; kind++)
            if (flagged[kind] * 20 < 19 * TIMES)
                fail_msg("%zu of %d drifting points are flagged (kind %d)", flagged[kind], TIMES, (int)kind);
    }
}

/* Chains near a frozen state, out of 1,000 points each.  Stationary ones that rarely leave it (each measurement with chance p): a half
 * without any excursion is no drift; at most 8 % flagged (the error of a half with few excursions is itself uncertain, which no
 * Student's quantile knows).  Ones that relax into it (8 replicas, each within its first quarter) and
 * then stand still: at least 95 %. */
static void test_frozen(void **state)
{
    (void)state;
    enum { TIMES = 1000, N = 400 };
    static const struct {
        size_t replicas;
        double per_chain; /* excursions */
    } at[] = {{1, 0.5}, {1, 2}, {1, 10}, {8, 0.1}, {8, 0.5}, {8, 2}, {8, 10}};
    double x[N];
    qn_rng rng;
    qn_rng_seed(&rng, 41, 42, 43, 44);
    printf("# flagged out of %d points: rare excursions\n#  R  excursions  flagged\n", TIMES);
    for (size_t c = 0; c <= sizeof at / sizeof *at; c++) {
        bool relaxing = c == sizeof at / sizeof *at;
        size_t replicas = relaxing ? 8 : at[c].replicas, flagged = 0;
        for (size_t i = 0; i < TIMES; i++) {
            qn_series_stat stat[MOST_REPLICAS];
            int64_t count[MOST_REPLICAS];
            for (size_t r = 0; r < replicas; r++) {
                double frozen = relaxing ? 0.8 - 0.1 * qn_rng_uniform(&rng) : 1, end = N / 4 * qn_rng_uniform_pos(&rng);
                for (size_t t = 0; t < N; t++)
                    x[t] = relaxing ? ((double)t < end ? 1 : frozen) : qn_rng_uniform(&rng) * N < at[c].per_chain ? 0.98 : 1;
                if (relaxing)
                    x[0] = 1;
                assert_int_equal(qn_series_analyse(N, x, &stat[r]), 0);
                count[r] = N;
            }
            flagged += qn_equilibrated(replicas, stat, count) == QN_EQ_NO;
        }
        if (relaxing)
            printf("   8    relaxing  %7.3f\n", share(flagged, TIMES));
        else
            printf("  %2zu  %10.1f  %7.3f\n", replicas, at[c].per_chain, share(flagged, TIMES));
        if (relaxing ? flagged * 20 < 19 * TIMES : flagged * 25 > 2 * TIMES)
            fail_msg("%zu of %d points are flagged", flagged, TIMES);
    }
}

/* ---- Wilson ----------------------------------------------------------------------------------------------------- */

/* Exact, no random numbers: the chance that the interval holds p, summed over the binomial law.  On average over p it is 95 % within one per
 * cent; it swings with p, never below 83 % (Brown, Cai & DasGupta 2001, fig. 5: the dip near p = 0.18/n). */
static void test_wilson(void **state)
{
    (void)state;
    printf("# 95 %% Wilson interval: chance to hold p\n#  n   average  lowest\n");
    static const unsigned sizes[] = {5, 10, 16, 50, 200};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        unsigned n = sizes[s];
        double average = 0, lowest = 1;
        enum { GRID = 2000 };
        for (int g = 0; g < GRID; g++) {
            double p = (g + 0.5) / GRID, inside = 0;
            for (unsigned k = 0; k <= n; k++) {
                double lo, hi;
                qn_wilson(k, n, 1.959963984540054, &lo, &hi);
                inside += lo <= p && p <= hi ? gsl_ran_binomial_pdf(k, p, n) : 0;
            }
            average += inside / GRID;
            lowest = inside < lowest ? inside : lowest;
        }
        printf("  %3u   %.4f  %.4f\n", n, average, lowest);
        assert_near(average, 0.95, 0.01);
        assert_true(lowest > 0.83);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_coverage), cmocka_unit_test(test_tau), cmocka_unit_test(test_verdict), cmocka_unit_test(test_frozen),
                                       cmocka_unit_test(test_wilson)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
