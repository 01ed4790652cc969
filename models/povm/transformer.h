/* transformer.h -- the ansatz povm_transformer of net.h; here only what tests and timings look at. */
#ifndef POVM_TRANSFORMER_H
#define POVM_TRANSFORMER_H

#include <stddef.h>

#include "isa.h"

void povm_transformer_use(qn_isa_level l); /* nets opened from now on; the bits do not depend on it */

/* Of rows * POVM_LANES numbers, aligned to 64 bytes: x <= 0 becomes e^x; z becomes gelu(z) = z Phi(z), its derivative goes to slope. */
void povm_exp_neg_f32(size_t rows, float *x);
void povm_exp_neg_f64(size_t rows, double *x);
void povm_gelu_f32(size_t rows, float *z, float *slope);
void povm_gelu_f64(size_t rows, double *z, double *slope);

#endif
