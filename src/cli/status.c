/* status.c -- `quench status`: what of a run is done, running and missing, and how long it may take.  Changes nothing, also while the
 * run goes on. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "schedule.h"
#include "text.h"

/* Processes that write parts: "<host>-<pid>-<serial>.h5"; those of this host that are alive are running. */
static void print_writers(const char *output)
{
    char *folder = qn_parts_folder(output), host[64] = "";
    DIR *d = folder ? opendir(folder) : NULL;
    struct dirent *e;
    long seen[256];
    size_t n = 0, files = 0;
    time_t last = 0;
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c == '/' || *c == '.')
            *c = '_';
    while (d && (e = readdir(d))) {
        size_t len = strlen(e->d_name), h = strlen(host);
        char *path = qn_format("%s/%s", folder, e->d_name);
        struct stat info;
        if (path && len > 3 && !strcmp(e->d_name + len - 3, ".h5") && !stat(path, &info)) {
            files++;
            last = info.st_mtime > last ? info.st_mtime : last;
            long pid = !strncmp(e->d_name, host, h) && e->d_name[h] == '-' ? strtol(e->d_name + h + 1, NULL, 10) : 0;
            bool known = false;
            for (size_t i = 0; i < n; i++)
                known |= seen[i] == pid;
            if (pid > 0 && !known && n < 256 && (!kill((pid_t)pid, 0) || errno == EPERM))
                seen[n++] = pid;
        }
        free(path);
    }
    if (d)
        closedir(d);
    free(folder);
    if (!files)
        return;
    char ago[32];
    printf("parts            %zu, the latest written %s ago\n", files, qn_human_seconds(difftime(time(NULL), last), ago));
    for (size_t i = 0; i < n; i++)
        printf("running          process %ld on this host\n", seen[i]);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Error bars and verdict of a merged file. */
static void print_quality(const char *output)
{
    static const char *const skip[] = {"samples", "checkpoints", "environment", NULL};
    qn_dataset *d;
    if (access(output, F_OK) || qn_dataset_read(output, skip, &d))
        return;
    printf("%-20s %10s %12s %12s %s\n", "observable", "points", "median err", "largest err", "not equilibrated");
    for (size_t i = 0; i < d->n_vars; i++) {
        const qn_var *v = d->vars[i];
        const char *kind = qn_attr_text(d, v, "kind");
        char name[128];
        if (!kind || !strcmp(kind, "coordinate") || v->type != QN_F64)
            continue;
        snprintf(name, sizeof name, "%s_err", v->name);
        const qn_var *err = qn_dataset_find(d, name);
        snprintf(name, sizeof name, "%s_eq", v->name);
        const qn_var *eq = qn_dataset_find(d, name);
        double *x = malloc((v->size + 1) * sizeof *x);
        size_t n = 0, there = 0, bad = 0;
        for (size_t k = 0; x && k < v->size; k++) {
            there += isnan(v->f64[k]) ? 0 : 1;
            if (err && err->type == QN_F64 && err->size == v->size && isfinite(err->f64[k]))
                x[n++] = err->f64[k];
            bad += eq && eq->type == QN_I8 && eq->size == v->size && !isnan(v->f64[k]) && !eq->i8[k];
        }
        if (n)
            qsort(x, n, sizeof *x, ascending);
        if (there && n)
            printf("%-20s %10zu %12.3g %12.3g ", v->name, there, x[n / 2], x[n - 1]);
        else if (there)
            printf("%-20s %10zu %12s %12s ", v->name, there, "-", "-");
        if (there && eq)
            printf("%zu\n", bad);
        else if (there)
            printf("-\n");
        free(x);
    }
    qn_dataset_free(d);
}

#define MOST_IN_PROGRESS 12

/* One line a task with a checkpoint: where it is, what its model says, when it may end. */
static void print_task(const qn_plan *p, size_t t)
{
    const qn_sweep *s = p->sweep;
    const qn_task *at = &p->task[t];
    int64_t total = qn_sweep_task_steps(s);
    size_t point = qn_sweep_chain_point(s, t / (size_t)s->replicas, 0);
    qn_checkpoint_head h;
    char left[32];
    if (qn_source_checkpoint_head(&p->source[at->checkpoint], at->checkpoint_index, &h))
        return;
    printf("in progress      ");
    for (size_t a = 0; a < s->n_axes; a++) {
        const qn_axis *x = &s->axis[a];
        if (s->chain.kind != QN_NO_CHAIN && s->chain.axis == a)
            continue;
        char *value = qn_value_text(&s->schema.item[x->param], &x->value[qn_sweep_axis_index(s, point, a)]);
        printf("%s = %s, ", s->schema.item[x->param].name, value ? value : "?");
        free(value);
    }
    printf("replica %zu: step %lld of %lld", t % (size_t)s->replicas, (long long)h.step, (long long)total);
    if (*h.text)
        printf("; %s", h.text);
    if (h.rate > 0)
        printf("; %s%s left", s->model->done ? "at most " : "", qn_human_seconds((double)(total - h.step) / h.rate, left));
    printf("\n");
}

static void print_in_progress(const qn_plan *p, size_t begun)
{
    size_t told = 0;
    for (size_t t = 0; t < p->n_tasks && told < MOST_IN_PROGRESS; t++) {
        if (p->task[t].done || p->task[t].checkpoint == QN_NOWHERE)
            continue;
        print_task(p, t);
        told++;
    }
    if (begun > told)
        printf("                 and %zu more\n", begun - told);
}

static int status_of(const qn_sweep *s, const char *output)
{
    qn_layout l;
    qn_plan p;
    int err = qn_layout_init(&l, s);
    if (err)
        return cli_fail(err);
    err = qn_plan_init(&p, s, &l, output, NULL, 0, NULL, NULL);
    if (err) {
        qn_plan_free(&p);
        qn_layout_free(&l);
        return cli_fail(err);
    }
    size_t in_parts = 0, begun = 0;
    for (size_t t = 0; t < p.n_tasks; t++) {
        in_parts += p.task[t].done && qn_sweep_wants(s, t) && p.source[p.row[qn_plan_row(&p, t, 0)].source].is_part;
        begun += !p.task[t].done && p.task[t].checkpoint != QN_NOWHERE;
    }
    char left[32];
    printf("%s: model %s, %zu points, %lld replicas\n", output, s->model->name, s->n_points, (long long)s->replicas);
    printf("done             %zu of %zu tasks (%zu in the result, %zu in parts)\n", p.done, p.wanted, p.done - in_parts, in_parts);
    if (p.done < p.wanted) {
        bool measured;
        double seconds = qn_plan_seconds(&p, &measured);
        printf("begun            %zu, with a checkpoint\nmissing          %zu\n", begun, p.wanted - p.done - begun);
        print_in_progress(&p, begun);
        if (isfinite(seconds))
            printf("time left        about %s on one thread (%s)\n", qn_human_seconds(seconds, left),
                   measured ? "from the tasks in progress" : "from the model's estimate of a step");
    }
    print_writers(output);
    print_quality(output);
    qn_plan_free(&p);
    qn_layout_free(&l);
    return CLI_DONE;
}

int cli_status(int argc, char **argv)
{
    cli_texts plugins = {0};
    const cli_option options[] = {{"plugin", 0, CLI_TEXTS, &plugins, "FILE.so", "load a model"}, {0}};
    int n = cli_parse("status", "OUT.h5 [options]", "What is done, running and missing, and the error bars of what is merged.  Changes nothing.", options, argc, argv, 1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&plugins);
    qn_sweep s;
    if (n >= 0 && !status && !(status = cli_sweep_of_result(argv[0], &s))) {
        status = status_of(&s, argv[0]);
        qn_sweep_free(&s);
    }
    cli_texts_free(&plugins);
    return status;
}
