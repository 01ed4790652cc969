/* quench.h -- the public face of libquench: what a model sees of the core.
 *
 * A model is one `const qn_model`: self-descriptions (parameters, observables, derived quantities, theory) and a
 * handful of functions.  The core derives the checks of the sweep file, the help texts and the HDF5 variables from the
 * descriptions.  models/README.md maps four unlike engines on it and is the guide for whoever adds one;
 * models/template/ is a complete model outside the library.
 *
 * Conventions: functions that can fail return 0 or a negative qn_error and have left one sentence in qn_error_text().
 * Nothing here prints or exits.  Every pointer that the core hands to a model is valid only during the call unless said
 * otherwise.  Model functions of different tasks run on different threads at the same time. */
#ifndef QUENCH_H
#define QUENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QN_ABI 3 /* raised when qn_model or a function below changes its meaning */
#define QN_NODISCARD __attribute__((warn_unused_result))
#define QN_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* ---- errors --------------------------------------------------------------------------------------------------- */

#define QN_ERRORS(X)                                                          \
    X(QN_ERR_NOMEM, -1, "out of memory")                                      \
    X(QN_ERR_INPUT, -2, "the input is not valid")                             \
    X(QN_ERR_IO, -3, "a file could not be read or written")                   \
    X(QN_ERR_DATA, -4, "a file does not hold what it should")                 \
    X(QN_ERR_MODEL, -5, "the model reports a failure")                        \
    X(QN_ERR_NUMERIC, -6, "a numerical method did not converge")              \
    X(QN_ERR_STOPPED, -7, "stopped, resumable")
#define QN_ERROR_ENUM(name, code, text) name = code,
typedef enum { QN_ERRORS(QN_ERROR_ENUM) } qn_error;

/* Sets this thread's error sentence and returns `err`: `return qn_fail(QN_ERR_DATA, "%s: ...", path);` */
int qn_fail(int err, const char *format, ...) QN_PRINTF(2, 3);
const char *qn_error_text(void);   /* this thread's last sentence */
const char *qn_strerror(int err);  /* the class of error, with its name */

/* ---- random numbers ------------------------------------------------------------------------------------------- */

/* PCG64-DXSM (O'Neill 2014; output function and multiplier as in numpy's PCG64DXSM): 128-bit state, odd increment. */
typedef struct qn_rng {
    uint64_t state_hi, state_lo, inc_hi, inc_lo;
} qn_rng;

/* Raw seeding, numpy's rule: state and sequence as 128-bit words (hi, lo).  Models take streams instead (below). */
void qn_rng_seed(qn_rng *r, uint64_t state_hi, uint64_t state_lo, uint64_t seq_hi, uint64_t seq_lo);
uint64_t qn_rng_u64(qn_rng *r);                 /* 64 random bits */
double qn_rng_uniform(qn_rng *r);               /* [0, 1), 53 bits */
double qn_rng_uniform_pos(qn_rng *r);           /* (0, 1): never 0 */
uint64_t qn_rng_below(qn_rng *r, uint64_t n);   /* 0..n-1 without bias (Lemire 2019), n >= 1 */
double qn_rng_normal(qn_rng *r);                /* N(0, 1), ziggurat */
void qn_rng_fill_u64(qn_rng *r, size_t n, uint64_t *out);
void qn_rng_fill_uniform(qn_rng *r, size_t n, double *out);
void qn_rng_fill_normal(qn_rng *r, size_t n, double *out);

/* The streams of one task.  `disorder` depends on the disorder parameters, seed and replica only; `dynamics` and
 * `measurement` on all parameters set away from their default.  Measuring must draw from `measurement` alone. */
typedef struct qn_streams {
    qn_rng disorder, dynamics, measurement;
    uint64_t key[2], disorder_key[2]; /* what they were hashed from, for qn_stream_split */
    uint64_t replica;                 /* the task's number among those of its point, from 0: for qn_read_artifact */
} qn_streams;

typedef enum { QN_STREAM_DISORDER = 1, QN_STREAM_DYNAMICS = 2, QN_STREAM_MEASUREMENT = 3, QN_STREAM_BOOTSTRAP = 4 } qn_purpose;

/* An independent stream number `index` (a particle tile, a replica inside the task, ...) of the same purpose. */
void qn_stream_split(const qn_streams *s, qn_purpose purpose, uint64_t index, qn_rng *out);

/* ---- parameters ----------------------------------------------------------------------------------------------- */

typedef enum { QN_INT = 1, QN_REAL, QN_BOOL, QN_CHOICE, QN_PATH, QN_TEXT, QN_LIST } qn_type;

enum {                       /* qn_param.flags */
    QN_DISORDER = 1u << 0,   /* it alone (with the others so marked) seeds the disorder stream */
    QN_MIN_OPEN = 1u << 1,   /* min itself is not allowed */
    QN_MAX_OPEN = 1u << 2,
    QN_DATA = 1u << 3,       /* prepare() depends on it: tasks that agree in these share one prepared object */
    QN_REQUIRED = 1u << 4,   /* has no default and must be given */
    QN_INFINITE = 1u << 5,   /* a QN_REAL that may be `inf` */
    QN_RETUNE = 1u << 6      /* retune() can change it in a state: chained axes run along it.  Declared parameters have it */
};

typedef struct qn_param {
    const char *name;
    qn_type type;
    const char *def;      /* default, as it would stand in a sweep file; NULL: unset */
    double min, max;      /* bounds of QN_INT, QN_REAL and of each element of QN_LIST; both 0: none */
    const char *choices;  /* QN_CHOICE: "heatbath|metropolis|zero" */
    const char *unit;     /* "1" for pure numbers */
    const char *symbol;   /* for figures, UTF-8, gnuplot's enhanced text ("γ", "s_0"); NULL: none */
    const char *meaning;  /* one phrase, no full stop; begins with a short noun phrase up to a `,`, `;` or `(`, which stands at axes */
    unsigned flags;
} qn_param;

/* The values of one point.  Lookup by name; a name that is not in the model's table or of another type is a bug of the
 * model and aborts.  Not for hot loops. */
typedef struct qn_params qn_params;
bool qn_is_set(const qn_params *p, const char *name);         /* has a value (given or default) */
bool qn_is_given(const qn_params *p, const char *name);       /* was given by the user */
int64_t qn_int(const qn_params *p, const char *name);
double qn_real(const qn_params *p, const char *name);         /* also of a QN_INT */
bool qn_bool(const qn_params *p, const char *name);
int qn_choice(const qn_params *p, const char *name);          /* index into `choices` */
const char *qn_text(const qn_params *p, const char *name);    /* QN_TEXT, QN_PATH, QN_CHOICE; NULL when unset */
const double *qn_list(const qn_params *p, const char *name, size_t *n);

/* ---- observables ---------------------------------------------------------------------------------------------- */

/* An artifact is an array that is not averaged (a final state, trained parameters): kept in /samples, replica by replica, when the
 * sweep file asks for it (`artifacts: [NAME]` under sampling). */
typedef enum { QN_SERIES = 1, QN_CURVE, QN_OUTCOME, QN_ARTIFACT } qn_kind;

enum {                        /* qn_observable.flags */
    QN_BINARY = 1u << 0,      /* outcome that is 0 or 1: gets a Wilson interval */
    QN_HISTOGRAM = 1u << 1,   /* curve whose entries are counts, normalised to sum 1 within a replica */
    QN_OWN_ERROR = 1u << 2,   /* the model hands an error with each number (qn_put_error) */
    QN_POSITION = 1u << 3     /* outcome known before the run that replaces what was asked (K rounded): an auxiliary coordinate */
};

#define QN_MAX_DIMS 3
#define QN_DIM_TIME "time" /* the core's own dimension: the measuring grid, in steps */

typedef struct qn_observable {
    const char *name;
    qn_kind kind;
    const char *dims[QN_MAX_DIMS]; /* names of dimensions; NULL ends; scalars have none */
    const char *unit, *symbol, *meaning;
    unsigned flags;
} qn_observable;

/* Derived quantities: an expression of means of series and of parameters, e.g. "1 - m4/(3*m2^2)".  It is stored as an
 * attribute, so that analysis can resample it from a file without the model.  Error by jackknife. */
enum { QN_PER_REPLICA = 1u << 0 }; /* thermal expression within each disorder, then the mean over replicas; else means first */
typedef struct qn_derived {
    const char *name, *expression, *unit, *symbol, *meaning;
    unsigned flags;
} qn_derived;

/* The record of one task: where measure() and finish() put numbers.  `obs` is the index in the model's table. */
typedef struct qn_record qn_record;
void qn_put(qn_record *r, int obs, double x);                       /* a scalar: series sample, time-curve value, outcome */
void qn_put_at(qn_record *r, int obs, size_t k, double x);          /* element k (row-major over dims); curves average per element */
void qn_count(qn_record *r, int obs, size_t k, double weight);      /* QN_HISTOGRAM: adds weight to element k */
void qn_put_error(qn_record *r, int obs, size_t k, double x, double err); /* QN_OWN_ERROR: element k with its error */
void qn_put_array(qn_record *r, int obs, size_t n, const double *x);/* all elements at once, or an artifact */
size_t qn_measurement(const qn_record *r);                          /* number of the present measurement, from 0 */
uint64_t qn_step(const qn_record *r);                               /* steps done, thermalization included */

/* ---- checkpoints ---------------------------------------------------------------------------------------------- */

/* A named set of arrays.  Saving copies; loading fails when the name is absent or n differs.  Bit-exact. */
typedef struct qn_group qn_group;
int qn_save_bytes(qn_group *g, const char *name, size_t n, const void *x) QN_NODISCARD;
int qn_save_i64(qn_group *g, const char *name, size_t n, const int64_t *x) QN_NODISCARD;
int qn_save_f64(qn_group *g, const char *name, size_t n, const double *x) QN_NODISCARD;
int qn_load_bytes(const qn_group *g, const char *name, size_t n, void *x) QN_NODISCARD;
int qn_load_i64(const qn_group *g, const char *name, size_t n, int64_t *x) QN_NODISCARD;
int qn_load_f64(const qn_group *g, const char *name, size_t n, double *x) QN_NODISCARD;
size_t qn_group_size(const qn_group *g, const char *name); /* elements of an entry; 0 when absent */

/* ---- results as input ----------------------------------------------------------------------------------------- */

/* One artifact of a result file that a path parameter names (its bytes are then in the keys): trained parameters, a cloud, patterns.  Of
 * the file's points the one whose swept parameters are nearest to those of p (numbers; on a logarithmic axis by ratio; anything else must be
 * equal), of its replicas the one with this number, or the first where there are fewer.  *n: how many elements are wanted, 0: any
 * (NaN at the end of a dimension is then taken for padding); afterwards how many there are.  *out is row-major, allocated; free() it.  QN_ERR_INPUT with a sentence that names the file: no result,
 * no such artifact in it, another length, a task that is missing. */
int qn_read_artifact(const char *path, const char *name, const qn_params *p, uint64_t replica, size_t *n, double **out) QN_NODISCARD;
/* The value that parameter `name` had at that point of the file, as text: to tell whose array it is.  Allocated; free() it. */
int qn_read_parameter(const char *path, const char *name, const qn_params *p, char **out) QN_NODISCARD;

/* ---- theory --------------------------------------------------------------------------------------------------- */

/* One number for the same parameters: NaN where it does not exist.  All quantities of a model are filled by one call so that
 * they share the work.  A quantity with the name of an observable is the theory of that observable: figures draw it over the
 * data.  One that `locates` a parameter is a phase boundary: the value of that parameter at which something changes, given all
 * the others (it does not depend on the parameter itself); figures draw it as a line across the diagram. */
typedef struct qn_quantity {
    const char *name, *unit, *symbol, *meaning;
    const char *locates; /* name of a numeric parameter, or NULL */
} qn_quantity;

/* ---- the model ------------------------------------------------------------------------------------------------ */

typedef struct qn_problems qn_problems; /* collects complaints of check() */
/* A complaint about the parameter `param`; the core adds file, line and column. */
void qn_complain(qn_problems *c, const char *param, const char *format, ...) QN_PRINTF(3, 4);
/* A remark: `quench check` and `quench run` print it, nothing is refused.  The same format about the same parameter is printed once, with
 * the numbers of the first point and how many points there are. */
void qn_warn(qn_problems *c, const char *param, const char *format, ...) QN_PRINTF(3, 4);

typedef struct qn_cost {
    double step_s;      /* seconds a step, an order of magnitude */
    double task_bytes;  /* memory of one running task */
    double shared_bytes;/* of what prepare() makes */
} qn_cost;

enum { /* qn_model.flags */
    QN_THREADS = 1u << 0 /* step() uses qn_threads() threads when it is granted more than one */
};

/* How a task stands.  One that ended well (fitted, converged) carries the last values of its curves over time on to the end of the
 * grid; one that is lost (diverged) is NaN from there, so that late means are not means of survivors. */
typedef enum { QN_GOING = 0, QN_ENDED, QN_LOST } qn_end;

typedef struct qn_model {
    uint32_t abi; /* QN_ABI */
    const char *name, *summary, *reference;
    uint32_t stream_version;
    unsigned flags;
    const qn_param *parameters;         /* these tables end with an entry whose name is NULL; all but parameters may be NULL */
    const qn_observable *observables;
    const qn_derived *derived;
    const qn_quantity *theory;

    /* Parameters found in a text parameter (couplings named in a Hamiltonian): calls qn_declare_real for each. */
    int (*declare)(const qn_params *p, void *to);
    void (*check)(const qn_params *p, qn_problems *c);        /* what bounds cannot say */
    void (*cost)(const qn_params *p, qn_cost *c);
    /* Elements along a dimension of an observable for these parameters (0: the observable is absent at this point); with
     * `values`, also their coordinates.  Required when any observable has a dimension other than QN_DIM_TIME. */
    size_t (*dimension)(const qn_params *p, const char *dim, double *values);
    bool (*provides)(const qn_params *p, int obs);            /* NULL: every observable at every point */
    int (*theory_at)(const qn_params *p, double *out);        /* fills all quantities of `theory` */

    int (*prepare)(const qn_params *p, void **shared);        /* read-only data of tasks that agree in QN_DATA parameters */
    void (*release)(void *shared);
    int (*create)(const qn_params *p, const void *shared, qn_streams *s, void **state);
    void (*destroy)(void *state);                             /* NULL-safe; also after a failed create */
    int (*step)(void *state, qn_streams *s);                  /* one natural unit, at most about a second */
    /* Optional, in place of step: 1 to `most` units (most reaches to the next measurement at the furthest), fewer only at the model's own
     * end or to stay within about a second; the same bits however the units are cut.  Returns how many, or a qn_error.  A unit that takes
     * longer is made in pieces of at most about a second: 0 is returned when a piece was made and the unit is not whole.  Between the
     * pieces done and save may be called, and load brings back the middle of a unit; measure and finish see the middle of one only when
     * done ended the task there. */
    int64_t (*advance)(void *state, qn_streams *s, int64_t most);
    int (*measure)(void *state, qn_streams *s, qn_record *r);
    int (*finish)(void *state, qn_streams *s, qn_record *r);  /* outcomes, at the end of the task; may be NULL */
    qn_end (*done)(const void *state);                        /* the model's own end; may be NULL */
    int (*save)(const void *state, qn_group *g);
    int (*load)(void *state, const qn_group *g);              /* into a state just created from the same parameters */
    /* Optional: one short line for people about a task in progress ("t = 0.35, loss 2.1e-4, 8.1e4 samples/s"), terminated within `size`
     * bytes, without the step number, which the core prints.  Shown by `run` and `status`; it is in no result, so it may use the clock. */
    void (*progress)(const void *state, char *text, size_t size);

    /* Optional, for chained axes (parameters with QN_RETUNE): gives a state the parameters of another point of its axis.  The
     * configuration stays, and so does the disorder; what was accumulated or found at the old parameters (an end, the reference of a
     * correlation) begins anew.  After an interruption it is called on a state just created at the first point, and then load. */
    int (*retune)(void *state, const qn_params *p);
    /* Optional, with retune, for tempering: the logarithm of the unnormalised weight that the present configuration has at parameters p,
     * which differ from the state's own along the axis at most.  -INFINITY: impossible there; NAN: there is no such weight.  `part`: 0, but
     * where a state holds several independent configurations (replicas on one disorder), `parts` of them, these are exchanged one by one:
     * then `swap` exchanges part number `part` of two states, which keep their parameters. */
    double (*log_weight)(void *state, size_t part, const qn_params *p);
    size_t (*parts)(const void *state);
    void (*swap)(void *a, void *b, size_t part);
    /* Optional: one step of each of the n rungs of a ladder, which differ along the axis only; there it takes the place of step.  Choices
     * that do not look at the configurations (sites) may be common, from the streams of the first; all else is drawn from each rung's
     * own, for only then is the product of the distributions kept (tempering.h). */
    int (*step_many)(size_t n, void *const *states, qn_streams *const *streams);
} qn_model;

int qn_declare_real(void *to, const char *name, const char *found_in);
int qn_threads(void); /* threads that the calling task may use inside step() */

/* What a plug-in exports: `const qn_model *quench_model(void)`. */
#define QN_PLUGIN_SYMBOL "quench_model"

const char *qn_version(void);

#ifdef __cplusplus
}
#endif
#endif
