/* rng.c -- PCG64-DXSM, what is drawn from it, and the streams of a task.
 *
 * State s (128 bits), odd increment c, s <- M s + c mod 2^128 with the 64-bit multiplier M; a word is made of the state before the
 * step by the DXSM permutation (multiply, xor-shift, multiply by the odd low half).  O'Neill 2014, "PCG: a family of simple fast
 * space-efficient statistically good algorithms", and her DXSM of 2019 as numpy's PCG64DXSM has it: seeding multiplies by the
 * 128-bit multiplier of PCG64, stepping by the cheap one. */
#include "rng.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

#include "isa.h"
#include "vmath.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

__extension__ typedef unsigned __int128 u128;

#define CHEAP UINT64_C(0xda942042e4dd58b5)
#define JOIN(hi, lo) ((u128)(hi) << 64 | (lo))

static inline uint64_t permute(u128 s)
{
    uint64_t hi = (uint64_t)(s >> 64), lo = (uint64_t)s | 1;
    hi ^= hi >> 32;
    hi *= CHEAP;
    hi ^= hi >> 48;
    return hi * lo;
}

static inline u128 get_state(const qn_rng *r)
{
    return JOIN(r->state_hi, r->state_lo);
}

static inline void set_state(qn_rng *r, u128 s)
{
    r->state_hi = (uint64_t)(s >> 64);
    r->state_lo = (uint64_t)s;
}

void qn_rng_seed(qn_rng *r, uint64_t state_hi, uint64_t state_lo, uint64_t seq_hi, uint64_t seq_lo)
{
    const u128 full = JOIN(UINT64_C(0x2360ed051fc65da4), UINT64_C(0x4385df649fccf645));
    u128 inc = JOIN(seq_hi, seq_lo) << 1 | 1;
    r->inc_hi = (uint64_t)(inc >> 64);
    r->inc_lo = (uint64_t)inc;
    set_state(r, (inc + JOIN(state_hi, state_lo)) * full + inc);
}

static inline uint64_t next(qn_rng *r)
{
    u128 s = get_state(r);
    set_state(r, s * CHEAP + JOIN(r->inc_hi, r->inc_lo));
    return permute(s);
}

static inline double to_uniform(uint64_t word)
{
    return (double)(int64_t)(word >> 11) * 0x1p-53;
}

uint64_t qn_rng_u64(qn_rng *r)
{
    return next(r);
}

double qn_rng_uniform(qn_rng *r)
{
    return to_uniform(next(r));
}

/* Centres of 2^52 cells: 2^-53 to 1 - 2^-53. */
double qn_rng_uniform_pos(qn_rng *r)
{
    return ((double)(int64_t)(next(r) >> 12) + 0.5) * 0x1p-52;
}

/* The high half of word*n; words whose low half falls below 2^64 mod n are redrawn (Lemire 2019, algorithm 5). */
uint64_t qn_rng_below(qn_rng *r, uint64_t n)
{
    u128 wide = (u128)next(r) * n;
    if ((uint64_t)wide < n) {
        const uint64_t reject = -n % n;
        while ((uint64_t)wide < reject)
            wide = (u128)next(r) * n;
    }
    return (uint64_t)(wide >> 64);
}

/* ---- bulk ------------------------------------------------------------------------------------------------------- */

/* Words from state s on; returns the state after them. */
static u128 fill_plain(u128 s, u128 inc, size_t n, uint64_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = permute(s);
        s = s * CHEAP + inc;
    }
    return s;
}

#if defined(__x86_64__) && defined(__GNUC__)
/* The same words in 32 lanes, lane j making words j, j+32, ...: s <- A s + C with A = M^32, C = c (1 + M + ... + M^31).  In each vector of
 * eight lanes the 64x64-bit products are put together from 32-bit ones.  Integers only: the same bits as the plain loop. */
enum { LANES = 32, VECTORS = LANES / 8 };

__attribute__((target("avx512f,avx512dq"))) static u128 fill_avx512(u128 s, u128 inc, size_t n, uint64_t *out)
{
    u128 a = 1, sum = 0;
    uint64_t lane_lo[LANES], lane_hi[LANES];
    for (size_t j = 0; j < LANES; j++) {
        lane_lo[j] = (uint64_t)s;
        lane_hi[j] = (uint64_t)(s >> 64);
        s = s * CHEAP + inc;
        sum += a;
        a *= CHEAP;
    }
    const u128 c = sum * inc;
    const __m512i a_lo = _mm512_set1_epi64((long long)(uint64_t)a), a_hi = _mm512_set1_epi64((long long)(uint64_t)(a >> 64)),
                  a_lo_hi = _mm512_srli_epi64(a_lo, 32), c_lo = _mm512_set1_epi64((long long)(uint64_t)c),
                  c_hi = _mm512_set1_epi64((long long)(uint64_t)(c >> 64)), low = _mm512_set1_epi64(0xffffffff), one = _mm512_set1_epi64(1),
                  cheap = _mm512_set1_epi64((long long)CHEAP);
    __m512i lo[VECTORS], hi[VECTORS];
    for (size_t v = 0; v < VECTORS; v++) {
        lo[v] = _mm512_loadu_si512(lane_lo + 8 * v);
        hi[v] = _mm512_loadu_si512(lane_hi + 8 * v);
    }
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
#pragma GCC unroll 4
        for (size_t v = 0; v < VECTORS; v++) {
            __m512i x = hi[v], l = lo[v], l_hi = _mm512_srli_epi64(l, 32);
            x = _mm512_xor_si512(x, _mm512_srli_epi64(x, 32));
            x = _mm512_mullo_epi64(x, cheap);
            x = _mm512_xor_si512(x, _mm512_srli_epi64(x, 48));
            x = _mm512_mullo_epi64(x, _mm512_or_si512(l, one));
            _mm512_storeu_si512(out + i + 8 * v, x);

            __m512i p00 = _mm512_mul_epu32(l, a_lo), p01 = _mm512_mul_epu32(l, a_lo_hi), p10 = _mm512_mul_epu32(l_hi, a_lo),
                    p11 = _mm512_mul_epu32(l_hi, a_lo_hi);
            __m512i mid = _mm512_add_epi64(p10, _mm512_srli_epi64(p00, 32));
            __m512i mid2 = _mm512_add_epi64(p01, _mm512_and_si512(mid, low));
            __m512i top = _mm512_add_epi64(_mm512_add_epi64(p11, _mm512_srli_epi64(mid, 32)), _mm512_srli_epi64(mid2, 32));
            __m512i cross = _mm512_add_epi64(_mm512_mullo_epi64(l, a_hi), _mm512_mullo_epi64(hi[v], a_lo));
            __m512i bottom = _mm512_or_si512(_mm512_slli_epi64(mid2, 32), _mm512_and_si512(p00, low));
            lo[v] = _mm512_add_epi64(bottom, c_lo);
            hi[v] = _mm512_add_epi64(_mm512_add_epi64(top, cross), c_hi);
            hi[v] = _mm512_mask_add_epi64(hi[v], _mm512_cmplt_epu64_mask(lo[v], c_lo), hi[v], one);
        }
    _mm512_storeu_si512(lane_lo, lo[0]);
    _mm512_storeu_si512(lane_hi, hi[0]);
    return fill_plain(JOIN(lane_hi[0], lane_lo[0]), inc, n - i, out + i);
}
#endif

/* Equals n calls of qn_rng_u64. */
void qn_rng_fill_u64(qn_rng *r, size_t n, uint64_t *out)
{
    const u128 inc = JOIN(r->inc_hi, r->inc_lo);
#if defined(__x86_64__) && defined(__GNUC__)
    if (n >= 4 * LANES && qn_isa() >= QN_ISA_AVX512) { /* shorter ones do not repay setting the lanes up */
        set_state(r, fill_avx512(get_state(r), inc, n, out));
        return;
    }
#endif
    set_state(r, fill_plain(get_state(r), inc, n, out));
}

enum { BLOCK = 512 }; /* words that wait in the first-level cache */

QN_CLONES static void uniform_all(size_t n, const uint64_t *word, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = to_uniform(word[i]);
}

/* Equals n calls of qn_rng_uniform. */
void qn_rng_fill_uniform(qn_rng *r, size_t n, double *out)
{
    uint64_t word[BLOCK];
    while (n > 0) {
        size_t k = n < BLOCK ? n : BLOCK;
        qn_rng_fill_u64(r, k, word);
        uniform_all(k, word, out);
        out += k;
        n -= k;
    }
}

/* ---- normals ---------------------------------------------------------------------------------------------------- */

/* Ziggurat of 256 layers of equal area v over f(x) = exp(-x^2/2), x > 0 (Marsaglia & Tsang 2000): layer i is as wide as edge[i] and
 * lies under f(edge[i+1]); the base, i = 0, is the rectangle up to r and the tail beyond, drawn as if it were v/f(r) wide.  One word
 * gives the layer (low 8 bits) and, from bits it does not share with it (Doornik 2005), an odd 54-bit integer: u in (-1, 1),
 * symmetric, never 0.  The tables are made in long double, whose functions do not depend on the CPU's vector units. */
enum { LAYERS = 256 };
static double edge[LAYERS + 1], height[LAYERS + 1]; /* height[i] = f(edge[i]) */
static const double tail = 3.6541528853610087963519;
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    const long double r = 3.6541528853610087963519L, f_r = expl(-r * r / 2);
    const long double v = r * f_r + sqrtl(acosl(-1) / 2) * erfcl(r / sqrtl(2));
    long double x = r, f = f_r;
    edge[0] = (double)(v / f_r);
    height[0] = 0; /* not used: the base has no wedge */
    for (size_t i = 1; i < LAYERS; i++) {
        edge[i] = (double)x;
        height[i] = (double)f;
        f += v / x;
        x = i < LAYERS - 1 ? sqrtl(-2 * logl(f)) : 0;
    }
    edge[LAYERS] = 0;
    height[LAYERS] = 1;
}

/* A normal whose word puts it outside the rectangle of its layer: about one in 86. */
static __attribute__((noinline)) double normal_slow(qn_rng *r, uint64_t word)
{
    for (;;) {
        size_t i = word & (LAYERS - 1);
        double u = (double)((int64_t)word >> 10 | 1) * 0x1p-53, z = u * edge[i];
        if (fabs(z) < edge[i + 1])
            return z;
        if (i == 0) { /* exponential proposals beyond r, accepted as exp(-x^2/2) asks (Marsaglia 1964) */
            double x, y;
            do {
                x = -qn_vlog(qn_rng_uniform_pos(r)) / tail;
                y = -qn_vlog(qn_rng_uniform_pos(r));
            } while (2 * y <= x * x);
            return u < 0 ? -(tail + x) : tail + x;
        }
        if (height[i] + to_uniform(next(r)) * (height[i + 1] - height[i]) < exp(-z * z / 2))
            return z;
        word = next(r);
    }
}

double qn_rng_normal(qn_rng *r)
{
    pthread_once(&tables_made, make_tables);
    uint64_t word = next(r);
    size_t i = word & (LAYERS - 1);
    double z = (double)((int64_t)word >> 10 | 1) * 0x1p-53 * edge[i];
    return fabs(z) < edge[i + 1] ? z : normal_slow(r, word);
}

/* Groups of 16 normals from 16 words, by pairs (Box & Muller 1958): words 0..7 give the radii, word 8+j an angle in an eighth of a turn
 * either way (52 bits) and one of four axes (2 other bits). */
enum { GROUP = 16, PAIRS = GROUP / 2 };

QN_CLONES static void normal_all(size_t groups, const uint64_t *restrict word, double *restrict out)
{
    for (size_t g = 0; g < groups; g++, word += GROUP, out += GROUP)
        for (size_t j = 0; j < PAIRS; j++) {
            uint64_t u = word[j], v = word[PAIRS + j];
            double radius = sqrt(-2 * qn_vlog(qn_from_bits(u >> 12 | UINT64_C(0x3ff0000000000000)) - 1.0 + 0x1p-53)), sine, cosine;
            double eighths = qn_from_bits(v >> 12 | UINT64_C(0x3ff0000000000000)) - 1.5 + 0x1p-53;
            qn_vsincos_octant(eighths * 1.57079632679489661923, &sine, &cosine);
            uint64_t axis = v & 3, x = qn_to_bits(radius * sine), y = qn_to_bits(radius * cosine);
            uint64_t swap = (x ^ y) & -(axis & 1);
            out[j] = qn_from_bits(x ^ swap ^ (axis >> 1) << 63);
            out[PAIRS + j] = qn_from_bits(y ^ swap ^ (axis >> 1) << 63);
        }
}

/* Not the sequence of qn_rng_normal, but the same bits at every instruction set.  A transform in vectors and not the ziggurat: on a 2.6 GHz
 * Zen 5, millions a second, 614 against 375 (on words drawn ahead) with AVX-512, which it is made for; where there is only AVX2 it loses,
 * 177 against 228, or SSE2, 105 against 248.  Takes 16 words for every 16 normals begun, so that a shorter fill gives the beginning of a longer
 * one, and fills of multiples of 16 one after the other what one fill gives.  Largest value: 8.6. */
void qn_rng_fill_normal(qn_rng *r, size_t n, double *out)
{
    uint64_t word[BLOCK];
    while (n >= GROUP) {
        size_t k = n < BLOCK ? n - n % GROUP : BLOCK;
        qn_rng_fill_u64(r, k, word);
        normal_all(k / GROUP, word, out);
        out += k;
        n -= k;
    }
    if (n > 0) {
        double last[GROUP];
        qn_rng_fill_u64(r, GROUP, word);
        normal_all(1, word, last);
        memcpy(out, last, n * sizeof *out);
    }
}

/* ---- hashes and streams ----------------------------------------------------------------------------------------- */

qn_hash qn_hash_bytes(const void *bytes, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(bytes, n);
    return (qn_hash){{h.low64, h.high64}};
}

void qn_hash_hex(qn_hash h, char out[33])
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++)
        out[i] = digit[h.w[i < 16] >> (60 - 4 * (i % 16)) & 15];
    out[32] = 0;
}

int qn_hash_parse(const char *hex, qn_hash *out)
{
    qn_hash h = {{0, 0}};
    for (size_t i = 0; i < 32; i++) {
        char c = hex[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return qn_fail(QN_ERR_INPUT, "\"%.40s\" is no hash: 32 hexadecimal digits were expected", hex);
        h.w[i < 16] = h.w[i < 16] << 4 | (uint64_t)digit;
    }
    if (hex[32])
        return qn_fail(QN_ERR_INPUT, "\"%.40s\" is no hash: 32 hexadecimal digits were expected", hex);
    *out = h;
    return 0;
}

/* Two hashes of the same words, told apart by the last one, are state and sequence.  `part` 0 is the task's stream, 1 a split one. */
static void open_stream(qn_rng *r, const uint64_t key[2], qn_purpose purpose, uint64_t part, uint64_t index)
{
    uint64_t word[6] = {key[0], key[1], purpose, part, index, 0};
    qn_hash state = qn_hash_bytes(word, sizeof word);
    word[5] = 1;
    qn_hash sequence = qn_hash_bytes(word, sizeof word);
    qn_rng_seed(r, state.w[1], state.w[0], sequence.w[1], sequence.w[0]);
}

static void task_key(uint64_t out[2], uint64_t seed, const uint64_t key[2], size_t replica)
{
    uint64_t word[4] = {seed, key[0], key[1], replica};
    qn_hash h = qn_hash_bytes(word, sizeof word);
    out[0] = h.w[0];
    out[1] = h.w[1];
}

void qn_streams_open(qn_streams *s, uint64_t seed, const uint64_t stream[2], const uint64_t disorder[2], size_t replica)
{
    task_key(s->key, seed, stream, replica);
    task_key(s->disorder_key, seed, disorder, replica);
    s->replica = replica;
    open_stream(&s->disorder, s->disorder_key, QN_STREAM_DISORDER, 0, 0);
    open_stream(&s->dynamics, s->key, QN_STREAM_DYNAMICS, 0, 0);
    open_stream(&s->measurement, s->key, QN_STREAM_MEASUREMENT, 0, 0);
}

void qn_stream_split(const qn_streams *s, qn_purpose purpose, uint64_t index, qn_rng *out)
{
    open_stream(out, purpose == QN_STREAM_DISORDER ? s->disorder_key : s->key, purpose, 1, index);
}

/* ---- GSL -------------------------------------------------------------------------------------------------------- */

static void gsl_set(void *state, unsigned long seed)
{
    const uint64_t word = seed;
    qn_hash a = qn_hash_bytes(&word, sizeof word), b = qn_hash_bytes(&a, sizeof a);
    qn_rng_seed(state, a.w[1], a.w[0], b.w[1], b.w[0]);
}

static unsigned long gsl_get(void *state)
{
    return (unsigned long)(qn_rng_u64(state) >> (64 - 8 * sizeof(unsigned long)));
}

static double gsl_get_double(void *state)
{
    return qn_rng_uniform(state);
}

const gsl_rng_type *qn_rng_gsl_type(void)
{
    static const gsl_rng_type type = {
        .name = "pcg64dxsm", .max = ~0ul, .min = 0, .size = sizeof(qn_rng), .set = gsl_set, .get = gsl_get, .get_double = gsl_get_double};
    return &type;
}

gsl_rng qn_rng_gsl(qn_rng *r)
{
    return (gsl_rng){.type = qn_rng_gsl_type(), .state = r};
}
