/* dataset.c -- the tree in memory (see dataset.h).  Arrays of entries grow at powers of two, so their room need not be kept. */
#include "dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(void)
{
    return qn_fail(QN_ERR_NOMEM, "out of memory");
}

/* Room for entry n of an array of n: NULL when memory is out, and then the old array stays. */
static void *grown(void *array, size_t n, size_t size)
{
    if (n && n & (n - 1))
        return array;
    return realloc(array, (n ? 2 * n : 1) * size);
}

/* ---- names: a table of places, since a file may hold one checkpoint for each of thousands of tasks ----------------------- */

static size_t hash_name(const char *name)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a (Fowler, Noll, Vo), 64 bits */
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h ^ h >> 32;
}

static void put_name(qn_names *t, const char *name, size_t i)
{
    size_t at = hash_name(name) & (t->room - 1);
    while (t->slot[at])
        at = (at + 1) & (t->room - 1);
    t->slot[at] = (uint32_t)i + 1;
}

/* Room for entry n; *refill when the n entries must be put again. */
static int names_room(qn_names *t, size_t n, bool *refill)
{
    *refill = false;
    if (2 * n < t->room)
        return 0;
    size_t room = t->room ? 4 * t->room : 16;
    uint32_t *slot = room <= UINT32_MAX ? calloc(room, sizeof *slot) : NULL;
    if (!slot)
        return no_memory();
    free(t->slot);
    *t = (qn_names){slot, room};
    *refill = true;
    return 0;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static qn_dataset *new_group(const char *name, qn_dataset *parent)
{
    qn_dataset *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->parent = parent;
    d->name = strdup(name);
    if (d->name)
        return d;
    free(d);
    return NULL;
}

int qn_dataset_new(qn_dataset **out)
{
    *out = new_group("/", NULL);
    return *out ? 0 : no_memory();
}

static void free_attrs(qn_attr *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(a[i].name);
        free(a[i].f64);
        free(a[i].i64);
        free(a[i].str);
    }
    free(a);
}

static void free_var(qn_var *v)
{
    for (size_t i = 0; v->type == QN_STR && v->str && i < v->size; i++)
        free(v->str[i]);
    free(v->data);
    free_attrs(v->attrs, v->n_attrs);
    free(v->name);
    free(v);
}

void qn_dataset_free(qn_dataset *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n_groups; i++)
        qn_dataset_free(d->groups[i]);
    for (size_t i = 0; i < d->n_vars; i++)
        free_var(d->vars[i]);
    for (size_t i = 0; i < d->n_dims; i++)
        free(d->dims[i].name);
    free_attrs(d->attrs, d->n_attrs);
    free(d->groups);
    free(d->vars);
    free(d->dims);
    free(d->dim_names.slot);
    free(d->var_names.slot);
    free(d->name);
    free(d->left_out);
    free(d);
}

/* A name becomes a link of HDF5, where '/' and '.' mean paths. */
static int check_name(const char *name)
{
    if (!*name || !strcmp(name, ".") || strchr(name, '/'))
        return qn_fail(QN_ERR_DATA, "'%s' cannot be the name of a variable, dimension or group", name);
    return 0;
}

static qn_dataset *child(const qn_dataset *d, const char *name)
{
    for (size_t i = 0; i < d->n_groups; i++)
        if (!strcmp(d->groups[i]->name, name))
            return d->groups[i];
    return NULL;
}

const qn_dataset *qn_dataset_find_group(const qn_dataset *d, const char *name)
{
    return child(d, name);
}

void qn_dataset_drop_group(qn_dataset *d, const char *name)
{
    size_t i = 0;
    while (i < d->n_groups && strcmp(d->groups[i]->name, name))
        i++;
    if (i == d->n_groups)
        return;
    qn_dataset_free(d->groups[i]);
    d->n_groups--;
    memmove(&d->groups[i], &d->groups[i + 1], (d->n_groups - i) * sizeof *d->groups);
}

int qn_dataset_group(qn_dataset *d, const char *name, qn_dataset **out)
{
    if ((*out = child(d, name)))
        return 0;
    int err = check_name(name);
    if (err)
        return err;
    if (qn_dataset_find(d, name))
        return qn_fail(QN_ERR_DATA, "%s is a variable and cannot be a group too", name);
    qn_dataset **groups = grown(d->groups, d->n_groups, sizeof *groups);
    if (groups)
        d->groups = groups;
    qn_dataset *made = groups ? new_group(name, d) : NULL;
    if (!made)
        return no_memory();
    d->groups[d->n_groups++] = *out = made;
    return 0;
}

/* ---- dimensions -------------------------------------------------------------------------------------------------- */

static const qn_dim *own_dim(const qn_dataset *d, const char *name)
{
    const qn_names *t = &d->dim_names;
    for (size_t at = t->room ? hash_name(name) & (t->room - 1) : 0; t->room && t->slot[at]; at = (at + 1) & (t->room - 1))
        if (!strcmp(d->dims[t->slot[at] - 1].name, name))
            return &d->dims[t->slot[at] - 1];
    return NULL;
}

const qn_dim *qn_dataset_find_dim(const qn_dataset *d, const char *name)
{
    const qn_dim *dim = NULL;
    for (; d && !dim; d = d->parent)
        dim = own_dim(d, name);
    return dim;
}

static int add_dim(qn_dataset *d, const char *name, size_t n)
{
    bool refill;
    int err = names_room(&d->dim_names, d->n_dims, &refill);
    for (size_t i = 0; refill && i < d->n_dims; i++)
        put_name(&d->dim_names, d->dims[i].name, i);
    qn_dim *dims = err ? NULL : grown(d->dims, d->n_dims, sizeof *dims);
    if (dims)
        d->dims = dims;
    char *copy = dims ? strdup(name) : NULL;
    if (!copy)
        return no_memory();
    put_name(&d->dim_names, name, d->n_dims);
    d->dims[d->n_dims++] = (qn_dim){copy, n};
    return 0;
}

int qn_dataset_dim(qn_dataset *d, const char *name, size_t n)
{
    const qn_dim *own = own_dim(d, name), *seen = qn_dataset_find_dim(d, name);
    if (own && own->n != n)
        return qn_fail(QN_ERR_DATA, "dimension %s has the length %zu and cannot have %zu too", name, own->n, n);
    if (seen && seen->n == n)
        return 0;
    int err = check_name(name);
    if (err)
        return err;
    if (qn_dataset_find(d, name))
        return qn_fail(QN_ERR_DATA, "%s is a variable and cannot be a dimension too", name);
    for (size_t i = 0; seen && i < d->n_vars; i++)
        for (size_t k = 0; k < d->vars[i]->rank; k++)
            if (!strcmp(d->vars[i]->dims[k], name))
                return qn_fail(QN_ERR_DATA, "dimension %s has the length %zu in %s and cannot have %zu too", name, seen->n, d->vars[i]->name, n);
    return add_dim(d, name, n);
}

/* ---- variables --------------------------------------------------------------------------------------------------- */

static size_t element_size(qn_dtype type)
{
    return type == QN_I8 ? 1 : type == QN_STR ? sizeof(char *) : 8;
}

qn_var *qn_dataset_find(const qn_dataset *d, const char *name)
{
    const qn_names *t = &d->var_names;
    for (size_t at = t->room ? hash_name(name) & (t->room - 1) : 0; t->room && t->slot[at]; at = (at + 1) & (t->room - 1))
        if (!strcmp(d->vars[t->slot[at] - 1]->name, name))
            return d->vars[t->slot[at] - 1];
    return NULL;
}

/* May a variable have this name?  One with a dimension's name must be its coordinate. */
static int check_var(const qn_dataset *d, const char *name, size_t n_dims, const char *const *dims)
{
    int err = check_name(name);
    if (err)
        return err;
    if (qn_dataset_find(d, name) || child(d, name))
        return qn_fail(QN_ERR_DATA, "%s is there already", name);
    if (n_dims > QN_MAX_RANK)
        return qn_fail(QN_ERR_DATA, "%s has %zu dimensions; at most %d are possible", name, n_dims, QN_MAX_RANK);
    for (size_t k = 0; k < n_dims; k++)
        if (!qn_dataset_find_dim(d, dims[k]))
            return qn_fail(QN_ERR_DATA, "%s is over %s, which is no dimension", name, dims[k]);
    if (qn_dataset_find_dim(d, name) && (n_dims != 1 || strcmp(dims[0], name)))
        return qn_fail(QN_ERR_DATA, "%s has the name of a dimension and is not its coordinate", name);
    return 0;
}

static int set_shape(const qn_dataset *d, qn_var *v, size_t n_dims, const char *const *dims)
{
    v->rank = n_dims;
    v->size = 1;
    for (size_t k = 0; k < n_dims; k++) {
        const qn_dim *dim = qn_dataset_find_dim(d, dims[k]);
        v->dims[k] = dim->name;
        v->shape[k] = dim->n;
        if (dim->n && v->size > SIZE_MAX / 16 / dim->n)
            return qn_fail(QN_ERR_NOMEM, "%s is larger than any memory", v->name);
        v->size *= dim->n;
    }
    return 0;
}

int qn_dataset_var(qn_dataset *d, const char *name, qn_dtype type, size_t n_dims, const char *const *dims, qn_var **out)
{
    *out = NULL;
    int err = check_var(d, name, n_dims, dims);
    const qn_dim *above = err ? NULL : qn_dataset_find_dim(d, name);
    if (above && !own_dim(d, name)) /* a coordinate here for a dimension from above: it becomes this group's own */
        err = add_dim(d, name, above->n);
    if (err)
        return err;
    bool refill;
    err = names_room(&d->var_names, d->n_vars, &refill);
    for (size_t i = 0; refill && i < d->n_vars; i++)
        put_name(&d->var_names, d->vars[i]->name, i);
    qn_var **vars = err ? NULL : grown(d->vars, d->n_vars, sizeof *vars);
    if (vars)
        d->vars = vars;
    qn_var *v = vars ? calloc(1, sizeof *v) : NULL;
    if (!v)
        return no_memory();
    v->type = type;
    v->name = strdup(name);
    err = v->name ? set_shape(d, v, n_dims, dims) : no_memory();
    if (!err && !(v->data = calloc(v->size ? v->size : 1, element_size(type))))
        err = qn_fail(QN_ERR_NOMEM, "out of memory: %s has %zu elements", name, v->size);
    if (err) {
        free_var(v);
        return err;
    }
    for (size_t i = 0; type == QN_F64 && i < v->size; i++)
        v->f64[i] = NAN;
    put_name(&d->var_names, name, d->n_vars);
    d->vars[d->n_vars++] = *out = v;
    return 0;
}

void qn_dataset_drop(qn_dataset *d, const char *name)
{
    const qn_var *v = qn_dataset_find(d, name);
    size_t at = 0;
    if (!v)
        return;
    while (d->vars[at] != v)
        at++;
    free_var(d->vars[at]);
    d->n_vars--;
    memmove(&d->vars[at], &d->vars[at + 1], (d->n_vars - at) * sizeof *d->vars);
    memset(d->var_names.slot, 0, d->var_names.room * sizeof *d->var_names.slot);
    for (size_t i = 0; i < d->n_vars; i++)
        put_name(&d->var_names, d->vars[i]->name, i);
}

int qn_var_set_str(qn_var *v, size_t i, const char *s)
{
    char *copy = strdup(s);
    if (!copy)
        return no_memory();
    free(v->str[i]);
    v->str[i] = copy;
    return 0;
}

double qn_var_number(const qn_var *v, size_t i)
{
    switch (v->type) {
    case QN_F64:
        return v->f64[i];
    case QN_I64:
        return (double)v->i64[i];
    case QN_I8:
        return v->i8[i];
    case QN_STR:
        break;
    }
    return NAN;
}

/* ---- a group as a root ------------------------------------------------------------------------------------------- */

static bool needs_dims_above(const qn_dataset *group, const qn_dataset *d)
{
    for (size_t i = 0; i < d->n_vars; i++)
        for (size_t k = 0; k < d->vars[i]->rank; k++) {
            const qn_dataset *at = d;
            while (at != group && !own_dim(at, d->vars[i]->dims[k]))
                at = at->parent;
            if (!own_dim(at, d->vars[i]->dims[k]))
                return true;
        }
    for (size_t i = 0; i < d->n_groups; i++)
        if (needs_dims_above(group, d->groups[i]))
            return true;
    return false;
}

int qn_dataset_take_group(qn_dataset *root, const char *name, qn_dataset **out)
{
    size_t i = 0;
    *out = NULL;
    while (i < root->n_groups && strcmp(root->groups[i]->name, name))
        i++;
    if (i == root->n_groups)
        return qn_fail(QN_ERR_INPUT, "there is no group /%s", name);
    if (needs_dims_above(root->groups[i], root->groups[i]))
        return qn_fail(QN_ERR_DATA, "the group /%s does not stand alone: its variables lie over dimensions of the whole file", name);
    *out = root->groups[i];
    (*out)->parent = NULL;
    root->groups[i] = root->groups[--root->n_groups];
    qn_dataset_free(root);
    return 0;
}

int qn_dataset_put_group(qn_dataset *d, const char *name, qn_dataset *group)
{
    qn_dataset *place;
    qn_dataset_drop_group(d, name);
    char *copy = strdup(name);
    int err = copy ? qn_dataset_group(d, name, &place) : no_memory();
    if (err) {
        free(copy);
        qn_dataset_free(group);
        return err;
    }
    free(group->name);
    group->name = copy;
    group->parent = d;
    d->groups[d->n_groups - 1] = group; /* where the empty one was just made */
    qn_dataset_free(place);
    return 0;
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

/* The slot for `name`, emptied of its old value. */
static qn_attr *attr_slot(qn_dataset *d, qn_var *v, const char *name)
{
    qn_attr **list = v ? &v->attrs : &d->attrs;
    size_t *n = v ? &v->n_attrs : &d->n_attrs;
    for (size_t i = 0; i < *n; i++)
        if (!strcmp((*list)[i].name, name)) {
            qn_attr *a = &(*list)[i];
            free(a->f64);
            free(a->i64);
            free(a->str);
            *a = (qn_attr){.name = a->name};
            return a;
        }
    qn_attr *more = grown(*list, *n, sizeof *more);
    if (more)
        *list = more;
    char *copy = more ? strdup(name) : NULL;
    if (!copy)
        return NULL;
    more[*n] = (qn_attr){.name = copy};
    return &more[(*n)++];
}

/* Takes the array `copy` of n elements (or NULL when memory was out). */
static int set_attr(qn_dataset *d, qn_var *v, const char *name, qn_dtype type, size_t n, void *copy)
{
    qn_attr *a = copy ? attr_slot(d, v, name) : NULL;
    if (!a) {
        free(copy);
        return no_memory();
    }
    a->type = type;
    a->n = n;
    if (type == QN_STR)
        a->str = copy;
    else if (type == QN_F64)
        a->f64 = copy;
    else
        a->i64 = copy;
    return 0;
}

static void *copied(const void *x, size_t bytes)
{
    void *copy = malloc(bytes + 1);
    if (copy && bytes)
        memcpy(copy, x, bytes);
    return copy;
}

int qn_attr_str(qn_dataset *d, qn_var *v, const char *name, const char *value)
{
    return set_attr(d, v, name, QN_STR, 1, strdup(value));
}

int qn_attr_f64(qn_dataset *d, qn_var *v, const char *name, size_t n, const double *x)
{
    return set_attr(d, v, name, QN_F64, n, copied(x, n * sizeof *x));
}

int qn_attr_i64(qn_dataset *d, qn_var *v, const char *name, size_t n, const int64_t *x)
{
    return set_attr(d, v, name, QN_I64, n, copied(x, n * sizeof *x));
}

const qn_attr *qn_attr_find(const qn_dataset *d, const qn_var *v, const char *name)
{
    const qn_attr *a = v ? v->attrs : d->attrs;
    size_t n = v ? v->n_attrs : d->n_attrs;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(a[i].name, name))
            return &a[i];
    return NULL;
}

const char *qn_attr_text(const qn_dataset *d, const qn_var *v, const char *name)
{
    const qn_attr *a = qn_attr_find(d, v, name);
    return a && a->type == QN_STR ? a->str : NULL;
}
