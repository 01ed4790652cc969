/* variational_settings.c -- see variational_settings.h. */
#include "variational_settings.h"

#include <math.h>
#include <stdlib.h>

#include "outcome.h"
#include "theta.h"

static int64_t int_or(const qn_params *p, const char *name, bool release, int64_t def, int64_t of_release)
{
    return qn_is_set(p, name) ? qn_int(p, name) : release ? of_release : def;
}

static double real_or(const qn_params *p, const char *name, double def)
{
    return qn_is_set(p, name) ? qn_real(p, name) : def;
}

static int choice_or(const qn_params *p, const char *name, bool release, int def, int of_release)
{
    return qn_is_set(p, name) ? qn_choice(p, name) : release ? of_release : def;
}

static povm_task_kind task_of(const qn_params *p)
{
    return (povm_task_kind)qn_choice(p, "task");
}

static void read_shape(const qn_params *p, const povm_problem *problem, bool release, povm_shape *s)
{
    povm_task_kind task = task_of(p);
    *s = (povm_shape){.ansatz = (povm_ansatz)qn_choice(p, "ansatz"), .n = problem->lattice.n, .k = problem->frame.k, .d = (int)qn_int(p, "d"),
                      .f = (int)int_or(p, "f", release, 128, 16), .heads = (int)int_or(p, "heads", release, 4, 1), .layers = (int)qn_int(p, "layers"),
                      .norm = (povm_norm)qn_choice(p, "layer_norm")};
    s->hidden = (int)int_or(p, "hidden", false, s->ansatz == POVM_RBM ? 4 : 16, 0);
    povm_precision precision = (povm_precision)qn_choice(p, "precision");
    double c_stop = qn_real(p, "c_stop");
    bool fine = task == POVM_TDVP || (c_stop > 0 && c_stop < 1e-3); /* rounding of single precision leaves some 1e-4 in C */
    s->single = precision == POVM_SINGLE || (precision == POVM_AUTO && !fine);
}

void povm_variational_read(const qn_params *p, const povm_problem *problem, povm_variational *out)
{
    bool release = qn_choice(p, "preset") == POVM_PRESET_RELEASE, steady = task_of(p) == POVM_STEADY, fbt = task_of(p) == POVM_FBT;
    *out = (povm_variational){.strings = (int)qn_int(p, "strings"), .init_scale = qn_real(p, "init_scale"), 
                              .from = qn_is_set(p, "from") ? qn_text(p, "from") : NULL};
    read_shape(p, problem, release, &out->shape);
    out->init_noise = real_or(p, "init_noise", out->shape.ansatz == POVM_RBM ? 0.1 : 1e-3);
    out->batch = (size_t)int_or(p, "batch", release, 1024, steady ? 10000 : 100);
    out->samples = (size_t)qn_int(p, "samples");
    out->c_samples = (size_t)qn_int(p, "c_samples");
    out->inner = int_or(p, "inner", release, 200, 120);
    out->decay = qn_int(p, "decay");
    out->restarts = qn_int(p, "restarts");
    out->patience = qn_int(p, "patience");
    out->polish = qn_bool(p, "polish");
    out->lr = real_or(p, "lr", steady && !release ? 2e-2 : 1e-2);
    out->lr_final = qn_real(p, "lr_final");
    out->beta1 = qn_real(p, "beta1");
    out->beta2 = real_or(p, "beta2", steady && !release ? 0.999 : 0.98);
    out->averaging = qn_real(p, "averaging");
    out->c_stop = qn_real(p, "c_stop");
    out->polish_step = qn_real(p, "polish_step");
    out->continuation_lr = qn_real(p, "continuation_lr");
    out->schedule = (povm_schedule)choice_or(p, "lr_schedule", release, POVM_LR_COSINE, fbt ? POVM_LR_HALVE : POVM_LR_CONSTANT);
    out->norm = (povm_objective_norm)qn_choice(p, "norm");
    out->proposal = steady ? POVM_Q_CURRENT : (povm_proposal)choice_or(p, "proposal", release, POVM_Q_MIX, POVM_Q_CURRENT);
    out->report = (povm_report)choice_or(p, "report", release && steady, POVM_REPORT_LAST, POVM_REPORT_BEST);
    out->control_variate = qn_is_set(p, "control_variate") ? qn_bool(p, "control_variate") : !release;
    out->enumerate = qn_bool(p, "enumerate");
    out->continuation = qn_bool(p, "continuation");
    out->tol = qn_real(p, "tol");
    out->eps_ev = qn_real(p, "eps_ev");
    out->eps_snr = qn_real(p, "eps_snr");
    out->eps_diagonal = qn_real(p, "eps_diagonal");
    out->regularisation = (povm_regularisation)qn_choice(p, "regularisation");
    out->space = (povm_space)qn_choice(p, "space");
    out->target = (povm_target)qn_choice(p, "target");
    out->target_t = qn_real(p, "target_t");
    out->fit_norm = (povm_fit_norm)qn_choice(p, "fit_norm");
    out->chains = (int)qn_int(p, "chains");
    out->burn_in = (int)qn_int(p, "burn_in");
    out->thinning = (int)qn_int(p, "thinning");
}

/* ---- what is wrong -------------------------------------------------------------------------------------------------- */

static void check_ansatz(const qn_params *p, const povm_problem *problem, const povm_variational *v, qn_problems *c)
{
    povm_task_kind task = task_of(p);
    const povm_shape *s = &v->shape;
    size_t all = povm_outcome_count(s->n, s->k);
    if (s->ansatz == POVM_TRANSFORMER && s->d % s->heads)
        qn_complain(c, "heads", "%d heads do not divide the width d = %d; a divisor of d was expected", s->heads, s->d);
    if ((s->ansatz == POVM_MADE || s->ansatz == POVM_GRU) && s->layers > 2)
        qn_complain(c, "layers", "%s has one or two layers, not %d", qn_text(p, "ansatz"), s->layers);
    if (s->ansatz == POVM_TABLE && all > POVM_MOST_STRINGS)
        qn_complain(c, "ansatz", "a table of %d^%d strings is too long; at most %d, or another ansatz", s->k, s->n, POVM_MOST_STRINGS);
    if (s->ansatz == POVM_RBM && task != POVM_STEADY)
        qn_complain(c, "ansatz", "rbm has no normalised probabilities: it serves `task: steady` alone");
    if (s->ansatz == POVM_RBM && v->strings > 1)
        qn_complain(c, "strings", "rbm has no order of sites; strings: 1 was expected");
    if (s->ansatz == POVM_RBM && v->enumerate)
        qn_complain(c, "enumerate", "rbm is sampled by Metropolis; enumerate: false was expected");
    if (s->ansatz == POVM_RBM && v->batch % (size_t)v->chains)
        qn_complain(c, "chains", "%d chains do not divide the batch of %zu strings", v->chains, v->batch);
    if (v->enumerate && all > POVM_MOST_STRINGS)
        qn_complain(c, "enumerate", "%d^%d strings are too many to sum over; at most %d", s->k, s->n, POVM_MOST_STRINGS);
    if (problem->frame.kind == POVM_PAULI6 && task != POVM_FIT && !qn_bool(p, "allow_redundant"))
        qn_complain(c, "povm", "pauli6 has directions outside the states, where this task finds spurious stationary states; another povm, or allow_redundant: true");
    if (s->norm != POVM_NO_NORM && s->ansatz != POVM_TRANSFORMER)
        qn_warn(c, "layer_norm", "only a transformer has it");
    if (v->strings > 1 && (s->ansatz == POVM_PRODUCT || s->ansatz == POVM_TABLE))
        qn_warn(c, "strings", "an average over orders of sites of a %s", s->ansatz == POVM_PRODUCT ? "product is no product" : "table is slower and no richer");
}

static void check_method(const qn_params *p, const povm_variational *v, qn_problems *c)
{
    povm_task_kind task = task_of(p);
    if (task != POVM_STEADY && v->report == POVM_REPORT_BEST)
        qn_complain(c, "report", "best belongs to steady; last or average were expected");
    if (task == POVM_FIT && v->target != POVM_TARGET_PRODUCT && povm_outcome_count(v->shape.n, v->shape.k) > POVM_MOST_STRINGS)
        qn_complain(c, "target", "an exact state of %d^%d outcome strings is too large to be fitted; at most %d", v->shape.k, v->shape.n, POVM_MOST_STRINGS);
    if (v->polish && v->shape.ansatz == POVM_RBM)
        qn_complain(c, "polish", "not for rbm; false was expected");
    if (v->polish && task != POVM_STEADY)
        qn_warn(c, "polish", "only steady has it");
    if (v->restarts > 0 && task != POVM_STEADY && task != POVM_FIT)
        qn_warn(c, "restarts", "only steady and fit have periods that can start again");
    if (v->c_samples > v->samples && !v->enumerate)
        qn_warn(c, "c_samples", "more strings for C than for the observables");
}

/* The file of `from`: of this network, and of these orders of the sites.  Nothing is said where those are wrong themselves. */
static void check_from(const qn_params *p, const povm_problem *problem, const povm_variational *v, qn_problems *c)
{
    povm_shape s = v->shape;
    int *order = NULL;
    if (v->strings > 1) {
        s.orders = povm_lattice_orders(&problem->lattice, v->strings, &order);
        s.order = order;
    }
    if (povm_theta_read(p, &s, problem->frame.kind, povm_variational_parameters(v), 0, NULL))
        qn_complain(c, "from", "%s", qn_error_text());
    free(order);
}

void povm_variational_check(const qn_params *p, const povm_problem *problem, qn_problems *c)
{
    povm_variational v;
    povm_variational_read(p, problem, &v);
    check_ansatz(p, problem, &v, c);
    check_method(p, &v, c);
    if (v.from)
        check_from(p, problem, &v, c);
}

/* ---- what it costs -------------------------------------------------------------------------------------------------- */

size_t povm_variational_parameters(const povm_variational *v)
{
    povm_tensor tensor[POVM_MAX_TENSORS];
    size_t n = povm_net_methods_of(v->shape.ansatz)->tensors(&v->shape, tensor);
    return tensor[n - 1].first + tensor[n - 1].count;
}

/* Multiply-adds of one position of the net. */
static double position_flops(const povm_shape *s)
{
    double d = s->d, n = s->n;
    switch (s->ansatz) {
    case POVM_TRANSFORMER:
        return s->layers * (4 * d * d + 2 * d * s->f + n * d) + 8 * d;
    case POVM_GRU:
        return s->layers * 6 * d * d + 8 * d;
    case POVM_MADE:
        return n * s->k * s->hidden * 2 + (s->layers - 1) * n * s->hidden * s->hidden;
    case POVM_RBM:
        return n * s->hidden * 4;
    case POVM_PRODUCT:
    case POVM_TABLE:
        break;
    }
    return 8;
}

/* Positions that are worked out anew for all neighbours of a string: the last one that a term touches is about uniform over the sites. */
static double positions(const povm_problem *problem)
{
    double n = problem->lattice.n, k1 = problem->frame.k - 1;
    return n + k1 * n * (n - 1) / 2 + (problem->generator.has_two ? k1 * k1 * problem->lattice.n_bonds * (n - 1) / 3 : 0);
}

double povm_variational_seconds(const povm_variational *v, const povm_problem *problem, double strings)
{
    double count = v->enumerate ? (double)povm_outcome_count(v->shape.n, v->shape.k) * v->shape.n : strings * positions(problem);
    return 4 * count * position_flops(&v->shape) * v->strings * (v->shape.single ? 1.2e-11 : 2.4e-11);
}

double povm_variational_bytes(const povm_variational *v, const povm_problem *problem)
{
    double all = v->enumerate ? (double)povm_outcome_count(v->shape.n, v->shape.k) : 0, bonds = problem->lattice.n_bonds, k = v->shape.k, n = v->shape.n;
    return 16 * (double)v->batch * (n * k + bonds * k * k + n) + all * 40 + 8 * (2 * POVM_SLOTS + 10) * (double)povm_variational_parameters(v);
}
