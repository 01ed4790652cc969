/* folded.h -- supervised learning: the examples of an archetype folded into their sum, and the P-spin energy of such rows.
 *
 * x_i = W_i s_i with W_i = sum_a eta^a_i, an integer from -M to M; in these units
 *   distinct  H = -unit sum_mu e_P(x),  e_k by Newton's identities k e_k = sum_{j=1}^k (-1)^(j-1) e_{k-j} p_j, p_j = sum_i x_i^j
 *   full      H = -unit sum_mu p_1^P
 * Even power sums are constants, odd ones integers that change on a flip: e_k is a function of them, so nothing drifts.  The
 * field of spin i needs e_{P-1} of the others: e'_k = e_k - x_i e'_{k-1}.  An update costs P K multiply-adds. */
#ifndef HEBBIAN_FOLDED_H
#define HEBBIAN_FOLDED_H

#include "chain.h"

typedef struct heb_folded {
    size_t n, k, m;   /* spins, archetypes, examples of each */
    size_t slots;     /* k padded to 16 */
    int16_t *w;       /* [n][slots] W, 0 beyond k */
} heb_folded;

#define HEB_FOLDED_MOST_P 8

int heb_folded_init(heb_folded *x, size_t n, size_t k, size_t m) QN_NODISCARD; /* all 0 */
void heb_folded_free(heb_folded *x);
double heb_folded_bytes(double n, double k, int p); /* with the sums of one chain */
/* Whether every power sum is an integer of 63 bits. */
bool heb_folded_fits(double n, double m, int p);

/* Normalised by R = r^2 + (1-r^2)/M: H = -c_P R^(-P/2) sum_mu e_P(W s/M), full: -(N/2) sum_mu (n_mu/sqrt R)^P.  Both must outlive the problem;
 * `archetypes` are what overlaps are measured with. */
int heb_folded_problem(heb_problem *pb, int p, heb_kind kind, heb_norm norm, const heb_folded *x, double R, const heb_patterns *archetypes) QN_NODISCARD;

/* The parts of chain.h for HEB_FOLDED. */
int heb_folded_chain(heb_chain *c) QN_NODISCARD;  /* memory */
void heb_folded_rebuild(heb_chain *c);            /* all sums from the spins, O(N K) */
int heb_folded_verify(heb_chain *c) QN_NODISCARD;
double heb_folded_aligned(const heb_chain *c, size_t i); /* s_i h_i / unit */
double heb_folded_energy(const heb_chain *c);            /* H */
size_t heb_folded_batch(heb_chain *c, size_t count, const uint32_t *site, const double *theta, bool metropolis);

#endif
