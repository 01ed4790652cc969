/* stats.h -- error analysis of Monte Carlo data: binning, autocorrelation, jackknife, Wilson, equilibration.
 * Pure functions over arrays; no I/O, no random numbers, thread-safe (FFTW planning is locked inside). */
#ifndef QN_STATS_H
#define QN_STATS_H

#include "quench.h"

/* Sum in a fixed order (16 partial sums): the same bits at any vector width. */
double qn_sum(size_t n, const double *x);
/* Mean and unbiased variance of the finite entries of x; returns how many there are.  Either output may be NULL. */
size_t qn_mean_var(size_t n, const double *x, double *mean, double *var);

/* Number of measurements in bin b of `bins` over n of them: differ by at most one. Bin b covers [qn_bin_start(b), qn_bin_start(b+1)). */
size_t qn_bin_start(size_t n, size_t bins, size_t b);
/* Bin means: out[bins]; with n < bins the bins n.. are NaN and each of the first n holds one measurement. */
void qn_bin_means(size_t n, const double *x, size_t bins, double *out);

typedef struct qn_tau {
    double tau;     /* integrated autocorrelation time in measurements, tau = 1/2 + sum rho(t); 0.5 for independent data */
    double err;     /* its statistical error (Madras & Sokal 1988; Wolff 2004) */
    size_t window;  /* self-consistent window: smallest W with W >= c*tau(W), c = 5 (Sokal 1989) */
    double neff;    /* n/(2 tau) */
} qn_tau;
/* Constant series: tau = 0.5, neff = n.  0 on success. */
int qn_autocorrelation(size_t n, const double *x, qn_tau *out) QN_NODISCARD;

/* What is kept of one replica's series and from which a merge recomputes everything. */
typedef struct qn_series_stat {
    double mean, tau, tau_err, neff; /* tau in measurements */
    double half[2], half_err[2];     /* means of the two halves and their errors, each from its own autocorrelation */
} qn_series_stat;
int qn_series_analyse(size_t n, const double *x, qn_series_stat *out) QN_NODISCARD;

typedef enum { QN_EQ_NO = 0, QN_EQ_YES = 1 } qn_verdict;

/* A point's estimate out of R replicas. bins[R][nbins] (NaN where absent), n measurements each, stat[R].
 * `alike`: replicas differ in their random dynamics only, so that they are pieces of one long chain; otherwise also in disorder. */
typedef struct qn_estimate {
    double mean, err, dof; /* interval: mean +- err * Student(dof) */
    double tau, neff;      /* tau: average over replicas; neff: sum */
    bool from_replicas;    /* err is the spread between replicas (alike: from 8 on; else from 2 on), not from binning inside them */
    int8_t eq;             /* qn_verdict */
    size_t replicas;       /* how many count */
} qn_estimate;
#define QN_MIN_REPLICAS 8
void qn_estimate_series(size_t replicas, const qn_series_stat *stat, const int64_t *n, size_t nbins, const double *bins, bool alike, qn_estimate *out);
/* Mean over the finite entries of a replica-indexed outcome; err = spread/sqrt(n), NaN for n = 1. */
void qn_estimate_values(size_t replicas, const double *x, qn_estimate *out);

/* The verdict alone: drift between halves over all replicas and length in units of tau (see stats.c for the rule and its rates). */
qn_verdict qn_equilibrated(size_t replicas, const qn_series_stat *stat, const int64_t *n);

/* Wilson interval for k successes of n at z (1.96 for 95 %). */
void qn_wilson(double k, double n, double z, double *lo, double *hi);
double qn_student_quantile(double p, double dof); /* two-sided: P(|t| < q) = p; dof may be infinite */

/* Jackknife of f over n blocks: means[n_blocks][n_vars] with weights[n_blocks]; f(n_vars, means, ctx).
 * value is bias-corrected when `correct`, err the jackknife error, dof = n_blocks - 1. */
typedef double (*qn_function)(size_t n_vars, const double *means, void *ctx);
int qn_jackknife(size_t n_blocks, size_t n_vars, const double *means, const double *weights, qn_function f, void *ctx, bool correct,
                 double *value, double *err) QN_NODISCARD;

#endif
