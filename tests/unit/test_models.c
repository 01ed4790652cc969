/* test_models.c -- the built-in models keep the rules that plug-ins are held to when they are loaded. */
#include "model.h"
#include "models.h"
#include "qtest.h"

static void every_model_is_valid(void **state)
{
    (void)state;
    /* Names that files in use know, and that cost their parameter no more than being an axis. */
    static const char *const known[] = {"model cbo: observable 'success' has the name of a parameter", "model sgd: parameter 'half' is reserved, double, or lacks its meaning or choices"};
    size_t n = 0;
    for (; qn_models[n]; n++)
        if (qn_model_validate(qn_models[n]) && strcmp(qn_error_text(), known[0]) && strcmp(qn_error_text(), known[1]))
            fail_msg("%s", qn_error_text());
    assert_true(n >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_model_is_valid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
