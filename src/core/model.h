/* model.h -- validation of a model's tables, and plug-ins. */
#ifndef QN_MODEL_H
#define QN_MODEL_H

#include "quench.h"

/* ABI, required functions, names unique and not reserved, observables that clash with parameters, derived expressions that
 * name something unknown.  QN_ERR_MODEL with a sentence. */
int qn_model_validate(const qn_model *m) QN_NODISCARD;

/* Loads FILE.so and validates its model; QN_ERR_INPUT with a sentence.  Never unloaded. */
int qn_plugin_load(const char *path, const qn_model **out) QN_NODISCARD;

#endif
