/* test_cbo_success.c -- success probabilities of ten settings against counts of other implementations, 2000 runs each. */
#include "cbo_cells.h"

static void as_counted_elsewhere(void **state)
{
    cbo_compare(*state, 2000);
}

int main(void)
{
    enum { CELLS = sizeof cbo_cells / sizeof *cbo_cells };
    struct CMUnitTest tests[CELLS];
    for (size_t i = 0; i < CELLS; i++)
        tests[i] = (struct CMUnitTest){cbo_cells[i].parameters, as_counted_elsewhere, NULL, NULL, (void *)(uintptr_t)&cbo_cells[i]};
    return cmocka_run_group_tests_name("cbo_success, long", tests, NULL, NULL);
}
