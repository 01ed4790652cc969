/* sealed.h -- whole files: they appear at once, and end with a seal by which any flipped or missing byte is noticed.
 *
 * The seal is 32 bytes: "QNSEAL01", the length of what is before it and its XXH3-128.  It is checked before HDF5 sees the file, because
 * HDF5 1.10 crashes on some damaged ones (lengths in its global heap are believed). */
#ifndef QN_SEALED_H
#define QN_SEALED_H

#include "quench.h"

#define QN_SEAL_BYTES 32

/* Writes x[n] and its seal, for which x has QN_SEAL_BYTES of room behind it, aside, fsyncs and renames: the old file stays until the new
 * one is whole.  QN_ERR_IO with path and reason, and the temporary file is gone. */
int qn_sealed_put(const char *path, char *x, size_t n) QN_NODISCARD;

/* Reads the file through and checks its seal; *n: its length.  A file without one comes from elsewhere, or another program has changed it
 * since: that is fine unless the seal is `needed`. */
int qn_sealed_check(const char *path, bool needed, size_t *n) QN_NODISCARD;

#endif
