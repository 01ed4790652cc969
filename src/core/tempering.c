/* tempering.c -- see tempering.h. */
#include "tempering.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const qn_observable qn_ladder_observables[QN_LADDER_OBSERVABLES] = {
    [QN_EXCHANGE_RATE] = {.name = "exchange_rate", .kind = QN_OUTCOME, .unit = "1", .symbol = "p_{ex}", .meaning = "exchange rate, accepted exchanges with the next value of those tried"},
    [QN_ROUND_TRIPS] = {.name = "round_trips", .kind = QN_OUTCOME, .unit = "1", .symbol = "n_{rt}", .meaning = "round trips of the ladder, first value to last and back, all configurations together"},
};

int qn_ladder_init(qn_ladder *l, size_t n, size_t parts, const qn_streams *streams)
{
    *l = (qn_ladder){.n = n, .parts = parts, .rng = streams->dynamics};
    l->tried = calloc(n, sizeof *l->tried);
    l->accepted = calloc(n, sizeof *l->accepted);
    l->walker = calloc(parts * n, sizeof *l->walker);
    l->seen = calloc(parts * n, sizeof *l->seen);
    if (!l->tried || !l->accepted || !l->walker || !l->seen)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k < parts; k++) {
        for (size_t i = 0; i < n; i++)
            l->walker[k * n + i] = (int64_t)i;
        l->seen[k * n] = 1;
    }
    return 0;
}

void qn_ladder_free(qn_ladder *l)
{
    free(l->tried);
    free(l->accepted);
    free(l->walker);
    free(l->seen);
    memset(l, 0, sizeof *l);
}

/* log of w(x; p) for a configuration of a rung.  At its own parameters it must be possible. */
static int weight(const qn_model *m, const qn_rung *of, size_t part, const qn_rung *at, double *out)
{
    *out = m->log_weight(of->state, part, &at->params);
    if (isnan(*out) || *out == HUGE_VAL || (of == at && *out == -HUGE_VAL))
        return qn_fail(QN_ERR_INPUT, "model %s gives a configuration the log weight %g: with these parameters it cannot be run by tempering (a temperature of 0, a descent, ...)",
                       m->name, *out);
    return 0;
}

static int change_places(const qn_model *m, qn_rung *a, qn_rung *b, size_t part)
{
    if (m->swap) {
        m->swap(a->state, b->state, part);
        return 0;
    }
    void *state = a->state;
    a->state = b->state;
    b->state = state;
    int err = m->retune(a->state, &a->params);
    return err ? err : m->retune(b->state, &b->params);
}

static int exchange(qn_ladder *l, const qn_model *m, qn_rung *a, qn_rung *b, size_t part, bool *accepted)
{
    double aa, ab, ba, bb, u = qn_rng_uniform_pos(&l->rng); /* drawn whether it is needed or not */
    int err = weight(m, a, part, a, &aa);
    if (!err)
        err = weight(m, a, part, b, &ab);
    if (!err)
        err = weight(m, b, part, a, &ba);
    if (!err)
        err = weight(m, b, part, b, &bb);
    double gain = err ? 0 : ab - aa + (ba - bb);
    *accepted = !err && (gain >= 0 || log(u) < gain);
    return *accepted ? change_places(m, a, b, part) : err;
}

static void look_at_ends(qn_ladder *l, size_t part, bool count)
{
    const int64_t *walker = l->walker + part * l->n;
    int64_t *seen = l->seen + part * l->n, *first = &seen[walker[0]], *last = &seen[walker[l->n - 1]];
    l->trips += count && *first == 2;
    *first = 1;
    if (*last == 1)
        *last = 2;
}

int qn_ladder_exchange(qn_ladder *l, const qn_model *m, qn_rung *rung, int64_t event, bool count)
{
    for (size_t part = 0; part < l->parts; part++) {
        int64_t *walker = l->walker + part * l->n;
        for (size_t i = (size_t)(event % 2); i + 1 < l->n; i += 2) {
            bool accepted;
            int err = exchange(l, m, &rung[i], &rung[i + 1], part, &accepted);
            if (err)
                return err;
            l->tried[i] += count;
            l->accepted[i] += count && accepted;
            if (!accepted)
                continue;
            int64_t was = walker[i];
            walker[i] = walker[i + 1];
            walker[i + 1] = was;
        }
        look_at_ends(l, part, count);
    }
    return 0;
}

void qn_ladder_put(const qn_ladder *l, size_t i, const qn_layout *layout, qn_record *r)
{
    int first = (int)layout->n_model;
    if (l->tried[i])
        qn_put(r, first + QN_EXCHANGE_RATE, (double)l->accepted[i] / (double)l->tried[i]);
    qn_put(r, first + QN_ROUND_TRIPS, (double)l->trips);
}

int qn_ladder_save(const qn_ladder *l, qn_group *g)
{
    int err = qn_save_bytes(g, "ladder.rng", sizeof l->rng, &l->rng);
    if (!err)
        err = qn_save_i64(g, "ladder.tried", l->n, l->tried);
    if (!err)
        err = qn_save_i64(g, "ladder.accepted", l->n, l->accepted);
    if (!err)
        err = qn_save_i64(g, "ladder.walker", l->parts * l->n, l->walker);
    if (!err)
        err = qn_save_i64(g, "ladder.seen", l->parts * l->n, l->seen);
    return err ? err : qn_save_i64(g, "ladder.trips", 1, &l->trips);
}

int qn_ladder_load(qn_ladder *l, const qn_group *g)
{
    int err = qn_load_bytes(g, "ladder.rng", sizeof l->rng, &l->rng);
    if (!err)
        err = qn_load_i64(g, "ladder.tried", l->n, l->tried);
    if (!err)
        err = qn_load_i64(g, "ladder.accepted", l->n, l->accepted);
    if (!err)
        err = qn_load_i64(g, "ladder.walker", l->parts * l->n, l->walker);
    if (!err)
        err = qn_load_i64(g, "ladder.seen", l->parts * l->n, l->seen);
    for (size_t i = 0; i < l->parts * l->n && !err; i++)
        if (l->walker[i] < 0 || (size_t)l->walker[i] >= l->n)
            err = qn_fail(QN_ERR_DATA, "a checkpoint has a configuration that its ladder lacks");
    return err ? err : qn_load_i64(g, "ladder.trips", 1, &l->trips);
}
