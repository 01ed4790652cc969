/* schedule.h -- alpha and sigma in the course of a run: functions of the step alone, so that a longer run continues a shorter one. */
#ifndef CBO_SCHEDULE_H
#define CBO_SCHEDULE_H

#include "settings.h"

/* alpha of the consensus after `step` steps (0: of the start).  For CBO_ALPHA_NEFF the start value: the ensemble decides. */
double cbo_alpha_at(const cbo_settings *set, uint64_t step);
/* sigma of the move from `step` to step + 1. */
double cbo_sigma_at(const cbo_settings *set, uint64_t step);

#endif
