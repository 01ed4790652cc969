/* chain.c -- the online perceptron of the hinge reduced to (w1, r), an exact Markov chain at every d: of the points of a batch only x and u along
 * w_perp decide, the rest of those that push is a sum of m independent vectors in d-2 dimensions, whose length alone matters.
 * With a = eta/(B sqrt(d)):  w1 += a sum x,  r^2 <- (r + a sum u)^2 + a^2 m chi-squared_{d-2}. */
#include <stdlib.h>
#include <string.h>

#include "perceptron.h"

typedef struct chain {
    sgd_settings set;
    sgd_boundary law;
    sgd_rule rule;
    double edge, scale;       /* unfitted: w1 x + r u < edge = margin sqrt(d)/alpha; grad f = scale x */
    double first[2], w[2];    /* (w1, r) at the start and now */
} chain;

static void destroy(void *net)
{
    free(net);
}

static int create(const qn_params *p, const sgd_settings *set, const void *shared, qn_streams *streams, void **net)
{
    (void)p;
    (void)shared;
    chain *n = *net = calloc(1, sizeof *n);
    if (!n)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    n->set = *set;
    n->scale = 1 / sqrt((double)set->d);
    n->edge = set->loss.margin / (set->loss.alpha * n->scale);
    sgd_boundary_init(&n->law, set->chi);
    if (set->scale > 0) {
        qn_rng rng;
        qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_WEIGHTS, &rng);
        n->first[0] = set->scale * qn_rng_normal(&rng);
        n->first[1] = set->scale * sqrt(2 * sgd_gamma_draw(((double)set->d - 1) / 2, &rng));
        memcpy(n->w, n->first, sizeof n->w);
    }
    return sgd_rule_init(&n->rule, set->chi);
}

static int save(const void *net, qn_group *g)
{
    return qn_save_f64(g, "w", 2, ((const chain *)net)->w);
}

static int load(void *net, const qn_group *g)
{
    return qn_load_f64(g, "w", 2, ((chain *)net)->w);
}

static size_t step(void *net, size_t count, const uint32_t *at, double rate)
{
    (void)net;
    (void)count;
    (void)at;
    (void)rate;
    return 0; /* there are no training points */
}

static size_t step_fresh(void *net, size_t count, double rate, qn_rng *rng)
{
    chain *n = net;
    double sum_x = 0, sum_u = 0, a = rate * n->scale;
    size_t hits = 0;
    for (size_t k = 0; k < count; k++) {
        double x = sgd_boundary_draw(&n->law, rng), u = qn_rng_normal(rng);
        if (n->w[0] * x + n->w[1] * u >= n->edge)
            continue;
        hits++;
        sum_x += x;
        sum_u += u;
    }
    if (hits) {
        double along = n->w[1] + a * sum_u, across = 2 * sgd_gamma_draw(((double)n->set.d - 2) / 2, rng);
        n->w[0] += a * sum_x;
        n->w[1] = sqrt(along * along + a * a * (double)hits * across);
    }
    return hits;
}

static void look(void *net, sgd_look *out)
{
    chain *n = net;
    out->w_signal = n->w[0];
    out->w_noise = n->w[1];
    if (n->set.scale == 0)
        out->dw = hypot(n->w[0], n->w[1]); /* from elsewhere it takes the angle between w_perp then and now */
    out->w0 = hypot(n->first[0], n->first[1]);
    sgd_population_look(&n->rule, &n->set, n->w[0], n->w[1], out);
}

static double size(const void *net)
{
    const chain *n = net;
    return hypot(n->w[0], n->w[1]);
}

static bool fitted(void *net, size_t *witness)
{
    (void)net;
    (void)witness;
    return false;
}

static bool provides(const sgd_settings *set, int obs)
{
    return sgd_perceptron.provides(set, obs) && obs != SGD_O_DW_REL && (obs != SGD_O_DW || set->scale == 0);
}

static double step_seconds(const sgd_settings *set)
{
    return 6e-8 + 2e-8 * (double)set->b;
}

static double bytes(const sgd_settings *set)
{
    (void)set;
    return sizeof(chain);
}

const sgd_net sgd_chain = {
    .name = "perceptron", .classification = true,
    .step_seconds = step_seconds, .bytes = bytes, .provides = provides,
    .create = create, .destroy = destroy, .save = save, .load = load,
    .step = step, .step_fresh = step_fresh, .look = look, .size = size, .fitted = fitted,
};
