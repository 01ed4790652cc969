/* pauli.h -- the Lindblad equation for all Pauli expectations c_Q = <Q>, Q in {1,X,Y,Z}^n, dc/dt = G c: a real vector of length 4^n.
 *
 * The start is the same at every site, so that c stays symmetric under the lattice's translations, reflections and transposition, as far as they map
 * the bonds (with their directions, unless the two-site terms do not care) on themselves.  c is kept for one string of each orbit; G acts on these by a
 * sparse matrix.  A ring of n sites has about 4^n/2n orbits: n = 12 takes 700000 numbers a vector. */
#ifndef POVM_PAULI_H
#define POVM_PAULI_H

#include <stdint.h>

#include "observables.h"
#include "task.h"

enum { POVM_PAULI_SITES = 15 }; /* indices of orbits are 32-bit */

typedef struct povm_pauli {
    int n;
    int (*symmetry)[POVM_PAULI_SITES]; /* [n_symmetries]: site i goes to symmetry[s][i]; the first is the identity */
    size_t n_symmetries;
    size_t size;                       /* orbits; number 0 is the identity string, c_0 = 1 */
    uint32_t *string;                  /* [size] the least index sum Q_i 4^i of an orbit, ascending */
    uint16_t *orbit_size;
    size_t *row;                       /* [size + 1] */
    uint32_t *column;
    double *value;
    double norm;                       /* largest sum of |G_rc| over a row */
} povm_pauli;

int povm_pauli_create(const povm_problem *problem, bool symmetric, povm_pauli *out) QN_NODISCARD;
void povm_pauli_free(povm_pauli *g);                          /* also after a failed create */
double povm_pauli_bytes(const povm_problem *problem);         /* of povm_pauli and of what a solver needs, about */
double povm_pauli_seconds(const povm_problem *problem);       /* of one povm_pauli_apply, about */

void povm_pauli_start(const povm_pauli *g, const double r[3], double *c);      /* product state */
void povm_pauli_apply(const povm_pauli *g, const double *c, double *out);      /* G c, over qn_threads() threads; the same bits with any number */
double povm_pauli_rate(const povm_pauli *g, const double *c, double *scratch); /* max |dc/dt| */
size_t povm_pauli_find(const povm_pauli *g, uint32_t string);                  /* the orbit of a string */

/* exp(t G) c by the Taylor series, cut where its terms are below 1e-14; t norm <= POVM_PAULI_REACH keeps the rounding below 1e-13.  scratch [2][size] */
#define POVM_PAULI_REACH 6.0
void povm_pauli_evolve(const povm_pauli *g, double t, double *c, double *scratch);

/* Observables of c, and its functions. */
void povm_pauli_expectations(const povm_pauli *g, const povm_problem *problem, const double *c, double *one, double *pair, povm_expectations *out);
double povm_pauli_purity(const povm_pauli *g, const double *c);
void povm_pauli_expand(const povm_pauli *g, const double *c, double *all);                  /* [4^n] */
int povm_pauli_probabilities(const povm_frame *frame, int n, const double *all, double *p) QN_NODISCARD; /* [4^n] to [k^n], index sum a_i k^i */
int povm_pauli_least_eigenvalue(int n, const double *all, double *out) QN_NODISCARD;        /* of the state, n <= 6 */
int povm_pauli_gap(const povm_problem *problem, double *gap, double *largest) QN_NODISCARD; /* n <= 4: least -Re of an eigenvalue beside 0; largest modulus */

/* The steady state by restarted GMRES (Saad & Schultz 1986) on G c = 0 with c_0 = 1, from the state that c holds: where the steady state is not unique,
 * the one that this state relaxes to. */
typedef struct povm_steady_solver {
    const povm_pauli *g;
    size_t size, restart, done;        /* unknowns; vectors of a cycle, iterations of this cycle */
    double *c;                         /* [g->size] at the begin of the cycle */
    double *basis;                     /* [restart + 1][size] */
    double *h, *rotation, *rhs;        /* Hessenberg matrix, Givens rotations, right-hand side */
    double *step, *part;               /* scratch of the orthogonalisation: [2][restart], [blocks of rows][restart] */
    double *full;                      /* [2][g->size] */
    double residual, before;           /* max |dc/dt| at the begin of this cycle and of the one before */
    int64_t applied;                   /* multiplications by G */
    bool over, converged;
} povm_steady_solver;

#define POVM_STEADY_RESIDUAL 2e-12
int povm_steady_solver_create(const povm_pauli *g, const double r[3], povm_steady_solver *out) QN_NODISCARD;
void povm_steady_solver_free(povm_steady_solver *s);
size_t povm_steady_solver_restart(double size);
void povm_steady_solver_step(povm_steady_solver *s);  /* one iteration; after it `over` may be true */

/* All at once, for others: all [4^n] of the steady state (t < 0) or of the state at time t.  Small n. */
int povm_pauli_solve(const povm_problem *problem, double t, double *all) QN_NODISCARD;

#endif
