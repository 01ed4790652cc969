/* state.h -- one task of the engine: a net behind a table of functions, and the dynamics that drive it.
 *
 * How a net joins (the mlp, the frozen kernel, ...): it fills one sgd_net and adds
 *   - its name to the choices of `net` and to sgd_net_kind, in the same place, and its table to sgd_nets[] in sgd.c;
 *   - its parameters to sgd_parameters[] (settings.c) and their values to sgd_settings, or it reads them in create() itself;
 *   - what it alone observes to the enum below and to sgd_observables[] (measure.c): `provides` says at which points, `measure` puts them.
 * The net owns the training and test data and the weights; it knows nothing of steps, times or stopping.  The dynamics know nothing of
 * weights: they say which training points the next gradient is taken at, count, and ask whether all is fitted.
 * Functions marked "optional" may be NULL: what needs them is then refused by sgd_check().  */
#ifndef SGD_STATE_H
#define SGD_STATE_H

#include "batch.h"
#include "settings.h"

/* ---- observables: the order of sgd_observables[] ----------------------------------------------------------------- */

enum {
    SGD_O_T, SGD_O_TRAIN_LOSS, SGD_O_TRAIN_ERR, SGD_O_TEST_LOSS, SGD_O_TEST_ERR, SGD_O_UNFITTED, SGD_O_MARGIN_MIN,
    SGD_O_W_SIGNAL, SGD_O_W_NOISE, SGD_O_LAMBDA, SGD_O_DW, SGD_O_DW_REL, SGD_O_NOISE_TRACE, SGD_O_NOISE_SIGNAL,
    SGD_O_EXCESS, SGD_O_T_STAR, SGD_O_STATUS, SGD_O_FITTED, SGD_O_STEPS, SGD_O_UPDATES, SGD_O_T_LOSS, SGD_O_ETA_CRITICAL, SGD_O_ETA_BOUND,
    SGD_O_ETA_REALISED, SGD_O_T_REALISED,
    SGD_O_DW_LAYER, SGD_O_DW_REL_LAYER, SGD_O_KERNEL_CHANGE, SGD_O_KTA, SGD_O_NTK_EIGS, SGD_O_NTK_POWER, SGD_O_TR_HESS, SGD_O_TR_HESS_SE,
    SGD_O_FRO_HESS, SGD_O_LMAX_HESS, SGD_O_GROK_DELAY, SGD_O_T_TRAIN, SGD_O_T_TEST, SGD_O_QUAD_A, SGD_O_QUAD_B, SGD_O_QUAD_C,
    SGD_O_CKA_INPUT, SGD_O_CKA_TARGET, SGD_O_PARALLELISM, SGD_O_CCGP, SGD_O_DECODE, SGD_O_PARALLELISM_NULL, SGD_O_CCGP_NULL, SGD_O_DECODE_NULL,
    SGD_O_NTK_SAME, SGD_O_NTK_RIGHT, SGD_O_NTK_CIRCLE_FIRST, SGD_O_NTK_CIRCLE,
    SGD_OBSERVABLES
};
extern const qn_observable sgd_observables[];
enum { SGD_LEVELS = 30 }; /* t_loss: first times at which the training loss is below 2^-1, ..., 2^-30 of its start */

/* What a net sees of itself: NaN for what it does not have.  Over the training points, or (P = 0) exact means over all points. */
typedef struct sgd_look {
    double train_loss, train_err, unfitted, margin_min; /* unfitted: share of points with y F < margin */
    double test_loss, test_err;                         /* exact population values where they exist */
    double w_signal, w_noise;                           /* projection of the weights on the teacher's direction, and the rest */
    double dw, w0;                                      /* |w - w0|, |w0| */
    double noise_trace, noise_signal;                   /* trace of the covariance of grad L over points; |mean of grad L|^2 */
    double excess;                                      /* regression: E (f - w*.x)^2 */
    double label_power;                                 /* E y^2 of the training points */
} sgd_look;

typedef struct sgd_net {
    const char *name;
    bool classification;      /* labels +-1: the task ends when all y F >= margin; else only by stop_loss */

    /* Settings */
    void (*check)(const qn_params *p, const sgd_settings *set, qn_problems *c); /* optional */
    double (*step_seconds)(const sgd_settings *set);
    double (*bytes)(const sgd_settings *set);
    bool (*provides)(const sgd_settings *set, int obs);       /* of what is not common to all */
    size_t (*dimension)(const qn_params *p, const char *dim, double *values); /* optional: dimensions of its own observables */

    /* Life.  prepare and release (optional): files that tasks share; create draws data and weights from the split disorder streams below. */
    int (*prepare)(const qn_params *p, void **shared);
    void (*release)(void *shared);
    int (*create)(const qn_params *p, const sgd_settings *set, const void *shared, qn_streams *streams, void **net);
    void (*destroy)(void *net);                               /* NULL-safe; also after a failed create */
    int (*save)(const void *net, qn_group *g);                /* weights: what create() does not draw again */
    int (*load)(void *net, const qn_group *g);

    /* Gradient: w += rate * sum over the n points of push y grad f, all pushes taken at the weights before.  `at`: numbers of training points,
     * NULL: all in order.  Returns how many points pushed (0: the weights are what they were). */
    size_t (*step)(void *net, size_t n, const uint32_t *at, double rate);
    size_t (*step_fresh)(void *net, size_t n, double rate, qn_rng *rng); /* optional, P = 0: n points drawn afresh */
    void (*prefetch)(const void *net, size_t n, const uint32_t *at);     /* optional: the batch after this one, to bring near */

    /* Questions */
    void (*look)(void *net, sgd_look *out);
    double (*train_loss)(void *net);                          /* optional: the same as look() finds, for less */
    void (*measure)(void *net, const sgd_look *seen, qn_streams *streams, qn_record *r); /* optional: observables of its own */
    void (*finish)(void *net, qn_record *r);                  /* optional: outcomes of its own */
    double (*size)(const void *net);                          /* |w|, to see a divergence */
    bool (*dead)(const void *net);                            /* optional: its output can never change again */
    /* Whether all training points have y F >= margin.  *witness: where to begin; in return a point that has not.  Stops at the first. */
    bool (*fitted)(void *net, size_t *witness);

    /* Flow (optional) */
    double (*kernel_max)(void *net);                          /* largest diagonal element of the tangent kernel, for the hinge */
    size_t (*unfitted)(void *net);                            /* number of points with y F < margin */
    size_t (*weights)(const void *net);                       /* how many */
    void (*get)(const void *net, double *w);
    void (*set)(void *net, const double *w);
    void (*descend)(void *net, double *minus_gradient, double *f); /* of the mean training loss; f: [p] the predictor at all points */

    /* Events (optional).  The net watches margins: watch() makes them from the weights and lists the unfitted points, by numbers of its own choice
     * that stay valid until the next call; pick() is a step on n of the list, all of which push, and lists anew.  Both return the length of the
     * list ([p]), always in the same order for the same state.  A net that is watching saves what it watches.  Costs are in idle steps of step():
     * of watch(), and of an event as things stand now; 0: step() never pays, INFINITY: not worth while. */
    size_t (*watch)(void *net, uint32_t *list);
    size_t (*pick)(void *net, size_t n, const uint32_t *at, double rate, uint32_t *list);
    size_t (*watched)(const void *net, uint32_t *list);       /* the list again, after load() */
    double (*watch_cost)(const void *net);
    double (*event_cost)(const void *net);
} sgd_net;

extern const sgd_net sgd_perceptron, sgd_chain, sgd_linear, sgd_diagonal, sgd_mlp, sgd_kernel;
const sgd_net *sgd_net_of(const sgd_settings *set);

/* Numbers of the split streams of disorder (qn_stream_split): so that a new kind of draw leaves the others as they were. */
enum { SGD_STREAM_DATA = 0, SGD_STREAM_TEACHER = 1, SGD_STREAM_WEIGHTS = 2 };

/* ---- a task ------------------------------------------------------------------------------------------------------- */

typedef enum { SGD_FITTED = 0, SGD_TIME_OUT, SGD_DIVERGED, SGD_DEAD, SGD_GOING } sgd_status;

typedef struct sgd_flow sgd_flow;
typedef struct sgd_event sgd_event;

typedef struct sgd_task {
    sgd_settings set;
    const sgd_net *table;
    void *net;
    sgd_status status;
    double rate;              /* eta/B */
    int64_t steps, updates;   /* steps taken; those that changed the weights */
    int64_t last;             /* step of the last such */
    int64_t end;              /* SGD: the step that reaches max_time */
    double time, last_time;   /* SGD: eta steps; flow: the sum of its steps; and at `last` */

    /* Stopping.  idle: points drawn since the last update; an unfitted point that was found stays one until the next update. */
    uint64_t idle;
    bool witnessed;
    size_t witness;

    sgd_batch batch;
    bool prefetch;            /* the data are larger than the caches near the core */
    sgd_flow *flow;
    sgd_event *event;

    /* First times of small losses: seen only when measured. */
    double first_loss, before_loss, before_time, t_loss[SGD_LEVELS];
    double before_square[2], t_grok[2]; /* mean (F - y)^2 of the training and of the test points then; first time it is below grok_threshold E y^2, or NaN */
    size_t levels;
} sgd_task;

/* Every kind of dynamics advances by 1 to `most` steps and returns how many; 0 < most.  It stops early when the task ends. */
int64_t sgd_advance(sgd_task *t, qn_streams *s, int64_t most);

void sgd_plain_step(sgd_task *t, qn_streams *s); /* on a batch */

/* To be called by the dynamics: counts a step that moved (or did not), looks for divergence, death and the end of time. */
void sgd_task_count(sgd_task *t, bool moved);
void sgd_task_end(sgd_task *t, sgd_status how);
/* Whether the task ends by its loss: all fitted, or below stop_loss.  Costs up to one pass over the data. */
bool sgd_task_done(sgd_task *t);

int sgd_flow_create(sgd_task *t) QN_NODISCARD;
void sgd_flow_destroy(sgd_flow *f);
void sgd_flow_step(sgd_task *t);
int sgd_flow_save(const sgd_flow *f, qn_group *g) QN_NODISCARD;
int sgd_flow_load(sgd_flow *f, const qn_group *g) QN_NODISCARD;

int sgd_event_create(sgd_task *t) QN_NODISCARD;
void sgd_event_destroy(sgd_event *e);
int64_t sgd_event_advance(sgd_task *t, qn_streams *s, int64_t most);
int sgd_event_save(const sgd_task *t, qn_group *g) QN_NODISCARD;
int sgd_event_load(sgd_task *t, const qn_group *g) QN_NODISCARD;

void sgd_measure(sgd_task *t, qn_streams *s, qn_record *r);
void sgd_grok_start(sgd_task *t, const sgd_look *seen);
void sgd_finish(sgd_task *t, qn_record *r);
bool sgd_provides(const qn_params *p, int obs);
size_t sgd_dimension(const qn_params *p, const char *dim, double *values);

#endif
