/* objective.h -- functions to minimise over R^d, evaluated on tiles of points.
 *
 * A tile holds CBO_LANES points, dimension-major: x[k*CBO_LANES + lane] is coordinate k of point `lane`.  An objective evaluates the
 * first `lanes` of them (a multiple of 8); the rest is padding that it neither reads nor writes.
 *
 * One objective is made for one task (its disorder: rotation, couplings, patterns, comes from the disorder stream) and is read-only
 * from then on, except for the data batch of learning objectives, which is set between steps (cbo_objective.batch). */
#ifndef CBO_OBJECTIVE_H
#define CBO_OBJECTIVE_H

#include "quench.h"

#define CBO_LANES 64

typedef struct cbo_objective cbo_objective;
struct cbo_objective {
    const char *name;
    size_t d;
    size_t n_minimisers;       /* 0: unknown */
    double *minimiser;         /* [n_minimisers][d] */
    double f_min;              /* its value; NAN when unknown */
    const double *shift;       /* [d] or NULL: f(x) = f0(R (x - shift)) */
    const double *rotation;    /* [d][d] orthogonal, or NULL */
    double a;                  /* parameter `A`, for those that have one */
    bool sphere;               /* lives on |x|^2 = d */

    /* f[lane] of `lanes` points.  NaN and infinities come out as they are: the consensus decides what to do with them.  Whoever calls
     * o->eval hands it scratch `z` of 2*d*CBO_LANES doubles; the function itself may use d*CBO_LANES of it
     * (the others hold shifted and rotated points). */
    void (*eval)(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z);
    /* Gradient at one point x[d]; NULL: use cbo_gradient's central differences.  Not by two threads at once. */
    void (*grad)(const cbo_objective *o, const double *x, double *g);
    /* Set by cbo_objective_make where there is a shift or a rotation: f0 and its gradient, and 2 d doubles for the latter. */
    void (*eval_inner)(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z);
    void (*grad_inner)(const cbo_objective *o, const double *x, double *g);
    double *moved;
    /* Chooses the minibatch of the coming step (learning objectives with data batches); NULL for all others. */
    void (*batch)(cbo_objective *o, qn_rng *rng);
    /* Accuracy on test data at x[d] (learning), overlaps with patterns (Hebbian): [n_scores] numbers; NULL: none. */
    size_t n_scores;
    void (*score)(const cbo_objective *o, const double *x, double *out);
    int (*save)(const cbo_objective *o, qn_group *g); /* state that batch() changes; NULL: none */
    int (*load)(cbo_objective *o, const qn_group *g);
    void (*free_data)(cbo_objective *o);
    void *data;                /* of the objective itself */
};

/* Made from the parameters `objective`, `d`, `A`, `variant`, `shift`, `rotate`, ... (settings.c lists them); `shared` is what cbo_prepare
 * made of the data files (NULL for objectives without).  Couplings, rotations and patterns are drawn from s->disorder. */
int cbo_objective_make(const qn_params *p, const void *shared, qn_streams *s, cbo_objective **out) QN_NODISCARD;
void cbo_objective_free(cbo_objective *o);

/* What a kind of objective is, for check(): limits of d and required parameters.  One table, in objective.c. */
typedef struct cbo_objective_kind {
    const char *name;
    size_t d_min, d_max;       /* 0: no limit */
    bool needs_images;         /* IDX files */
    int (*make)(cbo_objective *o, const qn_params *p, const void *shared, qn_streams *s); /* fills eval, minimiser, data, ... */
    /* The rest may be NULL.  cbo.c calls them from the model's own functions of these names. */
    size_t (*dimension)(const qn_params *p);         /* d, where it follows from other parameters than `d`; 0: only the data tell */
    size_t (*scores)(const qn_params *p);            /* n_scores */
    void (*check)(const qn_params *p, qn_problems *c); /* what is wrong beside the limits of d */
    int (*prepare)(const qn_params *p, void **shared); /* what tasks share; given to make() */
    void (*release)(void *shared);
    double (*seconds)(const qn_params *p);           /* an evaluation of one point costs about this; NULL: 2 ns a coordinate */
} cbo_objective_kind;
const cbo_objective_kind *cbo_objective_kind_of(const qn_params *p);

/* f and gradient at one point (plain layout), through a tile of one.  `work` holds 3*d*CBO_LANES doubles.  Central differences take
 * h = 1e-5 on both sides where the objective has no gradient of its own. */
double cbo_value(const cbo_objective *o, const double *x, double *work);
void cbo_gradient(const cbo_objective *o, const double *x, double *g, double *work);

/* |x - x*|_2 and |x - x*|_inf to the nearest minimiser; NAN when none is known. */
double cbo_distance(const cbo_objective *o, const double *x, bool sup);

#endif
