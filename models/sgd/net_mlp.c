/* net_mlp.c -- `net: mlp`: a net with hidden layers in training, and what is observed of it.
 *
 * Training is trainer.h's, in the precision asked for; kernels, curvature and geometry are computed in double precision at the weights
 * as they are. */
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "geometry.h"
#include "grokking.h"
#include "hessian.h"
#include "ntk.h"
#include "trainer.h"

typedef struct mlp {
    sgd_base b;
    const sgd_arith *arith;
    void *trainer;
    size_t weights;
    double *dw, *w;           /* [weights] copies: dw, w0 + dw */
    double *k0, *k;           /* [n_kernel][n_kernel] tangent kernel of f at the start and now */
    bool known;               /* f of all training points and k_max are those of these weights */
    double k_max;             /* largest K_mumu over all training points */
    uint32_t *list;           /* [p] */
} mlp;

static void destroy(void *net)
{
    mlp *n = net;
    if (!n)
        return;
    if (n->arith)
        n->arith->destroy(n->trainer);
    sgd_base_free(&n->b);
    free(n->dw);
    free(n->w);
    free(n->k0);
    free(n->k);
    free(n->list);
    free(n);
}

static const sgd_shape *shape_of(const mlp *n)
{
    return &n->b.set.deep.shape;
}

static int create(const qn_params *p, const sgd_settings *set, const void *shared, qn_streams *streams, void **net)
{
    (void)p;
    mlp *n = *net = calloc(1, sizeof *n);
    if (!n)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = sgd_base_init(&n->b, set, shared, streams);
    if (err)
        return err;
    const sgd_deep *x = &n->b.set.deep;
    size_t kernel = n->b.n_kernel * n->b.n_kernel;
    n->weights = sgd_shape_weights(&x->shape);
    n->dw = malloc(n->weights * sizeof *n->dw);
    n->w = malloc(n->weights * sizeof *n->w);
    n->k0 = malloc((kernel + 1) * sizeof *n->k0);
    n->k = malloc((kernel + 1) * sizeof *n->k);
    n->list = malloc((n->b.data.train.n + 1) * sizeof *n->list);
    if (!n->dw || !n->w || !n->k0 || !n->k || !n->list)
        return qn_fail(QN_ERR_NOMEM, "no memory for a net of %zu weights", n->weights);
    sgd_trainer_setup s = {.shape = &x->shape, .train = &n->b.data.train, .test = &n->b.data.test, .w0 = n->b.w0, .loss = set->loss,
                           .subtract = set->subtract, .how = x->cblas ? QN_GEMM_CBLAS : QN_GEMM_OWN};
    n->arith = x->single ? &sgd_arith_f32 : &sgd_arith_f64;
    err = n->arith->create(&s, &n->trainer);
    return !err && n->b.n_kernel ? sgd_ntk_at(&x->shape, n->b.w0, n->b.n_kernel, n->b.x_kernel, n->k0) : err;
}

static int save(const void *net, qn_group *g)
{
    const mlp *n = net;
    return n->arith->save(n->trainer, g);
}

static int load(void *net, const qn_group *g)
{
    mlp *n = net;
    n->known = false;
    return n->arith->load(n->trainer, g);
}

static size_t step(void *net, size_t count, const uint32_t *at, double rate)
{
    mlp *n = net;
    if (!at && n->known) { /* a step of the hinge's flow: who pushes is known */
        size_t hits = 0;
        for (uint32_t mu = 0; mu < count; mu++)
            if (sgd_loss_slope(&n->b.set.loss, n->b.data.train.y[mu], n->b.f[mu]) != 0)
                n->list[hits++] = mu;
        at = n->list;
        count = hits;
    }
    size_t hits = count ? n->arith->step(n->trainer, count, at, rate) : 0;
    n->known &= hits == 0;
    return hits;
}

/* ---- questions ------------------------------------------------------------------------------------------------------- */

static double norm(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static void take_weights(mlp *n)
{
    n->arith->get(n->trainer, n->dw);
    for (size_t i = 0; i < n->weights; i++)
        n->w[i] = n->b.w0[i] + n->dw[i];
}

/* Calls `see` with passes (forward and backward) over all training points, a block at a time. */
typedef void seer(mlp *n, sgd_pass *pass, size_t first, void *to);

static int over_points(mlp *n, seer *see, void *to)
{
    enum { BLOCK = 256 };
    const sgd_points *p = &n->b.data.train;
    double *x = malloc((BLOCK < p->n ? BLOCK : p->n) * p->d * sizeof *x);
    int err = x ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for %d points", BLOCK);
    for (size_t first = 0; first < p->n && !err; first += BLOCK) {
        size_t m = first + BLOCK < p->n ? BLOCK : p->n - first;
        sgd_pass pass;
        err = sgd_pass_init(&pass, shape_of(n), m);
        if (err)
            break;
        sgd_points_f64(p, m, NULL, first, x);
        sgd_pass_forward(&pass, n->w, x);
        sgd_pass_backward(&pass);
        see(n, &pass, first, to);
        sgd_pass_free(&pass);
    }
    free(x);
    return err;
}

typedef struct noise {
    double power, *mean;      /* mean push^2 |grad f|^2; [weights] mean gradient */
} noise;

static void see_noise(mlp *n, sgd_pass *pass, size_t first, void *to)
{
    noise *x = to;
    double p = (double)n->b.data.train.n, push[256], grad2[256];
    sgd_pass_norms(pass, grad2);
    for (size_t i = 0; i < pass->n; i++) {
        push[i] = -sgd_loss_slope(&n->b.set.loss, n->b.data.train.y[first + i], n->b.f[first + i]) / p;
        x->power += p * push[i] * push[i] * grad2[i];
    }
    sgd_pass_gradient(pass, push, x->mean);
}

static void look_at_noise(mlp *n, sgd_look *out)
{
    noise x = {0, calloc(n->weights, sizeof *x.mean)};
    if (x.mean && !over_points(n, see_noise, &x)) {
        double mean = norm(n->weights, x.mean);
        out->noise_signal = mean * mean;
        out->noise_trace = x.power - mean * mean;
    }
    free(x.mean);
}

/* |projection of W_0 on the teachers' directions| and of the rest. */
static void look_at_signal(const mlp *n, sgd_look *out)
{
    size_t d = n->b.set.d, h = shape_of(n)->h;
    double all = norm(d * h, n->w), signal = 0;
    for (size_t k = 0; k < n->b.data.teachers; k++) {
        const double *teacher = n->b.data.teacher + k * d;
        for (size_t i = 0; i < h; i++) {
            double along = 0;
            for (size_t j = 0; j < d; j++)
                along += teacher[j] * n->w[j * h + i];
            signal += along * along;
        }
    }
    out->w_signal = sqrt(signal);
    out->w_noise = sqrt(fmax(all * all - signal, 0));
}

static void predict_train(mlp *n)
{
    n->arith->predict(n->trainer, false, 0, n->b.data.train.n, n->b.f);
}

static void look(void *net, sgd_look *out)
{
    mlp *n = net;
    predict_train(n);
    n->arith->predict(n->trainer, true, 0, n->b.data.test.n, n->b.f_test);
    sgd_base_look(&n->b, out);
    take_weights(n);
    out->dw = norm(n->weights, n->dw);
    if (n->b.data.teachers)
        look_at_signal(n, out);
    look_at_noise(n, out);
}

static double train_loss(void *net)
{
    mlp *n = net;
    double sum = 0;
    predict_train(n);
    for (size_t mu = 0; mu < n->b.data.train.n; mu++)
        sum += sgd_base_loss(&n->b, n->b.data.train.y[mu], n->b.f[mu]);
    return sum / (double)n->b.data.train.n;
}

static double size(const void *net)
{
    const mlp *n = net;
    n->arith->get(n->trainer, n->dw); /* a copy: no part of the state */
    double sum = 0;
    for (size_t i = 0; i < n->weights; i++)
        sum += (n->b.w0[i] + n->dw[i]) * (n->b.w0[i] + n->dw[i]);
    return sqrt(sum);
}

static bool dead(const void *net)
{
    const mlp *n = net;
    return n->arith->dead(n->trainer);
}

static bool point_fitted(const mlp *n, size_t mu, double f)
{
    return n->b.data.train.y[mu] * f >= n->b.set.loss.margin;
}

static bool fitted(void *net, size_t *witness)
{
    mlp *n = net;
    size_t p = n->b.data.train.n;
    double f[256];
    if (*witness < p) {
        n->arith->predict(n->trainer, false, *witness, 1, f);
        if (!point_fitted(n, *witness, f[0]))
            return false;
    }
    for (size_t first = 0, m = 16; first < p; first += m, m = m < 256 ? 2 * m : m) {
        m = m < p - first ? m : p - first;
        n->arith->predict(n->trainer, false, first, m, f);
        for (size_t i = 0; i < m; i++)
            if (!point_fitted(n, first + i, f[i])) {
                *witness = first + i;
                return false;
            }
    }
    return true;
}

/* ---- observables of its own -------------------------------------------------------------------------------------------- */

static bool provides(const sgd_settings *set, int obs)
{
    const sgd_deep *x = &set->deep;
    switch (obs) {
    case SGD_O_W_SIGNAL: case SGD_O_W_NOISE: case SGD_O_LAMBDA:
        return sgd_source_teachers(&x->source) > 0;
    case SGD_O_DW_LAYER: case SGD_O_DW_REL_LAYER:
        return true;
    case SGD_O_KERNEL_CHANGE:
        return x->n_kernel > 0;
    case SGD_O_NTK_SAME: case SGD_O_NTK_RIGHT: case SGD_O_NTK_CIRCLE_FIRST: case SGD_O_NTK_CIRCLE:
        return x->angles > 0;
    case SGD_O_QUAD_A: case SGD_O_QUAD_B: case SGD_O_QUAD_C:
        return x->source.kind == SGD_DATA_QUADRATIC && x->shape.depth == 1 && x->shape.shared_readout && x->shape.phi.kind == SGD_QUAD && x->bias == 0;
    case SGD_O_CKA_INPUT: case SGD_O_CKA_TARGET:
        return x->geometry && x->n_kernel > 1;
    case SGD_O_PARALLELISM: case SGD_O_CCGP: case SGD_O_DECODE: case SGD_O_PARALLELISM_NULL: case SGD_O_CCGP_NULL: case SGD_O_DECODE_NULL:
        return x->geometry && x->source.kind == SGD_DATA_CLUSTERS;
    default:
        return sgd_base_provides(set, obs) || sgd_provides_curvature(set, obs);
    }
}

static double angle_of(const sgd_deep *x, size_t k)
{
    return x->angles > 1 ? 180 * (double)k / (double)(x->angles - 1) : 0;
}

static size_t dimension(const qn_params *p, const char *dim, double *values)
{
    sgd_settings set;
    sgd_settings_read(p, &set);
    if (!strcmp(dim, "angle")) {
        for (size_t k = 0; values && k < set.deep.angles; k++)
            values[k] = angle_of(&set.deep, k);
        return set.deep.angles;
    }
    size_t n = !strcmp(dim, "layer") ? set.deep.shape.depth + 1 : !strcmp(dim, "eigen") ? set.deep.n_kernel : 0;
    for (size_t k = 0; values && k < n; k++)
        values[k] = (double)(k + 1);
    return n;
}

static void measure_layers(const mlp *n, qn_record *r)
{
    const sgd_shape *s = shape_of(n);
    for (size_t l = 0; l <= s->depth; l++) {
        size_t at = sgd_shape_at(s, l), end = l < s->depth ? sgd_shape_at(s, l + 1) : n->weights;
        double moved = norm(end - at, n->dw + at);
        qn_put_at(r, SGD_O_DW_LAYER, l, moved);
        qn_put_at(r, SGD_O_DW_REL_LAYER, l, moved / norm(end - at, n->b.w0 + at));
    }
}

static void measure_kernel(mlp *n, qn_record *r)
{
    size_t m = n->b.n_kernel;
    if (!m || sgd_ntk_at(shape_of(n), n->w, m, n->b.x_kernel, n->k))
        return;
    qn_put(r, SGD_O_KERNEL_CHANGE, sgd_kernel_change(m * m, n->k, n->k0));
    qn_put(r, SGD_O_KTA, sgd_alignment(m, n->k, n->b.data.train.y, n->b.set.deep.centred));
}

/* ---- curvature ---- */

typedef struct curvature {
    double *x;                /* [p][d] */
    double *slope, *curve;    /* [p] L'/P, L''/P */
    sgd_pass pass;            /* over all points */
} curvature;

static int curvature_init(curvature *c, mlp *n)
{
    const sgd_points *p = &n->b.data.train;
    memset(c, 0, sizeof *c);
    c->x = malloc(p->n * p->d * sizeof *c->x);
    c->slope = malloc(2 * p->n * sizeof *c->slope);
    int err = c->x && c->slope ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for the curvature of %zu points", p->n);
    if (!err)
        err = sgd_pass_init(&c->pass, shape_of(n), p->n);
    if (err)
        return err;
    c->curve = c->slope + p->n;
    for (size_t mu = 0; mu < p->n; mu++) {
        c->slope[mu] = sgd_loss_slope(&n->b.set.loss, p->y[mu], n->b.f[mu]) / (double)p->n;
        c->curve[mu] = sgd_loss_curve(&n->b.set.loss, p->y[mu], n->b.f[mu]) / (double)p->n;
    }
    sgd_points_f64(p, p->n, NULL, 0, c->x);
    sgd_pass_forward(&c->pass, n->w, c->x);
    sgd_pass_backward(&c->pass);
    return 0;
}

static void curvature_free(curvature *c)
{
    free(c->x);
    free(c->slope);
    sgd_pass_free(&c->pass);
}

static void measure_hessian(mlp *n, qn_streams *streams, qn_record *r)
{
    enum { LANCZOS = 80 };
    const sgd_deep *x = &n->b.set.deep;
    sgd_curvature hessian = n->b.set.hessian;
    if (hessian == SGD_NO_HESSIAN)
        return;
    size_t p = n->b.data.train.n, free_weights = sgd_shape_at(&x->shape, x->shape.depth) + (x->shape.shared_readout ? 0 : x->shape.h);
    curvature c;
    double trace = NAN, frobenius = NAN, top = NAN, se = NAN;
    int err = curvature_init(&c, n);
    if (!err && hessian == SGD_GAUSS_NEWTON) {
        double *k = malloc(p * p * sizeof *k);
        err = k ? sgd_ntk(&c.pass, &c.pass, k) : QN_ERR_NOMEM;
        if (!err)
            err = sgd_gauss_newton(p, k, c.curve, &streams->measurement, &trace, &frobenius, &top);
        free(k);
    } else if (!err) {
        sgd_hessian h = {0};
        sgd_trace t = {NAN, NAN, NAN, NAN};
        err = sgd_hessian_init(&h, &c.pass, c.slope, c.curve);
        if (!err)
            err = sgd_hutchinson(sgd_hessian_operator, &h, free_weights, n->weights, x->probes, &streams->measurement, &t);
        if (!err)
            err = sgd_lanczos(sgd_hessian_operator, &h, free_weights, n->weights, LANCZOS, 1e-6, &streams->measurement, &top);
        trace = t.trace;
        se = t.trace_err;
        frobenius = sqrt(t.square);
        sgd_hessian_free(&h);
    }
    curvature_free(&c);
    if (err)
        return;
    qn_put(r, SGD_O_TR_HESS, trace);
    qn_put(r, SGD_O_TR_HESS_SE, se);
    qn_put(r, SGD_O_FRO_HESS, frobenius);
    qn_put(r, SGD_O_LMAX_HESS, top);
}

static void finish_stability(mlp *n, qn_record *r)
{
    size_t p = n->b.data.train.n;
    sgd_look seen;
    curvature c;
    look(n, &seen); /* predictions of the last weights */
    double *k = malloc(p * p * sizeof *k);
    int err = curvature_init(&c, n);
    if (!err && k)
        err = sgd_ntk(&c.pass, &c.pass, k);
    if (!err && k)
        sgd_put_stability(&n->b.set, k, c.curve, r);
    curvature_free(&c);
    free(k);
}

/* ---- grokking, geometry ---- */

static void measure_quadratic(const mlp *n, qn_record *r)
{
    sgd_quadratic q;
    if (!n->b.data.beta || !provides(&n->b.set, SGD_O_QUAD_A))
        return;
    if (sgd_quadratic_terms(shape_of(n), n->b.set.loss.alpha, n->w, n->b.set.subtract ? n->b.w0 : NULL, n->b.data.beta, &q))
        return;
    qn_put(r, SGD_O_QUAD_A, q.a);
    qn_put(r, SGD_O_QUAD_B, q.b);
    qn_put(r, SGD_O_QUAD_C, q.c);
}

/* The last hidden layer at the points x. */
static int represent(const mlp *n, size_t m, const double *x, double *r)
{
    const sgd_shape *s = shape_of(n);
    sgd_pass pass;
    int err = sgd_pass_init(&pass, s, m);
    if (err)
        return err;
    sgd_pass_forward(&pass, n->w, x);
    memcpy(r, pass.a + (s->depth - 1) * m * s->h, m * s->h * sizeof *r);
    sgd_pass_free(&pass);
    return 0;
}

static void measure_alignment(const mlp *n, qn_record *r)
{
    size_t m = n->b.n_kernel, h = shape_of(n)->h;
    double *room = malloc((m * h + 3 * m * m) * sizeof *room), *kr = room + m * h, *kx = kr + m * m, *ky = kx + m * m;
    if (room && !represent(n, m, n->b.x_kernel, room)) {
        sgd_gram(m, h, room, kr);
        sgd_gram(m, shape_of(n)->d, n->b.x_kernel, kx);
        sgd_gram(m, 1, n->b.data.train.y, ky);
        qn_put(r, SGD_O_CKA_INPUT, sgd_cka(m, kr, kx));
        qn_put(r, SGD_O_CKA_TARGET, sgd_cka(m, kr, ky));
    }
    free(room);
}

/* Conditions of the points given out anew: what is left of parallelism and generalisation without their geometry. */
static void shuffle(size_t n, uint32_t *condition, qn_rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)qn_rng_below(rng, i);
        uint32_t swap = condition[i - 1];
        condition[i - 1] = condition[j];
        condition[j] = swap;
    }
}

static int describe(const mlp *n, size_t m, const double *rep, const uint32_t *condition, double *mean, double *parallelism, sgd_decoding *d)
{
    size_t h = shape_of(n)->h, c = n->b.data.conditions;
    sgd_condition_means(m, h, rep, condition, c, mean);
    *parallelism = sgd_parallelism(c, h, mean, n->b.data.dichotomy);
    return sgd_decode(m, h, rep, condition, c, n->b.data.dichotomy, 1e-2, d);
}

/* Over the test points, 64 of each condition at most (all points are in turn of one condition after the other). */
static void measure_conditions(const mlp *n, qn_streams *streams, qn_record *r)
{
    const sgd_points *p = &n->b.data.test;
    size_t c = n->b.data.conditions, h = shape_of(n)->h, m = p->n < 64 * c ? p->n : 64 * c;
    double *x = malloc(m * p->d * sizeof *x), *rep = malloc(m * h * sizeof *rep), *mean = malloc(c * h * sizeof *mean), parallelism[2];
    uint32_t *condition = malloc(m * sizeof *condition);
    sgd_decoding d[2];
    if (x && rep && mean && condition) {
        sgd_points_f64(p, m, NULL, 0, x);
        memcpy(condition, n->b.data.condition[1], m * sizeof *condition);
        int err = represent(n, m, x, rep);
        if (!err)
            err = describe(n, m, rep, condition, mean, &parallelism[0], &d[0]);
        shuffle(m, condition, &streams->measurement);
        if (!err)
            err = describe(n, m, rep, condition, mean, &parallelism[1], &d[1]);
        for (int null = 0; null < 2 && !err; null++) {
            qn_put(r, null ? SGD_O_PARALLELISM_NULL : SGD_O_PARALLELISM, parallelism[null]);
            qn_put(r, null ? SGD_O_CCGP_NULL : SGD_O_CCGP, d[null].ccgp);
            qn_put(r, null ? SGD_O_DECODE_NULL : SGD_O_DECODE, d[null].decode);
        }
    }
    free(x);
    free(rep);
    free(mean);
    free(condition);
}

static void measure(void *net, const sgd_look *seen, qn_streams *streams, qn_record *r)
{
    mlp *n = net; /* look() has just left weights and predictions */
    (void)seen;
    measure_layers(n, r);
    measure_kernel(n, r);
    measure_hessian(n, streams, r);
    measure_quadratic(n, r);
    if (n->b.set.deep.geometry && n->b.n_kernel > 1)
        measure_alignment(n, r);
    if (n->b.set.deep.geometry && n->b.data.conditions && n->b.data.test.n >= 2 * n->b.data.conditions)
        measure_conditions(n, streams, r);
}

static void finish_circle(const mlp *n, qn_record *r)
{
    const sgd_deep *x = &n->b.set.deep;
    const double two[] = {0, 90};
    double *angle = malloc(2 * x->angles * sizeof *angle), *k = angle + x->angles, k2[2];
    for (size_t i = 0; angle && i < x->angles; i++)
        angle[i] = angle_of(x, i);
    if (angle && !sgd_ntk_circle(&x->shape, x->bias, n->b.w0, 2, two, k2)) {
        qn_put(r, SGD_O_NTK_SAME, k2[0]);
        qn_put(r, SGD_O_NTK_RIGHT, k2[1]);
    }
    if (angle && !sgd_ntk_circle(&x->shape, x->bias, n->b.w0, x->angles, angle, k))
        qn_put_array(r, SGD_O_NTK_CIRCLE_FIRST, x->angles, k);
    if (angle && !sgd_ntk_circle(&x->shape, x->bias, n->w, x->angles, angle, k))
        qn_put_array(r, SGD_O_NTK_CIRCLE, x->angles, k);
    free(angle);
}

static void finish(void *net, qn_record *r)
{
    mlp *n = net;
    size_t m = n->b.n_kernel;
    take_weights(n);
    if (n->b.set.deep.angles)
        finish_circle(n, r);
    if (sgd_provides_curvature(&n->b.set, SGD_O_ETA_BOUND))
        finish_stability(n, r);
    if (!n->b.set.deep.spectrum || !m)
        return;
    double *value = malloc(2 * m * sizeof *value);
    if (value && !sgd_ntk_at(shape_of(n), n->w, m, n->b.x_kernel, n->k) && !sgd_spectrum(m, n->k, n->b.data.train.y, value, value + m)) {
        qn_put_array(r, SGD_O_NTK_EIGS, m, value);
        qn_put_array(r, SGD_O_NTK_POWER, m, value + m);
    }
    free(value);
}

/* ---- flow ------------------------------------------------------------------------------------------------------------ */

static void survey(mlp *n)
{
    if (!n->known)
        n->k_max = n->arith->survey(n->trainer, n->b.f);
    n->known = true;
}

static double kernel_max(void *net)
{
    mlp *n = net;
    survey(n);
    return n->k_max;
}

static size_t unfitted(void *net)
{
    mlp *n = net;
    size_t count = 0;
    survey(n);
    for (size_t mu = 0; mu < n->b.data.train.n; mu++)
        count += !point_fitted(n, mu, n->b.f[mu]);
    return count;
}

static size_t weights(const void *net)
{
    return ((const mlp *)net)->weights;
}

static void get(const void *net, double *w)
{
    const mlp *n = net;
    n->arith->get(n->trainer, w);
}

static void set(void *net, const double *w)
{
    mlp *n = net;
    n->known = false;
    n->arith->set(n->trainer, w);
}

static void descend(void *net, double *minus_gradient, double *f)
{
    mlp *n = net;
    n->arith->descend(n->trainer, minus_gradient, f);
}

/* ---- cost ------------------------------------------------------------------------------------------------------------ */

static double step_seconds(const sgd_settings *s)
{
    const sgd_shape *x = &s->deep.shape;
    double b = (double)(s->dynamics == SGD_FLOW ? s->p : s->b), h = (double)x->h;
    double products = b * h * (2 * (double)s->d + 5 * (double)(x->depth - 1) * h);
    return 2 * products * (s->deep.single ? 1 : 2) / 1e11 + 3e-7 + b * h * (double)x->depth * 1e-9; /* 100 Gflop/s, measured: up to 190 */
}

static double bytes(const sgd_settings *s)
{
    const sgd_deep *x = &s->deep;
    double w = (double)sgd_shape_weights(&x->shape), k = (double)x->n_kernel, hessian = 0;
    if (s->hessian || s->stability)
        hessian = 8 * (double)s->p * ((double)s->d + 8 * (double)x->shape.depth * (double)x->shape.h + (s->hessian != SGD_FULL_HESSIAN ? 3 * (double)s->p : 0));
    return sgd_base_bytes(s) + sgd_trainer_bytes(&x->shape, s->p, x->source.kind == SGD_DATA_IMAGES, x->single ? 4 : 8) + 8 * (2 * w + 4 * k * k) + hessian;
}

const sgd_net sgd_mlp = {
    .name = "mlp",
    .classification = true,
    .check = sgd_deep_check,
    .step_seconds = step_seconds,
    .bytes = bytes,
    .provides = provides,
    .dimension = dimension,
    .prepare = sgd_deep_prepare,
    .release = sgd_deep_release,
    .create = create,
    .destroy = destroy,
    .save = save,
    .load = load,
    .step = step,
    .look = look,
    .train_loss = train_loss,
    .measure = measure,
    .finish = finish,
    .size = size,
    .dead = dead,
    .fitted = fitted,
    .kernel_max = kernel_max,
    .unfitted = unfitted,
    .weights = weights,
    .get = get,
    .set = set,
    .descend = descend,
};
