/* test_cbo_variants.c -- variants of the engine cbo against what is known of them exactly: stationary laws of consensus-based sampling, ground
 * states on the sphere, limits of the polarized method, the steps of the method with memory; checkpoints of all of them.  (See test_cbo_schemes.c.) */
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>

#include "cbo/cloud.h"
#include "cbo_task.h"
#include "group.h"
#include "text.h"

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
