/* test_collapse.c -- do the bootstrap intervals of finite-size scaling hold the truth as often as they say?
 *
 * y = L^(-1/4) (1 - 0.3 tanh((T - 2) L^0.9/8)) (1 + noise) of three sizes, 16 replicas of their own at each point; 500 repetitions, T_c anywhere in a step
 * of the grid.  A count may be off by 4 standard deviations: 0.083 for the 68.3 % and 0.037 for the 95.4 % intervals (chance 6e-5 each for a fresh seed). */
#include "synthetic.h"

#include <gsl/gsl_errno.h>

#include "collapse.h"

enum { REPEAT = 500, RESAMPLES = 100, K = 11, R = 16, SIZES = 3 };
#define P68 0.682689492137086
#define P95 0.954499736103642

static void test_coverage(void **state)
{
    (void)state;
    static const char *const name[] = {"T_c", "inverse_nu", "beta_over_nu"};
    static const double size[SIZES] = {8, 16, 32};
    size_t in68[3] = {0}, in95[3] = {0};
    double quality = 0;
    for (uint64_t k = 0; k < REPEAT; k++) {
        double t[K], x[SIZES * K * R];
        qn_rng rng;
        synthetic s;
        qn_dataset *d;
        qn_rng_seed(&rng, 31, 0, k, 0);
        double want[3] = {2 + 0.04 * (qn_rng_uniform(&rng) - 0.5), 0.9, 0.25};
        for (size_t i = 0; i < SIZES * K; i++) {
            double l = size[i / K];
            t[i % K] = 1.8 + 0.04 * (double)(i % K);
            for (size_t j = 0; j < R; j++)
                x[i * R + j] = pow(l, -0.25) * (1 - 0.3 * tanh((t[i % K] - want[0]) * pow(l, 0.9) / 8)) * (1 + 0.02 * qn_rng_normal(&rng));
        }
        synthetic_begin(&s, R, "");
        synthetic_axis(&s, "L", SIZES, size);
        synthetic_axis(&s, "T", K, t);
        synthetic_outcome(&s, "m", false, x);
        made(qn_collapse_make(&(qn_collapse_request){.data = s.d, .observable = "m", .resamples = RESAMPLES}, &d));
        quality += qn_dataset_find(d, "quality")->f64[0] / REPEAT;
        for (size_t i = 0; i < 3; i++) {
            char beside[64];
            double value = qn_dataset_find(d, name[i])->f64[0];
            snprintf(beside, sizeof beside, "%s_err", name[i]);
            double err = qn_dataset_find(d, beside)->f64[0];
            snprintf(beside, sizeof beside, "%s_dof", name[i]);
            double dof = qn_dataset_find(d, beside)->f64[0];
            in68[i] += fabs(value - want[i]) <= err * qn_student_quantile(P68, dof);
            in95[i] += fabs(value - want[i]) <= err * qn_student_quantile(P95, dof);
        }
        qn_dataset_free(d);
        synthetic_end(&s);
    }
    printf("# coverage over %d repetitions; want 0.683 and 0.954; mean quality %.2f\n", REPEAT, quality);
    for (size_t i = 0; i < 3; i++) {
        double a = (double)in68[i] / REPEAT, b = (double)in95[i] / REPEAT;
        printf("# %-14s %.3f  %.3f\n", name[i], a, b);
    }
    for (size_t i = 0; i < 3; i++) {
        double a = (double)in68[i] / REPEAT, b = (double)in95[i] / REPEAT;
        assert_near(a, P68, 4 * sqrt(P68 * (1 - P68) / REPEAT));
        assert_near(b, P95, 4 * sqrt(P95 * (1 - P95) / REPEAT));
    }
    assert_near(quality, 1, 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_coverage)};
    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
