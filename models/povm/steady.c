/* steady.c -- variational steady state: Adam on the objective sum_a |L P|(a), then, where asked for, steps of natural gradient.
 *
 * A step of the core is an iteration.  Beside the last parameters their mean over the last part of a period is kept (gradients of a sum of
 * magnitudes do not fade at the minimum), and those of the lowest objective where `report` asks for them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "descent.h"
#include "natural.h"
#include "objective.h"
#include "trial.h"

enum {
    LOOK_EVERY = 5,  /* iterations between estimates for the best parameters, in the last part of a period (the public program's rule) */
    LOOK_BATCHES = 4
};

typedef struct run {
    povm_trial t;
    povm_objective *objective;
    povm_natural *natural;
    povm_descent descent;
    double *grad, *first, *best;  /* gradient; first parameters; those of the lowest objective, where asked for */
    double best_c, lowest;        /* objective of best; lowest of a batch, and where */
    int64_t lowest_at;
    povm_estimate last;
    uint64_t evaluations;
} run;

static void destroy(void *own)
{
    run *r = own;
    if (!r)
        return;
    povm_objective_destroy(r->objective);
    povm_natural_destroy(r->natural);
    povm_descent_free(&r->descent);
    free(r->grad);
    free(r->first);
    free(r->best);
    povm_trial_free(&r->t);
    free(r);
}

/* Everything but theta as at the start. */
static void restart(run *r, double factor)
{
    povm_descent_restart(&r->descent, r->t.set.decay, r->t.set.restarts + 1, factor);
    r->lowest_at = 0;
    r->best_c = r->lowest = INFINITY;
    r->last = (povm_estimate){.value = NAN, .c = NAN, .ess = NAN};
    r->t.status = POVM_RAN;
}

static int create_rest(run *r)
{
    const povm_variational *v = &r->t.set;
    size_t bytes = (r->t.count + 1) * sizeof(double);
    int err = povm_descent_init(&r->descent, v, r->t.count);
    if (!err && v->polish)
        err = povm_natural_create(r->t.problem, r->t.net, v, &r->natural);
    if (err)
        return err;
    r->grad = malloc(bytes);
    r->first = malloc(bytes);
    r->best = malloc(bytes);
    if (!r->grad || !r->first || !r->best)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu parameters", r->t.count);
    memcpy(r->first, r->t.theta, r->t.count * sizeof *r->first);
    memcpy(r->best, r->t.theta, r->t.count * sizeof *r->best);
    restart(r, v->from ? v->continuation_lr : 1);
    return 0;
}

static int create(const qn_params *p, const povm_problem *problem, qn_streams *s, void **own)
{
    run *r = *own = calloc(1, sizeof *r);
    if (!r)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = povm_trial_init(&r->t, p, problem);
    if (err)
        return err;
    const povm_variational *v = &r->t.set;
    povm_objective_setup setup = {.problem = problem, .shape = &r->t.shape, .steady = true, .norm = v->norm, .control_variate = v->control_variate,
                                  .enumerate = v->enumerate, .batch = v->batch};
    err = povm_objective_create(&setup, &r->objective);
    if (!err)
        err = povm_trial_start(&r->t, p, povm_objective_net(r->objective), s);
    povm_objective_draw_from(r->objective, &r->t.source);
    return err ? err : create_rest(r);
}

/* ---- iterations --------------------------------------------------------------------------------------------------------- */

/* The parameters that are measured. */
static const double *reported(const run *r)
{
    switch (r->t.set.report) {
    case POVM_REPORT_AVERAGE:
        return povm_descent_mean(&r->descent, r->t.theta);
    case POVM_REPORT_BEST:
        return r->best_c < INFINITY ? r->best : r->t.theta;
    case POVM_REPORT_LAST:
        break;
    }
    return r->t.theta;
}

static void keep_best(run *r, const qn_streams *s)
{
    povm_estimate fresh;
    povm_objective_measure(r->objective, s, QN_STREAM_DYNAMICS, r->t.drawn, LOOK_BATCHES * r->t.set.batch, r->t.theta, &fresh);
    r->t.drawn += LOOK_BATCHES * povm_objective_blocks(r->objective);
    if (fresh.value < r->best_c) {
        r->best_c = fresh.value;
        memcpy(r->best, r->t.theta, r->t.count * sizeof *r->best);
    }
}

static void judge(run *r)
{
    const povm_variational *v = &r->t.set;
    if (r->last.c < r->lowest) {
        r->lowest = r->last.c;
        r->lowest_at = r->descent.i;
    }
    if (r->last.c < v->c_stop)
        r->t.status = POVM_CONVERGED;
    else if (v->patience && r->descent.i - r->lowest_at >= v->patience)
        r->t.status = POVM_NO_BETTER;
}

static void descend(run *r, const qn_streams *s)
{
    bool late = povm_descent_late(&r->descent);
    povm_objective_at(r->objective, s, QN_STREAM_DYNAMICS, r->t.drawn, r->t.theta, r->grad, &r->last);
    r->t.drawn += povm_objective_blocks(r->objective);
    if (!povm_trial_sound(&r->t, r->last.value, r->last.ess))
        return;
    povm_descent_step(&r->descent, r->grad, r->t.theta);
    if (late && r->t.set.report == POVM_REPORT_BEST && r->descent.i % LOOK_EVERY == 0)
        keep_best(r, s);
}

/* theta follows dP/dt = L P projected on the net; the noise of the steps is averaged from the first of them on. */
static int polish(run *r, const qn_streams *s)
{
    povm_natural_result result;
    povm_descent *d = &r->descent;
    if (d->i == d->period * d->periods) {
        memcpy(r->t.theta, povm_descent_mean(d, r->t.theta), r->t.count * sizeof *r->t.theta);
        d->terms = 0;
    }
    int err = povm_natural_at(r->natural, s, r->t.drawn, r->t.theta, r->grad, &result);
    if (err)
        return err;
    r->t.drawn += povm_natural_blocks(r->natural);
    r->last = (povm_estimate){.value = result.c, .c = result.c, .c_err = result.c_err, .ess = 1};
    if (!povm_trial_sound(&r->t, result.c, 1))
        return 0;
    for (size_t k = 0; k < r->t.count; k++)
        r->t.theta[k] += r->t.set.polish_step * r->grad[k];
    povm_descent_add(d, r->t.theta);
    d->i++;
    return 0;
}

static int iterate(run *r, const qn_streams *s)
{
    int err = 0;
    if (r->natural && povm_descent_place(&r->descent) == 1)
        err = polish(r, s);
    else
        descend(r, s);
    if (!err && povm_trial_done(&r->t) == QN_GOING)
        judge(r);
    return err;
}

static uint64_t counted(const run *r)
{
    return povm_objective_evaluations(r->objective) + (r->natural ? povm_natural_evaluations(r->natural) : 0);
}

static int64_t advance(void *own, qn_streams *s, int64_t most)
{
    run *r = own;
    double from = povm_now(), now = from;
    uint64_t before = counted(r);
    int64_t made = 0;
    while (made < most && now - from < povm_piece_s && povm_trial_done(&r->t) == QN_GOING) {
        int err = iterate(r, s);
        if (err)
            return err;
        made++;
        now = povm_now();
    }
    r->evaluations += counted(r) - before;
    r->t.work += (double)r->t.set.batch * (double)made;
    r->t.seconds += now - from;
    return made;
}

static int retune(void *own, const qn_params *p, const povm_problem *problem)
{
    run *r = own;
    int err = povm_trial_retune(&r->t, p, problem);
    if (err)
        return err;
    bool goes_on = r->t.set.continuation && povm_trial_done(&r->t) != QN_LOST;
    const double *from = goes_on ? reported(r) : r->first;
    if (from != r->t.theta)
        memcpy(r->t.theta, from, r->t.count * sizeof *from);
    povm_objective_retune(r->objective, problem);
    if (r->natural)
        povm_natural_retune(r->natural, problem);
    restart(r, goes_on ? r->t.set.continuation_lr : 1);
    return 0;
}

/* ---- measuring ------------------------------------------------------------------------------------------------------------ */

static bool provides(const qn_params *p, int obs)
{
    return povm_trial_provides(p, obs) || obs == POVM_O_C || obs == POVM_O_LOSS || obs == POVM_O_EVALUATIONS ||
           (obs >= POVM_O_C_AVERAGE && obs <= POVM_O_SZ_AVERAGE);
}

static int measure(void *own, qn_streams *s, qn_record *record)
{
    run *r = own;
    povm_trial *t = &r->t;
    qn_put(record, POVM_O_LOSS, r->last.value);
    qn_put(record, POVM_O_EVALUATIONS, (double)r->evaluations);
    if (t->set.c_samples) {
        povm_estimate fresh;
        povm_objective_measure(r->objective, s, QN_STREAM_MEASUREMENT, povm_trial_fresh(record) + POVM_FRESH_HALF, t->set.c_samples, reported(r), &fresh);
        qn_put_error(record, POVM_O_C, 0, fresh.c, fresh.c_err);
    }
    return povm_trial_measure(t, reported(r), (double)r->descent.i, s, record);
}

/* The averaged parameters, beside the reported ones; NaN before there are any. */
static int put_average(run *r, const qn_streams *s, qn_record *record)
{
    povm_estimate fresh;
    double rate[2];
    uint64_t first = povm_trial_fresh(record) + POVM_FRESH_LAST;
    if (r->descent.terms == 0 || povm_trial_done(&r->t) == QN_LOST)
        return 0;
    if (r->t.set.c_samples) {
        povm_objective_measure(r->objective, s, QN_STREAM_MEASUREMENT, first + POVM_FRESH_HALF, r->t.set.c_samples, r->descent.mean, &fresh);
        qn_put_error(record, POVM_O_C_AVERAGE, 0, fresh.c, fresh.c_err);
    }
    int err = povm_trial_look(&r->t, r->descent.mean, s, first, rate);
    for (int q = 0; q < 3 && !err; q++)
        qn_put_error(record, POVM_O_SX_AVERAGE + q, 0, povm_look_mean(r->t.look, POVM_O_SX + q, 0), povm_look_error(r->t.look, POVM_O_SX + q, 0));
    return err;
}

static int finish(void *own, qn_streams *s, qn_record *record)
{
    run *r = own;
    int err = put_average(r, s, record);
    return err ? err : povm_trial_finish(&r->t, reported(r), record);
}

static qn_end done(const void *own)
{
    const run *r = own;
    return povm_trial_done(&r->t);
}

static void progress(const void *own, char *text, size_t size)
{
    const run *r = own;
    snprintf(text, size, "C %.3g, %.3g strings/s", r->last.c, r->t.work / r->t.seconds);
}

static void cost(const qn_params *p, const povm_problem *problem, qn_cost *c)
{
    povm_trial_cost(p, problem, 0.75, 0, c);
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------------------ */

static int save(const void *own, qn_group *g)
{
    const run *r = own;
    int64_t counts[] = {r->lowest_at, (int64_t)r->evaluations};
    double numbers[] = {r->best_c, r->lowest, r->last.value, r->last.c, r->last.c_err, r->last.ess};
    int err = povm_trial_save(&r->t, g);
    if (!err)
        err = povm_descent_save(&r->descent, g);
    if (!err)
        err = qn_save_f64(g, "best", r->t.count, r->best);
    if (!err)
        err = qn_save_i64(g, "counts", sizeof counts / sizeof *counts, counts);
    return err ? err : qn_save_f64(g, "numbers", sizeof numbers / sizeof *numbers, numbers);
}

static int load(void *own, const qn_group *g)
{
    run *r = own;
    int64_t counts[2];
    double numbers[6];
    int err = povm_trial_load(&r->t, g);
    if (!err)
        err = povm_descent_load(&r->descent, g);
    if (!err)
        err = qn_load_f64(g, "best", r->t.count, r->best);
    if (!err)
        err = qn_load_i64(g, "counts", 2, counts);
    if (!err)
        err = qn_load_f64(g, "numbers", 6, numbers);
    if (err)
        return err;
    r->lowest_at = counts[0];
    r->evaluations = (uint64_t)counts[1];
    r->best_c = numbers[0];
    r->lowest = numbers[1];
    r->last = (povm_estimate){numbers[2], numbers[3], numbers[4], numbers[5]};
    return 0;
}

const povm_task povm_steady = {
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
    .retune = retune,
    .progress = progress,
};
