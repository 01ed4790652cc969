/* record.c -- see record.h: layout of a sweep's rows, the record of a running task. */
#include "record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"
#include "tempering.h"
#include "text.h"

/* ---- layout ---------------------------------------------------------------------------------------------------- */

static size_t count_obs(const qn_model *m)
{
    size_t n = 0;
    while (m->observables && m->observables[n].name)
        n++;
    return n;
}

static size_t rank_of(const qn_observable *o)
{
    size_t k = 0;
    while (k < QN_MAX_DIMS && o->dims[k])
        k++;
    return k;
}

size_t qn_layout_extent(const qn_layout *l, const char *dim)
{
    for (size_t i = 0; i < l->n_extents; i++)
        if (!strcmp(l->extent[i].name, dim))
            return l->extent[i].n;
    return 0;
}

/* Length and coordinates of a model's dimension over all points of the sweep. */
static int measure_extent(qn_layout *l, qn_extent *e)
{
    const qn_sweep *s = l->sweep;
    int err = 0;
    for (int pass = 0; pass < 2 && !err; pass++) { /* the longest first, then the values */
        if (pass == 1) {
            size_t cells = s->n_points * (e->n ? e->n : 1);
            e->at = malloc(cells * sizeof *e->at);
            if (!e->at)
                return qn_fail(QN_ERR_NOMEM, "out of memory");
            for (size_t i = 0; i < cells; i++)
                e->at[i] = NAN;
        }
        for (size_t k = 0; k < s->n_points && !err; k++) {
            qn_params p;
            if ((err = qn_sweep_point(s, k, &p)))
                break;
            size_t n = s->model->dimension(&p, e->name, pass ? e->at + k * e->n : NULL);
            if (n > e->n)
                e->n = n;
            qn_params_free(&p);
        }
    }
    bool same = !err;
    for (size_t i = 0; same && i < s->n_points * e->n; i++)
        same = !memcmp(&e->at[i], &e->at[i % e->n], sizeof(double));
    if (same && e->n) {
        e->value = e->at;
        e->at = NULL;
    }
    return err;
}

static int find_extents(qn_layout *l)
{
    const qn_observable *o = l->obs;
    l->extent = calloc(l->n_obs * QN_MAX_DIMS + 1, sizeof *l->extent);
    if (!l->extent)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < l->n_obs; i++)
        for (size_t d = 0; d < rank_of(&o[i]); d++) {
            bool known = false;
            for (size_t k = 0; k < l->n_extents; k++)
                known |= !strcmp(l->extent[k].name, o[i].dims[d]);
            if (known)
                continue;
            qn_extent *e = &l->extent[l->n_extents++];
            e->name = o[i].dims[d];
            if (strcmp(e->name, QN_DIM_TIME)) {
                int err = measure_extent(l, e);
                if (err)
                    return err;
                continue;
            }
            e->n = l->n_grid;
            e->value = malloc(l->n_grid * sizeof *e->value + 1);
            if (!e->value)
                return qn_fail(QN_ERR_NOMEM, "out of memory");
            for (size_t k = 0; k < l->n_grid; k++)
                e->value[k] = (double)(l->grid[k] - l->sweep->sampling.thermalization);
        }
    return 0;
}

static void add_column(qn_layout *l, int obs, const char *suffix, const char *extra_dim, size_t extra)
{
    const qn_observable *o = &l->obs[obs];
    qn_column *c = &l->column[l->n_columns++];
    memset(c, 0, sizeof *c);
    snprintf(c->name, sizeof c->name, "%s%s", o->name, suffix);
    c->obs = obs;
    c->offset = l->row;
    c->n = 1;
    for (size_t d = 0; d < rank_of(o); d++) {
        c->dim[c->rank] = o->dims[d];
        c->shape[c->rank++] = qn_layout_extent(l, o->dims[d]);
    }
    if (extra_dim) {
        c->dim[c->rank] = extra_dim;
        c->shape[c->rank++] = extra;
    }
    for (size_t d = 0; d < c->rank; d++)
        c->n *= c->shape[d];
    l->row += c->n;
}

static bool is_kept(const qn_sweep *s, const char *artifact)
{
    for (size_t i = 0; i < s->sampling.n_artifacts; i++)
        if (!strcmp(s->sampling.artifact[i], artifact))
            return true;
    return false;
}

int qn_layout_init(qn_layout *l, const qn_sweep *s)
{
    memset(l, 0, sizeof *l);
    l->sweep = s;
    l->n_obs = l->n_model = count_obs(s->model);
    if (s->chain.kind == QN_TEMPERING)
        l->n_obs += QN_LADDER_OBSERVABLES;
    l->obs = calloc(l->n_obs + 1, sizeof *l->obs);
    if (l->obs && l->n_model)
        memcpy(l->obs, s->model->observables, l->n_model * sizeof *l->obs);
    if (l->obs && l->n_obs > l->n_model)
        memcpy(l->obs + l->n_model, qn_ladder_observables, QN_LADDER_OBSERVABLES * sizeof *l->obs);
    l->present = calloc(l->n_obs + 1, sizeof *l->present);
    l->width = calloc(l->n_obs + 1, sizeof *l->width);
    l->column = calloc(5 * l->n_obs + 1, sizeof *l->column);
    int err = l->obs && l->present && l->width && l->column ? qn_sampling_grid(&s->sampling, &l->n_grid, &l->grid) : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err)
        err = find_extents(l);
    for (size_t k = 0; k < s->n_points && !err; k++) {
        qn_params p;
        if ((err = qn_sweep_point(s, k, &p)))
            break;
        bool all = true;
        for (size_t i = 0; i < l->n_obs; i++) {
            l->present[i] |= i >= l->n_model || !s->model->provides || s->model->provides(&p, (int)i);
            all &= l->present[i];
        }
        qn_params_free(&p);
        if (all)
            break;
    }
    for (size_t i = 0; i < l->n_obs && !err; i++) {
        const qn_observable *o = &l->obs[i];
        l->width[i] = 1;
        for (size_t d = 0; d < rank_of(o); d++)
            l->width[i] *= qn_layout_extent(l, o->dims[d]);
        l->present[i] &= l->width[i] > 0 && (o->kind != QN_ARTIFACT || is_kept(s, o->name));
        if (!l->present[i])
            continue;
        if (o->kind == QN_SERIES) {
            add_column(l, (int)i, "", "bin", (size_t)s->sampling.bins);
            add_column(l, (int)i, "_tau", NULL, 0);
            add_column(l, (int)i, "_tau_err", NULL, 0);
            add_column(l, (int)i, "_half", "half", 2);
            add_column(l, (int)i, "_half_err", "half", 2);
        } else {
            add_column(l, (int)i, "", NULL, 0);
            if (o->flags & QN_OWN_ERROR)
                add_column(l, (int)i, "_own_err", NULL, 0);
        }
    }
    if (err)
        qn_layout_free(l);
    return err;
}

void qn_layout_free(qn_layout *l)
{
    for (size_t i = 0; i < l->n_extents; i++) {
        free(l->extent[i].value);
        free(l->extent[i].at);
    }
    free(l->extent);
    free(l->obs);
    free(l->present);
    free(l->width);
    free(l->column);
    free(l->grid);
    memset(l, 0, sizeof *l);
}

const qn_column *qn_layout_column(const qn_layout *l, const char *name)
{
    for (size_t i = 0; i < l->n_columns; i++)
        if (!strcmp(l->column[i].name, name))
            return &l->column[i];
    return NULL;
}

/* ---- record ---------------------------------------------------------------------------------------------------- */

static bool over_time(const qn_observable *o)
{
    return o->dims[0] && !strcmp(o->dims[0], QN_DIM_TIME);
}

static void measure_shape(qn_record *r, const qn_params *p, size_t i)
{
    const qn_observable *o = &r->obs[i];
    r->width[i] = 1;
    for (size_t d = 0; d < rank_of(o); d++) {
        r->shape[i][d] = strcmp(o->dims[d], QN_DIM_TIME) ? r->layout->sweep->model->dimension(p, o->dims[d], NULL) : r->layout->n_grid;
        r->width[i] *= r->shape[i][d];
    }
}

int qn_record_init(qn_record *r, const qn_layout *l, const qn_params *p)
{
    memset(r, 0, sizeof *r);
    r->layout = l;
    r->obs = l->obs;
    r->value = calloc(l->n_obs + 1, sizeof *r->value);
    r->weight = calloc(l->n_obs + 1, sizeof *r->weight);
    r->room = calloc(l->n_obs + 1, sizeof *r->room);
    r->width = calloc(l->n_obs + 1, sizeof *r->width);
    r->shape = calloc(l->n_obs + 1, sizeof *r->shape);
    bool ok = r->value && r->weight && r->room && r->width && r->shape;
    for (size_t i = 0; i < l->n_obs && ok; i++) {
        if (!l->present[i])
            continue;
        measure_shape(r, p, i);
        size_t n = r->width[i];
        if (r->obs[i].kind == QN_SERIES) {
            r->room[i] = l->n_grid < 1024 ? l->n_grid : 1024;
            n *= r->room[i] ? r->room[i] : 1;
        }
        r->value[i] = malloc((n + 1) * sizeof(double));
        ok &= r->value[i] != NULL;
        if (r->obs[i].kind != QN_SERIES) { /* curves: weights; QN_OWN_ERROR: errors */
            r->weight[i] = malloc((n + 1) * sizeof(double));
            ok &= r->weight[i] != NULL;
        }
        bool sums = r->obs[i].kind == QN_CURVE && !over_time(&r->obs[i]);
        for (size_t k = 0; ok && k < n; k++) {
            r->value[i][k] = sums ? 0 : NAN;
            if (r->weight[i])
                r->weight[i][k] = r->obs[i].flags & QN_OWN_ERROR ? NAN : 0;
        }
    }
    if (ok)
        return 0;
    qn_record_free(r);
    return qn_fail(QN_ERR_NOMEM, "out of memory for the record of a task");
}

void qn_record_free(qn_record *r)
{
    for (size_t i = 0; r->layout && i < r->layout->n_obs; i++) {
        if (r->value)
            free(r->value[i]);
        if (r->weight)
            free(r->weight[i]);
    }
    free(r->value);
    free(r->weight);
    free(r->room);
    free(r->width);
    free(r->shape);
    memset(r, 0, sizeof *r);
}

size_t qn_measurement(const qn_record *r)
{
    return r->measured;
}

uint64_t qn_step(const qn_record *r)
{
    return r->step;
}

static void bug(const qn_record *r, int obs, const char *what)
{
    fprintf(stderr, "quench: model %s puts observable %d %s\n", r->layout->sweep->model->name, obs, what);
    abort();
}

/* Where element k of an observable goes; NULL when it is not kept (absent here, out of memory). */
static double *slot(qn_record *r, int obs, size_t k)
{
    const qn_layout *l = r->layout;
    if (obs < 0 || (size_t)obs >= l->n_obs)
        bug(r, obs, "which its table does not have");
    size_t i = (size_t)obs, width = r->width[i];
    if (!width)
        return NULL;
    const qn_observable *o = &r->obs[i];
    size_t inner = over_time(o) ? width / l->n_grid : width;
    if (k >= inner)
        bug(r, obs, "beyond the length of its dimensions");
    if (o->kind != QN_SERIES)
        return over_time(o) ? &r->value[i][(r->measured < l->n_grid ? r->measured : l->n_grid - 1) * inner + k] : &r->value[i][k];
    if (r->measured >= r->room[i]) {
        size_t room = 2 * r->room[i] > l->n_grid ? l->n_grid : 2 * r->room[i];
        double *more = room > r->measured ? realloc(r->value[i], room * width * sizeof *more) : NULL;
        if (!more) {
            r->failed = true;
            return NULL;
        }
        for (size_t j = r->room[i] * width; j < room * width; j++)
            more[j] = NAN;
        r->value[i] = more;
        r->room[i] = room;
    }
    return &r->value[i][r->measured * width + k];
}

void qn_put_at(qn_record *r, int obs, size_t k, double x)
{
    double *at = slot(r, obs, k);
    if (!at)
        return;
    if (r->obs[obs].kind == QN_CURVE && !over_time(&r->obs[obs])) {
        *at += x;
        r->weight[obs][at - r->value[obs]] += 1;
    } else {
        *at = x;
    }
}

void qn_put(qn_record *r, int obs, double x)
{
    qn_put_at(r, obs, 0, x);
}

void qn_count(qn_record *r, int obs, size_t k, double weight)
{
    double *at = slot(r, obs, k);
    if (!at)
        return;
    if (!(r->obs[obs].flags & QN_HISTOGRAM))
        bug(r, obs, "by qn_count, but it is no histogram");
    *at += weight;
}

void qn_put_error(qn_record *r, int obs, size_t k, double x, double err)
{
    double *at = slot(r, obs, k);
    if (!at)
        return;
    if (!(r->obs[obs].flags & QN_OWN_ERROR) || r->obs[obs].kind == QN_SERIES)
        bug(r, obs, "with an error, but its table does not say QN_OWN_ERROR (curves over time and outcomes only)");
    *at = x;
    r->weight[obs][at - r->value[obs]] = err;
}

void qn_put_array(qn_record *r, int obs, size_t n, const double *x)
{
    for (size_t k = 0; k < n; k++)
        qn_put_at(r, obs, k, x[k]);
}

/* ---- the finished row ------------------------------------------------------------------------------------------- */

/* Element k of the record in a column, which is as long as the longest of the sweep. */
static size_t place(const qn_record *r, size_t i, const qn_column *c, size_t k)
{
    size_t at = 0, step = 1;
    for (size_t d = rank_of(&r->obs[i]); d-- > 0;) {
        at += k % r->shape[i][d] * step;
        k /= r->shape[i][d];
        step *= c->shape[d];
    }
    return at;
}

static int series_columns(const qn_record *r, size_t i, const qn_column *c, double *row)
{
    size_t width = r->width[i], bins = (size_t)r->layout->sweep->sampling.bins, n = r->measured;
    double *x = malloc((n ? n : 1) * sizeof *x);
    if (!x)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = 0;
    for (size_t k = 0; k < width && !err; k++) {
        bool whole = n > 0;
        for (size_t t = 0; t < n; t++) {
            x[t] = r->value[i][t * width + k];
            whole &= isfinite(x[t]) != 0;
        }
        if (!whole)
            continue; /* not provided at this point, or not finite: stays NaN */
        qn_series_stat stat;
        err = qn_series_analyse(n, x, &stat);
        if (err)
            break;
        size_t at = place(r, i, c, k);
        qn_bin_means(n, x, bins, row + c[0].offset + at * bins);
        row[c[1].offset + at] = stat.tau;
        row[c[2].offset + at] = stat.tau_err;
        for (size_t h = 0; h < 2; h++) {
            row[c[3].offset + 2 * at + h] = stat.half[h];
            row[c[4].offset + 2 * at + h] = stat.half_err[h];
        }
    }
    free(x);
    return err;
}

/* As they were put: outcomes, artifacts, curves over time, whose last value is carried on when the task ended well before the last step. */
static void plain_column(const qn_record *r, size_t i, bool ended, const qn_column *c, const double *x, double *row)
{
    size_t inner = over_time(&r->obs[i]) ? r->width[i] / r->layout->n_grid : r->width[i], last = r->measured * inner;
    for (size_t k = 0; k < r->width[i]; k++) {
        bool carried = ended && inner < r->width[i] && last > 0 && k >= last;
        row[c->offset + place(r, i, c, k)] = x[carried ? last - inner + k % inner : k];
    }
}

/* Curves over anything else: averages, or shares of all counts. */
static void average_column(const qn_record *r, size_t i, const qn_column *c, double *row)
{
    double total = 0;
    for (size_t k = 0; k < r->width[i]; k++)
        total += r->value[i][k];
    for (size_t k = 0; k < r->width[i]; k++) {
        double weight = r->obs[i].flags & QN_HISTOGRAM ? total : r->weight[i][k];
        row[c->offset + place(r, i, c, k)] = weight > 0 ? r->value[i][k] / weight : NAN;
    }
}

int qn_record_row(const qn_record *r, bool ended, double *row)
{
    const qn_layout *l = r->layout;
    if (r->failed)
        return qn_fail(QN_ERR_NOMEM, "out of memory for the record of a task");
    for (size_t k = 0; k < l->row; k++)
        row[k] = NAN;
    for (size_t c = 0; c < l->n_columns;) {
        const qn_column *first = &l->column[c];
        size_t i = (size_t)first->obs;
        int err = 0;
        if (r->obs[i].kind == QN_SERIES)
            err = series_columns(r, i, first, row);
        else if (r->obs[i].kind == QN_CURVE && !over_time(&r->obs[i]))
            average_column(r, i, first, row);
        else
            plain_column(r, i, ended, first, r->value[i], row);
        if (r->obs[i].kind != QN_SERIES && r->obs[i].flags & QN_OWN_ERROR)
            plain_column(r, i, ended, first + 1, r->weight[i], row);
        if (err)
            return err;
        while (c < l->n_columns && l->column[c].obs == (int)i)
            c++;
    }
    return 0;
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------ */

int qn_record_save(const qn_record *r, qn_group *g)
{
    int64_t head[2] = {(int64_t)r->measured, (int64_t)r->step};
    int err = r->failed ? qn_fail(QN_ERR_NOMEM, "out of memory for the record of a task") : qn_save_i64(g, "record", 2, head);
    for (size_t i = 0; i < r->layout->n_obs && !err; i++) {
        char name[96];
        if (!r->value[i])
            continue;
        bool series = r->obs[i].kind == QN_SERIES;
        snprintf(name, sizeof name, "record.%s", r->obs[i].name);
        err = qn_save_f64(g, name, r->width[i] * (series ? r->measured : 1), r->value[i]);
        snprintf(name, sizeof name, "record.%s.weight", r->obs[i].name);
        if (!err && r->weight[i])
            err = qn_save_f64(g, name, r->width[i], r->weight[i]);
    }
    return err;
}

int qn_record_load(qn_record *r, const qn_group *g)
{
    int64_t head[2];
    int err = qn_load_i64(g, "record", 2, head);
    if (err)
        return err;
    if (head[0] < 0 || (size_t)head[0] > r->layout->n_grid || head[1] < 0)
        return qn_fail(QN_ERR_DATA, "a checkpoint has measured more often than the sweep asks");
    r->measured = (size_t)head[0];
    r->step = (uint64_t)head[1];
    for (size_t i = 0; i < r->layout->n_obs && !err; i++) {
        char name[96];
        if (!r->value[i])
            continue;
        size_t n = r->width[i];
        snprintf(name, sizeof name, "record.%s", r->obs[i].name);
        if (r->obs[i].kind == QN_SERIES) {
            n *= r->measured;
            if (r->measured > r->room[i]) {
                double *more = realloc(r->value[i], n * sizeof *more);
                if (!more)
                    return qn_fail(QN_ERR_NOMEM, "out of memory");
                r->value[i] = more;
                r->room[i] = r->measured;
            }
        } else if (over_time(&r->obs[i]) && qn_group_size(g, name) < n) { /* a longer run goes on: its grid begins alike */
            n = qn_group_size(g, name);
        }
        err = qn_load_f64(g, name, n, r->value[i]);
        snprintf(name, sizeof name, "record.%s.weight", r->obs[i].name);
        if (!err && r->weight[i])
            err = qn_load_f64(g, name, qn_group_size(g, name) < r->width[i] ? qn_group_size(g, name) : r->width[i], r->weight[i]);
    }
    return err;
}
