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
    *r = (qn_range){.name = name, .coordinate = c && c->rank == 1 && c->size == n ? c : NULL, .whole = n, .n = n, .index = malloc((n + 1) * sizeof *r->index)};
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

/* A condition: NAME, what stands between, the rest. */
typedef enum { IS, AT_LEAST, ABOVE, AT_MOST, BELOW } relation;
typedef struct condition {
    char name[96];
    relation is;
    const char *values, *text;
} condition;

static int split(const char *text, condition *c)
{
    size_t n = strcspn(text, "=<>");
    const char *at = text + n;
    bool with_equal = at[0] && at[1] == '=';
    if (n == 0 || n >= sizeof c->name || !*at || !at[1 + with_equal] || (*at == '=' && with_equal))
        return qn_fail(QN_ERR_INPUT, "--where %s: NAME=VALUE is expected (also NAME=V1,V2, NAME=LOW:HIGH, NAME>=VALUE, NAME<VALUE)", text);
    snprintf(c->name, sizeof c->name, "%.*s", (int)n, text);
    c->is = *at == '=' ? IS : *at == '>' ? (with_equal ? AT_LEAST : ABOVE) : with_equal ? AT_MOST : BELOW;
    c->values = at + 1 + with_equal;
    c->text = text;
    return 0;
}

static int no_value(const qn_var *v, const condition *c)
{
    static const char *const sign[] = {"", ">=", ">", "<=", "<"};
    qn_buffer all = {0};
    for (size_t i = 0; i < v->size && i < 40; i++) {
        char text[64];
        qn_cell_text(v, i, 6, text, sizeof text);
        qn_buffer_add(&all, "%s%s", i ? ", " : "", text);
    }
    int err = qn_fail(QN_ERR_INPUT, "%s has no value %s%s; there are: %s%s", c->name, sign[c->is], c->values, all.text ? all.text : "none", v->size > 40 ? ", ..." : "");
    qn_buffer_free(&all);
    return err;
}

/* Keeps the places whose coordinate lies in a range; without its ends when `open`. */
static int keep_between(qn_range *r, const qn_var *v, const condition *c, double low, double high, bool open)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        double x = qn_var_number(v, r->index[i]), slack = (open ? -1e-9 : 1e-9) * fabs(x);
        if (x >= low - slack && x <= high + slack)
            r->index[kept++] = r->index[i];
    }
    r->n = kept;
    return kept ? 0 : no_value(v, c);
}

/* Keeps the places of a range, with the coordinate v, that meet the condition among those still kept. */
static int keep(qn_range *r, const qn_var *v, const condition *c)
{
    const char *colon = strchr(c->values, ':');
    double low = -HUGE_VAL, high = HUGE_VAL;
    bool numeric = v->type != QN_STR;
    size_t kept = 0;
    if (c->is != IS) {
        double *end = c->is == AT_LEAST || c->is == ABOVE ? &low : &high;
        if (!numeric || qn_parse_real(c->values, end))
            return qn_fail(QN_ERR_INPUT, "--where %s: %s takes a number to compare with", c->text, c->name);
        return keep_between(r, v, c, low, high, c->is == ABOVE || c->is == BELOW);
    }
    if (colon && numeric) {
        char left[64];
        snprintf(left, sizeof left, "%.*s", (int)(colon - c->values), c->values);
        if ((*left && qn_parse_real(left, &low)) || (colon[1] && qn_parse_real(colon + 1, &high)))
            return qn_fail(QN_ERR_INPUT, "--where %s: a range is LOW:HIGH, two numbers", c->text);
        return keep_between(r, v, c, low, high, false);
    }
    bool *chosen = calloc(v->size + 1, sizeof *chosen);
    int err = chosen ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (const char *from = c->values; !err;) {
        condition one = *c;
        char value[128];
        size_t len = strcspn(from, ",");
        bool found = false;
        snprintf(value, sizeof value, "%.*s", (int)len, from);
        one.values = value;
        for (size_t i = 0; i < r->n; i++)
            if (equal(v, r->index[i], value))
                found = chosen[r->index[i]] = true;
        if (!found)
            err = no_value(v, &one);
        if (!from[len])
            break;
        from += len + 1;
    }
    for (size_t i = 0; !err && i < r->n; i++)
        if (chosen[r->index[i]])
            r->index[kept++] = r->index[i];
    if (!err)
        r->n = kept;
    free(chosen);
    return err;
}

/* The range that the name cuts, and the numbers to compare: those of an axis, or of a quantity given along one axis (a parameter of a list of
 * points).  NULL when there is none. */
static qn_range *find_range(qn_selection *s, const char *name, const qn_var **v)
{
    *v = qn_dataset_find(s->data, name);
    for (size_t r = 0; r < s->n; r++)
        if (!strcmp(s->range[r].name, name) && s->range[r].coordinate) {
            *v = s->range[r].coordinate;
            return &s->range[r];
        }
    for (size_t r = 0; *v && (*v)->rank == 1 && r < s->n; r++)
        if (!strcmp(s->range[r].name, (*v)->dims[0]) && (*v)->size == s->range[r].whole)
            return &s->range[r];
    return NULL;
}

static int apply(qn_selection *s, const char *text)
{
    condition c;
    const qn_var *v;
    int err = split(text, &c);
    if (err)
        return err;
    qn_range *r = find_range(s, c.name, &v);
    if (r)
        return keep(r, v, &c);
    const char *names[QN_MAX_RANK];
    for (size_t i = 0; i < s->n; i++)
        names[i] = s->range[i].name;
    const char *near = qn_nearest(c.name, s->n, names);
    qn_buffer all = {0};
    for (size_t i = 0; i < s->n; i++)
        qn_buffer_add(&all, "%s%s", i ? ", " : "", names[i]);
    err = near ? qn_fail(QN_ERR_INPUT, "--where %s: there is no axis '%s'; did you mean '%s'?", text, c.name, near)
               : qn_fail(QN_ERR_INPUT, "--where %s: there is no axis '%s'; the axes are: %s", text, c.name, all.text ? all.text : "none");
    qn_buffer_free(&all);
    return err;
}

static int axes_of(const qn_dataset *d, qn_selection *s)
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
    return err;
}

int qn_select(const qn_dataset *d, const char *const *where, size_t n_where, qn_selection *s)
{
    int err = axes_of(d, s);
    for (size_t i = 0; i < n_where && !err; i++)
        err = apply(s, where[i]);
    if (err)
        qn_selection_free(s);
    return err;
}

int qn_select_over(const qn_dataset *d, const qn_var *v, const char *const *where, size_t n_where, qn_selection *s)
{
    int err = axes_of(d, s);
    if (!err && v)
        err = qn_select_extend(s, v);
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
