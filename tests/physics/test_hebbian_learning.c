/* test_hebbian_learning.c -- N = 12 spins, K = 3 archetypes with M = 4 examples each: thermal averages summed over all 2^12 states, by an
 * independent program (tests/data/exact_supervised_N12.csv), by an enumerator over this engine's energies to 1e-10, and by its Monte Carlo
 * within 4 standard errors, the coldest rows by tempering. */
#include "hebbian/folded.h"
#include "hebbian/hebbian.h"
#include "data.h"
#include "qtest.h"
#include "running.h"
#include "text.h"

enum { N = 12, K = 3, M = 4, STATES = 1 << N, MOST_ROWS = 64 };

#define ROWS "tests/data/patterns_supervised_N12.txt"     /* archetypes, then examples */
#define EXAMPLES "tests/data/examples_supervised_N12.txt" /* the examples alone */
#define QUALITY 0.6

/* ---- the reference ----------------------------------------------------------------------------------------------------- */

enum { F, E, CV, M1ABS, M1SQ, Q2, N1SQ, E0, N_COLUMNS };
static const char *const columns[] = {"f", "e", "cv", "m1abs", "m1sq", "q2", "n1sq", "e0"};

typedef struct exact {
    int p;
    char kind[16];
    double t, value[N_COLUMNS];
} exact;

typedef struct reference {
    size_t n;
    exact row[MOST_ROWS];
} reference;

static bool supervised(const exact *x)
{
    return x->kind[0] == 's';
}

static bool full(const exact *x)
{
    return strstr(x->kind, "full") != NULL;
}

static int read_reference(void **state)
{
    FILE *f = fopen("tests/data/exact_supervised_N12.csv", "r");
    char line[1024];
    reference *r = calloc(1, sizeof *r);
    *state = r;
    if (!f)
        fail_msg("the table cannot be read");
    while (fgets(line, sizeof line, f)) {
        if (line[0] < '0' || line[0] > '9')
            continue;
        assert_true(r->n < MOST_ROWS);
        exact *x = &r->row[r->n++];
        int at = 0;
        assert_int_equal(sscanf(line, "%d,%15[^,],%lf%n", &x->p, x->kind, &x->t, &at), 3);
        char *c = line + at;
        for (size_t i = 0; i < N_COLUMNS; i++) {
            assert_int_equal(*c, ',');
            x->value[i] = strtod(c + 1, &c);
        }
    }
    fclose(f);
    assert_int_equal(r->n, 32); /* P = 2, 4, two data sets, two energies, four temperatures */
    return 0;
}

static int free_reference(void **state)
{
    free(*state);
    return 0;
}

/* ---- enumeration --------------------------------------------------------------------------------------------------------- */

typedef struct system {
    double energy[STATES];
    int m1[STATES];
    double n1[STATES];
} system12;

static void enumerate(system12 *y, const exact *x)
{
    qn_spins rows;
    heb_patterns archetypes, examples;
    heb_folded folded;
    heb_problem pb;
    heb_chain c;
    heb_kind kind = full(x) ? HEB_FULL : HEB_DISTINCT;
    double r2 = QUALITY * QUALITY, r2p = pow(r2, x->p);
    assert_int_equal(qn_spins_read(ROWS, N, &rows), 0);
    assert_int_equal(rows.rows, K + K * M);
    assert_int_equal(heb_patterns_init(&archetypes, N, K), 0);
    assert_int_equal(heb_patterns_init(&examples, N, K * M), 0);
    assert_int_equal(heb_folded_init(&folded, N, K, M), 0);
    for (size_t mu = 0; mu < K; mu++)
        heb_patterns_put(&archetypes, mu, rows.s + mu * N);
    for (size_t a = 0; a < K * M; a++) {
        heb_patterns_put(&examples, a, rows.s + (K + a) * N);
        for (size_t i = 0; i < N; i++)
            folded.w[i * folded.slots + a / M] = (int16_t)(folded.w[i * folded.slots + a / M] + rows.s[(K + a) * N + i]);
    }
    if (supervised(x)) {
        assert_int_equal(heb_folded_problem(&pb, x->p, kind, HEB_ASYMPTOTIC, &folded, r2 + (1 - r2) / M, &archetypes), 0);
    } else {
        assert_int_equal(heb_problem_init(&pb, x->p, kind, HEB_ASYMPTOTIC, &examples), 0);
        heb_energy_scale(&pb.energy, 1 / (M * sqrt(r2p + (1 - r2p) / M)));
    }
    assert_int_equal(heb_chain_init(&c, &pb, false), 0);
    for (uint32_t s = 0; s < STATES; s++) {
        int8_t spin[N];
        int n1 = 0;
        y->m1[s] = 0;
        for (unsigned i = 0; i < N; i++) {
            spin[i] = s >> i & 1 ? 1 : -1;
            y->m1[s] += spin[i] * rows.s[i];
            n1 += spin[i] * folded.w[i * folded.slots];
        }
        heb_chain_set(&c, spin);
        y->energy[s] = heb_chain_energy(&c);
        y->n1[s] = (double)n1 / (N * M);
        assert_int_equal(heb_chain_verify(&c), 0);
    }
    heb_chain_free(&c);
    heb_problem_free(&pb);
    heb_folded_free(&folded);
    heb_patterns_free(&examples);
    heb_patterns_free(&archetypes);
    qn_spins_free(&rows);
}

/* q2 = sum_ij <s_i s_j>^2 / N^2 */
static void average(const system12 *y, double t, double *v)
{
    double z = 0, lowest = INFINITY, e = 0, e2 = 0, pair[N][N] = {{0}};
    for (int k = 0; k < N_COLUMNS; k++)
        v[k] = 0;
    for (uint32_t s = 0; s < STATES; s++)
        lowest = fmin(lowest, y->energy[s]);
    for (uint32_t s = 0; s < STATES; s++)
        z += exp(-(y->energy[s] - lowest) / t);
    for (uint32_t s = 0; s < STATES; s++) {
        double w = exp(-(y->energy[s] - lowest) / t) / z, m = (double)y->m1[s] / N, u = y->energy[s] - lowest;
        e += w * u;
        e2 += w * u * u;
        v[M1ABS] += w * fabs(m);
        v[M1SQ] += w * m * m;
        v[N1SQ] += w * y->n1[s] * y->n1[s];
        for (unsigned i = 0; i < N; i++)
            for (unsigned j = 0; j < N; j++)
                pair[i][j] += (s >> i ^ s >> j) & 1 ? -w : w;
    }
    v[F] = (lowest - t * log(z)) / N;
    v[E] = (lowest + e) / N;
    v[CV] = (e2 - e * e) / (N * t * t);
    v[E0] = lowest / N;
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++)
            v[Q2] += pair[i][j] * pair[i][j] / (N * N);
}

static void all_states(void **state)
{
    const reference *r = *state;
    static system12 y;
    for (size_t i = 0; i < r->n; i++) {
        const exact *x = &r->row[i];
        double v[N_COLUMNS];
        if (i == 0 || x->p != x[-1].p || strcmp(x->kind, x[-1].kind))
            enumerate(&y, x);
        average(&y, x->t, v);
        for (int k = 0; k < N_COLUMNS; k++)
            if (!(fabs(v[k] - x->value[k]) <= 1e-10))
                fail_msg("P=%d %s T=%g: %s = %.13g, want %.13g", x->p, x->kind, x->t, columns[k], v[k], x->value[k]);
    }
}

/* ---- fields: the change of energy on a flip, whatever P ------------------------------------------------------------------------ */

/* e_P(x) by its definition, in long double. */
static long double elementary_of(size_t n, const double *x, int p)
{
    long double c[HEB_FOLDED_MOST_P + 1] = {1};
    for (size_t i = 0; i < n; i++)
        for (int k = p; k > 0; k--)
            c[k] += x[i] * c[k - 1];
    return c[p];
}

static void fields_are_energy_differences(void **state)
{
    (void)state;
    enum { SPINS = 30, ARCHETYPES = 21, EACH = 7 };
    const double R = 0.4;
    for (int p = 2; p <= HEB_FOLDED_MOST_P; p += 2)
        for (int kind = HEB_DISTINCT; kind <= HEB_FULL; kind++) {
            heb_folded x;
            heb_patterns archetypes;
            heb_problem pb;
            heb_chain c;
            qn_rng rng;
            qn_rng_seed(&rng, 0, (uint64_t)p, 1, (uint64_t)kind);
            assert_int_equal(heb_folded_init(&x, SPINS, ARCHETYPES, EACH), 0);
            assert_int_equal(heb_patterns_init(&archetypes, SPINS, ARCHETYPES), 0);
            for (size_t i = 0; i < SPINS; i++)
                for (size_t mu = 0; mu < ARCHETYPES; mu++)
                    x.w[i * x.slots + mu] = (int16_t)(2 * (int)qn_rng_below(&rng, EACH + 1) - EACH);
            assert_int_equal(heb_folded_problem(&pb, p, (heb_kind)kind, HEB_EXACT, &x, R, &archetypes), 0);
            assert_int_equal(heb_chain_init(&c, &pb, true), 0);
            heb_chain_set(&c, c.s);
            assert_true(heb_chain_sweep(&c, HEB_HEATBATH, false, 3, &rng) > 0); /* away from all +1, by the updates themselves */
            assert_int_equal(heb_chain_verify(&c), 0);
            long double energy = 0;
            for (size_t mu = 0; mu < ARCHETYPES; mu++) {
                double y[SPINS], sum = 0;
                for (size_t i = 0; i < SPINS; i++)
                    sum += y[i] = c.s[i] * x.w[i * x.slots + mu] / (EACH * sqrt(R));
                energy -= kind == HEB_FULL ? SPINS / 2.0L * powl((long double)sum / SPINS, p) : heb_load_of(1, SPINS, p, HEB_EXACT) * elementary_of(SPINS, y, p);
            }
            double before = heb_chain_energy(&c);
            assert_near(before, (double)energy, 1e-11 * fabs(before) + 1e-9);
            for (size_t i = 0; i < SPINS; i++) {
                int8_t s[SPINS];
                double h = heb_chain_aligned(&c, i);
                memcpy(s, c.s, SPINS);
                s[i] = (int8_t)-s[i];
                heb_chain_set(&c, s);
                assert_near(heb_chain_energy(&c) - before, 2 * h, 1e-9 * (1 + fabs(before)));
                s[i] = (int8_t)-s[i];
                heb_chain_set(&c, s);
            }
            heb_chain_free(&c);
            heb_problem_free(&pb);
            heb_folded_free(&x);
            heb_patterns_free(&archetypes);
        }
}

/* ---- Monte Carlo ------------------------------------------------------------------------------------------------------------ */

enum { REPLICAS = 64, MOST_T = 4 };

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

static void judge_row(tally *y, const exact *x, const char *dynamics, const qn_layout *l, size_t steps, const double *all, size_t stride)
{
    static const struct {
        const char *name;
        int column;
    } means[] = {{"u", E}, {"m_abs", M1ABS}, {"m2", M1SQ}, {"q2", Q2}, {"n2", N1SQ}};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        double v[REPLICAS], err, want = x->value[means[i].column];
        for (size_t r = 0; r < REPLICAS; r++)
            v[r] = all[r * stride + qn_layout_column(l, means[i].name)->offset];
        double got = mean_of(v, &err), z = fabs(got - want) / (err > 0 ? err : 1.0 / (REPLICAS * (double)steps));
        y->checks++;
        if (z > y->worst) {
            y->worst = z;
            snprintf(y->where, sizeof y->where, "%s, P=%d %s T=%g, %s = %.6g +- %.2g, exact %.6g", dynamics, x->p, x->kind, x->t, columns[means[i].column], got, err, want);
        }
    }
}

/* The rows of one P and energy, as one ladder or as single chains. */
static void run_rows(tally *y, const exact *const *x, size_t n, bool ladder, int thermalization, int steps, const char *dynamics)
{
    qn_buffer text = {0};
    qn_buffer_add(&text, "model: hebbian\nseed: 5\nreplicas: %d\nparameters: {P: %d, energy: %s, dataset: %s, norm: asymptotic, patterns: file, pattern_file: " ROWS ", K: %d, example_file: " EXAMPLES
                  ", r: %g, start: random, replicas_per_disorder: 2, %s}\nsweep: {T: [", REPLICAS, x[0]->p, full(x[0]) ? "full" : "distinct",
                  supervised(x[0]) ? "supervised" : "unsupervised", K, QUALITY, dynamics);
    for (size_t i = 0; i < n; i++)
        qn_buffer_add(&text, "%s%g", i ? ", " : "", x[i]->t);
    qn_buffer_add(&text, "]}\nsampling: {thermalization: %d, steps: %d, bins: 1}\n%s", thermalization, steps, ladder ? "tempering: {axis: T}\n" : "");
    qn_problems problems = {0};
    qn_sweep s;
    qn_layout l;
    qn_plan plan;
    if (qn_sweep_init(&s, &(qn_sweep_source){.file = "test_hebbian_learning", .text = text.text, .find = find}, &problems))
        qn_problems_print(&problems, stderr);
    assert_int_equal(problems.n, 0);
    assert_int_equal(qn_layout_init(&l, &s), 0);
    assert_int_equal(qn_plan_init(&plan, &s, &l, "/nonexistent/out.h5", NULL, 0, NULL, NULL), 0);
    double *all = malloc((n * REPLICAS * l.row + 1) * sizeof *all), trips = 0;
    qn_row_head head[MOST_T];
    assert_int_equal(plan.n_tasks, ladder ? REPLICAS : n * REPLICAS);
    for (size_t k = 0; k < plan.n_tasks; k++)
        assert_int_equal(qn_task_run(&plan, k, all + k * (ladder ? n : 1) * l.row, head), 0);
    for (size_t r = 0; ladder && r < REPLICAS; r++)
        trips += all[r * n * l.row + qn_layout_column(&l, "round_trips")->offset] / REPLICAS;
    if (ladder) {
        print_message("P=%d %s: %.1f round trips a task\n", x[0]->p, x[0]->kind, trips);
        assert_true(trips > 10);
    }
    for (size_t i = 0; i < n; i++) {
        const double *first = all + (ladder ? i : i * REPLICAS) * l.row;
        judge_row(y, x[i], ladder ? "tempering" : dynamics, &l, (size_t)steps, first, (ladder ? n : 1) * l.row);
    }
    free(all);
    qn_problems_free(&problems);
    qn_buffer_free(&text);
    qn_plan_free(&plan);
    qn_layout_free(&l);
    qn_sweep_free(&s);
}

static void judge_all(void **state, bool ladder, int thermalization, int steps, const char *dynamics, size_t least)
{
    const reference *r = *state;
    tally y = {0};
    for (size_t i = 0; i < r->n;) {
        const exact *row[MOST_T];
        size_t n = 0, first = i;
        for (; i < r->n && r->row[i].p == r->row[first].p && !strcmp(r->row[i].kind, r->row[first].kind); i++)
            if (ladder || r->row[i].t > 0.5 + 0.3 * full(&r->row[i]) * (r->row[i].p / 4))
                row[n++] = &r->row[i];
        run_rows(&y, row, n, ladder, thermalization, steps, dynamics);
    }
    print_message("%zu checks, largest z = %.2f: %s\n", y.checks, y.worst, y.where);
    assert_true(y.checks >= least);
    if (!(y.worst < 4))
        fail_msg("%s", y.where);
}

/* The rows that a single-flip chain mixes; 100 checks each |z| < 4 with 63 degrees of freedom: another seed fails by luck once in 60. */
static void heat_bath(void **state)
{
    judge_all(state, false, 1000, 500, "dynamics: heatbath", 100);
}

static void metropolis(void **state)
{
    judge_all(state, false, 1000, 500, "dynamics: metropolis, scan: sequential, field_reuse: false", 100);
}

/* Every row. */
static void tempering(void **state)
{
    judge_all(state, true, 500, 1500, "dynamics: heatbath", 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_states), cmocka_unit_test(fields_are_energy_differences), cmocka_unit_test(heat_bath),
        cmocka_unit_test(metropolis), cmocka_unit_test(tempering),
    };
    return cmocka_run_group_tests_name("hebbian_learning", tests, read_reference, free_reference);
}
