/* theory_kernel.h -- infinitely wide relu nets, and training with a kernel that stays.
 *
 * sgd_arccos_ntk: E K over weights N(0, 1) of the net of mlp.h (any h with one hidden layer, h -> infinity with more), by the recursion of
 * arc-cosine kernels: Cho & Saul 2009; Jacot, Gabriel & Hongler, arXiv:1806.07572.  Inputs x/sqrt(d).
 * sgd_kernel_flow: gradient flow of (1/P) sum (f - y)^2/2, df/dt = -(1/P) K (f - y), t up to infinity; on points beside by their kernel with the training points. */
#ifndef SGD_THEORY_KERNEL_H
#define SGD_THEORY_KERNEL_H

#include "settings.h"

/* dot = x.x', nx = |x|^2, ny = |x'|^2 (x divided by sqrt(d)); `gain` = 1/c of the activation: 1 or sqrt(2); `readout`: v is trained.
 * v ~ N(0, 1) in both cases; v = 1 is the same with one hidden layer only (with more, gradients then lean towards the activations). */
double sgd_arccos_ntk(size_t depth, double gain, bool readout, double nx, double ny, double dot);

/* f[p] at time t from f0[p], and f_test[m] from f0_test with k_test[m][p] (m may be 0). */
int sgd_kernel_flow(size_t p, const double *k, const double *y, const double *f0, double t, double *f, size_t m, const double *k_test, const double *f0_test,
                    double *f_test) QN_NODISCARD;

/* Fills what nets with hidden layers have of sgd_quantities: ntk_same, ntk_right_angle; where loss, T and P allow train_loss_end, test_loss_end and test_err_end of
 * the flow with the kernel of infinite width. */
int sgd_kernel_theory(const qn_params *p, const sgd_settings *s, double *out) QN_NODISCARD;

#endif
