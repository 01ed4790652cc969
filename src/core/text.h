/* text.h -- small text services: nearest known name, growing strings, sizes and times for people. */
#ifndef QN_TEXT_H
#define QN_TEXT_H

#include <stdio.h>

#include "quench.h"

/* The candidate nearest to `name` in edit distance, if it is near enough to be what was meant; else NULL. */
const char *qn_nearest(const char *name, size_t n, const char *const *candidates);

/* A string that grows. `text` is always terminated (or NULL before the first append); `failed` stays set after an allocation failure. */
typedef struct qn_buffer {
    char *text;
    size_t n, room;
    bool failed;
} qn_buffer;
void qn_buffer_add(qn_buffer *b, const char *format, ...) QN_PRINTF(2, 3);
void qn_buffer_free(qn_buffer *b);

char *qn_format(const char *format, ...) QN_PRINTF(1, 2); /* allocated; NULL when memory is out */

/* Whole number or finite real out of the whole of `text` (no trailing characters). 0 or QN_ERR_INPUT, without a sentence. */
int qn_parse_int(const char *text, int64_t *out) QN_NODISCARD;
int qn_parse_u64(const char *text, uint64_t *out) QN_NODISCARD;
int qn_parse_real(const char *text, double *out) QN_NODISCARD;

/* "1.5 GiB", "2 min 5 s" into a caller's buffer; returned for use in printf. */
const char *qn_human_bytes(double bytes, char out[32]);
const char *qn_human_seconds(double s, char out[32]);

double qn_now(void); /* seconds of a monotonic clock */

#endif
