/* theory_learning.c -- replica-symmetric retrieval of an archetype that is known by M noisy examples (see theory_parts.h).
 *
 * The mean example at a spin is r xi u with E u = 1, Var u = rho.  The overlap x of the examples and the field are
 *     x = weight E[u tanh(h/T)],   h = a u + s z,   a = signal (P/2) x^(P-1),   s^2 = load xi'(q)/2 (P = 2: load q/(1-C)^2)
 *   supervised    x = nu = n/sqrt R,  signal = weight = 1/sqrt(1+rho)
 *   unsupervised  x = n_a/r,          signal = 1/sqrt(1+rho_P), weight = 1 (all examples alike)
 * and the energy is -(signal/weight) x^P/2.  u is Gaussian (many examples), or (sum of M signs)/(M r).  Source: second cumulant of the other
 * archetypes, whose rows have the variance of storage; Agliari et al. arXiv:2212.00606 and 2211.14067 in other units.
 * Few examples are not Gaussian: at P = 4, load 0.05, T = 0.4, M = 5 Monte Carlo has m = 0.9286(41) (supervised, rho = 0.15, N = 128) and
 * 0.9384(27) (unsupervised, r = 0.8, N = 288, rising with N), the binomial law 0.9315 and 0.9434, the Gaussian 0.953 and 0.961.
 * As in theory_rs.c the branch is explicit: T and x fix s, for noise only lowers the average, then q, then the load. */
#include "theory_parts.h"

#include <math.h>

#include <gsl/gsl_math.h>

#define DEPTH 25.0   /* 1 - x/top = exp(-t) down to 1e-11: below it s is lost to rounding */
#define SCAN 24
#define SWEEPS 4000

double heb_learning_top(double rho) /* E|u|, Gaussian */
{
    return rho > 0 ? erf(1 / sqrt(2 * rho)) + sqrt(2 * rho / M_PI) * exp(-1 / (2 * rho)) : 1;
}

static double u_of(const heb_learning *l, size_t k) /* k of the n examples agree */
{
    return (2.0 * (double)k - (double)l->n) / ((double)l->n * l->r);
}

/* m, the moments, and the x that comes back. */
static double answer(const heb_theory *th, double x, double s, heb_rs *out)
{
    const heb_learning *l = &th->learning;
    out->a = l->signal * th->p / 2.0 * gsl_pow_int(x, th->p - 1);
    if (!l->n) {
        out->at = heb_average(th, out->a, sqrt(out->a * out->a * l->rho + s * s));
        out->m = 1 - out->at.d;
        return l->weight * (out->m + l->rho * out->a * out->at.c);
    }
    double back = 0;
    out->m = 0;
    out->at = (heb_moments){0};
    for (size_t k = 0; k <= l->n; k++) {
        double u = u_of(l, k);
        heb_moments v = heb_average(th, out->a * fabs(u), s);
        double m = u < 0 ? v.d - 1 : u > 0 ? 1 - v.d : 0;
        out->m += l->p[k] * m;
        back += l->p[k] * m * u;
        out->at.c += l->p[k] * v.c;
        out->at.s4 += l->p[k] * v.s4;
        out->at.l += l->p[k] * v.l;
    }
    out->at.d = 1 - out->m;
    return l->weight * back;
}

static double noise_of(const heb_theory *th, const heb_rs *s) /* sigma at s->load */
{
    return th->p > 2 ? sqrt(s->load * heb_xi1(th, s->q) / 2) : s->at.c < 1 ? sqrt(s->load * s->q) / (1 - s->at.c) : HUGE_VAL;
}

/* f and u take x with a factor one. */
static void finish(const heb_theory *th, double x, heb_rs *s)
{
    s->nu = x;
    s->x = x * pow(th->learning.signal / th->learning.weight, 1.0 / th->p);
    s->q = 1 - th->T * s->at.c;
}

typedef struct width {
    const heb_theory *th;
    double x;
} width;

static double excess(double sigma, void *of)
{
    const width *w = of;
    heb_rs s;
    return answer(w->th, w->x, sigma, &s) - w->x;
}

heb_rs heb_learning_at(heb_theory *th, double t)
{
    double x = -th->learning.top * expm1(-t);
    width w = {th, x};
    heb_rs s = {.t = t};
    if (excess(0, &w) > 0) {
        double hi = GSL_MAX(1e-3, th->p / 2.0 * th->learning.signal);
        while (excess(hi, &w) > 0)
            hi *= 2;
        s.sigma = heb_root(th, (heb_equation){excess, &w}, 0, hi);
    }
    answer(th, x, s.sigma, &s);
    finish(th, x, &s);
    if (th->p > 2)
        s.load = 2 * s.sigma * s.sigma / heb_xi1(th, s.q);
    else
        s.load = s.at.c < 1 && s.q > 0 ? s.sigma * s.sigma * (1 - s.at.c) * (1 - s.at.c) / s.q : 0;
    return s;
}

static double load_at(double t, void *of)
{
    return heb_learning_at(of, t).load;
}

/* The upper state at this load, by iteration from above. */
static heb_rs iterate(const heb_theory *th, double x, double load)
{
    heb_rs s = {.load = load, .q = 1};
    for (int i = 0; i < SWEEPS; i++) {
        s.sigma = noise_of(th, &s);
        double back = answer(th, x, s.sigma, &s), change = fabs(back - x);
        x = back;
        finish(th, x, &s);
        if (change <= 1e-15 || x < 1e-6)
            break;
    }
    s.t = GSL_MIN(DEPTH, -log1p(-GSL_MIN(x / th->learning.top, 1)));
    return s;
}

heb_rs heb_learning_spinodal(heb_theory *th)
{
    double t = heb_maximum(th, (heb_equation){load_at, th}, 1e-2, DEPTH, SCAN);
    return isnan(t) ? (heb_rs){.t = NAN, .m = NAN, .q = NAN} : heb_learning_at(th, t);
}

typedef struct target {
    heb_theory *th;
    double load;
} target;

static double surplus(double t, void *of)
{
    const target *x = of;
    return heb_learning_at(x->th, t).load - x->load;
}

heb_rs heb_learning_retrieval(heb_theory *th, const heb_rs *spinodal, double load)
{
    target x = {th, load};
    if (load == 0 || surplus(DEPTH, &x) >= 0)
        return iterate(th, th->learning.top, load);
    heb_rs s = heb_learning_at(th, heb_root(th, (heb_equation){surplus, &x}, spinodal->t, DEPTH));
    s.load = load;
    return s;
}

void heb_learning_law(heb_theory *th, size_t m, double r)
{
    heb_learning *l = &th->learning;
    double n = (double)m, top = 0;
    l->n = m;
    l->r = r;
    for (size_t k = 0; k <= m; k++) {
        double up = (double)k, down = n - up, wrong = down > 0 ? down * log((1 - r) / 2) : 0;
        l->p[k] = exp(lgamma(n + 1) - lgamma(up + 1) - lgamma(down + 1) + up * log((1 + r) / 2) + wrong);
        top += l->p[k] * fabs(up - down) / (n * r);
    }
    l->top = l->weight * top;
}

heb_rs heb_learning_upper(const heb_theory *th, double load)
{
    return iterate(th, th->learning.top, load);
}

double heb_learning_step(const heb_theory *th, double load, double m0)
{
    const heb_learning *l = &th->learning;
    double a = l->signal * th->p / 2.0 * gsl_pow_int(l->weight * m0, th->p - 1), noise = load * heb_xi1(th, 1), sum = 0;
    if (a == 0)
        return 0;
    if (!l->n)
        return erf(a / sqrt(2 * a * a * l->rho + noise)); /* neither: +-1 */
    for (size_t k = 0; k <= l->n; k++)
        if (2 * k != l->n)
            sum += l->p[k] * erf(a * u_of(l, k) / sqrt(noise));
    return sum;
}
