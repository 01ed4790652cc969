/* implicit.h -- the gradient that a consensus step has taken without computing it.
 *
 * For a Gaussian cloud N(m, S), c - m = -alpha S grad F(m), F(m) = -(1/alpha) log E exp(-alpha f(m + S^{1/2} xi)): integration by parts, exact for
 * any f.  So g_hat = -S^{-1}(c - mbar)/alpha of the measured cloud estimates grad F.  Consensus steps as gradient descent with a
 * perturbation: Riedl, Klock, Geldhauser, Fornasier, arXiv:2306.09778. */
#ifndef CBO_IMPLICIT_H
#define CBO_IMPLICIT_H

#include "method.h"

typedef struct cbo_implicit { /* NAN where a quantity does not exist */
    double align_cloud;       /* cos(c - mbar, -grad f(mbar)) */
    double align_step;        /* cos(c_{k+1} - c_k, -grad f(c_k)) of the last step */
    double align_gradient;    /* cos(g_hat, grad f(mbar)) */
    double g_hat_norm;        /* |g_hat|; needs n_eff >= d + 2 */
    double resid;             /* |c_{k+1} - c_k + tau_k grad f(c_k)| of the last step */
    double tau;               /* of the last step: alpha tr S/d; the step's own tau where the method has one */
    double ch_saturation;     /* alpha s |grad f(mbar)|/sqrt(2 ln N), s^2 = tr S/d: above 1 the best sample limits the step */
} cbo_implicit;

/* Before a step, so that it can be read after: tau_before and grad_before at now.c.  grad f is taken where the objective has it in closed
 * form, and is no cost of the method: it is not counted.  O(N d). */
void cbo_implicit_before(cbo_state *s);

/* After a step; O(N d^2 + d^3).  Fails without memory for the covariance. */
int cbo_implicit_read(const cbo_state *s, cbo_implicit *out) QN_NODISCARD;

/* S^{-1}(c - mean) (-1/alpha) into g, where cov [d][d] has 1e-12 tr S/d added to its diagonal and is left factorised. False when alpha is 0 or infinite,
 * or S has no extent. */
bool cbo_implicit_gradient(size_t d, const double *mean, double *cov, const double *c, double alpha, double *g);

#endif
