/* lines.h -- a result cut into lines: along one axis, for every value of the others; of a grid or a list of points. */
#ifndef QN_LINES_H
#define QN_LINES_H

#include "parts.h"
#include "sampled.h"
#include "select.h"

typedef struct qn_line {
    size_t n;
    size_t *cell;              /* of the sampled observable; those without a number are left out */
    double *x;                 /* in increasing order */
} qn_line;

typedef struct qn_lines_by {   /* what tells lines apart */
    const char *name;
    const qn_var *values;      /* NULL: the number of the place */
    size_t n;                  /* the different ones */
    size_t *place;             /* [n] places in `values`, in order */
} qn_lines_by;

typedef struct qn_lines {
    const qn_sampled *s;
    const char *along;
    const qn_var *x;           /* the coordinate along the lines; NULL: the number of the place */
    bool log;                  /* it has a logarithmic grid */
    qn_selection sel;
    size_t n_by;
    qn_lines_by by[QN_MAX_RANK];
    bool list;                 /* lines are points of a list (dimension `point`), since their values make no grid */
    size_t n;
    qn_line *line;
    size_t *which;             /* [n][n_by]: index into by[].place */
    size_t missing, unfinished, runs, unsettled; /* cells without a number; runs that did not end, of how many; cells not equilibrated */
} qn_lines;

/* `along`: an axis, a dimension of the observable itself, or a quantity given along one (a parameter of a list of points, a realised value); NULL
 * when there is only one.  QN_ERR_INPUT with a sentence. */
int qn_lines_init(qn_lines *l, const qn_sampled *s, const char *along, const char *const *where, size_t n_where) QN_NODISCARD;
void qn_lines_free(qn_lines *l); /* also after a failed init */
/* "T=0.3 chi=1": which line it is; "" when there is one. */
void qn_lines_text(const qn_lines *l, size_t line, char *out, size_t room);
/* What of a by is called `name`; QN_NONE when nothing is. */
#define QN_NONE SIZE_MAX
size_t qn_lines_by_find(const qn_lines *l, const char *name);
double qn_lines_by_value(const qn_lines *l, size_t line, size_t by);
/* The value of an axis of the lines or of a fixed parameter; NaN when there is none. */
double qn_lines_constant(const qn_lines *l, size_t line, const char *name);
/* Tells, once, what the numbers suffer from: unfinished runs, points not equilibrated. */
void qn_lines_remark(const qn_lines *l, qn_say say, void *ctx);

#endif
