/* activation.c -- see activation.h. */
#include "activation.h"

#include <gsl/gsl_integration.h>

static double plain(sgd_phi_kind kind, double eps, double z)
{
    sgd_phi p = {kind, eps, 1};
    return sgd_phi_value(&p, z);
}

double sgd_phi_moment(sgd_phi_kind kind, double eps)
{
    enum { NODES = 128 };
    const double far = 14; /* phi^2 exp(-z^2/2) is below 1e-38 there */
    gsl_integration_glfixed_table *t = gsl_integration_glfixed_table_alloc(NODES);
    if (!t)
        return NAN;
    double sum = 0;
    for (size_t i = 0; i < NODES; i++) { /* the two sides apart: relu has a kink at 0 */
        double z, weight;
        gsl_integration_glfixed_point(0, far, i, &z, &weight, t);
        double up = plain(kind, eps, z), down = plain(kind, eps, -z);
        sum += weight * exp(-z * z / 2) * (up * up + down * down);
    }
    gsl_integration_glfixed_table_free(t);
    return sum / sqrt(2 * M_PI);
}

sgd_phi sgd_phi_make(sgd_phi_kind kind, double eps, bool normalise)
{
    return (sgd_phi){kind, eps, normalise ? 1 / sqrt(sgd_phi_moment(kind, eps)) : 1};
}
