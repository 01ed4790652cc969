/* identity.c -- see identity.h. */
#include "identity.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define INPUT "input:"

int qn_identity_write(qn_dataset *d, const qn_sweep *s, const char *conventions)
{
    int64_t seed = (int64_t)s->seed;
    const struct {
        const char *name, *text;
    } say[] = {{"Conventions", conventions}, {"title", s->title ? s->title : s->model->summary}, {"model", s->model->name},
               {"reference", s->model->reference ? s->model->reference : ""}, {"config_file", s->file}, {"config", s->text}, {"quench_version", qn_version()}};
    int err = 0;
    for (size_t i = 0; i < sizeof say / sizeof *say && !err; i++)
        err = qn_attr_str(d, NULL, say[i].name, say[i].text);
    if (!err)
        err = qn_attr_i64(d, NULL, "seed", 1, &seed);
    qn_buffer sets = {0};
    qn_buffer_add(&sets, "%s", "");
    for (size_t i = 0; i < s->n_sets; i++)
        qn_buffer_add(&sets, "%s\n", s->sets[i]);
    if (!err)
        err = sets.failed ? qn_fail(QN_ERR_NOMEM, "out of memory") : qn_attr_str(d, NULL, "set", sets.text);
    qn_buffer_free(&sets);
    for (size_t i = 0; i < s->n_inputs && !err; i++) {
        char *name = qn_format(INPUT "%s", s->input[i].path), hex[33];
        qn_hash_hex(s->input[i].hash, hex);
        err = name ? qn_attr_str(d, NULL, name, hex) : qn_fail(QN_ERR_NOMEM, "out of memory");
        free(name);
    }
    return err;
}

static int add_set(qn_identity *to, const char *text, size_t n)
{
    char **more = realloc(to->sets, (to->n_sets + 1) * sizeof *more);
    if (!more)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    to->sets = more;
    to->sets[to->n_sets] = strndup(text, n);
    return to->sets[to->n_sets++] ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
}

int qn_identity_read(const qn_dataset *d, const char *path, qn_identity *out)
{
    memset(out, 0, sizeof *out);
    const char *text = qn_attr_text(d, NULL, "config"), *file = qn_attr_text(d, NULL, "config_file"), *set = qn_attr_text(d, NULL, "set"),
               *model = qn_attr_text(d, NULL, "model");
    if (!text || !model)
        return qn_fail(QN_ERR_DATA, "%s does not hold its sweep file: it is no result of `quench run`", path);
    out->text = strdup(text);
    out->file = strdup(file ? file : path);
    out->model = strdup(model);
    int err = out->text && out->file && out->model ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    for (const char *s = set; s && *s && !err; s += strcspn(s, "\n"), s += *s == '\n')
        err = add_set(out, s, strcspn(s, "\n"));
    out->input = calloc(d->n_attrs + 1, sizeof *out->input);
    if (!out->input)
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < d->n_attrs && !err; i++) {
        qn_input in = {.known = true};
        const qn_attr *a = &d->attrs[i];
        if (strncmp(a->name, INPUT, strlen(INPUT)) || a->type != QN_STR || qn_hash_parse(a->str, &in.hash))
            continue;
        in.path = strdup(a->name + strlen(INPUT));
        if (!in.path)
            err = qn_fail(QN_ERR_NOMEM, "out of memory");
        else
            out->input[out->n_inputs++] = in;
    }
    if (err)
        qn_identity_free(out);
    return err;
}

void qn_identity_free(qn_identity *i)
{
    for (size_t k = 0; k < i->n_sets; k++)
        free(i->sets[k]);
    for (size_t k = 0; k < i->n_inputs; k++)
        free(i->input[k].path);
    free(i->sets);
    free(i->input);
    free(i->file);
    free(i->text);
    free(i->model);
    memset(i, 0, sizeof *i);
}
