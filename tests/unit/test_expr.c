/* test_expr.c -- values against C, names, and the column of every mistake. */
#include "qtest.h"

#include "expr.h"

static double value_of(const char *text, const double *values)
{
    qn_expr *e;
    if (qn_expr_compile(text, &e))
        fail_msg("%s: %s", text, qn_error_text());
    double x = qn_expr_eval(e, values);
    qn_expr_free(e);
    return x;
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double want;
    } at[] = {
        {"1", 1},
        {" 1.5e-3 ", 1.5e-3},
        {".5", 0.5},
        {"2+3*4", 14},
        {"(2+3)*4", 20},
        {"2-3-4", -5},
        {"24/4/2", 3},
        {"2^3^2", 512},
        {"-2^2", -4},
        {"(-2)^2", 4},
        {"2^-1", 0.5},
        {"2^-2^0", 0.5},
        {"3 - -2", 5},
        {"--3", 3},
        {"+3", 3},
        {"2*-3", -6},
        {"-3*2+1", -5},
        {"sqrt(16)", 4},
        {"abs(-2.5)", 2.5},
        {"exp(0)+log(1)", 1},
        {"min(2, 3) + max(2,3)", 5},
        {"max(1, min(5, 2*2))", 4},
        {"cos(pi)", -1},
        {"sin(0) + cos(0)", 1},
        {"cosh(0) + sinh(0)", 1},
        {"sqrt ( 4 )", 2},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        assert_near(value_of(at[i].text, NULL), at[i].want, 1e-15);
    assert_near(value_of("tanh(0.3)", NULL), tanh(0.3), 1e-15);
    assert_near(value_of("pi", NULL), 3.141592653589793, 1e-15);
    assert_true(isinf(value_of("1/0", NULL)) && isnan(value_of("0/0", NULL)) && isnan(value_of("log(-1)", NULL)));
}

static void test_names(void **state)
{
    (void)state;
    qn_expr *e;
    assert_int_equal(qn_expr_compile("1 - m4/(3*m2^2) + m4*_x1 + pi + sqrt_2", &e), 0);
    static const char *const names[] = {"m4", "m2", "_x1", "sqrt_2"};
    assert_int_equal(qn_expr_names(e), 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(qn_expr_name(e, i), names[i]);
    for (int i = 0; i < 10; i++) { /* often, with other values */
        double m4 = 0.5 + i, m2 = 2 + i, x[] = {m4, m2, 7, -1};
        assert_near(qn_expr_eval(e, x), 1 - m4 / (3 * m2 * m2) + m4 * 7 + acos(-1) - 1, 1e-13);
    }
    qn_expr_free(e);
    qn_expr_free(NULL);
    const double missing[] = {NAN}; /* what is missing stays missing, on either side */
    assert_true(isnan(value_of("min(x, 1)", missing)) && isnan(value_of("min(1, x)", missing)));
    assert_true(isnan(value_of("max(x, 1)", missing)) && isnan(value_of("max(1, x)", missing)));
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says[2];
    } at[] = {
        {"", {"column 1 ", "ends here"}},
        {"   ", {"column 4 ", "ends here"}},
        {"1 +", {"column 4 ", "ends here"}},
        {"1 + * 2", {"column 5 ", "not '*'"}},
        {"(1 + 2", {"column 7 ", "')' expected"}},
        {"1 + 2)", {"column 6 ", "operator"}},
        {"m2 m4", {"column 4 ", "operator"}},
        {"2m", {"column ", "not '"}},
        {"3 $ 4", {"column 3 ", "not '$'"}},
        {"foo(2)", {"column 1 ", "known function"}},
        {"1 + tan(x)", {"column 5 ", "known function"}},
        {"min(1)", {"column 6 ", "second argument"}},
        {"sqrt(1, 2)", {"column 7 ", "')' expected"}},
        {"sqrt()", {"column 6 ", "not ')'"}},
        {"1..2", {"column 3 ", "operator"}},
        {".", {"column 1 ", "number"}},
        {"2 ^", {"column 4 ", "ends here"}},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        qn_expr *e = (qn_expr *)state;
        assert_int_equal(qn_expr_compile(at[i].text, &e), QN_ERR_INPUT);
        assert_null(e);
        for (size_t k = 0; k < 2; k++)
            if (!strstr(qn_error_text(), at[i].says[k]))
                fail_msg("\"%s\" gives: %s; it should say: %s", at[i].text, qn_error_text(), at[i].says[k]);
    }
}

/* Endless input is an error and neither a crash nor a write beyond the stack of the evaluation. */
static void test_hostile(void **state)
{
    (void)state;
    enum { N = 200000 };
    char *text = malloc(2 * N + 2);
    qn_expr *e;
    assert_non_null(text);
    static const char *const pieces[] = {"(", "-", "2^", "1+", "sqrt(", "1+(", "max(1,"};
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        size_t n = strlen(pieces[p]), times = 2 * N / n;
        for (size_t i = 0; i < times; i++)
            memcpy(text + i * n, pieces[p], n);
        text[times * n] = 0;
        assert_int_equal(qn_expr_compile(text, &e), QN_ERR_INPUT);
        text[times * n] = '1';
        text[times * n + 1] = 0;
        if (p != 1)
            assert_int_equal(qn_expr_compile(text, &e), QN_ERR_INPUT);
        else /* signs cost nothing: an even number of them */
            assert_near(value_of(text, NULL), 1, 0);
    }
    free(text);
    char deep[256] = "", sums[256] = ""; /* what a person writes fits */
    for (int i = 0; i < 40; i++) {
        strcat(deep, "(");
        strcat(sums, "1+(");
    }
    strcat(deep, "7");
    strcat(sums, "1");
    for (int i = 0; i < 40; i++) {
        strcat(deep, ")");
        strcat(sums, ")");
    }
    assert_near(value_of(deep, NULL), 7, 0);
    assert_near(value_of(sums, NULL), 41, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_names), cmocka_unit_test(test_mistakes),
                                       cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
