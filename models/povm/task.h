/* task.h -- one kind of run behind a table of functions: exact_steady, exact_dynamics, trajectories, and the variational ones.
 *
 * The model's functions (povm.c) read the problem and hand over to the table of the point's `task`. */
#ifndef POVM_TASK_H
#define POVM_TASK_H

#include "frame.h"
#include "generator.h"
#include "lattice.h"
#include "quench.h"
#include "terms.h"

/* In the order of the choices of the parameter `task`. */
typedef enum { POVM_EXACT_STEADY = 0, POVM_EXACT_DYNAMICS, POVM_TRAJECTORIES, POVM_STEADY, POVM_FBT, POVM_TDVP, POVM_FIT } povm_task_kind;

/* What every kind of run starts from. */
typedef struct povm_problem {
    povm_frame frame;
    povm_lattice lattice;
    povm_terms terms;
    povm_generator generator;
    double tau;               /* time step */
    double start[3];          /* Bloch vector of every site at t = 0 */
} povm_problem;

/* Observables: the order of povm_observables[] (observables.c). */
enum {
    POVM_O_T, POVM_O_SX, POVM_O_SY, POVM_O_SZ, POVM_O_XX, POVM_O_YY, POVM_O_ZZ, POVM_O_ENERGY, POVM_O_PURITY,
    POVM_O_SX_SITE, POVM_O_SY_SITE, POVM_O_SZ_SITE, POVM_O_CORR_XX, POVM_O_CORR_YY, POVM_O_CORR_ZZ, /* over site; over distance: connected */
    POVM_O_C, POVM_O_C_SUM, POVM_O_ESS, POVM_O_IDENTITY, POVM_O_LOSS, POVM_O_EVALUATIONS, POVM_O_INNER, POVM_O_RESIDUAL, POVM_O_MIN_EIGENVALUE,
    POVM_O_JUMPS, POVM_O_SX_MEAN, POVM_O_SY_MEAN, POVM_O_SZ_MEAN, POVM_O_ZZ_MEAN, /* series of trajectories in the steady state */
    POVM_O_GAP, POVM_O_STATUS, POVM_O_THETA,
    POVM_O_C_AVERAGE, POVM_O_SX_AVERAGE, POVM_O_SY_AVERAGE, POVM_O_SZ_AVERAGE, /* steady: at the averaged parameters */
    POVM_OBSERVABLES
};
extern const qn_observable povm_observables[];

typedef struct povm_task {
    void (*check)(const qn_params *p, const povm_problem *problem, qn_problems *c); /* optional */
    void (*cost)(const qn_params *p, const povm_problem *problem, qn_cost *c);
    bool (*provides)(const qn_params *p, int obs);
    int (*create)(const qn_params *p, const povm_problem *problem, qn_streams *s, void **run); /* problem outlives the run */
    void (*destroy)(void *run);
    int64_t (*advance)(void *run, qn_streams *s, int64_t most); /* as qn_model's */
    int (*measure)(void *run, qn_streams *s, qn_record *r);
    int (*finish)(void *run, qn_streams *s, qn_record *r);      /* optional */
    qn_end (*done)(const void *run);                            /* optional */
    int (*save)(const void *run, qn_group *g);
    int (*load)(void *run, const qn_group *g);
    int (*retune)(void *run, const qn_params *p, const povm_problem *problem); /* optional: the same state at other couplings */
    void (*progress)(const void *run, char *text, size_t size);                /* optional */
} povm_task;

extern const povm_task povm_exact_steady, povm_exact_dynamics, povm_trajectories, povm_steady, povm_fbt, povm_tdvp, povm_fit;

/* Observables of a state given by its Pauli expectations (exact, trajectories) or by strings of a measurement (variational): see observables.h. */

#endif
