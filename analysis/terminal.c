/* terminal.c -- see terminal.h.  A figure is put on a canvas of characters, which is printed with its axes. */
#include "terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "palette.h"
#include "text.h"

#define STOPS 64
#define PLAIN (-1) /* no colour */

typedef struct glyph {
    char text[5];
    int ink, paper; /* places in the palette or PLAIN */
    unsigned char dots; /* braille, drawn where text is empty */
} glyph;

typedef struct canvas {
    const qn_figure *f;
    const qn_terminal *t;
    size_t w, h;
    glyph *at; /* [h][w], top row first */
    qn_colour colour[STOPS];
    qn_buffer legend;
} canvas;

bool qn_terminal_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
    }
    return false;
}

/* ---- characters and colours -------------------------------------------------------------------------------------------- */

/* A text without the marks of symbols and the signs of enhanced text. */
static char *plain(const char *text)
{
    char *out = malloc(strlen(text) + 1), *o = out;
    bool symbol = false;
    for (; out && *text; text++) {
        if (*text == QN_SYMBOL_BEGIN || *text == QN_SYMBOL_END)
            symbol = *text == QN_SYMBOL_BEGIN;
        else if (!(symbol && strchr("{}", *text)))
            *o++ = *text;
    }
    if (out)
        *o = 0;
    return out;
}

static char *plain_label(const qn_fig_axis *a, size_t most)
{
    char *label = qn_fig_label(a, most), *text = label ? plain(label) : NULL;
    free(label);
    return text;
}

static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void spaces(FILE *out, size_t n)
{
    while (n--)
        fputc(' ', out);
}

static void put_colour(const canvas *c, FILE *out, int place, bool paper)
{
    const double *v = c->colour[place].rgb;
    if (c->t->true_colour) {
        fprintf(out, "\033[%d;2;%d;%d;%dm", paper ? 48 : 38, (int)lround(255 * v[0]), (int)lround(255 * v[1]), (int)lround(255 * v[2]));
    } else { /* the 6 x 6 x 6 cube: levels 0, 95, 135, 175, 215, 255 */
        int level[3];
        for (size_t i = 0; i < 3; i++)
            level[i] = (int)fmax(rint((255 * v[i] - 35) / 40), 0);
        fprintf(out, "\033[%d;5;%dm", paper ? 48 : 38, 16 + 36 * level[0] + 6 * level[1] + level[2]);
    }
}

static int place_of(double shade)
{
    return (int)lround(fmin(fmax(shade, 0), 1) * (STOPS - 1));
}

/* Without colour: a character that covers more the larger the value. */
static const char *shade_glyph(const canvas *c, double shade)
{
    static const char *const block[] = {" ", "░", "▒", "▓", "█"}, *const letter[] = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"};
    double s = fmin(fmax(shade, 0), 1);
    return c->t->unicode ? block[(size_t)fmin(s * 5, 4)] : letter[(size_t)fmin(s * 10, 9)];
}

static glyph *cell(canvas *c, size_t x, size_t y)
{
    return &c->at[(c->h - 1 - y) * c->w + x]; /* y counts from below */
}

static void set(glyph *g, const char *text)
{
    snprintf(g->text, sizeof g->text, "%s", text);
}

/* The character in which (px, py), places 0..1, lies; false outside. */
static bool locate(const canvas *c, double px, double py, size_t *x, size_t *y)
{
    if (!(px >= 0 && px <= 1 && py >= 0 && py <= 1))
        return false;
    *x = (size_t)fmin(px * (double)c->w, (double)c->w - 1);
    *y = (size_t)fmin(py * (double)c->h, (double)c->h - 1);
    return true;
}

static void print_glyph(const canvas *c, const glyph *g, FILE *out)
{
    bool colour = c->t->colour && (g->ink != PLAIN || g->paper != PLAIN);
    if (colour && g->paper != PLAIN) {
        put_colour(c, out, g->paper, true);
        fputs(c->colour[g->paper].lightness < 55 ? "\033[38;5;231m" : "\033[38;5;16m", out);
    } else if (colour) {
        put_colour(c, out, g->ink, false);
    }
    if (!*g->text && g->dots && c->t->unicode) {
        unsigned code = 0x2800u + g->dots; /* three bytes of UTF-8 */
        fprintf(out, "%c%c%c", (int)(0xe0 | code >> 12), (int)(0x80 | (code >> 6 & 0x3f)), (int)(0x80 | (code & 0x3f)));
    } else {
        fputs(*g->text ? g->text : g->dots ? "." : " ", out);
    }
    if (colour)
        fputs("\033[0m", out);
}

/* ---- frame ---------------------------------------------------------------------------------------------------------------------- */

typedef struct marks {
    size_t n, at[QN_FIG_TICKS], width;
    char text[QN_FIG_TICKS][64];
} marks;

/* Marks of an axis over n characters. */
static void make_marks(const qn_fig_axis *a, size_t n, size_t most, marks *m)
{
    double at[QN_FIG_TICKS];
    int decimals;
    size_t all = qn_fig_ticks(a, most ? most : 1, at, &decimals);
    m->n = m->width = 0;
    for (size_t i = 0; i < all; i++) {
        double p = qn_fig_place(a, at[i]);
        if (!(p >= -1e-9 && p <= 1 + 1e-9))
            continue;
        m->at[m->n] = (size_t)fmin(fmax(p, 0) * (double)n, (double)n - 1);
        if (a->n_words)
            snprintf(m->text[m->n], sizeof m->text[0], "%.24s", a->word[i]);
        else if (decimals < 0 || decimals > 5 || fabs(at[all - 1]) >= 1e6)
            snprintf(m->text[m->n], sizeof m->text[0], "%.6g", at[i]);
        else
            snprintf(m->text[m->n], sizeof m->text[0], "%.*f", decimals, at[i]);
        size_t w = width_of(m->text[m->n]);
        m->width = w > m->width ? w : m->width;
        m->n++;
    }
}

static void print_x(const canvas *c, const marks *x, size_t margin, FILE *out)
{
    size_t used = 0;
    spaces(out, margin);
    fputs(c->t->unicode ? "└" : "+", out);
    for (size_t i = 0, k = 0; i < c->w; i++) {
        bool mark = k < x->n && x->at[k] == i;
        while (k < x->n && x->at[k] <= i)
            k++;
        fputs(c->t->unicode ? mark ? "┴" : "─" : mark ? "+" : "-", out);
    }
    fputc('\n', out);
    for (size_t k = 0; k < x->n; k++) {
        size_t half = width_of(x->text[k]) / 2, from = margin + 1 + x->at[k];
        from = from > half ? from - half : 0;
        if (k && from < used + 1)
            continue; /* no room for it */
        spaces(out, from - used);
        fputs(x->text[k], out);
        used = from + width_of(x->text[k]);
    }
    fputc('\n', out);
}

static void print_canvas(canvas *c, const marks *y, FILE *out)
{
    const qn_figure *f = c->f;
    marks x;
    size_t margin = y->width + 1;
    for (size_t most = c->w / 6; most >= 1; most--) {
        make_marks(&f->x, c->w, most, &x);
        if (x.n * (x.width + 2) <= c->w || most == 1)
            break;
    }
    char *above = plain_label(f->map ? &f->y : &f->value, c->t->columns), *below = plain_label(&f->x, c->w);
    if (f->title)
        fprintf(out, "%s\n", f->title);
    fprintf(out, "%s\n", above ? above : "");
    for (size_t row = c->h; row-- > 0;) {
        const char *text = "";
        for (size_t k = 0; k < y->n; k++)
            if (y->at[k] == row)
                text = y->text[k];
        spaces(out, y->width - width_of(text));
        fputs(text, out);
        fputs(c->t->unicode ? *text ? " ┤" : " │" : *text ? " +" : " |", out);
        for (size_t i = 0; i < c->w; i++)
            print_glyph(c, cell(c, i, row), out);
        fputc('\n', out);
    }
    print_x(c, &x, margin, out);
    size_t centre = below && width_of(below) < c->w ? margin + 1 + (c->w - width_of(below)) / 2 : 0;
    spaces(out, centre);
    fprintf(out, "%s\n", below ? below : "");
    free(above);
    free(below);
}

#define BEFORE_KEY 5 /* columns of the sign and the blanks around it */

static const char *key_of(const canvas *c, const qn_fig_series *s)
{
    return qn_fig_key(s, c->t->columns > BEFORE_KEY ? c->t->columns - BEFORE_KEY : 0);
}

/* A line of explanation: a coloured sign and words. */
static void explain(canvas *c, const glyph *g, const char *label)
{
    char *text = plain(label), *sign = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&sign, &size);
    if (out) {
        print_glyph(c, g, out);
        fclose(out);
        qn_buffer_add(&c->legend, "  %s  %s\n", sign ? sign : "", text ? text : "");
    }
    free(sign);
    free(text);
}

/* ---- maps ------------------------------------------------------------------------------------------------------------------------- */

static size_t cell_index(const qn_fig_axis *a, double p)
{
    size_t i = 0;
    while (i + 1 < a->n && p > qn_fig_place(a, a->edge[i + 1]))
        i++;
    return i;
}

static void draw_cells(canvas *c)
{
    const qn_figure *f = c->f;
    bool hatched = false, missing = false;
    for (size_t x = 0; x < c->w; x++)
        for (size_t y = 0; y < c->h; y++) {
            size_t i = cell_index(&f->x, ((double)x + 0.5) / (double)c->w), k = cell_index(&f->y, ((double)y + 0.5) / (double)c->h), at = i * f->y.n + k;
            glyph *g = cell(c, x, y);
            if (!isfinite(f->cell[at])) {
                set(g, c->t->unicode ? "·" : "?");
                missing = true;
                continue;
            }
            double shade = qn_fig_place(&f->value, f->cell[at]);
            if (c->t->colour)
                g->paper = place_of(shade);
            if (!f->cell_eq[at] && (c->t->colour || (x + y) % 2))
                set(g, "/");
            else
                set(g, c->t->colour ? " " : shade_glyph(c, shade));
            hatched |= !f->cell_eq[at];
        }
    if (hatched)
        explain(c, &(glyph){.text = "/", .ink = PLAIN, .paper = PLAIN}, "not equilibrated");
    if (missing) {
        glyph g = {.ink = PLAIN, .paper = PLAIN};
        set(&g, c->t->unicode ? "·" : "?");
        explain(c, &g, "no value");
    }
}

/* Calls for every character on the way from one place to another. */
static void walk(canvas *c, const double from[2], const double to[2], const glyph *g)
{
    size_t steps = 4 * (c->w + c->h), x, y;
    for (size_t s = 0; s <= steps; s++) {
        double p = (double)s / (double)steps, px = from[0] + p * (to[0] - from[0]), py = from[1] + p * (to[1] - from[1]);
        if (!locate(c, px, py, &x, &y))
            continue;
        glyph *at = cell(c, x, y);
        if (*g->text) {
            set(at, g->text);
        } else { /* braille: dots 1 2 3 7 down the left column, 4 5 6 8 down the right one */
            static const unsigned char bit[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};
            size_t sx = (size_t)fmin(px * (double)c->w * 2, 2 * (double)c->w - 1) % 2, sy = 3 - (size_t)fmin(py * (double)c->h * 4, 4 * (double)c->h - 1) % 4;
            at->dots |= bit[sx][sy];
            at->ink = g->ink;
        }
    }
}

static void draw_polyline(canvas *c, const qn_fig_series *s, const glyph *g)
{
    const qn_fig_axis *vertical = c->f->map ? &c->f->y : &c->f->value;
    double before[2] = {NAN, NAN};
    for (size_t k = 0; k < s->n; k++) {
        double now[2] = {qn_fig_place(&c->f->x, s->x[k]), qn_fig_place(vertical, s->y[k])};
        if (isfinite(before[0]) && isfinite(before[1]) && isfinite(now[0]) && isfinite(now[1]))
            walk(c, before, now, g);
        memcpy(before, now, sizeof now);
    }
}

static void print_scale(const canvas *c, const qn_fig_axis *a, FILE *out)
{
    char *label = plain_label(a, c->t->columns > 40 ? c->t->columns - 40 : 10);
    size_t n = 24;
    fprintf(out, "%s  %.3g ", label ? label : "", a->lo);
    for (size_t i = 0; i < n; i++) {
        double shade = ((double)i + 0.5) / (double)n;
        glyph g = {.ink = PLAIN, .paper = c->t->colour ? place_of(shade) : PLAIN};
        set(&g, c->t->colour ? " " : shade_glyph(c, shade));
        print_glyph(c, &g, out);
    }
    fprintf(out, " %.3g%s\n", a->hi, a->log ? " (logarithmic)" : "");
    free(label);
}

static void draw_map(canvas *c)
{
    draw_cells(c);
    for (size_t i = 0; i < c->f->n_series; i++) {
        const qn_fig_series *s = &c->f->series[i];
        glyph g = {.ink = PLAIN, .paper = PLAIN};
        g.text[0] = (char)('A' + (int)(i % 26));
        draw_polyline(c, s, &g);
        explain(c, &g, key_of(c, s));
    }
}

/* ---- lines --------------------------------------------------------------------------------------------------------------------------- */

static void draw_points(canvas *c, const qn_fig_series *s, const glyph *full, const glyph *open, bool *opened)
{
    const qn_figure *f = c->f;
    size_t x, y, x0, y0, y1;
    for (size_t k = 0; k < s->n; k++) {
        double px = qn_fig_place(&f->x, s->x[k]), lo = qn_fig_place(&f->value, s->lo[k]), hi = qn_fig_place(&f->value, s->hi[k]);
        if (!isfinite(lo) || !isfinite(hi) || !locate(c, px, fmax(lo, 0), &x0, &y0) || !locate(c, px, fmin(hi, 1), &x0, &y1))
            continue;
        for (y = y0; y <= y1; y++) {
            glyph *g = cell(c, x0, y);
            set(g, c->t->unicode ? "│" : "|");
            g->ink = full->ink;
        }
    }
    for (size_t k = 0; k < s->n; k++)
        if (locate(c, qn_fig_place(&f->x, s->x[k]), qn_fig_place(&f->value, s->y[k]), &x, &y)) {
            *cell(c, x, y) = s->eq[k] ? *full : *open;
            *opened |= !s->eq[k];
        }
}

/* The signs of a measured series: shapes for files, letters for lines where there is no colour. */
static void signs(const canvas *c, const qn_fig_series *s, size_t nth, glyph *full, glyph *open)
{
    static const char *const shape[][2] = {{"●", "○"}, {"■", "□"}, {"▲", "△"}, {"◆", "◇"}}, *const letter[][2] = {{"*", "o"}, {"#", "%"}, {"x", "X"}, {"@", "&"}};
    bool lettered = c->f->by.n > 1 && !c->t->colour;
    *full = *open = (glyph){.ink = isfinite(s->shade) ? place_of(0.35 + 0.6 * s->shade) : place_of(0.5), .paper = PLAIN};
    if (lettered) {
        full->text[0] = (char)('a' + (int)(nth % 26));
        open->text[0] = (char)('A' + (int)(nth % 26));
        return;
    }
    set(full, c->t->unicode ? shape[s->file % 4][0] : letter[s->file % 4][0]);
    set(open, c->t->unicode ? shape[s->file % 4][1] : letter[s->file % 4][1]);
    if (c->f->n_files > 1 && c->f->by.n < 2)
        full->ink = open->ink = place_of(0.4 + 0.5 * (double)(s->file % 4) / 3);
}

static void draw_lines(canvas *c)
{
    const qn_figure *f = c->f;
    bool opened = false;
    glyph full, open;
    for (size_t i = 0; i < f->n_series; i++) { /* lines below points */
        const qn_fig_series *s = &f->series[i];
        glyph g = {.ink = PLAIN, .paper = PLAIN};
        size_t x, y;
        if (s->form == QN_FIG_POINTS)
            continue;
        if (s->form == QN_FIG_MARK) {
            set(&g, c->t->unicode ? "┊" : ":");
            for (size_t row = 0; row < c->h; row++)
                if (locate(c, qn_fig_place(&f->x, s->x[0]), ((double)row + 0.5) / (double)c->h, &x, &y))
                    *cell(c, x, y) = g;
            if (s->label)
                explain(c, &g, key_of(c, s));
            continue;
        }
        signs(c, s, i, &full, &open);
        g.ink = f->by.n > 1 || s->form == QN_FIG_CURVE ? full.ink : PLAIN;
        if (!c->t->unicode || (f->by.n > 1 && !c->t->colour && s->form == QN_FIG_CURVE))
            set(&g, f->by.n > 1 && s->form == QN_FIG_CURVE ? full.text : ".");
        draw_polyline(c, s, &g);
        g.dots = *g.text ? 0 : 0x36;
        if (s->label)
            explain(c, &g, key_of(c, s));
    }
    size_t named = 0;
    for (size_t i = 0; i < f->n_series; i++) {
        const qn_fig_series *s = &f->series[i];
        if (s->form != QN_FIG_POINTS)
            continue;
        signs(c, s, i, &full, &open);
        draw_points(c, s, &full, &open, &opened);
        if (s->label && named++ < 16)
            explain(c, &full, key_of(c, s));
        else if (s->label && named == 17)
            qn_buffer_add(&c->legend, "  ...\n");
    }
    if (opened)
        qn_buffer_add(&c->legend, "  %s  not equilibrated\n", f->by.n > 1 && !c->t->colour ? "A..Z" : c->t->unicode ? "○" : "o");
}

/* ---- the whole -------------------------------------------------------------------------------------------------------------------------- */

/* Room for a map: a whole number of characters a cell where the cells are even and fit. */
static size_t fit(const qn_fig_axis *a, size_t room)
{
    for (size_t i = 1; i + 1 < a->n; i++)
        if (fabs((qn_fig_place(a, a->edge[i + 1]) - qn_fig_place(a, a->edge[i])) * (double)a->n - 1) > 0.3)
            return room;
    return a->n && a->n <= room ? room / a->n * a->n : room;
}

int qn_terminal_draw(const qn_figure *f, const qn_terminal *t, FILE *out)
{
    canvas c = {.f = f, .t = t};
    marks y;
    size_t columns = t->columns < 30 ? 30 : t->columns > 110 ? 110 : t->columns, rows = t->rows < 14 ? 14 : t->rows > 40 ? 40 : t->rows;
    const qn_fig_axis *vertical = f->map ? &f->y : &f->value;
    qn_palette(STOPS, c.colour);
    c.h = rows - 7;
    c.h = f->map ? fit(vertical, c.h) : c.h;
    make_marks(vertical, c.h, c.h / 3, &y);
    size_t used = y.width + 4;
    c.w = columns > used + 16 ? columns - used : 16;
    c.w = f->map ? fit(&f->x, c.w) : c.w;
    c.at = calloc(c.w * c.h, sizeof *c.at);
    if (!c.at)
        return qn_fail(QN_ERR_NOMEM, "out of memory for the figure");
    for (size_t i = 0; i < c.w * c.h; i++)
        c.at[i] = (glyph){.ink = PLAIN, .paper = PLAIN};
    if (f->map)
        draw_map(&c);
    else
        draw_lines(&c);
    print_canvas(&c, &y, out);
    if (f->map)
        print_scale(&c, &f->value, out);
    fputs(c.legend.text ? c.legend.text : "", out);
    qn_buffer_free(&c.legend);
    free(c.at);
    return ferror(out) ? qn_fail(QN_ERR_IO, "the figure could not be written") : 0;
}
