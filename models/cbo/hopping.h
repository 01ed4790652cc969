/* hopping.h -- consensus hopping: x_{k+1} is the consensus of N fresh samples of N(x_k, s_k^2 I).
 * Source: Riedl, Klock, Geldhauser, Fornasier, arXiv:2306.09778; with lambda dt = 1 CBO is hopping with a width of its own. */
#ifndef CBO_HOPPING_H
#define CBO_HOPPING_H

#include "settings.h"

double cbo_hopping_width(const cbo_settings *set, uint64_t hop); /* s = hop_width * hop_factor^floor(hop/hop_every), hops from 0 */

#endif
