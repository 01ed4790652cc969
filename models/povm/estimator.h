/* estimator.h -- the local estimator L_loc(a) = (L P)(a)/P(a), out of log P of all strings that one term of L connects with a. */
#ifndef POVM_ESTIMATOR_H
#define POVM_ESTIMATOR_H

#include "net.h"
#include "task.h"

typedef struct povm_estimator {
    const povm_problem *problem;
    povm_net *net;
    size_t room;                /* strings */
    bool tree;                  /* false: the plain list, for tests */
    double *log_one, *log_two;  /* as povm_net_connected() gives them, of the strings of the last call */
    uint64_t evaluations;       /* positions of the net worked out since the start */
} povm_estimator;

int povm_estimator_init(povm_estimator *e, const povm_problem *problem, povm_net *net, size_t room) QN_NODISCARD;
void povm_estimator_free(povm_estimator *e); /* also after a failed init */
double povm_estimator_bytes(const povm_problem *problem, double room);

/* log P and L_loc of up to `room` strings. */
void povm_estimator_local(povm_estimator *e, size_t count, const uint8_t *strings, double *logp, double *local);

/* grad += sum_s grad (base[s] log P(a_s) + chain[s] sum_b L_ab P(b)/P(a_s) log P(b)), for the strings of the last povm_estimator_local(), factors in
 * front of log P held fixed.  Overwrites log_one and log_two. */
void povm_estimator_grad(povm_estimator *e, size_t count, const uint8_t *strings, const double *logp, const double *base, const double *chain,
                         double *grad);

#endif
