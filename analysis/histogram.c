/* histogram.c -- see histogram.h. */
#include "histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>

#define SAME 1e-12 /* energies closer than this, relative to the largest, are one: sums in another order */

static int increasing(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int qn_histograms_init(qn_histograms *h, size_t n_runs, size_t n_units, size_t n_obs, size_t n, const double *energies)
{
    *h = (qn_histograms){.n_runs = n_runs, .n_units = n_units, .n_obs = n_obs};
    h->energy = malloc((n + 1) * sizeof *h->energy);
    if (!h->energy)
        return qn_fail(QN_ERR_NOMEM, "out of memory for %zu energies", n);
    if (n)
        memcpy(h->energy, energies, n * sizeof *energies);
    qsort(h->energy, n, sizeof *h->energy, increasing);
    double scale = n ? fmax(fabs(h->energy[0]), fabs(h->energy[n - 1])) : 0;
    for (size_t i = 0; i < n; i++)
        if (!h->n_energies || h->energy[i] - h->energy[h->n_energies - 1] > SAME * scale)
            h->energy[h->n_energies++] = h->energy[i];
    h->beta = calloc(n_runs + 1, sizeof *h->beta);
    h->count = calloc(n_units * h->n_energies + 1, sizeof *h->count);
    h->sum = calloc(n_units * n_obs * h->n_energies + 1, sizeof *h->sum);
    h->size = calloc(n_units * n_runs + 1, sizeof *h->size);
    return h->beta && h->count && h->sum && h->size ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for %zu energies of %zu blocks", h->n_energies, n_units);
}

void qn_histograms_free(qn_histograms *h)
{
    free(h->beta);
    free(h->energy);
    free(h->count);
    free(h->sum);
    free(h->size);
    memset(h, 0, sizeof *h);
}

void qn_histograms_add(qn_histograms *h, size_t unit, size_t run, double weight, double energy, const double *x)
{
    size_t low = 0, high = h->n_energies;
    while (high - low > 1) { /* the last one that is not above */
        size_t mid = (low + high) / 2;
        if (h->energy[mid] <= energy)
            low = mid;
        else
            high = mid;
    }
    h->count[unit * h->n_energies + low] += weight;
    h->size[unit * h->n_runs + run] += weight;
    for (size_t i = 0; i < h->n_obs; i++)
        h->sum[(unit * h->n_obs + i) * h->n_energies + low] += weight * x[i];
}

/* ---- the convex problem --------------------------------------------------------------------------------------------- */

typedef struct problem {
    const qn_histograms *h;
    const double *count, *size; /* [n_energies], [n_runs]; runs of size 0 do not take part */
    double *log_d, *p;          /* [n_energies]; [n_runs] of one energy */
    gsl_matrix *hessian;
    gsl_vector *gradient, *step;
} problem;

/* sum_E count ln D(E) - sum_k size_k f_k, and log_d. */
static double objective(problem *x, const double *f)
{
    const qn_histograms *h = x->h;
    double total = 0;
    for (size_t m = 0; m < h->n_energies; m++) {
        double top = -INFINITY, sum = 0;
        for (size_t k = 0; k < h->n_runs; k++)
            if (x->size[k] > 0)
                top = fmax(top, f[k] - h->beta[k] * h->energy[m]);
        for (size_t k = 0; k < h->n_runs; k++)
            if (x->size[k] > 0)
                sum += x->size[k] * exp(f[k] - h->beta[k] * h->energy[m] - top);
        x->log_d[m] = top + log(sum);
        total += x->count[m] * x->log_d[m];
    }
    for (size_t k = 0; k < h->n_runs; k++)
        total -= x->size[k] * f[k];
    return total;
}

/* Gradient and Hessian at f, whose log_d is known; row and column 0 are left out: f[0] stays 0. */
static void derivatives(problem *x, const double *f)
{
    const qn_histograms *h = x->h;
    gsl_matrix_set_zero(x->hessian);
    gsl_vector_set_zero(x->gradient);
    for (size_t m = 0; m < h->n_energies; m++) {
        double c = x->count[m];
        if (!(c > 0))
            continue;
        for (size_t k = 1; k < h->n_runs; k++) {
            x->p[k] = x->size[k] > 0 ? x->size[k] * exp(f[k] - h->beta[k] * h->energy[m] - x->log_d[m]) : 0;
            *gsl_vector_ptr(x->gradient, k - 1) += c * x->p[k];
            *gsl_matrix_ptr(x->hessian, k - 1, k - 1) += c * x->p[k];
        }
        for (size_t k = 1; k < h->n_runs; k++)
            for (size_t l = 1; l <= k; l++)
                *gsl_matrix_ptr(x->hessian, k - 1, l - 1) -= c * x->p[k] * x->p[l];
    }
    for (size_t k = 1; k < h->n_runs; k++) {
        *gsl_vector_ptr(x->gradient, k - 1) -= x->size[k];
        if (!(x->size[k] > 0)) /* stays where it is */
            gsl_matrix_set(x->hessian, k - 1, k - 1, 1);
    }
}

#define MOST_STEPS 200
#define CLOSE 1e-10 /* of every free energy, absolute */

/* Newton's method with halved steps: the objective is convex. */
static int newton(problem *x, double *f)
{
    const qn_histograms *h = x->h;
    size_t n = h->n_runs - 1;
    double value = objective(x, f), *next = malloc(h->n_runs * sizeof *next);
    bool close = n == 0;
    int err = next ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (int step = 0; step < MOST_STEPS && !close && !err; step++) {
        derivatives(x, f);
        if (gsl_linalg_cholesky_decomp1(x->hessian) || gsl_linalg_cholesky_solve(x->hessian, x->gradient, x->step)) {
            err = qn_fail(QN_ERR_NUMERIC, "the energies of neighbouring runs do not overlap; runs that lie closer together are needed");
            break;
        }
        double scale = 1, better, largest = 0;
        for (size_t k = 0; k < n; k++)
            largest = fmax(largest, fabs(gsl_vector_get(x->step, k)));
        do {
            next[0] = 0;
            for (size_t k = 1; k < h->n_runs; k++)
                next[k] = f[k] - scale * gsl_vector_get(x->step, k - 1);
            better = objective(x, next);
            scale /= 2;
        } while (!(better <= value + 1e-12 * fabs(value)) && scale > 1e-12);
        memcpy(f, next, h->n_runs * sizeof *f);
        value = better;
        close = largest < CLOSE;
    }
    if (!err && !close)
        err = qn_fail(QN_ERR_NUMERIC, "the free energies of the runs did not converge; do their energies overlap?");
    free(next);
    return err;
}

/* -ln Z_k from d(-ln Z)/d beta = <E> by the trapezoidal rule, runs in order of beta. */
static int integrate(const qn_histograms *h, const double *mean_energy, double *f)
{
    size_t *order = malloc((h->n_runs + 1) * sizeof *order);
    if (!order)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k < h->n_runs; k++) {
        size_t at = k;
        for (; at > 0 && h->beta[order[at - 1]] > h->beta[k]; at--)
            order[at] = order[at - 1];
        order[at] = k;
    }
    f[order[0]] = 0;
    for (size_t i = 1; i < h->n_runs; i++) {
        size_t a = order[i - 1], b = order[i];
        f[b] = f[a] + (h->beta[b] - h->beta[a]) * (mean_energy[a] + mean_energy[b]) / 2;
    }
    double first = f[0];
    for (size_t k = 0; k < h->n_runs; k++)
        f[k] -= first;
    free(order);
    return 0;
}

/* The histograms keep no mean energy of a single run.  From equal ones a few rounds f -> <E> at every beta -> f make a start
 * that is good enough for Newton. */
static int start(problem *x, double *f)
{
    const qn_histograms *h = x->h;
    double *mean = calloc(h->n_runs + 1, sizeof *mean);
    int err = mean ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    double total = 0, all = 0;
    for (size_t m = 0; m < h->n_energies && !err; m++) {
        all += x->count[m];
        total += x->count[m] * h->energy[m];
    }
    for (size_t k = 0; k < h->n_runs && !err; k++)
        mean[k] = total / all;
    for (int round = 0; round < 8 && !err; round++) {
        err = integrate(h, mean, f);
        if (err)
            break;
        objective(x, f);
        for (size_t k = 0; k < h->n_runs; k++) {
            double top = -INFINITY, w = 0, e = 0;
            for (size_t m = 0; m < h->n_energies; m++)
                if (x->count[m] > 0)
                    top = fmax(top, -h->beta[k] * h->energy[m] - x->log_d[m]);
            for (size_t m = 0; m < h->n_energies; m++) {
                double v = x->count[m] > 0 ? x->count[m] * exp(-h->beta[k] * h->energy[m] - x->log_d[m] - top) : 0;
                w += v;
                e += v * h->energy[m];
            }
            mean[k] = e / w;
        }
    }
    free(mean);
    return err;
}

static void totals(const qn_histograms *h, size_t without, double *count, double *sum, double *size)
{
    for (size_t u = 0; u < h->n_units; u++) {
        if (u == without)
            continue;
        for (size_t m = 0; m < h->n_energies; m++)
            count[m] += h->count[u * h->n_energies + m];
        for (size_t i = 0; i < h->n_obs * h->n_energies; i++)
            sum[i] += h->sum[u * h->n_obs * h->n_energies + i];
        for (size_t k = 0; k < h->n_runs; k++)
            size[k] += h->size[u * h->n_runs + k];
    }
}

int qn_mixture_solve(const qn_histograms *h, size_t without, const double *from, qn_mixture *out)
{
    size_t n = h->n_runs > 1 ? h->n_runs - 1 : 1;
    memset(out, 0, sizeof *out);
    double *size = calloc(h->n_runs + 1, sizeof *size);
    out->f = calloc(h->n_runs + 1, sizeof *out->f);
    out->log_d = calloc(h->n_energies + 1, sizeof *out->log_d);
    out->count = calloc(h->n_energies + 1, sizeof *out->count);
    out->sum = calloc(h->n_obs * h->n_energies + 1, sizeof *out->sum);
    problem x = {.h = h, .count = out->count, .size = size, .log_d = out->log_d, .p = calloc(h->n_runs + 1, sizeof(double)), .hessian = gsl_matrix_alloc(n, n),
                 .gradient = gsl_vector_alloc(n), .step = gsl_vector_alloc(n)};
    int err = size && out->f && out->log_d && out->count && out->sum && x.p && x.hessian && x.gradient && x.step ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err) {
        totals(h, without, out->count, out->sum, size);
        if (from)
            memcpy(out->f, from, h->n_runs * sizeof *from);
        else
            err = start(&x, out->f);
    }
    if (!err)
        err = newton(&x, out->f);
    if (!err)
        objective(&x, out->f);
    gsl_matrix_free(x.hessian);
    gsl_vector_free(x.gradient);
    gsl_vector_free(x.step);
    free(x.p);
    free(size);
    if (err)
        qn_mixture_free(out);
    return err;
}

void qn_mixture_free(qn_mixture *m)
{
    free(m->f);
    free(m->log_d);
    free(m->count);
    free(m->sum);
    memset(m, 0, sizeof *m);
}

void qn_mixture_at(const qn_histograms *h, const qn_mixture *m, double beta, double *means, double *log_z, double *n_eff)
{
    double top = -INFINITY, weight = 0, square = 0;
    for (size_t i = 0; i < h->n_energies; i++)
        if (m->count[i] > 0)
            top = fmax(top, -beta * h->energy[i] - m->log_d[i]);
    for (size_t k = 0; k < h->n_obs; k++)
        means[k] = 0;
    for (size_t i = 0; i < h->n_energies; i++) {
        if (!(m->count[i] > 0))
            continue;
        double w = exp(-beta * h->energy[i] - m->log_d[i] - top);
        weight += m->count[i] * w;
        square += m->count[i] * w * w;
        for (size_t k = 0; k < h->n_obs; k++)
            means[k] += m->sum[k * h->n_energies + i] * w;
    }
    for (size_t k = 0; k < h->n_obs; k++)
        means[k] /= weight;
    *log_z = top + log(weight);
    *n_eff = weight * weight / square;
}
