/* running.c -- see running.h. */
#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIDDLE "streams.middle" /* is in a checkpoint that was made in the middle of a unit */

static bool is_ladder(const qn_running *t)
{
    return t->sweep->chain.kind == QN_TEMPERING;
}

/* ---- points in hand ------------------------------------------------------------------------------------------------ */

/* Parameters, streams and record of the i-th point of the chain; the state is not touched. */
static int open_rung(qn_running *t, qn_rung *g, size_t i)
{
    size_t replicas = (size_t)t->sweep->replicas;
    g->point = qn_sweep_chain_point(t->sweep, t->task / replicas, i);
    g->end = QN_GOING;
    int err = qn_sweep_point(t->sweep, g->point, &g->params);
    if (!err)
        err = qn_record_init(&g->record, t->layout, &g->params);
    const qn_point_keys *k = &t->plan->point[g->point];
    qn_streams_open(&g->streams, t->sweep->seed, k->stream.w, k->disorder.w, t->task % replicas);
    return err;
}

static void close_rung(qn_rung *g)
{
    if (g->params.v)
        qn_params_free(&g->params);
    if (g->record.layout)
        qn_record_free(&g->record);
}

void qn_running_free(qn_running *t)
{
    for (size_t i = 0; t->rung && i < t->n; i++) {
        t->sweep->model->destroy(t->rung[i].state);
        close_rung(&t->rung[i]);
    }
    free(t->rung);
    free(t->states);
    free(t->streams);
    qn_ladder_free(&t->ladder);
    memset(t, 0, sizeof *t);
}

static int start_ladder(qn_running *t)
{
    const qn_point_keys *k = &t->plan->point[t->rung[0].point];
    qn_streams chain;
    qn_streams_open(&chain, t->sweep->seed, k->chain.w, k->disorder.w, t->task % (size_t)t->sweep->replicas);
    const qn_model *m = t->sweep->model;
    return qn_ladder_init(&t->ladder, t->n, m->parts ? m->parts(t->rung[0].state) : 1, &chain);
}

int qn_running_start(qn_running *t, const qn_plan *p, size_t task, const void *shared)
{
    const qn_sweep *s = p->sweep;
    memset(t, 0, sizeof *t);
    t->plan = p;
    t->sweep = s;
    t->layout = p->layout;
    t->task = task;
    t->total = s->sampling.thermalization + s->sampling.steps;
    t->n = is_ladder(t) ? qn_sweep_rungs(s) : 1;
    t->rung = calloc(t->n, sizeof *t->rung);
    t->states = calloc(t->n, sizeof *t->states);
    t->streams = calloc(t->n, sizeof *t->streams);
    int err = t->rung && t->states && t->streams ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < t->n && !err; i++) {
        qn_rung *g = &t->rung[i];
        t->streams[i] = &g->streams;
        err = open_rung(t, g, i);
        if (!err)
            err = s->model->create(&g->params, shared, &g->streams, &g->state);
    }
    return err || !is_ladder(t) ? err : start_ladder(t);
}

/* ---- steps --------------------------------------------------------------------------------------------------------- */

/* Up to `room` steps of one state; 0: a piece of one. */
static int64_t go_on(qn_running *t, qn_rung *g, int64_t room)
{
    const qn_model *m = t->sweep->model;
    if (!m->advance) {
        int err = m->step(g->state, &g->streams);
        return err ? err : 1;
    }
    int64_t done = m->advance(g->state, &g->streams, room);
    if (done > room)
        return qn_fail(QN_ERR_MODEL, "model %s went on by %lld steps where at most %lld were asked", m->name, (long long)done, (long long)room);
    return done;
}

/* One step of every rung; 0: not yet of all. */
static int64_t step_ladder(qn_running *t)
{
    const qn_model *m = t->sweep->model;
    if (m->step_many) {
        for (size_t i = 0; i < t->n; i++)
            t->states[i] = t->rung[i].state;
        int err = m->step_many(t->n, t->states, t->streams);
        return err ? err : 1;
    }
    for (; t->turn < t->n; t->turn++) {
        int64_t done = go_on(t, &t->rung[t->turn], 1);
        if (done <= 0)
            return done;
    }
    t->turn = 0;
    return 1;
}

static int measure(qn_running *t, qn_rung *g)
{
    int err = t->sweep->model->measure(g->state, &g->streams, &g->record);
    g->record.measured++;
    return err;
}

int qn_running_step(qn_running *t, int64_t most)
{
    const qn_record *r = &t->rung[0].record; /* all in hand measure at the same steps */
    int64_t until = r->measured < t->layout->n_grid ? t->layout->grid[r->measured] : t->total, room = until - t->step;
    int64_t done = is_ladder(t) ? step_ladder(t) : go_on(t, &t->rung[0], room < most ? room : most);
    if (done < 0)
        return (int)done;
    t->pieces = done ? 0 : t->pieces + 1;
    if (!done)
        return 0;
    t->step += done;
    t->made += done * (int64_t)t->n;
    bool now = r->measured < t->layout->n_grid && t->layout->grid[r->measured] == t->step;
    int err = 0;
    for (size_t i = 0; i < t->n && !err; i++) {
        t->rung[i].record.step = (uint64_t)t->step;
        if (now)
            err = measure(t, &t->rung[i]);
    }
    int64_t interval = t->sweep->chain.interval;
    if (!err && is_ladder(t) && t->step % interval == 0)
        err = qn_ladder_exchange(&t->ladder, t->sweep->model, t->rung, t->step / interval - 1, t->step > t->sweep->sampling.thermalization);
    return err;
}

/* A ladder is over with the first of its rungs. */
bool qn_running_over(qn_running *t)
{
    bool over = t->lost || t->step >= t->total;
    for (size_t i = 0; i < t->n && !t->lost; i++) {
        t->rung[i].end = t->sweep->model->done ? t->sweep->model->done(t->rung[i].state) : QN_GOING;
        over |= t->rung[i].end != QN_GOING;
    }
    return over;
}

int64_t qn_running_position(const qn_running *t)
{
    return (int64_t)t->at * t->total + t->step;
}

int qn_running_next(qn_running *t, bool *more)
{
    qn_rung *g = &t->rung[0];
    *more = t->sweep->chain.kind == QN_CONTINUATION && t->at + 1 < qn_sweep_rungs(t->sweep);
    if (!*more)
        return 0;
    t->lost |= g->end == QN_LOST;
    close_rung(g);
    t->step = t->pieces = 0;
    t->at++;
    int err = open_rung(t, g, t->at);
    return err || t->lost ? err : t->sweep->model->retune(g->state, &g->params);
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */

size_t qn_running_row(const qn_running *t, size_t i)
{
    size_t replicas = (size_t)t->sweep->replicas;
    return t->rung[i].point * replicas + t->task % replicas;
}

/* A model that ends by itself between two measurements (or before the first), or in the middle of a unit, is measured once more, so that
 * curves end at its last state. */
static int last_words(qn_running *t, size_t i)
{
    qn_rung *g = &t->rung[i];
    const qn_model *m = t->sweep->model;
    int err = 0;
    bool just_measured = !t->pieces && g->record.measured && t->layout->grid[g->record.measured - 1] == t->step;
    if (g->end == QN_ENDED && !just_measured && g->record.measured < t->layout->n_grid)
        err = measure(t, g);
    if (!err && m->finish)
        err = m->finish(g->state, &g->streams, &g->record);
    if (!err && is_ladder(t))
        qn_ladder_put(&t->ladder, i, t->layout, &g->record);
    return err;
}

int qn_running_finish(qn_running *t, size_t i, double *row, qn_row_head *head)
{
    qn_rung *g = &t->rung[i];
    int err = t->lost ? 0 : last_words(t, i);
    if (!err)
        err = qn_record_row(&g->record, g->end == QN_ENDED, row);
    if (err)
        return err;
    *head = (qn_row_head){.keys = t->plan->row[qn_running_row(t, i)].keys, .measurements = (int64_t)g->record.measured, .steps = t->step};
    head->digest = qn_row_digest(t->layout, row, head->measurements, head->steps);
    return 0;
}

/* ---- checkpoints --------------------------------------------------------------------------------------------------- */

static int save_rung(const qn_running *t, const qn_rung *g, qn_group *to)
{
    int err = qn_save_bytes(to, "streams", sizeof g->streams, &g->streams);
    if (!err)
        err = qn_record_save(&g->record, to);
    return err ? err : t->sweep->model->save(g->state, to);
}

static int save_chain(const qn_running *t, qn_group *g)
{
    const int64_t where[3] = {(int64_t)t->at, (int64_t)t->turn, t->lost};
    int err = qn_save_i64(g, "chain", 3, where);
    return err || !is_ladder(t) ? err : qn_ladder_save(&t->ladder, g);
}

int qn_running_save(const qn_running *t, qn_group *g)
{
    int err = t->pieces ? qn_save_i64(g, MIDDLE, 1, (const int64_t[]){1}) : 0;
    if (!err && t->sweep->chain.kind != QN_NO_CHAIN)
        err = save_chain(t, g);
    if (!is_ladder(t))
        return err ? err : save_rung(t, &t->rung[0], g);
    for (size_t i = 0; i < t->n && !err; i++) {
        qn_group one = {0};
        err = save_rung(t, &t->rung[i], &one);
        if (!err)
            err = qn_group_nest(g, i, &one);
        qn_group_clear(&one);
    }
    return err;
}

static int load_rung(qn_running *t, qn_rung *g, const qn_group *from)
{
    int err = qn_load_bytes(from, "streams", sizeof g->streams, &g->streams);
    if (!err)
        err = qn_record_load(&g->record, from);
    if (err)
        return err;
    t->step = (int64_t)g->record.step;
    size_t expected = 0; /* measurements that the present grid would have made by now */
    while (expected < t->layout->n_grid && t->layout->grid[expected] <= t->step)
        expected++;
    if (expected != g->record.measured || t->step > t->total || g->record.step != t->rung[0].record.step)
        return qn_fail(QN_ERR_DATA, "the checkpoint was made on another measuring grid");
    return t->sweep->model->load(g->state, from);
}

/* Where along the chain; a continuation goes to that point. */
static int load_chain(qn_running *t, const qn_group *g)
{
    int64_t where[3];
    int err = qn_load_i64(g, "chain", 3, where);
    if (!err && (where[0] < 0 || (size_t)where[0] >= qn_sweep_rungs(t->sweep) || where[1] < 0 || (size_t)where[1] > t->n))
        err = qn_fail(QN_ERR_DATA, "a checkpoint is beyond the end of its chain");
    if (err)
        return err;
    t->turn = (size_t)where[1];
    t->lost = where[2];
    t->at = (size_t)where[0];
    if (is_ladder(t))
        return qn_ladder_load(&t->ladder, g);
    if (!t->at)
        return 0;
    close_rung(&t->rung[0]);
    err = open_rung(t, &t->rung[0], t->at);
    return err ? err : t->sweep->model->retune(t->rung[0].state, &t->rung[0].params);
}

int qn_running_load(qn_running *t, const qn_group *g)
{
    t->pieces = qn_group_size(g, MIDDLE) > 0;
    int err = t->sweep->chain.kind == QN_NO_CHAIN ? 0 : load_chain(t, g);
    if (!is_ladder(t))
        return err ? err : load_rung(t, &t->rung[0], g);
    for (size_t i = 0; i < t->n && !err; i++) {
        qn_group one = {0};
        err = qn_group_unnest(g, i, &one);
        if (!err)
            err = load_rung(t, &t->rung[i], &one);
        qn_group_clear(&one);
    }
    return err;
}

/* ---- without files --------------------------------------------------------------------------------------------------- */

static int run_through(qn_running *t, double *rows, qn_row_head *heads)
{
    bool more = true;
    int err = 0;
    while (more && !err) {
        while (!err && !qn_running_over(t))
            err = qn_running_step(t, INT64_MAX);
        for (size_t i = 0; i < t->n && !err; i++)
            err = qn_running_finish(t, i, rows + (t->at + i) * t->layout->row, &heads[t->at + i]);
        if (!err)
            err = qn_running_next(t, &more);
    }
    return err;
}

int qn_task_run(const qn_plan *p, size_t task, double *rows, qn_row_head *heads)
{
    const qn_model *m = p->sweep->model;
    qn_params params;
    void *shared = NULL;
    int err = qn_sweep_point(p->sweep, qn_sweep_chain_point(p->sweep, task / (size_t)p->sweep->replicas, 0), &params);
    if (err)
        return err;
    if (m->prepare)
        err = m->prepare(&params, &shared);
    qn_running t = {0};
    if (!err)
        err = qn_running_start(&t, p, task, shared);
    if (!err)
        err = run_through(&t, rows, heads);
    qn_running_free(&t);
    if (m->release)
        m->release(shared);
    qn_params_free(&params);
    return err;
}
