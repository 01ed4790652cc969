/* plan.h -- what a sweep has to do and what of it is done: every row (point and replica) with its keys and where it lies finished, every
 * task (chain and replica: a row, or all rows along a chained axis) with its latest checkpoint, among result file, parts and files to reuse. */
#ifndef QN_PLAN_H
#define QN_PLAN_H

#include "parts.h"
#include "record.h"

#define QN_NOWHERE UINT32_MAX

typedef struct qn_place {
    qn_task_keys keys;
    uint32_t source;       /* QN_NOWHERE: not finished */
    size_t row;
} qn_place;

typedef struct qn_task {
    qn_hash key;           /* of its checkpoints */
    bool done;             /* all its rows are finished, or it is not wanted */
    uint32_t checkpoint;   /* source of the latest checkpoint, QN_NOWHERE: none */
    size_t checkpoint_index;
    int64_t checkpoint_step, checkpoint_pieces;
} qn_task;

typedef struct qn_plan {
    const qn_sweep *sweep;
    const qn_layout *layout;
    size_t n_rows, n_tasks; /* row = point * replicas + replica; task = chain * replicas + replica */
    qn_place *row;
    qn_task *task;
    qn_point_keys *point;  /* [n_points] */
    qn_source *source;     /* [0] is the result file when has_result */
    size_t n_sources;
    bool has_result;
    size_t wanted, done;   /* tasks */
    bool result_whole;     /* the result file has every row, and no other */
} qn_plan;

size_t qn_plan_row(const qn_plan *p, size_t task, size_t i); /* row of the i-th point of a task */

int qn_plan_list(qn_plan *p, const qn_sweep *s, const qn_layout *l) QN_NODISCARD; /* what there is to do; nothing is looked for */
/* Opens OUT.h5 (if there), its parts and the files to reuse.  QN_ERR_INPUT when OUT.h5 or a part belongs to another sweep: then
 * going on would lose work. */
int qn_plan_init(qn_plan *p, const qn_sweep *s, const qn_layout *l, const char *output, const char *const *reuse, size_t n_reuse,
                 qn_say say, void *ctx) QN_NODISCARD;
/* Looks again for parts (written by this run or others). */
int qn_plan_refresh(qn_plan *p, const char *output, qn_say say, void *ctx) QN_NODISCARD;
void qn_plan_free(qn_plan *p);

#endif
