/* theory_linear.c -- streaming least squares and the stability of interpolating minima; see theory.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_eigen.h>

#include "theory.h"

/* ---- streaming least squares ------------------------------------------------------------------------------------------ */

/* The stationary covariance C is diagonal with H: h C + C h = eta [(2 hCh + tr(hC) h)/B + (1-1/B) hCh] + (eta sigma^2/B) h gives
 *     c_i = (eta/B)(S + sigma^2)/(2 - eta h_i (1+1/B)),  S = sum h c = sigma^2 A/(1-A),  A = sum (eta/B) h_i/(2 - eta h_i (1+1/B)). */
static double gain(size_t d, const double *h, double b, double eta)
{
    double sum = 0;
    for (size_t i = 0; i < d; i++) {
        double hi = h ? h[i] : 1, rest = 2 - eta * hi * (1 + 1 / b);
        if (rest <= 0)
            return INFINITY;
        sum += eta / b * hi / rest;
    }
    return sum;
}

double sgd_lms_excess(size_t d, const double *h, double b, double eta, double sigma)
{
    double a = gain(d, h, b, eta);
    return a < 1 ? sigma * sigma * a / (1 - a) : NAN;
}

double sgd_lms_eta_max(size_t d, const double *h, double b)
{
    if (!h)
        return 2 / (1 + ((double)d + 1) / b);
    double top = h[0], lo = 0;
    for (size_t i = 0; i < d; i++)
        top = fmax(top, h[i]);
    double hi = 2 / (top * (1 + 1 / b));
    while (hi - lo > 1e-15 * hi) {
        double mid = (lo + hi) / 2;
        if (mid <= lo || mid >= hi)
            break;
        if (gain(d, h, b, mid) < 1)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* ---- stability ------------------------------------------------------------------------------------------------------------- */

/* How a batch weighs points: E H_B A H_B = same sum g g'A g g' / P + cross H A H. */
typedef struct weights {
    double same, cross;
} weights;

static weights weights_of(size_t p, size_t b, bool with_replacement)
{
    double pairs = (double)b, points = (double)p;
    if (with_replacement)
        return (weights){1 / pairs, 1 - 1 / pairs};
    double c = p > 1 ? (pairs - 1) / (pairs * (points - 1)) : 0; /* two different positions hold two different points */
    return (weights){1 / pairs - c, c * points};
}

/* Gradients in the eigenbasis of H, restricted to where H > 0: from the eigenvectors a of the Gram matrix (1/P) g g', the coordinate of g_mu along
 * direction i is sqrt(P h_i) a_i(mu). */
typedef struct moments {
    size_t p, m;              /* points, rank */
    double *h, *g;            /* [m]; [p][m] */
    double *a, *next;         /* [m][m] */
    weights by;
} moments;

static void moments_free(moments *x)
{
    free(x->h);
    free(x->g);
    free(x->a);
    free(x->next);
}

/* From sum[k][k], P times the Gram matrix (g NULL, k = p), or P times H itself with g[p][k]. */
static int moments_init(moments *x, size_t p, size_t k, const double *sum, const double *g, weights by)
{
    memset(x, 0, sizeof *x);
    x->p = p;
    x->by = by;
    gsl_matrix *s = gsl_matrix_alloc(k, k), *vec = gsl_matrix_alloc(k, k);
    gsl_vector *val = gsl_vector_alloc(k);
    gsl_eigen_symmv_workspace *work = gsl_eigen_symmv_alloc(k);
    x->h = malloc(k * sizeof *x->h);
    x->g = malloc(p * k * sizeof *x->g);
    x->a = malloc(k * k * sizeof *x->a);
    x->next = malloc(k * k * sizeof *x->next);
    int err = s && vec && val && work && x->h && x->g && x->a && x->next ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < k * k && !err; i++)
        gsl_matrix_set(s, i / k, i % k, sum[i] / (double)p);
    if (!err) {
        gsl_eigen_symmv(s, val, vec, work);
        gsl_eigen_symmv_sort(val, vec, GSL_EIGEN_SORT_VAL_DESC);
        while (x->m < k && gsl_vector_get(val, x->m) > 1e-12 * gsl_vector_get(val, 0))
            x->m++;
    }
    for (size_t i = 0; i < x->m; i++) {
        x->h[i] = gsl_vector_get(val, i);
        for (size_t mu = 0; mu < p; mu++) {
            double along = 0;
            if (!g)
                along = sqrt((double)p * x->h[i]) * gsl_matrix_get(vec, mu, i);
            for (size_t q = 0; g && q < k; q++)
                along += g[mu * k + q] * gsl_matrix_get(vec, q, i);
            x->g[mu * x->m + i] = along;
        }
    }
    gsl_matrix_free(s);
    gsl_matrix_free(vec);
    gsl_vector_free(val);
    gsl_eigen_symmv_free(work);
    if (!err && x->m == 0)
        err = qn_fail(QN_ERR_NUMERIC, "all gradients are 0: every step is stable");
    return err;
}

/* out = E[H_B a H_B]. */
static void spread(moments *x, const double *a, double *out)
{
    size_t m = x->m;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            out[i * m + j] = x->by.cross * x->h[i] * a[i * m + j] * x->h[j];
    for (size_t mu = 0; mu < x->p; mu++) {
        const double *g = x->g + mu * m;
        double gag = 0;
        for (size_t i = 0; i < m; i++) {
            double ag = 0;
            for (size_t j = 0; j < m; j++)
                ag += a[i * m + j] * g[j];
            gag += g[i] * ag;
        }
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++)
                out[i * m + j] += x->by.same / (double)x->p * gag * g[i] * g[j];
    }
}

static double scale_to_one(size_t n, double *a)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * a[i];
    sum = sqrt(sum);
    for (size_t i = 0; i < n; i++)
        a[i] /= sum;
    return sum;
}

/* With L a = Ha + aH and Q a = E[H_B a H_B], both self-adjoint and positive: a = a - eta L a + eta^2 Q a first at eta = min <a, L a>/<a, Q a>, the
 * inverse of the largest eigenvalue of L^-1 Q.  Maps of positive matrices onto positive ones have a positive matrix as their leading eigenvector
 * (Perron and Frobenius), so that no eigenvalue passes -1 before. */
static int critical_step(moments *x, double *critical)
{
    size_t m = x->m;
    double before = 0;
    for (size_t i = 0; i < m * m; i++)
        x->a[i] = i % (m + 1) == 0;
    scale_to_one(m * m, x->a);
    for (int pass = 0; pass < 20000; pass++) {
        spread(x, x->a, x->next);
        double top = 0, bottom = 0;
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++) {
                double a = x->a[i * m + j], l = x->h[i] + x->h[j];
                top += a * x->next[i * m + j];
                bottom += a * a * l;
                x->a[i * m + j] = x->next[i * m + j] / l;
            }
        scale_to_one(m * m, x->a);
        *critical = bottom / top;
        if (fabs(*critical - before) < 1e-13 * *critical)
            return 0;
        before = *critical;
    }
    return qn_fail(QN_ERR_NUMERIC, "the critical step was not found in 20000 iterations");
}

/* 2 tr H/(E|g|^4/B + (1-1/B)|H|_F^2) from the Gram matrix k, with the weights of the way in which batches are drawn. */
static double bound_of(size_t p, const double *k, weights by)
{
    double points = (double)p, trace = 0, frobenius = 0, fourth = 0;
    for (size_t mu = 0; mu < p; mu++) {
        double square = k[mu * p + mu];
        trace += square / points;
        fourth += square * square / points;
        for (size_t nu = 0; nu < p; nu++)
            frobenius += k[mu * p + nu] * k[mu * p + nu] / (points * points);
    }
    return 2 * trace / (by.same * fourth + by.cross * frobenius);
}

int sgd_stability_gram(size_t p, const double *k, size_t b, bool with_replacement, double *critical, double *bound)
{
    weights by = weights_of(p, b, with_replacement);
    *bound = bound_of(p, k, by);
    if (!critical)
        return 0;
    if (p > SGD_MOST_STABILITY)
        return qn_fail(QN_ERR_INPUT, "stability at %zu points; at most %d", p, SGD_MOST_STABILITY);
    moments x;
    int err = moments_init(&x, p, p, k, NULL, by);
    if (!err)
        err = critical_step(&x, critical);
    moments_free(&x);
    return err;
}

/* out[n][n] = sum over m rows of length n, or (across) out[m][m] = products of the rows. */
static void products(size_t m, size_t n, const double *g, bool across, double *out)
{
    size_t k = across ? m : n;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t q = 0; q < (across ? n : m); q++)
                sum += across ? g[i * n + q] * g[j * n + q] : g[q * n + i] * g[q * n + j];
            out[i * k + j] = out[j * k + i] = sum;
        }
}

int sgd_stability(size_t p, size_t n, const double *g, size_t b, bool with_replacement, double *critical, double *bound)
{
    if (p > SGD_MOST_STABILITY && n > SGD_MOST_STABILITY)
        return qn_fail(QN_ERR_INPUT, "stability of %zu weights at %zu points; one of them must be at most %d", n, p, SGD_MOST_STABILITY);
    double *k = malloc(p * p * sizeof *k), *h = p <= n ? NULL : malloc(n * n * sizeof *h);
    moments x = {0};
    int err = k && (h || p <= n) ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err)
        products(p, n, g, true, k);
    if (!err && !h)
        err = sgd_stability_gram(p, k, b, with_replacement, critical, bound);
    if (!err && h) {
        weights by = weights_of(p, b, with_replacement);
        *bound = bound_of(p, k, by);
        products(p, n, g, false, h);
        err = moments_init(&x, p, n, h, g, by);
        if (!err)
            err = critical_step(&x, critical);
    }
    moments_free(&x);
    free(k);
    free(h);
    return err;
}
