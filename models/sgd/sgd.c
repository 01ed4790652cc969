/* sgd.c -- the model: the life of one task, its plain steps, its end and its checkpoints.
 *
 * A step of the core is one step of SGD (of the flow: one step of the integrator).  Data, teacher and first weights come from split streams of
 * disorder, batches from the dynamics stream; nothing that is measured is random. */
#include "sgd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"
#include "theory.h"

const sgd_net *sgd_net_of(const sgd_settings *set)
{
    static const sgd_net *const nets[] = {[SGD_PERCEPTRON] = &sgd_perceptron, [SGD_LINEAR] = &sgd_linear, [SGD_DIAGONAL] = &sgd_diagonal,
                                          [SGD_MLP] = &sgd_mlp, [SGD_KERNEL] = &sgd_kernel};
    return set->dynamics == SGD_CHAIN && set->net == SGD_PERCEPTRON ? &sgd_chain : nets[set->net];
}

/* ---- data that tasks share ------------------------------------------------------------------------------------------ */

typedef struct shared_data {
    const sgd_net *table;
    void *data;
} shared_data;

static int prepare(const qn_params *p, void **shared)
{
    sgd_settings set;
    sgd_settings_read(p, &set);
    shared_data *x = *shared = calloc(1, sizeof *x);
    if (!x)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    x->table = sgd_net_of(&set);
    int err = x->table->prepare ? x->table->prepare(p, &x->data) : 0;
    if (err) {
        free(x);
        *shared = NULL;
    }
    return err;
}

static void release(void *shared)
{
    shared_data *x = shared;
    if (x && x->table->release)
        x->table->release(x->data);
    free(x);
}

/* ---- one task --------------------------------------------------------------------------------------------------------- */

static void destroy(void *state)
{
    sgd_task *t = state;
    if (!t)
        return;
    sgd_flow_destroy(t->flow);
    sgd_event_destroy(t->event);
    sgd_batch_free(&t->batch);
    if (t->table)
        t->table->destroy(t->net);
    free(t);
}

#define NEAR_BYTES 1e6 /* data of this size stay in the caches near the core */

static int create(const qn_params *p, const void *shared, qn_streams *streams, void **state)
{
    sgd_task *t = *state = calloc(1, sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    const shared_data *x = shared;
    sgd_settings_read(p, &t->set);
    t->table = sgd_net_of(&t->set);
    t->status = SGD_GOING;
    t->rate = t->set.eta / (double)t->set.b;
    double end = ceil(t->set.max_time * (1 - 1e-12) / t->set.eta);
    t->end = end < 9e18 ? (int64_t)end : INT64_MAX; /* the flow has eta = 0 */
    t->prefetch = t->table->prefetch && t->table->bytes(&t->set) > NEAR_BYTES;
    int err = t->table->create(p, &t->set, x ? x->data : NULL, streams, &t->net);
    if (!err && t->set.p > 0 && t->set.dynamics != SGD_FLOW)
        err = sgd_batch_init(&t->batch, t->set.batching, t->set.p, t->set.b);
    if (!err && t->set.dynamics == SGD_FLOW)
        err = sgd_flow_create(t);
    if (!err && t->set.dynamics == SGD_EVENT)
        err = sgd_event_create(t);
    if (err)
        return err;
    sgd_look seen = {.train_loss = NAN, .test_loss = NAN};
    t->table->look(t->net, &seen);
    t->first_loss = t->before_loss = seen.train_loss;
    sgd_grok_start(t, &seen);
    return 0;
}

/* ---- steps and the end -------------------------------------------------------------------------------------------------- */

#define TOO_FAR 1e8 /* |w| beyond which a task has diverged */
enum { LOOK_EVERY = 64 }; /* updates between looks at |w| */

void sgd_task_end(sgd_task *t, sgd_status how)
{
    t->status = how;
}

void sgd_task_count(sgd_task *t, bool moved)
{
    t->steps++;
    if (t->set.dynamics != SGD_FLOW)
        t->time = t->set.eta * (double)t->steps;
    if (moved) {
        t->updates++;
        t->last = t->steps;
        t->last_time = t->time;
        t->idle = 0;
        t->witnessed = false;
        if (t->updates % LOOK_EVERY == 0 || t->set.dynamics == SGD_FLOW) {
            if (!(t->table->size(t->net) <= TOO_FAR))
                sgd_task_end(t, SGD_DIVERGED);
            else if (t->table->dead && t->table->dead(t->net))
                sgd_task_end(t, SGD_DEAD);
        }
    }
    if (t->status == SGD_GOING && (t->steps >= t->end || (t->flow && t->time >= t->set.max_time * (1 - 1e-12))))
        sgd_task_end(t, SGD_TIME_OUT);
}

bool sgd_task_done(sgd_task *t)
{
    if (t->set.stop_loss > 0) {
        sgd_look seen = {.train_loss = NAN};
        if (t->table->train_loss)
            seen.train_loss = t->table->train_loss(t->net);
        else
            t->table->look(t->net, &seen);
        if (seen.train_loss < t->set.stop_loss)
            return true;
    }
    return t->table->classification && t->set.loss.kind != SGD_SQUARE && t->table->fitted(t->net, &t->witness);
}

/* After about P draws without an update all may be fitted; a point that turns out not to be stays so until the next update.  Losses without a
 * region in which they are 0 always update: they are looked at every time about 2 P points have been drawn. */
static void look_for_the_end(sgd_task *t)
{
    uint64_t p = t->set.p;
    bool quiet = t->idle >= p && !t->witnessed, due = t->set.loss.kind != SGD_HINGE && (uint64_t)t->steps % (2 * p / t->set.b + 1) == 0;
    if (p == 0 || (!quiet && !due))
        return;
    if (sgd_task_done(t))
        sgd_task_end(t, SGD_FITTED);
    else
        t->witnessed = quiet;
}

void sgd_plain_step(sgd_task *t, qn_streams *s)
{
    size_t b = t->set.b, hits;
    if (t->set.p == 0) {
        hits = t->table->step_fresh(t->net, b, t->rate, &s->dynamics);
    } else {
        const uint32_t *at = sgd_batch_next(&t->batch, &s->dynamics), *next = t->prefetch ? sgd_batch_peek(&t->batch) : NULL;
        if (next)
            t->table->prefetch(t->net, b, next);
        hits = t->table->step(t->net, b, at, t->rate);
    }
    sgd_task_count(t, hits > 0);
    if (hits == 0)
        t->idle += b;
    if (t->status == SGD_GOING)
        look_for_the_end(t);
}

int64_t sgd_advance(sgd_task *t, qn_streams *s, int64_t most)
{
    if (t->set.dynamics == SGD_EVENT)
        return sgd_event_advance(t, s, most);
    int64_t n = 0;
    while (n < most && t->status == SGD_GOING) {
        if (t->set.dynamics == SGD_FLOW)
            sgd_flow_step(t);
        else
            sgd_plain_step(t, s);
        n++;
    }
    return n;
}

static int step(void *state, qn_streams *s)
{
    sgd_advance(state, s, 1);
    return 0;
}

static int64_t advance(void *state, qn_streams *s, int64_t most)
{
    return sgd_advance(state, s, most);
}

static qn_end done(const void *state)
{
    const sgd_task *t = state;
    return t->status == SGD_GOING ? QN_GOING : t->status == SGD_DIVERGED ? QN_LOST : QN_ENDED;
}

static int measure(void *state, qn_streams *s, qn_record *r)
{
    sgd_measure(state, s, r);
    return 0;
}

static int finish(void *state, qn_streams *s, qn_record *r)
{
    (void)s;
    sgd_finish(state, r);
    return 0;
}

/* ---- checkpoints ---------------------------------------------------------------------------------------------------------- */

static int save(const void *state, qn_group *g)
{
    const sgd_task *t = state;
    int64_t counts[] = {t->status, t->steps, t->updates, t->last, (int64_t)t->idle, t->witnessed, (int64_t)t->witness, (int64_t)t->levels};
    double times[] = {t->time, t->last_time, t->before_loss, t->before_time, t->before_square[0], t->before_square[1], t->t_grok[0], t->t_grok[1]};
    int err = qn_save_i64(g, "counts", sizeof counts / sizeof *counts, counts);
    if (!err)
        err = qn_save_f64(g, "times", sizeof times / sizeof *times, times);
    if (!err)
        err = qn_save_f64(g, "t_loss", SGD_LEVELS, t->t_loss);
    if (!err)
        err = t->table->save(t->net, g);
    if (!err && t->set.p > 0 && !t->flow)
        err = sgd_batch_save(&t->batch, g);
    if (!err && t->flow)
        err = sgd_flow_save(t->flow, g);
    return !err && t->event ? sgd_event_save(t, g) : err;
}

static int load(void *state, const qn_group *g)
{
    sgd_task *t = state;
    int64_t counts[8];
    double times[8];
    int err = qn_load_i64(g, "counts", sizeof counts / sizeof *counts, counts);
    if (!err)
        err = qn_load_f64(g, "times", sizeof times / sizeof *times, times);
    if (!err)
        err = qn_load_f64(g, "t_loss", SGD_LEVELS, t->t_loss);
    if (!err)
        err = t->table->load(t->net, g);
    if (!err && t->set.p > 0 && !t->flow)
        err = sgd_batch_load(&t->batch, g);
    if (!err && t->flow)
        err = sgd_flow_load(t->flow, g);
    if (!err && t->event)
        err = sgd_event_load(t, g);
    if (err)
        return err;
    if (counts[0] < SGD_FITTED || counts[0] > SGD_GOING || counts[7] < 0 || counts[7] > SGD_LEVELS)
        return qn_fail(QN_ERR_DATA, "the checkpoint's status is none");
    t->status = (sgd_status)counts[0];
    t->steps = counts[1];
    t->updates = counts[2];
    t->last = counts[3];
    t->idle = (uint64_t)counts[4];
    t->witnessed = counts[5];
    t->witness = (size_t)counts[6];
    t->levels = (size_t)counts[7];
    t->time = times[0];
    t->last_time = times[1];
    t->before_loss = times[2];
    t->before_time = times[3];
    memcpy(t->before_square, times + 4, sizeof t->before_square);
    memcpy(t->t_grok, times + 6, sizeof t->t_grok);
    return 0;
}

/* ---- the model -------------------------------------------------------------------------------------------------------------- */

const qn_model sgd_model = {
    .abi = QN_ABI,
    .name = "sgd",
    .summary = "stochastic gradient descent: its noise, lazy and rich learning",
    .reference = "Sclocchi, Geiger & Wyart, arXiv:2301.13703; Sclocchi & Wyart, arXiv:2309.10688",
    .stream_version = 1,
    .parameters = sgd_parameters,
    .observables = sgd_observables,
    .theory = sgd_quantities,
    .check = sgd_check,
    .cost = sgd_cost,
    .dimension = sgd_dimension,
    .provides = sgd_provides,
    .theory_at = sgd_theory_at,
    .prepare = prepare,
    .release = release,
    .create = create,
    .destroy = destroy,
    .step = step,
    .advance = advance,
    .measure = measure,
    .finish = finish,
    .done = done,
    .save = save,
    .load = load,
};
