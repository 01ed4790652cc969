/* geometry.h -- the geometry of a representation R[n][h] of n points that belong to conditions c = 0..C-1: alignment with inputs and labels,
 * parallelism of a dichotomy and how far a linear read-out of it generalises to conditions that it has not seen.
 * Alleman, Lindsey & Fusi, arXiv:2401.13558; Bernardi et al., Cell 183, 954 (2020). */
#ifndef SGD_GEOMETRY_H
#define SGD_GEOMETRY_H

#include "quench.h"

void sgd_gram(size_t n, size_t h, const double *r, double *k); /* k[n][n] = R R' */
/* <HKH, HLH>/(|HKH| |HLH|), H = 1 - 11'/n; NaN where one is constant. */
double sgd_cka(size_t n, const double *k, const double *l);

/* Means of the rows of each condition: mean[C][h].  A condition without points has NaN. */
void sgd_condition_means(size_t n, size_t h, const double *r, const uint32_t *condition, size_t c, double *mean);

/* The dichotomy side[C] (+-1, as many of each) of the means: mean cosine between the vectors that join its two sides in pairs, for the pairing where it
 * is largest: over all pairings for C <= 10, else from the identity by exchanges of two as long as one helps. */
double sgd_parallelism(size_t c, size_t h, const double *mean, const int8_t *side);
#define SGD_ALL_PAIRINGS 10

typedef struct sgd_decoding {
    double ccgp;   /* accuracy on one condition of each side, of a read-out trained on the others; mean over the choices */
    double decode; /* accuracy on all points of one trained on all */
} sgd_decoding;

/* Read-out: ridge regression of side on (R, 1), R centred and in units of its root mean square, penalty `ridge` n. */
int sgd_decode(size_t n, size_t h, const double *r, const uint32_t *condition, size_t c, const int8_t *side, double ridge, sgd_decoding *out) QN_NODISCARD;

#endif
