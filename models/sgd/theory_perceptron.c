/* theory_perceptron.c -- see theory.h.  Late-time laws: Sclocchi, Geiger & Wyart, arXiv:2301.13703; Sclocchi & Wyart, arXiv:2309.10688 (exponents). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>

#include "settings.h"
#include "theory.h"
#include "theory_kernel.h"

/* ---- the differential equation ---------------------------------------------------------------------------------------- */

static double edge_of(const sgd_law *l)
{
    return l->margin * sqrt(l->d) / l->alpha;
}

/* d(w1, r^2)/dt. */
static void slope(const sgd_law *l, const double y[2], double dy[2])
{
    double root = sqrt(l->d), r = sqrt(fmax(y[1], 0));
    sgd_population a;
    sgd_population_at(&l->rule, y[0], r, edge_of(l), &a);
    dy[0] = a.x / root;
    dy[1] = 2 * r * a.u / root + l->temperature / l->d * ((l->d - 2) * a.n + a.uu) + (l->eta - l->temperature) / l->d * a.u * a.u;
}

/* In tau = ln t; y1 = r^2 late relaxes by a factor (w1/r)^2 faster than w1 grows: a method for stiff equations. */
static int slope_log(double tau, const double y[], double dy[], void *of)
{
    slope(of, y, dy);
    dy[0] *= exp(tau);
    dy[1] *= exp(tau);
    return GSL_SUCCESS;
}

static int jacobian_log(double tau, const double y[], double *j, double dydt[], void *of)
{
    double at[2], f[2], f2[2], t = exp(tau);
    slope(of, y, f);
    for (size_t k = 0; k < 2; k++) {
        double h = 1e-6 * fmax(fabs(y[k]), 1e-12);
        memcpy(at, y, sizeof at);
        at[k] += h;
        slope(of, at, f2);
        for (size_t i = 0; i < 2; i++)
            j[2 * i + k] = t * (f2[i] - f[i]) / h;
    }
    dydt[0] = t * f[0];
    dydt[1] = t * f[1];
    return GSL_SUCCESS;
}

int sgd_law_ode(const sgd_law *l, double t, double *w1, double *r)
{
    sgd_law law = *l;
    /* So early that w does not matter: the first slopes times t. */
    double y[2] = {0, 0}, dy[2], root = sqrt(l->d), early = 1e-9 * fmin(edge_of(l) * root, t), tau;
    slope(l, y, dy);
    if (dy[1] > 0)
        early = fmin(early, 1e-9 * edge_of(l) * edge_of(l) / dy[1]);
    y[0] = dy[0] * early;
    y[1] = dy[1] * early;
    tau = log(early);
    gsl_odeiv2_system system = {slope_log, jacobian_log, 2, &law};
    gsl_odeiv2_driver *driver = gsl_odeiv2_driver_alloc_y_new(&system, gsl_odeiv2_step_msbdf, 1e-3, 1e-12, 1e-8);
    if (!driver)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    int status = gsl_odeiv2_driver_apply(driver, &tau, log(t), y);
    gsl_set_error_handler(handler);
    gsl_odeiv2_driver_free(driver);
    *w1 = y[0];
    *r = sqrt(fmax(y[1], 0));
    return status == GSL_SUCCESS ? 0 : qn_fail(QN_ERR_NUMERIC, "the equations of the perceptron at chi=%g, T=%g: %s", l->rule.chi, l->temperature, gsl_strerror(status));
}

/* ---- late times ---------------------------------------------------------------------------------------------------------- */

typedef struct integrals {
    double n, x, u;
} integrals;

/* In, Ix, Iu of k; below k - 8.5 Phi is 1. */
static integrals late_integrals(const sgd_rule *q, double k)
{
    double s[SGD_MOST_NODES], w[SGD_MOST_NODES], lo = k - 8.5;
    integrals a = {0, 0, 0};
    if (lo < 1)
        lo = 0;
    if (lo > 0) {
        a.n = pow(lo, q->chi + 1) / (q->chi + 1);
        a.x = pow(lo, q->chi + 2) / (q->chi + 2);
    }
    size_t n = sgd_rule_nodes(q, lo, k + 8.5 + sqrt(q->chi > 0 ? q->chi : 0), 1, s, w);
    for (size_t i = 0; i < n; i++) {
        double below = erfc((s[i] - k) * M_SQRT1_2) / 2;
        a.n += w[i] * below;
        a.x += w[i] * below * s[i];
        a.u += w[i] * exp(-(s[i] - k) * (s[i] - k) / 2) / sqrt(2 * M_PI);
    }
    return a;
}

/* In units where the margin of F is alpha: w, T, eta and t by margin/alpha.  ln of r over its own right side, as a function of ln k = ln(sqrt(d)/r). */
static double unbalance(const sgd_rule *q, double root, double temperature, double log_k)
{
    double k = exp(log_k);
    integrals a = late_integrals(q, k);
    return log(root / k) - log(temperature * root * a.n / (2 * a.u));
}

int sgd_law_late(const sgd_law *l, double t, double *w1, double *r)
{
    const double unit = l->margin / l->alpha, root = sqrt(l->d), temperature = l->temperature / unit, chi = l->rule.chi;
    const double z = exp(l->rule.log_z);
    double time = t / unit;
    if (temperature == 0) {
        *r = 0;
        *w1 = unit * pow((chi + 3) / (chi + 2) * pow(l->d, (chi + 1) / 2) * time / z, 1 / (chi + 3));
        return 0;
    }
    double lo = -40, hi = 14; /* k from e^-40; above e^14 the law of small T holds to 12 digits */
    if (unbalance(&l->rule, root, temperature, lo) < 0)
        return qn_fail(QN_ERR_NUMERIC, "no stationary r at chi=%g, T=%g", chi, l->temperature);
    double k;
    if (unbalance(&l->rule, root, temperature, hi) > 0) {
        k = sqrt(2 * (chi + 1) / temperature);
    } else {
        while (hi - lo > 1e-13) {
            double mid = (lo + hi) / 2;
            if (unbalance(&l->rule, root, temperature, mid) > 0)
                lo = mid;
            else
                hi = mid;
        }
        k = exp(lo);
    }
    double radius = root / k;
    *r = unit * radius;
    /* r^(chi+2) Ix(k), where for large k Ix ~ k^(chi+2)/(chi+2) */
    *w1 = unit * pow((chi + 3) * pow(radius, chi + 2) * late_integrals(&l->rule, k).x * time / (z * root), 1 / (chi + 3));
    return 0;
}

/* ---- the table --------------------------------------------------------------------------------------------------------------- */

const qn_quantity sgd_quantities[] = {
    [SGD_Q_W_SIGNAL] = {"w_signal_end", "1", "w_1", "online perceptron: w1 at t = max_time by its differential equation", NULL},
    [SGD_Q_W_NOISE] = {"w_noise_end", "1", "r", "online perceptron: r = |w_perp| at t = max_time", NULL},
    [SGD_Q_LAMBDA] = {"lambda_end", "1", "λ", "online perceptron: w1/r at t = max_time", NULL},
    [SGD_Q_TEST_ERR] = {"test_err_end", "1", "ε_{test}", "online perceptron: error at t = max_time; kernel flow: of test points", NULL},
    [SGD_Q_UNFITTED] = {"n_unfitted_end", "1", "n(t)", "online perceptron: share of unfitted points at t = max_time", NULL},
    [SGD_Q_TRAIN_LOSS] = {"train_loss_end", "1", "L", "online perceptron: mean loss at t = max_time; kernel flow (relu nets, square loss, T = 0, P up to 400): that of the kernel at infinite width, over 4 sets of data", NULL},
    [SGD_Q_LATE_SIGNAL] = {"w_signal_late", "1", "w_1", "late-time law of w1 at t = max_time", NULL},
    [SGD_Q_LATE_NOISE] = {"w_noise_late", "1", "r", "late-time law of r, stationary", NULL},
    [SGD_Q_LATE_LAMBDA] = {"lambda_late", "1", "λ", "late-time law of w1/r at t = max_time", NULL},
    [SGD_Q_GAMMA] = {"gamma", "1", "γ", "exponent of |w| ~ T P^γ at the end of training: 1/(1+χ)", NULL},
    [SGD_Q_B_EXPONENT] = {"b", "1", "b", "exponent of t* ~ T P^b: (3+χ)/(1+χ)", NULL},
    [SGD_Q_TIME_EXPONENT] = {"zeta", "1", "ζ", "exponent of w1 ~ T (t/T)^ζ: 1/(3+χ)", NULL},
    [SGD_Q_FIRST_SIGNAL] = {"w_signal_first", "1", "w_1(η)", "w1 after the first step from w = 0: η E[x]/sqrt(d)", NULL},
    [SGD_Q_T_C] = {"T_c", "1", "T_c", "crossover between gradient flow and noise, where the two limits of r meet: 2 k^2/(1+χ)", "T"},
    [SGD_Q_B_STAR] = {"B_star", "1", "B*", "order of the batch above which the first step decides (noise regime): λ* d/(2 k E[x]), λ* the inverse of the typical smallest x", "B"},
    [SGD_Q_EXCESS] = {"excess", "1", "E(f-w*x)^2", "streaming least squares: stationary excess risk", NULL},
    [SGD_Q_ETA_MAX] = {"eta_max", "1", "η_{max}", "streaming least squares: step from which the second moment diverges", "eta"},
    [SGD_Q_TEST_LOSS] = {"test_loss_end", "1", "L_{test}", "kernel flow: mean loss of test points at t = max_time", NULL},
    [SGD_Q_NTK_SAME] = {"ntk_same", "1", "E K(x,x)", "relu nets of infinite width: tangent kernel at |x|^2 = d, over first weights", NULL},
    [SGD_Q_NTK_RIGHT] = {"ntk_right_angle", "1", "E K(x,x')", "the same for inputs at a right angle", NULL},
    [SGD_QUANTITIES] = {0},
};

/* k of r = T sqrt(d)/(2 k) at T >> 1: (chi+1) M_chi/M_{chi+1}, M_a = int_0^inf s^a phi(s) ds. */
static double noise_constant(double chi)
{
    return (chi + 1) / sgd_chi_mean(chi, 1);
}

static int fill_perceptron(const sgd_settings *s, double *out)
{
    sgd_law law = {.d = (double)s->d, .temperature = s->temperature, .eta = s->eta, .alpha = s->loss.alpha, .margin = s->loss.margin};
    int err = sgd_rule_init(&law.rule, s->chi);
    if (err)
        return err;
    double k = noise_constant(s->chi), mean = sgd_chi_mean(s->chi, 1), unit = s->loss.margin / s->loss.alpha;
    out[SGD_Q_GAMMA] = 1 / (1 + s->chi);
    out[SGD_Q_B_EXPONENT] = (3 + s->chi) / (1 + s->chi);
    out[SGD_Q_TIME_EXPONENT] = 1 / (3 + s->chi);
    out[SGD_Q_T_C] = unit * 2 * k * k / (1 + s->chi);
    if (s->temperature > 0)
        out[SGD_Q_FIRST_SIGNAL] = s->eta * mean / sqrt(law.d);
    if (s->p > 0) {
        double x_min = pow((1 + s->chi) * exp(law.rule.log_z) / (double)s->p, 1 / (1 + s->chi));
        out[SGD_Q_B_STAR] = law.d / (2 * k * mean * x_min);
    }
    if (isinf(s->max_time))
        return 0;
    double w1, r;
    err = sgd_law_late(&law, s->max_time, &w1, &r);
    if (err)
        return err;
    out[SGD_Q_LATE_SIGNAL] = w1;
    out[SGD_Q_LATE_NOISE] = s->temperature > 0 ? r : NAN;
    out[SGD_Q_LATE_LAMBDA] = s->temperature > 0 ? w1 / r : NAN;
    if (s->p > 0 || (s->scale > 0 && !s->subtract))
        return 0;
    err = sgd_law_ode(&law, s->max_time, &w1, &r);
    if (err)
        return err;
    sgd_population a;
    sgd_population_at(&law.rule, w1, r, edge_of(&law), &a);
    out[SGD_Q_W_SIGNAL] = w1;
    out[SGD_Q_W_NOISE] = r;
    out[SGD_Q_LAMBDA] = w1 / r;
    out[SGD_Q_TEST_ERR] = sgd_population_error(s->chi, w1, r);
    out[SGD_Q_UNFITTED] = a.n;
    out[SGD_Q_TRAIN_LOSS] = sgd_population_loss(&law.rule, &s->loss, s->d, w1, r);
    return 0;
}

static int fill_linear(const sgd_settings *s, double *out)
{
    double *h = NULL;
    double twice = sgd_push_residual(&s->loss, 1); /* (f-y)^2 without the half: eta counts double */
    if (s->decay > 0) {
        h = malloc(s->d * sizeof *h);
        if (!h)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        for (size_t i = 0; i < s->d; i++)
            h[i] = pow((double)(i + 1), -s->decay);
    }
    out[SGD_Q_ETA_MAX] = sgd_lms_eta_max(s->d, h, (double)s->b) / twice;
    if (s->temperature > 0)
        out[SGD_Q_EXCESS] = sgd_lms_excess(s->d, h, (double)s->b, twice * s->eta, s->sigma);
    free(h);
    return 0;
}

int sgd_theory_at(const qn_params *p, double *out)
{
    sgd_settings s;
    sgd_settings_read(p, &s);
    for (int i = 0; i < SGD_QUANTITIES; i++)
        out[i] = NAN;
    if (s.net == SGD_PERCEPTRON && s.loss.kind == SGD_HINGE)
        return fill_perceptron(&s, out);
    if (s.net == SGD_MLP || s.net == SGD_KERNEL)
        return sgd_kernel_theory(p, &s, out);
    return s.net == SGD_LINEAR && s.p == 0 ? fill_linear(&s, out) : 0;
}
