/* lanes_one.h -- one precision at one level of lanes.h: its vector types, elementary functions on them, and the body. */
#if SINGLE
#define REAL float
typedef float V __attribute__((vector_size(4 * W), may_alias));
typedef int32_t VI __attribute__((vector_size(4 * W), may_alias));
#else
#define REAL double
typedef double V __attribute__((vector_size(8 * W), may_alias));
typedef int64_t VI __attribute__((vector_size(8 * W), may_alias));
#endif
#define INLINE TARGET static inline __attribute__((always_inline))

#ifdef ONE_FMA
INLINE V NAME(all)(REAL x)
{
    return x - (V){0};
}

INLINE V NAME(fused)(V a, V b, V c)
{
    for (size_t i = 0; i < W; i++)
        a[i] = ONE_FMA(a[i], b[i], c[i]);
    return a;
}

INLINE V NAME(smaller)(V x, V y)
{
    VI first = (VI)(x < y);
    return (V)(((VI)x & first) | ((VI)y & ~first));
}

INLINE V NAME(larger)(V x, V y)
{
    VI first = (VI)(x > y);
    return (V)(((VI)x & first) | ((VI)y & ~first));
}

INLINE V NAME(root)(V x)
{
    for (size_t i = 0; i < W; i++)
        x[i] = ONE_SQRT(x[i]);
    return x;
}
#define ALL NAME(all)
#define FMA NAME(fused)
#define VMIN NAME(smaller)
#define VMAX NAME(larger)
#define VSQRT NAME(root)
#endif

/* e^x, x <= 0, within 1 ulp; 0 where the result would be subnormal; NaN stays.  x = k ln 2 + r, |r| <= ln(2)/2, Taylor series in r to order 7
 * (double: 13). */
INLINE V NAME(vexp_neg)(V x)
{
#if SINGLE
    const REAL lowest = -87.33654f, magic = 12582912, high = 0x1.62e43p-1f, low = -0x1.05c61p-29f; /* magic: 1.5 2^23; ln 2 in two parts */
    static const REAL series[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f};
    enum { BIAS = 127, SHIFT = 23 };
#else
    const REAL lowest = -708.39, magic = 6755399441055744.0, high = 0x1.62e42fefa39efp-1, low = 0x1.abc9e3b39803fp-56;
    static const REAL series[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
                                  1.0 / 5040,       1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      0.5};
    enum { BIAS = 1023, SHIFT = 52 };
#endif
    VI none = (VI)(x < lowest);
    V y = VMAX(ALL(lowest), x), shifted = FMA(y, ALL((REAL)1.44269504088896340736), ALL(magic)), k = shifted - magic;
    V r = FMA(k, ALL(-low), FMA(k, ALL(-high), y));
    V p = ALL(series[0]);
#pragma GCC unroll 16
    for (size_t i = 1; i < sizeof series / sizeof *series; i++)
        p = FMA(p, r, ALL(series[i]));
    p = FMA(p, r * r, r) + (REAL)1;
    V two_k = (V)(((VI)shifted + BIAS) << SHIFT);
    return (V)((VI)(p * two_k) & ~none);
}

/* The normal law at z: its integral Phi(z), within 4 ulp also far left, and its density phi(z).  Phi(-x) = e^{-x^2/2} M(x), x >= 0; M(x) (1 + x/2) is a
 * polynomial in (x - c)/(x + c), fitted at Chebyshev points up to x = 14 (double: 38.5), beyond which Phi(-x) is 0 (Shepherd & Laframboise 1981 for erfc). */
INLINE void NAME(vnormal)(V z, V *Phi, V *phi)
{
#if SINGLE
    const REAL furthest = 14, c = 4;
    static const REAL fit[] = {0.00025583333379721890719f, 0.00012280839006716954342f, -0.0022590435372093976196f, 0.0047379462421232422582f,
                               -0.00066316588070582854367f, -0.021555496872871373592f, 0.069189192185625644429f, -0.13355052571242125322f,
                               0.28323192631009226193f};
#else
    const REAL furthest = 38.5, c = 4.5;
    static const REAL fit[] = {-1.2954521830857452263e-9, -3.4865352571847465208e-9, 8.0389315509081268211e-9, 3.2546173756267905392e-8,
                               -3.010766200574431707e-8,  -2.0517000716465822927e-7, 1.1706894801151791886e-7, 1.216212488407703559e-6,
                               -8.2532991510554218916e-7, -7.3534231301215143695e-6, 9.8079370173327684447e-6, 0.000041346072327416628808,
                               -0.0001251605031799753539, -0.000088515313789573519728, 0.0012181351211622122444, -0.0031791571384596909475,
                               0.0032384928483993374674,  0.0050629098794493389142,  -0.029405022613444951013,  0.072294275568352428489,
                               -0.12519995106758355616,   0.27561102435035113539};
#endif
    VI left = (VI)(z < (REAL)0);
    V x = VMIN(ALL(furthest), VMAX(-z, z)), square = x * x, rest = FMA(x, x, -square);
    V e = NAME(vexp_neg)(square * (REAL)-0.5);
    e = FMA(e, rest * (REAL)-0.5, e);
    V t = (x - c) / (x + c), p = ALL(fit[0]);
#pragma GCC unroll 24
    for (size_t i = 1; i < sizeof fit / sizeof *fit; i++)
        p = FMA(p, t, ALL(fit[i]));
    V beyond = e * p / FMA(x, ALL((REAL)0.5), ALL((REAL)1));
    *Phi = (V)(((VI)beyond & left) | ((VI)((REAL)1 - beyond) & ~left));
    *phi = e * (REAL)0.39894228040143267794;
}

#include LANES_BODY

#ifdef ONE_FMA
#undef ONE_FMA
#undef ONE_SQRT
#endif
#ifdef PERMUTE2
#undef PERMUTE2
#undef REDUCE
#endif
#undef VSQRT
#undef VMAX
#undef VMIN
#undef FMA
#undef ALL
#undef W
#undef NAME
#undef SINGLE
#undef INLINE
#undef REAL
