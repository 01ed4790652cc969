/* plot_script.c -- gnuplot's script: frame, labels, key, palette and terminal around what is drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_drawing.h"

static void put_ticks(qn_buffer *b, const char *axis, const char *how, const qn_plot_marks *t, const qn_fig_axis *a)
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

static void put_label(qn_drawing *d, qn_buffer *b, int number, const qn_fig_axis *a, double room_mm, double x, double y, bool turned)
{
    const qn_plot_layout *l = &d->l;
    char *label = qn_fig_label(a, (size_t)(room_mm / (QN_PLOT_WORD_EM * l->em))), *text = label ? qn_plot_text(label) : NULL;
    d->failed |= !text;
    qn_buffer_add(b, "set label %d '%s' at screen %.5f, %.5f center%s\n", number, text ? text : "", x / l->w, y / l->h, turned ? " rotate by 90" : "");
    free(label);
    free(text);
}

static void put_palette(const qn_drawing *d, qn_buffer *b)
{
    double end = d->f->map ? 1 : QN_FIG_LIGHTEST;
    qn_buffer_add(b, "set palette defined (");
    for (size_t i = 0; i < QN_PLOT_STOPS; i++) {
        char colour[8];
        qn_plot_shade(d, end * (double)i / (QN_PLOT_STOPS - 1), colour);
        qn_buffer_add(b, "%s%zu '%s'", i ? ", " : "", i, colour);
    }
    qn_buffer_add(b, ")\n");
}

static void put_key(qn_drawing *d, qn_buffer *b)
{
    const qn_plot_layout *l = &d->l;
    for (size_t i = 0; i < d->n_key; i++) {
        const qn_key_entry *e = &d->key[i];
        double y = l->top + 1.6 + ((double)(l->key_rows - 1 - e->row) + 0.5) * QN_KEY_EM * l->em, half = 0.3 * l->em;
        double x0 = e->x / l->w, x1 = (e->x + QN_KEY_SAMPLE_MM) / l->w, mid = (x0 + x1) / 2, y0 = (y - half) / l->h, y1 = (y + half) / l->h;
        if (e->kind & QN_KEY_LINE)
            qn_buffer_add(b, "set arrow from screen %.5f, %.5f to screen %.5f, %.5f nohead front lw %g dt %s lc rgb '%s'\n", x0, y / l->h, x1, y / l->h, e->width, e->dash, e->colour);
        if (e->kind & QN_KEY_POINT)
            qn_buffer_add(b, "set label '' at screen %.5f, %.5f point pt %d ps %g lw %g lc rgb '%s' front\n", mid, y / l->h, e->point, QN_PLOT_POINT, e->width, e->colour);
        if (e->kind & QN_KEY_BOX)
            qn_buffer_add(b, "set object rectangle from screen %.5f, %.5f to screen %.5f, %.5f fc rgb '%s' fs solid noborder\n", x0, y0, x1, y1, e->colour);
        if (e->kind & QN_KEY_HATCHED) {
            qn_buffer_add(b, "set object rectangle from screen %.5f, %.5f to screen %.5f, %.5f fs empty border rgb '%s' lw 0.5\n", x0, y0, x1, y1, e->colour);
            for (double from = 0.4; from + 2 * half < QN_KEY_SAMPLE_MM; from += 0.8 * QN_PLOT_HATCH_MM)
                qn_buffer_add(b, "set arrow from screen %.5f, %.5f to screen %.5f, %.5f nohead front lw 0.5 lc rgb '%s'\n", x0 + from / l->w, y0, x0 + (from + 2 * half) / l->w, y1, e->colour);
        }
        char *title = qn_plot_text(e->title);
        d->failed |= !title;
        qn_buffer_add(b, "set label '%s' at screen %.5f, %.5f left front\n", title ? title : "", x1 + 1.5 / l->w, y / l->h);
        free(title);
    }
}

static void put_frame(qn_drawing *d, qn_buffer *b)
{
    const qn_figure *f = d->f;
    const qn_plot_layout *l = &d->l;
    const qn_fig_axis *vertical = f->map ? &f->y : &f->value;
    qn_plot_marks t;
    qn_buffer_add(b, "set encoding utf8\nset lmargin at screen %.5f\nset rmargin at screen %.5f\nset bmargin at screen %.5f\nset tmargin at screen %.5f\n", l->left / l->w, l->right / l->w,
                  l->bottom / l->h, l->top / l->h);
    qn_buffer_add(b, "set border 15 lw 0.6 front\nset datafile missing 'NaN'\n");
    qn_buffer_add(b, "set xrange [%.10g:%.10g] noextend\nset yrange [%.10g:%.10g] noextend\n", f->x.lo, f->x.hi, vertical->lo, vertical->hi);
    if (f->x.log)
        qn_buffer_add(b, "set logscale x\n");
    if (vertical->log)
        qn_buffer_add(b, "set logscale y\n");
    qn_buffer_add(b, "set tics %s nomirror scale 0.6, 0.35\n", f->map ? "out" : "in");
    qn_plot_ticks(&f->x, l->x_ticks, &t);
    put_ticks(b, "x", l->turned ? "rotate by 35 right offset 0, graph -0.01" : "offset 0, 0.3", &t, &f->x);
    qn_plot_ticks(vertical, l->y_ticks, &t);
    put_ticks(b, "y", "offset 0.4, 0", &t, vertical);
    put_label(d, b, 1, &f->x, l->right - l->left + (l->left - 2), (l->left + l->right) / 2, 1 + 0.5 * l->em, false);
    put_label(d, b, 2, vertical, l->top - l->bottom + 6, 1 + 0.6 * l->em, (l->bottom + l->top) / 2, true);
    if (qn_plot_has_bar(f)) {
        const qn_fig_axis *bar = f->map ? &f->value : &f->by;
        put_palette(d, b);
        qn_buffer_add(b, "set cbrange [%.10g:%.10g] noextend\nset colorbox vertical user origin screen %.5f, %.5f size screen %.5f, %.5f border\n", bar->lo, bar->hi, l->bar / l->w,
                      l->bottom / l->h, 3 / l->w, (l->top - l->bottom) / l->h);
        if (bar->log)
            qn_buffer_add(b, "set logscale cb\n");
        qn_plot_ticks(bar, l->bar_ticks, &t);
        put_ticks(b, "cb", "offset -0.6, 0 scale 0.5, 0.3", &t, bar);
        put_label(d, b, 3, bar, l->top - l->bottom + 6, l->w - 1 - 0.6 * l->em, (l->bottom + l->top) / 2, true);
    }
    if (f->title) {
        char *title = qn_plot_text(f->title);
        qn_buffer_add(b, "set label 4 '%s' at screen 0.5, %.5f center\n", title ? title : "", 1 - 0.9 * l->em / l->h);
        free(title);
    }
    qn_buffer_add(b, "unset key\n");
    put_key(d, b); /* its labels take the free numbers */
}

int qn_plot_body(qn_drawing *d, const qn_plot_style *style, qn_buffer *body)
{
    qn_palette(QN_PLOT_STOPS, d->colour);
    qn_plot_lay_out(d, style);
    if (d->f->map)
        qn_plot_map(d);
    else
        qn_plot_lines(d);
    qn_plot_lay_out_key(d);
    put_frame(d, body);
    qn_buffer_add(body, "%s\nplot %s", d->data.text ? d->data.text : "", d->plot.text ? d->plot.text : "");
    qn_buffer_add(body, "\n");
    return d->failed || d->data.failed || d->plot.failed || body->failed ? qn_fail(QN_ERR_NOMEM, "out of memory for the figure") : 0;
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

void qn_plot_terminal(const qn_drawing *d, qn_plot_type type, const char *output, qn_buffer *b)
{
    const qn_plot_layout *l = &d->l;
    char *path = quoted_path(output);
    if (type == QN_PLOT_PNG) /* 300 dots an inch */
        qn_buffer_add(b, "set terminal pngcairo enhanced color size %.0f,%.0f font 'Arial,%g' fontscale 3.125 linewidth 4.1667 pointscale 4.1667 background '#ffffff'\n",
                      l->w / 25.4 * 300, l->h / 25.4 * 300, l->font);
    else if (type == QN_PLOT_SVG) /* 96 units an inch */
        qn_buffer_add(b, "set terminal svg enhanced size %.0f,%.0f fixed font 'Arial,%.4g' linewidth 1.3333 background '#ffffff'\n", l->w / 25.4 * 96, l->h / 25.4 * 96, l->font * 96 / 72);
    else
        qn_buffer_add(b, "set terminal pdfcairo enhanced color size %.3fcm,%.3fcm font 'Arial,%g' fontscale 0.75 linewidth 2 pointscale 1\n", l->w / 10, l->h / 10, l->font);
    qn_buffer_add(b, "set output '%s'\n", path ? path : "");
    free(path);
}
