/* source.h -- patterns, cues and starts that come from files: rows of +-1, or labelled images made binary.
 *
 * Images (spec: IDX, plain or gzipped): a pixel at or above `threshold` is +1, below it -1.  The patterns are the archetypes of
 * the classes that are asked for and present, in the order asked; `drop_constant` removes the pixels equal in all of them, from
 * the cues too.  K takes the first K rows or classes. */
#ifndef HEBBIAN_SOURCE_H
#define HEBBIAN_SOURCE_H

#include "data.h"
#include "settings.h"

#define HEB_NO_PATTERN SIZE_MAX

typedef struct heb_source {
    heb_patterns patterns;  /* n = 0 for iid ones, which every task draws */
    size_t m;               /* examples of every pattern, and */
    qn_spins examples;      /* their rows, those of a pattern together: example_file */
    size_t n_classes;       /* images: entries of `classes` */
    size_t *pattern_of;     /* [n_classes] the pattern of a class, HEB_NO_PATTERN where the file has none of it */
    size_t *class_of;       /* [k] the inverse */
    size_t rows, cols;      /* images: their shape (archetype file: one row of pixels), and */
    size_t *pixel;          /* [n] the place of each spin in them */
    double *gram;           /* [k][k] overlaps of archetypes with each other */
    size_t n_cues;          /* cue: item */
    int8_t *cue;            /* [n_cues][n] */
    size_t *cue_pattern;    /* [n_cues] the pattern of its class */
    qn_spins start;         /* start: file */
} heb_source;

/* Reads what the parameters name.  On an error *param (may be NULL) is the parameter to point at; x is left safe to free. */
int heb_source_load(const qn_params *p, heb_source *x, const char **param) QN_NODISCARD;
void heb_source_free(heb_source *x);

/* Numbers of spins and patterns in the files, and the shape of their images, remembered for as long as the files stay as they are. */
typedef struct heb_size {
    size_t n, k, m, rows, cols; /* m: examples of a pattern */
} heb_size;
int heb_source_size(const qn_params *p, heb_size *out, const char **param) QN_NODISCARD;

#endif
