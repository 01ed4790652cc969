/* test_chains.c -- chained axes: the exchange of tempering and its statistics, rows of a ladder against exact numbers, continuation, ends on the
 * way, interruptions at every step, and what the sweep file may get wrong. */
#include "qtest.h"

#include "config.h"
#include "model.h"
#include "running.h"
#include "text.h"

/* ---- a system of four levels, in variants that must not differ ------------------------------------------------------ */

enum { LEVELS = 4 };
static const double energy[LEVELS] = {0, 1, 1.5, 3};

static const qn_param parameters[] = {
    {.name = "T", .type = QN_REAL, .def = "1", .min = 0, .max = 1e6, .flags = QN_RETUNE, .unit = "1", .meaning = "temperature"},
    {.name = "g", .type = QN_REAL, .def = "1", .min = -10, .max = 10, .flags = QN_RETUNE | QN_DISORDER, .unit = "1", .meaning = "factor of the energy"},
    {.name = "n", .type = QN_INT, .def = "1", .min = 1, .max = 9, .flags = QN_DISORDER, .unit = "1", .meaning = "copies"},
    {.name = "limit", .type = QN_INT, .def = "0", .min = 0, .max = 1e9, .unit = "1", .meaning = "steps at one point after which it ends; 0: none"},
    {.name = "lost_at", .type = QN_REAL, .def = "-1", .min = -1, .max = 1e6, .unit = "1", .meaning = "temperature at which it diverges"},
    {.name = NULL},
};

enum { LEVEL, AGE, HISTOGRAM, HERE, DRAWN };
static const qn_observable observables[] = {
    {.name = "level", .kind = QN_SERIES, .unit = "1", .meaning = "level"},
    {.name = "age", .kind = QN_CURVE, .dims = {QN_DIM_TIME}, .unit = "1", .meaning = "steps of this state since it was created"},
    {.name = "histogram", .kind = QN_CURVE, .dims = {"at"}, .unit = "1", .meaning = "levels", .flags = QN_HISTOGRAM},
    {.name = "here", .kind = QN_OUTCOME, .unit = "1", .meaning = "steps at the present parameters"},
    {.name = "drawn", .kind = QN_OUTCOME, .unit = "1", .meaning = "a number of the disorder"},
    {.name = NULL},
};

typedef struct toy {
    double t, g, lost_at, drawn;
    int64_t x[9], n, age, here, limit, half; /* half: a step is begun (variant in pieces) */
} toy;

static size_t toy_dimension(const qn_params *p, const char *dim, double *values)
{
    (void)p, (void)dim;
    for (size_t k = 0; values && k < LEVELS; k++)
        values[k] = (double)k;
    return LEVELS;
}

static int toy_retune(void *state, const qn_params *p)
{
    toy *y = state;
    y->t = qn_real(p, "T");
    y->g = qn_real(p, "g");
    y->here = 0;
    return 0;
}

static int toy_create(const qn_params *p, const void *shared, qn_streams *s, void **state)
{
    (void)shared;
    toy *y = *state = calloc(1, sizeof *y);
    y->limit = qn_int(p, "limit");
    y->lost_at = qn_real(p, "lost_at");
    y->n = qn_int(p, "n");
    y->drawn = qn_rng_uniform(&s->disorder);
    return toy_retune(y, p);
}

static int toy_step(void *state, qn_streams *s)
{
    toy *y = state;
    for (int64_t k = 0; k < y->n; k++) {
        int64_t to = (int64_t)qn_rng_below(&s->dynamics, LEVELS);
        if (qn_rng_uniform(&s->dynamics) < exp(y->g * (energy[y->x[k]] - energy[to]) / y->t))
            y->x[k] = to;
    }
    y->age++;
    y->here++;
    return 0;
}

/* In two pieces, now and then whole: which depends on a counter that no checkpoint knows. */
static int64_t toy_advance(void *state, qn_streams *s, int64_t most)
{
    static _Thread_local int calls;
    toy *y = state;
    (void)most;
    if (!y->half && ++calls % 3) {
        y->half = 1;
        return 0;
    }
    y->half = 0;
    return toy_step(y, s) ? QN_ERR_MODEL : 1;
}

static int toy_step_many(size_t n, void *const *states, qn_streams *const *streams)
{
    for (size_t i = 0; i < n; i++)
        toy_step(states[i], streams[i]);
    return 0;
}

static int toy_measure(void *state, qn_streams *s, qn_record *r)
{
    (void)s;
    const toy *y = state;
    qn_put(r, LEVEL, (double)y->x[0]);
    qn_put(r, AGE, (double)y->age);
    for (int64_t k = 0; k < y->n; k++)
        qn_count(r, HISTOGRAM, (size_t)y->x[k], 1);
    return 0;
}

static int toy_finish(void *state, qn_streams *s, qn_record *r)
{
    (void)s;
    qn_put(r, HERE, (double)((const toy *)state)->here);
    qn_put(r, DRAWN, ((const toy *)state)->drawn);
    return 0;
}

static qn_end toy_done(const void *state)
{
    const toy *y = state;
    return y->here > 2 && y->t == y->lost_at ? QN_LOST : y->limit && y->here >= y->limit ? QN_ENDED : QN_GOING;
}

static int toy_save(const void *state, qn_group *g)
{
    const toy *y = state;
    const int64_t other[] = {y->age, y->here, y->half};
    int err = qn_save_i64(g, "x", 9, y->x);
    return err ? err : qn_save_i64(g, "other", 3, other);
}

static int toy_load(void *state, const qn_group *g)
{
    toy *y = state;
    int64_t other[3];
    int err = qn_load_i64(g, "x", 9, y->x);
    if (!err)
        err = qn_load_i64(g, "other", 3, other);
    if (err)
        return err;
    y->age = other[0];
    y->here = other[1];
    y->half = other[2];
    return 0;
}

static double toy_weight(void *state, size_t part, const qn_params *p)
{
    const toy *y = state;
    double sum = 0;
    for (int64_t k = 0; k < y->n; k++)
        sum += energy[y->x[k]];
    (void)part;
    return -qn_real(p, "g") * sum / qn_real(p, "T");
}

static size_t toy_parts(const void *state)
{
    return (size_t)((const toy *)state)->n;
}

static double part_weight(void *state, size_t part, const qn_params *p)
{
    return -qn_real(p, "g") * energy[((const toy *)state)->x[part]] / qn_real(p, "T");
}

/* Of one copy it leaves what a swap of states with retune leaves: ages go with the configuration. */
static void toy_swap(void *a, void *b, size_t part)
{
    toy *y = a, *z = b;
    int64_t x = y->x[part], age = y->age;
    y->x[part] = z->x[part];
    z->x[part] = x;
    y->age = z->age;
    z->age = age;
    y->here = z->here = 0;
}

#define TOY                                                                                                                                        \
    .abi = QN_ABI, .name = "toy", .summary = "a toy", .stream_version = 1, .parameters = parameters, .observables = observables,                  \
    .dimension = toy_dimension, .create = toy_create, .destroy = free, .step = toy_step, .measure = toy_measure, .finish = toy_finish, .done = toy_done, \
    .save = toy_save, .load = toy_load, .retune = toy_retune

static const qn_model plain = {TOY, .log_weight = toy_weight}, in_pieces = {TOY, .log_weight = toy_weight, .advance = toy_advance},
                      many = {TOY, .log_weight = toy_weight, .step_many = toy_step_many}, by_parts = {TOY, .log_weight = part_weight, .parts = toy_parts, .swap = toy_swap},
                      no_weight = {TOY};
static qn_model fixed; /* without retune: filled in main */

static const qn_model *find(void *ctx, const char *name)
{
    return strcmp(name, "toy") ? NULL : ctx;
}

/* ---- sweeps without files -------------------------------------------------------------------------------------------- */

typedef struct experiment {
    qn_sweep s;
    qn_layout l;
    qn_plan plan;
    size_t rungs;
    double *rows; /* [n_tasks][rungs][row] */
    qn_row_head *head;
} experiment;

static void experiment_open(experiment *e, const qn_model *m, const char *text)
{
    qn_problems c = {0};
    assert_int_equal(qn_model_validate(m), 0);
    qn_sweep_source from = {.file = "s", .text = text, .find = find, .ctx = (void *)(uintptr_t)m};
    if (qn_sweep_init(&e->s, &from, &c)) {
        qn_problems_print(&c, stderr);
        fail_msg("%s", text);
    }
    qn_problems_free(&c);
    assert_int_equal(qn_layout_init(&e->l, &e->s), 0);
    assert_int_equal(qn_plan_init(&e->plan, &e->s, &e->l, "/nonexistent/out.h5", NULL, 0, NULL, NULL), 0);
    e->rungs = qn_sweep_rungs(&e->s);
    e->rows = malloc((e->plan.n_rows * e->l.row + 1) * sizeof *e->rows);
    e->head = malloc(e->plan.n_rows * sizeof *e->head);
}

static void experiment_close(experiment *e)
{
    free(e->rows);
    free(e->head);
    qn_plan_free(&e->plan);
    qn_layout_free(&e->l);
    qn_sweep_free(&e->s);
}

static void run_all(experiment *e)
{
    for (size_t t = 0; t < e->plan.n_tasks; t++)
        assert_int_equal(qn_task_run(&e->plan, t, e->rows + t * e->rungs * e->l.row, e->head + t * e->rungs), 0);
}

/* The number of an observable in row i of task t. */
static double number(const experiment *e, size_t t, size_t i, const char *column, size_t k)
{
    return e->rows[(t * e->rungs + i) * e->l.row + qn_layout_column(&e->l, column)->offset + k];
}

/* A task that is interrupted after every `every` calls of qn_running_step. */
static void run_interrupted(const experiment *e, size_t task, int every, double *rows, qn_row_head *heads)
{
    qn_running t;
    bool more = true;
    int calls = 0;
    assert_int_equal(qn_running_start(&t, &e->plan, task, NULL), 0);
    while (more) {
        while (!qn_running_over(&t)) {
            assert_int_equal(qn_running_step(&t, 1), 0);
            if (++calls % every)
                continue;
            qn_group g = {0};
            int64_t pieces = t.pieces;
            assert_int_equal(qn_running_save(&t, &g), 0);
            qn_running_free(&t);
            assert_int_equal(qn_running_start(&t, &e->plan, task, NULL), 0);
            assert_int_equal(qn_running_load(&t, &g), 0);
            assert_int_equal(t.pieces > 0, pieces > 0);
            qn_group_clear(&g);
        }
        for (size_t i = 0; i < t.n; i++)
            assert_int_equal(qn_running_finish(&t, i, rows + (t.at + i) * e->l.row, &heads[t.at + i]), 0);
        assert_int_equal(qn_running_next(&t, &more), 0);
    }
    qn_running_free(&t);
}

static void same_rows(const experiment *a, const experiment *b)
{
    assert_int_equal(a->plan.n_rows, b->plan.n_rows);
    assert_memory_equal(a->rows, b->rows, a->plan.n_rows * a->l.row * sizeof *a->rows);
    for (size_t i = 0; i < a->plan.n_rows; i++)
        assert_memory_equal(&a->head[i], &b->head[i], sizeof *a->head);
}

#define HEAD "model: toy\nseed: 5\n"
#define LADDER "sweep: {T: [0.3, 0.8, 2, 5]}\n"

/* ---- the exchange ------------------------------------------------------------------------------------------------------ */

/* Of fixed configurations on two rungs, how often they change places: min(1, ratio of weights), and with it detailed balance. */
static void exchange_of_two(void **state)
{
    (void)state;
    enum { TRIES = 20000 };
    static const double t[2] = {0.5, 1.2};
    double rate[LEVELS][LEVELS], worst = 0;
    experiment e;
    experiment_open(&e, &plain, HEAD "sweep: {T: [0.5, 1.2]}\ntempering: {axis: T}\n");
    qn_running r;
    assert_int_equal(qn_running_start(&r, &e.plan, 0, NULL), 0);
    for (int x = 0; x < LEVELS; x++)
        for (int y = 0; y < LEVELS; y++) {
            int swapped = 0;
            for (int k = 0; k < TRIES; k++) {
                int64_t before = r.ladder.accepted[0];
                ((toy *)r.rung[0].state)->x[0] = x;
                ((toy *)r.rung[1].state)->x[0] = y;
                assert_int_equal(qn_ladder_exchange(&r.ladder, &plain, r.rung, 0, true), 0);
                bool now = r.ladder.accepted[0] > before;
                assert_int_equal(((toy *)r.rung[0].state)->x[0], now ? y : x);
                assert_int_equal(((toy *)r.rung[1].state)->x[0], now ? x : y);
                assert_near(((toy *)r.rung[0].state)->t, t[0], 0);
                assert_near(((toy *)r.rung[1].state)->t, t[1], 0);
                swapped += now;
            }
            double want = fmin(1, exp((energy[x] - energy[y]) * (1 / t[0] - 1 / t[1])));
            rate[x][y] = (double)swapped / TRIES;
            assert_sigma(rate[x][y], sqrt(want * (1 - want) / TRIES), want);
        }
    for (int x = 0; x < LEVELS; x++) /* w(x; T0) w(y; T1) p(x, y) = w(y; T0) w(x; T1) p(y, x) */
        for (int y = 0; y < x; y++) {
            double here = exp(-energy[x] / t[0] - energy[y] / t[1]) * rate[x][y], back = exp(-energy[y] / t[0] - energy[x] / t[1]) * rate[y][x];
            double spread = sqrt((1 / rate[x][y] - 1 + 1 / rate[y][x] - 1) / TRIES);
            worst = fmax(worst, spread > 0 ? fabs(log(here / back)) / spread : 0);
            assert_true(spread > 0 || here == back);
        }
    assert_true(worst < Q_Z);
    qn_running_free(&r);
    experiment_close(&e);
}

/* Equal weights: every exchange is made, so the configurations walk along in a known way, each from end to end in 2 n events. */
static void round_trips(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 5; n++) {
        experiment e;
        char *text = qn_format(HEAD "sweep: {T: {from: 1, to: %zu, points: %zu}}\nparameters: {g: 0}\ntempering: {axis: T, interval: 2}\nsampling: {thermalization: 40, steps: %zu}\n", n, n, 40 * n);
        experiment_open(&e, &plain, text);
        free(text);
        run_all(&e);
        for (size_t i = 0; i < n; i++) {
            assert_near(number(&e, 0, i, "round_trips", 0), 10.0 * (double)n, 1); /* 20 n events, each of n configurations needs 2 n */
            if (i + 1 < n)
                assert_near(number(&e, 0, i, "exchange_rate", 0), 1, 0);
            else
                assert_true(isnan(number(&e, 0, i, "exchange_rate", 0)));
        }
        experiment_close(&e);
    }
}

/* ---- a ladder against exact numbers ------------------------------------------------------------------------------------- */

static void levels(double t, double g, double p[LEVELS])
{
    double z = 0;
    for (int k = 0; k < LEVELS; k++)
        z += p[k] = exp(-g * energy[k] / t);
    for (int k = 0; k < LEVELS; k++)
        p[k] /= z;
}

/* Mean over replicas of column `name`, element k, in rows i, against `want`. */
static void judge(const experiment *e, size_t i, const char *name, size_t k, double want)
{
    double n = (double)e->plan.n_tasks, mean = 0, var = 0;
    for (size_t t = 0; t < e->plan.n_tasks; t++)
        mean += number(e, t, i, name, k) / n;
    for (size_t t = 0; t < e->plan.n_tasks; t++)
        var += pow(number(e, t, i, name, k) - mean, 2);
    assert_sigma(mean, sqrt(var / (n - 1) / n), want);
}

/* Along T and along g (where the weights are not those of a temperature), each with one configuration a rung and with three that are exchanged
 * together or one by one.  64 replicas; some 100 checks, of which a fresh seed would fail one by luck once in a hundred times. */
static void exact_levels(void **state)
{
    (void)state;
    static const struct {
        const qn_model *m;
        const char *text;
        bool along_t;
    } cases[] = {{&plain, "tempering: {axis: T}\n" LADDER, true},
                 {&plain, "tempering: {axis: T, interval: 3}\nparameters: {n: 3}\n" LADDER, true},
                 {&by_parts, "tempering: {axis: T}\nparameters: {n: 3}\n" LADDER, true},
                 {&plain, "tempering: {axis: g}\nparameters: {T: 0.7}\nsweep: {g: [1.5, 0.5, -0.5, -1]}\n", false},
                 {&in_pieces, "tempering: {axis: g}\nparameters: {T: 0.7}\nsweep: {g: [1.5, 0.5, -0.5, -1]}\n", false}};
    static const double t[4] = {0.3, 0.8, 2, 5}, g[4] = {1.5, 0.5, -0.5, -1};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        experiment e;
        char *text = qn_format(HEAD "replicas: 64\nsampling: {thermalization: 20, steps: 1000, bins: 1}\n%s", cases[c].text);
        experiment_open(&e, cases[c].m, text);
        free(text);
        run_all(&e);
        for (size_t i = 0; i < 4; i++) {
            double p[LEVELS];
            levels(cases[c].along_t ? t[i] : 0.7, cases[c].along_t ? 1 : g[i], p);
            for (size_t k = 0; k < LEVELS; k++)
                judge(&e, i, "histogram", k, p[k]);
            assert_true(number(&e, 0, i, "round_trips", 0) > 10);
        }
        experiment_close(&e);
    }
}

/* The exchange rate is that of independent rungs, whose configurations step in between as often as they like. */
static void exchange_rates(void **state)
{
    (void)state;
    experiment e;
    experiment_open(&e, &plain, HEAD "replicas: 64\ntempering: {axis: T, interval: 40}\nsampling: {steps: 8000, interval: 40, bins: 1}\n" LADDER);
    run_all(&e);
    static const double t[4] = {0.3, 0.8, 2, 5};
    for (size_t i = 0; i < 3; i++) {
        double p[LEVELS], q[LEVELS], want = 0;
        levels(t[i], 1, p);
        levels(t[i + 1], 1, q);
        for (int x = 0; x < LEVELS; x++)
            for (int y = 0; y < LEVELS; y++)
                want += p[x] * q[y] * fmin(1, exp((energy[x] - energy[y]) * (1 / t[i] - 1 / t[i + 1])));
        judge(&e, i, "exchange_rate", 0, want);
    }
    experiment_close(&e);
}

/* ---- variants and interruptions: the same bits ---------------------------------------------------------------------------- */

static void variants(void **state)
{
    (void)state;
    static const char *const texts[] = {HEAD "replicas: 2\ntempering: {axis: T, interval: 2}\nsampling: {thermalization: 5, steps: 50}\n" LADDER,
                                        HEAD "replicas: 2\ncontinuation: {axis: T}\nsampling: {thermalization: 5, steps: 20}\n" LADDER};
    static const qn_model *const models[] = {&in_pieces, &many, &by_parts};
    for (size_t c = 0; c < 2; c++) {
        experiment a, b;
        experiment_open(&a, &plain, texts[c]);
        run_all(&a);
        for (size_t m = 0; m < 3; m++) {
            experiment_open(&b, models[m], texts[c]);
            run_all(&b);
            same_rows(&a, &b);
            experiment_close(&b);
        }
        experiment_close(&a);
    }
}

static void interrupted(void **state)
{
    (void)state;
    static const char *const texts[] = {"tempering: {axis: T, interval: 2}\n" LADDER "parameters: {n: 2}\n", "continuation: {axis: T}\n" LADDER,
                                        "continuation: {axis: T}\nparameters: {limit: 7}\n" LADDER, "continuation: {axis: T}\nparameters: {lost_at: 0.8}\n" LADDER,
                                        "tempering: {axis: g}\nsweep: {T: [1, 2], g: [1, 2], limit: [0, 9]}\n", "continuation: {axis: g}\nsweep: {g: [1, 2, 3], T: [1, 2]}\n"};
    static const qn_model *const models[] = {&plain, &in_pieces, &many, &by_parts};
    for (size_t c = 0; c < sizeof texts / sizeof *texts; c++)
        for (size_t m = 0; m < 4; m++)
            for (int every = 1; every < 40; every = 3 * every - 1) {
                experiment a, b;
                char *text = qn_format(HEAD "replicas: 2\nsampling: {thermalization: 5, steps: 20, interval: 3, bins: 3}\n%s", texts[c]);
                experiment_open(&a, models[m], text);
                experiment_open(&b, models[m], text);
                free(text);
                run_all(&a);
                for (size_t t = 0; t < b.plan.n_tasks; t++)
                    run_interrupted(&b, t, every, b.rows + t * b.rungs * b.l.row, b.head + t * b.rungs);
                same_rows(&a, &b);
                experiment_close(&a);
                experiment_close(&b);
                every += every == 1;
            }
}

/* ---- continuation ------------------------------------------------------------------------------------------------------- */

/* One state goes through all values in their order; the chained axis may stand anywhere. */
static void one_state(void **state)
{
    (void)state;
    static const double t_of[] = {5, 1, 2};
    experiment e;
    experiment_open(&e, &plain, HEAD "replicas: 2\nsampling: {thermalization: 3, steps: 10, interval: 5}\ncontinuation: {axis: T}\nsweep: {T: [5, 1, 2], n: [1, 2]}\n");
    assert_int_equal(e.plan.n_rows, 12);
    assert_int_equal(e.plan.n_tasks, 4);
    run_all(&e);
    for (size_t t = 0; t < 4; t++)
        for (size_t i = 0; i < 3; i++) {
            for (size_t k = 0; k < 2; k++)
                assert_near(number(&e, t, i, "age", k), 13.0 * (double)i + 3 + 5 * (double)(k + 1), 0);
            assert_near(number(&e, t, i, "here", 0), 13, 0);
            assert_near(number(&e, t, i, "drawn", 0), number(&e, t, 0, "drawn", 0), 0); /* one disorder along the chain */
            size_t row = qn_plan_row(&e.plan, t, i), point = row / 2;
            qn_params p;
            assert_int_equal(row % 2, t % 2);
            assert_int_equal(qn_sweep_point(&e.s, point, &p), 0);
            assert_int_equal(qn_int(&p, "n"), 1 + (int64_t)(t / 2));
            assert_near(qn_real(&p, "T"), t_of[i], 0);
            qn_params_free(&p);
            assert_memory_equal(&e.head[t * 3 + i].keys, &e.plan.row[row].keys, sizeof e.plan.row[row].keys);
        }
    assert_true(number(&e, 0, 0, "drawn", 0) != number(&e, 1, 0, "drawn", 0));
    experiment_close(&e);
}

/* What ends at one value begins anew at the next; what is lost makes the rest nothing. */
static void ends(void **state)
{
    (void)state;
    experiment e;
    experiment_open(&e, &plain, HEAD "sampling: {steps: 10, interval: 5}\ncontinuation: {axis: T}\nparameters: {limit: 7}\nsweep: {T: [5, 1, 2]}\n");
    run_all(&e);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(e.head[i].steps, 7);
        assert_int_equal(e.head[i].measurements, 2);
        assert_near(number(&e, 0, i, "age", 1), 7.0 * (double)(i + 1), 0);
    }
    experiment_close(&e);
    experiment_open(&e, &plain, HEAD "sampling: {steps: 10, interval: 1}\ncontinuation: {axis: T}\nparameters: {lost_at: 1}\nsweep: {T: [5, 1, 2]}\n");
    run_all(&e);
    assert_int_equal(e.head[0].steps, 10);
    assert_int_equal(e.head[1].steps, 3);
    assert_int_equal(e.head[2].steps, 0);
    assert_int_equal(e.head[2].measurements, 0);
    assert_near(number(&e, 0, 1, "age", 2), 13, 0);
    assert_true(isnan(number(&e, 0, 1, "age", 3)) && isnan(number(&e, 0, 2, "age", 0)) && isnan(number(&e, 0, 2, "here", 0)));
    experiment_close(&e);
    experiment_open(&e, &plain, HEAD "sampling: {steps: 10, interval: 1}\ntempering: {axis: T, interval: 4}\nparameters: {lost_at: 1}\nsweep: {T: [5, 1, 2]}\n");
    run_all(&e);
    for (size_t i = 0; i < 3; i++) /* a ladder is over with the first of its rungs */
        assert_int_equal(e.head[i].steps, 3);
    experiment_close(&e);
}

/* ---- keys ----------------------------------------------------------------------------------------------------------------- */

static bool same(qn_hash a, qn_hash b)
{
    return a.w[0] == b.w[0] && a.w[1] == b.w[1];
}

/* The values of the chain are in the keys, and so is how they are chained; disorder is what it is without a chain. */
static void keys(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t row;
        bool row_key, chain, disorder; /* as row 1 of the first */
    } cases[] = {{"tempering: {axis: T}\nsweep: {T: [1, 2, 3]}\n", 1, true, true, true},
                 {"tempering: {axis: T}\nsweep: {T: [1, 2, 3]}\n", 2, false, true, true},
                 {"tempering: {axis: T, interval: 1}\nsweep: {T: {from: 1, to: 3, points: 3}}\n", 1, true, true, true},
                 {"tempering: {axis: T}\nsweep: {T: [1, 2, 4]}\n", 1, false, false, true},
                 {"tempering: {axis: T}\nsweep: {T: [3, 2, 1]}\n", 1, false, false, true},
                 {"tempering: {axis: T, interval: 2}\nsweep: {T: [1, 2, 3]}\n", 1, false, false, true},
                 {"continuation: {axis: T}\nsweep: {T: [1, 2, 3]}\n", 1, false, false, true},
                 {"sweep: {T: [1, 2, 3]}\n", 1, false, false, true},
                 {"tempering: {axis: T}\nsweep: {T: [1, 2, 3], n: [1, 2]}\n", 2, true, true, true},
                 {"tempering: {axis: T}\nsweep: {T: [1, 2, 3], n: [1, 2]}\n", 3, false, false, false},
                 {"tempering: {axis: T}\nsweep: {T: [1, 2, 3]}\nsampling: {bins: 7, steps: 1001}\n", 1, false, true, true}};
    experiment a, b;
    char *text = qn_format(HEAD "%s", cases[0].text);
    experiment_open(&a, &plain, text);
    free(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text = qn_format(HEAD "%s", cases[i].text);
        experiment_open(&b, &plain, text);
        const qn_task_keys *x = &a.plan.row[1].keys, *y = &b.plan.row[cases[i].row].keys;
        if (same(x->task, y->task) != cases[i].row_key || same(x->chain, y->chain) != cases[i].chain ||
            same(a.plan.point[1].disorder, b.plan.point[cases[i].row].disorder) != cases[i].disorder)
            fail_msg("row %zu of <%s>", cases[i].row, text);
        free(text);
        experiment_close(&b);
    }
    experiment_close(&a);
    /* along a parameter of the disorder, all values are in its key: one disorder for the chain */
    experiment_open(&a, &plain, HEAD "continuation: {axis: g}\nsweep: {g: [1, 2]}\n");
    assert_true(same(a.plan.point[0].disorder, a.plan.point[1].disorder));
    experiment_close(&a);
    experiment_open(&a, &plain, HEAD "sweep: {g: [1, 2]}\n");
    assert_false(same(a.plan.point[0].disorder, a.plan.point[1].disorder));
    experiment_close(&a);
}

/* ---- mistakes --------------------------------------------------------------------------------------------------------------- */

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const qn_model *m;
        const char *text, *says;
    } cases[] = {
        {&plain, "tempering: {axis: n}\n" LADDER, "s:3:19: tempering runs along an axis of the sweep, which 'n' is not; swept is T\n"},
        {&plain, "tempering: {axis: T}\n", "s:3:19: tempering runs along an axis of the sweep, which 'T' is not; swept is nothing\n"},
        {&plain, "tempering: {axis: n}\nsweep: {n: [1, 2]}\n", "s:3:19: a state of model toy cannot change its n; tempering may run along T, g\n"},
        {&plain, "continuation: {axis: limit}\nsweep: {limit: [1, 2]}\n", "s:3:22: a state of model toy cannot change its limit; continuation may run along T, g\n"},
        {&plain, "tempering: {axis: T}\nsweep: {T: [1]}\n", "s:3:19: tempering needs at least two values of T\n"},
        {&plain, "tempering: {axis: T, interval: 0}\n" LADDER, "s:3:32: interval = 0 is out of range"},
        {&plain, "tempering: {axis: T, every: 2}\n" LADDER, "s:3:22: unknown key 'every' in tempering"},
        {&plain, "continuation: {axis: T, interval: 2}\n" LADDER, "s:3:25: unknown key 'interval' in continuation"},
        {&plain, "tempering: {}\n" LADDER, "s:3:11: tempering must name the axis that it runs along: {axis: T}\n"},
        {&plain, "tempering: {axis: [T]}\n" LADDER, "tempering must name the axis that it runs along: {axis: T}\n"},
        {&plain, "tempering: T\n" LADDER, "s:3:12: tempering must be a mapping of names to values\n"},
        {&plain, "tempering: {axis: T}\ncontinuation: {axis: T}\n" LADDER, "s:4:16: continuation and tempering exclude each other: one axis of a sweep can be chained\n"},
        {&plain, "continuation: {axis: T}\nsampling: {checkpoint: true}\n" LADDER, "s:4:24: checkpoint has no use with continuation"},
        {&plain, "temperin: {axis: T}\n" LADDER, "s:3:1: unknown key 'temperin' at the top level; did you mean 'tempering'?\n"},
        {&no_weight, "tempering: {axis: T}\n" LADDER, "s:3:13: model toy gives no weights by which configurations could be exchanged, so it cannot be run by tempering\n"},
        {&fixed, "continuation: {axis: T}\n" LADDER, "s:3:16: model toy cannot change the parameters of a state, so it cannot be run by continuation\n"},
        {&fixed, "tempering: {axis: T}\n" LADDER, "s:3:13: model toy cannot change the parameters of a state, so it cannot be run by tempering\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_sweep s;
        qn_problems c = {0};
        char *text = qn_format(HEAD "%s", cases[i].text), *said = NULL;
        size_t n = 0;
        qn_sweep_source from = {.file = "s", .text = text, .find = find, .ctx = (void *)(uintptr_t)cases[i].m};
        assert_int_equal(qn_sweep_init(&s, &from, &c), QN_ERR_INPUT);
        FILE *f = open_memstream(&said, &n);
        qn_problems_print(&c, f);
        fclose(f);
        if (c.n != 1 || !strstr(said, cases[i].says))
            fail_msg("<%s> gives %zu: %s", cases[i].text, c.n, said);
        free(said);
        free(text);
        qn_problems_free(&c);
        qn_sweep_free(&s);
    }
    /* what only a state can tell: no weight at these parameters */
    experiment e;
    qn_row_head heads[2];
    experiment_open(&e, &plain, HEAD "tempering: {axis: T}\nsweep: {T: [0, 1]}\n");
    double *rows = malloc(2 * e.l.row * sizeof *rows);
    assert_int_equal(qn_task_run(&e.plan, 0, rows, heads), QN_ERR_INPUT);
    assert_non_null(strstr(qn_error_text(), "cannot be run by tempering"));
    free(rows);
    experiment_close(&e);
}

static void edits(void **state)
{
    (void)state;
    static const char *const sets[] = {"tempering.axis=g", "tempering.interval=7", "g=[1, 2]"};
    qn_sweep s;
    qn_problems c = {0};
    qn_sweep_source from = {.file = "s", .text = HEAD LADDER, .sets = sets, .n_sets = 3, .find = find, .ctx = (void *)(uintptr_t)&plain};
    assert_int_equal(qn_sweep_init(&s, &from, &c), 0);
    assert_true(s.chain.kind == QN_TEMPERING && s.chain.axis == 1 && s.chain.interval == 7);
    qn_problems_free(&c);
    qn_sweep_free(&s);
}

int main(void)
{
    fixed = plain;
    fixed.retune = NULL;
    fixed.log_weight = NULL;
    const struct CMUnitTest tests[] = {cmocka_unit_test(exchange_of_two), cmocka_unit_test(round_trips), cmocka_unit_test(exact_levels), cmocka_unit_test(exchange_rates),
                                       cmocka_unit_test(variants),        cmocka_unit_test(interrupted), cmocka_unit_test(one_state),    cmocka_unit_test(ends),
                                       cmocka_unit_test(keys),            cmocka_unit_test(mistakes),    cmocka_unit_test(edits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
