/* cbo_cells.h -- success probabilities of ten settings, counted with an established package of another group and with a second
 * implementation (lambda = 1, alpha fixed, no Heaviside factor, no batches; the consensus of the final particles is within 0.25 of the
 * minimiser in every coordinate), and a run of the engine to compare.  Two counts k1 of n1 and k2 of n2 agree when
 * z = (p1 - p2)/sqrt(p (1-p) (1/n1 + 1/n2)), p the pooled rate, is below 4: by luck it is above once in 16000. */
#ifndef CBO_CELLS_H
#define CBO_CELLS_H

#include "cbo/cbo.h"
#include "qtest.h"
#include "running.h"
#include "text.h"

typedef struct cbo_cell {
    const char *parameters;
    int steps, runs; /* runs that p was counted over */
    double p;
} cbo_cell;

static const cbo_cell cbo_cells[] = {
    {"objective: rastrigin, A: 10, noise: anisotropic, d: 5, N: 100, alpha: 10, sigma: 0.4, dt: 0.02", 1000, 1300, 0.065},
    {"objective: rastrigin, A: 10, noise: anisotropic, d: 5, N: 100, alpha: 10, sigma: 1.2, dt: 0.02", 1000, 1300, 0.508},
    {"objective: rastrigin, A: 10, noise: anisotropic, d: 5, N: 100, alpha: 10, sigma: 2.0, dt: 0.02", 1000, 1300, 0.693},
    {"objective: rastrigin, A: 2.5, noise: anisotropic, d: 4, N: 50, alpha: 100, sigma: 0.8944271909999159, dt: 0.02, start: normal, start_mean: 2, start_sd: 4", 1000, 1500, 0.509},
    {"objective: rastrigin, A: 2.5, noise: anisotropic, d: 4, N: 50, alpha: 100, sigma: 4, dt: 0.02, start: normal, start_mean: 2, start_sd: 4", 1000, 1500, 0.915},
    {"objective: rastrigin, A: 2.5, noise: anisotropic, d: 4, N: 100, alpha: 100, sigma: 0.8944271909999159, dt: 0.02, start: normal, start_mean: 2, start_sd: 4", 1000, 1500, 0.809},
    {"objective: ackley, noise: isotropic, d: 10, N: 50, alpha: 30, sigma: 0.31622776601683794, dt: 0.01", 1000, 1500, 0.748},
    {"objective: ackley, noise: isotropic, d: 20, N: 200, alpha: 30, sigma: 0.22360679774997896, dt: 0.01", 1000, 1000, 0.566},
    {"objective: ackley, noise: anisotropic, d: 10, N: 50, alpha: 100, sigma: 1, dt: 0.02", 1000, 1200, 0.819},
    {"objective: canyon, variant: noisy, noise: isotropic, d: 2, N: 200, alpha: 100, sigma: 1.6, dt: 0.01, start: normal, start_mean: 8, start_sd: 0.5", 250, 1500, 0.997},
};

static const qn_model *cbo_find(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return &cbo_model;
}

/* Runs of a sweep without axes, handed to `look` row by row. */
typedef void cbo_look_at(void *to, const qn_layout *l, const double *row);

static void cbo_run(const char *parameters, int steps, int interval, int runs, cbo_look_at *look, void *to)
{
    char *text = qn_format("model: cbo\nseed: 20261124\nreplicas: %d\nparameters: {%s}\nsampling: {steps: %d, interval: %d}\n", runs, parameters, steps, interval);
    qn_sweep s;
    qn_layout l;
    qn_plan plan;
    qn_problems problems = {0};
    if (qn_sweep_init(&s, &(qn_sweep_source){.file = "cbo", .text = text, .find = cbo_find}, &problems))
        qn_problems_print(&problems, stderr);
    assert_int_equal(problems.n, 0);
    assert_int_equal(qn_layout_init(&l, &s), 0);
    assert_int_equal(qn_plan_init(&plan, &s, &l, "/nonexistent/out.h5", NULL, 0, NULL, NULL), 0);
    double *row = malloc((l.row + 1) * sizeof *row);
    for (int r = 0; r < runs; r++) {
        qn_row_head head;
        assert_int_equal(qn_task_run(&plan, (size_t)r, row, &head), 0);
        look(to, &l, row);
    }
    free(row);
    qn_plan_free(&plan);
    qn_layout_free(&l);
    qn_sweep_free(&s);
    qn_problems_free(&problems);
    free(text);
}

static inline double cbo_outcome(const qn_layout *l, const double *row, const char *name)
{
    const qn_column *c = qn_layout_column(l, name);
    assert_non_null(c);
    return row[c->offset];
}

static void cbo_count(void *to, const qn_layout *l, const double *row)
{
    *(double *)to += cbo_outcome(l, row, "success");
}

static inline void cbo_compare(const cbo_cell *cell, int runs)
{
    double k = 0;
    cbo_run(cell->parameters, cell->steps, cell->steps, runs, cbo_count, &k);
    double p = k / runs, pooled = (k + cell->p * cell->runs) / (runs + cell->runs);
    double z = (p - cell->p) / sqrt(pooled * (1 - pooled) * (1.0 / runs + 1.0 / cell->runs));
    print_message("%s: %.4f of %d, counted before %.3f of %d, z = %.2f\n", cell->parameters, p, runs, cell->p, cell->runs, z);
    assert_true(fabs(z) < Q_Z);
}

#endif
