/* test_cbo_schemes.c -- variants and schemes of the engine cbo against what is known of them exactly: the Gaussian identity behind the implicit
 * gradient, Laplace's principle, proximal steps, stationary laws of consensus-based sampling, ground states on the sphere.
 *
 * Everything runs through the model: create() from parameters, step(), and the state.  Statistical bounds are 4 standard errors (6e-5 a check for a
 * fresh seed) unless a comment says otherwise. */
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>

#include "cbo/cbo.h"
#include "cbo/cloud.h"
#include "cbo/hopping.h"
#include "cbo/implicit.h"
#include "group.h"
#include "params.h"
#include "qtest.h"
#include "rng.h"
#include "text.h"

/* ---- one task ----------------------------------------------------------------------------------------------------------- */

typedef struct task {
    qn_schema schema;
    qn_params p;
    qn_streams streams;
    void *shared, *state;
    cbo_state *s; /* the same state */
} task;

static void read_parameters(task *t, const char *text)
{
    char word[32], value[64];
    int used;
    assert_int_equal(qn_schema_init(&t->schema, &cbo_model), 0);
    assert_int_equal(qn_params_init(&t->p, &t->schema), 0);
    for (; sscanf(text, " %31[^= ]=%63s%n", word, value, &used) == 2; text += used) {
        int i = qn_schema_index(&t->schema, word);
        if (i < 0)
            fail_msg("no parameter %s", word);
        qn_value_free(&t->p.v[i]);
        if (qn_value_parse(&t->schema.item[i], value, &t->p.v[i]))
            fail_msg("%s: %s", word, qn_error_text());
        t->p.v[i].given = true;
    }
}

/* Parameters as "N=100 d=2 ..."; lists with commas. */
static void open_task(task *t, uint64_t seed, size_t replica, const char *text)
{
    static const uint64_t key[2] = {0x6362, 0x6f};
    memset(t, 0, sizeof *t);
    read_parameters(t, text);
    qn_streams_open(&t->streams, seed, key, key, replica);
    if (cbo_model.prepare && cbo_model.prepare(&t->p, &t->shared))
        fail_msg("%s", qn_error_text());
    if (cbo_model.create(&t->p, t->shared, &t->streams, &t->state))
        fail_msg("%s", qn_error_text());
    t->s = t->state;
}

static void steps(task *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(cbo_model.step(t->state, &t->streams), 0);
}

static void close_task(task *t)
{
    cbo_model.destroy(t->state);
    if (cbo_model.release)
        cbo_model.release(t->shared);
    qn_params_free(&t->p);
    qn_schema_free(&t->schema);
}

/* ---- means with errors ---- */

typedef struct sample {
    size_t n;
    double sum, sum2;
} sample;

static void add(sample *a, double x)
{
    a->n++;
    a->sum += x;
    a->sum2 += x * x;
}

static double mean(const sample *a)
{
    return a->sum / (double)a->n;
}

static double error(const sample *a)
{
    double n = (double)a->n, m = a->sum / n;
    return sqrt((a->sum2 / n - m * m) / (n - 1));
}

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

/* ---- 9.8: consensus-based sampling -------------------------------------------------------------------------------------- */

/* Variance of a Gaussian cloud after k steps at f = a x^2/2, whatever its mean. */
static double variance_after(bool euler, double a, double alpha, double dt, double v, int k)
{
    double b = euler ? 1 - dt : exp(-dt), g2 = (euler ? 2 * dt : 1 - b * b) * (1 + alpha);
    for (; k; k--)
        v = b * b * v + g2 / (1 / v + alpha * a);
    return v;
}

static void test_sampling(void **state)
{
    enum { N = 2000, RUNS = 100, K = 20 };
    static const struct {
        const char *scheme;
        bool euler;
        double after, fixed; /* from 4; where it ends */
    } cases[] = {{"exponential", false, 1.237915, 1}, {"euler", true, 1.303079, 1.105263}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        double want = variance_after(cases[i].euler, 1, 1, 0.1, 4, K);
        assert_near(want, cases[i].after, 6e-7);
        assert_near(variance_after(cases[i].euler, 1, 1, 0.1, 4, 1000), cases[i].fixed, 6e-7);
        assert_near(variance_after(cases[i].euler, 1, 1, 0.1, cases[i].fixed, 1), cases[i].fixed, 6e-7);
        char *text = qn_format("objective=quadratic d=1 method=sampling sampling_scheme=%s alpha=1 dt=0.1 N=%d start=normal start_mean=0 start_sd=2", cases[i].scheme, N);
        sample v = {0};
        for (size_t r = 0; r < RUNS; r++) {
            task t;
            double m, c;
            open_task(&t, 98, r, text);
            steps(&t, K);
            cbo_cloud_mean(&t.s->e, &m);
            cbo_cloud_covariance(&t.s->e, NULL, &m, &c);
            add(&v, c);
            close_task(&t);
        }
        free(text);
        assert_true(error(&v) < 0.01);
        assert_near(mean(&v), want, 4 * error(&v) + 10.0 / N); /* the bias of N samples is a few in N */
    }
}

/* In two dimensions, turned: C stays at A^{-1} where it starts there in law; the trace and the determinant know no rotation. */
static void test_sampling_plane(void **state)
{
    enum { N = 2000, RUNS = 60, K = 60 };
    (void)state;
    sample trace = {0}, det = {0};
    for (size_t r = 0; r < RUNS; r++) {
        task t;
        double m[2], c[4];
        open_task(&t, 99, r, "objective=quadratic d=2 curvatures=1,4 rotate=true method=sampling alpha=2 dt=0.2 N=2000 start=normal start_mean=1 start_sd=1");
        steps(&t, K);
        cbo_cloud_mean(&t.s->e, m);
        cbo_cloud_covariance(&t.s->e, NULL, m, c);
        add(&trace, c[0] + c[3]);
        add(&det, c[0] * c[3] - c[1] * c[2]);
        close_task(&t);
    }
    assert_true(error(&trace) < 0.02);
    assert_near(mean(&trace), 1.25, 4 * error(&trace) + 20.0 / N);
    assert_near(mean(&det), 0.25, 4 * error(&det) + 20.0 / N);
}

/* The minimising form, ell = 1: v' = b^2 v + (1 - b^2)/(1/v + alpha) and m' = m - (1 - b) m alpha v/(1 + alpha v) for f = x^2/2: the cloud contracts, as 1/(2 alpha t). */
static void test_sampling_minimises(void **state)
{
    enum { N = 2000, RUNS = 60, K = 50 };
    (void)state;
    double v = 4, m = 3, b = exp(-0.1), alpha = 2;
    for (int k = 0; k < K; k++) {
        m -= (1 - b) * m * alpha * v / (1 + alpha * v);
        v = b * b * v + (1 - b * b) / (1 / v + alpha);
    }
    sample spread = {0}, middle = {0};
    for (size_t r = 0; r < RUNS; r++) {
        task t;
        double x, c;
        open_task(&t, 97, r, "objective=quadratic d=1 method=sampling sampling_target=minimise alpha=2 dt=0.1 N=2000 start=normal start_mean=3 start_sd=2");
        steps(&t, K);
        cbo_cloud_mean(&t.s->e, &x);
        cbo_cloud_covariance(&t.s->e, NULL, &x, &c);
        add(&middle, x);
        add(&spread, c);
        close_task(&t);
    }
    assert_true(error(&spread) < 0.01 * v && error(&middle) < 0.01 * m);
    assert_near(mean(&spread), v, 4 * error(&spread) + 10 * v / N); /* the bias of N samples */
    assert_near(mean(&middle), m, 4 * error(&middle) + 10 * m / N);
}

/* ---- 9.10: the sphere --------------------------------------------------------------------------------------------------- */

static double norm(size_t d, const double *x)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++)
        sum += x[k] * x[k];
    return sqrt(sum);
}

static void assert_on_sphere(const cbo_state *s, double r)
{
    double *x = malloc(s->d * sizeof *x);
    for (size_t i = 0; i < s->e.n; i++) {
        cbo_ensemble_point(&s->e, i, x);
        assert_near(norm(s->d, x) / r, 1, 1e-14);
    }
    free(x);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* -(d/2) times the largest eigenvalue of J, from the objective itself: H(x) = -x^T J x/2 is known by its values at the points of the sphere along e_i and
 * e_i + e_j. */
static double ground_state(cbo_state *s)
{
    size_t d = s->d;
    double r = sqrt((double)d), h = r / sqrt(2), *x = calloc(d, sizeof *x);
    gsl_matrix *j = gsl_matrix_alloc(d, d);
    gsl_vector *values = gsl_vector_alloc(d);
    gsl_eigen_symm_workspace *w = gsl_eigen_symm_alloc(d);
    for (size_t a = 0; a < d; a++) {
        x[a] = r;
        gsl_matrix_set(j, a, a, -2 / (double)d * cbo_value(s->objective, x, s->work));
        x[a] = 0;
    }
    for (size_t a = 0; a < d; a++)
        for (size_t b = 0; b < a; b++) {
            x[a] = x[b] = h;
            double both = -4 / (double)d * cbo_value(s->objective, x, s->work), off = (both - gsl_matrix_get(j, a, a) - gsl_matrix_get(j, b, b)) / 2;
            gsl_matrix_set(j, a, b, off);
            gsl_matrix_set(j, b, a, off);
            x[a] = x[b] = 0;
        }
    gsl_eigen_symm(j, values, w);
    double top = gsl_vector_max(values);
    gsl_eigen_symm_free(w);
    gsl_vector_free(values);
    gsl_matrix_free(j);
    free(x);
    return -(double)d / 2 * top;
}

static void test_sphere_pspin(void **state)
{
    enum { RUNS = 20, D = 20 };
    double off[RUNS], x[D];
    (void)state;
    for (size_t r = 0; r < RUNS; r++) {
        task t;
        open_task(&t, 910, r, "objective=spherical_pspin p=2 d=20 method=sphere alpha=50 dt=0.05 sigma=0.3 N=400 start=normal");
        assert_on_sphere(t.s, sqrt(D));
        steps(&t, 600);
        assert_on_sphere(t.s, sqrt(D));
        cbo_sphere.answer(t.s, x);
        assert_near(norm(D, x), sqrt(D), 1e-13);
        double lowest = ground_state(t.s), found = cbo_value(t.s->objective, x, t.s->work);
        off[r] = (found - lowest) / fabs(lowest);
        assert_true(off[r] > -1e-12);
        close_task(&t);
    }
    qsort(off, RUNS, sizeof *off, by_size);
    assert_true((off[RUNS / 2 - 1] + off[RUNS / 2]) / 2 < 5e-3);
}

static void test_sphere_hebbian(void **state)
{
    enum { RUNS = 20, D = 16 };
    double x[D];
    (void)state;
    for (size_t r = 0; r < RUNS; r++) {
        task t;
        open_task(&t, 911, r, "objective=hebbian p=4 K=1 d=16 method=sphere alpha=50 dt=0.05 sigma=0.25 N=400 start=normal");
        steps(&t, 600);
        cbo_sphere.answer(t.s, x);
        double m4 = -cbo_value(t.s->objective, x, t.s->work) / D; /* H = -d m^4 */
        assert_true(pow(m4, 0.25) > 0.998);
        close_task(&t);
    }
}

/* One step from the same normals, particle by particle, as the formula has it; without noise a step is the drift along the sphere alone. */
static void test_sphere_step(void **state)
{
    enum { D = 5 };
    (void)state;
    for (int noisy = 0; noisy < 2; noisy++) {
        task t;
        double xi[D * CBO_LANES], x[CBO_LANES][D], c[D], dt = 0.1, sigma = noisy ? 0.8 : 0, r = sqrt(D);
        open_task(&t, 13, 0, noisy ? "objective=spherical_pspin d=5 N=64 method=sphere sigma=0.8 dt=0.1 lambda=2 start=normal"
                                   : "objective=spherical_pspin d=5 N=64 method=sphere sigma=0 dt=0.1 lambda=2 start=normal");
        steps(&t, 2);
        qn_bulk bulk = t.s->e.bulk[0];
        qn_bulk_normal(&bulk, D * CBO_LANES, xi);
        for (size_t i = 0; i < CBO_LANES; i++)
            cbo_ensemble_point(&t.s->e, i, x[i]);
        memcpy(c, t.s->now.c, sizeof c);
        steps(&t, 1);
        for (size_t i = 0; i < CBO_LANES; i++) {
            double u[D], next[D], gap2 = 0, u_c = 0, u_xi = 0;
            for (size_t k = 0; k < D; k++) {
                u[k] = x[i][k] / r;
                gap2 += (u[k] - c[k] / r) * (u[k] - c[k] / r);
                u_c += u[k] * c[k] / r;
                u_xi += u[k] * xi[k * CBO_LANES + i];
            }
            for (size_t k = 0; k < D; k++)
                next[k] = u[k] + 2 * dt * (c[k] / r - u_c * u[k]) + sigma * sqrt(dt * gap2) * (xi[k * CBO_LANES + i] - u_xi * u[k])
                          - sigma * sigma / 2 * (D - 1) * gap2 * u[k] * dt;
            double length = norm(D, next);
            for (size_t k = 0; k < D; k++)
                assert_near(cbo_coordinate(&t.s->e, i, k), r * next[k] / length, 1e-13);
        }
        close_task(&t);
    }
}

/* An objective of its own on the unit sphere: the nearest point to a target outside. */
static void test_unit_sphere(void **state)
{
    (void)state;
    task t;
    double x[3];
    open_task(&t, 12, 0, "objective=quadratic d=3 shift=2,-1,2 method=sphere alpha=100 dt=0.05 sigma=0.3 N=200 start=normal");
    steps(&t, 400);
    assert_on_sphere(t.s, 1);
    cbo_sphere.answer(t.s, x);
    assert_near(x[0], 2.0 / 3, 0.02);
    assert_near(x[1], -1.0 / 3, 0.02);
    assert_near(x[2], 2.0 / 3, 0.02);
    close_task(&t);
}

/* ---- polarized ---------------------------------------------------------------------------------------------------------- */

/* kappa = inf is plain CBO, bit for bit. */
static void test_polarized_infinite(void **state)
{
    (void)state;
    task a, b;
    const char *base = "objective=ackley d=3 N=100 sigma=0.7 noise=anisotropic heaviside=smooth ";
    char *plain = qn_format("%smethod=cbo", base), *polar = qn_format("%smethod=polarized kernel_width=inf", base);
    open_task(&a, 21, 0, plain);
    open_task(&b, 21, 0, polar);
    steps(&a, 50);
    steps(&b, 50);
    for (size_t i = 0; i < 100; i++)
        for (size_t k = 0; k < 3; k++)
            assert_true(cbo_coordinate(&a.s->e, i, k) == cbo_coordinate(&b.s->e, i, k));
    assert_memory_equal(a.s->now.c, b.s->now.c, 3 * sizeof(double));
    assert_true(a.s->evaluations == b.s->evaluations);
    close_task(&a);
    close_task(&b);
    free(plain);
    free(polar);
}

/* A kernel much wider than the cloud is the plain method up to rounding: the same normals, noises and Heaviside factors. N fills its tiles, where both
 * draw in the same order. */
static void test_polarized_wide(void **state)
{
    static const char *const cases[] = {
        "noise=isotropic", "noise=anisotropic integrator=exponential", "noise=truncated truncation=0.5", "noise=truncated truncation=0.5 componentwise=true", "noise=constant",
        "heaviside=sharp", "heaviside=smooth heaviside_eps=2", "heaviside=smooth heaviside_eps=2 heaviside_noise=true", "heaviside=sharp noise=anisotropic heaviside_noise=true",
        "alpha=inf",
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        task a, b;
        char *plain = qn_format("objective=ackley d=3 N=128 sigma=0.7 lambda=2 dt=0.05 method=cbo %s", cases[c]);
        char *polar = qn_format("objective=ackley d=3 N=128 sigma=0.7 lambda=2 dt=0.05 method=polarized kernel_width=1e9 %s", cases[c]);
        open_task(&a, 25, c, plain);
        open_task(&b, 25, c, polar);
        steps(&a, 5);
        steps(&b, 5);
        for (size_t i = 0; i < 128; i++)
            for (size_t k = 0; k < 3; k++)
                assert_near(cbo_coordinate(&b.s->e, i, k), cbo_coordinate(&a.s->e, i, k), 1e-9);
        close_task(&a);
        close_task(&b);
        free(plain);
        free(polar);
    }
}

/* With sigma = 0 and lambda dt = 1 a step puts every particle on its own consensus: against the double sum in long double. */
static void test_polarized_points(void **state)
{
    static const struct {
        const char *text;
        double alpha, kappa;
        bool power;
    } cases[] = {
        {"kernel_width=0.8 alpha=3", 3, 0.8, false},
        {"kernel_width=0.8 alpha=3 kernel_power=true", 3, 0.8, true},
        {"kernel_width=0.01 alpha=1e15", 1e15, 0.01, false}, /* the best far away: every plain exponential underflows */
        {"kernel_width=0.3 alpha=1e4 kernel_power=true", 1e4, 0.3, true},
        {"kernel_width=1e6 alpha=3", 3, 1e6, false},
    };
    enum { N = 150 };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        task t;
        char *text = qn_format("objective=himmelblau N=150 sigma=0 lambda=1 dt=1 method=polarized start_low=-5 start_high=5 %s", cases[c].text);
        double x[N][2], f[N];
        open_task(&t, 22, c, text);
        for (size_t i = 0; i < N; i++) {
            cbo_ensemble_point(&t.s->e, i, x[i]);
            f[i] = cbo_value(t.s->objective, x[i], t.s->work);
        }
        steps(&t, 1);
        for (size_t i = 0; i < N; i++) {
            long double top = -INFINITY, total = 0, sum[2] = {0}, row[N];
            for (size_t j = 0; j < N; j++) {
                long double r2 = powl(x[i][0] - x[j][0], 2) + powl(x[i][1] - x[j][1], 2);
                row[j] = -(long double)cases[c].alpha * f[j] - r2 / (2 * cases[c].kappa * cases[c].kappa) * (cases[c].power ? cases[c].alpha : 1);
                top = fmaxl(top, row[j]);
            }
            for (size_t j = 0; j < N; j++) {
                long double w = expl(row[j] - top);
                total += w;
                sum[0] += w * x[j][0];
                sum[1] += w * x[j][1];
            }
            for (size_t k = 0; k < 2; k++)
                assert_near(cbo_coordinate(&t.s->e, i, k), (double)(sum[k] / total), 1e-9); /* 1e4 f has lost digits */
        }
        close_task(&t);
        free(text);
    }
}

/* alpha = inf with the kernel to the power alpha: every particle goes to the proximal point over the cloud. */
static void test_polarized_limit(void **state)
{
    enum { N = 100 };
    (void)state;
    task t;
    double x[N][2], f[N], kappa = 0.7;
    open_task(&t, 23, 0, "objective=himmelblau N=100 sigma=0 lambda=1 dt=1 method=polarized alpha=inf kernel_width=0.7 kernel_power=true start_low=-5 start_high=5");
    for (size_t i = 0; i < N; i++) {
        cbo_ensemble_point(&t.s->e, i, x[i]);
        f[i] = cbo_value(t.s->objective, x[i], t.s->work);
    }
    steps(&t, 1);
    for (size_t i = 0; i < N; i++) {
        size_t best = 0;
        double lowest = INFINITY;
        for (size_t j = 0; j < N; j++) {
            double y = f[j] + ((x[i][0] - x[j][0]) * (x[i][0] - x[j][0]) + (x[i][1] - x[j][1]) * (x[i][1] - x[j][1])) / (2 * kappa * kappa);
            if (y < lowest) {
                lowest = y;
                best = j;
            }
        }
        assert_near(cbo_coordinate(&t.s->e, i, 0), x[best][0], 1e-14);
        assert_near(cbo_coordinate(&t.s->e, i, 1), x[best][1], 1e-14);
    }
    close_task(&t);
}

/* Minima with a particle within 0.1. */
static size_t modes(const cbo_state *s)
{
    size_t found = 0;
    for (size_t m = 0; m < s->objective->n_minimisers; m++) {
        bool near = false;
        for (size_t i = 0; i < s->e.n && !near; i++)
            near = hypot(cbo_coordinate(&s->e, i, 0) - s->objective->minimiser[2 * m], cbo_coordinate(&s->e, i, 1) - s->objective->minimiser[2 * m + 1]) < 0.1;
        found += near;
    }
    return found;
}

/* What it is for: all four minima of Himmelblau's function at once, where the plain method ends in one. */
static void test_polarized_modes(void **state)
{
    (void)state;
    for (size_t r = 0; r < 5; r++) {
        task t;
        open_task(&t, 24, r, "objective=himmelblau N=200 sigma=1 dt=0.05 alpha=10 method=polarized kernel_width=0.5 start_low=-5 start_high=5");
        steps(&t, 300);
        assert_int_equal(modes(t.s), 4);
        close_task(&t);
        open_task(&t, 24, r, "objective=himmelblau N=200 sigma=1 dt=0.05 alpha=10 method=cbo start_low=-5 start_high=5");
        steps(&t, 300);
        assert_true(modes(t.s) <= 1);
        close_task(&t);
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------------- */

static void bests(const cbo_state *s, double *y, double *f_y)
{
    qn_group g = {0};
    assert_int_equal(cbo_memory.save(s, &g), 0);
    assert_int_equal(qn_load_f64(&g, "memory.y", s->e.tiles * CBO_LANES * s->d, y), 0);
    assert_int_equal(qn_load_f64(&g, "memory.f", s->e.tiles * CBO_LANES, f_y), 0);
    qn_group_clear(&g);
}

/* Personal bests never worsen, are f at the y, and no particle has been lower than its own; the consensus is that of the y. */
static void test_memory_bests(void **state)
{
    enum { N = 100, D = 3, ALL = 2 * CBO_LANES };
    (void)state;
    task t;
    double y[ALL * D], f_y[ALL], last[ALL], c[D];
    open_task(&t, 31, 0, "objective=rastrigin d=3 N=100 sigma=0.8 dt=0.05 method=memory memory_lambda=0.4 memory_sigma=0.6 gradient_drift=0.01");
    bests(t.s, y, last);
    for (int k = 0; k < 100; k++) {
        steps(&t, 1);
        bests(t.s, y, f_y);
        double lowest = INFINITY;
        for (size_t i = 0; i < N; i++) {
            double point[D];
            for (size_t l = 0; l < D; l++)
                point[l] = y[(i / CBO_LANES * D + l) * CBO_LANES + i % CBO_LANES];
            assert_true(f_y[i] <= last[i]);
            assert_true(f_y[i] <= t.s->e.f[i]);
            assert_near(cbo_value(t.s->objective, point, t.s->work), f_y[i], 0);
            lowest = fmin(lowest, f_y[i]);
        }
        memcpy(last, f_y, sizeof last);
        assert_near(t.s->now.f_best, lowest, 0);
        assert_near(t.s->best_f, lowest, 0);
        assert_near(cbo_value(t.s->objective, t.s->best_x, t.s->work), lowest, 0);
        cbo_consensus again = {.c = c};
        cbo_consensus_of(N, D, y, f_y, t.s->alpha, &again);
        for (size_t l = 0; l < D; l++)
            assert_near(t.s->now.c[l], c[l], 1e-12);
    }
    assert_true(t.s->evaluations == 100 + 100 * 100 * 2); /* f and the gradient */
    close_task(&t);
}

/* Smooth memory at kappa dt = 1 and beta -> inf is the sharp one; its evaluations are two a particle. */
static void test_memory_smooth(void **state)
{
    (void)state;
    task a, b;
    const char *base = "objective=ackley d=2 N=70 sigma=0.6 dt=0.1 method=memory memory_lambda=0.5 memory_sigma=0.3";
    char *smooth = qn_format("%s memory_update=smooth memory_kappa=10 memory_beta=1e300", base);
    open_task(&a, 32, 0, base);
    open_task(&b, 32, 0, smooth);
    steps(&a, 10);
    steps(&b, 10);
    for (size_t i = 0; i < 70; i++)
        for (size_t k = 0; k < 2; k++)
            assert_near(cbo_coordinate(&a.s->e, i, k), cbo_coordinate(&b.s->e, i, k), 1e-9);
    assert_true(a.s->evaluations == 70 * 11 && b.s->evaluations == 70 * 21);
    close_task(&a);
    close_task(&b);
    free(smooth);
}

/* Without drift and noise memory follows the gradient: every particle is gradient descent with tau = gamma dt. */
static void test_memory_gradient(void **state)
{
    (void)state;
    task t;
    double start[65][2];
    open_task(&t, 33, 0, "objective=quadratic curvatures=1,3 d=2 N=65 lambda=0 sigma=0 dt=0.1 method=memory gradient_drift=2");
    for (size_t i = 0; i < 65; i++)
        cbo_ensemble_point(&t.s->e, i, start[i]);
    steps(&t, 5);
    for (size_t i = 0; i < 65; i++) {
        assert_near(cbo_coordinate(&t.s->e, i, 0), start[i][0] * pow(0.8, 5), 1e-14);
        assert_near(cbo_coordinate(&t.s->e, i, 1), start[i][1] * pow(0.4, 5), 1e-14);
    }
    close_task(&t);
}

/* One step with every term from the same normals, particle by particle. */
static void test_memory_step(void **state)
{
    enum { D = 3 };
    (void)state;
    for (int isotropic = 0; isotropic < 2; isotropic++) {
        task t;
        double xi[2 * D * CBO_LANES], y[D * CBO_LANES], f_y[CBO_LANES], x[D * CBO_LANES], c[D], dt = 0.1, g[D];
        char *text = qn_format("objective=rastrigin A=2 d=3 N=64 lambda=0.7 sigma=0.9 dt=0.1 method=memory memory_lambda=1.3 memory_sigma=0.4 gradient_drift=0.02 noise=%s",
                               isotropic ? "isotropic" : "anisotropic");
        open_task(&t, 36, 0, text);
        free(text);
        steps(&t, 5);
        qn_bulk bulk = t.s->e.bulk[0];
        qn_bulk_normal(&bulk, 2 * D * CBO_LANES, xi);
        bests(t.s, y, f_y);
        memcpy(x, t.s->e.x, sizeof x);
        memcpy(c, t.s->now.c, sizeof c);
        steps(&t, 1);
        for (size_t i = 0; i < CBO_LANES; i++) {
            double point[D], to_c = 0, to_y = 0;
            for (size_t k = 0; k < D; k++) {
                point[k] = x[k * CBO_LANES + i];
                to_c += (point[k] - c[k]) * (point[k] - c[k]);
                to_y += (point[k] - y[k * CBO_LANES + i]) * (point[k] - y[k * CBO_LANES + i]);
            }
            cbo_gradient(t.s->objective, point, g, t.s->work);
            for (size_t k = 0; k < D; k++) {
                double a = point[k] - c[k], b = point[k] - y[k * CBO_LANES + i];
                double size_a = isotropic ? sqrt(to_c) : a, size_b = isotropic ? sqrt(to_y) : b;
                double want = point[k] - 0.7 * a * dt - 1.3 * b * dt - 0.02 * g[k] * dt + 0.9 * sqrt(dt) * size_a * xi[k * CBO_LANES + i]
                              + 0.4 * sqrt(dt) * size_b * xi[(D + k) * CBO_LANES + i];
                assert_near(t.s->e.x[k * CBO_LANES + i], want, 1e-13);
            }
        }
        close_task(&t);
    }
}

/* One step of the pulls in law: with f constant on the scale of the cloud (alpha = 0) and all y = x at the start, E|x' - c|^2 = q sum|x - c|^2, q = (1 - lambda dt)^2 +
 * sigma^2 dt d_eff, for isotropic and anisotropic noise: the pulls carry the noise of section 1.1. */
static void test_memory_noise(void **state)
{
    static const struct {
        const char *noise;
        double d_eff;
    } cases[] = {{"isotropic", 3}, {"anisotropic", 1}, {"truncated truncation=1e9", 3}, {"truncated truncation=1e9 componentwise=true", 1}};
    (void)state;
    for (size_t c = 0; c < 4; c++) {
        sample ratio = {0};
        char *text = qn_format("objective=quadratic d=3 N=64 alpha=0 sigma=0.9 dt=0.1 method=memory noise=%s", cases[c].noise);
        for (size_t r = 0; r < 400; r++) {
            task t;
            double before = 0, after = 0, c0[3];
            open_task(&t, 35, r, text);
            memcpy(c0, t.s->now.c, sizeof c0);
            before = cbo_cloud_trace(&t.s->e, c0);
            steps(&t, 1);
            after = cbo_cloud_trace(&t.s->e, c0);
            add(&ratio, after / before);
            close_task(&t);
        }
        assert_sigma(mean(&ratio), error(&ratio), 0.9 * 0.9 + 0.81 * 0.1 * cases[c].d_eff);
        free(text);
    }
}

/* ---- checkpoints -------------------------------------------------------------------------------------------------------- */

/* Saved after 7 steps, loaded into a new task, 8 steps more: the bits of 15 in one go, for every method. */
static void test_resume(void **state)
{
    static const char *const methods[] = {
        "cbo", "memory memory_lambda=0.5 memory_sigma=0.3 memory_update=smooth", "polarized kernel_width=0.7", "sampling alpha=2", "sphere", "hopping hop_factor=0.9 hop_every=5",
        "proximal tau=0.1", "gradient tau=0.01", "langevin",
    };
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        task a, b;
        qn_group g = {0};
        char *text = qn_format("objective=rastrigin d=2 N=70 method=%s", methods[i]);
        open_task(&a, 41, i, text);
        open_task(&b, 41, i, text);
        steps(&a, 7);
        assert_int_equal(cbo_model.save(a.state, &g), 0);
        assert_int_equal(cbo_model.load(b.state, &g), 0);
        b.streams = a.streams;
        qn_group_clear(&g);
        steps(&a, 8);
        steps(&b, 8);
        assert_memory_equal(a.s->now.c, b.s->now.c, 2 * sizeof(double));
        for (size_t j = 0; j < a.s->e.n; j++)
            for (size_t k = 0; k < 2; k++)
                assert_true(cbo_coordinate(&a.s->e, j, k) == cbo_coordinate(&b.s->e, j, k));
        assert_true(a.s->evaluations == b.s->evaluations && a.s->best_f == b.s->best_f);
        close_task(&a);
        close_task(&b);
        free(text);
    }
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
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_sampling_plane),
        cmocka_unit_test(test_sampling_minimises),
        cmocka_unit_test(test_sphere_pspin),
        cmocka_unit_test(test_sphere_hebbian),
        cmocka_unit_test(test_sphere_step),
        cmocka_unit_test(test_unit_sphere),
        cmocka_unit_test(test_polarized_infinite),
        cmocka_unit_test(test_polarized_wide),
        cmocka_unit_test(test_polarized_points),
        cmocka_unit_test(test_polarized_limit),
        cmocka_unit_test(test_polarized_modes),
        cmocka_unit_test(test_memory_bests),
        cmocka_unit_test(test_memory_smooth),
        cmocka_unit_test(test_memory_gradient),
        cmocka_unit_test(test_memory_step),
        cmocka_unit_test(test_memory_noise),
        cmocka_unit_test(test_resume),
    };
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
