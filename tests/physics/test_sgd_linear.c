/* test_sgd_linear.c -- square loss against closed forms: streaming least squares, the step from which a minimum is unstable, gradient flow of linear
 * and diagonal nets. */
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_linalg.h>

#include "sgd/theory.h"
#include "sgd_run.h"
#include "text.h"

/* ---- T10: streaming least squares ------------------------------------------------------------------------------------------ */

/* Mean of a series over its bins. */
static double series_mean(const trial *t, size_t task, const char *name)
{
    const qn_column *c = qn_layout_column(&t->layout, name);
    double sum = 0;
    for (size_t k = 0; k < c->n; k++)
        sum += t->row[task * t->layout.row + c->offset + k];
    return sum / (double)c->n;
}

static void excess_risk_is_exact(void **state)
{
    (void)state;
    static const struct {
        int d, b;
        double eta, sigma, decay, want; /* want 0: from the theory */
    } cases[] = {{10, 1, 0.1, 1, 0, 1.25}, {10, 4, 0.2, 1, 0, 0.4}, {10, 1, 0.05, 1, 0, 0}, {20, 2, 0.2, 0.5, 1, 0}, {5, 8, 0.9, 2, 0.5, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum { REPLICAS = 12 };
        double h[32], x[REPLICAS], err;
        for (int k = 0; k < cases[i].d; k++)
            h[k] = pow(k + 1, -cases[i].decay);
        double want = sgd_lms_excess((size_t)cases[i].d, h, cases[i].b, cases[i].eta, cases[i].sigma);
        if (cases[i].want > 0)
            assert_near(want, cases[i].want, 1e-12); /* spec T10 */
        char *text = qn_format("model: sgd\nseed: 3\nreplicas: %d\nparameters: {net: linear, P: 0, d: %d, B: %d, eta: %g, sigma: %g, spectrum_decay: %g}\nsampling: {thermalization: 2000, steps: 40000, interval: 4}\n",
                               REPLICAS, cases[i].d, cases[i].b, cases[i].eta, cases[i].sigma, cases[i].decay);
        trial t;
        trial_run(&t, text);
        free(text);
        for (size_t r = 0; r < REPLICAS; r++)
            x[r] = series_mean(&t, r, "excess");
        double m = mean_of(REPLICAS, x, &err);
        assert_true(err < 0.03 * want);
        assert_sigma(m, err, want);
        trial_free(&t);
    }
    /* small eta: eta sigma^2 d/(2B), which at d = 10, eta = 0.05, B = 1 is off by 43 % (spec 5.4) */
    assert_near(sgd_lms_excess(10, NULL, 1, 0.05, 1) / (0.05 * 10 / 2), 1.43, 0.005);
}

static void the_threshold_of_streaming(void **state)
{
    (void)state;
    assert_near(sgd_lms_eta_max(10, NULL, 1), 2.0 / 12, 1e-15);
    assert_near(sgd_lms_eta_max(10, NULL, 4), 2 / (1 + 11.0 / 4), 1e-15);
    double one[10];
    for (int i = 0; i < 10; i++)
        one[i] = 1;
    assert_near(sgd_lms_eta_max(10, one, 4), 2 / (1 + 11.0 / 4), 1e-12);
    double limit = sgd_lms_eta_max(10, NULL, 1);
    assert_true(sgd_lms_excess(10, NULL, 1, limit * (1 - 1e-6), 1) > 1e4);
    assert_true(isnan(sgd_lms_excess(10, NULL, 1, limit * 1.0001, 1)));
    /* single runs leave well beyond the step at which the second moment does */
    trial t;
    trial_run(&t, "model: sgd\nseed: 3\nreplicas: 4\nparameters: {net: linear, P: 0, d: 10, sigma: 1}\nsweep: {eta: [0.05, 0.4]}\nsampling: {points_per_decade: 2, steps: 100000}\n");
    for (size_t r = 0; r < 4; r++) {
        assert_near(trial_at(&t, r, "status", 0), 1, 0);
        assert_near(trial_at(&t, 4 + r, "status", 0), 2, 0);
        assert_true(isfinite(trial_at(&t, r, "test_loss", -1)) && isnan(trial_at(&t, 4 + r, "test_loss", -1)));
    }
    trial_free(&t);
}

/* ---- T11: stability ------------------------------------------------------------------------------------------------------------- */

enum { N = 4 };

/* a -> E (1 - eta H_B) a (1 - eta H_B), H_B the mean of g g' over the batch: all batches of b = 1 or 2, one by one. */
static void propagate(size_t p, const double *g, size_t b, bool with, double eta, double a[N][N])
{
    double sum[N][N] = {{0}}, count = 0;
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < (b == 2 ? p : 1); j++) {
            if (b == 2 && !with && i == j)
                continue;
            double m[N][N], am[N][N];
            count++;
            for (size_t r = 0; r < N; r++)
                for (size_t c = 0; c < N; c++) {
                    double h = g[i * N + r] * g[i * N + c];
                    if (b == 2)
                        h = (h + g[j * N + r] * g[j * N + c]) / 2;
                    m[r][c] = (r == c) - eta * h;
                }
            for (size_t r = 0; r < N; r++)
                for (size_t c = 0; c < N; c++) {
                    am[r][c] = 0;
                    for (size_t k = 0; k < N; k++)
                        am[r][c] += a[r][k] * m[k][c];
                }
            for (size_t r = 0; r < N; r++)
                for (size_t c = 0; c < N; c++)
                    for (size_t k = 0; k < N; k++)
                        sum[r][c] += m[r][k] * am[k][c];
        }
    for (size_t r = 0; r < N; r++)
        for (size_t c = 0; c < N; c++)
            a[r][c] = sum[r][c] / count;
}

static double growth(size_t p, const double *g, size_t b, bool with, double eta)
{
    double a[N][N] = {{0}}, factor = 0;
    for (size_t i = 0; i < N; i++)
        a[i][i] = 1 + 0.1 * (double)i;
    for (int k = 0; k < 3000; k++) {
        propagate(p, g, b, with, eta, a);
        factor = 0;
        for (size_t i = 0; i < N; i++)
            factor += a[i][i];
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++)
                a[i][j] /= factor;
    }
    return factor;
}

static void second_moments_grow_from_the_critical_step(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 9, 9, 9, 9);
    for (int k = 0; k < 12; k++) {
        enum { P = 7 };
        double g[P * N];
        qn_rng_fill_normal(&rng, P * N, g);
        for (size_t b = 1; b <= 2; b++)
            for (int with = 0; with < 2; with++) {
                double critical, bound;
                assert_int_equal(sgd_stability(P, N, g, b, with, &critical, &bound), 0);
                assert_true(critical <= bound * (1 + 1e-9));
                assert_near(growth(P, g, b, with, critical), 1, 1e-6);
                assert_true(growth(P, g, b, with, 0.95 * critical) < 1);
                assert_true(growth(P, g, b, with, 1.05 * critical) > 1);
            }
    }
}

static void bounds_of_the_critical_step(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 9, 9, 9, 10);
    bool above_two = false;
    for (int k = 0; k < 20; k++) {
        const size_t p = k % 2 ? 30 : 12, n = k % 4 < 2 ? 12 : 40;
        double *g = malloc(p * n * sizeof *g), critical, bound, trace = 0, top;
        qn_rng_fill_normal(&rng, p * n, g);
        for (size_t i = 0; i < p * n; i++) {
            g[i] *= pow((double)(i % n + 1), -0.5);
            trace += g[i] * g[i] / (double)p;
        }
        gsl_matrix *s = gsl_matrix_alloc(n, n);
        for (size_t a = 0; a < n; a++)
            for (size_t b = 0; b < n; b++) {
                double sum = 0;
                for (size_t mu = 0; mu < p; mu++)
                    sum += g[mu * n + a] * g[mu * n + b] / (double)p;
                gsl_matrix_set(s, a, b, sum);
            }
        gsl_vector *val = gsl_vector_alloc(n);
        gsl_eigen_symm_workspace *work = gsl_eigen_symm_alloc(n);
        gsl_eigen_symm(s, val, work);
        top = gsl_vector_max(val);
        gsl_eigen_symm_free(work);
        gsl_vector_free(val);
        gsl_matrix_free(s);
        assert_int_equal(sgd_stability(p, n, g, 1, true, &critical, &bound), 0);
        assert_true(critical <= bound && critical * trace <= 2 * (1 + 1e-12)); /* B = 1: eta tr H <= 2 */
        assert_int_equal(sgd_stability(p, n, g, 4, true, &critical, &bound), 0);
        assert_true(critical <= bound);
        above_two |= critical * trace > 2.5; /* not so for B = 4 */
        assert_int_equal(sgd_stability(p, n, g, p, false, &critical, &bound), 0);
        assert_near(critical, 2 / top, 1e-9 * critical); /* gradient descent */
        /* from products of the gradients alone */
        double *products = malloc(p * p * sizeof *products), from[2], alone;
        for (size_t a = 0; a < p * p; a++) {
            products[a] = 0;
            for (size_t i = 0; i < n; i++)
                products[a] += g[a / p * n + i] * g[a % p * n + i];
        }
        for (size_t b = 1; b <= 4; b += 3) {
            assert_int_equal(sgd_stability(p, n, g, b, false, &critical, &bound), 0);
            assert_int_equal(sgd_stability_gram(p, products, b, false, &from[0], &from[1]), 0);
            assert_int_equal(sgd_stability_gram(p, products, b, false, NULL, &alone), 0);
            assert_near(from[0], critical, 1e-8 * critical);
            assert_near(from[1], bound, 1e-10 * bound);
            assert_near(alone, bound, 1e-10 * bound);
        }
        free(products);
        free(g);
    }
    assert_true(above_two);
    double zero[4] = {0}, critical, bound;
    assert_int_equal(sgd_stability(2, 2, zero, 1, true, &critical, &bound), QN_ERR_NUMERIC);
    double *large = calloc(201 * 201, sizeof *large);
    assert_int_equal(sgd_stability(201, 201, large, 1, true, &critical, &bound), QN_ERR_INPUT);
    free(large);
}

/* Curvature of nets, as measured, against the limits of stability at the same weights: gradient descent 2/lambda_max and 2 tr H/|H|_F^2; one point
 * at a time: eta_critical <= eta_bound <= 2/tr H.  A diagonal net at its start has tr H = 8 s^2 d on average. */
static void curvature_and_stability_agree(void **state)
{
    (void)state;
    static const char *const nets[] = {"net: diagonal, d: 50, s: 0.3", "net: diagonal, d: 50, s: 0.5, depth: 3",
                                       "net: mlp, data: 'teacher:relu:3', loss: square, d: 8, h: 20, precision: f64, n_kernel: 0",
                                       "net: mlp, data: sign, loss: square, alpha: 3, d: 8, h: 20, activation: tanh, depth: 2, precision: f64, n_kernel: 0",
                                       "net: mlp, data: quadratic, half: false, d: 8, h: 20, activation: quad, precision: f64, n_kernel: 0"};
    for (size_t k = 0; k < sizeof nets / sizeof *nets; k++)
        for (int descent = 0; descent < 2; descent++) {
            trial t;
            char *text = qn_format("model: sgd\nseed: 4\nreplicas: 4\nparameters: {%s, P: 30, B: %d, eta: 1e-4, hessian: gauss_newton, stability: true}\nsampling: {points_per_decade: 1, steps: 10}\n",
                                   nets[k], descent ? 30 : 1);
            trial_run(&t, text);
            free(text);
            for (size_t r = 0; r < 4; r++) {
                double trace = trial_at(&t, r, "tr_hess", -1), frobenius = trial_at(&t, r, "fro_hess", -1), top = trial_at(&t, r, "lmax_hess", -1);
                double critical = trial_at(&t, r, "eta_critical", 0), bound = trial_at(&t, r, "eta_bound", 0);
                assert_true(top > 0 && frobenius >= top && trace >= frobenius);
                if (descent) {
                    assert_near(critical, 2 / top, 1e-7 * critical);
                    assert_near(bound, 2 * trace / (frobenius * frobenius), 1e-9 * bound);
                } else {
                    assert_true(critical <= bound * (1 + 1e-9) && bound <= 2 / trace * (1 + 1e-9) && critical > 0);
                }
            }
            double e, mean = trial_mean(&t, 0, "tr_hess", -1, &e);
            if (k == 0)
                assert_near(mean, 8 * 0.09 * 50, 0.05 * 36); /* 4 x 30 x 50 squares of normals: 1.8 % */
            trial_free(&t);
        }
}

/* The engine: fitted well below its own critical step, lost well above. */
static void runs_leave_beyond_the_critical_step(void **state)
{
    (void)state;
    trial t;
    const char *form = "model: sgd\nseed: 4\nreplicas: 3\nparameters: {net: linear, P: 12, d: 30, B: 2, eta: %.17g, stability: true, stop_loss: 1e-10, batch: with}\nsampling: {points_per_decade: 2, steps: 300000}\n";
    char *text = qn_format(form, 1e-3);
    trial_run(&t, text);
    free(text);
    double least = 1e300, most = 0;
    for (size_t r = 0; r < 3; r++) {
        double critical = trial_at(&t, r, "eta_critical", 0);
        least = fmin(least, critical);
        most = fmax(most, critical);
        assert_true(critical <= trial_at(&t, r, "eta_bound", 0));
    }
    trial_free(&t);
    for (int far = 0; far < 2; far++) {
        text = qn_format(form, far ? 4 * most : 0.5 * least);
        trial_run(&t, text);
        free(text);
        for (size_t r = 0; r < 3; r++)
            assert_near(trial_at(&t, r, "status", 0), far ? 2 : 0, 0);
        trial_free(&t);
    }
}

/* ---- flow -------------------------------------------------------------------------------------------------------------------------- */

/* Full-batch descent with small steps tends to the flow: first order in eta, taken away by Richardson's rule. */
static void flow_is_small_steps(void **state)
{
    (void)state;
    static const char *const nets[] = {"net: linear, P: 30, d: 8, sigma: 0.3", "net: diagonal, P: 40, d: 12, sparsity: 3, s: 0.7", "net: diagonal, depth: 3, P: 40, d: 12, sparsity: 3, s: 0.7",
                                       "net: perceptron, loss: quadratic_hinge, P: 40, d: 12", "net: perceptron, loss: soft_hinge, P: 40, d: 12, chi: 1, s: 1, subtract_init: false"};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        double loss[3], signal[3];
        for (int k = 0; k < 3; k++) {
            char *text = k == 2 ? qn_format("model: sgd\nseed: 8\nreplicas: 1\nparameters: {%s, T: 0, tol: 1e-6, max_time: 2}\nsampling: {points_per_decade: 2, steps: 100000}\n", nets[i])
                                : qn_format("model: sgd\nseed: 8\nreplicas: 1\nparameters: {%s, B: %d, eta: %g, max_time: 2}\nsampling: {points_per_decade: 2, steps: 1000000}\n", nets[i], i ? 40 : 30,
                                            k ? 5e-4 : 1e-3);
            trial t;
            trial_run(&t, text);
            free(text);
            assert_near(trial_at(&t, 0, "t", -1), 2, 1e-9);
            loss[k] = trial_at(&t, 0, "train_loss", -1);
            signal[k] = trial_at(&t, 0, "w_signal", -1);
            trial_free(&t);
        }
        assert_near(loss[2], 2 * loss[1] - loss[0], 2e-4 * loss[2]);
        assert_near(signal[2], 2 * signal[1] - signal[0], 2e-4 * fabs(signal[2]));
    }
}

/* F11 in a small form: sparse regression from large and small s, at T -> 0: least L2 norm against sparse. */
static void small_scales_find_sparse_solutions(void **state)
{
    (void)state;
    trial t;
    trial_run(&t, "model: sgd\nseed: 8\nreplicas: 6\nparameters: {net: diagonal, P: 40, d: 100, T: 0, stop_loss: 1e-8}\nsweep: {s: [0.02, 2]}\nsampling: {points_per_decade: 2, steps: 1000000}\n");
    double e, rich = trial_mean(&t, 0, "test_loss", -1, &e), lazy = trial_mean(&t, 1, "test_loss", -1, &e);
    print_message("test loss at s = 0.02: %.3g, at s = 2: %.3g\n", rich, lazy);
    assert_true(rich < 0.15 * lazy);
    /* large s: the interpolator of least length, which misses the part of beta* outside the span of the data: (1 - P/d)/2 */
    assert_near(lazy, 0.5 * (1 - 40.0 / 100), 0.08);
    trial_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excess_risk_is_exact), cmocka_unit_test(the_threshold_of_streaming), cmocka_unit_test(second_moments_grow_from_the_critical_step),
        cmocka_unit_test(bounds_of_the_critical_step), cmocka_unit_test(curvature_and_stability_agree), cmocka_unit_test(runs_leave_beyond_the_critical_step), cmocka_unit_test(flow_is_small_steps),
        cmocka_unit_test(small_scales_find_sparse_solutions),
    };
    return cmocka_run_group_tests_name("sgd_linear", tests, NULL, NULL);
}
