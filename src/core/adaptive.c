/* adaptive.c -- see adaptive.h: the blocks of the sweep file, replicas for targets, and the loop.  Where new points go: refine.c. */
#include "adaptive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "merge.h"
#include "refine.h"
#include "text.h"

#define GROWTH 5 / 4     /* of the number of replicas, from one look to the next */
#define MOST_TIMES 16    /* as many replicas as the sweep begins with, at most, unless it says otherwise */
#define ROUNDS 40

/* ---- the sweep file --------------------------------------------------------------------------------------------------- */

/* The name of an observable or derived quantity that has a standard error, the model's own string; NULL after a complaint. */
static const char *find_quantity(const qn_sweep *s, qn_problems *c, const qn_node *at, const char *name, bool scalar)
{
    const char *names[256];
    size_t n = 0;
    for (const qn_observable *o = s->model->observables; o && o->name && n < 256; o++)
        if (o->kind != QN_ARTIFACT && !(o->flags & QN_POSITION) && !(scalar && o->dims[0]))
            names[n++] = o->name;
    for (const qn_derived *d = s->model->derived; d && d->name && n < 256; d++)
        names[n++] = d->name;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return names[i];
    size_t length = strlen(name); /* the last value of a curve over time */
    for (const qn_observable *o = s->model->observables; o && o->name; o++)
        if (o->kind == QN_CURVE && o->dims[0] && !strcmp(o->dims[0], QN_DIM_TIME) && strlen(o->name) + 4 == length && !strncmp(o->name, name, length - 4) &&
            !strcmp(name + length - 4, "_end"))
            return name;
    const char *near = qn_nearest(name, n, names);
    if (near)
        qn_problem_at(c, at, "model %s has no %s '%s'; did you mean '%s'?", s->model->name, scalar ? "quantity of single numbers" : "quantity", name, near);
    else
        qn_problem_at(c, at, "model %s has no %s '%s'; `quench models %s` lists them", s->model->name, scalar ? "quantity of single numbers" : "quantity", name, s->model->name);
    return NULL;
}

static bool read_number(qn_problems *c, const qn_node *at, const char *what, bool positive, double *out)
{
    if (at && at->kind == QN_NODE_SCALAR && !qn_parse_real(at->text, out) && (!positive || *out > 0))
        return true;
    qn_problem_at(c, at, "%s must be a %snumber", what, positive ? "positive " : "");
    return false;
}

static void read_target(qn_sweep *s, qn_problems *c, const qn_node *m)
{
    qn_adapt *a = &s->adapt;
    for (size_t i = 0; i < m->n; i++) {
        const qn_node *key = m->items[2 * i], *value = m->items[2 * i + 1];
        if (!strcmp(key->text, "replicas"))
            continue;
        const char *name = find_quantity(s, c, key, key->text, false);
        if (!name)
            continue;
        if (a->n_targets == QN_MOST_TARGETS) {
            qn_problem_at(c, key, "at most %d targets", QN_MOST_TARGETS);
            return;
        }
        a->target[a->n_targets].name = name;
        if (read_number(c, value, "a target, the standard error that is wanted,", true, &a->target[a->n_targets].error))
            a->n_targets++;
    }
    qn_node_whole(c, m, "replicas", s->replicas, 1000000000, &a->most);
    if (!a->n_targets && !c->n)
        qn_problem_at(c, m, "target names quantities and the standard errors that are wanted: {m: 0.005}");
    if (s->replicas < 2)
        qn_problem_at(c, m, "target needs at least 2 replicas to begin with: errors are looked at from the first ones on");
}

static void read_refine(qn_sweep *s, qn_problems *c, const qn_node *m)
{
    static const char *const known[] = {"observable", "level", "tolerance", "along", "rounds", "replicas"};
    qn_adapt *a = &s->adapt;
    qn_node_check_keys(c, m, "in refine", 6, known);
    const qn_node *observable = qn_node_get(m, "observable"), *along = qn_node_get(m, "along");
    if (!observable || observable->kind != QN_NODE_SCALAR)
        qn_problem_at(c, observable ? observable : m, "refine must name the observable whose level it follows: {observable: m, level: 0.5, tolerance: 0.002}");
    else
        a->observable = find_quantity(s, c, observable, observable->text, true);
    if (!qn_node_get(m, "level") || !qn_node_get(m, "tolerance"))
        qn_problem_at(c, m, "refine needs a level and a tolerance: {observable: m, level: 0.5, tolerance: 0.002}");
    else if (read_number(c, qn_node_get(m, "level"), "level", false, &a->level))
        (void)read_number(c, qn_node_get(m, "tolerance"), "tolerance", true, &a->tolerance);
    a->rounds = ROUNDS;
    qn_node_whole(c, m, "rounds", 1, 10000, &a->rounds);
    qn_node_whole(c, m, "replicas", s->replicas, 1000000000, &a->most);
    a->axis = s->n_axes ? s->n_axes - 1 : 0;
    for (size_t k = 0; along && along->kind == QN_NODE_SCALAR && k < s->n_axes; k++)
        if (!strcmp(s->schema.item[s->axis[k].param].name, along->text))
            a->axis = k;
    const qn_param *p = s->n_axes ? &s->schema.item[s->axis[a->axis].param] : NULL;
    if (!p)
        qn_problem_at(c, m, "refine places points along an axis of the sweep, and nothing is swept");
    else if (along && (along->kind != QN_NODE_SCALAR || strcmp(p->name, along->text)))
        qn_problem_at(c, along, "along: the sweep has no axis of that name");
    else if (!qn_value_numeric(p) || s->axis[a->axis].n < 2)
        qn_problem_at(c, along ? along : m, "refine needs an axis of at least two numbers to begin with, which %s is not", p->name);
    if (s->chain.kind != QN_NO_CHAIN)
        qn_problem_at(c, m, "refine and a chained axis exclude each other: new values would make another chain");
}

void qn_adapt_read(qn_sweep *s, qn_problems *c)
{
    const qn_node *target = qn_node_get(s->tree, "target"), *refine = qn_node_get(s->tree, "refine");
    s->adapt.most = MOST_TIMES * s->replicas;
    if (target && target->kind != QN_NODE_MAPPING)
        qn_problem_at(c, target, "target is a mapping: {m: 0.005}");
    else if (target)
        read_target(s, c, target);
    if (refine && refine->kind != QN_NODE_MAPPING)
        qn_problem_at(c, refine, "refine is a mapping: {observable: m, level: 0.5, tolerance: 0.002}");
    else if (refine)
        read_refine(s, c, refine);
    s->growing = qn_adapt_is_on(s); /* files may hold what it became */
}

bool qn_adapt_is_on(const qn_sweep *s)
{
    return s->adapt.n_targets || s->adapt.observable;
}

/* ---- the sweep of one stage --------------------------------------------------------------------------------------------- */

/* A copy that shares everything with `s` but its axes, replicas and wanted numbers. */
static int stage_open(const qn_sweep *s, qn_sweep *out)
{
    *out = *s;
    size_t chains = s->n_points / qn_sweep_rungs(s);
    out->growing = true;
    out->axis = calloc(s->n_axes + 1, sizeof *out->axis);
    out->wanted = malloc((chains + 1) * sizeof *out->wanted);
    if (!out->axis || !out->wanted)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k < chains; k++)
        out->wanted[k] = s->replicas;
    out->list = s->adapt.observable != NULL;
    for (size_t a = 0; a < s->n_axes; a++) {
        const qn_axis *from = &s->axis[a];
        out->axis[a] = *from;
        out->axis[a].n = out->list ? s->n_points : from->n;
        out->axis[a].value = calloc(out->axis[a].n + 1, sizeof *from->value);
        int err = out->axis[a].value ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
        for (size_t i = 0; i < out->axis[a].n && !err; i++)
            err = qn_value_copy(&from->value[out->list ? qn_sweep_axis_index(s, i, a) : i], &out->axis[a].value[i]);
        if (err)
            return err;
    }
    return 0;
}

static void stage_close(qn_sweep *s)
{
    for (size_t a = 0; s->axis && a < s->n_axes; a++) {
        for (size_t i = 0; s->axis[a].value && i < s->axis[a].n; i++)
            qn_value_free(&s->axis[a].value[i]);
        free(s->axis[a].value);
    }
    free(s->axis);
    free(s->wanted);
}

/* ---- targets ------------------------------------------------------------------------------------------------------------ */

static int64_t grown(int64_t n, int64_t most)
{
    int64_t next = n * GROWTH;
    next = next > n ? next : n + 1;
    return next < most ? next : most;
}

/* Whether all errors of the point are below their targets. */
static bool meets(const qn_sweep *s, const qn_dataset *d, size_t point)
{
    for (size_t i = 0; i < s->adapt.n_targets; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s_err", s->adapt.target[i].name);
        const qn_var *mean = qn_dataset_find(d, s->adapt.target[i].name), *err = qn_dataset_find(d, name);
        size_t width = err ? err->size / s->n_points : 0;
        for (size_t k = point * width; k < (point + 1) * width; k++)
            if (!isnan(mean->f64[k]) && !(err->f64[k] <= s->adapt.target[i].error))
                return false;
    }
    return true;
}

/* A target that no point provides, or that has no standard error, would count as met. */
static int check_targets(const qn_sweep *s, const qn_dataset *d)
{
    for (size_t i = 0; i < s->adapt.n_targets; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s_err", s->adapt.target[i].name);
        const qn_var *mean = qn_dataset_find(d, s->adapt.target[i].name), *err = qn_dataset_find(d, name);
        if (!mean || !err || mean->type != QN_F64 || err->type != QN_F64 || err->size != mean->size)
            return qn_fail(QN_ERR_INPUT, "target: %s has no standard error in this sweep, its points do not measure it", s->adapt.target[i].name);
    }
    return 0;
}

/* More replicas where a target is not met; how many chains. */
static size_t want_more(qn_sweep *s, const qn_dataset *d)
{
    size_t more = 0, rungs = qn_sweep_rungs(s);
    for (size_t c = 0; s->adapt.n_targets && c < s->n_points / rungs; c++) {
        bool met = s->wanted[c] >= s->adapt.most;
        size_t i = 0;
        while (!met && i < rungs && meets(s, d, qn_sweep_chain_point(s, c, i)))
            i++;
        if (met || i == rungs)
            continue;
        s->wanted[c] = grown(s->wanted[c], s->adapt.most);
        more++;
    }
    return more;
}

int64_t qn_adapt_more(const qn_sweep *s, int64_t replicas)
{
    return replicas < s->adapt.most ? grown(replicas, s->adapt.most) : replicas;
}

/* ---- the loop ----------------------------------------------------------------------------------------------------------- */

static void count_replicas(qn_sweep *s)
{
    s->replicas = 1;
    for (size_t c = 0; c < s->n_points / qn_sweep_rungs(s); c++)
        s->replicas = s->wanted[c] > s->replicas ? s->wanted[c] : s->replicas;
}

static void add_report(qn_run_report *all, const qn_run_report *one)
{
    all->tasks = one->tasks;
    all->done_now += one->done_now;
    all->done_before = one->tasks - one->missing > all->done_now ? one->tasks - one->missing - all->done_now : 0;
    all->missing = one->missing;
    all->steps_now += one->steps_now;
    all->wall_s += one->wall_s;
    all->merged = one->merged;
}

static bool are_alike(const qn_sweep *s)
{
    for (size_t c = 1; c < s->n_points / qn_sweep_rungs(s); c++)
        if (s->wanted[c] != s->wanted[0])
            return false;
    return true;
}

int qn_run_adaptive(const qn_sweep *s, const qn_run_options *o, qn_run_report *report)
{
    qn_sweep stage;
    qn_run_options own = *o;
    double start = qn_now();
    memset(report, 0, sizeof *report);
    if (o->parts > 1)
        return qn_fail(QN_ERR_INPUT, "an adaptive sweep (target, refine) decides by all of its results, so it cannot be run in shares with --part");
    int err = stage_open(s, &stage);
    bool more = true;
    for (int64_t round = 0; more && !err;) {
        qn_dataset *so_far = NULL;
        qn_run_report one;
        size_t wanting = 0;
        qn_refined found = {0};
        count_replicas(&stage);
        if (o->time_s > 0) {
            own.time_s = o->time_s - (qn_now() - start);
            own.time_s = own.time_s > 1e-3 ? own.time_s : 1e-3;
        }
        err = qn_run_stage(&stage, &own, &so_far, &one);
        add_report(report, &one);
        if (!err)
            err = check_targets(s, so_far);
        if (!err)
            wanting = want_more(&stage, so_far);
        if (!err && !wanting && s->adapt.observable && round < s->adapt.rounds) {
            err = qn_refine(&stage, so_far, &found);
            report->lines = found.lines;
            report->known = found.known;
            round++;
        }
        more = wanting || found.placed;
        qn_dataset_free(so_far);
    }
    if (!err) { /* now it is known what belongs to the result: anything else in the files is another sweep's */
        qn_run_report one;
        stage.growing = false;
        if (are_alike(&stage)) {
            free(stage.wanted);
            stage.wanted = NULL;
        }
        err = qn_run_stage(&stage, &own, NULL, &one);
        add_report(report, &one);
    }
    stage_close(&stage);
    return err;
}

/* ---- a finished one ------------------------------------------------------------------------------------------------------- */

static int value_of(const qn_param *p, const qn_var *v, size_t i, qn_value *out)
{
    char text[64];
    if (v->type == QN_STR)
        return qn_value_parse(p, v->str[i] ? v->str[i] : "", out);
    if (v->type == QN_F64)
        snprintf(text, sizeof text, "%.17g", v->f64[i]);
    else if (v->type == QN_I8)
        snprintf(text, sizeof text, "%s", v->i8[i] ? "true" : "false");
    else
        snprintf(text, sizeof text, "%lld", (long long)v->i64[i]);
    return qn_value_parse(p, text, out);
}

static int adopt_points(qn_sweep *s, const qn_dataset *d, size_t n)
{
    for (size_t a = 0; a < s->n_axes; a++) {
        qn_axis *x = &s->axis[a];
        const qn_param *p = &s->schema.item[x->param];
        const qn_var *v = qn_dataset_find(d, p->name);
        if (!v || v->rank != 1 || v->size != n)
            return qn_fail(QN_ERR_DATA, "the result does not hold the %s of its points", p->name);
        qn_value *value = calloc(n + 1, sizeof *value);
        int err = value ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
        for (size_t i = 0; i < n && !err; i++)
            err = value_of(p, v, i, &value[i]);
        if (err) {
            free(value);
            return err;
        }
        for (size_t i = 0; i < x->n; i++)
            qn_value_free(&x->value[i]);
        free(x->value);
        x->value = value;
        x->n = n;
    }
    s->list = true;
    s->n_points = n;
    return 0;
}

int qn_adapt_adopt(qn_sweep *s, const qn_dataset *d)
{
    const char *axes = qn_attr_text(d, NULL, "axes");
    const qn_dim *point = axes && !strcmp(axes, QN_DIM_POINT) ? qn_dataset_find_dim(d, QN_DIM_POINT) : NULL;
    const qn_var *replicas = qn_dataset_find(d, QN_VAR_REPLICAS);
    const qn_attr *all = qn_attr_find(d, NULL, "replicas");
    int err = 0;
    if (!qn_adapt_is_on(s))
        return 0;
    s->growing = false;
    if (point)
        err = adopt_points(s, d, point->n);
    if (!err && all && all->type == QN_I64)
        s->replicas = all->i64[0];
    if (err || !replicas || replicas->type != QN_I64 || replicas->size != s->n_points)
        return err;
    size_t chains = s->n_points / qn_sweep_rungs(s);
    s->wanted = malloc((chains + 1) * sizeof *s->wanted);
    if (!s->wanted)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t c = 0; c < chains; c++)
        s->wanted[c] = replicas->i64[qn_sweep_chain_point(s, c, 0)];
    count_replicas(s);
    return 0;
}
