/* implicit.c -- see implicit.h. */
#include "implicit.h"

#include <math.h>
#include <stdlib.h>

#include "cloud.h"
#include "hopping.h"
#include "schedule.h"

static double dot(size_t d, const double *a, const double *b)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++)
        sum += a[k] * b[k];
    return sum;
}

static double cosine(size_t d, const double *a, const double *b)
{
    return dot(d, a, b) / sqrt(dot(d, a, a) * dot(d, b, b)); /* NAN for a vector 0 */
}

/* tau of the step that comes next: what multiplies grad f in it to leading order. */
static double next_tau(const cbo_state *s)
{
    double width;
    switch (s->set.method) {
    case CBO_METHOD_HOPPING:
        width = cbo_hopping_width(&s->set, s->steps);
        return (s->set.alpha_rule == CBO_ALPHA_NEFF ? s->alpha : cbo_alpha_at(&s->set, s->steps + 1)) * width * width;
    case CBO_METHOD_PROXIMAL:
    case CBO_METHOD_GRADIENT:
        return s->set.tau;
    case CBO_METHOD_LANGEVIN:
        return s->set.eta * s->set.dt;
    default:
        cbo_cloud_mean(&s->e, s->point);
        return s->alpha * cbo_cloud_trace(&s->e, s->point) / (double)s->d;
    }
}

static void gradient(const cbo_state *s, const double *x, double *g)
{
    if (s->objective->grad) {
        cbo_gradient(s->objective, x, g, s->work);
        return;
    }
    for (size_t k = 0; k < s->d; k++)
        g[k] = NAN;
}

void cbo_implicit_before(cbo_state *s)
{
    s->tau_before = next_tau(s);
    gradient(s, s->now.c, s->grad_before);
}

bool cbo_implicit_gradient(size_t d, const double *mean, double *cov, const double *c, double alpha, double *g)
{
    double trace = 0;
    for (size_t k = 0; k < d; k++)
        trace += cov[k * d + k];
    for (size_t k = 0; k < d; k++)
        cov[k * d + k] += 1e-12 * trace / (double)d;
    if (!(alpha > 0) || isinf(alpha) || !(trace > 0) || cbo_cholesky(d, cov) < d)
        return false;
    for (size_t k = 0; k < d; k++)
        g[k] = -(c[k] - mean[k]) / alpha;
    return cbo_cholesky_solve(d, cov, g);
}

static void read_step(const cbo_state *s, cbo_implicit *out)
{
    size_t d = s->d;
    double step2 = 0, grad2 = 0, both = 0, resid2 = 0;
    if (s->steps == 0)
        return;
    for (size_t k = 0; k < d; k++) {
        double move = s->now.c[k] - s->before[k], g = s->grad_before[k], r = move + s->tau_before * g;
        step2 += move * move;
        grad2 += g * g;
        both -= move * g;
        resid2 += r * r;
    }
    out->align_step = both / sqrt(step2 * grad2);
    out->tau = s->tau_before;
    out->resid = isfinite(s->tau_before) ? sqrt(resid2) : NAN;
}

/* The readings of the cloud; mean, move, grad, g [d] and cov [d][d] are scratch. */
static void read_cloud(const cbo_state *s, double *mean, double *move, double *grad, double *g, double *cov, cbo_implicit *out)
{
    size_t d = s->d;
    cbo_cloud_mean(&s->e, mean);
    double width = sqrt(cbo_cloud_trace(&s->e, mean) / (double)d);
    gradient(s, mean, grad);
    for (size_t k = 0; k < d; k++)
        move[k] = mean[k] - s->now.c[k];
    out->align_cloud = cosine(d, move, grad);
    out->ch_saturation = s->alpha * width * sqrt(dot(d, grad, grad)) / sqrt(2 * log((double)s->e.n));
    if (!(s->now.n_eff >= (double)(d + 2)))
        return;
    cbo_cloud_covariance(&s->e, NULL, mean, cov);
    if (!cbo_implicit_gradient(d, mean, cov, s->now.c, s->alpha, g))
        return;
    out->g_hat_norm = sqrt(dot(d, g, g));
    out->align_gradient = cosine(d, g, grad);
}

int cbo_implicit_read(const cbo_state *s, cbo_implicit *out)
{
    size_t d = s->d;
    *out = (cbo_implicit){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    read_step(s, out);
    if (cbo_single(s->set.method))
        return 0;
    double *scratch = malloc((4 + d) * d * sizeof *scratch);
    if (!scratch)
        return qn_fail(QN_ERR_NOMEM, "no memory for the covariance of d = %zu coordinates", d);
    read_cloud(s, scratch, scratch + d, scratch + 2 * d, scratch + 3 * d, scratch + 4 * d, out);
    free(scratch);
    return 0;
}
