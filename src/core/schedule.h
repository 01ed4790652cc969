/* schedule.h -- runs the tasks of a sweep that are not finished: threads, flushes, signals, progress, and the merge at the end.
 * The only part that knows OpenMP tasks. */
#ifndef QN_SCHEDULE_H
#define QN_SCHEDULE_H

#include "plan.h"

typedef struct qn_run_options {
    const char *output;          /* the result file */
    int threads;                 /* 0: all cores */
    double flush_s;              /* seconds between parts */
    double time_s;               /* stop (resumable) after this; 0: never */
    int64_t part, parts;         /* 1/1: everything; else every parts-th task, and no merge */
    const char *const *reuse;
    size_t n_reuse;
    bool quiet, bar;             /* bar: redraw a line (standard error is a terminal) */
    const char *command;         /* command line, for /environment */
} qn_run_options;

typedef struct qn_run_report {
    size_t tasks, done_before, done_now, missing; /* missing: left for other parts or for a resume */
    int64_t steps_now;           /* steps executed by this call */
    double wall_s;
    size_t lines, known;         /* refine: lines, and those on which the boundary is known to the tolerance */
    bool merged;
} qn_run_report;

/* 0: done; QN_ERR_STOPPED: interrupted, resumable (what was done is on disk); else the error. */
int qn_run(const qn_sweep *s, const qn_run_options *o, qn_run_report *report) QN_NODISCARD;

/* The same for a sweep that is not adaptive.  With `so_far` nothing is merged, the result as far as it goes is built in memory instead. */
int qn_run_stage(const qn_sweep *s, const qn_run_options *o, qn_dataset **so_far, qn_run_report *report) QN_NODISCARD;

/* Seconds that the unfinished tasks take on one thread, from the model's cost of a step (NAN when it gives none) or, where tasks in progress
 * have told their rates, from these: then *measured is true. */
double qn_plan_seconds(const qn_plan *p, bool *measured);

#endif
