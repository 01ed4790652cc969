/* draw.c -- the random numbers of a batch of updates: sites, and thresholds of the field in place of exp per update.
 *
 * Heat bath: s = +1 iff u < 1/(1+exp(-2h/T)) iff h > (T/2) ln(u/(1-u)).  Metropolis: accept iff u < exp(-2 s h/T) iff
 * s h < -(T/2) ln u.  The logarithm is branch-free and vectorised; no fused multiply-add, so that every instruction set
 * returns the same bits; relative error below 4e-16 away from ln 1. */
#include "chain.h"

#include <string.h>

void heb_draw_sites(qn_rng *rng, size_t n, size_t count, uint32_t *site)
{
    const uint32_t range = (uint32_t)n, reject = (uint32_t)(-range) % range;
    uint64_t word = 0;
    bool have = false;
    for (size_t u = 0; u < count;) {
        uint32_t x;
        if (have) {
            x = (uint32_t)word;
        } else {
            word = qn_rng_u64(rng);
            x = (uint32_t)(word >> 32);
        }
        have = !have;
        uint64_t wide = (uint64_t)x * range;
        site[u] = (uint32_t)(wide >> 32);
        u += (uint32_t)wide >= reject;
    }
}

static inline double from_bits(uint64_t x)
{
    double y;
    memcpy(&y, &x, sizeof y);
    return y;
}

static inline uint64_t to_bits(double x)
{
    uint64_t y;
    memcpy(&y, &x, sizeof y);
    return y;
}

/* ln x for normal x > 0: x = 2^e m, sqrt(1/2) <= m < sqrt(2), ln m = 2 artanh((m-1)/(m+1)) by its series to order 21. */
static inline double logarithm(double x)
{
    const uint64_t half = UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
    uint64_t bits = to_bits(x) - half + (UINT64_C(1024) << 52);
    uint64_t e = bits >> 52; /* exponent + 1024 */
    double m = from_bits((bits & UINT64_C(0xfffffffffffff)) + half);
    double k = from_bits(e | UINT64_C(0x4330000000000000)) - 4503599627370496.0 - 1024.0;
    double f = (m - 1) / (m + 1), z = f * f;
    double p = 2.0 / 21;
    p = p * z + 2.0 / 19;
    p = p * z + 2.0 / 17;
    p = p * z + 2.0 / 15;
    p = p * z + 2.0 / 13;
    p = p * z + 2.0 / 11;
    p = p * z + 2.0 / 9;
    p = p * z + 2.0 / 7;
    p = p * z + 2.0 / 5;
    p = p * z + 2.0 / 3;
    return k * 0.69314718055994530942 + (2 * f + f * z * p);
}

#if defined(__x86_64__) && defined(__GNUC__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

/* u = (word >> 12 + 1/2) 2^-52: never 0 or 1, and 1-u is exact. */
CLONES static void logit_all(size_t n, const uint64_t *word, double scale, double *out)
{
    for (size_t i = 0; i < n; i++) {
        double u = from_bits(word[i] >> 12 | UINT64_C(0x3ff0000000000000)) - 1.0 + 0x1p-53;
        out[i] = scale * logarithm(u / (1.0 - u));
    }
}

CLONES static void log_all(size_t n, const uint64_t *word, double scale, double *out)
{
    for (size_t i = 0; i < n; i++) {
        double u = from_bits(word[i] >> 12 | UINT64_C(0x3ff0000000000000)) - 1.0 + 0x1p-53;
        out[i] = -scale * logarithm(u);
    }
}

void heb_draw_thresholds(qn_rng *rng, heb_rule rule, double scale, size_t count, double *theta)
{
    uint64_t word[HEB_BATCH];
    for (size_t done = 0; done < count;) {
        size_t n = count - done < HEB_BATCH ? count - done : HEB_BATCH;
        qn_rng_fill_u64(rng, n, word);
        if (rule == HEB_METROPOLIS)
            log_all(n, word, scale, theta + done);
        else
            logit_all(n, word, scale, theta + done);
        done += n;
    }
}
