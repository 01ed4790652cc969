/* cbo_make.h -- objectives and ensembles for the tests of engine cbo. */
#ifndef CBO_MAKE_H
#define CBO_MAKE_H

#include "cbo_parameters.h"

#include "cbo/kernel.h"
#include "cbo/settings.h"
#include "rng.h"

static inline qn_streams streams_of(uint64_t seed)
{
    const uint64_t key[2] = {1, 2};
    qn_streams s;
    qn_streams_open(&s, seed, key, key, 0);
    return s;
}

static inline cbo_objective *objective_of(const char *text)
{
    const qn_model model = {.name = "cbo", .parameters = cbo_parameters};
    qn_schema schema;
    qn_params p;
    cbo_objective *o;
    read_parameters(&model, text, &schema, &p);
    qn_streams s = streams_of(5);
    assert_int_equal(cbo_objective_make(&p, NULL, &s, &o), 0);
    qn_params_free(&p);
    qn_schema_free(&schema);
    return o;
}

/* n particles, x = mean + sd N(0, 1) in every lane, padding too. */
static inline cbo_ensemble ensemble_of(size_t n, size_t d, uint64_t seed, double mean, double sd)
{
    cbo_ensemble e;
    qn_streams s = streams_of(seed);
    assert_int_equal(cbo_ensemble_init(&e, n, d, &s), 0);
    for (size_t t = 0; t < e.tiles; t++) {
        double *x = cbo_tile(&e, t);
        qn_rng_fill_normal(&e.rng[t], d * CBO_LANES, x);
        for (size_t j = 0; j < d * CBO_LANES; j++)
            x[j] = mean + sd * x[j];
    }
    return e;
}

static inline cbo_consensus consensus_of(size_t d)
{
    cbo_consensus c = {.c = calloc(d, sizeof(double))};
    assert_non_null(c.c);
    return c;
}

#endif
