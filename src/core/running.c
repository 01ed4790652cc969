/* running.c -- see running.h. */
#include "running.h"

#include <string.h>

#define MIDDLE "streams.middle" /* is in a checkpoint that was made in the middle of a unit */

void qn_running_free(qn_running *t)
{
    if (t->sweep)
        t->sweep->model->destroy(t->state);
    if (t->params.v)
        qn_params_free(&t->params);
    if (t->record.layout)
        qn_record_free(&t->record);
    memset(t, 0, sizeof *t);
}

int qn_running_load(qn_running *t, const qn_group *g)
{
    int err = qn_load_bytes(g, "streams", sizeof t->streams, &t->streams);
    if (!err)
        err = qn_record_load(&t->record, g);
    if (err)
        return err;
    t->step = (int64_t)t->record.step;
    t->pieces = qn_group_size(g, MIDDLE) > 0;
    size_t expected = 0; /* measurements that the present grid would have made by now */
    while (expected < t->layout->n_grid && t->layout->grid[expected] <= t->step)
        expected++;
    if (expected != t->record.measured || t->step > t->total)
        return qn_fail(QN_ERR_DATA, "the checkpoint was made on another measuring grid");
    return t->sweep->model->load(t->state, g);
}

int qn_running_save(const qn_running *t, qn_group *g)
{
    int err = qn_save_bytes(g, "streams", sizeof t->streams, &t->streams);
    if (!err && t->pieces)
        err = qn_save_i64(g, MIDDLE, 1, (const int64_t[]){1});
    if (!err)
        err = qn_record_save(&t->record, g);
    return err ? err : t->sweep->model->save(t->state, g);
}

int qn_running_start(qn_running *t, const qn_plan *p, size_t task, const void *shared)
{
    const qn_sweep *s = p->sweep;
    size_t point = task / (size_t)s->replicas, replica = task % (size_t)s->replicas;
    memset(t, 0, sizeof *t);
    t->sweep = s;
    t->layout = p->layout;
    t->total = s->sampling.thermalization + s->sampling.steps;
    int err = qn_sweep_point(s, point, &t->params);
    if (!err)
        err = qn_record_init(&t->record, p->layout, &t->params);
    qn_streams_open(&t->streams, s->seed, p->point[point].stream.w, p->point[point].disorder.w, replica);
    return err ? err : s->model->create(&t->params, shared, &t->streams, &t->state);
}

int qn_running_step(qn_running *t, int64_t most)
{
    const qn_model *m = t->sweep->model;
    int64_t done = 1;
    int err = 0;
    if (m->advance) {
        int64_t until = t->record.measured < t->layout->n_grid ? t->layout->grid[t->record.measured] : t->total, room = until - t->step;
        room = room < most ? room : most;
        done = m->advance(t->state, &t->streams, room);
        if (done < 0)
            return (int)done;
        if (done > room)
            return qn_fail(QN_ERR_MODEL, "model %s went on by %lld steps where at most %lld were asked", m->name, (long long)done, (long long)room);
        t->pieces = done ? 0 : t->pieces + 1;
        if (!done)
            return 0;
    } else if ((err = m->step(t->state, &t->streams))) {
        return err;
    }
    t->step += done;
    t->record.step = (uint64_t)t->step;
    if (t->record.measured < t->layout->n_grid && t->layout->grid[t->record.measured] == t->step) {
        err = m->measure(t->state, &t->streams, &t->record);
        t->record.measured++;
    }
    return err;
}

bool qn_running_over(qn_running *t)
{
    t->end = t->sweep->model->done ? t->sweep->model->done(t->state) : QN_GOING;
    return t->end != QN_GOING || t->step >= t->total;
}

/* A model that ends by itself between two measurements (or before the first), or in the middle of a unit, is measured once more, so that curves end at its last
 * state. */
int qn_running_finish(qn_running *t, double *row, qn_row_head *head)
{
    const qn_model *m = t->sweep->model;
    int err = 0;
    bool just_measured = !t->pieces && t->record.measured && t->layout->grid[t->record.measured - 1] == t->step;
    if (t->end == QN_ENDED && !just_measured && t->record.measured < t->layout->n_grid) {
        err = m->measure(t->state, &t->streams, &t->record);
        t->record.measured++;
    }
    if (!err && m->finish)
        err = m->finish(t->state, &t->streams, &t->record);
    if (!err)
        err = qn_record_row(&t->record, t->end == QN_ENDED, row);
    if (err)
        return err;
    head->measurements = (int64_t)t->record.measured;
    head->steps = t->step;
    head->digest = qn_row_digest(t->layout, row, head->measurements, head->steps);
    return 0;
}

int qn_task_run(const qn_plan *p, size_t task, double *row, qn_row_head *head)
{
    const qn_model *m = p->sweep->model;
    qn_params params;
    void *shared = NULL;
    int err = qn_sweep_point(p->sweep, task / (size_t)p->sweep->replicas, &params);
    if (err)
        return err;
    if (m->prepare)
        err = m->prepare(&params, &shared);
    qn_running t = {0};
    if (!err)
        err = qn_running_start(&t, p, task, shared);
    while (!err && !qn_running_over(&t))
        err = qn_running_step(&t, INT64_MAX);
    head->keys = p->task[task].keys;
    if (!err)
        err = qn_running_finish(&t, row, head);
    qn_running_free(&t);
    if (m->release)
        m->release(shared);
    qn_params_free(&params);
    return err;
}
