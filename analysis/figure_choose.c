/* figure_choose.c -- which observable is drawn and along which axes; sentences for what cannot be drawn. */
#include <math.h>
#include <string.h>

#include "figure_build.h"
#include "text.h"

static bool drawable(const qn_dataset *d, const qn_var *v)
{
    return v->type != QN_STR && v->rank && !(v->rank == 1 && !strcmp(v->name, v->dims[0])) && qn_is_observable(d, v);
}

const char *qn_figure_default(const qn_dataset *d)
{
    const qn_var *m = qn_dataset_find(d, "m");
    if (m && drawable(d, m))
        return m->name;
    for (size_t i = 0; i < d->n_vars; i++)
        if (drawable(d, d->vars[i]))
            return d->vars[i]->name;
    return NULL;
}

int qn_fig_find_observable(qn_fig_building *b)
{
    const qn_figure_request *q = b->q;
    const char *name = q->observable ? q->observable : qn_figure_default(q->data);
    if (!name) {
        for (size_t i = 0; i < q->data->n_vars && !name; i++) /* of rank 0 then: said below */
            if (qn_is_observable(q->data, q->data->vars[i]))
                name = q->data->vars[i]->name;
        if (!name)
            return qn_fail(QN_ERR_INPUT, "%s: there is no observable in it, so nothing to draw", q->path);
    }
    b->v = qn_dataset_find(q->data, name); /* also what stands beside an observable, m_tau */
    if (!b->v)
        return qn_observable_find(q->data, name, &b->v);
    if (b->v->type == QN_STR || (b->v->rank == 1 && !strcmp(b->v->name, b->v->dims[0])))
        return qn_fail(QN_ERR_INPUT, "%s is an axis of %s, not an observable; name one of those that `quench show %s` lists", name, q->path, q->path);
    return 0;
}

bool qn_fig_spans(const qn_var *v, const char *dim)
{
    for (size_t d = 0; d < v->rank; d++)
        if (!strcmp(v->dims[d], dim))
            return true;
    return false;
}

static int nothing_to_draw(const qn_fig_building *b)
{
    qn_fig_beside with;
    qn_fig_find_beside(b->q->data, b->v, &with);
    qn_fig_number x = qn_fig_read(&b->sel, b->v, &with, 0);
    char value[96] = "";
    if (isfinite(x.v) && isfinite(x.lo))
        snprintf(value, sizeof value, " (%.6g, %.6g to %.6g)", x.v, x.lo, x.hi);
    else if (isfinite(x.v))
        snprintf(value, sizeof value, " (%.6g)", x.v);
    return qn_fail(QN_ERR_INPUT, "%s: %s is a single number%s, there is nothing to draw; `quench show %s %s` prints it, a figure needs an axis under `sweep:`%s", b->q->path,
                   b->v->name, value, b->q->path, b->v->name, b->q->n_where ? " or fewer --where" : "");
}

static int too_many(const qn_fig_building *b, const size_t *live, size_t n, size_t most)
{
    qn_buffer t = {0};
    const qn_range *free_one = NULL;
    char value[64] = "VALUE";
    for (size_t i = 0; i < n; i++) {
        const qn_range *r = &b->sel.range[live[i]];
        qn_buffer_add(&t, "%s%s (%zu values)", i == 0 ? "" : i + 1 < n ? ", " : " and ", r->name, r->n);
        if (!free_one && live[i] != b->rx && live[i] != b->ry)
            free_one = r;
    }
    if (free_one->coordinate)
        qn_cell_text(free_one->coordinate, free_one->index[0], 6, value, sizeof value);
    int err = qn_fail(QN_ERR_INPUT, "%s lies over %s; a figure shows %zu of them: fix the others, for example --where %s=%s, and choose with --x and --y", b->v->name,
                      t.text ? t.text : "too many axes", most, free_one->name, value);
    qn_buffer_free(&t);
    return err;
}

/* The live range called `name`, or QN_FIG_NONE with a sentence. */
static size_t find_live(const qn_fig_building *b, const size_t *live, size_t n, const char *name, const char *option)
{
    const char *names[QN_MAX_RANK] = {NULL};
    qn_buffer all = {0};
    size_t found = QN_FIG_NONE;
    for (size_t i = 0; i < n; i++) {
        names[i] = b->sel.range[live[i]].name;
        qn_buffer_add(&all, "%s%s", i ? ", " : "", names[i]);
        if (!strcmp(names[i], name))
            found = live[i];
    }
    const char *near = qn_nearest(name, n, names);
    if (found == QN_FIG_NONE && near)
        qn_fail(QN_ERR_INPUT, "%s %s: %s has no axis of that name; did you mean '%s'?", option, name, b->v->name, near);
    else if (found == QN_FIG_NONE)
        qn_fail(QN_ERR_INPUT, "%s %s: %s has no axis of that name with more than one value; it has: %s", option, name, b->v->name, all.text ? all.text : "none");
    qn_buffer_free(&all);
    return found;
}

/* The live range along which v runs: the one that it names (attribute `along`), else that along which it changes most, seen from the first row;
 * QN_FIG_NONE when along none. */
static size_t varies_along(const qn_fig_building *b, const qn_var *v, const size_t *live, size_t n)
{
    size_t best = QN_FIG_NONE, first, last;
    double most = 0;
    const char *named = qn_attr_text(b->q->data, v, "along");
    for (size_t i = 0; i < n; i++) {
        if (named && !strcmp(named, b->sel.range[live[i]].name))
            return live[i];
        size_t row = b->sel.range[live[i]].n - 1;
        for (size_t r = live[i] + 1; r < b->sel.n; r++)
            row *= b->sel.range[r].n;
        if (!qn_selection_place(&b->sel, v, 0, &first) || !qn_selection_place(&b->sel, v, row, &last))
            continue;
        double change = fabs(qn_var_number(v, last) - qn_var_number(v, first));
        if (change > most) {
            most = change;
            best = live[i];
        }
    }
    return best;
}

int qn_fig_choose_axes(qn_fig_building *b)
{
    const qn_figure_request *q = b->q;
    size_t live[QN_MAX_RANK], n = 0, n_own = 0, own = QN_FIG_NONE;
    for (size_t r = 0; r < b->sel.n; r++) {
        if (!qn_fig_spans(b->v, b->sel.range[r].name))
            b->sel.range[r].n = 1; /* an axis on which this variable does not depend */
        else if (b->sel.range[r].n > 1)
            live[n++] = r;
    }
    for (size_t i = 0; i < n; i++)
        if (live[i] >= b->sel.n_axes && !n_own++)
            own = live[i];
    if (!n)
        return nothing_to_draw(b);
    if (q->y && (q->lines || n == 1))
        return qn_fail(QN_ERR_INPUT, "--y %s: %s", q->y, q->lines ? "with --lines the vertical axis is the observable; --x chooses the horizontal one" : "a map needs two axes with more than one value");
    b->f->map = q->y || (n == 2 && n_own != 1 && !q->lines); /* a matrix of its own dimensions is a map too */
    const qn_var *aux = q->x && !b->f->map ? qn_dataset_find(q->data, q->x) : NULL;
    if (aux && aux->rank && aux->type != QN_STR && !(aux->rank == 1 && !strcmp(aux->name, aux->dims[0]))) {
        b->rx = varies_along(b, aux, live, n);
        for (size_t d = 0; d < aux->rank; d++)
            if (!qn_fig_spans(b->v, aux->dims[d]))
                b->rx = QN_FIG_NONE;
        if (b->rx == QN_FIG_NONE)
            return qn_fail(QN_ERR_INPUT, "--x %s: it does not vary along an axis of %s", q->x, b->v->name);
        b->aux = aux;
    } else if (q->x && (b->rx = find_live(b, live, n, q->x, "--x")) == QN_FIG_NONE) {
        return QN_ERR_INPUT;
    }
    if (q->y && (b->ry = find_live(b, live, n, q->y, "--y")) == QN_FIG_NONE)
        return QN_ERR_INPUT;
    if (b->rx != QN_FIG_NONE && b->rx == b->ry)
        return qn_fail(QN_ERR_INPUT, "--x and --y name the same axis, %s", q->x);
    if (n > 2)
        return too_many(b, live, n, 2);
    if (b->f->map) {
        if (b->ry == QN_FIG_NONE)
            b->ry = b->rx == live[1] ? live[0] : live[1];
        b->rx = b->ry == live[1] ? live[0] : live[1];
    } else {
        if (b->rx == QN_FIG_NONE)
            b->rx = own != QN_FIG_NONE ? own : live[n - 1];
        b->rb = n < 2 ? QN_FIG_NONE : b->rx == live[1] ? live[0] : live[1];
    }
    return 0;
}
