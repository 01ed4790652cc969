/* bench_sgd_nets.c -- speed of minibatch steps of nets with hidden layers: steps a second, one thread, one line a row.
 *
 * Each row: relu, hinge with a margin that nothing reaches, so that all B points push; batches are drawn too.  Beside it, measured in turn in the same
 * run, the rate of the two bare products of a step (B x d x h forward, d x B x h update; per further layer five of B x h x h) by the same GEMM and by the CBLAS, the
 * share of the bare products' rate that the step reaches, and its rate with the CBLAS.  Medians of five.
 * Usage: bench_sgd_nets [SECONDS PER TIMING, default 0.2] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "sgd/batch.h"
#include "sgd/trainer.h"

static const struct {
    size_t d, h, depth, b, p;
    bool bytes;
    double target;
} rows[] = {
    {784, 128, 1, 16, 2048, true, 1.0e4}, {784, 128, 1, 256, 2048, true, 850}, {10, 64, 1, 8, 2048, false, 1.8e6},
    {784, 64, 1, 8, 1024, true, 0},       {784, 128, 5, 16, 2048, true, 0},    {40, 200, 1, 220, 220, false, 0},
};

typedef struct bench {
    sgd_shape shape;
    sgd_points train, none;
    double *w0;
    uint8_t *bytes;
    void *trainer[2]; /* own products, CBLAS */
    sgd_batch batch;
    float *x, *w, *z; /* of the bare products */
    qn_rng rng;
} bench;

typedef struct work { /* steps or bare products of one kind */
    bench *b;
    qn_gemm_how how;
} work;

static void step(void *what)
{
    work *w = what;
    sgd_arith_f32.step(w->b->trainer[w->how == QN_GEMM_CBLAS], w->b->batch.b, sgd_batch_next(&w->b->batch, &w->b->rng), 1e-9);
}

static void products(void *what)
{
    work *w = what;
    bench *b = w->b;
    size_t m = b->batch.b, h = b->shape.h, d = b->shape.d;
    qn_gemm_f32(w->how, QN_NN, m, h, d, b->x, d, b->w, h, b->z, h);
    qn_gemm_f32(w->how, QN_TN, d, h, m, b->x, d, b->z, h, b->w, h);
    memset(b->z, 0, m * h * sizeof *b->z);
    for (size_t l = 1; l < b->shape.depth; l++) { /* W0 da, dW a and their transposes, the update */
        qn_gemm_f32(w->how, QN_NN, m, h, h, b->z, h, b->w, h, b->z + m * h, h);
        qn_gemm_f32(w->how, QN_NN, m, h, h, b->z, h, b->w, h, b->z + m * h, h);
        qn_gemm_f32(w->how, QN_NT, m, h, h, b->z, h, b->w, h, b->z + m * h, h);
        qn_gemm_f32(w->how, QN_NT, m, h, h, b->z, h, b->w, h, b->z + m * h, h);
        qn_gemm_f32(w->how, QN_TN, h, h, m, b->z, h, b->z, h, b->w, h);
    }
}

static bool bench_init(bench *b, size_t row)
{
    memset(b, 0, sizeof *b);
    size_t d = rows[row].d, h = rows[row].h, p = rows[row].p;
    b->shape = (sgd_shape){.d = d, .h = h, .depth = rows[row].depth, .q = 0.5, .phi = sgd_phi_make(SGD_RELU, 0, true)};
    qn_rng_seed(&b->rng, 1, 2, 3, 4);
    size_t most = rows[row].b * d + d * h + 2 * rows[row].b * h + h * h;
    b->train = (sgd_points){.n = p, .d = d, .x = malloc(p * d * sizeof(double)), .y = malloc(p * sizeof(double))};
    b->none.d = d;
    b->w0 = malloc(sgd_shape_weights(&b->shape) * sizeof *b->w0);
    b->x = calloc(most, sizeof *b->x);
    if (!b->train.x || !b->train.y || !b->w0 || !b->x || sgd_batch_init(&b->batch, SGD_WITHOUT, p, rows[row].b))
        return false;
    b->w = b->x + rows[row].b * d;
    b->z = b->w + d * h + h * h;
    qn_rng_fill_normal(&b->rng, p * d, b->train.x);
    for (size_t i = 0; i < p; i++)
        b->train.y[i] = b->train.x[i * d] > 0 ? 1 : -1;
    for (size_t i = 0; i < p * d; i++)
        b->train.x[i] /= sqrt((double)d);
    if (rows[row].bytes) { /* as images come */
        b->bytes = malloc(p * d);
        b->train.pick = malloc(p * sizeof *b->train.pick);
        for (size_t i = 0; i < p * d && b->bytes; i++)
            b->bytes[i] = (uint8_t)qn_rng_below(&b->rng, 256);
        for (size_t i = 0; i < p && b->train.pick; i++)
            b->train.pick[i] = (uint32_t)i;
        free(b->train.x);
        b->train.x = NULL;
        b->train.bytes = b->bytes;
        b->train.unit = 1 / (128 * sqrt((double)d));
    }
    for (size_t i = 0; i < rows[row].b * d; i++)
        b->x[i] = 1e-3f * (float)(i % 7);
    sgd_shape_draw(&b->shape, 1, &b->rng, b->w0);
    for (int which = 0; which < 2; which++) {
        sgd_trainer_setup s = {.shape = &b->shape, .train = &b->train, .test = &b->none, .w0 = b->w0, .loss = {SGD_HINGE, 1, 1e30, 1, true},
                               .subtract = true, .how = which ? QN_GEMM_CBLAS : QN_GEMM_OWN};
        if (sgd_arith_f32.create(&s, &b->trainer[which]))
            return false;
    }
    return true;
}

static void bench_free(bench *b)
{
    for (int which = 0; which < 2; which++)
        sgd_arith_f32.destroy(b->trainer[which]);
    sgd_batch_free(&b->batch);
    sgd_points_free(&b->train);
    free(b->bytes);
    free(b->w0);
    free(b->x);
}

int main(int argc, char **argv)
{
    double seconds = bench_seconds(argc, argv, 0.2);
    if (!(seconds > 0))
        return 2;
    printf("CBLAS: %s\n", qn_blas_name());
    printf("   d    h depth   B    steps/s     target  Gflop/s  products  share   CBLAS:  steps/s  products\n");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        bench b;
        if (!bench_init(&b, row)) {
            fprintf(stderr, "bench_sgd_nets: %s\n", qn_error_text());
            return 1;
        }
        double rate[4][BENCH_TIMES];
        work own = {&b, QN_GEMM_OWN}, cblas = {&b, QN_GEMM_CBLAS};
        for (size_t k = 0; k < BENCH_TIMES; k++) {
            rate[0][k] = bench_rate(step, &own, seconds);
            rate[1][k] = bench_rate(products, &own, seconds);
            rate[2][k] = bench_rate(step, &cblas, seconds);
            rate[3][k] = bench_rate(products, &cblas, seconds);
        }
        double flops = 4.0 * (double)rows[row].b * (double)rows[row].h * ((double)rows[row].d + 2.5 * (double)(rows[row].depth - 1) * (double)rows[row].h);
        double step = bench_median(rate[0], BENCH_TIMES), bare = bench_median(rate[1], BENCH_TIMES), blas = bench_median(rate[2], BENCH_TIMES), blas_bare = bench_median(rate[3], BENCH_TIMES);
        printf("%4zu %4zu %5zu %4zu %10.4g %10.4g %8.1f %9.1f %5.0f %%           %9.4g %9.1f\n", rows[row].d, rows[row].h, rows[row].depth, rows[row].b, step,
               rows[row].target, step * flops * 1e-9, bare * flops * 1e-9, 100 * step / bare, blas, blas_bare * flops * 1e-9);
        bench_free(&b);
    }
    return 0;
}
