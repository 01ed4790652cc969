/* record.h -- the layout of what a task leaves behind (columns of a row of doubles) and the record that a running task fills.
 *
 * A finished task is one row: for every observable the columns that the result file keeps in /samples.  Parts hold rows in
 * any order, a result file holds them as (axes..., replica): both store a column as one array, row after row. */
#ifndef QN_RECORD_H
#define QN_RECORD_H

#include "group.h"
#include "quench.h"
#include "sweep.h"

typedef struct qn_extent { /* a dimension of the model's observables, or "time" */
    const char *name;
    size_t n;              /* the longest over the sweep */
    double *value;         /* [n] when the same at every point, else NULL: then [n_points][n] in `at` */
    double *at;
} qn_extent;

#define QN_MAX_COLUMN_RANK (QN_MAX_DIMS + 1)
typedef struct qn_column {
    char name[80];
    int obs;
    size_t offset, n;      /* within the row */
    size_t rank, shape[QN_MAX_COLUMN_RANK];
    const char *dim[QN_MAX_COLUMN_RANK];
} qn_column;

typedef struct qn_layout {
    const qn_sweep *sweep;
    size_t n_obs, n_model; /* the model's observables come first, then the core's own (tempering.h) */
    qn_observable *obs;    /* [n_obs] */
    bool *present;         /* provided at one point at least */
    size_t *width;         /* elements of an observable over its dims, time included */
    size_t n_extents;
    qn_extent *extent;
    size_t n_columns, row;
    qn_column *column;
    size_t n_grid;         /* measurements of a task */
    int64_t *grid;         /* at which steps */
} qn_layout;

int qn_layout_init(qn_layout *l, const qn_sweep *s) QN_NODISCARD;
void qn_layout_free(qn_layout *l);
const qn_column *qn_layout_column(const qn_layout *l, const char *name);
size_t qn_layout_extent(const qn_layout *l, const char *dim); /* its length; 0 when unknown */

struct qn_record {
    const qn_layout *layout;
    const qn_observable *obs;
    size_t *width;         /* elements of an observable at this point: the layout has the longest of the sweep, to which a row is padded */
    size_t (*shape)[QN_MAX_DIMS];
    size_t measured;       /* measurements done */
    uint64_t step;
    double **value, **weight; /* per observable: raw series [measurement][width], sums and weights of curves, outcomes */
    size_t *room;          /* series: measurements that fit */
    bool failed;           /* out of memory while putting */
};

int qn_record_init(qn_record *r, const qn_layout *l, const qn_params *p) QN_NODISCARD;
void qn_record_free(qn_record *r);
/* The finished row [layout->row]; `ended`: the task ended by itself before the last step, so time curves carry on. */
int qn_record_row(const qn_record *r, bool ended, double *row) QN_NODISCARD;
int qn_record_save(const qn_record *r, qn_group *g) QN_NODISCARD;
int qn_record_load(qn_record *r, const qn_group *g) QN_NODISCARD;

#endif
