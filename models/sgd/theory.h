/* theory.h -- what the engine is compared with: the online perceptron's differential equation and late-time laws, streaming least squares, the
 * step from which a minimum is unstable.  NaN: what does not exist for these parameters, or has no theory here. */
#ifndef SGD_THEORY_H
#define SGD_THEORY_H

#include "population.h"
#include "quench.h"

typedef enum {
    SGD_Q_W_SIGNAL, SGD_Q_W_NOISE, SGD_Q_LAMBDA, SGD_Q_TEST_ERR, SGD_Q_UNFITTED, SGD_Q_TRAIN_LOSS,
    SGD_Q_LATE_SIGNAL, SGD_Q_LATE_NOISE, SGD_Q_LATE_LAMBDA, SGD_Q_GAMMA, SGD_Q_B_EXPONENT, SGD_Q_TIME_EXPONENT, SGD_Q_FIRST_SIGNAL, SGD_Q_T_C, SGD_Q_B_STAR,
    SGD_Q_EXCESS, SGD_Q_ETA_MAX, SGD_Q_TEST_LOSS, SGD_Q_NTK_SAME, SGD_Q_NTK_RIGHT, SGD_QUANTITIES
} sgd_quantity;
extern const qn_quantity sgd_quantities[]; /* in the order of sgd_quantity; ends with name NULL */
int sgd_theory_at(const qn_params *p, double *out) QN_NODISCARD;

/* ---- perceptron, online, hinge (theory_perceptron.c) ---------------------------------------------------------------- */

typedef struct sgd_law {
    sgd_rule rule;
    double d, temperature, eta; /* T = eta/B; eta = T: B = 1; T = eta = 0: gradient flow */
    double alpha, margin;
} sgd_law;

/* From w = 0, to leading order in d:
 *     dw1/dt = E[x]/sqrt(d),   dr^2/dt = 2 r E[u]/sqrt(d) + (T/d) [(d-2) n + E[u^2]] + ((eta-T)/d) E[u]^2,
 * averages over unfitted points.  (w1, r) at time t.  QN_ERR_NUMERIC when the integrator gives up. */
int sgd_law_ode(const sgd_law *law, double t, double *w1, double *r) QN_NODISCARD;

/* For w1 >> r: r is stationary, r = T sqrt(d) In(k)/(2 Iu(k)) with k = sqrt(d)/r, and w1^(chi+3) = (chi+3) r^(chi+2) Ix(k) t/(Z sqrt(d));
 * In, Ix, Iu: integrals over s > 0 of s^chi Phi(k-s), s^(chi+1) Phi(k-s), s^chi phi(k-s).  T = 0: their limit. */
int sgd_law_late(const sgd_law *law, double t, double *w1, double *r) QN_NODISCARD;

/* ---- square loss (theory_linear.c) ------------------------------------------------------------------------------------ */

/* Stationary excess risk E sum h_i (w - w*)_i^2 of w += (eta/B) sum (y - w.x) x, x_i ~ N(0, h_i), y = w*.x + sigma n: exact at every eta.
 * NaN from the step on at which the second moment diverges. */
double sgd_lms_excess(size_t d, const double *h, double b, double eta, double sigma);
double sgd_lms_eta_max(size_t d, const double *h, double b); /* h NULL: all 1: 2/(1 + (d+1)/B) */

/* SGD on the loss sum (f-y)^2/(2P) around a minimum at which all y are met; g [p][n]: gradients of f at the p points, H = (1/P) sum g g'.
 * The second moment A of w around the minimum obeys A -> A - eta (HA + AH) + eta^2 E[H_B A H_B], within the span of the g.
 * critical: the step from which it grows, by power iteration.  bound: 2 tr H/(E|g|^4/B + (1-1/B)|H|_F^2) >= critical (without replacement: with
 * the weights of that), A = 1 in eta <= 2 tr(A^2 H)/E tr(A H_B A H_B); Wu & Su, arXiv:2305.17490, for B = 1.
 * p or n at most SGD_MOST_STABILITY. */
enum { SGD_MOST_STABILITY = 200 };
int sgd_stability(size_t p, size_t n, const double *g, size_t b, bool with_replacement, double *critical, double *bound) QN_NODISCARD;
/* The same from the Gram matrix k[p][p] = g g' alone.  Other losses: g_mu times the root of L''.  critical NULL: the bound only, at any p. */
int sgd_stability_gram(size_t p, const double *k, size_t b, bool with_replacement, double *critical, double *bound) QN_NODISCARD;

#endif
