/* patterns.h -- K patterns of N spins +-1, bit-packed spin by spin: what the field kernels read.
 *
 * Row i holds xi_i^mu of all patterns, bit mu of the row (little-endian) = 1 where xi = +1; rows are padded with zeros to 512
 * bits and 64-byte aligned.  N K/8 bytes. */
#ifndef HEBBIAN_PATTERNS_H
#define HEBBIAN_PATTERNS_H

#include "quench.h"

typedef struct heb_patterns {
    size_t n, k;
    size_t words;    /* 16-bit words a row, a multiple of 32 */
    uint16_t *bits;  /* [n][words] */
} heb_patterns;

int heb_patterns_init(heb_patterns *x, size_t n, size_t k) QN_NODISCARD; /* all -1 */
void heb_patterns_free(heb_patterns *x);
double heb_patterns_bytes(double n, double k);                          /* what init would take */
void heb_patterns_draw(heb_patterns *x, qn_rng *rng);                   /* iid fair signs, ceil(K/64) words a spin */
void heb_patterns_put(heb_patterns *x, size_t mu, const int8_t *xi);    /* sets pattern mu from n values +-1 */
void heb_patterns_get(const heb_patterns *x, size_t mu, int8_t *xi);

static inline const uint16_t *heb_patterns_row(const heb_patterns *x, size_t i)
{
    return x->bits + i * x->words;
}

/* xi_i^mu */
static inline int heb_patterns_at_site(const heb_patterns *x, size_t i, size_t mu)
{
    return (heb_patterns_row(x, i)[mu / 16] >> (mu % 16)) & 1 ? 1 : -1;
}

#endif
