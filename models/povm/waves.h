/* waves.h -- quantum trajectories: pure states psi of n spins that follow i dpsi/dt = (H - (i/2) sum_c C'C) psi and jump, psi -> C psi/|C psi|, when their
 * squared norm falls to a random number (Dalibard, Castin & Molmer 1992).
 *
 * One step is a Strang splitting: all that is diagonal, rotations of single spins, two-spin gates colour by colour of the bonds, and back.  C'C of a
 * Pauli word is diagonal.  Bit i of a state's index is spin i, 0 is up.  POVM_LANES trajectories go side by side, the fastest index (alone where a state is too long for that):
 * each comes out the same bits whatever its neighbours do. */
#ifndef POVM_WAVES_H
#define POVM_WAVES_H

#include "observables.h"
#include "task.h"

enum { POVM_WAVE_SITES = 20, POVM_LANES = 8 };

typedef struct povm_waves povm_waves; /* what all trajectories of a task share */

int povm_waves_create(const povm_problem *problem, double longest_dt, povm_waves **out) QN_NODISCARD;
void povm_waves_destroy(povm_waves *w);
int povm_waves_lanes(const povm_waves *w);
size_t povm_waves_steps(const povm_waves *w);   /* steps of the splitting in a time tau */
double povm_waves_bytes(int n, double trajectories);
double povm_waves_seconds(const povm_problem *problem, double longest_dt); /* of one trajectory and a time tau, about */

/* Some trajectories in the lanes of a block. */
typedef struct povm_block {
    double *re, *im;                  /* [2^n][lanes] */
    double norm[POVM_LANES], below[POVM_LANES]; /* squared norm; it jumps where this falls below */
    qn_rng rng[POVM_LANES];
    int64_t jumps[POVM_LANES];
} povm_block;

int povm_block_init(const povm_waves *w, const qn_streams *s, uint64_t first, povm_block *out) QN_NODISCARD; /* trajectory l: stream first + l */
void povm_block_free(povm_block *b);

/* Room for one thread's work on a block. */
typedef struct povm_room povm_room;
povm_room *povm_room_create(const povm_waves *w); /* NULL: out of memory */
void povm_room_destroy(povm_room *r);

void povm_block_advance(const povm_waves *w, povm_room *room, size_t steps, povm_block *b);

/* Expectations of every lane: one [lanes][3][n], pair [lanes][3][n][n], x [lanes] which point at them. */
void povm_block_look(const povm_waves *w, povm_room *room, const povm_block *b, double *one, double *pair, povm_expectations *x);

#endif
