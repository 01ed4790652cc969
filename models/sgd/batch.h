/* batch.h -- which training points a step of SGD sees.
 *
 * `with`: B independent draws.  `without`: B different points, afresh at each step; B = P is all of them, in order and without a random number
 * (full-batch gradient descent).  `epoch`: a random order walked through B at a time; what is left over, less than B, is dropped.
 * Batches are drawn ahead, a queue at a time, so that the next one is known while a step works on the present one. */
#ifndef SGD_BATCH_H
#define SGD_BATCH_H

#include "settings.h"

typedef struct sgd_batch {
    sgd_batching kind;
    size_t p, b;
    size_t queued, at;        /* batches in the queue, and the next of them */
    uint32_t *queue;          /* [queued][b] */
    uint32_t *order;          /* [p] epoch, and `without` for large b: a permutation */
    size_t walked;            /* epoch: points of `order` that were taken */
} sgd_batch;

int sgd_batch_init(sgd_batch *x, sgd_batching kind, size_t p, size_t b) QN_NODISCARD;
void sgd_batch_free(sgd_batch *x);
/* The next batch, valid until the next call; NULL: all points in order. */
const uint32_t *sgd_batch_next(sgd_batch *x, qn_rng *rng);
/* The one after it where it is drawn already, else NULL. */
const uint32_t *sgd_batch_peek(const sgd_batch *x);
int sgd_batch_save(const sgd_batch *x, qn_group *g) QN_NODISCARD;
int sgd_batch_load(sgd_batch *x, const qn_group *g) QN_NODISCARD;

#endif
