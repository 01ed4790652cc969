/* config.h -- the sweep file as a tree with positions, and the collector of everything that is wrong with it.
 * The only part that knows YAML (libfyaml).  Anchors, aliases and tags are refused: a sweep file has no use for them. */
#ifndef QN_CONFIG_H
#define QN_CONFIG_H

#include <stdio.h>

#include "quench.h"

typedef enum { QN_NODE_SCALAR, QN_NODE_SEQUENCE, QN_NODE_MAPPING } qn_node_kind;

#define QN_LINE_SET (-1) /* the line of what comes from --set */

typedef struct qn_node {
    qn_node_kind kind;
    char *text;              /* scalar: its content, terminated */
    int line, column, width; /* from 1; width of a scalar for the caret; line 0: nowhere */
    size_t n;                /* sequence: elements; mapping: pairs */
    struct qn_node **items;  /* sequence: n elements; mapping: key, value, key, value, ... */
} qn_node;

typedef struct qn_problem {
    int line, column, width;
    char *text;
    const char *format; /* of a warning, and how often it was given */
    size_t times;
} qn_problem;

/* Complaints about one input, and warnings apart from them.  `where` finds the node to point at for a parameter's name (used by qn_complain,
 * qn_warn). */
struct qn_problems {
    const char *file, *source; /* borrowed */
    size_t n, room;
    qn_problem *item;
    size_t n_warnings, warning_room;
    qn_problem *warning;
    const qn_node *(*where)(void *ctx, const char *param);
    void *ctx;
};

/* Parses the text of a sweep file.  On a syntax error *out is NULL and `c` has the message. */
int qn_config_parse(const char *text, qn_problems *c, qn_node **out) QN_NODISCARD;
void qn_node_free(qn_node *n);
qn_node *qn_node_scalar(const char *text); /* a node that is in no file (--set) */
const qn_node *qn_node_get(const qn_node *mapping, const char *key); /* value, or NULL */
bool qn_node_is_null(const qn_node *n);    /* nothing stands there: "", ~ or null */
/* Complains about every key of the mapping that is not known, with the nearest that is; `in` says where: "in sampling". */
void qn_node_check_keys(qn_problems *c, const qn_node *map, const char *in, size_t n, const char *const *known);

/* One complaint; the same text at the same place is kept once. `at` NULL: about the whole. */
void qn_problem_at(qn_problems *c, const qn_node *at, const char *format, ...) QN_PRINTF(3, 4);
/* All of them in order of position, each `quench: FILE:LINE:COLUMN: text` with the line and a caret under it. */
void qn_problems_print(qn_problems *c, FILE *out);
void qn_warnings_print(qn_problems *c, FILE *out); /* likewise, each `quench: FILE:LINE:COLUMN: warning: text` */
void qn_problems_free(qn_problems *c);

int qn_read_text(const char *path, char **out) QN_NODISCARD; /* a whole file, terminated; at most 64 MiB */

#endif
