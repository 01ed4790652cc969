/* povm.h -- the engine for open quantum spin systems in the probabilities of a measurement: see povm.c. */
#ifndef POVM_POVM_H
#define POVM_POVM_H

#include "quench.h"

extern const qn_model povm_model;

#endif
