/* A sweep file understood: parameters, axes and ranges, --set, every mistake in one go, and the keys of points and tasks. */
#include "qtest.h"

#include <unistd.h>

#include "sweep.h"

static int model_declare(const qn_params *p, void *to)
{
    const char *names = qn_text(p, "formula");
    if (names && strstr(names, "Jx"))
        return qn_declare_real(to, "Jx", "formula");
    return 0;
}

static void model_check(const qn_params *p, qn_problems *c)
{
    if (qn_int(p, "B") > qn_int(p, "N"))
        qn_complain(c, "B", "%lld is larger than N = %lld", (long long)qn_int(p, "B"), (long long)qn_int(p, "N"));
}

static const qn_param parameters[] = {
    {.name = "N", .type = QN_INT, .def = "64", .min = 1, .max = 1e6, .unit = "1", .meaning = "spins", .flags = QN_DISORDER | QN_DATA},
    {.name = "B", .type = QN_INT, .def = "1", .min = 1, .max = 1e6, .unit = "1", .meaning = "batch"},
    {.name = "T", .type = QN_REAL, .def = "1", .min = 0, .max = 10, .unit = "1", .meaning = "temperature"},
    {.name = "gamma", .type = QN_REAL, .def = NULL, .min = 0, .max = HUGE_VAL, .unit = "1", .meaning = "load", .flags = QN_DISORDER | QN_MIN_OPEN},
    {.name = "dynamics", .type = QN_CHOICE, .def = "heatbath", .choices = "heatbath|metropolis|zero", .unit = "1", .meaning = "dynamics"},
    {.name = "random", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "scan"},
    {.name = "file", .type = QN_PATH, .def = NULL, .unit = "1", .meaning = "patterns", .flags = QN_DISORDER | QN_DATA},
    {.name = "formula", .type = QN_TEXT, .def = NULL, .unit = "1", .meaning = "names"},
    {.name = "fields", .type = QN_LIST, .def = NULL, .min = -1, .max = 1, .unit = "1", .meaning = "fields"},
    {0},
};
static const qn_model model = {.abi = QN_ABI, .name = "toy", .summary = "a toy", .stream_version = 1, .parameters = parameters, .declare = model_declare, .check = model_check};

/* The same model grown by a parameter with a default. */
static qn_param wider_parameters[sizeof parameters / sizeof *parameters + 1];
static qn_model wider;

static const qn_model *find(void *ctx, const char *name)
{
    return strcmp(name, "toy") ? NULL : ctx;
}

static const char *near(void *ctx, const char *name)
{
    (void)ctx;
    return strstr(name, "to") ? "toy" : NULL;
}

static int read_with(qn_sweep *s, const qn_model *m, const char *text, size_t n_sets, const char *const *sets, qn_problems *c)
{
    *c = (qn_problems){0};
    qn_sweep_source from = {.file = "dir/s.yaml", .text = text, .sets = sets, .n_sets = n_sets, .find = find, .near = near, .ctx = (void *)(uintptr_t)m};
    return qn_sweep_init(s, &from, c);
}

static void read_ok(qn_sweep *s, const char *text, size_t n_sets, const char *const *sets)
{
    qn_problems c;
    if (read_with(s, &model, text, n_sets, sets, &c)) {
        qn_problems_print(&c, stderr);
        fail_msg("%s", text);
    }
    assert_int_equal(c.n, 0);
    qn_problems_free(&c);
}

/* All that is printed for a text with mistakes, without the carets. */
static char *complaints(const char *text, size_t n_sets, const char *const *sets)
{
    qn_sweep s;
    qn_problems c;
    char *out, *line = NULL, *all;
    size_t n, room = 0;
    assert_int_equal(read_with(&s, &model, text, n_sets, sets, &c), QN_ERR_INPUT);
    FILE *f = open_memstream(&out, &n);
    qn_problems_print(&c, f);
    fclose(f);
    FILE *from = fmemopen(out, n, "r"), *to = open_memstream(&all, &n);
    while (getline(&line, &room, from) > 0)
        if (!strncmp(line, "quench: ", 8))
            fputs(line + 8, to);
    fclose(from);
    fclose(to);
    free(line);
    free(out);
    qn_problems_free(&c);
    qn_sweep_free(&s);
    return all;
}

static void says(const char *text, size_t n_sets, const char *const *sets, const char *want)
{
    char *got = complaints(text, n_sets, sets);
    if (strcmp(got, want))
        fail_msg("<%s>\nsays\n%swant\n%s", text, got, want);
    free(got);
}
#define SETS(...) sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (const char *const[]){__VA_ARGS__}

#define HEAD "model: toy\nseed: 7\n"

static void minimal(void **state)
{
    (void)state;
    qn_sweep s;
    qn_params p;
    read_ok(&s, HEAD, 0, NULL);
    assert_int_equal(s.n_points, 1);
    assert_int_equal(s.n_axes, 0);
    assert_int_equal(s.replicas, 1);
    assert_int_equal(s.seed, 7);
    assert_string_equal(s.output, "s.h5"); /* in the working directory */
    assert_int_equal(s.sampling.thermalization, 0);
    assert_int_equal(s.sampling.interval, 1);
    assert_int_equal(qn_sweep_point(&s, 0, &p), 0);
    assert_int_equal(qn_int(&p, "N"), 64);
    assert_near(qn_real(&p, "N"), 64, 0);
    assert_true(qn_is_set(&p, "T") && !qn_is_given(&p, "T"));
    assert_false(qn_is_set(&p, "gamma"));
    assert_null(qn_text(&p, "file"));
    assert_int_equal(qn_choice(&p, "dynamics"), 0);
    qn_params_free(&p);
    qn_sweep_free(&s);
    read_ok(&s, "model: toy\nseed: 18446744073709551615\nparameters:\nsweep:\nsampling:\noutput: a b.h5\ntitle: 'x: y'\n", 0, NULL); /* empty sections */
    assert_true(s.seed == UINT64_MAX);
    assert_string_equal(s.output, "a b.h5");
    assert_string_equal(s.title, "x: y");
    qn_sweep_free(&s);
}

static void axes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        double want[6];
    } cases[] = {
        {"T: [0.1, 3, 2.5]", 3, {0.1, 3, 2.5}},
        {"T: 0.5", 1, {0.5}},
        {"T: {from: 0, to: 0.5, points: 6}", 6, {0, 0.1, 0.2, 0.3, 0.4, 0.5}}, /* the very doubles that one types */
        {"T: {from: 0.5, to: 0, points: 6}", 6, {0.5, 0.4, 0.3, 0.2, 0.1, 0}},
        {"T: {from: 0, to: 0.5, step: 0.1}", 6, {0, 0.1, 0.2, 0.3, 0.4, 0.5}},
        {"T: {from: 1, to: 0.35, step: -0.2}", 4, {1, 0.8, 0.6, 0.4}},
        {"T: {from: 1e-3, to: 10, points: 5, scale: log}", 5, {1e-3, 1e-2, 1e-1, 1, 10}},
        {"T: {from: 2, to: 2, points: 1}", 1, {2}},
        {"T: {from: 1, to: 2, points: 2, scale: linear}", 2, {1, 2}},
        {"N: {from: 10, to: 1000, points: 3, scale: log}", 3, {10, 100, 1000}},
        {"N: {from: 1, to: 1e6, points: 2}", 2, {1, 1e6}},
        {"N: [1e3, 16]", 2, {1000, 16}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        qn_sweep s;
        snprintf(text, sizeof text, HEAD "sweep:\n  %s\n", cases[i].text);
        read_ok(&s, text, 0, NULL);
        assert_int_equal(s.n_points, cases[i].n);
        for (size_t k = 0; k < s.n_points; k++)
            if (s.axis[0].value[k].r != cases[i].want[k])
                fail_msg("%s: value %zu is %.17g", cases[i].text, k, s.axis[0].value[k].r);
        assert_int_equal(s.axis[0].log, strstr(text, "scale: log") != NULL);
        qn_sweep_free(&s);
    }
}

static void grid(void **state)
{
    (void)state;
    qn_sweep s;
    qn_params p;
    read_ok(&s, HEAD "replicas: 3\nparameters: {N: 10, fields: [0.5, -0.0, 1]}\nsweep:\n  dynamics: [zero, metropolis]\n  T: [1, 2, 3]\n  random: [true, false]\n", 0, NULL);
    assert_int_equal(s.n_points, 12);
    assert_int_equal(qn_sweep_point(&s, 9, &p), 0); /* 9 = (1, 1, 1): the slowest axis first */
    assert_int_equal(qn_choice(&p, "dynamics"), 1);
    assert_string_equal(qn_text(&p, "dynamics"), "metropolis");
    assert_near(qn_real(&p, "T"), 2, 0);
    assert_false(qn_bool(&p, "random"));
    assert_int_equal(qn_sweep_axis_index(&s, 9, 0), 1);
    assert_int_equal(qn_sweep_axis_index(&s, 9, 1), 1);
    assert_int_equal(qn_sweep_axis_index(&s, 9, 2), 1);
    size_t n;
    const double *list = qn_list(&p, "fields", &n);
    assert_int_equal(n, 3);
    assert_near(list[0], 0.5, 0);
    assert_false(signbit(list[1])); /* -0 is 0: it would be another key */
    qn_params_free(&p);
    qn_sweep_free(&s);
}

/* ---- mistakes ------------------------------------------------------------------------------------------------------ */

static void one_go(void **state)
{
    (void)state;
    says("model: toy\n"
         "seed: -1\n"
         "replicas: 0\n"
         "parameter: {}\n"
         "parameters:\n"
         "  n: 5\n"
         "  N: many\n"
         "  T: 11\n"
         "  dynamics: heatbat\n"
         "  random: yes\n"
         "  gama: 1\n"
         "  B: [1, 2]\n"
         "  fields: [0, 2]\n"
         "sweep:\n"
         "  gamma: {from: 0.1, to: 0.2}\n"
         "  N: [1, 2]\n"
         "  file: [/no/such/file]\n"
         "sampling:\n"
         "  step: 10\n"
         "  interval: 5000\n"
         "output: [a]\n",
         0, NULL,
         "dir/s.yaml:2:7: seed must be a whole number from 0 to 2^64-1\n"
         "dir/s.yaml:3:11: replicas = 0 is out of range; allowed is 1 <= replicas <= 100000000\n"
         "dir/s.yaml:4:1: unknown key 'parameter' at the top level; did you mean 'parameters'?\n"
         "dir/s.yaml:6:3: model toy has no parameter 'n'; `quench models toy` lists them\n"
         "dir/s.yaml:7:3: N is also swept; it can be either fixed or swept\n"
         "dir/s.yaml:8:6: T = 11 is out of range; allowed is 0 <= T <= 10\n"
         "dir/s.yaml:9:13: dynamics cannot be 'heatbat'; did you mean 'heatbath'? (one of heatbath|metropolis|zero)\n"
         "dir/s.yaml:10:11: random must be true or false, not 'yes'\n"
         "dir/s.yaml:11:3: model toy has no parameter 'gama'; did you mean 'gamma'?\n"
         "dir/s.yaml:12:7: B takes one value here; a list or range of values goes under `sweep:`\n"
         "dir/s.yaml:13:12: fields = 2 is out of range; allowed is -1 <= fields <= 1\n"
         "dir/s.yaml:15:3: a range needs from, to and either points or step: {from: 0, to: 0.2, points: 21}\n"
         "dir/s.yaml:17:3: file: the file '/no/such/file' cannot be read\n"
         "dir/s.yaml:19:3: unknown key 'step' in sampling; did you mean 'steps'?\n"
         "dir/s.yaml:20:13: interval = 5000 is longer than the 1000 steps: nothing would be measured\n"
         "dir/s.yaml:21:10: output must be the path of a file\n");
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"seed: 1\n", "1:1: the sweep file must name its model: `model: hebbian`"},
        {"model: toi\nseed: x\nbins: 3\n", "1:8: unknown model 'toi'; did you mean 'toy'?|2:7: seed must be a whole number from 0 to 2^64-1|"
                                             "3:1: unknown key 'bins' at the top level; known are: model, seed, replicas, parameters, sweep, sampling, continuation, tempering, target, refine, output, title"},
        {"model: q\nseed: 1\n", "1:8: unknown model 'q'; `quench models` lists them, --plugin loads one"},
        {"model: toy\n", "1:1: the sweep file must give a seed, a whole number: no run is seeded by the clock"},
        {HEAD "sweep: [1]\n", "3:9: sweep must be a mapping of names to values"},
        {HEAD "parameters: 5\n", "3:13: parameters must be a mapping of names to values"},
        {HEAD "sweep:\n  T: []\n", "4:3: T has no values to sweep"},
        {HEAD "sweep:\n  T:\n", "4:3: T has no values to sweep"},
        {HEAD "sweep:\n  T: [1, 5, 3, 4, 5.0]\n", "4:3: T has the value 5 twice"},
        {HEAD "sweep:\n  dynamics: [zero, heatbath, zero]\n", "4:3: dynamics has the value zero twice"},
        {HEAD "sweep:\n  N: {from: 1, to: 4, points: 9}\n", "4:3: N has the value 1 twice"},
        {HEAD "sweep:\n  T: {from: 0, to: 1, points: 3, step: 1}\n", "4:3: a range needs"},
        {HEAD "sweep:\n  T: {from: 0, to: 1, points: 3, scale: log}\n", "4:3: a log range needs from > 0 and to > 0"},
        {HEAD "sweep:\n  T: {from: 1, to: 2, points: 3, scale: quadratic}\n", "4:41: scale is linear or log"},
        {HEAD "sweep:\n  T: {from: 1, to: x, points: 3}\n", "4:20: to must be a number"},
        {HEAD "sweep:\n  T: {from: 1, to: 2, step: -1}\n", "4:29: step must lead from"},
        {HEAD "sweep:\n  T: {from: 1, to: 2, step: 0}\n", "4:29: step must lead from"},
        {HEAD "sweep:\n  T: {from: 1, to: 2, points: 0}\n", "4:31: points = 0 is out of range"},
        {HEAD "sweep:\n  T: {from: 9, to: 11, points: 3}\n", "4:3: T = 11 is out of range; allowed is 0 <= T <= 10"},
        {HEAD "sweep:\n  T: {from: 1, till: 2, points: 3}\n", "4:3: a range needs|4:16: unknown key 'till' in a range; "},
        {HEAD "sweep:\n  dynamics: {from: 1, to: 2, points: 2}\n", "4:3: dynamics is not numeric"},
        {HEAD "sweep:\n  T: {from: 0, to: 1, points: 100000}\n  gamma: {from: 1, to: 2, points: 10000}\n", "4:3: 1e+09 points times 1 replicas are more than 1e+08 tasks"},
        {HEAD "parameters: {T: .nan}\n", "3:17: T must be a finite number, not '.nan'"},
        {HEAD "parameters: {gamma: 0}\n", "3:21: gamma = 0 is out of range; allowed is 0 < gamma"},
        {HEAD "parameters: {T: }\n", "3:16: T has no value"},
        {HEAD "parameters: {N: 5, B: 6}\n", "3:20: B: 6 is larger than N = 5"}, /* the model's own check, where B stands */
        {HEAD "parameters: {N: 5}\nsweep:\n  B: [4, 6, 7]\n", "5:3: B: 6 is larger than N = 5|5:3: B: 7 is larger"},
        {HEAD "parameters: {formula: 'Jx s'}\n", "1:8: model toy needs the parameter Jx (named in formula)"},
        {HEAD "parameters: {file: /}\n", "3:14: file: the file '/' cannot be read"},
        {HEAD "sampling: {steps: 10.5, bins: 0, thermalization: [1], checkpoint: 1}\n", "3:19: steps must be a whole number|3:31: bins = 0|3:51: thermalization must|3:67: checkpoint must be true or false"},
        {HEAD "sampling: {steps: 1000000000}\n", "3:12: 1000000000 measurements a task are more than 100 million; raise interval"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = complaints(cases[i].text, 0, NULL), *want = strdup(cases[i].want), *line = got, *save = NULL;
        for (char *part = strtok_r(want, "|", &save); part; part = strtok_r(NULL, "|", &save)) {
            char full[300];
            snprintf(full, sizeof full, "dir/s.yaml:%s", part);
            if (strncmp(line, full, strlen(full)))
                fail_msg("<%s>\nsays\n%swant\n%s", cases[i].text, got, cases[i].want);
            line += strcspn(line, "\n") + 1;
        }
        if (*line)
            fail_msg("<%s>\nsays\n%swant only\n%s", cases[i].text, got, cases[i].want);
        free(want);
        free(got);
    }
}

/* ---- --set --------------------------------------------------------------------------------------------------------- */

static void set(void **state)
{
    (void)state;
    qn_sweep s;
    qn_params p;
    read_ok(&s, HEAD "parameters: {N: 5}\nsweep:\n  T: [1, 2]\n  gamma: [1, 2, 3]\n",
            SETS("T=0.5", "N=[10, 20]", "gamma={from: 1, to: 4, points: 4}", "seed=9", "replicas=2", "sampling.steps=50", "output=x.h5", "dynamics=zero", "title=[1"));
    assert_int_equal(s.n_axes, 2);
    assert_string_equal(s.schema.item[s.axis[0].param].name, "gamma"); /* stays in its place */
    assert_int_equal(s.axis[0].n, 4);
    assert_string_equal(s.schema.item[s.axis[1].param].name, "N");
    assert_int_equal(s.n_points, 8);
    assert_int_equal(s.seed, 9);
    assert_int_equal(s.replicas, 2);
    assert_int_equal(s.sampling.steps, 50);
    assert_string_equal(s.output, "x.h5");
    assert_int_equal(qn_sweep_point(&s, 1, &p), 0);
    assert_near(qn_real(&p, "T"), 0.5, 0);
    assert_int_equal(qn_int(&p, "N"), 20);
    assert_int_equal(qn_choice(&p, "dynamics"), 2);
    qn_params_free(&p);
    qn_sweep_free(&s);
}

static void set_cases(void **state)
{
    (void)state;
    qn_sweep s;
    read_ok(&s, HEAD "parameters:\n", SETS("N=5", "N=6")); /* an empty section is filled, the last one holds */
    assert_int_equal(s.fixed.v[0].i, 6);
    qn_sweep_free(&s);
    read_ok(&s, HEAD, SETS("fields=[0.5, 1]", "formula=Jx", "Jx=0.25")); /* a list value is no axis; a declared name comes after its text */
    assert_int_equal(s.n_axes, 0);
    assert_int_equal(s.fixed.v[8].n_list, 2);
    assert_near(s.fixed.v[qn_schema_index(&s.schema, "Jx")].r, 0.25, 0);
    qn_sweep_free(&s);
    says(HEAD, SETS("M=5"), "--set: model toy has no parameter 'M'; `quench models toy` lists them\n");
    says(HEAD, SETS("gama=5"), "--set: model toy has no parameter 'gama'; did you mean 'gamma'?\n");
    says(HEAD "parameters: {T: 1}\n", SETS("T=12"), "--set: T = 12 is out of range; allowed is 0 <= T <= 10\n");
    says(HEAD "parameters: {N: 5, B: 2}\n", SETS("B=9"), "--set: B: 9 is larger than N = 5\n");
    says(HEAD, SETS("T=[1, 1]"), "--set: T has the value 1 twice\n");
    says(HEAD, SETS("sampling.step=1"), "--set: unknown key 'step' in sampling; did you mean 'steps'?\n");
    says(HEAD, SETS("T"), "dir/s.yaml: --set T: NAME=VALUE in one line is expected\n");
    says(HEAD, SETS("=1"), "dir/s.yaml: --set =1: NAME=VALUE in one line is expected\n");
    says(HEAD, SETS("title=a\nb"), "dir/s.yaml: --set title=a\n");
    says(HEAD, SETS("T=[1, 2"), "dir/s.yaml: --set T=[1, 2: the value is not valid YAML\n");
    says(HEAD "sweep: [1, 2]\n", SETS("T=3"), "dir/s.yaml:3:9: sweep must be a mapping of names to values\n");
    says(HEAD "parameters: [1, 2]\n", SETS("T=3"), "dir/s.yaml:3:14: parameters must be a mapping of names to values\n");
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

static bool same(qn_hash a, qn_hash b)
{
    return a.w[0] == b.w[0] && a.w[1] == b.w[1];
}

static qn_point_keys point_keys(const qn_model *m, const char *text, size_t point)
{
    qn_sweep s;
    qn_problems c;
    qn_params p;
    qn_point_keys k;
    if (read_with(&s, m, text, 0, NULL, &c)) {
        qn_problems_print(&c, stderr);
        fail_msg("%s", text);
    }
    assert_int_equal(qn_sweep_point(&s, point, &p), 0);
    assert_int_equal(qn_sweep_point_keys(&s, &p, &k), 0);
    qn_params_free(&p);
    qn_problems_free(&c);
    qn_sweep_free(&s);
    return k;
}

static void keys(void **state)
{
    (void)state;
    const qn_point_keys a = point_keys(&model, HEAD "parameters: {gamma: 0.5}\nsweep: {T: [0.2, 0.3]}\n", 1);
    static const struct {
        const char *text;
        size_t point;
        bool stream, disorder; /* as a's */
    } cases[] = {
        {HEAD "parameters: {gamma: 0.5}\nsweep: {T: [0.1, 0.2, 0.25, 0.3]}\n", 3, true, true}, /* points added */
        {HEAD "parameters: {gamma: 0.5}\nsweep: {T: {from: 0, to: 1, points: 11}}\n", 3, true, true},
        {HEAD "parameters: {T: 0.3}\nsweep: {gamma: [0.5]}\n", 0, true, true}, /* swept or fixed */
        {HEAD "parameters: {T: 3.0e-1, gamma: .5, N: 64, random: false}\n", 0, true, true}, /* spelling, defaults */
        {HEAD "parameters: {T: 0.3, gamma: 0.5}\nsweep: {dynamics: [zero, heatbath]}\n", 1, true, true}, /* a new axis at its default */
        {HEAD "replicas: 9\noutput: other.h5\nparameters: {T: 0.3, gamma: 0.5}\n", 0, true, true},
        {HEAD "parameters: {T: 0.4, gamma: 0.5}\n", 0, false, true}, /* T is not disorder */
        {HEAD "parameters: {T: 0.3, gamma: 0.5, dynamics: zero}\n", 0, false, true},
        {HEAD "parameters: {T: 0.3, gamma: 0.6}\n", 0, false, false},
        {HEAD "parameters: {T: 0.3, gamma: 0.5, N: 65}\n", 0, false, false},
        {HEAD "parameters: {T: 0.30000000000000004, gamma: 0.5}\n", 0, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_point_keys b = point_keys(&model, cases[i].text, cases[i].point);
        if (same(a.stream, b.stream) != cases[i].stream || same(a.disorder, b.disorder) != cases[i].disorder)
            fail_msg("<%s> has the %s stream and the %s disorder", cases[i].text, same(a.stream, b.stream) ? "same" : "another", same(a.disorder, b.disorder) ? "same" : "another");
    }
    memcpy(wider_parameters, parameters, sizeof parameters);
    wider_parameters[sizeof parameters / sizeof *parameters - 1] = (qn_param){.name = "a_new_one", .type = QN_REAL, .def = "0.5", .unit = "1", .meaning = "new", .flags = QN_DISORDER};
    wider = model;
    wider.parameters = wider_parameters;
    qn_point_keys b = point_keys(&wider, HEAD "parameters: {gamma: 0.5, T: 0.3}\n", 0);
    assert_true(same(a.stream, b.stream) && same(a.disorder, b.disorder)); /* a new parameter with a default reseeds nothing */
    wider.stream_version = 2;
    b = point_keys(&wider, HEAD "parameters: {gamma: 0.5, T: 0.3}\n", 0);
    assert_false(same(a.stream, b.stream) || same(a.disorder, b.disorder));
}

static void task_keys(void **state)
{
    (void)state;
    static const char *const sampling[] = {"{steps: 100}", "{steps: 200}", "{steps: 100, bins: 8}", "{steps: 100, interval: 2}", "{steps: 100, thermalization: 5}",
                                           "{steps: 100, points_per_decade: 4}", "{steps: 100, checkpoint: true}"};
    static const bool same_chain[] = {true, true, true, false, false, false, true}, same_task[] = {true, false, false, false, false, false, true};
    qn_task_keys first = {0};
    const qn_point_keys point = {.stream = {{1, 2}}};
    for (size_t i = 0; i < sizeof sampling / sizeof *sampling; i++) {
        char text[100];
        qn_sweep s;
        snprintf(text, sizeof text, HEAD "sampling: %s\n", sampling[i]);
        read_ok(&s, text, 0, NULL);
        qn_task_keys k = qn_sweep_task_keys(&s, &point, 3), other = qn_sweep_task_keys(&s, &point, 4);
        if (!i)
            first = k;
        assert_int_equal(same(k.chain, first.chain), same_chain[i]);
        assert_int_equal(same(k.task, first.task), same_task[i]);
        assert_false(same(k.chain, other.chain) || same(k.task, other.task) || same(k.chain, k.task));
        s.seed++;
        other = qn_sweep_task_keys(&s, &point, 3);
        assert_false(same(k.chain, other.chain) || same(k.task, other.task));
        qn_sweep_free(&s);
    }
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    fputs(text, f);
    fclose(f);
}

/* A path enters by the file's content; a file that is gone by the hash that was kept. */
static void paths(void **state)
{
    (void)state;
    char a[] = "/tmp/quench-sweep-a-XXXXXX", b[] = "/tmp/quench-sweep-b-XXXXXX", text[2][200];
    close(mkstemp(a));
    close(mkstemp(b));
    write_text(a, "1 -1\n");
    write_text(b, "1 -1\n");
    snprintf(text[0], sizeof text[0], HEAD "parameters: {file: %s}\n", a);
    snprintf(text[1], sizeof text[1], HEAD "parameters: {file: %s}\n", b);
    qn_point_keys x = point_keys(&model, text[0], 0), y = point_keys(&model, text[1], 0);
    assert_true(same(x.stream, y.stream) && same(x.disorder, y.disorder));
    write_text(b, "1 1\n");
    y = point_keys(&model, text[1], 0);
    assert_false(same(x.stream, y.stream) || same(x.disorder, y.disorder));

    qn_sweep s, again;
    qn_problems c = {0};
    read_ok(&s, text[0], 0, NULL);
    assert_int_equal(s.n_inputs, 1);
    unlink(a);
    char *gone = complaints(text[0], 0, NULL);
    assert_non_null(strstr(gone, "3:14: file: the file '/tmp/quench-sweep-a-"));
    free(gone);
    qn_sweep_source from = {.file = "s", .text = text[0], .find = find, .near = near, .ctx = (void *)(uintptr_t)&model, .inputs = s.input, .n_inputs = s.n_inputs};
    assert_int_equal(qn_sweep_init(&again, &from, &c), 0);
    assert_true(same(again.input[0].hash, s.input[0].hash));
    qn_sweep_free(&again);
    qn_sweep_free(&s);
    unlink(b);
}

static void data_keys(void **state)
{
    (void)state;
    qn_sweep s;
    qn_hash key[4];
    read_ok(&s, HEAD "sweep: {T: [1, 2], N: [64, 65]}\n", 0, NULL);
    for (size_t k = 0; k < 4; k++) {
        qn_params p;
        assert_int_equal(qn_sweep_point(&s, k, &p), 0);
        assert_int_equal(qn_sweep_data_key(&s, &p, &key[k]), 0);
        qn_params_free(&p);
    }
    assert_true(same(key[0], key[2]) && same(key[1], key[3]) && !same(key[0], key[1])); /* N makes the data, T does not */
    qn_sweep_free(&s);
}

static void when(void **state)
{
    (void)state;
    static const struct {
        qn_sampling s;
        size_t n;
        int64_t at[12];
    } cases[] = {{{.thermalization = 5, .steps = 10, .interval = 3}, 3, {8, 11, 14}},
                 {{.steps = 3, .interval = 1}, 3, {1, 2, 3}},
                 {{.steps = 1, .interval = 1}, 1, {1}},
                 {{.steps = 1, .interval = 1, .points_per_decade = 3}, 1, {1}},
                 {{.steps = 50, .interval = 1, .points_per_decade = 3}, 7, {1, 2, 5, 10, 22, 46, 50}},
                 {{.thermalization = 7, .steps = 100, .interval = 1, .points_per_decade = 2}, 5, {8, 10, 17, 39, 107}},
                 {{.steps = 12, .interval = 1, .points_per_decade = 10}, 11, {1, 2, 3, 4, 5, 6, 8, 10, 12}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        int64_t *at;
        assert_int_equal(qn_sampling_grid(&cases[i].s, &n, &at), 0);
        if (i + 1 == sizeof cases / sizeof *cases) /* many a decade: whole steps, each once */
            assert_int_equal(n, 9);
        else
            assert_int_equal(n, cases[i].n);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(at[k], cases[i].at[k]);
        free(at);
    }
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

static void values(void **state)
{
    (void)state;
    static const struct {
        size_t param;
        const char *text, *canonical; /* NULL: refused */
    } cases[] = {{0, "1e3", "1000"}, {0, "+7", "7"},       {0, "7.5", NULL},         {0, "0", NULL},   {2, "0.1", "0.1"}, {2, "-0", "0"},
                 {2, "1e1", "10"},   {2, "10.001", NULL},  {4, "zero", "zero"},      {4, "Zero", NULL}, {5, "true", "true"},               {5, "1", NULL},
                 {6, "", NULL},      {6, "a b", "a b"},    {7, "", ""},              {8, "", ""},      {8, " 1 ,-0.5", "1,-0.5"},         {8, "1,,1", NULL},
                 {8, "1,x", NULL},   {8, "0.1,-0", "0.1,0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_value v, w;
        const qn_param *p = &parameters[cases[i].param];
        int err = qn_value_parse(p, cases[i].text, &v);
        if ((err == 0) != (cases[i].canonical != NULL))
            fail_msg("%s = '%s' gives %d", p->name, cases[i].text, err);
        if (err)
            continue;
        assert_int_equal(qn_value_copy(&v, &w), 0);
        char *text = qn_value_text(p, &w);
        assert_string_equal(text, cases[i].canonical);
        free(text);
        qn_value_free(&v);
        qn_value_free(&w);
    }
    char range[128], name[64];
    qn_param_range(&parameters[2], range);
    assert_string_equal(range, "0 <= T <= 10");
    qn_param_range(&parameters[3], range);
    assert_string_equal(range, "0 < gamma");
    qn_param_range(&parameters[5], range);
    assert_string_equal(range, "any number");
    assert_true(qn_choice_name("a|bc", 1, name));
    assert_string_equal(name, "bc");
    assert_false(qn_choice_name("a|bc", 2, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(minimal),   cmocka_unit_test(axes),  cmocka_unit_test(grid),      cmocka_unit_test(one_go),
                                       cmocka_unit_test(mistakes),  cmocka_unit_test(set),   cmocka_unit_test(set_cases), cmocka_unit_test(keys),
                                       cmocka_unit_test(task_keys), cmocka_unit_test(paths), cmocka_unit_test(data_keys), cmocka_unit_test(when),
                                       cmocka_unit_test(values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
