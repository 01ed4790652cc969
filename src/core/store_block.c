/* store_block.c -- one block of an array in an HDF5 file, without reading the rest (see dataset.h). */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "dataset.h"

/* The array open as `id`, in file space `space`. */
static int read_block(const char *path, const char *name, hid_t id, hid_t space, size_t n_at, const size_t *at, qn_block *out)
{
    hsize_t extent[QN_MAX_RANK], start[QN_MAX_RANK] = {0}, count[QN_MAX_RANK];
    int rank = H5Sget_simple_extent_ndims(space);
    if (rank < (int)n_at || rank > QN_MAX_RANK || H5Sget_simple_extent_dims(space, extent, NULL) < 0)
        return qn_fail(QN_ERR_DATA, "%s: %s has %d dimensions, which is not as expected", path, name, rank);
    out->n = 1;
    for (size_t d = 0; d < (size_t)rank; d++) {
        count[d] = d < n_at ? 1 : extent[d];
        if (d < n_at && at[d] >= extent[d])
            return qn_fail(QN_ERR_DATA, "%s: %s is shorter than its coordinates", path, name);
        if (d < n_at)
            start[d] = at[d];
        else
            out->shape[out->rank++] = extent[d];
        if (count[d] && out->n > ((size_t)1 << 40) / count[d])
            return qn_fail(QN_ERR_DATA, "%s: %s claims a size that no file has", path, name);
        out->n *= count[d];
    }
    const hsize_t n = out->n;
    out->x = malloc((out->n + 1) * sizeof *out->x);
    if (!out->x)
        return qn_fail(QN_ERR_NOMEM, "%s: out of memory", path);
    hid_t memory = H5Screate_simple(1, &n, NULL);
    int bad = memory < 0 || (rank && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0) ||
              (n && H5Dread(id, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, out->x) < 0);
    if (memory >= 0)
        H5Sclose(memory);
    char why[QN_STORE_REASON];
    return bad ? qn_fail(QN_ERR_DATA, "%s: %s cannot be read, the file is damaged: %s", path, name, qn_store_reason(why)) : 0;
}

static int block_of(const char *path, hid_t file, const char *group, const char *name, size_t n_at, const size_t *at, qn_block *out)
{
    hid_t in = H5Lexists(file, group, H5P_DEFAULT) > 0 ? H5Gopen2(file, group, H5P_DEFAULT) : -1;
    hid_t id = in >= 0 && H5Lexists(in, name, H5P_DEFAULT) > 0 ? H5Dopen2(in, name, H5P_DEFAULT) : -1;
    hid_t space = id < 0 ? -1 : H5Dget_space(id), type = id < 0 ? -1 : H5Dget_type(id);
    H5T_class_t kind = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    int err = space < 0 || (kind != H5T_FLOAT && kind != H5T_INTEGER) ? qn_fail(QN_ERR_DATA, "%s: there is no array %s/%s", path, group, name)
                                                                      : read_block(path, name, id, space, n_at, at, out);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    if (id >= 0)
        H5Dclose(id);
    if (in >= 0)
        H5Gclose(in);
    return err;
}

int qn_dataset_block(const char *path, const char *group, const char *name, size_t n_at, const size_t *at, qn_block *out)
{
    qn_silence s;
    memset(out, 0, sizeof *out);
    qn_store_enter(&s);
    hid_t file = qn_store_open(path);
    int err = file < 0 ? QN_ERR_DATA : block_of(path, file, group, name, n_at, at, out);
    if (file >= 0)
        H5Fclose(file);
    qn_store_leave(&s);
    if (err) {
        free(out->x);
        memset(out, 0, sizeof *out);
    }
    return err;
}
