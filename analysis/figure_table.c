/* figure_table.c -- the numbers of a figure as CSV (figure.h). */
#include "figure.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Commas and quotes make a quoted field; the marks of symbols go. */
static void csv_text(FILE *out, const char *text)
{
    bool quote = strpbrk(text, ",\"\n") != NULL;
    if (quote)
        fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        if (*text != QN_SYMBOL_BEGIN && *text != QN_SYMBOL_END)
            fputc(*text, out);
    }
    if (quote)
        fputc('"', out);
}

static void csv_place(FILE *out, const qn_fig_axis *a, double x)
{
    if (a->n_words && x >= 0 && x < (double)a->n_words)
        csv_text(out, a->word[(size_t)x]);
    else if (isfinite(x))
        fprintf(out, "%.17g", x);
    fputc(',', out);
}

static void csv_number(FILE *out, double x)
{
    if (isfinite(x))
        fprintf(out, "%.17g", x);
    fputc(',', out);
}

static void csv_map(const qn_figure *f, FILE *out)
{
    fprintf(out, "what,%s,%s,%s,low,high,equilibrated\n", f->x.name, f->y.name, f->value.name);
    for (size_t c = 0; c < f->x.n * f->y.n; c++) {
        fputs("cell,", out);
        csv_place(out, &f->x, f->x.at[c / f->y.n]);
        csv_place(out, &f->y, f->y.at[c % f->y.n]);
        csv_number(out, f->cell[c]);
        csv_number(out, f->cell_lo[c]);
        csv_number(out, f->cell_hi[c]);
        fprintf(out, "%d\n", f->cell_eq[c]);
    }
    for (size_t i = 0; i < f->n_series; i++) /* low and high lie along the axis of the located parameter */
        for (size_t k = 0; k < f->series[i].n; k++) {
            const qn_fig_series *s = &f->series[i];
            csv_text(out, s->label);
            fputc(',', out);
            csv_place(out, &f->x, s->x[k]);
            csv_place(out, &f->y, s->y[k]);
            fputc(',', out);
            csv_number(out, s->lo[k]);
            csv_number(out, s->hi[k]);
            fprintf(out, "%d\n", s->eq[k]);
        }
}

static void csv_lines(const qn_figure *f, FILE *out)
{
    static const char *const form[] = {"", "points", "curve", "theory", "mark"};
    fprintf(out, "what,file,label,%s,%s,low,high,equilibrated\n", f->x.name, f->value.name);
    for (size_t i = 0; i < f->n_series; i++)
        for (size_t k = 0; k < f->series[i].n; k++) {
            const qn_fig_series *s = &f->series[i];
            fprintf(out, "%s,%zu,", form[s->form], s->file);
            csv_text(out, s->label ? s->label : "");
            fputc(',', out);
            csv_place(out, &f->x, s->x[k]);
            csv_number(out, s->y[k]);
            csv_number(out, s->lo[k]);
            csv_number(out, s->hi[k]);
            fprintf(out, "%d\n", s->eq[k]);
        }
}

int qn_figure_table(const qn_figure *f, const char *path)
{
    FILE *out = strcmp(path, "-") ? fopen(path, "w") : stdout;
    if (!out)
        return qn_fail(QN_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    if (f->map)
        csv_map(f, out);
    else
        csv_lines(f, out);
    int bad = fflush(out) || ferror(out), why = errno;
    if (out != stdout && fclose(out) && !bad) {
        bad = -1;
        why = errno;
    }
    return bad ? qn_fail(QN_ERR_IO, "%s could not be written: %s", path, strerror(why)) : 0;
}
