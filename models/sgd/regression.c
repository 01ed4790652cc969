/* regression.c -- see regression.h. */
#include "regression.h"

#include <stdlib.h>
#include <string.h>

void sgd_regression_free(sgd_regression *r)
{
    free(r->x);
    free(r->y);
    free(r->teacher);
    free(r->h);
    free(r->point);
    memset(r, 0, sizeof *r);
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* A point into r->point, and its label. */
static double draw(sgd_regression *r, qn_rng *rng)
{
    size_t d = r->set.d;
    qn_rng_fill_normal(rng, d, r->point);
    for (size_t i = 0; r->set.decay > 0 && i < d; i++)
        r->point[i] *= sqrt(r->h[i]);
    return dot(d, r->teacher, r->point) + (r->set.sigma > 0 ? r->set.sigma * qn_rng_normal(rng) : 0);
}

int sgd_regression_init(sgd_regression *r, const sgd_settings *set, const double *teacher, qn_streams *streams)
{
    memset(r, 0, sizeof *r);
    r->set = *set;
    r->rows = sgd_rows_best();
    r->ld = sgd_padded(set->d);
    r->x = calloc(set->p * r->ld + 1, sizeof *r->x);
    r->y = malloc((set->p + 1) * sizeof *r->y);
    r->teacher = calloc(r->ld, sizeof *r->teacher);
    r->h = calloc(r->ld, sizeof *r->h);
    r->point = calloc(r->ld, sizeof *r->point);
    if (!r->x || !r->y || !r->teacher || !r->h || !r->point)
        return qn_fail(QN_ERR_NOMEM, "no memory for P = %zu points of d = %zu inputs", set->p, set->d);
    memcpy(r->teacher, teacher, set->d * sizeof *teacher);
    for (size_t i = 0; i < set->d; i++)
        r->h[i] = pow((double)(i + 1), -set->decay);
    qn_rng rng;
    qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_DATA, &rng);
    for (size_t mu = 0; mu < set->p; mu++) {
        draw(r, &rng);
        float *x = r->x + mu * r->ld;
        for (size_t i = 0; i < set->d; i++)
            x[i] = (float)r->point[i];
        r->y[mu] = r->rows->dot(r->ld, x, r->teacher) + (set->sigma > 0 ? set->sigma * qn_rng_normal(&rng) : 0); /* of the rounded point */
    }
    return 0;
}

static double residual(const sgd_regression *r, size_t mu, const double *beta)
{
    return r->y[mu] - r->rows->dot(r->ld, r->x + mu * r->ld, beta);
}

size_t sgd_regression_pull(sgd_regression *r, const double *beta, size_t n, const uint32_t *at, double *g)
{
    size_t pushed = 0;
    memset(g, 0, r->ld * sizeof *g);
    for (size_t k = 0; k < n; k++) {
        size_t mu = at ? at[k] : k;
        double push = sgd_push_residual(&r->set.loss, residual(r, mu, beta));
        pushed += push != 0;
        r->rows->add(r->ld, push, r->x + mu * r->ld, g);
    }
    return pushed;
}

size_t sgd_regression_pull_fresh(sgd_regression *r, const double *beta, size_t n, qn_rng *rng, double *g)
{
    size_t pushed = 0;
    memset(g, 0, r->ld * sizeof *g);
    for (size_t k = 0; k < n; k++) {
        double y = draw(r, rng), push = sgd_push_residual(&r->set.loss, y - dot(r->set.d, beta, r->point));
        pushed += push != 0;
        r->rows->axpy(r->set.d, push, r->point, g);
    }
    return pushed;
}

void sgd_regression_predict(const sgd_regression *r, const double *beta, double *f)
{
    r->rows->all(r->set.p, r->ld, r->x, 1, beta, f);
}

/* ---- questions ---- */

static void look_at_points(sgd_regression *r, const double *beta, const double *slope2, sgd_look *out)
{
    size_t d = r->set.d;
    double loss = 0, power = 0, p = (double)r->set.p, *g = r->point;
    memset(g, 0, r->ld * sizeof *g);
    for (size_t mu = 0; mu < r->set.p; mu++) {
        const float *x = r->x + mu * r->ld;
        double off = residual(r, mu, beta), push = sgd_push_residual(&r->set.loss, off), x2 = 0;
        loss += sgd_loss_residual(&r->set.loss, off);
        for (size_t i = 0; i < d; i++)
            x2 += slope2[i] * (double)x[i] * (double)x[i];
        power += push * push * x2;
        r->rows->add(r->ld, push, x, g);
    }
    double signal = 0;
    for (size_t i = 0; i < d; i++)
        signal += slope2[i] * g[i] * g[i] / (p * p);
    out->train_loss = loss / p;
    out->noise_signal = signal;
    out->noise_trace = power / p - signal;
}

/* Gaussian x, residual e.x + sigma n with e = beta* - beta:  E residual^2 x_i^2 = h_i (S + sigma^2) + 2 h_i^2 e_i^2, S = sum h e^2. */
static void look_at_all(const sgd_regression *r, const double *beta, const double *slope2, sgd_look *out)
{
    double factor = sgd_push_residual(&r->set.loss, 1), total = out->excess + r->set.sigma * r->set.sigma, power = 0, signal = 0;
    for (size_t i = 0; i < r->set.d; i++) {
        double h = r->h[i], e = r->teacher[i] - beta[i];
        power += slope2[i] * (h * total + 2 * h * h * e * e);
        signal += slope2[i] * h * h * e * e;
    }
    out->train_loss = out->test_loss;
    out->noise_signal = factor * factor * signal;
    out->noise_trace = factor * factor * (power - signal);
}

void sgd_regression_look(sgd_regression *r, const double *beta, const double *slope2, sgd_look *out)
{
    size_t d = r->set.d;
    double excess = 0, length = sqrt(dot(d, r->teacher, r->teacher)), along = length > 0 ? dot(d, r->teacher, beta) / length : 0, rest = 0;
    for (size_t i = 0; i < d; i++) {
        double e = r->teacher[i] - beta[i], across = beta[i] - (length > 0 ? along * r->teacher[i] / length : 0);
        excess += r->h[i] * e * e;
        rest += across * across;
    }
    out->w_signal = along;
    out->w_noise = sqrt(rest);
    out->excess = excess;
    out->test_loss = sgd_loss_residual(&r->set.loss, 1) * (excess + r->set.sigma * r->set.sigma);
    if (r->set.p > 0)
        look_at_points(r, beta, slope2, out);
    else
        look_at_all(r, beta, slope2, out);
}

bool sgd_regression_provides(const sgd_settings *set, int obs)
{
    switch (obs) {
    case SGD_O_EXCESS:
        return set->p == 0;
    case SGD_O_TRAIN_LOSS: case SGD_O_TEST_LOSS: case SGD_O_W_SIGNAL: case SGD_O_W_NOISE: case SGD_O_LAMBDA: case SGD_O_DW: case SGD_O_NOISE_TRACE:
    case SGD_O_NOISE_SIGNAL:
        return true;
    default:
        return false;
    }
}

double sgd_regression_bytes(const sgd_settings *set)
{
    double p = (double)set->p, ld = (double)sgd_padded(set->d);
    return p * (4 * ld + 8) + 64 * ld;
}

double sgd_regression_step_seconds(const sgd_settings *set)
{
    double d = (double)set->d, b = (double)(set->dynamics == SGD_FLOW ? set->p : set->b);
    return 1e-8 + b * (1e-8 + (set->p ? 4e-10 : 3e-9) * d);
}
