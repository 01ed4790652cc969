/* test_rng.c -- PCG64-DXSM against numpy, the laws of what is drawn from it, streams, hashes, GSL on top, vmath.
 * Statistical checks at fixed seeds; chance of failing with a fresh seed stated at each. */
#include "qtest.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <pthread.h>

#include "rng.h"
#include "stats.h"
#include "vmath.h"

/* ---- words ------------------------------------------------------------------------------------------------------ */

/* numpy 2.4.6:
 *   b = np.random.PCG64DXSM(seed); w = np.random.SeedSequence(seed).generate_state(4, np.uint64)
 *   w, b.state["state"], b.random_raw(6), then b.random_raw(999994), b.state["state"], b.random_raw() */
static const struct {
    uint64_t seed[4], state[2], inc[2], word[6], late_state[2], late_word;
} numpy_seeded[] = {
    {{0xdb2cd7e7b0f478be, 0xabf4641a2c71ba49, 0x20c6ed6d9d7b8d41, 0x2c4099de223c39d4}, {0x1aa1b5345996452d, 0x09585eb7a69561e3},
     {0x418ddadb3af71a82, 0x588133bc447873a9},
     {0xd97e4a147f788a70, 0x8dfa7bce56e3a253, 0x13556ed9f53d3c10, 0x55dbf1c241341e98, 0xa2cd98f722eb0e0a, 0x083dfc407203ade8},
     {0x16bcac13eaf54322, 0x5f3c2cdddb95a0a3}, 0x6ece79751ef75767},
    {{0xb5ae6482a03d837c, 0xbbe2996ffa1f7a2f, 0x64e39a9f37158f94, 0x3ebb0f96a013fd73}, {0x1905e0335aae9634, 0x9199b0d09775add5},
     {0xc9c7353e6e2b1f28, 0x7d761f2d4027fae7},
     {0xee9ce7d91fd0146f, 0x5666c45f046a0883, 0x378c2161cf28e2bd, 0x5a4af4efd795681e, 0x8cd3b01ef17b1741, 0xe21742528ac08154},
     {0xa40dd747efa3ea37, 0x57e6d4967db97315}, 0x16ff58354a6f8b33},
};

/* The same after s = b.state; s["state"] = {"state": ..., "inc": ...}; b.state = s */
static const struct {
    uint64_t state[2], inc[2], word[6];
} numpy_set[] = {
    {{0x0123456789abcdef, 0xfedcba9876543210}, {0xdeadbeefcafef00d, 0x0123456789abcdef},
     {0xa5c2f45958c644a2, 0xbc94eb7ca3b96aae, 0x32577d4df7c02491, 0x234160057b789e6e, 0x0e6561533d23c19c, 0x1915692d0a566fe7}},
    {{0, 1}, {0, 1}, {0, 0, 0x5238ea76d1f0df4a, 0x1a3c4747022e48a4, 0x340b0228e6afc056, 0x81bb52f8baaa203a}},
    {{UINT64_MAX, UINT64_MAX}, {UINT64_MAX, UINT64_MAX},
     {0xe4dd58b4ffffe4de, 0x082b98f3423f20f6, 0x7b3bf90f2550ab72, 0xc2c3ebc193c20fa2, 0xf4e19fff9187d354, 0x8c1c8d5cfdfad299}},
};

static void test_numpy(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof numpy_seeded / sizeof *numpy_seeded; c++) {
        qn_rng r;
        const uint64_t *s = numpy_seeded[c].seed;
        qn_rng_seed(&r, s[0], s[1], s[2], s[3]);
        assert_true(r.state_hi == numpy_seeded[c].state[0] && r.state_lo == numpy_seeded[c].state[1]);
        assert_true(r.inc_hi == numpy_seeded[c].inc[0] && r.inc_lo == numpy_seeded[c].inc[1]);
        for (size_t i = 0; i < 6; i++)
            assert_true(qn_rng_u64(&r) == numpy_seeded[c].word[i]);
        for (size_t i = 6; i < 1000000; i++)
            qn_rng_u64(&r);
        assert_true(r.state_hi == numpy_seeded[c].late_state[0] && r.state_lo == numpy_seeded[c].late_state[1]);
        assert_true(qn_rng_u64(&r) == numpy_seeded[c].late_word);
    }
    for (size_t c = 0; c < sizeof numpy_set / sizeof *numpy_set; c++) {
        qn_rng r = {numpy_set[c].state[0], numpy_set[c].state[1], numpy_set[c].inc[0], numpy_set[c].inc[1]};
        for (size_t i = 0; i < 6; i++)
            assert_true(qn_rng_u64(&r) == numpy_set[c].word[i]);
    }
    /* np.random.Generator(np.random.PCG64DXSM(12345)).random(3) */
    static const double uniform[] = {0x1.dd39cfb23fa02p-1, 0x1.599b117c11a82p-2, 0x1.bc610b0e79470p-3};
    qn_rng r;
    const uint64_t *s = numpy_seeded[1].seed;
    qn_rng_seed(&r, s[0], s[1], s[2], s[3]);
    for (size_t i = 0; i < 3; i++)
        assert_true(qn_rng_uniform(&r) == uniform[i]);
}

/* Bulk against one at a time, at every length around the sizes of lanes and blocks, odd increments with carries included. */
static void test_fill(void **state)
{
    (void)state;
    static uint64_t words[2048];
    static double numbers[2048];
    for (size_t n = 0; n < 2048; n += n < 300 ? 1 : 97) {
        qn_rng a, b;
        qn_rng_seed(&a, n, UINT64_MAX - n, UINT64_MAX, UINT64_MAX - 3 * n);
        b = a;
        qn_rng_fill_u64(&a, n, words);
        for (size_t i = 0; i < n; i++)
            assert_true(words[i] == qn_rng_u64(&b));
        assert_memory_equal(&a, &b, sizeof a);
        qn_rng_fill_uniform(&a, n, numbers);
        for (size_t i = 0; i < n; i++)
            assert_true(numbers[i] == qn_rng_uniform(&b));
        assert_memory_equal(&a, &b, sizeof a);
    }
}

/* A shorter fill of normals is the beginning of a longer one; pieces of multiples of 16 are the whole. */
static void test_fill_normal(void **state)
{
    (void)state;
    static double whole[2000], part[2000];
    qn_rng a, b;
    qn_rng_seed(&a, 1, 2, 3, 4);
    qn_rng_fill_normal(&a, 2000, whole);
    for (size_t n = 0; n < 2000; n += n < 40 ? 1 : 111) {
        qn_rng_seed(&b, 1, 2, 3, 4);
        part[n] = 99;
        qn_rng_fill_normal(&b, n, part);
        assert_memory_equal(whole, part, n * sizeof *part);
        assert_true(part[n] == 99);
    }
    qn_rng_seed(&b, 1, 2, 3, 4);
    for (size_t at = 0, n = 16; at < 2000; at += n, n = at + n + 16 < 2000 ? n + 16 : 2000 - at)
        qn_rng_fill_normal(&b, n, part + at);
    assert_memory_equal(whole, part, sizeof part);
    assert_memory_equal(&a, &b, sizeof a);
}

/* ---- laws ------------------------------------------------------------------------------------------------------- */

static double chi2(size_t cells, const size_t *count, double expected)
{
    double x = 0;
    for (size_t i = 0; i < cells; i++)
        x += ((double)count[i] - expected) * ((double)count[i] - expected) / expected;
    return x;
}

static void test_uniform(void **state)
{
    (void)state;
    enum { N = 1 << 20, CELLS = 1024 };
    static size_t count[CELLS];
    double sum = 0, square = 0;
    qn_rng r;
    qn_rng_seed(&r, 5, 6, 7, 8);
    for (size_t i = 0; i < N; i++) {
        double u = qn_rng_uniform(&r), v = qn_rng_uniform_pos(&r);
        assert_true(u >= 0 && u < 1 && v > 0 && v < 1);
        count[(size_t)(u * CELLS)]++;
        sum += v;
        square += v * v;
    }
    assert_sigma(sum / N, sqrt(1 / 12.0 / N), 0.5);
    assert_sigma(square / N, sqrt(4 / 45.0 / N), 1 / 3.0);
    double p = gsl_cdf_chisq_Q(chi2(CELLS, count, (double)N / CELLS), CELLS - 1);
    assert_true(p > 1e-5 && p < 1 - 1e-5); /* chance 2e-5 */

    /* The ends of what uniform_pos can give: words of zeros and of ones. */
    qn_rng zero = {0, 1, 0, 1}; /* its first word is 0, as numpy's above */
    assert_true(qn_rng_uniform_pos(&zero) == 0x1p-53);
    qn_rng again = {0, 1, 0, 1};
    assert_true(qn_rng_uniform(&again) == 0);
}

/* chi^2 over all values.  For n = 3 2^62 the high half alone, without redrawing, would give multiples of 3 every second time. */
static void test_below(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {2, 3, 7, 10, 64, 100, 1000};
    qn_rng r;
    qn_rng_seed(&r, 9, 10, 11, 12);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t count[1000] = {0}, n = (size_t)sizes[s], draws = 1000 * n;
        for (size_t i = 0; i < draws; i++) {
            uint64_t k = qn_rng_below(&r, n);
            assert_true(k < n);
            count[k]++;
        }
        double p = gsl_cdf_chisq_Q(chi2(n, count, 1000), (double)(n - 1));
        assert_true(p > 1e-5); /* chance 1e-5 each */
    }
    for (size_t i = 0; i < 100; i++)
        assert_true(qn_rng_below(&r, 1) == 0);
    const uint64_t huge = UINT64_C(3) << 62;
    enum { N = 30000 };
    size_t third[3] = {0};
    for (size_t i = 0; i < N; i++)
        third[qn_rng_below(&r, huge) % 3]++;
    for (size_t k = 0; k < 3; k++)
        assert_sigma((double)third[k] / N, sqrt(2 / 9.0 / N), 1 / 3.0);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Moments to the eighth, tails beyond 2, 3, r of the ziggurat and 4, Kolmogorov-Smirnov at sqrt(N) D < 2.4 (chance 2e-5). */
static void check_normal(size_t n, double *x)
{
    static const double want[] = {0, 1, 0, 3, 0, 15, 0, 105}, square[] = {1, 3, 15, 105, 945, 10395, 135135, 2027025};
    double moment[8] = {0};
    static const double at[] = {2, 3, 3.6541528853610088, 4};
    size_t beyond[2][4] = {{0}};
    for (size_t i = 0; i < n; i++) {
        double power = 1;
        for (size_t k = 0; k < 8; k++)
            moment[k] += (power *= x[i]);
        for (size_t k = 0; k < 4; k++) {
            beyond[0][k] += x[i] > at[k];
            beyond[1][k] += x[i] < -at[k];
        }
    }
    for (size_t k = 0; k < 8; k++)
        assert_sigma(moment[k] / (double)n, sqrt((square[k] - want[k] * want[k]) / (double)n), want[k]);
    for (size_t side = 0; side < 2; side++)
        for (size_t k = 0; k < 4; k++) {
            double p = gsl_cdf_ugaussian_Q(at[k]);
            assert_sigma((double)beyond[side][k] / (double)n, sqrt(p / (double)n), p);
        }
    qsort(x, n, sizeof *x, by_value);
    double d = 0;
    for (size_t i = 0; i < n; i++) {
        double p = gsl_cdf_ugaussian_P(x[i]);
        d = fmax(d, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
    }
    assert_true(d * sqrt((double)n) < 2.4);
    assert_true(d * sqrt((double)n) > 0.2); /* as unlikely: no number can lie that close to the law by chance */
}

static void test_normal(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    double *x = malloc(N * sizeof *x);
    assert_non_null(x);
    qn_rng r;
    qn_rng_seed(&r, 13, 14, 15, 16);
    for (size_t i = 0; i < N; i++)
        x[i] = qn_rng_normal(&r);
    check_normal(N, x);
    qn_rng_fill_normal(&r, N, x);
    double lag[3] = {0}; /* partners of a pair and neighbours are independent: products and products of squares */
    for (size_t i = 0; i + 16 <= N; i += 16)
        for (size_t j = 0; j < 8; j++) {
            double a = x[i + j], b = x[i + j + 8], c = x[i + (j + 1) % 8];
            lag[0] += a * b;
            lag[1] += a * c;
            lag[2] += (a * a - 1) * (b * b - 1);
        }
    assert_sigma(lag[0] / (N / 2), sqrt(2.0 / N), 0);
    assert_sigma(lag[1] / (N / 2), sqrt(2.0 / N), 0);
    assert_sigma(lag[2] / (N / 2), 2 * sqrt(2.0 / N), 0);
    check_normal(N, x);
    free(x);
}

/* The ziggurat on 10^7 draws: chi^2 over 400 cells of |z| (chance 1e-5), which sees layers whose areas differ by 2e-3; beyond the base's
 * edge r the excess z - r given z > r has the mean f(r)/Q(r) - r. */
static void test_ziggurat(void **state)
{
    (void)state;
    enum { DRAWS = 10000000, CELLS = 400 };
    const double r0 = 3.6541528853610088, q = gsl_cdf_ugaussian_Q(r0), f = exp(-r0 * r0 / 2) / sqrt(2 * acos(-1)), mean = f / q - r0,
                 var = 1 + r0 * f / q - f / q * (f / q);
    static size_t count[CELLS];
    size_t n = 0;
    double sum = 0, x2 = 0;
    qn_rng r;
    qn_rng_seed(&r, 17, 18, 19, 20);
    for (size_t i = 0; i < DRAWS; i++) {
        double z = fabs(qn_rng_normal(&r));
        if (z < r0) {
            count[(size_t)(z / r0 * CELLS)]++;
        } else {
            n++;
            sum += z - r0;
        }
    }
    for (size_t k = 0; k < CELLS; k++) {
        double p = 2 * (gsl_cdf_ugaussian_Q(r0 * (double)k / CELLS) - gsl_cdf_ugaussian_Q(r0 * (double)(k + 1) / CELLS)), d = (double)count[k] - p * DRAWS;
        x2 += d * d / (p * DRAWS);
    }
    assert_true(gsl_cdf_chisq_Q(x2, CELLS) > 1e-5);
    assert_sigma((double)n, sqrt(2 * q * DRAWS), 2 * q * DRAWS);
    assert_sigma(sum / (double)n, sqrt(var / (double)n), mean);
}

static void *one_normal(void *out)
{
    qn_rng r;
    qn_rng_seed(&r, 21, 22, 23, 24);
    double sum = 0;
    for (size_t i = 0; i < 1000; i++)
        sum += qn_rng_normal(&r);
    *(double *)out = sum;
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t thread[THREADS];
    double out[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, one_normal, &out[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 1; i < THREADS; i++)
        assert_true(out[i] == out[0]);
}

/* ---- streams and hashes ----------------------------------------------------------------------------------------- */

static void test_streams(void **state)
{
    (void)state;
    enum { MOST = 64 };
    const uint64_t key[2][2] = {{1, 2}, {3, 4}};
    qn_rng all[MOST];
    size_t n = 0;
    for (uint64_t seed = 0; seed < 2; seed++)
        for (size_t k = 0; k < 2; k++)
            for (size_t replica = 0; replica < 2; replica++) {
                qn_streams s;
                qn_streams_open(&s, seed, key[k], key[0], replica);
                all[n++] = s.dynamics;
                all[n++] = s.measurement;
                if (k == 0)
                    all[n++] = s.disorder;
                for (uint64_t i = 0; i < 2; i++)
                    qn_stream_split(&s, QN_STREAM_DYNAMICS, i, &all[n++]);
                qn_stream_split(&s, QN_STREAM_BOOTSTRAP, 0, &all[n++]);
                qn_streams t;
                qn_streams_open(&t, seed, key[k], key[0], replica);
                assert_memory_equal(&s, &t, sizeof s); /* nothing but the arguments */
                qn_streams_open(&t, seed, key[1 - k], key[0], replica);
                assert_memory_equal(&s.disorder, &t.disorder, sizeof s.disorder); /* the same disorder at other parameters */
                qn_rng a, b;
                qn_stream_split(&s, QN_STREAM_DISORDER, 5, &a);
                qn_stream_split(&t, QN_STREAM_DISORDER, 5, &b);
                assert_memory_equal(&a, &b, sizeof a);
                qn_rng_u64(&s.dynamics); /* a used stream splits like a fresh one */
                qn_stream_split(&s, QN_STREAM_DYNAMICS, 0, &a);
                assert_memory_equal(&a, &all[n - 3], sizeof a);
            }
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(&all[i], &all[j], sizeof *all);
            assert_true(all[i].inc_hi != all[j].inc_hi || all[i].inc_lo != all[j].inc_lo);
        }
    double worst = 0; /* no two are correlated: 1,000 signs each, 6 sigma over 1,000 pairs: chance 2e-6 */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            qn_rng a = all[i], b = all[j];
            int same = 0;
            for (size_t k = 0; k < 1000; k++)
                same += qn_rng_u64(&a) >> 63 == qn_rng_u64(&b) >> 63 ? 1 : -1;
            worst = fmax(worst, fabs(same / sqrt(1000)));
        }
    assert_true(worst < 6);
}

static void test_hash(void **state)
{
    (void)state;
    char hex[33];
    qn_hash h = qn_hash_bytes("", 0), back;
    qn_hash_hex(h, hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f"); /* XXH3's published value for no bytes */
    h = (qn_hash){{0x0123456789abcdef, 0xfedcba9876543210}};
    qn_hash_hex(h, hex);
    assert_string_equal(hex, "fedcba98765432100123456789abcdef");
    assert_int_equal(qn_hash_parse(hex, &back), 0);
    assert_memory_equal(&h, &back, sizeof h);
    static const char *const bad[] = {"", "fedcba98765432100123456789abcde", "fedcba98765432100123456789abcdef0", "Fedcba98765432100123456789abcdef",
                                      "fedcba9876543210 123456789abcdef"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(qn_hash_parse(bad[i], &back), QN_ERR_INPUT);
        assert_non_null(strstr(qn_error_text(), "hexadecimal"));
    }
}

/* ---- GSL -------------------------------------------------------------------------------------------------------- */

static void test_gsl(void **state)
{
    (void)state;
    enum { N = 200000 };
    qn_rng r, copy;
    qn_rng_seed(&r, 25, 26, 27, 28);
    copy = r;
    gsl_rng g = qn_rng_gsl(&r);
    assert_true(gsl_rng_uniform(&g) == qn_rng_uniform(&copy));
    assert_true(gsl_rng_get(&g) == (unsigned long)qn_rng_u64(&copy));
    assert_memory_equal(&r, &copy, sizeof r); /* it advanced the stream itself */
    double sum = 0, square = 0, gauss = 0;
    size_t dice[6] = {0};
    for (size_t i = 0; i < N; i++) {
        double x = gsl_ran_gamma(&g, 2.5, 1), y = gsl_ran_gaussian_ziggurat(&g, 1);
        sum += x;
        square += x * x;
        gauss += y * y;
        dice[gsl_rng_uniform_int(&g, 6)]++;
    }
    assert_sigma(sum / N, sqrt(2.5 / N), 2.5);
    assert_sigma(square / N, sqrt((2.5 * 3.5 * 4.5 * 5.5 - 8.75 * 8.75) / N), 8.75);
    assert_sigma(gauss / N, sqrt(2.0 / N), 1);
    assert_true(gsl_cdf_chisq_Q(chi2(6, dice, N / 6.0), 5) > 1e-5);

    gsl_rng *own = gsl_rng_alloc(qn_rng_gsl_type()), *other = gsl_rng_alloc(qn_rng_gsl_type());
    assert_non_null(own);
    assert_non_null(other);
    gsl_rng_set(own, 1);
    gsl_rng_set(other, 1);
    assert_true(gsl_rng_get(own) == gsl_rng_get(other));
    gsl_rng_set(other, 2);
    assert_true(gsl_rng_get(own) != gsl_rng_get(other));
    assert_string_equal(gsl_rng_name(own), "pcg64dxsm");
    gsl_rng_free(own);
    gsl_rng_free(other);
}

/* ---- vmath ------------------------------------------------------------------------------------------------------ */

static double ulps(double got, long double want)
{
    int e;
    (void)frexp((double)want, &e);
    return (double)fabsl(((long double)got - want) / ldexpl(DBL_EPSILON, e - 1));
}

static void test_vmath(void **state)
{
    (void)state;
    double worst[3] = {0};
    qn_rng r;
    qn_rng_seed(&r, 29, 30, 31, 32);
    for (size_t i = 0; i < 1000000; i++) {
        double u = qn_rng_uniform_pos(&r), s, c, a = (2 * qn_rng_uniform_pos(&r) - 1) * 0.78539816339744830962;
        double x = i % 3 == 0 ? u : i % 3 == 1 ? ldexp(1 + u, (int)qn_rng_below(&r, 2000) - 1000) : 1 + (u - 0.5) * ldexp(1, -(int)qn_rng_below(&r, 50));
        if (x != 1)
            worst[0] = fmax(worst[0], ulps(qn_vlog(x), logl(x)));
        qn_vsincos_octant(a, &s, &c);
        worst[1] = fmax(worst[1], ulps(s, sinl(a)));
        worst[2] = fmax(worst[2], ulps(c, cosl(a)));
    }
    printf("# largest errors in ulp: log %.2f, sin %.2f, cos %.2f\n", worst[0], worst[1], worst[2]);
    assert_true(worst[0] <= 3 && worst[1] <= 2 && worst[2] <= 2);
    assert_true(qn_vlog(1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numpy),  cmocka_unit_test(test_fill),    cmocka_unit_test(test_fill_normal), cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_below),  cmocka_unit_test(test_threads), cmocka_unit_test(test_normal),      cmocka_unit_test(test_ziggurat),
        cmocka_unit_test(test_streams), cmocka_unit_test(test_hash),   cmocka_unit_test(test_gsl),         cmocka_unit_test(test_vmath)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
