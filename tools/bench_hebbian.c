/* bench_hebbian.c -- speed of the storage engine: heat-bath spin updates a second, one thread, one line a row.
 *
 * Each row: the fast chain and the plain loop (bytes for patterns, the table g looked up pattern by pattern) on the same
 * problem, timed in turn five times; medians.  `bound` is the rate at which the data of one update (a bit row and A per field; A
 * and M read and written per accepted flip) could be read and copied at bandwidths measured on arrays of these sizes (at
 * least 8 KiB); P = 2 with K > N uses the coupling matrix: one kept field an update, a row of J and the fields on a flip.
 * `reuse` is the fast chain with fields kept between flips (field_reuse: true), apart.
 * Usage: bench_hebbian [SECONDS PER TIMING, default 0.2] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "hebbian/chain.h"

static const struct {
    int p;
    size_t n, k;
    double temperature, target;
} rows[] = {
    {4, 256, 4096, 0.3, 5.5e6}, {4, 256, 4096, 2.0, 2.2e6}, {4, 1024, 128, 0.3, 5e7}, {4, 1024, 128, 2.0, 2.2e7},
    {2, 512, 512, 0.3, 2.8e7},  {2, 512, 512, 2.0, 1.4e7},  {2, 512, 1024, 2.0, 0},   {6, 40, 19192, 0.3, 0},
    {6, 40, 19192, 2.0, 0},
};

/* ---- the plain loop ---- */

typedef struct plain {
    size_t n, k;
    int8_t *xi, *s; /* xi [n][k] */
    int32_t *m;
    double *g;
} plain;

static size_t plain_sweep(plain *x, double temperature, qn_rng *rng)
{
    size_t flips = 0;
    for (size_t u = 0; u < x->n; u++) {
        size_t i = (size_t)qn_rng_below(rng, x->n);
        const int8_t *xi = x->xi + i * x->k;
        int32_t s = x->s[i], half = (int32_t)x->n - 1;
        double h = 0;
        for (size_t mu = 0; mu < x->k; mu++)
            h += xi[mu] * x->g[(x->m[mu] - xi[mu] * s + half) / 2];
        int8_t new = qn_rng_uniform(rng) < 1 / (1 + exp(-2 * h / temperature)) ? 1 : -1;
        if (new == s)
            continue;
        x->s[i] = new;
        flips++;
        for (size_t mu = 0; mu < x->k; mu++)
            x->m[mu] += 2 * new * xi[mu];
    }
    return flips;
}

static int plain_init(plain *x, const heb_problem *pb)
{
    memset(x, 0, sizeof *x);
    x->n = pb->n;
    x->k = pb->k;
    x->xi = malloc(x->n * x->k);
    x->s = malloc(x->n);
    x->m = malloc(x->k * sizeof *x->m);
    x->g = malloc(x->n * sizeof *x->g);
    if (!x->xi || !x->s || !x->m || !x->g)
        return QN_ERR_NOMEM;
    for (size_t i = 0; i < x->n; i++) {
        for (size_t mu = 0; mu < x->k; mu++)
            x->xi[i * x->k + mu] = (int8_t)heb_patterns_at_site(pb->patterns, i, mu);
        x->g[i] = (double)(pb->energy.g_unit * pb->energy.g[i]);
        x->s[i] = x->xi[i * x->k];
    }
    heb_plain_overlaps(pb, x->s, x->m);
    return 0;
}

static void plain_free(plain *x)
{
    free(x->xi);
    free(x->s);
    free(x->m);
    free(x->g);
}

/* ---- timing ---- */

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
static uint64_t fold_words(const uint64_t *a, size_t n)
{
    uint64_t x[32] = {0};
    for (size_t i = 0; i + 32 <= n; i += 32)
        for (size_t l = 0; l < 32; l++)
            x[l] ^= a[i + l];
    for (size_t l = 1; l < 32; l++)
        x[0] ^= x[l];
    return x[0];
}

/* Bytes a second that one core reads (copy false) or reads and writes (true) in `bytes` of memory, best of several. */
static double bandwidth(size_t bytes, bool copy)
{
    bytes = bytes < 8192 ? 8192 : (bytes + 255) / 256 * 256; /* shorter ones time the loop's start and end */
    uint64_t *a = aligned_alloc(64, bytes), *b = aligned_alloc(64, bytes);
    double best = 0;
    if (a && b) {
        memset(a, 1, bytes);
        memset(b, 2, bytes);
        size_t times = 50000000 / bytes + 1;
        for (int rep = 0; rep < BENCH_TIMES; rep++) {
            double t = bench_now_s();
            for (size_t i = 0; i < times; i++) {
                if (copy)
                    memcpy(b, a, bytes);
                else
                    b[0] ^= fold_words(a, bytes / 8);
                bench_keep(a);
                bench_keep(b);
            }
            t = bench_now_s() - t;
            double rate = (copy ? 2.0 : 1.0) * (double)bytes * (double)times / t;
            best = rate > best ? rate : best;
        }
    }
    free(a);
    free(b);
    return best;
}

typedef struct moving { /* a chain or the plain loop, at work */
    heb_chain *chain;
    plain *plain;
    double temperature;
    qn_rng *rng;
    size_t sweeps, flips;
} moving;

static void sweep_chain(void *what)
{
    moving *m = what;
    m->flips += heb_chain_sweep(m->chain, HEB_HEATBATH, false, m->temperature, m->rng);
    m->sweeps++;
}

static void sweep_plain(void *what)
{
    moving *m = what;
    m->flips += plain_sweep(m->plain, m->temperature, m->rng);
    m->sweeps++;
}

static int bench_row(size_t r, double seconds)
{
    double fast[BENCH_TIMES], slow[BENCH_TIMES], kept[BENCH_TIMES];
    size_t n = rows[r].n, k = rows[r].k;
    double temperature = rows[r].temperature;
    qn_rng rng;
    qn_rng_seed(&rng, 1, r, 2, 3);
    heb_patterns x = {0};
    heb_problem pb = {0};
    heb_chain c = {0}, d = {0};
    plain p = {0};
    int8_t *s = malloc(n);
    int err = s ? heb_patterns_init(&x, n, k) : QN_ERR_NOMEM;
    if (!err) {
        heb_patterns_draw(&x, &rng);
        heb_patterns_get(&x, 0, s);
        err = heb_problem_init(&pb, rows[r].p, HEB_DISTINCT, HEB_EXACT, &x);
    }
    if (!err)
        err = heb_chain_init(&c, &pb, false);
    if (!err)
        err = heb_chain_init(&d, &pb, true);
    if (!err)
        err = plain_init(&p, &pb);
    if (!err) {
        heb_chain_set(&c, s);
        heb_chain_set(&d, s);
        moving plainly = {.plain = &p, .temperature = temperature, .rng = &rng}, ours = {.chain = &c, .temperature = temperature, .rng = &rng};
        moving keeping = {.chain = &d, .temperature = temperature, .rng = &rng};
        for (size_t rep = 0; rep < BENCH_TIMES; rep++) {
            slow[rep] = (double)n * bench_rate(sweep_plain, &plainly, seconds);
            fast[rep] = (double)n * bench_rate(sweep_chain, &ours, seconds);
            kept[rep] = (double)n * bench_rate(sweep_chain, &keeping, seconds);
        }
        double acceptance = (double)ours.flips / ((double)ours.sweeps * (double)n);
        bool coupling = pb.form == HEB_COUPLING; /* then: one kept field, and a row of J and the fields on a flip */
        size_t wide = coupling ? n : k;
        double field = coupling ? 4 : (double)k / 8 + 4 * (double)k, flip = 12 * (double)wide;
        double bound = 1 / (field / bandwidth(4 * wide, false) + acceptance * flip / bandwidth(6 * wide, true));
        double f = bench_median(fast, BENCH_TIMES), sl = bench_median(slow, BENCH_TIMES);
        printf("%2d %5zu %6zu %5.2f %7.4f %10.3e %10.3e %7.1f %10.3e %10.3e ", rows[r].p, n, k, temperature, acceptance, f, sl,
               f / sl, bound, bench_median(kept, BENCH_TIMES));
        if (rows[r].target > 0)
            printf("%9.1e %s\n", rows[r].target, f >= rows[r].target ? "reached" : "below");
        else
            printf("        -\n");
        fflush(stdout);
    }
    plain_free(&p);
    heb_chain_free(&c);
    heb_chain_free(&d);
    heb_problem_free(&pb);
    heb_patterns_free(&x);
    free(s);
    return err;
}

int main(int argc, char **argv)
{
    double seconds = bench_seconds(argc, argv, 0.2);
    if (!(seconds > 0))
        return 2;
    printf("# heat-bath updates a second, one thread, instruction set %s; start from the pattern, norm exact\n", heb_kernel_get()->name);
    printf("# %s\n", " P     N      K     T  accept       fast      plain   ratio      bound      reuse    target");
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        if (bench_row(r, seconds)) {
            fprintf(stderr, "bench_hebbian: %s\n", qn_error_text());
            return 1;
        }
    return 0;
}
