/* test_artifact.c -- artifacts of a finished run as input of another: which point and replica is taken, padding, what is refused. */
#include "qtest.h"

#include <errno.h>
#include <unistd.h>

#include "dataset.h"
#include "schedule.h"
#include "text.h"

/* ---- a model whose artifact tells where it comes from ----------------------------------------------------------- */

static const qn_param parameters[] = {
    {.name = "L", .type = QN_INT, .def = "3", .min = 1, .max = 100, .unit = "1", .meaning = "length"},
    {.name = "T", .type = QN_REAL, .def = "1", .min = 0, .max = 1e6, .unit = "1", .meaning = "temperature"},
    {.name = "rule", .type = QN_CHOICE, .def = "a", .choices = "a|b", .unit = "1", .meaning = "rule"},
    {.name = "open", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "boundary"},
    {.name = "from", .type = QN_PATH, .meaning = "file of a first state"},
    {.name = NULL},
};

enum { X, CLOUD, SUM };
static const qn_observable observables[] = {
    {.name = "x", .kind = QN_SERIES, .unit = "1", .meaning = "a number"},
    {.name = "cloud", .kind = QN_ARTIFACT, .dims = {"site", "two"}, .unit = "1", .meaning = "an array"},
    {.name = "sum", .kind = QN_OUTCOME, .unit = "1", .meaning = "what was read"},
    {.name = NULL},
};

typedef struct toy {
    size_t l;
    double t, read;
    uint64_t replica;
    int rule;
    bool open;
} toy;

static size_t toy_dimension(const qn_params *p, const char *dim, double *values)
{
    size_t n = strcmp(dim, "site") ? 2 : (size_t)qn_int(p, "L");
    for (size_t k = 0; values && k < n; k++)
        values[k] = (double)k;
    return n;
}

static int toy_create(const qn_params *p, const void *shared, qn_streams *s, void **state)
{
    (void)shared;
    toy *t = *state = calloc(1, sizeof *t);
    *t = (toy){(size_t)qn_int(p, "L"), qn_real(p, "T"), 0, s->replica, qn_choice(p, "rule"), qn_bool(p, "open")};
    if (!qn_is_set(p, "from"))
        return 0;
    double *x;
    size_t n = 2 * t->l;
    int err = qn_read_artifact(qn_text(p, "from"), "cloud", p, s->replica, &n, &x);
    for (size_t i = 0; i < n && !err; i++)
        t->read += x[i];
    free(x);
    return err;
}

static int toy_step(void *state, qn_streams *s)
{
    (void)state, (void)s;
    return 0;
}

static int toy_measure(void *state, qn_streams *s, qn_record *r)
{
    (void)state;
    qn_put(r, X, qn_rng_uniform(&s->measurement));
    return 0;
}

static double element(const toy *t, size_t i)
{
    return (double)t->l + 10 * t->t + 1000 * (double)t->replica + 1e4 * t->rule + 1e5 * t->open + 1e-3 * (double)i;
}

static int toy_finish(void *state, qn_streams *s, qn_record *r)
{
    (void)s;
    const toy *t = state;
    for (size_t i = 0; i < 2 * t->l; i++)
        qn_put_at(r, CLOUD, i, element(t, i));
    qn_put(r, SUM, t->read);
    return 0;
}

static int toy_save(const void *state, qn_group *g)
{
    (void)state, (void)g;
    return 0;
}

static int toy_load(void *state, const qn_group *g)
{
    (void)state, (void)g;
    return 0;
}

static const qn_model model = {.abi = QN_ABI, .name = "toy", .summary = "a toy", .stream_version = 1, .parameters = parameters, .observables = observables,
                               .dimension = toy_dimension, .create = toy_create, .destroy = free, .step = toy_step, .measure = toy_measure,
                               .finish = toy_finish, .save = toy_save, .load = toy_load};

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "toy") ? NULL : &model;
}

/* ---- runs in a folder of their own ------------------------------------------------------------------------------ */

static char folder[] = "/tmp/quench-artifact-XXXXXX";

static int enter(void **state)
{
    (void)state;
    return !mkdtemp(folder) || chdir(folder);
}

static int leave(void **state)
{
    (void)state;
    char *command = qn_format("rm -rf %s", folder);
    int err = chdir("/") || system(command);
    free(command);
    return err;
}

static void open_sweep(qn_sweep *s, const char *text)
{
    qn_problems c = {0};
    qn_sweep_source from = {.file = "s", .text = text, .find = find};
    if (qn_sweep_init(s, &from, &c)) {
        qn_problems_print(&c, stderr);
        fail_msg("%s", text);
    }
    qn_problems_free(&c);
}

static int run_sweep(const char *text, const char *output)
{
    qn_sweep s;
    qn_run_report report;
    open_sweep(&s, text);
    int err = qn_run(&s, &(qn_run_options){.output = output, .threads = 1, .part = 1, .parts = 1, .flush_s = 30, .quiet = true}, &report);
    qn_sweep_free(&s);
    return err;
}

#define HEAD "model: toy\nseed: 1\n"
#define KEEP "sampling: {steps: 2, artifacts: [cloud]}\n"

/* The first number that a reader at `parameters` gets, or NAN; `wanted` elements. */
static double read_first(const char *file, const char *text, uint64_t replica, size_t wanted)
{
    qn_sweep s;
    qn_params p;
    double *x;
    size_t n = wanted;
    char *all = qn_format(HEAD "parameters: {%s}\n", text);
    open_sweep(&s, all);
    free(all);
    assert_int_equal(qn_sweep_point(&s, 0, &p), 0);
    int err = qn_read_artifact(file, "cloud", &p, replica, &n, &x);
    double first = err ? NAN : x[0];
    if (!err && wanted)
        assert_int_equal(n, wanted);
    for (size_t i = 0; !err && i < n; i++)
        assert_near(x[i], first + 1e-3 * (double)i, 1e-9);
    if (err)
        assert_int_equal(err, QN_ERR_INPUT);
    free(x);
    qn_params_free(&p);
    qn_sweep_free(&s);
    return first;
}

static void nearest(void **state)
{
    (void)state;
    assert_int_equal(run_sweep(HEAD "replicas: 3\nsweep: {T: [1, 2, 4], L: [3, 5], rule: [a, b]}\n" KEEP, "grid.h5"), 0);
    static const struct {
        const char *at;
        uint64_t replica;
        double want; /* element(): L + 10 T + 1000 replica + 10000 rule */
    } cases[] = {{"T: 1", 0, 13},           {"T: 1.4", 0, 13},        {"T: 1.6", 0, 23},          {"T: 1.5", 0, 13},         {"T: 100", 0, 43}, {"T: 0", 1, 1013},
                 {"T: 2.9", 2, 2023},       {"T: 3.1", 3, 43},        {"T: 1, rule: b", 9, 10013}, {"T: 4, rule: b", 2, 12043}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_near(read_first("grid.h5", cases[i].at, cases[i].replica, 6), cases[i].want, 1e-9);
    assert_near(read_first("grid.h5", "L: 5, T: 2", 1, 10), 1025, 1e-9); /* the longest */
    assert_near(read_first("grid.h5", "L: 3, T: 2", 1, 0), 1023, 1e-9);  /* any length: what is not padding */
    assert_int_equal(run_sweep(HEAD "sweep: {T: {from: 1, to: 100, points: 3, scale: log}, open: [false, true]}\n" KEEP, "log.h5"), 0);
    assert_near(read_first("log.h5", "T: 4", 0, 6), 103, 1e-9); /* 4 is nearer to 10 than to 1 as a ratio */
    assert_near(read_first("log.h5", "T: 3, open: true", 0, 6), 100013, 1e-9);
}

static void values_there(void **state)
{
    (void)state;
    static const struct {
        const char *name, *want; /* NULL: refused */
    } cases[] = {{"T", "2"}, {"L", "3"}, {"rule", "b"}, {"open", "false"}, {"from", NULL}, {"nothing", NULL}};
    qn_sweep s;
    qn_params p;
    open_sweep(&s, HEAD "parameters: {T: 2.2, rule: b}\n");
    assert_int_equal(qn_sweep_point(&s, 0, &p), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text;
        assert_int_equal(qn_read_parameter("grid.h5", cases[i].name, &p, &text), cases[i].want ? 0 : QN_ERR_INPUT);
        if (cases[i].want)
            assert_string_equal(text, cases[i].want);
        free(text);
    }
    qn_params_free(&p);
    qn_sweep_free(&s);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *at, *says;
        size_t n;
    } cases[] = {{"absent.h5", "T: 1", "absent.h5: cannot be opened: No such file", 6},
                 {"text.h5", "T: 1", "text.h5: is not an HDF5 file", 6},
                 {"foreign.h5", "T: 1", "foreign.h5: is not a result of `quench run`", 6},
                 {"bare.h5", "T: 1", "bare.h5: does not hold the artifact 'cloud'; the run that makes the file keeps it with `artifacts: [cloud]` under sampling", 6},
                 {"grid.h5", "L: 5, T: 1", "grid.h5: its 'cloud' has 10 numbers, not the 6 that are needed here", 6},
                 {"grid.h5", "L: 3, T: 1", "grid.h5: its 'cloud' has 6 numbers, not the 8 that are needed here", 8},
                 {"rule.h5", "T: 1, rule: b", "rule.h5: has no point with rule = b", 6},
                 {"part.h5", "T: 2", "part.h5: replica 0 of its nearest point is missing", 6},
                 {"cut.h5", "T: 1", "cut.h5: ", 6}};
    FILE *f = fopen("text.h5", "w");
    fputs("my notes\n", f);
    fclose(f);
    qn_dataset *d;
    assert_int_equal(qn_dataset_new(&d), 0);
    assert_int_equal(qn_dataset_write(d, "foreign.h5"), 0);
    qn_dataset_free(d);
    assert_int_equal(run_sweep(HEAD "sweep: {T: [1, 2]}\nsampling: {steps: 2}\n", "bare.h5"), 0);
    assert_int_equal(run_sweep(HEAD "sweep: {rule: [a]}\n" KEEP, "rule.h5"), 0);
    assert_int_equal(system("head -c 4000 grid.h5 >cut.h5"), 0);
    assert_int_equal(run_sweep(HEAD "sweep: {T: [1, 2]}\n" KEEP, "part.h5"), 0);
    static const char *const skip[] = {NULL};
    assert_int_equal(qn_dataset_read("part.h5", skip, &d), 0);
    const qn_dataset *samples = qn_dataset_find_group(d, "samples");
    qn_dataset_find(samples, "key")->i64[2] = qn_dataset_find(samples, "key")->i64[3] = 0; /* as a merge with missing tasks leaves it */
    assert_int_equal(qn_dataset_write(d, "part.h5"), 0);
    qn_dataset_free(d);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(isnan(read_first(cases[i].file, cases[i].at, 0, cases[i].n)));
        if (strncmp(qn_error_text(), cases[i].says, strlen(cases[i].says)))
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].file, qn_error_text(), cases[i].says);
    }
}

/* A run that starts from another: each replica from its own, the file's content in the keys, and not its name. */
static void chained_runs(void **state)
{
    (void)state;
    const char *second = HEAD "replicas: 2\nparameters: {from: grid.h5}\nsweep: {T: [1.1, 3.9]}\nsampling: {steps: 2}\n";
    assert_int_equal(run_sweep(second, "second.h5"), 0);
    qn_dataset *d;
    assert_int_equal(qn_dataset_read("second.h5", NULL, &d), 0);
    const qn_var *sum = qn_dataset_find(qn_dataset_find_group(d, "samples"), "sum");
    const double want[4] = {13, 1013, 43, 1043};
    for (size_t i = 0; i < 4; i++)
        assert_near(sum->f64[i], 6 * want[i] + 1e-3 * 15, 1e-9);
    qn_dataset_free(d);
    qn_sweep a, b;
    qn_params p, q;
    qn_point_keys k, l;
    assert_int_equal(system("cp grid.h5 renamed.h5"), 0);
    for (int same = 1; same >= 0; same--) {
        open_sweep(&a, HEAD "parameters: {from: grid.h5}\n");
        open_sweep(&b, same ? HEAD "parameters: {from: renamed.h5}\n" : HEAD "parameters: {from: log.h5}\n");
        assert_int_equal(qn_sweep_point(&a, 0, &p) || qn_sweep_point(&b, 0, &q) || qn_sweep_point_keys(&a, &p, &k) || qn_sweep_point_keys(&b, &q, &l), 0);
        assert_int_equal(!memcmp(&k.stream, &l.stream, sizeof k.stream), same);
        qn_params_free(&p);
        qn_params_free(&q);
        qn_sweep_free(&a);
        qn_sweep_free(&b);
    }
    /* a reader that fails stops the run with its sentence, and nothing is written */
    assert_int_equal(run_sweep(HEAD "parameters: {from: grid.h5, L: 4}\n", "third.h5"), QN_ERR_INPUT);
    assert_non_null(strstr(qn_error_text(), "not the 8 that are needed here"));
    assert_true(access("third.h5", F_OK) && errno == ENOENT && access("third.h5.parts", F_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nearest), cmocka_unit_test(values_there), cmocka_unit_test(refused), cmocka_unit_test(chained_runs)};
    return cmocka_run_group_tests(tests, enter, leave);
}
