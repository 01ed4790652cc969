/* made.c -- masked dense net: tanh units in n-1 groups of `hidden`, group g sees sites 0..g (in a second layer groups 0..g of the first), the
 * logits of site t see groups 0..t-1 (Germain, Gregor, Murray & Larochelle 2015, with one group a site in place of random masks).
 *
 * Only what the masks leave is stored: 832 parameters for n = 4, k = 4 and 16 units, where the whole matrices have 2128. */
#include <stdlib.h>

#include "gemm.h"
#include "real.h"
#include "rng.h"
#include "tree.h"

/* theta: logits b_out[n][k]; W_out, for every group g [h][n-1-g][k]; units b1[n-1][h]; W1, for every site i < n-1 [k][n-1-i][h]; with a second
 * layer b2[n-1][h]; W2, for every group g of the first [h][n-1-g][h]. */
typedef struct made {
    povm_shape shape;
    size_t n, k, h, layers;
    size_t groups, units, pairs;                    /* n-1, (n-1) h, n(n-1)/2 */
    size_t b_out, w_out, b1, w1, b2, w2, count;     /* where in theta; parameters */
    void *w;                                        /* theta in the precision of the arithmetic, then W_out and W2 with each block turned */
    size_t bytes;                                   /* scratch */
} made;

/* Blocks of shape (n-1-g) before that of group g. */
static size_t before_group(const made *t, size_t g)
{
    return g * t->groups - g * (g - 1) / 2;
}

static made sizes(const povm_shape *s)
{
    made t = {.shape = *s, .n = (size_t)s->n, .k = (size_t)s->k, .h = (size_t)s->hidden, .layers = s->layers > 1 ? 2 : 1};
    t.groups = t.n - 1;
    t.units = t.groups * t.h;
    t.pairs = t.n * t.groups / 2;
    t.w_out = t.n * t.k;
    t.b1 = t.w_out + t.h * t.k * t.pairs;
    t.w1 = t.b1 + t.units;
    t.b2 = t.w1 + t.k * t.h * t.pairs;
    t.w2 = t.b2 + (t.layers - 1) * t.units;
    t.count = t.w2 + (t.layers - 1) * t.h * t.h * t.pairs;
    return t;
}

static size_t tensors(const povm_shape *s, povm_tensor *out)
{
    const made t = sizes(s);
    size_t n = 0;
    out[n++] = (povm_tensor){"b_out", 0, t.w_out, t.n, t.k};
    out[n++] = (povm_tensor){"W_out", t.w_out, t.b1 - t.w_out, t.h * t.pairs, t.k};
    out[n++] = (povm_tensor){"b1", t.b1, t.units, t.groups, t.h};
    out[n++] = (povm_tensor){"W1", t.w1, t.b2 - t.w1, t.k * t.pairs, t.h};
    if (t.layers > 1) {
        out[n++] = (povm_tensor){"b2", t.b2, t.units, t.groups, t.h};
        out[n++] = (povm_tensor){"W2", t.w2, t.count - t.w2, t.h * t.pairs, t.h};
    }
    return n;
}

/* Units start as tanh of a sum of variance scale^2. */
static void start(const povm_shape *s, const double *p, double scale, double noise, qn_rng *rng, double *theta)
{
    const made t = sizes(s);
    qn_rng_fill_normal(rng, t.count, theta);
    for (size_t i = 0; i < t.n * t.k; i++)
        theta[i] = log(fmax(p[i], 1e-7));
    for (size_t i = t.w_out; i < t.b1; i++)
        theta[i] *= noise;
    memset(theta + t.b1, 0, t.units * sizeof *theta);
    for (size_t i = 0; i < t.groups; i++)
        for (size_t a = 0; a < t.k; a++)
            for (size_t g = i; g < t.groups; g++)
                for (size_t u = 0; u < t.h; u++)
                    theta[t.w1 + t.k * t.h * before_group(&t, i) + (a * (t.groups - i) + g - i) * t.h + u] *= scale / sqrt((double)(g + 1));
    if (t.layers == 1)
        return;
    memset(theta + t.b2, 0, t.units * sizeof *theta);
    for (size_t i = 0; i < t.groups; i++)
        for (size_t v = 0; v < t.h; v++)
            for (size_t g = i; g < t.groups; g++)
                for (size_t u = 0; u < t.h; u++)
                    theta[t.w2 + t.h * t.h * before_group(&t, i) + (v * (t.groups - i) + g - i) * t.h + u] *= scale / sqrt((double)((g + 1) * t.h));
}

#define NET made

#define REAL float
#define NAME(f) f32_##f
#define GEMM qn_gemm_f32
#define EXP povm_exp_f32
#define TANH povm_tanh_f32
#include "logits_body.h"
#include "made_body.h"
#include "tree_body.h"
#undef REAL
#undef NAME
#undef GEMM
#undef EXP
#undef TANH

#define REAL double
#define NAME(f) f64_##f
#define GEMM qn_gemm_f64
#define EXP povm_exp_f64
#define TANH povm_tanh_f64
#include "logits_body.h"
#include "made_body.h"
#include "tree_body.h"

/* ---- the methods ---- */

static void close_made(void *self)
{
    made *t = self;
    if (!t)
        return;
    free(t->w);
    free(t);
}

static int open_made(const povm_shape *s, void **self)
{
    if (s->layers > 2)
        return qn_fail(QN_ERR_INPUT, "made has 1 or 2 layers, not %d", s->layers);
    made *t = *self = malloc(sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    *t = sizes(s);
    f32_work single;
    f64_work exact;
    t->bytes = s->single ? f32_layout(t, &single, NULL) : f64_layout(t, &exact, NULL);
    t->w = calloc(t->count + t->b1 - t->w_out + t->count - t->w2, s->single ? sizeof(float) : sizeof(double));
    return t->w ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for a made of %zu parameters", t->count);
}

#define SELF made
#include "both_body.h"

const povm_net_methods povm_made = {
    .name = "made",
    .tensors = tensors,
    .open = open_made,
    .close = close_made,
    .start = start,
    .set = set,
    .work_bytes = work_bytes,
    .sample = sample,
    .logp = logp_of,
    .grad = grad_of,
    .connected = connected,
    .connected_grad = connected_grad,
};
