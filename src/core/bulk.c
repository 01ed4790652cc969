/* bulk.c -- see bulk.h. */
#include "bulk.h"

#include <stdatomic.h>
#include <string.h>

#include "vmath.h"

#define QN_BODY "bulk_body.h"
#include "levels.h"

static void (*const words[])(qn_bulk *, size_t, uint64_t *) = QN_LEVELS(words);
static void (*const normals[])(qn_bulk *, size_t, double *) = QN_LEVELS(normals);

static atomic_int forced; /* level + 1 */

void qn_bulk_use(qn_isa_level level)
{
    atomic_store(&forced, (int)level + 1);
}

static qn_isa_level level(void)
{
    int l = atomic_load_explicit(&forced, memory_order_relaxed);
    return l ? (qn_isa_level)(l - 1) : qn_isa();
}

void qn_bulk_open(qn_bulk *b, qn_rng *from)
{
    qn_rng_fill_u64(from, 32, &b->s[0][0]);
}

void qn_bulk_u64(qn_bulk *b, size_t n, uint64_t *out)
{
    size_t whole = n / QN_BULK_GROUP * QN_BULK_GROUP;
    words[level()](b, whole / QN_BULK_GROUP, out);
    if (whole < n) {
        uint64_t last[QN_BULK_GROUP];
        words[level()](b, 1, last);
        memcpy(out + whole, last, (n - whole) * sizeof *out);
    }
}

void qn_bulk_normal(qn_bulk *b, size_t n, double *out)
{
    size_t whole = n / QN_BULK_GROUP * QN_BULK_GROUP;
    normals[level()](b, whole / QN_BULK_GROUP, out);
    if (whole < n) {
        double last[QN_BULK_GROUP];
        normals[level()](b, 1, last);
        memcpy(out + whole, last, (n - whole) * sizeof *out);
    }
}
