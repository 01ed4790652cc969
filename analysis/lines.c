/* lines.c -- see lines.h. */
#include "lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "text.h"

#define LIST "point" /* the dimension of a set of points that is no grid */

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the lines");
}

/* ---- which range runs along the lines ------------------------------------------------------------------------------ */

static size_t range_called(const qn_selection *s, const char *name)
{
    for (size_t r = 0; r < s->n; r++)
        if (!strcmp(s->range[r].name, name))
            return r;
    return QN_NONE;
}

/* The range along which v runs: the one that it names (attribute `along`), else that along which it changes most, seen from the first place; QN_NONE
 * when along none. */
static size_t varies_along(const qn_selection *s, const qn_var *v)
{
    size_t best = QN_NONE, first, last;
    double most = 0;
    const char *named = qn_attr_text(s->data, v, "along");
    for (size_t r = 0; r < s->n; r++) {
        if (named && !strcmp(named, s->range[r].name))
            return r;
        size_t row = s->range[r].n - 1;
        for (size_t k = r + 1; k < s->n; k++)
            row *= s->range[k].n;
        if (!qn_selection_place(s, v, 0, &first) || !qn_selection_place(s, v, row, &last))
            continue;
        double change = fabs(qn_var_number(v, last) - qn_var_number(v, first));
        if (change > most) {
            most = change;
            best = r;
        }
    }
    return best;
}

static int no_axis(const qn_lines *l, const char *along)
{
    const char *names[QN_MAX_RANK + 64];
    size_t n = 0;
    for (size_t r = 0; r < l->sel.n; r++)
        names[n++] = l->sel.range[r].name;
    for (size_t i = 0; i < l->sel.data->n_vars && n < QN_MAX_RANK + 64; i++) {
        const char *kind = qn_attr_text(l->sel.data, l->sel.data->vars[i], "kind");
        if (kind && !strcmp(kind, "coordinate"))
            names[n++] = l->sel.data->vars[i]->name;
    }
    qn_buffer all = {0};
    for (size_t i = 0; i < n; i++)
        qn_buffer_add(&all, "%s%s", i ? ", " : "", names[i]);
    const char *near = along ? qn_nearest(along, n, names) : NULL;
    int err = !along ? qn_fail(QN_ERR_INPUT, "--along says along which axis; %s has: %s", l->s->name, all.text ? all.text : "none")
              : near ? qn_fail(QN_ERR_INPUT, "--along %s: %s has no axis of that name; did you mean '%s'?", along, l->s->name, near)
                     : qn_fail(QN_ERR_INPUT, "--along %s: %s has no axis of that name; it has: %s", along, l->s->name, all.text ? all.text : "none");
    qn_buffer_free(&all);
    return err;
}

static int find_along(qn_lines *l, const char *along, size_t *r)
{
    size_t live = 0;
    *r = QN_NONE;
    for (size_t k = 0; k < l->sel.n && !along; k++)
        if (l->sel.range[k].n > 1) {
            *r = k;
            live++;
        }
    if (!along && live != 1)
        return no_axis(l, NULL);
    if (along && (*r = range_called(&l->sel, along)) == QN_NONE) {
        const qn_var *v = qn_dataset_find(l->sel.data, along);
        if (!v || v->type == QN_STR || !v->rank || (*r = varies_along(&l->sel, v)) == QN_NONE)
            return no_axis(l, along);
        l->x = v;
        l->along = v->name;
        return 0;
    }
    const qn_range *range = &l->sel.range[*r];
    char each[128];
    snprintf(each, sizeof each, "%s_value", range->name);
    l->along = range->name;
    l->x = range->coordinate ? range->coordinate : qn_dataset_find(l->sel.data, each);
    if (l->x && l->x->type == QN_STR)
        return qn_fail(QN_ERR_INPUT, "--along %s: its values are words, not numbers", l->along);
    return 0;
}

/* ---- which line a row is on ---------------------------------------------------------------------------------------- */

static int add_by(qn_lines *l, const char *name, const qn_var *values, size_t room)
{
    if (l->n_by == QN_MAX_RANK)
        return qn_fail(QN_ERR_INPUT, "more than %d quantities tell the lines apart", QN_MAX_RANK);
    qn_lines_by *b = &l->by[l->n_by];
    *b = (qn_lines_by){.name = name, .values = values, .place = malloc((room + 1) * sizeof *b->place)};
    if (!b->place)
        return no_memory();
    l->n_by++;
    return 0;
}

/* Parameters of a list of points other than the one along which the lines run. */
static bool is_parameter_of_list(const qn_dataset *d, const qn_var *v, const qn_var *along)
{
    const char *kind = qn_attr_text(d, v, "kind"), *swept = qn_attr_text(d, NULL, "swept");
    if (v == along || v->rank != 1 || strcmp(v->dims[0], LIST) || !strcmp(v->name, LIST) || !kind || strcmp(kind, "coordinate"))
        return false;
    size_t n = strlen(v->name);
    for (const char *a = swept; a && (a = strstr(a, v->name)); a++)
        if ((a == swept || a[-1] == ' ') && (!a[n] || a[n] == ' '))
            return true;
    return !swept;
}

/* Of a list: the different values of each parameter; index of each place among them in rank[by][place]. */
typedef struct valued {
    double x;
    const char *text;
    size_t place;
} valued;

static int by_value(const void *a, const void *b)
{
    const valued *u = a, *v = b;
    return u->text ? strcmp(u->text, v->text) : u->x < v->x ? -1 : u->x > v->x;
}

static int find_values(qn_lines *l, size_t k, const qn_range *points, size_t *rank)
{
    qn_lines_by *b = &l->by[k];
    valued *v = malloc((points->n + 1) * sizeof *v);
    if (!v)
        return no_memory();
    for (size_t i = 0; i < points->n; i++)
        v[i] = (valued){qn_var_number(b->values, points->index[i]), b->values->type == QN_STR ? b->values->str[points->index[i]] : NULL, i};
    qsort(v, points->n, sizeof *v, by_value);
    for (size_t i = 0; i < points->n; i++) {
        bool same = i && (v[i].text ? !strcmp(v[i].text, v[i - 1].text) : fabs(v[i].x - v[i - 1].x) <= 1e-9 * fmax(fabs(v[i].x), fabs(v[i - 1].x)));
        if (!same)
            b->place[b->n++] = points->index[v[i].place];
        rank[v[i].place] = b->n - 1;
    }
    free(v);
    return 0;
}

static int find_lines(qn_lines *l, size_t r, size_t **line_of, size_t *rows)
{
    qn_selection *s = &l->sel;
    const bool list = l->x && l->x->rank == 1 && !strcmp(s->range[r].name, LIST) && strcmp(l->x->name, LIST);
    size_t first = 0, *rank = NULL;
    int err = 0;
    *rows = qn_selection_rows(s);
    *line_of = malloc((*rows + 1) * sizeof **line_of);
    for (size_t k = 0; k < s->n && !err; k++) {
        if (k == r)
            continue;
        err = add_by(l, s->range[k].name, s->range[k].coordinate, s->range[k].n);
        if (err)
            break;
        l->by[first].n = s->range[k].n;
        memcpy(l->by[first++].place, s->range[k].index, s->range[k].n * sizeof *s->range[k].index);
    }
    for (size_t i = 0; list && i < s->data->n_vars && !err; i++)
        if (is_parameter_of_list(s->data, s->data->vars[i], l->x))
            err = add_by(l, s->data->vars[i]->name, s->data->vars[i], s->range[r].n);
    rank = calloc(l->n_by * s->range[r].n + 1, sizeof *rank);
    if (!err && (!rank || !*line_of))
        err = no_memory();
    for (size_t k = first; k < l->n_by && !err; k++)
        err = find_values(l, k, &s->range[r], rank + k * s->range[r].n);
    size_t all = 1, *number = NULL;
    for (size_t k = 0; k < l->n_by && !err; k++)
        all *= l->by[k].n;
    if (!err && all > 100000000)
        err = qn_fail(QN_ERR_INPUT, "there are more than 10^8 lines along %s; --where takes fewer", l->along);
    if (!err && !(number = calloc(all + 1, sizeof *number)))
        err = no_memory();
    for (size_t row = 0; row < *rows && !err; row++) { /* the line's place in the grid of all values */
        size_t at = 0, k = 0, rest = row, here[QN_MAX_RANK];
        for (size_t q = s->n; q-- > 0;) {
            here[q] = rest % s->range[q].n;
            rest /= s->range[q].n;
        }
        for (size_t q = 0; q < s->n; q++)
            if (q != r) {
                at = at * l->by[k].n + here[q];
                k++;
            }
        for (; k < l->n_by; k++)
            at = at * l->by[k].n + rank[k * s->range[r].n + here[r]];
        (*line_of)[row] = at;
        number[at]++;
    }
    for (size_t at = 0; at < all && !err; at++) /* those that have points, numbered */
        number[at] = number[at] ? l->n++ : QN_NONE;
    l->list = l->n < all;
    l->line = calloc(l->n + 1, sizeof *l->line);
    l->which = calloc(l->n * l->n_by + 1, sizeof *l->which);
    if (!err && (!l->line || !l->which))
        err = no_memory();
    for (size_t at = 0; at < all && !err; at++) {
        size_t rest = at;
        for (size_t k = l->n_by; number[at] != QN_NONE && k-- > 0; rest /= l->by[k].n)
            l->which[number[at] * l->n_by + k] = rest % l->by[k].n;
    }
    for (size_t row = 0; row < *rows && !err; row++)
        (*line_of)[row] = number[(*line_of)[row]];
    free(rank);
    free(number);
    return err;
}

/* ---- the lines' points ---------------------------------------------------------------------------------------------- */

#define MOST_VERDICTS 16
static size_t find_verdicts(const qn_sampled *s, const qn_var **eq)
{
    size_t n = 0;
    if (s->var && (eq[n] = qn_beside(s->data, s->var, "_eq")))
        n++;
    const char *text = s->var ? qn_attr_text(s->data, s->var, "expression") : s->name;
    qn_expr *e;
    if (!text || qn_expr_compile(text, &e))
        return n;
    for (size_t i = 0; i < qn_expr_names(e) && n < MOST_VERDICTS; i++) {
        const qn_var *v = qn_dataset_find(s->data, qn_expr_name(e, i));
        if (v && v != s->var && (eq[n] = qn_beside(s->data, v, "_eq")))
            n++;
    }
    qn_expr_free(e);
    return n;
}

static void put_point(qn_line *line, double x, size_t cell)
{
    size_t k = line->n++;
    for (; k && line->x[k - 1] > x; k--) {
        line->x[k] = line->x[k - 1];
        line->cell[k] = line->cell[k - 1];
    }
    line->x[k] = x;
    line->cell[k] = cell;
}

/* The cell of a row: its place in the observable, or in the grid of points of an expression. */
static size_t cell_of(const qn_lines *l, size_t row)
{
    size_t at = 0;
    if (l->s->var)
        return qn_selection_place(&l->sel, l->s->var, row, &at) ? at : QN_NONE;
    for (size_t r = 0; r < l->sel.n; r++)
        at = at * l->sel.range[r].whole + qn_selection_index(&l->sel, row, r);
    return at;
}

static int take_points(qn_lines *l, size_t r, const size_t *line_of, size_t rows)
{
    const qn_var *eq[MOST_VERDICTS + 1];
    size_t n_eq = find_verdicts(l->s, eq);
    for (size_t row = 0; row < rows; row++)
        l->line[line_of[row]].n++;
    for (size_t i = 0; i < l->n; i++) {
        qn_line *line = &l->line[i];
        line->cell = malloc((line->n + 1) * sizeof *line->cell);
        line->x = malloc((line->n + 1) * sizeof *line->x);
        if (!line->cell || !line->x)
            return no_memory();
        line->n = 0;
    }
    for (size_t row = 0; row < rows; row++) {
        size_t place, cell = cell_of(l, row), runs, unfinished;
        double x = !l->x ? (double)qn_selection_index(&l->sel, row, r) : qn_selection_place(&l->sel, l->x, row, &place) ? qn_var_number(l->x, place) : NAN;
        if (cell == QN_NONE || isnan(x))
            continue;
        qn_sampled_runs(l->s, cell, &runs, &unfinished);
        if (isnan(l->s->value[cell])) {
            l->missing++;
            if (!runs || unfinished < runs) /* nothing there at all is no run that did not end */
                continue;
        }
        l->runs += runs;
        l->unfinished += unfinished;
        if (!isfinite(l->s->value[cell]) || !isfinite(x))
            continue;
        bool settled = true;
        for (size_t k = 0; k < n_eq; k++)
            settled &= !qn_selection_place(&l->sel, eq[k], row, &place) || qn_var_number(eq[k], place) != 0;
        l->unsettled += !settled;
        put_point(&l->line[line_of[row]], x, cell);
    }
    return 0;
}

int qn_lines_init(qn_lines *l, const qn_sampled *s, const char *along, const char *const *where, size_t n_where)
{
    size_t r, rows, *line_of = NULL;
    *l = (qn_lines){.s = s};
    int err = qn_select_over(s->data, s->var, where, n_where, &l->sel);
    if (err)
        return err;
    err = find_along(l, along, &r);
    if (!err)
        err = find_lines(l, r, &line_of, &rows);
    if (!err)
        err = take_points(l, r, line_of, rows);
    free(line_of);
    const char *scale = !err && l->x ? qn_attr_text(s->data, l->x, "scale") : NULL;
    l->log = scale && !strcmp(scale, "log");
    return err;
}

void qn_lines_free(qn_lines *l)
{
    for (size_t i = 0; l->line && i < l->n; i++) {
        free(l->line[i].cell);
        free(l->line[i].x);
    }
    for (size_t k = 0; k < l->n_by; k++)
        free(l->by[k].place);
    free(l->line);
    free(l->which);
    qn_selection_free(&l->sel);
    memset(l, 0, sizeof *l);
}

/* ---- what tells a line apart ------------------------------------------------------------------------------------------ */

void qn_lines_text(const qn_lines *l, size_t line, char *out, size_t room)
{
    size_t used = 0;
    *out = 0;
    for (size_t k = 0; k < l->n_by; k++) {
        const qn_lines_by *b = &l->by[k];
        size_t place = b->place[l->which[line * l->n_by + k]];
        char value[64];
        if (b->n < 2)
            continue;
        if (b->values)
            qn_cell_text(b->values, place, 6, value, sizeof value);
        else
            snprintf(value, sizeof value, "%zu", place);
        used += (size_t)snprintf(out + used, room - used, "%s%s=%s", used ? " " : "", b->name, value);
        if (used >= room)
            return;
    }
}

size_t qn_lines_by_find(const qn_lines *l, const char *name)
{
    for (size_t k = 0; k < l->n_by; k++)
        if (!strcmp(l->by[k].name, name))
            return k;
    return QN_NONE;
}

double qn_lines_by_value(const qn_lines *l, size_t line, size_t by)
{
    const qn_lines_by *b = &l->by[by];
    size_t place = b->place[l->which[line * l->n_by + by]];
    return b->values ? qn_var_number(b->values, place) : (double)place;
}

double qn_lines_constant(const qn_lines *l, size_t line, const char *name)
{
    size_t k = qn_lines_by_find(l, name);
    char parameter[96];
    double x;
    if (k != QN_NONE)
        return qn_lines_by_value(l, line, k);
    snprintf(parameter, sizeof parameter, "parameter:%s", name);
    const char *fixed = qn_attr_text(l->sel.data, NULL, parameter);
    return fixed && !qn_parse_real(fixed, &x) ? x : NAN;
}

static void tell(qn_say say, void *ctx, char *line)
{
    if (line && say)
        say(ctx, line);
    free(line);
}

void qn_lines_remark(const qn_lines *l, qn_say say, void *ctx)
{
    if (l->unfinished)
        tell(say, ctx,
             qn_format("%zu of %zu runs have no %s: %s", l->unfinished, l->runs, l->s->name,
                       l->s->statistic == QN_MEDIAN ? "the median counts them as above all others" : "the mean is over the others; --statistic median counts them as above all others"));
    if (l->unsettled)
        tell(say, ctx, qn_format("%zu point%s of %s %s not equilibrated", l->unsettled, l->unsettled > 1 ? "s" : "", l->s->name, l->unsettled > 1 ? "are" : "is"));
}
