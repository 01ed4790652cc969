/* test_hebbian_exact.c -- N = 12 spins, K = 5 patterns: thermal averages summed over all 2^12 states, by an independent program
 * (tests/data/exact_N12_K5.csv, exact_N12_Pq.csv), by an enumerator over this engine's energies to 1e-10, and by its Monte Carlo
 * within 4 standard errors, the coldest rows by tempering. */
#include "hebbian/chain.h"
#include "hebbian/hebbian.h"
#include "data.h"
#include "qtest.h"
#include "running.h"
#include "text.h"

enum { N = 12, STATES = 1 << N, MOST_ROWS = 64 };

#define PATTERNS "tests/data/patterns_N12_K5.txt"

/* ---- the reference ----------------------------------------------------------------------------------------------------- */

enum { F, E, CV, M1ABS, M1SQ, M1FOUR, MMAXABS, SUMMSQ, Q2, Q4, E0, G0, N_COLUMNS };
static const char *const columns[] = {"f", "e", "cv", "m1abs", "m1sq", "m1four", "mmaxabs", "summsq", "q2", "q4", "e0", "g0"};

typedef struct exact {
    int p;
    char kind[16];
    double t, value[N_COLUMNS], pq[N + 1]; /* P(q) at q = 1, 1-2/N, .., -1 */
} exact;

typedef struct reference {
    size_t n;
    exact row[MOST_ROWS];
} reference;

static size_t read_rows(const char *path, reference *r, size_t values, bool overlaps)
{
    FILE *f = fopen(path, "r");
    char line[2048];
    size_t n = 0;
    if (!f)
        fail_msg("%s cannot be read", path);
    while (fgets(line, sizeof line, f)) {
        if (line[0] < '0' || line[0] > '9')
            continue;
        assert_true(n < MOST_ROWS);
        exact *x = &r->row[n++];
        int at = 0, p;
        char kind[16];
        double t;
        assert_int_equal(sscanf(line, "%d,%15[^,],%lf%n", &p, kind, &t, &at), 3);
        if (overlaps) { /* the second file has the rows of the first */
            assert_int_equal(p, x->p);
            assert_string_equal(kind, x->kind);
            assert_near(t, x->t, 0);
        }
        x->p = p;
        x->t = t;
        snprintf(x->kind, sizeof x->kind, "%s", kind);
        char *c = line + at;
        for (size_t i = 0; i < values; i++) {
            assert_int_equal(*c, ',');
            (overlaps ? x->pq : x->value)[i] = strtod(c + 1, &c);
        }
    }
    fclose(f);
    return n;
}

static int read_reference(void **state)
{
    reference *r = calloc(1, sizeof *r);
    *state = r;
    r->n = read_rows("tests/data/exact_N12_K5.csv", r, N_COLUMNS, false);
    assert_int_equal(read_rows("tests/data/exact_N12_Pq.csv", r, N + 1, true), r->n);
    assert_int_equal(r->n, 48); /* P = 2, 4, 6, two energies, eight temperatures */
    return 0;
}

static int free_reference(void **state)
{
    free(*state);
    return 0;
}

/* ---- enumeration --------------------------------------------------------------------------------------------------------- */

typedef struct system {
    heb_patterns x;
    heb_problem pb;
    heb_chain c;
    double energy[STATES];
    int m1[STATES], m_max[STATES];
    int64_t sum_m2[STATES];
} system12;

static void enumerate(system12 *y, int p, heb_kind kind)
{
    qn_spins rows;
    assert_int_equal(qn_spins_read(PATTERNS, N, &rows), 0);
    assert_int_equal(heb_patterns_init(&y->x, N, rows.rows), 0);
    for (size_t mu = 0; mu < rows.rows; mu++)
        heb_patterns_put(&y->x, mu, rows.s + mu * N);
    qn_spins_free(&rows);
    assert_int_equal(heb_problem_init(&y->pb, p, kind, HEB_ASYMPTOTIC, &y->x), 0);
    assert_int_equal(heb_chain_init(&y->c, &y->pb, false), 0);
    for (uint32_t s = 0; s < STATES; s++) {
        int8_t spin[N];
        heb_summary sum;
        for (unsigned i = 0; i < N; i++)
            spin[i] = s >> i & 1 ? 1 : -1;
        heb_chain_set(&y->c, spin);
        heb_chain_summary(&y->c, &sum);
        y->energy[s] = sum.energy;
        y->m1[s] = y->c.m[0];
        y->m_max[s] = sum.m_max;
        y->sum_m2[s] = sum.sum_m2;
    }
}

static void system_free(system12 *y)
{
    heb_chain_free(&y->c);
    heb_problem_free(&y->pb);
    heb_patterns_free(&y->x);
}

/* Walsh-Hadamard: the distribution of s xor s' of two replicas is the transform of the squared transform of the weights. */
static void walsh(double *x)
{
    for (uint32_t h = 1; h < STATES; h *= 2)
        for (uint32_t i = 0; i < STATES; i++)
            if (!(i & h)) {
                double a = x[i], b = x[i | h];
                x[i] = a + b;
                x[i | h] = a - b;
            }
}

static void average(const system12 *y, double t, double *v, double *pq)
{
    static double w[STATES];
    double z = 0, lowest = INFINITY, e = 0, e2 = 0;
    for (int k = 0; k < N_COLUMNS; k++)
        v[k] = 0;
    for (uint32_t s = 0; s < STATES; s++)
        lowest = fmin(lowest, y->energy[s]);
    for (uint32_t s = 0; s < STATES; s++)
        z += w[s] = exp(-(y->energy[s] - lowest) / t);
    for (uint32_t s = 0; s < STATES; s++) {
        w[s] /= z;
        double m = (double)y->m1[s] / N, u = y->energy[s] - lowest;
        e += w[s] * u;
        e2 += w[s] * u * u;
        v[M1ABS] += w[s] * fabs(m);
        v[M1SQ] += w[s] * m * m;
        v[M1FOUR] += w[s] * m * m * m * m;
        v[MMAXABS] += w[s] * y->m_max[s] / N;
        v[SUMMSQ] += w[s] * (double)y->sum_m2[s] / (N * N);
        v[G0] += u < 1e-9;
    }
    v[F] = (lowest - t * log(z)) / N;
    v[E] = (lowest + e) / N;
    v[CV] = (e2 - e * e) / (N * t * t);
    v[E0] = lowest / N;
    walsh(w);
    for (uint32_t s = 0; s < STATES; s++)
        w[s] *= w[s];
    walsh(w);
    for (int k = 0; k <= N; k++)
        pq[k] = 0;
    for (uint32_t s = 0; s < STATES; s++)
        pq[__builtin_popcount(s)] += w[s] / STATES;
    for (int k = 0; k <= N; k++) {
        double q = 1 - 2.0 * k / N;
        v[Q2] += pq[k] * q * q;
        v[Q4] += pq[k] * q * q * q * q;
    }
}

static void all_states(void **state)
{
    const reference *r = *state;
    for (size_t i = 0; i < r->n; i++) {
        const exact *x = &r->row[i];
        double v[N_COLUMNS], pq[N + 1];
        static system12 y;
        enumerate(&y, x->p, strcmp(x->kind, "full") ? HEB_DISTINCT : HEB_FULL);
        average(&y, x->t, v, pq);
        system_free(&y);
        for (int k = 0; k < N_COLUMNS; k++)
            if (!(fabs(v[k] - x->value[k]) <= 1e-10))
                fail_msg("P=%d %s T=%g: %s = %.13g, want %.13g", x->p, x->kind, x->t, columns[k], v[k], x->value[k]);
        for (int k = 0; k <= N; k++)
            assert_near(pq[k], x->pq[k], 1e-10);
    }
}

/* ---- Monte Carlo ------------------------------------------------------------------------------------------------------------ */

enum { REPLICAS = 128, MOST_T = 8, COLD = 4000, STEPS = 400 }; /* COLD: sweeps before the chains at T = 0.5 and below forget their start */

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return &hebbian_model;
}

typedef struct tally {
    size_t checks;
    double worst;
    char where[160];
} tally;

static void judge(tally *y, const exact *x, const char *dynamics, const char *what, double got, double err, double want)
{
    double z = got == want ? 0 : fabs(got - want) / (err > 0 ? err : 1.0 / (REPLICAS * STEPS)); /* no spread: what differs was too rare to be seen */
    y->checks++;
    if (z > y->worst) {
        y->worst = z;
        snprintf(y->where, sizeof y->where, "%s, P=%d %s T=%g, %s = %.6g +- %.2g, exact %.6g", dynamics, x->p, x->kind, x->t, what, got, err, want);
    }
}

/* Mean over replicas and its standard error. */
static double mean_of(const double *x, double *err)
{
    double mean = 0, var = 0;
    for (int r = 0; r < REPLICAS; r++)
        mean += x[r] / REPLICAS;
    for (int r = 0; r < REPLICAS; r++)
        var += (x[r] - mean) * (x[r] - mean);
    *err = sqrt(var / (REPLICAS - 1) / REPLICAS);
    return mean;
}

/* N (<u^2> - <u>^2)/T^2 of the pooled replicas, jackknifed over them. */
static double heat_of(const double *u, const double *u2, double t, double *err)
{
    double all = 0, all2 = 0, f[REPLICAS], ignored;
    for (int r = 0; r < REPLICAS; r++) {
        all += u[r];
        all2 += u2[r];
    }
    double whole = N * (all2 / REPLICAS - pow(all / REPLICAS, 2)) / (t * t);
    for (int r = 0; r < REPLICAS; r++)
        f[r] = N * ((all2 - u2[r]) / (REPLICAS - 1) - pow((all - u[r]) / (REPLICAS - 1), 2)) / (t * t);
    double mean = mean_of(f, &ignored);
    *err = ignored * (REPLICAS - 1);
    return REPLICAS * whole - (REPLICAS - 1) * mean;
}

static void judge_row(tally *y, const exact *x, const char *dynamics, const qn_layout *l, size_t steps, double **row)
{
    static const struct {
        const char *name, *plus;
        int column;
    } means[] = {{"u", NULL, E}, {"m_abs", NULL, M1ABS}, {"m2", NULL, M1SQ}, {"m4", NULL, M1FOUR}, {"m_max", NULL, MMAXABS}, {"crosstalk", "m2", SUMMSQ}, {"q2", NULL, Q2}, {"q4", NULL, Q4}};
    double v[REPLICAS], w[REPLICAS], err, got;
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        const qn_column *c = qn_layout_column(l, means[i].name), *d = means[i].plus ? qn_layout_column(l, means[i].plus) : NULL;
        for (int r = 0; r < REPLICAS; r++)
            v[r] = row[r][c->offset] + (d ? row[r][d->offset] : 0);
        got = mean_of(v, &err);
        judge(y, x, dynamics, columns[means[i].column], got, err, x->value[means[i].column]);
    }
    for (int r = 0; r < REPLICAS; r++) {
        v[r] = row[r][qn_layout_column(l, "u")->offset];
        w[r] = row[r][qn_layout_column(l, "u2")->offset];
    }
    got = heat_of(v, w, x->t, &err);
    judge(y, x, dynamics, "cv", got, err, x->value[CV]);
    for (size_t k = 0; k <= N / 2; k++) { /* |q|, where it is seen often enough for a normal error */
        double want = x->pq[k] + (k < N / 2 ? x->pq[N - k] : 0);
        const double *at = NULL;
        for (int r = 0; r < REPLICAS; r++) {
            at = row[r] + qn_layout_column(l, "q_histogram")->offset;
            v[r] = at[N - k] + (k < N / 2 ? at[k] : 0);
        }
        got = mean_of(v, &err);
        if (want * REPLICAS * (double)steps > 1000)
            judge(y, x, dynamics, "P(q)", got, err, want);
    }
}

/* A sweep over several temperatures of one P and energy, with plan and layout. */
typedef struct experiment {
    qn_sweep s;
    qn_layout l;
    qn_plan plan;
} experiment;

static void experiment_init(experiment *e, const exact *const *x, size_t n, int thermalization, int steps, const char *parameters, const char *more)
{
    qn_buffer text = {0};
    qn_buffer_add(&text, "model: hebbian\nseed: 12\nreplicas: %d\nparameters: {N: 12, P: %d, energy: %s, norm: asymptotic, patterns: file, pattern_file: " PATTERNS ", start: random, replicas_per_disorder: 2, histograms: true, %s}\nsweep: {T: [",
                  REPLICAS, x[0]->p, x[0]->kind, parameters);
    for (size_t i = 0; i < n; i++)
        qn_buffer_add(&text, "%s%g", i ? ", " : "", x[i]->t);
    qn_buffer_add(&text, "]}\nsampling: {thermalization: %d, steps: %d, bins: 1}\n%s", thermalization, steps, more);
    qn_problems problems = {0};
    if (qn_sweep_init(&e->s, &(qn_sweep_source){.file = "test_hebbian_exact", .text = text.text, .find = find}, &problems))
        qn_problems_print(&problems, stderr);
    assert_int_equal(problems.n, 0);
    assert_int_equal(qn_layout_init(&e->l, &e->s), 0);
    assert_int_equal(qn_plan_init(&e->plan, &e->s, &e->l, "/nonexistent/out.h5", NULL, 0, NULL, NULL), 0);
    qn_problems_free(&problems);
    qn_buffer_free(&text);
}

static void experiment_free(experiment *e)
{
    qn_plan_free(&e->plan);
    qn_layout_free(&e->l);
    qn_sweep_free(&e->s);
}

static void run_rows(tally *y, const exact *const *x, size_t n, int thermalization, const char *dynamics, const char *parameters)
{
    if (!n)
        return;
    experiment e;
    experiment_init(&e, x, n, thermalization, STEPS, parameters, "");
    double *row[REPLICAS];
    for (size_t r = 0; r < REPLICAS; r++)
        row[r] = malloc((e.l.row + 1) * sizeof **row);
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < REPLICAS; r++) {
            qn_row_head head;
            assert_int_equal(qn_task_run(&e.plan, i * REPLICAS + r, row[r], &head), 0);
        }
        judge_row(y, x[i], dynamics, &e.l, STEPS, row);
    }
    for (size_t r = 0; r < REPLICAS; r++)
        free(row[r]);
    experiment_free(&e);
}

/* Every row that a single-flip chain mixes (all of P = 2; T >= 0.5 above).  Some 500 checks a dynamics, each |z| < 4 with 127 degrees of freedom:
 * another seed would fail by luck once in twenty. */
static void dynamics_samples(void **state, const char *dynamics, const char *parameters)
{
    const reference *r = *state;
    tally y = {0};
    for (size_t i = 0; i < r->n;) {
        const exact *cold[MOST_T], *warm[MOST_T];
        size_t n_cold = 0, n_warm = 0, first = i;
        for (; i < r->n && r->row[i].p == r->row[first].p && !strcmp(r->row[i].kind, r->row[first].kind); i++)
            if (r->row[i].t > 0.5)
                warm[n_warm++] = &r->row[i];
            else if (r->row[i].p == 2 || r->row[i].t == 0.5)
                cold[n_cold++] = &r->row[i];
        run_rows(&y, cold, n_cold, COLD, dynamics, parameters);
        run_rows(&y, warm, n_warm, 200, dynamics, parameters);
    }
    print_message("%zu checks, largest z = %.2f: %s\n", y.checks, y.worst, y.where);
    assert_true(y.checks > 450);
    if (!(y.worst < Q_Z))
        fail_msg("%s", y.where);
}

static void heat_bath_random(void **state)
{
    dynamics_samples(state, "heat bath, random", "dynamics: heatbath");
}

static void heat_bath_sequential(void **state)
{
    dynamics_samples(state, "heat bath, sequential", "dynamics: heatbath, scan: sequential");
}

static void metropolis(void **state)
{
    dynamics_samples(state, "Metropolis", "dynamics: metropolis, field_reuse: false");
}

/* ---- tempering -------------------------------------------------------------------------------------------------------------- */

enum { LADDER_THERMALIZATION = 300, LADDER_STEPS = 600 };

/* All temperatures of one P and energy as one ladder, the two chains of a task exchanged one by one. */
static void run_ladder(tally *y, const exact *const *x, size_t n)
{
    experiment e;
    experiment_init(&e, x, n, LADDER_THERMALIZATION, LADDER_STEPS, "dynamics: heatbath", "tempering: {axis: T}\n");
    size_t width = e.l.row, trips = qn_layout_column(&e.l, "round_trips")->offset, rate = qn_layout_column(&e.l, "exchange_rate")->offset;
    double *all = malloc((n * REPLICAS * width + 1) * sizeof *all), *row[REPLICAS], sum = 0;
    assert_int_equal(e.plan.n_tasks, REPLICAS);
    for (size_t r = 0; r < REPLICAS; r++) {
        qn_row_head head[MOST_T];
        assert_int_equal(qn_task_run(&e.plan, r, all + r * n * width, head), 0);
        sum += all[r * n * width + trips];
        for (size_t i = 0; i < n; i++) {
            double p = all[(r * n + i) * width + rate];
            assert_true(i + 1 < n ? p > 0 && p <= 1 : isnan(p));
            assert_near(all[(r * n + i) * width + trips], all[r * n * width + trips], 0);
        }
    }
    print_message("P=%d %s: %.1f round trips a task\n", x[0]->p, x[0]->kind, sum / REPLICAS);
    assert_true(sum / REPLICAS > 10);
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < REPLICAS; r++)
            row[r] = all + (r * n + i) * width;
        judge_row(y, x[i], "tempering", &e.l, LADDER_STEPS, row);
    }
    free(all);
    experiment_free(&e);
}

/* Every row, the coldest too, which no single chain reaches in these times: 700 checks, as above. */
static void tempering(void **state)
{
    const reference *r = *state;
    tally y = {0};
    for (size_t i = 0; i < r->n;) {
        const exact *rung[MOST_T];
        size_t n = 0, first = i;
        for (; i < r->n && r->row[i].p == r->row[first].p && !strcmp(r->row[i].kind, r->row[first].kind); i++)
            rung[n++] = &r->row[i];
        run_ladder(&y, rung, n);
    }
    print_message("%zu checks, largest z = %.2f: %s\n", y.checks, y.worst, y.where);
    assert_true(y.checks > 650);
    if (!(y.worst < Q_Z))
        fail_msg("%s", y.where);
}

/* The same times without exchanges miss the coldest rows by far: the test above would notice a ladder that does not work. */
static void cold_chains_alone_fail(void **state)
{
    const reference *r = *state;
    tally y = {0};
    for (size_t i = 0; i < r->n; i++)
        if (r->row[i].p == 4 && r->row[i].t == 0.1 && !strcmp(r->row[i].kind, "distinct"))
            run_rows(&y, (const exact *const[]){&r->row[i]}, 1, LADDER_THERMALIZATION, "alone", "dynamics: heatbath");
    print_message("alone: z = %.1f: %s\n", y.worst, y.where);
    assert_true(y.worst > 2 * Q_Z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_states),
        cmocka_unit_test(heat_bath_random),
        cmocka_unit_test(heat_bath_sequential),
        cmocka_unit_test(metropolis),
        cmocka_unit_test(tempering),
        cmocka_unit_test(cold_chains_alone_fail),
    };
    return cmocka_run_group_tests_name("hebbian_exact", tests, read_reference, free_reference);
}
