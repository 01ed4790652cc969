/* boundary.h -- where something changes along an axis, for every value of the others, with bootstrap errors: a phase boundary. */
#ifndef QN_BOUNDARY_H
#define QN_BOUNDARY_H

#include "lines.h"
#include "resample.h"

typedef enum {
    QN_BOUNDARY_DEFAULT = 0, /* a ratio over (size, axis): crossing; 0/1 outcomes: half */
    QN_BOUNDARY_LEVEL,       /* the observable is `level` */
    QN_BOUNDARY_STEEPEST,    /* it changes fastest */
    QN_BOUNDARY_HALF,        /* a probability is 1/2: logistic fit of 0/1 outcomes by maximum likelihood */
    QN_BOUNDARY_FACTOR,      /* it leaves its value at one end of the axis by a factor */
    QN_BOUNDARY_CROSSING     /* curves of successive sizes cross */
} qn_boundary_how;

typedef struct qn_boundary_request {
    const qn_dataset *data;       /* with the samples that qn_sampled_needs names */
    const char *observable, *along; /* along NULL: the only axis, or of a crossing T */
    qn_boundary_how how;
    double level, factor;
    bool from_high;               /* factor: the end of the axis; level: the last crossing */
    bool from_given;              /* level: the first or last crossing, not the clearest */
    const char *size;             /* crossing: the axis of sizes; NULL: L or N */
    double drift;                 /* crossing: successive crossings approach their limit as 1/size^drift */
    bool log;                     /* over the logarithm of the axis (that of a logarithmic grid in any case) */
    qn_statistic statistic;
    const char *const *where;
    size_t n_where, resamples;
    qn_say say;
    void *ctx;
} qn_boundary_request;

#define QN_BOUNDARY_DRIFT 2.0

/* AXIS_c over the other axes (a crossing: without the sizes), kind "boundary", with _err, _dof, _found, its resamples and the attribute `locates`, so that
 * `plot --overlay` draws it; `coarse` where the change happens within one step of the grid, whose width over sqrt(12) is then part of the error.  A crossing
 * has those of successive sizes, AXIS_crossing, over `pair` besides.  QN_ERR_INPUT with a sentence when there is no boundary at all. */
int qn_boundary_make(const qn_boundary_request *q, qn_dataset **out) QN_NODISCARD;

#endif
