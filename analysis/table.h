/* table.h -- a result as a table: for people, as CSV, as JSON. */
#ifndef QN_TABLE_H
#define QN_TABLE_H

#include <stdio.h>

#include "select.h"

typedef enum { QN_TABLE_TEXT, QN_TABLE_CSV, QN_TABLE_JSON } qn_table_form;

/* Columns: axes, own dimensions, then each observable with what stands beside it (all: error, dof, tau, neff, eq, ...; else the error
 * only).  The observables must live on the same own dimensions.  CSV and JSON give 17 significant digits; JSON null for NaN. */
int qn_table_write(const qn_selection *s, size_t n, const qn_var *const *observable, bool all, qn_table_form form, FILE *out) QN_NODISCARD;

#endif
