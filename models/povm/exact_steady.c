/* exact_steady.c -- task: exact_steady.  One unit, the whole solution (pauli.h), in pieces of some iterations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "settings.h"

typedef struct steady {
    povm_exact x;
    povm_steady_solver solver;
} steady;

static void cost(const qn_params *p, const povm_problem *problem, qn_cost *c)
{
    (void)p;
    c->step_s = 500 * povm_pauli_seconds(problem) + 1e-4;
    c->task_bytes = povm_pauli_bytes(problem);
}

static bool provides(const qn_params *p, int obs)
{
    return povm_exact_provides(p, obs) || obs == POVM_O_RESIDUAL || obs == POVM_O_STATUS || (obs == POVM_O_GAP && povm_sites(p) <= POVM_GAP_SITES);
}

static void destroy(void *run)
{
    steady *s = run;
    if (!s)
        return;
    povm_steady_solver_free(&s->solver);
    povm_exact_free(&s->x);
    free(s);
}

static int create(const qn_params *p, const povm_problem *problem, qn_streams *streams, void **run)
{
    (void)p, (void)streams;
    steady *s = *run = calloc(1, sizeof *s);
    if (!s)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    const int err = povm_exact_init(problem, &s->x);
    return err ? err : povm_steady_solver_create(&s->x.g, problem->start, &s->solver);
}

#define PIECE 1e8 /* multiplications: some tenths of a second */

static int64_t advance(void *run, qn_streams *streams, int64_t most)
{
    (void)streams, (void)most;
    steady *s = run;
    const double each = (double)s->x.g.row[s->x.g.size] + 2 * (double)s->solver.restart * (double)s->solver.size;
    for (double work = 0; work < PIECE && !s->solver.over; work += each)
        povm_steady_solver_step(&s->solver);
    return s->solver.over;
}

static qn_end done(const void *run)
{
    const steady *s = run;
    return s->solver.over ? QN_ENDED : QN_GOING;
}

static int measure(void *run, qn_streams *streams, qn_record *r)
{
    (void)streams;
    steady *s = run;
    qn_put(r, POVM_O_RESIDUAL, s->solver.residual);
    return povm_exact_measure(&s->x, s->solver.c, 1, r);
}

static int finish(void *run, qn_streams *streams, qn_record *r)
{
    (void)streams;
    steady *s = run;
    double gap, largest;
    qn_put(r, POVM_O_STATUS, s->solver.converged ? 0 : 3);
    if (s->x.g.n > POVM_GAP_SITES)
        return 0;
    const int err = povm_pauli_gap(s->x.problem, &gap, &largest);
    if (!err)
        qn_put(r, POVM_O_GAP, gap);
    return err;
}

/* The vectors of a cycle are formed again out of its begin: the same bits. */
static int save(const void *run, qn_group *g)
{
    const steady *s = run;
    const povm_steady_solver *v = &s->solver;
    const int64_t counts[] = {(int64_t)v->done, v->applied, v->over, v->converged};
    int err = qn_save_f64(g, "c", s->x.g.size, v->c);
    if (!err)
        err = qn_save_f64(g, "residual", 2, (const double[]){v->residual, v->before});
    return err ? err : qn_save_i64(g, "counts", 4, counts);
}

static int load(void *run, const qn_group *g)
{
    steady *s = run;
    povm_steady_solver *v = &s->solver;
    int64_t counts[4];
    double residual[2];
    int err = qn_load_f64(g, "c", s->x.g.size, v->c);
    if (!err)
        err = qn_load_f64(g, "residual", 2, residual);
    if (!err)
        err = qn_load_i64(g, "counts", 4, counts);
    if (err)
        return err;
    if (counts[0] < 0 || (size_t)counts[0] >= v->restart)
        return qn_fail(QN_ERR_DATA, "the checkpoint is in the middle of a longer cycle than there is");
    v->residual = counts[0] ? residual[1] : residual[0];
    while (v->done < (size_t)counts[0])
        povm_steady_solver_step(v);
    v->residual = residual[0];
    v->before = residual[1];
    v->applied = counts[1];
    v->over = counts[2];
    v->converged = counts[3];
    return 0;
}

static void progress(const void *run, char *text, size_t size)
{
    const steady *s = run;
    snprintf(text, size, "max |d<Q>/dt| %.1e", s->solver.residual);
}

/* The state stays, as the start of the next solution. */
static int retune(void *run, const qn_params *p, const povm_problem *problem)
{
    (void)p;
    steady *s = run;
    double *c = s->solver.c;
    s->solver.c = NULL;
    povm_steady_solver_free(&s->solver);
    const size_t size = s->x.g.size;
    povm_exact_free(&s->x);
    int err = povm_exact_init(problem, &s->x);
    if (!err)
        err = povm_steady_solver_create(&s->x.g, problem->start, &s->solver);
    if (!err && s->x.g.size == size)
        memcpy(s->solver.c, c, size * sizeof *c);
    free(c);
    return err;
}

const povm_task povm_exact_steady = {
    .check = povm_exact_check,
    .cost = cost,
    .provides = provides,
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .measure = measure,
    .finish = finish,
    .done = done,
    .save = save,
    .load = load,
    .retune = retune,
    .progress = progress,
};
