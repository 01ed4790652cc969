/* exact.h -- what the two exact tasks share: a Pauli vector that is measured. */
#ifndef POVM_EXACT_H
#define POVM_EXACT_H

#include "observables.h"
#include "pauli.h"

typedef struct povm_exact {
    const povm_problem *problem;
    povm_pauli g;
    povm_look *look;
    double *one, *pair;       /* [3][n], [3][n][n] */
} povm_exact;

enum { POVM_EIGENVALUE_SITES = 6, POVM_GAP_SITES = 4 };

int povm_exact_init(const povm_problem *problem, povm_exact *out) QN_NODISCARD;
void povm_exact_free(povm_exact *x); /* also after a failed init */
int povm_exact_measure(povm_exact *x, const double *c, double t, qn_record *r) QN_NODISCARD;
void povm_exact_check(const qn_params *p, const povm_problem *problem, qn_problems *c);
bool povm_exact_provides(const qn_params *p, int obs);

#endif
