/* run.c -- `quench run`: runs a sweep, or goes on with it, and merges it when it is whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "merge.h"
#include "ranks.h"
#include "schedule.h"
#include "text.h"

/* "2/3" */
static bool parse_part(const char *text, int64_t *part, int64_t *parts)
{
    char left[32];
    size_t n = strcspn(text, "/");
    if (!text[n] || n >= sizeof left)
        return false;
    snprintf(left, sizeof left, "%.*s", (int)n, text);
    return !qn_parse_int(left, part) && !qn_parse_int(text + n + 1, parts) && *part >= 1 && *part <= *parts;
}

/* The batch system's own end, less a minute for the last flush. */
#define END_MARGIN_S 60
static double seconds_to_job_end(void)
{
    int64_t end;
    const char *text = getenv("SLURM_JOB_END_TIME");
    if (!text || qn_parse_int(text, &end))
        return 0;
    double left = difftime((time_t)end, time(NULL)) - END_MARGIN_S;
    return left > 1 ? left : 1;
}

#define FEW_MEASUREMENTS 100 /* below, even a series without memory is hardly ever long enough for a verdict */

/* The series of which most points are not equilibrated. */
typedef struct verdict {
    char name[96];
    size_t bad, of;
} verdict;

static bool find_worst(const qn_dataset *d, verdict *out)
{
    *out = (verdict){0};
    for (size_t i = 0; i < d->n_vars; i++) {
        const qn_var *v = d->vars[i];
        size_t n = strlen(v->name);
        if (v->type != QN_I8 || n < 4 || strcmp(v->name + n - 3, "_eq"))
            continue;
        verdict one = {0};
        snprintf(one.name, sizeof one.name, "%.*s", (int)(n - 3), v->name);
        const qn_var *mean = qn_dataset_find(d, one.name);
        for (size_t k = 0; mean && mean->type == QN_F64 && k < v->size && mean->size == v->size; k++) {
            one.of += isnan(mean->f64[k]) ? 0 : 1;
            one.bad += !isnan(mean->f64[k]) && !v->i8[k];
        }
        if (one.bad > out->bad)
            *out = one;
    }
    return out->bad > 0;
}

/* How often a task measured, on average: fewer times than the sweep asks for where tasks end by themselves. */
static double measurements(const qn_sweep *s, const char *output)
{
    static const char *const skip[] = {"checkpoints", "environment", NULL};
    int64_t *steps;
    size_t n;
    double sum = 0;
    qn_dataset *d;
    if (qn_sampling_grid(&s->sampling, &n, &steps))
        return INFINITY;
    free(steps);
    if (!s->model->done || n < FEW_MEASUREMENTS || qn_dataset_read(output, skip, &d))
        return (double)n;
    const qn_dataset *samples = qn_dataset_find_group(d, "samples");
    const qn_var *v = samples ? qn_dataset_find(samples, "measurements") : NULL;
    for (size_t k = 0; v && k < v->size; k++)
        sum += qn_var_number(v, k);
    double mean = v && v->size ? sum / (double)v->size : (double)n;
    qn_dataset_free(d);
    return mean;
}

/* How many points of the series are not equilibrated, worst observable first: never hidden, never fatal.  Where hardly any is because tasks measure
 * a few times only (recall, descent), that is said instead. */
static void tell_verdict(const qn_sweep *s, const char *output)
{
    static const char *const skip[] = {"samples", "checkpoints", "environment", NULL};
    qn_dataset *d;
    verdict v;
    if (qn_dataset_read(output, skip, &d))
        return;
    bool any = find_worst(d, &v);
    qn_dataset_free(d);
    if (!any)
        return;
    double times = 2 * v.bad > v.of ? measurements(s, output) : INFINITY;
    if (times < FEW_MEASUREMENTS)
        cli_say("a task measured %.0f times on average: too few for a verdict on its series, which figures hatch; outcomes need none", ceil(times));
    else
        cli_say("%zu of %zu points are too short for their autocorrelation time, or still drift (in %s); figures hatch them", v.bad, v.of, v.name);
}

/* What the first process says about a run that is over. */
static void tell_run(const qn_sweep *s, const qn_run_options *o, const qn_run_report *r, int err)
{
    char took[32];
    if (err == QN_ERR_STOPPED || !err)
        cli_say("%zu of %zu tasks done (%zu before), %lld steps in %s%s%s", r->done_before + r->done_now, r->tasks, r->done_before, (long long)r->steps_now,
                qn_human_seconds(r->wall_s, took), r->merged ? "; result in " : "", r->merged ? o->output : "");
    if (!err && r->lines)
        cli_say("%s = %g is located to %g along %s on %zu of %zu lines%s", s->adapt.observable, s->adapt.level, s->adapt.tolerance, s->schema.item[s->axis[s->adapt.axis].param].name, r->known, r->lines,
                r->known < r->lines ? "; on the others it is not crossed, or takes more rounds or replicas than refine may use" : "");
    if (!err && r->merged)
        tell_verdict(s, o->output);
    else if (!err)
        cli_say("%zu tasks are left to other parts; when all are done: quench merge %s", r->missing, o->output);
}

static int run_sweep(const qn_sweep *s, const qn_run_options *o)
{
    qn_run_report r;
    int err = qn_run(s, o, &r);
    if (qn_ranks_rank() > 0)
        return err ? cli_status_of(err) : CLI_DONE;
    int status = err ? cli_fail(err) : CLI_DONE;
    tell_run(s, o, &r, err);
    return status;
}

int cli_run(int argc, char **argv)
{
    const char *output = NULL, *part = NULL;
    cli_texts sets = {0}, plugins = {0}, reuse = {0};
    int64_t threads = 0;
    qn_run_options o = {.part = 1, .parts = 1, .flush_s = 30};
    bool quiet = false;
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &output, "OUT.h5", "the result file (default: the sweep file's `output`)"},
        {"threads", 'j', CLI_COUNT, &threads, "N", "threads (default: all cores)"},
        {"set", 0, CLI_TEXTS, &sets, "NAME=VALUE", "replace a value of the sweep file; a list or range makes an axis"},
        {"reuse", 0, CLI_TEXTS, &reuse, "FILE", "take finished tasks from this result file too"},
        {"part", 0, CLI_TEXT, &part, "I/N", "only the I-th of N shares of the tasks; merge them afterwards"},
        {"time", 0, CLI_SECONDS, &o.time_s, "T", "stop, resumable, after this time (90, 5m, 2h)"},
        {"flush", 0, CLI_SECONDS, &o.flush_s, "S", "write what is done at least every S seconds (30)"},
        {"plugin", 0, CLI_TEXTS, &plugins, "FILE.so", "load a model"},
        {"quiet", 'q', CLI_FLAG, &quiet, NULL, "no progress"},
        {0},
    };
    char *command = cli_command("run", argc, argv);
    qn_sweep s = {0};
    bool loaded = false;
    if (qn_ranks_join())
        return qn_ranks_rank() == 0 ? cli_fail_input() : CLI_INPUT;
    qn_ranks_hush();
    int n = cli_parse("run", "SWEEP.yaml [options]", "Runs every task of the sweep that is not finished and merges the result.  The same command goes on\nafter an interruption.", options,
                      argc, argv, 1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&plugins);
    if (n >= 0 && !status && part && !parse_part(part, &o.part, &o.parts)) {
        cli_say("run: --part takes I/N with 1 <= I <= N, not '%s'", part);
        status = CLI_INPUT;
    }
    if (n >= 0 && !status) {
        status = cli_sweep_load(argv[0], &sets, &s);
        loaded = !status;
    }
    status = qn_ranks_hear(status);
    if (loaded && !status) {
        double end = seconds_to_job_end();
        o.output = output ? output : s.output;
        o.threads = (int)threads;
        o.reuse = reuse.item;
        o.n_reuse = reuse.n;
        o.quiet = quiet;
        o.bar = isatty(STDERR_FILENO);
        o.command = command;
        if (end > 0 && !(o.time_s > 0 && o.time_s < end))
            o.time_s = end;
        status = run_sweep(&s, &o);
    }
    if (loaded)
        qn_sweep_free(&s);
    qn_ranks_leave();
    free(command);
    cli_texts_free(&sets);
    cli_texts_free(&plugins);
    cli_texts_free(&reuse);
    return status;
}
