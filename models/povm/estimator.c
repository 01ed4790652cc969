/* estimator.c -- see estimator.h.  Ratios are formed in logarithms: P itself underflows beyond some 60 sites in single precision. */
#include "estimator.h"

#include <math.h>
#include <stdlib.h>

double povm_estimator_bytes(const povm_problem *problem, double room)
{
    double k = problem->frame.k;
    return room * 8 * (problem->lattice.n * k + problem->lattice.n_bonds * k * k);
}

int povm_estimator_init(povm_estimator *e, const povm_problem *problem, povm_net *net, size_t room)
{
    size_t k = (size_t)problem->frame.k, n = (size_t)problem->lattice.n, bonds = (size_t)problem->lattice.n_bonds;
    *e = (povm_estimator){.problem = problem, .net = net, .room = room, .tree = true};
    e->log_one = malloc((room * n * k + 1) * sizeof *e->log_one);
    e->log_two = malloc((room * bonds * k * k + 1) * sizeof *e->log_two);
    return e->log_one && e->log_two ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for the neighbours of %zu strings", room);
}

void povm_estimator_free(povm_estimator *e)
{
    free(e->log_one);
    free(e->log_two);
    e->log_one = e->log_two = NULL;
}

static size_t bonds_of(const povm_estimator *e)
{
    return e->problem->generator.has_two ? (size_t)e->problem->lattice.n_bonds : 0;
}

static const int (*bond_of(const povm_estimator *e))[2]
{
    return (const int (*)[2])e->problem->lattice.bond;
}

/* sum_b row[b] exp(log_b - log_a); b = a counts as 1 whatever the rounding. */
static double row_sum(size_t count, const double *row, size_t a, const double *log_b, double log_a)
{
    double sum = row[a];
    for (size_t b = 0; b < count; b++)
        if (b != a && row[b] != 0)
            sum += row[b] * exp(log_b[b] - log_a);
    return sum;
}

void povm_estimator_local(povm_estimator *e, size_t count, const uint8_t *strings, double *logp, double *local)
{
    const povm_generator *g = &e->problem->generator;
    size_t n = (size_t)e->problem->lattice.n, k = (size_t)g->k, bonds = bonds_of(e);
    const int (*bond)[2] = bond_of(e);
    e->evaluations += povm_net_connected(e->net, e->tree, bonds, bond, count, strings, e->log_one, e->log_two);
    for (size_t s = 0; s < count; s++) {
        const uint8_t *a = strings + s * n;
        const double *one = e->log_one + s * n * k, *two = e->log_two + s * bonds * k * k;
        logp[s] = one[a[0]];
        local[s] = 0;
        for (size_t i = 0; g->has_one && i < n; i++)
            local[s] += row_sum(k, g->one + a[i] * k, a[i], one + i * k, logp[s]);
        for (size_t j = 0; j < bonds; j++) {
            size_t r = a[bond[j][0]] + k * a[bond[j][1]];
            local[s] += row_sum(k * k, g->two + r * k * k, r, two + j * k * k, logp[s]);
        }
    }
}

/* Logarithms to weights, in place. */
static void row_weights(size_t count, const double *row, size_t a, double log_a, double factor, double *x)
{
    for (size_t b = 0; b < count; b++)
        x[b] = row[b] == 0 ? 0 : factor * row[b] * (b == a ? 1 : exp(x[b] - log_a));
}

void povm_estimator_grad(povm_estimator *e, size_t count, const uint8_t *strings, const double *logp, const double *base, const double *chain,
                         double *grad)
{
    const povm_generator *g = &e->problem->generator;
    size_t n = (size_t)e->problem->lattice.n, k = (size_t)g->k, bonds = bonds_of(e);
    const int (*bond)[2] = bond_of(e);
    static const double none[POVM_OUTCOMES * POVM_OUTCOMES];
    for (size_t s = 0; s < count; s++) {
        const uint8_t *a = strings + s * n;
        double *one = e->log_one + s * n * k, *two = e->log_two + s * bonds * k * k;
        for (size_t i = 0; i < n; i++)
            row_weights(k, g->has_one ? g->one + a[i] * k : none, a[i], logp[s], chain[s], one + i * k);
        one[a[0]] += base[s];
        for (size_t j = 0; j < bonds; j++) {
            size_t r = a[bond[j][0]] + k * a[bond[j][1]];
            row_weights(k * k, g->two + r * k * k, r, logp[s], chain[s], two + j * k * k);
        }
    }
    povm_net_connected_grad(e->net, e->tree, bonds, bond, count, strings, e->log_one, e->log_two, grad);
}
