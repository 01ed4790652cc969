/* gru.c -- gated recurrent unit along the sites (Cho et al. 2014, in the form with the reset gate after the product): one set of weights for all
 * positions, one or two layers,
 *
 *   r = s(x_r + U_r h)    z = s(x_z + U_z h)    c = tanh(x_c + r (U_c h + b_h))    h' = c + z (h - c)
 *
 * x is the sum of a row for the outcome before (none at the first site) and a row for the position, in the second layer V h + b1 of the first;
 * logits W_out h + b_out of the position. */
#include <stdlib.h>

#include "gemm.h"
#include "real.h"
#include "rng.h"
#include "tree.h"

enum { GRU_MOST_LAYERS = 2 };

typedef struct gru {
    povm_shape shape;
    size_t n, k, d, layers;
    size_t b_out, w_out, outcomes, positions, u[GRU_MOST_LAYERS], b_h[GRU_MOST_LAYERS], v, b1, count; /* where in theta; parameters */
    size_t u_turned[GRU_MOST_LAYERS], v_turned, w_out_turned, numbers;                               /* after theta in w */
    void *w;                                                                                         /* in the precision of the arithmetic */
    size_t bytes;                                                                                    /* scratch */
} gru;

static size_t place(size_t *end, size_t count)
{
    const size_t at = *end;
    *end += count;
    return at;
}

static gru sizes(const povm_shape *s)
{
    gru t = {.shape = *s, .n = (size_t)s->n, .k = (size_t)s->k, .d = (size_t)s->d, .layers = s->layers > 1 ? 2 : 1};
    const size_t d = t.d, square = 3 * d * d;
    size_t end = 0;
    t.b_out = place(&end, t.n * t.k);
    t.w_out = place(&end, d * t.k);
    t.outcomes = place(&end, t.k * 3 * d);
    t.positions = place(&end, t.n * 3 * d);
    for (size_t y = 0; y < t.layers; y++) {
        t.u[y] = place(&end, square);
        t.b_h[y] = place(&end, d);
    }
    t.v = place(&end, t.layers > 1 ? square : 0);
    t.b1 = place(&end, t.layers > 1 ? 3 * d : 0);
    t.count = end;
    for (size_t y = 0; y < t.layers; y++)
        t.u_turned[y] = place(&end, square);
    t.v_turned = place(&end, t.layers > 1 ? square : 0);
    t.w_out_turned = place(&end, d * t.k);
    t.numbers = end;
    return t;
}

static size_t tensors(const povm_shape *s, povm_tensor *out)
{
    static const char *const u[] = {"U0", "U1"}, *const b_h[] = {"b_h0", "b_h1"};
    const gru t = sizes(s);
    const size_t d = t.d;
    size_t n = 0;
    out[n++] = (povm_tensor){"b_out", t.b_out, t.n * t.k, t.n, t.k};
    out[n++] = (povm_tensor){"W_out", t.w_out, d * t.k, d, t.k};
    out[n++] = (povm_tensor){"outcomes", t.outcomes, t.k * 3 * d, t.k, 3 * d};
    out[n++] = (povm_tensor){"positions", t.positions, t.n * 3 * d, t.n, 3 * d};
    for (size_t y = 0; y < t.layers; y++) {
        out[n++] = (povm_tensor){u[y], t.u[y], 3 * d * d, d, 3 * d};
        out[n++] = (povm_tensor){b_h[y], t.b_h[y], d, 1, d};
    }
    if (t.layers > 1) {
        out[n++] = (povm_tensor){"V1", t.v, 3 * d * d, d, 3 * d};
        out[n++] = (povm_tensor){"b1", t.b1, 3 * d, 1, 3 * d};
    }
    return n;
}

/* Rows of outcomes and positions N(0, scale^2), U and V N(0, scale^2/d). */
static void start(const povm_shape *s, const double *p, double scale, double noise, qn_rng *rng, double *theta)
{
    const gru t = sizes(s);
    const size_t d = t.d;
    qn_rng_fill_normal(rng, t.count, theta);
    for (size_t i = 0; i < t.n * t.k; i++)
        theta[i] = log(fmax(p[i], 1e-7));
    for (size_t i = 0; i < d * t.k; i++)
        theta[t.w_out + i] *= noise;
    for (size_t i = t.outcomes; i < t.u[0]; i++)
        theta[i] *= scale;
    for (size_t i = t.u[0]; i < t.count; i++)
        theta[i] *= scale / sqrt((double)d);
    for (size_t y = 0; y < t.layers; y++)
        memset(theta + t.b_h[y], 0, d * sizeof *theta);
    if (t.layers > 1)
        memset(theta + t.b1, 0, 3 * d * sizeof *theta);
}

#define NET gru

#define REAL float
#define NAME(f) f32_##f
#define GEMM qn_gemm_f32
#define EXP povm_exp_f32
#define TANH povm_tanh_f32
#include "logits_body.h"
#include "gru_body.h"
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
#include "gru_body.h"
#include "tree_body.h"

/* ---- the methods ---- */

static void close_gru(void *self)
{
    gru *t = self;
    if (!t)
        return;
    free(t->w);
    free(t);
}

static int open_gru(const povm_shape *s, void **self)
{
    if (s->layers > 2)
        return qn_fail(QN_ERR_INPUT, "gru has 1 or 2 layers, not %d", s->layers);
    gru *t = *self = malloc(sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    *t = sizes(s);
    f32_work single;
    f64_work exact;
    t->bytes = s->single ? f32_layout(t, &single, NULL) : f64_layout(t, &exact, NULL);
    t->w = calloc(t->numbers, s->single ? sizeof(float) : sizeof(double));
    return t->w ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for a gru of %zu parameters", t->count);
}

#define SELF gru
#include "both_body.h"

const povm_net_methods povm_gru = {
    .name = "gru",
    .tensors = tensors,
    .open = open_gru,
    .close = close_gru,
    .start = start,
    .set = set,
    .work_bytes = work_bytes,
    .sample = sample,
    .logp = logp_of,
    .grad = grad_of,
    .connected = connected,
    .connected_grad = connected_grad,
};
