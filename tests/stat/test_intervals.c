/* test_intervals.c -- do the bootstrap intervals of fits and boundaries hold the truth as often as they say?
 *
 * Every case makes up a result with a known answer, takes value +- err Student(dof) of what the verb finds, and counts over 500 repetitions, 2,000 in
 * tests/long.  Seeds are fixed.  A count may be off by 4 standard deviations, of 2,000 by 0.042 for the 68.3 % and 0.019 for the 95.4 % intervals (chance
 * 6e-5 each for a fresh seed); nothing is allowed on top. */
#include "synthetic.h"

#include <gsl/gsl_errno.h>

#include "boundary.h"
#include "fit.h"

#ifndef REPEAT
#define REPEAT 500
#endif
enum { RESAMPLES = 200 };
#define P68 0.682689492137086
#define P95 0.954499736103642

typedef struct coverage {
    size_t in68, in95, n;
    double dof, err, sum, square;
} coverage;

static void count(coverage *c, double value, double err, double dof, double want)
{
    double off = fabs(value - want);
    assert_true(isfinite(value) && err > 0 && dof > 0);
    c->in68 += off <= err * qn_student_quantile(P68, dof);
    c->in95 += off <= err * qn_student_quantile(P95, dof);
    c->dof += dof;
    c->err += err;
    c->sum += value - want;
    c->square += (value - want) * (value - want);
    c->n++;
}

static void judge(const coverage *c, const char *what)
{
    double n = (double)c->n, a = (double)c->in68 / n, b = (double)c->in95 / n, mean = c->sum / n;
    printf("# %-58s %.3f  %.3f   dof %5.1f  bias %+.2f  err %.3f of the spread\n", what, a, b, c->dof / n, mean / sqrt(c->square / n - mean * mean),
           c->err / n / sqrt(c->square / n - mean * mean));
    assert_near(a, P68, 4 * sqrt(P68 * (1 - P68) / n));
    assert_near(b, P95, 4 * sqrt(P95 * (1 - P95) / n));
}

static double first(const qn_dataset *d, const char *name)
{
    const qn_var *v = qn_dataset_find(d, name);
    assert_non_null(v);
    return v->f64[0];
}

static void take(coverage *c, const qn_dataset *d, const char *name, double want)
{
    char err[96], dof[96];
    snprintf(err, sizeof err, "%s_err", name);
    snprintf(dof, sizeof dof, "%s_dof", name);
    count(c, first(d, name), first(d, err), first(d, dof), want);
}

/* ---- exponents -------------------------------------------------------------------------------------------------------- */

/* y = 2 P^0.7 (1 + noise), of each replica its own and of its disorder, which all points share. */
static void test_exponent(void **state)
{
    (void)state;
    static const struct {
        const char *what, *disorder;
        size_t replicas;
        double shared;
    } cases[] = {{"exponent, 6 replicas of their own", "P", 6, 0},         {"exponent, 8 replicas of their own", "P", 8, 0},
                 {"exponent, 16 replicas of their own", "P", 16, 0},       {"exponent, 16 replicas that all points share", "N", 16, 0.3},
                 {"exponent, 8 replicas, the file does not say which", NULL, 8, 0.3}};
    enum { K = 6 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        coverage cover = {0};
        for (uint64_t k = 0; k < REPEAT; k++) {
            double p[K], x[K * 16], disorder[16];
            const size_t r = cases[c].replicas;
            qn_rng rng;
            synthetic s;
            qn_dataset *d;
            qn_rng_seed(&rng, 11, c, k, 0);
            for (size_t i = 0; i < r; i++)
                disorder[i] = cases[c].shared * qn_rng_normal(&rng);
            for (size_t i = 0; i < K; i++) {
                p[i] = 64 * pow(2, (double)i);
                for (size_t j = 0; j < r; j++) /* the shared part grows with P, else it would not touch the exponent */
                    x[i * r + j] = 2 * pow(p[i], 0.7) * (1 + 0.1 * qn_rng_normal(&rng) + disorder[j] * (double)i / K);
            }
            synthetic_begin(&s, r, cases[c].disorder);
            synthetic_axis(&s, "P", K, p);
            synthetic_outcome(&s, "w", false, x);
            made(qn_fit_make(&(qn_fit_request){.data = s.d, .observable = "w", .along = "P", .resamples = RESAMPLES}, &d));
            take(&cover, d, "exponent", 0.7);
            qn_dataset_free(d);
            synthetic_end(&s);
        }
        judge(&cover, cases[c].what);
    }
}

/* A series without disorder, 2 replicas: the bins are resampled. */
static void test_bins(void **state)
{
    (void)state;
    enum { K = 5, R = 2, BINS = 32 };
    coverage cover = {0};
    for (uint64_t k = 0; k < REPEAT; k++) {
        double p[K], x[K * R * BINS];
        qn_rng rng;
        synthetic s;
        qn_dataset *d;
        qn_rng_seed(&rng, 12, 0, k, 0);
        for (size_t i = 0; i < K; i++) {
            p[i] = 1 + (double)i;
            for (size_t j = 0; j < R * BINS; j++)
                x[i * R * BINS + j] = 3 / p[i] * (1 + 0.2 * qn_rng_normal(&rng));
        }
        synthetic_begin(&s, R, "");
        synthetic_axis(&s, "P", K, p);
        synthetic_series(&s, "w", BINS, 10, x);
        made(qn_fit_make(&(qn_fit_request){.data = s.d, .observable = "w", .along = "P", .resamples = RESAMPLES}, &d));
        take(&cover, d, "exponent", -1);
        qn_dataset_free(d);
        synthetic_end(&s);
    }
    judge(&cover, "exponent, 2 x 32 bins");
}

/* Success with probability 1/(1 + exp(-(T - 2)/0.3)). */
static void test_midpoint(void **state)
{
    (void)state;
    enum { K = 11, R = 32 };
    coverage middle = {0}, width = {0};
    for (uint64_t k = 0; k < REPEAT; k++) {
        double t[K], x[K * R];
        qn_rng rng;
        synthetic s;
        qn_dataset *d;
        qn_rng_seed(&rng, 13, 0, k, 0);
        for (size_t i = 0; i < K; i++) {
            t[i] = 1 + 0.2 * (double)i;
            for (size_t j = 0; j < R; j++)
                x[i * R + j] = qn_rng_uniform(&rng) < 1 / (1 + exp(-(t[i] - 2) / 0.3));
        }
        synthetic_begin(&s, R, "T");
        synthetic_axis(&s, "T", K, t);
        synthetic_outcome(&s, "success", true, x);
        made(qn_fit_make(&(qn_fit_request){.data = s.d, .observable = "success", .along = "T", .form = "logistic", .resamples = RESAMPLES}, &d));
        take(&middle, d, "midpoint", 2);
        take(&width, d, "width", 0.3);
        qn_dataset_free(d);
        synthetic_end(&s);
    }
    judge(&middle, "midpoint of a logistic, 32 runs at 11 points");
    judge(&width, "width of a logistic, 32 runs at 11 points");
}

/* ---- boundaries ------------------------------------------------------------------------------------------------------- */

/* m = 1/2 - 1/2 tanh(4 (T - T_c)) by level, steepest place and factor, with T_c anywhere in the middle step of the grid.  Half as much noise again is of the
 * disorder, which all T share. */
static void test_boundary(void **state)
{
    (void)state;
    enum { K = 11, R = 16 };
    const struct {
        const char *what, *disorder;
        qn_boundary_request q;
        double noise;
    } cases[] = {{"level, disorder of all T", "N", {.how = QN_BOUNDARY_LEVEL, .level = 0.5}, 0.05},
                 {"level, replicas of their own", "T", {.how = QN_BOUNDARY_LEVEL, .level = 0.5}, 0.05},
                 {"steepest, disorder of all T", "N", {.how = QN_BOUNDARY_STEEPEST}, 0.05},
                 {"0.9 of its value at low T, disorder of all T", "N", {.how = QN_BOUNDARY_FACTOR, .factor = 0.9, .from_given = true}, 0.05}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        coverage cover = {0};
        for (uint64_t k = 0; k < REPEAT; k++) {
            double t[K], x[K * R], shift[R];
            qn_rng rng;
            synthetic s;
            qn_dataset *d;
            qn_boundary_request q = cases[c].q;
            qn_rng_seed(&rng, 14, c, k, 0);
            bool shared = *cases[c].disorder == 'N';
            double place = 0.45 + 0.1 * qn_rng_uniform(&rng), leaves = place + atanh(1 - 0.9 * (1 + tanh(4 * place))) / 4;
            for (size_t j = 0; j < R; j++)
                shift[j] = shared ? 0.5 * cases[c].noise * qn_rng_normal(&rng) : 0;
            for (size_t i = 0; i < K; i++) {
                t[i] = 0.1 * (double)i;
                for (size_t j = 0; j < R; j++)
                    x[i * R + j] = 0.5 - 0.5 * tanh(4 * (t[i] - place)) + shift[j] + cases[c].noise * qn_rng_normal(&rng);
            }
            synthetic_begin(&s, R, cases[c].disorder);
            synthetic_axis(&s, "T", K, t);
            synthetic_outcome(&s, "m", false, x);
            q.data = s.d;
            q.observable = "m";
            q.resamples = RESAMPLES;
            made(qn_boundary_make(&q, &d));
            take(&cover, d, "T_c", q.how == QN_BOUNDARY_FACTOR ? leaves : place);
            qn_dataset_free(d);
            synthetic_end(&s);
        }
        judge(&cover, cases[c].what);
    }
}

/* Curves 0.4 - 0.25 tanh((T - 1) L/4) of three sizes: their crossings, and the limit of these. */
static void test_crossing(void **state)
{
    (void)state;
    enum { K = 11, R = 16, SIZES = 3 };
    static const double size[SIZES] = {8, 16, 32};
    coverage first_pair = {0}, limit = {0};
    for (uint64_t k = 0; k < REPEAT; k++) {
        double t[K], x[SIZES * K * R];
        qn_rng rng;
        synthetic s;
        qn_dataset *d;
        qn_rng_seed(&rng, 15, 0, k, 0);
        for (size_t i = 0; i < SIZES * K; i++) {
            t[i % K] = 0.9 + 0.02 * (double)(i % K);
            for (size_t j = 0; j < R; j++)
                x[i * R + j] = 0.4 - 0.25 * tanh((t[i % K] - 1) * size[i / K] / 4) + 0.02 * qn_rng_normal(&rng);
        }
        synthetic_begin(&s, R, "");
        synthetic_axis(&s, "L", SIZES, size);
        synthetic_axis(&s, "T", K, t);
        synthetic_outcome(&s, "m", false, x);
        made(qn_boundary_make(&(qn_boundary_request){.data = s.d, .observable = "m", .how = QN_BOUNDARY_CROSSING, .drift = 2, .resamples = RESAMPLES}, &d));
        take(&first_pair, d, "T_crossing", 1);
        take(&limit, d, "T_c", 1);
        qn_dataset_free(d);
        synthetic_end(&s);
    }
    judge(&first_pair, "crossing of two sizes");
    judge(&limit, "limit of the crossings of three sizes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponent),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_midpoint),
        cmocka_unit_test(test_boundary),
        cmocka_unit_test(test_crossing),
    };
    gsl_set_error_handler_off();
    printf("# coverage over %d repetitions; want 0.683 and 0.954\n", REPEAT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
