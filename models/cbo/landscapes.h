/* landscapes.h -- the analytic landscapes: their kinds, and their loops at every instruction set (for tests). */
#ifndef CBO_LANDSCAPES_H
#define CBO_LANDSCAPES_H

#include "isa.h"
#include "objective.h"

extern const cbo_objective_kind cbo_landscape_kinds[]; /* ends with an entry without a name */

/* Makes a landscape evaluate with the loops of another level; false when `o` is none. */
bool cbo_landscape_use(cbo_objective *o, qn_isa_level level);

#endif
