/* gemm.h -- C += A B for row-major matrices, in three forms and both precisions.
 *
 *   SGD_NN  C[m][n] += A[m][k]  B[k][n]        SGD_TN  C[m][n] += A[k][m]' B[k][n]        SGD_NT  C[m][n] += A[m][k] B[n][k]'
 *
 * SGD_OWN adds the k products of each element one after the other, fused: the same bits on every machine and in every blocking, and
 * no packing, which small matrices pay for.  SGD_CBLAS calls the CBLAS on one thread: its bits are those of one kind of CPU.  Gflop/s
 * on one AVX-512 core, OpenBLAS 0.3.21, f32, m = 16, n = 128, k = 784: own 236, OpenBLAS 91; m = 256: 239 and 115. */
#ifndef SGD_GEMM_H
#define SGD_GEMM_H

#include <stddef.h>

typedef enum { SGD_NN = 0, SGD_TN, SGD_NT } sgd_form;
typedef enum { SGD_OWN = 0, SGD_CBLAS } sgd_gemm_how;

void sgd_gemm_f32(sgd_gemm_how how, sgd_form form, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                  float *c, size_t ldc);
void sgd_gemm_f64(sgd_gemm_how how, sgd_form form, size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b, size_t ldb,
                  double *c, size_t ldc);

const char *sgd_blas_name(void); /* "OpenBLAS 0.3.21 ..." where the CBLAS says so */

#endif
