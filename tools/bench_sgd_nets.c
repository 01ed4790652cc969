/* bench_sgd_nets.c -- speed of minibatch steps of nets with hidden layers: steps a second, one thread, one line a row.
 *
 * Each row: relu, hinge with a margin that nothing reaches, so that all B points push; batches are drawn too.  Beside it, measured in turn in the same
 * run, the rate of the two bare products of a step (B x d x h forward, d x B x h update; per further layer five of B x h x h) by the same GEMM and by the CBLAS, the
 * share of the bare products' rate that the step reaches, and its rate with the CBLAS.  Medians of five.  Seconds are of this thread's CPU time.
 * Usage: bench_sgd_nets [SECONDS PER TIMING, default 0.2] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* what others do on this core is not counted */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
    return x[n / 2];
}

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

static double steps_rate(bench *b, int which, double seconds)
{
    size_t n = 0, chunk = 16;
    double start = now_s(), t;
    do {
        for (size_t i = 0; i < chunk; i++)
            sgd_arith_f32.step(b->trainer[which], b->batch.b, sgd_batch_next(&b->batch, &b->rng), 1e-9);
        n += chunk;
        t = now_s() - start;
        chunk = t < seconds / 16 ? 2 * chunk : chunk;
    } while (t < seconds);
    return (double)n / t;
}

static double products_rate(bench *b, sgd_gemm_how how, double seconds)
{
    size_t m = b->batch.b, h = b->shape.h, d = b->shape.d, n = 0, chunk = 16;
    double start = now_s(), t;
    do {
        for (size_t i = 0; i < chunk; i++) {
            sgd_gemm_f32(how, SGD_NN, m, h, d, b->x, d, b->w, h, b->z, h);
            sgd_gemm_f32(how, SGD_TN, d, h, m, b->x, d, b->z, h, b->w, h);
            memset(b->z, 0, m * h * sizeof *b->z);
            for (size_t l = 1; l < b->shape.depth; l++) { /* W0 da, dW a and their transposes, the update */
                sgd_gemm_f32(how, SGD_NN, m, h, h, b->z, h, b->w, h, b->z + m * h, h);
                sgd_gemm_f32(how, SGD_NN, m, h, h, b->z, h, b->w, h, b->z + m * h, h);
                sgd_gemm_f32(how, SGD_NT, m, h, h, b->z, h, b->w, h, b->z + m * h, h);
                sgd_gemm_f32(how, SGD_NT, m, h, h, b->z, h, b->w, h, b->z + m * h, h);
                sgd_gemm_f32(how, SGD_TN, h, h, m, b->z, h, b->z, h, b->w, h);
            }
        }
        n += chunk;
        t = now_s() - start;
        chunk = t < seconds / 16 ? 2 * chunk : chunk;
    } while (t < seconds);
    return (double)n / t;
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
                               .subtract = true, .how = which ? SGD_CBLAS : SGD_OWN};
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
    enum { TIMES = 5 };
    double seconds = argc > 1 ? atof(argv[1]) : 0.2;
    printf("CBLAS: %s\n", sgd_blas_name());
    printf("   d    h depth   B    steps/s     target  Gflop/s  products  share   CBLAS:  steps/s  products\n");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        bench b;
        if (!bench_init(&b, row)) {
            fprintf(stderr, "bench_sgd_nets: %s\n", qn_error_text());
            return 1;
        }
        double rate[4][TIMES];
        for (size_t k = 0; k < TIMES; k++) {
            rate[0][k] = steps_rate(&b, 0, seconds);
            rate[1][k] = products_rate(&b, SGD_OWN, seconds);
            rate[2][k] = steps_rate(&b, 1, seconds);
            rate[3][k] = products_rate(&b, SGD_CBLAS, seconds);
        }
        double flops = 4.0 * (double)rows[row].b * (double)rows[row].h * ((double)rows[row].d + 2.5 * (double)(rows[row].depth - 1) * (double)rows[row].h);
        double step = median(rate[0], TIMES), bare = median(rate[1], TIMES), blas = median(rate[2], TIMES), blas_bare = median(rate[3], TIMES);
        printf("%4zu %4zu %5zu %4zu %10.4g %10.4g %8.1f %9.1f %5.0f %%           %9.4g %9.1f\n", rows[row].d, rows[row].h, rows[row].depth, rows[row].b, step,
               rows[row].target, step * flops * 1e-9, bare * flops * 1e-9, 100 * step / bare, blas, blas_bare * flops * 1e-9);
        bench_free(&b);
    }
    return 0;
}
