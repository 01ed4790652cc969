/* merge.h -- from finished rows to the result file: means, errors, verdicts, derived quantities, provenance. */
#ifndef QN_MERGE_H
#define QN_MERGE_H

#include "plan.h"

typedef struct qn_provenance {
    const char *command;
    int threads, ranks; /* of each rank; ranks 0 or 1: no MPI */
    double wall_s;
} qn_provenance;

#define QN_DIM_POINT "point" /* of a set of points that is no grid; the attribute `swept` names the parameters that lie along it */

#define QN_VAR_REPLICAS "replicas" /* of every point, where they differ */

/* The whole result as a dataset; rows that are not finished are NaN (`missing` counts their tasks). */
int qn_result_build(const qn_plan *p, const qn_provenance *how, qn_dataset **out, size_t *missing) QN_NODISCARD;
/* Writes OUT.h5 (aside, then renamed), then removes the parts. */
int qn_merge(const qn_plan *p, const char *output, const qn_provenance *how, size_t *missing) QN_NODISCARD;
/* Root attributes, axes as coordinates (their names, slowest first, in the attribute `axes`); shared by results and theory files. `d` a root. */
int qn_result_head(qn_dataset *d, const qn_sweep *s) QN_NODISCARD;
int qn_environment(qn_dataset *d, const qn_provenance *how) QN_NODISCARD;
/* The parts of OUT.h5, and temporary files that killed processes left. */
void qn_remove_parts(const qn_plan *p, const char *output); /* those that the plan has read */
void qn_libraries(char out[256]); /* names and versions, for --version and /environment */

#endif
