/* select.c -- see select.h. */
#include "select.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static int add_range(qn_selection *s, const char *name, size_t n)
{
    if (s->n == QN_MAX_RANK)
        return qn_fail(QN_ERR_DATA, "more than %d dimensions", QN_MAX_RANK);
    const qn_var *c = qn_dataset_find(s->data, name);
    qn_range *r = &s->range[s->n];
    *r = (qn_range){.name = name, .coordinate = c && c->rank == 1 && c->size == n ? c : NULL, .n = n, .index = malloc((n + 1) * sizeof *r->index)};
    if (!r->index)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        r->index[i] = i;
    s->n++;
    return 0;
}

void qn_cell_text(const qn_var *v, size_t i, int digits, char *out, size_t room)
{
    if (v->type == QN_STR)
        snprintf(out, room, "%s", v->str[i] ? v->str[i] : "");
    else if (v->type == QN_I64)
        snprintf(out, room, "%lld", (long long)v->i64[i]);
    else if (v->type == QN_I8)
        snprintf(out, room, "%d", v->i8[i]);
    else if (isnan(v->f64[i]))
        snprintf(out, room, "%s", "");
    else
        snprintf(out, room, "%.*g", digits, v->f64[i]);
}

static int no_value(const qn_range *r, const char *asked)
{
    qn_buffer all = {0};
    for (size_t i = 0; i < r->coordinate->size && i < 40; i++) {
        char text[64];
        qn_cell_text(r->coordinate, i, 6, text, sizeof text);
        qn_buffer_add(&all, "%s%s", i ? ", " : "", text);
    }
    int err = qn_fail(QN_ERR_INPUT, "%s has no value %s; there are: %s%s", r->name, asked, all.text ? all.text : "none", r->coordinate->size > 40 ? ", ..." : "");
    qn_buffer_free(&all);
    return err;
}

static bool equal(const qn_var *c, size_t i, const char *text)
{
    double x;
    if (c->type == QN_STR)
        return c->str[i] && !strcmp(c->str[i], text);
    char shown[64];
    qn_cell_text(c, i, 6, shown, sizeof shown); /* as tables and messages show it */
    if (!strcmp(shown, text))
        return true;
    return !qn_parse_real(text, &x) && fabs(qn_var_number(c, i) - x) <= 1e-9 * fmax(fabs(x), fabs(qn_var_number(c, i)));
}

/* Keeps the values of one condition among those still kept. */
static int keep(qn_range *r, const char *values)
{
    const char *colon = strchr(values, ':');
    double low = -HUGE_VAL, high = HUGE_VAL;
    bool numeric = r->coordinate->type != QN_STR;
    size_t kept = 0;
    if (colon && numeric) {
        char left[64];
        snprintf(left, sizeof left, "%.*s", (int)(colon - values), values);
        if ((*left && qn_parse_real(left, &low)) || (colon[1] && qn_parse_real(colon + 1, &high)))
            return qn_fail(QN_ERR_INPUT, "--where %s=%s: a range is LOW:HIGH, two numbers", r->name, values);
        for (size_t i = 0; i < r->n; i++) {
            double x = qn_var_number(r->coordinate, r->index[i]), slack = 1e-9 * fabs(x);
            if (x >= low - slack && x <= high + slack)
                r->index[kept++] = r->index[i];
        }
        r->n = kept;
        return kept ? 0 : no_value(r, values);
    }
    bool *chosen = calloc(r->coordinate->size + 1, sizeof *chosen);
    int err = chosen ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (const char *v = values; !err;) {
        char one[128];
        size_t len = strcspn(v, ",");
        bool found = false;
        snprintf(one, sizeof one, "%.*s", (int)len, v);
        for (size_t i = 0; i < r->n; i++)
            if (equal(r->coordinate, r->index[i], one))
                found = chosen[r->index[i]] = true;
        if (!found)
            err = no_value(r, one);
        if (!v[len])
            break;
        v += len + 1;
    }
    for (size_t i = 0; !err && i < r->n; i++)
        if (chosen[r->index[i]])
            r->index[kept++] = r->index[i];
    if (!err)
        r->n = kept;
    free(chosen);
    return err;
}

static int apply(qn_selection *s, const char *condition)
{
    const char *eq = strchr(condition, '=');
    if (!eq || eq == condition || !eq[1])
        return qn_fail(QN_ERR_INPUT, "--where %s: NAME=VALUE is expected (also NAME=V1,V2 or NAME=LOW:HIGH)", condition);
    const char *names[QN_MAX_RANK];
    for (size_t r = 0; r < s->n; r++) {
        names[r] = s->range[r].name;
        if (strlen(names[r]) == (size_t)(eq - condition) && !strncmp(names[r], condition, (size_t)(eq - condition)) && s->range[r].coordinate)
            return keep(&s->range[r], eq + 1);
    }
    char name[96];
    snprintf(name, sizeof name, "%.*s", (int)(eq - condition), condition);
    const char *near = qn_nearest(name, s->n, names);
    qn_buffer all = {0};
    for (size_t r = 0; r < s->n; r++)
        qn_buffer_add(&all, "%s%s", r ? ", " : "", names[r]);
    int err = near ? qn_fail(QN_ERR_INPUT, "--where %s: there is no axis '%s'; did you mean '%s'?", condition, name, near)
                   : qn_fail(QN_ERR_INPUT, "--where %s: there is no axis '%s'; the axes are: %s", condition, name, all.text ? all.text : "none");
    qn_buffer_free(&all);
    return err;
}

int qn_select(const qn_dataset *d, const char *const *where, size_t n_where, qn_selection *s)
{
    memset(s, 0, sizeof *s);
    s->data = d;
    const char *axes = qn_attr_text(d, NULL, "axes");
    int err = 0;
    for (const char *a = axes; a && *a && !err; a += strcspn(a, " "), a += *a == ' ') {
        const qn_dim *dim = NULL;
        size_t len = strcspn(a, " ");
        for (size_t i = 0; i < d->n_dims && !dim; i++)
            if (strlen(d->dims[i].name) == len && !strncmp(d->dims[i].name, a, len))
                dim = &d->dims[i];
        err = dim ? add_range(s, dim->name, dim->n) : qn_fail(QN_ERR_DATA, "the axis %.*s is not in the file", (int)len, a);
    }
    s->n_axes = s->n;
    for (size_t i = 0; i < n_where && !err; i++)
        err = apply(s, where[i]);
    if (err)
        qn_selection_free(s);
    return err;
}

int qn_select_extend(qn_selection *s, const qn_var *v)
{
    int err = 0;
    for (size_t d = 0; d < v->rank && !err; d++) {
        bool known = false;
        for (size_t r = 0; r < s->n; r++)
            known |= !strcmp(s->range[r].name, v->dims[d]);
        if (!known)
            err = add_range(s, v->dims[d], v->shape[d]);
    }
    return err;
}

void qn_selection_free(qn_selection *s)
{
    for (size_t r = 0; r < s->n; r++)
        free(s->range[r].index);
    memset(s, 0, sizeof *s);
}

size_t qn_selection_rows(const qn_selection *s)
{
    size_t n = 1;
    for (size_t r = 0; r < s->n; r++)
        n *= s->range[r].n;
    return n;
}

size_t qn_selection_index(const qn_selection *s, size_t row, size_t r)
{
    for (size_t k = s->n; k-- > r + 1;)
        row /= s->range[k].n;
    return s->range[r].index[row % s->range[r].n];
}

bool qn_selection_place(const qn_selection *s, const qn_var *v, size_t row, size_t *out)
{
    *out = 0;
    for (size_t d = 0; d < v->rank; d++) {
        size_t r = 0;
        while (r < s->n && strcmp(s->range[r].name, v->dims[d]))
            r++;
        if (r == s->n)
            return false;
        *out = *out * v->shape[d] + qn_selection_index(s, row, r);
    }
    return true;
}

bool qn_is_observable(const qn_dataset *d, const qn_var *v)
{
    const char *kind = qn_attr_text(d, v, "kind");
    return kind && strcmp(kind, "coordinate");
}

const qn_var *qn_beside(const qn_dataset *d, const qn_var *v, const char *suffix)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s", v->name, suffix);
    return qn_dataset_find(d, name);
}

int qn_observable_find(const qn_dataset *d, const char *name, const qn_var **out)
{
    const char *names[256];
    size_t n = 0;
    *out = qn_dataset_find(d, name);
    if (*out && (qn_is_observable(d, *out) || qn_attr_text(d, *out, "kind")))
        return 0;
    qn_buffer all = {0};
    for (size_t i = 0; i < d->n_vars && n < 256; i++)
        if (qn_is_observable(d, d->vars[i])) {
            qn_buffer_add(&all, "%s%s", n ? ", " : "", d->vars[i]->name);
            names[n++] = d->vars[i]->name;
        }
    const char *near = qn_nearest(name, n, names);
    int err = near ? qn_fail(QN_ERR_INPUT, "there is no observable '%s'; did you mean '%s'?", name, near)
                   : qn_fail(QN_ERR_INPUT, "there is no observable '%s'; there are: %s", name, all.text ? all.text : "none");
    qn_buffer_free(&all);
    return err;
}
