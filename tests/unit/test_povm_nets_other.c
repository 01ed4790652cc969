/* test_povm_nets_other.c -- the nets made, gru and rbm, string states, the list and the tree of connected strings, theta as an artifact: normalisation,
 * gradients against differences, samplers against enumerated probabilities, the same bits for any number of threads.
 *
 * Statistical checks have fixed seeds; a chi squared outside p = 1e-4 .. 1 - 1e-4 has probability 2e-4 for a fresh seed, and there are 23. */
#include "qtest.h"

#include <gsl/gsl_cdf.h>

#include "povm/connected.h"
#include "povm/lattice.h"
#include "povm/net.h"
#include "povm/rbm.h"
#include "povm/real.h"
#include "povm/theta.h"
#include "quench.h"

static const qn_streams streams = {.key = {21, 22}, .disorder_key = {23, 24}};

static povm_shape made_of(int n, int layers, bool single)
{
    return (povm_shape){.ansatz = POVM_MADE, .n = n, .k = 4, .hidden = 5, .layers = layers, .single = single};
}

static povm_shape gru_of(int n, int layers, bool single)
{
    return (povm_shape){.ansatz = POVM_GRU, .n = n, .k = 4, .d = 7, .layers = layers, .single = single};
}

static qn_rng rng_of(uint64_t seed)
{
    qn_rng r;
    qn_rng_seed(&r, 0, seed, 0, 5);
    return r;
}

/* Every parameter off its start, output weights of order 1. */
static povm_net *random_net(const povm_shape *s, uint64_t seed, double **theta)
{
    povm_net *net;
    assert_int_equal(povm_net_create(s, &net), 0);
    const size_t count = povm_net_count(net);
    *theta = malloc(count * sizeof **theta);
    assert_non_null(*theta);
    double p[64 * 6];
    for (int i = 0; i < s->n * s->k; i++)
        p[i] = 1.0 / s->k;
    qn_rng r = rng_of(seed);
    povm_net_start(net, p, 1, 0.5, &r, *theta);
    for (size_t i = 0; i < count; i++)
        (*theta)[i] += 0.3 * qn_rng_normal(&r);
    povm_net_set(net, *theta);
    return net;
}

static uint8_t *all_strings(size_t n, size_t k, size_t *count)
{
    *count = 1;
    for (size_t i = 0; i < n; i++)
        *count *= k;
    uint8_t *strings = malloc(*count * n);
    assert_non_null(strings);
    for (size_t c = 0; c < *count; c++) {
        size_t rest = c;
        for (size_t i = 0; i < n; i++, rest /= k)
            strings[c * n + i] = (uint8_t)(rest % k);
    }
    return strings;
}

static size_t index_of(size_t n, size_t k, const uint8_t *string)
{
    size_t c = 0;
    for (size_t i = n; i-- > 0;)
        c = c * k + string[i];
    return c;
}

static double *probabilities(povm_net *net, const uint8_t *strings, size_t count)
{
    double *p = malloc(count * sizeof *p);
    assert_non_null(p);
    povm_net_logp(net, count, strings, p);
    for (size_t c = 0; c < count; c++)
        p[c] = exp(p[c]);
    return p;
}

static double sum_of(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* Chains and grids with as many orders as there are. */
typedef struct place {
    povm_lattice lattice;
    int *order, orders;
} place;

static place place_of(int lx, int ly, bool periodic, bool double_bonds, int most)
{
    place p;
    assert_int_equal(povm_lattice_create(lx, ly, periodic, double_bonds, &p.lattice), 0);
    p.orders = povm_lattice_orders(&p.lattice, most, &p.order);
    assert_true(p.orders > 0);
    return p;
}

static void leave(place *p)
{
    povm_lattice_free(&p->lattice);
    free(p->order);
}

static povm_shape along(povm_shape s, const place *p)
{
    s.order = p->order;
    s.orders = p->orders;
    return s;
}

/* ---- functions ---- */

static void test_functions(void **state)
{
    (void)state;
    double worst_exp = 0, worst_tanh = 0, worst_fine = 0;
    for (double v = -87; v < 88.2; v += 7e-4) {
        const float x = (float)v, y = povm_exp_f32(x);
        const double want = exp((double)x);
        worst_exp = fmax(worst_exp, fabs((double)y - want) / (double)(nextafterf((float)want, INFINITY) - (float)want));
    }
    for (double v = -10; v < 10; v += 3e-5) {
        const float x = (float)v, y = povm_tanh_f32(x), size = fabsf((float)tanh((double)x));
        worst_tanh = fmax(worst_tanh, fabs((double)y - tanh((double)x)) / (double)(nextafterf(size, INFINITY) - size));
        worst_fine = fmax(worst_fine, fabs(povm_tanh_f64(v) / tanh(v) - 1));
    }
    assert_true(worst_exp < 2 && worst_tanh < 6 && worst_fine < 1e-14);
    assert_true(povm_tanh_f32(50) == 1 && povm_tanh_f32(0) == 0 && isnan(povm_tanh_f32(NAN)) && isnan(povm_exp_f32(NAN)));
    assert_true(povm_exp_f32(-1000) > 0 && povm_exp_f32(-1000) < 2e-38f && isfinite(povm_exp_f32(1000)));
}

/* ---- normalisation, start ---- */

static void check_normalised(const povm_shape *s, uint64_t seed)
{
    double *theta;
    povm_net *net = random_net(s, seed, &theta);
    size_t count;
    uint8_t *strings = all_strings((size_t)s->n, (size_t)s->k, &count);
    double *p = probabilities(net, strings, count);
    assert_near(sum_of(count, p), 1, s->single ? 1e-5 : 1e-12);
    const size_t draws = 200;
    uint8_t *drawn = malloc(draws * (size_t)s->n);
    double *logp = malloc(draws * sizeof *logp), *again = malloc(draws * sizeof *again);
    assert_true(drawn && logp && again);
    povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, seed, draws, drawn, logp);
    povm_net_logp(net, draws, drawn, again);
    for (size_t i = 0; i < draws; i++)
        assert_near(logp[i], again[i], s->single ? 1e-5 : 1e-10);
    povm_net_destroy(net);
    free(theta);
    free(strings);
    free(p);
    free(drawn);
    free(logp);
    free(again);
}

static void test_normalised(void **state)
{
    (void)state;
    for (int single = 0; single < 2; single++)
        for (int layers = 1; layers <= 2; layers++)
            for (int n = 1; n <= 6; n++) {
                povm_shape s[] = {made_of(n, layers, single), gru_of(n, layers, single)};
                for (size_t i = 0; i < 2; i++) {
                    check_normalised(&s[i], (uint64_t)n);
                    s[i].k = n < 4 ? 6 : 3;
                    check_normalised(&s[i], (uint64_t)n);
                    s[i].hidden = 16;
                    s[i].d = 32;
                    s[i].k = 4;
                    check_normalised(&s[i], (uint64_t)n);
                }
            }
}

/* Without output weights every net is the product state, whatever its other weights; an rbm up to a constant. */
static void test_start(void **state)
{
    (void)state;
    enum { N = 4, K = 4, ALL = 256 };
    double p[N * K];
    qn_rng r = rng_of(3);
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int a = 0; a < K; a++)
            sum += p[i * K + a] = 0.1 + qn_rng_uniform(&r);
        for (int a = 0; a < K; a++)
            p[i * K + a] /= sum;
    }
    size_t count;
    uint8_t *strings = all_strings(N, K, &count);
    const povm_shape shapes[] = {made_of(N, 1, false), made_of(N, 2, true), gru_of(N, 1, true), gru_of(N, 2, false),
                                 {.ansatz = POVM_RBM, .n = N, .k = K, .hidden = 2}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        povm_net *net;
        assert_int_equal(povm_net_create(&shapes[i], &net), 0);
        double *theta = malloc(povm_net_count(net) * sizeof *theta);
        assert_non_null(theta);
        povm_net_start(net, p, 1, 0, &r, theta);
        povm_net_set(net, theta);
        double *got = probabilities(net, strings, count);
        const double norm = shapes[i].ansatz == POVM_RBM ? sum_of(count, got) : 1;
        for (size_t c = 0; c < count; c++) {
            double want = norm;
            for (int v = 0; v < N; v++)
                want *= p[v * K + strings[c * N + (size_t)v]];
            assert_near(got[c], want, 1e-6 * want);
        }
        povm_net_destroy(net);
        free(theta);
        free(got);
    }
    free(strings);
}

/* ---- gradients ---- */

static double objective(povm_net *net, const double *theta, size_t count, const uint8_t *strings, const double *weight)
{
    double logp[64], sum = 0;
    assert_true(count <= 64);
    povm_net_set(net, theta);
    povm_net_logp(net, count, strings, logp);
    for (size_t i = 0; i < count; i++)
        sum += weight[i] * logp[i];
    return sum;
}

/* 50 parameters of every tensor: central differences of fourth order, h = 1e-3, relative to the parameter's gradient, or to a hundredth of the largest
 * of the tensor. */
static void check_gradient(const povm_shape *s, uint64_t seed)
{
    enum { STRINGS = 9 };
    double *theta;
    povm_net *net = random_net(s, seed, &theta);
    const size_t n = (size_t)s->n, count = povm_net_count(net);
    uint8_t strings[STRINGS * 16];
    double weight[STRINGS], *grad = calloc(count, sizeof *grad);
    assert_non_null(grad);
    qn_rng r = rng_of(seed + 1);
    for (size_t i = 0; i < STRINGS * n; i++)
        strings[i] = (uint8_t)qn_rng_below(&r, (uint64_t)s->k);
    for (size_t i = 0; i < STRINGS; i++)
        weight[i] = qn_rng_normal(&r);
    povm_net_grad(net, STRINGS, strings, weight, grad);
    const povm_tensor *tensor;
    const size_t tensors = povm_net_tensors(net, &tensor);
    size_t next = 0;
    for (size_t v = 0; v < tensors; v++) {
        assert_true(tensor[v].first == next && tensor[v].count == tensor[v].rows * tensor[v].columns);
        next += tensor[v].count;
        double most = 0;
        for (size_t i = 0; i < tensor[v].count; i++)
            most = fmax(most, fabs(grad[tensor[v].first + i]));
        assert_true(most > 1e-6);
        for (size_t pick = 0; pick < 50; pick++) {
            const size_t i = tensor[v].first + qn_rng_below(&r, tensor[v].count);
            const double at = theta[i], h = 1e-3;
            double f[4];
            for (int e = 0; e < 4; e++) {
                theta[i] = at + h * (double[]){-2, -1, 1, 2}[e];
                f[e] = objective(net, theta, STRINGS, strings, weight);
            }
            theta[i] = at;
            const double want = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
            if (fabs(grad[i] - want) > 1e-7 * fmax(fabs(want), 1e-2 * most))
                fail_msg("%s[%zu]: %.12g, by differences %.12g", tensor[v].name, i - tensor[v].first, grad[i], want);
        }
    }
    assert_true(next == count);

    double *scores = calloc(STRINGS * count, sizeof *scores);
    assert_non_null(scores);
    povm_net_set(net, theta);
    povm_net_scores(net, STRINGS, strings, scores);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t j = 0; j < STRINGS; j++)
            sum += weight[j] * scores[j * count + i];
        assert_near(sum, grad[i], 1e-12 * (1 + fabs(grad[i])));
    }
    povm_net_destroy(net);
    free(theta);
    free(grad);
    free(scores);
}

static void test_gradient(void **state)
{
    (void)state;
    place ring = place_of(5, 1, true, false, 6);
    for (int layers = 1; layers <= 2; layers++) {
        povm_shape s[] = {made_of(5, layers, false), gru_of(5, layers, false), along(made_of(5, layers, false), &ring), along(gru_of(5, layers, false), &ring)};
        for (size_t i = 0; i < sizeof s / sizeof *s; i++) {
            check_gradient(&s[i], 40 + i);
            s[i].k = 6;
            check_gradient(&s[i], 50 + i);
        }
    }
    check_gradient(&(povm_shape){.ansatz = POVM_RBM, .n = 5, .k = 4, .hidden = 3}, 60);
    leave(&ring);
}

/* sum_a P(a) grad log P(a) = grad 1 = 0. */
static void test_score(void **state)
{
    (void)state;
    place ring = place_of(4, 1, true, false, 8);
    const povm_shape shapes[] = {made_of(4, 1, false), made_of(4, 2, false), gru_of(4, 1, false), gru_of(4, 2, false), along(made_of(4, 1, false), &ring),
                                 along(gru_of(4, 1, false), &ring), made_of(4, 2, true), gru_of(4, 2, true)};
    size_t count;
    uint8_t *strings = all_strings(4, 4, &count);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double *theta;
        povm_net *net = random_net(&shapes[i], 70 + i, &theta);
        double *p = probabilities(net, strings, count), *grad = calloc(povm_net_count(net), sizeof *grad);
        assert_non_null(grad);
        povm_net_grad(net, count, strings, p, grad);
        for (size_t v = 0; v < povm_net_count(net); v++)
            assert_near(grad[v], 0, shapes[i].single ? 1e-5 : 1e-12);
        povm_net_destroy(net);
        free(theta);
        free(p);
        free(grad);
    }
    free(strings);
    leave(&ring);
}

/* ---- connected strings ---- */

/* Tree against list, values and gradients; `positions`, `listed`: how many are worked out for one string. */
static void check_connected(povm_shape s, const povm_lattice *l, uint64_t positions, uint64_t listed, uint64_t seed)
{
    enum { STRINGS = 70 };
    double *theta;
    povm_net *net = random_net(&s, seed, &theta);
    const size_t n = (size_t)s.n, k = (size_t)s.k, bonds = (size_t)l->n_bonds, ones = STRINGS * n * k, twos = STRINGS * bonds * k * k;
    const size_t count = povm_net_count(net);
    uint8_t *strings = malloc(STRINGS * n);
    double *value[2], *grad[2], *weight = malloc((ones + twos) * sizeof *weight);
    qn_rng r = rng_of(seed);
    for (size_t i = 0; i < STRINGS * n; i++)
        strings[i] = (uint8_t)qn_rng_below(&r, k);
    for (size_t i = 0; i < ones + twos; i++)
        weight[i] = qn_rng_uniform(&r) < 0.2 ? 0 : qn_rng_normal(&r);
    for (int tree = 0; tree < 2; tree++) {
        value[tree] = malloc((ones + twos) * sizeof(double));
        grad[tree] = calloc(count, sizeof(double));
        assert_true(value[tree] && grad[tree]);
        for (size_t i = 0; i < ones + twos; i++)
            value[tree][i] = NAN;
        const uint64_t done = povm_net_connected(net, tree, bonds, (const int (*)[2])l->bond, STRINGS, strings, value[tree], value[tree] + ones);
        if (positions)
            assert_true(done == STRINGS * (tree ? positions : listed));
        povm_net_connected_grad(net, tree, bonds, (const int (*)[2])l->bond, STRINGS, strings, weight, weight + ones, grad[tree]);
    }
    const double tolerance = s.single ? 2e-5 : 1e-12;
    for (size_t i = 0; i < ones + twos; i++)
        assert_near(value[0][i], value[1][i], tolerance * (1 + fabs(value[0][i])));
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(grad[0][i]));
    for (size_t i = 0; i < count; i++)
        assert_near(grad[0][i], grad[1][i], tolerance * most);

    /* the definition, for a few entries */
    for (size_t pick = 0; pick < 40 && bonds; pick++) {
        const size_t x = qn_rng_below(&r, STRINGS), q = qn_rng_below(&r, bonds), b = qn_rng_below(&r, k), c = qn_rng_below(&r, k);
        uint8_t a[64];
        memcpy(a, strings + x * n, n);
        a[l->bond[q][0]] = (uint8_t)b;
        double want;
        povm_net_logp(net, 1, a, &want);
        assert_near(value[0][(x * n + (size_t)l->bond[q][0]) * k + b], want, tolerance * 10);
        a[l->bond[q][1]] = (uint8_t)c;
        povm_net_logp(net, 1, a, &want);
        assert_near(value[0][ones + (x * bonds + q) * k * k + b + k * c], want, tolerance * 10);
    }
    for (int tree = 0; tree < 2; tree++) {
        free(value[tree]);
        free(grad[tree]);
    }
    povm_net_destroy(net);
    free(theta);
    free(strings);
    free(weight);
}

static void test_connected(void **state)
{
    (void)state;
    place ring = place_of(8, 1, true, false, 4), torus = place_of(3, 3, true, false, 4), twice = place_of(2, 2, true, true, 8), open = place_of(5, 1, false, false, 2);
    int turned[][2] = {{3, 0}, {1, 2}, {2, 1}, {4, 1}, {0, 4}, {0, 3}};
    povm_lattice odd = open.lattice, none = open.lattice;
    odd.n_bonds = 6;
    odd.bond = turned;
    none.n_bonds = 0;
    for (int layers = 1; layers <= 2; layers++)
        for (int single = 0; single < 2; single++) {
            check_connected(made_of(8, layers, single), &ring.lattice, 281, 776, 80);
            check_connected(gru_of(8, layers, single), &ring.lattice, 281, 776, 81);
            check_connected(made_of(9, layers, single), &torus.lattice, 549, 1710, 82);
            check_connected(made_of(4, layers, single), &twice.lattice, 0, 0, 83);
            check_connected(gru_of(4, layers, single), &twice.lattice, 0, 0, 84);
            povm_shape s = made_of(5, layers, single), g = gru_of(5, layers, single);
            check_connected(s, &none, 5 + 3 * 10, 80, 85);
            s.k = g.k = 6;
            check_connected(s, &odd, 0, 0, 86);
            check_connected(g, &odd, 0, 0, 87);
        }
    check_connected(made_of(1, 1, false), &(povm_lattice){.n = 1}, 1, 4, 88);
    check_connected(gru_of(1, 1, false), &(povm_lattice){.n = 1}, 1, 4, 88);
    povm_shape s = {.ansatz = POVM_RBM, .n = 5, .k = 4, .hidden = 3};
    check_connected(s, &odd, 0, 0, 89);
    s.n = 4;
    check_connected(s, &twice.lattice, 0, 0, 90);
    check_connected(along(made_of(8, 1, false), &ring), &ring.lattice, 0, 0, 91);
    check_connected(along(gru_of(4, 1, false), &twice), &twice.lattice, 0, 0, 92);
    check_connected(along((povm_shape){.ansatz = POVM_PRODUCT, .n = 9, .k = 4}, &torus), &torus.lattice, 0, 0, 93);
    check_connected(along((povm_shape){.ansatz = POVM_TRANSFORMER, .n = 4, .k = 4, .d = 8, .f = 8, .heads = 2, .layers = 1}, &twice), &twice.lattice, 0, 0, 94);
    leave(&ring);
    leave(&torus);
    leave(&twice);
    leave(&open);
}

/* ---- samplers ---- */

/* Cells with fewer than 5 expected draws are merged. */
static void check_chi_square(size_t cells, const double *p, const uint64_t *seen, double draws)
{
    double chi = 0, rest_want = 0, rest_seen = 0;
    size_t dof = 0;
    for (size_t c = 0; c < cells; c++) {
        const double want = p[c] * draws;
        if (want < 5) {
            rest_want += want;
            rest_seen += (double)seen[c];
            continue;
        }
        chi += ((double)seen[c] - want) * ((double)seen[c] - want) / want;
        dof++;
    }
    if (rest_want >= 5) {
        chi += (rest_seen - rest_want) * (rest_seen - rest_want) / rest_want;
        dof++;
    }
    const double q = gsl_cdf_chisq_Q(chi, (double)(dof - 1));
    if (!(q > 1e-4 && q < 1 - 1e-4))
        fail_msg("chi squared %.1f with %zu degrees of freedom: p = %.3g", chi, dof - 1, q);
}

static void check_sampler(const povm_shape *s, size_t draws, uint64_t seeds)
{
    double *theta;
    povm_net *net = random_net(s, 100, &theta);
    const size_t n = (size_t)s->n, k = (size_t)s->k;
    size_t count;
    uint8_t *all = all_strings(n, k, &count), *strings = malloc(draws * n);
    double *p = probabilities(net, all, count), *logp = malloc(draws * sizeof *logp);
    uint64_t *seen = malloc(count * sizeof *seen);
    assert_true(strings && logp && seen);
    for (uint64_t seed = 0; seed < seeds; seed++) {
        povm_net_sample(net, &streams, QN_STREAM_MEASUREMENT, seed << 32, draws, strings, logp);
        memset(seen, 0, count * sizeof *seen);
        for (size_t i = 0; i < draws; i++)
            seen[index_of(n, k, strings + i * n)]++;
        check_chi_square(count, p, seen, (double)draws);
    }
    povm_net_destroy(net);
    free(theta);
    free(all);
    free(strings);
    free(p);
    free(logp);
    free(seen);
}

static void test_sampler(void **state)
{
    (void)state;
    place ring = place_of(4, 1, true, false, 8);
    const povm_shape made = made_of(6, 1, true), deep = made_of(6, 2, false), gru = gru_of(6, 1, true), two = gru_of(6, 2, false);
    const povm_shape strings[] = {along(made_of(4, 1, false), &ring), along(gru_of(4, 1, true), &ring)};
    check_sampler(&made, 1 << 20, 5);
    check_sampler(&deep, 1 << 19, 2);
    check_sampler(&gru, 1 << 20, 5);
    check_sampler(&two, 1 << 19, 2);
    check_sampler(&strings[0], 1 << 17, 5);
    check_sampler(&strings[1], 1 << 17, 3);
    leave(&ring);
}

/* The same bits for any number of threads, and a longer draw begins with a shorter one. */
static void test_bits(void **state)
{
    (void)state;
    enum { N = 6, STRINGS = 1000 };
    place ring = place_of(N, 1, true, false, 4);
    const povm_shape shapes[] = {made_of(N, 1, true), made_of(N, 2, false), gru_of(N, 1, true), gru_of(N, 2, false), along(made_of(N, 1, true), &ring),
                                 along(gru_of(N, 1, false), &ring)};
    static uint8_t strings[2][STRINGS * N];
    static double logp[2][STRINGS], one[STRINGS * N * 4], two[STRINGS * N * 16];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double *theta, *grad[2];
        povm_net *net = random_net(&shapes[i], 110 + i, &theta);
        const size_t count = povm_net_count(net);
        for (int threads = 1; threads <= 16; threads *= 4) {
            const int e = threads > 1;
            povm_net_use_threads(net, threads);
            povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 7, STRINGS, strings[e], logp[e]);
            grad[e] = calloc(count, sizeof(double));
            assert_non_null(grad[e]);
            povm_net_grad(net, STRINGS, strings[e], logp[e], grad[e]);
            povm_net_connected(net, true, N, (const int (*)[2])ring.lattice.bond, STRINGS, strings[e], one, two);
            povm_net_connected_grad(net, true, N, (const int (*)[2])ring.lattice.bond, STRINGS, strings[e], one, two, grad[e]);
            if (!e)
                continue;
            assert_memory_equal(strings[0], strings[1], sizeof strings[0]);
            assert_memory_equal(logp[0], logp[1], sizeof logp[0]);
            assert_memory_equal(grad[0], grad[1], count * sizeof(double));
            free(grad[1]);
        }
        povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 7, 100, strings[1], logp[1]);
        assert_memory_equal(strings[0], strings[1], 100 * N);
        povm_net_destroy(net);
        free(theta);
        free(grad[0]);
    }
    leave(&ring);
}

/* ---- string states ---- */

static void check_orders(const place *p)
{
    for (int o = 0; o < p->orders; o++) {
        bool seen[64] = {false};
        for (int t = 0; t < p->lattice.n; t++) {
            const int site = p->order[o * p->lattice.n + t];
            assert_true(site >= 0 && site < p->lattice.n && !seen[site]);
            seen[site] = true;
        }
    }
}

/* P of all strings out of the bare net, order by order. */
static void check_definition(const povm_shape *s, uint64_t seed)
{
    double *theta, *bare_theta;
    povm_net *net = random_net(s, seed, &theta);
    povm_shape bare_shape = *s;
    bare_shape.order = NULL;
    bare_shape.orders = 0;
    povm_net *bare = random_net(&bare_shape, seed, &bare_theta);
    povm_net_set(bare, theta);
    const size_t n = (size_t)s->n, k = (size_t)s->k;
    size_t count;
    uint8_t *all = all_strings(n, k, &count);
    double *p = probabilities(net, all, count), *q = probabilities(bare, all, count);
    assert_near(sum_of(count, p), 1, 1e-12);
    for (size_t c = 0; c < count; c++) {
        double want = 0;
        for (int o = 0; o < s->orders; o++) {
            uint8_t a[16];
            for (size_t t = 0; t < n; t++)
                a[t] = all[c * n + (size_t)s->order[(size_t)o * n + t]];
            want += q[index_of(n, k, a)] / s->orders;
        }
        assert_near(p[c], want, 1e-13);
    }
    povm_net_destroy(net);
    povm_net_destroy(bare);
    free(theta);
    free(bare_theta);
    free(all);
    free(p);
    free(q);
}

/* One-point functions of the state: all sites alike to 1e-12, and those of a bare net are not. */
static void check_symmetric(const povm_shape *s, uint64_t seed)
{
    for (int bare = 0; bare < 2; bare++) {
        povm_shape shape = *s;
        if (bare)
            shape.order = NULL;
        double *theta;
        povm_net *net = random_net(&shape, seed, &theta);
        const size_t n = (size_t)s->n, k = (size_t)s->k;
        size_t count;
        uint8_t *all = all_strings(n, k, &count);
        double *p = probabilities(net, all, count), one[16 * 6] = {0}, spread = 0;
        for (size_t c = 0; c < count; c++)
            for (size_t i = 0; i < n; i++)
                one[i * k + all[c * n + i]] += p[c];
        for (size_t i = 1; i < n; i++)
            for (size_t a = 0; a < k; a++)
                spread = fmax(spread, fabs(one[i * k + a] - one[a]));
        assert_true(bare ? spread > 1e-2 : spread < 1e-12);
        povm_net_destroy(net);
        free(theta);
        free(all);
        free(p);
    }
}

static void test_strings(void **state)
{
    (void)state;
    place ring = place_of(4, 1, true, false, 1000), torus = place_of(2, 2, true, false, 1000), chain = place_of(4, 1, false, false, 1000),
          grid = place_of(3, 2, false, false, 1000), large = place_of(3, 3, true, false, 5);
    place *const all[] = {&ring, &torus, &chain, &grid, &large};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_orders(all[i]);
    assert_true(ring.orders == 8 && chain.orders == 2 && large.orders == 5);
    const povm_shape transformer = {.ansatz = POVM_TRANSFORMER, .n = 4, .k = 4, .d = 8, .f = 8, .heads = 2, .layers = 1};
    const povm_shape shapes[] = {made_of(4, 1, false), made_of(4, 2, false), gru_of(4, 1, false), transformer};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const povm_shape on[] = {along(shapes[i], &ring), along(shapes[i], &torus), along(shapes[i], &chain)};
        for (size_t v = 0; v < 3; v++)
            check_definition(&on[v], 120 + i);
        check_symmetric(&on[0], 130 + i);
        check_symmetric(&on[1], 130 + i);
    }
    /* a product state that differs from site to site starts as its mean along the orders */
    const povm_shape s = along(made_of(4, 1, false), &chain);
    povm_net *net;
    assert_int_equal(povm_net_create(&s, &net), 0);
    double theta[1024], p[16], mean, want;
    assert_true(povm_net_count(net) <= 1024);
    qn_rng r = rng_of(4);
    for (int i = 0; i < 16; i++)
        p[i] = i % 4 == i / 4 ? 0.7 : 0.1;
    povm_net_start(net, p, 1, 0, &r, theta);
    povm_net_set(net, theta);
    povm_net_logp(net, 1, (const uint8_t[]){0, 1, 2, 3}, &mean);
    want = pow((0.7 + 0.1) / 2, 4);
    assert_near(exp(mean), want, 1e-12);
    povm_net_destroy(net);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        leave(all[i]);
}

/* ---- rbm ---- */

static povm_shape rbm_of(int n)
{
    return (povm_shape){.ansatz = POVM_RBM, .n = n, .k = 4, .hidden = 2};
}

/* log P by the formula. */
static void test_rbm(void **state)
{
    (void)state;
    enum { N = 3, K = 4, H = 6, ALL = 64 };
    const povm_shape s = rbm_of(N);
    double *theta;
    povm_net *net = random_net(&s, 140, &theta);
    size_t count;
    uint8_t *all = all_strings(N, K, &count);
    double logp[ALL];
    povm_net_logp(net, count, all, logp);
    for (size_t c = 0; c < count; c++) {
        double want = 0;
        for (size_t i = 0; i < N; i++)
            want += theta[i * K + all[c * N + i]];
        for (size_t h = 0; h < H; h++) {
            double x = theta[N * K + h];
            for (size_t i = 0; i < N; i++)
                x += theta[N * K + H + (i * K + all[c * N + i]) * H + h];
            want += log(2 * cosh(x));
        }
        assert_near(logp[c], want, 1e-13 * (1 + fabs(want)));
    }
    povm_net_destroy(net);
    free(theta);
    free(all);
}

/* Chains in equilibrium: chi squared of strings that are 40 sweeps apart. */
static void test_chains(void **state)
{
    (void)state;
    enum { N = 3, K = 4, ALL = 64, CHAINS = 1024, DRAWS = 1 << 16 };
    const povm_shape s = rbm_of(N);
    double *theta;
    povm_net *net = random_net(&s, 150, &theta);
    size_t count;
    uint8_t *all = all_strings(N, K, &count), *strings = malloc(DRAWS * N);
    double *p = probabilities(net, all, count), *logp = malloc(DRAWS * sizeof *logp), *again = malloc(DRAWS * sizeof *again);
    assert_true(strings && logp && again);
    const double sum = sum_of(count, p);
    for (size_t c = 0; c < count; c++)
        p[c] /= sum;
    povm_chains *chains;
    assert_int_equal(povm_chains_create(&s, CHAINS, &streams, QN_STREAM_DYNAMICS, 0, &chains), 0);
    povm_chains_set(chains, theta);
    povm_chains_run(chains, 100);
    povm_chains_draw(chains, DRAWS, 40, strings, logp);
    uint64_t seen[ALL] = {0};
    for (size_t i = 0; i < DRAWS; i++)
        seen[index_of(N, K, strings + i * N)]++;
    check_chi_square(ALL, p, seen, DRAWS);
    povm_net_logp(net, DRAWS, strings, again);
    for (size_t i = 0; i < DRAWS; i++)
        assert_near(logp[i], again[i], 1e-11);

    /* the acceptance: sum over moves of P(a) min(1, P(b)/P(a)) */
    double want = 0;
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0, step = 1; i < N; i++, step *= K)
            for (size_t b = 0; b < K; b++)
                if (b != all[c * N + i])
                    want += fmin(p[c], p[c + step * b - step * all[c * N + i]]) / (N * (K - 1));
    const double moves = (double)CHAINS * N * (100 + 40 * DRAWS / CHAINS);
    assert_sigma(povm_chains_acceptance(chains), 2 * sqrt(want * (1 - want) / moves) + 1e-4, want); /* neighbouring moves are correlated; 100 sweeps burn in */
    povm_chains_destroy(chains);
    povm_net_destroy(net);
    free(theta);
    free(all);
    free(strings);
    free(p);
    free(logp);
    free(again);
}

/* tau of x' = r x + noise is (1 + r)/(2 (1 - r)); of independent numbers 1/2. */
static void test_tau(void **state)
{
    (void)state;
    enum { CHAINS = 64, ROUNDS = 400 };
    static double x[ROUNDS * CHAINS];
    const double rho[] = {0, 0.5, 0.8};
    qn_rng r = rng_of(6);
    for (size_t i = 0; i < 3; i++) {
        for (size_t c = 0; c < CHAINS; c++)
            x[c] = qn_rng_normal(&r);
        for (size_t v = CHAINS; v < ROUNDS * CHAINS; v++)
            x[v] = rho[i] * x[v - CHAINS] + sqrt(1 - rho[i] * rho[i]) * qn_rng_normal(&r);
        const double want = (1 + rho[i]) / (2 * (1 - rho[i]));
        assert_near(povm_chains_tau(CHAINS, ROUNDS, x), want, 0.06 * want + 0.01); /* window bias e^-5 and 4 errors of sqrt(2(2W+1)/n) */
    }
    for (size_t v = 0; v < ROUNDS * CHAINS; v++)
        x[v] = 3;
    assert_true(povm_chains_tau(CHAINS, ROUNDS, x) == 0.5);
    assert_true(povm_chains_tau(CHAINS, 1, x) == 0.5);
}

/* Threads, and copies that leave the original alone. */
static void test_chains_bits(void **state)
{
    (void)state;
    enum { N = 5, CHAINS = 20, DRAWS = 90 };
    const povm_shape s = rbm_of(N);
    double *theta;
    povm_net *net = random_net(&s, 160, &theta);
    uint8_t strings[3][DRAWS * N], start[CHAINS * N];
    double logp[DRAWS];
    for (int i = 0; i < 3; i++) {
        povm_chains *chains, *other;
        assert_int_equal(povm_chains_create(&s, CHAINS, &streams, QN_STREAM_DYNAMICS, 5, &chains), 0);
        povm_chains_use_threads(chains, i == 1 ? 7 : 1);
        povm_chains_set(chains, theta);
        povm_chains_run(chains, 10);
        if (i == 2) {
            assert_int_equal(povm_chains_create(&s, CHAINS, &streams, QN_STREAM_MEASUREMENT, 0, &other), 0);
            povm_chains_copy(other, chains, &streams, QN_STREAM_MEASUREMENT, 77);
            povm_chains_draw(other, CHAINS, 0, start, logp);
            povm_chains_draw(other, DRAWS, 3, strings[0], logp);
            povm_chains_destroy(other);
        }
        povm_chains_draw(chains, DRAWS, 2, strings[i], logp);
        povm_chains_destroy(chains);
        if (i == 1)
            assert_memory_equal(strings[0], strings[1], sizeof strings[0]);
    }
    assert_memory_equal(strings[1], strings[2], sizeof strings[0]);
    assert_true(memcmp(strings[0], strings[2], sizeof strings[0]) != 0);
    povm_net_destroy(net);
    free(theta);
}

/* ---- what is refused ---- */

static void test_refused(void **state)
{
    (void)state;
    const povm_shape shapes[] = {made_of(4, 3, false), gru_of(4, 3, true)};
    for (size_t i = 0; i < 2; i++) {
        povm_net *net;
        assert_int_equal(povm_net_create(&shapes[i], &net), QN_ERR_INPUT);
        assert_null(net);
        assert_non_null(strstr(qn_error_text(), "1 or 2 layers, not 3"));
    }
}

/* ---- theta as an artifact ---- */

static void test_theta(void **state)
{
    (void)state;
    enum { COUNT = 10 };
    place ring = place_of(4, 1, true, false, 8), chain = place_of(4, 1, false, false, 2);
    double theta[COUNT], file[POVM_THETA_HEADER + COUNT + 3];
    for (int i = 0; i < COUNT; i++)
        theta[i] = i - 3.5;
    const povm_shape s = made_of(4, 1, false);
    char why[256];
    povm_theta_write(&s, POVM_TETRA_CUBE, COUNT, theta, file);
    for (int i = 0; i < 3; i++)
        file[POVM_THETA_HEADER + COUNT + i] = NAN; /* as files pad */
    const size_t n = POVM_THETA_HEADER + COUNT;
    assert_true(povm_theta_fits(&s, POVM_TETRA_CUBE, COUNT, n, file, why, sizeof why));
    assert_true(povm_theta_fits(&s, POVM_TETRA_CUBE, COUNT, n + 3, file, why, sizeof why));
    assert_memory_equal(file + POVM_THETA_HEADER, theta, sizeof theta);
    povm_shape same = s; /* in what a made does not have, and in its arithmetic */
    same.d = 64;
    same.heads = 3;
    same.single = true;
    assert_true(povm_theta_fits(&same, POVM_TETRA_CUBE, COUNT, n, file, why, sizeof why));

    povm_shape other[] = {s, s, s, gru_of(4, 1, false), along(s, &chain), along(s, &ring)};
    other[0].n = 6;
    other[1].hidden = 8;
    other[2].layers = 2;
    const char *const because[] = {"number of sites 4; 6 was expected", "hidden 5; 8 was expected", "layers 1; 2 was expected",
                                   "of ansatz made; those of gru were expected", "strings 1; 2 was expected", "strings 1; 8 was expected"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_false(povm_theta_fits(&other[i], POVM_TETRA_CUBE, COUNT, n, file, why, sizeof why));
        if (!strstr(why, because[i]))
            fail_msg("\"%s\" does not say \"%s\"", why, because[i]);
    }
    assert_false(povm_theta_fits(&s, POVM_PAULI4, COUNT, n, file, why, sizeof why));
    assert_non_null(strstr(why, "povm tetra_cube; pauli4 was expected"));
    assert_false(povm_theta_fits(&s, POVM_TETRA_CUBE, COUNT, n - 1, file, why, sizeof why));
    assert_non_null(strstr(why, "ends after 9 of 10"));
    assert_false(povm_theta_fits(&s, POVM_TETRA_CUBE, COUNT, 5, file, why, sizeof why));
    assert_false(povm_theta_fits(&s, POVM_TETRA_CUBE, COUNT, n, (double[POVM_THETA_HEADER + COUNT]){1, 2, 3}, why, sizeof why));
    assert_non_null(strstr(why, "does not hold parameters"));
    file[POVM_THETA_HEADER + 4] = INFINITY;
    assert_false(povm_theta_fits(&s, POVM_TETRA_CUBE, COUNT, n, file, why, sizeof why));
    assert_non_null(strstr(why, "parameter 4 is not a finite number"));
    povm_shape string = along(s, &ring), turned = string;
    int order[8 * 4];
    memcpy(order, ring.order, sizeof order);
    order[0] = ring.order[1];
    order[1] = ring.order[0];
    turned.order = order;
    povm_theta_write(&string, POVM_TETRA_CUBE, COUNT, theta, file);
    assert_true(povm_theta_fits(&string, POVM_TETRA_CUBE, COUNT, n, file, why, sizeof why));
    assert_false(povm_theta_fits(&turned, POVM_TETRA_CUBE, COUNT, n, file, why, sizeof why));
    assert_non_null(strstr(why, "other orders"));
    leave(&ring);
    leave(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions), cmocka_unit_test(test_normalised), cmocka_unit_test(test_start),
                                       cmocka_unit_test(test_gradient),  cmocka_unit_test(test_score),      cmocka_unit_test(test_connected),
                                       cmocka_unit_test(test_sampler),   cmocka_unit_test(test_bits),       cmocka_unit_test(test_strings),
                                       cmocka_unit_test(test_rbm),       cmocka_unit_test(test_chains),     cmocka_unit_test(test_tau),
                                       cmocka_unit_test(test_chains_bits), cmocka_unit_test(test_refused),  cmocka_unit_test(test_theta)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
