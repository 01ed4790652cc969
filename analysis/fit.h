/* fit.h -- a function fitted along one axis, for every value of the others; errors by bootstrap. */
#ifndef QN_FIT_H
#define QN_FIT_H

#include "resample.h"
#include "lines.h"

typedef struct qn_fit_request {
    const qn_dataset *data;       /* with the samples that qn_sampled_needs names */
    const char *observable, *along;
    const char *form, *start;     /* as in form.h; NULL: power, chosen */
    qn_statistic statistic;
    const char *const *where;
    size_t n_where, resamples;
    bool local;                   /* in windows of `window` successive points (0: as many as there are parameters) */
    size_t window;
    bool log;                     /* logistic: over the logarithm of the axis */
    qn_say say;                   /* remarks; may be NULL */
    void *ctx;
} qn_fit_request;

/* The parameters over the other axes, each with _err, _dof, _found and its resamples; chi2, chi2_dof, p_value, points.  With `local` over
 * the dimension `window` too, and the middle and ends of each window.  The p value is the share of resamples whose own deviation from the fit has a
 * larger chi2: it knows of correlations between points that share their disorder.  QN_ERR_INPUT with a sentence when nothing can be fitted. */
int qn_fit_make(const qn_fit_request *q, qn_dataset **out) QN_NODISCARD;

#endif
