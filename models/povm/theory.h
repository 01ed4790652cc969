/* theory.h -- exact steady values for the same parameters, and closed forms. */
#ifndef POVM_THEORY_H
#define POVM_THEORY_H

#include "quench.h"

extern const qn_quantity povm_quantities[];
int povm_theory_at(const qn_params *p, double *out);

#endif
