/* tree.h -- prefix re-use for nets of which a change at site j leaves what was worked out for sites up to j as it is: a string is the root, strings with
 * one site changed are its children, those with two changed theirs.  Driver: tree_body.h; one file is compiled for each ansatz and precision.
 *
 * Positions worked out for a string: n + (k-1) sum_i (n-1-i) + (k-1)^2 sum over pairs (n-1-max(i,j)). */
#ifndef POVM_TREE_H
#define POVM_TREE_H

#include "arena.h"
#include "connected.h"

/* Sites first..end-1 of target [count][n][k] += weight at their outcomes. */
static inline void povm_aim_at(size_t n, size_t k, size_t count, const uint8_t *strings, size_t first, size_t end, const double *weight, double *target)
{
    for (size_t s = 0; s < count; s++, strings += n, target += n * k)
        for (size_t i = first; i < end; i++)
            target[i * k + strings[i]] += weight[s];
}

/* The outcome x places after that of the string, cyclically. */
static inline void povm_turn(size_t k, size_t count, const uint8_t *strings, size_t stride, size_t x, uint8_t *out)
{
    for (size_t s = 0; s < count; s++) {
        const size_t b = strings[s * stride] + x;
        out[s] = (uint8_t)(b < k ? b : b - k);
    }
}

/* The first bond of sites i and j; n_bonds: none. */
static inline size_t povm_bond_between(size_t n_bonds, const int (*bond)[2], size_t i, size_t j)
{
    size_t q = 0;
    while (q < n_bonds && !((size_t)bond[q][0] == i && (size_t)bond[q][1] == j) && !((size_t)bond[q][0] == j && (size_t)bond[q][1] == i))
        q++;
    return q;
}

#endif
