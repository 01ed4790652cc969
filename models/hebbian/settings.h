/* settings.h -- the parameters of one point, read once, and what the table of parameters cannot say about them. */
#ifndef HEBBIAN_SETTINGS_H
#define HEBBIAN_SETTINGS_H

#include "folded.h"

/* In the order of the choices in the model's table. */
typedef enum { HEB_IID = 0, HEB_ROWS = 1, HEB_IMAGES = 2 } heb_origin;
typedef enum { HEB_AT_PATTERN = 0, HEB_AT_RANDOM = 1, HEB_NOISY = 2, HEB_FROM_FILE = 3, HEB_AT_EXAMPLE = 4, HEB_MIXTURE = 5 } heb_start; /* HEB_MIXTURE + j: of 3 + 2j patterns */
typedef enum { HEB_ARCHETYPES = 0, HEB_SUPERVISED = 1, HEB_UNSUPERVISED = 2 } heb_dataset;
typedef enum { HEB_CLASS_MEAN = 0, HEB_FIRST_ITEM = 1, HEB_CLASS_FILE = 2 } heb_archetype;
typedef enum { HEB_CUE_ARCHETYPE = 0, HEB_CUE_ITEM = 1 } heb_cue;

/* The examples of an archetype; NaN: not known.  rho = (1-r^2)/(M r^2). */
typedef struct heb_examples {
    heb_dataset kind;
    double m, r, rho;
} heb_examples;

/* r and rho give M; else M and one of them give the other; m_file > 0: M examples are in a file. */
heb_examples heb_examples_of(const qn_params *p, size_t m_file);

typedef struct heb_settings {
    size_t n, k;
    heb_examples examples;
    int p;
    heb_kind kind;
    heb_norm norm;
    double load;              /* of the k patterns */
    double temperature;       /* 0 for HEB_ZERO */
    heb_rule rule;
    bool sequential, reuse;
    heb_origin origin;
    heb_start start;
    size_t mixed;             /* patterns in a mixture, 0: none */
    bool cue_item;
    double start_overlap, cue_noise, cue_blank;
    size_t chains, lags;
    bool histograms;
    double retrieved, left;
} heb_settings;

/* Of a point that heb_check() has nothing against.  Where patterns come from files, so do n and k: from `loaded`, or (NULL) by
 * heb_source_size, whose errors are passed on. */
struct heb_source;
int heb_settings_read(const qn_params *p, const struct heb_source *loaded, heb_settings *out) QN_NODISCARD;

void heb_check(const qn_params *p, qn_problems *c);
void heb_cost(const qn_params *p, qn_cost *c);

#endif
