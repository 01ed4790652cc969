/* cbo.h -- consensus-based optimization: interacting particles that minimise a function without its derivatives. */
#ifndef CBO_H
#define CBO_H

#include "quench.h"

extern const qn_model cbo_model;

#endif
