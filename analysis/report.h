/* report.h -- one self-contained page of HTML out of finished files: figures, tables, verdicts, sweep file, provenance. */
#ifndef QN_REPORT_H
#define QN_REPORT_H

#include "dataset.h"
#include "parts.h"

typedef struct qn_report_file {
    const qn_dataset *data; /* with /environment; /samples is not needed */
    const char *path;
} qn_report_file;

typedef struct qn_report_request {
    const qn_report_file *file;
    size_t n_files;
    const qn_report_file *overlay; /* theory or results that are drawn over every figure they fit */
    size_t n_overlays;
    const char *const *observable; /* only these; none: all */
    size_t n_observables;
    const char *const *where;      /* as in select.h, for figures and tables */
    size_t n_where;
    const char *title;             /* NULL: the first file's */
    qn_say say;                    /* what could not be drawn; may be NULL */
    void *ctx;
} qn_report_request;

/* Writes `output` (aside, then renamed).  *figures: how many it has.  QN_ERR_INPUT when a named observable is in none of the files. */
int qn_report_write(const qn_report_request *q, const char *output, size_t *figures) QN_NODISCARD;

#endif
