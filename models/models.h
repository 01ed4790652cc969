/* models.h -- the models that are built in. */
#ifndef QN_MODELS_H
#define QN_MODELS_H

#include "quench.h"

extern const qn_model *const qn_models[]; /* ends with NULL */

#endif
