/* sgd.h -- the engine of gradient descent and its noise: one model. */
#ifndef SGD_H
#define SGD_H

#include "quench.h"

extern const qn_model sgd_model;

#endif
