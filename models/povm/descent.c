/* descent.c -- see descent.h. */
#include "descent.h"

#include <math.h>
#include <stdlib.h>

int povm_descent_init(povm_descent *d, const povm_variational *v, size_t count)
{
    *d = (povm_descent){.set = v, .period = 1, .periods = 1, .factor = 1};
    int err = povm_adam_init(&d->adam, count, v->beta1, v->beta2);
    d->mean = calloc(count, sizeof *d->mean);
    return err || d->mean ? err : qn_fail(QN_ERR_NOMEM, "no memory for the mean of %zu parameters", count);
}

void povm_descent_free(povm_descent *d)
{
    povm_adam_free(&d->adam);
    free(d->mean);
    d->mean = NULL;
}

void povm_descent_restart(povm_descent *d, int64_t period, int64_t periods, double factor)
{
    povm_adam_reset(&d->adam);
    d->terms = d->i = 0;
    d->period = period;
    d->periods = periods;
    d->factor = factor;
}

double povm_descent_place(const povm_descent *d)
{
    return d->i >= d->period * d->periods ? 1 : (double)(d->i % d->period) / (double)d->period;
}

bool povm_descent_late(const povm_descent *d)
{
    return povm_descent_place(d) >= 1 - d->set->averaging;
}

static double rate(const povm_variational *v, double u)
{
    switch (v->schedule) {
    case POVM_LR_COSINE:
        return v->lr * (v->lr_final + (1 - v->lr_final) * (1 + cos(M_PI * u)) / 2);
    case POVM_LR_HALVE:
        return u < 2.0 / 3 ? v->lr : v->lr / 2;
    case POVM_LR_CONSTANT:
        break;
    }
    return v->lr;
}

void povm_descent_add(povm_descent *d, const double *theta)
{
    d->terms++;
    for (size_t k = 0; k < d->adam.n; k++)
        d->mean[k] += (theta[k] - d->mean[k]) / (double)d->terms;
}

void povm_descent_step(povm_descent *d, const double *grad, double *theta)
{
    double u = povm_descent_place(d);
    bool late = povm_descent_late(d);
    if (d->i > 0 && u == 0) { /* a further period */
        povm_adam_reset(&d->adam);
        d->terms = 0;
    }
    povm_adam_step(&d->adam, d->factor * rate(d->set, u), grad, theta);
    if (late)
        povm_descent_add(d, theta);
    d->i++;
}

const double *povm_descent_mean(const povm_descent *d, const double *theta)
{
    return d->terms ? d->mean : theta;
}

int povm_descent_save(const povm_descent *d, qn_group *g)
{
    int64_t counts[] = {d->i, d->terms};
    int err = povm_adam_save(&d->adam, g);
    if (!err)
        err = qn_save_f64(g, "mean", d->adam.n, d->mean);
    if (!err)
        err = qn_save_f64(g, "factor", 1, &d->factor);
    return err ? err : qn_save_i64(g, "descent", 2, counts);
}

int povm_descent_load(povm_descent *d, const qn_group *g)
{
    int64_t counts[2];
    int err = povm_adam_load(&d->adam, g);
    if (!err)
        err = qn_load_f64(g, "mean", d->adam.n, d->mean);
    if (!err)
        err = qn_load_f64(g, "factor", 1, &d->factor);
    if (!err)
        err = qn_load_i64(g, "descent", 2, counts);
    if (err)
        return err;
    d->i = counts[0];
    d->terms = counts[1];
    return 0;
}
