/* test_hebbian_mc.c -- Monte Carlo of the retrieval state against replica-symmetric theory: chains that start at the pattern, `norm: exact`.
 *
 * P >= 4: the equations of spec 6.1, solved here,
 *     h = [(P/2) m^(P-1) + z sqrt(gamma (P/2) q^(P-1))]/T,  m = E tanh h,  q = E tanh^2 h,  u = -m^P/2 - (gamma/2T)(1 - q^P)
 * (Agliari et al., arXiv:2212.00606; spin-glass part: Gardner 1985).  P = 2: values of Amit, Gutfreund & Sompolinsky's equations. */
#include "hebbian/hebbian.h"
#include "qtest.h"
#include "running.h"
#include "text.h"

enum { MOST_REPLICAS = 64 };

typedef struct rs {
    double m, q, u;
} rs;

/* Iteration from m = q = 1 converges to the retrieval solution where there is one. */
static rs solve(int p, double gamma, double t)
{
    enum { NODES = 1701 };
    rs x = {1, 1, 0};
    for (int i = 0; i < 2000; i++) {
        double mean = p / 2.0 * pow(x.m, p - 1), spread = sqrt(gamma * p / 2 * pow(x.q, p - 1)), m = 0, q = 0, norm = 0;
        for (int k = 0; k < NODES; k++) {
            double z = -8.5 + 17.0 * k / (NODES - 1), w = exp(-z * z / 2), th = tanh((mean + z * spread) / t);
            norm += w;
            m += w * th;
            q += w * th * th;
        }
        x.m = m / norm;
        x.q = q / norm;
    }
    x.u = -pow(x.m, p) / 2 - gamma / (2 * t) * (1 - pow(x.q, p));
    return x;
}

static void spec_values_of_the_equations(void **state)
{
    (void)state;
    rs x = solve(4, 0, 0.6);
    assert_near(x.m, tanh(2 * pow(x.m, 3) / 0.6), 1e-12);
    x = solve(6, 0.1, 0.8);
    assert_near(x.m, 0.997, 5e-4); /* spec section 11 */
}

static const struct {
    int p, n;
    double gamma, t, m; /* m = 0: from the equations */
    int replicas, steps;
} points[] = {
    {4, 128, 0.05, 0.6, 0, 32, 1000},
    {4, 128, 0.1, 0.6, 0, 32, 1000},
    {4, 128, 0.2, 0.4, 0, 32, 1000},
    {6, 40, 0.1, 0.6, 0, 64, 1000},
    {2, 2000, 0.05, 0.3, 0.99116, 32, 600},
    {2, 2000, 0.1, 0.2, 0.98909, 32, 600},
    {2, 2000, 0.02, 0.6, 0.87929, 64, 1000},
};

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return &hebbian_model;
}

static double mean_of(const double *x, int n, double *err)
{
    double mean = 0, var = 0;
    for (int r = 0; r < n; r++)
        mean += x[r] / n;
    for (int r = 0; r < n; r++)
        var += (x[r] - mean) * (x[r] - mean);
    *err = sqrt(var / (n - 1) / n);
    return mean;
}

/* Replica means of several quantities over the chains that stayed; returns how many left. */
typedef struct outcome {
    int stayed, left;
    double m[MOST_REPLICAS], u[MOST_REPLICAS];
} outcome;

static outcome run(size_t i, double t)
{
    char *text = qn_format("model: hebbian\nseed: 2026\nreplicas: %d\nparameters: {N: %d, P: %d, load: %g, T: %g, left_threshold: 0.8}\nsampling: {thermalization: 200, steps: %d, bins: 1}\n",
                           points[i].replicas, points[i].n, points[i].p, points[i].gamma, t, points[i].steps);
    qn_sweep s;
    qn_layout l;
    qn_plan plan;
    qn_problems problems = {0};
    if (qn_sweep_init(&s, &(qn_sweep_source){.file = "test_hebbian_mc", .text = text, .find = find}, &problems))
        qn_problems_print(&problems, stderr);
    assert_int_equal(problems.n, 0);
    assert_int_equal(qn_layout_init(&l, &s), 0);
    assert_int_equal(qn_plan_init(&plan, &s, &l, "/nonexistent/out.h5", NULL, 0, NULL, NULL), 0);
    double *row = malloc((l.row + 1) * sizeof *row);
    outcome y = {0};
    for (int r = 0; r < points[i].replicas; r++) {
        qn_row_head head;
        assert_int_equal(qn_task_run(&plan, (size_t)r, row, &head), 0);
        if (row[qn_layout_column(&l, "left")->offset] > 0) {
            y.left++;
            continue;
        }
        y.m[y.stayed] = row[qn_layout_column(&l, "m")->offset];
        y.u[y.stayed++] = row[qn_layout_column(&l, "u")->offset];
    }
    free(row);
    qn_plan_free(&plan);
    qn_layout_free(&l);
    qn_sweep_free(&s);
    qn_problems_free(&problems);
    free(text);
    return y;
}

/* Over the chains that stayed: within 3 standard errors or 0.002; the errors themselves are below 0.0015, so that a tenth of T too much would show. */
static void retrieval_is_replica_symmetric(void **state)
{
    size_t i = *(const size_t *)*state;
    outcome y = run(i, points[i].t);
    double err, m = mean_of(y.m, y.stayed, &err), want = points[i].m > 0 ? points[i].m : solve(points[i].p, points[i].gamma, points[i].t).m;
    print_message("P=%d N=%d gamma=%g T=%g: m = %.5f +- %.5f, theory %.5f; %d of %d chains left\n", points[i].p, points[i].n, points[i].gamma,
                  points[i].t, m, err, want, y.left, y.left + y.stayed);
    assert_true((points[i].n < 64 ? 8 : 50) * y.left <= y.left + y.stayed); /* N = 40 hops to patterns that happen to be near (5 of 64) */
    assert_true(err < 0.0015);
    assert_near(m, want, fmax(3 * err, 0.002));
    if (points[i].p == 2)
        return;
    double u = mean_of(y.u, y.stayed, &err);
    assert_sigma(u, err, solve(points[i].p, points[i].gamma, points[i].t).u);
}

int main(void)
{
    enum { POINTS = sizeof points / sizeof *points };
    static size_t number[POINTS];
    static char name[POINTS][64];
    struct CMUnitTest tests[POINTS + 1] = {cmocka_unit_test(spec_values_of_the_equations)};
    for (size_t i = 0; i < POINTS; i++) {
        number[i] = i;
        snprintf(name[i], sizeof name[i], "retrieval, P=%d N=%d gamma=%g T=%g", points[i].p, points[i].n, points[i].gamma, points[i].t);
        tests[i + 1] = (struct CMUnitTest){name[i], retrieval_is_replica_symmetric, NULL, NULL, &number[i]};
    }
    return cmocka_run_group_tests_name("hebbian_mc", tests, NULL, NULL);
}
