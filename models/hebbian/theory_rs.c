/* theory_rs.c -- replica-symmetric solutions: the retrieval branch along its own parameter, and the P = 2 spin glass.
 *
 * Source: P = 2 Amit, Gutfreund, Sompolinsky 1987; P >= 4 second cumulant of the crosstalk, a P-spin glass with J^2 = load (Gardner,
 * J. Phys. A 20 (1987) 3453).  No iteration: at given T and m the first equation fixes sigma, then q, then the load, so that the
 * branch is followed through its fold, the spinodal, where the load is largest. */
#include "theory_parts.h"

#include <float.h>
#include <math.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>

#define T_MAX 690.0   /* 1 - m = exp(-690): the smallest in doubles */
#define SCAN 20       /* points looked at for the largest load: one hill, in log t about 1 wide */

static double load_of(const heb_theory *th, const heb_rs *s)
{
    if (th->p > 2)
        return 2 * s->sigma * s->sigma / heb_xi1(th, s->q);
    if (s->at.c >= 1 || s->q <= 0)
        return 0; /* beyond the divergence of the feedback */
    return s->sigma * s->sigma * (1 - s->at.c) * (1 - s->at.c) / s->q;
}

static double sigma_of(const heb_theory *th, const heb_rs *s)
{
    return th->p > 2 ? sqrt(s->load * heb_xi1(th, s->q) / 2) : sqrt(s->load * s->q) / (1 - s->at.c);
}

typedef struct width {
    const heb_theory *th;
    double a, d;
} width;

static double excess(double sigma, void *of) /* ln E[1 - tanh] - ln d grows with sigma */
{
    const width *w = of;
    return log(GSL_MAX(heb_average(w->th, w->a, sigma).d, DBL_MIN) / w->d);
}

heb_rs heb_rs_at(heb_theory *th, double t)
{
    if (th->learning.on)
        return heb_learning_at(th, t);
    heb_rs s = {.t = t, .m = -expm1(-t)};
    s.x = s.m;
    width w = {th, th->p / 2.0 * gsl_pow_int(s.m, th->p - 1), exp(-t)};
    s.a = w.a;
    double most = w.a / gsl_cdf_ugaussian_Qinv(w.d / 2); /* the answer at T = 0: thermal noise only adds errors */
    s.at = heb_average(th, w.a, 0);
    if (th->T > 0 && s.at.d >= w.d) { /* too hot for this m, even without noise */
        s.q = 1 - th->T * s.at.c;
        return s;
    }
    s.sigma = th->T == 0 || excess(most, &w) <= 0 ? most : heb_root(th, (heb_equation){excess, &w}, 0, most);
    s.at = heb_average(th, s.a, s.sigma);
    s.q = 1 - th->T * s.at.c;
    s.load = load_of(th, &s);
    return s;
}

/* ---- the branch --------------------------------------------------------------------------------------------------- */

typedef struct mattis {
    int p;
    double log_b; /* ln(P/(2T)) */
} mattis;

static double log_field(double t, void *of) /* ln[atanh(m)/m^(P-1)] - ln(P/2T): negative where tanh((P/2T) m^(P-1)) > m */
{
    const mattis *x = of;
    double m = -expm1(-t);
    return log((log1p(m) + t) / 2) - (x->p - 1) * log(m) - x->log_b;
}

static double ease(double t, void *of)
{
    return exp(-log_field(t, of));
}

bool heb_rs_range(heb_theory *th, double *lo, double *hi)
{
    mattis x = {th->p, th->T > 0 ? log(th->p / (2 * th->T)) : HUGE_VAL};
    const heb_equation field = {log_field, &x};
    *lo = 1e-7;
    *hi = T_MAX;
    if (th->T == 0)
        return true;
    double middle = *lo; /* P = 2: continuous in T, from m = 0 on */
    if (th->p > 2) {
        mattis warm = {th->p, 0};
        middle = heb_maximum(th, (heb_equation){ease, &warm}, 1e-2, 1e2, SCAN);
    }
    if (!(log_field(middle, &x) < 0))
        return false;
    if (log_field(*lo, &x) > 0)
        *lo = heb_root(th, field, *lo, middle);
    if (log_field(*hi, &x) > 0)
        *hi = heb_root(th, field, middle, *hi);
    return isfinite(*lo) && isfinite(*hi);
}

static double load_at(double t, void *of)
{
    return heb_rs_at(of, t).load;
}

heb_rs heb_rs_spinodal(heb_theory *th)
{
    if (th->learning.on)
        return heb_learning_spinodal(th);
    heb_rs none = {.t = NAN, .m = NAN, .q = NAN};
    double lo, hi;
    if (!heb_rs_range(th, &lo, &hi))
        return none;
    double t = heb_maximum(th, (heb_equation){load_at, th}, GSL_MAX(lo, 1e-3 * hi), hi, SCAN);
    return isnan(t) ? none : heb_rs_at(th, t);
}

typedef struct target {
    heb_theory *th;
    double load;
} target;

static double surplus(double t, void *of)
{
    const target *x = of;
    return heb_rs_at(x->th, t).load - x->load;
}

heb_rs heb_rs_retrieval(heb_theory *th, const heb_rs *spinodal, double load)
{
    if (th->learning.on)
        return heb_learning_retrieval(th, spinodal, load);
    double lo, hi;
    target x = {th, load};
    heb_rs s = {.t = NAN, .m = NAN, .q = NAN};
    if (!heb_rs_range(th, &lo, &hi))
        return s;
    if (load > 0 && surplus(hi, &x) < 0) {
        s = heb_rs_at(th, heb_root(th, (heb_equation){surplus, &x}, spinodal->t, hi));
        s.load = load;
        return s;
    }
    /* m is its value without load, to the last digit */
    s = (heb_rs){.t = hi, .m = -expm1(-hi), .x = -expm1(-hi), .q = 1, .load = load};
    s.a = th->p / 2.0 * gsl_pow_int(s.m, th->p - 1);
    for (int i = 0; i < 20; i++) {
        s.sigma = sigma_of(th, &s);
        s.at = heb_average(th, s.a, s.sigma);
        s.q = 1 - th->T * s.at.c;
    }
    return s;
}

/* ---- P = 2, m = 0 -------------------------------------------------------------------------------------------------- */

static heb_rs glass_at(const heb_theory *th, double sigma)
{
    heb_rs s = {.sigma = sigma, .at = heb_average(th, 0, sigma)};
    s.q = 1 - th->T * s.at.c;
    s.load = load_of(th, &s);
    return s;
}

static double glass_surplus(double sigma, void *of)
{
    const target *x = of;
    return glass_at(x->th, sigma).load - x->load;
}

heb_rs heb_rs_glass(heb_theory *th, double load)
{
    target x = {th, load};
    double lo = 1, hi = 1;
    while (glass_surplus(hi, &x) < 0)
        hi *= 2;
    while (lo > 1e-7 && glass_surplus(lo, &x) > 0)
        lo /= 2;
    heb_rs s = glass_at(th, heb_root(th, (heb_equation){glass_surplus, &x}, lo, hi));
    s.load = load;
    return s;
}

/* ---- energies ------------------------------------------------------------------------------------------------------ */

double heb_rs_f(const heb_theory *th, const heb_rs *s)
{
    double c = s->at.c, m_p = gsl_pow_int(s->x, th->p), f = (th->p - 1) / 2.0 * m_p - s->at.l;
    if (s->load == 0)
        return f;
    if (th->p > 2)
        return f - s->load / 4 * th->T * c * c * heb_xi_bend(th, s->q);
    double r = s->q / ((1 - c) * (1 - c));
    return f + s->load / 2 * (1 + th->T * log1p(-c) - s->q / (1 - c) + r * c);
}

double heb_rs_u(const heb_theory *th, const heb_rs *s)
{
    double c = s->at.c, u = -gsl_pow_int(s->x, th->p) / 2;
    if (s->load == 0)
        return u;
    if (th->p > 2)
        return u - s->load / 2 * c * heb_xi_slope(th, s->q);
    double r = s->q / ((1 - c) * (1 - c));
    return u - s->load / 2 * c * (1 / (1 - c) + r);
}

double heb_rs_replicon(const heb_theory *th, const heb_rs *s)
{
    if (s->load == 0)
        return 1;
    double fluctuation = th->T > 0 ? s->at.s4 / th->T : HUGE_VAL;
    if (th->p > 2)
        return 1 - s->load * heb_xi2(th, s->q) / 2 * fluctuation;
    return (1 - s->at.c) * (1 - s->at.c) - s->load * fluctuation;
}
