/* test_cbo_spins.c -- spin energies of the engine cbo, against definitions written out anew: direct sums over tuples and patterns, central
 * differences for the gradients, known minima. */
#include <unistd.h>

#include "cbo/spins.h"
#include "cbo_point.h"
#include "data.h"

/* ---- spherical p-spin ------------------------------------------------------------------------------------------------- */

/* The couplings are the first normals of the disorder stream, indices in lexicographic order. */
static long double pspin_energy(const made *m, const double *x)
{
    size_t d = m->o->d;
    int p = (int)qn_int(&m->q.p, "p");
    qn_streams s = streams_of(5);
    long double sd = sqrtl(tgammal(p + 1) / 2) * powl(d, -(p - 1) / 2.0L), square = 0, sum = 0;
    size_t n = 1;
    for (size_t k = 0; k < (size_t)p; k++)
        n = n * (d - k) / (k + 1);
    double *j = malloc(n * sizeof *j);
    qn_rng_fill_normal(&s.disorder, n, j);
    for (size_t k = 0; k < d; k++)
        square += (long double)x[k] * x[k];
    size_t index[8] = {0}, at = 0;
    for (int q = 0; q < p; q++)
        index[q] = (size_t)q;
    for (;;) {
        long double product = j[at++];
        for (int q = 0; q < p; q++)
            product *= x[index[q]];
        sum += product;
        int q = p - 1;
        while (q >= 0 && index[q] == d - (size_t)(p - q))
            q--;
        if (q < 0)
            break;
        index[q]++;
        for (int r = q + 1; r < p; r++)
            index[r] = index[r - 1] + 1;
    }
    assert_int_equal(at, n);
    free(j);
    return -sd * sum * powl(sqrtl(d / square), p);
}

static void pspin_is_the_sum_over_tuples(void **state)
{
    (void)state;
    static const struct {
        int p;
        size_t d;
    } cases[] = {{2, 2}, {2, 3}, {2, 17}, {2, 64}, {3, 3}, {3, 6}, {3, 21}, {4, 4}, {4, 11}, {5, 8}, {6, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];
        made m;
        snprintf(text, sizeof text, "objective=spherical_pspin p=%d d=%zu", cases[i].p, cases[i].d);
        make(&m, text, 5);
        assert_true(m.o->sphere);
        values_are(&m, 1.3, 1e-13, pspin_energy);
        gradient_is(&m, 1, 3e-8);
        unmake(&m);
    }
}

/* The variance over the disorder at x = (1,..,1): d^{-(p-1)} (p!/2) C(d,p).  4000 draws, error of a variance sqrt(2/4000): a fresh seed
 * fails with probability 2e-4 in all (three checks at z = 4). */
static void pspin_has_its_variance(void **state)
{
    (void)state;
    static const struct {
        int p;
        double d, want;
    } cases[] = {{2, 6, 15.0 / 6}, {3, 6, 3 * 20.0 / 36}, {4, 6, 12 * 15.0 / 216}};
    for (size_t i = 0; i < 3; i++) {
        const size_t runs = 4000;
        double square = 0;
        for (size_t r = 0; r < runs; r++) {
            char text[100];
            made m;
            double x[6] = {1, 1, 1, 1, 1, 1};
            snprintf(text, sizeof text, "objective=spherical_pspin p=%d d=6", cases[i].p);
            make(&m, text, r);
            double f = cbo_value(m.o, x, m.work);
            square += f * f / (double)runs;
            unmake(&m);
        }
        assert_sigma(square, cases[i].want * sqrt(2.0 / (double)runs), cases[i].want);
    }
}

/* p = 2: the minimum is an eigenvalue, so at the minimiser the gradient vanishes, f is f_min, and power iteration on -grad finds none lower. */
static void pspin_minimum_is_an_eigenvalue(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 5, 40, 150};
    for (size_t i = 0; i < 4; i++) {
        char text[100];
        made m;
        size_t d = sizes[i];
        snprintf(text, sizeof text, "objective=spherical_pspin p=2 d=%zu", d);
        make(&m, text, 5);
        double *g = malloc(d * sizeof *g), *x = malloc(d * sizeof *x), square = 0, lambda = 0;
        assert_int_equal(m.o->n_minimisers, 2);
        for (size_t s = 0; s < 2; s++) {
            const double *best = m.o->minimiser + s * d;
            square = 0;
            assert_near(cbo_value(m.o, best, m.work), m.o->f_min, 1e-12 * (double)d);
            m.o->grad(m.o, best, g);
            for (size_t k = 0; k < d; k++) {
                assert_near(g[k], 0, 1e-12 * (double)d);
                assert_near(m.o->minimiser[d + k], -m.o->minimiser[k], 0);
                square += best[k] * best[k];
            }
            assert_near(square, (double)d, 1e-11 * (double)d);
        }
        /* f(x) = -(d/2) x.Jx/|x|^2 and on |x|^2 = d: J x = -grad f - 2 f x/d.  Iterate with J + 3: the spectrum is within [-2.5, 2.5]. */
        for (size_t k = 0; k < d; k++)
            x[k] = cos((double)(3 * k + 1));
        for (int round = 0; round < 4000; round++) {
            square = 0;
            for (size_t k = 0; k < d; k++)
                square += x[k] * x[k];
            for (size_t k = 0; k < d; k++)
                x[k] *= sqrt((double)d / square);
            double f = cbo_value(m.o, x, m.work);
            m.o->grad(m.o, x, g);
            lambda = -2 * f / (double)d;
            for (size_t k = 0; k < d; k++)
                x[k] = 3 * x[k] - g[k] + lambda * x[k];
        }
        assert_near(-(double)d / 2 * lambda, m.o->f_min, 1e-4 * (double)d);
        assert_true(-(double)d / 2 * lambda >= m.o->f_min - 1e-11 * (double)d);
        free(g);
        free(x);
        unmake(&m);
    }
}

/* ---- dense Hebbian ---------------------------------------------------------------------------------------------------- */

/* The patterns by the scores of unit vectors: m_mu(e_k) = xi_k/sqrt(d). */
static int8_t *patterns_of(const made *m)
{
    size_t d = m->o->d, n = m->o->n_scores;
    int8_t *xi = malloc(n * d);
    double *x = calloc(d, sizeof *x), *score = malloc(n * sizeof *score);
    for (size_t k = 0; k < d; k++) {
        x[k] = 2;
        m->o->score(m->o, x, score);
        x[k] = 0;
        for (size_t mu = 0; mu < n; mu++) {
            assert_near(fabs(score[mu]) * sqrt((double)d), 1, 1e-14);
            xi[mu * d + k] = score[mu] > 0 ? 1 : -1;
        }
    }
    free(x);
    free(score);
    return xi;
}

static long double hebbian_energy(const made *m, const double *x)
{
    size_t d = m->o->d;
    int p = (int)qn_int(&m->q.p, "p");
    double g = qn_real(&m->q.p, "wells");
    long double sum = 0, square = 0, well = 0;
    int8_t *xi = patterns_of(m);
    for (size_t k = 0; k < d; k++) {
        square += (long double)x[k] * x[k];
        well += powl((long double)x[k] * x[k] - 1, 2);
    }
    for (size_t mu = 0; mu < m->o->n_scores; mu++) {
        long double dot = 0;
        for (size_t k = 0; k < d; k++)
            dot += xi[mu * d + k] * (long double)x[k];
        sum += powl(g > 0 ? dot : dot * sqrtl(d / square), p);
    }
    free(xi);
    return -powl(d, 1 - p) * sum + g / 4 * well;
}

static void hebbian_is_the_sum_over_patterns(void **state)
{
    (void)state;
    static const char *const cases[] = {"p=2 K=1 d=16", "p=2 K=5 d=33", "p=3 K=4 d=20", "p=4 K=7 d=16", "p=4 K=1 d=1", "p=6 K=3 d=10", "p=16 K=9 d=12",
                                        "p=2 K=3 d=12 wells=1", "p=3 K=2 d=9 wells=0.5", "p=4 K=5 d=14 wells=6"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        made m;
        snprintf(text, sizeof text, "objective=hebbian %s", cases[i]);
        make(&m, text, 2);
        assert_int_equal(m.o->n_scores, qn_int(&m.q.p, "K"));
        assert_int_equal(m.kind->scores(&m.q.p), m.o->n_scores);
        assert_true(m.o->sphere == !strstr(text, "wells"));
        values_are(&m, 1.1, 2e-13, hebbian_energy);
        if (m.o->d > 1)
            gradient_is(&m, 1, 3e-8);
        unmake(&m);
    }
}

/* One pattern: f_min is attained at the minimiser, which has overlap 1, and no random descent goes below. */
static void one_pattern_has_its_minimum(void **state)
{
    (void)state;
    static const char *const cases[] = {"p=2", "p=3", "p=4", "p=2 wells=0.7", "p=2 wells=20", "p=3 wells=1.5", "p=4 wells=5", "p=4 wells=40"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        made m;
        snprintf(text, sizeof text, "objective=hebbian d=12 %s", cases[i]);
        make(&m, text, 3);
        size_t d = 12;
        bool odd = strstr(text, "p=3");
        double m_mu, g[12], x[12];
        assert_int_equal(m.o->n_minimisers, odd ? 1 : 2);
        for (size_t s = 0; s < m.o->n_minimisers; s++) {
            const double *best = m.o->minimiser + s * d;
            assert_near(cbo_value(m.o, best, m.work), m.o->f_min, 1e-12 * fabs(m.o->f_min));
            m.o->grad(m.o, best, g);
            for (size_t k = 0; k < d; k++)
                assert_near(g[k], 0, 1e-11);
            m.o->score(m.o, best, &m_mu);
            assert_near(m_mu, s ? -1 : 1, 1e-14);
        }
        if (m.o->sphere)
            assert_near(m.o->f_min, -12, 1e-12);
        double least = INFINITY, *tile = tile_of(d, 64, 1.2, i);
        for (size_t lane = 0; lane < 64; lane++) {
            pick(d, tile, lane, x);
            for (size_t k = 0; k < d; k++) /* half of them near the pattern: strong wells hold the others */
                x[k] = lane % 2 ? m.o->minimiser[k] + x[k] / 3 : x[k];
            for (int step = 0; step < 3000; step++) {
                m.o->grad(m.o, x, g);
                for (size_t k = 0; k < d; k++)
                    x[k] -= 0.02 / (1 + qn_real(&m.q.p, "wells")) * g[k];
            }
            double f = cbo_value(m.o, x, m.work);
            assert_true(f >= m.o->f_min - 1e-9);
            least = fmin(least, f);
        }
        assert_near(least, m.o->f_min, 1e-6);
        free(tile);
        unmake(&m);
    }
}

static void patterns_come_from_a_file(void **state)
{
    (void)state;
    static const char file[] = "tests/data/patterns_N12_K5.txt";
    qn_spins rows;
    made m;
    assert_int_equal(qn_spins_read(file, 12, &rows), 0);
    for (int part = 0; part < 2; part++) { /* all of them, the first three */
        char text[200];
        snprintf(text, sizeof text, "objective=hebbian p=4 pattern_file=%s%s", file, part ? " K=3" : "");
        make(&m, text, 0);
        size_t k = part ? 3 : 5;
        int8_t *xi = patterns_of(&m);
        assert_int_equal(m.o->d, 12);
        assert_int_equal(m.o->n_scores, k);
        assert_int_equal(m.kind->scores(&m.q.p), k);
        assert_memory_equal(xi, rows.s, k * 12);
        free(xi);
        unmake(&m);
    }
    qn_spins_free(&rows);
    complains("objective=hebbian pattern_file=tests/data/patterns_N12_K5.txt", "");
    complains("objective=hebbian pattern_file=tests/data/patterns_N12_K5.txt K=6", "holds 5 rows");
    complains("objective=hebbian pattern_file=tests/data/LICENSES.md", "is not a spin");
    assert_int_equal(try_make(&m, "objective=hebbian pattern_file=tests/data/patterns_N12_K5.txt K=6", 0), QN_ERR_DATA);
    unmake(&m);
}

/* Fair signs: of 200 x 200, z = 4 is a chance of 6e-5; two replicas differ, the same one does not. */
static void patterns_are_drawn(void **state)
{
    (void)state;
    int8_t *xi[3];
    for (size_t r = 0; r < 3; r++) {
        made m;
        make(&m, "objective=hebbian K=200 d=200", r ? r : 1);
        xi[r] = patterns_of(&m);
        unmake(&m);
    }
    double sum = 0, along = 0;
    for (size_t k = 0; k < 40000; k++) {
        sum += xi[0][k];
        along += xi[0][k] * xi[2][k];
    }
    assert_memory_equal(xi[0], xi[1], 40000);
    assert_sigma(sum, 200, 0);
    assert_sigma(along, 200, 0);
    for (size_t r = 0; r < 3; r++)
        free(xi[r]);
}

static void spins_complain(void **state)
{
    (void)state;
    complains("objective=spherical_pspin p=3 d=200", "");
    complains("objective=spherical_pspin p=3 d=201", "at most 200");
    complains("objective=spherical_pspin p=2 d=1001", "at most 1000");
    complains("objective=spherical_pspin p=7 d=10", "p from 2 to 6");
    complains("objective=spherical_pspin p=4 d=3", "d must be at least p");
    complains("objective=spherical_pspin d=3 shift=0,1", "has no meaning");
    complains("objective=hebbian d=4 shift=1", "has no meaning");
    complains("objective=hebbian d=4 shift=1 wells=1", "");
    complains("objective=hebbian p=6 wells=3 d=4", "no minimum; p must be at most 4");
    complains("objective=hebbian p=4 wells=4 d=4", "more than 4");
    complains("objective=hebbian p=4 wells=4.1 d=4", "");
    complains("objective=hebbian K=100000 d=100000", "too many");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pspin_is_the_sum_over_tuples),
        cmocka_unit_test(pspin_has_its_variance),
        cmocka_unit_test(pspin_minimum_is_an_eigenvalue),
        cmocka_unit_test(hebbian_is_the_sum_over_patterns),
        cmocka_unit_test(one_pattern_has_its_minimum),
        cmocka_unit_test(patterns_come_from_a_file),
        cmocka_unit_test(patterns_are_drawn),
        cmocka_unit_test(spins_complain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
