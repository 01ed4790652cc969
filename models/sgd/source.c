/* source.c -- see source.h. */
#include "source.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data.h"
#include "population.h"
#include "state.h"
#include "text.h"

/* ---- what `data` says ---- */

#define KNOWN "stripe, sign, boundary:CHI, teacher:linear, teacher:relu:K, quadratic, clusters:C[:linear|xor|parity], mnist:parity, cifar10:animal, " \
              "or mnist, fashion, cifar10, idx with two lists of labels (idx:0,1/2,3)"

/* Labels "0,2,4" up to '/' or the end take `side`.  Returns what follows, NULL where something is wrong. */
static const char *read_labels(const char *text, int8_t side, int8_t *of)
{
    for (;;) {
        char *end;
        long label = strtol(text, &end, 10);
        if (end == text || label < 0 || label > 255 || of[label] != 0)
            return NULL;
        of[label] = side;
        if (*end != ',')
            return end;
        text = end + 1;
    }
}

static int parse_split(const char *whole, const char *split, sgd_source *s)
{
    int8_t side[256] = {0};
    const char *rest = read_labels(split, 1, side);
    if (rest && *rest == '/')
        rest = read_labels(rest + 1, -1, side);
    else if (rest && !*rest)
        for (size_t i = 0; i < 256; i++)
            side[i] = side[i] ? 1 : -1;
    if (!rest || *rest)
        return qn_fail(QN_ERR_INPUT, "\"%s\": two lists of different labels from 0 to 255 are expected, like 0,1,2/3,4", whole);
    memcpy(s->side, side, sizeof side);
    return 0;
}

static int parse_images(const char *text, const char *split, double gray, bool cifar, sgd_source *s)
{
    *s = (sgd_source){.kind = SGD_DATA_IMAGES, .gray = gray, .cifar = cifar};
    return parse_split(text, split, s);
}

static int parse_clusters(const char *text, const char *rest, sgd_source *s)
{
    static const char *const cubes[] = {"", ":linear", ":xor", ":parity"};
    char *end;
    unsigned long c = strtoul(rest, &end, 10);
    *s = (sgd_source){.kind = SGD_DATA_CLUSTERS, .k = c};
    if (end == rest || c < 4 || c > 256 || c & (c - 1))
        return qn_fail(QN_ERR_INPUT, "\"%s\": the number of conditions must be 4, 8, 16, ..., 256 (vertices of a cube)", text);
    for (size_t i = 0; i < sizeof cubes / sizeof *cubes; i++)
        if (!strcmp(end, cubes[i])) {
            s->cube = i ? (sgd_cube)(i - 1) : SGD_CUBE_LINEAR;
            return 0;
        }
    return qn_fail(QN_ERR_INPUT, "\"%s\": after the number of conditions comes :linear, :xor or :parity", text);
}

static const char *after(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(text, prefix, n) ? NULL : text + n;
}

int sgd_source_parse(const char *text, sgd_source *s)
{
    static const struct {
        const char *name;
        sgd_data_kind kind;
    } plain[] = {{"stripe", SGD_DATA_STRIPE}, {"sign", SGD_DATA_SIGN}, {"teacher:linear", SGD_DATA_TEACHER_LINEAR}, {"quadratic", SGD_DATA_QUADRATIC}};
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(text, plain[i].name)) {
            s->kind = plain[i].kind;
            return 0;
        }
    const char *rest;
    char *end;
    if ((rest = after(text, "boundary:"))) {
        *s = (sgd_source){.kind = SGD_DATA_BOUNDARY, .chi = strtod(rest, &end)};
        return end > rest && !*end && s->chi > -1 && s->chi <= 100 ? 0 : qn_fail(QN_ERR_INPUT, "\"%s\": chi must be a number above -1, at most 100", text);
    }
    if ((rest = after(text, "teacher:relu:"))) {
        *s = (sgd_source){.kind = SGD_DATA_TEACHER_RELU, .k = strtoul(rest, &end, 10)};
        return end > rest && !*end && s->k >= 1 && s->k <= 10000 ? 0 : qn_fail(QN_ERR_INPUT, "\"%s\": the number of units must be 1 to 10000", text);
    }
    if ((rest = after(text, "clusters:")))
        return parse_clusters(text, rest, s);
    if (!strcmp(text, "mnist:parity"))
        return parse_images(text, "0,2,4,6,8/1,3,5,7,9", 3.0, false, s);
    if (!strcmp(text, "cifar10:animal"))
        return parse_images(text, "2,3,4,5,6,7/0,1,8,9", 1.87, true, s);
    if ((rest = after(text, "mnist:")))
        return parse_images(text, rest, 3.0, false, s);
    if ((rest = after(text, "fashion:")))
        return parse_images(text, rest, 2.2, false, s);
    if ((rest = after(text, "cifar10:")))
        return parse_images(text, rest, 1.87, true, s);
    if ((rest = after(text, "idx:")))
        return parse_images(text, rest, 0, false, s);
    return qn_fail(QN_ERR_INPUT, "\"%s\" is no data; known are " KNOWN, text);
}

bool sgd_source_real(const sgd_source *s)
{
    return s->kind == SGD_DATA_TEACHER_LINEAR || s->kind == SGD_DATA_TEACHER_RELU || s->kind == SGD_DATA_QUADRATIC;
}

static size_t bits_of(size_t conditions)
{
    size_t k = 0;
    while (((size_t)1 << k) < conditions)
        k++;
    return k;
}

size_t sgd_source_teachers(const sgd_source *s)
{
    switch (s->kind) {
    case SGD_DATA_IMAGES:
        return 0;
    case SGD_DATA_TEACHER_RELU:
        return s->k;
    case SGD_DATA_CLUSTERS:
        return s->cube == SGD_CUBE_LINEAR ? 1 : s->cube == SGD_CUBE_XOR ? 2 : bits_of(s->k);
    default:
        return 1;
    }
}

/* ---- files ---- */

static int no_memory(const char *path)
{
    return qn_fail(QN_ERR_NOMEM, "%s: no memory for its images", path);
}

/* Images of `path` that are on a side, added to x. */
static int add_images(const sgd_source *s, const char *path, const char *labels, sgd_files *x, size_t count[256])
{
    qn_images im;
    int err = s->cifar ? qn_cifar10_read(path, &im) : qn_images_read(path, labels, &im);
    if (err)
        return err;
    size_t d = im.rows * im.cols, kept = 0;
    for (size_t i = 0; i < im.n; i++)
        kept += s->side[im.labels[i]] != 0;
    if (x->n && d != x->d)
        err = qn_fail(QN_ERR_DATA, "%s: its images have %zu pixels, those of `images` %zu", path, d, x->d);
    uint8_t *bytes = err ? NULL : realloc(x->bytes, (x->n + kept) * d + 1);
    x->bytes = bytes ? bytes : x->bytes;
    int8_t *side = err ? NULL : realloc(x->side, x->n + kept + 1);
    x->side = side ? side : x->side;
    if (!err && (!bytes || !side))
        err = no_memory(path);
    x->d = d;
    for (size_t i = 0; i < im.n && !err; i++) {
        count[im.labels[i]]++;
        if (!s->side[im.labels[i]])
            continue;
        memcpy(x->bytes + x->n * d, im.pixels + i * d, d);
        x->side[x->n++] = s->side[im.labels[i]];
    }
    qn_images_free(&im);
    return err;
}

static int check_sides(const qn_params *p, const sgd_source *s, const sgd_files *x, const size_t count[256])
{
    size_t up = 0, labels_up = 0;
    for (size_t i = 0; i < x->n; i++)
        up += x->side[i] > 0;
    for (size_t i = 0; i < 256; i++) {
        labels_up += s->side[i] > 0;
        if (s->side[i] > 0 && !count[i])
            return qn_fail(QN_ERR_DATA, "%s: no image has the label %zu of `data`", qn_text(p, "images"), i);
    }
    if (up == 0 || up == x->n)
        return qn_fail(QN_ERR_DATA, "%s: all its images are on one side of `data: %s`", qn_text(p, "images"), qn_text(p, "data"));
    return labels_up ? 0 : qn_fail(QN_ERR_DATA, "no label is on the side +1");
}

static double unit_of(const sgd_source *s, const sgd_files *x)
{
    if (s->gray > 0)
        return s->gray / 255;
    double sum = 0;
    for (size_t i = 0; i < x->n; i++) { /* whole numbers: exact in any order */
        uint64_t row = 0;
        for (size_t j = 0; j < x->d; j++)
            row += (uint64_t)x->bytes[i * x->d + j] * x->bytes[i * x->d + j];
        sum += (double)row;
    }
    return sum > 0 ? 1 / sqrt(sum / ((double)x->n * (double)x->d)) : 1;
}

/* Messages about a file begin with its path. */
static bool is_about(const char *path)
{
    size_t n = strlen(path);
    return !strncmp(qn_error_text(), path, n) && qn_error_text()[n] == ':';
}

int sgd_files_load(const qn_params *p, const sgd_source *s, sgd_files *x, const char **param)
{
    static const char *const images[] = {"images", "test_images"}, *const labels[] = {"labels", "test_labels"};
    const char *at;
    param = param ? param : &at;
    size_t count[256] = {0};
    memset(x, 0, sizeof *x);
    int err = 0;
    for (int k = 0; k < 2 && !err; k++) {
        const char *path = qn_text(p, images[k]), *of = qn_text(p, labels[k]);
        *param = path ? labels[k] : images[k];
        if (!path && k == 0)
            err = qn_fail(QN_ERR_INPUT, "not given, and data is \"%s\"", qn_text(p, "data"));
        else if (path && !of && !s->cifar)
            err = qn_fail(QN_ERR_INPUT, "not given; %s needs the file of its labels", images[k]);
        *param = err ? *param : images[k];
        if (!err && path) {
            err = add_images(s, path, of, x, count);
            if (err && of && is_about(of))
                *param = labels[k];
        }
    }
    *param = err ? *param : "data";
    if (!err)
        err = check_sides(p, s, x, count);
    if (err)
        sgd_files_free(x);
    else
        x->unit = unit_of(s, x);
    return err;
}

void sgd_files_free(sgd_files *x)
{
    free(x->bytes);
    free(x->side);
    memset(x, 0, sizeof *x);
}

/* A sweep asks for the size at every point, several times: the answers to the latest questions are kept. */
typedef struct answer {
    char *question;
    size_t n, d;
} answer;
static answer answers[16];
static size_t next_answer;
static pthread_mutex_t answers_lock = PTHREAD_MUTEX_INITIALIZER;

static char *question_of(const qn_params *p)
{
    static const char *const files[] = {"images", "labels", "test_images", "test_labels"};
    qn_buffer b = {0};
    qn_buffer_add(&b, "%s", qn_text(p, "data"));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = qn_text(p, files[i]);
        struct stat st = {0};
        if (path && stat(path, &st) == 0)
            qn_buffer_add(&b, "|%zu %s %lld %lld %lld.%ld", i, path, (long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    }
    if (b.failed)
        qn_buffer_free(&b);
    return b.text;
}

static bool remembered(const char *question, size_t *n, size_t *d)
{
    bool known = false;
    pthread_mutex_lock(&answers_lock);
    for (size_t i = 0; i < sizeof answers / sizeof *answers && !known; i++)
        if (answers[i].question && !strcmp(answers[i].question, question)) {
            *n = answers[i].n;
            *d = answers[i].d;
            known = true;
        }
    pthread_mutex_unlock(&answers_lock);
    return known;
}

int sgd_files_size(const qn_params *p, const sgd_source *s, size_t *n, size_t *d, const char **param)
{
    char *question = question_of(p);
    if (!question)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    if (remembered(question, n, d)) {
        free(question);
        return 0;
    }
    sgd_files x;
    int err = sgd_files_load(p, s, &x, param);
    if (err) {
        free(question);
        return err;
    }
    *n = x.n;
    *d = x.d;
    sgd_files_free(&x);
    pthread_mutex_lock(&answers_lock);
    answer *a = &answers[next_answer++ % (sizeof answers / sizeof *answers)];
    free(a->question);
    *a = (answer){question, *n, *d};
    pthread_mutex_unlock(&answers_lock);
    return 0;
}

/* ---- points of one task ---- */

void sgd_data_free(sgd_data *x)
{
    sgd_points_free(&x->train);
    sgd_points_free(&x->test);
    free(x->teacher);
    free(x->beta);
    free(x->condition[0]);
    free(x->condition[1]);
    free(x->dichotomy);
    memset(x, 0, sizeof *x);
}

static double dot(size_t n, const double *a, const double *b)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

/* Gram & Schmidt; directions that depend on those before them are left out. */
static size_t orthonormal(size_t k, size_t d, double *x)
{
    size_t kept = 0;
    for (size_t i = 0; i < k; i++) {
        double *to = x + kept * d, before = sqrt(dot(d, x + i * d, x + i * d));
        memmove(to, x + i * d, d * sizeof *x);
        for (int twice = 0; twice < 2; twice++)
            for (size_t j = 0; j < kept; j++) {
                double along = dot(d, x + j * d, to);
                for (size_t l = 0; l < d; l++)
                    to[l] -= along * x[j * d + l];
            }
        double norm = sqrt(dot(d, to, to));
        if (!(norm > 1e-10 * before))
            continue;
        for (size_t l = 0; l < d; l++)
            to[l] /= norm;
        kept++;
    }
    return kept;
}

static void cube_side(const sgd_source *s, int8_t *side)
{
    for (size_t c = 0; c < s->k; c++) {
        int first = c & 1, second = c >> 1 & 1, all = __builtin_popcountl(c) & 1;
        int bit = s->cube == SGD_CUBE_LINEAR ? first : s->cube == SGD_CUBE_XOR ? first ^ second : all;
        side[c] = bit ? 1 : -1;
    }
}

typedef struct law {      /* what draws one point; vectors as drawn, not yet orthonormal */
    const sgd_source *s;
    const sgd_draw *how;
    sgd_boundary boundary;
    size_t k;
    double *w;            /* [k][d] teachers, or directions of the cube */
    const int8_t *side;
} law;

/* One point into x [d] (of unit variance, not divided by sqrt(d)); the label. */
static double draw_point(const law *l, qn_rng *rng, size_t condition, double *x)
{
    size_t d = l->how->d;
    double root = sqrt((double)d), y = 0;
    qn_rng_fill_normal(rng, d, x);
    switch (l->s->kind) {
    case SGD_DATA_SIGN:
        return x[0] > 0 ? 1 : -1;
    case SGD_DATA_STRIPE:
        return x[0] > -0.3 && x[0] < 1.18549 ? 1 : -1;
    case SGD_DATA_BOUNDARY:
        y = x[0] > 0 ? 1 : -1; /* the normal number there gives the side */
        x[0] = y * sgd_boundary_draw(&l->boundary, rng);
        return y;
    case SGD_DATA_TEACHER_LINEAR:
        return dot(d, l->w, x) / root;
    case SGD_DATA_TEACHER_RELU:
        for (size_t i = 0; i < l->k; i++)
            y += fmax(dot(d, l->w + i * d, x) / root, 0) * (i % 2 ? -1 : 1);
        return 2 * y / sqrt((double)l->k);
    case SGD_DATA_QUADRATIC:
        y = dot(d, l->w, x) / root;
        return y * y / 2;
    case SGD_DATA_CLUSTERS:
        for (size_t i = 0; i < d; i++)
            x[i] *= l->how->noise;
        for (size_t b = 0; b < l->k; b++)
            for (size_t i = 0; i < d; i++)
                x[i] += (condition >> b & 1 ? 1 : -1) * l->w[b * d + i];
        return l->side[condition];
    case SGD_DATA_IMAGES:
        break;
    }
    return NAN;
}

static int draw_points(const law *l, qn_rng *rng, size_t n, sgd_points *to, uint32_t *condition)
{
    size_t d = l->how->d, row = d + (l->how->bias != 0);
    *to = (sgd_points){.n = n, .d = row, .bias = l->how->bias, .x = malloc((n * row + 1) * sizeof *to->x), .y = malloc((n + 1) * sizeof *to->y)};
    if (!to->x || !to->y)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu points of d = %zu inputs", n, d);
    for (size_t mu = 0; mu < n; mu++) {
        double *x = to->x + mu * row, y = draw_point(l, rng, condition ? condition[mu] : 0, x);
        to->y[mu] = l->how->classes ? (y > 0 ? 1 : -1) : y;
        for (size_t i = 0; i < d; i++)
            x[i] /= sqrt((double)d);
        if (row > d)
            x[d] = l->how->bias;
    }
    return 0;
}

/* Conditions in equal numbers, in turn. */
static uint32_t *conditions_of(size_t n, size_t c)
{
    uint32_t *x = malloc((n + 1) * sizeof *x);
    for (size_t mu = 0; x && mu < n; mu++)
        x[mu] = (uint32_t)(mu % c);
    return x;
}

static int draw_teachers(law *l, sgd_data *x, qn_rng *rng)
{
    const sgd_source *s = l->s;
    size_t d = l->how->d;
    bool axis = s->kind == SGD_DATA_SIGN || s->kind == SGD_DATA_STRIPE || s->kind == SGD_DATA_BOUNDARY;
    l->k = s->kind == SGD_DATA_CLUSTERS ? bits_of(s->k) : sgd_source_teachers(s);
    l->w = calloc(l->k * d, sizeof *l->w);
    x->teacher = malloc(l->k * d * sizeof *x->teacher);
    if (!l->w || !x->teacher)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu teachers of d = %zu inputs", l->k, d);
    if (axis)
        l->w[0] = 1;
    else
        qn_rng_fill_normal(rng, l->k * d, l->w);
    memcpy(x->teacher, l->w, l->k * d * sizeof *l->w);
    x->teachers = orthonormal(l->k, d, x->teacher);
    if (s->kind == SGD_DATA_CLUSTERS) { /* orthogonal, all of one length; those that decide come first */
        if (x->teachers < l->k)
            return qn_fail(QN_ERR_MODEL, "%zu conditions need d = %zu inputs or more", s->k, l->k);
        for (size_t i = 0; i < l->k * d; i++)
            l->w[i] = x->teacher[i] * l->how->separation * sqrt((double)d / (double)l->k);
        x->teachers = sgd_source_teachers(s);
    }
    if (s->kind == SGD_DATA_QUADRATIC) {
        x->beta = malloc(d * sizeof *x->beta);
        if (!x->beta)
            return qn_fail(QN_ERR_NOMEM, "no memory for a teacher of d = %zu inputs", d);
        for (size_t i = 0; i < d; i++)
            x->beta[i] = l->w[i] = x->teacher[i] * sqrt((double)d);
    }
    return 0;
}

static int draw_synthetic(sgd_data *x, const sgd_source *s, const sgd_draw *how, qn_rng *data, qn_rng *teacher)
{
    law l = {.s = s, .how = how};
    sgd_boundary_init(&l.boundary, s->chi);
    int err = draw_teachers(&l, x, teacher);
    if (!err && s->kind == SGD_DATA_CLUSTERS) {
        x->conditions = s->k;
        x->condition[0] = conditions_of(how->p, s->k);
        x->condition[1] = conditions_of(how->tests, s->k);
        x->dichotomy = malloc(s->k);
        if (!x->condition[0] || !x->condition[1] || !x->dichotomy)
            err = qn_fail(QN_ERR_NOMEM, "no memory for the conditions of %zu points", how->p + how->tests);
        else
            cube_side(s, x->dichotomy);
        l.side = x->dichotomy;
    }
    if (!err)
        err = draw_points(&l, data, how->p, &x->train, x->condition[0]);
    if (!err)
        err = draw_points(&l, data, how->tests, &x->test, x->condition[1]);
    free(l.w);
    return err;
}

static int take(const sgd_files *f, double bias, const uint32_t *order, size_t n, sgd_points *to)
{
    *to = (sgd_points){.n = n, .d = f->d + (bias != 0), .bias = bias, .bytes = f->bytes, .unit = f->unit / sqrt((double)f->d)};
    to->pick = malloc((n + 1) * sizeof *to->pick);
    to->y = malloc((n + 1) * sizeof *to->y);
    if (!to->pick || !to->y)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu points", n);
    for (size_t mu = 0; mu < n; mu++) {
        to->pick[mu] = order[mu];
        to->y[mu] = f->side[order[mu]];
    }
    return 0;
}

static int draw_images(sgd_data *x, const sgd_draw *how, const sgd_files *f, qn_rng *rng)
{
    size_t tests = how->tests < f->n - how->p ? how->tests : f->n - how->p;
    uint32_t *order = malloc(f->n * sizeof *order);
    if (!order)
        return qn_fail(QN_ERR_NOMEM, "no memory for the order of %zu images", f->n);
    for (size_t i = 0; i < f->n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = 0; i < how->p + tests; i++) {
        size_t j = i + (size_t)qn_rng_below(rng, f->n - i);
        uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    int err = take(f, how->bias, order, how->p, &x->train);
    if (!err)
        err = take(f, how->bias, order + how->p, tests, &x->test);
    free(order);
    return err;
}

int sgd_data_draw(sgd_data *x, const sgd_source *s, const sgd_draw *how, const sgd_files *files, const qn_streams *streams)
{
    qn_rng data, teacher;
    memset(x, 0, sizeof *x);
    qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_DATA, &data);
    qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_TEACHER, &teacher);
    if (s->kind != SGD_DATA_IMAGES)
        return draw_synthetic(x, s, how, &data, &teacher);
    if (!files || files->n < how->p)
        return qn_fail(QN_ERR_DATA, "%zu training points of %zu images", how->p, files ? files->n : 0);
    return draw_images(x, how, files, &data);
}
