/* sgd_run.h -- runs a sweep of the engine sgd in memory and hands out the rows: for the tests of that engine. */
#ifndef SGD_RUN_H
#define SGD_RUN_H

#include "qtest.h"
#include "running.h"
#include "sgd/sgd.h"

typedef struct trial {
    qn_sweep sweep;
    qn_layout layout;
    qn_plan plan;
    size_t tasks;   /* point after point, replica after replica */
    double *row;    /* [tasks][layout.row] */
} trial;

static const qn_model *trial_find(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return &sgd_model;
}

static inline void trial_open(trial *t, const char *text)
{
    qn_problems problems = {0};
    if (qn_sweep_init(&t->sweep, &(qn_sweep_source){.file = "test_sgd", .text = text, .find = trial_find}, &problems))
        qn_problems_print(&problems, stderr);
    assert_int_equal(problems.n, 0);
    assert_int_equal(qn_layout_init(&t->layout, &t->sweep), 0);
    assert_int_equal(qn_plan_init(&t->plan, &t->sweep, &t->layout, "/nonexistent/out.h5", NULL, 0, NULL, NULL), 0);
    t->tasks = t->plan.n_tasks;
    t->row = malloc((t->tasks * t->layout.row + 1) * sizeof *t->row);
    assert_non_null(t->row);
}

static inline void trial_run(trial *t, const char *text)
{
    trial_open(t, text);
    for (size_t i = 0; i < t->tasks; i++) {
        qn_row_head head;
        if (qn_task_run(&t->plan, i, t->row + i * t->layout.row, &head))
            fail_msg("%s", qn_error_text());
    }
}

static inline void trial_free(trial *t)
{
    free(t->row);
    qn_plan_free(&t->plan);
    qn_layout_free(&t->layout);
    qn_sweep_free(&t->sweep);
}

/* Element k of an observable of a task; k counts from the end where it is negative. */
static inline double trial_at(const trial *t, size_t task, const char *name, int k)
{
    const qn_column *c = qn_layout_column(&t->layout, name);
    if (!c)
        fail_msg("%s is not there", name);
    return t->row[task * t->layout.row + c->offset + (size_t)(k < 0 ? (int)c->n + k : k)];
}

/* The element over the replicas of a point, into x [replicas]; returns how many there are. */
static inline size_t trial_values(const trial *t, size_t point, const char *name, int k, double *x)
{
    size_t n = (size_t)t->sweep.replicas;
    for (size_t r = 0; r < n; r++)
        x[r] = trial_at(t, point * n + r, name, k);
    return n;
}

static inline double mean_of(size_t n, const double *x, double *err)
{
    double mean = 0, var = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean);
    *err = sqrt(var / (double)(n - 1) / (double)n);
    return mean;
}

static inline double trial_mean(const trial *t, size_t point, const char *name, int k, double *err)
{
    double *x = malloc((size_t)t->sweep.replicas * sizeof *x), mean;
    mean = mean_of(trial_values(t, point, name, k, x), x, err);
    free(x);
    return mean;
}

static inline int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Geometric mean, and the error of its logarithm. */
static inline double trial_geometric(const trial *t, size_t point, const char *name, double *err)
{
    double *x = malloc((size_t)t->sweep.replicas * sizeof *x), mean;
    size_t n = trial_values(t, point, name, -1, x);
    for (size_t i = 0; i < n; i++)
        x[i] = log(x[i]);
    mean = exp(mean_of(n, x, err));
    free(x);
    return mean;
}

/* Chance of a larger distance between the distributions of two samples of one law (Kolmogorov & Smirnov, with Stephens' correction 1970). */
static inline double same_law(size_t n, double *x, size_t m, double *y)
{
    qsort(x, n, sizeof *x, by_value);
    qsort(y, m, sizeof *y, by_value);
    double far = 0, p = 0;
    for (size_t i = 0, j = 0; i < n && j < m;) {
        double at = x[i] < y[j] ? x[i] : y[j];
        while (i < n && x[i] <= at)
            i++;
        while (j < m && y[j] <= at)
            j++;
        far = fmax(far, fabs((double)i / (double)n - (double)j / (double)m));
    }
    double size = sqrt((double)n * (double)m / (double)(n + m)), z = (size + 0.12 + 0.11 / size) * far;
    for (int k = 1; k < 100; k++)
        p += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * z * z);
    return z < 0.2 ? 1 : p;
}

#endif
