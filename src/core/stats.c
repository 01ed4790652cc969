/* stats.c -- see stats.h. */
#include "stats.h"

#include <complex.h>
#include <fftw3.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- sums ------------------------------------------------------------------------------------------------------- */

enum { PARTIAL = 16 };

static double fold(double s[PARTIAL])
{
    for (size_t w = PARTIAL / 2; w; w /= 2)
        for (size_t j = 0; j < w; j++)
            s[j] += s[j + w];
    return s[0];
}

/* Sum of x - shift. */
static double shifted_sum(size_t n, const double *x, double shift)
{
    double s[PARTIAL] = {0};
    size_t whole = n - n % PARTIAL;
    for (size_t i = 0; i < whole; i += PARTIAL)
        for (size_t j = 0; j < PARTIAL; j++)
            s[j] += x[i + j] - shift;
    for (size_t i = whole; i < n; i++)
        s[i - whole] += x[i] - shift;
    return fold(s);
}

static double dot(size_t n, const double *x, const double *y)
{
    double s[PARTIAL] = {0};
    size_t whole = n - n % PARTIAL;
    for (size_t i = 0; i < whole; i += PARTIAL)
        for (size_t j = 0; j < PARTIAL; j++)
            s[j] += x[i + j] * y[i + j];
    for (size_t i = whole; i < n; i++)
        s[i - whole] += x[i] * y[i];
    return fold(s);
}

double qn_sum(size_t n, const double *x)
{
    return shifted_sum(n, x, 0);
}

/* Counted from the first entry: exact for constants, and no digits lost where the mean is large against the spread. */
static double mean_of(size_t n, const double *x)
{
    return x[0] + shifted_sum(n, x, x[0]) / (double)n;
}

size_t qn_mean_var(size_t n, const double *x, double *mean, double *var)
{
    size_t count = 0;
    double first = NAN, sum = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            continue;
        if (!count++)
            first = x[i];
        sum += x[i] - first;
    }
    const double m = count ? first + sum / (double)count : NAN;
    for (size_t i = 0; i < n; i++)
        square += isfinite(x[i]) ? (x[i] - m) * (x[i] - m) : 0;
    if (mean)
        *mean = m;
    if (var)
        *var = count > 1 ? square / (double)(count - 1) : NAN;
    return count;
}

/* ---- bins ------------------------------------------------------------------------------------------------------- */

size_t qn_bin_start(size_t n, size_t bins, size_t b)
{
    return n / bins * b + n % bins * b / bins;
}

/* Measurements in bin b as it is stored: one each where there are fewer measurements than bins. */
static size_t bin_size(size_t n, size_t bins, size_t b)
{
    return n < bins ? b < n : qn_bin_start(n, bins, b + 1) - qn_bin_start(n, bins, b);
}

void qn_bin_means(size_t n, const double *x, size_t bins, double *out)
{
    size_t start = 0;
    for (size_t b = 0; b < bins; b++) {
        size_t size = bin_size(n, bins, b);
        out[b] = size ? mean_of(size, x + start) : NAN;
        start += size;
    }
}

/* ---- autocorrelation -------------------------------------------------------------------------------------------- */

/* Plans are made once a length and kept: FFTW_ESTIMATE, so that the bits depend on the length alone.  Only planning is locked. */
typedef struct plan {
    size_t n;
    fftw_plan forward, backward; /* in place */
} plan;

static pthread_mutex_t planning = PTHREAD_MUTEX_INITIALIZER;

/* The plan of length n; `buffer` as aligned as every one that it will run on. */
static int get_plan(size_t n, double *buffer, plan *out)
{
    static plan known[256]; /* lengths are 4, 5, 6 or 7 times a power of two: more than there can be */
    static size_t count;
    int err = 0;
    pthread_mutex_lock(&planning);
    size_t k = 0;
    while (k < count && known[k].n != n)
        k++;
    if (k == count) {
        fftw_complex *c = (fftw_complex *)(void *)buffer;
        plan p = {n, fftw_plan_dft_r2c_1d((int)n, buffer, c, FFTW_ESTIMATE), fftw_plan_dft_c2r_1d((int)n, c, buffer, FFTW_ESTIMATE)};
        if (p.forward && p.backward && count < sizeof known / sizeof *known)
            known[count++] = p;
        else
            err = qn_fail(QN_ERR_NUMERIC, "FFTW has no plan of length %zu", n);
    }
    if (!err)
        *out = known[k];
    pthread_mutex_unlock(&planning);
    return err;
}

static size_t padded_length(size_t n)
{
    for (size_t power = 2;; power *= 2)
        for (size_t k = 4; k < 8; k++)
            if (k * power >= n)
                return k * power;
}

/* sum_i y_i y_(i+t) for t = 0..lags, in *out (fftw_free it), by the convolution theorem; zeros behind y keep the ends apart. */
static int all_lags(size_t n, const double *y, size_t lags, double **out)
{
    size_t length = padded_length(n + lags);
    plan p;
    *out = NULL;
    if (length > INT32_MAX)
        return qn_fail(QN_ERR_NUMERIC, "a series of %zu measurements is too long for its autocorrelation", n);
    double *f = fftw_alloc_real(length + 2);
    if (!f)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = get_plan(length, f, &p);
    if (err) {
        fftw_free(f);
        return err;
    }
    memcpy(f, y, n * sizeof *f);
    memset(f + n, 0, (length + 2 - n) * sizeof *f);
    fftw_execute_dft_r2c(p.forward, f, (fftw_complex *)(void *)f);
    for (size_t k = 0; k < length + 2; k += 2) {
        f[k] = (f[k] * f[k] + f[k + 1] * f[k + 1]) / (double)length;
        f[k + 1] = 0;
    }
    fftw_execute_dft_c2r(p.backward, (fftw_complex *)(void *)f, f);
    *out = f;
    return 0;
}

#define WINDOW 5.0     /* c of the self-consistent window */
#define LEAST_TAU 0.05 /* a series that alternates counts as ten times its length at most */

enum { DIRECT = 48 };  /* lags summed one by one first: a window that closes there needs no transform */

/* tau and, in *var, the variance of one measurement.  `y` is scratch, [n].
 * Gamma(t) = sum_i y_i y_(i+t)/(n-t).  Subtracting the sample's own mean takes C/n, C = 2 tau var, from each Gamma(t): put back to
 * first order in W/n (Wolff 2004, eqs. 31 and 49).  A window that has not closed at n/2 ends there: the chain is too short to tell. */
static int autocorrelate(size_t n, const double *x, double *y, qn_tau *out, double *var)
{
    bool constant = true;
    for (size_t i = 1; i < n && constant; i++)
        constant = x[i] == x[0];
    *out = (qn_tau){.tau = 0.5, .err = 0.5 * sqrt(2 / (double)n), .window = 0, .neff = (double)n};
    *var = n > 1 ? 0 : NAN;
    const double mean = n ? mean_of(n, x) : NAN;
    if (!isfinite(mean)) {
        *out = (qn_tau){NAN, NAN, 0, NAN};
        *var = NAN;
        return 0;
    }
    if (constant)
        return 0;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] - mean;
    const double gamma0 = dot(n, y, y) / (double)n;
    const size_t most = n / 2;
    double *lag = NULL, tau = 0.5;
    size_t w = 0;
    if (!(gamma0 > 0) || !isfinite(gamma0)) /* below or beyond what a double holds */
        return 0;
    while (w < most && (double)w < WINDOW * tau) {
        w++;
        if (w == DIRECT) {
            int err = all_lags(n, y, most, &lag);
            if (err)
                return err;
        }
        tau += (lag ? lag[w] : dot(n - w, y, y + w)) / (double)(n - w) / gamma0;
    }
    if (lag)
        fftw_free(lag);
    const double length = (double)n, wide = 2 * (double)w + 1;
    double c = 2 * tau * gamma0 * (1 + wide / length);
    c = c > 0 ? c : 0;
    *var = gamma0 + c / length;
    tau = c / (2 * *var);
    out->tau = tau > LEAST_TAU ? tau : LEAST_TAU;
    out->err = 2 * sqrt(((double)w + 0.5 - tau > 0.5 ? (double)w + 0.5 - tau : 0.5) / length) * out->tau; /* Wolff 2004, eq. 42 */
    out->window = w;
    out->neff = length / (2 * out->tau);
    return 0;
}

int qn_autocorrelation(size_t n, const double *x, qn_tau *out)
{
    double var, *y = malloc((n + 1) * sizeof *y);
    int err = y ? autocorrelate(n, x, y, out, &var) : qn_fail(QN_ERR_NOMEM, "out of memory");
    free(y);
    return err;
}

int qn_series_analyse(size_t n, const double *x, qn_series_stat *out)
{
    double var, *y = malloc((n + 1) * sizeof *y);
    qn_tau t;
    *out = (qn_series_stat){.mean = n ? mean_of(n, x) : NAN, .half = {NAN, NAN}, .half_err = {NAN, NAN}};
    int err = y ? autocorrelate(n, x, y, &t, &var) : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err) {
        out->tau = t.tau;
        out->tau_err = t.err;
        out->neff = t.neff;
    }
    for (size_t h = 0; h < 2 && n > 1 && !err; h++) {
        size_t start = h ? n / 2 : 0, size = h ? n - n / 2 : n / 2;
        err = autocorrelate(size, x + start, y, &t, &var);
        if (err)
            break;
        out->half[h] = mean_of(size, x + start);
        out->half_err[h] = sqrt(var / t.neff);
    }
    free(y);
    return err;
}

/* ---- the verdict ------------------------------------------------------------------------------------------------ */

#define LENGTH_TAUS 50   /* the average chain must be as many tau long (Sokal 1997; emcee's rule) */
#define DRIFT_RISK 0.03  /* chance that stationary chains are called drifting, all replicas together */
#define LONE_RISK 0.005  /* the same for one replica alone drifting, all tests together */

/* What a replica says: how far its second half is from the first, the squared errors of the halves, their degrees of freedom. */
typedef struct drift {
    double move, var[2], dof;
} drift;

static bool usable(const qn_series_stat *s, int64_t n)
{
    return n > 0 && isfinite(s->mean);
}

/* The relative error of a half's squared error is that of tau over half the chain: as a sample variance with n/2 (2W+1) degrees of freedom
 * or (tau/tau_err)^2, each half. */
static drift drift_of(const qn_series_stat *s)
{
    double q = s->tau / s->tau_err;
    return (drift){s->half[1] - s->half[0], {s->half_err[0] * s->half_err[0], s->half_err[1] * s->half_err[1]}, q * q};
}

/* Were the halves alike, either's error would do for both.  A transient swells the error of the half that it is in, so the smaller one judges:
 * each alone at half the risk, which bounds the risk of taking the smaller.  A half that stands still cannot judge (rare excursions need
 * not fall into both halves) unless both do. */
static bool drifts(double move, const double var[2], const double dof[2], double risk)
{
    if (!(var[0] > 0) && !(var[1] > 0))
        return fabs(move) > 0;
    for (size_t h = 0; h < 2; h++)
        if (var[h] > 0 && fabs(move) > sqrt(2 * var[h]) * qn_student_quantile(1 - risk / 2, dof[h]))
            return true;
    return false;
}

/* Rule.  YES when all three hold:
 *   length    the mean over replicas of tau_r/n_r is at most 1/50;
 *   no drift  the mean over replicas of (second half - first half) is within Student's quantile of its error, from the halves' own
 *             autocorrelations, at 3 %;
 *   no loner  no replica alone drifts at 0.5 % over all of them (Bonferroni): one that left a metastable state is not averaged away.
 * A replica that stands still says nothing against; one that stands still in both halves at different values does.  Where one half
 * stands still in all replicas (a relaxation into frozen states, or rare excursions), the other moving in j of them has the chance 2 (1/2)^j
 * of being one-sided by luck: below 3 % it is a drift.
 * Rates on AR(1) chains of 1, 4 and 16 replicas (tests/stat/test_calibration.c): stationary chains of 100 tau and more are flagged in 1 to 4 % of
 * the cases; near the 50 tau of the rule up to half, since tau itself is uncertain by half there.  With e the standard error of the point, the
 * difference of the halves has the error 2 e; one of 12 e is flagged in more than 95 % (96 to 100 %) of the cases, for long chains one of 9 e
 * is.  A mean that grows linearly by D over the chain has the difference D/2. */
qn_verdict qn_equilibrated(size_t replicas, const qn_series_stat *stat, const int64_t *n)
{
    size_t count = 0, moving[2] = {0};
    double taus = 0, move = 0, var[2] = {0}, fourth[2] = {0}, dof[2];
    for (size_t r = 0; r < replicas; r++) {
        if (!usable(&stat[r], n[r]))
            continue;
        drift d = drift_of(&stat[r]);
        if (!isfinite(d.move) || !isfinite(d.var[0]) || !isfinite(d.var[1]) || !(d.dof > 0))
            return QN_EQ_NO; /* too short for halves */
        count++;
        taus += stat[r].tau / (double)n[r];
        move += d.move;
        for (size_t h = 0; h < 2; h++) {
            var[h] += d.var[h];
            moving[h] += d.var[h] > 0;
            fourth[h] += d.var[h] * d.var[h] / d.dof; /* Welch & Satterthwaite */
        }
    }
    if (!count || taus * LENGTH_TAUS > (double)count)
        return QN_EQ_NO;
    for (size_t h = 0; h < 2; h++)
        dof[h] = var[h] * var[h] / fourth[h];
    if (drifts(move, var, dof, DRIFT_RISK) || (!moving[0] != !moving[1] && 2 * pow(0.5, (double)(moving[0] + moving[1])) < DRIFT_RISK))
        return QN_EQ_NO;
    for (size_t r = 0; r < replicas; r++) {
        if (!usable(&stat[r], n[r]))
            continue;
        drift d = drift_of(&stat[r]);
        double both = (d.var[0] + d.var[1]) / 2; /* not the smaller one: of few excursions it knows too little */
        if (drifts(d.move, (double[2]){both, both}, (double[2]){2 * d.dof, 2 * d.dof}, 2 * LONE_RISK / (double)count))
            return QN_EQ_NO;
    }
    return QN_EQ_YES;
}

/* ---- estimates -------------------------------------------------------------------------------------------------- */

#define BLOCK_TAUS 5   /* bins are merged until a block spans as many tau ... */
#define LEAST_BLOCKS 4 /* ... but never below four a replica: a chain that short is flagged by the verdict */

/* Running weighted sums around a first value: mean and sum of squares without loss where the mean is large. */
typedef struct tally {
    size_t n;
    double first, weight, sum, square;
} tally;

static void tally_add(tally *t, double weight, double x)
{
    if (!t->n++)
        t->first = x;
    double d = x - t->first;
    t->weight += weight;
    t->sum += weight * d;
    t->square += weight * d * d;
}

static double tally_mean(const tally *t)
{
    return t->first + t->sum / t->weight;
}

/* Squared error of the mean of independent blocks whose variance goes as 1/weight. */
static double tally_err2(const tally *t)
{
    double spread = t->square / t->weight - t->sum / t->weight * (t->sum / t->weight);
    return (spread > 0 ? spread : 0) / (double)(t->n - 1);
}

/* Adds the blocks of one replica.  Returns the sum over blocks of 1 - (tau - 1/(4 tau))/length: blocks that touch are correlated, so a
 * block's mean varies less than 2 tau var/length, by this factor when rho(t) is one exponential (sum the series: the next term is
 * smaller by rho(length)). */
static double add_blocks(tally *t, size_t n, double tau, size_t nbins, const double *bins)
{
    size_t used = n < nbins ? n : nbins;
    tau = tau > 0.5 ? tau : 0.5;
    double wanted = ceil(BLOCK_TAUS * tau * (double)used / (double)n), shrunk = 0;
    size_t most = used / LEAST_BLOCKS, per = wanted < (double)most ? (size_t)wanted : most;
    per = per > 1 ? per : 1;
    size_t blocks = used / per;
    for (size_t b = 0; b < blocks; b++) {
        tally block = {0};
        for (size_t k = b * per; k < (b + 1 == blocks ? used : (b + 1) * per); k++)
            tally_add(&block, (double)bin_size(n, nbins, k), bins[k]);
        tally_add(t, block.weight, tally_mean(&block));
        double factor = 1 - (tau - 0.25 / tau) / block.weight;
        shrunk += factor > 0.5 ? factor : 0.5;
    }
    return shrunk;
}

/* Replicas of different disorder differ by more than thermal noise, which binning inside replicas cannot see: from two on their spread is
 * the error, and Student's quantile for R-1 carries the price of few.  Replicas that are alike are one long chain cut in pieces: their
 * blocks are taken together, around the common mean, until there are so many replicas that the spread is sharp and needs no tau. */
void qn_estimate_series(size_t replicas, const qn_series_stat *stat, const int64_t *n, size_t nbins, const double *bins, bool alike, qn_estimate *out)
{
    tally means = {0}, blocks = {0};
    double taus = 0, shrunk = 0, half = 0, half_fourth = 0, total = 0;
    *out = (qn_estimate){.mean = NAN, .err = NAN, .tau = NAN, .eq = (int8_t)qn_equilibrated(replicas, stat, n)};
    for (size_t r = 0; r < replicas; r++) {
        if (!usable(&stat[r], n[r]))
            continue;
        double weight = (double)n[r];
        drift d = drift_of(&stat[r]);
        tally_add(&means, alike ? weight : 1, stat[r].mean);
        taus += stat[r].tau;
        out->neff += stat[r].neff;
        total += weight;
        double own = weight * weight * (d.var[0] + d.var[1]) / 4;
        half += own;
        half_fourth += own * own / (2 * d.dof);
        shrunk += add_blocks(&blocks, (size_t)n[r], stat[r].tau, nbins, bins + r * nbins);
    }
    out->replicas = means.n;
    if (!means.n)
        return;
    out->mean = tally_mean(&means);
    out->tau = taus / (double)means.n;
    if (means.n >= (alike ? QN_MIN_REPLICAS : 2)) {
        out->from_replicas = true;
        out->err = sqrt(tally_err2(&means));
        out->dof = (double)(means.n - 1);
    } else if (blocks.n >= LEAST_BLOCKS) {
        out->err = sqrt(tally_err2(&blocks) * (double)blocks.n / shrunk);
        out->dof = (double)(blocks.n - 1);
    } else if (isfinite(half)) { /* too few bins: from the autocorrelation of the halves */
        out->err = sqrt(half) / total;
        out->dof = half > 0 ? half * half / half_fourth : INFINITY;
    }
}

void qn_estimate_values(size_t replicas, const double *x, qn_estimate *out)
{
    double mean, var;
    size_t n = qn_mean_var(replicas, x, &mean, &var);
    *out = (qn_estimate){.mean = mean, .err = sqrt(var / (double)n), .dof = n ? (double)(n - 1) : 0, .tau = 0.5, .neff = (double)n,
                         .from_replicas = true, .eq = QN_EQ_YES, .replicas = n};
}

/* ---- intervals -------------------------------------------------------------------------------------------------- */

/* Wilson 1927; Brown, Cai & DasGupta 2001, eq. 4. */
void qn_wilson(double k, double n, double z, double *lo, double *hi)
{
    *lo = 0;
    *hi = 1;
    if (!(n > 0))
        return;
    double p = k / n, z2 = z * z / n, centre = (p + z2 / 2) / (1 + z2), half = z / (1 + z2) * sqrt(p * (1 - p) / n + z2 / (4 * n));
    if (k > 0)
        *lo = centre - half;
    if (k < n)
        *hi = centre + half;
}

double qn_student_quantile(double p, double dof)
{
    if (!(p >= 0 && p < 1) || !(dof > 0))
        return NAN;
    if (p == 0)
        return 0;
    if (dof > 1e6) /* differs from the normal one by less than 1e-5 of itself */
        return gsl_cdf_ugaussian_Qinv((1 - p) / 2);
    return gsl_cdf_tdist_Qinv((1 - p) / 2, dof);
}

/* ---- jackknife -------------------------------------------------------------------------------------------------- */

/* Blocks of unequal weight: Busing, Meijer & van der Leeden 1999, eqs. 6 and 7 (with h_j = total/weight_j); for equal ones the usual
 * n theta - (n-1) <theta_(j)> and (n-1)/n sum (theta_(j) - <theta_(j)>)^2.  Blocks without weight do not count. */
int qn_jackknife(size_t n_blocks, size_t n_vars, const double *means, const double *weights, qn_function f, void *ctx, bool correct,
                 double *value, double *err)
{
    double total = 0;
    size_t count = 0;
    double *all = calloc(2 * n_vars + n_blocks + 1, sizeof *all), *without = all + n_vars, *theta = without + n_vars;
    *value = *err = NAN;
    if (!all)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t j = 0; j < n_blocks; j++) {
        double w = weights ? weights[j] : 1;
        total += w;
        count += w > 0;
        for (size_t i = 0; i < n_vars && w > 0; i++)
            all[i] += w * means[j * n_vars + i];
    }
    if (!count) {
        free(all);
        return 0;
    }
    for (size_t i = 0; i < n_vars; i++)
        all[i] /= total;
    const double whole = f(n_vars, all, ctx);
    double better = (double)count * whole, square = 0;
    for (size_t j = 0; j < n_blocks && count > 1; j++) {
        double w = weights ? weights[j] : 1;
        if (!(w > 0))
            continue;
        for (size_t i = 0; i < n_vars; i++)
            without[i] = all[i] + w * (all[i] - means[j * n_vars + i]) / (total - w);
        theta[j] = f(n_vars, without, ctx);
        better -= (1 - w / total) * theta[j];
    }
    for (size_t j = 0; j < n_blocks && count > 1; j++) {
        double w = weights ? weights[j] : 1, h = total / w;
        if (!(w > 0))
            continue;
        double pseudo = h * whole - (h - 1) * theta[j] - better;
        square += pseudo * pseudo / (h - 1);
    }
    *value = correct && count > 1 ? better : whole;
    *err = count > 1 ? sqrt(square / (double)count) : NAN;
    free(all);
    return 0;
}
