/* rows_body.h -- the loops of rows.c, compiled once for each instruction set (levels.h). */

enum { NAME(parts) = 16 / W };
typedef float NAME(vf) __attribute__((vector_size(4 * W)));

TARGET static inline __attribute__((always_inline)) VD NAME(widen)(const float *x)
{
    NAME(vf) v;
    memcpy(&v, x, sizeof v);
    return __builtin_convertvector(v, VD);
}

TARGET static inline __attribute__((always_inline)) VD NAME(get)(const double *x)
{
    VD v;
    memcpy(&v, x, sizeof v);
    return v;
}

TARGET static inline __attribute__((always_inline)) double NAME(dot_inline)(size_t n, const float *x, const double *w)
{
    VD s[NAME(parts)];
    memset(s, 0, sizeof s);
    for (size_t i = 0; i < n; i += SGD_PAD)
        for (size_t h = 0; h < NAME(parts); h++)
            s[h] += NAME(widen)(x + i + h * W) * NAME(get)(w + i + h * W);
    for (size_t h = NAME(parts) / 2; h; h /= 2)
        for (size_t k = 0; k < h; k++)
            s[k] += s[k + h];
    double lane[W];
    memcpy(lane, s, sizeof lane);
    for (size_t h = W / 2; h; h /= 2)
        for (size_t k = 0; k < h; k++)
            lane[k] += lane[k + h];
    return lane[0];
}

TARGET static double NAME(dot)(size_t n, const float *x, const double *w)
{
    return NAME(dot_inline)(n, x, w);
}

TARGET static void NAME(add)(size_t n, double c, const float *x, double *w)
{
    for (size_t i = 0; i < n; i += W) {
        VD v = NAME(get)(w + i) + c * NAME(widen)(x + i);
        memcpy(w + i, &v, sizeof v);
    }
}

TARGET static void NAME(all)(size_t rows, size_t n, const float *x, double c, const double *w, double *out)
{
    for (size_t k = 0; k < rows; k++)
        out[k] = c * NAME(dot_inline)(n, x + k * n, w);
}

TARGET static void NAME(axpy)(size_t n, double c, const double *x, double *y)
{
    size_t i = 0;
    for (; i + W <= n; i += W) {
        VD v = NAME(get)(y + i) + c * NAME(get)(x + i);
        memcpy(y + i, &v, sizeof v);
    }
    for (; i < n; i++)
        y[i] += c * x[i];
}

/* Bit k: x[k] < bound, of W numbers. */
TARGET static inline __attribute__((always_inline)) unsigned NAME(bits_below)(const double *x, double bound)
{
#if defined(__SSE2__) && W == 8
    return _mm512_cmp_pd_mask(_mm512_loadu_pd(x), _mm512_set1_pd(bound), _CMP_LT_OQ);
#elif defined(__SSE2__) && W == 4
    return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(x), _mm256_set1_pd(bound), _CMP_LT_OQ));
#elif defined(__SSE2__)
    return (unsigned)_mm_movemask_pd(_mm_cmplt_pd(_mm_loadu_pd(x), _mm_set1_pd(bound)));
#else
    unsigned bits = 0;
    for (size_t k = 0; k < W; k++)
        bits |= (unsigned)(x[k] < bound) << k;
    return bits;
#endif
}

TARGET static size_t NAME(below)(size_t n, const double *x, double bound, uint32_t *list)
{
    size_t count = 0, i = 0;
    for (; i + W <= n; i += W)
        for (unsigned bits = NAME(bits_below)(x + i, bound); bits; bits &= bits - 1)
            list[count++] = (uint32_t)(i + (size_t)__builtin_ctz(bits));
    for (; i < n; i++)
        if (x[i] < bound)
            list[count++] = (uint32_t)i;
    return count;
}

static const sgd_rows NAME(table)[1] = {{NAME(dot), NAME(add), NAME(all), NAME(axpy), NAME(below)}};
