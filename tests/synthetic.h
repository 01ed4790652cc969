/* synthetic.h -- results made up in memory, as `quench run` would have written them: axes, an outcome or a series with its samples.  What analyses
 * make of them is known. */
#ifndef SYNTHETIC_H
#define SYNTHETIC_H

#include "qtest.h"

#include "dataset.h"
#include "rng.h"
#include "stats.h"

typedef struct synthetic {
    qn_dataset *d, *samples;
    size_t n_axes, points, replicas;
    const char *axis[4];
} synthetic;

static void made(int err)
{
    if (err)
        fail_msg("%s", qn_error_text());
}

/* `disorder`: names of the parameters that seed it, "" for none, NULL: the file does not say. */
static void synthetic_begin(synthetic *s, size_t replicas, const char *disorder)
{
    *s = (synthetic){.points = 1, .replicas = replicas};
    made(qn_dataset_new(&s->d));
    made(qn_attr_str(s->d, NULL, "axes", ""));
    if (disorder)
        made(qn_attr_str(s->d, NULL, "disorder_parameters", disorder));
    made(qn_dataset_group(s->d, "samples", &s->samples));
    made(qn_dataset_dim(s->samples, "replica", replicas));
}

static inline void synthetic_axis(synthetic *s, const char *name, size_t n, const double *x)
{
    char axes[256];
    qn_var *v;
    made(qn_dataset_dim(s->d, name, n));
    made(qn_dataset_var(s->d, name, QN_F64, 1, &name, &v));
    memcpy(v->f64, x, n * sizeof *x);
    snprintf(axes, sizeof axes, "%s%s%s", qn_attr_text(s->d, NULL, "axes"), s->n_axes ? " " : "", name);
    made(qn_attr_str(s->d, NULL, "axes", axes));
    s->axis[s->n_axes++] = name;
    s->points *= n;
}

static inline size_t synthetic_dims(const synthetic *s, const char *last, const char *more, const char **out)
{
    size_t n = 0;
    for (; n < s->n_axes; n++)
        out[n] = s->axis[n];
    if (last)
        out[n++] = last;
    if (more)
        out[n++] = more;
    return n;
}

static inline qn_var *synthetic_var(qn_dataset *d, const char *name, qn_dtype type, size_t n, const char *const *dims)
{
    qn_var *v;
    made(qn_dataset_var(d, name, type, n, dims, &v));
    return v;
}

/* An outcome x[points][replicas]; NaN: did not end. */
static inline void synthetic_outcome(synthetic *s, const char *name, bool binary, const double *x)
{
    const char *dims[8];
    char beside[96];
    qn_var *mean = synthetic_var(s->d, name, QN_F64, synthetic_dims(s, NULL, NULL, dims), dims);
    made(qn_attr_str(s->d, mean, "kind", "outcome"));
    snprintf(beside, sizeof beside, "%s_err", name);
    qn_var *err = synthetic_var(s->d, beside, QN_F64, s->n_axes, dims), *lo = NULL, *hi = NULL;
    if (binary) {
        snprintf(beside, sizeof beside, "%s_lo", name);
        lo = synthetic_var(s->d, beside, QN_F64, s->n_axes, dims);
        snprintf(beside, sizeof beside, "%s_hi", name);
        hi = synthetic_var(s->d, beside, QN_F64, s->n_axes, dims);
    }
    qn_var *all = synthetic_var(s->samples, name, QN_F64, synthetic_dims(s, "replica", NULL, dims), dims);
    memcpy(all->f64, x, s->points * s->replicas * sizeof *x);
    for (size_t p = 0; p < s->points; p++) {
        qn_estimate e;
        qn_estimate_values(s->replicas, x + p * s->replicas, &e);
        mean->f64[p] = e.replicas ? e.mean : NAN;
        err->f64[p] = e.err;
        if (binary)
            qn_wilson(e.mean * (double)e.replicas, (double)e.replicas, 1.96, &lo->f64[p], &hi->f64[p]);
    }
}

/* A series of independent measurements: bins x[points][replicas][bins] of `each` measurements. */
static inline void synthetic_series(synthetic *s, const char *name, size_t bins, int64_t each, const double *x)
{
    const char *dims[8];
    char beside[96];
    qn_var *mean = synthetic_var(s->d, name, QN_F64, synthetic_dims(s, NULL, NULL, dims), dims);
    made(qn_attr_str(s->d, mean, "kind", "series"));
    if (!qn_dataset_find_dim(s->samples, "bin"))
        made(qn_dataset_dim(s->samples, "bin", bins));
    qn_var *all = synthetic_var(s->samples, name, QN_F64, synthetic_dims(s, "replica", "bin", dims), dims);
    memcpy(all->f64, x, s->points * s->replicas * bins * sizeof *x);
    snprintf(beside, sizeof beside, "%s_tau", name);
    qn_var *tau = synthetic_var(s->samples, beside, QN_F64, synthetic_dims(s, "replica", NULL, dims), dims), *count = qn_dataset_find(s->samples, "measurements");
    if (!count)
        count = synthetic_var(s->samples, "measurements", QN_I64, s->n_axes + 1, dims);
    for (size_t t = 0; t < tau->size; t++) {
        tau->f64[t] = 0.5;
        count->i64[t] = each * (int64_t)bins;
    }
    for (size_t p = 0; p < s->points; p++) {
        double sum = 0;
        for (size_t k = 0; k < s->replicas * bins; k++)
            sum += x[p * s->replicas * bins + k];
        mean->f64[p] = sum / (double)(s->replicas * bins);
    }
}

static inline void synthetic_end(synthetic *s)
{
    qn_dataset_free(s->d);
}

#endif
