/* folded.c -- sums and fields of folded examples (see folded.h).  Real sums go through 16 lanes in a fixed order: the same bits on
 * every instruction set. */
#include "folded.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmath.h"

#define LANES 16

int heb_folded_init(heb_folded *x, size_t n, size_t k, size_t m)
{
    memset(x, 0, sizeof *x);
    size_t slots = (k + LANES - 1) / LANES * LANES;
    if (n == 0 || k == 0 || slots > SIZE_MAX / 64 / n)
        return qn_fail(QN_ERR_NOMEM, "folded examples of %zu archetypes of %zu spins cannot be stored", k, n);
    x->w = calloc(n * slots, sizeof *x->w);
    if (!x->w)
        return qn_fail(QN_ERR_NOMEM, "folded examples of %zu archetypes of %zu spins need %.3g GiB, more than there is", k, n,
                       (double)(n * slots * sizeof *x->w) / 1073741824.0);
    x->n = n;
    x->k = k;
    x->m = m;
    x->slots = slots;
    return 0;
}

void heb_folded_free(heb_folded *x)
{
    free(x->w);
    memset(x, 0, sizeof *x);
}

double heb_folded_bytes(double n, double k, int p)
{
    return 2 * n * (k + LANES) + 16.0 * p * (k + LANES);
}

bool heb_folded_fits(double n, double m, int p)
{
    return n * pow(m, p - 1) < 0x1p62;
}

int heb_folded_problem(heb_problem *pb, int p, heb_kind kind, heb_norm norm, const heb_folded *x, double R, const heb_patterns *archetypes)
{
    memset(pb, 0, sizeof *pb);
    if (p < 2 || p % 2 || (size_t)p > x->n || p > HEB_FOLDED_MOST_P || !heb_folded_fits((double)x->n, (double)x->m, p))
        return qn_fail(QN_ERR_INPUT, "P=%d with %zu folded examples of %zu spins is out of range", p, x->m, x->n);
    pb->n = x->n;
    pb->k = x->k;
    pb->patterns = archetypes;
    pb->folded = x;
    pb->form = HEB_FOLDED;
    pb->energy = (heb_energy){.n = x->n, .p = p, .kind = kind, .form = HEB_FOLDED};
    double n = (double)x->n, one = (double)x->m * sqrt(R); /* W of a unit x */
    pb->energy.unit = kind == HEB_FULL ? n / 2 * pow(n * one, -p) : heb_load_of(1, x->n, p, norm) * pow(one, -p);
    pb->even = calloc((size_t)p / 2 * x->slots, sizeof *pb->even);
    if (!pb->even)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < x->n; i++)
        for (size_t mu = 0; mu < x->k; mu++) {
            double square = (double)x->w[i * x->slots + mu] * x->w[i * x->slots + mu], power = 1;
            for (int j = 0; j < p / 2; j++)
                pb->even[(size_t)j * x->slots + mu] += power *= square;
        }
    return 0;
}

int heb_folded_chain(heb_chain *c)
{
    size_t slots = c->pb->folded->slots, p = (size_t)c->pb->energy.p;
    c->power = calloc(p / 2 * slots, sizeof *c->power);
    c->e = calloc(p * slots, sizeof *c->e);
    return c->power && c->e ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for a chain of N=%zu spins and K=%zu archetypes", c->pb->n, c->pb->k);
}

/* e_1 .. e_P from the power sums. */
QN_CLONES static void newton(heb_chain *c)
{
    size_t slots = c->pb->folded->slots;
    int p = c->pb->energy.p;
    for (size_t mu = 0; mu < slots; mu += LANES) {
        double power[HEB_FOLDED_MOST_P][LANES], e[HEB_FOLDED_MOST_P + 1][LANES];
        for (size_t l = 0; l < LANES; l++)
            e[0][l] = 1;
        for (int j = 0; j < p; j++) { /* p_{j+1}, its sign with it */
            size_t at = (size_t)(j / 2) * slots + mu;
            for (size_t l = 0; l < LANES; l++)
                power[j][l] = j % 2 ? -c->pb->even[at + l] : (double)c->power[at + l];
        }
        for (int k = 1; k <= p; k++) {
            double sum[LANES] = {0};
            for (int j = 1; j <= k; j++)
                for (size_t l = 0; l < LANES; l++)
                    sum[l] += e[k - j][l] * power[j - 1][l];
            for (size_t l = 0; l < LANES; l++) {
                e[k][l] = sum[l] / k;
                c->e[(size_t)(k - 1) * slots + mu + l] = e[k][l];
            }
        }
    }
}

/* e_1 = p_1 is all that `full` needs. */
static void refresh(heb_chain *c)
{
    if (c->pb->energy.kind == HEB_DISTINCT)
        newton(c);
    else
        for (size_t mu = 0; mu < c->pb->folded->slots; mu++)
            c->e[mu] = (double)c->power[mu];
}

/* Adds `times` x_i^k to the odd power sums. */
QN_CLONES static void add(heb_chain *c, size_t i, int64_t times)
{
    size_t slots = c->pb->folded->slots;
    const int16_t *w = c->pb->folded->w + i * slots;
    for (size_t mu = 0; mu < slots; mu++) {
        int64_t square = (int64_t)w[mu] * w[mu], x = times * w[mu];
        for (int j = 0; j < c->pb->energy.p / 2; j++, x *= square)
            c->power[(size_t)j * slots + mu] += x;
    }
}

void heb_folded_rebuild(heb_chain *c)
{
    memset(c->power, 0, (size_t)c->pb->energy.p / 2 * c->pb->folded->slots * sizeof *c->power);
    for (size_t i = 0; i < c->pb->n; i++)
        add(c, i, c->s[i]);
    refresh(c);
}

int heb_folded_verify(heb_chain *c)
{
    size_t bytes = (size_t)c->pb->energy.p / 2 * c->pb->folded->slots * sizeof *c->power;
    int64_t *kept = malloc(bytes);
    if (!kept)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    memcpy(kept, c->power, bytes);
    heb_folded_rebuild(c);
    int differ = memcmp(kept, c->power, bytes);
    free(kept);
    return differ ? qn_fail(QN_ERR_NUMERIC, "the sums of a chain are not those of its spins: memory or checkpoint is damaged") : 0;
}

static double fold(const double *x)
{
    double y[LANES];
    memcpy(y, x, sizeof y);
    for (size_t w = LANES / 2; w; w /= 2)
        for (size_t l = 0; l < w; l++)
            y[l] += y[l + w];
    return y[0];
}

/* sum_mu x e_{P-1}(the others) */
QN_CLONES static void distinct_lanes(const heb_chain *c, size_t i, double *sum)
{
    size_t slots = c->pb->folded->slots;
    const int16_t *w = c->pb->folded->w + i * slots;
    int p = c->pb->energy.p;
    double s = c->s[i];
    for (size_t mu = 0; mu < slots; mu += LANES) {
        double x[LANES], y[LANES];
        for (size_t l = 0; l < LANES; l++) {
            x[l] = s * w[mu + l];
            y[l] = 1;
        }
        for (int k = 1; k < p; k++) {
            const double *e = c->e + (size_t)(k - 1) * slots + mu;
            for (size_t l = 0; l < LANES; l++)
                y[l] = e[l] - x[l] * y[l];
        }
        for (size_t l = 0; l < LANES; l++)
            sum[l] += x[l] * y[l];
    }
}

/* sum_mu [a^P - b^P]/2, b = a - 2x the sum after the flip, as x (a^(P-1) + a^(P-2) b + ... + b^(P-1)) */
QN_CLONES static void full_lanes(const heb_chain *c, size_t i, double *sum)
{
    size_t slots = c->pb->folded->slots;
    const int16_t *w = c->pb->folded->w + i * slots;
    int p = c->pb->energy.p;
    double s = c->s[i];
    for (size_t mu = 0; mu < slots; mu += LANES) {
        double x[LANES], b[LANES], power[LANES], y[LANES];
        const double *a = c->e + mu;
        for (size_t l = 0; l < LANES; l++) {
            x[l] = s * w[mu + l];
            b[l] = a[l] - 2 * x[l];
            power[l] = y[l] = 1;
        }
        for (int k = 1; k < p; k++)
            for (size_t l = 0; l < LANES; l++) {
                power[l] *= b[l];
                y[l] = y[l] * a[l] + power[l];
            }
        for (size_t l = 0; l < LANES; l++)
            sum[l] += x[l] * y[l];
    }
}

double heb_folded_aligned(const heb_chain *c, size_t i)
{
    double sum[LANES] = {0};
    if (c->pb->energy.kind == HEB_DISTINCT)
        distinct_lanes(c, i, sum);
    else
        full_lanes(c, i, sum);
    return fold(sum);
}

double heb_folded_energy(const heb_chain *c)
{
    size_t slots = c->pb->folded->slots, p = (size_t)c->pb->energy.p;
    bool distinct = c->pb->energy.kind == HEB_DISTINCT;
    double sum[LANES] = {0};
    for (size_t mu = 0; mu < slots; mu++) {
        double one = c->e[mu], x = one;
        for (size_t k = 1; !distinct && k < p; k++)
            x *= one;
        sum[mu % LANES] += distinct ? c->e[(p - 1) * slots + mu] : x;
    }
    return -c->pb->energy.unit * fold(sum);
}

size_t heb_folded_batch(heb_chain *c, size_t count, const uint32_t *site, const double *theta, bool metropolis)
{
    size_t flips = 0;
    for (size_t u = 0; u < count; u++) {
        size_t i = site[u];
        double g = c->stamp && c->stamp[i] == c->flips + 1 ? c->kept[i] : heb_folded_aligned(c, i);
        if (c->stamp) {
            c->kept[i] = g;
            c->stamp[i] = c->flips + 1;
        }
        int s = c->s[i];
        if (metropolis ? !(g <= theta[u]) : !(g < s * theta[u]))
            continue;
        c->s[i] = (int8_t)-s;
        c->flips++;
        flips++;
        add(c, i, -2 * s);
        refresh(c);
    }
    return flips;
}
