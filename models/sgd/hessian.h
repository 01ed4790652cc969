/* hessian.h -- curvature of the training loss (1/P) sum_mu L_mu of an mlp:
 *
 *   H = (1/P) sum_mu [ L'' g_mu g_mu' + L' grad grad f_mu ],   g_mu = grad f_mu, derivatives of L by f
 *
 * The first part alone (Gauss-Newton; all of H where every L' is 0) has the eigenvalues of a P x P Gram matrix, exactly.  All of H is
 * known by its products with vectors, exact too (R-operator: Pearlmutter, Neural Comput. 6, 147 (1994)): trace and Frobenius norm by
 * Hutchinson's estimator with its error, the largest eigenvalue by Lanczos' method. */
#ifndef SGD_HESSIAN_H
#define SGD_HESSIAN_H

#include "mlp.h"
#include "settings.h"

/* dL/df and d2L/df2 of a point with label y and predictor F. */
double sgd_loss_slope(const sgd_loss *l, double y, double predictor);
double sgd_loss_curve(const sgd_loss *l, double y, double predictor);

typedef struct sgd_hessian {
    sgd_pass *pass;              /* borrowed, after backward */
    const double *slope, *curve; /* [n] borrowed: L'/P and L''/P */
    double *rz, *ra, *rg, *rf, *part, *back; /* directional derivatives of z, a, g, f; scratch */
} sgd_hessian;

int sgd_hessian_init(sgd_hessian *h, sgd_pass *p, const double *slope, const double *curve) QN_NODISCARD;
void sgd_hessian_free(sgd_hessian *h);
void sgd_hessian_times(const sgd_hessian *h, const double *v, double *out); /* out = H v; both of all weights */

/* out = A v of a symmetric A of n rows. */
typedef void sgd_operator(const void *of, const double *v, double *out);
void sgd_hessian_operator(const void *hessian, const double *v, double *out);

typedef struct sgd_trace {
    double trace, trace_err, square, square_err; /* tr A, |A|_F^2 and their standard errors */
} sgd_trace;

/* From `probes` (2 or more) random vectors of +-1 on the first n of `size` numbers, 0 on the rest. */
int sgd_hutchinson(sgd_operator *times, const void *of, size_t n, size_t size, size_t probes, qn_rng *rng, sgd_trace *out) QN_NODISCARD;
/* Largest eigenvalue, by up to `most` products with full reorthogonalisation; stops when it is known to `tol` of itself. */
int sgd_lanczos(sgd_operator *times, const void *of, size_t n, size_t size, size_t most, double tol, qn_rng *rng, double *top) QN_NODISCARD;

/* Gauss-Newton part: trace, Frobenius norm, largest eigenvalue, from K[n][n] and curve[n] = L''/P. */
int sgd_gauss_newton(size_t n, const double *k, const double *curve, qn_rng *rng, double *trace, double *frobenius, double *top) QN_NODISCARD;
/* Puts eta_bound and (stability) eta_critical of SGD around these weights.  k is spoilt. */
void sgd_put_stability(const sgd_settings *set, double *k, const double *curve, qn_record *r);
/* Whether a net with hessian and stability has tr_hess and the rest of its kind, or eta_bound and eta_critical. */
bool sgd_provides_curvature(const sgd_settings *set, int obs);

#endif
