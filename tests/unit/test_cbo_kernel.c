/* test_cbo_kernel.c -- landscapes against libm and central differences, shift and rotation; the consensus against brute force; the fused
 * step against the plain one and against itself at every instruction set, in any number of threads; particle batches. */
#include "cbo_make.h"

#include "cbo/landscapes.h"

#define PI 3.14159265358979323846

/* ---- landscapes ------------------------------------------------------------------------------------------------------- */

typedef double formula(size_t d, const double *z);

static double quadratic(size_t d, const double *z)
{
    double s = 0;
    for (size_t k = 0; k < d; k++)
        s += 0.5 * (k % 2 ? 3 : 1) * z[k] * z[k];
    return s;
}

static double ackley(size_t d, const double *z)
{
    double s = 0, c = 0;
    for (size_t k = 0; k < d; k++) {
        s += z[k] * z[k] / (double)d;
        c += cos(2 * PI * z[k]) / (double)d;
    }
    return -20 * exp(-0.2 * sqrt(s)) - exp(c) + 20 + exp(1);
}

static double rastrigin(size_t d, const double *z)
{
    double s = 0;
    for (size_t k = 0; k < d; k++)
        s += z[k] * z[k] + 2.5 * (1 - cos(2 * PI * z[k]));
    return s;
}

static double griewank(size_t d, const double *z)
{
    double s = 1, c = 1;
    for (size_t k = 0; k < d; k++) {
        s += z[k] * z[k] / 4000;
        c *= cos(z[k] / sqrt((double)k + 1));
    }
    return s - c;
}

static double rosenbrock(size_t d, const double *z)
{
    double s = 0;
    for (size_t k = 0; k + 1 < d; k++)
        s += 100 * pow(z[k + 1] - z[k] * z[k], 2) + pow(1 - z[k], 2);
    return s;
}

static double length(size_t d, const double *z)
{
    double s = 0;
    for (size_t k = 0; k < d; k++)
        s += z[k] * z[k];
    return sqrt(s);
}

static double salomon(size_t d, const double *z)
{
    return 1 - cos(2 * PI * length(d, z)) + 0.1 * length(d, z);
}

static double schwefel220(size_t d, const double *z)
{
    double s = 0;
    for (size_t k = 0; k < d; k++)
        s += fabs(z[k]);
    return s;
}

static double dropwave(size_t d, const double *z)
{
    double r = length(d, z);
    return -(1 + cos(12 * r)) / (0.5 * r * r + 2);
}

static double eggholder(size_t d, const double *z)
{
    (void)d;
    double x = z[0], y = z[1];
    return -(y + 47) * sin(sqrt(fabs(y + x / 2 + 47))) - x * sin(sqrt(fabs(x - (y + 47))));
}

static double himmelblau(size_t d, const double *z)
{
    (void)d;
    return pow(z[0] * z[0] + z[1] - 11, 2) + pow(z[0] + z[1] * z[1] - 7, 2);
}

static double wshaped(size_t d, const double *z)
{
    (void)d;
    return z[0] * z[0] * (pow(z[0] - 4, 2) + 1);
}

static double canyon_rest(double ripple, const double *z, double v)
{
    double w = -z[0] - 1.6 * z[1], wall = ((w > 0) - (w < 0)) * (1 - exp(-9 * w * w));
    return 0.2 * z[1] * z[1] + ripple * (2 - cos(0.75 * PI * z[0]) - cos(0.75 * PI * z[1])) + 4 * exp(1 - 2 * pow(v, 4)) * fmax(wall, 0);
}

static double canyon(double ripple, const double *z)
{
    double x = z[0], v = z[1] - (x - 1) * pow(x - 4, 2) / 8 - 2;
    return 25 * (1 - exp(-1.4 * v * v * exp(-0.002 * pow(x, 4)))) + 0.4 * x * x + canyon_rest(ripple, z, v);
}

static double smooth(size_t d, const double *z)
{
    (void)d;
    return canyon(0.25, z);
}

static double noisy(size_t d, const double *z)
{
    (void)d;
    return canyon(1.1625, z);
}

static double two_valley(size_t d, const double *z)
{
    (void)d;
    double v = -z[1] - 0.6 * z[0] * (z[0] - 4);
    return 25 * (1 - exp(-1.2 * v * v)) + 0.75 * z[0] * z[0] + canyon_rest(1.5, z, v);
}

static const struct landscape {
    const char *text;
    formula *f;      /* NULL: xsyrandom, whose constants are drawn */
    double reach;    /* points from [-reach, reach]^d */
} landscapes[] = {
    {"objective=quadratic d=5 curvatures=1,3", quadratic, 3},
    {"objective=ackley d=1", ackley, 3},
    {"objective=ackley d=20", ackley, 32},
    {"objective=rastrigin d=3 A=2.5", rastrigin, 5},
    {"objective=griewank d=6", griewank, 600},
    {"objective=rosenbrock d=2", rosenbrock, 5},
    {"objective=rosenbrock d=7", rosenbrock, 5},
    {"objective=salomon d=4", salomon, 100},
    {"objective=schwefel220 d=5", schwefel220, 100},
    {"objective=xsyrandom d=6", NULL, 5},
    {"objective=dropwave d=2", dropwave, 5},
    {"objective=eggholder d=2", eggholder, 512},
    {"objective=himmelblau d=2", himmelblau, 5},
    {"objective=wshaped d=1", wshaped, 6},
    {"objective=canyon d=2 variant=smooth", smooth, 8},
    {"objective=canyon d=2 variant=noisy", noisy, 8},
    {"objective=canyon d=2 variant=two_valley ripple=1.5", two_valley, 8},
};
enum { LANDSCAPES = sizeof landscapes / sizeof *landscapes };

/* xsyrandom gives its constants away at the unit vectors. */
static double xsyrandom(const cbo_objective *o, const double *z, double *work)
{
    double s = 0, unit[8];
    for (size_t k = 0; k < o->d; k++) {
        memset(unit, 0, sizeof unit);
        unit[k] = 1;
        s += cbo_value(o, unit, work) * pow(fabs(z[k]), (double)(k + 1));
    }
    return s;
}

/* Every lane against libm; the same bits at every level; lanes beyond those asked for stay as they were. */
static void test_values(void **state)
{
    (void)state;
    for (size_t j = 0; j < LANDSCAPES; j++) {
        cbo_objective *o = objective_of(landscapes[j].text);
        cbo_ensemble e = ensemble_of(CBO_LANES, o->d, j, 0, landscapes[j].reach / 2);
        double f[3][CBO_LANES], z[32], *work = calloc(3 * o->d * CBO_LANES, sizeof *work);
        for (int level = 0; level <= (int)qn_isa(); level++) {
            assert_true(cbo_landscape_use(o, (qn_isa_level)level));
            for (size_t i = 0; i < CBO_LANES; i++)
                f[level][i] = -7;
            o->eval(o, 40, e.x, f[level], e.work);
            assert_memory_equal(f[level], f[0], sizeof f[0]);
        }
        for (size_t i = 0; i < CBO_LANES; i++) {
            cbo_ensemble_point(&e, i, z);
            double want = landscapes[j].f ? landscapes[j].f(o->d, z) : xsyrandom(o, z, work);
            if (i >= 40)
                assert_true(f[0][i] == -7);
            else
                assert_near(f[0][i], want, 1e-12 * (1 + fabs(want)));
            assert_near(cbo_value(o, z, work), want, 1e-12 * (1 + fabs(want)));
        }
        free(work);
        cbo_ensemble_free(&e);
        cbo_objective_free(o);
    }
}

/* The known minimisers have the known value, and points around them have no lower one (eggholder's lies on the edge of its box). */
static void test_minimisers(void **state)
{
    (void)state;
    qn_rng r;
    qn_rng_seed(&r, 1, 2, 3, 4);
    for (size_t j = 0; j < LANDSCAPES; j++) {
        cbo_objective *o = objective_of(landscapes[j].text);
        double x[32], g[32], *work = calloc(3 * o->d * CBO_LANES, sizeof *work);
        bool box = !strcmp(o->name, "eggholder"), kink = !strcmp(o->name, "ackley") || !strcmp(o->name, "schwefel220") || !strcmp(o->name, "salomon") || !strcmp(o->name, "xsyrandom");
        assert_int_equal(o->n_minimisers, strcmp(o->name, "himmelblau") ? 1 : 4);
        for (size_t m = 0; m < o->n_minimisers; m++) {
            const double *at = o->minimiser + m * o->d;
            assert_near(cbo_value(o, at, work), o->f_min, 1e-11);
            assert_true(cbo_distance(o, at, true) == 0 && cbo_distance(o, at, false) == 0);
            cbo_gradient(o, at, g, work);
            for (size_t k = 0; k < o->d && !kink; k++)
                if (!box || k == 1)
                    assert_near(g[k], 0, 1e-6);
            for (int trial = 0; trial < 300; trial++) {
                double far = pow(10, -4 * qn_rng_uniform(&r));
                for (size_t k = 0; k < o->d; k++)
                    x[k] = at[k] + far * (2 * qn_rng_uniform(&r) - 1);
                if (box)
                    x[0] = fmin(x[0], 512);
                assert_true(cbo_value(o, x, work) >= o->f_min - 1e-11);
            }
        }
        free(work);
        cbo_objective_free(o);
    }
}

/* Gradients by formula against central differences of f, shifted and rotated too. */
static void test_gradients(void **state)
{
    (void)state;
    qn_rng r;
    qn_rng_seed(&r, 1, 2, 3, 4);
    static const char *const moves[] = {"", " shift=0.3,-1", " rotate=true", " shift=0.3,-1 rotate=true"};
    for (size_t j = 0; j < LANDSCAPES; j++)
        for (size_t how = 0; how < 4; how++) {
            char text[128];
            snprintf(text, sizeof text, "%s%s", landscapes[j].text, moves[how]);
            cbo_objective *o = objective_of(text);
            double x[32], y[32], g[32], *work = calloc(3 * o->d * CBO_LANES, sizeof *work);
            for (int trial = 0; trial < 20; trial++) {
                for (size_t k = 0; k < o->d; k++)
                    x[k] = landscapes[j].reach / 3 * (2 * qn_rng_uniform(&r) - 1);
                cbo_gradient(o, x, g, work);
                for (size_t k = 0; k < o->d; k++) {
                    const double h = 1e-5;
                    memcpy(y, x, sizeof y);
                    y[k] = x[k] + h;
                    double up = cbo_value(o, y, work);
                    y[k] = x[k] - h;
                    double down = cbo_value(o, y, work), slope = (up - down) / (2 * h);
                    assert_near(g[k], slope, 1e-5 * (1 + fabs(slope)) + 1e-10 * fabs(up));
                }
            }
            free(work);
            cbo_objective_free(o);
        }
}

/* f(x) = f0(R (x - b)) with orthogonal R, the same in every objective of one disorder; minimisers move to b + R^T z*. */
static void test_moved(void **state)
{
    (void)state;
    qn_rng r;
    qn_rng_seed(&r, 1, 2, 3, 4);
    for (size_t j = 0; j < LANDSCAPES; j++) {
        char text[128];
        snprintf(text, sizeof text, "%s shift=0.25,-2,1.5 rotate=true", landscapes[j].text);
        cbo_objective *bare = objective_of(landscapes[j].text), *o = objective_of(text), *again = objective_of(text);
        const size_t d = o->d;
        double x[32], z[32], *work = calloc(3 * d * CBO_LANES, sizeof *work);
        assert_memory_equal(o->rotation, again->rotation, d * d * sizeof *o->rotation);
        for (size_t a = 0; a < d; a++)
            for (size_t b = 0; b < d; b++) {
                double dot = 0;
                for (size_t k = 0; k < d; k++)
                    dot += o->rotation[a * d + k] * o->rotation[b * d + k];
                assert_near(dot, a == b, 1e-14);
            }
        for (int trial = 0; trial < 20; trial++) {
            for (size_t k = 0; k < d; k++)
                x[k] = landscapes[j].reach / 3 * (2 * qn_rng_uniform(&r) - 1);
            for (size_t a = 0; a < d; a++) {
                z[a] = 0;
                for (size_t k = 0; k < d; k++)
                    z[a] += o->rotation[a * d + k] * (x[k] - (double[]){0.25, -2, 1.5}[k % 3]);
            }
            double want = cbo_value(bare, z, work);
            assert_near(cbo_value(o, x, work), want, 1e-10 * (1 + fabs(want)));
        }
        for (size_t m = 0; m < o->n_minimisers; m++)
            assert_near(cbo_value(o, o->minimiser + m * d, work), o->f_min, 1e-9);
        free(work);
        cbo_objective_free(bare);
        cbo_objective_free(o);
        cbo_objective_free(again);
    }
}

/* ---- consensus -------------------------------------------------------------------------------------------------------- */

/* An objective that is a table: f of lane i of the present tile, whatever x. */
typedef struct table {
    const double *f;
    size_t at;
} table;

static void eval_table(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z)
{
    (void)x, (void)z;
    table *t = o->data;
    memcpy(f, t->f + t->at, lanes * sizeof *f);
    t->at += CBO_LANES;
}

/* By the definition, in long double, particle by particle. */
static void brute(const cbo_ensemble *e, const double *f, double alpha, long double *c, long double *log_z, long double *n_eff)
{
    long double least = INFINITY, sum = 0, square = 0;
    for (size_t i = 0; i < e->n; i++)
        if (f[i] < least)
            least = f[i];
    for (size_t k = 0; k < e->d; k++)
        c[k] = 0;
    for (size_t i = 0; i < e->n; i++) {
        if (!(f[i] < INFINITY))
            continue;
        long double w = isinf(alpha) ? f[i] == least : expl(-alpha * (f[i] - least));
        sum += w;
        square += w * w;
        for (size_t k = 0; k < e->d; k++)
            c[k] += w * cbo_coordinate(e, i, k);
    }
    for (size_t k = 0; k < e->d; k++)
        c[k] /= sum;
    *log_z = -alpha * least + logl(sum / e->n);
    *n_eff = sum * sum / square;
}

static void test_consensus(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 8, 9, 63, 64, 65, 100, 200, 1000}, dims[] = {1, 2, 17, 33};
    static const double alphas[] = {0, 1e-3, 1, 30, 1e4, 1e15, 1e300, INFINITY};
    qn_rng r;
    qn_rng_seed(&r, 1, 2, 3, 4);
    for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++)
        for (size_t b = 0; b < sizeof dims / sizeof *dims; b++) {
            const size_t n = sizes[a], d = dims[b];
            cbo_ensemble e = ensemble_of(n, d, a, 1, 3);
            cbo_consensus fused = consensus_of(d), plain = consensus_of(d);
            double *f = calloc(e.tiles * CBO_LANES, sizeof *f);
            long double c[33], log_z, n_eff;
            for (size_t i = 0; i < e.tiles * CBO_LANES; i++) {
                f[i] = i < n ? floor(20 * qn_rng_uniform(&r)) / 4 - 2 : -1e9; /* with ties, and negative; the padding is best of all */
                if (i < n && n > 7 && qn_rng_uniform(&r) < 0.1)
                    f[i] = i % 2 ? NAN : INFINITY;
            }
            for (size_t k = 0; k < sizeof alphas / sizeof *alphas; k++) {
                table t = {.f = f};
                cbo_objective o = {.d = d, .eval = eval_table, .data = &t};
                assert_int_equal(cbo_evaluate(&e, &o, alphas[k], &fused), n);
                cbo_consensus_of(n, d, e.x, f, alphas[k], &plain);
                brute(&e, f, alphas[k], c, &log_z, &n_eff);
                for (size_t i = 0; i < d; i++) {
                    assert_near(fused.c[i], (double)c[i], 1e-14 * 10);
                    assert_near(plain.c[i], (double)c[i], 1e-14 * 10);
                }
                assert_near(fused.n_eff, (double)n_eff, 1e-12 * (double)n_eff);
                assert_near(plain.n_eff, (double)n_eff, 1e-12 * (double)n_eff);
                if (alphas[k] < 1e300) {
                    assert_near(fused.log_z, (double)log_z, 1e-13 * (1 + fabs((double)log_z)));
                    assert_near(plain.log_z, (double)log_z, 1e-13 * (1 + fabs((double)log_z)));
                }
                size_t best = n, bad = 0;
                for (size_t i = 0; i < n; i++) {
                    bad += f[i] < INFINITY ? 0 : 1;
                    if (f[i] < INFINITY && (best == n || f[i] < f[best]))
                        best = i;
                }
                assert_int_equal(fused.best, best);
                assert_int_equal(plain.best, best);
                assert_int_equal(fused.nonfinite, bad);
                assert_int_equal(plain.nonfinite, bad);
                assert_true(fused.f_best == f[best] && plain.f_best == f[best]);
                assert_false(fused.lost || plain.lost || fused.unbounded || plain.unbounded);
            }
            free(f);
            free(fused.c);
            free(plain.c);
            cbo_ensemble_free(&e);
        }
}

static void test_no_values(void **state)
{
    (void)state;
    cbo_ensemble e = ensemble_of(70, 2, 1, 0, 1);
    cbo_consensus fused = consensus_of(2);
    double f[2 * CBO_LANES];
    table t = {.f = f};
    cbo_objective o = {.d = 2, .eval = eval_table, .data = &t};
    for (size_t i = 0; i < 2 * CBO_LANES; i++)
        f[i] = i % 3 ? NAN : INFINITY;
    fused.c[0] = 5;
    cbo_evaluate(&e, &o, 1, &fused);
    assert_true(fused.lost && !fused.unbounded && fused.c[0] == 5 && fused.nonfinite == 70 && isnan(fused.f_best));
    f[66] = -INFINITY;
    t.at = 0;
    cbo_evaluate(&e, &o, 1, &fused);
    assert_true(fused.unbounded && !fused.lost && fused.best == 66 && fused.c[1] == cbo_coordinate(&e, 66, 1));
    free(fused.c);
    cbo_ensemble_free(&e);
}

static void test_alpha_for(void **state)
{
    (void)state;
    double f[500];
    qn_rng r;
    qn_rng_seed(&r, 1, 2, 3, 4);
    for (size_t i = 0; i < 500; i++)
        f[i] = i == 77 ? NAN : 1e3 * qn_rng_normal(&r) - 5e4;
    for (double eta = 0.1; eta < 0.95; eta += 0.2) {
        double alpha = cbo_alpha_for(500, f, eta), sum = 0, square = 0;
        for (size_t i = 0; i < 500; i++)
            if (i != 77) {
                double w = exp(-alpha * (f[i] + 5e4));
                sum += w;
                square += w * w;
            }
        assert_near(sum * sum / square, 500 * eta, 1e-6);
    }
}

/* ---- steps ------------------------------------------------------------------------------------------------------------ */

static const struct move {
    cbo_noise noise;
    bool componentwise, exponential, geometric;
    cbo_heaviside heaviside;
    bool heaviside_noise;
} moves[] = {
    {.noise = CBO_ISOTROPIC},
    {.noise = CBO_ANISOTROPIC},
    {.noise = CBO_TRUNCATED},
    {.noise = CBO_TRUNCATED, .componentwise = true},
    {.noise = CBO_CONSTANT},
    {.noise = CBO_ISOTROPIC, .exponential = true},
    {.noise = CBO_ANISOTROPIC, .geometric = true},
    {.noise = CBO_ISOTROPIC, .heaviside = CBO_HEAVISIDE_SHARP},
    {.noise = CBO_ISOTROPIC, .heaviside = CBO_HEAVISIDE_SHARP, .heaviside_noise = true},
    {.noise = CBO_ANISOTROPIC, .heaviside = CBO_HEAVISIDE_SMOOTH, .exponential = true},
    {.noise = CBO_ANISOTROPIC, .heaviside = CBO_HEAVISIDE_SMOOTH, .heaviside_noise = true},
    {.noise = CBO_TRUNCATED, .heaviside = CBO_HEAVISIDE_SMOOTH, .heaviside_noise = true},
    {.noise = CBO_TRUNCATED, .componentwise = true, .heaviside = CBO_HEAVISIDE_SHARP, .heaviside_noise = true},
};
enum { MOVES = sizeof moves / sizeof *moves };

static cbo_move move_of(size_t j)
{
    return (cbo_move){.lambda = 1, .sigma = 0.7, .dt = 0.05, .alpha = 10, .exponential = moves[j].exponential, .geometric = moves[j].geometric,
                      .noise = moves[j].noise, .truncation = 0.8, .componentwise = moves[j].componentwise, .heaviside = moves[j].heaviside,
                      .heaviside_eps = 0.5, .f_c = 9, .heaviside_noise = moves[j].heaviside_noise, .cap = 6};
}

static const size_t shapes[][2] = {{1, 1}, {5, 3}, {64, 2}, {100, 2}, {100, 20}, {130, 33}, {72, 16}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Fused against plain over twelve steps that share the fused consensus: positions and f the same bits (libm has a say only in sqrt), the
 * consensus to rounding; the cap of 6 cuts some coordinates. */
static void test_plain(void **state)
{
    (void)state;
    size_t cut_at_all = 0;
    for (size_t s = 0; s < SHAPES; s++)
        for (size_t j = 0; j < MOVES; j++) {
            const size_t n = shapes[s][0], d = shapes[s][1];
            char text[64];
            snprintf(text, sizeof text, "objective=rastrigin d=%zu A=2.5", d);
            cbo_objective *o = objective_of(text);
            cbo_ensemble fast = ensemble_of(n, d, s, 1, 2.5), slow = ensemble_of(n, d, s, 1, 2.5);
            cbo_consensus a = consensus_of(d), b = consensus_of(d);
            const cbo_move m = move_of(j);
            size_t cut[2] = {0, 0};
            cbo_evaluate(&fast, o, m.alpha, &a);
            cbo_evaluate(&slow, o, m.alpha, &b);
            for (int step = 0; step < 12; step++) {
                double c[40];
                memcpy(c, a.c, d * sizeof *c);
                cbo_step(&fast, o, &m, a.c, &a, &cut[0]);
                cbo_step_plain(&slow, o, &m, c, &b, &cut[1]);
                for (size_t i = 0; i < n; i++) {
                    assert_true(fast.f[i] == slow.f[i]);
                    for (size_t k = 0; k < d; k++)
                        assert_true(cbo_coordinate(&fast, i, k) == cbo_coordinate(&slow, i, k));
                }
                for (size_t k = 0; k < d; k++)
                    assert_near(a.c[k], b.c[k], 1e-13);
                assert_near(a.log_z, b.log_z, 1e-12 * (1 + fabs(b.log_z)));
                assert_near(a.n_eff, b.n_eff, 1e-12 * b.n_eff);
                assert_int_equal(a.best, b.best);
                assert_int_equal(cut[0], cut[1]);
            }
            cut_at_all += cut[0];
            free(a.c);
            free(b.c);
            cbo_ensemble_free(&fast);
            cbo_ensemble_free(&slow);
            cbo_objective_free(o);
        }
    assert_true(cut_at_all > 0);
}

/* A step out of numbers that were drawn apart: x' by the formula of the move, for one particle of each kind. */
static void test_formula(void **state)
{
    (void)state;
    const size_t d = 3;
    for (size_t j = 0; j < MOVES; j++) {
        cbo_ensemble e = ensemble_of(8, d, 3, 0, 1);
        cbo_move m = move_of(j);
        double c[] = {0.1, -0.2, 0.3}, x[8][3], xi[8 * 3];
        size_t cut = 0;
        qn_bulk copy = e.bulk[0];
        qn_bulk_normal(&copy, 8 * d, xi);
        for (size_t i = 0; i < 8; i++) {
            cbo_ensemble_point(&e, i, x[i]);
            e.f[i] = i % 2 ? 8.8 : 9.1;
        }
        cbo_move_all(&e, &m, c, &cut);
        for (size_t i = 0; i < 8; i++) {
            double gap = e.f[i] - m.f_c, h = 1, r = 0, s = m.sigma * sqrt(m.dt);
            if (m.heaviside == CBO_HEAVISIDE_SHARP)
                h = gap > 0;
            if (m.heaviside == CBO_HEAVISIDE_SMOOTH)
                h = 0.5 * (1 + tanh(gap / m.heaviside_eps));
            double g = m.heaviside_noise ? h : 1, pull = m.exponential ? 1 - exp(-m.lambda * m.dt) : m.lambda * m.dt;
            for (size_t k = 0; k < d; k++)
                r += pow(x[i][k] - c[k], 2);
            r = sqrt(r) * g;
            for (size_t k = 0; k < d; k++) {
                double y = x[i][k] - c[k], z = xi[k * 8 + i], scale = 1, want;
                if (m.noise == CBO_ISOTROPIC)
                    scale = r;
                else if (m.noise == CBO_ANISOTROPIC)
                    scale = g * y;
                else if (m.noise == CBO_TRUNCATED)
                    scale = fmin(m.componentwise ? g * fabs(y) : r, m.truncation);
                else
                    scale = g;
                want = c[k] + y - pull * h * y + s * scale * z;
                if (m.geometric)
                    want = c[k] + y * exp(-(m.lambda + m.sigma * m.sigma / 2) * m.dt + s * z);
                assert_near(cbo_coordinate(&e, i, k), want, 1e-14 * 4);
            }
        }
        cbo_ensemble_free(&e);
    }
}

static void assert_same(const cbo_ensemble *a, const cbo_ensemble *b, const cbo_consensus *p, const cbo_consensus *q)
{
    assert_memory_equal(a->x, b->x, a->tiles * a->d * CBO_LANES * sizeof *a->x);
    assert_memory_equal(a->f, b->f, a->tiles * CBO_LANES * sizeof *a->f);
    assert_memory_equal(p->c, q->c, a->d * sizeof *p->c);
    assert_true(p->log_z == q->log_z && p->n_eff == q->n_eff && p->best == q->best);
}

static void twenty_steps(cbo_ensemble *e, const cbo_objective *o, size_t j, cbo_consensus *out)
{
    const cbo_move m = move_of(j);
    size_t cut = 0;
    cbo_evaluate(e, o, m.alpha, out);
    for (int step = 0; step < 20; step++)
        cbo_step(e, o, &m, out->c, out, &cut);
}

static void test_levels(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++)
        for (size_t j = 0; j < MOVES; j++) {
            const size_t n = shapes[s][0], d = shapes[s][1];
            char text[64];
            snprintf(text, sizeof text, "objective=ackley d=%zu", d);
            cbo_objective *o = objective_of(text);
            cbo_ensemble first = ensemble_of(n, d, s, 1, 2.5);
            cbo_consensus a = consensus_of(d), b = consensus_of(d);
            twenty_steps(&first, o, j, &a);
            for (int level = 0; level < (int)qn_isa(); level++) {
                cbo_ensemble other = ensemble_of(n, d, s, 1, 2.5);
                cbo_kernel_use((qn_isa_level)level);
                assert_true(cbo_landscape_use(o, (qn_isa_level)level));
                twenty_steps(&other, o, j, &b);
                assert_same(&first, &other, &a, &b);
                cbo_kernel_use(qn_isa());
                cbo_ensemble_free(&other);
            }
            free(a.c);
            free(b.c);
            cbo_ensemble_free(&first);
            cbo_objective_free(o);
        }
}

static void test_threads(void **state)
{
    (void)state;
    const size_t n = 1000, d = 7;
    cbo_objective *o = objective_of("objective=rastrigin d=7 shift=1 rotate=true");
    cbo_ensemble first = ensemble_of(n, d, 3, 1, 2.5);
    cbo_consensus a = consensus_of(d), b = consensus_of(d);
    twenty_steps(&first, o, 0, &a);
    for (size_t threads = 2; threads <= 8; threads++) {
        cbo_ensemble other = ensemble_of(n, d, 3, 1, 2.5);
        free(other.work);
        other.threads = threads;
        other.work = aligned_alloc(64, threads * 4 * d * CBO_LANES * sizeof *other.work);
        assert_non_null(other.work);
        twenty_steps(&other, o, 0, &b);
        assert_same(&first, &other, &a, &b);
        cbo_ensemble_free(&other);
    }
    free(a.c);
    free(b.c);
    cbo_ensemble_free(&first);
    cbo_objective_free(o);
}

/* ---- particle batches --------------------------------------------------------------------------------------------------- */

/* All of whole tiles, in any order: the same bits as cbo_move_all, tile after tile or backwards.  Some: the others stay, and how the list
 * is ordered does not matter. */
static void test_batches(void **state)
{
    (void)state;
    enum { TILES = 3, ALL = TILES * CBO_LANES, SOME = 50 };
    const size_t d = 5;
    for (size_t j = 0; j < MOVES; j++) {
        const cbo_move m = move_of(j);
        double c[5] = {0.5, 0.25, 0, -1, 2};
        uint32_t list[ALL];
        size_t cut[2] = {0, 0};
        cbo_ensemble a = ensemble_of(ALL, d, 1, 0, 2), b = ensemble_of(ALL, d, 1, 0, 2), start = ensemble_of(ALL, d, 1, 0, 2);
        for (size_t i = 0; i < ALL; i++)
            a.f[i] = b.f[i] = (double)(i % 20);
        cbo_move_all(&a, &m, c, &cut[0]);
        for (size_t t = TILES; t-- > 0;) {
            for (size_t i = 0; i < CBO_LANES; i++)
                list[i] = (uint32_t)(t * CBO_LANES + (37 * i + 11) % CBO_LANES);
            cbo_move_some(&b, &m, c, CBO_LANES, list, &cut[1]);
        }
        assert_memory_equal(a.x, b.x, ALL * d * sizeof *a.x);
        assert_int_equal(cut[0], cut[1]);
        cbo_ensemble_free(&a);
        cbo_ensemble_free(&b);

        a = ensemble_of(ALL, d, 1, 0, 2);
        b = ensemble_of(ALL, d, 1, 0, 2);
        for (size_t i = 0; i < SOME; i++)
            list[i] = (uint32_t)(i * 61 % ALL);
        cbo_move_some(&a, &m, c, SOME, list, &cut[0]);
        for (size_t i = 0; i < SOME; i++)
            list[i] = (uint32_t)((SOME - 1 - i) * 61 % ALL);
        cbo_move_some(&b, &m, c, SOME, list, &cut[1]);
        assert_memory_equal(a.x, b.x, ALL * d * sizeof *a.x);
        for (size_t i = 0; i < ALL; i++) {
            bool listed = false;
            for (size_t l = 0; l < SOME; l++)
                listed |= list[l] == i;
            for (size_t k = 0; k < d; k++)
                assert_true((cbo_coordinate(&a, i, k) != cbo_coordinate(&start, i, k)) == listed || (listed && m.heaviside_noise));
        }
        cbo_ensemble_free(&a);
        cbo_ensemble_free(&b);
        cbo_ensemble_free(&start);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),    cmocka_unit_test(test_minimisers), cmocka_unit_test(test_gradients), cmocka_unit_test(test_moved),
        cmocka_unit_test(test_consensus), cmocka_unit_test(test_no_values),  cmocka_unit_test(test_alpha_for), cmocka_unit_test(test_plain),
        cmocka_unit_test(test_formula),   cmocka_unit_test(test_levels),     cmocka_unit_test(test_threads),   cmocka_unit_test(test_batches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
