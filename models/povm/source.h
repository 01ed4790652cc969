/* source.h -- where strings come from: a net draws independent ones; an rbm has Markov chains, which go on from iteration to iteration. */
#ifndef POVM_SOURCE_H
#define POVM_SOURCE_H

#include "rbm.h"
#include "variational_settings.h"

typedef struct povm_source {
    povm_net *net;            /* borrowed */
    povm_chains *chains;      /* NULL: the net draws */
    povm_chains *fresh;       /* of the measurement in progress */
    size_t n_chains, thinning, burn_in;
    bool burnt;               /* the chains have forgotten their start */
    const double *theta;      /* the last ones set */
} povm_source;

int povm_source_init(povm_source *s, povm_net *net, const povm_variational *v, const qn_streams *streams) QN_NODISCARD;
void povm_source_free(povm_source *s); /* also after a failed init */
bool povm_source_correlated(const povm_source *s);

void povm_source_set(povm_source *s, const double *theta);
/* A measurement begins at block `first` of its stream: chains branch off, so that measuring changes no trajectory. */
void povm_source_measure(povm_source *s, const qn_streams *streams, uint64_t first);
/* Block `first` has no part in chains; QN_STREAM_MEASUREMENT: those that branched off. */
void povm_source_draw(povm_source *s, const qn_streams *streams, qn_purpose purpose, uint64_t first, size_t count, uint8_t *strings, double *logp);
/* 2 tau of a function x of the strings of one draw: by how much correlations raise the variance of its mean. */
double povm_source_excess(const povm_source *s, size_t count, const double *x);

int povm_source_save(const povm_source *s, qn_group *g) QN_NODISCARD;
int povm_source_load(povm_source *s, const qn_group *g) QN_NODISCARD;

#endif
