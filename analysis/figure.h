/* figure.h -- what is to be drawn out of results, as plain numbers: axes, cells, points with bars, lines.  No drawing here:
 * plot.h makes files of it, terminal.h characters.
 *
 * A map has two axes and a value in every cell; theory that `locates` the parameter of one axis crosses it as a line.  Lines have
 * one axis; theory of the observable's own name lies over the points. */
#ifndef QN_FIGURE_H
#define QN_FIGURE_H

#include "dataset.h"
#include "parts.h"

/* Texts for people hold symbols (gnuplot's enhanced text, "s_0") between these two marks. */
#define QN_SYMBOL_BEGIN '\1'
#define QN_SYMBOL_END '\2'

#define QN_FIG_NAMED 8       /* up to so many values of `by` are named in a key; more are shown by a colour bar */
#define QN_FIG_LIGHTEST 0.86 /* end of the palette for lines: beyond it they fade on white */

typedef struct qn_fig_axis {
    char *name, *symbol, *meaning, *unit; /* the last three may be NULL; a unit of "1" is NULL */
    bool log;
    size_t n_words;
    char **word;        /* axis of text: categories that lie at 0, 1, 2, ... */
    size_t n;
    double *at, *edge;  /* maps: n centres in increasing order, n + 1 ends of cells; `by`: the values */
    double lo, hi;      /* what the axis spans */
} qn_fig_axis;

typedef enum {
    QN_FIG_POINTS = 1,  /* measured, with bars */
    QN_FIG_CURVE,       /* measured along a curve's own dimension: joined */
    QN_FIG_THEORY,      /* a line */
    QN_FIG_MARK         /* one place on the x axis */
} qn_fig_form;

typedef struct qn_fig_series {
    qn_fig_form form;
    char *label, *brief; /* what the key says (NULL: it is not in the key), and what it says where that is too long (NULL: the same) */
    size_t file;        /* 0: the result itself, 1...: overlays in order */
    double shade;       /* place in the palette, 0..1; NaN: black */
    bool bars_along_x;
    bool other;         /* of another quantity than the observable: an overlay that was asked for by name */
    size_t n;
    double *x, *y, *lo, *hi; /* ends of the bars, NaN where there is none; x in increasing order except for boundaries in a map */
    bool *eq;           /* false: not equilibrated */
} qn_fig_series;

typedef struct qn_figure {
    bool map;
    char *title;        /* NULL: none */
    qn_fig_axis x, y, value; /* y: maps only */
    qn_fig_axis by;     /* lines: the axis of which each line is one value; n 0: none */
    double *cell, *cell_lo, *cell_hi; /* maps: [x.n][y.n]; NaN: missing, no bar */
    bool *cell_eq;
    size_t n_series;
    qn_fig_series *series;
    size_t n_sources, n_files; /* the result and its overlays; how many of them are drawn as points */
    char **file_label;  /* lines: [n_sources], NULL for those that are not */
} qn_figure;

typedef struct qn_figure_overlay {
    const qn_dataset *data;
    const char *path;       /* for messages and the key */
    const char *only;       /* the names, separated by commas, of what is drawn of it; NULL: all that fits */
} qn_figure_overlay;

typedef struct qn_figure_request {
    const qn_dataset *data;
    const char *path;       /* for messages */
    const char *observable; /* NULL: m, else the first */
    const qn_figure_overlay *overlay;
    size_t n_overlays;
    const char *const *where; /* as in select.h */
    size_t n_where;
    const char *x, *y;      /* names of axes; NULL: chosen.  y asks for a map.  x may be an auxiliary coordinate where lines are drawn */
    bool lines, log;        /* lines although there are two axes; logarithmic value */
    const char *title;
    qn_say say;             /* what could not be drawn and why; may be NULL */
    void *ctx;
} qn_figure_request;

/* QN_ERR_INPUT with a sentence that says what to ask instead when there is nothing that can be drawn. */
int qn_figure_build(const qn_figure_request *q, qn_figure *out) QN_NODISCARD;
void qn_figure_free(qn_figure *f); /* also after a failed build */

/* The observable that is drawn when none is named; NULL when the file has none. */
const char *qn_figure_default(const qn_dataset *d);

/* What stands at an axis: words, symbol and unit, "temperature T (K)".  The words are the meaning up to its first `,`, `;` or `(`; where a
 * colon comes before, the meaning begins with when it applies ("start noisy: each spin ..."), and the words are those of the name.  When that is
 * longer than `most` characters, the symbol alone, or else the name.  Allocated; NULL: no memory. */
char *qn_fig_label(const qn_fig_axis *a, size_t most);
/* What the key says of a series, in at most `most` characters where that can be; NULL: nothing. */
const char *qn_fig_key(const qn_fig_series *s, size_t most);
size_t qn_fig_length(const char *text); /* characters of a text, marks and the signs of enhanced text not counted */

/* Ends of cells around n centres in increasing order: midpoints (geometric ones with `log`), half a gap beyond the first and last, but
 * not across zero.  edge[n + 1]. */
void qn_fig_edges(size_t n, const double *at, bool log, double *edge);
/* Place of v between lo and hi, 0..1 inside; NaN for v <= 0 on a logarithmic axis. */
double qn_fig_place(const qn_fig_axis *a, double v);
/* Distance 1, 2 or 5 times a power of ten of at most `most` marks on [lo, hi], and the decimals it needs. */
double qn_fig_step(double lo, double hi, size_t most, int *decimals);
/* Where an axis is marked, at most about `most` times: at[QN_FIG_TICKS].  Returns how many; *decimals: digits after the point that tell
 * them apart, or -1 on a logarithmic axis, where they are decades or 1, 2, 5 times decades.  A place for each word on an axis of text. */
#define QN_FIG_TICKS 64
size_t qn_fig_ticks(const qn_fig_axis *a, size_t most, double at[QN_FIG_TICKS], int *decimals);

/* The numbers of the figure as CSV; path "-": on standard output. */
int qn_figure_table(const qn_figure *f, const char *path) QN_NODISCARD;

#endif
