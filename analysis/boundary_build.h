/* boundary_build.h -- what the makers of a boundary share (boundary.c, boundary_crossing.c); the public face is boundary.h. */
#ifndef QN_BOUNDARY_BUILD_H
#define QN_BOUNDARY_BUILD_H

#include "boundary.h"
#include "finding.h"
#include "form.h"

#define QN_BOUNDING_POINTS 3 /* fewer points along a line are too coarse */

typedef struct qn_bounding {
    const qn_boundary_request *q;
    qn_boundary_how how;
    qn_sampled s;
    qn_lines l;
    qn_form form;                 /* half: logistic */
    qn_finding out;
    size_t resamples;
    qn_found place, crossing;
    qn_var *coarse, *points, *small, *large;
    size_t by_size;               /* crossing: which of the lines' axes */
    size_t found, none, few, rough, rare; /* lines: found; nothing there; too few points; within one step; missing in many resamples */
    double lowest, highest;       /* of the observable where there was nothing */
} qn_bounding;

int qn_bounding_no_memory(void);
/* Standard errors of the points, made fit to be weights; *known: there are some. */
int qn_bounding_errors(const qn_bounding *t, size_t n, const size_t *cell, const double *y, const double *yb, double *err, bool *known) QN_NODISCARD;
/* Over x again where the search went over its logarithm; resamples too. */
void qn_bounding_unlog(const qn_bounding *t, qn_interval *x, double *each, size_t resamples);
/* boundary_crossing.c: the crossings of all groups of sizes, and their limits. */
int qn_bounding_crossings(qn_bounding *t) QN_NODISCARD;

#endif
