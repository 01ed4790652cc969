/* group.c -- see group.h and the checkpoint part of quench.h. */
#include "group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t width(qn_entry_type t)
{
    return t == QN_ENTRY_BYTES ? 1 : 8;
}

const qn_entry *qn_group_get(const qn_group *g, const char *name)
{
    for (size_t i = 0; i < g->n; i++)
        if (!strcmp(g->entry[i].name, name))
            return &g->entry[i];
    return NULL;
}

int qn_group_put(qn_group *g, const char *name, qn_entry_type type, size_t n, const void *x)
{
    if (qn_group_get(g, name))
        return qn_fail(QN_ERR_MODEL, "a checkpoint saves '%s' twice", name);
    if (g->n == g->room) {
        size_t room = g->room ? 2 * g->room : 8;
        qn_entry *entry = realloc(g->entry, room * sizeof *entry);
        if (!entry)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        g->entry = entry;
        g->room = room;
    }
    qn_entry e = {strdup(name), type, n, malloc(n * width(type) + 1)};
    if (!e.name || !e.data) {
        free(e.name);
        free(e.data);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    if (n)
        memcpy(e.data, x, n * width(type));
    g->entry[g->n++] = e;
    return 0;
}

void qn_group_clear(qn_group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        free(g->entry[i].name);
        free(g->entry[i].data);
    }
    free(g->entry);
    memset(g, 0, sizeof *g);
}

int qn_group_nest(qn_group *g, size_t i, const qn_group *one)
{
    int err = 0;
    for (size_t k = 0; k < one->n && !err; k++) {
        char name[256];
        if (snprintf(name, sizeof name, "%zu/%s", i, one->entry[k].name) >= (int)sizeof name)
            return qn_fail(QN_ERR_MODEL, "a checkpoint's name is too long: %s", one->entry[k].name);
        err = qn_group_put(g, name, one->entry[k].type, one->entry[k].n, one->entry[k].data);
    }
    return err;
}

int qn_group_unnest(const qn_group *g, size_t i, qn_group *one)
{
    char prefix[32];
    int err = 0, n = snprintf(prefix, sizeof prefix, "%zu/", i);
    for (size_t k = 0; k < g->n && !err; k++)
        if (!strncmp(g->entry[k].name, prefix, (size_t)n))
            err = qn_group_put(one, g->entry[k].name + n, g->entry[k].type, g->entry[k].n, g->entry[k].data);
    return err;
}

static int take(const qn_group *g, const char *name, qn_entry_type type, size_t n, void *x)
{
    const qn_entry *e = qn_group_get(g, name);
    if (!e || e->type != type || e->n != n)
        return qn_fail(QN_ERR_DATA, "a checkpoint %s '%s'", e ? "has another type or length for" : "lacks", name);
    if (n)
        memcpy(x, e->data, n * width(type));
    return 0;
}

int qn_save_bytes(qn_group *g, const char *name, size_t n, const void *x)
{
    return qn_group_put(g, name, QN_ENTRY_BYTES, n, x);
}

int qn_save_i64(qn_group *g, const char *name, size_t n, const int64_t *x)
{
    return qn_group_put(g, name, QN_ENTRY_I64, n, x);
}

int qn_save_f64(qn_group *g, const char *name, size_t n, const double *x)
{
    return qn_group_put(g, name, QN_ENTRY_F64, n, x);
}

int qn_load_bytes(const qn_group *g, const char *name, size_t n, void *x)
{
    return take(g, name, QN_ENTRY_BYTES, n, x);
}

int qn_load_i64(const qn_group *g, const char *name, size_t n, int64_t *x)
{
    return take(g, name, QN_ENTRY_I64, n, x);
}

int qn_load_f64(const qn_group *g, const char *name, size_t n, double *x)
{
    return take(g, name, QN_ENTRY_F64, n, x);
}

size_t qn_group_size(const qn_group *g, const char *name)
{
    const qn_entry *e = qn_group_get(g, name);
    return e ? e->n : 0;
}
