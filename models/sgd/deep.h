/* deep.h -- what nets with hidden layers (mlp) and their frozen tangent kernel (kernel) have in common: parameters, data, first weights. */
#ifndef SGD_DEEP_H
#define SGD_DEEP_H

#include "mlp.h"
#include "source.h"

/* Part of sgd_settings: of nets with hidden layers, else 0. */
typedef struct sgd_deep {
    bool known;               /* `data` was understood, and its files could be read */
    sgd_source source;
    sgd_shape shape;
    bool classes;             /* labels are +-1 */
    bool single;              /* precision: f32 */
    bool cblas;               /* not deterministic */
    size_t tests;             /* test points, at most */
    double separation, noise; /* clusters */
    double bias;              /* 0: none */
    size_t n_kernel;          /* training points of the tangent kernel and of alignments, at most P */
    size_t angles;            /* of ntk_circle; 0: none */
    bool centred, spectrum, geometry;
    size_t probes;
    double grok;              /* threshold in units of E y^2; 0: none */
} sgd_deep;

struct sgd_settings;
/* After `net`, `P` and `loss` are read; sets d where it comes from files. */
void sgd_deep_read(const qn_params *p, struct sgd_settings *set);
void sgd_deep_check(const qn_params *p, const struct sgd_settings *set, qn_problems *c);
int sgd_deep_prepare(const qn_params *p, void **shared) QN_NODISCARD;
void sgd_deep_release(void *shared);
bool sgd_deep_reads_files(const struct sgd_settings *set);

#endif
