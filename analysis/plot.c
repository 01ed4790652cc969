/* plot.c -- see plot.h.  The whole layout is decided here in millimetres (margins, ticks, key, hatching), so that png, svg and pdf are the
 * same figure; gnuplot only puts it down. */
#include "plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "palette.h"
#include "text.h"

extern char **environ;

#define MM_PER_PT (25.4 / 72)
#define POINT_MM 2.117      /* diameter of gnuplot's point size 1 in the terminals as set up below */
#define CHAR_EM 0.54        /* mean width of a character */
#define WORD_EM 0.5         /* and in prose */
#define KEY_EM 1.15         /* from line to line of the key */
#define HATCH_MM 1.5        /* distance between hatch lines along x */
#define BAND_FROM 41        /* a curve of so many points has a band instead of bars */
#define STOPS 65            /* colours by which gnuplot knows the palette */

typedef enum { PNG, SVG, PDF } file_type;

typedef struct layout {
    double w, h, font;               /* mm, mm, pt */
    double left, right, bottom, top; /* edges of the box, mm from the lower left corner */
    double em;                       /* mm */
    size_t x_ticks, y_ticks, bar_ticks, key_rows;
    bool turned;                     /* words on the x axis are slanted */
    double bar;                      /* left edge of the colour bar, 0: none */
} layout;

typedef enum { LINE = 1, POINT = 2, LINE_AND_POINT = LINE | POINT, BOX = 4, HATCHED = 8 } sample;

typedef struct entry { /* of the key */
    char *title;
    sample kind;
    char colour[8];
    double width; /* of the line, pt */
    const char *dash;
    int point;
    size_t row;
    double x;     /* mm */
} entry;

typedef struct drawing {
    const qn_figure *f;
    layout l;
    qn_buffer data, plot; /* data blocks; the elements of the plot command */
    qn_colour colour[STOPS];
    entry *key;
    size_t n_key;
    bool failed;
} drawing;

/* ---- text ------------------------------------------------------------------------------------------------------------ */

/* For a single-quoted string of enhanced text: symbols in italics up to their subscript, everything else as it stands. */
static char *enhanced(const char *text)
{
    qn_buffer b = {0};
    bool symbol = false, italic = false;
    qn_buffer_add(&b, "%s", "");
    for (; *text; text++) {
        if (*text == QN_SYMBOL_BEGIN) {
            symbol = italic = true;
            qn_buffer_add(&b, "{/:Italic ");
        } else if (symbol && italic && (*text == QN_SYMBOL_END || *text == '_' || *text == '^')) {
            italic = false;
            qn_buffer_add(&b, *text == QN_SYMBOL_END ? "}" : "}%c", *text);
        } else if (*text == '\'') {
            qn_buffer_add(&b, "''");
        } else if (!symbol && strchr("\\^_@&~{}", *text)) {
            qn_buffer_add(&b, "\\%c", *text);
        } else if (*text != QN_SYMBOL_END) {
            qn_buffer_add(&b, "%c", *text);
        }
        if (*text == QN_SYMBOL_END)
            symbol = italic = false;
    }
    if (!b.failed)
        return b.text;
    qn_buffer_free(&b);
    return NULL;
}

static char *quoted_path(const char *path)
{
    qn_buffer b = {0};
    qn_buffer_add(&b, "%s", "");
    for (; *path; path++)
        qn_buffer_add(&b, *path == '\'' ? "''" : "%c", *path);
    if (!b.failed)
        return b.text;
    qn_buffer_free(&b);
    return NULL;
}

/* A mark's number as enhanced text with a true minus sign: 0.25, 3×10^{6}, 10^{−3}. */
static void tick_text(double v, int decimals, double largest, bool powers, char *out, size_t room)
{
    char plain[48];
    double size = fabs(v);
    if (powers || (v != 0 && (largest >= 1e5 || decimals > 4))) {
        int e = (int)floor(log10(size) + 1e-9);
        double mantissa = size / pow(10, e);
        const char *sign = v < 0 ? "−" : "";
        if (fabs(mantissa - 1) < 1e-6)
            snprintf(out, room, "%s10^{%s%d}", sign, e < 0 ? "−" : "", abs(e));
        else
            snprintf(out, room, "%s%.3g×10^{%s%d}", sign, mantissa, e < 0 ? "−" : "", abs(e));
        return;
    }
    if (decimals < 0)
        snprintf(plain, sizeof plain, "%g", size);
    else
        snprintf(plain, sizeof plain, "%.*f", decimals, size);
    snprintf(out, room, "%s%s", v < 0 ? "−" : "", plain);
}

typedef struct ticks {
    size_t n;
    double at[QN_FIG_TICKS];
    char text[QN_FIG_TICKS][128];
    size_t longest; /* characters */
} ticks;

static size_t shown_length(const char *enhanced_text)
{
    size_t n = 0;
    for (; *enhanced_text; enhanced_text++)
        n += ((unsigned char)*enhanced_text & 0xc0) != 0x80 && !strchr("^{}\\", *enhanced_text);
    return n;
}

static void make_ticks(const qn_fig_axis *a, size_t most, ticks *t)
{
    int decimals;
    double largest = 0;
    bool powers = false;
    t->n = qn_fig_ticks(a, most, t->at, &decimals);
    t->longest = 0;
    for (size_t i = 0; i < t->n; i++) {
        largest = fmax(largest, fabs(t->at[i]));
        powers |= decimals < 0 && !a->n_words && (t->at[i] < 0.9e-3 || t->at[i] > 1.1e4);
    }
    for (size_t i = 0; i < t->n; i++) {
        if (a->n_words) {
            char *word = enhanced(a->word[i]);
            snprintf(t->text[i], sizeof t->text[i], "%s", word ? word : "");
            free(word);
        } else {
            tick_text(t->at[i], decimals, largest, powers, t->text[i], sizeof t->text[i]);
        }
        size_t n = shown_length(t->text[i]);
        t->longest = n > t->longest ? n : t->longest;
    }
}

static void put_ticks(qn_buffer *b, const char *axis, const char *how, const ticks *t, const qn_fig_axis *a)
{
    qn_buffer_add(b, "set %stics %s (", axis, how);
    for (size_t i = 0; i < t->n; i++)
        qn_buffer_add(b, "%s'%s' %.15g", i ? ", " : "", t->text[i], t->at[i]);
    if (a->log && t->n > 1) /* small marks at 2, 3, ... 9 */
        for (int e = (int)floor(log10(a->lo)); e <= (int)ceil(log10(a->hi)) && a->hi / a->lo < 1e7; e++)
            for (int k = 2; k < 10; k++) {
                double v = k * pow(10, e);
                if (v > a->lo && v < a->hi)
                    qn_buffer_add(b, ", '' %.15g 1", v);
            }
    qn_buffer_add(b, ")\n");
}

static void rgb_text(const qn_colour *c, char out[8])
{
    snprintf(out, 8, "#%02x%02x%02x", (unsigned)lround(255 * c->rgb[0]), (unsigned)lround(255 * c->rgb[1]), (unsigned)lround(255 * c->rgb[2]));
}

static void shade_text(const drawing *d, double shade, char out[8])
{
    if (isfinite(shade))
        rgb_text(&d->colour[lround(fmin(fmax(shade, 0), 1) * (STOPS - 1))], out);
    else
        snprintf(out, 8, "#000000");
}

/* ---- key --------------------------------------------------------------------------------------------------------------- */

/* An entry of that look; takes the title. */
static void add_key(drawing *d, char *title, entry look)
{
    entry *more = title ? realloc(d->key, (d->n_key + 1) * sizeof *more) : NULL;
    if (!more) {
        free(title);
        d->failed = true;
        return;
    }
    look.title = title;
    d->key = more;
    d->key[d->n_key++] = look;
}

static double text_mm(const layout *l, size_t characters)
{
    return (double)characters * CHAR_EM * l->em;
}

/* ---- cells of a map -------------------------------------------------------------------------------------------------------- */

static double unplace(const qn_fig_axis *a, double p)
{
    return a->log ? a->lo * pow(a->hi / a->lo, p) : a->lo + p * (a->hi - a->lo);
}

/* Each cell reaches a little (a dot or two of print) under its right and upper neighbour, which is drawn later: no seams where edges
 * are smoothed.  `mm`: length of the axis. */
static double reach(const qn_fig_axis *a, size_t i, bool neighbour, double mm)
{
    double end = a->edge[i + 1];
    if (!neighbour)
        return end;
    double from = qn_fig_place(a, end), next = qn_fig_place(a, a->edge[i + 2]);
    return unplace(a, from + fmin(0.3 * (next - from), 0.12 / mm));
}

static void put_cells(drawing *d)
{
    const qn_figure *f = d->f;
    size_t ny = f->y.n, missing = 0;
    for (int blank = 0; blank < 2; blank++) {
        qn_buffer_add(&d->data, blank ? "$missing << EOD\n" : "# centre, left, right; centre, lower, upper end of each cell; value\n$cells << EOD\n");
        for (size_t i = 0; i < f->x.n; i++)
            for (size_t k = 0; k < ny; k++) {
                bool absent = !isfinite(f->cell[i * ny + k]);
                if (absent != blank)
                    continue;
                bool right = i + 1 < f->x.n && isfinite(f->cell[(i + 1) * ny + k]) != blank, up = k + 1 < ny && isfinite(f->cell[i * ny + k + 1]) != blank;
                qn_buffer_add(&d->data, "%.10g %.10g %.10g %.10g %.10g %.10g %.10g\n", f->x.at[i], f->x.edge[i], reach(&f->x, i, right, d->l.right - d->l.left), f->y.at[k], f->y.edge[k],
                              reach(&f->y, k, up, d->l.top - d->l.bottom), absent ? 0 : f->cell[i * ny + k]);
                missing += absent;
            }
        qn_buffer_add(&d->data, "EOD\n");
    }
    if (missing) {
        qn_buffer_add(&d->plot, "$missing using 1:4:2:3:5:6 with boxxyerror fs solid noborder lc rgb '#dddddd', \\\n    ");
        add_key(d, strdup("no value"), (entry){.kind = BOX, .colour = "#dddddd"});
    }
    qn_buffer_add(&d->plot, "$cells using 1:4:2:3:5:6:7 with boxxyerror fs solid noborder lc palette");
}

/* Hatching: lines at 45 degrees that run on from cell to cell, light on dark cells and dark on light ones. */
static void put_hatches(drawing *d)
{
    const qn_figure *f = d->f;
    const layout *l = &d->l;
    double w = l->right - l->left, h = l->top - l->bottom;
    size_t ny = f->y.n, hatched = 0, lines[2] = {0};
    for (size_t light = 0; light < 2; light++) {
        qn_buffer_add(&d->data, light ? "$hatch_light << EOD\n" : "$hatch_dark << EOD\n");
        for (size_t c = 0; c < f->x.n * ny; c++) {
            size_t i = c / ny, k = c % ny;
            if (f->cell_eq[c] || !isfinite(f->cell[c]))
                continue;
            double shade = fmin(fmax(qn_fig_place(&f->value, f->cell[c]), 0), 1);
            hatched++;
            if ((d->colour[lround(shade * (STOPS - 1))].lightness < 55) != light)
                continue;
            double u0 = w * qn_fig_place(&f->x, f->x.edge[i]), u1 = w * qn_fig_place(&f->x, f->x.edge[i + 1]);
            double v0 = h * qn_fig_place(&f->y, f->y.edge[k]), v1 = h * qn_fig_place(&f->y, f->y.edge[k + 1]);
            size_t before = lines[light];
            for (double j = ceil((u0 - v1) / HATCH_MM); j * HATCH_MM < u1 - v0; j++) { /* the line u - v = j HATCH_MM */
                double from = fmax(u0, v0 + j * HATCH_MM), to = fmin(u1, v1 + j * HATCH_MM);
                if (to - from < 0.2 * fmin(fmin(u1 - u0, v1 - v0), HATCH_MM))
                    continue;
                qn_buffer_add(&d->data, "%.10g %.10g\n%.10g %.10g\n\n", unplace(&f->x, from / w), unplace(&f->y, (from - j * HATCH_MM) / h), unplace(&f->x, to / w),
                              unplace(&f->y, (to - j * HATCH_MM) / h));
                lines[light]++;
            }
            if (lines[light] == before) { /* a cell between the lines has its own */
                double s = fmin(u1 - u0, v1 - v0) / 2, u = (u0 + u1) / 2, v = (v0 + v1) / 2;
                qn_buffer_add(&d->data, "%.10g %.10g\n%.10g %.10g\n\n", unplace(&f->x, (u - s) / w), unplace(&f->y, (v - s) / h), unplace(&f->x, (u + s) / w),
                              unplace(&f->y, (v + s) / h));
                lines[light]++;
            }
        }
        qn_buffer_add(&d->data, "EOD\n");
        if (lines[light])
            qn_buffer_add(&d->plot, ", \\\n    %s using 1:2 with lines lw 0.5 lc rgb '%s'", light ? "$hatch_light" : "$hatch_dark", light ? "#ffffff" : "#000000");
    }
    if (hatched)
        add_key(d, strdup("not equilibrated"), (entry){.kind = HATCHED, .colour = "#000000"});
}

/* ---- series ---------------------------------------------------------------------------------------------------------------- */

static void number_text(double v, char out[32])
{
    if (isfinite(v))
        snprintf(out, 32, "%.10g", v);
    else
        snprintf(out, 32, "NaN");
}

static void put_series_data(drawing *d, size_t i)
{
    const qn_fig_series *s = &d->f->series[i];
    qn_buffer_add(&d->data, "# x, y, ends of the bar, equilibrated\n$s%zu << EOD\n", i + 1);
    for (size_t k = 0; k < s->n; k++) {
        char x[32], y[32], lo[32], hi[32];
        double centre = s->bars_along_x ? s->x[k] : s->y[k];
        number_text(s->x[k], x);
        number_text(s->y[k], y);
        number_text(isfinite(s->lo[k]) ? s->lo[k] : centre, lo);
        number_text(isfinite(s->hi[k]) ? s->hi[k] : centre, hi);
        if (isfinite(s->x[k]) && isfinite(s->y[k]))
            qn_buffer_add(&d->data, "%s %s %s %s %d\n", x, y, lo, hi, s->eq[k]);
        else
            qn_buffer_add(&d->data, "\n"); /* a gap */
    }
    qn_buffer_add(&d->data, "EOD\n");
}

static const char *dash(size_t k)
{
    static const char *const kind[] = {"solid", "(8,4)", "(2,3)", "(10,3,2,3)", "(14,4)"};
    return kind[k % (sizeof kind / sizeof *kind)];
}

static entry look_of(sample kind, const char *colour, double width, const char *dashes, int point)
{
    entry e = {.kind = kind, .width = width, .dash = dashes, .point = point};
    snprintf(e.colour, sizeof e.colour, "%s", colour);
    return e;
}

/* Lines across a map: coloured core on a white edge, each with its own dash. */
static void put_boundaries(drawing *d)
{
    static const char *const core[] = {"#000000", "#c8102e"};
    for (size_t i = 0; i < d->f->n_series; i++) {
        const qn_fig_series *s = &d->f->series[i];
        const char *colour = core[i % 2], *bars = s->bars_along_x ? "3:2:($4-$3):(0)" : "1:3:(0):($4-$3)";
        char *title = enhanced(s->label ? s->label : "boundary");
        put_series_data(d, i);
        if (s->form == QN_FIG_THEORY) {
            qn_buffer_add(&d->plot, ", \\\n    $s%zu using 1:2 with lines lw 2.6 lc rgb '#ffffff', $s%zu using 1:2 with lines lw 1.3 dt %s lc rgb '%s'", i + 1, i + 1, dash(i), colour);
            add_key(d, title, look_of(LINE, colour, 1.3, dash(i), 0));
            continue;
        }
        for (int edge = 1; edge >= 0; edge--)
            qn_buffer_add(&d->plot, ", \\\n    $s%zu using %s with vectors nohead lw %g lc rgb '%s', $s%zu using 1:2 with points pt 7 ps %g lc rgb '%s'", i + 1, bars, edge ? 2.4 : 1,
                          edge ? "#ffffff" : colour, i + 1, edge ? 0.75 : 0.5, edge ? "#ffffff" : colour);
        add_key(d, title, look_of(POINT, colour, 1, "solid", 7));
    }
}

/* Place in the palette of a series without `by`: files in order. */
static double file_shade(const qn_figure *f, size_t file)
{
    size_t before = 0;
    if (f->n_files < 2)
        return 0.36;
    for (size_t i = 0; i < file; i++)
        before += f->file_label[i] != NULL;
    return QN_FIG_LIGHTEST * (double)before / (double)(f->n_files - 1);
}

static const struct {
    int full, open;
} marker[] = {{7, 6}, {5, 4}, {9, 8}, {13, 12}, {11, 10}, {15, 14}};
#define N_MARKERS (sizeof marker / sizeof *marker)

#define POINT_SIZE 0.47 /* 1 mm */

static void put_points(drawing *d, size_t i, const char *colour, bool joined)
{
    const qn_fig_series *s = &d->f->series[i];
    int full = marker[s->file % N_MARKERS].full, hollow = marker[s->file % N_MARKERS].open;
    bool bars = false, drifting = false;
    qn_buffer *p = &d->plot;
    for (size_t k = 0; k < s->n; k++) {
        bars |= isfinite(s->lo[k]);
        drifting |= !s->eq[k];
    }
    if (s->form == QN_FIG_CURVE && s->n >= BAND_FROM) {
        if (bars)
            qn_buffer_add(p, ", \\\n    $s%zu using 1:3:4 with filledcurves fs transparent solid 0.25 noborder lc rgb '%s'", i + 1, colour);
        qn_buffer_add(p, ", \\\n    $s%zu using 1:2 with lines lw 1 lc rgb '%s'", i + 1, colour);
        return;
    }
    if (joined)
        qn_buffer_add(p, ", \\\n    $s%zu using 1:2 with lines lw 0.5 lc rgb '%s'", i + 1, colour);
    if (bars) /* gnuplot's own error bars blank what lies around each point */
        qn_buffer_add(p, ", \\\n    $s%zu using 1:3:(0):($4-$3) with vectors nohead lw 0.8 lc rgb '%s'", i + 1, colour);
    qn_buffer_add(p, ", \\\n    $s%zu using 1:($5 == 1 ? $2 : NaN) with points pt %d ps %g lc rgb '%s'", i + 1, full, POINT_SIZE, colour);
    if (drifting)
        qn_buffer_add(p, ", \\\n    $s%zu using 1:($5 == 1 ? NaN : $2) with points pt %d ps %g lc rgb '#ffffff', $s%zu using 1:($5 == 1 ? NaN : $2) with points lw 0.8 pt %d ps %g lc rgb '%s'",
                      i + 1, full, POINT_SIZE, i + 1, hollow, POINT_SIZE, colour);
}

/* Dash of a theory line or mark: one for each that the key names. */
static const char *own_dash(const qn_figure *f, size_t i)
{
    size_t named = 0;
    for (size_t k = 0; k <= i; k++)
        named += f->series[k].form == f->series[i].form && f->series[k].label;
    return f->series[i].form == QN_FIG_MARK ? dash(named + 1) : f->series[i].file == 0 ? "solid" : dash(named ? named - 1 : 0);
}

static bool named_by(const qn_figure *f) /* each value of `by` has an entry in the key */
{
    return f->by.n > 1 && (f->by.n <= QN_FIG_NAMED || f->by.n_words);
}

static bool measured(const qn_fig_series *s)
{
    return s->form == QN_FIG_POINTS || s->form == QN_FIG_CURVE;
}

/* Black, a little different for each series: gnuplot's svg drops a change of dash between lines of one colour. */
static void black(size_t i, char out[8])
{
    unsigned level = (unsigned)(i % 24);
    snprintf(out, 8, "#%02x%02x%02x", level, level, level);
}

static void series_colour(const drawing *d, size_t i, char out[8])
{
    const qn_fig_series *s = &d->f->series[i];
    if (!measured(s) && isnan(s->shade)) {
        black(i, out);
        return;
    }
    shade_text(d, measured(s) && d->f->by.n < 2 ? file_shade(d->f, s->file) : s->shade, out);
}

static void put_lines_key(drawing *d)
{
    const qn_figure *f = d->f;
    bool open = false;
    char colour[8];
    for (size_t i = 0; i < f->n_series; i++) {
        const qn_fig_series *s = &f->series[i];
        bool band = s->form == QN_FIG_CURVE && s->n >= BAND_FROM;
        if (!measured(s))
            continue;
        for (size_t k = 0; k < s->n && !band; k++)
            open |= !s->eq[k];
        series_colour(d, i, colour);
        if (s->label && (f->by.n < 2 || named_by(f)))
            add_key(d, enhanced(s->label), look_of(band ? LINE : s->form == QN_FIG_CURVE ? LINE_AND_POINT : POINT, colour, band ? 1 : 0.6, "solid", marker[s->file % N_MARKERS].full));
    }
    for (size_t i = 0; f->by.n > 1 && f->n_files > 1 && i < f->n_sources; i++)
        if (f->file_label[i])
            add_key(d, enhanced(f->file_label[i]), look_of(POINT, "#555555", 1, "solid", marker[i % N_MARKERS].full));
    if (open)
        add_key(d, strdup("not equilibrated"), look_of(POINT, "#555555", 0.8, "solid", 6));
    for (size_t k = 0; k < 2 * f->n_series; k++) { /* theory, then marks */
        size_t i = k % f->n_series;
        const qn_fig_series *s = &f->series[i];
        bool own = s->file == 0 && f->by.n > 1; /* a theory file's own curves have the colours of `by` */
        if (own)
            series_colour(d, i, colour);
        else
            black(i, colour);
        if (s->form == (k < f->n_series ? QN_FIG_THEORY : QN_FIG_MARK) && s->label && !(own && !named_by(f)))
            add_key(d, enhanced(s->label), look_of(LINE, colour, s->form == QN_FIG_MARK ? 0.8 : 1, own_dash(f, i), 0));
    }
}

static void put_lines(drawing *d)
{
    const qn_figure *f = d->f;
    bool theory = false;
    char colour[8];
    qn_buffer_add(&d->plot, f->by.n > 1 && !named_by(f) ? "NaN with points lc palette" : "NaN"); /* the colour bar wants a user of the palette */
    for (size_t i = 0; i < f->n_series; i++) { /* theory below, points above */
        const qn_fig_series *s = &f->series[i];
        series_colour(d, i, colour);
        theory |= s->form == QN_FIG_THEORY;
        if (s->form == QN_FIG_MARK) {
            qn_buffer_add(&d->data, "set arrow from first %.10g, graph 0 to first %.10g, graph 1 nohead back lw 0.8 dt %s lc rgb '%s'\n", s->x[0], s->x[0], own_dash(f, i), colour);
            continue;
        }
        put_series_data(d, i);
        if (s->form == QN_FIG_THEORY)
            qn_buffer_add(&d->plot, ", \\\n    $s%zu using 1:2 with lines lw 1 dt %s lc rgb '%s'", i + 1, own_dash(f, i), colour);
    }
    for (size_t i = 0; i < f->n_series; i++)
        if (measured(&f->series[i])) {
            series_colour(d, i, colour);
            put_points(d, i, colour, f->series[i].form == QN_FIG_CURVE || (f->by.n > 1 && !theory));
        }
    put_lines_key(d);
}

/* ---- layout ------------------------------------------------------------------------------------------------------------------ */

static bool has_bar(const qn_figure *f)
{
    return f->map || (f->by.n > QN_FIG_NAMED && !f->by.n_words);
}

static size_t at_least(double n, size_t least)
{
    return n > (double)least ? (size_t)n : least;
}

/* Everything but the key, which comes when its entries are known. */
static void lay_out(drawing *d, const qn_plot_style *style)
{
    const qn_figure *f = d->f;
    layout *l = &d->l;
    const qn_fig_axis *vertical = f->map ? &f->y : &f->value, *bar = f->map ? &f->value : &f->by;
    ticks t;
    *l = (layout){.w = style->page ? 170 : 85, .font = style->page ? 9 : 8};
    l->em = l->font * MM_PER_PT;
    double height = style->page ? 90 : f->map ? 48 : 46;
    l->y_ticks = at_least(height / 7, 3);
    l->bar_ticks = l->y_ticks;
    make_ticks(vertical, l->y_ticks, &t);
    l->left = 1 + 1.3 * l->em + 1 + fmin(text_mm(l, t.longest), l->w / 3) + 1.6;
    l->right = l->w - 3;
    if (has_bar(f)) {
        make_ticks(bar, l->bar_ticks, &t);
        l->right -= 2 + 3 + 1.6 + text_mm(l, t.longest) + 1 + 1.3 * l->em - 2;
        l->bar = l->right + 2;
    }
    double width = l->right - l->left;
    for (l->x_ticks = 10; l->x_ticks > 2; l->x_ticks--) {
        make_ticks(&f->x, l->x_ticks, &t);
        if ((text_mm(l, t.longest) + 1.5 * l->em) * (double)t.n <= width)
            break;
    }
    make_ticks(&f->x, l->x_ticks, &t);
    l->turned = f->x.n_words && (text_mm(l, t.longest) + l->em) * (double)f->x.n_words > width;
    l->bottom = 1 + 1.3 * l->em + (l->turned ? fmin(0.5 * text_mm(l, t.longest), 25) : l->em) + (f->map ? 2.4 : 1.8); /* a map's ticks point outwards */
    l->top = l->bottom + height;
}

#define SAMPLE_MM 6.5

static double entry_mm(const layout *l, const entry *e)
{
    size_t n = shown_length(e->title);
    for (const char *at = e->title; (at = strstr(at, "/:Italic ")); at++)
        n -= 9;
    return SAMPLE_MM + 1.5 + (double)n * (WORD_EM + 0.02) * l->em;
}

/* Rows of entries, as many a row as fit: in columns when that takes no more rows than one after another. */
static void lay_out_key(drawing *d)
{
    layout *l = &d->l;
    double x = 2, widest = 0, gap = 1.4 * l->em, room = l->w - 1.5;
    l->key_rows = d->n_key > 0;
    for (size_t i = 0; i < d->n_key; i++) {
        double width = entry_mm(l, &d->key[i]);
        if (i && x + width > room) {
            l->key_rows++;
            x = 2;
        }
        d->key[i].row = l->key_rows - 1;
        d->key[i].x = x;
        x += width + gap;
        widest = fmax(widest, width);
    }
    size_t columns = at_least((room - 2 + gap) / (widest + gap), 1);
    if (l->key_rows > 1 && (d->n_key + columns - 1) / columns <= l->key_rows) {
        l->key_rows = (d->n_key + columns - 1) / columns;
        columns = (d->n_key + l->key_rows - 1) / l->key_rows;
        for (size_t i = 0; i < d->n_key; i++) {
            d->key[i].row = i / columns;
            d->key[i].x = 2 + (double)(i % columns) * (widest + gap);
        }
    }
    l->h = l->top + 2.2 + (double)l->key_rows * KEY_EM * l->em + (l->key_rows ? 0.8 : 0) + (d->f->title ? 1.6 * l->em : 0);
}

static void put_key(const drawing *d, qn_buffer *b)
{
    const layout *l = &d->l;
    for (size_t i = 0; i < d->n_key; i++) {
        const entry *e = &d->key[i];
        double y = l->top + 1.6 + ((double)(l->key_rows - 1 - e->row) + 0.5) * KEY_EM * l->em, half = 0.3 * l->em;
        double x0 = e->x / l->w, x1 = (e->x + SAMPLE_MM) / l->w, mid = (x0 + x1) / 2, y0 = (y - half) / l->h, y1 = (y + half) / l->h;
        if (e->kind & LINE)
            qn_buffer_add(b, "set arrow from screen %.5f, %.5f to screen %.5f, %.5f nohead front lw %g dt %s lc rgb '%s'\n", x0, y / l->h, x1, y / l->h, e->width, e->dash, e->colour);
        if (e->kind & POINT)
            qn_buffer_add(b, "set label '' at screen %.5f, %.5f point pt %d ps %g lw %g lc rgb '%s' front\n", mid, y / l->h, e->point, POINT_SIZE, e->width, e->colour);
        if (e->kind & BOX)
            qn_buffer_add(b, "set object rectangle from screen %.5f, %.5f to screen %.5f, %.5f fc rgb '%s' fs solid noborder\n", x0, y0, x1, y1, e->colour);
        if (e->kind & HATCHED) {
            qn_buffer_add(b, "set object rectangle from screen %.5f, %.5f to screen %.5f, %.5f fs empty border rgb '%s' lw 0.5\n", x0, y0, x1, y1, e->colour);
            for (double from = 0.4; from + 2 * half < SAMPLE_MM; from += 0.8 * HATCH_MM)
                qn_buffer_add(b, "set arrow from screen %.5f, %.5f to screen %.5f, %.5f nohead front lw 0.5 lc rgb '%s'\n", x0 + from / l->w, y0, x0 + (from + 2 * half) / l->w, y1, e->colour);
        }
        qn_buffer_add(b, "set label '%s' at screen %.5f, %.5f left front\n", e->title, x1 + 1.5 / l->w, y / l->h);
    }
}

/* ---- script -------------------------------------------------------------------------------------------------------------------- */

static void put_label(drawing *d, qn_buffer *b, int number, const qn_fig_axis *a, double room_mm, double x, double y, bool turned)
{
    const layout *l = &d->l;
    char *label = qn_fig_label(a, (size_t)(room_mm / (WORD_EM * l->em))), *text = label ? enhanced(label) : NULL;
    if (!text)
        d->failed = true;
    qn_buffer_add(b, "set label %d '%s' at screen %.5f, %.5f center%s\n", number, text ? text : "", x / l->w, y / l->h, turned ? " rotate by 90" : "");
    free(label);
    free(text);
}

static void put_palette(const drawing *d, qn_buffer *b)
{
    double end = d->f->map ? 1 : QN_FIG_LIGHTEST;
    qn_buffer_add(b, "set palette defined (");
    for (size_t i = 0; i < STOPS; i++) {
        char colour[8];
        shade_text(d, end * (double)i / (STOPS - 1), colour);
        qn_buffer_add(b, "%s%zu '%s'", i ? ", " : "", i, colour);
    }
    qn_buffer_add(b, ")\n");
}

static void put_frame(drawing *d, qn_buffer *b)
{
    const qn_figure *f = d->f;
    const layout *l = &d->l;
    const qn_fig_axis *vertical = f->map ? &f->y : &f->value;
    ticks t;
    qn_buffer_add(b, "set encoding utf8\nset lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.5f\nset tmargin at screen %.5f\n", l->left / l->w, l->right / l->w,
                  l->bottom / l->h, l->top / l->h);
    qn_buffer_add(b, "set border 15 lw 0.6 front\nset datafile missing 'NaN'\n");
    qn_buffer_add(b, "set xrange [%.10g:%.10g] noextend\nset yrange [%.10g:%.10g] noextend\n", f->x.lo, f->x.hi, vertical->lo, vertical->hi);
    if (f->x.log)
        qn_buffer_add(b, "set logscale x\n");
    if (vertical->log)
        qn_buffer_add(b, "set logscale y\n");
    qn_buffer_add(b, "set tics %s nomirror scale 0.6, 0.35\n", f->map ? "out" : "in");
    make_ticks(&f->x, l->x_ticks, &t);
    put_ticks(b, "x", l->turned ? "rotate by 35 right offset 0, graph -0.01" : "offset 0, 0.3", &t, &f->x);
    make_ticks(vertical, l->y_ticks, &t);
    put_ticks(b, "y", "offset 0.4, 0", &t, vertical);
    put_label(d, b, 1, &f->x, l->right - l->left + (l->left - 2), (l->left + l->right) / 2, 1 + 0.5 * l->em, false);
    put_label(d, b, 2, vertical, l->top - l->bottom + 6, 1 + 0.6 * l->em, (l->bottom + l->top) / 2, true);
    if (has_bar(f)) {
        const qn_fig_axis *bar = f->map ? &f->value : &f->by;
        put_palette(d, b);
        qn_buffer_add(b, "set cbrange [%.10g:%.10g] noextend\nset colorbox vertical user origin screen %.5f, %.5f size screen %.5f, %.5f border\n", bar->lo, bar->hi, l->bar / l->w,
                      l->bottom / l->h, 3 / l->w, (l->top - l->bottom) / l->h);
        if (bar->log)
            qn_buffer_add(b, "set logscale cb\n");
        make_ticks(bar, l->bar_ticks, &t);
        put_ticks(b, "cb", "offset -0.6, 0 scale 0.5, 0.3", &t, bar);
        put_label(d, b, 3, bar, l->top - l->bottom + 6, l->w - 1 - 0.6 * l->em, (l->bottom + l->top) / 2, true);
    }
    if (f->title) {
        char *title = enhanced(f->title);
        qn_buffer_add(b, "set label 4 '%s' at screen 0.5, %.5f center\n", title ? title : "", 1 - 0.9 * l->em / l->h);
        free(title);
    }
    qn_buffer_add(b, "unset key\n");
    put_key(d, b); /* its labels take the free numbers */
}

static void put_terminal(const drawing *d, file_type type, const char *output, qn_buffer *b)
{
    const layout *l = &d->l;
    char *path = quoted_path(output);
    if (type == PNG) /* 300 dots an inch */
        qn_buffer_add(b, "set terminal pngcairo enhanced color size %.0f,%.0f font 'Arial,%g' fontscale 3.125 linewidth 4.1667 pointscale 4.1667 background '#ffffff'\n",
                      l->w / 25.4 * 300, l->h / 25.4 * 300, l->font);
    else if (type == SVG) /* 96 units an inch */
        qn_buffer_add(b, "set terminal svg enhanced size %.0f,%.0f fixed font 'Arial,%.4g' linewidth 1.3333 background '#ffffff'\n", l->w / 25.4 * 96, l->h / 25.4 * 96, l->font * 96 / 72);
    else
        qn_buffer_add(b, "set terminal pdfcairo enhanced color size %.3fcm,%.3fcm font 'Arial,%g' fontscale 0.75 linewidth 2 pointscale 1\n", l->w / 10, l->h / 10, l->font);
    qn_buffer_add(b, "set output '%s'\n", path ? path : "");
    free(path);
}

/* Everything after terminal and output. */
static int make_body(drawing *d, const qn_plot_style *style, qn_buffer *body)
{
    qn_palette(STOPS, d->colour);
    lay_out(d, style);
    if (d->f->map) {
        put_cells(d);
        put_hatches(d);
        put_boundaries(d);
    } else {
        put_lines(d);
    }
    lay_out_key(d);
    put_frame(d, body);
    qn_buffer_add(body, "%s\nplot %s", d->data.text ? d->data.text : "", d->plot.text ? d->plot.text : "");
    qn_buffer_add(body, "\n");
    return d->failed || d->data.failed || d->plot.failed || body->failed ? qn_fail(QN_ERR_NOMEM, "out of memory for the figure") : 0;
}

static void drawing_free(drawing *d)
{
    for (size_t i = 0; i < d->n_key; i++)
        free(d->key[i].title);
    free(d->key);
    qn_buffer_free(&d->data);
    qn_buffer_free(&d->plot);
}

/* ---- files ---------------------------------------------------------------------------------------------------------------------- */

static int find_type(const char *output, file_type *out)
{
    static const char *const known[] = {".png", ".svg", ".pdf"};
    size_t n = strlen(output);
    for (size_t i = 0; i < 3; i++)
        if (n > 4 && !strcmp(output + n - 4, known[i]) && output[n - 5] != '/') {
            *out = (file_type)i;
            return 0;
        }
    return qn_fail(QN_ERR_INPUT, "%s: a figure is a .png, .svg or .pdf file", output);
}

int qn_plot_check(const char *output)
{
    file_type type;
    return find_type(output, &type);
}

/* What gnuplot complained of: the line that says "line N: ..." or the last one. */
static void complaint(FILE *f, char *out, size_t room)
{
    char line[512];
    bool found = false;
    out[0] = 0;
    rewind(f);
    while (!found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *at = strstr(line, "line ");
        found = at && strstr(at, ": ") && !strstr(at, "warning");
        if (line[strspn(line, " \t^")])
            snprintf(out, room, "%s", found ? strstr(at, ": ") + 2 : line);
    }
}

static int spawn_gnuplot(FILE *in, FILE *err, int *status)
{
    char *argv[] = {"gnuplot", "-d", NULL};
    posix_spawn_file_actions_t act;
    pid_t pid;
    if (posix_spawn_file_actions_init(&act))
        return ENOMEM;
    posix_spawn_file_actions_adddup2(&act, fileno(in), 0);
    posix_spawn_file_actions_addopen(&act, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&act, fileno(err), 2);
    int code = posix_spawnp(&pid, argv[0], &act, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&act);
    if (code)
        return code;
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Runs a script that writes to `temporary`. */
static int run_gnuplot(const char *script, const char *temporary, const char *output)
{
    static const char missing[] = "gnuplot is not here, so no figure is drawn; install gnuplot-nox (tools/install-deps does), or look with --terminal";
    FILE *in = tmpfile(), *err = tmpfile();
    struct stat st;
    char said[512] = "";
    int status = 0, code = in && err ? 0 : errno, result;
    if (!code) {
        fputs(script, in);
        if (fflush(in) || fseek(in, 0, SEEK_SET))
            code = errno;
    }
    if (code)
        result = qn_fail(QN_ERR_IO, "no temporary file for gnuplot's script: %s", strerror(code));
    else if ((code = spawn_gnuplot(in, err, &status)) == ENOENT || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
        result = qn_fail(QN_ERR_IO, missing);
    else if (code)
        result = qn_fail(QN_ERR_IO, "gnuplot could not be started: %s", strerror(code));
    else {
        complaint(err, said, sizeof said);
        if (strstr(said, "terminal type") || strstr(said, "unknown or ambiguous terminal"))
            result = qn_fail(QN_ERR_IO, "this gnuplot cannot write %s (it has no cairo); install gnuplot-nox, or look with --terminal", strrchr(output, '.'));
        else if (!WIFEXITED(status) || WEXITSTATUS(status) || stat(temporary, &st) || !st.st_size)
            result = qn_fail(QN_ERR_IO, "%s: gnuplot drew nothing%s%s", output, *said ? ": " : "", said);
        else
            result = 0;
    }
    if (in)
        fclose(in);
    if (err)
        fclose(err);
    return result;
}

static int keep_script(const char *path, const char *figure, const drawing *d, file_type type, const char *body)
{
    const char *name = strrchr(figure, '/'), *own = strrchr(path, '/');
    qn_buffer head = {0};
    name = name ? name + 1 : figure;
    own = own ? own + 1 : path;
    put_terminal(d, type, name, &head);
    FILE *f = head.failed ? NULL : fopen(path, "w");
    int err = 0;
    if (!f) {
        err = qn_fail(QN_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    } else {
        fprintf(f, "# `gnuplot %s` in this folder makes %s again\n%s%s", own, name, head.text, body);
        bool bad = ferror(f) != 0;
        if (fclose(f) || bad)
            err = qn_fail(QN_ERR_IO, "%s could not be written: %s", path, strerror(errno));
    }
    qn_buffer_free(&head);
    return err;
}

static int keep_table(const char *path, const qn_figure *f)
{
    FILE *out = fopen(path, "w");
    if (!out)
        return qn_fail(QN_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    int err = qn_figure_table(f, out);
    if (fclose(out) && !err)
        err = qn_fail(QN_ERR_IO, "%s could not be written: %s", path, strerror(errno));
    return err;
}

int qn_plot_write(const qn_figure *f, const char *output, const qn_plot_style *style)
{
    drawing d = {.f = f};
    qn_buffer body = {0}, script = {0};
    file_type type = PNG;
    int err = find_type(output, &type);
    if (err)
        return err;
    size_t stem = strlen(output) - 4;
    char *temporary = qn_format("%s.tmp-%ld", output, (long)getpid());
    char *gp = qn_format("%.*s.gp", (int)stem, output), *csv = qn_format("%.*s.csv", (int)stem, output);
    err = temporary && gp && csv ? make_body(&d, style, &body) : qn_fail(QN_ERR_NOMEM, "out of memory for the figure");
    if (!err) {
        put_terminal(&d, type, temporary, &script);
        qn_buffer_add(&script, "%sset output\n", body.text);
        err = script.failed ? qn_fail(QN_ERR_NOMEM, "out of memory for the figure") : 0;
    }
    FILE *probe = err ? NULL : fopen(temporary, "w"); /* a folder that cannot be written is said in our words */
    if (!err && !probe)
        err = qn_fail(QN_ERR_IO, "%s cannot be written: %s", output, strerror(errno));
    if (probe)
        fclose(probe);
    if (!err)
        err = run_gnuplot(script.text, temporary, output);
    if (!err && rename(temporary, output))
        err = qn_fail(QN_ERR_IO, "%s cannot be written: %s", output, strerror(errno));
    if (err && temporary)
        unlink(temporary);
    if (!err && style->keep)
        err = keep_script(gp, output, &d, type, body.text);
    if (!err && style->keep)
        err = keep_table(csv, f);
    drawing_free(&d);
    qn_buffer_free(&body);
    qn_buffer_free(&script);
    free(temporary);
    free(gp);
    free(csv);
    return err;
}
