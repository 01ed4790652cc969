/* test_sgd_nets.c -- nets on MNIST parity over the whole of the quick window (minutes; small forms are in tests/physics): T16 and T17.  Temperatures
 * are in units of the width: theta = T/h for rich nets, tau = alpha T/h for lazy ones. */
#include "sgd_run.h"
#include "text.h"

#define MNIST "images: tests/data/mnist-train10k-images-idx3-ubyte.gz, labels: tests/data/mnist-train10k-labels-idx1-ubyte.gz, "                        \
              "test_images: tests/data/mnist-test5k-images-idx3-ubyte.gz, test_labels: tests/data/mnist-test5k-labels-idx1-ubyte.gz"
#define PARITY "net: mlp, data: 'mnist:parity', " MNIST ", P: 1024, h: 64, q: 1, n_kernel: 0"
enum { H = 64, POINTS = 7 };

/* T = 2^k/128 h/alpha for k = 0 ... n-1, or h 2^k/128. */
static void run(trial *t, double alpha, double unit, int n, int b, int replicas)
{
    char list[POINTS * 32] = "";
    for (int k = 0; k < n; k++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.17g", k ? ", " : "", ldexp(unit, k) / 128);
    char *text = qn_format("model: sgd\nseed: 8\nreplicas: %d\nparameters: {" PARITY ", alpha: %.17g, B: %d}\nsweep: {T: [%s]}\nsampling: {steps: 3000000, points_per_decade: 1}\n", replicas,
                           alpha, b, list);
    trial_run(t, text);
    free(text);
}

/* Rich: the error falls with theta from 1/128 to 1/8, by more than 1.5 points.  Lazy: at no tau from 1/128 to 1/2 is it lower by more than a point. */
static void noise_helps_rich_nets_alone(void **state)
{
    (void)state;
    double error[2][POINTS], e;
    for (int lazy = 0; lazy < 2; lazy++) {
        trial t;
        run(&t, lazy ? 512 : 1.0 / 64, lazy ? H / 512.0 : H, lazy ? 7 : 5, lazy ? 16 : 4, 3);
        print_message("%s: test error", lazy ? "alpha = 512, tau = 1/128 ... 1/2" : "alpha = 1/64, theta = 1/128 ... 1/8");
        for (int k = 0; k < (lazy ? 7 : 5); k++) {
            error[lazy][k] = trial_mean(&t, (size_t)k, "test_err", -1, &e);
            print_message(" %.4f+-%.4f", error[lazy][k], e);
        }
        print_message("\n");
        for (size_t task = 0; task < t.tasks; task++)
            assert_true(trial_at(&t, task, "status", 0) == 0);
        trial_free(&t);
    }
    assert_true(error[0][0] - error[0][4] > 0.015);
    for (int k = 1; k < 5; k++)
        assert_true(error[0][k] < error[0][k - 1] + 0.003);
    for (int k = 1; k < 7; k++)
        assert_true(error[1][0] - error[1][k] < 0.01);
}

/* alpha |dw| and alpha t* depend on tau alone: alpha = 64, 128, 256, 512, tau = 1/128 ... 1/2, three sets of data, the same at every alpha. */
static void lazy_nets_collapse(void **state)
{
    (void)state;
    static double moved[4][POINTS], time[4][POINTS];
    double e;
    for (int a = 0; a < 4; a++) {
        double alpha = 64 << a;
        trial t;
        run(&t, alpha, H / alpha, POINTS, 16, 3);
        print_message("alpha = %g: alpha |dw|, alpha t*:", alpha);
        for (size_t k = 0; k < POINTS; k++) {
            moved[a][k] = alpha * trial_mean(&t, k, "dw", -1, &e);
            time[a][k] = alpha * trial_geometric(&t, k, "t_star", &e);
            print_message(" %.4g, %.4g;", moved[a][k], time[a][k]);
        }
        print_message("\n");
        trial_free(&t);
    }
    for (int a = 0; a < 3; a++)
        for (size_t k = 0; k < POINTS; k++) {
            assert_near(moved[a][k] / moved[3][k], 1, 0.1);
            assert_near(time[a][k] / time[3][k], 1, 0.3);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(noise_helps_rich_nets_alone), cmocka_unit_test(lazy_nets_collapse)};
    return cmocka_run_group_tests_name("sgd_nets_long", tests, NULL, NULL);
}
