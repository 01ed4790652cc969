/* bench_rng.c -- speed of the random numbers: one thread, millions a second, median of five.
 *
 * Each bulk function beside the same kind drawn one at a time; normals one at a time are the ziggurat, in bulk the transform.
 * Usage: bench_rng [SECONDS PER TIMING, default 0.1] */
#include <gsl/gsl_randist.h>
#include <stdio.h>

#include "bench.h"
#include "isa.h"
#include "rng.h"

enum { N = 4096 };
static uint64_t words[N];
static double numbers[N];

static void u64_each(qn_rng *r)
{
    for (size_t i = 0; i < N; i++)
        words[i] = qn_rng_u64(r);
}

static void u64_bulk(qn_rng *r)
{
    qn_rng_fill_u64(r, N, words);
}

static void below_each(qn_rng *r)
{
    for (size_t i = 0; i < N; i++)
        words[i] = qn_rng_below(r, 1000);
}

static void uniform_each(qn_rng *r)
{
    for (size_t i = 0; i < N; i++)
        numbers[i] = qn_rng_uniform(r);
}

static void uniform_bulk(qn_rng *r)
{
    qn_rng_fill_uniform(r, N, numbers);
}

static void normal_each(qn_rng *r)
{
    for (size_t i = 0; i < N; i++)
        numbers[i] = qn_rng_normal(r);
}

static void normal_bulk(qn_rng *r)
{
    qn_rng_fill_normal(r, N, numbers);
}

static void gsl_normal_each(qn_rng *r)
{
    gsl_rng g = qn_rng_gsl(r);
    for (size_t i = 0; i < N; i++)
        numbers[i] = gsl_ran_gaussian_ziggurat(&g, 1);
}

typedef struct job {
    void (*draw)(qn_rng *);
    qn_rng rng;
} job;

static void call(void *what)
{
    job *j = what;
    j->draw(&j->rng);
    bench_keep(words);
    bench_keep(numbers);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *what;
        void (*draw)(qn_rng *);
    } row[] = {{"words, one at a time", u64_each},       {"words, bulk", u64_bulk},
               {"below 1000, one at a time", below_each}, {"uniforms, one at a time", uniform_each},
               {"uniforms, bulk", uniform_bulk},          {"normals, one at a time", normal_each},
               {"normals, bulk", normal_bulk},            {"normals, GSL ziggurat on top", gsl_normal_each}};
    double seconds = bench_seconds(argc, argv, 0.1);
    if (!(seconds > 0))
        return 2;
    printf("# random numbers, millions a second, one thread, arrays of %d, instruction set %s\n", N, qn_isa_name(qn_isa()));
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        job j = {.draw = row[i].draw};
        qn_rng_seed(&j.rng, 1, 2, 3, 4);
        printf("%-32s %8.1f\n", row[i].what, N * bench_median_rate(call, &j, seconds) * 1e-6);
        fflush(stdout);
    }
    return 0;
}
