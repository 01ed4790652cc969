/* chain.c -- problems and chains: memory, sweeps, energy, verification; and the plain reference (see chain.h). */
#include "chain.h"

#include <stdlib.h>
#include <string.h>

#include "folded.h"

static size_t slots(size_t k) /* patterns, padded to 64 */
{
    return (k + 63) / 64 * 64;
}

/* ---- problem ---- */

int heb_problem_init(heb_problem *pb, int p, heb_kind kind, heb_norm norm, const heb_patterns *patterns)
{
    memset(pb, 0, sizeof *pb);
    pb->n = patterns->n;
    pb->k = patterns->k;
    pb->patterns = patterns;
    int err = heb_energy_init(&pb->energy, pb->n, p, kind, norm);
    if (err)
        return err;
    pb->form = pb->energy.form;
    if (p != 2 || pb->k <= pb->n || pb->k > (size_t)INT32_MAX / (2 * pb->n))
        return 0;
    size_t n = pb->n, words = patterns->words / 4;
    pb->coupling = aligned_alloc(64, (n * n * sizeof *pb->coupling + 63) / 64 * 64);
    if (!pb->coupling)
        return qn_fail(QN_ERR_NOMEM, "no memory for the %zu x %zu coupling matrix", n, n);
    for (size_t i = 0; i < n; i++) {
        const uint64_t *a = (const uint64_t *)(const void *)heb_patterns_row(patterns, i);
        pb->coupling[i * n + i] = 0;
        for (size_t j = 0; j < i; j++) {
            const uint64_t *b = (const uint64_t *)(const void *)heb_patterns_row(patterns, j);
            int64_t differ = 0;
            for (size_t w = 0; w < words; w++)
                differ += __builtin_popcountll(a[w] ^ b[w]);
            pb->coupling[i * n + j] = pb->coupling[j * n + i] = (int32_t)((int64_t)pb->k - 2 * differ);
        }
    }
    pb->form = HEB_COUPLING;
    return 0;
}

void heb_problem_free(heb_problem *pb)
{
    heb_energy_free(&pb->energy);
    free(pb->coupling);
    free(pb->even);
    memset(pb, 0, sizeof *pb);
}

double heb_problem_bytes(double n, double k, int p)
{
    return 48 * n + (p == 2 && k > n ? 4 * n * n : 0);
}

/* ---- chain ---- */

int heb_chain_init(heb_chain *c, const heb_problem *pb, bool reuse)
{
    memset(c, 0, sizeof *c);
    c->pb = pb;
    size_t k = slots(pb->k), n = pb->n;
    c->s = malloc(n);
    c->m = aligned_alloc(64, k * sizeof *c->m);
    c->site = malloc((n > HEB_BATCH ? n : HEB_BATCH) * sizeof *c->site);
    c->theta = malloc(HEB_BATCH * sizeof *c->theta);
    bool ok = c->s && c->m && c->site && c->theta;
    if (pb->form == HEB_COUPLING) {
        c->field = malloc(n * sizeof *c->field);
        ok = ok && c->field;
    }
    if (pb->form == HEB_FOLDED) {
        int err = heb_folded_chain(c);
        if (err)
            return err;
    } else if (pb->form == HEB_REAL) {
        c->ra = aligned_alloc(64, k * sizeof *c->ra);
        ok = ok && c->ra;
    } else {
        c->a = aligned_alloc(64, k * sizeof *c->a);
        ok = ok && c->a;
    }
    if (reuse && pb->form != HEB_COUPLING) {
        c->stamp = calloc(n, sizeof *c->stamp);
        c->kept = malloc(n * sizeof *c->kept);
        ok = ok && c->stamp && c->kept;
    }
    if (!ok)
        return qn_fail(QN_ERR_NOMEM, "no memory for a chain of N=%zu spins and K=%zu patterns", n, pb->k);
    memset(c->s, 1, n);
    memset(c->m, 0, k * sizeof *c->m);
    if (c->a)
        memset(c->a, 0, k * sizeof *c->a);
    for (size_t i = 0; c->ra && i < k; i++)
        c->ra[i] = 0;
    return 0;
}

void heb_chain_free(heb_chain *c)
{
    free(c->s);
    free(c->m);
    free(c->a);
    free(c->ra);
    free(c->field);
    free(c->power);
    free(c->e);
    free(c->stamp);
    free(c->kept);
    free(c->site);
    free(c->theta);
    memset(c, 0, sizeof *c);
}

double heb_chain_bytes(double n, double k)
{
    return 29 * n + 10 * (k + 64) + 12.0 * HEB_BATCH;
}

void heb_chain_set(heb_chain *c, const int8_t *s)
{
    const heb_problem *pb = c->pb;
    const heb_kernel *kernel = heb_kernel_get();
    memmove(c->s, s, pb->n);
    c->m_stale = true;
    heb_chain_overlaps(c);
    if (pb->form == HEB_COUPLING) {
        for (size_t i = 0; i < pb->n; i++) {
            int32_t h = 0;
            for (size_t j = 0; j < pb->n; j++)
                h += pb->coupling[i * pb->n + j] * c->s[j];
            c->field[i] = h;
        }
    } else if (pb->form == HEB_FOLDED) {
        heb_folded_rebuild(c);
    } else {
        kernel->rebuild(c);
    }
    c->flips = 0;
    if (c->stamp)
        memset(c->stamp, 0, pb->n * sizeof *c->stamp);
}

void heb_chain_overlaps(heb_chain *c)
{
    if (!c->m_stale)
        return;
    size_t k = slots(c->pb->k);
    memset(c->m, 0, k * sizeof *c->m);
    heb_kernel_get()->overlaps(c->pb->patterns, c->s, c->m);
    for (size_t mu = c->pb->k; mu < k; mu++)
        c->m[mu] = 0;
    c->m_stale = false;
}

void heb_chain_summary(heb_chain *c, heb_summary *out)
{
    heb_chain_overlaps(c);
    if (c->pb->form != HEB_FOLDED) {
        heb_kernel_get()->summary(c, out);
        return;
    }
    heb_overlap_summary(c->pb->k, c->m, out);
    out->energy = heb_folded_energy(c);
}

void heb_overlap_summary(size_t k, const int16_t *m, heb_summary *out)
{
    *out = (heb_summary){0};
    for (size_t mu = 0; mu < k; mu++) {
        int32_t size = m[mu] < 0 ? -m[mu] : m[mu];
        out->sum_m2 += (int64_t)size * size;
        out->m_max = size > out->m_max ? size : out->m_max;
    }
}

double heb_chain_energy(heb_chain *c)
{
    if (c->pb->form == HEB_FOLDED)
        return heb_folded_energy(c);
    heb_summary x;
    heb_chain_summary(c, &x);
    return x.energy;
}

int heb_chain_verify(heb_chain *c)
{
    heb_chain_overlaps(c);
    if (c->pb->form == HEB_FOLDED)
        return heb_folded_verify(c);
    size_t k = slots(c->pb->k);
    int16_t *m = aligned_alloc(64, k * sizeof *m);
    if (!m)
        return qn_fail(QN_ERR_NOMEM, "no memory to check the overlaps of K=%zu patterns", c->pb->k);
    memset(m, 0, k * sizeof *m);
    heb_kernel_get()->overlaps(c->pb->patterns, c->s, m);
    int err = 0;
    for (size_t mu = 0; mu < c->pb->k && !err; mu++)
        if (m[mu] != c->m[mu])
            err = qn_fail(QN_ERR_NUMERIC, "overlap %zu is %d in the chain but %d from its spins: memory or checkpoint is damaged",
                          mu + 1, c->m[mu], m[mu]);
    free(m);
    return err;
}

double heb_chain_aligned(const heb_chain *c, size_t i)
{
    return c->pb->energy.unit * (c->pb->form == HEB_FOLDED ? heb_folded_aligned(c, i) : heb_kernel_get()->aligned(c, i));
}

size_t heb_chain_sweep(heb_chain *c, heb_rule rule, bool sequential, double temperature, qn_rng *rng)
{
    size_t (*batch)(heb_chain *, size_t, const uint32_t *, const double *, bool) = c->pb->form == HEB_FOLDED ? heb_folded_batch : heb_kernel_get()->batch;
    size_t n = c->pb->n, flips = 0;
    double scale = temperature / (2 * c->pb->energy.unit);
    if (rule == HEB_ZERO && !sequential) { /* each site once, in an order drawn anew */
        uint32_t *order = c->site;
        for (size_t i = 0; i < n; i++) { /* inside-out Fisher-Yates */
            size_t j = (size_t)qn_rng_below(rng, i + 1);
            order[i] = order[j];
            order[j] = (uint32_t)i;
        }
        memset(c->theta, 0, HEB_BATCH * sizeof *c->theta);
        for (size_t done = 0; done < n; done += HEB_BATCH)
            flips += batch(c, n - done < HEB_BATCH ? n - done : HEB_BATCH, order + done, c->theta, false);
    } else {
        for (size_t done = 0; done < n; done += HEB_BATCH) {
            size_t count = n - done < HEB_BATCH ? n - done : HEB_BATCH;
            if (sequential || rule == HEB_ZERO)
                for (size_t u = 0; u < count; u++)
                    c->site[u] = (uint32_t)(done + u);
            else
                heb_draw_sites(rng, n, count, c->site);
            if (rule == HEB_ZERO || temperature == 0)
                memset(c->theta, 0, count * sizeof *c->theta);
            else
                heb_draw_thresholds(rng, rule, scale, count, c->theta);
            flips += batch(c, count, c->site, c->theta, rule == HEB_METROPOLIS);
        }
    }
    if (flips && (c->pb->form == HEB_COUPLING || c->pb->form == HEB_FOLDED))
        c->m_stale = true;
    return flips;
}

/* ---- plain reference ---- */

void heb_plain_overlaps(const heb_problem *pb, const int8_t *s, int32_t *m)
{
    for (size_t mu = 0; mu < pb->k; mu++) {
        m[mu] = 0;
        for (size_t i = 0; i < pb->n; i++)
            m[mu] += heb_patterns_at_site(pb->patterns, i, mu) * s[i];
    }
}

size_t heb_plain_batch(const heb_problem *pb, int8_t *s, int32_t *m, size_t count, const uint32_t *site, const double *theta,
                       bool metropolis)
{
    size_t flips = 0;
    for (size_t u = 0; u < count; u++) {
        size_t i = site[u];
        long double h = 0;
        for (size_t mu = 0; mu < pb->k; mu++) {
            int xi = heb_patterns_at_site(pb->patterns, i, mu);
            int64_t k = m[mu] - xi * s[i]; /* the overlap without spin i */
            h += xi * pb->energy.g[(size_t)(k + (int64_t)pb->n - 1) / 2];
        }
        long double g = s[i] * h, level = theta[u] * (pb->energy.unit / pb->energy.g_unit);
        if (metropolis ? g > level : g >= s[i] * level)
            continue;
        s[i] = (int8_t)-s[i];
        flips++;
        for (size_t mu = 0; mu < pb->k; mu++)
            m[mu] += 2 * heb_patterns_at_site(pb->patterns, i, mu) * s[i];
    }
    return flips;
}
