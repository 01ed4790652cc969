/* ensemble.h -- N particles in R^d, in dimension-major tiles, and the step that moves them towards their consensus.
 *
 * x[(tile*d + k)*CBO_LANES + lane]; particle i sits in tile i/CBO_LANES, lane i%CBO_LANES.  Padding lanes hold finite numbers and enter
 * nothing.  Every tile has a random stream of its own, so the numbers do not depend on threads or on the order of tiles. */
#ifndef CBO_ENSEMBLE_H
#define CBO_ENSEMBLE_H

#include "bulk.h"
#include "objective.h"

typedef enum { CBO_ISOTROPIC = 0, CBO_ANISOTROPIC, CBO_TRUNCATED, CBO_CONSTANT } cbo_noise; /* order of the parameter's choices */
typedef enum { CBO_HEAVISIDE_NONE = 0, CBO_HEAVISIDE_SHARP, CBO_HEAVISIDE_SMOOTH } cbo_heaviside;

/* A checkpoint holds x, f, rng and bulk, padding included. */
typedef struct cbo_ensemble {
    size_t n, d, tiles;
    double *x;       /* [tiles][d][CBO_LANES], 64-byte aligned */
    double *f;       /* [tiles][CBO_LANES] f at x */
    qn_rng *rng;     /* [tiles] streams of the tiles for all that is drawn beside the moves (starts, hops, ...) */
    qn_bulk *bulk;   /* [tiles] normals of the moves */
    double *work;    /* scratch: 4*d*CBO_LANES doubles a thread, 64-byte aligned; between calls anybody's */
    /* of the kernel */
    size_t threads;  /* that may work on the tiles of one step; no number depends on it */
    double *slot;    /* [tiles][cbo_slot_size(d)] the tile's part of the consensus */
    uint64_t *mark;  /* [tiles] lanes of a particle batch */
} cbo_ensemble;

/* Opens the tile streams; x = 0.  Ensembles with n d > 5e4 may use the qn_threads() of the caller inside a step. */
int cbo_ensemble_init(cbo_ensemble *e, size_t n, size_t d, const qn_streams *s) QN_NODISCARD;
void cbo_ensemble_free(cbo_ensemble *e); /* safe after a failed init too */
double cbo_ensemble_bytes(double n, double d);
static inline size_t cbo_lanes_of(const cbo_ensemble *e, size_t tile) /* particles in the tile, rounded up to a multiple of 8 */
{
    size_t left = e->n - tile * CBO_LANES;
    return left >= CBO_LANES ? CBO_LANES : (left + 7) / 8 * 8;
}
static inline double *cbo_tile(const cbo_ensemble *e, size_t tile)
{
    return e->x + tile * e->d * CBO_LANES;
}
static inline double cbo_coordinate(const cbo_ensemble *e, size_t i, size_t k)
{
    return cbo_tile(e, i / CBO_LANES)[k * CBO_LANES + i % CBO_LANES];
}
void cbo_ensemble_point(const cbo_ensemble *e, size_t i, double *out); /* copies particle i, [d] */

/* The numbers of one move. */
typedef struct cbo_move {
    double lambda, sigma, dt, alpha;
    bool exponential;          /* drift factor exp(-lambda dt) in place of 1 - lambda dt */
    bool geometric;            /* y_k <- y_k exp(-(lambda + sigma^2/2) dt + sigma sqrt(dt) xi_k), whatever noise and heaviside say */
    cbo_noise noise;
    double truncation;         /* M_tr of truncated noise; anisotropic truncation when `componentwise` */
    bool componentwise;
    cbo_heaviside heaviside;   /* on the drift; on the noise too when heaviside_noise */
    double heaviside_eps, f_c; /* smooth width; f at the consensus */
    bool heaviside_noise;
    double cap;                /* |coordinate| beyond it is cut to it, and counted; > 0 */
} cbo_move;

#endif
