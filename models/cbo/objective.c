/* objective.c -- the table of kinds; shift and rotation; values, gradients and distances at single points (see objective.h). */
#include "objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "landscapes.h"
#include "learning.h"
#include "spins.h"
#include "user.h"
#include "vmath.h"

const cbo_objective_kind *cbo_objective_kind_of(const qn_params *p)
{
    static const cbo_objective_kind *const tables[] = {cbo_landscape_kinds, cbo_spin_kinds, cbo_learning_kinds, cbo_user_kind};
    const char *name = qn_text(p, "objective");
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const cbo_objective_kind *k = tables[t]; k->name; k++)
            if (!strcmp(k->name, name))
                return k;
    return NULL;
}

/* ---- shift and rotation: f(x) = f0(R (x - b)) ------------------------------------------------------------------------ */

QN_CLONES static void shift_tile(size_t d, size_t lanes, const double *b, const double *x, double *z)
{
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < lanes; i++)
            z[k * CBO_LANES + i] = x[k * CBO_LANES + i] - b[k];
}

/* Sums over k in order, so that the bits do not depend on the instruction set. */
QN_CLONES static void rotate_tile(size_t d, size_t lanes, const double *r, const double *b, const double *x, double *z)
{
    for (size_t j = 0; j < d; j++) {
        double sum[CBO_LANES] = {0};
        for (size_t k = 0; k < d; k++)
            for (size_t i = 0; i < lanes; i++)
                sum[i] += r[j * d + k] * (x[k * CBO_LANES + i] - b[k]);
        memcpy(z + j * CBO_LANES, sum, lanes * sizeof *sum);
    }
}

static void eval_moved(const cbo_objective *o, size_t lanes, const double *x, double *f, double *z)
{
    if (o->rotation)
        rotate_tile(o->d, lanes, o->rotation, o->shift, x, z);
    else
        shift_tile(o->d, lanes, o->shift, x, z);
    o->eval_inner(o, lanes, z, f, z + o->d * CBO_LANES);
}

static void grad_moved(const cbo_objective *o, const double *x, double *g)
{
    const size_t d = o->d;
    double *y = o->moved, *inner = y + d;
    for (size_t k = 0; k < d; k++)
        inner[k] = x[k] - o->shift[k];
    if (!o->rotation) {
        o->grad_inner(o, inner, g);
        return;
    }
    for (size_t j = 0; j < d; j++) {
        y[j] = 0;
        for (size_t k = 0; k < d; k++)
            y[j] += o->rotation[j * d + k] * inner[k];
    }
    o->grad_inner(o, y, inner);
    for (size_t k = 0; k < d; k++) {
        g[k] = 0;
        for (size_t j = 0; j < d; j++)
            g[k] += o->rotation[j * d + k] * inner[j];
    }
}

/* Uniform over the orthogonal group: Gaussian rows made orthonormal by Gram and Schmidt, twice for the sake of rounding. */
static void draw_rotation(size_t d, qn_rng *rng, double *r)
{
    qn_rng_fill_normal(rng, d * d, r);
    for (size_t i = 0; i < d; i++) {
        double *row = r + i * d;
        for (size_t pass = 0; pass < 2; pass++) {
            for (size_t j = 0; j < i; j++) {
                double dot = 0;
                for (size_t k = 0; k < d; k++)
                    dot += row[k] * r[j * d + k];
                for (size_t k = 0; k < d; k++)
                    row[k] -= dot * r[j * d + k];
            }
            double square = 0;
            for (size_t k = 0; k < d; k++)
                square += row[k] * row[k];
            for (size_t k = 0; k < d; k++)
                row[k] /= sqrt(square);
        }
    }
}

/* x* = b + R^T z* for each known minimiser. */
static void move_minimisers(cbo_objective *o)
{
    const size_t d = o->d;
    for (size_t m = 0; m < o->n_minimisers; m++) {
        double *x = o->minimiser + m * d;
        if (o->rotation) {
            memcpy(o->moved, x, d * sizeof *x);
            for (size_t k = 0; k < d; k++) {
                x[k] = 0;
                for (size_t j = 0; j < d; j++)
                    x[k] += o->rotation[j * d + k] * o->moved[j];
            }
        }
        for (size_t k = 0; k < d; k++)
            x[k] += o->shift[k];
    }
}

static int move(cbo_objective *o, const qn_params *p, qn_streams *s)
{
    const size_t d = o->d;
    const bool rotate = qn_bool(p, "rotate");
    size_t n = 0;
    const double *by = qn_list(p, "shift", &n);
    bool shifted = false;
    for (size_t k = 0; k < n; k++)
        shifted |= by[k] != 0;
    if (!shifted && !rotate)
        return 0;
    double *b = malloc(d * sizeof *b), *r = rotate ? malloc(d * d * sizeof *r) : NULL;
    o->shift = b;
    o->rotation = r;
    o->moved = malloc(2 * d * sizeof *o->moved);
    if (!b || !o->moved || (rotate && !r))
        return qn_fail(QN_ERR_NOMEM, "no memory for the %s of d = %zu coordinates", rotate ? "rotation" : "shift", d);
    for (size_t k = 0; k < d; k++)
        b[k] = n ? by[k % n] : 0;
    if (rotate) {
        qn_rng stream;
        qn_stream_split(s, QN_STREAM_DISORDER, 0, &stream);
        draw_rotation(d, &stream, r);
    }
    move_minimisers(o);
    o->eval_inner = o->eval;
    o->eval = eval_moved;
    o->grad_inner = o->grad;
    o->grad = o->grad ? grad_moved : NULL;
    return 0;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

int cbo_objective_make(const qn_params *p, const void *shared, qn_streams *s, cbo_objective **out)
{
    const cbo_objective_kind *kind = cbo_objective_kind_of(p);
    *out = NULL;
    if (!kind)
        return qn_fail(QN_ERR_INPUT, "there is no objective \"%s\"", qn_text(p, "objective"));
    cbo_objective *o = *out = calloc(1, sizeof *o);
    if (!o)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    o->name = kind->name;
    o->f_min = NAN;
    o->d = kind->dimension ? kind->dimension(p) : (size_t)qn_int(p, "d");
    int err = kind->make(o, p, shared, s);
    if (!err)
        err = move(o, p, s);
    if (err) {
        cbo_objective_free(o);
        *out = NULL;
    }
    return err;
}

void cbo_objective_free(cbo_objective *o)
{
    if (!o)
        return;
    if (o->free_data)
        o->free_data(o);
    free(o->minimiser);
    free((void *)(uintptr_t)o->shift);
    free((void *)(uintptr_t)o->rotation);
    free(o->moved);
    free(o);
}

/* ---- single points ------------------------------------------------------------------------------------------------- */

/* The eight points of the least tile: all the same but for coordinate `k` of point 1, which is off by h, and of point 2, by -h. */
static void eval_eight(const cbo_objective *o, const double *x, size_t k, double h, double f[8], double *work)
{
    _Alignas(64) double value[CBO_LANES];
    for (size_t j = 0; j < o->d; j++)
        for (size_t i = 0; i < 8; i++)
            work[j * CBO_LANES + i] = x[j];
    work[k * CBO_LANES + 1] = x[k] + h;
    work[k * CBO_LANES + 2] = x[k] - h;
    o->eval(o, 8, work, value, work + o->d * CBO_LANES);
    memcpy(f, value, 8 * sizeof *f);
}

double cbo_value(const cbo_objective *o, const double *x, double *work)
{
    double f[8];
    eval_eight(o, x, 0, 0, f, work);
    return f[0];
}

void cbo_gradient(const cbo_objective *o, const double *x, double *g, double *work)
{
    const double h = 1e-5;
    if (o->grad) {
        o->grad(o, x, g);
        return;
    }
    for (size_t k = 0; k < o->d; k++) {
        double f[8];
        eval_eight(o, x, k, h, f, work);
        g[k] = (f[1] - f[2]) / ((x[k] + h) - (x[k] - h));
    }
}

double cbo_distance(const cbo_objective *o, const double *x, bool sup)
{
    double least = NAN;
    for (size_t m = 0; m < o->n_minimisers; m++) {
        double far = 0;
        for (size_t k = 0; k < o->d; k++) {
            double y = fabs(x[k] - o->minimiser[m * o->d + k]);
            far = sup ? (y <= far ? far : y) : far + y * y;
        }
        far = sup ? far : sqrt(far);
        if (!(far >= least))
            least = far;
    }
    return least;
}
