/* ntk.h -- the neural tangent kernel K(x, x') = grad f(x).grad f(x') of a net, without a Jacobian:
 *
 *   K = sum_l (G_l G_l') o (A_{l-1} A_{l-1}')/fan_l + A_D A_D' h^-2q,   G_l = df/dz_l, A_0 = X/sqrt(d),
 *
 * O(n h) memory, 2 n^2 (2h + d) flops with one hidden layer.  Jacot, Gabriel & Hongler, arXiv:1806.07572. */
#ifndef SGD_NTK_H
#define SGD_NTK_H

#include "mlp.h"

/* K[p->n][q->n] between the points of two passes over the same shape, both after backward.  p and q may be the same. */
int sgd_ntk(const sgd_pass *p, const sgd_pass *q, double *k) QN_NODISCARD;
/* At the weights w: K[n][n] of rows x[n][d]. */
int sgd_ntk_at(const sgd_shape *s, const double *w, size_t n, const double *x, double *k) QN_NODISCARD;
/* k[n]: K between an input of |x|^2 = d and the same turned by angle[n] (degrees), d >= 2; bias: what the net's last input is kept at, if not 0. */
int sgd_ntk_circle(const sgd_shape *s, double bias, const double *w, size_t n, const double *angle, double *k) QN_NODISCARD;

double sgd_frobenius(size_t n, const double *k);                           /* of any n numbers */
double sgd_kernel_change(size_t n, const double *k, const double *k0);     /* |K - K0|_F/|K0|_F over n numbers */
/* y'Ky/(|K|_F |y|^2), with `centred` of H K H and H y, H = 1 - 11'/n: CKA with the kernel yy' (Cortes, Mohri & Rostamizadeh 2012). */
double sgd_alignment(size_t n, const double *k, const double *y, bool centred);
/* Eigenvalues of K, largest first, and the share of |y|^2 along each eigenvector. */
int sgd_spectrum(size_t n, const double *k, const double *y, double *value, double *power) QN_NODISCARD;

#endif
