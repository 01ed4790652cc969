/* bench.h -- what the timing programs share: the clock, calls a second, medians.  Seconds are of this thread's processor time: what others do
 * on the core is not counted. */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_TIMES = 5 }; /* timings of which the median is taken */

static inline double bench_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int bench_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double bench_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, bench_by_value);
    return x[n / 2];
}

/* What lies at p counts as used: the compiler may not leave out how it came there. */
static inline void bench_keep(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* Calls a second over about `seconds`, in growing runs between looks at the clock. */
static inline double bench_rate(void (*call)(void *), void *what, double seconds)
{
    size_t times = 0, chunk = 1;
    double start = bench_now_s(), t;
    do {
        for (size_t i = 0; i < chunk; i++)
            call(what);
        times += chunk;
        t = bench_now_s() - start;
        chunk = t < seconds / 16 ? 2 * chunk : chunk;
    } while (t < seconds);
    return (double)times / t;
}

/* The same, the median of five timings after a first call that warms up. */
static inline double bench_median_rate(void (*call)(void *), void *what, double seconds)
{
    double got[BENCH_TIMES];
    call(what);
    for (size_t k = 0; k < BENCH_TIMES; k++)
        got[k] = bench_rate(call, what, seconds);
    return bench_median(got, BENCH_TIMES);
}

/* The only argument, seconds a timing; 0 when it is no such number, after the usage. */
static inline double bench_seconds(int argc, char **argv, double otherwise)
{
    double seconds = argc > 1 ? atof(argv[1]) : otherwise;
    if (argc <= 2 && seconds > 0)
        return seconds;
    fprintf(stderr, "usage: %s [SECONDS]\n", argv[0]);
    return 0;
}

#endif
