/* parts.c -- see parts.h. */
#include "parts.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"
#include "text.h"

#define CHECKPOINTS "checkpoints"

/* ---- rows ------------------------------------------------------------------------------------------------------- */

/* Over the numbers that are there, in column order; not over padding, which depends on the other points of the sweep. */
int64_t qn_row_digest(const qn_layout *l, const double *row, int64_t measurements, int64_t steps)
{
    uint64_t sum[2] = {(uint64_t)measurements, (uint64_t)steps};
    for (size_t c = 0; c < l->n_columns; c++) {
        const qn_column *col = &l->column[c];
        uint64_t fold[4] = {0};
        for (size_t k = 0; k < col->n; k++) {
            double x = row[col->offset + k];
            if (isnan(x))
                continue;
            memcpy(&fold[1], &x, sizeof x);
            fold[2]++;
            qn_hash h = qn_hash_bytes(fold, sizeof fold);
            fold[0] = h.w[0];
            fold[3] = h.w[1];
        }
        fold[1] = 0;
        qn_hash name = qn_hash_bytes(col->name, strlen(col->name)), h = qn_hash_bytes(fold, sizeof fold);
        if (fold[2]) /* a column that is absent here adds nothing */
            sum[0] += name.w[0] ^ h.w[0];
    }
    qn_hash h = qn_hash_bytes(sum, sizeof sum);
    return (int64_t)h.w[0];
}

/* Copies an array of shape `from` into one of shape `to` (same rank), row-major, as far as both go; the rest stays.  What is cut off should
 * be padding: else the digest does not match. */
static void copy_padded(size_t rank, const size_t *from, const size_t *to, const double *x, double *out)
{
    if (rank == 0) {
        *out = *x;
        return;
    }
    size_t step_from = 1, step_to = 1;
    for (size_t d = 1; d < rank; d++) {
        step_from *= from[d];
        step_to *= to[d];
    }
    if (step_from == step_to && !memcmp(from + 1, to + 1, (rank - 1) * sizeof *from)) {
        memcpy(out, x, (from[0] < to[0] ? from[0] : to[0]) * step_from * sizeof *out);
        return;
    }
    for (size_t i = 0; i < from[0] && i < to[0]; i++)
        copy_padded(rank - 1, from + 1, to + 1, x + i * step_from, out + i * step_to);
}

int qn_source_row(const qn_source *s, size_t row, const qn_layout *l, qn_row_head *head, double *out)
{
    for (size_t k = 0; k < l->row; k++)
        out[k] = NAN;
    for (size_t c = 0; c < l->n_columns; c++) {
        const qn_column *col = &l->column[c];
        const qn_var *v = qn_dataset_find(s->samples, col->name);
        if (!v) /* an observable that no point of that file provided */
            continue;
        if (v->type != QN_F64 || v->rank < col->rank || v->size % s->rows)
            return qn_fail(QN_ERR_DATA, "%s: the variable %s has an unexpected type or shape", s->path, col->name);
        const size_t *from = v->shape + v->rank - col->rank;
        size_t n = 1;
        for (size_t d = 0; d < col->rank; d++)
            n *= from[d];
        if (n != v->size / s->rows)
            return qn_fail(QN_ERR_DATA, "%s: the variable %s has an unexpected shape", s->path, col->name);
        copy_padded(col->rank, from, col->shape, v->f64 + row * n, out + col->offset);
    }
    const qn_var *m = qn_dataset_find(s->samples, "measurements"), *t = qn_dataset_find(s->samples, "steps"), *d = qn_dataset_find(s->samples, "digest");
    if (!m || !t || !d || m->type != QN_I64 || t->type != QN_I64 || d->type != QN_I64 || m->size != s->rows || t->size != s->rows || d->size != s->rows)
        return qn_fail(QN_ERR_DATA, "%s lacks measurements, steps or digest", s->path);
    *head = (qn_row_head){.keys = {.chain = {{(uint64_t)s->chain[2 * row], (uint64_t)s->chain[2 * row + 1]}},
                                   .task = {{(uint64_t)s->key[2 * row], (uint64_t)s->key[2 * row + 1]}}},
                          .measurements = m->i64[row], .steps = t->i64[row], .digest = d->i64[row]};
    if (qn_row_digest(l, out, head->measurements, head->steps) != head->digest)
        return qn_fail(QN_ERR_DATA, "%s: row %zu does not match its digest: the file was altered, or its dimensions are longer than the sweep asks", s->path, row);
    return 0;
}

int qn_source_open(qn_source *s, const char *path, bool sealed)
{
    memset(s, 0, sizeof *s);
    s->is_part = sealed;
    s->path = strdup(path);
    if (!s->path)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = sealed ? qn_dataset_read_sealed(path, &s->data) : qn_dataset_read(path, NULL, &s->data);
    if (!err) {
        const char *kind = qn_attr_text(s->data, NULL, "Conventions");
        s->samples = sealed ? s->data : qn_dataset_find_group(s->data, "samples");
        const qn_var *key = s->samples ? qn_dataset_find(s->samples, "key") : NULL, *chain = s->samples ? qn_dataset_find(s->samples, "chain") : NULL;
        if (!kind || strcmp(kind, sealed ? "quench-part-1" : "quench-1") || !key || !chain || key->type != QN_I64 || chain->type != QN_I64 ||
            key->size % 2 || chain->size != key->size) {
            err = qn_fail(QN_ERR_DATA, "%s is not a %s of quench", path, sealed ? "part" : "result file");
        } else {
            const qn_dataset *cp = qn_dataset_find_group(s->data, CHECKPOINTS);
            s->rows = key->size / 2;
            s->key = key->i64;
            s->chain = chain->i64;
            s->n_checkpoints = cp ? cp->n_vars : 0;
        }
    }
    if (err)
        qn_source_close(s);
    return err;
}

void qn_source_close(qn_source *s)
{
    qn_dataset_free(s->data);
    free(s->path);
    memset(s, 0, sizeof *s);
}

/* ---- checkpoints: one blob each ----------------------------------------------------------------------------------- */

/* Blob: per entry type (1 byte), length of name (8), elements (8), name, data; little-endian. */
static size_t entry_bytes(const qn_entry *e)
{
    return e->n * (e->type == QN_ENTRY_BYTES ? 1 : 8);
}

int qn_checkpoint_put(qn_dataset *root, const qn_checkpoint_head *head, const qn_group *g)
{
    char hex[33], dim[48];
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        n += 17 + strlen(g->entry[i].name) + entry_bytes(&g->entry[i]);
    qn_hash_hex(head->chain, hex);
    snprintf(dim, sizeof dim, "_n_%s", hex); /* a leading underscore: its scale has no values */
    qn_dataset *to;
    qn_var *v;
    int err = qn_dataset_group(root, CHECKPOINTS, &to);
    if (!err)
        err = qn_dataset_dim(to, dim, n);
    if (!err)
        err = qn_dataset_var(to, hex, QN_I8, 1, (const char *[]){dim}, &v);
    if (err)
        return err;
    int8_t *out = v->i8;
    for (size_t i = 0; i < g->n; i++) {
        const qn_entry *e = &g->entry[i];
        uint64_t len[2] = {strlen(e->name), e->n};
        *out++ = (int8_t)e->type;
        memcpy(out, len, sizeof len);
        memcpy(out + 16, e->name, len[0]);
        out += 16 + len[0];
        if (e->n)
            memcpy(out, e->data, entry_bytes(e));
        out += entry_bytes(e);
    }
    err = qn_attr_i64(to, v, "step", 1, &head->step);
    if (!err && head->pieces)
        err = qn_attr_i64(to, v, "pieces", 1, &head->pieces);
    if (!err && head->rate > 0)
        err = qn_attr_f64(to, v, "rate", 1, &head->rate);
    return !err && *head->text ? qn_attr_str(to, v, "progress", head->text) : err;
}

static const qn_var *checkpoint_var(const qn_source *s, size_t i)
{
    return qn_dataset_find_group(s->data, CHECKPOINTS)->vars[i];
}

int qn_source_checkpoint_head(const qn_source *s, size_t i, qn_checkpoint_head *out)
{
    const qn_var *v = checkpoint_var(s, i);
    const qn_attr *a = qn_attr_find(s->data, v, "step"), *pieces = qn_attr_find(s->data, v, "pieces"), *rate = qn_attr_find(s->data, v, "rate");
    const char *text = qn_attr_text(s->data, v, "progress");
    memset(out, 0, sizeof *out);
    if (v->type != QN_I8 || !a || a->type != QN_I64 || a->n != 1 || qn_hash_parse(v->name, &out->chain))
        return qn_fail(QN_ERR_DATA, "%s: the checkpoint %s is not one", s->path, v->name);
    out->step = a->i64[0];
    out->pieces = pieces && pieces->type == QN_I64 && pieces->n == 1 ? pieces->i64[0] : 0;
    out->rate = rate && rate->type == QN_F64 && rate->n == 1 ? rate->f64[0] : 0;
    snprintf(out->text, sizeof out->text, "%s", text ? text : "");
    return 0;
}

int qn_source_checkpoint(const qn_source *s, size_t i, qn_group *out)
{
    const qn_var *v = checkpoint_var(s, i);
    const int8_t *at = v->i8, *end = v->i8 + v->size;
    memset(out, 0, sizeof *out);
    int err = 0;
    while (at < end && !err) {
        uint64_t len[2];
        char name[256];
        if (end - at < 17)
            break;
        int type = *at++;
        memcpy(len, at, sizeof len);
        at += sizeof len;
        uint64_t left = (uint64_t)(end - at), each = type == QN_ENTRY_BYTES ? 1 : 8;
        if (type < 1 || type > 3 || len[0] >= sizeof name || len[0] > left || len[1] > (left - len[0]) / each)
            break;
        memcpy(name, at, len[0]);
        name[len[0]] = 0;
        at += len[0];
        err = qn_group_put(out, name, (qn_entry_type)type, len[1], at);
        at += len[1] * each;
    }
    if (!err && at != end)
        err = qn_fail(QN_ERR_DATA, "%s: the checkpoint %s is damaged", s->path, v->name);
    if (err)
        qn_group_clear(out);
    return err;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

int qn_part_add(qn_part *p, const qn_row_head *head, const double *row)
{
    size_t width = p->layout->row;
    if (p->n == p->room) {
        size_t room = p->room ? 2 * p->room : 16;
        qn_row_head *h = realloc(p->head, room * sizeof *h);
        if (h)
            p->head = h;
        double *r = realloc(p->row, room * (width ? width : 1) * sizeof *r);
        if (r)
            p->row = r;
        if (!h || !r)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        p->room = room;
    }
    p->head[p->n] = *head;
    memcpy(p->row + p->n * width, row, width * sizeof *row);
    p->n++;
    return 0;
}

int qn_part_add_checkpoint(qn_part *p, const qn_checkpoint_head *head, const qn_group *g)
{
    int err = p->checkpoints ? 0 : qn_dataset_new(&p->checkpoints);
    return err ? err : qn_checkpoint_put(p->checkpoints, head, g);
}

void qn_part_drop_checkpoints(qn_part *p)
{
    qn_dataset_free(p->checkpoints);
    p->checkpoints = NULL;
}

void qn_part_clear(qn_part *p)
{
    free(p->head);
    free(p->row);
    qn_dataset_free(p->checkpoints);
    *p = (qn_part){.layout = p->layout};
}

static int part_heads(const qn_part *p, qn_dataset *d)
{
    const char *const both[] = {"entry", "word"};
    qn_var *key, *chain, *m, *t, *g;
    if (qn_dataset_dim(d, "entry", p->n) || qn_dataset_dim(d, "word", 2) || qn_dataset_var(d, "key", QN_I64, 2, both, &key) ||
        qn_dataset_var(d, "chain", QN_I64, 2, both, &chain) || qn_dataset_var(d, "measurements", QN_I64, 1, both, &m) ||
        qn_dataset_var(d, "steps", QN_I64, 1, both, &t) || qn_dataset_var(d, "digest", QN_I64, 1, both, &g))
        return QN_ERR_NOMEM;
    for (size_t i = 0; i < p->n; i++) {
        const qn_row_head *h = &p->head[i];
        for (size_t w = 0; w < 2; w++) {
            key->i64[2 * i + w] = (int64_t)h->keys.task.w[w];
            chain->i64[2 * i + w] = (int64_t)h->keys.chain.w[w];
        }
        m->i64[i] = h->measurements;
        t->i64[i] = h->steps;
        g->i64[i] = h->digest;
    }
    return 0;
}

static int part_columns(const qn_part *p, qn_dataset *d)
{
    const qn_layout *l = p->layout;
    int err = 0;
    for (size_t c = 0; c < l->n_columns && !err; c++) {
        const qn_column *col = &l->column[c];
        const char *dims[1 + QN_MAX_COLUMN_RANK] = {"entry"};
        for (size_t k = 0; k < col->rank && !err; k++) {
            dims[k + 1] = col->dim[k];
            err = qn_dataset_dim(d, col->dim[k], col->shape[k]);
        }
        qn_var *v;
        if (!err)
            err = qn_dataset_var(d, col->name, QN_F64, 1 + col->rank, dims, &v);
        for (size_t i = 0; i < p->n && !err; i++)
            memcpy(v->f64 + i * col->n, p->row + i * l->row + col->offset, col->n * sizeof(double));
    }
    return err;
}

int qn_part_write(const qn_part *p, const char *path)
{
    const qn_sweep *s = p->layout->sweep;
    qn_dataset *d;
    int err = qn_dataset_new(&d);
    if (err)
        return err;
    err = qn_identity_write(d, s, "quench-part-1");
    if (!err)
        err = part_heads(p, d);
    if (!err)
        err = part_columns(p, d);
    const qn_dataset *from = p->checkpoints ? qn_dataset_find_group(p->checkpoints, CHECKPOINTS) : NULL;
    qn_dataset *to = NULL;
    if (!err && from)
        err = qn_dataset_group(d, CHECKPOINTS, &to);
    for (size_t i = 0; !err && from && i < from->n_vars; i++) {
        const qn_var *v = from->vars[i];
        qn_var *w;
        err = qn_dataset_dim(to, v->dims[0], v->size);
        if (!err)
            err = qn_dataset_var(to, v->name, QN_I8, 1, (const char *[]){v->dims[0]}, &w);
        if (!err && v->size)
            memcpy(w->i8, v->i8, v->size);
        for (size_t k = 0; k < v->n_attrs && !err; k++) {
            const qn_attr *a = &v->attrs[k];
            err = a->type == QN_STR ? qn_attr_str(to, w, a->name, a->str) : a->type == QN_F64 ? qn_attr_f64(to, w, a->name, a->n, a->f64)
                                                                                              : qn_attr_i64(to, w, a->name, a->n, a->i64);
        }
    }
    if (!err)
        err = qn_dataset_write_sealed(d, path);
    qn_dataset_free(d);
    return err;
}

/* ---- the folder ------------------------------------------------------------------------------------------------------ */

char *qn_parts_folder(const char *output)
{
    return qn_format("%s.parts", output);
}

static int is_part(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && n > 3 && !strcmp(e->d_name + n - 3, ".h5");
}

static void set_aside(const char *path, qn_say say, void *ctx)
{
    char *aside = qn_format("%s.bad", path), *line = qn_format("%s; set aside as %s.bad, its tasks run again", qn_error_text(), path);
    if (aside)
        rename(path, aside);
    if (line)
        say(ctx, line);
    free(aside);
    free(line);
}

/* One look at the folder; *vanished: a part that was listed is gone, replaced by a newer one that was not. */
static int open_listed(const char *folder, qn_source **out, size_t *n, qn_say say, void *ctx, bool *vanished)
{
    struct dirent **entry = NULL;
    int found = scandir(folder, &entry, is_part, alphasort), err = 0;
    if (found < 0 && errno != ENOENT && errno != ENOTDIR)
        err = qn_fail(QN_ERR_IO, "%s: %s", folder, strerror(errno));
    *n = 0;
    *vanished = false;
    *out = calloc(found > 0 ? (size_t)found : 1, sizeof **out);
    if (!*out && !err)
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    for (int i = 0; i < found; i++) {
        char *path = qn_format("%s/%s", folder, entry[i]->d_name);
        int bad = err || !path ? 0 : qn_source_open(&(*out)[*n], path, true);
        if (!err && !path)
            err = qn_fail(QN_ERR_NOMEM, "out of memory");
        else if (!err && !bad)
            ++*n;
        else if (bad == QN_ERR_NOMEM)
            err = bad;
        else if (bad && access(path, F_OK))
            *vanished = true;
        else if (bad && say) /* its tasks run again */
            set_aside(path, say, ctx);
        free(path);
        free(entry[i]);
    }
    free(entry);
    return err;
}

static void close_all(qn_source *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        qn_source_close(&s[i]);
    free(s);
}

#define MOST_LOOKS 50 /* a run that flushes all the time replaces parts between a look and the next */

int qn_parts_open(const char *output, qn_source **out, size_t *n, qn_say say, void *ctx)
{
    char *folder = qn_parts_folder(output);
    bool again = folder;
    int err = folder ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    *out = NULL;
    *n = 0;
    for (int looks = 0; again && !err && looks < MOST_LOOKS; looks++) {
        close_all(*out, *n);
        err = open_listed(folder, out, n, say, ctx, &again);
    }
    free(folder);
    if (err) {
        close_all(*out, *n);
        *out = NULL;
        *n = 0;
    }
    return err;
}
