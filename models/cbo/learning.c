/* learning.c -- softmax regression, one hidden layer, and a committee learning from a teacher (see learning.h). */
#include "learning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "files.h"
#include "isa.h"
#include "rng.h"
#include "vmath.h"

#define CBO_MOST_HIDDEN 1024
#define CBO_MOST_CLASSES 256

/* Examples as lists of their inputs that are not 0: a fifth of the pixels of handwritten digits, half of those of garments. */
typedef struct cbo_examples {
    size_t n, inputs, classes;
    size_t *start;   /* [n + 1] where the entries of an example begin */
    uint32_t *index; /* which input */
    float *value;    /* its value, times `scale`: pixels are whole numbers 0..255 here, the scale is 1/255 */
    double scale;
    uint8_t *label;  /* [n], or */
    double *target;  /* [n] */
} cbo_examples;

typedef struct cbo_net {
    const cbo_examples *train, *test; /* test: NULL when there is none */
    size_t hidden, classes;           /* softmax: hidden = 0; teacher: classes = 0 */
    double readout;                   /* teacher: hidden^{-1/2} */
    size_t used;                      /* examples that count now: */
    uint32_t *order;                  /* order[at], order[at + 1], ..; NULL: all, as they are */
    size_t at;
    cbo_examples own[2];              /* teacher: drawn for this task */
    void (*loss)(const struct cbo_net *net, size_t d, size_t lanes, const double *x, double *f, double *w);
} cbo_net;

/* The i-th example that counts now. */
static inline size_t example_at(const cbo_net *net, size_t i)
{
    return net->order ? net->order[net->at + i] : i;
}

#define QN_BODY "cbo/learning_body.h"
#include "levels.h"

static void examples_free(cbo_examples *e)
{
    free(e->start);
    free(e->index);
    free(e->value);
    free(e->label);
    free(e->target);
    memset(e, 0, sizeof *e);
}

/* Room for n examples with `entries` entries in all. */
static int examples_init(cbo_examples *e, size_t n, size_t inputs, size_t entries)
{
    *e = (cbo_examples){.n = n, .inputs = inputs};
    e->start = calloc(n + 1, sizeof *e->start);
    e->index = malloc(entries * sizeof *e->index + 1);
    e->value = malloc(entries * sizeof *e->value + 1);
    return e->start && e->index && e->value ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for %zu examples of %zu inputs", n, inputs);
}

/* ---- one point in plain layout ----------------------------------------------------------------------------------- */

typedef struct outputs {
    double h[CBO_MOST_HIDDEN], z[CBO_MOST_CLASSES]; /* hidden units before their nonlinearity; outputs */
} outputs;

static void forward(const cbo_net *net, const cbo_examples *e, size_t example, const double *x, outputs *out)
{
    size_t n = net->hidden ? net->hidden : net->classes, m = net->classes;
    double *first = net->hidden ? out->h : out->z;
    memset(first, 0, n * sizeof *first);
    for (size_t k = e->start[example]; k < e->start[example + 1]; k++) {
        double value = e->value[k];
        const double *row = x + e->index[k] * n;
        for (size_t u = 0; u < n; u++)
            first[u] += value * row[u];
    }
    const double *bias = x + e->inputs * n, *second = bias + n;
    for (size_t u = 0; u < n; u++)
        first[u] = e->scale * first[u] + (m ? bias[u] : 0);
    if (!net->hidden || !m)
        return;
    memcpy(out->z, second + n * m, m * sizeof *out->z);
    for (size_t u = 0; u < n; u++)
        for (size_t c = 0; c < m && !(out->h[u] < 0); c++)
            out->z[c] += out->h[u] * second[u * m + c];
}

/* Softmax of z in place. */
static void softmax(size_t n, double *z)
{
    double most = z[0], sum = 0;
    for (size_t c = 1; c < n; c++)
        most = z[c] > most ? z[c] : most;
    for (size_t c = 0; c < n; c++)
        sum += z[c] = qn_vexp(z[c] - most);
    for (size_t c = 0; c < n; c++)
        z[c] /= sum;
}

/* The first layer's part of the gradient: g += delta_u a_k / used. */
static void backward(const cbo_net *net, size_t example, const double *delta, size_t n, double *g)
{
    const cbo_examples *e = net->train;
    for (size_t k = e->start[example]; k < e->start[example + 1]; k++) {
        double value = e->value[k] * e->scale / (double)net->used;
        double *row = g + e->index[k] * n;
        for (size_t u = 0; u < n; u++)
            row[u] += value * delta[u];
    }
}

/* ---- images: softmax, mlp ----------------------------------------------------------------------------------------- */

static void net_free(cbo_objective *o)
{
    cbo_net *net = o->data;
    if (!net)
        return;
    free(net->order);
    examples_free(&net->own[0]);
    examples_free(&net->own[1]);
    free(net);
    o->data = NULL;
}

static void net_eval(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z)
{
    const cbo_net *net = o->data;
    net->loss(net, o->d, lanes, x, f, z);
}

/* d loss/d z = softmax(z) - onehot(label). */
static void images_grad(const cbo_objective *o, const double *x, double *g)
{
    const cbo_net *net = o->data;
    const cbo_examples *e = net->train;
    size_t n = net->hidden ? net->hidden : net->classes, m = net->classes;
    const double *second = x + (e->inputs + 1) * n;
    double *bias = g + e->inputs * n, *g2 = bias + n, weight = 1 / (double)net->used;
    outputs out;
    memset(g, 0, o->d * sizeof *g);
    for (size_t i = 0; i < net->used; i++) {
        size_t example = example_at(net, i);
        forward(net, e, example, x, &out);
        softmax(m, out.z);
        out.z[e->label[example]] -= 1;
        for (size_t u = 0; u < net->hidden; u++) {
            double back = 0;
            for (size_t c = 0; c < m && !(out.h[u] < 0); c++) {
                g2[u * m + c] += weight * out.h[u] * out.z[c];
                back += second[u * m + c] * out.z[c];
            }
            out.h[u] = back;
        }
        for (size_t c = 0; net->hidden && c < m; c++)
            g2[net->hidden * m + c] += weight * out.z[c];
        const double *delta = net->hidden ? out.h : out.z;
        for (size_t u = 0; u < n; u++)
            bias[u] += weight * delta[u];
        backward(net, example, delta, n, g);
    }
}

static void images_score(const cbo_objective *o, const double *x, double *accuracy)
{
    const cbo_net *net = o->data;
    const cbo_examples *e = net->test;
    outputs out;
    size_t right = 0;
    for (size_t i = 0; i < e->n; i++) {
        size_t best = 0;
        forward(net, e, i, x, &out);
        for (size_t c = 1; c < net->classes; c++)
            best = out.z[c] > out.z[best] ? c : best;
        right += best == e->label[i];
    }
    *accuracy = (double)right / (double)e->n;
}

/* ---- data batches ------------------------------------------------------------------------------------------------- */

static void next_batch(cbo_objective *o, qn_rng *rng)
{
    cbo_net *net = o->data;
    size_t n = net->train->n;
    net->at += net->used;
    if (net->at + net->used <= n)
        return;
    net->at = 0;
    for (size_t i = n; i-- > 1;) { /* Fisher, Yates */
        size_t k = (size_t)qn_rng_below(rng, i + 1);
        uint32_t t = net->order[i];
        net->order[i] = net->order[k];
        net->order[k] = t;
    }
}

static int save_batch(const cbo_objective *o, qn_group *g)
{
    const cbo_net *net = o->data;
    int64_t at = (int64_t)net->at;
    int err = qn_save_i64(g, "batch.at", 1, &at);
    return err ? err : qn_save_bytes(g, "batch.order", net->train->n * sizeof *net->order, net->order);
}

static int load_batch(cbo_objective *o, const qn_group *g)
{
    cbo_net *net = o->data;
    int64_t at;
    size_t n = net->train->n;
    int err = qn_load_i64(g, "batch.at", 1, &at);
    if (!err)
        err = qn_load_bytes(g, "batch.order", n * sizeof *net->order, net->order);
    for (size_t i = 0; i < n && !err; i++)
        if (net->order[i] >= n)
            err = qn_fail(QN_ERR_DATA, "the checkpoint's data batch names example %u of %zu", net->order[i], n);
    if (!err && (at < 0 || (size_t)at > n - net->used))
        err = qn_fail(QN_ERR_DATA, "the checkpoint's data batch begins at %lld of %zu examples", (long long)at, n);
    net->at = err ? net->at : (size_t)at;
    return err;
}

/* What all nets have; the examples are set already. */
static int net_finish(cbo_objective *o, const qn_params *p)
{
    typedef void loss(const cbo_net *, size_t, size_t, const double *, double *, double *);
    static loss *const losses[] = QN_LEVELS(loss);
    cbo_net *net = o->data;
    size_t batch = (size_t)qn_int(p, "data_batch"), n = net->train->n;
    net->loss = losses[qn_isa()];
    net->used = batch && batch < n ? batch : n;
    o->eval = net_eval;
    if (net->used == n)
        return 0;
    net->order = malloc(n * sizeof *net->order);
    if (!net->order)
        return qn_fail(QN_ERR_NOMEM, "no memory for the order of %zu examples", n);
    for (size_t i = 0; i < n; i++)
        net->order[i] = (uint32_t)i;
    o->batch = next_batch;
    o->save = save_batch;
    o->load = load_batch;
    return 0;
}

static cbo_net *net_new(cbo_objective *o)
{
    o->data = calloc(1, sizeof(cbo_net));
    o->free_data = net_free;
    return o->data;
}

/* ---- files -------------------------------------------------------------------------------------------------------- */

typedef struct images {
    cbo_examples train, test;
} images;

static int read_examples(const char *path, const char *labels, size_t most, cbo_examples *out)
{
    qn_images im;
    memset(out, 0, sizeof *out);
    int err = qn_images_read(path, labels, &im);
    if (err)
        return err;
    size_t n = most && most < im.n ? most : im.n, inputs = im.rows * im.cols, entries = 0;
    for (size_t k = 0; k < n * inputs; k++)
        entries += im.pixels[k] != 0;
    err = inputs > UINT32_MAX ? qn_fail(QN_ERR_DATA, "%s: its images are %zu x %zu, too large", path, im.rows, im.cols)
                              : examples_init(out, n, inputs, entries);
    if (!err && !(out->label = malloc(n)))
        err = qn_fail(QN_ERR_NOMEM, "no memory for %zu labels", n);
    out->scale = 1.0 / 255;
    for (size_t i = 0, at = 0; i < n && !err; i++) {
        for (size_t k = 0; k < inputs; k++)
            if (im.pixels[i * inputs + k]) {
                out->index[at] = (uint32_t)k;
                out->value[at++] = im.pixels[i * inputs + k];
            }
        out->start[i + 1] = at;
        out->label[i] = im.labels[i];
    }
    for (size_t i = 0; i < im.n; i++) /* of the whole file: the net stays the same when fewer examples are used */
        out->classes = im.labels[i] >= out->classes ? (size_t)im.labels[i] + 1 : out->classes;
    out->classes = out->classes < 2 ? 2 : out->classes;
    qn_images_free(&im);
    return err;
}

static size_t samples_wanted(const qn_params *p)
{
    return qn_is_set(p, "samples") ? (size_t)qn_int(p, "samples") : 0;
}

static bool has_test(const qn_params *p)
{
    return qn_is_set(p, "test_images") && qn_is_set(p, "test_labels");
}

static void images_release(void *shared)
{
    images *im = shared;
    if (!im)
        return;
    examples_free(&im->train);
    examples_free(&im->test);
    free(im);
}

static int images_prepare(const qn_params *p, void **shared)
{
    images *im = calloc(1, sizeof *im);
    if (!im)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = read_examples(qn_text(p, "images"), qn_text(p, "labels"), samples_wanted(p), &im->train);
    if (!err && has_test(p))
        err = read_examples(qn_text(p, "test_images"), qn_text(p, "test_labels"), 0, &im->test);
    if (!err && im->test.n && im->test.inputs != im->train.inputs)
        err = qn_fail(QN_ERR_DATA, "%s: its images have %zu pixels, but the training images have %zu", qn_text(p, "test_images"),
                      im->test.inputs, im->train.inputs);
    if (err) {
        images_release(im);
        return err;
    }
    *shared = im;
    return 0;
}

static int images_make(cbo_objective *o, const qn_params *p, const images *im, size_t hidden)
{
    cbo_net *net = net_new(o);
    if (!net)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    net->train = &im->train;
    net->test = im->test.n ? &im->test : NULL;
    net->hidden = hidden;
    net->classes = im->train.classes;
    o->grad = images_grad;
    o->score = net->test ? images_score : NULL;
    o->n_scores = net->test ? 1 : 0;
    return net_finish(o, p);
}

static int softmax_make(cbo_objective *o, const qn_params *p, const void *shared, qn_streams *streams)
{
    (void)streams;
    return images_make(o, p, shared, 0);
}

static int mlp_make(cbo_objective *o, const qn_params *p, const void *shared, qn_streams *streams)
{
    (void)streams;
    return images_make(o, p, shared, (size_t)qn_int(p, "hidden"));
}

/* ---- what check() and dimension() ask of the files ------------------------------------------------------------------ */

enum { EXAMPLES, PIXELS, CLASSES, TEST_PIXELS };

/* Numbers of examples, pixels (of the test images too; 0 without them) and classes.  On an error *param is the parameter to point at. */
static int files_size(const qn_params *p, size_t answer[CBO_ANSWERS], const char **param)
{
    const char *paths[] = {qn_text(p, "images"), qn_text(p, "labels"), has_test(p) ? qn_text(p, "test_images") : NULL,
                           has_test(p) ? qn_text(p, "test_labels") : NULL};
    if (cbo_files_known(paths, 4, answer))
        return 0;
    qn_images im;
    *param = "images";
    int err = qn_images_read(paths[0], paths[1], &im);
    if (err)
        return err;
    answer[EXAMPLES] = im.n;
    answer[PIXELS] = im.rows * im.cols;
    answer[CLASSES] = 2;
    answer[TEST_PIXELS] = 0;
    for (size_t i = 0; i < im.n; i++)
        answer[CLASSES] = im.labels[i] >= answer[CLASSES] ? (size_t)im.labels[i] + 1 : answer[CLASSES];
    qn_images_free(&im);
    if (paths[2]) {
        *param = "test_images";
        err = qn_images_read(paths[2], paths[3], &im);
        if (err)
            return err;
        answer[TEST_PIXELS] = im.rows * im.cols;
        qn_images_free(&im);
    }
    cbo_files_remember(paths, 4, answer);
    return 0;
}

static bool has_images(const qn_params *p)
{
    return qn_is_set(p, "images") && qn_is_set(p, "labels");
}

static size_t softmax_dimension(const qn_params *p)
{
    size_t size[CBO_ANSWERS];
    const char *param;
    return !has_images(p) || files_size(p, size, &param) ? 0 : (size[PIXELS] + 1) * size[CLASSES];
}

static size_t mlp_dimension(const qn_params *p)
{
    size_t size[CBO_ANSWERS], hidden = (size_t)qn_int(p, "hidden");
    const char *param;
    return !has_images(p) || files_size(p, size, &param) ? 0 : (size[PIXELS] + 1) * hidden + (hidden + 1) * size[CLASSES];
}

static size_t images_scores(const qn_params *p)
{
    return has_test(p);
}

/* The coordinates are weights of a net: they have no other origin and no other axes. */
static void check_frame(const qn_params *p, qn_problems *c)
{
    if (qn_is_given(p, "shift"))
        qn_complain(c, "shift", "has no meaning with objective: %s; move the start instead", qn_text(p, "objective"));
    if (qn_bool(p, "rotate"))
        qn_complain(c, "rotate", "has no meaning with objective: %s", qn_text(p, "objective"));
}

static void check_hidden(const qn_params *p, qn_problems *c)
{
    if (qn_int(p, "hidden") > CBO_MOST_HIDDEN)
        qn_complain(c, "hidden", "%lld units are too many; at most %d", (long long)qn_int(p, "hidden"), CBO_MOST_HIDDEN);
}

static void check_batch(const qn_params *p, qn_problems *c, size_t n)
{
    if ((size_t)qn_int(p, "data_batch") > n)
        qn_complain(c, "data_batch", "%lld, but there are %zu examples; take fewer, or 0 for all of them", (long long)qn_int(p, "data_batch"), n);
}

static void images_check(const qn_params *p, qn_problems *c)
{
    size_t size[CBO_ANSWERS], most = samples_wanted(p);
    const char *param = "images";
    check_frame(p, c);
    if (!has_images(p))
        return;
    int err = files_size(p, size, &param);
    if (err == QN_ERR_IO) /* the core has said so; or a result file is looked at where its data are not */
        return;
    if (err) {
        qn_complain(c, param, "%s", qn_error_text());
        return;
    }
    if (most > size[EXAMPLES])
        qn_complain(c, "samples", "%zu, but %s holds %zu images", most, qn_text(p, "images"), size[EXAMPLES]);
    if (size[TEST_PIXELS] && size[TEST_PIXELS] != size[PIXELS])
        qn_complain(c, "test_images", "%s: its images have %zu pixels, but the training images have %zu", qn_text(p, "test_images"),
                    size[TEST_PIXELS], size[PIXELS]);
    check_batch(p, c, most && most < size[EXAMPLES] ? most : size[EXAMPLES]);
}

static void mlp_check(const qn_params *p, qn_problems *c)
{
    check_hidden(p, c);
    images_check(p, c);
}

/* Examples of an evaluation. */
static double examples_used(const qn_params *p, double n)
{
    double batch = qn_real(p, "data_batch");
    return batch > 0 && batch < n ? batch : n;
}

/* Measured on one core of a Zen 5 with AVX-512: 0.016 ns a pixel and output for digits, 0.038 ns for garments, which have fewer pixels that are 0. */
static double images_seconds(const qn_params *p)
{
    size_t size[CBO_ANSWERS];
    const char *param;
    if (!has_images(p) || files_size(p, size, &param))
        return 1e-5;
    double n = samples_wanted(p) ? (double)samples_wanted(p) : (double)size[EXAMPLES];
    bool net = !strcmp(qn_text(p, "objective"), "mlp");
    return examples_used(p, n) * 2.5e-11 * (double)size[PIXELS] * (net ? qn_real(p, "hidden") : (double)size[CLASSES]);
}

/* ---- teacher ------------------------------------------------------------------------------------------------------ */

static double committee(const cbo_net *net, const double *h)
{
    double y = 0;
    for (size_t u = 0; u < net->hidden; u++)
        y += 1 - 2 / (qn_vexp(2 * h[u]) + 1);
    return net->readout * y;
}

static void teacher_grad(const cbo_objective *o, const double *x, double *g)
{
    const cbo_net *net = o->data;
    outputs out;
    memset(g, 0, o->d * sizeof *g);
    for (size_t i = 0; i < net->used; i++) {
        size_t example = example_at(net, i);
        forward(net, net->train, example, x, &out);
        double error = committee(net, out.h) - net->train->target[example];
        for (size_t u = 0; u < net->hidden; u++) {
            double t = 1 - 2 / (qn_vexp(2 * out.h[u]) + 1);
            out.h[u] = error * net->readout * (1 - t * t);
        }
        backward(net, example, out.h, net->hidden, g);
    }
}

static void teacher_score(const cbo_objective *o, const double *x, double *error)
{
    const cbo_net *net = o->data;
    outputs out;
    double sum = 0;
    for (size_t i = 0; i < net->test->n; i++) {
        forward(net, net->test, i, x, &out);
        double e = committee(net, out.h) - net->test->target[i];
        sum += e * e / 2;
    }
    *error = sum / (double)net->test->n;
}

static int draw_examples(cbo_net *net, cbo_examples *e, size_t n, size_t inputs, const double *teacher, double noise, qn_rng *r)
{
    outputs out;
    int err = examples_init(e, n, inputs, n * inputs);
    e->scale = 1 / sqrt((double)inputs);
    e->target = err ? NULL : malloc(n * sizeof *e->target);
    if (!err && !e->target)
        err = qn_fail(QN_ERR_NOMEM, "no memory for %zu examples", n);
    for (size_t i = 0; i < n && !err; i++) {
        for (size_t k = 0; k < inputs; k++) {
            e->index[i * inputs + k] = (uint32_t)k;
            e->value[i * inputs + k] = (float)qn_rng_normal(r);
        }
        e->start[i + 1] = (i + 1) * inputs;
        forward(net, e, i, teacher, &out);
        e->target[i] = committee(net, out.h) + (noise > 0 ? noise * qn_rng_normal(r) : 0);
    }
    return err;
}

static int teacher_make(cbo_objective *o, const qn_params *p, const void *shared, qn_streams *streams)
{
    (void)shared;
    size_t inputs = (size_t)qn_int(p, "inputs"), n = qn_is_set(p, "samples") ? samples_wanted(p) : 256;
    double noise = qn_real(p, "label_noise");
    cbo_net *net = net_new(o);
    double *teacher = malloc(o->d * sizeof *teacher);
    if (!net || !teacher) {
        free(teacher);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    net->train = &net->own[0];
    net->test = &net->own[1];
    net->hidden = (size_t)qn_int(p, "hidden");
    net->readout = 1 / sqrt((double)net->hidden);
    qn_rng_fill_normal(&streams->disorder, o->d, teacher);
    int err = draw_examples(net, &net->own[0], n, inputs, teacher, noise, &streams->disorder);
    if (!err)
        err = draw_examples(net, &net->own[1], n, inputs, teacher, 0, &streams->disorder);
    free(teacher);
    if (err)
        return err;
    o->f_min = noise == 0 ? 0 : NAN; /* at the teacher's weights, its hidden units in any order */
    o->grad = teacher_grad;
    o->score = teacher_score;
    o->n_scores = 1;
    return net_finish(o, p);
}

static size_t teacher_dimension(const qn_params *p)
{
    return (size_t)qn_int(p, "inputs") * (size_t)qn_int(p, "hidden");
}

static size_t teacher_scores(const qn_params *p)
{
    (void)p;
    return 1;
}

static void teacher_check(const qn_params *p, qn_problems *c)
{
    size_t n = qn_is_set(p, "samples") ? samples_wanted(p) : 256;
    check_frame(p, c);
    check_hidden(p, c);
    check_batch(p, c, n);
    if ((double)n * qn_real(p, "inputs") > 268435456)
        qn_complain(c, qn_is_set(p, "samples") ? "samples" : "inputs", "%zu examples of %lld inputs are too many numbers; at most 2^28", n, (long long)qn_int(p, "inputs"));
}

static double teacher_seconds(const qn_params *p)
{
    double n = qn_is_set(p, "samples") ? qn_real(p, "samples") : 256;
    return examples_used(p, n) * (5e-11 * (double)teacher_dimension(p) + 1e-9 * qn_real(p, "hidden"));
}

const cbo_objective_kind cbo_learning_kinds[] = {
    {.name = "softmax", .needs_images = true, .make = softmax_make, .dimension = softmax_dimension, .scores = images_scores, .check = images_check,
     .prepare = images_prepare, .release = images_release, .seconds = images_seconds},
    {.name = "mlp", .needs_images = true, .make = mlp_make, .dimension = mlp_dimension, .scores = images_scores, .check = mlp_check,
     .prepare = images_prepare, .release = images_release, .seconds = images_seconds},
    {.name = "teacher", .make = teacher_make, .dimension = teacher_dimension, .scores = teacher_scores, .check = teacher_check, .seconds = teacher_seconds},
    {.name = NULL},
};
