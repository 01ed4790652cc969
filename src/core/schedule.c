/* schedule.c -- see schedule.h.  A worker takes the next task from a shared counter, runs it, and every flush_s seconds writes a
 * part of its own with what it finished and the checkpoint of what it is in the middle of.  Workers share nothing that changes
 * but the counter, the prepared data and the progress line.  Under mpirun or srun the counter is that of all ranks; every rank makes the
 * same plan out of the same files, and rank 0 alone locks, tidies, speaks and merges. */
#include "schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <omp.h>

#include "adaptive.h"
#include "merge.h"
#include "progress.h"
#include "ranks.h"
#include "running.h"
#include "text.h"

static _Thread_local int threads_inside = 1;

int qn_threads(void)
{
    return threads_inside;
}

/* ---- data that tasks share ------------------------------------------------------------------------------------------ */

typedef struct shared_data {
    qn_hash key;
    void *data;
    size_t users;   /* tasks that will need it, and that no other rank has taken; freed with the last */
    bool ready;
} shared_data;

typedef struct run {
    const qn_plan *plan;
    const qn_sweep *sweep;
    const qn_run_options *o;
    char *folder;
    int folder_fd;            /* holds the lock */
    size_t n_jobs;
    size_t *job;              /* tasks to run, costliest first */
    double *job_cost;         /* seconds a step of job's points, in the same order */
    size_t *job_shared;       /* index of its shared data */
    shared_data *shared;
    size_t n_shared;
    double start;
    int inside;               /* threads a task may use */
    atomic_size_t next, serial;
    atomic_bool failed, elsewhere; /* elsewhere: another rank was stopped, or failed */
    _Atomic int64_t steps;
    pthread_mutex_t taking;   /* under ranks: a number is taken, */
    size_t passed;            /* and those between are known to be others', one at a time */
    int error;
    char error_text[2048];
    pthread_mutex_t lock;     /* shared data, error, progress line */
    qn_progress progress;
} run;

typedef struct worker {
    run *r;
    qn_part part;
    double last_flush, last_check;
    double begun;             /* when this worker took up its task, */
    int64_t begun_step;       /* and at which step */
    int usr1;                 /* SIGUSR1 already answered */
    char *older;              /* this worker's latest part, which the next one replaces */
    size_t written;           /* rows of `part` that are on disk in it */
    double *row;
} worker;

static void fail_run(run *r, int err)
{
    pthread_mutex_lock(&r->lock);
    if (!atomic_load(&r->failed)) {
        r->error = err;
        snprintf(r->error_text, sizeof r->error_text, "%s", qn_error_text());
        atomic_store(&r->failed, true);
    }
    pthread_mutex_unlock(&r->lock);
}

static bool must_stop(const run *r)
{
    return qn_signals_stop() || atomic_load(&r->failed) || atomic_load(&r->elsewhere) || (r->o->time_s > 0 && qn_now() - r->start > r->o->time_s);
}

/* ---- a worker ------------------------------------------------------------------------------------------------------------ */

/* A worker's part grows to this size, each flush replacing the one before; then a new one begins, so that neither the number of
 * parts nor the work of writing them grows with the length of the run. */
#define PART_BYTES (1u << 20)

#define SERIALS_A_RANK 1000000 /* ranks in containers may agree in host and pid */

/* "OUT.parts/<host>-<pid>-<serial>.h5": a name that no file has (a process of the same number may have left parts earlier). */
static char *part_path(run *r)
{
    char host[64] = "host", *path = NULL;
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c == '/' || *c == '.')
            *c = '_';
    do {
        free(path);
        path = qn_format("%s/%s-%ld-%08zu.h5", r->folder, host, (long)getpid(), atomic_fetch_add(&r->serial, 1));
    } while (path && !access(path, F_OK));
    return path;
}

/* The model's line about a task, one line whatever it wrote; along a continuation also the present value. */
static void tell(const qn_running *t, char text[QN_PROGRESS_TEXT])
{
    const qn_sweep *s = t->sweep;
    size_t n = 0;
    if (s->chain.kind == QN_CONTINUATION) {
        size_t k = s->axis[s->chain.axis].param;
        char *value = qn_value_text(&s->schema.item[k], &t->rung[0].params.v[k]);
        n = (size_t)snprintf(text, QN_PROGRESS_TEXT / 2, "%s = %s%s", s->schema.item[k].name, value ? value : "?", s->model->progress ? ", " : "");
        n = n < QN_PROGRESS_TEXT / 2 ? n : QN_PROGRESS_TEXT / 2 - 1;
        free(value);
    }
    text[n] = 0;
    if (s->model->progress && !t->lost)
        s->model->progress(t->rung[0].state, text + n, QN_PROGRESS_TEXT - n);
    text[QN_PROGRESS_TEXT - 1] = 0;
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

/* Prints the progress line, with that of the task in hand, when it is time or `now`. */
static void show_progress(run *r, const qn_running *t, bool now)
{
    char text[QN_PROGRESS_TEXT];
    if (!now && qn_ranks_size() > 1) /* the clerk does, also while the tasks of this rank take long steps */
        return;
    if (pthread_mutex_trylock(&r->lock)) {
        if (!now)
            return;
        pthread_mutex_lock(&r->lock);
    }
    if (now || qn_progress_due(&r->progress)) {
        tell(t, text);
        qn_progress_print(&r->progress, text);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Writes what is finished and the checkpoint of the task in hand; then removes the part that this one replaces. */
static int flush(worker *w, const qn_running *t)
{
    int err = 0;
    if (t && (qn_running_position(t) > 0 || t->pieces > 0)) {
        qn_group g = {0};
        qn_checkpoint_head head = {.chain = t->plan->task[t->task].key, .step = qn_running_position(t), .pieces = t->pieces};
        double spent = qn_now() - w->begun;
        head.rate = spent > 0 ? (double)(head.step - w->begun_step) / spent : 0;
        tell(t, head.text);
        err = qn_running_save(t, &g);
        if (!err)
            err = qn_part_add_checkpoint(&w->part, &head, &g);
        qn_group_clear(&g);
    }
    w->last_flush = qn_now();
    if (err || (w->part.n == w->written && !w->part.checkpoints))
        return err;
    char *path = part_path(w->r);
    if (!path)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    err = qn_part_write(&w->part, path);
    if (!err && w->older)
        unlink(w->older);
    free(w->older);
    w->older = path;
    qn_part_drop_checkpoints(&w->part);
    w->written = w->part.n;
    /* A part with the end states of finished tasks stays as it is: the next one would not have them. */
    bool whole = w->part.n && (w->r->sweep->sampling.checkpoint || w->part.n * w->part.layout->row * sizeof(double) > PART_BYTES);
    if (err || whole) {
        qn_part_clear(&w->part);
        free(w->older);
        w->older = NULL;
        w->written = 0;
    }
    return err;
}

static int get_shared(run *r, size_t job, const qn_params *p, void **out)
{
    *out = NULL;
    if (!r->sweep->model->prepare)
        return 0;
    shared_data *d = &r->shared[r->job_shared[job]];
    int err = 0;
    pthread_mutex_lock(&r->lock);
    if (!d->ready) {
        err = r->sweep->model->prepare(p, &d->data);
        d->ready = !err;
    }
    *out = d->data;
    pthread_mutex_unlock(&r->lock);
    return err;
}

/* A job that is over, or that another rank has taken, needs its data no more. */
static void put_shared(run *r, size_t job)
{
    if (!r->sweep->model->prepare)
        return;
    pthread_mutex_lock(&r->lock);
    shared_data *d = &r->shared[r->job_shared[job]];
    if (--d->users == 0 && d->ready) {
        r->sweep->model->release(d->data);
        d->data = NULL;
        d->ready = false;
    }
    pthread_mutex_unlock(&r->lock);
}

static int resume(worker *w, qn_running *t)
{
    const qn_plan *p = w->r->plan;
    const qn_task *task = &p->task[t->task];
    qn_group g;
    int err = qn_source_checkpoint(&p->source[task->checkpoint], task->checkpoint_index, &g);
    if (err)
        return err;
    err = qn_running_load(t, &g);
    if (!err && task->checkpoint_pieces)
        t->pieces = task->checkpoint_pieces;
    for (size_t i = 0; i < t->at && !err; i++)
        if (p->row[qn_plan_row(p, t->task, i)].source == QN_NOWHERE)
            err = qn_fail(QN_ERR_DATA, "a row before it along the chain is gone");
    qn_group_clear(&g);
    return err;
}

/* A task at its start, or where its checkpoint left it; from the start when that is unusable. */
static int begin(worker *w, qn_running *t, size_t task, const void *shared)
{
    run *r = w->r;
    int err = qn_running_start(t, r->plan, task, shared);
    if (!err && r->plan->task[task].checkpoint != QN_NOWHERE && resume(w, t)) {
        pthread_mutex_lock(&r->lock);
        char *note = qn_format("a checkpoint cannot be used (%s); its task begins again", qn_error_text());
        qn_progress_note(&r->progress, note ? note : "a checkpoint cannot be used; its task begins again");
        free(note);
        pthread_mutex_unlock(&r->lock);
        qn_running_free(t);
        err = qn_running_start(t, r->plan, task, shared);
    }
    w->begun = qn_now();
    w->begun_step = qn_running_position(t);
    return err;
}

static void add_work(run *r, double seconds)
{
    double before = atomic_load(&r->progress.worked);
    while (!atomic_compare_exchange_weak(&r->progress.worked, &before, before + seconds))
        ;
}

/* Looks at the clock every couple of milliseconds only: a step may take less than asking for the time. */
#define CHECK_S 2e-3

/* Steps until the points in hand are over (*stopped is false) or the run is asked to stop; *counted: position up to which the work is. */
static int go_through(worker *w, qn_running *t, double cost, int64_t *counted, bool *stopped)
{
    run *r = w->r;
    int64_t look = qn_running_position(t) + 1, stride = 1;
    int err = 0;
    while (!err && !qn_running_over(t)) {
        int64_t at = qn_running_position(t);
        err = qn_running_step(t, look - at);
        at = qn_running_position(t);
        if (err || (at < look && !t->pieces))
            continue;
        double now = qn_now(), spent = now - w->last_check;
        if (at >= look) {
            stride = spent < CHECK_S / 2 ? 2 * stride : spent > 2 * CHECK_S && stride > 1 ? stride / 2 : stride;
            look = at + stride;
        }
        w->last_check = now;
        add_work(r, (double)(at - *counted) * cost);
        *counted = at;
        show_progress(r, t, false);
        *stopped = must_stop(r);
        bool asked = qn_signals_flush() > w->usr1;
        if (!*stopped && !asked && now - w->last_flush < r->o->flush_s)
            continue;
        w->usr1 = qn_signals_flush();
        err = flush(w, t);
        if (asked && !err)
            show_progress(r, t, true);
        if (*stopped)
            break;
    }
    return err;
}

/* The finished rows of the points in hand, those that are not there yet, and the end state where it is kept. */
static int keep_rows(worker *w, qn_running *t)
{
    const qn_plan *p = w->r->plan;
    int err = 0;
    if (w->r->sweep->sampling.checkpoint) {
        qn_group g = {0};
        err = qn_running_save(t, &g);
        if (!err)
            err = qn_part_add_checkpoint(&w->part, &(qn_checkpoint_head){.chain = p->task[t->task].key, .step = qn_running_position(t)}, &g);
        qn_group_clear(&g);
    }
    for (size_t i = 0; i < t->n && !err; i++) {
        qn_row_head head;
        err = qn_running_finish(t, i, w->row, &head);
        if (!err && p->row[qn_running_row(t, i)].source == QN_NOWHERE)
            err = qn_part_add(&w->part, &head, w->row);
    }
    return err;
}

static int run_job(worker *w, size_t job)
{
    run *r = w->r;
    size_t task = r->job[job];
    qn_params p;
    void *shared;
    int err = qn_sweep_point(r->sweep, qn_sweep_chain_point(r->sweep, task / (size_t)r->sweep->replicas, 0), &p);
    if (err)
        return err;
    err = get_shared(r, job, &p, &shared);
    qn_params_free(&p);
    qn_running t = {0};
    if (!err)
        err = begin(w, &t, task, shared);
    int64_t counted = err ? 0 : qn_running_position(&t);
    bool stopped = false, more = true;
    while (!err && more) {
        err = go_through(w, &t, r->job_cost[job], &counted, &stopped);
        if (err || stopped)
            break;
        err = keep_rows(w, &t);
        if (!err)
            err = qn_running_next(&t, &more);
    }
    atomic_fetch_add(&r->steps, t.made);
    if (!err && !stopped) {
        add_work(r, (double)(qn_sweep_task_steps(r->sweep) - counted) * r->job_cost[job]);
        atomic_fetch_add(&r->progress.done, 1);
        if (qn_now() - w->last_flush >= r->o->flush_s)
            err = flush(w, NULL);
    }
    qn_running_free(&t);
    put_shared(r, job);
    return err;
}

/* The next job of this process; n_jobs or more: none is left. */
static size_t take(run *r)
{
    if (qn_ranks_size() == 1)
        return atomic_fetch_add(&r->next, 1);
    pthread_mutex_lock(&r->taking);
    size_t job = (size_t)qn_ranks_take();
    for (; r->passed < job && r->passed < r->n_jobs; r->passed++)
        put_shared(r, r->passed);
    r->passed = job + 1;
    pthread_mutex_unlock(&r->taking);
    return job;
}

static void work(run *r)
{
    worker w = {.r = r, .part = {.layout = r->plan->layout}, .last_flush = qn_now(), .last_check = qn_now(), .usr1 = qn_signals_flush()};
    threads_inside = r->inside;
    w.row = malloc((r->plan->layout->row + 1) * sizeof *w.row);
    int err = w.row ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    while (!err && !must_stop(r)) {
        size_t job = take(r);
        if (job >= r->n_jobs)
            break;
        err = run_job(&w, job);
    }
    if (err)
        fail_run(r, err);
    /* What was finished is kept, also when another worker failed.  After a failed write one more attempt could only fail again. */
    if (err != QN_ERR_IO && (err = flush(&w, NULL)))
        fail_run(r, err);
    qn_part_clear(&w.part);
    free(w.older);
    free(w.row);
    threads_inside = 1;
}

/* ---- the run -------------------------------------------------------------------------------------------------------------- */

static int find_shared(run *r, const qn_params *p, size_t *out)
{
    qn_hash key;
    int err = qn_sweep_data_key(r->sweep, p, &key);
    if (err)
        return err;
    size_t i = 0;
    while (i < r->n_shared && memcmp(&r->shared[i].key, &key, sizeof key))
        i++;
    if (i == r->n_shared) {
        shared_data *more = realloc(r->shared, (i + 1) * sizeof *more);
        if (!more)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        r->shared = more;
        r->shared[r->n_shared++] = (shared_data){.key = key};
    }
    *out = i;
    return 0;
}

static double step_seconds(const qn_sweep *s, const qn_params *p)
{
    qn_cost c = {.step_s = 1e-6};
    if (s->model->cost)
        s->model->cost(p, &c);
    return c.step_s;
}

/* Seconds of one of the qn_sweep_task_steps of a chain's tasks: all rungs of a ladder, the mean along a continuation.  With `shared`, also
 * the number of the data that they share. */
static int chain_cost(const qn_sweep *s, size_t chain, run *r, double *cost, size_t *shared)
{
    size_t rungs = qn_sweep_rungs(s);
    int err = 0;
    *cost = 0;
    for (size_t i = 0; i < rungs && !err; i++) {
        qn_params params;
        if ((err = qn_sweep_point(s, qn_sweep_chain_point(s, chain, i), &params)))
            break;
        *cost += step_seconds(s, &params) / (s->chain.kind == QN_CONTINUATION ? (double)rungs : 1);
        if (r && i == 0 && s->model->prepare)
            err = find_shared(r, &params, shared);
        qn_params_free(&params);
    }
    return err;
}

typedef struct job_order {
    size_t task, shared;
    double cost;
} job_order;

static int costliest_first(const void *a, const void *b)
{
    const job_order *x = a, *y = b;
    return x->cost != y->cost ? (x->cost < y->cost ? 1 : -1) : (x->task > y->task) - (x->task < y->task);
}

static double steps_left(const qn_plan *p, size_t task)
{
    const qn_task *t = &p->task[task];
    return t->done ? 0 : (double)(qn_sweep_task_steps(p->sweep) - (t->checkpoint == QN_NOWHERE ? 0 : t->checkpoint_step));
}

static int list_jobs(run *r)
{
    const qn_plan *p = r->plan;
    job_order *j = malloc((p->n_tasks ? p->n_tasks : 1) * sizeof *j);
    int err = j ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    size_t replicas = (size_t)r->sweep->replicas, n = 0;
    for (size_t k = 0; k < p->n_tasks / replicas && !err; k++) {
        double cost;
        size_t shared = 0;
        err = chain_cost(r->sweep, k, r, &cost, &shared);
        for (size_t i = k * replicas; i < (k + 1) * replicas && !err; i++)
            if (!p->task[i].done && i % (size_t)r->o->parts == (size_t)r->o->part - 1)
                j[n++] = (job_order){i, shared, cost};
    }
    if (!err)
        qsort(j, n, sizeof *j, costliest_first);
    r->n_jobs = n;
    r->job = malloc((n + 1) * sizeof *r->job);
    r->job_cost = malloc((n + 1) * sizeof *r->job_cost);
    r->job_shared = malloc((n + 1) * sizeof *r->job_shared);
    if (!err && (!r->job || !r->job_cost || !r->job_shared))
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < n && !err; i++) {
        r->job[i] = j[i].task;
        r->job_cost[i] = j[i].cost;
        r->job_shared[i] = j[i].shared;
        r->progress.work += j[i].cost * steps_left(p, j[i].task);
        if (r->sweep->model->prepare)
            r->shared[j[i].shared].users++;
    }
    free(j);
    return err;
}

/* Seconds a step in the process that wrote the checkpoint of a task; 0: not known. */
static double measured_step(const qn_plan *p, const qn_task *t)
{
    qn_checkpoint_head h;
    if (t->checkpoint == QN_NOWHERE || qn_source_checkpoint_head(&p->source[t->checkpoint], t->checkpoint_index, &h) || !(h.rate > 0))
        return 0;
    return 1 / h.rate;
}

double qn_plan_seconds(const qn_plan *p, bool *measured)
{
    size_t replicas = (size_t)p->sweep->replicas;
    double s = 0, took = 0, expected = 0;
    for (size_t k = 0; k < p->n_tasks / replicas; k++) {
        double cost = -1;
        for (size_t i = k * replicas; i < (k + 1) * replicas; i++) {
            if (p->task[i].done)
                continue;
            if (cost < 0 && chain_cost(p->sweep, k, NULL, &cost, NULL))
                return NAN;
            double step = measured_step(p, &p->task[i]);
            s += cost * steps_left(p, i);
            took += step;
            expected += step > 0 ? cost : 0;
        }
    }
    *measured = took > 0 && expected > 0;
    return *measured ? s * took / expected : p->sweep->model->cost ? s : NAN;
}

static int make_folder(run *r)
{
    free(r->folder);
    r->folder = qn_parts_folder(r->o->output);
    if (!r->folder)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    if (mkdir(r->folder, 0777) && errno != EEXIST)
        return qn_fail(errno == ENOSPC || errno == EDQUOT ? QN_ERR_IO : QN_ERR_INPUT, "%s cannot be written: %s", r->o->output, strerror(errno));
    if (access(r->folder, W_OK))
        return qn_fail(QN_ERR_INPUT, "%s cannot be written: %s: %s", r->o->output, r->folder, strerror(errno));
    return 0;
}

/* One run writes an output at a time; shares (--part) may go side by side.  The lock is on the folder of parts and ends with the process.
 * The folder may vanish before it is locked, when another run just ended: then once more. */
static int lock_folder(run *r)
{
    for (int tries = 0; tries < 100; tries++) {
        struct stat held, named;
        int err = make_folder(r);
        if (err)
            return err;
        r->folder_fd = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r->folder_fd < 0)
            continue;
        if (flock(r->folder_fd, (r->o->parts > 1 ? LOCK_SH : LOCK_EX) | LOCK_NB) && errno == EWOULDBLOCK) {
            close(r->folder_fd);
            r->folder_fd = -1;
            return qn_fail(QN_ERR_INPUT, "another run is writing %s; wait for it (quench status %s), or choose another output with -o", r->o->output, r->o->output);
        }
        if (!fstat(r->folder_fd, &held) && !stat(r->folder, &named) && held.st_ino == named.st_ino)
            return 0;
        close(r->folder_fd);
        r->folder_fd = -1;
    }
    return qn_fail(QN_ERR_IO, "%s vanishes again and again", r->folder);
}

/* What another run may have changed while this one made its plan. */
static bool same_file(const char *path, const struct stat *before, bool was_there)
{
    struct stat now;
    bool there = !stat(path, &now);
    return there == was_there && (!there || (now.st_ino == before->st_ino && now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
                                             now.st_mtim.tv_nsec == before->st_mtim.tv_nsec));
}

static void say_note(void *ctx, const char *text)
{
    qn_progress_note(ctx, text);
}

/* Threads that were asked for; else all cores, which ranks on one machine share unless the launcher has bound each to its own. */
static int threads_of(const qn_run_options *o)
{
    int all = omp_get_max_threads(), beside = qn_ranks_beside();
    if (o->threads > 0)
        return o->threads;
    return beside > 1 && omp_get_num_procs() == sysconf(_SC_NPROCESSORS_ONLN) && all > 1 ? (all + beside - 1) / beside : all;
}

/* Between ranks, while the workers work: how far each is, whether one stops, and one line for all of them.  Where ranks are on other machines
 * rank 0 also looks often, since their one-sided operations may need it. */
#define TELL_S 0.2
#define LOOK_S 1e-3

typedef struct clerk {
    run *r;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool over;
} clerk;

static void tell_ranks(run *r)
{
    qn_ranks_news news;
    qn_ranks_tell((int64_t)atomic_load(&r->progress.done), atomic_load(&r->progress.worked), must_stop(r), &news);
    if (news.stop)
        atomic_store(&r->elsewhere, true);
    atomic_store(&r->progress.done_elsewhere, (size_t)news.done);
    atomic_store(&r->progress.worked_elsewhere, news.worked);
    pthread_mutex_lock(&r->lock);
    if (qn_progress_due(&r->progress))
        qn_progress_print(&r->progress, NULL);
    pthread_mutex_unlock(&r->lock);
}

static void *keep_in_touch(void *arg)
{
    clerk *c = arg;
    long sleep = (long)(1e9 * (qn_ranks_rank() == 0 && qn_ranks_beside() < qn_ranks_size() ? LOOK_S : TELL_S));
    pthread_mutex_lock(&c->lock);
    while (!c->over) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += sleep;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&c->wake, &c->lock, &until);
        pthread_mutex_unlock(&c->lock);
        tell_ranks(c->r);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static int start_clerk(clerk *c, run *r)
{
    *c = (clerk){.r = r, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    return qn_ranks_size() > 1 && pthread_create(&c->thread, NULL, keep_in_touch, c) ? qn_fail(QN_ERR_NOMEM, "no thread can be started") : 0;
}

static void end_clerk(clerk *c)
{
    if (qn_ranks_size() > 1) {
        pthread_mutex_lock(&c->lock);
        c->over = true;
        pthread_cond_signal(&c->wake);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
    }
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
}

static int run_jobs(run *r, qn_run_report *report)
{
    size_t ranks = (size_t)qn_ranks_size(), each = (r->n_jobs + ranks - 1) / ranks; /* jobs a rank, if all take as many */
    int workers = threads_of(r->o);
    clerk c;
    r->inside = 1;
    if (each < (size_t)workers) {
        if (r->sweep->model->flags & QN_THREADS && each)
            r->inside = workers / (int)each;
        workers = each ? (int)each : 1;
    }
    omp_set_max_active_levels(2);
    qn_signals_install();
    qn_progress_start(&r->progress);
    qn_ranks_begin();
    int err = qn_ranks_agree(start_clerk(&c, r));
    if (err) { /* those that started one cannot be told apart: the process ends soon */
        qn_signals_restore();
        return err;
    }
#pragma omp parallel num_threads(workers)
    work(r);
    int64_t made[2] = {(int64_t)atomic_load(&r->progress.done), atomic_load(&r->steps)};
    qn_ranks_sum(made, 2); /* waits for the others, and goes on telling how far they are */
    end_clerk(&c);
    qn_progress_end(&r->progress);
    for (size_t i = 0; i < r->n_shared; i++) /* a stopped run leaves some */
        if (r->shared[i].ready)
            r->sweep->model->release(r->shared[i].data);
    report->done_now = (size_t)made[0];
    report->steps_now = made[1];
    qn_signals_restore();
    if (r->error)
        return qn_fail(r->error, "%s", r->error_text);
    return report->done_now < r->n_jobs ? qn_fail(QN_ERR_STOPPED, "stopped; the same command goes on") : 0;
}

/* Memory of all states of one ladder, the largest of the sweep. */
static double ladder_bytes(const qn_sweep *s)
{
    double most = 0;
    for (size_t chain = 0; s->chain.kind == QN_TEMPERING && s->model->cost && chain < s->n_points / qn_sweep_rungs(s); chain++) {
        double sum = 0;
        for (size_t i = 0; i < qn_sweep_rungs(s); i++) {
            qn_params p;
            qn_cost c = {0};
            if (qn_sweep_point(s, qn_sweep_chain_point(s, chain, i), &p))
                return 0;
            s->model->cost(&p, &c);
            qn_params_free(&p);
            sum += c.task_bytes;
        }
        most = fmax(most, sum);
    }
    return most;
}

/* The merge holds the samples of all tasks at once, a ladder one state for each of its values. */
static int check_memory(const qn_sweep *s, const qn_layout *l)
{
    double bytes = 8.0 * (double)l->row * (double)s->n_points * (double)s->replicas, there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE), states;
    char needed[32], have[32];
    if (!(there > 0))
        return 0;
    if (bytes >= 0.8 * there)
        return qn_fail(QN_ERR_INPUT, "the samples of this sweep are %s, more than this machine's %s of memory hold; measure less often (interval, points_per_decade), or run it in several sweeps",
                       qn_human_bytes(bytes, needed), qn_human_bytes(there, have));
    if ((states = ladder_bytes(s)) >= 0.8 * there)
        return qn_fail(QN_ERR_INPUT, "the states of one ladder are %s, more than this machine's %s of memory hold; temper fewer values, or a smaller system",
                       qn_human_bytes(states, needed), qn_human_bytes(there, have));
    return 0;
}

/* The plan, under the lock: nobody else changes the files then. */
static int open_plan(run *r, qn_plan *plan, const qn_layout *layout)
{
    const qn_run_options *o = r->o;
    struct stat before;
    bool was_there = !stat(o->output, &before);
    int err = qn_plan_init(plan, r->sweep, layout, o->output, o->reuse, o->n_reuse, say_note, &r->progress);
    if (!err && !plan->result_whole)
        err = lock_folder(r);
    if (err || plan->result_whole || same_file(o->output, &before, was_there))
        return err;
    qn_plan_free(plan);
    return qn_plan_init(plan, r->sweep, layout, o->output, o->reuse, o->n_reuse, say_note, &r->progress);
}

/* The same plan on a rank that holds no lock: rank 0 does. */
static int follow_plan(run *r, qn_plan *plan, const qn_layout *layout)
{
    const qn_run_options *o = r->o;
    int err = qn_plan_init(plan, r->sweep, layout, o->output, o->reuse, o->n_reuse, NULL, NULL);
    if (err || plan->result_whole)
        return err;
    r->folder = qn_parts_folder(o->output);
    if (!r->folder)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    return access(r->folder, W_OK) ? qn_fail(QN_ERR_INPUT, "%s, which rank 0 has made, cannot be written here: %s; the output must lie where all ranks reach it", r->folder, strerror(errno))
                                   : 0;
}

/* What has to be run, and from where, as a number. */
static uint64_t jobs_number(const run *r)
{
    uint64_t fold[4] = {r->n_jobs, (uint64_t)r->plan->result_whole, 0, 0};
    for (size_t i = 0; i < r->n_jobs; i++) {
        const qn_task *t = &r->plan->task[r->job[i]];
        fold[1] = t->key.w[0];
        fold[2] = t->key.w[1];
        fold[3] = t->checkpoint == QN_NOWHERE ? 0 : (uint64_t)t->checkpoint_step + 1;
        fold[0] = qn_hash_bytes(fold, sizeof fold).w[0];
    }
    return fold[0];
}

static int plan_jobs(run *r, qn_plan *plan, const qn_layout *layout)
{
    int err = qn_ranks_agree(qn_ranks_rank() == 0 ? open_plan(r, plan, layout) : 0);
    if (!err && qn_ranks_size() > 1)
        err = qn_ranks_agree(qn_ranks_rank() == 0 ? 0 : follow_plan(r, plan, layout));
    if (!err)
        err = qn_ranks_agree(plan->result_whole ? 0 : list_jobs(r));
    return err ? err : qn_ranks_compare(jobs_number(r), "other tasks to run (another sweep file, other options or other files)");
}

int qn_run_stage(const qn_sweep *s, const qn_run_options *o, qn_dataset **so_far, qn_run_report *report)
{
    memset(report, 0, sizeof *report);
    run r = {.sweep = s, .o = o, .start = qn_now(), .lock = PTHREAD_MUTEX_INITIALIZER, .taking = PTHREAD_MUTEX_INITIALIZER, .folder_fd = -1};
    bool first = qn_ranks_rank() == 0;
    qn_layout layout;
    qn_plan plan = {0};
    atomic_store(&r.serial, (size_t)qn_ranks_rank() * SERIALS_A_RANK);
    r.progress.quiet = o->quiet || !first;
    r.progress.bar = o->bar;
    int err = qn_layout_init(&layout, s);
    if (!err && (err = check_memory(s, &layout)))
        qn_layout_free(&layout);
    bool laid_out = !err;
    err = qn_ranks_agree(err);
    if (err) {
        if (laid_out)
            qn_layout_free(&layout);
        return err;
    }
    r.plan = &plan;
    err = plan_jobs(&r, &plan, &layout);
    report->tasks = plan.wanted;
    report->done_before = r.progress.before = plan.done;
    r.progress.tasks = r.n_jobs;
    bool nothing = !err && plan.result_whole, last = o->parts == 1 && !so_far; /* the result is whole already; or may be after this */
    if (nothing && !so_far && first) /* killed between the merge and this, perhaps */
        qn_remove_parts(&plan, o->output);
    if (!err && r.n_jobs)
        err = qn_ranks_agree(run_jobs(&r, report));
    if (!err && !nothing && (first || so_far)) /* all ranks decide alike about the next stage */
        err = qn_plan_refresh(&plan, o->output, say_note, &r.progress);
    report->missing = plan.wanted - plan.done;
    report->wall_s = qn_now() - r.start;
    if (!err && so_far) {
        size_t missing;
        err = qn_result_build(&plan, NULL, so_far, &missing);
    } else if (!err && !nothing && first && report->missing == 0 && last) {
        qn_provenance how = {o->command, threads_of(o), qn_ranks_size(), report->wall_s};
        size_t missing;
        err = qn_merge(&plan, o->output, &how, &missing);
    }
    err = qn_ranks_agree(err);
    report->merged = !err && !so_far && (nothing || (report->missing == 0 && last));
    qn_ranks_share(report, sizeof *report);
    if (r.folder_fd >= 0) {
        rmdir(r.folder); /* goes only when it is empty */
        close(r.folder_fd);
    }
    free(r.folder);
    free(r.job);
    free(r.job_cost);
    free(r.job_shared);
    free(r.shared);
    pthread_mutex_destroy(&r.lock);
    pthread_mutex_destroy(&r.taking);
    qn_plan_free(&plan);
    qn_layout_free(&layout);
    return err;
}

int qn_run(const qn_sweep *s, const qn_run_options *o, qn_run_report *report)
{
    return qn_adapt_is_on(s) ? qn_run_adaptive(s, o, report) : qn_run_stage(s, o, NULL, report);
}
