/* waves.c -- see waves.h. */
#include "waves.h"

#include <gsl/gsl_eigen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmath.h"

enum {
    LANES = POVM_LANES,
    LANE_SITES = 16,   /* up to so many spins trajectories go side by side; us a step, with and without: 15.7, 22 (12), 460, 505 (16) */
    MOST_COLOURS = 64
};

typedef struct jump {
    int site, second;         /* second: -1 of one site */
    char letter[2];           /* 'X', 'Y', 'Z', '-', '+' */
    double rate;
    uint32_t mask, pattern;   /* <C'C> = rate times the weight of the states with these bits */
} jump;

/* The parts of a step of length dt. */
typedef struct gates {
    double *re, *im;                              /* [2^n] half a step of all that is diagonal */
    double *class_re, *class_im;                  /* [n_classes] the same of every value */
    double cosine, off_re, off_im;                /* a rotation: <0|U|0> = <1|U|1>, <0|U|1> = off, <1|U|0> = -conj(off) */
    double complex bond[2][4][4];                 /* a two-spin gate: half a step, a whole one */
} gates;

struct povm_waves {
    const povm_problem *problem;
    int n, lanes;
    size_t dim, steps;
    double dt;                                    /* of a step */
    double complex start[2];
    /* diagonal: values of the exponent, and which of them a state has */
    size_t n_classes;
    double *energy, *decay;                       /* psi' = (-i energy - decay) psi */
    uint32_t *class_of;
    double rotation, axis_re, axis_im;            /* frequency of a spin, axis (X, Y) of unit length */
    bool has_bonds, parity;                       /* parity: gates join 00 with 11 and 01 with 10 only */
    double level[8], vector[8][8];                /* a bond's part that is not diagonal, A + i B: eigenvectors (columns) of (A, -B; B, A) */
    int n_colours, first[MOST_COLOURS + 1], (*bond)[2]; /* bonds, colour after colour */
    size_t n_jumps;
    jump *jump;
    gates whole;                                  /* of the usual step */
};

struct povm_room {
    gates piece;                                  /* of a part of a step */
    double *re, *im;                              /* [2^n][lanes] the states after a step */
    double *one_re, *one_im, *try_re, *try_im;    /* [2^n] a single trajectory */
    double *p;                                    /* [2^n][lanes] */
};

/* ---- kernels: runs of `run` numbers, [.. | 2 | run] ------------------------------------------------------------------ */

QN_CLONES static void multiply(size_t dim, size_t lanes, const double *f_re, const double *f_im, const double *in_re, const double *in_im, double *re, double *im)
{
    if (lanes == 1) {
        for (size_t b = 0; b < dim; b++) {
            const double x = in_re[b], y = in_im[b];
            re[b] = f_re[b] * x - f_im[b] * y;
            im[b] = f_re[b] * y + f_im[b] * x;
        }
        return;
    }
    for (size_t b = 0; b < dim; b++) {
        const double fr = f_re[b], fi = f_im[b];
        for (size_t l = 0; l < LANES; l++) {
            const double x = in_re[b * LANES + l], y = in_im[b * LANES + l];
            re[b * LANES + l] = fr * x - fi * y;
            im[b * LANES + l] = fr * y + fi * x;
        }
    }
}

/* Squared norms of the lanes. */
QN_CLONES static void norms(size_t dim, size_t lanes, const double *re, const double *im, double *out)
{
    double sum[4][LANES] = {{0}}; /* of one state: 4 LANES partial sums */
    const size_t each = 4 * LANES, whole = dim * lanes / each * each;
    for (size_t k = 0; k < whole; k += each)
        for (size_t j = 0; j < 4; j++)
            for (size_t l = 0; l < LANES; l++)
                sum[j][l] += re[k + j * LANES + l] * re[k + j * LANES + l] + im[k + j * LANES + l] * im[k + j * LANES + l];
    for (size_t k = whole; k < dim * lanes; k++) /* fewer than 4 states of lanes, fewer than 32 numbers of one */
        sum[0][k % LANES] += re[k] * re[k] + im[k] * im[k];
    for (size_t l = 0; l < LANES; l++)
        sum[0][l] = (sum[0][l] + sum[1][l]) + (sum[2][l] + sum[3][l]);
    if (lanes > 1) {
        memcpy(out, sum[0], sizeof sum[0]);
        return;
    }
    out[0] = 0;
    for (size_t l = 0; l < LANES; l++)
        out[0] += sum[0][l];
}

/* (a, b) of a spin becomes (c a + u b, c b - conj(u) a). */
QN_CLONES static void rotate(size_t size, size_t run, double c, double u_re, double u_im, double *re, double *im)
{
    for (size_t base = 0; base < size; base += 2 * run) {
        double *ar = re + base, *ai = im + base, *br = ar + run, *bi = ai + run;
        if (u_re == 0) { /* about X */
            for (size_t k = 0; k < run; k++) {
                const double xr = ar[k], xi = ai[k], yr = br[k], yi = bi[k];
                ar[k] = c * xr - u_im * yi;
                ai[k] = c * xi + u_im * yr;
                br[k] = c * yr - u_im * xi;
                bi[k] = c * yi + u_im * xr;
            }
            continue;
        }
        for (size_t k = 0; k < run; k++) {
            const double xr = ar[k], xi = ai[k], yr = br[k], yi = bi[k];
            ar[k] = c * xr + (u_re * yr - u_im * yi);
            ai[k] = c * xi + (u_re * yi + u_im * yr);
            br[k] = c * yr - (u_re * xr + u_im * xi);
            bi[k] = c * yi - (u_re * xi - u_im * xr);
        }
    }
}

/* Two amplitudes (x, y) under a 2 x 2 matrix. */
QN_CLONES static void join_two(size_t run, double complex m00, double complex m01, double complex m10, double complex m11, double *xr, double *xi, double *yr, double *yi)
{
    const double ar = creal(m00), ai = cimag(m00), br = creal(m01), bi = cimag(m01), cr = creal(m10), ci = cimag(m10), dr = creal(m11), di = cimag(m11);
    for (size_t k = 0; k < run; k++) {
        const double pr = xr[k], pi = xi[k], qr = yr[k], qi = yi[k];
        xr[k] = (ar * pr - ai * pi) + (br * qr - bi * qi);
        xi[k] = (ar * pi + ai * pr) + (br * qi + bi * qr);
        yr[k] = (cr * pr - ci * pi) + (dr * qr - di * qi);
        yi[k] = (cr * pi + ci * pr) + (dr * qi + di * qr);
    }
}

QN_CLONES static void join_four(size_t run, const double complex m[4][4], double *re[4], double *im[4])
{
    for (size_t k = 0; k < run; k++) {
        double xr[4], xi[4];
        for (int s = 0; s < 4; s++) {
            xr[s] = re[s][k];
            xi[s] = im[s][k];
        }
        for (int r = 0; r < 4; r++) {
            double sr = 0, si = 0;
            for (int s = 0; s < 4; s++) {
                sr += creal(m[r][s]) * xr[s] - cimag(m[r][s]) * xi[s];
                si += creal(m[r][s]) * xi[s] + cimag(m[r][s]) * xr[s];
            }
            re[r][k] = sr;
            im[r][k] = si;
        }
    }
}

/* Sums and differences of the pairs of a spin. */
QN_CLONES static void butterfly(size_t size, size_t run, double *x)
{
    for (size_t base = 0; base < size; base += 2 * run)
        for (size_t k = 0; k < run; k++) {
            const double a = x[base + k], b = x[base + run + k];
            x[base + k] = a + b;
            x[base + run + k] = a - b;
        }
}

QN_CLONES static void squares(size_t size, const double *re, const double *im, double *out)
{
    for (size_t k = 0; k < size; k++)
        out[k] = re[k] * re[k] + im[k] * im[k];
}

/* ---- one step --------------------------------------------------------------------------------------------------------- */

static void rotate_all(const povm_waves *w, size_t lanes, const gates *g, double *re, double *im)
{
    if (w->rotation == 0)
        return;
    for (int i = 0; i < w->n; i++)
        rotate(w->dim * lanes, ((size_t)1 << i) * lanes, g->cosine, g->off_re, g->off_im, re, im);
}

static void join_bond(const povm_waves *w, size_t lanes, const int bond[2], const double complex m[4][4], double *re, double *im)
{
    const size_t first = (size_t)1 << bond[0], second = (size_t)1 << bond[1], low = first < second ? first : second, high = first < second ? second : first;
    for (size_t outer = 0; outer < w->dim; outer += 2 * high)
        for (size_t mid = outer; mid < outer + high; mid += 2 * low) {
            const size_t at[4] = {mid * lanes, (mid + second) * lanes, (mid + first) * lanes, (mid + first + second) * lanes};
            if (w->parity) {
                join_two(low * lanes, m[0][0], m[0][3], m[3][0], m[3][3], re + at[0], im + at[0], re + at[3], im + at[3]);
                join_two(low * lanes, m[1][1], m[1][2], m[2][1], m[2][2], re + at[1], im + at[1], re + at[2], im + at[2]);
                continue;
            }
            double *r[4], *i[4];
            for (int s = 0; s < 4; s++) {
                r[s] = re + at[s];
                i[s] = im + at[s];
            }
            join_four(low * lanes, m, r, i);
        }
}

static void join_colour(const povm_waves *w, size_t lanes, int colour, const double complex m[4][4], double *re, double *im)
{
    for (int b = w->first[colour]; b < w->first[colour + 1]; b++)
        join_bond(w, lanes, w->bond[b], m, re, im);
}

/* re, im = one step of in_re, in_im.  With bonds the rotations of `g` are half a step. */
static void step(const povm_waves *w, size_t lanes, const gates *g, const double *in_re, const double *in_im, double *re, double *im)
{
    multiply(w->dim, lanes, g->re, g->im, in_re, in_im, re, im);
    rotate_all(w, lanes, g, re, im);
    if (w->has_bonds) {
        const int last = w->n_colours - 1;
        for (int c = 0; c < last; c++)
            join_colour(w, lanes, c, g->bond[0], re, im);
        join_colour(w, lanes, last, g->bond[1], re, im);
        for (int c = last - 1; c >= 0; c--)
            join_colour(w, lanes, c, g->bond[0], re, im);
        rotate_all(w, lanes, g, re, im);
    }
    multiply(w->dim, lanes, g->re, g->im, re, im, re, im);
}

/* exp(-i t (A + i B)) = cos - i sin of it; functions of the real matrix have the same form (C_re, -C_im; C_im, C_re). */
static void exponential(const povm_waves *w, double t, double complex out[4][4])
{
    double c[8], s[8];
    for (int e = 0; e < 8; e++) {
        c[e] = cos(w->level[e] * t);
        s[e] = sin(w->level[e] * t);
    }
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 4; column++) {
            double c_re = 0, c_im = 0, s_re = 0, s_im = 0;
            for (int e = 0; e < 8; e++) {
                const double re = w->vector[row][e] * w->vector[column][e], im = w->vector[row + 4][e] * w->vector[column][e];
                c_re += c[e] * re;
                c_im += c[e] * im;
                s_re += s[e] * re;
                s_im += s[e] * im;
            }
            out[row][column] = (c_re + s_im) + I * (c_im - s_re);
        }
}

static void set_gates(const povm_waves *w, double dt, gates *g)
{
    for (size_t k = 0; k < w->n_classes; k++) {
        const double size = exp(-w->decay[k] * dt / 2), phase = -w->energy[k] * dt / 2;
        g->class_re[k] = size * cos(phase);
        g->class_im[k] = size * sin(phase);
    }
    for (size_t b = 0; b < w->dim; b++) {
        g->re[b] = g->class_re[w->class_of[b]];
        g->im[b] = g->class_im[w->class_of[b]];
    }
    const double angle = w->rotation * (w->has_bonds ? dt / 2 : dt);
    g->cosine = cos(angle);
    g->off_re = -sin(angle) * w->axis_im; /* -i sin (axis_re - i axis_im) */
    g->off_im = -sin(angle) * w->axis_re;
    for (int half = 0; half < 2 && w->has_bonds; half++)
        exponential(w, half ? dt : dt / 2, g->bond[half]);
}

static int make_gates(const povm_waves *w, gates *g)
{
    g->re = malloc(w->dim * sizeof *g->re);
    g->im = malloc(w->dim * sizeof *g->im);
    g->class_re = malloc(w->n_classes * sizeof *g->class_re);
    g->class_im = malloc(w->n_classes * sizeof *g->class_im);
    return g->re && g->im && g->class_re && g->class_im ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
}

static void free_gates(gates *g)
{
    free(g->re);
    free(g->im);
    free(g->class_re);
    free(g->class_im);
}

/* ---- what is shared --------------------------------------------------------------------------------------------------- */

static double z_of(size_t state, int site)
{
    return state >> site & 1 ? -1 : 1;
}

static char letter_of(const povm_word *w, int k)
{
    return w->letter[k][0] == 's' ? w->letter[k][1] : w->letter[k][0];
}

static bool diagonal(const povm_word *w)
{
    return w->letter[0][0] == 'Z' && (w->sites == 1 || w->letter[1][0] == 'Z');
}

/* The exponent of a state: energy by the diagonal words, half of the rates of its jumps. */
static void exponent(const povm_waves *w, size_t state, double *energy, double *decay)
{
    const povm_terms *t = &w->problem->terms;
    const povm_lattice *l = &w->problem->lattice;
    *energy = *decay = 0;
    for (int k = 0; k < t->n_hamiltonian; k++) {
        const povm_word *x = &t->hamiltonian[k];
        if (!diagonal(x))
            continue;
        double sum = 0;
        for (int i = 0; i < w->n && x->sites == 1; i++)
            sum += z_of(state, i);
        for (int b = 0; b < l->n_bonds && x->sites == 2; b++)
            sum += z_of(state, l->bond[b][0]) * z_of(state, l->bond[b][1]);
        *energy += x->factor * sum;
    }
    for (size_t j = 0; j < w->n_jumps; j++) {
        const jump *x = &w->jump[j];
        if ((state & x->mask) == x->pattern)
            *decay += x->rate / 2;
    }
}

typedef struct of_state {
    double energy, decay;
    uint32_t state;
} of_state;

static int by_exponent(const void *a, const void *b)
{
    const of_state *x = a, *y = b;
    if (x->energy != y->energy)
        return x->energy < y->energy ? -1 : 1;
    return (x->decay > y->decay) - (x->decay < y->decay);
}

/* Few values belong to many states: a part of a step takes an exponential of each value, not of each state. */
static int find_classes(povm_waves *w)
{
    of_state *x = malloc(w->dim * sizeof *x);
    w->class_of = malloc(w->dim * sizeof *w->class_of);
    w->energy = malloc(w->dim * sizeof *w->energy);
    w->decay = malloc(w->dim * sizeof *w->decay);
    if (!x || !w->class_of || !w->energy || !w->decay) {
        free(x);
        return qn_fail(QN_ERR_NOMEM, "no memory for states of %d spins", w->n);
    }
    for (size_t b = 0; b < w->dim; b++) {
        x[b].state = (uint32_t)b;
        exponent(w, b, &x[b].energy, &x[b].decay);
        x[b].energy = round(x[b].energy * 0x1p40) * 0x1p-40; /* sums in another order are one value */
        x[b].decay = round(x[b].decay * 0x1p40) * 0x1p-40;
    }
    qsort(x, w->dim, sizeof *x, by_exponent);
    for (size_t b = 0; b < w->dim; b++) {
        if (!b || by_exponent(&x[b - 1], &x[b])) {
            w->energy[w->n_classes] = x[b].energy;
            w->decay[w->n_classes++] = x[b].decay;
        }
        w->class_of[x[b].state] = (uint32_t)(w->n_classes - 1);
    }
    free(x);
    return 0;
}

static void add_jump(povm_waves *w, const povm_word *x, int site, int second)
{
    jump *j = &w->jump[w->n_jumps++];
    *j = (jump){.site = site, .second = second, .rate = x->factor * x->factor, .letter = {letter_of(x, 0), x->sites == 2 ? letter_of(x, 1) : 0}};
    for (int k = 0; k < x->sites; k++) {
        const uint32_t bit = 1u << (k ? second : site);
        if (j->letter[k] == '-' || j->letter[k] == '+')
            j->mask |= bit;
        if (j->letter[k] == '+')
            j->pattern |= bit;
    }
}

static int find_jumps(povm_waves *w)
{
    const povm_terms *t = &w->problem->terms;
    const povm_lattice *l = &w->problem->lattice;
    w->jump = calloc((size_t)t->n_jumps * (size_t)(w->n + l->n_bonds) + 1, sizeof *w->jump);
    if (!w->jump)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (int k = 0; k < t->n_jumps; k++) {
        const povm_word *x = &t->jump[k];
        for (int i = 0; i < w->n && x->sites == 1 && x->factor != 0; i++)
            add_jump(w, x, i, -1);
        for (int b = 0; b < l->n_bonds && x->sites == 2 && x->factor != 0; b++)
            add_jump(w, x, l->bond[b][0], l->bond[b][1]);
    }
    return 0;
}

/* Everything that is not diagonal: fields along X and Y, and the two-spin words with an X or a Y. */
static void find_turns(povm_waves *w)
{
    const povm_terms *t = &w->problem->terms;
    double field[2] = {0, 0};
    double h[64] = {0};
    w->parity = true;
    for (int k = 0; k < t->n_hamiltonian; k++) {
        const povm_word *x = &t->hamiltonian[k];
        if (diagonal(x) || x->factor == 0)
            continue;
        if (x->sites == 1) {
            field[x->letter[0][0] - 'X'] += x->factor;
            continue;
        }
        w->has_bonds = w->problem->lattice.n_bonds > 0;
        w->parity &= x->letter[0][0] != 'Z' && x->letter[1][0] != 'Z';
        for (int r = 0; r < 4; r++)
            for (int c = 0; c < 4; c++) {
                const double complex y = x->factor * x->op[0][r / 2][c / 2] * x->op[1][r % 2][c % 2];
                h[8 * r + c] += creal(y);
                h[8 * (r + 4) + c + 4] += creal(y);
                h[8 * (r + 4) + c] += cimag(y);
                h[8 * r + c + 4] -= cimag(y);
            }
    }
    gsl_matrix_view matrix = gsl_matrix_view_array(h, 8, 8), vectors = gsl_matrix_view_array(&w->vector[0][0], 8, 8);
    gsl_vector_view levels = gsl_vector_view_array(w->level, 8);
    gsl_eigen_symmv_workspace *space = gsl_eigen_symmv_alloc(8);
    gsl_eigen_symmv(&matrix.matrix, &levels.vector, &vectors.matrix, space);
    gsl_eigen_symmv_free(space);
    w->rotation = hypot(field[0], field[1]);
    w->axis_re = w->rotation > 0 ? field[0] / w->rotation : 0;
    w->axis_im = w->rotation > 0 ? field[1] / w->rotation : 0;
}

/* Each bond gets the first colour that neither of its sites has yet: the gates of a colour commute. */
static int colour_bonds(povm_waves *w)
{
    const povm_lattice *l = &w->problem->lattice;
    int *colour = calloc((size_t)l->n_bonds + 1, sizeof *colour);
    w->bond = calloc((size_t)l->n_bonds + 1, sizeof *w->bond);
    uint64_t used[POVM_WAVE_SITES] = {0};
    if (!colour || !w->bond) {
        free(colour);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    for (int b = 0; b < l->n_bonds; b++) {
        const uint64_t taken = used[l->bond[b][0]] | used[l->bond[b][1]];
        while (taken >> colour[b] & 1)
            colour[b]++;
        used[l->bond[b][0]] |= (uint64_t)1 << colour[b];
        used[l->bond[b][1]] |= (uint64_t)1 << colour[b];
        w->n_colours = colour[b] + 1 > w->n_colours ? colour[b] + 1 : w->n_colours;
    }
    int n = 0;
    for (int c = 0; c < w->n_colours; c++) {
        w->first[c] = n;
        for (int b = 0; b < l->n_bonds; b++)
            if (colour[b] == c)
                memcpy(w->bond[n++], l->bond[b], sizeof *w->bond);
        w->first[c + 1] = n;
    }
    free(colour);
    return 0;
}

/* The pure state of a spin with this Bloch vector. */
static void set_start(povm_waves *w)
{
    const double *r = w->problem->start, theta = acos(fmax(-1, fmin(1, r[2]))), phi = atan2(r[1], r[0]);
    w->start[0] = cos(theta / 2);
    w->start[1] = sin(theta / 2) * cexp(I * phi);
}

int povm_waves_create(const povm_problem *problem, double longest_dt, povm_waves **out)
{
    povm_waves *w = *out = calloc(1, sizeof *w);
    if (!w)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    w->problem = problem;
    w->n = problem->lattice.n;
    w->dim = (size_t)1 << w->n;
    w->lanes = w->n <= LANE_SITES ? LANES : 1;
    w->steps = (size_t)fmax(1, ceil(problem->tau / longest_dt * (1 - 1e-12)));
    int err = find_jumps(w);
    if (!err)
        err = find_classes(w);
    if (!err)
        err = colour_bonds(w);
    if (!err)
        err = make_gates(w, &w->whole);
    if (!err) {
        find_turns(w);
        set_start(w);
        set_gates(w, problem->tau / (double)w->steps, &w->whole);
        w->dt = problem->tau / (double)w->steps;
    }
    if (err) {
        povm_waves_destroy(w);
        *out = NULL;
    }
    return err;
}

void povm_waves_destroy(povm_waves *w)
{
    if (!w)
        return;
    free_gates(&w->whole);
    free(w->energy);
    free(w->decay);
    free(w->class_of);
    free(w->bond);
    free(w->jump);
    free(w);
}

int povm_waves_lanes(const povm_waves *w)
{
    return w->lanes;
}

size_t povm_waves_steps(const povm_waves *w)
{
    return w->steps;
}

double povm_waves_bytes(int n, double trajectories)
{
    const double dim = pow(2, n), lanes = n <= LANE_SITES ? LANES : 1;
    return dim * (16 * ceil(trajectories / lanes) * lanes + 60 + 24 * lanes + 48);
}

double povm_waves_seconds(const povm_problem *problem, double longest_dt)
{
    const int n = problem->lattice.n;
    bool bonds = false;
    for (int k = 0; k < problem->terms.n_hamiltonian; k++)
        bonds |= problem->terms.hamiltonian[k].sites == 2 && !diagonal(&problem->terms.hamiltonian[k]);
    return ceil(problem->tau / longest_dt) * pow(2, n) * (n <= LANE_SITES ? 0.4e-9 : 0.8e-9) * (n + 3 + (bonds ? 8 * problem->lattice.n_bonds : 0));
}

/* ---- rooms and blocks -------------------------------------------------------------------------------------------------- */

void povm_room_destroy(povm_room *r)
{
    if (!r)
        return;
    double *all[] = {r->re, r->im, r->one_re, r->one_im, r->try_re, r->try_im, r->p};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    free_gates(&r->piece);
    free(r);
}

povm_room *povm_room_create(const povm_waves *w)
{
    povm_room *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    const size_t lanes = (size_t)w->lanes;
    double **all[] = {&r->re, &r->im, &r->p, &r->one_re, &r->one_im, &r->try_re, &r->try_im};
    bool ok = !make_gates(w, &r->piece);
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        const size_t bytes = w->dim * (k < 3 ? lanes : 1) * sizeof(double);
        *all[k] = aligned_alloc(64, (bytes + 63) / 64 * 64);
        ok &= *all[k] != NULL;
    }
    if (ok)
        return r;
    povm_room_destroy(r);
    return NULL;
}

int povm_block_init(const povm_waves *w, const qn_streams *s, uint64_t first, povm_block *out)
{
    const size_t lanes = (size_t)w->lanes, bytes = (w->dim * lanes * sizeof(double) + 63) / 64 * 64;
    *out = (povm_block){.re = aligned_alloc(64, bytes), .im = aligned_alloc(64, bytes)};
    if (!out->re || !out->im)
        return qn_fail(QN_ERR_NOMEM, "no memory for states of %d spins", w->n);
    for (size_t b = 0; b < w->dim; b++) {
        double complex z = 1;
        for (int i = 0; i < w->n; i++)
            z *= w->start[b >> i & 1];
        for (size_t l = 0; l < lanes; l++) {
            out->re[b * lanes + l] = creal(z);
            out->im[b * lanes + l] = cimag(z);
        }
    }
    for (size_t l = 0; l < lanes; l++) {
        qn_stream_split(s, QN_STREAM_DYNAMICS, first + l, &out->rng[l]);
        out->norm[l] = 1;
        out->below[l] = qn_rng_uniform_pos(&out->rng[l]);
    }
    return 0;
}

void povm_block_free(povm_block *b)
{
    free(b->re);
    free(b->im);
    memset(b, 0, sizeof *b);
}

/* ---- jumps --------------------------------------------------------------------------------------------------------------- */

/* Which jump: with the probabilities of their rates in the state. */
static const jump *choose(const povm_waves *w, povm_room *room, qn_rng *rng)
{
    double total = 0;
    squares(w->dim, room->one_re, room->one_im, room->p);
    double weight[POVM_MAX_TERMS * POVM_WAVE_SITES * 4]; /* a jump's, while they fit */
    enum { FIT = sizeof weight / sizeof *weight };
    for (int pass = 0; pass < 2; pass++) {
        const double at = pass ? qn_rng_uniform(rng) * total : INFINITY;
        double sum = 0;
        for (size_t j = 0; j < w->n_jumps; j++) {
            const jump *x = &w->jump[j];
            if (!pass || j >= FIT) {
                double share = 0;
                for (size_t b = 0; b < w->dim; b++)
                    share += (b & x->mask) == x->pattern ? room->p[b] : 0;
                if (j < FIT)
                    weight[j] = x->rate * share;
                sum += x->rate * share;
            } else {
                sum += weight[j];
            }
            if (sum > at)
                return x;
        }
        total = sum;
    }
    return w->n_jumps ? &w->jump[w->n_jumps - 1] : NULL;
}

static void apply_letter(const povm_waves *w, char letter, int site, double *re, double *im)
{
    const size_t bit = (size_t)1 << site;
    for (size_t b = 0; b < w->dim; b++) {
        if (b & bit)
            continue;
        const double ur = re[b], ui = im[b], dr = re[b + bit], di = im[b + bit];
        switch (letter) {
        case 'X': re[b] = dr, im[b] = di, re[b + bit] = ur, im[b + bit] = ui; break;
        case 'Y': re[b] = di, im[b] = -dr, re[b + bit] = -ui, im[b + bit] = ur; break;
        case 'Z': re[b + bit] = -dr, im[b + bit] = -di; break;
        case '-': re[b] = im[b] = 0, re[b + bit] = ur, im[b + bit] = ui; break;
        default: re[b] = dr, im[b] = di, re[b + bit] = im[b + bit] = 0; break;
        }
    }
}

static void do_jump(const povm_waves *w, povm_room *room, qn_rng *rng)
{
    const jump *j = choose(w, room, rng);
    double norm;
    apply_letter(w, j->letter[0], j->site, room->one_re, room->one_im);
    if (j->second >= 0)
        apply_letter(w, j->letter[1], j->second, room->one_re, room->one_im);
    norms(w->dim, 1, room->one_re, room->one_im, &norm);
    for (size_t b = 0; b < w->dim; b++) {
        room->one_re[b] /= sqrt(norm);
        room->one_im[b] /= sqrt(norm);
    }
}

/* The single trajectory in `room` through a step in which it jumps: to the time of the jump, where log norm is taken as linear in time, and on. */
static void through(const povm_waves *w, povm_room *room, povm_block *block, size_t lane, double norm_after)
{
    double left = w->dt, before = block->norm[lane], after = norm_after;
    for (;;) {
        if (after >= block->below[lane])
            break;
        double part = left * log(before / block->below[lane]) / log(before / after);
        part = fmax(0, fmin(left, part));
        set_gates(w, part, &room->piece);
        step(w, 1, &room->piece, room->one_re, room->one_im, room->try_re, room->try_im);
        memcpy(room->one_re, room->try_re, w->dim * sizeof *room->one_re);
        memcpy(room->one_im, room->try_im, w->dim * sizeof *room->one_im);
        do_jump(w, room, &block->rng[lane]);
        block->jumps[lane]++;
        block->below[lane] = qn_rng_uniform_pos(&block->rng[lane]);
        before = 1;
        left -= part;
        set_gates(w, left, &room->piece);
        step(w, 1, &room->piece, room->one_re, room->one_im, room->try_re, room->try_im);
        norms(w->dim, 1, room->try_re, room->try_im, &after);
    }
    block->norm[lane] = after;
}

void povm_block_advance(const povm_waves *w, povm_room *room, size_t steps, povm_block *block)
{
    const size_t lanes = (size_t)w->lanes;
    for (size_t s = 0; s < steps; s++) {
        double norm[LANES];
        step(w, lanes, &w->whole, block->re, block->im, room->re, room->im);
        norms(w->dim, lanes, room->re, room->im, norm);
        for (size_t l = 0; l < lanes; l++) {
            if (!w->n_jumps || norm[l] >= block->below[l]) {
                block->norm[l] = norm[l];
                continue;
            }
            for (size_t b = 0; b < w->dim; b++) {
                room->one_re[b] = block->re[b * lanes + l];
                room->one_im[b] = block->im[b * lanes + l];
            }
            through(w, room, block, l, norm[l]);
            for (size_t b = 0; b < w->dim; b++) {
                room->re[b * lanes + l] = room->try_re[b];
                room->im[b * lanes + l] = room->try_im[b];
            }
        }
        double *re = block->re, *im = block->im;
        block->re = room->re;
        block->im = room->im;
        room->re = re;
        room->im = im;
    }
}

/* ---- expectations ---------------------------------------------------------------------------------------------------------- */

/* To the basis in which letter P is diagonal: 1/sqrt(2) (1 1; 1 -1) for X, the same after (1 0; 0 -i) for Y. */
static void turn_basis(const povm_waves *w, int letter, size_t lanes, double *re, double *im)
{
    const size_t size = w->dim * lanes;
    for (int i = 0; i < w->n && letter < 2; i++) {
        const size_t run = ((size_t)1 << i) * lanes;
        for (size_t base = run; base < size && letter == 1; base += 2 * run)
            for (size_t k = base; k < base + run; k++) {
                const double x = re[k];
                re[k] = im[k];
                im[k] = -x;
            }
        butterfly(size, run, re);
        butterfly(size, run, im);
    }
}

/* <P_i Q_j> of one lane, P and Q two letters (0: X). */
static double mixed(const povm_waves *w, size_t lane, const povm_block *block, int i, int p, int j, int q, double norm)
{
    const size_t lanes = (size_t)w->lanes, flip = (p < 2 ? (size_t)1 << i : 0) | (q < 2 ? (size_t)1 << j : 0);
    double sum = 0;
    for (size_t b = 0; b < w->dim; b++) { /* Q|b> = phase |b ^ flip>; X: 1, Y: i z, Z: z with z of b */
        double complex phase = 1;
        phase *= p == 1 ? I * z_of(b, i) : p == 2 ? z_of(b, i) : 1;
        phase *= q == 1 ? I * z_of(b, j) : q == 2 ? z_of(b, j) : 1;
        const size_t from = b * lanes + lane, to = (b ^ flip) * lanes + lane;
        const double re = block->re[to] * block->re[from] + block->im[to] * block->im[from], im = block->re[to] * block->im[from] - block->im[to] * block->re[from];
        sum += creal(phase) * re - cimag(phase) * im;
    }
    return sum / norm;
}

static void add_energy(const povm_waves *w, size_t lane, const povm_block *block, double norm, povm_expectations *x)
{
    const povm_terms *t = &w->problem->terms;
    const povm_lattice *l = &w->problem->lattice;
    const int n = w->n;
    for (int k = 0; k < t->n_hamiltonian; k++) {
        const povm_word *word = &t->hamiltonian[k];
        const int p = word->letter[0][0] - 'X', q = word->letter[1][0] - 'X';
        for (int i = 0; i < n && word->sites == 1; i++)
            x->energy += word->factor * x->one[p * n + i] / n;
        if (word->sites == 2 && p == q)
            x->energy += word->factor * x->near[p] * l->n_bonds / n;
        for (int b = 0; b < l->n_bonds && word->sites == 2 && p != q; b++)
            x->energy += word->factor * mixed(w, lane, block, l->bond[b][0], p, l->bond[b][1], q, norm) / n;
    }
}

void povm_block_look(const povm_waves *w, povm_room *room, const povm_block *block, double *one, double *pair, povm_expectations *x)
{
    const povm_lattice *l = &w->problem->lattice;
    const size_t lanes = (size_t)w->lanes, n = (size_t)w->n, size = w->dim * lanes;
    double norm[LANES];
    norms(w->dim, lanes, block->re, block->im, norm);
    for (size_t lane = 0; lane < lanes; lane++)
        x[lane] = (povm_expectations){.one = one + lane * 3 * n, .pair = pair + lane * 3 * n * n};
    for (int letter = 0; letter < 3; letter++) {
        memcpy(room->re, block->re, size * sizeof *room->re);
        memcpy(room->im, block->im, size * sizeof *room->im);
        turn_basis(w, letter, lanes, room->re, room->im);
        squares(size, room->re, room->im, room->p);
        for (int i = 0; i < w->n; i++) /* to sums over all states with the signs of any set of spins */
            butterfly(size, ((size_t)1 << i) * lanes, room->p);
        for (size_t lane = 0; lane < lanes; lane++) {
            double *its = one + (lane * 3 + (size_t)letter) * n, *pairs = pair + (lane * 3 + (size_t)letter) * n * n, all = room->p[lane];
            for (size_t i = 0; i < n; i++) {
                its[i] = room->p[((size_t)1 << i) * lanes + lane] / all;
                for (size_t j = i + 1; j < n; j++)
                    pairs[i * n + j] = room->p[((size_t)1 << i | (size_t)1 << j) * lanes + lane] / all;
            }
            for (int b = 0; b < l->n_bonds; b++) {
                const size_t i = (size_t)l->bond[b][0], j = (size_t)l->bond[b][1];
                x[lane].near[letter] += (i < j ? pairs[i * n + j] : pairs[j * n + i]) / l->n_bonds;
            }
        }
    }
    for (size_t lane = 0; lane < lanes; lane++)
        add_energy(w, lane, block, norm[lane], &x[lane]);
}
