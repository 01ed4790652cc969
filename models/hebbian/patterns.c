/* patterns.c -- storage of bit-packed patterns (see patterns.h). */
#include "patterns.h"

#include <stdlib.h>
#include <string.h>

int heb_patterns_init(heb_patterns *x, size_t n, size_t k)
{
    memset(x, 0, sizeof *x);
    size_t words = (k + 511) / 512 * 32;
    if (n == 0 || k == 0 || words > SIZE_MAX / 4 / n)
        return qn_fail(QN_ERR_NOMEM, "%zu patterns of %zu spins cannot be stored", k, n);
    size_t bytes = n * words * sizeof *x->bits;
    x->bits = aligned_alloc(64, bytes);
    if (!x->bits)
        return qn_fail(QN_ERR_NOMEM, "%zu patterns of %zu spins need %.3g GiB, more than there is", k, n,
                       (double)bytes / 1073741824.0);
    memset(x->bits, 0, bytes);
    x->n = n;
    x->k = k;
    x->words = words;
    return 0;
}

void heb_patterns_free(heb_patterns *x)
{
    free(x->bits);
    memset(x, 0, sizeof *x);
}

double heb_patterns_bytes(double n, double k)
{
    return n * 64 * (k < 512 ? 1 : k / 512 + 1);
}

void heb_patterns_draw(heb_patterns *x, qn_rng *rng)
{
    size_t blocks = (x->k + 63) / 64;
    for (size_t i = 0; i < x->n; i++) {
        uint64_t *row = (uint64_t *)(void *)(x->bits + i * x->words);
        qn_rng_fill_u64(rng, blocks, row);
        if (x->k % 64)
            row[blocks - 1] &= (UINT64_C(1) << (x->k % 64)) - 1;
    }
}

void heb_patterns_put(heb_patterns *x, size_t mu, const int8_t *xi)
{
    uint16_t bit = (uint16_t)(1u << (mu % 16));
    for (size_t i = 0; i < x->n; i++) {
        uint16_t *w = x->bits + i * x->words + mu / 16;
        *w = (uint16_t)(xi[i] > 0 ? *w | bit : *w & ~bit);
    }
}

void heb_patterns_get(const heb_patterns *x, size_t mu, int8_t *xi)
{
    for (size_t i = 0; i < x->n; i++)
        xi[i] = (int8_t)heb_patterns_at_site(x, i, mu);
}
