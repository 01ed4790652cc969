/* test_povm_variational.c -- what the variational tasks of engine povm minimise and follow: estimators against sums over all strings, gradients against
 * differences, a table of logits against the implicit trapezoid and the exact dynamics, checkpoints, a small steady state.
 *
 * Statistical checks have fixed seeds and bounds of 4 standard errors, 6e-5 a check for a fresh seed; there are about 150 of them. */
#include "povm_run.h"

#include "povm/trial.h"
#include "povm/descent.h"
#include "povm/estimator.h"
#include "povm/natural.h"
#include "povm/objective.h"
#include "povm/outcome.h"
#include "povm/pauli.h"

#define RING "N=4; hamiltonian=0.9 XX + 1.6 YY + 1.0 ZZ + 0.3 X; "
#define PAIR "N=2; boundary=open; hamiltonian=0.5 ZZ + 0.5 X; "
#define SMALL_NET "ansatz=made; hidden=2; precision=double; "

/* ---- a net with random parameters ------------------------------------------------------------------------------------ */

typedef struct bench {
    point at;
    povm_variational v;
    povm_objective *objective, *all;  /* by samples, by all strings */
    size_t count, strings;
    double *theta, *before, *grad, *want, *way;
} bench;

static void bench_open(bench *b, bool steady, const char *text)
{
    char all[500];
    memset(b, 0, sizeof *b);
    snprintf(all, sizeof all, "task=%s; %s", steady ? "steady" : "fbt", text);
    point_open(&b->at, 1, all);
    povm_variational_read(&b->at.p, &b->at.problem, &b->v);
    povm_objective_setup set = {.problem = &b->at.problem, .shape = &b->v.shape, .steady = steady, .norm = b->v.norm, .proposal = b->v.proposal,
                                .control_variate = b->v.control_variate, .batch = b->v.batch};
    assert_int_equal(povm_objective_create(&set, &b->objective), 0);
    set.enumerate = true;
    assert_int_equal(povm_objective_create(&set, &b->all), 0);
    b->count = povm_net_count(povm_objective_net(b->all));
    b->strings = povm_outcome_count(b->at.problem.lattice.n, b->at.problem.frame.k);
    b->theta = malloc(5 * b->count * sizeof *b->theta);
    assert_non_null(b->theta);
    b->before = b->theta + b->count;
    b->grad = b->theta + 2 * b->count;
    b->want = b->theta + 3 * b->count;
    b->way = b->theta + 4 * b->count;
    qn_rng rng;
    qn_rng_seed(&rng, 0, 5, 0, 7);
    double p[64];
    for (int i = 0; i < 64; i++)
        p[i] = 0.1 + 0.3 * qn_rng_uniform(&rng);
    povm_net_start(povm_objective_net(b->all), p, 1, 0.5, &rng, b->theta);
    for (size_t i = 0; i < b->count; i++) {
        b->theta[i] += 0.1 * qn_rng_normal(&rng);
        b->before[i] = b->theta[i] + 0.03 * qn_rng_normal(&rng);
    }
    if (!steady) {
        povm_objective_begin(b->all, &b->at.streams, 0, b->before);
        povm_objective_begin(b->objective, &b->at.streams, 0, b->before);
    }
}

static void bench_close(bench *b)
{
    povm_objective_destroy(b->objective);
    povm_objective_destroy(b->all);
    free(b->theta);
    point_close(&b->at);
}

static double along(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* ---- T10: objective and gradient ---------------------------------------------------------------------------------------- */

/* The sum over all strings: its value against the formula, its gradient against differences. */
static void check_all_strings(bool steady)
{
    bench b;
    povm_estimate e, up, down;
    bench_open(&b, steady, RING SMALL_NET "batch=64; proposal=current");
    povm_net *net = povm_objective_net(b.all);
    size_t n = (size_t)b.at.problem.lattice.n;
    uint8_t *string = malloc(b.strings * n);
    double *p = malloc(4 * b.strings * sizeof *p), *lp = p + b.strings, *q = p + 2 * b.strings, *lq = p + 3 * b.strings, c = 0, sum = 0, tau = b.at.problem.tau;
    assert_true(string && p);
    for (size_t s = 0; s < b.strings; s++)
        povm_outcome_string((int)n, 4, s, string + s * n);
    for (int old = 0; old < 2; old++) {
        povm_net_set(net, old ? b.before : b.theta);
        povm_net_logp(net, b.strings, string, old ? q : p);
        for (size_t s = 0; s < b.strings; s++)
            (old ? q : p)[s] = exp((old ? q : p)[s]);
        povm_outcome_apply(&b.at.problem, old ? q : p, old ? lq : lp);
    }
    for (size_t s = 0; s < b.strings; s++) {
        sum += lp[s];
        c += fabs(steady ? lp[s] : p[s] - tau / 2 * lp[s] - q[s] - tau / 2 * lq[s]);
    }
    assert_near(sum, 0, 1e-12); /* T11 */
    povm_objective_at(b.all, &b.at.streams, QN_STREAM_DYNAMICS, 0, b.theta, b.want, &e);
    assert_near(e.c, c, 1e-13);
    assert_near(e.value, c, 1e-13);
    qn_rng rng;
    qn_rng_seed(&rng, 0, 8, 0, 9);
    for (int k = 0; k < 5; k++) {
        double h = 1e-6, *at = b.grad;
        qn_rng_fill_normal(&rng, b.count, b.way);
        for (size_t i = 0; i < b.count; i++)
            at[i] = b.theta[i] + h * b.way[i];
        povm_objective_at(b.all, &b.at.streams, QN_STREAM_DYNAMICS, 0, at, NULL, &up);
        for (size_t i = 0; i < b.count; i++)
            at[i] = b.theta[i] - h * b.way[i];
        povm_objective_at(b.all, &b.at.streams, QN_STREAM_DYNAMICS, 0, at, NULL, &down);
        double want = (up.c - down.c) / (2 * h);
        assert_near(along(b.count, b.want, b.way), want, 1e-6 * (1 + fabs(want)));
    }
    free(string);
    free(p);
    bench_close(&b);
}

static void all_strings_fbt(void **state)
{
    (void)state;
    check_all_strings(false);
}

static void all_strings_steady(void **state)
{
    (void)state;
    check_all_strings(true);
}

enum { BATCHES = 200, WAYS = 6 };

/* 200 batches of 256 strings: mean of C, and of the gradient along random ways. */
static void check_samples(bool steady, const char *text)
{
    bench b;
    povm_estimate want, e, fresh;
    char all[400];
    double sum[WAYS] = {0}, sum2[WAYS] = {0}, c = 0, c2 = 0, err = 0, ess = 0, n = BATCHES;
    snprintf(all, sizeof all, RING SMALL_NET "batch=256; %s", text);
    bench_open(&b, steady, all);
    povm_objective_at(b.all, &b.at.streams, QN_STREAM_DYNAMICS, 0, b.theta, b.want, &want);
    qn_rng rng;
    qn_rng_seed(&rng, 0, 18, 0, 9);
    double *way = malloc(WAYS * b.count * sizeof *way);
    assert_non_null(way);
    qn_rng_fill_normal(&rng, WAYS * b.count, way);
    for (uint64_t k = 0; k < BATCHES; k++) {
        uint64_t first = k * 2 * povm_objective_blocks(b.objective);
        if (!steady && b.v.proposal == POVM_Q_OLD)
            povm_objective_begin(b.objective, &b.at.streams, first, b.before);
        povm_objective_at(b.objective, &b.at.streams, QN_STREAM_DYNAMICS, first + povm_objective_blocks(b.objective), b.theta, b.grad, &e);
        c += e.c / n;
        c2 += e.c * e.c / n;
        err += e.c_err / n;
        ess += e.ess / n;
        for (size_t w = 0; w < WAYS; w++) {
            double x = along(b.count, b.grad, way + w * b.count);
            sum[w] += x / n;
            sum2[w] += x * x / n;
        }
    }
    double spread = sqrt((c2 - c * c) * n / (n - 1));
    assert_sigma(c, spread / sqrt(n), want.c);
    assert_true(fabs(err / spread - 1) < 0.25); /* 200 batches tell a spread to 5 %; halves of a mix vary a little less than their pool */
    assert_near(ess, want.ess, 0.02);
    for (size_t w = 0; w < WAYS; w++)
        assert_sigma(sum[w], sqrt((sum2[w] - sum[w] * sum[w]) / (n - 1)), along(b.count, b.want, way + w * b.count));
    povm_objective_measure(b.objective, &b.at.streams, QN_STREAM_MEASUREMENT, 0, 50000, b.theta, &fresh);
    assert_sigma(fresh.c, fresh.c_err, want.c);
    free(way);
    bench_close(&b);
}

static void sampled_objective(void **state)
{
    (void)state;
    static const char *const proposals[] = {"current", "old", "mix"};
    for (int k = 0; k < 3; k++)
        for (int norm = 0; norm < 2; norm++)
            for (int variate = 0; variate < 2 - norm; variate++) {
                char text[120];
                snprintf(text, sizeof text, "proposal=%s; norm=%s; control_variate=%s", proposals[k], norm ? "l2" : "l1", variate ? "true" : "false");
                check_samples(false, text);
            }
    check_samples(true, "control_variate=true");
    check_samples(true, "control_variate=false");
    check_samples(true, "norm=l2");
}

/* The tree and the plain list give one objective and one gradient. */
static void tree_and_list(void **state)
{
    (void)state;
    static const char *const nets[] = {"ansatz=transformer; d=8; f=8; heads=2; precision=double; ", "ansatz=gru; d=8; precision=double; ", SMALL_NET};
    for (size_t k = 0; k < sizeof nets / sizeof *nets; k++)
        for (int steady = 0; steady < 2; steady++) {
            bench b;
            povm_estimate tree, list;
            char text[400];
            snprintf(text, sizeof text, RING "%sbatch=100", nets[k]);
            bench_open(&b, steady, text);
            povm_objective_at(b.objective, &b.at.streams, QN_STREAM_DYNAMICS, 7, b.theta, b.grad, &tree);
            povm_objective_plain(b.objective);
            povm_objective_at(b.objective, &b.at.streams, QN_STREAM_DYNAMICS, 7, b.theta, b.want, &list);
            assert_near(tree.c, list.c, 1e-12);
            for (size_t i = 0; i < b.count; i++)
                assert_near(b.grad[i], b.want[i], 1e-12 * (1 + fabs(b.want[i])));
            bench_close(&b);
        }
}

/* An rbm has no normalisation: C and its gradient by Markov chains against enumeration and differences.  Errors from 20 groups of batches. */
static double enumerated_c(bench *b, const double *theta)
{
    povm_net *net = povm_objective_net(b->objective);
    uint8_t string[16 * 2];
    double p[16], lp[16], sum = 0, c = 0;
    for (size_t s = 0; s < 16; s++)
        povm_outcome_string(2, 4, s, string + 2 * s);
    povm_net_set(net, theta);
    povm_net_logp(net, 16, string, p);
    for (size_t s = 0; s < 16; s++)
        sum += p[s] = exp(p[s]);
    for (size_t s = 0; s < 16; s++)
        p[s] /= sum;
    povm_outcome_apply(&b->at.problem, p, lp);
    for (size_t s = 0; s < 16; s++)
        c += fabs(lp[s]);
    return c;
}

static void rbm_objective(void **state)
{
    (void)state;
    enum { GROUPS = 20, EACH = 20, SIDES = 4 };
    for (int variate = 0; variate < 2; variate++) {
        bench b;
        povm_estimate e;
        povm_source source;
        double c[GROUPS] = {0}, slope[SIDES][GROUPS] = {{0}};
        bench_open(&b, true, variate ? PAIR "ansatz=rbm; hidden=2; batch=512; control_variate=true" : PAIR "ansatz=rbm; hidden=2; batch=512; control_variate=false");
        assert_int_equal(povm_source_init(&source, povm_objective_net(b.objective), &b.v, &b.at.streams), 0);
        povm_objective_draw_from(b.objective, &source);
        qn_rng rng;
        qn_rng_seed(&rng, 0, 28, 0, 9);
        double *way = malloc(SIDES * b.count * sizeof *way);
        assert_non_null(way);
        qn_rng_fill_normal(&rng, SIDES * b.count, way);
        for (size_t k = 0; k < GROUPS * EACH; k++) {
            povm_objective_at(b.objective, &b.at.streams, QN_STREAM_DYNAMICS, 0, b.theta, b.grad, &e);
            c[k / EACH] += e.c / EACH;
            for (size_t w = 0; w < SIDES; w++)
                slope[w][k / EACH] += along(b.count, b.grad, way + w * b.count) / EACH;
        }
        for (size_t w = 0; w <= SIDES; w++) {
            double mean = 0, square = 0, want = enumerated_c(&b, b.theta), h = 1e-6;
            for (size_t g = 0; g < GROUPS; g++) {
                double x = w < SIDES ? slope[w][g] : c[g];
                mean += x / GROUPS;
                square += x * x / GROUPS;
            }
            if (w < SIDES) {
                for (size_t i = 0; i < b.count; i++)
                    b.want[i] = b.theta[i] + h * way[w * b.count + i];
                want = enumerated_c(&b, b.want);
                for (size_t i = 0; i < b.count; i++)
                    b.want[i] = b.theta[i] - h * way[w * b.count + i];
                want = (want - enumerated_c(&b, b.want)) / (2 * h);
            }
            assert_sigma(mean, sqrt((square - mean * mean) / (GROUPS - 1)), want);
        }
        free(way);
        povm_source_free(&source);
        bench_close(&b);
    }
}

/* ---- T11: the local estimator --------------------------------------------------------------------------------------------- */

/* Against (L P)/P of all strings; its mean over samples is 0. */
static void local_estimator(void **state)
{
    (void)state;
    bench b;
    bench_open(&b, true, "N=3; hamiltonian=0.7 XX - 0.4 YY + ZZ + 0.3 X + 0.2 Y; jumps=sqrt(gamma) s- + 0.5 Z + 0.3 s-s-; " SMALL_NET);
    povm_net *net = povm_objective_net(b.all);
    povm_estimator e;
    enum { MANY = 20000 };
    assert_int_equal(povm_estimator_init(&e, &b.at.problem, net, MANY), 0);
    uint8_t *string = malloc(MANY * 3);
    double *p = malloc(3 * MANY * sizeof *p), *logp = p + MANY, *local = p + 2 * MANY, sum = 0, sum2 = 0;
    assert_true(string && p);
    povm_net_set(net, b.theta);
    for (size_t s = 0; s < b.strings; s++)
        povm_outcome_string(3, 4, s, string + 3 * s);
    povm_estimator_local(&e, b.strings, string, logp, local);
    for (size_t s = 0; s < b.strings; s++)
        p[s] = exp(logp[s]);
    povm_outcome_apply(&b.at.problem, p, logp);
    for (size_t s = 0; s < b.strings; s++)
        assert_near(p[s] * local[s], logp[s], 1e-13);
    povm_net_sample(net, &b.at.streams, QN_STREAM_DYNAMICS, 0, MANY, string, logp);
    povm_estimator_local(&e, MANY, string, logp, local);
    for (size_t s = 0; s < MANY; s++) {
        sum += local[s] / MANY;
        sum2 += local[s] * local[s] / MANY;
    }
    assert_sigma(sum, sqrt((sum2 - sum * sum) / MANY), 0);
    povm_estimator_free(&e);
    free(string);
    free(p);
    bench_close(&b);
}

/* d<Q>/dt of a product state three ways: E Q L_loc over all strings, the local rates, the equation of the Pauli expectations. */
static void first_derivatives(void **state)
{
    (void)state;
    point at;
    point_open(&at, 1, "N=3; hamiltonian=0.7 XX - 0.4 YY + ZZ + 0.3 X + 0.2 Y; jumps=sqrt(gamma) s- + 0.5 Z + 0.3 s-s-; start=0.3, -0.4, 0.6");
    size_t all = povm_outcome_count(3, 4);
    povm_pauli g;
    povm_rates rates;
    double p[64], lp[64], one[9], pair[27], by_rates[3] = {0};
    assert_int_equal(povm_pauli_create(&at.problem, false, &g), 0);
    double *c = malloc(2 * g.size * sizeof *c);
    assert_non_null(c);
    povm_expectations x;
    povm_pauli_start(&g, at.problem.start, c);
    povm_pauli_apply(&g, c, c + g.size);
    povm_pauli_expectations(&g, &at.problem, c + g.size, one, pair, &x);
    povm_outcome_product(&at.problem, at.problem.start, p);
    povm_outcome_apply(&at.problem, p, lp);
    povm_rates_init(&at.problem, &rates);
    for (size_t q = 0; q < 3; q++)
        for (int i = 0; i < 3; i++) {
            double slope = 0;
            for (size_t s = 0; s < all; s++) {
                uint8_t a[3];
                povm_outcome_string(3, 4, s, a);
                slope += lp[s] * at.problem.frame.dual[q + 1][a[i]];
            }
            assert_near(slope, one[q * 3 + (size_t)i], 1e-12);
        }
    for (size_t s = 0; s < all; s++) {
        uint8_t a[3];
        double r[3];
        povm_outcome_string(3, 4, s, a);
        povm_rates_at(&rates, &at.problem, a, r);
        for (int q = 0; q < 3; q++)
            by_rates[q] += p[s] * r[q];
    }
    for (int q = 0; q < 3; q++)
        assert_near(by_rates[q], (one[3 * q] + one[3 * q + 1] + one[3 * q + 2]) / 3, 1e-12);
    free(c);
    povm_pauli_free(&g);
    point_close(&at);
}

/* ---- T12: fbt with a table is the implicit trapezoid ---------------------------------------------------------------------- */

/* P of the table whose logits a job has. */
static void table_p(const job *j, double *p)
{
    qn_group g = {0};
    size_t n;
    const double *logit = job_saved(j, &g, "theta", &n);
    double most = logit[0], sum = 0;
    for (size_t s = 0; s < n; s++)
        most = fmax(most, logit[s]);
    for (size_t s = 0; s < n; s++)
        sum += p[s] = exp(logit[s] - most);
    for (size_t s = 0; s < n; s++)
        p[s] /= sum;
    qn_group_clear(&g);
}

/* (1 - tau/2 L) x = (1 + tau/2 L) p by fixed point. */
static void trapezoid(const povm_problem *problem, size_t n, double *p)
{
    double lp[256], rhs[256], x[256];
    povm_outcome_apply(problem, p, lp);
    for (size_t s = 0; s < n; s++)
        x[s] = rhs[s] = p[s] + problem->tau / 2 * lp[s];
    for (int k = 0; k < 200; k++) {
        povm_outcome_apply(problem, x, lp);
        for (size_t s = 0; s < n; s++)
            x[s] = rhs[s] + problem->tau / 2 * lp[s];
    }
    memcpy(p, x, n * sizeof *p);
}

static double fbt_error(double tau, double *off_trapezoid)
{
    char text[300];
    job j;
    double got[16], want[16], pauli[16], exact[16], error = 0;
    int steps = (int)lround(1 / tau);
    snprintf(text, sizeof text, PAIR "tau=%g; ansatz=table; enumerate=true; norm=l2; proposal=current; inner=2500; lr=0.05; lr_final=1e-8; report=last", tau);
    job_open(&j, &povm_fbt, 1, text);
    povm_outcome_product(&j.at.problem, j.at.problem.start, want);
    *off_trapezoid = 0;
    for (int k = 0; k < steps; k++) {
        job_steps(&j, 1);
        trapezoid(&j.at.problem, 16, want);
        table_p(&j, got);
        for (size_t s = 0; s < 16; s++)
            *off_trapezoid = fmax(*off_trapezoid, fabs(got[s] - want[s]));
    }
    assert_int_equal(povm_pauli_solve(&j.at.problem, 1, pauli), 0);
    assert_int_equal(povm_pauli_probabilities(&j.at.problem.frame, 2, pauli, exact), 0);
    for (size_t s = 0; s < 16; s++)
        error += fabs(got[s] - exact[s]);
    job_close(&j);
    return error;
}

static void fbt_is_the_trapezoid(void **state)
{
    (void)state;
    double off, whole = fbt_error(0.1, &off);
    assert_near(off, 0, 1e-8);
    double half = fbt_error(0.05, &off);
    assert_near(off, 0, 1e-8);
    assert_near(whole / half, 4, 0.3);
}

/* ---- T13: tdvp ---------------------------------------------------------------------------------------------------------------- */

static void tdvp_follows_the_equation(void **state)
{
    (void)state;
    static const char *const how[] = {"regularisation=filter; space=parameters", "regularisation=filter; space=samples",
                                      "regularisation=diagonal; eps_diagonal=1e-12; space=parameters"};
    for (size_t k = 0; k < sizeof how / sizeof *how; k++) {
        char text[300];
        job j;
        double got[16], pauli[16], exact[16];
        snprintf(text, sizeof text, PAIR "tau=0.25; ansatz=table; enumerate=true; tol=1e-8; %s", how[k]);
        job_open(&j, &povm_tdvp, 1, text);
        job_steps(&j, 4);
        table_p(&j, got);
        assert_int_equal(povm_pauli_solve(&j.at.problem, 1, pauli), 0);
        assert_int_equal(povm_pauli_probabilities(&j.at.problem.frame, 2, pauli, exact), 0);
        for (size_t s = 0; s < 16; s++)
            assert_near(got[s], exact[s], 1e-6);
        job_close(&j);
    }
}

/* One system solved parameter by parameter and string by string, from the same strings. */
static void two_spaces(void **state)
{
    (void)state;
    static const char *const how[] = {"regularisation=diagonal; eps_diagonal=1e-3", "regularisation=filter; eps_ev=1e-4"};
    for (size_t k = 0; k < 2; k++) {
        double *velocity[2];
        size_t count = 0;
        povm_natural_result result[2];
        for (int space = 0; space < 2; space++) {
            bench b;
            povm_natural *n;
            char text[400];
            snprintf(text, sizeof text, RING SMALL_NET "batch=200; space=%s; %s", space ? "samples" : "parameters", how[k]);
            bench_open(&b, true, text);
            count = b.count;
            velocity[space] = malloc(count * sizeof(double));
            assert_non_null(velocity[space]);
            assert_int_equal(povm_natural_create(&b.at.problem, povm_objective_net(b.all), &b.v, &n), 0);
            assert_int_equal(povm_natural_at(n, &b.at.streams, 3, b.theta, velocity[space], &result[space]), 0);
            povm_natural_destroy(n);
            bench_close(&b);
        }
        double size = sqrt(along(count, velocity[0], velocity[0]));
        for (size_t i = 0; i < count; i++)
            assert_near(velocity[0][i], velocity[1][i], 1e-7 * size);
        assert_near(result[0].residual, result[1].residual, 1e-8);
        assert_true(result[0].residual > 0 && result[0].residual < 1);
        free(velocity[0]);
        free(velocity[1]);
    }
}

/* ---- the schedule, ends ---------------------------------------------------------------------------------------------------------- */

static void schedule(void **state)
{
    (void)state;
    povm_variational v = {.lr = 1, .lr_final = 0.1, .beta1 = 0.9, .beta2 = 0.98, .averaging = 0.25, .schedule = POVM_LR_COSINE};
    povm_descent d;
    double theta[26] = {0}, grad = 1, mean = 0; /* a constant gradient: Adam moves by the learning rate */
    assert_int_equal(povm_descent_init(&d, &v, 1), 0);
    povm_descent_restart(&d, 8, 2, 0.5);
    for (int i = 0; i < 25; i++) {
        theta[i + 1] = theta[i];
        povm_descent_step(&d, &grad, &theta[i + 1]);
    }
    assert_near(theta[0] - theta[1], 0.5, 1e-8);
    assert_near(theta[4] - theta[5], 0.5 * 0.55, 1e-8);
    assert_near(theta[8] - theta[9], 0.5, 1e-8);
    assert_near(theta[15] - theta[16], 0.5 * (0.1 + 0.9 * (1 + cos(M_PI * 7 / 8)) / 2), 1e-8);
    assert_near(theta[16] - theta[17], 0.05, 1e-8);
    assert_near(theta[24] - theta[25], 0.05, 1e-8);
    for (int i = 14; i < 25; i++) /* the last quarter of the second period, and all after it */
        mean += theta[i + 1] / 11;
    assert_near(d.mean[0], mean, 1e-12);
    povm_descent_free(&d);
}

static int64_t status_of(const job *j)
{
    qn_group g = {0};
    assert_int_equal(j->task->save(j->run, &g), 0);
    int64_t status = *(const int64_t *)qn_group_get(&g, "status")->data;
    qn_group_clear(&g);
    return status;
}

static void ends(void **state)
{
    (void)state;
    static const struct {
        const povm_task *task;
        const char *text;
        int64_t status;
        qn_end end;
    } cases[] = {
        {&povm_fbt, "N=8; ansatz=product; batch=512; proposal=old; lr=5; inner=20; lr_schedule=constant", 5, QN_LOST}, /* leaves its strings behind */
        {&povm_steady, "ansatz=made; batch=64; c_stop=1.9", 1, QN_ENDED},
        {&povm_steady, "ansatz=product; batch=64; patience=5", 2, QN_ENDED},
        {&povm_fbt, "ansatz=made; batch=64; inner=3", 0, QN_GOING},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        job j;
        job_open(&j, cases[k].task, 2, cases[k].text);
        job_steps(&j, 300);
        assert_int_equal(status_of(&j), cases[k].status);
        assert_int_equal(j.task->done(j.run), cases[k].end);
        job_close(&j);
    }
}

/* Parameters that are no numbers: the task says so, and is lost without an error. */
static void not_a_number(void **state)
{
    (void)state;
    static const povm_task *const tasks[] = {&povm_steady, &povm_fbt, &povm_tdvp, &povm_fit};
    for (size_t k = 0; k < sizeof tasks / sizeof *tasks; k++) {
        job j;
        qn_group g = {0};
        job_open(&j, tasks[k], 2, "ansatz=made; hidden=2; batch=64; inner=3");
        assert_int_equal(tasks[k]->save(j.run, &g), 0);
        ((double *)qn_group_get(&g, "theta")->data)[3] = NAN;
        assert_int_equal(tasks[k]->load(j.run, &g), 0);
        job_steps(&j, 2);
        assert_int_equal(status_of(&j), 4);
        assert_int_equal(tasks[k]->done(j.run), QN_LOST);
        qn_group_clear(&g);
        job_close(&j);
    }
}

/* fit: a table finds the exact steady state by either rule. */
static void fits(void **state)
{
    (void)state;
    static const char *const how[] = {"fit_norm=likelihood; ", "fit_norm=squares; "};
    for (int k = 0; k < 2; k++) {
        char text[300];
        job j;
        double got[16], pauli[16], exact[16];
        snprintf(text, sizeof text, PAIR "ansatz=table; enumerate=true; target=exact_steady; lr=0.1; decay=3000; lr_final=1e-6; %s", how[k]);
        job_open(&j, &povm_fit, 1, text);
        job_steps(&j, 3000);
        table_p(&j, got);
        assert_int_equal(povm_pauli_solve(&j.at.problem, -1, pauli), 0);
        assert_int_equal(povm_pauli_probabilities(&j.at.problem.frame, 2, pauli, exact), 0);
        for (size_t s = 0; s < 16; s++)
            assert_near(got[s], exact[s], 1e-6);
        job_close(&j);
    }
}

/* ---- T16: checkpoints ----------------------------------------------------------------------------------------------------------------- */

static void check_restart(const povm_task *task, const char *text, int64_t half, int64_t rest, bool inside)
{
    job whole, first, second;
    qn_group g = {0};
    job_open(&whole, task, 3, text);
    job_steps(&whole, half + rest);
    job_open(&first, task, 3, text);
    job_steps(&first, half);
    if (inside) { /* the next step is not whole */
        assert_int_equal(task->advance(first.run, &first.at.streams, 1), 0);
    }
    assert_int_equal(task->save(first.run, &g), 0);
    job_open(&second, task, 3, text);
    assert_int_equal(task->load(second.run, &g), 0);
    assert_same_checkpoint(&first, &second);
    job_steps(&second, rest);
    assert_same_checkpoint(&whole, &second);
    qn_group_clear(&g);
    job_close(&whole);
    job_close(&first);
    job_close(&second);
}

static void restarts(void **state)
{
    (void)state;
    check_restart(&povm_steady, "ansatz=made; hidden=4; batch=64; decay=8; report=best; averaging=0.5", 5, 5, false);
    check_restart(&povm_steady, "ansatz=made; hidden=2; batch=64; decay=3; restarts=1; polish=true", 8, 3, false);
    check_restart(&povm_steady, "ansatz=rbm; hidden=2; batch=64; decay=8", 5, 5, false);
    check_restart(&povm_fbt, "ansatz=made; hidden=4; batch=64; inner=5; proposal=mix", 5, 5, false);
    check_restart(&povm_fbt, "ansatz=made; hidden=4; batch=64; inner=5; proposal=old", 5, 5, false);
    check_restart(&povm_tdvp, "ansatz=made; hidden=2; batch=64", 2, 2, false);
    check_restart(&povm_fit, "ansatz=made; hidden=4; batch=64; decay=8; target=exact_steady", 5, 5, false);
}

/* Steps that are made in pieces: here of one iteration, whatever the machine. */
static void restarts_inside_a_step(void **state)
{
    (void)state;
    double usual = povm_piece_s;
    povm_piece_s = 1e-9;
    check_restart(&povm_fbt, "N=6; ansatz=gru; d=8; batch=256; inner=40; proposal=mix", 0, 1, true);
    check_restart(&povm_fbt, "N=6; ansatz=gru; d=8; batch=256; inner=50; proposal=old", 0, 1, true);
    check_restart(&povm_tdvp, "N=4; tau=0.5; ansatz=made; hidden=4; batch=400; regularisation=filter; space=samples", 0, 1, true);
    povm_piece_s = usual;
}

/* ---- T17: one small steady state ---------------------------------------------------------------------------------------------------------- */

/* Exact <X>, <Y>, <Z> of the net of a job: all strings. */
static void pauli_of(const job *j, const double *theta, double r[3])
{
    povm_variational v;
    povm_net *net;
    povm_variational_read(&j->at.p, &j->at.problem, &v);
    v.shape.single = false;
    assert_int_equal(povm_net_create(&v.shape, &net), 0);
    povm_net_set(net, theta);
    int n = v.shape.n;
    size_t all = povm_outcome_count(n, v.shape.k);
    r[0] = r[1] = r[2] = 0;
    for (size_t s = 0; s < all; s++) {
        uint8_t a[8];
        double logp;
        povm_outcome_string(n, v.shape.k, s, a);
        povm_net_logp(net, 1, a, &logp);
        for (int q = 0; q < 3; q++)
            for (int i = 0; i < n; i++)
                r[q] += exp(logp) * j->at.problem.frame.dual[q + 1][a[i]] / n;
    }
    povm_net_destroy(net);
}

static void steady_made(void **state)
{
    (void)state;
    job j;
    qn_group g = {0};
    size_t n;
    double r[3];
    job_open(&j, &povm_steady, 1, "N=4; g=1; ansatz=made; hidden=16; batch=1024; beta2=0.98; decay=300");
    job_steps(&j, 300);
    pauli_of(&j, job_saved(&j, &g, "theta", &n), r);
    assert_near(r[0], 0.4397812534, 0.02);
    assert_near(r[1], 0.1871861250, 0.02);
    assert_near(r[2], -0.8128138749, 0.02);
    print_message("steady state, 300 iterations: off by %.4f %.4f %.4f\n", r[0] - 0.4397812534, r[1] - 0.1871861250, r[2] + 0.8128138749);
    qn_group_clear(&g);
    job_close(&j);
}

/* Without a field all spins decay: P of outcome strings stays positive in tetra_cube, so no logit runs away. */
static void steady_without_field(void **state)
{
    (void)state;
    job j;
    qn_group g = {0};
    size_t n;
    double r[3];
    job_open(&j, &povm_steady, 1, "N=4; g=0; ansatz=made; hidden=8; batch=512; decay=200");
    job_steps(&j, 200);
    pauli_of(&j, job_saved(&j, &g, "theta", &n), r);
    assert_near(r[2], -1, 0.02);
    for (size_t i = 0; i < n; i++)
        assert_true(isfinite(job_saved(&j, &g, "theta", &n)[i]));
    qn_group_clear(&g);
    job_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_strings_fbt),
        cmocka_unit_test(all_strings_steady),
        cmocka_unit_test(sampled_objective),
        cmocka_unit_test(tree_and_list),
        cmocka_unit_test(rbm_objective),
        cmocka_unit_test(local_estimator),
        cmocka_unit_test(first_derivatives),
        cmocka_unit_test(fbt_is_the_trapezoid),
        cmocka_unit_test(tdvp_follows_the_equation),
        cmocka_unit_test(two_spaces),
        cmocka_unit_test(schedule),
        cmocka_unit_test(ends),
        cmocka_unit_test(not_a_number),
        cmocka_unit_test(fits),
        cmocka_unit_test(restarts),
        cmocka_unit_test(restarts_inside_a_step),
        cmocka_unit_test(steady_made),
        cmocka_unit_test(steady_without_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
