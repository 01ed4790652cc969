/* The record of a task and the row that it leaves: dimensions that differ between the points of a sweep, the end of a curve, checkpoints. */
#include "qtest.h"

#include "parts.h"
#include "record.h"

/* A model with dimensions of lengths A and B; the observable `wide` is there for B > 1 only. */
static size_t dimension(const qn_params *p, const char *dim, double *values)
{
    size_t n = (size_t)qn_int(p, strcmp(dim, "a") ? "B" : "A");
    for (size_t i = 0; values && i < n; i++)
        values[i] = (double)i / (double)n;
    return n;
}

static bool provides(const qn_params *p, int obs);
enum { SERIES, HISTOGRAM, AVERAGE, CURVE, OUTCOME, WIDE };
static const qn_observable observables[] = {
    {.name = "series", .kind = QN_SERIES, .dims = {"a"}, .unit = "1", .meaning = "a series over a"},
    {.name = "histogram", .kind = QN_CURVE, .dims = {"a", "b"}, .unit = "1", .meaning = "counts over a and b", .flags = QN_HISTOGRAM},
    {.name = "average", .kind = QN_CURVE, .dims = {"b"}, .unit = "1", .meaning = "averages over b"},
    {.name = "curve", .kind = QN_CURVE, .dims = {QN_DIM_TIME, "a"}, .unit = "1", .meaning = "over time and a", .flags = QN_OWN_ERROR},
    {.name = "outcome", .kind = QN_OUTCOME, .dims = {"b", "a"}, .unit = "1", .meaning = "at the end"},
    {.name = "wide", .kind = QN_OUTCOME, .unit = "1", .meaning = "for B > 1"},
    {.name = NULL},
};
static const qn_param parameters[] = {
    {.name = "A", .type = QN_INT, .def = "2", .min = 0, .max = 9, .unit = "1", .meaning = "length of a"},
    {.name = "B", .type = QN_INT, .def = "3", .min = 1, .max = 9, .unit = "1", .meaning = "length of b"},
    {.name = NULL},
};
static const qn_model model = {.abi = QN_ABI, .name = "toy", .summary = "a toy", .stream_version = 1, .parameters = parameters,
                               .observables = observables, .dimension = dimension, .provides = provides};

static bool provides(const qn_params *p, int obs)
{
    return obs != WIDE || qn_int(p, "B") > 1;
}

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "toy") ? NULL : &model;
}

typedef struct setting { /* a sweep and the layout of its rows */
    qn_sweep sweep;
    qn_layout layout;
} setting;

static void open_setting(setting *s, const char *axes, const char *sampling)
{
    char text[512];
    qn_problems c = {0};
    snprintf(text, sizeof text, "model: toy\nseed: 1\nsweep: {%s}\nsampling: {%s}\n", axes, sampling);
    if (qn_sweep_init(&s->sweep, &(qn_sweep_source){.file = "toy", .text = text, .find = find}, &c)) {
        qn_problems_print(&c, stderr);
        fail_msg("%s", text);
    }
    qn_problems_free(&c);
    assert_int_equal(qn_layout_init(&s->layout, &s->sweep), 0);
}

static void close_setting(setting *s)
{
    qn_layout_free(&s->layout);
    qn_sweep_free(&s->sweep);
}

static void begin(qn_record *r, const setting *s, size_t point, size_t *a, size_t *b)
{
    qn_params p;
    assert_int_equal(qn_sweep_point(&s->sweep, point, &p), 0);
    assert_int_equal(qn_record_init(r, &s->layout, &p), 0);
    *a = (size_t)qn_int(&p, "A");
    *b = (size_t)qn_int(&p, "B");
    qn_params_free(&p);
}

/* Measurement number t of a task: every number tells where it belongs. */
static void measure(qn_record *r, size_t a, size_t b)
{
    double t = (double)r->measured;
    for (size_t i = 0; i < a; i++) {
        qn_put_at(r, SERIES, i, 100 * (double)i + t);
        qn_put_error(r, CURVE, i, 10 * t + (double)i, 0.1 * (t + 1));
        for (size_t j = 0; j < b; j++)
            qn_count(r, HISTOGRAM, i * b + j, (double)(i + 10 * j + 1));
    }
    for (size_t j = 0; j < b; j++)
        qn_put_at(r, AVERAGE, j, 2 * (double)j + (t > 1 ? 1 : -1));
    for (size_t k = 0; k < a * b; k++)
        qn_put_at(r, OUTCOME, k, (double)k);
    if (b > 1)
        qn_put(r, WIDE, 7);
    r->measured++;
    r->step = r->measured;
}

/* A finished row; the caller frees. */
static double *task(const setting *s, size_t point, size_t measurements, bool ended, int64_t *digest)
{
    qn_record r;
    size_t a, b;
    double *row = malloc((s->layout.row + 1) * sizeof *row);
    begin(&r, s, point, &a, &b);
    for (size_t t = 0; t < measurements; t++)
        measure(&r, a, b);
    assert_int_equal(qn_record_row(&r, ended, row), 0);
    *digest = qn_row_digest(&s->layout, row, (int64_t)measurements, (int64_t)measurements);
    qn_record_free(&r);
    return row;
}

/* Element (i, j, k) of a column: NaN where the point has none. */
static double at(const setting *s, const double *row, const char *name, size_t i, size_t j, size_t k)
{
    const qn_column *c = qn_layout_column(&s->layout, name);
    assert_non_null(c);
    size_t index[3] = {i, j, k}, place = 0;
    for (size_t d = 0; d < c->rank; d++) {
        assert_true(index[d] < c->shape[d]);
        place = place * c->shape[d] + index[d];
    }
    return row[c->offset + place];
}

#define assert_nan(x) assert_true(isnan(x))

static void shorter_points_are_padded(void **state)
{
    (void)state;
    setting s;
    int64_t digest;
    open_setting(&s, "A: [2, 4], B: [1, 3]", "steps: 4, bins: 2");
    double total = 0, sum = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++)
            total += (double)(i + 10 * j + 1);
    double *row = task(&s, 1, 4, false, &digest); /* A = 2, B = 3 */
    for (size_t i = 0; i < 4; i++) {
        for (size_t bin = 0; bin < 2; bin++) { /* measurements 0, 1 and 2, 3 */
            double x = at(&s, row, "series", i, bin, 0);
            if (i < 2)
                assert_near(x, 100 * (double)i + 2 * (double)bin + 0.5, 1e-12);
            else
                assert_nan(x);
        }
        for (size_t j = 0; j < 3; j++) {
            double h = at(&s, row, "histogram", i, j, 0), o = at(&s, row, "outcome", j, i, 0);
            if (i < 2) {
                assert_near(h, (double)(i + 10 * j + 1) / total, 1e-15);
                assert_near(o, (double)(2 * j + i), 0);
                sum += h;
            } else {
                assert_nan(h);
                assert_nan(o);
            }
        }
        for (size_t t = 0; t < 4; t++) {
            double c = at(&s, row, "curve", t, i, 0), e = at(&s, row, "curve_own_err", t, i, 0);
            if (i < 2) {
                assert_near(c, 10 * (double)t + (double)i, 0);
                assert_near(e, 0.1 * (double)(t + 1), 1e-15);
            } else {
                assert_nan(c);
                assert_nan(e);
            }
        }
    }
    assert_near(sum, 1, 1e-14);
    for (size_t j = 0; j < 3; j++)
        assert_near(at(&s, row, "average", j, 0, 0), 2 * (double)j, 1e-15);
    assert_near(at(&s, row, "wide", 0, 0, 0), 7, 0);
    free(row);
    row = task(&s, 2, 4, false, &digest); /* A = 4, B = 1 */
    for (size_t i = 0; i < 4; i++) {
        assert_near(at(&s, row, "histogram", i, 0, 0), (double)(i + 1) / 10, 1e-15);
        assert_nan(at(&s, row, "histogram", i, 1, 0));
        assert_near(at(&s, row, "outcome", 0, i, 0), (double)i, 0);
        assert_nan(at(&s, row, "outcome", 2, i, 0));
    }
    assert_nan(at(&s, row, "wide", 0, 0, 0));
    free(row);
    close_setting(&s);
}

/* A task's numbers and digest do not depend on the other points of its sweep. */
static void the_digest_is_the_tasks_own(void **state)
{
    (void)state;
    static const struct {
        const char *axes;
        size_t point;
    } sweeps[] = {{"A: [2], B: [3]", 0}, {"A: [2, 5], B: [3]", 0}, {"A: [1, 2], B: [2, 3, 6]", 4}, {"B: [9, 3], A: [2, 0]", 2}};
    int64_t first = 0, digest;
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        setting s;
        open_setting(&s, sweeps[i].axes, "steps: 5, bins: 3");
        free(task(&s, sweeps[i].point, 5, false, &digest));
        if (!i)
            first = digest;
        assert_true(digest == first);
        free(task(&s, sweeps[i].point, 4, false, &digest));
        assert_true(digest != first);
        close_setting(&s);
    }
}

static void a_curve_that_ended_is_carried_on(void **state)
{
    (void)state;
    setting s;
    int64_t digest;
    open_setting(&s, "A: [1, 2], B: [3]", "steps: 6, bins: 2");
    for (int ended = 0; ended < 2; ended++) {
        double *row = task(&s, 0, 4, ended, &digest);
        for (size_t t = 0; t < 6; t++) {
            double c = at(&s, row, "curve", t, 0, 0), e = at(&s, row, "curve_own_err", t, 0, 0);
            if (t < 4 || ended) {
                assert_near(c, 10 * (double)(t < 4 ? t : 3), 0);
                assert_near(e, 0.1 * (double)((t < 4 ? t : 3) + 1), 1e-15);
            } else {
                assert_nan(c);
                assert_nan(e);
            }
            assert_nan(at(&s, row, "curve", t, 1, 0));
        }
        free(row);
        row = task(&s, 0, 0, ended, &digest); /* nothing measured: nothing to carry */
        assert_nan(at(&s, row, "curve", 0, 0, 0));
        free(row);
    }
    close_setting(&s);
}

/* A checkpoint made in one sweep goes on in another with other points and more steps, to the same row. */
static void a_checkpoint_goes_on_anywhere(void **state)
{
    (void)state;
    setting small, large;
    int64_t want, got;
    open_setting(&small, "A: [2], B: [3]", "steps: 4, bins: 2");
    open_setting(&large, "A: [4, 2], B: [5, 3]", "steps: 9, bins: 2");
    free(task(&large, 3, 9, false, &want));
    for (size_t cut = 0; cut <= 4; cut++) {
        qn_record r;
        qn_group g = {0};
        size_t a, b;
        begin(&r, &small, 0, &a, &b);
        for (size_t t = 0; t < cut; t++)
            measure(&r, a, b);
        assert_int_equal(qn_record_save(&r, &g), 0);
        qn_record_free(&r);
        begin(&r, &large, 3, &a, &b);
        assert_int_equal(qn_record_load(&r, &g), 0);
        assert_int_equal(r.measured, cut);
        for (size_t t = cut; t < 9; t++)
            measure(&r, a, b);
        double *row = malloc(large.layout.row * sizeof *row);
        assert_int_equal(qn_record_row(&r, false, row), 0);
        got = qn_row_digest(&large.layout, row, 9, 9);
        assert_true(got == want);
        free(row);
        qn_record_free(&r);
        qn_group_clear(&g);
    }
    close_setting(&small);
    close_setting(&large);
}

/* The digest covers every number and where it stands. */
static void the_digest_sees_every_number(void **state)
{
    (void)state;
    setting s;
    int64_t digest;
    open_setting(&s, "A: [2, 3], B: [3]", "steps: 4, bins: 2");
    double *row = task(&s, 0, 4, false, &digest);
    for (size_t k = 0; k < s.layout.row; k++) {
        if (isnan(row[k]))
            continue;
        uint64_t bits;
        double old = row[k];
        memcpy(&bits, &row[k], sizeof bits);
        bits ^= 1;
        memcpy(&row[k], &bits, sizeof bits);
        assert_true(qn_row_digest(&s.layout, row, 4, 4) != digest);
        row[k] = old;
    }
    const qn_column *c = qn_layout_column(&s.layout, "curve");
    double x = row[c->offset];
    assert_true(x != row[c->offset + 1]);
    row[c->offset] = row[c->offset + 1];
    row[c->offset + 1] = x;
    assert_true(qn_row_digest(&s.layout, row, 4, 4) != digest);
    free(row);
    close_setting(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shorter_points_are_padded),      cmocka_unit_test(the_digest_is_the_tasks_own),   cmocka_unit_test(a_curve_that_ended_is_carried_on),
        cmocka_unit_test(a_checkpoint_goes_on_anywhere), cmocka_unit_test(the_digest_sees_every_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
