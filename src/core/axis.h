/* axis.h -- values out of the nodes of a sweep file: single ones, lists, ranges.  Mistakes are complained about in place. */
#ifndef QN_AXIS_H
#define QN_AXIS_H

#include "config.h"
#include "params.h"
#include "sweep.h"

/* One value of parameter p: a scalar, or a sequence for a QN_LIST.  false, after a complaint, when it is not one. */
bool qn_node_value(qn_problems *c, const qn_param *p, const qn_node *n, qn_value *out);
/* The whole number lo..hi that `key` of a mapping has; leaves *out alone when it is absent or wrong. */
void qn_node_whole(qn_problems *c, const qn_node *map, const char *key, int64_t lo, int64_t hi, int64_t *out);
/* Values of an axis into a->value, a->n, a->log: a list, one value, or {from, to, points | step, scale}.  `name` is its key. */
void qn_axis_read(qn_problems *c, const qn_param *p, const qn_node *name, const qn_node *at, qn_axis *a);

#endif
