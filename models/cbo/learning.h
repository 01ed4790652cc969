/* learning.h -- training losses as functions of the weights: labelled images, and a teacher that needs no data.
 *
 *   softmax  one layer, z_c = sum_k w_kc a_k + b_c, pixels a_k in [0,1]; mean over examples of log sum_c exp z_c - z_label.  d = (pixels + 1) classes.
 *   mlp      h_u = max(0, sum_k w_ku a_k + b_u), z_c = sum_u v_uc h_u + b_c, the same loss.  d = (pixels + 1) hidden + (hidden + 1) classes.
 *   teacher  committee machines: y(w) = hidden^{-1/2} sum_u tanh(w_u.a/sqrt(inputs)), inputs a ~ N(0, 1), teacher's weights w* ~ N(0, 1), targets
 *            y(w*) + label_noise N(0, 1); half the mean squared error.  d = inputs hidden.  Source: Saad, Solla 1995 (there with erf).
 *
 * Coordinates: the weights from one input to all outputs side by side, x[k*outputs + u], inputs in order, then the biases; then the
 * next layer.  Classes are 0 to the largest label.  The score is the accuracy on the test images (softmax, mlp; absent without
 * them), or half the mean squared error on as many fresh inputs without noise (teacher).
 *
 * Data batches: every epoch is one pass over a new permutation of the examples, `data_batch` of them a step; a rest that does not fill a
 * batch is left out.  Until batch() is called the first data_batch examples count. */
#ifndef CBO_LEARNING_H
#define CBO_LEARNING_H

#include "objective.h"

extern const cbo_objective_kind cbo_learning_kinds[]; /* ends with name NULL */

#endif
