/* rows.c -- see rows.h; the loops are in rows_body.h. */
#include "rows.h"

#include <string.h>

#include "isa.h"
#include "vmath.h"

#define QN_BODY "sgd/rows_body.h"
#include "levels.h"

const sgd_rows *sgd_rows_best(void)
{
    static const sgd_rows *const level[] = QN_LEVELS(table);
    return level[qn_isa()];
}
