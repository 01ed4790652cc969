/* figure_lines.c -- points, curves and theory over one axis, one line for each value of another. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure_build.h"
#include "text.h"

#define SAME 1e-9 /* relative difference up to which two values of an axis are the same */

/* ---- values of the axis with a line each ------------------------------------------------------------------------- */

size_t qn_fig_match_by(const qn_fig_axis *by, const char *text)
{
    double x;
    bool numeric = !qn_parse_real(text, &x);
    for (size_t k = 0; k < by->n; k++)
        if (by->n_words ? !strcmp(by->word[k], text) : numeric && fabs(by->at[k] - x) <= SAME * fmax(fabs(x), fabs(by->at[k])))
            return k;
    return QN_FIG_NONE;
}

void qn_fig_range_text(const qn_range *r, size_t k, char *out, size_t room)
{
    if (!r->coordinate)
        snprintf(out, room, "%zu", r->index[k]);
    else if (qn_fig_has_words(r->coordinate))
        qn_fig_word(r->coordinate, r->index[k], out, room);
    else
        qn_cell_text(r->coordinate, r->index[k], 17, out, room);
}

double qn_fig_shade_of(const qn_fig_axis *by, size_t k)
{
    if (by->n < 2 || k == QN_FIG_NONE)
        return NAN;
    if (by->n > QN_FIG_NAMED && !by->n_words)
        return QN_FIG_LIGHTEST * qn_fig_place(by, by->at[k]); /* explained by a colour bar, which is cut at the same place */
    return QN_FIG_LIGHTEST * (double)k / (double)(by->n - 1);
}

static int describe_by(qn_fig_building *b)
{
    const qn_range *r = &b->sel.range[b->rb];
    qn_fig_axis *by = &b->f->by;
    int err = qn_fig_describe(by, r->name, b->q->data, r->coordinate);
    if (!err && qn_fig_has_words(r->coordinate))
        err = qn_fig_take_words(by, r);
    by->at = calloc(r->n, sizeof *by->at);
    if (!err && !by->at)
        err = qn_fig_no_memory();
    if (err)
        return err;
    by->n = r->n;
    by->lo = by->hi = NAN;
    for (size_t k = 0; k < r->n; k++) {
        by->at[k] = by->n_words ? (double)k : r->coordinate ? qn_var_number(r->coordinate, r->index[k]) : (double)r->index[k];
        by->log &= by->at[k] > 0;
    }
    for (size_t k = 0; k < r->n; k++)
        qn_fig_widen(by, by->at[k]);
    return 0;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

size_t qn_fig_find_range(const qn_selection *s, const char *name)
{
    for (size_t r = 0; name && r < s->n; r++)
        if (!strcmp(s->range[r].name, name))
            return r;
    return QN_FIG_NONE;
}

/* "T = 0.3 K" with the symbol marked. */
static char *value_label(const qn_fig_axis *a, const char *value)
{
    return a->symbol ? qn_format("\1%s\2 = %s%s%s", a->symbol, value, a->unit ? " " : "", a->unit ? a->unit : "")
                     : qn_format("%s = %s%s%s", a->name, value, a->unit ? " " : "", a->unit ? a->unit : "");
}

/* One series out of v: the rows at the k-th value of range rb (all rows when rb is QN_FIG_NONE). */
static int extract(qn_fig_building *b, const qn_dataset *d, const qn_var *v, const qn_selection *s, size_t rx, size_t rb, size_t k, const qn_var *aux, size_t file,
                   qn_fig_series **out)
{
    qn_fig_beside with;
    size_t rows = qn_selection_rows(s), place;
    qn_fig_form form = qn_fig_is_theory(d, v) ? QN_FIG_THEORY : rx >= s->n_axes ? QN_FIG_CURVE : QN_FIG_POINTS;
    int err = qn_fig_add_series(b->f, form, rows, out);
    qn_fig_find_beside(d, v, &with);
    for (size_t row = 0; row < rows && !err; row++) {
        if (rb != QN_FIG_NONE && qn_selection_index(s, row, rb) != s->range[rb].index[k])
            continue;
        qn_fig_number y = qn_fig_read(s, v, &with, row);
        double x = !aux ? qn_fig_position(s, rx, row, &b->f->x) : qn_selection_place(s, aux, row, &place) ? qn_var_number(aux, place) : NAN;
        if (isfinite(x) && isfinite(y.v))
            qn_fig_put(*out, x, y);
    }
    if (!err)
        (*out)->file = file;
    return err;
}

int qn_fig_add_lines(qn_fig_building *b, const qn_dataset *d, const qn_var *v, const qn_selection *s, size_t file, size_t *added)
{
    qn_figure *f = b->f;
    const char *by = b->rb == QN_FIG_NONE ? NULL : f->by.name;
    const char *path = qn_fig_path(b->q, file);
    size_t rx = qn_fig_find_range(s, b->sel.range[b->rx].name), rb = qn_fig_find_range(s, by), unmatched = 0;
    const qn_var *aux = b->aux ? qn_dataset_find(d, b->aux->name) : NULL;
    if (rx == QN_FIG_NONE || !qn_fig_spans(v, s->range[rx].name) || (b->aux && !aux && !qn_fig_is_theory(d, v))) {
        qn_fig_note(b, qn_format("%s of %s is left out: it has no axis %s", v->name, path, b->aux ? b->aux->name : b->sel.range[b->rx].name));
        return 0;
    }
    size_t n = rb == QN_FIG_NONE || !qn_fig_spans(v, by) ? 1 : s->range[rb].n;
    for (size_t k = 0; k < n; k++) {
        qn_fig_series *one;
        size_t which = QN_FIG_NONE;
        char text[128] = "";
        if (by && rb != QN_FIG_NONE)
            qn_fig_range_text(&s->range[rb], k, text, sizeof text);
        else if (by && qn_fig_fixed_value(d, by))
            snprintf(text, sizeof text, "%s", qn_fig_fixed_value(d, by));
        if (*text && (which = qn_fig_match_by(&f->by, text)) == QN_FIG_NONE) {
            unmatched++;
            continue;
        }
        int err = extract(b, d, v, s, rx, n > 1 ? rb : QN_FIG_NONE, k, aux, file, &one);
        if (err)
            return err;
        if (!one->n) {
            qn_fig_drop_series(f);
            continue;
        }
        one->shade = qn_fig_shade_of(&f->by, which);
        ++*added;
        if (file || which == QN_FIG_NONE)
            continue;
        if (s->range[rb].coordinate && !f->by.n_words) /* the number as people write it */
            qn_cell_text(s->range[rb].coordinate, s->range[rb].index[k], 6, text, sizeof text);
        one->label = value_label(&f->by, text);
        if (!one->label)
            return qn_fig_no_memory();
    }
    if (unmatched)
        qn_fig_note(b, qn_format("%zu of %zu curves of %s are left out: the figure has no such value of %s", unmatched, n, path, by));
    return 0;
}

static int describe_x(qn_fig_building *b)
{
    qn_fig_axis *x = &b->f->x;
    const qn_range *r = &b->sel.range[b->rx];
    const qn_var *c = b->aux ? b->aux : r->coordinate;
    int err;
    if (c) {
        err = qn_fig_describe(x, b->aux ? b->aux->name : r->name, b->q->data, c);
        if (!err && qn_fig_has_words(r->coordinate) && !b->aux)
            err = qn_fig_take_words(x, r);
    } else {
        char name[128];
        snprintf(name, sizeof name, "%s_value", r->name);
        const qn_var *each = qn_dataset_find(b->q->data, name);
        err = qn_fig_describe(x, r->name, b->q->data, each);
    }
    return err;
}

int qn_fig_build_lines(qn_fig_building *b)
{
    size_t added = 0;
    int err = describe_x(b);
    if (!err && b->rb != QN_FIG_NONE)
        err = describe_by(b);
    if (!err)
        err = qn_fig_add_lines(b, b->q->data, b->v, &b->sel, 0, &added);
    if (!err && !added)
        err = qn_fail(QN_ERR_INPUT, "%s: %s has no value at any of the points asked for", b->q->path, b->v->name);
    return err;
}

/* ---- spans ------------------------------------------------------------------------------------------------------- */

/* A logarithmic time grid asks for a logarithmic axis. */
static void guess_log(qn_fig_building *b)
{
    qn_figure *f = b->f;
    if (b->rx >= b->sel.n_axes && !b->aux && !f->x.n_words)
        for (size_t i = 0; i < f->n_series && !f->x.log; i++)
            f->x.log = qn_fig_looks_log(f->series[i].n, f->series[i].x);
    for (size_t i = 0; i < f->n_series; i++)
        for (size_t k = 0; k < f->series[i].n; k++)
            if (f->series[i].form != QN_FIG_MARK)
                f->x.log &= f->series[i].x[k] > 0 || f->series[i].form == QN_FIG_THEORY;
}

/* What the horizontal axis spans: the measured points; theory reaches as far as they do. */
static void span_x(qn_figure *f)
{
    qn_fig_axis *x = &f->x;
    x->lo = x->hi = NAN;
    for (int theory = 0; theory < 2 && !(x->lo <= x->hi); theory++)
        for (size_t i = 0; i < f->n_series; i++) {
            const qn_fig_series *s = &f->series[i];
            for (size_t k = 0; k < s->n && s->form != QN_FIG_MARK && (s->form == QN_FIG_THEORY) == theory; k++)
                qn_fig_widen(x, s->x[k]);
        }
    if (!x->n_words) {
        qn_fig_pad(x, 0.03);
        return;
    }
    x->lo = -0.5;
    x->hi = (double)x->n_words - 0.5;
}

static void span_value(qn_figure *f)
{
    qn_fig_axis *v = &f->value;
    v->lo = v->hi = NAN;
    for (size_t i = 0; i < f->n_series; i++) {
        const qn_fig_series *s = &f->series[i];
        for (size_t k = 0; k < s->n && s->form != QN_FIG_MARK; k++) {
            if (s->x[k] < f->x.lo || s->x[k] > f->x.hi)
                continue;
            qn_fig_widen(v, s->y[k]);
            qn_fig_widen(v, s->lo[k]);
            qn_fig_widen(v, s->hi[k]);
        }
    }
    qn_fig_pad(v, 0.05);
}

/* Marks beyond the measured points would stand in the key only.  The first mark of a quantity has its name: it goes on to the next. */
static void drop_marks_outside(qn_figure *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n_series; i++) {
        qn_fig_series *s = &f->series[i], *next = i + 1 < f->n_series ? s + 1 : NULL;
        if (s->form != QN_FIG_MARK || (s->n && s->x[0] >= f->x.lo && s->x[0] <= f->x.hi)) {
            f->series[kept++] = *s;
            continue;
        }
        if (s->label && next && next->form == QN_FIG_MARK && !next->label) {
            next->label = s->label;
            next->brief = s->brief;
            s->label = s->brief = NULL;
        }
        qn_fig_series_free(s);
    }
    f->n_series = kept;
}

void qn_fig_span_lines(qn_fig_building *b)
{
    guess_log(b);
    span_x(b->f);
    drop_marks_outside(b->f);
    span_value(b->f);
}
