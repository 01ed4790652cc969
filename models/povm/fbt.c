/* fbt.c -- dynamics by the implicit trapezoid rule: each time step finds parameters with (1 - tau/2 L) P = (1 + tau/2 L) P' (forward-backward
 * trapezoid; Luo, Chen, Carrasquilla & Clark 2022).
 *
 * A step of the core is a time step, `inner` iterations of Adam from the parameters of the last one.  It is made in pieces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "descent.h"
#include "objective.h"
#include "trial.h"

typedef struct run {
    povm_trial t;
    povm_objective *objective;
    povm_descent descent;
    double *before, *grad;        /* parameters of the last time step; gradient */
    int64_t steps;                /* time steps done */
    bool inside;                  /* one has begun */
    uint64_t first;               /* block of the dynamics where the present time step began */
    bool ready;                   /* the objective has its P' */
    double best, c_sum;           /* lowest loss of this time step */
    int64_t best_at, inner_done;
    povm_estimate last;           /* of the last iteration */
    uint64_t evaluations;         /* positions of the net, in optimising */
} run;

static void destroy(void *own)
{
    run *r = own;
    if (!r)
        return;
    povm_objective_destroy(r->objective);
    povm_descent_free(&r->descent);
    free(r->before);
    free(r->grad);
    povm_trial_free(&r->t);
    free(r);
}

static int create(const qn_params *p, const povm_problem *problem, qn_streams *s, void **own)
{
    run *r = *own = calloc(1, sizeof *r);
    if (!r)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    r->last = (povm_estimate){.value = NAN, .c = NAN, .ess = NAN};
    int err = povm_trial_init(&r->t, p, problem);
    if (err)
        return err;
    const povm_variational *v = &r->t.set;
    povm_objective_setup setup = {.problem = problem, .shape = &r->t.shape, .norm = v->norm, .proposal = v->proposal,
                                  .control_variate = v->control_variate, .enumerate = v->enumerate, .batch = v->batch};
    err = povm_objective_create(&setup, &r->objective);
    if (!err)
        err = povm_trial_start(&r->t, p, povm_objective_net(r->objective), s);
    if (!err)
        err = povm_descent_init(&r->descent, v, r->t.count);
    if (!err)
        povm_descent_restart(&r->descent, v->inner, 1, 1);
    r->before = malloc((r->t.count + 1) * sizeof *r->before);
    r->grad = malloc((r->t.count + 1) * sizeof *r->grad);
    return err || (r->before && r->grad) ? err : qn_fail(QN_ERR_NOMEM, "no memory for %zu parameters", r->t.count);
}

/* ---- a time step ------------------------------------------------------------------------------------------------------ */

static void begin(run *r)
{
    memcpy(r->before, r->t.theta, r->t.count * sizeof *r->before);
    povm_descent_restart(&r->descent, r->t.set.inner, 1, 1);
    r->first = r->t.drawn;
    r->t.drawn += povm_objective_blocks(r->objective);
    r->ready = false;
    r->best = INFINITY;
    r->best_at = 0;
}

/* Whether another iteration follows; by the objective of the last one. */
static bool going(run *r)
{
    const povm_variational *v = &r->t.set;
    if (r->last.c < r->best) {
        r->best = r->last.c;
        r->best_at = r->descent.i;
    }
    return r->descent.i < v->inner && !(r->last.c < v->c_stop) && (v->patience == 0 || r->descent.i - r->best_at < v->patience);
}

static bool iterate(run *r, const qn_streams *s)
{
    const povm_variational *v = &r->t.set;
    povm_objective_at(r->objective, s, QN_STREAM_DYNAMICS, r->t.drawn, r->t.theta, r->grad, &r->last);
    r->t.drawn += povm_objective_blocks(r->objective);
    if (!povm_trial_sound(&r->t, r->last.value, r->last.ess))
        return false;
    povm_descent_step(&r->descent, r->grad, r->t.theta);
    r->t.work += (double)v->batch;
    return going(r);
}

/* The drift grows by C of fresh strings at the parameters that go on. */
static void end(run *r, const qn_streams *s)
{
    povm_estimate fresh;
    if (r->t.set.report == POVM_REPORT_AVERAGE && r->descent.terms)
        memcpy(r->t.theta, r->descent.mean, r->t.count * sizeof *r->t.theta);
    povm_objective_measure(r->objective, s, QN_STREAM_DYNAMICS, r->t.drawn, r->t.set.batch, r->t.theta, &fresh);
    r->t.drawn += povm_objective_blocks(r->objective);
    r->c_sum += fresh.c;
    r->inner_done = r->descent.i;
    r->inside = false;
    r->steps++;
    povm_trial_sound(&r->t, fresh.c, fresh.ess);
}

/* P' into the objective: at the beginning of a time step, and again after a checkpoint was loaded. */
static void renew(run *r, const qn_streams *s)
{
    if (!r->ready)
        povm_objective_begin(r->objective, s, r->first, r->before);
    r->ready = true;
}

static int64_t advance(void *own, qn_streams *s, int64_t most)
{
    (void)most;
    run *r = own;
    double from = povm_now(), now = from;
    if (!r->inside)
        begin(r);
    r->inside = true;
    renew(r, s);
    bool more = true;
    uint64_t counted = povm_objective_evaluations(r->objective);
    while (more && now - from < povm_piece_s) {
        more = iterate(r, s);
        now = povm_now();
    }
    r->t.seconds += now - from;
    if (!more && povm_trial_done(&r->t) == QN_GOING)
        end(r, s);
    r->evaluations += povm_objective_evaluations(r->objective) - counted;
    return !more;
}

/* ---- measuring ---------------------------------------------------------------------------------------------------------- */

static bool provides(const qn_params *p, int obs)
{
    return povm_trial_provides(p, obs) || obs == POVM_O_C || obs == POVM_O_C_SUM || obs == POVM_O_ESS || obs == POVM_O_LOSS || obs == POVM_O_EVALUATIONS ||
           obs == POVM_O_INNER;
}

static int measure(void *own, qn_streams *s, qn_record *record)
{
    run *r = own;
    povm_trial *t = &r->t;
    qn_put(record, POVM_O_EVALUATIONS, (double)r->evaluations);
    if (t->set.c_samples && r->steps > 0) {
        povm_estimate fresh;
        renew(r, s);
        povm_objective_measure(r->objective, s, QN_STREAM_MEASUREMENT, povm_trial_fresh(record) + POVM_FRESH_HALF, t->set.c_samples, t->theta, &fresh);
        qn_put_error(record, POVM_O_C, 0, fresh.c, fresh.c_err);
        qn_put(record, POVM_O_ESS, fresh.ess);
    }
    qn_put(record, POVM_O_C_SUM, r->c_sum);
    qn_put(record, POVM_O_LOSS, r->last.value);
    qn_put(record, POVM_O_INNER, (double)r->inner_done);
    return povm_trial_measure(t, t->theta, t->problem->tau * (double)r->steps, s, record);
}

static int finish(void *own, qn_streams *s, qn_record *record)
{
    (void)s;
    run *r = own;
    return povm_trial_finish(&r->t, r->t.theta, record);
}

static qn_end done(const void *own)
{
    const run *r = own;
    return povm_trial_done(&r->t);
}

static void progress(const void *own, char *text, size_t size)
{
    const run *r = own;
    snprintf(text, size, "t = %.4g, iteration %lld of %lld, C %.3g, %.3g strings/s", r->t.problem->tau * (double)r->steps, (long long)r->descent.i,
             (long long)r->t.set.inner, r->last.c, r->t.work / r->t.seconds);
}

static void cost(const qn_params *p, const povm_problem *problem, qn_cost *c)
{
    povm_variational v;
    povm_variational_read(p, problem, &v);
    povm_trial_cost(p, problem, (double)v.inner * (v.proposal == POVM_Q_OLD ? 1 : 4.0 / 3), 0, c);
}

/* ---- checkpoints ---------------------------------------------------------------------------------------------------------- */

static int save(const void *own, qn_group *g)
{
    const run *r = own;
    int64_t counts[] = {r->steps, r->inside, (int64_t)r->first, r->best_at, r->inner_done, (int64_t)r->evaluations};
    double sums[] = {r->best, r->c_sum, r->last.value, r->last.c, r->last.c_err, r->last.ess};
    int err = povm_trial_save(&r->t, g);
    if (!err)
        err = povm_descent_save(&r->descent, g);
    if (!err)
        err = qn_save_f64(g, "before", r->t.count, r->before);
    if (!err)
        err = qn_save_i64(g, "counts", sizeof counts / sizeof *counts, counts);
    return err ? err : qn_save_f64(g, "sums", sizeof sums / sizeof *sums, sums);
}

static int load(void *own, const qn_group *g)
{
    run *r = own;
    int64_t counts[6];
    double sums[6];
    int err = povm_trial_load(&r->t, g);
    if (!err)
        err = povm_descent_load(&r->descent, g);
    if (!err)
        err = qn_load_f64(g, "before", r->t.count, r->before);
    if (!err)
        err = qn_load_i64(g, "counts", 6, counts);
    if (!err)
        err = qn_load_f64(g, "sums", 6, sums);
    if (err)
        return err;
    r->steps = counts[0];
    r->inside = counts[1];
    r->first = (uint64_t)counts[2];
    r->best_at = counts[3];
    r->inner_done = counts[4];
    r->evaluations = (uint64_t)counts[5];
    r->best = sums[0];
    r->c_sum = sums[1];
    r->last = (povm_estimate){sums[2], sums[3], sums[4], sums[5]};
    r->ready = false;
    return 0;
}

const povm_task povm_fbt = {
    .check = povm_variational_check,
    .cost = cost,
    .provides = provides,
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .measure = measure,
    .finish = finish,
    .done = done,
    .save = save,
    .load = load,
    .progress = progress,
};
