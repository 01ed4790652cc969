/* povm.c -- open quantum spin systems: the Lindblad equation solved exactly, by trajectories, and for outcome probabilities that a network represents.
 *
 * The model's functions read the problem of a point and hand over to the table of its `task` (task.h). */
#include "povm.h"

#include <stdlib.h>

#include "observables.h"
#include "settings.h"
#include "theory.h"

static const povm_task *table_of(povm_task_kind kind)
{
    static const povm_task *const tables[] = {
        [POVM_EXACT_STEADY] = &povm_exact_steady,
        [POVM_EXACT_DYNAMICS] = &povm_exact_dynamics,
        [POVM_TRAJECTORIES] = &povm_trajectories,
        [POVM_STEADY] = &povm_steady,
        [POVM_FBT] = &povm_fbt,
        [POVM_TDVP] = &povm_tdvp,
        [POVM_FIT] = &povm_fit,
    };
    return tables[kind];
}

typedef struct run {
    const povm_task *task;
    povm_problem problem;
    void *own; /* of the task */
} run;

static void check(const qn_params *p, qn_problems *c)
{
    povm_problem problem;
    const povm_task *task = table_of(povm_task_of(p));
    if (!task) {
        qn_complain(c, "task", "%s is not built in", qn_text(p, "task"));
        return;
    }
    if (!povm_problem_check(p, &problem, c))
        return;
    if (task->check)
        task->check(p, &problem, c);
    povm_problem_free(&problem);
}

static void cost(const qn_params *p, qn_cost *c)
{
    povm_problem problem;
    if (povm_problem_read(p, &problem))
        return;
    table_of(povm_task_of(p))->cost(p, &problem, c);
    povm_problem_free(&problem);
}

static bool provides(const qn_params *p, int obs)
{
    const povm_task *task = table_of(povm_task_of(p));
    return task && task->provides(p, obs);
}

static void destroy(void *state)
{
    run *r = state;
    if (!r)
        return;
    if (r->own)
        r->task->destroy(r->own);
    povm_problem_free(&r->problem);
    free(r);
}

static int create(const qn_params *p, const void *shared, qn_streams *s, void **state)
{
    (void)shared;
    run *r = *state = calloc(1, sizeof *r);
    if (!r)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    r->task = table_of(povm_task_of(p));
    const int err = povm_problem_read(p, &r->problem);
    return err ? err : r->task->create(p, &r->problem, s, &r->own);
}

static int64_t advance(void *state, qn_streams *s, int64_t most)
{
    run *r = state;
    return r->task->advance(r->own, s, most);
}

static int step(void *state, qn_streams *s)
{
    for (;;) {
        const int64_t done = advance(state, s, 1);
        if (done)
            return done < 0 ? (int)done : 0;
    }
}

static int measure(void *state, qn_streams *s, qn_record *record)
{
    run *r = state;
    return r->task->measure(r->own, s, record);
}

static int finish(void *state, qn_streams *s, qn_record *record)
{
    run *r = state;
    return r->task->finish ? r->task->finish(r->own, s, record) : 0;
}

static qn_end done(const void *state)
{
    const run *r = state;
    return r->task->done ? r->task->done(r->own) : QN_GOING;
}

static int save(const void *state, qn_group *g)
{
    const run *r = state;
    return r->task->save(r->own, g);
}

static int load(void *state, const qn_group *g)
{
    run *r = state;
    return r->task->load(r->own, g);
}

/* The task sees the new problem in the place of the old one, which is freed when it has let go of it. */
static int retune(void *state, const qn_params *p)
{
    run *r = state;
    povm_problem before = r->problem;
    if (!r->task->retune)
        return qn_fail(QN_ERR_INPUT, "task: %s begins at t = 0 at every point; a chained axis needs exact_steady, trajectories or steady", qn_text(p, "task"));
    int err = povm_problem_read(p, &r->problem);
    if (err) {
        r->problem = before;
        return err;
    }
    err = r->task->retune(r->own, p, &r->problem);
    povm_problem_free(&before);
    return err;
}

static void progress(const void *state, char *text, size_t size)
{
    const run *r = state;
    *text = 0;
    if (r->task->progress)
        r->task->progress(r->own, text, size);
}

const qn_model povm_model = {
    .abi = QN_ABI,
    .name = "povm",
    .summary = "open quantum spin systems: the Lindblad equation exactly, by trajectories, and by networks for the probabilities of a measurement",
    .reference = "Luo, Chen, Carrasquilla & Clark, PRL 128, 090501 (2022), arXiv:2009.05580",
    .stream_version = 1,
    .flags = QN_THREADS,
    .parameters = povm_parameters,
    .observables = povm_observables,
    .theory = povm_quantities,
    .declare = povm_declare,
    .check = check,
    .cost = cost,
    .dimension = povm_dimension,
    .provides = provides,
    .theory_at = povm_theory_at,
    .create = create,
    .destroy = destroy,
    .step = step,
    .advance = advance,
    .measure = measure,
    .finish = finish,
    .done = done,
    .save = save,
    .load = load,
    .progress = progress,
    .retune = retune,
};
