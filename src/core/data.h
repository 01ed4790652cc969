/* data.h -- readers of data files that engines share: IDX arrays (the MNIST distribution's format) and CIFAR-10's
 * binary files, both plain or gzipped, and rows of +-1 (text or HDF5).  Every message names the file, what is wrong and what would be right. */
#ifndef QN_DATA_H
#define QN_DATA_H

#include "quench.h"

#define QN_IDX_MAX_DIMS 4

/* An array of unsigned bytes, row-major. */
typedef struct qn_idx {
    size_t n_dims, dims[QN_IDX_MAX_DIMS], size; /* size: the product */
    uint8_t *data;                              /* NULL when only the header was asked for */
} qn_idx;

/* Reads an IDX file of unsigned bytes with exactly n_dims dimensions: magic 00 00 08 n_dims, dimensions as 32-bit big-endian numbers,
 * then the bytes and nothing after them.  Gzip is recognised by content.  QN_ERR_IO: cannot be read; QN_ERR_DATA: wrong magic,
 * element type, dimensions, missing or surplus bytes, damaged compression.  x is left safe to free. */
int qn_idx_read(const char *path, size_t n_dims, qn_idx *x) QN_NODISCARD;
void qn_idx_free(qn_idx *x);

/* Labelled images: an IDX file of shape (n, rows, cols) and one of n labels. */
typedef struct qn_images {
    size_t n, rows, cols;
    uint8_t *pixels; /* [n][rows*cols], 0..255 */
    uint8_t *labels; /* [n] */
} qn_images;

int qn_images_read(const char *images, const char *labels, qn_images *x) QN_NODISCARD;
/* CIFAR-10, binary version, plain or gzipped: records of one label (0..9) and 3072 bytes, the red, green and blue plane of 32 x 32 pixels.
 * Any number of records, so that the five training files may be one.  x->rows is 96: the planes below one another. */
int qn_cifar10_read(const char *path, qn_images *x) QN_NODISCARD;
void qn_images_free(qn_images *x);

/* Rows of +-1. */
typedef struct qn_spins {
    size_t rows, cols;
    int8_t *s; /* [rows][cols] */
} qn_spins;

/* From a text file (one row a line, numbers 1, +1 or -1 separated by blanks or commas; '#' starts a comment; rows of equal length) or from an
 * HDF5 file (the variable `patterns`, else the only two-dimensional variable of the root).  cols > 0: every row must have this length.
 * QN_ERR_IO or QN_ERR_DATA with file, line and value. */
int qn_spins_read(const char *path, size_t cols, qn_spins *x) QN_NODISCARD;
void qn_spins_free(qn_spins *x);

#endif
