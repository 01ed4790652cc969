/* gemm.h -- C += A B for row-major matrices, in three forms and both precisions.
 *
 *   QN_NN  C[m][n] += A[m][k]  B[k][n]        QN_TN  C[m][n] += A[k][m]' B[k][n]        QN_NT  C[m][n] += A[m][k] B[n][k]'
 *
 * QN_GEMM_OWN adds the k products of each element one after the other, fused: the same bits on every machine and in every blocking, and
 * no packing, which small matrices pay for.  QN_GEMM_CBLAS calls the CBLAS on one thread: its bits are those of one kind of CPU.  Gflop/s
 * on one AVX-512 core, OpenBLAS 0.3.21, f32, m = 16, n = 128, k = 784: own 236, OpenBLAS 91; m = 256: 239 and 115. */
#ifndef QN_GEMM_H
#define QN_GEMM_H

#include <stddef.h>

typedef enum { QN_NN = 0, QN_TN, QN_NT } qn_gemm_form;
typedef enum { QN_GEMM_OWN = 0, QN_GEMM_CBLAS } qn_gemm_how;

void qn_gemm_f32(qn_gemm_how how, qn_gemm_form form, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                  float *c, size_t ldc);
void qn_gemm_f64(qn_gemm_how how, qn_gemm_form form, size_t m, size_t n, size_t k, const double *a, size_t lda, const double *b, size_t ldb,
                  double *c, size_t ldc);

const char *qn_blas_name(void); /* "OpenBLAS 0.3.21 ..." where the CBLAS says so */

#endif
