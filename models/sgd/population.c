/* population.c -- see population.h. */
#include "population.h"

#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_gamma.h>

/* ---- drawing ------------------------------------------------------------------------------------------------------ */

/* Marsaglia & Tsang 2000, ACM TOMS 26, 363, for shape >= 1; below, Gamma(shape) = Gamma(shape+1) U^(1/shape). */
static double gamma_draw(double shape, double c, qn_rng *rng)
{
    double top = shape < 1 ? shape + 1 : shape, m = top - 1.0 / 3;
    for (;;) {
        double z = qn_rng_normal(rng), v = 1 + c * z;
        if (v <= 0)
            continue;
        v = v * v * v;
        double u = qn_rng_uniform_pos(rng);
        if (u < 1 - 0.0331 * z * z * z * z || log(u) < z * z / 2 + m * (1 - v + log(v)))
            return shape < 1 ? m * v * pow(qn_rng_uniform_pos(rng), 1 / shape) : m * v;
    }
}

static double gamma_c(double shape)
{
    return 1 / sqrt(9 * ((shape < 1 ? shape + 1 : shape) - 1.0 / 3));
}

double sgd_gamma_draw(double shape, qn_rng *rng)
{
    return gamma_draw(shape, gamma_c(shape), rng);
}

void sgd_boundary_init(sgd_boundary *b, double chi)
{
    b->chi = chi;
    b->shape = (chi + 1) / 2;
    b->c = gamma_c(b->shape);
}

double sgd_boundary_draw(const sgd_boundary *b, qn_rng *rng)
{
    if (b->chi == 0)
        return fabs(qn_rng_normal(rng));
    if (b->chi == 1)
        return sqrt(-2 * log(qn_rng_uniform_pos(rng)));
    return sqrt(2 * gamma_draw(b->shape, b->c, rng));
}

/* ---- averages ------------------------------------------------------------------------------------------------------ */

static double log_z(double chi)
{
    return (chi - 1) / 2 * M_LN2 + gsl_sf_lngamma((chi + 1) / 2);
}

double sgd_chi_z(double chi)
{
    return exp(log_z(chi));
}

double sgd_chi_mean(double chi, double power)
{
    return exp(log_z(chi + power) - log_z(chi));
}

int sgd_rule_init(sgd_rule *q, double chi)
{
    q->chi = chi;
    q->log_z = log_z(chi);
    gsl_integration_fixed_workspace *flat = gsl_integration_fixed_alloc(gsl_integration_fixed_legendre, SGD_NODES, 0, 1, 0, 0);
    gsl_integration_fixed_workspace *edge = gsl_integration_fixed_alloc(gsl_integration_fixed_jacobi, SGD_NODES, 0, 1, 0, chi);
    int err = flat && edge ? 0 : qn_fail(QN_ERR_NUMERIC, "no quadrature for chi = %g", chi);
    if (!err) {
        memcpy(q->x, gsl_integration_fixed_nodes(flat), sizeof q->x);
        memcpy(q->w, gsl_integration_fixed_weights(flat), sizeof q->w);
        memcpy(q->x0, gsl_integration_fixed_nodes(edge), sizeof q->x0);
        memcpy(q->w0, gsl_integration_fixed_weights(edge), sizeof q->w0);
    }
    if (flat)
        gsl_integration_fixed_free(flat);
    if (edge)
        gsl_integration_fixed_free(edge);
    return err;
}

size_t sgd_rule_nodes(const sgd_rule *q, double lo, double hi, double width, double *x, double *w)
{
    const size_t most = SGD_MOST_NODES / SGD_NODES;
    double wanted = ceil((hi - lo) / width);
    size_t panels = !(wanted > 1) ? 1 : wanted > (double)most ? most : (size_t)wanted, n = 0;
    double step = (hi - lo) / (double)panels;
    for (size_t k = 0; k < panels; k++) {
        double from = lo + (double)k * step;
        bool edge = k == 0 && lo == 0;
        double scale = edge ? pow(step, q->chi + 1) : step;
        for (size_t i = 0; i < SGD_NODES; i++, n++) {
            x[n] = from + step * (edge ? q->x0[i] : q->x[i]);
            w[n] = scale * (edge ? q->w0[i] : q->w[i] * pow(x[n], q->chi));
        }
    }
    return n;
}

static double normal_density(double z)
{
    return exp(-z * z / 2) / sqrt(2 * M_PI);
}

static double normal_below(double z)
{
    return erfc(-z * M_SQRT1_2) / 2;
}

/* E [x^power; x < top]. */
static double moment_below(double chi, double power, double top)
{
    return top > 0 ? sgd_chi_mean(chi, power) * gsl_sf_gamma_inc_P((chi + 1 + power) / 2, top * top / 2) : 0;
}

static const double sure = 8.5; /* standard deviations beyond which a normal variable does not come: 1e-17 */

/* Where x is so small that a point is unfitted whatever u is, all is a moment of x; where it is so large that it is fitted, nothing is left; between
 * them z = (edge - w1 x)/r falls from `sure` to -sure, and the integral over u is done in closed form. */
void sgd_population_at(const sgd_rule *q, double w1, double r, double edge, sgd_population *out)
{
    memset(out, 0, sizeof *out);
    double end = sqrt(fmax(q->chi, 0)) + 10, lo = end, hi = end;
    if (r > 0 && w1 > 0) {
        lo = fmin((edge - sure * r) / w1, end);
        hi = fmin((edge + sure * r) / w1, end);
    } else if (r > 0) {
        lo = w1 == 0 && edge > sure * r ? end : 0; /* w1 < 0: rare, all of it by quadrature */
    } else if (w1 > 0) {
        lo = hi = fmin(edge / w1, end);
    }
    double width = r > 0 && w1 > 0 ? fmin(2 * r / w1, 1) : r > 0 && w1 < 0 ? fmin(-2 * r / w1, 1) : 1;
    if (lo < width && lo < hi)
        lo = 0;
    if (lo > 0) {
        double whole = lo >= end ? INFINITY : lo, m0, m1, m2;
        m0 = isinf(whole) ? 1 : moment_below(q->chi, 0, whole);
        m1 = isinf(whole) ? sgd_chi_mean(q->chi, 1) : moment_below(q->chi, 1, whole);
        m2 = isinf(whole) ? sgd_chi_mean(q->chi, 2) : moment_below(q->chi, 2, whole);
        *out = (sgd_population){.n = m0, .x = m1, .xx = m2, .uu = m0, .below = edge * m0 - w1 * m1,
                                .below2 = (edge * edge + r * r) * m0 - 2 * edge * w1 * m1 + w1 * w1 * m2};
    }
    if (!(lo < hi))
        return;
    double x[SGD_MOST_NODES], w[SGD_MOST_NODES];
    size_t n = sgd_rule_nodes(q, lo, hi, width, x, w);
    for (size_t i = 0; i < n; i++) {
        double s = edge - w1 * x[i], z = s / r, below = normal_below(z), density = normal_density(z), p = w[i] * exp(-x[i] * x[i] / 2 - q->log_z);
        out->n += p * below;
        out->x += p * below * x[i];
        out->xx += p * below * x[i] * x[i];
        out->u -= p * density;
        out->uu += p * (below - z * density);
        out->below += p * (s * below + r * density);
        out->below2 += p * ((s * s + r * r) * below + s * r * density);
    }
}

double sgd_population_error(double chi, double w1, double r)
{
    if (r == 0)
        return w1 > 0 ? 0 : 1;
    return gsl_cdf_tdist_Q(w1 / r * sqrt(chi + 1), chi + 1);
}

/* The soft hinge: both integrals by quadrature, the inner one on panels as wide as the corner is. */
static double soft_loss(const sgd_rule *q, const sgd_loss *l, double a, double b)
{
    double x[SGD_MOST_NODES], w[SGD_MOST_NODES], sum = 0, end = sqrt(fmax(q->chi, 0)) + 10;
    size_t n = sgd_rule_nodes(q, 0, end, fmin(1, a != 0 ? 2 * l->softness / fabs(a) + fabs(b / a) : 1), x, w);
    double panel = b > 0 ? fmin(1, 2 * l->softness / b) : 1;
    size_t panels = (size_t)fmin(ceil(2 * sure / panel), 2000);
    double step = 2 * sure / (double)panels;
    for (size_t i = 0; i < n; i++) {
        double inner = 0;
        for (size_t k = 0; k < panels; k++)
            for (size_t j = 0; j < SGD_NODES; j++) {
                double u = -sure + step * ((double)k + q->x[j]);
                inner += step * q->w[j] * normal_density(u) * sgd_loss_at(l, a * x[i] + b * u);
            }
        sum += w[i] * exp(-x[i] * x[i] / 2 - q->log_z) * inner;
    }
    return sum;
}

double sgd_population_loss(const sgd_rule *q, const sgd_loss *l, size_t d, double w1, double r)
{
    double unit = l->alpha / sqrt((double)d), a = unit * w1, b = unit * r;
    sgd_population all;
    switch (l->kind) {
    case SGD_HINGE:
        sgd_population_at(q, a, b, l->margin, &all);
        return all.below / l->alpha;
    case SGD_QUADRATIC_HINGE:
        sgd_population_at(q, a, b, l->margin, &all);
        return all.below2 / (2 * l->alpha);
    case SGD_SOFT_HINGE:
        return soft_loss(q, l, a, b);
    case SGD_SQUARE:
        break;
    }
    double mean2 = 1 - 2 * a * sgd_chi_mean(q->chi, 1) + a * a * sgd_chi_mean(q->chi, 2) + b * b; /* E (1 - yF)^2 */
    return l->half ? mean2 / (2 * l->alpha * l->alpha) : mean2;
}
