/* lattice.h -- chains, grids and graphs: sites, bonds, distances, orderings.
 *
 * Site x + lx y.  A bond is a site and its right or its down neighbour, in this order (words like "XY" act on it in this order); where a periodic
 * side has length 2 the two bonds of a pair are one, unless double_bonds.  A graph has its bonds as they are given. */
#ifndef POVM_LATTICE_H
#define POVM_LATTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POVM_MOST_SITES = 4096 };

typedef struct povm_lattice {
    int n, lx, ly;            /* lx = ly = 0: a graph */
    bool periodic, graph;
    int n_bonds;
    int (*bond)[2];
} povm_lattice;

/* Safe to free after a failure too. */
int povm_lattice_create(int lx, int ly, bool periodic, bool double_bonds, povm_lattice *out);
int povm_lattice_graph(int n, size_t n_sites, const double *sites, povm_lattice *out); /* sites of the bonds, pair after pair */
void povm_lattice_free(povm_lattice *l);
bool povm_lattice_connected(const povm_lattice *l);

/* Pairs of sites by their distance: the shortest one (Euclid's) on a lattice, steps on a graph. */
typedef struct povm_distances {
    int count;                /* distances that occur, ascending; 0 is none */
    double *value;
    int *pairs;               /* unordered pairs at that distance */
    int *of;                  /* [n][n] which distance; -1: same site, or no way from one to the other */
} povm_distances;

int povm_distances_create(const povm_lattice *l, povm_distances *out);
void povm_distances_free(povm_distances *d);

/* Orders of the sites for string states: chains, both directions times the translations of a ring; grids, serpentine paths from 4 corners in 2
 * orientations, times translations of a torus; graphs, both directions.  order[s][t]: the site that is t-th; at most `most` of them, spread evenly over
 * the whole set.  Returns how many; *out is malloc'ed [count][n]. */
int povm_lattice_orders(const povm_lattice *l, int most, int **out);

#endif
