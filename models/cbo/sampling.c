/* sampling.c -- consensus-based sampling: moves with the covariance of the weighted cloud, x <- c + b (x - c) + g C^{1/2} xi.
 *   exponential  b = exp(-dt),  g^2 = (1 - b^2)/ell        Euler  b = 1 - dt,  g^2 = 2 dt/ell
 * ell = 1/(1 + alpha) samples exp(-f); ell = 1 minimises f.  For a Gaussian cloud and a quadratic f with matrix A the exponential form leaves
 * C = A^{-1} as it is, for every dt and alpha; Euler is too wide by about dt (1 + alpha)/(2 alpha).
 * Source: Carrillo, Hoffmann, Stuart, Vaes, arXiv:2106.02519.  C^{1/2} is the Cholesky factor: the same law as the symmetric root.
 * lambda, sigma and the noise of the other methods have no part in it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "method.h"
#include "pull.h"
#include "vmath.h"

typedef struct sampling {
    double *w;    /* [tiles*CBO_LANES] weights */
    double *root; /* [d][d] */
} sampling;

static void release(cbo_state *s)
{
    sampling *p = s ? s->own : NULL;
    if (!p)
        return;
    free(p->w);
    free(p->root);
    free(p);
    s->own = NULL;
}

static int init(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    sampling *p = s->own = calloc(1, sizeof *p);
    if (!p)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    p->w = calloc(s->e.tiles * CBO_LANES, sizeof *p->w);
    p->root = calloc(s->d * s->d, sizeof *p->root);
    if (!p->w || !p->root)
        return qn_fail(QN_ERR_NOMEM, "no memory for the covariance of d = %zu coordinates", s->d);
    cbo_evaluate_all(s);
    return 0;
}

/* exp(-alpha (f - min f)), 0 for padding and particles without a value; alpha = inf: 1 where f is the minimum. */
QN_CLONES static void weigh(const cbo_state *s, double alpha, double *w)
{
    size_t all = s->e.tiles * CBO_LANES;
    bool infinite = isinf(alpha);
    for (size_t i = 0; i < all; i++) {
        double gap = s->e.f[i] - s->now.f_best;
        double x = infinite ? (gap > 0 ? 0.0 : 1.0) : qn_vexp(-alpha * gap);
        w[i] = i < s->e.n && gap < INFINITY ? x : 0;
    }
}

/* y_k = sum_{j <= k} L_kj xi_j in a tile, in place: the last row first. */
QN_CLONES static void spread(size_t d, const double *root, double *xi)
{
    for (size_t k = d; k-- > 0;) {
        double sum[CBO_LANES] = {0};
        for (size_t j = 0; j <= k; j++)
            for (size_t i = 0; i < CBO_LANES; i++)
                sum[i] += root[k * d + j] * xi[j * CBO_LANES + i];
        memcpy(xi + k * CBO_LANES, sum, sizeof sum);
    }
}

static int step(cbo_state *s, qn_streams *streams)
{
    sampling *p = s->own;
    size_t d = s->d, rows = d * CBO_LANES;
    double dt = s->set.dt, alpha = cbo_alpha_now(s), ell = s->set.sampling_optimise ? 1 : 1 / (1 + alpha);
    double leave = s->set.sampling_euler ? dt : -expm1(-dt); /* 1 - b */
    double g = sqrt((s->set.sampling_euler ? 2 * dt : -expm1(-2 * dt)) / ell);
    (void)streams;
    weigh(s, alpha, p->w);
    cbo_cloud_covariance(&s->e, p->w, s->now.c, p->root);
    cbo_cholesky(d, p->root);
    for (size_t t = 0; t < s->e.tiles; t++) {
        size_t left = s->e.n - t * CBO_LANES;
        double *x = cbo_tile(&s->e, t), *add = s->e.work;
        cbo_normal_tile(&s->e, t, add);
        spread(d, p->root, add);
        for (size_t at = 0; at < rows; at++)
            add[at] = g * add[at] - leave * (x[at] - s->before[at / CBO_LANES]);
        s->cut += cbo_land_tile(d, left < CBO_LANES ? left : CBO_LANES, add, s->set.cap, x);
    }
    cbo_evaluate_all(s);
    return 0;
}

const cbo_method cbo_sampling = {.name = "sampling", .init = init, .step = step, .free = release};
