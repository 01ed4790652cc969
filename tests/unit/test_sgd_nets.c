/* test_sgd_nets.c -- nets with hidden layers: products of matrices, activations, data, gradients against finite differences and of every trainer
 * against the plain one, checkpoints, bad input: exact, no statistics. */
#include <sys/wait.h>
#include <unistd.h>

#include "group.h"
#include "record.h"
#include "rng.h"
#include "gemm.h"
#include "sgd/geometry.h"
#include "sgd/hessian.h"
#include "sgd/ntk.h"
#include "sgd/source.h"
#include "sgd/trainer.h"
#include "sgd_run.h"
#include "text.h"

#define MNIST "images: tests/data/mnist-train10k-images-idx3-ubyte.gz, labels: tests/data/mnist-train10k-labels-idx1-ubyte.gz, "                        \
              "test_images: tests/data/mnist-test5k-images-idx3-ubyte.gz, test_labels: tests/data/mnist-test5k-labels-idx1-ubyte.gz"

static double *normals(qn_rng *rng, size_t n)
{
    double *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    qn_rng_fill_normal(rng, n, x);
    return x;
}

/* ---- products ------------------------------------------------------------------------------------------------------------ */

static const size_t sizes[][3] = {{1, 1, 1}, {2, 3, 5}, {8, 32, 10}, {7, 33, 130}, {13, 16, 129}, {16, 100, 64}, {65, 31, 65}, {130, 17, 3}, {70, 70, 200}, {5, 64, 784}};

/* How many elements differ from the products added one after the other, fused. */
static size_t wrong_elements(size_t m, size_t n, size_t k, qn_rng *rng)
{
    size_t lda = k + m + 3, ldb = n + k + 2, ldc = n + 5, wrong = 0, all = (m + k) * lda + (n + k) * ldb + m * ldc;
    double *x = normals(rng, all), *a = x, *b = a + (m + k) * lda, *c = b + (n + k) * ldb;
    float *xs = malloc(all * sizeof *xs), *as = xs, *bs = as + (m + k) * lda, *cs = bs + (n + k) * ldb;
    double *got = malloc(m * ldc * sizeof *got);
    float *gots = malloc(m * ldc * sizeof *gots);
    assert_true(xs && got && gots);
    for (size_t i = 0; i < all; i++)
        xs[i] = (float)x[i];
    for (int form = 0; form < 3; form++) {
        memcpy(got, c, m * ldc * sizeof *got);
        memcpy(gots, cs, m * ldc * sizeof *gots);
        qn_gemm_f64(QN_GEMM_OWN, (qn_gemm_form)form, m, n, k, a, lda, b, ldb, got, ldc);
        qn_gemm_f32(QN_GEMM_OWN, (qn_gemm_form)form, m, n, k, as, lda, bs, ldb, gots, ldc);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < ldc; j++) {
                double sum = c[i * ldc + j];
                float sums = cs[i * ldc + j];
                for (size_t l = 0; l < k && j < n; l++) {
                    size_t ia = form == QN_TN ? l * lda + i : i * lda + l, ib = form == QN_NT ? j * ldb + l : l * ldb + j;
                    sum = fma(a[ia], b[ib], sum);
                    sums = fmaf(as[ia], bs[ib], sums);
                }
                wrong += got[i * ldc + j] != sum;
                wrong += gots[i * ldc + j] != sums;
            }
    }
    free(x);
    free(xs);
    free(got);
    free(gots);
    return wrong;
}

/* In a process of its own, where the instruction set has not been chosen yet.  First of all tests. */
static void products_are_the_same_bits_everywhere(void **state)
{
    (void)state;
    static const char *const names[] = {"base", "avx2", "avx512"};
    for (size_t v = 0; v < 3; v++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            qn_rng rng;
            size_t wrong = 0;
            setenv("QUENCH_ISA", names[v], 1);
            qn_rng_seed(&rng, 3, 4, 5, 6);
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                wrong += wrong_elements(sizes[i][0], sizes[i][1], sizes[i][2], &rng);
            _exit(wrong ? 1 : 0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status)
            fail_msg("%s: elements differ from the plain sum", names[v]);
    }
}

static void the_cblas_agrees(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 3, 4, 5, 7);
    for (int form = 0; form < 3; form++) {
        enum { M = 13, N = 37, K = 150, LD = 150 };
        double *a = normals(&rng, LD * LD), *b = normals(&rng, LD * LD), own[M * N] = {0}, blas[M * N] = {0};
        qn_gemm_f64(QN_GEMM_OWN, (qn_gemm_form)form, M, N, K, a, LD, b, LD, own, N);
        qn_gemm_f64(QN_GEMM_CBLAS, (qn_gemm_form)form, M, N, K, a, LD, b, LD, blas, N);
        for (size_t i = 0; i < M * N; i++)
            assert_near(blas[i], own[i], 1e-12 * K);
        free(a);
        free(b);
    }
}

/* ---- activations --------------------------------------------------------------------------------------------------------- */

static const struct {
    sgd_phi_kind kind;
    double eps;
} phis[] = {{SGD_RELU, 0}, {SGD_TANH, 0}, {SGD_IDENTITY, 0}, {SGD_QUAD, 0.25}, {SGD_QUAD, 2}};

static void activations(void **state)
{
    (void)state;
    assert_near(sgd_phi_moment(SGD_RELU, 0), 0.5, 1e-13);
    assert_near(sqrt(sgd_phi_moment(SGD_TANH, 0)), 0.6279282, 1e-6); /* 0.627929 in 2301.13703's code, by sampling */
    assert_near(sgd_phi_moment(SGD_IDENTITY, 0), 1, 1e-13);
    assert_near(sgd_phi_moment(SGD_QUAD, 0.25), 1 + 0.75 * 0.0625, 1e-12);
    for (double x = -25; x < 25; x += 0.0137)
        assert_near(sgd_tanh(x), tanh(x), 1e-14 * fabs(tanh(x)));
    for (double x = 1e-300; x < 1; x *= 1.7)
        assert_near(sgd_tanh(-x), -tanh(x), 1e-14 * x);
    for (size_t k = 0; k < sizeof phis / sizeof *phis; k++) {
        sgd_phi p = sgd_phi_make(phis[k].kind, phis[k].eps, true);
        for (double z = -2.05; z < 2.1; z += 0.1) {
            double h = 1e-5, slope = (sgd_phi_value(&p, z + h) - sgd_phi_value(&p, z - h)) / (2 * h);
            double curve = (sgd_phi_slope(&p, z + h) - sgd_phi_slope(&p, z - h)) / (2 * h);
            assert_near(sgd_phi_slope(&p, z), slope, 1e-8);
            assert_near(sgd_phi_curve(&p, z), curve, 1e-8);
        }
    }
}

/* ---- T1: gradients ---------------------------------------------------------------------------------------------------------- */

typedef struct cell {
    sgd_shape shape;
    sgd_points train, none;
    double *w0, *dw;
    size_t weights;
} cell;

static void cell_init(cell *c, qn_rng *rng, size_t phi, size_t d, size_t h, size_t depth, double q, bool shared, size_t p)
{
    memset(c, 0, sizeof *c);
    c->shape = (sgd_shape){.d = d, .h = h, .depth = depth, .q = q, .phi = sgd_phi_make(phis[phi].kind, phis[phi].eps, true), .shared_readout = shared};
    c->weights = sgd_shape_weights(&c->shape);
    c->train = (sgd_points){.n = p, .d = d, .x = normals(rng, p * d), .y = normals(rng, p)};
    c->none.d = d;
    for (size_t i = 0; i < p * d; i++)
        c->train.x[i] /= sqrt((double)d);
    for (size_t i = 0; i < p; i++)
        c->train.y[i] = c->train.y[i] > 0 ? 1 : -1;
    c->w0 = malloc(c->weights * sizeof *c->w0);
    sgd_shape_draw(&c->shape, 1, rng, c->w0);
    c->dw = normals(rng, c->weights);
    for (size_t i = 0; i < c->weights; i++)
        c->dw[i] *= shared && i >= sgd_shape_at(&c->shape, depth) ? 0 : 0.1;
}

static void cell_free(cell *c)
{
    sgd_points_free(&c->train);
    free(c->w0);
    free(c->dw);
}

/* f at the training points at weights w, from the definition. */
static void plain_outputs(const cell *c, const double *w, double *f)
{
    const sgd_shape *s = &c->shape;
    for (size_t mu = 0; mu < c->train.n; mu++) {
        double a[64], next[64];
        const double *from = c->train.x + mu * s->d;
        for (size_t l = 0; l < s->depth; l++) {
            size_t in = l ? s->h : s->d;
            for (size_t i = 0; i < s->h; i++) {
                double z = 0;
                for (size_t j = 0; j < in; j++)
                    z += from[j] * w[sgd_shape_at(s, l) + j * s->h + i];
                next[i] = sgd_phi_value(&s->phi, l ? z / sqrt((double)s->h) : z);
            }
            memcpy(a, next, sizeof a);
            from = a;
        }
        f[mu] = 0;
        for (size_t i = 0; i < s->h; i++)
            f[mu] += w[sgd_shape_at(s, s->depth) + i] * a[i] / pow((double)s->h, s->q);
    }
}

static const sgd_loss losses[] = {
    {SGD_HINGE, 3, 5, 1, true}, {SGD_QUADRATIC_HINGE, 3, 2, 1, true}, {SGD_SOFT_HINGE, 2, 1, 0.3, true}, {SGD_SQUARE, 3, 1, 1, true}, {SGD_SQUARE, 0.5, 1, 1, false},
};

static double plain_loss(const cell *c, const sgd_loss *l, bool subtract, const double *w)
{
    double f[16], f0[16], sum = 0;
    plain_outputs(c, w, f);
    plain_outputs(c, c->w0, f0);
    for (size_t mu = 0; mu < c->train.n; mu++) {
        double y = c->train.y[mu], predictor = l->alpha * (f[mu] - (subtract ? f0[mu] : 0));
        sum += l->kind == SGD_SQUARE ? sgd_loss_residual(l, y - predictor) : sgd_loss_at(l, y * predictor);
    }
    return sum / (double)c->train.n;
}

/* The trainers' descent of every net and loss against central differences of the loss written out anew. */
static void gradients_are_finite_differences(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 1, 1, 1, 1);
    for (size_t phi = 0; phi < sizeof phis / sizeof *phis; phi++)
        for (size_t depth = 1; depth <= 3; depth++)
            for (size_t k = 0; k < sizeof losses / sizeof *losses; k++) {
                cell c;
                bool shared = (phi + depth + k) % 3 == 0, subtract = (phi + k) % 2;
                cell_init(&c, &rng, phi, 5, 7, depth, k % 2 ? 1 : 0.5, shared, 6);
                sgd_trainer_setup s = {.shape = &c.shape, .train = &c.train, .test = &c.none, .w0 = c.w0, .loss = losses[k], .subtract = subtract};
                void *t;
                double *minus = malloc(2 * c.weights * sizeof *minus), *w = minus + c.weights, f[6], scale = 0;
                assert_int_equal(sgd_arith_f64.create(&s, &t), 0);
                sgd_arith_f64.set(t, c.dw);
                sgd_arith_f64.descend(t, minus, f);
                for (size_t i = 0; i < c.weights; i++) {
                    w[i] = c.w0[i] + c.dw[i];
                    scale = fmax(scale, fabs(minus[i]));
                }
                assert_true(scale > 0);
                size_t end = shared ? sgd_shape_at(&c.shape, depth) : c.weights;
                for (size_t i = 0; i < c.weights; i++) {
                    double h = 2e-5, keep = w[i];
                    w[i] = keep + h;
                    double up = plain_loss(&c, &losses[k], subtract, w);
                    w[i] = keep - h;
                    double down = plain_loss(&c, &losses[k], subtract, w);
                    w[i] = keep;
                    assert_near(-minus[i], i < end ? (up - down) / (2 * h) : 0, 1e-7 * scale); /* no kink is as near as h: seed fixed */
                }
                free(minus);
                sgd_arith_f64.destroy(t);
                cell_free(&c);
            }
}

/* ---- trainers --------------------------------------------------------------------------------------------------------------- */

/* One step on part of the points, from the plain pass. */
static void plain_step(const cell *c, const sgd_loss *l, bool subtract, size_t n, const uint32_t *at, double rate, double *dw)
{
    double *w = malloc(c->weights * sizeof *w), *f = malloc(2 * c->train.n * sizeof *f), *push = calloc(c->train.n, sizeof *push);
    sgd_pass p;
    for (size_t i = 0; i < c->weights; i++)
        w[i] = c->w0[i] + dw[i];
    assert_int_equal(sgd_pass_init(&p, &c->shape, c->train.n), 0);
    sgd_pass_forward(&p, c->w0, c->train.x);
    memcpy(f, p.f, p.n * sizeof *f);
    sgd_pass_forward(&p, w, c->train.x);
    sgd_pass_backward(&p);
    for (size_t k = 0; k < n; k++) {
        size_t mu = at ? at[k] : k;
        push[mu] += rate * -sgd_loss_slope(l, c->train.y[mu], l->alpha * (p.f[mu] - (subtract ? f[mu] : 0)));
    }
    sgd_pass_gradient(&p, push, dw);
    sgd_pass_free(&p);
    free(w);
    free(f);
    free(push);
}

static void trainers_follow_the_plain_net(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 2, 1, 1, 1);
    for (size_t phi = 0; phi < sizeof phis / sizeof *phis; phi++)
        for (size_t depth = 1; depth <= 3; depth += 2)
            for (int long_batch = 0; long_batch < 2; long_batch++) {
                enum { P = 600, STEPS = 6 };
                cell c;
                const size_t b = long_batch ? P : 9;
                const sgd_loss *l = &losses[(phi + depth) % 5];
                cell_init(&c, &rng, phi, 11, 19, depth, 0.5, false, P);
                sgd_trainer_setup s = {.shape = &c.shape, .train = &c.train, .test = &c.train, .w0 = c.w0, .loss = *l, .subtract = true};
                void *t64, *t32, *tblas;
                assert_int_equal(sgd_arith_f64.create(&s, &t64), 0);
                assert_int_equal(sgd_arith_f32.create(&s, &t32), 0);
                s.how = QN_GEMM_CBLAS;
                assert_int_equal(sgd_arith_f64.create(&s, &tblas), 0);
                double *plain = calloc(2 * c.weights, sizeof *plain), *got = plain + c.weights, far = 0;
                const double rate = l->half ? 0.02 / (double)b : 0.01 / (double)b;
                for (int step = 0; step < STEPS; step++) {
                    uint32_t at[9];
                    for (size_t k = 0; k < 9; k++)
                        at[k] = (uint32_t)qn_rng_below(&rng, P);
                    plain_step(&c, l, true, b, long_batch ? NULL : at, rate, plain);
                    size_t hits = sgd_arith_f64.step(t64, b, long_batch ? NULL : at, rate);
                    assert_true(hits > 0 && hits <= b);
                    sgd_arith_f32.step(t32, b, long_batch ? NULL : at, rate);
                    sgd_arith_f64.step(tblas, b, long_batch ? NULL : at, rate);
                }
                for (size_t i = 0; i < c.weights; i++)
                    far = fmax(far, fabs(plain[i]));
                assert_true(far > 1e-6);
                sgd_arith_f64.get(t64, got);
                for (size_t i = 0; i < c.weights; i++)
                    assert_near(got[i], plain[i], 1e-12 * far);
                sgd_arith_f64.get(tblas, got);
                for (size_t i = 0; i < c.weights; i++)
                    assert_near(got[i], plain[i], 1e-12 * far);
                sgd_arith_f32.get(t32, got);
                for (size_t i = 0; i < c.weights; i++)
                    assert_near(got[i], plain[i], 2e-5 * far);
                double f[2][P], norms[P], largest = 0, survey = sgd_arith_f64.survey(t64, norms); /* as training points and as test points */
                sgd_arith_f64.predict(t64, false, 0, P, f[0]);
                sgd_arith_f64.predict(t64, true, 0, P, f[1]);
                for (size_t mu = 0; mu < P; mu++)
                    assert_near(f[1][mu], f[0][mu], 1e-12 * (1 + fabs(f[0][mu])));
                sgd_pass p;
                assert_memory_equal(norms, f[0], sizeof norms);
                sgd_arith_f64.get(t64, got);
                for (size_t i = 0; i < c.weights; i++)
                    got[i] += c.w0[i];
                assert_int_equal(sgd_pass_init(&p, &c.shape, P), 0);
                sgd_pass_forward(&p, got, c.train.x);
                sgd_pass_backward(&p);
                sgd_pass_norms(&p, norms);
                sgd_pass_free(&p);
                for (size_t mu = 0; mu < P; mu++)
                    largest = fmax(largest, norms[mu]);
                assert_near(survey, largest, 1e-12 * largest);
                free(plain);
                sgd_arith_f64.destroy(t64);
                sgd_arith_f64.destroy(tblas);
                sgd_arith_f32.destroy(t32);
                cell_free(&c);
            }
}

/* alpha = 1e4 in single precision: F keeps its digits, because f - f0 is never formed from f and f0.  Formed so, it would be wrong by
 * alpha 2^-24 |f| = 6e-4. */
static void large_alpha_loses_no_digits(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 3, 1, 1, 1);
    for (size_t phi = 0; phi < sizeof phis / sizeof *phis; phi++) {
        cell c;
        cell_init(&c, &rng, phi, 11, 19, 2, 0.5, false, 50);
        for (size_t i = 0; i < c.weights; i++) {
            c.w0[i] = (double)(float)c.w0[i];
            c.dw[i] = (double)(float)(1e-4 * c.dw[i]);
        }
        for (size_t i = 0; i < 50 * 11; i++)
            c.train.x[i] = (double)(float)c.train.x[i];
        sgd_trainer_setup s = {.shape = &c.shape, .train = &c.train, .test = &c.none, .w0 = c.w0, .loss = {SGD_HINGE, 1e4, 1, 1, true}, .subtract = true};
        void *t[2];
        double f[2][50];
        for (int single = 0; single < 2; single++) {
            const sgd_arith *a = single ? &sgd_arith_f32 : &sgd_arith_f64;
            assert_int_equal(a->create(&s, &t[single]), 0);
            a->set(t[single], c.dw);
            a->predict(t[single], false, 0, 50, f[single]);
            a->destroy(t[single]);
        }
        double size = 0;
        for (size_t mu = 0; mu < 50; mu++)
            size = fmax(size, fabs(f[0][mu]));
        for (size_t mu = 0; mu < 50; mu++)
            assert_near(f[1][mu], f[0][mu], 1e-5 * size);
        cell_free(&c);
    }
}

static void dead_nets_are_known(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 4, 1, 1, 1);
    for (size_t layer = 0; layer < 3; layer++) {
        cell c;
        cell_init(&c, &rng, 0, 5, 8, 3, 0.5, false, 40);
        for (size_t i = 0; i < 40 * 5; i++)
            c.train.x[i] = fabs(c.train.x[i]);
        sgd_trainer_setup s = {.shape = &c.shape, .train = &c.train, .test = &c.none, .w0 = c.w0, .loss = losses[0], .subtract = true};
        void *t;
        assert_int_equal(sgd_arith_f32.create(&s, &t), 0);
        assert_false(sgd_arith_f32.dead(t));
        memset(c.dw, 0, c.weights * sizeof *c.dw);
        for (size_t i = sgd_shape_at(&c.shape, layer); i < sgd_shape_at(&c.shape, layer + 1); i++)
            c.dw[i] = -10;
        sgd_arith_f32.set(t, c.dw);
        assert_true(sgd_arith_f32.dead(t));
        double *g = malloc(c.weights * sizeof *g), f[40];
        sgd_arith_f32.descend(t, g, f);
        for (size_t i = 0; i < c.weights; i++)
            assert_true(g[i] == 0);
        free(g);
        sgd_arith_f32.destroy(t);
        cell_free(&c);
    }
}

/* ---- curvature (T13) and kernel against what is written out -------------------------------------------------------------------- */

/* Gradients of all f, one row a point. */
static void jacobian(const cell *c, const double *w, double *g)
{
    sgd_pass p;
    assert_int_equal(sgd_pass_init(&p, &c->shape, c->train.n), 0);
    sgd_pass_forward(&p, w, c->train.x);
    sgd_pass_backward(&p);
    memset(g, 0, c->train.n * c->weights * sizeof *g);
    for (size_t mu = 0; mu < c->train.n; mu++) {
        double *one = calloc(c->train.n, sizeof *one);
        one[mu] = 1;
        sgd_pass_gradient(&p, one, g + mu * c->weights);
        free(one);
    }
    sgd_pass_free(&p);
}

static void kernels_are_products_of_gradients(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 5, 1, 1, 1);
    for (size_t phi = 0; phi < sizeof phis / sizeof *phis; phi++)
        for (size_t depth = 1; depth <= 3; depth++) {
            cell c;
            cell_init(&c, &rng, phi, 6, 9, depth, depth % 2 ? 0.5 : 1, phi == 3, 12);
            double *g = malloc(12 * c.weights * sizeof *g), k[144], norms[12];
            jacobian(&c, c.w0, g);
            assert_int_equal(sgd_ntk_at(&c.shape, c.w0, 12, c.train.x, k), 0);
            sgd_pass p;
            assert_int_equal(sgd_pass_init(&p, &c.shape, 12), 0);
            sgd_pass_forward(&p, c.w0, c.train.x);
            sgd_pass_backward(&p);
            sgd_pass_norms(&p, norms);
            for (size_t a = 0; a < 12; a++) {
                for (size_t b = 0; b < 12; b++) {
                    double dot = 0;
                    for (size_t i = 0; i < c.weights; i++)
                        dot += g[a * c.weights + i] * g[b * c.weights + i];
                    assert_near(k[a * 12 + b], dot, 1e-12 * sqrt(k[a * 13] * k[b * 13]) + 1e-13);
                }
                assert_near(norms[a], k[a * 13], 1e-12 * k[a * 13]);
            }
            sgd_pass_free(&p);
            free(g);
            cell_free(&c);
        }
}

static void alignment_and_spectrum(void **state)
{
    (void)state;
    enum { N = 30 };
    qn_rng rng;
    qn_rng_seed(&rng, 6, 1, 1, 1);
    double *y = normals(&rng, N), k[N * N], value[N], power[N], trace = 0, sum = 0, all = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            k[i * N + j] = y[i] * y[j];
    assert_near(sgd_alignment(N, k, y, false), 1, 1e-12);
    assert_near(sgd_alignment(N, k, y, true), 1, 1e-12);
    for (size_t i = 0; i < N * N; i++)
        k[i] += 3; /* a constant is left out by centring alone */
    assert_near(sgd_alignment(N, k, y, true), 1, 1e-12);
    assert_true(sgd_alignment(N, k, y, false) < 0.9);
    assert_near(sgd_kernel_change(N * N, k, k), 0, 0);
    assert_int_equal(sgd_spectrum(N, k, y, value, power), 0);
    for (size_t i = 0; i < N; i++) {
        trace += k[i * N + i];
        sum += value[i];
        all += power[i];
    }
    assert_near(sum, trace, 1e-10);
    assert_near(all, 1, 1e-12);
    assert_true(value[0] > value[1] && value[1] > 1 && fabs(value[2]) < 1e-9);
    assert_near(power[0] + power[1], 1, 1e-10);
    k[5] = NAN;
    assert_int_equal(sgd_spectrum(N, k, y, value, power), 0);
    assert_true(isnan(value[0]));
    free(y);
}

static void curvature_is_the_second_derivative(void **state)
{
    (void)state;
    qn_rng rng;
    qn_rng_seed(&rng, 7, 1, 1, 1);
    for (size_t phi = 0; phi < sizeof phis / sizeof *phis; phi++)
        for (size_t depth = 1; depth <= 3; depth++) {
            enum { P = 14 };
            cell c;
            const sgd_loss *l = &losses[1 + (phi + depth) % 4];
            bool shared = phi == 3;
            cell_init(&c, &rng, phi, 5, 8, depth, 0.5, shared, P);
            size_t n = c.weights, live = shared ? sgd_shape_at(&c.shape, depth) : n;
            double *w = malloc(n * sizeof *w), slope[P], curve[P], *h = malloc(n * n * sizeof *h), *unit = calloc(n, sizeof *unit);
            for (size_t i = 0; i < n; i++)
                w[i] = c.w0[i] + c.dw[i];
            sgd_pass p;
            sgd_hessian hess;
            assert_int_equal(sgd_pass_init(&p, &c.shape, P), 0);
            sgd_pass_forward(&p, w, c.train.x);
            sgd_pass_backward(&p);
            for (size_t mu = 0; mu < P; mu++) {
                slope[mu] = sgd_loss_slope(l, c.train.y[mu], l->alpha * p.f[mu]) / P;
                curve[mu] = sgd_loss_curve(l, c.train.y[mu], l->alpha * p.f[mu]) / P;
            }
            assert_int_equal(sgd_hessian_init(&hess, &p, slope, curve), 0);
            double scale = 0, trace = 0, square = 0, asymmetry = 0;
            for (size_t j = 0; j < n; j++) {
                unit[j] = 1;
                sgd_hessian_times(&hess, unit, h + j * n);
                unit[j] = 0;
            }
            for (size_t i = 0; i < live; i++) {
                trace += h[i * n + i];
                for (size_t j = 0; j < live; j++) {
                    scale = fmax(scale, fabs(h[i * n + j]));
                    square += h[i * n + j] * h[i * n + j];
                    asymmetry = fmax(asymmetry, fabs(h[i * n + j] - h[j * n + i]));
                }
            }
            assert_near(asymmetry, 0, 1e-12 * scale);
            /* columns: differences of gradients of the loss written out anew by the trainer */
            sgd_trainer_setup s = {.shape = &c.shape, .train = &c.train, .test = &c.none, .w0 = c.w0, .loss = *l, .subtract = false};
            void *t;
            double *up = malloc(2 * n * sizeof *up), *down = up + n, f[P];
            assert_int_equal(sgd_arith_f64.create(&s, &t), 0);
            for (size_t j = 0; j < live; j++) {
                const double step = 1e-5;
                c.dw[j] += step;
                sgd_arith_f64.set(t, c.dw);
                sgd_arith_f64.descend(t, up, f);
                c.dw[j] -= 2 * step;
                sgd_arith_f64.set(t, c.dw);
                sgd_arith_f64.descend(t, down, f);
                c.dw[j] += step;
                for (size_t i = 0; i < live; i++)
                    assert_near(h[j * n + i], (down[i] - up[i]) / (2 * step), 1e-6 * scale);
            }
            sgd_arith_f64.destroy(t);
            /* Hutchinson within 4 of its own errors, Lanczos as the dense eigenvalue */
            sgd_trace est;
            double top, *value = malloc(n * sizeof *value), *power = malloc(n * sizeof *power);
            assert_int_equal(sgd_hutchinson(sgd_hessian_operator, &hess, live, n, 400, &rng, &est), 0);
            assert_sigma(est.trace, est.trace_err, trace);
            assert_sigma(est.square, est.square_err, square);
            double *dense = malloc(live * live * sizeof *dense);
            for (size_t i = 0; i < live; i++)
                for (size_t j = 0; j < live; j++)
                    dense[i * live + j] = h[i * n + j];
            assert_int_equal(sgd_spectrum(live, dense, w, value, power), 0);
            assert_int_equal(sgd_lanczos(sgd_hessian_operator, &hess, live, n, 300, 1e-12, &rng, &top), 0);
            assert_near(top, value[0], 1e-8 * fabs(value[0]));
            /* the Gauss-Newton part alone: no slopes */
            for (size_t mu = 0; mu < P; mu++)
                slope[mu] = 0;
            double k[P * P], gn[3], sum = 0, sum2 = 0;
            for (size_t j = 0; j < n; j++) {
                unit[j] = 1;
                sgd_hessian_times(&hess, unit, h + j * n);
                unit[j] = 0;
            }
            for (size_t i = 0; i < live; i++) {
                sum += h[i * n + i];
                for (size_t j = 0; j < live; j++) {
                    sum2 += h[i * n + j] * h[i * n + j];
                    dense[i * live + j] = h[i * n + j];
                }
            }
            assert_int_equal(sgd_spectrum(live, dense, w, value, power), 0);
            assert_int_equal(sgd_ntk(&p, &p, k), 0);
            assert_int_equal(sgd_gauss_newton(P, k, curve, &rng, &gn[0], &gn[1], &gn[2]), 0);
            assert_near(gn[0], sum, 1e-10 * sum);
            assert_near(gn[1], sqrt(sum2), 1e-10 * sum);
            assert_near(gn[2], value[0], 1e-8 * value[0]);
            free(dense);
            free(value);
            free(power);
            free(up);
            free(w);
            free(h);
            free(unit);
            sgd_hessian_free(&hess);
            sgd_pass_free(&p);
            cell_free(&c);
        }
}

/* ---- T14: geometry ------------------------------------------------------------------------------------------------------------- */

static void geometry_of_a_cube(void **state)
{
    (void)state;
    enum { C = 8, EACH = 5, N = C * EACH, H = 20 };
    qn_rng rng;
    qn_rng_seed(&rng, 8, 1, 1, 1);
    double *axis = normals(&rng, 3 * H), r[N * H], mean[C * H], *other = normals(&rng, N * 7);
    uint32_t condition[N];
    for (size_t mu = 0; mu < N; mu++) {
        condition[mu] = (uint32_t)(mu % C);
        for (size_t i = 0; i < H; i++) {
            r[mu * H + i] = 0.3;
            for (size_t b = 0; b < 3; b++)
                r[mu * H + i] += (condition[mu] >> b & 1 ? 1 : -1) * axis[b * H + i];
        }
    }
    /* cka: with itself 1; the same for a rotated, scaled and shifted representation; Gram of another one */
    double k[N * N], l[N * N], turned[N * H];
    sgd_gram(N, H, r, k);
    assert_near(sgd_cka(N, k, k), 1, 1e-12);
    for (size_t mu = 0; mu < N; mu++)
        for (size_t i = 0; i < H; i++)
            turned[mu * H + i] = 7 - 3 * r[mu * H + (i + 4) % H] * (i % 2 ? 1 : -1);
    sgd_gram(N, H, turned, l);
    assert_near(sgd_cka(N, k, l), 1, 1e-12);
    sgd_gram(N, 7, other, l);
    assert_true(sgd_cka(N, k, l) < 0.6);
    /* the first bit: perfectly parallel and general; the product of two: cannot be decoded, and generalises to the opposite */
    int8_t linear[C], xor[C], parity[C];
    for (int c = 0; c < C; c++) {
        linear[c] = c & 1 ? 1 : -1;
        xor[c] = (c & 1) != (c >> 1 & 1) ? 1 : -1;
        parity[c] = __builtin_popcount((unsigned)c) % 2 ? 1 : -1;
    }
    sgd_decoding d;
    sgd_condition_means(N, H, r, condition, C, mean);
    assert_near(sgd_parallelism(C, H, mean, linear), 1, 1e-12);
    assert_int_equal(sgd_decode(N, H, r, condition, C, linear, 1e-2, &d), 0);
    assert_near(d.ccgp, 1, 1e-12);
    assert_near(d.decode, 1, 1e-12);
    assert_int_equal(sgd_decode(N, H, r, condition, C, xor, 1e-2, &d), 0);
    assert_true(d.ccgp < 0.35);
    assert_true(d.decode < 0.8);
    assert_true(sgd_parallelism(C, H, mean, xor) < 0.9);
    /* parity of an orthogonal cube, by hand: pairs along one axis each have cosines +1 and -1; the best pairing has mean cosine 1/3 or more */
    double cube[C * 3];
    for (size_t c = 0; c < C; c++)
        for (size_t b = 0; b < 3; b++)
            cube[c * 3 + b] = c >> b & 1 ? 1 : -1;
    double best = -1, diff[4][3];
    static const int up[4] = {1, 2, 4, 7}, down[4] = {0, 3, 5, 6};
    for (int perm = 0; perm < 256; perm++) { /* all maps of four to four; the permutations among them */
        int to[4] = {perm & 3, perm >> 2 & 3, perm >> 4 & 3, perm >> 6 & 3};
        if ((1 << to[0] | 1 << to[1] | 1 << to[2] | 1 << to[3]) != 15)
            continue;
        double sum = 0;
        for (int i = 0; i < 4; i++) {
            double norm = 0;
            for (int b = 0; b < 3; b++) {
                diff[i][b] = cube[up[i] * 3 + b] - cube[down[to[i]] * 3 + b];
                norm += diff[i][b] * diff[i][b];
            }
            for (int b = 0; b < 3; b++)
                diff[i][b] /= sqrt(norm);
        }
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < i; j++)
                for (int b = 0; b < 3; b++)
                    sum += diff[i][b] * diff[j][b] / 6;
        best = fmax(best, sum);
    }
    assert_near(sgd_parallelism(C, 3, cube, parity), best, 1e-12);
    free(axis);
    free(other);
}

/* ---- data ------------------------------------------------------------------------------------------------------------------------ */

static void data_names_are_read(void **state)
{
    (void)state;
    sgd_source s;
    assert_int_equal(sgd_source_parse("mnist:parity", &s), 0);
    assert_true(s.side[0] == 1 && s.side[7] == -1 && s.side[10] == 0 && s.gray == 3.0);
    assert_int_equal(sgd_source_parse("cifar10:animal", &s), 0);
    assert_true(s.cifar && s.side[0] == -1 && s.side[1] == -1 && s.side[2] == 1 && s.side[8] == -1 && s.side[9] == -1);
    assert_int_equal(sgd_source_parse("idx:3,4/9", &s), 0);
    assert_true(s.side[3] == 1 && s.side[4] == 1 && s.side[9] == -1 && s.side[0] == 0);
    assert_int_equal(sgd_source_parse("fashion:0", &s), 0);
    assert_true(s.side[0] == 1 && s.side[255] == -1);
    assert_int_equal(sgd_source_parse("clusters:16:xor", &s), 0);
    assert_true(s.k == 16 && s.cube == SGD_CUBE_XOR);
    static const char *const wrong[] = {"", "strip", "boundary:", "boundary:-1", "boundary:2x", "teacher:relu:0", "clusters:6", "clusters:8:and", "idx:", "idx:1,1", "idx:1/1",
                                        "idx:1/", "idx:256", "mnist:odd", "teacher", "idx:1/2/3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (sgd_source_parse(wrong[i], &s) != QN_ERR_INPUT || !strstr(qn_error_text(), wrong[i]))
            fail_msg("\"%s\" is taken for data, or the sentence does not name it: %s", wrong[i], qn_error_text());
}

static qn_streams streams_of(uint64_t seed)
{
    const uint64_t key[2] = {1, 2};
    qn_streams s;
    qn_streams_open(&s, seed, key, key, 0);
    return s;
}

static void synthetic_data(void **state)
{
    (void)state;
    static const char *const names[] = {"stripe", "sign", "boundary:1", "teacher:linear", "teacher:relu:4", "quadratic", "clusters:8", "clusters:8:parity"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        enum { P = 4000, D = 12 };
        sgd_source s;
        sgd_data x;
        sgd_draw how = {.d = D, .p = P, .tests = 100, .separation = 1, .noise = 0.1};
        qn_streams streams = streams_of(5);
        assert_int_equal(sgd_source_parse(names[i], &s), 0);
        assert_int_equal(sgd_data_draw(&x, &s, &how, NULL, &streams), 0);
        double up = 0, square = 0;
        for (size_t mu = 0; mu < P; mu++) {
            up += x.train.y[mu] > 0;
            for (size_t j = 0; j < D; j++)
                square += x.train.x[mu * D + j] * x.train.x[mu * D + j] / P;
        }
        if (s.kind != SGD_DATA_QUADRATIC && s.kind != SGD_DATA_CLUSTERS)
            assert_sigma(up / P, 0.5 / sqrt(P), 0.5);
        if (s.kind == SGD_DATA_CLUSTERS) {
            assert_near(up / P, 0.5, 0);
            assert_near(square, 1 + 0.01, 0.002); /* separation^2 + noise^2 */
        } else if (s.kind != SGD_DATA_BOUNDARY) {
            assert_near(square, 1, 4 * sqrt(2.0 / (P * D)));
        }
        assert_int_equal(x.teachers, sgd_source_teachers(&s));
        for (size_t a = 0; a < x.teachers; a++)
            for (size_t b = 0; b < x.teachers; b++) {
                double dot = 0;
                for (size_t j = 0; j < D; j++)
                    dot += x.teacher[a * D + j] * x.teacher[b * D + j];
                assert_near(dot, a == b, 1e-12);
            }
        if (s.kind == SGD_DATA_QUADRATIC)
            for (size_t mu = 0; mu < 10; mu++) {
                double z = 0;
                for (size_t j = 0; j < D; j++)
                    z += x.beta[j] * x.train.x[mu * D + j];
                assert_near(x.train.y[mu], z * z / 2, 1e-12);
            }
        sgd_data_free(&x);
    }
}

/* A bias is one more input, the same at all points; the others are what they are without it.  So for images. */
static void biases_are_a_constant_input(void **state)
{
    (void)state;
    sgd_source s[2];
    uint8_t bytes[6 * 4];
    int8_t side[6] = {1, -1, 1, 1, -1, -1};
    sgd_files files = {.n = 6, .d = 4, .bytes = bytes, .side = side, .unit = 0.25};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    assert_int_equal(sgd_source_parse("stripe", &s[0]), 0);
    assert_int_equal(sgd_source_parse("idx:1/0", &s[1]), 0);
    for (int k = 0; k < 2; k++) {
        sgd_data a, b;
        sgd_draw how = {.d = 4, .p = 4, .tests = 2, .classes = true};
        qn_streams streams = streams_of(5);
        assert_int_equal(sgd_data_draw(&a, &s[k], &how, &files, &streams), 0);
        how.bias = 0.3;
        assert_int_equal(sgd_data_draw(&b, &s[k], &how, &files, &streams), 0);
        double x[4 * 4], y[4 * 5];
        float z[4 * 5];
        static const uint32_t at[4] = {2, 0, 3, 1};
        sgd_points_f64(&a.train, 4, at, 0, x);
        sgd_points_f64(&b.train, 4, at, 0, y);
        sgd_points_f32(&b.train, 4, at, 0, z);
        for (size_t mu = 0; mu < 4; mu++)
            for (size_t i = 0; i < 5; i++) {
                assert_true(y[mu * 5 + i] == (i < 4 ? x[mu * 4 + i] : 0.3));
                assert_near((double)z[mu * 5 + i], y[mu * 5 + i], 1e-6 * fabs(y[mu * 5 + i]));
            }
        if (k == 1)
            for (size_t i = 0; i < 4; i++)
                assert_near(x[i], 0.125 * bytes[a.train.pick[2] * 4 + i], 1e-12); /* unit/sqrt(d) */
        sgd_data_free(&a);
        sgd_data_free(&b);
    }
}

/* ---- tasks -------------------------------------------------------------------------------------------------------------------------- */

typedef struct running { /* one task of the first point */
    trial t;
    qn_params p;
    qn_streams streams;
    qn_record record;
    void *shared, *state;
} running;

static void open_task(running *r, const char *parameters)
{
    char *text = qn_format("model: sgd\nseed: 17\nparameters: {%s}\nsampling: {steps: 100000, points_per_decade: 3}\n", parameters);
    memset(r, 0, sizeof *r);
    trial_open(&r->t, text);
    free(text);
    assert_int_equal(qn_sweep_point(&r->t.sweep, 0, &r->p), 0);
    assert_int_equal(sgd_model.prepare(&r->p, &r->shared), 0);
}

static void start_task(running *r)
{
    qn_point_keys keys;
    assert_int_equal(qn_record_init(&r->record, &r->t.layout, &r->p), 0);
    assert_int_equal(qn_sweep_point_keys(&r->t.sweep, &r->p, &keys), 0);
    qn_streams_open(&r->streams, r->t.sweep.seed, keys.stream.w, keys.disorder.w, 0);
    if (sgd_model.create(&r->p, r->shared, &r->streams, &r->state))
        fail_msg("%s", qn_error_text());
}

static void stop_task(running *r)
{
    sgd_model.destroy(r->state);
    qn_record_free(&r->record);
    r->state = NULL;
}

static void close_task(running *r)
{
    if (r->state)
        stop_task(r);
    sgd_model.release(r->shared);
    qn_params_free(&r->p);
    trial_free(&r->t);
}

static void run_steps(running *r, size_t steps)
{
    for (size_t i = 0; i < steps && sgd_model.done(r->state) == QN_GOING; i++) {
        assert_int_equal(sgd_model.step(r->state, &r->streams), 0);
        r->record.step++;
    }
    assert_int_equal(sgd_model.measure(r->state, &r->streams, &r->record), 0);
    r->record.measured++;
}

static double *finished_row(running *r)
{
    double *row = malloc((r->t.layout.row + 1) * sizeof *row);
    assert_int_equal(sgd_model.finish(r->state, &r->streams, &r->record), 0);
    assert_int_equal(qn_record_row(&r->record, false, row), 0);
    return row;
}

static const char *const tasks[] = {
    "net: mlp, d: 12, h: 20, P: 60, B: 5, T: 0.3",
    "net: mlp, d: 12, h: 20, P: 60, B: 5, T: 0.3, batch: with, depth: 3, activation: tanh, precision: f64, loss: quadratic_hinge, hessian: full, q: 1, alpha: 4",
    "net: mlp, data: quadratic, d: 10, h: 15, P: 40, B: 40, T: 0.01, activation: quad, shared_readout: true, normalise: false, q: 1, half: false, hessian: gauss_newton",
    "net: mlp, data: 'clusters:8:xor', d: 12, h: 20, P: 64, B: 8, T: 0.1, geometry: true, bias: 0.5, batch: epoch, spectrum: true, n_kernel: 20, ntk_angles: 4",
    "net: mlp, d: 8, h: 16, P: 50, T: 0, delta: 0.3",
    "net: mlp, data: sign, d: 8, h: 16, P: 50, T: 0, loss: square, precision: f64, stop_loss: 1e-4",
    "net: kernel, d: 12, h: 20, P: 60, B: 5, T: 0.3",
    "net: kernel, d: 12, h: 20, P: 60, B: 2, T: 0.05, dynamics: event, spectrum: true",
    "net: mlp, data: 'mnist:parity', " MNIST ", P: 100, h: 10, tests: 200, T: 0.1, B: 10",
};

/* T2: save, load into a fresh state, go on: every bit of the finished row is that of the uninterrupted task. */
static void checkpoints_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        running a;
        qn_group g = {0};
        open_task(&a, tasks[i]);
        start_task(&a);
        run_steps(&a, 13);
        run_steps(&a, 17);
        double *whole = finished_row(&a);
        stop_task(&a);
        start_task(&a);
        run_steps(&a, 13);
        assert_int_equal(sgd_model.save(a.state, &g), 0);
        sgd_model.destroy(a.state);
        qn_streams now = a.streams;
        qn_point_keys keys;
        assert_int_equal(qn_sweep_point_keys(&a.t.sweep, &a.p, &keys), 0);
        qn_streams_open(&a.streams, a.t.sweep.seed, keys.stream.w, keys.disorder.w, 0);
        assert_int_equal(sgd_model.create(&a.p, a.shared, &a.streams, &a.state), 0);
        a.streams = now;
        assert_int_equal(sgd_model.load(a.state, &g), 0);
        run_steps(&a, 17);
        double *parts = finished_row(&a);
        if (memcmp(whole, parts, a.t.layout.row * sizeof *whole))
            fail_msg("%s: not the same bits after a checkpoint", tasks[i]);
        free(whole);
        free(parts);
        qn_group_clear(&g);
        close_task(&a);
    }
}

static double final_value(const char *parameters, const char *name)
{
    running r;
    open_task(&r, parameters);
    start_task(&r);
    run_steps(&r, 25);
    double *row = finished_row(&r);
    const qn_column *c = qn_layout_column(&r.t.layout, name);
    if (!c)
        fail_msg("%s: no %s", parameters, name);
    double x = row[c->offset];
    free(row);
    close_task(&r);
    return x;
}

/* T2: B = P `without` draws nothing and takes the points in order: exactly gradient descent, whatever the dynamics stream; `with` is not. */
static void full_batches_are_gradient_descent(void **state)
{
    (void)state;
    running r;
    open_task(&r, "net: mlp, d: 6, h: 9, P: 30, B: 30, T: 0.02, loss: square, precision: f64");
    start_task(&r);
    cell c;
    memset(&c, 0, sizeof c);
    sgd_source s;
    sgd_data data;
    sgd_draw how = {.d = 6, .p = 30, .tests = 0, .classes = true};
    assert_int_equal(sgd_source_parse("stripe", &s), 0);
    assert_int_equal(sgd_data_draw(&data, &s, &how, NULL, &r.streams), 0);
    c.shape = (sgd_shape){.d = 6, .h = 9, .depth = 1, .q = 0.5, .phi = sgd_phi_make(SGD_RELU, 0, true)};
    c.weights = sgd_shape_weights(&c.shape);
    c.w0 = malloc(c.weights * sizeof *c.w0);
    qn_rng rng;
    qn_stream_split(&r.streams, QN_STREAM_DISORDER, 2, &rng);
    sgd_shape_draw(&c.shape, 1, &rng, c.w0);
    sgd_trainer_setup setup = {.shape = &c.shape, .train = &data.train, .test = &data.test, .w0 = c.w0, .loss = {SGD_SQUARE, 1, 1, 0.1, true}, .subtract = true};
    void *t;
    assert_int_equal(sgd_arith_f64.create(&setup, &t), 0);
    for (int step = 0; step < 25; step++)
        sgd_arith_f64.step(t, 30, NULL, 0.02);
    double f[30], loss = 0;
    sgd_arith_f64.predict(t, false, 0, 30, f);
    for (size_t mu = 0; mu < 30; mu++)
        loss += sgd_loss_residual(&setup.loss, data.train.y[mu] - f[mu]);
    run_steps(&r, 25);
    double *row = finished_row(&r);
    assert_true(row[qn_layout_column(&r.t.layout, "train_loss")->offset] == loss / 30);
    free(row);
    sgd_arith_f64.destroy(t);
    free(c.w0);
    sgd_data_free(&data);
    close_task(&r);
    double without = final_value("net: mlp, d: 6, h: 9, P: 30, B: 30, T: 0.02, loss: square, precision: f64", "train_loss");
    assert_true(without == loss / 30);
    assert_true(without != final_value("net: mlp, d: 6, h: 9, P: 30, B: 30, T: 0.02, loss: square, precision: f64, batch: with", "train_loss"));
}

/* Points that differ in the dynamics alone share data and first weights; other sizes do not. */
static void disorder_is_shared(void **state)
{
    (void)state;
    const char *name = "kta"; /* of the kernel net: it stays that of the start */
    double x = final_value("net: kernel, d: 9, h: 12, P: 40, T: 0.1", name);
    assert_true(x == final_value("net: kernel, d: 9, h: 12, P: 40, T: 1, B: 4, alpha: 8", name));
    assert_true(x != final_value("net: kernel, d: 9, h: 12, P: 41, T: 0.1", name));
    assert_true(x != final_value("net: kernel, d: 9, h: 13, P: 40, T: 0.1", name));
}

/* ---- bad input ------------------------------------------------------------------------------------------------------------------------ */

static void refused(const char *parameters, const char *want)
{
    qn_sweep s;
    qn_problems problems = {0};
    qn_buffer said = {0};
    char *text = qn_format("model: sgd\nseed: 17\nparameters: {%s}\nsampling: {steps: 200}\n", parameters);
    assert_int_not_equal(qn_sweep_init(&s, &(qn_sweep_source){.file = "test_sgd", .text = text, .find = trial_find}, &problems), 0);
    qn_sweep_free(&s);
    free(text);
    for (size_t i = 0; i < problems.n; i++)
        qn_buffer_add(&said, "%s\n", problems.item[i].text);
    if (!problems.n || !strstr(said.text, want))
        fail_msg("%s: \"%s\" does not say \"%s\"", parameters, said.text ? said.text : "", want);
    qn_problems_free(&problems);
    qn_buffer_free(&said);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    refused("net: mlp, alpha: 1e5", "precision: f64");
    refused("net: mlp, data: strips", "known are");
    refused("net: mlp, data: 'mnist:parity'", "not given");
    refused("net: mlp, data: 'mnist:parity', images: tests/data/mnist-train10k-images-idx3-ubyte.gz", "needs the file of its labels");
    refused("net: mlp, data: 'mnist:parity', images: /nonexistent, labels: /nonexistent", "nonexistent");
    refused("net: mlp, data: 'mnist:parity', images: tests/data/mnist-train10k-labels-idx1-ubyte.gz, labels: tests/data/mnist-train10k-labels-idx1-ubyte.gz", "exchanged");
    refused("net: mlp, data: 'cifar10:animal', images: tests/data/mnist-train10k-labels-idx1-ubyte.gz", "CIFAR-10");
    refused("net: mlp, data: 'mnist:parity', P: 15001, " MNIST, "15000 images");
    refused("net: mlp, data: 'mnist:parity', d: 100, " MNIST, "784 pixels");
    refused("net: mlp, data: 'idx:0/77', " MNIST, "one side");
    refused("net: mlp, data: 'idx:0,77/1', " MNIST, "label 77");
    refused("net: mlp, images: tests/data/mnist-train10k-images-idx3-ubyte.gz", "idx only");
    refused("net: mlp, P: 0", "P must be 1");
    refused("net: mlp, hessian: full", "no curvature");
    refused("net: mlp, P: 5000, loss: square, hessian: gauss_newton", "4097");
    refused("net: mlp, stability: true", "no curvature");
    refused("net: mlp, P: 201, loss: square, stability: true", "at most 200");
    refused("net: diagonal, T: 0, stability: true", "no step");
    refused("net: diagonal, hessian: full", "gauss_newton part");
    refused("net: diagonal, P: 0, hessian: gauss_newton", "P is 0");
    refused("net: linear, hessian: full", "diagonal or mlp only");
    refused("net: mlp, data: quadratic, loss: hinge", "no two classes");
    refused("net: mlp, data: 'clusters:16', d: 3", "cube");
    refused("net: mlp, data: sign, d: 1, ntk_angles: 3", "d = 2 or more");
    refused("net: perceptron, ntk_angles: 3", "net: mlp");
    refused("net: mlp, eps: 2", "quad only");
    refused("net: kernel, precision: f64", "net: mlp only");
    refused("net: perceptron, h: 3", "net: mlp or kernel only");
    refused("net: mlp, chi: 2", "net: perceptron only");
    refused("net: mlp, B: 2000", "at most P");
    refused("net: mlp, T: 1, B: 2, eta: 2", "leave one of them out");
    refused("net: mlp, dynamics: event", "event");
    refused("net: kernel, P: 200000", "of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_the_same_bits_everywhere), cmocka_unit_test(the_cblas_agrees), cmocka_unit_test(activations),
        cmocka_unit_test(gradients_are_finite_differences), cmocka_unit_test(trainers_follow_the_plain_net), cmocka_unit_test(large_alpha_loses_no_digits),
        cmocka_unit_test(dead_nets_are_known), cmocka_unit_test(kernels_are_products_of_gradients), cmocka_unit_test(alignment_and_spectrum),
        cmocka_unit_test(curvature_is_the_second_derivative), cmocka_unit_test(geometry_of_a_cube), cmocka_unit_test(data_names_are_read),
        cmocka_unit_test(synthetic_data), cmocka_unit_test(biases_are_a_constant_input), cmocka_unit_test(checkpoints_change_nothing), cmocka_unit_test(full_batches_are_gradient_descent),
        cmocka_unit_test(disorder_is_shared), cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
