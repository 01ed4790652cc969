/* regrid.h -- a list of points (after `refine`) as the grid of all values that occur, NaN where there is no point: for figures. */
#ifndef QN_REGRID_H
#define QN_REGRID_H

#include "dataset.h"

/* Replaces *d, a root, by its grid and sets *was_list when it is a list of points; else leaves it.  /samples and other groups are dropped then. */
int qn_regrid(qn_dataset **d, bool *was_list) QN_NODISCARD;

#endif
