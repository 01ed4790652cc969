/* histogram.h -- multiple-histogram reweighting: what runs at several inverse temperatures say about all those between.
 *
 * Every measurement of every run is a draw from the mixture of the runs' Boltzmann distributions; the free energies f_k = -ln Z_k that make the
 * mixture consistent follow from a convex problem (Ferrenberg & Swendsen, Phys. Rev. Lett. 63, 1195 (1989); without bins: Shirts & Chodera,
 * J. Chem. Phys. 129, 124105 (2008), eq. 11).  A run counts by its number of independent measurements. */
#ifndef QN_HISTOGRAM_H
#define QN_HISTOGRAM_H

#include <stddef.h>

#include "quench.h"

typedef struct qn_histograms {
    size_t n_runs, n_energies, n_units, n_obs;
    double *beta;    /* [n_runs] in any order */
    double *energy;  /* [n_energies] the different energies, increasing */
    /* Unit by unit (a replica, a block of measurements), so that one can be left out. */
    double *count;   /* [n_units][n_energies] independent measurements at an energy, all runs together */
    double *sum;     /* [n_units][n_obs][n_energies] of an observable over them */
    double *size;    /* [n_units][n_runs] independent measurements of a run */
} qn_histograms;

/* Room for n measurements; free also after a failure. */
int qn_histograms_init(qn_histograms *h, size_t n_runs, size_t n_units, size_t n_obs, size_t n, const double *energies) QN_NODISCARD;
void qn_histograms_free(qn_histograms *h);
/* A measurement of `run` in `unit`, which counts as `weight` independent ones; x[n_obs]. */
void qn_histograms_add(qn_histograms *h, size_t unit, size_t run, double weight, double energy, const double *x);

typedef struct qn_mixture {
    double *f;       /* [n_runs] -ln Z_k, up to a constant; f[0] = 0 */
    double *log_d;   /* [n_energies] ln sum_k size_k exp(f_k - beta_k E) */
    double *count;   /* [n_energies] */
    double *sum;     /* [n_obs][n_energies] */
} qn_mixture;

/* All units, but `without` (SIZE_MAX: none).  `from`: free energies to begin with, NULL: by thermodynamic integration.  QN_ERR_NUMERIC when the
 * runs cannot be put together. */
int qn_mixture_solve(const qn_histograms *h, size_t without, const double *from, qn_mixture *out) QN_NODISCARD;
void qn_mixture_free(qn_mixture *m);

/* At inverse temperature beta: means of the observables [n_obs], ln Z relative to run 0, and how many independent measurements speak,
 * (sum w)^2/sum w^2. */
void qn_mixture_at(const qn_histograms *h, const qn_mixture *m, double beta, double *means, double *log_z, double *n_eff);

#endif
