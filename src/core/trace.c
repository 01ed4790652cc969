/* trace.c -- see trace.h. */
#include "trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "running.h"

/* Axes become the fixed values of `point`, but a chained one. */
static int reduce(qn_sweep *s, size_t point)
{
    qn_params at;
    int err = qn_sweep_point(s, point, &at);
    if (err)
        return err;
    qn_params_free(&s->fixed);
    s->fixed = at;
    size_t kept = 0;
    for (size_t a = 0; a < s->n_axes; a++) {
        if (s->chain.kind != QN_NO_CHAIN && a == s->chain.axis) {
            s->axis[kept++] = s->axis[a];
            continue;
        }
        for (size_t i = 0; i < s->axis[a].n; i++)
            qn_value_free(&s->axis[a].value[i]);
        free(s->axis[a].value);
    }
    s->n_axes = kept;
    s->chain.axis = 0;
    s->n_points = kept ? s->axis[0].n : 1;
    return 0;
}

/* Dimensions of observable o in the trace: time first where it was put measurement by measurement. */
static size_t dims_of(const qn_observable *o, const char **out)
{
    size_t n = 0;
    if (o->kind == QN_SERIES)
        out[n++] = QN_DIM_TIME;
    for (size_t d = 0; d < QN_MAX_DIMS && o->dims[d]; d++)
        out[n++] = o->dims[d];
    return n;
}

static int describe(qn_dataset *d, qn_var *v, const qn_observable *o, const char *meaning)
{
    int err = qn_attr_str(d, v, "units", o->unit ? o->unit : "1");
    if (!err && meaning)
        err = qn_attr_str(d, v, "long_name", meaning);
    if (!err && o->symbol)
        err = qn_attr_str(d, v, "symbol", o->symbol);
    return err;
}

static int put(qn_dataset *d, const qn_rung *g, const qn_layout *l, size_t i, const double *row)
{
    const qn_observable *o = &l->obs[i];
    const char *dims[QN_MAX_DIMS + 2];
    qn_var *v, *e;
    char name[96];
    size_t rank = dims_of(o, dims), width = g->record.width[i];
    int err = qn_dataset_var(d, o->name, QN_F64, rank, dims, &v);
    if (!err && o->kind == QN_SERIES) { /* as measured; the rest stays NaN */
        memcpy(v->f64, g->record.value[i], g->record.measured * width * sizeof *v->f64);
    } else if (!err) {
        const qn_column *c = qn_layout_column(l, o->name);
        memcpy(v->f64, row + c->offset, c->n * sizeof *v->f64);
    }
    if (!err)
        err = describe(d, v, o, o->meaning);
    if (!err)
        err = qn_attr_str(d, v, "kind", o->flags & QN_POSITION ? "coordinate" : o->kind == QN_OUTCOME ? "outcome" : o->kind == QN_ARTIFACT ? "artifact" : "curve");
    if (err || !(o->flags & QN_OWN_ERROR))
        return err;
    snprintf(name, sizeof name, "%s_err", o->name);
    err = qn_dataset_var(d, name, QN_F64, rank, dims, &e);
    if (err)
        return err;
    snprintf(name, sizeof name, "%s_own_err", o->name);
    const qn_column *c = qn_layout_column(l, name);
    memcpy(e->f64, row + c->offset, c->n * sizeof *e->f64);
    err = describe(d, e, o, "standard error");
    return err ? err : qn_attr_str(d, v, "ancillary_variables", e->name);
}

static int put_extent(qn_dataset *d, const qn_extent *x, size_t point)
{
    qn_var *v;
    int err = qn_dataset_dim(d, x->name, x->n);
    if (err || (!x->value && !x->at))
        return err;
    err = qn_dataset_var(d, x->name, QN_F64, 1, &x->name, &v);
    if (!err)
        memcpy(v->f64, x->value ? x->value : x->at + point * x->n, x->n * sizeof *v->f64);
    if (!err && !strcmp(x->name, QN_DIM_TIME))
        err = qn_attr_str(d, v, "units", "steps");
    if (!err && !strcmp(x->name, QN_DIM_TIME))
        err = qn_attr_str(d, v, "long_name", "time since the start");
    return err;
}

/* The head of a result of this one point: the chained axis is a fixed value there. */
static int head(qn_dataset *d, const qn_sweep *s, const qn_params *p)
{
    qn_sweep one = *s;
    one.fixed = *p;
    one.n_axes = 0;
    one.n_points = 1;
    return qn_result_head(d, &one);
}

static int build(const qn_rung *g, const qn_layout *l, const double *row, int64_t steps, int64_t replica, int64_t thermalization, qn_dataset *d)
{
    int err = head(d, l->sweep, &g->params);
    if (!err)
        err = qn_attr_i64(d, NULL, "replica", 1, &replica);
    if (!err)
        err = qn_attr_i64(d, NULL, "thermalization", 1, &thermalization);
    if (!err)
        err = qn_attr_i64(d, NULL, "steps", 1, &steps);
    bool time = false;
    for (size_t i = 0; i < l->n_extents && !err; i++) {
        time |= !strcmp(l->extent[i].name, QN_DIM_TIME);
        if (l->extent[i].n)
            err = put_extent(d, &l->extent[i], g->point);
    }
    double *grid = time ? NULL : malloc(l->n_grid * sizeof *grid + 1);
    for (size_t k = 0; grid && k < l->n_grid; k++)
        grid[k] = (double)l->grid[k];
    if (!time && !err) /* no curve over time: the layout does not list it */
        err = grid ? put_extent(d, &(qn_extent){.name = QN_DIM_TIME, .n = l->n_grid, .value = grid}, 0) : qn_fail(QN_ERR_NOMEM, "out of memory");
    free(grid);
    for (size_t i = 0; i < l->n_obs && !err; i++)
        if (l->present[i])
            err = put(d, g, l, i, row);
    return err;
}

/* Steps until the points in hand are over, along a continuation until `at` is. */
static int run(qn_running *t, size_t at)
{
    bool more = true;
    int err = 0;
    for (;;) {
        while (!err && !qn_running_over(t))
            err = qn_running_step(t, INT64_MAX);
        if (err || t->at == at || t->sweep->chain.kind != QN_CONTINUATION)
            return err;
        err = qn_running_next(t, &more);
        if (err || !more)
            return err;
    }
}

int qn_trace(qn_sweep *s, size_t point, int64_t replica, qn_dataset **out)
{
    const int64_t thermalization = s->sampling.thermalization;
    size_t rung = s->chain.kind == QN_NO_CHAIN ? 0 : qn_sweep_axis_index(s, point, s->chain.axis);
    *out = NULL;
    s->sampling.steps += thermalization;
    s->sampling.thermalization = 0;
    s->replicas = replica + 1;
    qn_layout l;
    int err = reduce(s, point);
    if (!err)
        err = qn_layout_init(&l, s);
    if (err)
        return err;
    qn_plan p;
    qn_running t = {0};
    qn_dataset *d = NULL;
    void *shared = NULL;
    double *row = malloc(l.row * sizeof *row + 1);
    qn_row_head where;
    err = qn_plan_list(&p, s, &l);
    if (!err && !row)
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err && s->model->prepare)
        err = s->model->prepare(&s->fixed, &shared);
    if (!err)
        err = qn_running_start(&t, &p, (size_t)replica, shared);
    if (!err)
        err = run(&t, rung);
    size_t i = s->chain.kind == QN_TEMPERING ? rung : 0;
    if (!err)
        err = qn_running_finish(&t, i, row, &where);
    if (!err)
        err = qn_dataset_new(&d);
    if (!err)
        err = build(&t.rung[i], &l, row, t.step, replica, thermalization, d);
    qn_running_free(&t);
    if (s->model->release)
        s->model->release(shared);
    free(row);
    qn_plan_free(&p);
    qn_layout_free(&l);
    if (err)
        qn_dataset_free(d);
    else
        *out = d;
    return err;
}
