/* reweight.h -- observables between the temperatures of a sweep, out of every measurement of all its runs. */
#ifndef QN_REWEIGHT_H
#define QN_REWEIGHT_H

#include "dataset.h"
#include "parts.h"

typedef struct qn_reweight_request {
    const qn_dataset *data;        /* with /samples */
    const char *path;
    const char *along;             /* axis of temperatures; NULL: T */
    bool inverse;                  /* it is an inverse temperature */
    const char *energy;            /* expression of series and parameters, a measurement at a time; NULL: the file's derived quantity `energy` */
    const char *const *observable; /* series, derived quantities, NAME=EXPRESSION of series; none: all series */
    size_t n_observables;
    const char *const *where;      /* conditions on the other axes, and on which runs take part */
    size_t n_where;
    size_t points;                 /* of the new grid between the lowest and the highest run */
    qn_say say;                    /* gaps and remarks; may be NULL */
    void *ctx;
} qn_reweight_request;

/* A dataset over the other axes and a finer grid `along`: every observable with NAME_err (jackknife over replicas, or over blocks of
 * measurements where there are few), `log_z` (ln Z relative to the highest temperature of the runs) and `n_eff`.  Where replicas differ in disorder, each
 * is reweighted by itself and the numbers are means over them.  QN_ERR_INPUT with a sentence when the file does not hold every measurement. */
int qn_reweight(const qn_reweight_request *q, qn_dataset **out) QN_NODISCARD;

#endif
