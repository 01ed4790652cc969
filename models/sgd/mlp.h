/* mlp.h -- the multilayer net as a function of all its weights, in double precision: outputs, gradients, their Gram and curvature are
 * taken from here.  Training has its own arithmetic (trainer.h).
 *
 *   z_1 = x W_0/sqrt(d),  a_l = phi(z_l)/c,  z_{l+1} = a_l W_l/sqrt(h),  f = v.a_D/h^q,  D = depth
 *
 * with W_0 [d][h], W_l [h][h] (l = 1..D-1) and v [h] one after the other in one array, hidden units innermost.  **Inputs come divided by
 * sqrt(d)**: x below is [n][d], rows of x/sqrt(d).  q = 1/2 is the scaling of Jacot et al., arXiv:1806.07572, q = 1 mean-field scaling. */
#ifndef SGD_MLP_H
#define SGD_MLP_H

#include <stddef.h>

#include "activation.h"
#include "quench.h"

typedef struct sgd_shape {
    size_t d, h, depth;
    double q;
    sgd_phi phi;
    bool shared_readout;   /* v = 1, and stays: its derivatives are 0 everywhere below */
} sgd_shape;

size_t sgd_shape_weights(const sgd_shape *s);              /* how many, v included */
size_t sgd_shape_at(const sgd_shape *s, size_t layer);     /* where W_layer begins; layer = depth: v */
size_t sgd_shape_inputs(const sgd_shape *s, size_t layer); /* rows of W_layer: d or h */
double sgd_shape_out(const sgd_shape *s);                  /* h^-q */
/* Weights N(0, scale^2), in their order, v = 1 where it is shared. */
void sgd_shape_draw(const sgd_shape *s, double scale, qn_rng *rng, double *w);

/* What n points do to the net. */
enum { SGD_PASS_BLOCK = 64 };
typedef struct sgd_pass {
    const sgd_shape *shape;
    size_t n;
    const double *w, *x;   /* borrowed */
    double *z, *a, *g;     /* [depth][n][h]: z_l, a_l, df/dz_l */
    double *f;             /* [n] */
    double *part;          /* scratch of sgd_pass_gradient */
} sgd_pass;

int sgd_pass_init(sgd_pass *p, const sgd_shape *s, size_t n) QN_NODISCARD;
void sgd_pass_free(sgd_pass *p);
void sgd_pass_forward(sgd_pass *p, const double *w, const double *x); /* z, a, f; w and x must stay */
void sgd_pass_backward(sgd_pass *p);                                  /* g, after forward */
/* gradient += sum_mu weight_mu grad f_mu, after backward. */
void sgd_pass_gradient(sgd_pass *p, const double *weight, double *gradient);
void sgd_pass_norms(const sgd_pass *p, double *out);                  /* out[n] = |grad f_mu|^2, after backward */

#endif
