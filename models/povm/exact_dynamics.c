/* exact_dynamics.c -- task: exact_dynamics.  One unit is a time step tau of the Pauli vector (pauli.h), in pieces of one Taylor series. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "settings.h"

typedef struct dynamics {
    povm_exact x;
    double *c, *scratch;
    int64_t steps, parts, part; /* Taylor series of a step, and how many of them are done */
} dynamics;

static double parts_of(const povm_problem *problem, double norm)
{
    return fmax(1, ceil(problem->tau * norm / POVM_PAULI_REACH));
}

static void cost(const qn_params *p, const povm_problem *problem, qn_cost *c)
{
    (void)p;
    c->step_s = 30 * parts_of(problem, 3.0 * problem->lattice.n) * povm_pauli_seconds(problem) + 1e-5;
    c->task_bytes = povm_pauli_bytes(problem);
}

static bool provides(const qn_params *p, int obs)
{
    return povm_exact_provides(p, obs);
}

static void destroy(void *run)
{
    dynamics *d = run;
    if (!d)
        return;
    free(d->c);
    free(d->scratch);
    povm_exact_free(&d->x);
    free(d);
}

static int create(const qn_params *p, const povm_problem *problem, qn_streams *streams, void **run)
{
    (void)p, (void)streams;
    dynamics *d = *run = calloc(1, sizeof *d);
    if (!d)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    const int err = povm_exact_init(problem, &d->x);
    if (err)
        return err;
    d->c = malloc(d->x.g.size * sizeof *d->c);
    d->scratch = malloc(2 * d->x.g.size * sizeof *d->scratch);
    if (!d->c || !d->scratch)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    povm_pauli_start(&d->x.g, problem->start, d->c);
    d->parts = (int64_t)parts_of(problem, d->x.g.norm);
    return 0;
}

#define PIECE 1e8 /* multiplications: some tenths of a second */

static int64_t advance(void *run, qn_streams *streams, int64_t most)
{
    (void)streams;
    dynamics *d = run;
    const double each = 20 * (double)d->x.g.row[d->x.g.size];
    int64_t whole = 0;
    for (double work = 0; work < PIECE && whole < most; work += each) {
        povm_pauli_evolve(&d->x.g, d->x.problem->tau / (double)d->parts, d->c, d->scratch);
        if (++d->part == d->parts) {
            d->part = 0;
            d->steps++;
            whole++;
        }
    }
    return whole;
}

static int measure(void *run, qn_streams *streams, qn_record *r)
{
    (void)streams;
    dynamics *d = run;
    return povm_exact_measure(&d->x, d->c, (double)d->steps * d->x.problem->tau, r);
}

static int save(const void *run, qn_group *g)
{
    const dynamics *d = run;
    const int err = qn_save_f64(g, "c", d->x.g.size, d->c);
    return err ? err : qn_save_i64(g, "counts", 2, (const int64_t[]){d->steps, d->part});
}

static int load(void *run, const qn_group *g)
{
    dynamics *d = run;
    int64_t counts[2];
    int err = qn_load_f64(g, "c", d->x.g.size, d->c);
    if (!err)
        err = qn_load_i64(g, "counts", 2, counts);
    if (err)
        return err;
    d->steps = counts[0];
    d->part = counts[1];
    return 0;
}

static void progress(const void *run, char *text, size_t size)
{
    const dynamics *d = run;
    snprintf(text, size, "t = %.4g", d->x.problem->tau * ((double)d->steps + (double)d->part / (double)d->parts));
}

const povm_task povm_exact_dynamics = {
    .check = povm_exact_check,
    .cost = cost,
    .provides = provides,
    .create = create,
    .destroy = destroy,
    .advance = advance,
    .measure = measure,
    .save = save,
    .load = load,
    .progress = progress,
};
