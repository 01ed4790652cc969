/* terms.h -- a Hamiltonian and jump operators as sums of Pauli words, out of the sweep file's text.
 *
 *     "V/4 ZZ + g/2 X"     "-0.5 XX + Jy YY"     jumps: "1.0 s-"   "0.5 Z"   "sqrt(gamma) s-"
 *
 * Letters X, Y, Z, in jumps also s- (|1><0|, lowers Z) and s+.  The factor in front is an expression of numbers and names; the names are parameters.
 * Every summand of `jumps` is a jump operator of its own on every site (bond); its factor multiplies the operator, the rate is the square. */
#ifndef POVM_TERMS_H
#define POVM_TERMS_H

#include <complex.h>

#include "quench.h"

enum { POVM_MAX_TERMS = 32 };

typedef struct povm_word {
    double factor;
    int sites;                     /* 1 or 2 */
    double complex op[2][2][2];    /* matrix of each letter, without the factor */
    char letter[2][3];             /* "X", "s-", ... */
} povm_word;

typedef struct povm_terms {
    int n_hamiltonian, n_jumps;
    povm_word hamiltonian[POVM_MAX_TERMS], jump[POVM_MAX_TERMS];
} povm_terms;

/* Calls `found` for every name in the factors of a text, whatever else is wrong with it; stops where that fails. */
int povm_terms_names(const char *text, int (*found)(void *to, const char *name), void *to);

/* The words of one parameter of a point, [POVM_MAX_TERMS], with the named factors filled in.  The sentence of a failure does not name the parameter. */
int povm_words_read(const qn_params *p, bool jumps, povm_word *out, int *count) QN_NODISCARD;

/* Both parameters of a point. */
int povm_terms_read(const qn_params *p, povm_terms *out) QN_NODISCARD;

#endif
