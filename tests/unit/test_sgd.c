/* test_sgd.c -- parts of the engine sgd (perceptron, linear, diagonal nets) and the life of its tasks: exact, but for the draws of batches. */
#include <omp.h>

#include "group.h"
#include "sgd/batch.h"
#include "sgd/rows.h"
#include "sgd/state.h"
#include "sgd/theory.h"
#include "sgd_run.h"
#include "text.h"

/* ---- rows ----------------------------------------------------------------------------------------------------------------- */

static void products_of_rows(void **state)
{
    (void)state;
    const sgd_rows *r = sgd_rows_best();
    qn_rng rng;
    qn_rng_seed(&rng, 1, 2, 3, 4);
    for (size_t d = 16; d <= 1040; d += d < 64 ? 16 : 208) {
        float x[3 * 1040];
        double w[1040], y[1040], u[3], part[16] = {0};
        for (size_t i = 0; i < 3 * d; i++)
            x[i] = (float)qn_rng_normal(&rng);
        for (size_t i = 0; i < d; i++)
            y[i] = w[i] = qn_rng_normal(&rng);
        for (size_t i = 0; i < d; i++)
            part[i % 16] += (double)x[d + i] * w[i];
        for (size_t h = 8; h; h /= 2)
            for (size_t k = 0; k < h; k++)
                part[k] += part[k + h];
        double dot = r->dot(d, x + d, w);
        assert_memory_equal(&dot, &part[0], sizeof dot); /* the order that the header promises */
        r->all(3, d, x, -2, w, u);
        double third = -2 * r->dot(d, x + 2 * d, w);
        assert_memory_equal(&u[2], &third, sizeof third);
        r->add(d, 1.5, x, y);
        for (size_t i = 0; i < d; i++) {
            assert_near(y[i], w[i] + 1.5 * (double)x[i], 0);
            y[i] = w[i];
        }
        r->axpy(d - 3, 0.3, w, y);
        for (size_t i = 0; i < d; i++)
            assert_near(y[i], i < d - 3 ? w[i] + 0.3 * w[i] : w[i], 0);
        uint32_t list[1040];
        for (size_t n = d - 9; n <= d; n++) {
            w[n - 1] = n % 2 ? -5 : NAN;
            size_t count = r->below(n, w, -1, list), k = 0;
            for (size_t i = 0; i < n; i++)
                if (w[i] < -1)
                    assert_int_equal(list[k++], i);
            assert_int_equal(count, k);
        }
    }
}

/* ---- batches --------------------------------------------------------------------------------------------------------------- */

static void batches(void **state)
{
    (void)state;
    static const struct {
        sgd_batching kind;
        size_t p, b;
    } cases[] = {{SGD_WITH, 7, 3}, {SGD_WITHOUT, 7, 3}, {SGD_WITHOUT, 60, 40}, {SGD_EPOCH, 7, 3}, {SGD_EPOCH, 12, 4}, {SGD_WITH, 5, 5}, {SGD_WITHOUT, 9, 1}, {SGD_WITHOUT, 3, 2}};
    qn_rng rng;
    qn_rng_seed(&rng, 5, 6, 7, 8);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        enum { DRAWS = 6000 };
        size_t p = cases[c].p, b = cases[c].b, twice = 0, first[60] = {0}, last[60] = {0};
        int seen[60] = {0};
        sgd_batch x;
        assert_int_equal(sgd_batch_init(&x, cases[c].kind, p, b), 0);
        for (size_t k = 0; k < DRAWS; k++) {
            const uint32_t *ahead = sgd_batch_peek(&x), *at = sgd_batch_next(&x, &rng);
            assert_true(!ahead || ahead == at);
            first[at[0]]++;
            last[at[b - 1]]++;
            bool same = false;
            for (size_t i = 0; i < b; i++) {
                assert_true(at[i] < p);
                for (size_t j = 0; j < i; j++)
                    same |= at[i] == at[j];
                seen[at[i]]++;
            }
            twice += same;
            if (cases[c].kind == SGD_EPOCH && (k + 1) % (p / b) == 0) { /* nothing twice within an epoch */
                for (size_t i = 0; i < p; i++) {
                    assert_true(seen[i] <= 1);
                    seen[i] = 0;
                }
            }
        }
        if (cases[c].kind != SGD_WITH)
            assert_int_equal(twice, 0);
        else
            assert_true(twice > 0);
        for (size_t i = 0; i < p; i++) { /* uniform at both ends of a batch */
            double q = 1.0 / (double)p, err = sqrt(q * (1 - q) / DRAWS);
            assert_sigma((double)first[i] / DRAWS, err, q);
            assert_sigma((double)last[i] / DRAWS, err, q);
        }
        sgd_batch_free(&x);
    }
    sgd_batch all;
    qn_rng before = rng;
    assert_int_equal(sgd_batch_init(&all, SGD_WITHOUT, 9, 9), 0);
    assert_null(sgd_batch_next(&all, &rng));
    assert_memory_equal(&before, &rng, sizeof rng);
    sgd_batch_free(&all);
}

/* ---- gradients (T1 for these nets) ------------------------------------------------------------------------------------------- */

static void open_task(const char *parameters, trial *t, sgd_task **task, qn_streams *streams)
{
    char *text = qn_format("model: sgd\nseed: 12\nreplicas: 1\nparameters: {%s}\n", parameters);
    qn_params p;
    void *shared = NULL, *opened;
    trial_open(t, text);
    free(text);
    assert_int_equal(qn_sweep_point(&t->sweep, 0, &p), 0);
    qn_streams_open(streams, 1, t->plan.point[0].stream.w, t->plan.point[0].disorder.w, 0);
    assert_int_equal(sgd_model.prepare(&p, &shared), 0);
    assert_int_equal(sgd_model.create(&p, shared, streams, &opened), 0);
    *task = opened;
    sgd_model.release(shared); /* these nets share nothing */
    qn_params_free(&p);
}

static void gradients_are_slopes_of_the_loss(void **state)
{
    (void)state;
    static const char *const nets[] = {
        "net: linear, P: 20, d: 5, sigma: 0.3, T: 0", "net: linear, P: 20, d: 5, half: false, T: 0", "net: diagonal, P: 20, d: 6, s: 0.6, T: 0", "net: diagonal, depth: 3, P: 20, d: 6, T: 0",
        "P: 20, d: 5, loss: quadratic_hinge, s: 2, subtract_init: false, alpha: 0.7, T: 0", "P: 20, d: 5, loss: soft_hinge, s: 1, softness: 0.3, margin: 0.5, T: 0",
        "P: 20, d: 5, loss: square, s: 1, subtract_init: false, alpha: 1.7, T: 0", "P: 20, d: 5, loss: square, half: false, alpha: 1.7, T: 0",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        trial t;
        sgd_task *k;
        qn_streams s;
        open_task(nets[i], &t, &k, &s);
        const sgd_net *net = k->table;
        size_t n = net->weights(k->net), p = k->set.p;
        double w[16], g[16], f[20], now[16];
        assert_true(n <= 16);
        for (int step = 0; step < 3; step++) /* away from the start */
            net->step(k->net, p, NULL, 0.1 / (double)p);
        net->get(k->net, w);
        net->descend(k->net, g, f);
        for (size_t a = 0; a < n; a++) {
            double loss[2], h = 1e-5;
            for (int side = 0; side < 2; side++) {
                memcpy(now, w, sizeof now);
                now[a] += side ? h : -h;
                net->set(k->net, now);
                sgd_look x = {.train_loss = NAN};
                net->look(k->net, &x);
                loss[side] = x.train_loss;
            }
            assert_near(g[a], (loss[0] - loss[1]) / (2 * h), 1e-7 * (1 + fabs(g[a])));
        }
        /* step() is descend() times rate, up to rounding */
        net->set(k->net, w);
        net->step(k->net, p, NULL, 0.3 / (double)p);
        net->get(k->net, now);
        for (size_t a = 0; a < n; a++)
            assert_near(now[a], w[a] + 0.3 * g[a], 1e-12);
        /* the noise of the gradient: trace of its covariance over points, from steps on one point each */
        sgd_look x = {.noise_trace = NAN};
        net->set(k->net, w);
        net->look(k->net, &x);
        double power = 0, signal = 0;
        for (uint32_t mu = 0; mu < p; mu++) {
            net->set(k->net, w);
            net->step(k->net, 1, &mu, 1);
            net->get(k->net, now);
            for (size_t a = 0; a < n; a++)
                power += (k->set.net == SGD_DIAGONAL ? 0 : (now[a] - w[a]) * (now[a] - w[a])) / (double)p;
        }
        for (size_t a = 0; a < n; a++)
            signal += g[a] * g[a];
        assert_near(x.noise_signal, signal, 1e-10 * (1 + signal));
        if (k->set.net != SGD_DIAGONAL)
            assert_near(x.noise_trace, power - signal, 1e-10 * (1 + power));
        sgd_model.destroy(k);
        trial_free(&t);
    }
}

/* ---- T2 ---------------------------------------------------------------------------------------------------------------------- */

static void all_points_are_gradient_descent(void **state)
{
    (void)state;
    static const char *const batch[] = {"without", "with"};
    for (int with = 0; with < 2; with++) {
        char *text = qn_format("P: 50, d: 8, chi: 1, B: 50, T: 0.1, batch: %s", batch[with]);
        trial t;
        sgd_task *k, *gd;
        qn_streams s, unused;
        open_task(text, &t, &k, &s);
        trial_free(&t);
        open_task(text, &t, &gd, &unused);
        free(text);
        qn_rng before = s.dynamics;
        sgd_advance(k, &s, 40);
        for (int i = 0; i < 40; i++)
            gd->table->step(gd->net, 50, NULL, gd->rate);
        double a[16], b[16];
        k->table->get(k->net, a);
        gd->table->get(gd->net, b);
        assert_true(!memcmp(a, b, 8 * sizeof *a) == !with);
        if (!with)
            assert_memory_equal(&before, &s.dynamics, sizeof before);
        sgd_model.destroy(k);
        sgd_model.destroy(gd);
        trial_free(&t);
    }
}

static const char *const lives[] = {
    "P: 300, d: 8, chi: 1, B: 2, T: 4", "P: 300, d: 8, chi: 1, B: 2, T: 4, batch: with", "P: 300, d: 8, B: 40, T: 1", "P: 300, d: 8, B: 7, T: 1, batch: epoch",
    "P: 2000, d: 8, chi: 1, B: 2, T: 4, batch: with, dynamics: event", "P: 300, d: 5, chi: 1, B: 3, T: 2, dynamics: event", "P: 0, d: 20, chi: 3, B: 3, T: 2", "P: 0, d: 20, chi: 0.5, T: 2, dynamics: chain",
    "P: 100, d: 8, T: 0", "P: 100, d: 8, T: 0, loss: quadratic_hinge", "P: 100, d: 8, loss: soft_hinge, s: 1, subtract_init: false", "net: linear, P: 0, d: 9, sigma: 1, eta: 0.05",
    "net: linear, P: 40, d: 9, sigma: 1, eta: 0.05", "net: diagonal, P: 40, d: 20, sigma: 0.1, eta: 0.02, B: 2", "net: diagonal, P: 0, d: 20, eta: 0.01, B: 2", "net: diagonal, P: 40, d: 20, T: 0, depth: 3",
};

/* A task cut at step `cut`, saved, made anew and loaded, in pieces of `most` steps; the record of its end. */
static void live(const char *parameters, int64_t steps, int64_t cut, int64_t most, double *row)
{
    char *text = qn_format("model: sgd\nseed: 12\nreplicas: 1\nparameters: {%s}\nsampling: {points_per_decade: 3, steps: %lld}\n", parameters, (long long)steps);
    trial t;
    trial_open(&t, text);
    free(text);
    qn_params p;
    qn_streams s;
    qn_record r;
    void *state = NULL;
    assert_int_equal(qn_sweep_point(&t.sweep, 0, &p), 0);
    assert_int_equal(qn_record_init(&r, &t.layout, &p), 0);
    qn_streams_open(&s, 1, t.plan.point[0].stream.w, t.plan.point[0].disorder.w, 0);
    assert_int_equal(sgd_model.create(&p, NULL, &s, &state), 0);
    for (int64_t n = 0; n < steps && sgd_model.done(state) == QN_GOING;) {
        int64_t grid = r.measured < t.layout.n_grid ? t.layout.grid[r.measured] : steps, left = grid - n;
        if (cut > n && cut - n < left)
            left = cut - n;
        n += sgd_advance(state, &s, left < most ? left : most);
        if (n == grid) {
            assert_int_equal(sgd_model.measure(state, &s, &r), 0);
            r.measured++;
        }
        if (n == cut) {
            qn_group g = {0};
            qn_streams kept = s;
            assert_int_equal(sgd_model.save(state, &g), 0);
            sgd_model.destroy(state);
            qn_streams_open(&s, 1, t.plan.point[0].stream.w, t.plan.point[0].disorder.w, 0);
            assert_int_equal(sgd_model.create(&p, NULL, &s, &state), 0);
            s = kept;
            if (sgd_model.load(state, &g))
                fail_msg("%s", qn_error_text());
            qn_group_clear(&g);
        }
    }
    assert_int_equal(sgd_model.finish(state, &s, &r), 0);
    memset(row, 0, t.layout.row * sizeof *row);
    assert_true(t.layout.row < 4096);
    assert_int_equal(qn_record_row(&r, false, row), 0);
    row[4095] = (double)qn_rng_u64(&s.dynamics);
    sgd_model.destroy(state);
    qn_record_free(&r);
    qn_params_free(&p);
    trial_free(&t);
}

static void interruptions_leave_no_trace(void **state)
{
    (void)state;
    static double whole[4096], cut[4096];
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        memset(whole, 0, sizeof whole);
        memset(cut, 0, sizeof cut);
        live(lives[i], 3000, -1, INT64_MAX, whole);
        for (int k = 0; k < 5; k++) {
            static const int64_t at[] = {1, 7, 250, 1111, 2718};
            live(lives[i], 3000, at[k], k % 2 ? 1 : 13, cut);
            if (memcmp(whole, cut, sizeof whole))
                fail_msg("{%s}, cut at step %lld: other numbers", lives[i], (long long)at[k]);
        }
    }
}

static void damaged_checkpoints_are_refused(void **state)
{
    (void)state;
    trial t;
    sgd_task *k;
    qn_streams s;
    open_task("P: 30, d: 8, B: 2", &t, &k, &s);
    sgd_advance(k, &s, 5);
    qn_group g = {0};
    assert_int_equal(sgd_model.save(k, &g), 0);
    for (size_t i = 0; i < g.n; i++) {
        qn_entry kept = g.entry[i];
        char gone[] = "?";
        g.entry[i].name = gone;
        assert_int_equal(sgd_model.load(k, &g), QN_ERR_DATA);
        g.entry[i] = kept;
        if (!strcmp(kept.name, "batch.queue")) {
            uint32_t *point = kept.data, first = point[0];
            point[0] = 30;
            assert_int_equal(sgd_model.load(k, &g), QN_ERR_DATA);
            point[0] = first;
        }
    }
    assert_int_equal(sgd_model.load(k, &g), 0);
    qn_group_clear(&g);
    sgd_model.destroy(k);
    trial_free(&t);
}

static void threads_and_measuring_change_nothing(void **state)
{
    (void)state;
    const char *form = "model: sgd\nseed: 12\nreplicas: 6\nparameters: {chi: 1, d: 8, B: 2, batch: with, dynamics: event}\nsweep: {T: [1, 8], P: [100, 600]}\nsampling: {points_per_decade: %d, steps: 10000000}\n";
    char *text = qn_format(form, 2);
    trial one, many, dense;
    trial_run(&one, text);
    trial_open(&many, text);
    free(text);
#pragma omp parallel for num_threads(2) schedule(dynamic)
    for (size_t i = many.tasks; i > 0; i--) {
        qn_row_head head;
        if (qn_task_run(&many.plan, i - 1, many.row + (i - 1) * many.layout.row, &head))
            abort();
    }
    assert_memory_equal(one.row, many.row, one.tasks * one.layout.row * sizeof *one.row);
    text = qn_format(form, 20);
    trial_run(&dense, text);
    free(text);
    for (size_t i = 0; i < one.tasks; i++) {
        static const char *const names[] = {"t_star", "sgd_steps", "updates", "status"};
        for (int k = 0; k < 4; k++)
            assert_near(trial_at(&one, i, names[k], 0), trial_at(&dense, i, names[k], 0), 0);
        assert_near(trial_at(&one, i, "w_noise", -1), trial_at(&dense, i, "w_noise", -1), 0);
    }
    trial_free(&one);
    trial_free(&many);
    trial_free(&dense);
}

/* ---- disorder, ends, settings -------------------------------------------------------------------------------------------------- */

/* One step of full-batch descent from w = 0 is eta times the mean of the points: it shows the data. */
static void data_depend_on_disorder_alone(void **state)
{
    (void)state;
    trial t;
    trial_run(&t, "model: sgd\nseed: 12\nreplicas: 2\nparameters: {P: 64, B: 64, chi: 1}\nsweep: {d: [8, 9], T: [0.5, 2]}\nsampling: {steps: 1}\n");
    double x[4][2];
    for (size_t point = 0; point < 4; point++)
        for (size_t r = 0; r < 2; r++)
            x[point][r] = trial_at(&t, 2 * point + r, "w_signal", 0) / (64 * (point % 2 ? 2 : 0.5)) * sqrt(point < 2 ? 8 : 9);
    for (size_t r = 0; r < 2; r++) {
        assert_near(x[0][r], x[1][r], 1e-12);
        assert_near(x[2][r], x[3][r], 1e-12);
        assert_true(x[0][r] != x[2][r]); /* another d, other points */
    }
    assert_true(x[0][0] != x[0][1]);
    trial_free(&t);
}

static void ends_and_what_they_leave(void **state)
{
    (void)state;
    trial t;
    trial_run(&t, "model: sgd\nseed: 12\nreplicas: 3\nparameters: {P: 400, d: 8, chi: 1, T: 2}\nsampling: {points_per_decade: 4, steps: 10000000}\n");
    for (size_t r = 0; r < 3; r++) {
        double stop = trial_at(&t, r, "t_star", 0), steps = trial_at(&t, r, "sgd_steps", 0);
        assert_near(trial_at(&t, r, "status", 0), 0, 0);
        assert_near(trial_at(&t, r, "fitted", 0), 1, 0);
        assert_near(stop, 2 * steps, 1e-9 * stop);
        assert_true(trial_at(&t, r, "updates", 0) <= steps);
        assert_near(trial_at(&t, r, "n_unfitted", -1), 0, 0);
        assert_true(trial_at(&t, r, "t", -1) >= stop);
        /* levels come in order; the last is passed at t_star, the loss is 0 there */
        double before = 0;
        for (int k = 0; k < SGD_LEVELS; k++) {
            double at = trial_at(&t, r, "t_loss", k);
            assert_true(at >= before && at <= stop * (1 + 1e-12));
            before = at;
        }
        double err = trial_at(&t, r, "test_err", -1), lambda = trial_at(&t, r, "lambda", -1);
        assert_near(err, 0.5 * (1 - lambda / sqrt(1 + lambda * lambda)), 1e-9); /* chi = 1: two degrees of freedom */
    }
    trial_free(&t);
    static const char *const limits[] = {"parameters: {P: 400, d: 8, T: 2, max_time: 100}\nsampling: {points_per_decade: 4, steps: 10000000}", "parameters: {P: 400, d: 8, T: 2, dynamics: event, max_time: 100}\nsampling: {points_per_decade: 4, steps: 10000000}",
                                         "parameters: {P: 400, d: 8, T: 2}\nsampling: {steps: 50}"};
    for (int k = 0; k < 3; k++) {
        char *text = qn_format("model: sgd\nseed: 12\nreplicas: 1\n%s\n", limits[k]);
        trial_run(&t, text);
        free(text);
        assert_near(trial_at(&t, 0, "status", 0), 1, 0);
        assert_near(trial_at(&t, 0, "sgd_steps", 0), 50, 0);
        assert_true(isnan(trial_at(&t, 0, "t_star", 0)));
        assert_near(trial_at(&t, 0, "t", -1), 100, 1e-9);
        trial_free(&t);
    }
    trial_run(&t, "model: sgd\nseed: 12\nreplicas: 1\nparameters: {net: linear, P: 10, d: 5, eta: 3}\nsampling: {points_per_decade: 4, steps: 100000}\n");
    assert_near(trial_at(&t, 0, "status", 0), 2, 0);
    assert_true(isnan(trial_at(&t, 0, "t_star", 0)) && isnan(trial_at(&t, 0, "train_loss", -1)));
    trial_free(&t);
    trial_run(&t, "model: sgd\nseed: 12\nreplicas: 1\nparameters: {net: linear, P: 10, d: 20, eta: 0.02, stop_loss: 1e-3}\nsampling: {points_per_decade: 4, steps: 1000000}\n");
    assert_near(trial_at(&t, 0, "status", 0), 0, 0);
    assert_true(trial_at(&t, 0, "train_loss", -1) < 1e-3 && isfinite(trial_at(&t, 0, "t_star", 0)));
    trial_free(&t);
}

static void rates_follow_from_two_of_three(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        double t, b, eta;
    } cases[] = {{"T: 3, B: 4", 3, 4, 12}, {"eta: 2, B: 8", 0.25, 8, 2}, {"T: 0.5, eta: 4", 0.5, 8, 4}, {"T: 5", 5, 1, 5}, {"eta: 5", 5, 1, 5}, {"B: 3", 1, 3, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = qn_format("P: 30, d: 4, %s", cases[i].given);
        trial t;
        sgd_task *k;
        qn_streams s;
        open_task(text, &t, &k, &s);
        free(text);
        assert_near(k->set.temperature, cases[i].t, 1e-15);
        assert_near((double)k->set.b, cases[i].b, 0);
        assert_near(k->set.eta, cases[i].eta, 1e-15);
        sgd_model.destroy(k);
        trial_free(&t);
    }
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *parameters, *where, *what;
    } cases[] = {
        {"T: 1, B: 2, eta: 2", "eta", "all given"},
        {"T: 1, eta: 2.5", "eta", "whole number"},
        {"P: 10, B: 11", "B", "at most P"},
        {"T: 0, eta: 1", "eta", "chooses its own steps"},
        {"T: 1, dynamics: flow", "T", "at T = 0"},
        {"P: 0, T: 0", "P", "needs training points"},
        {"P: 0, dynamics: event", "dynamics", "list of training points"},
        {"P: 0, batch: with", "batch", "fresh point"},
        {"P: 0, stop_loss: 0.1", "stop_loss", "needs training points"},
        {"dynamics: event, batch: epoch", "batch", "depend on each other"},
        {"dynamics: event, loss: square", "dynamics", "loss: hinge"},
        {"dynamics: chain", "dynamics", "P: 0"},
        {"dynamics: chain, P: 0, d: 2", "d", "3 or more"},
        {"dynamics: chain, P: 0, T: 0", "T", "quench theory"},
        {"dynamics: chain, P: 0, s: 1", "s", "reduced chain"},
        {"net: linear, loss: hinge", "loss", "square"},
        {"net: linear, alpha: 2", "alpha", "only"},
        {"net: linear, chi: 1", "chi", "net is linear"},
        {"net: diagonal, d: 4", "sparsity", "more than the d"},
        {"net: linear, stability: true, P: 300, d: 300", "stability", "at most 200"},
        {"sigma: 1", "sigma", "net is perceptron"},
        {"d: 1", "d", "2 or more"},
        {"softness: 1", "softness", "soft_hinge"},
        {"half: false", "half", "square"},
        {"delta: 1, loss: square, T: 0", "delta", "hinge only"},
        {"tol: 0.1, T: 0", "tol", "delta"},
        {"P: 2000000000, d: 1000000", "P", "lower P or d"},
        {"chi: -1", "chi", "chi"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = qn_format("model: sgd\nseed: 1\nparameters: {%s}\n", cases[i].parameters);
        qn_sweep s;
        qn_problems problems = {0};
        assert_int_not_equal(qn_sweep_init(&s, &(qn_sweep_source){.file = "bad", .text = text, .find = trial_find}, &problems), 0);
        char *said = NULL;
        size_t size;
        FILE *f = open_memstream(&said, &size);
        qn_problems_print(&problems, f);
        fclose(f);
        if (!strstr(said, cases[i].what) || !strstr(said, cases[i].where))
            fail_msg("{%s}: expected '%s' about %s, got\n%s", cases[i].parameters, cases[i].what, cases[i].where, said);
        free(said);
        free(text);
        qn_sweep_free(&s);
        qn_problems_free(&problems);
    }
}

/* ---- theory as the program sees it ------------------------------------------------------------------------------------------------ */

static double theory(const char *parameters, sgd_quantity q)
{
    char *text = qn_format("model: sgd\nseed: 0\nparameters: {%s}\n", parameters);
    trial t;
    qn_params p;
    double out[64];
    trial_open(&t, text);
    free(text);
    assert_int_equal(qn_sweep_point(&t.sweep, 0, &p), 0);
    assert_int_equal(sgd_theory_at(&p, out), 0);
    qn_params_free(&p);
    trial_free(&t);
    return out[q];
}

static void quantities(void **state)
{
    (void)state;
    assert_near(theory("chi: 1", SGD_Q_GAMMA), 0.5, 1e-15);
    assert_near(theory("chi: 3", SGD_Q_B_EXPONENT), 1.5, 1e-15);
    assert_near(theory("chi: 0", SGD_Q_TIME_EXPONENT), 1.0 / 3, 1e-15);
    assert_near(theory("chi: 1, T: 16, B: 4, d: 32", SGD_Q_FIRST_SIGNAL), 3.545 * 4, 1e-2); /* spec T18 */
    assert_near(theory("P: 0, chi: 1, T: 16, d: 128, max_time: 1.6e7", SGD_Q_LATE_SIGNAL), 827.57, 0.01);
    assert_near(theory("P: 0, chi: 1, T: 16, d: 128, max_time: 1.6e7", SGD_Q_W_SIGNAL), 829.19, 0.01);
    assert_true(isnan(theory("P: 100, chi: 1, max_time: 10", SGD_Q_W_SIGNAL))); /* online only */
    assert_near(theory("net: linear, P: 0, d: 10, eta: 0.1, sigma: 1", SGD_Q_EXCESS), 1.25, 1e-12);
    assert_near(theory("net: linear, P: 0, d: 10, eta: 0.1, sigma: 1, B: 4", SGD_Q_ETA_MAX), 2 / (1 + 11.0 / 4), 1e-12);
    /* (f-y)^2 without the half: eta counts double */
    assert_near(theory("net: linear, P: 0, d: 10, eta: 0.05, sigma: 1, half: false", SGD_Q_EXCESS), 1.25, 1e-12);
    assert_near(theory("chi: 1, P: 100, T: 3", SGD_Q_B_STAR), theory("chi: 1, P: 400, T: 3", SGD_Q_B_STAR) / 2, 1e-9);
    for (const qn_quantity *q = sgd_quantities; q->name; q++)
        assert_true(q->meaning && q->unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_rows), cmocka_unit_test(batches), cmocka_unit_test(gradients_are_slopes_of_the_loss), cmocka_unit_test(all_points_are_gradient_descent),
        cmocka_unit_test(interruptions_leave_no_trace), cmocka_unit_test(damaged_checkpoints_are_refused), cmocka_unit_test(threads_and_measuring_change_nothing),
        cmocka_unit_test(data_depend_on_disorder_alone), cmocka_unit_test(ends_and_what_they_leave), cmocka_unit_test(rates_follow_from_two_of_three), cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(quantities),
    };
    return cmocka_run_group_tests_name("sgd", tests, NULL, NULL);
}
