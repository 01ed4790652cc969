/* variational_settings.h -- the parameters of the variational tasks (steady, fbt, tdvp, fit): their rows of the model's table, their values at one
 * point, what is wrong with them.
 *
 * `preset: release` stands for the setting of the public program of Luo, Chen, Carrasquilla & Clark (2022): unset parameters take the second of the
 * two values that their meaning gives. */
#ifndef POVM_VARIATIONAL_SETTINGS_H
#define POVM_VARIATIONAL_SETTINGS_H

#include "net.h"
#include "task.h"

typedef enum { POVM_PRESET_DEFAULT = 0, POVM_PRESET_RELEASE } povm_preset;
typedef enum { POVM_AUTO = 0, POVM_SINGLE, POVM_DOUBLE } povm_precision;
typedef enum { POVM_L1 = 0, POVM_L2 } povm_objective_norm;
typedef enum { POVM_Q_MIX = 0, POVM_Q_CURRENT, POVM_Q_OLD } povm_proposal;
typedef enum { POVM_LR_COSINE = 0, POVM_LR_HALVE, POVM_LR_CONSTANT } povm_schedule;
typedef enum { POVM_REPORT_LAST = 0, POVM_REPORT_AVERAGE, POVM_REPORT_BEST } povm_report;
typedef enum { POVM_REG_FILTER = 0, POVM_REG_DIAGONAL } povm_regularisation;
typedef enum { POVM_SPACE_AUTO = 0, POVM_SPACE_PARAMETERS, POVM_SPACE_SAMPLES } povm_space;
typedef enum { POVM_TARGET_PRODUCT = 0, POVM_TARGET_STEADY, POVM_TARGET_DYNAMICS } povm_target;
typedef enum { POVM_FIT_LIKELIHOOD = 0, POVM_FIT_SQUARES } povm_fit_norm;

#define POVM_VARIATIONAL_PARAMETERS                                                                                                                      \
    /* the network */                                                                                                                                    \
    {.name = "preset", .type = QN_CHOICE, .def = "default", .choices = "default|release", .unit = "1", .meaning = "what unset parameters of the variational tasks stand for: the values found best here, or those of the public program of Luo et al. (2022)"}, \
    {.name = "ansatz", .type = QN_CHOICE, .def = "transformer", .choices = "product|made|gru|transformer|table|rbm", .unit = "1", .meaning = "variational tasks: form of P; independent sites, masked dense net, recurrent net, transformer decoder, a logit for every string, restricted Boltzmann machine (Metropolis, steady alone)"}, \
    {.name = "d", .type = QN_INT, .def = "32", .min = 1, .max = 4096, .unit = "1", .symbol = "d", .meaning = "transformer, gru: width"},                  \
    {.name = "f", .type = QN_INT, .min = 1, .max = 16384, .unit = "1", .symbol = "f", .meaning = "transformer: width of the feed-forward part (unset: 128; release: 16)"}, \
    {.name = "heads", .type = QN_INT, .min = 1, .max = 64, .unit = "1", .symbol = "H", .meaning = "transformer: heads of attention, a divisor of d (unset: 4; release: 1)"}, \
    {.name = "layers", .type = QN_INT, .def = "1", .min = 1, .max = 8, .unit = "1", .meaning = "transformer, gru, made: layers"},                          \
    {.name = "layer_norm", .type = QN_CHOICE, .def = "none", .choices = "none|post|pre", .unit = "1", .meaning = "transformer: normalisation of layers; none, after or before each part"}, \
    {.name = "hidden", .type = QN_INT, .min = 1, .max = 4096, .unit = "1", .meaning = "made, rbm: hidden units a site (unset: made 16, rbm 4)"},           \
    {.name = "strings", .type = QN_INT, .def = "1", .min = 1, .max = 4096, .unit = "1", .symbol = "S", .meaning = "orders of the sites that P is averaged over"}, \
    {.name = "init_scale", .type = QN_REAL, .def = "1", .min = 0, .max = 100, .unit = "1", .meaning = "scale of the first weights, in units of the ansatz's own rule"}, \
    {.name = "init_noise", .type = QN_REAL, .min = 0, .max = 100, .unit = "1", .meaning = "the same of the weights to the logits (unset: 1e-3; rbm 0.1); 0: the start is the product state exactly"}, \
    {.name = "precision", .type = QN_CHOICE, .def = "auto", .choices = "auto|single|double", .unit = "1", .meaning = "arithmetic of the network; auto: double for tdvp and where c_stop is below 1e-3, else single"}, \
    {.name = "from", .type = QN_PATH, .meaning = "result file whose artifact `theta` is the start"},                                                       \
    /* the optimisation */                                                                                                                               \
    {.name = "batch", .type = QN_INT, .min = 2, .max = 10000000, .unit = "1", .symbol = "B", .meaning = "strings an iteration (unset: 1024; release: 10000 for steady, else 100)"}, \
    {.name = "inner", .type = QN_INT, .min = 1, .max = 1000000, .unit = "1", .meaning = "fbt: iterations of a time step (unset: 200; release: 120)"},      \
    {.name = "lr", .type = QN_REAL, .min = 0, .max = 10, .unit = "1", .symbol = "η", .flags = QN_MIN_OPEN, .meaning = "learning rate of Adam at the start of its schedule (unset: 2e-2 for steady, else 1e-2; release: 1e-2)"}, \
    {.name = "lr_schedule", .type = QN_CHOICE, .choices = "cosine|halve|constant", .unit = "1", .meaning = "learning rate over one period (`inner`, `decay`): falls along a cosine, is halved at two thirds, stays (unset: cosine; release: halve for fbt, constant for steady)"}, \
    {.name = "lr_final", .type = QN_REAL, .def = "0.01", .min = 0, .max = 1, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "cosine: last learning rate, in units of the first"}, \
    {.name = "decay", .type = QN_INT, .def = "1500", .min = 1, .max = 100000000, .unit = "1", .meaning = "steady, fit: iterations of one period; beyond the last one the learning rate stays as it is"}, \
    {.name = "restarts", .type = QN_INT, .def = "0", .min = 0, .max = 10000, .unit = "1", .meaning = "steady, fit: further periods, each from `lr` again with Adam's moments at zero"}, \
    {.name = "beta1", .type = QN_REAL, .def = "0.9", .min = 0, .max = 1, .unit = "1", .symbol = "β_1", .flags = QN_MAX_OPEN, .meaning = "Adam: decay of the first moment"}, \
    {.name = "beta2", .type = QN_REAL, .min = 0, .max = 1, .unit = "1", .symbol = "β_2", .flags = QN_MAX_OPEN, .meaning = "Adam: decay of the second moment (unset: 0.999 for steady, else 0.98; release: 0.98)"}, \
    {.name = "norm", .type = QN_CHOICE, .def = "l1", .choices = "l1|l2", .unit = "1", .meaning = "objective: sum of |D| over strings, or of D^2/q with q held fixed"}, \
    {.name = "proposal", .type = QN_CHOICE, .choices = "mix|current|old", .unit = "1", .meaning = "fbt: strings are drawn half from each, from P, or from P of the last time step (unset: mix; release: current)"}, \
    {.name = "control_variate", .type = QN_BOOL, .unit = "1", .meaning = "subtract the batch's mean sign (unset: true; release: false)"},                \
    {.name = "averaging", .type = QN_REAL, .def = "0.1", .min = 0, .max = 1, .unit = "1", .meaning = "last part of a period over which parameters are averaged (Polyak)"}, \
    {.name = "report", .type = QN_CHOICE, .choices = "last|average|best", .unit = "1", .meaning = "steady, fit: parameters that are measured; fbt: that go on to the next time step, last or average (unset: last; release: best for steady)"}, \
    {.name = "enumerate", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "sums over all strings in place of samples; up to 65536 strings"},     \
    {.name = "c_stop", .type = QN_REAL, .def = "0", .min = 0, .max = 2, .unit = "1", .meaning = "C below which a time step (fbt) or the task (steady) ends"}, \
    {.name = "patience", .type = QN_INT, .def = "0", .min = 0, .max = 1000000, .unit = "1", .meaning = "iterations without a lower C after which it ends; 0: no such rule"}, \
    {.name = "polish", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "steady: iterations after the last period are steps of natural gradient"}, \
    {.name = "polish_step", .type = QN_REAL, .def = "0.1", .min = 0, .max = 100, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "time step of those, in which P follows the equation projected on the network"}, \
    {.name = "continuation", .type = QN_BOOL, .def = "true", .unit = "1", .meaning = "along a chained axis start from the neighbour's parameters; false: from the product state"}, \
    {.name = "continuation_lr", .type = QN_REAL, .def = "0.3", .min = 0, .max = 10, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "steady: lr at a point that starts from its neighbour or from a file, in units of `lr`"}, \
    {.name = "allow_redundant", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "pauli6 for steady, fbt and tdvp, where it has spurious stationary states"}, \
    /* measuring */                                                                                                                                      \
    {.name = "samples", .type = QN_INT, .def = "10000", .min = 64, .max = 100000000, .unit = "1", .meaning = "variational tasks: fresh strings a measurement"}, \
    {.name = "c_samples", .type = QN_INT, .def = "4096", .min = 0, .max = 100000000, .unit = "1", .meaning = "how many of them C and ESS are measured with; 0: not measured"}, \
    /* tdvp */                                                                                                                                           \
    {.name = "tol", .type = QN_REAL, .def = "1e-3", .min = 0, .max = 10, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "tdvp: error of a step in the norm of S that is accepted"}, \
    {.name = "regularisation", .type = QN_CHOICE, .def = "filter", .choices = "filter|diagonal", .unit = "1", .meaning = "tdvp, polish: of S; small eigenvalues and noisy directions left out, or eps_diagonal added"}, \
    {.name = "eps_ev", .type = QN_REAL, .def = "1e-8", .min = 0, .max = 1, .unit = "1", .meaning = "filter: eigenvalue in units of the largest below which a direction fades out"}, \
    {.name = "eps_snr", .type = QN_REAL, .def = "2", .min = 0, .max = 1000, .unit = "1", .meaning = "filter: signal-to-noise ratio below which it does; 0: whatever the noise"}, \
    {.name = "eps_diagonal", .type = QN_REAL, .def = "1e-4", .min = 0, .max = 1000, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "diagonal: what is added"}, \
    {.name = "space", .type = QN_CHOICE, .def = "auto", .choices = "auto|parameters|samples", .unit = "1", .meaning = "tdvp, polish: matrix that is solved with, parameters by parameters or strings by strings; auto: the smaller"}, \
    /* fit */                                                                                                                                            \
    {.name = "target", .type = QN_CHOICE, .def = "product", .choices = "product|exact_steady|exact_dynamics", .unit = "1", .meaning = "fit: the product state, the exact steady state, the exact state at time `target_t`"}, \
    {.name = "target_t", .type = QN_REAL, .def = "1", .min = 0, .max = 1e6, .unit = "1", .meaning = "fit: time of the exact state"},                       \
    {.name = "fit_norm", .type = QN_CHOICE, .def = "likelihood", .choices = "likelihood|squares", .unit = "1", .meaning = "fit: maximum likelihood of strings drawn from the target, or the mean square of log P - log target"}, \
    /* rbm */                                                                                                                                            \
    {.name = "chains", .type = QN_INT, .def = "64", .min = 2, .max = 65536, .unit = "1", .meaning = "rbm: Markov chains"},                                 \
    {.name = "burn_in", .type = QN_INT, .def = "100", .min = 0, .max = 1000000, .unit = "1", .meaning = "rbm: sweeps of a chain before its first string"}, \
    {.name = "thinning", .type = QN_INT, .def = "1", .min = 1, .max = 10000, .unit = "1", .meaning = "rbm: sweeps from one string of a chain to the next"}

typedef struct povm_variational {
    povm_shape shape;         /* without `order` */
    int strings;
    double init_scale, init_noise;
    const char *from;         /* NULL: the product state */
    size_t batch, samples, c_samples;
    int64_t inner, decay, restarts, patience;
    double lr, lr_final, beta1, beta2, averaging, c_stop, polish_step, continuation_lr;
    povm_schedule schedule;
    povm_objective_norm norm;
    povm_proposal proposal;
    povm_report report;
    bool control_variate, enumerate, continuation, polish;
    double tol, eps_ev, eps_snr, eps_diagonal;
    povm_regularisation regularisation;
    povm_space space;
    povm_target target;
    double target_t;
    povm_fit_norm fit_norm;
    int chains, burn_in, thinning;
} povm_variational;

void povm_variational_read(const qn_params *p, const povm_problem *problem, povm_variational *out);
void povm_variational_check(const qn_params *p, const povm_problem *problem, qn_problems *c);

size_t povm_variational_parameters(const povm_variational *v); /* of the net */

/* Seconds of one iteration on `strings` strings of an objective of this problem, and bytes of a task; orders of magnitude. */
double povm_variational_seconds(const povm_variational *v, const povm_problem *problem, double strings);
double povm_variational_bytes(const povm_variational *v, const povm_problem *problem);

#endif
