/* regression.h -- the data of linear and diagonal nets, f = beta.x, and gradients with respect to beta.
 *
 * Inputs x_i ~ N(0, h_i), labels y = beta*.x + sigma n with n ~ N(0, 1): P points, or a fresh one at every draw. */
#ifndef SGD_REGRESSION_H
#define SGD_REGRESSION_H

#include "rows.h"
#include "state.h"

typedef struct sgd_regression {
    sgd_settings set;
    const sgd_rows *rows;
    size_t ld;
    float *x;                 /* [p][ld] */
    double *y;                /* [p] */
    double *teacher, *h;      /* [ld] beta*; variances */
    double *point;            /* [ld] scratch */
} sgd_regression;

/* `teacher`: [d], drawn by the net. */
int sgd_regression_init(sgd_regression *r, const sgd_settings *set, const double *teacher, qn_streams *streams) QN_NODISCARD;
void sgd_regression_free(sgd_regression *r);

/* g [ld] = sum over the points of push x; returns how many pushed. */
size_t sgd_regression_pull(sgd_regression *r, const double *beta, size_t n, const uint32_t *at, double *g);
size_t sgd_regression_pull_fresh(sgd_regression *r, const double *beta, size_t n, qn_rng *rng, double *g);
void sgd_regression_predict(const sgd_regression *r, const double *beta, double *f); /* [p] */
/* All but dw and w0.  Weights w with d(beta_i)/dw = slopes whose squares sum to slope2[i]: for the noise of the gradient. */
void sgd_regression_look(sgd_regression *r, const double *beta, const double *slope2, sgd_look *out);
bool sgd_regression_provides(const sgd_settings *set, int obs);
double sgd_regression_bytes(const sgd_settings *set);
double sgd_regression_step_seconds(const sgd_settings *set);

#endif
