/* kernel.c -- the update kernels of every instruction set and the choice between them, once per process.
 *
 * The same source is compiled for AVX-512, AVX2 and the base x86-64; on other machines only `base` exists.  Measured on one core
 * of a Zen 4 (2.6-3.7 GHz): the AVX-512 field loads a 16-bit mask and masks one add per 16 patterns, 29 ns per 1024 patterns. */
#include "chain.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "isa.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_X86 1
#include <immintrin.h>
#else
#define HAVE_X86 0
#endif

#if HAVE_X86
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2")))
#define NAME(f) avx512_##f
#define WIDE
#include "kernel_body.h"
#undef WIDE
#undef NAME
#undef TARGET

#define TARGET __attribute__((target("avx2,bmi,bmi2")))
#define NAME(f) avx2_##f
#define LANES 8
#include "kernel_body.h"
#undef LANES
#undef NAME
#undef TARGET
#endif

#define TARGET
#define NAME(f) base_##f
#define LANES 4
#include "kernel_body.h"
#undef LANES
#undef NAME
#undef TARGET

static const heb_kernel kernels[] = {
#if HAVE_X86
    {"avx512", avx512_batch, avx512_overlaps, avx512_rebuild, avx512_aligned, avx512_summary},
    {"avx2", avx2_batch, avx2_overlaps, avx2_rebuild, avx2_aligned, avx2_summary},
#endif
    {"base", base_batch, base_overlaps, base_rebuild, base_aligned, base_summary},
};

static bool has(const char *name)
{
#if HAVE_X86
    __builtin_cpu_init();
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("bmi2");
    if (strcmp(name, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#endif
    return strcmp(name, "base") == 0;
}

const heb_kernel *heb_kernel_named(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (strcmp(kernels[i].name, name) == 0 && has(name))
            return &kernels[i];
    return NULL;
}

static const heb_kernel *chosen;
static _Atomic(const heb_kernel *) forced;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    for (int level = (int)qn_isa(); !chosen; level--)
        chosen = heb_kernel_named(qn_isa_name((qn_isa_level)level));
}

const heb_kernel *heb_kernel_get(void)
{
    const heb_kernel *k = atomic_load_explicit(&forced, memory_order_relaxed);
    if (k)
        return k;
    pthread_once(&once, choose);
    return chosen;
}

void heb_kernel_use(const heb_kernel *k)
{
    atomic_store(&forced, k);
}
