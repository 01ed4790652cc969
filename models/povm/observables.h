/* observables.h -- what is measured in a state: averages of Pauli matrices, nearest-neighbour and connected correlators, energy, with errors.
 *
 * A `look` gathers equally distributed samples: strings of a measurement, or states given by their Pauli expectations (one exact state, many
 * trajectories).  Every observable is a function of means over the samples.  Errors: standard deviation/sqrt(samples) where the function is linear and the
 * samples are independent and of equal weight, else the jackknife over POVM_LOOK_BLOCKS blocks. */
#ifndef POVM_OBSERVABLES_H
#define POVM_OBSERVABLES_H

#include <stdint.h>

#include "task.h"

enum {
    POVM_LOOK_BLOCKS = 64,
    POVM_PAIR_SITES = 128 /* correlators over distance are measured up to so many sites */
};

typedef struct povm_look povm_look;

int povm_look_create(const povm_problem *problem, povm_look **out) QN_NODISCARD; /* problem outlives the look */
void povm_look_destroy(povm_look *l);
void povm_look_clear(povm_look *l);

/* `count` strings [count][n], consecutive ones in one block.  weight [count]: P/q of each, NULL for 1.  Weights, and strings out of Markov chains
 * (`correlated`), make all errors those of the jackknife. */
void povm_look_strings(povm_look *l, size_t count, const uint8_t *strings, const double *weight, bool correlated);

/* The Pauli expectations of one state: <P_i> [3][n], P = X, Y, Z; <P_i P_j> [3][n][n] (i < j; NULL above POVM_PAIR_SITES); nearest-neighbour
 * averages of XX, YY, ZZ; energy a site. */
typedef struct povm_expectations {
    const double *one, *pair;
    double near[3], energy;
} povm_expectations;
void povm_look_exact(povm_look *l, const povm_expectations *x);                              /* the only sample, without an error */
void povm_look_state(povm_look *l, size_t index, size_t count, const povm_expectations *x);  /* sample `index` of `count` */

/* Element k of POVM_O_SX to POVM_O_ENERGY, POVM_O_SX_SITE to POVM_O_CORR_ZZ, and its error (NaN of one sample that is not exact). */
double povm_look_mean(const povm_look *l, int obs, size_t k);
double povm_look_error(const povm_look *l, int obs, size_t k);
double povm_look_ess(const povm_look *l); /* (sum w)^2/sum w^2 */

/* All of them into the record, at the present measurement. */
void povm_look_put(const povm_look *l, qn_record *r);

/* True of what povm_look_put and the auxiliary curve `t` fill: what every kind of run provides. */
bool povm_look_provides(int obs);

size_t povm_dimension(const qn_params *p, const char *dim, double *values); /* the model's: `site`, `distance`, `parameter` */

#endif
