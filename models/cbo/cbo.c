/* cbo.c -- consensus-based optimization: the model and the life of one task (method.h).
 *
 * A task is one run.  Its objective is drawn from the disorder stream, the start and the moves from streams of the tiles of 64 particles,
 * which live in the ensemble; shuffles and data batches come from the dynamics stream. */
#include "cbo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "implicit.h"
#include "measure.h"
#include "schedule.h"
#include "theory.h"

static const cbo_method *const methods[CBO_METHODS] = {
    [CBO_METHOD_CBO] = &cbo_plain,         [CBO_METHOD_MEMORY] = &cbo_memory,   [CBO_METHOD_POLARIZED] = &cbo_polarized,
    [CBO_METHOD_SAMPLING] = &cbo_sampling, [CBO_METHOD_SPHERE] = &cbo_sphere,   [CBO_METHOD_HOPPING] = &cbo_hopping,
    [CBO_METHOD_PROXIMAL] = &cbo_proximal, [CBO_METHOD_GRADIENT] = &cbo_descent, [CBO_METHOD_LANGEVIN] = &cbo_langevin,
};

/* ---- what methods call --------------------------------------------------------------------------------------------- */

void cbo_move_of(cbo_state *s, cbo_move *m)
{
    const cbo_settings *set = &s->set;
    *m = (cbo_move){
        .lambda = set->lambda,
        .sigma = s->sigma,
        .dt = set->dt,
        .alpha = s->alpha,
        .exponential = set->integrator == CBO_EXPONENTIAL,
        .noise = set->noise,
        .truncation = set->truncation,
        .componentwise = set->componentwise,
        .heaviside = set->heaviside,
        .heaviside_eps = set->heaviside_eps,
        .heaviside_noise = set->heaviside_noise,
        .cap = set->cap,
    };
    if (set->heaviside != CBO_HEAVISIDE_NONE)
        m->f_c = cbo_try_point(s, s->before);
}

void cbo_form_consensus(cbo_state *s)
{
    if (s->set.alpha_rule == CBO_ALPHA_NEFF)
        s->alpha = cbo_alpha_for(s->e.n, s->e.f, s->set.neff_target);
    cbo_consensus_of(s->e.n, s->d, s->e.x, s->e.f, s->alpha, &s->now);
}

void cbo_evaluate_all(cbo_state *s)
{
    for (size_t t = 0; t < s->e.tiles; t++)
        s->objective->eval(s->objective, cbo_lanes_of(&s->e, t), cbo_tile(&s->e, t), s->e.f + t * CBO_LANES, s->e.work);
    s->evaluations += s->e.n;
    cbo_form_consensus(s);
}

void cbo_step_all(cbo_state *s, const cbo_move *m)
{
    size_t cut = 0;
    cbo_step(&s->e, s->objective, m, s->before, &s->now, &cut);
    s->evaluations += s->e.n;
    s->cut += cut;
    if (s->set.alpha_rule == CBO_ALPHA_NEFF)
        cbo_form_consensus(s);
}

double cbo_try_point(cbo_state *s, const double *x)
{
    double f = cbo_value(s->objective, x, s->work);
    s->evaluations++;
    if (f < s->best_f) {
        s->best_f = f;
        memcpy(s->best_x, x, s->d * sizeof *x);
    }
    return f;
}

/* ---- data that tasks share ----------------------------------------------------------------------------------------- */

typedef struct shared_data {
    const cbo_objective_kind *kind;
    void *data;
} shared_data;

static int prepare(const qn_params *p, void **shared)
{
    const cbo_objective_kind *kind = cbo_objective_kind_of(p);
    if (!kind->prepare)
        return 0;
    shared_data *x = calloc(1, sizeof *x);
    if (!x)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    x->kind = kind;
    int err = kind->prepare(p, &x->data);
    if (err)
        free(x);
    else
        *shared = x;
    return err;
}

static void release(void *shared)
{
    shared_data *x = shared;
    if (x && x->kind->release)
        x->kind->release(x->data);
    free(x);
}

/* ---- one task ------------------------------------------------------------------------------------------------------ */

static void destroy(void *state)
{
    cbo_state *s = state;
    if (!s)
        return;
    if (s->method && s->method->free)
        s->method->free(s);
    cbo_ensemble_free(&s->e);
    cbo_objective_free(s->objective);
    free(s->now.c);
    free(s->before);
    free(s->best_x);
    free(s->work);
    free(s->point);
    free(s->point2);
    free(s->grad_before);
    free(s);
}

static int allocate(cbo_state *s)
{
    double **vectors[] = {&s->now.c, &s->before, &s->best_x, &s->point, &s->point2, &s->grad_before};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        if (!(*vectors[i] = calloc(s->d, sizeof(double))))
            return qn_fail(QN_ERR_NOMEM, "no memory for points of d = %zu coordinates", s->d);
    s->work = aligned_alloc(64, 3 * s->d * CBO_LANES * sizeof(double));
    return s->work ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for points of d = %zu coordinates", s->d);
}

/* Every lane is drawn, the padding too: it holds finite numbers. */
static void draw_start(cbo_state *s)
{
    const cbo_settings *set = &s->set;
    for (size_t t = 0; t < s->e.tiles; t++) {
        double *x = cbo_tile(&s->e, t);
        size_t n = s->d * CBO_LANES;
        if (set->start == CBO_START_UNIFORM)
            qn_rng_fill_uniform(&s->e.rng[t], n, x);
        else
            qn_rng_fill_normal(&s->e.rng[t], n, x);
        for (size_t j = 0; j < n; j++)
            x[j] = set->start == CBO_START_UNIFORM ? set->start_low + (set->start_high - set->start_low) * x[j] : set->start_mean + set->start_sd * x[j];
    }
}

static int create(const qn_params *p, const void *shared, qn_streams *streams, void **state)
{
    const shared_data *x = shared;
    cbo_state *s = *state = calloc(1, sizeof *s);
    if (!s)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    cbo_settings_read(p, &s->set);
    s->best_f = INFINITY;
    s->hit_step = -1;
    int err = cbo_objective_make(p, x ? x->data : NULL, streams, &s->objective);
    if (err)
        return err;
    s->d = s->objective->d;
    err = allocate(s);
    if (!err)
        err = cbo_ensemble_init(&s->e, s->set.n, s->d, streams);
    if (err)
        return err;
    draw_start(s);
    s->alpha = cbo_alpha_at(&s->set, 0);
    s->sigma = cbo_sigma_at(&s->set, 0);
    if (s->objective->batch)
        s->objective->batch(s->objective, &streams->dynamics);
    s->method = methods[s->set.method];
    err = s->method->init(s, streams);
    if (err)
        return err;
    memcpy(s->before, s->now.c, s->d * sizeof *s->before);
    cbo_look(s);
    return 0;
}

/* c onto the ball of radius r around 0. */
static void project(size_t d, double r, double *c)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++)
        sum += c[k] * c[k];
    double scale = r / sqrt(sum);
    for (size_t k = 0; k < d && scale < 1; k++)
        c[k] *= scale;
}

static int step(void *state, qn_streams *streams)
{
    cbo_state *s = state;
    if (s->set.implicit)
        cbo_implicit_before(s);
    memcpy(s->before, s->now.c, s->d * sizeof *s->before);
    if (isfinite(s->set.consensus_radius))
        project(s->d, s->set.consensus_radius, s->before);
    s->sigma = cbo_sigma_at(&s->set, s->steps);
    if (s->set.alpha_rule != CBO_ALPHA_NEFF)
        s->alpha = cbo_alpha_at(&s->set, s->steps + 1);
    if (s->objective->batch)
        s->objective->batch(s->objective, &streams->dynamics);
    int err = s->method->step(s, streams);
    s->steps++;
    if (!err)
        cbo_look(s);
    return err;
}

/* A lost run is ended too: what it shows from there is NaN by measure(), and its survival curve goes on. */
static qn_end done(const void *state)
{
    const cbo_state *s = state;
    return s->stop == CBO_RUNNING ? QN_GOING : QN_ENDED;
}

/* ---- checkpoints --------------------------------------------------------------------------------------------------- */

/* All of the state as it is: nothing is formed again, so that the bits are the same. */
static int save(const void *state, qn_group *g)
{
    const cbo_state *s = state;
    const cbo_consensus *c = &s->now;
    size_t lanes = s->e.tiles * CBO_LANES, d = s->d;
    double numbers[] = {s->alpha, s->sigma, c->log_z, c->n_eff, c->f_best, s->best_f, s->tau_before, s->v_start, s->fit[0], s->fit[1], s->fit[2], s->fit[3], s->fit[4]};
    int64_t counts[] = {(int64_t)s->steps, (int64_t)s->evaluations, (int64_t)s->nonfinite, (int64_t)s->cut, s->hit_step, s->still, s->stop, s->fit_over,
                        (int64_t)c->best, (int64_t)c->nonfinite, c->lost, c->unbounded};
    const struct {
        const char *name;
        size_t n;
        const double *x;
    } arrays[] = {{"x", lanes * d, s->e.x}, {"f", lanes, s->e.f}, {"c", d, c->c}, {"before", d, s->before}, {"best_x", d, s->best_x},
                  {"grad_before", d, s->grad_before}, {"numbers", sizeof numbers / sizeof *numbers, numbers}};
    int err = qn_save_i64(g, "counts", sizeof counts / sizeof *counts, counts);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !err; i++)
        err = qn_save_f64(g, arrays[i].name, arrays[i].n, arrays[i].x);
    if (!err)
        err = qn_save_bytes(g, "tile_streams", s->e.tiles * sizeof *s->e.rng, s->e.rng);
    if (!err)
        err = qn_save_bytes(g, "tile_normals", s->e.tiles * sizeof *s->e.bulk, s->e.bulk);
    if (!err && s->objective->save)
        err = s->objective->save(s->objective, g);
    return err || !s->method->save ? err : s->method->save(s, g);
}

static int load(void *state, const qn_group *g)
{
    cbo_state *s = state;
    cbo_consensus *c = &s->now;
    size_t lanes = s->e.tiles * CBO_LANES, d = s->d;
    double numbers[13];
    int64_t counts[12];
    const struct {
        const char *name;
        size_t n;
        double *x;
    } arrays[] = {{"x", lanes * d, s->e.x}, {"f", lanes, s->e.f}, {"c", d, c->c}, {"before", d, s->before}, {"best_x", d, s->best_x},
                  {"grad_before", d, s->grad_before}, {"numbers", sizeof numbers / sizeof *numbers, numbers}};
    int err = qn_load_i64(g, "counts", sizeof counts / sizeof *counts, counts);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !err; i++)
        err = qn_load_f64(g, arrays[i].name, arrays[i].n, arrays[i].x);
    if (!err)
        err = qn_load_bytes(g, "tile_streams", s->e.tiles * sizeof *s->e.rng, s->e.rng);
    if (!err)
        err = qn_load_bytes(g, "tile_normals", s->e.tiles * sizeof *s->e.bulk, s->e.bulk);
    if (err)
        return err;
    if (counts[8] < 0 || (size_t)counts[8] >= s->e.n || counts[6] < CBO_RUNNING || counts[6] > CBO_STOP_UNBOUNDED)
        return qn_fail(QN_ERR_DATA, "the checkpoint names a particle or a status that does not exist");
    s->alpha = numbers[0];
    s->sigma = numbers[1];
    c->log_z = numbers[2];
    c->n_eff = numbers[3];
    c->f_best = numbers[4];
    s->best_f = numbers[5];
    s->tau_before = numbers[6];
    s->v_start = numbers[7];
    memcpy(s->fit, numbers + 8, sizeof s->fit);
    s->steps = (uint64_t)counts[0];
    s->evaluations = (uint64_t)counts[1];
    s->nonfinite = (uint64_t)counts[2];
    s->cut = (uint64_t)counts[3];
    s->hit_step = counts[4];
    s->still = counts[5];
    s->stop = (cbo_stop)counts[6];
    s->fit_over = counts[7] != 0;
    c->best = (size_t)counts[8];
    c->nonfinite = (size_t)counts[9];
    c->lost = counts[10] != 0;
    c->unbounded = counts[11] != 0;
    if (s->objective->load)
        err = s->objective->load(s->objective, g);
    return err || !s->method->load ? err : s->method->load(s, g);
}

/* ---- the model ----------------------------------------------------------------------------------------------------- */

const qn_model cbo_model = {
    .abi = QN_ABI,
    .name = "cbo",
    .summary = "consensus-based optimization: particles that minimise a function without its derivatives",
    .reference = "Pinnau, Totzeck, Tse, Martin, arXiv:1604.05648; Carrillo, Jin, Li, Zhu, arXiv:1909.09249; Riedl et al., arXiv:2306.09778",
    .stream_version = 1,
    .parameters = cbo_parameters,
    .observables = cbo_observables,
    .theory = cbo_quantities,
    .check = cbo_check,
    .cost = cbo_cost,
    .dimension = cbo_dimension,
    .provides = cbo_provides,
    .theory_at = cbo_theory_at,
    .prepare = prepare,
    .release = release,
    .create = create,
    .destroy = destroy,
    .step = step,
    .measure = cbo_measure,
    .finish = cbo_finish,
    .done = done,
    .save = save,
    .load = load,
};
