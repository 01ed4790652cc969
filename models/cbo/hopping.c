/* hopping.c -- see hopping.h. x_0 is the first drawn particle. */
#include "hopping.h"

#include <math.h>
#include <string.h>

#include "method.h"

double cbo_hopping_width(const cbo_settings *set, uint64_t hop)
{
    return set->hop_width * pow(set->hop_factor, (double)(hop / set->hop_every));
}

static int init(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    cbo_ensemble_point(&s->e, 0, s->point);
    for (size_t t = 0; t < s->e.tiles; t++)
        for (size_t k = 0; k < s->d; k++)
            for (size_t i = 0; i < CBO_LANES; i++)
                cbo_tile(&s->e, t)[k * CBO_LANES + i] = s->point[k];
    cbo_evaluate_all(s);
    memcpy(s->now.c, s->point, s->d * sizeof *s->point); /* the mean of equal numbers, without its rounding */
    return 0;
}

/* The step of CBO with lambda dt = 1 and constant noise: the old positions drop out. */
static int step(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    cbo_move m = {
        .lambda = 1,
        .dt = 1,
        .sigma = cbo_hopping_width(&s->set, s->steps),
        .alpha = s->alpha,
        .noise = CBO_CONSTANT,
        .cap = s->set.cap,
    };
    cbo_step_all(s, &m);
    return 0;
}

const cbo_method cbo_hopping = {.name = "hopping", .init = init, .step = step};
