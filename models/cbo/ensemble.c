/* ensemble.c -- memory and streams of an ensemble (see ensemble.h). */
#include "ensemble.h"

#include <stdlib.h>
#include <string.h>

#include "kernel.h"

static void *aligned_zeros(size_t bytes)
{
    bytes = (bytes + 63) / 64 * 64;
    void *p = aligned_alloc(64, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

int cbo_ensemble_init(cbo_ensemble *e, size_t n, size_t d, const qn_streams *s)
{
    memset(e, 0, sizeof *e);
    const size_t tiles = (n + CBO_LANES - 1) / CBO_LANES;
    e->n = n;
    e->d = d;
    e->tiles = tiles;
    e->threads = (double)n * (double)d > 5e4 ? (size_t)qn_threads() : 1;
    if (e->threads < 1)
        e->threads = 1;
    if (e->threads > tiles)
        e->threads = tiles;
    e->x = aligned_zeros(tiles * d * CBO_LANES * sizeof *e->x);
    e->f = aligned_zeros(tiles * CBO_LANES * sizeof *e->f);
    e->rng = aligned_zeros(tiles * sizeof *e->rng);
    e->bulk = aligned_zeros(tiles * sizeof *e->bulk);
    e->work = aligned_zeros(e->threads * 4 * d * CBO_LANES * sizeof *e->work);
    e->slot = aligned_zeros(tiles * cbo_slot_size(d) * sizeof *e->slot);
    e->mark = aligned_zeros(tiles * sizeof *e->mark);
    if (!e->x || !e->f || !e->rng || !e->bulk || !e->work || !e->slot || !e->mark)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu particles of %zu coordinates", n, d);
    for (size_t t = 0; t < tiles; t++) {
        qn_rng seed;
        qn_stream_split(s, QN_STREAM_DYNAMICS, 2 * t, &e->rng[t]);
        qn_stream_split(s, QN_STREAM_DYNAMICS, 2 * t + 1, &seed);
        qn_bulk_open(&e->bulk[t], &seed);
    }
    return 0;
}

void cbo_ensemble_free(cbo_ensemble *e)
{
    free(e->x);
    free(e->f);
    free(e->rng);
    free(e->bulk);
    free(e->work);
    free(e->slot);
    free(e->mark);
    memset(e, 0, sizeof *e);
}

double cbo_ensemble_bytes(double n, double d)
{
    double tiles = n / CBO_LANES + 1;
    return tiles * (8 * (CBO_LANES * (d + 1) + d + 12) + sizeof(qn_rng) + sizeof(qn_bulk)) + 8 * 4 * d * CBO_LANES;
}

void cbo_ensemble_point(const cbo_ensemble *e, size_t i, double *out)
{
    for (size_t k = 0; k < e->d; k++)
        out[k] = cbo_coordinate(e, i, k);
}
