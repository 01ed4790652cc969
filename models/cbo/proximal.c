/* proximal.c -- minimizing movement: x_{k+1} = argmin_y f(y) + |y - x_k|^2/(2 tau), the step that consensus hopping takes when alpha -> inf at
 * tau = alpha s^2 (arXiv:2306.09778).
 *
 * For a quadratic f the step is solved exactly: y - x* = (I + tau A)^{-1}(x - x*).  Otherwise BFGS from x_k and from points drawn around it; the lowest
 * end counts.  Since f(y) + |y-x|^2/(2 tau) <= f(x) at the minimum, it lies within r = sqrt(2 tau (f(x) - f_min)) of x: the draws have
 * E|y - x|^2 = r^2, or d tau where f_min is unknown.  An end with a kink, where BFGS stalls, is polished by the simplex method in d <= 8. */
#include <float.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "method.h"

enum { MOST_ITERATIONS = 300, SIMPLEX_ITERATIONS = 2000, SIMPLEX_D = 8 };
#define FLAT 1e-8 /* |grad| at which BFGS has arrived, in units of 1 + |x|/tau */

typedef struct proximal {
    cbo_state *s;     /* during a step */
    double *factor;   /* quadratic: [d][d] Cholesky factor of I + tau A */
    double *g;        /* [d] */
    gsl_multimin_fdfminimizer *bfgs;
    gsl_multimin_fminimizer *simplex;
    gsl_vector *start, *size, *best;
} proximal;

static void release(cbo_state *s)
{
    proximal *p = s ? s->own : NULL;
    if (!p)
        return;
    free(p->factor);
    free(p->g);
    if (p->bfgs)
        gsl_multimin_fdfminimizer_free(p->bfgs);
    if (p->simplex)
        gsl_multimin_fminimizer_free(p->simplex);
    gsl_vector_free(p->start);
    gsl_vector_free(p->size);
    gsl_vector_free(p->best);
    free(p);
    s->own = NULL;
}

/* ---- the exact step ---- */

static int factorise(cbo_state *s, proximal *p)
{
    size_t d = s->d;
    const double *x0 = s->objective->minimiser;
    p->factor = malloc(d * d * sizeof *p->factor);
    if (!p->factor)
        return qn_fail(QN_ERR_NOMEM, "no memory for the Hessian of d = %zu coordinates", d);
    for (size_t k = 0; k < d; k++) { /* grad f(x* + e_k) is column k of A */
        for (size_t l = 0; l < d; l++)
            s->point[l] = x0[l] + (l == k);
        cbo_gradient(s->objective, s->point, s->point2, s->work);
        for (size_t l = 0; l < d; l++)
            p->factor[l * d + k] = (l == k) + s->set.tau * s->point2[l];
    }
    return cbo_cholesky(d, p->factor) == d ? 0 : qn_fail(QN_ERR_NUMERIC, "I + tau A of the quadratic is not positive definite");
}

static void step_exact(cbo_state *s, const proximal *p)
{
    const double *x0 = s->objective->minimiser;
    for (size_t k = 0; k < s->d; k++)
        s->point[k] -= x0[k];
    cbo_cholesky_solve(s->d, p->factor, s->point);
    for (size_t k = 0; k < s->d; k++)
        s->point[k] += x0[k];
}

/* ---- the step by minimisation ---- */

/* f(y) + |y - x|^2/(2 tau) and its gradient; x is s->point, y goes through s->point2. */
static double value(const gsl_vector *y, void *own)
{
    const proximal *p = own;
    cbo_state *s = p->s;
    double sum = 0;
    for (size_t k = 0; k < s->d; k++) {
        s->point2[k] = gsl_vector_get(y, k);
        sum += (s->point2[k] - s->point[k]) * (s->point2[k] - s->point[k]);
    }
    double f = cbo_value(s->objective, s->point2, s->work) + sum / (2 * s->set.tau);
    s->evaluations++;
    return f < DBL_MAX ? f : DBL_MAX; /* NaN too: no way to go */
}

static void slope(const gsl_vector *y, void *own, gsl_vector *out)
{
    const proximal *p = own;
    cbo_state *s = p->s;
    for (size_t k = 0; k < s->d; k++)
        s->point2[k] = gsl_vector_get(y, k);
    cbo_gradient(s->objective, s->point2, p->g, s->work);
    s->evaluations += s->objective->grad ? 1 : 2 * s->d;
    for (size_t k = 0; k < s->d; k++)
        gsl_vector_set(out, k, p->g[k] + (s->point2[k] - s->point[k]) / s->set.tau);
}

static void value_and_slope(const gsl_vector *y, void *own, double *f, gsl_vector *out)
{
    *f = value(y, own);
    slope(y, own, out);
}

/* BFGS from p->start; the end is in p->bfgs. Returns whether the gradient vanishes there. */
static bool descend(proximal *p, double flat)
{
    cbo_state *s = p->s;
    gsl_multimin_function_fdf f = {value, slope, value_and_slope, s->d, p};
    gsl_multimin_fdfminimizer *m = p->bfgs;
    gsl_multimin_fdfminimizer_set(m, &f, p->start, 0.1 * sqrt(s->set.tau), 0.1);
    for (int i = 0; i < MOST_ITERATIONS && gsl_multimin_test_gradient(m->gradient, flat) == GSL_CONTINUE; i++)
        if (gsl_multimin_fdfminimizer_iterate(m))
            break;
    return gsl_multimin_test_gradient(m->gradient, flat) == GSL_SUCCESS;
}

/* The simplex method from p->best, where it ends. */
static void polish(proximal *p)
{
    cbo_state *s = p->s;
    gsl_multimin_function f = {value, s->d, p};
    gsl_vector_set_all(p->size, 0.1 * sqrt(s->set.tau));
    gsl_multimin_fminimizer_set(p->simplex, &f, p->best, p->size);
    for (int i = 0; i < SIMPLEX_ITERATIONS && p->simplex->size > 1e-10 * sqrt(s->set.tau); i++)
        if (gsl_multimin_fminimizer_iterate(p->simplex))
            break;
    gsl_vector_memcpy(p->best, p->simplex->x);
}

static void step_search(cbo_state *s, proximal *p)
{
    double tau = s->set.tau, f_x = s->e.f[0], reach = 2 * tau * (f_x - s->objective->f_min), lowest = INFINITY, norm = 0;
    double sd = reach >= 0 && isfinite(reach) ? sqrt(reach / (double)s->d) : sqrt(tau);
    bool flat = false;
    for (size_t k = 0; k < s->d; k++)
        norm += s->point[k] * s->point[k];
    for (int r = 0; r <= s->set.restarts; r++) {
        for (size_t k = 0; k < s->d; k++)
            gsl_vector_set(p->start, k, s->point[k] + (r ? sd * qn_rng_normal(&s->e.rng[0]) : 0));
        bool arrived = descend(p, FLAT * (1 + sqrt(norm) / tau));
        if (!(p->bfgs->f < lowest))
            continue;
        lowest = p->bfgs->f;
        flat = arrived;
        gsl_vector_memcpy(p->best, p->bfgs->x);
    }
    if (!flat && p->simplex && lowest < DBL_MAX)
        polish(p);
    for (size_t k = 0; k < s->d && lowest < DBL_MAX; k++)
        s->point[k] = gsl_vector_get(p->best, k);
}

/* ---- the method ---- */

static int init(cbo_state *s, qn_streams *streams)
{
    size_t d = s->d;
    (void)streams;
    proximal *p = s->own = calloc(1, sizeof *p);
    if (!p)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    cbo_evaluate_all(s);
    if (strcmp(s->objective->name, "quadratic") == 0)
        return factorise(s, p);
    p->g = malloc(d * sizeof *p->g);
    p->bfgs = gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, d);
    p->start = gsl_vector_alloc(d);
    p->size = gsl_vector_alloc(d);
    p->best = gsl_vector_alloc(d);
    if (d <= SIMPLEX_D)
        p->simplex = gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, d);
    if (!p->g || !p->bfgs || !p->start || !p->size || !p->best || (d <= SIMPLEX_D && !p->simplex))
        return qn_fail(QN_ERR_NOMEM, "no memory to minimise in d = %zu coordinates", d);
    return 0;
}

static int step(cbo_state *s, qn_streams *streams)
{
    proximal *p = s->own;
    (void)streams;
    p->s = s;
    cbo_ensemble_point(&s->e, 0, s->point);
    if (p->factor)
        step_exact(s, p);
    else
        step_search(s, p);
    for (size_t k = 0; k < s->d; k++)
        cbo_tile(&s->e, 0)[k * CBO_LANES] = s->point[k];
    cbo_evaluate_all(s);
    return 0;
}

const cbo_method cbo_proximal = {.name = "proximal", .init = init, .step = step, .free = release};
