/* plain.c -- the method `cbo`: the particle step of kernel.c, with particle batches, the kick against stagnation and the geometric
 * integrator.  Batches after Carrillo, Jin, Li, Zhu 2021 (arXiv:1909.09249), section 2.3. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method.h"

/* Particle batches: a step moves with the consensus of one block and then forms that of the next.  `order` is the permutation of the present
 * epoch, cut into blocks of settings.batch_size. */
typedef struct batches {
    uint32_t *order;       /* [n] */
    size_t block, blocks;
    double *x, *f;         /* the particles of a block, in tiles */
} batches;

static void release(cbo_state *s)
{
    batches *b = s ? s->own : NULL;
    if (!b)
        return;
    free(b->order);
    free(b->x);
    free(b->f);
    free(b);
    s->own = NULL;
}

/* ---- particle batches -------------------------------------------------------------------------------------------- */

/* Evaluates the next block and forms its consensus; what e.f holds of the other particles is from their own turns. */
static void form_block(cbo_state *s, batches *b)
{
    size_t n = s->set.batch_size, d = s->d, tiles = (n + CBO_LANES - 1) / CBO_LANES;
    const uint32_t *list = b->order + b->block * n;
    for (size_t j = 0; j < tiles * CBO_LANES; j++) { /* the padding repeats the first */
        size_t i = list[j < n ? j : 0];
        const double *from = cbo_tile(&s->e, i / CBO_LANES) + i % CBO_LANES;
        double *to = b->x + j / CBO_LANES * d * CBO_LANES + j % CBO_LANES;
        for (size_t k = 0; k < d; k++)
            to[k * CBO_LANES] = from[k * CBO_LANES];
    }
    for (size_t t = 0; t < tiles; t++)
        s->objective->eval(s->objective, CBO_LANES, b->x + t * d * CBO_LANES, b->f + t * CBO_LANES, s->e.work);
    for (size_t j = 0; j < n; j++)
        s->e.f[list[j]] = b->f[j];
    s->evaluations += n;
    if (s->set.alpha_rule == CBO_ALPHA_NEFF)
        s->alpha = cbo_alpha_for(n, b->f, s->set.neff_target);
    cbo_consensus_of(n, d, b->x, b->f, s->alpha, &s->now);
    s->now.best = list[s->now.best];
}

static void shuffle(size_t n, uint32_t *order, qn_rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)qn_rng_below(rng, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

static int init(cbo_state *s, qn_streams *streams)
{
    size_t n = s->e.n, size = s->set.batch_size, tiles = (size + CBO_LANES - 1) / CBO_LANES;
    if (!size) {
        cbo_evaluate_all(s);
        return 0;
    }
    batches *b = s->own = calloc(1, sizeof *b);
    if (!b)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    b->blocks = n / size;
    b->order = malloc(n * sizeof *b->order);
    b->x = calloc(tiles * s->d * CBO_LANES, sizeof *b->x);
    b->f = calloc(tiles * CBO_LANES, sizeof *b->f);
    if (!b->order || !b->x || !b->f)
        return qn_fail(QN_ERR_NOMEM, "no memory for the particle batches");
    for (size_t i = 0; i < n; i++) {
        b->order[i] = (uint32_t)i;
        s->e.f[i] = NAN; /* not evaluated yet */
    }
    shuffle(n, b->order, &streams->dynamics);
    form_block(s, b);
    return 0;
}

static void step_block(cbo_state *s, batches *b, const cbo_move *m, qn_streams *streams)
{
    size_t cut = 0, n = s->set.batch_size;
    if (s->set.batch_full)
        cbo_move_all(&s->e, m, s->before, &cut);
    else
        cbo_move_some(&s->e, m, s->before, n, b->order + b->block * n, &cut);
    s->cut += cut;
    if (++b->block == b->blocks) {
        b->block = 0;
        shuffle(s->e.n, b->order, &streams->dynamics);
    }
    form_block(s, b);
}

/* ---- other moves --------------------------------------------------------------------------------------------------- */

/* y <- y exp(-(lambda + sigma^2/2) dt + sigma sqrt(dt) xi): exact for anisotropic noise while c stands; no coordinate crosses it. */
static void step_geometric(cbo_state *s, const cbo_move *m)
{
    size_t d = s->d;
    double drift = -(m->lambda + m->sigma * m->sigma / 2) * m->dt, spread = m->sigma * sqrt(m->dt);
    for (size_t t = 0; t < s->e.tiles; t++) {
        double *x = cbo_tile(&s->e, t), *xi = s->e.work;
        qn_rng_fill_normal(&s->e.rng[t], d * CBO_LANES, xi);
        for (size_t k = 0; k < d; k++)
            for (size_t i = 0; i < CBO_LANES; i++) {
                double *y = &x[k * CBO_LANES + i], c = s->before[k];
                *y = c + (*y - c) * exp(drift + spread * xi[k * CBO_LANES + i]);
            }
    }
    cbo_evaluate_all(s);
}

static bool stagnates(const cbo_state *s)
{
    double most = 0;
    for (size_t k = 0; k < s->d; k++)
        most = fmax(most, fabs(s->now.c[k] - s->before[k]));
    return most < s->set.kick_tol;
}

static void kick(cbo_state *s, const cbo_move *m)
{
    double spread = m->sigma * sqrt(m->dt);
    for (size_t t = 0; t < s->e.tiles; t++) {
        double *x = cbo_tile(&s->e, t), *xi = s->e.work;
        qn_rng_fill_normal(&s->e.rng[t], s->d * CBO_LANES, xi);
        for (size_t j = 0; j < s->d * CBO_LANES; j++)
            x[j] += spread * xi[j];
    }
    if (s->own)
        form_block(s, s->own);
    else
        cbo_evaluate_all(s);
}

static int step(cbo_state *s, qn_streams *streams)
{
    cbo_move m;
    cbo_move_of(s, &m);
    if (s->own)
        step_block(s, s->own, &m, streams);
    else if (s->set.integrator == CBO_GEOMETRIC)
        step_geometric(s, &m);
    else
        cbo_step_all(s, &m);
    if (s->set.kick_tol > 0 && stagnates(s))
        kick(s, &m);
    return 0;
}

/* ---- checkpoints --------------------------------------------------------------------------------------------------- */

static int save(const cbo_state *s, qn_group *g)
{
    const batches *b = s->own;
    if (!b)
        return 0;
    int64_t block = (int64_t)b->block;
    int err = qn_save_i64(g, "block", 1, &block);
    return err ? err : qn_save_bytes(g, "order", s->e.n * sizeof *b->order, b->order);
}

static int load(cbo_state *s, const qn_group *g)
{
    batches *b = s->own;
    if (!b)
        return 0;
    int64_t block;
    int err = qn_load_i64(g, "block", 1, &block);
    if (!err)
        err = qn_load_bytes(g, "order", s->e.n * sizeof *b->order, b->order);
    if (err)
        return err;
    for (size_t i = 0; i < s->e.n; i++)
        if (b->order[i] >= s->e.n)
            return qn_fail(QN_ERR_DATA, "the checkpoint's order of particles names one beyond the last");
    if (block < 0 || (size_t)block >= b->blocks)
        return qn_fail(QN_ERR_DATA, "the checkpoint is at a block of particles that does not exist");
    b->block = (size_t)block;
    return 0;
}

const cbo_method cbo_plain = {.name = "cbo", .init = init, .step = step, .save = save, .load = load, .free = release};
