/* diff.c -- see diff.h. */
#include "diff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "select.h"

/* Keeps in both selections the values of every axis that both have, in the order of a. */
static int match_axes(qn_selection *a, qn_selection *b)
{
    if (a->n != b->n)
        return qn_fail(QN_ERR_INPUT, "the files have %zu and %zu axes; only results over the same axes can be compared", a->n, b->n);
    for (size_t r = 0; r < a->n; r++) {
        qn_range *x = &a->range[r], *y = NULL;
        for (size_t k = 0; k < b->n; k++)
            if (!strcmp(b->range[k].name, x->name))
                y = &b->range[k];
        if (!y || !x->coordinate || !y->coordinate || (x->coordinate->type == QN_STR) != (y->coordinate->type == QN_STR))
            return qn_fail(QN_ERR_INPUT, "the axis %s is in one file only; only results over the same axes can be compared", x->name);
        size_t kept = 0, *ia = malloc((x->n + 1) * sizeof *ia), *ib = malloc((x->n + 1) * sizeof *ib);
        if (!ia || !ib) {
            free(ia);
            free(ib);
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        }
        for (size_t i = 0; i < x->n; i++)
            for (size_t j = 0; j < y->n; j++) {
                char s[64], t[64];
                qn_cell_text(x->coordinate, i, 12, s, sizeof s);
                qn_cell_text(y->coordinate, j, 12, t, sizeof t);
                if (!strcmp(s, t)) {
                    ia[kept] = i;
                    ib[kept++] = j;
                    break;
                }
            }
        free(x->index);
        free(y->index);
        x->index = ia;
        y->index = ib;
        x->n = y->n = kept;
    }
    return 0;
}

static void place_text(const qn_selection *s, size_t row, char *out, size_t room)
{
    *out = 0;
    for (size_t r = 0; r < s->n; r++) {
        char value[64];
        size_t k = qn_selection_index(s, row, r), used = strlen(out);
        if (s->range[r].coordinate)
            qn_cell_text(s->range[r].coordinate, k, 6, value, sizeof value);
        else
            snprintf(value, sizeof value, "%zu", k);
        snprintf(out + used, room - used, "%s%s=%s", r ? " " : "", s->range[r].name, value);
    }
}

static int compare(const qn_selection *a, const qn_selection *b, const qn_var *x, const qn_var *y, qn_diff_row *row)
{
    qn_selection sa = *a, sb = *b;
    int err = qn_select_extend(&sa, x);
    if (!err)
        err = qn_select_extend(&sb, y);
    for (size_t r = a->n; !err && r < sa.n && r < sb.n; r++) /* own dimensions: what both have */
        sa.range[r].n = sb.range[r].n = sa.range[r].n < sb.range[r].n ? sa.range[r].n : sb.range[r].n;
    const qn_var *ex = qn_beside(sa.data, x, "_err"), *ey = qn_beside(sb.data, y, "_err");
    row->judged = ex && ey && ex->type == QN_F64 && ey->type == QN_F64;
    for (size_t k = 0; !err && k < qn_selection_rows(&sa); k++) {
        size_t i, j;
        if (!qn_selection_place(&sa, x, k, &i) || !qn_selection_place(&sb, y, k, &j))
            continue;
        double u = x->f64[i], v = y->f64[j];
        row->cells++;
        if (!memcmp(&u, &v, sizeof u) || (isnan(u) && isnan(v))) {
            row->same++;
            continue;
        }
        double e = row->judged ? hypot(ex->f64[i], ey->f64[j]) : NAN, z = u == v ? 0 : isfinite(e) ? fabs(u - v) / e : HUGE_VAL;
        if (isnan(u) || isnan(v))
            z = HUGE_VAL;
        if (z >= row->z) {
            row->z = z;
            place_text(&sa, k, row->place, sizeof row->place);
        }
    }
    for (size_t r = a->n; r < sa.n; r++)
        free(sa.range[r].index);
    for (size_t r = b->n; r < sb.n; r++)
        free(sb.range[r].index);
    return err;
}

static void name_missing(const qn_dataset *from, const qn_dataset *in, char *out, size_t room)
{
    for (size_t i = 0; i < from->n_vars; i++)
        if (qn_is_observable(from, from->vars[i]) && !qn_dataset_find(in, from->vars[i]->name)) {
            size_t used = strlen(out);
            snprintf(out + used, room - used, "%s%s", used ? " " : "", from->vars[i]->name);
        }
}

int qn_diff_make(const qn_dataset *a, const qn_dataset *b, qn_diff *out)
{
    qn_selection sa, sb;
    memset(out, 0, sizeof *out);
    int err = qn_select(a, NULL, 0, &sa);
    if (err)
        return err;
    if ((err = qn_select(b, NULL, 0, &sb))) {
        qn_selection_free(&sa);
        return err;
    }
    size_t all_a = qn_selection_rows(&sa), all_b = qn_selection_rows(&sb), cells = 0;
    err = match_axes(&sa, &sb);
    out->row = calloc(a->n_vars + 1, sizeof *out->row);
    if (!out->row && !err)
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    out->points = err ? 0 : qn_selection_rows(&sa);
    out->only_a = all_a - out->points;
    out->only_b = all_b - out->points;
    for (size_t i = 0; i < a->n_vars && !err; i++) {
        const qn_var *x = a->vars[i], *y = qn_dataset_find(b, x->name);
        if (!qn_is_observable(a, x) || !y || x->type != QN_F64 || y->type != QN_F64)
            continue;
        out->row[out->n].name = x->name;
        err = compare(&sa, &sb, x, y, &out->row[out->n]);
        cells += out->row[out->n].cells - out->row[out->n].same;
        out->n++;
    }
    name_missing(a, b, out->missing, sizeof out->missing);
    name_missing(b, a, out->missing, sizeof out->missing);
    out->limit = gsl_cdf_ugaussian_Qinv(0.005 / (double)(cells ? cells : 1));
    out->identical = !*out->missing && !out->only_a && !out->only_b;
    out->compatible = out->points > 0;
    for (size_t i = 0; i < out->n; i++) {
        const qn_diff_row *r = &out->row[i];
        out->identical &= r->same == r->cells;
        out->compatible &= r->same == r->cells || r->z <= out->limit;
    }
    qn_selection_free(&sa);
    qn_selection_free(&sb);
    if (err)
        qn_diff_free(out);
    return err;
}

void qn_diff_free(qn_diff *d)
{
    free(d->row);
    memset(d, 0, sizeof *d);
}
