/* form.c -- see form.h. */
#include "form.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_multifit_nlinear.h>

#include "text.h"

#define CONSTANT 100 /* roles from here on */

/* ---- which form --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word, *text;
    qn_form_kind kind;
    size_t n;
    const char *name[3];
} forms[] = {
    {"power", "amplitude*%s^exponent", QN_FORM_POWER, 2, {"amplitude", "exponent"}},
    {"logistic", "1/(1 + exp(-(%s - midpoint)/width))", QN_FORM_LOGISTIC, 2, {"midpoint", "width"}},
    {"stretched", "amplitude*exp(-(%s/tau)^beta)", QN_FORM_STRETCHED, 3, {"amplitude", "tau", "beta"}},
};

static int read_expression(qn_form *f, const char *text, bool (*known)(void *ctx, const char *name), void *ctx)
{
    bool has_axis = false;
    int err = qn_expr_compile(text, &f->expression);
    if (err)
        return qn_fail(QN_ERR_INPUT, "--form is power, logistic, stretched, or an expression in %s and named parameters: %s", f->axis, qn_error_text());
    f->kind = QN_FORM_EXPRESSION;
    for (size_t i = 0; i < qn_expr_names(f->expression) && !err; i++) {
        const char *name = qn_expr_name(f->expression, i);
        if (!strcmp(name, f->axis)) {
            has_axis = true;
            f->role[i] = 0;
        } else if (known(ctx, name)) {
            f->role[i] = CONSTANT + f->n_constants;
            f->constant[f->n_constants++] = name;
        } else if (f->n == QN_FORM_PARAMETERS) {
            err = qn_fail(QN_ERR_INPUT, "--form: more than %d parameters", QN_FORM_PARAMETERS);
        } else {
            f->role[i] = 1 + f->n;
            f->name[f->n++] = name;
        }
    }
    if (!err && !has_axis)
        err = qn_fail(QN_ERR_INPUT, "--form '%s' does not depend on %s, along which is fitted", text, f->axis);
    if (!err && !f->n)
        err = qn_fail(QN_ERR_INPUT, "--form '%s' has no free parameter", text);
    f->text = text;
    return err;
}

static int read_start(qn_form *f, const char *start)
{
    for (const char *at = start; at && *at; at += strcspn(at, ","), at += *at == ',') {
        char one[128];
        snprintf(one, sizeof one, "%.*s", (int)strcspn(at, ","), at);
        char *eq = strchr(one, '=');
        double x;
        if (!eq || qn_parse_real(eq + 1, &x))
            return qn_fail(QN_ERR_INPUT, "--start %s: NAME=NUMBER is expected, several separated by commas", one);
        *eq = 0;
        size_t k = 0;
        while (k < f->n && strcmp(f->name[k], one))
            k++;
        if (k == f->n) {
            qn_buffer all = {0};
            for (size_t i = 0; i < f->n; i++)
                qn_buffer_add(&all, "%s%s", i ? ", " : "", f->name[i]);
            int err = qn_fail(QN_ERR_INPUT, "--start %s: the form has no parameter '%s'; it has: %s", start, one, all.text ? all.text : "none");
            qn_buffer_free(&all);
            return err;
        }
        f->start[k] = x;
        f->started = true;
    }
    return 0;
}

int qn_form_init(qn_form *f, const char *text, const char *axis, const char *start, bool (*known)(void *ctx, const char *name), void *ctx)
{
    const size_t count = sizeof forms / sizeof *forms;
    *f = (qn_form){.axis = axis};
    for (size_t k = 0; k < QN_FORM_PARAMETERS; k++)
        f->start[k] = NAN;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(text, forms[i].word)) {
            f->kind = forms[i].kind;
            f->n = forms[i].n;
            memcpy(f->name, forms[i].name, sizeof forms[i].name);
            const char *mark = strstr(forms[i].text, "%s");
            snprintf(f->made, sizeof f->made, "%.*s%s%s", (int)(mark - forms[i].text), forms[i].text, axis, mark + 2);
            f->text = f->made;
            return read_start(f, start);
        }
    const char *words[3] = {forms[0].word, forms[1].word, forms[2].word}, *near = qn_nearest(text, count, words);
    if (near && strspn(text, "abcdefghijklmnopqrstuvwxyz") == strlen(text))
        return qn_fail(QN_ERR_INPUT, "--form %s: there is no such form; did you mean '%s'?", text, near);
    int err = read_expression(f, text, known, ctx);
    return err ? err : read_start(f, start);
}

void qn_form_free(qn_form *f)
{
    qn_expr_free(f->expression);
    memset(f, 0, sizeof *f);
}

/* ---- values --------------------------------------------------------------------------------------------------------- */

bool qn_form_takes(const qn_form *f, double x)
{
    return isfinite(x) && (f->kind == QN_FORM_POWER ? x > 0 : f->kind == QN_FORM_STRETCHED ? x >= 0 : true);
}

static double logistic(double u)
{
    return u >= 0 ? 1 / (1 + exp(-u)) : exp(u) / (1 + exp(u));
}

double qn_form_value(const qn_form *f, const double *theta, const double *constant, double x)
{
    double values[16];
    switch (f->kind) {
    case QN_FORM_POWER:
        return theta[0] * pow(x, theta[1]);
    case QN_FORM_LOGISTIC:
        return logistic((x - theta[0]) / theta[1]);
    case QN_FORM_STRETCHED:
        return theta[0] * exp(-pow(x / theta[1], theta[2]));
    case QN_FORM_EXPRESSION:
        for (size_t i = 0; i < qn_expr_names(f->expression); i++)
            values[i] = f->role[i] == 0 ? x : f->role[i] < CONSTANT ? theta[f->role[i] - 1] : constant[f->role[i] - CONSTANT];
        return qn_expr_eval(f->expression, values);
    }
    return NAN;
}

/* ---- least squares --------------------------------------------------------------------------------------------------- */

/* Parameters inside the solver, with which steps are even: a power law around the middle x0 of its points, ln tau. */
typedef struct problem {
    const qn_form *f;
    size_t n;
    double *x, *y, *w;      /* weights 1/err^2 */
    double x0;
    const double *constant;
} problem;

static void to_inner(const problem *p, const double *theta, double *v)
{
    memcpy(v, theta, p->f->n * sizeof *v);
    if (p->f->kind == QN_FORM_POWER)
        v[0] = theta[0] * pow(p->x0, theta[1]);
    if (p->f->kind == QN_FORM_STRETCHED)
        v[1] = log(theta[1]);
}

static void from_inner(const problem *p, const double *v, double *theta)
{
    memcpy(theta, v, p->f->n * sizeof *v);
    if (p->f->kind == QN_FORM_POWER)
        theta[0] = v[0] * pow(p->x0, -v[1]);
    if (p->f->kind == QN_FORM_STRETCHED)
        theta[1] = exp(v[1]);
}

static int residuals(const gsl_vector *v, void *ctx, gsl_vector *out)
{
    const problem *p = ctx;
    double theta[QN_FORM_PARAMETERS];
    from_inner(p, v->data, theta);
    for (size_t i = 0; i < p->n; i++) {
        double y = p->f->kind == QN_FORM_POWER ? v->data[0] * pow(p->x[i] / p->x0, v->data[1]) : qn_form_value(p->f, theta, p->constant, p->x[i]);
        if (!isfinite(y))
            return GSL_EDOM;
        gsl_vector_set(out, i, y - p->y[i]);
    }
    return GSL_SUCCESS;
}

static int jacobian(const gsl_vector *v, void *ctx, gsl_matrix *out)
{
    const problem *p = ctx;
    double theta[QN_FORM_PARAMETERS];
    from_inner(p, v->data, theta);
    for (size_t i = 0; i < p->n; i++) {
        double x = p->x[i], y, u;
        switch (p->f->kind) {
        case QN_FORM_POWER:
            y = pow(x / p->x0, theta[1]);
            gsl_matrix_set(out, i, 0, y);
            gsl_matrix_set(out, i, 1, v->data[0] * y * log(x / p->x0));
            break;
        case QN_FORM_LOGISTIC:
            y = logistic((x - theta[0]) / theta[1]);
            gsl_matrix_set(out, i, 0, -y * (1 - y) / theta[1]);
            gsl_matrix_set(out, i, 1, -y * (1 - y) * (x - theta[0]) / (theta[1] * theta[1]));
            break;
        case QN_FORM_STRETCHED:
            u = pow(x / theta[1], theta[2]);
            y = exp(-u);
            gsl_matrix_set(out, i, 0, y);
            gsl_matrix_set(out, i, 1, theta[0] * y * theta[2] * u);
            gsl_matrix_set(out, i, 2, x > 0 ? -theta[0] * y * u * log(x / theta[1]) : 0);
            break;
        case QN_FORM_EXPRESSION:
            return GSL_EFAILED; /* differences: no jacobian is given */
        }
    }
    return GSL_SUCCESS;
}

#define MOST_STEPS 200
#define TOLERANCE 1e-10

/* Levenberg and Marquardt from `theta`.  NaN when it does not converge. */
static int solve(problem *p, double *theta, double *chi2)
{
    const size_t n = p->f->n;
    double v[QN_FORM_PARAMETERS];
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    how.solver = p->f->kind == QN_FORM_EXPRESSION ? gsl_multifit_nlinear_solver_qr : gsl_multifit_nlinear_solver_cholesky;
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, p->n, n);
    if (!w)
        return qn_fail(QN_ERR_NOMEM, "out of memory for a fit");
    to_inner(p, theta, v);
    gsl_vector_view start = gsl_vector_view_array(v, n);
    gsl_vector_const_view weight = gsl_vector_const_view_array(p->w, p->n);
    gsl_multifit_nlinear_fdf system = {.f = residuals, .df = p->f->kind == QN_FORM_EXPRESSION ? NULL : jacobian, .n = p->n, .p = n, .params = p};
    int info = 0, status = gsl_multifit_nlinear_winit(&start.vector, &weight.vector, &system, w);
    if (!status)
        status = gsl_multifit_nlinear_driver(MOST_STEPS, TOLERANCE, TOLERANCE, 0, NULL, NULL, &info, w);
    bool good = status == GSL_SUCCESS || status == GSL_ENOPROG || (status == GSL_EMAXITER && info == GSL_ENOPROG); /* no progress: as near as rounding allows */
    if (good) {
        from_inner(p, gsl_multifit_nlinear_position(w)->data, theta);
        *chi2 = gsl_pow_2(gsl_blas_dnrm2(gsl_multifit_nlinear_residual(w)));
        good = isfinite(*chi2);
    }
    for (size_t k = 0; k < n && good; k++)
        good = isfinite(theta[k]);
    if (!good) {
        for (size_t k = 0; k < n; k++)
            theta[k] = NAN;
        *chi2 = NAN;
    }
    gsl_multifit_nlinear_free(w);
    return 0;
}

/* ---- where to start ------------------------------------------------------------------------------------------------------ */

/* A straight line through (u, v) with weights. */
static bool line(size_t n, const double *u, const double *v, const double *w, double *a, double *b)
{
    double c00, c01, c11, chi2;
    return n > 1 && !gsl_fit_wlinear(u, 1, w, 1, v, 1, n, a, b, &c00, &c01, &c11, &chi2) && isfinite(*a) && isfinite(*b);
}

/* The log-log line of the sign that most points have. */
static void start_power(const problem *p, double *u, double *theta)
{
    double *v = u + p->n, *w = v + p->n, weight[2] = {0}, a = NAN, b = NAN;
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        weight[p->y[i] > 0] += p->w[i] * p->y[i] * p->y[i];
    double sign = weight[1] >= weight[0] ? 1 : -1;
    for (size_t i = 0; i < p->n; i++)
        if (sign * p->y[i] > 0) {
            u[n] = log(p->x[i]);
            v[n] = log(sign * p->y[i]);
            w[n++] = p->w[i] * p->y[i] * p->y[i];
        }
    if (line(n, u, v, w, &a, &b)) {
        theta[0] = sign * exp(a);
        theta[1] = b;
    }
}

static void start_logistic(const problem *p, double *u, double *theta)
{
    double *v = u + p->n, *w = v + p->n, a, b;
    for (size_t i = 0; i < p->n; i++) {
        double y = fmin(fmax(p->y[i], 0.02), 0.98);
        u[i] = p->x[i];
        v[i] = log(y / (1 - y));
        w[i] = y * (1 - y);
    }
    if (line(p->n, u, v, w, &a, &b) && b != 0) {
        theta[0] = -a / b;
        theta[1] = 1 / b;
    }
}

/* ln(-ln(y/A)) = beta ln x - beta ln tau, with A a little above the largest y. */
static void start_stretched(const problem *p, double *u, double *theta)
{
    double *v = u + p->n, *w = v + p->n, top = 0, a, b;
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        top = fabs(p->y[i]) > fabs(top) ? p->y[i] : top;
    double amplitude = 1.02 * top;
    for (size_t i = 0; i < p->n; i++) {
        double share = p->y[i] / amplitude;
        if (!(share > 0.02) || !(p->x[i] > 0))
            continue;
        u[n] = log(p->x[i]);
        v[n] = log(-log(share));
        w[n++] = gsl_pow_2(share * log(share));
    }
    if (line(n, u, v, w, &a, &b) && b > 0.05) {
        theta[0] = amplitude;
        theta[1] = exp(-a / b);
        theta[2] = fmin(b, 5);
    } else {
        theta[0] = amplitude;
        theta[1] = p->x[p->n / 2] > 0 ? p->x[p->n / 2] : 1;
        theta[2] = 1;
    }
}

static int choose_start(const problem *p, double *theta)
{
    double *scratch = malloc((3 * p->n + 1) * sizeof *scratch);
    if (!scratch)
        return qn_fail(QN_ERR_NOMEM, "out of memory for a fit");
    for (size_t k = 0; k < p->f->n; k++)
        theta[k] = 1;
    if (p->f->kind == QN_FORM_POWER)
        start_power(p, scratch, theta);
    else if (p->f->kind == QN_FORM_LOGISTIC)
        start_logistic(p, scratch, theta);
    else if (p->f->kind == QN_FORM_STRETCHED)
        start_stretched(p, scratch, theta);
    for (size_t k = 0; k < p->f->n; k++)
        if (!isnan(p->f->start[k]))
            theta[k] = p->f->start[k];
    free(scratch);
    return 0;
}

/* ---- 0/1 outcomes ----------------------------------------------------------------------------------------------------------- */

/* Maximum likelihood of p = 1/(1 + exp(-a - b x)) for shares p->y of runs p->w, with Firth's penalty (Biometrika 80, 27 (1993)), which keeps the
 * estimate finite and nearly unbiased where few values are neither 0 nor 1: Newton on the modified score, x in units of its spread. */
static void likelihood(const problem *p, double *theta, double *chi2)
{
    double mean = 0, scale = 0, a, b, total = 0, above = 0, below = 0, share = 0;
    theta[0] = theta[1] = *chi2 = NAN;
    for (size_t i = 0; i < p->n; i++)
        mean += p->x[i] / (double)p->n;
    for (size_t i = 0; i < p->n; i++)
        scale += gsl_pow_2(p->x[i] - mean) / (double)p->n;
    scale = sqrt(scale);
    if (!(scale > 0))
        return;
    for (size_t i = 0; i < p->n; i++)
        total += p->w[i];
    for (size_t i = 0; i < p->n; i++) {
        share += p->w[i] * p->y[i] / total;
        above += p->w[i] * p->y[i] * (p->x[i] - mean);
        below += p->w[i] * (p->x[i] - mean);
    }
    b = above - share * below >= 0 ? 1 : -1; /* it rises, or falls */
    a = log((share + 0.5 / total) / (1 - share + 0.5 / total));
    for (int turn = 0; turn < 200; turn++) {
        double haa = 0, hab = 0, hbb = 0, ga = 0, gb = 0;
        for (size_t i = 0; i < p->n; i++) {
            double x = (p->x[i] - mean) / scale, f = logistic(a + b * x), h = p->w[i] * f * (1 - f);
            haa += h;
            hab += h * x;
            hbb += h * x * x;
        }
        double det = haa * hbb - hab * hab;
        if (!(det > 0))
            return;
        for (size_t i = 0; i < p->n; i++) {
            double x = (p->x[i] - mean) / scale, f = logistic(a + b * x), h = p->w[i] * f * (1 - f);
            double leverage = h * (hbb - 2 * hab * x + haa * x * x) / det, g = p->w[i] * (p->y[i] - f) + leverage * (0.5 - f);
            ga += g;
            gb += g * x;
        }
        double da = (hbb * ga - hab * gb) / det, db = (haa * gb - hab * ga) / det, size = hypot(da, db), shrink = size > 2 ? 2 / size : 1;
        a += shrink * da;
        b += shrink * db;
        if (size < 1e-9) {
            theta[0] = mean - scale * a / b;
            theta[1] = scale / b;
            *chi2 = 0;
            for (size_t i = 0; i < p->n; i++) {
                double f = logistic(a + b * (p->x[i] - mean) / scale);
                *chi2 += p->w[i] * gsl_pow_2(p->y[i] - f) / (f * (1 - f)); /* Pearson's */
            }
            return;
        }
    }
}

/* ---- the fit -------------------------------------------------------------------------------------------------------------------- */

int qn_form_fit(const qn_form *f, const qn_form_data *d, const double *y, const double *start, double *theta, double *chi2)
{
    double *room = malloc((3 * d->n + 1) * sizeof *room);
    problem p = {.f = f, .x = room, .y = room + d->n, .w = room + 2 * d->n, .constant = d->constant};
    int err = room ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for a fit");
    *chi2 = NAN;
    for (size_t k = 0; k < f->n; k++)
        theta[k] = NAN;
    double middle = 0;
    for (size_t i = 0; i < d->n && !err; i++) {
        if (!isfinite(y[i]) || !qn_form_takes(f, d->x[i]))
            continue;
        p.x[p.n] = d->x[i];
        p.y[p.n] = y[i];
        p.w[p.n++] = d->runs ? d->runs[i] : d->err ? 1 / (d->err[i] * d->err[i]) : 1;
        middle += log(d->x[i]);
    }
    p.x0 = f->kind == QN_FORM_POWER ? exp(middle / (double)p.n) : 1;
    if (err || p.n < f->n) {
        free(room);
        return err;
    }
    if (d->runs && f->kind == QN_FORM_LOGISTIC) {
        likelihood(&p, theta, chi2);
    } else {
        if (start)
            memcpy(theta, start, f->n * sizeof *theta);
        else
            err = choose_start(&p, theta);
        if (!err)
            err = solve(&p, theta, chi2);
    }
    free(room);
    return err;
}
