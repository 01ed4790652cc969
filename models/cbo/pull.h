/* pull.h -- what the variants add up for a tile: drift towards a point and the noise that goes with it, normals, the cap. */
#ifndef CBO_PULL_H
#define CBO_PULL_H

#include "method.h"

/* One pull, for a step: x += -drift H y + spread D(y) xi, y = x - to. */
typedef struct cbo_pull {
    double drift;         /* lambda dt, or 1 - exp(-lambda dt) */
    double spread;        /* sigma sqrt(dt) */
    cbo_noise noise;
    double truncation;
    bool componentwise, heaviside_noise;
} cbo_pull;

/* The pull of `m` with a lambda and a sigma of its own. */
cbo_pull cbo_pull_of(const cbo_move *m, double lambda, double sigma);

/* add += the pull of the tile x [d][CBO_LANES] towards `to` [d][CBO_LANES], a point for each particle.  xi: as many normals.  factor [CBO_LANES]: H of
 * each particle, on the drift (and on y in the noise when heaviside_noise); NULL: 1. */
void cbo_pull_tile(const cbo_pull *p, size_t d, const double *x, const double *to, const double *xi, const double *factor, double *add);

/* H(f - f_c) of each particle, sharp or smooth. */
void cbo_heaviside_of(const cbo_move *m, const double *f, const double *f_c, double *factor);

/* During a step: the alpha that formed now.c (s->alpha is already that of the consensus to come). */
double cbo_alpha_now(const cbo_state *s);

/* The tile's next normals, [d][CBO_LANES]; 0 in the lanes beyond cbo_lanes_of. */
void cbo_normal_tile(const cbo_ensemble *e, size_t tile, double *xi);

/* x += add, then every coordinate beyond +-cap is put there; the number of such coordinates among the first `count` particles. */
size_t cbo_land_tile(size_t d, size_t count, const double *add, double cap, double *x);

#endif
