/* user.h -- an objective out of a shared object of the user's (the interface: quench_objective.h). */
#ifndef CBO_USER_H
#define CBO_USER_H

#include "objective.h"

extern const cbo_objective_kind cbo_user_kind[]; /* one entry, ends with name NULL */

#endif
