/* theory_gauss.c -- xi(q), the Gaussian averages of the theory and the numerical tools on which it stands (see theory_parts.h). */
#include "theory_parts.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_roots.h>

#define REACH 10.0       /* standard deviations that are integrated */
#define KERNEL 20.0      /* |h|/T beyond which tanh is its limit: exp(-2*20) = 4e-18 */
#define MAX_ITERATIONS 200
#define TIGHT 1e-14

int heb_theory_init(heb_theory *th, int p, heb_kind kind, double T)
{
    memset(th, 0, sizeof *th);
    if (p < 2 || p % 2 || p > HEB_MAX_P)
        return qn_fail(QN_ERR_INPUT, "there is no theory for P=%d; P must be even, from 2 to %d", p, HEB_MAX_P);
    th->p = p;
    th->T = T;
    th->learning = (heb_learning){.signal = 1, .weight = 1, .top = 1};
    double c = 1;
    for (int j = 0; j < p / 2; j++) { /* c_j = P!/[(2^j j!)^2 (P-2j)!] */
        th->power[th->terms] = p - 2 * j;
        th->coef[th->terms++] = c;
        c *= (double)(p - 2 * j) * (double)(p - 2 * j - 1) / (4.0 * (j + 1) * (j + 1));
        if (kind == HEB_DISTINCT)
            break;
    }
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(HEB_NODES);
    if (!rule)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < HEB_NODES; i++)
        gsl_integration_glfixed_point(-1, 1, i, &th->node[i], &th->weight[i], rule);
    gsl_integration_glfixed_table_free(rule);
    return 0;
}

double heb_xi(const heb_theory *th, double q)
{
    double x = 0;
    for (size_t k = 0; k < th->terms; k++)
        x += th->coef[k] * gsl_pow_int(q, th->power[k]);
    return x;
}

double heb_xi1(const heb_theory *th, double q)
{
    double x = 0;
    for (size_t k = 0; k < th->terms; k++)
        x += th->coef[k] * th->power[k] * gsl_pow_int(q, th->power[k] - 1);
    return x;
}

double heb_xi2(const heb_theory *th, double q)
{
    double x = 0;
    for (size_t k = 0; k < th->terms; k++)
        x += th->coef[k] * th->power[k] * (th->power[k] - 1) * gsl_pow_int(q, th->power[k] - 2);
    return x;
}

double heb_xi_slope(const heb_theory *th, double q) /* (1 - q^k)/(1-q) = sum_{n<k} q^n */
{
    double x = 0;
    for (size_t k = 0; k < th->terms; k++)
        for (int n = 0; n < th->power[k]; n++)
            x += th->coef[k] * gsl_pow_int(q, n);
    return x;
}

double heb_xi_bend(const heb_theory *th, double q) /* the same twice: sum_{n<k-1} (n+1) q^n */
{
    double x = 0;
    for (size_t k = 0; k < th->terms; k++)
        for (int n = 0; n < th->power[k] - 1; n++)
            x += th->coef[k] * (n + 1) * gsl_pow_int(q, n);
    return x;
}

/* ---- averages ---------------------------------------------------------------------------------------------------- */

/* Nodes and weights of an integral over z from the first to the last of n ascending edges (equal ones are skipped). */
typedef struct grid {
    size_t n;
    double z[6 * HEB_NODES], w[6 * HEB_NODES];
} grid;

static void make_grid(const heb_theory *th, size_t n_edges, const double *edge, grid *g)
{
    g->n = 0;
    for (size_t e = 0; e + 1 < n_edges; e++) {
        double middle = (edge[e] + edge[e + 1]) / 2, half = (edge[e + 1] - edge[e]) / 2;
        for (size_t i = 0; half > 0 && i < HEB_NODES; i++, g->n++) {
            g->z[g->n] = middle + half * th->node[i];
            g->w[g->n] = half * th->weight[i];
        }
    }
}

heb_moments heb_average(const heb_theory *th, double a, double sigma)
{
    double T = th->T, density;
    if (T == 0) { /* tanh is a step, sech^2(h/T)/T twice a delta function, sech^4(h/T)/T 4/3 of one */
        density = sigma > 0 ? exp(-a * a / (2 * sigma * sigma)) / (sigma * sqrt(2 * M_PI)) : 0;
        double m = sigma > 0 ? erf(a / (sigma * M_SQRT2)) : a > 0;
        double d = sigma > 0 ? erfc(a / (sigma * M_SQRT2)) : a <= 0;
        return (heb_moments){d, 2 * density, 4 * density / 3, a * m + 2 * sigma * sigma * density};
    }
    if (sigma == 0) {
        double e = exp(-2 * a / T), sech2 = 4 * e / ((1 + e) * (1 + e));
        return (heb_moments){2 * e / (1 + e), sech2 / T, sech2 * sech2 / T, a + T * log1p(e)};
    }
    /* The step of tanh is at z0 with a width 1/w; E[1-tanh] comes from z near -min(a/sigma, 2w), far out when it is tiny. */
    double w = sigma / T, z0 = -a / sigma, width = KERNEL / w, lo = -REACH + GSL_MAX(z0, -2 * w);
    double cut[6] = {lo, -REACH, z0 - width, z0, z0 + width, REACH};
    for (size_t i = 1; i < 5; i++)
        cut[i] = GSL_MIN(GSL_MAX(cut[i], lo), REACH);
    if (cut[1] > cut[2]) { /* ascending: -REACH to its place among the other three */
        for (size_t i = 1; i < 4 && cut[i] > cut[i + 1]; i++) {
            double swap = cut[i];
            cut[i] = cut[i + 1];
            cut[i + 1] = swap;
        }
    }
    grid g;
    make_grid(th, 6, cut, &g);
    heb_moments s = {0};
    for (size_t i = 0; i < g.n; i++) {
        double h = (a + sigma * g.z[i]) / T, e = exp(-2 * fabs(h)), sech2 = 4 * e / ((1 + e) * (1 + e));
        double p = g.w[i] * exp(-g.z[i] * g.z[i] / 2);
        s.d += p * (h > 0 ? 2 * e : 2) / (1 + e);
        s.c += p * sech2;
        s.s4 += p * sech2 * sech2;
        s.l += p * (fabs(h) + log1p(e));
    }
    density = 1 / sqrt(2 * M_PI);
    return (heb_moments){s.d * density, s.c * density / T, s.s4 * density / T, s.l * density * T};
}

heb_tilted heb_tilted_average(const heb_theory *th, double sigma, double y)
{
    double T = th->T, shift = y * sigma, norm = 2 / sqrt(2 * M_PI); /* the weight has its maximum at z = +-shift */
    if (T == 0) {
        double both = erfc(-shift / M_SQRT2); /* 2 Phi(shift) */
        double density = norm * exp(-shift * shift / 2) / (both * sigma);
        return (heb_tilted){shift * shift / 2 + log(both), density, 2 * density / 3, sigma * (shift + density * sigma)};
    }
    double cut[3] = {0, KERNEL * T / sigma, shift + REACH};
    cut[1] = GSL_MIN(cut[1], cut[2]);
    grid g;
    make_grid(th, 3, cut, &g);
    double total = 0, c = 0, s4 = 0, l = 0;
    for (size_t i = 0; i < g.n; i++) {
        double h = sigma * g.z[i] / T, e = exp(-2 * h), rest = log1p(e), sech2 = 4 * e / ((1 + e) * (1 + e));
        double p = g.w[i] * exp(y * T * rest - (g.z[i] - shift) * (g.z[i] - shift) / 2);
        total += p;
        c += p * sech2;
        s4 += p * sech2 * sech2;
        l += p * (h + rest);
    }
    return (heb_tilted){shift * shift / 2 + log(norm * total), c / (total * T), s4 / (total * T), T * l / total};
}

/* ---- roots and maxima --------------------------------------------------------------------------------------------- */

double heb_root(heb_theory *th, heb_equation eq, double lo, double hi)
{
    double at_lo = eq.f(lo, eq.of), at_hi = eq.f(hi, eq.of), root = NAN;
    if (at_lo == 0)
        return lo;
    if (at_hi == 0)
        return hi;
    gsl_root_fsolver *s = NULL;
    gsl_function f = {.function = eq.f, .params = eq.of};
    if (isfinite(at_lo) && isfinite(at_hi) && (at_lo < 0) != (at_hi < 0))
        s = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    if (s && gsl_root_fsolver_set(s, &f, lo, hi) == GSL_SUCCESS) {
        for (int i = 0; i < MAX_ITERATIONS && gsl_root_fsolver_iterate(s) == GSL_SUCCESS; i++) {
            root = gsl_root_fsolver_root(s);
            if (gsl_root_test_interval(gsl_root_fsolver_x_lower(s), gsl_root_fsolver_x_upper(s), 0, TIGHT) == GSL_SUCCESS)
                break;
        }
    }
    if (s)
        gsl_root_fsolver_free(s);
    th->failed = th->failed || isnan(root);
    return root;
}

static double depth(double log_x, void *of)
{
    const heb_equation *eq = of;
    return -eq->f(exp(log_x), eq->of);
}

double heb_maximum(heb_theory *th, heb_equation eq, double lo, double hi, size_t n)
{
    double first = log(lo), step = (log(hi) - first) / (double)(n - 1), best = 0;
    size_t at = n;
    for (size_t i = n; i-- > 0;) {
        double x = -depth(first + step * (double)i, &eq);
        if (x < 0.9 * best)
            break;
        if (x > best) {
            best = x;
            at = i;
        }
    }
    if (at == n)
        return NAN;
    double x = first + step * (double)at;
    if (at == 0 || at == n - 1)
        return exp(x);
    gsl_function f = {.function = depth, .params = &eq};
    gsl_min_fminimizer *s = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    if (!s) {
        th->failed = true;
        return NAN;
    }
    double low = x - step, high = x + step;
    if (depth(low, &eq) > -best && depth(high, &eq) > -best && gsl_min_fminimizer_set(s, &f, x, low, high) == GSL_SUCCESS) {
        for (int i = 0; i < MAX_ITERATIONS && gsl_min_fminimizer_iterate(s) == GSL_SUCCESS; i++) {
            x = gsl_min_fminimizer_x_minimum(s);
            if (gsl_min_test_interval(gsl_min_fminimizer_x_lower(s), gsl_min_fminimizer_x_upper(s), 1e-7, 0) == GSL_SUCCESS)
                break;
        }
    }
    gsl_min_fminimizer_free(s);
    return exp(x);
}
