/* cbo_point.h -- an objective of engine cbo made from parameters, for tests: its values on tiles, its gradient by differences, its complaints. */
#ifndef CBO_POINT_H
#define CBO_POINT_H

#include "cbo_parameters.h"

#include "cbo/objective.h"
#include "cbo/settings.h"
#include "config.h"
#include "rng.h"

#define MNIST "images=tests/data/mnist-test5k-images-idx3-ubyte.gz labels=tests/data/mnist-test5k-labels-idx1-ubyte.gz"

typedef struct point {
    qn_schema schema;
    qn_params p;
} point;

static inline void point_set(point *q, const char *text)
{
    static const qn_model table = {.name = "table", .parameters = cbo_parameters};
    read_parameters(&table, text, &q->schema, &q->p);
}

static inline void point_free(point *q)
{
    qn_params_free(&q->p);
    qn_schema_free(&q->schema);
}

/* The first complaint about a point, or "". */
static const char *complaint(const char *text)
{
    static char said[1000];
    point q;
    qn_problems c = {.file = "f", .source = ""};
    point_set(&q, text);
    const cbo_objective_kind *kind = cbo_objective_kind_of(&q.p);
    assert_non_null(kind->check);
    kind->check(&q.p, &c);
    snprintf(said, sizeof said, "%s", c.n ? c.item[0].text : "");
    qn_problems_free(&c);
    point_free(&q);
    return said;
}

static inline void complains(const char *text, const char *part)
{
    const char *said = complaint(text);
    if (!strstr(said, part) || (!*part && *said))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, said, part);
}

static inline qn_streams streams_of(size_t replica)
{
    qn_streams s;
    qn_streams_open(&s, 20240611, (const uint64_t[]){1, 2}, (const uint64_t[]){3, 4}, replica);
    return s;
}

typedef struct made {
    point q;
    const cbo_objective_kind *kind;
    void *shared;
    cbo_objective *o;
    double *work; /* [3*d*CBO_LANES] */
} made;

static inline int try_make(made *m, const char *text, size_t replica)
{
    qn_streams s = streams_of(replica);
    *m = (made){0};
    point_set(&m->q, text);
    m->kind = cbo_objective_kind_of(&m->q.p);
    int err = m->kind->prepare ? m->kind->prepare(&m->q.p, &m->shared) : 0;
    if (!err)
        err = cbo_objective_make(&m->q.p, m->shared, &s, &m->o);
    if (!err)
        m->work = aligned_alloc(64, 3 * m->o->d * CBO_LANES * sizeof *m->work);
    return err;
}

static inline void make(made *m, const char *text, size_t replica)
{
    if (try_make(m, text, replica))
        fail_msg("%s: %s", text, qn_error_text());
}

static inline void unmake(made *m)
{
    cbo_objective_free(m->o);
    if (m->kind->release && m->shared)
        m->kind->release(m->shared);
    free(m->work);
    point_free(&m->q);
}

/* A tile of random points, some of them with coordinates 0; padding is NaN and must stay out of everything. */
static inline double *tile_of(size_t d, size_t lanes, double spread, uint64_t seed)
{
    qn_rng r;
    qn_rng_seed(&r, seed, 1, 2, 3);
    double *x = aligned_alloc(64, d * CBO_LANES * sizeof *x);
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < CBO_LANES; i++)
            x[k * CBO_LANES + i] = i >= lanes ? NAN : (i + k) % 7 == 3 ? 0 : spread * qn_rng_normal(&r);
    return x;
}

static inline void pick(size_t d, const double *tile, size_t lane, double *x)
{
    for (size_t k = 0; k < d; k++)
        x[k] = tile[k * CBO_LANES + lane];
}

/* f of whole and half-full tiles against `want`, relative to `unit`; f behind the lanes stays as it was. */
static inline void values_are(const made *m, double spread, double tol, long double (*want)(const made *m, const double *x))
{
    size_t d = m->o->d;
    double *y = malloc(d * sizeof *y);
    static const size_t lanes[] = {64, 40, 8};
    for (size_t t = 0; t < 3; t++) {
        double *x = tile_of(d, lanes[t], spread, t), f[CBO_LANES];
        for (size_t i = 0; i < CBO_LANES; i++)
            f[i] = 12345;
        m->o->eval(m->o, lanes[t], x, f, m->work);
        for (size_t i = 0; i < CBO_LANES; i++) {
            pick(d, x, i, y);
            long double w = i < lanes[t] ? want(m, y) : 12345;
            if (isnan((double)w))
                assert_true(isnan(f[i]));
            else
                assert_near(f[i], (double)w, tol * (1 + fabs((double)w)));
        }
        if (t == 2)
            assert_true(isnan(cbo_value(m->o, y, m->work))); /* a padding lane is NaN */
        pick(d, x, 5, y);
        assert_near(cbo_value(m->o, y, m->work), f[5], 1e-13 * (1 + fabs(f[5])));
        free(x);
    }
    free(y);
}

/* The gradient at random points against central differences of h = 1e-5. */
static inline void gradient_is(const made *m, double spread, double tol)
{
    size_t d = m->o->d, all = d < 60 ? 1 : d / 60;
    double *x = malloc(d * sizeof *x), *g = malloc(d * sizeof *g), *tile = tile_of(d, 8, spread, 77);
    assert_non_null(m->o->grad);
    for (size_t i = 0; i < 3; i++) {
        pick(d, tile, i, x);
        m->o->grad(m->o, x, g);
        double size = 0;
        for (size_t k = 0; k < d; k++)
            size = fmax(size, fabs(g[k]));
        assert_true(size > 1e-12);
        for (size_t k = i; k < d; k += all) {
            double at = x[k], h = 1e-5;
            x[k] = at + h;
            double up = cbo_value(m->o, x, m->work);
            x[k] = at - h;
            double down = cbo_value(m->o, x, m->work);
            x[k] = at;
            assert_near(g[k], (up - down) / (2 * h), tol * size);
        }
    }
    free(tile);
    free(g);
    free(x);
}

#endif
