/* mlp.c -- see mlp.h. */
#include "mlp.h"

#include <stdlib.h>
#include <string.h>

#include "gemm.h"

size_t sgd_shape_at(const sgd_shape *s, size_t layer)
{
    return layer ? s->d * s->h + (layer - 1) * s->h * s->h : 0;
}

size_t sgd_shape_weights(const sgd_shape *s)
{
    return sgd_shape_at(s, s->depth) + s->h;
}

size_t sgd_shape_inputs(const sgd_shape *s, size_t layer)
{
    return layer ? s->h : s->d;
}

double sgd_shape_out(const sgd_shape *s)
{
    return pow((double)s->h, -s->q);
}

void sgd_shape_draw(const sgd_shape *s, double scale, qn_rng *rng, double *w)
{
    size_t n = sgd_shape_weights(s), v = sgd_shape_at(s, s->depth);
    qn_rng_fill_normal(rng, s->shared_readout ? v : n, w);
    for (size_t i = 0; i < n; i++)
        w[i] = i >= v && s->shared_readout ? 1 : scale * w[i];
}

int sgd_pass_init(sgd_pass *p, const sgd_shape *s, size_t n)
{
    size_t all = s->depth * n * s->h;
    *p = (sgd_pass){.shape = s, .n = n};
    p->z = malloc(all * sizeof *p->z);
    p->a = malloc(all * sizeof *p->a);
    p->g = malloc(all * sizeof *p->g);
    p->f = malloc(n * sizeof *p->f);
    p->part = malloc(SGD_PASS_BLOCK * s->h * sizeof *p->part);
    if (p->z && p->a && p->g && p->f && p->part)
        return 0;
    sgd_pass_free(p);
    return qn_fail(QN_ERR_NOMEM, "no memory for %zu hidden units at %zu points", s->depth * s->h, n);
}

void sgd_pass_free(sgd_pass *p)
{
    free(p->z);
    free(p->a);
    free(p->g);
    free(p->f);
    free(p->part);
    memset(p, 0, sizeof *p);
}

static double dot(size_t n, const double *a, const double *b)
{
    double s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++)
            s[l] += a[i + l] * b[i + l];
    for (; i < n; i++)
        s[i % 8] += a[i] * b[i];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

void sgd_pass_forward(sgd_pass *p, const double *w, const double *x)
{
    const sgd_shape *s = p->shape;
    size_t h = s->h, layer = p->n * h;
    double out = sgd_shape_out(s), fan = 1 / sqrt((double)h);
    p->w = w;
    p->x = x;
    memset(p->z, 0, s->depth * layer * sizeof *p->z);
    for (size_t l = 0; l < s->depth; l++) {
        size_t in = sgd_shape_inputs(s, l);
        double *z = p->z + l * layer, *a = p->a + l * layer;
        qn_gemm_f64(QN_GEMM_OWN, QN_NN, p->n, h, in, l ? a - layer : x, in, w + sgd_shape_at(s, l), h, z, h);
        for (size_t i = 0; i < layer; i++) {
            z[i] *= l ? fan : 1;
            a[i] = sgd_phi_value(&s->phi, z[i]);
        }
    }
    const double *last = p->a + (s->depth - 1) * layer, *v = w + sgd_shape_at(s, s->depth);
    for (size_t mu = 0; mu < p->n; mu++)
        p->f[mu] = out * dot(h, v, last + mu * h);
}

void sgd_pass_backward(sgd_pass *p)
{
    const sgd_shape *s = p->shape;
    size_t h = s->h, layer = p->n * h;
    double out = sgd_shape_out(s), fan = 1 / sqrt((double)h);
    const double *v = p->w + sgd_shape_at(s, s->depth);
    memset(p->g, 0, s->depth * layer * sizeof *p->g);
    for (size_t l = s->depth; l-- > 0;) {
        double *g = p->g + l * layer;
        const double *z = p->z + l * layer;
        if (l + 1 < s->depth)
            qn_gemm_f64(QN_GEMM_OWN, QN_NT, p->n, h, h, g + layer, h, p->w + sgd_shape_at(s, l + 1), h, g, h);
        for (size_t i = 0; i < layer; i++)
            g[i] = (l + 1 < s->depth ? fan * g[i] : out * v[i % h]) * sgd_phi_slope(&s->phi, z[i]);
    }
}

void sgd_pass_gradient(sgd_pass *p, const double *weight, double *gradient)
{
    const sgd_shape *s = p->shape;
    size_t h = s->h, layer = p->n * h;
    double out = sgd_shape_out(s), fan = 1 / sqrt((double)h), *push = p->part;
    for (size_t first = 0; first < p->n; first += SGD_PASS_BLOCK) {
        size_t m = first + SGD_PASS_BLOCK < p->n ? SGD_PASS_BLOCK : p->n - first;
        for (size_t l = 0; l < s->depth; l++) {
            size_t in = sgd_shape_inputs(s, l);
            const double *g = p->g + l * layer + first * h, *from = l ? p->a + (l - 1) * layer + first * h : p->x + first * in;
            for (size_t i = 0; i < m * h; i++)
                push[i] = (l ? fan : 1) * weight[first + i / h] * g[i];
            qn_gemm_f64(QN_GEMM_OWN, QN_TN, in, h, m, from, in, push, h, gradient + sgd_shape_at(s, l), h);
        }
        double *v = gradient + sgd_shape_at(s, s->depth);
        const double *a = p->a + (s->depth - 1) * layer + first * h;
        for (size_t i = 0; !s->shared_readout && i < m * h; i++)
            v[i % h] += out * weight[first + i / h] * a[i];
    }
}

void sgd_pass_norms(const sgd_pass *p, double *norm)
{
    const sgd_shape *s = p->shape;
    size_t h = s->h, layer = p->n * h;
    double out = sgd_shape_out(s);
    for (size_t mu = 0; mu < p->n; mu++) {
        const double *last = p->a + (s->depth - 1) * layer + mu * h;
        norm[mu] = s->shared_readout ? 0 : out * out * dot(h, last, last);
        for (size_t l = 0; l < s->depth; l++) {
            const double *g = p->g + l * layer + mu * h, *from = l ? p->a + (l - 1) * layer + mu * h : p->x + mu * s->d;
            norm[mu] += dot(h, g, g) * dot(sgd_shape_inputs(s, l), from, from) / (l ? (double)h : 1);
        }
    }
}
