/* plot.h -- figures as files, drawn by gnuplot: the only place that knows it. */
#ifndef QN_PLOT_H
#define QN_PLOT_H

#include "figure.h"

typedef struct qn_plot_style {
    bool page; /* 170 mm wide, the width of a page; else 85 mm, a column */
    bool keep; /* also FIG.gp, which holds the data and makes the figure again, and FIG.csv, its numbers */
} qn_plot_style;

/* QN_ERR_INPUT unless the path ends in .png, .svg or .pdf. */
int qn_plot_check(const char *output) QN_NODISCARD;
/* The figure at `output`, which appears whole or not at all.  QN_ERR_IO with a sentence when gnuplot is missing, has no cairo or fails. */
int qn_plot_write(const qn_figure *f, const char *output, const qn_plot_style *style) QN_NODISCARD;

#endif
