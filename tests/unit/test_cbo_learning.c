/* test_cbo_learning.c -- learning losses of the engine cbo, against definitions written out anew: a loss in long double straight from the images,
 * central differences for the gradients. */
#include <unistd.h>

#include "cbo/learning.h"
#include "cbo_point.h"
#include "data.h"
#include "group.h"

static char folder[] = "/tmp/quench-objectives-XXXXXX";

/* ---- images ----------------------------------------------------------------------------------------------------------- */

#define FASHION_TEST "test_images=tests/data/fashion-test2k-images-idx3-ubyte.gz test_labels=tests/data/fashion-test2k-labels-idx1-ubyte.gz"

static qn_images digits;

/* Logits of one image, straight from the pixels. */
static void logits(const qn_images *im, size_t image, size_t hidden, const double *x, long double z[10])
{
    const size_t inputs = 784, n = hidden ? hidden : 10;
    long double h[64];
    for (size_t u = 0; u < n; u++) {
        h[u] = x[inputs * n + u];
        for (size_t k = 0; k < inputs; k++)
            h[u] += im->pixels[image * inputs + k] / 255.0L * x[k * n + u];
    }
    if (!hidden) {
        memcpy(z, h, 10 * sizeof *z);
        return;
    }
    const double *v = x + (inputs + 1) * hidden;
    for (size_t c = 0; c < 10; c++) {
        z[c] = v[hidden * 10 + c];
        for (size_t u = 0; u < hidden; u++)
            z[c] += h[u] > 0 ? h[u] * v[u * 10 + c] : 0;
    }
}

static long double loss_of(size_t image, size_t hidden, const double *x)
{
    long double z[10], sum = 0;
    logits(&digits, image, hidden, x, z);
    for (size_t c = 0; c < 10; c++)
        sum += expl(z[c] - z[digits.labels[image]]);
    return logl(sum);
}

static size_t hidden_of(const made *m)
{
    return strcmp(m->o->name, "mlp") ? 0 : (size_t)qn_int(&m->q.p, "hidden");
}

static long double cross_entropy(const made *m, const double *x)
{
    size_t n = (size_t)qn_int(&m->q.p, "samples");
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += loss_of(i, hidden_of(m), x);
    return sum / (long double)n;
}

static void images_are_learnt_by_cross_entropy(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t d;
        double spread;
    } cases[] = {{"objective=softmax samples=3 " MNIST, 7850, 1}, /* as the published start: logits of some ten */
                 {"objective=softmax samples=70 " MNIST, 7850, 0.1}, /* more than the 64 sums of one logarithm */
                 {"objective=softmax samples=2 " MNIST, 7850, 300}, /* far out: exp would overflow */
                 {"objective=mlp hidden=13 samples=4 " MNIST, 785 * 13 + 140, 0.3}, {"objective=mlp hidden=24 samples=3 " MNIST, 785 * 24 + 250, 0.1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made m;
        make(&m, cases[i].text, 0);
        assert_int_equal(m.o->d, cases[i].d);
        assert_int_equal(m.o->n_minimisers, 0);
        assert_null(m.o->batch);
        assert_null(m.o->score);
        double *x = tile_of(m.o->d, 16, cases[i].spread, i), *y = malloc(m.o->d * sizeof *y), f[CBO_LANES];
        m.o->eval(m.o, 16, x, f, m.work);
        for (size_t lane = 0; lane < 16; lane += i == 1 ? 5 : 1) {
            pick(m.o->d, x, lane, y);
            double want = (double)cross_entropy(&m, y);
            assert_near(f[lane], want, 1e-12 * (1 + want));
        }
        if (cases[i].spread < 1)
            gradient_is(&m, 0.1, 1e-6);
        x[5 * CBO_LANES + 2] = NAN; /* a pixel that is 0 in these images keeps its weight out of it; a bias does not */
        x[(m.o->d - 1) * CBO_LANES + 3] = NAN;
        x[(m.o->d - 1) * CBO_LANES + 4] = INFINITY;
        m.o->eval(m.o, 16, x, f, m.work);
        assert_true(isfinite(f[2]) && isnan(f[3]) && !isfinite(f[4]));
        free(x);
        free(y);
        unmake(&m);
    }
}

static void accuracy_is_counted(void **state)
{
    (void)state;
    for (size_t hidden = 0; hidden < 20; hidden += 10) {
        qn_images test;
        made m;
        char text[500];
        snprintf(text, sizeof text, "objective=%s hidden=10 samples=10 " MNIST " " FASHION_TEST, hidden ? "mlp" : "softmax");
        assert_int_equal(qn_images_read("tests/data/fashion-test2k-images-idx3-ubyte.gz", "tests/data/fashion-test2k-labels-idx1-ubyte.gz", &test), 0);
        make(&m, text, 0);
        double *tile = tile_of(m.o->d, 8, 1, 4), *x = malloc(m.o->d * sizeof *x), accuracy;
        pick(m.o->d, tile, 2, x);
        assert_int_equal(m.o->n_scores, 1);
        m.o->score(m.o, x, &accuracy);
        size_t right = 0;
        for (size_t i = 0; i < test.n; i += 1) {
            long double z[10];
            size_t best = 0;
            logits(&test, i, hidden, x, z);
            for (size_t c = 1; c < 10; c++)
                best = z[c] > z[best] ? c : best;
            right += best == test.labels[i];
        }
        assert_true(right > 0 && right < test.n);
        assert_near(accuracy, (double)right / (double)test.n, 1e-12);
        free(tile);
        free(x);
        unmake(&m);
        qn_images_free(&test);
    }
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One example a step: an epoch shows every example once, in a new order every time, the same for all lanes; a batch of four is the mean of its
 * four; and a checkpoint goes on with the same. */
static void batches_are_passes_over_the_data(void **state)
{
    (void)state;
    enum { N = 24 };
    made one, four, again;
    double alone[N], seen[3][N], last = 0, f[CBO_LANES];
    make(&one, "objective=softmax samples=24 data_batch=1 " MNIST, 0);
    make(&four, "objective=softmax samples=24 data_batch=5 " MNIST, 0);
    make(&again, "objective=softmax samples=24 data_batch=5 " MNIST, 0);
    assert_true(one.o->batch && one.o->save && one.o->load);
    double *x = calloc(7850 * CBO_LANES, sizeof *x), *y = malloc(7850 * sizeof *y), *tile = tile_of(7850, 8, 0.1, 1);
    pick(7850, tile, 0, y);
    for (size_t k = 0; k < 7850; k++)
        for (size_t i = 0; i < CBO_LANES; i++)
            x[k * CBO_LANES + i] = y[k];
    for (size_t i = 0; i < N; i++)
        alone[i] = (double)loss_of(i, 0, y);
    qn_streams s = streams_of(9);
    for (size_t epoch = 0; epoch < 3; epoch++)
        for (size_t i = 0; i < N; i++) {
            one.o->eval(one.o, 64, x, f, one.work);
            for (size_t lane = 1; lane < 64; lane++)
                assert_near(f[lane], f[0], 0);
            seen[epoch][i] = f[0];
            one.o->batch(one.o, &s.dynamics);
        }
    assert_memory_not_equal(seen[0], seen[1], sizeof seen[0]);
    assert_memory_not_equal(seen[1], seen[2], sizeof seen[0]);
    qsort(alone, N, sizeof *alone, order);
    for (size_t epoch = 0; epoch < 3; epoch++) {
        qsort(seen[epoch], N, sizeof *alone, order);
        for (size_t i = 0; i < N; i++)
            assert_near(seen[epoch][i], alone[i], 1e-12);
    }
    /* 24 = 4 * 5 + 4: the order is drawn at every fourth batch and not between */
    qn_group g = {0};
    for (size_t step = 0; step < 13; step++) {
        qn_rng before = s.dynamics;
        four.o->batch(four.o, &s.dynamics);
        assert_true((memcmp(&before, &s.dynamics, sizeof before) != 0) == (step % 4 == 3));
    }
    double batch = cbo_value(four.o, y, four.work);
    assert_int_equal(four.o->save(four.o, &g), 0);
    assert_true(fabs(cbo_value(again.o, y, again.work) - batch) > 1e-6);
    assert_int_equal(again.o->load(again.o, &g), 0);
    for (size_t step = 0; step < 9; step++) {
        qn_rng other = s.dynamics;
        assert_near(cbo_value(again.o, y, again.work), cbo_value(four.o, y, four.work), 0);
        four.o->grad(four.o, y, x);
        again.o->grad(again.o, y, x + 7850);
        assert_memory_equal(x, x + 7850, 7850 * sizeof *x);
        four.o->batch(four.o, &s.dynamics);
        again.o->batch(again.o, &other);
        last = cbo_value(four.o, y, four.work);
    }
    assert_true(last != batch);
    gradient_is(&four, 0.1, 1e-6);
    uint32_t *named = g.entry[1].data;
    named[3] = 24;
    assert_int_equal(again.o->load(again.o, &g), QN_ERR_DATA);
    named[3] = 2;
    *(int64_t *)g.entry[0].data = 20;
    assert_int_equal(again.o->load(again.o, &g), QN_ERR_DATA);
    qn_group_clear(&g);
    free(x);
    free(y);
    free(tile);
    unmake(&one);
    unmake(&four);
    unmake(&again);
}

static void images_complain(void **state)
{
    (void)state;
    made m;
    complains("objective=softmax data_batch=60 samples=60 " MNIST, "");
    complains("objective=softmax data_batch=61 samples=60 " MNIST, "there are 60 examples");
    complains("objective=softmax samples=5001 " MNIST, "holds 5000 images");
    complains("objective=mlp hidden=2000 " MNIST, "at most 1024");
    complains("objective=softmax shift=0 " MNIST, "has no meaning");
    complains("objective=softmax rotate=true " MNIST, "has no meaning");
    complains("objective=softmax images=tests/data/mnist-test5k-labels-idx1-ubyte.gz labels=tests/data/mnist-test5k-images-idx3-ubyte.gz", "exchanged");
    complains("objective=softmax images=/nowhere labels=/nowhere", ""); /* the core says so */
    complains("objective=softmax images=tests/data/mnist-test5k-images-idx3-ubyte.gz labels=tests/data/fashion-test2k-labels-idx1-ubyte.gz", "2000 labels");
    complains("objective=teacher samples=100 data_batch=101", "there are 100 examples");
    complains("objective=teacher data_batch=256", "");
    complains("objective=teacher samples=100000 inputs=100000", "at most 2^28");
    char small[300], text[900];
    snprintf(small, sizeof small, "%s/small", folder); /* two images of 2 x 2 */
    FILE *f = fopen(small, "wb");
    fwrite("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02" "abcdefgh", 1, 24, f);
    fclose(f);
    char labels[320];
    snprintf(labels, sizeof labels, "%s.labels", small);
    f = fopen(labels, "wb");
    fwrite("\0\0\x08\x01\0\0\0\x02\0\x02", 1, 10, f);
    fclose(f);
    snprintf(text, sizeof text, "objective=softmax " MNIST " test_images=%s test_labels=%s", small, labels);
    complains(text, "4 pixels, but the training images have 784");
    assert_int_equal(try_make(&m, text, 0), QN_ERR_DATA);
    unmake(&m);
    snprintf(text, sizeof text, "objective=softmax images=%s labels=%s", small, labels); /* classes 0 to 2 */
    complains(text, "");
    make(&m, text, 0);
    assert_int_equal(m.o->d, 15);
    unmake(&m);
}

/* ---- teacher ---------------------------------------------------------------------------------------------------------- */

static double committee_output(size_t inputs, size_t hidden, const float *a, const double *w)
{
    double y = 0;
    for (size_t u = 0; u < hidden; u++) {
        double h = 0;
        for (size_t k = 0; k < inputs; k++)
            h += a[k] * w[k * hidden + u];
        y += tanh(h / sqrt((double)inputs));
    }
    return y / sqrt((double)hidden);
}

/* Drawn in this order from the disorder stream: teacher, examples (inputs, then noise), test examples without noise. */
static long double teacher_losses(const made *m, const double *x, bool test)
{
    size_t inputs = (size_t)qn_int(&m->q.p, "inputs"), hidden = (size_t)qn_int(&m->q.p, "hidden"), n = (size_t)qn_int(&m->q.p, "samples");
    double noise = qn_real(&m->q.p, "label_noise"), *teacher = malloc(m->o->d * sizeof *teacher);
    float *a = malloc(inputs * sizeof *a);
    qn_streams s = streams_of(6);
    long double sum = 0;
    qn_rng_fill_normal(&s.disorder, m->o->d, teacher);
    for (size_t i = 0; i < (test ? 2 : 1) * n; i++) {
        for (size_t k = 0; k < inputs; k++)
            a[k] = (float)qn_rng_normal(&s.disorder);
        double target = committee_output(inputs, hidden, a, teacher) + (noise > 0 && i < n ? noise * qn_rng_normal(&s.disorder) : 0);
        if (test == (i >= n))
            sum += powl(committee_output(inputs, hidden, a, x) - target, 2) / 2;
    }
    free(a);
    free(teacher);
    return sum / (long double)n;
}

static long double teacher_loss(const made *m, const double *x)
{
    return teacher_losses(m, x, false);
}

static void teacher_is_half_the_squared_error(void **state)
{
    (void)state;
    static const char *const cases[] = {"inputs=5 hidden=3 samples=40", "inputs=8 hidden=16 samples=30 label_noise=0.3", "inputs=1 hidden=1 samples=2",
                                        "inputs=30 hidden=27 samples=11"};
    for (size_t i = 0; i < 4; i++) {
        char text[200];
        made m;
        snprintf(text, sizeof text, "objective=teacher %s", cases[i]);
        make(&m, text, 6);
        size_t d = m.o->d;
        assert_int_equal(d, m.kind->dimension(&m.q.p));
        values_are(&m, 1, 1e-13, teacher_loss);
        gradient_is(&m, 1, 1e-6);
        double error, *teacher = malloc(d * sizeof *teacher);
        qn_streams s = streams_of(6);
        qn_rng_fill_normal(&s.disorder, d, teacher);
        m.o->score(m.o, teacher, &error);
        assert_near(error, 0, 1e-28);
        bool noisy = i == 1;
        assert_true(noisy ? isnan(m.o->f_min) : m.o->f_min == 0);
        assert_near(cbo_value(m.o, teacher, m.work), noisy ? 0.045 : 0, noisy ? 0.045 * 4 * sqrt(2.0 / 30) : 1e-28); /* noise^2/2; z = 4 */
        teacher[0] += 1;
        m.o->score(m.o, teacher, &error);
        assert_true(error > 1e-5);
        assert_near(error, (double)teacher_losses(&m, teacher, true), 1e-13);
        free(teacher);
        unmake(&m);
    }
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(folder) && !qn_images_read("tests/data/mnist-test5k-images-idx3-ubyte.gz", "tests/data/mnist-test5k-labels-idx1-ubyte.gz", &digits) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    char line[300];
    qn_images_free(&digits);
    snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_learnt_by_cross_entropy),
        cmocka_unit_test(accuracy_is_counted),
        cmocka_unit_test(batches_are_passes_over_the_data),
        cmocka_unit_test(images_complain),
        cmocka_unit_test(teacher_is_half_the_squared_error),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
