/* settings.h -- the parameters of one point, read once, and what the table of parameters cannot say about them. */
#ifndef SGD_SETTINGS_H
#define SGD_SETTINGS_H

#include "deep.h"
#include "loss.h"
#include "quench.h"

/* In the order of the choices in the table of parameters. */
typedef enum { SGD_PERCEPTRON = 0, SGD_LINEAR, SGD_DIAGONAL, SGD_MLP, SGD_KERNEL } sgd_net_kind;
typedef enum { SGD_PLAIN = 0, SGD_FLOW, SGD_EVENT, SGD_CHAIN } sgd_dynamics;
typedef enum { SGD_WITHOUT = 0, SGD_WITH, SGD_EPOCH } sgd_batching;
typedef enum { SGD_NO_HESSIAN = 0, SGD_GAUSS_NEWTON, SGD_FULL_HESSIAN } sgd_curvature;

typedef struct sgd_settings {
    sgd_net_kind net;
    sgd_dynamics dynamics;    /* SGD_FLOW also where T is 0 */
    sgd_batching batching;
    size_t d, p, b;           /* inputs; training points, 0: a fresh point at every draw; batch */
    double temperature, eta;  /* eta = T B; both 0 for SGD_FLOW */
    sgd_loss loss;
    bool subtract;            /* F = alpha (f(w) - f(w0)) */
    double chi;               /* perceptron: density |x1|^chi at the boundary */
    double scale;             /* of the first weights */
    double sigma, decay;      /* regression: label noise; variance k^-decay of input k */
    size_t depth, sparsity;   /* diagonal */
    double delta, tol;        /* flow */
    double max_time, stop_loss;
    sgd_curvature hessian;    /* diagonal, mlp */
    bool stability;           /* find eta_critical */
    sgd_deep deep;            /* mlp, kernel */
} sgd_settings;

extern const qn_param sgd_parameters[];

/* Of a point that sgd_check() has nothing against; of others, without a crash. */
void sgd_settings_read(const qn_params *p, sgd_settings *out);
void sgd_check(const qn_params *p, qn_problems *c);
void sgd_cost(const qn_params *p, qn_cost *c);

#endif
