/* report.c -- see report.h: the page and its sections.  Its figures are made in report_figure.c. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report_parts.h"
#include "select.h"
#include "text.h"

#define MOST_ROWS 400 /* of a table; beyond, the file itself is the place to look */

/* Screen and paper: figures two in a row, tables that scroll on a screen and break between rows on paper. */
static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;color:#1b1b1b;max-width:70rem;margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.3rem;border-bottom:1px solid #bbb;margin-top:2.5rem}h3{font-size:1.05rem;margin-top:1.8rem}\n"
    "p.sub{color:#555;margin-top:0}nav a{margin-right:1rem}.figures{display:flex;flex-wrap:wrap;gap:1.2rem}\n"
    "figure{margin:0;flex:0 1 calc(50% - .6rem);min-width:18rem}figure img{width:100%}figcaption{font-size:.88rem;color:#444}\n"
    ".scroll{overflow:auto;max-height:32rem;border:1px solid #ddd;margin-bottom:1rem}table{border-collapse:collapse;font-size:.82rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.15rem .6rem;text-align:right;white-space:nowrap}th{position:sticky;top:0;background:#f2f2f2}tr:nth-child(even) td{background:#fafafa}\n"
    "table.facts td:first-child{color:#555;text-align:left}table.facts td{text-align:left;white-space:normal}.bad td{color:#a33}\n"
    "pre{background:#f6f6f6;padding:.8rem;overflow:auto;font-size:.82rem}.warning{border-left:4px solid #c60;background:#fff6ec;padding:.5rem .9rem;margin:.6rem 0}\n"
    ".fine{border-left:4px solid #2a7;background:#f1faf5;padding:.5rem .9rem;margin:.6rem 0}\n"
    "@media print{body{max-width:none;margin:0;font-size:10pt}nav{display:none}.scroll{overflow:visible;max-height:none;border:0}figure{break-inside:avoid}\n"
    "h2,h3{break-after:avoid}tr{break-inside:avoid}th{position:static}pre{white-space:pre-wrap}table{font-size:7.5pt}th,td{padding:.1rem .3rem}}\n";

void qn_report_text(qn_buffer *b, const char *text)
{
    for (const char *t = text; *t; t++)
        switch (*t) {
        case '&': qn_buffer_add(b, "&amp;"); break;
        case '<': qn_buffer_add(b, "&lt;"); break;
        case '>': qn_buffer_add(b, "&gt;"); break;
        case '"': qn_buffer_add(b, "&quot;"); break;
        default:
            if ((unsigned char)*t >= 0x20 || *t == '\n' || *t == '\t')
                qn_buffer_add(b, "%c", *t);
        }
}

static void fact(qn_buffer *b, const char *name, const char *text)
{
    qn_buffer_add(b, "<tr><td>");
    qn_report_text(b, name);
    qn_buffer_add(b, "</td><td>");
    qn_report_text(b, text);
    qn_buffer_add(b, "</td></tr>\n");
}

/* ---- what the file is ------------------------------------------------------------------------------------------------- */

static void attribute_text(const qn_attr *a, char *out, size_t room)
{
    if (a->type == QN_STR)
        snprintf(out, room, "%s", a->str ? a->str : "");
    else if (a->type == QN_I64)
        snprintf(out, room, "%lld", (long long)a->i64[0]);
    else
        snprintf(out, room, "%.6g", a->f64[0]);
}

/* Axes, then every fixed value that stands in the file. */
static void parameters(qn_buffer *b, const qn_selection *s)
{
    const qn_dataset *d = s->data;
    qn_buffer_add(b, "<h3>Parameters</h3>\n<table class=facts>\n");
    for (size_t r = 0; r < s->n_axes; r++) {
        const qn_range *x = &s->range[r];
        char from[64] = "", to[64] = "", line[256];
        if (!x->coordinate || !x->n)
            continue;
        qn_cell_text(x->coordinate, x->index[0], 6, from, sizeof from);
        qn_cell_text(x->coordinate, x->index[x->n - 1], 6, to, sizeof to);
        const char *meaning = qn_attr_text(d, x->coordinate, "long_name");
        snprintf(line, sizeof line, "%zu value%s, %s%s%s%s%s", x->n, x->n > 1 ? "s" : "", from, x->n > 1 ? " to " : "", x->n > 1 ? to : "", meaning ? ": " : "",
                 meaning ? meaning : "");
        fact(b, x->name, line);
    }
    for (size_t i = 0; i < d->n_attrs; i++)
        if (!strncmp(d->attrs[i].name, "parameter:", 10)) {
            char text[512];
            attribute_text(&d->attrs[i], text, sizeof text);
            fact(b, d->attrs[i].name + 10, text);
        }
    qn_buffer_add(b, "</table>\n");
}

/* One line for every series with points that are not equilibrated; one when there is none. */
static void verdicts(qn_buffer *b, const qn_dataset *d)
{
    size_t series = 0, warned = 0;
    for (size_t i = 0; i < d->n_vars; i++) {
        const qn_var *mean = d->vars[i], *eq = qn_beside(d, mean, "_eq");
        size_t bad = 0, of = 0;
        if (!eq || eq->type != QN_I8 || mean->type != QN_F64 || eq->size != mean->size)
            continue;
        series++;
        for (size_t k = 0; k < mean->size; k++) {
            of += isnan(mean->f64[k]) ? 0 : 1;
            bad += !isnan(mean->f64[k]) && !eq->i8[k];
        }
        if (!bad)
            continue;
        warned++;
        qn_buffer_add(b, "<p class=warning><b>");
        qn_report_text(b, mean->name);
        qn_buffer_add(b, "</b>: %zu of %zu points are too short for their autocorrelation time, or still drift. Figures hatch them; tables mark them.</p>\n", bad, of);
    }
    if (series && !warned)
        qn_buffer_add(b, "<p class=fine>All points of all %zu series are equilibrated.</p>\n", series);
}

static size_t missing_values(const qn_var *v)
{
    size_t n = 0;
    for (size_t k = 0; v->type == QN_F64 && k < v->size; k++)
        n += isnan(v->f64[k]) ? 1 : 0;
    return n;
}

/* ---- tables ----------------------------------------------------------------------------------------------------------- */

static void cell(qn_buffer *b, const qn_var *v, size_t at)
{
    char text[96];
    qn_cell_text(v, at, 6, text, sizeof text);
    qn_buffer_add(b, "<td>");
    qn_report_text(b, *text ? text : "–");
    qn_buffer_add(b, "</td>");
}

static void header(qn_buffer *b, const char *name, const qn_dataset *d, const qn_var *v)
{
    const char *meaning = v ? qn_attr_text(d, v, "long_name") : NULL;
    qn_buffer_add(b, "<th title=\"");
    qn_report_text(b, meaning ? meaning : "");
    qn_buffer_add(b, "\">");
    qn_report_text(b, name);
    qn_buffer_add(b, "</th>");
}

#define ABREAST 6 /* observables of one table: what the width of a page holds */

/* v[n], which depend on the axes alone, with their errors; a row is marked where a series is not equilibrated. */
static void one_table(qn_buffer *b, const qn_selection *s, size_t n, const qn_var *const *v)
{
    size_t rows = qn_selection_rows(s), shown = rows < MOST_ROWS ? rows : MOST_ROWS, at;
    qn_buffer_add(b, "<div class=scroll><table>\n<thead><tr>");
    for (size_t r = 0; r < s->n; r++)
        header(b, s->range[r].name, s->data, s->range[r].coordinate);
    for (size_t i = 0; i < n; i++) {
        header(b, v[i]->name, s->data, v[i]);
        if (qn_beside(s->data, v[i], "_err"))
            qn_buffer_add(b, "<th>±</th>");
    }
    qn_buffer_add(b, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < shown; row++) {
        bool bad = false;
        for (size_t i = 0; i < n; i++) {
            const qn_var *eq = qn_beside(s->data, v[i], "_eq");
            bad |= eq && eq->type == QN_I8 && qn_selection_place(s, eq, row, &at) && !eq->i8[at] && !isnan(qn_var_number(v[i], at));
        }
        qn_buffer_add(b, bad ? "<tr class=bad>" : "<tr>");
        for (size_t r = 0; r < s->n; r++)
            if (s->range[r].coordinate)
                cell(b, s->range[r].coordinate, qn_selection_index(s, row, r));
            else
                qn_buffer_add(b, "<td>%zu</td>", qn_selection_index(s, row, r));
        for (size_t i = 0; i < n; i++) {
            const qn_var *err = qn_beside(s->data, v[i], "_err");
            if (qn_selection_place(s, v[i], row, &at))
                cell(b, v[i], at);
            if (err && qn_selection_place(s, err, row, &at))
                cell(b, err, at);
        }
        qn_buffer_add(b, "</tr>\n");
    }
    qn_buffer_add(b, "</tbody></table></div>\n");
    if (shown < rows)
        qn_buffer_add(b, "<p class=sub>The first %zu of %zu rows; <code>quench show --csv</code> prints all.</p>\n", shown, rows);
}

static void table(qn_buffer *b, const qn_selection *s, size_t n, const qn_var *const *v)
{
    for (size_t i = 0; i < n; i += ABREAST)
        one_table(b, s, n - i < ABREAST ? n - i : ABREAST, v + i);
}

static bool wanted(const qn_report_request *q, const char *name)
{
    bool any = q->n_observables == 0;
    for (size_t i = 0; i < q->n_observables && !any; i++)
        any = !strcmp(q->observable[i], name);
    return any;
}

static bool is_result_of_axes(const qn_dataset *d, const qn_selection *s, const qn_var *v)
{
    return qn_is_observable(d, v) && v->type != QN_STR && v->rank == s->n_axes;
}

static int numbers(qn_buffer *b, const qn_report_request *q, const qn_selection *s)
{
    const qn_dataset *d = s->data;
    const qn_var **v = calloc(d->n_vars + 1, sizeof *v);
    size_t n = 0;
    if (!v)
        return qn_fail(QN_ERR_NOMEM, "out of memory for the report");
    for (size_t i = 0; i < d->n_vars; i++)
        if (is_result_of_axes(d, s, d->vars[i]) && wanted(q, d->vars[i]->name) && missing_values(d->vars[i]) < d->vars[i]->size)
            v[n++] = d->vars[i];
    if (n) {
        qn_buffer_add(b, "<h3>Numbers</h3>\n");
        table(b, s, n, v);
    }
    free(v);
    return 0;
}

/* Groups that analysis verbs wrote (/fit, /boundary, /theory): each as a table over its own axes. */
static int group_tables(qn_buffer *b, const qn_dataset *d)
{
    for (size_t g = 0; g < d->n_groups; g++) {
        const qn_dataset *x = d->groups[g];
        if (!strcmp(x->name, "environment") || !strcmp(x->name, "samples") || !strcmp(x->name, "checkpoints"))
            continue;
        qn_selection s;
        const qn_var *v[64];
        size_t n = 0;
        if (!qn_attr_text(x, NULL, "axes"))
            continue;
        int err = qn_select(x, NULL, 0, &s);
        if (err)
            return err;
        for (size_t i = 0; i < x->n_vars && n < 64; i++)
            if (is_result_of_axes(x, &s, x->vars[i]))
                v[n++] = x->vars[i];
        qn_buffer_add(b, "<h3>/");
        qn_report_text(b, x->name);
        qn_buffer_add(b, "</h3>\n");
        if (n)
            table(b, &s, n, v);
        qn_selection_free(&s);
        const qn_attr *command = qn_attr_find(x, NULL, "command");
        if (command && command->type == QN_STR) {
            qn_buffer_add(b, "<p class=sub><code>");
            qn_report_text(b, command->str);
            qn_buffer_add(b, "</code></p>\n");
        }
    }
    return 0;
}

/* ---- figures ---------------------------------------------------------------------------------------------------------- */

static int figures(qn_buffer *b, const qn_report_request *q, size_t file, const qn_selection *s, size_t *count)
{
    const qn_dataset *d = q->file[file].data;
    size_t before = *count;
    qn_buffer_add(b, "<h3>Figures</h3>\n<div class=figures>\n");
    for (size_t i = 0; i < d->n_vars; i++) {
        const qn_var *v = d->vars[i];
        if (!qn_is_observable(d, v) || v->type == QN_STR || !v->rank || !wanted(q, v->name) || missing_values(v) == v->size)
            continue;
        int err = qn_report_figure(b, q, file, s, v, count);
        if (err)
            return err;
    }
    qn_buffer_add(b, "</div>\n");
    if (*count == before)
        qn_buffer_add(b, "<p class=sub>Nothing here lies over an axis: the numbers below are all there is.</p>\n");
    return 0;
}

/* ---- the page --------------------------------------------------------------------------------------------------------- */

static void provenance(qn_buffer *b, const qn_dataset *d)
{
    static const char *const root[] = {"model", "reference", "quench_version", "seed"};
    const qn_dataset *e = qn_dataset_find_group(d, "environment");
    qn_buffer_add(b, "<h3>Provenance</h3>\n<table class=facts>\n");
    for (size_t i = 0; i < sizeof root / sizeof *root; i++) {
        const qn_attr *a = qn_attr_find(d, NULL, root[i]);
        char text[512];
        if (!a)
            continue;
        attribute_text(a, text, sizeof text);
        if (*text)
            fact(b, root[i], text);
    }
    for (size_t i = 0; e && i < e->n_attrs; i++) {
        char text[1024];
        attribute_text(&e->attrs[i], text, sizeof text);
        fact(b, e->attrs[i].name, text);
    }
    qn_buffer_add(b, "</table>\n");
}

static void sweep_file(qn_buffer *b, const qn_dataset *d)
{
    const char *name = qn_attr_text(d, NULL, "config_file"), *text = qn_attr_text(d, NULL, "config"), *sets = qn_attr_text(d, NULL, "set");
    if (!text)
        return;
    qn_buffer_add(b, "<h3>Sweep file");
    if (name) {
        qn_buffer_add(b, " <code>");
        qn_report_text(b, name);
        qn_buffer_add(b, "</code>");
    }
    qn_buffer_add(b, "</h3>\n<pre>");
    qn_report_text(b, text);
    qn_buffer_add(b, "</pre>\n");
    if (sets && *sets) {
        qn_buffer_add(b, "<p>with <code>--set</code>:</p>\n<pre>");
        qn_report_text(b, sets);
        qn_buffer_add(b, "</pre>\n");
    }
}

static int section(qn_buffer *b, const qn_report_request *q, size_t file, size_t *count)
{
    const qn_dataset *d = q->file[file].data;
    const char *title = qn_attr_text(d, NULL, "title");
    qn_selection s;
    int err = qn_select(d, q->where, q->n_where, &s);
    if (err)
        return err;
    qn_buffer_add(b, "<section id=file%zu>\n", file + 1);
    if (q->n_files > 1 || q->title) { /* else the heading of the page says it */
        qn_buffer_add(b, "<h2>");
        qn_report_text(b, title && *title ? title : q->file[file].path);
        qn_buffer_add(b, "</h2>\n");
    }
    qn_buffer_add(b, "<p class=sub><code>");
    qn_report_text(b, q->file[file].path);
    qn_buffer_add(b, "</code></p>\n");
    verdicts(b, d);
    err = figures(b, q, file, &s, count);
    if (!err)
        err = numbers(b, q, &s);
    if (!err)
        err = group_tables(b, d);
    if (!err) {
        parameters(b, &s);
        sweep_file(b, d);
        provenance(b, d);
    }
    qn_buffer_add(b, "</section>\n");
    qn_selection_free(&s);
    return err;
}

static int check_names(const qn_report_request *q)
{
    for (size_t i = 0; i < q->n_observables; i++) {
        bool found = false;
        for (size_t f = 0; f < q->n_files && !found; f++) {
            const qn_var *v = qn_dataset_find(q->file[f].data, q->observable[i]);
            found = v && qn_is_observable(q->file[f].data, v);
        }
        const qn_var *v;
        if (!found) /* the sentence names the nearest of the first file */
            return qn_observable_find(q->file[0].data, q->observable[i], &v);
    }
    return 0;
}

static int put_down(const qn_buffer *b, const char *output)
{
    char *temporary = qn_format("%s.tmp-%ld", output, (long)getpid());
    FILE *f = temporary ? fopen(temporary, "w") : NULL;
    int err = 0;
    if (!f) {
        err = qn_fail(QN_ERR_IO, "%s cannot be written: %s", output, strerror(errno));
    } else {
        bool bad = fwrite(b->text, 1, b->n, f) != b->n || fflush(f) || fsync(fileno(f));
        bad |= fclose(f) != 0;
        if (bad || rename(temporary, output)) {
            err = qn_fail(QN_ERR_IO, "%s could not be written: %s", output, strerror(errno));
            unlink(temporary);
        }
    }
    free(temporary);
    return err;
}

int qn_report_write(const qn_report_request *q, const char *output, size_t *count)
{
    qn_buffer b = {0};
    const char *title = q->title ? q->title : qn_attr_text(q->file[0].data, NULL, "title");
    *count = 0;
    int err = check_names(q);
    if (err)
        return err;
    qn_buffer_add(&b, "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>");
    qn_report_text(&b, title ? title : "quench");
    qn_buffer_add(&b, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    qn_report_text(&b, title ? title : "quench");
    qn_buffer_add(&b, "</h1>\n<p class=sub>Made by quench %s. Bars are one standard error, for 0/1 outcomes the 95 %% Wilson interval.</p>\n", qn_version());
    if (q->n_files > 1) {
        qn_buffer_add(&b, "<nav>");
        for (size_t f = 0; f < q->n_files; f++) {
            qn_buffer_add(&b, "<a href=\"#file%zu\">", f + 1);
            qn_report_text(&b, q->file[f].path);
            qn_buffer_add(&b, "</a>");
        }
        qn_buffer_add(&b, "</nav>\n");
    }
    for (size_t f = 0; f < q->n_files && !err; f++)
        err = section(&b, q, f, count);
    qn_buffer_add(&b, "</body>\n</html>\n");
    if (!err && b.failed)
        err = qn_fail(QN_ERR_NOMEM, "out of memory for the report");
    if (!err)
        err = put_down(&b, output);
    qn_buffer_free(&b);
    return err;
}
