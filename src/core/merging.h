/* merging.h -- what merge.c and derived.c share: the rows of all tasks and the result in the making. */
#ifndef QN_MERGING_H
#define QN_MERGING_H

#include "merge.h"

typedef struct qn_merging {
    const qn_plan *p;
    const qn_sweep *s;
    const qn_layout *l;
    qn_dataset *root, *samples;
    double *rows;            /* [n_rows][layout->row] */
    qn_row_head *head;       /* [n_rows]; measurements 0 when missing */
    const char **axes;       /* names of the axes */
    size_t n_axes, points, replicas;
    bool alike;              /* replicas do not differ in disorder: the model has no parameter that seeds it */
} qn_merging;

/* Element k of a column in a row. */
static inline const double *qn_merging_cell(const qn_merging *m, const qn_column *c, size_t task, size_t k)
{
    return m->rows + task * m->l->row + c->offset + k;
}

/* Variables NAME and NAME<suffix>, `n` of them (suffix[0] is ""), over (axes..., own...), described. */
typedef struct qn_columns {
    qn_var *var[8];
} qn_columns;
int qn_merging_variables(qn_merging *m, const char *name, const char *kind, const char *unit, const char *meaning, const char *symbol,
                         size_t rank, const char *const *own, size_t n, const char *const *suffix, const qn_dtype *type, qn_columns *out) QN_NODISCARD;

int qn_merge_derived(qn_merging *m, const qn_derived *d) QN_NODISCARD;

#endif
