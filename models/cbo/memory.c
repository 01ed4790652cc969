/* memory.c -- consensus-based optimization with memory and gradient: every particle keeps a best y of its own, c is the consensus of the y, and
 *   x += -lambda (x - c) dt - lambda2 (x - y) dt - gamma grad f(x) dt + sigma D(x - c) sqrt(dt) xi1 + sigma2 D(x - y) sqrt(dt) xi2,
 * all from the positions before the step.  Then y <- x where f(x) < f(y) (sharp), or
 *   y += kappa dt (x - y) (1 + tanh(beta (f(y) - f(x))))/2 (smooth), which needs f at the new y: a second evaluation.
 * Source: Riedl, arXiv:2211.12184. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method.h"
#include "pull.h"
#include "vmath.h"

typedef struct memory {
    double *y, *f_y; /* like e.x and e.f; f(y) is cached */
    double *c;       /* [d][CBO_LANES] the consensus, for every lane */
    double *xi;      /* [d][CBO_LANES] */
} memory;

static void release(cbo_state *s)
{
    memory *p = s ? s->own : NULL;
    if (!p)
        return;
    free(p->y);
    free(p->f_y);
    free(p->c);
    free(p->xi);
    free(p);
    s->own = NULL;
}

static void swap(double **a, double **b)
{
    double *t = *a;
    *a = *b;
    *b = t;
}

/* The consensus of the y.  Better points found so far are among them, or (smooth) also among the x. */
static void form_consensus(cbo_state *s, memory *p)
{
    swap(&s->e.x, &p->y);
    swap(&s->e.f, &p->f_y);
    cbo_form_consensus(s);
    if (s->now.f_best < s->best_f) {
        s->best_f = s->now.f_best;
        cbo_ensemble_point(&s->e, s->now.best, s->best_x);
    }
    swap(&s->e.x, &p->y);
    swap(&s->e.f, &p->f_y);
    for (size_t i = 0; i < s->e.n && s->set.memory_smooth; i++)
        if (s->e.f[i] < s->best_f) {
            s->best_f = s->e.f[i];
            cbo_ensemble_point(&s->e, i, s->best_x);
        }
}

static int init(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    size_t all = s->e.tiles * CBO_LANES, rows = s->d * CBO_LANES;
    memory *p = s->own = calloc(1, sizeof *p);
    if (!p)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    p->y = malloc(all * s->d * sizeof *p->y);
    p->f_y = malloc(all * sizeof *p->f_y);
    p->c = malloc(rows * sizeof *p->c);
    p->xi = malloc(rows * sizeof *p->xi);
    if (!p->y || !p->f_y || !p->c || !p->xi)
        return qn_fail(QN_ERR_NOMEM, "no memory for the personal bests of N = %zu particles", s->e.n);
    cbo_evaluate_all(s);
    memcpy(p->y, s->e.x, all * s->d * sizeof *p->y);
    memcpy(p->f_y, s->e.f, all * sizeof *p->f_y);
    return 0;
}

static void descend(cbo_state *s, size_t count, const double *x, double *add)
{
    double gamma_dt = s->set.gradient_drift * s->set.dt;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < s->d; k++)
            s->point[k] = x[k * CBO_LANES + i];
        cbo_gradient(s->objective, s->point, s->point2, s->work);
        for (size_t k = 0; k < s->d; k++)
            add[k * CBO_LANES + i] -= gamma_dt * s->point2[k];
    }
    s->evaluations += count * (s->objective->grad ? 1 : 2 * s->d);
}

/* y of one tile follows x. */
static void remember(const cbo_state *s, size_t count, const double *x, const double *f, double *y, double *f_y)
{
    const cbo_settings *set = &s->set;
    for (size_t i = 0; i < count; i++) {
        double share; /* a point without a value is worse than any */
        if (isnan(f[i]) || isnan(f_y[i]))
            share = !isnan(f[i]);
        else if (!set->memory_smooth)
            share = f[i] < f_y[i];
        else
            share = set->memory_kappa * set->dt / (1 + qn_vexp(2 * set->memory_beta * (f[i] - f_y[i]))); /* (1 + tanh z)/2 */
        if (!(share > 0)) /* inf - inf too */
            continue;
        for (size_t k = 0; k < s->d; k++) {
            size_t at = k * CBO_LANES + i;
            y[at] = set->memory_smooth ? y[at] + share * (x[at] - y[at]) : x[at];
        }
        f_y[i] = f[i]; /* smooth: evaluated below */
    }
}

static void step_tile(cbo_state *s, memory *p, const cbo_move *m, size_t t)
{
    size_t d = s->d, rows = d * CBO_LANES, lanes = cbo_lanes_of(&s->e, t), left = s->e.n - t * CBO_LANES;
    size_t count = left < CBO_LANES ? left : CBO_LANES;
    double *x = cbo_tile(&s->e, t), *f = s->e.f + t * CBO_LANES, *y = p->y + t * rows, *f_y = p->f_y + t * CBO_LANES;
    double *add = s->e.work, *z = s->e.work + rows, factor[CBO_LANES], f_c[CBO_LANES];
    cbo_pull to_c = cbo_pull_of(m, m->lambda, m->sigma), to_y = cbo_pull_of(m, s->set.memory_lambda, s->set.memory_sigma);
    for (size_t i = 0; i < CBO_LANES; i++)
        f_c[i] = m->f_c;
    if (m->heaviside)
        cbo_heaviside_of(m, f, f_c, factor);
    memset(add, 0, rows * sizeof *add);
    cbo_normal_tile(&s->e, t, p->xi);
    cbo_pull_tile(&to_c, d, x, p->c, p->xi, m->heaviside ? factor : NULL, add);
    if (s->set.memory_lambda > 0 || s->set.memory_sigma > 0) {
        cbo_normal_tile(&s->e, t, p->xi);
        cbo_pull_tile(&to_y, d, x, y, p->xi, NULL, add);
    }
    if (s->set.gradient_drift > 0)
        descend(s, count, x, add);
    s->cut += cbo_land_tile(d, count, add, m->cap, x);
    s->objective->eval(s->objective, lanes, x, f, z);
    remember(s, count, x, f, y, f_y);
    if (s->set.memory_smooth)
        s->objective->eval(s->objective, lanes, y, f_y, z);
    s->evaluations += count * (s->set.memory_smooth ? 2 : 1);
}

static int step(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    memory *p = s->own;
    cbo_move m;
    cbo_move_of(s, &m);
    for (size_t at = 0; at < s->d * CBO_LANES; at++)
        p->c[at] = s->before[at / CBO_LANES];
    for (size_t t = 0; t < s->e.tiles; t++)
        step_tile(s, p, &m, t);
    form_consensus(s, p);
    return 0;
}

static int save(const cbo_state *s, qn_group *g)
{
    const memory *p = s->own;
    int err = qn_save_f64(g, "memory.y", s->e.tiles * CBO_LANES * s->d, p->y);
    return err ? err : qn_save_f64(g, "memory.f", s->e.tiles * CBO_LANES, p->f_y);
}

static int load(cbo_state *s, const qn_group *g)
{
    memory *p = s->own;
    int err = qn_load_f64(g, "memory.y", s->e.tiles * CBO_LANES * s->d, p->y);
    return err ? err : qn_load_f64(g, "memory.f", s->e.tiles * CBO_LANES, p->f_y);
}

const cbo_method cbo_memory = {.name = "memory", .init = init, .step = step, .save = save, .load = load, .free = release};
