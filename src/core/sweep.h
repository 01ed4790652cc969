/* sweep.h -- a sweep file, understood: model, parameters, axes, points, tasks and their keys. */
#ifndef QN_SWEEP_H
#define QN_SWEEP_H

#include "config.h"
#include "params.h"
#include "quench.h"
#include "rng.h"

typedef struct qn_axis {
    size_t param;       /* index in the schema */
    size_t n;
    qn_value *value;
    bool log;
    const qn_node *at;  /* where it stands in the file */
} qn_axis;

typedef struct qn_sampling {
    int64_t thermalization, steps, interval, bins;
    int64_t points_per_decade; /* 0: every `interval` steps; else a logarithmic grid over `steps` */
    bool checkpoint;           /* keep the end state, so that a longer run goes on from it */
    const char **artifact;     /* [n_artifacts] names of the artifacts to keep, the model's strings */
    size_t n_artifacts;
} qn_sampling;

/* All values of a chained axis are one task: the state at one is the start at the next, or they are the rungs of a ladder whose
 * configurations are exchanged. */
typedef enum { QN_NO_CHAIN = 0, QN_CONTINUATION, QN_TEMPERING } qn_chain_kind;
typedef struct qn_chain {
    qn_chain_kind kind;
    size_t axis;
    int64_t interval;   /* QN_TEMPERING: steps between exchanges */
    qn_hash values;     /* of the axis, in their order */
} qn_chain;

/* A sweep that spends its time where the answer needs it (adaptive.h): replicas until errors are small, points along a boundary. */
enum { QN_MOST_TARGETS = 8 };
typedef struct qn_adapt {
    size_t n_targets;
    struct {
        const char *name;
        double error;
    } target[QN_MOST_TARGETS];
    int64_t most;          /* replicas of a point at most */
    const char *observable; /* refine: of which quantity the level is followed; NULL: no refinement */
    double level, tolerance;
    size_t axis;           /* along which new points are placed */
    int64_t rounds;        /* at most */
} qn_adapt;

typedef struct qn_input {  /* a file named by a path parameter */
    char *path;
    qn_hash hash;
    bool known;            /* false: it could not be read */
} qn_input;

typedef struct qn_sweep {
    const qn_model *model;
    qn_schema schema;
    char *file, *text;     /* name for messages, content */
    char **sets;           /* NAME=VALUE given on the command line */
    size_t n_sets;
    char *title, *output;  /* title may be NULL */
    uint64_t seed;
    int64_t replicas;
    qn_params fixed;
    qn_axis *axis;
    size_t n_axes, n_points;
    qn_sampling sampling;
    qn_chain chain;
    qn_adapt adapt;
    bool list;             /* the points are a list: every axis has n_points values, of which point i has the i-th */
    bool growing;          /* a stage of an adaptive sweep: files may hold points of later stages */
    int64_t *wanted;       /* [chains] replicas wanted, at most `replicas`; NULL: all */
    qn_input *input;
    size_t n_inputs;
    qn_node *tree;
} qn_sweep;

typedef const qn_model *(*qn_find_model)(void *ctx, const char *name);
typedef const char *(*qn_near_model)(void *ctx, const char *name); /* nearest known name, or NULL */

/* Reads `text` (of file `file`, for messages).  Everything that is wrong goes to `problems` (QN_ERR_INPUT when there is any).
 * `inputs`: hashes recorded in a result file, used for paths that cannot be read now (may be NULL). */
typedef struct qn_sweep_source {
    const char *file, *text;
    const char *const *sets;
    size_t n_sets;
    qn_find_model find;
    qn_near_model near;
    void *ctx;
    const qn_input *inputs;
    size_t n_inputs;
} qn_sweep_source;
int qn_sweep_init(qn_sweep *s, const qn_sweep_source *from, qn_problems *problems) QN_NODISCARD;
void qn_sweep_free(qn_sweep *s);

/* All parameters of one point, 0 <= point < n_points, slowest axis first. Caller frees with qn_params_free. */
int qn_sweep_point(const qn_sweep *s, size_t point, qn_params *out) QN_NODISCARD;
size_t qn_sweep_axis_index(const qn_sweep *s, size_t point, size_t axis);

/* Chains: the points that differ along the chained axis only; without one every point is a chain of its own.  A task is a chain and a
 * replica, number chain * replicas + replica. */
size_t qn_sweep_rungs(const qn_sweep *s);                               /* points of a chain */
size_t qn_sweep_chain_point(const qn_sweep *s, size_t chain, size_t i); /* its i-th point */
size_t qn_sweep_chain_of(const qn_sweep *s, size_t point);
bool qn_sweep_wants(const qn_sweep *s, size_t task);
int64_t qn_sweep_task_steps(const qn_sweep *s);                         /* that a task goes through, one after the other */

typedef struct qn_point_keys {
    qn_hash stream, disorder; /* seed the random streams (with seed and replica) */
    qn_hash chain;            /* of the point's chain: that of its values in place of one; else `stream` */
} qn_point_keys;
int qn_sweep_point_keys(const qn_sweep *s, const qn_params *p, qn_point_keys *out) QN_NODISCARD;

typedef struct qn_task_keys {
    qn_hash chain; /* chain + seed + replica + the sampling block without steps and bins: finds a checkpoint */
    qn_hash task;  /* stream + all that + steps, bins and artifacts: finds the finished row of a point */
} qn_task_keys;
qn_task_keys qn_sweep_task_keys(const qn_sweep *s, const qn_point_keys *k, int64_t replica);
int qn_sweep_hash_chain(qn_sweep *s) QN_NODISCARD; /* fills chain.values */
/* Key of the prepared data: the QN_DATA parameters. */
int qn_sweep_data_key(const qn_sweep *s, const qn_params *p, qn_hash *out) QN_NODISCARD;

/* Step numbers (counted from the start of the task, thermalization included) at which the task measures. Allocated. */
int qn_sampling_grid(const qn_sampling *s, size_t *n, int64_t **steps) QN_NODISCARD;

#endif
