/* net_kernel.c -- `net: kernel`: the limit alpha -> infinity of the mlp with the same shape, data and first weights: its tangent kernel stays that of
 * the start,
 *
 *   f(x) = f0(x) + sum_mu c_mu K(x, x_mu),   w - w0 = sum_mu c_mu grad f0(x_mu),   |w - w0|^2 = c'Kc,
 *
 * so that a step that pushes point mu adds a row of K to the outputs at all points: P numbers an event, and events can be jumped to. */
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "ntk.h"

typedef struct kernel {
    sgd_base b;
    size_t p, tests;
    double *k, *k_test;       /* [p][p], [tests][p] */
    double *f0, *f0_test;     /* f at the first weights, 0 where subtracted */
    double *c, *g;            /* [p]; g = Kc, kept up */
    double k_max;
    double *push;             /* [max(b, 1)] of a step */
    uint32_t *hit;
} kernel;

static void destroy(void *net)
{
    kernel *n = net;
    if (!n)
        return;
    void *all[] = {n->k, n->k_test, n->f0, n->f0_test, n->c, n->g, n->push, n->hit};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    sgd_base_free(&n->b);
    free(n);
}

enum { BLOCK = 256 };

/* A pass (forward and backward) over points first..first+m-1; x[m][d] gets their rows. */
static int pass_over(const kernel *n, const sgd_points *p, size_t first, size_t m, double *x, sgd_pass *pass)
{
    int err = sgd_pass_init(pass, &n->b.set.deep.shape, m);
    if (err)
        return err;
    sgd_points_f64(p, m, NULL, first, x);
    sgd_pass_forward(pass, n->b.w0, x);
    sgd_pass_backward(pass);
    return 0;
}

/* Rows first.. of K(points, training points), a square of BLOCK x BLOCK at a time; f at the points. */
static int kernel_rows(const kernel *n, const sgd_points *points, double *k, double *f)
{
    const sgd_points *train = &n->b.data.train;
    double *x = malloc(2 * BLOCK * train->d * sizeof *x), *square = malloc(BLOCK * BLOCK * sizeof *square);
    int err = x && square ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for a kernel");
    for (size_t i = 0; i < points->n && !err; i += BLOCK) {
        size_t m = i + BLOCK < points->n ? BLOCK : points->n - i;
        sgd_pass a, b;
        err = pass_over(n, points, i, m, x, &a);
        if (err)
            break;
        memcpy(f + i, a.f, m * sizeof *f);
        for (size_t j = 0; j < n->p && !err; j += BLOCK) {
            size_t l = j + BLOCK < n->p ? BLOCK : n->p - j;
            err = pass_over(n, train, j, l, x + BLOCK * train->d, &b);
            if (err)
                break;
            err = sgd_ntk(&a, &b, square);
            for (size_t r = 0; r < m && !err; r++)
                memcpy(k + (i + r) * n->p + j, square + r * l, l * sizeof *k);
            sgd_pass_free(&b);
        }
        sgd_pass_free(&a);
    }
    free(x);
    free(square);
    return err;
}

static int create(const qn_params *p, const sgd_settings *set, const void *shared, qn_streams *streams, void **net)
{
    (void)p;
    kernel *n = *net = calloc(1, sizeof *n);
    if (!n)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = sgd_base_init(&n->b, set, shared, streams);
    if (err)
        return err;
    n->p = n->b.data.train.n;
    n->tests = n->b.data.test.n;
    size_t batch = set->dynamics == SGD_FLOW || set->b < 1 ? n->p : set->b;
    n->k = malloc(n->p * n->p * sizeof *n->k);
    n->k_test = malloc((n->tests * n->p + 1) * sizeof *n->k_test);
    n->f0 = malloc(n->p * sizeof *n->f0);
    n->f0_test = malloc((n->tests + 1) * sizeof *n->f0_test);
    n->c = calloc(n->p, sizeof *n->c);
    n->g = calloc(n->p, sizeof *n->g);
    n->push = malloc(batch * sizeof *n->push);
    n->hit = malloc(batch * sizeof *n->hit);
    if (!n->k || !n->k_test || !n->f0 || !n->f0_test || !n->c || !n->g || !n->push || !n->hit)
        return qn_fail(QN_ERR_NOMEM, "no memory for the kernel of P = %zu training and %zu test points", n->p, n->tests);
    err = kernel_rows(n, &n->b.data.train, n->k, n->f0);
    if (!err)
        err = kernel_rows(n, &n->b.data.test, n->k_test, n->f0_test);
    if (set->subtract) {
        memset(n->f0, 0, n->p * sizeof *n->f0);
        memset(n->f0_test, 0, n->tests * sizeof *n->f0_test);
    }
    for (size_t mu = 0; mu < n->p; mu++)
        n->k_max = fmax(n->k_max, n->k[mu * n->p + mu]);
    return err;
}

static double label(const kernel *n, size_t mu)
{
    return n->b.data.train.y[mu];
}

static double predictor(const kernel *n, size_t mu)
{
    return n->b.set.loss.alpha * (n->f0[mu] + n->g[mu]);
}

/* -dL/df at a training point. */
static double push_of(const kernel *n, size_t mu)
{
    const sgd_loss *l = &n->b.set.loss;
    double y = label(n, mu), f = predictor(n, mu);
    return l->kind == SGD_SQUARE ? sgd_push_residual(l, y - f) : y * sgd_push(l, y * f);
}

QN_CLONES static void add(size_t n, double c, const double *x, double *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += c * x[i];
}

static void add_row(kernel *n, size_t mu, double c)
{
    n->c[mu] += c;
    add(n->p, c, n->k + mu * n->p, n->g);
}

/* g = Kc anew, without the rounding of many small steps. */
static void refresh(kernel *n)
{
    for (size_t mu = 0; mu < n->p; mu++) {
        const double *row = n->k + mu * n->p;
        double sum[8] = {0};
        size_t i = 0;
        for (; i + 8 <= n->p; i += 8)
            for (size_t l = 0; l < 8; l++)
                sum[l] += row[i + l] * n->c[i + l];
        for (; i < n->p; i++)
            sum[i % 8] += row[i] * n->c[i];
        n->g[mu] = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    }
}

static int save(const void *net, qn_group *g)
{
    const kernel *n = net;
    int err = qn_save_f64(g, "c", n->p, n->c);
    return err ? err : qn_save_f64(g, "g", n->p, n->g);
}

static int load(void *net, const qn_group *g)
{
    kernel *n = net;
    int err = qn_load_f64(g, "c", n->p, n->c);
    return err ? err : qn_load_f64(g, "g", n->p, n->g);
}

static size_t step(void *net, size_t count, const uint32_t *at, double rate)
{
    kernel *n = net;
    size_t hits = 0;
    for (size_t k = 0; k < count; k++) {
        size_t mu = at ? at[k] : k;
        double push = push_of(n, mu);
        n->push[hits] = push;
        n->hit[hits] = (uint32_t)mu;
        hits += push != 0;
    }
    for (size_t k = 0; k < hits; k++)
        add_row(n, n->hit[k], rate * n->push[k]);
    return hits;
}

/* ---- questions ------------------------------------------------------------------------------------------------------- */

static double dot(size_t n, const double *a, const double *b)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

static double distance(const kernel *n)
{
    return sqrt(fmax(dot(n->p, n->c, n->g), 0));
}

static void look(void *net, sgd_look *out)
{
    kernel *n = net;
    double p = (double)n->p, power = 0, signal = 0;
    double *push = malloc(n->p * sizeof *push);
    for (size_t mu = 0; mu < n->p; mu++)
        n->b.f[mu] = predictor(n, mu);
    for (size_t mu = 0; mu < n->tests; mu++)
        n->b.f_test[mu] = n->b.set.loss.alpha * (n->f0_test[mu] + dot(n->p, n->k_test + mu * n->p, n->c));
    sgd_base_look(&n->b, out);
    out->dw = distance(n);
    for (size_t mu = 0; push && mu < n->p; mu++) {
        push[mu] = push_of(n, mu);
        power += push[mu] * push[mu] * n->k[mu * n->p + mu] / p;
    }
    for (size_t mu = 0; push && mu < n->p; mu++)
        if (push[mu] != 0)
            signal += push[mu] * dot(n->p, n->k + mu * n->p, push) / (p * p);
    if (push) {
        out->noise_signal = signal;
        out->noise_trace = power - signal;
    }
    free(push);
}

static double train_loss(void *net)
{
    const kernel *n = net;
    double sum = 0;
    for (size_t mu = 0; mu < n->p; mu++)
        sum += sgd_base_loss(&n->b, label(n, mu), predictor(n, mu));
    return sum / (double)n->p;
}

static double size(const void *net)
{
    const kernel *n = net;
    return hypot(n->b.w0_norm, distance(n));
}

static bool point_fitted(const kernel *n, size_t mu)
{
    return label(n, mu) * predictor(n, mu) >= n->b.set.loss.margin;
}

static bool fitted(void *net, size_t *witness)
{
    const kernel *n = net;
    if (*witness < n->p && !point_fitted(n, *witness))
        return false;
    for (size_t mu = 0; mu < n->p; mu++)
        if (!point_fitted(n, mu)) {
            *witness = mu;
            return false;
        }
    return true;
}

static bool provides(const sgd_settings *set, int obs)
{
    return sgd_base_provides(set, obs);
}

static size_t dimension(const qn_params *p, const char *dim, double *values)
{
    sgd_settings set;
    sgd_settings_read(p, &set);
    size_t n = !strcmp(dim, "eigen") ? set.deep.n_kernel : 0;
    for (size_t k = 0; values && k < n; k++)
        values[k] = (double)(k + 1);
    return n;
}

/* The kernel of the first n_kernel points, as a matrix of its own. */
static double *corner(const kernel *n)
{
    size_t m = n->b.n_kernel;
    double *k = malloc((m * m + 1) * sizeof *k);
    for (size_t i = 0; k && i < m; i++)
        memcpy(k + i * m, n->k + i * n->p, m * sizeof *k);
    return k;
}

static void measure(void *net, const sgd_look *seen, qn_streams *streams, qn_record *r)
{
    const kernel *n = net;
    (void)seen;
    (void)streams;
    double *k = n->b.n_kernel > 1 ? corner(n) : NULL;
    if (k)
        qn_put(r, SGD_O_KTA, sgd_alignment(n->b.n_kernel, k, n->b.data.train.y, n->b.set.deep.centred));
    free(k);
}

static void finish(void *net, qn_record *r)
{
    const kernel *n = net;
    size_t m = n->b.n_kernel;
    if (!n->b.set.deep.spectrum || !m)
        return;
    double *k = corner(n), *value = malloc(2 * m * sizeof *value);
    if (k && value && !sgd_spectrum(m, k, n->b.data.train.y, value, value + m)) {
        qn_put_array(r, SGD_O_NTK_EIGS, m, value);
        qn_put_array(r, SGD_O_NTK_POWER, m, value + m);
    }
    free(k);
    free(value);
}

/* ---- flow: the weights are c, whose kernel flow is that of w within the span of the training gradients ----------------- */

static double kernel_max(void *net)
{
    return ((const kernel *)net)->k_max;
}

static size_t unfitted(void *net)
{
    const kernel *n = net;
    size_t count = 0;
    for (size_t mu = 0; mu < n->p; mu++)
        count += !point_fitted(n, mu);
    return count;
}

static size_t weights(const void *net)
{
    return ((const kernel *)net)->p;
}

static void get(const void *net, double *w)
{
    const kernel *n = net;
    memcpy(w, n->c, n->p * sizeof *w);
}

static void set(void *net, const double *w)
{
    kernel *n = net;
    memcpy(n->c, w, n->p * sizeof *w);
    refresh(n);
}

static void descend(void *net, double *minus_gradient, double *f)
{
    const kernel *n = net;
    for (size_t mu = 0; mu < n->p; mu++) {
        f[mu] = predictor(n, mu);
        minus_gradient[mu] = push_of(n, mu) / (double)n->p;
    }
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

/* In nanoseconds, measured on one core of a Zen 5: an event takes EVENT a point, new margins WATCH a pair of points, an idle step 1 and 5 for each
 * of its points. */
#define EVENT 0.25
#define WATCH 0.3

static double idle_step(const kernel *n)
{
    return 1 + 5 * (double)n->b.set.b;
}

static double event_cost(const void *net)
{
    const kernel *n = net;
    return EVENT * (double)n->p / idle_step(n);
}

static double watch_cost(const void *net)
{
    const kernel *n = net;
    return WATCH * (double)n->p * (double)n->p / idle_step(n);
}

QN_CLONES static size_t list_unfitted(size_t p, const double *y, const double *f0, const double *g, double alpha, double margin, uint32_t *list)
{
    size_t count = 0, mu = 0;
    for (; mu < p; mu += 32) { /* most blocks have none */
        size_t end = mu + 32 < p ? mu + 32 : p;
        uint64_t any = 0;
        for (size_t i = mu; i < end; i++)
            any |= (uint64_t)!(y[i] * (alpha * (f0[i] + g[i])) >= margin);
        for (size_t i = mu; any && i < end; i++)
            if (!(y[i] * (alpha * (f0[i] + g[i])) >= margin))
                list[count++] = (uint32_t)i;
    }
    return count;
}

static size_t watched(const void *net, uint32_t *list)
{
    const kernel *n = net;
    return list_unfitted(n->p, n->b.data.train.y, n->f0, n->g, n->b.set.loss.alpha, n->b.set.loss.margin, list);
}

static size_t watch(void *net, uint32_t *list)
{
    refresh(net);
    return watched(net, list);
}

static size_t pick(void *net, size_t count, const uint32_t *at, double rate, uint32_t *list)
{
    kernel *n = net;
    for (size_t k = 0; k < count; k++) /* the hinge: every push is 1 */
        add_row(n, at[k], rate * label(n, at[k]));
    return watched(n, list);
}

static double step_seconds(const sgd_settings *s)
{
    double p = (double)s->p;
    return s->dynamics == SGD_FLOW ? 2 * p * p * 5e-10 : 1e-8 * (double)s->b + 0.1 * p * 5e-10;
}

static double bytes(const sgd_settings *s)
{
    double p = (double)s->p, tests = s->deep.tests == SIZE_MAX ? p : (double)s->deep.tests;
    return sgd_base_bytes(s) + 8 * (p * (p + tests) + 4 * p);
}

const sgd_net sgd_kernel = {
    .name = "kernel",
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
    .fitted = fitted,
    .kernel_max = kernel_max,
    .unfitted = unfitted,
    .weights = weights,
    .get = get,
    .set = set,
    .descend = descend,
    .watch = watch,
    .pick = pick,
    .watched = watched,
    .watch_cost = watch_cost,
    .event_cost = event_cost,
};
