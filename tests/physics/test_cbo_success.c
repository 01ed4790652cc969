/* test_cbo_success.c -- success probabilities of three settings against counts of other implementations, 300 runs each (all ten, 2000 runs each:
 * tests/long), Wilson intervals, and what success, hit_time and survival have to do with each other. */
#include "cbo_cells.h"
#include "stats.h"

static void as_counted_elsewhere(void **state)
{
    cbo_compare(&cbo_cells[*(const size_t *)*state], 300);
}

/* Wilson 1927: the interval of 0 of 300 is not empty. */
static void wilson_of_nothing(void **state)
{
    (void)state;
    double lo, hi;
    qn_wilson(0, 300, 1.959963984540054, &lo, &hi);
    assert_near(lo, 0, 1e-15);
    assert_near(hi, 0.01264, 5e-6);
    qn_wilson(300, 300, 1.959963984540054, &lo, &hi);
    assert_near(lo, 1 - 0.01264, 5e-6);
    assert_near(hi, 1, 1e-15);
}

/* ---- one run's story ---- */

enum { STEPS = 400 };
typedef struct story {
    int runs, hits, successes;
} story;

/* c_inf on a quadratic: once the consensus is near it stays; survival is 1 before the hit and 0 from it on; the curve of err_inf agrees. */
static void read_story(void *to, const qn_layout *l, const double *row)
{
    story *y = to;
    const double *survival = row + qn_layout_column(l, "survival")->offset, *err = row + qn_layout_column(l, "err_inf")->offset;
    double hit = cbo_outcome(l, row, "hit_time");
    int first = 0;
    for (int t = 1; t <= STEPS && !first; t++)
        first = err[t - 1] < 0.25 ? t : 0;
    y->runs++;
    y->hits += !isnan(hit);
    y->successes += cbo_outcome(l, row, "success") == 1;
    if (!(hit == 0)) /* 0: the start; the curve begins after one step */
        assert_true(first ? hit == first : isnan(hit));
    for (int t = 1; t <= STEPS; t++)
        assert_true(survival[t - 1] == (isnan(hit) || t < hit));
    assert_true((cbo_outcome(l, row, "success") == 1) == (err[STEPS - 1] < 0.25));
    assert_true(cbo_outcome(l, row, "n_eval") == 50 * (STEPS + 1));
    assert_true(cbo_outcome(l, row, "status") == 0);
}

static void hits_and_survival_agree(void **state)
{
    (void)state;
    story y = {0};
    cbo_run("objective: rastrigin, A: 2.5, d: 3, N: 50, sigma: 0.7, dt: 0.02, noise: anisotropic", STEPS, 1, 60, read_story, &y);
    print_message("%d of %d runs hit, %d succeed\n", y.hits, y.runs, y.successes);
    assert_true(y.hits > 6 && y.hits < 60 && y.successes <= y.hits); /* both kinds occur */
}

/* ---- criteria ---- */

typedef struct tally {
    double c_inf, best_inf;
} tally;
static void add_c(void *to, const qn_layout *l, const double *row)
{
    ((tally *)to)->c_inf += cbo_outcome(l, row, "success");
}
static void add_best(void *to, const qn_layout *l, const double *row)
{
    ((tally *)to)->best_inf += cbo_outcome(l, row, "success");
}

/* The best point ever evaluated is closer more often than the consensus: 100 runs, a difference of 3.6 standard errors is asked for. */
static void best_succeeds_more_often(void **state)
{
    (void)state;
    tally y = {0};
    cbo_run("objective: rastrigin, d: 4, N: 100, alpha: 1, sigma: 0.9, dt: 0.02, noise: anisotropic", 200, 200, 100, add_c, &y);
    cbo_run("objective: rastrigin, d: 4, N: 100, alpha: 1, sigma: 0.9, dt: 0.02, noise: anisotropic, success: best_inf", 200, 200, 100, add_best, &y);
    print_message("c_inf %.0f, best_inf %.0f of 100\n", y.c_inf, y.best_inf);
    assert_true(y.best_inf - y.c_inf > 3.6 * sqrt(2 * 100 * 0.25));
}

int main(void)
{
    static size_t number[] = {1, 3, 6};
    struct CMUnitTest tests[] = {
        {"rastrigin(10), d = 5", as_counted_elsewhere, NULL, NULL, &number[0]},
        {"rastrigin(2.5), d = 4", as_counted_elsewhere, NULL, NULL, &number[1]},
        {"ackley, isotropic, d = 10", as_counted_elsewhere, NULL, NULL, &number[2]},
        cmocka_unit_test(wilson_of_nothing),
        cmocka_unit_test(hits_and_survival_agree),
        cmocka_unit_test(best_succeeds_more_often),
    };
    return cmocka_run_group_tests_name("cbo_success", tests, NULL, NULL);
}
