/* kernel.h -- one step of the ensemble, fused: move, objective and weights of a tile while it is in cache. */
#ifndef CBO_KERNEL_H
#define CBO_KERNEL_H

#include "consensus.h"
#include "isa.h"

/* Evaluates f at the present positions and the consensus at `alpha`. Returns the number of evaluations (n). */
size_t cbo_evaluate(cbo_ensemble *e, const cbo_objective *o, double alpha, cbo_consensus *out);

/* Moves every particle: x <- c + (1 - lambda dt)(x - c) + sigma sqrt(dt) D(x - c) xi (Euler-Maruyama; c is frozen during the step), then evaluates f and the
 * consensus at m->alpha.  Tiles in order, weights merged in tile order: the numbers do not depend on the number of threads.  `cut`
 * is added the coordinates that hit the cap.  `c` may be out->c.  Source: Carrillo, Jin, Li, Zhu 2021 (anisotropic), Pinnau et al. 2017 (isotropic,
 * here without its sqrt 2), Fornasier, Richtarik, Riedl, Sun 2024 (truncated). */
void cbo_step(cbo_ensemble *e, const cbo_objective *o, const cbo_move *m, const double *c, cbo_consensus *out, size_t *cut);

/* The same step, coordinate by coordinate in plain C over the same random numbers: for tests.  Positions come out the same bits, the
 * consensus to rounding (cbo_consensus_of). */
void cbo_step_plain(cbo_ensemble *e, const cbo_objective *o, const cbo_move *m, const double *c, cbo_consensus *out, size_t *cut);

/* Moves all particles, or only those of `list` (particle batches, partial update), each with its own tile's next normals; f stays as it was.
 * In which order the list names them does not matter. */
void cbo_move_all(cbo_ensemble *e, const cbo_move *m, const double *c, size_t *cut);
void cbo_move_some(cbo_ensemble *e, const cbo_move *m, const double *c, size_t n, const uint32_t *list, size_t *cut);

/* The loops of another instruction set than qn_isa()'s, for tests; all give the same bits. */
void cbo_kernel_use(qn_isa_level level);

/* A tile's part of the consensus: min f, sum w, sum w^2 (w relative to that minimum), particles without a value, sum w x [d]. */
enum { CBO_SLOT_LEAST, CBO_SLOT_SUM, CBO_SLOT_SQUARE, CBO_SLOT_NONFINITE, CBO_SLOT_X };
static inline size_t cbo_slot_size(size_t d) /* whole cache lines */
{
    return (CBO_SLOT_X + d + 7) / 8 * 8;
}

#endif
