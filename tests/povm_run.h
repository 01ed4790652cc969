/* povm_run.h -- one task of engine povm, for tests: parameters from a text, its problem, pieces until a step is whole, its checkpoint at hand. */
#ifndef POVM_RUN_H
#define POVM_RUN_H

#include "qtest.h"

#include "group.h"
#include "params.h"
#include "povm/povm.h"
#include "povm/settings.h"
#include "povm/task.h"
#include "rng.h"

typedef struct point {
    qn_schema schema;
    qn_params p;
    povm_problem problem;
    qn_streams streams;
} point;

/* `text`: "N=4; hamiltonian=0.5 ZZ; ...": names of factors must be parameters of the table. */
static inline void point_open(point *x, uint64_t seed, const char *text)
{
    static const uint64_t key[2] = {0x706f, 0x766d};
    char word[40], value[200];
    int used = 0;
    memset(x, 0, sizeof *x);
    assert_int_equal(qn_schema_init(&x->schema, &povm_model), 0);
    assert_int_equal(qn_params_init(&x->p, &x->schema), 0);
    for (; sscanf(text, " %39[^= ]=%199[^;]%n", word, value, &used) == 2; text += used + (text[used] == ';')) {
        int i = qn_schema_index(&x->schema, word);
        if (i < 0)
            fail_msg("there is no parameter %s", word);
        qn_value_free(&x->p.v[i]);
        if (qn_value_parse(&x->schema.item[i], value, &x->p.v[i]))
            fail_msg("%s: %s", word, qn_error_text());
        x->p.v[i].given = true;
    }
    if (povm_problem_read(&x->p, &x->problem))
        fail_msg("%s", qn_error_text());
    qn_streams_open(&x->streams, seed, key, key, 0);
}

static inline void point_close(point *x)
{
    povm_problem_free(&x->problem);
    qn_params_free(&x->p);
    qn_schema_free(&x->schema);
}

/* ---- a task ---- */

typedef struct job {
    point at;
    const povm_task *task;
    void *run;
    size_t pieces;
} job;

/* The parameter `task` is added. */
static inline void job_open(job *j, const povm_task *task, uint64_t seed, const char *text)
{
    static const struct {
        const povm_task *task;
        const char *name;
    } names[] = {{&povm_steady, "steady"}, {&povm_fbt, "fbt"}, {&povm_tdvp, "tdvp"}, {&povm_fit, "fit"}};
    char all[500];
    snprintf(all, sizeof all, "%s", text);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].task == task)
            snprintf(all, sizeof all, "task=%s; %s", names[i].name, text);
    memset(j, 0, sizeof *j);
    point_open(&j->at, seed, all);
    j->task = task;
    if (task->create(&j->at.p, &j->at.problem, &j->at.streams, &j->run))
        fail_msg("%s", qn_error_text());
}

static inline void job_close(job *j)
{
    j->task->destroy(j->run);
    point_close(&j->at);
}

static inline void job_steps(job *j, int64_t steps)
{
    while (steps > 0 && (!j->task->done || j->task->done(j->run) == QN_GOING)) {
        int64_t made = j->task->advance(j->run, &j->at.streams, steps);
        if (made < 0)
            fail_msg("%s", qn_error_text());
        steps -= made;
        j->pieces++;
    }
}

/* Entry of the checkpoint as it is now; kept in g. */
static inline const double *job_saved(const job *j, qn_group *g, const char *name, size_t *n)
{
    qn_group_clear(g);
    assert_int_equal(j->task->save(j->run, g), 0);
    const qn_entry *e = qn_group_get(g, name);
    assert_non_null(e);
    *n = e->n;
    return e->data;
}

static inline void assert_same_checkpoint(const job *a, const job *b)
{
    qn_group x = {0}, y = {0};
    assert_int_equal(a->task->save(a->run, &x), 0);
    assert_int_equal(b->task->save(b->run, &y), 0);
    assert_int_equal(x.n, y.n);
    for (size_t i = 0; i < x.n; i++) {
        assert_int_equal(x.entry[i].n, y.entry[i].n);
        size_t size = x.entry[i].type == QN_ENTRY_BYTES ? 1 : 8;
        if (memcmp(x.entry[i].data, y.entry[i].data, size * x.entry[i].n))
            fail_msg("%s differs", x.entry[i].name);
    }
    qn_group_clear(&x);
    qn_group_clear(&y);
}

#endif
