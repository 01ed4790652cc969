/* verify.c -- see verify.h. */
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "running.h"

static void finding(qn_verdict_report *r, const char *text)
{
    if (!*r->first)
        snprintf(r->first, sizeof r->first, "%s", text);
}

/* Every variable of the root, rebuilt from the samples, against what the file has. */
static int check_summaries(const qn_plan *p, qn_verdict_report *r)
{
    qn_dataset *fresh;
    size_t missing;
    int err = qn_result_build(p, NULL, &fresh, &missing);
    if (err)
        return err;
    const qn_dataset *have = p->source[0].data;
    for (size_t i = 0; i < fresh->n_vars; i++) {
        const qn_var *want = fresh->vars[i], *got = qn_dataset_find(have, want->name);
        char text[256];
        bool same = got && got->type == want->type && got->size == want->size;
        size_t width = want->type == QN_I8 ? 1 : 8;
        if (same && want->type == QN_STR)
            for (size_t k = 0; k < want->size && same; k++)
                same = !strcmp(want->str[k] ? want->str[k] : "", got->str[k] ? got->str[k] : "");
        else if (same && want->size)
            same = !memcmp(want->data, got->data, want->size * width);
        r->summaries++;
        if (!same) {
            r->changed++;
            snprintf(text, sizeof text, "%s is not what the samples give", want->name);
            finding(r, text);
        }
    }
    qn_dataset_free(fresh);
    return 0;
}

/* The rows of a whole result lie in the order of points and replicas, each under its own keys. */
static int check_keys(const qn_plan *p, const char *output, qn_verdict_report *r)
{
    const qn_source *s = &p->source[0];
    size_t missing = 0;
    for (size_t t = 0; t < p->n_rows && t < s->rows; t++) {
        const qn_task_keys *want = &p->row[t].keys;
        char text[256];
        if (!s->key[2 * t] && !s->key[2 * t + 1] && !s->chain[2 * t] && !s->chain[2 * t + 1]) {
            size_t replicas = (size_t)p->sweep->replicas;
            missing += qn_sweep_wants(p->sweep, qn_sweep_chain_of(p->sweep, t / replicas) * replicas + t % replicas);
        } else if (memcmp(&s->key[2 * t], &want->task, sizeof want->task) || memcmp(&s->chain[2 * t], &want->chain, sizeof want->chain)) {
            r->altered++;
            snprintf(text, sizeof text, "the key of point %zu, replica %zu is not the one that its parameters give", t / (size_t)p->sweep->replicas, t % (size_t)p->sweep->replicas);
            finding(r, text);
        }
    }
    if (!r->altered && (missing || s->rows != p->n_rows))
        return qn_fail(QN_ERR_INPUT, "%s is not finished: %zu of its %zu tasks are missing", output, p->wanted - p->done, p->wanted);
    return 0;
}

static int check_rows(const qn_plan *p, double *row, qn_verdict_report *r)
{
    for (size_t t = 0; t < p->n_rows; t++) {
        qn_row_head head;
        if (p->row[t].source != 0)
            continue;
        int err = qn_source_row(&p->source[0], p->row[t].row, p->layout, &head, row);
        if (err && err != QN_ERR_DATA)
            return err;
        r->rows++;
        if (err) {
            r->altered++;
            finding(r, qn_error_text());
        }
    }
    return 0;
}

/* again: [rungs][layout->row], heads: [rungs]. */
static int rerun(const qn_plan *p, size_t task, double *row, double *again, qn_row_head *heads, qn_verdict_report *r)
{
    size_t rungs = qn_sweep_rungs(p->sweep), width = p->layout->row, replicas = (size_t)p->sweep->replicas;
    int err = qn_task_run(p, task, again, heads);
    bool differs = false;
    for (size_t i = 0; i < rungs && !err; i++) {
        const qn_place *at = &p->row[qn_plan_row(p, task, i)];
        qn_row_head old;
        char text[256];
        err = qn_source_row(&p->source[0], at->row, p->layout, &old, row);
        if (err == QN_ERR_DATA) { /* counted as altered */
            err = 0;
            continue;
        }
        if (err || (old.digest == heads[i].digest && !memcmp(row, again + i * width, width * sizeof *row)))
            continue;
        differs = true;
        snprintf(text, sizeof text, "point %zu, replica %zu gives other numbers when it is run again", qn_plan_row(p, task, i) / replicas, task % replicas);
        finding(r, text);
    }
    if (err)
        return err;
    r->rerun++;
    r->differ += differs;
    return 0;
}

int qn_verify(const qn_sweep *s, const char *output, size_t tasks, qn_verdict_report *out)
{
    memset(out, 0, sizeof *out);
    qn_layout l;
    qn_plan p;
    int err = qn_layout_init(&l, s);
    if (err)
        return err;
    err = qn_plan_init(&p, s, &l, output, NULL, 0, NULL, NULL);
    bool open = p.has_result && p.source[0].rows;
    if (err == QN_ERR_INPUT && open) { /* refused as another sweep's: its keys or steps are not those of the sweep that it holds */
        out->rows = p.source[0].rows;
        out->altered = 1;
        finding(out, qn_error_text());
        qn_plan_free(&p);
        qn_layout_free(&l);
        return 0;
    }
    if (!err && !open)
        err = qn_fail(QN_ERR_INPUT, "%s is not a finished result", output);
    if (!err)
        err = check_keys(&p, output, out);
    size_t rungs = qn_sweep_rungs(s);
    double *row = malloc((l.row + 1) * sizeof *row), *again = malloc((rungs * l.row + 1) * sizeof *again);
    qn_row_head *heads = malloc(rungs * sizeof *heads);
    if (!err && (!row || !again || !heads))
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err)
        err = check_rows(&p, row, out);
    if (!err && !out->altered)
        err = check_summaries(&p, out);
    size_t n = tasks && tasks < p.n_tasks ? tasks : p.n_tasks;
    for (size_t i = 0; i < n && !err; i++)
        if (p.task[i * p.n_tasks / n].done && qn_sweep_wants(s, i * p.n_tasks / n))
            err = rerun(&p, i * p.n_tasks / n, row, again, heads, out);
    free(heads);
    free(row);
    free(again);
    qn_plan_free(&p);
    qn_layout_free(&l);
    return err;
}
