/* gemm_body.h -- QN_GEMM_OWN for one precision and one instruction set: REAL, VEC (LANES numbers), LOAD, STORE, ALL (one number in all
 * lanes), FMA, PART (a mask of the first n lanes), LOAD_PART, STORE_PART, ROWS (of a tile: what the registers hold), TARGET, NAME.
 *
 * A tile of up to ROWS x 2 LANES elements of C stays in registers while k runs. */

/* C[rows][2 or 1 vectors, or `part`] += A B.  rows, vectors, masked and one of ai, ak are constants where this is called. */
TARGET static inline __attribute__((always_inline)) void NAME(tile)(size_t rows, size_t vectors, bool masked, PART_TYPE part, size_t k,
                                                                    const REAL *a, size_t ai, size_t ak, const REAL *b, size_t ldb,
                                                                    REAL *c, size_t ldc)
{
    VEC sum[ROWS][2];
#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++)
            sum[i][v] = masked ? LOAD_PART(c + i * ldc, part) : LOAD(c + i * ldc + v * LANES);
    for (size_t l = 0; l < k; l++, b += ldb) {
        VEC row[2];
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++)
            row[v] = masked ? LOAD_PART(b, part) : LOAD(b + v * LANES);
#pragma GCC unroll 8
        for (size_t i = 0; i < rows; i++) {
            VEC x = ALL(a[i * ai + l * ak]);
#pragma GCC unroll 2
            for (size_t v = 0; v < vectors; v++)
                sum[i][v] = FMA(x, row[v], sum[i][v]);
        }
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++) {
            if (masked)
                STORE_PART(c + i * ldc, part, sum[i][v]);
            else
                STORE(c + i * ldc + v * LANES, sum[i][v]);
        }
}

/* `rows` rows of C over columns j0..j1; the last vector may be part of one. */
TARGET static inline __attribute__((always_inline)) void NAME(strip)(size_t rows, size_t j0, size_t j1, size_t k, const REAL *a, size_t ai,
                                                                     size_t ak, const REAL *b, size_t ldb, REAL *c, size_t ldc)
{
    PART_TYPE none = PART(0);
    size_t j = j0;
    for (; j + 2 * LANES <= j1; j += 2 * LANES)
        NAME(tile)(rows, 2, false, none, k, a, ai, ak, b + j, ldb, c + j, ldc);
    for (; j + LANES <= j1; j += LANES)
        NAME(tile)(rows, 1, false, none, k, a, ai, ak, b + j, ldb, c + j, ldc);
    if (j < j1)
        NAME(tile)(rows, 1, true, PART(j1 - j), k, a, ai, ak, b + j, ldb, c + j, ldc);
}

TARGET static inline __attribute__((always_inline)) void NAME(block)(size_t m, size_t j0, size_t j1, size_t k, const REAL *a, size_t ai,
                                                                     size_t ak, const REAL *b, size_t ldb, REAL *c, size_t ldc)
{
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS)
        NAME(strip)(ROWS, j0, j1, k, a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc);
    if (ROWS > 4 && m - i >= 4) {
        NAME(strip)(4, j0, j1, k, a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc);
        i += 4;
    }
    if (ROWS > 2 && m - i >= 2) {
        NAME(strip)(2, j0, j1, k, a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc);
        i += 2;
    }
    if (m - i >= 1)
        NAME(strip)(1, j0, j1, k, a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc);
}

/* Columns outside, so that a panel of B stays in the first cache while the rows of A pass by. */
TARGET static void NAME(nn)(size_t m, size_t n, size_t k, const REAL *a, size_t lda, const REAL *b, size_t ldb, REAL *c, size_t ldc)
{
    for (size_t l = 0; l < k; l += DEEP)
        for (size_t j = 0; j < n; j += 2 * LANES)
            NAME(block)(m, j, j + 2 * LANES < n ? j + 2 * LANES : n, l + DEEP < k ? DEEP : k - l, a + l, lda, 1, b + l * ldb, ldb, c, ldc);
}

/* Rows outside: C passes by once, B stays. */
TARGET static void NAME(tn)(size_t m, size_t n, size_t k, const REAL *a, size_t lda, const REAL *b, size_t ldb, REAL *c, size_t ldc)
{
    for (size_t l = 0; l < k; l += DEEP)
        NAME(block)(m, 0, n, l + DEEP < k ? DEEP : k - l, a + l * lda, 1, lda, b + l * ldb, ldb, c, ldc);
}

/* Few rows: C' += B A' with A' and C' written out in pieces.  Many: B' is written out in pieces. */
TARGET static void NAME(nt_few)(size_t m, size_t n, size_t k, const REAL *a, size_t lda, const REAL *b, size_t ldb, REAL *c, size_t ldc)
{
    REAL turned[PIECE * PIECE], sum[PIECE * PIECE];
    for (size_t j = 0; j < n; j += PIECE) {
        size_t wide = j + PIECE < n ? PIECE : n - j;
        for (size_t i = 0; i < m; i++)
            for (size_t v = 0; v < wide; v++)
                sum[v * m + i] = c[i * ldc + j + v];
        for (size_t l = 0; l < k; l += PIECE) {
            size_t high = l + PIECE < k ? PIECE : k - l;
            for (size_t i = 0; i < m; i++)
                for (size_t v = 0; v < high; v++)
                    turned[v * m + i] = a[i * lda + l + v];
            NAME(block)(wide, 0, m, high, b + j * ldb + l, ldb, 1, turned, m, sum, m);
        }
        for (size_t i = 0; i < m; i++)
            for (size_t v = 0; v < wide; v++)
                c[i * ldc + j + v] = sum[v * m + i];
    }
}

TARGET static void NAME(nt)(size_t m, size_t n, size_t k, const REAL *a, size_t lda, const REAL *b, size_t ldb, REAL *c, size_t ldc)
{
    if (m <= PIECE) {
        NAME(nt_few)(m, n, k, a, lda, b, ldb, c, ldc);
        return;
    }
    REAL turned[PIECE * PIECE];
    for (size_t l = 0; l < k; l += PIECE)
        for (size_t j = 0; j < n; j += PIECE) {
            size_t high = l + PIECE < k ? PIECE : k - l, wide = j + PIECE < n ? PIECE : n - j;
            for (size_t v = 0; v < wide; v++)
                for (size_t i = 0; i < high; i++)
                    turned[i * wide + v] = b[(j + v) * ldb + l + i];
            NAME(block)(m, 0, wide, high, a + l, lda, 1, turned, wide, c + j, ldc);
        }
}
