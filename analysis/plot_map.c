/* plot_map.c -- a map: its cells, hatching and the lines across it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_drawing.h"

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

static void put_cells(qn_drawing *d)
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
        qn_plot_add_key(d, "no value", (qn_key_entry){.kind = QN_KEY_BOX, .colour = "#dddddd"});
    }
    qn_buffer_add(&d->plot, "$cells using 1:4:2:3:5:6:7 with boxxyerror fs solid noborder lc palette");
}

/* Hatching: lines at 45 degrees that run on from cell to cell, light on dark cells and dark on light ones. */
static void put_hatches(qn_drawing *d)
{
    const qn_figure *f = d->f;
    const qn_plot_layout *l = &d->l;
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
            if ((d->colour[lround(shade * (QN_PLOT_STOPS - 1))].lightness < 55) != light)
                continue;
            double u0 = w * qn_fig_place(&f->x, f->x.edge[i]), u1 = w * qn_fig_place(&f->x, f->x.edge[i + 1]);
            double v0 = h * qn_fig_place(&f->y, f->y.edge[k]), v1 = h * qn_fig_place(&f->y, f->y.edge[k + 1]);
            size_t before = lines[light];
            for (double j = ceil((u0 - v1) / QN_PLOT_HATCH_MM); j * QN_PLOT_HATCH_MM < u1 - v0; j++) { /* the line u - v = j QN_PLOT_HATCH_MM */
                double from = fmax(u0, v0 + j * QN_PLOT_HATCH_MM), to = fmin(u1, v1 + j * QN_PLOT_HATCH_MM);
                if (to - from < 0.2 * fmin(fmin(u1 - u0, v1 - v0), QN_PLOT_HATCH_MM))
                    continue;
                qn_buffer_add(&d->data, "%.10g %.10g\n%.10g %.10g\n\n", unplace(&f->x, from / w), unplace(&f->y, (from - j * QN_PLOT_HATCH_MM) / h), unplace(&f->x, to / w),
                              unplace(&f->y, (to - j * QN_PLOT_HATCH_MM) / h));
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
        qn_plot_add_key(d, "not equilibrated", (qn_key_entry){.kind = QN_KEY_HATCHED, .colour = "#000000"});
}

/* The outline of what lies between the ends of the bars, one for each run of points without a gap. */
static void put_band(qn_drawing *d, size_t i)
{
    const qn_fig_series *s = &d->f->series[i];
    qn_buffer_add(&d->data, "# the band around $s%zu\n$band%zu << EOD\n", i + 1, i + 1);
    for (size_t k = 0; k < s->n;) {
        size_t end = k;
        while (end < s->n && isfinite(s->lo[end]) && isfinite(s->hi[end]) && isfinite(s->x[end]) && isfinite(s->y[end]))
            end++;
        for (size_t j = 0; j < 2 * (end - k) && end > k + 1; j++) {
            size_t at = j < end - k ? k + j : end - 1 - (j - (end - k));
            double ends = j < end - k ? s->lo[at] : s->hi[at];
            qn_buffer_add(&d->data, "%.10g %.10g\n", s->bars_along_x ? ends : s->x[at], s->bars_along_x ? s->y[at] : ends);
        }
        qn_buffer_add(&d->data, "\n");
        k = end > k ? end : k + 1;
    }
    qn_buffer_add(&d->data, "EOD\n");
}

/* Lines across a map: coloured core on a white edge, theory with a dash for each; what was measured as points with a band of one standard error. */
static void put_boundaries(qn_drawing *d)
{
    static const char *const core[] = {"#000000", "#c8102e"};
    for (size_t i = 0; i < d->f->n_series; i++) {
        const qn_fig_series *s = &d->f->series[i];
        const char *colour = core[i % 2], *bars = s->bars_along_x ? "3:2:($4-$3):(0)" : "1:3:(0):($4-$3)";
        const char *title = qn_fig_key(s, qn_plot_key_room(&d->l));
        qn_plot_series(d, i);
        if (s->form == QN_FIG_THEORY) {
            qn_buffer_add(&d->plot, ", \\\n    $s%zu using 1:2 with lines lw 2.6 lc rgb '#ffffff', $s%zu using 1:2 with lines lw 1.3 dt %s lc rgb '%s'", i + 1, i + 1, qn_plot_dash(i), colour);
            qn_plot_add_key(d, title, qn_plot_look(QN_KEY_LINE, colour, 1.3, qn_plot_dash(i), 0));
            continue;
        }
        put_band(d, i);
        qn_buffer_add(&d->plot, ", \\\n    $band%zu using 1:2 with filledcurves closed fs transparent solid 0.6 noborder lc rgb '#ffffff', $s%zu using 1:2 with lines lw 0.8 lc rgb '%s'", i + 1, i + 1, colour);
        for (int edge = 1; edge >= 0; edge--)
            qn_buffer_add(&d->plot, ", \\\n    $s%zu using %s with vectors nohead lw %g lc rgb '%s', $s%zu using 1:2 with points pt 7 ps %g lc rgb '%s'", i + 1, bars, edge ? 2.4 : 1,
                          edge ? "#ffffff" : colour, i + 1, edge ? 0.75 : 0.5, edge ? "#ffffff" : colour);
        qn_plot_add_key(d, title, qn_plot_look(QN_KEY_POINT, colour, 1, "solid", 7));
    }
}

void qn_plot_map(qn_drawing *d)
{
    put_cells(d);
    put_hatches(d);
    put_boundaries(d);
}
