/* base.h -- one task of a net with hidden layers before it learns: points, first weights, and what its predictions say. */
#ifndef SGD_BASE_H
#define SGD_BASE_H

#include "state.h"

typedef struct sgd_base {
    sgd_settings set;         /* its shape is set.deep.shape */
    sgd_data data;
    double *w0;               /* [weights] first weights, as the trainer has them */
    double w0_norm, y2;       /* |w0|; E y^2 of the training points */
    double *f, *f_test;       /* [p], [tests] room for predictions */
    size_t n_kernel;
    double *x_kernel;         /* [n_kernel][d] the first training points */
} sgd_base;

int sgd_base_init(sgd_base *b, const sgd_settings *set, const void *shared, const qn_streams *streams) QN_NODISCARD;
void sgd_base_free(sgd_base *b);
/* Losses, errors and margins from the predictions f, f_test. */
void sgd_base_look(const sgd_base *b, sgd_look *out);
double sgd_base_loss(const sgd_base *b, double y, double predictor);
bool sgd_base_provides(const sgd_settings *set, int obs);
double sgd_base_bytes(const sgd_settings *set);

#endif
