/* plot_drawing.h -- what the makers of gnuplot's script share (plot.c, plot_*.c); the public face is plot.h.
 *
 * The whole layout is decided here in millimetres (margins, ticks, key, hatching), so that png, svg and pdf are the same figure; gnuplot only
 * puts it down. */
#ifndef QN_PLOT_DRAWING_H
#define QN_PLOT_DRAWING_H

#include "palette.h"
#include "plot.h"
#include "text.h"

#define QN_PLOT_STOPS 65     /* colours by which gnuplot knows the palette */
#define QN_PLOT_WORD_EM 0.5 /* mean width of a character in prose */
#define QN_PLOT_HATCH_MM 1.5 /* distance between hatch lines along x */
#define QN_PLOT_POINT 0.47   /* gnuplot's point size for a diameter of 1 mm, in the terminals as plot_script.c sets them up */
#define QN_KEY_SAMPLE_MM 6.5 /* width of what stands before the title of an entry */
#define QN_KEY_EM 1.15       /* from line to line of the key */

typedef enum { QN_PLOT_PNG, QN_PLOT_SVG, QN_PLOT_PDF } qn_plot_type;

typedef struct qn_plot_layout {
    double w, h, font;               /* mm, mm, pt */
    double left, right, bottom, top; /* edges of the box, mm from the lower left corner */
    double em;                       /* mm */
    size_t x_ticks, y_ticks, bar_ticks, key_rows;
    bool turned;                     /* words on the x axis are slanted */
    double bar;                      /* left edge of the colour bar, 0: none */
} qn_plot_layout;

typedef enum { QN_KEY_LINE = 1, QN_KEY_POINT = 2, QN_KEY_LINE_AND_POINT = QN_KEY_LINE | QN_KEY_POINT, QN_KEY_BOX = 4, QN_KEY_HATCHED = 8 } qn_key_sample;

typedef struct qn_key_entry {
    const char *title; /* of the figure */
    qn_key_sample kind;
    char colour[8];
    double width; /* of the line, pt */
    const char *dash;
    int point;
    size_t row;
    double x;     /* mm */
} qn_key_entry;

typedef struct qn_drawing {
    const qn_figure *f;
    qn_plot_layout l;
    qn_buffer data, plot; /* data blocks; the elements of the plot command */
    qn_colour colour[QN_PLOT_STOPS];
    qn_key_entry *key;
    size_t n_key;
    bool failed;
} qn_drawing;

/* ---- plot_drawing.c ---------------------------------------------------------------------------------------------- */

void qn_drawing_free(qn_drawing *d);
void qn_plot_shade(const qn_drawing *d, double shade, char out[8]); /* a place in the palette as a colour; NaN: black */
const char *qn_plot_dash(size_t k);                                 /* the k-th kind of dashes, solid first */
void qn_plot_series(qn_drawing *d, size_t i);                       /* data block $s<i+1> */
qn_key_entry qn_plot_look(qn_key_sample kind, const char *colour, double width, const char *dashes, int point);
void qn_plot_add_key(qn_drawing *d, const char *title, qn_key_entry look); /* an entry of that look; the title stays the figure's */

/* ---- plot_text.c ------------------------------------------------------------------------------------------------- */

/* For a single-quoted string of enhanced text: symbols in italics up to their subscript, everything else as it stands.  NULL: no memory. */
char *qn_plot_text(const char *text);

typedef struct qn_plot_marks { /* of an axis */
    size_t n;
    double at[QN_FIG_TICKS];
    char text[QN_FIG_TICKS][128];
    size_t longest; /* characters */
} qn_plot_marks;
void qn_plot_ticks(const qn_fig_axis *a, size_t most, qn_plot_marks *t);

/* ---- plot_layout.c ----------------------------------------------------------------------------------------------- */

bool qn_plot_has_bar(const qn_figure *f); /* a colour bar: of a map, or where lines have more values than a key names */
void qn_plot_lay_out(qn_drawing *d, const qn_plot_style *style); /* everything but the key, which comes when its entries are known */
size_t qn_plot_key_room(const qn_plot_layout *l); /* characters of the longest title that fits */
void qn_plot_lay_out_key(qn_drawing *d);

/* ---- plot_map.c, plot_lines.c: fill data, plot and key ----------------------------------------------------------- */

void qn_plot_map(qn_drawing *d);
void qn_plot_lines(qn_drawing *d);

/* ---- plot_script.c ----------------------------------------------------------------------------------------------- */

int qn_plot_body(qn_drawing *d, const qn_plot_style *style, qn_buffer *body) QN_NODISCARD; /* everything after terminal and output */
void qn_plot_terminal(const qn_drawing *d, qn_plot_type type, const char *output, qn_buffer *b);

#endif
