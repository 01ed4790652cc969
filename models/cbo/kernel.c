/* kernel.c -- see kernel.h: the loops of every instruction set, the step over all tiles, the merge of their weights. */
#include "kernel.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "vmath.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { CHUNK = 16 }; /* coordinates whose normals are drawn at a time: 8 KiB of them wait in the first-level cache */

/* What a move does, out of its numbers. */
typedef struct rule {
    enum { BY_PARTICLE, BY_COMPONENT, TRUNCATED_COMPONENT, GEOMETRIC } kind;
    bool by_norm;                /* the scale of a particle is min(|y|, truncation) */
    double keep, pull;           /* drift factor and 1 - it */
    double spread, truncation;   /* sigma sqrt(dt); M, or infinite */
} rule;

#define QN_BODY "cbo/kernel_body.h"
#include "levels.h"

static double (*const moves[])(const rule *, const cbo_move *, size_t, size_t, const double *, const double *, qn_bulk *, double *) = QN_LEVELS(move);
static void (*const weighs[])(double, size_t, size_t, size_t, const double *, const double *, double *) = QN_LEVELS(weigh);

static atomic_int forced; /* level + 1 */

void cbo_kernel_use(qn_isa_level l)
{
    atomic_store(&forced, (int)l + 1);
    qn_bulk_use(l);
}

static qn_isa_level level(void)
{
    int l = atomic_load_explicit(&forced, memory_order_relaxed);
    return l ? (qn_isa_level)(l - 1) : qn_isa();
}

static rule rule_of(const cbo_move *m)
{
    const double t = m->lambda * m->dt;
    rule r = {.keep = m->exponential ? exp(-t) : 1 - t, .pull = m->exponential ? -expm1(-t) : t, .spread = m->sigma * sqrt(m->dt), .truncation = INFINITY};
    if (m->geometric) {
        r.kind = GEOMETRIC;
        r.keep = -(m->lambda + 0.5 * m->sigma * m->sigma) * m->dt;
    } else if (m->noise == CBO_ANISOTROPIC) {
        r.kind = BY_COMPONENT;
    } else if (m->noise == CBO_TRUNCATED) {
        r.truncation = m->truncation;
        r.kind = m->componentwise ? TRUNCATED_COMPONENT : BY_PARTICLE;
    }
    r.by_norm = r.kind == BY_PARTICLE && m->noise != CBO_CONSTANT;
    return r;
}

static size_t particles_of(const cbo_ensemble *e, size_t tile)
{
    size_t left = e->n - tile * CBO_LANES;
    return left < CBO_LANES ? left : CBO_LANES;
}

/* Particles that were moved and left the box are put on its wall; padding too, uncounted. */
static size_t cut_tile(cbo_ensemble *e, size_t tile, double cap)
{
    const size_t lanes = cbo_lanes_of(e, tile), count = particles_of(e, tile);
    size_t cut = 0;
    for (size_t k = 0; k < e->d; k++) {
        double *row = cbo_tile(e, tile) + k * CBO_LANES;
        for (size_t i = 0; i < lanes; i++)
            if (fabs(row[i]) > cap) {
                row[i] = copysign(cap, row[i]);
                cut += i < count;
            }
    }
    return cut;
}

static size_t move_tile(cbo_ensemble *e, const rule *r, const cbo_move *m, const double *c, size_t t)
{
    double most = moves[level()](r, m, e->d, cbo_lanes_of(e, t), e->f + t * CBO_LANES, c, &e->bulk[t], cbo_tile(e, t));
    return most > m->cap ? cut_tile(e, t, m->cap) : 0;
}

/* Moves (where there is a move), evaluates and weighs the tile. */
static size_t work_tile(cbo_ensemble *e, const cbo_objective *o, const rule *r, const cbo_move *m, const double *c, double alpha, size_t t, double *work)
{
    size_t cut = m ? move_tile(e, r, m, c, t) : 0;
    const size_t lanes = cbo_lanes_of(e, t);
    double *f = e->f + t * CBO_LANES;
    o->eval(o, lanes, cbo_tile(e, t), f, work);
    weighs[level()](alpha, e->d, lanes, particles_of(e, t), cbo_tile(e, t), f, e->slot + t * cbo_slot_size(e->d));
    return cut;
}

static size_t work_all(cbo_ensemble *e, const cbo_objective *o, const cbo_move *m, const double *c, double alpha)
{
    const rule r = m ? rule_of(m) : (rule){0};
    size_t cut = 0;
#ifdef _OPENMP
    if (e->threads > 1) {
#pragma omp parallel for schedule(static) num_threads((int)e->threads) reduction(+ : cut)
        for (size_t t = 0; t < e->tiles; t++)
            cut += work_tile(e, o, &r, m, c, alpha, t, e->work + (size_t)omp_get_thread_num() * 4 * e->d * CBO_LANES);
        return cut;
    }
#endif
    for (size_t t = 0; t < e->tiles; t++)
        cut += work_tile(e, o, &r, m, c, alpha, t, e->work);
    return cut;
}

/* The slots, in order, into the consensus: each tile's weights are relative to its own minimum. */
static void merge(const cbo_ensemble *e, double alpha, cbo_consensus *out)
{
    const size_t size = cbo_slot_size(e->d), d = e->d;
    double least = INFINITY;
    size_t first = 0;
    out->nonfinite = out->best = 0;
    for (size_t t = 0; t < e->tiles; t++) {
        const double *slot = e->slot + t * size;
        out->nonfinite += (size_t)slot[CBO_SLOT_NONFINITE];
        if (slot[CBO_SLOT_LEAST] < least) {
            least = slot[CBO_SLOT_LEAST];
            first = t;
        }
    }
    out->lost = out->nonfinite == e->n;
    out->unbounded = least == -INFINITY;
    if (out->lost || out->unbounded) {
        cbo_consensus_of(e->n, d, e->x, e->f, alpha, out);
        return;
    }
    out->f_best = least;
    for (out->best = first * CBO_LANES; e->f[out->best] != least;)
        out->best++;
    double sum = 0, square = 0;
    memset(out->c, 0, d * sizeof *out->c);
    for (size_t t = 0; t < e->tiles; t++) {
        const double *slot = e->slot + t * size, gap = slot[CBO_SLOT_LEAST] - least;
        if (gap == INFINITY)
            continue;
        double scale = isinf(alpha) ? gap == 0 : gap == 0 ? 1 : qn_vexp(-alpha * gap);
        if (scale == 0)
            continue;
        sum += scale * slot[CBO_SLOT_SUM];
        square += scale * scale * slot[CBO_SLOT_SQUARE];
        for (size_t k = 0; k < d; k++)
            out->c[k] += scale * slot[CBO_SLOT_X + k];
    }
    for (size_t k = 0; k < d; k++)
        out->c[k] /= sum;
    out->log_z = cbo_log_z(alpha, least, sum, e->n);
    out->n_eff = sum * sum / square;
}

size_t cbo_evaluate(cbo_ensemble *e, const cbo_objective *o, double alpha, cbo_consensus *out)
{
    work_all(e, o, NULL, NULL, alpha);
    merge(e, alpha, out);
    return e->n;
}

void cbo_step(cbo_ensemble *e, const cbo_objective *o, const cbo_move *m, const double *c, cbo_consensus *out, size_t *cut)
{
    *cut += work_all(e, o, m, c, m->alpha);
    merge(e, m->alpha, out);
}

void cbo_move_all(cbo_ensemble *e, const cbo_move *m, const double *c, size_t *cut)
{
    const rule r = rule_of(m);
    for (size_t t = 0; t < e->tiles; t++)
        *cut += move_tile(e, &r, m, c, t);
}

/* ---- particle by particle ------------------------------------------------------------------------------------------ */

/* One coordinate of a particle; f its value, norm |x - c|. */
static double moved(const cbo_move *m, double x, double c, double f, double norm, double xi)
{
    const double spread = m->sigma * sqrt(m->dt), t = m->lambda * m->dt, y = x - c;
    if (m->geometric)
        return c + y * qn_vexp(-(m->lambda + 0.5 * m->sigma * m->sigma) * m->dt + spread * xi);
    double keep = m->exponential ? exp(-t) : 1 - t, h = 1;
    if (m->heaviside != CBO_HEAVISIDE_NONE) {
        double gap = f - m->f_c;
        h = isnan(gap) ? 1 : m->heaviside == CBO_HEAVISIDE_SHARP ? (gap > 0 ? 1 : 0) : 1 / (1 + qn_vexp(gap * (-2 / m->heaviside_eps)));
        keep = 1 - (m->exponential ? -expm1(-t) : t) * h;
    }
    const double g = m->heaviside_noise ? h : 1;
    double amplitude = spread * g;
    if (m->noise == CBO_ISOTROPIC)
        amplitude = spread * (g * norm);
    else if (m->noise == CBO_ANISOTROPIC)
        amplitude = spread * g * y;
    else if (m->noise == CBO_TRUNCATED)
        amplitude = spread * fmin(g * (m->componentwise ? fabs(y) : norm), m->truncation);
    return c + (keep * y + amplitude * xi);
}

static double norm_of(size_t d, const double *x, const double *c)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++)
        sum += (x[k * CBO_LANES] - c[k]) * (x[k * CBO_LANES] - c[k]);
    return sqrt(sum);
}

/* The marked lanes of a tile; their normals coordinate by coordinate. */
static size_t move_marked(cbo_ensemble *e, const cbo_move *m, const double *c, size_t t, uint64_t mark)
{
    double *x = cbo_tile(e, t), norm[CBO_LANES], xi[CHUNK * CBO_LANES];
    const double *f = e->f + t * CBO_LANES;
    size_t lane[CBO_LANES], n = 0, cut = 0;
    for (size_t i = 0; i < CBO_LANES; i++)
        if (mark >> i & 1) {
            norm[n] = norm_of(e->d, x + i, c);
            lane[n++] = i;
        }
    for (size_t k = 0; k < e->d; k++) {
        if (k % CHUNK == 0)
            qn_bulk_normal(&e->bulk[t], n * (e->d - k < CHUNK ? e->d - k : CHUNK), xi);
        for (size_t j = 0; j < n; j++) {
            double *at = x + k * CBO_LANES + lane[j];
            *at = moved(m, *at, c[k], f[lane[j]], norm[j], xi[k % CHUNK * n + j]);
            if (fabs(*at) > m->cap) {
                *at = copysign(m->cap, *at);
                cut++;
            }
        }
    }
    return cut;
}

void cbo_move_some(cbo_ensemble *e, const cbo_move *m, const double *c, size_t n, const uint32_t *list, size_t *cut)
{
    memset(e->mark, 0, e->tiles * sizeof *e->mark);
    for (size_t j = 0; j < n; j++)
        e->mark[list[j] / CBO_LANES] |= UINT64_C(1) << list[j] % CBO_LANES;
    for (size_t t = 0; t < e->tiles; t++)
        if (e->mark[t])
            *cut += move_marked(e, m, c, t, e->mark[t]);
}

void cbo_step_plain(cbo_ensemble *e, const cbo_objective *o, const cbo_move *m, const double *c, cbo_consensus *out, size_t *cut)
{
    for (size_t t = 0; t < e->tiles; t++) {
        const size_t lanes = cbo_lanes_of(e, t);
        size_t uncounted = 0;
        uint64_t all = lanes == CBO_LANES ? UINT64_MAX : (UINT64_C(1) << lanes) - 1;
        size_t here = move_marked(e, m, c, t, all);
        for (size_t i = particles_of(e, t); i < lanes; i++)
            for (size_t k = 0; k < e->d; k++)
                uncounted += fabs(cbo_tile(e, t)[k * CBO_LANES + i]) >= m->cap;
        *cut += here - uncounted;
        o->eval(o, lanes, cbo_tile(e, t), e->f + t * CBO_LANES, e->work);
    }
    cbo_consensus_of(e->n, e->d, e->x, e->f, m->alpha, out);
}
