/* transformer.c -- a transformer decoder over outcomes (Vaswani et al. 2017; as an ansatz for outcome probabilities Luo, Chen, Carrasquilla & Clark 2022).
 *
 * Input at site t: x_t = E[token] + pos_t, token = a_{t-1} or, at t = 0, the start symbol k; pos_t[2c] = sin(t 10000^{-2c/d}), pos_t[2c+1] = cos(same).  Layer:
 *
 *     k, v, q = W x + b;  A_tu = softmax over u <= t of q_t.k_u/sqrt(d/heads), head by head;  h = x + Wo (sum_u A_tu v_u) + bo;
 *     y = h + W2' gelu(W1 h + b1) + b2;     logits = Wy y + by of the last y.
 *
 * post_ln: h and y go through a norm as they stand; pre_ln: x in front of W and h in front of W1 do.  One function works out one site of a tile of
 * POVM_LANES strings out of the keys and values of the sites before: sampling, log P, gradients and the tree are loops over it, so that they see the same
 * mask and the same bits.  The code is in transformer_body.h, its loops in transformer_kernels.h. */
#include "transformer.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "choice.h"
#include "connected.h"
#include "gemm.h"
#include "net.h"
#include "rng.h"

#define LANES_BODY "povm/transformer_kernels.h"
#include "lanes.h"

enum { LAYERS = 5, OUTCOMES = 6, SLOTS = 16 /* columns of sums over the strings with one token: a vector */ };

/* ---- parameters ---- */

#define LAYER_NAMES(l)                                                                                                                              \
    {                                                                                                                                               \
        l "Wk", l "Wv", l "Wq", l "bk", l "bv", l "bq", l "Wo", l "bo", l "W1", l "b1", l "W2", l "b2", l "gain1", l "bias1", l "gain2", l "bias2" \
    }
enum { WK, WV, WQ, BK, BV, BQ, WO, BO, W1, B1, W2, B2, GAIN1, BIAS1, GAIN2, BIAS2, IN_LAYER };
static const char *const names[LAYERS][IN_LAYER] = {LAYER_NAMES("layer0."), LAYER_NAMES("layer1."), LAYER_NAMES("layer2."), LAYER_NAMES("layer3."),
                                                    LAYER_NAMES("layer4.")};

/* Where the tensors of a layer begin: keys, values and queries are one matrix [3 d][d].  W1 and W2 are [f][d] both; the others [outputs][inputs]. */
typedef struct layer {
    size_t w, b, wo, bo, w1, b1, w2, b2, gain1, bias1, gain2, bias2;
} layer;

typedef struct sizes {
    size_t n, k, d, f, heads, layers, count;
    povm_norm norm;
    size_t wy, by;
    layer layer[LAYERS];
} sizes;

static size_t put(povm_tensor *out, size_t *many, size_t first, const char *name, size_t rows, size_t columns)
{
    out[(*many)++] = (povm_tensor){name, first, rows * columns, rows, columns};
    return first + rows * columns;
}

static size_t tensors(const povm_shape *s, povm_tensor *out)
{
    const size_t d = (size_t)s->d, f = (size_t)s->f, k = (size_t)s->k;
    size_t many = 0, at = put(out, &many, 0, "E", k + 1, d);
    for (int l = 0; l < s->layers; l++)
        for (int i = 0; i < (s->norm == POVM_NO_NORM ? GAIN1 : IN_LAYER); i++) {
            const bool wide = i == W1 || i == W2, matrix = wide || i == WO || i <= WQ;
            at = put(out, &many, at, names[l][i], matrix ? wide ? f : d : 1, i == B1 ? f : d);
        }
    at = put(out, &many, at, "Wy", k, d);
    put(out, &many, at, "by", 1, k);
    return many;
}

static sizes sizes_of(const povm_shape *s)
{
    sizes z = {.n = (size_t)s->n, .k = (size_t)s->k, .d = (size_t)s->d, .f = (size_t)s->f, .heads = (size_t)s->heads, .layers = (size_t)s->layers, .norm = s->norm};
    povm_tensor tensor[POVM_MAX_TENSORS];
    const size_t many = tensors(s, tensor), each = s->norm == POVM_NO_NORM ? GAIN1 : IN_LAYER;
    for (size_t l = 0; l < z.layers; l++) {
        const povm_tensor *t = tensor + 1 + l * each;
        z.layer[l] = (layer){t[WK].first, t[BK].first, t[WO].first, t[BO].first, t[W1].first, t[B1].first, t[W2].first, t[B2].first, 0, 0, 0, 0};
        if (each == IN_LAYER) {
            z.layer[l].gain1 = t[GAIN1].first;
            z.layer[l].bias1 = t[BIAS1].first;
            z.layer[l].gain2 = t[GAIN2].first;
            z.layer[l].bias2 = t[BIAS2].first;
        }
    }
    z.wy = tensor[many - 2].first;
    z.by = tensor[many - 1].first;
    z.count = z.by + z.k;
    return z;
}

/* E: N(0, 1); k, v, q: variance 1/(2 d); other matrices: 1/(3 inputs), as the usual uniform starts have; biases 0, gains 1.  Wy is noise, and by the mean
 * product over the sites. */
static void start(const povm_shape *s, const double *p, double scale, double noise, qn_rng *rng, double *theta)
{
    povm_tensor tensor[POVM_MAX_TENSORS];
    const size_t many = tensors(s, tensor), each = s->norm == POVM_NO_NORM ? GAIN1 : IN_LAYER, k = (size_t)s->k;
    for (size_t i = 0; i + 1 < many; i++) {
        const size_t kind = i && i + 2 < many ? (i - 1) % each : IN_LAYER;
        double width = 0, mean = kind == GAIN1 || kind == GAIN2 ? 1 : 0;
        if (i == 0)
            width = scale;
        else if (i + 2 == many)
            width = noise;
        else if (kind <= WQ)
            width = scale / sqrt(2.0 * s->d);
        else if (kind == WO || kind == W1)
            width = scale / sqrt(3.0 * s->d);
        else if (kind == W2)
            width = scale / sqrt(3.0 * s->f);
        for (size_t j = 0; j < tensor[i].count; j++)
            theta[tensor[i].first + j] = width > 0 ? width * qn_rng_normal(rng) : mean;
    }
    for (size_t a = 0; a < k; a++) {
        double sum = 0;
        for (size_t i = 0; i < (size_t)s->n; i++)
            sum += p[i * k + a];
        theta[tensor[many - 1].first + a] = log(fmax(sum / s->n, 1e-7));
    }
}

/* ---- shared by both precisions ---- */

static atomic_int forced; /* level + 1 */

void povm_transformer_use(qn_isa_level l)
{
    atomic_store(&forced, (int)l + 1);
}

static int level(void)
{
    const int l = atomic_load(&forced);
    return l ? l - 1 : (int)qn_isa();
}

/* Strings by lanes, [n][POVM_LANES]; lanes without a string have outcomes 0. */
static void spread(size_t n, size_t lanes, const uint8_t *strings, uint8_t *out)
{
    for (size_t t = 0; t < n; t++)
        for (size_t l = 0; l < POVM_LANES; l++)
            out[t * POVM_LANES + l] = l < lanes ? strings[l * n + t] : 0;
}

/* The x-th other outcome of each lane. */
static void change(size_t k, size_t x, const uint8_t *from, uint8_t *out)
{
    for (size_t l = 0; l < POVM_LANES; l++)
        out[l] = (uint8_t)((from[l] + x) % k);
}

/* sum += log_p of each lane's outcome. */
static void add_chosen(const double *log_p, const uint8_t *outcome, double *sum)
{
    for (size_t l = 0; l < POVM_LANES; l++)
        sum[l] += log_p[outcome[l] * POVM_LANES + l];
}

/* coef of each lane's outcome += weight. */
static void aim(double *coef, const uint8_t *outcome, const double *weight)
{
    for (size_t l = 0; l < POVM_LANES; l++)
        coef[outcome[l] * POVM_LANES + l] += weight[l];
}

/* The first bond between two sites; n_bonds: none. */
static size_t find_bond(size_t n_bonds, const int (*bond)[2], size_t i, size_t j)
{
    for (size_t q = 0; q < n_bonds; q++)
        if ((bond[q][0] == (int)i && bond[q][1] == (int)j) || (bond[q][0] == (int)j && bond[q][1] == (int)i))
            return q;
    return n_bonds;
}

#define LEVELS(f) POVM_LEVELS(f)

#define REAL float
#define NAME(f) f32_##f
#define GEMM(...) qn_gemm_f32(QN_GEMM_OWN, __VA_ARGS__)
#include "transformer_body.h"
#undef REAL
#undef NAME
#undef GEMM

#define REAL double
#define NAME(f) f64_##f
#define GEMM(...) qn_gemm_f64(QN_GEMM_OWN, __VA_ARGS__)
#include "transformer_body.h"
#undef REAL
#undef NAME
#undef GEMM

/* ---- the table ---- */

typedef struct transformer {
    bool single;
    void *net;
} transformer;

static void close_transformer(void *self)
{
    transformer *t = self;
    if (!t)
        return;
    if (t->single)
        f32_close(t->net);
    else
        f64_close(t->net);
    free(t);
}

static int open_transformer(const povm_shape *s, void **self)
{
    *self = NULL;
    if (s->layers < 1 || s->layers > LAYERS)
        return qn_fail(QN_ERR_INPUT, "a transformer of %d layers; it has 1 to %d", s->layers, LAYERS);
    if (s->k > OUTCOMES)
        return qn_fail(QN_ERR_INPUT, "a transformer of %d outcomes; at most %d", s->k, OUTCOMES);
    if (s->heads < 1 || s->d < 2 || s->d % 2 || s->f < 1 || s->d % s->heads)
        return qn_fail(QN_ERR_INPUT, "a transformer of width %d, %d units and %d heads; the width is even and a multiple of the heads", s->d, s->f, s->heads);
    transformer *t = *self = calloc(1, sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    t->single = s->single;
    return s->single ? f32_open(s, &t->net) : f64_open(s, &t->net);
}

static void set(void *self, const double *theta)
{
    transformer *t = self;
    if (t->single)
        f32_set(t->net, theta);
    else
        f64_set(t->net, theta);
}

static size_t work_bytes(const void *self)
{
    const transformer *t = self;
    return t->single ? f32_work_bytes(t->net) : f64_work_bytes(t->net);
}

static void sample(const void *self, void *work, qn_rng *rng, size_t count, uint8_t *strings, double *logp)
{
    const transformer *t = self;
    if (t->single)
        f32_sample(t->net, work, rng, count, strings, logp);
    else
        f64_sample(t->net, work, rng, count, strings, logp);
}

static void logp(const void *self, void *work, size_t count, const uint8_t *strings, double *out)
{
    const transformer *t = self;
    if (t->single)
        f32_logp(t->net, work, count, strings, out);
    else
        f64_logp(t->net, work, count, strings, out);
}

static void grad(const void *self, void *work, size_t count, const uint8_t *strings, const double *weight, double *out)
{
    const transformer *t = self;
    if (t->single)
        f32_grad(t->net, work, count, strings, weight, out);
    else
        f64_grad(t->net, work, count, strings, weight, out);
}

static void connected(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                      double *log_two, uint64_t *evaluations)
{
    const transformer *t = self;
    if (t->single)
        f32_connected(t->net, work, n_bonds, bond, count, strings, log_one, log_two, evaluations);
    else
        f64_connected(t->net, work, n_bonds, bond, count, strings, log_one, log_two, evaluations);
}

static void connected_grad(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings,
                           const double *weight_one, const double *weight_two, double *out)
{
    const transformer *t = self;
    if (t->single)
        f32_connected_grad(t->net, work, n_bonds, bond, count, strings, weight_one, weight_two, out);
    else
        f64_connected_grad(t->net, work, n_bonds, bond, count, strings, weight_one, weight_two, out);
}

static void scores(const void *self, void *work, size_t count, const uint8_t *strings, double *out)
{
    const transformer *t = self;
    if (t->single)
        f32_scores(t->net, work, count, strings, out);
    else
        f64_scores(t->net, work, count, strings, out);
}

const povm_net_methods povm_transformer = {
    .name = "transformer",
    .tensors = tensors,
    .open = open_transformer,
    .close = close_transformer,
    .start = start,
    .set = set,
    .work_bytes = work_bytes,
    .sample = sample,
    .logp = logp,
    .grad = grad,
    .connected = connected,
    .connected_grad = connected_grad,
    .scores = scores,
};

/* ---- for tests ---- */

void povm_exp_neg_f32(size_t rows, float *x)
{
    f32_exp_negs[level()](rows, x);
}

void povm_exp_neg_f64(size_t rows, double *x)
{
    f64_exp_negs[level()](rows, x);
}

void povm_gelu_f32(size_t rows, float *z, float *slope)
{
    f32_gelus[level()](rows, z, slope);
}

void povm_gelu_f64(size_t rows, double *z, double *slope)
{
    f64_gelus[level()](rows, z, slope);
}
