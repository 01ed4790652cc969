/* figure_build.h -- what the makers of a figure share (figure.c, figure_*.c); the public face is figure.h. */
#ifndef QN_FIGURE_BUILD_H
#define QN_FIGURE_BUILD_H

#include "figure.h"
#include "select.h"

#define QN_FIG_NONE SIZE_MAX

typedef struct qn_fig_building {
    const qn_figure_request *q;
    qn_figure *f;
    qn_selection sel;      /* of the result itself, with the observable's own dimensions */
    const qn_var *v, *aux; /* the observable; the auxiliary coordinate along x, or NULL */
    size_t rx, ry, rb;     /* ranges of sel: x, y of a map, the axis with a line a value; QN_FIG_NONE where there is none */
} qn_fig_building;

/* ---- figure.c ---------------------------------------------------------------------------------------------------- */

int qn_fig_no_memory(void);
/* File 0 is the result, 1, 2, ... are its overlays. */
const qn_dataset *qn_fig_data(const qn_figure_request *q, size_t file);
const char *qn_fig_path(const qn_figure_request *q, size_t file);
void qn_fig_note(const qn_fig_building *b, char *line); /* tells what was left out; takes the line */

/* ---- figure_choose.c --------------------------------------------------------------------------------------------- */

int qn_fig_find_observable(qn_fig_building *b) QN_NODISCARD;
int qn_fig_choose_axes(qn_fig_building *b) QN_NODISCARD;
bool qn_fig_spans(const qn_var *v, const char *dim); /* is dim one of its dimensions? */

/* ---- figure_describe.c ------------------------------------------------------------------------------------------- */

int qn_fig_copy(const char *text, char **out) QN_NODISCARD; /* NULL stays NULL */
int qn_fig_describe(qn_fig_axis *a, const char *name, const qn_dataset *d, const qn_var *v) QN_NODISCARD; /* name, symbol, meaning, unit, log */
void qn_fig_axis_free(qn_fig_axis *a);
/* Text and truth values are words, which lie at 0, 1, 2, ... */
bool qn_fig_has_words(const qn_var *c);
void qn_fig_word(const qn_var *c, size_t i, char *out, size_t room);
int qn_fig_take_words(qn_fig_axis *a, const qn_range *r) QN_NODISCARD;
/* Where row `row` lies along range r: on the figure's axis `a`, which may be one of words. */
double qn_fig_position(const qn_selection *s, size_t r, size_t row, const qn_fig_axis *a);

/* ---- figure_axis.c ----------------------------------------------------------------------------------------------- */

/* A grid that spans decades and whose middle lies where a logarithmic one has it. */
bool qn_fig_looks_log(size_t n, const double *at);
void qn_fig_widen(qn_fig_axis *a, double v); /* lo and hi, which start as NaN, come to hold v, if it has a place on the axis */
/* A margin of `part` of the span on both sides; a span of nothing becomes something. */
void qn_fig_pad(qn_fig_axis *a, double part);

/* ---- figure_series.c --------------------------------------------------------------------------------------------- */

bool qn_fig_is_theory(const qn_dataset *d, const qn_var *v);

#define QN_FIG_VERDICTS 16
typedef struct qn_fig_beside { /* of a variable: errors or interval, and the verdicts: its own, or of the series that it is derived from */
    const qn_var *err, *lo, *hi, *eq[QN_FIG_VERDICTS];
    size_t n_eq;
} qn_fig_beside;
void qn_fig_find_beside(const qn_dataset *d, const qn_var *v, qn_fig_beside *out);

typedef struct qn_fig_number {
    double v, lo, hi; /* NaN: no bar */
    bool eq;
} qn_fig_number;
/* The number of a row with the ends of its bar: the Wilson interval where there is one, else one standard error. */
qn_fig_number qn_fig_read(const qn_selection *s, const qn_var *v, const qn_fig_beside *with, size_t row);

int qn_fig_add_series(qn_figure *f, qn_fig_form form, size_t room, qn_fig_series **out) QN_NODISCARD;
void qn_fig_put(qn_fig_series *s, double x, qn_fig_number y); /* keeps x in increasing order */
void qn_fig_drop_series(qn_figure *f); /* the last one */
void qn_fig_series_free(qn_fig_series *s);

/* ---- figure_map.c ------------------------------------------------------------------------------------------------ */

int qn_fig_build_map(qn_fig_building *b) QN_NODISCARD;

/* ---- figure_lines.c ---------------------------------------------------------------------------------------------- */

int qn_fig_build_lines(qn_fig_building *b) QN_NODISCARD;
/* All series of one file's variable; `added` counts those that hold anything. */
int qn_fig_add_lines(qn_fig_building *b, const qn_dataset *d, const qn_var *v, const qn_selection *s, size_t file, size_t *added) QN_NODISCARD;
void qn_fig_span_lines(qn_fig_building *b); /* what the axes span, when all series are there */

/* Which value of the figure's `by` axis a text is; QN_FIG_NONE when it is none of them. */
size_t qn_fig_match_by(const qn_fig_axis *by, const char *text);
double qn_fig_shade_of(const qn_fig_axis *by, size_t k); /* of the line of value k; NaN for QN_FIG_NONE */
size_t qn_fig_find_range(const qn_selection *s, const char *name); /* QN_FIG_NONE when absent, or name NULL */
void qn_fig_range_text(const qn_range *r, size_t k, char *out, size_t room); /* its k-th value, exact */

/* ---- figure_overlay.c -------------------------------------------------------------------------------------------- */

/* What file `file` lays over the figure; of the result itself, boundaries across its map. */
int qn_fig_add_overlay(qn_fig_building *b, size_t file) QN_NODISCARD;

/* ---- figure_key.c ------------------------------------------------------------------------------------------------ */

const char *qn_fig_fixed_value(const qn_dataset *d, const char *name); /* of a parameter that is no axis; NULL */
/* What the key says of files: nothing where there is one without theory; "theory" once a file. */
int qn_fig_name_files(qn_fig_building *b) QN_NODISCARD;

#endif
