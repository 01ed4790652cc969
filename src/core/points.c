/* points.c -- the points of a sweep, the keys of its tasks, the grid on which a task measures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"
#include "text.h"

size_t qn_sweep_axis_index(const qn_sweep *s, size_t point, size_t axis)
{
    if (s->list)
        return point;
    for (size_t a = s->n_axes; a-- > axis + 1;)
        point /= s->axis[a].n;
    return point % s->axis[axis].n;
}

size_t qn_sweep_rungs(const qn_sweep *s)
{
    return s->chain.kind == QN_NO_CHAIN ? 1 : s->axis[s->chain.axis].n;
}

size_t qn_sweep_chain_point(const qn_sweep *s, size_t chain, size_t i)
{
    size_t inner = 1; /* points between two neighbours of a chain */
    for (size_t a = s->n_axes; s->chain.kind != QN_NO_CHAIN && a-- > s->chain.axis + 1;)
        inner *= s->axis[a].n;
    return (chain / inner * qn_sweep_rungs(s) + i) * inner + chain % inner;
}

size_t qn_sweep_chain_of(const qn_sweep *s, size_t point)
{
    size_t rungs = qn_sweep_rungs(s), inner = 1;
    if (s->chain.kind == QN_NO_CHAIN)
        return point;
    for (size_t a = s->n_axes; a-- > s->chain.axis + 1;)
        inner *= s->axis[a].n;
    return point / (inner * rungs) * inner + point % inner;
}

bool qn_sweep_wants(const qn_sweep *s, size_t task)
{
    size_t replicas = (size_t)s->replicas;
    return !s->wanted || (int64_t)(task % replicas) < s->wanted[task / replicas];
}

int64_t qn_sweep_task_steps(const qn_sweep *s)
{
    int64_t one = s->sampling.thermalization + s->sampling.steps;
    return s->chain.kind == QN_CONTINUATION ? one * (int64_t)qn_sweep_rungs(s) : one;
}

int qn_sweep_point(const qn_sweep *s, size_t point, qn_params *out)
{
    out->schema = &s->schema;
    out->v = calloc(s->schema.n ? s->schema.n : 1, sizeof *out->v);
    if (!out->v)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = 0;
    for (size_t i = 0; i < s->schema.n && !err; i++) {
        const qn_value *v = &s->fixed.v[i];
        for (size_t a = 0; a < s->n_axes; a++)
            if (s->axis[a].param == i)
                v = &s->axis[a].value[qn_sweep_axis_index(s, point, a)];
        err = qn_value_copy(v, &out->v[i]);
    }
    if (err)
        qn_params_free(out);
    return err;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Text of a value in keys; a path by its file's content.  Allocated. */
static char *key_text(const qn_sweep *s, const qn_param *d, const qn_value *v)
{
    char *text = qn_value_text(d, v), hex[33];
    for (size_t k = 0; text && d->type == QN_PATH && k < s->n_inputs; k++)
        if (!strcmp(s->input[k].path, text)) {
            qn_hash_hex(s->input[k].hash, hex);
            free(text);
            return qn_format("file:%s", hex);
        }
    return text;
}

int qn_sweep_hash_chain(qn_sweep *s)
{
    if (s->chain.kind == QN_NO_CHAIN)
        return 0;
    const qn_axis *a = &s->axis[s->chain.axis];
    qn_buffer b = {0};
    for (size_t i = 0; i < a->n; i++) {
        char *one = key_text(s, &s->schema.item[a->param], &a->value[i]);
        if (one)
            qn_buffer_add(&b, "%s\n", one);
        b.failed |= !one;
        free(one);
    }
    if (!b.failed)
        s->chain.values = qn_hash_bytes(b.text, b.n);
    int err = b.failed ? qn_fail(QN_ERR_NOMEM, "out of memory") : 0;
    qn_buffer_free(&b);
    return err;
}

static char *chain_text(const qn_sweep *s)
{
    char hex[33];
    qn_hash_hex(s->chain.values, hex);
    return qn_format("chain:%s", hex);
}

/* Canonical text of the parameters with `flags` (0: all) that are away from their default, sorted by name. */
static int canonical(const qn_sweep *s, const qn_params *p, unsigned flags, bool with_defaults, qn_buffer *out)
{
    char **line = calloc(s->schema.n + 1, sizeof *line);
    size_t n = 0;
    int err = line ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < s->schema.n && !err; i++) {
        const qn_param *d = &s->schema.item[i];
        if (!p->v[i].set || (flags && !(d->flags & flags)))
            continue;
        bool is_chained = s->chain.kind != QN_NO_CHAIN && s->axis[s->chain.axis].param == i, is_default = false;
        char *text = is_chained ? chain_text(s) : qn_value_text(d, &p->v[i]);
        if (text && d->def && !with_defaults && !is_chained) {
            qn_value v;
            if (!qn_value_parse(d, d->def, &v)) {
                char *def = qn_value_text(d, &v);
                is_default = def && !strcmp(def, text);
                free(def);
                qn_value_free(&v);
            }
        }
        if (text && d->type == QN_PATH && !is_chained) {
            free(text);
            text = key_text(s, d, &p->v[i]);
        }
        if (text && !is_default)
            line[n++] = qn_format("%s=%s\n", d->name, text);
        if (!text || (n && !line[n - 1]))
            err = qn_fail(QN_ERR_NOMEM, "out of memory");
        free(text);
    }
    if (!err)
        qsort(line, n, sizeof *line, by_name);
    for (size_t i = 0; i < n; i++) {
        if (!err)
            qn_buffer_add(out, "%s", line[i]);
        free(line[i]);
    }
    free(line);
    return err ? err : out->failed ? qn_fail(QN_ERR_NOMEM, "out of memory") : 0;
}

int qn_sweep_point_keys(const qn_sweep *s, const qn_params *p, qn_point_keys *out)
{
    qn_buffer b = {0};
    qn_buffer_add(&b, "%s/%u\n", s->model->name, s->model->stream_version);
    size_t head = b.n;
    int err = canonical(s, p, QN_DISORDER, false, &b);
    if (!err) {
        out->disorder = qn_hash_bytes(b.text, b.n);
        b.n = head;
        err = canonical(s, p, 0, false, &b);
    }
    if (!err && s->chain.kind != QN_NO_CHAIN)
        qn_buffer_add(&b, "%s/%lld\n", s->chain.kind == QN_TEMPERING ? "tempering" : "continuation", (long long)s->chain.interval);
    if (!err)
        out->chain = qn_hash_bytes(b.text, b.n);
    if (!err && s->chain.kind != QN_NO_CHAIN) {
        size_t k = s->axis[s->chain.axis].param;
        char *text = key_text(s, &s->schema.item[k], &p->v[k]);
        if (text)
            qn_buffer_add(&b, "at %s\n", text);
        err = text && !b.failed ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
        free(text);
    }
    if (!err)
        out->stream = qn_hash_bytes(b.text, b.n);
    qn_buffer_free(&b);
    return err;
}

/* All machines that run this are little-endian (x86-64), so the words are hashed as they lie. */
qn_task_keys qn_sweep_task_keys(const qn_sweep *s, const qn_point_keys *k, int64_t replica)
{
    const qn_sampling *g = &s->sampling;
    int64_t word[9] = {(int64_t)k->chain.w[0], (int64_t)k->chain.w[1], (int64_t)s->seed, replica, g->thermalization, g->interval,
                       g->points_per_decade, g->steps, g->bins};
    qn_task_keys out = {.chain = qn_hash_bytes(word, 7 * sizeof *word)};
    word[0] = (int64_t)k->stream.w[0];
    word[1] = (int64_t)k->stream.w[1];
    out.task = qn_hash_bytes(word, 9 * sizeof *word);
    for (size_t i = 0; i < g->n_artifacts; i++) { /* in any order */
        qn_hash name = qn_hash_bytes(g->artifact[i], strlen(g->artifact[i]));
        out.task.w[0] ^= name.w[0];
        out.task.w[1] ^= name.w[1];
    }
    return out;
}

int qn_sweep_data_key(const qn_sweep *s, const qn_params *p, qn_hash *out)
{
    qn_buffer b = {0};
    qn_buffer_add(&b, "%s\n", s->model->name);
    int err = canonical(s, p, QN_DATA, true, &b);
    if (!err)
        *out = qn_hash_bytes(b.text, b.n);
    qn_buffer_free(&b);
    return err;
}

int qn_sampling_grid(const qn_sampling *g, size_t *n, int64_t **steps)
{
    size_t most = g->points_per_decade ? (size_t)((double)g->points_per_decade * (log10((double)g->steps) + 1)) + 3
                                       : (size_t)(g->steps / g->interval) + 2;
    int64_t *at = malloc(most * sizeof *at);
    if (!at)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    size_t k = 0;
    if (g->points_per_decade) { /* logarithmic, whole steps, each once, the last step always */
        for (int64_t i = 0;; i++) {
            int64_t t = (int64_t)nearbyint(pow(10, (double)i / (double)g->points_per_decade));
            if (t >= g->steps)
                break;
            if (!k || at[k - 1] != t + g->thermalization)
                at[k++] = t + g->thermalization;
        }
        at[k++] = g->steps + g->thermalization;
    } else { /* every `interval` steps; a remainder of steps is not measured */
        for (int64_t t = g->interval; t <= g->steps; t += g->interval)
            at[k++] = g->thermalization + t;
    }
    *n = k;
    *steps = at;
    return 0;
}
