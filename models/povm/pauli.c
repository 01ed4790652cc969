/* pauli.c -- see pauli.h. */
#include "pauli.h"

#include <gsl/gsl_complex_math.h>
#include <gsl/gsl_eigen.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* ---- symmetries --------------------------------------------------------------------------------------------------- */

static bool same_from_both_ends(const double *two)
{
    for (int r = 0; r < 16; r++)
        for (int c = 0; c < 16; c++)
            if (fabs(two[16 * r + c] - two[16 * (r / 4 + 4 * (r % 4)) + c / 4 + 4 * (c % 4)]) > 1e-13)
                return false;
    return true;
}

/* Whether a permutation of the sites maps the bonds on themselves, each as often as before. */
static bool maps_bonds(const povm_lattice *l, const int *to, bool directed)
{
    int count[POVM_PAULI_SITES][POVM_PAULI_SITES] = {{0}};
    for (int b = 0; b < l->n_bonds; b++) {
        int i = l->bond[b][0], j = l->bond[b][1], k = to[i], m = to[j];
        if (!directed && i > j)
            i = l->bond[b][1], j = l->bond[b][0];
        if (!directed && k > m)
            k = to[l->bond[b][1]], m = to[l->bond[b][0]];
        count[i][j]++;
        count[k][m]--;
    }
    for (int i = 0; i < l->n; i++)
        for (int j = 0; j < l->n; j++)
            if (count[i][j])
                return false;
    return true;
}

static bool known(const povm_pauli *g, const int *to)
{
    for (size_t s = 0; s < g->n_symmetries; s++)
        if (!memcmp(g->symmetry[s], to, (size_t)g->n * sizeof *to))
            return true;
    return false;
}

/* Translations, reflections and the transposition, where they are symmetries; together they are a group. */
static int find_symmetries(const povm_lattice *l, bool directed, bool symmetric, povm_pauli *g)
{
    g->symmetry = calloc((size_t)(8 * l->n), sizeof *g->symmetry);
    if (!g->symmetry)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (int way = 0; way < 8; way++)
        for (int move = 0; move < l->n; move++) {
            int to[POVM_PAULI_SITES];
            for (int i = 0; i < l->n; i++) {
                to[i] = i;
                if (l->graph)
                    continue;
                int x = (i % l->lx + move % l->lx) % l->lx, y = (i / l->lx + move / l->lx) % l->ly;
                if (way & 1)
                    x = l->lx - 1 - x;
                if (way & 2)
                    y = l->ly - 1 - y;
                to[i] = way & 4 && l->lx == l->ly ? y + l->lx * x : x + l->lx * y;
            }
            const bool identity = !way && !move;
            if ((identity || (symmetric && maps_bonds(l, to, directed))) && !known(g, to))
                memcpy(g->symmetry[g->n_symmetries++], to, (size_t)l->n * sizeof *to);
        }
    return 0;
}

/* Strings under a permutation of the sites, by tables of the images of the lower and of the upper half. */
enum { HALF = 8, HALF_SIZE = 1 << 2 * HALF };

static void image_tables(const int *to, int n, uint32_t *low, uint32_t *high)
{
    for (uint32_t s = 0; s < HALF_SIZE; s++) {
        low[s] = high[s] = 0;
        for (int i = 0; i < HALF; i++) {
            const uint32_t digit = s >> 2 * i & 3;
            low[s] |= i < n ? digit << 2 * to[i] : 0;
            high[s] |= i + HALF < n ? digit << 2 * to[i + HALF] : 0;
        }
    }
}

static uint32_t image(uint32_t string, const int *to, int n)
{
    uint32_t out = 0;
    for (int i = 0; i < n; i++)
        out |= (string >> 2 * i & 3) << 2 * to[i];
    return out;
}

/* ---- orbits and the matrix ------------------------------------------------------------------------------------------ */

/* Numbers of the orbits of all strings, in the order of their least strings. */
static int find_orbits(povm_pauli *g, uint32_t **orbit_of)
{
    const size_t all = (size_t)1 << 2 * g->n, room = all / g->n_symmetries * 2 + 4096;
    uint32_t *table = malloc(2 * HALF_SIZE * g->n_symmetries * sizeof *table), *orbit = malloc(all * sizeof *orbit);
    size_t capacity = room < all ? room : all;
    g->string = malloc(capacity * sizeof *g->string);
    g->orbit_size = malloc(capacity * sizeof *g->orbit_size);
    *orbit_of = orbit;
    bool ok = table && orbit && g->string && g->orbit_size;
    if (ok) {
        memset(orbit, 0xff, all * sizeof *orbit);
        for (size_t s = 0; s < g->n_symmetries; s++)
            image_tables(g->symmetry[s], g->n, table + 2 * HALF_SIZE * s, table + 2 * HALF_SIZE * s + HALF_SIZE);
    }
    for (size_t string = 0; string < all && ok; string++) {
        if (orbit[string] != UINT32_MAX)
            continue;
        if (g->size == capacity) { /* many strings with symmetries of their own */
            capacity = all;
            void *a = realloc(g->string, capacity * sizeof *g->string);
            g->string = a ? a : g->string;
            void *b = realloc(g->orbit_size, capacity * sizeof *g->orbit_size);
            g->orbit_size = b ? b : g->orbit_size;
            if (!(ok = a && b))
                break;
        }
        g->string[g->size] = (uint32_t)string;
        g->orbit_size[g->size] = 0;
        for (size_t s = 0; s < g->n_symmetries; s++) {
            const uint32_t *t = table + 2 * HALF_SIZE * s, to = t[string % HALF_SIZE] + t[HALF_SIZE + string / HALF_SIZE];
            g->orbit_size[g->size] = (uint16_t)(g->orbit_size[g->size] + (orbit[to] == UINT32_MAX));
            orbit[to] = (uint32_t)g->size;
        }
        g->size++;
    }
    free(table);
    return ok ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for the Pauli strings of %d sites", g->n);
}


typedef struct entry { /* of a row, before equal columns are joined */
    uint32_t column;
    double value;
} entry;

/* What a local matrix does to the string: row `digits` of it. */
static size_t add_entries(const double *matrix, uint32_t width, uint32_t digits, uint32_t string, uint32_t place_i, uint32_t place_j, const uint32_t *orbit, entry *out)
{
    size_t n = 0;
    const uint32_t base = string - (digits & 3) * place_i - (digits >> 2) * place_j;
    for (uint32_t c = 0; c < width; c++)
        if (matrix[width * digits + c] != 0)
            out[n++] = (entry){orbit[base + (c & 3) * place_i + (c >> 2) * place_j], matrix[width * digits + c]};
    return n;
}

static int by_column(const void *a, const void *b)
{
    const uint32_t x = ((const entry *)a)->column, y = ((const entry *)b)->column;
    return (x > y) - (x < y);
}

static size_t join(entry *e, size_t n)
{
    size_t kept = 0;
    qsort(e, n, sizeof *e, by_column);
    for (size_t i = 0; i < n; i++) {
        if (kept && e[kept - 1].column == e[i].column)
            e[kept - 1].value += e[i].value;
        else
            e[kept++] = e[i];
    }
    n = 0;
    for (size_t i = 0; i < kept; i++)
        if (fabs(e[i].value) > 1e-15)
            e[n++] = e[i];
    return n;
}

static size_t row_entries(const povm_lattice *l, const double *one, const double *two, uint32_t string, const uint32_t *orbit, entry *e)
{
    size_t n = 0;
    for (int i = 0; i < l->n; i++)
        n += add_entries(one, 4, string >> 2 * i & 3, string, 1u << 2 * i, 0, orbit, e + n);
    for (int b = 0; b < l->n_bonds; b++) {
        const int i = l->bond[b][0], j = l->bond[b][1];
        n += add_entries(two, 16, (string >> 2 * i & 3) | (string >> 2 * j & 3) << 2, string, 1u << 2 * i, 1u << 2 * j, orbit, e + n);
    }
    return join(e, n);
}

static int fill_matrix(povm_pauli *g, const povm_lattice *l, const double *one, const double *two, const uint32_t *orbit)
{
    entry *e = malloc((size_t)(4 * l->n + 16 * l->n_bonds + 1) * sizeof *e);
    g->row = calloc(g->size + 1, sizeof *g->row);
    if (!e || !g->row) {
        free(e);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    size_t room = 0;
    for (size_t r = 0; r < g->size; r++) {
        const size_t n = row_entries(l, one, two, g->string[r], orbit, e);
        if (g->row[r] + n > room) {
            room = room + room / 4 + 65536;
            void *column = realloc(g->column, room * sizeof *g->column);
            g->column = column ? column : g->column;
            void *value = realloc(g->value, room * sizeof *g->value);
            g->value = value ? value : g->value;
            if (!column || !value) {
                free(e);
                return qn_fail(QN_ERR_NOMEM, "no memory for the equations of the Pauli strings of %d sites", g->n);
            }
        }
        double sum = 0;
        for (size_t k = 0; k < n; k++) {
            g->column[g->row[r] + k] = e[k].column;
            g->value[g->row[r] + k] = e[k].value;
            sum += fabs(e[k].value);
        }
        g->row[r + 1] = g->row[r] + n;
        g->norm = fmax(g->norm, sum);
    }
    free(e);
    return 0;
}

int povm_pauli_create(const povm_problem *problem, bool symmetric, povm_pauli *out)
{
    const povm_lattice *l = &problem->lattice;
    double one[16], two[256];
    uint32_t *orbit = NULL;
    memset(out, 0, sizeof *out);
    if (l->n > POVM_PAULI_SITES)
        return qn_fail(QN_ERR_INPUT, "the exact solver takes at most %d sites, not %d", POVM_PAULI_SITES, l->n);
    out->n = l->n;
    povm_generator_pauli(&problem->terms, one, two);
    int err = find_symmetries(l, !same_from_both_ends(two), symmetric, out);
    if (!err)
        err = find_orbits(out, &orbit);
    if (!err)
        err = fill_matrix(out, l, one, two, orbit);
    free(orbit);
    return err;
}

void povm_pauli_free(povm_pauli *g)
{
    free(g->symmetry);
    free(g->string);
    free(g->orbit_size);
    free(g->row);
    free(g->column);
    free(g->value);
    memset(g, 0, sizeof *g);
}

/* ---- what it costs -------------------------------------------------------------------------------------------------- */

/* Orbits and entries of the matrix, about, without building them. */
static void estimate(const povm_problem *problem, double *orbits, double *entries)
{
    const povm_lattice *l = &problem->lattice;
    double one[16], two[256], per_row = 1, symmetries = 1;
    povm_generator_pauli(&problem->terms, one, two);
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++)
            per_row += r != c && one[4 * r + c] != 0 ? l->n / 4.0 : 0;
    for (int r = 0; r < 16; r++)
        for (int c = 0; c < 16; c++)
            per_row += r != c && two[16 * r + c] != 0 ? l->n_bonds / 16.0 : 0;
    if (l->n <= POVM_PAULI_SITES) {
        povm_pauli g = {.n = l->n};
        if (!find_symmetries(l, !same_from_both_ends(two), true, &g))
            symmetries = (double)g.n_symmetries;
        povm_pauli_free(&g);
    } else if (!l->graph && l->periodic) {
        symmetries = 2.0 * l->n;
    }
    *orbits = pow(4, l->n) / symmetries + 1;
    *entries = *orbits * per_row;
}

double povm_pauli_bytes(const povm_problem *problem)
{
    double orbits, entries;
    estimate(problem, &orbits, &entries);
    return 4 * pow(4, problem->lattice.n) + 15 * entries + orbits * (14 + 8 * ((double)povm_steady_solver_restart(orbits) + 6));
}

double povm_pauli_seconds(const povm_problem *problem)
{
    double orbits, entries;
    estimate(problem, &orbits, &entries);
    return 1.2e-9 * entries;
}

/* ---- vectors -------------------------------------------------------------------------------------------------------- */

void povm_pauli_start(const povm_pauli *g, const double r[3], double *c)
{
    const double letter[4] = {1, r[0], r[1], r[2]};
    for (size_t q = 0; q < g->size; q++) {
        c[q] = 1;
        for (int i = 0; i < g->n; i++)
            c[q] *= letter[g->string[q] >> 2 * i & 3];
    }
}

enum { BLOCK = 4096 }; /* rows that a thread takes, and terms of a partial sum */
#define WORTH_THREADS 4e6 /* multiplications: a millisecond or two, which the waiting for the others must not exceed */

static int threads_for(double work)
{
    return work < WORTH_THREADS ? 1 : qn_threads();
}

void povm_pauli_apply(const povm_pauli *g, const double *c, double *out)
{
    const int threads = threads_for((double)g->row[g->size]);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t r = 0; r < g->size; r++) {
        double sum = 0;
        for (size_t k = g->row[r]; k < g->row[r + 1]; k++)
            sum += g->value[k] * c[g->column[k]];
        out[r] = sum;
    }
}

double povm_pauli_rate(const povm_pauli *g, const double *c, double *scratch)
{
    double most = 0;
    povm_pauli_apply(g, c, scratch);
    for (size_t q = 0; q < g->size; q++)
        most = fmax(most, fabs(scratch[q]));
    return most;
}

size_t povm_pauli_find(const povm_pauli *g, uint32_t string)
{
    uint32_t least = string;
    for (size_t s = 1; s < g->n_symmetries; s++) {
        const uint32_t to = image(string, g->symmetry[s], g->n);
        least = to < least ? to : least;
    }
    size_t lo = 0, hi = g->size; /* string[lo] <= least < string[hi] */
    while (hi - lo > 1) {
        const size_t mid = lo + (hi - lo) / 2;
        if (g->string[mid] <= least)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

void povm_pauli_evolve(const povm_pauli *g, double t, double *c, double *scratch)
{
    double *term = scratch, *next = scratch + g->size;
    memcpy(term, c, g->size * sizeof *c);
    for (int k = 1; k < 200; k++) {
        double most = 0;
        povm_pauli_apply(g, term, next);
        for (size_t q = 0; q < g->size; q++) {
            next[q] *= t / k;
            c[q] += next[q];
            most = fmax(most, fabs(next[q]));
        }
        double *swap = term;
        term = next;
        next = swap;
        if (most < 1e-14 && k > t * g->norm)
            return;
    }
}

/* ---- observables ---------------------------------------------------------------------------------------------------- */

static double expectation(const povm_pauli *g, const double *c, int i, int p, int j, int q)
{
    return c[povm_pauli_find(g, (uint32_t)p << 2 * i | (uint32_t)q << 2 * j)];
}

void povm_pauli_expectations(const povm_pauli *g, const povm_problem *problem, const double *c, double *one, double *pair, povm_expectations *out)
{
    const povm_lattice *l = &problem->lattice;
    const povm_terms *terms = &problem->terms;
    const int n = l->n;
    *out = (povm_expectations){.one = one, .pair = pair};
    for (int p = 0; p < 3; p++) {
        for (int i = 0; i < n; i++) {
            one[p * n + i] = expectation(g, c, i, p + 1, 0, 0);
            for (int j = i + 1; j < n; j++)
                pair[(p * n + i) * n + j] = expectation(g, c, i, p + 1, j, p + 1);
        }
        for (int b = 0; b < l->n_bonds; b++)
            out->near[p] += expectation(g, c, l->bond[b][0], p + 1, l->bond[b][1], p + 1) / l->n_bonds;
    }
    for (int t = 0; t < terms->n_hamiltonian; t++) {
        const povm_word *w = &terms->hamiltonian[t];
        const int p = w->letter[0][0] - 'X' + 1, q = w->letter[1][0] - 'X' + 1;
        for (int i = 0; i < n && w->sites == 1; i++)
            out->energy += w->factor * expectation(g, c, i, p, 0, 0) / n;
        for (int b = 0; b < l->n_bonds && w->sites == 2; b++)
            out->energy += w->factor * expectation(g, c, l->bond[b][0], p, l->bond[b][1], q) / n;
    }
}

double povm_pauli_purity(const povm_pauli *g, const double *c)
{
    double sum = 0;
    for (size_t q = 0; q < g->size; q++)
        sum += g->orbit_size[q] * c[q] * c[q];
    return ldexp(sum, -g->n);
}

void povm_pauli_expand(const povm_pauli *g, const double *c, double *all)
{
    for (size_t q = 0; q < g->size; q++)
        for (size_t s = 0; s < g->n_symmetries; s++)
            all[image(g->string[q], g->symmetry[s], g->n)] = c[q];
}

int povm_pauli_probabilities(const povm_frame *frame, int n, const double *all, double *p)
{
    const size_t k = (size_t)frame->k;
    size_t done = 1, left = (size_t)1 << 2 * n; /* outcomes of the sites that are done, which stand behind the strings of the others */
    double *before = malloc((size_t)pow((double)k, n) * sizeof *before);
    if (!before)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    memcpy(p, all, left * sizeof *p);
    for (int i = n - 1; i >= 0; i--) {
        memcpy(before, p, left * done * sizeof *p);
        left /= 4;
        for (size_t b = 0; b < done; b++)
            for (size_t a = 0; a < k; a++)
                for (size_t q = 0; q < left; q++) {
                    double sum = 0;
                    for (size_t letter = 0; letter < 4; letter++)
                        sum += frame->to_p[a][letter] * before[q + left * (letter + 4 * b)];
                    p[q + left * (a + k * b)] = sum;
                }
        done *= k;
    }
    free(before);
    return 0;
}

/* rho = A + i B as the real symmetric matrix (A, -B; B, A), which has every eigenvalue twice.  (Not gsl_eigen_herm: the zdotc of OpenBLAS 0.3.21 that
 * it calls reads beyond the end of strided vectors.) */
int povm_pauli_least_eigenvalue(int n, const double *all, double *out)
{
    const size_t d = (size_t)1 << n, strings = (size_t)1 << 2 * n;
    gsl_matrix *rho = gsl_matrix_calloc(2 * d, 2 * d);
    gsl_eigen_symm_workspace *w = gsl_eigen_symm_alloc(2 * d);
    gsl_vector *values = gsl_vector_alloc(2 * d);
    for (size_t q = 0; q < strings; q++)
        for (size_t row = 0; row < d; row++) { /* Q has one entry in every row: 1, i, -1 or -i */
            static const double re[4] = {1, 0, -1, 0}, im[4] = {0, 1, 0, -1};
            size_t column = row;
            int turns = 0; /* quarter turns of the phase */
            for (int i = 0; i < n; i++) {
                const size_t letter = q >> 2 * i & 3, down = row >> i & 1;
                column ^= letter == 1 || letter == 2 ? (size_t)1 << i : 0;
                turns += letter == 2 ? (down ? 1 : 3) : letter == 3 && down ? 2 : 0;
            }
            const double x = ldexp(all[q] * re[turns % 4], -n), y = ldexp(all[q] * im[turns % 4], -n);
            *gsl_matrix_ptr(rho, row, column) += x;
            *gsl_matrix_ptr(rho, d + row, d + column) += x;
            *gsl_matrix_ptr(rho, d + row, column) += y;
            *gsl_matrix_ptr(rho, row, d + column) -= y;
        }
    const int err = gsl_eigen_symm(rho, values, w);
    *out = gsl_vector_min(values);
    gsl_matrix_free(rho);
    gsl_eigen_symm_free(w);
    gsl_vector_free(values);
    return err ? qn_fail(QN_ERR_NUMERIC, "the eigenvalues of the state did not converge") : 0;
}

int povm_pauli_gap(const povm_problem *problem, double *gap, double *largest)
{
    povm_pauli g;
    int err = povm_pauli_create(problem, false, &g);
    if (err) {
        povm_pauli_free(&g);
        return err;
    }
    gsl_matrix *m = gsl_matrix_calloc(g.size, g.size);
    gsl_vector_complex *values = gsl_vector_complex_alloc(g.size);
    gsl_eigen_nonsymm_workspace *w = gsl_eigen_nonsymm_alloc(g.size);
    for (size_t r = 0; r < g.size; r++)
        for (size_t k = g.row[r]; k < g.row[r + 1]; k++)
            gsl_matrix_set(m, r, g.column[k], g.value[k]);
    gsl_eigen_nonsymm_params(0, 1, w);
    if (gsl_eigen_nonsymm(m, values, w))
        err = qn_fail(QN_ERR_NUMERIC, "the eigenvalues of the Liouvillian did not converge");
    size_t zero = 0; /* the eigenvalue that belongs to the steady state */
    *gap = INFINITY;
    *largest = 0;
    for (size_t k = 0; k < g.size && !err; k++)
        if (gsl_complex_abs(gsl_vector_complex_get(values, k)) < gsl_complex_abs(gsl_vector_complex_get(values, zero)))
            zero = k;
    for (size_t k = 0; k < g.size && !err; k++) {
        const gsl_complex z = gsl_vector_complex_get(values, k);
        *largest = fmax(*largest, gsl_complex_abs(z));
        if (k != zero)
            *gap = fmin(*gap, fabs(GSL_REAL(z)));
    }
    gsl_matrix_free(m);
    gsl_vector_complex_free(values);
    gsl_eigen_nonsymm_free(w);
    povm_pauli_free(&g);
    return err;
}

/* ---- the steady state ------------------------------------------------------------------------------------------------ */

/* sum x y over a part of the rows, in 16 partial sums. */
static double dot(size_t n, const double *x, const double *y)
{
    double s[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t j = 0; j < 16; j++)
            s[j] += x[i + j] * y[i + j];
    for (; i < n; i++)
        s[0] += x[i] * y[i];
    for (size_t w = 8; w; w /= 2)
        for (size_t j = 0; j < w; j++)
            s[j] += s[j + w];
    return s[0];
}

/* out[j] = basis_j . v for j < k.  Blocks of rows, whose sums are added in order: the same bits with any number of threads. */
static void project(povm_steady_solver *s, size_t k, const double *v, double *out)
{
    const size_t n = s->size, blocks = (n + BLOCK - 1) / BLOCK;
    const int threads = threads_for((double)k * (double)n);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t b = 0; b < blocks; b++) {
        const size_t begin = b * BLOCK, rows = n - begin < BLOCK ? n - begin : BLOCK;
        for (size_t j = 0; j < k; j++)
            s->part[b * s->restart + j] = dot(rows, s->basis + j * n + begin, v + begin);
    }
    memset(out, 0, k * sizeof *out);
    for (size_t b = 0; b < blocks; b++)
        for (size_t j = 0; j < k; j++)
            out[j] += s->part[b * s->restart + j];
}

/* v += sign sum_j x_j basis_j, j < k */
static void add_basis(const povm_steady_solver *s, size_t k, double sign, const double *x, double *v)
{
    const size_t n = s->size, blocks = (n + BLOCK - 1) / BLOCK;
    const int threads = threads_for((double)k * (double)n);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (size_t b = 0; b < blocks; b++) {
        const size_t begin = b * BLOCK, end = n - begin < BLOCK ? n : begin + BLOCK;
        for (size_t j = 0; j < k; j++)
            for (size_t i = begin; i < end; i++)
                v[i] += sign * x[j] * s->basis[j * n + i];
    }
}

static double length_of(povm_steady_solver *s, const double *v)
{
    const size_t n = s->size;
    double sum = 0;
    for (size_t begin = 0; begin < n; begin += BLOCK)
        sum += dot(n - begin < BLOCK ? n - begin : BLOCK, v + begin, v + begin);
    return sqrt(sum);
}

/* v loses its parts along basis_j, j < k, which are added to h; once more where little of it is left (Daniel et al. 1976).  Its length. */
static double orthogonalise(povm_steady_solver *s, size_t k, double *v, double *h)
{
    double before = length_of(s, v), after = before;
    memset(h, 0, k * sizeof *h);
    for (int pass = 0; pass < 3; pass++) {
        project(s, k, v, s->step);
        add_basis(s, k, -1, s->step, v);
        for (size_t j = 0; j < k; j++)
            h[j] += s->step[j];
        after = length_of(s, v);
        if (after > 0.7 * before)
            break;
        before = after;
    }
    return after;
}

/* Vectors of a cycle: 256 MiB of them, 30 to 300.  More is better wherever it fits: a ring of 8 at g = 1 takes 404 multiplications with 20 of them, 244
 * with 60; at V = 8, six sites, 983 and 544. */
size_t povm_steady_solver_restart(double size)
{
    return (size_t)fmin(fmin(fmax(268435456 / (8 * size), 30), 300), fmax(size - 1, 1));
}

int povm_steady_solver_create(const povm_pauli *g, const double r[3], povm_steady_solver *out)
{
    *out = (povm_steady_solver){.g = g, .size = g->size - 1, .restart = povm_steady_solver_restart((double)g->size), .residual = INFINITY, .before = INFINITY};
    const size_t m = out->restart;
    out->c = malloc(g->size * sizeof *out->c);
    out->full = malloc(2 * g->size * sizeof *out->full);
    out->basis = malloc((m + 1) * out->size * sizeof *out->basis);
    out->h = calloc((m + 1) * m, sizeof *out->h);
    out->rotation = calloc(2 * m, sizeof *out->rotation);
    out->rhs = calloc(m + 1, sizeof *out->rhs);
    out->step = calloc(2 * m, sizeof *out->step);
    out->part = calloc((out->size + BLOCK - 1) / BLOCK * m + 1, sizeof *out->part);
    if (!out->c || !out->full || !out->basis || !out->h || !out->rotation || !out->rhs || !out->step || !out->part)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    povm_pauli_start(g, r, out->c);
    return 0;
}

void povm_steady_solver_free(povm_steady_solver *s)
{
    free(s->c);
    free(s->full);
    free(s->basis);
    free(s->h);
    free(s->rotation);
    free(s->rhs);
    free(s->step);
    free(s->part);
    memset(s, 0, sizeof *s);
}

enum { MOST_APPLIED = 200000 };

/* The residual of c, which a cycle begins with; false: c is good enough, or as good as it gets. */
static bool begin_cycle(povm_steady_solver *s)
{
    s->before = s->residual;
    s->residual = povm_pauli_rate(s->g, s->c, s->full);
    s->applied++;
    s->converged = s->residual < POVM_STEADY_RESIDUAL;
    s->over = s->converged || !isfinite(s->residual) || s->applied >= MOST_APPLIED;
    if (s->over)
        return false;
    const double norm = length_of(s, s->full + 1);
    for (size_t i = 0; i < s->size; i++)
        s->basis[i] = -s->full[1 + i] / norm;
    memset(s->rhs, 0, (s->restart + 1) * sizeof *s->rhs);
    s->rhs[0] = norm;
    return true;
}

/* c += sum_k y_k basis_k, y the least-squares solution of `done` iterations. */
static void end_cycle(povm_steady_solver *s)
{
    const size_t m = s->restart, n = s->done;
    double *y = s->rhs;
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++)
            y[k] -= s->h[k * m + j] * y[j];
        y[k] /= s->h[k * m + k];
    }
    add_basis(s, n, 1, y, s->c + 1);
    s->done = 0;
}

void povm_steady_solver_step(povm_steady_solver *s)
{
    const size_t m = s->restart, k = s->done;
    if (k == 0 && !begin_cycle(s))
        return;
    double *from = s->full, *to = s->full + s->g->size, *v = s->basis + (k + 1) * s->size;
    from[0] = 0;
    memcpy(from + 1, s->basis + k * s->size, s->size * sizeof *from);
    povm_pauli_apply(s->g, from, to);
    s->applied++;
    memcpy(v, to + 1, s->size * sizeof *v);
    const double norm = orthogonalise(s, k + 1, v, s->step + m);
    for (size_t j = 0; j <= k; j++)
        s->h[j * m + k] = s->step[m + j];
    for (size_t j = 0; j < k; j++) { /* the rotations so far */
        const double c = s->rotation[2 * j], sn = s->rotation[2 * j + 1], a = s->h[j * m + k], b = s->h[(j + 1) * m + k];
        s->h[j * m + k] = c * a + sn * b;
        s->h[(j + 1) * m + k] = c * b - sn * a;
    }
    const double a = s->h[k * m + k], length = hypot(a, norm), scale = fabs(s->rhs[0]) + 1;
    s->done = k + 1;
    if (!(length > 1e-14 * scale)) { /* G maps the space of this cycle into itself, singular on it */
        s->done = k;
        end_cycle(s);
        s->over = true;
        s->residual = povm_pauli_rate(s->g, s->c, s->full);
        s->converged = s->residual < POVM_STEADY_RESIDUAL;
        return;
    }
    s->rotation[2 * k] = a / length;
    s->rotation[2 * k + 1] = norm / length;
    s->h[k * m + k] = length;
    s->rhs[k + 1] = -norm / length * s->rhs[k];
    s->rhs[k] *= a / length;
    const bool enough = fabs(s->rhs[k + 1]) < 0.5 * POVM_STEADY_RESIDUAL, exhausted = norm < 1e-13;
    if (enough || exhausted || s->done == m) {
        end_cycle(s);
        return;
    }
    for (size_t i = 0; i < s->size; i++)
        v[i] /= norm;
}

int povm_pauli_solve(const povm_problem *problem, double t, double *all)
{
    povm_pauli g;
    povm_steady_solver s = {0};
    double *scratch = NULL;
    int err = povm_pauli_create(problem, true, &g);
    if (!err)
        err = povm_steady_solver_create(&g, problem->start, &s);
    if (!err && t < 0) {
        while (!s.over)
            povm_steady_solver_step(&s);
        if (!s.converged)
            err = qn_fail(QN_ERR_NUMERIC, "the exact steady state did not converge (max |d<Q>/dt| = %.1e)", s.residual);
    } else if (!err && !(scratch = malloc(2 * g.size * sizeof *scratch))) {
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    } else if (!err) {
        const double parts = ceil(t * g.norm / POVM_PAULI_REACH);
        for (double k = 0; k < parts; k++)
            povm_pauli_evolve(&g, t / parts, s.c, scratch);
    }
    if (!err)
        povm_pauli_expand(&g, s.c, all);
    free(scratch);
    povm_steady_solver_free(&s);
    povm_pauli_free(&g);
    return err;
}
