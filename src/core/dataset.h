/* dataset.h -- a labelled dataset in memory (dimensions, coordinates, variables, attributes, groups) and its HDF5 form:
 * what every result, theory and analysis file is, readable by h5py, netCDF-4 and xarray.
 *
 * In memory (dataset.c): a tree of groups; each group has dimensions (a name, a length), variables over dimensions of the same
 * group or of one above it, and attributes.  A coordinate is a one-dimensional variable that has its dimension's name; no other
 * variable may have the name of a dimension that its group sees.
 * On disk (store_*.c, which alone call HDF5): every dimension has a scale (H5DSset_scale / H5DSattach_scale): its coordinate, or an
 * index 0, 1, ... as int64 where it has none; a child group holds hard links to the scales it uses from above.  A dimension whose
 * name begins with '_' (the length of a blob) has a scale without values, which readers show as a dimension and no variable.
 * Coordinates come first in a group.  Creation order tracked, no times kept; chunked + shuffle + deflate + fletcher32 where an array
 * exceeds 4 KiB; little-endian IEEE, text as variable-length UTF-8, truth values as int8, no compounds, no enums. */
#ifndef QN_DATASET_H
#define QN_DATASET_H

#include "quench.h"

typedef enum { QN_F64 = 1, QN_I64, QN_I8, QN_STR } qn_dtype;

typedef struct qn_attr {
    char *name;
    qn_dtype type;     /* QN_F64, QN_I64 or QN_STR (one string) */
    size_t n;          /* elements, 1 for a string */
    double *f64;
    int64_t *i64;
    char *str;
} qn_attr;

typedef struct qn_dim {
    char *name;
    size_t n;
} qn_dim;

#define QN_MAX_RANK 12
typedef struct qn_var {
    char *name;
    qn_dtype type;
    size_t rank;
    const char *dims[QN_MAX_RANK];  /* names, owned by the dataset */
    size_t shape[QN_MAX_RANK], size; /* size: product; 1 for a scalar */
    union {
        void *data;
        double *f64;
        int64_t *i64;
        int8_t *i8;
        char **str;
    };
    qn_attr *attrs;
    size_t n_attrs;
} qn_var;

typedef struct qn_names {          /* finds the entry that has a name: 1 + its index, 0 where a slot is free */
    uint32_t *slot;
    size_t room;
} qn_names;

typedef struct qn_dataset {
    char *name;                    /* "/" for the root, else the group's name */
    struct qn_dataset *parent;
    qn_dim *dims;       size_t n_dims;
    qn_var **vars;      size_t n_vars;    /* in order of creation; stable addresses */
    qn_attr *attrs;     size_t n_attrs;
    struct qn_dataset **groups; size_t n_groups;
    qn_names dim_names, var_names;
    char *left_out;                /* of a root just read: paths of what the file holds beyond numbers and text; NULL: nothing */
} qn_dataset;

int qn_dataset_new(qn_dataset **out) QN_NODISCARD;
void qn_dataset_free(qn_dataset *d);                                                /* a root, with all below; NULL-safe */
int qn_dataset_group(qn_dataset *d, const char *name, qn_dataset **out) QN_NODISCARD; /* find or make a child group */
const qn_dataset *qn_dataset_find_group(const qn_dataset *d, const char *name);      /* NULL when absent */
void qn_dataset_drop_group(qn_dataset *d, const char *name);                         /* removes a child group, if there is one */
/* Makes the child group a root of its own and frees the rest of the tree.  QN_ERR_INPUT when there is no such group, QN_ERR_DATA when its
 * variables need dimensions from above; then the tree stays. */
int qn_dataset_take_group(qn_dataset *root, const char *name, qn_dataset **out) QN_NODISCARD;
/* The inverse: the root `group` becomes a child of d, in place of one that has its name.  Takes `group`, also when it fails. */
int qn_dataset_put_group(qn_dataset *d, const char *name, qn_dataset *group) QN_NODISCARD;

/* Makes a dimension.  The same length again is fine, here or above; another length than above makes a new one that hides it. */
int qn_dataset_dim(qn_dataset *d, const char *name, size_t n) QN_NODISCARD;
/* Makes a variable over n_dims named dimensions (of d or an ancestor); data is allocated: NaN, 0 or NULL strings.  QN_ERR_DATA: the
 * name is taken or not usable, a dimension is unknown, more than QN_MAX_RANK. */
int qn_dataset_var(qn_dataset *d, const char *name, qn_dtype type, size_t n_dims, const char *const *dims, qn_var **out) QN_NODISCARD;
qn_var *qn_dataset_find(const qn_dataset *d, const char *name);                      /* NULL when absent */
const qn_dim *qn_dataset_find_dim(const qn_dataset *d, const char *name);            /* here or in an ancestor */
void qn_dataset_drop(qn_dataset *d, const char *name);                               /* remove a variable */
int qn_var_set_str(qn_var *v, size_t i, const char *s) QN_NODISCARD;                 /* copies */
double qn_var_number(const qn_var *v, size_t i);                                     /* element as double; NaN for text */

/* Attributes of a dataset (v == NULL) or of a variable in it; a name that is there already gets the new value. */
int qn_attr_str(qn_dataset *d, qn_var *v, const char *name, const char *value) QN_NODISCARD;
int qn_attr_f64(qn_dataset *d, qn_var *v, const char *name, size_t n, const double *x) QN_NODISCARD;
int qn_attr_i64(qn_dataset *d, qn_var *v, const char *name, size_t n, const int64_t *x) QN_NODISCARD;
const qn_attr *qn_attr_find(const qn_dataset *d, const qn_var *v, const char *name);
const char *qn_attr_text(const qn_dataset *d, const qn_var *v, const char *name);    /* NULL when absent or not text */

/* Whole files.  Safe from several threads at once (HDF5 itself is entered by one at a time).
 * Writing goes to PATH.tmp-<pid>-<counter>, is fsynced and renamed: the old file stays until the new one is whole.
 * A full disk or a bad folder: QN_ERR_IO with path and reason, and the temporary file is gone.
 * Every file ends with a seal: 32 bytes after the end of HDF5 ("QNSEAL01", length, XXH3-128 of all before it), so that any flipped or
 * missing byte is noticed before HDF5 parses it.  Other readers do not look there, other writers cut it off. */
int qn_dataset_write(const qn_dataset *d, const char *path) QN_NODISCARD;
/* Reads all, or without the groups named in `skip` (NULL-terminated list of root group names; may be NULL: none skipped).  Files without
 * a seal are read too.  Numbers of any type and byte order become f64 or i64 (one signed byte, or an enum of it: i8), text of any
 * kind strings; what is neither is named in `left_out`, so is an array that claims more than the file can hold.  Links are followed
 * once, soft and external ones never.  QN_ERR_IO: cannot be opened (errno says why); QN_ERR_DATA: not HDF5, truncated, a seal or checksum
 * that does not match. */
int qn_dataset_read(const char *path, const char *const *skip, qn_dataset **out) QN_NODISCARD;
/* One block of a numeric array, where the whole may be large: the elements [at[0], ..., at[n_at-1], ...] of GROUP/NAME with the shape of
 * the other dimensions.  *out is allocated.  QN_ERR_DATA: there is none, or it has fewer dimensions or another extent. */
typedef struct qn_block {
    size_t rank, shape[QN_MAX_RANK], n;
    double *x;
} qn_block;
int qn_dataset_block(const char *path, const char *group, const char *name, size_t n_at, const size_t *at, qn_block *out) QN_NODISCARD;
/* The same; of the root group `group` only the coordinates and the variables in `only` (NULL-terminated): samples are large. */
int qn_dataset_read_some(const char *path, const char *const *skip, const char *group, const char *const *only, qn_dataset **out) QN_NODISCARD;
/* For files that do not stay: written without filters, and refused without a seal (QN_ERR_DATA). */
int qn_dataset_write_sealed(const qn_dataset *d, const char *path) QN_NODISCARD;
int qn_dataset_read_sealed(const char *path, qn_dataset **out) QN_NODISCARD;
const char *qn_hdf5_version(void);

#endif
