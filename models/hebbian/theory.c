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

/* E sign(h) at overlap m0, where the other patterns have not reacted: h = (P/2) m0^(P-1) + z sqrt(load xi'(1)/2). */
static double first_step(const heb_theory *th, double load, double m0)
{
    double signal = th->p / 2.0 * gsl_pow_int(m0, th->p - 1);
    if (signal == 0)
        return 0;
    return erf(signal / sqrt(load * heb_xi1(th, 1))); /* load 0: +-1 */
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
    out[HEB_Q_ONE_STEP] = first_step(th, load, m0);
    out[HEB_Q_STABILITY] = (1 + first_step(th, load, 1)) / 2;
    out[HEB_Q_T_GLASS] = th->p == 2 ? 1 + sqrt(load) : at->glass * sqrt(load);
    out[HEB_Q_T_DYNAMIC] = at->dynamic * sqrt(load);
}

static void fill_state(heb_theory *th, const heb_transitions *at, const heb_rs *top, double load, double *out)
{
    heb_rest rest = heb_rest_at(th, at, load);
    out[HEB_Q_F_REST] = rest.f;
    if (!isnan(top->m) && (load == 0 || load < top->load)) {
        heb_rs s = heb_rs_retrieval(th, top, load);
        out[HEB_Q_M] = s.m;
        out[HEB_Q_Q] = s.q;
        out[HEB_Q_U] = heb_rs_u(th, &s);
        out[HEB_Q_F] = heb_rs_f(th, &s);
        out[HEB_Q_REPLICON] = heb_rs_replicon(th, &s);
    } else {
        out[HEB_Q_M] = 0;
        out[HEB_Q_Q] = (1 - rest.y * th->T) * rest.q; /* two replicas are in the same state with probability 1 - x */
        out[HEB_Q_U] = rest.u;
        out[HEB_Q_F] = rest.f;
        out[HEB_Q_REPLICON] = rest.replicon;
    }
    out[HEB_Q_M_ABS] = out[HEB_Q_M];
    if (th->p == 2) /* H = -(N/2) sum m_mu^2 + K/2 */
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
    heb_transitions at = heb_glass_transitions(&th);
    if (!isnan(load))
        fill_load(&th, &at, load, start_overlap(p), out);
    if (cold || warm) {
        heb_rs top = heb_rs_spinodal(&th);
        line x = {&th, at};
        out[HEB_Q_LOAD_SPINODAL] = isnan(top.m) ? 0 : top.load;
        out[HEB_Q_M_SPINODAL] = top.m;
        out[HEB_Q_LOAD_COEXISTENCE] = coexistence(&x, &top);
        out[HEB_Q_LOAD_REPLICON] = replicon_line(&x, &top);
        if (!isnan(load))
            fill_state(&th, &at, &top, load, out);
    }
    if (th.failed)
        return qn_fail(QN_ERR_NUMERIC, "the theory of P=%d at load=%g, T=%g: an equation was not solved", order, load, th.T);
    if (kind == HEB_FULL) {
        double constant = random_energy(p, order, load);
        out[HEB_Q_U] -= constant;
        out[HEB_Q_F] -= constant;
        out[HEB_Q_F_REST] -= constant;
    }
    return 0;
}
