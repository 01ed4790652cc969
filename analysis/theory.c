/* theory.c -- see theory.h. */
#include "theory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"

/* All quantities at all points: n numbers a point, allocated. */
static int evaluate(const qn_sweep *s, size_t *n, double **values)
{
    const qn_model *m = s->model;
    *n = 0;
    *values = NULL;
    if (!m->theory || !m->theory_at)
        return qn_fail(QN_ERR_INPUT, "model %s has no theory", m->name);
    while (m->theory[*n].name)
        ++*n;
    *values = calloc(s->n_points * *n + 1, sizeof **values);
    int err = *values ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for %zu points", s->n_points);
    for (size_t i = 0; i < s->n_points && !err; i++) {
        qn_params p;
        err = qn_sweep_point(s, i, &p);
        if (err)
            break;
        err = m->theory_at(&p, *values + i * *n);
        qn_params_free(&p);
    }
    if (err) {
        free(*values);
        *values = NULL;
    }
    return err;
}

static int add_quantity(qn_dataset *d, const qn_quantity *q, size_t n_axes, const char *const *axes, qn_var **v)
{
    int err = qn_dataset_var(d, q->name, QN_F64, n_axes, axes, v);
    if (!err)
        err = qn_attr_str(d, *v, "units", q->unit ? q->unit : "1");
    if (!err && q->meaning)
        err = qn_attr_str(d, *v, "long_name", q->meaning);
    if (!err && q->symbol)
        err = qn_attr_str(d, *v, "symbol", q->symbol);
    if (!err)
        err = qn_attr_str(d, *v, "kind", "theory");
    if (!err && q->locates)
        err = qn_attr_str(d, *v, "locates", q->locates);
    return err;
}

int qn_theory_build(const qn_sweep *s, qn_dataset **out)
{
    double *values;
    size_t n;
    const char *axes[QN_MAX_RANK];
    qn_dataset *d = NULL;
    *out = NULL;
    if (s->n_axes > QN_MAX_RANK)
        return qn_fail(QN_ERR_INPUT, "%zu axes are more than a file holds; at most %d", s->n_axes, QN_MAX_RANK);
    int err = evaluate(s, &n, &values);
    if (err)
        return err;
    for (size_t a = 0; a < s->n_axes; a++)
        axes[a] = s->schema.item[s->axis[a].param].name;
    err = qn_dataset_new(&d);
    if (!err)
        err = qn_result_head(d, s);
    for (size_t k = 0; k < n && !err; k++) {
        qn_var *v;
        err = add_quantity(d, &s->model->theory[k], s->n_axes, axes, &v);
        for (size_t i = 0; i < s->n_points && !err; i++)
            v->f64[i] = values[i * n + k];
    }
    free(values);
    if (err)
        qn_dataset_free(d);
    else
        *out = d;
    return err;
}

/* ---- CSV ---- */

/* What stands before the quantities: the parameters that are swept, in the order of the axes, or else the numbers that were given. */
static size_t leading(const qn_sweep *s, size_t *param)
{
    size_t n = 0;
    for (size_t a = 0; a < s->n_axes; a++)
        param[n++] = s->axis[a].param;
    for (size_t i = 0; !s->n_axes && i < s->schema.n; i++)
        if (s->fixed.v[i].set && s->fixed.v[i].given && qn_value_numeric(&s->schema.item[i]))
            param[n++] = i;
    return n;
}

static int write_value(const qn_param *p, const qn_value *v, FILE *out)
{
    if (p->type == QN_REAL) {
        fprintf(out, "%.10g", v->r);
        return 0;
    }
    char *text = qn_value_text(p, v);
    if (!text)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    bool quote = strpbrk(text, ",\"\n") != NULL;
    if (quote)
        fputc('"', out);
    for (const char *c = text; *c; c++)
        fprintf(out, "%s%c", *c == '"' ? "\"" : "", *c);
    if (quote)
        fputc('"', out);
    free(text);
    return 0;
}

static int write_point(const qn_sweep *s, size_t point, size_t n_lead, const size_t *lead, FILE *out)
{
    qn_params p;
    int err = qn_sweep_point(s, point, &p);
    if (err)
        return err;
    for (size_t k = 0; k < n_lead && !err; k++) {
        if (k)
            fputc(',', out);
        err = write_value(&s->schema.item[lead[k]], &p.v[lead[k]], out);
    }
    qn_params_free(&p);
    return err;
}

int qn_theory_csv(const qn_sweep *s, FILE *out)
{
    double *values;
    size_t n;
    int err = evaluate(s, &n, &values);
    if (err)
        return err;
    size_t *lead = calloc(s->schema.n + s->n_axes + 1, sizeof *lead);
    if (!lead) {
        free(values);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    size_t n_lead = leading(s, lead);
    for (size_t k = 0; k < n_lead; k++)
        fprintf(out, "%s%s", k ? "," : "", s->schema.item[lead[k]].name);
    for (size_t k = 0; k < n; k++)
        fprintf(out, "%s%s", k || n_lead ? "," : "", s->model->theory[k].name);
    fputc('\n', out);
    for (size_t i = 0; i < s->n_points && !err; i++) {
        err = write_point(s, i, n_lead, lead, out);
        for (size_t k = 0; k < n && !err; k++)
            fprintf(out, "%s%.10g", k || n_lead ? "," : "", values[i * n + k]);
        if (!err)
            fputc('\n', out);
    }
    free(lead);
    free(values);
    if (!err && (fflush(out) || ferror(out)))
        err = qn_fail(QN_ERR_IO, "the table could not be written: %s", strerror(errno));
    return err;
}
