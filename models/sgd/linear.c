/* linear.c -- f = w.x on Gaussian inputs with a dense teacher ~ N(0, 1/d); w starts at 0.  For exact tests: streaming least squares, stability. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "regression.h"
#include "theory.h"

typedef struct linear {
    sgd_regression r;
    double *w, *g, *one;      /* [ld] */
} linear;

static void destroy(void *net)
{
    linear *n = net;
    if (!n)
        return;
    sgd_regression_free(&n->r);
    free(n->w);
    free(n->g);
    free(n->one);
    free(n);
}

static int create(const qn_params *p, const sgd_settings *set, const void *shared, qn_streams *streams, void **net)
{
    (void)p;
    (void)shared;
    linear *n = *net = calloc(1, sizeof *n);
    if (!n)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    size_t ld = sgd_padded(set->d);
    n->w = calloc(ld, sizeof *n->w);
    n->g = calloc(ld, sizeof *n->g);
    n->one = calloc(ld, sizeof *n->one);
    if (!n->w || !n->g || !n->one)
        return qn_fail(QN_ERR_NOMEM, "no memory for d = %zu weights", set->d);
    qn_rng rng;
    qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_TEACHER, &rng);
    for (size_t i = 0; i < set->d; i++) {
        n->g[i] = qn_rng_normal(&rng) / sqrt((double)set->d);
        n->one[i] = 1;
    }
    return sgd_regression_init(&n->r, set, n->g, streams);
}

static int save(const void *net, qn_group *g)
{
    const linear *n = net;
    return qn_save_f64(g, "w", n->r.ld, n->w);
}

static int load(void *net, const qn_group *g)
{
    linear *n = net;
    return qn_load_f64(g, "w", n->r.ld, n->w);
}

static size_t step(void *net, size_t count, const uint32_t *at, double rate)
{
    linear *n = net;
    size_t pushed = sgd_regression_pull(&n->r, n->w, count, at, n->g);
    n->r.rows->axpy(n->r.ld, rate, n->g, n->w);
    return pushed;
}

static size_t step_fresh(void *net, size_t count, double rate, qn_rng *rng)
{
    linear *n = net;
    size_t pushed = sgd_regression_pull_fresh(&n->r, n->w, count, rng, n->g);
    n->r.rows->axpy(n->r.ld, rate, n->g, n->w);
    return pushed;
}

static double size(const void *net)
{
    const linear *n = net;
    double sum = 0;
    for (size_t i = 0; i < n->r.set.d; i++)
        sum += n->w[i] * n->w[i];
    return sqrt(sum);
}

static void look(void *net, sgd_look *out)
{
    linear *n = net;
    sgd_regression_look(&n->r, n->w, n->one, out);
    out->dw = size(n);
    out->w0 = 0;
}

static size_t weights(const void *net)
{
    return ((const linear *)net)->r.set.d;
}

static void get(const void *net, double *w)
{
    const linear *n = net;
    memcpy(w, n->w, n->r.set.d * sizeof *w);
}

static void set(void *net, const double *w)
{
    linear *n = net;
    memcpy(n->w, w, n->r.set.d * sizeof *w);
}

static void descend(void *net, double *minus_gradient, double *f)
{
    linear *n = net;
    size_t p = n->r.set.p;
    sgd_regression_pull(&n->r, n->w, p, NULL, n->g);
    sgd_regression_predict(&n->r, n->w, f);
    for (size_t i = 0; i < n->r.set.d; i++)
        minus_gradient[i] = n->g[i] / (double)p;
}

static void finish(void *net, qn_record *r)
{
    linear *n = net;
    const sgd_settings *s = &n->r.set;
    if (!s->stability)
        return;
    double *x = malloc(s->p * s->d * sizeof *x), critical = NAN, bound = NAN;
    for (size_t mu = 0; x && mu < s->p; mu++)
        for (size_t i = 0; i < s->d; i++)
            x[mu * s->d + i] = (double)n->r.x[mu * n->r.ld + i] * sqrt(sgd_push_residual(&s->loss, 1));
    if (!x || sgd_stability(s->p, s->d, x, s->b, s->batching == SGD_WITH, &critical, &bound))
        critical = bound = NAN; /* not found: the outcome says so */
    free(x);
    qn_put(r, SGD_O_ETA_CRITICAL, critical);
    qn_put(r, SGD_O_ETA_BOUND, bound);
}

static bool provides(const sgd_settings *set, int obs)
{
    if (obs == SGD_O_ETA_CRITICAL || obs == SGD_O_ETA_BOUND)
        return set->stability;
    return sgd_regression_provides(set, obs);
}

const sgd_net sgd_linear = {
    .name = "linear",
    .step_seconds = sgd_regression_step_seconds, .bytes = sgd_regression_bytes, .provides = provides,
    .create = create, .destroy = destroy, .save = save, .load = load,
    .step = step, .step_fresh = step_fresh, .look = look, .finish = finish, .size = size,
    .weights = weights, .get = get, .set = set, .descend = descend,
};
