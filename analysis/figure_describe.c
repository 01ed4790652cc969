/* figure_describe.c -- an axis of a figure out of a variable: its name, symbol and unit, its words, and where rows lie on it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure_build.h"

void qn_fig_axis_free(qn_fig_axis *a)
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

int qn_fig_copy(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return text && !*out ? qn_fig_no_memory() : 0;
}

int qn_fig_describe(qn_fig_axis *a, const char *name, const qn_dataset *d, const qn_var *v)
{
    const char *unit = own_words(d, v, "units"), *scale = own_words(d, v, "scale");
    const char *symbol = own_words(d, v, "symbol");
    int err = qn_fig_copy(name, &a->name);
    if (!err) /* a short name is its own symbol: T, N, q2 */
        err = qn_fig_copy(symbol ? symbol : strlen(name) < 3 ? name : NULL, &a->symbol);
    if (!err)
        err = qn_fig_copy(own_words(d, v, "long_name"), &a->meaning);
    if (!err)
        err = qn_fig_copy(unit && strcmp(unit, "1") ? unit : NULL, &a->unit);
    a->log = scale && !strcmp(scale, "log");
    return err;
}

/* A value of an axis of text or of truth values, as a category. */
void qn_fig_word(const qn_var *c, size_t i, char *out, size_t room)
{
    if (c->type == QN_I8)
        snprintf(out, room, "%s", c->i8[i] ? "yes" : "no");
    else
        qn_cell_text(c, i, 17, out, room);
}

bool qn_fig_has_words(const qn_var *c)
{
    return c && (c->type == QN_STR || c->type == QN_I8);
}

int qn_fig_take_words(qn_fig_axis *a, const qn_range *r)
{
    a->word = calloc(r->n + 1, sizeof *a->word);
    if (!a->word)
        return qn_fig_no_memory();
    for (size_t i = 0; i < r->n; i++) {
        char text[128];
        qn_fig_word(r->coordinate, r->index[i], text, sizeof text);
        int err = qn_fig_copy(text, &a->word[i]);
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

double qn_fig_position(const qn_selection *s, size_t r, size_t row, const qn_fig_axis *a)
{
    const qn_range *range = &s->range[r];
    size_t i = qn_selection_index(s, row, r), place;
    if (qn_fig_has_words(range->coordinate)) {
        char text[128];
        qn_fig_word(range->coordinate, i, text, sizeof text);
        return word_place(a, text);
    }
    if (range->coordinate)
        return qn_var_number(range->coordinate, i);
    char name[128]; /* a grid that differs from point to point: NAME_value over (axes, NAME) */
    snprintf(name, sizeof name, "%s_value", range->name);
    const qn_var *each = qn_dataset_find(s->data, name);
    return each && qn_selection_place(s, each, row, &place) ? qn_var_number(each, place) : (double)i;
}
