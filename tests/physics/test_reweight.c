/* test_reweight.c -- reweighting against an enumerated Ising lattice: numbers between the sampled temperatures within their errors, free energies,
 * and how often the errors hold it.
 *
 * The samples are independent draws from the exact distributions of the 4 x 4 torus, in a file as `run` makes it. */
#include <math.h>

#include "dataset.h"
#include "qtest.h"
#include "reweight.h"
#include "stats.h"

enum { SIDE = 4, SPINS = SIDE * SIDE, LEVELS = 2 * SPINS + 1, RUNS = 5 };
static const double temperature[RUNS] = {1.8, 2.2, 2.7, 3.3, 4.0};

/* Number of states and sum of |m| at energy -2 SPINS + 2 i. */
static double states[LEVELS], magnetisation[LEVELS];

static int enumerate(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 1u << SPINS; c++) {
        int bonds = 0, up = 0;
        for (unsigned y = 0; y < SIDE; y++)
            for (unsigned x = 0; x < SIDE; x++) {
                uint32_t s = c >> (y * SIDE + x) & 1, east = c >> (y * SIDE + (x + 1) % SIDE) & 1, south = c >> ((y + 1) % SIDE * SIDE + x) & 1;
                bonds += (s == east ? 1 : -1) + (s == south ? 1 : -1);
                up += s ? 1 : -1;
            }
        size_t level = (size_t)(2 * SPINS - bonds) / 2;
        states[level] += 1;
        magnetisation[level] += fabs((double)up) / SPINS;
    }
    return 0;
}

static double level_energy(size_t i)
{
    return 2.0 * (double)i - 2 * SPINS;
}

typedef struct exact {
    double u, m, c, log_z;
} exact;

static exact at(double t)
{
    double z = 0, e = 0, ee = 0, m = 0;
    for (size_t i = 0; i < LEVELS; i++) {
        double w = exp(-(level_energy(i) + 2 * SPINS) / t);
        z += states[i] * w;
        e += states[i] * w * level_energy(i);
        ee += states[i] * w * level_energy(i) * level_energy(i);
        m += magnetisation[i] * w;
    }
    e /= z;
    ee /= z;
    return (exact){e / SPINS, m / z, (ee - e * e) / (t * t) / SPINS, log(z) + 2 * SPINS / t};
}

/* A result with `replicas` of n measurements each: u and m_abs, |m| at its mean given the energy (so that only the energy is random). */
static qn_dataset *make(size_t replicas, size_t n, size_t bins, uint64_t seed, const char *disorder)
{
    static const char *const dims[] = {"T", "replica", "bin"}, *const series[] = {"u", "m_abs"}, *const axis[] = {"T"};
    qn_dataset *d, *s;
    qn_var *t, *v[2], *mean, *tau, *count;
    qn_rng rng;
    qn_rng_seed(&rng, 1, seed, 2, 7);
    assert_int_equal(qn_dataset_new(&d), 0);
    assert_int_equal(qn_attr_str(d, NULL, "axes", "T"), 0);
    assert_int_equal(qn_attr_str(d, NULL, "disorder_parameters", disorder), 0);
    assert_int_equal(qn_attr_str(d, NULL, "parameter:L", "4"), 0);
    assert_int_equal(qn_dataset_dim(d, "T", RUNS), 0);
    assert_int_equal(qn_dataset_var(d, "T", QN_F64, 1, axis, &t), 0);
    memcpy(t->f64, temperature, sizeof temperature);
    assert_int_equal(qn_dataset_group(d, "samples", &s), 0);
    assert_int_equal(qn_dataset_dim(s, "replica", replicas), 0);
    assert_int_equal(qn_dataset_dim(s, "bin", bins), 0);
    for (size_t k = 0; k < 2; k++) {
        char name[16];
        assert_int_equal(qn_dataset_var(d, series[k], QN_F64, 1, axis, &mean), 0);
        assert_int_equal(qn_attr_str(d, mean, "kind", "series"), 0);
        assert_int_equal(qn_dataset_var(s, series[k], QN_F64, 3, dims, &v[k]), 0);
        snprintf(name, sizeof name, "%s_tau", series[k]);
        assert_int_equal(qn_dataset_var(s, name, QN_F64, 2, dims, &tau), 0);
        for (size_t i = 0; i < tau->size; i++)
            tau->f64[i] = 0.5;
    }
    assert_int_equal(qn_dataset_var(s, "measurements", QN_I64, 2, dims, &count), 0);
    for (size_t k = 0; k < RUNS; k++) {
        double below[LEVELS], sum = 0;
        for (size_t i = 0; i < LEVELS; i++)
            below[i] = sum += states[i] * exp(-(level_energy(i) + 2 * SPINS) / temperature[k]);
        for (size_t r = 0; r < replicas; r++) {
            count->i64[k * replicas + r] = (int64_t)n;
            for (size_t b = 0; b < n; b++) {
                double x = qn_rng_uniform(&rng) * sum;
                size_t i = 0, to = (k * replicas + r) * bins + b;
                while (below[i] <= x)
                    i++;
                if (b >= bins) /* a file that keeps fewer bins than measurements */
                    continue;
                v[0]->f64[to] = level_energy(i) / SPINS;
                v[1]->f64[to] = magnetisation[i] / states[i];
            }
        }
    }
    return d;
}

static const char *const wanted[] = {"u", "m_abs", "square=m_abs^2"};

static qn_dataset *reweigh(const qn_dataset *d, size_t points)
{
    qn_dataset *out;
    qn_reweight_request q = {.data = d, .path = "test", .energy = "L^2*u", .observable = wanted, .n_observables = 3, .points = points};
    int err = qn_reweight(&q, &out);
    if (err)
        print_error("%s\n", qn_error_text());
    assert_int_equal(err, 0);
    return out;
}

static double get(const qn_dataset *d, const char *name, const char *suffix, size_t i)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    const qn_var *v = qn_dataset_find(d, full);
    assert_non_null(v);
    return v->f64[i];
}

/* 41 temperatures, three numbers and log_z: one of them beyond by luck in 100 fresh seeds at the bound of 6.3e-5 a number. */
static void test_between_the_runs(void **state)
{
    (void)state;
    enum { POINTS = 41, REPLICAS = 24 };
    qn_dataset *d = make(REPLICAS, 400, 400, 11, ""), *r = reweigh(d, POINTS);
    double z = qn_student_quantile(0.99993666, REPLICAS - 1), hot = at(temperature[RUNS - 1]).log_z;
    for (size_t i = 0; i < POINTS; i++) {
        double t = get(r, "T", "", i);
        exact want = at(t);
        assert_near(t, temperature[0] + (temperature[RUNS - 1] - temperature[0]) * (double)i / (POINTS - 1), 1e-12);
        assert_true(fabs(get(r, "u", "", i) - want.u) <= z * get(r, "u", "_err", i));
        assert_true(fabs(get(r, "m_abs", "", i) - want.m) <= z * get(r, "m_abs", "_err", i));
        assert_true(fabs(get(r, "square", "", i) - want.m * want.m) <= z * get(r, "square", "_err", i));
        assert_true(fabs(get(r, "log_z", "", i) - (want.log_z - hot)) <= z * get(r, "log_z", "_err", i) + 1e-9);
        assert_true(get(r, "u", "_err", i) < 0.01 && get(r, "u", "_err", i) > 1e-4);
        assert_true(get(r, "n_eff", "", i) > 1000);
    }
    qn_dataset_free(r);
    qn_dataset_free(d);
}

/* One run alone, at its own temperature: the plain mean, to rounding; and every run together say more than one. */
static void test_one_run_is_its_mean(void **state)
{
    (void)state;
    static const char *const one[] = {"T=2.7"};
    qn_dataset *d = make(8, 100, 100, 5, ""), *r;
    qn_reweight_request q = {.data = d, .path = "test", .energy = "L^2*u", .observable = wanted, .n_observables = 1, .points = 1, .where = one, .n_where = 1};
    assert_int_equal(qn_reweight(&q, &r), 0);
    const qn_var *u = qn_dataset_find(qn_dataset_find_group(d, "samples"), "u");
    double sum = 0;
    for (size_t i = 0; i < 800; i++)
        sum += u->f64[2 * 800 + i];
    assert_near(get(r, "u", "", 0), sum / 800, 1e-13);
    assert_near(get(r, "n_eff", "", 0), 800, 1e-9);
    assert_near(get(r, "log_z", "", 0), 0, 1e-12);
    qn_dataset *all = reweigh(d, 41);
    for (size_t i = 0; i < 41; i++)
        if (fabs(get(all, "T", "", i) - 2.7) < 0.03)
            assert_true(get(all, "n_eff", "", i) > 1200);
    qn_dataset_free(all);
    qn_dataset_free(r);
    qn_dataset_free(d);
}

/* Bars of one standard error with Student's quantile hold the truth in 68.3 % of repetitions, with few alike replicas (blocks), many (replicas), and
 * replicas reweighted one by one: within 4 standard deviations of the count (three cases, two numbers each: 4e-4 for a fresh seed). */
static void test_coverage(void **state)
{
    (void)state;
    static const struct {
        const char *name, *disorder;
        size_t replicas, n;
        double dof;
    } cases[] = {{"blocks", "", 2, 320, 15}, {"replicas", "", 10, 64, 9}, {"disorder", "J", 8, 160, 7}};
    enum { REPEAT = 500, POINTS = 3 };
    for (size_t c = 0; c < 3; c++) {
        size_t hit[2] = {0};
        double q = qn_student_quantile(0.682689492, cases[c].dof), hot = at(temperature[RUNS - 1]).log_z;
        for (size_t k = 0; k < REPEAT; k++) {
            qn_dataset *d = make(cases[c].replicas, cases[c].n, cases[c].n, 1000 * c + k + 1, cases[c].disorder), *r = reweigh(d, POINTS);
            exact want = at(get(r, "T", "", 1));
            hit[0] += fabs(get(r, "u", "", 1) - want.u) <= q * get(r, "u", "_err", 1);
            hit[1] += fabs(get(r, "log_z", "", 1) - (want.log_z - hot)) <= q * get(r, "log_z", "_err", 1);
            qn_dataset_free(r);
            qn_dataset_free(d);
        }
        for (size_t i = 0; i < 2; i++) {
            double share = (double)hit[i] / REPEAT, sd = sqrt(0.6827 * 0.3173 / REPEAT);
            printf("# %-8s %-5s in 68 %%: %.3f (%.1f sd)\n", cases[c].name, i ? "log_z" : "u", share, (share - 0.6827) / sd);
            assert_true(fabs(share - 0.6827) <= 4 * sd);
        }
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const absent[] = {"m_ab"}, *const wrong[] = {"c=u*x"};
    qn_dataset *few = make(2, 100, 10, 3, ""), *d = make(2, 10, 10, 3, ""), *out;
    const struct {
        qn_reweight_request q;
        const char *says;
    } cases[] = {
        {{.data = few, .path = "F", .energy = "L^2*u", .points = 3}, "bins: 100"},
        {{.data = d, .path = "F", .points = 3}, "--energy"},
        {{.data = d, .path = "F", .energy = "L^2*(u", .points = 3}, "energy 'L^2*(u'"},
        {{.data = d, .path = "F", .energy = "k*u", .points = 3}, "k is neither"},
        {{.data = d, .path = "F", .energy = "L^2*u", .along = "beta", .points = 3}, "no axis 'beta'"},
        {{.data = d, .path = "F", .energy = "L^2*u", .observable = absent, .n_observables = 1, .points = 3}, "m_abs"},
        {{.data = d, .path = "F", .energy = "L^2*u", .observable = wrong, .n_observables = 1, .points = 3}, "x is neither"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(qn_reweight(&cases[i].q, &out), QN_ERR_INPUT);
        if (!strstr(qn_error_text(), cases[i].says))
            fail_msg("'%s' does not say '%s'", qn_error_text(), cases[i].says);
        assert_null(out);
    }
    qn_dataset_free(few);
    qn_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_the_runs),
        cmocka_unit_test(test_one_run_is_its_mean),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("reweight", tests, enumerate, NULL);
}
