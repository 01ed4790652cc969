/* source.c -- see source.h. */
#include "source.h"

#define CHAIN_STREAMS ((uint64_t)1 << 61) /* first stream of the chains, beyond all blocks */

int povm_source_init(povm_source *s, povm_net *net, const povm_variational *v, const qn_streams *streams)
{
    *s = (povm_source){.net = net, .n_chains = (size_t)v->chains, .thinning = (size_t)v->thinning, .burn_in = (size_t)v->burn_in};
    if (v->shape.ansatz != POVM_RBM)
        return 0;
    int err = povm_chains_create(&v->shape, s->n_chains, streams, QN_STREAM_DYNAMICS, CHAIN_STREAMS, &s->chains);
    return err ? err : povm_chains_create(&v->shape, s->n_chains, streams, QN_STREAM_MEASUREMENT, CHAIN_STREAMS, &s->fresh);
}

void povm_source_free(povm_source *s)
{
    povm_chains_destroy(s->chains);
    povm_chains_destroy(s->fresh);
    s->chains = s->fresh = NULL;
}

bool povm_source_correlated(const povm_source *s)
{
    return s->chains != NULL;
}

void povm_source_set(povm_source *s, const double *theta)
{
    povm_net_set(s->net, theta);
    s->theta = theta;
    if (!s->chains)
        return;
    povm_chains_set(s->chains, theta);
    if (!s->burnt)
        povm_chains_run(s->chains, s->burn_in);
    s->burnt = true;
}

void povm_source_measure(povm_source *s, const qn_streams *streams, uint64_t first)
{
    if (!s->chains)
        return;
    povm_chains_copy(s->fresh, s->chains, streams, QN_STREAM_MEASUREMENT, first);
    povm_chains_set(s->fresh, s->theta);
    povm_chains_run(s->fresh, s->burn_in);
}

void povm_source_draw(povm_source *s, const qn_streams *streams, qn_purpose purpose, uint64_t first, size_t count, uint8_t *strings, double *logp)
{
    if (s->chains)
        povm_chains_draw(purpose == QN_STREAM_MEASUREMENT ? s->fresh : s->chains, count, s->thinning, strings, logp);
    else
        povm_net_sample(s->net, streams, purpose, first, count, strings, logp);
}

double povm_source_excess(const povm_source *s, size_t count, const double *x)
{
    return s->chains && count >= 2 * s->n_chains ? 2 * povm_chains_tau(s->n_chains, count / s->n_chains, x) : 1;
}

int povm_source_save(const povm_source *s, qn_group *g)
{
    int64_t burnt = s->burnt;
    int err = s->chains ? povm_chains_save(s->chains, g) : 0;
    return err || !s->chains ? err : qn_save_i64(g, "burnt", 1, &burnt);
}

int povm_source_load(povm_source *s, const qn_group *g)
{
    int64_t burnt = 0;
    int err = s->chains ? povm_chains_load(s->chains, g) : 0;
    if (!err && s->chains)
        err = qn_load_i64(g, "burnt", 1, &burnt);
    s->burnt = burnt;
    return err;
}
