/* store.h -- what writing (store_write.c) and reading (store_read.c) of HDF5 share; the public face is in dataset.h.
 *
 * HDF5's serial library may be entered by one thread at a time: everything between qn_store_enter() and qn_store_leave() holds one lock.
 * Errors of HDF5 are kept silent and become one sentence that names the file.
 *
 * Dimension scales: HDF5 Dimension Scale Specification (The HDF Group, 2005); a dimension without values as netCDF-4 marks it
 * (NetCDF-4 file format, "Dimensions without coordinate variables"). */
#ifndef QN_STORE_H
#define QN_STORE_H

#include <hdf5.h>

#define QN_STORE_CHUNK (1u << 20) /* bytes: HDF5's chunk cache holds one */
#define QN_STORE_NO_VALUES "This is a netCDF dimension but not a netCDF variable."

typedef struct qn_silence { /* the host program's error printing, put back afterwards */
    H5E_auto2_t print;
    void *ctx;
} qn_silence;

void qn_store_enter(qn_silence *s);
void qn_store_leave(const qn_silence *s);

/* Opens a file to read; negative after a failure, with a sentence (QN_ERR_DATA).  Files appear whole, so no lock is asked of file systems
 * that may have none. */
hid_t qn_store_open(const char *path);

/* Where HDF5's last failure began, in its words. */
#define QN_STORE_REASON 160
const char *qn_store_reason(char to[QN_STORE_REASON]);

#endif
