/* test_intervals.c -- tests/stat/test_intervals.c with 2,000 repetitions. */
#define REPEAT 2000
#include "../stat/test_intervals.c"
