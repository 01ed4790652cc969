/* trajectories.c -- task: trajectories.  One unit is a time tau of all trajectories (waves.h); the averages over them are the state's.
 *
 * Trajectory j draws from split j of the dynamics stream.  Blocks of lanes are spread over threads; they have nothing to do with each other. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "observables.h"
#include "settings.h"
#include "text.h"
#include "waves.h"

#define DEFAULT_DT 0.02 /* N = 8, g = 1: steady values within 1e-4 of the exact ones */

typedef struct run {
    const povm_problem *problem;
    povm_waves *waves;
    size_t count, blocks, lanes, next; /* trajectories; blocks that were advanced in a unit that is not whole */
    povm_block *block;
    povm_room **room;                  /* a thread's */
    int rooms;
    int64_t units;
    povm_look *look;
    double seconds;                    /* of a block and a unit, about */
} run;

static double dt_of(const qn_params *p)
{
    return qn_is_set(p, "dt") ? qn_real(p, "dt") : DEFAULT_DT;
}

static void check(const qn_params *p, const povm_problem *problem, qn_problems *c)
{
    const int n = problem->lattice.n;
    const char *size = qn_choice(p, "lattice") == 1 ? "Lx" : "N";
    const double *r = problem->start, length = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]), most = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE),
                 bytes = povm_waves_bytes(n, (double)qn_int(p, "trajectories"));
    char need[32], have[32];
    if (n > POVM_WAVE_SITES)
        qn_complain(c, size, "%d sites are too many for trajectories; at most %d", n, POVM_WAVE_SITES);
    else if (bytes > most)
        qn_complain(c, "trajectories", "%lld trajectories of %d sites need %s of memory, and this machine has %s", (long long)qn_int(p, "trajectories"), n, qn_human_bytes(bytes, need),
                    qn_human_bytes(most, have));
    if (length < 1 - 1e-9)
        qn_complain(c, "start", "trajectories start from a pure state; the Bloch vector has the length %g, and 1 was expected", length);
}

static void cost(const qn_params *p, const povm_problem *problem, qn_cost *c)
{
    const double count = (double)qn_int(p, "trajectories");
    c->step_s = count * povm_waves_seconds(problem, dt_of(p));
    c->task_bytes = povm_waves_bytes(problem->lattice.n, count);
}

static bool provides(const qn_params *p, int obs)
{
    (void)p;
    return povm_look_provides(obs) || (obs >= POVM_O_JUMPS && obs <= POVM_O_ZZ_MEAN);
}

static void destroy(void *state)
{
    run *r = state;
    if (!r)
        return;
    for (size_t b = 0; r->block && b < r->blocks; b++)
        povm_block_free(&r->block[b]);
    free(r->block);
    for (int t = 0; t < r->rooms; t++)
        povm_room_destroy(r->room[t]);
    free(r->room);
    povm_waves_destroy(r->waves);
    povm_look_destroy(r->look);
    free(r);
}

/* Rooms for so many threads, or for as many as memory allows. */
static int threads_for(run *r, size_t blocks)
{
    int threads = qn_threads();
    threads = blocks < (size_t)threads ? (int)blocks : threads;
    povm_room **more = threads > r->rooms ? realloc(r->room, (size_t)threads * sizeof *more) : NULL;
    if (more)
        r->room = more;
    while (more && r->rooms < threads && (r->room[r->rooms] = povm_room_create(r->waves)))
        r->rooms++;
    return threads < r->rooms ? threads : r->rooms;
}

static int create(const qn_params *p, const povm_problem *problem, qn_streams *streams, void **state)
{
    run *r = *state = calloc(1, sizeof *r);
    if (!r)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    r->problem = problem;
    r->count = (size_t)qn_int(p, "trajectories");
    int err = povm_waves_create(problem, dt_of(p), &r->waves);
    if (!err)
        err = povm_look_create(problem, &r->look);
    if (err)
        return err;
    r->lanes = (size_t)povm_waves_lanes(r->waves);
    r->seconds = povm_waves_seconds(problem, dt_of(p)) * (double)r->lanes;
    r->blocks = (r->count + r->lanes - 1) / r->lanes;
    r->block = calloc(r->blocks, sizeof *r->block);
    if (!r->block || threads_for(r, 1) < 1)
        return qn_fail(QN_ERR_NOMEM, "no memory for states of %d spins", problem->lattice.n);
    for (size_t b = 0; b < r->blocks && !err; b++)
        err = povm_block_init(r->waves, streams, b * r->lanes, &r->block[b]);
    return err;
}

#define PIECE_S 0.3 /* of work, as estimated, for each thread */

/* All blocks by several units, or some blocks by one. */
static int64_t advance(void *state, qn_streams *streams, int64_t most)
{
    (void)streams;
    run *r = state;
    const int threads = threads_for(r, r->blocks);
    const double work = PIECE_S * threads, unit = r->seconds * (double)r->blocks;
    const int64_t units = r->next || unit > work ? 1 : (int64_t)fmin((double)most, work / unit);
    const size_t left = r->blocks - r->next, some = (size_t)fmax(work / r->seconds, threads), now = units > 1 || some > left ? left : some;
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
    for (size_t b = r->next; b < r->next + now; b++)
        povm_block_advance(r->waves, r->room[omp_get_thread_num()], (size_t)units * povm_waves_steps(r->waves), &r->block[b]);
    r->next += now;
    if (r->next < r->blocks)
        return 0;
    r->next = 0;
    r->units += units;
    return units;
}

/* ---- measuring ------------------------------------------------------------------------------------------------------- */

enum { TOGETHER = 64 }; /* blocks whose expectations are held at a time */

static int look(run *r)
{
    const size_t n = (size_t)r->problem->lattice.n, lanes = r->lanes, each = 3 * n + 3 * n * n;
    double *room = malloc(TOGETHER * lanes * each * sizeof *room);
    povm_expectations *x = malloc(TOGETHER * lanes * sizeof *x);
    if (!room || !x) {
        free(room);
        free(x);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    povm_look_clear(r->look);
    for (size_t from = 0; from < r->blocks; from += TOGETHER) {
        const size_t to = r->blocks - from < TOGETHER ? r->blocks : from + TOGETHER;
        const int threads = threads_for(r, to - from);
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
        for (size_t b = from; b < to; b++) {
            double *one = room + (b - from) * lanes * each;
            povm_block_look(r->waves, r->room[omp_get_thread_num()], &r->block[b], one, one + lanes * 3 * n, x + (b - from) * lanes);
        }
        for (size_t j = from * lanes; j < to * lanes && j < r->count; j++)
            povm_look_state(r->look, j, r->count, &x[j - from * lanes]);
    }
    free(room);
    free(x);
    return 0;
}

static void put_jumps(const run *r, qn_record *record)
{
    double mean = 0, square = 0;
    for (size_t j = 0; j < r->count; j++) {
        const double x = (double)r->block[j / r->lanes].jumps[j % r->lanes], step = x - mean;
        mean += step / (double)(j + 1);
        square += step * (x - mean);
    }
    qn_put_error(record, POVM_O_JUMPS, 0, mean, r->count > 1 ? sqrt(square / (double)(r->count - 1) / (double)r->count) : NAN);
}

static int measure(void *state, qn_streams *streams, qn_record *record)
{
    (void)streams;
    run *r = state;
    const int err = look(r);
    if (err)
        return err;
    povm_look_put(r->look, record);
    qn_put(record, POVM_O_T, (double)r->units * r->problem->tau);
    put_jumps(r, record);
    for (int k = 0; k < 3; k++)
        qn_put(record, POVM_O_SX_MEAN + k, povm_look_mean(r->look, POVM_O_SX + k, 0));
    qn_put(record, POVM_O_ZZ_MEAN, povm_look_mean(r->look, POVM_O_ZZ, 0));
    return 0;
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------------ */

static int save(const void *state, qn_group *g)
{
    const run *r = state;
    const size_t size = ((size_t)1 << r->problem->lattice.n) * r->lanes;
    int err = qn_save_i64(g, "counts", 2, (const int64_t[]){r->units, (int64_t)r->next});
    for (size_t b = 0; b < r->blocks && !err; b++) {
        const povm_block *x = &r->block[b];
        char re[32], im[32], rest[32];
        snprintf(re, sizeof re, "re%zu", b);
        snprintf(im, sizeof im, "im%zu", b);
        snprintf(rest, sizeof rest, "block%zu", b);
        povm_block copy = *x;
        copy.re = copy.im = NULL;
        err = qn_save_f64(g, re, size, x->re);
        if (!err)
            err = qn_save_f64(g, im, size, x->im);
        if (!err)
            err = qn_save_bytes(g, rest, sizeof copy, &copy);
    }
    return err;
}

static int load(void *state, const qn_group *g)
{
    run *r = state;
    const size_t size = ((size_t)1 << r->problem->lattice.n) * r->lanes;
    int64_t counts[2];
    int err = qn_load_i64(g, "counts", 2, counts);
    for (size_t b = 0; b < r->blocks && !err; b++) {
        povm_block *x = &r->block[b], copy;
        char re[32], im[32], rest[32];
        snprintf(re, sizeof re, "re%zu", b);
        snprintf(im, sizeof im, "im%zu", b);
        snprintf(rest, sizeof rest, "block%zu", b);
        err = qn_load_f64(g, re, size, x->re);
        if (!err)
            err = qn_load_f64(g, im, size, x->im);
        if (!err)
            err = qn_load_bytes(g, rest, sizeof copy, &copy);
        if (!err) {
            copy.re = x->re;
            copy.im = x->im;
            *x = copy;
        }
    }
    if (err)
        return err;
    if (counts[1] < 0 || (size_t)counts[1] >= r->blocks)
        return qn_fail(QN_ERR_DATA, "the checkpoint is of more trajectories than there are");
    r->units = counts[0];
    r->next = (size_t)counts[1];
    return 0;
}

/* The same states under other couplings; time and jumps begin anew. */
static int retune(void *state, const qn_params *p, const povm_problem *problem)
{
    run *r = state;
    povm_waves *waves;
    povm_look *other;
    int err = povm_waves_create(problem, dt_of(p), &waves);
    if (err)
        return err;
    if ((err = povm_look_create(problem, &other))) {
        povm_waves_destroy(waves);
        return err;
    }
    for (int t = 0; t < r->rooms; t++)
        povm_room_destroy(r->room[t]);
    r->rooms = 0;
    povm_waves_destroy(r->waves);
    povm_look_destroy(r->look);
    r->waves = waves;
    r->look = other;
    r->problem = problem;
    r->seconds = povm_waves_seconds(problem, dt_of(p)) * (double)r->lanes;
    r->units = 0;
    for (size_t b = 0; b < r->blocks; b++)
        memset(r->block[b].jumps, 0, sizeof r->block[b].jumps);
    return threads_for(r, 1) < 1 ? qn_fail(QN_ERR_NOMEM, "no memory for states of %d spins", problem->lattice.n) : 0;
}

static void progress(const void *state, char *text, size_t size)
{
    const run *r = state;
    snprintf(text, size, "t = %.4g of %zu trajectories", r->problem->tau * (double)r->units, r->count);
}

const povm_task povm_trajectories = {
    .check = check,
    .cost = cost,
    .provides = provides,
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .measure = measure,
    .save = save,
    .load = load,
    .retune = retune,
    .progress = progress,
};
