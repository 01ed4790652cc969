/* generator.c -- see generator.h. */
#include "generator.h"

#include <math.h>
#include <string.h>

enum { MOST = 4 }; /* states of two spins; |first second> has the index 2 first + second */

typedef double complex matrix[MOST][MOST];

static void multiply(int d, matrix a, matrix b, matrix out)
{
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++) {
            out[i][j] = 0;
            for (int l = 0; l < d; l++)
                out[i][j] += a[i][l] * b[l][j];
        }
}

static void adjoint(int d, matrix a, matrix out)
{
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++)
            out[i][j] = conj(a[j][i]);
}

static void product_of(int sites, const double complex first[2][2], const double complex second[2][2], matrix out)
{
    const int d = 1 << sites;
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++)
            out[i][j] = sites == 1 ? first[i][j] : first[i / 2][j / 2] * second[i % 2][j % 2];
}

static void operator_of(const povm_word *w, matrix out)
{
    product_of(w->sites, w->op[0], w->op[1], out);
    for (int i = 0; i < 1 << w->sites; i++)
        for (int j = 0; j < 1 << w->sites; j++)
            out[i][j] *= w->factor;
}

/* out += G(x) of the words on that many sites: -i[H, x] + sum_c (C x C' - (C'C x + x C'C)/2). */
static void add_map(const povm_terms *terms, int sites, matrix x, matrix out)
{
    const int d = 1 << sites;
    matrix op, left, right, dagger, square;
    for (int t = 0; t < terms->n_hamiltonian; t++) {
        if (terms->hamiltonian[t].sites != sites)
            continue;
        operator_of(&terms->hamiltonian[t], op);
        multiply(d, op, x, left);
        multiply(d, x, op, right);
        for (int i = 0; i < d; i++)
            for (int j = 0; j < d; j++)
                out[i][j] -= I * (left[i][j] - right[i][j]);
    }
    for (int t = 0; t < terms->n_jumps; t++) {
        if (terms->jump[t].sites != sites)
            continue;
        operator_of(&terms->jump[t], op);
        adjoint(d, op, dagger);
        multiply(d, op, x, left);
        multiply(d, left, dagger, right);
        for (int i = 0; i < d; i++)
            for (int j = 0; j < d; j++)
                out[i][j] += right[i][j];
        multiply(d, dagger, op, square);
        multiply(d, square, x, left);
        multiply(d, x, square, right);
        for (int i = 0; i < d; i++)
            for (int j = 0; j < d; j++)
                out[i][j] -= (left[i][j] + right[i][j]) / 2;
    }
}

/* Re Tr(m x) */
static double trace(int d, matrix m, matrix x)
{
    double complex sum = 0;
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++)
            sum += m[i][j] * x[j][i];
    return creal(sum);
}

static bool any_word(const povm_terms *terms, int sites)
{
    bool any = false;
    for (int t = 0; t < terms->n_hamiltonian; t++)
        any |= terms->hamiltonian[t].sites == sites && terms->hamiltonian[t].factor != 0;
    for (int t = 0; t < terms->n_jumps; t++)
        any |= terms->jump[t].sites == sites && terms->jump[t].factor != 0;
    return any;
}

/* out[r][c] = Re Tr(m_r G(n_c)) over products of `count` local operators m, n. */
static void fill(const povm_terms *terms, int sites, int count, const double complex m[][2][2], const double complex n[][2][2], double *out)
{
    const int all = sites == 1 ? count : count * count, d = 1 << sites;
    for (int c = 0; c < all; c++) {
        matrix x, change = {{0}}, effect;
        product_of(sites, n[c % count], n[c / count], x);
        add_map(terms, sites, x, change);
        for (int r = 0; r < all; r++) {
            product_of(sites, m[r % count], m[r / count], effect);
            double rate = trace(d, effect, change);
            out[r * all + c] = fabs(rate) < 1e-14 ? 0 : rate;
        }
    }
}

void povm_generator_build(const povm_frame *frame, const povm_terms *terms, povm_generator *out)
{
    memset(out, 0, sizeof *out);
    out->k = frame->k;
    out->has_one = any_word(terms, 1);
    out->has_two = any_word(terms, 2);
    if (out->has_one)
        fill(terms, 1, frame->k, frame->m, frame->n, out->one);
    if (out->has_two)
        fill(terms, 2, frame->k, frame->m, frame->n, out->two);
}

void povm_generator_pauli(const povm_terms *terms, double one[16], double two[256])
{
    static const double complex pauli[4][2][2] = {{{1, 0}, {0, 1}}, {{0, 1}, {1, 0}}, {{0, -I}, {I, 0}}, {{1, 0}, {0, -1}}};
    double complex half[4][2][2];
    for (int q = 0; q < 4; q++)
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++)
                half[q][i][j] = pauli[q][i][j] / 2;
    fill(terms, 1, 4, pauli, half, one);
    fill(terms, 2, 4, pauli, half, two);
}
