/* objective.c -- see objective.h. */
#include "objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "estimator.h"
#include "outcome.h"

struct povm_objective {
    povm_objective_setup set;
    povm_net *net, *old;             /* P and P' */
    povm_source own, *source;        /* of strings of P */
    povm_estimator now, then;
    uint8_t *strings;                /* [batch][n] */
    double *logp, *logp_old;         /* [batch] */
    double *local, *local_old;
    double *base, *chain;
    bool kept;                       /* strings, logp_old and local_old hold the batch of `old` of this time step */
    size_t all;                      /* strings, where they are summed over */
    double *p, *p_old, *d, *work;    /* [all] */
    double *lp_old;                  /* (1 + tau/2 L) P' */
};

/* ---- life ---------------------------------------------------------------------------------------------------------- */

void povm_objective_destroy(povm_objective *o)
{
    if (!o)
        return;
    povm_net_destroy(o->net);
    povm_net_destroy(o->old);
    povm_estimator_free(&o->now);
    povm_estimator_free(&o->then);
    void *all[] = {o->strings, o->logp, o->logp_old, o->local, o->local_old, o->base, o->chain, o->p, o->p_old, o->d, o->work, o->lp_old};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(o);
}

static int make_samples(povm_objective *o)
{
    const povm_problem *problem = o->set.problem;
    size_t batch = o->set.batch;
    double **numbers[] = {&o->logp, &o->logp_old, &o->local, &o->local_old, &o->base, &o->chain};
    bool fits = (o->strings = malloc(batch * (size_t)problem->lattice.n)) != NULL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fits &= (*numbers[i] = malloc(batch * sizeof(double))) != NULL;
    if (!fits)
        return qn_fail(QN_ERR_NOMEM, "no memory for a batch of %zu strings", batch);
    int err = povm_estimator_init(&o->now, problem, o->net, batch);
    return err || o->set.steady ? err : povm_estimator_init(&o->then, problem, o->old, batch);
}

static int make_all(povm_objective *o)
{
    const povm_problem *problem = o->set.problem;
    o->all = povm_outcome_count(problem->lattice.n, problem->frame.k);
    double **numbers[] = {&o->p, &o->p_old, &o->d, &o->work, &o->lp_old};
    bool fits = o->all <= POVM_MOST_STRINGS && (o->strings = malloc(o->all * (size_t)problem->lattice.n)) != NULL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fits = fits && (*numbers[i] = calloc(o->all, sizeof(double))) != NULL;
    if (!fits)
        return qn_fail(QN_ERR_NOMEM, "no memory for all %d^%d strings", problem->frame.k, problem->lattice.n);
    for (size_t s = 0; s < o->all; s++)
        povm_outcome_string(problem->lattice.n, problem->frame.k, s, o->strings + s * (size_t)problem->lattice.n);
    return 0;
}

int povm_objective_create(const povm_objective_setup *s, povm_objective **out)
{
    povm_objective *o = *out = calloc(1, sizeof *o);
    if (!o)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    o->set = *s;
    if (s->steady)
        o->set.proposal = POVM_Q_CURRENT;
    int err = povm_net_create(s->shape, &o->net);
    if (!err && !s->steady)
        err = povm_net_create(s->shape, &o->old);
    o->own = (povm_source){.net = o->net};
    o->source = &o->own;
    if (!err)
        err = s->enumerate ? make_all(o) : make_samples(o);
    return err;
}

double povm_objective_bytes(const povm_objective_setup *s, double parameters)
{
    double all = (double)povm_outcome_count(s->problem->lattice.n, s->problem->frame.k), batch = (double)s->batch;
    double strings = s->enumerate ? all * (s->problem->lattice.n + 40) : batch * 48 + povm_estimator_bytes(s->problem, batch) * (s->steady ? 1 : 2);
    return strings + parameters * 8 * (POVM_SLOTS + 4) * (s->steady ? 1 : 2);
}

void povm_objective_draw_from(povm_objective *o, povm_source *source)
{
    o->source = source;
}

void povm_objective_retune(povm_objective *o, const povm_problem *problem)
{
    o->set.problem = o->now.problem = o->then.problem = problem;
    o->kept = false;
}

povm_net *povm_objective_net(povm_objective *o)
{
    return o->net;
}

uint64_t povm_objective_evaluations(const povm_objective *o)
{
    return o->now.evaluations + o->then.evaluations;
}

void povm_objective_plain(povm_objective *o)
{
    o->now.tree = o->then.tree = false;
}

static uint64_t blocks_of(size_t strings)
{
    return (strings + POVM_BLOCK - 1) / POVM_BLOCK;
}

uint64_t povm_objective_blocks(const povm_objective *o)
{
    return o->set.enumerate ? 0 : blocks_of(o->set.batch) + 1; /* both halves of `mix` begin a block */
}

/* ---- all strings --------------------------------------------------------------------------------------------------- */

static void probabilities(povm_objective *o, povm_net *net, double *p)
{
    povm_net_logp(net, o->all, o->strings, p);
    for (size_t s = 0; s < o->all; s++)
        p[s] = exp(p[s]);
}

/* out = x + factor L x (steady: L x) */
static void trapezoid(povm_objective *o, const double *x, double factor, double *out)
{
    povm_outcome_apply(o->set.problem, x, out);
    for (size_t s = 0; !o->set.steady && s < o->all; s++)
        out[s] = x[s] + factor * out[s];
}

static double proposal_of(const povm_objective *o, size_t s)
{
    switch (o->set.proposal) {
    case POVM_Q_CURRENT:
        return o->p[s];
    case POVM_Q_OLD:
        return o->p_old[s];
    case POVM_Q_MIX:
        break;
    }
    return (o->p[s] + o->p_old[s]) / 2;
}

static void sum_all(povm_objective *o, double *grad, povm_estimate *out)
{
    double half = o->set.problem->tau / 2, w2 = 0;
    probabilities(o, o->net, o->p);
    trapezoid(o, o->p, -half, o->d);
    *out = (povm_estimate){0};
    for (size_t s = 0; s < o->all; s++) {
        double d = o->d[s] - (o->set.steady ? 0 : o->lp_old[s]), q = proposal_of(o, s);
        out->c += fabs(d);
        out->value += o->set.norm == POVM_L1 ? fabs(d) : d * d / q;
        w2 += o->p[s] * o->p[s] / q;
        o->d[s] = o->set.norm == POVM_L1 ? (d > 0) - (d < 0) : 2 * d / q;
    }
    out->ess = 1 / w2;
    if (!grad)
        return;
    povm_outcome_apply_transposed(o->set.problem, o->d, o->work);
    for (size_t s = 0; s < o->all; s++)
        o->work[s] = o->p[s] * (o->set.steady ? o->work[s] : o->d[s] - half * o->work[s]);
    povm_net_grad(o->net, o->all, o->strings, o->work, grad);
}

/* ---- samples ------------------------------------------------------------------------------------------------------- */

/* Draws the batch and fills logp, local and their old counterparts. */
static void draw(povm_objective *o, const qn_streams *s, qn_purpose purpose, uint64_t first)
{
    size_t n = o->set.batch, half = o->set.proposal == POVM_Q_MIX ? n / 2 : o->set.proposal == POVM_Q_OLD ? n : 0;
    bool again = o->kept && purpose == QN_STREAM_DYNAMICS;
    if (!again) {
        if (half)
            povm_net_sample(o->old, s, purpose, first, half, o->strings, o->logp_old);
        if (half < n)
            povm_source_draw(o->source, s, purpose, first + blocks_of(half), n - half, o->strings + half * (size_t)o->set.problem->lattice.n,
                             o->logp + half);
        if (!o->set.steady)
            povm_estimator_local(&o->then, n, o->strings, o->logp_old, o->local_old);
        o->kept = o->set.proposal == POVM_Q_OLD && purpose == QN_STREAM_DYNAMICS;
    }
    povm_estimator_local(&o->now, n, o->strings, o->logp, o->local);
}

/* D/q of string s, and P/q. */
static double residual(const povm_objective *o, size_t s, double *w)
{
    *w = 1;
    if (o->set.steady)
        return o->local[s];
    double up = o->logp[s], down = o->logp_old[s], half = o->set.problem->tau / 2, q = up;
    if (o->set.proposal == POVM_Q_OLD)
        q = down;
    if (o->set.proposal == POVM_Q_MIX)
        q = fmax(up, down) + log((1 + exp(-fabs(up - down))) / 2);
    *w = exp(up - q);
    return *w * (1 - half * o->local[s]) - exp(down - q) * (1 + half * o->local_old[s]);
}

typedef struct sums {
    double n, c, c2, value, w, w2, excess; /* excess: largest factor of the variance by correlations */
} sums;

/* Adds the batch to the sums; D/q goes to chain, P/q to base. */
static void add_batch(povm_objective *o, sums *t)
{
    for (size_t s = 0; s < o->set.batch; s++) {
        double w, d = residual(o, s, &w);
        t->c += fabs(d);
        t->c2 += d * d;
        t->w += w;
        t->w2 += w * w;
        o->chain[s] = d;
        o->base[s] = w;
    }
    if (povm_source_correlated(o->source)) {
        for (size_t s = 0; s < o->set.batch; s++)
            o->logp_old[s] = fabs(o->chain[s]);
        t->excess = fmax(t->excess, povm_source_excess(o->source, o->set.batch, o->logp_old));
    }
    t->n += (double)o->set.batch;
    t->value = o->set.norm == POVM_L1 ? t->c : t->c2;
}

static void estimate_of(const sums *t, povm_estimate *out)
{
    *out = (povm_estimate){.value = t->value / t->n, .c = t->c / t->n, .ess = t->w * t->w / (t->n * t->w2)};
    out->c_err = sqrt(fmax(t->c2 / t->n - out->c * out->c, 0) / (t->n - 1) * fmax(t->excess, 1));
}

static void gradient(povm_objective *o, double *grad)
{
    size_t n = o->set.batch;
    double mean = 0, left = 1 / (double)n, half = o->set.problem->tau / 2, total = 0;
    bool unnormalised = o->set.shape->ansatz == POVM_RBM;
    if (o->set.norm == POVM_L1 && o->set.control_variate) {
        for (size_t s = 0; s < n; s++)
            mean += ((o->chain[s] > 0) - (o->chain[s] < 0)) / (double)n;
        left = 1 / (double)(n - 1); /* s_i - mean of the others = n/(n-1) (s_i - mean of all) */
    }
    for (size_t s = 0; s < n; s++) {
        double d = o->chain[s], sigma = o->set.norm == POVM_L1 ? ((d > 0) - (d < 0) - mean) * left : 2 * d / (double)n;
        o->chain[s] = sigma * o->base[s] * (o->set.steady ? 1 : -half);
        o->base[s] = o->set.steady ? 0 : sigma * o->base[s];
        total += sigma * d;
    }
    for (size_t s = 0; unnormalised && s < n; s++) /* less C grad log Z, grad log Z = E grad log P */
        o->base[s] -= total / (double)n;
    povm_estimator_grad(&o->now, n, o->strings, o->logp, o->base, o->chain, grad);
}

/* ---- the calls ------------------------------------------------------------------------------------------------------ */

void povm_objective_begin(povm_objective *o, const qn_streams *s, uint64_t first, const double *theta)
{
    povm_net_set(o->old, theta);
    o->kept = false;
    if (o->set.enumerate) {
        probabilities(o, o->old, o->p_old);
        trapezoid(o, o->p_old, o->set.problem->tau / 2, o->lp_old);
    } else if (o->set.proposal == POVM_Q_OLD) {
        povm_source_set(o->source, theta);
        draw(o, s, QN_STREAM_DYNAMICS, first);
    }
}

void povm_objective_at(povm_objective *o, const qn_streams *s, qn_purpose purpose, uint64_t first, const double *theta, double *grad,
                       povm_estimate *out)
{
    sums t = {0};
    povm_source_set(o->source, theta);
    if (grad)
        memset(grad, 0, povm_net_count(o->net) * sizeof *grad);
    if (o->set.enumerate) {
        sum_all(o, grad, out);
        return;
    }
    draw(o, s, purpose, first);
    add_batch(o, &t);
    estimate_of(&t, out);
    if (grad)
        gradient(o, grad);
}

void povm_objective_measure(povm_objective *o, const qn_streams *s, qn_purpose purpose, uint64_t first, size_t strings, const double *theta,
                            povm_estimate *out)
{
    sums t = {0};
    povm_source_set(o->source, theta);
    if (o->set.enumerate) {
        sum_all(o, NULL, out);
        return;
    }
    if (purpose == QN_STREAM_MEASUREMENT)
        povm_source_measure(o->source, s, first);
    for (size_t done = 0; done < strings || done == 0; done += o->set.batch, first += povm_objective_blocks(o)) {
        o->kept = false;
        draw(o, s, purpose, first);
        add_batch(o, &t);
    }
    o->kept = false;
    estimate_of(&t, out);
}
