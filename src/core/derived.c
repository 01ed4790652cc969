/* derived.c -- derived quantities of a result: an expression of means of series and of parameters, with its jackknife error. */
#include <math.h>
#include <stdlib.h>

#include "expr.h"
#include "merging.h"
#include "stats.h"

typedef struct expression {
    qn_expr *e;
    size_t n_names, n_series;
    const qn_column *series[16]; /* of the names that are series; the rest are parameters */
    size_t slot[16];             /* place of series i among the names */
    double values[16];           /* parameters filled in */
} expression;

static double evaluate(size_t n, const double *means, void *ctx)
{
    expression *x = ctx;
    for (size_t i = 0; i < n; i++)
        x->values[x->slot[i]] = means[i];
    return qn_expr_eval(x->e, x->values);
}

/* Blocks for a jackknife over the measurements of the replicas [from, to): bins merged until a block spans many tau, so that blocks
 * are nearly independent.  Returns the number of blocks, and in *short_by the factor by which the squared jackknife error falls short
 * because blocks that touch are correlated (as in qn_estimate_series: stats.c). */
#define BLOCK_TAUS 5
static size_t blocks_of(const qn_merging *m, const expression *x, size_t point, size_t from, size_t to, double *means, double *weights, double *short_by)
{
    *short_by = 0;
    size_t bins = (size_t)m->s->sampling.bins, n_blocks = 0, nv = x->n_series;
    for (size_t r = from; r < to; r++) {
        size_t task = point * m->replicas + r, count = (size_t)m->head[task].measurements, used = count < bins ? count : bins;
        double tau = 0.5;
        bool whole = count > 0;
        for (size_t i = 0; i < nv && whole; i++) {
            double t = *qn_merging_cell(m, x->series[i] + 1, task, 0);
            whole &= isfinite(t) != 0;
            tau = t > tau ? t : tau;
        }
        if (!whole)
            continue;
        size_t per = (size_t)ceil(BLOCK_TAUS * tau * (double)used / (double)count);
        if (per > used / 4) /* a chain that short is flagged by the verdict; four blocks are the least that say something */
            per = used / 4;
        if (per < 1)
            per = 1;
        size_t here = used / per;
        for (size_t b = 0; b < here; b++) {
            double *out = means + n_blocks * nv, weight = 0;
            size_t end = b + 1 == here ? used : (b + 1) * per;
            for (size_t i = 0; i < nv; i++)
                out[i] = 0;
            for (size_t k = b * per; k < end; k++) {
                double size = count < bins ? 1 : (double)(qn_bin_start(count, bins, k + 1) - qn_bin_start(count, bins, k));
                weight += size;
                for (size_t i = 0; i < nv; i++)
                    out[i] += size * *qn_merging_cell(m, x->series[i], task, k);
            }
            for (size_t i = 0; i < nv; i++)
                out[i] /= weight;
            weights[n_blocks++] = weight;
            *short_by += fmax(0.5, 1 - (tau - 0.25 / tau) / weight);
        }
    }
    *short_by /= n_blocks ? (double)n_blocks : 1;
    return n_blocks;
}

/* Means of whole replicas, as blocks. */
static size_t replicas_as_blocks(const qn_merging *m, const expression *x, size_t point, double *means, double *weights)
{
    size_t bins = (size_t)m->s->sampling.bins, n = 0;
    for (size_t r = 0; r < m->replicas; r++) {
        size_t task = point * m->replicas + r, count = (size_t)m->head[task].measurements;
        bool whole = count > 0;
        for (size_t i = 0; i < x->n_series && whole; i++) {
            double sum = 0;
            for (size_t b = 0; b < (count < bins ? count : bins); b++)
                sum += *qn_merging_cell(m, x->series[i], task, b) *
                       (count < bins ? 1 : (double)(qn_bin_start(count, bins, b + 1) - qn_bin_start(count, bins, b)));
            means[n * x->n_series + i] = sum / (double)count;
            whole &= isfinite(sum) != 0;
        }
        if (whole)
            weights[n++] = 1;
    }
    return n;
}

static int derived_point(qn_merging *m, const qn_derived *d, expression *x, size_t point, double *means, double *weights, double *each,
                         double *value, double *error, double *dof)
{
    *value = *error = *dof = NAN;
    size_t n;
    if (!(d->flags & QN_PER_REPLICA)) {
        bool replicas = m->replicas >= (m->alike ? QN_MIN_REPLICAS : 2);
        double short_by = 1;
        n = replicas ? replicas_as_blocks(m, x, point, means, weights) : blocks_of(m, x, point, 0, m->replicas, means, weights, &short_by);
        if (n < 2)
            return 0;
        int err = qn_jackknife(n, x->n_series, means, weights, evaluate, x, true, value, error);
        *error /= sqrt(short_by);
        *dof = (double)n - 1;
        return err;
    }
    double alone = NAN, blocks = 0; /* of the last replica that counts: used when it is the only one */
    for (size_t r = 0; r < m->replicas; r++) {
        double short_by;
        each[r] = NAN;
        n = blocks_of(m, x, point, r, r + 1, means, weights, &short_by);
        if (n < 2)
            continue;
        int err = qn_jackknife(n, x->n_series, means, weights, evaluate, x, true, &each[r], &alone);
        if (err)
            return err;
        alone /= sqrt(short_by);
        blocks = (double)n;
    }
    qn_estimate est;
    qn_estimate_values(m->replicas, each, &est);
    *value = est.replicas ? est.mean : NAN;
    *error = est.replicas > 1 ? est.err : alone;
    *dof = est.replicas > 1 ? est.dof : blocks - 1;
    return 0;
}

int qn_merge_derived(qn_merging *m, const qn_derived *d)
{
    static const char *const suffix[] = {"", "_err", "_dof"};
    static const qn_dtype type[] = {QN_F64, QN_F64, QN_F64};
    expression x = {0};
    int err = qn_expr_compile(d->expression, &x.e);
    if (err)
        return err;
    x.n_names = qn_expr_names(x.e);
    for (size_t i = 0; i < x.n_names && i < 16; i++) {
        const qn_column *c = qn_layout_column(m->l, qn_expr_name(x.e, i));
        if (c) {
            x.slot[x.n_series] = i;
            x.series[x.n_series++] = c;
        } else if (qn_schema_index(&m->s->schema, qn_expr_name(x.e, i)) < 0) { /* a series that no point provides */
            qn_expr_free(x.e);
            return 0;
        }
    }
    size_t blocks = m->replicas * (size_t)m->s->sampling.bins;
    double *means = malloc(blocks * (x.n_series + 1) * sizeof *means), *weights = malloc(blocks * sizeof *weights), *each = malloc(m->replicas * sizeof *each);
    qn_columns v;
    if (!means || !weights || !each)
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err)
        err = qn_merging_variables(m, d->name, "derived", d->unit, d->meaning, d->symbol, 0, NULL, 3, suffix, type, &v);
    if (!err)
        err = qn_attr_str(m->root, v.var[0], "expression", d->expression);
    if (!err)
        err = qn_attr_str(m->root, v.var[0], "average", d->flags & QN_PER_REPLICA ? "over replicas of the expression" : "of the series before the expression");
    for (size_t p = 0; p < m->points && !err; p++) {
        qn_params params;
        if ((err = qn_sweep_point(m->s, p, &params)))
            break;
        for (size_t i = 0; i < x.n_names; i++) {
            int k = qn_schema_index(&m->s->schema, qn_expr_name(x.e, i));
            if (k >= 0)
                x.values[i] = params.v[k].set ? params.v[k].r : NAN;
        }
        qn_params_free(&params);
        err = derived_point(m, d, &x, p, means, weights, each, &v.var[0]->f64[p], &v.var[1]->f64[p], &v.var[2]->f64[p]);
    }
    free(means);
    free(weights);
    free(each);
    qn_expr_free(x.e);
    return err;
}
