/* check.c -- `quench check`: what a sweep file asks for, without running or writing anything. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "schedule.h"
#include "text.h"

static void print_axes(const qn_sweep *s)
{
    for (size_t a = 0; a < s->n_axes; a++) {
        const qn_axis *x = &s->axis[a];
        const qn_param *p = &s->schema.item[x->param];
        char *from = qn_value_text(p, &x->value[0]), *to = qn_value_text(p, &x->value[x->n - 1]);
        printf("  %-16s %zu value%s, %s%s%s%s\n", p->name, x->n, x->n > 1 ? "s" : "", from ? from : "?", x->n > 1 ? " to " : "", x->n > 1 && to ? to : "",
               x->log ? ", log" : "");
        free(from);
        free(to);
    }
}

static void print_chain(const qn_sweep *s)
{
    const char *name = s->chain.kind == QN_NO_CHAIN ? "" : s->schema.item[s->axis[s->chain.axis].param].name;
    if (s->chain.kind == QN_TEMPERING)
        printf("tempering        all %zu values of %s are one task, exchanges every %lld steps\n", qn_sweep_rungs(s), name, (long long)s->chain.interval);
    else if (s->chain.kind == QN_CONTINUATION)
        printf("continuation     all %zu values of %s are one task, each begins where the one before ended\n", qn_sweep_rungs(s), name);
}

int cli_sweep_memory(const qn_sweep *s, double *task, double *shared)
{
    *task = *shared = 0;
    for (size_t k = 0; s->model->cost && k < s->n_points; k++) {
        qn_params p;
        qn_cost c = {0};
        int err = qn_sweep_point(s, k, &p);
        if (err)
            return err;
        s->model->cost(&p, &c);
        qn_params_free(&p);
        *task = fmax(*task, c.task_bytes);
        *shared = fmax(*shared, c.shared_bytes);
    }
    return 0;
}

/* What comes after the first round: at most. */
static void print_adaptive(const qn_sweep *s)
{
    const qn_adapt *a = &s->adapt;
    for (size_t i = 0; i < a->n_targets; i++)
        printf("target           %s to %g, with up to %lld replicas of a point\n", a->target[i].name, a->target[i].error, (long long)a->most);
    if (a->observable)
        printf("refine           where %s = %g, along %s to %g, in up to %lld rounds of one point a line\n", a->observable, a->level,
               s->schema.item[s->axis[a->axis].param].name, a->tolerance, (long long)a->rounds);
    if (a->n_targets || a->observable)
        printf("                 (numbers here are those of the first round)\n");
}

static int report(const qn_sweep *s, const char *output, int64_t threads)
{
    qn_layout l;
    qn_plan p;
    int err = qn_layout_init(&l, s);
    if (err)
        return cli_fail(err);
    err = qn_plan_init(&p, s, &l, output, NULL, 0, NULL, NULL);
    double task, shared, seconds = 0;
    if (!err)
        err = cli_sweep_memory(s, &task, &shared);
    if (err) {
        qn_plan_free(&p);
        qn_layout_free(&l);
        return cli_fail(err);
    }
    bool measured;
    double in_hand = s->chain.kind == QN_TEMPERING ? (double)qn_sweep_rungs(s) : 1;
    seconds = qn_plan_seconds(&p, &measured);
    char a[32], b[32];
    printf("%s: model %s, seed %llu\n", s->file, s->model->name, (unsigned long long)s->seed);
    print_axes(s);
    printf("points           %zu\nreplicas         %lld\ntasks            %zu, of which %zu are done\n", s->n_points, (long long)s->replicas, p.wanted, p.done);
    print_chain(s);
    print_adaptive(s);
    printf("steps a %-8s %lld + %lld, %zu measurements\n", s->chain.kind == QN_NO_CHAIN ? "task" : "point", (long long)s->sampling.thermalization, (long long)s->sampling.steps, l.n_grid);
    if (s->model->cost)
        printf("memory           about %s a thread%s%s\n", qn_human_bytes(in_hand * (task + 8.0 * (double)l.row + 8.0 * (double)(l.n_grid * l.n_obs)), a), shared > 0 ? ", shared " : "",
               shared > 0 ? qn_human_bytes(shared, b) : "");
    printf("result           %s, at most %s\n", output, qn_human_bytes(8.0 * (double)(p.n_rows * (l.row + 7)), a));
    if (isfinite(seconds))
        printf("time             about %s on one thread, %s on %lld (%s)\n", qn_human_seconds(seconds, a), qn_human_seconds(seconds / (double)threads, b),
               (long long)threads, measured ? "from the tasks in progress" : "from the model's estimate of a step: an order of magnitude");
    qn_plan_free(&p);
    qn_layout_free(&l);
    return CLI_DONE;
}

int cli_check(int argc, char **argv)
{
    const char *output = NULL;
    cli_texts sets = {0}, plugins = {0};
    int64_t threads = sysconf(_SC_NPROCESSORS_ONLN);
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &output, "OUT.h5", "the result file (default: the sweep file's `output`)"},
        {"threads", 'j', CLI_COUNT, &threads, "N", "threads, for the time (default: all cores)"},
        {"set", 0, CLI_TEXTS, &sets, "NAME=VALUE", "replace a value of the sweep file; a list or range makes an axis"},
        {"plugin", 0, CLI_TEXTS, &plugins, "FILE.so", "load a model"},
        {0},
    };
    int n = cli_parse("check", "SWEEP.yaml [options]", "Reads everything, counts points and tasks, estimates memory, disk and time.  Writes nothing.", options, argc, argv, 1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&plugins);
    qn_sweep s;
    if (n >= 0 && !status && !(status = cli_sweep_load(argv[0], &sets, &s))) {
        status = report(&s, output ? output : s.output, threads);
        qn_sweep_free(&s);
    }
    cli_texts_free(&sets);
    cli_texts_free(&plugins);
    return status;
}
