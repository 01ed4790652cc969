/* figure_overlay.c -- what other files lay over a figure: the same observable, boundaries across a map, marks on the axis of lines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure_build.h"
#include "text.h"

/* The one value that the figure has for the axis or parameter `name`, as text; false when it has several or none. */
static bool value_in_figure(const qn_fig_building *b, const char *name, char *out, size_t room)
{
    for (size_t r = 0; r < b->sel.n_axes; r++) {
        const qn_range *range = &b->sel.range[r];
        if (strcmp(range->name, name) || !range->coordinate || range->n != 1)
            continue;
        qn_cell_text(range->coordinate, range->index[0], 17, out, room);
        return true;
    }
    const char *fixed = qn_fig_fixed_value(b->q->data, name);
    if (fixed)
        snprintf(out, room, "%s", fixed);
    return fixed != NULL;
}

/* Cuts another file down to the figure: its axes other than the two `kept` take the value asked for by --where or the one that the
 * figure has.  False when that is not possible, with a note. */
static bool cut(const qn_fig_building *b, const qn_dataset *d, const char *path, const qn_var *v, const char *const kept[2], qn_selection *out)
{
    char *condition[QN_MAX_RANK + 1];
    size_t n = 0;
    qn_selection all;
    if (qn_select(d, NULL, 0, &all)) {
        qn_fig_note(b, qn_format("%s is left out: %s", path, qn_error_text()));
        return false;
    }
    for (size_t r = 0; r < all.n; r++) {
        const char *name = all.range[r].name, *asked = NULL;
        char value[128];
        if (all.range[r].n == 1 || !qn_fig_spans(v, name) || (kept[0] && !strcmp(name, kept[0])) || (kept[1] && !strcmp(name, kept[1])))
            continue;
        for (size_t w = 0; w < b->q->n_where; w++)
            if (!strncmp(b->q->where[w], name, strlen(name)) && strspn(b->q->where[w] + strlen(name), "=<>"))
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
        qn_fig_note(b, qn_format("%s is left out: %s", path, qn_error_text()));
    while (n)
        free(condition[--n]);
    if (good && qn_select_extend(out, v)) {
        qn_selection_free(out);
        return false;
    }
    for (size_t r = 0; good && r < out->n; r++) {
        const char *name = out->range[r].name;
        if (!qn_fig_spans(v, name)) {
            out->range[r].n = 1;
        } else if (out->range[r].n > 1 && !(kept[0] && !strcmp(name, kept[0])) && !(kept[1] && !strcmp(name, kept[1]))) {
            qn_fig_note(b, qn_format("%s of %s is left out: it has %zu values of %s and the figure none; --where %s=VALUE chooses one", v->name, path, out->range[r].n, name, name));
            qn_selection_free(out);
            good = false;
        }
    }
    return good;
}

/* The key names the quantity v: in words, or where these are too long by its symbol. */
static int name_quantity(const qn_dataset *d, const qn_var *v, qn_fig_series *s)
{
    qn_fig_axis a = {0};
    int err = qn_fig_describe(&a, v->name, d, v);
    if (!err) {
        s->label = qn_fig_label(&a, SIZE_MAX);
        s->brief = qn_fig_label(&a, 0);
        err = s->label && s->brief ? 0 : qn_fig_no_memory();
    }
    qn_fig_axis_free(&a);
    return err;
}

/* A boundary at 0 says nowhere, as models write it where a phase does not exist. */
static bool is_somewhere(double x)
{
    return isfinite(x) && x != 0;
}

/* A quantity that locates the parameter along x: one mark, or one a line. */
static int add_mark(qn_fig_building *b, const qn_dataset *d, const qn_var *v, size_t file, size_t *added)
{
    qn_figure *f = b->f;
    const char *by = b->rb == QN_FIG_NONE ? NULL : f->by.name, *const kept[2] = {f->x.name, by};
    qn_selection s;
    if (!cut(b, d, qn_fig_path(b->q, file), v, kept, &s))
        return 0;
    size_t rb = by && qn_fig_spans(v, by) ? qn_fig_find_range(&s, by) : QN_FIG_NONE, n = rb == QN_FIG_NONE ? 1 : s.range[rb].n, rows = qn_selection_rows(&s);
    int err = 0;
    bool labelled = false;
    for (size_t k = 0; k < n && !err; k++) {
        qn_fig_series *one;
        size_t which = QN_FIG_NONE, at;
        double x = NAN;
        char text[128];
        if (rb != QN_FIG_NONE) {
            qn_fig_range_text(&s.range[rb], k, text, sizeof text);
            if ((which = qn_fig_match_by(&f->by, text)) == QN_FIG_NONE)
                continue;
        }
        for (size_t row = 0; row < rows && !isfinite(x); row++) /* it does not depend on the parameter that it locates */
            if ((rb == QN_FIG_NONE || qn_selection_index(&s, row, rb) == s.range[rb].index[k]) && qn_selection_place(&s, v, row, &at))
                x = qn_var_number(v, at);
        if (!is_somewhere(x))
            continue;
        err = qn_fig_add_series(f, QN_FIG_MARK, 1, &one);
        if (err)
            break;
        qn_fig_put(one, x, (qn_fig_number){NAN, NAN, NAN, true});
        one->file = file;
        one->shade = qn_fig_shade_of(&f->by, which);
        if (!labelled)
            err = name_quantity(d, v, one);
        labelled = true;
        ++*added;
    }
    qn_selection_free(&s);
    return err;
}

/* A quantity that locates one parameter of a map, as a line over the other one. */
static int add_boundary(qn_fig_building *b, const qn_dataset *d, const qn_var *v, bool along_x, size_t file, size_t *added)
{
    qn_figure *f = b->f;
    const qn_fig_axis *across = along_x ? &f->x : &f->y, *over = along_x ? &f->y : &f->x;
    const char *path = qn_fig_path(b->q, file), *const kept[2] = {over->name, across->name};
    qn_selection s;
    qn_fig_series *line;
    if (over->n_words || across->n_words || !cut(b, d, path, v, kept, &s))
        return 0;
    size_t r = qn_fig_find_range(&s, over->name), rows = qn_selection_rows(&s), inside = 0;
    if (r == QN_FIG_NONE || !qn_fig_spans(v, over->name) || s.range[r].n < 2) {
        qn_fig_note(b, qn_format("%s of %s is left out: it is not given along %s", v->name, path, over->name));
        qn_selection_free(&s);
        return 0;
    }
    qn_fig_beside with;
    qn_fig_find_beside(d, v, &with);
    int err = qn_fig_add_series(f, qn_fig_is_theory(d, v) ? QN_FIG_THEORY : QN_FIG_POINTS, s.range[r].n, &line);
    for (size_t k = 0; k < s.range[r].n && !err; k++) {
        qn_fig_number q = {NAN, NAN, NAN, true};
        double at = NAN;
        for (size_t row = 0; row < rows && !isfinite(q.v); row++) /* the same at every value of the parameter that it locates */
            if (qn_selection_index(&s, row, r) == s.range[r].index[k]) {
                at = qn_fig_position(&s, r, row, over);
                q = qn_fig_read(&s, v, &with, row);
            }
        if (!isfinite(at))
            continue;
        qn_fig_put(line, at, q); /* NaN stays: a gap in the line */
        inside += at >= over->lo && at <= over->hi && q.v >= across->lo && q.v <= across->hi;
    }
    for (size_t k = 0; !err && k < line->n; k++) /* 0 says nowhere: the line ends before it, as far as it is known */
        if (!is_somewhere(line->y[k]))
            line->y[k] = NAN;
    qn_selection_free(&s);
    if (err)
        return err;
    if (!inside) {
        qn_fig_note(b, qn_format("%s of %s lies outside the diagram", v->name, path));
        qn_fig_drop_series(f);
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
    return name_quantity(d, v, line);
}

/* Lines of another file; the key names the quantity where it is not the observable. */
static int add_lines_of(qn_fig_building *b, const qn_dataset *d, const qn_var *v, size_t file, size_t *added)
{
    const char *const kept[2] = {b->sel.range[b->rx].name, b->rb == QN_FIG_NONE ? NULL : b->f->by.name};
    size_t before = b->f->n_series;
    qn_selection s;
    if (!cut(b, d, qn_fig_path(b->q, file), v, kept, &s))
        return 0;
    int err = qn_fig_add_lines(b, d, v, &s, file, added);
    qn_selection_free(&s);
    if (err || !strcmp(v->name, b->v->name) || before == b->f->n_series)
        return err;
    for (size_t i = before; i < b->f->n_series; i++)
        b->f->series[i].other = true;
    return name_quantity(d, v, &b->f->series[before]);
}

/* Is `name` one of those in `list`, "a,b,c"? */
static bool is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at++)
        if ((at == list || at[-1] == ',') && (!at[n] || at[n] == ','))
            return true;
    return false;
}

/* A name in `only` that the file does not have is the user's mistake. */
static int check_listed(const qn_dataset *d, const char *path, const char *only)
{
    for (const char *at = only; only; at += strcspn(at, ",") + 1) {
        char name[128];
        const qn_var *v;
        size_t n = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), at);
        if (qn_observable_find(d, name, &v))
            return qn_fail(QN_ERR_INPUT, "--overlay %s: %s", path, qn_error_text());
        if (!at[n])
            return 0;
    }
    return 0;
}

/* A quantity that was asked for and does not fit. */
static void note_unfit(const qn_fig_building *b, const qn_var *v, const char *path, const char *locates)
{
    const qn_figure *f = b->f;
    qn_fig_note(b, f->map ? qn_format("%s of %s is left out: a map takes quantities that locate %s or %s", v->name, path, f->x.name, f->y.name)
                          : qn_format("%s of %s is left out: it locates %s, and the figure lies over %s", v->name, path, locates, f->x.name));
}

/* Where nothing is asked for by name, a file shows what it locates of the axes, and over lines the observable.  What is asked for and locates
 * nothing lies over lines too. */
int qn_fig_add_overlay(qn_fig_building *b, size_t file)
{
    const qn_figure *f = b->f;
    const qn_dataset *d = qn_fig_data(b->q, file);
    const char *path = qn_fig_path(b->q, file), *only = file ? b->q->overlay[file - 1].only : NULL;
    size_t added = 0;
    int err = check_listed(d, path, only);
    for (int last = 0; last < 2; last++) /* what locates, then what lies over lines */
        for (size_t i = 0; i < d->n_vars && !err; i++) {
            const qn_var *v = d->vars[i];
            const char *locates = qn_attr_text(d, v, "locates");
            bool along_x = locates && !strcmp(locates, f->x.name), along_y = f->map && locates && !strcmp(locates, f->y.name);
            if (v->type == QN_STR || v == b->v || (only && !is_listed(only, v->name)) || (!last && !along_x && !along_y))
                continue;
            if (!last && f->map)
                err = add_boundary(b, d, v, along_x, file, &added);
            else if (!last && file && !f->x.n_words)
                err = add_mark(b, d, v, file, &added);
            else if (last && !f->map && file && (!strcmp(v->name, b->v->name) || (only && !locates)))
                err = add_lines_of(b, d, v, file, &added);
            else if (last && only && !along_x && !along_y)
                note_unfit(b, v, path, locates);
        }
    if (file && !only && !added && !err)
        qn_fig_note(b, qn_format(f->map ? "nothing of %s is drawn: a map takes quantities that locate %s or %s" : "nothing of %s is drawn: there is no %s in it that fits",
                                 path, f->map ? f->x.name : b->v->name, f->y.name));
    return err;
}
