/* places.c -- see places.h. */
#include "places.h"

#include <math.h>

#include <gsl/gsl_math.h>
#include <gsl/gsl_multifit.h>

#define MOST_ERRORS 5 /* a point counts as so many standard errors at most: one that is known exactly must not outvote the others */

size_t qn_place_split(size_t n, const double *y, const double *err, double level)
{
    double all = 0, before = 0, most = 0;
    size_t best = SIZE_MAX;
    bool above = false, below = false;
    for (size_t i = 0; i < n; i++) {
        double z = (y[i] - level) / (err ? err[i] : 1);
        all += fmax(-MOST_ERRORS, fmin(z, MOST_ERRORS));
        above |= y[i] > level;
        below |= y[i] < level;
    }
    if (!above || !below)
        return SIZE_MAX;
    for (size_t k = 0; k + 1 < n; k++) {
        double z = (y[k] - level) / (err ? err[k] : 1);
        before += fmax(-MOST_ERRORS, fmin(z, MOST_ERRORS));
        bool change = (y[k] - level) * (y[k + 1] - level) <= 0 && y[k] != y[k + 1];
        if (change && fabs(2 * before - all) > most) {
            most = fabs(2 * before - all);
            best = k;
        }
    }
    return best;
}

void qn_place_weights(size_t n, const double *x, double at, double *c)
{
    for (size_t i = 0; i < n; i++) {
        c[i] = 1;
        for (size_t j = 0; j < n; j++)
            c[i] *= i == j ? 1 : (at - x[j]) / (x[i] - x[j]);
    }
}

/* Between points k and k + 1: the cubic through their neighbours, halved 60 times. */
static double inside_step(size_t n, const double *x, const double *y, size_t k, double level)
{
    size_t first = k > 0 ? k - 1 : 0, last = k + 2 < n ? k + 2 : n - 1, count = last - first + 1;
    double low = x[k], high = x[k + 1];
    bool rises = y[k + 1] > y[k];
    for (int turn = 0; turn < 60; turn++) {
        double middle = 0.5 * (low + high), c[4], v = 0;
        qn_place_weights(count, x + first, middle, c);
        for (size_t i = 0; i < count; i++)
            v += c[i] * y[first + i];
        if ((v < level) == rises)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

double qn_place_level(size_t n, const double *x, const double *y, double level, double near, size_t *step)
{
    double best = NAN;
    for (size_t k = 0; k + 1 < n; k++) {
        if (y[k] == y[k + 1] || (y[k] - level) * (y[k + 1] - level) > 0 || x[k] == x[k + 1])
            continue;
        double distance = isfinite(near) ? fmax(fmax(x[k] - near, near - x[k + 1]), 0) : 0; /* of the step */
        double so_far = isnan(best) ? HUGE_VAL : fabs(best - near);
        if (isfinite(near) && distance > so_far)
            continue;
        double here = inside_step(n, x, y, k, level);
        if (isnan(best) || near == HUGE_VAL || (isfinite(near) && fabs(here - near) < so_far)) {
            best = here;
            if (step)
                *step = k;
        }
        if (isnan(near))
            break;
    }
    return best;
}

/* Coefficients of the weighted polynomial over u = (x - centre)/half, u from -1 to 1. */
static bool polynomial(size_t n, const double *x, const double *y, const double *err, size_t terms, double *c, double *centre, double *half)
{
    *centre = 0.5 * (x[0] + x[n - 1]);
    *half = 0.5 * (x[n - 1] - x[0]);
    if (n < terms || !(*half > 0))
        return false;
    gsl_matrix *a = gsl_matrix_alloc(n, terms), *cov = gsl_matrix_alloc(terms, terms);
    gsl_vector *v = gsl_vector_alloc(n), *w = gsl_vector_alloc(n);
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(n, terms);
    gsl_vector_view out = gsl_vector_view_array(c, terms);
    double chi2;
    bool good = a && cov && v && w && work;
    for (size_t i = 0; i < n && good; i++) {
        double u = (x[i] - *centre) / *half;
        for (size_t t = 0; t < terms; t++)
            gsl_matrix_set(a, i, t, gsl_pow_int(u, (int)t));
        gsl_vector_set(v, i, y[i]);
        gsl_vector_set(w, i, err ? 1 / (err[i] * err[i]) : 1);
    }
    good = good && !gsl_multifit_wlinear(a, w, v, &out.vector, cov, &chi2, work);
    gsl_matrix_free(a);
    gsl_matrix_free(cov);
    gsl_vector_free(v);
    gsl_vector_free(w);
    gsl_multifit_linear_free(work);
    return good;
}

static double slope(const double *x, const double *y, size_t k)
{
    return (y[k + 1] - y[k]) / (x[k + 1] - x[k]);
}

size_t qn_place_steep_step(size_t n, const double *x, const double *y)
{
    double most = 0;
    size_t best = SIZE_MAX;
    for (size_t k = 0; k + 1 < n && n >= 4; k++) {
        double left = k > 0 ? slope(x, y, k - 1) : 0, right = k + 2 < n ? slope(x, y, k + 1) : 0, s = fabs(left + 2 * slope(x, y, k) + right);
        if (s > most) {
            most = s;
            best = k;
        }
    }
    return best == 0 || best + 2 == n ? SIZE_MAX : best;
}

double qn_place_steepest(size_t n, const double *x, const double *y, size_t step)
{
    size_t from = step > QN_STEEP_REACH ? step - QN_STEEP_REACH : 0, to = step + QN_STEEP_REACH + 1 < n ? step + QN_STEEP_REACH + 1 : n - 1;
    double sign = y[to] > y[from] ? 1 : -1, sum = 0, weight = 0;
    for (size_t k = from; k < to; k++) {
        double s = fmax(sign * slope(x, y, k), 0), w = s * s * (x[k + 1] - x[k]);
        sum += w * 0.5 * (x[k] + x[k + 1]);
        weight += w;
    }
    return sum / weight;
}

static double value(const double *c, size_t terms, double u)
{
    double v = 0;
    while (terms)
        v = v * u + c[--terms];
    return v;
}

double qn_place_zero(size_t n, const double *x, const double *y, const double *err)
{
    size_t terms = n >= 6 ? 4 : n >= 4 ? 3 : 2;
    double c[4], centre, half, low = -1, high = 1;
    if (n < 2 || !polynomial(n, x, y, err, terms, c, &centre, &half))
        return NAN;
    double left = value(c, terms, low);
    if (!(left * value(c, terms, high) < 0))
        return NAN;
    for (int turn = 0; turn < 60; turn++) {
        double u = 0.5 * (low + high);
        if (value(c, terms, u) * left > 0)
            low = u;
        else
            high = u;
    }
    return centre + half * 0.5 * (low + high);
}
