/* trace.h -- one task of a sweep, every measurement of it: what the means of a result hide. */
#ifndef QN_TRACE_H
#define QN_TRACE_H

#include "dataset.h"
#include "sweep.h"

/* Runs replica `replica` of one point, of a chained axis all that belongs to its task, and cuts the sweep down to it; the keys, hence the random
 * numbers, stay what they were.  Measures during thermalization too, on the grid of the sampling block.  The dataset has the
 * head of a result, `time` in steps from the very start, and over it every series and curve as measured (own errors as NAME_err), curves over other
 * dimensions and outcomes as at the end; attributes replica, thermalization (the step where averages of a result begin), steps. */
int qn_trace(qn_sweep *s, size_t point, int64_t replica, qn_dataset **out) QN_NODISCARD;

#endif
