/* running.h -- one task in progress: its state, streams and record, step by step, and its checkpoint. */
#ifndef QN_RUNNING_H
#define QN_RUNNING_H

#include "plan.h"

typedef struct qn_running {
    const qn_sweep *sweep;
    const qn_layout *layout;
    qn_params params;
    qn_streams streams;
    qn_record record;
    void *state;
    int64_t step, total;
    int64_t pieces; /* made of the present unit; how many it takes may differ from run to run, so results do not know them */
    qn_end end;
} qn_running;

/* A task at its start; `shared` is what prepare() made.  qn_running_free is safe after a failure. */
int qn_running_start(qn_running *t, const qn_plan *p, size_t task, const void *shared) QN_NODISCARD;
void qn_running_free(qn_running *t);
int qn_running_load(qn_running *t, const qn_group *g) QN_NODISCARD; /* into a task just started */
int qn_running_save(const qn_running *t, qn_group *g) QN_NODISCARD;
/* One step, or up to `most` where the model can, or a piece of one; and, when the grid says so, one measurement. */
int qn_running_step(qn_running *t, int64_t most) QN_NODISCARD;
bool qn_running_over(qn_running *t);
int qn_running_finish(qn_running *t, double *row, qn_row_head *head) QN_NODISCARD; /* its row [layout->row] */

/* One task from its start to its end, without files: row and head.  Used by verify. */
int qn_task_run(const qn_plan *p, size_t task, double *row, qn_row_head *head) QN_NODISCARD;

#endif
