/* adam.c -- see adam.h. */
#include "adam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int povm_adam_init(povm_adam *a, size_t n, double beta1, double beta2)
{
    *a = (povm_adam){.n = n, .beta1 = beta1, .beta2 = beta2, .m = calloc(n, sizeof(double)), .v = calloc(n, sizeof(double))};
    return a->m && a->v ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for the moments of %zu parameters", n);
}

void povm_adam_free(povm_adam *a)
{
    free(a->m);
    free(a->v);
    a->m = a->v = NULL;
}

void povm_adam_reset(povm_adam *a)
{
    memset(a->m, 0, a->n * sizeof *a->m);
    memset(a->v, 0, a->n * sizeof *a->v);
    a->steps = 0;
}

void povm_adam_step(povm_adam *a, double lr, const double *grad, double *theta)
{
    a->steps++;
    double unbias1 = 1 / (1 - pow(a->beta1, (double)a->steps)), unbias2 = 1 / (1 - pow(a->beta2, (double)a->steps));
    for (size_t i = 0; i < a->n; i++) {
        a->m[i] = a->beta1 * a->m[i] + (1 - a->beta1) * grad[i];
        a->v[i] = a->beta2 * a->v[i] + (1 - a->beta2) * grad[i] * grad[i];
        theta[i] -= lr * a->m[i] * unbias1 / (sqrt(a->v[i] * unbias2) + 1e-9);
    }
}

int povm_adam_save(const povm_adam *a, qn_group *g)
{
    int err = qn_save_f64(g, "adam_m", a->n, a->m);
    if (!err)
        err = qn_save_f64(g, "adam_v", a->n, a->v);
    return err ? err : qn_save_i64(g, "adam_steps", 1, &a->steps);
}

int povm_adam_load(povm_adam *a, const qn_group *g)
{
    int err = qn_load_f64(g, "adam_m", a->n, a->m);
    if (!err)
        err = qn_load_f64(g, "adam_v", a->n, a->v);
    return err ? err : qn_load_i64(g, "adam_steps", 1, &a->steps);
}
