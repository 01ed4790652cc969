/* cloud.h -- sums over the particles: mean, spread and weighted covariance, and square roots of a covariance.
 *
 * Sums run over tiles in order, eight partial sums to a row of a tile, so the bits depend on no instruction set and no thread. */
#ifndef CBO_CLOUD_H
#define CBO_CLOUD_H

#include "ensemble.h"

void cbo_cloud_mean(const cbo_ensemble *e, double *mean);                 /* [d] */
double cbo_cloud_trace(const cbo_ensemble *e, const double *centre);      /* (1/N) sum |x_i - centre|^2 */

/* cov[k*d + l] = sum w (x_k - centre_k)(x_l - centre_l) / sum w, both triangles.  `w` [tiles*CBO_LANES] is 0 in the padding, with a positive sum;
 * NULL: every particle counts 1.  Uses half of e->work.  Cost N d^2/2. */
void cbo_cloud_covariance(const cbo_ensemble *e, const double *w, const double *centre, double *cov);

/* In place, lower triangle with the upper one zeroed: L L^T = S of a positive semidefinite S.  A pivot below 1e-14 of the largest diagonal element may be
 * rounding: its column is 0.  Returns the number of the other columns. */
size_t cbo_cholesky(size_t d, double *s);

/* S^{-1} b in place of b, by L; false when L (from cbo_cholesky) is not of full rank. */
bool cbo_cholesky_solve(size_t d, const double *l, double *b);

#endif
