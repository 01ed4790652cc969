/* kernel_body.h -- the update loop, compiled once per instruction set (included by kernel.c with TARGET and NAME defined).
 *
 * Field, spins +-1, patterns as bits: sum_mu xi A = 2 (sum of A over set bits) - sum A.  Integer lanes are exact in any order:
 * an int32 lane takes `flush` terms before it is widened.  Real lanes: 16 of them, lane l takes patterns l, l+16, ..., then
 * folded 8-4-2-1, in every instruction set the same.
 * WIDE selects AVX-512 intrinsics (mask registers) for the integer loops; elsewhere they are LANES lanes of the
 * compiler's vector type.  The rest is plain C for the vectoriser. */

#define INLINE static inline __attribute__((always_inline))

/* Chunks of 16 patterns that an int32 lane may add up: four accumulators are folded in int32 too. */
TARGET INLINE size_t NAME(flush)(const heb_chain *c)
{
    int64_t bound = c->pb->energy.a_max > 32768 ? c->pb->energy.a_max : 32768;
    return (size_t)(INT32_MAX / bound) & ~(size_t)3; /* >= 4: a_max < 2^29 */
}

TARGET INLINE size_t NAME(chunks)(const heb_chain *c) /* of 16 patterns, a multiple of 4; padding holds A = M = 0 */
{
    return (c->pb->k + 63) / 64 * 4;
}

#ifdef WIDE

TARGET INLINE int64_t NAME(widen)(__m512i x)
{
    __m512i lo = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(x));
    __m512i hi = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(x, 1));
    return _mm512_reduce_add_epi64(_mm512_add_epi64(lo, hi));
}

TARGET INLINE void NAME(widen_two)(__m512i x, __m512i y, int64_t sums[2])
{
    x = _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(x)),
                         _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(x, 1)));
    y = _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(y)),
                         _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(y, 1)));
    x = _mm512_add_epi64(_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y));
    __m256i z = _mm256_add_epi64(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    __m128i w = _mm_add_epi64(_mm256_castsi256_si128(z), _mm256_extracti128_si256(z, 1));
    _mm_storeu_si128((void *)sums, w);
}

/* Sum of a over the set bits of the row. */
TARGET INLINE int64_t NAME(masked_sum)(const uint16_t *row, const int32_t *a, size_t chunks, size_t flush)
{
    int64_t total = 0;
    for (size_t c = 0; c < chunks;) {
        size_t end = chunks - c > flush ? c + flush : chunks;
        __m512i x0 = _mm512_setzero_si512(), x1 = x0, x2 = x0, x3 = x0;
        for (; c < end; c += 4) {
            x0 = _mm512_mask_add_epi32(x0, row[c], x0, _mm512_load_si512(a + 16 * c));
            x1 = _mm512_mask_add_epi32(x1, row[c + 1], x1, _mm512_load_si512(a + 16 * c + 16));
            x2 = _mm512_mask_add_epi32(x2, row[c + 2], x2, _mm512_load_si512(a + 16 * c + 32));
            x3 = _mm512_mask_add_epi32(x3, row[c + 3], x3, _mm512_load_si512(a + 16 * c + 48));
        }
        total += NAME(widen)(_mm512_add_epi32(_mm512_add_epi32(x0, x1), _mm512_add_epi32(x2, x3)));
    }
    return total;
}

/* M += 2x and A += x (alpha M^2 + beta) + gamma M for x = xi * up; sums of new A and of x M (old M) come back. */
TARGET INLINE void NAME(flip_quadratic)(heb_chain *c, const uint16_t *row, bool up, size_t flush)
{
    const heb_energy *e = &c->pb->energy;
    size_t full = c->pb->k / 16, last = c->pb->k % 16, done = 0;
    __m512i alpha = _mm512_set1_epi32(e->alpha), beta = _mm512_set1_epi32(e->beta), gamma = _mm512_set1_epi32(e->gamma);
    __mmask16 invert = up ? 0 : 0xffff;
    const __m256i two = _mm256_set1_epi16(2);
    int64_t sum_a = 0, sum_xm = 0;
    bool cubic = e->p != 2, plain = e->alpha == 1;
    while (done < full + (last != 0)) {
        size_t end = full + (last != 0) - done > flush ? done + flush : full + (last != 0);
        __m512i sa = _mm512_setzero_si512(), sp = sa, sm = sa;
        for (size_t i = done; i < end; i++) {
            __mmask16 keep = (__mmask16)(i < full ? 0xffff : (1u << last) - 1);
            __mmask16 plus = (__mmask16)(row[i] ^ invert);
            __m256i m16 = _mm256_load_si256((const void *)(c->m + 16 * i));
            __m512i m = _mm512_cvtepi16_epi32(m16);
            __m512i a = _mm512_load_si512(c->a + 16 * i);
            __m512i t = beta;
            if (cubic) {
                __m512i low = _mm512_cvtepu16_epi32(m16);
                t = _mm512_madd_epi16(low, low);
                t = plain ? t : _mm512_mullo_epi32(t, alpha);
                t = _mm512_add_epi32(t, beta);
                a = _mm512_add_epi32(a, plain ? _mm512_add_epi32(m, m) : _mm512_mullo_epi32(m, gamma));
            }
            sp = _mm512_mask_add_epi32(sp, plus, sp, m);
            sm = _mm512_add_epi32(sm, m);
            __m512i minus = _mm512_sub_epi32(a, t);
            a = _mm512_mask_add_epi32(minus, plus, a, t);
            a = _mm512_maskz_mov_epi32(keep, a);
            sa = _mm512_add_epi32(sa, a);
            _mm512_store_si512(c->a + 16 * i, a);
            __m256i mm = _mm256_sub_epi16(m16, two);
            mm = _mm256_mask_add_epi16(mm, plus, m16, two);
            _mm256_store_si256((void *)(c->m + 16 * i), _mm256_maskz_mov_epi16(keep, mm));
        }
        int64_t sums[2];
        NAME(widen_two)(sa, _mm512_sub_epi32(_mm512_add_epi32(sp, sp), sm), sums);
        sum_a += sums[0];
        sum_xm += sums[1];
        done = end;
    }
    c->sum_a = sum_a;
    c->sum_m2 += 4 * sum_xm + 4 * (int64_t)c->pb->k;
}

/* M += 2x; A and the sums from the table: in registers where it has at most 64 entries, else gathered. */
TARGET INLINE void NAME(flip_table)(heb_chain *c, const uint16_t *row, bool up, size_t flush)
{
    const int32_t *ab = c->pb->energy.ab;
    size_t n = c->pb->n, full = c->pb->k / 16, last = c->pb->k % 16, done = 0, chunks = full + (last != 0);
    __mmask16 invert = up ? 0 : 0xffff;
    const __m256i two = _mm256_set1_epi16(2);
    const __m512i half = _mm512_set1_epi32((int32_t)n);
    int64_t sum_a = 0, sum_b = 0;
    bool small = n < 64;
    __m512i ta[4], tb[4];
    if (small) {
        int32_t a[64] = {0}, b[64] = {0};
        for (size_t k = 0; k <= n; k++) {
            a[k] = ab[2 * k];
            b[k] = ab[2 * k + 1];
        }
        for (size_t q = 0; q < 4; q++) {
            ta[q] = _mm512_loadu_si512(a + 16 * q);
            tb[q] = _mm512_loadu_si512(b + 16 * q);
        }
    }
    while (done < chunks) {
        size_t end = chunks - done > flush ? done + flush : chunks;
        __m512i sa = _mm512_setzero_si512(), sb = sa;
        for (size_t i = done; i < end; i++) {
            __mmask16 keep = (__mmask16)(i < full ? 0xffff : (1u << last) - 1);
            __mmask16 plus = (__mmask16)(row[i] ^ invert);
            __m256i m16 = _mm256_load_si256((const void *)(c->m + 16 * i));
            __m256i mm = _mm256_mask_add_epi16(_mm256_sub_epi16(m16, two), plus, m16, two);
            __m512i k = _mm512_add_epi32(_mm512_cvtepi16_epi32(mm), half), a, b; /* 2 (entry) */
            if (small) {
                k = _mm512_srli_epi32(k, 1);
                __mmask16 upper = _mm512_test_epi32_mask(k, _mm512_set1_epi32(32));
                a = _mm512_mask_mov_epi32(_mm512_permutex2var_epi32(ta[0], k, ta[1]), upper,
                                          _mm512_permutex2var_epi32(ta[2], k, ta[3]));
                b = _mm512_mask_mov_epi32(_mm512_permutex2var_epi32(tb[0], k, tb[1]), upper,
                                          _mm512_permutex2var_epi32(tb[2], k, tb[3]));
                a = _mm512_maskz_mov_epi32(keep, a);
                b = _mm512_maskz_mov_epi32(keep, b);
            } else {
                a = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), keep, k, ab, 4);
                b = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), keep, k, ab + 1, 4);
            }
            sa = _mm512_add_epi32(sa, a);
            sb = _mm512_add_epi32(sb, b);
            _mm512_store_si512(c->a + 16 * i, a);
            _mm256_store_si256((void *)(c->m + 16 * i), _mm256_maskz_mov_epi16(keep, mm));
        }
        int64_t sums[2];
        NAME(widen_two)(sa, sb, sums);
        sum_a += sums[0];
        sum_b += sums[1];
        done = end;
    }
    c->sum_a = sum_a;
    c->sum_b = sum_b;
}

#else

typedef int32_t NAME(int) __attribute__((vector_size(4 * LANES)));
typedef int16_t NAME(short) __attribute__((vector_size(2 * LANES)));

TARGET INLINE int64_t NAME(total)(const NAME(int) *x)
{
    int64_t sum = 0;
    for (size_t l = 0; l < LANES; l++)
        sum += (*x)[l];
    return sum;
}

/* Lane l: 1 << l */
TARGET INLINE void NAME(bits)(NAME(int) *bit)
{
    for (size_t l = 0; l < LANES; l++)
        (*bit)[l] = 1 << l;
}

TARGET INLINE int64_t NAME(masked_sum)(const uint16_t *row, const int32_t *a, size_t chunks, size_t flush)
{
    NAME(int) bit[16 / LANES];
    NAME(bits)(&bit[0]);
    for (size_t j = 1; j < 16 / LANES; j++)
        bit[j] = bit[j - 1] << LANES;
    int64_t sum = 0;
    for (size_t c = 0; c < chunks;) {
        size_t end = chunks - c > flush ? c + flush : chunks;
        NAME(int) x[16 / LANES] = {{0}};
        for (; c < end; c++) {
            const NAME(int) *at = (const void *)(a + 16 * c), w = (NAME(int)){0} + (int32_t)row[c];
            for (size_t j = 0; j < 16 / LANES; j++)
                x[j] += at[j] & ((w & bit[j]) == bit[j]);
        }
        for (size_t j = 0; j < 16 / LANES; j++)
            sum += NAME(total)(&x[j]);
    }
    return sum;
}

TARGET INLINE void NAME(flip_quadratic)(heb_chain *c, const uint16_t *row, bool up, size_t flush)
{
    const heb_energy *e = &c->pb->energy;
    const int32_t alpha = e->alpha, beta = e->beta, gamma = e->gamma, invert = up ? 0 : 0xffff;
    size_t groups = (c->pb->k + 15) / 16 * (16 / LANES);
    int64_t sum_a = 0, sum_xm = 0;
    NAME(int) bit;
    NAME(bits)(&bit);
    for (size_t i = 0; i < groups;) {
        size_t end = groups - i > flush ? i + flush : groups;
        NAME(int) sa = {0}, sx = {0};
        for (; i < end; i++) {
            size_t at = i * LANES;
            NAME(int) w = (NAME(int)){0} + ((row[at / 16] ^ invert) >> at % 16), plus = (w & bit) == bit;
            NAME(int) *a = (void *)(c->a + at);
            NAME(short) *m16 = (void *)(c->m + at);
            NAME(int) m = __builtin_convertvector(*m16, NAME(int)), t;
            if (alpha) { /* P = 4 */
                t = alpha * m * m + beta;
                *a += gamma * m;
            } else {
                t = (NAME(int)){0} + beta;
            }
            *a += (t ^ ~plus) - ~plus; /* -t where x = -1 */
            sa += *a;
            sx += (m ^ ~plus) - ~plus;
            *m16 = __builtin_convertvector(m - 4 * plus - 2, NAME(short)); /* plus is -1 where x = +1 */
        }
        sum_a += NAME(total)(&sa);
        sum_xm += NAME(total)(&sx);
    }
    for (size_t mu = c->pb->k; mu < LANES * groups; mu++) { /* padding stays 0 */
        sum_a -= c->a[mu];
        c->a[mu] = 0;
        c->m[mu] = 0;
    }
    c->sum_a = sum_a;
    c->sum_m2 += 4 * sum_xm + 4 * (int64_t)c->pb->k;
}

/* M += 2x; A and the sums from the table. */
TARGET INLINE void NAME(flip_table)(heb_chain *c, const uint16_t *row, bool up, size_t flush)
{
    (void)flush;
    const int32_t *ab = c->pb->energy.ab;
    int32_t half = (int32_t)c->pb->n, sign = up ? 2 : -2;
    int64_t sum_a = 0, sum_b = 0;
    for (size_t mu = 0; mu < c->pb->k; mu++) {
        int32_t m = c->m[mu] + ((row[mu / 16] >> (mu % 16)) & 1 ? sign : -sign);
        c->m[mu] = (int16_t)m;
        const int32_t *t = ab + (m + half); /* entry (m+n)/2 */
        c->a[mu] = t[0];
        sum_a += t[0];
        sum_b += t[1];
    }
    c->sum_a = sum_a;
    c->sum_b = sum_b;
}

#endif

INLINE double NAME(fold)(const double *x) /* 16 lanes */
{
    double y[8];
    for (size_t l = 0; l < 8; l++)
        y[l] = x[l] + x[l + 8];
    for (size_t w = 4; w; w /= 2)
        for (size_t l = 0; l < w; l++)
            y[l] += y[l + w];
    return y[0];
}

/* sum_mu xi A in double */
TARGET INLINE double NAME(real_sum)(const uint16_t *row, const double *a, size_t chunks)
{
    static const int64_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    double x[16] = {0};
    for (size_t c = 0; c < chunks; c++) {
        int64_t w = row[c];
        for (size_t l = 0; l < 16; l++)
            x[l] += (w & bit[l]) == bit[l] ? a[16 * c + l] : -a[16 * c + l];
    }
    return NAME(fold)(x);
}

TARGET INLINE void NAME(flip_real)(heb_chain *c, const uint16_t *row, bool up)
{
    const double *ab = c->pb->energy.rab;
    int32_t half = (int32_t)c->pb->n, sign = up ? 2 : -2;
    double sum_b[16] = {0};
    for (size_t mu = 0; mu < c->pb->k; mu++) {
        int32_t m = c->m[mu] + ((row[mu / 16] >> (mu % 16)) & 1 ? sign : -sign);
        c->m[mu] = (int16_t)m;
        const double *t = ab + (m + half);
        c->ra[mu] = t[0];
        sum_b[mu % 16] += t[1];
    }
    c->sum_rb = NAME(fold)(sum_b);
}

TARGET INLINE void NAME(flip_coupling)(heb_chain *c, size_t i, int32_t sign)
{
    const int32_t *restrict j = c->pb->coupling + i * c->pb->n;
    int32_t *restrict h = c->field;
    for (size_t k = 0; k < c->pb->n; k++)
        h[k] += 2 * sign * j[k];
}

/* G_i = s_i h_i / unit */
TARGET INLINE double NAME(field)(const heb_chain *c, size_t i, heb_form form, size_t flush)
{
    const heb_energy *e = &c->pb->energy;
    const uint16_t *row = heb_patterns_row(c->pb->patterns, i);
    int64_t s = c->s[i];
    switch (form) {
    case HEB_QUADRATIC: {
        int64_t sum = 2 * NAME(masked_sum)(row, c->a, NAME(chunks)(c), flush) - c->sum_a;
        return (double)(2 * s * sum - (e->b2 * c->sum_m2 + e->b0 * (int64_t)c->pb->k));
    }
    case HEB_TABLE: {
        int64_t sum = 2 * NAME(masked_sum)(row, c->a, NAME(chunks)(c), flush) - c->sum_a;
        return (double)(s * sum - c->sum_b);
    }
    case HEB_REAL:
        return (double)s * NAME(real_sum)(row, c->ra, NAME(chunks)(c)) - c->sum_rb;
    default:
        return (double)(2 * s * c->field[i]);
    }
}

TARGET INLINE size_t NAME(run)(heb_chain *c, size_t count, const uint32_t *site, const double *theta, bool metropolis,
                               bool reuse, heb_form form)
{
    size_t flush = NAME(flush)(c), flips = 0, words = c->pb->patterns->words;
    const uint16_t *bits = c->pb->patterns->bits;
    for (size_t u = 0; u < count; u++) {
        size_t i = site[u];
        if (form != HEB_COUPLING && u + 2 < count)
            __builtin_prefetch(bits + site[u + 2] * words);
        double g;
        if (reuse && c->stamp[i] == c->flips + 1) {
            g = c->kept[i];
        } else {
            g = NAME(field)(c, i, form, flush);
            if (reuse) {
                c->kept[i] = g;
                c->stamp[i] = c->flips + 1;
            }
        }
        int s = c->s[i];
        if (metropolis ? !(g <= theta[u]) : !(g < (double)s * theta[u]))
            continue;
        const uint16_t *row = bits + i * words;
        c->s[i] = (int8_t)-s;
        c->flips++;
        flips++;
        if (form == HEB_QUADRATIC)
            NAME(flip_quadratic)(c, row, s < 0, flush);
        else if (form == HEB_TABLE)
            NAME(flip_table)(c, row, s < 0, flush);
        else if (form == HEB_REAL)
            NAME(flip_real)(c, row, s < 0);
        else
            NAME(flip_coupling)(c, i, -s);
    }
    return flips;
}

TARGET static size_t NAME(batch)(heb_chain *c, size_t count, const uint32_t *site, const double *theta, bool metropolis)
{
    bool reuse = c->stamp != NULL;
    switch (c->pb->form) {
    case HEB_QUADRATIC:
        return reuse ? NAME(run)(c, count, site, theta, metropolis, true, HEB_QUADRATIC)
                     : NAME(run)(c, count, site, theta, metropolis, false, HEB_QUADRATIC);
    case HEB_TABLE:
        return NAME(run)(c, count, site, theta, metropolis, reuse, HEB_TABLE);
    case HEB_REAL:
        return NAME(run)(c, count, site, theta, metropolis, reuse, HEB_REAL);
    default:
        return NAME(run)(c, count, site, theta, metropolis, false, HEB_COUPLING);
    }
}

TARGET static void NAME(overlaps)(const heb_patterns *x, const int8_t *s, int16_t *m)
{
    static const int16_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768};
    size_t chunks = (x->k + 15) / 16;
    for (size_t i = 0; i < x->n; i++) {
        const uint16_t *row = heb_patterns_row(x, i);
        int16_t si = s[i];
        for (size_t c = 0; c < chunks; c++) {
            int16_t w = (int16_t)row[c];
            for (size_t l = 0; l < 16; l++)
                m[16 * c + l] = (int16_t)(m[16 * c + l] + ((w & bit[l]) == bit[l] ? si : -si));
        }
    }
}

TARGET static double NAME(aligned)(const heb_chain *c, size_t i)
{
    return NAME(field)(c, i, c->pb->form, NAME(flush)(c));
}

/* A and the sums from M, in the lane order of flip_real. */
static void NAME(rebuild)(heb_chain *c)
{
    const heb_energy *e = &c->pb->energy;
    c->sum_a = c->sum_b = c->sum_m2 = 0;
    double sum_b[16] = {0};
    for (size_t mu = 0; mu < c->pb->k; mu++) {
        int64_t m = c->m[mu];
        size_t entry = (size_t)(m + (int64_t)c->pb->n) / 2;
        c->sum_m2 += m * m;
        if (c->pb->form == HEB_TABLE) {
            c->a[mu] = e->ab[2 * entry];
            c->sum_b += e->ab[2 * entry + 1];
        } else if (c->pb->form == HEB_REAL) {
            c->ra[mu] = e->rab[2 * entry];
            sum_b[mu % 16] += e->rab[2 * entry + 1];
        } else {
            c->a[mu] = (int32_t)heb_energy_a(e, m);
        }
        c->sum_a += c->pb->form == HEB_REAL ? 0 : c->a[mu];
    }
    c->sum_rb = NAME(fold)(sum_b);
}

TARGET static void NAME(summary)(const heb_chain *c, heb_summary *out)
{
    const double *f = c->pb->energy.f;
    const int32_t half = (int32_t)c->pb->n;
    size_t k = c->pb->k, whole = k / 16 * 16;
    double energy[16] = {0};
    int64_t squares[16] = {0};
    int32_t largest[16] = {0};
    for (size_t mu = 0; mu < k; mu += 16) {
        size_t lanes = mu < whole ? 16 : k - whole;
        for (size_t l = 0; l < lanes; l++) {
            int32_t m = c->m[mu + l], size = m < 0 ? -m : m;
            energy[l] += f[(uint32_t)(m + half) / 2];
            squares[l] += m * m;
            largest[l] = size > largest[l] ? size : largest[l];
        }
    }
    *out = (heb_summary){.energy = -NAME(fold)(energy) - (double)k * c->pb->energy.f0};
    for (size_t l = 0; l < 16; l++) {
        out->sum_m2 += squares[l];
        out->m_max = largest[l] > out->m_max ? largest[l] : out->m_max;
    }
}

#undef INLINE
