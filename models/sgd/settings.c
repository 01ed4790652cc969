/* settings.c -- the table of parameters; reading, checking and pricing those of a point (see settings.h). */
#include "settings.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "state.h"
#include "text.h"
#include "theory.h"

const qn_param sgd_parameters[] = {
    /* the net and its data */
    {.name = "net", .type = QN_CHOICE, .def = "perceptron", .choices = "perceptron|linear|diagonal|mlp|kernel", .unit = "1", .flags = QN_DISORDER,
     .meaning = "f = w.x/sqrt(d); w.x; (u^depth - v^depth).x; a net with hidden layers; the same with the tangent kernel of its start"},
    {.name = "d", .type = QN_INT, .def = "32", .min = 1, .max = 1000000, .unit = "1", .flags = QN_DISORDER, .meaning = "number of inputs"},
    {.name = "P", .type = QN_INT, .def = "1024", .min = 0, .max = 2147483647, .unit = "1", .flags = QN_DISORDER,
     .meaning = "number of training points; 0: online, a fresh point at every draw"},
    {.name = "chi", .type = QN_REAL, .def = "0", .min = -1, .max = 100, .unit = "1", .symbol = "χ", .flags = QN_DISORDER | QN_MIN_OPEN,
     .meaning = "perceptron: density |x1|^chi exp(-x1^2/2) of the input that decides the class"},
    {.name = "sigma", .type = QN_REAL, .def = "0", .min = 0, .max = 1e6, .unit = "1", .symbol = "σ", .flags = QN_DISORDER, .meaning = "linear, diagonal: standard deviation of the noise on the labels"},
    {.name = "spectrum_decay", .type = QN_REAL, .def = "0", .min = 0, .max = 10, .unit = "1", .symbol = "a", .flags = QN_DISORDER, .meaning = "linear: variance k^{-a} of input k = 1..d"},
    {.name = "depth", .type = QN_INT, .min = 1, .max = 16, .unit = "1", .flags = QN_DISORDER, .meaning = "mlp, kernel: hidden layers (unset: 1); diagonal: power of the weights (unset: 2)"},
    {.name = "sparsity", .type = QN_INT, .def = "5", .min = 1, .max = 1000000, .unit = "1", .flags = QN_DISORDER,
     .meaning = "diagonal: entries of the teacher that are not 0, each +-1/sqrt(sparsity)"},
    {.name = "s", .type = QN_REAL, .min = 0, .max = 1e6, .unit = "1", .flags = QN_DISORDER,
     .meaning = "scale of the first weights: N(0, s^2) of the perceptron (unset: 0), u = v = s of diagonal, N(0, s^2) of mlp (unset: 1)"},

    /* nets with hidden layers */
    {.name = "data", .type = QN_TEXT, .def = "stripe", .unit = "1", .flags = QN_DISORDER | QN_DATA,
     .meaning = "mlp, kernel: stripe, sign, boundary:CHI, teacher:linear, teacher:relu:K, quadratic, clusters:C[:linear|xor|parity], mnist:parity, cifar10:animal, or mnist, fashion, cifar10, idx with labels of two classes (idx:0,1/2,3)"},
    {.name = "h", .type = QN_INT, .def = "64", .min = 1, .max = 100000, .unit = "1", .flags = QN_DISORDER, .meaning = "units of a hidden layer"},
    {.name = "activation", .type = QN_CHOICE, .def = "relu", .choices = "relu|tanh|linear|quad", .unit = "1", .flags = QN_DISORDER, .meaning = "phi of hidden units; quad: z + eps z^2/2"},
    {.name = "eps", .type = QN_REAL, .def = "0.25", .min = 0, .max = 1e6, .unit = "1", .symbol = "ε", .flags = QN_DISORDER, .meaning = "activation quad: its curvature"},
    {.name = "normalise", .type = QN_BOOL, .def = "true", .unit = "1", .flags = QN_DISORDER, .meaning = "phi in units of the square root of E phi(z)^2, z ~ N(0,1)"},
    {.name = "q", .type = QN_REAL, .def = "0.5", .min = 0, .max = 1, .unit = "1", .symbol = "q", .flags = QN_DISORDER, .meaning = "f = v.a/h^q: 0.5 tangent-kernel scaling, 1 mean-field scaling"},
    {.name = "shared_readout", .type = QN_BOOL, .def = "false", .unit = "1", .flags = QN_DISORDER, .meaning = "v = 1, not trained"},
    {.name = "images", .type = QN_PATH, .flags = QN_DISORDER | QN_DATA, .meaning = "IDX or CIFAR-10 (binary) file of images, plain or .gz"},
    {.name = "labels", .type = QN_PATH, .flags = QN_DISORDER | QN_DATA, .meaning = "IDX file of their labels"},
    {.name = "test_images", .type = QN_PATH, .flags = QN_DISORDER | QN_DATA, .meaning = "more images, pooled with the others: a task splits them afresh"},
    {.name = "test_labels", .type = QN_PATH, .flags = QN_DISORDER | QN_DATA, .meaning = "their labels"},
    {.name = "tests", .type = QN_INT, .min = 0, .max = 10000000, .unit = "1", .flags = QN_DISORDER, .meaning = "test points (unset: 2048; of files all that are left)"},
    {.name = "separation", .type = QN_REAL, .def = "1", .min = 0, .max = 1e6, .unit = "1", .flags = QN_DISORDER, .meaning = "clusters: root mean square input of a condition's centre"},
    {.name = "noise", .type = QN_REAL, .def = "0.5", .min = 0, .max = 1e6, .unit = "1", .flags = QN_DISORDER, .meaning = "clusters: standard deviation of the noise in each input"},
    {.name = "bias", .type = QN_REAL, .def = "0", .min = 0, .max = 1e6, .unit = "1", .flags = QN_DISORDER, .meaning = "mlp, kernel: adds to z of the first hidden layer this times a weight of its own, by a constant input; 0: none"},
    {.name = "precision", .type = QN_CHOICE, .def = "f32", .choices = "f32|f64", .unit = "1", .meaning = "mlp: of weights in training; the weights' change is kept apart in both"},
    {.name = "deterministic", .type = QN_BOOL, .def = "true", .unit = "1", .meaning = "mlp: products in a fixed order, the same bits on every CPU; false: by the CBLAS"},
    {.name = "n_kernel", .type = QN_INT, .def = "200", .min = 0, .max = 4096, .unit = "1", .meaning = "training points of the tangent kernel that is measured; 0: none"},
    {.name = "centred", .type = QN_BOOL, .def = "true", .unit = "1", .meaning = "kta of the centred kernel"},
    {.name = "spectrum", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "keep the eigenvalues of the last tangent kernel"},
    {.name = "ntk_angles", .type = QN_INT, .def = "0", .min = 0, .max = 1000, .unit = "1",
     .meaning = "mlp: number of angles, from 0 to 180 degrees, at which the tangent kernel between two inputs of |x|^2 = d is kept"},
    {.name = "hessian", .type = QN_CHOICE, .def = "none", .choices = "none|gauss_newton|full", .unit = "1",
     .meaning = "diagonal, mlp: curvature of a smooth loss: none; its Gauss-Newton part, exact; mlp: all of it, by random probes (of relu, the kinks count as 0)"},
    {.name = "probes", .type = QN_INT, .def = "32", .min = 2, .max = 100000, .unit = "1", .meaning = "hessian full: random vectors"},
    {.name = "geometry", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "mlp: alignments of the last hidden layer; of clusters also parallelism and ccgp"},
    {.name = "grok_threshold", .type = QN_REAL, .def = "0.1", .min = 0, .max = 1e6, .unit = "1", .meaning = "loss square: the share of E y^2 below which t_train and t_test count; 0: not kept"},

    /* the loss */
    {.name = "loss", .type = QN_CHOICE, .choices = "hinge|quadratic_hinge|soft_hinge|square", .unit = "1",
     .meaning = "l(y F)/alpha with max(0, m-u), its square by 2, softness log(1+exp((m-u)/softness)); (F-y)^2/(2 alpha^2); unset: hinge, of regressions square"},
    {.name = "alpha", .type = QN_REAL, .def = "1", .min = 0, .max = 1e15, .unit = "1", .symbol = "α", .flags = QN_MIN_OPEN, .meaning = "scale of the predictor F = alpha (f - f0)"},
    {.name = "margin", .type = QN_REAL, .def = "1", .min = 0, .max = 1e6, .unit = "1", .symbol = "m", .flags = QN_MIN_OPEN, .meaning = "a point is fitted when y F reaches it"},
    {.name = "softness", .type = QN_REAL, .def = "0.1", .min = 0, .max = 1e6, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "soft_hinge: width of its corner"},
    {.name = "half", .type = QN_BOOL, .def = "true", .unit = "1", .meaning = "square: (F-y)^2/(2 alpha^2); false: (F-y)^2"},
    {.name = "subtract_init", .type = QN_BOOL, .unit = "1", .meaning = "F = alpha (f - f0), f0 at the first weights; unset: true, of regressions false"},

    /* the dynamics */
    {.name = "dynamics", .type = QN_CHOICE, .def = "sgd", .choices = "sgd|flow|event|chain", .unit = "1",
     .meaning = "steps on batches; gradient flow (also where T is 0); the hinge without its idle steps, same law; the online perceptron's (w1, r) alone, same law"},
    {.name = "T", .type = QN_REAL, .def = "1", .min = 0, .max = 1e12, .unit = "1", .symbol = "T", .meaning = "temperature eta/B; 0: gradient flow"},
    {.name = "B", .type = QN_INT, .def = "1", .min = 1, .max = 2147483647, .unit = "1", .symbol = "B", .meaning = "points of a batch"},
    {.name = "eta", .type = QN_REAL, .min = 0, .max = 1e15, .unit = "1", .symbol = "η", .flags = QN_MIN_OPEN, .meaning = "step; unset: T B.  Of T, B and eta at most two"},
    {.name = "batch", .type = QN_CHOICE, .def = "without", .choices = "without|with|epoch", .unit = "1",
     .meaning = "B different points afresh at each step (B = P: gradient descent); independent draws; a random order walked through"},
    {.name = "delta", .type = QN_REAL, .def = "0.2", .min = 0, .max = 10, .unit = "1", .symbol = "δ", .flags = QN_MIN_OPEN,
     .meaning = "flow of the hinge: a step moves no F by more than about this; extrapolate from two values"},
    {.name = "tol", .type = QN_REAL, .def = "1e-3", .min = 0, .max = 1, .unit = "1", .flags = QN_MIN_OPEN, .meaning = "flow of a smooth loss: error of F accepted in one step"},
    {.name = "max_time", .type = QN_REAL, .def = "inf", .min = 0, .max = 1e300, .unit = "1", .flags = QN_MIN_OPEN | QN_INFINITE, .meaning = "time t = eta steps at which a task ends; `sampling: steps` is the other limit"},
    {.name = "stop_loss", .type = QN_REAL, .def = "0", .min = 0, .max = 1e300, .unit = "1", .meaning = "training loss below which a task ends as fitted; 0: no such rule"},
    {.name = "stability", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "linear, diagonal, mlp, P > 0: find eta_critical of the last weights; P up to 200 (linear: or d)"},
    {.name = NULL},
};

static double real_or(const qn_params *p, const char *name, double unset)
{
    return qn_is_set(p, name) ? qn_real(p, name) : unset;
}

/* T, B and eta of the two that are given. */
static void read_rates(const qn_params *p, sgd_settings *s)
{
    s->b = (size_t)qn_int(p, "B");
    s->temperature = qn_real(p, "T");
    bool eta = qn_is_set(p, "eta"), t = qn_is_given(p, "T"), b = qn_is_given(p, "B");
    if (eta && t && !b && s->temperature > 0) {
        double ratio = fmin(fmax(nearbyint(qn_real(p, "eta") / s->temperature), 1), 2147483647);
        s->b = (size_t)ratio;
    } else if (eta && !t) {
        s->temperature = qn_real(p, "eta") / (double)s->b;
    }
    s->eta = eta ? qn_real(p, "eta") : s->temperature * (double)s->b;
}

void sgd_settings_read(const qn_params *p, sgd_settings *s)
{
    *s = (sgd_settings){
        .net = (sgd_net_kind)qn_choice(p, "net"),
        .dynamics = (sgd_dynamics)qn_choice(p, "dynamics"),
        .batching = (sgd_batching)qn_choice(p, "batch"),
        .d = (size_t)qn_int(p, "d"),
        .p = (size_t)qn_int(p, "P"),
        .chi = qn_real(p, "chi"),
        .sigma = qn_real(p, "sigma"),
        .decay = qn_real(p, "spectrum_decay"),
        .depth = qn_is_set(p, "depth") ? (size_t)qn_int(p, "depth") : 2,
        .sparsity = (size_t)qn_int(p, "sparsity"),
        .loss = {.alpha = qn_real(p, "alpha"), .margin = qn_real(p, "margin"), .softness = qn_real(p, "softness"), .half = qn_bool(p, "half")},
        .delta = qn_real(p, "delta"),
        .tol = qn_real(p, "tol"),
        .max_time = qn_real(p, "max_time"),
        .stop_loss = qn_real(p, "stop_loss"),
        .hessian = (sgd_curvature)qn_choice(p, "hessian"),
        .stability = qn_bool(p, "stability"),
    };
    bool deep = s->net == SGD_MLP || s->net == SGD_KERNEL;
    if (deep)
        sgd_deep_read(p, s);
    bool regression = deep ? s->deep.known && sgd_source_real(&s->deep.source) : s->net != SGD_PERCEPTRON;
    s->loss.kind = qn_is_set(p, "loss") ? (sgd_loss_kind)qn_choice(p, "loss") : regression ? SGD_SQUARE : SGD_HINGE;
    s->subtract = qn_is_set(p, "subtract_init") ? qn_bool(p, "subtract_init") : !regression;
    s->deep.classes = s->loss.kind != SGD_SQUARE || !regression;
    s->scale = real_or(p, "s", s->net == SGD_PERCEPTRON ? 0 : 1);
    read_rates(p, s);
    if (s->temperature == 0 && s->dynamics != SGD_CHAIN)
        s->dynamics = SGD_FLOW;
    if (s->dynamics == SGD_FLOW)
        s->temperature = s->eta = 0;
}

/* ---- check ---- */

static const char *const net_name[] = {"perceptron", "linear", "diagonal", "mlp", "kernel"};
#define DEEP (1u << SGD_MLP | 1u << SGD_KERNEL)

/* Parameters that mean something with some nets only (bits by sgd_net_kind). */
static const struct {
    const char *name, *nets;
    unsigned of;
} of_nets[] = {
    {"chi", "net: perceptron", 1u << SGD_PERCEPTRON},
    {"margin", "net: perceptron, mlp or kernel", 1u << SGD_PERCEPTRON | DEEP},
    {"softness", "net: perceptron, mlp or kernel", 1u << SGD_PERCEPTRON | DEEP},
    {"alpha", "net: perceptron, mlp or kernel (the scale s of diagonal does the same)", 1u << SGD_PERCEPTRON | DEEP},
    {"subtract_init", "net: perceptron, mlp or kernel", 1u << SGD_PERCEPTRON | DEEP},
    {"sigma", "net: linear or diagonal", 1u << SGD_LINEAR | 1u << SGD_DIAGONAL},
    {"spectrum_decay", "net: linear", 1u << SGD_LINEAR},
    {"stability", "net: linear, diagonal or mlp", 1u << SGD_LINEAR | 1u << SGD_DIAGONAL | 1u << SGD_MLP},
    {"depth", "net: diagonal, mlp or kernel", 1u << SGD_DIAGONAL | DEEP},
    {"sparsity", "net: diagonal", 1u << SGD_DIAGONAL},
    {"s", "net: perceptron, diagonal, mlp or kernel", 1u << SGD_PERCEPTRON | 1u << SGD_DIAGONAL | DEEP},
    {"data", "net: mlp or kernel", DEEP},
    {"h", "net: mlp or kernel", DEEP},
    {"activation", "net: mlp or kernel", DEEP},
    {"eps", "net: mlp or kernel", DEEP},
    {"normalise", "net: mlp or kernel", DEEP},
    {"q", "net: mlp or kernel", DEEP},
    {"shared_readout", "net: mlp or kernel", DEEP},
    {"images", "net: mlp or kernel", DEEP},
    {"labels", "net: mlp or kernel", DEEP},
    {"test_images", "net: mlp or kernel", DEEP},
    {"test_labels", "net: mlp or kernel", DEEP},
    {"tests", "net: mlp or kernel", DEEP},
    {"separation", "net: mlp or kernel", DEEP},
    {"noise", "net: mlp or kernel", DEEP},
    {"bias", "net: mlp or kernel", DEEP},
    {"precision", "net: mlp", 1u << SGD_MLP},
    {"deterministic", "net: mlp", 1u << SGD_MLP},
    {"n_kernel", "net: mlp or kernel", DEEP},
    {"centred", "net: mlp or kernel", DEEP},
    {"spectrum", "net: mlp or kernel", DEEP},
    {"ntk_angles", "net: mlp", 1u << SGD_MLP},
    {"hessian", "net: diagonal or mlp", 1u << SGD_DIAGONAL | 1u << SGD_MLP},
    {"probes", "net: mlp", 1u << SGD_MLP},
    {"geometry", "net: mlp", 1u << SGD_MLP},
    {"grok_threshold", "net: mlp or kernel", DEEP},
};

static void check_meaning(const qn_params *p, const sgd_settings *s, qn_problems *c)
{
    for (size_t i = 0; i < sizeof of_nets / sizeof *of_nets; i++)
        if (qn_is_given(p, of_nets[i].name) && !(of_nets[i].of & 1u << s->net))
            qn_complain(c, of_nets[i].name, "has a meaning with %s only, and net is %s", of_nets[i].nets, net_name[s->net]);
    if (qn_is_given(p, "softness") && s->loss.kind != SGD_SOFT_HINGE)
        qn_complain(c, "softness", "has a meaning with loss: soft_hinge only");
    if (qn_is_given(p, "half") && s->loss.kind != SGD_SQUARE)
        qn_complain(c, "half", "has a meaning with loss: square only");
    if ((s->net == SGD_LINEAR || s->net == SGD_DIAGONAL) && s->loss.kind != SGD_SQUARE)
        qn_complain(c, "loss", "net: %s has real labels; its loss is square", net_name[s->net]);
    if (s->net == SGD_DIAGONAL && s->sparsity > s->d)
        qn_complain(c, "sparsity", "%zu is more than the d = %zu entries that there are", s->sparsity, s->d);
    if (s->net == SGD_PERCEPTRON && s->d < 2)
        qn_complain(c, "d", "%zu: the perceptron has one informative input and at least one other; d must be 2 or more", s->d);
    if (s->net == SGD_PERCEPTRON && qn_is_set(p, "s") && qn_real(p, "s") > 0 && s->subtract && s->dynamics == SGD_CHAIN)
        qn_complain(c, "s", "%g: the reduced chain knows w alone, which starts from 0 where f0 is subtracted", s->scale);
}

static void check_curvature(const sgd_settings *s, qn_problems *c)
{
    const char *of = s->stability ? "stability" : "hessian";
    size_t size = s->net == SGD_LINEAR && s->d < s->p ? s->d : s->p;
    if (s->stability && (s->p == 0 || size > SGD_MOST_STABILITY))
        qn_complain(c, "stability", "needs P > 0 points of which P (linear: or d) is at most %d, for matrices of that size", SGD_MOST_STABILITY);
    if (s->stability && s->dynamics == SGD_FLOW)
        qn_complain(c, "stability", "gradient flow has no step that could be too large; give T or eta above 0");
    if ((s->hessian || s->stability) && s->loss.kind == SGD_HINGE)
        qn_complain(c, of, "the hinge has no curvature; take loss: square or another smooth one");
    if (s->hessian && s->net == SGD_KERNEL)
        qn_complain(c, "hessian", "net: kernel is linear in its weights: its curvature is that of net: mlp at the start");
    if (s->hessian && s->p == 0)
        qn_complain(c, "hessian", "needs training points, and P is 0");
    if (s->hessian == SGD_FULL_HESSIAN && s->net == SGD_DIAGONAL)
        qn_complain(c, "hessian", "of net: diagonal only the gauss_newton part is known");
    if (s->hessian == SGD_GAUSS_NEWTON && s->p > 4096)
        qn_complain(c, "hessian", "gauss_newton takes the Gram matrix of all P = %zu points; from P = 4097 on take full", s->p);
}

static void check_rates(const qn_params *p, const sgd_settings *s, qn_problems *c)
{
    if (qn_is_given(p, "T") && qn_is_given(p, "B") && qn_is_given(p, "eta")) {
        qn_complain(c, "eta", "T, B and eta are all given, and eta = T B; leave one of them out");
        return;
    }
    if (qn_is_given(p, "T") && qn_is_given(p, "eta") && qn_real(p, "T") > 0) {
        double ratio = qn_real(p, "eta") / qn_real(p, "T");
        if (ratio > 2147483647 || fabs(ratio - (double)s->b) > 1e-9 * ratio)
            qn_complain(c, "eta", "%g at T = %g makes batches of B = eta/T = %g points; B must be a whole number from 1", qn_real(p, "eta"), qn_real(p, "T"), ratio);
    }
    if (s->dynamics == SGD_FLOW && qn_is_given(p, "eta"))
        qn_complain(c, "eta", "gradient flow chooses its own steps; leave eta out, or give T above 0 with another dynamics");
    if (qn_choice(p, "dynamics") == SGD_FLOW && qn_is_given(p, "T") && qn_real(p, "T") > 0)
        qn_complain(c, "T", "%g, but dynamics: flow is at T = 0; leave T out, or take dynamics: sgd", qn_real(p, "T"));
    if (qn_choice(p, "dynamics") == SGD_CHAIN && s->temperature == 0)
        qn_complain(c, "T", "0: the reduced chain has steps of eta = T B; `quench theory sgd` has the flow");
    if (s->p > 0 && s->b > s->p && s->dynamics != SGD_FLOW)
        qn_complain(c, "B", "%zu points of %zu; B must be at most P", s->b, s->p);
}

static void check_dynamics(const qn_params *p, const sgd_settings *s, qn_problems *c)
{
    const sgd_net *net = sgd_net_of(s);
    bool hinge = s->loss.kind == SGD_HINGE;
    if (s->p == 0 && s->dynamics == SGD_FLOW)
        qn_complain(c, "P", "0: gradient flow needs training points; online, T must be above 0");
    if (s->p == 0 && s->dynamics == SGD_EVENT)
        qn_complain(c, "dynamics", "event needs a list of training points, and P is 0; take chain or sgd");
    if (s->p == 0 && qn_is_given(p, "batch"))
        qn_complain(c, "batch", "has no meaning where P is 0: every draw is a fresh point");
    if (s->p == 0 && s->stop_loss > 0)
        qn_complain(c, "stop_loss", "needs training points, and P is 0");
    if (s->dynamics == SGD_EVENT && (!hinge || !net->pick))
        qn_complain(c, "dynamics", "event leaves out the steps in which the hinge is 0; take it with loss: hinge and a net that keeps margins (perceptron)");
    if (s->dynamics == SGD_EVENT && s->batching == SGD_EPOCH)
        qn_complain(c, "batch", "epoch: successive batches depend on each other, so that idle steps cannot be left out; take with or without");
    if (s->dynamics == SGD_CHAIN && (s->net != SGD_PERCEPTRON || s->p > 0 || !hinge))
        qn_complain(c, "dynamics", "chain is the online perceptron of the hinge: net: perceptron, P: 0, loss: hinge");
    if (s->dynamics == SGD_CHAIN && s->d < 3)
        qn_complain(c, "d", "%zu: the reduced chain needs directions beside w1 and r; d must be 3 or more", s->d);
    if (s->dynamics == SGD_FLOW && (hinge ? !net->kernel_max : !net->descend))
        qn_complain(c, "dynamics", "net: %s has no gradient flow of this loss", net->name);
    if (qn_is_given(p, "delta") && !hinge)
        qn_complain(c, "delta", "has a meaning with loss: hinge only; smooth losses take tol");
    if (qn_is_given(p, "tol") && hinge)
        qn_complain(c, "tol", "has a meaning with smooth losses only; the hinge takes delta");
}

static double bytes_of(const sgd_settings *s)
{
    return sgd_net_of(s)->bytes(s) + 8 * (double)s->p;
}

void sgd_check(const qn_params *p, qn_problems *c)
{
    sgd_settings s;
    sgd_settings_read(p, &s);
    check_meaning(p, &s, c);
    check_rates(p, &s, c);
    check_curvature(&s, c);
    check_dynamics(p, &s, c);
    const sgd_net *net = sgd_net_of(&s);
    if (net->check)
        net->check(p, &s, c);
    double bytes = bytes_of(&s), most = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    char need[32], have[32];
    if (bytes > most)
        qn_complain(c, "P", "%zu points of d = %zu inputs need %s of memory, and this machine has %s; lower P or d", s.p, s.d, qn_human_bytes(bytes, need),
                    qn_human_bytes(most, have));
}

void sgd_cost(const qn_params *p, qn_cost *c)
{
    sgd_settings s;
    sgd_settings_read(p, &s);
    c->step_s = sgd_net_of(&s)->step_seconds(&s);
    c->task_bytes = bytes_of(&s);
}
