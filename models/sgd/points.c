/* points.c -- see points.h. */
#include "points.h"

#include <stdlib.h>
#include <string.h>

#include "vmath.h"

QN_CLONES static void widen_f32(size_t n, const uint8_t *from, float unit, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = unit * (float)from[i];
}

void sgd_points_f32(const sgd_points *p, size_t m, const uint32_t *at, size_t first, float *out)
{
    size_t row = p->d - (p->bias != 0);
    for (size_t k = 0; k < m; k++) {
        size_t mu = at ? at[k] : first + k;
        out[(k + 1) * p->d - 1] = (float)p->bias;
        if (p->bytes)
            widen_f32(row, p->bytes + (size_t)p->pick[mu] * row, (float)p->unit, out + k * p->d);
        for (size_t i = 0; !p->bytes && i < p->d; i++)
            out[k * p->d + i] = (float)p->x[mu * p->d + i];
    }
}

void sgd_points_f64(const sgd_points *p, size_t m, const uint32_t *at, size_t first, double *out)
{
    size_t row = p->d - (p->bias != 0);
    for (size_t k = 0; k < m; k++) {
        size_t mu = at ? at[k] : first + k;
        out[(k + 1) * p->d - 1] = p->bias;
        for (size_t i = 0; p->bytes && i < row; i++)
            out[k * p->d + i] = p->unit * (double)p->bytes[(size_t)p->pick[mu] * row + i];
        if (!p->bytes)
            memcpy(out + k * p->d, p->x + mu * p->d, p->d * sizeof *out);
    }
}

void sgd_points_free(sgd_points *p)
{
    free(p->x);
    free(p->pick);
    free(p->y);
    memset(p, 0, sizeof *p);
}
