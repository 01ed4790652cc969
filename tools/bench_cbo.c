/* bench_cbo.c -- speed of the kernel of engine cbo: one thread, particle-steps a second, median of five; normals and vector functions.
 *
 * Beside each row the same step in a plain scalar loop: libm, one normal at a time (ziggurat), weights in a second pass.
 * The goals are for a 3.2 GHz core with AVX-512.  Usage: bench_cbo [SECONDS PER TIMING, default 0.1] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bulk.h"
#include "cbo/kernel.h"
#include "params.h"
#include "rng.h"
#include "vmath.h"

typedef enum { ACKLEY, RASTRIGIN } function;

/* ---- the plain loop --------------------------------------------------------------------------------------------------- */

typedef struct plain {
    size_t n, d;
    double *x, *f, *c;
    qn_rng rng;
} plain;

static double value(function which, size_t d, const double *x)
{
    double square = 0, wave = 0;
    for (size_t k = 0; k < d; k++) {
        square += x[k] * x[k];
        wave += cos(2 * M_PI * x[k]);
    }
    if (which == RASTRIGIN)
        return square + 10 * ((double)d - wave);
    return -20 * exp(-0.2 * sqrt(square / (double)d)) - exp(wave / (double)d) + 20 + exp(1);
}

static void plain_step(plain *p, function which, const cbo_move *m)
{
    const double keep = 1 - m->lambda * m->dt, spread = m->sigma * sqrt(m->dt);
    double least = INFINITY, sum = 0;
    for (size_t i = 0; i < p->n; i++) {
        double *x = p->x + i * p->d, norm = 0;
        for (size_t k = 0; k < p->d; k++)
            norm += (x[k] - p->c[k]) * (x[k] - p->c[k]);
        norm = sqrt(norm);
        for (size_t k = 0; k < p->d; k++) {
            double y = x[k] - p->c[k];
            x[k] = p->c[k] + keep * y + spread * (m->noise == CBO_ISOTROPIC ? norm : y) * qn_rng_normal(&p->rng);
        }
        p->f[i] = value(which, p->d, x);
        least = p->f[i] < least ? p->f[i] : least;
    }
    memset(p->c, 0, p->d * sizeof *p->c);
    for (size_t i = 0; i < p->n; i++) {
        double w = exp(-m->alpha * (p->f[i] - least));
        sum += w;
        for (size_t k = 0; k < p->d; k++)
            p->c[k] += w * p->x[i * p->d + k];
    }
    for (size_t k = 0; k < p->d; k++)
        p->c[k] /= sum;
}

/* ---- timing ------------------------------------------------------------------------------------------------------------ */

typedef struct run {
    cbo_ensemble e;
    cbo_objective *o;
    cbo_move m;
    cbo_consensus now;
    plain p;
    function which;
    size_t cut, steps;
} run;

/* From a fresh uniform start every 500 steps, so that the numbers stay those of a search. */
static void restart(run *r)
{
    for (size_t t = 0; t < r->e.tiles; t++) {
        double *x = cbo_tile(&r->e, t);
        qn_rng_fill_uniform(&r->e.rng[t], r->e.d * CBO_LANES, x);
        for (size_t j = 0; j < r->e.d * CBO_LANES; j++)
            x[j] = 6 * x[j] - 3;
    }
    cbo_evaluate(&r->e, r->o, r->m.alpha, &r->now);
}

static void kernel_call(void *what)
{
    run *r = what;
    if (r->steps++ % 500 == 0)
        restart(r);
    cbo_step(&r->e, r->o, &r->m, r->now.c, &r->now, &r->cut);
}

static void plain_call(void *what)
{
    run *r = what;
    if (r->steps++ % 500 == 0) {
        qn_rng_fill_uniform(&r->p.rng, r->p.n * r->p.d, r->p.x);
        for (size_t j = 0; j < r->p.n * r->p.d; j++)
            r->p.x[j] = 6 * r->p.x[j] - 3;
        memset(r->p.c, 0, r->p.d * sizeof *r->p.c);
    }
    plain_step(&r->p, r->which, &r->m);
}

static double numbers[4096];

static void bulk_call(void *what)
{
    qn_bulk_normal(what, 4096, numbers);
    bench_keep(numbers);
}

static void fill_call(void *what)
{
    qn_rng_fill_normal(what, 4096, numbers);
    bench_keep(numbers);
}

static void each_call(void *what)
{
    for (size_t i = 0; i < 4096; i++)
        numbers[i] = qn_rng_normal(what);
    bench_keep(numbers);
}

#define FUNCTION(name, call)                                                                                          \
    QN_CLONES static void name##_call(void *what)                                                                     \
    {                                                                                                                 \
        const double *x = what;                                                                                       \
        for (size_t i = 0; i < 4096; i++)                                                                             \
            numbers[i] = call(x[i]);                                                                                  \
        bench_keep(numbers);                                                                                          \
    }
FUNCTION(vexp, qn_vexp)
FUNCTION(vlog, qn_vlog)
FUNCTION(vsinpi, qn_vsinpi)
FUNCTION(vcospi, qn_vcospi)

static cbo_objective *objective(function which, size_t d)
{
    static const qn_param table[] = {{.name = "objective", .type = QN_CHOICE, .choices = "ackley|rastrigin", .def = "ackley"},
                                     {.name = "d", .type = QN_INT, .def = "2"},
                                     {.name = "A", .type = QN_REAL, .def = "10"},
                                     {.name = "shift", .type = QN_LIST, .def = "0"},
                                     {.name = "rotate", .type = QN_BOOL, .def = "false"},
                                     {.name = NULL}};
    const qn_model model = {.name = "bench", .parameters = table};
    qn_schema schema;
    qn_params p;
    cbo_objective *o = NULL;
    qn_streams s = {.key = {1, 2}};
    if (!qn_schema_init(&schema, &model) && !qn_params_init(&p, &schema)) {
        qn_value *v = p.v;
        qn_value_free(&v[0]);
        char size[32];
        snprintf(size, sizeof size, "%zu", d);
        qn_value_free(&v[1]);
        if (qn_value_parse(&table[0], which == ACKLEY ? "ackley" : "rastrigin", &v[0]) || qn_value_parse(&table[1], size, &v[1]) ||
            cbo_objective_make(&p, NULL, &s, &o))
            fprintf(stderr, "bench_cbo: %s\n", qn_error_text());
        qn_params_free(&p);
        qn_schema_free(&schema);
    }
    return o;
}

static int row(function which, cbo_noise noise, size_t n, size_t d, double goal, double seconds)
{
    run r = {.o = objective(which, d), .which = which};
    const qn_streams s = {.key = {n, d}};
    r.m = (cbo_move){.lambda = 1, .sigma = noise == CBO_ISOTROPIC ? sqrt(1 / (double)d) : 1, .dt = 0.01, .alpha = 30, .noise = noise, .cap = 1e8};
    r.now.c = calloc(d, sizeof *r.now.c);
    r.p = (plain){.n = n, .d = d, .x = calloc(n * d, sizeof(double)), .f = calloc(n, sizeof(double)), .c = calloc(d, sizeof(double))};
    qn_rng_seed(&r.p.rng, 1, 2, 3, 4);
    if (!r.o || cbo_ensemble_init(&r.e, n, d, &s) || !r.now.c || !r.p.x || !r.p.f || !r.p.c) {
        fprintf(stderr, "bench_cbo: %s\n", qn_error_text());
        return 1;
    }
    double fast = bench_median_rate(kernel_call, &r, seconds) * (double)n;
    r.steps = 0;
    double slow = bench_median_rate(plain_call, &r, seconds) * (double)n;
    printf("%-10s %-12s %6zu %4zu %10.3e %10.3e %7.1f", which == ACKLEY ? "ackley" : "rastrigin", noise == CBO_ISOTROPIC ? "isotropic" : "anisotropic", n, d,
           fast, slow, fast / slow);
    if (goal > 0 && qn_isa() == QN_ISA_AVX512)
        printf("  %10.1e  %s", goal, fast >= goal ? "reached" : "missed");
    printf("\n");
    fflush(stdout);
    cbo_objective_free(r.o);
    cbo_ensemble_free(&r.e);
    free(r.now.c);
    free(r.p.x);
    free(r.p.f);
    free(r.p.c);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        size_t n, d;
        double ackley, rastrigin; /* goals; 0: none */
    } size[] = {{100, 20, 1.5e7, 0}, {1000, 100, 4e6, 0}, {10000, 2, 1e8, 1.2e8}, {100, 2, 1e8, 0}};
    double seconds = bench_seconds(argc, argv, 0.1);
    if (!(seconds > 0))
        return 2;
    printf("# particle-steps a second, one thread, double precision, instruction set %s, CPU time\n", qn_isa_name(qn_isa()));
    printf("%-10s %-12s %6s %4s %10s %10s %7s  %10s\n", "# function", "noise", "N", "d", "kernel", "plain", "ratio", "goal");
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int f = ACKLEY; f <= RASTRIGIN; f++)
            for (int noise = CBO_ISOTROPIC; noise <= CBO_ANISOTROPIC; noise++)
                if (row((function)f, (cbo_noise)noise, size[i].n, size[i].d, f == ACKLEY ? size[i].ackley : size[i].rastrigin, seconds))
                    return 1;
    qn_rng rng;
    qn_bulk bulk;
    qn_rng_seed(&rng, 1, 2, 3, 4);
    qn_bulk_open(&bulk, &rng);
    static double x[4096];
    qn_rng_fill_uniform(&rng, 4096, x);
    const struct {
        const char *what;
        void (*call)(void *);
        void *with;
    } one[] = {{"normals, eight lanes (bulk.h)", bulk_call, &bulk}, {"normals, one stream (quench.h)", fill_call, &rng}, {"normals, one at a time", each_call, &rng},
               {"exp", vexp_call, x}, {"log", vlog_call, x}, {"sin pi x", vsinpi_call, x}, {"cos pi x", vcospi_call, x}};
    printf("# ns each, arrays of 4096\n");
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        printf("%-32s %6.2f\n", one[i].what, 1e9 / (4096 * bench_median_rate(one[i].call, one[i].with, seconds)));
    return 0;
}
