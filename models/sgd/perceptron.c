/* perceptron.c -- see perceptron.h. */
#include "perceptron.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* Events.  w1 only grows, since every row has x1 > 0, so that a margin can fall by at most unit |x_perp| |w_perp - w_perp before|: while w_perp is
 * within `reach` of where the margins were made, only the points that such a move could reach have to be watched (as in the neighbour lists of
 * Verlet 1967).  Late in training r is stationary while w1 grows: they are few.  Products among them are kept, row by row as points are picked. */
typedef struct watch {
    bool on;
    size_t most, n;           /* points that fit; that are watched */
    uint32_t *point;          /* [most] */
    double *u;                /* [most] margins */
    float *x;                 /* [most][ld] rows */
    double *before, reach;    /* [ld] weights when the margins were made */
    int64_t events;           /* since then */
    size_t room, rows;        /* products: rows that fit, rows that are there */
    double *row;              /* [room][n] */
    int32_t *slot;            /* [most] row of a watched point, -1: none */
    double *wide;             /* [ld] a row in double */
} watch;

#define CACHE_BYTES 3.2e7
enum { REMAKE = 10000, FEW = 1024 }; /* events after which margins are made anew, against rounding; sets that are watched whole */

typedef struct perceptron {
    sgd_settings set;
    const sgd_rows *rows;
    sgd_boundary law;
    sgd_rule rule;
    size_t ld;
    double unit, scale;       /* u = unit v.x; grad f = scale x: scale = 1/sqrt(d), unit = alpha scale */
    float *x;                 /* [p][ld] */
    double *x2;               /* [p] squared lengths */
    double x2_max;
    double *v, *offset;       /* [ld]; w = v + offset */
    double *w0;               /* [ld] */
    double *u;                /* [p] margins, where `fresh` those of v */
    bool fresh;
    double *push;             /* [b] and which: of a step */
    uint32_t *hit;
    double *point, *sum;      /* [ld] a fresh point; the sum of a gradient */
    watch watch;
} perceptron;

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static void watch_free(watch *c)
{
    void *all[] = {c->point, c->u, c->x, c->before, c->row, c->slot, c->wide};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void destroy(void *net)
{
    perceptron *n = net;
    if (!n)
        return;
    watch_free(&n->watch);
    void *all[] = {n->x, n->x2, n->v, n->offset, n->w0, n->u, n->push, n->hit, n->point, n->sum};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(n);
}

static size_t watch_most(const sgd_settings *set)
{
    size_t most = set->p / 4 > FEW ? set->p / 4 : FEW, rows16 = (size_t)(CACHE_BYTES / 8 / 16); /* 16 rows of products must fit */
    most = most < rows16 ? most : rows16;
    return most < set->p ? most : set->p;
}

static int watch_init(watch *c, const sgd_settings *set, size_t ld)
{
    c->most = watch_most(set);
    c->point = malloc(c->most * sizeof *c->point);
    c->u = malloc(c->most * sizeof *c->u);
    c->x = malloc(c->most * ld * sizeof *c->x);
    c->before = malloc(ld * sizeof *c->before);
    c->row = malloc((size_t)CACHE_BYTES);
    c->slot = malloc(c->most * sizeof *c->slot);
    c->wide = malloc(ld * sizeof *c->wide);
    return c->point && c->u && c->x && c->before && c->row && c->slot && c->wide ? 0 : qn_fail(QN_ERR_NOMEM, "no memory to watch P = %zu points", set->p);
}

static void draw_data(perceptron *n, qn_rng *rng)
{
    size_t d = n->set.d;
    for (size_t mu = 0; mu < n->set.p; mu++) {
        float *x = n->x + mu * n->ld;
        n->point[0] = sgd_boundary_draw(&n->law, rng);
        qn_rng_fill_normal(rng, d - 1, n->point + 1);
        for (size_t i = 0; i < d; i++) {
            x[i] = (float)n->point[i];
            n->x2[mu] += (double)x[i] * (double)x[i];
        }
        n->x2_max = fmax(n->x2_max, n->x2[mu]);
    }
}

static int create(const qn_params *p, const sgd_settings *set, const void *shared, qn_streams *streams, void **net)
{
    (void)p;
    (void)shared;
    perceptron *n = *net = calloc(1, sizeof *n);
    if (!n)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    n->set = *set;
    n->rows = sgd_rows_best();
    n->ld = sgd_padded(set->d);
    n->scale = 1 / sqrt((double)set->d);
    n->unit = set->loss.alpha * n->scale;
    sgd_boundary_init(&n->law, set->chi);
    int err = sgd_rule_init(&n->rule, set->chi);
    size_t batch = set->dynamics == SGD_FLOW ? set->p : set->b;
    n->x = aligned_alloc(64, (set->p * n->ld + 16) * sizeof *n->x);
    n->x2 = calloc(set->p + 1, sizeof *n->x2);
    n->u = malloc((set->p + 1) * sizeof *n->u);
    n->v = calloc(n->ld, sizeof *n->v);
    n->offset = calloc(n->ld, sizeof *n->offset);
    n->w0 = calloc(n->ld, sizeof *n->w0);
    n->point = calloc(n->ld, sizeof *n->point);
    n->sum = calloc(n->ld, sizeof *n->sum);
    n->push = malloc(batch * sizeof *n->push);
    n->hit = malloc(batch * sizeof *n->hit);
    if (!err && (!n->x || !n->x2 || !n->u || !n->v || !n->offset || !n->w0 || !n->point || !n->sum || !n->push || !n->hit))
        err = qn_fail(QN_ERR_NOMEM, "no memory for P = %zu points of d = %zu inputs", set->p, set->d);
    if (!err && set->dynamics == SGD_EVENT)
        err = watch_init(&n->watch, set, n->ld);
    if (err)
        return err;
    memset(n->x, 0, (set->p * n->ld + 16) * sizeof *n->x);
    qn_rng rng;
    qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_DATA, &rng);
    draw_data(n, &rng);
    memset(n->point, 0, n->ld * sizeof *n->point);
    qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_WEIGHTS, &rng);
    for (size_t i = 0; set->scale > 0 && i < set->d; i++)
        n->w0[i] = set->scale * qn_rng_normal(&rng);
    memcpy(set->subtract ? n->offset : n->v, n->w0, n->ld * sizeof *n->w0);
    return 0;
}

/* ---- gradient -------------------------------------------------------------------------------------------------------- */

static const float *row(const perceptron *n, size_t mu)
{
    return n->x + mu * n->ld;
}

static double margin_of(const perceptron *n, size_t mu)
{
    return n->unit * n->rows->dot(n->ld, row(n, mu), n->v);
}

static void refresh(perceptron *n)
{
    if (!n->fresh)
        n->rows->all(n->set.p, n->ld, n->x, n->unit, n->v, n->u);
    n->fresh = true;
}

static size_t step(void *net, size_t count, const uint32_t *at, double rate)
{
    perceptron *n = net;
    size_t hits = 0;
    if (!at)
        refresh(n);
    for (size_t k = 0; k < count; k++) {
        size_t mu = at ? at[k] : k;
        double push = sgd_push(&n->set.loss, at ? margin_of(n, mu) : n->u[mu]);
        n->push[hits] = push;
        n->hit[hits] = (uint32_t)mu;
        hits += push != 0;
    }
    for (size_t k = 0; k < hits; k++)
        n->rows->add(n->ld, rate * n->scale * n->push[k], row(n, n->hit[k]), n->v);
    n->fresh &= hits == 0;
    return hits;
}

static size_t step_fresh(void *net, size_t count, double rate, qn_rng *rng)
{
    perceptron *n = net;
    size_t hits = 0, d = n->set.d;
    for (size_t k = 0; k < count; k++) {
        double u = 0;
        n->point[0] = sgd_boundary_draw(&n->law, rng);
        qn_rng_fill_normal(rng, d - 1, n->point + 1);
        for (size_t i = 0; i < d; i++)
            u += n->v[i] * n->point[i];
        double push = sgd_push(&n->set.loss, n->unit * u);
        if (push == 0)
            continue;
        if (hits++ == 0)
            memset(n->sum, 0, n->ld * sizeof *n->sum);
        n->rows->axpy(n->ld, push, n->point, n->sum);
    }
    if (hits)
        n->rows->axpy(n->ld, rate * n->scale, n->sum, n->v);
    return hits;
}

static void prefetch(const void *net, size_t count, const uint32_t *at)
{
    const perceptron *n = net;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < n->ld; i += 16)
            __builtin_prefetch(row(n, at[k]) + i);
}

/* ---- questions ------------------------------------------------------------------------------------------------------- */

void sgd_population_look(const sgd_rule *q, const sgd_settings *set, double w1, double r, sgd_look *out)
{
    double root = sqrt((double)set->d), d = (double)set->d;
    out->test_loss = sgd_population_loss(q, &set->loss, set->d, w1, r);
    out->test_err = sgd_population_error(q->chi, w1, r);
    if (set->p > 0)
        return;
    sgd_population all;
    sgd_population_at(q, w1, r, root * set->loss.margin / set->loss.alpha, &all);
    out->train_loss = out->test_loss;
    out->train_err = out->test_err;
    out->unfitted = all.n;
    if (set->loss.kind != SGD_HINGE)
        return;
    out->noise_signal = (all.x * all.x + all.u * all.u) / d;
    out->noise_trace = (all.xx + all.uu + (d - 2) * all.n) / d - out->noise_signal;
}

static double rest_of(const double *w, size_t d)
{
    double sum = 0;
    for (size_t i = 1; i < d; i++)
        sum += w[i] * w[i];
    return sqrt(sum);
}

static void look_at_points(perceptron *n, sgd_look *out)
{
    const sgd_loss *l = &n->set.loss;
    double loss = 0, power = 0, p = (double)n->set.p;
    size_t errors = 0, unfitted = 0;
    refresh(n);
    memset(n->sum, 0, n->ld * sizeof *n->sum);
    out->margin_min = INFINITY;
    for (size_t mu = 0; mu < n->set.p; mu++) {
        double u = n->u[mu], push = sgd_push(l, u);
        loss += sgd_loss_at(l, u);
        errors += u > 0 ? 0 : 1; /* a point on the boundary, or without a value, is an error */
        unfitted += u >= l->margin ? 0 : 1;
        out->margin_min = fmin(out->margin_min, u);
        if (push == 0)
            continue;
        power += push * push * n->x2[mu];
        n->rows->add(n->ld, push, row(n, mu), n->sum);
    }
    out->train_loss = loss / p;
    out->train_err = (double)errors / p;
    out->unfitted = (double)unfitted / p;
    double signal = 0;
    for (size_t i = 0; i < n->set.d; i++)
        signal += n->sum[i] * n->sum[i];
    out->noise_signal = signal / (p * p) * n->scale * n->scale;
    out->noise_trace = power / p * n->scale * n->scale - out->noise_signal;
}

static void look(void *net, sgd_look *out)
{
    perceptron *n = net;
    size_t d = n->set.d;
    double moved = 0, first = 0, *w = n->point; /* overwritten before the next draw */
    for (size_t i = 0; i < d; i++) {
        w[i] = n->v[i] + n->offset[i];
        double step = n->set.subtract ? n->v[i] : n->v[i] - n->w0[i];
        moved += step * step;
        first += n->w0[i] * n->w0[i];
    }
    out->w_signal = w[0];
    out->w_noise = rest_of(w, d);
    out->dw = sqrt(moved);
    out->w0 = sqrt(first);
    sgd_population_look(&n->rule, &n->set, n->v[0], rest_of(n->v, d), out);
    if (n->set.p > 0)
        look_at_points(n, out);
}

static double size(const void *net)
{
    const perceptron *n = net;
    double sum = 0;
    for (size_t i = 0; i < n->set.d; i++)
        sum += (n->v[i] + n->offset[i]) * (n->v[i] + n->offset[i]);
    return sqrt(sum);
}

static bool fitted(void *net, size_t *witness)
{
    perceptron *n = net;
    if (*witness < n->set.p && !(margin_of(n, *witness) >= n->set.loss.margin))
        return false;
    for (size_t mu = 0; mu < n->set.p; mu++)
        if (!(margin_of(n, mu) >= n->set.loss.margin)) {
            *witness = mu;
            return false;
        }
    return true;
}

/* ---- flow ------------------------------------------------------------------------------------------------------------ */

static double kernel_max(void *net)
{
    const perceptron *n = net;
    return n->x2_max * n->scale * n->scale;
}

static size_t unfitted(void *net)
{
    perceptron *n = net;
    size_t count = 0;
    refresh(n);
    for (size_t mu = 0; mu < n->set.p; mu++)
        count += n->u[mu] >= n->set.loss.margin ? 0 : 1;
    return count;
}

static size_t weights(const void *net)
{
    return ((const perceptron *)net)->set.d;
}

static void get(const void *net, double *w)
{
    const perceptron *n = net;
    memcpy(w, n->v, n->set.d * sizeof *w);
}

static void set(void *net, const double *w)
{
    perceptron *n = net;
    memcpy(n->v, w, n->set.d * sizeof *w);
    n->fresh = false;
}

static void descend(void *net, double *minus_gradient, double *f)
{
    perceptron *n = net;
    refresh(n);
    memcpy(f, n->u, n->set.p * sizeof *f); /* y F: errors of F are those of y F */
    memset(n->sum, 0, n->ld * sizeof *n->sum);
    for (size_t mu = 0; mu < n->set.p; mu++)
        n->rows->add(n->ld, sgd_push(&n->set.loss, n->u[mu]), row(n, mu), n->sum);
    for (size_t i = 0; i < n->set.d; i++)
        minus_gradient[i] = n->sum[i] * n->scale / (double)n->set.p;
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

static double squared_move(const perceptron *n)
{
    double sum = 0;
    for (size_t i = 1; i < n->set.d; i++)
        sum += (n->v[i] - n->watch.before[i]) * (n->v[i] - n->watch.before[i]);
    return sum;
}

/* Which points can be reached from `before`, by the margins there in n->u.  Too many: n is 0 and nothing is watched. */
static void choose_points(perceptron *n)
{
    watch *c = &n->watch;
    c->n = 0;
    for (size_t mu = 0; mu < n->set.p; mu++) {
        double x1 = (double)row(n, mu)[0], slack = n->u[mu] - n->set.loss.margin, reach = c->reach * n->unit;
        if (slack > 0 && slack * slack > reach * reach * (n->x2[mu] - x1 * x1) * 1.000001)
            continue;
        if (c->n == c->most) {
            c->n = 0;
            c->on = false;
            return;
        }
        c->point[c->n] = (uint32_t)mu;
        memcpy(c->x + c->n * n->ld, row(n, mu), n->ld * sizeof *c->x);
        c->slot[c->n++] = -1;
    }
    c->on = true;
    c->rows = 0;
    c->room = c->n ? (size_t)(CACHE_BYTES / 8) / c->n : 0;
}

static size_t watched(const void *net, uint32_t *list)
{
    const perceptron *n = net;
    return n->rows->below(n->watch.n, n->watch.u, n->set.loss.margin, list);
}

static size_t watch_all(void *net, uint32_t *list)
{
    perceptron *n = net;
    watch *c = &n->watch;
    refresh(n);
    memcpy(c->before, n->v, n->ld * sizeof *c->before);
    c->reach = 2 * rest_of(n->v, n->set.d) + 4 * n->set.temperature;
    c->events = 0;
    choose_points(n);
    for (size_t i = 0; i < c->n; i++)
        c->u[i] = n->u[c->point[i]];
    return c->on ? watched(n, list) : n->rows->below(n->set.p, n->u, n->set.loss.margin, list);
}

/* Products of watched point i with all watched ones. */
static const double *product_row(perceptron *n, size_t i)
{
    watch *c = &n->watch;
    if (c->slot[i] < 0) {
        if (c->rows == c->room) { /* full: begin again */
            for (size_t k = 0; k < c->n; k++)
                c->slot[k] = -1;
            c->rows = 0;
        }
        c->slot[i] = (int32_t)c->rows++;
        for (size_t k = 0; k < n->ld; k++)
            c->wide[k] = (double)c->x[i * n->ld + k];
        n->rows->all(c->n, n->ld, c->x, 1, c->wide, c->row + (size_t)c->slot[i] * c->n);
    }
    return c->row + (size_t)c->slot[i] * c->n;
}

static size_t pick(void *net, size_t count, const uint32_t *at, double rate, uint32_t *list)
{
    perceptron *n = net;
    watch *c = &n->watch;
    for (size_t k = 0; k < count; k++) {
        n->rows->axpy(c->n, rate * n->scale * n->unit, product_row(n, at[k]), c->u);
        n->rows->add(n->ld, rate * n->scale, c->x + at[k] * n->ld, n->v);
    }
    n->fresh = false;
    if (++c->events >= REMAKE || squared_move(n) >= c->reach * c->reach)
        return watch_all(n, list);
    return watched(n, list);
}

/* Measured on one core of a Zen 5 with AVX-512, nanoseconds: an idle step costs 4, and for each of its points 4 and 0.09 an input; an event 150, and
 * 0.35 for each watched point; to watch anew 2 a point of the data and 0.09 an input of it. */
static double idle_ns(const perceptron *n)
{
    return 4 + (double)n->set.b * (4 + 0.09 * (double)n->ld);
}

static double watch_cost(const void *net)
{
    const perceptron *n = net;
    return (double)n->set.p * (2 + 0.09 * (double)n->ld) / idle_ns(n);
}

static double event_cost(const void *net)
{
    const perceptron *n = net;
    return n->watch.on ? (150 + 0.35 * (double)n->watch.n) / idle_ns(n) + watch_cost(n) / 200 : INFINITY;
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------------- */

static int save(const void *net, qn_group *g)
{
    const perceptron *n = net;
    const watch *c = &n->watch;
    int err = qn_save_f64(g, "w", n->ld, n->v);
    if (err || !c->on)
        return err;
    int64_t counts[2] = {(int64_t)c->n, c->events};
    err = qn_save_i64(g, "watch", 2, counts);
    if (!err)
        err = qn_save_f64(g, "watch.before", n->ld, c->before);
    return err ? err : qn_save_f64(g, "watch.u", c->n, c->u);
}

static int load(void *net, const qn_group *g)
{
    perceptron *n = net;
    watch *c = &n->watch;
    int64_t counts[2];
    n->fresh = false;
    if (!qn_group_size(g, "watch"))
        return qn_load_f64(g, "w", n->ld, n->v);
    int err = qn_load_i64(g, "watch", 2, counts);
    if (!err)
        err = qn_load_f64(g, "watch.before", n->ld, n->v);
    if (err)
        return err;
    uint32_t *list = malloc(n->set.p * sizeof *list);
    if (!list)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    watch_all(n, list);
    free(list);
    if (counts[0] != (int64_t)c->n || !c->on)
        return qn_fail(QN_ERR_DATA, "the checkpoint watches %lld points, these data have %zu to watch", (long long)counts[0], c->n);
    c->events = counts[1];
    n->fresh = false;
    err = qn_load_f64(g, "w", n->ld, n->v);
    return err ? err : qn_load_f64(g, "watch.u", c->n, c->u);
}

/* ---- the tables -------------------------------------------------------------------------------------------------------- */

static bool provides(const sgd_settings *set, int obs)
{
    bool points = set->p > 0, hinge = set->loss.kind == SGD_HINGE;
    switch (obs) {
    case SGD_O_MARGIN_MIN:
        return points;
    case SGD_O_NOISE_TRACE: case SGD_O_NOISE_SIGNAL:
        return points || hinge;
    case SGD_O_DW_REL:
        return set->scale > 0;
    case SGD_O_TRAIN_LOSS: case SGD_O_TRAIN_ERR: case SGD_O_TEST_LOSS: case SGD_O_TEST_ERR: case SGD_O_UNFITTED: case SGD_O_W_SIGNAL: case SGD_O_W_NOISE:
    case SGD_O_LAMBDA: case SGD_O_DW:
        return true;
    default:
        return false;
    }
}

static double step_seconds(const sgd_settings *set)
{
    double d = (double)set->d, b = (double)(set->dynamics == SGD_FLOW ? set->p : set->b);
    return set->p ? 1e-8 + b * (4e-9 + 1.5e-10 * d) : b * (1e-8 + 2.5e-9 * d);
}

static double bytes(const sgd_settings *set)
{
    double p = (double)set->p, ld = (double)sgd_padded(set->d), b = (double)(set->dynamics == SGD_FLOW ? set->p : set->b);
    return p * (4 * ld + 16) + 48 * ld + 12 * b + (set->dynamics == SGD_EVENT ? CACHE_BYTES + (double)watch_most(set) * (4 * ld + 16) + 4 * p : 0);
}

const sgd_net sgd_perceptron = {
    .name = "perceptron", .classification = true,
    .step_seconds = step_seconds, .bytes = bytes, .provides = provides,
    .create = create, .destroy = destroy, .save = save, .load = load,
    .step = step, .step_fresh = step_fresh, .prefetch = prefetch,
    .look = look, .size = size, .fitted = fitted,
    .kernel_max = kernel_max, .unfitted = unfitted, .weights = weights, .get = get, .set = set, .descend = descend,
    .watch = watch_all, .pick = pick, .watched = watched, .watch_cost = watch_cost, .event_cost = event_cost,
};
