/* hebbian.h -- the storage engine as a model of the core. */
#ifndef HEBBIAN_HEBBIAN_H
#define HEBBIAN_HEBBIAN_H

#include "quench.h"

extern const qn_model hebbian_model;

#endif
