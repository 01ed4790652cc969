/* method.h -- the state of one task, and what a variant of the dynamics provides.
 *
 * Life of a task.  cbo.c reads the settings, makes the objective, opens the ensemble (settings.n particles) and draws the start into it.
 * Then the method's init() allocates what it needs, changes the start where it must (a point on the sphere, a cloud around x_0), evaluates
 * f and forms the first consensus.  Every step cbo.c sets alpha and sigma of the schedule, keeps the old consensus in `before` and calls
 * step(), which leaves behind the new positions in e.x, f there in e.f, and the consensus of the new positions in `now`.  The rest
 * (bests, hits, stopping rules, observables) is common to all methods and reads only these.
 *
 * A method counts its evaluations of f in `evaluations` (a gradient by formula counts as one, by differences as 2 d) and moves tiles
 * with their own streams (e.rng) or, for what is not of a tile, with s->dynamics.  step() allocates nothing. */
#ifndef CBO_METHOD_H
#define CBO_METHOD_H

#include "consensus.h"
#include "kernel.h"
#include "settings.h"

typedef struct cbo_state cbo_state;

typedef struct cbo_method {
    const char *name;
    int (*init)(cbo_state *s, qn_streams *streams) QN_NODISCARD; /* draws, evaluates and forms the first consensus */
    int (*step)(cbo_state *s, qn_streams *streams) QN_NODISCARD;
    int (*save)(const cbo_state *s, qn_group *g) QN_NODISCARD;   /* the method's own state only; NULL: none */
    int (*load)(cbo_state *s, const qn_group *g) QN_NODISCARD;
    void (*free)(cbo_state *s);                                  /* frees s->own; NULL-safe; may be NULL */
    void (*answer)(const cbo_state *s, double *x);               /* [d] the point reported as consensus; NULL: now.c */
} cbo_method;

/* Why a task ended; stored as the outcome `status`, in this order. */
typedef enum {
    CBO_RUNNING = 0, CBO_STOP_EVALUATIONS, CBO_STOP_CONSENSUS, CBO_STOP_SPREAD, CBO_STOP_F, CBO_STOP_BEST, CBO_STOP_LOST, CBO_STOP_UNBOUNDED
} cbo_stop;

extern const cbo_method cbo_plain, cbo_memory, cbo_polarized, cbo_sampling, cbo_sphere, cbo_hopping, cbo_proximal, cbo_descent, cbo_langevin;

struct cbo_state {
    const cbo_method *method;
    void *own;                   /* of the method */
    cbo_settings set;
    cbo_objective *objective;
    size_t d;                    /* the objective's */
    cbo_ensemble e;
    cbo_consensus now;           /* of the present positions, at `alpha` */
    double *before;              /* [d] the consensus that the last step moves towards, on the ball of consensus_radius; at the start: the first one */
    double alpha, sigma;         /* scheduled values: of the step being made, then of the present consensus */
    uint64_t steps;              /* made */
    uint64_t evaluations, nonfinite, cut; /* counted: f, particles of weight 0, coordinates at the cap */
    double *best_x, best_f;      /* best evaluation so far */
    double *work;                /* scratch for cbo_value and cbo_gradient: [3*d*CBO_LANES] */
    double *point, *point2;      /* scratch: [d] each */
    double tau_before;           /* implicit: alpha tr S/d of the cloud before the last step (S: covariance), and */
    double *grad_before;         /* [d] grad f at `before`; both kept only when set.implicit */

    /* what cbo.c and measure.c keep for outcomes and stopping rules */
    int64_t hit_step;            /* first step at which the success criterion held (0: the start); -1: not yet */
    int64_t still;               /* steps in a row in which the consensus hardly moved */
    cbo_stop stop;
    double v_start;              /* V of the start */
    double fit[5];               /* of log V against time: n, sums of t, t^2, y, t y */
    bool fit_over;
};

/* The numbers of the present step, for cbo_step (truncation, Heaviside, integrator, ... from the settings; alpha and sigma scheduled).  f_c
 * is evaluated at `before`, and counted, where the Heaviside factor needs it. */
void cbo_move_of(cbo_state *s, cbo_move *m);

/* Consensus of the present e.x and e.f at the scheduled alpha into s->now (alpha_schedule neff: chooses s->alpha first).  For methods that
 * have just filled e.f. */
void cbo_form_consensus(cbo_state *s);

/* Evaluates f at all of e.x (counted), then cbo_form_consensus. */
void cbo_evaluate_all(cbo_state *s);

/* The step of kernel.h for every particle, from `before` as consensus to that of the new positions; evaluations and cuts are counted. */
void cbo_step_all(cbo_state *s, const cbo_move *m);

/* f at one point (counted); it joins the best evaluation so far. */
double cbo_try_point(cbo_state *s, const double *x);

#endif
