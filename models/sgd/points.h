/* points.h -- labelled points as a net sees them: rows of x/sqrt(d), real numbers of their own or bytes of a shared file times a unit; and where there
 * is a bias, one more input that is constant. */
#ifndef SGD_POINTS_H
#define SGD_POINTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct sgd_points {
    size_t n, d;          /* d: inputs, the constant one included */
    double *x;            /* [n][d] x/sqrt(d), or NULL: */
    const uint8_t *bytes; /* borrowed; point mu is `unit` times row pick[mu] of bytes, then `bias` where it is not 0 */
    uint32_t *pick;
    double unit, bias;
    double *y;            /* [n] labels */
} sgd_points;

/* Rows at[0..m-1] (NULL: first, first + 1, ...) written out. */
void sgd_points_f64(const sgd_points *p, size_t m, const uint32_t *at, size_t first, double *out);
void sgd_points_f32(const sgd_points *p, size_t m, const uint32_t *at, size_t first, float *out);
void sgd_points_free(sgd_points *p);

#endif
