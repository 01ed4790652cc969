/* plot_lines.c -- lines: points with bars, curves and bands, theory, marks, and their entries in the key. */
#include <math.h>
#include <string.h>

#include "plot_drawing.h"

#define BAND_FROM 41 /* a curve of so many points has a band instead of bars */

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

static void put_points(qn_drawing *d, size_t i, const char *colour, bool joined)
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
    qn_buffer_add(p, ", \\\n    $s%zu using 1:($5 == 1 ? $2 : NaN) with points pt %d ps %g lc rgb '%s'", i + 1, full, QN_PLOT_POINT, colour);
    if (drifting)
        qn_buffer_add(p, ", \\\n    $s%zu using 1:($5 == 1 ? NaN : $2) with points pt %d ps %g lc rgb '#ffffff', $s%zu using 1:($5 == 1 ? NaN : $2) with points lw 0.8 pt %d ps %g lc rgb '%s'",
                      i + 1, full, QN_PLOT_POINT, i + 1, hollow, QN_PLOT_POINT, colour);
}

/* Dash of a theory line or mark: one for each that the key names. */
static const char *own_dash(const qn_figure *f, size_t i)
{
    size_t named = 0;
    for (size_t k = 0; k <= i; k++)
        named += f->series[k].form == f->series[i].form && f->series[k].label;
    return f->series[i].form == QN_FIG_MARK ? qn_plot_dash(named + 1) : f->series[i].file == 0 ? "solid" : qn_plot_dash(named ? named - 1 : 0);
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

static void series_colour(const qn_drawing *d, size_t i, char out[8])
{
    const qn_fig_series *s = &d->f->series[i];
    if (!measured(s) && isnan(s->shade)) {
        black(i, out);
        return;
    }
    qn_plot_shade(d, measured(s) && d->f->by.n < 2 ? file_shade(d->f, s->file) : s->shade, out);
}

static void put_lines_key(qn_drawing *d)
{
    const qn_figure *f = d->f;
    size_t room = qn_plot_key_room(&d->l);
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
        if (s->label && !qn_plot_has_bar(f))
            qn_plot_add_key(d, qn_fig_key(s, room), qn_plot_look(band ? QN_KEY_LINE : s->form == QN_FIG_CURVE ? QN_KEY_LINE_AND_POINT : QN_KEY_POINT, colour, band ? 1 : 0.6, "solid", marker[s->file % N_MARKERS].full));
    }
    for (size_t i = 0; f->by.n > 1 && f->n_files > 1 && i < f->n_sources; i++)
        if (f->file_label[i])
            qn_plot_add_key(d, f->file_label[i], qn_plot_look(QN_KEY_POINT, "#555555", 1, "solid", marker[i % N_MARKERS].full));
    if (open)
        qn_plot_add_key(d, "not equilibrated", qn_plot_look(QN_KEY_POINT, "#555555", 0.8, "solid", 6));
    for (size_t k = 0; k < 2 * f->n_series; k++) { /* theory, then marks */
        size_t i = k % f->n_series;
        const qn_fig_series *s = &f->series[i];
        bool own = s->file == 0 && f->by.n > 1; /* a theory file's own curves have the colours of `by` */
        if (own)
            series_colour(d, i, colour);
        else
            black(i, colour);
        if (s->form == (k < f->n_series ? QN_FIG_THEORY : QN_FIG_MARK) && s->label && !(own && qn_plot_has_bar(f)))
            qn_plot_add_key(d, qn_fig_key(s, room), qn_plot_look(QN_KEY_LINE, colour, s->form == QN_FIG_MARK ? 0.8 : 1, own_dash(f, i), 0));
    }
}

void qn_plot_lines(qn_drawing *d)
{
    const qn_figure *f = d->f;
    bool theory = false;
    char colour[8];
    qn_buffer_add(&d->plot, qn_plot_has_bar(f) ? "NaN with points lc palette" : "NaN"); /* the colour bar wants a user of the palette */
    for (size_t i = 0; i < f->n_series; i++) { /* theory below, points above */
        const qn_fig_series *s = &f->series[i];
        series_colour(d, i, colour);
        theory |= s->form == QN_FIG_THEORY;
        if (s->form == QN_FIG_MARK) {
            qn_buffer_add(&d->data, "set arrow from first %.10g, graph 0 to first %.10g, graph 1 nohead back lw 0.8 dt %s lc rgb '%s'\n", s->x[0], s->x[0], own_dash(f, i), colour);
            continue;
        }
        qn_plot_series(d, i);
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
