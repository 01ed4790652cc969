/* boundary.c -- see boundary.h. */
#include "boundary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_math.h>

#include "boundary_build.h"
#include "places.h"
#include "text.h"

#define JUMP 0.5       /* a step that holds more of the whole change than this is coarse */

int qn_bounding_no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the boundary");
}

static void say(const qn_bounding *t, char *line)
{
    if (line && t->q->say)
        t->q->say(t->q->ctx, line);
    free(line);
}

/* ---- one line ---------------------------------------------------------------------------------------------------------- */

typedef struct lined {
    const qn_bounding *t;
    size_t n;
    double *x, *err, *runs;       /* x: its logarithm where asked for */
    double near;                  /* the crossing of a resample is the one next to that of the data */
} lined;

static double back(const qn_bounding *t, double x)
{
    return t->q->log || t->l.log ? exp(x) : x;
}

static double level_of(const qn_bounding *t)
{
    return t->how == QN_BOUNDARY_HALF ? 0.5 : t->q->level;
}

/* ln(y/y0) from the end where y0 is; its first step beyond ln f, on either side. */
static double leaves(const qn_bounding *t, size_t n, double *x, double *y)
{
    double far = fabs(log(t->q->factor));
    for (size_t i = 0; t->q->from_high && i < n / 2; i++) { /* so that the end comes first; x falls then, and is turned */
        double u = x[i], v = y[i];
        x[i] = x[n - 1 - i];
        y[i] = y[n - 1 - i];
        x[n - 1 - i] = u;
        y[n - 1 - i] = v;
    }
    for (size_t i = 0; t->q->from_high && i < n; i++)
        x[i] = -x[i];
    double y0 = y[0], place = NAN;
    for (size_t i = 0; i < n; i++) /* of another sign, or 0: it has left; a number beyond serves */
        y[i] = y[i] / y0 > 0 ? log(y[i] / y0) : -2 * far;
    for (size_t i = 0; i < n && isnan(place) && y0 != 0; i++)
        if (fabs(y[i]) >= far)
            place = qn_place_level(n, x, y, y[i] > 0 ? far : -far, NAN, NULL);
    return t->q->from_high ? -place : place;
}

static int estimate(size_t n, const double *y, void *ctx, double *theta)
{
    const lined *w = ctx;
    const qn_bounding *t = w->t;
    double *x = malloc((2 * n + 1) * sizeof *x), *v = x + n, width[QN_FORM_PARAMETERS], chi2;
    size_t m = 0;
    *theta = NAN;
    if (!x)
        return qn_bounding_no_memory();
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(y[i]))
            continue;
        x[m] = w->x[i];
        v[m++] = y[i];
    }
    int bad = 0;
    if (t->how == QN_BOUNDARY_HALF && w->runs) {
        bad = qn_form_fit(&t->form, &(qn_form_data){n, w->x, NULL, NULL, w->runs}, y, NULL, width, &chi2);
        bool inside = width[0] >= w->x[0] && width[0] <= w->x[n - 1];
        *theta = inside ? width[0] : NAN;
    } else if (t->how == QN_BOUNDARY_STEEPEST) {
        size_t step = qn_place_steep_step(m, x, v);
        *theta = step == SIZE_MAX ? NAN : qn_place_steepest(m, x, v, step);
    } else if (t->how == QN_BOUNDARY_FACTOR) {
        *theta = m && isfinite(y[t->q->from_high ? n - 1 : 0]) ? leaves(t, m, x, v) : NAN;
    } else {
        *theta = qn_place_level(m, x, v, level_of(t), w->near, NULL);
    }
    free(x);
    return bad;
}

/* Is there anything, and where to look: at the clearest crossing, or the first or last. */
static bool prepare(lined *w, const double *y)
{
    const qn_bounding *t = w->t;
    if (t->how == QN_BOUNDARY_STEEPEST)
        return qn_place_steep_step(w->n, w->x, y) != SIZE_MAX;
    if (t->how == QN_BOUNDARY_FACTOR || (t->how == QN_BOUNDARY_HALF && w->runs))
        return true;
    if (t->q->from_given) {
        w->near = qn_place_level(w->n, w->x, y, level_of(t), t->q->from_high ? HUGE_VAL : NAN, NULL);
    } else {
        size_t k = qn_place_split(w->n, y, w->err, level_of(t));
        w->near = k == SIZE_MAX ? NAN : 0.5 * (w->x[k] + w->x[k + 1]);
    }
    return !isnan(w->near);
}

/* The step in which x lies, when it holds most of the change of y and that is more than noise: what happens inside is not known. */
static double coarse_step(const lined *w, const double *y, double x)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t i = 0; i < w->n; i++) {
        low = fmin(low, y[i]);
        high = fmax(high, y[i]);
    }
    for (size_t i = 0; i + 1 < w->n; i++)
        if (x >= w->x[i] && x <= w->x[i + 1]) {
            double jump = fabs(y[i + 1] - y[i]);
            return jump > JUMP * (high - low) && jump > 4 * hypot(w->err[i], w->err[i + 1]) ? w->x[i + 1] - w->x[i] : 0;
        }
    return 0;
}

void qn_bounding_unlog(const qn_bounding *t, qn_interval *x, double *each, size_t resamples)
{
    double value = back(t, x->value);
    if (t->q->log || t->l.log)
        x->err *= value;
    x->value = value;
    for (size_t b = 0; b < resamples; b++)
        each[b] = back(t, each[b]);
}

int qn_bounding_errors(const qn_bounding *t, size_t n, const size_t *cell, const double *y, const double *yb, double *err, bool *known)
{
    double *dof = malloc((n + 1) * sizeof *dof);
    if (!dof)
        return qn_bounding_no_memory();
    qn_resample_errors(n, t->resamples, yb, err);
    for (size_t i = 0; i < n; i++)
        dof[i] = qn_sampled_dof(&t->s, cell[i]);
    *known = false;
    for (size_t i = 0; i < n; i++)
        *known |= err[i] > 0;
    int bad = qn_moderate(n, y, err, dof);
    free(dof);
    return bad;
}

static void note_range(qn_bounding *t, size_t n, const double *y)
{
    for (size_t i = 0; i < n; i++) {
        t->lowest = fmin(t->lowest, y[i]);
        t->highest = fmax(t->highest, y[i]);
    }
    t->none++;
}

static int find_place(qn_bounding *t, const size_t *cell, lined *w, const double *y, size_t at)
{
    double *yb, *each = NULL;
    qn_interval x;
    int err = qn_resample(&t->s, w->n, cell, t->resamples, &yb);
    if (err)
        return err;
    bool known;
    err = qn_bounding_errors(t, w->n, cell, y, yb, w->err, &known);
    bool there = !err && prepare(w, y);
    if (there)
        err = qn_bootstrap(&t->s, w->n, cell, y, t->resamples, yb, 1, estimate, w, &x, &each);
    free(yb);
    if (err)
        return err;
    if (!there || isnan(x.value)) {
        note_range(t, w->n, y);
        free(each);
        return 0;
    }
    if (!known)
        x.err = NAN;
    double step = coarse_step(w, y, x.value);
    t->coarse->i8[at] = step > 0;
    t->rough += step > 0;
    if (step > 0)
        x.err = sqrt(gsl_pow_2(isnan(x.err) ? 0 : x.err) + step * step / 12);
    qn_bounding_unlog(t, &x, each, t->resamples);
    t->found++;
    t->rare += x.found < 0.9;
    qn_finding_put(&t->out, &t->place, at, &x, each, t->resamples, 1);
    free(each);
    return 0;
}

static int do_line(qn_bounding *t, size_t line)
{
    const qn_line *from = &t->l.line[line];
    size_t at = qn_finding_index(&t->out, &t->l, line), *cell = malloc((from->n + 1) * sizeof *cell);
    bool binary = t->how == QN_BOUNDARY_HALF && t->s.binary && t->s.n_vars && t->s.statistic == QN_MEAN;
    lined w = {.t = t, .near = NAN, .x = malloc((4 * from->n + 1) * sizeof *w.x)};
    double *y = w.x + 2 * from->n;
    int err = w.x && cell ? 0 : qn_bounding_no_memory();
    w.err = w.x + from->n;
    w.runs = binary ? w.x + 3 * from->n : NULL;
    for (size_t i = 0; i < from->n && !err; i++) {
        size_t runs, unfinished;
        double x = t->q->log || t->l.log ? log(from->x[i]) : from->x[i];
        if (!isfinite(x))
            continue;
        qn_sampled_runs(&t->s, from->cell[i], &runs, &unfinished);
        if (binary)
            w.runs[w.n] = (double)(runs - unfinished);
        w.x[w.n] = x;
        y[w.n] = t->s.value[from->cell[i]];
        cell[w.n++] = from->cell[i];
    }
    if (!err)
        t->points->i64[at] = (int64_t)w.n;
    if (!err && w.n < (t->how == QN_BOUNDARY_STEEPEST ? 4 : QN_BOUNDING_POINTS))
        t->few++;
    else if (!err)
        err = find_place(t, cell, &w, y, at);
    free(w.x);
    free(cell);
    return err;
}

/* ---- how ------------------------------------------------------------------------------------------------------------------------ */

/* A ratio of moments is a number that does not depend on the size where it is critical. */
static bool is_ratio(const qn_bounding *t)
{
    const char *e = t->s.var ? qn_attr_text(t->q->data, t->s.var, "expression") : t->s.name;
    return e && strchr(e, '/') && t->s.expression;
}

static size_t size_axis(const qn_bounding *t)
{
    static const char *const names[] = {"L", "N"};
    if (t->q->size)
        return qn_lines_by_find(&t->l, t->q->size);
    for (size_t i = 0; i < 2; i++) {
        size_t k = qn_lines_by_find(&t->l, names[i]);
        if (k != QN_NONE && t->l.by[k].n > 1)
            return k;
    }
    return QN_NONE;
}

static int choose(qn_bounding *t)
{
    t->how = t->q->how;
    t->by_size = size_axis(t);
    if (t->how == QN_BOUNDARY_DEFAULT && t->by_size != QN_NONE && is_ratio(t))
        t->how = QN_BOUNDARY_CROSSING;
    else if (t->how == QN_BOUNDARY_DEFAULT && t->s.binary)
        t->how = QN_BOUNDARY_HALF;
    if (t->how == QN_BOUNDARY_DEFAULT)
        return qn_fail(QN_ERR_INPUT, "say what the boundary of %s is: --level X, --steepest, --half, --factor F --from low|high, or --crossing SIZEAXIS", t->s.name);
    if (t->how == QN_BOUNDARY_FACTOR && (!(t->q->factor > 0) || t->q->factor == 1))
        return qn_fail(QN_ERR_INPUT, "--factor takes a positive number other than 1");
    if (t->how != QN_BOUNDARY_CROSSING)
        return t->how == QN_BOUNDARY_HALF ? qn_form_init(&t->form, "logistic", t->l.along, NULL, NULL, NULL) : 0;
    if (t->by_size == QN_NONE || t->l.by[t->by_size].n < 2)
        return qn_fail(QN_ERR_INPUT, "--crossing %s: curves of two sizes at least are needed, and %s has no axis %s with more than one value", t->q->size ? t->q->size : "",
                       t->s.name, t->q->size ? t->q->size : "L or N");
    if (t->l.list)
        return qn_fail(QN_ERR_INPUT, "the points make no grid of sizes and the other axes; --where takes those that do");
    return 0;
}

/* ---- the result ------------------------------------------------------------------------------------------------------------------ */

static char *describe_how(const qn_bounding *t)
{
    switch (t->how) {
    case QN_BOUNDARY_LEVEL:
        return qn_format("%s = %.6g", t->s.name, t->q->level);
    case QN_BOUNDARY_STEEPEST:
        return qn_format("%s steepest", t->s.name);
    case QN_BOUNDARY_HALF:
        return qn_format("%s = 1/2", t->s.name);
    case QN_BOUNDARY_FACTOR:
        return qn_format("%s %.6g of its value at %s %s", t->s.name, t->q->factor, t->q->from_high ? "high" : "low", t->l.along);
    case QN_BOUNDARY_CROSSING:
        return qn_format("%s of successive %s crosses", t->s.name, t->l.by[t->by_size].name);
    case QN_BOUNDARY_DEFAULT:
        break;
    }
    return NULL;
}

static int declare_pairs(qn_bounding *t, const char *unit)
{
    static const char *const pair_dim = "pair";
    const char *size = t->l.by[t->by_size].name;
    char name[128];
    int err = qn_dataset_dim(t->out.d, pair_dim, t->l.by[t->by_size].n - 1);
    for (int large = 0; large < 2 && !err; large++) {
        snprintf(name, sizeof name, "%s_%d", size, large + 1);
        err = qn_finding_beside(&t->out, name, QN_F64, "1", large ? "larger size of a pair" : "smaller size of a pair", 1, &pair_dim, large ? &t->large : &t->small);
        if (!err)
            err = qn_attr_str(t->out.d, large ? t->large : t->small, "kind", "coordinate");
    }
    snprintf(name, sizeof name, "%s_crossing", t->l.along);
    char *meaning = qn_format("where %s of two sizes crosses", t->s.name);
    if (!err)
        err = meaning ? qn_finding_number(&t->out, name, "crossing", unit, NULL, meaning, 1, &pair_dim, true, &t->crossing) : qn_bounding_no_memory();
    free(meaning);
    return err;
}

static int declare(qn_bounding *t)
{
    const char *unit = t->l.x ? qn_attr_text(t->q->data, t->l.x, "units") : NULL, *axis = t->l.x ? qn_attr_text(t->q->data, t->l.x, "symbol") : NULL;
    char name[128], *how = describe_how(t), *symbol = qn_format("%s_c", axis && !strpbrk(axis, "_^") ? axis : t->l.along), *meaning = how ? qn_format("boundary, %s", how) : NULL;
    snprintf(name, sizeof name, "%s_c", t->l.along);
    int err = how && meaning && symbol ? qn_finding_init(&t->out, &t->l, meaning, t->how == QN_BOUNDARY_CROSSING ? t->l.by[t->by_size].name : NULL, t->resamples) : qn_bounding_no_memory();
    if (!err)
        err = qn_finding_number(&t->out, name, "boundary", unit, symbol, meaning, 0, NULL, true, &t->place);
    if (!err)
        err = qn_attr_str(t->out.d, t->place.value, "locates", t->l.along);
    if (!err && t->how != QN_BOUNDARY_CROSSING)
        err = qn_finding_beside(&t->out, "coarse", QN_I8, "1", "1: it happens within one step of the grid", 0, NULL, &t->coarse);
    if (!err && t->how != QN_BOUNDARY_CROSSING)
        err = qn_finding_beside(&t->out, "points", QN_I64, "1", "points along the line", 0, NULL, &t->points);
    if (!err && t->how == QN_BOUNDARY_CROSSING)
        err = declare_pairs(t, unit);
    if (!err)
        err = qn_attr_str(t->out.d, NULL, "observable", t->s.name);
    if (!err)
        err = qn_attr_str(t->out.d, NULL, "along", t->l.along);
    if (!err)
        err = qn_attr_str(t->out.d, NULL, "boundary", how);
    free(how);
    free(symbol);
    free(meaning);
    return err;
}

static void remark(const qn_bounding *t)
{
    const char *s = t->l.n > 1 ? "s" : "";
    qn_lines_remark(&t->l, t->q->say, t->q->ctx);
    if (t->s.from_blocks)
        say(t, qn_format("errors are from bins: replicas are few"));
    if (t->none && t->how == QN_BOUNDARY_CROSSING)
        say(t, qn_format("pairs of sizes that do not cross: %zu", t->none));
    else if (t->none)
        say(t, qn_format("%zu of %zu lines have no boundary", t->none, t->l.n));
    if (t->few)
        say(t, qn_format("%zu line%s too few points (%d are needed)", t->few, t->few > 1 ? "s have" : " has", t->how == QN_BOUNDARY_STEEPEST ? 4 : QN_BOUNDING_POINTS));
    if (t->rough)
        say(t, qn_format("the grid is coarse at %zu of %zu line%s: most of the change is in one step of %s, whose width/sqrt(12) is part of the error", t->rough, t->l.n, s, t->l.along));
    if (t->rare)
        say(t, qn_format("%zu boundar%s missing in more than a tenth of the resamples; the error is of the others", t->rare, t->rare > 1 ? "ies are" : "y is"));
    if (t->how == QN_BOUNDARY_CROSSING && t->l.by[t->by_size].n > 2)
        say(t, qn_format("%s_c is the limit of the crossings, which approach it as 1/%s^%g (--drift)", t->l.along, t->l.by[t->by_size].name, t->q->drift));
}

static int nothing(const qn_bounding *t)
{
    if (!t->none)
        return qn_fail(QN_ERR_INPUT, "the grid is too coarse: %s has fewer than %d points along %s", t->s.name, t->how == QN_BOUNDARY_STEEPEST ? 4 : QN_BOUNDING_POINTS, t->l.along);
    switch (t->how) {
    case QN_BOUNDARY_CROSSING:
        return qn_fail(QN_ERR_INPUT, "no crossing: the curves of %s of successive %s do not cross along %s", t->s.name, t->l.by[t->by_size].name, t->l.along);
    case QN_BOUNDARY_STEEPEST:
        return qn_fail(QN_ERR_INPUT, "%s has no steepest place along %s: its slope is largest at an end, or nowhere", t->s.name, t->l.along);
    case QN_BOUNDARY_FACTOR:
        return qn_fail(QN_ERR_INPUT, "no crossing: %s stays within a factor of %.6g of its value at the %s end of %s", t->s.name, t->q->factor, t->q->from_high ? "high" : "low", t->l.along);
    default:
        return qn_fail(QN_ERR_INPUT, "no crossing: %s does not cross %.6g along %s; it lies between %.6g and %.6g", t->s.name, level_of(t), t->l.along, t->lowest, t->highest);
    }
}

int qn_boundary_make(const qn_boundary_request *q, qn_dataset **out)
{
    qn_bounding t = {.q = q, .lowest = HUGE_VAL, .highest = -HUGE_VAL};
    *out = NULL;
    int err = qn_sampled_init(&t.s, q->data, q->observable, q->statistic);
    const char *along = q->along ? q->along : qn_dataset_find(q->data, "T") ? "T" : NULL;
    if (!err)
        err = qn_lines_init(&t.l, &t.s, along, q->where, q->n_where);
    if (!err)
        err = choose(&t);
    size_t most = 0, all = 0;
    for (size_t i = 0; i < t.l.n; i++) {
        most = t.l.line[i].n > most ? t.l.line[i].n : most;
        all += t.l.line[i].n;
    }
    t.resamples = qn_resample_count(&t.s, t.how == QN_BOUNDARY_CROSSING ? all : most, q->resamples);
    if (!err)
        err = declare(&t);
    if (!err && t.how == QN_BOUNDARY_CROSSING)
        err = qn_bounding_crossings(&t);
    for (size_t i = 0; t.how != QN_BOUNDARY_CROSSING && i < t.l.n && !err; i++)
        err = do_line(&t, i);
    if (!err && !t.found)
        err = nothing(&t);
    if (!err) {
        remark(&t);
        *out = t.out.d;
        t.out.d = NULL;
    }
    qn_finding_free(&t.out);
    if (t.how == QN_BOUNDARY_HALF)
        qn_form_free(&t.form);
    qn_lines_free(&t.l);
    qn_sampled_free(&t.s);
    return err;
}
