/* sampled.c -- see sampled.h. */
#include "sampled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "select.h"
#include "stats.h"
#include "text.h"

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory for the samples");
}

/* ---- what an observable is made of ------------------------------------------------------------------------------- */

static bool is_kind(const qn_dataset *d, const qn_var *v, const char *kind)
{
    const char *k = v ? qn_attr_text(d, v, "kind") : NULL;
    return k && !strcmp(k, kind);
}

static bool has_samples(const qn_dataset *d, const qn_var *v)
{
    return is_kind(d, v, "series") || is_kind(d, v, "outcome") || is_kind(d, v, "curve");
}

/* The stored name of what is sampled: the end of a curve over time is a place of the curve. */
static void stored_name(const qn_dataset *d, const qn_var *v, char *out, size_t room, bool *end)
{
    size_t n = strlen(v->name);
    char curve[96];
    snprintf(curve, sizeof curve, "%.*s", n > 4 ? (int)n - 4 : 0, v->name);
    *end = is_kind(d, v, "outcome") && n > 4 && !strcmp(v->name + n - 4, "_end") && is_kind(d, qn_dataset_find(d, curve), "curve");
    snprintf(out, room, "%s", *end ? curve : v->name);
}

/* The observable, and its expression where it has one; an `observable` that is no name may be an expression itself. */
static int find(const qn_dataset *d, const char *observable, const qn_var **v, qn_expr **e)
{
    *e = NULL;
    *v = NULL;
    bool is_name = strspn(observable, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == strlen(observable);
    if (!is_name) {
        int err = qn_expr_compile(observable, e);
        for (size_t i = 0; !err && i < qn_expr_names(*e); i++) { /* what is wrong with it is said by the name */
            const qn_var *w = qn_dataset_find(d, qn_expr_name(*e, i));
            char parameter[96];
            snprintf(parameter, sizeof parameter, "parameter:%s", qn_expr_name(*e, i));
            if (!w && !qn_attr_text(d, NULL, parameter))
                err = qn_observable_find(d, qn_expr_name(*e, i), &w);
        }
        return err;
    }
    int err = qn_observable_find(d, observable, v);
    if (!err && (*v)->type == QN_STR)
        err = qn_fail(QN_ERR_INPUT, "%s is text, not a number", observable);
    const char *text = err ? NULL : qn_attr_text(d, *v, "expression");
    return text && is_kind(d, *v, "derived") ? qn_expr_compile(text, e) : err;
}

int qn_sampled_needs(const qn_dataset *d, const char *observable, char ***out)
{
    const qn_var *v;
    qn_expr *e;
    *out = NULL;
    int err = find(d, observable, &v, &e);
    if (err)
        return err;
    size_t n = 0, most = 2 * (e ? qn_expr_names(e) : 1) + 3;
    char **names = calloc(most, sizeof *names), name[96];
    if (!names)
        err = no_memory();
    for (size_t i = 0; !err && i < (e ? qn_expr_names(e) : 1); i++) {
        const qn_var *w = e ? qn_dataset_find(d, qn_expr_name(e, i)) : v;
        bool end;
        if (!w)
            continue;
        stored_name(d, w, name, sizeof name, &end);
        names[n++] = strdup(name);
        if (is_kind(d, w, "series"))
            names[n++] = qn_format("%s_tau", name);
    }
    if (!err)
        names[n++] = strdup("measurements");
    for (size_t i = 0; i < n && !err; i++)
        err = names[i] ? 0 : no_memory();
    qn_expr_free(e);
    if (err)
        qn_sampled_needs_free(names);
    else
        *out = names;
    return err;
}

void qn_sampled_needs_free(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

/* ---- columns of /samples ------------------------------------------------------------------------------------------- */

typedef struct column { /* of one quantity */
    const char *name;
    bool series;
    size_t length, offset;  /* places stored a replica, and the first that counts: NAME_end is the last of a curve */
    const double *x, *tau;  /* [point][replica][length][bins] */
} column;

typedef struct reading {
    qn_sampled *s;
    size_t replicas, bins;
    bool alike;             /* replicas do not differ in disorder */
    bool per_replica;       /* the mean over replicas of the expression */
    const int64_t *measurements; /* [point][replica], or NULL */
    size_t n;
    column col[QN_SAMPLED_NAMES];
} reading;

static int find_column(reading *r, const qn_dataset *samples, const qn_var *v, column *c)
{
    const qn_sampled *s = r->s;
    char name[96], tau[104];
    bool end;
    stored_name(s->data, v, name, sizeof name, &end);
    snprintf(tau, sizeof tau, "%s_tau", name);
    const qn_var *x = qn_dataset_find(samples, name), *t = qn_dataset_find(samples, tau);
    *c = (column){.name = v->name, .series = is_kind(s->data, v, "series")};
    size_t bins = 1, each = s->n_points * r->replicas;
    if (c->series && x && x->rank && !strcmp(x->dims[x->rank - 1], "bin"))
        bins = x->shape[x->rank - 1];
    if (!x || x->type != QN_F64 || !each || !bins || x->size % (each * bins) || (c->series && (!t || t->type != QN_F64 || t->size * bins != x->size)) || (c->series && r->bins && r->bins != bins))
        return qn_fail(QN_ERR_DATA, "the samples of %s are not in the file as they should be", v->name);
    c->x = x->f64;
    c->tau = t && c->series ? t->f64 : NULL;
    c->length = x->size / (each * bins);
    size_t width = v->size / s->n_points;
    if (c->length < width)
        return qn_fail(QN_ERR_DATA, "the samples of %s have another shape than its means", v->name);
    c->offset = end ? c->length - width : 0;
    if (c->series)
        r->bins = bins;
    return 0;
}

/* Measurements of a task; SIZE_MAX where the file does not say. */
static size_t measured(const reading *r, size_t point, size_t replica)
{
    return r->measurements ? (size_t)r->measurements[point * r->replicas + replica] : SIZE_MAX;
}

static const double *at(const reading *r, const column *c, size_t point, size_t replica, size_t place)
{
    return c->x + ((point * r->replicas + replica) * c->length + c->offset + place) * (c->series ? r->bins : 1);
}

/* The size of bin b where `count` measurements were taken. */
static double bin_weight(size_t count, size_t bins, size_t b)
{
    return count < bins ? b < count : (double)(qn_bin_start(count, bins, b + 1) - qn_bin_start(count, bins, b));
}

/* One replica's mean of a series, or its outcome: NaN when the task is not there, +inf when it did not end. */
static double replica_mean(const reading *r, const column *c, size_t point, size_t replica, size_t place)
{
    size_t count = measured(r, point, replica);
    const double *x = at(r, c, point, replica, place);
    if (count == 0)
        return NAN;
    if (!c->series)
        return isfinite(*x) ? *x : HUGE_VAL;
    double sum = 0, weight = 0;
    for (size_t b = 0; b < r->bins; b++) {
        double w = count == SIZE_MAX ? isfinite(x[b]) : bin_weight(count, r->bins, b);
        if (w > 0) {
            sum += w * x[b];
            weight += w;
        }
    }
    return weight > 0 && isfinite(sum) ? sum / weight : NAN;
}

/* ---- blocks of bins ------------------------------------------------------------------------------------------------ */

#define BLOCK_TAUS 5   /* as in stats.c: blocks are nearly independent */
#define LEAST_BLOCKS 4

/* Bins a block of one replica has, for the slowest quantity and place; 0: the replica is not whole.  *tau: in measurements. */
static size_t bins_a_block(const reading *r, size_t point, size_t replica, size_t *used, double *tau)
{
    size_t count = measured(r, point, replica);
    *tau = 0.5;
    if (count == SIZE_MAX)
        count = r->bins;
    *used = count < r->bins ? count : r->bins;
    for (size_t i = 0; i < r->n; i++)
        for (size_t e = 0; e < r->s->width && *used; e++) {
            double t = r->col[i].tau ? r->col[i].tau[(point * r->replicas + replica) * r->col[i].length + r->col[i].offset + e] : 0.5;
            if (!isfinite(t))
                return 0;
            *tau = t > *tau ? t : *tau;
        }
    if (!*used)
        return 0;
    size_t per = (size_t)fmin(ceil(BLOCK_TAUS * *tau * (double)*used / (double)count), (double)*used);
    if (per > *used / LEAST_BLOCKS)
        per = *used / LEAST_BLOCKS;
    return per ? per : 1;
}

/* Blocks of the replicas [from, to) of a point: values [place][quantity][blocks] into out (NULL: count only), weights, and the factor by which
 * their squared spread falls short because blocks that touch are correlated (stats.c). */
static size_t blocks_of(const reading *r, size_t point, size_t from, size_t to, size_t stride, double *out, double *weights, double *short_by)
{
    size_t n = 0, width = r->s->width;
    *short_by = 0;
    for (size_t k = from; k < to; k++) {
        double tau;
        size_t used, per = bins_a_block(r, point, k, &used, &tau), count = measured(r, point, k), here = per ? used / per : 0;
        if (count == SIZE_MAX)
            count = r->bins;
        for (size_t b = 0; b < here; b++, n++) {
            size_t end = b + 1 == here ? used : (b + 1) * per;
            double weight = 0;
            for (size_t j = b * per; j < end; j++)
                weight += bin_weight(count, r->bins, j);
            *short_by += fmax(0.5, 1 - (tau - 0.25 / tau) / weight);
            if (!out)
                continue;
            weights[n] = weight;
            for (size_t e = 0; e < width; e++)
                for (size_t i = 0; i < r->n; i++) {
                    const double *x = at(r, &r->col[i], point, k, e);
                    double sum = 0;
                    for (size_t j = b * per; j < end; j++)
                        sum += bin_weight(count, r->bins, j) * x[j];
                    out[(e * r->n + i) * stride + n] = sum / weight;
                }
        }
    }
    *short_by = n ? *short_by / (double)n : 1;
    return n;
}

/* ---- expressions ---------------------------------------------------------------------------------------------------- */

typedef struct context {
    const qn_sampled *s;
    size_t point;
} context;

static double evaluate(size_t n, const double *means, void *ctx)
{
    const context *c = ctx;
    const qn_sampled *s = c->s;
    double values[QN_SAMPLED_NAMES];
    if (!s->expression)
        return means[0];
    memcpy(values, s->constant + c->point * s->n_names, s->n_names * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[s->slot[i]] = means[i];
    return qn_expr_eval(s->expression, values);
}

/* The jackknife over blocks, or units, of one place: unit [quantity][n] as they lie. */
static int jackknifed(const qn_sampled *s, size_t point, size_t vars, size_t n, const double *unit, size_t stride, const double *weight, double *value)
{
    double err, *means = malloc((n * vars + n + 1) * sizeof *means), *w = means + n * vars;
    context c = {s, point};
    size_t k = 0;
    *value = NAN;
    if (!means)
        return no_memory();
    for (size_t j = 0; j < n; j++) {
        bool there = true;
        for (size_t i = 0; i < vars; i++) {
            means[k * vars + i] = unit[i * stride + j];
            there &= isfinite(unit[i * stride + j]) != 0;
        }
        if (there)
            w[k++] = weight[j];
    }
    int bad = k ? qn_jackknife(k, vars, means, w, evaluate, &c, true, value, &err) : 0;
    free(means);
    return bad;
}

/* Parameters of the expression at every point: an axis, a quantity given along one, or a fixed parameter of the sweep. */
static int take_constants(qn_sampled *s, const qn_selection *axes)
{
    s->constant = calloc(s->n_points * s->n_names + 1, sizeof *s->constant);
    if (!s->constant)
        return no_memory();
    for (size_t k = 0; k < s->n_names; k++) {
        const char *name = qn_expr_name(s->expression, k);
        const qn_var *v = qn_dataset_find(s->data, name);
        char parameter[96];
        snprintf(parameter, sizeof parameter, "parameter:%s", name);
        const char *fixed = qn_attr_text(s->data, NULL, parameter);
        double x = NAN;
        if (!v && (!fixed || qn_parse_real(fixed, &x)))
            x = NAN;
        for (size_t p = 0; p < s->n_points; p++) {
            size_t place;
            s->constant[p * s->n_names + k] = !v ? x : qn_selection_place(axes, v, p, &place) ? qn_var_number(v, place) : NAN;
        }
    }
    return 0;
}

/* ---- groups: which points have the same replicas ---------------------------------------------------------------------- */

/* Points share their disorder when they agree in all parameters that seed it (attribute `disorder_parameters`); without any, replicas
 * differ in their dynamics only and those of two points have nothing in common.  A file that does not say: all points are taken together,
 * which is right in either case and merely wastes degrees of freedom. */
static int find_groups(qn_sampled *s, const qn_selection *axes, bool *alike)
{
    const char *disorder = qn_attr_text(s->data, NULL, "disorder_parameters");
    *alike = disorder && !*disorder;
    s->group = calloc(s->n_points + 1, sizeof *s->group);
    if (!s->group)
        return no_memory();
    for (size_t p = 0; p < s->n_points; p++) {
        qn_buffer key = {0};
        qn_buffer_add(&key, "%s", "");
        if (*alike)
            qn_buffer_add(&key, "%zu", p);
        for (const char *a = disorder; a && *a; a += strcspn(a, " "), a += *a == ' ') {
            char name[96], value[128];
            size_t place;
            snprintf(name, sizeof name, "%.*s", (int)strcspn(a, " "), a);
            const qn_var *v = qn_dataset_find(s->data, name);
            if (!v || !qn_selection_place(axes, v, p, &place))
                continue;
            qn_cell_text(v, place, 17, value, sizeof value);
            qn_buffer_add(&key, "%s=%s\n", name, value);
        }
        if (key.failed) {
            qn_buffer_free(&key);
            return no_memory();
        }
        s->group[p] = qn_hash_bytes(key.text, key.n).w[0];
        qn_buffer_free(&key);
    }
    return 0;
}

/* ---- units ------------------------------------------------------------------------------------------------------------ */

/* How many units each point has, and room for them. */
static int lay_out(reading *r)
{
    qn_sampled *s = r->s;
    size_t total = 0, rows = 0;
    double short_by;
    s->units = calloc(s->n_points + 1, sizeof *s->units);
    s->first = calloc(s->n_points + 1, sizeof *s->first);
    s->whole = calloc(s->n_points + 1, sizeof *s->whole);
    if (!s->units || !s->first || !s->whole)
        return no_memory();
    for (size_t p = 0; p < s->n_points; p++) {
        s->units[p] = s->from_blocks ? blocks_of(r, p, 0, r->replicas, 0, NULL, NULL, &short_by) : r->replicas;
        s->first[p] = rows;
        rows += s->units[p];
        total += s->units[p] * s->width * s->n_vars;
    }
    s->unit = malloc((total + 1) * sizeof *s->unit);
    s->weight = malloc((rows + 1) * sizeof *s->weight);
    s->centre = malloc((s->n_cells * s->n_vars + 1) * sizeof *s->centre);
    s->stretch = malloc((s->n_cells + 1) * sizeof *s->stretch);
    return s->unit && s->weight && s->centre && s->stretch ? 0 : no_memory();
}

static double *units_at(const qn_sampled *s, size_t point, size_t place)
{
    return s->unit + (s->first[point] * s->width + place * s->units[point]) * s->n_vars;
}

/* Replica by replica: means of the quantities, or the value of the expression inside each. */
static int fill_replicas(const reading *r, size_t point)
{
    const qn_sampled *s = r->s;
    size_t n = r->replicas;
    int err = 0;
    for (size_t k = 0; k < n; k++) {
        size_t count = measured(r, point, k);
        s->weight[s->first[point] + k] = r->alike && r->measurements ? (double)count : 1;
    }
    if (!r->per_replica) {
        for (size_t e = 0; e < s->width; e++)
            for (size_t i = 0; i < r->n; i++)
                for (size_t k = 0; k < n; k++)
                    units_at(s, point, e)[i * n + k] = replica_mean(r, &r->col[i], point, k, e);
        return 0;
    }
    double *block = malloc((r->bins * (r->n + 1) + 1) * sizeof *block), *weight = block + r->bins * r->n, short_by;
    if (!block)
        return no_memory();
    for (size_t k = 0; k < n && !err; k++) { /* derived quantities are scalars */
        size_t blocks = blocks_of(r, point, k, k + 1, r->bins, block, weight, &short_by);
        units_at(s, point, 0)[k] = NAN;
        if (blocks > 1)
            err = jackknifed(s, point, r->n, blocks, block, r->bins, weight, &units_at(s, point, 0)[k]);
    }
    free(block);
    return err;
}

static int by_size(const void *a, const void *b, void *of)
{
    double x = ((const double *)of)[*(const uint32_t *)a], y = ((const double *)of)[*(const uint32_t *)b];
    return isnan(x) ? !isnan(y) : isnan(y) ? -1 : x < y ? -1 : x > y;
}

static int sort_units(qn_sampled *s)
{
    size_t total = 0;
    for (size_t p = 0; p < s->n_points; p++)
        total += s->units[p] * s->width;
    s->order = malloc((total + 1) * sizeof *s->order);
    if (!s->order)
        return no_memory();
    for (size_t c = 0; c < s->n_cells; c++) {
        size_t p = c / s->width, n = s->units[p];
        uint32_t *order = s->order + s->first[p] * s->width + c % s->width * n;
        for (size_t j = 0; j < n; j++)
            order[j] = (uint32_t)j;
        qsort_r(order, n, sizeof *order, by_size, units_at(s, p, c % s->width));
    }
    return 0;
}

static int take_logarithms(qn_sampled *s)
{
    for (size_t c = 0; c < s->n_cells; c++) {
        double *u = units_at(s, c / s->width, c % s->width);
        for (size_t j = 0; j < s->units[c / s->width]; j++) {
            if (u[j] <= 0)
                return qn_fail(QN_ERR_INPUT, "%s has the value %g: a geometric mean is of positive numbers; --statistic median takes any", s->name, u[j]);
            u[j] = log(u[j]); /* NaN and inf stay */
        }
    }
    return 0;
}

/* Weighted means, what a resample's deviations are multiplied with, and the estimates that the file does not hold. */
static int find_estimates(reading *r)
{
    qn_sampled *s = r->s;
    int err = 0;
    for (size_t c = 0; c < s->n_cells && !err; c++) {
        size_t p = c / s->width, n = s->units[p], there = 0;
        const double *u = units_at(s, p, c % s->width), *w = s->weight + s->first[p];
        double total = 0, *centre = s->centre + c * s->n_vars;
        for (size_t i = 0; i < s->n_vars; i++)
            centre[i] = 0;
        for (size_t j = 0; j < n; j++) {
            bool whole = true;
            for (size_t i = 0; i < s->n_vars; i++)
                whole &= isfinite(u[i * n + j]) != 0;
            if (!whole || !(w[j] > 0)) {
                s->whole[p] = false;
                continue;
            }
            there++;
            total += w[j];
            for (size_t i = 0; i < s->n_vars; i++)
                centre[i] += w[j] * u[i * n + j];
        }
        for (size_t i = 0; i < s->n_vars; i++)
            centre[i] /= total; /* NaN where there is nothing */
        double short_by = 1;
        if (s->from_blocks)
            blocks_of(r, p, 0, r->replicas, 0, NULL, NULL, &short_by);
        /* units - 1 are drawn of which there/units count: variance of a mean (there - 1)/there units/(units - 1) of what it should be */
        s->stretch[c] = there > 1 ? sqrt((double)there * (double)(n - 1) / ((double)n * (double)(there - 1)) / short_by) : NAN;
        if (s->statistic == QN_MEAN && s->var)
            s->value[c] = qn_var_number(s->var, c);
        else if (s->expression)
            err = jackknifed(s, p, s->n_vars, n, u, n, w, &s->value[c]);
        else
            s->value[c] = qn_sampled_plain(s, c);
    }
    return err;
}

static int take_units(reading *r)
{
    qn_sampled *s = r->s;
    int err = lay_out(r);
    for (size_t p = 0; p < s->n_points && !err; p++) {
        double short_by;
        s->whole[p] = true;
        if (s->from_blocks)
            blocks_of(r, p, 0, r->replicas, s->units[p], units_at(s, p, 0), s->weight + s->first[p], &short_by);
        else
            err = fill_replicas(r, p);
    }
    if (!err && s->statistic == QN_GEOMETRIC)
        err = take_logarithms(s);
    if (!err && s->statistic == QN_MEDIAN)
        err = sort_units(s);
    return err ? err : find_estimates(r);
}

/* ---- without units ------------------------------------------------------------------------------------------------------ */

static int take_numbers(qn_sampled *s, const qn_dataset *samples)
{
    const qn_var *err = qn_beside(s->data, s->var, "_err"), *dof = qn_beside(s->data, s->var, "_dof");
    const qn_var *stored = samples ? qn_dataset_find(samples, s->name) : NULL;
    if (stored && stored->type == QN_F64 && stored->rank == s->var->rank + 1 && s->n_cells && stored->size % s->n_cells == 0 && !strcmp(stored->dims[stored->rank - 1], "resample")) {
        s->stored = stored->f64;
        s->n_stored = stored->size / s->n_cells;
    }
    s->err = malloc((s->n_cells + 1) * sizeof *s->err);
    s->dof = malloc((s->n_cells + 1) * sizeof *s->dof);
    if (!s->err || !s->dof)
        return no_memory();
    for (size_t c = 0; c < s->n_cells; c++) {
        s->value[c] = qn_var_number(s->var, c);
        s->err[c] = err && err->size == s->var->size ? qn_var_number(err, c) : NAN;
        s->dof[c] = dof && dof->size == s->var->size ? qn_var_number(dof, c) : HUGE_VAL;
    }
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------ */

static int take_columns(reading *r, const qn_dataset *samples)
{
    qn_sampled *s = r->s;
    if (!s->expression) {
        r->n = 1;
        return find_column(r, samples, s->var, &r->col[0]);
    }
    int err = 0;
    for (size_t i = 0; i < s->n_names && !err; i++) {
        const qn_var *v = qn_dataset_find(s->data, qn_expr_name(s->expression, i));
        if (v && !has_samples(s->data, v) && qn_is_observable(s->data, v))
            return qn_fail(QN_ERR_INPUT, "%s has no samples of its own; write out what it is made of", v->name);
        if (!has_samples(s->data, v))
            continue;
        if (v->size != s->n_points)
            return qn_fail(QN_ERR_INPUT, "%s has dimensions of its own; only numbers without can stand in an expression", v->name);
        s->slot[r->n] = i;
        err = find_column(r, samples, v, &r->col[r->n++]);
    }
    if (!err && !r->n)
        err = qn_fail(QN_ERR_INPUT, "\"%s\" has no observable with samples in it", s->name);
    return err;
}

static int too_few(const reading *r, bool series)
{
    return qn_fail(QN_ERR_INPUT, series ? "%s has %zu replica%s and %zu bin%s at a point: too few to resample; run more replicas, or %d bins and more (`bins:` under sampling)"
                                        : "%s has %zu replica%s at a point: too few to resample; run more replicas",
                   r->s->name, r->replicas, r->replicas == 1 ? "" : "s", r->bins, r->bins == 1 ? "" : "s", LEAST_BLOCKS);
}

static int take_samples(qn_sampled *s, const qn_dataset *samples, const qn_selection *axes)
{
    reading r = {.s = s};
    const qn_dim *replica = qn_dataset_find_dim(samples, "replica");
    const qn_var *count = qn_dataset_find(samples, "measurements");
    r.replicas = replica ? replica->n : 1;
    r.measurements = count && count->type == QN_I64 && count->size == s->n_points * r.replicas ? count->i64 : NULL;
    int err = take_columns(&r, samples);
    if (!err && s->expression)
        err = take_constants(s, axes);
    if (!err)
        err = find_groups(s, axes, &r.alike);
    if (err)
        return err;
    bool series = true;
    for (size_t i = 0; i < r.n; i++)
        series &= r.col[i].series;
    s->from_blocks = series && r.replicas < (r.alike ? QN_MIN_REPLICAS : 2);
    const char *average = s->var && s->expression ? qn_attr_text(s->data, s->var, "average") : NULL;
    r.per_replica = average && !strncmp(average, "over replicas", strlen("over replicas")) && !s->from_blocks;
    s->n_vars = r.per_replica ? 1 : r.n;
    if (s->statistic != QN_MEAN && s->expression)
        return qn_fail(QN_ERR_INPUT, "%s is an expression of means; --statistic is for numbers that each run has", s->name);
    if (s->statistic != QN_MEAN && s->from_blocks)
        return too_few(&r, series);
    if (s->from_blocks ? r.bins * r.replicas < LEAST_BLOCKS : r.replicas < 2)
        return too_few(&r, series);
    err = take_units(&r);
    if (!err && r.per_replica) { /* the units are values of the expression already */
        qn_expr_free(s->expression);
        s->expression = NULL;
    }
    if (!err && s->from_blocks && !r.alike) /* one disorder: its blocks have nothing to do with those of another point */
        for (size_t p = 0; p < s->n_points; p++)
            s->group[p] = qn_hash_bytes(&p, sizeof p).w[0];
    return err;
}

int qn_sampled_init(qn_sampled *s, const qn_dataset *d, const char *observable, qn_statistic statistic)
{
    qn_selection axes;
    *s = (qn_sampled){.data = d, .name = observable, .statistic = statistic, .width = 1};
    int err = find(d, observable, &s->var, &s->expression);
    if (err)
        return err;
    if (s->expression && (s->n_names = qn_expr_names(s->expression)) > QN_SAMPLED_NAMES)
        return qn_fail(QN_ERR_INPUT, "\"%s\" has more than %d names", observable, QN_SAMPLED_NAMES);
    if ((err = qn_select(d, NULL, 0, &axes)))
        return err;
    s->n_points = qn_selection_rows(&axes);
    bool over_axes = s->var && s->n_points && s->var->rank >= axes.n;
    for (size_t r = 0; over_axes && r < axes.n; r++)
        over_axes = !strcmp(s->var->dims[r], axes.range[r].name);
    if (over_axes)
        s->width = s->var->size / s->n_points;
    else if (s->var)
        err = qn_fail(QN_ERR_INPUT, "%s does not lie over the axes of the file", observable);
    s->n_cells = s->n_points * s->width;
    s->binary = s->var && is_kind(d, s->var, "outcome") && qn_beside(d, s->var, "_lo") && qn_beside(d, s->var, "_hi");
    s->value = malloc((s->n_cells + 1) * sizeof *s->value);
    if (!err && !s->value)
        err = no_memory();
    const qn_dataset *samples = qn_dataset_find_group(d, "samples");
    bool sampled = samples && qn_dataset_find_dim(samples, "replica") && (s->expression || has_samples(d, s->var));
    if (!err && sampled)
        err = take_samples(s, samples, &axes);
    else if (!err && (!s->var || statistic != QN_MEAN))
        err = qn_fail(QN_ERR_INPUT, "the file has no samples of %s, from which %s could be made", observable, s->var ? "another statistic" : "it");
    else if (!err)
        err = take_numbers(s, samples);
    qn_selection_free(&axes);
    return err;
}

void qn_sampled_free(qn_sampled *s)
{
    free(s->value);
    free(s->units);
    free(s->first);
    free(s->unit);
    free(s->weight);
    free(s->centre);
    free(s->stretch);
    free(s->order);
    free(s->whole);
    free(s->group);
    free(s->err);
    free(s->dof);
    free(s->constant);
    qn_expr_free(s->expression);
    memset(s, 0, sizeof *s);
}

/* ---- numbers of a cell ------------------------------------------------------------------------------------------------------ */

void qn_sampled_runs(const qn_sampled *s, size_t cell, size_t *runs, size_t *unfinished)
{
    *runs = *unfinished = 0;
    if (!s->n_vars || s->from_blocks)
        return;
    size_t p = cell / s->width, n = s->units[p];
    const double *u = units_at(s, p, cell % s->width);
    for (size_t j = 0; j < n; j++) {
        *runs += isnan(u[j]) ? 0 : 1;
        *unfinished += isinf(u[j]) != 0;
    }
}

double qn_sampled_dof(const qn_sampled *s, size_t cell)
{
    if (!s->n_vars)
        return s->dof[cell];
    size_t p = cell / s->width, n = s->units[p], there = 0;
    const double *u = units_at(s, p, cell % s->width);
    for (size_t j = 0; j < n; j++)
        there += isfinite(u[j]) || (s->statistic == QN_MEDIAN && isinf(u[j]));
    return there ? (double)there - 1 : 0;
}

/* The middle of the units, each `times` times; two middles are averaged. */
static double median_at(const qn_sampled *s, size_t cell, const double *times)
{
    size_t p = cell / s->width, n = s->units[p];
    const double *u = units_at(s, p, cell % s->width);
    const uint32_t *order = s->order + s->first[p] * s->width + cell % s->width * n;
    double total = 0, sum = 0, low = NAN;
    for (size_t j = 0; j < n; j++)
        total += isnan(u[j]) ? 0 : times ? times[j] : 1;
    for (size_t k = 0; k < n; k++) {
        double x = u[order[k]];
        sum += isnan(x) ? 0 : times ? times[order[k]] : 1;
        if (isnan(low) && 2 * sum >= total && total > 0) {
            if (2 * sum > total)
                return x;
            low = x;
        } else if (!isnan(low) && 2 * sum > total) {
            return 0.5 * (low + x);
        }
    }
    return low;
}

double qn_sampled_plain(const qn_sampled *s, size_t cell)
{
    if (s->statistic == QN_MEDIAN)
        return median_at(s, cell, NULL);
    double mean[QN_SAMPLED_NAMES];
    context c = {s, cell / s->width};
    memcpy(mean, s->centre + cell * s->n_vars, s->n_vars * sizeof *mean);
    double x = evaluate(s->n_vars, mean, &c);
    return s->statistic == QN_GEOMETRIC ? exp(x) : x;
}

/* Weighted sums over the units that are whole; returns the sum of the weights. */
static double sums(size_t nv, size_t n, const double *u, const double *w, const double *times, double *sum)
{
    double total = 0;
    for (size_t j = 0; j < n; j++) {
        double t = times[j] * w[j];
        bool there = t > 0;
        for (size_t i = 0; i < nv; i++)
            there &= isfinite(u[i * n + j]) != 0;
        if (!there)
            continue;
        total += t;
        for (size_t i = 0; i < nv; i++)
            sum[i] += t * u[i * n + j];
    }
    return total;
}

/* The same where all are: most of the time of a bootstrap. */
static double whole_sums(size_t nv, size_t n, const double *u, const double *w, const double *times, double *sum)
{
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t j = 0; j < n; j++)
        total += times[j] * w[j];
    for (size_t i = 0; i < nv; i++) {
        const double *x = u + i * n;
        double t = 0;
#pragma omp simd reduction(+ : t)
        for (size_t j = 0; j < n; j++)
            t += times[j] * w[j] * x[j];
        sum[i] = t;
    }
    return total;
}

double qn_sampled_at(const qn_sampled *s, size_t cell, const double *times)
{
    if (s->statistic == QN_MEDIAN)
        return median_at(s, cell, times);
    size_t p = cell / s->width, n = s->units[p], nv = s->n_vars;
    const double *u = units_at(s, p, cell % s->width), *w = s->weight + s->first[p], *centre = s->centre + cell * nv;
    double mean[QN_SAMPLED_NAMES] = {0}, total = (s->whole[p] ? whole_sums : sums)(nv, n, u, w, times, mean);
    for (size_t i = 0; i < nv; i++) {
        mean[i] /= total; /* NaN when nothing was drawn */
        mean[i] = centre[i] + s->stretch[cell] * (mean[i] - centre[i]);
    }
    context c = {s, p};
    double x = evaluate(nv, mean, &c);
    return s->statistic == QN_GEOMETRIC ? exp(x) : x;
}
