/* flow.c -- gradient flow, T = 0: full-batch descent with steps of its own.
 *
 * Smooth losses: Heun's method; a step is accepted when it moves no F_mu by more than `tol` away from where the Euler step inside it does, and when
 * its length times the curvature that it met is below 1.
 * The hinge is no differential equation: near the end points sit on their margins and switch at every step.  There a step is plain gradient descent
 * with eta = delta P/(alpha K_max n_u), n_u the number of unfitted points: about delta is the most that an F moves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

struct sgd_flow {
    size_t n, p;
    double dt;                /* the next step to try */
    bool known;               /* g and f are those of the present weights */
    double *w, *g, *g2, *trial, *f, *f2, *f3;
};

static bool is_hinge(const sgd_task *t)
{
    return t->set.loss.kind == SGD_HINGE;
}

int sgd_flow_create(sgd_task *t)
{
    sgd_flow *f = t->flow = calloc(1, sizeof *f);
    if (!f)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    f->dt = 1e-3;
    if (is_hinge(t))
        return 0;
    f->n = t->table->weights(t->net);
    f->p = t->set.p;
    double **all[] = {&f->w, &f->g, &f->g2, &f->trial, &f->f, &f->f2, &f->f3};
    bool ok = true;
    for (size_t i = 0; i < 7; i++)
        ok &= (*all[i] = malloc((i < 4 ? f->n : f->p) * sizeof(double))) != NULL;
    return ok ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for the flow of %zu weights", f->n);
}

void sgd_flow_destroy(sgd_flow *f)
{
    if (!f)
        return;
    free(f->w);
    free(f->g);
    free(f->g2);
    free(f->trial);
    free(f->f);
    free(f->f2);
    free(f->f3);
    free(f);
}

static void hinge_step(sgd_task *t)
{
    size_t p = t->set.p, left = t->table->unfitted(t->net);
    if (left == 0) {
        sgd_task_end(t, SGD_FITTED);
        return;
    }
    double eta = t->set.delta * (double)p / (t->set.loss.alpha * t->table->kernel_max(t->net) * (double)left);
    eta = fmin(eta, t->set.max_time - t->time);
    t->table->step(t->net, p, NULL, eta / (double)p);
    t->time += eta;
    sgd_task_count(t, true);
}

static double norm(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* One Heun step of length h from w with g, f there; error: the largest difference in F between it and the Euler step; curvature as met. */
static void try_step(sgd_task *t, double h, double *error, double *curvature)
{
    sgd_flow *x = t->flow;
    for (size_t i = 0; i < x->n; i++)
        x->trial[i] = x->w[i] + h * x->g[i];
    t->table->set(t->net, x->trial);
    t->table->descend(t->net, x->g2, x->f2);
    double change = 0;
    for (size_t i = 0; i < x->n; i++) {
        change += (x->g2[i] - x->g[i]) * (x->g2[i] - x->g[i]);
        x->trial[i] = x->w[i] + h / 2 * (x->g[i] + x->g2[i]);
    }
    *curvature = change > 0 ? sqrt(change) / (h * norm(x->n, x->g)) : 0;
    t->table->set(t->net, x->trial);
    t->table->descend(t->net, x->g2, x->f3); /* f2 keeps F after Euler */
    *error = 0;
    for (size_t mu = 0; mu < x->p; mu++) {
        double off = fabs(x->f3[mu] - x->f2[mu]);
        *error = off <= *error ? *error : off; /* NaN counts as too much */
    }
}

static void smooth_step(sgd_task *t)
{
    sgd_flow *x = t->flow;
    const double tol = t->set.tol;
    t->table->get(t->net, x->w);
    if (!x->known)
        t->table->descend(t->net, x->g, x->f);
    if (norm(x->n, x->g) == 0) { /* at rest for ever */
        sgd_task_end(t, sgd_task_done(t) ? SGD_FITTED : SGD_TIME_OUT);
        return;
    }
    double left = t->set.max_time - t->time, h = fmin(x->dt, left), error, curvature;
    for (;; h *= 0.5) {
        try_step(t, h, &error, &curvature);
        if ((error <= tol && h * curvature <= 1) || h < 1e-300)
            break;
    }
    double *swap = x->g;
    x->g = x->g2; /* of the new weights */
    x->g2 = swap;
    swap = x->f;
    x->f = x->f3;
    x->f3 = swap;
    x->known = true;
    t->time += h;
    double grow = error > 0 ? fmin(fmax(0.9 * sqrt(tol / error), 0.3), 2) : 2; /* the difference to Euler is of order h^2 */
    x->dt = fmin(h * grow, curvature > 0 ? 0.9 / curvature : INFINITY);
    sgd_task_count(t, true);
}

void sgd_flow_step(sgd_task *t)
{
    if (is_hinge(t)) {
        hinge_step(t);
        return;
    }
    smooth_step(t);
    if (t->status == SGD_GOING && t->steps % 4 == 0 && sgd_task_done(t))
        sgd_task_end(t, SGD_FITTED);
}

int sgd_flow_save(const sgd_flow *f, qn_group *g)
{
    return qn_save_f64(g, "flow.dt", 1, &f->dt);
}

int sgd_flow_load(sgd_flow *f, const qn_group *g)
{
    f->known = false;
    return qn_load_f64(g, "flow.dt", 1, &f->dt);
}
