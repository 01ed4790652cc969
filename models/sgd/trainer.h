/* trainer.h -- an mlp in training, in single or double precision.
 *
 * The first weights w0 and the way dw from them are kept apart, and outputs as the difference to those at w0: with z0 the inputs of hidden
 * units at w0 (kept for the training points) and dz their change,
 *
 *   dz_{l+1} = da_l W0_l + a_l dW_l,   da = phi(z0 + dz) - phi(z0) without cancellation,   f - f0 = (v0.da_D + dv.a_D)/h^q.
 *
 * So alpha (f - f0) keeps its digits however large alpha is and small the change, and small steps are not lost on large weights.
 * With one hidden layer it costs what the plain form costs.  A step reads a batch's rows once; points without a push (fitted ones) go no
 * further, and the update of rank B is added to dw directly, without a gradient between.  Only where a batch is longer than SGD_BLOCK the
 * gradient is summed up first. */
#ifndef SGD_TRAINER_H
#define SGD_TRAINER_H

#include "gemm.h"
#include "loss.h"
#include "mlp.h"
#include "points.h"

enum { SGD_BLOCK = 256 }; /* points that are worked on together */

typedef struct sgd_trainer_setup {
    const sgd_shape *shape;               /* borrowed, as are the points */
    const sgd_points *train, *test;       /* test may have no points */
    const double *w0;                     /* copied */
    sgd_loss loss;                        /* SGD_SQUARE: labels are real; others: +-1 */
    bool subtract;                        /* F = alpha (f - f0), else alpha f */
    qn_gemm_how how;
} sgd_trainer_setup;

typedef struct sgd_arith {
    size_t number;                        /* bytes of one */
    int (*create)(const sgd_trainer_setup *s, void **trainer);
    void (*destroy)(void *trainer);       /* NULL-safe; also after a failed create */
    /* dw += rate * sum over n training points (NULL: all in order) of -dL/df grad f; how many points pushed. */
    size_t (*step)(void *trainer, size_t n, const uint32_t *at, double rate);
    void (*predict)(void *trainer, bool test, size_t first, size_t n, double *predictor);  /* F of points first.. */
    void (*descend)(void *trainer, double *minus_gradient, double *predictor);             /* of the mean training loss; F of all */
    void (*get)(const void *trainer, double *dw);
    void (*set)(void *trainer, const double *dw);
    double (*survey)(void *trainer, double *predictor); /* F of all training points; the largest |grad f|^2 of one */
    bool (*dead)(void *trainer);          /* relu: in some layer every unit is off at every training point */
    int (*save)(const void *trainer, qn_group *g);
    int (*load)(void *trainer, const qn_group *g);
} sgd_arith;

extern const sgd_arith sgd_arith_f32, sgd_arith_f64;
double sgd_trainer_bytes(const sgd_shape *s, size_t points, bool bytes, size_t number); /* `bytes`: the points are bytes of a file */

#endif
