/* running.h -- one task in progress, step by step, and its checkpoint.  A task has in hand one point, or all rungs of a ladder (tempering);
 * along a continuation it goes from one point to the next with the same state. */
#ifndef QN_RUNNING_H
#define QN_RUNNING_H

#include "plan.h"
#include "tempering.h"

typedef struct qn_running {
    const qn_plan *plan;
    const qn_sweep *sweep;
    const qn_layout *layout;
    size_t task;
    qn_rung *rung;  /* [n] in hand */
    size_t n;
    void **states;  /* [n] and */
    qn_streams **streams; /* [n] for step_many */
    size_t at;      /* continuation: points of the chain that are behind */
    bool lost;      /* one of them diverged, so the rest is nothing */
    int64_t step, total; /* of the points in hand */
    int64_t pieces; /* made of the present unit; how many it takes may differ from run to run, so results do not know them */
    size_t turn;    /* ladder: rungs that have made the present step */
    qn_ladder ladder;
    int64_t made;   /* steps of the model since start or load */
} qn_running;

/* A task at its start; `shared` is what prepare() made.  qn_running_free is safe after a failure. */
int qn_running_start(qn_running *t, const qn_plan *p, size_t task, const void *shared) QN_NODISCARD;
void qn_running_free(qn_running *t);
int qn_running_load(qn_running *t, const qn_group *g) QN_NODISCARD; /* into a task just started */
int qn_running_save(const qn_running *t, qn_group *g) QN_NODISCARD;
/* One step, or up to `most` where the model can, or a piece of one; and, when the grid says so, one measurement. */
int qn_running_step(qn_running *t, int64_t most) QN_NODISCARD;
bool qn_running_over(qn_running *t);                /* with the points in hand */
int64_t qn_running_position(const qn_running *t);   /* of qn_sweep_task_steps() */
/* The row of point i in hand, when they are over: its numbers [layout->row], and where it belongs. */
int qn_running_finish(qn_running *t, size_t i, double *row, qn_row_head *head) QN_NODISCARD;
size_t qn_running_row(const qn_running *t, size_t i);
/* On to the next point of a continuation; *more is false when there is none. */
int qn_running_next(qn_running *t, bool *more) QN_NODISCARD;

/* One task from its start to its end, without files: rows [rungs][layout->row] and heads [rungs].  Used by verify. */
int qn_task_run(const qn_plan *p, size_t task, double *rows, qn_row_head *heads) QN_NODISCARD;

#endif
