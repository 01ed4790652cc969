/* table.c -- see table.h. */
#include "table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

typedef struct columns {
    size_t n, room;
    const qn_var **var; /* NULL: the number of the place along range `range` */
    size_t *range;
    const char **name;
} columns;

static int add(columns *c, const char *name, const qn_var *v, size_t range)
{
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 32;
        const qn_var **var = realloc(c->var, room * sizeof *var);
        if (var)
            c->var = var;
        size_t *at = realloc(c->range, room * sizeof *at);
        if (at)
            c->range = at;
        const char **names = realloc(c->name, room * sizeof *names);
        if (names)
            c->name = names;
        if (!var || !at || !names)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        c->room = room;
    }
    c->var[c->n] = v;
    c->range[c->n] = range;
    c->name[c->n++] = name;
    return 0;
}

/* What belongs to v, by its attribute: all of it, or the error alone. */
static int add_beside(columns *c, const qn_dataset *d, const qn_var *v, bool all)
{
    const char *names = qn_attr_text(d, v, "ancillary_variables");
    int err = 0;
    for (const char *a = names; a && *a && !err; a += strcspn(a, " "), a += *a == ' ') {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(a, " "), a);
        const qn_var *w = qn_dataset_find(d, name);
        size_t n = strlen(v->name);
        if (w && (all || !strcmp(name + n, "_err")))
            err = add(c, w->name, w, 0);
    }
    return err;
}

static void cell(const qn_selection *s, const columns *c, size_t k, size_t row, int digits, char out[64], bool *text)
{
    size_t at;
    *text = c->var[k] && c->var[k]->type == QN_STR;
    *out = 0;
    if (!c->var[k])
        snprintf(out, 64, "%zu", qn_selection_index(s, row, c->range[k]));
    else if (qn_selection_place(s, c->var[k], row, &at))
        qn_cell_text(c->var[k], at, digits, out, 64);
}

/* A quoted string for CSV (quotes doubled, only where needed) or JSON. */
static void quoted(FILE *out, const char *text, bool json)
{
    bool quote = json || strpbrk(text, ",\"\n");
    if (quote)
        fputc('"', out);
    for (const char *t = text; *t; t++) {
        if (json && (unsigned char)*t < 0x20)
            fprintf(out, "\\u%04x", *t);
        else {
            if (*t == '"')
                fputc(json ? '\\' : '"', out);
            else if (json && *t == '\\')
                fputc('\\', out);
            fputc(*t, out);
        }
    }
    if (quote)
        fputc('"', out);
}

static void write_csv(const qn_selection *s, const columns *c, FILE *out)
{
    char text[64];
    bool is_text;
    for (size_t k = 0; k < c->n; k++)
        fprintf(out, "%s%s", k ? "," : "", c->name[k]);
    fputc('\n', out);
    for (size_t r = 0; r < qn_selection_rows(s); r++) {
        for (size_t k = 0; k < c->n; k++) {
            cell(s, c, k, r, 17, text, &is_text);
            if (k)
                fputc(',', out);
            quoted(out, text, false);
        }
        fputc('\n', out);
    }
}

static void write_json(const qn_selection *s, const columns *c, FILE *out)
{
    char text[64];
    bool is_text;
    fputs("[", out);
    for (size_t r = 0; r < qn_selection_rows(s); r++) {
        fputs(r ? ",\n {" : "\n {", out);
        for (size_t k = 0; k < c->n; k++) {
            cell(s, c, k, r, 17, text, &is_text);
            if (k)
                fputs(", ", out);
            quoted(out, c->name[k], true);
            fputs(": ", out);
            if (is_text)
                quoted(out, text, true);
            else /* JSON has no NaN and no infinity */
                fputs(*text && !strpbrk(text, "ni") ? text : "null", out);
        }
        fputs("}", out);
    }
    fputs("\n]\n", out);
}

static int write_text(const qn_selection *s, const columns *c, FILE *out)
{
    size_t rows = qn_selection_rows(s), *width = calloc(c->n + 1, sizeof *width);
    char text[64];
    bool is_text;
    if (!width)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k < c->n; k++) {
        width[k] = strlen(c->name[k]);
        for (size_t r = 0; r < rows; r++) {
            cell(s, c, k, r, 6, text, &is_text);
            if (strlen(text) > width[k])
                width[k] = strlen(text);
        }
    }
    for (size_t k = 0; k < c->n; k++)
        fprintf(out, "%s%*s", k ? "  " : "", (int)width[k], c->name[k]);
    fputc('\n', out);
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < c->n; k++) {
            cell(s, c, k, r, 6, text, &is_text);
            fprintf(out, "%s%*s", k ? "  " : "", (int)width[k], *text ? text : "-");
        }
        fputc('\n', out);
    }
    free(width);
    return 0;
}

int qn_table_write(const qn_selection *from, size_t n, const qn_var *const *observable, bool all, qn_table_form form, FILE *out)
{
    qn_selection s = *from; /* borrows the ranges; those of the own dimensions are added and freed here */
    columns c = {0};
    int err = 0;
    for (size_t i = 0; i < n && !err; i++)
        err = qn_select_extend(&s, observable[i]);
    for (size_t r = 0; r < s.n && !err; r++)
        err = add(&c, s.range[r].name, s.range[r].coordinate, r);
    for (size_t i = 0; i < s.data->n_vars && !err; i++) { /* what was realised instead of what was asked */
        const char *kind = qn_attr_text(s.data, s.data->vars[i], "kind");
        if (kind && !strcmp(kind, "coordinate") && s.data->vars[i]->rank == s.n_axes)
            err = add(&c, s.data->vars[i]->name, s.data->vars[i], 0);
    }
    for (size_t i = 0; i < n && !err; i++) {
        err = add(&c, observable[i]->name, observable[i], 0);
        if (!err)
            err = add_beside(&c, s.data, observable[i], all);
    }
    if (!err && form == QN_TABLE_CSV)
        write_csv(&s, &c, out);
    else if (!err && form == QN_TABLE_JSON)
        write_json(&s, &c, out);
    else if (!err)
        err = write_text(&s, &c, out);
    for (size_t r = from->n; r < s.n; r++)
        free(s.range[r].index);
    free(c.var);
    free(c.range);
    free(c.name);
    return err;
}
