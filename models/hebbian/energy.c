/* energy.c -- tables of the pattern energy f(M), its field g and the integer forms A, B (see energy.h). */
#include "energy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT ((__int128)1 << 61)   /* tables up to here are exact in int64, with room for sums and differences */
#define LANE_LIMIT ((int64_t)1 << 29) /* |A| below it: four terms fit an int32 lane */

/* F(M) with f = c F: e_P(M) or M^P.  Returns false where it leaves int64 (then only `approx` is valid). */
static bool raw_energy(int64_t n, int p, heb_kind kind, int64_t m, int64_t *exact, long double *approx)
{
    bool fits = true;
    __int128 a = 1, b = m; /* E_0, E_1 or 1, M */
    long double x = 1, y = (long double)m;
    if (kind == HEB_FULL) {
        for (int k = 1; k < p; k++) {
            fits = fits && b < LIMIT && b > -LIMIT;
            b = fits ? b * m : 0;
            y *= (long double)m;
        }
    } else {
        for (int k = 1; k < p; k++) {
            fits = fits && a < LIMIT && a > -LIMIT && b < LIMIT && b > -LIMIT;
            __int128 c = fits ? (m * b - (n - k + 1) * a) / (k + 1) : 0;
            long double z = ((long double)m * y - (long double)(n - k + 1) * x) / (long double)(k + 1);
            a = b;
            b = c;
            x = y;
            y = z;
        }
    }
    fits = fits && b < LIMIT && b > -LIMIT;
    *exact = fits ? (int64_t)b : 0;
    *approx = fits ? (long double)b : y;
    return fits;
}

/* C(n, p) as a long double: products of n factors near 1, relative error below 1e-17. */
static long double binomial(size_t n, int p)
{
    long double c = 1;
    for (int k = 1; k <= p; k++)
        c *= (long double)(n - (size_t)p + (size_t)k) / (long double)k;
    return c;
}

static long double per_load(size_t n, int p, heb_norm norm) /* K per unit load */
{
    if (norm == HEB_EXACT)
        return 2 * binomial(n, p) / (long double)n;
    long double c = 2 / (long double)n;
    for (int k = 1; k <= p; k++)
        c *= (long double)n / (long double)k;
    return c;
}

double heb_patterns_at(double load, size_t n, int p, heb_norm norm)
{
    return (double)((long double)load * per_load(n, p, norm));
}

double heb_load_of(double k, size_t n, int p, heb_norm norm)
{
    return (double)((long double)k / per_load(n, p, norm));
}

static int64_t gcd64(int64_t a, int64_t b)
{
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

int64_t heb_energy_a(const heb_energy *e, int64_t m)
{
    if (e->p == 2)
        return m;
    return e->kind == HEB_FULL ? m * m * m + 4 * m : m * (m * m + 8 - 3 * (int64_t)e->n) / 6;
}

/* P = 2 and 4: A is odd and cubic, 2B even and quadratic in M; units chosen so that all coefficients are integers. */
static bool set_quadratic(heb_energy *e, long double c)
{
    int64_t n = (int64_t)e->n;
    if (e->p == 2) { /* A = M, B = 1 */
        e->beta = 2;
        e->b0 = 2;
        e->unit = (double)(e->kind == HEB_FULL ? c : c / 2);
    } else if (e->kind == HEB_FULL) { /* A = M^3 + 4M, B = 3M^2 + 2, of f = c M^4, divided by 4 */
        e->alpha = 6;
        e->beta = 16;
        e->gamma = 12;
        e->b2 = 6;
        e->b0 = 4;
        e->unit = (double)(2 * c);
    } else { /* A = M (M^2 + 8 - 3N)/6, B = (M^2 - N + 2)/2, of f = c e_4(M) */
        e->alpha = 1;
        e->beta = (int32_t)(4 - n);
        e->gamma = 2;
        e->b2 = 1;
        e->b0 = 2 - n;
        e->unit = (double)(c / 2);
    }
    for (int64_t m = -n; m <= n; m += 2) {
        int64_t a = heb_energy_a(e, m);
        a = a < 0 ? -a : a;
        e->a_max = a > e->a_max ? a : e->a_max;
    }
    return e->a_max < LANE_LIMIT;
}

/* A and B from G(k) = F(k+1) - F(k-1) (k = 2j-(n-1)); beyond the ends g is continued by its last value (never used apart). */
static int set_tables(heb_energy *e, bool exact, const int64_t *dif, const long double *difl, long double c)
{
    size_t n = e->n;
    int64_t common = 0, largest = 0;
    for (size_t k = 0; exact && k <= n; k++) {
        int64_t up = dif[k < n ? k : n - 1], down = dif[k > 0 ? k - 1 : 0];
        common = gcd64(common, up + down);
        common = gcd64(common, up - down);
    }
    if (common == 0)
        common = 1;
    for (size_t k = 0; exact && k <= n; k++) {
        int64_t a = (dif[k < n ? k : n - 1] + dif[k > 0 ? k - 1 : 0]) / common;
        int64_t b = (dif[k < n ? k : n - 1] - dif[k > 0 ? k - 1 : 0]) / common;
        a = a < 0 ? -a : a;
        b = b < 0 ? -b : b;
        e->a_max = a > e->a_max ? a : e->a_max;
        largest = b > largest ? b : largest;
    }
    largest = largest > e->a_max ? largest : e->a_max;
    e->a_max = largest;
    e->form = exact && largest < LANE_LIMIT ? HEB_TABLE : HEB_REAL;
    if (e->form == HEB_TABLE) {
        e->ab = malloc(2 * (n + 1) * sizeof *e->ab);
        if (!e->ab)
            return qn_fail(QN_ERR_NOMEM, "no memory for the energy table of N=%zu", n);
        for (size_t k = 0; k <= n; k++) {
            e->ab[2 * k] = (int32_t)((dif[k < n ? k : n - 1] + dif[k > 0 ? k - 1 : 0]) / common);
            e->ab[2 * k + 1] = (int32_t)((dif[k < n ? k : n - 1] - dif[k > 0 ? k - 1 : 0]) / common);
        }
        e->unit = (double)(c * (long double)common / 4);
        return 0;
    }
    e->rab = malloc(2 * (n + 1) * sizeof *e->rab);
    if (!e->rab)
        return qn_fail(QN_ERR_NOMEM, "no memory for the energy table of N=%zu", n);
    for (size_t k = 0; k <= n; k++) {
        long double up = difl[k < n ? k : n - 1], down = difl[k > 0 ? k - 1 : 0];
        e->rab[2 * k] = (double)((up + down) / 2);
        e->rab[2 * k + 1] = (double)((up - down) / 2);
    }
    e->unit = (double)(c / 2);
    return 0;
}

/* Average of F over random spins: (P-1)!! N^(P/2) to leading order; any value does, as long as it is near. */
static long double constant_part(size_t n, int p, heb_kind kind)
{
    if (kind == HEB_DISTINCT)
        return 0;
    long double x = 1;
    for (int k = 1; k < p; k += 2)
        x *= (long double)k * (long double)n;
    return x;
}

int heb_energy_init(heb_energy *e, size_t n, int p, heb_kind kind, heb_norm norm)
{
    memset(e, 0, sizeof *e);
    if (p < 2 || p % 2 || (size_t)p > n)
        return qn_fail(QN_ERR_INPUT, "P=%d is not an even number between 2 and N=%zu", p, n);
    e->n = n;
    e->p = p;
    e->kind = kind;
    long double c;
    if (kind == HEB_FULL)
        c = (long double)n / 2 / powl((long double)n, (long double)p);
    else
        c = 1 / per_load(n, p, norm);

    int64_t *exact = malloc((n + 1) * sizeof *exact);
    long double *approx = malloc((n + 1) * sizeof *approx);
    e->f = malloc((n + 1) * sizeof *e->f);
    e->g = malloc(n * sizeof *e->g);
    if (!exact || !approx || !e->f || !e->g) {
        free(exact);
        free(approx);
        return qn_fail(QN_ERR_NOMEM, "no memory for the energy table of N=%zu", n);
    }
    bool fits = true;
    for (size_t k = 0; k <= n; k++)
        fits = raw_energy((int64_t)n, p, kind, 2 * (int64_t)k - (int64_t)n, &exact[k], &approx[k]) && fits;
    long double zero = constant_part(n, p, kind);
    e->f0 = (double)(c * zero);
    e->g_unit = c / 2;
    for (size_t k = 0; k <= n; k++)
        e->f[k] = (double)(c * (approx[k] - zero));
    for (size_t k = 0; k < n; k++) { /* from here on: differences */
        approx[k] = approx[k + 1] - approx[k];
        exact[k] = fits ? exact[k + 1] - exact[k] : 0;
        e->g[k] = approx[k];
    }
    int err = 0;
    if (p <= 4 && set_quadratic(e, c)) {
        e->form = HEB_QUADRATIC;
    } else {
        e->a_max = 0;
        err = set_tables(e, fits, exact, approx, c);
    }
    free(exact);
    free(approx);
    return err;
}

void heb_energy_scale(heb_energy *e, double factor)
{
    e->unit *= factor;
    e->f0 *= factor;
    e->g_unit *= factor;
    for (size_t k = 0; k <= e->n; k++)
        e->f[k] *= factor;
}

void heb_energy_free(heb_energy *e)
{
    free(e->f);
    free(e->g);
    free(e->ab);
    free(e->rab);
    memset(e, 0, sizeof *e);
}
