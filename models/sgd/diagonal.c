/* diagonal.c -- f = beta.x with beta = u^k - v^k entry by entry (k: `depth`), from u = v = s: large s is lazy (least L2 norm), small s rich (sparse).
 * Sparse teacher of `sparsity` entries +-1/sqrt(sparsity).  Woodworth et al. 2020; Pesme, Pillaud-Vivien & Flammarion 2021. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "hessian.h"
#include "regression.h"

typedef struct diagonal {
    sgd_regression r;
    double *u, *v;            /* [ld] each, one block: u, then v */
    double *beta, *slope2, *g;/* [ld] */
} diagonal;

static double power(double x, size_t k)
{
    double y = 1;
    for (size_t i = 0; i < k; i++)
        y *= x;
    return y;
}

static void make_beta(diagonal *n)
{
    size_t k = n->r.set.depth;
    for (size_t i = 0; i < n->r.set.d; i++)
        n->beta[i] = power(n->u[i], k) - power(n->v[i], k);
}

static void destroy(void *net)
{
    diagonal *n = net;
    if (!n)
        return;
    sgd_regression_free(&n->r);
    free(n->u);
    free(n->beta);
    free(n->slope2);
    free(n->g);
    free(n);
}

/* Entries of the teacher: a sample without replacement, signs fair. */
static int draw_teacher(const sgd_settings *set, qn_rng *rng, double *teacher)
{
    size_t *at = malloc(set->d * sizeof *at);
    if (!at)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < set->d; i++)
        at[i] = i;
    for (size_t i = 0; i < set->sparsity; i++) {
        size_t j = i + (size_t)qn_rng_below(rng, set->d - i), swap = at[i];
        at[i] = at[j];
        at[j] = swap;
        teacher[at[i]] = (qn_rng_u64(rng) >> 63 ? -1 : 1) / sqrt((double)set->sparsity);
    }
    free(at);
    return 0;
}

static int create(const qn_params *p, const sgd_settings *set, const void *shared, qn_streams *streams, void **net)
{
    (void)p;
    (void)shared;
    diagonal *n = *net = calloc(1, sizeof *n);
    if (!n)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    size_t ld = sgd_padded(set->d);
    n->u = calloc(2 * ld, sizeof *n->u);
    n->beta = calloc(ld, sizeof *n->beta);
    n->slope2 = calloc(ld, sizeof *n->slope2);
    n->g = calloc(ld, sizeof *n->g);
    if (!n->u || !n->beta || !n->slope2 || !n->g)
        return qn_fail(QN_ERR_NOMEM, "no memory for 2 d = %zu weights", 2 * set->d);
    n->v = n->u + ld;
    for (size_t i = 0; i < set->d; i++)
        n->u[i] = n->v[i] = set->scale;
    qn_rng rng;
    qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_TEACHER, &rng);
    int err = draw_teacher(set, &rng, n->g);
    return err ? err : sgd_regression_init(&n->r, set, n->g, streams);
}

static int save(const void *net, qn_group *g)
{
    const diagonal *n = net;
    return qn_save_f64(g, "w", 2 * n->r.ld, n->u);
}

static int load(void *net, const qn_group *g)
{
    diagonal *n = net;
    int err = qn_load_f64(g, "w", 2 * n->r.ld, n->u);
    make_beta(n);
    return err;
}

/* u += c k u^(k-1) g, v -= c k v^(k-1) g. */
static void move(diagonal *n, double c)
{
    size_t k = n->r.set.depth;
    for (size_t i = 0; i < n->r.set.d; i++) {
        double by = c * (double)k * n->g[i];
        n->u[i] += by * power(n->u[i], k - 1);
        n->v[i] -= by * power(n->v[i], k - 1);
    }
    make_beta(n);
}

static size_t step(void *net, size_t count, const uint32_t *at, double rate)
{
    diagonal *n = net;
    size_t pushed = sgd_regression_pull(&n->r, n->beta, count, at, n->g);
    move(n, rate);
    return pushed;
}

static size_t step_fresh(void *net, size_t count, double rate, qn_rng *rng)
{
    diagonal *n = net;
    size_t pushed = sgd_regression_pull_fresh(&n->r, n->beta, count, rng, n->g);
    move(n, rate);
    return pushed;
}

static double size(const void *net)
{
    const diagonal *n = net;
    double sum = 0;
    for (size_t i = 0; i < n->r.set.d; i++)
        sum += n->u[i] * n->u[i] + n->v[i] * n->v[i];
    return sqrt(sum);
}

static void look(void *net, sgd_look *out)
{
    diagonal *n = net;
    size_t d = n->r.set.d, k = n->r.set.depth;
    double s = n->r.set.scale, moved = 0;
    for (size_t i = 0; i < d; i++) {
        double a = (double)k * power(n->u[i], k - 1), b = (double)k * power(n->v[i], k - 1);
        n->slope2[i] = a * a + b * b;
        moved += (n->u[i] - s) * (n->u[i] - s) + (n->v[i] - s) * (n->v[i] - s);
    }
    sgd_regression_look(&n->r, n->beta, n->slope2, out);
    out->dw = sqrt(moved);
    out->w0 = s * sqrt(2 * (double)d);
}

/* Gram matrix of the gradients of f at the training points, K = X diag(slope2) X' with slope2 as look() leaves it; NULL: no memory. */
static double *gram(const diagonal *n)
{
    size_t p = n->r.set.p, d = n->r.set.d;
    double *k = calloc(p * p, sizeof *k), *g = malloc(p * d * sizeof *g);
    for (size_t mu = 0; k && g && mu < p; mu++)
        for (size_t i = 0; i < d; i++)
            g[mu * d + i] = sqrt(n->slope2[i]) * (double)n->r.x[mu * n->r.ld + i];
    if (!g) {
        free(k);
        return NULL;
    }
    if (k)
        qn_gemm_f64(QN_GEMM_OWN, QN_NT, p, p, d, g, d, g, d, k, p);
    free(g);
    return k;
}

/* L''/P, the same at all points. */
static double *curves(const diagonal *n)
{
    double *curve = malloc(n->r.set.p * sizeof *curve);
    for (size_t mu = 0; curve && mu < n->r.set.p; mu++)
        curve[mu] = sgd_loss_curve(&n->r.set.loss, 0, 0) / (double)n->r.set.p;
    return curve;
}

static void measure(void *net, const sgd_look *seen, qn_streams *streams, qn_record *r)
{
    diagonal *n = net;
    (void)seen;
    if (n->r.set.hessian == SGD_NO_HESSIAN)
        return;
    double *k = gram(n), *curve = curves(n), trace, frobenius, top;
    if (k && curve && !sgd_gauss_newton(n->r.set.p, k, curve, &streams->measurement, &trace, &frobenius, &top)) {
        qn_put(r, SGD_O_TR_HESS, trace);
        qn_put(r, SGD_O_FRO_HESS, frobenius);
        qn_put(r, SGD_O_LMAX_HESS, top);
    }
    free(k);
    free(curve);
}

static void finish(void *net, qn_record *r)
{
    diagonal *n = net;
    if (!sgd_provides_curvature(&n->r.set, SGD_O_ETA_BOUND))
        return;
    sgd_look seen;
    look(n, &seen);
    double *k = gram(n), *curve = curves(n);
    if (k && curve)
        sgd_put_stability(&n->r.set, k, curve, r);
    free(k);
    free(curve);
}

static size_t weights(const void *net)
{
    return 2 * ((const diagonal *)net)->r.set.d;
}

static void get(const void *net, double *w)
{
    const diagonal *n = net;
    size_t d = n->r.set.d;
    memcpy(w, n->u, d * sizeof *w);
    memcpy(w + d, n->v, d * sizeof *w);
}

static void set(void *net, const double *w)
{
    diagonal *n = net;
    size_t d = n->r.set.d;
    memcpy(n->u, w, d * sizeof *w);
    memcpy(n->v, w + d, d * sizeof *w);
    make_beta(n);
}

static void descend(void *net, double *minus_gradient, double *f)
{
    diagonal *n = net;
    size_t p = n->r.set.p, d = n->r.set.d, k = n->r.set.depth;
    sgd_regression_pull(&n->r, n->beta, p, NULL, n->g);
    sgd_regression_predict(&n->r, n->beta, f);
    for (size_t i = 0; i < d; i++) {
        double by = (double)k * n->g[i] / (double)p;
        minus_gradient[i] = by * power(n->u[i], k - 1);
        minus_gradient[d + i] = -by * power(n->v[i], k - 1);
    }
}

static bool provides(const sgd_settings *set, int obs)
{
    return obs == SGD_O_DW_REL ? set->scale > 0 : sgd_regression_provides(set, obs) || sgd_provides_curvature(set, obs);
}

static double bytes(const sgd_settings *set)
{
    double p = (double)set->p, curvature = set->hessian || set->stability ? 8 * p * (4 * p + (double)set->d) : 0;
    return sgd_regression_bytes(set) + 40 * (double)sgd_padded(set->d) + curvature;
}

static double step_seconds(const sgd_settings *set)
{
    return sgd_regression_step_seconds(set) + 2e-9 * (double)(set->d * set->depth);
}

const sgd_net sgd_diagonal = {
    .name = "diagonal",
    .step_seconds = step_seconds, .bytes = bytes, .provides = provides,
    .create = create, .destroy = destroy, .save = save, .load = load,
    .step = step, .step_fresh = step_fresh, .look = look, .measure = measure, .finish = finish, .size = size,
    .weights = weights, .get = get, .set = set, .descend = descend,
};
