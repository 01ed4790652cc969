/* measure.h -- observables of a task, what counts as success, and when a task ends by itself. */
#ifndef CBO_MEASURE_H
#define CBO_MEASURE_H

#include "method.h"

extern const qn_observable cbo_observables[];
size_t cbo_dimension(const qn_params *p, const char *dim, double *values);
bool cbo_provides(const qn_params *p, int obs);

/* After the start and after every step: bests, first hit, stopping rules. */
void cbo_look(cbo_state *s);
int cbo_measure(void *state, qn_streams *streams, qn_record *r);
int cbo_finish(void *state, qn_streams *streams, qn_record *r);

#endif
