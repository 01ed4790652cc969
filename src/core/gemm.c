/* gemm.c -- see gemm.h. */
#include "gemm.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "isa.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_X86 1
#include <immintrin.h>
#else
#define HAVE_X86 0
#endif

#define DEEP 128 /* k is cut in pieces of this: 128 x 32 numbers of B are 16 KiB in single precision */
#define PIECE 64 /* matrices are transposed in squares of this */

#if HAVE_X86
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define ROWS 8
#define REAL float
#define VEC __m512
#define LANES 16
#define PART_TYPE __mmask16
#define PART(n) ((__mmask16)((1u << (n)) - 1))
#define LOAD(x) _mm512_loadu_ps(x)
#define STORE(x, v) _mm512_storeu_ps(x, v)
#define LOAD_PART(x, p) _mm512_maskz_loadu_ps(p, x)
#define STORE_PART(x, p, v) _mm512_mask_storeu_ps(x, p, v)
#define ALL(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define NAME(f) avx512_f32_##f
#include "gemm_body.h"
#undef REAL
#undef VEC
#undef LANES
#undef PART_TYPE
#undef PART
#undef LOAD
#undef STORE
#undef LOAD_PART
#undef STORE_PART
#undef ALL
#undef FMA
#undef NAME

#define REAL double
#define VEC __m512d
#define LANES 8
#define PART_TYPE __mmask8
#define PART(n) ((__mmask8)((1u << (n)) - 1))
#define LOAD(x) _mm512_loadu_pd(x)
#define STORE(x, v) _mm512_storeu_pd(x, v)
#define LOAD_PART(x, p) _mm512_maskz_loadu_pd(p, x)
#define STORE_PART(x, p, v) _mm512_mask_storeu_pd(x, p, v)
#define ALL(x) _mm512_set1_pd(x)
#define FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define NAME(f) avx512_f64_##f
#include "gemm_body.h"
#undef REAL
#undef VEC
#undef LANES
#undef PART_TYPE
#undef PART
#undef LOAD
#undef STORE
#undef LOAD_PART
#undef STORE_PART
#undef ALL
#undef FMA
#undef NAME
#undef ROWS
#undef TARGET

static const int32_t first_lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
static const int64_t first_pairs[8] = {-1, -1, -1, -1, 0, 0, 0, 0};

#define TARGET __attribute__((target("avx2,fma")))
#define ROWS 4
#define REAL float
#define VEC __m256
#define LANES 8
#define PART_TYPE __m256i
#define PART(n) _mm256_loadu_si256((const void *)(first_lanes + 8 - (n)))
#define LOAD(x) _mm256_loadu_ps(x)
#define STORE(x, v) _mm256_storeu_ps(x, v)
#define LOAD_PART(x, p) _mm256_maskload_ps(x, p)
#define STORE_PART(x, p, v) _mm256_maskstore_ps(x, p, v)
#define ALL(x) _mm256_set1_ps(x)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define NAME(f) avx2_f32_##f
#include "gemm_body.h"
#undef REAL
#undef VEC
#undef LANES
#undef PART
#undef LOAD
#undef STORE
#undef LOAD_PART
#undef STORE_PART
#undef ALL
#undef FMA
#undef NAME

#define REAL double
#define VEC __m256d
#define LANES 4
#define PART(n) _mm256_loadu_si256((const void *)(first_pairs + 4 - (n)))
#define LOAD(x) _mm256_loadu_pd(x)
#define STORE(x, v) _mm256_storeu_pd(x, v)
#define LOAD_PART(x, p) _mm256_maskload_pd(x, p)
#define STORE_PART(x, p, v) _mm256_maskstore_pd(x, p, v)
#define ALL(x) _mm256_set1_pd(x)
#define FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define NAME(f) avx2_f64_##f
#include "gemm_body.h"
#undef REAL
#undef VEC
#undef LANES
#undef PART_TYPE
#undef PART
#undef LOAD
#undef STORE
#undef LOAD_PART
#undef STORE_PART
#undef ALL
#undef FMA
#undef NAME
#undef ROWS
#undef TARGET
#endif

/* One number a vector; the fused operation of libm, so that the bits are those of the others. */
#define TARGET
#define ROWS 4
#define LANES 1
#define PART_TYPE int
#define PART(n) ((int)(n))
#define LOAD(x) (*(x))
#define STORE(x, v) ((void)(*(x) = (v)))
#define LOAD_PART(x, p) ((void)(p), *(x))
#define STORE_PART(x, p, v) ((void)(p), (void)(*(x) = (v)))
#define ALL(x) (x)
#define REAL float
#define VEC float
#define FMA(a, b, c) fmaf(a, b, c)
#define NAME(f) base_f32_##f
#include "gemm_body.h"
#undef REAL
#undef VEC
#undef FMA
#undef NAME

#define REAL double
#define VEC double
#define FMA(a, b, c) fma(a, b, c)
#define NAME(f) base_f64_##f
#include "gemm_body.h"
#undef REAL
#undef VEC
#undef FMA
#undef NAME

typedef void gemm_f32(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc);
typedef void gemm_f64(size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b, size_t ldb, double *c, size_t ldc);

static gemm_f32 *const own_f32[][3] = { /* by instruction set and form */
    {base_f32_nn, base_f32_tn, base_f32_nt},
#if HAVE_X86
    {avx2_f32_nn, avx2_f32_tn, avx2_f32_nt},
    {avx512_f32_nn, avx512_f32_tn, avx512_f32_nt},
#endif
};
static gemm_f64 *const own_f64[][3] = {
    {base_f64_nn, base_f64_tn, base_f64_nt},
#if HAVE_X86
    {avx2_f64_nn, avx2_f64_tn, avx2_f64_nt},
    {avx512_f64_nn, avx512_f64_tn, avx512_f64_nt},
#endif
};

/* OpenBLAS would start threads of its own inside a task. */
extern void openblas_set_num_threads(int) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void one_thread(void)
{
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
}

const char *qn_blas_name(void)
{
    return openblas_get_config ? openblas_get_config() : "CBLAS";
}

void qn_gemm_f32(qn_gemm_how how, qn_gemm_form form, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                  float *c, size_t ldc)
{
    if (how == QN_GEMM_OWN) {
        own_f32[qn_isa()][form](m, n, k, a, lda, b, ldb, c, ldc);
        return;
    }
    pthread_once(&once, one_thread);
    cblas_sgemm(CblasRowMajor, form == QN_TN ? CblasTrans : CblasNoTrans, form == QN_NT ? CblasTrans : CblasNoTrans, (int)m, (int)n,
                (int)k, 1, a, (int)lda, b, (int)ldb, 1, c, (int)ldc);
}

void qn_gemm_f64(qn_gemm_how how, qn_gemm_form form, size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b, size_t ldb,
                  double *c, size_t ldc)
{
    if (how == QN_GEMM_OWN) {
        own_f64[qn_isa()][form](m, n, k, a, lda, b, ldb, c, ldc);
        return;
    }
    pthread_once(&once, one_thread);
    cblas_dgemm(CblasRowMajor, form == QN_TN ? CblasTrans : CblasNoTrans, form == QN_NT ? CblasTrans : CblasNoTrans, (int)m, (int)n,
                (int)k, 1, a, (int)lda, b, (int)ldb, 1, c, (int)ldc);
}
