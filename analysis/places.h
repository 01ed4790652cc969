/* places.h -- places on a curve that is known at points: where it has a value, where it is steepest, where a difference vanishes. */
#ifndef QN_PLACES_H
#define QN_PLACES_H

#include "quench.h"

/* The step k, between points k and k + 1, in which y - level clearly changes its sign: the split that most of the points agree with, each counted by
 * its distance in standard errors err (NULL: 1), at most 5.  SIZE_MAX when y stays on one side. */
size_t qn_place_split(size_t n, const double *y, const double *err, double level);
/* Weights c[n] with which y at the n points makes the value at `at` of the polynomial through them (Lagrange). */
void qn_place_weights(size_t n, const double *x, double at, double *c);
/* Where y crosses the level next to x `near` (NaN: first; +inf: last), by the cubic through the two points on either side; NaN when it does not, or
 * n < 2.  x increases; y has no NaN.  *step: in which step, may be NULL. */
double qn_place_level(size_t n, const double *x, const double *y, double level, double near, size_t *step);
/* The step in which the slope (averaged 1 2 1 with its neighbours) is steepest; SIZE_MAX when that is the first or last, or n < 4. */
size_t qn_place_steep_step(size_t n, const double *x, const double *y);
/* Where the slope is steepest: the centre of its square over the steps within QN_STEEP_REACH of `step`, of the sign that it has in most of them.  Of the
 * estimates tried (inflection of cubics, top of a parabola through slopes, other powers) it has the least bias between grid points and the least noise.
 * NaN when there is no slope. */
#define QN_STEEP_REACH 3
double qn_place_steepest(size_t n, const double *x, const double *y, size_t step);
/* Zero of the weighted polynomial (cubic of 6 points and more, quadratic of 4, else linear) through the n points, between the first and the last; NaN
 * when it has the same sign at both. */
double qn_place_zero(size_t n, const double *x, const double *y, const double *err);

#endif
