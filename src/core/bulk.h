/* bulk.h -- normals for kernels that need many: eight generators side by side, whose states are independent random words.
 *
 * Every lane is a xoshiro256++ (Blackman & Vigna 2021, "Scrambled linear pseudorandom number generators", ACM TOMS 47, 36: period
 * 2^256 - 1); that two of 10^6 lanes overlap within 2^60 words has a chance below 2^-150.  Cheaper than the lanes of PCG64-DXSM that
 * qn_rng_fill_u64 makes of one stream (no 128-bit product), and ready at once: short fills cost no more a number than long ones. */
#ifndef QN_BULK_H
#define QN_BULK_H

#include "isa.h"
#include "quench.h"

enum { QN_BULK_GROUP = 16 }; /* numbers made at a time */

typedef struct qn_bulk {
    uint64_t s[4][8]; /* word i of the state of lane j */
} qn_bulk;

void qn_bulk_open(qn_bulk *b, qn_rng *from);              /* takes 32 words */
void qn_bulk_u64(qn_bulk *b, size_t n, uint64_t *out);
/* N(0, 1) in pairs by Box & Muller 1958 from 52 and 54 bits: |x| <= 8.6.  Both take the words of whole groups, so that a shorter fill is
 * the beginning of a longer one, and fills of multiples of QN_BULK_GROUP in a row are one fill.  The same bits at every instruction set. */
void qn_bulk_normal(qn_bulk *b, size_t n, double *out);

void qn_bulk_use(qn_isa_level level); /* the loops of another instruction set than qn_isa()'s, for tests */

#endif
