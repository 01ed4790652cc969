/* parts.h -- finished rows and checkpoints on disk: writing parts, reading them and result files as sources of finished work.
 *
 * A part is one sealed file OUT.parts/<host>-<pid>-<serial>.h5 with a dimension `task`: key, chain, measurements, steps,
 * digest and the layout's columns, and in /checkpoints one blob a task in progress.  A result file keeps the same arrays in
 * /samples over (axes..., replica). */
#ifndef QN_PARTS_H
#define QN_PARTS_H

#include "dataset.h"
#include "record.h"

typedef struct qn_row_head {
    qn_task_keys keys;
    int64_t measurements, steps, digest;
} qn_row_head;

typedef struct qn_source {
    char *path;
    bool is_part;
    qn_dataset *data;           /* whole file */
    const qn_dataset *samples;  /* the group that holds the arrays: root of a part, /samples of a result */
    size_t rows;
    const int64_t *key, *chain; /* [rows][2] */
    size_t n_checkpoints;
} qn_source;

/* Opens a result file (sealed = false) or a part (true). QN_ERR_DATA when it is none. */
int qn_source_open(qn_source *s, const char *path, bool sealed) QN_NODISCARD;
void qn_source_close(qn_source *s);
/* One finished row in the layout of the present sweep (shorter dimensions padded with NaN).  QN_ERR_DATA when a column
 * is missing or the digest of the row does not match. */
int qn_source_row(const qn_source *s, size_t row, const qn_layout *l, qn_row_head *head, double *out) QN_NODISCARD;

/* What is known of a checkpoint without reading it. */
#define QN_PROGRESS_TEXT 160
typedef struct qn_checkpoint_head {
    qn_hash chain;
    int64_t step, pieces;         /* steps done, pieces made of the next one */
    double rate;                  /* steps a second in the process that wrote it; 0: not known */
    char text[QN_PROGRESS_TEXT];  /* the model's own line */
} qn_checkpoint_head;

/* Checkpoint number i: its head; its content. */
int qn_source_checkpoint_head(const qn_source *s, size_t i, qn_checkpoint_head *out) QN_NODISCARD;
int qn_source_checkpoint(const qn_source *s, size_t i, qn_group *out) QN_NODISCARD;

int64_t qn_row_digest(const qn_layout *l, const double *row, int64_t measurements, int64_t steps);

/* A part in the making: rows and checkpoints collected in memory. */
typedef struct qn_part {
    const qn_layout *layout;
    size_t n, room;
    qn_row_head *head;
    double *row;               /* [n][layout->row] */
    qn_dataset *checkpoints;   /* a root with the blobs, or NULL */
} qn_part;
int qn_part_add(qn_part *p, const qn_row_head *head, const double *row) QN_NODISCARD;
int qn_part_add_checkpoint(qn_part *p, const qn_checkpoint_head *head, const qn_group *g) QN_NODISCARD;
int qn_part_write(const qn_part *p, const char *path) QN_NODISCARD;
void qn_part_drop_checkpoints(qn_part *p); /* keeps the rows */
void qn_part_clear(qn_part *p);

/* Into /checkpoints of `to`.  Of the head only what is not zero is written. */
int qn_checkpoint_put(qn_dataset *to, const qn_checkpoint_head *head, const qn_group *g) QN_NODISCARD;

/* All parts of OUT, sorted by name; those that do not verify are renamed to *.bad and named in a message through `say`.  Without
 * `say` nothing is renamed: for those who only look. */
typedef void (*qn_say)(void *ctx, const char *line);
int qn_parts_open(const char *output, qn_source **out, size_t *n, qn_say say, void *ctx) QN_NODISCARD;
char *qn_parts_folder(const char *output); /* "OUT.parts", allocated */

#endif
