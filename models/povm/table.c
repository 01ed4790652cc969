/* table.c -- one logit for each of the k^n strings, P = softmax: every distribution, for tests.  Site 0 runs fastest.  In double precision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "rng.h"

enum { MOST = 1 << 16 }; /* strings */

typedef struct table {
    size_t n, k, strings;
    double *log_p, *p, *below; /* below[s]: sum of p before s */
} table;

static size_t strings_of(const povm_shape *s)
{
    size_t strings = 1;
    for (int i = 0; i < s->n && strings <= MOST; i++)
        strings *= (size_t)s->k;
    return strings;
}

static size_t tensors(const povm_shape *s, povm_tensor *out)
{
    const size_t strings = strings_of(s);
    out[0] = (povm_tensor){"logits", 0, strings, 1, strings};
    return 1;
}

static void close_table(void *self)
{
    table *t = self;
    if (!t)
        return;
    free(t->log_p);
    free(t->p);
    free(t->below);
    free(t);
}

static int open_table(const povm_shape *s, void **self)
{
    const size_t strings = strings_of(s);
    if (strings > MOST)
        return qn_fail(QN_ERR_INPUT, "a table of %d^%d strings is too long; at most %d", s->k, s->n, MOST);
    table *t = *self = calloc(1, sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    *t = (table){.n = (size_t)s->n, .k = (size_t)s->k, .strings = strings};
    t->log_p = calloc(strings, sizeof *t->log_p);
    t->p = calloc(strings, sizeof *t->p);
    t->below = calloc(strings, sizeof *t->below);
    return t->log_p && t->p && t->below ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
}

static void start(const povm_shape *s, const double *p, double scale, double noise, qn_rng *rng, double *theta)
{
    (void)scale, (void)noise, (void)rng;
    const size_t strings = strings_of(s), k = (size_t)s->k;
    for (size_t c = 0; c < strings; c++) {
        size_t rest = c;
        theta[c] = 0;
        for (size_t i = 0; i < (size_t)s->n; i++, rest /= k)
            theta[c] += log(fmax(p[i * k + rest % k], 1e-7));
    }
}

static void set(void *self, const double *theta)
{
    table *t = self;
    double most = theta[0], sum = 0, below = 0;
    for (size_t c = 1; c < t->strings; c++)
        most = fmax(most, theta[c]);
    for (size_t c = 0; c < t->strings; c++)
        sum += exp(theta[c] - most);
    for (size_t c = 0; c < t->strings; c++) {
        t->log_p[c] = theta[c] - most - log(sum);
        t->p[c] = exp(t->log_p[c]);
        t->below[c] = below;
        below += t->p[c];
    }
}

static size_t work_bytes(const void *self)
{
    (void)self;
    return 64;
}

static size_t index_of(const table *t, const uint8_t *string)
{
    size_t c = 0;
    for (size_t i = t->n; i-- > 0;)
        c = c * t->k + string[i];
    return c;
}

static void logp(const void *self, void *work, size_t count, const uint8_t *strings, double *out)
{
    (void)work;
    const table *t = self;
    for (size_t j = 0; j < count; j++)
        out[j] = t->log_p[index_of(t, strings + j * t->n)];
}

static void sample(const void *self, void *work, qn_rng *rng, size_t count, uint8_t *strings, double *out)
{
    (void)work;
    const table *t = self;
    double u[POVM_BLOCK];
    qn_rng_fill_uniform(rng, POVM_BLOCK, u);
    for (size_t j = 0; j < count; j++) {
        size_t lo = 0, hi = t->strings; /* below[lo] <= u < below[hi] */
        while (hi - lo > 1) {
            size_t mid = lo + (hi - lo) / 2;
            if (t->below[mid] <= u[j])
                lo = mid;
            else
                hi = mid;
        }
        out[j] = t->log_p[lo];
        for (size_t i = 0; i < t->n; i++, lo /= t->k)
            strings[j * t->n + i] = (uint8_t)(lo % t->k);
    }
}

static void grad(const void *self, void *work, size_t count, const uint8_t *strings, const double *weight, double *out)
{
    (void)work;
    const table *t = self;
    double total = 0;
    for (size_t j = 0; j < count; j++) {
        total += weight[j];
        out[index_of(t, strings + j * t->n)] += weight[j];
    }
    for (size_t c = 0; c < t->strings; c++)
        out[c] -= total * t->p[c];
}

const povm_net_methods povm_table = {
    .name = "table",
    .tensors = tensors,
    .open = open_table,
    .close = close_table,
    .start = start,
    .set = set,
    .work_bytes = work_bytes,
    .sample = sample,
    .logp = logp,
    .grad = grad,
};
