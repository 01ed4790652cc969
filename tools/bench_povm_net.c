/* bench_povm_net.c -- speed of the nets of povm, the transformer first: strings a second, one thread, single precision.
 *
 * Rows: the small network (d = 32, f = 16, one head) and the default one (f = 128, four heads), samples at N = 8, 16, 40 and log P at N = 16, each with its target,
 * with the floating-point operations of the plain form (N (8 d^2 + 4 d f) + 2 d N (N + 1) + 8 d N a string; the first layer's projections are tabulated, so
 * that a share above 100 % is possible), and with the share of the rate of a bare 96 x 32 x 32 product of qn_gemm_f32 that they make, measured in the
 * same run.  Then gradients, and the tree: log P of all connected strings of 1000 strings and the gradient of a weighted sum of them, seconds for both and
 * target, beside the plain list (once).  At last the same for made, gru and rbm (its samples: 64 chains, one sweep a string).  Medians of five.
 * Usage: bench_povm_net [SECONDS PER TIMING, default 0.1] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "gemm.h"
#include "povm/lattice.h"
#include "povm/net.h"
#include "povm/rbm.h"

enum { STRINGS = 1024 };

typedef struct bench {
    povm_net *net;
    povm_lattice lattice;
    qn_streams streams;
    size_t n, strings;
    uint8_t *string;
    double *theta, *logp, *grad, *one, *two;
    float *a, *b, *c; /* of the bare product */
    uint64_t draw;
    bool tree;
    povm_chains *chains;
} bench;

static void sample(void *what)
{
    bench *b = what;
    povm_net_sample(b->net, &b->streams, QN_STREAM_DYNAMICS, b->draw, b->strings, b->string, b->logp);
    b->draw += b->strings / POVM_BLOCK;
}

static void logp(void *what)
{
    bench *b = what;
    povm_net_logp(b->net, b->strings, b->string, b->logp);
}

static void grad(void *what)
{
    bench *b = what;
    povm_net_grad(b->net, b->strings, b->string, b->logp, b->grad);
}

static void scores(void *what)
{
    bench *b = what;
    povm_net_scores(b->net, 64, b->string, b->grad);
}

static void connected(void *what)
{
    bench *b = what;
    povm_net_connected(b->net, b->tree, (size_t)b->lattice.n_bonds, (const int(*)[2])b->lattice.bond, b->strings, b->string, b->one, b->two);
}

static void connected_grad(void *what)
{
    bench *b = what;
    povm_net_connected_grad(b->net, b->tree, (size_t)b->lattice.n_bonds, (const int(*)[2])b->lattice.bond, b->strings, b->string, b->one, b->two, b->grad);
}

/* connected leaves log P where the weights were. */
static void set_weights(bench *b)
{
    for (size_t i = 0; i < STRINGS * b->n * 4; i++)
        b->one[i] = 1e-3;
    for (size_t i = 0; i < STRINGS * (size_t)b->lattice.n_bonds * 16; i++)
        b->two[i] = 1e-3;
}

static void set(void *what)
{
    bench *b = what;
    povm_net_set(b->net, b->theta);
}

static void product(void *what)
{
    bench *b = what;
    qn_gemm_f32(QN_GEMM_OWN, QN_NN, 96, 32, 32, b->a, 32, b->b, 32, b->c, 32);
}

static bool bench_open(bench *b, int lx, int ly, const povm_shape *of)
{
    memset(b, 0, sizeof *b);
    povm_shape s = *of;
    s.n = lx * ly;
    s.k = 4;
    if (povm_lattice_create(lx, ly, true, false, &b->lattice) || povm_net_create(&s, &b->net))
        return false;
    b->n = (size_t)s.n;
    b->strings = STRINGS;
    b->streams = (qn_streams){.key = {1, 2}};
    const size_t parameters = povm_net_count(b->net), bonds = (size_t)b->lattice.n_bonds;
    b->string = malloc(STRINGS * b->n);
    b->theta = malloc(parameters * sizeof *b->theta);
    b->logp = malloc(STRINGS * sizeof *b->logp);
    b->grad = calloc(64 * parameters, sizeof *b->grad);
    b->one = malloc(STRINGS * b->n * 4 * sizeof *b->one);
    b->two = malloc(STRINGS * bonds * 16 * sizeof *b->two);
    b->a = aligned_alloc(64, 96 * 32 * sizeof *b->a);
    b->b = aligned_alloc(64, 32 * 32 * sizeof *b->b);
    b->c = aligned_alloc(64, 96 * 32 * sizeof *b->c);
    if (!b->string || !b->theta || !b->logp || !b->grad || !b->one || !b->two || !b->a || !b->b || !b->c)
        return false;
    memset(b->a, 0, 96 * 32 * sizeof *b->a);
    memset(b->b, 0, 32 * 32 * sizeof *b->b);
    memset(b->c, 0, 96 * 32 * sizeof *b->c);
    double p[40 * 4];
    for (size_t i = 0; i < b->n * 4; i++)
        p[i] = 0.25;
    qn_rng rng;
    qn_rng_seed(&rng, 1, 2, 3, 4);
    povm_net_start(b->net, p, 1, 0.1, &rng, b->theta);
    povm_net_set(b->net, b->theta);
    if (s.ansatz == POVM_RBM)
        memset(b->string, 0, STRINGS * b->n);
    else
        sample(b);
    set_weights(b);
    return true;
}

static bool bench_init(bench *b, int lx, int ly, bool large, bool single)
{
    const povm_shape s = {.ansatz = POVM_TRANSFORMER, .d = 32, .f = large ? 128 : 16, .heads = large ? 4 : 1, .layers = 1, .single = single};
    return bench_open(b, lx, ly, &s);
}

static void bench_free(bench *b)
{
    povm_net_destroy(b->net);
    povm_lattice_free(&b->lattice);
    void *all[] = {b->string, b->theta, b->logp, b->grad, b->one, b->two, b->a, b->b, b->c};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static bool bench_rows(double seconds, bool large)
{
    const struct {
        int n;
        double sample, logp;
    } rows[] = {{8, large ? 1.7e5 : 4e5, 0}, {16, large ? 7e4 : 1.8e5, large ? 0 : 2e5}, {40, large ? 2e4 : 5e4, 0}};
    const double d = 32, f = large ? 128 : 16;
    printf("d = 32, f = %g, H = %d:  N  samples/s   target  Gflop/s    share     log P/s   target  gradients/s   scores/s  set us\n", f, large ? 4 : 1);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        bench b;
        if (!bench_init(&b, rows[row].n, 1, large, true))
            return false;
        double rate[5][BENCH_TIMES], bare[BENCH_TIMES];
        void (*const call[])(void *) = {sample, logp, grad, scores, set};
        for (size_t k = 0; k < BENCH_TIMES; k++) {
            bare[k] = bench_rate(product, &b, seconds);
            for (size_t j = 0; j < 5; j++)
                rate[j][k] = bench_rate(call[j], &b, seconds);
        }
        double got[5];
        for (size_t j = 0; j < 5; j++)
            got[j] = bench_median(rate[j], BENCH_TIMES) * (j < 3 ? STRINGS : j == 3 ? 64 : 1);
        const double n = rows[row].n, flops = n * (8 * d * d + 4 * d * f) + 2 * d * n * (n + 1) + 8 * d * n;
        const double gemm = 2.0 * 96 * 32 * 32 * bench_median(bare, BENCH_TIMES);
        printf("                    %6d %10.3g %8.3g %8.1f %6.0f %%  %10.3g %8.3g   %10.3g %10.3g %7.1f\n", rows[row].n, got[0], rows[row].sample,
               got[0] * flops * 1e-9, 100 * got[0] * flops / gemm, got[1], rows[row].logp, got[2], got[3], 1e6 / got[4]);
        bench_free(&b);
    }
    return true;
}

static bool bench_trees(double seconds)
{
    const struct {
        int lx, ly;
        bool large, single;
        double target;
    } rows[] = {{3, 3, false, true, 0.8}, {3, 3, true, true, 0}, {8, 1, false, true, 0}, {8, 1, true, true, 0}, {16, 1, false, true, 0},
                {3, 3, false, false, 0}, {3, 3, true, false, 0}};
    printf("1000 strings, seconds:      f  precision     tree  gradient     both   target   list: both\n");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        bench b;
        if (!bench_init(&b, rows[row].lx, rows[row].ly, rows[row].large, rows[row].single))
            return false;
        b.strings = 1000;
        double rate[2][BENCH_TIMES], list[2];
        void (*const call[])(void *) = {connected, connected_grad};
        for (size_t k = 0; k <= BENCH_TIMES; k++) { /* last the list, once */
            b.tree = k < BENCH_TIMES;
            for (int j = 0; j < 2; j++) {
                (b.tree ? rate[j] : list)[b.tree ? k : (size_t)j] = bench_rate(call[j], &b, seconds);
                if (j == 0)
                    set_weights(&b);
            }
        }
        const double tree = 1 / bench_median(rate[0], BENCH_TIMES), back = 1 / bench_median(rate[1], BENCH_TIMES);
        printf("%2d x %d periodic        %5d  %s   %8.3f  %8.3f %8.3f %8.2g     %8.3f\n", rows[row].lx, rows[row].ly, rows[row].large ? 128 : 16,
               rows[row].single ? "single" : "double", tree, back, tree + back, rows[row].target, 1 / list[0] + 1 / list[1]);
        bench_free(&b);
    }
    return true;
}

/* ---- made, gru, rbm ---- */

static void chains_draw(void *what)
{
    bench *b = what;
    povm_chains_draw(b->chains, b->strings, 1, b->string, b->logp);
}

static bool bench_others(double seconds)
{
    const struct {
        const char *name;
        povm_shape shape;
        int n;
    } rows[] = {
        {"made 16, single", {.ansatz = POVM_MADE, .hidden = 16, .layers = 1, .single = true}, 4},
        {"made 16, single", {.ansatz = POVM_MADE, .hidden = 16, .layers = 1, .single = true}, 8},
        {"made 16, single", {.ansatz = POVM_MADE, .hidden = 16, .layers = 1, .single = true}, 16},
        {"made 16, double", {.ansatz = POVM_MADE, .hidden = 16, .layers = 1}, 4},
        {"made 16, double", {.ansatz = POVM_MADE, .hidden = 16, .layers = 1}, 8},
        {"made 16 16, single", {.ansatz = POVM_MADE, .hidden = 16, .layers = 2, .single = true}, 8},
        {"gru 32, single", {.ansatz = POVM_GRU, .d = 32, .layers = 1, .single = true}, 8},
        {"gru 32, single", {.ansatz = POVM_GRU, .d = 32, .layers = 1, .single = true}, 16},
        {"gru 32, double", {.ansatz = POVM_GRU, .d = 32, .layers = 1}, 8},
        {"gru 32 32, single", {.ansatz = POVM_GRU, .d = 32, .layers = 2, .single = true}, 8},
        {"rbm 4, double", {.ansatz = POVM_RBM, .hidden = 4}, 8},
        {"rbm 4, double", {.ansatz = POVM_RBM, .hidden = 4}, 16},
    };
    printf("periodic chain         N  parameters   samples/s     log P/s  gradients/s   connected strings of 1000, s: tree  gradient  list: both\n");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        bench b;
        if (!bench_open(&b, rows[row].n, 1, &rows[row].shape))
            return false;
        povm_shape s = rows[row].shape;
        s.n = rows[row].n;
        s.k = 4;
        if (s.ansatz == POVM_RBM) {
            if (povm_chains_create(&s, 64, &b.streams, QN_STREAM_DYNAMICS, 0, &b.chains))
                return false;
            povm_chains_set(b.chains, b.theta);
        }
        void (*const call[])(void *) = {s.ansatz == POVM_RBM ? chains_draw : sample, logp, grad, connected, connected_grad};
        double rate[5][BENCH_TIMES], list[2];
        for (size_t k = 0; k < BENCH_TIMES; k++)
            for (size_t j = 0; j < 5; j++) {
                b.tree = true;
                b.strings = j < 3 ? STRINGS : 1000;
                rate[j][k] = bench_rate(call[j], &b, seconds);
                if (j == 3)
                    set_weights(&b);
            }
        b.tree = false;
        list[0] = bench_rate(connected, &b, seconds);
        set_weights(&b);
        list[1] = bench_rate(connected_grad, &b, seconds);
        double got[5];
        for (size_t j = 0; j < 5; j++)
            got[j] = bench_median(rate[j], BENCH_TIMES);
        printf("%-19s %4d %11zu  %10.3g  %10.3g   %10.3g                              %8.4f  %8.4f    %8.4f\n", rows[row].name, s.n, povm_net_count(b.net),
               got[0] * STRINGS, got[1] * STRINGS, got[2] * STRINGS, 1 / got[3], 1 / got[4], 1 / list[0] + 1 / list[1]);
        povm_chains_destroy(b.chains);
        bench_free(&b);
    }
    return true;
}

int main(int argc, char **argv)
{
    double seconds = bench_seconds(argc, argv, 0.1);
    if (!(seconds > 0))
        return 2;
    if (bench_rows(seconds, false) && bench_rows(seconds, true) && bench_trees(seconds) && bench_others(seconds))
        return 0;
    fprintf(stderr, "bench_povm_net: %s\n", qn_error_text());
    return 1;
}
