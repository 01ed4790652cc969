/* theory.h -- the dense network with iid patterns in the limit N -> infinity: replica-symmetric (RS) retrieval, its spinodal and
 * coexistence lines, and the state without retrieval (paramagnet, spin glass).
 *
 * Energies as in the simulation (energy.h), per spin, k_B = 1; `full` includes the large constant part that its patterns
 * have at random.  Where a retrieval branch exists (load below load_spinodal) m, q, f, u are its values, else those of m = 0.
 * The quantities called rsb are those of retrieval with one step of replica symmetry breaking, storage at P >= 4 and T = 0; NaN elsewhere,
 * and where the step is not found (too little load).
 * Learning from examples: many of them (u Gaussian) for everything but the quantities called binomial, which take their law at the given
 * M <= 64.  Supervised needs rho alone, unsupervised M and r too, and at P = 2 load 0.
 * one_step is that of the start: from the pattern, or from a noisy one of overlap start_overlap.  T = 0 and load = 0 are exact limits.  NaN: patterns that are not iid; what depends on a parameter that is not set (a line needs T
 * alone, T_glass load alone).  theory_parts.h holds the equations. */
#ifndef HEBBIAN_THEORY_H
#define HEBBIAN_THEORY_H

#include "quench.h"

typedef enum {
    HEB_Q_M, HEB_Q_M_ABS, HEB_Q_Q, HEB_Q_U, HEB_Q_F, HEB_Q_F_REST, HEB_Q_REPLICON, HEB_Q_CROSSTALK, HEB_Q_ONE_STEP, HEB_Q_STABILITY,
    HEB_Q_LOAD_SPINODAL, HEB_Q_M_SPINODAL, HEB_Q_LOAD_COEXISTENCE, HEB_Q_LOAD_REPLICON, HEB_Q_T_GLASS, HEB_Q_T_DYNAMIC,
    HEB_Q_NU, HEB_Q_MEAN, HEB_Q_M_BINOMIAL, HEB_Q_NU_BINOMIAL, HEB_Q_ONE_STEP_BINOMIAL,
    HEB_Q_LOAD_SPINODAL_RSB, HEB_Q_M_RSB, HEB_Q_Q0_RSB, HEB_Q_Q_RSB, HEB_Q_Y_RSB, HEB_Q_F_RSB, HEB_QUANTITIES
} heb_quantity;

extern const qn_quantity heb_quantities[]; /* in the order of heb_quantity; ends with name NULL */

/* Fills all of heb_quantities from the parameters P, T (0 for dynamics: zero), energy, and load, or K with N and norm; `full` with P >= 4
 * needs N for u and f, which it does not give when supervised.  A few milliseconds.
 * QN_ERR_NUMERIC when a root is not found. */
int heb_theory_at(const qn_params *p, double *out) QN_NODISCARD;

#endif
