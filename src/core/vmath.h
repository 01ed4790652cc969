/* vmath.h -- elementary functions for loops that the compiler vectorises: branch-free, no tables, no fused multiply-add, so that every
 * instruction set returns the same bits.  Errors are measured against long double in tests/unit/test_rng.c.
 * Functions that call them carry QN_CLONES: one version for each instruction set, chosen when the program starts. */
#ifndef QN_VMATH_H
#define QN_VMATH_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define QN_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define QN_CLONES
#endif

static inline double qn_from_bits(uint64_t x)
{
    double y;
    memcpy(&y, &x, sizeof y);
    return y;
}

static inline uint64_t qn_to_bits(double x)
{
    uint64_t y;
    memcpy(&y, &x, sizeof y);
    return y;
}

/* ln x for normal x > 0, within 3 ulp: x = 2^k m, sqrt(1/2) <= m < sqrt(2), ln m = 2 artanh((m-1)/(m+1)) by its series to order 21. */
static inline double qn_vlog(double x)
{
    const uint64_t half = UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
    uint64_t bits = qn_to_bits(x) - half + (UINT64_C(1024) << 52);
    double m = qn_from_bits((bits & UINT64_C(0xfffffffffffff)) + half);
    double k = qn_from_bits(bits >> 52 | UINT64_C(0x4330000000000000)) - 4503599627370496.0 - 1024.0; /* 2^52 + k + 1024 */
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

/* sin and cos of a, |a| <= pi/4, within 2 ulp: Taylor series to orders 15 and 16. */
static inline void qn_vsincos_octant(double a, double *sine, double *cosine)
{
    double z = a * a;
    double s = -1.0 / 1307674368000, c = 1.0 / 20922789888000;
    s = s * z + 1.0 / 6227020800;
    s = s * z - 1.0 / 39916800;
    s = s * z + 1.0 / 362880;
    s = s * z - 1.0 / 5040;
    s = s * z + 1.0 / 120;
    s = s * z - 1.0 / 6;
    c = c * z - 1.0 / 87178291200;
    c = c * z + 1.0 / 479001600;
    c = c * z - 1.0 / 3628800;
    c = c * z + 1.0 / 40320;
    c = c * z - 1.0 / 720;
    c = c * z + 1.0 / 24;
    c = c * z - 0.5;
    *sine = a + a * z * s;
    *cosine = 1 + z * c;
}

#endif
