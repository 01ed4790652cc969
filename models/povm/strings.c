/* strings.c -- string states: P(a) = 1/S sum_s p(a_{order[s][0]}, a_{order[s][1]}, ...), one net p read along S orders of the sites; exactly normalised.
 *
 * A string is drawn along a random order, log P is the log-sum-exp over all, its gradient has the weights p_s/(sum of p_s) (Luo, Chen, Carrasquilla &
 * Clark 2022, who call it partial symmetrisation). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "net.h"
#include "vmath.h"

enum {
    BONDS_A_SITE = 2,                 /* at most */
    ROOM = 1 << 26                    /* bytes for log P of connected strings along all orders: where S is large, fewer strings go at a time */
};

typedef struct strings_net {
    povm_shape shape, bare;
    const povm_net_methods *methods;  /* of the bare net */
    void *self;
    size_t n, k, orders;
    size_t *order, *place;            /* [orders][n] the site that is t-th; where site i is */
    double log_orders;
    size_t rows;                      /* strings of which the connected ones are looked at together */
} strings_net;

typedef struct scratch {
    void *bare, *list;
    uint8_t *strings;                 /* [POVM_BLOCK][n] along an order */
    double *one, *two;                /* [rows][n][k], [rows][bonds][k^2] of an order: log P or weights */
    double *ones, *twos;              /* [orders] of the same, by site */
    double *sum_one, *sum_two;        /* log-sum-exp */
    double *value, *total, *weight;   /* [orders][POVM_BLOCK], [POVM_BLOCK] */
    int (*bond)[2];                   /* [bonds] places along an order */
    size_t bytes;
} scratch;

static povm_shape bare_shape(const povm_shape *s)
{
    povm_shape bare = *s;
    bare.orders = 0;
    bare.order = NULL;
    return bare;
}

static size_t tensors(const povm_shape *s, povm_tensor *out)
{
    const povm_shape bare = bare_shape(s);
    return povm_net_methods_of(s->ansatz)->tensors(&bare, out);
}

static void close_strings(void *self)
{
    strings_net *t = self;
    if (!t)
        return;
    if (t->self)
        t->methods->close(t->self);
    free(t->order);
    free(t->place);
    free(t);
}

static int open_strings(const povm_shape *s, void **self)
{
    strings_net *t = *self = calloc(1, sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    *t = (strings_net){.shape = *s, .bare = bare_shape(s), .methods = povm_net_methods_of(s->ansatz), .n = (size_t)s->n, .k = (size_t)s->k,
                       .orders = s->orders > 1 ? (size_t)s->orders : 1};
    t->log_orders = log((double)t->orders);
    const size_t fit = ROOM / sizeof(double) / (t->orders * t->n * t->k * (1 + BONDS_A_SITE * t->k));
    t->rows = fit > POVM_BLOCK ? POVM_BLOCK : fit ? fit : 1;
    t->order = calloc(t->orders * t->n, sizeof *t->order);
    t->place = calloc(t->orders * t->n, sizeof *t->place);
    if (!t->order || !t->place)
        return qn_fail(QN_ERR_NOMEM, "out of memory for %zu orders of the sites", t->orders);
    for (size_t o = 0; o < t->orders; o++)
        for (size_t i = 0; i < t->n; i++) {
            t->order[o * t->n + i] = (size_t)s->order[o * t->n + i];
            t->place[o * t->n + t->order[o * t->n + i]] = i;
        }
    return t->methods->open(&t->bare, &t->self);
}

/* Place t of the net stands for other sites along other orders: it starts with their mean. */
static void start(const povm_shape *s, const double *p, double scale, double noise, qn_rng *rng, double *theta)
{
    const povm_shape bare = bare_shape(s);
    const size_t n = (size_t)s->n, k = (size_t)s->k, orders = s->orders > 1 ? (size_t)s->orders : 1;
    double mean[n * k]; /* a few kB */
    memset(mean, 0, n * k * sizeof *mean);
    for (size_t o = 0; o < orders; o++)
        for (size_t t = 0; t < n; t++)
            for (size_t a = 0; a < k; a++)
                mean[t * k + a] += p[(size_t)s->order[o * n + t] * k + a] / (double)orders;
    povm_net_methods_of(s->ansatz)->start(&bare, mean, scale, noise, rng, theta);
}

static void set(void *self, const double *theta)
{
    strings_net *t = self;
    t->methods->set(t->self, theta);
}

/* ---- scratch ---- */

static scratch cut(const strings_net *t, void *memory)
{
    povm_arena m = {.at = memory};
    const size_t one = t->rows * t->n * t->k * sizeof(double), two = BONDS_A_SITE * t->k * one, row = POVM_BLOCK * sizeof(double);
    scratch w = {.bare = povm_take(&m, t->methods->work_bytes(t->self)), .list = povm_take(&m, povm_list_bytes(&t->bare))};
    w.strings = povm_take(&m, POVM_BLOCK * t->n);
    w.one = povm_take(&m, one);
    w.two = povm_take(&m, two);
    w.ones = povm_take(&m, t->orders * one);
    w.twos = povm_take(&m, t->orders * two);
    w.sum_one = povm_take(&m, one);
    w.sum_two = povm_take(&m, two);
    w.value = povm_take(&m, t->orders * row);
    w.total = povm_take(&m, row);
    w.weight = povm_take(&m, row);
    w.bond = povm_take(&m, BONDS_A_SITE * t->n * sizeof *w.bond);
    w.bytes = m.used;
    return w;
}

static size_t work_bytes(const void *self)
{
    return cut(self, NULL).bytes;
}

/* Strings along order o. */
static void along(const strings_net *t, size_t o, size_t count, const uint8_t *strings, uint8_t *out)
{
    const size_t *order = t->order + o * t->n;
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < t->n; i++)
            out[s * t->n + i] = strings[s * t->n + order[i]];
}

/* out = log of the mean over the orders of e^value[order][number]. */
QN_CLONES static void log_mean(size_t orders, double log_orders, size_t number, const double *restrict value, double *restrict out)
{
    enum { PIECE = 512 };
    double most[PIECE], sum[PIECE];
    for (size_t first = 0; first < number; first += PIECE) {
        const size_t n = number - first < PIECE ? number - first : PIECE;
        memcpy(most, value + first, n * sizeof *most);
        memset(sum, 0, n * sizeof *sum);
        for (size_t o = 1; o < orders; o++)
            for (size_t i = 0; i < n; i++)
                most[i] = value[o * number + first + i] > most[i] ? value[o * number + first + i] : most[i];
        for (size_t o = 0; o < orders; o++)
            for (size_t i = 0; i < n; i++)
                sum[i] += qn_vexp(value[o * number + first + i] - most[i]);
        for (size_t i = 0; i < n; i++)
            out[first + i] = most[i] + qn_vlog(sum[i]) - log_orders;
    }
}

/* out = weight p_order/(sum over the orders of p). */
QN_CLONES static void share(size_t number, double log_orders, const double *weight, const double *value, const double *total, double *out)
{
    for (size_t i = 0; i < number; i++)
        out[i] = weight[i] * qn_vexp(value[i] - total[i] - log_orders);
}

/* ---- strings ---- */

static void logp(const void *self, void *work, size_t count, const uint8_t *strings, double *out)
{
    const strings_net *t = self;
    const scratch w = cut(t, work);
    for (size_t o = 0; o < t->orders; o++) {
        along(t, o, count, strings, w.strings);
        t->methods->logp(t->self, w.bare, count, w.strings, w.value + o * count);
    }
    log_mean(t->orders, t->log_orders, count, w.value, out);
}

static void sample(const void *self, void *work, qn_rng *rng, size_t count, uint8_t *strings, double *out)
{
    const strings_net *t = self;
    const scratch w = cut(t, work);
    size_t order[POVM_BLOCK];
    for (size_t s = 0; s < POVM_BLOCK; s++)
        order[s] = qn_rng_below(rng, t->orders);
    t->methods->sample(t->self, w.bare, rng, count, w.strings, out);
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < t->n; i++)
            strings[s * t->n + i] = w.strings[s * t->n + t->place[order[s] * t->n + i]];
    logp(self, work, count, strings, out);
}

static void grad(const void *self, void *work, size_t count, const uint8_t *strings, const double *weight, double *out)
{
    const strings_net *t = self;
    const scratch w = cut(t, work);
    logp(self, work, count, strings, w.total);
    for (size_t o = 0; o < t->orders; o++) {
        share(count, t->log_orders, weight, w.value + o * count, w.total, w.weight);
        along(t, o, count, strings, w.strings);
        t->methods->grad(t->self, w.bare, count, w.strings, w.weight, out);
    }
}

/* ---- connected strings ---- */

static void bonds_along(const strings_net *t, size_t o, size_t n_bonds, const int (*bond)[2], int (*out)[2])
{
    for (size_t q = 0; q < n_bonds; q++)
        for (size_t e = 0; e < 2; e++)
            out[q][e] = (int)t->place[o * t->n + (size_t)bond[q][e]];
}

/* log P along every order into ones, twos, and of the state into sum_one, sum_two. */
static void values(const strings_net *t, const scratch *w, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *sum_one,
                   double *sum_two, uint64_t *evaluations)
{
    const size_t n = t->n, k = t->k, one = count * n * k, two = count * n_bonds * k * k;
    for (size_t o = 0; o < t->orders; o++) {
        along(t, o, count, strings, w->strings);
        bonds_along(t, o, n_bonds, bond, w->bond);
        if (t->methods->connected)
            t->methods->connected(t->self, w->bare, n_bonds, (const int (*)[2])w->bond, count, w->strings, w->one, w->twos + o * two, evaluations);
        else
            povm_list_connected(t->methods, &t->bare, t->self, w->bare, w->list, n_bonds, (const int (*)[2])w->bond, count, w->strings, w->one,
                                w->twos + o * two, evaluations);
        for (size_t s = 0; s < count; s++)
            for (size_t i = 0; i < n; i++)
                memcpy(w->ones + o * one + (s * n + i) * k, w->one + (s * n + t->place[o * n + i]) * k, k * sizeof(double));
    }
    log_mean(t->orders, t->log_orders, one, w->ones, sum_one);
    log_mean(t->orders, t->log_orders, two, w->twos, sum_two);
}

static void connected(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                      double *log_two, uint64_t *evaluations)
{
    const strings_net *t = self;
    const scratch w = cut(t, work);
    const size_t n = t->n, k = t->k, rows = t->rows;
    for (size_t s = 0; s < count; s += rows)
        values(t, &w, n_bonds, bond, count - s < rows ? count - s : rows, strings + s * n, log_one + s * n * k,
               n_bonds ? log_two + s * n_bonds * k * k : NULL, evaluations);
}

static void connected_grad(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t all, const uint8_t *strings,
                           const double *weight_one, const double *weight_two, double *out)
{
    const strings_net *t = self;
    const scratch w = cut(t, work);
    const size_t n = t->n, k = t->k, rows = t->rows;
    for (size_t first = 0; first < all; first += rows) {
        const size_t count = all - first < rows ? all - first : rows, one = count * n * k, two = count * n_bonds * k * k;
        const double *of_one = weight_one + first * n * k, *of_two = n_bonds ? weight_two + first * n_bonds * k * k : NULL;
        uint64_t evaluations = 0;
        values(t, &w, n_bonds, bond, count, strings + first * n, w.sum_one, w.sum_two, &evaluations);
        for (size_t o = 0; o < t->orders; o++) {
            double *ones = w.ones + o * one;
            share(one, t->log_orders, of_one, ones, w.sum_one, ones);
            share(two, t->log_orders, of_two, w.twos + o * two, w.sum_two, w.two);
            for (size_t s = 0; s < count; s++)
                for (size_t i = 0; i < n; i++)
                    memcpy(w.one + (s * n + t->place[o * n + i]) * k, ones + (s * n + i) * k, k * sizeof(double));
            along(t, o, count, strings + first * n, w.strings);
            bonds_along(t, o, n_bonds, bond, w.bond);
            if (t->methods->connected_grad)
                t->methods->connected_grad(t->self, w.bare, n_bonds, (const int (*)[2])w.bond, count, w.strings, w.one, w.two, out);
            else
                povm_list_connected_grad(t->methods, &t->bare, t->self, w.bare, w.list, n_bonds, (const int (*)[2])w.bond, count, w.strings, w.one, w.two,
                                         out);
        }
    }
}

const povm_net_methods povm_strings = {
    .name = "strings",
    .tensors = tensors,
    .open = open_strings,
    .close = close_strings,
    .start = start,
    .set = set,
    .work_bytes = work_bytes,
    .sample = sample,
    .logp = logp,
    .grad = grad,
    .connected = connected,
    .connected_grad = connected_grad,
};
