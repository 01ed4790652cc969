/* collapse.h -- finite-size scaling: y(x, L) = L^e F((x - x_c) L^(1/nu)) with free x_c, 1/nu and e, for every value of the other axes. */
#ifndef QN_COLLAPSE_H
#define QN_COLLAPSE_H

#include "lines.h"
#include "resample.h"

typedef enum { QN_COLLAPSE_NONE = 0, QN_COLLAPSE_BETA, QN_COLLAPSE_GAMMA } qn_collapse_power; /* y ~ L^0, L^(-beta/nu), L^(gamma/nu) */

#define QN_COLLAPSE_PARAMETERS 3 /* x_c, 1/nu, beta/nu or gamma/nu */
typedef struct qn_collapse_request {
    const qn_dataset *data;       /* with the samples that qn_sampled_needs names */
    const char *observable, *along, *size; /* along NULL: T or the only axis; size NULL: L or N */
    const char *exponents;        /* "T_c=2.27,1/nu=1,beta/nu": which exponent y has, and where parameters start; NULL: beta/nu, of ratios none */
    const char *fix;              /* "1/nu=1,T_c=2.27": held there; NULL: none */
    qn_statistic statistic;
    const char *const *where;
    size_t n_where, resamples;
    qn_say say;
    void *ctx;
} qn_collapse_request;

/* AXIS_c, inverse_nu and beta_over_nu or gamma_over_nu over the other axes with _err, _dof, _found and resamples; `quality`, the mean squared distance of a
 * point from the curve of the other sizes in units of its error (1 for a collapse; Houdayer & Hartmann, Phys. Rev. B 70, 014418 (2004), eq. A1, with
 * cubic interpolation in place of linear), and `points`, how many it is of.  The collapsed data over (..., size, place): OBSERVABLE_scaled with _err, and the coordinate AXIS_scaled.
 * QN_ERR_INPUT with a sentence. */
int qn_collapse_make(const qn_collapse_request *q, qn_dataset **out) QN_NODISCARD;

/* The quality of a collapse: n_sizes curves of n[] points x[i][], increasing, y[i][] with errors err[i][].  *used: points that lie between others'. */
double qn_collapse_quality(size_t n_sizes, const size_t *n, double *const *x, double *const *y, double *const *err, size_t *used);

#endif
