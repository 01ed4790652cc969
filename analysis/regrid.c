/* regrid.c -- see regrid.h. */
#include "regrid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define POINT "point"
#define MOST_CELLS 20000000.0

typedef struct axis {
    char name[96];
    const qn_var *v;  /* along the list */
    size_t n, *first; /* different values: the first point of each, in increasing order; */
    size_t *index;    /* [points] which one a point has */
} axis;

static int compare(const qn_var *v, size_t i, size_t k)
{
    if (v->type == QN_STR)
        return strcmp(v->str[i] ? v->str[i] : "", v->str[k] ? v->str[k] : "");
    double x = qn_var_number(v, i), y = qn_var_number(v, k);
    return (x > y) - (x < y);
}

static int find_values(axis *a, size_t points)
{
    a->first = malloc((points + 1) * sizeof *a->first);
    a->index = malloc((points + 1) * sizeof *a->index);
    if (!a->first || !a->index)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < points; i++) { /* words keep the order in which they appear */
        size_t at = 0;
        while (at < a->n && (a->v->type == QN_STR ? compare(a->v, a->first[at], i) != 0 : compare(a->v, a->first[at], i) < 0))
            at++;
        if (at < a->n && !compare(a->v, a->first[at], i))
            continue;
        memmove(a->first + at + 1, a->first + at, (a->n - at) * sizeof *a->first);
        a->first[at] = i;
        a->n++;
    }
    for (size_t i = 0; i < points; i++)
        for (a->index[i] = 0; compare(a->v, a->first[a->index[i]], i); a->index[i]++)
            ;
    return 0;
}

static int copy_attributes(const qn_dataset *from, const qn_var *v, qn_dataset *to, qn_var *w)
{
    const qn_attr *a = v ? v->attrs : from->attrs;
    size_t n = v ? v->n_attrs : from->n_attrs;
    int err = 0;
    for (size_t i = 0; i < n && !err; i++)
        err = a[i].type == QN_STR   ? qn_attr_str(to, w, a[i].name, a[i].str)
              : a[i].type == QN_I64 ? qn_attr_i64(to, w, a[i].name, a[i].n, a[i].i64)
                                    : qn_attr_f64(to, w, a[i].name, a[i].n, a[i].f64);
    return err;
}

static int copy_element(const qn_var *from, size_t i, qn_var *to, size_t k)
{
    if (from->type == QN_STR)
        return from->str[i] ? qn_var_set_str(to, k, from->str[i]) : 0;
    if (from->type == QN_I8)
        to->i8[k] = from->i8[i];
    else if (from->type == QN_I64 && to->type == QN_F64)
        to->f64[k] = (double)from->i64[i];
    else if (from->type == QN_I64)
        to->i64[k] = from->i64[i];
    else
        to->f64[k] = from->f64[i];
    return 0;
}

static int copy_axis(const qn_dataset *d, const axis *a, qn_dataset *out)
{
    const char *dim = a->name;
    qn_var *v;
    int err = qn_dataset_dim(out, dim, a->n);
    if (!err)
        err = qn_dataset_var(out, dim, a->v->type, 1, &dim, &v);
    for (size_t i = 0; i < a->n && !err; i++)
        err = copy_element(a->v, a->first[i], v, i);
    static const char *const same[] = {"units", "long_name", "symbol", "scale"};
    for (size_t i = 0; i < 4 && !err; i++)
        if (qn_attr_text(d, a->v, same[i]))
            err = qn_attr_str(out, v, same[i], qn_attr_text(d, a->v, same[i]));
    return err;
}

/* A variable; what lies along the list is spread over the axes, whole numbers become numbers so that gaps can be NaN. */
static int spread(const qn_dataset *d, const qn_var *v, size_t n_axes, const axis *a, size_t points, qn_dataset *out)
{
    const char *dims[QN_MAX_RANK];
    bool along = v->rank && !strcmp(v->dims[0], POINT);
    size_t rank = 0, own = along ? v->size / points : v->size;
    for (size_t k = 0; along && k < n_axes; k++)
        dims[rank++] = a[k].name;
    for (size_t k = along ? 1 : 0; k < v->rank && rank < QN_MAX_RANK; k++)
        dims[rank++] = v->dims[k];
    qn_var *w;
    int err = qn_dataset_var(out, v->name, along && v->type == QN_I64 ? QN_F64 : v->type, rank, dims, &w);
    for (size_t i = 0; i < (along ? points : 1) && !err; i++) {
        size_t cell = 0;
        for (size_t k = 0; along && k < n_axes; k++)
            cell = cell * a[k].n + a[k].index[i];
        for (size_t e = 0; e < own && !err; e++)
            err = copy_element(v, i * own + e, w, cell * own + e);
    }
    return err ? err : copy_attributes(d, v, out, w);
}

static bool is_axis(const qn_var *v, size_t n_axes, const axis *a)
{
    for (size_t k = 0; k < n_axes; k++)
        if (a[k].v == v)
            return true;
    return v->rank == 1 && !strcmp(v->name, POINT);
}

static int build(const qn_dataset *d, size_t n_axes, axis *a, size_t points, const char *swept, qn_dataset *out)
{
    double cells = 1;
    int err = 0;
    for (size_t k = 0; k < n_axes && !err; k++) {
        err = find_values(&a[k], points);
        cells *= (double)a[k].n;
    }
    if (!err && cells > MOST_CELLS)
        err = qn_fail(QN_ERR_INPUT, "the %zu points of this list span a grid of %.3g; cut it down with --where on the file, or draw a boundary of it", points, cells);
    if (!err)
        err = copy_attributes(d, NULL, out, NULL);
    if (!err)
        err = qn_attr_str(out, NULL, "axes", swept);
    for (size_t i = 0; i < d->n_dims && !err; i++)
        if (strcmp(d->dims[i].name, POINT))
            err = qn_dataset_dim(out, d->dims[i].name, d->dims[i].n);
    for (size_t k = 0; k < n_axes && !err; k++)
        err = copy_axis(d, &a[k], out);
    for (size_t i = 0; i < d->n_vars && !err; i++)
        if (!is_axis(d->vars[i], n_axes, a))
            err = spread(d, d->vars[i], n_axes, a, points, out);
    return err;
}

int qn_regrid(qn_dataset **d, bool *was_list)
{
    const char *axes = qn_attr_text(*d, NULL, "axes"), *swept = qn_attr_text(*d, NULL, "swept");
    const qn_dim *point = qn_dataset_find_dim(*d, POINT);
    axis a[QN_MAX_RANK] = {0};
    size_t n = 0;
    *was_list = axes && !strcmp(axes, POINT) && swept && *swept && point && point->n;
    if (!*was_list)
        return 0;
    qn_dataset *out = NULL;
    int err = qn_dataset_new(&out);
    for (const char *s = swept; *s && n < QN_MAX_RANK && !err; s += strcspn(s, " "), s += *s == ' ') {
        snprintf(a[n].name, sizeof a[n].name, "%.*s", (int)strcspn(s, " "), s);
        a[n].v = qn_dataset_find(*d, a[n].name);
        if (!a[n].v || a[n].v->rank != 1 || a[n].v->size != point->n)
            err = qn_fail(QN_ERR_DATA, "the file does not hold the %s of its points", a[n].name);
        n++;
    }
    if (!err)
        err = build(*d, n, a, point->n, swept, out);
    for (size_t k = 0; k < n; k++) {
        free(a[k].first);
        free(a[k].index);
    }
    if (err) {
        qn_dataset_free(out);
        return err;
    }
    qn_dataset_free(*d);
    *d = out;
    return 0;
}
