/* choice.c -- see choice.h. */
#include "choice.h"

#include <string.h>

#include "isa.h"
#include "net.h"

#define QN_BODY "povm/choice_body.h"
#include "levels.h"

static void (*const softmaxes[])(size_t, double *, double *) = QN_LEVELS(softmax);

void povm_softmax(size_t k, double *logit, double *p)
{
    softmaxes[qn_isa()](k, logit, p);
}

void povm_choose(size_t k, const double *p, const double *log_p, const double *u, uint8_t *outcome, double *total)
{
    for (size_t l = 0; l < POVM_LANES; l++) {
        double below = 0;
        size_t a = 0;
        for (size_t b = 0; b + 1 < k; b++) {
            below += p[b * POVM_LANES + l];
            a += u[l] >= below;
        }
        outcome[l] = (uint8_t)a;
        total[l] += log_p[a * POVM_LANES + l];
    }
}
