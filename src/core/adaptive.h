/* adaptive.h -- sweeps that spend their time where the answer needs it, with the same bits for any workers and interruptions.
 *
 *     target: {m: 0.005, replicas: 256}
 *         replicas of every point until the standard error of each named quantity is below its target: the first n of the sequence
 *         `replicas`, 5/4 of that, ... whose first n replicas meet it (or the last below `replicas:`, default 16 times as many).
 *     refine: {observable: m, level: 0.5, tolerance: 0.002, along: T, rounds: 40}
 *         for every value of the other axes new points along one until the place where the observable crosses the level is known: the
 *         points on both sides are at most 2 tolerance apart, and the crossing's standard error is at most the tolerance.
 *
 * Every round is a function of the numbers of all rounds before, not of what happens to be there: a stopped run finds the finished tasks by their
 * keys and takes the same decisions again.  Stopping by an error that is itself estimated takes the error a little too small: with 8 replicas
 * at the start by some per cent. */
#ifndef QN_ADAPTIVE_H
#define QN_ADAPTIVE_H

#include "dataset.h"
#include "schedule.h"
#include "sweep.h"

void qn_adapt_read(qn_sweep *s, qn_problems *c); /* the two blocks of the sweep file; axes, model and replicas are known */
bool qn_adapt_is_on(const qn_sweep *s);
int qn_run_adaptive(const qn_sweep *s, const qn_run_options *o, qn_run_report *report) QN_NODISCARD;
/* Makes s, read from the sweep file that a result holds, the sweep that the result became: its list of points, its replicas. */
int qn_adapt_adopt(qn_sweep *s, const qn_dataset *result) QN_NODISCARD;

#endif
