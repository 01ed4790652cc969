/* sweep.c -- from the tree of a sweep file to model, parameters, axes and sampling.  Every mistake is collected, none is fatal
 * before the end, so that the user sees all of them in one go.  Values and ranges are read in axis.c, --set edits done in edit.c,
 * points and keys made in points.c. */
#include "adaptive.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "axis.h"
#include "edit.h"
#include "text.h"

#define MOST_POINTS 100000000.0 /* points times replicas */

/* ---- sections --------------------------------------------------------------------------------------------------- */

static const qn_node *mapping_or_complain(qn_problems *c, const qn_node *root, const char *key)
{
    const qn_node *m = qn_node_get(root, key);
    if (m && m->kind != QN_NODE_MAPPING) {
        if (!qn_node_is_null(m))
            qn_problem_at(c, m, "%s must be a mapping of names to values", key);
        return NULL;
    }
    return m;
}

static void complain_parameter(qn_sweep *s, qn_problems *c, const qn_node *key)
{
    const char **names = calloc(s->schema.n + 1, sizeof *names);
    if (!names)
        return;
    for (size_t i = 0; i < s->schema.n; i++)
        names[i] = s->schema.item[i].name;
    const char *near = qn_nearest(key->text, s->schema.n, names);
    if (near)
        qn_problem_at(c, key, "model %s has no parameter '%s'; did you mean '%s'?", s->model->name, key->text, near);
    else
        qn_problem_at(c, key, "model %s has no parameter '%s'; `quench models %s` lists them", s->model->name, key->text, s->model->name);
    free(names);
}

static void read_axis(qn_sweep *s, qn_problems *c, const qn_node *name, const qn_node *at)
{
    int k = qn_schema_index(&s->schema, name->text);
    qn_axis *a = &s->axis[s->n_axes++];
    *a = (qn_axis){.param = (size_t)k, .at = name};
    qn_axis_read(c, &s->schema.item[k], name, at, a);
}

static void read_parameters(qn_sweep *s, qn_problems *c)
{
    const qn_node *given = mapping_or_complain(c, s->tree, "parameters"), *swept = mapping_or_complain(c, s->tree, "sweep");
    for (size_t i = 0; given && i < given->n; i++) {
        const qn_node *key = given->items[2 * i], *at = given->items[2 * i + 1];
        int k = qn_schema_index(&s->schema, key->text);
        qn_value v;
        if (k < 0) {
            complain_parameter(s, c, key);
        } else if (qn_node_get(swept, key->text)) {
            qn_problem_at(c, key, "%s is also swept; it can be either fixed or swept", key->text);
        } else if (qn_node_value(c, &s->schema.item[k], at, &v)) {
            qn_value_free(&s->fixed.v[k]);
            s->fixed.v[k] = v;
        }
    }
    s->axis = calloc(swept && swept->n ? swept->n : 1, sizeof *s->axis);
    if (!s->axis) {
        qn_problem_at(c, NULL, "out of memory");
        return;
    }
    for (size_t i = 0; swept && i < swept->n; i++) {
        if (qn_schema_index(&s->schema, swept->items[2 * i]->text) < 0)
            complain_parameter(s, c, swept->items[2 * i]);
        else
            read_axis(s, c, swept->items[2 * i], swept->items[2 * i + 1]);
    }
    double points = 1;
    for (size_t a = 0; a < s->n_axes; a++)
        points *= (double)s->axis[a].n;
    if (points * (double)s->replicas > MOST_POINTS)
        qn_problem_at(c, qn_node_get(s->tree, "sweep"), "%.3g points times %lld replicas are more than %.0g tasks", points, (long long)s->replicas, MOST_POINTS);
    else
        s->n_points = (size_t)points;
    for (size_t i = 0; i < s->schema.n; i++) {
        bool is_swept = false;
        for (size_t a = 0; a < s->n_axes; a++)
            is_swept |= s->axis[a].param == i;
        if (s->schema.item[i].flags & QN_REQUIRED && !s->fixed.v[i].set && !is_swept)
            qn_problem_at(c, qn_node_get(s->tree, "model"), "model %s needs the parameter %s (%s)", s->model->name, s->schema.item[i].name, s->schema.item[i].meaning);
    }
}

/* Names of artifacts to keep: `artifacts: [trained, final_state]`. */
static void read_artifacts(qn_sweep *s, qn_problems *c, const qn_node *at)
{
    const char *names[64];
    size_t n = 0;
    for (const qn_observable *o = s->model ? s->model->observables : NULL; o && o->name && n < 64; o++)
        if (o->kind == QN_ARTIFACT)
            names[n++] = o->name;
    if (at->kind != QN_NODE_SEQUENCE) {
        qn_problem_at(c, at, "artifacts is a list of names: [a, b]");
        return;
    }
    s->sampling.artifact = calloc(at->n + 1, sizeof *s->sampling.artifact);
    for (size_t i = 0; s->model && s->sampling.artifact && i < at->n; i++) {
        const char *asked = at->items[i]->kind == QN_NODE_SCALAR ? at->items[i]->text : "?", *near = qn_nearest(asked, n, names);
        size_t k = 0;
        while (k < n && strcmp(names[k], asked))
            k++;
        for (size_t j = 0; j < s->sampling.n_artifacts; j++)
            if (k < n && s->sampling.artifact[j] == names[k])
                qn_problem_at(c, at->items[i], "artifact '%s' is named twice", asked);
        if (k < n)
            s->sampling.artifact[s->sampling.n_artifacts++] = names[k];
        else if (near)
            qn_problem_at(c, at->items[i], "model %s has no artifact '%s'; did you mean '%s'?", s->model->name, asked, near);
        else
            qn_problem_at(c, at->items[i], "model %s has no artifact '%s'; `quench models %s` lists them", s->model->name, asked, s->model->name);
    }
}

static void read_sampling(qn_sweep *s, qn_problems *c)
{
    static const char *const known[] = {"thermalization", "steps", "interval", "bins", "points_per_decade", "checkpoint", "artifacts"};
    qn_sampling *g = &s->sampling;
    *g = (qn_sampling){.thermalization = 0, .steps = 1000, .interval = 1, .bins = 32};
    const qn_node *m = mapping_or_complain(c, s->tree, "sampling");
    if (!m)
        return;
    qn_node_check_keys(c, m, "in sampling", 7, known);
    const int64_t most = 1000000000000000;
    qn_node_whole(c, m, "thermalization", 0, most, &g->thermalization);
    qn_node_whole(c, m, "steps", 1, most, &g->steps);
    qn_node_whole(c, m, "interval", 1, most, &g->interval);
    qn_node_whole(c, m, "bins", 1, 65536, &g->bins);
    qn_node_whole(c, m, "points_per_decade", 1, 1000, &g->points_per_decade);
    const qn_node *keep = qn_node_get(m, "checkpoint");
    if (keep && (keep->kind != QN_NODE_SCALAR || (strcmp(keep->text, "true") && strcmp(keep->text, "false"))))
        qn_problem_at(c, keep, "checkpoint must be true or false");
    else if (keep)
        g->checkpoint = keep->text[0] == 't';
    const qn_node *artifacts = qn_node_get(m, "artifacts");
    if (artifacts)
        read_artifacts(s, c, artifacts);
    if (g->points_per_decade && qn_node_get(m, "interval"))
        qn_problem_at(c, qn_node_get(m, "interval"), "interval and points_per_decade exclude each other: the grid is either even or logarithmic");
    if (g->interval > g->steps)
        qn_problem_at(c, qn_node_get(m, "interval"), "interval = %lld is longer than the %lld steps: nothing would be measured", (long long)g->interval, (long long)g->steps);
    if (!g->points_per_decade && g->steps / g->interval > 100000000)
        qn_problem_at(c, m, "%lld measurements a task are more than 100 million; raise interval", (long long)(g->steps / g->interval));
}

/* ---- a chained axis ---------------------------------------------------------------------------------------------- */

/* Names of the parameters that a state can change. */
static char *retunable(const qn_sweep *s)
{
    qn_buffer b = {0};
    for (size_t i = 0; i < s->schema.n; i++)
        if (s->schema.item[i].flags & QN_RETUNE)
            qn_buffer_add(&b, "%s%s", b.n ? ", " : "", s->schema.item[i].name);
    return b.text;
}

static void chain_axis(qn_sweep *s, qn_problems *c, const char *key, const qn_node *at)
{
    char swept[256] = "";
    for (size_t a = 0; a < s->n_axes; a++) {
        const char *name = s->schema.item[s->axis[a].param].name;
        snprintf(swept + strlen(swept), sizeof swept - strlen(swept), "%s%s", a ? ", " : "", name);
        if (!strcmp(name, at->text))
            s->chain.axis = a;
    }
    const qn_axis *axis = s->n_axes ? &s->axis[s->chain.axis] : NULL;
    const qn_param *p = axis ? &s->schema.item[axis->param] : NULL;
    if (!p || strcmp(p->name, at->text)) {
        qn_problem_at(c, at, "%s runs along an axis of the sweep, which '%s' is not; swept is %s", key, at->text, s->n_axes ? swept : "nothing");
        s->chain.kind = QN_NO_CHAIN;
        return;
    }
    char *names = retunable(s);
    if (!(p->flags & QN_RETUNE))
        qn_problem_at(c, at, "a state of model %s cannot change its %s; %s may run along %s", s->model->name, p->name, key, names ? names : "nothing");
    else if (axis->n < 2 && s->chain.kind == QN_TEMPERING)
        qn_problem_at(c, at, "tempering needs at least two values of %s", p->name);
    free(names);
}

static void read_chain(qn_sweep *s, qn_problems *c)
{
    static const char *const known[] = {"axis", "interval"};
    const qn_node *continuation = mapping_or_complain(c, s->tree, "continuation"), *tempering = mapping_or_complain(c, s->tree, "tempering");
    const qn_node *at = tempering ? tempering : continuation, *axis = qn_node_get(at, "axis"), *keep = qn_node_get(qn_node_get(s->tree, "sampling"), "checkpoint");
    const char *key = tempering ? "tempering" : "continuation";
    if (!at)
        return;
    if (tempering && continuation)
        qn_problem_at(c, continuation, "continuation and tempering exclude each other: one axis of a sweep can be chained");
    qn_node_check_keys(c, at, tempering ? "in tempering" : "in continuation", tempering ? 2 : 1, known);
    s->chain = (qn_chain){.kind = tempering ? QN_TEMPERING : QN_CONTINUATION, .interval = tempering ? 1 : 0};
    if (tempering)
        qn_node_whole(c, at, "interval", 1, 1000000000, &s->chain.interval);
    if (!s->model->retune || (tempering && !s->model->log_weight))
        qn_problem_at(c, at, "model %s %s, so it cannot be run by %s", s->model->name,
                      s->model->retune ? "gives no weights by which configurations could be exchanged" : "cannot change the parameters of a state", key);
    else if (!axis || axis->kind != QN_NODE_SCALAR || qn_node_is_null(axis))
        qn_problem_at(c, at, "%s must name the axis that it runs along: {axis: T}", key);
    else
        chain_axis(s, c, key, axis);
    if (!tempering && s->sampling.checkpoint)
        qn_problem_at(c, keep, "checkpoint has no use with continuation: the next value begins where `steps` ended, so more steps are another run");
}

/* Where parameter `name` stands, for complaints of the model. */
static const qn_node *find_parameter(void *ctx, const char *name)
{
    const qn_sweep *s = ctx;
    const char *const in[] = {"sweep", "parameters"};
    for (size_t k = 0; k < 2; k++) {
        const qn_node *m = qn_node_get(s->tree, in[k]);
        for (size_t i = 0; m && m->kind == QN_NODE_MAPPING && i < m->n; i++)
            if (!strcmp(m->items[2 * i]->text, name))
                return m->items[2 * i];
    }
    return qn_node_get(s->tree, "model");
}

static int hash_file(const char *path, qn_hash *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return QN_ERR_IO;
    XXH3_state_t *h = XXH3_createState();
    char block[1 << 16];
    size_t n;
    if (h)
        XXH3_128bits_reset(h);
    while (h && (n = fread(block, 1, sizeof block, f)) > 0)
        XXH3_128bits_update(h, block, n);
    int bad = ferror(f) || !h;
    fclose(f);
    if (h) {
        XXH128_hash_t x = XXH3_128bits_digest(h);
        *out = (qn_hash){{x.low64, x.high64}};
        XXH3_freeState(h);
    }
    return bad ? QN_ERR_IO : 0;
}

static void add_input(qn_sweep *s, const qn_sweep_source *from, qn_problems *c, const char *path, const char *param)
{
    for (size_t i = 0; i < s->n_inputs; i++)
        if (!strcmp(s->input[i].path, path))
            return;
    qn_input *more = realloc(s->input, (s->n_inputs + 1) * sizeof *more);
    if (more)
        s->input = more;
    qn_input in = {.path = more ? strdup(path) : NULL};
    if (!in.path) {
        qn_problem_at(c, NULL, "out of memory");
        return;
    }
    in.known = !hash_file(path, &in.hash);
    for (size_t i = 0; !in.known && i < from->n_inputs; i++)
        if (!strcmp(from->inputs[i].path, path)) {
            in.hash = from->inputs[i].hash;
            in.known = true;
        }
    if (!in.known)
        qn_problem_at(c, find_parameter(s, param), "%s: the file '%s' cannot be read", param, path);
    s->input[s->n_inputs++] = in;
}

static void read_inputs(qn_sweep *s, const qn_sweep_source *from, qn_problems *c)
{
    for (size_t i = 0; i < s->schema.n; i++)
        if (s->schema.item[i].type == QN_PATH && s->fixed.v[i].set)
            add_input(s, from, c, s->fixed.v[i].text, s->schema.item[i].name);
    for (size_t a = 0; a < s->n_axes; a++)
        for (size_t i = 0; i < s->axis[a].n && s->schema.item[s->axis[a].param].type == QN_PATH; i++)
            add_input(s, from, c, s->axis[a].value[i].text, s->schema.item[s->axis[a].param].name);
}

/* The model's own checks at every point; equal complaints at one place are kept once. */
static void check_points(qn_sweep *s, qn_problems *c)
{
    c->where = find_parameter;
    c->ctx = s;
    for (size_t k = 0; s->model->check && k < s->n_points && c->n < 50; k++) {
        qn_params p;
        if (qn_sweep_point(s, k, &p)) {
            qn_problem_at(c, NULL, "%s", qn_error_text());
            break;
        }
        s->model->check(&p, c);
        qn_params_free(&p);
    }
    c->where = NULL;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* Non-zero, after a complaint, when there is none. */
static int find_model(qn_sweep *s, const qn_sweep_source *from, qn_problems *c)
{
    const qn_node *name = qn_node_get(s->tree, "model");
    if (!name || name->kind != QN_NODE_SCALAR || qn_node_is_null(name)) {
        qn_problem_at(c, name ? name : s->tree, "the sweep file must name its model: `model: hebbian`");
        return QN_ERR_INPUT;
    }
    s->model = from->find(from->ctx, name->text);
    if (s->model)
        return 0;
    const char *near = from->near ? from->near(from->ctx, name->text) : NULL;
    if (near)
        qn_problem_at(c, name, "unknown model '%s'; did you mean '%s'?", name->text, near);
    else
        qn_problem_at(c, name, "unknown model '%s'; `quench models` lists them, --plugin loads one", name->text);
    return QN_ERR_INPUT;
}

static void read_top(qn_sweep *s, qn_problems *c)
{
    static const char *const known[] = {"model", "seed", "replicas", "parameters", "sweep", "sampling", "continuation", "tempering", "target", "refine", "output", "title"};
    qn_node_check_keys(c, s->tree, "at the top level", 12, known);
    const qn_node *seed = qn_node_get(s->tree, "seed"), *title = qn_node_get(s->tree, "title"), *output = qn_node_get(s->tree, "output");
    if (!seed)
        qn_problem_at(c, s->tree, "the sweep file must give a seed, a whole number: no run is seeded by the clock");
    else if (seed->kind != QN_NODE_SCALAR || qn_parse_u64(seed->text, &s->seed))
        qn_problem_at(c, seed, "seed must be a whole number from 0 to 2^64-1");
    s->replicas = 1;
    qn_node_whole(c, s->tree, "replicas", 1, 100000000, &s->replicas);
    if (title && title->kind != QN_NODE_SCALAR)
        qn_problem_at(c, title, "title must be one line of text");
    else if (title)
        s->title = strdup(title->text);
    if (output && (output->kind != QN_NODE_SCALAR || qn_node_is_null(output)))
        qn_problem_at(c, output, "output must be the path of a file");
    else if (output)
        s->output = strdup(output->text);
    if (!output) { /* the sweep file's name with .h5, in the working directory */
        const char *base = strrchr(s->file, '/');
        base = base ? base + 1 : s->file;
        const char *dot = strrchr(base, '.');
        s->output = qn_format("%.*s.h5", dot && dot != base ? (int)(dot - base) : (int)strlen(base), base);
    }
}

static int declare_from(const qn_sweep *s, const qn_params *p, qn_schema *to, const qn_node *at, qn_problems *c)
{
    int err = s->model->declare(p, to);
    if (err == QN_ERR_INPUT) {
        qn_problem_at(c, at, "%s", qn_error_text());
        err = 0;
    }
    return err;
}

/* Lets the model name parameters in its texts: in the fixed ones, then in every value of those that are swept (the others at their
 * fixed value or default). */
static int declare_parameters(qn_sweep *s, qn_problems *c)
{
    if (!s->model->declare)
        return 0;
    qn_params p;
    if (qn_params_init(&p, &s->schema))
        return QN_ERR_NOMEM;
    const qn_node *given = qn_node_get(s->tree, "parameters"), *swept = qn_node_get(s->tree, "sweep");
    size_t n = s->schema.n;
    for (size_t i = 0; i < n; i++) {
        const qn_node *at = given && given->kind == QN_NODE_MAPPING ? qn_node_get(given, s->schema.item[i].name) : NULL;
        qn_value v;
        if (at && at->kind == QN_NODE_SCALAR && !qn_value_parse(&s->schema.item[i], at->text, &v)) {
            qn_value_free(&p.v[i]);
            p.v[i] = v;
        }
    }
    qn_schema wider = s->schema; /* p points at s->schema, which must not move while the model reads it */
    wider.item = malloc(n * sizeof *wider.item);
    int err = wider.item ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err) {
        memcpy(wider.item, s->schema.item, n * sizeof *wider.item);
        err = declare_from(s, &p, &wider, given, c);
    }
    for (size_t i = 0; i < n && !err; i++) {
        const qn_node *at = swept && swept->kind == QN_NODE_MAPPING ? qn_node_get(swept, s->schema.item[i].name) : NULL;
        for (size_t k = 0; at && at->kind == QN_NODE_SEQUENCE && s->schema.item[i].type == QN_TEXT && k < at->n && !err; k++) {
            qn_value v;
            if (at->items[k]->kind != QN_NODE_SCALAR || qn_value_parse(&s->schema.item[i], at->items[k]->text, &v))
                continue; /* complained about when the axis is read */
            qn_value_free(&p.v[i]);
            p.v[i] = v;
            err = declare_from(s, &p, &wider, at->items[k], c);
        }
    }
    qn_params_free(&p);
    if (wider.item) {
        free(s->schema.item);
        s->schema = wider;
    }
    return err;
}

/* --set edits: those of the model's own table first (a text among them may declare more parameters), then the others. */
static int apply_sets(qn_sweep *s, bool own, qn_problems *c)
{
    int err = 0;
    for (size_t i = 0; i < s->n_sets && !err; i++) {
        char *name = strndup(s->sets[i], strcspn(s->sets[i], "="));
        int k = name ? qn_schema_index(&s->schema, name) : -1;
        if (!name)
            err = qn_fail(QN_ERR_NOMEM, "out of memory");
        else if ((k >= 0 && (size_t)k < s->schema.n_table) == own)
            err = qn_edit(s->tree, &s->schema, s->sets[i], c);
        free(name);
    }
    return err;
}

int qn_sweep_init(qn_sweep *s, const qn_sweep_source *from, qn_problems *c)
{
    memset(s, 0, sizeof *s);
    s->file = strdup(from->file);
    s->text = strdup(from->text);
    s->sets = calloc(from->n_sets ? from->n_sets : 1, sizeof *s->sets);
    if (!s->file || !s->text || !s->sets)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (; s->n_sets < from->n_sets; s->n_sets++)
        if (!(s->sets[s->n_sets] = strdup(from->sets[s->n_sets])))
            return qn_fail(QN_ERR_NOMEM, "out of memory");
    c->file = s->file;
    c->source = s->text;
    int err = qn_config_parse(s->text, c, &s->tree);
    if (err)
        return err;
    bool known = !find_model(s, from, c);
    if (known && !(err = qn_schema_init(&s->schema, s->model)))
        err = apply_sets(s, true, c);
    if (known && !err && !(err = declare_parameters(s, c)))
        err = apply_sets(s, false, c);
    if (err)
        return err;
    read_top(s, c); /* what does not depend on the model is checked even when that is unknown */
    read_sampling(s, c);
    if (known && (err = qn_params_init(&s->fixed, &s->schema)))
        return err;
    if (known) {
        read_parameters(s, c);
        read_chain(s, c);
        qn_adapt_read(s, c);
        read_inputs(s, from, c);
        if (!c->n && (err = qn_sweep_hash_chain(s)))
            return err;
    }
    if (!c->n)
        check_points(s, c);
    return c->n ? qn_fail(QN_ERR_INPUT, "%s: %zu mistake%s", s->file, c->n, c->n > 1 ? "s" : "") : 0;
}

void qn_sweep_free(qn_sweep *s)
{
    for (size_t a = 0; a < s->n_axes; a++) {
        for (size_t i = 0; i < s->axis[a].n; i++)
            qn_value_free(&s->axis[a].value[i]);
        free(s->axis[a].value);
    }
    for (size_t i = 0; i < s->n_inputs; i++)
        free(s->input[i].path);
    for (size_t i = 0; i < s->n_sets; i++)
        free(s->sets[i]);
    free(s->sampling.artifact);
    free(s->wanted);
    free(s->axis);
    free(s->input);
    free(s->sets);
    if (s->fixed.schema)
        qn_params_free(&s->fixed);
    qn_schema_free(&s->schema);
    qn_node_free(s->tree);
    free(s->file);
    free(s->text);
    free(s->title);
    free(s->output);
    memset(s, 0, sizeof *s);
}
