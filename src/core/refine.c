/* refine.c -- see refine.h. */
#include "refine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

typedef struct place {
    size_t point;
    double x, y, err;
} place;

static int by_x(const void *a, const void *b)
{
    const place *p = a, *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->point > q->point) - (p->point < q->point);
}

static bool same_value(const qn_param *p, const qn_value *a, const qn_value *b)
{
    if (qn_value_numeric(p))
        return a->r == b->r && a->i == b->i;
    return a->i == b->i && (!a->text || !b->text ? a->text == b->text : !strcmp(a->text, b->text));
}

/* Points i and k agree in all but the refined axis. */
static bool one_line(const qn_sweep *s, size_t i, size_t k)
{
    for (size_t a = 0; a < s->n_axes; a++)
        if (a != s->adapt.axis && !same_value(&s->schema.item[s->axis[a].param], &s->axis[a].value[i], &s->axis[a].value[k]))
            return false;
    return true;
}

/* The cut of n places in order that best parts the low side from the high one: between [k - 1] and [k], where the sum of the significances of what lies
 * on its right side is largest; noise near the level then does not make several crossings.  0: there is no crossing. */
static size_t find_cut(const place *at, size_t n, double level)
{
    double best = 0, before = 0, total = 0;
    size_t cut = 0;
    for (size_t i = 0; i < n; i++)
        total += (at[i].y - level) / at[i].err;
    for (size_t k = 1; k < n; k++) {
        before += (at[k - 1].y - level) / at[k - 1].err;
        double parted = fabs(before - (total - before)); /* rising or falling, whichever fits */
        bool opposite = (before > 0) != (total - before > 0);
        if (opposite && parted > best) {
            best = parted;
            cut = k;
        }
    }
    return cut;
}

/* Errors that are 0 or not known (all replicas alike) count as small against the step that is looked for. */
static void mend_errors(place *at, size_t n)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, at[i].y);
        high = fmax(high, at[i].y);
    }
    double least = 1e-3 * (high - low) + 1e-300;
    for (size_t i = 0; i < n; i++)
        if (!(at[i].err > least))
            at[i].err = least;
}

/* A new value between two: in the middle, of a logarithmic axis the geometric one; false when there is none between. */
static bool between(const qn_sweep *s, double low, double high, qn_value *out)
{
    const qn_axis *x = &s->axis[s->adapt.axis];
    const qn_param *p = &s->schema.item[x->param];
    double middle = x->log && low > 0 ? sqrt(low * high) : low + (high - low) / 2;
    char text[64];
    if (p->type == QN_INT)
        middle = nearbyint(middle);
    snprintf(text, sizeof text, p->type == QN_INT ? "%.0f" : "%.17g", middle);
    return middle > low && middle < high && !qn_value_parse(p, text, out);
}

/* Appends a point like `like` but for its value along the refined axis, which is taken. */
static int add_point(qn_sweep *s, size_t like, qn_value *value)
{
    size_t n = s->n_points;
    int err = 0;
    int64_t *wanted = realloc(s->wanted, (n + 2) * sizeof *wanted);
    if (!wanted)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    s->wanted = wanted;
    for (size_t a = 0; a < s->n_axes && !err; a++) {
        qn_value *more = realloc(s->axis[a].value, (n + 2) * sizeof *more);
        if (!more)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        s->axis[a].value = more;
        memset(&more[n], 0, sizeof *more);
        if (a == s->adapt.axis)
            more[n] = *value;
        else
            err = qn_value_copy(&more[like], &more[n]);
    }
    if (err)
        return err;
    s->wanted[n] = s->wanted[like];
    for (size_t a = 0; a < s->n_axes; a++)
        s->axis[a].n = n + 1;
    s->n_points = n + 1;
    return 0;
}

/* More replicas at a point; false when it has as many as are allowed. */
static bool strengthen(qn_sweep *s, size_t point)
{
    int64_t next = qn_adapt_more(s, s->wanted[point]);
    bool more = next > s->wanted[point];
    s->wanted[point] = next;
    return more;
}

#define SURE 3 /* standard errors by which a number lies beyond the level to be on its side for certain */

/* The interval is narrow; is the crossing also known in view of the errors?  Between the nearest numbers that are on their side for certain all
 * others together say where it is, with the error of their mean over the slope from one certain number to the other (that between neighbours would be
 * noise).  Else those others get more replicas. */
static int strengthen_crossing(qn_sweep *s, const place *at, size_t n, size_t cut, bool *known, bool *placed)
{
    double sign = 0, weight = 0;
    for (size_t i = 0; i < n; i++)
        sign += (i < cut ? 1 : -1) * (at[i].y - s->adapt.level) / at[i].err; /* > 0: falls through the level */
    size_t a = cut, b = cut; /* at[a] ... at[b - 1] are those others */
    while (a > 0 && !((sign > 0 ? 1 : -1) * (at[a - 1].y - s->adapt.level) > SURE * at[a - 1].err))
        weight += 1 / (at[a - 1].err * at[a - 1].err), a--;
    while (b < n && !((sign > 0 ? -1 : 1) * (at[b].y - s->adapt.level) > SURE * at[b].err))
        weight += 1 / (at[b].err * at[b].err), b++;
    if (a == b) {
        *known = true;
        return 0;
    }
    size_t left = a ? a - 1 : 0, right = b < n ? b : n - 1;
    double slope = fabs(at[right].y - at[left].y) / (at[right].x - at[left].x);
    *known = slope > 0 && 1 / (sqrt(weight) * slope) <= s->adapt.tolerance;
    for (size_t i = a; i < b && !*known; i++)
        *placed |= strengthen(s, at[i].point);
    return 0;
}

static int refine_line(qn_sweep *s, place *at, size_t n, int64_t least, bool *known, bool *placed)
{
    *placed = *known = false;
    qsort(at, n, sizeof *at, by_x);
    mend_errors(at, n);
    size_t cut = n > 1 ? find_cut(at, n, s->adapt.level) : 0;
    if (!cut)
        return 0;
    const place *low = &at[cut - 1], *high = &at[cut];
    qn_value value;
    if (high->x - low->x > 2 * s->adapt.tolerance && between(s, low->x, high->x, &value)) {
        size_t like = low->point;
        int64_t wanted = s->wanted[like];
        s->wanted[like] = least; /* a new point begins like all others */
        int err = add_point(s, like, &value);
        s->wanted[like] = wanted;
        *placed = !err;
        return err;
    }
    return strengthen_crossing(s, at, n, cut, known, placed);
}

int qn_refine(qn_sweep *s, const qn_dataset *d, qn_refined *out)
{
    char name[128];
    snprintf(name, sizeof name, "%s_err", s->adapt.observable);
    const qn_var *y = qn_dataset_find(d, s->adapt.observable), *err = qn_dataset_find(d, name);
    size_t n = s->n_points;
    *out = (qn_refined){0};
    if (!y || y->size != n)
        return qn_fail(QN_ERR_INPUT, "refine: %s is not measured in this sweep", s->adapt.observable);
    place *at = malloc((n + 1) * sizeof *at);
    bool *seen = calloc(n + 1, sizeof *seen);
    int64_t least = s->wanted[0];
    int e = at && seen ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < n && !e; i++)
        least = s->wanted[i] < least ? s->wanted[i] : least;
    for (size_t i = 0; i < n && !e; i++) {
        size_t m = 0;
        bool one, known;
        for (size_t k = i; k < n && !seen[i]; k++) {
            if (k > i && (seen[k] || !one_line(s, i, k)))
                continue;
            if (k > i)
                seen[k] = true;
            if (isfinite(y->f64[k]))
                at[m++] = (place){k, s->axis[s->adapt.axis].value[k].r, y->f64[k], err ? err->f64[k] : NAN};
        }
        if (seen[i])
            continue;
        e = refine_line(s, at, m, least, &known, &one);
        out->lines++;
        out->known += !e && known;
        out->placed += !e && one;
    }
    free(at);
    free(seen);
    return e;
}
