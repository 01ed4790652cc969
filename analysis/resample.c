/* resample.c -- see resample.h. */
#include "resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_sf_psi.h>
#include <gsl/gsl_statistics_double.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_multifit.h>

#include "rng.h"
#include "stats.h"

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the resamples");
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

static void open_stream(uint64_t group, uint64_t resample, qn_rng *r)
{
    uint64_t word[4] = {QN_STREAM_BOOTSTRAP, group, resample, 0};
    qn_hash state = qn_hash_bytes(word, sizeof word);
    word[3] = 1;
    qn_hash sequence = qn_hash_bytes(word, sizeof word);
    qn_rng_seed(r, state.w[1], state.w[0], sequence.w[1], sequence.w[0]);
}

/* How often each of n units is drawn. */
static void draw(uint64_t group, uint64_t resample, size_t n, double *times)
{
    qn_rng r;
    open_stream(group, resample, &r);
    memset(times, 0, n * sizeof *times);
    for (size_t k = 0; k + 1 < n; k++)
        times[qn_rng_below(&r, n)]++;
}

static void one_resample(const qn_sampled *s, size_t n, const size_t *cell, size_t b, double *times, double *y)
{
    uint64_t group = 0;
    size_t drawn = 0; /* units in `times` */
    for (size_t i = 0; i < n; i++) {
        size_t p = cell[i] / s->width;
        if (s->stored) {
            y[i] = s->stored[cell[i] * s->n_stored + b];
            continue;
        }
        if (!s->n_vars) {
            qn_rng r;
            open_stream(cell[i], b, &r);
            y[i] = s->value[cell[i]] + (isfinite(s->err[cell[i]]) ? s->err[cell[i]] * qn_rng_normal(&r) : 0);
            continue;
        }
        if (s->units[p] < 2) {
            y[i] = NAN;
            continue;
        }
        if (drawn != s->units[p] || group != s->group[p]) {
            group = s->group[p];
            drawn = s->units[p];
            draw(group, b, drawn, times);
        }
        /* the estimate of an expression is free of bias to first order, a resample is not: its deviation counts */
        y[i] = qn_sampled_at(s, cell[i], times);
        if (s->expression)
            y[i] += s->value[cell[i]] - qn_sampled_plain(s, cell[i]);
    }
}

#define MOST_NUMBERS 50000000 /* 400 MB */
#define SERIAL 20000          /* numbers: a few milliseconds, not worth waiting for other threads on a busy machine */

size_t qn_resample_count(const qn_sampled *s, size_t n, size_t wanted)
{
    if (s->stored && wanted > s->n_stored)
        wanted = s->n_stored;
    if (n && wanted > MOST_NUMBERS / n)
        wanted = MOST_NUMBERS / n > 100 ? MOST_NUMBERS / n : 100;
    return wanted;
}

int qn_resample(const qn_sampled *s, size_t n, const size_t *cell, size_t count, double **out)
{
    size_t most = 0;
    bool failed = false;
    for (size_t i = 0; i < n && s->n_vars; i++)
        most = s->units[cell[i] / s->width] > most ? s->units[cell[i] / s->width] : most;
    double *y = malloc((count * n + 1) * sizeof *y);
    *out = NULL;
    if (!y)
        return no_memory();
#pragma omp parallel reduction(|| : failed) if (count * n > SERIAL)
    {
        double *times = malloc((most + 1) * sizeof *times);
        failed = !times;
#pragma omp for schedule(static)
        for (size_t b = 0; b < count; b++)
            if (times)
                one_resample(s, n, cell, b, times, y + b * n);
        free(times);
    }
    if (failed) {
        free(y);
        return no_memory();
    }
    *out = y;
    return 0;
}

void qn_resample_errors(size_t n, size_t resamples, const double *y, double *err)
{
    for (size_t i = 0; i < n; i++) {
        double mean = 0, square = 0;
        size_t count = 0;
        for (size_t b = 0; b < resamples; b++)
            if (isfinite(y[b * n + i])) {
                mean += y[b * n + i];
                count++;
            }
        mean /= (double)count;
        for (size_t b = 0; b < resamples; b++)
            square += isfinite(y[b * n + i]) ? gsl_pow_2(y[b * n + i] - mean) : 0;
        err[i] = count > 1 ? sqrt(square / (double)count) : NAN;
    }
}

/* ---- errors of what is made of the cells ---------------------------------------------------------------------------- */

#define WIDE 8     /* resamples further from the median than this many half-widths are failures of a fit, not errors */
#define PARTS 16   /* groups are put together to at most as many for the degrees of freedom */
#define DRAWS 32   /* resamples of each part alone */
#define ENOUGH 30  /* degrees of freedom from which on more make no difference (Student's 68 % quantile is within 2 % of the normal one) */

double qn_resample_spread(size_t n, const double *x, size_t stride, double *scratch, double *found)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i * stride]))
            scratch[count++] = x[i * stride];
    *found = n ? (double)count / (double)n : NAN;
    if (count < 2)
        return NAN;
    gsl_sort(scratch, 1, count);
    double middle = gsl_stats_median_from_sorted_data(scratch, 1, count);
    double half = 0.5 * (gsl_stats_quantile_from_sorted_data(scratch, 1, count, 0.8413) - gsl_stats_quantile_from_sorted_data(scratch, 1, count, 0.1587)), mean = 0, square = 0;
    for (size_t i = 0; i < count; i++)
        if (!(half > 0) || fabs(scratch[i] - middle) <= WIDE * half)
            scratch[kept++] = scratch[i];
    for (size_t i = 0; i < kept; i++)
        mean += scratch[i] / (double)kept;
    for (size_t i = 0; i < kept; i++)
        square += gsl_pow_2(scratch[i] - mean);
    return sqrt(square / (double)kept);
}

/* theta of each of the m resamples y [m][n]. */
static int estimate_all(size_t n, size_t m, const double *y, size_t n_theta, qn_estimator f, void *ctx, double *theta)
{
    bool failed = false;
#pragma omp parallel for schedule(dynamic, 8) reduction(|| : failed) if (m * n > SERIAL)
    for (size_t b = 0; b < m; b++)
        failed |= f(n, y + b * n, ctx, theta + b * n_theta) != 0;
    return failed ? no_memory() : 0;
}

/* Which part each cell's group belongs to, and the degrees of freedom of each part; returns the number of groups. */
static size_t find_parts(const qn_sampled *s, size_t n, const size_t *cell, size_t *part, double *dof, size_t *n_parts)
{
    size_t groups = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t own = s->n_vars ? s->group[cell[i] / s->width] : cell[i];
        size_t k = 0;
        while (k < i && (s->n_vars ? s->group[cell[k] / s->width] : cell[k]) != own)
            k++;
        part[i] = k < i ? part[k] : groups++ % PARTS;
        double d = qn_sampled_dof(s, cell[i]);
        if (k == i) { /* a new group */
            dof[part[i]] += d;
        }
    }
    *n_parts = groups < PARTS ? groups : PARTS;
    return groups;
}

/* dof = (sum V)^2 / sum(V^2/dof), V the variance of theta when one part alone is drawn anew. */
static int find_dof(const qn_sampled *s, size_t n, const size_t *cell, const double *y, size_t resamples, const double *yb, size_t n_theta, qn_estimator f, void *ctx, qn_interval *theta)
{
    double dof[PARTS] = {0}, least = HUGE_VAL;
    size_t parts = 0, draws = resamples < DRAWS ? resamples : DRAWS;
    for (size_t i = 0; i < n; i++)
        least = fmin(least, qn_sampled_dof(s, cell[i]));
    for (size_t k = 0; k < n_theta; k++)
        theta[k].dof = least;
    if (least >= ENOUGH || n < 2)
        return 0;
    size_t *part = calloc(n + 1, sizeof *part);
    if (!part)
        return no_memory();
    find_parts(s, n, cell, part, dof, &parts);
    double *alone = malloc((draws * n + 1) * sizeof *alone), *found = malloc((draws * n_theta + 1) * sizeof *found), *scratch = malloc((draws + 1) * sizeof *scratch),
           *sum = calloc(2 * n_theta + 1, sizeof *sum), *fourth = sum + n_theta, share;
    int err = alone && found && scratch && sum ? 0 : no_memory();
    for (size_t p = 0; p < parts && parts > 1 && !err; p++) {
        for (size_t b = 0; b < draws; b++)
            for (size_t i = 0; i < n; i++)
                alone[b * n + i] = part[i] == p ? yb[b * n + i] : y[i];
        err = estimate_all(n, draws, alone, n_theta, f, ctx, found);
        for (size_t k = 0; k < n_theta && !err; k++) {
            double v = gsl_pow_2(qn_resample_spread(draws, found + k, n_theta, scratch, &share));
            if (!isfinite(v))
                continue;
            sum[k] += v;
            fourth[k] += v * v / dof[p];
        }
    }
    for (size_t k = 0; k < n_theta && parts > 1 && !err; k++)
        if (fourth[k] > 0)
            theta[k].dof = fmax(least, sum[k] * sum[k] / fourth[k]);
    free(part);
    free(alone);
    free(found);
    free(scratch);
    free(sum);
    return err;
}

int qn_bootstrap(const qn_sampled *s, size_t n, const size_t *cell, const double *y, size_t resamples, const double *yb, size_t n_theta, qn_estimator f, void *ctx,
                 qn_interval *theta, double **each)
{
    double *all = malloc((resamples * n_theta + n_theta + 1) * sizeof *all), *scratch = malloc((resamples + 1) * sizeof *scratch), *best = all + resamples * n_theta;
    int err = all && scratch ? f(n, y, ctx, best) : no_memory();
    if (!err)
        err = estimate_all(n, resamples, yb, n_theta, f, ctx, all);
    for (size_t k = 0; k < n_theta && !err; k++) {
        theta[k] = (qn_interval){.value = best[k]};
        theta[k].err = qn_resample_spread(resamples, all + k, n_theta, scratch, &theta[k].found);
        if (!isfinite(theta[k].value))
            theta[k].err = NAN;
    }
    if (!err)
        err = find_dof(s, n, cell, y, resamples, yb, n_theta, f, ctx, theta);
    free(scratch);
    if (err || !each)
        free(all);
    if (each)
        *each = err ? NULL : all;
    return err;
}

/* ---- variances as weights ------------------------------------------------------------------------------------------------ */

/* The d with psi'(d/2) = x: infinite for x = 0.  psi' falls from infinity to 0. */
static double inverse_trigamma(double x)
{
    double low = 1e-3, high = 1e6;
    if (!(x > gsl_sf_psi_1(high / 2)))
        return HUGE_VAL;
    for (int turn = 0; turn < 100; turn++) {
        double d = sqrt(low * high);
        if (gsl_sf_psi_1(d / 2) > x)
            low = d;
        else
            high = d;
    }
    return sqrt(low * high);
}

/* What is known of variances: z = ln s^2 - psi(d/2) + ln(d/2) has the mean ln sigma^2 and the variance psi'(d/2). */
typedef struct spreads {
    size_t n, used;
    double *z, *trend;        /* [n]; z is NaN where there is no variance */
    double noise, fourth;     /* means of psi'(d/2) and of the fourth cumulant of z, psi'''(d/2) */
} spreads;

/* Variance of z around the trend, beyond its noise. */
static double excess(const spreads *v, size_t terms)
{
    double square = 0;
    for (size_t i = 0; i < v->n; i++)
        square += isnan(v->z[i]) ? 0 : gsl_pow_2(v->z[i] - v->trend[i]);
    return v->used > terms ? square / (double)(v->used - terms) - v->noise : 0;
}

/* Does the trend leave more than noise would, by three standard deviations of what it would? */
static bool fails(const spreads *v, size_t terms, double x)
{
    return v->used > terms && x > 3 * sqrt(2 * v->noise * v->noise / (double)(v->used - terms) + v->fourth / (double)v->used);
}

/* sigma ~ |y|^power. */
static void power_trend(spreads *v, const double *y, double power)
{
    double mean = 0;
    for (size_t i = 0; i < v->n; i++)
        mean += isnan(v->z[i]) ? 0 : (v->z[i] - 2 * power * log(fabs(y[i]))) / (double)v->used;
    for (size_t i = 0; i < v->n; i++)
        v->trend[i] = mean + (power > 0 ? 2 * power * log(fabs(y[i])) : 0);
}

/* A polynomial over the order of the points. */
static int polynomial_trend(spreads *v, size_t terms)
{
    gsl_matrix *x = gsl_matrix_alloc(v->used, terms), *cov = gsl_matrix_alloc(terms, terms);
    gsl_vector *z = gsl_vector_alloc(v->used), *c = gsl_vector_alloc(terms);
    gsl_multifit_linear_workspace *w = gsl_multifit_linear_alloc(v->used, terms);
    double rss;
    int bad = !x || !cov || !z || !c || !w;
    for (size_t i = 0, k = 0; i < v->n && !bad; i++) {
        if (isnan(v->z[i]))
            continue;
        gsl_vector_set(z, k, v->z[i]);
        for (size_t t = 0; t < terms; t++)
            gsl_matrix_set(x, k, t, gsl_pow_int(2 * (double)i / (double)(v->n - 1) - 1, (int)t));
        k++;
    }
    bad = bad || gsl_multifit_linear(x, z, c, cov, &rss, w);
    for (size_t i = 0; i < v->n && !bad; i++) {
        v->trend[i] = 0;
        for (size_t t = terms; t-- > 0;)
            v->trend[i] = v->trend[i] * (2 * (double)i / (double)(v->n - 1) - 1) + gsl_vector_get(c, t);
    }
    gsl_matrix_free(x);
    gsl_matrix_free(cov);
    gsl_vector_free(z);
    gsl_vector_free(c);
    gsl_multifit_linear_free(w);
    return bad ? no_memory() : 0;
}

/* The trend that has the fewest parameters among those that the variances allow; *left: what it leaves beyond noise, 0 when that is not clear. */
static int choose_trend(spreads *v, const double *y, double *left)
{
    static const double powers[] = {0, 0.5, 1};
    size_t best = 0;
    double least = HUGE_VAL;
    bool positive = true;
    for (size_t i = 0; i < v->n; i++)
        positive &= fabs(y[i]) > 0 && isfinite(y[i]);
    for (size_t k = 0; k < (positive ? 3 : 1); k++) {
        power_trend(v, y, powers[k]);
        double x = excess(v, 1);
        if (x < least) {
            least = x;
            best = k;
        }
    }
    power_trend(v, y, powers[best]);
    *left = fails(v, 1, least) ? least : 0;
    for (size_t terms = 2; terms < 4 && *left > 0 && v->used > terms + 2; terms++) {
        int err = polynomial_trend(v, terms);
        if (err)
            return err;
        double x = excess(v, terms);
        *left = fails(v, terms, x) ? x : 0;
    }
    return 0;
}

int qn_moderate(size_t n, const double *y, double *err, const double *dof)
{
    spreads v = {.n = n, .z = malloc((2 * n + 1) * sizeof *v.z)};
    double left, one = 1;
    int bad = 0;
    if (!v.z)
        return no_memory();
    v.trend = v.z + n;
    for (size_t i = 0; i < n; i++) {
        double d = fmin(dof[i], 1e9);
        bool known = err[i] > 0 && isfinite(err[i]) && d > 0;
        v.z[i] = known ? 2 * log(err[i]) - gsl_sf_psi(d / 2) + log(d / 2) : NAN;
        v.noise += known ? gsl_sf_psi_1(d / 2) : 0;
        v.fourth += known ? gsl_sf_psi_n(3, d / 2) : 0;
        v.used += known;
        one = known ? err[i] : one;
    }
    v.noise /= (double)v.used;
    v.fourth /= (double)v.used;
    if (v.used > 1)
        bad = choose_trend(&v, y, &left);
    double d0 = v.used > 1 && !bad && left > 0 ? inverse_trigamma(left) : HUGE_VAL;
    for (size_t i = 0; i < n && !bad; i++) {
        double prior = v.used > 1 ? exp(v.trend[i]) : one * one, d = fmin(dof[i], 1e9);
        err[i] = sqrt(isfinite(d0) && !isnan(v.z[i]) ? fmax((d0 * prior + d * err[i] * err[i]) / (d0 + d), 1e-4 * prior) : prior);
    }
    free(v.z);
    return bad;
}
