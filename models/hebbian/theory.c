/* theory.c -- the table of theoretical quantities and the call that fills it (see theory.h). */
#include "theory.h"

#include <math.h>

#include <gsl/gsl_math.h>

#include "settings.h"
#include "theory_parts.h"

const qn_quantity heb_quantities[] = {
    [HEB_Q_M] = {"m", "1", "m", "overlap with the nominated pattern", NULL},
    [HEB_Q_M_ABS] = {"m_abs", "1", "|m|", "absolute overlap with the nominated pattern", NULL},
    [HEB_Q_Q] = {"q", "1", "q", "overlap of two replicas of the same patterns", NULL},
    [HEB_Q_U] = {"u", "1", "u", "energy per spin", NULL},
    [HEB_Q_F] = {"f", "1", "f", "free energy per spin", NULL},
    [HEB_Q_F_REST] = {"f_rest", "1", "f_{m=0}", "free energy per spin of the state without retrieval", NULL},
    [HEB_Q_REPLICON] = {"replicon", "1", "λ", "stability against replica symmetry breaking; unstable below 0", NULL},
    [HEB_Q_CROSSTALK] = {"crosstalk", "1", "Σ_{μ≥2} m_μ^2", "summed squared overlaps with the other patterns (P = 2)", NULL},
    [HEB_Q_ONE_STEP] = {"one_step", "1", "m(1)", "overlap after one parallel step, all spins of the start set along their fields at once", NULL},
    [HEB_Q_STABILITY] = {"stability", "1", "P(ξh>0)", "fraction of spins along their fields in the pattern", NULL},
    [HEB_Q_LOAD_SPINODAL] = {"load_spinodal", "1", "γ_M", "load below which retrieval exists (0: nowhere)", "load"},
    [HEB_Q_M_SPINODAL] = {"m_spinodal", "1", "m_M", "overlap where retrieval ends", NULL},
    [HEB_Q_LOAD_COEXISTENCE] = {"load_coexistence", "1", "γ_c", "load below which retrieval is the ground phase (0: nowhere)", "load"},
    [HEB_Q_LOAD_REPLICON] = {"load_replicon", "1", "γ_{AT}", "load from which replica symmetry breaks, in the state of retrieval", "load"},
    [HEB_Q_T_GLASS] = {"T_glass", "1", "T_s", "temperature of the glass transition", "T"},
    [HEB_Q_T_DYNAMIC] = {"T_dynamic", "1", "T_d", "temperature of the dynamic glass transition", "T"},
    [HEB_Q_NU] = {"nu", "1", "ν", "overlap with the examples of the pattern over the norm of their mean, n/R^{1/2}", NULL},
    [HEB_Q_MEAN] = {"n", "1", "n", "overlap with the examples of the pattern, their mean", NULL},
    [HEB_Q_M_BINOMIAL] = {"m_binomial", "1", "m", "overlap with the nominated pattern for this number of examples (up to 64), without their central limit", NULL},
    [HEB_Q_NU_BINOMIAL] = {"nu_binomial", "1", "ν", "overlap with the examples for this number of them", NULL},
    [HEB_Q_ONE_STEP_BINOMIAL] = {"one_step_binomial", "1", "m(1)", "overlap after one parallel step for this number of examples", NULL},
    [HEB_Q_LOAD_SPINODAL_RSB] = {"load_spinodal_rsb", "1", "γ_M^{1RSB}", "load below which retrieval exists with one step of replica symmetry breaking (T = 0)", "load"},
    [HEB_Q_M_RSB] = {"m_rsb", "1", "m", "overlap with the nominated pattern, with one step of replica symmetry breaking (T = 0)", NULL},
    [HEB_Q_Q0_RSB] = {"q_between_rsb", "1", "q_1", "overlap of two states of retrieval, with one step of replica symmetry breaking (T = 0)", NULL},
    [HEB_Q_Q_RSB] = {"q_within_rsb", "1", "q_2", "overlap within one state of retrieval, with one step of replica symmetry breaking (T = 0)", NULL},
    [HEB_Q_Y_RSB] = {"y_rsb", "1", "x/T", "Parisi parameter of retrieval over T, one step of replica symmetry breaking", NULL},
    [HEB_Q_F_RSB] = {"f_rsb", "1", "f", "free energy per spin of retrieval, with one step of replica symmetry breaking (T = 0)", NULL},
    [HEB_QUANTITIES] = {0},
};

/* ---- lines --------------------------------------------------------------------------------------------------------- */

typedef struct line {
    heb_theory *th;
    heb_transitions at;
} line;

static double advantage(double t, void *of) /* f of retrieval less f of m = 0, along the branch */
{
    line *x = of;
    heb_rs s = heb_rs_at(x->th, t);
    return heb_rs_f(x->th, &s) - heb_rest_at(x->th, &x->at, s.load).f;
}

static double margin(double t, void *of)
{
    line *x = of;
    heb_rs s = heb_rs_at(x->th, t);
    return heb_rs_replicon(x->th, &s);
}

static double coexistence(line *x, const heb_rs *spinodal)
{
    if (isnan(spinodal->m))
        return 0;
    heb_rs free = heb_rs_retrieval(x->th, spinodal, 0);
    if (heb_rs_f(x->th, &free) >= heb_rest_at(x->th, &x->at, 0).f)
        return 0;
    if (advantage(spinodal->t, x) < 0)
        return spinodal->load;
    double lo = spinodal->t, hi = free.t; /* close to hi the load is too small for a state of its own: stop short of it */
    while (hi - lo > 1e-9 * hi && advantage((lo + hi) / 2, x) >= 0)
        lo = (lo + hi) / 2;
    if (hi - lo <= 1e-9 * hi)
        return 0;
    return heb_rs_at(x->th, heb_root(x->th, (heb_equation){advantage, x}, lo, (lo + hi) / 2)).load;
}

static double replicon_line(line *x, const heb_rs *spinodal)
{
    if (isnan(spinodal->m) || (x->th->T > 0 && margin(spinodal->t, x) >= 0))
        return NAN; /* stable as far as it goes */
    if (x->th->T == 0)
        return 0;
    heb_rs free = heb_rs_retrieval(x->th, spinodal, 0);
    if (margin(free.t, x) <= 0)
        return 0;
    return heb_rs_at(x->th, heb_root(x->th, (heb_equation){margin, x}, spinodal->t, free.t)).load;
}

/* ---- one step of replica symmetry breaking ------------------------------------------------------------------------- */

static void fill_rsb(heb_theory *th, double load, double *out)
{
    if (th->T > 0) /* some tenths of a second there */
        return;
    heb_rsb top = heb_rsb_spinodal(th), s = heb_rsb_retrieval(th, &top, load);
    out[HEB_Q_LOAD_SPINODAL_RSB] = top.load;
    out[HEB_Q_M_RSB] = s.m;
    out[HEB_Q_Q0_RSB] = s.q1;
    out[HEB_Q_Q_RSB] = s.q2;
    out[HEB_Q_Y_RSB] = s.y;
    out[HEB_Q_F_RSB] = s.f;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

/* Energy per spin that `full` patterns have at random: (K/2) E (M/N)^P, M a sum of N random signs; P = 2: load/2.  E M^P / P! is the
 * coefficient of t^P in cosh(t)^N, by the recurrence for powers of a series. */
static double random_energy(const qn_params *p, int order, double load)
{
    if (order == 2)
        return load / 2;
    if (!qn_is_set(p, "N"))
        return NAN;
    double n = qn_real(p, "N"), a[HEB_MAX_P / 2 + 1] = {1}, b[HEB_MAX_P / 2 + 1] = {1};
    for (int k = 1; k <= order / 2; k++) {
        a[k] = a[k - 1] / (n * n * (2 * k - 1) * (2 * k)); /* of cosh(t/N) */
        b[k] = 0;
        for (int j = 1; j <= k; j++)
            b[k] += (j * n - k + j) * a[j] * b[k - j] / k;
    }
    double moment = b[order / 2];
    for (int k = 2; k <= order; k++)
        moment *= k;
    return heb_patterns_at(load, (size_t)n, order, (heb_norm)qn_choice(p, "norm")) / 2 * moment;
}

static double load_given(const qn_params *p, int order)
{
    if (!qn_is_set(p, "K"))
        return qn_is_set(p, "load") ? qn_real(p, "load") : NAN;
    if (!qn_is_set(p, "N"))
        return NAN;
    return heb_load_of(qn_real(p, "K"), (size_t)qn_real(p, "N"), order, (heb_norm)qn_choice(p, "norm"));
}

/* nu out of the x of theory_learning.c */
static double nu_of(const heb_examples *e, double x)
{
    return e->kind == HEB_UNSUPERVISED ? x / sqrt(1 + e->rho) : x;
}

/* False: not enough is known of the examples. */
static bool set_learning(heb_theory *th, const heb_examples *x)
{
    heb_learning *l = &th->learning;
    if (x->kind == HEB_ARCHETYPES)
        return true;
    if (isnan(x->rho) || (x->kind == HEB_UNSUPERVISED && (isnan(x->m) || isnan(x->r))))
        return false;
    l->on = true;
    l->rho = x->rho;
    l->signal = l->weight = 1 / sqrt(1 + x->rho);
    if (x->kind == HEB_UNSUPERVISED) {
        double same = gsl_pow_int(x->r, 2 * th->p), row = same + (1 - same) / x->m; /* R_P */
        l->weight = 1;
        l->signal = sqrt(same / row); /* 1/sqrt(1+rho_P) */
        for (size_t k = 1; k < th->terms; k++) { /* full: each term has its own correlation between the examples of an archetype */
            double power = gsl_pow_int(x->r, 2 * th->power[k]);
            th->coef[k] *= (power + (1 - power) / x->m) / row;
        }
    }
    l->top = l->weight * heb_learning_top(l->rho);
    return true;
}

static void fill_binomial(const heb_theory *th, const heb_examples *x, bool state, double load, double m0, double *out)
{
    if (!th->learning.on || !(x->m <= HEB_MOST_BINOMIAL) || isnan(x->r))
        return;
    heb_theory few = *th;
    heb_learning_law(&few, (size_t)x->m, x->r);
    out[HEB_Q_ONE_STEP_BINOMIAL] = heb_learning_step(&few, load, m0);
    if (!state)
        return;
    heb_rs s = heb_learning_upper(&few, load);
    bool found = s.nu > 1e-6;
    out[HEB_Q_M_BINOMIAL] = found ? s.m : 0;
    out[HEB_Q_NU_BINOMIAL] = found ? nu_of(x, s.nu) : 0;
}

static double start_overlap(const qn_params *p)
{
    switch ((heb_start)qn_choice(p, "start")) {
    case HEB_AT_PATTERN:
        return 1;
    case HEB_AT_RANDOM:
        return 0;
    case HEB_NOISY:
        return qn_is_set(p, "start_overlap") ? qn_real(p, "start_overlap") : NAN;
    default:
        break;
    }
    return NAN;
}

static void fill_load(const heb_theory *th, const heb_transitions *at, double load, double m0, double *out)
{
    out[HEB_Q_ONE_STEP] = heb_learning_step(th, load, m0);
    out[HEB_Q_STABILITY] = (1 + heb_learning_step(th, load, 1)) / 2;
    out[HEB_Q_T_GLASS] = th->p == 2 ? 1 + sqrt(load) : at->glass * sqrt(load);
    out[HEB_Q_T_DYNAMIC] = at->dynamic * sqrt(load);
}

static void fill_state(heb_theory *th, const heb_examples *e, const heb_transitions *at, const heb_rs *top, double load, double *out)
{
    heb_rest rest = heb_rest_at(th, at, load);
    out[HEB_Q_F_REST] = rest.f;
    if (!isnan(top->m) && (load == 0 || load < top->load)) {
        heb_rs s = heb_rs_retrieval(th, top, load);
        out[HEB_Q_M] = s.m;
        out[HEB_Q_NU] = nu_of(e, s.nu);
        out[HEB_Q_Q] = s.q;
        out[HEB_Q_U] = heb_rs_u(th, &s);
        out[HEB_Q_F] = heb_rs_f(th, &s);
        out[HEB_Q_REPLICON] = heb_rs_replicon(th, &s);
    } else {
        out[HEB_Q_M] = out[HEB_Q_NU] = 0;
        out[HEB_Q_Q] = (1 - rest.y * th->T) * rest.q; /* two replicas are in the same state with probability 1 - x */
        out[HEB_Q_U] = rest.u;
        out[HEB_Q_F] = rest.f;
        out[HEB_Q_REPLICON] = rest.replicon;
    }
    out[HEB_Q_M_ABS] = out[HEB_Q_M];
    out[HEB_Q_NU] = th->learning.on ? out[HEB_Q_NU] : NAN;
    out[HEB_Q_MEAN] = out[HEB_Q_NU] * e->r * sqrt(1 + e->rho);
    if (th->p == 2 && !th->learning.on) /* H = -(N/2) sum m_mu^2 + K/2 */
        out[HEB_Q_CROSSTALK] = load - 2 * out[HEB_Q_U] - out[HEB_Q_M] * out[HEB_Q_M];
}

int heb_theory_at(const qn_params *p, double *out)
{
    for (int i = 0; i < HEB_QUANTITIES; i++)
        out[i] = NAN;
    if (qn_choice(p, "patterns") != HEB_IID)
        return 0;
    int order = (int)qn_int(p, "P");
    heb_kind kind = (heb_kind)qn_choice(p, "energy");
    bool cold = qn_choice(p, "dynamics") == HEB_ZERO, warm = !cold && qn_is_set(p, "T");
    double load = load_given(p, order);
    heb_theory th;
    int err = heb_theory_init(&th, order, kind, warm ? qn_real(p, "T") : 0);
    if (err)
        return err;
    heb_examples e = heb_examples_of(p, 0);
    if (!set_learning(&th, &e))
        return 0;
    heb_transitions at = heb_glass_transitions(&th);
    bool known = e.kind != HEB_UNSUPERVISED || order > 2 || load == 0; /* P = 2: how correlated examples feed back is not */
    if (!isnan(load))
        fill_load(&th, &at, load, start_overlap(p), out);
    if (!isnan(load))
        fill_binomial(&th, &e, (cold || warm) && known, load, start_overlap(p), out);
    if ((cold || warm) && known) {
        heb_rs top = heb_rs_spinodal(&th);
        line x = {&th, at};
        out[HEB_Q_LOAD_SPINODAL] = isnan(top.m) ? 0 : top.load;
        out[HEB_Q_M_SPINODAL] = top.m;
        out[HEB_Q_LOAD_COEXISTENCE] = coexistence(&x, &top);
        out[HEB_Q_LOAD_REPLICON] = replicon_line(&x, &top);
        fill_rsb(&th, load, out);
        if (!isnan(load))
            fill_state(&th, &e, &at, &top, load, out);
    }
    if (th.failed)
        return qn_fail(QN_ERR_NUMERIC, "the theory of P=%d at load=%g, T=%g: an equation was not solved", order, load, th.T);
    if (kind == HEB_FULL) {
        double constant = random_energy(p, order, load), same = gsl_pow_int(e.r, 2 * order);
        if (e.kind == HEB_SUPERVISED && order > 2)
            constant = NAN; /* of rows that are not +-1 */
        if (e.kind == HEB_UNSUPERVISED)
            constant /= sqrt(same + (1 - same) / e.m);
        out[HEB_Q_U] -= constant;
        out[HEB_Q_F] -= constant;
        out[HEB_Q_F_REST] -= constant;
        out[HEB_Q_F_RSB] -= constant;
    }
    return 0;
}
