/* tdvp.c -- dynamics by the projected equation, S theta' = F (natural.h), integrated by Heun's rule with step doubling.
 *
 * A step of the core is a time step tau, cut into steps h of the integrator that fit into it; the error of one, in the norm of S, is kept below
 * `tol`.  All stages of a step see the same random numbers, so that their difference is not noise.  It is made stage by stage; a checkpoint
 * inside a step of the integrator goes back to its beginning, which leads to the same bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natural.h"
#include "trial.h"

enum { STAGES = 5 };

typedef struct run {
    povm_trial t;
    povm_natural *natural;
    double *at, *velocity[STAGES], *whole, *half; /* parameters of a stage; theta' of each; results of one step and of the first of two halves */
    int stage;
    int64_t steps, solves;
    double inside;                /* time since the last whole time step */
    double h;                     /* step that is tried next */
    povm_natural_result last;     /* of the first stage of the present step */
} run;

static void destroy(void *own)
{
    run *r = own;
    if (!r)
        return;
    if (r->t.net)
        povm_net_destroy(r->t.net);
    povm_natural_destroy(r->natural);
    free(r->at); /* one allocation for all vectors */
    povm_trial_free(&r->t);
    free(r);
}

static int create(const qn_params *p, const povm_problem *problem, qn_streams *s, void **own)
{
    run *r = *own = calloc(1, sizeof *r);
    if (!r)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    povm_net *net = NULL;
    r->last = (povm_natural_result){NAN, NAN, NAN};
    r->h = problem->tau / 4;
    int err = povm_trial_init(&r->t, p, problem);
    if (!err)
        err = povm_net_create(&r->t.shape, &net);
    if (!err)
        err = povm_trial_start(&r->t, p, net, s);
    if (!err)
        err = povm_natural_create(problem, net, &r->t.set, &r->natural);
    if (err)
        return err;
    size_t n = r->t.count;
    r->at = malloc((STAGES + 3) * n * sizeof *r->at);
    if (!r->at)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu parameters", n);
    for (int k = 0; k < STAGES; k++)
        r->velocity[k] = r->at + (size_t)(k + 1) * n;
    r->whole = r->at + (STAGES + 1) * n;
    r->half = r->at + (STAGES + 2) * n;
    return 0;
}

/* ---- a step of the integrator -------------------------------------------------------------------------------------------- */

/* out = x + a u + b v */
static void combine(size_t n, const double *x, double a, const double *u, double b, const double *v, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] + a * u[i] + b * v[i];
}

/* Parameters at which stage k is taken, h the whole step. */
static void place(run *r, int k, double h)
{
    size_t n = r->t.count;
    double **v = r->velocity, *theta = r->t.theta;
    switch (k) {
    case 0:
        memcpy(r->at, theta, n * sizeof *theta);
        break;
    case 1:
        combine(n, theta, h, v[0], 0, v[0], r->at);
        break;
    case 2:
        combine(n, theta, h / 2, v[0], 0, v[0], r->at);
        break;
    case 3:
        combine(n, theta, h / 4, v[0], h / 4, v[2], r->half);
        memcpy(r->at, r->half, n * sizeof *theta);
        break;
    default:
        combine(n, r->half, h / 2, v[3], 0, v[3], r->at);
    }
}

/* A step is no longer than what is left of tau, and leaves no remainder that is much shorter. */
static double step_of(const run *r)
{
    double left = r->t.problem->tau - r->inside;
    return r->h >= left * (1 - 1e-9) ? left : r->h > left / 2 ? left / 2 : r->h;
}

/* The five stages are known: the step is taken, or tried again with another h.  S is that of the last stage, close to the end of the step. */
static void conclude(run *r, double h)
{
    size_t n = r->t.count;
    double **v = r->velocity;
    combine(n, r->t.theta, h / 2, v[0], h / 2, v[1], r->whole);
    combine(n, r->half, h / 4, v[3], h / 4, v[4], r->at);
    for (size_t i = 0; i < n; i++)
        r->whole[i] -= r->at[i];
    double error = povm_natural_norm(r->natural, r->whole) / 3; /* of the two halves: order 2 */
    double change = 0.9 * cbrt(r->t.set.tol / fmax(error, 1e-300)), tried = h;
    bool good = error <= r->t.set.tol || h <= 1e-6 * r->t.problem->tau;
    if (!isfinite(error)) {
        povm_trial_sound(&r->t, NAN, 1);
        return;
    }
    r->h = fmax(tried * fmin(fmax(change, 0.2), 2), 1e-6 * r->t.problem->tau);
    r->t.drawn += povm_natural_blocks(r->natural);
    if (!good)
        return;
    memcpy(r->t.theta, r->at, n * sizeof *r->at);
    r->inside += h;
    if (r->inside >= r->t.problem->tau * (1 - 1e-9)) {
        r->inside = 0;
        r->steps++;
    }
}

static int stage(run *r, const qn_streams *s)
{
    povm_natural_result result;
    double h = step_of(r);
    place(r, r->stage, h);
    int err = povm_natural_at(r->natural, s, r->t.drawn, r->at, r->velocity[r->stage], &result);
    if (err)
        return err;
    r->solves++;
    if (r->stage == 0)
        r->last = result;
    if (!povm_trial_sound(&r->t, result.c, 1))
        return 0;
    if (++r->stage == STAGES) {
        conclude(r, h);
        r->stage = 0;
    }
    return 0;
}

static int64_t advance(void *own, qn_streams *s, int64_t most)
{
    (void)most;
    run *r = own;
    double from = povm_now(), now = from;
    int64_t steps = r->steps;
    while (r->steps == steps && now - from < povm_piece_s && povm_trial_done(&r->t) == QN_GOING) {
        int err = stage(r, s);
        if (err)
            return err;
        r->t.work += (double)r->t.set.batch;
        now = povm_now();
    }
    r->t.seconds += now - from;
    return povm_trial_done(&r->t) == QN_GOING ? r->steps - steps : 1;
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------- */

static bool provides(const qn_params *p, int obs)
{
    return povm_trial_provides(p, obs) || obs == POVM_O_RESIDUAL || obs == POVM_O_INNER;
}

static int measure(void *own, qn_streams *s, qn_record *record)
{
    run *r = own;
    qn_put(record, POVM_O_RESIDUAL, r->last.residual);
    qn_put(record, POVM_O_INNER, (double)r->solves);
    return povm_trial_measure(&r->t, r->t.theta, r->t.problem->tau * (double)r->steps, s, record);
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
    snprintf(text, size, "t = %.4g, h = %.2g, residual %.2g, %.3g strings/s", r->t.problem->tau * (double)r->steps + r->inside, r->h, r->last.residual,
             r->t.work / r->t.seconds);
}

static void cost(const qn_params *p, const povm_problem *problem, qn_cost *c)
{
    povm_variational v;
    povm_variational_read(p, problem, &v);
    povm_trial_cost(p, problem, 2 * STAGES, povm_natural_bytes(&v, problem, (double)povm_variational_parameters(&v)), c);
}

/* ---- checkpoints -------------------------------------------------------------------------------------------------------------- */

static int save(const void *own, qn_group *g)
{
    const run *r = own;
    int64_t counts[] = {r->steps, r->solves - r->stage};
    double numbers[] = {r->inside, r->h, r->last.c, r->last.c_err, r->last.residual};
    int err = povm_trial_save(&r->t, g);
    if (!err)
        err = qn_save_i64(g, "counts", sizeof counts / sizeof *counts, counts);
    return err ? err : qn_save_f64(g, "numbers", sizeof numbers / sizeof *numbers, numbers);
}

static int load(void *own, const qn_group *g)
{
    run *r = own;
    int64_t counts[2];
    double numbers[5];
    int err = povm_trial_load(&r->t, g);
    if (!err)
        err = qn_load_i64(g, "counts", 2, counts);
    if (!err)
        err = qn_load_f64(g, "numbers", 5, numbers);
    if (err)
        return err;
    r->steps = counts[0];
    r->solves = counts[1];
    r->inside = numbers[0];
    r->h = numbers[1];
    r->last = (povm_natural_result){numbers[2], numbers[3], numbers[4]};
    r->stage = 0;
    return 0;
}

const povm_task povm_tdvp = {
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
