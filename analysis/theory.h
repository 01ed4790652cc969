/* theory.h -- a model's theory at every point of a sweep: as a dataset like a result file, or as CSV. */
#ifndef QN_THEORY_H
#define QN_THEORY_H

#include <stdio.h>

#include "dataset.h"
#include "sweep.h"

/* Head and coordinates of a result file, and each quantity over the axes: attributes units, long_name, symbol, kind "theory", and `locates`
 * for a phase boundary.  QN_ERR_INPUT when the model has no theory; free with qn_dataset_free. */
int qn_theory_build(const qn_sweep *s, qn_dataset **out) QN_NODISCARD;
/* A header line, then one row a point, slowest axis first: the axes (without axes: the numbers that were given), then the quantities. */
int qn_theory_csv(const qn_sweep *s, FILE *out) QN_NODISCARD;

#endif
