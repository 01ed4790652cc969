/* finding.h -- the dataset that an analysis makes of lines: one number a line, over the other axes, with errors and resamples, so that it can be shown,
 * drawn and analysed again like a result. */
#ifndef QN_FINDING_H
#define QN_FINDING_H

#include "lines.h"
#include "resample.h"

typedef struct qn_finding {
    qn_dataset *d, *samples;
    size_t n_dims;             /* the dimensions of a number a line */
    const char *dims[QN_MAX_RANK];
    size_t resamples;
} qn_finding;

/* A root with the axes of the lines but those `without` (NULL: none), the fixed parameters of the result, and where it comes from. */
int qn_finding_init(qn_finding *f, const qn_lines *l, const char *title, const char *without, size_t resamples) QN_NODISCARD;
void qn_finding_free(qn_finding *f);
/* The index of a line among the numbers. */
size_t qn_finding_index(const qn_finding *f, const qn_lines *l, size_t line);
/* Calls `each` for the lines of every number, by increasing value of the by `by` (a size): numbers of the lines member[n]. */
int qn_finding_groups(const qn_finding *f, const qn_lines *l, size_t by, int (*each)(void *ctx, size_t n, const size_t *member), void *ctx) QN_NODISCARD;
/* NAME over the lines and the dimensions `more`, with _err, _dof, _found and (`sampled`) /samples/NAME. */
typedef struct qn_found {
    qn_var *value, *err, *dof, *found, *each;
} qn_found;
int qn_finding_number(qn_finding *f, const char *name, const char *kind, const char *unit, const char *symbol, const char *meaning, size_t n_more, const char *const *more,
                      bool sampled, qn_found *out) QN_NODISCARD;
/* A plain variable beside. */
int qn_finding_beside(qn_finding *f, const char *name, qn_dtype type, const char *unit, const char *meaning, size_t n_more, const char *const *more, qn_var **out) QN_NODISCARD;
/* Puts a number of line (or line and place) `at`, with its resamples each[0], each[stride], ... */
void qn_finding_put(const qn_finding *f, const qn_found *to, size_t at, const qn_interval *x, const double *each, size_t resamples, size_t stride);
/* The axis `name` with the values of `from` at the places given (NULL: all). */
int qn_finding_axis(qn_finding *f, const char *name, const qn_var *from, size_t n, const size_t *place) QN_NODISCARD;

#endif
