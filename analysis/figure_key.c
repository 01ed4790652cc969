/* figure_key.c -- how the key tells files apart. */
#include <stdlib.h>
#include <string.h>

#include "figure_build.h"
#include "text.h"

#define MOST_NAMED_DIFFERENCES 3

const char *qn_fig_fixed_value(const qn_dataset *d, const char *name)
{
    char full[128];
    snprintf(full, sizeof full, "parameter:%s", name);
    return qn_attr_text(d, NULL, full);
}

/* Names a file by the fixed parameters in which it differs from the others, else by its own name. */
static char *name_of_file(const qn_figure_request *q, const bool *drawn, size_t file)
{
    const qn_dataset *own = qn_fig_data(q, file);
    const char *path = qn_fig_path(q, file), *base = strrchr(path, '/');
    qn_buffer text = {0};
    size_t n = 0;
    for (size_t i = 0; i < own->n_attrs; i++) {
        const char *name = own->attrs[i].name, *value = own->attrs[i].str;
        bool differs = false;
        if (strncmp(name, "parameter:", 10) || !value || strlen(value) > 24)
            continue;
        for (size_t o = 0; o <= q->n_overlays; o++) {
            const char *other = drawn[o] ? qn_attr_text(qn_fig_data(q, o), NULL, name) : NULL;
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

int qn_fig_name_files(qn_fig_building *b)
{
    qn_figure *f = b->f;
    size_t n_theory = 0;
    bool *points = calloc(f->n_sources, sizeof *points), *theory = calloc(f->n_sources, sizeof *theory), *told = calloc(f->n_sources, sizeof *told);
    f->file_label = calloc(f->n_sources, sizeof *f->file_label);
    int err = points && theory && told && f->file_label ? 0 : qn_fig_no_memory();
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
        if (points[i] && !(f->file_label[i] = f->n_files == 1 ? strdup("Monte Carlo") : name_of_file(b->q, points, i)))
            err = qn_fig_no_memory();
    for (size_t i = 0; i < f->n_series && !err; i++) {
        qn_fig_series *s = &f->series[i];
        if (s->label || s->other || s->form == QN_FIG_MARK)
            continue;
        if (s->form != QN_FIG_THEORY) {
            if (f->by.n < 2 && (f->n_files > 1 || n_theory))
                err = qn_fig_copy(f->file_label[s->file], &s->label);
            continue;
        }
        if (told[s->file] || (!f->n_files && n_theory < 2))
            continue;
        told[s->file] = true;
        char *differs = n_theory > 1 ? name_of_file(b->q, theory, s->file) : NULL;
        s->label = n_theory == 1 ? strdup("theory") : differs ? qn_format("theory, %s", differs) : NULL;
        err = s->label ? 0 : qn_fig_no_memory();
        free(differs);
    }
    free(points);
    free(theory);
    free(told);
    return err;
}
