/* theory.c -- moments with a frozen consensus, stability lines, and the consensus of a Gaussian cloud on a quadratic (see theory.h).
 *
 * For a frozen consensus and y = x - c: d/dt E|y|^2 = -(2 lambda - d_eff sigma^2) E|y|^2; one path decays like exp(-(lambda - (d-2) sigma^2/2) t)
 * (isotropic), exp(-(lambda + sigma^2/2) t) (each coordinate, anisotropic).  Carrillo et al., arXiv:1909.09249; both are Ito's formula for a
 * geometric Brownian motion.  Truncated and constant noise have no such closed form: NaN. */
#include "theory.h"

#include <math.h>
#include <string.h>

const qn_quantity cbo_quantities[] = {
    [CBO_Q_RATE] = {"rate", "1", "2λ-dσ^2", "decay rate of E|x-c|^2 in continuous time, consensus frozen: 2 lambda - d_eff sigma^2", NULL},
    [CBO_Q_RATE_EULER] = {"rate_scheme", "1", "-ln q/Δt", "the same of the time-stepping scheme: -ln(q)/dt", NULL},
    [CBO_Q_Q] = {"q", "1", "q", "factor of E|x-c|^2 in a step, consensus frozen: (1 - lambda dt)^2 + d_eff sigma^2 dt for Euler", NULL},
    [CBO_Q_Q_CLOUD] = {"q_cloud", "1", "q_N", "factor of the variance of N particles in a step at alpha = 0", NULL},
    [CBO_Q_V_FACTOR] = {"V_factor", "1", "V(t+1)/V(t)", "factor of V in a unit of time, consensus at the minimiser: q^(1/dt)", NULL},
    [CBO_Q_Q_FOURTH] = {"q_fourth", "1", "q_4/q^2", "factor in a step of E|x-c|^4/(E|x-c|^2)^2; the relative variance of a measured V grows so", NULL},
    [CBO_Q_PATHWISE] = {"pathwise_exponent", "1", "χ", "growth rate of log|x-c| along a single path, consensus frozen", NULL},
    [CBO_Q_SIGMA_MEAN_SQUARE] = {"sigma_mean_square", "1", "σ_2", "noise from which the mean square spread grows, sigma^2 = 2 lambda/d_eff", "sigma"},
    [CBO_Q_SIGMA_PATHWISE] = {"sigma_pathwise", "1", "σ_0", "noise from which single paths leave, sigma^2 = 2 lambda/(d-2); none for d <= 2 or anisotropic noise", "sigma"},
    [CBO_Q_D_MEAN_SQUARE] = {"d_mean_square", "1", "d_2", "dimension from which the mean square spread grows, d = 2 lambda/sigma^2 (isotropic)", "d"},
    [CBO_Q_D_PATHWISE] = {"d_pathwise", "1", "d_0", "dimension from which single paths leave, d = 2 + 2 lambda/sigma^2 (isotropic)", "d"},
    [CBO_Q_LAMBDA_MEAN_SQUARE] = {"lambda_mean_square", "1", "λ_2", "drift below which the mean square spread grows, lambda = d_eff sigma^2/2", "lambda"},
    [CBO_Q_DT_STABLE] = {"dt_stable", "1", "Δt_2", "Euler step from which the mean square spread grows, (2 lambda - d_eff sigma^2)/lambda^2", "dt"},
    [CBO_Q_LAPLACE_ERR_2] = {"laplace_err_2", "1", "|c-x*|", "distance of the consensus of the normal start from the minimiser, quadratic f, N = infinity", NULL},
    [CBO_Q_LAPLACE_ERR_INF] = {"laplace_err_inf", "1", "|c-x*|_∞", "the same, largest coordinate", NULL},
    [CBO_Q_LAPLACE_LOGZ] = {"laplace_logZ", "1", "log Z", "log E exp(-alpha f) over the normal start, quadratic f", NULL},
    [CBO_Q_LAPLACE_N_EFF] = {"laplace_n_eff", "1", "n_{eff}", "effective sample size of the normal start, quadratic f: N (E w)^2/E w^2", NULL},
    [CBO_Q_LAPLACE_FLOOR] = {"laplace_floor", "1", "δc", "root mean square distance of the consensus of N particles from that of infinitely many, order N^{-1/2}", NULL},
    [CBO_Q_SAMPLING_VARIANCE] = {"sampling_variance", "1", "C", "stationary variance of method sampling, quadratic f, of the first coordinate", NULL},
    [CBO_QUANTITIES] = {0},
};

double cbo_d_eff(cbo_noise noise, bool componentwise, double d)
{
    switch (noise) {
    case CBO_ISOTROPIC:
        return d;
    case CBO_ANISOTROPIC:
        return 1;
    case CBO_TRUNCATED:
        return componentwise ? 1 : d;
    case CBO_CONSTANT:
        break;
    }
    return NAN;
}

/* Moments of y = x - c for a frozen c, and the lines where they stop to contract. */
static void fill_moments(const qn_params *p, double d, double *out)
{
    bool isotropic = qn_choice(p, "noise") == CBO_ISOTROPIC;
    if (!isotropic && qn_choice(p, "noise") != CBO_ANISOTROPIC)
        return;
    double d_eff = isotropic ? d : 1, lambda = qn_real(p, "lambda"), sigma2 = qn_real(p, "sigma") * qn_real(p, "sigma"), dt = qn_real(p, "dt");
    double n = qn_real(p, "N"), s2 = sigma2 * dt, a = 1 - lambda * dt;
    cbo_integrator integrator = (cbo_integrator)qn_choice(p, "integrator");
    out[CBO_Q_RATE] = 2 * lambda - d_eff * sigma2;
    out[CBO_Q_SIGMA_MEAN_SQUARE] = sqrt(2 * lambda / d_eff);
    out[CBO_Q_LAMBDA_MEAN_SQUARE] = d_eff * sigma2 / 2;
    out[CBO_Q_PATHWISE] = isotropic ? (d - 2) * sigma2 / 2 - lambda : -lambda - sigma2 / 2;
    if (isotropic && d > 2)
        out[CBO_Q_SIGMA_PATHWISE] = sqrt(2 * lambda / (d - 2));
    if (isotropic && sigma2 > 0) {
        out[CBO_Q_D_MEAN_SQUARE] = 2 * lambda / sigma2;
        out[CBO_Q_D_PATHWISE] = 2 + 2 * lambda / sigma2;
    }
    if (integrator == CBO_EXPONENTIAL)
        a = exp(-lambda * dt);
    double q = a * a + d_eff * s2, fourth = q * q + 2 * d_eff * s2 * s2 + 4 * a * a * s2;
    if (integrator == CBO_GEOMETRIC) { /* log-normal factor */
        q = exp((sigma2 - 2 * lambda) * dt);
        fourth = q * q * exp(4 * s2);
    } else {
        out[CBO_Q_Q_CLOUD] = a * a + d_eff * s2 * (1 - 1 / n);
    }
    out[CBO_Q_Q] = q;
    out[CBO_Q_Q_FOURTH] = fourth / (q * q);
    out[CBO_Q_RATE_EULER] = -log(q) / dt;
    out[CBO_Q_V_FACTOR] = pow(q, 1 / dt);
    if (integrator == CBO_EULER)
        out[CBO_Q_DT_STABLE] = (2 * lambda - d_eff * sigma2) / (lambda * lambda);
}

/* Curvature and distance of the normal start's mean from the minimiser along coordinate k. */
static void coordinate(const qn_params *p, size_t k, double *a, double *m)
{
    size_t n_a, n_b;
    const double *curvature = qn_list(p, "curvatures", &n_a), *shift = qn_list(p, "shift", &n_b);
    *a = n_a ? curvature[k % n_a] : 1;
    *m = qn_real(p, "start_mean") - (n_b ? shift[k % n_b] : 0);
}

/* Consensus, weight and effective sample size of a cloud N(m, s^2 I) on f = (1/2) sum a_k (x_k - x*_k)^2: Gaussian integrals, one a coordinate. */
static void fill_laplace(const qn_params *p, double d, double *out)
{
    double alpha = qn_real(p, "alpha"), s2 = qn_real(p, "start_sd") * qn_real(p, "start_sd");
    double sum2 = 0, most = 0, log_z = 0, log_z2 = 0, scatter = 0;
    if (!(s2 > 0) || isinf(alpha))
        return;
    for (size_t k = 0; k < (size_t)d; k++) {
        double a, m;
        coordinate(p, k, &a, &m);
        double v1 = 1 / (1 / s2 + alpha * a), v2 = 1 / (1 / s2 + 2 * alpha * a), c = m * v1 / s2, m2 = m * v2 / s2;
        log_z += log(v1 / s2) / 2 - m * m / 2 * (1 / s2 - v1 / (s2 * s2));
        log_z2 += log(v2 / s2) / 2 - m * m / 2 * (1 / s2 - v2 / (s2 * s2));
        scatter += v2 + (m2 - c) * (m2 - c);
        sum2 += c * c;
        most = fmax(most, fabs(c));
    }
    double n = qn_real(p, "N");
    out[CBO_Q_LAPLACE_ERR_2] = sqrt(sum2);
    out[CBO_Q_LAPLACE_ERR_INF] = most;
    out[CBO_Q_LAPLACE_LOGZ] = log_z;
    out[CBO_Q_LAPLACE_N_EFF] = n * exp(2 * log_z - log_z2);
    out[CBO_Q_LAPLACE_FLOOR] = sqrt(exp(log_z2 - 2 * log_z) * scatter / n);
}

/* Fixed point of C' = b^2 C + (1 - b^2)(1 + alpha) C/(1 + alpha a C) and of its Euler form, ell = 1/(1 + alpha). */
static void fill_sampling(const qn_params *p, double *out)
{
    double a, m, alpha = qn_real(p, "alpha"), dt = qn_real(p, "dt");
    bool euler = qn_choice(p, "sampling_scheme") == 1;
    coordinate(p, 0, &a, &m);
    if (isinf(alpha) || !(a > 0))
        return;
    if (qn_choice(p, "sampling_target") == 1)
        out[CBO_Q_SAMPLING_VARIANCE] = 0;
    else if (!euler)
        out[CBO_Q_SAMPLING_VARIANCE] = 1 / a;
    else if (alpha > 0 && dt < 2)
        out[CBO_Q_SAMPLING_VARIANCE] = ((1 + alpha) / (1 - dt / 2) - 1) / (alpha * a);
}

int cbo_theory_at(const qn_params *p, double *out)
{
    for (int i = 0; i < CBO_QUANTITIES; i++)
        out[i] = NAN;
    cbo_method_kind method = (cbo_method_kind)qn_choice(p, "method");
    double d = (double)cbo_dimension_of(p);
    bool quadratic = qn_choice(p, "objective") == CBO_QUADRATIC && !qn_bool(p, "rotate");
    if ((method == CBO_METHOD_CBO || method == CBO_METHOD_POLARIZED) && d > 0)
        fill_moments(p, d, out);
    if (quadratic && qn_choice(p, "start") == CBO_START_NORMAL && !cbo_single(method))
        fill_laplace(p, d, out);
    if (quadratic && method == CBO_METHOD_SAMPLING)
        fill_sampling(p, out);
    return 0;
}
