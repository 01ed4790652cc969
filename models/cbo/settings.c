/* settings.c -- the table of parameters; reading, checking and pricing those of a point (see settings.h). */
#include "settings.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define DATA (QN_DISORDER | QN_DATA)

const qn_param cbo_parameters[] = {
    /* the objective */
    {.name = "objective", .type = QN_CHOICE, .def = "rastrigin", .unit = "1", .flags = DATA,
     .choices = "quadratic|ackley|rastrigin|griewank|rosenbrock|salomon|schwefel220|xsyrandom|dropwave|eggholder|himmelblau|wshaped|canyon"
                "|spherical_pspin|hebbian|softmax|mlp|teacher|user",
     .meaning = "the function f to minimise"},
    {.name = "d", .type = QN_INT, .def = "2", .min = 1, .max = 10000000, .unit = "1", .flags = DATA, .meaning = "number of coordinates; of softmax, mlp and teacher it follows from the data and the net"},
    {.name = "A", .type = QN_REAL, .def = "10", .min = 0, .max = 1e6, .unit = "1", .flags = QN_DISORDER, .meaning = "rastrigin: height of the ripples, f = sum z^2 + A sum (1 - cos 2 pi z), sums over coordinates"},
    {.name = "curvatures", .type = QN_LIST, .def = "1", .min = 0, .max = 1e12, .unit = "1", .flags = QN_DISORDER, .meaning = "quadratic: a_k of f = (1/2) sum a_k z_k^2, repeated along the coordinates"},
    {.name = "variant", .type = QN_CHOICE, .def = "smooth", .choices = "smooth|noisy|two_valley", .unit = "1", .flags = QN_DISORDER, .meaning = "canyon: which landscape"},
    {.name = "ripple", .type = QN_REAL, .min = 0, .max = 1e6, .unit = "1", .symbol = "R", .flags = QN_DISORDER, .meaning = "canyon: height R of the ripples; unset: 0.25 smooth, 1.1625 noisy, 0 two_valley"},
    {.name = "shift", .type = QN_LIST, .def = "0", .min = -1e9, .max = 1e9, .unit = "1", .flags = QN_DISORDER, .meaning = "z = x - shift, repeated along the coordinates: moves the minimiser"},
    {.name = "rotate", .type = QN_BOOL, .def = "false", .unit = "1", .flags = QN_DISORDER, .meaning = "a random rotation about the shifted origin"},
    {.name = "p", .type = QN_INT, .def = "2", .min = 2, .max = 16, .unit = "1", .flags = DATA, .meaning = "spherical_pspin, hebbian: spins in an interaction"},
    {.name = "K", .type = QN_INT, .def = "1", .min = 1, .max = 1000000, .unit = "1", .flags = DATA, .meaning = "hebbian: number of patterns"},
    {.name = "pattern_file", .type = QN_PATH, .flags = DATA, .meaning = "hebbian: patterns from a file, rows of +-1, in place of random ones"},
    {.name = "wells", .type = QN_REAL, .def = "0", .min = 0, .max = 1e6, .unit = "1", .symbol = "g", .flags = QN_DISORDER, .meaning = "hebbian: adds (g/4) sum (x^2 - 1)^2 in place of the sphere |x|^2 = d"},
    {.name = "images", .type = QN_PATH, .flags = DATA, .meaning = "softmax, mlp: IDX file of training images, plain or .gz"},
    {.name = "labels", .type = QN_PATH, .flags = DATA, .meaning = "softmax, mlp: IDX file of their labels"},
    {.name = "test_images", .type = QN_PATH, .flags = DATA, .meaning = "softmax, mlp: IDX file of test images"},
    {.name = "test_labels", .type = QN_PATH, .flags = DATA, .meaning = "softmax, mlp: IDX file of their labels"},
    {.name = "samples", .type = QN_INT, .min = 1, .max = 1000000000, .unit = "1", .flags = DATA, .meaning = "examples to learn from: the first of a file (unset: all), or drawn (teacher; unset: 256)"},
    {.name = "inputs", .type = QN_INT, .def = "8", .min = 1, .max = 100000, .unit = "1", .flags = DATA, .meaning = "teacher: inputs of the net"},
    {.name = "hidden", .type = QN_INT, .def = "16", .min = 1, .max = 100000, .unit = "1", .flags = DATA, .meaning = "mlp, teacher: hidden units"},
    {.name = "label_noise", .type = QN_REAL, .def = "0", .min = 0, .max = 1e6, .unit = "1", .flags = QN_DISORDER, .meaning = "teacher: standard deviation of the noise on the targets"},
    {.name = "data_batch", .type = QN_INT, .def = "0", .min = 0, .max = 1000000000, .unit = "1", .meaning = "softmax, mlp, teacher: examples drawn for a step, the same for all particles; 0: all of them"},
    {.name = "objective_file", .type = QN_PATH, .flags = DATA, .meaning = "user: shared object with the objective (quench_objective.h)"},
    {.name = "objective_options", .type = QN_TEXT, .def = "", .flags = DATA, .meaning = "user: text handed to the objective"},

    /* the dynamics */
    {.name = "method", .type = QN_CHOICE, .def = "cbo", .choices = "cbo|memory|polarized|sampling|sphere|hopping|proximal|gradient|langevin", .unit = "1",
     .meaning = "consensus-based optimization, its variants, and the schemes it is compared with"},
    {.name = "N", .type = QN_INT, .def = "100", .min = 1, .max = 1e9, .unit = "1", .meaning = "number of particles"},
    {.name = "alpha", .type = QN_REAL, .def = "100", .min = 0, .max = 1e300, .unit = "1", .symbol = "α", .flags = QN_INFINITE, .meaning = "inverse temperature of the weights exp(-alpha f); inf: the best particle alone"},
    {.name = "lambda", .type = QN_REAL, .def = "1", .min = 0, .max = 1e6, .unit = "1", .symbol = "λ", .meaning = "strength of the drift to the consensus"},
    {.name = "sigma", .type = QN_REAL, .def = "0.5", .min = 0, .max = 1e6, .unit = "1", .symbol = "σ", .meaning = "strength of the noise, without the sqrt(2) of the 2017 convention"},
    {.name = "dt", .type = QN_REAL, .def = "0.01", .min = 0, .max = 1e6, .unit = "1", .symbol = "Δt", .flags = QN_MIN_OPEN, .meaning = "time of a step"},
    {.name = "noise", .type = QN_CHOICE, .def = "isotropic", .choices = "isotropic|anisotropic|truncated|constant", .unit = "1", .meaning = "noise scale |x-c|, |x_k-c_k| in each coordinate, min(|x-c|, truncation), or 1"},
    {.name = "truncation", .type = QN_REAL, .min = 0, .max = 1e300, .unit = "1", .symbol = "M", .flags = QN_MIN_OPEN, .meaning = "truncated noise: its largest scale M"},
    {.name = "componentwise", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "truncated noise: min(|x_k-c_k|, M) in each coordinate"},
    {.name = "integrator", .type = QN_CHOICE, .def = "euler", .choices = "euler|exponential|geometric", .unit = "1",
     .meaning = "Euler-Maruyama; drift factor exp(-lambda dt); exact solution for a frozen consensus (anisotropic; for tests)"},
    {.name = "heaviside", .type = QN_CHOICE, .def = "none", .choices = "none|sharp|smooth", .unit = "1", .meaning = "factor H(f(x)-f(c)) of the drift; it costs one evaluation a step"},
    {.name = "heaviside_eps", .type = QN_REAL, .def = "0.01", .min = 0, .max = 1e12, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "heaviside smooth: (1 + tanh((f(x)-f(c))/eps))/2"},
    {.name = "heaviside_noise", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "the factor scales the difference that the noise sees too, as in one existing package"},
    {.name = "consensus_radius", .type = QN_REAL, .def = "inf", .min = 0, .max = 1e300, .unit = "1", .flags = QN_MIN_OPEN | QN_INFINITE, .meaning = "the consensus is projected onto the ball of this radius around 0 before it is used"},
    {.name = "position_cap", .type = QN_REAL, .def = "1e8", .min = 0, .max = 1e150, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "coordinates are cut there, against overflow, and counted"},
    {.name = "kick_tol", .type = QN_REAL, .def = "0", .min = 0, .max = 1e300, .unit = "1", .meaning = "a step that moves the consensus by less in every coordinate is followed by noise sigma sqrt(dt) on all particles; 0: never"},

    /* schedules */
    {.name = "alpha_schedule", .type = QN_CHOICE, .def = "fixed", .choices = "fixed|geometric|doubling|neff", .unit = "1",
     .meaning = "alpha; min(alpha alpha_factor^step, alpha_max); doubled each epoch up to alpha_max; such that n_eff = neff_target N"},
    {.name = "alpha_factor", .type = QN_REAL, .def = "1.05", .min = 1, .max = 1000, .unit = "1", .meaning = "alpha_schedule geometric: growth a step"},
    {.name = "alpha_max", .type = QN_REAL, .def = "1e15", .min = 0, .max = 1e300, .unit = "1", .meaning = "alpha_schedule geometric, doubling: the largest alpha"},
    {.name = "neff_target", .type = QN_REAL, .def = "0.5", .min = 0, .max = 1, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "alpha_schedule neff: effective sample size, in units of N"},
    {.name = "epoch", .type = QN_INT, .min = 1, .max = 1e15, .unit = "steps", .meaning = "length of an epoch; unset: one pass over the particle batches, else 100"},
    {.name = "sigma_cooling", .type = QN_CHOICE, .def = "none", .choices = "none|log", .unit = "1", .meaning = "log: sigma_{e+1} = sigma_e log2(e+1)/log2(e+2), e = 1, 2, ... counts epochs"},
    {.name = "batch_size", .type = QN_INT, .def = "0", .min = 0, .max = 1e9, .unit = "1", .meaning = "particle batches: particles of a block, a divisor of N; a step uses one block; 0: no batches"},
    {.name = "batch_update", .type = QN_CHOICE, .def = "partial", .choices = "partial|full", .unit = "1", .meaning = "a block's consensus moves the block, or all particles"},

    /* the start */
    {.name = "start", .type = QN_CHOICE, .def = "uniform", .choices = "uniform|normal", .unit = "1", .meaning = "law of the first positions, each coordinate alone"},
    {.name = "start_low", .type = QN_REAL, .def = "-3", .min = -1e150, .max = 1e150, .unit = "1", .meaning = "start uniform: from"},
    {.name = "start_high", .type = QN_REAL, .def = "3", .min = -1e150, .max = 1e150, .unit = "1", .meaning = "start uniform: to"},
    {.name = "start_mean", .type = QN_REAL, .def = "0", .min = -1e150, .max = 1e150, .unit = "1", .meaning = "start normal: mean"},
    {.name = "start_sd", .type = QN_REAL, .def = "1", .min = 0, .max = 1e150, .unit = "1", .meaning = "start normal: standard deviation; 0: all at the mean"},

    /* what counts and what is kept */
    {.name = "success", .type = QN_CHOICE, .def = "c_inf", .choices = "c_inf|f_c|best_inf|mode_count", .unit = "1",
     .meaning = "below success_tol must be: largest coordinate of c - x*; f(c) - f* (f(c), where f* is not known); that of the best point; of some particle for every minimiser"},
    {.name = "success_tol", .type = QN_REAL, .def = "0.25", .min = -1e300, .max = 1e300, .unit = "1", .meaning = "its bound"},
    {.name = "keep_consensus", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "measure the consensus point itself, and keep the best one"},
    {.name = "implicit", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "measure the implicit gradient: align_*, g_hat_norm, resid, ch_saturation"},

    /* stopping rules, none on by default */
    {.name = "stop_evaluations", .type = QN_INT, .def = "0", .min = 0, .max = 9e15, .unit = "1", .meaning = "stop after this many evaluations of f; 0: no such rule"},
    {.name = "stop_consensus", .type = QN_REAL, .def = "0", .min = 0, .max = 1e300, .unit = "1", .meaning = "stop when no coordinate of the consensus moved by that much in stop_patience steps; 0: no such rule"},
    {.name = "stop_patience", .type = QN_INT, .def = "10", .min = 1, .max = 1e15, .unit = "steps", .meaning = "steps in a row for stop_consensus"},
    {.name = "stop_spread", .type = QN_REAL, .def = "0", .min = 0, .max = 1e300, .unit = "1", .meaning = "stop when spread_c is below; 0: no such rule"},
    {.name = "stop_f", .type = QN_REAL, .min = -1e300, .max = 1e300, .unit = "1", .meaning = "stop when f(c) is below; unset: no such rule"},
    {.name = "stop_best", .type = QN_REAL, .min = -1e300, .max = 1e300, .unit = "1", .meaning = "stop when the best f so far is below; unset: no such rule"},

    /* variants */
    {.name = "memory_lambda", .type = QN_REAL, .def = "0", .min = 0, .max = 1e6, .unit = "1", .symbol = "λ_2", .meaning = "memory: drift to the own best"},
    {.name = "memory_sigma", .type = QN_REAL, .def = "0", .min = 0, .max = 1e6, .unit = "1", .symbol = "σ_2", .meaning = "memory: noise of the difference to the own best"},
    {.name = "gradient_drift", .type = QN_REAL, .def = "0", .min = 0, .max = 1e6, .unit = "1", .symbol = "γ", .meaning = "memory: drift along -grad f"},
    {.name = "memory_update", .type = QN_CHOICE, .def = "sharp", .choices = "sharp|smooth", .unit = "1",
     .meaning = "memory: the own best is the better of the two, or follows at memory_kappa (1 + tanh(memory_beta (f(y)-f(x))))/2 (a second evaluation a particle)"},
    {.name = "memory_kappa", .type = QN_REAL, .def = "1", .min = 0, .max = 1e6, .unit = "1", .meaning = "memory smooth: rate"},
    {.name = "memory_beta", .type = QN_REAL, .def = "10", .min = 0, .max = 1e300, .unit = "1", .meaning = "memory smooth: steepness"},
    {.name = "kernel_width", .type = QN_REAL, .def = "inf", .min = 0, .max = 1e150, .unit = "1", .symbol = "κ", .flags = QN_MIN_OPEN | QN_INFINITE, .meaning = "polarized: width of the Gaussian kernel; inf: plain cbo"},
    {.name = "kernel_power", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "polarized: the kernel too is raised to the power alpha"},
    {.name = "sampling_scheme", .type = QN_CHOICE, .def = "exponential", .choices = "exponential|euler", .unit = "1", .meaning = "sampling: exact for a frozen mean and covariance, or Euler"},
    {.name = "sampling_target", .type = QN_CHOICE, .def = "sample", .choices = "sample|minimise", .unit = "1", .meaning = "sampling: from exp(-f), or collapse onto the minimum"},
    {.name = "hop_width", .type = QN_REAL, .def = "0.5", .min = 0, .max = 1e150, .unit = "1", .symbol = "s", .meaning = "hopping: standard deviation of the samples around the consensus; proximal, gradient: tau = alpha s^2"},
    {.name = "hop_factor", .type = QN_REAL, .def = "1", .min = 0, .max = 1, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "hopping: the width is multiplied by it every hop_every steps"},
    {.name = "hop_every", .type = QN_INT, .def = "100", .min = 1, .max = 1e15, .unit = "steps", .meaning = "hopping: steps between changes of the width"},
    {.name = "tau", .type = QN_REAL, .min = 0, .max = 1e150, .unit = "1", .symbol = "τ", .flags = QN_MIN_OPEN, .meaning = "proximal, gradient: step; unset: alpha hop_width^2"},
    {.name = "restarts", .type = QN_INT, .def = "4", .min = 0, .max = 10000, .unit = "1", .meaning = "proximal: further starts of the inner minimisation, around the point"},
    {.name = "eta", .type = QN_REAL, .def = "1", .min = 0, .max = 1e6, .unit = "1", .symbol = "η", .meaning = "langevin: x - eta grad f dt + sigma/log(k+1) sqrt(dt) xi at step k = 1, 2, ..."},
    {.name = NULL},
};

bool cbo_single(cbo_method_kind m)
{
    return m == CBO_METHOD_PROXIMAL || m == CBO_METHOD_GRADIENT || m == CBO_METHOD_LANGEVIN;
}

static double real_or(const qn_params *p, const char *name, double unset)
{
    return qn_is_set(p, name) ? qn_real(p, name) : unset;
}

void cbo_settings_read(const qn_params *p, cbo_settings *out)
{
    *out = (cbo_settings){
        .objective = (cbo_objective_name)qn_choice(p, "objective"),
        .method = (cbo_method_kind)qn_choice(p, "method"),
        .lambda = qn_real(p, "lambda"),
        .sigma = qn_real(p, "sigma"),
        .dt = qn_real(p, "dt"),
        .noise = (cbo_noise)qn_choice(p, "noise"),
        .truncation = real_or(p, "truncation", INFINITY),
        .componentwise = qn_bool(p, "componentwise"),
        .integrator = (cbo_integrator)qn_choice(p, "integrator"),
        .heaviside = (cbo_heaviside)qn_choice(p, "heaviside"),
        .heaviside_eps = qn_real(p, "heaviside_eps"),
        .heaviside_noise = qn_bool(p, "heaviside_noise"),
        .cap = qn_real(p, "position_cap"),
        .kick_tol = qn_real(p, "kick_tol"),
        .consensus_radius = qn_real(p, "consensus_radius"),
        .alpha = qn_real(p, "alpha"),
        .alpha_factor = qn_real(p, "alpha_factor"),
        .alpha_max = qn_real(p, "alpha_max"),
        .neff_target = qn_real(p, "neff_target"),
        .alpha_rule = (cbo_alpha_rule)qn_choice(p, "alpha_schedule"),
        .cooling = qn_choice(p, "sigma_cooling") == 1,
        .batch_size = (size_t)qn_int(p, "batch_size"),
        .batch_full = qn_choice(p, "batch_update") == 1,
        .start = (cbo_start)qn_choice(p, "start"),
        .start_low = qn_real(p, "start_low"),
        .start_high = qn_real(p, "start_high"),
        .start_mean = qn_real(p, "start_mean"),
        .start_sd = qn_real(p, "start_sd"),
        .success = (cbo_criterion)qn_choice(p, "success"),
        .success_tol = qn_real(p, "success_tol"),
        .keep_consensus = qn_bool(p, "keep_consensus"),
        .implicit = qn_bool(p, "implicit"),
        .stop_evaluations = qn_int(p, "stop_evaluations"),
        .stop_consensus = qn_real(p, "stop_consensus"),
        .stop_patience = qn_int(p, "stop_patience"),
        .stop_spread = qn_real(p, "stop_spread"),
        .stop_f = real_or(p, "stop_f", -INFINITY),
        .stop_best = real_or(p, "stop_best", -INFINITY),
        .memory_lambda = qn_real(p, "memory_lambda"),
        .memory_sigma = qn_real(p, "memory_sigma"),
        .gradient_drift = qn_real(p, "gradient_drift"),
        .memory_smooth = qn_choice(p, "memory_update") == 1,
        .memory_kappa = qn_real(p, "memory_kappa"),
        .memory_beta = qn_real(p, "memory_beta"),
        .kernel_width = qn_real(p, "kernel_width"),
        .kernel_power = qn_bool(p, "kernel_power"),
        .sampling_euler = qn_choice(p, "sampling_scheme") == 1,
        .sampling_optimise = qn_choice(p, "sampling_target") == 1,
        .hop_width = qn_real(p, "hop_width"),
        .hop_factor = qn_real(p, "hop_factor"),
        .hop_every = (size_t)qn_int(p, "hop_every"),
        .restarts = (int)qn_int(p, "restarts"),
        .eta = qn_real(p, "eta"),
    };
    out->n = cbo_single(out->method) ? 1 : (size_t)qn_int(p, "N");
    if (out->method != CBO_METHOD_CBO)
        out->batch_size = 0;
    out->epoch = out->batch_size ? out->n / out->batch_size : 100;
    if (qn_is_set(p, "epoch"))
        out->epoch = (size_t)qn_int(p, "epoch");
    out->tau = real_or(p, "tau", out->alpha * out->hop_width * out->hop_width);
}

/* ---- check --------------------------------------------------------------------------------------------------------- */

size_t cbo_dimension_of(const qn_params *p)
{
    const cbo_objective_kind *kind = cbo_objective_kind_of(p);
    return kind->dimension ? kind->dimension(p) : (size_t)qn_int(p, "d");
}

/* `name` means something with these values of a choice only ("|a|b|"). */
static const struct {
    const char *name, *choice, *with;
} pairs[] = {
    {"A", "objective", "|rastrigin|"},
    {"curvatures", "objective", "|quadratic|"},
    {"variant", "objective", "|canyon|"},
    {"ripple", "objective", "|canyon|"},
    {"p", "objective", "|spherical_pspin|hebbian|"},
    {"K", "objective", "|hebbian|"},
    {"pattern_file", "objective", "|hebbian|"},
    {"wells", "objective", "|hebbian|"},
    {"images", "objective", "|softmax|mlp|"},
    {"labels", "objective", "|softmax|mlp|"},
    {"test_images", "objective", "|softmax|mlp|"},
    {"test_labels", "objective", "|softmax|mlp|"},
    {"samples", "objective", "|softmax|mlp|teacher|"},
    {"inputs", "objective", "|teacher|"},
    {"hidden", "objective", "|mlp|teacher|"},
    {"label_noise", "objective", "|teacher|"},
    {"data_batch", "objective", "|softmax|mlp|teacher|"},
    {"objective_file", "objective", "|user|"},
    {"objective_options", "objective", "|user|"},
    {"truncation", "noise", "|truncated|"},
    {"componentwise", "noise", "|truncated|"},
    {"heaviside_eps", "heaviside", "|smooth|"},
    {"heaviside_noise", "heaviside", "|sharp|smooth|"},
    {"heaviside", "method", "|cbo|memory|polarized|"},
    {"integrator", "method", "|cbo|memory|polarized|"},
    {"consensus_radius", "method", "|cbo|"},
    {"kick_tol", "method", "|cbo|"},
    {"batch_size", "method", "|cbo|"},
    {"alpha_factor", "alpha_schedule", "|geometric|"},
    {"alpha_max", "alpha_schedule", "|geometric|doubling|"},
    {"neff_target", "alpha_schedule", "|neff|"},
    {"start_low", "start", "|uniform|"},
    {"start_high", "start", "|uniform|"},
    {"start_mean", "start", "|normal|"},
    {"start_sd", "start", "|normal|"},
    {"memory_lambda", "method", "|memory|"},
    {"memory_sigma", "method", "|memory|"},
    {"gradient_drift", "method", "|memory|"},
    {"memory_update", "method", "|memory|"},
    {"memory_kappa", "memory_update", "|smooth|"},
    {"memory_beta", "memory_update", "|smooth|"},
    {"kernel_width", "method", "|polarized|"},
    {"kernel_power", "method", "|polarized|"},
    {"sampling_scheme", "method", "|sampling|"},
    {"sampling_target", "method", "|sampling|"},
    {"hop_width", "method", "|hopping|proximal|gradient|"},
    {"hop_factor", "method", "|hopping|"},
    {"hop_every", "method", "|hopping|"},
    {"tau", "method", "|proximal|gradient|"},
    {"restarts", "method", "|proximal|"},
    {"eta", "method", "|langevin|"},
};

/* Not mistakes: a sweep over methods or objectives gives all of them their numbers. */
static void warn_pairs(const qn_params *p, qn_problems *c)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char value[80];
        snprintf(value, sizeof value, "|%s|", qn_text(p, pairs[i].choice));
        if (qn_is_given(p, pairs[i].name) && !strstr(pairs[i].with, value))
            qn_warn(c, pairs[i].name, "has no part in %s: %s", pairs[i].choice, qn_text(p, pairs[i].choice));
    }
}

static void check_objective(const qn_params *p, qn_problems *c)
{
    const cbo_objective_kind *kind = cbo_objective_kind_of(p);
    size_t d = cbo_dimension_of(p);
    const char *at = qn_is_given(p, "d") ? "d" : "objective";
    if (d && kind->d_min && kind->d_min == kind->d_max && d != kind->d_min)
        qn_complain(c, at, "d is %zu, but %s is a function of %zu coordinate%s; it takes d: %zu alone", d, kind->name, kind->d_min, kind->d_min > 1 ? "s" : "", kind->d_min);
    else if (d && kind->d_min && d < kind->d_min)
        qn_complain(c, at, "d is %zu, but %s takes d from %zu on", d, kind->name, kind->d_min);
    else if (d && kind->d_max && d > kind->d_max)
        qn_complain(c, at, "d is %zu, but %s takes d up to %zu", d, kind->name, kind->d_max);
    if (kind->dimension && d && qn_is_given(p, "d") && (size_t)qn_int(p, "d") != d)
        qn_complain(c, "d", "%lld, but this %s has %zu coordinates; leave d out", (long long)qn_int(p, "d"), kind->name, d);
    if (qn_choice(p, "objective") == CBO_USER && !qn_is_set(p, "objective_file"))
        qn_complain(c, "objective", "user needs objective_file, the path of a shared object");
    for (size_t i = 0; kind->needs_images && i < 2; i++)
        if (!qn_is_set(p, i ? "labels" : "images"))
            qn_complain(c, "objective", "%s needs %s, the path of an IDX file", kind->name, i ? "labels" : "images");
    if (qn_is_set(p, "test_images") != qn_is_set(p, "test_labels"))
        qn_complain(c, qn_is_set(p, "test_images") ? "test_images" : "test_labels", "test_images and test_labels go together");
    bool learning = qn_choice(p, "objective") == CBO_SOFTMAX || qn_choice(p, "objective") == CBO_MLP || qn_choice(p, "objective") == CBO_TEACHER;
    if (learning && qn_is_given(p, "success") && qn_choice(p, "success") != CBO_F_C)
        qn_complain(c, "success", "%s needs a known minimiser, and %s has none; f_c goes without", qn_text(p, "success"), kind->name);
    if (qn_bool(p, "keep_consensus") && !cbo_dimension_of(p))
        qn_complain(c, "keep_consensus", "the number of coordinates of %s is known from its data only; leave it out", kind->name);
}

/* Drift and noise of the methods that have them. */
static void check_moves(const qn_params *p, const cbo_settings *s, qn_problems *c)
{
    bool pulled = s->method == CBO_METHOD_CBO || s->method == CBO_METHOD_MEMORY || s->method == CBO_METHOD_POLARIZED;
    double drift = s->lambda + (s->method == CBO_METHOD_MEMORY ? s->memory_lambda : 0);
    if ((pulled || s->method == CBO_METHOD_SPHERE) && s->integrator == CBO_EULER && drift * s->dt > 1)
        qn_complain(c, qn_is_given(p, "dt") || !qn_is_given(p, "lambda") ? "dt" : "lambda",
                    "lambda dt = %g: a step would go beyond the consensus; it must be at most 1 (dt up to %g)", drift * s->dt, 1 / drift);
    if (s->noise == CBO_TRUNCATED && !qn_is_set(p, "truncation"))
        qn_complain(c, "noise", "truncated needs truncation, the largest noise scale M");
    if (s->method == CBO_METHOD_SPHERE && qn_is_given(p, "noise") && s->noise != CBO_ISOTROPIC)
        qn_complain(c, "noise", "the sphere's noise is isotropic; leave noise out");
    if (s->integrator == CBO_GEOMETRIC && (s->noise != CBO_ANISOTROPIC || s->heaviside || s->batch_size || s->method != CBO_METHOD_CBO))
        qn_complain(c, "integrator", "geometric is the exact solution of method: cbo with noise: anisotropic, without heaviside and batches only");
    double d = (double)cbo_dimension_of(p), d_eff = s->noise == CBO_ISOTROPIC ? d : 1, sigma2 = s->sigma * s->sigma;
    if ((s->method == CBO_METHOD_CBO || s->method == CBO_METHOD_POLARIZED) && (s->noise == CBO_ISOTROPIC || s->noise == CBO_ANISOTROPIC) && d > 0 && 2 * s->lambda < d_eff * sigma2) {
        if (s->noise == CBO_ANISOTROPIC)
            qn_warn(c, qn_is_given(p, "sigma") ? "sigma" : "lambda", "the mean square of x - c grows: 2 lambda < sigma^2 (%g < %g); single runs converge still, see `quench theory cbo`",
                    2 * s->lambda, sigma2);
        else if (d <= 2 || sigma2 < 2 * s->lambda / (d - 2))
            qn_warn(c, qn_is_given(p, "sigma") ? "sigma" : "lambda",
                    "the mean square of x - c grows: 2 lambda < d sigma^2 (%g < %g); single runs converge still up to sigma^2 = 2 lambda/(d-2), see `quench theory cbo`", 2 * s->lambda,
                    d * sigma2);
        else
            qn_warn(c, qn_is_given(p, "sigma") ? "sigma" : "lambda",
                    "x - c grows, in mean square (2 lambda < d sigma^2, %g < %g) and in single runs (2 lambda < (d-2) sigma^2, %g < %g)", 2 * s->lambda, d * sigma2, 2 * s->lambda,
                    (d - 2) * sigma2);
    }
    if (s->n == 1 && !cbo_single(s->method) && !(pulled && s->noise == CBO_CONSTANT) && s->method != CBO_METHOD_HOPPING)
        qn_warn(c, "N", "one particle is its own consensus and does not move");
}

static void check_batches(const qn_params *p, const cbo_settings *s, qn_problems *c)
{
    if (s->batch_size && s->n % s->batch_size)
        qn_complain(c, "batch_size", "%zu does not divide N = %zu; the particles are cut into equal blocks", s->batch_size, s->n);
    if (s->batch_size && s->batch_full && s->heaviside)
        qn_complain(c, "batch_update", "full moves particles whose f is not known at their place; heaviside needs it: take partial");
    if (qn_int(p, "data_batch") && s->heaviside)
        qn_complain(c, "data_batch", "heaviside compares f of two steps, which would be two functions");
    if (qn_is_given(p, "batch_update") && !s->batch_size)
        qn_warn(c, "batch_update", "has no part without batch_size");
    if (qn_is_given(p, "stop_patience") && !(s->stop_consensus > 0))
        qn_warn(c, "stop_patience", "has no part without stop_consensus");
}

static void check_alpha(const qn_params *p, const cbo_settings *s, qn_problems *c)
{
    bool infinite = isinf(s->alpha), neff = s->alpha_rule == CBO_ALPHA_NEFF;
    if (neff && cbo_single(s->method))
        qn_complain(c, "alpha_schedule", "neff chooses alpha by the ensemble, and %s follows one point", qn_text(p, "method"));
    if (infinite && s->method == CBO_METHOD_SAMPLING && !s->sampling_optimise)
        qn_complain(c, "alpha", "sampling from exp(-f) needs a finite alpha: its noise is 1/(1 + alpha)");
    if (isinf(s->tau) && (s->method == CBO_METHOD_PROXIMAL || s->method == CBO_METHOD_GRADIENT))
        qn_complain(c, "alpha", "%s steps by tau = alpha hop_width^2, which is infinite; give tau, or a finite alpha", qn_text(p, "method"));
    if (s->kernel_power && s->method == CBO_METHOD_POLARIZED && infinite)
        qn_complain(c, "kernel_power", "the kernel to the power alpha needs a finite alpha");
    if (s->implicit && !cbo_single(s->method) && !neff && (infinite || s->alpha == 0))
        qn_warn(c, "implicit", "the implicit gradient divides by alpha and does not exist at 0 and inf: its observables are NaN");
}

static double bytes_of(const cbo_settings *s, double d)
{
    double n = (double)s->n, own = 0;
    if (s->method == CBO_METHOD_SAMPLING || s->implicit)
        own = 8 * d * d;
    if (s->method == CBO_METHOD_MEMORY)
        own = 8 * (n + CBO_LANES) * (d + 1);
    if (s->batch_size)
        own = 8 * ((double)s->batch_size + CBO_LANES) * (d + 1) + 8 * n;
    return cbo_ensemble_bytes(n, d) + 8 * d * (3 * CBO_LANES + 6) + own;
}

void cbo_check(const qn_params *p, qn_problems *c)
{
    cbo_settings s;
    cbo_settings_read(p, &s);
    warn_pairs(p, c);
    check_objective(p, c);
    const cbo_objective_kind *kind = cbo_objective_kind_of(p);
    if (kind->check)
        kind->check(p, c);
    check_moves(p, &s, c);
    check_batches(p, &s, c);
    check_alpha(p, &s, c);
    if (s.start == CBO_START_UNIFORM && s.start_low > s.start_high)
        qn_complain(c, qn_is_given(p, "start_low") ? "start_low" : "start_high", "start_low = %g is above start_high = %g", s.start_low, s.start_high);
    double d = (double)cbo_dimension_of(p), bytes = bytes_of(&s, d), most = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    char need[32], have[32];
    if (bytes > most)
        qn_complain(c, qn_is_given(p, "N") ? "N" : "d", "%zu particles of d = %.0f coordinates need %s of memory, and this machine has %s", s.n, d, qn_human_bytes(bytes, need),
                    qn_human_bytes(most, have));
}

/* ---- cost ---------------------------------------------------------------------------------------------------------- */

void cbo_cost(const qn_params *p, qn_cost *c)
{
    cbo_settings s;
    cbo_settings_read(p, &s);
    const cbo_objective_kind *kind = cbo_objective_kind_of(p);
    double n = (double)s.n, d = (double)cbo_dimension_of(p);
    double value = kind->seconds ? kind->seconds(p) : 1e-9 * d, points = n;
    if (s.batch_size)
        points = (double)s.batch_size;
    c->step_s = 2e-7 + points * value + n * (2e-9 * d + 2e-9);
    if (s.method == CBO_METHOD_POLARIZED)
        c->step_s += 1e-9 * n * n * (d + 1);
    if (s.method == CBO_METHOD_SAMPLING)
        c->step_s += 5e-10 * n * d * d + 1e-10 * d * d * d;
    if (s.method == CBO_METHOD_PROXIMAL)
        c->step_s += 100 * (s.restarts + 1) * d * value;
    c->task_bytes = bytes_of(&s, d);
}
