/* user.c -- loads a user's objective and calls it, under a lock where it is not reentrant (see user.h, quench_objective.h). */
#include "user.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "library.h"
#include "quench_objective.h"
#include "rng.h"

/* A shared object in use; there are few, and they stay until the program ends. */
typedef struct library {
    struct library *next;
    void *handle;
    const quench_objective_table *table;
    pthread_mutex_t lock; /* of its functions, unless they are reentrant */
} library;

static library *libraries;
static pthread_mutex_t libraries_lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct user {
    library *lib;
    void *context;
    bool created;
} user;

/* Is the table one that this program understands? */
static int check_table(const quench_objective_table *t, const char *path)
{
    if (t->abi != QUENCH_OBJECTIVE_ABI)
        return qn_fail(QN_ERR_INPUT, "%s speaks version %u of the interface of objectives, this quench version %u; compile it against the installed quench_objective.h",
                       path, t->abi, QUENCH_OBJECTIVE_ABI);
    if (!t->name || !*t->name || !t->eval)
        return qn_fail(QN_ERR_INPUT, "%s: its table lacks name or eval", path);
    if (t->flags & ~QUENCH_OBJECTIVE_REENTRANT)
        return qn_fail(QN_ERR_INPUT, "%s: its table has the unknown flags %#x", path, t->flags & ~QUENCH_OBJECTIVE_REENTRANT);
    if (t->d_max && t->d_min > t->d_max)
        return qn_fail(QN_ERR_INPUT, "%s: its table asks for d from %zu to %zu", path, t->d_min, t->d_max);
    return 0;
}

static int open_library(const char *path, library **out)
{
    void *handle, *table;
    int err = qn_library_symbol("", path, QUENCH_OBJECTIVE_SYMBOL, "const quench_objective_table " QUENCH_OBJECTIVE_SYMBOL, &handle, &table);
    if (err)
        return err;
    for (library *l = libraries; l; l = l->next)
        if (l->handle == handle) { /* the same file again */
            dlclose(handle);
            *out = l;
            return 0;
        }
    err = check_table(table, path);
    library *l = err ? NULL : calloc(1, sizeof *l);
    if (!l) {
        dlclose(handle);
        return err ? err : qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    *l = (library){.next = libraries, .handle = handle, .table = table};
    pthread_mutex_init(&l->lock, NULL);
    *out = libraries = l;
    return 0;
}

static int library_of(const char *path, library **out)
{
    pthread_mutex_lock(&libraries_lock);
    int err = open_library(path, out);
    pthread_mutex_unlock(&libraries_lock);
    return err;
}

static void enter(library *l)
{
    if (!(l->table->flags & QUENCH_OBJECTIVE_REENTRANT))
        pthread_mutex_lock(&l->lock);
}

static void leave(library *l)
{
    if (!(l->table->flags & QUENCH_OBJECTIVE_REENTRANT))
        pthread_mutex_unlock(&l->lock);
}

static void user_free(cbo_objective *o)
{
    user *u = o->data;
    if (u && u->created && u->lib->table->destroy) {
        enter(u->lib);
        u->lib->table->destroy(u->context);
        leave(u->lib);
    }
    free(u);
    o->data = NULL;
}

static void user_eval(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z)
{
    (void)z;
    const user *u = o->data;
    enter(u->lib);
    u->lib->table->eval(lanes, o->d, CBO_LANES, x, f, u->context);
    leave(u->lib);
}

static void user_grad(const cbo_objective *o, const double *x, double *g)
{
    const user *u = o->data;
    enter(u->lib);
    u->lib->table->grad(o->d, x, g, u->context);
    leave(u->lib);
}

/* Within the lock. */
static int ask_minimisers(cbo_objective *o, const user *u)
{
    const quench_objective_table *t = u->lib->table;
    double f_min = NAN;
    size_t n = t->minimiser ? t->minimiser(o->d, NULL, &f_min, u->context) : 0;
    if (!n)
        return 0;
    if (n > SIZE_MAX / sizeof(double) / o->d || !(o->minimiser = malloc(n * o->d * sizeof *o->minimiser)))
        return qn_fail(QN_ERR_NOMEM, "objective %s: no memory for the %zu minimisers it tells of", t->name, n);
    f_min = NAN;
    if (t->minimiser(o->d, o->minimiser, &f_min, u->context) != n)
        return qn_fail(QN_ERR_MODEL, "objective %s: tells of %zu minimisers first and of another number then", t->name, n);
    for (size_t k = 0; k < n * o->d; k++)
        if (!isfinite(o->minimiser[k]))
            return qn_fail(QN_ERR_MODEL, "objective %s: coordinate %zu of its minimiser %zu is not finite", t->name, k % o->d, k / o->d);
    o->n_minimisers = n;
    o->f_min = f_min;
    return 0;
}

static int user_make(cbo_objective *o, const qn_params *p, const void *shared, qn_streams *streams)
{
    (void)shared;
    const char *options = qn_text(p, "objective_options");
    char message[512] = "";
    uint64_t seed = qn_rng_u64(&streams->disorder);
    user *u = o->data = calloc(1, sizeof *u);
    o->free_data = user_free;
    if (!u)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = library_of(qn_text(p, "objective_file"), &u->lib);
    if (err)
        return err;
    const quench_objective_table *t = u->lib->table;
    enter(u->lib);
    int refused = t->create ? t->create(o->d, options ? options : "", seed, &u->context, message, sizeof message) : 0;
    message[sizeof message - 1] = '\0';
    u->created = !refused;
    err = refused ? qn_fail(QN_ERR_MODEL, "objective %s: %s", t->name, *message ? message : "cannot be made, and does not say why") : ask_minimisers(o, u);
    leave(u->lib);
    o->eval = user_eval;
    o->grad = t->grad ? user_grad : NULL;
    return err;
}

static void user_check(const qn_params *p, qn_problems *c)
{
    const char *path = qn_text(p, "objective_file");
    if (!path || access(path, R_OK)) /* said elsewhere; or a result file is looked at where its objective is not */
        return;
    library *l;
    if (library_of(path, &l)) {
        qn_complain(c, "objective_file", "%s", qn_error_text());
        return;
    }
    size_t d = (size_t)qn_int(p, "d"), least = l->table->d_min, most = l->table->d_max;
    if (d < least || (most && d > most)) {
        char range[64];
        if (!most)
            snprintf(range, sizeof range, "at least %zu", least);
        else if (least == most)
            snprintf(range, sizeof range, "%zu", most);
        else
            snprintf(range, sizeof range, "from %zu to %zu", least ? least : 1, most);
        qn_complain(c, "d", "%zu, but the objective %s of %s takes d %s", d, l->table->name, path, range);
    }
}

const cbo_objective_kind cbo_user_kind[] = {
    {.name = "user", .make = user_make, .check = user_check},
    {.name = NULL},
};
