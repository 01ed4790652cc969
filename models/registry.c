/* registry.c -- one line a model. */
#include "models.h"

#include "cbo/cbo.h"
#include "hebbian/hebbian.h"
#include "povm/povm.h"
#include "sgd/sgd.h"

const qn_model *const qn_models[] = {
    &hebbian_model,
    &cbo_model,
    &sgd_model,
    &povm_model,
    NULL,
};
