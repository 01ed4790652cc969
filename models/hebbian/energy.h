/* energy.h -- the energy of one pattern as a function of its overlap, and the integer forms of the local field.
 *
 * Every storage energy is H = -sum_mu f(M_mu) with M_mu = sum_i xi_i^mu s_i in {-N, -N+2, .., N}: one table of N+1 entries.
 *   distinct  f = c_P e_P(xi s), a Krawtchouk polynomial of M;  c_P = P!/(2 N^(P-1)) (norm asymptotic) or N/(2 C(N,P)) (exact)
 *   full      f = (N/2) (M/N)^P, coinciding indices kept
 * The local field is h_i = sum_mu xi_i^mu g(M_mu - xi_i^mu s_i), g(k) = [f(k+1) - f(k-1)]/2, and a flip costs 2 s_i h_i.  With
 * A(M) = [g(M+1) + g(M-1)]/2 and B(M) = [g(M+1) - g(M-1)]/2 it is h_i = sum_mu xi_i^mu A(M_mu) - s_i sum_mu B(M_mu).
 * f is a rational constant times an integer, hence so is the field: the chain works with the integer
 *     G_i = s_i h_i / unit
 * wherever it fits, so that it neither drifts nor depends on the order of summation. */
#ifndef HEBBIAN_ENERGY_H
#define HEBBIAN_ENERGY_H

#include "quench.h"

typedef enum { HEB_DISTINCT = 0, HEB_FULL = 1 } heb_kind;
typedef enum { HEB_EXACT = 0, HEB_ASYMPTOTIC = 1 } heb_norm;

/* How A and B are kept. */
typedef enum {
    HEB_QUADRATIC = 1, /* P = 2, 4: A in int32 changes on a flip by a quadratic polynomial of M; sum B from sum M^2 */
    HEB_TABLE,         /* A, B from integer tables of N+1 entries */
    HEB_REAL,          /* the same in double, where the integers would not fit */
    HEB_COUPLING,      /* P = 2 and K > N: coupling matrix with all fields kept, O(1) per rejected and O(N) per accepted update */
    HEB_FOLDED         /* supervised: real rows (folded.h), no tables */
} heb_form;

typedef struct heb_energy {
    size_t n;
    int p;
    heb_kind kind;
    heb_form form;
    double unit;              /* h = unit * s * G */
    double f0, *f;            /* f(M) = f0 + f[(M+n)/2]: f0 is the large constant part of `full` */
    long double *g, g_unit;   /* [n]: g(k) = g_unit * g[(k+n-1)/2], g integer where that fits: for the plain reference */
    /* HEB_QUADRATIC, M -> M + 2x: A += x (alpha M^2 + beta) + gamma M;  2B = b2 M^2 + b0;  G = 2 s sum xi A - sum 2B */
    int32_t alpha, beta, gamma;
    int64_t b2, b0;
    /* HEB_TABLE: A, B at 2k, 2k+1 of entry k = (M+n)/2;  G = s sum xi A - sum B.  HEB_REAL: the same in double. */
    int32_t *ab;
    double *rab;
    int64_t a_max;            /* largest |A|: bounds how many terms an int32 lane may hold */
} heb_energy;

#define HEB_MOST_SPINS 32767 /* overlaps are int16 */

/* Tables for n spins, P = p even, 2 <= p <= n.  Source: Krawtchouk recurrence (k+1) E_{k+1} = M E_k - (N-k+1) E_{k-1}. */
int heb_energy_init(heb_energy *e, size_t n, int p, heb_kind kind, heb_norm norm) QN_NODISCARD;
void heb_energy_free(heb_energy *e);
void heb_energy_scale(heb_energy *e, double factor); /* every energy and field times this */

/* A(M) in the integer units of HEB_QUADRATIC. */
int64_t heb_energy_a(const heb_energy *e, int64_t m);

/* Number of patterns at load gamma, as a real number: 2 gamma N^(P-1)/P! (asymptotic) or 2 gamma C(N,P)/N (exact); K is this
 * rounded, at least 1.  heb_load_of is the inverse. */
double heb_patterns_at(double load, size_t n, int p, heb_norm norm);
double heb_load_of(double k, size_t n, int p, heb_norm norm);

#endif
