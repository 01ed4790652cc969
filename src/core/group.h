/* group.h -- a named set of arrays in memory: what checkpoints are made of.  store/parts turn it into HDF5. */
#ifndef QN_GROUP_H
#define QN_GROUP_H

#include "quench.h"

typedef enum { QN_ENTRY_BYTES = 1, QN_ENTRY_I64, QN_ENTRY_F64 } qn_entry_type;
typedef struct qn_entry {
    char *name;
    qn_entry_type type;
    size_t n;
    void *data;
} qn_entry;
struct qn_group {
    size_t n, room;
    qn_entry *entry;
};
int qn_group_put(qn_group *g, const char *name, qn_entry_type type, size_t n, const void *x) QN_NODISCARD;
const qn_entry *qn_group_get(const qn_group *g, const char *name);
void qn_group_clear(qn_group *g);
/* Group number i inside another: its entries get the prefix "i/", and come back without it. */
int qn_group_nest(qn_group *g, size_t i, const qn_group *one) QN_NODISCARD;
int qn_group_unnest(const qn_group *g, size_t i, qn_group *one) QN_NODISCARD;

#endif
