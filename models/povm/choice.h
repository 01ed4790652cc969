/* choice.h -- outcomes of a tile of strings (see lanes.h) out of their logits, in double precision: so each P(a_t | ...) is normalised to the
 * last digits whatever the precision of the net. */
#ifndef POVM_CHOICE_H
#define POVM_CHOICE_H

#include <stddef.h>
#include <stdint.h>

/* logit [k][POVM_LANES] becomes the logarithm of p. */
void povm_softmax(size_t k, double *logit, double *p);
/* The outcome of each lane by its uniform number u, out of p; its log_p is added to total. */
void povm_choose(size_t k, const double *p, const double *log_p, const double *u, uint8_t *outcome, double *total);

#endif
