/* sampled.h -- an observable of a result as what its numbers come from: at every point independent units (replicas, or blocks of bins where
 * replicas are few), so that any function of it can be resampled without the model.
 *
 * A cell is one number of the observable: a point of the sweep and a place along the observable's own dimensions. */
#ifndef QN_SAMPLED_H
#define QN_SAMPLED_H

#include "dataset.h"
#include "expr.h"

typedef enum { QN_MEAN = 0, QN_MEDIAN, QN_GEOMETRIC } qn_statistic;

#define QN_SAMPLED_NAMES 16
typedef struct qn_sampled {
    const qn_dataset *data;
    const char *name;
    const qn_var *var;            /* NULL: an expression of observables that the file does not hold */
    qn_statistic statistic;
    bool binary;                  /* 0/1 outcomes */
    bool from_blocks;             /* units are blocks of bins: replicas are few */
    size_t n_points, width, n_cells; /* cell = point * width + place */
    double *value;                /* [n_cells] the estimate; NaN: none, +inf: a median among runs that did not end */
    /* Units; none (n_vars 0) when the file has no samples of it. */
    size_t n_vars;                /* quantities whose means enter: 1, or the names of an expression */
    size_t *units, *first;        /* [n_points] how many, and where they begin */
    double *unit;                 /* [point][place][quantity][units]; NaN: not there, +inf: a run that did not end */
    double *weight;               /* [point][units] */
    double *centre;               /* [n_cells][n_vars] weighted mean over the units */
    double *stretch;              /* [n_cells] by which deviations of a resample are multiplied */
    uint32_t *order;              /* medians: [point][place][units] by size */
    bool *whole;                  /* [n_points] every unit is finite */
    uint64_t *group;              /* [n_points] points of one group have the same replicas and are resampled together */
    /* Without units: standard errors, or resamples that an analysis left in the file. */
    double *err, *dof;            /* [n_cells] */
    const double *stored;         /* [n_cells][n_stored] */
    size_t n_stored;
    /* The expression; its names are quantities (slot) or parameters, which `constant` holds for each point. */
    qn_expr *expression;
    size_t n_names, slot[QN_SAMPLED_NAMES];
    double *constant;             /* [n_points][n_names] */
} qn_sampled;

/* The names of the variables of /samples that qn_sampled_init needs, NULL-terminated; allocated in one piece.  `d` may lack its samples.
 * QN_ERR_INPUT when there is no such observable (the nearest is named) and no expression of observables. */
int qn_sampled_needs(const qn_dataset *d, const char *observable, char ***out) QN_NODISCARD;
void qn_sampled_needs_free(char **names);

/* QN_ERR_INPUT: too few replicas, a geometric mean of numbers that are not positive.  `d` and `observable` must stay. */
int qn_sampled_init(qn_sampled *s, const qn_dataset *d, const char *observable, qn_statistic statistic) QN_NODISCARD;
void qn_sampled_free(qn_sampled *s); /* also after a failed init */

/* Runs at a cell, and how many of them did not end (their outcome is missing). */
void qn_sampled_runs(const qn_sampled *s, size_t cell, size_t *runs, size_t *unfinished);
/* Degrees of freedom of what is known of a cell: units less one. */
double qn_sampled_dof(const qn_sampled *s, size_t cell);
/* The cell's number where unit j counts times[j] times, and where each counts once, without correction for the bias of an expression. */
double qn_sampled_at(const qn_sampled *s, size_t cell, const double *times);
double qn_sampled_plain(const qn_sampled *s, size_t cell);

#endif
