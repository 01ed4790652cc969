/* params.c -- see params.h. */
#include "params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

int qn_schema_init(qn_schema *s, const qn_model *model)
{
    memset(s, 0, sizeof *s);
    size_t n = 0;
    while (model->parameters[n].name)
        n++;
    s->item = calloc(n ? n : 1, sizeof *s->item);
    if (!s->item)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    memcpy(s->item, model->parameters, n * sizeof *s->item);
    s->n = s->n_table = n;
    return 0;
}

void qn_schema_free(qn_schema *s)
{
    for (size_t i = s->n_table; i < s->n; i++) {
        free((void *)(uintptr_t)s->item[i].name);
        free((void *)(uintptr_t)s->item[i].meaning);
    }
    free(s->item);
    memset(s, 0, sizeof *s);
}

int qn_schema_index(const qn_schema *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->item[i].name, name))
            return (int)i;
    return -1;
}

int qn_schema_declare(qn_schema *s, const char *name, const char *found_in)
{
    int k = qn_schema_index(s, name);
    if (k >= 0)
        return s->item[k].type == QN_REAL ? 0 : qn_fail(QN_ERR_INPUT, "%s names '%s', which is a parameter but not a real one", found_in, name);
    qn_param *item = realloc(s->item, (s->n + 1) * sizeof *item);
    if (!item)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    s->item = item;
    char *copy = strdup(name), *meaning = qn_format("named in %s", found_in);
    if (!copy || !meaning) {
        free(copy);
        free(meaning);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    s->item[s->n++] = (qn_param){.name = copy, .type = QN_REAL, .unit = "1", .meaning = meaning, .flags = QN_REQUIRED | QN_RETUNE};
    return 0;
}

int qn_declare_real(void *to, const char *name, const char *found_in)
{
    return qn_schema_declare(to, name, found_in);
}

bool qn_value_numeric(const qn_param *p)
{
    return p->type == QN_INT || p->type == QN_REAL;
}

void qn_param_range(const qn_param *p, char out[128])
{
    if (p->min == 0 && p->max == 0) {
        snprintf(out, 128, "any %s", p->type == QN_INT ? "whole number" : "number");
        return;
    }
    char lo[40] = "", hi[40] = "";
    if (p->min > -HUGE_VAL)
        snprintf(lo, sizeof lo, "%.12g %s ", p->min, p->flags & QN_MIN_OPEN ? "<" : "<=");
    if (p->max < HUGE_VAL)
        snprintf(hi, sizeof hi, " %s %.12g", p->flags & QN_MAX_OPEN ? "<" : "<=", p->max);
    snprintf(out, 128, "%s%s%s%s", lo, p->name, hi, p->flags & QN_INFINITE ? ", or inf" : "");
}

bool qn_choice_name(const char *choices, size_t i, char out[64])
{
    for (const char *c = choices; c; c = strchr(c, '|'), c = c ? c + 1 : NULL)
        if (!i--) {
            snprintf(out, 64, "%.*s", (int)strcspn(c, "|"), c);
            return true;
        }
    return false;
}

int qn_value_check(const qn_param *p, double x)
{
    bool bounded = !(p->min == 0 && p->max == 0);
    bool low = p->flags & QN_MIN_OPEN ? x <= p->min : x < p->min, high = p->flags & QN_MAX_OPEN ? x >= p->max : x > p->max;
    if (!isfinite(x))
        return qn_fail(QN_ERR_INPUT, "%s must be a finite number", p->name);
    if (bounded && (low || high)) {
        char range[128];
        qn_param_range(p, range);
        return qn_fail(QN_ERR_INPUT, "%s = %.12g is out of range; allowed is %s", p->name, x, range);
    }
    return 0;
}

static int parse_choice(const qn_param *p, const char *text, qn_value *v)
{
    char name[32][64];
    const char *names[32];
    size_t n = 0;
    while (n < 32 && qn_choice_name(p->choices, n, name[n])) {
        names[n] = name[n];
        if (!strcmp(name[n], text)) {
            v->i = (int64_t)n;
            v->text = strdup(text);
            return v->text ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
        }
        n++;
    }
    const char *near = qn_nearest(text, n, names);
    if (near)
        return qn_fail(QN_ERR_INPUT, "%s cannot be '%s'; did you mean '%s'? (one of %s)", p->name, text, near, p->choices);
    return qn_fail(QN_ERR_INPUT, "%s cannot be '%s'; it is one of %s", p->name, text, p->choices);
}

static int parse_list(const qn_param *p, const char *text, qn_value *v)
{
    size_t n = 1;
    for (const char *c = text; *c; c++)
        n += *c == ',';
    v->list = calloc(n, sizeof *v->list);
    if (!v->list)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (const char *c = text; *c;) {
        char one[64];
        size_t len = strcspn(c, ",");
        const char *start = c + strspn(c, " ");
        size_t used = len - (size_t)(start - c);
        while (used && start[used - 1] == ' ')
            used--;
        snprintf(one, sizeof one, "%.*s", (int)used, start);
        if (qn_parse_real(one, &v->list[v->n_list])) {
            free(v->list);
            v->list = NULL;
            return qn_fail(QN_ERR_INPUT, "%s: '%s' is not a number; a list of numbers is expected", p->name, one);
        }
        if (v->list[v->n_list] == 0)
            v->list[v->n_list] = 0; /* no negative zero, as below */
        if (qn_value_check(p, v->list[v->n_list++])) {
            free(v->list);
            v->list = NULL;
            return QN_ERR_INPUT;
        }
        c += len;
        c += *c == ',';
    }
    return 0;
}

int qn_value_parse(const qn_param *p, const char *text, qn_value *out)
{
    qn_value v = {.set = true, .given = true};
    int err = 0;
    switch (p->type) {
    case QN_INT:
        if (qn_parse_int(text, &v.i)) {
            double x; /* 1e6 is a whole number too */
            if (qn_parse_real(text, &x) || x != floor(x) || fabs(x) > 9e15)
                return qn_fail(QN_ERR_INPUT, "%s must be a whole number, not '%s'", p->name, text);
            v.i = (int64_t)x;
        }
        v.r = (double)v.i;
        err = qn_value_check(p, v.r);
        break;
    case QN_REAL:
        if (p->flags & QN_INFINITE && (!strcmp(text, "inf") || !strcmp(text, ".inf"))) { /* .inf: as YAML writes it */
            v.r = HUGE_VAL;
            break;
        }
        if (qn_parse_real(text, &v.r))
            return qn_fail(QN_ERR_INPUT, "%s must be a %s, not '%s'", p->name, p->flags & QN_INFINITE ? "number or inf" : "finite number", text);
        if (v.r == 0)
            v.r = 0; /* no negative zero: it would be another key */
        err = qn_value_check(p, v.r);
        break;
    case QN_BOOL:
        if (strcmp(text, "true") && strcmp(text, "false"))
            return qn_fail(QN_ERR_INPUT, "%s must be true or false, not '%s'", p->name, text);
        v.i = text[0] == 't';
        break;
    case QN_CHOICE:
        err = parse_choice(p, text, &v);
        break;
    case QN_PATH:
    case QN_TEXT:
        if (p->type == QN_PATH && !*text)
            return qn_fail(QN_ERR_INPUT, "%s must be a path, not empty", p->name);
        v.text = strdup(text);
        err = v.text ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
        break;
    case QN_LIST:
        err = parse_list(p, text, &v);
        break;
    }
    if (!err)
        *out = v;
    return err;
}

int qn_value_copy(const qn_value *from, qn_value *to)
{
    *to = *from;
    to->text = from->text ? strdup(from->text) : NULL;
    to->list = from->list ? malloc(from->n_list * sizeof *to->list + 1) : NULL;
    if ((from->text && !to->text) || (from->list && !to->list)) {
        qn_value_free(to);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    if (from->n_list)
        memcpy(to->list, from->list, from->n_list * sizeof *to->list);
    return 0;
}

void qn_value_free(qn_value *v)
{
    free(v->text);
    free(v->list);
    memset(v, 0, sizeof *v);
}

/* The fewest digits, from 15 on, that read back as x. */
static const char *real_text(double x, char out[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            break;
    }
    return out;
}

char *qn_value_text(const qn_param *p, const qn_value *v)
{
    char number[32];
    switch (p->type) {
    case QN_INT:
        return qn_format("%lld", (long long)v->i);
    case QN_REAL:
        return qn_format("%s", real_text(v->r, number));
    case QN_BOOL:
        return qn_format("%s", v->i ? "true" : "false");
    case QN_CHOICE:
    case QN_PATH:
    case QN_TEXT:
        return qn_format("%s", v->text);
    case QN_LIST:
        break;
    }
    qn_buffer b = {0};
    qn_buffer_add(&b, "%s", "");
    for (size_t i = 0; i < v->n_list; i++)
        qn_buffer_add(&b, "%s%s", i ? "," : "", real_text(v->list[i], number));
    if (b.failed)
        qn_buffer_free(&b);
    return b.text;
}

int qn_params_init(qn_params *p, const qn_schema *s)
{
    p->schema = s;
    p->v = calloc(s->n ? s->n : 1, sizeof *p->v);
    if (!p->v)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < s->n; i++) {
        if (!s->item[i].def)
            continue;
        if (qn_value_parse(&s->item[i], s->item[i].def, &p->v[i])) {
            fprintf(stderr, "quench: the default of parameter %s is wrong: %s\n", s->item[i].name, qn_error_text());
            abort(); /* a bug in the model's table */
        }
        p->v[i].given = false;
    }
    return 0;
}

void qn_params_free(qn_params *p)
{
    for (size_t i = 0; p->v && i < p->schema->n; i++)
        qn_value_free(&p->v[i]);
    free(p->v);
    p->v = NULL;
}

/* ---- what a model reads --------------------------------------------------------------------------------------- */

static const qn_value *value_of(const qn_params *p, const char *name, unsigned types)
{
    int k = qn_schema_index(p->schema, name);
    if (k < 0 || !(types & 1u << p->schema->item[k].type)) {
        fprintf(stderr, "quench: a model asks for parameter '%s', which its table does not have with that type\n", name);
        abort();
    }
    return &p->v[k];
}

#define ANY_TYPE ~0u

bool qn_is_set(const qn_params *p, const char *name)
{
    return value_of(p, name, ANY_TYPE)->set;
}

bool qn_is_given(const qn_params *p, const char *name)
{
    return value_of(p, name, ANY_TYPE)->given;
}

int64_t qn_int(const qn_params *p, const char *name)
{
    return value_of(p, name, 1u << QN_INT)->i;
}

double qn_real(const qn_params *p, const char *name)
{
    return value_of(p, name, 1u << QN_INT | 1u << QN_REAL)->r;
}

bool qn_bool(const qn_params *p, const char *name)
{
    return value_of(p, name, 1u << QN_BOOL)->i;
}

int qn_choice(const qn_params *p, const char *name)
{
    return (int)value_of(p, name, 1u << QN_CHOICE)->i;
}

const char *qn_text(const qn_params *p, const char *name)
{
    return value_of(p, name, 1u << QN_TEXT | 1u << QN_PATH | 1u << QN_CHOICE)->text;
}

const double *qn_list(const qn_params *p, const char *name, size_t *n)
{
    const qn_value *v = value_of(p, name, 1u << QN_LIST);
    *n = v->n_list;
    return v->list;
}
