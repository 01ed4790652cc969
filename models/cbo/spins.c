/* spins.c -- the spherical p-spin glass and dense Hebbian energies (see spins.h). */
#include "spins.h"

#include <gsl/gsl_eigen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "files.h"
#include "isa.h"
#include "rng.h"
#include "vmath.h"

#define QN_BODY "cbo/spins_body.h"
#include "levels.h"

typedef struct spins {
    int p;
    size_t n;       /* couplings, or patterns */
    double *j;      /* couplings J d^{-(p-1)/2} in lexicographic order of i1 < .. < ip, or patterns [n][d] of +-1 */
    double wells;   /* hebbian: g; 0: on the sphere */
    void (*products)(int p, size_t d, const double *j, size_t lanes, const double *x, double *out, double *work);
    void (*overlaps)(int p, size_t n, size_t d, const double *xi, size_t lanes, const double *x, double *out, double *work);
} spins;

static void free_spins(cbo_objective *o)
{
    spins *s = o->data;
    free(s ? s->j : NULL);
    free(s);
    o->data = NULL;
}

static spins *new_spins(cbo_objective *o, const qn_params *p, size_t n, size_t size)
{
    typedef void product(int, size_t, const double *, size_t, const double *, double *, double *);
    typedef void overlap(int, size_t, size_t, const double *, size_t, const double *, double *, double *);
    static product *const products[] = QN_LEVELS(couplings);
    static overlap *const overlaps[] = QN_LEVELS(patterns);
    spins *s = calloc(1, sizeof *s);
    o->data = s;
    o->free_data = free_spins;
    if (!s)
        return NULL;
    s->p = (int)qn_int(p, "p");
    s->n = n;
    s->j = malloc(size * sizeof *s->j + 1);
    s->products = products[qn_isa()];
    s->overlaps = overlaps[qn_isa()];
    return s->j ? s : NULL;
}

/* Room for n minimisers. */
static double *new_minimisers(cbo_objective *o, size_t n)
{
    o->minimiser = malloc(n * o->d * sizeof *o->minimiser);
    o->n_minimisers = o->minimiser ? n : 0;
    return o->minimiser;
}

/* ---- the sphere -------------------------------------------------------------------------------------------------- */

/* A homogeneous energy of degree p at x sqrt(d)/|x|, times `unit`. */
QN_CLONES static void onto_sphere(int p, size_t d, double unit, size_t lanes, const double *x, double *f)
{
    double square[CBO_LANES] = {0};
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < lanes; i++)
            square[i] += x[k * CBO_LANES + i] * x[k * CBO_LANES + i];
    for (size_t i = 0; i < lanes; i++) {
        double scale = sqrt((double)d / square[i]), factor = unit;
        for (int q = 0; q < p; q++)
            factor *= scale;
        f[i] *= factor;
    }
}

/* grad f at x of f(x) = H(y), y = s x, s = sqrt(d)/|x|, out of g = grad H(y): s (g - y (y.g)/d). */
static void tangential(size_t d, double s, const double *x, double *g)
{
    double along = 0;
    for (size_t k = 0; k < d; k++)
        along += s * x[k] * g[k];
    for (size_t k = 0; k < d; k++)
        g[k] = s * (g[k] - s * x[k] * along / (double)d);
}

static double sphere_scale(size_t d, const double *x)
{
    double square = 0;
    for (size_t k = 0; k < d; k++)
        square += x[k] * x[k];
    return sqrt((double)d / square);
}

/* A sphere has its centre; a rotation about it is welcome. */
static void check_centre(const qn_params *p, qn_problems *c)
{
    size_t n = 0, zeros = 0;
    const double *shift = qn_list(p, "shift", &n);
    for (size_t k = 0; k < n; k++)
        zeros += shift[k] == 0;
    if (zeros < n)
        qn_complain(c, "shift", "has no meaning with objective: %s on the sphere around 0; leave it out", qn_text(p, "objective"));
}

/* ---- spherical p-spin -------------------------------------------------------------------------------------------- */

/* Largest d for p = 2, 3, ..: couplings are stored, d^p/p! of them, and p = 2 is diagonalised. */
static const size_t largest_d[] = {1000, 200, 64, 40, 30};
#define LARGEST_P (1 + (int)(sizeof largest_d / sizeof *largest_d))

static size_t choose(size_t n, int p)
{
    size_t c = 1;
    for (size_t k = 0; k < (size_t)p; k++)
        c = c * (n - k) / (k + 1);
    return c;
}

static void pspin_eval(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z)
{
    const spins *s = o->data;
    s->products(s->p, o->d, s->j, lanes, x, f, z);
    onto_sphere(s->p, o->d, -1, lanes, x, f);
}

/* sum over from <= i1 < .. < ip of J x..x scale^p, each gradient entry times `before` added to g; *j runs along the couplings. */
static double pspin_descend(const double **j, int p, size_t from, size_t d, const double *x, double scale, double before, double *g)
{
    double sum = 0;
    for (size_t i = from; i + (size_t)p <= d; i++) {
        double y = scale * x[i];
        double inner = p == 1 ? *(*j)++ : pspin_descend(j, p - 1, i + 1, d, x, scale, before * y, g);
        g[i] += before * inner;
        sum += y * inner;
    }
    return sum;
}

static void pspin_grad(const cbo_objective *o, const double *x, double *g)
{
    const spins *s = o->data;
    const double *j = s->j;
    double scale = sphere_scale(o->d, x);
    memset(g, 0, o->d * sizeof *g);
    pspin_descend(&j, s->p, 0, o->d, x, scale, -1, g);
    tangential(o->d, scale, x, g);
}

/* p = 2: the minimum is at +- sqrt(d) times the eigenvector of the largest eigenvalue. */
static int pspin_diagonalise(cbo_objective *o, const spins *s)
{
    size_t d = o->d, best = 0;
    gsl_matrix *a = gsl_matrix_calloc(d, d), *vectors = gsl_matrix_alloc(d, d);
    gsl_vector *values = gsl_vector_alloc(d);
    gsl_eigen_symmv_workspace *work = gsl_eigen_symmv_alloc(d);
    double *x = new_minimisers(o, 2);
    int err = a && vectors && values && work && x ? 0 : qn_fail(QN_ERR_NOMEM, "no memory to diagonalise the couplings of d = %zu", d);
    const double *j = s->j;
    for (size_t i = 0; i < d && !err; i++)
        for (size_t k = i + 1; k < d; k++, j++) {
            gsl_matrix_set(a, i, k, *j);
            gsl_matrix_set(a, k, i, *j);
        }
    if (!err && gsl_eigen_symmv(a, values, vectors, work))
        err = qn_fail(QN_ERR_NUMERIC, "the couplings of d = %zu could not be diagonalised", d);
    if (!err) {
        best = gsl_vector_max_index(values);
        o->f_min = -0.5 * (double)d * gsl_vector_get(values, best);
        for (size_t k = 0; k < d; k++) {
            x[k] = sqrt((double)d) * gsl_matrix_get(vectors, k, best);
            x[d + k] = -x[k];
        }
    }
    gsl_eigen_symmv_free(work);
    gsl_vector_free(values);
    gsl_matrix_free(vectors);
    gsl_matrix_free(a);
    return err;
}

static int pspin_make(cbo_objective *o, const qn_params *p, const void *shared, qn_streams *streams)
{
    (void)shared;
    int degree = (int)qn_int(p, "p");
    size_t n = choose(o->d, degree);
    spins *s = new_spins(o, p, n, n);
    if (!s)
        return qn_fail(QN_ERR_NOMEM, "no memory for the %zu couplings of p = %d, d = %zu", n, degree, o->d);
    double sd = 1 / sqrt(2), size = (double)o->d;
    for (int k = 2; k <= degree; k++)
        sd *= sqrt(k / size); /* sqrt(p!/2) d^{-(p-1)/2} */
    qn_rng_fill_normal(&streams->disorder, n, s->j);
    for (size_t k = 0; k < n; k++)
        s->j[k] *= sd;
    o->sphere = true;
    o->eval = pspin_eval;
    o->grad = pspin_grad;
    return degree == 2 ? pspin_diagonalise(o, s) : 0;
}

static void pspin_check(const qn_params *p, qn_problems *c)
{
    int64_t degree = qn_int(p, "p"), d = qn_int(p, "d");
    check_centre(p, c);
    if (degree > LARGEST_P) {
        qn_complain(c, "p", "%lld, but spherical_pspin stores all d^p/p! couplings and takes p from 2 to %d", (long long)degree, LARGEST_P);
        return;
    }
    size_t most = largest_d[degree - 2];
    if (d < degree)
        qn_complain(c, "d", "%lld coordinates have no interaction of p = %lld; d must be at least p", (long long)d, (long long)degree);
    else if ((size_t)d > most)
        qn_complain(c, "d", "%lld is too many for p = %lld, whose couplings are all stored; at most %zu", (long long)d, (long long)degree, most);
}

/* Measured on one core of a Zen 5 with AVX-512: 0.02 ns a coupling in long rows (p = 2), up to 0.08 ns in short ones (p = 6); AVX2 takes twice that. */
static double pspin_seconds(const qn_params *p)
{
    int64_t degree = qn_int(p, "p"), d = qn_int(p, "d");
    return degree > LARGEST_P || d < degree ? 0 : 1e-8 + 5e-11 * (double)choose((size_t)d, (int)degree);
}

/* ---- dense Hebbian ----------------------------------------------------------------------------------------------- */

/* (g/4) sum (x_k^2 - 1)^2, added. */
QN_CLONES static void add_wells(size_t d, double g, size_t lanes, const double *x, double *f)
{
    double sum[CBO_LANES] = {0};
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < lanes; i++) {
            double u = x[k * CBO_LANES + i] * x[k * CBO_LANES + i] - 1;
            sum[i] += u * u;
        }
    for (size_t i = 0; i < lanes; i++)
        f[i] += g / 4 * sum[i];
}

/* -d^{1-p} */
static double hebbian_unit(const cbo_objective *o, const spins *s)
{
    double unit = -(double)o->d;
    for (int q = 0; q < s->p; q++)
        unit /= (double)o->d;
    return unit;
}

static void hebbian_eval(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z)
{
    const spins *s = o->data;
    double unit = hebbian_unit(o, s);
    s->overlaps(s->p, s->n, o->d, s->j, lanes, x, f, z);
    if (s->wells == 0) {
        onto_sphere(s->p, o->d, unit, lanes, x, f);
        return;
    }
    for (size_t i = 0; i < lanes; i++)
        f[i] *= unit;
    add_wells(o->d, s->wells, lanes, x, f);
}

/* m_mu = xi^mu.x/d for every pattern, by `scale`. */
static double overlap_of(const spins *s, size_t d, size_t mu, const double *x, double scale)
{
    double m = 0;
    for (size_t k = 0; k < d; k++)
        m += s->j[mu * d + k] * x[k];
    return m * scale;
}

static void hebbian_grad(const cbo_objective *o, const double *x, double *g)
{
    const spins *s = o->data;
    double scale = s->wells == 0 ? sphere_scale(o->d, x) : 1;
    memset(g, 0, o->d * sizeof *g);
    for (size_t mu = 0; mu < s->n; mu++) {
        double m = overlap_of(s, o->d, mu, x, scale / (double)o->d), power = -s->p;
        for (int q = 1; q < s->p; q++)
            power *= m;
        for (size_t k = 0; k < o->d; k++)
            g[k] += power * s->j[mu * o->d + k];
    }
    if (s->wells == 0) {
        tangential(o->d, scale, x, g);
        return;
    }
    for (size_t k = 0; k < o->d; k++)
        g[k] += s->wells * x[k] * (x[k] * x[k] - 1);
}

static void hebbian_score(const cbo_objective *o, const double *x, double *out)
{
    const spins *s = o->data;
    double scale = sphere_scale(o->d, x) / (double)o->d; /* 1/(|xi||x|), |xi|^2 = d */
    for (size_t mu = 0; mu < s->n; mu++)
        out[mu] = overlap_of(s, o->d, mu, x, scale);
}

/* One pattern: the minimum is at a xi (and -a xi for even p), a = 1 on the sphere.  With wells a > 1 minimises -a^p + (g/4)(a^2-1)^2: at a given
 * overlap beyond 1 equal coordinates cost least, (x^2-1)^2 being convex there, and at a smaller one the energy is above -d. */
static int hebbian_minimum(cbo_objective *o, const spins *s)
{
    double g = s->wells, a = 1;
    if (g > 0 && s->p == 2)
        a = sqrt(1 + 2 / g);
    else if (g > 0 && s->p == 3)
        a = (3 + sqrt(9 + 4 * g * g)) / (2 * g);
    else if (g > 0)
        a = sqrt(g / (g - 4));
    size_t n = s->p % 2 ? 1 : 2;
    double *x = new_minimisers(o, n);
    if (!x)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k < o->d; k++) {
        x[k] = a * s->j[k];
        if (n == 2)
            x[o->d + k] = -x[k];
    }
    o->f_min = (double)o->d * (g / 4 * (a * a - 1) * (a * a - 1) - pow(a, s->p));
    return 0;
}

static int hebbian_draw(cbo_objective *o, const qn_params *p, qn_rng *r)
{
    size_t k = (size_t)qn_int(p, "K");
    spins *s = new_spins(o, p, k, k * o->d);
    if (!s)
        return qn_fail(QN_ERR_NOMEM, "no memory for %zu patterns of d = %zu", k, o->d);
    uint64_t bits = 0;
    for (size_t i = 0; i < k * o->d; i++) {
        bits = i % 64 ? bits >> 1 : qn_rng_u64(r);
        s->j[i] = bits & 1 ? 1 : -1;
    }
    return 0;
}

static int hebbian_read(cbo_objective *o, const qn_params *p)
{
    qn_spins rows;
    int err = qn_spins_read(qn_text(p, "pattern_file"), o->d, &rows);
    if (err)
        return err;
    size_t k = qn_is_given(p, "K") ? (size_t)qn_int(p, "K") : rows.rows;
    spins *s = k <= rows.rows ? new_spins(o, p, k, k * o->d) : NULL;
    if (k > rows.rows)
        err = qn_fail(QN_ERR_DATA, "%s: holds %zu rows, too few for K = %zu", qn_text(p, "pattern_file"), rows.rows, k);
    else if (!s)
        err = qn_fail(QN_ERR_NOMEM, "no memory for %zu patterns of d = %zu", k, o->d);
    for (size_t i = 0; s && i < k * o->d; i++)
        s->j[i] = rows.s[i];
    qn_spins_free(&rows);
    return err;
}

static int hebbian_make(cbo_objective *o, const qn_params *p, const void *shared, qn_streams *streams)
{
    (void)shared;
    int err = qn_is_set(p, "pattern_file") ? hebbian_read(o, p) : hebbian_draw(o, p, &streams->disorder);
    if (err)
        return err;
    spins *s = o->data;
    s->wells = qn_real(p, "wells");
    o->sphere = s->wells == 0;
    o->eval = hebbian_eval;
    o->grad = hebbian_grad;
    o->score = hebbian_score;
    o->n_scores = s->n;
    return s->n == 1 ? hebbian_minimum(o, s) : 0;
}

/* Rows and columns of the pattern file, remembered. */
static int file_size(const qn_params *p, size_t answer[CBO_ANSWERS])
{
    const char *path = qn_text(p, "pattern_file");
    if (cbo_files_known(&path, 1, answer))
        return 0;
    qn_spins rows;
    int err = qn_spins_read(path, 0, &rows);
    if (err)
        return err;
    answer[0] = rows.rows;
    answer[1] = rows.cols;
    qn_spins_free(&rows);
    cbo_files_remember(&path, 1, answer);
    return 0;
}

static size_t hebbian_dimension(const qn_params *p)
{
    size_t size[CBO_ANSWERS] = {0};
    if (!qn_is_set(p, "pattern_file"))
        return (size_t)qn_int(p, "d");
    return file_size(p, size) ? 0 : size[1];
}

static size_t hebbian_scores(const qn_params *p)
{
    size_t size[CBO_ANSWERS] = {0};
    if (!qn_is_set(p, "pattern_file") || qn_is_given(p, "K"))
        return (size_t)qn_int(p, "K");
    return file_size(p, size) ? 0 : size[0];
}

static void hebbian_check(const qn_params *p, qn_problems *c)
{
    int64_t degree = qn_int(p, "p");
    double wells = qn_real(p, "wells"), k = qn_real(p, "K"), d = qn_real(p, "d");
    if (wells == 0)
        check_centre(p, c);
    if (wells > 0 && degree > 4)
        qn_complain(c, "wells", "with p = %lld the energy falls faster than the wells rise and has no minimum; p must be at most 4", (long long)degree);
    if (wells > 0 && degree == 4 && wells <= 4)
        qn_complain(c, "wells", "%g is too weak for p = 4: along a pattern the energy has no minimum; more than 4 is needed", wells);
    if (qn_is_set(p, "pattern_file")) {
        size_t size[CBO_ANSWERS] = {0};
        int err = file_size(p, size);
        if (err == QN_ERR_IO) /* the core has said so; or a result file is looked at where its data are not */
            return;
        if (err)
            qn_complain(c, "pattern_file", "%s", qn_error_text());
        else if (qn_is_given(p, "K") && k > (double)size[0])
            qn_complain(c, "K", "%.0f, but %s holds %zu rows", k, qn_text(p, "pattern_file"), size[0]);
    } else if (k * d > 268435456) {
        qn_complain(c, "K", "%.0f patterns of d = %.0f are too many numbers; at most 2^28 (2 GiB)", k, d);
    }
}

/* Measured on the same core: 0.02 ns a site and pattern. */
static double hebbian_seconds(const qn_params *p)
{
    return 1e-8 + 2e-11 * (double)hebbian_scores(p) * (double)hebbian_dimension(p);
}

const cbo_objective_kind cbo_spin_kinds[] = {
    {.name = "spherical_pspin", .d_min = 2, .make = pspin_make, .check = pspin_check, .seconds = pspin_seconds},
    {.name = "hebbian", .d_min = 1, .make = hebbian_make, .dimension = hebbian_dimension, .scores = hebbian_scores, .check = hebbian_check,
     .seconds = hebbian_seconds},
    {.name = NULL},
};
