/* product.c -- independent sites, P(a) = prod_i softmax(b_i)_{a_i}.  Always in double precision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "rng.h"

typedef struct product {
    size_t n, k;
    double *log_p, *p;        /* [n][k] */
} product;

static size_t tensors(const povm_shape *s, povm_tensor *out)
{
    const size_t n = (size_t)s->n, k = (size_t)s->k;
    out[0] = (povm_tensor){"logits", 0, n * k, n, k};
    return 1;
}

static void close_product(void *self)
{
    product *t = self;
    if (!t)
        return;
    free(t->log_p);
    free(t->p);
    free(t);
}

static int open_product(const povm_shape *s, void **self)
{
    product *t = *self = calloc(1, sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    t->n = (size_t)s->n;
    t->k = (size_t)s->k;
    t->log_p = calloc(t->n * t->k, sizeof *t->log_p);
    t->p = calloc(t->n * t->k, sizeof *t->p);
    return t->log_p && t->p ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
}

static void start(const povm_shape *s, const double *p, double scale, double noise, qn_rng *rng, double *theta)
{
    (void)scale, (void)noise, (void)rng;
    for (size_t i = 0; i < (size_t)s->n * (size_t)s->k; i++)
        theta[i] = log(fmax(p[i], 1e-7));
}

static void set(void *self, const double *theta)
{
    product *t = self;
    const size_t k = t->k;
    for (size_t i = 0; i < t->n; i++, theta += k) {
        double most = theta[0], sum = 0;
        for (size_t a = 1; a < k; a++)
            most = fmax(most, theta[a]);
        for (size_t a = 0; a < k; a++)
            sum += exp(theta[a] - most);
        for (size_t a = 0; a < k; a++) {
            t->log_p[i * k + a] = theta[a] - most - log(sum);
            t->p[i * k + a] = exp(t->log_p[i * k + a]);
        }
    }
}

static size_t work_bytes(const void *self)
{
    (void)self;
    return 64;
}

static void logp(const void *self, void *work, size_t count, const uint8_t *strings, double *out)
{
    (void)work;
    const product *t = self;
    for (size_t j = 0; j < count; j++, strings += t->n) {
        out[j] = 0;
        for (size_t i = 0; i < t->n; i++)
            out[j] += t->log_p[i * t->k + strings[i]];
    }
}

static void sample(const void *self, void *work, qn_rng *rng, size_t count, uint8_t *strings, double *out)
{
    const product *t = self;
    double u[POVM_BLOCK];
    for (size_t i = 0; i < t->n; i++) {
        qn_rng_fill_uniform(rng, POVM_BLOCK, u);
        const double *p = t->p + i * t->k;
        for (size_t j = 0; j < count; j++) {
            size_t a = 0;
            for (double below = p[0]; a + 1 < t->k && u[j] >= below; below += p[a])
                a++;
            strings[j * t->n + i] = (uint8_t)a;
        }
    }
    logp(self, work, count, strings, out);
}

static void grad(const void *self, void *work, size_t count, const uint8_t *strings, const double *weight, double *out)
{
    (void)work;
    const product *t = self;
    double total = 0;
    for (size_t j = 0; j < count; j++, strings += t->n) {
        total += weight[j];
        for (size_t i = 0; i < t->n; i++)
            out[i * t->k + strings[i]] += weight[j];
    }
    for (size_t i = 0; i < t->n * t->k; i++)
        out[i] -= total * t->p[i];
}

const povm_net_methods povm_product = {
    .name = "product",
    .tensors = tensors,
    .open = open_product,
    .close = close_product,
    .start = start,
    .set = set,
    .work_bytes = work_bytes,
    .sample = sample,
    .logp = logp,
    .grad = grad,
};
