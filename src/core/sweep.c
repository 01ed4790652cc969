/* sweep.c -- from the tree of a sweep file to model, parameters, axes and sampling.  Every mistake is collected, none is fatal
 * before the end, so that the user sees all of them in one go.  Points and keys are in points.c. */
#include "sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "text.h"

#define MOST_POINTS 100000000.0 /* points times replicas */

/* ---- --set: edits of the tree ---------------------------------------------------------------------------------- */

static void drop_pair(qn_node *map, const char *key)
{
    for (size_t i = 0; map && i < map->n; i++)
        if (!strcmp(map->items[2 * i]->text, key)) {
            qn_node_free(map->items[2 * i]);
            qn_node_free(map->items[2 * i + 1]);
            memmove(&map->items[2 * i], &map->items[2 * i + 2], 2 * (map->n - i - 1) * sizeof *map->items);
            map->n--;
            return;
        }
}

/* Puts key: value into the mapping (takes `value`), in the old place when the key is there. */
static int put_pair(qn_node *map, const char *key, qn_node *value)
{
    for (size_t i = 0; i < map->n; i++)
        if (!strcmp(map->items[2 * i]->text, key)) {
            qn_node_free(map->items[2 * i + 1]);
            map->items[2 * i + 1] = value;
            return 0;
        }
    qn_node **items = realloc(map->items, 2 * (map->n + 1) * sizeof *items);
    qn_node *name = qn_node_scalar(key);
    if (items)
        map->items = items;
    if (!items || !name) {
        qn_node_free(name);
        qn_node_free(value);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    items[2 * map->n] = name;
    items[2 * map->n + 1] = value;
    map->n++;
    return 0;
}

/* The mapping `key` of the root, made when absent; NULL when it is there but no mapping. */
static qn_node *section(qn_node *root, const char *key)
{
    qn_node *m = (qn_node *)(uintptr_t)qn_node_get(root, key);
    if (!m) {
        m = calloc(1, sizeof *m);
        if (!m)
            return NULL;
        m->kind = QN_NODE_MAPPING;
        if (put_pair(root, key, m))
            return NULL;
    }
    return m->kind == QN_NODE_MAPPING ? m : NULL;
}

static void forget_place(qn_node *n)
{
    n->line = n->column = 0;
    for (size_t i = 0; i < n->n * (n->kind == QN_NODE_MAPPING ? 2 : 1); i++)
        forget_place(n->items[i]);
}

/* A path or a text of --set is taken as it stands; anything else is read as YAML, so that an axis can be given too. */
static qn_node *set_value(const char *text)
{
    if (text[0] != '[' && text[0] != '{')
        return qn_node_scalar(text);
    char *yaml = qn_format("x: %s\n", text);
    qn_problems quiet = {.file = "--set"};
    qn_node *root = NULL, *value = NULL;
    if (yaml && !qn_config_parse(yaml, &quiet, &root) && root->n == 1) {
        value = root->items[1];
        root->items[1] = NULL;
        forget_place(value);
    }
    qn_problems_free(&quiet);
    qn_node_free(root);
    free(yaml);
    return value;
}

static int apply_set(qn_sweep *s, const char *set, qn_problems *c)
{
    const char *eq = strchr(set, '=');
    char name[128];
    if (!eq || eq == set || (size_t)(eq - set) >= sizeof name) {
        qn_problem_at(c, NULL, "--set %s: NAME=VALUE is expected", set);
        return 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)(eq - set), set);
    qn_node *value = set_value(eq + 1);
    if (!value) {
        qn_problem_at(c, NULL, "--set %s: the value is not valid YAML", set);
        return 0;
    }
    int k = qn_schema_index(&s->schema, name);
    const char *in = "parameters", *key = name;
    if (k >= 0) {
        bool axis = value->kind != QN_NODE_SCALAR && s->schema.item[k].type != QN_LIST;
        const qn_node *swept = qn_node_get(s->tree, "sweep");
        in = axis ? "sweep" : "parameters";
        if (!axis && swept)
            drop_pair((qn_node *)(uintptr_t)swept, name);
        if (axis)
            drop_pair((qn_node *)(uintptr_t)qn_node_get(s->tree, "parameters"), name);
    } else if (!strncmp(name, "sampling.", 9)) {
        in = "sampling";
        key = name + 9;
    } else if (!strcmp(name, "seed") || !strcmp(name, "replicas") || !strcmp(name, "title") || !strcmp(name, "output")) {
        return put_pair(s->tree, name, value);
    }
    qn_node *m = section(s->tree, in); /* an unknown name is put among the parameters and complained about there */
    if (!m) {
        qn_node_free(value);
        return 0;
    }
    return put_pair(m, key, value);
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */

static void unknown_key(qn_problems *c, const qn_node *key, const char *in, size_t n, const char *const *known)
{
    const char *near = qn_nearest(key->text, n, known);
    qn_buffer all = {0};
    for (size_t i = 0; i < n; i++)
        qn_buffer_add(&all, "%s%s", i ? ", " : "", known[i]);
    if (near)
        qn_problem_at(c, key, "unknown key '%s' %s; did you mean '%s'?", key->text, in, near);
    else
        qn_problem_at(c, key, "unknown key '%s' %s; known are: %s", key->text, in, all.text ? all.text : "none");
    qn_buffer_free(&all);
}

static void check_keys(qn_problems *c, const qn_node *map, const char *in, size_t n, const char *const *known)
{
    for (size_t i = 0; i < map->n; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found |= !strcmp(known[k], map->items[2 * i]->text);
        if (!found)
            unknown_key(c, map->items[2 * i], in, n, known);
    }
}

/* A whole number lo..hi of a section; leaves *out alone when the key is absent. */
static void whole(qn_problems *c, const qn_node *map, const char *key, int64_t lo, int64_t hi, int64_t *out)
{
    const qn_node *v = qn_node_get(map, key);
    const qn_param as = {.name = key, .type = QN_INT, .min = (double)lo, .max = (double)hi};
    qn_value x;
    if (!v)
        return;
    if (v->kind != QN_NODE_SCALAR)
        qn_problem_at(c, v, "%s must be a whole number", key);
    else if (qn_value_parse(&as, v->text, &x))
        qn_problem_at(c, v, "%s", qn_error_text());
    else
        *out = x.i;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static bool is_null(const qn_node *n)
{
    return n->kind == QN_NODE_SCALAR && (!*n->text || !strcmp(n->text, "~") || !strcmp(n->text, "null"));
}

/* One value of parameter p out of a node: a scalar, or a sequence for a QN_LIST. Complains and returns false when it is not one. */
static bool node_value(qn_problems *c, const qn_param *p, const qn_node *n, qn_value *out)
{
    qn_buffer joined = {0};
    const char *text = n->text;
    if (n->kind == QN_NODE_SEQUENCE && p->type == QN_LIST) {
        qn_buffer_add(&joined, "%s", "");
        for (size_t i = 0; i < n->n; i++)
            qn_buffer_add(&joined, "%s%s", i ? "," : "", n->items[i]->kind == QN_NODE_SCALAR ? n->items[i]->text : "?");
        text = joined.text;
    } else if (n->kind != QN_NODE_SCALAR) {
        qn_problem_at(c, n, "%s takes one value here; a list or range of values goes under `sweep:`", p->name);
        return false;
    }
    bool ok = false;
    if (n->kind == QN_NODE_SCALAR && is_null(n) && p->type != QN_TEXT)
        qn_problem_at(c, n, "%s has no value", p->name);
    else if (!text || qn_value_parse(p, text, out))
        qn_problem_at(c, n, "%s", text ? qn_error_text() : "out of memory");
    else
        ok = true;
    qn_buffer_free(&joined);
    return ok;
}

/* Generated values are rounded to 12 significant digits, so that 0.3 is 0.3 whichever range made it, and points of a refined
 * grid keep their keys. */
static double rounded(double x)
{
    char text[40];
    snprintf(text, sizeof text, "%.12g", x);
    return strtod(text, NULL);
}

static bool range_number(qn_problems *c, const qn_node *at, const char *key, double *out)
{
    const qn_node *v = qn_node_get(at, key);
    if (!v)
        return false;
    if (v->kind == QN_NODE_SCALAR && !qn_parse_real(v->text, out))
        return true;
    qn_problem_at(c, v, "%s must be a number", key);
    *out = NAN;
    return true;
}

static void axis_range(qn_problems *c, const qn_param *p, const qn_node *name, const qn_node *at, qn_axis *a)
{
    static const char *const known[] = {"from", "to", "points", "step", "scale"};
    check_keys(c, at, "in a range", 5, known);
    double from = 0, to = 0, step = 0;
    int64_t points = 0;
    bool has_from = range_number(c, at, "from", &from), has_to = range_number(c, at, "to", &to), has_step = range_number(c, at, "step", &step);
    bool has_points = qn_node_get(at, "points") != NULL;
    const qn_node *scale = qn_node_get(at, "scale");
    if (!qn_value_numeric(p)) {
        qn_problem_at(c, name, "%s is not numeric, so a range makes no sense; list its values: [a, b]", p->name);
        return;
    }
    if (!has_from || !has_to || has_step == has_points) {
        qn_problem_at(c, name, "a range needs from, to and either points or step: {from: 0, to: 0.2, points: 21}");
        return;
    }
    if (scale) {
        if (scale->kind != QN_NODE_SCALAR || (strcmp(scale->text, "log") && strcmp(scale->text, "linear")))
            qn_problem_at(c, scale, "scale is linear or log");
        else
            a->log = !strcmp(scale->text, "log");
    }
    size_t before = c->n;
    whole(c, at, "points", 1, 10000000, &points);
    if (c->n > before || !isfinite(from) || !isfinite(to) || (has_step && !isfinite(step)))
        return;
    if (has_step) {
        double n = step != 0 ? floor((to - from) / step + 1e-9) + 1 : 0;
        if (a->log || !(n >= 1 && n <= 1e7)) {
            qn_problem_at(c, qn_node_get(at, "step"), "step must lead from `from` to `to` on a linear scale in at most 10 million steps");
            return;
        }
        points = (int64_t)n;
        to = from + step * (double)(points - 1);
    }
    if (a->log && !(from > 0 && to > 0)) {
        qn_problem_at(c, name, "a log range needs from > 0 and to > 0");
        return;
    }
    a->value = calloc((size_t)points, sizeof *a->value);
    if (!a->value) {
        qn_problem_at(c, name, "out of memory");
        return;
    }
    for (int64_t i = 0; i < points; i++) {
        double f = points > 1 ? (double)i / (double)(points - 1) : 0;
        double x = i == 0 ? from : i == points - 1 ? to : a->log ? from * pow(to / from, f) : from + (to - from) * f;
        char text[40];
        snprintf(text, sizeof text, "%.12g", p->type == QN_INT ? nearbyint(x) : rounded(x));
        if (qn_value_parse(p, text, &a->value[a->n])) {
            qn_problem_at(c, name, "%s", qn_error_text());
            return;
        }
        a->n++;
    }
}

static void axis_list(qn_problems *c, const qn_param *p, const qn_node *at, qn_axis *a)
{
    size_t n = at->kind == QN_NODE_SEQUENCE ? at->n : 1;
    a->value = calloc(n ? n : 1, sizeof *a->value);
    if (!a->value) {
        qn_problem_at(c, at, "out of memory");
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (node_value(c, p, at->kind == QN_NODE_SEQUENCE ? at->items[i] : at, &a->value[a->n]))
            a->n++;
}

static void read_axis(qn_sweep *s, qn_problems *c, const qn_node *name, const qn_node *at)
{
    int k = qn_schema_index(&s->schema, name->text);
    qn_axis *a = &s->axis[s->n_axes];
    const qn_param *p = &s->schema.item[k];
    *a = (qn_axis){.param = (size_t)k, .at = name};
    s->n_axes++;
    if (is_null(at) || (at->kind == QN_NODE_SEQUENCE && !at->n)) {
        qn_problem_at(c, name, "%s has no values to sweep", p->name);
        return;
    }
    if (at->kind == QN_NODE_MAPPING)
        axis_range(c, p, name, at, a);
    else
        axis_list(c, p, at, a);
    for (size_t i = 0; i < a->n; i++) /* equal values would be the same tasks twice */
        for (size_t j = 0; j < i && a->n <= 20000; j++) {
            char *x = qn_value_text(p, &a->value[i]), *y = qn_value_text(p, &a->value[j]);
            bool same = x && y && !strcmp(x, y);
            if (same) /* in the user's own words where there are any */
                qn_problem_at(c, name, "%s has the value %s twice", p->name, at->kind == QN_NODE_SEQUENCE && at->n == a->n && at->items[i]->text ? at->items[i]->text : x);
            free(x);
            free(y);
            if (same)
                return;
            if (qn_value_numeric(p) && i > 0 && j == 0 && a->value[i].r > a->value[i - 1].r && a->value[i - 1].r >= a->value[0].r)
                break; /* increasing so far: no need to compare with all */
        }
}

/* ---- sections --------------------------------------------------------------------------------------------------- */

static const qn_node *mapping_or_complain(qn_problems *c, const qn_node *root, const char *key)
{
    const qn_node *m = qn_node_get(root, key);
    if (m && m->kind != QN_NODE_MAPPING) {
        if (!is_null(m))
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
        } else if (node_value(c, &s->schema.item[k], at, &v)) {
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

static void read_sampling(qn_sweep *s, qn_problems *c)
{
    static const char *const known[] = {"thermalization", "steps", "interval", "bins", "points_per_decade", "checkpoint"};
    qn_sampling *g = &s->sampling;
    *g = (qn_sampling){.thermalization = 0, .steps = 1000, .interval = 1, .bins = 32};
    const qn_node *m = mapping_or_complain(c, s->tree, "sampling");
    if (!m)
        return;
    check_keys(c, m, "in sampling", 6, known);
    const int64_t most = 1000000000000000;
    whole(c, m, "thermalization", 0, most, &g->thermalization);
    whole(c, m, "steps", 1, most, &g->steps);
    whole(c, m, "interval", 1, most, &g->interval);
    whole(c, m, "bins", 1, 65536, &g->bins);
    whole(c, m, "points_per_decade", 1, 1000, &g->points_per_decade);
    const qn_node *keep = qn_node_get(m, "checkpoint");
    if (keep && (keep->kind != QN_NODE_SCALAR || (strcmp(keep->text, "true") && strcmp(keep->text, "false"))))
        qn_problem_at(c, keep, "checkpoint must be true or false");
    else if (keep)
        g->checkpoint = keep->text[0] == 't';
    if (g->interval > g->steps)
        qn_problem_at(c, qn_node_get(m, "interval"), "interval = %lld is longer than the %lld steps: nothing would be measured", (long long)g->interval, (long long)g->steps);
    if (!g->points_per_decade && g->steps / g->interval > 100000000)
        qn_problem_at(c, m, "%lld measurements a task are more than 100 million; raise interval", (long long)(g->steps / g->interval));
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

static int find_model(qn_sweep *s, const qn_sweep_source *from, qn_problems *c)
{
    const qn_node *name = qn_node_get(s->tree, "model");
    if (!name || name->kind != QN_NODE_SCALAR || is_null(name)) {
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
    static const char *const known[] = {"model", "seed", "replicas", "parameters", "sweep", "sampling", "output", "title"};
    check_keys(c, s->tree, "at the top level", 8, known);
    const qn_node *seed = qn_node_get(s->tree, "seed"), *title = qn_node_get(s->tree, "title"), *output = qn_node_get(s->tree, "output");
    if (!seed)
        qn_problem_at(c, s->tree, "the sweep file must give a seed, a whole number: no run is seeded by the clock");
    else if (seed->kind != QN_NODE_SCALAR || qn_parse_u64(seed->text, &s->seed))
        qn_problem_at(c, seed, "seed must be a whole number from 0 to 2^64-1");
    s->replicas = 1;
    whole(c, s->tree, "replicas", 1, 100000000, &s->replicas);
    if (title && title->kind != QN_NODE_SCALAR)
        qn_problem_at(c, title, "title must be one line of text");
    else if (title)
        s->title = strdup(title->text);
    if (output && (output->kind != QN_NODE_SCALAR || is_null(output)))
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

static int declare_parameters(qn_sweep *s, qn_problems *c)
{
    if (!s->model->declare)
        return 0;
    /* The texts first, into values of the undeclared schema; each distinct text may name parameters. */
    qn_params p;
    if (qn_params_init(&p, &s->schema))
        return QN_ERR_NOMEM;
    const qn_node *given = qn_node_get(s->tree, "parameters");
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
        err = s->model->declare(&p, &wider);
        if (err == QN_ERR_INPUT) {
            qn_problem_at(c, given, "%s", qn_error_text());
            err = 0;
        }
    }
    qn_params_free(&p);
    if (wider.item) {
        free(s->schema.item);
        s->schema = wider;
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
    if (!err)
        err = find_model(s, from, c);
    if (!err)
        err = qn_schema_init(&s->schema, s->model);
    if (!err)
        err = declare_parameters(s, c);
    for (size_t i = 0; !err && i < s->n_sets; i++)
        err = apply_set(s, s->sets[i], c);
    if (err)
        return err;
    read_top(s, c);
    if ((err = qn_params_init(&s->fixed, &s->schema)))
        return err;
    read_parameters(s, c);
    read_sampling(s, c);
    read_inputs(s, from, c);
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
