/* geometry.c -- see geometry.h. */
#include "geometry.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"

void sgd_gram(size_t n, size_t h, const double *r, double *k)
{
    memset(k, 0, n * n * sizeof *k);
    qn_gemm_f64(QN_GEMM_OWN, QN_NT, n, n, h, r, h, r, h, k, n);
}

/* Row means and the mean of them. */
static double row_means(size_t n, const double *k, double *row)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        row[i] = 0;
        for (size_t j = 0; j < n; j++)
            row[i] += k[i * n + j] / (double)n;
        mean += row[i] / (double)n;
    }
    return mean;
}

double sgd_cka(size_t n, const double *k, const double *l)
{
    double *rows = malloc(2 * n * sizeof *rows), kl = 0, kk = 0, ll = 0;
    if (!rows)
        return NAN;
    double k_mean = row_means(n, k, rows), l_mean = row_means(n, l, rows + n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double x = k[i * n + j] - rows[i] - rows[j] + k_mean, y = l[i * n + j] - rows[n + i] - rows[n + j] + l_mean;
            kl += x * y;
            kk += x * x;
            ll += y * y;
        }
    free(rows);
    return kl / sqrt(kk * ll);
}

void sgd_condition_means(size_t n, size_t h, const double *r, const uint32_t *condition, size_t c, double *mean)
{
    memset(mean, 0, c * h * sizeof *mean);
    for (size_t k = 0; k < c; k++) {
        size_t count = 0;
        for (size_t mu = 0; mu < n; mu++)
            if (condition[mu] == k) {
                count++;
                for (size_t i = 0; i < h; i++)
                    mean[k * h + i] += r[mu * h + i];
            }
        for (size_t i = 0; i < h; i++)
            mean[k * h + i] /= (double)count;
    }
}

/* ---- parallelism ---- */

typedef struct pairing {
    size_t half, h;
    const double *up[128], *down[128]; /* means of the two sides */
    size_t with[128];                  /* up[i] is paired with down[with[i]] */
    double *difference;                /* [half][h] */
} pairing;

static double mean_cosine(pairing *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->half; i++) {
        double *x = p->difference + i * p->h, norm = 0;
        for (size_t j = 0; j < p->h; j++) {
            x[j] = p->up[i][j] - p->down[p->with[i]][j];
            norm += x[j] * x[j];
        }
        norm = sqrt(norm);
        for (size_t j = 0; j < p->h; j++)
            x[j] /= norm;
        for (size_t k = 0; k < i; k++)
            for (size_t j = 0; j < p->h; j++)
                sum += x[j] * p->difference[k * p->h + j];
    }
    return sum / ((double)p->half * ((double)p->half - 1) / 2);
}

/* Largest over the permutations of with[at..] (Heap's order is not needed: all are visited). */
static double best_of_all(pairing *p, size_t at)
{
    if (at + 1 >= p->half)
        return mean_cosine(p);
    double best = -INFINITY;
    for (size_t i = at; i < p->half; i++) {
        size_t swap = p->with[at];
        p->with[at] = p->with[i];
        p->with[i] = swap;
        double here = best_of_all(p, at + 1);
        best = here > best || isnan(here) ? here : best;
        p->with[i] = p->with[at];
        p->with[at] = swap;
    }
    return best;
}

static double best_by_exchange(pairing *p)
{
    double best = mean_cosine(p);
    for (bool better = true; better;) {
        better = false;
        for (size_t i = 0; i < p->half; i++)
            for (size_t j = 0; j < i; j++) {
                size_t swap = p->with[i];
                p->with[i] = p->with[j];
                p->with[j] = swap;
                double here = mean_cosine(p);
                if (here > best + 1e-12) {
                    best = here;
                    better = true;
                    continue;
                }
                swap = p->with[i];
                p->with[i] = p->with[j];
                p->with[j] = swap;
            }
    }
    return best;
}

double sgd_parallelism(size_t c, size_t h, const double *mean, const int8_t *side)
{
    pairing p = {.half = c / 2, .h = h};
    size_t up = 0, down = 0;
    for (size_t k = 0; k < c && up <= c / 2 && down <= c / 2; k++) {
        if (side[k] > 0 && up < 128)
            p.up[up++] = mean + k * h;
        else if (side[k] < 0 && down < 128)
            p.down[down++] = mean + k * h;
    }
    p.difference = malloc(c / 2 * h * sizeof *p.difference);
    if (up != down || up < 2 || !p.difference) {
        free(p.difference);
        return NAN;
    }
    for (size_t i = 0; i < p.half; i++)
        p.with[i] = i;
    double best = c <= SGD_ALL_PAIRINGS ? best_of_all(&p, 0) : best_by_exchange(&p);
    free(p.difference);
    return best;
}

/* ---- decoding ---- */

/* Everything that the folds share: X'X and X'y of each condition, X = (R, 1) scaled. */
typedef struct folds {
    size_t n, m;          /* m = h + 1 */
    double *x;            /* [n][m] */
    double *xx, *xy;      /* [C][m][m], [C][m] */
    size_t *count;        /* [C] */
    gsl_matrix *a;
    gsl_vector *b;
} folds;

static void folds_free(folds *f)
{
    free(f->x);
    free(f->xx);
    free(f->xy);
    free(f->count);
    gsl_matrix_free(f->a);
    gsl_vector_free(f->b);
}

static void scale_rows(folds *f, size_t h, const double *r)
{
    double square = 0;
    for (size_t i = 0; i < h; i++) {
        double mean = 0;
        for (size_t mu = 0; mu < f->n; mu++)
            mean += r[mu * h + i] / (double)f->n;
        for (size_t mu = 0; mu < f->n; mu++) {
            double x = r[mu * h + i] - mean;
            f->x[mu * f->m + i] = x;
            square += x * x;
        }
    }
    double rms = square > 0 ? sqrt(square / ((double)f->n * (double)h)) : 1;
    for (size_t mu = 0; mu < f->n; mu++) {
        for (size_t i = 0; i < h; i++)
            f->x[mu * f->m + i] /= rms;
        f->x[mu * f->m + h] = 1;
    }
}

static int folds_init(folds *f, size_t n, size_t h, const double *r, const uint32_t *condition, size_t c, const int8_t *side)
{
    size_t m = h + 1;
    *f = (folds){.n = n, .m = m};
    f->x = malloc(n * m * sizeof *f->x);
    f->xx = calloc(c * m * m, sizeof *f->xx);
    f->xy = calloc(c * m, sizeof *f->xy);
    f->count = calloc(c, sizeof *f->count);
    f->a = gsl_matrix_alloc(m, m);
    f->b = gsl_vector_alloc(m);
    if (!f->x || !f->xx || !f->xy || !f->count || !f->a || !f->b)
        return qn_fail(QN_ERR_NOMEM, "no memory for read-outs of %zu units and %zu conditions", h, c);
    scale_rows(f, h, r);
    for (size_t mu = 0; mu < n; mu++) {
        const double *x = f->x + mu * m;
        size_t k = condition[mu];
        double *xx = f->xx + k * m * m;
        f->count[k]++;
        for (size_t i = 0; i < m; i++) {
            f->xy[k * m + i] += x[i] * side[k];
            for (size_t j = 0; j <= i; j++)
                xx[i * m + j] += x[i] * x[j];
        }
    }
    return 0;
}

/* The read-out trained on all conditions but two (C: none left out) into f->b. */
static int train(folds *f, size_t c, size_t out_a, size_t out_b, double ridge)
{
    size_t m = f->m, used = 0;
    gsl_matrix_set_zero(f->a);
    gsl_vector_set_zero(f->b);
    for (size_t k = 0; k < c; k++) {
        if (k == out_a || k == out_b)
            continue;
        used += f->count[k];
        for (size_t i = 0; i < m; i++) {
            *gsl_vector_ptr(f->b, i) += f->xy[k * m + i];
            for (size_t j = 0; j <= i; j++)
                *gsl_matrix_ptr(f->a, i, j) += f->xx[(k * m + i) * m + j];
        }
    }
    for (size_t i = 0; i < m; i++) /* the constant too, so little that it does not matter: the matrix is then positive */
        *gsl_matrix_ptr(f->a, i, i) += ridge * (double)used * (i + 1 < m ? 1 : 1e-6);
    if (gsl_linalg_cholesky_decomp1(f->a) || gsl_linalg_cholesky_svx(f->a, f->b))
        return qn_fail(QN_ERR_NUMERIC, "a read-out of %zu units could not be solved for", m - 1);
    return 0;
}

/* Accuracy on the points of two conditions (C: of all), both conditions with the same weight. */
static double accuracy(const folds *f, const uint32_t *condition, const int8_t *side, size_t c, size_t in_a, size_t in_b)
{
    double right = 0;
    for (size_t mu = 0; mu < f->n; mu++) {
        size_t k = condition[mu];
        if (in_a < c && k != in_a && k != in_b)
            continue;
        double y = 0;
        for (size_t i = 0; i < f->m; i++)
            y += gsl_vector_get(f->b, i) * f->x[mu * f->m + i];
        if (y * side[k] > 0)
            right += in_a < c ? 0.5 / (double)f->count[k] : 1 / (double)f->n;
    }
    return right;
}

int sgd_decode(size_t n, size_t h, const double *r, const uint32_t *condition, size_t c, const int8_t *side, double ridge, sgd_decoding *out)
{
    *out = (sgd_decoding){NAN, NAN};
    for (size_t i = 0; i < n * h; i++)
        if (!isfinite(r[i]))
            return 0;
    folds f;
    int err = folds_init(&f, n, h, r, condition, c, side);
    for (size_t k = 0; k < c && !err; k++)
        if (!f.count[k])
            err = qn_fail(QN_ERR_MODEL, "condition %zu of %zu has no point; take more of them", k, c);
    if (!err)
        err = train(&f, c, c, c, ridge);
    if (!err)
        out->decode = accuracy(&f, condition, side, c, c, c);
    double sum = 0, choices = 0;
    for (size_t a = 0; a < c && !err; a++)
        for (size_t b = 0; b < c && !err; b++) {
            if (side[a] <= 0 || side[b] >= 0)
                continue;
            err = train(&f, c, a, b, ridge);
            sum += err ? 0 : accuracy(&f, condition, side, c, a, b);
            choices++;
        }
    if (!err)
        out->ccgp = sum / choices;
    folds_free(&f);
    return err;
}
