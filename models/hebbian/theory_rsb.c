/* theory_rsb.c -- retrieval with one step of replica symmetry breaking, P >= 4 (see theory_parts.h).
 *
 * h = a + s1 z1 + s2 z2, a = (P/2) m^(P-1), s1^2 = load xi'(q1)/2, s2^2 = load [xi'(q2) - xi'(q1)]/2; <.> is the average over z2 in the
 * measure tilted by (2cosh(h/T))^(yT), y = x/T with Parisi's parameter x, E that over z1:
 *     m = E <tanh>,  q1 = E <tanh>^2,  c = (1-q2)/T = E <sech^2>/T,
 *     f = (P-1)/2 m^P - (1/y) E ln E_2 (2cosh(h/T))^(yT) - (load/4) [T c^2 bend(q2) - y theta],   theta = int_q1^q2 q xi''(q) dq
 * stationary in y.  q1 = q2 is the RS branch.  Source: Gardner 1985 for m = 0; Albanese et al. arXiv:2111.12997 in other units.
 * The equations are followed along the branch at fixed m, with the load among the unknowns, as far as its fold. */
#include "theory_parts.h"

#include <math.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_multiroots.h>
#include <gsl/gsl_sf_erf.h>

#define REACH 8.5
#define PANELS 2       /* of HEB_NODES nodes, of z1 */
#define STEPS 60
#define CLOSE 1e-11

typedef struct inner { /* tilted averages over z2 at given mean of h */
    double log_z, t, c, l; /* ln E_2, <tanh>, <sech^2>/T, <T ln 2cosh> */
} inner;

/* E_2 exp(y|h|) and its kin in closed form: the tilt shifts each half of the Gaussian by y s2^2. */
static inner inner_cold(double a, double s, double y)
{
    double up = gsl_sf_log_erfc(-(a + y * s * s) / (s * M_SQRT2)) + y * a, down = gsl_sf_log_erfc((a - y * s * s) / (s * M_SQRT2)) - y * a;
    double most = GSL_MAX(up, down), p = exp(up - most), n = exp(down - most), z = p + n;
    double density = 2 * exp(-a * a / (2 * s * s) - y * y * s * s / 2 - most) / (s * sqrt(2 * M_PI)) / z; /* of h at 0, with both halves' 2 */
    double mean = (p * (a + y * s * s) - n * (a - y * s * s)) / z + 2 * s * s * density;
    return (inner){y * y * s * s / 2 + most + log(z / 2), (p - n) / z, 2 * density, mean};
}

static inner inner_warm(const heb_theory *th, double a, double s, double y)
{
    double T = th->T, weight[4 * HEB_NODES], best = -HUGE_VAL, z = 0, t = 0, c = 0, l = 0, h[4 * HEB_NODES];
    double lo = a - (REACH + y * s) * s, hi = a + (REACH + y * s) * s, cut = 0 > lo && 0 < hi ? 0 : (lo + hi) / 2;
    size_t n = 0;
    for (int side = 0; side < 2; side++) /* tanh turns at h = 0 */
        for (int part = 0; part < 2; part++) {
            double from = side ? cut : lo, to = side ? hi : cut, near = side ? GSL_MIN(to, from + 12 * T) : GSL_MAX(from, to - 12 * T);
            double e0 = part ? near : from, e1 = part ? to : near;
            for (size_t i = 0; i < HEB_NODES && e1 > e0; i++, n++) {
                h[n] = (e0 + e1) / 2 + (e1 - e0) / 2 * th->node[i];
                double d = (h[n] - a) / s, cosh2 = fabs(h[n]) + T * log1p(exp(-2 * fabs(h[n]) / T));
                weight[n] = log(th->weight[i] * (e1 - e0) / 2) - d * d / 2 + y * cosh2;
                best = GSL_MAX(best, weight[n]);
            }
        }
    for (size_t i = 0; i < n; i++) {
        double w = exp(weight[i] - best), e = exp(-2 * fabs(h[i]) / T), th1 = (1 - e) / (1 + e);
        z += w;
        t += w * (h[i] > 0 ? th1 : -th1);
        c += w * 4 * e / ((1 + e) * (1 + e));
        l += w * (fabs(h[i]) + T * log1p(e));
    }
    return (inner){best + log(z / (s * sqrt(2 * M_PI))), t / z, c / (z * T), l / z};
}

typedef struct outer {
    double m, q1, c, log_z, l;
} outer;

static outer average(const heb_theory *th, double a, double s1, double s2, double y)
{
    outer x = {0};
    double half = REACH / PANELS;
    for (int k = 0; k < PANELS; k++)
        for (size_t i = 0; i < HEB_NODES; i++) {
            double z = -REACH + half * (2 * k + 1 + th->node[i]), w = half * th->weight[i] * exp(-z * z / 2) / sqrt(2 * M_PI);
            inner v = th->T > 0 ? inner_warm(th, a + s1 * z, s2, y) : inner_cold(a + s1 * z, s2, y);
            x.m += w * v.t;
            x.q1 += w * v.t * v.t;
            x.c += w * v.c;
            x.log_z += w * v.log_z;
            x.l += w * v.l;
        }
    return x;
}

static double theta(const heb_theory *th, double q1, double q2) /* int q xi'' = q xi' - xi between them */
{
    return q2 * heb_xi1(th, q2) - heb_xi(th, q2) - q1 * heb_xi1(th, q1) + heb_xi(th, q1);
}

/* Unknowns: logit of q1/q2, ln c (T > 0), ln y, and ln load at given m or logit of m at given load. */
typedef struct system {
    heb_theory *th;
    bool follow; /* m is given */
    double m, load;
    heb_rsb at;
} rsb_system;

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static int equations(const gsl_vector *v, void *of, gsl_vector *out)
{
    rsb_system *x = of;
    heb_theory *th = x->th;
    heb_rsb *s = &x->at;
    bool warm = th->T > 0;
    s->c = warm ? exp(gsl_vector_get(v, 3)) : 0;
    s->q2 = 1 - th->T * s->c;
    s->q1 = s->q2 * logistic(gsl_vector_get(v, 0));
    s->y = exp(gsl_vector_get(v, 1));
    s->m = x->follow ? x->m : logistic(gsl_vector_get(v, 2));
    s->load = x->follow ? exp(gsl_vector_get(v, 2)) : x->load;
    double s1 = s->load * heb_xi1(th, s->q1) / 2, s2 = s->load * (heb_xi1(th, s->q2) - heb_xi1(th, s->q1)) / 2;
    if (!(s->q2 > 0) || !(s2 > 0) || !isfinite(s1 + s2 + s->y) || s->y * th->T > 10)
        return GSL_EDOM;
    outer a = average(th, th->p / 2.0 * gsl_pow_int(s->m, th->p - 1), sqrt(s1), sqrt(s2), s->y);
    gsl_vector_set(out, 0, a.q1 - s->q1);
    gsl_vector_set(out, 1, (a.l - a.log_z / s->y) / s->y - s->load / 4 * theta(th, s->q1, s->q2));
    gsl_vector_set(out, 2, a.m - s->m);
    if (warm)
        gsl_vector_set(out, 3, a.c - s->c);
    s->c = a.c;
    s->f = (th->p - 1) / 2.0 * gsl_pow_int(s->m, th->p) - a.log_z / s->y - s->load / 4 * (th->T * s->c * s->c * heb_xi_bend(th, s->q2) - s->y * theta(th, s->q1, s->q2));
    return GSL_SUCCESS;
}

/* From the state `guess`; false when the equations are not solved near it. */
static bool solve(rsb_system *x, const heb_rsb *guess, heb_rsb *out)
{
    size_t n = x->th->T > 0 ? 4 : 3;
    gsl_multiroot_fsolver *solver = gsl_multiroot_fsolver_alloc(gsl_multiroot_fsolver_hybrids, n);
    gsl_vector *v = gsl_vector_alloc(n);
    bool done = false;
    if (solver && v) {
        gsl_multiroot_function f = {equations, n, x};
        double ratio = guess->q1 / (1 - x->th->T * guess->c);
        gsl_vector_set(v, 0, log(ratio / (1 - ratio)));
        gsl_vector_set(v, 1, log(guess->y));
        gsl_vector_set(v, 2, x->follow ? log(guess->load) : log(guess->m / (1 - guess->m)));
        if (n == 4)
            gsl_vector_set(v, 3, log(guess->c));
        bool going = gsl_multiroot_fsolver_set(solver, &f, v) == GSL_SUCCESS;
        for (int i = 0; going && !done && i < STEPS; i++) {
            going = gsl_multiroot_fsolver_iterate(solver) == GSL_SUCCESS;
            done = gsl_multiroot_test_residual(solver->f, CLOSE) == GSL_SUCCESS;
        }
        done = done && equations(solver->x, x, solver->f) == GSL_SUCCESS;
        *out = x->at;
    }
    gsl_multiroot_fsolver_free(solver);
    gsl_vector_free(v);
    return done && out->q1 < out->q2 * (1 - 1e-9);
}

/* ---- along the branch --------------------------------------------------------------------------------------------- */

typedef struct track {
    heb_theory *th;
    heb_rsb last; /* the state solved last: the next is near it */
    bool lost;
} track;

static double minus_load(double logit, void *of)
{
    track *x = of;
    rsb_system sys = {.th = x->th, .follow = true, .m = logistic(logit)};
    heb_rsb s;
    if (!solve(&sys, &x->last, &s)) {
        x->lost = true;
        return NAN;
    }
    x->last = s;
    return -s.load;
}

static double logit_of(double m)
{
    return log(m / (1 - m));
}

/* Three points with the largest load in the middle, then golden section: at a fold 1e-5 in m is 1e-10 in load. */
static bool climb(track *x)
{
    const double golden = (sqrt(5) - 1) / 2;
    double step = 0.1, at = logit_of(x->last.m), here = minus_load(at, x), up = minus_load(at + step, x);
    if (x->lost)
        return false;
    if (up > here)
        step = -step;
    double lo = at - step, next = step < 0 ? minus_load(at + step, x) : up;
    for (int i = 0; i < 100 && !x->lost && next < here; i++) {
        lo = at;
        at += step;
        here = next;
        next = minus_load(at + step, x);
    }
    double hi = at + step, a = hi - golden * (hi - lo), b = lo + golden * (hi - lo), fa = minus_load(a, x), fb = minus_load(b, x);
    while (!x->lost && fabs(hi - lo) > 1e-6) {
        if (fa < fb) {
            hi = b;
            b = a;
            fb = fa;
            fa = minus_load(a = hi - golden * (hi - lo), x);
        } else {
            lo = a;
            a = b;
            fa = fb;
            fb = minus_load(b = lo + golden * (hi - lo), x);
        }
    }
    return !x->lost;
}

/* The fold at T = 0, from a guess that the known P suggest: the step shrinks the overlap's distance from 1 by 2.2 against RS. */
static bool cold_fold(track *x)
{
    heb_rs top = heb_rs_spinodal(x->th);
    double m = 1 - 2.2 * (1 - top.m);
    x->last = (heb_rsb){.m = m, .q1 = 1 - 0.89 * (1 - m), .q2 = 1, .y = 3.6 * pow(x->th->p, -0.41), .load = 1.13 * top.load};
    return climb(x);
}

static const heb_rsb nowhere = {.m = NAN, .q1 = NAN, .q2 = NAN, .y = NAN, .load = NAN, .f = NAN, .c = NAN};

heb_rsb heb_rsb_spinodal(heb_theory *th)
{
    heb_theory at = *th;
    track x = {.th = &at};
    at.T = 0;
    if (th->p < 4 || th->learning.on || !cold_fold(&x))
        return nowhere;
    if (th->T == 0)
        return x.last;
    double m = x.last.m, step = GSL_MIN(0.05, th->T); /* into the warmth at fixed m, then along the branch again */
    for (double T = step; !x.lost; T = GSL_MIN(T + step, th->T)) {
        at.T = T;
        minus_load(logit_of(m), &x);
        if (T >= th->T)
            break;
    }
    return !x.lost && climb(&x) ? x.last : nowhere;
}

heb_rsb heb_rsb_retrieval(heb_theory *th, const heb_rsb *spinodal, double load)
{
    track x = {.th = th, .last = *spinodal};
    if (isnan(spinodal->m) || !(load > 0 && load < spinodal->load))
        return nowhere;
    double at = logit_of(spinodal->m);
    for (int i = 0; i < 100 && !x.lost && x.last.load > load; i++)
        minus_load(at += 0.1, &x);
    rsb_system sys = {.th = th, .load = load};
    heb_rsb s;
    return !x.lost && solve(&sys, &x.last, &s) ? s : nowhere;
}
