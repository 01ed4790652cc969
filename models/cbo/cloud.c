/* cloud.c -- see cloud.h. */
#include "cloud.h"

#include <math.h>
#include <string.h>

#include "vmath.h"

static size_t particles_in(const cbo_ensemble *e, size_t tile)
{
    size_t left = e->n - tile * CBO_LANES;
    return left < CBO_LANES ? left : CBO_LANES;
}

static double fold(const double part[8])
{
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

/* Sum of a row, and scalar product of two rows, over CBO_LANES elements. */
static inline double row_sum(const double *a)
{
    double part[8] = {0};
    for (size_t i = 0; i < CBO_LANES; i += 8)
        for (size_t j = 0; j < 8; j++)
            part[j] += a[i + j];
    return fold(part);
}

static inline double row_dot(const double *a, const double *b)
{
    double part[8] = {0};
    for (size_t i = 0; i < CBO_LANES; i += 8)
        for (size_t j = 0; j < 8; j++)
            part[j] += a[i + j] * b[i + j];
    return fold(part);
}

/* The tile about `centre` (NULL: 0), padding 0. */
static void centred(const cbo_ensemble *e, size_t tile, const double *centre, double *y)
{
    const double *x = cbo_tile(e, tile);
    size_t count = particles_in(e, tile);
    for (size_t k = 0; k < e->d; k++) {
        double c = centre ? centre[k] : 0;
        double *row = y + k * CBO_LANES;
        for (size_t i = 0; i < count; i++)
            row[i] = x[k * CBO_LANES + i] - c;
        for (size_t i = count; i < CBO_LANES; i++)
            row[i] = 0;
    }
}

void cbo_cloud_mean(const cbo_ensemble *e, double *mean)
{
    memset(mean, 0, e->d * sizeof *mean);
    for (size_t t = 0; t < e->tiles; t++) {
        centred(e, t, NULL, e->work);
        for (size_t k = 0; k < e->d; k++)
            mean[k] += row_sum(e->work + k * CBO_LANES);
    }
    for (size_t k = 0; k < e->d; k++)
        mean[k] /= (double)e->n;
}

double cbo_cloud_trace(const cbo_ensemble *e, const double *centre)
{
    double sum = 0;
    for (size_t t = 0; t < e->tiles; t++) {
        centred(e, t, centre, e->work);
        for (size_t k = 0; k < e->d; k++)
            sum += row_dot(e->work + k * CBO_LANES, e->work + k * CBO_LANES);
    }
    return sum / (double)e->n;
}

QN_CLONES static void add_products(size_t d, const double *y, const double *wy, double *cov)
{
    for (size_t k = 0; k < d; k++)
        for (size_t l = 0; l <= k; l++)
            cov[k * d + l] += row_dot(wy + k * CBO_LANES, y + l * CBO_LANES);
}

void cbo_cloud_covariance(const cbo_ensemble *e, const double *w, const double *centre, double *cov)
{
    size_t d = e->d;
    double *y = e->work, *wy = e->work + d * CBO_LANES, total = w ? 0 : (double)e->n;
    memset(cov, 0, d * d * sizeof *cov);
    for (size_t t = 0; t < e->tiles; t++) {
        const double *wt = w ? w + t * CBO_LANES : NULL;
        centred(e, t, centre, y);
        for (size_t k = 0; k < d && wt; k++)
            for (size_t i = 0; i < CBO_LANES; i++) /* weight 0 stays 0 where a position is not finite */
                wy[k * CBO_LANES + i] = wt[i] > 0 ? wt[i] * y[k * CBO_LANES + i] : 0;
        for (size_t k = 0; k < d && wt; k++)
            for (size_t i = 0; i < CBO_LANES; i++)
                y[k * CBO_LANES + i] = wt[i] > 0 ? y[k * CBO_LANES + i] : 0;
        add_products(d, y, wt ? wy : y, cov);
        if (wt)
            total += row_sum(wt);
    }
    for (size_t k = 0; k < d; k++)
        for (size_t l = 0; l <= k; l++)
            cov[l * d + k] = cov[k * d + l] = cov[k * d + l] / total;
}

/* Column by column; what is left of a column under a vanishing pivot is rounding, since |S_kl|^2 <= S_kk S_ll. */
size_t cbo_cholesky(size_t d, double *s)
{
    double top = 0;
    size_t rank = 0;
    for (size_t k = 0; k < d; k++)
        top = fmax(top, s[k * d + k]);
    for (size_t k = 0; k < d; k++) {
        double pivot = s[k * d + k];
        for (size_t j = 0; j < k; j++)
            pivot -= s[k * d + j] * s[k * d + j];
        bool flat = !(pivot > 1e-14 * top);
        double root = flat ? 0 : sqrt(pivot);
        rank += !flat;
        s[k * d + k] = root;
        for (size_t i = k + 1; i < d; i++) {
            double x = s[i * d + k];
            for (size_t j = 0; j < k; j++)
                x -= s[i * d + j] * s[k * d + j];
            s[i * d + k] = flat ? 0 : x / root;
            s[k * d + i] = 0;
        }
    }
    return rank;
}

bool cbo_cholesky_solve(size_t d, const double *l, double *b)
{
    for (size_t k = 0; k < d; k++) {
        if (!(l[k * d + k] > 0))
            return false;
        for (size_t j = 0; j < k; j++)
            b[k] -= l[k * d + j] * b[j];
        b[k] /= l[k * d + k];
    }
    for (size_t k = d; k-- > 0;) {
        for (size_t i = k + 1; i < d; i++)
            b[k] -= l[i * d + k] * b[i];
        b[k] /= l[k * d + k];
    }
    return true;
}
