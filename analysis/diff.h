/* diff.h -- are two results the same: to the bit, within their errors, or where not? */
#ifndef QN_DIFF_H
#define QN_DIFF_H

#include "dataset.h"

typedef struct qn_diff_row { /* one observable, over the points that both files have */
    const char *name;
    size_t cells, same;      /* numbers in both; those equal to the bit */
    bool judged;             /* both files have standard errors of it */
    double z;                /* largest difference in standard errors of the difference; infinite where there is no error */
    char place[160];         /* where: "T=0.3 load=0.1" */
} qn_diff_row;

typedef struct qn_diff {
    size_t points, only_a, only_b; /* common points; points that only one file has */
    size_t n;
    qn_diff_row *row;
    char missing[256];       /* observables that only one file has */
    double limit;            /* |z| that all cells together exceed by chance with probability 0.01 (Bonferroni) */
    bool identical, compatible;
} qn_diff;

/* Compares observables with their standard errors, point by point, matched by the values of the axes.  QN_ERR_INPUT when the axes
 * are not the same. */
int qn_diff_make(const qn_dataset *a, const qn_dataset *b, qn_diff *out) QN_NODISCARD;
void qn_diff_free(qn_diff *d);

#endif
