/* bench_povm.c -- speed of the exact parts of engine povm, one thread: steady states and dynamics of the Pauli vector, trajectories.
 *
 * All of the driven, damped Ising ring at V = 2, g = 1.  Beside the steady states the same with all 4^N strings in place of one of each orbit, beside
 * the trajectories a plain loop: one state at a time in complex numbers, spin after spin.  Goals: seconds of a solution to 1e-10, and of a step of 0.02
 * (a tenth of QuTiP 4.7's mcsolve would be 5.5e-6 s).  Usage: bench_povm [SECONDS PER TIMING, default 0.1] */
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "povm/pauli.h"
#include "povm/waves.h"

static int failed(void)
{
    fprintf(stderr, "bench_povm: %s\n", qn_error_text());
    return 1;
}

static int ring(int n, double tau, povm_problem *out)
{
    memset(out, 0, sizeof *out);
    out->tau = tau;
    out->start[2] = 1;
    povm_frame_init(&out->frame, POVM_TETRA_CUBE);
    out->terms.n_hamiltonian = 2;
    out->terms.n_jumps = 1;
    out->terms.hamiltonian[0] = (povm_word){.factor = 0.5, .sites = 2, .op = {{{1, 0}, {0, -1}}, {{1, 0}, {0, -1}}}, .letter = {"Z", "Z"}};
    out->terms.hamiltonian[1] = (povm_word){.factor = 0.5, .sites = 1, .op = {{{0, 1}, {1, 0}}}, .letter = {"X", ""}};
    out->terms.jump[0] = (povm_word){.factor = 1, .sites = 1, .op = {{{0, 0}, {1, 0}}}, .letter = {"s-", ""}};
    return povm_lattice_create(n, 1, true, false, &out->lattice);
}

/* ---- steady states and dynamics --------------------------------------------------------------------------------------- */

static int solve(const povm_problem *problem, bool symmetric, double *seconds, double *residual, double *applied, size_t *size)
{
    povm_pauli g;
    povm_steady_solver s = {0};
    const double begin = bench_now_s();
    int err = povm_pauli_create(problem, symmetric, &g);
    if (!err)
        err = povm_steady_solver_create(&g, problem->start, &s);
    while (!err && !s.over)
        povm_steady_solver_step(&s);
    *seconds = bench_now_s() - begin;
    *residual = s.residual;
    *applied = (double)s.applied;
    *size = g.size;
    povm_steady_solver_free(&s);
    povm_pauli_free(&g);
    return err;
}

static int steady_row(int n, double goal, bool with_all)
{
    povm_problem problem;
    double seconds[BENCH_TIMES], residual, applied, plain = NAN, other;
    size_t size, all;
    const int times = n < 10 ? BENCH_TIMES : 1; /* seconds each from there on */
    int err = ring(n, 0.05, &problem);
    for (int k = 0; k < times && !err; k++)
        err = solve(&problem, true, &seconds[k], &residual, &applied, &size);
    if (!err && with_all)
        err = solve(&problem, false, &plain, &other, &other, &all);
    povm_lattice_free(&problem.lattice);
    if (err)
        return failed();
    const double s = bench_median(seconds, (size_t)times);
    printf("steady state, N = %-2d %26zu orbits %10.4f s %6.0f products, residual %.0e", n, size, s, applied, residual);
    if (isfinite(plain))
        printf(", all strings %.3f s", plain);
    if (goal > 0)
        printf("; goal %g s %s", goal, s <= goal ? "reached" : "missed");
    printf("\n");
    return 0;
}

static int dynamics_row(int n, double t)
{
    povm_problem problem;
    povm_pauli g;
    double seconds[BENCH_TIMES];
    int err = ring(n, 0.05, &problem);
    for (int k = 0; k < BENCH_TIMES && !err; k++) {
        const double begin = bench_now_s();
        err = povm_pauli_create(&problem, true, &g);
        double *c = malloc(3 * g.size * sizeof *c);
        if (!err && !c)
            err = qn_fail(QN_ERR_NOMEM, "out of memory");
        if (!err) {
            const double parts = ceil(t * g.norm / POVM_PAULI_REACH);
            povm_pauli_start(&g, problem.start, c);
            for (double p = 0; p < parts; p++)
                povm_pauli_evolve(&g, t / parts, c, c + g.size);
        }
        seconds[k] = bench_now_s() - begin;
        free(c);
        povm_pauli_free(&g);
    }
    povm_lattice_free(&problem.lattice);
    if (err)
        return failed();
    printf("dynamics to t = %g, N = %-2d %34.4f s\n", t, n, bench_median(seconds, BENCH_TIMES));
    return 0;
}

/* ---- trajectories ------------------------------------------------------------------------------------------------------- */

typedef struct flight {
    const povm_waves *waves;
    povm_room *room;
    povm_block block;
    int n;
    double complex *psi, *before;  /* the plain loop's */
    double norm, below;
    qn_rng rng;
} flight;

static void waves_call(void *what)
{
    flight *f = what;
    povm_block_advance(f->waves, f->room, 1, &f->block);
}

static void plain_diagonal(int n, double dt, double complex *psi)
{
    for (size_t b = 0; b < (size_t)1 << n; b++) {
        double zz = 0, up = 0;
        for (int i = 0; i < n; i++) {
            const int z = b >> i & 1 ? -1 : 1, next = b >> (i + 1) % n & 1 ? -1 : 1;
            zz += z * next;
            up += z > 0;
        }
        psi[b] *= cexp((-I * 0.5 * zz - 0.5 * up) * dt);
    }
}

static double plain_step(int n, double dt, double complex *psi)
{
    const double c = cos(0.5 * dt), s = sin(0.5 * dt);
    double norm = 0;
    plain_diagonal(n, dt / 2, psi);
    for (int i = 0; i < n; i++)
        for (size_t b = 0; b < (size_t)1 << n; b++) {
            if (b >> i & 1)
                continue;
            const double complex x = psi[b], y = psi[b | (size_t)1 << i];
            psi[b] = c * x - I * s * y;
            psi[b | (size_t)1 << i] = c * y - I * s * x;
        }
    plain_diagonal(n, dt / 2, psi);
    for (size_t b = 0; b < (size_t)1 << n; b++)
        norm += creal(psi[b] * conj(psi[b]));
    return norm;
}

static void plain_jump(flight *f)
{
    const size_t dim = (size_t)1 << f->n;
    double weight[POVM_WAVE_SITES] = {0}, total = 0, norm = 0;
    for (int i = 0; i < f->n; i++) {
        for (size_t b = 0; b < dim; b++)
            weight[i] += b >> i & 1 ? 0 : creal(f->psi[b] * conj(f->psi[b]));
        total += weight[i];
    }
    double at = qn_rng_uniform(&f->rng) * total;
    int site = 0;
    while (site + 1 < f->n && (at -= weight[site]) >= 0)
        site++;
    for (size_t b = 0; b < dim; b++)
        if (!(b >> site & 1)) {
            f->psi[b | (size_t)1 << site] = f->psi[b];
            norm += creal(f->psi[b] * conj(f->psi[b]));
            f->psi[b] = 0;
        }
    for (size_t b = 0; b < dim; b++)
        f->psi[b] /= sqrt(norm);
    f->below = qn_rng_uniform_pos(&f->rng);
}

static void plain_call(void *what)
{
    flight *f = what;
    const size_t size = ((size_t)1 << f->n) * sizeof *f->psi;
    double left = 0.02, from = f->norm;
    for (;;) {
        memcpy(f->before, f->psi, size);
        f->norm = plain_step(f->n, left, f->psi);
        if (f->norm >= f->below)
            return;
        const double part = fmin(left, left * log(from / f->below) / log(from / f->norm));
        memcpy(f->psi, f->before, size);
        plain_step(f->n, part, f->psi);
        plain_jump(f);
        left -= part;
        from = 1;
    }
}

static int trajectory_row(int n, double goal, double seconds)
{
    povm_problem problem;
    povm_waves *waves = NULL;
    flight f = {.n = n, .norm = 1};
    const qn_streams streams = {.key = {1, (uint64_t)n}};
    int err = ring(n, 0.02, &problem);
    if (!err)
        err = povm_waves_create(&problem, 0.02, &waves);
    if (!err)
        err = povm_block_init(waves, &streams, 0, &f.block);
    f.waves = waves;
    f.room = err ? NULL : povm_room_create(waves);
    f.psi = calloc((size_t)1 << n, sizeof *f.psi);
    f.before = calloc((size_t)1 << n, sizeof *f.before);
    if (err || !f.room || !f.psi || !f.before)
        return failed();
    qn_rng_seed(&f.rng, 1, 2, 3, 4);
    f.psi[0] = 1;
    f.below = qn_rng_uniform_pos(&f.rng);
    const double lanes = povm_waves_lanes(waves), fast = 1 / (bench_median_rate(waves_call, &f, seconds) * lanes), slow = 1 / bench_median_rate(plain_call, &f, seconds);
    printf("trajectories, N = %-2d %17.0f side by side %12.3e s a step, plain loop %.2e, ratio %.0f", n, lanes, fast, slow, slow / fast);
    if (goal > 0)
        printf("; goal %g s %s", goal, fast <= goal ? "reached" : "missed");
    printf("\n");
    povm_room_destroy(f.room);
    povm_block_free(&f.block);
    povm_waves_destroy(waves);
    povm_lattice_free(&problem.lattice);
    free(f.psi);
    free(f.before);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        int n;
        double steady, trajectory; /* goals; 0: none */
    } size[] = {{4, 0, 0}, {6, 0.3, 0}, {8, 4, 2.3e-6}, {10, 120, 0}, {12, 0, 0}, {16, 0, 0}};
    const double seconds = bench_seconds(argc, argv, 0.1);
    if (!(seconds > 0))
        return 2;
    printf("# one thread, CPU time, medians of %d\n", BENCH_TIMES);
    for (size_t k = 0; k < 4; k++)
        if (steady_row(size[k].n, size[k].steady, size[k].n <= 8))
            return 1;
    if (dynamics_row(4, 8) || dynamics_row(8, 8) || dynamics_row(10, 8))
        return 1;
    for (size_t k = 1; k < sizeof size / sizeof *size; k++)
        if (trajectory_row(size[k].n, size[k].trajectory, seconds))
            return 1;
    return 0;
}
