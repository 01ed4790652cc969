/* levels_one.h -- one level of levels.h: its vector types, vmath on them, and the body. */
typedef double VD __attribute__((vector_size(8 * W), may_alias));
typedef uint64_t VU __attribute__((vector_size(8 * W), may_alias));
typedef double VMEM __attribute__((vector_size(8 * W), may_alias, aligned(8)));
#include "vmath_body.h"
#include QN_BODY
