/* grokking.h -- the exactly solvable terms of Kumar, Bordelon, Gershman & Pehlevan, arXiv:2310.06110: one hidden layer with phi(z) = z + eps z^2/2 and
 * v = 1, Gaussian inputs, target y = (beta.x)^2/(2 d), |beta|^2 = d.  With xi = x/sqrt(d), xi ~ N(0, I/d):
 *
 *   F = b.xi + (1/2) xi'S xi,   b = c sum_i (w_i - w0_i),   S = c eps sum_i (w_i w_i' - w0_i w0_i'),   c = alpha h^-q/c_phi
 *   (w0 only where f0 is subtracted), and with A = S - beta beta' the population loss is exactly
 *   E (F - y)^2 = (tr A)^2/(4 d^2) + |A|_F^2/(2 d^2) + |b|^2/d. */
#ifndef SGD_GROKKING_H
#define SGD_GROKKING_H

#include "mlp.h"

typedef struct sgd_quadratic {
    double a, b, c; /* the three terms */
} sgd_quadratic;

/* w: all weights; w0: those to subtract, or NULL.  O(h d^2). */
int sgd_quadratic_terms(const sgd_shape *s, double alpha, const double *w, const double *w0, const double *beta, sgd_quadratic *out) QN_NODISCARD;
/* K(x, x') = grad F.grad F' of that net at w, written out: alpha^2 times the kernel of f. */
int sgd_quadratic_kernel(const sgd_shape *s, double alpha, const double *w, size_t n, const double *x, double *k) QN_NODISCARD;

#endif
