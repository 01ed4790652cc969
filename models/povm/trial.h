/* trial.h -- the trial state of a variational task: its net, parameters, fresh measurements, checkpoints. */
#ifndef POVM_TRIAL_H
#define POVM_TRIAL_H

#include "observables.h"
#include "outcome.h"
#include "source.h"
#include "variational_settings.h"

/* The outcome `status`; 3 belongs to the exact tasks. */
typedef enum { POVM_RAN = 0, POVM_CONVERGED, POVM_NO_BETTER, POVM_NOT_FINITE = 4, POVM_FEW_EFFECTIVE } povm_status;

extern double povm_piece_s;     /* an advance() that has worked so long returns: 0.4 s; tests shorten it */
#define POVM_LEAST_ESS 0.01

typedef struct povm_trial {
    const povm_problem *problem;
    povm_variational set;
    povm_shape shape;         /* with the orders of a string state */
    int *order;
    povm_net *net;            /* borrowed: whoever made it closes it */
    povm_source source;
    size_t count;
    double *theta;
    uint64_t drawn;           /* blocks of the dynamics stream that were used */
    povm_status status;
    povm_look *look;
    povm_rates rates;
    uint8_t *strings;         /* of a measurement, [room][n] */
    double *logp;
    size_t room;
    double seconds, work;     /* spent in optimising, and strings worked on: for progress alone */
} povm_trial;

int povm_trial_init(povm_trial *t, const qn_params *p, const povm_problem *problem) QN_NODISCARD; /* all but net and theta */
/* Takes the net, allocates theta and sets it: the product state, or the file of `from`. */
int povm_trial_start(povm_trial *t, const qn_params *p, povm_net *net, const qn_streams *s) QN_NODISCARD;
void povm_trial_free(povm_trial *t); /* also after a failed init */
int povm_trial_retune(povm_trial *t, const qn_params *p, const povm_problem *problem) QN_NODISCARD; /* other couplings and settings, the same net */

/* The state at `theta` from fresh strings (enumerate: exactly): time, all that a look measures, d<Z>/dt. */
int povm_trial_measure(povm_trial *t, const double *theta, double time, const qn_streams *s, qn_record *r) QN_NODISCARD;
/* The state at `theta` into t->look, from the strings of block `first` of the measurement stream on (enumerate: exactly); d<Z>/dt and its error. */
int povm_trial_look(povm_trial *t, const double *theta, const qn_streams *s, uint64_t first, double rate[2]) QN_NODISCARD;
uint64_t povm_trial_fresh(const qn_record *r); /* block of the measurement stream where this measurement begins */
#define POVM_FRESH_HALF ((uint64_t)1 << 23)    /* so many blocks after it those for C begin, */
#define POVM_FRESH_LAST ((uint64_t)1 << 22)    /* and so many after each those of finish() */
bool povm_trial_provides(const qn_params *p, int obs);
int povm_trial_finish(povm_trial *t, const double *theta, qn_record *r) QN_NODISCARD; /* status, and theta as an artifact */

/* Notes NaN and a small effective sample size; false: the task is lost. */
bool povm_trial_sound(povm_trial *t, double value, double ess);
qn_end povm_trial_done(const povm_trial *t);
void povm_trial_cost(const qn_params *p, const povm_problem *problem, double iterations, double memory, qn_cost *c);

int povm_trial_save(const povm_trial *t, qn_group *g) QN_NODISCARD;
int povm_trial_load(povm_trial *t, const qn_group *g) QN_NODISCARD;

double povm_now(void); /* seconds, monotonic */

#endif
