/* pieces.c -- a model for pieces.sh and chains.sh: a random walk whose unit of `length` moves is made in pieces.  PIECES_CUT is the number of moves in a
 * piece (default: the whole unit); PIECES_LOG a file to which every task adds how many moves this process made. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <quench.h>

static const qn_param parameters[] = {
    {.name = "length", .type = QN_INT, .def = "100", .min = 1, .max = 1e6, .unit = "1", .meaning = "moves of a unit"},
    {.name = "pause", .type = QN_REAL, .def = "0", .min = 0, .max = 1, .unit = "s", .meaning = "time that a move takes"},
    {.name = "limit", .type = QN_INT, .def = "0", .min = 0, .max = 1e9, .unit = "1", .meaning = "moves after which the walk ends; 0: never"},
    {.name = "k", .type = QN_REAL, .def = "0", .min = 0, .max = 100, .flags = QN_RETUNE, .unit = "1", .meaning = "stiffness of the spring that pulls back"},
    {.name = NULL},
};

enum { X, END, MOVES, TRACK, TRACKED = 3 };
static const qn_observable observables[] = {
    {.name = "x", .kind = QN_CURVE, .dims = {QN_DIM_TIME}, .unit = "1", .meaning = "position"},
    {.name = "end", .kind = QN_OUTCOME, .unit = "1", .meaning = "last position"},
    {.name = "moves", .kind = QN_OUTCOME, .unit = "1", .meaning = "moves made"},
    {.name = "track", .kind = QN_ARTIFACT, .dims = {"mark"}, .unit = "1", .meaning = "position, moves, stiffness"},
    {.name = NULL},
};

typedef struct walk {
    int64_t length, limit, moves, here; /* moves in all, and by this process */
    double pause, x, k;
} walk;

static size_t dimension(const qn_params *p, const char *dim, double *values)
{
    (void)p, (void)dim;
    for (size_t i = 0; values && i < TRACKED; i++)
        values[i] = (double)i;
    return TRACKED;
}

static int create(const qn_params *p, const void *shared, qn_streams *s, void **state)
{
    (void)shared, (void)s;
    walk *w = *state = calloc(1, sizeof *w);
    if (!w)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    w->length = qn_int(p, "length");
    w->pause = qn_real(p, "pause");
    w->limit = qn_int(p, "limit");
    w->k = qn_real(p, "k");
    return 0;
}

static void destroy(void *state)
{
    const walk *w = state;
    const char *path = getenv("PIECES_LOG");
    FILE *log = w && path ? fopen(path, "a") : NULL;
    if (log) {
        fprintf(log, "%lld\n", (long long)w->here);
        fclose(log);
    }
    free(state);
}

static qn_end done(const void *state)
{
    const walk *w = state;
    return w->limit && w->moves >= w->limit ? QN_ENDED : QN_GOING;
}

static int64_t advance(void *state, qn_streams *s, int64_t most)
{
    walk *w = state;
    const char *cut = getenv("PIECES_CUT");
    int64_t piece = cut ? atoll(cut) : w->length;
    (void)most;
    for (int64_t i = 0; i < piece && !done(w); i++) {
        w->x += qn_rng_normal(&s->dynamics) - w->k * w->x / 2;
        w->here++;
        if (w->pause > 0)
            nanosleep(&(struct timespec){.tv_nsec = (long)(w->pause * 1e9)}, NULL);
        if (++w->moves % w->length == 0)
            return 1;
    }
    return 0;
}

static int step(void *state, qn_streams *s)
{
    int64_t n = 0;
    while (!n && !done(state))
        n = advance(state, s, 1);
    return 0;
}

static int measure(void *state, qn_streams *s, qn_record *r)
{
    (void)s;
    qn_put(r, X, ((const walk *)state)->x);
    return 0;
}

static int finish(void *state, qn_streams *s, qn_record *r)
{
    (void)s;
    qn_put(r, END, ((const walk *)state)->x);
    qn_put(r, MOVES, (double)((const walk *)state)->moves);
    qn_put_array(r, TRACK, TRACKED, (const double[]){((const walk *)state)->x, (double)((const walk *)state)->moves, ((const walk *)state)->k});
    return 0;
}

static int save(const void *state, qn_group *g)
{
    const walk *w = state;
    int err = qn_save_i64(g, "moves", 1, &w->moves);
    return err ? err : qn_save_f64(g, "x", 1, &w->x);
}

static int load(void *state, const qn_group *g)
{
    walk *w = state;
    int err = qn_load_i64(g, "moves", 1, &w->moves);
    return err ? err : qn_load_f64(g, "x", 1, &w->x);
}

static int retune(void *state, const qn_params *p)
{
    ((walk *)state)->k = qn_real(p, "k");
    return 0;
}

static double log_weight(void *state, size_t part, const qn_params *p)
{
    const walk *w = state;
    (void)part;
    return -qn_real(p, "k") * w->x * w->x / 2;
}

static void progress(const void *state, char *text, size_t size)
{
    snprintf(text, size, "move %lld\nof the walk", (long long)((const walk *)state)->moves);
}

static const qn_model model = {
    .abi = QN_ABI, .name = "pieces", .summary = "a random walk in pieces", .stream_version = 1, .parameters = parameters, .observables = observables,
    .dimension = dimension, .create = create, .destroy = destroy, .step = step, .advance = advance, .measure = measure, .finish = finish, .done = done, .save = save,
    .load = load, .progress = progress, .retune = retune, .log_weight = log_weight,
};

const qn_model *quench_model(void);
const qn_model *quench_model(void)
{
    return &model;
}
