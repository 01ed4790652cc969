/* figure.c -- from results to a figure (figure.h): which numbers, of which files, along which axes. */
#include "figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "select.h"
#include "text.h"

#define NONE SIZE_MAX
#define SAME 1e-9          /* relative difference up to which two values of an axis are the same */
#define MOST_NAMED_DIFFERENCES 3
#define LONGEST_KEY 50 /* characters of an entry that fit a column */

typedef struct building {
    const qn_figure_request *q;
    qn_figure *f;
    qn_selection sel;      /* of the result itself, with the observable's own dimensions */
    const qn_var *v, *aux; /* the observable; the auxiliary coordinate along x, or NULL */
    size_t rx, ry, rb;     /* ranges of sel: x, y of a map, the axis with a line a value; NONE where there is none */
} building;

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the figure");
}

static void note(const building *b, char *line) /* takes the line */
{
    if (line && b->q->say)
        b->q->say(b->q->ctx, line);
    free(line);
}

/* ---- axes --------------------------------------------------------------------------------------------------------- */

static void free_axis(qn_fig_axis *a)
{
    for (size_t i = 0; i < a->n_words; i++)
        free(a->word[i]);
    free(a->word);
    free(a->name);
    free(a->symbol);
    free(a->meaning);
    free(a->unit);
    free(a->at);
    free(a->edge);
}

static const char *own_words(const qn_dataset *d, const qn_var *v, const char *attribute)
{
    const char *text = v ? qn_attr_text(d, v, attribute) : NULL;
    return text && *text ? text : NULL;
}

static int copy(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return text && !*out ? no_memory() : 0;
}

static int describe(qn_fig_axis *a, const char *name, const qn_dataset *d, const qn_var *v)
{
    const char *unit = own_words(d, v, "units"), *scale = own_words(d, v, "scale");
    const char *symbol = own_words(d, v, "symbol");
    int err = copy(name, &a->name);
    if (!err) /* a short name is its own symbol: T, N, q2 */
        err = copy(symbol ? symbol : strlen(name) < 3 ? name : NULL, &a->symbol);
    if (!err)
        err = copy(own_words(d, v, "long_name"), &a->meaning);
    if (!err)
        err = copy(unit && strcmp(unit, "1") ? unit : NULL, &a->unit);
    a->log = scale && !strcmp(scale, "log");
    return err;
}

/* A value of an axis of text or of truth values, as a category. */
static void word_of(const qn_var *c, size_t i, char *out, size_t room)
{
    if (c->type == QN_I8)
        snprintf(out, room, "%s", c->i8[i] ? "yes" : "no");
    else
        qn_cell_text(c, i, 17, out, room);
}

static bool has_words(const qn_var *c)
{
    return c && (c->type == QN_STR || c->type == QN_I8);
}

static int take_words(qn_fig_axis *a, const qn_range *r)
{
    a->word = calloc(r->n + 1, sizeof *a->word);
    if (!a->word)
        return no_memory();
    for (size_t i = 0; i < r->n; i++) {
        char text[128];
        word_of(r->coordinate, r->index[i], text, sizeof text);
        int err = copy(text, &a->word[i]);
        if (err)
            return err;
        a->n_words++;
    }
    return 0;
}

static double word_place(const qn_fig_axis *a, const char *word)
{
    for (size_t i = 0; i < a->n_words; i++)
        if (!strcmp(a->word[i], word))
            return (double)i;
    return NAN;
}

/* Where row `row` lies along range r: on the figure's axis `a`, which may be one of words. */
static double position(const qn_selection *s, size_t r, size_t row, const qn_fig_axis *a)
{
    const qn_range *range = &s->range[r];
    size_t i = qn_selection_index(s, row, r), place;
    if (has_words(range->coordinate)) {
        char text[128];
        word_of(range->coordinate, i, text, sizeof text);
        return word_place(a, text);
    }
    if (range->coordinate)
        return qn_var_number(range->coordinate, i);
    char name[128]; /* a grid that differs from point to point: NAME_value over (axes, NAME) */
    snprintf(name, sizeof name, "%s_value", range->name);
    const qn_var *each = qn_dataset_find(s->data, name);
    return each && qn_selection_place(s, each, row, &place) ? qn_var_number(each, place) : (double)i;
}

/* A grid that spans decades and whose middle lies where a logarithmic one has it. */
static bool looks_logarithmic(size_t n, const double *at)
{
    if (n < 4 || at[0] <= 0 || at[n - 1] / at[0] < 50)
        return false;
    double middle = at[n / 2];
    return fabs(log(middle / sqrt(at[0] * at[n - 1]))) < fabs(log(middle / (0.5 * (at[0] + at[n - 1]))));
}

static void widen(qn_fig_axis *a, double v)
{
    if (!isfinite(v) || (a->log && v <= 0))
        return;
    if (!(a->lo <= v))
        a->lo = v;
    if (!(a->hi >= v))
        a->hi = v;
}

/* A margin of `part` of the span on both sides; a span of nothing becomes something. */
static void pad(qn_fig_axis *a, double part)
{
    if (!(a->lo <= a->hi)) { /* nothing finite */
        a->lo = a->log ? 0.1 : 0;
        a->hi = 1;
    }
    if (a->log) {
        double f = a->hi / a->lo > 1 + SAME ? pow(a->hi / a->lo, part) : 1.5;
        a->lo /= f;
        a->hi *= f;
    } else {
        double span = a->hi - a->lo, size = fmax(fabs(a->lo), fabs(a->hi)), more = span > SAME * size && span > 0 ? part * span : size > 0 ? 0.1 * size : 1;
        a->lo -= more;
        a->hi += more;
    }
}

/* ---- labels --------------------------------------------------------------------------------------------------------- */

/* "T = 0.3 K" with the symbol marked. */
static char *value_label(const qn_fig_axis *a, const char *value)
{
    return a->symbol ? qn_format("\1%s\2 = %s%s%s", a->symbol, value, a->unit ? " " : "", a->unit ? a->unit : "")
                     : qn_format("%s = %s%s%s", a->name, value, a->unit ? " " : "", a->unit ? a->unit : "");
}

static const char *fixed_value(const qn_dataset *d, const char *name)
{
    char full[128];
    snprintf(full, sizeof full, "parameter:%s", name);
    return qn_attr_text(d, NULL, full);
}

/* Names a file by the fixed parameters in which it differs from the others, else by its own name. */
static char *file_label(const qn_figure_request *q, const bool *drawn, size_t file)
{
    const qn_dataset *own = file ? q->overlay[file - 1] : q->data;
    const char *path = file ? q->overlay_path[file - 1] : q->path, *base = strrchr(path, '/');
    qn_buffer text = {0};
    size_t n = 0;
    for (size_t i = 0; i < own->n_attrs; i++) {
        const char *name = own->attrs[i].name, *value = own->attrs[i].str;
        bool differs = false;
        if (strncmp(name, "parameter:", 10) || !value || strlen(value) > 24)
            continue;
        for (size_t o = 0; o <= q->n_overlays; o++) {
            const char *other = drawn[o] ? qn_attr_text(o ? q->overlay[o - 1] : q->data, NULL, name) : NULL;
            differs |= other && strcmp(other, value);
        }
        if (differs)
            qn_buffer_add(&text, "%s%s = %s", n++ ? ", " : "", name + 10, value);
    }
    if (n && n <= MOST_NAMED_DIFFERENCES && !text.failed)
        return text.text;
    qn_buffer_free(&text);
    base = base ? base + 1 : path;
    size_t len = strlen(base);
    return qn_format("%.*s", (int)(len > 3 && !strcmp(base + len - 3, ".h5") ? len - 3 : len), base);
}

/* ---- numbers of one variable --------------------------------------------------------------------------------------------- */

static bool is_theory(const qn_dataset *d, const qn_var *v)
{
    const char *kind = qn_attr_text(d, v, "kind");
    return kind && !strcmp(kind, "theory");
}

/* Every verdict that belongs to v: its own, or those of the series that a derived quantity is made of. */
#define MOST_VERDICTS 16
typedef struct beside {
    const qn_var *err, *lo, *hi, *eq[MOST_VERDICTS];
    size_t n_eq;
} beside;

static void find_beside(const qn_dataset *d, const qn_var *v, beside *out)
{
    *out = (beside){.err = qn_beside(d, v, "_err"), .lo = qn_beside(d, v, "_lo"), .hi = qn_beside(d, v, "_hi")};
    const qn_var *eq = qn_beside(d, v, "_eq");
    const char *expression = qn_attr_text(d, v, "expression");
    qn_expr *e;
    if (eq)
        out->eq[out->n_eq++] = eq;
    if (!expression || qn_expr_compile(expression, &e))
        return;
    for (size_t i = 0; i < qn_expr_names(e) && out->n_eq < MOST_VERDICTS; i++) {
        const qn_var *series = qn_dataset_find(d, qn_expr_name(e, i));
        if (series && (eq = qn_beside(d, series, "_eq")))
            out->eq[out->n_eq++] = eq;
    }
    qn_expr_free(e);
}

typedef struct number {
    double v, lo, hi;
    bool eq;
} number;

/* The number of a row with the ends of its bar: the Wilson interval where there is one, else one standard error. */
static number read_number(const qn_selection *s, const qn_var *v, const beside *with, size_t row)
{
    number x = {NAN, NAN, NAN, true};
    size_t at;
    if (!qn_selection_place(s, v, row, &at))
        return x;
    x.v = qn_var_number(v, at);
    if (with->lo && with->hi && with->lo->size == v->size && with->hi->size == v->size) {
        x.lo = qn_var_number(with->lo, at);
        x.hi = qn_var_number(with->hi, at);
    } else if (with->err && with->err->size == v->size) {
        double err = qn_var_number(with->err, at);
        x.lo = x.v - err;
        x.hi = x.v + err;
    }
    if (!isfinite(x.lo) || !isfinite(x.hi))
        x.lo = x.hi = NAN;
    for (size_t i = 0; i < with->n_eq; i++)
        if (qn_selection_place(s, with->eq[i], row, &at))
            x.eq &= qn_var_number(with->eq[i], at) != 0;
    return x;
}

static int add_series(qn_figure *f, qn_fig_form form, size_t room, qn_fig_series **out)
{
    qn_fig_series *more = realloc(f->series, (f->n_series + 1) * sizeof *more);
    if (!more)
        return no_memory();
    f->series = more;
    qn_fig_series *s = *out = &f->series[f->n_series++];
    *s = (qn_fig_series){.form = form, .shade = NAN};
    s->x = calloc(room + 1, sizeof *s->x);
    s->y = calloc(room + 1, sizeof *s->y);
    s->lo = calloc(room + 1, sizeof *s->lo);
    s->hi = calloc(room + 1, sizeof *s->hi);
    s->eq = calloc(room + 1, sizeof *s->eq);
    return s->x && s->y && s->lo && s->hi && s->eq ? 0 : no_memory();
}

static void free_series(qn_fig_series *s)
{
    free(s->label);
    free(s->x);
    free(s->y);
    free(s->lo);
    free(s->hi);
    free(s->eq);
}

static void drop_last(qn_figure *f)
{
    free_series(&f->series[--f->n_series]);
}

/* Insertion keeps x in increasing order; grids come sorted or nearly so. */
static void put(qn_fig_series *s, double x, number y)
{
    size_t k = s->n++;
    for (; k && s->x[k - 1] > x; k--) {
        s->x[k] = s->x[k - 1];
        s->y[k] = s->y[k - 1];
        s->lo[k] = s->lo[k - 1];
        s->hi[k] = s->hi[k - 1];
        s->eq[k] = s->eq[k - 1];
    }
    s->x[k] = x;
    s->y[k] = y.v;
    s->lo[k] = y.lo;
    s->hi[k] = y.hi;
    s->eq[k] = y.eq;
}

/* ---- what to draw ---------------------------------------------------------------------------------------------------------- */

static bool drawable(const qn_dataset *d, const qn_var *v)
{
    return v->type != QN_STR && v->rank && !(v->rank == 1 && !strcmp(v->name, v->dims[0])) && qn_is_observable(d, v);
}

const char *qn_figure_default(const qn_dataset *d)
{
    const qn_var *m = qn_dataset_find(d, "m");
    if (m && drawable(d, m))
        return m->name;
    for (size_t i = 0; i < d->n_vars; i++)
        if (drawable(d, d->vars[i]))
            return d->vars[i]->name;
    return NULL;
}

static int find_observable(building *b)
{
    const qn_figure_request *q = b->q;
    const char *name = q->observable ? q->observable : qn_figure_default(q->data);
    if (!name) {
        for (size_t i = 0; i < q->data->n_vars && !name; i++) /* of rank 0 then: said below */
            if (qn_is_observable(q->data, q->data->vars[i]))
                name = q->data->vars[i]->name;
        if (!name)
            return qn_fail(QN_ERR_INPUT, "%s: there is no observable in it, so nothing to draw", q->path);
    }
    b->v = qn_dataset_find(q->data, name); /* also what stands beside an observable, m_tau */
    if (!b->v)
        return qn_observable_find(q->data, name, &b->v);
    if (b->v->type == QN_STR || (b->v->rank == 1 && !strcmp(b->v->name, b->v->dims[0])))
        return qn_fail(QN_ERR_INPUT, "%s is an axis of %s, not an observable; name one of those that `quench show %s` lists", name, q->path, q->path);
    return 0;
}

static bool spans(const qn_var *v, const char *dim)
{
    for (size_t d = 0; d < v->rank; d++)
        if (!strcmp(v->dims[d], dim))
            return true;
    return false;
}

static int nothing_to_draw(const building *b)
{
    beside with;
    find_beside(b->q->data, b->v, &with);
    number x = read_number(&b->sel, b->v, &with, 0);
    char value[96] = "";
    if (isfinite(x.v) && isfinite(x.lo))
        snprintf(value, sizeof value, " (%.6g, %.6g to %.6g)", x.v, x.lo, x.hi);
    else if (isfinite(x.v))
        snprintf(value, sizeof value, " (%.6g)", x.v);
    return qn_fail(QN_ERR_INPUT, "%s: %s is a single number%s, there is nothing to draw; `quench show %s %s` prints it, a figure needs an axis under `sweep:`%s", b->q->path,
                   b->v->name, value, b->q->path, b->v->name, b->q->n_where ? " or fewer --where" : "");
}

static int too_many(const building *b, const size_t *live, size_t n, size_t most)
{
    qn_buffer t = {0};
    const qn_range *free_one = NULL;
    char value[64] = "VALUE";
    for (size_t i = 0; i < n; i++) {
        const qn_range *r = &b->sel.range[live[i]];
        qn_buffer_add(&t, "%s%s (%zu values)", i == 0 ? "" : i + 1 < n ? ", " : " and ", r->name, r->n);
        if (!free_one && live[i] != b->rx && live[i] != b->ry)
            free_one = r;
    }
    if (free_one->coordinate)
        qn_cell_text(free_one->coordinate, free_one->index[0], 6, value, sizeof value);
    int err = qn_fail(QN_ERR_INPUT, "%s lies over %s; a figure shows %zu of them: fix the others, for example --where %s=%s, and choose with --x and --y", b->v->name,
                      t.text ? t.text : "too many axes", most, free_one->name, value);
    qn_buffer_free(&t);
    return err;
}

/* The live range called `name`, or NONE with a sentence. */
static size_t find_live(const building *b, const size_t *live, size_t n, const char *name, const char *option)
{
    const char *names[QN_MAX_RANK] = {NULL};
    qn_buffer all = {0};
    size_t found = NONE;
    for (size_t i = 0; i < n; i++) {
        names[i] = b->sel.range[live[i]].name;
        qn_buffer_add(&all, "%s%s", i ? ", " : "", names[i]);
        if (!strcmp(names[i], name))
            found = live[i];
    }
    const char *near = qn_nearest(name, n, names);
    if (found == NONE && near)
        qn_fail(QN_ERR_INPUT, "%s %s: %s has no axis of that name; did you mean '%s'?", option, name, b->v->name, near);
    else if (found == NONE)
        qn_fail(QN_ERR_INPUT, "%s %s: %s has no axis of that name with more than one value; it has: %s", option, name, b->v->name, all.text ? all.text : "none");
    qn_buffer_free(&all);
    return found;
}

/* The live range along which v changes most, seen from the first row; NONE when along none. */
static size_t varies_along(const building *b, const qn_var *v, const size_t *live, size_t n)
{
    size_t best = NONE, first, last;
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t row = b->sel.range[live[i]].n - 1;
        for (size_t r = live[i] + 1; r < b->sel.n; r++)
            row *= b->sel.range[r].n;
        if (!qn_selection_place(&b->sel, v, 0, &first) || !qn_selection_place(&b->sel, v, row, &last))
            continue;
        double change = fabs(qn_var_number(v, last) - qn_var_number(v, first));
        if (change > most) {
            most = change;
            best = live[i];
        }
    }
    return best;
}

static int choose_axes(building *b)
{
    const qn_figure_request *q = b->q;
    size_t live[QN_MAX_RANK], n = 0, n_own = 0, own = NONE;
    for (size_t r = 0; r < b->sel.n; r++) {
        if (!spans(b->v, b->sel.range[r].name))
            b->sel.range[r].n = 1; /* an axis on which this variable does not depend */
        else if (b->sel.range[r].n > 1)
            live[n++] = r;
    }
    for (size_t i = 0; i < n; i++)
        if (live[i] >= b->sel.n_axes && !n_own++)
            own = live[i];
    if (!n)
        return nothing_to_draw(b);
    if (q->y && (q->lines || n == 1))
        return qn_fail(QN_ERR_INPUT, "--y %s: %s", q->y, q->lines ? "with --lines the vertical axis is the observable; --x chooses the horizontal one" : "a map needs two axes with more than one value");
    b->f->map = q->y || (n == 2 && n_own != 1 && !q->lines); /* a matrix of its own dimensions is a map too */
    const qn_var *aux = q->x && !b->f->map ? qn_dataset_find(q->data, q->x) : NULL;
    if (aux && aux->rank && aux->type != QN_STR && !(aux->rank == 1 && !strcmp(aux->name, aux->dims[0]))) {
        b->rx = varies_along(b, aux, live, n);
        for (size_t d = 0; d < aux->rank; d++)
            if (!spans(b->v, aux->dims[d]))
                b->rx = NONE;
        if (b->rx == NONE)
            return qn_fail(QN_ERR_INPUT, "--x %s: it does not vary along an axis of %s", q->x, b->v->name);
        b->aux = aux;
    } else if (q->x && (b->rx = find_live(b, live, n, q->x, "--x")) == NONE) {
        return QN_ERR_INPUT;
    }
    if (q->y && (b->ry = find_live(b, live, n, q->y, "--y")) == NONE)
        return QN_ERR_INPUT;
    if (b->rx != NONE && b->rx == b->ry)
        return qn_fail(QN_ERR_INPUT, "--x and --y name the same axis, %s", q->x);
    if (n > 2)
        return too_many(b, live, n, 2);
    if (b->f->map) {
        if (b->ry == NONE)
            b->ry = b->rx == live[1] ? live[0] : live[1];
        b->rx = b->ry == live[1] ? live[0] : live[1];
    } else {
        if (b->rx == NONE)
            b->rx = own != NONE ? own : live[n - 1];
        b->rb = n < 2 ? NONE : b->rx == live[1] ? live[0] : live[1];
    }
    return 0;
}

/* ---- maps ---------------------------------------------------------------------------------------------------------------------- */

typedef struct placed {
    double at;
    size_t i; /* place among the kept values of the range */
} placed;

static int by_place(const void *a, const void *b)
{
    double x = ((const placed *)a)->at, y = ((const placed *)b)->at;
    return x < y ? -1 : x > y;
}

/* Centres and ends of the cells along range r; order[k]: which kept value is the k-th from the left. */
static int cells_along(const building *b, size_t r, qn_fig_axis *a, size_t **order)
{
    const qn_range *range = &b->sel.range[r];
    int err = describe(a, range->name, b->q->data, range->coordinate);
    if (!err && has_words(range->coordinate))
        err = take_words(a, range);
    placed *p = malloc(range->n * sizeof *p);
    *order = malloc(range->n * sizeof **order);
    a->at = malloc(range->n * sizeof *a->at);
    a->edge = malloc((range->n + 1) * sizeof *a->edge);
    if (!err && (!p || !*order || !a->at || !a->edge))
        err = no_memory();
    for (size_t i = 0; i < range->n && !err; i++)
        p[i] = (placed){a->n_words ? (double)i : range->coordinate ? qn_var_number(range->coordinate, range->index[i]) : (double)range->index[i], i};
    if (!err)
        qsort(p, range->n, sizeof *p, by_place);
    for (size_t i = 0; i < range->n && !err; i++) {
        a->at[i] = p[i].at;
        (*order)[i] = p[i].i;
        if (!isfinite(p[i].at) || (i && p[i].at == p[i - 1].at))
            err = qn_fail(QN_ERR_DATA, "%s: %s has %s", b->q->path, a->name, isfinite(p[i].at) ? "the same value twice" : "a value that is not a number");
    }
    free(p);
    if (err)
        return err;
    a->n = range->n;
    if (!range->coordinate || r >= b->sel.n_axes)
        a->log |= looks_logarithmic(a->n, a->at);
    a->log &= a->at[0] > 0;
    qn_fig_edges(a->n, a->at, a->log, a->edge);
    if (a->n_words) {
        a->edge[0] = -0.5; /* categories have no zero to stop at */
        a->edge[a->n] = (double)a->n - 0.5;
    }
    a->lo = a->edge[0];
    a->hi = a->edge[a->n];
    return 0;
}

static int build_map(building *b)
{
    qn_figure *f = b->f;
    size_t *along_x = NULL, *along_y = NULL;
    int err = cells_along(b, b->rx, &f->x, &along_x);
    if (!err)
        err = cells_along(b, b->ry, &f->y, &along_y);
    if (!err) {
        size_t n = f->x.n * f->y.n;
        f->cell = malloc(n * sizeof *f->cell);
        f->cell_lo = malloc(n * sizeof *f->cell_lo);
        f->cell_hi = malloc(n * sizeof *f->cell_hi);
        f->cell_eq = malloc(n * sizeof *f->cell_eq);
        err = f->cell && f->cell_lo && f->cell_hi && f->cell_eq ? 0 : no_memory();
    }
    beside with;
    find_beside(b->q->data, b->v, &with);
    size_t stride_x = 1, stride_y = 1; /* the ranges beside x and y have one value each */
    for (size_t r = b->sel.n; r-- > 0;) {
        stride_x *= r > b->rx ? b->sel.range[r].n : 1;
        stride_y *= r > b->ry ? b->sel.range[r].n : 1;
    }
    f->value.lo = f->value.hi = NAN;
    for (size_t i = 0; !err && i < f->x.n; i++)
        for (size_t k = 0; k < f->y.n; k++) {
            size_t row = along_x[i] * stride_x + along_y[k] * stride_y;
            number x = read_number(&b->sel, b->v, &with, row);
            f->cell[i * f->y.n + k] = f->value.log && x.v <= 0 ? NAN : x.v;
            f->cell_lo[i * f->y.n + k] = x.lo;
            f->cell_hi[i * f->y.n + k] = x.hi;
            f->cell_eq[i * f->y.n + k] = x.eq;
            widen(&f->value, x.v);
        }
    free(along_x);
    free(along_y);
    if (!err && !(f->value.lo <= f->value.hi))
        return qn_fail(QN_ERR_INPUT, "%s: %s has no%s value at any of the points asked for", b->q->path, b->v->name, f->value.log ? " positive" : "");
    if (!err && !(f->value.lo < f->value.hi))
        pad(&f->value, 0);
    return err;
}

/* ---- overlays ------------------------------------------------------------------------------------------------------------------------ */

/* The one value that the figure has for the axis or parameter `name`, as text; false when it has several or none. */
static bool value_in_figure(const building *b, const char *name, char *out, size_t room)
{
    for (size_t r = 0; r < b->sel.n_axes; r++) {
        const qn_range *range = &b->sel.range[r];
        if (strcmp(range->name, name) || !range->coordinate || range->n != 1)
            continue;
        qn_cell_text(range->coordinate, range->index[0], 17, out, room);
        return true;
    }
    const char *fixed = fixed_value(b->q->data, name);
    if (fixed)
        snprintf(out, room, "%s", fixed);
    return fixed != NULL;
}

/* Cuts another file down to the figure: its axes other than the two `kept` take the value asked for by --where or the one that the
 * figure has.  False when that is not possible, with a note. */
static bool cut(const building *b, const qn_dataset *d, const char *path, const qn_var *v, const char *const kept[2], qn_selection *out)
{
    char *condition[QN_MAX_RANK + 1];
    size_t n = 0;
    qn_selection all;
    if (qn_select(d, NULL, 0, &all)) {
        note(b, qn_format("%s is left out: %s", path, qn_error_text()));
        return false;
    }
    for (size_t r = 0; r < all.n; r++) {
        const char *name = all.range[r].name, *asked = NULL;
        char value[128];
        if (all.range[r].n == 1 || !spans(v, name) || (kept[0] && !strcmp(name, kept[0])) || (kept[1] && !strcmp(name, kept[1])))
            continue;
        for (size_t w = 0; w < b->q->n_where; w++)
            if (!strncmp(b->q->where[w], name, strlen(name)) && b->q->where[w][strlen(name)] == '=')
                asked = b->q->where[w];
        if (asked)
            condition[n] = strdup(asked);
        else if (value_in_figure(b, name, value, sizeof value))
            condition[n] = qn_format("%s=%s", name, value);
        else
            continue;
        n += condition[n] != NULL;
    }
    qn_selection_free(&all);
    bool good = !qn_select(d, (const char *const *)condition, n, out);
    if (!good)
        note(b, qn_format("%s is left out: %s", path, qn_error_text()));
    while (n)
        free(condition[--n]);
    if (good && qn_select_extend(out, v)) {
        qn_selection_free(out);
        return false;
    }
    for (size_t r = 0; good && r < out->n; r++) {
        const char *name = out->range[r].name;
        if (!spans(v, name)) {
            out->range[r].n = 1;
        } else if (out->range[r].n > 1 && !(kept[0] && !strcmp(name, kept[0])) && !(kept[1] && !strcmp(name, kept[1]))) {
            note(b, qn_format("%s of %s is left out: it has %zu values of %s and the figure none; --where %s=VALUE chooses one", v->name, path, out->range[r].n, name, name));
            qn_selection_free(out);
            good = false;
        }
    }
    return good;
}

static size_t find_range(const qn_selection *s, const char *name)
{
    for (size_t r = 0; name && r < s->n; r++)
        if (!strcmp(s->range[r].name, name))
            return r;
    return NONE;
}

/* What the key says of a quantity of theory. */
static int quantity_label(const qn_dataset *d, const qn_var *v, char **out)
{
    qn_fig_axis a = {0};
    int err = describe(&a, v->name, d, v);
    if (!err && !(*out = qn_fig_label(&a, LONGEST_KEY)))
        err = no_memory();
    free_axis(&a);
    return err;
}

/* Which value of the figure's `by` axis a text is; NONE when it is none of them. */
static size_t match_by(const qn_fig_axis *by, const char *text)
{
    double x;
    bool numeric = !qn_parse_real(text, &x);
    for (size_t k = 0; k < by->n; k++)
        if (by->n_words ? !strcmp(by->word[k], text) : numeric && fabs(by->at[k] - x) <= SAME * fmax(fabs(x), fabs(by->at[k])))
            return k;
    return NONE;
}

static void range_text(const qn_range *r, size_t k, char *out, size_t room)
{
    if (!r->coordinate)
        snprintf(out, room, "%zu", r->index[k]);
    else if (has_words(r->coordinate))
        word_of(r->coordinate, r->index[k], out, room);
    else
        qn_cell_text(r->coordinate, r->index[k], 17, out, room);
}

static double shade_of(const qn_fig_axis *by, size_t k)
{
    if (by->n < 2 || k == NONE)
        return NAN;
    if (by->n > QN_FIG_NAMED && !by->n_words)
        return QN_FIG_LIGHTEST * qn_fig_place(by, by->at[k]); /* explained by a colour bar, which is cut at the same place */
    return QN_FIG_LIGHTEST * (double)k / (double)(by->n - 1);
}

/* One series out of v: the rows at the k-th value of range rb (all rows when rb is NONE). */
static int extract(building *b, const qn_dataset *d, const qn_var *v, const qn_selection *s, size_t rx, size_t rb, size_t k, const qn_var *aux, size_t file,
                   qn_fig_series **out)
{
    beside with;
    size_t rows = qn_selection_rows(s), place;
    qn_fig_form form = is_theory(d, v) ? QN_FIG_THEORY : rx >= s->n_axes ? QN_FIG_CURVE : QN_FIG_POINTS;
    int err = add_series(b->f, form, rows, out);
    find_beside(d, v, &with);
    for (size_t row = 0; row < rows && !err; row++) {
        if (rb != NONE && qn_selection_index(s, row, rb) != s->range[rb].index[k])
            continue;
        number y = read_number(s, v, &with, row);
        double x = !aux ? position(s, rx, row, &b->f->x) : qn_selection_place(s, aux, row, &place) ? qn_var_number(aux, place) : NAN;
        if (isfinite(x) && isfinite(y.v))
            put(*out, x, y);
    }
    if (!err)
        (*out)->file = file;
    return err;
}

/* All series of one file's variable. `added` counts those that hold anything. */
static int add_lines(building *b, const qn_dataset *d, const qn_var *v, const qn_selection *s, size_t file, size_t *added)
{
    qn_figure *f = b->f;
    const char *by = b->rb == NONE ? NULL : f->by.name;
    const char *path = file ? b->q->overlay_path[file - 1] : b->q->path;
    size_t rx = find_range(s, b->sel.range[b->rx].name), rb = find_range(s, by), unmatched = 0;
    const qn_var *aux = b->aux ? qn_dataset_find(d, b->aux->name) : NULL;
    if (rx == NONE || !spans(v, s->range[rx].name) || (b->aux && !aux && !is_theory(d, v))) {
        note(b, qn_format("%s of %s is left out: it has no axis %s", v->name, path, b->aux ? b->aux->name : b->sel.range[b->rx].name));
        return 0;
    }
    size_t n = rb == NONE || !spans(v, by) ? 1 : s->range[rb].n;
    for (size_t k = 0; k < n; k++) {
        qn_fig_series *one;
        size_t which = NONE;
        char text[128] = "";
        if (by && rb != NONE)
            range_text(&s->range[rb], k, text, sizeof text);
        else if (by && fixed_value(d, by))
            snprintf(text, sizeof text, "%s", fixed_value(d, by));
        if (*text && (which = match_by(&f->by, text)) == NONE) {
            unmatched++;
            continue;
        }
        int err = extract(b, d, v, s, rx, n > 1 ? rb : NONE, k, aux, file, &one);
        if (err)
            return err;
        if (!one->n) {
            drop_last(f);
            continue;
        }
        one->shade = shade_of(&f->by, which);
        ++*added;
        if (file || which == NONE)
            continue;
        if (s->range[rb].coordinate && !f->by.n_words) /* the number as people write it */
            qn_cell_text(s->range[rb].coordinate, s->range[rb].index[k], 6, text, sizeof text);
        one->label = value_label(&f->by, text);
        if (!one->label)
            return no_memory();
    }
    if (unmatched)
        note(b, qn_format("%zu of %zu curves of %s are left out: the figure has no such value of %s", unmatched, n, path, by));
    return 0;
}

/* A boundary at 0 says nowhere, as models write it where a phase does not exist. */
static bool is_somewhere(double x)
{
    return isfinite(x) && x != 0;
}

/* A quantity that locates the parameter along x: one mark, or one a line. */
static int add_mark(building *b, const qn_dataset *d, const qn_var *v, size_t file, size_t *added)
{
    qn_figure *f = b->f;
    const char *by = b->rb == NONE ? NULL : f->by.name, *const kept[2] = {f->x.name, by};
    qn_selection s;
    if (!cut(b, d, b->q->overlay_path[file - 1], v, kept, &s))
        return 0;
    size_t rb = by && spans(v, by) ? find_range(&s, by) : NONE, n = rb == NONE ? 1 : s.range[rb].n, rows = qn_selection_rows(&s);
    int err = 0;
    bool labelled = false;
    for (size_t k = 0; k < n && !err; k++) {
        qn_fig_series *one;
        size_t which = NONE, at;
        double x = NAN;
        char text[128];
        if (rb != NONE) {
            range_text(&s.range[rb], k, text, sizeof text);
            if ((which = match_by(&f->by, text)) == NONE)
                continue;
        }
        for (size_t row = 0; row < rows && !isfinite(x); row++) /* it does not depend on the parameter that it locates */
            if ((rb == NONE || qn_selection_index(&s, row, rb) == s.range[rb].index[k]) && qn_selection_place(&s, v, row, &at))
                x = qn_var_number(v, at);
        if (!is_somewhere(x))
            continue;
        err = add_series(f, QN_FIG_MARK, 1, &one);
        if (err)
            break;
        put(one, x, (number){NAN, NAN, NAN, true});
        one->file = file;
        one->shade = shade_of(&f->by, which);
        if (!labelled)
            err = quantity_label(d, v, &one->label);
        labelled = true;
        ++*added;
    }
    qn_selection_free(&s);
    return err;
}

/* A quantity that locates one parameter of a map, as a line over the other one. */
static int add_boundary(building *b, const qn_dataset *d, const qn_var *v, bool along_x, size_t file, size_t *added)
{
    qn_figure *f = b->f;
    const qn_fig_axis *across = along_x ? &f->x : &f->y, *over = along_x ? &f->y : &f->x;
    const char *path = file ? b->q->overlay_path[file - 1] : b->q->path, *const kept[2] = {over->name, across->name};
    qn_selection s;
    qn_fig_series *line;
    if (over->n_words || across->n_words || !cut(b, d, path, v, kept, &s))
        return 0;
    size_t r = find_range(&s, over->name), rows = qn_selection_rows(&s), inside = 0;
    if (r == NONE || !spans(v, over->name) || s.range[r].n < 2) {
        note(b, qn_format("%s of %s is left out: it is not given along %s", v->name, path, over->name));
        qn_selection_free(&s);
        return 0;
    }
    beside with;
    find_beside(d, v, &with);
    int err = add_series(f, is_theory(d, v) ? QN_FIG_THEORY : QN_FIG_POINTS, s.range[r].n, &line);
    for (size_t k = 0; k < s.range[r].n && !err; k++) {
        number q = {NAN, NAN, NAN, true};
        double at = NAN;
        for (size_t row = 0; row < rows && !isfinite(q.v); row++) /* the same at every value of the parameter that it locates */
            if (qn_selection_index(&s, row, r) == s.range[r].index[k]) {
                at = position(&s, r, row, over);
                q = read_number(&s, v, &with, row);
            }
        if (!isfinite(at))
            continue;
        put(line, at, q); /* NaN stays: a gap in the line */
        inside += at >= over->lo && at <= over->hi && q.v >= across->lo && q.v <= across->hi;
    }
    for (size_t k = 0; k < line->n && !err; k++) /* 0 says nowhere: a line ends there but does not run on along the edge */
        if (line->y[k] == 0 && !(k && is_somewhere(line->y[k - 1])) && !(k + 1 < line->n && is_somewhere(line->y[k + 1])))
            line->y[k] = NAN;
    qn_selection_free(&s);
    if (err)
        return err;
    if (!inside) {
        note(b, qn_format("%s of %s lies outside the diagram", v->name, path));
        drop_last(f);
        return 0;
    }
    if (along_x) { /* stored over y so far */
        double *swap = line->x;
        line->x = line->y;
        line->y = swap;
    }
    line->bars_along_x = along_x;
    line->file = file;
    ++*added;
    return quantity_label(d, v, &line->label);
}

static int add_overlay(building *b, const qn_dataset *d, size_t file)
{
    qn_figure *f = b->f;
    const char *path = file ? b->q->overlay_path[file - 1] : b->q->path;
    size_t added = 0;
    int err = 0;
    for (size_t i = 0; i < d->n_vars && !err; i++) {
        const qn_var *v = d->vars[i];
        const char *locates = qn_attr_text(d, v, "locates");
        if (!locates || v->type == QN_STR || v == b->v)
            continue;
        if (f->map && (!strcmp(locates, f->x.name) || !strcmp(locates, f->y.name)))
            err = add_boundary(b, d, v, !strcmp(locates, f->x.name), file, &added);
        else if (!f->map && file && !f->x.n_words && !strcmp(locates, f->x.name))
            err = add_mark(b, d, v, file, &added);
    }
    const qn_var *same = file && !f->map ? qn_dataset_find(d, b->v->name) : NULL;
    if (!err && same && same->type != QN_STR) {
        const char *const kept[2] = {b->sel.range[b->rx].name, b->rb == NONE ? NULL : f->by.name};
        qn_selection s;
        if (cut(b, d, path, same, kept, &s)) {
            err = add_lines(b, d, same, &s, file, &added);
            qn_selection_free(&s);
        }
    }
    if (file && !added && !err)
        note(b, qn_format(f->map ? "nothing of %s is drawn: a map takes quantities that locate %s or %s" : "nothing of %s is drawn: there is no %s in it that fits",
                          path, f->map ? f->x.name : b->v->name, f->y.name));
    return err;
}

/* ---- lines --------------------------------------------------------------------------------------------------------------------------------- */

static int describe_by(building *b)
{
    const qn_range *r = &b->sel.range[b->rb];
    qn_fig_axis *by = &b->f->by;
    int err = describe(by, r->name, b->q->data, r->coordinate);
    if (!err && has_words(r->coordinate))
        err = take_words(by, r);
    by->at = calloc(r->n, sizeof *by->at);
    if (!err && !by->at)
        err = no_memory();
    if (err)
        return err;
    by->n = r->n;
    by->lo = by->hi = NAN;
    for (size_t k = 0; k < r->n; k++) {
        by->at[k] = by->n_words ? (double)k : r->coordinate ? qn_var_number(r->coordinate, r->index[k]) : (double)r->index[k];
        by->log &= by->at[k] > 0;
    }
    for (size_t k = 0; k < r->n; k++)
        widen(by, by->at[k]);
    return 0;
}

/* What the horizontal axis spans: the measured points; theory reaches as far as they do. */
static void span_x(qn_figure *f)
{
    qn_fig_axis *x = &f->x;
    x->lo = x->hi = NAN;
    for (int theory = 0; theory < 2 && !(x->lo <= x->hi); theory++)
        for (size_t i = 0; i < f->n_series; i++) {
            const qn_fig_series *s = &f->series[i];
            for (size_t k = 0; k < s->n && s->form != QN_FIG_MARK && (s->form == QN_FIG_THEORY) == theory; k++)
                widen(x, s->x[k]);
        }
    if (!x->n_words) {
        pad(x, 0.03);
        return;
    }
    x->lo = -0.5;
    x->hi = (double)x->n_words - 0.5;
}

static void span_value(qn_figure *f)
{
    qn_fig_axis *v = &f->value;
    v->lo = v->hi = NAN;
    for (size_t i = 0; i < f->n_series; i++) {
        const qn_fig_series *s = &f->series[i];
        for (size_t k = 0; k < s->n && s->form != QN_FIG_MARK; k++) {
            if (s->x[k] < f->x.lo || s->x[k] > f->x.hi)
                continue;
            widen(v, s->y[k]);
            widen(v, s->lo[k]);
            widen(v, s->hi[k]);
        }
    }
    pad(v, 0.05);
}

static int describe_x(building *b)
{
    qn_fig_axis *x = &b->f->x;
    const qn_range *r = &b->sel.range[b->rx];
    const qn_var *c = b->aux ? b->aux : r->coordinate;
    int err;
    if (c) {
        err = describe(x, b->aux ? b->aux->name : r->name, b->q->data, c);
        if (!err && has_words(r->coordinate) && !b->aux)
            err = take_words(x, r);
    } else {
        char name[128];
        snprintf(name, sizeof name, "%s_value", r->name);
        const qn_var *each = qn_dataset_find(b->q->data, name);
        err = describe(x, r->name, b->q->data, each);
    }
    return err;
}

/* A logarithmic time grid asks for a logarithmic axis. */
static void guess_log(building *b)
{
    qn_figure *f = b->f;
    if (b->rx >= b->sel.n_axes && !b->aux && !f->x.n_words)
        for (size_t i = 0; i < f->n_series && !f->x.log; i++)
            f->x.log = looks_logarithmic(f->series[i].n, f->series[i].x);
    for (size_t i = 0; i < f->n_series; i++)
        for (size_t k = 0; k < f->series[i].n; k++)
            if (f->series[i].form != QN_FIG_MARK)
                f->x.log &= f->series[i].x[k] > 0 || f->series[i].form == QN_FIG_THEORY;
}

static int build_lines(building *b)
{
    size_t added = 0;
    int err = describe_x(b);
    if (!err && b->rb != NONE)
        err = describe_by(b);
    if (!err)
        err = add_lines(b, b->q->data, b->v, &b->sel, 0, &added);
    if (!err && !added)
        err = qn_fail(QN_ERR_INPUT, "%s: %s has no value at any of the points asked for", b->q->path, b->v->name);
    return err;
}

/* What the key says of files: nothing where there is one without theory; "theory" once a file. */
static int name_files(building *b)
{
    qn_figure *f = b->f;
    size_t n_theory = 0;
    bool *points = calloc(f->n_sources, sizeof *points), *theory = calloc(f->n_sources, sizeof *theory), *told = calloc(f->n_sources, sizeof *told);
    f->file_label = calloc(f->n_sources, sizeof *f->file_label);
    int err = points && theory && told && f->file_label ? 0 : no_memory();
    for (size_t i = 0; i < f->n_series && !err; i++)
        if (f->series[i].form == QN_FIG_THEORY)
            theory[f->series[i].file] = true;
        else if (f->series[i].form != QN_FIG_MARK)
            points[f->series[i].file] = true;
    for (size_t i = 0; i < f->n_sources && !err; i++) {
        f->n_files += points[i];
        n_theory += theory[i];
    }
    for (size_t i = 0; i < f->n_sources && !err; i++)
        if (points[i] && !(f->file_label[i] = f->n_files == 1 ? strdup("Monte Carlo") : file_label(b->q, points, i)))
            err = no_memory();
    for (size_t i = 0; i < f->n_series && !err; i++) {
        qn_fig_series *s = &f->series[i];
        if (s->label || s->form == QN_FIG_MARK)
            continue;
        if (s->form != QN_FIG_THEORY) {
            if (f->by.n < 2 && (f->n_files > 1 || n_theory))
                err = copy(f->file_label[s->file], &s->label);
            continue;
        }
        if (told[s->file] || (!f->n_files && n_theory < 2))
            continue;
        told[s->file] = true;
        char *differs = n_theory > 1 ? file_label(b->q, theory, s->file) : NULL;
        s->label = n_theory == 1 ? strdup("theory") : differs ? qn_format("theory, %s", differs) : NULL;
        err = s->label ? 0 : no_memory();
        free(differs);
    }
    free(points);
    free(theory);
    free(told);
    return err;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------------------- */

int qn_figure_build(const qn_figure_request *q, qn_figure *out)
{
    building b = {.q = q, .f = out, .rx = NONE, .ry = NONE, .rb = NONE};
    *out = (qn_figure){.n_sources = q->n_overlays + 1};
    int err = find_observable(&b);
    if (!err)
        err = qn_select(q->data, q->where, q->n_where, &b.sel);
    if (err)
        return err;
    err = qn_select_extend(&b.sel, b.v);
    if (!err)
        err = choose_axes(&b);
    if (!err)
        err = describe(&out->value, b.v->name, q->data, b.v);
    out->value.log = q->log;
    if (!err)
        err = copy(q->title, &out->title);
    if (!err)
        err = out->map ? build_map(&b) : build_lines(&b);
    if (!err && out->map)
        err = add_overlay(&b, q->data, 0); /* a theory file is a map with its own boundaries */
    for (size_t i = 0; i < q->n_overlays && !err; i++)
        err = add_overlay(&b, q->overlay[i], i + 1);
    if (!err && !out->map) {
        guess_log(&b);
        span_x(out);
        span_value(out);
        err = name_files(&b);
    }
    qn_selection_free(&b.sel);
    return err;
}

void qn_figure_free(qn_figure *f)
{
    for (size_t i = 0; i < f->n_series; i++)
        free_series(&f->series[i]);
    free(f->series);
    free_axis(&f->x);
    free_axis(&f->y);
    free_axis(&f->value);
    free_axis(&f->by);
    for (size_t i = 0; f->file_label && i < f->n_sources; i++)
        free(f->file_label[i]);
    free(f->file_label);
    free(f->title);
    free(f->cell);
    free(f->cell_lo);
    free(f->cell_hi);
    free(f->cell_eq);
    memset(f, 0, sizeof *f);
}
