/* data.c -- reading IDX and CIFAR-10 files (plain or gzipped) and rows of +-1 (see data.h).
 *
 * IDX format: http://yann.lecun.com/exdb/mnist/ (section "THE IDX FILE FORMAT").  CIFAR-10: https://www.cs.toronto.edu/~kriz/cifar.html. */
#include "data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "dataset.h"

#define MAX_IDX_BYTES ((size_t)1 << 36)

/* ---- IDX ---- */

/* Reads up to n bytes; returns how many, or -1 with the sentence set. */
static int64_t read_bytes(gzFile f, const char *path, void *to, size_t n)
{
    size_t done = 0;
    while (done < n) {
        unsigned step = n - done > (1u << 30) ? 1u << 30 : (unsigned)(n - done);
        int got = gzread(f, (char *)to + done, step);
        if (got < 0) {
            int code = 0;
            const char *why = gzerror(f, &code);
            if (code == Z_ERRNO)
                return qn_fail(QN_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
            return qn_fail(QN_ERR_DATA, "%s: its gzip stream is damaged or cut short (%s); fetch the file again", path, why);
        }
        if (got == 0)
            break;
        done += (size_t)got;
    }
    int code = 0;
    const char *why = gzerror(f, &code); /* a stream that ends early is told here only */
    if (done < n && code == Z_BUF_ERROR)
        return qn_fail(QN_ERR_DATA, "%s: its gzip stream is cut short (%s); fetch the file again", path, why);
    return (int64_t)done;
}

static int read_header(gzFile f, const char *path, size_t n_dims, qn_idx *x)
{
    unsigned char head[4 + 4 * QN_IDX_MAX_DIMS];
    int64_t got = read_bytes(f, path, head, 4);
    if (got < 0)
        return (int)got;
    if (got < 4)
        return qn_fail(QN_ERR_DATA, "%s: holds %d bytes, too few for an IDX file (4 bytes of magic number 00 00 08 %02zx come first)", path,
                       (int)got, n_dims);
    if (head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] != n_dims)
        return qn_fail(QN_ERR_DATA, "%s: begins with %02x %02x %02x %02x; an IDX file of %zu-dimensional unsigned bytes begins with 00 00 08 %02zx%s",
                       path, head[0], head[1], head[2], head[3], n_dims, n_dims,
                       head[0] == 0 && head[1] == 0 && head[2] == 8 && (head[3] == 1 || head[3] == 3)
                           ? " (are images and labels exchanged?)" : "");
    got = read_bytes(f, path, head + 4, 4 * n_dims);
    if (got < 0)
        return (int)got;
    if ((size_t)got < 4 * n_dims)
        return qn_fail(QN_ERR_DATA, "%s: ends inside the header; %zu dimensions of 4 bytes each must follow the magic number", path, n_dims);
    x->n_dims = n_dims;
    x->size = 1;
    for (size_t d = 0; d < n_dims; d++) {
        const unsigned char *b = head + 4 + 4 * d;
        x->dims[d] = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        if (x->dims[d] == 0)
            return qn_fail(QN_ERR_DATA, "%s: dimension %zu is 0; it must be at least 1", path, d + 1);
        if (x->dims[d] > MAX_IDX_BYTES / x->size)
            return qn_fail(QN_ERR_DATA, "%s: its dimensions multiply to more than %zu bytes: the header is damaged", path, MAX_IDX_BYTES);
        x->size *= x->dims[d];
    }
    return 0;
}

static int read_body(gzFile f, const char *path, qn_idx *x)
{
    /* Grow as bytes come, so that a damaged header does not ask for all memory. */
    size_t room = x->size < ((size_t)1 << 24) ? x->size : (size_t)1 << 24, have = 0;
    for (;;) {
        uint8_t *grown = realloc(x->data, room);
        if (!grown)
            return qn_fail(QN_ERR_NOMEM, "%s: no memory for its %zu bytes", path, x->size);
        x->data = grown;
        int64_t got = read_bytes(f, path, x->data + have, room - have);
        if (got < 0)
            return (int)got;
        have += (size_t)got;
        if (have < room || room == x->size)
            break;
        room = x->size - room > room ? 2 * room : x->size;
    }
    if (have < x->size)
        return qn_fail(QN_ERR_DATA, "%s: its header promises %zu bytes of data but only %zu follow: the file is cut short", path, x->size, have);
    char more;
    int64_t got = read_bytes(f, path, &more, 1);
    if (got < 0)
        return (int)got;
    if (got > 0)
        return qn_fail(QN_ERR_DATA, "%s: more bytes follow the %zu that its header promises: the file is damaged", path, x->size);
    return 0;
}

static int open_file(const char *path, const char *kind, gzFile *f)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return qn_fail(QN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return qn_fail(QN_ERR_IO, "%s: is not a file; %s file, plain or .gz, is expected", path, kind);
    *f = gzopen(path, "rb");
    if (!*f)
        return qn_fail(QN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    gzbuffer(*f, 1u << 17);
    return 0;
}

int qn_idx_read(const char *path, size_t n_dims, qn_idx *x)
{
    memset(x, 0, sizeof *x);
    if (n_dims < 1 || n_dims > QN_IDX_MAX_DIMS)
        return qn_fail(QN_ERR_INPUT, "%s: %zu dimensions asked for; 1 to %d are possible", path, n_dims, QN_IDX_MAX_DIMS);
    gzFile f;
    int err = open_file(path, "an IDX", &f);
    if (err)
        return err;
    err = read_header(f, path, n_dims, x);
    if (!err)
        err = read_body(f, path, x);
    gzclose(f);
    if (err)
        qn_idx_free(x);
    return err;
}

void qn_idx_free(qn_idx *x)
{
    free(x->data);
    memset(x, 0, sizeof *x);
}

int qn_images_read(const char *images, const char *labels, qn_images *x)
{
    memset(x, 0, sizeof *x);
    qn_idx pixels, classes;
    int err = qn_idx_read(images, 3, &pixels);
    if (err)
        return err;
    err = qn_idx_read(labels, 1, &classes);
    if (!err && classes.dims[0] != pixels.dims[0]) {
        err = qn_fail(QN_ERR_DATA, "%s: holds %zu labels but %s holds %zu images; they must be as many", labels, classes.dims[0],
                      images, pixels.dims[0]);
        qn_idx_free(&classes);
    }
    if (err) {
        qn_idx_free(&pixels);
        return err;
    }
    x->n = pixels.dims[0];
    x->rows = pixels.dims[1];
    x->cols = pixels.dims[2];
    x->pixels = pixels.data;
    x->labels = classes.data;
    return 0;
}

void qn_images_free(qn_images *x)
{
    free(x->pixels);
    free(x->labels);
    memset(x, 0, sizeof *x);
}

/* ---- CIFAR-10 ---- */

enum { CIFAR_PIXELS = 3 * 32 * 32, CIFAR_RECORD = 1 + CIFAR_PIXELS, CIFAR_CLASSES = 10 };

/* All of a file whose size its header does not tell. */
static int read_all(gzFile f, const char *path, uint8_t **bytes, size_t *n)
{
    for (size_t room = (size_t)CIFAR_RECORD * 4096; room <= MAX_IDX_BYTES; room *= 2) {
        uint8_t *grown = realloc(*bytes, room);
        if (!grown)
            return qn_fail(QN_ERR_NOMEM, "%s: no memory for its %zu bytes", path, room);
        *bytes = grown;
        int64_t got = read_bytes(f, path, *bytes + *n, room - *n);
        if (got < 0)
            return (int)got;
        *n += (size_t)got;
        if (*n < room)
            return 0;
    }
    return qn_fail(QN_ERR_DATA, "%s: holds more than %zu bytes; a CIFAR-10 file holds some tens of thousands of records of %d", path, MAX_IDX_BYTES,
                   CIFAR_RECORD);
}

static int split_records(const char *path, const uint8_t *bytes, size_t n, qn_images *x)
{
    x->n = n / CIFAR_RECORD;
    x->rows = 96;
    x->cols = 32;
    if (n == 0 || n % CIFAR_RECORD)
        return qn_fail(QN_ERR_DATA, "%s: holds %zu bytes, and CIFAR-10 records have %d (1 label, 3072 pixels): the file is cut short or of another format%s",
                       path, n, CIFAR_RECORD, n > 3 && !bytes[0] && !bytes[1] && bytes[2] == 8 ? " (it begins like an IDX file)" : "");
    x->pixels = malloc(x->n * CIFAR_PIXELS);
    x->labels = malloc(x->n);
    if (!x->pixels || !x->labels)
        return qn_fail(QN_ERR_NOMEM, "%s: no memory for %zu images", path, x->n);
    for (size_t i = 0; i < x->n; i++) {
        const uint8_t *record = bytes + i * CIFAR_RECORD;
        if (record[0] >= CIFAR_CLASSES)
            return qn_fail(QN_ERR_DATA, "%s: record %zu has the label %d; CIFAR-10 labels are 0 to 9 (is it the binary version?)", path, i + 1, record[0]);
        x->labels[i] = record[0];
        memcpy(x->pixels + i * CIFAR_PIXELS, record + 1, CIFAR_PIXELS);
    }
    return 0;
}

int qn_cifar10_read(const char *path, qn_images *x)
{
    memset(x, 0, sizeof *x);
    gzFile f;
    uint8_t *bytes = NULL;
    size_t n = 0;
    int err = open_file(path, "a CIFAR-10 binary", &f);
    if (err)
        return err;
    err = read_all(f, path, &bytes, &n);
    gzclose(f);
    if (!err)
        err = split_records(path, bytes, n, x);
    free(bytes);
    if (err)
        qn_images_free(x);
    return err;
}

/* ---- rows of +-1 ---- */

static int add_value(qn_spins *x, size_t *room, size_t *have, int8_t value)
{
    if (*have == *room) {
        size_t more = *room ? 2 * *room : 4096;
        int8_t *grown = realloc(x->s, more);
        if (!grown)
            return qn_fail(QN_ERR_NOMEM, "no memory for %zu values", more);
        x->s = grown;
        *room = more;
    }
    x->s[(*have)++] = value;
    return 0;
}

/* One line of text; `have` counts all values so far. */
static int add_line(const char *path, size_t number, char *line, qn_spins *x, size_t *room, size_t *have)
{
    line[strcspn(line, "#\r\n")] = '\0';
    size_t before = *have;
    for (char *save = NULL, *word = strtok_r(line, " \t,;", &save); word; word = strtok_r(NULL, " \t,;", &save)) {
        char *end;
        double v = strtod(word, &end);
        if (*end != '\0' || (v != 1 && v != -1))
            return qn_fail(QN_ERR_DATA, "%s:%zu: \"%.40s\" is not a spin; only 1 and -1 are", path, number, word);
        int err = add_value(x, room, have, v > 0 ? 1 : -1);
        if (err)
            return err;
    }
    size_t cols = *have - before;
    if (cols == 0)
        return 0;
    if (x->cols == 0)
        x->cols = cols;
    if (cols != x->cols)
        return qn_fail(QN_ERR_DATA, "%s:%zu: %zu values in this row; there must be %zu", path, number, cols, x->cols);
    x->rows++;
    return 0;
}

static int read_text(const char *path, FILE *f, qn_spins *x)
{
    char *line = NULL;
    size_t size = 0, number = 0, room = 0, have = 0;
    int err = 0;
    while (!err && getline(&line, &size, f) >= 0)
        err = add_line(path, ++number, line, x, &room, &have);
    if (!err && ferror(f))
        err = qn_fail(QN_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    free(line);
    if (!err && x->rows == 0)
        err = qn_fail(QN_ERR_DATA, "%s: holds no row of 1 and -1", path);
    return err;
}

static int read_hdf5(const char *path, qn_spins *x)
{
    qn_dataset *d = NULL;
    int err = qn_dataset_read(path, NULL, &d);
    if (err)
        return err;
    const qn_var *v = qn_dataset_find(d, "patterns");
    size_t found = v != NULL;
    for (size_t i = 0; !v && i < d->n_vars; i++)
        found += d->vars[i]->rank == 2 && d->vars[i]->type != QN_STR;
    for (size_t i = 0; !v && found == 1 && i < d->n_vars; i++)
        if (d->vars[i]->rank == 2 && d->vars[i]->type != QN_STR)
            v = d->vars[i];
    if (!v) {
        err = qn_fail(QN_ERR_DATA, "%s: has %s; name it `patterns`", path,
                      found ? "several two-dimensional datasets" : "no two-dimensional dataset of +-1");
    } else if (v->rank != 2 || v->type == QN_STR || v->size == 0) {
        err = qn_fail(QN_ERR_DATA, "%s: dataset `%s` must be two-dimensional numbers, rows of +-1", path, v->name);
    } else {
        x->rows = v->shape[0];
        x->cols = v->shape[1];
        x->s = malloc(v->size);
        if (!x->s)
            err = qn_fail(QN_ERR_NOMEM, "%s: no memory for %zu values", path, v->size);
        for (size_t i = 0; !err && i < v->size; i++) {
            double value = qn_var_number(v, i);
            if (value != 1 && value != -1)
                err = qn_fail(QN_ERR_DATA, "%s: `%s`[%zu,%zu] = %g is not a spin; only 1 and -1 are", path, v->name, i / x->cols,
                              i % x->cols, value);
            else
                x->s[i] = value > 0 ? 1 : -1;
        }
    }
    qn_dataset_free(d);
    return err;
}

int qn_spins_read(const char *path, size_t cols, qn_spins *x)
{
    memset(x, 0, sizeof *x);
    struct stat info;
    if (stat(path, &info) != 0)
        return qn_fail(QN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return qn_fail(QN_ERR_IO, "%s: is not a file; rows of +-1 as text or HDF5 are expected", path);
    FILE *f = fopen(path, "rb");
    if (!f)
        return qn_fail(QN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    static const unsigned char magic[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char head[8];
    bool hdf5 = fread(head, 1, 8, f) == 8 && memcmp(head, magic, 8) == 0;
    rewind(f);
    int err = hdf5 ? read_hdf5(path, x) : read_text(path, f, x);
    fclose(f);
    if (!err && cols > 0 && x->cols != cols)
        err = qn_fail(QN_ERR_DATA, "%s: its rows hold %zu values; %zu are needed", path, x->cols, cols);
    if (err)
        qn_spins_free(x);
    return err;
}

void qn_spins_free(qn_spins *x)
{
    free(x->s);
    memset(x, 0, sizeof *x);
}
