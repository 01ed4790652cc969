/* plot_drawing.c -- what maps and lines are drawn with: colours, dashes, data blocks, entries of the key. */
#include <math.h>
#include <stdlib.h>

#include "plot_drawing.h"

static void rgb_text(const qn_colour *c, char out[8])
{
    snprintf(out, 8, "#%02x%02x%02x", (unsigned)lround(255 * c->rgb[0]), (unsigned)lround(255 * c->rgb[1]), (unsigned)lround(255 * c->rgb[2]));
}

void qn_plot_shade(const qn_drawing *d, double shade, char out[8])
{
    if (isfinite(shade))
        rgb_text(&d->colour[lround(fmin(fmax(shade, 0), 1) * (QN_PLOT_STOPS - 1))], out);
    else
        snprintf(out, 8, "#000000");
}

const char *qn_plot_dash(size_t k)
{
    static const char *const kind[] = {"solid", "(8,4)", "(2,3)", "(10,3,2,3)", "(14,4)"};
    return kind[k % (sizeof kind / sizeof *kind)];
}

static void number_text(double v, char out[32])
{
    if (isfinite(v))
        snprintf(out, 32, "%.10g", v);
    else
        snprintf(out, 32, "NaN");
}

void qn_plot_series(qn_drawing *d, size_t i)
{
    const qn_fig_series *s = &d->f->series[i];
    qn_buffer_add(&d->data, "# x, y, ends of the bar, equilibrated\n$s%zu << EOD\n", i + 1);
    for (size_t k = 0; k < s->n; k++) {
        char x[32], y[32], lo[32], hi[32];
        double centre = s->bars_along_x ? s->x[k] : s->y[k];
        number_text(s->x[k], x);
        number_text(s->y[k], y);
        number_text(isfinite(s->lo[k]) ? s->lo[k] : centre, lo);
        number_text(isfinite(s->hi[k]) ? s->hi[k] : centre, hi);
        if (isfinite(s->x[k]) && isfinite(s->y[k]))
            qn_buffer_add(&d->data, "%s %s %s %s %d\n", x, y, lo, hi, s->eq[k]);
        else
            qn_buffer_add(&d->data, "\n"); /* a gap */
    }
    qn_buffer_add(&d->data, "EOD\n");
}

qn_key_entry qn_plot_look(qn_key_sample kind, const char *colour, double width, const char *dashes, int point)
{
    qn_key_entry e = {.kind = kind, .width = width, .dash = dashes, .point = point};
    snprintf(e.colour, sizeof e.colour, "%s", colour);
    return e;
}

void qn_plot_add_key(qn_drawing *d, const char *title, qn_key_entry look)
{
    qn_key_entry *more = realloc(d->key, (d->n_key + 1) * sizeof *more);
    if (!more) {
        d->failed = true;
        return;
    }
    look.title = title;
    d->key = more;
    d->key[d->n_key++] = look;
}

void qn_drawing_free(qn_drawing *d)
{
    free(d->key);
    qn_buffer_free(&d->data);
    qn_buffer_free(&d->plot);
}
