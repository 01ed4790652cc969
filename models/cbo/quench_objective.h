/* quench_objective.h -- the interface of an objective of your own: a function to minimise, in a shared object that
 * `objective: user` with `objective_file: ./mine.so` loads.  This header needs nothing else of quench.
 *
 * The shared object exports one constant named quench_objective:
 *
 *     const quench_objective_table quench_objective = {
 *         .abi = QUENCH_OBJECTIVE_ABI, .flags = QUENCH_OBJECTIVE_REENTRANT, .name = "bowl", .d_min = 1, .eval = eval,
 *     };
 *
 * Entries left out are 0 or NULL, which always means "none".  The file is never unloaded while the program runs. */
#ifndef QUENCH_OBJECTIVE_H
#define QUENCH_OBJECTIVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUENCH_OBJECTIVE_ABI 1u                /* raised when anything below changes its meaning */
#define QUENCH_OBJECTIVE_SYMBOL "quench_objective"
#define QUENCH_OBJECTIVE_REENTRANT (1u << 0)   /* all functions may run at the same time on several threads; else they are called under one lock */

typedef struct quench_objective_table {
    uint32_t abi;      /* QUENCH_OBJECTIVE_ABI */
    uint32_t flags;
    const char *name;  /* for messages */
    size_t d_min, d_max; /* how many coordinates it takes; 0: no limit */

    /* Called once for each run, before anything else of that run.  `options` is the text of the parameter objective_options ("" when unset; JSON or
     * whatever you like).  `seed` is drawn from the disorder stream: runs of one replica that differ in the dynamics alone get the same, so a
     * random landscape is to be made from it.  Whatever *context becomes is handed to the other functions.  Returns 0, or anything else with
     * one sentence in message[size], which the user is shown.  May be NULL: context is NULL then. */
    int (*create)(size_t d, const char *options, uint64_t seed, void **context, char *message, size_t size);

    /* out[i] = f of point i for i < n.  Coordinate k of point i is x[k*ld + i]: loop over i inside, and the compiler vectorises it.  Some
     * of the points may be padding that nobody asks for; all coordinates are finite.  NaN and +infinity are allowed: such a point has
     * no weight in the consensus and is counted. */
    void (*eval)(size_t n, size_t d, size_t ld, const double *x, double *out, void *context);

    /* The gradient g[d] at one point x[d].  May be NULL: central differences are taken where a gradient is needed. */
    void (*grad)(size_t d, const double *x, double *g, void *context);

    /* How many minimisers are known; with x not NULL also fills x[count][d] and *f_min (NaN when the value is not known).  May be NULL. */
    size_t (*minimiser)(size_t d, double *x, double *f_min, void *context);

    void (*destroy)(void *context); /* at the end of the run; may be NULL */
} quench_objective_table;

extern const quench_objective_table quench_objective;

#ifdef __cplusplus
}
#endif
#endif
