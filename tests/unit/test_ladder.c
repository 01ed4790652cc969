/* test_ladder.c -- values of a ladder out of exchange rates: equal rates are left alone and refined in proportion, unequal ones shift values
 * to where exchanges are refused; what no ladder can be laid from. */
#include "ladder.h"
#include "qtest.h"

/* A result over load (2) and T (n) with these rates to the next T, the same at both loads or off by +-shift. */
static qn_dataset *result(size_t n, const double *t, const double *rate, double shift)
{
    static const char *const axes[] = {"load", "T"};
    qn_dataset *d;
    qn_var *load, *temperature, *x;
    assert_int_equal(qn_dataset_new(&d), 0);
    assert_int_equal(qn_dataset_dim(d, "load", 2) || qn_dataset_dim(d, "T", n), 0);
    assert_int_equal(qn_dataset_var(d, "load", QN_F64, 1, &axes[0], &load) || qn_dataset_var(d, "T", QN_F64, 1, &axes[1], &temperature), 0);
    assert_int_equal(qn_dataset_var(d, "exchange_rate", QN_F64, 2, axes, &x), 0);
    assert_int_equal(qn_attr_str(d, NULL, "axes", "load T") || qn_attr_str(d, x, "kind", "outcome") || qn_attr_str(d, x, "along", "T"), 0);
    for (size_t l = 0; l < 2; l++) {
        load->f64[l] = 0.1 * (double)(l + 1);
        for (size_t i = 0; i < n; i++) {
            temperature->f64[i] = t[i];
            x->f64[l * n + i] = i + 1 < n ? rate[i] + (l ? shift : -shift) : NAN;
        }
    }
    return d;
}

static void equal_rates(void **state)
{
    (void)state;
    const double t[] = {0.5, 1, 2, 4}, same[] = {0.6, 0.6, 0.6};
    for (int shifted = 0; shifted < 2; shifted++) { /* the mean over the other axis counts */
        qn_dataset *d = result(4, t, same, shifted ? 0.2 : 0);
        qn_ladder_choice c;
        assert_int_equal(qn_ladder_choose(d, NULL, 0, 4, &c), 0);
        assert_string_equal(c.axis, "T");
        assert_near(c.rate, 0.6, 1e-12);
        for (size_t i = 0; i < 4; i++)
            assert_near(c.value[i], t[i], 1e-12);
        qn_ladder_choice_free(&c);
        assert_int_equal(qn_ladder_choose(d, NULL, 0, 7, &c), 0);
        for (size_t i = 0; i < 7; i++)
            assert_near(c.value[i], 0.5 * pow(2, (double)i / 2), 1e-12); /* geometric stays geometric */
        assert_true(c.rate > 0.75 && c.rate < 0.85);
        qn_ladder_choice_free(&c);
        assert_int_equal(qn_ladder_choose(d, NULL, 0, 0, &c), 0);
        assert_true(c.n == 3 || c.n == 4); /* near one half */
        assert_near(c.rate, 0.5, 0.12);
        qn_ladder_choice_free(&c);
        qn_dataset_free(d);
    }
}

/* Of energies with normal distribution across a barrier of 3 between T = 1 and 4: rates of any first ladder give back the one with equal
 * rates, erfc(sqrt(pi)/2 3/(n - 1)), whose values are known. */
static void unequal_rates(void **state)
{
    (void)state;
    const double place[] = {0, 0.3, 0.5, 1.3, 1.6, 2.2, 2.5, 3};
    double t[8], rate[8];
    for (size_t i = 0; i < 8; i++)
        t[i] = exp(place[i] / 3 * log(4.0)); /* measure even in log T */
    for (size_t i = 0; i < 7; i++)
        rate[i] = erfc(sqrt(acos(-1)) / 2 * (place[i + 1] - place[i]));
    qn_dataset *d = result(8, t, rate, 0);
    qn_ladder_choice c;
    assert_int_equal(qn_ladder_choose(d, NULL, 0, 7, &c), 0);
    assert_near(c.barrier, 3, 1e-9);
    assert_near(c.rate, erfc(sqrt(acos(-1)) / 4), 1e-9);
    for (size_t i = 0; i < 7; i++)
        assert_near(c.value[i], pow(4, (double)i / 6), 1e-6);
    qn_ladder_choice_free(&c);
    qn_dataset_free(d);
}

static void refused(void **state)
{
    (void)state;
    const double t[] = {1, 2}, rate[] = {0.5};
    static const struct {
        const char *where;
        size_t points;
        const char *says;
    } cases[] = {{NULL, 1, "a ladder has at least two values"}, {"T=1", 0, "the whole ladder is needed; --where may choose along the other axes only, not T"}, {"load=0.7", 0, ""}};
    qn_dataset *d = result(2, t, rate, 0);
    qn_ladder_choice c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(qn_ladder_choose(d, &cases[i].where, cases[i].where ? 1 : 0, cases[i].points, &c), QN_ERR_INPUT);
        assert_non_null(strstr(qn_error_text(), cases[i].says));
    }
    qn_dataset_find(d, "exchange_rate")->f64[0] = qn_dataset_find(d, "exchange_rate")->f64[2] = NAN;
    assert_int_equal(qn_ladder_choose(d, NULL, 0, 0, &c), QN_ERR_INPUT);
    assert_non_null(strstr(qn_error_text(), "no exchange was tried between values 1 and 2 of T"));
    qn_dataset_drop(d, "exchange_rate");
    assert_int_equal(qn_ladder_choose(d, NULL, 0, 0, &c), QN_ERR_INPUT);
    qn_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_rates), cmocka_unit_test(unequal_rates), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
