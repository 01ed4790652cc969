/* objective.h -- what the variational tasks minimise, by samples or by all strings.
 *
 *   steady   D = L P
 *   fbt      D = (1 - tau/2 L) P - (1 + tau/2 L) P', P' the state of the last time step (implicit trapezoid)
 *
 *   l1  C = sum_a |D(a)|, gradient sum_a sgn D(a) grad D(a)          l2  sum_a D(a)^2/q(a), gradient 2 sum_a D(a)/q(a) grad D(a)
 *
 * Strings come from q: P, P', or half from each; q is an importance weight, held fixed, without a score term of its own (Luo, Chen, Carrasquilla
 * & Clark 2022).  As sum_a grad D(a) = 0, a constant may be taken from sgn D: the mean sign of the other strings of the batch.  An rbm has P up to a
 * factor 1/Z, whose gradient is taken along. */
#ifndef POVM_OBJECTIVE_H
#define POVM_OBJECTIVE_H

#include "source.h"
#include "variational_settings.h"

typedef struct povm_objective_setup {
    const povm_problem *problem;
    const povm_shape *shape;     /* as the net's, with its orders */
    bool steady;
    povm_objective_norm norm;
    povm_proposal proposal;      /* steady: always current */
    bool control_variate, enumerate;
    size_t batch;
} povm_objective_setup;

typedef struct povm_estimate {
    double value;                /* of the objective */
    double c, c_err;             /* sum_a |D(a)| and its standard error; 0 where all strings are summed */
    double ess;                  /* (sum w)^2/(n sum w^2), w = P/q */
} povm_estimate;

typedef struct povm_objective povm_objective;

int povm_objective_create(const povm_objective_setup *s, povm_objective **out) QN_NODISCARD;
void povm_objective_destroy(povm_objective *o); /* NULL-safe */
povm_net *povm_objective_net(povm_objective *o);
void povm_objective_draw_from(povm_objective *o, povm_source *source); /* of its net, kept by the caller; else the net draws */
void povm_objective_retune(povm_objective *o, const povm_problem *problem); /* other couplings on the same lattice */
double povm_objective_bytes(const povm_objective_setup *s, double parameters);

/* Blocks of a stream that one call below uses. */
uint64_t povm_objective_blocks(const povm_objective *o);

/* fbt: P' is the net at `theta` from here on.  With the proposal `old` its strings are drawn here, once for the time step. */
void povm_objective_begin(povm_objective *o, const qn_streams *s, uint64_t first, const double *theta);

/* An estimate at theta from a batch drawn at `first` of the purpose; with `grad` also its gradient (overwritten). */
void povm_objective_at(povm_objective *o, const qn_streams *s, qn_purpose purpose, uint64_t first, const double *theta, double *grad,
                       povm_estimate *out);

/* The same without a gradient from about `strings` fresh strings, in whole batches; no batch of `old` is used again. */
void povm_objective_measure(povm_objective *o, const qn_streams *s, qn_purpose purpose, uint64_t first, size_t strings, const double *theta,
                            povm_estimate *out);

uint64_t povm_objective_evaluations(const povm_objective *o); /* positions of the net since the start */
void povm_objective_plain(povm_objective *o);                 /* lists in place of the tree, for tests and benches */

#endif
