/* test_sgd_nets.c -- nets with hidden layers against what is exact or known: tangent kernels of infinitely wide nets, training in the lazy limit, the
 * terms of the grokking model; MNIST parity in a small form: how noise acts on lazy and on rich nets. */
#include "rng.h"
#include "sgd/grokking.h"
#include "sgd/ntk.h"
#include "sgd/source.h"
#include "sgd/theory.h"
#include "sgd/theory_kernel.h"
#include "sgd/trainer.h"
#include "sgd_run.h"
#include "text.h"

#define MNIST "images: tests/data/mnist-train10k-images-idx3-ubyte.gz, labels: tests/data/mnist-train10k-labels-idx1-ubyte.gz, "                        \
              "test_images: tests/data/mnist-test5k-images-idx3-ubyte.gz, test_labels: tests/data/mnist-test5k-labels-idx1-ubyte.gz"

typedef struct moments {
    double sum, sum2, n;
} moments;

static void note(moments *m, double x)
{
    m->sum += x;
    m->sum2 += x * x;
    m->n++;
}

static double mean(const moments *m)
{
    return m->sum / m->n;
}

static double sd(const moments *m)
{
    return sqrt(fmax(m->sum2 / m->n - mean(m) * mean(m), 0));
}

static double err(const moments *m)
{
    return sd(m) / sqrt(m->n - 1);
}

/* ---- T8 ----------------------------------------------------------------------------------------------------------------------- */

/* Three points with |x|^2/d of 1, 1 and 2, and angles between them. */
static void three_points(size_t d, double *x)
{
    memset(x, 0, 3 * d * sizeof *x);
    x[0] = 1;
    x[d] = cos(1.1);
    x[d + 1] = sin(1.1);
    x[2 * d] = sqrt(2) * cos(2.3);
    x[2 * d + 2] = sqrt(2) * sin(2.3);
}

static double closed_form(size_t depth, double gain, bool readout, size_t d, const double *x, size_t a, size_t b)
{
    double dot[3] = {0};
    for (size_t i = 0; i < d; i++) {
        dot[0] += x[a * d + i] * x[a * d + i];
        dot[1] += x[b * d + i] * x[b * d + i];
        dot[2] += x[a * d + i] * x[b * d + i];
    }
    return sgd_arccos_ntk(depth, gain, readout, dot[0], dot[1], dot[2]);
}

/* One hidden relu layer: the mean over first weights is the closed form at every width, and the spread falls as h^-1/2. */
static void wide_kernels_have_the_closed_form(void **state)
{
    (void)state;
    enum { D = 4 };
    static const size_t width[] = {4, 16, 64, 256};
    double x[3 * D], spread[4];
    qn_rng rng;
    qn_rng_seed(&rng, 1, 8, 1, 1);
    three_points(D, x);
    for (size_t v = 0; v < 4; v++) {
        sgd_shape s = {.d = D, .h = width[v], .depth = 1, .q = 0.5, .phi = sgd_phi_make(SGD_RELU, 0, false), .shared_readout = false};
        moments m[9] = {{0, 0, 0}};
        double *w = malloc(sgd_shape_weights(&s) * sizeof *w), k[9];
        for (int draw = 0; draw < 4000; draw++) {
            sgd_shape_draw(&s, 1, &rng, w);
            assert_int_equal(sgd_ntk_at(&s, w, 3, x, k), 0);
            for (size_t i = 0; i < 9; i++)
                note(&m[i], k[i]);
        }
        for (size_t a = 0; a < 3; a++)
            for (size_t b = 0; b < 3; b++)
                assert_sigma(mean(&m[a * 3 + b]), err(&m[a * 3 + b]), closed_form(1, 1, true, D, x, a, b));
        spread[v] = sd(&m[1]) * sqrt((double)width[v]);
        free(w);
    }
    for (size_t v = 1; v < 4; v++) /* the spread of 4000 draws is known to some 2 %; its tails are those of products of normals */
        assert_near(spread[v] / spread[0], 1, 0.12);
    assert_near(closed_form(1, 1, true, D, x, 0, 0), 1, 1e-15); /* angle 0: 1/2 + 1/2 */
}

/* The observables of it are that closed form too, with a constant input as well, and at every angle; those of the last weights differ. */
static void circles_have_the_closed_form(void **state)
{
    (void)state;
    static const char *const nets[] = {"normalise: false, bias: 0", "bias: 0.7"};
    static const double bias[] = {0, 0.7}, gain[] = {1, M_SQRT2};
    for (int i = 0; i < 2; i++) {
        trial t;
        char *text = qn_format("model: sgd\nseed: 18\nreplicas: 1000\nparameters: {net: mlp, d: 3, h: 8, P: 4, tests: 0, T: 1, ntk_angles: 5, %s}\nsampling: {steps: 1}\n", nets[i]);
        trial_run(&t, text);
        qn_params p;
        double theory[SGD_QUANTITIES], e, b2 = bias[i] * bias[i];
        assert_int_equal(qn_sweep_point(&t.sweep, 0, &p), 0);
        assert_int_equal(sgd_theory_at(&p, theory), 0);
        double same = trial_mean(&t, 0, "ntk_same", -1, &e);
        assert_sigma(same, e, theory[SGD_Q_NTK_SAME]);
        double right = trial_mean(&t, 0, "ntk_right_angle", -1, &e);
        assert_sigma(right, e, theory[SGD_Q_NTK_RIGHT]);
        for (int k = 0; k < 5; k++) {
            double mean = trial_mean(&t, 0, "ntk_circle_first", k, &e);
            assert_sigma(mean, e, sgd_arccos_ntk(1, gain[i], true, 1 + b2, 1 + b2, cos(k * M_PI / 4) + b2));
        }
        assert_true(trial_at(&t, 0, "ntk_circle_first", 0) == trial_at(&t, 0, "ntk_same", 0));
        assert_true(trial_at(&t, 0, "ntk_circle_first", 0) != trial_at(&t, 0, "ntk_circle", 0));
        qn_params_free(&p);
        trial_free(&t);
        free(text);
    }
}

/* More layers: the limit, with a bias of order 1/h.  With v = 1 kept and one layer: exact again, without the part of the read-out. */
static void deep_kernels_approach_the_recursion(void **state)
{
    (void)state;
    enum { D = 4, H = 500, DRAWS = 40 };
    double x[3 * D];
    qn_rng rng;
    qn_rng_seed(&rng, 2, 8, 1, 1);
    three_points(D, x);
    for (size_t depth = 1; depth <= 3; depth++)
        for (int shared = 0; shared < (depth == 1 ? 2 : 1); shared++) {
            sgd_shape s = {.d = D, .h = H, .depth = depth, .q = 0.5, .phi = sgd_phi_make(SGD_RELU, 0, true), .shared_readout = shared};
            moments m[9] = {{0, 0, 0}};
            double *w = malloc(sgd_shape_weights(&s) * sizeof *w), k[9];
            for (int draw = 0; draw < DRAWS; draw++) {
                sgd_shape_draw(&s, 1, &rng, w);
                assert_int_equal(sgd_ntk_at(&s, w, 3, x, k), 0);
                for (size_t i = 0; i < 9; i++)
                    note(&m[i], k[i]);
            }
            for (size_t i = 0; i < 9; i++) {
                double want = closed_form(depth, sqrt(2), !shared, D, x, i / 3, i % 3);
                assert_near(mean(&m[i]), want, 4 * err(&m[i]) + 5.0 / H * fabs(want) * (double)(depth - 1));
            }
            free(w);
        }
}

/* ---- T9 ----------------------------------------------------------------------------------------------------------------------- */

/* The largest distance of a relu net of width h and scale alpha from the flow of a kernel that stays, over training and test points (labels +-1):
 * of its own first kernel, or (`wide`) of the closed form at infinite width.  Gradient descent in small steps on the square loss to time t. */
static double distance_to_the_flow(bool wide, double alpha, size_t h, uint64_t seed)
{
    enum { P = 20, M = 10, D = 6 };
    const double time = 60, eta = 0.02;
    sgd_shape s = {.d = D, .h = h, .depth = 1, .q = 0.5, .phi = sgd_phi_make(wide ? SGD_RELU : SGD_TANH, 0, true), .shared_readout = false};
    sgd_points train = {.n = P, .d = D}, test = {.n = M, .d = D};
    double x[(P + M) * D], y[P], f[P + M], f0[P + M] = {0}, flow[P + M];
    qn_rng rng;
    qn_rng_seed(&rng, seed, 9, 1, 1);
    qn_rng_fill_normal(&rng, (P + M) * D, x);
    for (size_t i = 0; i < (P + M) * D; i++)
        x[i] /= sqrt(D);
    for (size_t mu = 0; mu < P; mu++)
        y[mu] = x[mu * D] > 0 ? 1 : -1;
    train.x = x;
    train.y = y;
    test.x = x + P * D;
    double *w = malloc(sgd_shape_weights(&s) * sizeof *w), *k = malloc((P + M) * (P + M) * sizeof *k), k_train[P * P], k_test[M * P], far = 0;
    sgd_shape_draw(&s, 1, &rng, w);
    assert_int_equal(sgd_ntk_at(&s, w, P + M, x, k), 0);
    for (size_t i = 0; i < P + M; i++)
        for (size_t j = 0; j < P; j++) {
            if (wide)
                k[i * (P + M) + j] = closed_form(1, sqrt(2), true, D, x, i, j);
            *(i < P ? &k_train[i * P + j] : &k_test[(i - P) * P + j]) = k[i * (P + M) + j];
        }
    assert_int_equal(sgd_kernel_flow(P, k_train, y, f0, time, flow, M, k_test, f0 + P, flow + P), 0);
    sgd_trainer_setup setup = {.shape = &s, .train = &train, .test = &test, .w0 = w, .loss = {SGD_SQUARE, alpha, 1, 1, true}, .subtract = true};
    void *t;
    assert_int_equal(sgd_arith_f64.create(&setup, &t), 0);
    /* the loss (F-y)^2/(2 alpha^2): F follows dF/dt = -K (F-y)/P at every alpha.  The same steps on the kernel: F = (1 - (1 - eta K/P)^n) y */
    double g[P + M] = {0};
    for (size_t step = 0; step < (size_t)(time / eta + 0.5); step++) {
        double push[P];
        for (size_t mu = 0; mu < P; mu++)
            push[mu] = eta / P * (y[mu] - g[mu]);
        for (size_t i = 0; i < P + M; i++)
            for (size_t mu = 0; mu < P; mu++)
                g[i] += push[mu] * k[i * (P + M) + mu];
        sgd_arith_f64.step(t, P, NULL, eta / P);
    }
    for (size_t i = 0; i < P + M; i++)
        assert_near(g[i], flow[i], 0.02); /* the eigenvectors' solution, to the steps' error */
    sgd_arith_f64.predict(t, false, 0, P, f);
    sgd_arith_f64.predict(t, true, 0, M, f + P);
    for (size_t i = 0; i < P + M; i++)
        far = fmax(far, fabs(f[i] - g[i]));
    sgd_arith_f64.destroy(t);
    free(w);
    free(k);
    return far;
}

/* Mean over eight seeds of log(distance at a width of 25/distance at 400). */
static double width_ratio(bool wide, double alpha)
{
    double sum = 0;
    for (uint64_t seed = 11; seed <= 18; seed++)
        sum += log(distance_to_the_flow(wide, alpha, 25, seed) / distance_to_the_flow(wide, alpha, 400, seed)) / 8;
    return exp(sum);
}

/* From their own first kernel as 1/alpha and 1/h (the terms of order h^-1/2 have mean zero over v); from the closed form as h^-1/2, the spread of K.
 * A width 16 times as large: ratios of 16 and 4, each seed's by a factor of some 1.4. */
static void lazy_nets_follow_their_first_kernel(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        double a = distance_to_the_flow(false, 100, 40, seed), b = distance_to_the_flow(false, 1000, 40, seed);
        assert_true(a < 0.05);
        assert_near(a / b, 10, 1);
    }
    assert_near(width_ratio(false, 20), 16, 6);
    assert_near(width_ratio(true, 1000), 4, 1.5);
}

/* `net: kernel` is that limit: the same data and first weights, alpha large. */
static void the_frozen_kernel_is_the_lazy_limit(void **state)
{
    (void)state;
    trial t;
    double moved[2], test[2];
    for (int frozen = 0; frozen < 2; frozen++) {
        /* without a shared seed of both nets (`net` is disorder) laws are compared: 24 replicas */
        char *text = qn_format("model: sgd\nseed: 5\nreplicas: 24\nparameters: {net: %s, data: sign, d: 10, h: 50, P: 64, B: 8, T: 2e-3, alpha: 500, max_time: 40%s}\n"
                               "sampling: {steps: 10000, points_per_decade: 2}\n", frozen ? "kernel" : "mlp", frozen ? "" : ", precision: f64");
        trial_run(&t, text);
        double e_moved, e_test;
        moved[frozen] = trial_mean(&t, 0, "dw", -1, &e_moved);
        test[frozen] = trial_mean(&t, 0, "test_err", -1, &e_test);
        if (frozen) {
            assert_near(moved[1] / moved[0], 1, 4 * 1.5 * e_moved / moved[1]);
            assert_near(test[1], test[0], 4 * 1.5 * e_test);
        }
        trial_free(&t);
        free(text);
    }
}

/* Events are the same law as plain steps, also here (Kolmogorov & Smirnov over 60 data sets each). */
static void events_are_plain_steps(void **state)
{
    (void)state;
    enum { R = 60 };
    double time[2][R], moved[2][R], updates[2][R];
    for (int event = 0; event < 2; event++) {
        trial t;
        char *text = qn_format("model: sgd\nseed: 6\nreplicas: %d\nparameters: {net: kernel, data: stripe, d: 5, h: 40, P: 60, B: 2, T: 0.05, dynamics: %s}\n"
                               "sampling: {steps: 1000000, points_per_decade: 2}\n", R, event ? "event" : "sgd");
        trial_run(&t, text);
        trial_values(&t, 0, "t_star", -1, time[event]);
        trial_values(&t, 0, "dw", -1, moved[event]);
        trial_values(&t, 0, "updates", -1, updates[event]);
        trial_free(&t);
        free(text);
    }
    assert_true(same_law(R, time[0], R, time[1]) > 1e-4);
    assert_true(same_law(R, moved[0], R, moved[1]) > 1e-4);
    assert_true(same_law(R, updates[0], R, updates[1]) > 1e-4);
}

/* ---- T12: the grokking model ---------------------------------------------------------------------------------------------------- */

static void quadratic_terms_are_the_population_loss(void **state)
{
    (void)state;
    enum { D = 9, H = 14, DRAWS = 100000 };
    qn_rng rng;
    qn_rng_seed(&rng, 3, 8, 1, 1);
    for (int variant = 0; variant < 4; variant++) {
        sgd_shape s = {.d = D, .h = H, .depth = 1, .q = variant & 1 ? 1 : 0.5, .phi = sgd_phi_make(SGD_QUAD, 0.4, variant & 1), .shared_readout = true};
        const double alpha = 1.7;
        double w[D * H + H], w0[D * H + H], beta[D], norm = 0, x[D];
        sgd_shape_draw(&s, 1, &rng, w);
        sgd_shape_draw(&s, 1, &rng, w0);
        qn_rng_fill_normal(&rng, D, beta);
        for (size_t i = 0; i < D; i++)
            norm += beta[i] * beta[i];
        for (size_t i = 0; i < D; i++)
            beta[i] *= sqrt(D / norm);
        sgd_quadratic q;
        bool subtract = variant & 2;
        assert_int_equal(sgd_quadratic_terms(&s, alpha, w, subtract ? w0 : NULL, beta, &q), 0);
        moments m = {0, 0, 0};
        sgd_pass p;
        assert_int_equal(sgd_pass_init(&p, &s, 1), 0);
        for (size_t draw = 0; draw < DRAWS; draw++) {
            double along = 0;
            qn_rng_fill_normal(&rng, D, x);
            for (size_t i = 0; i < D; i++) {
                x[i] /= sqrt(D);
                along += beta[i] * x[i];
            }
            sgd_pass_forward(&p, w, x);
            double f = p.f[0];
            if (subtract) {
                sgd_pass_forward(&p, w0, x);
                f -= p.f[0];
            }
            double off = alpha * f - along * along / 2;
            note(&m, off * off);
        }
        assert_sigma(mean(&m), err(&m), q.a + q.b + q.c);
        assert_true(q.a > 10 * err(&m) || q.b > 10 * err(&m)); /* the comparison can tell them */
        /* the kernel, written out, against that of the gradients: alpha^2 times */
        enum { N = 5 };
        double points[N * D], k[N * N], want[N * N];
        qn_rng_fill_normal(&rng, N * D, points);
        assert_int_equal(sgd_quadratic_kernel(&s, alpha, w, N, points, k), 0);
        assert_int_equal(sgd_ntk_at(&s, w, N, points, want), 0);
        for (size_t i = 0; i < N * N; i++)
            assert_near(k[i], alpha * alpha * want[i], 1e-11 * sgd_frobenius(N * N, k));
        /* and of finite differences of F */
        for (size_t a = 0; a < N; a++) {
            double dot = 0;
            for (size_t i = 0; i < D * H; i++) {
                double slope[2];
                for (int b = 0; b < 2; b++) {
                    const double *at = points + (b ? 0 : a) * D;
                    double keep = w[i];
                    w[i] = keep + 1e-4;
                    sgd_pass_forward(&p, w, at);
                    double up = p.f[0];
                    w[i] = keep - 1e-4;
                    sgd_pass_forward(&p, w, at);
                    w[i] = keep;
                    slope[b] = alpha * (up - p.f[0]) / 2e-4;
                }
                dot += slope[0] * slope[1];
            }
            assert_near(k[a * N], dot, 1e-6 * sgd_frobenius(N * N, k));
        }
        sgd_pass_free(&p);
    }
}

/* The engine's curves: the three terms add up to the test loss of many test points at every time.  The delay (spec section 6): the test loss falls 5 to 10
 * times later than the training loss at P = 220, the more so the larger alpha; at P = 800 the ratio is near 1; at P = 60 it never falls. */
static void the_net_groks(void **state)
{
    (void)state;
    static const struct {
        int p, steps;
        double alpha;
    } runs[] = {{220, 4000, 0.5}, {220, 5000, 1}, {800, 1000, 0.5}, {60, 3000, 0.5}};
    double delay[4], e, start = 0, end = 0;
    for (size_t i = 0; i < 4; i++) {
        trial t;
        char *text = qn_format("model: sgd\nseed: 9\nreplicas: 2\n"
                               "parameters: {net: mlp, data: quadratic, d: 40, h: 200, P: %d, B: %d, eta: %g, alpha: %g, activation: quad, eps: 0.25, normalise: false, q: 1,"
                               " shared_readout: true, half: false, subtract_init: false, tests: 4000, n_kernel: 50}\n"
                               "sampling: {steps: %d, points_per_decade: 8}\n", runs[i].p, runs[i].p, 0.5 * 200 / (runs[i].alpha * runs[i].alpha), runs[i].alpha, runs[i].steps);
        trial_run(&t, text);
        const qn_column *c = qn_layout_column(&t.layout, "test_loss");
        for (size_t task = 0; task < t.tasks; task++)
            for (int k = 0; k < (int)c->n; k += 3) {
                double sum = trial_at(&t, task, "quad_A", k) + trial_at(&t, task, "quad_B", k) + trial_at(&t, task, "quad_C", k), loss = trial_at(&t, task, "test_loss", k);
                assert_near(sum, loss, 0.25 * loss); /* 4000 points of a heavy-tailed square: some 5 % */
            }
        delay[i] = trial_mean(&t, 0, "grok_delay", 0, &e);
        start = trial_mean(&t, 0, "test_loss", 0, &e);
        end = trial_mean(&t, 0, "test_loss", -1, &e);
        trial_free(&t);
        free(text);
    }
    assert_true(delay[0] > log10(4) && delay[0] < log10(10));
    assert_true(delay[1] > delay[0] && delay[1] < log10(20));
    assert_true(delay[2] > -0.1 && delay[2] < log10(2));
    assert_true(isnan(delay[3]) && end > 0.8 * start);
}

/* ---- T16, T17 in their small forms: MNIST parity ----------------------------------------------------------------------------------- */

/* Many minutes under a sanitizer, and no line of code that the tests before do not run. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TOO_LONG true
#else
#define TOO_LONG false
#endif

#define PARITY "net: mlp, data: 'mnist:parity', " MNIST ", P: 1024, h: 64, q: 1, n_kernel: 0"

/* Rich nets: noise lowers the test error; T in units of h.  Lazy ones (tau = alpha T/h): it does not. */
static void noise_helps_rich_nets_alone(void **state)
{
    (void)state;
    if (TOO_LONG)
        skip();
    trial t;
    double e;
    trial_run(&t, "model: sgd\nseed: 7\nreplicas: 3\nparameters: {" PARITY ", alpha: 0.015625, B: 4, tests: 4000}\nsweep: {T: [0.5, 8]}\n"
                  "sampling: {steps: 300000, points_per_decade: 2}\n");
    double cold = trial_mean(&t, 0, "test_err", -1, &e), hot = trial_mean(&t, 1, "test_err", -1, &e);
    for (size_t task = 0; task < t.tasks; task++)
        assert_true(trial_at(&t, task, "status", 0) == 0);
    assert_true(cold - hot > 0.015);
    trial_free(&t);
    trial_run(&t, "model: sgd\nseed: 7\nreplicas: 3\nparameters: {" PARITY ", alpha: 512, B: 16, tests: 4000}\nsweep: {T: [0.0009765625, 0.0625]}\n"
                  "sampling: {steps: 300000, points_per_decade: 2}\n");
    cold = trial_mean(&t, 0, "test_err", -1, &e);
    hot = trial_mean(&t, 1, "test_err", -1, &e);
    assert_true(cold - hot < 0.01);
    trial_free(&t);
}

/* At equal tau = alpha T lazy nets are one: alpha |dw| and alpha t* do not depend on alpha. */
static void lazy_nets_collapse(void **state)
{
    (void)state;
    if (TOO_LONG)
        skip();
    static const double alpha[] = {64, 512};
    double moved[2][2], time[2][2], e;
    for (int a = 0; a < 2; a++) {
        trial t;
        char *text = qn_format("model: sgd\nseed: 8\nreplicas: 3\nparameters: {" PARITY ", alpha: %g, B: 16, tests: 0}\nsweep: {T: [%.17g, %.17g]}\n"
                               "sampling: {steps: 300000, points_per_decade: 2}\n", alpha[a], 0.03125 * 64 / alpha[a], 0.5 * 64 / alpha[a]);
        trial_run(&t, text);
        for (size_t point = 0; point < 2; point++) {
            moved[a][point] = alpha[a] * trial_mean(&t, point, "dw", -1, &e);
            time[a][point] = alpha[a] * trial_geometric(&t, point, "t_star", &e);
        }
        trial_free(&t);
        free(text);
    }
    for (int point = 0; point < 2; point++) {
        assert_near(moved[0][point] / moved[1][point], 1, 0.1);
        assert_near(time[0][point] / time[1][point], 1, 0.3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_kernels_have_the_closed_form), cmocka_unit_test(circles_have_the_closed_form), cmocka_unit_test(deep_kernels_approach_the_recursion), cmocka_unit_test(lazy_nets_follow_their_first_kernel),
        cmocka_unit_test(the_frozen_kernel_is_the_lazy_limit), cmocka_unit_test(events_are_plain_steps), cmocka_unit_test(quadratic_terms_are_the_population_loss),
        cmocka_unit_test(the_net_groks), cmocka_unit_test(noise_helps_rich_nets_alone), cmocka_unit_test(lazy_nets_collapse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
