/* axis.c -- see axis.h. */
#include "axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* ---- single values -------------------------------------------------------------------------------------------------- */

void qn_node_whole(qn_problems *c, const qn_node *map, const char *key, int64_t lo, int64_t hi, int64_t *out)
{
    const qn_node *v = qn_node_get(map, key);
    const qn_param as = {.name = key, .type = QN_INT, .min = (double)lo, .max = (double)hi};
    qn_value x;
    if (!v)
        return;
    if (v->kind != QN_NODE_SCALAR)
        qn_problem_at(c, v, "%s must be a whole number", key);
    else if (qn_value_parse(&as, v->text, &x))
        qn_problem_at(c, v, "%s", qn_error_text());
    else
        *out = x.i;
}

bool qn_node_value(qn_problems *c, const qn_param *p, const qn_node *n, qn_value *out)
{
    qn_buffer joined = {0};
    const char *text = n->text;
    if (n->kind == QN_NODE_SEQUENCE && p->type == QN_LIST) {
        qn_buffer_add(&joined, "%s", "");
        for (size_t i = 0; i < n->n; i++)
            qn_buffer_add(&joined, "%s%s", i ? "," : "", n->items[i]->kind == QN_NODE_SCALAR ? n->items[i]->text : "?");
        text = joined.text;
    } else if (n->kind != QN_NODE_SCALAR) {
        qn_problem_at(c, n, "%s takes one value here; a list or range of values goes under `sweep:`", p->name);
        return false;
    }
    bool ok = false;
    if (n->kind == QN_NODE_SCALAR && qn_node_is_null(n) && p->type != QN_TEXT)
        qn_problem_at(c, n, "%s has no value", p->name);
    else if (!text || qn_value_parse(p, text, out))
        qn_problem_at(c, n, "%s", text ? qn_error_text() : "out of memory");
    else
        ok = true;
    qn_buffer_free(&joined);
    return ok;
}

/* ---- axes ---------------------------------------------------------------------------------------------------------- */

static bool range_number(qn_problems *c, const qn_node *at, const char *key, double *out)
{
    const qn_node *v = qn_node_get(at, key);
    if (!v)
        return false;
    if (v->kind == QN_NODE_SCALAR && !qn_parse_real(v->text, out))
        return true;
    qn_problem_at(c, v, "%s must be a number", key);
    *out = NAN;
    return true;
}

/* Generated values are rounded to 12 significant digits, so that points of a refined grid keep their keys. */
static void axis_range(qn_problems *c, const qn_param *p, const qn_node *name, const qn_node *at, qn_axis *a)
{
    static const char *const known[] = {"from", "to", "points", "step", "scale"};
    qn_node_check_keys(c, at, "in a range", 5, known);
    double from = 0, to = 0, step = 0;
    int64_t points = 0;
    bool has_from = range_number(c, at, "from", &from), has_to = range_number(c, at, "to", &to), has_step = range_number(c, at, "step", &step);
    bool has_points = qn_node_get(at, "points") != NULL;
    const qn_node *scale = qn_node_get(at, "scale");
    if (!qn_value_numeric(p)) {
        qn_problem_at(c, name, "%s is not numeric, so a range makes no sense; list its values: [a, b]", p->name);
        return;
    }
    if (!has_from || !has_to || has_step == has_points) {
        qn_problem_at(c, name, "a range needs from, to and either points or step: {from: 0, to: 0.2, points: 21}");
        return;
    }
    if (scale) {
        if (scale->kind != QN_NODE_SCALAR || (strcmp(scale->text, "log") && strcmp(scale->text, "linear")))
            qn_problem_at(c, scale, "scale is linear or log");
        else
            a->log = !strcmp(scale->text, "log");
    }
    size_t before = c->n;
    qn_node_whole(c, at, "points", 1, 10000000, &points);
    if (c->n > before || !isfinite(from) || !isfinite(to) || (has_step && !isfinite(step)))
        return;
    if (has_step) {
        double n = step != 0 ? floor((to - from) / step + 1e-9) + 1 : 0;
        if (a->log || !(n >= 1 && n <= 1e7)) {
            qn_problem_at(c, qn_node_get(at, "step"), "step must lead from `from` to `to` on a linear scale in at most 10 million steps");
            return;
        }
        points = (int64_t)n;
        to = from + step * (double)(points - 1);
    }
    if (a->log && !(from > 0 && to > 0)) {
        qn_problem_at(c, name, "a log range needs from > 0 and to > 0");
        return;
    }
    a->value = calloc((size_t)points, sizeof *a->value);
    if (!a->value) {
        qn_problem_at(c, name, "out of memory");
        return;
    }
    for (int64_t i = 0; i < points; i++) {
        double f = points > 1 ? (double)i / (double)(points - 1) : 0;
        double x = i == 0 ? from : i == points - 1 ? to : a->log ? from * pow(to / from, f) : from + (to - from) * f;
        char text[64];
        snprintf(text, sizeof text, p->type == QN_INT ? "%.0f" : "%.12g", x); /* 12 digits: 0.3 is 0.3 whichever range made it */
        if (qn_value_parse(p, text, &a->value[a->n])) {
            qn_problem_at(c, name, "%s", qn_error_text());
            return;
        }
        a->n++;
    }
}

static void axis_list(qn_problems *c, const qn_param *p, const qn_node *at, qn_axis *a)
{
    size_t n = at->kind == QN_NODE_SEQUENCE ? at->n : 1;
    a->value = calloc(n ? n : 1, sizeof *a->value);
    if (!a->value) {
        qn_problem_at(c, at, "out of memory");
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (qn_node_value(c, p, at->kind == QN_NODE_SEQUENCE ? at->items[i] : at, &a->value[a->n]))
            a->n++;
}

/* ---- the same value twice would be the same tasks twice ------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void refuse_equal_numbers(qn_problems *c, const qn_param *p, const qn_node *name, const qn_axis *a)
{
    double *x = malloc(a->n * sizeof *x);
    for (size_t i = 0; x && i < a->n; i++)
        x[i] = a->value[i].r;
    if (x)
        qsort(x, a->n, sizeof *x, by_number);
    for (size_t i = 1; x && i < a->n; i++)
        if (x[i] == x[i - 1]) {
            qn_problem_at(c, name, "%s has the value %.12g twice", p->name, x[i]);
            break;
        }
    free(x);
}

static void refuse_equal_texts(qn_problems *c, const qn_param *p, const qn_node *name, const qn_axis *a)
{
    char **x = calloc(a->n, sizeof *x);
    bool whole = x != NULL;
    for (size_t i = 0; whole && i < a->n; i++)
        whole = (x[i] = qn_value_text(p, &a->value[i])) != NULL;
    if (whole)
        qsort(x, a->n, sizeof *x, by_text);
    for (size_t i = 1; whole && i < a->n; i++)
        if (!strcmp(x[i], x[i - 1])) {
            qn_problem_at(c, name, "%s has the value %s twice", p->name, x[i]);
            break;
        }
    for (size_t i = 0; x && i < a->n; i++)
        free(x[i]);
    free(x);
}

void qn_axis_read(qn_problems *c, const qn_param *p, const qn_node *name, const qn_node *at, qn_axis *a)
{
    if (qn_node_is_null(at) || (at->kind == QN_NODE_SEQUENCE && !at->n)) {
        qn_problem_at(c, name, "%s has no values to sweep", p->name);
        return;
    }
    if (at->kind == QN_NODE_MAPPING)
        axis_range(c, p, name, at, a);
    else
        axis_list(c, p, at, a);
    if (a->n > 1 && qn_value_numeric(p))
        refuse_equal_numbers(c, p, name, a);
    else if (a->n > 1)
        refuse_equal_texts(c, p, name, a);
}
