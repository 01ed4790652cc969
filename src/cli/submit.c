/* submit.c -- `quench submit`: a Slurm array job, to be read, for what of a sweep is missing: shares of its tasks (run --part), and a job that merges
 * them.  A share that is stopped in time (--signal) goes back into the queue and goes on from its parts. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adaptive.h"
#include "cli.h"
#include "schedule.h"
#include "text.h"

#define SHARE_S 3600.0       /* a share is about this long by the estimate, or half the limit, */
#define UNKNOWN_SHARES 100   /* or one of so many where there is no estimate */
#define MOST_SHARES 1000.0   /* what Slurm takes in one array unless it is told otherwise */
#define LEAST_LIMIT_S 300.0
#define WARNING_S 120        /* before the limit: longer than a flush takes */
#define MOST_RESTARTS 100    /* a task that never comes further than a flush would go on for ever */
#define PROGRAM_BYTES 3e8    /* of the program, its libraries, and a plan */
#define MEMORY_MARGIN 1.25

typedef struct submission {
    const qn_sweep *sweep;
    const char *sweep_path, *output;
    cli_texts sets, plugins, options;
    int64_t threads, jobs; /* jobs 0: as many as the time asks for */
    double limit_s;
    bool dry;
    /* found out */
    size_t tasks, missing, shares, to_run; /* shares that the tasks are dealt into; those with missing tasks */
    bool whole;
    double seconds, job_bytes, merge_bytes;
    char *array, *folder, *name, *here, *program;
} submission;

/* ---- how much there is to do ------------------------------------------------------------------------------------------------ */

static size_t count_shares(const submission *x)
{
    double length = fmin(SHARE_S, x->limit_s / 2) * (double)x->threads;
    double n = isfinite(x->seconds) ? fmin(MOST_SHARES, ceil(x->seconds / length)) : UNKNOWN_SHARES, most = ceil((double)x->missing / (double)x->threads);
    n = x->jobs ? (double)x->jobs : fmin(n, most);
    return qn_adapt_is_on(x->sweep) ? 1 : (size_t)fmax(1, fmin(n, (double)x->missing)); /* an adaptive sweep decides by all of its results */
}

/* The shares with missing tasks, as --array has them: "1-4,7". */
static int list_shares(submission *x, const qn_plan *p)
{
    qn_buffer b = {0};
    bool *has = calloc(x->shares + 1, sizeof *has);
    if (!has)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t t = 0; t < p->n_tasks; t++)
        if (!p->task[t].done)
            has[t % x->shares] = true;
    x->to_run = 0;
    for (size_t i = 0; i < x->shares; i++) {
        size_t last = i;
        if (!has[i])
            continue;
        while (last + 1 < x->shares && has[last + 1])
            last++;
        qn_buffer_add(&b, last > i ? "%s%zu-%zu" : "%s%zu", b.n ? "," : "", i + 1, last + 1);
        x->to_run += last - i + 1;
        i = last;
    }
    free(has);
    x->array = b.text;
    return b.failed ? qn_fail(QN_ERR_NOMEM, "out of memory") : 0;
}

static int measure(submission *x, const qn_plan *p)
{
    const qn_sweep *s = x->sweep;
    const qn_layout *l = p->layout;
    double task, shared, in_hand = s->chain.kind == QN_TEMPERING ? (double)qn_sweep_rungs(s) : 1, result = 8.0 * (double)p->n_rows * (double)(l->row + 7);
    bool measured;
    int err = cli_sweep_memory(s, &task, &shared);
    if (err)
        return err;
    x->tasks = p->wanted;
    x->missing = p->wanted - p->done;
    x->whole = p->result_whole;
    x->seconds = qn_plan_seconds(p, &measured);
    x->shares = count_shares(x);
    /* A job looks at all parts that are there before it begins. */
    x->job_bytes = MEMORY_MARGIN * ((double)x->threads * (in_hand * (task + 8.0 * (double)(l->row + l->n_grid * l->n_obs)) + shared) + result + PROGRAM_BYTES);
    x->merge_bytes = MEMORY_MARGIN * (4 * result + PROGRAM_BYTES); /* the parts, all rows, the result, and what is made of them */
    if (x->shares == 1)
        x->job_bytes = fmax(x->job_bytes, x->merge_bytes);
    return list_shares(x, p);
}

static int look(submission *x)
{
    qn_layout l;
    qn_plan p;
    int err = qn_layout_init(&l, x->sweep);
    if (err)
        return err;
    err = qn_plan_init(&p, x->sweep, &l, x->output, NULL, 0, NULL, NULL);
    if (!err)
        err = measure(x, &p);
    qn_plan_free(&p);
    qn_layout_free(&l);
    return err;
}

/* ---- the scripts ---------------------------------------------------------------------------------------------------------------- */

/* One word of a shell. */
static void add_word(qn_buffer *b, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (*text && strspn(text, plain) == strlen(text)) {
        qn_buffer_add(b, " %s", text);
        return;
    }
    qn_buffer_add(b, " '");
    for (; *text; text++)
        qn_buffer_add(b, *text == '\'' ? "'\\''" : "%c", *text);
    qn_buffer_add(b, "'");
}

static void add_program(qn_buffer *b, const submission *x, const char *verb)
{
    add_word(b, x->program);
    qn_buffer_add(b, " %s", verb);
}

static void add_plugins(qn_buffer *b, const submission *x)
{
    for (size_t i = 0; i < x->plugins.n; i++) {
        qn_buffer_add(b, " --plugin");
        add_word(b, x->plugins.item[i]);
    }
}

/* A value of a line that sbatch reads, where % would stand for something. */
static void add_setting(qn_buffer *b, const char *name, const char *text, const char *pattern)
{
    qn_buffer_add(b, "#SBATCH --%s=\"", name);
    for (; *text; text++)
        qn_buffer_add(b, *text == '%' && pattern ? "%%%%" : *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    qn_buffer_add(b, "%s\"\n", pattern ? pattern : "");
}

static void add_settings(qn_buffer *b, const submission *x, const char *suffix, int64_t threads, double bytes, double limit_s, const char *log)
{
    long minutes = (long)ceil(limit_s / 60);
    qn_buffer_add(b, "#SBATCH --job-name=%s%s\n#SBATCH --ntasks=1\n#SBATCH --cpus-per-task=%lld\n#SBATCH --mem=%.0fM\n#SBATCH --time=%ld:%02ld:00\n", x->name, suffix,
                  (long long)threads, 100 * ceil(bytes / 1048576 / 100), minutes / 60, minutes % 60);
    qn_buffer_add(b, "#SBATCH --requeue\n#SBATCH --open-mode=append\n");
    add_setting(b, "output", x->folder, log);
    for (size_t i = 0; i < x->options.n; i++)
        qn_buffer_add(b, "#SBATCH %s\n", x->options.item[i]);
    qn_buffer_add(b, "\ncd");
    add_word(b, x->here);
    qn_buffer_add(b, " || exit\n");
}

static char *job_script(const submission *x)
{
    qn_buffer b = {0};
    char time[32];
    bool shares = x->shares > 1;
    qn_buffer_add(&b, "#!/bin/bash\n# %zu of %zu tasks of %s are missing: about %s on one thread.\n", x->missing, x->tasks, x->output,
                  isfinite(x->seconds) ? qn_human_seconds(x->seconds, time) : "an unknown time");
    if (shares)
        qn_buffer_add(&b, "# The tasks are dealt into %zu shares, of which %zu have missing ones; merge.sh puts their parts together.\n#SBATCH --array=%s\n", x->shares, x->to_run, x->array);
    qn_buffer_add(&b, "#SBATCH --signal=TERM@%d\n", WARNING_S);
    add_settings(&b, x, "", x->threads, x->job_bytes, x->limit_s, shares ? "/%a.log" : "/job.log");
    qn_buffer_add(&b, "srun --ntasks=1 --cpus-per-task=%lld --mpi=none --export=ALL", (long long)x->threads);
    add_program(&b, x, "run");
    add_word(&b, x->sweep_path);
    qn_buffer_add(&b, " -j %lld -o", (long long)x->threads);
    add_word(&b, x->output);
    for (size_t i = 0; i < x->sets.n; i++) {
        qn_buffer_add(&b, " --set");
        add_word(&b, x->sets.item[i]);
    }
    add_plugins(&b, x);
    if (shares)
        qn_buffer_add(&b, " --part \"$SLURM_ARRAY_TASK_ID\"/%zu", x->shares);
    qn_buffer_add(&b,
                  "\nstatus=$?\n\n# 75: stopped before the time was over, with everything written; back into the queue, to go on from there.\n"
                  "if [ $status -eq 75 ] && [ \"${SLURM_RESTART_COUNT:-0}\" -lt %d ]; then\n    scontrol requeue %s && sleep 60\nfi\nexit $status\n",
                  MOST_RESTARTS, shares ? "\"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\"" : "\"$SLURM_JOB_ID\"");
    if (!b.failed)
        return b.text;
    qn_buffer_free(&b);
    return NULL;
}

static char *merge_script(const submission *x)
{
    qn_buffer b = {0};
    qn_buffer_add(&b, "#!/bin/bash\n# Puts the parts of %s together, when all shares are done.\n", x->output);
    add_settings(&b, x, "-merge", 1, x->merge_bytes, x->limit_s, "/merge.log");
    qn_buffer_add(&b, "exec");
    add_program(&b, x, "merge");
    add_word(&b, x->output);
    add_plugins(&b, x);
    qn_buffer_add(&b, "\n");
    if (!b.failed)
        return b.text;
    qn_buffer_free(&b);
    return NULL;
}

/* ---- submitting -------------------------------------------------------------------------------------------------------------------- */

static int write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    bool good = f && fputs(text, f) >= 0;
    if (f)
        good &= !fclose(f);
    return good ? 0 : qn_fail(QN_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
}

/* The first line that a command prints; QN_ERR_IO when it fails, having said why itself. */
static int ask(const char *command, char *line, int room)
{
    FILE *f = popen(command, "r");
    char more[256];
    line[0] = 0;
    if (!f)
        return qn_fail(QN_ERR_IO, "no command can be started: %s", strerror(errno));
    if (!fgets(line, room, f))
        line[0] = 0;
    while (fgets(more, sizeof more, f))
        ;
    line[strcspn(line, "\r\n")] = 0;
    int rc = pclose(f);
    return rc ? qn_fail(QN_ERR_IO, "this failed: %s", command) : 0;
}

/* One job of a script; its number, without the cluster's name. */
static int send(const char *path, const char *options, char *id, int room)
{
    qn_buffer b = {0};
    qn_buffer_add(&b, "sbatch --parsable%s", options);
    add_word(&b, path);
    int err = b.failed ? qn_fail(QN_ERR_NOMEM, "out of memory") : ask(b.text, id, room);
    qn_buffer_free(&b);
    id[strcspn(id, ";")] = 0;
    return err;
}

static int refuse_second(const submission *x)
{
    char id[64], *command = qn_format("squeue --noheader --me --name=%s,%s-merge --sort=i --format=%%F", x->name, x->name);
    int err = command ? ask(command, id, sizeof id) : qn_fail(QN_ERR_NOMEM, "out of memory");
    free(command);
    char *number = id + strspn(id, " ");
    return err || !*number ? err : qn_fail(QN_ERR_INPUT, "job %s is at %s already; `squeue --me` shows it, `scancel %s` ends it, and then what is missing can be submitted again", number, x->output, number);
}

static int submit(const submission *x, const char *job, const char *merge)
{
    char id[64] = "", last[64] = "", after[128] = "";
    char *job_path = qn_format("%s/job.sh", x->folder), *merge_path = qn_format("%s/merge.sh", x->folder);
    int err = job_path && merge_path ? refuse_second(x) : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err && mkdir(x->folder, 0777) && errno != EEXIST)
        err = qn_fail(QN_ERR_INPUT, "%s cannot be made: %s", x->folder, strerror(errno));
    if (!err && job)
        err = write_text(job_path, job);
    if (!err && merge)
        err = write_text(merge_path, merge);
    if (!err && job && !(err = send(job_path, "", id, sizeof id))) {
        printf("job %s: %s\n", id, job_path);
        snprintf(after, sizeof after, " --dependency=afterok:%s --kill-on-invalid-dep=yes", id);
    }
    if (!err && merge && !(err = send(merge_path, after, last, sizeof last)))
        printf("job %s: %s%s%s\n", last, merge_path, *id ? ", after job " : "", id);
    free(job_path);
    free(merge_path);
    return err;
}

/* A name that another output does not have: the file's, and eight digits of its path. */
static int name_job(submission *x)
{
    char here[4096], self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (!getcwd(here, sizeof here) || n <= 0)
        return qn_fail(QN_ERR_IO, "the present folder or the program's own path is not known: %s", strerror(errno));
    self[n] = 0;
    bool absolute = x->output[0] == '/';
    char *path = qn_format("%s%s%s", absolute ? "" : here, absolute ? "" : "/", x->output), base[48];
    if (!path)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    snprintf(base, sizeof base, "%s", strrchr(path, '/') + 1);
    for (char *c = base; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", *c))
            *c = '_';
    x->here = strdup(here);
    x->program = strdup(self);
    x->folder = qn_format("%s.slurm", path);
    x->name = qn_format("quench-%s-%08x", base, (unsigned)qn_hash_bytes(path, strlen(path)).w[0]);
    free(path);
    return x->here && x->program && x->folder && x->name ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
}

static int go(submission *x)
{
    char time[32], bytes[32];
    int err = name_job(x);
    if (!err)
        err = look(x);
    if (!err && x->whole) {
        cli_say("%s is already whole: %zu tasks; nothing is submitted", x->output, x->tasks);
        return CLI_DONE;
    }
    bool adaptive = qn_adapt_is_on(x->sweep), run = x->missing || adaptive;
    char *job = err || !run ? NULL : job_script(x), *merge = err || (run && x->shares == 1) ? NULL : merge_script(x);
    if (!err && ((run && !job) || (!(run && x->shares == 1) && !merge)))
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err)
        cli_say("%zu of %zu tasks are missing%s, about %s on one thread: %zu job%s of %lld thread%s, %s each", x->missing, x->tasks, adaptive ? " in the first round" : "",
                isfinite(x->seconds) ? qn_human_seconds(x->seconds, time) : "an unknown time", run ? x->to_run : 0, x->to_run == 1 && run ? "" : "s", (long long)x->threads,
                x->threads > 1 ? "s" : "", qn_human_bytes(x->job_bytes, bytes));
    if (!err && x->dry)
        printf("%s%s%s", job ? job : "", job && merge ? "\n# ---- merge.sh, when all shares are done ----\n\n" : "", merge ? merge : "");
    else if (!err)
        err = submit(x, job, merge);
    free(job);
    free(merge);
    return err ? cli_fail(err) : CLI_DONE;
}

int cli_submit(int argc, char **argv)
{
    submission x = {.threads = 1, .limit_s = 4 * 3600.0};
    bool slurm = false;
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &x.output, "OUT.h5", "the result file (default: the sweep file's `output`)"},
        {"threads", 'j', CLI_COUNT, &x.threads, "N", "threads of a job (1)"},
        {"time", 0, CLI_SECONDS, &x.limit_s, "T", "limit of a job (4h); what does not end in it goes on in another"},
        {"jobs", 0, CLI_COUNT, &x.jobs, "N", "so many jobs (default: each of about an hour, at most 1000)"},
        {"sbatch", 0, CLI_TEXTS, &x.options, "OPTION", "an option of sbatch, such as --partition=long"},
        {"slurm", 0, CLI_FLAG, &slurm, NULL, "for Slurm (the only one that is known, so the default)"},
        {"dry-run", 0, CLI_FLAG, &x.dry, NULL, "print the job, write and submit nothing"},
        {"set", 0, CLI_TEXTS, &x.sets, "NAME=VALUE", "replace a value of the sweep file; a list or range makes an axis"},
        {"plugin", 0, CLI_TEXTS, &x.plugins, "FILE.so", "load a model"},
        {0},
    };
    int n = cli_parse("submit", "SWEEP.yaml [options]", "Writes OUT.h5.slurm/job.sh, an array job for the tasks that are missing, and merge.sh, and submits them.", options, argc, argv, 1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&x.plugins);
    qn_sweep s;
    if (n >= 0 && !status && x.limit_s < LEAST_LIMIT_S) {
        cli_say("submit: --time of at least 5m: jobs are warned %d s before its end", WARNING_S);
        status = CLI_INPUT;
    }
    for (size_t i = 0; n >= 0 && !status && i < x.options.n; i++)
        if (x.options.item[i][0] != '-' || strchr(x.options.item[i], '\n')) {
            cli_say("submit: --sbatch takes an option of sbatch, such as --sbatch --partition=long, not '%s'", x.options.item[i]);
            status = CLI_INPUT;
        }
    if (n >= 0 && !status && !(status = cli_sweep_load(argv[0], &x.sets, &s))) {
        x.sweep = &s;
        x.sweep_path = argv[0];
        x.output = x.output ? x.output : s.output;
        status = go(&x);
        qn_sweep_free(&s);
    }
    free(x.array);
    free(x.folder);
    free(x.name);
    free(x.here);
    free(x.program);
    cli_texts_free(&x.sets);
    cli_texts_free(&x.plugins);
    cli_texts_free(&x.options);
    return status;
}
