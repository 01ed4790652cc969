/* store_read.c -- an HDF5 file as a dataset (see dataset.h), also one that another program has written. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hdf5_hl.h>

#include "dataset.h"
#include "sealed.h"
#include "text.h"

#define DEFLATE_RATIO 1032 /* the most that deflate can gain (zlib's technical notes) */
#define DEEPEST 16         /* groups within groups */

typedef struct known { /* an object seen: its address, and if it is a scale the dimension that it stands for */
    haddr_t at;
    const char *dim;
} known;

typedef struct reader {
    const char *path;
    uint64_t bytes;     /* length of the file */
    const char *group;  /* the root group of which only the variables `only` are read; NULL: none */
    const char *const *only;
    known *seen;
    size_t n_seen;
    qn_buffer left_out;
} reader;

typedef struct entry { /* a hard link of a group */
    char *name;
    haddr_t at;
    bool is_group;
    hid_t id;
} entry;

typedef struct entries {
    entry *item;
    size_t n, room;
    bool failed;
} entries;

/* What HDF5 reports while reading means that the file is not what it should be. */
static int damaged(const reader *r, const char *what)
{
    char why[QN_STORE_REASON];
    return qn_fail(QN_ERR_DATA, "%s: %s cannot be read, the file is damaged: %s", r->path, what, qn_store_reason(why));
}

static const known *find_known(const reader *r, haddr_t at)
{
    for (size_t i = 0; i < r->n_seen; i++)
        if (r->seen[i].at == at)
            return &r->seen[i];
    return NULL;
}

static int add_known(reader *r, haddr_t at, const char *dim)
{
    if (!(r->n_seen & (r->n_seen - 1))) {
        known *more = realloc(r->seen, (r->n_seen ? 2 * r->n_seen : 1) * sizeof *more);
        if (!more)
            return qn_fail(QN_ERR_NOMEM, "%s: out of memory", r->path);
        r->seen = more;
    }
    r->seen[r->n_seen++] = (known){at, dim};
    return 0;
}

static void leave_out(reader *r, const qn_dataset *d, const char *name)
{
    qn_buffer_add(&r->left_out, "%s%s%s%s", r->left_out.n ? ", " : "", d->parent ? d->name : "", d->parent ? "/" : "", name);
}

static qn_dtype type_of(hid_t type)
{
    qn_dtype is = 0;
    hid_t base;
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        return QN_F64;
    case H5T_INTEGER:
        return H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_2 ? QN_I8 : QN_I64;
    case H5T_STRING:
        return QN_STR;
    case H5T_ENUM: /* h5py's truth values */
        base = H5Tget_super(type);
        is = base < 0 ? 0 : type_of(base);
        H5Tclose(base);
        return is;
    default:
        return is;
    }
}

/* In memory a fixed text gets one more byte, so that it always ends. */
static hid_t text_in_memory(hid_t type)
{
    hid_t to = H5Tcopy(H5T_C_S1);
    size_t size = H5Tis_variable_str(type) > 0 ? H5T_VARIABLE : H5Tget_size(type) + 1;
    if (to >= 0 && (H5Tset_size(to, size) < 0 || H5Tset_cset(to, H5Tget_cset(type)) < 0)) {
        H5Tclose(to);
        return -1;
    }
    return to;
}

/* Reads n texts of a dataset or an attribute (`is_attr`) into out[n], allocated; the array itself is the caller's. */
static int read_text(hid_t from, bool is_attr, hid_t type, hid_t space, size_t n, char **out)
{
    hid_t as = text_in_memory(type);
    if (as < 0)
        return -1;
    bool variable = H5Tis_variable_str(type) > 0;
    size_t size = variable ? sizeof(char *) : H5Tget_size(as);
    char *raw = calloc(n ? n : 1, size), **each = (char **)(void *)raw;
    int bad = !raw || (is_attr ? H5Aread(from, as, raw) : H5Dread(from, as, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw)) < 0;
    for (size_t i = 0; i < n && !bad; i++) {
        const char *text = variable ? each[i] : raw + i * size;
        out[i] = strdup(text ? text : "");
        bad = !out[i];
    }
    if (raw && variable)
        H5Dvlen_reclaim(as, space, H5P_DEFAULT, raw);
    free(raw);
    H5Tclose(as);
    return bad ? -1 : 0;
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

typedef struct attr_target {
    reader *r;
    qn_dataset *d;
    qn_var *v;
    int err;
} attr_target;

/* What HDF5's and netCDF's own machinery keeps in attributes. */
static bool is_machinery(const char *name)
{
    static const char *const own[] = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS", "_Netcdf4Dimid", "_Netcdf4Coordinates",
                                      "_NCProperties", "_nc3_strict"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strcmp(own[i], name))
            return true;
    return false;
}

static int take_attr(const attr_target *t, hid_t id, const char *name, hid_t type, hid_t space)
{
    hssize_t n = H5Sget_simple_extent_npoints(space);
    qn_dtype as = type_of(type);
    size_t each = H5Tget_size(type);
    if (!as || n < 0 || each == 0 || (uint64_t)n > t->r->bytes / each || (as == QN_STR && n > 1))
        return 0;
    if (as == QN_STR) {
        char *text = NULL;
        if (n == 1 && read_text(id, true, type, space, 1, &text))
            return damaged(t->r, name);
        int err = qn_attr_str(t->d, t->v, name, text ? text : "");
        free(text);
        return err;
    }
    void *x = calloc((size_t)n + 1, 8);
    if (!x)
        return qn_fail(QN_ERR_NOMEM, "%s: out of memory", t->r->path);
    int err = n && H5Aread(id, as == QN_F64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, x) < 0 ? damaged(t->r, name) : 0;
    if (!err)
        err = as == QN_F64 ? qn_attr_f64(t->d, t->v, name, (size_t)n, x) : qn_attr_i64(t->d, t->v, name, (size_t)n, x);
    free(x);
    return err;
}

static herr_t visit_attr(hid_t at, const char *name, const H5A_info_t *info, void *to)
{
    (void)info;
    attr_target *t = to;
    if (is_machinery(name))
        return 0;
    hid_t id = H5Aopen(at, name, H5P_DEFAULT);
    hid_t type = id < 0 ? -1 : H5Aget_type(id), space = id < 0 ? -1 : H5Aget_space(id);
    t->err = type < 0 || space < 0 ? damaged(t->r, name) : take_attr(t, id, name, type, space);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (id >= 0)
        H5Aclose(id);
    return t->err ? -1 : 0;
}

/* In order of creation where the file keeps it. */
static int read_attrs(reader *r, hid_t at, hid_t properties, qn_dataset *d, qn_var *v)
{
    attr_target t = {r, d, v, 0};
    unsigned order = 0;
    if (properties < 0 || H5Pget_attr_creation_order(properties, &order) < 0)
        order = 0;
    if (H5Aiterate2(at, order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attr, &t) < 0 && !t.err)
        return damaged(r, v ? v->name : d->name);
    return t.err;
}

/* ---- variables --------------------------------------------------------------------------------------------------- */

typedef struct shape {
    size_t rank, n[QN_MAX_RANK], size;
} shape;

/* The shape of a dataset; false when it cannot be held. */
static bool shape_of(hid_t space, shape *s)
{
    int rank = H5Sget_simple_extent_ndims(space);
    hsize_t n[H5S_MAX_RANK];
    *s = (shape){.size = 1};
    if (rank < 0 || rank > QN_MAX_RANK || H5Sget_simple_extent_type(space) == H5S_NULL || H5Sget_simple_extent_dims(space, n, NULL) < 0)
        return false;
    for (; s->rank < (size_t)rank; s->rank++) {
        if (n[s->rank] && s->size > ((size_t)1 << 48) / n[s->rank])
            return false;
        s->n[s->rank] = n[s->rank];
        s->size *= n[s->rank];
    }
    return true;
}

/* Can the file hold that many bytes of this dataset, however well they compress? */
static bool is_plausible(const reader *r, hid_t id, size_t n, size_t each)
{
    hsize_t stored = H5Dget_storage_size(id);
    return stored <= r->bytes && n <= (stored * DEFLATE_RATIO + QN_STORE_CHUNK) / each;
}

static herr_t first_scale(hid_t id, unsigned k, hid_t scale, void *to)
{
    (void)id, (void)k;
    H5O_info_t info;
    if (H5Oget_info2(scale, &info, H5O_INFO_BASIC) >= 0)
        *(haddr_t *)to = info.addr;
    return 1;
}

/* The name of axis k of a dataset: its scale's dimension when that is visible from d and has this length, else a name of its own. */
static int axis_name(const reader *r, hid_t id, const qn_dataset *d, const char *var, const shape *s, size_t k, char *out, size_t room)
{
    haddr_t at = HADDR_UNDEF;
    H5DSiterate_scales(id, (unsigned)k, NULL, first_scale, &at);
    const known *scale = at == HADDR_UNDEF ? NULL : find_known(r, at);
    const qn_dim *dim = scale && scale->dim ? qn_dataset_find_dim(d, scale->dim) : NULL;
    int n = dim && dim->n == s->n[k] ? snprintf(out, room, "%s", dim->name)
            : s->rank == 1           ? snprintf(out, room, "_n_%s", var)
                                     : snprintf(out, room, "_n%zu_%s", k, var);
    return n < 0 || (size_t)n >= room ? qn_fail(QN_ERR_DATA, "%s: a name in it is longer than %zu bytes", r->path, room) : 0;
}

#define LONGEST_NAME 1024

static int fill_var(reader *r, hid_t id, hid_t type, hid_t space, qn_var *v)
{
    int bad = 0;
    if (v->size && v->type == QN_STR)
        bad = read_text(id, false, type, space, v->size, v->str);
    else if (v->size)
        bad = H5Dread(id, v->type == QN_F64 ? H5T_NATIVE_DOUBLE : v->type == QN_I8 ? H5T_NATIVE_INT8 : H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, v->data) < 0;
    return bad ? damaged(r, v->name) : 0;
}

/* A dataset of known type and shape; what the tree cannot hold (a taken name) is left out. */
static int read_array(reader *r, qn_dataset *d, const char *name, hid_t id, hid_t type, hid_t space, const shape *s)
{
    char (*axis)[LONGEST_NAME] = malloc((s->rank ? s->rank : 1) * sizeof *axis);
    const char *dims[QN_MAX_RANK];
    qn_var *v = NULL;
    int err = axis ? 0 : qn_fail(QN_ERR_NOMEM, "%s: out of memory", r->path);
    for (size_t k = 0; k < s->rank && !err; k++) {
        dims[k] = axis[k];
        if (s->rank == 1 && H5DSis_scale(id) > 0)
            dims[k] = name;
        else
            err = axis_name(r, id, d, name, s, k, axis[k], sizeof axis[k]);
        if (!err)
            err = qn_dataset_dim(d, dims[k], s->n[k]);
    }
    if (!err)
        err = qn_dataset_var(d, name, type_of(type), s->rank, dims, &v);
    free(axis);
    if (err == QN_ERR_DATA) {
        leave_out(r, d, name);
        return 0;
    }
    if (!err)
        err = fill_var(r, id, type, space, v);
    hid_t how = err ? -1 : H5Dget_create_plist(id);
    if (!err)
        err = read_attrs(r, id, how, d, v);
    if (how >= 0)
        H5Pclose(how);
    return err;
}

static int read_var(reader *r, qn_dataset *d, const entry *e)
{
    char label[64];
    if (H5DSis_scale(e->id) > 0 && H5DSget_scale_name(e->id, label, sizeof label) > 0 && !strncmp(label, QN_STORE_NO_VALUES, strlen(QN_STORE_NO_VALUES)))
        return 0; /* a dimension, known already */
    hid_t type = H5Dget_type(e->id), space = H5Dget_space(e->id);
    shape s;
    int err = type < 0 || space < 0 ? damaged(r, e->name) : 0;
    if (!err && type_of(type) && shape_of(space, &s) && is_plausible(r, e->id, s.size, H5Tget_size(type)))
        err = read_array(r, d, e->name, e->id, type, space, &s);
    else if (!err)
        leave_out(r, d, e->name);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return err;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *to)
{
    entries *list = to;
    H5O_info_t object;
    if (info->type != H5L_TYPE_HARD || H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return info->type == H5L_TYPE_HARD ? -1 : 0;
    if (object.type != H5O_TYPE_GROUP && object.type != H5O_TYPE_DATASET)
        return 0;
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 16;
        entry *more = realloc(list->item, room * sizeof *more);
        if (!more) {
            list->failed = true;
            return -1;
        }
        list->item = more;
        list->room = room;
    }
    char *copy = strdup(name);
    list->failed = !copy;
    if (copy)
        list->item[list->n++] = (entry){copy, object.addr, object.type == H5O_TYPE_GROUP, -1};
    return copy ? 0 : -1;
}

/* The hard links of a group, in order of creation where the file keeps it; objects are not open yet. */
static int list_group(const reader *r, hid_t id, const char *name, hid_t properties, entries *list)
{
    unsigned order = 0;
    if (properties < 0 || H5Pget_link_creation_order(properties, &order) < 0)
        order = 0;
    if (H5Literate(id, order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, list) >= 0)
        return 0;
    return list->failed ? qn_fail(QN_ERR_NOMEM, "%s: out of memory", r->path) : damaged(r, name);
}

/* Opens what is new in a group; every scale among it becomes a dimension, so that variables before it find it. */
static int open_entries(reader *r, qn_dataset *d, hid_t id, entries *list)
{
    int err = 0;
    for (size_t i = 0; i < list->n && !err; i++) {
        entry *e = &list->item[i];
        if (find_known(r, e->at))
            continue;
        e->id = H5Oopen(id, e->name, H5P_DEFAULT);
        if (e->id < 0)
            return damaged(r, e->name);
        hid_t space = !e->is_group && H5DSis_scale(e->id) > 0 ? H5Dget_space(e->id) : -1;
        shape s;
        const qn_dim *dim = NULL;
        if (space >= 0 && shape_of(space, &s) && s.rank == 1 && !qn_dataset_dim(d, e->name, s.n[0]))
            dim = qn_dataset_find_dim(d, e->name);
        if (space >= 0)
            H5Sclose(space);
        err = add_known(r, e->at, dim ? dim->name : NULL);
    }
    return err;
}

static bool is_skipped(const char *const *skip, const char *name)
{
    for (; skip && *skip; skip++)
        if (!strcmp(*skip, name))
            return true;
    return false;
}

/* A variable of the group of which only some are read, and none of them: nor a coordinate. */
static bool is_unwanted(const reader *r, const qn_dataset *d, const entry *e)
{
    return r->group && d->parent && !d->parent->parent && !strcmp(d->name, r->group) && H5DSis_scale(e->id) <= 0 && !is_skipped(r->only, e->name);
}

static int read_group(reader *r, qn_dataset *d, hid_t id, const char *const *skip, int depth)
{
    entries list = {0};
    hid_t how = H5Gget_create_plist(id);
    int err = depth > DEEPEST ? qn_fail(QN_ERR_DATA, "%s: its groups are nested more than %d deep", r->path, DEEPEST) : 0;
    if (!err)
        err = read_attrs(r, id, how, d, NULL);
    if (!err)
        err = list_group(r, id, d->name, how, &list);
    if (how >= 0)
        H5Pclose(how);
    for (size_t i = 0; i < list.n; i++)
        if (list.item[i].is_group && is_skipped(skip, list.item[i].name)) {
            free(list.item[i].name);
            list.n--;
            memmove(&list.item[i], &list.item[i + 1], (list.n - i) * sizeof list.item[i]);
            i--;
        }
    if (!err)
        err = open_entries(r, d, id, &list);
    for (size_t i = 0; i < list.n && !err; i++)
        if (list.item[i].id >= 0 && !list.item[i].is_group && !is_unwanted(r, d, &list.item[i]))
            err = read_var(r, d, &list.item[i]);
    for (size_t i = 0; i < list.n && !err; i++) {
        qn_dataset *sub;
        if (list.item[i].id < 0 || !list.item[i].is_group)
            continue;
        err = qn_dataset_group(d, list.item[i].name, &sub);
        if (!err)
            err = read_group(r, sub, list.item[i].id, NULL, depth + 1);
    }
    for (size_t i = 0; i < list.n; i++) {
        if (list.item[i].id >= 0)
            H5Oclose(list.item[i].id);
        free(list.item[i].name);
    }
    free(list.item);
    return err;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

typedef struct part { /* what of a file is read: not the root groups `skip`, of `group` only the variables `only` */
    const char *const *skip, *group, *const *only;
} part;

/* An open HDF5 file to a tree.  Takes the file. */
static int read_tree(const char *path, uint64_t bytes, hid_t file, const part *what, qn_dataset **out)
{
    reader r = {.path = path, .bytes = bytes, .group = what->group, .only = what->only};
    H5O_info_t info;
    qn_dataset *d = NULL;
    hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    int err = qn_dataset_new(&d);
    if (!err && (root < 0 || H5Oget_info2(root, &info, H5O_INFO_BASIC) < 0))
        err = damaged(&r, "its root");
    if (!err)
        err = add_known(&r, info.addr, NULL);
    if (!err)
        err = read_group(&r, d, root, what->skip, 0);
    if (root >= 0)
        H5Gclose(root);
    H5Fclose(file);
    free(r.seen);
    if (!err && r.left_out.failed)
        err = qn_fail(QN_ERR_NOMEM, "%s: out of memory", path);
    if (err) {
        qn_buffer_free(&r.left_out);
        qn_dataset_free(d);
        return err;
    }
    d->left_out = r.left_out.text;
    *out = d;
    return 0;
}

static int open_and_read(const char *path, size_t n, const part *what, qn_dataset **out)
{
    qn_silence s;
    qn_store_enter(&s);
    hid_t file = qn_store_open(path);
    int err = file < 0 ? QN_ERR_DATA : read_tree(path, n, file, what, out);
    qn_store_leave(&s);
    return err;
}

static int read_file(const char *path, bool sealed, const part *what, qn_dataset **out)
{
    size_t n = 0;
    *out = NULL;
    int err = qn_sealed_check(path, sealed, &n);
    return err ? err : open_and_read(path, n, what, out);
}

int qn_dataset_read(const char *path, const char *const *skip, qn_dataset **out)
{
    return read_file(path, false, &(part){.skip = skip}, out);
}

int qn_dataset_read_some(const char *path, const char *const *skip, const char *group, const char *const *only, qn_dataset **out)
{
    return read_file(path, false, &(part){skip, group, only}, out);
}

int qn_dataset_read_sealed(const char *path, qn_dataset **out)
{
    return read_file(path, true, &(part){0}, out);
}
