/* test_plot.c -- figures: what is drawn (cells, selection, overlays, labels, palette), and that gnuplot makes the files of it. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figure.h"
#include "palette.h"
#include "plot.h"
#include "qtest.h"
#include "terminal.h"

#define OK(call) assert_int_equal(call, 0)

/* ---- results to draw --------------------------------------------------------------------------------------------------- */

static qn_var *add_axis(qn_dataset *d, const char *name, size_t n, const double *at, const char *symbol, const char *meaning)
{
    qn_var *v;
    OK(qn_dataset_dim(d, name, n));
    OK(qn_dataset_var(d, name, QN_F64, 1, &name, &v));
    memcpy(v->f64, at, n * sizeof *at);
    OK(qn_attr_str(d, v, "units", "1"));
    OK(qn_attr_str(d, v, "symbol", symbol));
    OK(qn_attr_str(d, v, "long_name", meaning));
    return v;
}

static qn_var *add_var(qn_dataset *d, const char *name, qn_dtype type, size_t rank, const char *const *dims, const char *kind)
{
    qn_var *v;
    OK(qn_dataset_var(d, name, type, rank, dims, &v));
    if (kind) {
        OK(qn_attr_str(d, v, "kind", kind));
        OK(qn_attr_str(d, v, "units", "1"));
    }
    return v;
}

static qn_dataset *new_result(const char *axes)
{
    qn_dataset *d;
    OK(qn_dataset_new(&d));
    OK(qn_attr_str(d, NULL, "axes", axes));
    return d;
}

static const double loads[] = {0, 0.05, 0.1, 0.2}, temperatures[] = {0.6, 0.2, 0.4}; /* uneven; not in order */
static const char *const load_t[] = {"load", "T"};

/* m = load + 10 T over (load, T), one cell missing, one not equilibrated; a derived quantity; u beside it. */
static qn_dataset *grid(void)
{
    qn_dataset *d = new_result("load T");
    add_axis(d, "load", 4, loads, "γ", "storage load");
    add_axis(d, "T", 3, temperatures, "T", "temperature");
    qn_var *m = add_var(d, "m", QN_F64, 2, load_t, "series"), *err = add_var(d, "m_err", QN_F64, 2, load_t, NULL), *eq = add_var(d, "m_eq", QN_I8, 2, load_t, NULL);
    qn_var *u = add_var(d, "u", QN_F64, 2, load_t, "series"), *b = add_var(d, "binder", QN_F64, 2, load_t, "derived");
    OK(qn_attr_str(d, b, "expression", "u/m^2"));
    OK(qn_attr_str(d, m, "symbol", "m_1"));
    OK(qn_attr_str(d, m, "long_name", "overlap with the nominated pattern, averaged over many things that have long names"));
    for (size_t i = 0; i < 12; i++) {
        m->f64[i] = loads[i / 3] + 10 * temperatures[i % 3];
        err->f64[i] = 0.25;
        eq->i8[i] = i != 4; /* load 0.05, T 0.2 */
        u->f64[i] = b->f64[i] = (double)i;
    }
    m->f64[11] = NAN; /* load 0.2, T 0.4 */
    return d;
}

/* Theory over T: the load at which something ends, 0.3 T, with a gap. */
static qn_dataset *boundary(const char *locates)
{
    static const double t[] = {0.1, 0.2, 0.3, 0.4, 0.5};
    static const char *const over_t[] = {"T"};
    qn_dataset *d = new_result("T");
    add_axis(d, "T", 5, t, "T", "temperature");
    qn_var *v = add_var(d, "load_spinodal", QN_F64, 1, over_t, "theory");
    OK(qn_attr_str(d, v, "locates", locates));
    OK(qn_attr_str(d, v, "long_name", "end of retrieval"));
    for (size_t i = 0; i < 5; i++)
        v->f64[i] = i == 2 ? NAN : 0.3 * t[i];
    return d;
}

/* Theory of m over (T, load): 100 T + load; and the spinodal 0.3 T. */
static qn_dataset *fine_theory(void)
{
    static const double t[] = {0.2, 0.3, 0.4};
    double g[21];
    static const char *const t_load[] = {"T", "load"};
    qn_dataset *d = new_result("T load");
    for (size_t i = 0; i < 21; i++)
        g[i] = 0.01 * (double)i;
    add_axis(d, "T", 3, t, "T", "temperature");
    add_axis(d, "load", 21, g, "γ", "storage load");
    qn_var *m = add_var(d, "m", QN_F64, 2, t_load, "theory"), *s = add_var(d, "load_spinodal", QN_F64, 2, t_load, "theory");
    OK(qn_attr_str(d, s, "locates", "load"));
    for (size_t i = 0; i < 63; i++) {
        m->f64[i] = 100 * t[i / 21] + g[i % 21];
        s->f64[i] = 0.3 * t[i / 21];
    }
    return d;
}

typedef struct notes {
    size_t n;
    char last[512];
} notes;

static void listen(void *ctx, const char *line)
{
    notes *s = ctx;
    s->n++;
    snprintf(s->last, sizeof s->last, "%s", line);
}

static qn_figure_request ask(const qn_dataset *d, const char *observable)
{
    return (qn_figure_request){.data = d, .path = "run.h5", .observable = observable};
}

static qn_figure_request ask_over(const qn_dataset *d, const char *observable, const qn_figure_overlay *over, size_t n, notes *heard)
{
    qn_figure_request q = ask(d, observable);
    q.overlay = over;
    q.n_overlays = n;
    q.say = heard ? listen : NULL;
    q.ctx = heard;
    return q;
}

/* ---- places ---------------------------------------------------------------------------------------------------------------- */

static void edges(void **state)
{
    (void)state;
    double e[5];
    qn_fig_edges(4, (double[]){1, 2, 4, 8}, false, e);
    for (size_t i = 0; i < 5; i++)
        assert_near(e[i], ((double[]){0.5, 1.5, 3, 6, 10})[i], 1e-15);
    qn_fig_edges(4, (double[]){1, 2, 4, 8}, true, e);
    for (size_t i = 0; i < 5; i++)
        assert_near(e[i], pow(2, (double)i - 0.5), 1e-14);
    qn_fig_edges(3, (double[]){0, 0.1, 0.2}, false, e); /* no negative temperature */
    assert_near(e[0], 0, 0);
    assert_near(e[3], 0.25, 1e-15);
    qn_fig_edges(2, (double[]){-1, -0.1}, false, e);
    assert_near(e[2], 0, 0);
    qn_fig_edges(2, (double[]){-1, 1}, false, e);
    assert_near(e[0], -2, 0);
    qn_fig_edges(1, (double[]){3}, false, e);
    assert_true(e[0] < 3 && e[1] > 3);
}

static void ticks(void **state)
{
    (void)state;
    static const struct {
        double lo, hi;
        size_t most;
        double step;
        int decimals;
    } cases[] = {{0, 1, 6, 0.2, 1}, {0, 1, 5, 0.5, 1}, {0, 0.205, 6, 0.05, 2}, {-3, 47, 6, 10, 0}, {0, 1e6, 4, 5e5, 0}, {0.999, 1.001, 5, 0.0005, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int decimals;
        assert_near(qn_fig_step(cases[i].lo, cases[i].hi, cases[i].most, &decimals), cases[i].step, 1e-12 * cases[i].step);
        assert_int_equal(decimals, cases[i].decimals);
    }
    double at[QN_FIG_TICKS];
    int decimals;
    assert_int_equal(qn_fig_ticks(&(qn_fig_axis){.log = true, .lo = 0.8e-3, .hi = 1.2}, 6, at, &decimals), 4);
    for (int k = 0; k < 4; k++)
        assert_near(at[k], pow(10, k - 3), 1e-12);
    assert_int_equal(decimals, -1);
    assert_int_equal(qn_fig_ticks(&(qn_fig_axis){.log = true, .lo = 1, .hi = 20}, 6, at, &decimals), 5); /* 1 2 5 10 20 */
    assert_near(at[2], 5, 1e-12);
    assert_near(qn_fig_place(&(qn_fig_axis){.log = true, .lo = 1, .hi = 100}, 10), 0.5, 1e-15);
    assert_near(qn_fig_place(&(qn_fig_axis){.lo = 1, .hi = 5}, 2), 0.25, 1e-15);
}

static void labels(void **state)
{
    (void)state;
    qn_fig_axis t = {.name = "T", .symbol = "T_c", .meaning = "temperature (where it ends), of something", .unit = "K"};
    char *head = qn_fig_label(&t, 30), *bare = qn_fig_label(&t, 8);
    assert_string_equal(head, "temperature \1T_c\2 (K)");
    assert_string_equal(bare, "\1T_c\2 (K)");
    assert_int_equal(qn_fig_length(head), strlen("temperature Tc (K)"));
    free(head);
    free(bare);
    static const struct {
        qn_fig_axis a;
        size_t most;
        const char *label;
    } cases[] = {
        {{.name = "start_overlap"}, 5, "start overlap"},
        {{.name = "start_overlap", .symbol = "m_0", .meaning = "start noisy: each spin, or so"}, 40, "start overlap \1m_0\2"}, /* when, not what */
        {{.name = "start_overlap", .symbol = "m_0", .meaning = "start noisy: each spin, or so"}, 10, "\1m_0\2"},
        {{.name = "start_overlap", .symbol = "m_0", .meaning = "overlap of the start, noisy: each spin"}, 40, "overlap of the start \1m_0\2"},
        {{.name = "T", .symbol = "T", .meaning = "zero: not used", .unit = "J"}, 40, "\1T\2 (J)"},
        {{.name = "cue_noise", .meaning = "probability of a flipped pixel"}, 12, "cue noise"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *label = qn_fig_label(&cases[i].a, cases[i].most);
        assert_string_equal(label, cases[i].label);
        free(label);
    }
    qn_fig_series s = {.label = (char *)"end of retrieval \1T_s\2", .brief = (char *)"\1T_s\2"};
    assert_string_equal(qn_fig_key(&s, 20), s.label); /* 19 characters */
    assert_string_equal(qn_fig_key(&s, 18), s.brief);
    s.brief = NULL;
    assert_string_equal(qn_fig_key(&s, 18), s.label);
}

/* Even steps in CIELAB (computed back from sRGB here) and growing lightness. */
static void palette(void **state)
{
    (void)state;
    enum { N = 33 };
    qn_colour c[N];
    double lab[N][3], least = INFINITY, most = 0;
    qn_palette(N, c);
    for (size_t i = 0; i < N; i++) {
        static const double to_xyz[3][3] = {{0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
        static const double white[3] = {0.95047, 1, 1.08883};
        double f[3];
        for (size_t k = 0; k < 3; k++) {
            double sum = 0;
            for (size_t j = 0; j < 3; j++) {
                double v = c[i].rgb[j];
                sum += to_xyz[k][j] * (v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
            }
            sum /= white[k];
            f[k] = sum > 216.0 / 24389 ? cbrt(sum) : (24389.0 / 27 * sum + 16) / 116;
        }
        lab[i][0] = 116 * f[1] - 16;
        lab[i][1] = 500 * (f[0] - f[1]);
        lab[i][2] = 200 * (f[1] - f[2]);
        assert_near(lab[i][0], c[i].lightness, 1.0); /* cut to sRGB at most a little */
        if (!i)
            continue;
        double step = sqrt(pow(lab[i][0] - lab[i - 1][0], 2) + pow(lab[i][1] - lab[i - 1][1], 2) + pow(lab[i][2] - lab[i - 1][2], 2));
        least = fmin(least, step);
        most = fmax(most, step);
        assert_true(lab[i][0] > lab[i - 1][0] + 0.5);
    }
    assert_true(most / least < 1.25);
    assert_true(lab[N - 1][0] - lab[0][0] > 75);
}

/* ---- maps ---------------------------------------------------------------------------------------------------------------------- */

static void map(void **state)
{
    (void)state;
    qn_dataset *d = grid();
    qn_figure f;
    qn_figure_request q = ask(d, NULL);
    assert_string_equal(qn_figure_default(d), "m");
    OK(qn_figure_build(&q, &f));
    assert_true(f.map);
    assert_string_equal(f.x.name, "load"); /* the slower axis lies along x */
    assert_string_equal(f.x.symbol, "γ");
    assert_int_equal(f.x.n, 4);
    assert_int_equal(f.y.n, 3);
    for (size_t k = 0; k < 3; k++)
        assert_near(f.y.at[k], 0.2 * (double)(k + 1), 1e-15); /* sorted */
    assert_near(f.x.edge[3], 0.15, 1e-15);
    assert_near(f.x.lo, 0, 0);
    assert_near(f.x.hi, 0.25, 1e-15);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 3; k++) {
            bool absent = i == 3 && k == 1, drifts = i == 1 && k == 0;
            if (absent)
                assert_true(isnan(f.cell[i * 3 + k]));
            else
                assert_near(f.cell[i * 3 + k], loads[i] + 10 * 0.2 * (double)(k + 1), 1e-12);
            assert_int_equal(f.cell_eq[i * 3 + k], !drifts);
        }
    assert_near(f.cell_hi[0] - f.cell_lo[0], 0.5, 1e-12);
    assert_near(f.value.lo, 2, 1e-12);
    assert_near(f.value.hi, 6.2, 1e-12);
    qn_figure_free(&f);
    q = ask(d, "binder"); /* made of series that have not settled: neither has it */
    OK(qn_figure_build(&q, &f));
    assert_int_equal(f.cell_eq[3 + 0], 0);
    assert_int_equal(f.cell_eq[0], 1);
    qn_figure_free(&f);
    q = (qn_figure_request){.data = d, .path = "run.h5", .y = "load"};
    OK(qn_figure_build(&q, &f));
    assert_string_equal(f.x.name, "T");
    assert_near(f.cell[1 * 4 + 2], 0.1 + 10 * 0.4, 1e-12); /* [T 0.4][load 0.1] */
    qn_figure_free(&f);
    qn_dataset_free(d);
}

static void map_of_words(void **state)
{
    (void)state;
    qn_dataset *d = new_result("dynamics T");
    static const char *const dims[] = {"dynamics", "T"}, *const words[] = {"heatbath", "zero"};
    qn_var *w;
    OK(qn_dataset_dim(d, "dynamics", 2));
    OK(qn_dataset_var(d, "dynamics", QN_STR, 1, dims, &w));
    for (size_t i = 0; i < 2; i++)
        OK(qn_var_set_str(w, i, words[i]));
    qn_var *t = add_axis(d, "T", 3, (double[]){0.1, 1, 10}, "T", "temperature");
    OK(qn_attr_str(d, t, "scale", "log"));
    qn_var *m = add_var(d, "m", QN_F64, 2, dims, "series");
    for (size_t i = 0; i < 6; i++)
        m->f64[i] = (double)i;
    qn_figure f;
    qn_figure_request q = ask(d, "m");
    OK(qn_figure_build(&q, &f));
    assert_int_equal(f.x.n_words, 2);
    assert_string_equal(f.x.word[1], "zero");
    assert_near(f.x.lo, -0.5, 0);
    assert_near(f.x.hi, 1.5, 0);
    assert_true(f.y.log);
    assert_near(f.y.edge[1], sqrt(0.1), 1e-12);
    assert_near(f.y.lo, 0.1 / sqrt(10), 1e-12);
    qn_figure_free(&f);
    static const char *const where[] = {"dynamics=zero"};
    q.where = where;
    q.n_where = 1;
    OK(qn_figure_build(&q, &f));
    assert_false(f.map);
    assert_int_equal(f.n_series, 1);
    assert_int_equal(f.series[0].n, 3);
    assert_near(f.series[0].y[2], 5, 0);
    assert_true(f.x.log);
    qn_figure_free(&f);
    qn_dataset_free(d);
}

static void map_boundary(void **state)
{
    (void)state;
    qn_dataset *d = grid(), *b = boundary("load"), *other = boundary("N");
    const qn_figure_overlay over[] = {{b, "b.h5", NULL}, {other, "other.h5", NULL}};
    notes heard = {0};
    qn_figure f;
    qn_figure_request q = ask_over(d, "m", over, 2, &heard);
    OK(qn_figure_build(&q, &f));
    assert_int_equal(f.n_series, 1);
    const qn_fig_series *s = &f.series[0];
    assert_int_equal(s->form, QN_FIG_THEORY);
    assert_string_equal(s->label, "end of retrieval");
    assert_int_equal(s->n, 5);
    for (size_t k = 0; k < 5; k++) { /* the curve (Q(T), T) */
        assert_near(s->y[k], 0.1 * (double)(k + 1), 1e-15);
        if (k == 2)
            assert_true(isnan(s->x[k])); /* a gap stays a gap */
        else
            assert_near(s->x[k], 0.3 * s->y[k], 1e-15);
    }
    assert_int_equal(heard.n, 1); /* what locates another parameter is not drawn, and that is said */
    assert_non_null(strstr(heard.last, "other.h5"));
    qn_figure_free(&f);
    q.y = "load"; /* with the axes exchanged it is (T, Q(T)) */
    q.n_overlays = 1;
    OK(qn_figure_build(&q, &f));
    assert_near(f.series[0].x[4], 0.5, 1e-15);
    assert_near(f.series[0].y[4], 0.15, 1e-15);
    qn_figure_free(&f);
    qn_dataset_free(d);
    qn_dataset_free(b);
    qn_dataset_free(other);
}

/* A boundary of 0 says nowhere: the line ends at the last place where there is one. */
static void map_boundary_ends(void **state)
{
    (void)state;
    qn_dataset *d = grid(), *b = boundary("load");
    const qn_figure_overlay over[] = {{b, "b.h5", NULL}};
    qn_figure f;
    qn_figure_request q = ask(d, "m");
    memcpy(qn_dataset_find(b, "load_spinodal")->f64, (double[]){0.1, 0.05, 0, 0, 0}, 5 * sizeof(double));
    q.overlay = over;
    q.n_overlays = 1;
    OK(qn_figure_build(&q, &f));
    assert_near(f.series[0].x[1], 0.05, 0);
    assert_true(isnan(f.series[0].x[2]) && isnan(f.series[0].x[3]) && isnan(f.series[0].x[4]));
    qn_figure_free(&f);
    qn_dataset_free(d);
    qn_dataset_free(b);
}

/* ---- lines ---------------------------------------------------------------------------------------------------------------------- */

static void lines(void **state)
{
    (void)state;
    qn_dataset *d = grid(), *t = fine_theory();
    const qn_figure_overlay over[] = {{t, "t.h5", NULL}};
    static const char *const where[] = {"T=0.4"}, *const low[] = {"T=:0.5"};
    notes heard = {0};
    qn_figure f;
    qn_figure_request q = ask_over(d, "m", over, 1, NULL);
    q.where = where;
    q.n_where = 1;
    q.say = listen;
    q.ctx = &heard;
    OK(qn_figure_build(&q, &f)); /* one axis is left; the theory follows to T = 0.4 */
    assert_false(f.map);
    assert_int_equal(heard.n, 0);
    assert_int_equal(f.n_series, 2); /* the mark at load 0.12 lies beyond the points */
    assert_int_equal(f.series[0].form, QN_FIG_POINTS);
    assert_string_equal(f.series[0].label, "Monte Carlo");
    assert_int_equal(f.series[0].n, 3); /* the missing point is not there */
    assert_near(f.series[0].y[1], 4.05, 1e-12);
    assert_near(f.series[0].lo[1], 3.8, 1e-12);
    assert_int_equal(f.series[1].form, QN_FIG_THEORY);
    assert_int_equal(f.series[1].n, 21);
    assert_near(f.series[1].y[10], 40.1, 1e-12);
    assert_string_equal(f.series[1].label, "theory");
    assert_true(f.value.hi > 40.1 && f.x.lo < 0 && f.x.hi > 0.1);
    qn_figure_free(&f);

    q.where = low;
    q.lines = true;
    q.x = "load";
    OK(qn_figure_build(&q, &f)); /* T = 0.2 and 0.4 as lines; the theory's T = 0.3 has no partner */
    assert_string_equal(f.by.name, "T");
    assert_int_equal(f.by.n, 2);
    assert_string_equal(f.series[0].label, "\1T\2 = 0.2");
    assert_int_equal(f.series[0].n, 4);
    assert_int_equal(f.series[0].eq[1], 0);
    double shade = NAN;
    size_t theory = 0;
    for (size_t i = 0; i < f.n_series; i++)
        if (f.series[i].form == QN_FIG_THEORY && fabs(f.series[i].y[0] - 40) < 1e-9)
            shade = f.series[i].shade;
    for (size_t i = 0; i < f.n_series; i++) {
        theory += f.series[i].form == QN_FIG_THEORY;
        if (f.series[i].form == QN_FIG_POINTS && fabs(f.series[i].y[0] - 4) < 1e-9)
            assert_near(f.series[i].shade, shade, 0); /* the same colour as its points */
    }
    assert_int_equal(theory, 2);
    assert_int_equal(heard.n, 1);
    assert_non_null(strstr(heard.last, "1 of 3 curves"));
    qn_figure_free(&f);
    qn_dataset_free(d);
    qn_dataset_free(t);
}

/* Of an overlay only what is asked for by name; another quantity than the observable lies over lines when it is. */
static void picked(void **state)
{
    (void)state;
    qn_dataset *d = grid(), *t = fine_theory();
    static const char *const t_load[] = {"T", "load"}, *const where[] = {"T=0.2"};
    qn_var *other = add_var(t, "m_plus", QN_F64, 2, t_load, "theory");
    OK(qn_attr_str(t, other, "long_name", "overlap plus one"));
    OK(qn_attr_str(t, other, "symbol", "m_+"));
    for (size_t i = 0; i < other->size; i++)
        other->f64[i] = 1;
    notes heard = {0};
    qn_figure f;
    qn_figure_overlay over = {t, "t.h5", NULL};
    qn_figure_request q = ask_over(d, "m", &over, 1, &heard);
    q.where = where;
    q.n_where = 1;
    static const struct {
        const char *only;
        size_t theory, marks, notes;
        const char *label; /* of the first of them */
    } cases[] = {
        {NULL, 1, 1, 0, "load spinodal"}, {"m", 1, 0, 0, "theory"},          {"load_spinodal", 0, 1, 0, "load spinodal"},
        {"m_plus", 1, 0, 0, "overlap plus one \1m_+\2"}, {"load_spinodal,m", 1, 1, 0, "load spinodal"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count[QN_FIG_MARK + 1] = {0};
        heard.n = 0;
        over.only = cases[i].only;
        OK(qn_figure_build(&q, &f));
        for (size_t k = 0; k < f.n_series; k++)
            count[f.series[k].form]++;
        assert_int_equal(count[QN_FIG_POINTS], 1);
        assert_int_equal(count[QN_FIG_THEORY], cases[i].theory);
        assert_int_equal(count[QN_FIG_MARK], cases[i].marks);
        assert_string_equal(f.series[1].label, cases[i].label);
        assert_int_equal(heard.n, cases[i].notes);
        qn_figure_free(&f);
    }
    over.only = "m,load_spinodl";
    assert_int_equal(qn_figure_build(&q, &f), QN_ERR_INPUT);
    assert_non_null(strstr(qn_error_text(), "--overlay t.h5: there is no observable 'load_spinodl'; did you mean 'load_spinodal'?"));
    qn_figure_free(&f);
    q.n_where = 0;
    over.only = "load_spinodal,m_plus"; /* a map takes the one and not the other */
    OK(qn_figure_build(&q, &f));
    assert_true(f.map);
    assert_int_equal(f.n_series, 1);
    assert_int_equal(heard.n, 1);
    assert_non_null(strstr(heard.last, "m_plus of t.h5 is left out: a map takes"));
    qn_figure_free(&f);
    qn_dataset_free(d);
    qn_dataset_free(t);
}

/* A curve over its own dimension; a grid of time that is logarithmic asks for a logarithmic axis. */
static void curve(void **state)
{
    (void)state;
    qn_dataset *d = new_result("load");
    static const char *const dims[] = {"load", "time"};
    add_axis(d, "load", 4, loads, "γ", "storage load");
    add_axis(d, "time", 7, (double[]){1, 3, 10, 32, 100, 316, 1000}, "t", "steps");
    qn_var *v = add_var(d, "overlap", QN_F64, 2, dims, "curve");
    for (size_t i = 0; i < 28; i++)
        v->f64[i] = (double)i;
    v->f64[27] = NAN;
    qn_figure f;
    qn_figure_request q = ask(d, "overlap");
    OK(qn_figure_build(&q, &f));
    assert_false(f.map);
    assert_string_equal(f.x.name, "time");
    assert_true(f.x.log);
    assert_int_equal(f.n_series, 4);
    assert_int_equal(f.series[0].form, QN_FIG_CURVE);
    assert_int_equal(f.series[3].n, 6);
    assert_near(f.series[2].y[4], 18, 0);
    qn_figure_free(&f);
    qn_dataset_free(d);
}

/* An auxiliary coordinate along x: it goes with the axis along which it changes. */
static void auxiliary(void **state)
{
    (void)state;
    qn_dataset *d = grid();
    qn_var *real = add_var(d, "load_realised", QN_F64, 2, load_t, "coordinate");
    for (size_t i = 0; i < 12; i++)
        real->f64[i] = loads[i / 3] + 0.001;
    qn_figure f;
    qn_figure_request q = ask(d, "m");
    q.lines = true;
    q.x = "load_realised";
    OK(qn_figure_build(&q, &f));
    assert_string_equal(f.x.name, "load_realised");
    assert_string_equal(f.by.name, "T");
    assert_int_equal(f.n_series, 3);
    assert_int_equal(f.series[0].n, 4);
    assert_near(f.series[0].x[1], 0.051, 1e-12);
    assert_near(f.series[0].y[1], 6.05, 1e-12); /* T = 0.6 comes first in the file */
    qn_figure_free(&f);
    qn_dataset_free(d);
}

/* Two measured files are told apart by the parameter in which they differ. */
static void two_files(void **state)
{
    (void)state;
    qn_dataset *d[2];
    static const char *const dims[] = {"load"}, *const sizes[] = {"64", "128"};
    for (size_t k = 0; k < 2; k++) {
        d[k] = new_result("load");
        add_axis(d[k], "load", 4, loads, "γ", "storage load");
        OK(qn_attr_str(d[k], NULL, "parameter:N", sizes[k]));
        OK(qn_attr_str(d[k], NULL, "parameter:P", "4"));
        qn_var *m = add_var(d[k], "m", QN_F64, 1, dims, "outcome"), *lo = add_var(d[k], "m_lo", QN_F64, 1, dims, NULL), *hi = add_var(d[k], "m_hi", QN_F64, 1, dims, NULL);
        for (size_t i = 0; i < 4; i++) {
            m->f64[i] = 0.5;
            lo->f64[i] = 0.1;
            hi->f64[i] = 0.7;
        }
    }
    const qn_figure_overlay over[] = {{d[1], "x/two.h5", NULL}};
    qn_figure f;
    qn_figure_request q = ask_over(d[0], NULL, over, 1, NULL);
    OK(qn_figure_build(&q, &f));
    assert_int_equal(f.n_files, 2);
    assert_string_equal(f.series[0].label, "N = 64");
    assert_string_equal(f.series[1].label, "N = 128");
    assert_near(f.series[0].lo[0], 0.1, 0); /* the interval of a 0/1 outcome, not an error to both sides */
    assert_near(f.series[0].hi[0], 0.7, 0);
    qn_figure_free(&f);
    qn_dataset_free(d[0]);
    qn_dataset_free(d[1]);
}

static void refusals(void **state)
{
    (void)state;
    qn_dataset *d = grid(), *zero = new_result(""), *cube = new_result("load T N");
    static const char *const three[] = {"load", "T", "N"}, *const where[] = {"T=0.3"};
    add_axis(cube, "load", 4, loads, "γ", "storage load");
    add_axis(cube, "T", 3, temperatures, "T", "temperature");
    add_axis(cube, "N", 2, (double[]){64, 128}, "N", "spins");
    add_var(cube, "m", QN_F64, 3, three, "series");
    add_var(zero, "m", QN_F64, 0, NULL, "series")->f64[0] = 0.5;
    const struct {
        qn_figure_request q;
        const char *says;
    } cases[] = {
        {ask(zero, NULL), "single number"},
        {ask(zero, NULL), "`quench show run.h5 m`"},
        {ask(cube, NULL), "--where load=0"},
        {ask(d, "bindr"), "did you mean 'binder'"},
        {ask(d, "T"), "axis"},
        {{.data = d, .path = "run.h5", .x = "lod"}, "did you mean 'load'"},
        {{.data = d, .path = "run.h5", .x = "T", .y = "T"}, "same axis"},
        {{.data = d, .path = "run.h5", .lines = true, .y = "T"}, "--lines"},
        {{.data = d, .path = "run.h5", .where = where, .n_where = 1}, "T has no value 0.3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_figure f;
        assert_int_equal(qn_figure_build(&cases[i].q, &f), QN_ERR_INPUT);
        if (!strstr(qn_error_text(), cases[i].says))
            fail_msg("case %zu says: %s", i, qn_error_text());
        qn_figure_free(&f);
    }
    assert_int_equal(qn_plot_check("run.h5"), QN_ERR_INPUT);
    assert_int_equal(qn_plot_check("fig.gif"), QN_ERR_INPUT);
    assert_non_null(strstr(qn_error_text(), ".png, .svg or .pdf"));
    assert_int_equal(qn_plot_check(".png"), QN_ERR_INPUT);
    OK(qn_plot_check("a.pdf"));
    qn_dataset_free(d);
    qn_dataset_free(zero);
    qn_dataset_free(cube);
}

/* ---- drawn ------------------------------------------------------------------------------------------------------------------------ */

static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = malloc(1 << 24);
    assert_non_null(text);
    *n = fread(text, 1, (1 << 24) - 1, f);
    text[*n] = 0;
    fclose(f);
    return text;
}

static unsigned big_endian(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
}

static size_t files_in(const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void files(void **state)
{
    (void)state;
    char folder[] = "/tmp/quench-plot-XXXXXX", here[4096];
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(here, sizeof here));
    OK(chdir(folder));
    qn_dataset *d = grid(), *b = boundary("load");
    const qn_figure_overlay over[] = {{b, "b.h5", NULL}};
    qn_figure f;
    qn_figure_request q = ask_over(d, "m", over, 1, NULL);
    q.title = "it's a title_with {signs} & more";
    OK(qn_figure_build(&q, &f));
    size_t n, again;
    const qn_plot_style column = {.keep = true}, page = {.page = true};
    OK(qn_plot_write(&f, "fig.png", &column));
    char *png = slurp("fig.png", &n);
    assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
    assert_int_equal(big_endian(png + 16), 1004); /* 85 mm at 300 dots an inch */
    assert_true(big_endian(png + 20) > 500 && big_endian(png + 20) < 1300);
    assert_int_equal(files_in("."), 3); /* figure, script and table; nothing left over */

    OK(rename("fig.png", "first.png")); /* the script makes it again */
    assert_int_equal(system("gnuplot fig.gp >/dev/null 2>&1"), 0);
    char *second = slurp("fig.png", &again);
    assert_int_equal(again, n);
    assert_memory_equal(second, png, n);
    free(second);
    free(png);

    char *csv = slurp("fig.csv", &n);
    assert_memory_equal(csv, "what,load,T,m,low,high,equilibrated\n", 36);
    assert_non_null(strstr(csv, "cell,0.050000000000000003,0.20000000000000001,2.0499999999999998,1.7999999999999998,2.2999999999999998,0\n"));
    assert_non_null(strstr(csv, "\nend of retrieval,"));
    free(csv);

    OK(qn_plot_write(&f, "fig.svg", &page));
    char *svg = slurp("fig.svg", &n);
    assert_non_null(strstr(svg, "width=\"643\"")); /* 170 mm at 96 an inch */
    assert_non_null(strstr(svg, "storage load"));
    assert_non_null(strstr(svg, "it's a title_with {signs} &amp; more"));
    assert_non_null(strstr(svg, "not equilibrated"));
    assert_non_null(strstr(svg, "no value"));
    free(svg);
    OK(qn_plot_write(&f, "fig.pdf", &(qn_plot_style){0}));
    char *pdf = slurp("fig.pdf", &n);
    assert_memory_equal(pdf, "%PDF-", 5);
    assert_true(n > 4000);
    char *box = memmem(pdf, n, "/MediaBox", 9);
    assert_non_null(box);
    double w, h;
    assert_int_equal(sscanf(box, "/MediaBox [ 0 0 %lf %lf", &w, &h), 2);
    assert_near(w, 85 / 25.4 * 72, 1.5);
    free(pdf);
    qn_figure_free(&f);

    q.lines = true;
    q.x = "load";
    OK(qn_figure_build(&q, &f)); /* lines, a mark each, open points */
    OK(qn_plot_write(&f, "lines.svg", &(qn_plot_style){0}));
    svg = slurp("lines.svg", &n);
    assert_non_null(strstr(svg, " = 0.4"));
    assert_non_null(strstr(svg, "not equilibrated"));
    free(svg);
    assert_int_equal(qn_plot_write(&f, "nowhere/fig.png", &column), QN_ERR_IO);
    assert_non_null(strstr(qn_error_text(), "nowhere/fig.png"));

    const char *path = getenv("PATH");
    char *kept = strdup(path ? path : "");
    setenv("PATH", folder, 1); /* no gnuplot there */
    assert_int_equal(qn_plot_write(&f, "none.png", &column), QN_ERR_IO);
    assert_non_null(strstr(qn_error_text(), "gnuplot is not here"));
    assert_int_equal(access("none.png", F_OK), -1);
    FILE *fake = fopen("gnuplot", "w"); /* a gnuplot without cairo */
    assert_non_null(fake);
    fputs("#!/bin/sh\necho '\"-\" line 1: unknown or ambiguous terminal type; type just set terminal for a list' >&2\nexit 1\n", fake);
    fclose(fake);
    OK(chmod("gnuplot", 0755));
    assert_int_equal(qn_plot_write(&f, "none.png", &column), QN_ERR_IO);
    assert_non_null(strstr(qn_error_text(), "no cairo"));
    setenv("PATH", kept, 1);
    free(kept);
    qn_figure_free(&f);
    qn_dataset_free(d);
    qn_dataset_free(b);
    static const char *const made[] = {"fig.png", "first.png", "fig.gp", "fig.csv", "fig.svg", "fig.pdf", "lines.svg", "gnuplot"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        OK(unlink(made[i]));
    OK(chdir(here));
    OK(rmdir(folder));
}

static char *in_terminal(const qn_figure *f, qn_terminal t)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    OK(qn_terminal_draw(f, &t, out));
    fclose(out);
    return text;
}

static void terminal(void **state)
{
    (void)state;
    qn_dataset *d = grid(), *b = boundary("load");
    const qn_figure_overlay over[] = {{b, "b.h5", NULL}};
    qn_figure f;
    qn_figure_request q = ask_over(d, "m", over, 1, NULL);
    OK(qn_figure_build(&q, &f));
    char *ascii = in_terminal(&f, (qn_terminal){.columns = 60, .rows = 24}), *colour = in_terminal(&f, (qn_terminal){.columns = 60, .rows = 24, .colour = true, .unicode = true});
    assert_null(strchr(ascii, '\033')); /* NO_COLOR */
    size_t widest = 0, width = 0, seen = 0;
    for (const char *c = ascii; *c; c++) {
        width = *c == '\n' ? 0 : width + 1;
        widest = width > widest ? width : widest;
        seen += strchr("/?A@", *c) != NULL; /* hatching, missing, boundary, largest value */
        assert_true(!strncmp(c, "γ", 2) || (c > ascii && !strncmp(c - 1, "γ", 2)) || (unsigned char)*c < 0x80);
    }
    assert_true(widest <= 60);
    assert_true(seen > 20 && strchr(ascii, '/') && strchr(ascii, '?') && strchr(ascii, '@'));
    assert_non_null(strstr(ascii, "temperature T"));
    assert_non_null(strstr(ascii, "storage load γ"));
    assert_non_null(strstr(ascii, "A  end of retrieval"));
    assert_non_null(strstr(colour, "\033[48;5;"));
    free(ascii);
    free(colour);
    qn_figure_free(&f);
    q.lines = true;
    OK(qn_figure_build(&q, &f));
    char *text = in_terminal(&f, (qn_terminal){.columns = 70, .rows = 24, .unicode = true});
    assert_non_null(strstr(text, "γ = 0.05"));
    free(text);
    qn_figure_free(&f);
    qn_dataset_free(d);
    qn_dataset_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges),     cmocka_unit_test(ticks), cmocka_unit_test(labels), cmocka_unit_test(palette),  cmocka_unit_test(map),   cmocka_unit_test(map_of_words),
        cmocka_unit_test(map_boundary), cmocka_unit_test(map_boundary_ends), cmocka_unit_test(auxiliary), cmocka_unit_test(lines), cmocka_unit_test(picked), cmocka_unit_test(curve),  cmocka_unit_test(two_files), cmocka_unit_test(refusals), cmocka_unit_test(files),
        cmocka_unit_test(terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
