/* isa.c -- see isa.h. */
#include "isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "quench.h"

static const char *const names[] = {"base", "avx2", "avx512"};

static qn_isa_level best(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return QN_ISA_AVX512;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? QN_ISA_AVX2 : QN_ISA_BASE;
}

const char *qn_isa_name(qn_isa_level l)
{
    return names[l];
}

int qn_isa_check(void)
{
    const char *asked = getenv("QUENCH_ISA");
    if (!asked || !*asked)
        return 0;
    for (int i = 0; i < 3; i++)
        if (!strcmp(asked, names[i]))
            return i <= (int)best() ? 0 : qn_fail(QN_ERR_INPUT, "QUENCH_ISA=%s: this CPU has only %s", asked, names[best()]);
    return qn_fail(QN_ERR_INPUT, "QUENCH_ISA=%s is none of base, avx2, avx512", asked);
}

qn_isa_level qn_isa(void)
{
    static atomic_int known; /* level + 1 */
    int k = atomic_load(&known);
    if (!k) {
        const char *asked = getenv("QUENCH_ISA");
        int level = (int)best();
        for (int i = 0; asked && i < level; i++)
            if (!strcmp(asked, names[i]))
                level = i;
        k = level + 1;
        atomic_store(&known, k);
    }
    return (qn_isa_level)(k - 1);
}
