/* rng.h -- hashes that identify work, and the streams that they seed.  The generators themselves are in quench.h. */
#ifndef QN_RNG_H
#define QN_RNG_H

#include <gsl/gsl_rng.h>

#include "quench.h"

/* XXH3, 128 bits: low and high word. */
typedef struct qn_hash {
    uint64_t w[2];
} qn_hash;
qn_hash qn_hash_bytes(const void *bytes, size_t n);
void qn_hash_hex(qn_hash h, char out[33]);                      /* 32 hexadecimal digits, high word first */
int qn_hash_parse(const char *hex, qn_hash *out) QN_NODISCARD;  /* the inverse; QN_ERR_INPUT when it is none */

/* The streams of one task: disorder from (seed, disorder key, replica), dynamics and measurement from (seed, stream key, replica). */
void qn_streams_open(qn_streams *s, uint64_t seed, const uint64_t stream[2], const uint64_t disorder[2], size_t replica);

/* qn_rng as a GSL generator: gsl_rng_alloc(qn_rng_gsl_type()), or qn_rng_gsl() around an existing stream, which it advances (no
 * gsl_rng_free then).  gsl_rng_get fills an unsigned long, gsl_rng_uniform has 53 bits and is qn_rng_uniform; gsl_rng_set hashes its seed. */
const gsl_rng_type *qn_rng_gsl_type(void);
gsl_rng qn_rng_gsl(qn_rng *r);

#endif
