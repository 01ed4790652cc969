/* artifact.c -- arrays and parameters of a finished run as the input of another (see quench.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "params.h"
#include "text.h"

#define MOST_AXES (QN_MAX_RANK - 1)

/* A result file without its samples, and where in it a point lies. */
typedef struct place {
    qn_dataset *d;
    size_t n_axes, at[QN_MAX_RANK]; /* index along each axis, then the replica */
    const qn_var *axis[MOST_AXES];
} place;

/* ---- the nearest point ------------------------------------------------------------------------------------------- */

static double distance(const qn_var *axis, size_t i, double want, bool log_scale)
{
    double x = qn_var_number(axis, i);
    if (log_scale && x > 0 && want > 0)
        return fabs(log(x / want));
    return x == want ? 0 : fabs(x - want); /* inf - inf */
}

static int index_along(const char *path, const qn_dataset *d, const qn_var *axis, const qn_params *p, size_t *out)
{
    int k = qn_schema_index(p->schema, axis->name);
    *out = 0;
    if (k < 0 || !p->v[k].set) {
        if (axis->size == 1)
            return 0;
        return qn_fail(QN_ERR_INPUT, "%s: was swept over %s, which has no value here, so none of its %zu points can be chosen", path, axis->name, axis->size);
    }
    const qn_param *is = &p->schema->item[k];
    const char *scale = qn_attr_text(d, axis, "scale");
    char *text = qn_value_text(is, &p->v[k]);
    double best = INFINITY;
    bool found = false, numeric = qn_value_numeric(is) && axis->type != QN_STR;
    for (size_t i = 0; text && i < axis->size; i++) {
        if (numeric) {
            double off = distance(axis, i, p->v[k].r, scale && !strcmp(scale, "log"));
            if (!(off < best) && found)
                continue;
            best = off;
        } else if (found || (axis->type == QN_STR ? !axis->str[i] || strcmp(axis->str[i], text) : qn_var_number(axis, i) != (double)p->v[k].i)) {
            continue;
        }
        *out = i;
        found = true;
    }
    int err = !text ? qn_fail(QN_ERR_NOMEM, "out of memory") : found ? 0 : qn_fail(QN_ERR_INPUT, "%s: has no point with %s = %s", path, axis->name, text);
    free(text);
    return err;
}

static int find_axes(const char *path, place *at)
{
    const char *kind = qn_attr_text(at->d, NULL, "Conventions"), *names = qn_attr_text(at->d, NULL, "axes");
    if (!kind || strcmp(kind, "quench-1") || !names)
        return qn_fail(QN_ERR_INPUT, "%s: is not a result of `quench run`", path);
    for (const char *c = names; *c; c += strcspn(c, " "), c += *c == ' ') {
        char name[96];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(c, " "), c);
        const qn_var *axis = qn_dataset_find(at->d, name);
        if (!axis || axis->rank != 1 || !axis->size || at->n_axes == MOST_AXES)
            return qn_fail(QN_ERR_INPUT, "%s: lacks the coordinate of its axis %s", path, name);
        at->axis[at->n_axes++] = axis;
    }
    return 0;
}

static int open_place(const char *path, const qn_params *p, place *at)
{
    static const char *const skip[] = {"samples", "checkpoints", "environment", NULL};
    memset(at, 0, sizeof *at);
    int err = qn_dataset_read(path, skip, &at->d);
    if (err == QN_ERR_DATA || err == QN_ERR_IO) {
        qn_dataset_free(at->d);
        at->d = NULL;
        return qn_fail(QN_ERR_INPUT, "%s", qn_error_text());
    }
    if (!err)
        err = find_axes(path, at);
    for (size_t a = 0; a < at->n_axes && !err; a++)
        err = index_along(path, at->d, at->axis[a], p, &at->at[a]);
    if (err) {
        qn_dataset_free(at->d);
        at->d = NULL;
    }
    return err;
}

/* ---- the array --------------------------------------------------------------------------------------------------- */

/* Drops the padding: where a dimension is longer than at this point, the rest of it is NaN. */
static void trim(qn_block *b)
{
    size_t used[QN_MAX_RANK] = {0};
    for (size_t i = 0; i < b->n; i++) {
        if (isnan(b->x[i]))
            continue;
        for (size_t d = b->rank, k = i; d-- > 0; k /= b->shape[d])
            if (k % b->shape[d] >= used[d])
                used[d] = k % b->shape[d] + 1;
    }
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        bool inside = true;
        for (size_t d = b->rank, k = i; d-- > 0 && inside; k /= b->shape[d])
            inside = k % b->shape[d] < used[d];
        if (inside)
            b->x[n++] = b->x[i];
    }
    for (size_t d = 0; d < b->rank; d++)
        b->shape[d] = used[d];
    b->n = n;
}

/* Numbers (axes..., replica): how many replicas the file has. */
static size_t count_replicas(const char *path, const place *at)
{
    qn_block b;
    if (qn_dataset_block(path, "samples", "steps", at->n_axes, at->at, &b))
        return 0;
    size_t n = b.rank == 1 ? b.n : 0;
    free(b.x);
    return n;
}

static int read_at(const char *path, const char *name, place *at, uint64_t replica, size_t *n, double **out)
{
    size_t replicas = count_replicas(path, at);
    qn_block key, b;
    if (!replicas)
        return qn_fail(QN_ERR_INPUT, "%s: has no samples of tasks; it is not a result of `quench run`", path);
    at->at[at->n_axes] = replica < replicas ? replica : 0;
    int err = qn_dataset_block(path, "samples", "key", at->n_axes + 1, at->at, &key);
    bool missing = !err && (key.n != 2 || (key.x[0] == 0 && key.x[1] == 0));
    if (!err)
        free(key.x);
    if (missing)
        return qn_fail(QN_ERR_INPUT, "%s: replica %zu of its nearest point is missing: the file was merged before it was complete", path, at->at[at->n_axes]);
    if (!err && (err = qn_dataset_block(path, "samples", name, at->n_axes + 1, at->at, &b)))
        return err == QN_ERR_NOMEM ? err : qn_fail(QN_ERR_INPUT, "%s: does not hold the artifact '%s'; the run that makes the file keeps it with `artifacts: [%s]` under sampling", path, name, name);
    if (err)
        return err == QN_ERR_NOMEM ? err : qn_fail(QN_ERR_INPUT, "%s", qn_error_text());
    bool there = false;
    for (size_t i = 0; i < b.n && !there; i++)
        there = !isnan(b.x[i]);
    if (!there || b.n != *n)
        trim(&b);
    if (!b.n || (*n && b.n != *n)) {
        err = b.n ? qn_fail(QN_ERR_INPUT, "%s: its '%s' has %zu numbers, not the %zu that are needed here", path, name, b.n, *n)
                  : qn_fail(QN_ERR_INPUT, "%s: there is no '%s' at its nearest point", path, name);
        free(b.x);
        return err;
    }
    *n = b.n;
    *out = b.x;
    return 0;
}

int qn_read_artifact(const char *path, const char *name, const qn_params *p, uint64_t replica, size_t *n, double **out)
{
    place at;
    *out = NULL;
    int err = open_place(path, p, &at);
    if (!err)
        err = read_at(path, name, &at, replica, n, out);
    qn_dataset_free(at.d);
    return err;
}

int qn_read_parameter(const char *path, const char *name, const qn_params *p, char **out)
{
    place at;
    char attr[96];
    *out = NULL;
    int err = open_place(path, p, &at);
    snprintf(attr, sizeof attr, "parameter:%s", name);
    const char *fixed = err ? NULL : qn_attr_text(at.d, NULL, attr);
    if (fixed)
        *out = strdup(fixed);
    for (size_t a = 0; a < at.n_axes && !err && !fixed; a++) {
        const qn_var *v = at.axis[a];
        if (!strcmp(v->name, name))
            *out = v->type == QN_STR ? strdup(v->str[at.at[a]] ? v->str[at.at[a]] : "")
                   : v->type == QN_I8 ? strdup(v->i8[at.at[a]] ? "true" : "false")
                                      : qn_value_text(&(qn_param){.type = QN_REAL}, &(qn_value){.r = qn_var_number(v, at.at[a])});
    }
    if (!err && !*out)
        err = qn_fail(QN_ERR_INPUT, "%s: was made without a parameter '%s'", path, name);
    qn_dataset_free(at.d);
    return err;
}
