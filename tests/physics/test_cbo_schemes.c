/* test_cbo_schemes.c -- the gradient behind the engine cbo, and the schemes that it is compared with, against what is known of them exactly: the
 * Gaussian identity behind the implicit gradient, Laplace's principle, proximal steps, hopping, descent.
 *
 * Everything runs through the model: create() from parameters, step(), and the state.  Statistical bounds are 4 standard errors (6e-5 a check for a
 * fresh seed) unless a comment says otherwise. */
#include <gsl/gsl_errno.h>

#include "cbo/cloud.h"
#include "cbo/hopping.h"
#include "cbo/implicit.h"
#include "cbo_task.h"
#include "text.h"

/* ---- 3.1: the identity, by quadrature ----------------------------------------------------------------------------------- */

/* E over x = m + s u, u standard normal in the plane: the trapezoidal rule on |u_k| <= 9, which converges faster than any power for smooth f. */
enum { NODES = 721, BLOCKS = (NODES + CBO_LANES - 1) / CBO_LANES };

typedef struct plane {
    double z, log_z, c[2], slope[2]; /* E w; -alpha min f + ln E w; E w x/E w; E w grad f/E w: grad F in closed form */
    double z2;                       /* E w^2 */
    double m2[2], v2;                /* mean and E|x - m2|^2 under w^2 */
} plane;

static void row_of_plane(const cbo_objective *o, const double m[2], double s, size_t i, double *f, double *work)
{
    double x[2 * CBO_LANES];
    for (size_t b = 0; b < BLOCKS; b++) {
        for (size_t j = 0; j < CBO_LANES; j++) {
            x[j] = m[0] + s * (-9 + 18.0 * (double)i / (NODES - 1));
            x[CBO_LANES + j] = m[1] + s * (-9 + 18.0 * (double)(b * CBO_LANES + j) / (NODES - 1));
        }
        o->eval(o, CBO_LANES, x, f + b * CBO_LANES, work);
    }
}

static plane integrate(cbo_state *st, double alpha, const double m[2], double s)
{
    const cbo_objective *o = st->objective;
    plane p = {0};
    double *f = malloc(NODES * BLOCKS * CBO_LANES * sizeof *f), lowest = INFINITY, second[2] = {0}, r2 = 0;
    for (size_t i = 0; i < NODES; i++) {
        row_of_plane(o, m, s, i, f + i * BLOCKS * CBO_LANES, st->work);
        for (size_t j = 0; j < NODES; j++)
            lowest = fmin(lowest, f[i * BLOCKS * CBO_LANES + j]);
    }
    double h = 18.0 / (NODES - 1), unit = h * h / (2 * M_PI);
    for (size_t i = 0; i < NODES; i++)
        for (size_t j = 0; j < NODES; j++) {
            double u = -9 + h * (double)i, v = -9 + h * (double)j, x[2] = {m[0] + s * u, m[1] + s * v}, g[2];
            double gauss = unit * exp(-(u * u + v * v) / 2), w = exp(-alpha * (f[i * BLOCKS * CBO_LANES + j] - lowest));
            if (gauss * w < 1e-30)
                continue;
            cbo_gradient(o, x, g, st->work);
            p.z += gauss * w;
            p.z2 += gauss * w * w;
            r2 += gauss * w * w * (x[0] * x[0] + x[1] * x[1]);
            for (int k = 0; k < 2; k++) {
                p.c[k] += gauss * w * x[k];
                p.slope[k] += gauss * w * g[k];
                second[k] += gauss * w * w * x[k];
            }
        }
    free(f);
    for (int k = 0; k < 2; k++) {
        p.c[k] /= p.z;
        p.slope[k] /= p.z;
        p.m2[k] = second[k] / p.z2;
    }
    p.v2 = r2 / p.z2 - p.m2[0] * p.m2[0] - p.m2[1] * p.m2[1];
    p.log_z = -alpha * lowest + log(p.z);
    return p;
}

static const struct {
    const char *objective;
    double m[2], alpha, s, tol;
} identities[] = {
    {"objective=rastrigin A=2.5", {1.3, -0.7}, 1, 0.1, 1e-6},
    {"objective=rastrigin A=2.5", {1.3, -0.7}, 10, 0.3, 1e-6},
    {"objective=rastrigin A=2.5", {0.2, 2.4}, 0.5, 0.7, 1e-6},
    {"objective=canyon variant=smooth", {3.0, 2.5}, 2, 0.3, 1e-6},
    {"objective=canyon variant=noisy", {5.0, 3.0}, 1, 0.5, 1e-6},
    {"objective=canyon variant=noisy", {0.3, -0.4}, 3, 0.2, 1e-4}, /* astride the wall, where the second derivative jumps: the rule converges as h^2 */
    {"objective=canyon variant=two_valley", {2.0, 1.0}, 1, 0.4, 1e-6},
};

/* c - m = -alpha s^2 grad F(m): the left side from E w x, the right from E w grad f, and from differences of F itself. */
static void test_identity(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
        task t;
        double alpha = identities[i].alpha, s = identities[i].s, tau = alpha * s * s, h = 1e-3 * s;
        const double *m = identities[i].m;
        open_task(&t, 1, 0, identities[i].objective);
        plane p = integrate(t.s, alpha, m, s);
        double left[2] = {p.c[0] - m[0], p.c[1] - m[1]}, size = hypot(left[0], left[1]);
        for (int k = 0; k < 2; k++) {
            double up[2] = {m[0], m[1]}, down[2] = {m[0], m[1]};
            up[k] += h;
            down[k] -= h;
            double by_difference = -(integrate(t.s, alpha, up, s).log_z - integrate(t.s, alpha, down, s).log_z) / (2 * h * alpha);
            assert_near(left[k], -tau * p.slope[k], identities[i].tol * size);
            assert_near(left[k], -tau * by_difference, 3 * identities[i].tol * size); /* and the h^2 of the difference */
        }
        close_task(&t);
    }
}

/* The numbers of one point; and the limit s -> 0 to second order, grad F = g + (s^2/2) grad laplace f - alpha s^2 H g + O(s^4) with H the Hessian: the rest falls
 * sixteenfold at half the width. */
static void test_identity_numbers(void **state)
{
    (void)state;
    const double widths[] = {0.1, 0.01, 0.005}, m[2] = {1.3, -0.7}, alpha = 1, turn = 2 * M_PI;
    task t;
    double g[2], rest[3];
    open_task(&t, 1, 0, "objective=rastrigin A=2.5");
    cbo_gradient(t.s->objective, m, g, t.s->work);
    for (int i = 0; i < 3; i++) {
        double s = widths[i], tau = alpha * s * s, off[2];
        plane p = integrate(t.s, alpha, m, s);
        for (int k = 0; k < 2; k++) {
            double second = 2 + 2.5 * turn * turn * cos(turn * m[k]), third = -2.5 * pow(turn, 3) * sin(turn * m[k]);
            off[k] = -(p.c[k] - m[k]) / tau - (g[k] + s * s / 2 * third - alpha * s * s * second * g[k]);
        }
        rest[i] = hypot(off[0], off[1]);
        if (i > 0)
            continue;
        double x = p.c[0] - m[0], y = p.c[1] - m[1], slope = hypot(g[0], g[1]);
        assert_near(x, -0.138693, 6e-7);
        assert_near(y, -0.108408, 6e-7);
        assert_near(-(x * g[0] + y * g[1]) / (hypot(x, y) * slope), 0.999982, 6e-7);
        assert_near(hypot(x, y) / (tau * slope), 0.794486, 6e-7);
    }
    assert_near(rest[1] / rest[2], 16, 1);
    close_task(&t);
}

/* S^{-1}(c - m) of a full covariance gives back the gradient that made c; none at alpha = 0 or inf, none of a flat cloud. */
static void test_implicit_gradient(void **state)
{
    (void)state;
    double cov[9] = {2, 0.5, -0.3, 0.5, 1, 0.2, -0.3, 0.2, 0.7}, flat[4] = {0}, g[3] = {1.5, -2, 0.25}, m[3] = {1, 2, 3}, c[3], out[3];
    double alpha = 3;
    for (int k = 0; k < 3; k++) {
        c[k] = m[k];
        for (int l = 0; l < 3; l++)
            c[k] -= alpha * cov[3 * k + l] * g[l];
    }
    double copy[9];
    memcpy(copy, cov, sizeof cov);
    assert_true(cbo_implicit_gradient(3, m, copy, c, alpha, out));
    for (int k = 0; k < 3; k++)
        assert_near(out[k], g[k], 1e-10);
    memcpy(copy, cov, sizeof cov);
    assert_false(cbo_implicit_gradient(3, m, copy, c, 0, out));
    memcpy(copy, cov, sizeof cov);
    assert_false(cbo_implicit_gradient(3, m, copy, c, INFINITY, out));
    assert_false(cbo_implicit_gradient(2, m, flat, c, 1, out));
}

/* Square roots of covariances of two vectors in five dimensions: L L^T = S, however little rounding leaves of the other three (without pivoting a small first
 * pivot costs digits: 1e-8 in the worst of 20000). */
static void test_cholesky(void **state)
{
    enum { D = 5 };
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 1, 2, 3, 4);
    for (int round = 0; round < 20000; round++) {
        double a[D], b[D], s[D * D], l[D * D], trace = 0;
        qn_rng_fill_normal(&rng, D, a);
        qn_rng_fill_normal(&rng, D, b);
        for (int i = 0; i < D * D; i++)
            s[i] = l[i] = 1e-3 * (a[i / D] * a[i % D] + b[i / D] * b[i % D]);
        for (int i = 0; i < D; i++)
            trace += s[i * D + i];
        assert_true(cbo_cholesky(D, l) >= 2);
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++) {
                double sum = 0;
                for (int k = 0; k < D; k++)
                    sum += l[D * i + k] * l[D * j + k];
                assert_near(sum, s[D * i + j], 1e-8 * trace);
                assert_true(j <= i || l[D * i + j] == 0);
            }
    }
}

/* ---- 3.4: Laplace's principle ------------------------------------------------------------------------------------------- */

/* A Gaussian cloud N(m, s^2 I), f = (a/2)|x|^2: consensus, log Z and n_eff in closed form, by quadrature. */
static void test_gaussian_cloud(void **state)
{
    (void)state;
    task t;
    double m[2] = {0.6, -0.9}, s = 0.7, a = 3, r2 = m[0] * m[0] + m[1] * m[1];
    open_task(&t, 1, 0, "objective=quadratic curvatures=3 d=2");
    for (double alpha = 0.1; alpha < 200; alpha *= 10) { /* beyond, the nodes are too far apart for the weights */
        plane p = integrate(t.s, alpha, m, s);
        double u = alpha * a * s * s, v1 = 1 / (1 / (s * s) + alpha * a), v2 = 1 / (1 / (s * s) + 2 * alpha * a);
        double z1 = v1 / (s * s) * exp(-r2 / 2 * (1 / (s * s) - v1 / pow(s, 4))), z2 = v2 / (s * s) * exp(-r2 / 2 * (1 / (s * s) - v2 / pow(s, 4)));
        double distance = hypot(p.c[0], p.c[1]), free_energy = log1p(u) / alpha + a * r2 / (2 * (1 + u));
        assert_near(distance, sqrt(r2) / (1 + u), 1e-9);
        assert_near(-p.log_z / alpha, free_energy, 1e-9 * free_energy);
        assert_near(exp(-alpha * free_energy), z1, 1e-9 * z1);
        assert_near(p.z * p.z / p.z2, z1 * z1 / z2, 1e-7 * z1 * z1 / z2);
        assert_near(p.m2[0], v2 * m[0] / (s * s), 1e-9);
        assert_near(p.v2, 2 * v2, 1e-9);
    }
    close_task(&t);
}

/* One hop draws N samples of N(m, s^2 I): their consensus, log Z and n_eff against the closed forms, and E|c_N - c|^2 = (Z_2/(N Z^2)) (d v_2 + |m_2 - c|^2).
 * N = 4096, 400 runs; corrections are O(1/N) of n_eff (n_eff/N > 0.2 here), below the standard errors. */
static void test_sampled_cloud(void **state)
{
    (void)state;
    enum { N = 4096, RUNS = 400 };
    double s = 0.5, a = 2, d = 3, m = 0.4, r2 = d * m * m;
    for (double alpha = 0.5; alpha < 5; alpha *= 4) {
        sample log_z = {0}, n_eff = {0}, rms = {0};
        double v1 = 1 / (1 / (s * s) + alpha * a), v2 = 1 / (1 / (s * s) + 2 * alpha * a), u = alpha * a * s * s;
        double z1 = pow(v1 / (s * s), d / 2) * exp(-r2 / 2 * (1 / (s * s) - v1 / pow(s, 4)));
        double z2 = pow(v2 / (s * s), d / 2) * exp(-r2 / 2 * (1 / (s * s) - v2 / pow(s, 4)));
        double c = m / (1 + u), m2 = v2 * m / (s * s);
        char *text = qn_format("objective=quadratic curvatures=2 d=3 method=hopping hop_width=0.5 start=normal start_mean=0.4 start_sd=0 N=%d alpha=%g", N, alpha);
        for (size_t r = 0; r < RUNS; r++) {
            task t;
            double gap = 0;
            open_task(&t, 34, r, text);
            steps(&t, 1);
            for (size_t k = 0; k < 3; k++)
                gap += (t.s->now.c[k] - c) * (t.s->now.c[k] - c);
            add(&rms, gap);
            add(&log_z, t.s->now.log_z);
            add(&n_eff, t.s->now.n_eff / N);
            close_task(&t);
        }
        free(text);
        assert_sigma(mean(&log_z), error(&log_z), log(z1));
        assert_sigma(mean(&n_eff), error(&n_eff), z1 * z1 / z2);
        assert_sigma(mean(&rms), error(&rms), z2 / (N * z1 * z1) * (d * v2 + d * (m2 - c) * (m2 - c)));
    }
}

/* The quantitative form as an inequality: f >= (eta |x|)^{1/nu} gives |c| <= (q + f_r)^nu/eta + exp(-alpha q)/rho(B_r) int |x| d rho for every q > 0, r; f_r is the
 * largest f on B_r.  rastrigin: eta = 1, nu = 1/2.  For rho uniform to the grid's accuracy both sides are sums over the same nodes. */
static void test_laplace_bound(void **state)
{
    (void)state;
    task t;
    double m[2] = {0.5, -0.3}, s = 0.8, h = 18.0 / (NODES - 1), tightest = INFINITY;
    open_task(&t, 1, 0, "objective=rastrigin A=2.5");
    for (double alpha = 0.1; alpha < 2e4; alpha *= 10) {
        double distance = hypot(integrate(t.s, alpha, m, s).c[0], integrate(t.s, alpha, m, s).c[1]);
        for (double r = 0.05; r < 1; r *= 2) {
            double ball = 0, moment = 0, f_r = 0;
            for (size_t i = 0; i < NODES; i++)
                for (size_t j = 0; j < NODES; j++) {
                    double u = -9 + h * (double)i, v = -9 + h * (double)j, x[2] = {m[0] + s * u, m[1] + s * v}, length = hypot(x[0], x[1]);
                    double gauss = h * h / (2 * M_PI) * exp(-(u * u + v * v) / 2);
                    moment += gauss * length;
                    if (length > r)
                        continue;
                    ball += gauss;
                    f_r = fmax(f_r, cbo_value(t.s->objective, x, t.s->work));
                }
            for (double q = 0.01; q < 10; q *= 3) {
                double bound = sqrt(q + f_r) + exp(-alpha * q) / ball * moment;
                assert_true(distance <= bound);
                tightest = fmin(tightest, bound / distance);
            }
        }
    }
    assert_true(tightest < 12); /* and no empty statement: measured 11.5 */
    close_task(&t);
}

/* ---- 9.6: hopping, proximal steps, descent ------------------------------------------------------------------------------ */

#define BOWL "objective=quadratic curvatures=1,3 d=2 start=normal start_mean=2 start_sd=0 "

static void test_proximal_quadratic(void **state)
{
    (void)state;
    task t;
    open_task(&t, 1, 0, BOWL "method=proximal alpha=1 hop_width=0.5");
    assert_near(t.s->now.c[0], 2, 0);
    steps(&t, 5);
    assert_near(t.s->now.c[0], 2 * pow(1.25, -5), 1e-14);
    assert_near(t.s->now.c[1], 2 * pow(1.75, -5), 1e-14);
    assert_near(t.s->now.c[0], 0.655360, 6e-7);
    assert_near(t.s->now.c[1], 0.121854, 6e-7);
    close_task(&t);
    /* turned and moved: x* + R^T (I + tau A)^{-5} R (x - x*), so the distances along the axes are those of the eigenvectors */
    open_task(&t, 1, 0, BOWL "rotate=true shift=1,-2 method=proximal tau=0.25");
    const double *rotation = t.s->objective->rotation, x0[2] = {1, -2};
    steps(&t, 5);
    for (int k = 0; k < 2; k++) {
        double before = 0, after = 0;
        for (int l = 0; l < 2; l++) {
            before += rotation[2 * k + l] * (2 - x0[l]);
            after += rotation[2 * k + l] * (t.s->now.c[l] - x0[l]);
        }
        assert_near(after, before * pow(k ? 1.75 : 1.25, -5), 1e-13);
    }
    close_task(&t);
}

/* N-sample hopping follows the proximal points with a bias O(1/N): below 1e-2 relative at N = 2000.  2000 runs resolve 1e-3 of the first and
 * 3e-3 of the second coordinate. */
static void test_hopping_quadratic(void **state)
{
    (void)state;
    enum { RUNS = 2000 };
    sample x = {0}, y = {0};
    for (size_t r = 0; r < RUNS; r++) {
        task t;
        open_task(&t, 96, r, BOWL "method=hopping alpha=1 hop_width=0.5 N=2000");
        assert_near(t.s->now.c[0], 2, 0);
        steps(&t, 5);
        add(&x, t.s->now.c[0]);
        add(&y, t.s->now.c[1]);
        close_task(&t);
    }
    assert_true(error(&x) < 1e-3 * 0.655360 && error(&y) < 5e-3 * 0.121854);
    assert_near(mean(&x), 0.655360, 1e-2 * 0.655360);
    assert_near(mean(&y), 0.121854, 1e-2 * 0.121854);
}

static void test_hopping_width(void **state)
{
    (void)state;
    cbo_settings set = {.hop_width = 2, .hop_factor = 0.5, .hop_every = 3};
    const double want[] = {2, 2, 2, 1, 1, 1, 0.5};
    for (uint64_t k = 0; k < 7; k++)
        assert_near(cbo_hopping_width(&set, k), want[k], 0);
}

/* The proximal point of a landscape with many minima: no node of a grid around it lies lower. */
static void test_proximal_search(void **state)
{
    static const char *const cases[] = {
        "objective=rastrigin A=2.5 d=2 start=normal start_mean=1.4 start_sd=0 method=proximal tau=0.2 restarts=40",
        "objective=rastrigin A=2.5 d=2 start=normal start_mean=2 start_sd=0 method=proximal tau=2 restarts=200", /* several minima away */
        "objective=canyon variant=noisy start=normal start_mean=3 start_sd=0 method=proximal tau=0.1 restarts=40",
        "objective=schwefel220 d=2 start=normal start_mean=1.3 start_sd=0 method=proximal tau=0.5 restarts=4", /* |x| - tau at once */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        task t;
        open_task(&t, 5, 0, cases[i]);
        for (int k = 0; k < 3; k++) {
            double x[2] = {t.s->now.c[0], t.s->now.c[1]}, tau = t.s->set.tau, lowest = INFINITY;
            steps(&t, 1);
            const double *y = t.s->now.c;
            double found = cbo_value(t.s->objective, y, t.s->work) + ((y[0] - x[0]) * (y[0] - x[0]) + (y[1] - x[1]) * (y[1] - x[1])) / (2 * tau);
            for (int a = -150; a <= 150; a++)
                for (int b = -150; b <= 150; b++) {
                    double p[2] = {x[0] + 0.02 * a, x[1] + 0.02 * b};
                    double f = cbo_value(t.s->objective, p, t.s->work) + 0.0004 * (a * a + b * b) / (2 * tau);
                    lowest = fmin(lowest, f);
                }
            if (!(found <= lowest + 1e-9))
                fail_msg("%s: step %d found %.10g, a node of the grid has %.10g", cases[i], k, found, lowest);
            if (i == 3)
                assert_near(y[0], fmax(x[0] - 0.5, 0), 1e-6);
        }
        close_task(&t);
    }
}

/* Gradient descent from (8,8) on the noisy canyon stops in a false minimum. */
static void test_descent_canyon(void **state)
{
    (void)state;
    task t;
    open_task(&t, 1, 0, "objective=canyon variant=noisy method=gradient tau=1e-3 start=normal start_mean=8 start_sd=0");
    steps(&t, 10000);
    assert_near(t.s->now.c[0], 2.336, 6e-4);
    assert_near(t.s->now.c[1], 2.466, 6e-4);
    close_task(&t);
}

/* Where the other schemes end on it, from (8,8): fractions within 0.25 of the minimiser in every coordinate, against those of another implementation with its 95 %
 * half-width; two samples, |z| < 4. */
static void test_schemes_canyon(void **state)
{
    enum { RUNS = 400 };
    static const struct {
        const char *method;
        size_t steps;
        double p, half;
    } cases[] = {
        {"method=hopping N=200 alpha=100 hop_width=0.7", 250, 0.80, 0.04},
        {"method=hopping N=200 alpha=100 hop_width=0.4", 250, 0, 0.0095}, /* 0 of 400 */
        {"method=langevin sigma=10 eta=1 dt=1e-3", 10000, 0.22, 0.04},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t hits = 0;
        char *text = qn_format("objective=canyon variant=noisy start=normal start_mean=8 start_sd=0 %s", cases[i].method);
        for (size_t r = 0; r < RUNS; r++) {
            task t;
            open_task(&t, 6, r, text);
            steps(&t, cases[i].steps);
            hits += cbo_distance(t.s->objective, t.s->now.c, true) < 0.25;
            close_task(&t);
        }
        free(text);
        double p = (double)hits / RUNS, both = hypot(cases[i].half / 1.96, sqrt(fmax(p * (1 - p), 1.0 / RUNS) / RUNS));
        assert_sigma(p, both, cases[i].p);
    }
}

/* Descent is its own gradient step: residual 0, alignment 1; a proximal step on a quadratic leaves (I + tau A)^{-1} - I + tau A of x. */
static void test_readings_of_descent(void **state)
{
    (void)state;
    task t;
    cbo_implicit in;
    open_task(&t, 1, 0, BOWL "method=gradient tau=0.1 implicit=true");
    assert_int_equal(cbo_implicit_read(t.s, &in), 0);
    assert_true(isnan(in.align_step) && isnan(in.resid));
    steps(&t, 3);
    assert_int_equal(cbo_implicit_read(t.s, &in), 0);
    assert_near(in.resid, 0, 1e-15);
    assert_near(in.align_step, 1, 1e-14);
    assert_true(isnan(in.align_cloud) && isnan(in.g_hat_norm));
    close_task(&t);
    open_task(&t, 1, 0, BOWL "method=proximal tau=0.1 implicit=true");
    steps(&t, 1);
    assert_int_equal(cbo_implicit_read(t.s, &in), 0);
    assert_near(in.resid, 2 * hypot(1 / 1.1 - 1 + 0.1, 1 / 1.3 - 1 + 0.3), 1e-14);
    close_task(&t);
}

/* Hopping on the quadratic: g_hat estimates grad F = A (I + tau A)^{-1} m, the residual tends to the proximal one, and the saturation is
 * alpha s |A m|/sqrt(2 ln N).  N = 10^5: the sampled covariance and consensus are good to about 1 %. */
static void test_readings_of_hopping(void **state)
{
    (void)state;
    task t;
    cbo_implicit in;
    open_task(&t, 11, 0, BOWL "method=hopping alpha=1 hop_width=0.5 N=100000 implicit=true");
    steps(&t, 1);
    assert_int_equal(cbo_implicit_read(t.s, &in), 0);
    double g[2] = {2 / 1.25, 6 / 1.75}, f[2] = {2, 6};
    assert_near(in.g_hat_norm, hypot(g[0], g[1]), 0.02 * hypot(g[0], g[1]));
    assert_near(in.align_gradient, (g[0] * f[0] + g[1] * f[1]) / (hypot(g[0], g[1]) * hypot(f[0], f[1])), 2e-3);
    assert_near(in.align_cloud, in.align_gradient, 2e-3); /* S = s^2 I */
    assert_near(in.align_step, in.align_cloud, 2e-3);
    assert_near(in.tau, 0.25, 1e-15);
    assert_near(in.resid, 2 * hypot(1 / 1.25 - 0.75, 1 / 1.75 - 0.25), 0.02);
    assert_near(in.ch_saturation, 0.5 * hypot(2, 6) / sqrt(2 * log(1e5)), 0.02 * in.ch_saturation);
    close_task(&t);
    open_task(&t, 11, 0, BOWL "method=hopping alpha=1e6 hop_width=0.5 N=100 implicit=true");
    steps(&t, 1);
    assert_int_equal(cbo_implicit_read(t.s, &in), 0);
    assert_true(isnan(in.g_hat_norm)); /* n_eff < d + 2 */
    assert_true(in.ch_saturation > 1);
    close_task(&t);
}

/* Langevin on f = x^2/2: mean and variance obey m' = (1 - eta dt) m, v' = (1 - eta dt)^2 v + sigma_k^2 dt, sigma_k = sigma/ln(k+1). 4000 runs. */
static void test_langevin(void **state)
{
    (void)state;
    enum { RUNS = 4000, K = 12 };
    sample x = {0}, x2 = {0};
    double m = 3, v = 0;
    for (int k = 1; k <= K; k++) {
        double sigma = 1.5 / log(k + 1.0);
        m *= 1 - 2 * 0.05;
        v = pow(1 - 2 * 0.05, 2) * v + sigma * sigma * 0.05;
    }
    for (size_t r = 0; r < RUNS; r++) {
        task t;
        open_task(&t, 7, r, "objective=quadratic d=1 method=langevin eta=2 dt=0.05 sigma=1.5 start=normal start_mean=3 start_sd=0");
        steps(&t, K);
        add(&x, t.s->now.c[0]);
        add(&x2, (t.s->now.c[0] - m) * (t.s->now.c[0] - m));
        close_task(&t);
    }
    assert_sigma(mean(&x), error(&x), m);
    assert_sigma(mean(&x2), error(&x2), v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_identity_numbers),
        cmocka_unit_test(test_implicit_gradient),
        cmocka_unit_test(test_cholesky),
        cmocka_unit_test(test_gaussian_cloud),
        cmocka_unit_test(test_sampled_cloud),
        cmocka_unit_test(test_laplace_bound),
        cmocka_unit_test(test_proximal_quadratic),
        cmocka_unit_test(test_hopping_quadratic),
        cmocka_unit_test(test_hopping_width),
        cmocka_unit_test(test_proximal_search),
        cmocka_unit_test(test_descent_canyon),
        cmocka_unit_test(test_schemes_canyon),
        cmocka_unit_test(test_readings_of_descent),
        cmocka_unit_test(test_readings_of_hopping),
        cmocka_unit_test(test_langevin),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
