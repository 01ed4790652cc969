/* vmath.h -- elementary functions for loops that the compiler vectorises: qn_vexp, qn_vlog, qn_vsinpi, qn_vcospi, qn_vsincos_octant.
 *
 * The functions themselves are in vmath_body.h, written once for a number and for a vector of them; levels.h makes vectors.  Errors are
 * measured against long double in tests/unit/test_vmath.c.  Functions that call the scalar ones in a loop carry QN_CLONES: one
 * version for each instruction set, chosen when the program starts. */
#ifndef QN_VMATH_H
#define QN_VMATH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define QN_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define QN_CLONES
#endif

#define NAME(f) qn_##f
#define TARGET
#define VD double
#define VU uint64_t
#define VMASK(condition) (-(uint64_t)(condition))
#include "vmath_body.h"
#undef VMASK
#undef VU
#undef VD
#undef TARGET
#undef NAME

#endif
