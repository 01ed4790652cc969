/* frame.c -- see frame.h. */
#include "frame.h"

#include <assert.h>
#include <gsl/gsl_eigen.h>
#include <math.h>
#include <string.h>

/* Two tetrahedra on the Bloch sphere, and the Pauli measurements of four and of six outcomes. */
static void set_effects(povm_frame *f)
{
    const double r = 1 / sqrt(3), a = sqrt(2) / 3, b = sqrt(2.0 / 3), t = 1.0 / 3;
    const struct {
        int k;
        double w[POVM_OUTCOMES], v[POVM_OUTCOMES][3];
    } table[] = {
        [POVM_TETRA_CUBE] = {4, {0.25, 0.25, 0.25, 0.25}, {{r, r, r}, {r, -r, -r}, {-r, r, -r}, {-r, -r, r}}},
        [POVM_TETRA_Z] = {4, {0.25, 0.25, 0.25, 0.25}, {{0, 0, 1}, {2 * a, 0, -t}, {-a, b, -t}, {-a, -b, -t}}},
        [POVM_PAULI4] = {4, {1.0 / 6, 1.0 / 6, 1.0 / 6, 0.5}, {{0, 0, 1}, {1, 0, 0}, {0, 1, 0}, {-t, -t, -t}}},
        [POVM_PAULI6] = {6, {1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6}, {{0, 0, 1}, {0, 0, -1}, {1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}}},
    };
    f->k = table[f->kind].k;
    memcpy(f->w, table[f->kind].w, sizeof f->w);
    memcpy(f->v, table[f->kind].v, sizeof f->v);
}

/* x = (c_0 1 + c_1 X + c_2 Y + c_3 Z) s */
static void of_pauli(const double c[4], double s, double complex x[2][2])
{
    x[0][0] = s * (c[0] + c[3]);
    x[0][1] = s * (c[1] - I * c[2]);
    x[1][0] = s * (c[1] + I * c[2]);
    x[1][1] = s * (c[0] - c[3]);
}

/* The inverse on the space that T does not annihilate (Moore-Penrose), by its eigenvectors. */
static void invert(int k, double t[POVM_OUTCOMES][POVM_OUTCOMES], double out[POVM_OUTCOMES][POVM_OUTCOMES])
{
    double matrix[POVM_OUTCOMES * POVM_OUTCOMES], values[POVM_OUTCOMES], vectors[POVM_OUTCOMES * POVM_OUTCOMES];
    const size_t n = (size_t)k;
    for (int a = 0; a < k; a++)
        for (int b = 0; b < k; b++)
            matrix[a * k + b] = t[a][b];
    gsl_matrix_view m = gsl_matrix_view_array(matrix, n, n), v = gsl_matrix_view_array(vectors, n, n);
    gsl_vector_view e = gsl_vector_view_array(values, n);
    gsl_eigen_symmv_workspace *w = gsl_eigen_symmv_alloc(n);
    gsl_eigen_symmv(&m.matrix, &e.vector, &v.matrix, w);
    gsl_eigen_symmv_free(w);
    double most = 0;
    for (int i = 0; i < k; i++)
        most = fmax(most, values[i]);
    for (int i = 0; i < k; i++)
        for (int a = 0; a < k && values[i] > 1e-10 * most; a++)
            for (int b = 0; b < k; b++)
                out[a][b] += vectors[a * k + i] * vectors[b * k + i] / values[i];
}

void povm_frame_init(povm_frame *f, povm_kind kind)
{
    memset(f, 0, sizeof *f);
    f->kind = kind;
    set_effects(f);
    for (int a = 0; a < f->k; a++) {
        f->to_p[a][0] = f->w[a];
        for (int q = 0; q < 3; q++)
            f->to_p[a][q + 1] = f->w[a] * f->v[a][q];
        of_pauli(f->to_p[a], 1, f->m[a]);
    }
    for (int a = 0; a < f->k; a++)
        for (int b = 0; b < f->k; b++)
            for (int q = 0; q < 4; q++)
                f->t[a][b] += 2 * f->to_p[a][q] * f->to_p[b][q];
    invert(f->k, f->t, f->t_inverse);
    for (int q = 0; q < 4; q++)
        for (int a = 0; a < f->k; a++)
            for (int b = 0; b < f->k; b++)
                f->dual[q][a] += f->t_inverse[a][b] * 2 * f->to_p[b][q];
    for (int a = 0; a < f->k; a++) {
        const double c[4] = {f->dual[0][a], f->dual[1][a], f->dual[2][a], f->dual[3][a]};
        of_pauli(c, 0.5, f->n[a]);
        assert(fabs(f->dual[0][a] - 1) < 1e-12);
    }
}

void povm_frame_product(const povm_frame *f, const double r[3], double *p)
{
    for (int a = 0; a < f->k; a++)
        p[a] = f->w[a] * (1 + f->v[a][0] * r[0] + f->v[a][1] * r[1] + f->v[a][2] * r[2]);
}
