/* draw.c -- the random numbers of a batch of updates: sites, and thresholds of the field in place of exp per update.
 *
 * Heat bath: s = +1 iff u < 1/(1+exp(-2h/T)) iff h > (T/2) ln(u/(1-u)).  Metropolis: accept iff u < exp(-2 s h/T) iff
 * s h < -(T/2) ln u, with the logarithm of vmath.h: the same bits at every instruction set. */
#include "chain.h"

#include "vmath.h"

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

/* u = (word >> 12 + 1/2) 2^-52: never 0 or 1, and 1-u is exact. */
QN_CLONES static void logit_all(size_t n, const uint64_t *word, double scale, double *out)
{
    for (size_t i = 0; i < n; i++) {
        double u = qn_from_bits(word[i] >> 12 | UINT64_C(0x3ff0000000000000)) - 1.0 + 0x1p-53;
        out[i] = scale * qn_vlog(u / (1.0 - u));
    }
}

QN_CLONES static void log_all(size_t n, const uint64_t *word, double scale, double *out)
{
    for (size_t i = 0; i < n; i++) {
        double u = qn_from_bits(word[i] >> 12 | UINT64_C(0x3ff0000000000000)) - 1.0 + 0x1p-53;
        out[i] = -scale * qn_vlog(u);
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
