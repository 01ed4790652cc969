/* event.c -- the hinge without its idle steps: exact, rejection-free.
 *
 * A batch of fitted points changes nothing.  With n_u of P points unfitted the steps up to and including the next change are geometric with
 * q = 1 - P(no unfitted point in a batch), and the batch that changes w is drawn under the condition that it holds one: the waiting-time
 * method of Bortz, Kalos & Lebowitz 1975.  The net keeps the margins of the points that may become unfitted.  While few steps are idle plain
 * steps are cheaper: both are mixed by what they cost.  Which of them is next depends on the past alone, so that the law is the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

struct sgd_event {
    bool jumping;             /* the net watches and `wait` counts */
    int64_t wait;             /* steps up to and including the next change; 0: to be drawn */
    int64_t look;             /* plain steps: when it may pay to watch */
    double idle;              /* running mean of the steps per update */
    int64_t last;             /* step of the last update, as seen here */
    uint32_t *list, *pick;    /* [p] unfitted points; [b] */
    size_t unfitted;
};

#define MEMORY 16.0     /* updates over which `idle` is averaged */
#define LOOKS 20.0      /* watching without going on to jump costs one part in so many */

int sgd_event_create(sgd_task *t)
{
    sgd_event *e = t->event = calloc(1, sizeof *e);
    if (!e)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    e->list = malloc(t->set.p * sizeof *e->list);
    e->pick = malloc(t->set.b * sizeof *e->pick);
    if (!e->list || !e->pick)
        return qn_fail(QN_ERR_NOMEM, "no memory for the list of P = %zu points", t->set.p);
    e->idle = 1;
    e->look = 1;
    return 0;
}

void sgd_event_destroy(sgd_event *e)
{
    if (!e)
        return;
    free(e->list);
    free(e->pick);
    free(e);
}

/* Probability that position k of a batch holds an unfitted point, where `taken` before it did. */
static double chance(const sgd_task *t, size_t k, size_t taken)
{
    size_t p = t->set.p, n = t->event->unfitted;
    return t->set.batching == SGD_WITH ? (double)n / (double)p : (double)(n - taken) / (double)(p - k);
}

/* log P(no unfitted point at positions 0..k-1); -inf where that cannot be. */
static double log_none(const sgd_task *t, size_t k)
{
    if (t->set.batching == SGD_WITH)
        return (double)k * log1p(-chance(t, 0, 0));
    double sum = 0;
    for (size_t i = 0; i < k; i++) {
        double c = chance(t, i, 0);
        if (c >= 1)
            return -INFINITY;
        sum += log1p(-c);
    }
    return sum;
}

static int64_t draw_wait(const sgd_task *t, qn_rng *rng)
{
    double none = log_none(t, t->set.b);
    if (none == -INFINITY)
        return 1;
    double w = floor(log(qn_rng_uniform_pos(rng)) / none);
    return w < 9e15 ? 1 + (int64_t)w : (int64_t)9e15;
}

/* Which unfitted points the batch holds, given that it holds one: the first position that does, by its law; then one position after the other. */
static size_t draw_batch(sgd_task *t, qn_rng *rng)
{
    sgd_event *e = t->event;
    size_t b = t->set.b, taken = 0, k = 0;
    double q = -expm1(log_none(t, b)), v = qn_rng_uniform(rng) * q, none = 1; /* the first is at k where the cumulated law passes v */
    for (; k + 1 < b; k++) {
        double c = chance(t, k, 0);
        v -= none * c;
        if (v < 0)
            break;
        none *= 1 - c;
    }
    for (bool first = true; k < b; k++, first = false) {
        double c = chance(t, k, taken);
        if (c <= 0)
            break;
        if (!first && qn_rng_uniform(rng) >= c)
            continue;
        size_t i = (size_t)qn_rng_below(rng, t->set.batching == SGD_WITH ? e->unfitted : e->unfitted - taken);
        uint32_t mu = e->list[i];
        e->pick[taken++] = mu;
        if (t->set.batching != SGD_WITH) { /* out of the list: the last one takes its place */
            e->list[i] = e->list[e->unfitted - taken];
            e->list[e->unfitted - taken] = mu;
        }
    }
    return taken;
}

static void note_update(sgd_task *t)
{
    sgd_event *e = t->event;
    e->idle += ((double)(t->steps - e->last) - e->idle) / MEMORY;
    e->last = t->steps;
}

static void fitted(sgd_task *t)
{
    if (t->event->unfitted == 0 && t->status == SGD_GOING)
        sgd_task_end(t, SGD_FITTED);
}

/* The batch that changes w: the last of the steps waited for. */
static void happen(sgd_task *t, qn_streams *s)
{
    sgd_event *e = t->event;
    size_t n = draw_batch(t, &s->dynamics);
    e->unfitted = t->table->pick(t->net, n, e->pick, t->rate, e->list);
    sgd_task_count(t, true);
    note_update(t);
    if (e->unfitted == 0)
        e->unfitted = t->table->watch(t->net, e->list); /* before it counts as fitted */
    fitted(t);
    e->wait = 0;
    e->jumping = e->idle >= t->table->event_cost(t->net) / 2; /* a gap to the way in, so as not to change at every update */
    e->look = t->steps;
}

/* After a plain step: whether to go over to events. */
static void consider(sgd_task *t)
{
    sgd_event *e = t->event;
    double idle = fmax(e->idle, (double)(t->steps - e->last));
    if (t->steps < e->look || idle < 4)
        return;
    double look = LOOKS * t->table->watch_cost(t->net);
    e->look = t->steps + (look < 1e15 ? (int64_t)look : (int64_t)1e15) + 1;
    e->unfitted = t->table->watch(t->net, e->list);
    e->wait = 0;
    e->jumping = idle > t->table->event_cost(t->net);
    fitted(t);
}

/* Idle steps, up to `most` and the end of time. */
static int64_t skip(sgd_task *t, int64_t most)
{
    int64_t n = t->event->wait - 1 < most ? t->event->wait - 1 : most, left = t->end - t->steps;
    bool over = n >= left;
    if (over)
        n = left;
    t->event->wait -= n;
    t->steps += n;
    t->time = t->set.eta * (double)t->steps;
    if (over)
        sgd_task_end(t, SGD_TIME_OUT);
    return n;
}

int64_t sgd_event_advance(sgd_task *t, qn_streams *s, int64_t most)
{
    sgd_event *e = t->event;
    int64_t n = 0;
    while (n < most && t->status == SGD_GOING) {
        if (!e->jumping) {
            sgd_plain_step(t, s);
            n++;
            if (t->last == t->steps)
                note_update(t);
            if (t->status == SGD_GOING)
                consider(t);
            continue;
        }
        if (e->wait == 0)
            e->wait = draw_wait(t, &s->dynamics);
        n += skip(t, most - n);
        if (n < most && t->status == SGD_GOING) {
            happen(t, s);
            n++;
        }
    }
    return n;
}

/* ---- checkpoints ---- */

int sgd_event_save(const sgd_task *t, qn_group *g)
{
    const sgd_event *e = t->event;
    int64_t counts[] = {e->jumping, e->wait, e->look, e->last};
    int err = qn_save_i64(g, "event", sizeof counts / sizeof *counts, counts);
    return err ? err : qn_save_f64(g, "event.idle", 1, &e->idle);
}

int sgd_event_load(sgd_task *t, const qn_group *g)
{
    sgd_event *e = t->event;
    int64_t counts[4];
    int err = qn_load_i64(g, "event", sizeof counts / sizeof *counts, counts);
    if (!err)
        err = qn_load_f64(g, "event.idle", 1, &e->idle);
    if (err)
        return err;
    e->jumping = counts[0];
    e->wait = counts[1];
    e->look = counts[2];
    e->last = counts[3];
    if (e->jumping)
        e->unfitted = t->table->watched(t->net, e->list);
    return e->jumping && e->unfitted == 0 && e->wait > 0 ? qn_fail(QN_ERR_DATA, "the checkpoint waits for a point that is fitted") : 0;
}
