/* tempering.h -- parallel tempering: exchanges of configurations between neighbours of a chained axis, and their statistics.
 *
 * A configuration x at parameters p and its neighbour's y at q change places with probability min(1, w(x;q) w(y;p) / (w(x;p) w(y;q))),
 * which keeps the product of the two distributions (Swendsen & Wang 1986; Hukushima & Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996)).
 * Even and odd pairs take turns, for then configurations drift along the ladder where a random choice diffuses (Syed et al., J. R. Stat.
 * Soc. B 84, 321 (2022)). */
#ifndef QN_TEMPERING_H
#define QN_TEMPERING_H

#include "record.h"

/* Observables of the core, one value a row. */
enum { QN_EXCHANGE_RATE, QN_ROUND_TRIPS, QN_LADDER_OBSERVABLES };
extern const qn_observable qn_ladder_observables[QN_LADDER_OBSERVABLES];

typedef struct qn_rung { /* a point that is being simulated */
    size_t point;
    qn_params params;
    qn_streams streams;
    qn_record record;
    void *state;
    qn_end end;
} qn_rung;

typedef struct qn_ladder {
    size_t n, parts;           /* rungs, and configurations on each */
    qn_rng rng;
    int64_t *tried, *accepted; /* [n] with the next rung, after thermalization */
    int64_t *walker;           /* [parts][n] number of the configuration on a rung */
    int64_t *seen;             /* [parts][n] of a configuration: 0 no end yet, 1 it was at the first rung last, 2 at the last one since */
    int64_t trips;             /* from the first rung to the last and back, after thermalization, of all configurations */
} qn_ladder;

/* `streams`: those of the whole chain. */
int qn_ladder_init(qn_ladder *l, size_t n, size_t parts, const qn_streams *streams) QN_NODISCARD;
void qn_ladder_free(qn_ladder *l);
/* Exchange number `event`, from 0; it enters the statistics when `count`. */
int qn_ladder_exchange(qn_ladder *l, const qn_model *m, qn_rung *rung, int64_t event, bool count) QN_NODISCARD;
void qn_ladder_put(const qn_ladder *l, size_t i, const qn_layout *layout, qn_record *r); /* the observables of rung i */
int qn_ladder_save(const qn_ladder *l, qn_group *g) QN_NODISCARD;
int qn_ladder_load(qn_ladder *l, const qn_group *g) QN_NODISCARD;

#endif
