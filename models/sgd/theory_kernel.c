/* theory_kernel.c -- see theory_kernel.h. */
#include "theory_kernel.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_vector.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "theory.h"

/* With gain g each relu layer multiplies second moments by g^2/2: S_{l+1} = (g^2/2) v k1(u), S'_{l+1} = (g^2/2) k0(u). */
double sgd_arccos_ntk(size_t depth, double gain, bool readout, double nx, double ny, double dot)
{
    double half = gain * gain / 2, s = dot, theta = 0;
    for (size_t l = 0; l < depth; l++) {
        double v = sqrt(nx * ny), u = v > 0 ? fmin(fmax(s / v, -1), 1) : 0, angle = acos(u);
        double k0 = (M_PI - angle) / M_PI, k1 = (sqrt(1 - u * u) + (M_PI - angle) * u) / M_PI;
        theta = half * k0 * (theta + s); /* what W_l adds is the product of its inputs, s */
        s = half * v * k1;
        nx *= half;
        ny *= half;
    }
    return theta + (readout ? s : 0);
}

/* In the eigenvectors of K: f - y decays by exp(-k t/P), and the integral of it over time is (1 - exp(-k t/P)) P/k. */
int sgd_kernel_flow(size_t p, const double *k, const double *y, const double *f0, double t, double *f, size_t m, const double *k_test, const double *f0_test,
                    double *f_test)
{
    gsl_matrix *a = gsl_matrix_alloc(p, p), *v = gsl_matrix_alloc(p, p);
    gsl_vector *e = gsl_vector_alloc(p);
    gsl_eigen_symmv_workspace *w = gsl_eigen_symmv_alloc(p);
    double *pushed = calloc(p, sizeof *pushed); /* (1/P) integral of y - f */
    int err = a && v && e && w && pushed ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for a kernel of %zu points", p);
    for (size_t i = 0; !err && i < p; i++) {
        f[i] = y[i];
        for (size_t j = 0; j < p; j++)
            gsl_matrix_set(a, i, j, k[i * p + j]);
    }
    if (!err && gsl_eigen_symmv(a, e, v, w))
        err = qn_fail(QN_ERR_NUMERIC, "the spectrum of a kernel of %zu points did not converge", p);
    double cut = err ? 0 : 1e-13 * gsl_vector_max(e) / (double)p; /* what is slower does not move at all */
    for (size_t n = 0; !err && n < p; n++) {
        double along = 0, rate = gsl_vector_get(e, n) / (double)p, x = rate > cut ? rate * t : 0;
        for (size_t i = 0; i < p; i++)
            along += gsl_matrix_get(v, i, n) * (f0[i] - y[i]);
        double time = x > 0 ? -expm1(-x) / rate : 0;
        for (size_t i = 0; i < p; i++) {
            f[i] += exp(-x) * along * gsl_matrix_get(v, i, n);
            pushed[i] -= time / (double)p * along * gsl_matrix_get(v, i, n);
        }
    }
    for (size_t i = 0; !err && i < m; i++) {
        f_test[i] = f0_test[i];
        for (size_t j = 0; j < p; j++)
            f_test[i] += k_test[i * p + j] * pushed[j];
    }
    gsl_matrix_free(a);
    gsl_matrix_free(v);
    gsl_vector_free(e);
    gsl_eigen_symmv_free(w);
    free(pushed);
    return err;
}

/* ---- what `quench theory` shows ---- */

enum { DATA_SETS = 4, MOST_POINTS = 400, MOST_TESTS = 1000 };

typedef struct flow_end {
    double train_loss, test_loss, test_err;
} flow_end;

static double square_loss(const sgd_loss *l, size_t n, const double *y, const double *f)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += sgd_loss_residual(l, y[i] - f[i]) / (double)n;
    return sum;
}

static double wide_kernel(const sgd_settings *s, double nx, double ny, double dot)
{
    const sgd_shape *shape = &s->deep.shape;
    return pow((double)shape->h, 1 - 2 * shape->q) * sgd_arccos_ntk(shape->depth, shape->phi.gain, !shape->shared_readout, nx, ny, dot);
}

/* k[n][p] between rows x[n][d] and y[p][d]. */
static void wide_gram(const sgd_settings *s, size_t n, const double *x, size_t p, const double *y, double *k)
{
    size_t d = s->deep.shape.d;
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < p; b++) {
            double dot[3] = {0};
            for (size_t i = 0; i < d; i++) {
                dot[0] += x[a * d + i] * x[a * d + i];
                dot[1] += y[b * d + i] * y[b * d + i];
                dot[2] += x[a * d + i] * y[b * d + i];
            }
            k[a * p + b] = wide_kernel(s, dot[0], dot[1], dot[2]);
        }
}

static int flow_of(const sgd_settings *s, const sgd_files *files, size_t number, flow_end *to)
{
    const uint64_t key[2] = {0x6b65726e656c, 1}; /* data of its own: theory has no seed */
    sgd_data data;
    qn_streams streams;
    qn_streams_open(&streams, 0, key, key, number);
    sgd_draw draw = {.d = s->d, .p = s->p, .tests = s->deep.tests < MOST_TESTS ? s->deep.tests : MOST_TESTS, .classes = s->deep.classes,
                     .separation = s->deep.separation, .noise = s->deep.noise, .bias = s->deep.bias};
    int err = sgd_data_draw(&data, &s->deep.source, &draw, files, &streams);
    size_t p = s->p, m = data.test.n, d = s->deep.shape.d;
    double *room = err ? NULL : calloc((p + m) * (d + p + 2) + 1, sizeof *room);
    if (!err && !room)
        err = qn_fail(QN_ERR_NOMEM, "no memory for a kernel of %zu points", p);
    if (!err) {
        double *x = room, *x_test = x + p * d, *k = x_test + m * d, *k_test = k + p * p, *f0 = k_test + m * p, *f = f0 + p + m;
        double speed = s->loss.half ? 1 : 2 * s->loss.alpha * s->loss.alpha;
        sgd_points_f64(&data.train, p, NULL, 0, x);
        sgd_points_f64(&data.test, m, NULL, 0, x_test);
        wide_gram(s, p, x, p, x, k);
        wide_gram(s, m, x_test, p, x, k_test);
        err = sgd_kernel_flow(p, k, data.train.y, f0, speed * s->max_time, f, m, k_test, f0 + p, f + p);
        size_t wrong = 0;
        for (size_t i = 0; i < m; i++)
            wrong += data.test.y[i] * f[p + i] > 0 ? 0 : 1;
        to->train_loss += square_loss(&s->loss, p, data.train.y, f) / DATA_SETS;
        to->test_loss += m ? square_loss(&s->loss, m, data.test.y, f + p) / DATA_SETS : NAN;
        to->test_err += m && s->deep.classes ? (double)wrong / (double)m / DATA_SETS : NAN;
    }
    free(room);
    sgd_data_free(&data);
    return err;
}

int sgd_kernel_theory(const qn_params *p, const sgd_settings *s, double *out)
{
    const sgd_deep *x = &s->deep;
    if (!x->known || x->shape.phi.kind != SGD_RELU || s->scale != 1 || (x->shape.shared_readout && x->shape.depth > 1))
        return 0;
    double b2 = x->bias * x->bias; /* one more input, the same in all */
    out[SGD_Q_NTK_SAME] = wide_kernel(s, 1 + b2, 1 + b2, 1 + b2);
    out[SGD_Q_NTK_RIGHT] = wide_kernel(s, 1 + b2, 1 + b2, b2);
    if (s->loss.kind != SGD_SQUARE || s->dynamics != SGD_FLOW || !s->subtract || s->p == 0 || s->p > MOST_POINTS)
        return 0;
    void *files = NULL;
    flow_end end = {0, 0, 0};
    int err = sgd_deep_prepare(p, &files);
    for (size_t k = 0; k < DATA_SETS && !err; k++)
        err = flow_of(s, files, k, &end);
    sgd_deep_release(files);
    if (err)
        return err;
    out[SGD_Q_TRAIN_LOSS] = end.train_loss;
    out[SGD_Q_TEST_LOSS] = end.test_loss;
    out[SGD_Q_TEST_ERR] = end.test_err;
    return 0;
}
