/* fit.c -- see fit.h. */
#include "fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_math.h>

#include "finding.h"
#include "form.h"
#include "text.h"

typedef struct fitting {
    const qn_fit_request *q;
    qn_sampled s;
    qn_lines l;
    qn_form form;
    qn_finding out;
    size_t window, windows;       /* points in each; how many the longest line has */
    size_t resamples;
    qn_found theta[QN_FORM_PARAMETERS];
    qn_var *chi2, *dof, *p, *points, *middle, *low, *high;
    size_t fitted, few, failed, separate, unbound; /* lines (or windows): fitted; with too few points; that do not converge; 0 and 1 only; without error bars */
    size_t refused;               /* points that the form cannot take */
} fitting;

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the fit");
}

static void say(const fitting *t, char *line)
{
    if (line && t->q->say)
        t->q->say(t->q->ctx, line);
    free(line);
}

/* ---- one line, or window --------------------------------------------------------------------------------------------- */

typedef struct piece {
    size_t n;
    const size_t *cell;
    double *x, *y, *err, *runs;
    double constant[16];
    double *yb;                   /* [resamples][n] */
    size_t resamples;
} piece;

typedef struct estimating {
    const qn_form *form;
    const qn_form_data *data;
    const double *start;
    bool log;
} estimating;

/* The middle of a logistic function over ln x is where it is 1/2 over x; its width stays one of ln x. */
static int estimate(size_t n, const double *y, void *ctx, double *theta)
{
    (void)n;
    const estimating *e = ctx;
    double chi2;
    int err = qn_form_fit(e->form, e->data, y, e->start, theta, &chi2);
    if (e->log)
        theta[0] = exp(theta[0]);
    return err;
}

/* The share of resamples whose deviation from the fit, less that of the data, has a chi2 as large as the data's. */
static double p_value(const qn_form *f, const qn_form_data *d, const piece *w, const double *best, const double *each, bool log, double chi2)
{
    size_t larger = 0, count = 0;
    double *from = malloc((w->n + 1) * sizeof *from);
    for (size_t i = 0; from && i < w->n; i++)
        from[i] = w->y[i] - qn_form_value(f, best, d->constant, w->x[i]);
#pragma omp parallel for schedule(static) reduction(+ : larger, count) if (w->resamples * w->n > 20000)
    for (size_t b = 0; b < w->resamples; b++) {
        double theta[QN_FORM_PARAMETERS], sum = 0;
        memcpy(theta, each + b * f->n, f->n * sizeof *theta);
        if (log)
            theta[0] = theta[0] > 0 ? __builtin_log(theta[0]) : NAN;
        if (!from || !isfinite(theta[0]))
            continue;
        for (size_t i = 0; i < w->n; i++) {
            double r = w->yb[b * w->n + i] - qn_form_value(f, theta, d->constant, w->x[i]) - from[i];
            sum += isfinite(r) ? gsl_pow_2(r / w->err[i]) : 0;
        }
        count++;
        larger += sum >= chi2;
    }
    free(from);
    return count ? (double)larger / (double)count : NAN;
}

/* Only zeros and ones: where it changes is known, how wide the change is not. */
static bool is_separated(const piece *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->y[i] > 0 && w->y[i] < 1)
            return false;
    return true;
}

static int fit_piece(fitting *t, piece *w, size_t at)
{
    const qn_form *f = &t->form;
    double best[QN_FORM_PARAMETERS], chi2, *each = NULL;
    qn_interval theta[QN_FORM_PARAMETERS];
    t->points->i64[at] = (int64_t)w->n;
    for (size_t k = 0; k < f->n; k++)
        theta[k] = (qn_interval){NAN, NAN, NAN, NAN};
    if (w->n < f->n || w->n < 2) {
        t->few++;
        return 0;
    }
    if (w->runs && is_separated(w)) {
        t->separate++;
        return 0;
    }
    bool errors = false;
    double *dof = malloc((w->n + 1) * sizeof *dof);
    if (!dof)
        return no_memory();
    qn_resample_errors(w->n, w->resamples, w->yb, w->err);
    for (size_t i = 0; i < w->n; i++) {
        dof[i] = qn_sampled_dof(&t->s, w->cell[i]);
        errors |= w->err[i] > 0;
    }
    int err = qn_moderate(w->n, w->y, w->err, dof);
    free(dof);
    qn_form_data d = {w->n, w->x, w->err, w->constant, w->runs};
    if (!err)
        err = qn_form_fit(f, &d, w->y, NULL, best, &chi2);
    if (err || !isfinite(best[0])) {
        t->failed++;
        return err;
    }
    estimating e = {f, &d, best, t->q->log};
    err = qn_bootstrap(&t->s, w->n, w->cell, w->y, w->resamples, w->yb, f->n, estimate, &e, theta, &each);
    if (err)
        return err;
    t->fitted++;
    t->unbound += !errors;
    for (size_t k = 0; k < f->n; k++) {
        if (!errors)
            theta[k].err = NAN;
        qn_finding_put(&t->out, &t->theta[k], at, &theta[k], each + k, w->resamples, f->n);
    }
    t->dof->i64[at] = (int64_t)w->n - (int64_t)f->n;
    for (size_t i = 0; w->runs && i < w->n; i++) { /* binomial errors at the fit: those of Pearson's chi2 */
        double p = qn_form_value(f, best, d.constant, w->x[i]);
        w->err[i] = sqrt(p * (1 - p) / w->runs[i]);
    }
    if (errors && w->n > f->n) {
        t->chi2->f64[at] = chi2;
        t->p->f64[at] = p_value(f, &d, w, best, each, t->q->log, chi2);
    }
    free(each);
    return 0;
}

/* ---- lines ------------------------------------------------------------------------------------------------------------- */

/* Room for a line's numbers, x transformed, points that the form cannot take left out. */
static int open_piece(fitting *t, size_t line, piece *w, size_t **cell)
{
    const qn_line *from = &t->l.line[line];
    bool binary = t->form.kind == QN_FORM_LOGISTIC && t->s.binary && t->s.n_vars && t->s.statistic == QN_MEAN;
    *w = (piece){.resamples = t->resamples};
    *cell = malloc((from->n + 1) * sizeof **cell);
    w->x = malloc((4 * from->n + 1) * sizeof *w->x);
    if (!*cell || !w->x)
        return no_memory();
    w->y = w->x + from->n;
    w->err = w->y + from->n;
    w->runs = binary ? w->err + from->n : NULL;
    for (size_t i = 0; i < from->n; i++) {
        double x = t->q->log ? from->x[i] > 0 ? log(from->x[i]) : NAN : from->x[i];
        size_t runs, unfinished;
        if (!qn_form_takes(&t->form, x)) {
            t->refused++;
            continue;
        }
        qn_sampled_runs(&t->s, from->cell[i], &runs, &unfinished);
        if (binary)
            w->runs[w->n] = (double)(runs - unfinished);
        w->x[w->n] = x;
        w->y[w->n] = t->s.value[from->cell[i]];
        (*cell)[w->n++] = from->cell[i];
    }
    w->cell = *cell;
    for (size_t k = 0; k < t->form.n_constants; k++)
        w->constant[k] = qn_lines_constant(&t->l, line, t->form.constant[k]);
    return qn_resample(&t->s, w->n, w->cell, w->resamples, &w->yb);
}

/* Window j of a line: its own copies, since a fit changes its errors. */
static int fit_window(fitting *t, const piece *line, size_t j, size_t at)
{
    size_t n = t->window;
    double *x = malloc((4 * n + 1) * sizeof *x), *yb = malloc((line->resamples * n + 1) * sizeof *yb);
    int err = x && yb ? 0 : no_memory();
    if (!err) {
        piece w = *line;
        w.n = n;
        w.cell = line->cell + j;
        w.x = memcpy(x, line->x + j, n * sizeof *x);
        w.y = memcpy(x + n, line->y + j, n * sizeof *x);
        w.err = x + 2 * n;
        if (line->runs)
            w.runs = memcpy(x + 3 * n, line->runs + j, n * sizeof *x);
        for (size_t b = 0; b < line->resamples; b++)
            memcpy(yb + b * n, line->yb + b * line->n + j, n * sizeof *yb);
        w.yb = yb;
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += (t->form.kind == QN_FORM_POWER ? log(x[i]) : x[i]) / (double)n;
        t->middle->f64[at] = t->form.kind == QN_FORM_POWER || t->q->log ? exp(sum) : sum;
        t->low->f64[at] = t->q->log ? exp(x[0]) : x[0];
        t->high->f64[at] = t->q->log ? exp(x[n - 1]) : x[n - 1];
        err = fit_piece(t, &w, at);
    }
    free(x);
    free(yb);
    return err;
}

static int fit_line(fitting *t, size_t line)
{
    piece w;
    size_t *cell, at = qn_finding_index(&t->out, &t->l, line);
    int err = open_piece(t, line, &w, &cell);
    if (!err && !t->q->local)
        err = fit_piece(t, &w, at);
    for (size_t j = 0; t->q->local && j + t->window <= w.n && !err; j++)
        err = fit_window(t, &w, j, at * t->windows + j);
    if (t->q->local && w.n < t->window)
        t->few++;
    free(cell);
    free(w.x);
    free(w.yb);
    return err;
}

/* ---- the result ------------------------------------------------------------------------------------------------------------ */

static const char *attr_of(const fitting *t, const qn_var *v, const char *name)
{
    return v ? qn_attr_text(t->q->data, v, name) : NULL;
}

/* What the units of a parameter are: those of the observable, of the axis, or none. */
static const char *unit_of(const fitting *t, size_t k)
{
    const char *name = t->form.name[k];
    if (t->form.kind == QN_FORM_EXPRESSION || !strcmp(name, "exponent") || !strcmp(name, "beta") || (t->q->log && !strcmp(name, "width")))
        return "1";
    return attr_of(t, !strcmp(name, "amplitude") ? t->s.var : t->l.x, "units");
}

static int declare_windows(fitting *t)
{
    static const char *const window = "window";
    char name[128];
    const char *unit = attr_of(t, t->l.x, "units");
    for (size_t i = 0; i < t->l.n; i++) {
        size_t n = 0;
        for (size_t k = 0; k < t->l.line[i].n; k++)
            n += qn_form_takes(&t->form, t->q->log ? log(t->l.line[i].x[k]) : t->l.line[i].x[k]);
        t->windows = n >= t->window && n - t->window + 1 > t->windows ? n - t->window + 1 : t->windows;
    }
    if (!t->windows)
        return qn_fail(QN_ERR_INPUT, "no line along %s has the %zu points of a window", t->l.along, t->window);
    int err = qn_dataset_dim(t->out.d, window, t->windows);
    struct {
        const char *suffix, *meaning;
        qn_var **to;
    } places[] = {{"", "middle of the window", &t->middle}, {"_lo", "first point of the window", &t->low}, {"_hi", "last point of the window", &t->high}};
    for (size_t i = 0; i < 3 && !err; i++) {
        snprintf(name, sizeof name, "%s%s", t->l.along, places[i].suffix);
        err = qn_finding_beside(&t->out, name, QN_F64, unit, places[i].meaning, 1, &window, places[i].to);
        if (!err)
            err = qn_attr_str(t->out.d, *places[i].to, "kind", "coordinate");
    }
    return err;
}

static int declare(fitting *t)
{
    static const char *const window = "window", *const statistic[] = {"mean", "median", "geometric mean"};
    const size_t more = t->q->local;
    char *title = qn_format("%s of %s along %s: %s", t->s.binary && t->form.kind == QN_FORM_LOGISTIC ? "maximum likelihood" : "fit", t->s.name, t->l.along, t->form.text);
    int err = title ? qn_finding_init(&t->out, &t->l, title, NULL, t->resamples) : no_memory();
    free(title);
    if (!err && more)
        err = declare_windows(t);
    for (size_t k = 0; k < t->form.n && !err; k++) {
        const char *name = t->form.name[k];
        char *own = qn_format("%s%s", name, qn_dataset_find_dim(t->out.d, name) || qn_dataset_find(t->out.d, name) ? "_fit" : ""), *meaning = qn_format("%s of %s", name, t->form.text);
        err = own && meaning ? qn_finding_number(&t->out, own, "fit", unit_of(t, k), NULL, meaning, more, &window, true, &t->theta[k]) : no_memory();
        free(own);
        free(meaning);
    }
    if (!err)
        err = qn_finding_beside(&t->out, "chi2", QN_F64, "1", "weighted sum of squared deviations", more, &window, &t->chi2);
    if (!err)
        err = qn_finding_beside(&t->out, "chi2_dof", QN_I64, "1", "points less parameters", more, &window, &t->dof);
    if (!err)
        err = qn_finding_beside(&t->out, "p_value", QN_F64, "1", "probability of a larger chi2 by chance, by bootstrap", more, &window, &t->p);
    if (!err)
        err = qn_finding_beside(&t->out, "points", QN_I64, "1", "points that were fitted", more, &window, &t->points);
    const struct {
        const char *name, *text;
    } settings[] = {{"observable", t->s.name}, {"along", t->l.along}, {"form", t->form.text}, {"statistic", statistic[t->q->statistic]}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings && !err; i++)
        err = qn_attr_str(t->out.d, NULL, settings[i].name, settings[i].text);
    return err;
}

static void remark(const fitting *t)
{
    qn_lines_remark(&t->l, t->q->say, t->q->ctx);
    if (t->s.from_blocks)
        say(t, qn_format("errors are from bins: replicas are few"));
    if (t->refused)
        say(t, qn_format("%zu point%s left out: %s takes %s%s", t->refused, t->refused > 1 ? "s" : "", t->form.text, t->l.along, t->form.kind == QN_FORM_STRETCHED ? " >= 0" : " > 0"));
    if (t->few)
        say(t, qn_format("%zu line%s not fitted: fewer points than %s has parameters", t->few, t->few > 1 ? "s" : "", t->form.text));
    if (t->failed)
        say(t, qn_format("%zu fit%s did not converge; --start %s=... may help", t->failed, t->failed > 1 ? "s" : "", t->form.name[0]));
    if (t->separate)
        say(t, qn_format("%zu line%s not fitted: %s is 0 or 1 everywhere, so the width is not known; put points between", t->separate, t->separate > 1 ? "s" : "", t->s.name));
    if (t->unbound)
        say(t, qn_format("%s has no standard errors: the fit is not weighted and its parameters have none", t->s.name));
}

static int nothing(const fitting *t)
{
    if (t->separate)
        return qn_fail(QN_ERR_INPUT, "%s is 0 or 1 at every point along %s: the grid is too coarse for the width of the change; put points between", t->s.name, t->l.along);
    if (t->few)
        return qn_fail(QN_ERR_INPUT, "no line along %s has the %zu points that %s needs", t->l.along, t->window, t->form.text);
    return qn_fail(QN_ERR_INPUT, "no fit of %s to %s along %s converges; --start %s=... helps it", t->form.text, t->s.name, t->l.along, t->form.name[0]);
}

static bool is_known(void *ctx, const char *name)
{
    const fitting *t = ctx;
    return qn_lines_by_find(&t->l, name) != QN_NONE || !isnan(qn_lines_constant(&t->l, 0, name));
}

int qn_fit_make(const qn_fit_request *q, qn_dataset **out)
{
    fitting t = {.q = q};
    *out = NULL;
    int err = qn_sampled_init(&t.s, q->data, q->observable, q->statistic);
    if (!err)
        err = qn_lines_init(&t.l, &t.s, q->along, q->where, q->n_where);
    if (!err)
        err = qn_form_init(&t.form, q->form ? q->form : "power", t.l.along, q->start, is_known, &t);
    if (!err && q->log && t.form.kind != QN_FORM_LOGISTIC)
        err = qn_fail(QN_ERR_INPUT, "--log is for the logistic form; write log(%s) in an expression", t.l.along);
    t.window = q->window ? q->window : t.form.n > 2 ? t.form.n : 2;
    if (!err && q->local && t.window < t.form.n)
        err = qn_fail(QN_ERR_INPUT, "--window %zu: %s has %zu parameters and needs as many points", t.window, t.form.text, t.form.n);
    size_t longest = 0;
    for (size_t i = 0; i < t.l.n; i++)
        longest = t.l.line[i].n > longest ? t.l.line[i].n : longest;
    t.resamples = qn_resample_count(&t.s, longest, q->resamples);
    if (!err)
        err = declare(&t);
    for (size_t i = 0; i < t.l.n && !err; i++)
        err = fit_line(&t, i);
    if (!err && !t.fitted)
        err = nothing(&t);
    if (!err) {
        remark(&t);
        *out = t.out.d;
        t.out.d = NULL;
    }
    qn_finding_free(&t.out);
    qn_form_free(&t.form);
    qn_lines_free(&t.l);
    qn_sampled_free(&t.s);
    return err;
}
