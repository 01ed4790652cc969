/* ntk.c -- see ntk.h. */
#include "ntk.h"

#include <gsl/gsl_eigen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"

int sgd_ntk(const sgd_pass *p, const sgd_pass *q, double *k)
{
    const sgd_shape *s = p->shape;
    size_t n = p->n, m = q->n, h = s->h, last = s->depth - 1;
    double *gg = malloc(2 * n * m * sizeof *gg), *aa = gg + n * m;
    if (!gg)
        return qn_fail(QN_ERR_NOMEM, "no memory for a kernel of %zu x %zu points", n, m);
    memset(k, 0, n * m * sizeof *k);
    double out = sgd_shape_out(s) * sgd_shape_out(s);
    if (!s->shared_readout)
        qn_gemm_f64(QN_GEMM_OWN, QN_NT, n, m, h, p->a + last * n * h, h, q->a + last * m * h, h, k, m);
    for (size_t i = 0; i < n * m; i++)
        k[i] *= out;
    for (size_t l = 0; l < s->depth; l++) {
        size_t in = sgd_shape_inputs(s, l);
        memset(gg, 0, 2 * n * m * sizeof *gg);
        qn_gemm_f64(QN_GEMM_OWN, QN_NT, n, m, h, p->g + l * n * h, h, q->g + l * m * h, h, gg, m);
        qn_gemm_f64(QN_GEMM_OWN, QN_NT, n, m, in, l ? p->a + (l - 1) * n * h : p->x, in, l ? q->a + (l - 1) * m * h : q->x, in, aa, m);
        double fan = l ? 1 / (double)h : 1;
        for (size_t i = 0; i < n * m; i++)
            k[i] += fan * gg[i] * aa[i];
    }
    free(gg);
    return 0;
}

int sgd_ntk_at(const sgd_shape *s, const double *w, size_t n, const double *x, double *k)
{
    sgd_pass p;
    int err = sgd_pass_init(&p, s, n);
    if (err)
        return err;
    sgd_pass_forward(&p, w, x);
    sgd_pass_backward(&p);
    err = sgd_ntk(&p, &p, k);
    sgd_pass_free(&p);
    return err;
}

int sgd_ntk_circle(const sgd_shape *s, double bias, const double *w, size_t n, const double *angle, double *k)
{
    double *x = calloc((n + 1) * s->d, sizeof *x);
    sgd_pass p = {0}, q = {0};
    int err = x ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for %zu inputs", n + 1);
    for (size_t i = 0; !err && i <= n; i++) { /* the first n turned, the last not */
        double turn = i < n ? angle[i] * M_PI / 180 : 0;
        x[i * s->d] = cos(turn);
        x[i * s->d + 1] = sin(turn);
        if (bias != 0)
            x[i * s->d + s->d - 1] = bias;
    }
    if (!err)
        err = sgd_pass_init(&p, s, 1);
    if (!err)
        err = sgd_pass_init(&q, s, n);
    if (!err) {
        sgd_pass_forward(&p, w, x + n * s->d);
        sgd_pass_backward(&p);
        sgd_pass_forward(&q, w, x);
        sgd_pass_backward(&q);
        err = sgd_ntk(&p, &q, k);
    }
    sgd_pass_free(&p);
    sgd_pass_free(&q);
    free(x);
    return err;
}

double sgd_frobenius(size_t n, const double *k)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += k[i] * k[i];
    return sqrt(sum);
}

double sgd_kernel_change(size_t n, const double *k, const double *k0)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (k[i] - k0[i]) * (k[i] - k0[i]);
    return sqrt(sum) / sgd_frobenius(n, k0);
}

double sgd_alignment(size_t n, const double *k, const double *y, bool centred)
{
    double *row = calloc(n, sizeof *row), mean = 0, y_mean = 0;
    if (!row)
        return NAN;
    for (size_t i = 0; centred && i < n; i++) {
        for (size_t j = 0; j < n; j++)
            row[i] += k[i * n + j] / (double)n;
        mean += row[i] / (double)n;
        y_mean += y[i] / (double)n;
    }
    double yky = 0, kk = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        double part = 0;
        for (size_t j = 0; j < n; j++) {
            double x = k[i * n + j] - row[i] - row[j] + mean;
            part += x * (y[j] - y_mean);
            kk += x * x;
        }
        yky += part * (y[i] - y_mean);
        yy += (y[i] - y_mean) * (y[i] - y_mean);
    }
    free(row);
    return yky / (sqrt(kk) * yy);
}

int sgd_spectrum(size_t n, const double *k, const double *y, double *value, double *power)
{
    if (!isfinite(sgd_frobenius(n * n, k))) { /* no iteration would end */
        for (size_t i = 0; i < n; i++)
            value[i] = power[i] = NAN;
        return 0;
    }
    gsl_matrix *m = gsl_matrix_alloc(n, n), *v = gsl_matrix_alloc(n, n);
    gsl_vector *e = gsl_vector_alloc(n);
    gsl_eigen_symmv_workspace *w = gsl_eigen_symmv_alloc(n);
    int err = m && v && e && w ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for the spectrum of %zu points", n);
    double yy = 0;
    for (size_t i = 0; !err && i < n; i++) {
        yy += y[i] * y[i];
        for (size_t j = 0; j < n; j++)
            gsl_matrix_set(m, i, j, k[i * n + j]);
    }
    if (!err && (gsl_eigen_symmv(m, e, v, w) || gsl_eigen_symmv_sort(e, v, GSL_EIGEN_SORT_VAL_DESC)))
        err = qn_fail(QN_ERR_NUMERIC, "the spectrum of a kernel of %zu points did not converge", n);
    for (size_t j = 0; !err && j < n; j++) {
        double along = 0;
        for (size_t i = 0; i < n; i++)
            along += gsl_matrix_get(v, i, j) * y[i];
        value[j] = gsl_vector_get(e, j);
        power[j] = along * along / yy;
    }
    gsl_matrix_free(m);
    gsl_matrix_free(v);
    gsl_vector_free(e);
    gsl_eigen_symmv_free(w);
    return err;
}
