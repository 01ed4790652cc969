/* finding.c -- see finding.h. */
#include "finding.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define LIST "point"

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the result");
}

static int copy_attrs(const qn_attr *a, size_t n, const char *prefix, qn_dataset *d, qn_var *v)
{
    int err = 0;
    for (size_t i = 0; i < n && !err; i++) {
        if (strncmp(a[i].name, prefix, strlen(prefix)) || !strcmp(a[i].name, "kind")) /* what it was there is not what it is here */
            continue;
        err = a[i].type == QN_STR ? qn_attr_str(d, v, a[i].name, a[i].str) : a[i].type == QN_F64 ? qn_attr_f64(d, v, a[i].name, a[i].n, a[i].f64) : qn_attr_i64(d, v, a[i].name, a[i].n, a[i].i64);
    }
    return err;
}

/* A variable `name` over the dimension `dim` with the values of `from` at the places given. */
static int copy_values(qn_finding *f, const char *name, const char *dim, const qn_var *from, size_t n, const size_t *place, qn_var **out)
{
    int err = qn_dataset_var(f->d, name, from->type, 1, &dim, out);
    for (size_t i = 0; i < n && !err; i++) {
        size_t k = place ? place[i] : i;
        if (from->type == QN_F64)
            (*out)->f64[i] = from->f64[k];
        else if (from->type == QN_I64)
            (*out)->i64[i] = from->i64[k];
        else if (from->type == QN_I8)
            (*out)->i8[i] = from->i8[k];
        else
            err = qn_var_set_str(*out, i, from->str[k] ? from->str[k] : "");
    }
    return err ? err : copy_attrs(from->attrs, from->n_attrs, "", f->d, *out);
}

int qn_finding_axis(qn_finding *f, const char *name, const qn_var *from, size_t n, const size_t *place)
{
    qn_var *v;
    int err = qn_dataset_dim(f->d, name, n);
    return err ? err : copy_values(f, name, name, from, n, place, &v);
}

/* A list of lines: one dimension, each quantity that tells them apart along it. */
static int list_lines(qn_finding *f, const qn_lines *l)
{
    static const char *const dim = LIST;
    int err = qn_dataset_dim(f->d, dim, l->n);
    qn_buffer swept = {0};
    qn_buffer_add(&swept, "%s", "");
    f->dims[f->n_dims++] = dim;
    for (size_t k = 0; k < l->n_by && !err; k++) {
        const qn_lines_by *b = &l->by[k];
        size_t *place = malloc((l->n + 1) * sizeof *place);
        qn_var *v;
        if (!place)
            err = no_memory();
        for (size_t i = 0; i < l->n && !err; i++)
            place[i] = b->place[l->which[i * l->n_by + k]];
        if (!err && b->values) {
            err = copy_values(f, b->name, dim, b->values, l->n, place, &v);
        } else if (!err) {
            err = qn_dataset_var(f->d, b->name, QN_I64, 1, &dim, &v);
            for (size_t i = 0; i < l->n && !err; i++)
                v->i64[i] = (int64_t)place[i];
        }
        if (!err)
            err = qn_attr_str(f->d, v, "kind", "coordinate");
        qn_buffer_add(&swept, "%s%s", swept.n ? " " : "", b->name);
        free(place);
    }
    if (!err)
        err = swept.failed ? no_memory() : qn_attr_str(f->d, NULL, "swept", swept.text);
    qn_buffer_free(&swept);
    return err;
}

static int grid_of_lines(qn_finding *f, const qn_lines *l, const char *without)
{
    int err = 0;
    for (size_t k = 0; k < l->n_by && !err; k++) {
        const qn_lines_by *b = &l->by[k];
        if (without && !strcmp(b->name, without))
            continue;
        err = qn_dataset_dim(f->d, b->name, b->n);
        if (!err && b->values)
            err = qn_finding_axis(f, b->name, b->values, b->n, b->place);
        if (!err)
            f->dims[f->n_dims++] = qn_dataset_find_dim(f->d, b->name)->name;
    }
    return err;
}

int qn_finding_init(qn_finding *f, const qn_lines *l, const char *title, const char *without, size_t resamples)
{
    const qn_dataset *source = l->sel.data;
    const char *model = qn_attr_text(source, NULL, "model");
    qn_buffer axes = {0};
    *f = (qn_finding){.resamples = resamples};
    qn_buffer_add(&axes, "%s", "");
    int err = qn_dataset_new(&f->d);
    if (!err)
        err = qn_attr_str(f->d, NULL, "Conventions", "quench-1");
    if (!err)
        err = qn_attr_str(f->d, NULL, "title", title);
    if (!err && model)
        err = qn_attr_str(f->d, NULL, "model", model);
    if (!err)
        err = copy_attrs(source->attrs, source->n_attrs, "parameter:", f->d, NULL);
    if (!err)
        err = l->list ? list_lines(f, l) : grid_of_lines(f, l, without);
    for (size_t k = 0; k < f->n_dims; k++)
        qn_buffer_add(&axes, "%s%s", k ? " " : "", f->dims[k]);
    if (!err)
        err = axes.failed ? no_memory() : qn_attr_str(f->d, NULL, "axes", axes.text);
    qn_buffer_free(&axes);
    if (!err)
        err = qn_dataset_group(f->d, "samples", &f->samples);
    if (!err)
        err = qn_dataset_dim(f->samples, "resample", resamples);
    return err;
}

void qn_finding_free(qn_finding *f)
{
    qn_dataset_free(f->d);
    memset(f, 0, sizeof *f);
}

size_t qn_finding_index(const qn_finding *f, const qn_lines *l, size_t line)
{
    size_t at = 0;
    if (l->list)
        return line;
    for (size_t d = 0, k = 0; d < f->n_dims && k < l->n_by; k++)
        if (!strcmp(f->dims[d], l->by[k].name)) {
            at = at * l->by[k].n + l->which[line * l->n_by + k];
            d++;
        }
    return at;
}

static size_t all_dims(const qn_finding *f, size_t n_more, const char *const *more, const char **out)
{
    size_t n = 0;
    for (size_t k = 0; k < f->n_dims && n < QN_MAX_RANK; k++)
        out[n++] = f->dims[k];
    for (size_t k = 0; k < n_more && n < QN_MAX_RANK; k++)
        out[n++] = more[k];
    return n;
}

static int describe(qn_finding *f, qn_var *v, const char *unit, const char *symbol, const char *meaning)
{
    int err = qn_attr_str(f->d, v, "units", unit && *unit ? unit : "1");
    if (!err && symbol)
        err = qn_attr_str(f->d, v, "symbol", symbol);
    return err || !meaning ? err : qn_attr_str(f->d, v, "long_name", meaning);
}

int qn_finding_beside(qn_finding *f, const char *name, qn_dtype type, const char *unit, const char *meaning, size_t n_more, const char *const *more, qn_var **out)
{
    const char *dims[QN_MAX_RANK];
    int err = qn_dataset_var(f->d, name, type, all_dims(f, n_more, more, dims), dims, out);
    return err ? err : describe(f, *out, unit, NULL, meaning);
}

int qn_finding_number(qn_finding *f, const char *name, const char *kind, const char *unit, const char *symbol, const char *meaning, size_t n_more, const char *const *more,
                      bool sampled, qn_found *out)
{
    static const char *const suffix[] = {"", "_err", "_dof", "_found"}, *const words[] = {NULL, "standard error, by bootstrap", "degrees of freedom of the standard error",
                                                                                          "share of resamples in which it exists"};
    qn_var **to[] = {&out->value, &out->err, &out->dof, &out->found};
    const char *dims[QN_MAX_RANK];
    qn_buffer beside = {0};
    int err = 0;
    for (size_t i = 0; i < 4 && !err; i++) {
        char full[128];
        snprintf(full, sizeof full, "%s%s", name, suffix[i]);
        err = qn_finding_beside(f, full, QN_F64, i < 2 ? unit : "1", i ? words[i] : meaning, n_more, more, to[i]);
        if (i)
            qn_buffer_add(&beside, "%s%s", i > 1 ? " " : "", full);
    }
    if (!err)
        err = describe(f, out->value, unit, symbol, meaning);
    if (!err)
        err = qn_attr_str(f->d, out->value, "kind", kind);
    if (!err)
        err = beside.failed ? no_memory() : qn_attr_str(f->d, out->value, "ancillary_variables", beside.text);
    qn_buffer_free(&beside);
    out->each = NULL;
    size_t n = all_dims(f, n_more, more, dims);
    if (err || !sampled)
        return err;
    dims[n < QN_MAX_RANK ? n++ : n - 1] = "resample";
    return qn_dataset_var(f->samples, name, QN_F64, n, dims, &out->each);
}

void qn_finding_put(const qn_finding *f, const qn_found *to, size_t at, const qn_interval *x, const double *each, size_t resamples, size_t stride)
{
    to->value->f64[at] = x->value;
    to->err->f64[at] = x->err;
    to->dof->f64[at] = x->dof;
    to->found->f64[at] = x->found;
    for (size_t b = 0; to->each && each && b < resamples && b < f->resamples; b++)
        to->each->f64[at * f->resamples + b] = each[b * stride];
}

int qn_finding_groups(const qn_finding *f, const qn_lines *l, size_t by, int (*each)(void *ctx, size_t n, const size_t *member), void *ctx)
{
    size_t *member = malloc((l->n + 1) * sizeof *member);
    bool *done = calloc(l->n + 1, sizeof *done);
    int err = member && done ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for the analysis");
    for (size_t i = 0; i < l->n && !err; i++) {
        size_t n = 0;
        for (size_t j = i; j < l->n && !done[i]; j++)
            if (qn_finding_index(f, l, j) == qn_finding_index(f, l, i)) {
                size_t k = n++;
                for (; k && qn_lines_by_value(l, member[k - 1], by) > qn_lines_by_value(l, j, by); k--)
                    member[k] = member[k - 1];
                member[k] = j;
            }
        for (size_t k = 0; k < n; k++)
            done[member[k]] = true;
        if (n)
            err = each(ctx, n, member);
    }
    free(member);
    free(done);
    return err;
}
