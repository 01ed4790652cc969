/* collapse.c -- see collapse.h. */
#include "collapse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_bspline.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_multifit_nlinear.h>

#include "finding.h"
#include "text.h"

#define LEAST_SHARE 0.5 /* of the points must lie between those of other sizes: curves pulled apart would fit perfectly */
#define LEAST_TERMS 4   /* coefficients of the master curve: cubic splines, 4 is one cubic */
#define MOST_TERMS 12
#define MOST_WORK 2000000 /* points times resamples: seconds */

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the collapse");
}

/* ---- the curves of one value of the other axes ------------------------------------------------------------------------------ */

typedef struct curves {
    size_t n_sizes, total;
    double *size;             /* [n_sizes] */
    size_t *n, *from;         /* points of each, the first among all */
    double *x, *err;          /* [total] */
    size_t *cell;             /* [total] */
    double sign;              /* y = L^(sign e) F: -1 for beta/nu, +1 for gamma/nu, 0 without */
    bool free[QN_COLLAPSE_PARAMETERS];
    double start[QN_COLLAPSE_PARAMETERS];
    double unit;              /* the middle of the sizes, in which they are counted: so the exponents move curves against each other only */
    size_t terms;             /* of the master curve */
} curves;

/* The scaled place of point k of size i, and the power of the size in front of it. */
static double scaled_x(const curves *c, const double *theta, size_t i, size_t k, double unit)
{
    return (c->x[k] - theta[0]) * pow(c->size[i] / unit, theta[1]);
}

static double lift(const curves *c, const double *theta, size_t i, double unit)
{
    return c->sign != 0 ? pow(c->size[i] / unit, c->sign * theta[2]) : 1;
}

/* ---- the master curve ------------------------------------------------------------------------------------------------------- */

#define SPLINES 4             /* cubic ones that are not zero at a place */

typedef struct master {
    const curves *c;
    const double *y;          /* NaN: not there */
    gsl_bspline_workspace *spline;
    double *x, *by;           /* [total] scaled places; [n_sizes] power of the size */
    double *basis;            /* [total][SPLINES], from first[total] on */
    size_t *first;
    gsl_matrix *normal;
    gsl_vector *value, *right, *few;
} master;

static void close_master(master *m)
{
    gsl_bspline_free(m->spline);
    gsl_matrix_free(m->normal);
    gsl_vector_free(m->value);
    gsl_vector_free(m->right);
    gsl_vector_free(m->few);
    free(m->x);
    free(m->first);
}

static int open_master(master *m, const curves *c, const double *y)
{
    *m = (master){.c = c, .y = y, .spline = gsl_bspline_alloc(SPLINES, c->terms - 2)};
    m->x = malloc(((1 + SPLINES) * c->total + c->n_sizes + 1) * sizeof *m->x);
    m->first = malloc((c->total + 1) * sizeof *m->first);
    m->normal = gsl_matrix_alloc(c->terms, c->terms);
    m->value = gsl_vector_alloc(c->terms);
    m->right = gsl_vector_alloc(c->terms);
    m->few = gsl_vector_alloc(SPLINES);
    if (!m->spline || !m->x || !m->first || !m->normal || !m->value || !m->right || !m->few)
        return no_memory();
    m->basis = m->x + c->total;
    m->by = m->basis + SPLINES * c->total;
    return 0;
}

/* Do enough points lie between those of another size? */
static bool overlaps(const master *m)
{
    const curves *c = m->c;
    size_t inside = 0;
    for (size_t i = 0; i < c->n_sizes; i++)
        for (size_t j = 0; j < c->n[i]; j++) {
            double x = m->x[c->from[i] + j];
            bool between = false;
            for (size_t o = 0; o < c->n_sizes && !between; o++)
                between = o != i && x >= m->x[c->from[o]] && x <= m->x[c->from[o] + c->n[o] - 1];
            inside += between;
        }
    return (double)inside >= LEAST_SHARE * (double)c->total;
}

/* Scaled places, and the splines at each; false when the parameters are none. */
static bool lay_out(master *m, const double *theta)
{
    const curves *c = m->c;
    double low = HUGE_VAL, high = -HUGE_VAL;
    if (!(theta[1] > 0) || theta[1] > 20 || !isfinite(theta[2]) || fabs(theta[2]) > 20)
        return false;
    for (size_t i = 0; i < c->n_sizes; i++) {
        double stretch = pow(c->size[i] / c->unit, theta[1]);
        m->by[i] = lift(c, theta, i, c->unit);
        for (size_t k = c->from[i]; k < c->from[i] + c->n[i]; k++)
            m->x[k] = (c->x[k] - theta[0]) * stretch;
        low = fmin(low, m->x[c->from[i]]);
        high = fmax(high, m->x[c->from[i] + c->n[i] - 1]);
    }
    if (!(high > low) || !overlaps(m) || gsl_bspline_knots_uniform(low, high, m->spline))
        return false;
    for (size_t k = 0; k < c->total; k++) {
        size_t last;
        if (gsl_bspline_eval_nonzero(fmin(fmax(m->x[k], low), high), m->few, &m->first[k], &last, m->spline))
            return false;
        memcpy(m->basis + SPLINES * k, m->few->data, SPLINES * sizeof *m->basis);
    }
    return true;
}

/* The best cubic spline over the scaled places, with knots evenly over all of them, into m->value. */
static bool solve_spline(master *m)
{
    const curves *c = m->c;
    double trace = 0;
    gsl_matrix_set_zero(m->normal);
    gsl_vector_set_zero(m->right);
    for (size_t i = 0; i < c->n_sizes; i++)
        for (size_t k = c->from[i]; k < c->from[i] + c->n[i]; k++) {
            const double *b = m->basis + SPLINES * k, w = m->by[i] / c->err[k];
            if (!isfinite(m->y[k]))
                continue;
            for (size_t p = 0; p < SPLINES; p++) {
                double *row = gsl_matrix_ptr(m->normal, m->first[k] + p, m->first[k]);
                for (size_t q = 0; q <= p; q++)
                    row[q] += w * w * b[p] * b[q];
                *gsl_vector_ptr(m->right, m->first[k] + p) += w * b[p] * m->y[k] / c->err[k];
            }
        }
    for (size_t t = 0; t < c->terms; t++)
        trace += gsl_matrix_get(m->normal, t, t);
    for (size_t t = 0; t < c->terms; t++) /* a knot without points near it */
        *gsl_matrix_ptr(m->normal, t, t) += 1e-12 * trace;
    return !gsl_linalg_cholesky_decomp1(m->normal) && !gsl_linalg_cholesky_solve(m->normal, m->right, m->value);
}

/* The weighted deviations of all points from the master curve.  False when there is none. */
static bool deviations(master *m, const double *theta, gsl_vector *out)
{
    const curves *c = m->c;
    if (!lay_out(m, theta) || !solve_spline(m))
        return false;
    for (size_t i = 0; i < c->n_sizes; i++)
        for (size_t k = c->from[i]; k < c->from[i] + c->n[i]; k++) {
            const double *b = m->basis + SPLINES * k;
            double f = 0;
            for (size_t p = 0; p < SPLINES; p++)
                f += b[p] * gsl_vector_get(m->value, m->first[k] + p);
            gsl_vector_set(out, k, isfinite(m->y[k]) ? (m->y[k] - m->by[i] * f) / c->err[k] : 0);
        }
    return true;
}

/* The free parameters out of a vector. */
static void unpack(const curves *c, const gsl_vector *v, double *theta)
{
    for (size_t k = 0, i = 0; k < QN_COLLAPSE_PARAMETERS; k++)
        theta[k] = c->free[k] ? gsl_vector_get(v, i++) : c->start[k];
}

static int residuals(const gsl_vector *v, void *ctx, gsl_vector *out)
{
    master *m = ctx;
    double theta[QN_COLLAPSE_PARAMETERS];
    unpack(m->c, v, theta);
    return deviations(m, theta, out) ? GSL_SUCCESS : GSL_EDOM;
}

static double chi2_at(master *m, const double *theta)
{
    gsl_vector *out = gsl_vector_alloc(m->c->total);
    double chi2 = NAN;
    if (out && deviations(m, theta, out))
        gsl_blas_ddot(out, out, &chi2);
    gsl_vector_free(out);
    return chi2;
}

#define MOST_STEPS 100
#define TOLERANCE 1e-8

/* Least squares over the free parameters from theta, the master curve eliminated (variable projection, Golub & Pereyra 1973).  theta NaN: none. */
static int fit_master(const curves *c, const double *y, double *theta, double *chi2)
{
    master m;
    size_t n = 0;
    int err = open_master(&m, c, y), info, status = GSL_EFAILED;
    for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS; k++)
        n += c->free[k];
    *chi2 = NAN;
    if (!err && !n) {
        *chi2 = chi2_at(&m, theta);
        status = isfinite(*chi2) ? GSL_SUCCESS : GSL_EDOM;
    } else if (!err) {
        gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
        gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, c->total, n);
        gsl_multifit_nlinear_fdf system = {.f = residuals, .n = c->total, .p = n, .params = &m};
        double first[QN_COLLAPSE_PARAMETERS];
        for (size_t k = 0, i = 0; k < QN_COLLAPSE_PARAMETERS; k++)
            if (c->free[k])
                first[i++] = theta[k];
        gsl_vector_view v = gsl_vector_view_array(first, n);
        if (!w)
            err = no_memory();
        else if (!gsl_multifit_nlinear_init(&v.vector, &system, w))
            status = gsl_multifit_nlinear_driver(MOST_STEPS, TOLERANCE, TOLERANCE, 0, NULL, NULL, &info, w);
        if (status == GSL_ENOPROG || (status == GSL_EMAXITER && info == GSL_ENOPROG)) /* as near as rounding allows */
            status = GSL_SUCCESS;
        if (w && status == GSL_SUCCESS) {
            unpack(c, gsl_multifit_nlinear_position(w), theta);
            *chi2 = gsl_pow_2(gsl_blas_dnrm2(gsl_multifit_nlinear_residual(w)));
        }
        gsl_multifit_nlinear_free(w);
    }
    for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS && status != GSL_SUCCESS; k++)
        theta[k] = NAN;
    close_master(&m);
    return err;
}

/* A coarse grid over the parameters whose start nobody gave; theta: the best of it.  False when nothing is possible. */
static int look_around(const curves *c, const double *y, const bool *given, double *theta, bool *there)
{
    static const double nu[] = {0.4, 0.7, 1, 1.4, 2, 3}, power[] = {0, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5};
    double low = HUGE_VAL, high = -HUGE_VAL, best = HUGE_VAL, trial[QN_COLLAPSE_PARAMETERS];
    master m;
    int err = open_master(&m, c, y);
    for (size_t k = 0; k < c->total; k++) {
        low = fmin(low, c->x[k]);
        high = fmax(high, c->x[k]);
    }
    for (size_t a = 0; !err && a < (given[0] || !c->free[0] ? 1 : 15); a++)
        for (size_t b = 0; b < (given[1] || !c->free[1] ? 1 : sizeof nu / sizeof *nu); b++)
            for (size_t e = 0; e < (given[2] || !c->free[2] ? 1 : sizeof power / sizeof *power); e++) {
                memcpy(trial, c->start, sizeof trial);
                if (!given[0] && c->free[0])
                    trial[0] = low + (high - low) * ((double)a + 1) / 16;
                if (!given[1] && c->free[1])
                    trial[1] = nu[b];
                if (!given[2] && c->free[2])
                    trial[2] = power[e];
                double s = chi2_at(&m, trial);
                if (s < best) {
                    best = s;
                    memcpy(theta, trial, sizeof trial);
                }
            }
    close_master(&m);
    *there = best < HUGE_VAL;
    return err;
}

/* The number of terms by Akaike's criterion (with Hurvich & Tsai's correction for few points), each with the best parameters. */
static int choose_terms(curves *c, const double *y, double *theta, double *chi2)
{
    double first[QN_COLLAPSE_PARAMETERS], trial[QN_COLLAPSE_PARAMETERS], best = HUGE_VAL, x;
    size_t terms = LEAST_TERMS, n = 0;
    int err = 0;
    memcpy(first, theta, sizeof first);
    for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS; k++)
        n += c->free[k];
    for (c->terms = LEAST_TERMS; c->terms <= MOST_TERMS && c->terms + n + 2 < c->total && !err; c->terms++) {
        double k = (double)(c->terms + n);
        memcpy(trial, first, sizeof trial);
        err = fit_master(c, y, trial, &x);
        x += 2 * k + 2 * k * (k + 1) / ((double)c->total - k - 1);
        if (!err && x < best) {
            best = x;
            *chi2 = x - 2 * k - 2 * k * (k + 1) / ((double)c->total - k - 1);
            terms = c->terms;
            memcpy(theta, trial, sizeof trial);
        }
    }
    c->terms = terms;
    for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS && !(best < HUGE_VAL); k++)
        theta[k] = NAN;
    return err;
}

static int estimate(size_t n, const double *y, void *ctx, double *theta)
{
    const curves *c = ctx;
    double chi2;
    (void)n;
    memcpy(theta, c->start, sizeof c->start);
    return fit_master(c, y, theta, &chi2);
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
    qn_var *quality, *dof, *points, *x, *scaled_x, *scaled_y, *scaled_err;
    size_t found;
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
    *c = (curves){.n_sizes = n, .terms = LEAST_TERMS, .sign = t->power == QN_COLLAPSE_BETA ? -1 : t->power == QN_COLLAPSE_GAMMA ? 1 : 0};
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
    c->unit = sqrt(c->size[0] * c->size[n - 1]);
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

static void put_scaled(collapsing *t, const curves *c, const double *y, const double *theta, size_t at)
{
    for (size_t i = 0; i < c->n_sizes; i++)
        for (size_t j = 0; j < c->n[i]; j++) {
            size_t k = c->from[i] + j, to = (at * c->n_sizes + i) * t->longest + j;
            double by = lift(c, theta, i, 1);
            t->x->f64[to] = c->x[k];
            t->scaled_x->f64[to] = scaled_x(c, theta, i, k, 1);
            t->scaled_y->f64[to] = y[k] / by;
            t->scaled_err->f64[to] = c->err[k] / by;
        }
}

static int do_group(collapsing *t, size_t n, const size_t *member)
{
    curves c;
    double *y = NULL, *yb = NULL, *each = NULL, theta[QN_COLLAPSE_PARAMETERS], chi2 = NAN;
    size_t at = qn_finding_index(&t->out, &t->l, member[0]);
    qn_interval x[QN_COLLAPSE_PARAMETERS];
    bool there = false;
    int err = open_curves(t, n, member, &c, &y);
    if (!err)
        err = qn_resample(&t->s, c.total, c.cell, t->resamples, &yb);
    if (!err)
        err = find_errors(t, y, yb, &c);
    if (!err)
        err = look_around(&c, y, t->given, theta, &there);
    if (!err && there)
        err = choose_terms(&c, y, theta, &chi2);
    if (!err && there && isfinite(theta[0])) {
        memcpy(c.start, theta, sizeof theta);
        err = qn_bootstrap(&t->s, c.total, c.cell, y, t->resamples, yb, QN_COLLAPSE_PARAMETERS, estimate, &c, x, &each);
        for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS && !err; k++)
            if (t->theta[k].value) {
                if (t->fixed[k])
                    x[k].err = 0;
                qn_finding_put(&t->out, &t->theta[k], at, &x[k], each + k, t->resamples, QN_COLLAPSE_PARAMETERS);
            }
        size_t parameters = c.terms;
        for (size_t k = 0; k < QN_COLLAPSE_PARAMETERS; k++)
            parameters += c.free[k];
        t->points->i64[at] = (int64_t)c.total;
        t->dof->i64[at] = (int64_t)c.total - (int64_t)parameters;
        t->quality->f64[at] = chi2 / (double)t->dof->i64[at];
        put_scaled(t, &c, y, theta, at);
        t->found++;
    }
    close_curves(&c);
    free(yb);
    free(each);
    return err;
}

static int one_group(void *ctx, size_t n, const size_t *member)
{
    return do_group(ctx, n, member);
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
        err = qn_finding_beside(&t->out, "quality", QN_F64, "1", "chi2 of the common curve per degree of freedom", 0, NULL, &t->quality);
    if (!err)
        err = qn_finding_beside(&t->out, "quality_dof", QN_I64, "1", "points less parameters and terms of the common curve", 0, NULL, &t->dof);
    if (!err)
        err = qn_finding_beside(&t->out, "points", QN_I64, "1", "points of all sizes", 0, NULL, &t->points);
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
    if (all && t.resamples > MOST_WORK / all) /* of so many points fewer do: the errors are small, and those of the errors 5 % at 200 */
        t.resamples = MOST_WORK / all > 200 ? MOST_WORK / all : t.resamples < 200 ? t.resamples : 200;
    if (!err)
        err = declare(&t);
    if (!err)
        err = qn_finding_groups(&t.out, &t.l, t.by_size, one_group, &t);
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
