/* deep.c -- see deep.h. */
#include <stdlib.h>
#include <string.h>

#include "settings.h"

static bool is_deep(const sgd_settings *s)
{
    return s->net == SGD_MLP || s->net == SGD_KERNEL;
}

bool sgd_deep_reads_files(const sgd_settings *s)
{
    return is_deep(s) && s->deep.source.kind == SGD_DATA_IMAGES;
}

void sgd_deep_read(const qn_params *p, sgd_settings *s)
{
    sgd_deep *x = &s->deep;
    size_t images;
    x->known = !sgd_source_parse(qn_text(p, "data"), &x->source);
    if (x->known && x->source.kind == SGD_DATA_IMAGES)
        x->known = !sgd_files_size(p, &x->source, &images, &s->d, NULL);
    x->shape = (sgd_shape){
        .d = s->d + (qn_real(p, "bias") != 0),
        .h = (size_t)qn_int(p, "h"),
        .depth = qn_is_set(p, "depth") ? (size_t)qn_int(p, "depth") : 1,
        .q = qn_real(p, "q"),
        .phi = sgd_phi_make((sgd_phi_kind)qn_choice(p, "activation"), qn_real(p, "eps"), qn_bool(p, "normalise")),
        .shared_readout = qn_bool(p, "shared_readout"),
    };
    x->single = qn_choice(p, "precision") == 0 && s->net == SGD_MLP;
    x->cblas = !qn_bool(p, "deterministic");
    x->tests = qn_is_set(p, "tests") ? (size_t)qn_int(p, "tests") : x->source.kind == SGD_DATA_IMAGES ? SIZE_MAX : 2048;
    x->separation = qn_real(p, "separation");
    x->noise = qn_real(p, "noise");
    x->bias = qn_real(p, "bias");
    x->n_kernel = (size_t)qn_int(p, "n_kernel");
    x->n_kernel = x->n_kernel < s->p ? x->n_kernel : s->p;
    x->angles = (size_t)qn_int(p, "ntk_angles");
    x->centred = qn_bool(p, "centred");
    x->spectrum = qn_bool(p, "spectrum");
    x->geometry = qn_bool(p, "geometry");
    x->probes = (size_t)qn_int(p, "probes");
    x->grok = qn_real(p, "grok_threshold");
}

static void check_data(const qn_params *p, const sgd_settings *s, qn_problems *c)
{
    sgd_source source;
    if (sgd_source_parse(qn_text(p, "data"), &source)) {
        qn_complain(c, "data", "%s", qn_error_text());
        return;
    }
    bool files = source.kind == SGD_DATA_IMAGES, clusters = source.kind == SGD_DATA_CLUSTERS;
    static const char *const of_files[] = {"images", "labels", "test_images", "test_labels"}, *const of_clusters[] = {"separation", "noise"};
    for (size_t i = 0; i < 4; i++)
        if (qn_is_given(p, of_files[i]) && !files)
            qn_complain(c, of_files[i], "has a meaning with data: mnist, fashion, cifar10 or idx only");
    for (size_t i = 0; i < 2; i++)
        if (qn_is_given(p, of_clusters[i]) && !clusters)
            qn_complain(c, of_clusters[i], "has a meaning with data: clusters only");
    if (source.cifar && (qn_is_given(p, "labels") || qn_is_given(p, "test_labels")))
        qn_complain(c, qn_is_given(p, "labels") ? "labels" : "test_labels", "CIFAR-10 files hold their labels; leave it out");
    size_t images = 0, d = 0;
    const char *param = "images";
    if (files && sgd_files_size(p, &source, &images, &d, &param)) {
        qn_complain(c, param, "%s", qn_error_text());
        return;
    }
    if (files && s->p > images)
        qn_complain(c, "P", "%zu training points of the %zu images that `data` leaves in the files; lower P", s->p, images);
    if (files && qn_is_given(p, "d") && (size_t)qn_int(p, "d") != d)
        qn_complain(c, "d", "%lld, but the images of the files have %zu pixels; leave d out", (long long)qn_int(p, "d"), d);
    bool classes = s->loss.kind != SGD_SQUARE;
    if (classes && (source.kind == SGD_DATA_QUADRATIC || (source.kind == SGD_DATA_TEACHER_RELU && source.k < 2)))
        qn_complain(c, "data", "\"%s\": no label is negative, so that there are no two classes; take loss: square", qn_text(p, "data"));
    size_t bits = 0;
    while (clusters && (size_t)1 << bits < source.k)
        bits++;
    if (clusters && s->d < bits)
        qn_complain(c, "d", "%zu: the %zu conditions of \"%s\" are vertices of a cube in %zu dimensions; d must be that or more", s->d, source.k, qn_text(p, "data"), bits);
    if (clusters && s->p < source.k)
        qn_complain(c, "P", "%zu: fewer than the %zu conditions of \"%s\"", s->p, source.k, qn_text(p, "data"));
}

/* Single precision tells alpha (f - f0) to about alpha 2^-24. */
#define MOST_ALPHA (1e-3 * 16777216)

void sgd_deep_check(const qn_params *p, const sgd_settings *s, qn_problems *c)
{
    const sgd_deep *x = &s->deep;
    check_data(p, s, c);
    if (s->p == 0)
        qn_complain(c, "P", "0: nets with hidden layers need training points; P must be 1 or more");
    if (x->single && s->loss.alpha > MOST_ALPHA)
        qn_complain(c, "alpha", "%g: in single precision alpha 2^-24 must not exceed 0.001, alpha = %.0f; take precision: f64", s->loss.alpha, MOST_ALPHA);
    if (qn_is_given(p, "eps") && x->shape.phi.kind != SGD_QUAD)
        qn_complain(c, "eps", "has a meaning with activation: quad only");
    if (s->net == SGD_KERNEL && qn_is_given(p, "precision"))
        qn_complain(c, "precision", "net: kernel is computed in double precision; leave it out");
    if (x->geometry && s->net == SGD_KERNEL)
        qn_complain(c, "geometry", "net: kernel has no hidden units that move; take net: mlp");
    if (x->angles && s->d < 2)
        qn_complain(c, "ntk_angles", "inputs at an angle need d = 2 or more");
    if (x->spectrum && x->n_kernel == 0)
        qn_complain(c, "spectrum", "needs the tangent kernel of n_kernel > 0 points");
}

/* ---- files that tasks share ---- */

int sgd_deep_prepare(const qn_params *p, void **shared)
{
    sgd_source source;
    int err = sgd_source_parse(qn_text(p, "data"), &source);
    *shared = NULL;
    if (err || source.kind != SGD_DATA_IMAGES)
        return err;
    sgd_files *x = *shared = calloc(1, sizeof *x);
    if (!x)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    err = sgd_files_load(p, &source, x, NULL);
    if (err)
        free(x);
    *shared = err ? NULL : x;
    return err;
}

void sgd_deep_release(void *shared)
{
    if (shared)
        sgd_files_free(shared);
    free(shared);
}
