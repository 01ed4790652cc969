/* library.h -- symbols of shared objects that the user names: plug-ins, objectives. */
#ifndef QN_LIBRARY_H
#define QN_LIBRARY_H

#include "quench.h"

/* Opens the shared object `path`, in the working directory when it names no folder, and finds `symbol` in it.  The handle is for dlclose();
 * the same file again gives the same handle.  Messages begin with `option` ("--plugin " or "") and the path; `declaration` is what the
 * file should export.  QN_ERR_INPUT: it cannot be loaded or has no such symbol; nothing stays open then. */
int qn_library_symbol(const char *option, const char *path, const char *symbol, const char *declaration, void **handle, void **out) QN_NODISCARD;

#endif
