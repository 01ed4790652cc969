/* resample.h -- the bootstrap: what a number that an analysis makes of many cells would be for other runs of the same sweep.
 *
 * A resample draws, for each group of points that share their replicas, units - 1 of them with replacement: then the variance of a mean over
 * the resamples is its squared standard error without bias (McCarthy & Snowden 1985; Rao & Wu 1988), also for few replicas.  Points with the same
 * disorder are drawn alike, others independently.  What is drawn depends on the group and on the number of the resample alone, so that all
 * verbs see the same resamples.  Any number of threads gives the same bits. */
#ifndef QN_RESAMPLE_H
#define QN_RESAMPLE_H

#include "sampled.h"

#define QN_RESAMPLES 1000 /* an error bar is then known to 2.2 % */

/* How many resamples of up to n cells there can be, of those wanted: what is stored, and what fits into memory. */
size_t qn_resample_count(const qn_sampled *s, size_t n, size_t wanted);
/* Resamples of n cells: allocated, [resamples][n].  Numbers without samples: those stored in the file, else normal ones with their standard
 * error (none where there is none). */
int qn_resample(const qn_sampled *s, size_t n, const size_t *cell, size_t resamples, double **out) QN_NODISCARD;
/* Standard deviation over the resamples of each cell: err[n]. */
void qn_resample_errors(size_t n, size_t resamples, const double *y, double *err);

/* Standard deviation of the finite ones of x[0], x[stride], ... (n of them) without wild ones, which are failures of a fit; *found: the share that is
 * finite.  scratch[n]. */
double qn_resample_spread(size_t n, const double *x, size_t stride, double *scratch, double *found);

/* Numbers theta[n_theta] out of the n numbers y; NaN where there is none (y may hold NaN too).  Called from several threads at once.  A
 * failure is lack of memory only. */
typedef int (*qn_estimator)(size_t n, const double *y, void *ctx, double *theta);

typedef struct qn_interval {
    double value, err, dof; /* interval: value +- err * Student(dof) */
    double found;           /* the share of resamples in which it exists */
} qn_interval;

/* theta of the estimates `y` with its errors; all [resamples][n_theta] in *each, allocated (each NULL: not wanted).  The degrees of freedom are those of the
 * groups, weighted by what each contributes (Welch & Satterthwaite).  `yb` from qn_resample. */
int qn_bootstrap(const qn_sampled *s, size_t n, const size_t *cell, const double *y, size_t resamples, const double *yb, size_t n_theta, qn_estimator f, void *ctx,
                 qn_interval *theta, double **each) QN_NODISCARD;

/* Standard errors that few replicas measured badly, made fit to be weights.  A weight out of a variance with d degrees of freedom of its own would
 * take the error of a weighted mean too small, by a third at d = 7.  So the variances follow the simplest trend that they allow (constant, or as |y|
 * or y^2; linear or quadratic over the order of the points), and where none is enough they are shrunk towards it by as much as their
 * noise is of their spread (Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004)).  y[n]; err[n] in place, 0 and NaN filled in; dof[n]. */
int qn_moderate(size_t n, const double *y, double *err, const double *dof) QN_NODISCARD;

#endif
