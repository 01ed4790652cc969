/* test_cbo_moments.c -- engine cbo against closed forms: contraction of the variance and of the second moment, pathwise exponent, consensus of
 * a Gaussian cloud, independence of the streams, alpha = inf, invariances, threads and order of tiles.
 *
 * Seeds are fixed.  Statistical checks at 4 standard errors: a fresh seed would fail one with probability 6e-5. */
#include "cbo_make.h"

/* ---- contraction ------------------------------------------------------------------------------------------------------ */

static double spread(const cbo_ensemble *e) /* sum |x_i - xbar|^2 */
{
    double all = 0;
    for (size_t k = 0; k < e->d; k++) {
        double mean = 0, sum = 0;
        for (size_t i = 0; i < e->n; i++)
            mean += cbo_coordinate(e, i, k) / (double)e->n;
        for (size_t i = 0; i < e->n; i++)
            sum += pow(cbo_coordinate(e, i, k) - mean, 2);
        all += sum;
    }
    return all;
}

/* alpha = 0, any f: E S_K/S_0 = q^K, q = (1 - lambda dt)^2 + d_eff sigma^2 dt (1 - 1/N). */
static void contraction(cbo_noise noise, double sigma, double want)
{
    enum { RUNS = 4000, K = 100, N = 10, D = 5 };
    const cbo_move m = {.lambda = 1, .sigma = sigma, .dt = 0.02, .alpha = 0, .noise = noise, .cap = 1e8};
    cbo_objective *o = objective_of("objective=rastrigin d=5");
    cbo_consensus c = consensus_of(D);
    double sum = 0, square = 0;
    size_t cut = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        cbo_ensemble e = ensemble_of(N, D, run, 1, 1);
        cbo_evaluate(&e, o, 0, &c);
        double start = spread(&e);
        for (int k = 0; k < K; k++)
            cbo_step(&e, o, &m, c.c, &c, &cut);
        double ratio = spread(&e) / start;
        sum += ratio;
        square += ratio * ratio;
        cbo_ensemble_free(&e);
    }
    double mean = sum / RUNS, err = sqrt((square / RUNS - mean * mean) / (RUNS - 1));
    assert_true(err < 0.015 * want);
    assert_sigma(mean, err, want);
    free(c.c);
    cbo_objective_free(o);
}

static void test_variance_isotropic(void **state)
{
    (void)state;
    contraction(CBO_ISOTROPIC, 0.3, 4.07345e-2);
}

static void test_variance_anisotropic(void **state)
{
    (void)state;
    contraction(CBO_ANISOTROPIC, 0.6, 3.44554e-2);
}

/* Frozen consensus, d = 5: E|y_K|^2/E|y_0|^2 = q^K with q = (1 - lambda dt)^2 + d sigma^2 dt; the exponential of the SDE, 4.50492e-2, is
 * 6 standard errors away. */
static void test_frozen(void **state)
{
    (void)state;
    enum { N = 640000, K = 100, D = 5 };
    const cbo_move m = {.lambda = 1, .sigma = 0.3, .dt = 0.02, .noise = CBO_ISOTROPIC, .cap = 1e8};
    const double c[D] = {0};
    size_t cut = 0;
    cbo_ensemble e = ensemble_of(N, D, 1, 0, 1);
    double *start = calloc(N, sizeof *start), sum = 0, square = 0;
    assert_non_null(start);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < D; k++)
            start[i] += pow(cbo_coordinate(&e, i, k), 2);
    for (int k = 0; k < K; k++)
        cbo_move_all(&e, &m, c, &cut);
    for (size_t i = 0; i < N; i++) {
        double now = 0;
        for (size_t k = 0; k < D; k++)
            now += pow(cbo_coordinate(&e, i, k), 2);
        sum += now / start[i];
        square += pow(now / start[i], 2);
    }
    double mean = sum / N, err = sqrt((square / N - mean * mean) / (N - 1));
    assert_true(err < (4.50492e-2 - 4.46994e-2) / 6);
    assert_sigma(mean, err, 4.46994e-2);
    /* spec 1.4: relative variance [1 + (2 d s^4 + 4 a^2 s^2)/(a^2 + d s^2)^2]^K - 1; that of a mean of fourth moments itself needs more particles */
    double s2 = 0.0018, a2 = 0.98 * 0.98, factor = pow(1 + (2 * D * s2 * s2 + 4 * a2 * s2) / pow(a2 + D * s2, 2), K) - 1;
    assert_near((square / N - mean * mean) / (mean * mean) / factor, 1, 0.1);
    free(start);
    cbo_ensemble_free(&e);
}

/* Frozen consensus, d = 20: E log(|y'|/|y|) a step, by quadrature of the Euler step; the SDE has -(lambda - (d-2) sigma^2/2) dt = -1.9e-3. */
static void exponent(double sigma, double want)
{
    enum { N = 64000, K = 200, D = 20 };
    const cbo_move m = {.lambda = 1, .sigma = sigma, .dt = 0.01, .noise = CBO_ISOTROPIC, .cap = 1e8};
    const double c[D] = {0};
    size_t cut = 0;
    cbo_ensemble e = ensemble_of(N, D, 2, 0, 1);
    double *start = calloc(N, sizeof *start), sum = 0, square = 0;
    assert_non_null(start);
    for (int after = 0; after < 2; after++) {
        for (size_t i = 0; i < N; i++) {
            double now = 0;
            for (size_t k = 0; k < D; k++)
                now += pow(cbo_coordinate(&e, i, k), 2);
            double y = (0.5 * log(now) - start[i]) / K;
            if (after) {
                sum += y;
                square += y * y;
            } else {
                start[i] = 0.5 * log(now);
            }
        }
        for (int k = 0; k < K && !after; k++)
            cbo_move_all(&e, &m, c, &cut);
    }
    double mean = sum / N, err = sqrt((square / N - mean * mean) / (N - 1));
    assert_true(err < 1.2e-5);
    assert_sigma(mean, err, want);
    free(start);
    cbo_ensemble_free(&e);
}

static void test_pathwise(void **state)
{
    (void)state;
    exponent(0.3, -1.846069e-3);
    exponent(0.34, 4.65836e-4);
}

/* Anisotropic, geometric integrator: log|y_k| has mean -(lambda + sigma^2/2) t and variance sigma^2 t exactly, and no sign ever changes. */
static void test_geometric(void **state)
{
    (void)state;
    enum { N = 64000, K = 50 };
    const cbo_move m = {.lambda = 1, .sigma = 0.8, .dt = 0.02, .noise = CBO_ANISOTROPIC, .geometric = true, .cap = 1e8};
    const double c[2] = {0.5, -1};
    size_t cut = 0;
    cbo_ensemble e = ensemble_of(N, 2, 3, 0, 0);
    double sum = 0, square = 0;
    for (int k = 0; k < K; k++)
        cbo_move_all(&e, &m, c, &cut);
    for (size_t i = 0; i < N; i++) {
        double y0 = (cbo_coordinate(&e, i, 0) - 0.5) / -0.5, y1 = cbo_coordinate(&e, i, 1) + 1;
        assert_true(y0 > 0 && y1 > 0);
        sum += log(y0) + log(y1);
        square += pow(log(y0) + 1.32, 2) + pow(log(y1) + 1.32, 2);
    }
    const double n = 2.0 * N, var = 0.64;
    assert_sigma(sum / n, sqrt(var / n), -1.32);
    assert_sigma(square / n, var * sqrt(2 / n), var);
    cbo_ensemble_free(&e);
}

/* ---- consensus of a Gaussian cloud -------------------------------------------------------------------------------------- */

/* f = |x|^2/2, cloud N((1, 0), I), N = 10^4: |c| = 1/(1 + alpha); rms error of c_N and n_eff/N by the formulas of the Laplace principle, up
 * to O(1/N), for which 10/N is added to the bounds. */
static void gaussian(double alpha, double want, double rms, double n_eff)
{
    enum { N = 10000, RUNS = 1000 };
    cbo_objective *o = objective_of("objective=quadratic d=2");
    cbo_ensemble e = ensemble_of(N, 2, 4, 0, 0);
    cbo_consensus c = consensus_of(2);
    double sum[2] = {0, 0}, off = 0, off2 = 0, share = 0, share2 = 0;
    for (int run = 0; run < RUNS; run++) {
        for (size_t t = 0; t < e.tiles; t++) {
            qn_bulk_normal(&e.bulk[t], 2 * CBO_LANES, cbo_tile(&e, t));
            for (size_t i = 0; i < CBO_LANES; i++)
                cbo_tile(&e, t)[i] += 1;
        }
        cbo_evaluate(&e, o, alpha, &c);
        double r = pow(c.c[0] - want, 2) + pow(c.c[1], 2);
        sum[0] += c.c[0];
        sum[1] += c.c[1];
        off += r;
        off2 += r * r;
        share += c.n_eff / N;
        share2 += pow(c.n_eff / N, 2);
    }
    double mean = off / RUNS, err = sqrt((off2 / RUNS - mean * mean) / (RUNS - 1));
    assert_near(sum[0] / RUNS, want, 4 * rms / sqrt(2.0 * RUNS) + 10.0 / N);
    assert_near(sum[1] / RUNS, 0, 4 * rms / sqrt(2.0 * RUNS));
    assert_near(mean, rms * rms, 4 * err);
    err = sqrt((share2 / RUNS - pow(share / RUNS, 2)) / (RUNS - 1));
    assert_near(share / RUNS, n_eff, 4 * err + 10.0 / N);
    free(c.c);
    cbo_ensemble_free(&e);
    cbo_objective_free(o);
}

static void test_gaussian(void **state)
{
    (void)state;
    gaussian(1, 0.5, 1.0459e-2, 0.63486);
    gaussian(10, 1.0 / 11, 9.288e-3, 0.11257);
}

/* ---- independence of streams -------------------------------------------------------------------------------------------- */

/* alpha = 0, c = xbar: only noise moves xbar, by a variance of sigma^2 dt d S/N^2 in all, d coordinates alike; a correlation rho of the particles'
 * normals would make it 1 + (N-1) rho times larger.  Two ensembles of adjacent seeds: no correlation. */
static void test_streams(void **state)
{
    (void)state;
    enum { N = 10000, D = 2, STEPS = 4000 };
    const cbo_move m = {.lambda = 0, .sigma = 0.3, .dt = 0.01, .alpha = 0, .noise = CBO_ISOTROPIC, .cap = 1e8};
    cbo_objective *o = objective_of("objective=quadratic d=2");
    cbo_ensemble e[2] = {ensemble_of(N, D, 7, 0, 1), ensemble_of(N, D, 8, 0, 1)};
    cbo_consensus now[2] = {consensus_of(D), consensus_of(D)};
    double sum = 0, cross = 0;
    size_t cut = 0;
    for (int j = 0; j < 2; j++)
        cbo_evaluate(&e[j], o, 0, &now[j]);
    for (int step = 0; step < STEPS; step++) {
        double unit[2][D];
        for (int j = 0; j < 2; j++) {
            double before[D], s = 0;
            memcpy(before, now[j].c, sizeof before);
            for (size_t t = 0; t < e[j].tiles; t++) {
                const size_t count = t + 1 < e[j].tiles ? CBO_LANES : N - t * CBO_LANES;
                for (size_t k = 0; k < D; k++)
                    for (size_t i = 0; i < count; i++)
                        s += pow(cbo_tile(&e[j], t)[k * CBO_LANES + i] - before[k], 2);
            }
            cbo_step(&e[j], o, &m, now[j].c, &now[j], &cut);
            for (size_t k = 0; k < D; k++) {
                unit[j][k] = (now[j].c[k] - before[k]) / sqrt(m.sigma * m.sigma * m.dt * s / ((double)N * N));
                sum += unit[j][k] * unit[j][k];
            }
        }
        cross += unit[0][0] * unit[1][0] + unit[0][1] * unit[1][1];
    }
    const double n = 2.0 * D * STEPS;
    assert_sigma(sum / n, sqrt(2 / n), 1);
    assert_sigma(cross / (D * STEPS), 1 / sqrt(D * STEPS), 0);
    for (int j = 0; j < 2; j++) {
        free(now[j].c);
        cbo_ensemble_free(&e[j]);
    }
    cbo_objective_free(o);
}

/* The same between lanes of a tile, tiles, and coordinates: normals of a constant-noise step, correlations over many steps. */
static void test_pairs(void **state)
{
    (void)state;
    enum { N = 128, D = 2, STEPS = 20000 };
    const cbo_move m = {.lambda = 1, .sigma = 1, .dt = 1, .noise = CBO_CONSTANT, .cap = 1e8};
    const double c[D] = {0};
    cbo_ensemble e = ensemble_of(N, D, 9, 0, 1);
    static double sum[N * D][N * D];
    size_t cut = 0;
    for (int step = 0; step < STEPS; step++) {
        cbo_move_all(&e, &m, c, &cut); /* x = xi */
        for (size_t a = 0; a < N * D; a++)
            for (size_t b = 0; b <= a; b++)
                sum[a][b] += e.x[a] * e.x[b];
    }
    double chi = 0, most = 0;
    for (size_t a = 0; a < N * D; a++)
        for (size_t b = 0; b < a; b++) {
            double z = sum[a][b] / sqrt(STEPS);
            chi += z * z;
            most = fmax(most, fabs(z));
        }
    const double pairs = N * D * (N * D - 1) / 2.0; /* 32640: the largest |z| of as many normals exceeds 6 with probability 6e-5 */
    assert_sigma(chi / pairs, sqrt(2 / pairs), 1);
    assert_true(most < 6);
    cbo_ensemble_free(&e);
}

/* ---- alpha = inf, invariances ---------------------------------------------------------------------------------------------- */

static void eval_raised(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z)
{
    const cbo_objective *inner = o->data;
    inner->eval(inner, lanes, x, f, z);
    for (size_t i = 0; i < lanes; i++)
        f[i] += o->a;
}

static void eval_flat(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z)
{
    (void)o, (void)x, (void)z;
    for (size_t i = 0; i < lanes; i++)
        f[i] = -3;
}

static void test_infinite_alpha(void **state)
{
    (void)state;
    cbo_objective *o = objective_of("objective=eggholder d=2"); /* f < 0 too */
    cbo_ensemble e = ensemble_of(150, 2, 11, 0, 200);
    cbo_consensus c = consensus_of(2);
    static const double alphas[] = {INFINITY, 1e300, 1e15};
    for (size_t j = 0; j < 3; j++) {
        cbo_evaluate(&e, o, alphas[j], &c);
        size_t best = 0;
        for (size_t i = 0; i < e.n; i++)
            if (e.f[i] < e.f[best])
                best = i;
        assert_int_equal(c.best, best);
        for (size_t k = 0; k < 2; k++)
            assert_true(c.c[k] == cbo_coordinate(&e, best, k));
        assert_true(c.n_eff == 1);
    }
    for (size_t k = 0; k < 2; k++) /* a twin of the best in the other tile */
        cbo_tile(&e, c.best < CBO_LANES)[k * CBO_LANES + 5] = c.c[k];
    double twin[2] = {c.c[0], c.c[1]};
    cbo_evaluate(&e, o, INFINITY, &c);
    assert_true(c.n_eff == 2 && c.c[0] == twin[0] && c.c[1] == twin[1]);
    cbo_objective flat = {.d = 2, .eval = eval_flat}; /* all tie: the mean */
    cbo_evaluate(&e, &flat, INFINITY, &c);
    for (size_t k = 0; k < 2; k++) {
        double mean = 0;
        for (size_t i = 0; i < e.n; i++)
            mean += cbo_coordinate(&e, i, k) / (double)e.n;
        assert_near(c.c[k], mean, 1e-11);
    }
    assert_true(c.n_eff == 150 && c.best == 0);
    free(c.c);
    cbo_ensemble_free(&e);
    cbo_objective_free(o);
}

/* f + const changes nothing but log Z, x + b shifts c, a rotation of cloud and function rotates it: to rounding; after ten steps too for the
 * first two. */
static void test_invariances(void **state)
{
    (void)state;
    enum { D = 3, N = 90 };
    cbo_objective *o = objective_of("objective=rastrigin d=3 A=2.5"), *moved = objective_of("objective=rastrigin d=3 A=2.5 shift=16,-32,64"),
                  *turned = objective_of("objective=rastrigin d=3 A=2.5 rotate=true");
    cbo_objective raised = {.d = D, .eval = eval_raised, .data = o, .a = 1024};
    const double b[D] = {16, -32, 64};
    cbo_ensemble e[4];
    cbo_consensus c[4];
    const cbo_objective *f[4] = {o, &raised, moved, turned};
    for (size_t j = 0; j < 4; j++) {
        e[j] = ensemble_of(N, D, 12, 1, 2);
        c[j] = consensus_of(D);
    }
    for (size_t i = 0; i < N; i++) {
        double x[D], *to[2];
        cbo_ensemble_point(&e[0], i, x);
        for (size_t k = 0; k < D; k++) {
            to[0] = cbo_tile(&e[2], i / CBO_LANES) + k * CBO_LANES + i % CBO_LANES;
            to[1] = cbo_tile(&e[3], i / CBO_LANES) + k * CBO_LANES + i % CBO_LANES;
            *to[0] += b[k];
            *to[1] = 0;
            for (size_t a = 0; a < D; a++)
                *to[1] += turned->rotation[a * D + k] * x[a]; /* R^T x */
        }
    }
    for (size_t j = 0; j < 4; j++)
        cbo_evaluate(&e[j], f[j], 5, &c[j]);
    for (size_t k = 0; k < D; k++) {
        double back = 0;
        for (size_t a = 0; a < D; a++)
            back += turned->rotation[k * D + a] * c[3].c[a];
        assert_near(c[1].c[k], c[0].c[k], 1e-11);
        assert_near(c[2].c[k], c[0].c[k] + b[k], 1e-11);
        assert_near(back, c[0].c[k], 1e-11);
    }
    assert_near(c[1].log_z, c[0].log_z - 5 * 1024, 1e-9);
    assert_near(c[3].n_eff, c[0].n_eff, 1e-9);
    for (cbo_noise noise = CBO_ISOTROPIC; noise <= CBO_ANISOTROPIC; noise++) {
        const cbo_move m = {.lambda = 1, .sigma = 0.5, .dt = 0.05, .alpha = 5, .noise = noise, .cap = 1e8};
        size_t cut = 0;
        for (int step = 0; step < 10; step++)
            for (size_t j = 0; j < 3; j++)
                cbo_step(&e[j], f[j], &m, c[j].c, &c[j], &cut);
        for (size_t k = 0; k < D; k++) {
            assert_near(c[1].c[k], c[0].c[k], 1e-9);
            assert_near(c[2].c[k], c[0].c[k] + b[k], 1e-9);
        }
    }
    for (size_t j = 0; j < 4; j++) {
        free(c[j].c);
        cbo_ensemble_free(&e[j]);
    }
    cbo_objective_free(o);
    cbo_objective_free(moved);
    cbo_objective_free(turned);
}

/* One particle is its own consensus and stays where it is, whatever alpha. */
static void test_one_particle(void **state)
{
    (void)state;
    static const double alphas[] = {0, 30, 1e300, INFINITY};
    cbo_objective *o = objective_of("objective=ackley d=4");
    for (size_t j = 0; j < 4; j++)
        for (cbo_noise noise = CBO_ISOTROPIC; noise <= CBO_TRUNCATED; noise++) {
            const cbo_move m = {.lambda = 1, .sigma = 3, .dt = 0.1, .alpha = alphas[j], .noise = noise, .truncation = 1, .cap = 1e8};
            cbo_ensemble e = ensemble_of(1, 4, 13, 0, 2);
            cbo_consensus c = consensus_of(4);
            double x[4], y[4];
            size_t cut = 0;
            cbo_ensemble_point(&e, 0, x);
            cbo_evaluate(&e, o, alphas[j], &c);
            for (int step = 0; step < 5; step++)
                cbo_step(&e, o, &m, c.c, &c, &cut);
            cbo_ensemble_point(&e, 0, y);
            assert_memory_equal(x, y, sizeof x);
            assert_memory_equal(x, c.c, sizeof x);
            assert_true(c.n_eff == 1);
            free(c.c);
            cbo_ensemble_free(&e);
        }
    cbo_objective_free(o);
}

/* ---- threads and order of tiles ----------------------------------------------------------------------------------------------- */

static void test_order(void **state)
{
    (void)state;
    enum { N = 1000, D = 6, STEPS = 30 };
    static const size_t threads[] = {1, 2, 3, 8};
    const cbo_move m = {.lambda = 1, .sigma = 0.6, .dt = 0.02, .alpha = 30, .noise = CBO_ANISOTROPIC, .cap = 1e8};
    cbo_objective *o = objective_of("objective=ackley d=6");
    cbo_ensemble first = ensemble_of(N, D, 14, 1, 2);
    cbo_consensus want = consensus_of(D), got = consensus_of(D);
    size_t cut = 0;
    cbo_evaluate(&first, o, m.alpha, &want);
    for (int step = 0; step < STEPS; step++)
        cbo_step(&first, o, &m, want.c, &want, &cut);
    for (size_t j = 0; j < 4; j++) {
        cbo_ensemble e = ensemble_of(N, D, 14, 1, 2);
        free(e.work);
        e.threads = threads[j];
        e.work = aligned_alloc(64, e.threads * 4 * D * CBO_LANES * sizeof *e.work);
        assert_non_null(e.work);
        cbo_evaluate(&e, o, m.alpha, &got);
        for (int step = 0; step < STEPS; step++)
            cbo_step(&e, o, &m, got.c, &got, &cut);
        assert_memory_equal(e.x, first.x, e.tiles * D * CBO_LANES * sizeof *e.x);
        assert_memory_equal(got.c, want.c, D * sizeof *got.c);
        cbo_ensemble_free(&e);
    }
    /* tiles backwards: whole tiles by particle batches, the last one with its padding left alone */
    cbo_ensemble e = ensemble_of(N, D, 14, 1, 2);
    cbo_evaluate(&e, o, m.alpha, &got);
    for (int step = 0; step < STEPS; step++) {
        double c[D];
        memcpy(c, got.c, sizeof c);
        for (size_t t = e.tiles; t-- > 0;) {
            uint32_t list[CBO_LANES];
            size_t count = N - t * CBO_LANES < CBO_LANES ? N - t * CBO_LANES : CBO_LANES;
            for (size_t i = 0; i < count; i++)
                list[i] = (uint32_t)(t * CBO_LANES + i);
            cbo_move_some(&e, &m, c, count, list, &cut);
        }
        cbo_evaluate(&e, o, m.alpha, &got);
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < D; k++)
            assert_true(cbo_coordinate(&e, i, k) == cbo_coordinate(&first, i, k));
    assert_memory_equal(got.c, want.c, D * sizeof *got.c);
    cbo_ensemble_free(&e);
    cbo_ensemble_free(&first);
    free(want.c);
    free(got.c);
    cbo_objective_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variance_isotropic), cmocka_unit_test(test_variance_anisotropic), cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_pathwise),           cmocka_unit_test(test_geometric),            cmocka_unit_test(test_gaussian),
        cmocka_unit_test(test_streams),            cmocka_unit_test(test_pairs),                cmocka_unit_test(test_infinite_alpha),
        cmocka_unit_test(test_invariances),        cmocka_unit_test(test_one_particle),         cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
