/* real.h -- exp and tanh in both precisions, branch-free, without fused multiply-add: loops over them vectorise, every instruction set returns the
 * same bits.  Errors are measured in tests/unit/test_povm_nets_other.c. */
#ifndef POVM_REAL_H
#define POVM_REAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "vmath.h"

/* e^x within 2 ulp for -87.3 < x < 88.3, the value at the end outside; NaN stays.  x = k ln 2 + r, |r| <= ln(2)/2, Taylor series to order 7. */
static inline float povm_exp_f32(float x)
{
    const float magic = 12582912.0f; /* 1.5 2^23: adding it rounds to an integer, left in the low bits */
    float y = x < -87.3f ? -87.3f : x;
    y = y > 88.3f ? 88.3f : y;
    float shifted = y * 1.44269504f + magic, k = shifted - magic;
    float r = y - k * 0x1.62e4p-1f - k * 0x1.7f7d1cp-20f; /* ln 2 in two parts; k times the first is exact */
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000u; /* 2^k, k <= 127 */
    float two_k;
    memcpy(&two_k, &bits, sizeof two_k);
    return p * two_k;
}

/* tanh x within 6 ulp: x P(x^2)/Q(x^2), fitted to 2e-8 over |x| < 9.02, where tanh rounds to 1; NaN stays. */
static inline float povm_tanh_f32(float x)
{
    float y = x < -9.02f ? -9.02f : x;
    y = y > 9.02f ? 9.02f : y;
    float z = y * y;
    float p = 1.3319096e-08f, q = 7.7620433e-07f;
    p = p * z + 2.0583548e-05f;
    q = q * z + 3.2831018e-04f;
    p = p * z + 3.4940410e-03f;
    q = q * z + 2.5871100e-02f;
    p = p * z + 1.3379724e-01f;
    q = q * z + 4.6713039e-01f;
    p = p * z + 1.0f;
    q = q * z + 1.0f;
    return y * p / q;
}

static inline double povm_exp_f64(double x)
{
    return qn_vexp(x);
}

/* tanh x within 1e-14 of its value, near 0 too. */
static inline double povm_tanh_f64(double x)
{
    double y = fabs(x), z = y * y;
    double e = qn_vexp(-2 * y);
    double series = y * (1 + z * (-1.0 / 3 + z * (2.0 / 15 + z * (-17.0 / 315 + z * (62.0 / 2835)))));
    return copysign(y < 0.03 ? series : (1 - e) / (1 + e), x);
}

#endif
