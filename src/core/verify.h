/* verify.h -- is a finished file what its sweep gives, bit for bit? */
#ifndef QN_VERIFY_H
#define QN_VERIFY_H

#include "plan.h"

typedef struct qn_verdict_report {
    size_t rows, altered;      /* rows whose digest or key does not match */
    size_t rerun, differ;      /* tasks run again, and those with another bit */
    size_t summaries, changed; /* variables recomputed from the samples, and those that differ */
    char first[512];           /* the first finding, as a sentence */
} qn_verdict_report;

/* Checks the digest of every row, recomputes every mean and error from the samples, runs `tasks` of the tasks again (spread
 * evenly; 0: all).  0 when it could be done, whatever it found. */
int qn_verify(const qn_sweep *s, const char *output, size_t tasks, qn_verdict_report *out) QN_NODISCARD;

#endif
