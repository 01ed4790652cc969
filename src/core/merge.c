/* merge.c -- see merge.h.  The numbers of a result depend on the rows alone: not on which file they came from, nor on order. */
#include "merge.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"
#include "merging.h"
#include "stats.h"
#include "text.h"

#define Z95 1.959963984540054 /* two-sided 95 % of a normal, for Wilson intervals */

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static int gather(qn_merging *m, size_t *missing)
{
    size_t n = m->p->n_rows, width = m->l->row;
    m->rows = malloc((n * width + 1) * sizeof *m->rows);
    m->head = calloc(n + 1, sizeof *m->head);
    if (!m->rows || !m->head)
        return qn_fail(QN_ERR_NOMEM, "out of memory for %zu rows", n);
    *missing = m->p->wanted - m->p->done;
    for (size_t t = 0; t < n; t++) {
        const qn_place *at = &m->p->row[t];
        if (at->source == QN_NOWHERE) {
            for (size_t k = 0; k < width; k++)
                m->rows[t * width + k] = NAN;
            continue;
        }
        int err = qn_source_row(&m->p->source[at->source], at->row, m->l, &m->head[t], m->rows + t * width);
        if (err)
            return err;
    }
    return 0;
}

/* Names (axes..., replica, more...) for the variables of /samples. */
static size_t sample_dims(const qn_merging *m, size_t rank, const char *const *more, const char **out)
{
    size_t n = 0;
    for (size_t a = 0; a < m->n_axes; a++)
        out[n++] = m->axes[a];
    out[n++] = "replica";
    for (size_t d = 0; d < rank; d++)
        out[n++] = more[d];
    return n;
}

static int describe(qn_dataset *d, qn_var *v, const char *unit, const char *meaning, const char *symbol)
{
    int err = qn_attr_str(d, v, "units", unit ? unit : "1");
    if (!err && meaning)
        err = qn_attr_str(d, v, "long_name", meaning);
    if (!err && symbol)
        err = qn_attr_str(d, v, "symbol", symbol);
    return err;
}

static int write_samples(qn_merging *m)
{
    const char *dims[QN_MAX_RANK], *const word[] = {"word"};
    int err = qn_dataset_dim(m->samples, "replica", m->replicas);
    if (!err)
        err = qn_dataset_dim(m->samples, "word", 2);
    for (size_t c = 0; c < m->l->n_columns && !err; c++) {
        const qn_column *col = &m->l->column[c];
        for (size_t d = 0; d < col->rank && !err; d++)
            if (!qn_dataset_find_dim(m->samples, col->dim[d]))
                err = qn_dataset_dim(m->samples, col->dim[d], col->shape[d]);
        qn_var *v;
        if (!err)
            err = qn_dataset_var(m->samples, col->name, QN_F64, sample_dims(m, col->rank, col->dim, dims), dims, &v);
        for (size_t t = 0; t < m->p->n_rows && !err; t++)
            memcpy(v->f64 + t * col->n, qn_merging_cell(m, col, t, 0), col->n * sizeof(double));
        const qn_observable *o = &m->l->obs[col->obs];
        if (!err && o->kind == QN_ARTIFACT) /* nothing at the root describes it */
            err = describe(m->samples, v, o->unit, o->meaning, o->symbol);
    }
    qn_var *key = NULL, *chain = NULL, *count = NULL, *steps = NULL, *digest = NULL;
    size_t rank = sample_dims(m, 1, word, dims);
    if (!err)
        err = qn_dataset_var(m->samples, "key", QN_I64, rank, dims, &key);
    if (!err)
        err = qn_dataset_var(m->samples, "chain", QN_I64, rank, dims, &chain);
    if (!err)
        err = qn_dataset_var(m->samples, "measurements", QN_I64, rank - 1, dims, &count);
    if (!err)
        err = qn_dataset_var(m->samples, "steps", QN_I64, rank - 1, dims, &steps);
    if (!err)
        err = qn_dataset_var(m->samples, "digest", QN_I64, rank - 1, dims, &digest);
    for (size_t t = 0; t < m->p->n_rows && !err; t++) {
        if (m->p->row[t].source == QN_NOWHERE) /* zeros: nobody's key */
            continue;
        for (size_t w = 0; w < 2; w++) {
            key->i64[2 * t + w] = (int64_t)m->p->row[t].keys.task.w[w];
            chain->i64[2 * t + w] = (int64_t)m->p->row[t].keys.chain.w[w];
        }
        count->i64[t] = m->head[t].measurements;
        steps->i64[t] = m->head[t].steps;
        digest->i64[t] = m->head[t].digest;
    }
    return err;
}

/* ---- head: attributes, axes ---------------------------------------------------------------------------------------- */


/* An axis as a coordinate; of a list of points, a parameter along the list. */
static int write_axis(qn_dataset *d, const qn_sweep *s, const qn_axis *a)
{
    const qn_param *p = &s->schema.item[a->param];
    qn_dtype type = p->type == QN_INT ? QN_I64 : p->type == QN_REAL ? QN_F64 : p->type == QN_BOOL ? QN_I8 : QN_STR;
    const char *along = s->list ? QN_DIM_POINT : p->name;
    qn_var *v;
    int err = qn_dataset_dim(d, along, a->n);
    if (!err)
        err = qn_dataset_var(d, p->name, type, 1, &along, &v);
    if (!err && s->list)
        err = qn_attr_str(d, v, "kind", "coordinate");
    for (size_t i = 0; i < a->n && !err; i++) {
        const qn_value *x = &a->value[i];
        if (type == QN_I64) {
            v->i64[i] = x->i;
        } else if (type == QN_F64) {
            v->f64[i] = x->r;
        } else if (type == QN_I8) {
            v->i8[i] = (int8_t)x->i;
        } else {
            char *text = qn_value_text(p, x);
            err = text ? qn_var_set_str(v, i, text) : qn_fail(QN_ERR_NOMEM, "out of memory");
            free(text);
        }
    }
    if (!err)
        err = describe(d, v, p->unit, p->meaning, p->symbol);
    if (!err && a->log)
        err = qn_attr_str(d, v, "scale", "log");
    return err;
}

int qn_result_head(qn_dataset *d, const qn_sweep *s)
{
    int err = qn_identity_write(d, s, "quench-1");
    for (size_t i = 0; i < s->schema.n && !err; i++) { /* every fixed value, defaults included: a figure needs no other file */
        bool swept = false;
        for (size_t a = 0; a < s->n_axes; a++)
            swept |= s->axis[a].param == i;
        if (swept || !s->fixed.v[i].set)
            continue;
        char name[96], *text = qn_value_text(&s->schema.item[i], &s->fixed.v[i]);
        snprintf(name, sizeof name, "parameter:%s", s->schema.item[i].name);
        err = text ? qn_attr_str(d, NULL, name, text) : qn_fail(QN_ERR_NOMEM, "out of memory");
        free(text);
    }
    qn_buffer names = {0}, disorder = {0};
    qn_buffer_add(&names, "%s", "");
    qn_buffer_add(&disorder, "%s", "");
    for (size_t a = 0; a < s->n_axes && !err; a++) {
        qn_buffer_add(&names, "%s%s", a ? " " : "", s->schema.item[s->axis[a].param].name);
        err = write_axis(d, s, &s->axis[a]);
    }
    for (size_t i = 0; i < s->schema.n; i++) /* points that agree in all of these share their disorder, replica by replica */
        if (s->schema.item[i].flags & QN_DISORDER)
            qn_buffer_add(&disorder, "%s%s", disorder.n ? " " : "", s->schema.item[i].name);
    if (!err)
        err = names.failed || disorder.failed ? qn_fail(QN_ERR_NOMEM, "out of memory") : qn_attr_str(d, NULL, "axes", s->list ? QN_DIM_POINT : names.text);
    if (!err && s->list)
        err = qn_attr_str(d, NULL, "swept", names.text);
    if (!err)
        err = qn_attr_str(d, NULL, "disorder_parameters", disorder.text);
    qn_buffer_free(&names);
    qn_buffer_free(&disorder);
    return err;
}

/* ---- observables ----------------------------------------------------------------------------------------------------- */

int qn_merging_variables(qn_merging *m, const char *name, const char *kind, const char *unit, const char *meaning, const char *symbol,
                          size_t rank, const char *const *own, size_t n, const char *const *suffix, const qn_dtype *type, qn_columns *out)
{
    const char *dims[QN_MAX_RANK];
    size_t all = 0;
    for (size_t a = 0; a < m->n_axes; a++)
        dims[all++] = m->axes[a];
    for (size_t d = 0; d < rank; d++)
        dims[all++] = own[d];
    qn_buffer beside = {0};
    int err = 0;
    for (size_t i = 0; i < n && !err; i++) {
        char full[96];
        snprintf(full, sizeof full, "%s%s", name, suffix[i]);
        err = qn_dataset_var(m->root, full, type[i], all, dims, &out->var[i]);
        if (i)
            qn_buffer_add(&beside, "%s%s", i > 1 ? " " : "", full);
    }
    if (!err)
        err = describe(m->root, out->var[0], unit, meaning, symbol);
    if (!err)
        err = qn_attr_str(m->root, out->var[0], "kind", kind);
    if (!err && n > 1)
        err = beside.failed ? qn_fail(QN_ERR_NOMEM, "out of memory") : qn_attr_str(m->root, out->var[0], "ancillary_variables", beside.text);
    qn_buffer_free(&beside);
    static const struct {
        const char *suffix, *meaning;
        bool own_unit;
    } words[] = {{"_err", "standard error", true}, {"_dof", "degrees of freedom of the standard error", false}, {"_tau", "integrated autocorrelation time", false},
                 {"_neff", "effective number of samples", false}, {"_eq", "equilibrated: long enough for tau and no drift", false},
                 {"_lo", "lower end of the 95 % Wilson interval", true}, {"_hi", "upper end of the 95 % Wilson interval", true},
                 {"_count", "replicas that count here", false}};
    for (size_t i = 1; i < n && !err; i++)
        for (size_t w = 0; w < sizeof words / sizeof *words && !err; w++)
            if (!strcmp(suffix[i], words[w].suffix))
                err = describe(m->root, out->var[i], words[w].own_unit ? unit : !strcmp(suffix[i], "_tau") ? "steps" : "1", words[w].meaning, NULL);
    if (!err && n > 5 && !strcmp(suffix[5], "_eq"))
        err = qn_attr_str(m->root, out->var[5], "flag_meanings", "no yes");
    return err;
}

static double nan_if(bool absent, double x)
{
    return absent ? NAN : x;
}

static int merge_series(qn_merging *m, size_t obs)
{
    static const char *const suffix[] = {"", "_err", "_dof", "_tau", "_neff", "_eq"};
    static const qn_dtype type[] = {QN_F64, QN_F64, QN_F64, QN_F64, QN_F64, QN_I8};
    const qn_observable *o = &m->l->obs[obs];
    const qn_column *c = qn_layout_column(m->l, o->name);
    size_t width = m->l->width[obs], bins = (size_t)m->s->sampling.bins, replicas = m->replicas;
    qn_columns v;
    int err = qn_merging_variables(m, o->name, "series", o->unit, o->meaning, o->symbol, c->rank - 1, c->dim, 6, suffix, type, &v);
    qn_series_stat *stat = malloc(replicas * sizeof *stat);
    int64_t *n = malloc(replicas * sizeof *n);
    double *flat = malloc(replicas * bins * sizeof *flat);
    if (!stat || !n || !flat)
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    const bool growing = m->s->sampling.points_per_decade; /* a logarithmic grid follows a relaxation: no stationary average, no tau in steps */
    bool from_replicas = false;
    for (size_t k = 0; k < m->points * width && !err; k++) {
        size_t point = k / width, e = k % width;
        for (size_t r = 0; r < replicas; r++) {
            size_t task = point * replicas + r;
            size_t count = (size_t)m->head[task].measurements;
            const double *bin = qn_merging_cell(m, c, task, e * bins);
            double sum = 0;
            for (size_t b = 0; b < bins; b++) {
                size_t size = count < bins ? b < count : qn_bin_start(count, bins, b + 1) - qn_bin_start(count, bins, b);
                flat[r * bins + b] = bin[b];
                if (size)
                    sum += (double)size * bin[b];
            }
            n[r] = (int64_t)count;
            stat[r] = (qn_series_stat){.mean = nan_if(!count, sum / (double)count), .tau = *qn_merging_cell(m, c + 1, task, e), .tau_err = *qn_merging_cell(m, c + 2, task, e)};
            stat[r].neff = (double)count / (2 * stat[r].tau);
            for (size_t h = 0; h < 2; h++) {
                stat[r].half[h] = *qn_merging_cell(m, c + 3, task, 2 * e + h);
                stat[r].half_err[h] = *qn_merging_cell(m, c + 4, task, 2 * e + h);
            }
        }
        qn_estimate est;
        qn_estimate_series(replicas, stat, n, bins, flat, m->alike, &est);
        from_replicas |= est.from_replicas;
        bool absent = est.replicas == 0;
        v.var[0]->f64[k] = nan_if(absent, est.mean);
        v.var[1]->f64[k] = nan_if(absent, est.err);
        v.var[2]->f64[k] = nan_if(absent, est.dof);
        v.var[3]->f64[k] = nan_if(absent || growing, est.tau * (double)m->s->sampling.interval);
        v.var[4]->f64[k] = nan_if(absent || growing, est.neff);
        v.var[5]->i8[k] = absent || growing ? 0 : est.eq;
    }
    free(stat);
    free(n);
    free(flat);
    return err ? err : qn_attr_str(m->root, v.var[0], "error_from", from_replicas ? "spread between replicas" : "binning");
}

/* Outcomes and curves: one number a replica at each place. `at_time` picks a slice of a time curve (NAME_end), or SIZE_MAX. */
static int merge_values(qn_merging *m, size_t obs, bool end_of_curve)
{
    const qn_observable *o = &m->l->obs[obs];
    const qn_column *c = qn_layout_column(m->l, o->name);
    bool curve = o->kind == QN_CURVE && !end_of_curve, binary = o->flags & QN_BINARY, own = o->flags & QN_OWN_ERROR;
    const char *suffix[5] = {"", "_err", "_count"};
    qn_dtype type[5] = {QN_F64, QN_F64, QN_I64, QN_F64, QN_F64};
    size_t n_suffix = 3;
    if (binary) {
        suffix[n_suffix++] = "_lo";
        suffix[n_suffix++] = "_hi";
    }
    char name[96], *meaning = qn_format("%s%s", o->meaning, end_of_curve ? ", at the end" : "");
    snprintf(name, sizeof name, "%s%s", o->name, end_of_curve ? "_end" : "");
    size_t skip = end_of_curve ? 1 : 0, width = end_of_curve ? c->n / c->shape[0] : c->n, first = end_of_curve ? c->n - width : 0;
    qn_columns v;
    int err = meaning ? qn_merging_variables(m, name, curve ? "curve" : "outcome", o->unit, meaning, o->symbol, c->rank - skip, c->dim + skip,
                                       n_suffix, suffix, type, &v)
                      : qn_fail(QN_ERR_NOMEM, "out of memory");
    free(meaning);
    double *x = malloc(m->replicas * sizeof *x);
    if (!x)
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k < m->points * width && !err; k++) {
        size_t point = k / width, e = first + k % width;
        double ones = 0;
        for (size_t r = 0; r < m->replicas; r++) {
            x[r] = *qn_merging_cell(m, c, point * m->replicas + r, e);
            ones += isfinite(x[r]) ? x[r] : 0;
        }
        qn_estimate est;
        qn_estimate_values(m->replicas, x, &est);
        v.var[0]->f64[k] = nan_if(!est.replicas, est.mean);
        v.var[1]->f64[k] = own && m->replicas == 1 ? *qn_merging_cell(m, c + 1, point, e) : nan_if(est.replicas < 2, est.err);
        v.var[2]->i64[k] = (int64_t)est.replicas;
        if (binary && est.replicas)
            qn_wilson(ones, (double)est.replicas, Z95, &v.var[n_suffix - 2]->f64[k], &v.var[n_suffix - 1]->f64[k]);
    }
    free(x);
    return err;
}

/* What was realised instead of what was asked: an auxiliary coordinate, from the first replica that is there. */
static int merge_position(qn_merging *m, size_t obs)
{
    const qn_observable *o = &m->l->obs[obs];
    const qn_column *c = qn_layout_column(m->l, o->name);
    qn_var *v;
    int err = qn_dataset_var(m->root, o->name, QN_F64, m->n_axes, m->axes, &v);
    for (size_t p = 0; p < m->points && !err; p++)
        for (size_t r = 0; r < m->replicas && isnan(v->f64[p]); r++)
            v->f64[p] = *qn_merging_cell(m, c, p * m->replicas + r, 0);
    if (!err)
        err = qn_attr_str(m->root, v, "kind", "coordinate");
    return err ? err : describe(m->root, v, o->unit, o->meaning, o->symbol);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

/* Coordinates of the observables' dimensions; one that differs between points is an auxiliary variable over (axes, dim). */
static int write_extents(qn_merging *m)
{
    int err = 0;
    for (size_t i = 0; i < m->l->n_extents && !err; i++) {
        const qn_extent *e = &m->l->extent[i];
        const char *dims[QN_MAX_RANK];
        qn_var *v;
        if (!e->n)
            continue;
        err = qn_dataset_dim(m->root, e->name, e->n);
        if (err)
            break;
        if (e->value) {
            err = qn_dataset_var(m->root, e->name, QN_F64, 1, &e->name, &v);
            if (!err)
                memcpy(v->f64, e->value, e->n * sizeof *e->value);
            if (!err && !strcmp(e->name, QN_DIM_TIME))
                err = describe(m->root, v, "steps", "steps since the end of thermalization", "t");
            continue;
        }
        char name[96];
        size_t rank = 0;
        snprintf(name, sizeof name, "%s_value", e->name);
        for (size_t a = 0; a < m->n_axes; a++)
            dims[rank++] = m->axes[a];
        dims[rank++] = e->name;
        err = qn_dataset_var(m->root, name, QN_F64, rank, dims, &v);
        if (!err)
            memcpy(v->f64, e->at, m->points * e->n * sizeof *e->at);
        if (!err)
            err = qn_attr_str(m->root, v, "kind", "coordinate");
    }
    return err;
}

/* How many replicas of every point the sweep came to want. */
static int write_wanted(qn_merging *m)
{
    qn_var *v;
    int err = qn_dataset_var(m->root, QN_VAR_REPLICAS, QN_I64, m->n_axes, m->axes, &v);
    for (size_t p = 0; p < m->points && !err; p++)
        v->i64[p] = m->s->wanted[qn_sweep_chain_of(m->s, p)];
    if (!err)
        err = qn_attr_str(m->root, v, "kind", "coordinate");
    return err ? err : describe(m->root, v, "1", "replicas of this point", NULL);
}

/* Names the auxiliary coordinates of every observable in its `coordinates` attribute. */
static int name_coordinates(qn_merging *m)
{
    int err = 0;
    for (size_t i = 0; i < m->root->n_vars && !err; i++) {
        qn_var *v = m->root->vars[i];
        const char *kind = qn_attr_text(m->root, v, "kind");
        qn_buffer names = {0};
        for (size_t k = 0; kind && strcmp(kind, "coordinate") && k < m->root->n_vars; k++) {
            const qn_var *c = m->root->vars[k];
            const char *its = qn_attr_text(m->root, c, "kind");
            bool fits = its && !strcmp(its, "coordinate") && c->rank <= v->rank;
            for (size_t d = 0; fits && d < c->rank; d++)
                fits = c->dims[d] == v->dims[d] || !strcmp(c->dims[d], v->dims[d]);
            if (fits)
                qn_buffer_add(&names, "%s%s", names.n ? " " : "", c->name);
        }
        if (names.n)
            err = names.failed ? qn_fail(QN_ERR_NOMEM, "out of memory") : qn_attr_str(m->root, v, "coordinates", names.text);
        qn_buffer_free(&names);
    }
    return err;
}

static int keep_checkpoints(qn_merging *m)
{
    int err = 0;
    for (size_t t = 0; m->s->sampling.checkpoint && t < m->p->n_tasks && !err; t++) {
        const qn_task *at = &m->p->task[t];
        qn_group g;
        if (at->checkpoint == QN_NOWHERE || !at->done)
            continue;
        err = qn_source_checkpoint(&m->p->source[at->checkpoint], at->checkpoint_index, &g);
        if (!err) {
            err = qn_checkpoint_put(m->root, &(qn_checkpoint_head){.chain = at->key, .step = at->checkpoint_step}, &g);
            qn_group_clear(&g);
        }
    }
    return err;
}

static int merge_observables(qn_merging *m)
{
    const qn_model *model = m->s->model;
    int err = 0;
    for (size_t i = 0; i < m->l->n_obs && !err; i++) {
        const qn_observable *o = &m->l->obs[i];
        if (!m->l->present[i] || o->kind == QN_ARTIFACT)
            continue;
        if (o->kind == QN_SERIES)
            err = merge_series(m, i);
        else if (o->flags & QN_POSITION)
            err = merge_position(m, i);
        else
            err = merge_values(m, i, false);
        if (!err && o->kind == QN_CURVE && o->dims[0] && !strcmp(o->dims[0], QN_DIM_TIME))
            err = merge_values(m, i, true);
    }
    for (const qn_derived *d = model->derived; d && d->name && !err; d++)
        err = qn_merge_derived(m, d);
    return err;
}

int qn_result_build(const qn_plan *p, const qn_provenance *how, qn_dataset **out, size_t *missing)
{
    qn_merging m = {.p = p, .s = p->sweep, .l = p->layout, .n_axes = p->sweep->list ? 1 : p->sweep->n_axes, .points = p->sweep->n_points, .replicas = (size_t)p->sweep->replicas, .alike = true};
    *out = NULL;
    for (size_t i = 0; i < m.s->schema.n; i++)
        m.alike &= !(m.s->schema.item[i].flags & QN_DISORDER);
    m.axes = calloc(m.n_axes + 1, sizeof *m.axes);
    int err = m.axes ? qn_dataset_new(&m.root) : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t a = 0; a < m.n_axes && !err; a++)
        m.axes[a] = m.s->list ? QN_DIM_POINT : m.s->schema.item[m.s->axis[a].param].name;
    if (!err)
        err = gather(&m, missing);
    if (!err)
        err = qn_result_head(m.root, m.s);
    if (!err)
        err = write_extents(&m);
    if (!err)
        err = merge_observables(&m);
    const int64_t most = m.s->replicas;
    if (!err)
        err = qn_attr_i64(m.root, NULL, "replicas", 1, &most);
    if (!err && m.s->wanted)
        err = write_wanted(&m);
    if (!err)
        err = name_coordinates(&m);
    if (!err)
        err = qn_dataset_group(m.root, "samples", &m.samples);
    if (!err)
        err = write_samples(&m);
    if (!err)
        err = keep_checkpoints(&m);
    if (!err && how)
        err = qn_environment(m.root, how);
    free(m.axes);
    free(m.rows);
    free(m.head);
    if (err)
        qn_dataset_free(m.root);
    else
        *out = m.root;
    return err;
}

/* "NAME.h5.tmp-<pid>-<n>" of a process that was killed while it wrote. */
static bool is_stale(const char *name)
{
    const char *tmp = strstr(name, ".tmp-");
    long pid = tmp ? strtol(tmp + 5, NULL, 10) : 0;
    return pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH;
}

/* Removes what is_stale of the names that begin with `prefix`. */
static void sweep_folder(const char *folder, const char *prefix)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char *path = qn_format("%s/%s", folder, e->d_name);
        if (path && !strncmp(e->d_name, prefix, strlen(prefix)) && is_stale(e->d_name))
            unlink(path);
        free(path);
    }
    if (d)
        closedir(d);
}

void qn_remove_parts(const qn_plan *p, const char *output)
{
    const char *slash = strrchr(output, '/');
    char *folder = qn_parts_folder(output), *above = qn_format("%.*s", slash ? (int)(slash - output + 1) : 1, slash ? output : "."),
         *temporary = qn_format("%s.tmp-", slash ? slash + 1 : output);
    if (folder && above && temporary) {
        for (size_t i = 0; i < p->n_sources; i++)
            if (p->source[i].is_part)
                unlink(p->source[i].path);
        sweep_folder(folder, "");
        rmdir(folder); /* goes only when it is empty: what was set aside (*.bad) stays to be looked at */
        sweep_folder(above, temporary);
    }
    free(folder);
    free(above);
    free(temporary);
}

int qn_merge(const qn_plan *p, const char *output, const qn_provenance *how, size_t *missing)
{
    qn_dataset *d;
    int err = qn_result_build(p, how, &d, missing);
    if (!err) {
        err = qn_dataset_write(d, output);
        qn_dataset_free(d);
    }
    if (!err && !*missing)
        qn_remove_parts(p, output);
    return err;
}
