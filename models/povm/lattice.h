/* lattice.h -- chains and grids, open or periodic: sites, bonds, distances, orderings.
 *
 * Site x + lx y.  A bond is a site and its right or its down neighbour, in this order (words like "XY" act on it in this order); where a periodic
 * side has length 2 the two bonds of a pair are one, unless double_bonds. */
#ifndef POVM_LATTICE_H
#define POVM_LATTICE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct povm_lattice {
    int n, lx, ly;
    bool periodic;
    int n_bonds;
    int (*bond)[2];
} povm_lattice;

int povm_lattice_create(int lx, int ly, bool periodic, bool double_bonds, povm_lattice *out);
void povm_lattice_free(povm_lattice *l);

/* Orders of the sites for string states: chains, both directions times the translations of a ring; grids, serpentine paths from 4 corners in 2
 * orientations, times translations of a torus.  order[s][t]: the site that is t-th; at most `most` of them, spread evenly over the whole set.
 * Returns how many; *out is malloc'ed [count][n]. */
int povm_lattice_orders(const povm_lattice *l, int most, int **out);

#endif
