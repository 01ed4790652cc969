/* exact.c -- see exact.h. */
#include "exact.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"
#include "text.h"

int povm_exact_init(const povm_problem *problem, povm_exact *out)
{
    const size_t n = (size_t)problem->lattice.n;
    *out = (povm_exact){.problem = problem};
    int err = povm_pauli_create(problem, true, &out->g);
    if (!err)
        err = povm_look_create(problem, &out->look);
    out->one = calloc(3 * n, sizeof *out->one);
    out->pair = calloc(3 * n * n, sizeof *out->pair);
    return err || (out->one && out->pair) ? err : qn_fail(QN_ERR_NOMEM, "out of memory");
}

void povm_exact_free(povm_exact *x)
{
    povm_pauli_free(&x->g);
    povm_look_destroy(x->look);
    free(x->one);
    free(x->pair);
    memset(x, 0, sizeof *x);
}

static int least_eigenvalue(const povm_exact *x, const double *c, double *out)
{
    double *all = malloc(((size_t)1 << 2 * x->g.n) * sizeof *all);
    if (!all)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    povm_pauli_expand(&x->g, c, all);
    const int err = povm_pauli_least_eigenvalue(x->g.n, all, out);
    free(all);
    return err;
}

int povm_exact_measure(povm_exact *x, const double *c, double t, qn_record *r)
{
    povm_expectations e;
    double least;
    povm_pauli_expectations(&x->g, x->problem, c, x->one, x->pair, &e);
    povm_look_clear(x->look);
    povm_look_exact(x->look, &e);
    povm_look_put(x->look, r);
    qn_put(r, POVM_O_T, t);
    qn_put(r, POVM_O_PURITY, povm_pauli_purity(&x->g, c));
    if (x->g.n > POVM_EIGENVALUE_SITES)
        return 0;
    const int err = least_eigenvalue(x, c, &least);
    if (!err)
        qn_put(r, POVM_O_MIN_EIGENVALUE, least);
    return err;
}

void povm_exact_check(const qn_params *p, const povm_problem *problem, qn_problems *c)
{
    const int n = problem->lattice.n;
    const double bytes = povm_pauli_bytes(problem), most = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    char need[32], have[32];
    if (n > POVM_PAULI_SITES || bytes > most)
        qn_complain(c, qn_choice(p, "lattice") == 1 ? "Lx" : "N", "%s of %d sites needs %s of memory, and this machine has %s; task: trajectories goes up to 20 sites", qn_text(p, "task"), n,
                    qn_human_bytes(bytes, need), qn_human_bytes(most, have));
}

bool povm_exact_provides(const qn_params *p, int obs)
{
    return povm_look_provides(obs) || obs == POVM_O_PURITY || (obs == POVM_O_MIN_EIGENVALUE && povm_sites(p) <= POVM_EIGENVALUE_SITES);
}
