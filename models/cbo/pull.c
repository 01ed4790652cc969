/* pull.c -- see pull.h. */
#include "pull.h"

#include <math.h>
#include <string.h>

#include "schedule.h"
#include "vmath.h"

cbo_pull cbo_pull_of(const cbo_move *m, double lambda, double sigma)
{
    return (cbo_pull){
        .drift = m->exponential ? -expm1(-lambda * m->dt) : lambda * m->dt,
        .spread = sigma * sqrt(m->dt),
        .noise = m->noise,
        .truncation = m->noise == CBO_TRUNCATED ? m->truncation : INFINITY,
        .componentwise = m->noise == CBO_ANISOTROPIC || (m->noise == CBO_TRUNCATED && m->componentwise),
        .heaviside_noise = m->heaviside_noise,
    };
}

/* min(|y|, truncation) of each particle; 1 for constant noise. */
QN_CLONES static void lengths(const cbo_pull *p, size_t d, const double *x, const double *to, const double *g, double *length)
{
    double sum[CBO_LANES] = {0};
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++) {
            double y = x[k * CBO_LANES + i] - to[k * CBO_LANES + i];
            sum[i] += y * y;
        }
    for (size_t i = 0; i < CBO_LANES; i++) {
        double r = g[i] * sqrt(sum[i]);
        length[i] = r < p->truncation ? r : p->truncation;
    }
}

QN_CLONES static void pull_by_length(const cbo_pull *p, size_t d, const double *x, const double *to, const double *xi, const double *h,
                                     const double *length, double *add)
{
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++) {
            size_t at = k * CBO_LANES + i;
            add[at] += p->spread * length[i] * xi[at] - p->drift * h[i] * (x[at] - to[at]);
        }
}

QN_CLONES static void pull_by_component(const cbo_pull *p, size_t d, const double *x, const double *to, const double *xi, const double *h,
                                        const double *g, double *add)
{
    const bool cut = p->noise == CBO_TRUNCATED;
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++) {
            size_t at = k * CBO_LANES + i;
            double y = x[at] - to[at], size = g[i] * fabs(y), least = size < p->truncation ? size : p->truncation;
            add[at] += p->spread * (cut ? least : g[i] * y) * xi[at] - p->drift * h[i] * y;
        }
}

void cbo_pull_tile(const cbo_pull *p, size_t d, const double *x, const double *to, const double *xi, const double *factor, double *add)
{
    double one[CBO_LANES], length[CBO_LANES];
    for (size_t i = 0; i < CBO_LANES; i++)
        one[i] = length[i] = 1;
    const double *h = factor ? factor : one, *g = p->heaviside_noise ? h : one;
    if (p->componentwise) {
        pull_by_component(p, d, x, to, xi, h, g, add);
        return;
    }
    if (p->noise != CBO_CONSTANT)
        lengths(p, d, x, to, g, length);
    pull_by_length(p, d, x, to, xi, h, length, add);
}

/* (1 + tanh z)/2 = 1/(1 + exp(-2z)). */
QN_CLONES void cbo_heaviside_of(const cbo_move *m, const double *f, const double *f_c, double *factor)
{
    for (size_t i = 0; i < CBO_LANES; i++) {
        double gap = f[i] - f_c[i];
        double h = m->heaviside == CBO_HEAVISIDE_SHARP ? (gap > 0 ? 1.0 : 0.0) : 1 / (1 + qn_vexp(gap * (-2 / m->heaviside_eps)));
        factor[i] = gap == gap ? h : 1; /* a particle without a value drifts */
    }
}

double cbo_alpha_now(const cbo_state *s)
{
    return s->set.alpha_rule == CBO_ALPHA_NEFF ? s->alpha : cbo_alpha_at(&s->set, s->steps);
}

void cbo_normal_tile(const cbo_ensemble *e, size_t tile, double *xi)
{
    size_t lanes = cbo_lanes_of(e, tile);
    if (lanes == CBO_LANES) {
        qn_bulk_normal(&e->bulk[tile], e->d * CBO_LANES, xi);
        return;
    }
    for (size_t k = 0; k < e->d; k++) {
        qn_bulk_normal(&e->bulk[tile], lanes, xi + k * CBO_LANES);
        memset(xi + k * CBO_LANES + lanes, 0, (CBO_LANES - lanes) * sizeof *xi);
    }
}

QN_CLONES size_t cbo_land_tile(size_t d, size_t count, const double *add, double cap, double *x)
{
    size_t cut = 0;
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++) {
            size_t at = k * CBO_LANES + i;
            double y = x[at] + add[at];
            cut += fabs(y) > cap && i < count;
            y = y > cap ? cap : y;
            x[at] = y < -cap ? -cap : y;
        }
    return cut;
}
