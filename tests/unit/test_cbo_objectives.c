/* test_cbo_objectives.c -- users' objectives of the engine cbo, compiled and loaded; and every kind of objective on every instruction set. */
#include <unistd.h>

#include "cbo/quench_objective.h"
#include "cbo/user.h"
#include "cbo_point.h"

static char folder[] = "/tmp/quench-objectives-XXXXXX";

/* ---- users' objectives ------------------------------------------------------------------------------------------------ */

/* Compiles `source` (a file when it ends with .c) into FOLDER/NAME.so; returns its path. */
static const char *plugin(const char *name, const char *source)
{
    static char path[300];
    char line[1200], file[300];
    snprintf(file, sizeof file, "%s", source);
    if (strcmp(source + strlen(source) - 2, ".c")) {
        snprintf(file, sizeof file, "%s/%s.c", folder, name);
        FILE *f = fopen(file, "w");
        fprintf(f, "#include <quench_objective.h>\n#include <math.h>\n#include <stdio.h>\n%s\n", source);
        fclose(f);
    }
    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    snprintf(line, sizeof line, "cc -std=c11 -D_DEFAULT_SOURCE -O1 -fPIC -shared -Imodels/cbo %s -lm -o %s", file, path);
    if (system(line))
        fail_msg("%s does not compile", file);
    return path;
}

static const char *user_point(const char *path, const char *rest)
{
    static char text[900];
    snprintf(text, sizeof text, "objective=user objective_file=%s %s", path, rest);
    return text;
}

static long double chain_energy(const made *m, const double *x)
{
    long double f = 0;
    for (size_t k = 0; k < m->o->d; k++)
        f += powl((long double)x[k] - (k ? x[k - 1] : 0) - 1, 2) / 2 + 0.25L * (1 - cosl(2 * acosl(-1) * x[k]));
    return f;
}

static void the_template_is_an_objective(void **state)
{
    (void)state;
    made m;
    const char *path = plugin("example", "models/template/objective/example.c");
    complains(user_point(path, "d=5"), "");
    make(&m, user_point(path, "d=5 objective_options=height=0.25"), 0);
    values_are(&m, 2, 1e-12, chain_energy);
    gradient_is(&m, 2, 1e-8);
    assert_int_equal(m.o->n_minimisers, 1);
    assert_near(m.o->f_min, 0, 0);
    assert_near(cbo_value(m.o, m.o->minimiser, m.work), 0, 1e-28);
    for (size_t k = 0; k < 5; k++)
        assert_near(m.o->minimiser[k], (double)k + 1, 0);
    unmake(&m);
    make(&m, user_point(path, "d=3 objective_options=spacing=0.5 shift=1"), 0);
    assert_int_equal(m.o->n_minimisers, 0);
    unmake(&m);
    make(&m, user_point(path, "d=3 shift=2"), 0);
    assert_near(m.o->minimiser[2], 5, 0);
    assert_near(cbo_value(m.o, m.o->minimiser, m.work), 0, 1e-28);
    unmake(&m);
    assert_int_equal(try_make(&m, user_point(path, "d=3 objective_options=mass=3"), 0), QN_ERR_MODEL);
    assert_non_null(strstr(qn_error_text(), "objective chain: options are stiffness="));
    unmake(&m);
}

#define EVAL "static void eval(size_t n, size_t d, size_t ld, const double *x, double *out, void *c)\n" \
             "{ (void)d; (void)ld; (void)c; for (size_t i = 0; i < n; i++) out[i] = x[i] < 0 ? (double)NAN : x[i]; }\n"
#define TABLE "const quench_objective_table quench_objective = {.abi = QUENCH_OBJECTIVE_ABI, .name = \"mine\", "

static void what_is_no_objective_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *source, *says;
    } cases[] = {
        {"nothing", "int other = 3;", "does not export `const quench_objective_table quench_objective`"},
        {"old", EVAL "const quench_objective_table quench_objective = {.abi = 0, .name = \"old\", .eval = eval};", "speaks version 0 of the interface of objectives, this quench version 1"},
        {"new", EVAL "const quench_objective_table quench_objective = {.abi = 2, .name = \"new\", .eval = eval};", "speaks version 2"},
        {"half", TABLE "0};", "lacks name or eval"},
        {"anonymous", EVAL "const quench_objective_table quench_objective = {.abi = 1, .eval = eval};", "lacks name or eval"},
        {"flags", EVAL TABLE ".eval = eval, .flags = 6};", "unknown flags 0x6"},
        {"range", EVAL TABLE ".eval = eval, .d_min = 3, .d_max = 2};", "d from 3 to 2"},
        {"undefined", "extern void nowhere(void); void f(void); void f(void) { nowhere(); }\n" EVAL TABLE ".eval = eval};", "nowhere"},
    };
    made m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = plugin(cases[i].name, cases[i].source);
        complains(user_point(path, "d=2"), cases[i].says);
        assert_int_equal(try_make(&m, user_point(path, "d=2"), 0), QN_ERR_INPUT);
        assert_non_null(strstr(qn_error_text(), cases[i].says));
        unmake(&m);
    }
    complains("objective=user objective_file=tests/data/LICENSES.md", "cannot be loaded");
    const char *two = plugin("two", EVAL TABLE ".eval = eval, .d_min = 2, .d_max = 2};");
    complains(user_point(two, "d=2"), "");
    complains(user_point(two, "d=3"), "the objective mine of");
    complains(user_point(two, "d=3"), "takes d 2");
    const char *few = plugin("few", EVAL TABLE ".eval = eval, .d_max = 4};");
    complains(user_point(few, "d=5"), "takes d from 1 to 4");
    const char *many = plugin("many", EVAL TABLE ".eval = eval, .d_min = 4};");
    complains(user_point(many, "d=3"), "takes d at least 4");
}

static void what_a_table_says_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *name, *source, *says;
    } cases[] = {
        {"mute", EVAL "static int create(size_t d, const char *o, uint64_t s, void **c, char *m, size_t n) { (void)d; (void)o; (void)s; (void)c; (void)m; (void)n; return 1; }\n"
                 TABLE ".eval = eval, .create = create};", "cannot be made, and does not say why"},
        {"fickle", EVAL "static size_t minimiser(size_t d, double *x, double *f, void *c) { (void)d; (void)f; (void)c; return x ? 1 : 2; }\n"
                   TABLE ".eval = eval, .minimiser = minimiser};", "2 minimisers first"},
        {"nowhere", EVAL "static size_t minimiser(size_t d, double *x, double *f, void *c) { (void)d; (void)f; (void)c; if (x) x[0] = 1, x[1] = (double)NAN; return 1; }\n"
                    TABLE ".eval = eval, .minimiser = minimiser};", "coordinate 1 of its minimiser 0 is not finite"},
    };
    made m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(try_make(&m, user_point(plugin(cases[i].name, cases[i].source), "d=2"), 0), QN_ERR_MODEL);
        if (!strstr(qn_error_text(), cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", qn_error_text(), cases[i].says);
        unmake(&m);
    }
}

/* NaN comes out as it is; options, seed and the end reach the plug-in (it keeps a diary); the seed is the replica's. */
static void options_and_seed_arrive(void **state)
{
    (void)state;
    static const char source[] = EVAL
        "static int create(size_t d, const char *o, uint64_t s, void **c, char *m, size_t n)\n"
        "{ (void)m; (void)n; FILE *f = *c = fopen(o, \"a\"); fprintf(f, \"%zu %016llx\\n\", d, (unsigned long long)s); return 0; }\n"
        "static void destroy(void *c) { fprintf(c, \"end\\n\"); fclose(c); }\n" TABLE ".eval = eval, .create = create, .destroy = destroy};";
    char path[300], diary[300], rest[400], line[4][100] = {{0}};
    snprintf(path, sizeof path, "%s", plugin("diary", source));
    snprintf(diary, sizeof diary, "%s/diary.txt", folder);
    snprintf(rest, sizeof rest, "d=3 objective_options=%s", diary);
    static const size_t replica[] = {4, 4, 5};
    double f[CBO_LANES];
    for (size_t i = 0; i < 3; i++) {
        made m;
        make(&m, user_point(path, rest), replica[i]);
        assert_null(m.o->grad);
        double *x = tile_of(3, 64, 1, i);
        m.o->eval(m.o, 64, x, f, m.work);
        for (size_t lane = 0; lane < 64; lane++)
            assert_true(x[lane] < 0 ? isnan(f[lane]) : f[lane] == x[lane]);
        free(x);
        unmake(&m);
    }
    char text[6][100];
    FILE *file = fopen(diary, "r");
    for (size_t i = 0; i < 6; i++)
        assert_non_null(fgets(text[i], sizeof text[i], file));
    assert_null(fgets(line[0], sizeof line[0], file));
    fclose(file);
    assert_int_equal(strncmp(text[0], "3 ", 2), 0);
    assert_string_equal(text[1], "end\n");
    assert_string_equal(text[0], text[2]);
    assert_string_not_equal(text[0], text[4]);
}

/* Four threads: an objective that is not reentrant sees one of them at a time; one that says it is sees several (which shows that the
 * first half would notice). */
static void the_lock_is_kept(void **state)
{
    (void)state;
    static const char source[] =
        "#include <stdatomic.h>\n#include <unistd.h>\nstatic atomic_int inside;\n"
        "static void eval(size_t n, size_t d, size_t ld, const double *x, double *out, void *c)\n"
        "{ (void)d; (void)ld; (void)x; (void)c; int others = atomic_fetch_add(&inside, 1); usleep(2000); atomic_fetch_sub(&inside, 1);\n"
        "  for (size_t i = 0; i < n; i++) out[i] = others; }\n" TABLE ".eval = eval, .flags = FLAGS};";
    for (int reentrant = 0; reentrant < 2; reentrant++) {
        char text[1500];
        made m;
        snprintf(text, sizeof text, "#define FLAGS %d\n%s", reentrant, source);
        make(&m, user_point(plugin(reentrant ? "free" : "locked", text), "d=1"), 0);
        double most = 0;
#pragma omp parallel num_threads(4) reduction(max : most)
        for (int i = 0; i < 20; i++) {
            double x[CBO_LANES] = {0}, f[CBO_LANES] = {0};
            m.o->eval(m.o, 8, x, f, NULL);
            most = f[0] > most ? f[0] : most;
        }
        assert_true(reentrant ? most > 0 : most == 0);
        unmake(&m);
    }
}

/* ---- instruction sets -------------------------------------------------------------------------------------------------- */

/* A digest of values of every kind, as a program of its own: the instruction set is chosen once per process. */
static int print_digest(void)
{
    static const char *const cases[] = {"objective=spherical_pspin p=2 d=37", "objective=spherical_pspin p=3 d=19", "objective=hebbian p=4 K=7 d=21",
                                        "objective=hebbian p=2 K=2 d=9 wells=1", "objective=softmax samples=9 " MNIST, "objective=mlp hidden=12 samples=5 " MNIST,
                                        "objective=teacher samples=20 hidden=7"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made m;
        char hex[33];
        make(&m, cases[i], 1);
        double *x = tile_of(m.o->d, 56, 0.7, i), f[CBO_LANES] = {0};
        m.o->eval(m.o, 56, x, f, m.work);
        qn_hash_hex(qn_hash_bytes(f, 56 * sizeof *f), hex);
        printf("%s ", hex);
        free(x);
        unmake(&m);
    }
    return 0;
}

static void instruction_sets_agree(void **state)
{
    (void)state;
    static const char *const sets[] = {"base", "avx2", "avx512"};
    char program[500] = {0}, line[600], text[3][400] = {{0}};
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "QUENCH_ISA=%s %s digest", sets[i], program);
        FILE *f = popen(line, "r");
        assert_non_null(f);
        assert_non_null(fgets(text[i], sizeof text[i], f));
        assert_int_equal(pclose(f), 0);
        assert_int_equal(strlen(text[i]), 7 * 33);
        assert_string_equal(text[i], text[0]);
    }
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    char line[300];
    snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "digest"))
        return print_digest();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_template_is_an_objective),
        cmocka_unit_test(what_is_no_objective_is_refused),
        cmocka_unit_test(what_a_table_says_is_checked),
        cmocka_unit_test(options_and_seed_arrive),
        cmocka_unit_test(the_lock_is_kept),
        cmocka_unit_test(instruction_sets_agree),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
