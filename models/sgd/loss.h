/* loss.h -- losses of one training point as functions of the predictor F = alpha (f - f0), and what they push the weights by.
 *
 * Classification, y = +-1, u = y F:  L = l(u)/alpha with l(u) = max(0, m-u) (hinge), max(0, m-u)^2/2 (quadratic hinge),
 * s log(1 + exp((m-u)/s)) (soft hinge).  Regression: L = (F-y)^2/(2 alpha^2), or (F-y)^2 where `half` is not set.
 * One step of SGD is  w += (eta/B) sum over the batch of push y grad f  (regression: push grad f): the mean loss of the batch, not the sum.
 * Sclocchi, Geiger & Wyart, arXiv:2301.13703; Kumar et al., arXiv:2310.06110 for the square without the half. */
#ifndef SGD_LOSS_H
#define SGD_LOSS_H

#include <math.h>
#include <stdbool.h>

typedef enum { SGD_HINGE = 0, SGD_QUADRATIC_HINGE, SGD_SOFT_HINGE, SGD_SQUARE } sgd_loss_kind; /* in the order of the choices of `loss` */

typedef struct sgd_loss {
    sgd_loss_kind kind;
    double alpha, margin, softness;
    bool half;
} sgd_loss;

/* -dL/df, f the net's output, of a regression with residual y - F. */
static inline double sgd_push_residual(const sgd_loss *l, double residual)
{
    return l->half ? residual / l->alpha : 2 * l->alpha * residual;
}

static inline double sgd_loss_residual(const sgd_loss *l, double residual)
{
    return l->half ? residual * residual / (2 * l->alpha * l->alpha) : residual * residual;
}

/* -dL/d(y f) of a point with u = y F; the hinge's does not depend on alpha. */
static inline double sgd_push(const sgd_loss *l, double u)
{
    switch (l->kind) {
    case SGD_HINGE:
        return u < l->margin ? 1 : 0;
    case SGD_QUADRATIC_HINGE:
        return u < l->margin ? l->margin - u : 0;
    case SGD_SOFT_HINGE:
        return 1 / (1 + exp((u - l->margin) / l->softness));
    case SGD_SQUARE:
        break;
    }
    return sgd_push_residual(l, 1 - u);
}

static inline double sgd_loss_at(const sgd_loss *l, double u)
{
    double short_by = u < l->margin ? l->margin - u : 0, z;
    switch (l->kind) {
    case SGD_HINGE:
        return short_by / l->alpha;
    case SGD_QUADRATIC_HINGE:
        return short_by * short_by / (2 * l->alpha);
    case SGD_SOFT_HINGE:
        z = (l->margin - u) / l->softness;
        return l->softness * (z > 0 ? z + log1p(exp(-z)) : log1p(exp(z))) / l->alpha;
    case SGD_SQUARE:
        break;
    }
    return sgd_loss_residual(l, 1 - u);
}

#endif
