/* cbo_task.h -- one task of engine cbo, for tests: created from parameters, stepped, its state at hand; and means with errors. */
#ifndef CBO_TASK_H
#define CBO_TASK_H

#include "cbo_parameters.h"

#include "cbo/cbo.h"
#include "cbo/method.h"
#include "rng.h"

typedef struct task {
    qn_schema schema;
    qn_params p;
    qn_streams streams;
    void *shared, *state;
    cbo_state *s; /* the same state */
} task;

static inline void open_task(task *t, uint64_t seed, size_t replica, const char *text)
{
    static const uint64_t key[2] = {0x6362, 0x6f};
    memset(t, 0, sizeof *t);
    read_parameters(&cbo_model, text, &t->schema, &t->p);
    qn_streams_open(&t->streams, seed, key, key, replica);
    if (cbo_model.prepare && cbo_model.prepare(&t->p, &t->shared))
        fail_msg("%s", qn_error_text());
    if (cbo_model.create(&t->p, t->shared, &t->streams, &t->state))
        fail_msg("%s", qn_error_text());
    t->s = t->state;
}

static inline void steps(task *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(cbo_model.step(t->state, &t->streams), 0);
}

static inline void close_task(task *t)
{
    cbo_model.destroy(t->state);
    if (cbo_model.release)
        cbo_model.release(t->shared);
    qn_params_free(&t->p);
    qn_schema_free(&t->schema);
}

/* ---- means with errors ------------------------------------------------------------------------------------------- */

typedef struct sample {
    size_t n;
    double sum, sum2;
} sample;

static inline void add(sample *a, double x)
{
    a->n++;
    a->sum += x;
    a->sum2 += x * x;
}

static inline double mean(const sample *a)
{
    return a->sum / (double)a->n;
}

static inline double error(const sample *a)
{
    double n = (double)a->n, m = a->sum / n;
    return sqrt((a->sum2 / n - m * m) / (n - 1));
}

#endif
