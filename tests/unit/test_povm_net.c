/* test_povm_net.c -- the nets product, table and transformer: kernels in ulp, normalisation, one mask for sampling and evaluation, gradients against
 * differences, the tree against the plain list and by its count, the sampler against enumerated probabilities; the same bits for any number of threads and
 * at every instruction set.
 *
 * Statistical checks have fixed seeds; a chi squared outside p = 1e-4 .. 1 - 1e-4 has probability 2e-4 for a fresh seed, and there are 20. */
#include "qtest.h"

#include <gsl/gsl_cdf.h>

#include "povm/lattice.h"
#include "povm/net.h"
#include "povm/transformer.h"
#include "quench.h"

static const qn_streams streams = {.key = {11, 12}, .disorder_key = {13, 14}};

static povm_shape transformer_of(int n, int layers, povm_norm norm)
{
    return (povm_shape){.ansatz = POVM_TRANSFORMER, .n = n, .k = 4, .d = 8, .f = 12, .heads = 2, .layers = layers, .norm = norm};
}

static qn_rng rng_of(uint64_t seed)
{
    qn_rng r;
    qn_rng_seed(&r, 0, seed, 0, 9);
    return r;
}

/* A net with weights of order 1, output weights too, every gain and bias off its start. */
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
    povm_net_start(net, p, 1, 0.4, &r, *theta);
    for (size_t i = 0; i < count; i++)
        (*theta)[i] += 0.15 * qn_rng_normal(&r);
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

/* ---- kernels ---- */

static double ulp_of(double x, int digits)
{
    int e;
    frexp(x, &e);
    return ldexp(1, e - digits);
}

static double off(double got, long double want, int digits)
{
    return (double)(fabsl((long double)got - want) / (long double)ulp_of((double)want, digits));
}

enum { ROWS = 64, NUMBERS = ROWS * POVM_LANES };

/* Phi(z) in long double: half erfc(-z/sqrt 2). */
static long double normal_below(long double z)
{
    return 0.5L * erfcl(-z * 0.70710678118654752440084436210484904L);
}

static void test_kernels(void **state)
{
    (void)state;
    float *x = aligned_alloc(64, NUMBERS * sizeof *x), *slope = aligned_alloc(64, NUMBERS * sizeof *slope);
    double *y = aligned_alloc(64, NUMBERS * sizeof *y), *bend = aligned_alloc(64, NUMBERS * sizeof *bend);
    assert_true(x && y && slope && bend);
    const double reach[] = {1e-3, 1, 5, 12, 36};
    for (int level = 0; level <= (int)qn_isa(); level++) {
        povm_transformer_use((qn_isa_level)level);
        double worst[6] = {0}; /* exp, gelu, slope; single, double */
        qn_rng r = rng_of(1);
        for (size_t part = 0; part < sizeof reach / sizeof *reach; part++) {
            double from[NUMBERS];
            for (size_t i = 0; i < NUMBERS; i++) {
                from[i] = reach[part] * (2 * qn_rng_uniform(&r) - 1);
                y[i] = -20 * fabs(from[i]);
                y[i] = y[i] < -708 ? -708 : y[i];
                x[i] = (float)(y[i] < -87 ? -87 : y[i]);
            }
            povm_exp_neg_f32(ROWS, x);
            povm_exp_neg_f64(ROWS, y);
            for (size_t i = 0; i < NUMBERS; i++) {
                double at = -20 * fabs(from[i]);
                at = at < -708 ? -708 : at;
                worst[0] = fmax(worst[0], off((double)x[i], expl((long double)(float)(at < -87 ? -87 : at)), 24));
                worst[3] = fmax(worst[3], off(y[i], expl((long double)at), 53));
                y[i] = from[i];
                x[i] = (float)(reach[part] > 12 ? from[i] / 3 : from[i]);
                slope[i] = x[i]; /* what it was */
            }
            float was[NUMBERS];
            memcpy(was, x, sizeof was);
            povm_gelu_f32(ROWS, x, slope);
            povm_gelu_f64(ROWS, y, bend);
            for (size_t i = 0; i < NUMBERS; i++) {
                const long double a = (long double)was[i], b = (long double)from[i], density = 0.39894228040143267793994605993438187L;
                worst[1] = fmax(worst[1], off((double)x[i], a * normal_below(a), 24));
                worst[4] = fmax(worst[4], off(y[i], b * normal_below(b), 53));
                /* the slope has a zero at -0.75: against the larger of 1/8 and itself, in ulp of that */
                const long double da = normal_below(a) + a * density * expl(-a * a / 2), db = normal_below(b) + b * density * expl(-b * b / 2);
                worst[2] = fmax(worst[2], (double)(fabsl((long double)slope[i] - da) / (long double)ulp_of(fmax(0.125, (double)fabsl(da)), 24)));
                worst[5] = fmax(worst[5], (double)(fabsl((long double)bend[i] - db) / (long double)ulp_of(fmax(0.125, (double)fabsl(db)), 53)));
            }
        }
        if (getenv("SHOW"))
            for (int i = 0; i < 6; i++)
                printf("level %d %d: %.2f ulp\n", level, i, worst[i]);
        assert_true(worst[0] < 1 && worst[3] < 1);
        assert_true(worst[1] < 4 && worst[4] < 4);
        assert_true(worst[2] < 6 && worst[5] < 6);
        const float ends[] = {-87.4f, -1e30f, -INFINITY, 0, NAN};
        for (size_t i = 0; i < NUMBERS; i++)
            x[i] = ends[i % 5];
        povm_exp_neg_f32(ROWS, x);
        assert_true(x[0] == 0 && x[1] == 0 && x[2] == 0 && x[3] == 1 && isnan(x[4]));
        const double far[] = {-40, 40, 0, 1e5, NAN};
        for (size_t i = 0; i < NUMBERS; i++)
            y[i] = far[i % 5];
        povm_gelu_f64(ROWS, y, bend);
        assert_true(y[0] == 0 && y[1] == 40 && y[2] == 0 && y[3] == 1e5 && isnan(y[4]));
        assert_true(bend[0] == 0 && bend[1] == 1 && bend[2] == 0.5 && bend[3] == 1 && isnan(bend[4]));
    }
    povm_transformer_use(qn_isa());
    free(x);
    free(y);
    free(slope);
    free(bend);
}

/* ---- normalisation, sampler = logp, start ---- */

static double total_probability(povm_net *net)
{
    const povm_shape *s = povm_net_shape(net);
    size_t count;
    uint8_t *strings = all_strings((size_t)s->n, (size_t)s->k, &count);
    double *logp = malloc(count * sizeof *logp), sum = 0;
    povm_net_logp(net, count, strings, logp);
    for (size_t c = 0; c < count; c++)
        sum += exp(logp[c]);
    free(strings);
    free(logp);
    return sum;
}

static void check_sampler(povm_net *net, size_t count)
{
    const size_t n = (size_t)povm_net_shape(net)->n;
    uint8_t *strings = malloc(count * n), *fewer = malloc(count * n);
    double *drawn = malloc(count * sizeof *drawn), *known = malloc(count * sizeof *known);
    povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 5, count, strings, drawn);
    povm_net_logp(net, count, strings, known);
    for (size_t c = 0; c < count; c++)
        assert_near(drawn[c], known[c], 1e-10);
    povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 5, count - 70, fewer, known); /* begins the longer draw */
    assert_memory_equal(fewer, strings, (count - 70) * n);
    povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 6, count - POVM_BLOCK, fewer, known);
    assert_memory_equal(fewer, strings + POVM_BLOCK * n, (count - POVM_BLOCK) * n);
    free(strings);
    free(fewer);
    free(drawn);
    free(known);
}

static void check_net(povm_shape s, uint64_t seed)
{
    double *theta;
    povm_net *net = random_net(&s, seed, &theta);
    assert_near(total_probability(net), 1, 1e-12);
    check_sampler(net, 150);
    povm_net_destroy(net);
    free(theta);
}

static void test_normalised(void **state)
{
    (void)state;
    for (int n = 1; n <= 6; n++) {
        check_net((povm_shape){.ansatz = POVM_PRODUCT, .n = n, .k = 4}, 1);
        check_net((povm_shape){.ansatz = POVM_TABLE, .n = n, .k = 4}, 2);
        for (int layers = 1; layers <= 3; layers++)
            for (int norm = 0; norm < 3; norm++)
                for (int single = 0; single < 2; single++) {
                    povm_shape s = transformer_of(n, layers, (povm_norm)norm);
                    s.single = single;
                    check_net(s, (uint64_t)(100 * n + 10 * layers + norm));
                }
    }
    povm_shape six = transformer_of(4, 2, POVM_POST_LN);
    six.k = 6;
    check_net(six, 3);
    povm_shape wide = transformer_of(3, 1, POVM_NO_NORM); /* sizes that are no multiples of a vector */
    wide.d = 30;
    wide.heads = 3;
    wide.f = 17;
    check_net(wide, 4);
}

/* A product state from the start, site by site by enumeration; the transformer takes one for all sites. */
static void test_start(void **state)
{
    (void)state;
    const double one[4] = {0.4, 0.3, 0.2, 0.1};
    const povm_ansatz kinds[] = {POVM_PRODUCT, POVM_TABLE, POVM_TRANSFORMER};
    for (size_t kind = 0; kind < 3; kind++) {
        povm_shape s = transformer_of(4, 2, POVM_PRE_LN);
        s.ansatz = kinds[kind];
        povm_net *net;
        assert_int_equal(povm_net_create(&s, &net), 0);
        double *theta = malloc(povm_net_count(net) * sizeof *theta), p[16], sum[16] = {0}, logp[256];
        for (size_t i = 0; i < 16; i++)
            p[i] = one[kind < 2 ? (i + i / 4) % 4 : i % 4];
        qn_rng r = rng_of(1);
        povm_net_start(net, p, 1, 0, &r, theta);
        povm_net_set(net, theta);
        size_t count;
        uint8_t *strings = all_strings(4, 4, &count);
        povm_net_logp(net, count, strings, logp);
        for (size_t c = 0; c < count; c++)
            for (size_t i = 0; i < 4; i++)
                sum[i * 4 + strings[c * 4 + i]] += exp(logp[c]);
        for (size_t i = 0; i < 16; i++)
            assert_near(sum[i], p[i], 1e-12);
        povm_net_destroy(net);
        free(theta);
        free(strings);
    }
}

/* The transformer against a straightforward one, in long double: one layer after the other over whole strings, no cache. */
static long double plain_logp(const povm_shape *s, const povm_tensor *tensor, const double *theta, const uint8_t *string)
{
    enum { MOST = 8, WIDE = 32 };
    const size_t n = (size_t)s->n, d = (size_t)s->d, f = (size_t)s->f, own = d / (size_t)s->heads, each = s->norm == POVM_NO_NORM ? 12 : 16;
    long double x[MOST][WIDE], in[MOST][WIDE], k[MOST][WIDE], v[MOST][WIDE], q[MOST][WIDE], h[MOST][WIDE];
    const povm_tensor *t = tensor + 1;
#define T(i) (theta + t[i].first)
#define NORM(to, from, gain, bias)                                                       \
    for (size_t p = 0; p < n; p++) {                                                     \
        long double mean = 0, square = 0, in_[WIDE];                                     \
        for (size_t i = 0; i < d; i++)                                                   \
            mean += (from)[p][i] / (long double)d;                                       \
        for (size_t i = 0; i < d; i++)                                                   \
            square += ((from)[p][i] - mean) * ((from)[p][i] - mean) / (long double)d;    \
        for (size_t i = 0; i < d; i++)                                                   \
            in_[i] = (gain)[i] * ((from)[p][i] - mean) / sqrtl(square + 1e-5L) + (bias)[i]; \
        memcpy((to)[p], in_, d * sizeof *in_);                                           \
    }
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < d; i++) {
            long double angle = (long double)p * powl(10000, -(long double)(i - i % 2) / (long double)d);
            x[p][i] = theta[(p ? string[p - 1] : (size_t)s->k) * d + i] + (i % 2 ? cosl(angle) : sinl(angle));
        }
    for (int l = 0; l < s->layers; l++, t += each) {
        memcpy(in, x, sizeof in);
        if (s->norm == POVM_PRE_LN)
            NORM(in, x, T(12), T(13))
        for (size_t p = 0; p < n; p++)
            for (size_t o = 0; o < d; o++) {
                k[p][o] = T(3)[o];
                v[p][o] = T(4)[o];
                q[p][o] = T(5)[o];
                for (size_t i = 0; i < d; i++) {
                    k[p][o] += T(0)[o * d + i] * in[p][i];
                    v[p][o] += T(1)[o * d + i] * in[p][i];
                    q[p][o] += T(2)[o * d + i] * in[p][i];
                }
            }
        for (size_t p = 0; p < n; p++) {
            long double ctx[WIDE] = {0};
            for (size_t head = 0; head < (size_t)s->heads; head++) {
                long double a[MOST], sum = 0;
                for (size_t u = 0; u <= p; u++) {
                    a[u] = 0;
                    for (size_t i = head * own; i < (head + 1) * own; i++)
                        a[u] += q[p][i] * k[u][i] / sqrtl((long double)own);
                    sum += a[u] = expl(a[u]);
                }
                for (size_t u = 0; u <= p; u++)
                    for (size_t i = head * own; i < (head + 1) * own; i++)
                        ctx[i] += a[u] / sum * v[u][i];
            }
            for (size_t o = 0; o < d; o++) {
                h[p][o] = x[p][o] + T(7)[o];
                for (size_t i = 0; i < d; i++)
                    h[p][o] += T(6)[o * d + i] * ctx[i];
            }
        }
        if (s->norm == POVM_POST_LN)
            NORM(h, h, T(12), T(13))
        memcpy(in, h, sizeof in);
        if (s->norm == POVM_PRE_LN)
            NORM(in, h, T(14), T(15))
        for (size_t p = 0; p < n; p++) {
            for (size_t o = 0; o < d; o++)
                x[p][o] = h[p][o] + T(11)[o];
            for (size_t j = 0; j < f; j++) {
                long double z = T(9)[j];
                for (size_t i = 0; i < d; i++)
                    z += T(8)[j * d + i] * in[p][i];
                for (size_t o = 0; o < d; o++)
                    x[p][o] += T(10)[j * d + o] * z * normal_below(z);
            }
        }
        if (s->norm == POVM_POST_LN)
            NORM(x, x, T(14), T(15))
    }
    long double logp = 0;
    for (size_t p = 0; p < n; p++) {
        long double sum = 0, logit[8];
        for (size_t a = 0; a < (size_t)s->k; a++) {
            logit[a] = T(1)[a];
            for (size_t i = 0; i < d; i++)
                logit[a] += T(0)[a * d + i] * x[p][i];
            sum += expl(logit[a]);
        }
        logp += logit[string[p]] - logl(sum);
    }
    return logp;
}

static void test_plain(void **state)
{
    (void)state;
    for (int layers = 1; layers <= 3; layers++)
        for (int norm = 0; norm < 3; norm++)
            for (int single = 0; single < 2; single++) {
                povm_shape s = transformer_of(7, layers, (povm_norm)norm);
                s.single = single;
                double *theta, logp[100];
                povm_net *net = random_net(&s, (uint64_t)(layers + 10 * norm), &theta);
                uint8_t strings[7 * 100];
                povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 0, 100, strings, logp);
                const povm_tensor *tensor;
                povm_net_tensors(net, &tensor);
                for (size_t c = 0; c < 100; c++)
                    assert_near(logp[c], (double)plain_logp(&s, tensor, theta, strings + 7 * c), single ? 1e-4 : 1e-12);
                povm_net_destroy(net);
                free(theta);
            }
}

/* ---- gradients ---- */

enum { STRINGS = 70 };

static double objective(povm_net *net, const double *theta, const uint8_t *strings, const double *weight)
{
    double logp[STRINGS], sum = 0;
    povm_net_set(net, theta);
    povm_net_logp(net, STRINGS, strings, logp);
    for (size_t c = 0; c < STRINGS; c++)
        sum += weight[c] * logp[c];
    return sum;
}

/* 50 parameters of each tensor: differences of fourth order against the gradient, relative to the largest entry of the tensor's gradient. */
static void check_gradient(povm_shape s, uint64_t seed)
{
    double *theta, weight[STRINGS], logp[STRINGS];
    povm_net *net = random_net(&s, seed, &theta);
    const size_t count = povm_net_count(net), n = (size_t)s.n;
    uint8_t *strings = malloc(STRINGS * n);
    double *grad = calloc(count, sizeof *grad), *score = malloc(STRINGS * count * sizeof *score);
    povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 0, STRINGS, strings, logp);
    qn_rng r = rng_of(seed);
    for (size_t c = 0; c < STRINGS; c++)
        weight[c] = qn_rng_normal(&r);
    povm_net_grad(net, STRINGS, strings, weight, grad);
    povm_net_scores(net, STRINGS, strings, score);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t c = 0; c < STRINGS; c++)
            sum += weight[c] * score[c * count + i];
        assert_near(sum, grad[i], 1e-11);
    }
    const povm_tensor *tensor;
    const size_t many = povm_net_tensors(net, &tensor);
    for (size_t k = 0; k < many; k++) {
        double largest = 0;
        for (size_t i = 0; i < tensor[k].count; i++)
            largest = fmax(largest, fabs(grad[tensor[k].first + i]));
        if (!(largest > 1e-3) && !strstr(tensor[k].name, "bk")) /* a shift of all keys changes nothing */
            fail_msg("%s, layers %d, norm %d: gradient %g", tensor[k].name, s.layers, (int)s.norm, largest);
        for (size_t trial = 0; trial < 50; trial++) {
            const size_t i = tensor[k].first + qn_rng_below(&r, tensor[k].count);
            const double was = theta[i], h = 1e-3;
            double f[4];
            for (int j = 0; j < 4; j++) {
                theta[i] = was + h * (double[]){-2, -1, 1, 2}[j];
                f[j] = objective(net, theta, strings, weight);
            }
            theta[i] = was;
            const double slope = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
            if (!(fabs(slope - grad[i]) <= 1e-7 * fmax(largest, 1e-2)))
                fail_msg("%s, layers %d, norm %d: gradient %.12g, differences %.12g", tensor[k].name, s.layers, (int)s.norm, grad[i], slope);
        }
    }
    povm_net_destroy(net);
    free(theta);
    free(strings);
    free(grad);
    free(score);
}

static void test_gradient(void **state)
{
    (void)state;
    check_gradient((povm_shape){.ansatz = POVM_PRODUCT, .n = 5, .k = 4}, 1);
    check_gradient((povm_shape){.ansatz = POVM_TABLE, .n = 3, .k = 4}, 2);
    for (int layers = 1; layers <= 3; layers++)
        for (int norm = 0; norm < 3; norm++)
            check_gradient(transformer_of(5, layers, (povm_norm)norm), (uint64_t)(3 + 10 * layers + norm));
}

/* sum_a P(a) grad log P(a) = 0; the single-precision gradient against the double one. */
static void test_identities(void **state)
{
    (void)state;
    for (int norm = 0; norm < 3; norm++) {
        povm_shape s = transformer_of(4, 2, (povm_norm)norm);
        double *theta, *other, logp[256], p[256];
        povm_net *net = random_net(&s, 6, &theta), *rough;
        s.single = true;
        rough = random_net(&s, 6, &other);
        size_t count, parameters = povm_net_count(net);
        uint8_t *strings = all_strings(4, 4, &count);
        double *grad = calloc(parameters, sizeof *grad), *single = calloc(parameters, sizeof *single);
        povm_net_logp(net, count, strings, logp);
        for (size_t c = 0; c < count; c++)
            p[c] = exp(logp[c]);
        povm_net_grad(net, count, strings, p, grad);
        for (size_t i = 0; i < parameters; i++)
            assert_near(grad[i], 0, 1e-12);
        for (size_t c = 0; c < count; c++)
            p[c] = cos((double)c);
        memset(grad, 0, parameters * sizeof *grad);
        povm_net_grad(net, count, strings, p, grad);
        povm_net_grad(rough, count, strings, p, single);
        for (size_t i = 0; i < parameters; i++)
            assert_near(single[i], grad[i], 2e-3);
        povm_net_destroy(net);
        povm_net_destroy(rough);
        free(theta);
        free(other);
        free(strings);
        free(grad);
        free(single);
    }
}

/* ---- the tree ---- */

static void check_tree(povm_shape s, const povm_lattice *lattice, bool turn, size_t count, uint64_t evaluations)
{
    const size_t n = (size_t)s.n, k = (size_t)s.k, bonds = (size_t)lattice->n_bonds, ones = count * n * k, twos = count * bonds * k * k;
    double *theta;
    povm_net *net = random_net(&s, 8, &theta);
    const size_t parameters = povm_net_count(net);
    int(*bond)[2] = malloc((bonds + 1) * sizeof *bond);
    for (size_t q = 0; q < bonds; q++)
        for (int e = 0; e < 2; e++)
            bond[q][e] = lattice->bond[q][turn && q % 2 ? 1 - e : e];
    uint8_t *strings = malloc(count * n);
    double *one[2], *two[2], *grad[2], *logp = malloc(count * sizeof *logp);
    for (int i = 0; i < 2; i++) {
        one[i] = malloc(ones * sizeof **one);
        two[i] = malloc((twos + 1) * sizeof **two);
        grad[i] = calloc(parameters, sizeof **grad);
    }
    povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 0, count, strings, logp);
    for (int tree = 0; tree < 2; tree++) {
        uint64_t took = povm_net_connected(net, tree, bonds, (const int(*)[2])bond, count, strings, one[tree], two[tree]);
        assert_true(!tree || !evaluations || took == evaluations * count);
    }
    for (size_t i = 0; i < ones; i++)
        assert_near(one[1][i], one[0][i], 1e-12);
    for (size_t i = 0; i < twos; i++)
        assert_near(two[1][i], two[0][i], 1e-12);
    qn_rng r = rng_of(9);
    for (size_t i = 0; i < ones; i++)
        one[0][i] = qn_rng_below(&r, 3) ? 0.1 * qn_rng_normal(&r) : 0;
    for (size_t i = 0; i < twos; i++)
        two[0][i] = qn_rng_below(&r, 3) ? 0.1 * qn_rng_normal(&r) : 0;
    for (int tree = 0; tree < 2; tree++)
        povm_net_connected_grad(net, tree, bonds, (const int(*)[2])bond, count, strings, one[0], two[0], grad[tree]);
    double largest = 0;
    for (size_t i = 0; i < parameters; i++)
        largest = fmax(largest, fabs(grad[0][i]));
    assert_true(largest > 0.01);
    for (size_t i = 0; i < parameters; i++)
        assert_near(grad[1][i], grad[0][i], 1e-12 * largest);
    memset(grad[1], 0, parameters * sizeof **grad);
    memset(one[0], 0, ones * sizeof **one);
    memset(two[0], 0, twos * sizeof **two);
    povm_net_connected_grad(net, true, bonds, (const int(*)[2])bond, count, strings, one[0], two[0], grad[1]);
    for (size_t i = 0; i < parameters; i++)
        assert_true(grad[1][i] == 0);
    for (int i = 0; i < 2; i++) {
        free(one[i]);
        free(two[i]);
        free(grad[i]);
    }
    povm_net_destroy(net);
    free(theta);
    free(bond);
    free(strings);
    free(logp);
}

static void test_tree(void **state)
{
    (void)state;
    const struct {
        int lx, ly;
        bool periodic, twice;
        uint64_t evaluations; /* of one string */
    } cases[] = {{8, 1, true, false, 281}, {16, 1, true, false, 1321}, {3, 3, true, false, 549}, {5, 1, false, false, 0}, {2, 2, true, true, 0},
                 {1, 1, false, false, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        povm_lattice lattice;
        assert_int_equal(povm_lattice_create(cases[c].lx, cases[c].ly, cases[c].periodic, cases[c].twice, &lattice), 0);
        check_tree(transformer_of(lattice.n, 1, POVM_NO_NORM), &lattice, false, c == 1 ? 3 : 40, cases[c].evaluations);
        if (lattice.n <= 5) {
            check_tree(transformer_of(lattice.n, 2, POVM_POST_LN), &lattice, true, 70, 0);
            check_tree(transformer_of(lattice.n, 3, POVM_PRE_LN), &lattice, true, 5, 0);
            povm_shape six = transformer_of(lattice.n, 2, POVM_PRE_LN);
            six.k = 6;
            check_tree(six, &lattice, false, 3, 0);
        }
        if (lattice.n == 4)
            check_tree((povm_shape){.ansatz = POVM_TABLE, .n = 4, .k = 4}, &lattice, false, 70, 0);
        povm_lattice_free(&lattice);
    }
}

/* ---- the sampler ---- */

static double chi_squared(const povm_shape *s, uint64_t seed)
{
    enum { DRAWS = 1 << 20, PART = 1 << 14 };
    const size_t n = (size_t)s->n, k = (size_t)s->k;
    double *theta;
    povm_net *net = random_net(s, 7, &theta);
    size_t cells;
    uint8_t *strings = all_strings(n, k, &cells), *drawn = malloc(PART * n);
    double *logp = malloc(cells * sizeof *logp), *seen = calloc(cells, sizeof *seen), *value = malloc(PART * sizeof *value);
    const qn_streams from = {.key = {21, seed}};
    povm_net_logp(net, cells, strings, logp);
    for (uint64_t part = 0; part < DRAWS / PART; part++) {
        povm_net_sample(net, &from, QN_STREAM_MEASUREMENT, part * (PART / POVM_BLOCK), PART, drawn, value);
        for (size_t i = 0; i < PART; i++)
            seen[index_of(n, k, drawn + i * n)]++;
    }
    double chi = 0, rare_seen = 0, rare = 0, used = 0;
    for (size_t c = 0; c < cells; c++) {
        const double expect = DRAWS * exp(logp[c]);
        if (expect < 5) {
            rare += expect;
            rare_seen += seen[c];
            continue;
        }
        chi += (seen[c] - expect) * (seen[c] - expect) / expect;
        used++;
    }
    if (rare > 0) {
        chi += (rare_seen - rare) * (rare_seen - rare) / rare;
        used++;
    }
    povm_net_destroy(net);
    free(theta);
    free(strings);
    free(drawn);
    free(logp);
    free(seen);
    free(value);
    return gsl_cdf_chisq_Q(chi, used - 1);
}

static void test_sampler(void **state)
{
    (void)state;
    const povm_shape shapes[] = {{.ansatz = POVM_PRODUCT, .n = 6, .k = 4},
                                 {.ansatz = POVM_TABLE, .n = 6, .k = 4},
                                 {.ansatz = POVM_TRANSFORMER, .n = 6, .k = 4, .d = 8, .f = 12, .heads = 2, .layers = 2, .norm = POVM_POST_LN, .single = true},
                                 {.ansatz = POVM_TRANSFORMER, .n = 6, .k = 4, .d = 8, .f = 12, .heads = 2, .layers = 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            double p = chi_squared(&shapes[i], seed);
            if (!(p > 1e-4 && p < 1 - 1e-4))
                fail_msg("sampler %zu, seed %d: p = %.3g", i, (int)seed, p);
        }
}

/* ---- bits ---- */

enum { MANY = 9 * POVM_BLOCK + 17 };

/* Everything that a net does, into one buffer. */
static void all_bits(const povm_shape *s, int threads, double *out)
{
    const int bond[][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 0}};
    double *theta;
    povm_net *net = random_net(s, 3, &theta);
    povm_net_use_threads(net, threads);
    const size_t n = 4, k = 4, parameters = povm_net_count(net);
    uint8_t *strings = malloc(MANY * n);
    double *logp = out, *one = logp + MANY, *two = one + MANY * n * k, *grad = two + MANY * 4 * k * k, *more = grad + parameters;
    memset(grad, 0, 2 * parameters * sizeof *grad);
    povm_net_sample(net, &streams, QN_STREAM_DYNAMICS, 0, MANY, strings, logp);
    povm_net_connected(net, true, 4, bond, MANY, strings, one, two);
    povm_net_grad(net, MANY, strings, logp, grad);
    povm_net_connected_grad(net, true, 4, bond, MANY, strings, one, two, more);
    for (size_t i = 0; i < MANY * n; i++)
        logp[i / n] += strings[i] * (double)(i % n + 1);
    povm_net_destroy(net);
    free(theta);
    free(strings);
}

static void test_bits(void **state)
{
    (void)state;
    const size_t size = MANY * (1 + 16 + 64) + 20000;
    double *first = calloc(size, sizeof *first), *other = calloc(size, sizeof *other);
    for (int single = 0; single < 2; single++)
        for (int norm = 0; norm < 3; norm++) {
            povm_shape s = transformer_of(4, 2, (povm_norm)norm);
            s.single = single;
            all_bits(&s, 1, first);
            for (int threads = 2; threads <= 4; threads += 2) {
                all_bits(&s, threads, other);
                assert_memory_equal(first, other, size * sizeof *first);
            }
            for (int level = 0; level < (int)qn_isa(); level++) {
                povm_transformer_use((qn_isa_level)level);
                all_bits(&s, 1, other);
                povm_transformer_use(qn_isa());
                assert_memory_equal(first, other, size * sizeof *first);
            }
        }
    free(first);
    free(other);
}

/* ---- what is refused ---- */

static void refused(povm_shape s, const char *because)
{
    povm_net *net;
    assert_int_equal(povm_net_create(&s, &net), QN_ERR_INPUT);
    assert_null(net);
    assert_non_null(strstr(qn_error_text(), because));
}

static void test_refused(void **state)
{
    (void)state;
    povm_shape s = transformer_of(4, 1, POVM_NO_NORM);
    s.heads = 3;
    refused(s, "multiple of the heads");
    s = transformer_of(4, 6, POVM_NO_NORM);
    refused(s, "1 to 5");
    s = transformer_of(9, 1, POVM_NO_NORM);
    s.ansatz = POVM_TABLE;
    refused(s, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kernels),    cmocka_unit_test(test_normalised), cmocka_unit_test(test_start),
                                       cmocka_unit_test(test_plain),      cmocka_unit_test(test_gradient),   cmocka_unit_test(test_identities),
                                       cmocka_unit_test(test_tree),       cmocka_unit_test(test_sampler),    cmocka_unit_test(test_bits),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
