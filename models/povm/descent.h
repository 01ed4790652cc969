/* descent.h -- Adam along a schedule: periods in which the learning rate falls, and the mean of the parameters over the last part of each.
 *
 * Gradients of a sum of magnitudes do not fade at its minimum: without a falling rate the parameters stay at a distance of its order. */
#ifndef POVM_DESCENT_H
#define POVM_DESCENT_H

#include "adam.h"
#include "variational_settings.h"

typedef struct povm_descent {
    const povm_variational *set;  /* schedule, lr, averaging */
    povm_adam adam;
    double *mean;                 /* parameters, over `terms` iterations */
    int64_t terms;
    int64_t i, period, periods;   /* iterations done; of one period; how many periods */
    double factor;                /* of the learning rate */
} povm_descent;

int povm_descent_init(povm_descent *d, const povm_variational *v, size_t count) QN_NODISCARD;
void povm_descent_free(povm_descent *d); /* also after a failed init */
void povm_descent_restart(povm_descent *d, int64_t period, int64_t periods, double factor);

double povm_descent_place(const povm_descent *d); /* 0 <= u < 1 in the period; 1 beyond the last one */
bool povm_descent_late(const povm_descent *d);    /* in the part that is averaged over */
void povm_descent_step(povm_descent *d, const double *grad, double *theta);
void povm_descent_add(povm_descent *d, const double *theta); /* to the mean: step() does it */
const double *povm_descent_mean(const povm_descent *d, const double *theta); /* theta where there is none yet */

int povm_descent_save(const povm_descent *d, qn_group *g) QN_NODISCARD;
int povm_descent_load(povm_descent *d, const qn_group *g) QN_NODISCARD; /* i, moments, mean; restart() sets the rest */

#endif
