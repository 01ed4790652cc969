/* select.h -- which points of a result are looked at, and walking over them: shared by tables, figures and comparisons. */
#ifndef QN_SELECT_H
#define QN_SELECT_H

#include "dataset.h"

/* A dimension of the walk: an axis of the sweep, or a dimension of an observable. */
typedef struct qn_range {
    const char *name;
    const qn_var *coordinate; /* NULL when the file has none */
    size_t whole;             /* its length */
    size_t n, *index;         /* the places that are kept, in order */
} qn_range;

typedef struct qn_selection {
    const qn_dataset *data;
    size_t n_axes;            /* the first n_axes ranges are axes of the sweep, slowest first */
    size_t n;
    qn_range range[QN_MAX_RANK];
} qn_selection;

/* Axes of `d` (attribute `axes`), cut down by conditions NAME=VALUE, NAME=V1,V2, NAME=LOW:HIGH, NAME>=VALUE, > <= <; numbers match to 1e-9.
 * NAME: an axis, or a quantity that is given along one (a parameter of a list of points).  QN_ERR_INPUT with a sentence that lists what there is
 * when a name or value does not exist. */
int qn_select(const qn_dataset *d, const char *const *where, size_t n_where, qn_selection *out) QN_NODISCARD;
/* The same with the own dimensions of v (NULL: none) among the ranges, so that conditions may name them. */
int qn_select_over(const qn_dataset *d, const qn_var *v, const char *const *where, size_t n_where, qn_selection *out) QN_NODISCARD;
/* Adds the own dimensions of v (those that are no axes), whole. */
int qn_select_extend(qn_selection *s, const qn_var *v) QN_NODISCARD;
void qn_selection_free(qn_selection *s);

size_t qn_selection_rows(const qn_selection *s);
/* Place in v of row `row` of the walk (last range fastest); false when v has a dimension that is not walked. */
bool qn_selection_place(const qn_selection *s, const qn_var *v, size_t row, size_t *out);
/* Place along range r of row `row`. */
size_t qn_selection_index(const qn_selection *s, size_t row, size_t r);

/* A number or text of a variable for people and for CSV: "%.{digits}g", the text itself, "" for NaN. */
void qn_cell_text(const qn_var *v, size_t i, int digits, char *out, size_t room);

/* Observables of a result: variables that have a `kind` attribute other than "coordinate". */
bool qn_is_observable(const qn_dataset *d, const qn_var *v);
/* NAME + suffix ("_err"), or NULL. */
const qn_var *qn_beside(const qn_dataset *d, const qn_var *v, const char *suffix);
/* The observable `name`; QN_ERR_INPUT naming the nearest or listing all when there is none. */
int qn_observable_find(const qn_dataset *d, const char *name, const qn_var **out) QN_NODISCARD;

#endif
