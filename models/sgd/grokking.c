/* grokking.c -- see grokking.h. */
#include "grokking.h"

#include <stdlib.h>
#include <string.h>

#include "gemm.h"

static double amplitude(const sgd_shape *s, double alpha)
{
    return alpha * s->phi.gain * sgd_shape_out(s);
}

/* to += c W W' over the hidden units of W[d][h], mean += c sum of them. */
static void add_units(const sgd_shape *s, double c, const double *w, double *scratch, double *square, double *sum)
{
    for (size_t i = 0; i < s->d * s->h; i++)
        scratch[i] = c * w[i];
    qn_gemm_f64(QN_GEMM_OWN, QN_NT, s->d, s->d, s->h, scratch, s->h, w, s->h, square, s->d);
    for (size_t j = 0; j < s->d; j++)
        for (size_t i = 0; i < s->h; i++)
            sum[j] += scratch[j * s->h + i];
}

int sgd_quadratic_terms(const sgd_shape *s, double alpha, const double *w, const double *w0, const double *beta, sgd_quadratic *out)
{
    size_t d = s->d;
    double c = amplitude(s, alpha), eps = s->phi.eps, n = (double)d;
    double *m = calloc(d * d + d + d * s->h, sizeof *m), *sum = m + d * d, *scratch = sum + d;
    if (!m)
        return qn_fail(QN_ERR_NOMEM, "no memory for the second moment of d = %zu inputs", d);
    add_units(s, c, w, scratch, m, sum);
    if (w0)
        add_units(s, -c, w0, scratch, m, sum);
    double trace = 0, square = 0, mean = 0;
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < d; j++) {
            double a = eps * m[i * d + j] - beta[i] * beta[j];
            trace += i == j ? a : 0;
            square += a * a;
        }
        mean += sum[i] * sum[i];
    }
    free(m);
    *out = (sgd_quadratic){trace * trace / (4 * n * n), square / (2 * n * n), mean / n};
    return 0;
}

/* grad_i F = c (1 + eps w_i.xi) xi:  K = c^2 (xi.xi') [h + eps (sum w).(xi + xi') + eps^2 xi'M xi'], M = sum w w'. */
int sgd_quadratic_kernel(const sgd_shape *s, double alpha, const double *w, size_t n, const double *x, double *k)
{
    size_t d = s->d;
    double c = amplitude(s, alpha), eps = s->phi.eps;
    double *m = calloc(d * d + d + d * s->h + n * d, sizeof *m), *sum = m + d * d, *scratch = sum + d, *mx = scratch + d * s->h;
    if (!m)
        return qn_fail(QN_ERR_NOMEM, "no memory for the second moment of d = %zu inputs", d);
    add_units(s, 1, w, scratch, m, sum);
    qn_gemm_f64(QN_GEMM_OWN, QN_NN, n, d, d, x, d, m, d, mx, d);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            double dot = 0, linear = 0, square = 0;
            for (size_t i = 0; i < d; i++) {
                dot += x[a * d + i] * x[b * d + i];
                linear += sum[i] * (x[a * d + i] + x[b * d + i]);
                square += mx[a * d + i] * x[b * d + i];
            }
            k[a * n + b] = c * c * dot * ((double)s->h + eps * linear + eps * eps * square);
        }
    free(m);
    return 0;
}
