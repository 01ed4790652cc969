/* plot_layout.c -- where everything lies, in millimetres. */
#include <math.h>
#include <string.h>

#include "plot_drawing.h"

#define MM_PER_PT (25.4 / 72)
#define CHAR_EM 0.54 /* mean width of a character */

static double text_mm(const qn_plot_layout *l, size_t characters)
{
    return (double)characters * CHAR_EM * l->em;
}

bool qn_plot_has_bar(const qn_figure *f)
{
    return f->map || (f->by.n > QN_FIG_NAMED && !f->by.n_words);
}

static size_t at_least(double n, size_t least)
{
    return n > (double)least ? (size_t)n : least;
}

void qn_plot_lay_out(qn_drawing *d, const qn_plot_style *style)
{
    const qn_figure *f = d->f;
    qn_plot_layout *l = &d->l;
    const qn_fig_axis *vertical = f->map ? &f->y : &f->value, *bar = f->map ? &f->value : &f->by;
    qn_plot_marks t;
    *l = (qn_plot_layout){.w = style->page ? 170 : 85, .font = style->page ? 9 : 8};
    l->em = l->font * MM_PER_PT;
    double height = style->page ? 90 : f->map ? 48 : 46;
    l->y_ticks = at_least(height / 7, 3);
    l->bar_ticks = l->y_ticks;
    qn_plot_ticks(vertical, l->y_ticks, &t);
    l->left = 1 + 1.3 * l->em + 1 + fmin(text_mm(l, t.longest), l->w / 3) + 1.6;
    l->right = l->w - 3;
    if (qn_plot_has_bar(f)) {
        qn_plot_ticks(bar, l->bar_ticks, &t);
        l->right -= 2 + 3 + 1.6 + text_mm(l, t.longest) + 1 + 1.3 * l->em - 2;
        l->bar = l->right + 2;
    }
    double width = l->right - l->left;
    for (l->x_ticks = 10; l->x_ticks > 2; l->x_ticks--) {
        qn_plot_ticks(&f->x, l->x_ticks, &t);
        if ((text_mm(l, t.longest) + 1.5 * l->em) * (double)t.n <= width)
            break;
    }
    qn_plot_ticks(&f->x, l->x_ticks, &t);
    l->turned = f->x.n_words && (text_mm(l, t.longest) + l->em) * (double)f->x.n_words > width;
    l->bottom = 1 + 1.3 * l->em + (l->turned ? fmin(0.5 * text_mm(l, t.longest), 25) : l->em) + (f->map ? 2.4 : 1.8); /* a map's ticks point outwards */
    l->top = l->bottom + height;
}

#define KEY_CHAR_EM (QN_PLOT_WORD_EM + 0.02)
#define KEY_LEFT 2    /* mm: the first entry of a row */
#define KEY_RIGHT 1.5 /* free at its end */

static double entry_mm(const qn_plot_layout *l, size_t characters)
{
    return QN_KEY_SAMPLE_MM + 1.5 + (double)characters * KEY_CHAR_EM * l->em;
}

size_t qn_plot_key_room(const qn_plot_layout *l)
{
    return (size_t)((l->w - KEY_LEFT - KEY_RIGHT - entry_mm(l, 0)) / (KEY_CHAR_EM * l->em));
}

/* Rows of entries, as many a row as fit: in columns when that takes no more rows than one after another. */
void qn_plot_lay_out_key(qn_drawing *d)
{
    qn_plot_layout *l = &d->l;
    double x = KEY_LEFT, widest = 0, gap = 1.4 * l->em, room = l->w - KEY_RIGHT;
    l->key_rows = d->n_key > 0;
    for (size_t i = 0; i < d->n_key; i++) {
        double width = entry_mm(l, qn_fig_length(d->key[i].title));
        if (i && x + width > room) {
            l->key_rows++;
            x = KEY_LEFT;
        }
        d->key[i].row = l->key_rows - 1;
        d->key[i].x = x;
        x += width + gap;
        widest = fmax(widest, width);
    }
    size_t columns = at_least((room - KEY_LEFT + gap) / (widest + gap), 1);
    if (l->key_rows > 1 && (d->n_key + columns - 1) / columns <= l->key_rows) {
        l->key_rows = (d->n_key + columns - 1) / columns;
        columns = (d->n_key + l->key_rows - 1) / l->key_rows;
        for (size_t i = 0; i < d->n_key; i++) {
            d->key[i].row = i / columns;
            d->key[i].x = KEY_LEFT + (double)(i % columns) * (widest + gap);
        }
    }
    l->h = l->top + 2.2 + (double)l->key_rows * QN_KEY_EM * l->em + (l->key_rows ? 0.8 : 0) + (d->f->title ? 1.6 * l->em : 0);
}
