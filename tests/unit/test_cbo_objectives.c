/* test_cbo_objectives.c -- spin energies, learning losses and users' objectives of the engine cbo, against definitions written out anew: direct
 * sums over tuples and patterns, a loss in long double straight from the images, central differences for every gradient. */
#include <unistd.h>

#include "cbo/learning.h"
#include "cbo/quench_objective.h"
#include "cbo/settings.h"
#include "cbo/spins.h"
#include "cbo/user.h"
#include "config.h"
#include "data.h"
#include "group.h"
#include "params.h"
#include "qtest.h"
#include "rng.h"

/* ---- points and objectives ------------------------------------------------------------------------------------------- */

static const qn_model table = {.name = "table", .parameters = cbo_parameters};
static char folder[] = "/tmp/quench-objectives-XXXXXX";

typedef struct point {
    qn_schema schema;
    qn_params p;
} point;

/* Parameters given as "objective=hebbian p=4 ..."; values without blanks. */
static void point_set(point *q, const char *text)
{
    char word[32], value[300];
    int used;
    assert_int_equal(qn_schema_init(&q->schema, &table), 0);
    assert_int_equal(qn_params_init(&q->p, &q->schema), 0);
    for (; sscanf(text, " %31[^= ]=%299s%n", word, value, &used) == 2; text += used) {
        int i = qn_schema_index(&q->schema, word);
        if (i < 0)
            fail_msg("there is no parameter %s", word);
        qn_value_free(&q->p.v[i]);
        if (qn_value_parse(&q->schema.item[i], value, &q->p.v[i]))
            fail_msg("%s: %s", word, qn_error_text());
        q->p.v[i].given = true;
    }
}

static void point_free(point *q)
{
    qn_params_free(&q->p);
    qn_schema_free(&q->schema);
}

/* The first complaint about a point, or "". */
static const char *complaint(const char *text)
{
    static char said[1000];
    point q;
    qn_problems c = {.file = "f", .source = ""};
    point_set(&q, text);
    const cbo_objective_kind *kind = cbo_objective_kind_of(&q.p);
    assert_non_null(kind->check);
    kind->check(&q.p, &c);
    snprintf(said, sizeof said, "%s", c.n ? c.item[0].text : "");
    qn_problems_free(&c);
    point_free(&q);
    return said;
}

static void complains(const char *text, const char *part)
{
    const char *said = complaint(text);
    if (!strstr(said, part) || (!*part && *said))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, said, part);
}

static qn_streams streams_of(size_t replica)
{
    qn_streams s;
    qn_streams_open(&s, 20240611, (const uint64_t[]){1, 2}, (const uint64_t[]){3, 4}, replica);
    return s;
}

typedef struct made {
    point q;
    const cbo_objective_kind *kind;
    void *shared;
    cbo_objective *o;
    double *work; /* [3*d*CBO_LANES] */
} made;

static int try_make(made *m, const char *text, size_t replica)
{
    qn_streams s = streams_of(replica);
    *m = (made){0};
    point_set(&m->q, text);
    m->kind = cbo_objective_kind_of(&m->q.p);
    int err = m->kind->prepare ? m->kind->prepare(&m->q.p, &m->shared) : 0;
    if (!err)
        err = cbo_objective_make(&m->q.p, m->shared, &s, &m->o);
    if (!err)
        m->work = aligned_alloc(64, 3 * m->o->d * CBO_LANES * sizeof *m->work);
    return err;
}

static void make(made *m, const char *text, size_t replica)
{
    if (try_make(m, text, replica))
        fail_msg("%s: %s", text, qn_error_text());
}

static void unmake(made *m)
{
    cbo_objective_free(m->o);
    if (m->kind->release && m->shared)
        m->kind->release(m->shared);
    free(m->work);
    point_free(&m->q);
}

/* A tile of random points, some of them with coordinates 0; padding is NaN and must stay out of everything. */
static double *tile_of(size_t d, size_t lanes, double spread, uint64_t seed)
{
    qn_rng r;
    qn_rng_seed(&r, seed, 1, 2, 3);
    double *x = aligned_alloc(64, d * CBO_LANES * sizeof *x);
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++)
            x[k * CBO_LANES + i] = i >= lanes ? NAN : (i + k) % 7 == 3 ? 0 : spread * qn_rng_normal(&r);
    return x;
}

static void pick(size_t d, const double *tile, size_t lane, double *x)
{
    for (size_t k = 0; k < d; k++)
        x[k] = tile[k * CBO_LANES + lane];
}

/* f of whole and half-full tiles against `want`, relative to `unit`; f behind the lanes stays as it was. */
static void values_are(const made *m, double spread, double tol, long double (*want)(const made *m, const double *x))
{
    size_t d = m->o->d;
    double *y = malloc(d * sizeof *y);
    static const size_t lanes[] = {64, 40, 8};
    for (size_t t = 0; t < 3; t++) {
        double *x = tile_of(d, lanes[t], spread, t), f[CBO_LANES];
        for (size_t i = 0; i < CBO_LANES; i++)
            f[i] = 12345;
        m->o->eval(m->o, lanes[t], x, f, m->work);
        for (size_t i = 0; i < CBO_LANES; i++) {
            pick(d, x, i, y);
            long double w = i < lanes[t] ? want(m, y) : 12345;
            if (isnan((double)w))
                assert_true(isnan(f[i]));
            else
                assert_near(f[i], (double)w, tol * (1 + fabs((double)w)));
        }
        if (t == 2)
            assert_true(isnan(cbo_value(m->o, y, m->work))); /* a padding lane is NaN */
        pick(d, x, 5, y);
        assert_near(cbo_value(m->o, y, m->work), f[5], 1e-13 * (1 + fabs(f[5])));
        free(x);
    }
    free(y);
}

/* The gradient at random points against central differences of h = 1e-5. */
static void gradient_is(const made *m, double spread, double tol)
{
    size_t d = m->o->d, all = d < 60 ? 1 : d / 60;
    double *x = malloc(d * sizeof *x), *g = malloc(d * sizeof *g), *tile = tile_of(d, 8, spread, 77);
    assert_non_null(m->o->grad);
    for (size_t i = 0; i < 3; i++) {
        pick(d, tile, i, x);
        m->o->grad(m->o, x, g);
        double size = 0;
        for (size_t k = 0; k < d; k++)
            size = fmax(size, fabs(g[k]));
        assert_true(size > 1e-12);
        for (size_t k = i; k < d; k += all) {
            double at = x[k], h = 1e-5;
            x[k] = at + h;
            double up = cbo_value(m->o, x, m->work);
            x[k] = at - h;
            double down = cbo_value(m->o, x, m->work);
            x[k] = at;
            assert_near(g[k], (up - down) / (2 * h), tol * size);
        }
    }
    free(tile);
    free(g);
    free(x);
}

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

/* ---- images ----------------------------------------------------------------------------------------------------------- */

#define MNIST "images=tests/data/mnist-test5k-images-idx3-ubyte.gz labels=tests/data/mnist-test5k-labels-idx1-ubyte.gz"
#define FASHION_TEST "test_images=tests/data/fashion-test2k-images-idx3-ubyte.gz test_labels=tests/data/fashion-test2k-labels-idx1-ubyte.gz"

static qn_images digits;

/* Logits of one image, straight from the pixels. */
static void logits(const qn_images *im, size_t image, size_t hidden, const double *x, long double z[10])
{
    const size_t inputs = 784, n = hidden ? hidden : 10;
    long double h[64];
    for (size_t u = 0; u < n; u++) {
        h[u] = x[inputs * n + u];
        for (size_t k = 0; k < inputs; k++)
            h[u] += im->pixels[image * inputs + k] / 255.0L * x[k * n + u];
    }
    if (!hidden) {
        memcpy(z, h, 10 * sizeof *z);
        return;
    }
    const double *v = x + (inputs + 1) * hidden;
    for (size_t c = 0; c < 10; c++) {
        z[c] = v[hidden * 10 + c];
        for (size_t u = 0; u < hidden; u++)
            z[c] += h[u] > 0 ? h[u] * v[u * 10 + c] : 0;
    }
}

static long double loss_of(size_t image, size_t hidden, const double *x)
{
    long double z[10], sum = 0;
    logits(&digits, image, hidden, x, z);
    for (size_t c = 0; c < 10; c++)
        sum += expl(z[c] - z[digits.labels[image]]);
    return logl(sum);
}

static size_t hidden_of(const made *m)
{
    return strcmp(m->o->name, "mlp") ? 0 : (size_t)qn_int(&m->q.p, "hidden");
}

static long double cross_entropy(const made *m, const double *x)
{
    size_t n = (size_t)qn_int(&m->q.p, "samples");
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += loss_of(i, hidden_of(m), x);
    return sum / (long double)n;
}

static void images_are_learnt_by_cross_entropy(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t d;
        double spread;
    } cases[] = {{"objective=softmax samples=3 " MNIST, 7850, 1}, /* as the published start: logits of some ten */
                 {"objective=softmax samples=70 " MNIST, 7850, 0.1}, /* more than the 64 sums of one logarithm */
                 {"objective=softmax samples=2 " MNIST, 7850, 300}, /* far out: exp would overflow */
                 {"objective=mlp hidden=13 samples=4 " MNIST, 785 * 13 + 140, 0.3}, {"objective=mlp hidden=24 samples=3 " MNIST, 785 * 24 + 250, 0.1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made m;
        make(&m, cases[i].text, 0);
        assert_int_equal(m.o->d, cases[i].d);
        assert_int_equal(m.o->n_minimisers, 0);
        assert_null(m.o->batch);
        assert_null(m.o->score);
        double *x = tile_of(m.o->d, 16, cases[i].spread, i), *y = malloc(m.o->d * sizeof *y), f[CBO_LANES];
        m.o->eval(m.o, 16, x, f, m.work);
        for (size_t lane = 0; lane < 16; lane += i == 1 ? 5 : 1) {
            pick(m.o->d, x, lane, y);
            double want = (double)cross_entropy(&m, y);
            assert_near(f[lane], want, 1e-12 * (1 + want));
        }
        if (cases[i].spread < 1)
            gradient_is(&m, 0.1, 1e-6);
        x[5 * CBO_LANES + 2] = NAN; /* a pixel that is 0 in these images keeps its weight out of it; a bias does not */
        x[(m.o->d - 1) * CBO_LANES + 3] = NAN;
        x[(m.o->d - 1) * CBO_LANES + 4] = INFINITY;
        m.o->eval(m.o, 16, x, f, m.work);
        assert_true(isfinite(f[2]) && isnan(f[3]) && !isfinite(f[4]));
        free(x);
        free(y);
        unmake(&m);
    }
}

static void accuracy_is_counted(void **state)
{
    (void)state;
    for (size_t hidden = 0; hidden < 20; hidden += 10) {
        qn_images test;
        made m;
        char text[500];
        snprintf(text, sizeof text, "objective=%s hidden=10 samples=10 " MNIST " " FASHION_TEST, hidden ? "mlp" : "softmax");
        assert_int_equal(qn_images_read("tests/data/fashion-test2k-images-idx3-ubyte.gz", "tests/data/fashion-test2k-labels-idx1-ubyte.gz", &test), 0);
        make(&m, text, 0);
        double *tile = tile_of(m.o->d, 8, 1, 4), *x = malloc(m.o->d * sizeof *x), accuracy;
        pick(m.o->d, tile, 2, x);
        assert_int_equal(m.o->n_scores, 1);
        m.o->score(m.o, x, &accuracy);
        size_t right = 0;
        for (size_t i = 0; i < test.n; i += 1) {
            long double z[10];
            size_t best = 0;
            logits(&test, i, hidden, x, z);
            for (size_t c = 1; c < 10; c++)
                best = z[c] > z[best] ? c : best;
            right += best == test.labels[i];
        }
        assert_true(right > 0 && right < test.n);
        assert_near(accuracy, (double)right / (double)test.n, 1e-12);
        free(tile);
        free(x);
        unmake(&m);
        qn_images_free(&test);
    }
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One example a step: an epoch shows every example once, in a new order every time, the same for all lanes; a batch of four is the mean of its
 * four; and a checkpoint goes on with the same. */
static void batches_are_passes_over_the_data(void **state)
{
    (void)state;
    enum { N = 24 };
    made one, four, again;
    double alone[N], seen[3][N], last = 0, f[CBO_LANES];
    make(&one, "objective=softmax samples=24 data_batch=1 " MNIST, 0);
    make(&four, "objective=softmax samples=24 data_batch=5 " MNIST, 0);
    make(&again, "objective=softmax samples=24 data_batch=5 " MNIST, 0);
    assert_true(one.o->batch && one.o->save && one.o->load);
    double *x = calloc(7850 * CBO_LANES, sizeof *x), *y = malloc(7850 * sizeof *y), *tile = tile_of(7850, 8, 0.1, 1);
    pick(7850, tile, 0, y);
    for (size_t k = 0; k < 7850; k++)
        for (size_t i = 0; i < CBO_LANES; i++)
            x[k * CBO_LANES + i] = y[k];
    for (size_t i = 0; i < N; i++)
        alone[i] = (double)loss_of(i, 0, y);
    qn_streams s = streams_of(9);
    for (size_t epoch = 0; epoch < 3; epoch++)
        for (size_t i = 0; i < N; i++) {
            one.o->eval(one.o, 64, x, f, one.work);
            for (size_t lane = 1; lane < 64; lane++)
                assert_near(f[lane], f[0], 0);
            seen[epoch][i] = f[0];
            one.o->batch(one.o, &s.dynamics);
        }
    assert_memory_not_equal(seen[0], seen[1], sizeof seen[0]);
    assert_memory_not_equal(seen[1], seen[2], sizeof seen[0]);
    qsort(alone, N, sizeof *alone, order);
    for (size_t epoch = 0; epoch < 3; epoch++) {
        qsort(seen[epoch], N, sizeof *alone, order);
        for (size_t i = 0; i < N; i++)
            assert_near(seen[epoch][i], alone[i], 1e-12);
    }
    /* 24 = 4 * 5 + 4: the order is drawn at every fourth batch and not between */
    qn_group g = {0};
    for (size_t step = 0; step < 13; step++) {
        qn_rng before = s.dynamics;
        four.o->batch(four.o, &s.dynamics);
        assert_true((memcmp(&before, &s.dynamics, sizeof before) != 0) == (step % 4 == 3));
    }
    double batch = cbo_value(four.o, y, four.work);
    assert_int_equal(four.o->save(four.o, &g), 0);
    assert_true(fabs(cbo_value(again.o, y, again.work) - batch) > 1e-6);
    assert_int_equal(again.o->load(again.o, &g), 0);
    for (size_t step = 0; step < 9; step++) {
        qn_rng other = s.dynamics;
        assert_near(cbo_value(again.o, y, again.work), cbo_value(four.o, y, four.work), 0);
        four.o->grad(four.o, y, x);
        again.o->grad(again.o, y, x + 7850);
        assert_memory_equal(x, x + 7850, 7850 * sizeof *x);
        four.o->batch(four.o, &s.dynamics);
        again.o->batch(again.o, &other);
        last = cbo_value(four.o, y, four.work);
    }
    assert_true(last != batch);
    gradient_is(&four, 0.1, 1e-6);
    uint32_t *named = g.entry[1].data;
    named[3] = 24;
    assert_int_equal(again.o->load(again.o, &g), QN_ERR_DATA);
    named[3] = 2;
    *(int64_t *)g.entry[0].data = 20;
    assert_int_equal(again.o->load(again.o, &g), QN_ERR_DATA);
    qn_group_clear(&g);
    free(x);
    free(y);
    free(tile);
    unmake(&one);
    unmake(&four);
    unmake(&again);
}

static void images_complain(void **state)
{
    (void)state;
    made m;
    complains("objective=softmax data_batch=60 samples=60 " MNIST, "");
    complains("objective=softmax data_batch=61 samples=60 " MNIST, "there are 60 examples");
    complains("objective=softmax samples=5001 " MNIST, "holds 5000 images");
    complains("objective=mlp hidden=2000 " MNIST, "at most 1024");
    complains("objective=softmax shift=0 " MNIST, "has no meaning");
    complains("objective=softmax rotate=true " MNIST, "has no meaning");
    complains("objective=softmax images=tests/data/mnist-test5k-labels-idx1-ubyte.gz labels=tests/data/mnist-test5k-images-idx3-ubyte.gz", "exchanged");
    complains("objective=softmax images=/nowhere labels=/nowhere", ""); /* the core says so */
    complains("objective=softmax images=tests/data/mnist-test5k-images-idx3-ubyte.gz labels=tests/data/fashion-test2k-labels-idx1-ubyte.gz", "2000 labels");
    complains("objective=teacher samples=100 data_batch=101", "there are 100 examples");
    complains("objective=teacher data_batch=256", "");
    complains("objective=teacher samples=100000 inputs=100000", "at most 2^28");
    char small[300], text[900];
    snprintf(small, sizeof small, "%s/small", folder); /* two images of 2 x 2 */
    FILE *f = fopen(small, "wb");
    fwrite("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02" "abcdefgh", 1, 24, f);
    fclose(f);
    char labels[320];
    snprintf(labels, sizeof labels, "%s.labels", small);
    f = fopen(labels, "wb");
    fwrite("\0\0\x08\x01\0\0\0\x02\0\x02", 1, 10, f);
    fclose(f);
    snprintf(text, sizeof text, "objective=softmax " MNIST " test_images=%s test_labels=%s", small, labels);
    complains(text, "4 pixels, but the training images have 784");
    assert_int_equal(try_make(&m, text, 0), QN_ERR_DATA);
    unmake(&m);
    snprintf(text, sizeof text, "objective=softmax images=%s labels=%s", small, labels); /* classes 0 to 2 */
    complains(text, "");
    make(&m, text, 0);
    assert_int_equal(m.o->d, 15);
    unmake(&m);
}

/* ---- teacher ---------------------------------------------------------------------------------------------------------- */

static double committee_output(size_t inputs, size_t hidden, const float *a, const double *w)
{
    double y = 0;
    for (size_t u = 0; u < hidden; u++) {
        double h = 0;
        for (size_t k = 0; k < inputs; k++)
            h += a[k] * w[k * hidden + u];
        y += tanh(h / sqrt((double)inputs));
    }
    return y / sqrt((double)hidden);
}

/* Drawn in this order from the disorder stream: teacher, examples (inputs, then noise), test examples without noise. */
static long double teacher_losses(const made *m, const double *x, bool test)
{
    size_t inputs = (size_t)qn_int(&m->q.p, "inputs"), hidden = (size_t)qn_int(&m->q.p, "hidden"), n = (size_t)qn_int(&m->q.p, "samples");
    double noise = qn_real(&m->q.p, "label_noise"), *teacher = malloc(m->o->d * sizeof *teacher);
    float *a = malloc(inputs * sizeof *a);
    qn_streams s = streams_of(6);
    long double sum = 0;
    qn_rng_fill_normal(&s.disorder, m->o->d, teacher);
    for (size_t i = 0; i < (test ? 2 : 1) * n; i++) {
        for (size_t k = 0; k < inputs; k++)
            a[k] = (float)qn_rng_normal(&s.disorder);
        double target = committee_output(inputs, hidden, a, teacher) + (noise > 0 && i < n ? noise * qn_rng_normal(&s.disorder) : 0);
        if (test == (i >= n))
            sum += powl(committee_output(inputs, hidden, a, x) - target, 2) / 2;
    }
    free(a);
    free(teacher);
    return sum / (long double)n;
}

static long double teacher_loss(const made *m, const double *x)
{
    return teacher_losses(m, x, false);
}

static void teacher_is_half_the_squared_error(void **state)
{
    (void)state;
    static const char *const cases[] = {"inputs=5 hidden=3 samples=40", "inputs=8 hidden=16 samples=30 label_noise=0.3", "inputs=1 hidden=1 samples=2",
                                        "inputs=30 hidden=27 samples=11"};
    for (size_t i = 0; i < 4; i++) {
        char text[200];
        made m;
        snprintf(text, sizeof text, "objective=teacher %s", cases[i]);
        make(&m, text, 6);
        size_t d = m.o->d;
        assert_int_equal(d, m.kind->dimension(&m.q.p));
        values_are(&m, 1, 1e-13, teacher_loss);
        gradient_is(&m, 1, 1e-6);
        double error, *teacher = malloc(d * sizeof *teacher);
        qn_streams s = streams_of(6);
        qn_rng_fill_normal(&s.disorder, d, teacher);
        m.o->score(m.o, teacher, &error);
        assert_near(error, 0, 1e-28);
        bool noisy = i == 1;
        assert_true(noisy ? isnan(m.o->f_min) : m.o->f_min == 0);
        assert_near(cbo_value(m.o, teacher, m.work), noisy ? 0.045 : 0, noisy ? 0.045 * 4 * sqrt(2.0 / 30) : 1e-28); /* noise^2/2; z = 4 */
        teacher[0] += 1;
        m.o->score(m.o, teacher, &error);
        assert_true(error > 1e-5);
        assert_near(error, (double)teacher_losses(&m, teacher, true), 1e-13);
        free(teacher);
        unmake(&m);
    }
}

/* ---- users' objectives ------------------------------------------------------------------------------------------------ */

/* Compiles `source` (a file when it ends with .c) into FOLDER/NAME.so; returns its path. */
static const char *plugin(const char *name, const char *source)
{
    static char path[300];
    char line[1200], file[300];
    snprintf(file, sizeof file, "%s", source);
    if (strcmp(source + strlen(source) - 2, ".c")) {
        snprintf(file, sizeof file, "%s/%s.c", folder, name);
        FILE *f = fopen(file, "w");
        fprintf(f, "#include <quench_objective.h>\n#include <math.h>\n#include <stdio.h>\n%s\n", source);
        fclose(f);
    }
    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    snprintf(line, sizeof line, "cc -std=c11 -D_DEFAULT_SOURCE -O1 -fPIC -shared -Imodels/cbo %s -lm -o %s", file, path);
    if (system(line))
        fail_msg("%s does not compile", file);
    return path;
}

static const char *user_point(const char *path, const char *rest)
{
    static char text[900];
    snprintf(text, sizeof text, "objective=user objective_file=%s %s", path, rest);
    return text;
}

static long double chain_energy(const made *m, const double *x)
{
    long double f = 0;
    for (size_t k = 0; k < m->o->d; k++)
        f += powl((long double)x[k] - (k ? x[k - 1] : 0) - 1, 2) / 2 + 0.25L * (1 - cosl(2 * acosl(-1) * x[k]));
    return f;
}

static void the_template_is_an_objective(void **state)
{
    (void)state;
    made m;
    const char *path = plugin("example", "models/template/objective/example.c");
    complains(user_point(path, "d=5"), "");
    make(&m, user_point(path, "d=5 objective_options=height=0.25"), 0);
    values_are(&m, 2, 1e-12, chain_energy);
    gradient_is(&m, 2, 1e-8);
    assert_int_equal(m.o->n_minimisers, 1);
    assert_near(m.o->f_min, 0, 0);
    assert_near(cbo_value(m.o, m.o->minimiser, m.work), 0, 1e-28);
    for (size_t k = 0; k < 5; k++)
        assert_near(m.o->minimiser[k], (double)k + 1, 0);
    unmake(&m);
    make(&m, user_point(path, "d=3 objective_options=spacing=0.5 shift=1"), 0);
    assert_int_equal(m.o->n_minimisers, 0);
    unmake(&m);
    make(&m, user_point(path, "d=3 shift=2"), 0);
    assert_near(m.o->minimiser[2], 5, 0);
    assert_near(cbo_value(m.o, m.o->minimiser, m.work), 0, 1e-28);
    unmake(&m);
    assert_int_equal(try_make(&m, user_point(path, "d=3 objective_options=mass=3"), 0), QN_ERR_MODEL);
    assert_non_null(strstr(qn_error_text(), "objective chain: options are stiffness="));
    unmake(&m);
}

#define EVAL "static void eval(size_t n, size_t d, size_t ld, const double *x, double *out, void *c)\n" \
             "{ (void)d; (void)ld; (void)c; for (size_t i = 0; i < n; i++) out[i] = x[i] < 0 ? (double)NAN : x[i]; }\n"
#define TABLE "const quench_objective_table quench_objective = {.abi = QUENCH_OBJECTIVE_ABI, .name = \"mine\", "

static void what_is_no_objective_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *source, *says;
    } cases[] = {
        {"nothing", "int other = 3;", "does not export `const quench_objective_table quench_objective`"},
        {"old", EVAL "const quench_objective_table quench_objective = {.abi = 0, .name = \"old\", .eval = eval};", "speaks version 0 of the interface of objectives, this quench version 1"},
        {"new", EVAL "const quench_objective_table quench_objective = {.abi = 2, .name = \"new\", .eval = eval};", "speaks version 2"},
        {"half", TABLE "0};", "lacks name or eval"},
        {"anonymous", EVAL "const quench_objective_table quench_objective = {.abi = 1, .eval = eval};", "lacks name or eval"},
        {"flags", EVAL TABLE ".eval = eval, .flags = 6};", "unknown flags 0x6"},
        {"range", EVAL TABLE ".eval = eval, .d_min = 3, .d_max = 2};", "d from 3 to 2"},
        {"undefined", "extern void nowhere(void); void f(void); void f(void) { nowhere(); }\n" EVAL TABLE ".eval = eval};", "nowhere"},
    };
    made m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = plugin(cases[i].name, cases[i].source);
        complains(user_point(path, "d=2"), cases[i].says);
        assert_int_equal(try_make(&m, user_point(path, "d=2"), 0), QN_ERR_INPUT);
        assert_non_null(strstr(qn_error_text(), cases[i].says));
        unmake(&m);
    }
    complains("objective=user objective_file=tests/data/LICENSES.md", "cannot be loaded");
    const char *two = plugin("two", EVAL TABLE ".eval = eval, .d_min = 2, .d_max = 2};");
    complains(user_point(two, "d=2"), "");
    complains(user_point(two, "d=3"), "the objective mine of");
    complains(user_point(two, "d=3"), "takes d 2");
    const char *few = plugin("few", EVAL TABLE ".eval = eval, .d_max = 4};");
    complains(user_point(few, "d=5"), "takes d from 1 to 4");
    const char *many = plugin("many", EVAL TABLE ".eval = eval, .d_min = 4};");
    complains(user_point(many, "d=3"), "takes d at least 4");
}

static void what_a_table_says_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *name, *source, *says;
    } cases[] = {
        {"mute", EVAL "static int create(size_t d, const char *o, uint64_t s, void **c, char *m, size_t n) { (void)d; (void)o; (void)s; (void)c; (void)m; (void)n; return 1; }\n"
                 TABLE ".eval = eval, .create = create};", "cannot be made, and does not say why"},
        {"fickle", EVAL "static size_t minimiser(size_t d, double *x, double *f, void *c) { (void)d; (void)f; (void)c; return x ? 1 : 2; }\n"
                   TABLE ".eval = eval, .minimiser = minimiser};", "2 minimisers first"},
        {"nowhere", EVAL "static size_t minimiser(size_t d, double *x, double *f, void *c) { (void)d; (void)f; (void)c; if (x) x[0] = 1, x[1] = (double)NAN; return 1; }\n"
                    TABLE ".eval = eval, .minimiser = minimiser};", "coordinate 1 of its minimiser 0 is not finite"},
    };
    made m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(try_make(&m, user_point(plugin(cases[i].name, cases[i].source), "d=2"), 0), QN_ERR_MODEL);
        if (!strstr(qn_error_text(), cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", qn_error_text(), cases[i].says);
        unmake(&m);
    }
}

/* NaN comes out as it is; options, seed and the end reach the plug-in (it keeps a diary); the seed is the replica's. */
static void options_and_seed_arrive(void **state)
{
    (void)state;
    static const char source[] = EVAL
        "static int create(size_t d, const char *o, uint64_t s, void **c, char *m, size_t n)\n"
        "{ (void)m; (void)n; FILE *f = *c = fopen(o, \"a\"); fprintf(f, \"%zu %016llx\\n\", d, (unsigned long long)s); return 0; }\n"
        "static void destroy(void *c) { fprintf(c, \"end\\n\"); fclose(c); }\n" TABLE ".eval = eval, .create = create, .destroy = destroy};";
    char path[300], diary[300], rest[400], line[4][100] = {{0}};
    snprintf(path, sizeof path, "%s", plugin("diary", source));
    snprintf(diary, sizeof diary, "%s/diary.txt", folder);
    snprintf(rest, sizeof rest, "d=3 objective_options=%s", diary);
    static const size_t replica[] = {4, 4, 5};
    double f[CBO_LANES];
    for (size_t i = 0; i < 3; i++) {
        made m;
        make(&m, user_point(path, rest), replica[i]);
        assert_null(m.o->grad);
        double *x = tile_of(3, 64, 1, i);
        m.o->eval(m.o, 64, x, f, m.work);
        for (size_t lane = 0; lane < 64; lane++)
            assert_true(x[lane] < 0 ? isnan(f[lane]) : f[lane] == x[lane]);
        free(x);
        unmake(&m);
    }
    char text[6][100];
    FILE *file = fopen(diary, "r");
    for (size_t i = 0; i < 6; i++)
        assert_non_null(fgets(text[i], sizeof text[i], file));
    assert_null(fgets(line[0], sizeof line[0], file));
    fclose(file);
    assert_int_equal(strncmp(text[0], "3 ", 2), 0);
    assert_string_equal(text[1], "end\n");
    assert_string_equal(text[0], text[2]);
    assert_string_not_equal(text[0], text[4]);
}

/* Four threads: an objective that is not reentrant sees one of them at a time; one that says it is sees several (which shows that the
 * first half would notice). */
static void the_lock_is_kept(void **state)
{
    (void)state;
    static const char source[] =
        "#include <stdatomic.h>\n#include <unistd.h>\nstatic atomic_int inside;\n"
        "static void eval(size_t n, size_t d, size_t ld, const double *x, double *out, void *c)\n"
        "{ (void)d; (void)ld; (void)x; (void)c; int others = atomic_fetch_add(&inside, 1); usleep(2000); atomic_fetch_sub(&inside, 1);\n"
        "  for (size_t i = 0; i < n; i++) out[i] = others; }\n" TABLE ".eval = eval, .flags = FLAGS};";
    for (int reentrant = 0; reentrant < 2; reentrant++) {
        char text[1500];
        made m;
        snprintf(text, sizeof text, "#define FLAGS %d\n%s", reentrant, source);
        make(&m, user_point(plugin(reentrant ? "free" : "locked", text), "d=1"), 0);
        double most = 0;
#pragma omp parallel num_threads(4) reduction(max : most)
        for (int i = 0; i < 20; i++) {
            double x[CBO_LANES] = {0}, f[CBO_LANES] = {0};
            m.o->eval(m.o, 8, x, f, NULL);
            most = f[0] > most ? f[0] : most;
        }
        assert_true(reentrant ? most > 0 : most == 0);
        unmake(&m);
    }
}

/* ---- instruction sets -------------------------------------------------------------------------------------------------- */

/* A digest of values of every kind, as a program of its own: the instruction set is chosen once per process. */
static int print_digest(void)
{
    static const char *const cases[] = {"objective=spherical_pspin p=2 d=37", "objective=spherical_pspin p=3 d=19", "objective=hebbian p=4 K=7 d=21",
                                        "objective=hebbian p=2 K=2 d=9 wells=1", "objective=softmax samples=9 " MNIST, "objective=mlp hidden=12 samples=5 " MNIST,
                                        "objective=teacher samples=20 hidden=7"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made m;
        char hex[33];
        make(&m, cases[i], 1);
        double *x = tile_of(m.o->d, 56, 0.7, i), f[CBO_LANES] = {0};
        m.o->eval(m.o, 56, x, f, m.work);
        qn_hash_hex(qn_hash_bytes(f, 56 * sizeof *f), hex);
        printf("%s ", hex);
        free(x);
        unmake(&m);
    }
    return 0;
}

static void instruction_sets_agree(void **state)
{
    (void)state;
    static const char *const sets[] = {"base", "avx2", "avx512"};
    char program[500] = {0}, line[600], text[3][400] = {{0}};
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "QUENCH_ISA=%s %s digest", sets[i], program);
        FILE *f = popen(line, "r");
        assert_non_null(f);
        assert_non_null(fgets(text[i], sizeof text[i], f));
        assert_int_equal(pclose(f), 0);
        assert_int_equal(strlen(text[i]), 7 * 33);
        assert_string_equal(text[i], text[0]);
    }
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(folder) && !qn_images_read("tests/data/mnist-test5k-images-idx3-ubyte.gz", "tests/data/mnist-test5k-labels-idx1-ubyte.gz", &digits) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    char line[300];
    qn_images_free(&digits);
    snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "digest"))
        return print_digest();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pspin_is_the_sum_over_tuples), cmocka_unit_test(pspin_has_its_variance), cmocka_unit_test(pspin_minimum_is_an_eigenvalue),
        cmocka_unit_test(hebbian_is_the_sum_over_patterns), cmocka_unit_test(one_pattern_has_its_minimum), cmocka_unit_test(patterns_come_from_a_file),
        cmocka_unit_test(patterns_are_drawn), cmocka_unit_test(spins_complain), cmocka_unit_test(images_are_learnt_by_cross_entropy),
        cmocka_unit_test(accuracy_is_counted), cmocka_unit_test(batches_are_passes_over_the_data), cmocka_unit_test(images_complain),
        cmocka_unit_test(teacher_is_half_the_squared_error), cmocka_unit_test(the_template_is_an_objective), cmocka_unit_test(what_is_no_objective_is_refused),
        cmocka_unit_test(what_a_table_says_is_checked), cmocka_unit_test(options_and_seed_arrive), cmocka_unit_test(the_lock_is_kept),
        cmocka_unit_test(instruction_sets_agree)};
    return cmocka_run_group_tests(tests, begin, end);
}
