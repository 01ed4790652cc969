/* natural.c -- see natural.h.  Eigenproblems and Cholesky by LAPACK on one thread, products by the core's gemm. */
#include "natural.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "estimator.h"
#include "gemm.h"
#include "outcome.h"

/* LAPACK, with the lengths of its texts. */
extern void dsyevd_(const char *job, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work, const int *lwork, int *iwork,
                    const int *liwork, int *info, size_t, size_t);
extern void dposv_(const char *uplo, const int *n, const int *columns, double *a, const int *lda, double *b, const int *ldb, int *info, size_t);
extern void openblas_set_num_threads(int) __attribute__((weak));

struct povm_natural {
    const povm_problem *problem;
    povm_net *net;
    povm_estimator estimator;
    povm_regularisation regularisation;
    double eps_ev, eps_snr, eps_diagonal;
    bool enumerate, in_samples;   /* all strings; the matrix is X X' */
    size_t m, count, side;        /* strings, parameters, the smaller of both */
    uint8_t *strings;
    double *logp, *local;         /* [m] */
    double *x, *y;                /* [m][count], [m] */
    double *matrix, *value;       /* [side][side] rows are eigenvectors afterwards, [side] */
    double *xv;                   /* [m][side] X V */
    double *part;                 /* [side] */
    double *work;                 /* of LAPACK */
    int *iwork;
    int lwork, liwork;
};

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void one_thread(void)
{
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
}

void povm_natural_destroy(povm_natural *n)
{
    if (!n)
        return;
    povm_estimator_free(&n->estimator);
    void *all[] = {n->strings, n->logp, n->local, n->x, n->y, n->matrix, n->value, n->xv, n->part, n->work, n->iwork};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(n);
}

static size_t strings_of(const povm_variational *v, const povm_problem *problem)
{
    return v->enumerate ? povm_outcome_count(problem->lattice.n, problem->frame.k) : v->batch;
}

static bool in_samples(povm_space space, double m, double parameters)
{
    return space == POVM_SPACE_SAMPLES || (space == POVM_SPACE_AUTO && m < parameters);
}

double povm_natural_bytes(const povm_variational *v, const povm_problem *problem, double parameters)
{
    double m = (double)strings_of(v, problem), side = in_samples(v->space, m, parameters) ? m : parameters;
    return 8 * (m * parameters + 4 * side * side + m * side) + povm_estimator_bytes(problem, m);
}

static int make_work(povm_natural *n)
{
    int side = (int)n->side, query = -1, info;
    double size;
    dsyevd_("V", "U", &side, n->matrix, &side, n->value, &size, &query, &n->liwork, &query, &info, 1, 1);
    n->lwork = (int)size;
    n->work = malloc((size_t)n->lwork * sizeof *n->work);
    n->iwork = malloc((size_t)n->liwork * sizeof *n->iwork);
    return n->work && n->iwork ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for an eigenproblem of %zu", n->side);
}

int povm_natural_create(const povm_problem *problem, povm_net *net, const povm_variational *v, povm_natural **out)
{
    povm_natural *n = *out = calloc(1, sizeof *n);
    if (!n)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    pthread_once(&once, one_thread);
    *n = (povm_natural){.problem = problem, .net = net, .regularisation = v->regularisation, .eps_ev = v->eps_ev, .eps_snr = v->enumerate ? 0 : v->eps_snr,
                        .eps_diagonal = v->eps_diagonal, .enumerate = v->enumerate, .m = strings_of(v, problem), .count = povm_net_count(net)};
    n->in_samples = in_samples(v->space, (double)n->m, (double)n->count);
    n->side = n->in_samples ? n->m : n->count;
    double **numbers[] = {&n->logp, &n->local, &n->y, &n->x, &n->value, &n->part, &n->matrix, &n->xv};
    size_t sizes[] = {n->m, n->m, n->m, n->m * n->count, n->side, n->side, n->side * n->side, n->m * n->side};
    bool fits = (n->strings = malloc(n->m * (size_t)problem->lattice.n)) != NULL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fits = fits && (*numbers[i] = malloc(sizes[i] * sizeof(double))) != NULL;
    if (!fits)
        return qn_fail(QN_ERR_NOMEM, "no memory for the gradients of %zu strings by %zu parameters", n->m, n->count);
    for (size_t k = 0; n->enumerate && k < n->m; k++)
        povm_outcome_string(problem->lattice.n, problem->frame.k, k, n->strings + k * (size_t)problem->lattice.n);
    int err = make_work(n);
    return err ? err : povm_estimator_init(&n->estimator, problem, net, n->enumerate ? 1 : n->m);
}

void povm_natural_retune(povm_natural *n, const povm_problem *problem)
{
    n->problem = n->estimator.problem = problem;
}

uint64_t povm_natural_blocks(const povm_natural *n)
{
    return n->enumerate ? 0 : (n->m + POVM_BLOCK - 1) / POVM_BLOCK;
}

uint64_t povm_natural_evaluations(const povm_natural *n)
{
    return n->estimator.evaluations;
}

/* ---- X and y ----------------------------------------------------------------------------------------------------------- */

/* Root of the weight of each string into part of `logp`, L_loc into local, E |L_loc| into out. */
static void draw(povm_natural *n, const qn_streams *s, uint64_t first, povm_natural_result *out)
{
    double c = 0, c2 = 0;
    if (n->enumerate) {
        povm_net_logp(n->net, n->m, n->strings, n->logp);
        for (size_t a = 0; a < n->m; a++)
            n->logp[a] = exp(n->logp[a]);
        povm_outcome_apply(n->problem, n->logp, n->local);
        for (size_t a = 0; a < n->m; a++) {
            c += fabs(n->local[a]);
            n->local[a] /= n->logp[a];
            n->logp[a] = sqrt(n->logp[a]);
        }
    } else {
        povm_net_sample(n->net, s, QN_STREAM_DYNAMICS, first, n->m, n->strings, n->logp);
        povm_estimator_local(&n->estimator, n->m, n->strings, n->logp, n->local);
        for (size_t a = 0; a < n->m; a++) {
            c += fabs(n->local[a]) / (double)n->m;
            c2 += n->local[a] * n->local[a] / (double)n->m;
            n->logp[a] = 1 / sqrt((double)n->m);
        }
    }
    out->c = c;
    out->c_err = n->enumerate ? 0 : sqrt(fmax(c2 - c * c, 0) / (double)(n->m - 1));
}

/* Rows of x and y less their means, times the roots of the weights. */
static void centre(povm_natural *n, double *mean)
{
    double mean_local = 0;
    memset(mean, 0, n->count * sizeof *mean);
    for (size_t a = 0; a < n->m; a++) {
        double w = n->logp[a] * n->logp[a];
        mean_local += w * n->local[a];
        for (size_t k = 0; k < n->count; k++)
            mean[k] += w * n->x[a * n->count + k];
    }
    for (size_t a = 0; a < n->m; a++) {
        n->y[a] = n->logp[a] * (n->local[a] - mean_local);
        for (size_t k = 0; k < n->count; k++)
            n->x[a * n->count + k] = n->logp[a] * (n->x[a * n->count + k] - mean[k]);
    }
}

/* out[count] = X' z, or out[m] = X z */
static void times(const povm_natural *n, bool transposed, const double *z, double *out)
{
    if (transposed)
        memset(out, 0, n->count * sizeof *out);
    for (size_t a = 0; a < n->m; a++) {
        const double *row = n->x + a * n->count;
        double sum = 0;
        for (size_t k = 0; k < n->count; k++)
            if (transposed)
                out[k] += row[k] * z[a];
            else
                sum += row[k] * z[k];
        if (!transposed)
            out[a] = sum;
    }
}

static void make_matrix(povm_natural *n)
{
    memset(n->matrix, 0, n->side * n->side * sizeof *n->matrix);
    if (n->in_samples)
        qn_gemm_f64(QN_GEMM_OWN, QN_NT, n->m, n->m, n->count, n->x, n->count, n->x, n->count, n->matrix, n->side);
    else
        qn_gemm_f64(QN_GEMM_OWN, QN_TN, n->count, n->count, n->m, n->x, n->count, n->x, n->count, n->matrix, n->side);
}

/* ---- the two regularisations --------------------------------------------------------------------------------------------- */

static int solve_diagonal(povm_natural *n, double *velocity)
{
    int side = (int)n->side, one = 1, info;
    for (size_t k = 0; k < n->side; k++)
        n->matrix[k * n->side + k] += n->eps_diagonal;
    double *b = n->in_samples ? n->part : velocity;
    if (n->in_samples)
        memcpy(b, n->y, n->m * sizeof *b);
    else
        times(n, true, n->y, b);
    dposv_("U", &side, &one, n->matrix, &side, b, &side, &info, 1);
    if (info)
        return qn_fail(QN_ERR_NUMERIC, "S + eps_diagonal is not positive (LAPACK dposv: %d)", info);
    if (n->in_samples)
        times(n, true, b, velocity);
    return 0;
}

/* X V of the positive eigenvalues: in samples sqrt(lambda) U, else a product. */
static void make_xv(povm_natural *n)
{
    if (!n->in_samples) {
        memset(n->xv, 0, n->m * n->side * sizeof *n->xv);
        qn_gemm_f64(QN_GEMM_OWN, QN_NT, n->m, n->side, n->count, n->x, n->count, n->matrix, n->side, n->xv, n->side);
        return;
    }
    for (size_t a = 0; a < n->m; a++)
        for (size_t k = 0; k < n->side; k++)
            n->xv[a * n->side + k] = sqrt(fmax(n->value[k], 0)) * n->matrix[k * n->side + a];
}

/* rho of eigenvector k and its ratio to the noise. */
static double signal(const povm_natural *n, size_t k, double *ratio)
{
    double rho = 0, square = 0;
    for (size_t a = 0; a < n->m; a++) {
        double one = n->xv[a * n->side + k] * n->y[a];
        rho += one;
        square += one * one;
    }
    double noise2 = square - rho * rho / (double)n->m; /* = m times the variance of the mean: sd^2/m, sd of m one */
    *ratio = fabs(rho) / sqrt(fmax(noise2, 1e-300));
    return rho;
}

static int solve_filter(povm_natural *n, double *velocity)
{
    int side = (int)n->side, info;
    dsyevd_("V", "U", &side, n->matrix, &side, n->value, n->work, &n->lwork, n->iwork, &n->liwork, &info, 1, 1);
    if (info)
        return qn_fail(QN_ERR_NUMERIC, "the eigenvalues of S did not converge (LAPACK dsyevd: %d)", info);
    double most = n->value[n->side - 1];
    make_xv(n);
    for (size_t k = 0; k < n->side; k++) {
        double ratio, lambda = n->value[k], rho = signal(n, k, &ratio);
        n->part[k] = 0;
        if (!(lambda > 1e-14 * most) || ratio == 0)
            continue;
        double keep = 1 / ((1 + pow(n->eps_ev * most / lambda, 6)) * (1 + pow(n->eps_snr / ratio, 6)));
        n->part[k] = keep * rho / lambda;
    }
    if (!n->in_samples) { /* V part */
        memset(velocity, 0, n->count * sizeof *velocity);
        for (size_t k = 0; k < n->side; k++)
            for (size_t i = 0; i < n->count; i++)
                velocity[i] += n->part[k] * n->matrix[k * n->side + i];
        return 0;
    }
    double *z = n->local; /* X' U part/sqrt(lambda) */
    memset(z, 0, n->m * sizeof *z);
    for (size_t k = 0; k < n->side; k++)
        for (size_t a = 0; a < n->m && n->part[k] != 0; a++)
            z[a] += n->part[k] / sqrt(n->value[k]) * n->matrix[k * n->side + a];
    times(n, true, z, velocity);
    return 0;
}

/* ---- the calls --------------------------------------------------------------------------------------------------------------- */

static double residual(const povm_natural *n, const double *velocity, double *moved)
{
    double left = 0, all = 0;
    times(n, false, velocity, moved);
    for (size_t a = 0; a < n->m; a++) {
        left += (n->y[a] - moved[a]) * (n->y[a] - moved[a]);
        all += n->y[a] * n->y[a];
    }
    return all > 0 ? left / all : 0;
}

static bool all_finite(size_t count, const double *x)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

int povm_natural_at(povm_natural *n, const qn_streams *s, uint64_t first, const double *theta, double *velocity, povm_natural_result *out)
{
    povm_net_set(n->net, theta);
    draw(n, s, first, out);
    out->residual = NAN;
    if (!all_finite(n->m, n->local)) { /* the caller sees it in c */
        out->c = NAN;
        return 0;
    }
    povm_net_scores(n->net, n->m, n->strings, n->x);
    centre(n, velocity);
    make_matrix(n);
    int err = n->regularisation == POVM_REG_DIAGONAL ? solve_diagonal(n, velocity) : solve_filter(n, velocity);
    if (!err)
        out->residual = residual(n, velocity, n->local);
    return err;
}

double povm_natural_norm(povm_natural *n, const double *step)
{
    double sum = 0;
    times(n, false, step, n->local);
    for (size_t a = 0; a < n->m; a++)
        sum += n->local[a] * n->local[a];
    return sqrt(sum);
}
