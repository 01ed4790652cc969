/* polarized.c -- polarized consensus: every particle has a consensus of its own, weighted by a kernel around it,
 *   c_i = sum_j k(x_i, x_j) w_j x_j / sum_j k(x_i, x_j) w_j,   k = exp(-|x_i - x_j|^2/(2 kappa^2)) or that to the power alpha.
 * To the power alpha c_i is the proximal point of f at x_i with step kappa^2, softened, over the cloud.  kappa = inf is the plain method itself.
 * Source: Bungert, Roith, Wacker, arXiv:2211.05238.
 *
 * Cost N^2 (5 d flops and one exp) a step: one particle against tiles of the others, the exponents of a row kept and shifted by their largest so
 * that no c_i is 0/0 however small the kernel or large alpha.  Distances are sums of squared differences: no cancellation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method.h"
#include "pull.h"
#include "vmath.h"

typedef struct polarized {
    double *log_w; /* [tiles*CBO_LANES] -alpha (f_j - min f); -INFINITY: weight 0, and in the padding */
    double *row;   /* [tiles*CBO_LANES] exponents, then weights, of one particle */
    double *c;     /* [d][CBO_LANES] the c_i of a tile */
    double *next;  /* like e.x: positions after the step, when all c_i come from those before */
} polarized;

static bool plain(const cbo_state *s)
{
    return isinf(s->set.kernel_width);
}

static void release(cbo_state *s)
{
    if (s && plain(s)) {
        cbo_plain.free(s);
        return;
    }
    polarized *p = s ? s->own : NULL;
    if (!p)
        return;
    free(p->log_w);
    free(p->row);
    free(p->c);
    free(p->next);
    free(p);
    s->own = NULL;
}

static int init(cbo_state *s, qn_streams *streams)
{
    size_t all = s->e.tiles * CBO_LANES;
    if (plain(s))
        return cbo_plain.init(s, streams);
    polarized *p = s->own = calloc(1, sizeof *p);
    if (!p)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    p->log_w = malloc(all * sizeof *p->log_w);
    p->row = malloc(all * sizeof *p->row);
    p->c = malloc(s->d * CBO_LANES * sizeof *p->c);
    p->next = malloc(all * s->d * sizeof *p->next);
    if (!p->log_w || !p->row || !p->c || !p->next)
        return qn_fail(QN_ERR_NOMEM, "no memory for the kernel of N = %zu particles", s->e.n);
    cbo_evaluate_all(s);
    return 0;
}

/* The exponents without the kernel.  At alpha = inf they are 0 for the best and -inf for the others, or, with the kernel to the power alpha,
 * -(f_j - min f) itself: then the largest exponent alone counts. */
static void weigh(const cbo_state *s, double alpha, double *log_w)
{
    size_t all = s->e.tiles * CBO_LANES;
    for (size_t j = 0; j < all; j++) {
        double gap = s->e.f[j] - s->now.f_best, x = -alpha * gap;
        if (isinf(alpha))
            x = s->set.kernel_power ? -gap : (gap > 0 ? -INFINITY : 0);
        log_w[j] = j < s->e.n && gap < INFINITY ? x : -INFINITY;
    }
}

/* row = log_w - rate |x_j - x|^2; returns the largest. */
QN_CLONES static double exponents(size_t d, size_t tiles, const double *all, const double *log_w, const double *x, double rate, double *row)
{
    double top[CBO_LANES];
    for (size_t i = 0; i < CBO_LANES; i++)
        top[i] = -INFINITY;
    for (size_t t = 0; t < tiles; t++) {
        double sum[CBO_LANES] = {0};
        const double *tile = all + t * d * CBO_LANES;
        for (size_t k = 0; k < d; k++)
            for (size_t i = 0; i < CBO_LANES; i++) {
                double r = tile[k * CBO_LANES + i] - x[k];
                sum[i] += r * r;
            }
        for (size_t i = 0; i < CBO_LANES; i++) {
            double y = log_w[t * CBO_LANES + i] - rate * sum[i];
            row[t * CBO_LANES + i] = y;
            top[i] = y > top[i] ? y : top[i];
        }
    }
    for (size_t half = CBO_LANES / 2; half; half /= 2)
        for (size_t i = 0; i < half; i++)
            top[i] = top[i] > top[i + half] ? top[i] : top[i + half];
    return top[0];
}

static double fold(double sum[CBO_LANES])
{
    for (size_t half = CBO_LANES / 2; half; half /= 2)
        for (size_t i = 0; i < half; i++)
            sum[i] += sum[i + half];
    return sum[0];
}

/* exp(row - top); returns the sum. */
QN_CLONES static double weights(size_t tiles, double top, double *row)
{
    double sum[CBO_LANES] = {0};
    for (size_t t = 0; t < tiles; t++)
        for (size_t i = 0; i < CBO_LANES; i++) {
            double w = qn_vexp(row[t * CBO_LANES + i] - top);
            row[t * CBO_LANES + i] = w;
            sum[i] += w;
        }
    return fold(sum);
}

/* The limit alpha -> inf: 1 at the largest exponents. */
static double largest(size_t tiles, double top, double *row)
{
    double sum = 0;
    for (size_t j = 0; j < tiles * CBO_LANES; j++)
        sum += row[j] = row[j] < top ? 0 : 1;
    return sum;
}

QN_CLONES static void weighted(size_t d, size_t tiles, const double *all, const double *row, double total, double *c, size_t stride)
{
    for (size_t k = 0; k < d; k++) {
        double sum[CBO_LANES] = {0};
        for (size_t t = 0; t < tiles; t++)
            for (size_t i = 0; i < CBO_LANES; i++)
                sum[i] += row[t * CBO_LANES + i] * all[(t * d + k) * CBO_LANES + i];
        c[k * stride] = fold(sum) / total;
    }
}

/* The c_i of the tile into p->c; padding has its own position. */
static void consensus_points(cbo_state *s, polarized *p, double alpha, size_t t, size_t count)
{
    double kappa = s->set.kernel_width, rate = 0.5 / (kappa * kappa);
    bool limit = s->set.kernel_power && isinf(alpha);
    if (s->set.kernel_power && !limit)
        rate *= alpha;
    memcpy(p->c, cbo_tile(&s->e, t), s->d * CBO_LANES * sizeof *p->c);
    for (size_t i = 0; i < count; i++) {
        cbo_ensemble_point(&s->e, t * CBO_LANES + i, s->point);
        double top = exponents(s->d, s->e.tiles, s->e.x, p->log_w, s->point, rate, p->row);
        if (!(top > -INFINITY)) /* no particle has a weight: stay */
            continue;
        double total = limit ? largest(s->e.tiles, top, p->row) : weights(s->e.tiles, top, p->row);
        weighted(s->d, s->e.tiles, s->e.x, p->row, total, p->c + i, CBO_LANES);
    }
}

static void step_tile(cbo_state *s, polarized *p, const cbo_move *m, double alpha, size_t t)
{
    size_t d = s->d, rows = d * CBO_LANES, lanes = cbo_lanes_of(&s->e, t), left = s->e.n - t * CBO_LANES;
    size_t count = left < CBO_LANES ? left : CBO_LANES;
    double *add = s->e.work, *xi = s->e.work + rows, *z = s->e.work + 2 * rows, factor[CBO_LANES], f_c[CBO_LANES];
    const double *x = cbo_tile(&s->e, t);
    cbo_pull pull = cbo_pull_of(m, m->lambda, m->sigma);
    consensus_points(s, p, alpha, t, count);
    if (m->heaviside) {
        memset(f_c, 0, sizeof f_c);
        s->objective->eval(s->objective, lanes, p->c, f_c, z);
        s->evaluations += count;
        cbo_heaviside_of(m, s->e.f + t * CBO_LANES, f_c, factor);
    }
    memset(add, 0, rows * sizeof *add);
    cbo_normal_tile(&s->e, t, xi);
    cbo_pull_tile(&pull, d, x, p->c, xi, m->heaviside ? factor : NULL, add);
    memcpy(p->next + t * rows, x, rows * sizeof *x);
    s->cut += cbo_land_tile(d, count, add, m->cap, p->next + t * rows);
}

static int step(cbo_state *s, qn_streams *streams)
{
    polarized *p = s->own;
    cbo_move m;
    if (plain(s))
        return cbo_plain.step(s, streams);
    double alpha = cbo_alpha_now(s);
    cbo_move_of(s, &m);
    weigh(s, alpha, p->log_w);
    for (size_t t = 0; t < s->e.tiles; t++)
        step_tile(s, p, &m, alpha, t);
    memcpy(s->e.x, p->next, s->e.tiles * s->d * CBO_LANES * sizeof *p->next);
    cbo_evaluate_all(s);
    return 0;
}

/* Only the plain method has a state to keep. */
static int save(const cbo_state *s, qn_group *g)
{
    return plain(s) ? cbo_plain.save(s, g) : 0;
}

static int load(cbo_state *s, const qn_group *g)
{
    return plain(s) ? cbo_plain.load(s, g) : 0;
}

const cbo_method cbo_polarized = {.name = "polarized", .init = init, .step = step, .save = save, .load = load, .free = release};
