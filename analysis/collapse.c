/* collapse.c -- see collapse.h. */
#include "collapse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_multimin.h>

#include "finding.h"
#include "places.h"
#include "text.h"

#define LEAST_SHARE 0.5 /* of the points must lie between those of other sizes: curves pulled apart would fit perfectly */
#define WORST 1e10

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the collapse");
}

/* ---- quality ------------------------------------------------------------------------------------------------------------ */

/* The value at X of the curve of one size, by the cubic through the two points on either side, and its variance; false beyond its ends. */
static bool interpolate(size_t n, const double *x, const double *y, const double *err, double here, double *value, double *variance)
{
    if (n < 2 || !(here >= x[0]) || !(here <= x[n - 1]))
        return false;
    size_t low = 0, high = n - 1;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (x[middle] <= here)
            low = middle;
        else
            high = middle;
    }
    size_t first = low > 0 ? low - 1 : 0, count = (high + 1 < n ? high + 1 : n - 1) - first + 1;
    double c[4];
    qn_place_weights(count, x + first, here, c);
    *value = *variance = 0;
    for (size_t i = 0; i < count; i++) {
        *value += c[i] * y[first + i];
        *variance += gsl_pow_2(c[i] * err[first + i]);
    }
    return true;
}

double qn_collapse_quality(size_t n_sizes, const size_t *n, double *const *x, double *const *y, double *const *err, size_t *used)
{
    double sum = 0;
    *used = 0;
    for (size_t i = 0; i < n_sizes; i++)
        for (size_t j = 0; j < n[i]; j++) {
            double weight = 0, mean = 0, value, variance;
            for (size_t o = 0; o < n_sizes; o++)
                if (o != i && interpolate(n[o], x[o], y[o], err[o], x[i][j], &value, &variance)) {
                    weight += 1 / variance;
                    mean += value / variance;
                }
            if (!(weight > 0))
                continue;
            sum += gsl_pow_2(y[i][j] - mean / weight) / (err[i][j] * err[i][j] + 1 / weight);
            ++*used;
        }
    return *used ? sum / (double)*used : NAN;
}

/* ---- the curves of one value of the other axes ------------------------------------------------------------------------------ */

typedef struct curves {
    size_t n_sizes, total;
    double *size;             /* [n_sizes] */
    size_t *n, *from;         /* points of each, the first among all */
    double *x, *err;          /* [total] */
    size_t *cell;             /* [total] */
    double sign;              /* y L^(sign e) is scaled: +1 for beta/nu, -1 for gamma/nu, 0 without */
    bool free[QN_COLLAPSE_PARAMETERS];
    double start[QN_COLLAPSE_PARAMETERS], step[QN_COLLAPSE_PARAMETERS];
    bool refine;              /* start is the minimum of the data: only its surroundings are searched */
} curves;

/* Scaled curves, one after the other in room [3 total], and the pointers to them. */
typedef struct scaled {
    double *room, **x, **y, **err;
    size_t *n;
} scaled;

static int open_scaled(const curves *c, scaled *s)
{
    s->room = malloc((3 * c->total + 1) * sizeof *s->room);
    s->x = malloc((3 * c->n_sizes + 1) * sizeof *s->x);
    s->n = malloc((c->n_sizes + 1) * sizeof *s->n);
    if (!s->room || !s->x || !s->n)
        return no_memory();
    s->y = s->x + c->n_sizes;
    s->err = s->y + c->n_sizes;
    for (size_t i = 0; i < c->n_sizes; i++) {
        s->x[i] = s->room + c->from[i];
        s->y[i] = s->room + c->total + c->from[i];
        s->err[i] = s->room + 2 * c->total + c->from[i];
    }
    return 0;
}

static void close_scaled(scaled *s)
{
    free(s->room);
    free(s->x);
    free(s->n);
}

/* Lengths are counted in units of the geometric middle of the sizes: then e and 1/nu move curves without moving them all. */
static double middle(const curves *c)
{
    return sqrt(c->size[0] * c->size[c->n_sizes - 1]);
}

static void scale(const curves *c, const double *y, const double *theta, double unit, const scaled *s)
{
    for (size_t i = 0; i < c->n_sizes; i++) {
        double stretch = pow(c->size[i] / unit, theta[1]), lift = c->sign != 0 ? pow(c->size[i] / unit, c->sign * theta[2]) : 1;
        s->n[i] = 0;
        for (size_t j = 0; j < c->n[i]; j++) {
            size_t k = c->from[i] + j, to = s->n[i];
            if (!isfinite(y[k]))
                continue;
            s->x[i][to] = (c->x[k] - theta[0]) * stretch;
            s->y[i][to] = y[k] * lift;
            s->err[i][to] = c->err[k] * lift;
            s->n[i]++;
        }
    }
}

typedef struct search {
    const curves *c;
    const double *y;
    scaled s;
} search;

static double quality(const search *q, const double *theta, size_t *used)
{
    if (!(theta[1] > 0) || theta[1] > 20)
        return WORST;
    scale(q->c, q->y, theta, middle(q->c), &q->s);
    double s = qn_collapse_quality(q->c->n_sizes, q->s.n, q->s.x, q->s.y, q->s.err, used);
    return (double)*used >= LEAST_SHARE * (double)q->c->total ? s : WORST;
}

/* The free parameters out of a vector. */
static void unpack(const curves *c, const gsl_vector *v, double *theta)
{
    for (size_t k = 0, i = 0; k < QN_COLLAPSE_PARAMETERS; k++)
        theta[k] = c->free[k] ? gsl_vector_get(v, i++) : c->start[k];
}

static double objective(const gsl_vector *v, void *ctx)
{
    const search *q = ctx;
    double theta[QN_COLLAPSE_PARAMETERS];
    size_t used;
    unpack(q->c, v, theta);
    return quality(q, theta, &used);
}

#define MOST_STEPS 400
#define PRECISION 1e-3 /* of the first steps */

/* Nelder & Mead from theta with first steps `step`, twice, since a simplex may stall. */
static int descend(search *q, const double *step, double *theta, double *best)
{
    size_t n = 0;
    for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS; k++)
        n += q->c->free[k];
    size_t used;
    *best = quality(q, theta, &used);
    if (!n)
        return 0;
    gsl_multimin_fminimizer *m = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, n);
    gsl_vector *v = gsl_vector_alloc(n), *h = gsl_vector_alloc(n);
    gsl_multimin_function f = {objective, n, q};
    int err = m && v && h ? 0 : no_memory();
    for (int pass = 0; pass < 2 && !err; pass++) {
        double shrink = pass ? 0.2 : 1;
        for (size_t k = 0, i = 0; k < QN_COLLAPSE_PARAMETERS; k++)
            if (q->c->free[k]) {
                gsl_vector_set(v, i, theta[k]);
                gsl_vector_set(h, i++, step[k] * shrink);
            }
        double size = gsl_blas_dnrm2(h);
        if (gsl_multimin_fminimizer_set(m, &f, v, h))
            break;
        for (int turn = 0; turn < MOST_STEPS && !gsl_multimin_fminimizer_iterate(m) && gsl_multimin_fminimizer_size(m) > PRECISION * shrink * size; turn++)
            ;
        unpack(q->c, m->x, theta);
        *best = m->fval;
    }
    gsl_multimin_fminimizer_free(m);
    gsl_vector_free(v);
    gsl_vector_free(h);
    return err;
}

/* A coarse grid over the parameters whose start nobody gave (step 0 marks a given one); the best of it is refined. */
static int look_around(search *q, const bool *given, double *theta)
{
    static const double nu[] = {0.4, 0.7, 1, 1.4, 2, 3}, power[] = {0, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5};
    const curves *c = q->c;
    double low = HUGE_VAL, high = -HUGE_VAL, best = HUGE_VAL, trial[QN_COLLAPSE_PARAMETERS];
    size_t used;
    for (size_t k = 0; k < c->total; k++) {
        low = fmin(low, c->x[k]);
        high = fmax(high, c->x[k]);
    }
    for (size_t a = 0; a < (given[0] || !c->free[0] ? 1 : 15); a++)
        for (size_t b = 0; b < (given[1] || !c->free[1] ? 1 : sizeof nu / sizeof *nu); b++)
            for (size_t e = 0; e < (given[2] || !c->free[2] ? 1 : sizeof power / sizeof *power); e++) {
                memcpy(trial, c->start, sizeof trial);
                if (!given[0] && c->free[0])
                    trial[0] = low + (high - low) * ((double)a + 1) / 16;
                if (!given[1] && c->free[1])
                    trial[1] = nu[b];
                if (!given[2] && c->free[2])
                    trial[2] = power[e];
                double s = quality(q, trial, &used);
                if (s < best) {
                    best = s;
                    memcpy(theta, trial, sizeof trial);
                }
            }
    return best < WORST ? 0 : 1;
}

static int estimate(size_t n, const double *y, void *ctx, double *theta)
{
    const curves *c = ctx;
    search q = {.c = c, .y = y};
    double best = NAN;
    (void)n;
    int err = open_scaled(c, &q.s);
    memcpy(theta, c->start, sizeof c->start);
    if (!err)
        err = descend(&q, c->step, theta, &best);
    for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS && !(best < WORST); k++)
        theta[k] = NAN;
    close_scaled(&q.s);
    return err;
}

/* ---- what was asked ------------------------------------------------------------------------------------------------------------ */

typedef struct collapsing {
    const qn_collapse_request *q;
    qn_sampled s;
    qn_lines l;
    qn_finding out;
    size_t resamples, by_size, longest;
    qn_collapse_power power;
    double start[QN_COLLAPSE_PARAMETERS];
    bool given[QN_COLLAPSE_PARAMETERS], fixed[QN_COLLAPSE_PARAMETERS];
    qn_found theta[QN_COLLAPSE_PARAMETERS];
    qn_var *quality, *points, *x, *scaled_x, *scaled_y, *scaled_err;
    size_t found, failed;
} collapsing;

/* Takes one of "T_c", "1/nu", "beta/nu", "gamma/nu"; QN_NONE when it is none. */
static size_t parameter(collapsing *t, const char *name)
{
    char place[128];
    snprintf(place, sizeof place, "%s_c", t->l.along);
    if (!strcmp(name, place))
        return 0;
    if (!strcmp(name, "1/nu"))
        return 1;
    if (!strcmp(name, "beta/nu") || !strcmp(name, "gamma/nu")) {
        t->power = *name == 'b' ? QN_COLLAPSE_BETA : QN_COLLAPSE_GAMMA;
        return 2;
    }
    return QN_NONE;
}

static int read_list(collapsing *t, const char *option, const char *list, bool fix)
{
    qn_collapse_power before = t->power;
    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',') {
        char one[128];
        snprintf(one, sizeof one, "%.*s", (int)strcspn(at, ","), at);
        char *eq = strchr(one, '=');
        double x = NAN;
        if (eq)
            *eq = 0;
        if (!strcmp(one, "none") && !fix) {
            t->power = QN_COLLAPSE_NONE;
            continue;
        }
        size_t k = parameter(t, one);
        if (k == QN_NONE || (eq && qn_parse_real(eq + 1, &x)) || (fix && !eq))
            return qn_fail(QN_ERR_INPUT, "%s %s: %s is expected, of %s_c, 1/nu, and beta/nu or gamma/nu%s", option, list, fix ? "NAME=NUMBER" : "NAME or NAME=NUMBER", t->l.along,
                           fix ? "" : " (or none)");
        if (k == 2 && before != QN_COLLAPSE_NONE && t->power != before && fix)
            return qn_fail(QN_ERR_INPUT, "%s: beta/nu and gamma/nu exclude each other", option);
        if (eq) {
            t->start[k] = x;
            t->given[k] = true;
            t->fixed[k] |= fix;
        }
    }
    return 0;
}

static int read_wishes(collapsing *t)
{
    const char *e = t->s.var ? qn_attr_text(t->q->data, t->s.var, "expression") : t->s.name;
    t->power = e && strchr(e, '/') && t->s.expression ? QN_COLLAPSE_NONE : QN_COLLAPSE_BETA;
    t->start[1] = 1;
    int err = read_list(t, "--exponents", t->q->exponents, false);
    if (!err)
        err = read_list(t, "--fix", t->q->fix, true);
    if (err)
        return err;
    static const char *const names[] = {"L", "N"};
    t->by_size = t->q->size ? qn_lines_by_find(&t->l, t->q->size) : QN_NONE;
    for (size_t i = 0; i < 2 && !t->q->size && t->by_size == QN_NONE; i++)
        t->by_size = qn_lines_by_find(&t->l, names[i]);
    if (t->by_size == QN_NONE || t->l.by[t->by_size].n < 2)
        return qn_fail(QN_ERR_INPUT, "--size: curves of two sizes at least are needed, and %s has no axis %s with more than one value", t->s.name, t->q->size ? t->q->size : "L or N");
    return t->l.list ? qn_fail(QN_ERR_INPUT, "the points make no grid of sizes and the other axes; --where takes those that do") : 0;
}

/* ---- one value of the other axes ------------------------------------------------------------------------------------------------ */

static int open_curves(const collapsing *t, size_t n, const size_t *member, curves *c, double **y)
{
    *c = (curves){.n_sizes = n, .sign = t->power == QN_COLLAPSE_BETA ? 1 : t->power == QN_COLLAPSE_GAMMA ? -1 : 0};
    for (size_t i = 0; i < n; i++)
        c->total += t->l.line[member[i]].n;
    c->size = malloc((n + 1) * sizeof *c->size);
    c->n = malloc((2 * n + 1) * sizeof *c->n);
    c->x = malloc((3 * c->total + 1) * sizeof *c->x);
    c->cell = malloc((c->total + 1) * sizeof *c->cell);
    if (!c->size || !c->n || !c->x || !c->cell)
        return no_memory();
    c->from = c->n + n;
    c->err = c->x + c->total;
    *y = c->err + c->total;
    for (size_t i = 0, k = 0; i < n; i++) {
        const qn_line *line = &t->l.line[member[i]];
        c->size[i] = qn_lines_by_value(&t->l, member[i], t->by_size);
        c->n[i] = line->n;
        c->from[i] = k;
        for (size_t j = 0; j < line->n; j++, k++) {
            c->x[k] = line->x[j];
            c->cell[k] = line->cell[j];
            (*y)[k] = t->s.value[line->cell[j]];
        }
    }
    for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS; k++)
        c->free[k] = !t->fixed[k] && (k < 2 || c->sign != 0);
    memcpy(c->start, t->start, sizeof c->start);
    return 0;
}

static void close_curves(curves *c)
{
    free(c->size);
    free(c->n);
    free(c->x);
    free(c->cell);
}

static int find_errors(const collapsing *t, const double *y, const double *yb, curves *c)
{
    double *dof = malloc((c->total + 1) * sizeof *dof);
    int err = dof ? 0 : no_memory();
    qn_resample_errors(c->total, t->resamples, yb, c->err);
    for (size_t k = 0; k < c->total && !err; k++)
        dof[k] = qn_sampled_dof(&t->s, c->cell[k]);
    for (size_t i = 0; i < c->n_sizes && !err; i++)
        err = qn_moderate(c->n[i], y + c->from[i], c->err + c->from[i], dof + c->from[i]);
    free(dof);
    return err;
}

/* First steps of a search: of the range, and of exponents. */
static void first_steps(curves *c)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t k = 0; k < c->total; k++) {
        low = fmin(low, c->x[k]);
        high = fmax(high, c->x[k]);
    }
    c->step[0] = 0.05 * (high - low);
    c->step[1] = 0.1;
    c->step[2] = 0.05;
}

static int put_scaled(collapsing *t, const curves *c, const double *y, const double *theta, size_t at)
{
    scaled s;
    int err = open_scaled(c, &s);
    if (!err)
        scale(c, y, theta, 1, &s);
    for (size_t i = 0; i < c->n_sizes && !err; i++)
        for (size_t j = 0; j < s.n[i]; j++) {
            size_t to = (at * c->n_sizes + i) * t->longest + j;
            t->x->f64[to] = c->x[c->from[i] + j];
            t->scaled_x->f64[to] = s.x[i][j];
            t->scaled_y->f64[to] = s.y[i][j];
            t->scaled_err->f64[to] = s.err[i][j];
        }
    close_scaled(&s);
    return err;
}

static int do_group(collapsing *t, size_t n, const size_t *member)
{
    curves c;
    double *y = NULL, *yb = NULL, *each = NULL, theta[QN_COLLAPSE_PARAMETERS], best = WORST;
    size_t at = qn_finding_index(&t->out, &t->l, member[0]), used = 0;
    qn_interval x[QN_COLLAPSE_PARAMETERS];
    int err = open_curves(t, n, member, &c, &y);
    if (!err)
        err = qn_resample(&t->s, c.total, c.cell, t->resamples, &yb);
    if (!err)
        err = find_errors(t, y, yb, &c);
    search q = {.c = &c, .y = y};
    if (!err)
        err = open_scaled(&c, &q.s);
    first_steps(&c);
    if (!err && !look_around(&q, t->given, theta))
        err = descend(&q, c.step, theta, &best);
    if (!err && best < WORST) {
        quality(&q, theta, &used);
        memcpy(c.start, theta, sizeof theta);
        for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS; k++)
            c.step[k] *= 0.2;
        err = qn_bootstrap(&t->s, c.total, c.cell, y, t->resamples, yb, QN_COLLAPSE_PARAMETERS, estimate, &c, x, &each);
        for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS && !err; k++)
            if (t->theta[k].value) {
                if (t->fixed[k])
                    x[k].err = 0;
                qn_finding_put(&t->out, &t->theta[k], at, &x[k], each + k, t->resamples, QN_COLLAPSE_PARAMETERS);
            }
        t->quality->f64[at] = best;
        t->points->i64[at] = (int64_t)used;
        if (!err)
            err = put_scaled(t, &c, y, theta, at);
        t->found++;
    } else {
        t->failed++;
    }
    close_scaled(&q.s);
    close_curves(&c);
    free(yb);
    free(each);
    return err;
}

static int do_groups(collapsing *t)
{
    size_t *member = malloc((t->l.n + 1) * sizeof *member);
    bool *done = calloc(t->l.n + 1, sizeof *done);
    int err = member && done ? 0 : no_memory();
    for (size_t i = 0; i < t->l.n && !err; i++) {
        size_t n = 0;
        for (size_t j = i; j < t->l.n && !done[i]; j++)
            if (qn_finding_index(&t->out, &t->l, j) == qn_finding_index(&t->out, &t->l, i)) {
                size_t k = n++;
                for (; k && qn_lines_by_value(&t->l, member[k - 1], t->by_size) > qn_lines_by_value(&t->l, j, t->by_size); k--)
                    member[k] = member[k - 1];
                member[k] = j;
            }
        for (size_t k = 0; k < n; k++)
            done[member[k]] = true;
        if (n)
            err = do_group(t, n, member);
    }
    free(member);
    free(done);
    return err;
}

/* ---- the result -------------------------------------------------------------------------------------------------------------------- */

static int declare_scaled(collapsing *t)
{
    const qn_lines_by *size = &t->l.by[t->by_size];
    const char *dims[] = {size->name, "place"}, *unit = t->s.var ? qn_attr_text(t->q->data, t->s.var, "units") : NULL,
               *symbol = t->s.var ? qn_attr_text(t->q->data, t->s.var, "symbol") : NULL, *axis = t->l.x ? qn_attr_text(t->q->data, t->l.x, "symbol") : NULL;
    char name[128], label[256];
    int err = size->values ? qn_finding_axis(&t->out, size->name, size->values, size->n, size->place) : qn_dataset_dim(t->out.d, size->name, size->n);
    if (!err)
        err = qn_dataset_dim(t->out.d, "place", t->longest);
    snprintf(name, sizeof name, "%s_at", t->l.along);
    if (!err)
        err = qn_finding_beside(&t->out, name, QN_F64, t->l.x ? qn_attr_text(t->q->data, t->l.x, "units") : NULL, t->l.along, 2, dims, &t->x);
    snprintf(name, sizeof name, "%s_scaled", t->l.along);
    if (!err)
        err = qn_finding_beside(&t->out, name, QN_F64, "1", "scaled distance", 2, dims, &t->scaled_x);
    snprintf(label, sizeof label, "(%s - %s_c) %s^{1/ν}", axis ? axis : t->l.along, axis ? axis : t->l.along, size->name);
    if (!err)
        err = qn_attr_str(t->out.d, t->scaled_x, "symbol", label);
    if (!err)
        err = qn_attr_str(t->out.d, t->scaled_x, "along", "place");
    snprintf(name, sizeof name, "%s_scaled", t->s.var ? t->s.name : "y");
    if (!err)
        err = qn_finding_beside(&t->out, name, QN_F64, unit, "scaled by the power of the size", 2, dims, &t->scaled_y);
    snprintf(label, sizeof label, "%s%s%s%s", symbol ? symbol : t->s.var ? t->s.name : "y", t->power ? " " : "", t->power ? size->name : "",
             t->power == QN_COLLAPSE_BETA ? "^{β/ν}" : t->power ? "^{-γ/ν}" : "");
    if (!err)
        err = qn_attr_str(t->out.d, t->scaled_y, "symbol", label);
    snprintf(name, sizeof name, "%s_scaled_err", t->s.var ? t->s.name : "y");
    if (!err)
        err = qn_finding_beside(&t->out, name, QN_F64, unit, "standard error", 2, dims, &t->scaled_err);
    if (!err)
        err = qn_attr_str(t->out.d, t->scaled_y, "ancillary_variables", name);
    return err ? err : qn_attr_str(t->out.d, t->scaled_y, "kind", "scaled");
}

static int declare(collapsing *t)
{
    const char *unit = t->l.x ? qn_attr_text(t->q->data, t->l.x, "units") : NULL;
    char place[128], *title = qn_format("finite-size scaling of %s over %s and %s", t->s.name, t->l.along, t->l.by[t->by_size].name);
    snprintf(place, sizeof place, "%s_c", t->l.along);
    const struct {
        const char *name, *unit, *symbol, *meaning;
    } what[] = {{place, unit, NULL, "where curves of all sizes meet"},
                {"inverse_nu", "1", "1/ν", "exponent 1/nu of the distance from it"},
                {t->power == QN_COLLAPSE_BETA ? "beta_over_nu" : "gamma_over_nu", "1", t->power == QN_COLLAPSE_BETA ? "β/ν" : "γ/ν",
                 t->power == QN_COLLAPSE_BETA ? "exponent beta/nu of the observable" : "exponent gamma/nu of the observable"}};
    int err = title ? qn_finding_init(&t->out, &t->l, title, t->l.by[t->by_size].name, t->resamples) : no_memory();
    for (size_t k = 0; k < (t->power ? 3 : 2) && !err; k++)
        err = qn_finding_number(&t->out, what[k].name, "collapse", what[k].unit, what[k].symbol, what[k].meaning, 0, NULL, true, &t->theta[k]);
    if (!err)
        err = qn_attr_str(t->out.d, t->theta[0].value, "locates", t->l.along);
    if (!err)
        err = qn_finding_beside(&t->out, "quality", QN_F64, "1", "mean squared distance from the curve of the other sizes, in errors", 0, NULL, &t->quality);
    if (!err)
        err = qn_finding_beside(&t->out, "points", QN_I64, "1", "points that the quality is of", 0, NULL, &t->points);
    if (!err)
        err = declare_scaled(t);
    free(title);
    return err;
}

int qn_collapse_make(const qn_collapse_request *q, qn_dataset **out)
{
    collapsing t = {.q = q};
    size_t all = 0;
    *out = NULL;
    int err = qn_sampled_init(&t.s, q->data, q->observable, q->statistic);
    if (!err)
        err = qn_lines_init(&t.l, &t.s, q->along ? q->along : qn_dataset_find(q->data, "T") ? "T" : NULL, q->where, q->n_where);
    if (!err)
        err = read_wishes(&t);
    for (size_t i = 0; i < t.l.n && !err; i++) {
        all += t.l.line[i].n;
        t.longest = t.l.line[i].n > t.longest ? t.l.line[i].n : t.longest;
        if (t.l.line[i].n < 3)
            err = qn_fail(QN_ERR_INPUT, "the grid is too coarse: %s has %zu point%s along %s at one of the sizes", t.s.name, t.l.line[i].n, t.l.line[i].n == 1 ? "" : "s", t.l.along);
    }
    t.resamples = qn_resample_count(&t.s, all, q->resamples);
    if (!err)
        err = declare(&t);
    if (!err)
        err = do_groups(&t);
    if (!err && !t.found)
        err = qn_fail(QN_ERR_INPUT, "no collapse: nowhere do half of the points lie between those of other sizes; --exponents gives starts, for example %s_c=X", t.l.along);
    if (!err) {
        qn_lines_remark(&t.l, q->say, q->ctx);
        *out = t.out.d;
        t.out.d = NULL;
    }
    qn_finding_free(&t.out);
    qn_lines_free(&t.l);
    qn_sampled_free(&t.s);
    return err;
}
