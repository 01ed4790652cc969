/* source.c -- reads the files that hold patterns, cues and starts (see source.h). */
#include "source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"

static int no_memory(const char *path)
{
    return qn_fail(QN_ERR_NOMEM, "%s: no memory for what it holds", path);
}

/* K, where it is given, takes the first K of the patterns in a file. */
static int keep_first(const qn_params *p, const char *file, const char *what, size_t *k)
{
    size_t asked = qn_is_set(p, "K") ? (size_t)qn_int(p, "K") : *k;
    if (asked > *k)
        return qn_fail(QN_ERR_DATA, "%s: holds %zu %s, too few for K = %zu", qn_text(p, file), *k, what, asked);
    *k = asked;
    return 0;
}

/* ---- rows of +-1 ---- */

static int load_rows(const qn_params *p, heb_source *x)
{
    qn_spins rows;
    int err = qn_spins_read(qn_text(p, "pattern_file"), 0, &rows);
    size_t k = rows.rows;
    if (!err)
        err = keep_first(p, "pattern_file", "rows", &k);
    if (!err)
        err = heb_patterns_init(&x->patterns, rows.cols, k);
    for (size_t mu = 0; mu < k && !err; mu++)
        heb_patterns_put(&x->patterns, mu, rows.s + mu * rows.cols);
    qn_spins_free(&rows);
    return err;
}

/* M rows for every pattern. */
static int load_examples(const qn_params *p, heb_source *x)
{
    const char *path = qn_text(p, "example_file");
    int err = qn_spins_read(path, x->patterns.n, &x->examples);
    if (!err && (x->examples.rows % x->patterns.k || x->examples.rows > x->patterns.k * INT16_MAX))
        err = qn_fail(QN_ERR_DATA, "%s: holds %zu rows for %zu patterns; give the same number for each, at most %d", path, x->examples.rows, x->patterns.k, INT16_MAX);
    x->m = err ? 0 : x->examples.rows / x->patterns.k;
    return err;
}

/* ---- images ---- */

/* One archetype a class over all pixels; `count` items went into it, 0: the class is absent. */
typedef struct classes {
    size_t n, rows, pixels;    /* rows: of an image, 0 where only their number of pixels is known */
    const double *label;       /* [n] borrowed from the parameter */
    size_t *count;
    int32_t *sum;              /* [n][pixels] positive: +1 */
    size_t *keep, kept;        /* pixels that stay */
} classes;

static void classes_free(classes *c)
{
    free(c->count);
    free(c->sum);
    free(c->keep);
}

static size_t class_index(const classes *c, uint8_t label)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->label[i] == label)
            return i;
    return c->n;
}

static int classes_init(classes *c, size_t rows, size_t pixels, const char *path)
{
    c->rows = rows;
    c->pixels = pixels;
    c->count = calloc(c->n, sizeof *c->count);
    c->sum = calloc(c->n * pixels, sizeof *c->sum);
    c->keep = malloc(pixels * sizeof *c->keep);
    return c->count && c->sum && c->keep ? 0 : no_memory(path);
}

static int classes_from_images(const qn_params *p, classes *c)
{
    const char *path = qn_text(p, "images");
    qn_images im;
    int err = qn_images_read(path, qn_text(p, "labels"), &im);
    if (err)
        return err;
    bool mean = qn_choice(p, "archetype") == HEB_CLASS_MEAN;
    int64_t threshold = qn_int(p, "threshold");
    err = classes_init(c, im.rows, im.rows * im.cols, path);
    for (size_t i = 0; i < im.n && !err; i++) {
        size_t k = class_index(c, im.labels[i]);
        if (k == c->n || (c->count[k]++ && !mean))
            continue;
        for (size_t j = 0; j < c->pixels; j++)
            c->sum[k * c->pixels + j] += im.pixels[i * c->pixels + j] >= threshold ? 1 : -1;
    }
    qn_images_free(&im);
    return err;
}

static int classes_from_rows(const qn_params *p, classes *c)
{
    const char *path = qn_text(p, "pattern_file");
    qn_spins rows;
    int err = qn_spins_read(path, 0, &rows);
    if (!err && rows.rows != c->n)
        err = qn_fail(QN_ERR_DATA, "%s: holds %zu rows, but there are %zu classes; give one archetype a class, in their order", path,
                      rows.rows, c->n);
    if (!err)
        err = classes_init(c, 0, rows.cols, path);
    for (size_t k = 0; k < c->n && !err; k++) {
        c->count[k] = 1;
        for (size_t j = 0; j < c->pixels; j++)
            c->sum[k * c->pixels + j] = rows.s[k * c->pixels + j];
    }
    qn_spins_free(&rows);
    return err;
}

static int8_t archetype_pixel(const classes *c, size_t k, size_t j)
{
    return c->sum[k * c->pixels + j] > 0 ? 1 : -1; /* ties: -1 */
}

/* Which pixels stay: all, or those that are not equal in all archetypes. */
static void choose_pixels(classes *c, bool drop_constant)
{
    for (size_t j = 0; j < c->pixels; j++) {
        bool up = false, down = false;
        for (size_t k = 0; k < c->n; k++)
            if (c->count[k])
                *(archetype_pixel(c, k, j) > 0 ? &up : &down) = true;
        if (!drop_constant || (up && down))
            c->keep[c->kept++] = j;
    }
}

static int set_archetypes(heb_source *x, const classes *c, const char *path)
{
    size_t present = 0;
    x->n_classes = c->n;
    x->rows = c->rows ? c->rows : 1;
    x->cols = c->pixels / x->rows;
    x->pixel = malloc(c->kept * sizeof *x->pixel + 1);
    x->pattern_of = malloc(c->n * sizeof *x->pattern_of);
    x->class_of = malloc(c->n * sizeof *x->class_of);
    int8_t *xi = malloc(c->n * c->kept + 1);
    if (!x->pattern_of || !x->class_of || !x->pixel || !xi) {
        free(xi);
        return no_memory(path);
    }
    memcpy(x->pixel, c->keep, c->kept * sizeof *x->pixel);
    for (size_t k = 0; k < c->n; k++) {
        x->pattern_of[k] = c->count[k] ? present : HEB_NO_PATTERN;
        if (!c->count[k])
            continue;
        for (size_t j = 0; j < c->kept; j++)
            xi[present * c->kept + j] = archetype_pixel(c, k, c->keep[j]);
        x->class_of[present++] = k;
    }
    int err = heb_patterns_init(&x->patterns, c->kept, present);
    x->gram = err ? NULL : malloc(present * present * sizeof *x->gram);
    if (!err && !x->gram)
        err = no_memory(path);
    for (size_t mu = 0; mu < present && !err; mu++) {
        heb_patterns_put(&x->patterns, mu, xi + mu * c->kept);
        for (size_t nu = 0; nu < present; nu++) {
            int64_t dot = 0;
            for (size_t j = 0; j < c->kept; j++)
                dot += xi[mu * c->kept + j] * xi[nu * c->kept + j];
            x->gram[mu * present + nu] = (double)dot / (double)c->kept;
        }
    }
    free(xi);
    return err;
}

static int load_cues(const qn_params *p, heb_source *x, const classes *c)
{
    const char *path = qn_text(p, "cue_images");
    int64_t threshold = qn_int(p, "threshold");
    qn_images im;
    int err = qn_images_read(path, qn_text(p, "cue_labels"), &im);
    if (err)
        return err;
    size_t pixels = im.rows * im.cols;
    if (pixels != c->pixels || (c->rows && im.rows != c->rows))
        err = qn_fail(QN_ERR_DATA, "%s: its images are %zu x %zu; the archetypes have %zu pixels", path, im.rows, im.cols, c->pixels);
    if (!err) {
        x->cue = malloc(im.n * c->kept);
        x->cue_pattern = malloc(im.n * sizeof *x->cue_pattern);
        if (!x->cue || !x->cue_pattern)
            err = no_memory(path);
    }
    for (size_t i = 0; i < im.n && !err; i++) {
        size_t k = class_index(c, im.labels[i]);
        if (k == c->n || x->pattern_of[k] == HEB_NO_PATTERN)
            continue;
        for (size_t j = 0; j < c->kept; j++)
            x->cue[x->n_cues * c->kept + j] = im.pixels[i * pixels + c->keep[j]] >= threshold ? 1 : -1;
        x->cue_pattern[x->n_cues++] = x->pattern_of[k];
    }
    if (!err && !x->n_cues)
        err = qn_fail(QN_ERR_DATA, "%s: none of its images is of a class that has an archetype", path);
    qn_images_free(&im);
    return err;
}

static int load_images(const qn_params *p, heb_source *x, const char **param)
{
    bool rows = qn_choice(p, "archetype") == HEB_CLASS_FILE;
    *param = rows ? "pattern_file" : "images";
    const char *path = qn_text(p, *param);
    classes c = {0};
    c.label = qn_list(p, "classes", &c.n);
    int err = rows ? classes_from_rows(p, &c) : classes_from_images(p, &c);
    size_t present = 0, absent = c.n;
    for (size_t k = 0; k < c.n && !err; k++) {
        present += c.count[k] > 0;
        absent = c.count[k] ? absent : k;
    }
    if (!err && (!present || (absent < c.n && qn_is_given(p, "classes")))) {
        *param = "classes";
        err = qn_fail(QN_ERR_DATA, "%s: no image has the label %g", qn_text(p, "labels"), c.label[absent]);
    }
    if (!err)
        err = keep_first(p, rows ? "pattern_file" : "labels", rows ? "rows" : "of the classes", &present);
    for (size_t k = 0, seen = 0; k < c.n && !err; k++) {
        seen += c.count[k] > 0;
        c.count[k] = seen > present ? 0 : c.count[k];
    }
    if (!err)
        choose_pixels(&c, qn_bool(p, "drop_constant"));
    if (!err && !c.kept) {
        *param = "drop_constant";
        err = qn_fail(QN_ERR_DATA, "%s: every pixel is equal in all archetypes; drop_constant leaves none", path);
    }
    if (!err)
        err = set_archetypes(x, &c, path);
    if (!err && qn_choice(p, "cue") == HEB_CUE_ITEM) {
        *param = "cue_images";
        err = load_cues(p, x, &c);
    }
    classes_free(&c);
    return err;
}

/* ---- all of it ---- */

int heb_source_load(const qn_params *p, heb_source *x, const char **param)
{
    const char *at;
    param = param ? param : &at;
    memset(x, 0, sizeof *x);
    heb_origin origin = (heb_origin)qn_choice(p, "patterns");
    *param = "pattern_file";
    int err = origin == HEB_ROWS ? load_rows(p, x) : origin == HEB_IMAGES ? load_images(p, x, param) : 0;
    if (!err && origin == HEB_ROWS && qn_text(p, "example_file")) {
        *param = "example_file";
        err = load_examples(p, x);
    }
    if (!err && qn_text(p, "start_file")) {
        *param = "start_file";
        err = qn_spins_read(qn_text(p, "start_file"), x->patterns.n, &x->start);
    }
    if (err)
        heb_source_free(x);
    return err;
}

void heb_source_free(heb_source *x)
{
    heb_patterns_free(&x->patterns);
    free(x->pattern_of);
    free(x->class_of);
    free(x->pixel);
    free(x->gram);
    free(x->cue);
    free(x->cue_pattern);
    qn_spins_free(&x->start);
    qn_spins_free(&x->examples);
    memset(x, 0, sizeof *x);
}

/* A sweep asks for the size at every point, several times: the answers to the latest questions are kept. */
typedef struct answer {
    char *question;
    heb_size size;
} answer;
static answer answers[16];
static size_t next_answer;
static pthread_mutex_t answers_lock = PTHREAD_MUTEX_INITIALIZER;

static void add_file(qn_buffer *b, const char *path)
{
    struct stat s = {0};
    if (path && stat(path, &s) == 0)
        qn_buffer_add(b, "|%s %lld %lld %lld.%ld", path, (long long)s.st_ino, (long long)s.st_size, (long long)s.st_mtim.tv_sec,
                      s.st_mtim.tv_nsec);
}

/* Everything that heb_source_load depends on. */
static char *question_of(const qn_params *p)
{
    static const char *const files[] = {"pattern_file", "example_file", "images", "labels", "cue_images", "cue_labels", "start_file"};
    qn_buffer b = {0};
    size_t n;
    const double *label = qn_list(p, "classes", &n);
    qn_buffer_add(&b, "%d %d %d %d %d %lld %lld", qn_choice(p, "patterns"), qn_choice(p, "archetype"), qn_choice(p, "cue"),
                  qn_bool(p, "drop_constant"), qn_is_given(p, "classes"), (long long)qn_int(p, "threshold"), (long long)qn_int(p, "K"));
    for (size_t i = 0; i < n; i++)
        qn_buffer_add(&b, " %g", label[i]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        add_file(&b, qn_text(p, files[i]));
    if (b.failed)
        qn_buffer_free(&b);
    return b.text;
}

int heb_source_size(const qn_params *p, heb_size *out, const char **param)
{
    char *question = question_of(p);
    if (!question)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    bool known = false;
    pthread_mutex_lock(&answers_lock);
    for (size_t i = 0; i < sizeof answers / sizeof *answers && !known; i++)
        if (answers[i].question && strcmp(answers[i].question, question) == 0) {
            *out = answers[i].size;
            known = true;
        }
    pthread_mutex_unlock(&answers_lock);
    if (known) {
        free(question);
        return 0;
    }
    heb_source x;
    int err = heb_source_load(p, &x, param);
    if (err) {
        free(question);
        return err;
    }
    *out = (heb_size){x.patterns.n, x.patterns.k, x.m, x.rows, x.cols};
    heb_source_free(&x);
    pthread_mutex_lock(&answers_lock);
    answer *a = &answers[next_answer++ % (sizeof answers / sizeof *answers)];
    free(a->question);
    *a = (answer){question, *out};
    pthread_mutex_unlock(&answers_lock);
    return 0;
}
