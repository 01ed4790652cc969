/* identity.h -- the sweep inside a file: model, seed, the sweep file's text, --set edits, hashes of input files.  Written into every
 * part and result, so that status, merge and verify need nothing else. */
#ifndef QN_IDENTITY_H
#define QN_IDENTITY_H

#include "dataset.h"
#include "sweep.h"

int qn_identity_write(qn_dataset *d, const qn_sweep *s, const char *conventions) QN_NODISCARD;

/* What a sweep can be read from again (qn_sweep_init); owns its strings. */
typedef struct qn_identity {
    char *file, *text;
    char **sets;
    size_t n_sets;
    qn_input *input;
    size_t n_inputs;
    char *model;
} qn_identity;
int qn_identity_read(const qn_dataset *d, const char *path, qn_identity *out) QN_NODISCARD;
void qn_identity_free(qn_identity *i);

#endif
