/* generator.h -- the Lindblad equation of outcome probabilities, dP/dt = L P, as local real matrices.
 *
 * Terms are Pauli words: one letter acts on every site, two letters on every bond of the lattice, so that all sites share one matrix `one` and
 * all bonds share `two`.  R[a][b] = Re Tr(M_a G(N_b)), G the Lindblad map of the term (Luo, Chen, Carrasquilla & Clark 2022, eq. 3).  Columns sum to
 * zero.  Entries of both signs: L is not a classical rate matrix. */
#ifndef POVM_GENERATOR_H
#define POVM_GENERATOR_H

#include <stdbool.h>

#include "frame.h"
#include "terms.h"

typedef struct povm_generator {
    int k;
    bool has_one, has_two;
    double one[POVM_OUTCOMES * POVM_OUTCOMES];                                /* [a][b], k x k */
    double two[POVM_OUTCOMES * POVM_OUTCOMES * POVM_OUTCOMES * POVM_OUTCOMES]; /* [a][b], k^2 x k^2; a pair of outcomes is first + k second */
} povm_generator;

void povm_generator_build(const povm_frame *frame, const povm_terms *terms, povm_generator *out);

/* The same for Pauli expectations, d<Q_r>/dt = sum_c G[r][c] <Q_c> with Q = 1, X, Y, Z (a pair is first + 4 second): `one` of every site, `two` of every bond. */
void povm_generator_pauli(const povm_terms *terms, double one[16], double two[256]);

#endif
