/* levels.h -- compiles QN_BODY, a file of kernels, once for each instruction set.  To be included by one .c that defines QN_BODY.
 *
 * Inside the body: TARGET (the attribute of every function), NAME(f) (its name at this level), W doubles a vector, VD and VU (vectors
 * of doubles and of uint64_t), VMEM (a VD in memory that is aligned like a double), VMASK, and the functions of vmath_body.h as NAME(vexp) and so on.
 * The caller chooses by qn_isa() out of QN_LEVELS(f) = {base, avx2, avx512}. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define QN_LEVELS(f) {base_##f, avx2_##f, avx512_##f}
#else
#define QN_LEVELS(f) {base_##f, base_##f, base_##f}
#endif

#define VD NAME(vd)
#define VU NAME(vu)
#define VMEM NAME(vmem)
#define VMASK(condition) ((VU)(condition))

#if defined(__x86_64__) && defined(__GNUC__)
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,prefer-vector-width=512")))
#define NAME(f) avx512_##f
#define W 8
#define VSQRT _mm512_sqrt_pd
#define VMIN _mm512_min_pd
#define VMAX _mm512_max_pd
#include "levels_one.h"
#undef VMAX
#undef VMIN
#undef VSQRT
#undef W
#undef NAME
#undef TARGET

#define TARGET __attribute__((target("avx2,bmi,bmi2")))
#define NAME(f) avx2_##f
#define W 4
#define VSQRT _mm256_sqrt_pd
#define VMIN _mm256_min_pd
#define VMAX _mm256_max_pd
#include "levels_one.h"
#undef VMAX
#undef VMIN
#undef VSQRT
#undef W
#undef NAME
#undef TARGET
#endif

#define TARGET
#define NAME(f) base_##f
#define W 2
#ifdef __SSE2__
#define VSQRT _mm_sqrt_pd
#define VMIN _mm_min_pd
#define VMAX _mm_max_pd
#endif
#include "levels_one.h"
#undef VMAX
#undef VMIN
#undef VSQRT
#undef W
#undef NAME
#undef TARGET

#undef VMASK
#undef VMEM
#undef VU
#undef VD
