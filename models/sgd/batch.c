/* batch.c -- see batch.h. */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

enum { AHEAD = 256, SMALL = 32 }; /* points drawn ahead; batches up to SMALL find a point that is twice there by comparing all pairs */

static bool is_full(const sgd_batch *x)
{
    return x->kind == SGD_WITHOUT && x->b == x->p;
}

int sgd_batch_init(sgd_batch *x, sgd_batching kind, size_t p, size_t b)
{
    memset(x, 0, sizeof *x);
    x->kind = kind;
    x->p = p;
    x->b = b;
    if (is_full(x))
        return 0;
    x->queued = b < AHEAD / 2 ? AHEAD / b : 1;
    x->at = x->queued;
    x->walked = p;
    x->queue = malloc(x->queued * b * sizeof *x->queue);
    bool ordered = kind == SGD_EPOCH || (kind == SGD_WITHOUT && b > SMALL);
    if (ordered)
        x->order = malloc(p * sizeof *x->order);
    if (!x->queue || (ordered && !x->order)) {
        sgd_batch_free(x);
        return qn_fail(QN_ERR_NOMEM, "no memory for batches of B = %zu out of P = %zu points", b, p);
    }
    for (size_t i = 0; ordered && i < p; i++)
        x->order[i] = (uint32_t)i;
    return 0;
}

void sgd_batch_free(sgd_batch *x)
{
    free(x->queue);
    free(x->order);
    memset(x, 0, sizeof *x);
}

__extension__ typedef unsigned __int128 u128;

/* A number below p out of a random word (Lemire 2019); a word that would make it uneven is replaced. */
static inline uint32_t below(uint64_t word, uint64_t p, qn_rng *rng)
{
    u128 wide = (u128)word * p;
    if ((uint64_t)wide < p) {
        const uint64_t reject = -p % p;
        while ((uint64_t)wide < reject)
            wide = (u128)qn_rng_u64(rng) * p;
    }
    return (uint32_t)(wide >> 64);
}

static void draw_all(sgd_batch *x, qn_rng *rng)
{
    uint64_t word[AHEAD];
    size_t n = x->queued * x->b;
    for (size_t i = 0; i < n;) {
        size_t k = n - i < AHEAD ? n - i : AHEAD;
        qn_rng_fill_u64(rng, k, word);
        for (size_t j = 0; j < k; j++, i++)
            x->queue[i] = below(word[j], x->p, rng);
    }
}

/* Draws again what the batch has already: the order in which different points come is that of sampling without replacement. */
static void make_distinct(sgd_batch *x, uint32_t *batch, qn_rng *rng)
{
    for (size_t i = 1; i < x->b; i++)
        for (size_t j = 0; j < i;)
            if (batch[i] == batch[j]) {
                batch[i] = (uint32_t)qn_rng_below(rng, x->p);
                j = 0;
            } else {
                j++;
            }
}

/* The first n entries of `order` become a uniform sample of all that stand from `from` on, whatever the order was (Fisher & Yates). */
static void shuffle(sgd_batch *x, size_t n, qn_rng *rng)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = i + (size_t)qn_rng_below(rng, x->p - i);
        uint32_t swap = x->order[i];
        x->order[i] = x->order[j];
        x->order[j] = swap;
    }
}

static void draw_from_order(sgd_batch *x, uint32_t *batch, qn_rng *rng)
{
    size_t from = 0;
    if (x->kind == SGD_EPOCH) {
        if (x->walked + x->b > x->p) {
            shuffle(x, x->p, rng);
            x->walked = 0;
        }
        from = x->walked;
        x->walked += x->b;
    } else {
        shuffle(x, x->b, rng);
    }
    memcpy(batch, x->order + from, x->b * sizeof *batch);
}

static void refill(sgd_batch *x, qn_rng *rng)
{
    x->at = 0;
    if (!x->order)
        draw_all(x, rng);
    for (size_t i = 0; i < x->queued; i++)
        if (x->order)
            draw_from_order(x, x->queue + i * x->b, rng);
        else if (x->kind == SGD_WITHOUT)
            make_distinct(x, x->queue + i * x->b, rng);
}

const uint32_t *sgd_batch_next(sgd_batch *x, qn_rng *rng)
{
    if (!x->queue)
        return NULL;
    if (x->at == x->queued)
        refill(x, rng);
    return x->queue + x->b * x->at++;
}

const uint32_t *sgd_batch_peek(const sgd_batch *x)
{
    return x->at < x->queued ? x->queue + x->b * x->at : NULL;
}

int sgd_batch_save(const sgd_batch *x, qn_group *g)
{
    if (!x->queue)
        return 0;
    int64_t at[2] = {(int64_t)x->at, (int64_t)x->walked};
    int err = qn_save_i64(g, "batch.at", 2, at);
    if (!err)
        err = qn_save_bytes(g, "batch.queue", x->queued * x->b * sizeof *x->queue, x->queue);
    return err || !x->order ? err : qn_save_bytes(g, "batch.order", x->p * sizeof *x->order, x->order);
}

static int check_points(const uint32_t *x, size_t n, size_t p)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] >= p)
            return qn_fail(QN_ERR_DATA, "the checkpoint draws training point %u of %zu", x[i], p);
    return 0;
}

int sgd_batch_load(sgd_batch *x, const qn_group *g)
{
    if (!x->queue)
        return 0;
    int64_t at[2];
    int err = qn_load_i64(g, "batch.at", 2, at);
    if (!err)
        err = qn_load_bytes(g, "batch.queue", x->queued * x->b * sizeof *x->queue, x->queue);
    if (!err && x->order)
        err = qn_load_bytes(g, "batch.order", x->p * sizeof *x->order, x->order);
    if (err)
        return err;
    if (at[0] < 0 || (size_t)at[0] > x->queued || at[1] < 0 || (size_t)at[1] > x->p)
        return qn_fail(QN_ERR_DATA, "the checkpoint is beyond the queue of batches");
    x->at = (size_t)at[0];
    x->walked = (size_t)at[1];
    if (x->at < x->queued) /* before the first draw the queue holds nothing */
        err = check_points(x->queue, x->queued * x->b, x->p);
    return !err && x->order ? check_points(x->order, x->p, x->p) : err;
}
