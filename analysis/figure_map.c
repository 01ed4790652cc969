/* figure_map.c -- the cells of a map. */
#include <math.h>
#include <stdlib.h>

#include "figure_build.h"

typedef struct placed {
    double at;
    size_t i; /* place among the kept values of the range */
} placed;

static int by_place(const void *a, const void *b)
{
    double x = ((const placed *)a)->at, y = ((const placed *)b)->at;
    return x < y ? -1 : x > y;
}

/* Centres and ends of the cells along range r; order[k]: which kept value is the k-th from the left. */
static int cells_along(const qn_fig_building *b, size_t r, qn_fig_axis *a, size_t **order)
{
    const qn_range *range = &b->sel.range[r];
    int err = qn_fig_describe(a, range->name, b->q->data, range->coordinate);
    if (!err && qn_fig_has_words(range->coordinate))
        err = qn_fig_take_words(a, range);
    placed *p = malloc(range->n * sizeof *p);
    *order = malloc(range->n * sizeof **order);
    a->at = malloc(range->n * sizeof *a->at);
    a->edge = malloc((range->n + 1) * sizeof *a->edge);
    if (!err && (!p || !*order || !a->at || !a->edge))
        err = qn_fig_no_memory();
    for (size_t i = 0; i < range->n && !err; i++)
        p[i] = (placed){a->n_words ? (double)i : range->coordinate ? qn_var_number(range->coordinate, range->index[i]) : (double)range->index[i], i};
    if (!err)
        qsort(p, range->n, sizeof *p, by_place);
    for (size_t i = 0; i < range->n && !err; i++) {
        a->at[i] = p[i].at;
        (*order)[i] = p[i].i;
        if (!isfinite(p[i].at) || (i && p[i].at == p[i - 1].at))
            err = qn_fail(QN_ERR_DATA, "%s: %s has %s", b->q->path, a->name, isfinite(p[i].at) ? "the same value twice" : "a value that is not a number");
    }
    free(p);
    if (err)
        return err;
    a->n = range->n;
    if (!range->coordinate || r >= b->sel.n_axes)
        a->log |= qn_fig_looks_log(a->n, a->at);
    a->log &= a->at[0] > 0;
    qn_fig_edges(a->n, a->at, a->log, a->edge);
    if (a->n_words) {
        a->edge[0] = -0.5; /* categories have no zero to stop at */
        a->edge[a->n] = (double)a->n - 0.5;
    }
    a->lo = a->edge[0];
    a->hi = a->edge[a->n];
    return 0;
}

int qn_fig_build_map(qn_fig_building *b)
{
    qn_figure *f = b->f;
    size_t *along_x = NULL, *along_y = NULL;
    int err = cells_along(b, b->rx, &f->x, &along_x);
    if (!err)
        err = cells_along(b, b->ry, &f->y, &along_y);
    if (!err) {
        size_t n = f->x.n * f->y.n;
        f->cell = malloc(n * sizeof *f->cell);
        f->cell_lo = malloc(n * sizeof *f->cell_lo);
        f->cell_hi = malloc(n * sizeof *f->cell_hi);
        f->cell_eq = malloc(n * sizeof *f->cell_eq);
        err = f->cell && f->cell_lo && f->cell_hi && f->cell_eq ? 0 : qn_fig_no_memory();
    }
    qn_fig_beside with;
    qn_fig_find_beside(b->q->data, b->v, &with);
    size_t stride_x = 1, stride_y = 1; /* the ranges beside x and y have one value each */
    for (size_t r = b->sel.n; r-- > 0;) {
        stride_x *= r > b->rx ? b->sel.range[r].n : 1;
        stride_y *= r > b->ry ? b->sel.range[r].n : 1;
    }
    f->value.lo = f->value.hi = NAN;
    for (size_t i = 0; !err && i < f->x.n; i++)
        for (size_t k = 0; k < f->y.n; k++) {
            size_t row = along_x[i] * stride_x + along_y[k] * stride_y;
            qn_fig_number x = qn_fig_read(&b->sel, b->v, &with, row);
            f->cell[i * f->y.n + k] = f->value.log && x.v <= 0 ? NAN : x.v;
            f->cell_lo[i * f->y.n + k] = x.lo;
            f->cell_hi[i * f->y.n + k] = x.hi;
            f->cell_eq[i * f->y.n + k] = x.eq;
            qn_fig_widen(&f->value, x.v);
        }
    free(along_x);
    free(along_y);
    if (!err && !(f->value.lo <= f->value.hi))
        return qn_fail(QN_ERR_INPUT, "%s: %s has no%s value at any of the points asked for", b->q->path, b->v->name, f->value.log ? " positive" : "");
    if (!err && !(f->value.lo < f->value.hi))
        qn_fig_pad(&f->value, 0);
    return err;
}
