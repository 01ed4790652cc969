/* test_hebbian_kernel.c -- tables, patterns, kernels and random numbers of the storage engine, against definitions written out anew: exact, no
 * statistics but where the random numbers themselves are the subject. */
#include "hebbian/chain.h"
#include "hebbian_definition.h"
#include "rng.h"

static void tables_are_the_polynomials(void **state)
{
    (void)state;
    static const int size[][2] = {{2, 2}, {5, 2}, {12, 2}, {64, 2}, {4, 4}, {12, 4}, {33, 4}, {64, 4}, {6, 6}, {12, 6}, {40, 6}, {63, 6}, {8, 8}, {33, 8}, {64, 8}, {40, 16}, {64, 16}, {64, 32}, {60, 48}, {64, 64}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int variant = 0; variant < 4; variant++) {
            int n = size[i][0], p = size[i][1];
            heb_kind kind = variant / 2 ? HEB_FULL : HEB_DISTINCT;
            heb_norm norm = variant % 2 ? HEB_ASYMPTOTIC : HEB_EXACT;
            heb_energy e;
            assert_int_equal(heb_energy_init(&e, (size_t)n, p, kind, norm), 0);
            for (int m = -n; m <= n; m += 2) {
                long double want = energy_of(n, p, kind, norm, m);
                assert_near(e.f0 + e.f[(m + n) / 2], (double)want, 2e-15 * fabs(e.f0) + 1e-13 * (fabs((double)want) + 1e-3));
            }
            if (kind == HEB_DISTINCT && norm == HEB_EXACT)
                assert_near(e.f0 + e.f[n], n / 2.0, 1e-12 * n); /* a pattern has energy -N/2 */
            for (int k = -(n - 1); k <= n - 1; k += 2) { /* g = [f(k+1) - f(k-1)]/2 */
                long double want = (energy_of(n, p, kind, norm, k + 1) - energy_of(n, p, kind, norm, k - 1)) / 2;
                assert_near((double)(e.g_unit * e.g[(k + n - 1) / 2]), (double)want, 1e-12 * ((double)fabsl(want) + 1e-3));
            }
            heb_energy_free(&e);
        }
}

static void loads_are_those_of_the_spec(void **state)
{
    (void)state;
    /* spec section 3, norm exact, load 0.1 */
    assert_int_equal(lround(heb_patterns_at(0.1, 64, 4, HEB_EXACT)), 1986);
    assert_int_equal(lround(heb_patterns_at(0.1, 96, 4, HEB_EXACT)), 6921);
    assert_int_equal(lround(heb_patterns_at(0.1, 128, 4, HEB_EXACT)), 16669);
    assert_int_equal(lround(heb_patterns_at(0.1, 40, 6, HEB_EXACT)), 19192);
    assert_near(heb_patterns_at(0.25, 800, 2, HEB_ASYMPTOTIC), 200, 1e-12);
    assert_near(heb_patterns_at(0.1, 100, 4, HEB_ASYMPTOTIC), 2 * 0.1 * 1e6 / 24, 1e-9);
    for (int p = 2; p <= 8; p += 2)
        for (int norm = 0; norm < 2; norm++)
            assert_near(heb_load_of(heb_patterns_at(0.137, 1000, p, (heb_norm)norm), 1000, p, (heb_norm)norm), 0.137, 1e-14);
}

static void bad_orders_are_refused(void **state)
{
    (void)state;
    static const int bad[][2] = {{12, 3}, {12, 0}, {12, -2}, {1, 2}, {3, 4}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        heb_energy e;
        assert_int_equal(heb_energy_init(&e, (size_t)bad[i][0], bad[i][1], HEB_DISTINCT, HEB_EXACT), QN_ERR_INPUT);
        heb_energy_free(&e);
    }
}

static void patterns_are_kept_bit_for_bit(void **state)
{
    (void)state;
    static const size_t size[][2] = {{1, 1}, {7, 15}, {12, 16}, {33, 64}, {64, 511}, {5, 512}, {9, 513}, {3, 1500}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        size_t n = size[i][0], k = size[i][1];
        qn_rng rng;
        qn_rng_seed(&rng, 3, i, 0, 1);
        heb_patterns x, y;
        int8_t *xi = malloc(n);
        assert_int_equal(heb_patterns_init(&x, n, k), 0);
        assert_int_equal(heb_patterns_init(&y, n, k), 0);
        heb_patterns_draw(&x, &rng);
        size_t up = 0;
        for (size_t mu = 0; mu < k; mu++) {
            heb_patterns_get(&x, mu, xi);
            heb_patterns_put(&y, mu, xi);
            for (size_t j = 0; j < n; j++) {
                assert_int_equal(xi[j], heb_patterns_at_site(&x, j, mu));
                up += xi[j] > 0;
            }
        }
        assert_memory_equal(x.bits, y.bits, n * x.words * sizeof *x.bits); /* zeros beyond k as well */
        assert_true(heb_patterns_bytes((double)n, (double)k) >= (double)(n * x.words * 2));
        assert_near((double)up, (double)(n * k) / 2, Q_Z * sqrt((double)(n * k)) / 2 + 0.5);
        free(xi);
        heb_patterns_free(&x);
        heb_patterns_free(&y);
    }
}

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

/* Every form of the field, odd sizes among them; `form` is what the engine must choose. */
static const struct {
    size_t n, k;
    int p;
    heb_kind kind;
    heb_form form;
} cases[] = {
    {12, 5, 2, HEB_DISTINCT, HEB_QUADRATIC},   {33, 33, 2, HEB_FULL, HEB_QUADRATIC},     {257, 129, 2, HEB_DISTINCT, HEB_QUADRATIC},
    {2001, 17, 2, HEB_DISTINCT, HEB_QUADRATIC}, {12, 13, 2, HEB_DISTINCT, HEB_COUPLING}, {65, 577, 2, HEB_FULL, HEB_COUPLING},
    {12, 5, 4, HEB_DISTINCT, HEB_QUADRATIC},   {12, 5, 4, HEB_FULL, HEB_QUADRATIC},      {31, 1023, 4, HEB_DISTINCT, HEB_QUADRATIC},
    {64, 2049, 4, HEB_FULL, HEB_QUADRATIC},    {129, 1000, 4, HEB_DISTINCT, HEB_QUADRATIC}, {1024, 100, 4, HEB_DISTINCT, HEB_QUADRATIC},
    {3001, 33, 4, HEB_DISTINCT, HEB_REAL},     {12, 5, 6, HEB_DISTINCT, HEB_TABLE},      {40, 1919, 6, HEB_DISTINCT, HEB_TABLE},
    {63, 700, 6, HEB_DISTINCT, HEB_TABLE},     {65, 700, 6, HEB_DISTINCT, HEB_TABLE},    {40, 321, 6, HEB_FULL, HEB_TABLE},
    {33, 100, 8, HEB_DISTINCT, HEB_TABLE},     {200, 77, 8, HEB_DISTINCT, HEB_REAL},     {50, 130, 8, HEB_FULL, HEB_REAL},
};

typedef struct bench { /* one problem with its patterns */
    heb_patterns x;
    heb_problem pb;
    qn_rng rng;
} bench;

static void bench_init(bench *b, size_t i, heb_norm norm)
{
    qn_rng_seed(&b->rng, 20261124, i, 0, 7);
    assert_int_equal(heb_patterns_init(&b->x, cases[i].n, cases[i].k), 0);
    heb_patterns_draw(&b->x, &b->rng);
    assert_int_equal(heb_problem_init(&b->pb, cases[i].p, cases[i].kind, norm, &b->x), 0);
}

static void bench_free(bench *b)
{
    heb_problem_free(&b->pb);
    heb_patterns_free(&b->x);
}

static void random_spins(qn_rng *rng, size_t n, int8_t *s)
{
    for (size_t i = 0; i < n; i++)
        s[i] = qn_rng_u64(rng) >> 63 ? 1 : -1;
}

static long double plain_energy(const heb_problem *pb, const int8_t *s)
{
    long double h = 0;
    for (size_t mu = 0; mu < pb->k; mu++) {
        int m = 0;
        for (size_t i = 0; i < pb->n; i++)
            m += heb_patterns_at_site(pb->patterns, i, mu) * s[i];
        h -= pb->energy.f0 + pb->energy.f[(m + (int)pb->n) / 2];
    }
    return h;
}

/* Decisions, overlaps, energies and fields of a kernel against the plain reference, over a chain at a temperature where it moves. */
static void follow(const bench *b, bool reuse, heb_rule rule)
{
    enum { COUNT = 600 };
    const heb_problem *pb = &b->pb;
    size_t n = pb->n;
    qn_rng rng = b->rng;
    heb_chain c;
    uint32_t site[COUNT];
    double theta[COUNT];
    int8_t *s = malloc(n);
    int32_t *m = malloc(pb->k * sizeof *m);
    assert_int_equal(heb_chain_init(&c, pb, reuse), 0);
    for (int start = 0; start < 2; start++) {
        random_spins(&rng, n, s);
        if (start)
            heb_patterns_get(pb->patterns, pb->k - 1, s);
        heb_chain_set(&c, s);
        heb_plain_overlaps(pb, s, m);
        for (int hot = 0; hot < 3; hot++) {
            double t = (double[]){0, 0.5, 3}[hot];
            heb_draw_sites(&rng, n, COUNT, site);
            heb_draw_thresholds(&rng, rule, t / (2 * pb->energy.unit), COUNT, theta);
            if (t == 0)
                memset(theta, 0, sizeof theta);
            size_t flips = heb_kernel_get()->batch(&c, COUNT, site, theta, rule == HEB_METROPOLIS);
            if (pb->form == HEB_COUPLING)
                c.m_stale = true;
            assert_int_equal(flips, heb_plain_batch(pb, s, m, COUNT, site, theta, rule == HEB_METROPOLIS));
            assert_memory_equal(c.s, s, n);
            heb_chain_overlaps(&c);
            for (size_t mu = 0; mu < pb->k; mu++)
                assert_int_equal(c.m[mu], m[mu]);
            assert_int_equal(heb_chain_verify(&c), 0);
        }
        heb_summary sum;
        heb_chain_summary(&c, &sum);
        long double want = plain_energy(pb, s);
        assert_near(sum.energy, (double)want, 1e-13 * ((double)fabsl(want) + (double)pb->k * fabs(pb->energy.f0)) + 1e-12 * (double)n);
        int64_t squares = 0;
        int largest = 0;
        for (size_t mu = 0; mu < pb->k; mu++) {
            squares += (int64_t)m[mu] * m[mu];
            largest = abs(m[mu]) > largest ? abs(m[mu]) : largest;
        }
        assert_int_equal(sum.sum_m2, squares);
        assert_int_equal(sum.m_max, largest);
        for (size_t i = 0; i < n; i += 1 + n / 16) { /* a flip costs 2 s_i h_i */
            s[i] = (int8_t)-s[i];
            double cost = (double)(plain_energy(pb, s) - want);
            s[i] = (int8_t)-s[i];
            assert_near(2 * heb_chain_aligned(&c, i), cost, 1e-10 * (fabs(cost) + 1));
        }
    }
    free(s);
    free(m);
    heb_chain_free(&c);
}

static void kernels_decide_like_the_plain_loop(void **state)
{
    const char *name = *state;
    const heb_kernel *kernel = heb_kernel_named(name);
    if (!kernel) {
        print_message("this CPU has no %s\n", name);
        skip();
    }
    heb_kernel_use(kernel);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b = {0};
        bench_init(&b, i, i % 2 ? HEB_ASYMPTOTIC : HEB_EXACT);
        assert_int_equal(b.pb.form, cases[i].form);
        for (int variant = 0; variant < 4; variant++)
            follow(&b, variant / 2, variant % 2 ? HEB_METROPOLIS : HEB_HEATBATH);
        bench_free(&b);
    }
    heb_kernel_use(NULL);
}

/* Long chains, all kernels, with and without re-use: the same spins and the same bits of the energy. */
static void kernels_agree_to_the_bit(void **state)
{
    (void)state;
    static const char *const names[] = {"base", "avx2", "avx512"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b = {0};
        bench_init(&b, i, HEB_EXACT);
        int8_t *first = malloc(b.pb.n);
        double energy = 0;
        bool have = false;
        for (int v = 0; v < 6; v++) {
            const heb_kernel *kernel = heb_kernel_named(names[v / 2]);
            if (!kernel)
                continue;
            heb_kernel_use(kernel);
            heb_chain c;
            qn_rng rng = b.rng;
            int8_t *s = malloc(b.pb.n);
            random_spins(&rng, b.pb.n, s);
            assert_int_equal(heb_chain_init(&c, &b.pb, v % 2), 0);
            heb_chain_set(&c, s);
            for (int sweep = 0; sweep < 10; sweep++)
                heb_chain_sweep(&c, sweep % 3 == 2 ? HEB_METROPOLIS : HEB_HEATBATH, sweep % 4 == 3, 0.8, &rng);
            double e = heb_chain_energy(&c);
            if (have) {
                assert_memory_equal(c.s, first, b.pb.n);
                assert_memory_equal(&e, &energy, sizeof e);
            }
            memcpy(first, c.s, b.pb.n);
            energy = e;
            have = true;
            free(s);
            heb_chain_free(&c);
        }
        heb_kernel_use(NULL);
        free(first);
        bench_free(&b);
    }
}

/* Where an int32 lane would overflow without widening: many patterns at the largest |A|. */
static void sums_are_widened_in_time(void **state)
{
    const heb_kernel *kernel = heb_kernel_named(*state);
    if (!kernel)
        skip();
    heb_kernel_use(kernel);
    enum { N = 1400, K = 5000 }; /* A = N^3/6 = 4.6e8 in every pattern */
    heb_patterns x;
    heb_problem pb;
    heb_chain c;
    int8_t xi[N];
    uint32_t site = 5;
    double theta = 1e300;
    memset(xi, 1, sizeof xi);
    assert_int_equal(heb_patterns_init(&x, N, K), 0);
    for (size_t mu = 0; mu < K; mu++)
        heb_patterns_put(&x, mu, xi);
    assert_int_equal(heb_problem_init(&pb, 4, HEB_DISTINCT, HEB_EXACT, &x), 0);
    assert_int_equal(pb.form, HEB_QUADRATIC);
    assert_int_equal(heb_chain_init(&c, &pb, false), 0);
    heb_chain_set(&c, xi);
    assert_near(heb_chain_energy(&c), -(double)N / 2 * K, 1e-9 * N * K);
    assert_near(heb_chain_aligned(&c, 3), 2.0 * K, 1e-9 * K); /* the field on a pattern is P/2 */
    assert_int_equal(kernel->batch(&c, 1, &site, &theta, true), 1);
    assert_int_equal(c.s[5], -1);
    assert_int_equal(heb_chain_verify(&c), 0);
    xi[5] = -1;
    double before = heb_chain_aligned(&c, 3);
    heb_chain_set(&c, xi); /* rebuilt */
    assert_near(before, heb_chain_aligned(&c, 3), 0);
    heb_chain_free(&c);
    heb_problem_free(&pb);
    heb_patterns_free(&x);
    heb_kernel_use(NULL);
}

static void damage_is_noticed(void **state)
{
    (void)state;
    bench b = {0};
    bench_init(&b, 6, HEB_EXACT);
    heb_chain c;
    int8_t s[12];
    random_spins(&b.rng, 12, s);
    assert_int_equal(heb_chain_init(&c, &b.pb, false), 0);
    heb_chain_set(&c, s);
    assert_int_equal(heb_chain_verify(&c), 0);
    c.m[2] = (int16_t)(c.m[2] + 2);
    assert_int_equal(heb_chain_verify(&c), QN_ERR_NUMERIC);
    assert_non_null(strstr(qn_error_text(), "overlap 3"));
    heb_chain_free(&c);
    bench_free(&b);
}

/* ---- random numbers of a batch ----------------------------------------------------------------------------------- */

static void sites_are_uniform(void **state)
{
    (void)state;
    enum { COUNT = 1 << 18 };
    static const size_t sizes[] = {1, 2, 3, 12, 1000};
    uint32_t *site = malloc(COUNT * sizeof *site);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i], hits[1000] = {0};
        qn_rng rng;
        qn_rng_seed(&rng, 11, i, 0, 1);
        heb_draw_sites(&rng, n, COUNT, site);
        for (size_t u = 0; u < COUNT; u++) {
            assert_true(site[u] < n);
            hits[site[u]]++;
        }
        double chi2 = 0, want = (double)COUNT / (double)n;
        for (size_t k = 0; k < n; k++)
            chi2 += ((double)hits[k] - want) * ((double)hits[k] - want) / want;
        assert_near(chi2, (double)n - 1, Q_Z * sqrt(2 * (double)n) + 1e-9); /* chi^2 of n-1 degrees of freedom */
    }
    free(site);
}

/* The thresholds are functions of known random bits: compared with libm in long double. */
static void thresholds_are_logarithms(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    double *theta = malloc(COUNT * sizeof *theta);
    uint64_t *word = malloc(COUNT * sizeof *word);
    for (int rule = 0; rule < 2; rule++) {
        qn_rng a, b;
        qn_rng_seed(&a, 5, 6, 7, 8);
        b = a;
        heb_draw_thresholds(&a, rule ? HEB_METROPOLIS : HEB_HEATBATH, 0.7, COUNT, theta);
        for (size_t done = 0; done < COUNT; done += HEB_BATCH)
            qn_rng_fill_u64(&b, COUNT - done < HEB_BATCH ? COUNT - done : HEB_BATCH, word + done);
        for (size_t i = 0; i < COUNT; i++) {
            long double u = ((long double)(word[i] >> 12) + 0.5L) * 0x1p-52L, want = rule ? -0.7L * logl(u) : 0.7L * logl(u / (1 - u));
            assert_near(theta[i], (double)want, 1e-15 * ((double)fabsl(want) + 1));
        }
        assert_int_equal(qn_rng_u64(&a), qn_rng_u64(&b)); /* no more was drawn */
    }
    free(theta);
    free(word);
}

int main(void)
{
    static char base[] = "base", avx2[] = "avx2", avx512[] = "avx512";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_the_polynomials),
        cmocka_unit_test(loads_are_those_of_the_spec),
        cmocka_unit_test(bad_orders_are_refused),
        cmocka_unit_test(patterns_are_kept_bit_for_bit),
        {"kernels_decide_like_the_plain_loop, base", kernels_decide_like_the_plain_loop, NULL, NULL, base},
        {"kernels_decide_like_the_plain_loop, avx2", kernels_decide_like_the_plain_loop, NULL, NULL, avx2},
        {"kernels_decide_like_the_plain_loop, avx512", kernels_decide_like_the_plain_loop, NULL, NULL, avx512},
        cmocka_unit_test(kernels_agree_to_the_bit),
        {"sums_are_widened_in_time, base", sums_are_widened_in_time, NULL, NULL, base},
        {"sums_are_widened_in_time, avx2", sums_are_widened_in_time, NULL, NULL, avx2},
        {"sums_are_widened_in_time, avx512", sums_are_widened_in_time, NULL, NULL, avx512},
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(sites_are_uniform),
        cmocka_unit_test(thresholds_are_logarithms),
    };
    return cmocka_run_group_tests_name("hebbian kernel", tests, NULL, NULL);
}
