/* frame.h -- informationally complete measurements of one spin-1/2 and their dual frames.
 *
 * Effects M_a = w_a (1 + v_a . sigma), a = 0 .. k-1, sum_a M_a = 1; overlaps T_ab = Tr M_a M_b; dual frame N_a = sum_b (T^-1)_ab M_b, so that
 * rho = sum_a P(a) N_a (Carrasquilla, Torlai, Melko & Aolita 2019).  |0> is the +1 eigenstate of Z.  T of pauli6 is singular: T^-1 is then the
 * pseudo-inverse, and rho -> P is not onto. */
#ifndef POVM_FRAME_H
#define POVM_FRAME_H

#include <complex.h>

enum { POVM_OUTCOMES = 6 }; /* the most that a frame has */

/* In the order of the choices of the parameter `povm`. */
typedef enum { POVM_TETRA_CUBE = 0, POVM_TETRA_Z, POVM_PAULI4, POVM_PAULI6 } povm_kind;

typedef struct povm_frame {
    povm_kind kind;
    int k;                                               /* outcomes */
    double w[POVM_OUTCOMES], v[POVM_OUTCOMES][3];
    double complex m[POVM_OUTCOMES][2][2], n[POVM_OUTCOMES][2][2];
    double t[POVM_OUTCOMES][POVM_OUTCOMES], t_inverse[POVM_OUTCOMES][POVM_OUTCOMES];
    double to_p[POVM_OUTCOMES][4];                       /* Tr(M_a Q)/2: p = to_p c of one spin, c = (1, <X>, <Y>, <Z>) */
    double dual[4][POVM_OUTCOMES];                       /* Tr(N_a Q), Q = 1, X, Y, Z: c = dual p */
} povm_frame;

void povm_frame_init(povm_frame *f, povm_kind kind);

/* Probabilities [k] of the outcomes in the state with Bloch vector r. */
void povm_frame_product(const povm_frame *f, const double r[3], double *p);

#endif
