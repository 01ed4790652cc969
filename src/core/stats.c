/* stats.c -- see stats.h.  What needs a derivation says so where it stands. */
#include "stats.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <fftw3.h>
#include <gsl/gsl_cdf.h>

double qn_sum(size_t n, const double *x)
{
    double s[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t j = 0; j < 16; j++)
            s[j] += x[i + j];
    for (; i < n; i++)
        s[i % 16] += x[i];
    for (size_t w = 8; w; w /= 2)
        for (size_t j = 0; j < w; j++)
            s[j] += s[j + w];
    return s[0];
}

size_t qn_mean_var(size_t n, const double *x, double *mean, double *var)
{
    size_t count = 0;
    double m = 0, s = 0;
    for (size_t i = 0; i < n; i++) { /* Welford: no cancellation for a mean far from 0 */
        if (!isfinite(x[i]))
            continue;
        double d = x[i] - m;
        m += d / (double)++count;
        s += d * (x[i] - m);
    }
    if (mean)
        *mean = count ? m : NAN;
    if (var)
        *var = count > 1 ? s / (double)(count - 1) : NAN;
    return count;
}

size_t qn_bin_start(size_t n, size_t bins, size_t b)
{
    return n / bins * b + n % bins * b / bins;
}

void qn_bin_means(size_t n, const double *x, size_t bins, double *out)
{
    for (size_t b = 0; b < bins; b++) {
        size_t from = n < bins ? b : qn_bin_start(n, bins, b), to = n < bins ? b + (b < n) : qn_bin_start(n, bins, b + 1);
        out[b] = to > from ? qn_sum(to - from, x + from) / (double)(to - from) : NAN;
    }
}

/* ---- autocorrelation --------------------------------------------------------------------------------------------- */

/* Plans for transforms of 2^k points, made once and kept: making one is slower than using it.  FFTW's planner is not thread-safe, its
 * execution is.  FFTW_ESTIMATE measures nothing, so the same length always has the same plan. */
typedef struct transform {
    fftw_plan forward, backward;
} transform;
static transform plans[48];
static pthread_mutex_t planning = PTHREAD_MUTEX_INITIALIZER;

static int plan_for(size_t k, double *x, fftw_complex *y, transform *out)
{
    pthread_mutex_lock(&planning);
    if (!plans[k].forward) {
        int n = 1 << k;
        plans[k].forward = fftw_plan_dft_r2c_1d(n, x, y, FFTW_ESTIMATE);
        plans[k].backward = fftw_plan_dft_c2r_1d(n, y, x, FFTW_ESTIMATE);
    }
    *out = plans[k];
    pthread_mutex_unlock(&planning);
    return out->forward && out->backward ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for a Fourier transform");
}

/* sum_i (x_i - mean)(x_{i+t} - mean) for t < n, into c[0..n), which has room for 2^k >= 2n numbers. */
static int correlate(size_t n, const double *x, double mean, size_t k, double *c)
{
    size_t padded = (size_t)1 << k;
    fftw_complex *y = fftw_alloc_complex(padded / 2 + 1);
    transform t;
    int err = y ? plan_for(k, c, y, &t) : qn_fail(QN_ERR_NOMEM, "out of memory for a Fourier transform");
    if (!err) {
        for (size_t i = 0; i < padded; i++)
            c[i] = i < n ? x[i] - mean : 0;
        fftw_execute_dft_r2c(t.forward, c, y);
        for (size_t i = 0; i < padded / 2 + 1; i++) {
            y[i][0] = y[i][0] * y[i][0] + y[i][1] * y[i][1];
            y[i][1] = 0;
        }
        fftw_execute_dft_c2r(t.backward, y, c);
        for (size_t i = 0; i < n; i++)
            c[i] /= (double)padded;
    }
    fftw_free(y);
    return err;
}

#define WINDOW 5 /* Sokal 1989: W >= 5 tau cuts off exp(-5) of an exponential's area */

int qn_autocorrelation(size_t n, const double *x, qn_tau *out)
{
    *out = (qn_tau){.tau = 0.5, .neff = (double)n};
    bool constant = true;
    for (size_t i = 1; i < n && constant; i++)
        constant = x[i] == x[0];
    if (n < 2 || constant)
        return 0;
    size_t k = 2;
    while (((size_t)1 << k) < 2 * n)
        k++;
    if (k > 30)
        return qn_fail(QN_ERR_INPUT, "%zu measurements are too many for an autocorrelation analysis", n);
    double *c = fftw_alloc_real((size_t)1 << k);
    int err = c ? correlate(n, x, qn_sum(n, x) / (double)n, k, c) : qn_fail(QN_ERR_NOMEM, "out of memory for a Fourier transform");
    if (!err && c[0] > 0) {
        double tau = 0.5, c0 = c[0] / (double)n;
        size_t w = 0;
        while (w + 1 < n && (double)w < WINDOW * tau) {
            w++;
            tau += c[w] / (double)(n - w) / c0;
        }
        /* Subtracting the sample mean lowers every rho(t) by about 2 tau/n (Wolff 2004, eq. 49). */
        tau *= 1 + (double)(2 * w + 1) / (double)n;
        double least = 1 / (2 * (double)n); /* anticorrelated data may go below 1/2, never to 0 */
        out->tau = tau > least ? tau : least;
        out->window = w;
        out->err = out->tau * sqrt(2 * (double)(2 * w + 1) / (double)n);
        out->neff = (double)n / (2 * out->tau);
    }
    fftw_free(c);
    return err;
}

int qn_series_analyse(size_t n, const double *x, qn_series_stat *out)
{
    qn_tau t;
    *out = (qn_series_stat){.mean = NAN, .tau = NAN, .tau_err = NAN, .neff = NAN, .half = {NAN, NAN}, .half_err = {NAN, NAN}};
    if (!n)
        return 0;
    int err = qn_autocorrelation(n, x, &t);
    if (err)
        return err;
    out->mean = qn_sum(n, x) / (double)n;
    out->tau = t.tau;
    out->tau_err = t.err;
    out->neff = t.neff;
    size_t h = n / 2; /* of an odd number the middle one is in neither half */
    for (size_t i = 0; i < 2 && h >= 2; i++) {
        const double *y = x + i * (n - h);
        double var;
        if ((err = qn_autocorrelation(h, y, &t)))
            return err;
        qn_mean_var(h, y, &out->half[i], &var);
        out->half_err[i] = sqrt(var * 2 * t.tau / (double)h);
    }
    return 0;
}

/* ---- estimates ---------------------------------------------------------------------------------------------------- */

/* Variance of a replica's mean from its bins, merged into blocks of at least BLOCK_TAUS tau.  For an exponential
 * autocorrelation the variance between blocks of length L is short by the factor 1 - (tau/L)(1 + 1/B), B blocks, to first
 * order in tau/L: divided out. */
#define BLOCK_TAUS 10
static bool replica_variance(size_t n, double tau, size_t nbins, const double *bins, double *var, double *dof)
{
    size_t used = n < nbins ? n : nbins, per = (size_t)ceil(BLOCK_TAUS * tau * (double)used / (double)n);
    if (per > used / 4)
        per = used / 4;
    if (per < 1)
        per = 1;
    size_t blocks = used / per;
    if (blocks < 2)
        return false;
    double sum = 0, squares = 0;
    for (size_t b = 0; b < blocks; b++) { /* bins differ in size by one measurement at most: equal weights within blocks */
        size_t end = b + 1 == blocks ? used : (b + 1) * per;
        double m = qn_sum(end - b * per, bins + b * per) / (double)(end - b * per);
        double d = m - sum / (double)(b ? b : 1);
        squares += b ? d * d * (double)b / (double)(b + 1) : 0;
        sum += m;
    }
    double length = (double)n / (double)blocks, share = tau / length * (1 + 1 / (double)blocks);
    *var = squares / (double)(blocks - 1) / (double)blocks / (1 - fmin(tau > 0.5 ? share : 0, 0.5));
    *dof = (double)(blocks - 1);
    return true;
}

/* The spread between fewer than QN_MIN_REPLICAS replicas is used only where it is larger than binning explains (F test at
 * this level): then the replicas differ by their disorder, which no bin sees. */
#define SPREAD_LEVEL 0.01

void qn_estimate_series(size_t replicas, const qn_series_stat *stat, const int64_t *n, size_t nbins, const double *bins, qn_estimate *out)
{
    double sum = 0, tau = 0, neff = 0, within = 0, quartic = 0;
    size_t count = 0, binned = 0;
    *out = (qn_estimate){.mean = NAN, .err = NAN, .dof = NAN, .tau = NAN, .neff = NAN};
    for (size_t r = 0; r < replicas; r++) {
        if (n[r] < 1 || !isfinite(stat[r].mean))
            continue;
        double var, dof;
        count++;
        sum += stat[r].mean;
        tau += stat[r].tau;
        neff += stat[r].neff;
        if (replica_variance((size_t)n[r], stat[r].tau, nbins, bins + r * nbins, &var, &dof)) {
            binned++;
            within += var;
            quartic += var * var / dof;
        }
    }
    out->replicas = count;
    if (!count)
        return;
    out->mean = sum / (double)count;
    out->tau = tau / (double)count;
    out->neff = neff;
    double squares = 0;
    for (size_t r = 0; r < replicas; r++)
        if (n[r] >= 1 && isfinite(stat[r].mean))
            squares += (stat[r].mean - out->mean) * (stat[r].mean - out->mean);
    double between = count > 1 ? squares / (double)(count - 1) : NAN; /* variance of one replica's mean */
    out->from_replicas = count >= QN_MIN_REPLICAS || (count > 1 && binned < count);
    double dof = quartic > 0 ? within * within / quartic : (double)binned; /* Welch & Satterthwaite */
    within /= (double)count;
    if (!out->from_replicas && count > 1)
        out->from_replicas = between > within * gsl_cdf_fdist_Qinv(SPREAD_LEVEL, (double)(count - 1), dof);
    if (out->from_replicas) {
        out->err = sqrt(between / (double)count);
        out->dof = (double)(count - 1);
    } else if (binned == count) {
        out->err = sqrt(within / (double)count);
        out->dof = dof;
    }
    out->eq = (int8_t)qn_equilibrated(replicas, stat, n);
}

void qn_estimate_values(size_t replicas, const double *x, qn_estimate *out)
{
    double var;
    *out = (qn_estimate){.tau = NAN, .neff = NAN};
    out->replicas = qn_mean_var(replicas, x, &out->mean, &var);
    out->err = sqrt(var / (double)out->replicas);
    out->dof = out->replicas > 1 ? (double)out->replicas - 1 : NAN;
    out->from_replicas = true;
}

/* ---- equilibration ------------------------------------------------------------------------------------------------- */

/* Long enough: every replica spans LONG_TAUS tau on average.  No drift: the halves' means, averaged over replicas, differ by no more than
 * Student's quantile at DRIFT_LEVEL.  The error of a half comes from its own tau, whose relative variance is 2(2W+1)/n: at n = 50 tau
 * the difference has some 5 degrees of freedom a replica, and in proportion to n/tau. */
#define LONG_TAUS 50
#define DRIFT_LEVEL 0.01

qn_verdict qn_equilibrated(size_t replicas, const qn_series_stat *stat, const int64_t *n)
{
    double drift = 0, var = 0, dof = 0, taus = 0;
    size_t count = 0;
    for (size_t r = 0; r < replicas; r++) {
        if (n[r] < 1 || !isfinite(stat[r].mean))
            continue;
        if (!isfinite(stat[r].half_err[0]) || !isfinite(stat[r].half_err[1]))
            return QN_EQ_NO; /* too short to have halves */
        count++;
        drift += stat[r].half[1] - stat[r].half[0];
        var += stat[r].half_err[0] * stat[r].half_err[0] + stat[r].half_err[1] * stat[r].half_err[1];
        taus += (double)n[r] / stat[r].tau;
    }
    dof = taus / 10;
    if (!count || taus < LONG_TAUS * (double)count)
        return QN_EQ_NO;
    if (drift == 0)
        return QN_EQ_YES;
    return fabs(drift) <= sqrt(var) * qn_student_quantile(1 - DRIFT_LEVEL, dof) ? QN_EQ_YES : QN_EQ_NO;
}

/* ---- intervals ----------------------------------------------------------------------------------------------------- */

/* Wilson 1927. */
void qn_wilson(double k, double n, double z, double *lo, double *hi)
{
    double p = k / n, z2 = z * z, centre = p + z2 / (2 * n), half = z * sqrt(p * (1 - p) / n + z2 / (4 * n * n)), scale = 1 + z2 / n;
    *lo = k > 0 ? (centre - half) / scale : 0;
    *hi = k < n ? (centre + half) / scale : 1;
}

double qn_student_quantile(double p, double dof)
{
    return isinf(dof) ? gsl_cdf_ugaussian_Pinv((1 + p) / 2) : gsl_cdf_tdist_Pinv((1 + p) / 2, dof);
}

/* Weighted delete-one-block jackknife (Busing, Meijer, van der Leeden 1999), equal to the ordinary one for equal weights. */
int qn_jackknife(size_t n_blocks, size_t n_vars, const double *means, const double *weights, qn_function f, void *ctx, bool correct, double *value,
                 double *err)
{
    double *total = calloc(2 * n_vars + 1, sizeof *total), *less = total ? total + n_vars : NULL, *each = malloc((n_blocks + 1) * sizeof *each), all = 0;
    if (!total || !each) {
        free(total);
        free(each);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    for (size_t b = 0; b < n_blocks; b++) {
        all += weights[b];
        for (size_t i = 0; i < n_vars; i++)
            total[i] += weights[b] * means[b * n_vars + i];
    }
    for (size_t b = 0; b < n_blocks && n_blocks > 1; b++) {
        for (size_t i = 0; i < n_vars; i++)
            less[i] = (total[i] - weights[b] * means[b * n_vars + i]) / (all - weights[b]);
        each[b] = f(n_vars, less, ctx);
    }
    for (size_t i = 0; i < n_vars; i++)
        less[i] = total[i] / all;
    double plain = f(n_vars, less, ctx), jack = (double)n_blocks * plain, var = 0;
    for (size_t b = 0; b < n_blocks && n_blocks > 1; b++)
        jack -= (1 - weights[b] / all) * each[b];
    for (size_t b = 0; b < n_blocks && n_blocks > 1; b++) {
        double h = all / weights[b], pseudo = h * plain - (h - 1) * each[b];
        var += (pseudo - jack) * (pseudo - jack) / (h - 1);
    }
    *value = correct && n_blocks > 1 ? jack : plain;
    *err = n_blocks > 1 ? sqrt(var / (double)n_blocks) : NAN;
    free(total);
    free(each);
    return 0;
}
