/* refine.h -- where the next points of a boundary go (adaptive.h). */
#ifndef QN_REFINE_H
#define QN_REFINE_H

#include "dataset.h"
#include "sweep.h"

/* One round: looks along every line of the list (points that differ in the refined axis alone), and adds a point in the middle of the interval that
 * holds the crossing, or asks for more replicas near it. */
typedef struct qn_refined {
    size_t lines, known, placed; /* lines; those whose crossing is known to the tolerance; those that got points or replicas (0: no more to do) */
} qn_refined;
int qn_refine(qn_sweep *s, const qn_dataset *so_far, qn_refined *out) QN_NODISCARD;

int64_t qn_adapt_more(const qn_sweep *s, int64_t replicas); /* the next number of replicas; the same: no more are allowed */

#endif
