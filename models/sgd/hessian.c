/* hessian.c -- see hessian.h. */
#include "hessian.h"

#include <gsl/gsl_eigen.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "state.h"
#include "theory.h"

double sgd_loss_slope(const sgd_loss *l, double y, double predictor)
{
    return l->kind == SGD_SQUARE ? -sgd_push_residual(l, y - predictor) : -y * sgd_push(l, y * predictor);
}

double sgd_loss_curve(const sgd_loss *l, double y, double predictor)
{
    double u = y * predictor, p;
    switch (l->kind) {
    case SGD_SQUARE:
        return l->half ? 1 : 2 * l->alpha * l->alpha;
    case SGD_QUADRATIC_HINGE:
        return u < l->margin ? l->alpha : 0;
    case SGD_SOFT_HINGE:
        p = sgd_push(l, u);
        return l->alpha * p * (1 - p) / l->softness;
    case SGD_HINGE:
        break;
    }
    return 0;
}

/* ---- products with H ---- */

int sgd_hessian_init(sgd_hessian *h, sgd_pass *p, const double *slope, const double *curve)
{
    size_t units = p->shape->depth * p->n * p->shape->h;
    *h = (sgd_hessian){.pass = p, .slope = slope, .curve = curve};
    h->rz = malloc(units * sizeof *h->rz);
    h->ra = malloc(units * sizeof *h->ra);
    h->rg = malloc(units * sizeof *h->rg);
    h->rf = malloc(p->n * sizeof *h->rf);
    h->part = malloc(p->n * p->shape->h * sizeof *h->part);
    h->back = malloc(p->n * p->shape->h * sizeof *h->back);
    if (h->rz && h->ra && h->rg && h->rf && h->part && h->back)
        return 0;
    sgd_hessian_free(h);
    return qn_fail(QN_ERR_NOMEM, "no memory for the curvature at %zu points", p->n);
}

void sgd_hessian_free(sgd_hessian *h)
{
    free(h->rz);
    free(h->ra);
    free(h->rg);
    free(h->rf);
    free(h->part);
    free(h->back);
    memset(h, 0, sizeof *h);
}

/* Derivatives of z, a and f along v. */
static void r_forward(const sgd_hessian *x, const double *v)
{
    const sgd_pass *p = x->pass;
    const sgd_shape *s = p->shape;
    size_t n = p->n, h = s->h, layer = n * h;
    double out = sgd_shape_out(s), fan = 1 / sqrt((double)h);
    memset(x->rz, 0, s->depth * layer * sizeof *x->rz);
    for (size_t l = 0; l < s->depth; l++) {
        size_t in = sgd_shape_inputs(s, l);
        double *rz = x->rz + l * layer, *ra = x->ra + l * layer;
        qn_gemm_f64(QN_GEMM_OWN, QN_NN, n, h, in, l ? p->a + (l - 1) * layer : p->x, in, v + sgd_shape_at(s, l), h, rz, h);
        if (l)
            qn_gemm_f64(QN_GEMM_OWN, QN_NN, n, h, h, ra - layer, h, p->w + sgd_shape_at(s, l), h, rz, h);
        for (size_t i = 0; i < layer; i++) {
            rz[i] *= l ? fan : 1;
            ra[i] = sgd_phi_slope(&s->phi, p->z[l * layer + i]) * rz[i];
        }
    }
    size_t at = sgd_shape_at(s, s->depth);
    const double *a = p->a + (s->depth - 1) * layer, *ra = x->ra + (s->depth - 1) * layer;
    for (size_t mu = 0; mu < n; mu++) {
        double sum = 0;
        for (size_t i = 0; i < h; i++)
            sum += p->w[at + i] * ra[mu * h + i] + (s->shared_readout ? 0 : v[at + i]) * a[mu * h + i];
        x->rf[mu] = out * sum;
    }
}

/* Derivatives of g along v. */
static void r_backward(const sgd_hessian *x, const double *v)
{
    const sgd_pass *p = x->pass;
    const sgd_shape *s = p->shape;
    size_t n = p->n, h = s->h, layer = n * h, at = sgd_shape_at(s, s->depth);
    double out = sgd_shape_out(s), fan = 1 / sqrt((double)h);
    for (size_t l = s->depth; l-- > 0;) {
        const double *z = p->z + l * layer;
        double *rg = x->rg + l * layer, *back = x->back, *r_back = x->part;
        memset(back, 0, layer * sizeof *back);
        memset(r_back, 0, layer * sizeof *r_back);
        if (l + 1 < s->depth) {
            const double *w_up = p->w + sgd_shape_at(s, l + 1), *v_up = v + sgd_shape_at(s, l + 1);
            qn_gemm_f64(QN_GEMM_OWN, QN_NT, n, h, h, p->g + (l + 1) * layer, h, w_up, h, back, h);
            qn_gemm_f64(QN_GEMM_OWN, QN_NT, n, h, h, x->rg + (l + 1) * layer, h, w_up, h, r_back, h);
            qn_gemm_f64(QN_GEMM_OWN, QN_NT, n, h, h, p->g + (l + 1) * layer, h, v_up, h, r_back, h);
        }
        for (size_t i = 0; i < layer; i++) {
            bool top = l + 1 == s->depth;
            double b = top ? out * p->w[at + i % h] : fan * back[i];
            double rb = top ? (s->shared_readout ? 0 : out * v[at + i % h]) : fan * r_back[i];
            rg[i] = rb * sgd_phi_slope(&s->phi, z[i]) + b * sgd_phi_curve(&s->phi, z[i]) * x->rz[l * layer + i];
        }
    }
}

void sgd_hessian_times(const sgd_hessian *x, const double *v, double *hv)
{
    const sgd_pass *p = x->pass;
    const sgd_shape *s = p->shape;
    size_t n = p->n, h = s->h, layer = n * h, at = sgd_shape_at(s, s->depth);
    double out = sgd_shape_out(s), fan = 1 / sqrt((double)h);
    r_forward(x, v);
    r_backward(x, v);
    memset(hv, 0, sgd_shape_weights(s) * sizeof *hv);
    for (size_t l = 0; l < s->depth; l++) {
        size_t in = sgd_shape_inputs(s, l);
        const double *g = p->g + l * layer, *rg = x->rg + l * layer, *from = l ? p->a + (l - 1) * layer : p->x;
        for (size_t i = 0; i < layer; i++)
            x->part[i] = (l ? fan : 1) * (x->curve[i / h] * x->rf[i / h] * g[i] + x->slope[i / h] * rg[i]);
        qn_gemm_f64(QN_GEMM_OWN, QN_TN, in, h, n, from, in, x->part, h, hv + sgd_shape_at(s, l), h);
        for (size_t i = 0; l && i < layer; i++)
            x->part[i] = fan * x->slope[i / h] * g[i];
        if (l)
            qn_gemm_f64(QN_GEMM_OWN, QN_TN, in, h, n, x->ra + (l - 1) * layer, in, x->part, h, hv + sgd_shape_at(s, l), h);
    }
    const double *a = p->a + (s->depth - 1) * layer, *ra = x->ra + (s->depth - 1) * layer;
    for (size_t i = 0; !s->shared_readout && i < layer; i++)
        hv[at + i % h] += out * (x->curve[i / h] * x->rf[i / h] * a[i] + x->slope[i / h] * ra[i]);
}

void sgd_hessian_operator(const void *hessian, const double *v, double *out)
{
    sgd_hessian_times(hessian, v, out);
}

/* ---- what products tell of a symmetric matrix ---- */

static double dot(size_t n, const double *a, const double *b)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

int sgd_hutchinson(sgd_operator *times, const void *of, size_t n, size_t size, size_t probes, qn_rng *rng, sgd_trace *out)
{
    double *v = calloc(2 * size, sizeof *v), *av = v + size;
    if (!v)
        return qn_fail(QN_ERR_NOMEM, "no memory for probes of %zu weights", size);
    double sum[2] = {0}, square[2] = {0}, m = (double)probes;
    for (size_t k = 0; k < probes; k++) {
        uint64_t bits = 0;
        for (size_t i = 0; i < n; i++, bits >>= 1) {
            if (i % 64 == 0)
                bits = qn_rng_u64(rng);
            v[i] = bits & 1 ? 1 : -1;
        }
        times(of, v, av);
        double x[2] = {dot(n, v, av), dot(n, av, av)};
        for (int c = 0; c < 2; c++) {
            sum[c] += x[c];
            square[c] += x[c] * x[c];
        }
    }
    free(v);
    double mean[2] = {sum[0] / m, sum[1] / m}, err[2];
    for (int c = 0; c < 2; c++)
        err[c] = sqrt(fmax(square[c] / m - mean[c] * mean[c], 0) / (m - 1));
    *out = (sgd_trace){mean[0], err[0], mean[1], err[1]};
    return 0;
}

/* Largest eigenvalue of the tridiagonal matrix of k rows, and how far it is from one of the whole matrix: beta_k times the last
 * component of its eigenvector bounds it. */
static int tridiagonal_top(size_t k, const double *alpha, const double *beta, double *top, double *away)
{
    gsl_matrix *t = gsl_matrix_calloc(k, k), *v = gsl_matrix_alloc(k, k);
    gsl_vector *e = gsl_vector_alloc(k);
    gsl_eigen_symmv_workspace *w = gsl_eigen_symmv_alloc(k);
    int err = t && v && e && w ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for %zu Lanczos vectors", k);
    for (size_t i = 0; !err && i < k; i++) {
        gsl_matrix_set(t, i, i, alpha[i]);
        if (i + 1 < k) {
            gsl_matrix_set(t, i, i + 1, beta[i]);
            gsl_matrix_set(t, i + 1, i, beta[i]);
        }
    }
    if (!err) {
        gsl_eigen_symmv(t, e, v, w);
        size_t at = gsl_vector_max_index(e);
        *top = gsl_vector_get(e, at);
        *away = fabs(beta[k - 1] * gsl_matrix_get(v, k - 1, at));
    }
    gsl_matrix_free(t);
    gsl_matrix_free(v);
    gsl_vector_free(e);
    gsl_eigen_symmv_free(w);
    return err;
}

int sgd_lanczos(sgd_operator *times, const void *of, size_t n, size_t size, size_t most, double tol, qn_rng *rng, double *top)
{
    most = most < n ? most : n;
    double *q = calloc((most + 1) * size, sizeof *q), *alpha = malloc(2 * most * sizeof *alpha), *beta = alpha + most;
    int err = q && alpha ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for %zu Lanczos vectors of %zu weights", most, size);
    *top = NAN;
    if (!err) {
        qn_rng_fill_normal(rng, n, q);
        double norm = sqrt(dot(n, q, q));
        for (size_t i = 0; i < n; i++)
            q[i] /= norm;
    }
    for (size_t k = 0; !err && k < most; k++) {
        double *now = q + k * size, *next = now + size, away = INFINITY;
        times(of, now, next);
        alpha[k] = dot(n, now, next);
        for (int twice = 0; twice < 2; twice++) /* once leaves rounding errors that the small rests magnify */
            for (size_t j = 0; j <= k; j++) {
                double along = dot(n, q + j * size, next);
                for (size_t i = 0; i < n; i++)
                    next[i] -= along * q[j * size + i];
            }
        beta[k] = sqrt(dot(n, next, next));
        if (!isfinite(beta[k]) || !isfinite(alpha[k]))
            break; /* NaN says it */
        bool closed = beta[k] <= 1e-14 * fabs(alpha[0]) + 1e-300 || k + 1 == most;
        if (closed || k % 5 == 4) {
            err = tridiagonal_top(k + 1, alpha, beta, top, &away);
            if (closed || away <= tol * fabs(*top))
                break;
        }
        for (size_t i = 0; i < n; i++)
            next[i] /= beta[k];
    }
    free(q);
    free(alpha);
    return err;
}

/* ---- Gauss-Newton ---- */

typedef struct matrix {
    size_t n;
    const double *k, *root; /* root[i] root[j] k[i][j] */
} matrix;

static void matrix_times(const void *of, const double *v, double *out)
{
    const matrix *m = of;
    for (size_t i = 0; i < m->n; i++) {
        double sum = 0;
        for (size_t j = 0; j < m->n; j++)
            sum += m->k[i * m->n + j] * (m->root[j] * v[j]);
        out[i] = m->root[i] * sum;
    }
}

int sgd_gauss_newton(size_t n, const double *k, const double *curve, qn_rng *rng, double *trace, double *frobenius, double *top)
{
    double *root = malloc(n * sizeof *root), square = 0;
    if (!root)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu points", n);
    *trace = 0;
    for (size_t i = 0; i < n; i++) {
        root[i] = sqrt(curve[i]);
        *trace += curve[i] * k[i * n + i];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            square += curve[i] * curve[j] * k[i * n + j] * k[i * n + j];
    *frobenius = sqrt(square);
    matrix m = {n, k, root};
    int err = sgd_lanczos(matrix_times, &m, n, n, 200, 1e-10, rng, top);
    free(root);
    return err;
}

/* ---- observables ---- */

void sgd_put_stability(const sgd_settings *set, double *k, const double *curve, qn_record *r)
{
    size_t p = set->p;
    double critical = NAN, bound = NAN, points = (double)p;
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++)
            k[i * p + j] *= points * sqrt(curve[i] * curve[j]); /* curve: L''/P */
    if (sgd_stability_gram(p, k, set->b, set->batching == SGD_WITH, set->stability ? &critical : NULL, &bound))
        critical = NAN; /* not found: the outcome says so */
    qn_put(r, SGD_O_ETA_BOUND, bound);
    if (set->stability)
        qn_put(r, SGD_O_ETA_CRITICAL, critical);
}

bool sgd_provides_curvature(const sgd_settings *set, int obs)
{
    switch (obs) {
    case SGD_O_TR_HESS: case SGD_O_FRO_HESS: case SGD_O_LMAX_HESS:
        return set->hessian != SGD_NO_HESSIAN;
    case SGD_O_TR_HESS_SE:
        return set->hessian == SGD_FULL_HESSIAN;
    case SGD_O_ETA_BOUND:
        return set->stability || set->hessian == SGD_GAUSS_NEWTON;
    case SGD_O_ETA_CRITICAL:
        return set->stability;
    default:
        return false;
    }
}
