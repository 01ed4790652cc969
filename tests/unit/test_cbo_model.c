/* test_cbo_model.c -- engine cbo as a whole: checkpoints of every method, schedules, batches, stopping rules and their reasons, lost runs,
 * measured decay against theory. */
#include "cbo/method.h"
#include "cbo/schedule.h"
#include "cbo/theory.h"
#include "cbo_cells.h"
#include "group.h"
#include "params.h"
#include "rng.h"

/* ---- one task without the runner ------------------------------------------------------------------------------------- */

typedef struct one {
    qn_schema schema;
    qn_params params;
    qn_streams streams;
    cbo_state *s;
} one;

/* "name=value name=value ..." */
static void open_params(one *t, const char *text)
{
    char *copy = strdup(text), *rest = copy, *word;
    assert_int_equal(qn_schema_init(&t->schema, &cbo_model), 0);
    assert_int_equal(qn_params_init(&t->params, &t->schema), 0);
    while ((word = strtok_r(rest, " ", &rest))) {
        char *value = strchr(word, '=');
        *value++ = 0;
        int k = qn_schema_index(&t->schema, word);
        assert_true(k >= 0);
        qn_value_free(&t->params.v[k]);
        assert_int_equal(qn_value_parse(&t->schema.item[k], value, &t->params.v[k]), 0);
    }
    free(copy);
}

static void open_task(one *t, const char *text)
{
    const uint64_t key[2] = {7, 11}, disorder[2] = {3, 5};
    memset(t, 0, sizeof *t);
    open_params(t, text);
    qn_streams_open(&t->streams, 1, key, disorder, 0);
    void *state = NULL;
    int err = cbo_model.create(&t->params, NULL, &t->streams, &state);
    if (err)
        fail_msg("%s: %s", text, qn_error_text());
    t->s = state;
}

static void close_task(one *t)
{
    cbo_model.destroy(t->s);
    qn_params_free(&t->params);
    qn_schema_free(&t->schema);
}

static void steps(one *t, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(cbo_model.step(t->s, &t->streams), 0);
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = {
    "objective=rastrigin d=5 N=100 noise=anisotropic sigma=1",
    "objective=ackley d=3 N=70 noise=truncated truncation=0.5 heaviside=sharp integrator=exponential",
    "objective=ackley d=3 N=70 noise=truncated truncation=0.5 componentwise=true heaviside=smooth heaviside_noise=true",
    "objective=rosenbrock d=4 N=64 noise=constant alpha=inf shift=1,2 rotate=true",
    "objective=griewank d=2 N=33 alpha_schedule=geometric sigma_cooling=log epoch=5 success=best_inf",
    "objective=xsyrandom d=6 N=130 alpha_schedule=neff neff_target=0.2 success=f_c",
    "objective=himmelblau d=2 N=90 success=mode_count method=polarized kernel_width=1",
    "objective=rastrigin d=2 N=40 noise=anisotropic integrator=geometric implicit=true",
    "objective=rastrigin d=4 N=60 batch_size=20 alpha_schedule=doubling",
    "objective=rastrigin d=4 N=60 batch_size=15 batch_update=full kick_tol=0.5 consensus_radius=0.5 implicit=true",
    "objective=rastrigin d=4 N=60 batch_size=20 heaviside=sharp alpha_schedule=neff",
    "objective=rastrigin d=4 N=60 method=memory memory_lambda=1 memory_sigma=0.3 gradient_drift=0.1",
    "objective=rastrigin d=4 N=60 method=memory memory_lambda=1 memory_sigma=0.3 memory_update=smooth",
    "objective=quadratic curvatures=1,3 d=3 N=100 method=sampling alpha=1 dt=0.1",
    "objective=spherical_pspin d=10 N=60 method=sphere dt=0.05 sigma=0.3",
    "objective=hebbian d=16 p=4 N=60 method=sphere success=f_c",
    "objective=canyon variant=noisy d=2 N=50 method=hopping hop_width=0.7 hop_factor=0.9 hop_every=3 implicit=true",
    "objective=canyon d=2 method=proximal alpha=4 restarts=2 implicit=true",
    "objective=canyon d=2 method=gradient tau=1e-3 implicit=true",
    "objective=canyon d=2 method=langevin sigma=10 dt=1e-3",
    "objective=teacher inputs=3 hidden=2 samples=50 data_batch=10 N=40 success=f_c",
};

static void same_groups(const char *what, const qn_group *a, const qn_group *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        const qn_entry *x = &a->entry[i], *y = qn_group_get(b, x->name);
        if (!y || y->n != x->n || memcmp(x->data, y->data, x->n * (x->type == QN_ENTRY_BYTES ? 1 : 8)))
            fail_msg("%s: '%s' differs after a checkpoint", what, x->name);
    }
}

/* 7 steps, save, 23 more; against a fresh task that loads and makes the same 23. All of the state must be the same bits. */
static void checkpoints_leave_no_trace(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        one a, b;
        qn_group half = {0}, end_a = {0}, end_b = {0};
        open_task(&a, variants[i]);
        steps(&a, 7);
        assert_int_equal(cbo_model.save(a.s, &half), 0);
        qn_streams streams = a.streams;
        steps(&a, 23);
        open_task(&b, variants[i]);
        b.streams = streams;
        if (cbo_model.load(b.s, &half))
            fail_msg("%s: %s", variants[i], qn_error_text());
        steps(&b, 23);
        assert_int_equal(cbo_model.save(a.s, &end_a), 0);
        assert_int_equal(cbo_model.save(b.s, &end_b), 0);
        same_groups(variants[i], &end_a, &end_b);
        assert_memory_equal(&a.streams, &b.streams, sizeof a.streams);
        assert_true(a.s->steps == 30 && a.s->evaluations > 0 && isfinite(a.s->best_f));
        qn_group_clear(&half);
        qn_group_clear(&end_a);
        qn_group_clear(&end_b);
        close_task(&a);
        close_task(&b);
    }
}

static void bad_checkpoints_are_refused(void **state)
{
    (void)state;
    one a, b;
    qn_group g = {0};
    open_task(&a, "objective=rastrigin d=4 N=60 batch_size=20");
    open_task(&b, "objective=rastrigin d=4 N=100");
    assert_int_equal(cbo_model.save(a.s, &g), 0);
    assert_int_equal(cbo_model.load(b.s, &g), QN_ERR_DATA); /* another N */
    uint32_t *order = qn_group_get(&g, "order")->data;
    order[3] = 60;
    assert_int_equal(cbo_model.load(a.s, &g), QN_ERR_DATA);
    order[3] = 0;
    int64_t *counts = qn_group_get(&g, "counts")->data;
    counts[8] = 60; /* the best particle */
    assert_int_equal(cbo_model.load(a.s, &g), QN_ERR_DATA);
    qn_group_clear(&g);
    close_task(&a);
    close_task(&b);
}

/* ---- schedules --------------------------------------------------------------------------------------------------------- */

static void schedules(void **state)
{
    (void)state;
    cbo_settings s = {.alpha = 2, .alpha_factor = 1.5, .alpha_max = 10, .alpha_rule = CBO_ALPHA_FIXED, .sigma = 3, .epoch = 10};
    assert_true(cbo_alpha_at(&s, 1000) == 2 && cbo_sigma_at(&s, 1000) == 3);
    s.alpha_rule = CBO_ALPHA_GEOMETRIC;
    assert_near(cbo_alpha_at(&s, 3), 2 * 1.5 * 1.5 * 1.5, 1e-14);
    assert_true(cbo_alpha_at(&s, 4) == 10 && cbo_alpha_at(&s, 1000000000) == 10);
    s.alpha_rule = CBO_ALPHA_DOUBLING;
    assert_true(cbo_alpha_at(&s, 9) == 2 && cbo_alpha_at(&s, 10) == 4 && cbo_alpha_at(&s, 29) == 8 && cbo_alpha_at(&s, 30) == 10);
    s.alpha = 20; /* beyond alpha_max from the start */
    assert_true(cbo_alpha_at(&s, 0) == 20 && cbo_alpha_at(&s, 50) == 20);
    s.cooling = true;
    double sigma = 3;
    for (int e = 1; e < 6; e++) { /* the recursion of the spec, epoch by epoch */
        assert_near(cbo_sigma_at(&s, (uint64_t)(10 * (e - 1))), sigma, 1e-14);
        assert_near(cbo_sigma_at(&s, (uint64_t)(10 * e - 1)), sigma, 1e-14);
        sigma *= log2(e + 1) / log2(e + 2);
    }
}

/* n_eff/N is eta at every step, whatever the cloud does. */
static void neff_target_is_held(void **state)
{
    (void)state;
    one t;
    open_task(&t, "objective=rastrigin d=3 N=200 alpha_schedule=neff neff_target=0.3");
    for (int i = 0; i < 20; i++) {
        steps(&t, 1);
        assert_near(t.s->now.n_eff / 200, 0.3, 1e-3);
    }
    close_task(&t);
}

/* ---- batches ----------------------------------------------------------------------------------------------------------- */

static void batches_visit_every_particle_once_an_epoch(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        one t;
        open_task(&t, full ? "objective=rastrigin d=2 N=60 alpha=0.01 batch_size=20 batch_update=full" : "objective=rastrigin d=2 N=60 alpha=0.01 batch_size=20");
        assert_int_equal(t.s->evaluations, 20);
        assert_int_equal(t.s->set.epoch, 3);
        double before[60], at[2];
        int moved[60] = {0};
        for (int b = 0; b < 3; b++) {
            for (size_t i = 0; i < 60; i++)
                before[i] = cbo_coordinate(&t.s->e, i, 0);
            steps(&t, 1);
            for (size_t i = 0; i < 60; i++) {
                cbo_ensemble_point(&t.s->e, i, at);
                moved[i] += at[0] != before[i];
            }
        }
        assert_int_equal(t.s->evaluations, 80); /* a block of the next epoch is evaluated */
        for (size_t i = 0; i < 60; i++)
            assert_int_equal(moved[i], full ? 3 : 1);
        close_task(&t);
    }
}

/* ---- infinite alpha, one particle ---------------------------------------------------------------------------------------- */

static void best_particle_is_the_consensus(void **state)
{
    (void)state;
    one t;
    open_task(&t, "objective=rastrigin d=3 N=77 alpha=inf");
    for (int i = 0; i < 10; i++) {
        double x[3];
        cbo_ensemble_point(&t.s->e, t.s->now.best, x);
        assert_memory_equal(x, t.s->now.c, sizeof x);
        steps(&t, 1);
    }
    close_task(&t);
    open_task(&t, "objective=rastrigin d=3 N=1");
    double x[3], y[3];
    cbo_ensemble_point(&t.s->e, 0, x);
    steps(&t, 10);
    cbo_ensemble_point(&t.s->e, 0, y);
    assert_memory_equal(x, y, sizeof x);
    close_task(&t);
}

/* ---- ends -------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *parameters;
    cbo_stop why;
} ends[] = {
    {"objective: quadratic, d: 2, N: 50, success_tol: 1, stop_evaluations: 1000", CBO_STOP_EVALUATIONS},
    {"objective: quadratic, d: 2, N: 50, success_tol: 1, stop_consensus: 1e-3, stop_patience: 3", CBO_STOP_CONSENSUS},
    {"objective: quadratic, d: 2, N: 50, success_tol: 1, stop_spread: 1e-4", CBO_STOP_SPREAD},
    {"objective: quadratic, d: 2, N: 50, success_tol: 1, stop_f: 1e-3", CBO_STOP_F},
    {"objective: quadratic, d: 2, N: 50, success_tol: 1, stop_best: 1e-3", CBO_STOP_BEST},
    {"objective: xsyrandom, d: 150, N: 50, noise: constant, sigma: 1e6, dt: 1", CBO_STOP_LOST},
    {"objective: quadratic, d: 2, N: 50, success_tol: 1", CBO_RUNNING},
};

typedef struct ending {
    double status, lost, n_eval, success, survival, v, nonfinite;
} ending;

static void read_ending(void *to, const qn_layout *l, const double *row)
{
    size_t last = l->n_grid - 1;
    *(ending *)to = (ending){cbo_outcome(l, row, "status"), cbo_outcome(l, row, "lost"), cbo_outcome(l, row, "n_eval"), cbo_outcome(l, row, "success"),
                             row[qn_layout_column(l, "survival")->offset + last], row[qn_layout_column(l, "V")->offset + last], cbo_outcome(l, row, "n_nonfinite")};
}

static void every_end_has_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        ending e;
        cbo_run(ends[i].parameters, 2000, 100, 1, read_ending, &e);
        if (e.status != (double)ends[i].why)
            fail_msg("%s ends with status %g, not %d", ends[i].parameters, e.status, ends[i].why);
        bool lost = ends[i].why == CBO_STOP_LOST;
        assert_true(e.lost == lost);
        assert_true(isnan(e.v) == lost);      /* curves go on with the last value; a lost run has none */
        assert_true(e.survival == lost);      /* all others have been near the minimiser, a lost run has not */
        assert_true(e.success == !lost);
        assert_true(lost ? e.nonfinite == 50 : e.nonfinite == 0);
        if (ends[i].why == CBO_STOP_EVALUATIONS)
            assert_true(e.n_eval == 1000);
        if (ends[i].why == CBO_RUNNING)
            assert_true(e.n_eval == 50 * 2001);
    }
}

/* ---- theory ------------------------------------------------------------------------------------------------------------ */

static double theory(const char *text, int quantity)
{
    one t = {0};
    double out[CBO_QUANTITIES];
    open_params(&t, text);
    assert_int_equal(cbo_theory_at(&t.params, out), 0);
    qn_params_free(&t.params);
    qn_schema_free(&t.schema);
    return out[quantity];
}

static const struct {
    const char *parameters;
    int quantity;
    double want, tol;
} values[] = {
    /* spec 9.1, 9.2 */
    {"d=5 N=10 sigma=0.3 dt=0.02", CBO_Q_Q_CLOUD, 0.9685, 1e-15},
    {"d=5 N=10 sigma=0.6 dt=0.02 noise=anisotropic", CBO_Q_Q_CLOUD, 0.96688, 1e-15},
    {"d=5 sigma=0.3 dt=0.02", CBO_Q_V_FACTOR, 0.2114220, 2e-6}, /* 4.46994e-2^(1/2) */
    {"d=5 sigma=0.3", CBO_Q_RATE, 1.55, 1e-14},
    /* 9.3, in continuous time */
    {"d=20 sigma=0.3 dt=0.01", CBO_Q_PATHWISE, -0.19, 1e-14},
    {"d=20 sigma=0.3 noise=anisotropic", CBO_Q_PATHWISE, -1.045, 1e-14},
    {"d=4 lambda=1", CBO_Q_SIGMA_MEAN_SQUARE, 0.70710678118654752, 1e-15},
    {"d=4 lambda=1", CBO_Q_SIGMA_PATHWISE, 1, 1e-15},
    {"d=4 lambda=1 noise=anisotropic", CBO_Q_SIGMA_MEAN_SQUARE, 1.4142135623730951, 1e-15},
    {"sigma=0.5", CBO_Q_D_MEAN_SQUARE, 8, 1e-14},
    {"sigma=0.5", CBO_Q_D_PATHWISE, 10, 1e-14},
    {"d=2 sigma=0.5", CBO_Q_DT_STABLE, 1.5, 1e-14},
    {"d=2 sigma=0.5", CBO_Q_LAMBDA_MEAN_SQUARE, 0.25, 1e-15},
    /* 9.4: d = 2, N = 10^4, |m - x*| = 1 */
    {"objective=quadratic d=2 N=10000 alpha=1 start=normal start_mean=0.7071067811865476", CBO_Q_LAPLACE_ERR_2, 0.5, 1e-12},
    {"objective=quadratic d=2 N=10000 alpha=10 start=normal start_mean=0.7071067811865476", CBO_Q_LAPLACE_ERR_2, 1.0 / 11, 1e-12},
    {"objective=quadratic d=2 N=10000 alpha=1 start=normal start_mean=0.7071067811865476", CBO_Q_LAPLACE_FLOOR, 1.0459e-2, 5e-7},
    {"objective=quadratic d=2 N=10000 alpha=10 start=normal start_mean=0.7071067811865476", CBO_Q_LAPLACE_FLOOR, 9.288e-3, 5e-7},
    {"objective=quadratic d=2 N=10000 alpha=1 start=normal start_mean=0.7071067811865476", CBO_Q_LAPLACE_N_EFF, 6348.6, 0.06},
    {"objective=quadratic d=2 N=10000 alpha=10 start=normal start_mean=0.7071067811865476", CBO_Q_LAPLACE_N_EFF, 1125.7, 0.06},
    /* 3.4: -(log Z)/alpha = (d/2 alpha) log(1 + u) + a |m-x*|^2/(2 (1 + u)) */
    {"objective=quadratic curvatures=2 d=3 alpha=5 start=normal start_mean=1 start_sd=0.5 shift=-1", CBO_Q_LAPLACE_LOGZ, -19.0220016, 1e-7},
    /* 9.8 */
    {"objective=quadratic d=1 method=sampling alpha=1 dt=0.1", CBO_Q_SAMPLING_VARIANCE, 1, 1e-15},
    {"objective=quadratic d=1 method=sampling alpha=1 dt=0.1 sampling_scheme=euler", CBO_Q_SAMPLING_VARIANCE, 1.1052631578947368, 1e-12},
};

static void theory_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double got = theory(values[i].parameters, values[i].quantity);
        if (!(fabs(got - values[i].want) <= values[i].tol))
            fail_msg("%s: %s = %.10g, want %.10g", values[i].parameters, cbo_quantities[values[i].quantity].name, got, values[i].want);
    }
    assert_true(isnan(theory("d=2", CBO_Q_SIGMA_PATHWISE)));
    assert_true(isnan(theory("d=4 noise=anisotropic", CBO_Q_SIGMA_PATHWISE)));
    assert_true(isnan(theory("d=4 noise=constant", CBO_Q_RATE)));
    assert_true(isnan(theory("objective=ackley d=4 start=normal", CBO_Q_LAPLACE_ERR_2)));
}

/* The start's consensus, log Z and n_eff against the closed forms, curvatures 1 and 3, a shift: 400 runs of N = 500.  The consensus of N
 * particles has a bias of order 1/N, below a tenth of the error here. */
typedef struct moments {
    double n, c, c2, z, z2;
} moments;

static void start_follows_laplace(void **state)
{
    (void)state;
    const char *text = "objective=quadratic curvatures=1,3 d=2 N=500 alpha=2 start=normal start_mean=1 start_sd=0.8 shift=0.5,0";
    const uint64_t key[2] = {1, 2}, disorder[2] = {3, 4};
    moments y = {0};
    one t = {0};
    open_params(&t, text);
    for (size_t r = 0; r < 400; r++) {
        void *s = NULL;
        qn_streams_open(&t.streams, 9, key, disorder, r);
        assert_int_equal(cbo_model.create(&t.params, NULL, &t.streams, &s), 0);
        const cbo_consensus *now = &((cbo_state *)s)->now;
        double z = exp(now->log_z);
        y.n++;
        y.c += now->c[0];
        y.c2 += now->c[0] * now->c[0];
        y.z += z;
        y.z2 += z * z;
        cbo_model.destroy(s);
    }
    qn_params_free(&t.params);
    qn_schema_free(&t.schema);
    double c = y.c / y.n, z = y.z / y.n;
    assert_sigma(c, sqrt((y.c2 / y.n - c * c) / y.n), 0.5 + 0.5 / (1 + 2 * 0.64));
    assert_sigma(z, sqrt((y.z2 / y.n - z * z) / y.n), exp(theory(text, CBO_Q_LAPLACE_LOGZ)));
}

/* alpha = inf on a quadratic: the consensus is near x* and V decays at 2 lambda - d_eff sigma^2 (of the scheme).  40 runs of N = 2000; that c is only
 * near x* costs less than 1 %. */
static void read_rate(void *to, const qn_layout *l, const double *row)
{
    moments *y = to;
    double x = cbo_outcome(l, row, "rate");
    assert_true(isfinite(x));
    y->n++;
    y->c += x;
    y->c2 += x * x;
}

static void measured_rate_is_the_theory(void **state)
{
    (void)state;
    moments y = {0};
    double want = theory("d=2 sigma=0.3 dt=0.01 noise=anisotropic N=2000", CBO_Q_RATE_EULER);
    cbo_run("objective: quadratic, d: 2, N: 2000, alpha: inf, sigma: 0.3, dt: 0.01, noise: anisotropic", 800, 5, 40, read_rate, &y);
    double mean = y.c / y.n, err = sqrt((y.c2 / y.n - mean * mean) / y.n);
    print_message("rate %.4f +- %.4f, theory of the scheme %.4f\n", mean, err, want);
    assert_true(err < 0.005 * want);
    assert_near(mean, want, 0.01 * want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_leave_no_trace),
        cmocka_unit_test(bad_checkpoints_are_refused),
        cmocka_unit_test(schedules),
        cmocka_unit_test(neff_target_is_held),
        cmocka_unit_test(batches_visit_every_particle_once_an_epoch),
        cmocka_unit_test(best_particle_is_the_consensus),
        cmocka_unit_test(every_end_has_its_reason),
        cmocka_unit_test(theory_values),
        cmocka_unit_test(start_follows_laplace),
        cmocka_unit_test(measured_rate_is_the_theory),
    };
    return cmocka_run_group_tests_name("cbo_model", tests, NULL, NULL);
}
