/* test_hebbian.c -- the life of a task of the storage engine: checkpoints, starts, descent, what is measured, images, mistakes;
 * exact but where starts are drawn. */
#include <unistd.h>

#include "group.h"
#include "hebbian/chain.h"
#include "hebbian/hebbian.h"
#include "hebbian/settings.h"
#include "hebbian/source.h"
#include "hebbian_definition.h"
#include "record.h"
#include "rng.h"
#include "sweep.h"
#include "text.h"

/* ---- a task through the model's functions ------------------------------------------------------------------------ */

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "hebbian") ? NULL : &hebbian_model;
}

/* Reads a sweep; returns the number of mistakes, all of them joined in `said`. */
static size_t read_sweep(const char *text, qn_sweep *s, qn_buffer *said)
{
    qn_problems problems = {0};
    int err = qn_sweep_init(s, &(qn_sweep_source){.file = "test_hebbian", .text = text, .find = find}, &problems);
    size_t n = problems.n;
    for (size_t i = 0; i < n; i++)
        qn_buffer_add(said, "%s\n", problems.item[i].text);
    assert_int_equal(err != 0, n > 0);
    qn_problems_free(&problems);
    return n;
}

typedef struct running { /* one task of the first point */
    qn_sweep sweep;
    qn_layout layout;
    qn_params p;
    qn_streams streams;
    qn_record record;
    void *shared, *state;
} running;

static void open_sweep(running *r, const char *parameters)
{
    char *text = qn_format("model: hebbian\nseed: 17\nparameters: {%s}\nsampling: {steps: 200, bins: 1}\n", parameters);
    qn_buffer said = {0};
    memset(r, 0, sizeof *r);
    if (read_sweep(text, &r->sweep, &said))
        fail_msg("%s: %s", parameters, said.text);
    free(text);
    assert_int_equal(qn_layout_init(&r->layout, &r->sweep), 0);
    assert_int_equal(qn_sweep_point(&r->sweep, 0, &r->p), 0);
}

static void start_task(running *r)
{
    qn_point_keys keys;
    assert_int_equal(qn_record_init(&r->record, &r->layout, &r->p), 0);
    assert_int_equal(qn_sweep_point_keys(&r->sweep, &r->p, &keys), 0);
    qn_streams_open(&r->streams, r->sweep.seed, keys.stream.w, keys.disorder.w, 0);
    if (!r->shared)
        assert_int_equal(hebbian_model.prepare(&r->p, &r->shared), 0);
    int err = hebbian_model.create(&r->p, r->shared, &r->streams, &r->state);
    if (err)
        fail_msg("%s", qn_error_text());
}

static void run_steps(running *r, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        assert_int_equal(hebbian_model.step(r->state, &r->streams), 0);
        r->record.step++;
        assert_int_equal(hebbian_model.measure(r->state, &r->streams, &r->record), 0);
        r->record.measured++;
    }
}

static void stop_task(running *r)
{
    hebbian_model.destroy(r->state);
    qn_record_free(&r->record);
    r->state = NULL;
}

static void close_sweep(running *r)
{
    if (r->state)
        stop_task(r);
    hebbian_model.release(r->shared);
    qn_params_free(&r->p);
    qn_layout_free(&r->layout);
    qn_sweep_free(&r->sweep);
}

static double *finished_row(running *r)
{
    double *row = malloc((r->layout.row + 1) * sizeof *row);
    assert_int_equal(hebbian_model.finish(r->state, &r->streams, &r->record), 0);
    assert_int_equal(qn_record_row(&r->record, false, row), 0);
    return row;
}

static double *value(const running *r, double *row, const char *name)
{
    const qn_column *c = qn_layout_column(&r->layout, name);
    if (!c)
        fail_msg("no column %s", name);
    return row + c->offset;
}

static const char *const tasks[] = {
    "N: 31, P: 4, load: 0.1, T: 0.6, replicas_per_disorder: 3, histograms: true, correlation_lags: 7",
    "N: 33, P: 2, K: 40, T: 0.7, energy: full, start: random, dynamics: metropolis, correlation_lags: 5, field_reuse: false",
    "N: 24, P: 6, load: 0.3, T: 0.8, norm: asymptotic, scan: sequential, start: noisy, start_overlap: 0.5, replicas_per_disorder: 2",
    "N: 200, P: 8, K: 20, T: 1, start: noisy, start_overlap: 0.9",
    "N: 64, P: 4, load: 0.3, dynamics: zero, start: random, replicas_per_disorder: 2",
    "patterns: file, pattern_file: tests/data/patterns_N12_K5.txt, P: 4, T: 1, start: file, start_file: tests/data/patterns_N12_K5.txt, replicas_per_disorder: 2",
    "N: 30, P: 4, load: 0.05, T: 0.8, dataset: supervised, M: 7, r: 0.6, replicas_per_disorder: 2",
    "N: 30, P: 6, K: 40, T: 0.9, energy: full, dataset: supervised, M: 6, rho: 0.3, dynamics: metropolis, start: example",
    "N: 30, P: 4, K: 20, T: 0.7, dataset: unsupervised, r: 0.7, rho: 0.2, start: spurious:3, replicas_per_disorder: 2",
    "N: 30, P: 2, K: 9, T: 0.5, dataset: unsupervised, r: 0.5, M: 11, start: random",
};

/* Save, load into a fresh state, go on: every bit of the finished row is that of the uninterrupted task. */
static void checkpoints_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        running r;
        open_sweep(&r, tasks[i]);
        start_task(&r);
        run_steps(&r, 200);
        double *whole = finished_row(&r);
        stop_task(&r);
        for (size_t cut = 1; cut < 200; cut += 66) {
            qn_group g = {0};
            start_task(&r);
            run_steps(&r, cut);
            assert_int_equal(hebbian_model.save(r.state, &g), 0);
            assert_int_equal(qn_record_save(&r.record, &g), 0);
            qn_streams streams = r.streams;
            stop_task(&r);
            start_task(&r);
            assert_int_equal(qn_record_load(&r.record, &g), 0);
            int err = hebbian_model.load(r.state, &g);
            if (err)
                fail_msg("%s", qn_error_text());
            r.streams = streams;
            run_steps(&r, 200 - cut);
            double *again = finished_row(&r);
            assert_memory_equal(again, whole, r.layout.row * sizeof *whole);
            free(again);
            stop_task(&r);
            qn_group_clear(&g);
        }
        free(whole);
        close_sweep(&r);
    }
}

static void foreign_checkpoints_are_refused(void **state)
{
    (void)state;
    running r;
    qn_group g = {0};
    open_sweep(&r, tasks[0]);
    start_task(&r);
    run_steps(&r, 3);
    assert_int_equal(hebbian_model.save(r.state, &g), 0);
    const qn_entry *spins = qn_group_get(&g, "spins.1");
    int8_t *s = spins->data;
    s[4] = (int8_t)-s[4];
    assert_int_equal(hebbian_model.load(r.state, &g), QN_ERR_DATA);
    assert_non_null(strstr(qn_error_text(), "overlaps"));
    s[4] = 0;
    assert_int_equal(hebbian_model.load(r.state, &g), QN_ERR_DATA);
    qn_group_clear(&g);
    close_sweep(&r);
}

/* Points that differ in T, dynamics and start only have the same patterns; another load has others. */
static void disorder_is_shared_where_it_should_be(void **state)
{
    (void)state;
    static const char *const points[] = {"N: 20, P: 4, load: 0.5, T: 0.1", "N: 20, P: 4, load: 0.5, T: 2, start: random, dynamics: metropolis, energy: full",
                                         "N: 20, P: 4, load: 0.51, T: 0.1"};
    uint64_t first[3];
    for (size_t i = 0; i < 3; i++) {
        running r;
        qn_point_keys keys;
        open_sweep(&r, points[i]);
        start_task(&r);
        assert_int_equal(qn_sweep_point_keys(&r.sweep, &r.p, &keys), 0);
        first[i] = keys.disorder.w[0];
        qn_rng fresh = r.streams.disorder;
        run_steps(&r, 5);
        assert_memory_equal(&fresh, &r.streams.disorder, sizeof fresh); /* nothing but create draws from it */
        close_sweep(&r);
    }
    assert_int_equal(first[0], first[1]);
    assert_true(first[0] != first[2]);
}

static void starts_are_what_they_say(void **state)
{
    (void)state;
    running r;
    open_sweep(&r, "N: 20000, P: 2, K: 3, T: 0, start: noisy, start_overlap: 0.3");
    start_task(&r);
    double *row = finished_row(&r);
    assert_sigma(*value(&r, row, "m_start"), sqrt((1 - 0.09) / 20000), 0.3);
    assert_near(*value(&r, row, "m_final"), *value(&r, row, "m_start"), 0);
    assert_near(*value(&r, row, "left"), 1, 0);
    assert_near(*value(&r, row, "retrieved"), 0, 0);
    assert_near(*value(&r, row, "K_realised"), 3, 0);
    assert_near(*value(&r, row, "load_realised"), 3.0 / 19999, 1e-15);
    free(row);
    close_sweep(&r);

    open_sweep(&r, "N: 20000, P: 2, K: 3, T: 0, start: random");
    start_task(&r);
    row = finished_row(&r);
    assert_sigma(*value(&r, row, "m_start"), sqrt(1.0 / 20000), 0);
    assert_null(qn_layout_column(&r.layout, "left"));
    free(row);
    close_sweep(&r);

    open_sweep(&r, "N: 100, P: 4, K: 7, T: 0");
    start_task(&r);
    row = finished_row(&r);
    assert_near(*value(&r, row, "m_start"), 1, 0);
    assert_near(*value(&r, row, "one_step"), 1, 0); /* far below any load: every spin is along its field */
    assert_near(*value(&r, row, "stability"), 1, 0);
    assert_near(*value(&r, row, "left"), 0, 0);
    assert_near(*value(&r, row, "retrieved"), 1, 0);
    free(row);
    close_sweep(&r);

    open_sweep(&r, "N: 20000, P: 2, K: 3, T: 0, dataset: supervised, M: 4, r: 0.3, start: example");
    start_task(&r);
    row = finished_row(&r);
    assert_sigma(*value(&r, row, "m_start"), sqrt((1 - 0.09) / 20000), 0.3);
    assert_near(*value(&r, row, "rho_realised"), 0.91 / (4 * 0.09), 1e-12);
    free(row);
    close_sweep(&r);

    for (int unsupervised = 0; unsupervised < 2; unsupervised++) { /* from the pattern: n is r, and each example has it */
        open_sweep(&r, unsupervised ? "N: 20000, P: 2, K: 3, T: 0, dataset: unsupervised, r: 0.5, rho: 0.6" : "N: 20000, P: 2, K: 3, T: 0, dataset: supervised, M: 5, rho: 0.6");
        start_task(&r);
        assert_int_equal(hebbian_model.measure(r.state, &r.streams, &r.record), 0);
        r.record.measured++;
        row = finished_row(&r);
        assert_near(*value(&r, row, "r_realised"), 0.5, 1e-12);
        assert_near(*value(&r, row, "M_realised"), 5, 0);
        assert_sigma(*value(&r, row, "n"), sqrt(0.75 / 1e5), 0.5);
        assert_near(*value(&r, row, "nu"), *value(&r, row, "n") / sqrt(0.25 * 1.6), 1e-12);
        double mean = 0;
        for (int a = 0; unsupervised && a < 5; a++) {
            assert_sigma(value(&r, row, "example_overlap")[a], sqrt(0.75 / 2e4), 0.5);
            mean += value(&r, row, "example_overlap")[a] / 5;
        }
        assert_near(mean, unsupervised ? *value(&r, row, "n") : 0, 1e-12);
        free(row);
        close_sweep(&r);
    }

    open_sweep(&r, "N: 20000, P: 2, K: 5, T: 0, start: spurious:3"); /* each of the three has 3 signs of 4 */
    start_task(&r);
    assert_int_equal(hebbian_model.measure(r.state, &r.streams, &r.record), 0);
    r.record.measured++;
    row = finished_row(&r);
    for (int mu = 0; mu < 3; mu++)
        assert_sigma(value(&r, row, "mixture_overlap")[mu], sqrt(0.75 / 2e4), 0.5);
    assert_near(value(&r, row, "mixture_overlap")[0], *value(&r, row, "m_start"), 0);
    free(row);
    close_sweep(&r);

    open_sweep(&r, tasks[5]); /* chain 1 is at the first pattern, chain 2 at the second */
    start_task(&r);
    assert_int_equal(hebbian_model.measure(r.state, &r.streams, &r.record), 0);
    r.record.measured++;
    row = finished_row(&r);
    assert_near(*value(&r, row, "m_start"), 1, 0);
    assert_near(*value(&r, row, "m_max"), 1, 0);
    assert_near(*value(&r, row, "m"), (1 + *value(&r, row, "q")) / 2, 1e-15);
    assert_near(*value(&r, row, "N_realised"), 12, 0);
    assert_near(*value(&r, row, "spins"), 12, 0);
    free(row);
    close_sweep(&r);
}

/* m(1) and the stability by the definition, at a load where spins are wrong. */
static void one_parallel_step(void **state)
{
    (void)state;
    enum { N = 30, K = 1800 };
    running r;
    open_sweep(&r, "N: 30, P: 4, K: 1800, T: 0, start: noisy, start_overlap: 0.6, field_reuse: false");
    start_task(&r);
    double *row = finished_row(&r);
    qn_group g = {0}; /* the start, out of a checkpoint */
    assert_int_equal(hebbian_model.save(r.state, &g), 0);
    const int8_t *s = qn_group_get(&g, "spins.0")->data;
    qn_point_keys keys; /* the patterns, drawn again */
    qn_streams streams;
    heb_patterns x;
    assert_int_equal(qn_sweep_point_keys(&r.sweep, &r.p, &keys), 0);
    qn_streams_open(&streams, r.sweep.seed, keys.stream.w, keys.disorder.w, 0);
    assert_int_equal(heb_patterns_init(&x, N, K), 0);
    heb_patterns_draw(&x, &streams.disorder);
    int8_t xi[N];
    heb_patterns_get(&x, 0, xi);
    double m1 = 0, stable = 0;
    long double field[N]; /* of the overlap without a spin */
    for (int k = 0; k < N; k++)
        field[k] = energy_of(N, 4, HEB_DISTINCT, HEB_EXACT, 2 * k + 2 - N) - energy_of(N, 4, HEB_DISTINCT, HEB_EXACT, 2 * k - N);
    for (int way = 0; way < 2; way++)
        for (size_t i = 0; i < N; i++) {
            const int8_t *from = way ? xi : s;
            long double h = 0;
            for (size_t mu = 0; mu < K; mu++) {
                int m = 0;
                for (size_t j = 0; j < N; j++)
                    m += j == i ? 0 : heb_patterns_at_site(&x, j, mu) * from[j];
                h += heb_patterns_at_site(&x, i, mu) * field[(m + N - 1) / 2];
            }
            if (way)
                stable += h * xi[i] > 0;
            else
                m1 += (fabsl(h) < 1e-12L ? from[i] : h > 0 ? 1 : -1) * xi[i];
        }
    assert_true(stable < N); /* else this tests nothing */
    assert_near(*value(&r, row, "one_step"), m1 / N, 1e-15);
    assert_near(*value(&r, row, "stability"), stable / N, 1e-15);
    heb_patterns_free(&x);
    qn_group_clear(&g);
    free(row);
    close_sweep(&r);
}

static void descent_ends_where_nothing_moves(void **state)
{
    (void)state;
    static const char *const scans[] = {"random", "sequential"};
    for (size_t i = 0; i < 2; i++) {
        running r;
        char *text = qn_format("N: 100, P: 4, load: 0.3, dynamics: zero, scan: %s, start: random", scans[i]);
        open_sweep(&r, text);
        start_task(&r);
        size_t sweeps = 0;
        double last = INFINITY;
        while (!hebbian_model.done(r.state)) {
            run_steps(&r, 1);
            double u = r.record.value[0][r.record.measured - 1]; /* the first observable is the energy */
            assert_true(u <= last);
            last = u;
            assert_true(++sweeps < 200);
        }
        double *row = finished_row(&r);
        assert_near(*value(&r, row, "sweeps_to_stop"), (double)sweeps, 0);
        qn_group g = {0}; /* every spin is along its field: another sweep flips nothing */
        assert_int_equal(hebbian_model.save(r.state, &g), 0);
        int8_t before[100];
        memcpy(before, qn_group_get(&g, "spins.0")->data, 100);
        qn_group_clear(&g);
        run_steps(&r, 1);
        assert_int_equal(hebbian_model.save(r.state, &g), 0);
        assert_memory_equal(before, qn_group_get(&g, "spins.0")->data, 100);
        qn_group_clear(&g);
        free(row);
        free(text);
        close_sweep(&r);
    }
}

/* Histograms hold the moments of the series, and C(0) is 1. */
static void curves_hold_what_series_say(void **state)
{
    (void)state;
    running r;
    open_sweep(&r, tasks[0]);
    start_task(&r);
    run_steps(&r, 200);
    double *row = finished_row(&r), moment[5] = {0};
    assert_int_equal(qn_layout_extent(&r.layout, "overlap"), 32);
    for (size_t k = 0; k < 32; k++) {
        double x = -1 + 2 * (double)k / 31, q = value(&r, row, "q_histogram")[k], m = value(&r, row, "m_histogram")[k];
        moment[0] += q;
        moment[1] += q * x;
        moment[2] += q * x * x;
        moment[3] += m * x;
        moment[4] += m * pow(x, 4);
    }
    assert_near(moment[0], 1, 1e-12);
    assert_near(moment[1], *value(&r, row, "q"), 1e-12);
    assert_near(moment[2], *value(&r, row, "q2"), 1e-12);
    assert_near(moment[3], *value(&r, row, "m"), 1e-12);
    assert_near(moment[4], *value(&r, row, "m4"), 1e-12);
    const double *c = value(&r, row, "correlation");
    assert_int_equal(qn_layout_extent(&r.layout, "lag"), 8);
    assert_near(c[0], 1, 0);
    for (size_t k = 1; k < 8; k++)
        assert_true(c[k] < 1 && c[k] > 0);
    assert_true(c[1] > c[7]);
    free(row);
    close_sweep(&r);
}

/* ---- images ------------------------------------------------------------------------------------------------------ */

static void put_idx(const char *path, size_t n, size_t rows, size_t cols, const uint8_t *data)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    const uint8_t magic[4] = {0, 0, 8, (uint8_t)(rows ? 3 : 1)};
    size_t dims[3] = {n, rows, cols};
    assert_int_equal(fwrite(magic, 1, 4, f), 4);
    for (size_t d = 0; d < (rows ? 3u : 1u); d++)
        for (int b = 3; b >= 0; b--)
            fputc((int)(dims[d] >> (8 * b) & 255), f);
    size_t size = n * (rows ? rows * cols : 1);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static void archetypes_of_a_small_set(void **state)
{
    (void)state;
    /* 2 x 3 pixels; class 4: three items, class 7: two (ties), class 9: one, class 1: not asked for */
    static const uint8_t images[7][6] = {
        {200, 0, 128, 0, 255, 0}, {255, 0, 127, 0, 255, 0}, {0, 0, 255, 0, 255, 200}, /* 4 4 4 */
        {0, 255, 255, 0, 255, 0}, {0, 0, 255, 0, 255, 255},                           /* 7 7 */
        {255, 255, 255, 0, 255, 255},                                                 /* 9 */
        {1, 2, 3, 4, 5, 6},                                                           /* 1 */
    };
    static const uint8_t labels[7] = {4, 4, 4, 7, 7, 9, 1};
    static const int mean[3][6] = {{1, -1, 1, -1, 1, -1}, {-1, -1, 1, -1, 1, -1}, {1, 1, 1, -1, 1, 1}};
    static const int first[3][6] = {{1, -1, 1, -1, 1, -1}, {-1, 1, 1, -1, 1, -1}, {1, 1, 1, -1, 1, 1}};
    char folder[] = "/tmp/test_hebbian.XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *im = qn_format("%s/images", folder), *la = qn_format("%s/labels", folder);
    put_idx(im, 7, 2, 3, images[0]);
    put_idx(la, 7, 0, 0, labels);
    static const char *const variant[] = {"archetype: class_mean", "archetype: first", "archetype: class_mean, drop_constant: true"};
    for (int v = 0; v < 3; v++) {
        running r;
        char *with = qn_format("P: 2, T: 0, patterns: mnist, images: %s, labels: %s, cue: item, cue_images: %s, cue_labels: %s, %s", im, la, im, la, variant[v]);
        open_sweep(&r, with); /* classes 0 to 9: those present */
        const char *at;
        heb_source x;
        assert_int_equal(heb_source_load(&r.p, &x, &at), 0);
        assert_int_equal(x.patterns.k, 4); /* 1, 4, 7, 9 */
        assert_int_equal(x.n_classes, 10);
        assert_int_equal(x.pattern_of[0], HEB_NO_PATTERN);
        assert_int_equal(x.pattern_of[4], 1);
        assert_int_equal(x.class_of[3], 9);
        /* pixel 4 of class 1 is -1, so only pixel 3, -1 in all of them, is constant */
        size_t keep = v == 2 ? 5 : 6;
        assert_int_equal(x.patterns.n, keep);
        int8_t xi[6];
        for (size_t k = 0; k < 3; k++) {
            heb_patterns_get(&x.patterns, 1 + k, xi);
            for (size_t j = 0, to = 0; j < 6; j++)
                if (v < 2 || j != 3)
                    assert_int_equal(xi[to++], (v == 1 ? first : mean)[k][j]);
        }
        assert_int_equal(x.n_cues, 7);
        assert_int_equal(x.cue_pattern[3], 2);
        assert_int_equal(x.cue[3 * keep + 1], 1);
        assert_near(x.gram[0], 1, 0);
        int64_t dot = 0;
        for (size_t j = 0; j < keep; j++)
            dot += heb_patterns_at_site(&x.patterns, j, 1) * heb_patterns_at_site(&x.patterns, j, 3);
        assert_near(x.gram[1 * 4 + 3], (double)dot / (double)keep, 0);
        heb_source_free(&x);
        close_sweep(&r);
        free(with);
    }
    unlink(im);
    unlink(la);
    rmdir(folder);
    free(im);
    free(la);
}

#define DIGITS "P: 4, T: 0.05, patterns: mnist, images: tests/data/mnist-train10k-images-idx3-ubyte.gz, labels: tests/data/mnist-train10k-labels-idx1-ubyte.gz"
#define ITEMS ", cue: item, cue_images: tests/data/mnist-test5k-images-idx3-ubyte.gz, cue_labels: tests/data/mnist-test5k-labels-idx1-ubyte.gz"

static void digits_are_recalled(void **state)
{
    (void)state;
    running r;
    open_sweep(&r, DIGITS ", drop_constant: true, cue_noise: 0.1"); /* without: one mixture of all ten digits */
    start_task(&r);
    run_steps(&r, 20);
    double *row = finished_row(&r);
    assert_sigma(*value(&r, row, "m_start"), sqrt(4 * 0.09 / 240), 0.8);
    assert_near(*value(&r, row, "recognised"), 1, 0);
    assert_near(*value(&r, row, "pixel_error"), 0, 0.01);
    assert_near(*value(&r, row, "N_realised"), 240, 0); /* counted with numpy, as are the overlaps below */
    assert_near(*value(&r, row, "K_realised"), 10, 0);
    assert_int_equal(qn_layout_extent(&r.layout, "class"), 10);
    const double *gram = value(&r, row, "gram"), *confusion = value(&r, row, "confusion"), *m = value(&r, row, "archetype_overlap");
    double best = 0, total = 0;
    assert_near(gram[1], -100.0 / 240, 1e-12);
    assert_near(gram[38], 62.0 / 240, 1e-12);
    for (size_t a = 0; a < 10; a++) {
        assert_near(gram[11 * a], 1, 0);
        best = fmax(best, m[a]);
        for (size_t b = 0; b < 10; b++) {
            total += confusion[10 * a + b];
            assert_near(gram[10 * a + b], gram[10 * b + a], 0);
            if (a != b)
                assert_near(confusion[10 * a + b], 0, 0);
        }
    }
    assert_near(total, 1, 0);
    assert_near(best, *value(&r, row, "m"), 1e-12);
    free(row);
    close_sweep(&r);
}

static void cues_are_noisy_and_blank(void **state)
{
    (void)state;
    running r;
    open_sweep(&r, DIGITS ITEMS ", cue_blank: 1, K: 3");
    start_task(&r);
    double *row = finished_row(&r);
    qn_group g = {0};
    assert_int_equal(hebbian_model.save(r.state, &g), 0);
    const int8_t *s = qn_group_get(&g, "spins.0")->data;
    for (size_t i = 0; i < 784; i++)
        assert_int_equal(s[i], -1);
    assert_near(*value(&r, row, "K_realised"), 3, 0);
    qn_group_clear(&g);
    free(row);
    close_sweep(&r);
}

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

#define ROWS "patterns: file, pattern_file: tests/data/patterns_N12_K5.txt"

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *parameters, *said;
    } bad[] = {
        {"N: 16, P: 3, T: 1", "P: 3 is odd"},
        {"N: 6, P: 8, T: 1", "P must be at most N"},
        {"N: 1, P: 2, K: 1, T: 1", "N: 1 spins"},
        {"N: 16, load: 0.1, K: 3, T: 1", "K: says the same as load"},
        {"N: 30000, P: 4, load: 0.1, T: 1", "load: 2.24955e+11 patterns"},
        {"N: 30000, P: 4, K: 9000000000000000, T: 1", "of memory"},
        {"N: 32768, P: 2, K: 1, T: 1", "32767"},
        {"N: 16, T: 1, start_overlap: 0.5", "start_overlap: has a meaning with start: noisy only"},
        {"N: 16, T: 1, start: noisy", "noisy needs start_overlap"},
        {"N: 16, T: 1, start: noisy, start_overlap: 1.5", "start_overlap"},
        {"N: 16, T: 1, start: file", "file needs start_file"},
        {"N: 16, T: 1, start: file, start_file: tests/data/patterns_N12_K5.txt", "12 values; 16 are needed"},
        {"N: 16, T: 1, patterns: file", "file needs pattern_file"},
        {"N: 16, T: 1, pattern_file: tests/data/patterns_N12_K5.txt", "pattern_file: has a meaning with"},
        {ROWS ", T: 1, N: 13", "N: 13, but the patterns have 12 spins"},
        {ROWS ", T: 1, K: 6", "too few for K = 6"},
        {ROWS ", T: 1, load: 0.1", "load: the number of patterns follows from the file"},
        {ROWS ", T: 1, P: 14", "P: 12 spins"},
        {ROWS ", T: 1, histograms: true", "histograms: have N + 1 entries"},
        {"patterns: file, pattern_file: tests/data/exact_N12_K5.csv, T: 1", "is not a spin"},
        {"patterns: mnist, T: 1", "mnist needs images"},
        {"N: 16, T: 1, M: 3", "M: has a meaning with dataset: supervised or unsupervised only"},
        {"N: 16, T: 1, start: example", "start: example needs dataset: supervised or unsupervised"},
        {"N: 16, T: 1, K: 2, start: spurious:3", "start: a mixture of 3 patterns needs as many; there are 2"},
        {"N: 16, T: 1, start: spurious:4", "spurious:4"},
        {"N: 16, T: 1, dataset: supervised", "dataset: supervised needs r, the quality of the examples, or rho"},
        {"N: 16, T: 1, dataset: supervised, M: 3, r: 0.5, rho: 0.1", "rho: follows from r and M"},
        {"N: 16, T: 1, dataset: unsupervised, r: 0.5, rho: 0", "rho: 0 at r = 0.5 takes infinitely many examples"},
        {"N: 16, T: 1, dataset: unsupervised, r: 0.01, rho: 0.1", "takes M = 99990 examples; at most 32767"},
        {"N: 16, T: 1, dataset: supervised, M: 3, r: 0", "r = 0 is out of range"},
        {"N: 16, T: 1, P: 10, dataset: supervised, M: 3, r: 0.5", "P: 10; dataset: supervised goes up to P = 8"},
        {"N: 16, T: 1, P: 8, dataset: supervised, M: 1000, r: 0.5", "M: 1000 examples, but sums over 16 spins stay whole numbers of 63 bits up to M = 312 at P = 8"},
        {"N: 30000, P: 2, K: 30000, T: 1, dataset: unsupervised, M: 30000, r: 0.5", "of memory"},
        {"N: 16, T: 1, dataset: supervised, r: 0.5, example_file: tests/data/examples_supervised_N12.txt", "example_file: holds the examples of patterns: file, and patterns is iid"},
        {ROWS ", T: 1, dataset: supervised, r: 0.5", "patterns: file needs example_file"},
        {ROWS ", T: 1, dataset: supervised, r: 0.5, example_file: tests/data/examples_supervised_N12.txt", "holds 12 rows for 5 patterns; give the same number for each"},
        {DIGITS ", dataset: supervised, M: 3, r: 0.5", "dataset: supervised goes with patterns: iid or file, not mnist"},
        {"N: 16, T: 1, images: tests/data/mnist-test5k-images-idx3-ubyte.gz", "images: has a meaning with patterns: mnist only"},
        {"N: 16, T: 1, threshold: 3", "threshold: has a meaning with patterns: mnist only"},
        {DIGITS ", cue: item", "item needs cue_images"},
        {DIGITS ", cue_images: tests/data/mnist-test5k-images-idx3-ubyte.gz", "cue_images: has a meaning with cue: item only"},
        {DIGITS ", start: random, cue_noise: 0.1", "cue_noise: has a meaning with start: pattern only"},
        {DIGITS ", K: 11", "too few for K = 11"},
        {DIGITS ", archetype: file", "file needs pattern_file"},
        {DIGITS ", archetype: file, pattern_file: tests/data/patterns_N12_K5.txt", "holds 5 rows, but there are 10 classes"},
        {"P: 4, T: 1, patterns: mnist, images: tests/data/mnist-train10k-labels-idx1-ubyte.gz, labels: tests/data/mnist-train10k-labels-idx1-ubyte.gz",
         "images: tests/data/mnist-train10k-labels"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = qn_format("model: hebbian\nseed: 1\nparameters: {%s}\n", bad[i].parameters);
        qn_sweep s;
        qn_buffer said = {0};
        if (!read_sweep(text, &s, &said) || !strstr(said.text, bad[i].said))
            fail_msg("{%s} is answered by '%s', want '%s'", bad[i].parameters, said.text ? said.text : "nothing", bad[i].said);
        qn_buffer_free(&said);
        qn_sweep_free(&s);
        free(text);
    }
}

static void costs_are_known(void **state)
{
    (void)state;
    running r;
    open_sweep(&r, "N: 128, P: 4, load: 0.1, T: 0.5");
    qn_cost c = {0};
    hebbian_model.cost(&r.p, &c);
    assert_true(c.step_s > 1e-5 && c.step_s < 1e-2);
    assert_true(c.task_bytes > 128 * 16669 / 8 && c.task_bytes < 2e6);
    close_sweep(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_change_nothing),
        cmocka_unit_test(foreign_checkpoints_are_refused),
        cmocka_unit_test(disorder_is_shared_where_it_should_be),
        cmocka_unit_test(starts_are_what_they_say),
        cmocka_unit_test(one_parallel_step),
        cmocka_unit_test(descent_ends_where_nothing_moves),
        cmocka_unit_test(curves_hold_what_series_say),
        cmocka_unit_test(archetypes_of_a_small_set),
        cmocka_unit_test(digits_are_recalled),
        cmocka_unit_test(cues_are_noisy_and_blank),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(costs_are_known),
    };
    return cmocka_run_group_tests_name("hebbian", tests, NULL, NULL);
}
