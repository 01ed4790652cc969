/* chain.h -- one Markov chain of the storage engine: spins, integer overlaps, and the sums that give the local field.
 *
 * A problem (patterns, energy tables) is constant and shared by the chains of one task.  heb_chain_sweep makes N updates with
 * the kernel of the instruction set in use; every kernel takes the same decisions, because fields are integers (or, in
 * HEB_REAL, sums of 16 lanes in a fixed order).  heb_plain_* is the same dynamics spin by spin from the table g, for tests. */
#ifndef HEBBIAN_CHAIN_H
#define HEBBIAN_CHAIN_H

#include "energy.h"
#include "patterns.h"

typedef enum { HEB_HEATBATH = 0, HEB_METROPOLIS = 1, HEB_ZERO = 2 } heb_rule;

typedef struct heb_problem {
    size_t n, k;
    heb_energy energy;
    const heb_patterns *patterns; /* borrowed */
    heb_form form;                /* energy.form, or HEB_COUPLING */
    int32_t *coupling;            /* HEB_COUPLING: [n][n], J_ij = sum_mu xi_i xi_j, J_ii = 0 */
    const struct heb_folded *folded; /* HEB_FOLDED: borrowed; `patterns` are then the archetypes, whose overlaps are measured */
    double *even;                 /* HEB_FOLDED: [P/2][slots] even power sums */
} heb_problem;

/* `patterns` must outlive the problem.  Costs N^2 K/64 when the coupling matrix is used (P = 2, K > N). */
int heb_problem_init(heb_problem *pb, int p, heb_kind kind, heb_norm norm, const heb_patterns *patterns) QN_NODISCARD;
void heb_problem_free(heb_problem *pb);
double heb_problem_bytes(double n, double k, int p); /* tables, coupling matrix; without the patterns */

typedef struct heb_chain {
    const heb_problem *pb;
    int8_t *s;          /* [n] +-1 */
    int16_t *m;         /* [slots] integer overlaps M_mu; 0 beyond k */
    int32_t *a;         /* [slots] A(M_mu); 0 beyond k */
    double *ra;         /* HEB_REAL */
    int64_t sum_a;      /* sum_mu A */
    int64_t sum_m2;     /* HEB_QUADRATIC: sum_mu M^2 */
    int64_t sum_b;      /* HEB_TABLE: sum_mu B */
    double sum_rb;      /* HEB_REAL: sum_mu B */
    int32_t *field;     /* HEB_COUPLING: [n] sum_j J_ij s_j */
    int64_t *power;     /* HEB_FOLDED: [P/2][slots] odd power sums, and */
    double *e;          /* [P][slots] the elementary symmetric polynomials of all spins */
    bool m_stale;       /* HEB_COUPLING, HEB_FOLDED: m is rebuilt when asked for */
    uint64_t flips;     /* since heb_chain_set */
    uint64_t *stamp;    /* field re-use: [n] value of flips + 1 at which `kept` was computed; NULL: off */
    double *kept;
    uint32_t *site;     /* [max(n, HEB_BATCH)] and */
    double *theta;      /* [HEB_BATCH]: the drawn sites and thresholds */
} heb_chain;

#define HEB_BATCH 1024 /* updates whose random numbers are drawn together */

int heb_chain_init(heb_chain *c, const heb_problem *pb, bool reuse) QN_NODISCARD;
void heb_chain_free(heb_chain *c);
double heb_chain_bytes(double n, double k);
void heb_chain_set(heb_chain *c, const int8_t *s);          /* new spins; everything else from them, O(N K) */
void heb_chain_overlaps(heb_chain *c);                      /* makes m valid (it is, except in HEB_COUPLING and HEB_FOLDED) */

typedef struct heb_summary { /* over all patterns */
    double energy;      /* H, from the integer overlaps, in double */
    int64_t sum_m2;     /* sum_mu M^2 */
    int32_t m_max;      /* max_mu |M| */
} heb_summary;

void heb_chain_summary(heb_chain *c, heb_summary *out);     /* O(K), O(N K) in HEB_COUPLING and HEB_FOLDED */
void heb_overlap_summary(size_t k, const int16_t *m, heb_summary *out); /* of k overlaps; energy 0 */
double heb_chain_energy(heb_chain *c);                      /* H alone */
int heb_chain_verify(heb_chain *c) QN_NODISCARD;            /* overlaps from the spins agree, else QN_ERR_NUMERIC; O(N K) */
double heb_chain_aligned(const heb_chain *c, size_t i);     /* s_i h_i, in units of energy */

/* One sweep = n updates; returns the number of flips.  heatbath: s_i = +1 with 1/(1+exp(-2h/T)); metropolis: min(1,exp(-dE/T));
 * at T = 0 the limits: heat bath takes sign h_i and leaves the spin where h_i = 0, Metropolis flips it there.  HEB_ZERO is
 * the heat bath at T = 0 on every site once, in a random order unless `sequential`. */
size_t heb_chain_sweep(heb_chain *c, heb_rule rule, bool sequential, double temperature, qn_rng *rng);

/* The random numbers of a batch: `count` sites below n (32-bit multiply with rejection, two a word), and the thresholds: an update
 * flips when G < s theta (heat bath), theta = T logit(u)/(2 unit), or G <= theta (Metropolis), theta = -T ln(u)/(2 unit). */
void heb_draw_sites(qn_rng *rng, size_t n, size_t count, uint32_t *site);
void heb_draw_thresholds(qn_rng *rng, heb_rule rule, double scale, size_t count, double *theta);

/* ---- kernels ---- */

typedef struct heb_kernel {
    const char *name; /* "avx512", "avx2", "base" */
    /* `count` updates at the given sites against the given thresholds; returns the number of flips */
    size_t (*batch)(heb_chain *c, size_t count, const uint32_t *site, const double *theta, bool metropolis);
    void (*overlaps)(const heb_patterns *x, const int8_t *s, int16_t *m); /* M from spins */
    void (*rebuild)(heb_chain *c);                                        /* A and the sums from M */
    double (*aligned)(const heb_chain *c, size_t i);                      /* G_i (HEB_REAL: in the same unit) */
    void (*summary)(const heb_chain *c, heb_summary *out);                /* from a valid M; energy in a fixed order of 16 lanes */
} heb_kernel;

/* The kernel in use: that of the instruction set which the core resolved (isa.h). */
const heb_kernel *heb_kernel_get(void);
const heb_kernel *heb_kernel_named(const char *name); /* NULL when unknown or not on this CPU */
void heb_kernel_use(const heb_kernel *k);             /* for tests and benchmarks: NULL goes back to the default */

/* ---- plain reference ---- */

/* The same updates with h_i = sum_mu xi_i g(M_mu - xi_i s_i) summed in long double from the table: `m` [k] follows. */
size_t heb_plain_batch(const heb_problem *pb, int8_t *s, int32_t *m, size_t count, const uint32_t *site, const double *theta,
                       bool metropolis);
void heb_plain_overlaps(const heb_problem *pb, const int8_t *s, int32_t *m);

#endif
