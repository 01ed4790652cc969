/* plot_text.c -- text for gnuplot: symbols, numbers at the marks of an axis. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_drawing.h"

char *qn_plot_text(const char *text)
{
    qn_buffer b = {0};
    bool symbol = false, italic = false;
    qn_buffer_add(&b, "%s", "");
    for (; *text; text++) {
        if (*text == QN_SYMBOL_BEGIN) {
            symbol = italic = true;
            qn_buffer_add(&b, "{/:Italic ");
        } else if (symbol && italic && (*text == QN_SYMBOL_END || *text == '_' || *text == '^')) {
            italic = false;
            qn_buffer_add(&b, *text == QN_SYMBOL_END ? "}" : "}%c", *text);
        } else if (*text == '\'') {
            qn_buffer_add(&b, "''");
        } else if (!symbol && strchr("\\^_@&~{}", *text)) {
            qn_buffer_add(&b, "\\%c", *text);
        } else if (*text != QN_SYMBOL_END) {
            qn_buffer_add(&b, "%c", *text);
        }
        if (*text == QN_SYMBOL_END)
            symbol = italic = false;
    }
    if (!b.failed)
        return b.text;
    qn_buffer_free(&b);
    return NULL;
}

static size_t shown_length(const char *enhanced_text)
{
    size_t n = 0;
    for (; *enhanced_text; enhanced_text++)
        n += ((unsigned char)*enhanced_text & 0xc0) != 0x80 && !strchr("^{}\\", *enhanced_text);
    return n;
}

/* A mark's number as enhanced text with a true minus sign: 0.25, 3×10^{6}, 10^{−3}. */
static void tick_text(double v, int decimals, double largest, bool powers, char *out, size_t room)
{
    char plain[48];
    double size = fabs(v);
    if (powers || (v != 0 && (largest >= 1e5 || decimals > 4))) {
        int e = (int)floor(log10(size) + 1e-9);
        double mantissa = size / pow(10, e);
        const char *sign = v < 0 ? "−" : "";
        if (fabs(mantissa - 1) < 1e-6)
            snprintf(out, room, "%s10^{%s%d}", sign, e < 0 ? "−" : "", abs(e));
        else
            snprintf(out, room, "%s%.3g×10^{%s%d}", sign, mantissa, e < 0 ? "−" : "", abs(e));
        return;
    }
    if (decimals < 0)
        snprintf(plain, sizeof plain, "%g", size);
    else
        snprintf(plain, sizeof plain, "%.*f", decimals, size);
    snprintf(out, room, "%s%s", v < 0 ? "−" : "", plain);
}

void qn_plot_ticks(const qn_fig_axis *a, size_t most, qn_plot_marks *t)
{
    int decimals;
    double largest = 0;
    bool powers = false;
    t->n = qn_fig_ticks(a, most, t->at, &decimals);
    t->longest = 0;
    for (size_t i = 0; i < t->n; i++) {
        largest = fmax(largest, fabs(t->at[i]));
        powers |= decimals < 0 && !a->n_words && (t->at[i] < 0.9e-3 || t->at[i] > 1.1e4);
    }
    for (size_t i = 0; i < t->n; i++) {
        if (a->n_words) {
            char *word = qn_plot_text(a->word[i]);
            snprintf(t->text[i], sizeof t->text[i], "%s", word ? word : "");
            free(word);
        } else {
            tick_text(t->at[i], decimals, largest, powers, t->text[i], sizeof t->text[i]);
        }
        size_t n = shown_length(t->text[i]);
        t->longest = n > t->longest ? n : t->longest;
    }
}
