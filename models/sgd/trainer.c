/* trainer.c -- see trainer.h; the code is in trainer_body.h. */
#include "trainer.h"

#include <stdlib.h>
#include <string.h>

double sgd_trainer_bytes(const sgd_shape *s, size_t points, bool bytes, size_t number)
{
    double w = (double)s->d * (double)s->h + (double)(s->depth - 1) * (double)s->h * (double)s->h + (double)s->h;
    double units = (double)s->depth * (double)s->h, block = SGD_BLOCK;
    return (double)number * (3 * w + units * ((double)points + 5 * block) + (double)s->d * (block + (bytes ? 0 : (double)points))) + 16 * (double)points;
}

#define REAL float
#define NAME(f) f32_##f
#define GEMM qn_gemm_f32
#define GATHER sgd_points_f32
#define ARITH sgd_arith_f32
#include "trainer_body.h"
#undef REAL
#undef NAME
#undef GEMM
#undef GATHER
#undef ARITH

#define REAL double
#define NAME(f) f64_##f
#define GEMM qn_gemm_f64
#define GATHER sgd_points_f64
#define ARITH sgd_arith_f64
#include "trainer_body.h"
