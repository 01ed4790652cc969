/* learning_body.h -- the loss of W lanes over the examples of a batch (see levels.h).  Their weights are packed, w[coordinate][W]: left in
 * the tile, rows 512 bytes apart would share few sets of the caches. */
typedef double NAME(loose) __attribute__((vector_size(8 * W), aligned(8), may_alias));
#undef AT
#define AT(p) (*(NAME(loose) *)(p))

/* out[u] = sum over the entries of an example of value * w[index][u], for `m` outputs that stay in registers. */
TARGET static inline __attribute__((always_inline)) void NAME(some_outputs)(const cbo_examples *data, size_t example, const double *w, size_t outputs, double *out, const size_t m)
{
    VD sum[10] = {{0}};
    for (size_t e = data->start[example]; e < data->start[example + 1]; e++) {
        double value = data->value[e];
        const double *row = w + data->index[e] * outputs * W;
        for (size_t u = 0; u < m; u++)
            sum[u] += value * AT(row + u * W);
    }
    for (size_t u = 0; u < m; u++)
        AT(out + u * W) = sum[u];
}

/* The same for all outputs of the examples from, .., from + n - 1 of the batch: out[example][output][W].  One block of outputs after the other, so that
 * its weights stay in cache. */
TARGET static void NAME(first_layer)(const cbo_net *net, size_t from, size_t n, const double *w, size_t outputs, double *out)
{
    size_t u = 0;
    for (; u + 10 <= outputs; u += 10)
        for (size_t i = 0; i < n; i++)
            NAME(some_outputs)(net->train, example_at(net, from + i), w + u * W, outputs, out + (i * outputs + u) * W, 10);
    for (; u + 4 <= outputs; u += 4)
        for (size_t i = 0; i < n; i++)
            NAME(some_outputs)(net->train, example_at(net, from + i), w + u * W, outputs, out + (i * outputs + u) * W, 4);
    for (; u < outputs; u++)
        for (size_t i = 0; i < n; i++)
            NAME(some_outputs)(net->train, example_at(net, from + i), w + u * W, outputs, out + (i * outputs + u) * W, 1);
}

/* x <- scale x + bias */
TARGET static void NAME(affine)(size_t n, double scale, const double *bias, double *x)
{
    for (size_t u = 0; u < n; u++)
        AT(x + u * W) = scale * AT(x + u * W) + AT(bias + u * W);
}

/* z = v^T max(0, h) + b, v [n][m] and then b [m]. */
TARGET static void NAME(second_layer)(size_t n, size_t m, const double *v, const double *h, double *z)
{
    for (size_t c = 0; c < m; c++)
        AT(z + c * W) = AT(v + (n * m + c) * W);
    for (size_t u = 0; u < n; u++) {
        VD hu = AT(h + u * W);
        hu = NAME(vselect)(VMASK(hu < 0.0), (VD){0}, hu); /* NaN stays */
        for (size_t c = 0; c < m; c++)
            AT(z + c * W) += hu * AT(v + (u * m + c) * W);
    }
}

/* Sum over examples of log sum_c exp z_c - z_label.  One logarithm is taken of the product of their sums: `n` is at most 64, and each sum is between
 * 1 and the number of classes, at most 256. */
TARGET static VD NAME(cross_entropy)(const cbo_net *net, size_t from, size_t n, const double *w, double *h)
{
    const cbo_examples *data = net->train;
    double second[CBO_MOST_CLASSES * W];
    size_t outputs = net->hidden ? net->hidden : net->classes;
    VD total = {0}, product = (VD){0} + 1.0;
    for (size_t i = 0; i < n; i++, h += outputs * W) {
        double *z = h;
        NAME(affine)(outputs, data->scale, w + data->inputs * outputs * W, h);
        if (net->hidden)
            NAME(second_layer)(outputs, net->classes, w + (data->inputs + 1) * outputs * W, h, z = second);
        VD most = AT(z), sum = {0};
        for (size_t c = 1; c < net->classes; c++)
            most = NAME(vmax)(AT(z + c * W), most);
        for (size_t c = 0; c < net->classes; c++)
            sum += NAME(vexp)(AT(z + c * W) - most);
        total += most - AT(z + data->label[example_at(net, from + i)] * W);
        product *= sum;
    }
    return total + NAME(vlog)(product) + (product - product); /* vlog does not keep NaN */
}

/* Sum over examples of (y(w) - target)^2 / 2. */
TARGET static VD NAME(squared_error)(const cbo_net *net, size_t from, size_t n, const double *h)
{
    VD total = {0};
    for (size_t i = 0; i < n; i++, h += net->hidden * W) {
        VD y = {0};
        for (size_t u = 0; u < net->hidden; u++) /* tanh z = 1 - 2/(e^{2z} + 1) */
            y += 1.0 - 2.0 / (NAME(vexp)(2 * net->train->scale * AT(h + u * W)) + 1.0);
        y = y * net->readout - net->train->target[example_at(net, from + i)];
        total += 0.5 * (y * y);
    }
    return total;
}

/* `work` has d*CBO_LANES doubles: the weights of W lanes, then the outputs of as many examples at a time as there is room for. */
TARGET static void NAME(loss)(const cbo_net *net, size_t d, size_t lanes, const double *x, double *f, double *work)
{
    size_t outputs = net->hidden ? net->hidden : net->classes, room = (CBO_LANES / W - 1) * net->train->inputs;
    size_t most = room < 64 ? room : 64;
    double *h = work + d * W;
    for (size_t at = 0; at < lanes; at += W) {
        VD total = {0};
        for (size_t k = 0; k < d; k++)
            AT(work + k * W) = AT(x + k * CBO_LANES + at);
        for (size_t from = 0; from < net->used; from += most) {
            size_t n = net->used - from < most ? net->used - from : most;
            NAME(first_layer)(net, from, n, work, outputs, h);
            total += net->train->target ? NAME(squared_error)(net, from, n, h) : NAME(cross_entropy)(net, from, n, work, h);
        }
        AT(f + at) = total / (double)net->used;
    }
}
