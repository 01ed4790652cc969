/* measure.c -- see measure.h.  Everything belongs to the present positions: the consensus, its weights and the spreads need no evaluation, only f
 * at the consensus does (not counted as a cost of the method). */
#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "implicit.h"

enum {
    C, F_C, ERR_2, ERR_INF, V, VAR, SPREAD_C, LOG_Z, N_EFF, ALPHA_T, SIGMA_T, BEST_F, SURVIVAL, C_NORM, OVERLAP, OVERLAP_MAX, SCORE,
    ALIGN_CLOUD, ALIGN_STEP, ALIGN_GRADIENT, G_HAT_NORM, RESID, TAU_T, CH_SATURATION,
    SUCCESS, HIT_TIME, RATE, MODES_FOUND, N_EVAL, N_NONFINITE, N_CUT, STATUS, LOST, BEST_X, N_OBSERVABLES
};

const qn_observable cbo_observables[] = {
    [C] = {"c", QN_CURVE, {QN_DIM_TIME, "component"}, "1", "c", "consensus point", 0},
    [F_C] = {"f_c", QN_CURVE, {QN_DIM_TIME}, "1", "f(c)", "f at the consensus; this evaluation is not counted", 0},
    [ERR_2] = {"err_2", QN_CURVE, {QN_DIM_TIME}, "1", "|c-x*|", "distance of the consensus from the nearest minimiser", 0},
    [ERR_INF] = {"err_inf", QN_CURVE, {QN_DIM_TIME}, "1", "|c-x*|_∞", "largest coordinate of that difference, for the minimiser where it is least", 0},
    [V] = {"V", QN_CURVE, {QN_DIM_TIME}, "1", "V", "(1/2N) sum |x - x*|^2 to the nearest minimiser; twice V is the squared Wasserstein distance", 0},
    [VAR] = {"Var", QN_CURVE, {QN_DIM_TIME}, "1", "Var", "(1/2N) sum |x - mean|^2", 0},
    [SPREAD_C] = {"spread_c", QN_CURVE, {QN_DIM_TIME}, "1", "V_c", "(1/2N) sum |x - c|^2", 0},
    [LOG_Z] = {"logZ", QN_CURVE, {QN_DIM_TIME}, "1", "log Z", "log of the mean weight exp(-alpha f)", 0},
    [N_EFF] = {"n_eff", QN_CURVE, {QN_DIM_TIME}, "1", "n_{eff}", "effective sample size of the weights", 0},
    [ALPHA_T] = {"alpha_t", QN_CURVE, {QN_DIM_TIME}, "1", "α(t)", "scheduled alpha of the consensus", 0},
    [SIGMA_T] = {"sigma_t", QN_CURVE, {QN_DIM_TIME}, "1", "σ(t)", "scheduled sigma of the last step", 0},
    [BEST_F] = {"best_f", QN_CURVE, {QN_DIM_TIME}, "1", "min f", "least f evaluated so far", 0},
    [SURVIVAL] = {"survival", QN_CURVE, {QN_DIM_TIME}, "1", "P(t_{hit}>t)", "the success criterion has not held so far: the survival curve of hit_time", 0},
    [C_NORM] = {"c_norm", QN_CURVE, {QN_DIM_TIME}, "1", "|c|/R", "length of the weighted mean in units of the sphere's radius, 1 at consensus", 0},
    [OVERLAP] = {"overlap", QN_CURVE, {QN_DIM_TIME, "pattern"}, "1", "m_μ", "overlap of the consensus with each pattern", 0},
    [OVERLAP_MAX] = {"overlap_max", QN_CURVE, {QN_DIM_TIME}, "1", "max_μ |m_μ|", "largest absolute overlap of the consensus with any pattern", 0},
    [SCORE] = {"score", QN_CURVE, {QN_DIM_TIME}, "1", "accuracy", "score of the consensus, accuracy on the test data of a learning objective", 0},
    [ALIGN_CLOUD] = {"align_cloud", QN_CURVE, {QN_DIM_TIME}, "1", "cos(c-m,-∇f)", "cosine of c - mean with -grad f(mean)", 0},
    [ALIGN_STEP] = {"align_step", QN_CURVE, {QN_DIM_TIME}, "1", "cos(Δc,-∇f)", "cosine of the last move of the consensus with -grad f where it began", 0},
    [ALIGN_GRADIENT] = {"align_gradient", QN_CURVE, {QN_DIM_TIME}, "1", "cos(g,∇f)", "cosine of the implicit gradient with grad f(mean)", 0},
    [G_HAT_NORM] = {"g_hat_norm", QN_CURVE, {QN_DIM_TIME}, "1", "|g|", "length of the implicit gradient -S^{-1}(c - mean)/alpha", 0},
    [RESID] = {"resid", QN_CURVE, {QN_DIM_TIME}, "1", "|r|", "length of c_{k+1} - c_k + tau_k grad f(c_k)", 0},
    [TAU_T] = {"tau_t", QN_CURVE, {QN_DIM_TIME}, "1", "τ", "tau_k of the last step, alpha tr S/d or the method's own", 0},
    [CH_SATURATION] = {"ch_saturation", QN_CURVE, {QN_DIM_TIME}, "1", "αs|∇f|/√(2 ln N)", "above 1 the best particle, not the gradient, limits the step", 0},
    [SUCCESS] = {"success", QN_OUTCOME, {0}, "1", "P_{success}", "the criterion of parameter success holds at the end", QN_BINARY},
    [HIT_TIME] = {"hit_time", QN_OUTCOME, {0}, "steps", "t_{hit}", "first step at which the criterion held; NaN: never (see survival)", 0},
    [RATE] = {"rate", QN_OUTCOME, {0}, "1", "rate", "minus the least-squares slope of log V over the measurements with V between 1e-1 and 1e-6 of its start", 0},
    [MODES_FOUND] = {"modes_found", QN_OUTCOME, {0}, "1", "modes", "minimisers with a particle within success_tol in every coordinate", 0},
    [N_EVAL] = {"n_eval", QN_OUTCOME, {0}, "1", "n_f", "evaluations of f; a gradient by formula counts as one, by differences as 2 d", 0},
    [N_NONFINITE] = {"n_nonfinite", QN_OUTCOME, {0}, "1", "n_{NaN}", "evaluations that were NaN or +inf and got weight 0", 0},
    [N_CUT] = {"n_cut", QN_OUTCOME, {0}, "1", "n_{cut}", "coordinates that were cut at position_cap", 0},
    [STATUS] = {"status", QN_OUTCOME, {0}, "1", "status",
                "why it ended: 0 all steps made, 1 stop_evaluations, 2 stop_consensus, 3 stop_spread, 4 stop_f, 5 stop_best, 6 lost (every f is NaN or +inf), 7 unbounded (an f is -inf)", 0},
    [LOST] = {"lost", QN_OUTCOME, {0}, "1", "P_{lost}", "the status is lost or unbounded", QN_BINARY},
    [BEST_X] = {"best_x", QN_OUTCOME, {"component"}, "1", "x_{best}", "point of the least f evaluated", 0},
    [N_OBSERVABLES] = {.name = NULL},
};

size_t cbo_dimension(const qn_params *p, const char *dim, double *values)
{
    const cbo_objective_kind *kind = cbo_objective_kind_of(p);
    size_t n = 0;
    if (!strcmp(dim, "component"))
        n = qn_bool(p, "keep_consensus") ? cbo_dimension_of(p) : 0;
    else if (qn_choice(p, "objective") == CBO_HEBBIAN && kind->scores) /* pattern */
        n = kind->scores(p);
    for (size_t k = 0; values && k < n; k++)
        values[k] = (double)(k + 1);
    return n;
}

bool cbo_provides(const qn_params *p, int obs)
{
    const cbo_objective_kind *kind = cbo_objective_kind_of(p);
    int objective = qn_choice(p, "objective");
    bool learning = objective == CBO_SOFTMAX || objective == CBO_MLP || objective == CBO_TEACHER;
    bool position = qn_choice(p, "success") != CBO_F_C;
    switch (obs) {
    case C: case BEST_X:
        return qn_bool(p, "keep_consensus");
    case ALIGN_CLOUD: case ALIGN_STEP: case ALIGN_GRADIENT: case G_HAT_NORM: case RESID: case TAU_T: case CH_SATURATION:
        return qn_bool(p, "implicit");
    case ALPHA_T:
        return qn_choice(p, "alpha_schedule") != CBO_ALPHA_FIXED;
    case SIGMA_T:
        return qn_choice(p, "sigma_cooling") != 0;
    case C_NORM:
        return qn_choice(p, "method") == CBO_METHOD_SPHERE;
    case OVERLAP: case OVERLAP_MAX:
        return objective == CBO_HEBBIAN;
    case SCORE:
        return learning && kind->scores && kind->scores(p) > 0;
    case ERR_2: case ERR_INF: case V: case RATE:
        return !learning;
    case SUCCESS: case HIT_TIME: case SURVIVAL:
        return !(learning && position);
    case MODES_FOUND:
        return qn_choice(p, "success") == CBO_MODE_COUNT;
    default:
        return true;
    }
}

/* ---- distances ------------------------------------------------------------------------------------------------------- */

/* The point that counts as the consensus; it may be s->point. */
static const double *answer(const cbo_state *s)
{
    if (!s->method->answer)
        return s->now.c;
    s->method->answer(s, s->point);
    return s->point;
}

static double distance2(const cbo_state *s, size_t i, const double *to)
{
    const double *x = cbo_tile(&s->e, i / CBO_LANES) + i % CBO_LANES;
    double sum = 0;
    for (size_t k = 0; k < s->d; k++)
        sum += (x[k * CBO_LANES] - to[k]) * (x[k * CBO_LANES] - to[k]);
    return sum;
}

/* (1/2N) sum |x - x*|^2 to the nearest minimiser. */
static double wide(const cbo_state *s)
{
    const cbo_objective *o = s->objective;
    if (!o->n_minimisers)
        return NAN;
    if (o->n_minimisers == 1)
        return cbo_cloud_trace(&s->e, o->minimiser) / 2;
    double sum = 0;
    for (size_t i = 0; i < s->e.n; i++) {
        double least = INFINITY;
        for (size_t j = 0; j < o->n_minimisers; j++)
            least = fmin(least, distance2(s, i, o->minimiser + j * s->d));
        sum += least;
    }
    return sum / (double)s->e.n / 2;
}

static bool near(const cbo_state *s, size_t i, const double *to)
{
    const double *x = cbo_tile(&s->e, i / CBO_LANES) + i % CBO_LANES;
    for (size_t k = 0; k < s->d; k++)
        if (!(fabs(x[k * CBO_LANES] - to[k]) < s->set.success_tol))
            return false;
    return true;
}

static size_t modes_found(const cbo_state *s)
{
    size_t found = 0;
    for (size_t j = 0; j < s->objective->n_minimisers; j++)
        for (size_t i = 0; i < s->e.n; i++)
            if (near(s, i, s->objective->minimiser + j * s->d)) {
                found++;
                break;
            }
    return found;
}

/* ---- success and ends ------------------------------------------------------------------------------------------------ */

static bool lost(const cbo_state *s)
{
    return s->stop == CBO_STOP_LOST || s->stop == CBO_STOP_UNBOUNDED;
}

/* Whether the criterion can be told: all but f_c need a known minimiser. */
static bool decidable(const cbo_state *s)
{
    return s->set.success == CBO_F_C || s->objective->n_minimisers > 0;
}

static bool succeeds(const cbo_state *s)
{
    double tol = s->set.success_tol, f_min = s->objective->f_min;
    if (lost(s) || !decidable(s))
        return false;
    switch (s->set.success) {
    case CBO_C_INF:
        return cbo_distance(s->objective, answer(s), true) < tol;
    case CBO_F_C:
        return cbo_value(s->objective, answer(s), s->work) - (isnan(f_min) ? 0 : f_min) < tol;
    case CBO_BEST_INF:
        return cbo_distance(s->objective, s->best_x, true) < tol;
    case CBO_MODE_COUNT:
        return modes_found(s) == s->objective->n_minimisers;
    }
    return false;
}

/* now.f_best belongs to a particle, as a rule now.best; a method whose consensus is of other points has told of them by cbo_try_point. */
static void keep_best(cbo_state *s)
{
    if (!(s->now.f_best < s->best_f))
        return;
    size_t i = s->now.best;
    if (s->e.f[i] != s->now.f_best)
        for (i = 0; i < s->e.n && s->e.f[i] != s->now.f_best;)
            i++;
    if (i == s->e.n)
        return;
    s->best_f = s->now.f_best;
    cbo_ensemble_point(&s->e, i, s->best_x);
}

static cbo_stop reason(cbo_state *s)
{
    const cbo_settings *set = &s->set;
    if (s->now.unbounded)
        return CBO_STOP_UNBOUNDED;
    if (s->now.lost)
        return CBO_STOP_LOST;
    if (set->stop_evaluations && s->evaluations >= (uint64_t)set->stop_evaluations)
        return CBO_STOP_EVALUATIONS;
    if (set->stop_consensus > 0 && s->still >= set->stop_patience)
        return CBO_STOP_CONSENSUS;
    if (set->stop_spread > 0 && cbo_cloud_trace(&s->e, s->now.c) / 2 < set->stop_spread)
        return CBO_STOP_SPREAD;
    if (set->stop_f > -INFINITY && cbo_value(s->objective, answer(s), s->work) < set->stop_f)
        return CBO_STOP_F;
    if (s->best_f < set->stop_best)
        return CBO_STOP_BEST;
    return CBO_RUNNING;
}

static void count_still(cbo_state *s)
{
    double most = 0;
    for (size_t k = 0; k < s->d; k++)
        most = fmax(most, fabs(s->now.c[k] - s->before[k]));
    s->still = most < s->set.stop_consensus ? s->still + 1 : 0;
}

void cbo_look(cbo_state *s)
{
    s->nonfinite += s->now.nonfinite;
    keep_best(s);
    if (s->steps == 0)
        s->v_start = wide(s);
    else if (s->set.stop_consensus > 0)
        count_still(s);
    s->stop = reason(s);
    if (s->hit_step < 0 && succeeds(s))
        s->hit_step = (int64_t)s->steps;
}

/* ---- measurement ----------------------------------------------------------------------------------------------------- */

/* log V against time on the window V in [1e-6, 1e-1] V_0, which ends where V first falls below it. */
static void fit_rate(cbo_state *s, double v)
{
    double t = (double)s->steps * s->set.dt, y = log(v);
    if (v < 1e-6 * s->v_start)
        s->fit_over = true;
    if (s->fit_over || !(v <= 1e-1 * s->v_start) || !isfinite(y))
        return;
    const double add[] = {1, t, t * t, y, t * y};
    for (size_t i = 0; i < 5; i++)
        s->fit[i] += add[i];
}

static double rate(const cbo_state *s)
{
    const double *f = s->fit;
    double det = f[0] * f[2] - f[1] * f[1];
    return f[0] >= 3 && det > 0 ? -(f[0] * f[4] - f[1] * f[3]) / det : NAN;
}

static int put_implicit(const cbo_state *s, qn_record *r)
{
    cbo_implicit x;
    int err = cbo_implicit_read(s, &x);
    if (err)
        return err;
    qn_put(r, ALIGN_CLOUD, x.align_cloud);
    qn_put(r, ALIGN_STEP, x.align_step);
    qn_put(r, ALIGN_GRADIENT, x.align_gradient);
    qn_put(r, G_HAT_NORM, x.g_hat_norm);
    qn_put(r, RESID, x.resid);
    qn_put(r, TAU_T, x.tau);
    qn_put(r, CH_SATURATION, x.ch_saturation);
    return 0;
}

static int put_scores(const cbo_state *s, const double *c, qn_record *r)
{
    const cbo_objective *o = s->objective;
    if (!o->score || !o->n_scores)
        return 0;
    double *x = malloc(o->n_scores * sizeof *x);
    if (!x)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    o->score(o, c, x);
    if (s->set.objective == CBO_HEBBIAN) {
        double most = 0;
        for (size_t k = 0; k < o->n_scores; k++)
            most = fmax(most, fabs(x[k]));
        qn_put_array(r, OVERLAP, o->n_scores, x);
        qn_put(r, OVERLAP_MAX, most);
    } else {
        qn_put(r, SCORE, x[0]);
    }
    free(x);
    return 0;
}

static double length(size_t d, const double *x)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

int cbo_measure(void *state, qn_streams *streams, qn_record *r)
{
    (void)streams;
    cbo_state *s = state;
    if (decidable(s))
        qn_put(r, SURVIVAL, s->hit_step < 0);
    qn_put(r, BEST_F, s->best_f);
    if (lost(s)) /* no consensus: NaN, here and from here on */
        return 0;
    double v = wide(s);
    const double *c = answer(s);
    qn_put(r, F_C, cbo_value(s->objective, c, s->work));
    qn_put(r, ERR_2, cbo_distance(s->objective, c, false));
    qn_put(r, ERR_INF, cbo_distance(s->objective, c, true));
    qn_put(r, V, v);
    qn_put(r, SPREAD_C, cbo_cloud_trace(&s->e, c) / 2);
    if (s->set.keep_consensus)
        qn_put_array(r, C, s->d, c);
    int err = put_scores(s, c, r);
    cbo_cloud_mean(&s->e, s->point2);
    qn_put(r, VAR, cbo_cloud_trace(&s->e, s->point2) / 2);
    qn_put(r, LOG_Z, s->now.log_z);
    qn_put(r, N_EFF, s->now.n_eff);
    qn_put(r, ALPHA_T, s->alpha);
    qn_put(r, SIGMA_T, s->sigma);
    if (s->set.method == CBO_METHOD_SPHERE)
        qn_put(r, C_NORM, length(s->d, s->now.c) / (s->objective->sphere ? sqrt((double)s->d) : 1));
    fit_rate(s, v);
    return err || !s->set.implicit ? err : put_implicit(s, r);
}

int cbo_finish(void *state, qn_streams *streams, qn_record *r)
{
    (void)streams;
    const cbo_state *s = state;
    if (decidable(s))
        qn_put(r, SUCCESS, succeeds(s));
    if (s->hit_step >= 0)
        qn_put(r, HIT_TIME, (double)s->hit_step);
    if (s->set.success == CBO_MODE_COUNT && decidable(s))
        qn_put(r, MODES_FOUND, (double)modes_found(s));
    qn_put(r, RATE, rate(s));
    qn_put(r, N_EVAL, (double)s->evaluations);
    qn_put(r, N_NONFINITE, (double)s->nonfinite);
    qn_put(r, N_CUT, (double)s->cut);
    qn_put(r, STATUS, (double)s->stop);
    qn_put(r, LOST, lost(s));
    if (s->set.keep_consensus)
        qn_put_array(r, BEST_X, s->d, s->best_x);
    return 0;
}
