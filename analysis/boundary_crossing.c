/* boundary_crossing.c -- where the curves of successive sizes cross, and the limit of these places (see boundary.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_fit.h>
#include <gsl/gsl_math.h>

#include "boundary_build.h"
#include "places.h"

#define SURE 2         /* standard errors by which curves must be apart on either side of their crossing */
#define REACH 6        /* a crossing is fitted by at most as many points on either side */

typedef struct pair { /* of two sizes: points that both have, and those from which the crossing is found */
    double small, large;
    size_t n, first, count;
    double *x, *err;              /* [n] */
    size_t *a, *b;                /* [n] places among the cells of all sizes */
} pair;

typedef struct crossed {
    const qn_bounding *t;
    size_t n_pairs;
    const pair *pair;
} crossed;

static double difference(const pair *p, const double *y, size_t i)
{
    return y[p->b[i]] - y[p->a[i]];
}

static int estimate_crossings(size_t n, const double *y, void *ctx, double *theta)
{
    const crossed *c = ctx;
    (void)n;
    for (size_t k = 0; k < c->n_pairs; k++) {
        const pair *p = &c->pair[k];
        double d[2 * REACH], x[2 * REACH], err[2 * REACH];
        size_t m = 0;
        for (size_t i = p->first; i < p->first + p->count; i++) {
            d[m] = difference(p, y, i);
            x[m] = p->x[i];
            err[m] = p->err[i];
            m += isfinite(d[m]) != 0;
        }
        theta[k] = m ? qn_place_zero(m, x, d, err) : NAN;
    }
    return 0;
}

/* Do the differences [from, to) have this sign beyond their noise? */
static bool stands_out(const double *d, const double *err, size_t from, size_t to, double sign)
{
    double z = 0;
    for (size_t i = from; i < to; i++)
        z += sign * d[i] / err[i];
    return z > SURE * sqrt((double)(to - from));
}

/* The points of a pair's crossing: around the clearest change of sign, outwards as long as the difference grows (beyond its extremes the curves saturate
 * and it vanishes again). */
static bool frame(pair *p, const double *y)
{
    double *d = malloc((p->n + 1) * sizeof *d);
    for (size_t i = 0; d && i < p->n; i++)
        d[i] = difference(p, y, i);
    size_t k = d ? qn_place_split(p->n, d, p->err, 0) : SIZE_MAX;
    if (k != SIZE_MAX) {
        double sign = d[k] > d[k + 1] ? 1 : -1;
        size_t first = k, last = k + 1;
        for (size_t i = k + 1; i-- > (k + 1 > REACH ? k + 1 - REACH : 0);)
            if (sign * d[i] > sign * d[first])
                first = i;
        for (size_t i = k + 1; i < p->n && i < k + 1 + REACH; i++)
            if (sign * d[i] < sign * d[last])
                last = i;
        p->first = first;
        p->count = last - first + 1;
        if (!stands_out(d, p->err, first, k + 1, sign) || !stands_out(d, p->err, k + 1, last + 1, -sign))
            k = SIZE_MAX;
    }
    free(d);
    return k != SIZE_MAX;
}

static int open_pair(const qn_bounding *t, size_t small, size_t large, size_t from_small, size_t from_large, const double *err, pair *p)
{
    const qn_line *u = &t->l.line[small], *v = &t->l.line[large];
    *p = (pair){.small = qn_lines_by_value(&t->l, small, t->by_size), .large = qn_lines_by_value(&t->l, large, t->by_size)};
    size_t most = u->n < v->n ? u->n : v->n;
    p->x = malloc((2 * most + 1) * sizeof *p->x);
    p->a = malloc((2 * most + 1) * sizeof *p->a);
    if (!p->x || !p->a)
        return qn_bounding_no_memory();
    p->err = p->x + most;
    p->b = p->a + most;
    for (size_t i = 0, j = 0; i < u->n && j < v->n;) {
        double slack = 1e-9 * fmax(fabs(u->x[i]), fabs(v->x[j]));
        if (fabs(u->x[i] - v->x[j]) <= slack) {
            double x = t->q->log || t->l.log ? log(u->x[i]) : u->x[i];
            if (isfinite(x)) {
                p->x[p->n] = x;
                p->a[p->n] = from_small + i;
                p->b[p->n] = from_large + j;
                p->err[p->n] = hypot(err[from_small + i], err[from_large + j]);
                p->n++;
            }
            i++;
            j++;
        } else if (u->x[i] < v->x[j]) {
            i++;
        } else {
            j++;
        }
    }
    return 0;
}

/* The limit of crossings x_k at sizes l_k as 1/l^drift goes to 0. */
static double limit_of(size_t n, const double *u, const double *x, const double *w)
{
    double a, b, c00, c01, c11, chi2;
    if (n == 1)
        return x[0];
    return gsl_fit_wlinear(u, 1, w, 1, x, 1, n, &a, &b, &c00, &c01, &c11, &chi2) ? NAN : a;
}

static int put_limit(qn_bounding *t, const crossed *c, const qn_interval *x, double *each, size_t at)
{
    size_t n = 0, m = c->n_pairs;
    double *u = malloc((3 * m + t->resamples + 1) * sizeof *u), *w = u + m, *v = w + m, *limit = v + m;
    qn_interval all = {NAN, NAN, HUGE_VAL, 0};
    if (!u)
        return qn_bounding_no_memory();
    size_t *k = malloc((m + 1) * sizeof *k);
    for (size_t i = 0; i < m; i++)
        t->none += isfinite(x[i].value) ? 0 : 1;
    double *scratch = malloc((t->resamples + 1) * sizeof *scratch);
    for (size_t i = 0; k && i < m; i++)
        if (isfinite(x[i].value)) {
            u[n] = pow(sqrt(c->pair[i].small * c->pair[i].large), -t->q->drift);
            w[n] = x[i].err > 0 ? 1 / (x[i].err * x[i].err) : 1;
            v[n] = x[i].value;
            all.dof = fmin(all.dof, x[i].dof);
            k[n++] = i;
        }
    if (k && scratch && n) {
        all.value = limit_of(n, u, v, w);
        for (size_t b = 0; b < t->resamples; b++) {
            for (size_t i = 0; i < n; i++)
                v[i] = each[b * m + k[i]];
            limit[b] = limit_of(n, u, v, w);
        }
        all.err = qn_resample_spread(t->resamples, limit, 1, scratch, &all.found);
        t->found++;
        t->rare += all.found < 0.9;
        qn_bounding_unlog(t, &all, limit, t->resamples);
        qn_finding_put(&t->out, &t->place, at, &all, limit, t->resamples, 1);
    }
    int err = k && scratch ? 0 : qn_bounding_no_memory();
    free(u);
    free(k);
    free(scratch);
    return err;
}

/* `member`: the lines of one group, in order of size. */
static int do_group(qn_bounding *t, size_t n, const size_t *member)
{
    size_t total = 0, *cell = NULL, *from = calloc(n + 1, sizeof *from), at = qn_finding_index(&t->out, &t->l, member[0]);
    for (size_t i = 0; i < n; i++)
        total += t->l.line[member[i]].n;
    double *y = malloc((2 * total + 1) * sizeof *y), *err_of = y + total, *yb = NULL, *each = NULL;
    pair *p = calloc(n, sizeof *p);
    qn_interval *x = calloc(n, sizeof *x);
    cell = malloc((total + 1) * sizeof *cell);
    int err = y && p && x && cell && from ? 0 : qn_bounding_no_memory();
    for (size_t i = 0, k = 0; i < n && !err; i++) {
        const qn_line *line = &t->l.line[member[i]];
        from[i] = k;
        for (size_t j = 0; j < line->n; j++, k++) {
            cell[k] = line->cell[j];
            y[k] = t->s.value[line->cell[j]];
        }
    }
    if (!err)
        err = qn_resample(&t->s, total, cell, t->resamples, &yb);
    for (size_t i = 0; i < n && !err; i++) /* each size by itself: their errors have nothing in common */
        if (t->l.line[member[i]].n) {
            size_t m = t->l.line[member[i]].n;
            double *own = malloc((t->resamples * m + 1) * sizeof *own);
            err = own ? 0 : qn_bounding_no_memory();
            for (size_t b = 0; b < t->resamples && !err; b++)
                memcpy(own + b * m, yb + b * total + from[i], m * sizeof *own);
            bool known;
            if (!err)
                err = qn_bounding_errors(t, m, cell + from[i], y + from[i], own, err_of + from[i], &known);
            free(own);
        }
    size_t pairs = 0;
    for (size_t i = 0; i + 1 < n && !err; i++) {
        err = open_pair(t, member[i], member[i + 1], from[i], from[i + 1], err_of, &p[pairs]);
        bool few = !err && p[pairs].n < QN_BOUNDING_POINTS;
        t->few += few;
        if (err || few || !frame(&p[pairs], y)) {
            t->none += !err && !few;
            free(p[pairs].x);
            free(p[pairs].a);
            p[pairs] = (pair){0};
        } else {
            pairs++;
        }
    }
    crossed c = {t, pairs, p};
    if (!err && pairs)
        err = qn_bootstrap(&t->s, total, cell, y, t->resamples, yb, pairs, estimate_crossings, &c, x, &each);
    if (!err && pairs)
        err = put_limit(t, &c, x, each, at);
    for (size_t k = 0; k < pairs && !err; k++) {
        double *own = malloc((t->resamples + 1) * sizeof *own);
        if (!own) {
            err = qn_bounding_no_memory();
            break;
        }
        for (size_t b = 0; b < t->resamples; b++)
            own[b] = each[b * pairs + k];
        qn_bounding_unlog(t, &x[k], own, t->resamples);
        size_t to = at * (t->l.by[t->by_size].n - 1) + k;
        qn_finding_put(&t->out, &t->crossing, to, &x[k], own, t->resamples, 1);
        t->small->f64[to] = p[k].small;
        t->large->f64[to] = p[k].large;
        free(own);
    }
    for (size_t k = 0; p && k < n; k++) {
        free(p[k].x);
        free(p[k].a);
    }
    free(y);
    free(yb);
    free(each);
    free(p);
    free(x);
    free(cell);
    free(from);
    return err;
}

static int one_group(void *ctx, size_t n, const size_t *member)
{
    return do_group(ctx, n, member);
}

int qn_bounding_crossings(qn_bounding *t)
{
    return qn_finding_groups(&t->out, &t->l, t->by_size, one_group, t);
}
