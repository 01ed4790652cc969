/* activation.h -- the functions phi of hidden units, scaled: s(z) = phi(z)/c with c^2 = E[phi(z)^2], z ~ N(0, 1).
 *
 * Relu (c = sqrt(1/2)), tanh (c = 0.627929), linear (c = 1), and phi(z) = z + eps z^2/2 (c^2 = 1 + 3 eps^2/4).  The derivatives of the
 * relu at its kink, and its second derivative everywhere, are taken as 0. */
#ifndef SGD_ACTIVATION_H
#define SGD_ACTIVATION_H

#include <math.h>
#include <stdbool.h>

#include "vmath.h"

typedef enum { SGD_RELU = 0, SGD_TANH, SGD_IDENTITY, SGD_QUAD } sgd_phi_kind; /* in the order of the choices of `activation` */

typedef struct sgd_phi {
    sgd_phi_kind kind;
    double eps;    /* SGD_QUAD */
    double gain;   /* 1/c */
} sgd_phi;

/* c comes from quadrature; without `normalise` it is 1. */
sgd_phi sgd_phi_make(sgd_phi_kind kind, double eps, bool normalise);
double sgd_phi_moment(sgd_phi_kind kind, double eps); /* E[phi(z)^2] by quadrature, to 1e-13 */

/* tanh within 1e-14 of its value, near 0 too; loops vectorise. */
static inline double sgd_tanh(double x)
{
    double y = fabs(x), z = y * y;
    double e = qn_vexp(-2 * y);
    double series = y * (1 + z * (-1.0 / 3 + z * (2.0 / 15 + z * (-17.0 / 315 + z * (62.0 / 2835)))));
    return copysign(y < 0.03 ? series : (1 - e) / (1 + e), x);
}

static inline double sgd_phi_value(const sgd_phi *p, double z)
{
    switch (p->kind) {
    case SGD_RELU:
        return p->gain * (z > 0 ? z : 0);
    case SGD_TANH:
        return p->gain * sgd_tanh(z);
    case SGD_QUAD:
        return p->gain * (z + p->eps / 2 * z * z);
    case SGD_IDENTITY:
        break;
    }
    return p->gain * z;
}

static inline double sgd_phi_slope(const sgd_phi *p, double z)
{
    double t;
    switch (p->kind) {
    case SGD_RELU:
        return z > 0 ? p->gain : 0;
    case SGD_TANH:
        t = sgd_tanh(z);
        return p->gain * (1 - t * t);
    case SGD_QUAD:
        return p->gain * (1 + p->eps * z);
    case SGD_IDENTITY:
        break;
    }
    return p->gain;
}

static inline double sgd_phi_curve(const sgd_phi *p, double z) /* the second derivative */
{
    double t;
    switch (p->kind) {
    case SGD_TANH:
        t = sgd_tanh(z);
        return -2 * p->gain * t * (1 - t * t);
    case SGD_QUAD:
        return p->gain * p->eps;
    case SGD_RELU: case SGD_IDENTITY:
        break;
    }
    return 0;
}

#endif
