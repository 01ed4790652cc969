/* natural.h -- the direction in which the parameters of a net follow dP/dt = L P: S theta' = F, F_k = E O_k L_loc, S_kl the covariance of O = grad log P
 * (time-dependent variational principle for probabilities; Reh, Schmitt & Gaerttner 2021).
 *
 * With X = (O - mean)/sqrt(n), [n strings][parameters], S = X'X and F = X'y: S and X X' have the same positive eigenvalues, so that the smaller
 * of both is taken apart.  In eigenvector k of eigenvalue lambda, rho = v.F is divided by
 *
 *   filter     lambda (1 + (eps_ev lambda_max/lambda)^6) (1 + (eps_snr/SNR)^6), SNR = |rho| sqrt(n)/sd(v.O L_loc)     (Schmitt & Heyl 2020)
 *   diagonal   lambda + eps_diagonal */
#ifndef POVM_NATURAL_H
#define POVM_NATURAL_H

#include "variational_settings.h"

typedef struct povm_natural povm_natural;

typedef struct povm_natural_result {
    double c, c_err;          /* E |L_loc|, the certificate of a steady state */
    double residual;          /* the part of the variance of L_loc that theta' does not follow: |y - X theta'|^2/|y|^2 */
} povm_natural_result;

/* Of v: batch, enumerate, regularisation, eps_*, space. */
int povm_natural_create(const povm_problem *problem, povm_net *net, const povm_variational *v, povm_natural **out) QN_NODISCARD;
void povm_natural_destroy(povm_natural *n);
void povm_natural_retune(povm_natural *n, const povm_problem *problem);
double povm_natural_bytes(const povm_variational *v, const povm_problem *problem, double parameters);
uint64_t povm_natural_blocks(const povm_natural *n); /* of the dynamics stream, a call */
uint64_t povm_natural_evaluations(const povm_natural *n);

/* theta' at theta, from strings drawn at `first` of the dynamics stream. */
int povm_natural_at(povm_natural *n, const qn_streams *s, uint64_t first, const double *theta, double *velocity, povm_natural_result *out) QN_NODISCARD;
/* sqrt(step' S step), S that of the last call. */
double povm_natural_norm(povm_natural *n, const double *step);

#endif
