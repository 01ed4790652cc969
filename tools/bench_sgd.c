/* bench_sgd.c -- speed of the perceptron: steps of SGD a second, one thread, one line a row.
 *
 * Each row trains from w = 0, again and again if it gets fitted, and times the steps alone: one at a time as the core asks for them (step), many at a
 * time (advance), and beside them the plain loop (rows in double, one sum, one draw a point) on the same problem.  `updates` is the share of steps that
 * change w.  Medians of five, timed in turn.
 * Usage: bench_sgd [SECONDS PER TIMING, default 0.2] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "sgd/population.h"
#include "sgd/sgd.h"
#include "sgd/state.h"
#include "sweep.h"
#include "text.h"

static const struct {
    size_t d, p, b;
    double chi, t;
    const char *dynamics;
    double target;
} rows[] = {
    {100, 1000, 1, -0.5, 1, "sgd", 2e7}, {1000, 16000, 1, 0, 1, "sgd", 1e6}, {32, 1024, 2, 0, 16, "sgd", 0}, {32, 32768, 2, 0, 16, "sgd", 0},
    {32, 1024, 2, 0, 16, "event", 0},    {32, 8192, 2, 0, 16, "event", 0},   {128, 0, 1, 1, 16, "sgd", 0},   {128, 0, 1, 1, 16, "chain", 0},
};

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return &sgd_model;
}

/* ---- the engine ---- */

typedef struct engine {
    qn_sweep sweep;
    qn_params p;
    qn_streams streams;
    uint64_t seed;
    sgd_task *task;
} engine;

static int engine_start(engine *e)
{
    void *state = NULL;
    uint64_t key[2] = {1, e->seed++};
    if (e->task)
        sgd_model.destroy(e->task);
    qn_streams_open(&e->streams, 1, key, key, 0);
    int err = sgd_model.create(&e->p, NULL, &e->streams, &state);
    e->task = state;
    return err;
}

static int engine_init(engine *e, size_t row)
{
    memset(e, 0, sizeof *e);
    char *text = qn_format("model: sgd\nseed: 1\nparameters: {d: %zu, P: %zu, B: %zu, chi: %g, T: %g, dynamics: %s}\n", rows[row].d, rows[row].p, rows[row].b, rows[row].chi,
                           rows[row].t, rows[row].dynamics);
    qn_problems problems = {0};
    int err = text ? qn_sweep_init(&e->sweep, &(qn_sweep_source){.file = "bench", .text = text, .find = find}, &problems) : QN_ERR_NOMEM;
    if (err)
        qn_problems_print(&problems, stderr);
    qn_problems_free(&problems);
    free(text);
    if (!err)
        err = qn_sweep_point(&e->sweep, 0, &e->p);
    return err ? err : engine_start(e);
}

static void engine_free(engine *e)
{
    sgd_model.destroy(e->task);
    qn_params_free(&e->p);
    qn_sweep_free(&e->sweep);
}

static double engine_rate(engine *e, bool by_one, double seconds, double *updates)
{
    double spent = 0, steps = 0, moved = 0;
    while (spent < seconds) {
        if (e->task->status != SGD_GOING && engine_start(e))
            return NAN;
        int64_t before = e->task->updates, first = e->task->steps, most = 20000;
        double start = bench_now_s();
        if (by_one)
            for (int64_t i = 0; i < most && sgd_model.done(e->task) == QN_GOING; i++)
                sgd_model.step(e->task, &e->streams);
        else
            sgd_advance(e->task, &e->streams, most);
        spent += bench_now_s() - start;
        steps += (double)(e->task->steps - first);
        moved += (double)(e->task->updates - before);
    }
    *updates = moved / steps;
    return steps / spent;
}

/* ---- the plain loop ---- */

typedef struct plain {
    size_t d, p, b;
    double chi, rate, *x, *w;
    uint32_t *hit;
    qn_rng rng;
} plain;

static void plain_start(plain *l)
{
    sgd_boundary law;
    sgd_boundary_init(&law, l->chi);
    for (size_t i = 0; i < l->p * l->d; i++)
        l->x[i] = i % l->d ? qn_rng_normal(&l->rng) : sgd_boundary_draw(&law, &l->rng);
    memset(l->w, 0, l->d * sizeof *l->w);
}

static double plain_rate(plain *l, double seconds)
{
    double spent = 0, steps = 0;
    while (spent < seconds) {
        double start = bench_now_s();
        for (size_t n = 0; n < 20000; n++) {
            size_t hits = 0;
            for (size_t k = 0; k < l->b; k++) {
                size_t mu = (size_t)qn_rng_below(&l->rng, l->p);
                double f = 0;
                for (size_t i = 0; i < l->d; i++)
                    f += l->w[i] * l->x[mu * l->d + i];
                if (f < sqrt((double)l->d))
                    l->hit[hits++] = (uint32_t)mu;
            }
            for (size_t k = 0; k < hits; k++)
                for (size_t i = 0; i < l->d; i++)
                    l->w[i] += l->rate * l->x[l->hit[k] * l->d + i];
        }
        spent += bench_now_s() - start;
        steps += 20000;
    }
    return steps / spent;
}

int main(int argc, char **argv)
{
    double seconds = bench_seconds(argc, argv, 0.2);
    if (!(seconds > 0))
        return 2;
    printf("    d      P   B   chi     T dynamics  updates    step/s  advance/s    target   plain/s\n");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        engine e;
        plain l = {.d = rows[row].d, .p = rows[row].p, .b = rows[row].b, .chi = rows[row].chi, .rate = rows[row].t / sqrt((double)rows[row].d)};
        qn_rng_seed(&l.rng, 1, 2, 3, row);
        l.x = malloc((l.p * l.d + 1) * sizeof *l.x);
        l.w = malloc(l.d * sizeof *l.w);
        l.hit = malloc(l.b * sizeof *l.hit);
        if (engine_init(&e, row) || !l.x || !l.w || !l.hit) {
            fprintf(stderr, "bench_sgd: %s\n", qn_error_text());
            return 1;
        }
        plain_start(&l);
        double one[BENCH_TIMES], many[BENCH_TIMES], slow[BENCH_TIMES], updates = 0;
        for (size_t i = 0; i < BENCH_TIMES; i++) {
            one[i] = engine_rate(&e, true, seconds, &updates);
            many[i] = engine_rate(&e, false, seconds, &updates);
            slow[i] = l.p ? plain_rate(&l, seconds) : NAN;
        }
        printf("%5zu %6zu %3zu %5.1f %5g %8s %8.4f %9.4g  %9.4g %9.4g %9.4g\n", rows[row].d, rows[row].p, rows[row].b, rows[row].chi, rows[row].t, rows[row].dynamics, updates,
               bench_median(one, BENCH_TIMES), bench_median(many, BENCH_TIMES), rows[row].target, bench_median(slow, BENCH_TIMES));
        fflush(stdout);
        engine_free(&e);
        free(l.x);
        free(l.w);
        free(l.hit);
    }
    return 0;
}
