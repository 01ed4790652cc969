/* store_write.c -- a dataset as an HDF5 file (see dataset.h).
 *
 * A file is built in memory (the core driver) and then written by plain write(), so that a full disk is met there, with its
 * errno, and not inside HDF5. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hdf5_hl.h>

#include "dataset.h"
#include "sealed.h"

#define FILTER_FROM 4096           /* bytes: smaller arrays are stored as they are */
#define DEFLATE_LEVEL 1            /* mantissas of measured numbers do not compress, at any level */
#define IMAGE_STEP (1u << 20)      /* by which the image in memory grows */
#define NO_FILE "/dev/null/quench" /* a path that cannot exist: HDF5 wants a name for a file in memory, and none that is taken */

/* ---- one array --------------------------------------------------------------------------------------------------- */

typedef struct writer {
    hid_t text;        /* variable-length UTF-8 */
    hid_t group;       /* property list of groups */
    hid_t file;
    bool plain;        /* no filters */
} writer;

typedef struct level { /* a group being written, with the scales of its own dimensions */
    const qn_dataset *d;
    hid_t id;
    hid_t *scale;
    const struct level *up;
} level;

static hid_t disk_type(const writer *w, qn_dtype type)
{
    return type == QN_F64 ? H5T_IEEE_F64LE : type == QN_I64 ? H5T_STD_I64LE : type == QN_I8 ? H5T_STD_I8LE : w->text;
}

static hid_t memory_type(const writer *w, qn_dtype type)
{
    return type == QN_F64 ? H5T_NATIVE_DOUBLE : type == QN_I64 ? H5T_NATIVE_INT64 : type == QN_I8 ? H5T_NATIVE_INT8 : w->text;
}

/* Whole rows of the last dimensions, as many as fit a chunk, in chunks of nearly equal size. */
static void chunk_shape(size_t rank, const size_t *shape, size_t bytes, hsize_t *chunk)
{
    size_t room = QN_STORE_CHUNK / bytes;
    for (size_t k = rank; k-- > 0;) {
        size_t most = shape[k] < room ? shape[k] : room, pieces = (shape[k] + most - 1) / most;
        chunk[k] = (shape[k] + pieces - 1) / pieces;
        room /= most;
        if (!room)
            room = 1;
    }
}

/* Properties of a dataset: creation order of attributes, no times, filters where it is large. */
static hid_t array_properties(bool plain, qn_dtype type, size_t rank, const size_t *shape, size_t size)
{
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    size_t bytes = type == QN_I8 ? 1 : 8;
    int bad = p < 0 || H5Pset_attr_creation_order(p, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) < 0 || H5Pset_obj_track_times(p, false) < 0;
    if (!bad && !plain && rank && type != QN_STR && size * bytes > FILTER_FROM) {
        hsize_t chunk[QN_MAX_RANK];
        chunk_shape(rank, shape, bytes, chunk);
        bad = H5Pset_chunk(p, (int)rank, chunk) < 0 || H5Pset_shuffle(p) < 0 || H5Pset_deflate(p, DEFLATE_LEVEL) < 0 || H5Pset_fletcher32(p) < 0 ||
              H5Pset_fill_time(p, H5D_FILL_TIME_NEVER) < 0;
    }
    if (bad && p >= 0)
        H5Pclose(p);
    return bad ? -1 : p;
}

static int write_text(hid_t to, hid_t type, size_t n, char *const *x)
{
    const char **filled = malloc((n ? n : 1) * sizeof *filled);
    if (!filled)
        return -1;
    for (size_t i = 0; i < n; i++)
        filled[i] = x[i] ? x[i] : "";
    int bad = n && H5Dwrite(to, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, filled) < 0;
    free(filled);
    return bad ? -1 : 0;
}

/* Makes the dataset `name` and fills it (data NULL: makes it only); returns it open, or a negative number. */
static hid_t write_array(const writer *w, hid_t at, const char *name, qn_dtype type, size_t rank, const size_t *shape, size_t size, const void *data)
{
    hsize_t dims[QN_MAX_RANK];
    for (size_t k = 0; k < rank; k++)
        dims[k] = shape[k];
    hid_t space = rank ? H5Screate_simple((int)rank, dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t how = array_properties(w->plain || !data, type, rank, shape, size);
    hid_t id = space < 0 || how < 0 ? -1 : H5Dcreate2(at, name, data ? disk_type(w, type) : H5T_IEEE_F32LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    int bad = id < 0;
    if (!bad && data && size)
        bad = type == QN_STR ? write_text(id, w->text, size, data) : H5Dwrite(id, memory_type(w, type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0;
    if (space >= 0)
        H5Sclose(space);
    if (how >= 0)
        H5Pclose(how);
    if (bad && id >= 0)
        H5Dclose(id);
    return bad ? -1 : id;
}

static int write_attr(const writer *w, hid_t at, const qn_attr *a)
{
    hsize_t n = a->n;
    hid_t space = a->n == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, NULL);
    hid_t id = space < 0 ? -1 : H5Acreate2(at, a->name, disk_type(w, a->type), space, H5P_DEFAULT, H5P_DEFAULT);
    const void *data = a->type == QN_STR ? (const void *)&a->str : a->type == QN_F64 ? (const void *)a->f64 : (const void *)a->i64;
    int bad = id < 0 || (a->n && H5Awrite(id, memory_type(w, a->type), data) < 0);
    if (id >= 0)
        H5Aclose(id);
    if (space >= 0)
        H5Sclose(space);
    return bad ? -1 : 0;
}

static int write_attrs(const writer *w, hid_t at, const qn_attr *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (write_attr(w, at, &a[i]))
            return -1;
    return 0;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* The scale of dimension i of a group: its coordinate, else an index, else (a name with '_') a scale without values. */
static hid_t write_scale(const writer *w, const level *l, size_t i)
{
    const qn_dim *dim = &l->d->dims[i];
    const qn_var *v = qn_dataset_find(l->d, dim->name);
    char none[80];
    hid_t id;
    if (v) {
        id = write_array(w, l->id, v->name, v->type, 1, &dim->n, v->size, v->data);
        return id >= 0 && (write_attrs(w, id, v->attrs, v->n_attrs) || H5DSset_scale(id, v->name) < 0) ? -1 : id;
    }
    if (dim->name[0] == '_') {
        id = write_array(w, l->id, dim->name, QN_I64, 1, &dim->n, dim->n, NULL);
        snprintf(none, sizeof none, QN_STORE_NO_VALUES "%10zu", dim->n);
        return id >= 0 && H5DSset_scale(id, none) < 0 ? -1 : id;
    }
    int64_t *index = malloc((dim->n ? dim->n : 1) * sizeof *index);
    if (!index)
        return -1;
    for (size_t k = 0; k < dim->n; k++)
        index[k] = (int64_t)k;
    id = write_array(w, l->id, dim->name, QN_I64, 1, &dim->n, dim->n, index);
    free(index);
    return id >= 0 && H5DSset_scale(id, dim->name) < 0 ? -1 : id;
}

/* The scale of dimension `name` as group l sees it; `owner` is the level that has it. */
static hid_t scale_of(const level *l, const char *name, const level **owner)
{
    const qn_dim *dim = qn_dataset_find_dim(l->d, name);
    while (l->up && dim == qn_dataset_find_dim(l->up->d, name))
        l = l->up;
    *owner = l;
    return dim ? l->scale[dim - l->d->dims] : -1;
}

/* Hard links to the scales from above that variables of this group use: readers look for coordinates beside the variable. */
static int link_scales(const level *l)
{
    for (size_t i = 0; i < l->d->n_vars; i++)
        for (size_t k = 0; k < l->d->vars[i]->rank; k++) {
            const char *name = l->d->vars[i]->dims[k];
            const level *owner = NULL;
            if (scale_of(l, name, &owner) < 0)
                return -1;
            if (owner == l)
                continue;
            htri_t there = H5Lexists(l->id, name, H5P_DEFAULT);
            if (there < 0 || (!there && H5Lcreate_hard(owner->id, name, l->id, name, H5P_DEFAULT, H5P_DEFAULT) < 0))
                return -1;
        }
    return 0;
}

static bool is_coordinate(const qn_dataset *d, const qn_var *v)
{
    return v->rank == 1 && !strcmp(v->name, v->dims[0]) && qn_dataset_find(d, v->name) == v;
}

static int write_var(const writer *w, const level *l, const qn_var *v)
{
    const level *owner;
    hid_t id = write_array(w, l->id, v->name, v->type, v->rank, v->shape, v->size, v->data);
    int bad = id < 0 || write_attrs(w, id, v->attrs, v->n_attrs);
    for (size_t k = 0; k < v->rank && !bad; k++)
        bad = H5DSattach_scale(id, scale_of(l, v->dims[k], &owner), (unsigned)k) < 0;
    if (id >= 0)
        H5Dclose(id);
    return bad ? -1 : 0;
}

static int write_group(const writer *w, const qn_dataset *d, hid_t id, const level *up)
{
    level l = {d, id, calloc(d->n_dims ? d->n_dims : 1, sizeof *l.scale), up};
    size_t scales = 0;
    int bad = !l.scale || write_attrs(w, id, d->attrs, d->n_attrs);
    for (; scales < d->n_dims && !bad; scales++) {
        l.scale[scales] = write_scale(w, &l, scales);
        bad = l.scale[scales] < 0;
    }
    if (!bad)
        bad = link_scales(&l);
    for (size_t i = 0; i < d->n_vars && !bad; i++)
        if (!is_coordinate(d, d->vars[i]))
            bad = write_var(w, &l, d->vars[i]);
    for (size_t i = 0; i < d->n_groups && !bad; i++) {
        hid_t g = H5Gcreate2(id, d->groups[i]->name, H5P_DEFAULT, w->group, H5P_DEFAULT);
        bad = g < 0 || write_group(w, d->groups[i], g, &l);
        if (g >= 0)
            H5Gclose(g);
    }
    for (size_t i = 0; i < scales; i++)
        if (l.scale[i] >= 0)
            H5Dclose(l.scale[i]);
    free(l.scale);
    return bad ? -1 : 0;
}

static int open_writer(writer *w)
{
    const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
    hid_t create = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    w->file = -1;
    w->text = H5Tcopy(H5T_C_S1);
    w->group = H5Pcreate(H5P_GROUP_CREATE);
    int bad = H5Tset_size(w->text, H5T_VARIABLE) < 0 || H5Tset_cset(w->text, H5T_CSET_UTF8) < 0 || H5Pset_link_creation_order(w->group, order) < 0 ||
              H5Pset_attr_creation_order(w->group, order) < 0 || H5Pset_link_creation_order(create, order) < 0 || H5Pset_attr_creation_order(create, order) < 0 ||
              H5Pset_obj_track_times(w->group, false) < 0 || H5Pset_obj_track_times(create, false) < 0 ||
              H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
              H5Pset_fapl_core(access, IMAGE_STEP, false) < 0;
    if (!bad)
        w->file = H5Fcreate(NO_FILE, H5F_ACC_TRUNC, create, access);
    H5Pclose(create);
    H5Pclose(access);
    return w->file < 0 ? -1 : 0;
}

static void close_writer(writer *w)
{
    if (w->file >= 0)
        H5Fclose(w->file);
    H5Tclose(w->text);
    H5Pclose(w->group);
}

/* The bytes of the file, with room for a seal behind them. */
static int image_of(const qn_dataset *d, const char *path, bool plain, char **image, size_t *n)
{
    qn_silence s;
    writer w = {.plain = plain};
    char why[QN_STORE_REASON];
    ssize_t size = -1;
    void *held = NULL; /* the core driver's handle: the address of its memory */
    *image = NULL;
    qn_store_enter(&s);
    int bad = open_writer(&w) || write_group(&w, d, w.file, NULL) || H5Fflush(w.file, H5F_SCOPE_GLOBAL) < 0 ||
              (size = H5Fget_file_image(w.file, NULL, 0)) < 0 || H5Fget_vfd_handle(w.file, H5P_DEFAULT, &held) < 0;
    int err = bad ? qn_fail(QN_ERR_DATA, "%s: HDF5 cannot hold the data: %s", path, qn_store_reason(why)) : 0;
    if (!err && !(*image = malloc((size_t)size + QN_SEAL_BYTES)))
        err = qn_fail(QN_ERR_NOMEM, "%s: out of memory", path);
    if (!err) /* copied by hand: H5Fget_file_image of HDF5 1.10 overwrites a byte of the superblock's checksum */
        memcpy(*image, *(void **)held, (size_t)size);
    close_writer(&w);
    qn_store_leave(&s);
    *n = (size_t)size;
    return err;
}

/* ---- whole files ------------------------------------------------------------------------------------------------- */

static int write_file(const qn_dataset *d, const char *path, bool plain)
{
    char *image;
    size_t n;
    int err = image_of(d, path, plain, &image, &n);
    if (!err)
        err = qn_sealed_put(path, image, n);
    free(image);
    return err;
}

int qn_dataset_write(const qn_dataset *d, const char *path)
{
    return write_file(d, path, false);
}

int qn_dataset_write_sealed(const qn_dataset *d, const char *path)
{
    return write_file(d, path, true);
}
