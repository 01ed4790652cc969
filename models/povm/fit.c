/* fit.c -- a net fitted to a known P: the product state, or an exact one that fits into a list of all strings.
 *
 * likelihood   -E log P_theta + E log P over strings drawn from P, the relative entropy
 * squares      E (log P_theta - log P)^2 over the same strings
 *
 * A step of the core is an iteration of Adam on the schedule of `steady`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "descent.h"
#include "pauli.h"
#include "trial.h"

typedef struct run {
    povm_trial t;
    povm_descent descent;
    double *grad;
    double one[POVM_OUTCOMES];    /* of a site of the product state */
    size_t all;                   /* 0: the product state, of any length */
    double *p, *below;            /* [all] and the sum before each */
    size_t batch;                 /* enumerate: all */
    uint8_t *strings;             /* [batch][n] */
    double *target, *logp, *weight;
    double loss;
} run;

static void destroy(void *own)
{
    run *r = own;
    if (!r)
        return;
    if (r->t.net)
        povm_net_destroy(r->t.net);
    povm_descent_free(&r->descent);
    void *all[] = {r->grad, r->p, r->below, r->strings, r->target, r->logp, r->weight};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    povm_trial_free(&r->t);
    free(r);
}

/* All P(a); an exact state may have some of rounding below 0. */
static int make_target(run *r, const povm_problem *problem)
{
    const povm_variational *v = &r->t.set;
    int n = problem->lattice.n;
    povm_frame_product(&problem->frame, problem->start, r->one);
    if (v->target == POVM_TARGET_PRODUCT && !v->enumerate)
        return 0;
    r->all = povm_outcome_count(n, problem->frame.k);
    double *pauli = malloc(povm_outcome_count(n, 4) * sizeof *pauli);
    r->p = malloc(r->all * sizeof *r->p);
    r->below = malloc(r->all * sizeof *r->below);
    int err = pauli && r->p && r->below ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for %zu strings", r->all);
    if (!err && v->target == POVM_TARGET_PRODUCT)
        povm_outcome_product(problem, problem->start, r->p);
    else if (!err && (err = povm_pauli_solve(problem, v->target == POVM_TARGET_STEADY ? -1 : v->target_t, pauli)) == 0)
        err = povm_pauli_probabilities(&problem->frame, n, pauli, r->p);
    free(pauli);
    double sum = 0;
    for (size_t a = 0; !err && a < r->all; a++) {
        r->p[a] = fmax(r->p[a], 1e-300);
        r->below[a] = sum;
        sum += r->p[a];
    }
    return err;
}

static int create(const qn_params *p, const povm_problem *problem, qn_streams *s, void **own)
{
    run *r = *own = calloc(1, sizeof *r);
    if (!r)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    povm_net *net = NULL;
    r->loss = NAN;
    int err = povm_trial_init(&r->t, p, problem);
    if (!err)
        err = make_target(r, problem);
    if (!err)
        err = povm_net_create(&r->t.shape, &net);
    if (!err)
        err = povm_trial_start(&r->t, p, net, s);
    if (!err)
        err = povm_descent_init(&r->descent, &r->t.set, r->t.count);
    if (err)
        return err;
    povm_descent_restart(&r->descent, r->t.set.decay, r->t.set.restarts + 1, r->t.set.from ? r->t.set.continuation_lr : 1);
    r->batch = r->t.set.enumerate ? r->all : r->t.set.batch;
    r->grad = malloc((r->t.count + 1) * sizeof *r->grad);
    r->strings = malloc(r->batch * (size_t)problem->lattice.n);
    r->target = malloc(r->batch * sizeof *r->target);
    r->logp = malloc(r->batch * sizeof *r->logp);
    r->weight = malloc(r->batch * sizeof *r->weight);
    if (!r->grad || !r->strings || !r->target || !r->logp || !r->weight)
        return qn_fail(QN_ERR_NOMEM, "no memory for a batch of %zu strings", r->batch);
    return 0;
}

/* ---- strings of the target -------------------------------------------------------------------------------------------------- */

static void draw_product(run *r, qn_rng *rng, uint8_t *string, double *log_p)
{
    int n = r->t.shape.n, k = r->t.shape.k;
    *log_p = 0;
    for (int i = 0; i < n; i++) {
        double u = qn_rng_uniform(rng);
        int a = 0;
        while (a < k - 1 && u >= r->one[a])
            u -= r->one[a++];
        string[i] = (uint8_t)a;
        *log_p += log(fmax(r->one[a], 1e-300));
    }
}

static void draw_listed(run *r, qn_rng *rng, uint8_t *string, double *log_p)
{
    double u = qn_rng_uniform(rng);
    size_t lo = 0, hi = r->all; /* below[lo] <= u < below[hi] */
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->below[mid] <= u)
            lo = mid;
        else
            hi = mid;
    }
    povm_outcome_string(r->t.shape.n, r->t.shape.k, lo, string);
    *log_p = log(r->p[lo]);
}

static void draw(run *r, const qn_streams *s)
{
    size_t n = (size_t)r->t.shape.n;
    qn_rng rng;
    for (size_t b = 0; b < r->batch; b++) {
        if (r->t.set.enumerate) {
            povm_outcome_string(r->t.shape.n, r->t.shape.k, b, r->strings + b * n);
            r->target[b] = log(r->p[b]);
            continue;
        }
        if (b == 0)
            qn_stream_split(s, QN_STREAM_DYNAMICS, r->t.drawn++, &rng);
        if (r->all)
            draw_listed(r, &rng, r->strings + b * n, r->target + b);
        else
            draw_product(r, &rng, r->strings + b * n, r->target + b);
    }
}

/* ---- iterations ----------------------------------------------------------------------------------------------------------------- */

static void iterate(run *r, const qn_streams *s)
{
    bool squares = r->t.set.fit_norm == POVM_FIT_SQUARES;
    draw(r, s);
    povm_net_set(r->t.net, r->t.theta);
    povm_net_logp(r->t.net, r->batch, r->strings, r->logp);
    r->loss = 0;
    for (size_t b = 0; b < r->batch; b++) {
        double share = r->t.set.enumerate ? r->p[b] : 1 / (double)r->batch, off = r->logp[b] - r->target[b];
        r->loss += share * (squares ? off * off : -off);
        r->weight[b] = share * (squares ? 2 * off : -1);
    }
    memset(r->grad, 0, r->t.count * sizeof *r->grad);
    povm_net_grad(r->t.net, r->batch, r->strings, r->weight, r->grad);
    r->t.work += (double)r->batch;
    if (povm_trial_sound(&r->t, r->loss, 1))
        povm_descent_step(&r->descent, r->grad, r->t.theta);
}

static int64_t advance(void *own, qn_streams *s, int64_t most)
{
    run *r = own;
    double from = povm_now(), now = from;
    int64_t made = 0;
    for (; made < most && now - from < povm_piece_s && povm_trial_done(&r->t) == QN_GOING; now = povm_now(), made++)
        iterate(r, s);
    r->t.seconds += now - from;
    return made;
}

static const double *reported(const run *r)
{
    return r->t.set.report == POVM_REPORT_AVERAGE ? povm_descent_mean(&r->descent, r->t.theta) : r->t.theta;
}

static bool provides(const qn_params *p, int obs)
{
    return povm_trial_provides(p, obs) || obs == POVM_O_LOSS;
}

static int measure(void *own, qn_streams *s, qn_record *record)
{
    run *r = own;
    qn_put(record, POVM_O_LOSS, r->loss);
    return povm_trial_measure(&r->t, reported(r), (double)r->descent.i, s, record);
}

static int finish(void *own, qn_streams *s, qn_record *record)
{
    (void)s;
    run *r = own;
    return povm_trial_finish(&r->t, reported(r), record);
}

static qn_end done(const void *own)
{
    const run *r = own;
    return povm_trial_done(&r->t);
}

static void progress(const void *own, char *text, size_t size)
{
    const run *r = own;
    snprintf(text, size, "loss %.3g, %.3g strings/s", r->loss, r->t.work / r->t.seconds);
}

static void cost(const qn_params *p, const povm_problem *problem, qn_cost *c)
{
    povm_variational v;
    povm_variational_read(p, problem, &v);
    povm_trial_cost(p, problem, 0.1, 0, c);
}

static int save(const void *own, qn_group *g)
{
    const run *r = own;
    int err = povm_trial_save(&r->t, g);
    if (!err)
        err = povm_descent_save(&r->descent, g);
    return err ? err : qn_save_f64(g, "loss", 1, &r->loss);
}

static int load(void *own, const qn_group *g)
{
    run *r = own;
    int err = povm_trial_load(&r->t, g);
    if (!err)
        err = povm_descent_load(&r->descent, g);
    return err ? err : qn_load_f64(g, "loss", 1, &r->loss);
}

const povm_task povm_fit = {
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
