/* registry.c -- one line a model. */
#include "models.h"

#include "hebbian/hebbian.h"

const qn_model *const qn_models[] = {
    &hebbian_model,
    NULL,
};
