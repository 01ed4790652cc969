/* figure_series.c -- the numbers of one variable with bars and verdicts, and the series that they are put into. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "figure_build.h"

bool qn_fig_is_theory(const qn_dataset *d, const qn_var *v)
{
    const char *kind = qn_attr_text(d, v, "kind");
    return kind && !strcmp(kind, "theory");
}

void qn_fig_find_beside(const qn_dataset *d, const qn_var *v, qn_fig_beside *out)
{
    *out = (qn_fig_beside){.err = qn_beside(d, v, "_err"), .lo = qn_beside(d, v, "_lo"), .hi = qn_beside(d, v, "_hi")};
    const qn_var *eq = qn_beside(d, v, "_eq");
    const char *expression = qn_attr_text(d, v, "expression");
    qn_expr *e;
    if (eq)
        out->eq[out->n_eq++] = eq;
    if (!expression || qn_expr_compile(expression, &e))
        return;
    for (size_t i = 0; i < qn_expr_names(e) && out->n_eq < QN_FIG_VERDICTS; i++) {
        const qn_var *series = qn_dataset_find(d, qn_expr_name(e, i));
        if (series && (eq = qn_beside(d, series, "_eq")))
            out->eq[out->n_eq++] = eq;
    }
    qn_expr_free(e);
}

qn_fig_number qn_fig_read(const qn_selection *s, const qn_var *v, const qn_fig_beside *with, size_t row)
{
    qn_fig_number x = {NAN, NAN, NAN, true};
    size_t at;
    if (!qn_selection_place(s, v, row, &at))
        return x;
    x.v = qn_var_number(v, at);
    if (with->lo && with->hi && with->lo->size == v->size && with->hi->size == v->size) {
        x.lo = qn_var_number(with->lo, at);
        x.hi = qn_var_number(with->hi, at);
    } else if (with->err && with->err->size == v->size) {
        double err = qn_var_number(with->err, at);
        x.lo = x.v - err;
        x.hi = x.v + err;
    }
    if (!isfinite(x.lo) || !isfinite(x.hi))
        x.lo = x.hi = NAN;
    for (size_t i = 0; i < with->n_eq; i++)
        if (qn_selection_place(s, with->eq[i], row, &at))
            x.eq &= qn_var_number(with->eq[i], at) != 0;
    return x;
}

int qn_fig_add_series(qn_figure *f, qn_fig_form form, size_t room, qn_fig_series **out)
{
    qn_fig_series *more = realloc(f->series, (f->n_series + 1) * sizeof *more);
    if (!more)
        return qn_fig_no_memory();
    f->series = more;
    qn_fig_series *s = *out = &f->series[f->n_series++];
    *s = (qn_fig_series){.form = form, .shade = NAN};
    s->x = calloc(room + 1, sizeof *s->x);
    s->y = calloc(room + 1, sizeof *s->y);
    s->lo = calloc(room + 1, sizeof *s->lo);
    s->hi = calloc(room + 1, sizeof *s->hi);
    s->eq = calloc(room + 1, sizeof *s->eq);
    return s->x && s->y && s->lo && s->hi && s->eq ? 0 : qn_fig_no_memory();
}

void qn_fig_series_free(qn_fig_series *s)
{
    free(s->label);
    free(s->brief);
    free(s->x);
    free(s->y);
    free(s->lo);
    free(s->hi);
    free(s->eq);
}

void qn_fig_drop_series(qn_figure *f)
{
    qn_fig_series_free(&f->series[--f->n_series]);
}

/* Insertion keeps x in increasing order; grids come sorted or nearly so. */
void qn_fig_put(qn_fig_series *s, double x, qn_fig_number y)
{
    size_t k = s->n++;
    for (; k && s->x[k - 1] > x; k--) {
        s->x[k] = s->x[k - 1];
        s->y[k] = s->y[k - 1];
        s->lo[k] = s->lo[k - 1];
        s->hi[k] = s->hi[k - 1];
        s->eq[k] = s->eq[k - 1];
    }
    s->x[k] = x;
    s->y[k] = y.v;
    s->lo[k] = y.lo;
    s->hi[k] = y.hi;
    s->eq[k] = y.eq;
}
