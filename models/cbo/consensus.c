/* consensus.c -- see consensus.h. */
#include "consensus.h"

#include <math.h>
#include <string.h>

static double weight(double f, double least, double alpha)
{
    return isinf(alpha) ? (f == least ? 1 : 0) : exp(-alpha * (f - least));
}

void cbo_consensus_of(size_t n, size_t d, const double *x, const double *f, double alpha, cbo_consensus *out)
{
    double least = INFINITY;
    out->best = out->nonfinite = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(f[i]) || f[i] == INFINITY)
            out->nonfinite++;
        else if (f[i] < least) {
            least = f[i];
            out->best = i;
        }
    }
    out->lost = out->nonfinite == n;
    out->unbounded = least == -INFINITY;
    out->f_best = out->lost ? NAN : least;
    if (out->lost || out->unbounded) {
        out->log_z = out->lost ? -INFINITY : INFINITY;
        out->n_eff = out->lost ? 0 : 1;
        for (size_t k = 0; k < d && !out->lost; k++)
            out->c[k] = x[(out->best / CBO_LANES * d + k) * CBO_LANES + out->best % CBO_LANES];
        return;
    }
    double sum = 0, square = 0;
    memset(out->c, 0, d * sizeof *out->c);
    for (size_t i = 0; i < n; i++) {
        double w = isfinite(f[i]) ? weight(f[i], least, alpha) : 0;
        if (w == 0)
            continue;
        sum += w;
        square += w * w;
        const double *at = x + i / CBO_LANES * d * CBO_LANES + i % CBO_LANES;
        for (size_t k = 0; k < d; k++)
            out->c[k] += w * at[k * CBO_LANES];
    }
    for (size_t k = 0; k < d; k++)
        out->c[k] /= sum;
    out->log_z = cbo_log_z(alpha, least, sum, n);
    out->n_eff = sum * sum / square;
}

double cbo_log_z(double alpha, double least, double sum, size_t n)
{
    return (least == 0 ? 0 : -alpha * least) + log(sum / (double)n);
}

static double n_eff(size_t n, const double *f, double least, double alpha)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        double w = isfinite(f[i]) ? exp(-alpha * (f[i] - least)) : 0;
        sum += w;
        square += w * w;
    }
    return sum * sum / square;
}

/* Halving of log alpha; where even the smallest alpha has too few, or the largest too many, that bound itself. */
double cbo_alpha_for(size_t n, const double *f, double eta)
{
    double least = INFINITY, low = log(1e-12), high = log(1e300);
    for (size_t i = 0; i < n; i++)
        if (isfinite(f[i]) && f[i] < least)
            least = f[i];
    if (isinf(least))
        return exp(low);
    for (int step = 0; step < 60 && high - low > 1e-13 * fabs(high); step++) {
        double middle = 0.5 * (low + high);
        *(n_eff(n, f, least, exp(middle)) > eta * (double)n ? &low : &high) = middle;
    }
    return exp(0.5 * (low + high));
}
