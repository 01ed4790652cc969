/* adam.h -- Adam (Kingma & Ba 2015, algorithm 1), epsilon 1e-9. */
#ifndef POVM_ADAM_H
#define POVM_ADAM_H

#include "quench.h"

typedef struct povm_adam {
    size_t n;
    double beta1, beta2;
    double *m, *v;            /* moments [n] */
    int64_t steps;            /* since the last reset */
} povm_adam;

int povm_adam_init(povm_adam *a, size_t n, double beta1, double beta2) QN_NODISCARD;
void povm_adam_free(povm_adam *a); /* also after a failed init */
void povm_adam_reset(povm_adam *a);
void povm_adam_step(povm_adam *a, double lr, const double *grad, double *theta); /* downhill */
int povm_adam_save(const povm_adam *a, qn_group *g) QN_NODISCARD;
int povm_adam_load(povm_adam *a, const qn_group *g) QN_NODISCARD;

#endif
