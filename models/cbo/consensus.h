/* consensus.h -- the consensus point without overflow: weights exp(-alpha (f - min f)), merged tile by tile in a fixed order.
 * Source: Pinnau, Totzeck, Tse, Martin 2017 (arXiv:1604.05648), eq. 1.2; the shift by the minimum keeps the denominator in [1, N]. */
#ifndef CBO_CONSENSUS_H
#define CBO_CONSENSUS_H

#include "ensemble.h"

typedef struct cbo_consensus {
    double *c;              /* [d]; left as it was when lost, the particle with f = -inf when unbounded */
    double log_z;           /* -alpha m + log(sum w / N); -inf when lost, inf when unbounded */
    double n_eff;           /* (sum w)^2 / sum w^2 */
    double f_best;          /* min over the present ensemble, and where: */
    size_t best;            /* lowest index that attains it */
    size_t nonfinite;       /* particles of weight 0 because f is NaN or +inf */
    bool lost, unbounded;   /* all are non-finite; one is -inf */
} cbo_consensus;

/* alpha may be +inf: the mean of the particles with f = min f exactly.  `f` [tiles*CBO_LANES], `x` in tiles; `out->c` is the caller's
 * array of d.  A plain two-pass form: the reference for the fused kernel, and what the variants use. */
void cbo_consensus_of(size_t n, size_t d, const double *x, const double *f, double alpha, cbo_consensus *out);
double cbo_log_z(double alpha, double least, double sum, size_t n); /* of sum = sum exp(-alpha (f - least)); alpha inf, least 0: log(sum/n) */
/* n_eff(alpha) = eta*N by bisection on log alpha (n_eff decreases in alpha); bounds 1e-12..1e300. */
double cbo_alpha_for(size_t n, const double *f, double eta);

#endif
