/* report_parts.h -- what report.c and report_figure.c share; the public face is report.h. */
#ifndef QN_REPORT_PARTS_H
#define QN_REPORT_PARTS_H

#include "report.h"
#include "select.h"
#include "text.h"

void qn_report_text(qn_buffer *b, const char *text); /* escaped for HTML */
/* <figure> of one observable as an embedded SVG.  One that cannot be drawn is told through q->say and left out; *count grows by those drawn. */
int qn_report_figure(qn_buffer *b, const qn_report_request *q, size_t file, const qn_selection *s, const qn_var *v, size_t *count) QN_NODISCARD;

#endif
