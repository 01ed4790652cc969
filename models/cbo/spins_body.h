/* spins_body.h -- the products of couplings or patterns with the points of a tile (see levels.h).
 *
 * Four rows times two vectors of lanes stay in registers: eight sums, two points, one coupling. */
typedef double NAME(loose) __attribute__((vector_size(8 * W), aligned(8), may_alias)); /* tiles of one point need not be aligned */
#undef AT
#define AT(p) (*(NAME(loose) *)(p))

/* The lanes of a tile in groups of two vectors, a last one of one where their number is odd. */
typedef struct NAME(groups) {
    size_t lanes, d;
    const double *x;
    bool packed;
} NAME(groups);

/* With many coordinates the lanes of a group are put side by side in `work`: rows of a tile, 512 bytes apart, would drive each other out of the few
 * sets of the cache that they fall into. */
TARGET static void NAME(group)(NAME(groups) *g, size_t d, size_t lanes, const double *x, double *work)
{
    *g = (NAME(groups)){lanes, d, x, d > 32};
    for (size_t at = 0, width = 2 * W; g->packed && at < lanes; at += width) {
        width = lanes - at < width ? W : width;
        for (size_t k = 0; k < d; k++)
            for (size_t i = 0; i < width; i += W)
                AT(work + at * d + k * width + i) = AT(x + k * CBO_LANES + at + i);
        g->x = work;
    }
}

/* The group that begins with lane `at`: coordinate k of its vector v at [k*ld + v*W]; *vectors is 2 or 1. */
TARGET static inline __attribute__((always_inline)) const double *NAME(group_at)(const NAME(groups) *g, size_t at, size_t *ld, int *vectors)
{
    *vectors = g->lanes - at >= 2 * W ? 2 : 1;
    *ld = g->packed ? (size_t)*vectors * W : CBO_LANES;
    return g->packed ? g->x + at * g->d : g->x + at;
}

/* sum over from <= i < k < d of J_ik x_i x_k for v_n vectors of lanes.  The rows of J follow each other at *j, row i from k = i + 1 on; *j is
 * left behind the last. */
TARGET static inline __attribute__((always_inline)) void NAME(pairs)(const double **j, size_t from, size_t d, size_t ld, const double *x, VD *e, const int v_n)
{
    size_t i = from;
    for (; i + 4 <= d; i += 4) {
        const double *row[4];
        VD sum[4][2] = {{{0}}};
        for (size_t r = 0; r < 4; r++) {
            row[r] = *j - (i + r + 1);
            *j += d - 1 - i - r;
        }
        for (size_t k = i + 4; k < d; k++)
            for (int v = 0; v < v_n; v++) {
                VD xk = AT(x + k * ld + (size_t)v * W);
                for (size_t r = 0; r < 4; r++)
                    sum[r][v] += row[r][k] * xk;
            }
        for (int v = 0; v < v_n; v++) {
            VD y[4];
            for (size_t r = 0; r < 4; r++)
                y[r] = AT(x + (i + r) * ld + (size_t)v * W);
            for (size_t r = 0; r < 4; r++) {
                for (size_t k = r + 1; k < 4; k++)
                    sum[r][v] += row[r][i + k] * y[k];
                e[v] += y[r] * sum[r][v];
            }
        }
    }
    for (; i < d; i++)
        for (size_t k = i + 1; k < d; k++, ++*j)
            for (int v = 0; v < v_n; v++)
                e[v] += **j * AT(x + i * ld + (size_t)v * W) * AT(x + k * ld + (size_t)v * W);
}

/* The same over i1 < .. < ip for all lanes: the first index outermost, the lanes innermost but for the pairs, so that the couplings of a first index
 * are still in cache for the next group. */
TARGET static void NAME(tuples)(int p, const double **j, size_t from, const NAME(groups) *g, VD *e)
{
    size_t ld, lane = 0;
    if (p == 2) {
        const double *first = *j;
        for (int v_n; lane < g->lanes; lane += (size_t)v_n * W) {
            const double *x = NAME(group_at)(g, lane, &ld, &v_n);
            *j = first;
            if (v_n == 2)
                NAME(pairs)(j, from, g->d, ld, x, e + lane / W, 2);
            else
                NAME(pairs)(j, from, g->d, ld, x, e + lane / W, 1);
        }
        return;
    }
    for (size_t i = from; i + (size_t)p <= g->d; i++) {
        VD inner[CBO_LANES / W] = {{0}};
        NAME(tuples)(p - 1, j, i + 1, g, inner);
        lane = 0;
        for (int v_n; lane < g->lanes; lane += (size_t)v_n * W) {
            const double *x = NAME(group_at)(g, lane, &ld, &v_n);
            for (int v = 0; v < v_n; v++)
                e[lane / W + (size_t)v] += AT(x + i * ld + (size_t)v * W) * inner[lane / W + (size_t)v];
        }
    }
}

TARGET static void NAME(couplings)(int p, size_t d, const double *j, size_t lanes, const double *x, double *out, double *work)
{
    NAME(groups) g;
    VD e[CBO_LANES / W] = {{0}};
    NAME(group)(&g, d, lanes, x, work);
    NAME(tuples)(p, &j, 0, &g, e);
    for (size_t lane = 0; lane < lanes; lane += W)
        AT(out + lane) = e[lane / W];
}

TARGET static inline __attribute__((always_inline)) VD NAME(power)(VD m, int p)
{
    VD y = (VD){0} + 1.0;
    for (; p; p >>= 1, m *= m)
        if (p & 1)
            y *= m;
    return y;
}

/* sum over the patterns of (xi.x)^p for v_n vectors of lanes; the patterns are rows of +-1. */
TARGET static inline __attribute__((always_inline)) void NAME(overlaps)(int p, size_t n, size_t d, const double *xi, size_t ld, const double *x, VD *e, const int v_n)
{
    size_t mu = 0;
    for (; mu + 4 <= n; mu += 4, xi += 4 * d) {
        VD m[4][2] = {{{0}}};
        for (size_t k = 0; k < d; k++)
            for (int v = 0; v < v_n; v++) {
                VD xk = AT(x + k * ld + (size_t)v * W);
                for (size_t r = 0; r < 4; r++)
                    m[r][v] += xi[r * d + k] * xk;
            }
        for (size_t r = 0; r < 4; r++)
            for (int v = 0; v < v_n; v++)
                e[v] += NAME(power)(m[r][v], p);
    }
    for (; mu < n; mu++, xi += d) {
        VD m[2] = {{0}};
        for (size_t k = 0; k < d; k++)
            for (int v = 0; v < v_n; v++)
                m[v] += xi[k] * AT(x + k * ld + (size_t)v * W);
        for (int v = 0; v < v_n; v++)
            e[v] += NAME(power)(m[v], p);
    }
}

TARGET static void NAME(patterns)(int p, size_t n, size_t d, const double *xi, size_t lanes, const double *x, double *out, double *work)
{
    NAME(groups) g;
    NAME(group)(&g, d, lanes, x, work);
    size_t ld, lane = 0;
    for (int v_n; lane < lanes; lane += (size_t)v_n * W) {
        const double *y = NAME(group_at)(&g, lane, &ld, &v_n);
        VD e[2] = {{0}};
        if (v_n == 2)
            NAME(overlaps)(p, n, d, xi, ld, y, e, 2);
        else
            NAME(overlaps)(p, n, d, xi, ld, y, e, 1);
        for (size_t v = 0; v < (size_t)v_n; v++)
            AT(out + lane + v * W) = e[v];
    }
}
