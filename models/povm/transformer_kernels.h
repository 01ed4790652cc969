/* transformer_kernels.h -- the loops of the transformer on tiles (see lanes.h), for one precision and one level. */

#define ROW(x, i) ((x) + (i) * POVM_LANES)

/* y = bias in all lanes, plus x where there is one. */
TARGET static void NAME(add_bias)(size_t rows, const REAL *bias, const REAL *x, REAL *y)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t l = 0; l < POVM_LANES; l += W) {
            V b = ALL(bias[i]);
            if (x)
                b += AT_CONST(ROW(x, i) + l);
            AT(ROW(y, i) + l) = b;
        }
}

/* sum[i] += the sum of row i over lanes, by halves: the same order at every width. */
TARGET static void NAME(sum_lanes)(size_t rows, const REAL *x, REAL *sum)
{
    for (size_t i = 0; i < rows; i++) {
        V part[POVM_LANES / W];
#pragma GCC unroll 16
        for (size_t j = 0; j < POVM_LANES / W; j++)
            part[j] = AT_CONST(ROW(x, i) + j * W);
#pragma GCC unroll 4
        for (size_t wide = POVM_LANES / W / 2; wide; wide /= 2)
#pragma GCC unroll 8
            for (size_t j = 0; j < wide; j++)
                part[j] += part[j + wide];
#ifdef REDUCE
        sum[i] += REDUCE(part[0]);
#else
        REAL one[W];
        memcpy(one, &part[0], sizeof one);
        for (size_t wide = W / 2; wide; wide /= 2)
            for (size_t j = 0; j < wide; j++)
                one[j] += one[j + wide];
        sum[i] += one[0];
#endif
    }
}

TARGET static void NAME(multiply)(size_t rows, const REAL *x, REAL *y)
{
    for (size_t i = 0; i < rows * POVM_LANES; i += W)
        AT(y + i) *= AT_CONST(x + i);
}

TARGET static void NAME(exp_neg)(size_t rows, REAL *x)
{
    for (size_t i = 0; i < rows * POVM_LANES; i += W)
        AT(x + i) = NAME(vexp_neg)(AT(x + i));
}

/* z becomes gelu(z) = z Phi(z); its derivative into slope where asked for. */
TARGET static void NAME(gelu)(size_t rows, REAL *z, REAL *slope)
{
    for (size_t i = 0; i < rows * POVM_LANES; i += W) {
        V x = AT(z + i), Phi, phi;
        NAME(vnormal)(x, &Phi, &phi);
        AT(z + i) = x * Phi;
        if (slope)
            AT(slope + i) = FMA(x, phi, Phi);
    }
}

/* out[POVM_LANES][rows] = x[rows][POVM_LANES] turned. */
TARGET static void NAME(turn)(size_t rows, const REAL *x, REAL *out)
{
    size_t i = 0;
#ifdef PERMUTE2
    VI low[4], high[4]; /* of two rows at distance s: the elements with j & s clear, and those with it set */
#pragma GCC unroll 4
    for (size_t s = 1, stage = 0; s < W; s *= 2, stage++)
#pragma GCC unroll 16
        for (size_t j = 0; j < W; j++) {
            low[stage][j] = (int32_t)(j & s ? W + j - s : j);
            high[stage][j] = (int32_t)(j & s ? W + j : j + s);
        }
    for (; i + W <= rows; i += W)
        for (size_t l = 0; l < POVM_LANES; l += W) {
            V square[W];
#pragma GCC unroll 16
            for (size_t j = 0; j < W; j++)
                square[j] = AT_CONST(ROW(x, i + j) + l);
#pragma GCC unroll 4
            for (size_t s = 1, stage = 0; s < W; s *= 2, stage++)
#pragma GCC unroll 16
                for (size_t j = 0; j < W; j++) {
                    if (j & s)
                        continue;
                    V a = square[j], b = square[j + s];
                    square[j] = (V)PERMUTE2(a, (__m512i)low[stage], b);
                    square[j + s] = (V)PERMUTE2(a, (__m512i)high[stage], b);
                }
#pragma GCC unroll 16
            for (size_t j = 0; j < W; j++)
                memcpy(out + (l + j) * rows + i, &square[j], sizeof(V));
        }
#endif
    for (; i < rows; i++)
        for (size_t l = 0; l < POVM_LANES; l++)
            out[l * rows + i] = ROW(x, i)[l];
}

/* y[rows] = table[rows][k] at each lane's token; k a constant where it is 4. */
INLINE void NAME(look_up_of)(const size_t k, size_t rows, const REAL *table, const uint8_t *token, REAL *y)
{
    VI own[8][POVM_LANES / W];
    for (size_t a = 0; a < k; a++)
        for (size_t l = 0; l < POVM_LANES; l++)
            own[a][l / W][l % W] = token[l] == a ? -1 : 0;
    for (size_t i = 0; i < rows; i++) {
        V entry[8] = {ALL(table[i * k])};
        for (size_t a = 1; a < k; a++)
            entry[a] = ALL(table[i * k + a]);
        for (size_t l = 0; l < POVM_LANES; l += W) {
            VI bits = (VI)entry[0] & own[0][l / W];
            for (size_t a = 1; a < k; a++)
                bits |= (VI)entry[a] & own[a][l / W];
            AT(ROW(y, i) + l) = (V)bits;
        }
    }
}

TARGET static void NAME(look_up)(size_t rows, size_t k, const REAL *table, const uint8_t *token, REAL *y)
{
    if (k == 4)
        NAME(look_up_of)(4, rows, table, token, y);
    else
        NAME(look_up_of)(k, rows, table, token, y);
}

/* ---- norm of the rows of each lane: hat = (x - mean)/sd, y = gain hat + bias ---- */

TARGET static void NAME(normalise)(size_t rows, const REAL *gain, const REAL *bias, const REAL *x, REAL *hat, REAL *inverse, REAL *y)
{
    const REAL share = (REAL)1 / (REAL)rows;
    for (size_t l = 0; l < POVM_LANES; l += W) {
        V mean = {0}, square = {0};
        for (size_t i = 0; i < rows; i++)
            mean += AT_CONST(ROW(x, i) + l);
        mean *= share;
        for (size_t i = 0; i < rows; i++) {
            V off = AT_CONST(ROW(x, i) + l) - mean;
            square = FMA(off, off, square);
        }
        V scale = (REAL)1 / VSQRT(square * share + (REAL)1e-5);
        AT(inverse + l) = scale;
        for (size_t i = 0; i < rows; i++) {
            V h = (AT_CONST(ROW(x, i) + l) - mean) * scale;
            AT(ROW(hat, i) + l) = h;
            AT(ROW(y, i) + l) = FMA(h, ALL(gain[i]), ALL(bias[i]));
        }
    }
}

/* dx = dy d y/dx, added where `more`; each lane's part of the gradient of gain: dgain (of bias: dy). */
TARGET static void NAME(normalise_back)(size_t rows, const REAL *gain, const REAL *hat, const REAL *inverse, const REAL *dy, bool more, REAL *dx,
                                        REAL *dgain)
{
    const REAL share = (REAL)1 / (REAL)rows;
    for (size_t l = 0; l < POVM_LANES; l += W) {
        V mean = {0}, along = {0};
        for (size_t i = 0; i < rows; i++) {
            V d = AT_CONST(ROW(dy, i) + l), h = AT_CONST(ROW(hat, i) + l), e = d * ALL(gain[i]);
            mean += e;
            along = FMA(e, h, along);
            AT(ROW(dgain, i) + l) = d * h;
        }
        mean *= share;
        along *= share;
        V scale = AT_CONST(inverse + l);
        for (size_t i = 0; i < rows; i++) {
            V e = AT_CONST(ROW(dy, i) + l) * ALL(gain[i]), d = scale * (e - mean - AT_CONST(ROW(hat, i) + l) * along);
            if (more)
                d += AT(ROW(dx, i) + l);
            AT(ROW(dx, i) + l) = d;
        }
    }
}

/* ---- attention ---- */

/* out_u = sum_c x_c row_c(u) of `wide` places u; rows are `from` REALs into what place[u] points to. */
INLINE void NAME(some_products)(const size_t wide, size_t rows, const REAL *const *place, size_t from, const REAL *x, REAL *out)
{
    V sum[4] = {{0}};
    const REAL *row[4];
#pragma GCC unroll 4
    for (size_t u = 0; u < wide; u++)
        row[u] = place[u] + from;
    for (size_t c = 0; c < rows; c++) {
        V q = AT_CONST(ROW(x, c));
#pragma GCC unroll 4
        for (size_t u = 0; u < wide; u++)
            sum[u] = FMA(q, AT_CONST(ROW(row[u], c)), sum[u]);
    }
#pragma GCC unroll 4
    for (size_t u = 0; u < wide; u++)
        AT(ROW(out, u)) = sum[u];
}

INLINE void NAME(products)(size_t places, size_t rows, const REAL *const *place, size_t from, const REAL *x, REAL *out)
{
    size_t u = 0;
    for (; u + 4 <= places; u += 4)
        NAME(some_products)(4, rows, place + u, from, x, ROW(out, u));
    for (; u < places; u++)
        NAME(some_products)(1, rows, place + u, from, x, ROW(out, u));
}

/* out_c = sum_u a_u row_c(u) of `wide` rows c. */
INLINE void NAME(some_mixtures)(const size_t wide, size_t places, const REAL *const *place, size_t from, const REAL *a, REAL *out)
{
    V sum[8] = {{0}};
    for (size_t u = 0; u < places; u++) {
        V share = AT_CONST(ROW(a, u));
        const REAL *row = place[u] + from;
#pragma GCC unroll 8
        for (size_t c = 0; c < wide; c++)
            sum[c] = FMA(share, AT_CONST(ROW(row, c)), sum[c]);
    }
#pragma GCC unroll 8
    for (size_t c = 0; c < wide; c++)
        AT(ROW(out, c)) = sum[c];
}

INLINE void NAME(mixtures)(size_t places, size_t rows, const REAL *const *place, size_t from, const REAL *a, REAL *out)
{
    size_t c = 0;
    for (; c + 8 <= rows; c += 8)
        NAME(some_mixtures)(8, places, place, from + c * POVM_LANES, a, ROW(out, c));
    for (; c + 2 <= rows; c += 2)
        NAME(some_mixtures)(2, places, place, from + c * POVM_LANES, a, ROW(out, c));
    for (; c < rows; c++)
        NAME(some_mixtures)(1, places, place, from + c * POVM_LANES, a, ROW(out, c));
}

/* Queries q[d] over the keys and values kv[u][2 d] of `places` positions: shares a[heads][stride], ctx[d]. */
TARGET static void NAME(attend)(size_t heads, size_t d, size_t places, size_t stride, const REAL *const *kv, const REAL *q, REAL *a, REAL *ctx)
{
    const size_t own = d / heads;
    const REAL scale = (REAL)(1 / sqrt((double)own));
    for (size_t h = 0; h < heads; h++)
        for (size_t l = 0; l < POVM_LANES; l += W) {
            REAL *share = ROW(a, h * stride) + l;
            const size_t from = h * own * POVM_LANES + l;
            NAME(products)(places, own, kv, from, q + from, share);
            V most = AT(share), sum = {0};
            for (size_t u = 1; u < places; u++)
                most = VMAX(most, AT(ROW(share, u)));
            for (size_t u = 0; u < places; u++) {
                V e = NAME(vexp_neg)((AT(ROW(share, u)) - most) * scale);
                AT(ROW(share, u)) = e;
                sum += e;
            }
            sum = (REAL)1 / sum;
            for (size_t u = 0; u < places; u++)
                AT(ROW(share, u)) *= sum;
            NAME(mixtures)(places, own, kv, from + d * POVM_LANES, share, ctx + from);
        }
}

/* From dctx: dq, and what is added to dkv[u]; da [places] is scratch. */
TARGET static void NAME(attend_back)(size_t heads, size_t d, size_t places, size_t stride, const REAL *const *kv, REAL *const *dkv, const REAL *q,
                                     const REAL *a, const REAL *dctx, REAL *dq, REAL *da)
{
    const size_t own = d / heads;
    const REAL scale = (REAL)(1 / sqrt((double)own));
    for (size_t h = 0; h < heads; h++)
        for (size_t l = 0; l < POVM_LANES; l += W) {
            const REAL *share = ROW(a, h * stride) + l;
            const size_t from = h * own * POVM_LANES + l;
            NAME(products)(places, own, kv, from + d * POVM_LANES, dctx + from, da + l);
            V along = {0};
            for (size_t u = 0; u < places; u++)
                along = FMA(AT_CONST(ROW(share, u)), AT(ROW(da, u) + l), along);
            for (size_t u = 0; u < places; u++) {
                V A = AT_CONST(ROW(share, u)), ds = A * (AT(ROW(da, u) + l) - along) * scale;
                AT(ROW(da, u) + l) = ds;
                REAL *dk = dkv[u] + from, *dv = dk + d * POVM_LANES;
                for (size_t c = 0; c < own; c++) {
                    AT(ROW(dk, c)) = FMA(ds, AT_CONST(ROW(q + from, c)), AT(ROW(dk, c)));
                    AT(ROW(dv, c)) = FMA(A, AT_CONST(ROW(dctx + from, c)), AT(ROW(dv, c)));
                }
            }
            NAME(mixtures)(places, own, kv, from, da + l, dq + from);
        }
}

#undef ROW
