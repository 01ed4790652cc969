/* store.c -- a dataset as an HDF5 file (see dataset.h).  The only file that calls HDF5.
 *
 * A file is built in memory (the core driver) and then written by plain write(), so that a full disk is met here, with its
 * errno, and not inside HDF5.  HDF5's serial library may be entered by one thread at a time: everything between enter() and
 * leave() holds one lock.  Errors of HDF5 are kept silent and become one sentence that names the file.
 *
 * Dimension scales: HDF5 Dimension Scale Specification (The HDF Group, 2005); a dimension without values as netCDF-4 marks it
 * (NetCDF-4 file format, "Dimensions without coordinate variables"). */
#include "dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hdf5.h>
#include <hdf5_hl.h>

#include "rng.h"
#include "text.h"

#define FILTER_FROM 4096           /* bytes: smaller arrays are stored as they are */
#define CHUNK_BYTES (1u << 20)     /* HDF5's chunk cache holds one */
#define DEFLATE_LEVEL 1            /* mantissas of measured numbers do not compress, at any level */
#define IMAGE_STEP (1u << 20)      /* by which the image in memory grows */
#define DEFLATE_RATIO 1032         /* the most that deflate can gain (zlib's technical notes) */
#define DEEPEST 16                 /* groups within groups */
#define NO_FILE "/dev/null/quench"  /* a path that cannot exist: HDF5 wants a name for a file in memory, and none that is taken */
#define NO_VALUES "This is a netCDF dimension but not a netCDF variable."

#define SEAL_MAGIC "QNSEAL01"
#define SEAL_BYTES 32

/* ---- the library and its errors ------------------------------------------------------------------------------------ */

static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

typedef struct silence { /* the host program's error printing, put back afterwards */
    H5E_auto2_t print;
    void *ctx;
} silence;

static void enter(silence *s)
{
    pthread_mutex_lock(&library);
    H5Eget_auto2(H5E_DEFAULT, &s->print, &s->ctx);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static void leave(const silence *s)
{
    H5Eset_auto2(H5E_DEFAULT, s->print, s->ctx);
    pthread_mutex_unlock(&library);
}

static herr_t keep_first(unsigned n, const H5E_error2_t *e, void *to)
{
    if (n == 0 && e->desc)
        snprintf(to, 160, "%s", e->desc);
    return 0;
}

/* Where HDF5's last failure began, in its words. */
static const char *reason(char to[160])
{
    strcpy(to, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, to);
    return to;
}

const char *qn_hdf5_version(void)
{
    return H5_VERS_INFO + strlen("HDF5 library version: ");
}

/* ---- writing: one array -------------------------------------------------------------------------------------------- */

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
    size_t room = CHUNK_BYTES / bytes;
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

/* ---- writing: groups ----------------------------------------------------------------------------------------------- */

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
        snprintf(none, sizeof none, NO_VALUES "%10zu", dim->n);
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
    silence s;
    writer w = {.plain = plain};
    char why[160];
    ssize_t size = -1;
    void *held = NULL; /* the core driver's handle: the address of its memory */
    *image = NULL;
    enter(&s);
    int bad = open_writer(&w) || write_group(&w, d, w.file, NULL) || H5Fflush(w.file, H5F_SCOPE_GLOBAL) < 0 ||
              (size = H5Fget_file_image(w.file, NULL, 0)) < 0 || H5Fget_vfd_handle(w.file, H5P_DEFAULT, &held) < 0;
    int err = bad ? qn_fail(QN_ERR_DATA, "%s: HDF5 cannot hold the data: %s", path, reason(why)) : 0;
    if (!err && !(*image = malloc((size_t)size + SEAL_BYTES)))
        err = qn_fail(QN_ERR_NOMEM, "%s: out of memory", path);
    if (!err) /* copied by hand: H5Fget_file_image of HDF5 1.10 overwrites a byte of the superblock's checksum */
        memcpy(*image, *(void **)held, (size_t)size);
    close_writer(&w);
    leave(&s);
    *n = (size_t)size;
    return err;
}

/* ---- whole files appear at once ------------------------------------------------------------------------------------ */

static int open_aside(const char *path, char **aside)
{
    static atomic_uint counter;
    for (;;) {
        *aside = qn_format("%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&counter, 1));
        if (!*aside)
            return -1;
        int fd = open(*aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
        free(*aside); /* left by a process of that number that was killed */
    }
}

static int write_all(int fd, const char *x, size_t n)
{
    while (n) {
        ssize_t done = write(fd, x, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        x += done;
        n -= (size_t)done;
    }
    return 0;
}

/* A rename lasts when the folder is on the disk too.  Some file systems refuse to sync a folder: nothing can be done then. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

static int put_file(const char *path, const char *x, size_t n)
{
    char *aside;
    int fd = open_aside(path, &aside);
    if (!aside)
        return qn_fail(QN_ERR_NOMEM, "%s: out of memory", path);
    if (fd < 0) {
        int why = errno;
        free(aside);
        return qn_fail(QN_ERR_IO, "%s: cannot be written: %s", path, strerror(why));
    }
    int bad = write_all(fd, x, n) || fsync(fd), why = errno;
    if (close(fd) && !bad) {
        bad = -1;
        why = errno;
    }
    if (!bad && rename(aside, path)) {
        bad = -1;
        why = errno;
    }
    if (bad)
        unlink(aside);
    else
        sync_folder(path);
    free(aside);
    return bad ? qn_fail(QN_ERR_IO, "%s: cannot be written: %s", path, strerror(why)) : 0;
}

/* Over the n bytes before it: HDF5 1.10 crashes on some damaged files (lengths in its global heap are believed). */
static void seal(const char *x, size_t n, char out[SEAL_BYTES])
{
    uint64_t word[3] = {n};
    qn_hash h = qn_hash_bytes(x, n);
    memcpy(&word[1], h.w, sizeof h.w);
    memcpy(out, SEAL_MAGIC, 8);
    memcpy(out + 8, word, sizeof word);
}

static int write_file(const qn_dataset *d, const char *path, bool plain)
{
    char *image;
    size_t n;
    int err = image_of(d, path, plain, &image, &n);
    if (!err) {
        seal(image, n, image + n);
        err = put_file(path, image, n + SEAL_BYTES);
    }
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

/* ---- reading ------------------------------------------------------------------------------------------------------- */

typedef struct known { /* an object seen: its address, and if it is a scale the dimension that it stands for */
    haddr_t at;
    const char *dim;
} known;

typedef struct reader {
    const char *path;
    uint64_t bytes;     /* length of the file */
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
    char why[160];
    return qn_fail(QN_ERR_DATA, "%s: %s cannot be read, the file is damaged: %s", r->path, what, reason(why));
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

/* ---- reading: attributes ------------------------------------------------------------------------------------------- */

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

/* ---- reading: variables -------------------------------------------------------------------------------------------- */

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
    return stored <= r->bytes && n <= (stored * DEFLATE_RATIO + CHUNK_BYTES) / each;
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
    if (H5DSis_scale(e->id) > 0 && H5DSget_scale_name(e->id, label, sizeof label) > 0 && !strncmp(label, NO_VALUES, strlen(NO_VALUES)))
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

/* ---- reading: groups ----------------------------------------------------------------------------------------------- */

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
        if (list.item[i].id >= 0 && !list.item[i].is_group)
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

/* ---- reading: files ------------------------------------------------------------------------------------------------ */

/* An open HDF5 file to a tree.  Takes the file. */
static int read_tree(const char *path, uint64_t bytes, hid_t file, const char *const *skip, qn_dataset **out)
{
    reader r = {.path = path, .bytes = bytes};
    H5O_info_t info;
    qn_dataset *d = NULL;
    hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    int err = qn_dataset_new(&d);
    if (!err && (root < 0 || H5Oget_info2(root, &info, H5O_INFO_BASIC) < 0))
        err = damaged(&r, "its root");
    if (!err)
        err = add_known(&r, info.addr, NULL);
    if (!err)
        err = read_group(&r, d, root, skip, 0);
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

/* Files appear whole, so no lock is asked of file systems that may have none. */
static int open_and_read(const char *path, size_t n, const char *const *skip, qn_dataset **out)
{
    silence s;
    char why[160];
    enter(&s);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    int bad = access < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 || H5Pset_file_locking(access, false, true) < 0, err;
    hid_t file = bad ? -1 : H5Fopen(path, H5F_ACC_RDONLY, access);
    reason(why);
    if (file >= 0)
        err = read_tree(path, n, file, skip, out);
    else if (H5Fis_hdf5(path) <= 0)
        err = qn_fail(QN_ERR_DATA, "%s: is not an HDF5 file", path);
    else
        err = qn_fail(QN_ERR_DATA, "%s: cannot be read, the file is damaged or cut short: %s", path, why);
    if (access >= 0)
        H5Pclose(access);
    leave(&s);
    return err;
}

/* x: the whole file.  One without a seal comes from elsewhere, or another program has changed it since. */
static int check_seal(const char *path, const char *x, size_t n, bool needed)
{
    char want[SEAL_BYTES];
    if (n < SEAL_BYTES || memcmp(x + n - SEAL_BYTES, SEAL_MAGIC, 8))
        return needed ? qn_fail(QN_ERR_DATA, "%s: does not end with its seal: it is cut short or no part of a run", path) : 0;
    seal(x, n - SEAL_BYTES, want);
    if (memcmp(want, x + n - SEAL_BYTES, SEAL_BYTES))
        return qn_fail(QN_ERR_DATA, "%s: does not match its seal: the file is damaged", path);
    return 0;
}

static int check_file(const char *path, int fd, bool sealed, size_t *n)
{
    struct stat info;
    if (fd < 0 || fstat(fd, &info))
        return qn_fail(QN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return qn_fail(QN_ERR_IO, "%s: is not a file", path);
    *n = (size_t)info.st_size;
    if (!*n)
        return qn_fail(QN_ERR_DATA, "%s: is not an HDF5 file: it is empty", path);
    void *x = mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (x == MAP_FAILED)
        return qn_fail(QN_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    int err = check_seal(path, x, *n, sealed);
    munmap(x, *n);
    return err;
}

static int read_file(const char *path, bool sealed, const char *const *skip, qn_dataset **out)
{
    size_t n = 0;
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = check_file(path, fd, sealed, &n);
    if (fd >= 0)
        close(fd);
    return err ? err : open_and_read(path, n, skip, out);
}

int qn_dataset_read(const char *path, const char *const *skip, qn_dataset **out)
{
    return read_file(path, false, skip, out);
}

int qn_dataset_read_sealed(const char *path, qn_dataset **out)
{
    return read_file(path, true, NULL, out);
}
