/* files.h -- what check() and dimension() ask of data files at every point of a sweep, remembered for as long as the files stay as they are. */
#ifndef CBO_FILES_H
#define CBO_FILES_H

#include <stdbool.h>
#include <stddef.h>

#define CBO_ANSWERS 4

/* The answer remembered for these files in this order (NULL entries are skipped). */
bool cbo_files_known(const char *const *paths, size_t n, size_t answer[CBO_ANSWERS]);
void cbo_files_remember(const char *const *paths, size_t n, const size_t answer[CBO_ANSWERS]);

#endif
