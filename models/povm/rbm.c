/* rbm.c -- see rbm.h. */
#include "rbm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "connected.h"
#include "rng.h"
#include "stats.h"
#include "vmath.h"

/* theta: b[n][k]; c[units]; W[n][k][units]. */
typedef struct rbm {
    povm_shape shape;
    size_t n, k, units, c, w, count;
    double *theta;
} rbm;

static rbm sizes(const povm_shape *s)
{
    rbm t = {.shape = *s, .n = (size_t)s->n, .k = (size_t)s->k, .units = (size_t)s->n * (size_t)s->hidden};
    t.c = t.n * t.k;
    t.w = t.c + t.units;
    t.count = t.w + t.n * t.k * t.units;
    return t;
}

static size_t tensors(const povm_shape *s, povm_tensor *out)
{
    const rbm t = sizes(s);
    out[0] = (povm_tensor){"b", 0, t.c, t.n, t.k};
    out[1] = (povm_tensor){"c", t.c, t.units, 1, t.units};
    out[2] = (povm_tensor){"W", t.w, t.count - t.w, t.n * t.k, t.units};
    return 3;
}

/* W ~ N(0, (scale noise)^2): units start nearly idle, as all else than the product state does in the nets. */
static void start(const povm_shape *s, const double *p, double scale, double noise, qn_rng *rng, double *theta)
{
    const rbm t = sizes(s);
    qn_rng_fill_normal(rng, t.count, theta);
    for (size_t i = 0; i < t.c; i++)
        theta[i] = log(fmax(p[i], 1e-7));
    for (size_t i = t.c; i < t.w; i++)
        theta[i] = 0;
    for (size_t i = t.w; i < t.count; i++)
        theta[i] *= scale * noise;
}

/* ---- units ---- */

/* x = from + in - less (in, less: NULL for none); returns sum log 2 cosh x.  2 cosh x = e^|x| (1 + e^-2|x|): one logarithm for many units. */
QN_CLONES static double move(size_t units, const double *from, const double *in, const double *less, double *x)
{
    enum { PART = 8, FIT = 4096 };
    double total = 0;
    for (size_t first = 0; first < units; first += FIT) {
        const size_t n = units - first < FIT ? units - first : FIT;
        double sum[PART] = {0}, product[PART];
        for (size_t j = 0; j < PART; j++)
            product[j] = 1;
        for (size_t u = 0; u < n; u++)
            x[first + u] = in ? from[first + u] + (in[first + u] - less[first + u]) : from[first + u];
        size_t u = 0;
        for (; u + PART <= n; u += PART)
            for (size_t j = 0; j < PART; j++) {
                const double y = fabs(x[first + u + j]);
                sum[j] += y;
                product[j] *= 1 + qn_vexp(-2 * y);
            }
        for (size_t j = 0; u + j < n; j++) {
            const double y = fabs(x[first + u + j]);
            sum[j] += y;
            product[j] *= 1 + qn_vexp(-2 * y);
        }
        for (size_t wide = PART / 2; wide; wide /= 2)
            for (size_t j = 0; j < wide; j++)
                sum[j] += sum[j + wide];
        double log_product = 0;
        for (size_t j = 0; j < PART; j++)
            log_product += qn_vlog(product[j]);
        total += sum[0] + log_product;
    }
    return total;
}

/* to += weight tanh x. */
QN_CLONES static void add_tanh(size_t units, double weight, const double *restrict x, double *restrict to)
{
    for (size_t u = 0; u < units; u++) {
        const double e = qn_vexp(-2 * fabs(x[u]));
        to[u] += weight * copysign((1 - e) / (1 + e), x[u]);
    }
}

static void add(size_t n, double sign, const double *restrict x, double *restrict to)
{
    for (size_t i = 0; i < n; i++)
        to[i] += sign * x[i];
}

static const double *row(const rbm *t, size_t site, size_t outcome)
{
    return t->theta + t->w + (site * t->k + outcome) * t->units;
}

/* Activations x of a string; returns log P. */
static double look(const rbm *t, const uint8_t *string, double *x)
{
    double visible = 0;
    memcpy(x, t->theta + t->c, t->units * sizeof *x);
    for (size_t i = 0; i < t->n; i++) {
        visible += t->theta[i * t->k + string[i]];
        add(t->units, 1, row(t, i, string[i]), x);
    }
    return visible + move(t->units, x, NULL, NULL, x);
}

/* ---- life ---- */

static void close_rbm(void *self)
{
    rbm *t = self;
    if (t)
        free(t->theta);
    free(t);
}

static int open_rbm(const povm_shape *s, void **self)
{
    rbm *t = *self = malloc(sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    *t = sizes(s);
    t->theta = calloc(t->count, sizeof *t->theta);
    return t->theta ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for an rbm of %zu parameters", t->count);
}

static void set(void *self, const double *theta)
{
    rbm *t = self;
    memcpy(t->theta, theta, t->count * sizeof *theta);
}

typedef struct scratch {
    double *x[3];       /* activations of the string, of one with a changed site, of one with two */
    double *sum;        /* [units] sum over strings of weight tanh x */
    double *changed;    /* [n][k][units] the same of those whose site i is changed to b */
    double *one;        /* [n][k] weights of strings */
    double *visible;    /* [n][k] sum of the weights of those whose site i is changed to b */
    size_t bytes;
} scratch;

static scratch cut(const rbm *t, void *memory)
{
    povm_arena m = {.at = memory};
    scratch w;
    for (int i = 0; i < 3; i++)
        w.x[i] = povm_take(&m, t->units * sizeof(double));
    w.sum = povm_take(&m, t->units * sizeof(double));
    w.changed = povm_take(&m, t->n * t->k * t->units * sizeof(double));
    w.one = povm_take(&m, t->n * t->k * sizeof(double));
    w.visible = povm_take(&m, t->n * t->k * sizeof(double));
    w.bytes = m.used;
    return w;
}

static size_t work_bytes(const void *self)
{
    return cut(self, NULL).bytes;
}

/* ---- strings ---- */

static void logp_of(const void *self, void *work, size_t count, const uint8_t *strings, double *out)
{
    const rbm *t = self;
    const scratch w = cut(t, work);
    for (size_t s = 0; s < count; s++)
        out[s] = look(t, strings + s * t->n, w.x[0]);
}

static void grad_of(const void *self, void *work, size_t count, const uint8_t *strings, const double *weight, double *grad)
{
    const rbm *t = self;
    const scratch w = cut(t, work);
    for (size_t s = 0; s < count; s++, strings += t->n) {
        look(t, strings, w.x[0]);
        memset(w.sum, 0, t->units * sizeof(double));
        add_tanh(t->units, weight[s], w.x[0], w.sum);
        add(t->units, 1, w.sum, grad + t->c);
        for (size_t i = 0; i < t->n; i++) {
            grad[i * t->k + strings[i]] += weight[s];
            add(t->units, 1, w.sum, grad + t->w + (i * t->k + strings[i]) * t->units);
        }
    }
}

/* Change of the visible part of log P. */
static double change(const rbm *t, size_t site, size_t to, size_t from)
{
    return t->theta[site * t->k + to] - t->theta[site * t->k + from];
}

/* A look at activations that are known counts as one evaluation, a whole string as n. */
static void connected(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                      double *log_two, uint64_t *evaluations)
{
    const rbm *t = self;
    const scratch w = cut(t, work);
    const size_t n = t->n, k = t->k;
    for (size_t s = 0; s < count; s++) {
        const uint8_t *a = strings + s * n;
        double *one = log_one + s * n * k, *two = log_two + s * n_bonds * k * k;
        const double own = look(t, a, w.x[0]), hidden = move(t->units, w.x[0], NULL, NULL, w.x[1]), visible = own - hidden;
        *evaluations += n;
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < k; b++) {
                if (b == a[i]) {
                    one[i * k + b] = own;
                    continue;
                }
                const double seen = visible + change(t, i, b, a[i]);
                one[i * k + b] = seen + move(t->units, w.x[0], row(t, i, b), row(t, i, a[i]), w.x[1]);
                ++*evaluations;
                for (size_t q = 0; q < n_bonds; q++) {
                    const size_t j = (size_t)bond[q][1];
                    if ((size_t)bond[q][0] != i || povm_bond_first(bond, q) < q)
                        continue;
                    for (size_t c = 0; c < k; c++)
                        if (c != a[j]) {
                            two[q * k * k + b + k * c] = seen + change(t, j, c, a[j]) + move(t->units, w.x[1], row(t, j, c), row(t, j, a[j]), w.x[2]);
                            ++*evaluations;
                        }
                }
            }
        povm_connected_fill(&t->shape, n_bonds, bond, a, one, two);
    }
}

/* A string of weight `weight` with activations x and outcome to[e] at each changed site at[e]. */
static void count_in(const rbm *t, const scratch *w, double weight, const double *x, size_t changed, const size_t *at, const size_t *to, double *total)
{
    if (weight == 0)
        return;
    *total += weight;
    add_tanh(t->units, weight, x, w->sum);
    for (size_t e = 0; e < changed; e++) {
        add_tanh(t->units, weight, x, w->changed + (at[e] * t->k + to[e]) * t->units);
        w->visible[at[e] * t->k + to[e]] += weight;
    }
}

/* Of one string: the strings that keep a site are all less those that change it. */
static void add_string(const rbm *t, const scratch *w, const uint8_t *a, double total, double *grad)
{
    const size_t k = t->k, units = t->units;
    add(units, 1, w->sum, grad + t->c);
    for (size_t i = 0; i < t->n; i++) {
        double kept = total;
        for (size_t b = 0; b < k; b++)
            if (b != a[i]) {
                const double *x = w->changed + (i * k + b) * units;
                add(units, 1, x, grad + t->w + (i * k + b) * units);
                add(units, -1, x, grad + t->w + (i * k + a[i]) * units);
                grad[i * k + b] += w->visible[i * k + b];
                kept -= w->visible[i * k + b];
            }
        add(units, 1, w->sum, grad + t->w + (i * k + a[i]) * units);
        grad[i * k + a[i]] += kept;
    }
}

static void connected_grad(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings,
                           const double *weight_one, const double *weight_two, double *grad)
{
    const rbm *t = self;
    const scratch w = cut(t, work);
    const size_t n = t->n, k = t->k, units = t->units;
    for (size_t s = 0; s < count; s++) {
        const uint8_t *a = strings + s * n;
        const double *two = weight_two + s * n_bonds * k * k;
        memset(w.sum, 0, units * sizeof(double));
        memset(w.changed, 0, n * k * units * sizeof(double));
        memset(w.visible, 0, n * k * sizeof(double));
        double total = 0;
        look(t, a, w.x[0]);
        count_in(t, &w, povm_connected_fold(&t->shape, n_bonds, bond, a, weight_one + s * n * k, two, w.one), w.x[0], 0, NULL, NULL, &total);
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < k; b++) {
                if (b == a[i])
                    continue;
                move(units, w.x[0], row(t, i, b), row(t, i, a[i]), w.x[1]);
                count_in(t, &w, w.one[i * k + b], w.x[1], 1, &i, &b, &total);
                for (size_t q = 0; q < n_bonds; q++) {
                    const size_t j = (size_t)bond[q][1];
                    if ((size_t)bond[q][0] != i || povm_bond_first(bond, q) < q)
                        continue;
                    for (size_t c = 0; c < k; c++)
                        if (c != a[j]) {
                            move(units, w.x[1], row(t, j, c), row(t, j, a[j]), w.x[2]);
                            count_in(t, &w, povm_connected_pair(&t->shape, n_bonds, bond, q, b, c, two), w.x[2], 2, (size_t[]){i, j}, (size_t[]){b, c},
                                     &total);
                        }
                }
            }
        add_string(t, &w, a, total, grad);
    }
}

const povm_net_methods povm_rbm = {
    .name = "rbm",
    .tensors = tensors,
    .open = open_rbm,
    .close = close_rbm,
    .start = start,
    .set = set,
    .work_bytes = work_bytes,
    .logp = logp_of,
    .grad = grad_of,
    .connected = connected,
    .connected_grad = connected_grad,
};

/* ---- chains ---- */

struct povm_chains {
    rbm *rbm;
    size_t chains;
    int threads;
    uint8_t *strings;        /* [chains][n] */
    double *x;               /* [chains][2][units] activations, then those of a proposal */
    double *logp;            /* [chains] */
    uint64_t *taken;         /* [chains] moves */
    uint64_t sweeps;         /* since the weights were set */
    qn_rng *rng;             /* [chains] */
};

void povm_chains_destroy(povm_chains *c)
{
    if (!c)
        return;
    close_rbm(c->rbm);
    free(c->strings);
    free(c->x);
    free(c->logp);
    free(c->taken);
    free(c->rng);
    free(c);
}

static void open_streams(povm_chains *c, const qn_streams *streams, qn_purpose purpose, uint64_t first)
{
    for (size_t i = 0; i < c->chains; i++)
        qn_stream_split(streams, purpose, first + i, &c->rng[i]);
}

int povm_chains_create(const povm_shape *s, size_t chains, const qn_streams *streams, qn_purpose purpose, uint64_t first, povm_chains **out)
{
    *out = NULL;
    povm_chains *c = calloc(1, sizeof *c);
    if (!c)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    c->chains = chains;
    void *self = NULL;
    int err = open_rbm(s, &self);
    c->rbm = self;
    if (!err) {
        c->strings = calloc(chains, c->rbm->n);
        c->x = calloc(2 * chains * c->rbm->units, sizeof *c->x);
        c->logp = calloc(chains, sizeof *c->logp);
        c->taken = calloc(chains, sizeof *c->taken);
        c->rng = calloc(chains, sizeof *c->rng);
        if (!c->strings || !c->x || !c->logp || !c->taken || !c->rng)
            err = qn_fail(QN_ERR_NOMEM, "out of memory for %zu chains", chains);
    }
    if (err) {
        povm_chains_destroy(c);
        return err;
    }
    open_streams(c, streams, purpose, first);
    for (size_t i = 0; i < chains * c->rbm->n; i++)
        c->strings[i] = (uint8_t)qn_rng_below(&c->rng[i / c->rbm->n], c->rbm->k);
    povm_chains_set(c, c->rbm->theta);
    *out = c;
    return 0;
}

void povm_chains_use_threads(povm_chains *c, int threads)
{
    c->threads = threads;
}

static double *activations(const povm_chains *c, size_t i)
{
    return c->x + 2 * i * c->rbm->units;
}

/* Out of the strings alone, so that what was saved goes on with the same bits. */
static void look_again(povm_chains *c)
{
    for (size_t i = 0; i < c->chains; i++)
        c->logp[i] = look(c->rbm, c->strings + i * c->rbm->n, activations(c, i));
}

void povm_chains_set(povm_chains *c, const double *theta)
{
    if (theta != c->rbm->theta)
        set(c->rbm, theta);
    memset(c->taken, 0, c->chains * sizeof *c->taken);
    c->sweeps = 0;
}

void povm_chains_copy(povm_chains *c, const povm_chains *from, const qn_streams *streams, qn_purpose purpose, uint64_t first)
{
    const size_t shared = c->chains < from->chains ? c->chains : from->chains;
    memcpy(c->strings, from->strings, shared * c->rbm->n);
    povm_chains_set(c, from->rbm->theta);
    open_streams(c, streams, purpose, first);
}

static void run_chain(povm_chains *c, size_t i, size_t sweeps)
{
    const rbm *t = c->rbm;
    const size_t n = t->n, k = t->k, units = t->units;
    uint8_t *a = c->strings + i * n;
    double *x = activations(c, i), *next = x + units;
    double visible = 0;
    for (size_t v = 0; v < n; v++)
        visible += t->theta[v * k + a[v]];
    double hidden = c->logp[i] - visible;
    for (size_t m = 0; m < sweeps * n; m++) {
        const size_t site = qn_rng_below(&c->rng[i], n), turn = 1 + qn_rng_below(&c->rng[i], k - 1), b = (a[site] + turn) % k;
        const double u = qn_rng_uniform_pos(&c->rng[i]);
        const double moved = move(units, x, row(t, site, b), row(t, site, a[site]), next), gain = change(t, site, b, a[site]);
        if (log(u) >= moved - hidden + gain)
            continue;
        a[site] = (uint8_t)b;
        hidden = moved;
        visible += gain;
        c->taken[i]++;
        memcpy(x, next, units * sizeof *x);
    }
    c->logp[i] = visible + hidden;
}

static void run_chains(povm_chains *c, size_t sweeps)
{
    int threads = c->threads ? c->threads : qn_threads();
    if ((size_t)threads > c->chains)
        threads = (int)c->chains;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t i = 0; i < c->chains; i++)
        run_chain(c, i, sweeps);
    c->sweeps += sweeps;
}

void povm_chains_run(povm_chains *c, size_t sweeps)
{
    look_again(c);
    run_chains(c, sweeps);
}

void povm_chains_draw(povm_chains *c, size_t count, size_t thinning, uint8_t *strings, double *logp)
{
    look_again(c);
    for (size_t first = 0; first < count; first += c->chains) {
        const size_t some = count - first < c->chains ? count - first : c->chains;
        run_chains(c, thinning);
        memcpy(strings + first * c->rbm->n, c->strings, some * c->rbm->n);
        memcpy(logp + first, c->logp, some * sizeof *logp);
    }
}

double povm_chains_acceptance(const povm_chains *c)
{
    double taken = 0;
    for (size_t i = 0; i < c->chains; i++)
        taken += (double)c->taken[i];
    return c->sweeps ? taken / ((double)c->sweeps * (double)c->chains * (double)c->rbm->n) : 0;
}

static double covariance(size_t chains, size_t rounds, const double *x, double mean, size_t lag)
{
    double sum = 0;
    for (size_t i = 0; i < (rounds - lag) * chains; i++)
        sum += (x[i] - mean) * (x[i + lag * chains] - mean);
    return sum / (double)((rounds - lag) * chains);
}

double povm_chains_tau(size_t chains, size_t rounds, const double *x)
{
    const double mean = qn_sum(rounds * chains, x) / (double)(rounds * chains), variance = covariance(chains, rounds, x, mean, 0);
    const bool varies = variance > 1e-24 * mean * mean; /* else rounding */
    double tau = 0.5;
    for (size_t lag = 1; varies && lag < rounds && (double)lag < 5 * tau; lag++)
        tau += covariance(chains, rounds, x, mean, lag) / variance;
    return fmax(tau, 0.5);
}

int povm_chains_save(const povm_chains *c, qn_group *g)
{
    int err = qn_save_bytes(g, "chains", c->chains * c->rbm->n, c->strings);
    return err ? err : qn_save_bytes(g, "chain_streams", c->chains * sizeof *c->rng, c->rng);
}

int povm_chains_load(povm_chains *c, const qn_group *g)
{
    int err = qn_load_bytes(g, "chains", c->chains * c->rbm->n, c->strings);
    return err ? err : qn_load_bytes(g, "chain_streams", c->chains * sizeof *c->rng, c->rng);
}
