/* edit.h -- `--set NAME=VALUE`: edits of a sweep file's tree before it is read. */
#ifndef QN_EDIT_H
#define QN_EDIT_H

#include "config.h"
#include "params.h"

/* NAME is a parameter, sampling.KEY, tempering.KEY, continuation.KEY, seed, replicas, title or output.  A list or a range as VALUE makes a parameter an axis (replacing
 * what was fixed), a single value fixes it (replacing an axis).  Mistakes go to `c`; an error is returned only when memory is out. */
int qn_edit(qn_node *tree, const qn_schema *schema, const char *set, qn_problems *c) QN_NODISCARD;

#endif
