/* figure.c -- from results to a figure (figure.h): the whole, out of the parts of figure_*.c. */
#include "figure.h"

#include <stdlib.h>
#include <string.h>

#include "figure_build.h"

int qn_fig_no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the figure");
}

const qn_dataset *qn_fig_data(const qn_figure_request *q, size_t file)
{
    return file ? q->overlay[file - 1].data : q->data;
}

const char *qn_fig_path(const qn_figure_request *q, size_t file)
{
    return file ? q->overlay[file - 1].path : q->path;
}

void qn_fig_note(const qn_fig_building *b, char *line)
{
    if (line && b->q->say)
        b->q->say(b->q->ctx, line);
    free(line);
}

int qn_figure_build(const qn_figure_request *q, qn_figure *out)
{
    qn_fig_building b = {.q = q, .f = out, .rx = QN_FIG_NONE, .ry = QN_FIG_NONE, .rb = QN_FIG_NONE};
    *out = (qn_figure){.n_sources = q->n_overlays + 1};
    int err = qn_fig_find_observable(&b);
    if (!err)
        err = qn_select(q->data, q->where, q->n_where, &b.sel);
    if (err)
        return err;
    err = qn_select_extend(&b.sel, b.v);
    if (!err)
        err = qn_fig_choose_axes(&b);
    if (!err)
        err = qn_fig_describe(&out->value, b.v->name, q->data, b.v);
    out->value.log = q->log;
    if (!err)
        err = qn_fig_copy(q->title, &out->title);
    if (!err)
        err = out->map ? qn_fig_build_map(&b) : qn_fig_build_lines(&b);
    for (size_t file = out->map ? 0 : 1; file <= q->n_overlays && !err; file++) /* a theory file is a map with its own boundaries */
        err = qn_fig_add_overlay(&b, file);
    if (!err && !out->map) {
        qn_fig_span_lines(&b);
        err = qn_fig_name_files(&b);
    }
    qn_selection_free(&b.sel);
    return err;
}

void qn_figure_free(qn_figure *f)
{
    for (size_t i = 0; i < f->n_series; i++)
        qn_fig_series_free(&f->series[i]);
    free(f->series);
    qn_fig_axis_free(&f->x);
    qn_fig_axis_free(&f->y);
    qn_fig_axis_free(&f->value);
    qn_fig_axis_free(&f->by);
    for (size_t i = 0; f->file_label && i < f->n_sources; i++)
        free(f->file_label[i]);
    free(f->file_label);
    free(f->title);
    free(f->cell);
    free(f->cell_lo);
    free(f->cell_hi);
    free(f->cell_eq);
    memset(f, 0, sizeof *f);
}
