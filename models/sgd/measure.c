/* measure.c -- the observables common to all nets, and when they exist. */
#include <math.h>
#include <string.h>

#include "state.h"

#define CURVE(o, label, text) {.name = o, .kind = QN_CURVE, .dims = {QN_DIM_TIME}, .unit = "1", .symbol = label, .meaning = text}
#define OUTCOME(o, label, text) {.name = o, .kind = QN_OUTCOME, .unit = "1", .symbol = label, .meaning = text}

const qn_observable sgd_observables[] = {
    [SGD_O_T] = CURVE("t", "t", "time: eta times the number of steps, or the sum of the flow's steps"),
    [SGD_O_TRAIN_LOSS] = CURVE("train_loss", "L_{train}", "mean loss of the training points; online: of all points"),
    [SGD_O_TRAIN_ERR] = CURVE("train_err", "ε_{train}", "share of training points with y F <= 0; online: of all points"),
    [SGD_O_TEST_LOSS] = CURVE("test_loss", "L_{test}", "mean loss of all points: exact; mlp, kernel: of the test points"),
    [SGD_O_TEST_ERR] = CURVE("test_err", "ε_{test}", "share of all points with y F <= 0: exact; mlp, kernel: of the test points"),
    [SGD_O_UNFITTED] = CURVE("n_unfitted", "n(t)", "share of training points with y F below the margin; online: of all points"),
    [SGD_O_MARGIN_MIN] = CURVE("margin_min", "min y F", "smallest y F of a training point"),
    [SGD_O_W_SIGNAL] = CURVE("w_signal", "w_1", "weights along the informative direction (w1; of regressions along the teacher)"),
    [SGD_O_W_NOISE] = CURVE("w_noise", "r", "length of the rest of the weights"),
    [SGD_O_LAMBDA] = CURVE("lambda", "λ", "w_signal by w_noise"),
    [SGD_O_DW] = CURVE("dw", "|w - w_0|", "distance from the first weights"),
    [SGD_O_DW_REL] = CURVE("dw_rel", "|w - w_0|/|w_0|", "distance from the first weights, in units of their length"),
    [SGD_O_NOISE_TRACE] = CURVE("noise_trace", "tr Σ", "trace of the covariance of the gradient over points"),
    [SGD_O_NOISE_SIGNAL] = CURVE("noise_signal", "|g|^2", "squared length of the mean gradient"),
    [SGD_O_EXCESS] = {.name = "excess", .kind = QN_SERIES, .unit = "1", .symbol = "E(f-w*x)^2", .meaning = "excess risk E (f - w*.x)^2, as a stationary series"},
    [SGD_O_T_STAR] = OUTCOME("t_star", "t*", "time of the last update of a fitted task, NaN of others"),
    [SGD_O_STATUS] = OUTCOME("status", "status", "0 fitted, 1 out of time or steps, 2 diverged, 3 dead"),
    [SGD_O_FITTED] = {.name = "fitted", .kind = QN_OUTCOME, .unit = "1", .symbol = "P_{fit}", .meaning = "all training points fitted (status 0)", .flags = QN_BINARY},
    [SGD_O_STEPS] = OUTCOME("sgd_steps", "steps", "steps to the last update of a fitted task, of others all steps"),
    [SGD_O_UPDATES] = OUTCOME("updates", "updates", "steps that changed the weights"),
    [SGD_O_T_LOSS] = {.name = "t_loss", .kind = QN_OUTCOME, .dims = {"level"}, .unit = "1", .symbol = "t(2^{-k})",
                      .meaning = "first time at which train_loss is below 2^-level of its start, interpolated between measurements; NaN: never"},
    [SGD_O_ETA_CRITICAL] = OUTCOME("eta_critical", "η_c", "step from which the second moment around the last weights grows, all labels met (stability: true)"),
    [SGD_O_ETA_BOUND] = OUTCOME("eta_bound", "η_b", "bound on eta_critical: 2 tr H/(E|g|^4/B + (1-1/B)|H|_F^2)"),
    [SGD_O_ETA_REALISED] = {.name = "eta_realised", .kind = QN_OUTCOME, .unit = "1", .symbol = "η", .meaning = "the step eta = T B", .flags = QN_POSITION},
    [SGD_O_T_REALISED] = {.name = "T_realised", .kind = QN_OUTCOME, .unit = "1", .symbol = "T", .meaning = "the temperature eta/B", .flags = QN_POSITION},
    [SGD_O_DW_LAYER] = {.name = "dw_layer", .kind = QN_CURVE, .dims = {QN_DIM_TIME, "layer"}, .unit = "1", .symbol = "|w_l - w_{l0}|",
                        .meaning = "mlp: distance from the first weights of each layer, the read-out last"},
    [SGD_O_DW_REL_LAYER] = {.name = "dw_rel_layer", .kind = QN_CURVE, .dims = {QN_DIM_TIME, "layer"}, .unit = "1", .symbol = "|w_l - w_{l0}|/|w_{l0}|",
                            .meaning = "mlp: the same in units of the length of its first weights"},
    [SGD_O_KERNEL_CHANGE] = CURVE("kernel_change", "|K - K_0|/|K_0|", "change of the tangent kernel of n_kernel training points, Frobenius norms"),
    [SGD_O_KTA] = CURVE("kta", "A(K, yy^T)", "alignment of the tangent kernel with the labels: y'Ky/(|K| |y|^2), centred unless `centred: false`"),
    [SGD_O_NTK_EIGS] = {.name = "ntk_eigs", .kind = QN_OUTCOME, .dims = {"eigen"}, .unit = "1", .symbol = "λ_k", .meaning = "eigenvalues of the tangent kernel at the end, largest first"},
    [SGD_O_NTK_POWER] = {.name = "ntk_power", .kind = QN_OUTCOME, .dims = {"eigen"}, .unit = "1", .symbol = "(v_k.y)^2/|y|^2", .meaning = "share of the labels along each eigenvector"},
    [SGD_O_TR_HESS] = CURVE("tr_hess", "tr H", "trace of the Hessian of the training loss (or of its Gauss-Newton part)"),
    [SGD_O_TR_HESS_SE] = CURVE("tr_hess_se", "δ tr H", "standard error of tr_hess from its probes"),
    [SGD_O_FRO_HESS] = CURVE("fro_hess", "|H|_F", "Frobenius norm of the Hessian"),
    [SGD_O_LMAX_HESS] = CURVE("lmax_hess", "λ_{max}", "largest eigenvalue of the Hessian"),
    [SGD_O_GROK_DELAY] = OUTCOME("grok_delay", "log_{10}(t_{test}/t_{train})", "decades between the first times at which mean (F-y)^2 is below grok_threshold E y^2; NaN: never"),
    [SGD_O_T_TRAIN] = OUTCOME("t_train", "t_{train}", "the first such time of the training points, interpolated between measurements"),
    [SGD_O_T_TEST] = OUTCOME("t_test", "t_{test}", "the first such time of the test points"),
    [SGD_O_QUAD_A] = CURVE("quad_A", "(tr A)^2/(4d^2)", "quadratic: first term of the exact population loss"),
    [SGD_O_QUAD_B] = CURVE("quad_B", "|A|^2/(2d^2)", "quadratic: second term, misalignment of the kernel with the task"),
    [SGD_O_QUAD_C] = CURVE("quad_C", "|b|^2/d", "quadratic: third term, the linear part"),
    [SGD_O_CKA_INPUT] = CURVE("cka_input", "A(K_r, K_x)", "centred alignment of the last hidden layer with the inputs"),
    [SGD_O_CKA_TARGET] = CURVE("cka_target", "A(K_r, K_y)", "centred alignment of the last hidden layer with the labels"),
    [SGD_O_PARALLELISM] = CURVE("parallelism", "PS", "clusters: parallelism of the dichotomy in the last hidden layer, over test points"),
    [SGD_O_CCGP] = CURVE("ccgp", "CCGP", "clusters: accuracy of a linear read-out on a pair of conditions that it was not trained on"),
    [SGD_O_DECODE] = CURVE("decode", "accuracy", "clusters: accuracy of a linear read-out trained on all conditions"),
    [SGD_O_PARALLELISM_NULL] = CURVE("parallelism_null", "PS_0", "parallelism with the conditions of points shuffled"),
    [SGD_O_CCGP_NULL] = CURVE("ccgp_null", "CCGP_0", "ccgp with the conditions of points shuffled"),
    [SGD_O_DECODE_NULL] = CURVE("decode_null", "accuracy_0", "decode with the conditions of points shuffled"),
    [SGD_O_NTK_SAME] = OUTCOME("ntk_same", "K_0(x,x)", "tangent kernel of the first weights at an input of |x|^2 = d; where ntk_angles > 0"),
    [SGD_O_NTK_RIGHT] = OUTCOME("ntk_right_angle", "K_0(x,x')", "the same between two such inputs at a right angle"),
    [SGD_O_NTK_CIRCLE_FIRST] = {.name = "ntk_circle_first", .kind = QN_OUTCOME, .dims = {"angle"}, .unit = "1", .symbol = "K_0(x,x')",
                                .meaning = "the same between two such inputs, against the angle (degrees) between them"},
    [SGD_O_NTK_CIRCLE] = {.name = "ntk_circle", .kind = QN_OUTCOME, .dims = {"angle"}, .unit = "1", .symbol = "K(x,x')", .meaning = "the same of the last weights"},
    [SGD_OBSERVABLES] = {.name = NULL},
};

bool sgd_provides(const qn_params *p, int obs)
{
    sgd_settings set;
    sgd_settings_read(p, &set);
    bool chosen = set.dynamics == SGD_FLOW;
    switch (obs) {
    case SGD_O_T: case SGD_O_STATUS: case SGD_O_STEPS: case SGD_O_UPDATES:
        return true;
    case SGD_O_T_STAR: case SGD_O_FITTED:
        return set.p > 0;
    case SGD_O_T_LOSS:
        return sgd_net_of(&set)->provides(&set, SGD_O_TRAIN_LOSS);
    case SGD_O_ETA_REALISED:
        return !chosen && !qn_is_given(p, "eta");
    case SGD_O_T_REALISED:
        return !chosen && !qn_is_given(p, "T");
    default:
        return sgd_net_of(&set)->provides(&set, obs);
    }
}

size_t sgd_dimension(const qn_params *p, const char *dim, double *values)
{
    if (!strcmp(dim, "level")) {
        for (size_t k = 0; values && k < SGD_LEVELS; k++)
            values[k] = (double)(k + 1);
        return SGD_LEVELS;
    }
    sgd_settings set;
    sgd_settings_read(p, &set);
    const sgd_net *net = sgd_net_of(&set);
    return net->dimension ? net->dimension(p, dim, values) : 0;
}

/* First times below first_loss 2^-k, between the last update that was measured and this one: t ~ exp of a straight line in the loss. */
static void note_levels(sgd_task *t, double loss)
{
    double now = t->last_time;
    if (!isfinite(loss) || now <= t->before_time)
        return;
    for (; t->levels < SGD_LEVELS; t->levels++) {
        double level = ldexp(t->first_loss, -(int)t->levels - 1);
        if (loss >= level)
            break;
        double part = fmin(fmax((t->before_loss - level) / (t->before_loss - loss), 0), 1);
        t->t_loss[t->levels] = t->before_time > 0 ? t->before_time * pow(now / t->before_time, part) : part * now;
    }
    t->before_loss = loss;
    t->before_time = now;
}

/* Mean (F - y)^2 of the square loss. */
static void squares(const sgd_task *t, const sgd_look *x, double square[2])
{
    double unit = t->set.loss.half ? 2 * t->set.loss.alpha * t->set.loss.alpha : 1;
    square[0] = unit * x->train_loss;
    square[1] = unit * x->test_loss;
}

void sgd_grok_start(sgd_task *t, const sgd_look *seen)
{
    squares(t, seen, t->before_square);
    t->t_grok[0] = t->t_grok[1] = NAN;
}

/* First times below grok_threshold E y^2, between two measurements as those of t_loss; before before_time moves. */
static void note_grokking(sgd_task *t, const sgd_look *x)
{
    double square[2], level = t->set.deep.grok * x->label_power;
    if (!(level > 0) || t->time <= t->before_time)
        return;
    squares(t, x, square);
    for (int k = 0; k < 2; k++) {
        if (isnan(t->t_grok[k]) && square[k] < level) {
            double part = fmin(fmax((t->before_square[k] - level) / (t->before_square[k] - square[k]), 0), 1);
            t->t_grok[k] = t->before_time > 0 ? t->before_time * pow(t->time / t->before_time, part) : part * t->time;
        }
        t->before_square[k] = square[k];
    }
}

void sgd_measure(sgd_task *t, qn_streams *s, qn_record *r)
{
    sgd_look x = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    t->table->look(t->net, &x);
    note_grokking(t, &x);
    note_levels(t, x.train_loss);
    const struct {
        int obs;
        double value;
    } put[] = {
        {SGD_O_T, t->time}, {SGD_O_TRAIN_LOSS, x.train_loss}, {SGD_O_TRAIN_ERR, x.train_err}, {SGD_O_TEST_LOSS, x.test_loss},
        {SGD_O_TEST_ERR, x.test_err}, {SGD_O_UNFITTED, x.unfitted}, {SGD_O_MARGIN_MIN, x.margin_min}, {SGD_O_W_SIGNAL, x.w_signal},
        {SGD_O_W_NOISE, x.w_noise}, {SGD_O_LAMBDA, x.w_signal / x.w_noise}, {SGD_O_DW, x.dw}, {SGD_O_DW_REL, x.dw / x.w0},
        {SGD_O_NOISE_TRACE, x.noise_trace}, {SGD_O_NOISE_SIGNAL, x.noise_signal}, {SGD_O_EXCESS, x.excess},
    };
    for (size_t i = 0; i < sizeof put / sizeof *put; i++)
        qn_put(r, put[i].obs, put[i].value);
    if (t->table->measure)
        t->table->measure(t->net, &x, s, r);
}

void sgd_finish(sgd_task *t, qn_record *r)
{
    sgd_status end = t->status == SGD_GOING ? SGD_TIME_OUT : t->status;
    bool fitted = end == SGD_FITTED;
    qn_put(r, SGD_O_T_STAR, fitted ? t->last_time : NAN);
    qn_put(r, SGD_O_STATUS, end);
    qn_put(r, SGD_O_FITTED, fitted);
    qn_put(r, SGD_O_STEPS, (double)(fitted ? t->last : t->steps));
    qn_put(r, SGD_O_UPDATES, (double)t->updates);
    for (size_t k = 0; k < SGD_LEVELS; k++)
        qn_put_at(r, SGD_O_T_LOSS, k, k < t->levels ? t->t_loss[k] : NAN);
    qn_put(r, SGD_O_GROK_DELAY, log10(t->t_grok[1] / t->t_grok[0]));
    qn_put(r, SGD_O_T_TRAIN, t->t_grok[0]);
    qn_put(r, SGD_O_T_TEST, t->t_grok[1]);
    qn_put(r, SGD_O_ETA_REALISED, t->set.eta);
    qn_put(r, SGD_O_T_REALISED, t->set.temperature);
    if (t->table->finish)
        t->table->finish(t->net, r);
}
