/* theory.h -- what is known in closed form for the parameters of a point. */
#ifndef CBO_THEORY_H
#define CBO_THEORY_H

#include "settings.h"

enum {
    CBO_Q_RATE, CBO_Q_RATE_EULER, CBO_Q_Q, CBO_Q_Q_CLOUD, CBO_Q_V_FACTOR, CBO_Q_Q_FOURTH, CBO_Q_PATHWISE,
    CBO_Q_SIGMA_MEAN_SQUARE, CBO_Q_SIGMA_PATHWISE, CBO_Q_D_MEAN_SQUARE, CBO_Q_D_PATHWISE, CBO_Q_LAMBDA_MEAN_SQUARE, CBO_Q_DT_STABLE,
    CBO_Q_LAPLACE_ERR_2, CBO_Q_LAPLACE_ERR_INF, CBO_Q_LAPLACE_LOGZ, CBO_Q_LAPLACE_N_EFF, CBO_Q_LAPLACE_FLOOR, CBO_Q_SAMPLING_VARIANCE, CBO_QUANTITIES
};
extern const qn_quantity cbo_quantities[];
int cbo_theory_at(const qn_params *p, double *out);

/* Coordinates that share one noise scale: d for isotropic noise, 1 where each has its own. */
double cbo_d_eff(cbo_noise noise, bool componentwise, double d);

#endif
