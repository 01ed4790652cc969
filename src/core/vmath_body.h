/* vmath_body.h -- the functions of vmath.h, for VD = double or a vector of doubles (VU: the same of uint64_t; VMASK turns
 * a comparison into all bits set or none; NAME and TARGET as in levels.h).
 *
 * Even and odd terms of a series go side by side where the processor would otherwise wait for one long chain.  Branch-free, no tables, no fused multiply-add: every instruction set and every width returns the same bits. */

#define INLINE TARGET static inline __attribute__((always_inline))

INLINE VD NAME(from_bits)(VU x)
{
    VD y;
    memcpy(&y, &x, sizeof y);
    return y;
}

INLINE VU NAME(to_bits)(VD x)
{
    VU y;
    memcpy(&y, &x, sizeof y);
    return y;
}

INLINE VD NAME(vabs)(VD x)
{
    return NAME(from_bits)(NAME(to_bits)(x) & UINT64_C(0x7fffffffffffffff));
}

/* x where all bits of the mask are set, else y. */
INLINE VD NAME(vselect)(VU mask, VD x, VD y)
{
    return NAME(from_bits)((NAME(to_bits)(x) & mask) | (NAME(to_bits)(y) & ~mask));
}

/* y where either is NaN. */
INLINE VD NAME(vmin)(VD x, VD y)
{
#ifdef VMIN
    return (VD)VMIN(x, y);
#else
    return NAME(vselect)(VMASK(x < y), x, y);
#endif
}

INLINE VD NAME(vmax)(VD x, VD y)
{
#ifdef VMAX
    return (VD)VMAX(x, y);
#else
    return NAME(vselect)(VMASK(x > y), x, y);
#endif
}

INLINE VD NAME(vsqrt)(VD x)
{
#ifdef VSQRT
    return (VD)VSQRT(x);
#else
    double y[sizeof(VD) / 8];
    memcpy(y, &x, sizeof y);
    for (size_t i = 0; i < sizeof(VD) / 8; i++)
        y[i] = __builtin_sqrt(y[i]);
    memcpy(&x, y, sizeof y);
    return x;
#endif
}

/* ln x for normal x > 0, within 3 ulp: x = 2^k m, sqrt(1/2) <= m < sqrt(2), ln m = 2 artanh((m-1)/(m+1)) by its series to order 21. */
INLINE VD NAME(vlog)(VD x)
{
    const uint64_t half = UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
    VU bits = NAME(to_bits)(x) - half + (UINT64_C(1024) << 52);
    VD m = NAME(from_bits)((bits & UINT64_C(0xfffffffffffff)) + half);
    VD k = NAME(from_bits)(bits >> 52 | UINT64_C(0x4330000000000000)) - 4503599627370496.0 - 1024.0; /* 2^52 + k + 1024 */
    VD f = (m - 1.0) / (m + 1.0), z = f * f;
    VD p = z * (2.0 / 21) + 2.0 / 19;
    p = p * z + 2.0 / 17;
    p = p * z + 2.0 / 15;
    p = p * z + 2.0 / 13;
    p = p * z + 2.0 / 11;
    p = p * z + 2.0 / 9;
    p = p * z + 2.0 / 7;
    p = p * z + 2.0 / 5;
    p = p * z + 2.0 / 3;
    return k * 0.69314718055994530942 + (2.0 * f + f * z * p);
}

/* e^x within 2 ulp; 0 below -708.39, where the result would be subnormal (and slow to make); infinite above 709.79; NaN stays.  x = k ln 2 + r,
 * |r| <= ln(2)/2, with ln 2 in two parts (the first has 21 trailing zeros: k times it is exact), Taylor series to order 13, 2^k in two factors. */
INLINE VD NAME(vexp)(VD x)
{
    const double magic = 6755399441055744.0; /* 1.5 2^52: adding it rounds to an integer, left in the low bits */
    const double lowest = -708.39, highest = 709.79;
    VU none = VMASK(x < lowest);
    VD y = NAME(vmin)((VD){0} + highest, NAME(vmax)((VD){0} + lowest, x));
    VD k = y * 1.44269504088896340736 + magic - magic, half = k * 0.5 + magic, rest = k - (half - magic) + magic;
    VD r = y - k * 0x1.62e42fee00000p-1 - k * 0x1.a39ef35793c76p-33;
    VD z = r * r, even = z * (1.0 / 479001600) + 1.0 / 3628800, odd = z * (1.0 / 6227020800) + 1.0 / 39916800;
    even = even * z + 1.0 / 40320;
    odd = odd * z + 1.0 / 362880;
    even = even * z + 1.0 / 720;
    odd = odd * z + 1.0 / 5040;
    even = even * z + 1.0 / 24;
    odd = odd * z + 1.0 / 120;
    even = even * z + 0.5;
    odd = odd * z + 1.0 / 6;
    VD p = 1.0 + (r + z * (even + r * odd));
    VD two_a = NAME(from_bits)((NAME(to_bits)(half) + 1023) << 52), two_b = NAME(from_bits)((NAME(to_bits)(rest) + 1023) << 52);
    return NAME(from_bits)(NAME(to_bits)(p * two_a * two_b) & ~none);
}

/* sin(pi r), |r| <= 1/2, within 5 ulp (2.5 for |r| < 1/4): Taylor series in r to order 21. */
INLINE VD NAME(vsinpi_half)(VD r)
{
    VD z = r * r, y = z * z, even = y * 5.392664662608129e-10 + 7.952054001475513e-07, odd = y * -2.2948428997269873e-08 - 2.1915353447830217e-05;
    even = even * y + 0.00046630280576761255;
    odd = odd * y - 0.0073704309457143504;
    even = even * y + 0.08214588661112823;
    odd = odd * y - 0.5992645293207921;
    even = even * y + 2.5501640398773455;
    odd = odd * y - 5.16771278004997;
    even = even * y + 3.141592653589793;
    return r * (even + z * odd);
}

/* sin(pi x) and cos(pi x), |x| < 2^51, as accurate as vsinpi_half at their zeros too: x - round(x) is exact.  cos(pi r) = sin(pi (1/2 - |r|)). */
INLINE VD NAME(vsinpi)(VD x)
{
    const double magic = 6755399441055744.0;
    VD shifted = x + magic;
    VU sign = NAME(to_bits)(shifted) << 63;
    return NAME(from_bits)(NAME(to_bits)(NAME(vsinpi_half)(x - (shifted - magic))) ^ sign);
}

INLINE VD NAME(vcospi)(VD x)
{
    const double magic = 6755399441055744.0;
    VD shifted = x + magic;
    VU sign = NAME(to_bits)(shifted) << 63;
    return NAME(from_bits)(NAME(to_bits)(NAME(vsinpi_half)(0.5 - NAME(vabs)(x - (shifted - magic)))) ^ sign);
}

/* sin and cos of a, |a| <= pi/4, within 2 ulp: Taylor series to orders 15 and 16. */
INLINE void NAME(vsincos_octant)(VD a, VD *sine, VD *cosine)
{
    VD z = a * a;
    VD s = z * (-1.0 / 1307674368000) + 1.0 / 6227020800, c = z * (1.0 / 20922789888000) - 1.0 / 87178291200;
    s = s * z - 1.0 / 39916800;
    s = s * z + 1.0 / 362880;
    s = s * z - 1.0 / 5040;
    s = s * z + 1.0 / 120;
    s = s * z - 1.0 / 6;
    c = c * z + 1.0 / 479001600;
    c = c * z - 1.0 / 3628800;
    c = c * z + 1.0 / 40320;
    c = c * z - 1.0 / 720;
    c = c * z + 1.0 / 24;
    c = c * z - 0.5;
    *sine = a + a * z * s;
    *cosine = 1.0 + z * c;
}

#undef INLINE
