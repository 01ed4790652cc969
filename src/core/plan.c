/* plan.c -- see plan.h. */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct entry {
    qn_hash key;
    size_t at;
} entry;

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    for (int w = 0; w < 2; w++)
        if (x->key.w[w] != y->key.w[w])
            return x->key.w[w] < y->key.w[w] ? -1 : 1;
    return 0;
}

typedef struct sorted {
    entry *item;
    size_t n;
} sorted;

static bool sorted_make(sorted *x, size_t n)
{
    *x = (sorted){malloc((n ? n : 1) * sizeof *x->item), n};
    return x->item;
}

/* The place of a key, SIZE_MAX when it is not there. */
static size_t find(const sorted *x, qn_hash key)
{
    entry want = {key, 0}, *hit = bsearch(&want, x->item, x->n, sizeof *x->item, by_key);
    return hit ? hit->at : SIZE_MAX;
}

typedef struct indices {
    sorted rows, chains, checkpoints; /* rows by task key; tasks by chain key, and by the key of their checkpoints */
} indices;

static void indices_free(indices *x)
{
    free(x->rows.item);
    free(x->chains.item);
    free(x->checkpoints.item);
}

static int indices_make(const qn_plan *p, indices *x)
{
    memset(x, 0, sizeof *x);
    if (!sorted_make(&x->rows, p->n_rows) || !sorted_make(&x->chains, p->n_tasks) || !sorted_make(&x->checkpoints, p->n_tasks))
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t r = 0; r < p->n_rows; r++)
        x->rows.item[r] = (entry){p->row[r].keys.task, r};
    for (size_t t = 0; t < p->n_tasks; t++) {
        x->chains.item[t] = (entry){p->row[qn_plan_row(p, t, 0)].keys.chain, t};
        x->checkpoints.item[t] = (entry){p->task[t].key, t};
    }
    qsort(x->rows.item, x->rows.n, sizeof *x->rows.item, by_key);
    qsort(x->chains.item, x->chains.n, sizeof *x->chains.item, by_key);
    qsort(x->checkpoints.item, x->checkpoints.n, sizeof *x->checkpoints.item, by_key);
    return 0;
}

size_t qn_plan_row(const qn_plan *p, size_t task, size_t i)
{
    size_t replicas = (size_t)p->sweep->replicas;
    return qn_sweep_chain_point(p->sweep, task / replicas, i) * replicas + task % replicas;
}

/* Work that this sweep would drop: rows of chains it does not have, or of more steps than it asks. */
static int refuse_foreign(const qn_plan *p, const qn_source *s, const sorted *chains, const char *output)
{
    size_t foreign = 0, longer = 0;
    int64_t total = p->sweep->sampling.thermalization + p->sweep->sampling.steps;
    const qn_var *steps = qn_dataset_find(s->samples, "steps");
    for (size_t r = 0; r < s->rows; r++) {
        qn_hash chain = {{(uint64_t)s->chain[2 * r], (uint64_t)s->chain[2 * r + 1]}};
        if (!chain.w[0] && !chain.w[1]) /* a task that was missing when the file was merged */
            continue;
        if (find(chains, chain) == SIZE_MAX)
            foreign++;
        else if (steps && steps->type == QN_I64 && steps->i64[r] > total)
            longer++;
    }
    if (longer)
        return qn_fail(QN_ERR_INPUT, "%s has %zu tasks with more steps than the sweep asks; going on would lose them: raise steps or choose another output with -o",
                       s->path, longer);
    if (!foreign)
        return 0;
    const char *model = qn_attr_text(s->data, NULL, "model");
    const qn_attr *seed = qn_attr_find(s->data, NULL, "seed");
    return qn_fail(QN_ERR_INPUT, "%s is the result of another sweep (model %s, seed %llu; %zu of its %zu tasks are not in this one) and would be lost; choose another output with -o, or move %s%s away",
                   s->path, model ? model : "?", seed && seed->type == QN_I64 ? (unsigned long long)seed->i64[0] : 0, foreign, s->rows, output,
                   s->is_part ? ".parts" : "");
}

/* Of equal ones that in a part: it was made for this sweep, in the file may be the end of a shorter one. */
static bool is_later(const qn_checkpoint_head *h, const qn_task *than, const qn_source *from)
{
    if (h->step != than->checkpoint_step)
        return h->step > than->checkpoint_step;
    return h->pieces > than->checkpoint_pieces || (h->pieces == than->checkpoint_pieces && from->is_part);
}

static void look_up(qn_plan *p, size_t source, const indices *x)
{
    const qn_source *s = &p->source[source];
    for (size_t r = 0; r < s->rows; r++) {
        size_t k = find(&x->rows, (qn_hash){{(uint64_t)s->key[2 * r], (uint64_t)s->key[2 * r + 1]}});
        if (k != SIZE_MAX && p->row[k].source == QN_NOWHERE) {
            p->row[k].source = (uint32_t)source;
            p->row[k].row = r;
        }
    }
    int64_t total = qn_sweep_task_steps(p->sweep);
    for (size_t i = 0; i < s->n_checkpoints; i++) {
        qn_checkpoint_head h;
        size_t k = qn_source_checkpoint_head(s, i, &h) ? SIZE_MAX : find(&x->checkpoints, h.chain);
        qn_task *t = k == SIZE_MAX ? NULL : &p->task[k];
        if (t && h.step <= total && (t->checkpoint == QN_NOWHERE || is_later(&h, t, s))) {
            t->checkpoint = (uint32_t)source;
            t->checkpoint_index = i;
            t->checkpoint_step = h.step;
            t->checkpoint_pieces = h.pieces;
        }
    }
}

static int add_sources(qn_plan *p, const qn_source *more, size_t n)
{
    qn_source *s = realloc(p->source, (p->n_sources + n + 1) * sizeof *s);
    if (!s)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    p->source = s;
    if (n)
        memcpy(s + p->n_sources, more, n * sizeof *s);
    p->n_sources += n;
    return 0;
}

static int list_rows(qn_plan *p)
{
    size_t replicas = (size_t)p->sweep->replicas;
    p->n_rows = p->sweep->n_points * replicas;
    p->row = malloc((p->n_rows ? p->n_rows : 1) * sizeof *p->row);
    p->point = malloc((p->sweep->n_points ? p->sweep->n_points : 1) * sizeof *p->point);
    if (!p->row || !p->point)
        return qn_fail(QN_ERR_NOMEM, "out of memory for %zu tasks", p->n_rows);
    for (size_t k = 0; k < p->sweep->n_points; k++) {
        qn_params params;
        int err = qn_sweep_point(p->sweep, k, &params);
        if (err)
            return err;
        err = qn_sweep_point_keys(p->sweep, &params, &p->point[k]);
        qn_params_free(&params);
        if (err)
            return err;
        for (size_t r = 0; r < replicas; r++)
            p->row[k * replicas + r] = (qn_place){.keys = qn_sweep_task_keys(p->sweep, &p->point[k], (int64_t)r), .source = QN_NOWHERE};
    }
    return 0;
}

/* The checkpoint of a continuation serves one number of steps only: at the next value it begins where they ended. */
static int list_tasks(qn_plan *p)
{
    p->n_tasks = p->n_rows / qn_sweep_rungs(p->sweep);
    p->task = malloc((p->n_tasks ? p->n_tasks : 1) * sizeof *p->task);
    if (!p->task)
        return qn_fail(QN_ERR_NOMEM, "out of memory for %zu tasks", p->n_tasks);
    for (size_t t = 0; t < p->n_tasks; t++) {
        qn_hash chain = p->row[qn_plan_row(p, t, 0)].keys.chain;
        uint64_t word[3] = {chain.w[0], chain.w[1], (uint64_t)p->sweep->sampling.steps};
        p->task[t] = (qn_task){.key = p->sweep->chain.kind == QN_CONTINUATION ? qn_hash_bytes(word, sizeof word) : chain, .checkpoint = QN_NOWHERE};
    }
    return 0;
}

static int look_everywhere(qn_plan *p, const char *output, size_t foreign_from, size_t foreign_to)
{
    indices x;
    int err = indices_make(p, &x);
    for (size_t i = foreign_from; i < foreign_to && !p->sweep->growing && !err; i++)
        err = refuse_foreign(p, &p->source[i], &x.chains, output);
    for (size_t r = 0; r < p->n_rows; r++)
        p->row[r].source = QN_NOWHERE;
    for (size_t t = 0; t < p->n_tasks; t++)
        p->task[t].checkpoint = QN_NOWHERE;
    for (size_t i = 0; i < p->n_sources && !err; i++)
        look_up(p, i, &x);
    indices_free(&x);
    size_t in_result = 0, beyond = 0, rungs = qn_sweep_rungs(p->sweep);
    p->done = p->wanted = 0;
    for (size_t t = 0; t < p->n_tasks; t++) {
        bool wanted = qn_sweep_wants(p->sweep, t), done = true;
        for (size_t i = 0; i < rungs; i++) {
            qn_place *row = &p->row[qn_plan_row(p, t, i)];
            if (p->has_result && row->source == 0)
                ++*(wanted ? &in_result : &beyond);
            if (!wanted) /* replicas beyond those that the answer needs do not count, though they may be there */
                row->source = QN_NOWHERE;
            done &= row->source != QN_NOWHERE;
        }
        p->task[t].done = done || !wanted;
        p->done += done;
        p->wanted += wanted;
    }
    p->result_whole = p->has_result && in_result == p->wanted * rungs && !beyond && p->source[0].rows == p->n_rows;
    return err;
}

int qn_plan_list(qn_plan *p, const qn_sweep *s, const qn_layout *l)
{
    memset(p, 0, sizeof *p);
    p->sweep = s;
    p->layout = l;
    int err = list_rows(p);
    return err ? err : list_tasks(p);
}

int qn_plan_init(qn_plan *p, const qn_sweep *s, const qn_layout *l, const char *output, const char *const *reuse, size_t n_reuse, qn_say say, void *ctx)
{
    int err = qn_plan_list(p, s, l);
    if (!err && !access(output, F_OK)) {
        qn_source result;
        err = qn_source_open(&result, output, false);
        if (err == QN_ERR_DATA || err == QN_ERR_IO) /* not ours: never overwrite it */
            err = qn_fail(QN_ERR_INPUT, "%s; it is left as it is: choose another output with -o, or move it away", qn_error_text());
        if (!err) {
            err = add_sources(p, &result, 1);
            p->has_result = true;
        }
    }
    qn_source *parts = NULL;
    size_t n_parts = 0;
    if (!err)
        err = qn_parts_open(output, &parts, &n_parts, say, ctx);
    if (!err)
        err = add_sources(p, parts, n_parts);
    free(parts);
    size_t own = p->n_sources;
    for (size_t i = 0; i < n_reuse && !err; i++) {
        qn_source from;
        err = qn_source_open(&from, reuse[i], false);
        if (err)
            return qn_fail(QN_ERR_INPUT, "--reuse %s: %s", reuse[i], qn_error_text());
        err = add_sources(p, &from, 1);
    }
    return err ? err : look_everywhere(p, output, 0, own);
}

int qn_plan_refresh(qn_plan *p, const char *output, qn_say say, void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n_sources; i++) {
        if (p->source[i].is_part)
            qn_source_close(&p->source[i]);
        else
            p->source[kept++] = p->source[i];
    }
    p->n_sources = kept;
    qn_source *parts = NULL;
    size_t n_parts = 0;
    int err = qn_parts_open(output, &parts, &n_parts, say, ctx);
    if (!err)
        err = add_sources(p, parts, n_parts);
    free(parts);
    return err ? err : look_everywhere(p, output, 0, 0);
}

void qn_plan_free(qn_plan *p)
{
    for (size_t i = 0; i < p->n_sources; i++)
        qn_source_close(&p->source[i]);
    free(p->source);
    free(p->row);
    free(p->task);
    free(p->point);
    memset(p, 0, sizeof *p);
}
