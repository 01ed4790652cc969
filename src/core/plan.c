/* plan.c -- see plan.h. */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct place {
    qn_hash key;
    size_t task;
} place;

static int by_key(const void *a, const void *b)
{
    const place *x = a, *y = b;
    for (int w = 0; w < 2; w++)
        if (x->key.w[w] != y->key.w[w])
            return x->key.w[w] < y->key.w[w] ? -1 : 1;
    return 0;
}

/* Tasks sorted by task key (chain = false) or chain key. */
static place *sorted_places(const qn_plan *p, bool chain)
{
    place *at = malloc((p->n_tasks ? p->n_tasks : 1) * sizeof *at);
    for (size_t t = 0; at && t < p->n_tasks; t++)
        at[t] = (place){chain ? p->task[t].keys.chain : p->task[t].keys.task, t};
    if (at)
        qsort(at, p->n_tasks, sizeof *at, by_key);
    return at;
}

static qn_task *find(const qn_plan *p, const place *at, qn_hash key)
{
    place want = {key, 0}, *hit = bsearch(&want, at, p->n_tasks, sizeof *at, by_key);
    return hit ? &p->task[hit->task] : NULL;
}

/* Work that this sweep would drop: rows of chains it does not have, or of more steps than it asks. */
static int refuse_foreign(const qn_plan *p, const qn_source *s, const place *chains, const char *output)
{
    size_t foreign = 0, longer = 0;
    int64_t total = p->sweep->sampling.thermalization + p->sweep->sampling.steps;
    const qn_var *steps = qn_dataset_find(s->samples, "steps");
    for (size_t r = 0; r < s->rows; r++) {
        qn_hash chain = {{(uint64_t)s->chain[2 * r], (uint64_t)s->chain[2 * r + 1]}};
        if (!chain.w[0] && !chain.w[1]) /* a task that was missing when the file was merged */
            continue;
        if (!find(p, chains, chain))
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

static void look_up(qn_plan *p, size_t source, const place *tasks, const place *chains)
{
    const qn_source *s = &p->source[source];
    for (size_t r = 0; r < s->rows; r++) {
        qn_task *t = find(p, tasks, (qn_hash){{(uint64_t)s->key[2 * r], (uint64_t)s->key[2 * r + 1]}});
        if (t && t->source == QN_NOWHERE) {
            t->source = (uint32_t)source;
            t->row = r;
            p->done++;
        }
    }
    int64_t total = p->sweep->sampling.thermalization + p->sweep->sampling.steps;
    for (size_t i = 0; i < s->n_checkpoints; i++) {
        qn_checkpoint_head h;
        qn_task *t = qn_source_checkpoint_head(s, i, &h) ? NULL : find(p, chains, h.chain);
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

static int index_tasks(qn_plan *p)
{
    int64_t replicas = p->sweep->replicas;
    p->n_tasks = p->sweep->n_points * (size_t)replicas;
    p->task = malloc((p->n_tasks ? p->n_tasks : 1) * sizeof *p->task);
    p->point = malloc((p->sweep->n_points ? p->sweep->n_points : 1) * sizeof *p->point);
    if (!p->task || !p->point)
        return qn_fail(QN_ERR_NOMEM, "out of memory for %zu tasks", p->n_tasks);
    for (size_t k = 0; k < p->sweep->n_points; k++) {
        qn_params params;
        int err = qn_sweep_point(p->sweep, k, &params);
        if (err)
            return err;
        err = qn_sweep_point_keys(p->sweep, &params, &p->point[k]);
        qn_params_free(&params);
        if (err)
            return err;
        for (int64_t r = 0; r < replicas; r++)
            p->task[k * (size_t)replicas + (size_t)r] =
                (qn_task){.keys = qn_sweep_task_keys(p->sweep, &p->point[k], r), .source = QN_NOWHERE, .checkpoint = QN_NOWHERE};
    }
    return 0;
}

static int look_everywhere(qn_plan *p, const char *output, size_t foreign_from, size_t foreign_to)
{
    place *tasks = sorted_places(p, false), *chains = sorted_places(p, true);
    int err = tasks && chains ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = foreign_from; i < foreign_to && !err; i++)
        err = refuse_foreign(p, &p->source[i], chains, output);
    p->done = 0;
    for (size_t t = 0; t < p->n_tasks; t++)
        p->task[t].source = p->task[t].checkpoint = QN_NOWHERE;
    for (size_t i = 0; i < p->n_sources && !err; i++)
        look_up(p, i, tasks, chains);
    size_t in_result = 0;
    for (size_t t = 0; t < p->n_tasks; t++)
        in_result += p->has_result && p->task[t].source == 0;
    p->result_whole = p->has_result && in_result == p->n_tasks && p->source[0].rows == p->n_tasks;
    free(tasks);
    free(chains);
    return err;
}

int qn_plan_init(qn_plan *p, const qn_sweep *s, const qn_layout *l, const char *output, const char *const *reuse, size_t n_reuse, qn_say say, void *ctx)
{
    memset(p, 0, sizeof *p);
    p->sweep = s;
    p->layout = l;
    int err = index_tasks(p);
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
    free(p->task);
    free(p->point);
    memset(p, 0, sizeof *p);
}
