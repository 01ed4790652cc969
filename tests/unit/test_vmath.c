/* test_vmath.c -- the vector functions against long double, in ulp; the eight-lane generator against a scalar one; its normals.
 *
 * Statistical checks have fixed seeds; at 4 standard errors a fresh seed would fail one with probability 6e-5. */
#include "qtest.h"

#include "bulk.h"
#include "isa.h"
#include "rng.h"
#include "vmath.h"

enum { N = 4096 };

/* ---- functions ------------------------------------------------------------------------------------------------------ */

static double ulp_of(double x)
{
    int e;
    frexp(x, &e);
    return ldexp(1, e - 53);
}

static double off(double got, long double want)
{
    return (double)fabsl((long double)got - want) / ulp_of((double)want);
}

static void test_exp(void **state)
{
    (void)state;
    qn_rng r;
    qn_rng_seed(&r, 1, 2, 3, 4);
    static const double reach[] = {1e-8, 1, 30, 708};
    double worst = 0;
    for (size_t i = 0; i < 4; i++)
        for (int j = 0; j < 200000; j++) {
            double x = reach[i] * (2 * qn_rng_uniform(&r) - 1);
            worst = fmax(worst, off(qn_vexp(x), expl(x)));
        }
    assert_true(worst < 2);
    assert_true(qn_vexp(0) == 1);
    assert_true(qn_vexp(-INFINITY) == 0);
    assert_true(qn_vexp(-708.4) == 0); /* e^x would be subnormal */
    assert_true(qn_vexp(-708.38) > 0);
    assert_true(qn_vexp(-1e300) == 0);
    assert_true(off(qn_vexp(709.78), expl(709.78L)) < 4000); /* no more than the double 709.78 is off */
    assert_true(isinf(qn_vexp(709.79)) && isinf(qn_vexp(1e300)) && isinf(qn_vexp(INFINITY)));
    assert_true(isnan(qn_vexp(NAN)));
}

static void test_log(void **state)
{
    (void)state;
    qn_rng r;
    qn_rng_seed(&r, 1, 2, 3, 4);
    double worst = 0;
    for (int j = 0; j < 400000; j++) {
        double x = exp(1400 * (qn_rng_uniform(&r) - 0.5)), y = 0.5 + qn_rng_uniform(&r);
        worst = fmax(worst, fmax(off(qn_vlog(x), logl(x)), off(qn_vlog(y), logl(y))));
    }
    assert_true(worst < 3);
    assert_true(qn_vlog(1) == 0);
}

/* sin(pi x) by long double after the exact reduction x - round(x). */
static long double sinpi(double x)
{
    double n = round(x);
    long double y = sinl(3.14159265358979323846264338327950288L * (long double)(x - n));
    return fmod(n, 2) ? -y : y;
}

static long double cospi(double x)
{
    double n = round(x), r = fabs(x - n);
    long double y = sinl(3.14159265358979323846264338327950288L * (0.5L - r));
    return fmod(n, 2) ? -y : y;
}

static void test_sincos(void **state)
{
    (void)state;
    qn_rng r;
    qn_rng_seed(&r, 1, 2, 3, 4);
    static const double reach[] = {1e-9, 0.5, 3, 1e6};
    double worst[2] = {0, 0} /* near zeros, elsewhere */, octant[2] = {0, 0};
    for (size_t i = 0; i < 4; i++)
        for (int j = 0; j < 100000; j++) {
            double x = reach[i] * (2 * qn_rng_uniform(&r) - 1), s, c;
            double rest = x - round(x), e = off(qn_vsinpi(x), sinpi(x)), g = off(qn_vcospi(x), cospi(x));
            worst[fabs(rest) > 0.25] = fmax(worst[fabs(rest) > 0.25], e);
            worst[fabs(rest) < 0.25] = fmax(worst[fabs(rest) < 0.25], g);
            x = 0.78539816339744830962 * (2 * qn_rng_uniform(&r) - 1);
            qn_vsincos_octant(x, &s, &c);
            octant[0] = fmax(octant[0], off(s, sinl(x)));
            octant[1] = fmax(octant[1], off(c, cosl(x)));
        }
    assert_true(worst[0] < 2.5);
    assert_true(worst[1] < 5);
    assert_true(octant[0] < 2);
    assert_true(octant[1] < 2);
    for (int n = -5; n <= 5; n++) { /* exact zeros */
        assert_true(qn_vsinpi(n) == 0);
        assert_true(qn_vcospi(n + 0.5) == 0);
        assert_near(qn_vcospi(n), n % 2 ? -1 : 1, 5e-16);
        assert_near(qn_vsinpi(n + 0.5), n % 2 ? -1 : 1, 5e-16);
    }
    assert_true(isnan(qn_vsinpi(NAN)) && isnan(qn_vcospi(INFINITY)));
}

/* ---- bulk ----------------------------------------------------------------------------------------------------------- */

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static uint64_t xoshiro(uint64_t s[4])
{
    uint64_t out = rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return out;
}

/* The first words from the state 1, 2, 3, 4 are those of the authors' xoshiro256plusplus.c; then lane by lane against the scalar one. */
static void test_words(void **state)
{
    (void)state;
    static const uint64_t first[] = {41943041u, 58720359u, 3588806011781223u, 3591011842654386u, 9228616714210784205u};
    uint64_t s[4] = {1, 2, 3, 4}, word[N];
    for (size_t i = 0; i < 5; i++)
        assert_true(xoshiro(s) == first[i]);
    for (int level = 0; level <= (int)qn_isa(); level++) {
        qn_bulk_use((qn_isa_level)level);
        qn_rng from;
        qn_bulk b;
        qn_rng_seed(&from, 1, 2, 3, 4);
        qn_bulk_open(&b, &from);
        qn_bulk copy = b;
        qn_bulk_u64(&b, N, word);
        for (size_t j = 0; j < 8; j++) {
            uint64_t lane[4] = {copy.s[0][j], copy.s[1][j], copy.s[2][j], copy.s[3][j]};
            for (size_t i = j; i < N; i += 8)
                assert_true(word[i] == xoshiro(lane));
        }
    }
    qn_bulk_use(qn_isa());
}

static qn_bulk opened(uint64_t seed)
{
    qn_rng from;
    qn_bulk b;
    qn_rng_seed(&from, 0, seed, 0, 9);
    qn_bulk_open(&b, &from);
    return b;
}

/* The transform in long double out of the same words; the same bits at every level; short fills begin long ones. */
static void test_transform(void **state)
{
    (void)state;
    double x[3][N], part[N];
    uint64_t word[N];
    qn_bulk b = opened(1);
    qn_bulk_u64(&b, N, word);
    for (int level = 0; level <= (int)qn_isa(); level++) {
        qn_bulk_use((qn_isa_level)level);
        b = opened(1);
        qn_bulk_normal(&b, N, x[level]);
        assert_memory_equal(x[level], x[0], sizeof x[0]);
        b = opened(1);
        qn_bulk_normal(&b, 48, part);
        qn_bulk_normal(&b, 43, part + 48);
        assert_memory_equal(part, x[0], 91 * sizeof *part);
    }
    qn_bulk_use(qn_isa());
    double worst = 0;
    for (size_t i = 0; i < N; i++) {
        uint64_t u = word[i / 16 * 16 + i % 8], v = word[i / 16 * 16 + 8 + i % 8];
        long double radius = sqrtl(-2 * logl(((long double)(u >> 12) + 0.5L) / 4503599627370496.0L));
        long double angle = 1.57079632679489661923L * (((long double)(v >> 12) + 0.5L) / 4503599627370496.0L - 0.5L), sine = sinl(angle), cosine = cosl(angle);
        bool second = i % 16 >= 8, swap = v & 1;
        long double want = radius * (second != swap ? cosine : sine);
        if (second ? (v ^ v >> 1) & 1 : v >> 1 & 1)
            want = -want;
        worst = fmax(worst, (double)fabsl(want - x[0][i]));
    }
    assert_true(worst < 1e-14);
}

/* Moments to the sixth, the share beyond 3, and the correlation of neighbours at every distance up to 64: lanes, halves and groups. */
static void test_law(void **state)
{
    (void)state;
    enum { BLOCKS = 2000, LAGS = 64 };
    double x[N + LAGS], moment[7] = {0}, tail = 0, lag[LAGS + 1] = {0}, pairs[LAGS + 1] = {0};
    qn_bulk b = opened(2);
    for (size_t k = 0; k < BLOCKS; k++) {
        qn_bulk_normal(&b, N + LAGS, x);
        for (size_t i = 0; i < N; i++) {
            double y = x[i], power = 1;
            for (size_t j = 1; j <= 6; j++)
                moment[j] += power *= y;
            tail += fabs(y) > 3;
            for (size_t l = 1; l <= LAGS; l++) {
                lag[l] += y * x[i + l];
                pairs[l] += (y * y - 1) * (x[i + l] * x[i + l] - 1);
            }
        }
    }
    const double n = (double)BLOCKS * N, want[] = {0, 0, 1, 0, 3, 0, 15}, var[] = {0, 1, 2, 15, 96, 945, 10170};
    for (size_t j = 1; j <= 6; j++)
        assert_sigma(moment[j] / n, sqrt(var[j] / n), want[j]);
    const double beyond = erfc(3 / sqrt(2));
    assert_sigma(tail / n, sqrt(beyond / n), beyond);
    for (size_t l = 1; l <= LAGS; l++) {
        assert_sigma(lag[l] / n, sqrt(1 / n), 0);
        assert_sigma(pairs[l] / n, sqrt(4 / n), 0);
    }
}

/* Chi squared over 64 cells of equal chance, each lane of the group apart: mean 63, variance 126, summed over 16 lanes. */
static void test_cells(void **state)
{
    (void)state;
    enum { GROUPS = 100000, CELLS = 64 };
    static double count[QN_BULK_GROUP][CELLS];
    double x[QN_BULK_GROUP], chi = 0;
    qn_bulk b = opened(3);
    for (size_t g = 0; g < GROUPS; g++) {
        qn_bulk_normal(&b, QN_BULK_GROUP, x);
        for (size_t i = 0; i < QN_BULK_GROUP; i++)
            count[i][(size_t)(CELLS * 0.5 * erfc(-x[i] / sqrt(2)))]++;
    }
    const double expect = (double)GROUPS / CELLS;
    for (size_t i = 0; i < QN_BULK_GROUP; i++)
        for (size_t k = 0; k < CELLS; k++)
            chi += (count[i][k] - expect) * (count[i][k] - expect) / expect;
    assert_sigma(chi, sqrt(2.0 * 63 * QN_BULK_GROUP), 63.0 * QN_BULK_GROUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exp),       cmocka_unit_test(test_log), cmocka_unit_test(test_sincos), cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_transform), cmocka_unit_test(test_law), cmocka_unit_test(test_cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
