/* trial.c -- see trial.h. */
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "theta.h"

double povm_piece_s = 0.4;

enum { ROOM = 1 << 16 };                      /* strings of a measurement that are in memory at a time */
#define START_STREAM ((uint64_t)1 << 62)      /* of the dynamics: the first parameters */

double povm_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static int make_shape(povm_trial *t)
{
    t->shape = t->set.shape;
    if (t->set.strings < 2)
        return 0;
    t->shape.orders = povm_lattice_orders(&t->problem->lattice, t->set.strings, &t->order);
    t->shape.order = t->order;
    return t->shape.orders > 0 ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for %d orders of the sites", t->set.strings);
}

int povm_trial_init(povm_trial *t, const qn_params *p, const povm_problem *problem)
{
    *t = (povm_trial){.problem = problem};
    povm_variational_read(p, problem, &t->set);
    int err = make_shape(t);
    if (err)
        return err;
    size_t all = povm_outcome_count(t->shape.n, t->shape.k);
    t->room = t->set.enumerate ? all : t->set.samples < ROOM ? t->set.samples : ROOM;
    t->strings = malloc(t->room * (size_t)t->shape.n);
    t->logp = malloc(t->room * sizeof *t->logp);
    if (!t->strings || !t->logp)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu strings", t->room);
    povm_rates_init(problem, &t->rates);
    return povm_look_create(problem, &t->look);
}

static int start_from_product(povm_trial *t, const qn_streams *s)
{
    size_t k = (size_t)t->shape.k, n = (size_t)t->shape.n;
    double p[POVM_OUTCOMES], *start = malloc(n * k * sizeof *start);
    if (!start)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    povm_frame_product(&t->problem->frame, t->problem->start, p);
    for (size_t i = 0; i < n; i++)
        memcpy(start + i * k, p, k * sizeof *p);
    qn_rng rng;
    qn_stream_split(s, QN_STREAM_DYNAMICS, START_STREAM, &rng);
    povm_net_start(t->net, start, t->set.init_scale, t->set.init_noise, &rng, t->theta);
    free(start);
    return 0;
}

int povm_trial_start(povm_trial *t, const qn_params *p, povm_net *net, const qn_streams *s)
{
    t->net = net;
    t->count = povm_net_count(net);
    t->theta = malloc(t->count * sizeof *t->theta);
    if (!t->theta)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu parameters", t->count);
    int err = t->set.from ? povm_theta_read(p, &t->shape, t->problem->frame.kind, t->count, s->replica, t->theta) : start_from_product(t, s);
    return err ? err : povm_source_init(&t->source, net, &t->set, s);
}

int povm_trial_retune(povm_trial *t, const qn_params *p, const povm_problem *problem)
{
    povm_variational set;
    povm_variational_read(p, problem, &set);
    const povm_shape *a = &set.shape, *b = &t->set.shape;
    bool same = a->ansatz == b->ansatz && a->n == b->n && a->k == b->k && a->d == b->d && a->f == b->f && a->heads == b->heads && a->layers == b->layers &&
                a->norm == b->norm && a->hidden == b->hidden && a->single == b->single && set.strings == t->set.strings && set.batch == t->set.batch &&
                set.samples == t->set.samples && set.enumerate == t->set.enumerate && set.polish == t->set.polish;
    if (!same)
        return qn_fail(QN_ERR_INPUT, "the net, batch or samples change along the chained axis; only couplings and rates of the optimisation may");
    t->set = set;
    t->problem = problem;
    povm_rates_init(problem, &t->rates);
    povm_look_destroy(t->look);
    t->look = NULL;
    return povm_look_create(problem, &t->look);
}

void povm_trial_free(povm_trial *t)
{
    povm_look_destroy(t->look);
    povm_source_free(&t->source);
    void *all[] = {t->order, t->theta, t->strings, t->logp};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    *t = (povm_trial){0};
}

/* ---- measuring ------------------------------------------------------------------------------------------------------ */

uint64_t povm_trial_fresh(const qn_record *r)
{
    return qn_step(r) << 24;
}

bool povm_trial_provides(const qn_params *p, int obs)
{
    (void)p;
    return povm_look_provides(obs) || obs == POVM_O_IDENTITY || obs == POVM_O_STATUS || obs == POVM_O_THETA;
}

static void look_strings(povm_trial *t, const qn_streams *s, uint64_t first, double out[2])
{
    double sum = 0, sum2 = 0, rate[3], n = (double)t->set.samples;
    povm_source_measure(&t->source, s, first);
    for (size_t done = 0, now; done < t->set.samples; done += now) {
        now = t->set.samples - done < t->room ? t->set.samples - done : t->room;
        povm_source_draw(&t->source, s, QN_STREAM_MEASUREMENT, first + done / POVM_BLOCK, now, t->strings, t->logp);
        povm_look_strings(t->look, now, t->strings, NULL, povm_source_correlated(&t->source));
        for (size_t k = 0; k < now; k++) {
            povm_rates_at(&t->rates, t->problem, t->strings + k * (size_t)t->shape.n, rate);
            sum += rate[2];
            sum2 += rate[2] * rate[2];
        }
    }
    out[0] = sum / n;
    out[1] = sqrt(fmax(sum2 - sum * sum / n, 0) / n / (n - 1));
}

/* <word> of the energy at its sites. */
static double word_at(const povm_trial *t, const povm_word *w, const uint8_t *string, int i, int j)
{
    static const char letters[] = "1XYZ";
    const double(*dual)[POVM_OUTCOMES] = t->problem->frame.dual;
    double x = w->factor * dual[strchr(letters, w->letter[0][0]) - letters][string[i]];
    return w->sites == 2 ? x * dual[strchr(letters, w->letter[1][0]) - letters][string[j]] : x;
}

static double energy_of(const povm_trial *t, const uint8_t *string)
{
    const povm_lattice *l = &t->problem->lattice;
    double sum = 0;
    for (int k = 0; k < t->problem->terms.n_hamiltonian; k++) {
        const povm_word *w = &t->problem->terms.hamiltonian[k];
        for (int i = 0; w->sites == 1 && i < l->n; i++)
            sum += word_at(t, w, string, i, 0);
        for (int b = 0; w->sites == 2 && b < l->n_bonds; b++)
            sum += word_at(t, w, string, l->bond[b][0], l->bond[b][1]);
    }
    return sum / l->n;
}

static void add_pauli(const povm_problem *problem, double p, const uint8_t *a, double *one, double *pair)
{
    size_t n = (size_t)problem->lattice.n;
    for (size_t q = 0; q < 3; q++) {
        const double *dual = problem->frame.dual[q + 1];
        for (size_t i = 0; i < n; i++) {
            one[q * n + i] += p * dual[a[i]];
            for (size_t j = 0; j < n; j++)
                pair[(q * n + i) * n + j] += p * dual[a[i]] * dual[a[j]];
        }
    }
}

/* All strings with their P in place of a sample: exact expectations. */
static int look_all(povm_trial *t, double out[2])
{
    const povm_lattice *l = &t->problem->lattice;
    size_t n = (size_t)t->shape.n;
    double *one = calloc(3 * n * (n + 1), sizeof *one), *pair = one + 3 * n, rate[3];
    if (!one)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    povm_expectations x = {.one = one, .pair = pair};
    out[0] = out[1] = 0;
    for (size_t k = 0; k < t->room; k++)
        povm_outcome_string(t->shape.n, t->shape.k, k, t->strings + k * n);
    povm_net_logp(t->net, t->room, t->strings, t->logp);
    for (size_t k = 0; k < t->room; k++) {
        const uint8_t *a = t->strings + k * n;
        double p = exp(t->logp[k]);
        add_pauli(t->problem, p, a, one, pair);
        povm_rates_at(&t->rates, t->problem, a, rate);
        x.energy += p * energy_of(t, a);
        out[0] += p * rate[2];
    }
    for (size_t q = 0; q < 3; q++)
        for (int b = 0; b < l->n_bonds; b++)
            x.near[q] += pair[(q * n + (size_t)l->bond[b][0]) * n + (size_t)l->bond[b][1]] / l->n_bonds;
    povm_look_exact(t->look, &x);
    free(one);
    return 0;
}

int povm_trial_look(povm_trial *t, const double *theta, const qn_streams *s, uint64_t first, double rate[2])
{
    povm_source_set(&t->source, theta);
    povm_look_clear(t->look);
    if (t->set.enumerate)
        return look_all(t, rate);
    look_strings(t, s, first, rate);
    return 0;
}

int povm_trial_measure(povm_trial *t, const double *theta, double time, const qn_streams *s, qn_record *r)
{
    double rate[2];
    int err = povm_trial_look(t, theta, s, povm_trial_fresh(r), rate);
    if (err)
        return err;
    qn_put(r, POVM_O_T, time);
    qn_put_error(r, POVM_O_IDENTITY, 0, rate[0], rate[1]);
    povm_look_put(t->look, r);
    return 0;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

bool povm_trial_sound(povm_trial *t, double value, double ess)
{
    if (!isfinite(value))
        t->status = POVM_NOT_FINITE;
    else if (!(ess >= POVM_LEAST_ESS))
        t->status = POVM_FEW_EFFECTIVE;
    return t->status < POVM_NOT_FINITE;
}

qn_end povm_trial_done(const povm_trial *t)
{
    return t->status == POVM_RAN ? QN_GOING : t->status >= POVM_NOT_FINITE ? QN_LOST : QN_ENDED;
}

void povm_trial_cost(const qn_params *p, const povm_problem *problem, double iterations, double memory, qn_cost *c)
{
    povm_variational v;
    povm_variational_read(p, problem, &v);
    *c = (qn_cost){.step_s = iterations * povm_variational_seconds(&v, problem, (double)v.batch), .task_bytes = memory + povm_variational_bytes(&v, problem)};
}

int povm_trial_finish(povm_trial *t, const double *theta, qn_record *r)
{
    double *out = malloc((POVM_THETA_HEADER + t->count) * sizeof *out);
    if (!out)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu parameters", t->count);
    povm_theta_write(&t->shape, t->problem->frame.kind, t->count, theta, out);
    qn_put_array(r, POVM_O_THETA, POVM_THETA_HEADER + t->count, out);
    qn_put(r, POVM_O_STATUS, t->status);
    free(out);
    return 0;
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------------ */

int povm_trial_save(const povm_trial *t, qn_group *g)
{
    int64_t status = t->status, drawn = (int64_t)t->drawn;
    int err = qn_save_f64(g, "theta", t->count, t->theta);
    if (!err)
        err = qn_save_i64(g, "drawn", 1, &drawn);
    if (!err)
        err = povm_source_save(&t->source, g);
    return err ? err : qn_save_i64(g, "status", 1, &status);
}

int povm_trial_load(povm_trial *t, const qn_group *g)
{
    int64_t status, drawn;
    int err = qn_load_f64(g, "theta", t->count, t->theta);
    if (!err)
        err = qn_load_i64(g, "drawn", 1, &drawn);
    if (!err)
        err = qn_load_i64(g, "status", 1, &status);
    if (err)
        return err;
    t->drawn = (uint64_t)drawn;
    t->status = (povm_status)status;
    return povm_source_load(&t->source, g);
}
