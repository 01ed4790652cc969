/* lanes.h -- compiles LANES_BODY, a file of kernels on tiles of POVM_LANES strings, for both precisions and each instruction set.  To be included by
 * one .c that defines LANES_BODY.
 *
 * A tile is REAL x[rows][POVM_LANES], aligned to 64 bytes: each lane is one string, so that nothing is added across lanes and every lane gets the same
 * bits at every instruction set.  Inside the body: REAL, TARGET (the attribute of every function), NAME(f) (its name for this precision and level), V and
 * VI (vectors of W REALs and of integers of their size), AT(p) (the V at p), ALL(x) (x in all lanes), FMA(a, b, c) (a b + c, fused: by libm where the
 * level has no instruction), VMIN, VMAX (the second where either is NaN), VSQRT, perhaps PERMUTE2 and REDUCE, and the functions of lanes_one.h.
 * The caller chooses by qn_isa() out of POVM_LEVELS(f32_f) = {base, avx2, avx512}. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define POVM_LEVELS(f) {base_##f, avx2_##f, avx512_##f}
#else
#define POVM_LEVELS(f) {base_##f, base_##f, base_##f}
#endif

#define V NAME(v)
#define VI NAME(vi)
#define AT(p) (*(V *)(p))
#define AT_CONST(p) (*(const V *)(p))

#if defined(__x86_64__) && defined(__GNUC__)
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))
#define SINGLE 1
#define NAME(f) avx512_f32_##f
#define W 16
#define ALL _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define VMIN _mm512_min_ps
#define VMAX _mm512_max_ps
#define VSQRT _mm512_sqrt_ps
#define PERMUTE2 _mm512_permutex2var_ps
#define REDUCE _mm512_reduce_add_ps /* by halves */
#include "lanes_one.h"
#define SINGLE 0
#define NAME(f) avx512_f64_##f
#define W 8
#define ALL _mm512_set1_pd
#define FMA _mm512_fmadd_pd
#define VMIN _mm512_min_pd
#define VMAX _mm512_max_pd
#define VSQRT _mm512_sqrt_pd
#define PERMUTE2 _mm512_permutex2var_pd
#define REDUCE _mm512_reduce_add_pd
#include "lanes_one.h"
#undef TARGET

#define TARGET __attribute__((target("avx2,fma")))
#define SINGLE 1
#define NAME(f) avx2_f32_##f
#define W 8
#define ALL _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define VMIN _mm256_min_ps
#define VMAX _mm256_max_ps
#define VSQRT _mm256_sqrt_ps
#include "lanes_one.h"
#define SINGLE 0
#define NAME(f) avx2_f64_##f
#define W 4
#define ALL _mm256_set1_pd
#define FMA _mm256_fmadd_pd
#define VMIN _mm256_min_pd
#define VMAX _mm256_max_pd
#define VSQRT _mm256_sqrt_pd
#include "lanes_one.h"
#undef TARGET
#endif

#define TARGET
#define SINGLE 1
#define NAME(f) base_f32_##f
#define W 4
#define ONE_FMA fmaf
#define ONE_SQRT sqrtf
#include "lanes_one.h"
#define SINGLE 0
#define NAME(f) base_f64_##f
#define W 2
#define ONE_FMA fma
#define ONE_SQRT sqrt
#include "lanes_one.h"
#undef TARGET

#undef AT_CONST
#undef AT
#undef VI
#undef V
