/* descent.c -- schemes that follow one point by the gradient of f: descent x - tau grad f, and Langevin x - eta grad f dt + sigma_k sqrt(dt) xi with
 * sigma_k = sigma/ln(k+1), k = 1, 2, ...; the scheme to compare consensus with in arXiv:2306.09778.  The point is the one
 * particle of the ensemble, and so its own consensus. */
#include <math.h>

#include "method.h"

static int init(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    cbo_evaluate_all(s);
    return 0;
}

/* The point in s->point, grad f there in s->point2. */
static void look(cbo_state *s)
{
    cbo_ensemble_point(&s->e, 0, s->point);
    cbo_gradient(s->objective, s->point, s->point2, s->work);
    s->evaluations += s->objective->grad ? 1 : 2 * s->d;
}

static void land(cbo_state *s)
{
    double *x = cbo_tile(&s->e, 0);
    for (size_t k = 0; k < s->d; k++) {
        double y = s->point[k];
        s->cut += fabs(y) > s->set.cap;
        x[k * CBO_LANES] = fabs(y) > s->set.cap ? copysign(s->set.cap, y) : y;
    }
    cbo_evaluate_all(s);
}

static int step_gradient(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    look(s);
    for (size_t k = 0; k < s->d; k++)
        s->point[k] -= s->set.tau * s->point2[k];
    land(s);
    return 0;
}

static int step_langevin(cbo_state *s, qn_streams *streams)
{
    (void)streams;
    double spread = s->sigma / log((double)(s->steps + 2)) * sqrt(s->set.dt);
    look(s);
    for (size_t k = 0; k < s->d; k++)
        s->point[k] += spread * qn_rng_normal(&s->e.rng[0]) - s->set.eta * s->set.dt * s->point2[k];
    land(s);
    return 0;
}

const cbo_method cbo_descent = {.name = "gradient", .init = init, .step = step_gradient};
const cbo_method cbo_langevin = {.name = "langevin", .init = init, .step = step_langevin};
