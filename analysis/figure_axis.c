/* figure_axis.c -- what an axis spans, where its cells end and its marks stand, and what is written at it (figure.h, figure_build.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure_build.h"
#include "text.h"

#define SLACK 1e-9 /* of a step or a value: marks at the very ends count, and so small a span is none */

bool qn_fig_looks_log(size_t n, const double *at)
{
    if (n < 4 || at[0] <= 0 || at[n - 1] / at[0] < 50)
        return false;
    double middle = at[n / 2];
    return fabs(log(middle / sqrt(at[0] * at[n - 1]))) < fabs(log(middle / (0.5 * (at[0] + at[n - 1]))));
}

void qn_fig_widen(qn_fig_axis *a, double v)
{
    if (!isfinite(v) || (a->log && v <= 0))
        return;
    if (!(a->lo <= v))
        a->lo = v;
    if (!(a->hi >= v))
        a->hi = v;
}

void qn_fig_pad(qn_fig_axis *a, double part)
{
    if (!(a->lo <= a->hi)) { /* nothing finite */
        a->lo = a->log ? 0.1 : 0;
        a->hi = 1;
    }
    if (a->log) {
        double f = a->hi / a->lo > 1 + SLACK ? pow(a->hi / a->lo, part) : 1.5;
        a->lo /= f;
        a->hi *= f;
    } else {
        double span = a->hi - a->lo, size = fmax(fabs(a->lo), fabs(a->hi)), more = span > SLACK * size && span > 0 ? part * span : size > 0 ? 0.1 * size : 1;
        a->lo -= more;
        a->hi += more;
    }
}

void qn_fig_edges(size_t n, const double *at, bool log, double *edge)
{
    if (n == 1) {
        double half = at[0] != 0 ? fabs(at[0]) / 2 : 0.5;
        edge[0] = log ? at[0] / 2 : at[0] - half;
        edge[1] = log ? at[0] * 2 : at[0] + half;
        return;
    }
    for (size_t i = 1; i < n; i++)
        edge[i] = log ? sqrt(at[i - 1] * at[i]) : 0.5 * (at[i - 1] + at[i]);
    edge[0] = log ? at[0] * at[0] / edge[1] : 2 * at[0] - edge[1];
    edge[n] = log ? at[n - 1] * at[n - 1] / edge[n - 1] : 2 * at[n - 1] - edge[n - 1];
    if (!log && at[0] >= 0 && edge[0] < 0)
        edge[0] = 0;
    if (!log && at[n - 1] <= 0 && edge[n] > 0)
        edge[n] = 0;
}

double qn_fig_place(const qn_fig_axis *a, double v)
{
    if (a->log)
        return v > 0 ? (log(v) - log(a->lo)) / (log(a->hi) - log(a->lo)) : NAN;
    return (v - a->lo) / (a->hi - a->lo);
}

double qn_fig_step(double lo, double hi, size_t most, int *decimals)
{
    static const double mantissa[] = {1, 2, 5};
    double span = hi - lo, raw = span / (double)(most > 1 ? most : 1);
    if (!(span > 0) || !isfinite(span)) {
        *decimals = 0;
        return 1;
    }
    int exponent = (int)floor(log10(raw));
    for (;; exponent++)
        for (size_t i = 0; i < 3; i++) {
            double step = mantissa[i] * pow(10, exponent);
            if (floor(hi / step + SLACK) - ceil(lo / step - SLACK) + 1 <= (double)(most > 1 ? most : 1)) {
                *decimals = exponent < 0 ? -exponent : 0;
                return step;
            }
        }
}

static size_t log_ticks(const qn_fig_axis *a, size_t most, double *at)
{
    static const double mantissa[] = {1, 2, 5};
    int first = (int)floor(log10(a->lo)), last = (int)ceil(log10(a->hi));
    double decades = log10(a->hi / a->lo);
    size_t n = 0, finer = decades < 2.5 && 3 * decades <= (double)most + 1 ? 3 : 1;
    int every = 1;
    while (decades / every > (double)most)
        every++;
    for (int e = first; e <= last; e++)
        for (size_t k = 0; k < finer; k++) {
            double v = mantissa[k] * pow(10, e);
            if (v >= a->lo * (1 - SLACK) && v <= a->hi * (1 + SLACK) && e % every == 0 && n < QN_FIG_TICKS)
                at[n++] = v;
        }
    return n;
}

size_t qn_fig_ticks(const qn_fig_axis *a, size_t most, double at[QN_FIG_TICKS], int *decimals)
{
    size_t n = 0;
    *decimals = 0;
    if (a->n_words) {
        for (; n < a->n_words && n < QN_FIG_TICKS; n++)
            at[n] = (double)n;
        return n;
    }
    if (a->log) {
        *decimals = -1;
        if ((n = log_ticks(a, most, at)) > 1)
            return n;
        n = 0; /* less than a decade: even marks after all */
    }
    double step = qn_fig_step(a->lo, a->hi, most < QN_FIG_TICKS ? most : QN_FIG_TICKS - 1, decimals);
    for (double k = ceil(a->lo / step - SLACK); k * step <= a->hi + SLACK * step && n < QN_FIG_TICKS; k++)
        at[n++] = k == 0 ? 0 : k * step;
    return n;
}

size_t qn_fig_length(const char *text)
{
    size_t n = 0;
    bool symbol = false;
    for (; *text; text++) {
        if (*text == QN_SYMBOL_BEGIN || *text == QN_SYMBOL_END)
            symbol = *text == QN_SYMBOL_BEGIN;
        else if (((unsigned char)*text & 0xc0) != 0x80 && !(symbol && strchr("_^{}", *text)))
            n++;
    }
    return n;
}

/* n bytes of words, symbol and unit. */
static char *join(const qn_fig_axis *a, size_t n, const char *words)
{
    bool symbol = a->symbol != NULL;
    return qn_format("%.*s%s%s%s%s%s%s%s", (int)n, words, n && symbol ? " " : "", symbol ? "\1" : "", symbol ? a->symbol : "", symbol ? "\2" : "", a->unit ? " (" : "",
                     a->unit ? a->unit : "", a->unit ? ")" : "");
}

char *qn_fig_label(const qn_fig_axis *a, size_t most)
{
    char *name = strdup(a->name), *label = NULL;
    for (char *at = name; at && *at; at++)
        if (*at == '_')
            *at = ' ';
    size_t head = a->meaning ? strcspn(a->meaning, ",;:(") : 0, n = head;
    bool condition = head && a->meaning[head] == ':';
    while (n && a->meaning[n - 1] == ' ')
        n--;
    if (name && n && !condition)
        label = join(a, n, a->meaning);
    else if (name && n && !(a->symbol && !strcmp(a->symbol, a->name)))
        label = join(a, strlen(name), name);
    if (label && qn_fig_length(label) > most) {
        free(label);
        label = NULL;
    }
    if (name && !label)
        label = a->symbol ? join(a, 0, "") : join(a, strlen(name), name);
    free(name);
    return label;
}

const char *qn_fig_key(const qn_fig_series *s, size_t most)
{
    return s->label && s->brief && qn_fig_length(s->label) > most ? s->brief : s->label;
}
