/* theory_glass.c -- the state without retrieval: paramagnet, the P = 2 spin glass (RS), and for P >= 4 the glass with one step of
 * replica symmetry breaking between states that do not overlap (q1 = 0).
 *
 *   -f = (1/y) ln E (2cosh(h/T))^(yT) + (load/4T)[xi(1) - xi'(q) + (1-yT)(q xi'(q) - xi(q))],   h = z sqrt(load xi'(q)/2)
 * stationary in q and y; y = x/T with x Parisi's parameter.  Source: Gardner 1987; Derrida, Phys. Rev. B 24 (1981) 2613, for
 * P -> infinity.  For `energy: full` xi has a quadratic term, the transition is continuous, and one step is an approximation:
 * its energy lies between the RS and the full one (for xi = q^2 at T = 0, -0.769 against -0.763; RS -0.798). */
#include "theory_parts.h"

#include <math.h>

#include <gsl/gsl_math.h>

#define SWEEPS 60
#define FIRST_STEP 1e-3

static double theta(const heb_theory *th, double q)
{
    return q * heb_xi1(th, q) - heb_xi(th, q);
}

/* ---- transitions: y T = 1, load 1, along h/T = w z ------------------------------------------------------------------ */

static double height(double w, void *of) /* the temperature at which w solves the equation for q */
{
    const heb_theory *unit = of;
    double q = 1 - heb_tilted_average(unit, w, 1).c;
    return sqrt(GSL_MAX(heb_xi1(unit, q), 0) / 2) / w;
}

static double complexity(double w, void *of) /* -d(f/T)/dx at x = 1: minus the complexity */
{
    const heb_theory *unit = of;
    heb_tilted at = heb_tilted_average(unit, w, 1);
    double q = 1 - at.c;
    return at.l - at.log_z - w * w / 2 * theta(unit, q) / heb_xi1(unit, q);
}

heb_transitions heb_glass_transitions(heb_theory *th)
{
    if (th->p == 2)
        return (heb_transitions){NAN, NAN};
    heb_theory unit = *th;
    unit.T = 1;
    double continuous = sqrt(heb_xi2(th, 0) / 2), lo = 0.05, hi = 20;
    double w = heb_maximum(&unit, (heb_equation){height, &unit}, lo, hi, 64);
    heb_transitions at = {continuous, continuous};
    if (w > lo && height(w, &unit) > continuous) {
        at.dynamic = height(w, &unit);
        at.glass = GSL_MAX(continuous, height(heb_root(&unit, (heb_equation){complexity, &unit}, w, hi), &unit));
    }
    th->failed = th->failed || unit.failed;
    return at;
}

/* ---- the glass ----------------------------------------------------------------------------------------------------- */

typedef struct glass {
    heb_theory *th;
    double load, q;
    heb_tilted at;
} glass;

/* The largest q at this y: fixed point from above, with Aitken's acceleration. */
static double next(glass *g, double y, double q)
{
    g->at = heb_tilted_average(g->th, sqrt(g->load * heb_xi1(g->th, q) / 2), y);
    return 1 - g->th->T * g->at.c;
}

static void solve_q(glass *g, double y)
{
    double q = 1;
    for (int i = 0; i < SWEEPS; i++) {
        double q1 = next(g, y, q), q2 = next(g, y, q1), bend = q2 - 2 * q1 + q;
        double better = bend > 0 ? q - (q1 - q) * (q1 - q) / bend : q2;
        bool done = fabs(q2 - q) <= 4e-15;
        q = better > 0 && better < q2 ? better : q2;
        if (done || q < 1e-12)
            break;
    }
    g->q = q;
    next(g, y, q);
}

static double slope(double y, void *of) /* -df/dy */
{
    glass *g = of;
    solve_q(g, y);
    return (g->at.l - g->at.log_z / y) / y - g->load / 4 * theta(g->th, g->q);
}

static heb_rest paramagnet(const heb_theory *th, double load)
{
    heb_rs s = {.load = load, .at = {1, 0, 0, th->T * M_LN2}};
    if (th->T > 0)
        s.at.c = s.at.s4 = 1 / th->T;
    return (heb_rest){.f = heb_rs_f(th, &s), .u = heb_rs_u(th, &s), .replicon = heb_rs_replicon(th, &s)};
}

static heb_rest one_step(heb_theory *th, double load)
{
    glass g = {.th = th, .load = load};
    double largest = th->T > 0 ? 1 / th->T : HUGE_VAL;
    double hi = GSL_MIN(largest, 3 * sqrt(M_LN2 / (load * heb_xi(th, 1)))); /* 1.5 times its value for P -> infinity at T = 0 */
    while (hi < largest && !(slope(hi, &g) > 0))
        hi = GSL_MIN(largest, 1.2 * hi);
    if (!(slope(hi, &g) > 0))
        return paramagnet(th, load); /* at the transition, to rounding */
    double lo = hi, step = FIRST_STEP * hi, least = 1e-6 * hi;
    do { /* by growing steps: close to the transition the glass is lost a little below the root */
        hi = lo;
        lo = GSL_MAX(lo - step, lo / 2);
        step *= 2;
    } while (lo > least && slope(lo, &g) > 0);
    double y = heb_root(th, (heb_equation){slope, &g}, lo, hi);
    solve_q(&g, y);
    double c = g.at.c, q = g.q;
    double f = -g.at.log_z / y - load / 4 * (th->T * c * c * heb_xi_bend(th, q) - y * theta(th, q));
    double u = -load / 2 * (c * heb_xi_slope(th, q) + y * heb_xi(th, q));
    double replicon = th->T > 0 ? 1 - load * heb_xi2(th, q) / 2 * g.at.s4 / th->T : -HUGE_VAL;
    return (heb_rest){q, y, f, u, replicon};
}

heb_rest heb_rest_at(heb_theory *th, const heb_transitions *at, double load)
{
    if (load == 0)
        return paramagnet(th, 0);
    if (th->p > 2)
        return th->T < at->glass * sqrt(load) ? one_step(th, load) : paramagnet(th, load);
    if (th->T >= 1 + sqrt(load))
        return paramagnet(th, load);
    heb_rs s = heb_rs_glass(th, load);
    return (heb_rest){.q = s.q, .f = heb_rs_f(th, &s), .u = heb_rs_u(th, &s), .replicon = heb_rs_replicon(th, &s)};
}
