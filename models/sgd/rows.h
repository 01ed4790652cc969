/* rows.h -- training points as rows of single precision, weights in double: the products that perceptron, linear and diagonal nets are made of.
 *
 * Rows are padded with zeros to a multiple of SGD_PAD entries.  Products are added in 16 partial sums, then by halves: the same bits at
 * every instruction set. */
#ifndef SGD_ROWS_H
#define SGD_ROWS_H

#include <stddef.h>
#include <stdint.h>

enum { SGD_PAD = 16 };

static inline size_t sgd_padded(size_t d)
{
    return (d + SGD_PAD - 1) / SGD_PAD * SGD_PAD;
}

typedef struct sgd_rows {
    double (*dot)(size_t n, const float *x, const double *w);
    void (*add)(size_t n, double c, const float *x, double *w);                                       /* w += c x */
    void (*all)(size_t rows, size_t n, const float *x, double c, const double *w, double *out);       /* out[k] = c x_k.w */
    void (*axpy)(size_t n, double c, const double *x, double *y);                                     /* y += c x, any n */
    size_t (*below)(size_t n, const double *x, double bound, uint32_t *list);                         /* which x are below, in order; how many */
} sgd_rows;
const sgd_rows *sgd_rows_best(void); /* for this CPU, see isa.h */

#endif
