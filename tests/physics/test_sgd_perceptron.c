/* test_sgd_perceptron.c -- the perceptron against what is exact: full d-dimensional SGD, its reduction to (w1, r), the differential equation, the
 * late-time laws; the event-driven form against plain steps; exponents, collapse and batch scan in a small form (whole in tests/long). */
#include "sgd/population.h"
#include "sgd/theory.h"
#include "sgd_run.h"
#include "text.h"

/* A two-sample test below this fails a fresh seed once in 10^4 times; seeds are fixed. */
#define ODD 1e-4

static sgd_law law_of(double d, double t, double eta, double chi)
{
    sgd_law law = {.d = d, .temperature = t, .eta = eta, .alpha = 1, .margin = 1};
    assert_int_equal(sgd_rule_init(&law.rule, chi), 0);
    return law;
}

/* ---- averages over all points -------------------------------------------------------------------------------------------- */

static void averages_are_those_of_drawn_points(void **state)
{
    (void)state;
    static const struct {
        double chi, w1, r;
    } cases[] = {{0, 0.5, 0.7}, {0, 30, 2}, {1, 3, 3}, {3, 2, 0.01}, {-0.5, 1, 1}, {0.4, -0.5, 2}, {2.5, 0, 5}, {1, 0, 0.1}, {1, 4, 0}};
    const double edge = 4;
    qn_rng rng;
    qn_rng_seed(&rng, 1, 2, 3, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum { DRAWS = 200000 };
        sgd_rule q;
        sgd_boundary law;
        sgd_population a;
        assert_int_equal(sgd_rule_init(&q, cases[i].chi), 0);
        sgd_boundary_init(&law, cases[i].chi);
        sgd_population_at(&q, cases[i].w1, cases[i].r, edge, &a);
        double sum[7] = {0}, sum2[7] = {0}, wrong = 0;
        for (int k = 0; k < DRAWS; k++) {
            double x = sgd_boundary_draw(&law, &rng), u = qn_rng_normal(&rng), f = cases[i].w1 * x + cases[i].r * u;
            wrong += f <= 0;
            if (f >= edge)
                continue;
            const double v[7] = {1, x, u, x * x, u * u, edge - f, (edge - f) * (edge - f)};
            for (int j = 0; j < 7; j++) {
                sum[j] += v[j] / DRAWS;
                sum2[j] += v[j] * v[j] / DRAWS;
            }
        }
        const double want[7] = {a.n, a.x, a.u, a.xx, a.uu, a.below, a.below2};
        for (int j = 0; j < 7; j++)
            assert_sigma(sum[j], sqrt(fmax(sum2[j] - sum[j] * sum[j], 1e-12) / DRAWS), want[j]);
        double error = sgd_population_error(cases[i].chi, cases[i].w1, cases[i].r);
        assert_sigma(wrong / DRAWS, sqrt(fmax(error * (1 - error), 1e-6) / DRAWS), error);
    }
    assert_near(sgd_population_error(0, 1000, 1), atan(1e-3) / M_PI, 1e-15); /* chi = 0 */
}

/* Losses of every kind, against points drawn. */
static void population_losses(void **state)
{
    (void)state;
    enum { DRAWS = 400000, D = 20 };
    qn_rng rng;
    qn_rng_seed(&rng, 1, 2, 3, 5);
    for (int kind = 0; kind < 5; kind++) {
        sgd_loss l = {.kind = (sgd_loss_kind)(kind % 4), .alpha = 1.5, .margin = 0.8, .softness = 0.1, .half = kind < 4};
        if (kind == 4)
            l.kind = SGD_SQUARE;
        sgd_rule q;
        sgd_boundary law;
        assert_int_equal(sgd_rule_init(&q, 1), 0);
        sgd_boundary_init(&law, 1);
        double sum = 0, sum2 = 0;
        for (int k = 0; k < DRAWS; k++) {
            double u = l.alpha / sqrt(D) * (2 * sgd_boundary_draw(&law, &rng) + 1.5 * qn_rng_normal(&rng)), v = sgd_loss_at(&l, u);
            sum += v / DRAWS;
            sum2 += v * v / DRAWS;
            double h = 1e-6, slope = -(sgd_loss_at(&l, u + h) - sgd_loss_at(&l, u - h)) / (2 * h) * l.alpha; /* L(u), u = alpha y f + ... */
            if (k < 1000 && fabs(u - l.margin) > 1e-5)
                assert_near(sgd_push(&l, u), slope, 1e-6 * (1 + fabs(slope)));
        }
        assert_sigma(sum, sqrt((sum2 - sum * sum) / DRAWS), sgd_population_loss(&q, &l, D, 2, 1.5));
    }
}

/* ---- T3: full SGD, the chain, the equation --------------------------------------------------------------------------------- */

static char *online(const char *dynamics, int replicas, double chi, int b, double temperature, double time, int d)
{
    return qn_format("model: sgd\nseed: 31\nreplicas: %d\nparameters: {P: 0, d: %d, chi: %g, B: %d, T: %g, dynamics: %s}\nsampling: {points_per_decade: 1, steps: %.0f}\n",
                     replicas, d, chi, b, temperature, dynamics, time / (temperature * b));
}

static void full_sgd_is_the_chain(void **state)
{
    (void)state;
    enum { FULL = 300, REDUCED = 3000, D = 128 };
    static double x[FULL], y[REDUCED];
    for (int c = 0; c < 8; c++) {
        double chi = (const double[]){0, 1, 3, 0.5}[c / 2], temperature = 2;
        int b = c % 2 ? 4 : 1, d = c < 6 ? D : 5 - c % 2; /* few dimensions too: what is left beside w1 and r shows there */
        trial full, chain;
        char *text = online("sgd", FULL, chi, b, temperature, 400 * temperature, d);
        trial_run(&full, text);
        free(text);
        text = online("chain", REDUCED, chi, b, temperature, 400 * temperature, d);
        trial_run(&chain, text);
        free(text);
        static const char *const names[] = {"w_signal", "w_noise", "lambda", "n_unfitted"};
        for (int k = 0; k < (int)full.layout.n_grid; k++)
            for (int i = 0; i < 4; i++) {
                double e, f, m = trial_mean(&full, 0, names[i], k, &e), n = trial_mean(&chain, 0, names[i], k, &f);
                assert_sigma(m, hypot(e, f) + 1e-15, n);
                double p = same_law(trial_values(&full, 0, names[i], k, x), x, trial_values(&chain, 0, names[i], k, y), y);
                if (p < ODD)
                    fail_msg("%s at chi = %g, B = %d, d = %d, measurement %d: p = %.2g", names[i], chi, b, d, k, p);
            }
        /* from t = 100 T on: w1 within 1 %, r within 3 % of the chain's mean */
        sgd_law law = law_of(D, temperature, temperature * b, chi);
        for (int k = 0; k < (int)chain.layout.n_grid && d == D; k++) {
            double t = trial_at(&chain, 0, "t", k), e, w1, r;
            if (t < 100 * temperature)
                continue;
            assert_int_equal(sgd_law_ode(&law, t, &w1, &r), 0);
            double m = trial_mean(&chain, 0, "w_signal", k, &e);
            assert_true(e < 0.0025 * m);
            assert_near(m, w1, 0.01 * m);
            m = trial_mean(&chain, 0, "w_noise", k, &e);
            assert_true(e < 0.0025 * m);
            assert_near(m, r, 0.03 * m);
        }
        trial_free(&full);
        trial_free(&chain);
    }
}

/* ---- T4: late times ------------------------------------------------------------------------------------------------------------ */

static void late_times(void **state)
{
    (void)state;
    static const double want[3][3] = {{0, 77.25, 1851.1}, {1, 60.49, 827.57}, {3, 45.27, 311.4}}; /* chi, r, w1 at d 128, T 16, t 1.6e7 */
    for (int i = 0; i < 3; i++) {
        double chi = want[i][0], w1, r, e;
        sgd_law law = law_of(128, 16, 16, chi);
        assert_int_equal(sgd_law_late(&law, 1.6e7, &w1, &r), 0);
        assert_near(r, want[i][1], 0.006);
        assert_near(w1, want[i][2], 0.06);

        /* the chain at that time; r is stationary, so that its mean over the last half is taken */
        char *text = qn_format("model: sgd\nseed: 5\nreplicas: 8\nparameters: {P: 0, d: 128, chi: %g, T: 16, dynamics: chain}\nsampling: {steps: 1000000, interval: 5000}\n", chi);
        trial t;
        trial_run(&t, text);
        free(text);
        assert_near(trial_mean(&t, 0, "w_signal", -1, &e), w1, 0.02 * w1);
        double mean = 0, r_ode, w1_ode;
        for (int k = 1; k <= 100; k++)
            mean += trial_mean(&t, 0, "w_noise", -k, &e) / 100;
        assert_int_equal(sgd_law_ode(&law, 1.2e7, &w1_ode, &r_ode), 0);
        assert_near(mean, r, 0.03 * r);
        assert_near(mean, r_ode, 0.03 * r_ode); /* which holds to order 1/d */
        trial_free(&t);

        /* the equation itself tends to the law as d grows: 0.3 % */
        law = law_of(12800, 16, 16, chi);
        assert_int_equal(sgd_law_ode(&law, 1e13, &w1_ode, &r_ode), 0);
        assert_int_equal(sgd_law_late(&law, 1e13, &w1, &r), 0);
        assert_near(w1_ode, w1, 0.003 * w1);
        assert_near(r_ode, r, 0.003 * r);
    }
}

static void limits_of_the_late_law(void **state)
{
    (void)state;
    static const double k[3][2] = {{0, 1.25331}, {1, 1.59577}, {3, 2.12769}};
    for (int i = 0; i < 3; i++) {
        double w1, r, w0, r0;
        sgd_law law = law_of(100, 1e4, 1e4, k[i][0]);
        assert_int_equal(sgd_law_late(&law, 1e12, &w1, &r), 0);
        assert_near(r, 1e4 * 10 / (2 * k[i][1]), 2e-3 * r); /* T >> 1 */
        law.temperature = law.eta = 1e-5;
        assert_int_equal(sgd_law_late(&law, 1e9, &w1, &r), 0);
        assert_near(r, sqrt(1e-5 * 100 / (2 * (k[i][0] + 1))), 1e-4 * r); /* T << 1 */
        law.temperature = law.eta = 0;
        assert_int_equal(sgd_law_late(&law, 1e9, &w0, &r0), 0);
        assert_near(w1, w0, 1e-4 * w0);
        /* alpha and margin are units of w, T and t */
        sgd_law other = law_of(100, 6, 12, k[i][0]);
        other.alpha = 0.5;
        other.margin = 1.5;
        law.temperature = 2;
        law.eta = 4;
        for (int late = 0; late < 2; late++) {
            int (*at)(const sgd_law *, double, double *, double *) = late ? sgd_law_late : sgd_law_ode;
            assert_int_equal(at(&law, 1e4, &w0, &r0), 0);
            assert_int_equal(at(&other, 3e4, &w1, &r), 0);
            assert_near(w1, 3 * w0, 1e-5 * w1);
            assert_near(r, 3 * r0, 1e-5 * r);
        }
    }
}

/* ---- T5: events -------------------------------------------------------------------------------------------------------------------- */

static void events_have_the_law_of_steps(void **state)
{
    (void)state;
    static const struct {
        const char *batch;
        int p, b, d;
        double chi, t;
    } cases[] = {{"with", 150, 2, 8, 0, 0.5}, {"without", 100, 1, 16, 0, 0.5}, {"without", 200, 16, 8, 0, 0.2}, {"with", 1000, 8, 6, 1, 0.5}, {"without", 1200, 2, 4, 1, 1}}; /* most updates are events */
    enum { REPLICAS = 200 };
    static double x[REPLICAS], y[REPLICAS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trial t[2];
        for (int event = 0; event < 2; event++) { /* other data too: the streams depend on the dynamics alone, so change the seed */
            char *text = qn_format("model: sgd\nseed: %d\nreplicas: %d\nparameters: {P: %d, B: %d, d: %d, chi: %g, T: %g, batch: %s, dynamics: %s}\nsampling: {points_per_decade: 1, steps: 100000000}\n",
                                   70 + event, REPLICAS, cases[i].p, cases[i].b, cases[i].d, cases[i].chi, cases[i].t, cases[i].batch, event ? "event" : "sgd");
            trial_run(&t[event], text);
            free(text);
        }
        static const char *const names[] = {"t_star", "w_signal", "w_noise", "updates", "sgd_steps"};
        for (int k = 0; k < 5; k++) {
            double p = same_law(trial_values(&t[0], 0, names[k], -1, x), x, trial_values(&t[1], 0, names[k], -1, y), y);
            if (p < ODD)
                fail_msg("%s, case %zu: p = %.2g", names[k], i, p);
        }
        for (size_t task = 0; task < REPLICAS; task++)
            for (int event = 0; event < 2; event++) {
                assert_near(trial_at(&t[event], task, "status", 0), 0, 0);
                assert_true(trial_at(&t[event], task, "margin_min", -1) >= 1);
                assert_near(trial_at(&t[event], task, "train_loss", -1), 0, 0);
            }
        trial_free(&t[0]);
        trial_free(&t[1]);
    }
}

/* ---- T6, T7, T18 small ---------------------------------------------------------------------------------------------------------------- */

/* Slopes over three octaves of P up to 32768 (chi = 0: two, up to 4096, at half the d) at T = 16: gamma within 0.10 and b within 0.30 of 1/(1+chi),
 * (3+chi)/(1+chi).  The powers hold for P/d -> infinity; here b is some 0.1 to 0.2 below. */
static void exponents(void **state)
{
    (void)state;
    static const struct {
        double chi;
        int d, from, to, replicas;
    } cases[] = {{0, 16, 1024, 4096, 24}, {1, 32, 4096, 32768, 24}, {3, 32, 4096, 32768, 64}};
    for (size_t c = 0; c < 3; c++) {
        double chi = cases[c].chi, e[2], f[2], octaves = log((double)cases[c].to / cases[c].from);
        char *text = qn_format("model: sgd\nseed: 7\nreplicas: %d\nparameters: {chi: %g, d: %d, B: 2, T: 16, batch: with, dynamics: event}\nsweep:\n  P: [%d, %d]\nsampling: {points_per_decade: 1, steps: 1000000000}\n",
                               cases[c].replicas, chi, cases[c].d, cases[c].from, cases[c].to);
        trial t;
        trial_run(&t, text);
        free(text);
        double gamma = log(trial_geometric(&t, 1, "w_signal", &e[1]) / trial_geometric(&t, 0, "w_signal", &e[0])) / octaves;
        double b = log(trial_geometric(&t, 1, "t_star", &f[1]) / trial_geometric(&t, 0, "t_star", &f[0])) / octaves;
        print_message("chi = %g: gamma = %.3f +- %.3f (%.3f), b = %.3f +- %.3f (%.3f)\n", chi, gamma, hypot(e[0], e[1]) / octaves, 1 / (1 + chi), b,
                      hypot(f[0], f[1]) / octaves, (3 + chi) / (1 + chi));
        assert_near(gamma, 1 / (1 + chi), 0.10);
        assert_near(b, (3 + chi) / (1 + chi), 0.30);
        trial_free(&t);
    }
}

static void temperature_collapse(void **state)
{
    (void)state;
    trial t;
    trial_run(&t, "model: sgd\nseed: 11\nreplicas: 16\nparameters: {chi: 1, P: 512, B: 2, batch: with, dynamics: event}\nsweep:\n  T: [0.03125, 0.0625, 32, 128]\nsampling: {points_per_decade: 1, steps: 1000000000}\n");
    double w[4], e[4];
    for (size_t i = 0; i < 4; i++)
        w[i] = trial_geometric(&t, i, "w_signal", &e[i]);
    print_message("w1 at T = 1/32, 1/16: %.3f, %.3f; w1/T at T = 32, 128: %.3f, %.3f (errors %.3f %.3f %.3f %.3f)\n", w[0], w[1], w[2] / 32, w[3] / 128, e[0], e[1], e[2], e[3]);
    assert_near(w[0] / w[1], 1, 0.1);
    assert_near(w[2] / w[3] * 4, 1, 0.1);
    trial_free(&t);
}

static void batch_scan(void **state)
{
    (void)state;
    trial t;
    trial_run(&t, "model: sgd\nseed: 13\nreplicas: 12\nparameters: {chi: 1, d: 32, P: 2048, T: 16, batch: with}\nsweep:\n  B: [2, 16, 1024, 2048]\nsampling: {points_per_decade: 1, steps: 1000000000}\n");
    double w[4], e[4];
    for (size_t i = 0; i < 4; i++)
        w[i] = trial_geometric(&t, i, "w_signal", &e[i]);
    double plateau = w[0], b_star = plateau * sqrt(32) / (16 * sqrt(M_PI / 2)); /* spec 5.2 */
    print_message("w1 at B = 2, 16: %.1f, %.1f; by 3.545 B at 1024, 2048: %.4f %.4f; B* = %.1f\n", w[0], w[1], w[2] / (3.545 * 1024), w[3] / (3.545 * 2048), b_star);
    assert_true(16 <= b_star / 4 && 1024 >= 4 * b_star);
    assert_near(w[1], plateau, 0.15 * plateau);
    assert_near(w[2], 3.545 * 1024, 0.02 * 3.545 * 1024);
    assert_near(w[3], 3.545 * 2048, 0.02 * 3.545 * 2048);
    trial_free(&t);
}

/* ---- flow ---------------------------------------------------------------------------------------------------------------------------------- */

/* T -> 0 of SGD is the flow of the hinge: t* and w1 at delta = 0.05 against T = 1/64 at P = 256, on the same data. */
static void flow_is_small_temperature(void **state)
{
    (void)state;
    trial t;
    trial_run(&t, "model: sgd\nseed: 17\nreplicas: 24\nparameters: {chi: 1, P: 256, d: 16, batch: with, delta: 0.05, dynamics: event}\nsweep:\n  T: [0, 0.015625]\nsampling: {points_per_decade: 1, steps: 100000000}\n");
    double x[24], e;
    for (size_t r = 0; r < 24; r++)
        x[r] = log(trial_at(&t, r, "w_signal", -1) / trial_at(&t, 24 + r, "w_signal", -1));
    double m = mean_of(24, x, &e);
    print_message("w1(flow)/w1(T = 1/64) = %.3f +- %.3f", exp(m), e);
    assert_near(m, 0, 0.05);
    for (size_t r = 0; r < 24; r++)
        x[r] = log(trial_at(&t, r, "t_star", -1) / trial_at(&t, 24 + r, "t_star", -1));
    m = mean_of(24, x, &e);
    print_message(", t* %.3f +- %.3f\n", exp(m), e);
    assert_near(m, 0, 0.15);
    trial_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_are_those_of_drawn_points), cmocka_unit_test(population_losses), cmocka_unit_test(full_sgd_is_the_chain),
        cmocka_unit_test(late_times), cmocka_unit_test(limits_of_the_late_law), cmocka_unit_test(events_have_the_law_of_steps),
        cmocka_unit_test(exponents), cmocka_unit_test(temperature_collapse), cmocka_unit_test(batch_scan), cmocka_unit_test(flow_is_small_temperature),
    };
    return cmocka_run_group_tests_name("sgd_perceptron", tests, NULL, NULL);
}
