/* outcome.h -- all k^n strings at once: L on the vector P(a), and what the local generator does to simple functions of a string.
 *
 * The index of a string is sum_i a_i k^i. */
#ifndef POVM_OUTCOME_H
#define POVM_OUTCOME_H

#include <stdint.h>

#include "task.h"

enum { POVM_MOST_STRINGS = 1 << 16 };

size_t povm_outcome_count(int n, int k); /* more than POVM_MOST_STRINGS: that many + 1 */
void povm_outcome_string(int n, int k, size_t index, uint8_t *string);

void povm_outcome_apply(const povm_problem *p, const double *x, double *out);            /* out = L x */
void povm_outcome_apply_transposed(const povm_problem *p, const double *x, double *out); /* out = L' x */

/* P of the product state whose sites all have the Bloch vector r. */
void povm_outcome_product(const povm_problem *p, const double r[3], double *out);

/* d<Q>/dt, Q the site averages of X, Y and Z, is the mean over P of a local function of the string, rate[Q] = (L' Q)(a): no net is asked. */
typedef struct povm_rates {
    double one[3][POVM_OUTCOMES], two[3][POVM_OUTCOMES * POVM_OUTCOMES];
} povm_rates;
void povm_rates_init(const povm_problem *p, povm_rates *r);
void povm_rates_at(const povm_rates *r, const povm_problem *p, const uint8_t *string, double rate[3]);

#endif
