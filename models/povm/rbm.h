/* rbm.h -- restricted Boltzmann machine as an unnormalised probability of strings, and the Markov chains that sample it: the baseline.
 *
 *   log P(a) = sum_i b_i[a_i] + sum_h log 2 cosh(c_h + sum_i W_h,i[a_i]) + const,   n `hidden` units h
 *
 * It is a povm_net (povm_rbm) for all but sampling: `logp` gives log P up to a constant, connected strings cost one look at the activations each.  Strings come from
 * Metropolis chains that are part of the state of a run.  Everything in double precision. */
#ifndef POVM_RBM_H
#define POVM_RBM_H

#include "net.h"

typedef struct povm_chains povm_chains;

/* Chains that start at random strings.  Chain i draws from stream first + i of the purpose. */
int povm_chains_create(const povm_shape *s, size_t chains, const qn_streams *streams, qn_purpose purpose, uint64_t first, povm_chains **out) QN_NODISCARD;
void povm_chains_destroy(povm_chains *c); /* NULL-safe */
void povm_chains_use_threads(povm_chains *c, int threads); /* 0 (as created): qn_threads() */
/* The strings and weights of `from`, streams of one's own: measuring then leaves `from` alone. */
void povm_chains_copy(povm_chains *c, const povm_chains *from, const qn_streams *streams, qn_purpose purpose, uint64_t first);

void povm_chains_set(povm_chains *c, const double *theta); /* the weights of the moves from here on */
/* A sweep: n times a site at random, one of the other outcomes at random, taken with probability min(1, ratio of P). */
void povm_chains_run(povm_chains *c, size_t sweeps);
/* Strings [count][n] and log P up to a constant: in rounds over the chains, `thinning` sweeps before each round. */
void povm_chains_draw(povm_chains *c, size_t count, size_t thinning, uint8_t *strings, double *logp);

double povm_chains_acceptance(const povm_chains *c); /* share of the moves that were taken since the last povm_chains_set() */
/* Integrated autocorrelation time, in rounds, of x [rounds][chains], pooled over the chains: 1/2 + sum rho(t) up to the first t >= 5 tau (Sokal 1997); 1/2
 * without variation.  The error of the mean of x is sd(x) sqrt(2 tau/(rounds chains)). */
double povm_chains_tau(size_t chains, size_t rounds, const double *x);

int povm_chains_save(const povm_chains *c, qn_group *g) QN_NODISCARD; /* strings and streams; the weights are set again after a load */
int povm_chains_load(povm_chains *c, const qn_group *g) QN_NODISCARD;

#endif
