/* sphere.c -- consensus-based optimization on the sphere |x| = R, u = x/R, P(u) = I - u u^T:
 *   u~ = u + lambda dt P(u) c + sigma sqrt(dt) |u - c| P(u) xi - (sigma^2/2)(d - 1)|u - c|^2 u dt,   u <- u~/|u~|.
 * P(u)(u - c) = -P(u) c; the last term is Ito's.  Source: Fornasier, Huang, Pareschi, Sünnen, arXiv:2001.11994.
 *
 * R^2 = d for objectives that live there, else R = 1.  The consensus is inside the ball: the answer is R c/|c|. */
#include <math.h>

#include "method.h"
#include "pull.h"
#include "vmath.h"

static double radius(const cbo_state *s)
{
    return s->objective->sphere ? sqrt((double)s->d) : 1;
}

/* Onto the sphere; a point without direction goes to the first axis. */
QN_CLONES static void project(size_t d, double r, double *x)
{
    double sum[CBO_LANES] = {0}, scale[CBO_LANES];
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++)
            sum[i] += x[k * CBO_LANES + i] * x[k * CBO_LANES + i];
    for (size_t i = 0; i < CBO_LANES; i++)
        scale[i] = r / sqrt(sum[i]);
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++)
            x[k * CBO_LANES + i] = sum[i] > 0 ? x[k * CBO_LANES + i] * scale[i] : (k == 0 ? r : 0.0);
}

static int init(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    for (size_t t = 0; t < s->e.tiles; t++)
        project(s->d, radius(s), cbo_tile(&s->e, t));
    cbo_evaluate_all(s);
    return 0;
}

/* One tile before the projection: u~ times R in x. */
QN_CLONES static void move(size_t d, double r, double drift, double spread, double ito, const double *c, const double *xi, double *x)
{
    double gap2[CBO_LANES] = {0}, along_c[CBO_LANES] = {0}, along_xi[CBO_LANES] = {0}, keep[CBO_LANES], noise[CBO_LANES];
    for (size_t k = 0; k < d; k++) {
        double ck = c[k] / r;
        for (size_t i = 0; i < CBO_LANES; i++) {
            double u = x[k * CBO_LANES + i] / r;
            gap2[i] += (u - ck) * (u - ck);
            along_c[i] += u * ck;
            along_xi[i] += u * xi[k * CBO_LANES + i];
        }
    }
    for (size_t i = 0; i < CBO_LANES; i++) {
        noise[i] = spread * sqrt(gap2[i]);
        keep[i] = 1 - drift * along_c[i] - noise[i] * along_xi[i] - ito * gap2[i];
    }
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++) {
            size_t at = k * CBO_LANES + i;
            x[at] = keep[i] * x[at] + drift * c[k] + r * noise[i] * xi[at];
        }
}

static int step(cbo_state *s, qn_streams *streams)
{
    double dt = s->set.dt, r = radius(s);
    double ito = s->sigma * s->sigma / 2 * ((double)s->d - 1) * dt;
    (void)streams;
    for (size_t t = 0; t < s->e.tiles; t++) {
        cbo_normal_tile(&s->e, t, s->e.work);
        move(s->d, r, s->set.lambda * dt, s->sigma * sqrt(dt), ito, s->before, s->e.work, cbo_tile(&s->e, t));
        project(s->d, r, cbo_tile(&s->e, t));
    }
    cbo_evaluate_all(s);
    return 0;
}

static void answer(const cbo_state *s, double *x)
{
    double norm = 0;
    for (size_t k = 0; k < s->d; k++)
        norm += s->now.c[k] * s->now.c[k];
    for (size_t k = 0; k < s->d; k++)
        x[k] = norm > 0 ? s->now.c[k] * (radius(s) / sqrt(norm)) : s->now.c[k];
}

const cbo_method cbo_sphere = {.name = "sphere", .init = init, .step = step, .answer = answer};
