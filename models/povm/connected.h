/* connected.h -- what trees and lists of connected strings share.  A pair of sites may have several bonds, in either orientation. */
#ifndef POVM_CONNECTED_H
#define POVM_CONNECTED_H

#include "net.h"

/* The number of the first bond between the sites of bond q. */
size_t povm_bond_first(const int (*bond)[2], size_t q);

/* For one string: log_two where a site stays as it is, out of log_one, and of later bonds of a pair out of its first. */
void povm_connected_fill(const povm_shape *s, size_t n_bonds, const int (*bond)[2], const uint8_t *string, const double *log_one, double *log_two);

/* For one string: the total weight of every distinct string.  Returns that of the string itself; one [n][k]: of strings that differ at one site
 * (0 where none does). */
double povm_connected_fold(const povm_shape *s, size_t n_bonds, const int (*bond)[2], const uint8_t *string, const double *weight_one,
                           const double *weight_two, double *one);

/* The total weight of the string with outcomes b of the first and c of the second site of bond q, over all bonds of the pair. */
double povm_connected_pair(const povm_shape *s, size_t n_bonds, const int (*bond)[2], size_t q, size_t b, size_t c, const double *weight_two);

#endif
