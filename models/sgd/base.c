/* base.c -- see base.h. */
#include "base.h"

#include <stdlib.h>
#include <string.h>

int sgd_base_init(sgd_base *b, const sgd_settings *set, const void *shared, const qn_streams *streams)
{
    memset(b, 0, sizeof *b);
    b->set = *set;
    const sgd_deep *x = &b->set.deep;
    const sgd_shape *shape = &x->shape;
    sgd_draw draw = {.d = set->d, .p = set->p, .tests = x->tests, .classes = x->classes, .separation = x->separation, .noise = x->noise, .bias = x->bias};
    int err = sgd_data_draw(&b->data, &x->source, &draw, shared, streams);
    if (err)
        return err;
    size_t n = sgd_shape_weights(shape), p = b->data.train.n;
    b->n_kernel = x->n_kernel;
    b->w0 = malloc(n * sizeof *b->w0);
    b->f = malloc((p + 1) * sizeof *b->f);
    b->f_test = malloc((b->data.test.n + 1) * sizeof *b->f_test);
    b->x_kernel = malloc((b->n_kernel * shape->d + 1) * sizeof *b->x_kernel);
    if (!b->w0 || !b->f || !b->f_test || !b->x_kernel)
        return qn_fail(QN_ERR_NOMEM, "no memory for a net of %zu weights and %zu points", n, p);
    sgd_points_f64(&b->data.train, b->n_kernel, NULL, 0, b->x_kernel);
    qn_rng rng;
    qn_stream_split(streams, QN_STREAM_DISORDER, SGD_STREAM_WEIGHTS, &rng);
    sgd_shape_draw(shape, set->scale, &rng, b->w0);
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        b->w0[i] = x->single ? (double)(float)b->w0[i] : b->w0[i];
        square += b->w0[i] * b->w0[i];
    }
    b->w0_norm = sqrt(square);
    for (size_t mu = 0; mu < p; mu++)
        b->y2 += b->data.train.y[mu] * b->data.train.y[mu] / (double)p;
    return 0;
}

void sgd_base_free(sgd_base *b)
{
    sgd_data_free(&b->data);
    free(b->w0);
    free(b->f);
    free(b->f_test);
    free(b->x_kernel);
}

double sgd_base_loss(const sgd_base *b, double y, double predictor)
{
    const sgd_loss *l = &b->set.loss;
    return l->kind == SGD_SQUARE ? sgd_loss_residual(l, y - predictor) : sgd_loss_at(l, y * predictor);
}

/* Means over the points: loss, share of wrong signs. */
static void means(const sgd_base *b, const sgd_points *p, const double *f, double *loss, double *wrong)
{
    double sum = 0;
    size_t errors = 0;
    for (size_t mu = 0; mu < p->n; mu++) {
        sum += sgd_base_loss(b, p->y[mu], f[mu]);
        errors += p->y[mu] * f[mu] > 0 ? 0 : 1; /* 0 and what is no number are errors */
    }
    *loss = p->n ? sum / (double)p->n : NAN;
    *wrong = p->n && b->set.deep.classes ? (double)errors / (double)p->n : NAN;
}

void sgd_base_look(const sgd_base *b, sgd_look *out)
{
    const sgd_points *p = &b->data.train;
    means(b, p, b->f, &out->train_loss, &out->train_err);
    means(b, &b->data.test, b->f_test, &out->test_loss, &out->test_err);
    out->w0 = b->w0_norm;
    out->label_power = b->y2;
    if (!b->set.deep.classes)
        return;
    size_t unfitted = 0;
    out->margin_min = INFINITY;
    for (size_t mu = 0; mu < p->n; mu++) {
        double u = p->y[mu] * b->f[mu];
        unfitted += u >= b->set.loss.margin ? 0 : 1;
        out->margin_min = fmin(out->margin_min, u);
    }
    out->unfitted = (double)unfitted / (double)p->n;
}

bool sgd_base_provides(const sgd_settings *set, int obs)
{
    const sgd_deep *x = &set->deep;
    switch (obs) {
    case SGD_O_TRAIN_LOSS: case SGD_O_DW: case SGD_O_DW_REL: case SGD_O_NOISE_TRACE: case SGD_O_NOISE_SIGNAL:
        return true;
    case SGD_O_TEST_LOSS:
        return x->tests > 0;
    case SGD_O_TRAIN_ERR: case SGD_O_UNFITTED: case SGD_O_MARGIN_MIN:
        return x->classes;
    case SGD_O_TEST_ERR:
        return x->classes && x->tests > 0;
    case SGD_O_GROK_DELAY: case SGD_O_T_TRAIN: case SGD_O_T_TEST:
        return x->grok > 0 && x->tests > 0 && set->loss.kind == SGD_SQUARE;
    case SGD_O_KTA:
        return x->n_kernel > 1;
    case SGD_O_NTK_EIGS: case SGD_O_NTK_POWER:
        return x->n_kernel > 0 && x->spectrum;
    default:
        return false;
    }
}

double sgd_base_bytes(const sgd_settings *set)
{
    const sgd_deep *x = &set->deep;
    double d = (double)set->d, p = (double)set->p, tests = x->tests == SIZE_MAX ? p : (double)x->tests, w = (double)sgd_shape_weights(&x->shape);
    double points = x->source.kind == SGD_DATA_IMAGES ? 12 * (p + tests) : 8 * (d + 1) * (p + tests);
    return points + 8 * (w + p + tests) + 8 * (double)x->n_kernel * d;
}
