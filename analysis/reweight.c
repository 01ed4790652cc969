/* reweight.c -- see reweight.h: from a result's samples to histograms (histogram.h), and back to a labelled dataset. */
#include "reweight.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "histogram.h"
#include "select.h"
#include "stats.h"
#include "text.h"

#define MOST_SERIES 64
#define MOST_NAMES 16
#define BLOCKS 16       /* at least, where replicas are few and alike */
#define FEW 50          /* independent measurements that speak at a temperature: below, it is said */

typedef struct quantity { /* an expression of means of series and of parameters */
    char *name;
    const char *unit, *symbol, *meaning;
    qn_expr *e;
    size_t n, series[MOST_NAMES]; /* index among the series, SIZE_MAX: a parameter */
    const char *parameter[MOST_NAMES];
} quantity;

typedef struct work {
    const qn_reweight_request *q;
    const qn_dataset *d, *samples;
    qn_selection sel;
    size_t along;                   /* range of sel */
    size_t replicas, bins, n_series;
    const char *series_name[MOST_SERIES];
    const qn_var *series[MOST_SERIES], *tau[MOST_SERIES], *count;
    quantity energy, *wanted;
    size_t n_wanted;
    bool alike;                     /* replicas do not differ in disorder */
    size_t lines, n_at;             /* values of the other axes; of the new grid */
    double *at;
    double *value, *err, *n_eff;    /* [n_wanted + 1][lines][n_at], last: log_z; n_eff [lines][n_at] */
} work;

/* ---- names ---------------------------------------------------------------------------------------------------------- */

static int add_series(work *w, const char *name, size_t *out)
{
    char tau[128];
    for (*out = 0; *out < w->n_series; ++*out)
        if (!strcmp(w->series_name[*out], name))
            return 0;
    const qn_var *v = qn_dataset_find(w->samples, name);
    snprintf(tau, sizeof tau, "%s_tau", name);
    if (w->n_series == MOST_SERIES)
        return qn_fail(QN_ERR_INPUT, "more than %d series at once; name fewer observables", MOST_SERIES);
    w->series_name[w->n_series] = name;
    w->series[w->n_series] = v;
    w->tau[w->n_series++] = qn_dataset_find(w->samples, tau);
    return 0;
}

static bool is_series(const work *w, const char *name)
{
    const qn_var *v = qn_dataset_find(w->samples, name);
    return v && v->type == QN_F64 && v->rank == w->sel.n_axes + 2 && !strcmp(v->dims[v->rank - 1], "bin");
}

static bool is_parameter(const work *w, const char *name)
{
    char attribute[128];
    snprintf(attribute, sizeof attribute, "parameter:%s", name);
    for (size_t r = 0; r < w->sel.n_axes; r++)
        if (!strcmp(w->sel.range[r].name, name))
            return true;
    return qn_attr_text(w->d, NULL, attribute) != NULL;
}

/* A number that does not change during a run: an axis at this row, or a fixed parameter.  That along which is reweighted takes `x`. */
static double constant(const work *w, size_t row, double x, const char *name)
{
    char attribute[128];
    double fixed;
    for (size_t r = 0; r < w->sel.n_axes; r++)
        if (!strcmp(w->sel.range[r].name, name)) {
            const qn_range *g = &w->sel.range[r];
            return r == w->along ? x : qn_var_number(g->coordinate, qn_selection_index(&w->sel, row, r));
        }
    snprintf(attribute, sizeof attribute, "parameter:%s", name);
    const char *text = qn_attr_text(w->d, NULL, attribute);
    return text && !qn_parse_real(text, &fixed) ? fixed : NAN;
}

static int compile(work *w, const char *expression, const char *what, quantity *to)
{
    int err = qn_expr_compile(expression, &to->e);
    if (err)
        return qn_fail(QN_ERR_INPUT, "%s '%s': %s", what, expression, qn_error_text());
    to->n = qn_expr_names(to->e);
    if (to->n > MOST_NAMES)
        return qn_fail(QN_ERR_INPUT, "%s '%s' has more than %d names", what, expression, MOST_NAMES);
    for (size_t i = 0; i < to->n && !err; i++) {
        const char *name = qn_expr_name(to->e, i);
        to->series[i] = SIZE_MAX;
        to->parameter[i] = name;
        if (is_series(w, name))
            err = add_series(w, name, &to->series[i]);
        else if (!is_parameter(w, name))
            err = qn_fail(QN_ERR_INPUT, "%s '%s': %s is neither a series of single numbers nor a parameter of %s", what, expression, name, w->q->path);
    }
    return err;
}

/* A series, a derived quantity of the file, or NAME=EXPRESSION. */
static int want(work *w, const char *asked)
{
    const char *eq = strchr(asked, '=');
    quantity *to = &w->wanted[w->n_wanted++];
    *to = (quantity){.unit = "1", .name = eq ? qn_format("%.*s", (int)(eq - asked), asked) : strdup(asked)};
    if (!to->name)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    if (eq)
        return compile(w, eq + 1, "observable", to);
    const char *name = to->name;
    const qn_var *v = qn_dataset_find(w->d, name);
    const char *expression = v ? qn_attr_text(w->d, v, "expression") : NULL;
    if (v) {
        to->unit = qn_attr_text(w->d, v, "units");
        to->symbol = qn_attr_text(w->d, v, "symbol");
        to->meaning = qn_attr_text(w->d, v, "long_name");
    }
    if (v && !expression && !is_series(w, name))
        return qn_fail(QN_ERR_INPUT, "%s is no series of single numbers, so it cannot be reweighted", name);
    if (!v && strpbrk(name, "+-*/^("))
        return qn_fail(QN_ERR_INPUT, "the expression %s needs a name: NAME=%s", name, name);
    if (!v) /* the sentence names the nearest */
        return qn_observable_find(w->d, name, &v);
    return compile(w, expression ? expression : name, "observable", to);
}

static int find_energy(work *w)
{
    const qn_var *v = qn_dataset_find(w->d, "energy");
    const char *expression = w->q->energy ? w->q->energy : v ? qn_attr_text(w->d, v, "expression") : NULL;
    if (!expression)
        return qn_fail(QN_ERR_INPUT, "%s has no derived quantity 'energy'; give the energy of a configuration with --energy, as in --energy 'L^2*u'", w->q->path);
    return compile(w, expression, "energy", &w->energy);
}

static int find_names(work *w)
{
    const qn_reweight_request *q = w->q;
    w->wanted = calloc(q->n_observables + w->d->n_vars + 1, sizeof *w->wanted);
    int err = w->wanted ? find_energy(w) : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < q->n_observables && !err; i++)
        err = want(w, q->observable[i]);
    for (size_t i = 0; i < w->d->n_vars && !q->n_observables && !err; i++) {
        const qn_var *v = w->d->vars[i];
        if (qn_is_observable(w->d, v) && v->rank == w->sel.n_axes && is_series(w, v->name) && strcmp(v->name, "energy"))
            err = want(w, v->name);
    }
    return err;
}

/* ---- measurements --------------------------------------------------------------------------------------------------- */

/* The row of the selection for value k along the axis and line l of the others, and its place among points. */
static size_t row_of(const work *w, size_t line, size_t k)
{
    size_t inner = 1;
    for (size_t r = w->along + 1; r < w->sel.n_axes; r++)
        inner *= w->sel.range[r].n;
    return (line / inner * w->sel.range[w->along].n + k) * inner + line % inner;
}

static size_t point_of(const work *w, size_t row)
{
    size_t point = 0;
    for (size_t r = 0; r < w->sel.n_axes; r++)
        point = point * w->sel.range[r].coordinate->size + qn_selection_index(&w->sel, row, r);
    return point;
}

static size_t measured(const work *w, size_t point, size_t replica)
{
    return (size_t)qn_var_number(w->count, point * w->replicas + replica);
}

/* x[i]: measurement t of the quantity's names. */
static double evaluate(const work *w, const quantity *e, size_t row, double along, const double *series)
{
    double x[MOST_NAMES];
    for (size_t i = 0; i < e->n; i++)
        x[i] = e->series[i] == SIZE_MAX ? constant(w, row, along, e->parameter[i]) : series[e->series[i]];
    return qn_expr_eval(e->e, x);
}

static void measurement(const work *w, size_t point, size_t replica, size_t t, double *series)
{
    for (size_t i = 0; i < w->n_series; i++)
        series[i] = w->series[i]->f64[(point * w->replicas + replica) * w->bins + t];
}

/* Every bin must be one measurement. */
static int check_whole(const work *w)
{
    size_t most = 0;
    for (size_t i = 0; i < w->count->size; i++)
        most = qn_var_number(w->count, i) > (double)most ? (size_t)qn_var_number(w->count, i) : most;
    if (most <= w->bins)
        return 0;
    return qn_fail(QN_ERR_INPUT, "%s keeps %zu bins of %zu measurements; reweighting needs every measurement: run the sweep with `bins: %zu` under sampling", w->q->path,
                   w->bins, most, most);
}

/* Independent measurements that one measurement of a run counts for: 1/(2 tau) of the slowest part of the energy, over the replicas. */
static double weight_of(const work *w, size_t point)
{
    double tau = 0.5;
    for (size_t i = 0; i < w->energy.n; i++) {
        const qn_var *v = w->energy.series[i] == SIZE_MAX ? NULL : w->tau[w->energy.series[i]];
        double sum = 0;
        size_t n = 0;
        for (size_t r = 0; v && r < w->replicas; r++) {
            double x = v->f64[point * w->replicas + r];
            sum += isfinite(x) ? x : 0;
            n += isfinite(x) ? 1 : 0;
        }
        if (n)
            tau = fmax(tau, sum / (double)n);
    }
    return 1 / (2 * tau);
}

/* The axis holds temperatures, or their inverse. */
static double beta_of(const work *w, double x)
{
    return w->q->inverse ? x : 1 / x;
}

/* Replicas [from, to) of line `line`, each cut into `blocks` units. */
static int gather(const work *w, size_t line, size_t from, size_t to, size_t blocks, qn_histograms *h)
{
    const qn_range *axis = &w->sel.range[w->along];
    size_t n = 0, total = 0, units = (to - from) * blocks;
    for (size_t k = 0; k < axis->n; k++)
        for (size_t r = from; r < to; r++)
            total += measured(w, point_of(w, row_of(w, line, k)), r);
    double *energy = malloc((total + 1) * sizeof *energy), series[MOST_SERIES];
    int err = energy ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for %zu energies", total);
    for (int pass = 0; pass < 2 && !err; pass++) { /* the energies first, then everything */
        if (pass)
            err = qn_histograms_init(h, axis->n, units, w->n_series, total, energy);
        n = 0;
        for (size_t k = 0; k < axis->n && !err; k++) {
            size_t row = row_of(w, line, k), point = point_of(w, row);
            double x = qn_var_number(axis->coordinate, axis->index[k]), weight = weight_of(w, point);
            if (pass)
                h->beta[k] = beta_of(w, x);
            for (size_t r = from; r < to && !err; r++) {
                size_t count = measured(w, point, r);
                for (size_t t = 0; t < count && !err; t++, n++) {
                    measurement(w, point, r, t, series);
                    if (pass) {
                        qn_histograms_add(h, (r - from) * blocks + t * blocks / count, k, weight, energy[n], series);
                        continue;
                    }
                    energy[n] = evaluate(w, &w->energy, row, x, series);
                    if (!isfinite(energy[n]))
                        err = qn_fail(QN_ERR_INPUT, "%s: a measurement of the energy is not a finite number", w->q->path);
                }
            }
        }
    }
    free(energy);
    return err;
}

/* All wanted quantities and log_z at the new grid: out[n_wanted + 1][n_at]. */
static void look(const work *w, size_t line, const qn_histograms *h, const qn_mixture *m, size_t reference, double *out, double *n_eff)
{
    double means[MOST_SERIES], log_z, eff;
    for (size_t i = 0; i < w->n_at; i++) {
        qn_mixture_at(h, m, beta_of(w, w->at[i]), means, &log_z, &eff);
        for (size_t k = 0; k < w->n_wanted; k++)
            out[k * w->n_at + i] = evaluate(w, &w->wanted[k], row_of(w, line, 0), w->at[i], means);
        out[w->n_wanted * w->n_at + i] = log_z + m->f[reference];
        if (n_eff)
            n_eff[i] = eff;
    }
}

/* The run of the smallest inverse temperature. */
static size_t hottest(const qn_histograms *h)
{
    size_t k = 0;
    for (size_t i = 1; i < h->n_runs; i++)
        if (h->beta[i] < h->beta[k])
            k = i;
    return k;
}

/* Jackknife over the units, value and error as stats.h has them for means: bias-corrected. */
static int jackknife(const work *w, size_t line, const qn_histograms *h, double *value, double *err, double *n_eff)
{
    size_t n = (w->n_wanted + 1) * w->n_at, u = h->n_units;
    double *whole = malloc(n * sizeof *whole + 1), *each = malloc(n * u * sizeof *each + 1);
    qn_mixture all = {0};
    int e = whole && each ? qn_mixture_solve(h, SIZE_MAX, NULL, &all) : qn_fail(QN_ERR_NOMEM, "out of memory");
    size_t reference = hottest(h);
    if (!e)
        look(w, line, h, &all, reference, whole, n_eff);
    for (size_t j = 0; j < u && u > 1 && !e; j++) {
        qn_mixture m;
        e = qn_mixture_solve(h, j, all.f, &m);
        if (!e) {
            look(w, line, h, &m, reference, each + j * n, NULL);
            qn_mixture_free(&m);
        }
    }
    for (size_t i = 0; i < n && !e; i++) {
        double mean = 0, square = 0;
        for (size_t j = 0; j < u && u > 1; j++)
            mean += each[j * n + i] / (double)u;
        for (size_t j = 0; j < u && u > 1; j++)
            square += (each[j * n + i] - mean) * (each[j * n + i] - mean);
        value[i] = u > 1 ? (double)u * whole[i] - (double)(u - 1) * mean : whole[i];
        err[i] = u > 1 ? sqrt(square * (double)(u - 1) / (double)u) : NAN;
    }
    qn_mixture_free(&all);
    free(whole);
    free(each);
    return e;
}

static int line_alike(const work *w, size_t line, double *value, double *err, double *n_eff)
{
    size_t blocks = w->replicas >= QN_MIN_REPLICAS ? 1 : (BLOCKS + w->replicas - 1) / w->replicas;
    qn_histograms h = {0};
    int e = gather(w, line, 0, w->replicas, blocks, &h);
    if (!e)
        e = jackknife(w, line, &h, value, err, n_eff);
    qn_histograms_free(&h);
    return e;
}

/* Each replica by itself; mean and standard error over them, the least n_eff. */
static int line_disordered(const work *w, size_t line, double *value, double *err, double *n_eff)
{
    size_t n = (w->n_wanted + 1) * w->n_at;
    double *each = malloc(w->replicas * n * sizeof *each + 1), *own = malloc(n * sizeof *own + 1), *eff = malloc(w->n_at * sizeof *eff + 1),
           *x = malloc(w->replicas * sizeof *x + 1);
    int e = each && own && eff && x ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < w->n_at && !e; i++)
        n_eff[i] = INFINITY;
    for (size_t r = 0; r < w->replicas && !e; r++) {
        qn_histograms h = {0};
        e = gather(w, line, r, r + 1, BLOCKS, &h);
        if (!e)
            e = jackknife(w, line, &h, each + r * n, own, eff);
        for (size_t i = 0; i < w->n_at && !e; i++)
            n_eff[i] = fmin(n_eff[i], eff[i]);
        qn_histograms_free(&h);
    }
    for (size_t i = 0; i < n && !e; i++) {
        qn_estimate est;
        for (size_t r = 0; r < w->replicas; r++)
            x[r] = each[r * n + i];
        qn_estimate_values(w->replicas, x, &est);
        value[i] = est.mean;
        err[i] = w->replicas > 1 ? est.err : own[i];
    }
    free(each);
    free(own);
    free(eff);
    free(x);
    return e;
}

/* ---- the dataset ------------------------------------------------------------------------------------------------------ */

static int copy_head(const work *w, qn_dataset *d)
{
    int err = 0;
    for (size_t i = 0; i < w->d->n_attrs && !err; i++) {
        const qn_attr *a = &w->d->attrs[i];
        if (a->type == QN_STR)
            err = qn_attr_str(d, NULL, a->name, a->str);
        else if (a->type == QN_I64)
            err = qn_attr_i64(d, NULL, a->name, a->n, a->i64);
        else
            err = qn_attr_f64(d, NULL, a->name, a->n, a->f64);
    }
    return err ? err : qn_attr_str(d, NULL, "reweighted_from", w->q->path);
}

static int copy_axis(const work *w, qn_dataset *d, size_t r)
{
    const qn_range *g = &w->sel.range[r];
    const qn_var *c = g->coordinate;
    bool finer = r == w->along;
    size_t n = finer ? w->n_at : g->n;
    qn_var *v;
    int err = qn_dataset_dim(d, g->name, n);
    if (!err)
        err = qn_dataset_var(d, g->name, finer ? QN_F64 : c->type, 1, &g->name, &v);
    for (size_t i = 0; i < n && !err; i++) {
        if (finer)
            v->f64[i] = w->at[i];
        else if (c->type == QN_STR)
            err = qn_var_set_str(v, i, c->str[g->index[i]]);
        else if (c->type == QN_I8)
            v->i8[i] = c->i8[g->index[i]];
        else if (c->type == QN_I64)
            v->i64[i] = c->i64[g->index[i]];
        else
            v->f64[i] = c->f64[g->index[i]];
    }
    static const char *const same[] = {"units", "long_name", "symbol", "scale"};
    for (size_t i = 0; i < 4 && !err; i++)
        if (qn_attr_text(w->d, c, same[i]))
            err = qn_attr_str(d, v, same[i], qn_attr_text(w->d, c, same[i]));
    return err;
}

static int put(const work *w, qn_dataset *d, const char *const *axes, const char *name, const char *unit, const char *symbol, const char *meaning, const double *x,
               const double *error)
{
    qn_var *v, *e;
    char beside[128];
    int err = qn_dataset_var(d, name, QN_F64, w->sel.n_axes, axes, &v);
    if (!err)
        err = qn_attr_str(d, v, "units", unit ? unit : "1");
    if (!err && symbol)
        err = qn_attr_str(d, v, "symbol", symbol);
    if (!err && meaning)
        err = qn_attr_str(d, v, "long_name", meaning);
    if (!err)
        err = qn_attr_str(d, v, "kind", "reweighted");
    size_t inner = 1;
    for (size_t r = w->along + 1; r < w->sel.n_axes; r++)
        inner *= w->sel.range[r].n;
    snprintf(beside, sizeof beside, "%s_err", name);
    if (!err && error)
        err = qn_dataset_var(d, beside, QN_F64, w->sel.n_axes, axes, &e);
    if (!err && error)
        err = qn_attr_str(d, v, "ancillary_variables", beside);
    if (!err && error)
        err = qn_attr_str(d, e, "units", unit ? unit : "1");
    if (!err && error)
        err = qn_attr_str(d, e, "long_name", "standard error");
    for (size_t l = 0; l < w->lines && !err; l++)
        for (size_t i = 0; i < w->n_at; i++) {
            size_t to = (l / inner * w->n_at + i) * inner + l % inner;
            v->f64[to] = x[l * w->n_at + i];
            if (error)
                e->f64[to] = error[l * w->n_at + i];
        }
    return err;
}

static int write_all(const work *w, qn_dataset *d)
{
    const char *axes[QN_MAX_RANK];
    size_t n = w->lines * w->n_at;
    int err = copy_head(w, d);
    for (size_t r = 0; r < w->sel.n_axes && !err; r++) {
        axes[r] = w->sel.range[r].name;
        err = copy_axis(w, d, r);
    }
    for (size_t k = 0; k < w->n_wanted && !err; k++)
        err = put(w, d, axes, w->wanted[k].name, w->wanted[k].unit, w->wanted[k].symbol, w->wanted[k].meaning, w->value + k * n, w->err + k * n);
    if (!err)
        err = put(w, d, axes, "log_z", "1", NULL, "ln Z, relative to the highest temperature of the runs", w->value + w->n_wanted * n, w->err + w->n_wanted * n);
    return err ? err : put(w, d, axes, "n_eff", "1", NULL, "independent measurements that speak here", w->n_eff, NULL);
}

/* Where too few measurements speak: once, with the worst place. */
static void remark(const work *w)
{
    size_t few = 0, worst = 0, n = w->lines * w->n_at;
    for (size_t i = 0; i < n; i++) {
        few += w->n_eff[i] < FEW;
        if (w->n_eff[i] < w->n_eff[worst])
            worst = i;
    }
    if (!few || !w->q->say)
        return;
    char *line = qn_format("fewer than %d independent measurements speak at %zu of %zu temperatures (%.1f at %s = %g): runs lie too far apart there", FEW, few, n, w->n_eff[worst],
                           w->sel.range[w->along].name, w->at[worst % w->n_at]);
    if (line)
        w->q->say(w->q->ctx, line);
    free(line);
}

static int make_grid(work *w)
{
    const qn_range *g = &w->sel.range[w->along];
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < g->n; i++) {
        double x = qn_var_number(g->coordinate, g->index[i]);
        low = fmin(low, x);
        high = fmax(high, x);
    }
    if (!w->q->inverse && low <= 0)
        return qn_fail(QN_ERR_INPUT, "%s = %g is no temperature that can be reweighted", g->name, low);
    w->n_at = w->q->points;
    w->at = malloc((w->n_at + 1) * sizeof *w->at);
    if (!w->at)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < w->n_at; i++)
        w->at[i] = w->n_at > 1 ? low + (high - low) * (double)i / (double)(w->n_at - 1) : low;
    return 0;
}

static int find_axis(work *w)
{
    const char *name = w->q->along ? w->q->along : "T";
    for (w->along = 0; w->along < w->sel.n_axes && strcmp(w->sel.range[w->along].name, name); w->along++)
        ;
    if (w->along == w->sel.n_axes)
        return qn_fail(QN_ERR_INPUT, "%s has no axis '%s' of temperatures; name one with --along", w->q->path, name);
    for (size_t r = 0; r < w->sel.n_axes; r++)
        if (!w->sel.range[r].coordinate)
            return qn_fail(QN_ERR_INPUT, "%s: axis %s has no values", w->q->path, w->sel.range[r].name);
    if (w->sel.range[w->along].coordinate->type == QN_STR)
        return qn_fail(QN_ERR_INPUT, "%s is an axis of words, not of temperatures", name);
    return 0;
}

static int open_samples(work *w)
{
    const qn_reweight_request *q = w->q;
    w->samples = qn_dataset_find_group(w->d, "samples");
    w->count = w->samples ? qn_dataset_find(w->samples, "measurements") : NULL;
    const qn_dim *bin = w->samples ? qn_dataset_find_dim(w->samples, "bin") : NULL, *replica = w->samples ? qn_dataset_find_dim(w->samples, "replica") : NULL;
    if (!w->count || !bin || !replica)
        return qn_fail(QN_ERR_INPUT, "%s has no series, so there is nothing to reweight", q->path);
    w->bins = bin->n;
    w->replicas = replica->n;
    const char *disorder = qn_attr_text(w->d, NULL, "disorder_parameters");
    w->alike = !disorder || !*disorder;
    return 0;
}

static void work_free(work *w)
{
    qn_expr_free(w->energy.e);
    for (size_t i = 0; i < w->n_wanted; i++) {
        qn_expr_free(w->wanted[i].e);
        free(w->wanted[i].name);
    }
    free(w->wanted);
    free(w->at);
    free(w->value);
    free(w->err);
    free(w->n_eff);
    qn_selection_free(&w->sel);
}

int qn_reweight(const qn_reweight_request *q, qn_dataset **out)
{
    work w = {.q = q, .d = q->data};
    qn_dataset *d = NULL;
    *out = NULL;
    int err = qn_select(q->data, q->where, q->n_where, &w.sel);
    if (err)
        return err;
    err = open_samples(&w);
    if (!err)
        err = find_axis(&w);
    if (!err)
        err = find_names(&w);
    if (!err)
        err = check_whole(&w);
    if (!err)
        err = make_grid(&w);
    w.lines = qn_selection_rows(&w.sel) / (w.sel.n && !err ? w.sel.range[w.along].n : 1);
    size_t n = w.lines * w.n_at;
    if (!err) {
        w.value = malloc(((w.n_wanted + 1) * n + 1) * sizeof *w.value);
        w.err = malloc(((w.n_wanted + 1) * n + 1) * sizeof *w.err);
        w.n_eff = malloc((n + 1) * sizeof *w.n_eff);
    }
    double *value = malloc((w.n_wanted + 1) * w.n_at * sizeof *value + 1), *error = malloc((w.n_wanted + 1) * w.n_at * sizeof *error + 1);
    if (!err && (!w.value || !w.err || !w.n_eff || !value || !error))
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t l = 0; l < w.lines && !err; l++) {
        err = (w.alike ? line_alike : line_disordered)(&w, l, value, error, w.n_eff + l * w.n_at);
        for (size_t k = 0; k <= w.n_wanted && !err; k++) {
            memcpy(w.value + k * n + l * w.n_at, value + k * w.n_at, w.n_at * sizeof *value);
            memcpy(w.err + k * n + l * w.n_at, error + k * w.n_at, w.n_at * sizeof *error);
        }
    }
    free(value);
    free(error);
    if (!err)
        err = qn_dataset_new(&d);
    if (!err)
        err = write_all(&w, d);
    if (!err)
        remark(&w);
    work_free(&w);
    if (err)
        qn_dataset_free(d);
    else
        *out = d;
    return err;
}
