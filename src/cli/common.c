/* common.c -- messages, models, sweeps and results by path. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "adaptive.h"
#include "model.h"
#include "models.h"
#include "parts.h"
#include "text.h"

void cli_say(const char *format, ...)
{
    va_list args;
    fputs("quench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int cli_status_of(int err)
{
    return err == QN_ERR_INPUT || err == QN_ERR_DATA ? CLI_INPUT : err == QN_ERR_STOPPED ? CLI_STOPPED : CLI_FAILED;
}

int cli_fail(int err)
{
    cli_say("%s", qn_error_text());
    return cli_status_of(err);
}

int cli_fail_input(void)
{
    cli_say("%s", qn_error_text());
    return CLI_INPUT;
}

bool cli_colour(int fd)
{
    const char *no = getenv("NO_COLOR");
    return isatty(fd) && !(no && *no);
}

/* ---- models ----------------------------------------------------------------------------------------------------- */

#define MOST_MODELS 32
static const qn_model *known[MOST_MODELS + 1]; /* built in first, then plug-ins; the list lives as long as the program */
static size_t n_known;

size_t cli_models(const qn_model *const **out)
{
    if (!n_known)
        while (n_known < MOST_MODELS && qn_models[n_known]) {
            known[n_known] = qn_models[n_known];
            n_known++;
        }
    *out = known;
    return n_known;
}

const qn_model *cli_model(const char *name)
{
    const qn_model *const *m;
    size_t n = cli_models(&m);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(m[i]->name, name))
            return m[i];
    return NULL;
}

int cli_plugins(const cli_texts *paths)
{
    for (size_t i = 0; i < paths->n; i++) {
        const qn_model *m, *const *all;
        size_t n = cli_models(&all);
        if (qn_plugin_load(paths->item[i], &m))
            return cli_fail_input();
        if (cli_model(m->name)) {
            cli_say("--plugin %s: there is already a model '%s'; give the plug-in's another name", paths->item[i], m->name);
            return CLI_INPUT;
        }
        if (n == MOST_MODELS) {
            cli_say("--plugin %s: more than %d models", paths->item[i], MOST_MODELS);
            return CLI_INPUT;
        }
        known[n_known++] = m;
    }
    return 0;
}

static const qn_model *find(void *ctx, const char *name)
{
    (void)ctx;
    return cli_model(name);
}

static const char *near(void *ctx, const char *name)
{
    (void)ctx;
    const qn_model *const *m;
    const char *names[MOST_MODELS];
    size_t n = cli_models(&m);
    for (size_t i = 0; i < n; i++)
        names[i] = m[i]->name;
    return qn_nearest(name, n, names);
}

/* ---- sweeps ------------------------------------------------------------------------------------------------------- */

static int load(const qn_sweep_source *from, bool warn, qn_sweep *out)
{
    qn_problems problems = {0};
    int err = qn_sweep_init(out, from, &problems), status = CLI_INPUT;
    if (!err) {
        if (warn)
            qn_warnings_print(&problems, stderr);
        qn_problems_free(&problems);
        return 0;
    }
    if (problems.n)
        qn_problems_print(&problems, stderr);
    else
        status = cli_fail(err);
    qn_problems_free(&problems);
    qn_sweep_free(out);
    return status;
}

int cli_sweep_text(const char *name, const char *text, const cli_texts *sets, qn_sweep *out)
{
    return load(&(qn_sweep_source){.file = name, .text = text, .sets = sets->item, .n_sets = sets->n, .find = find, .near = near}, true, out);
}

int cli_sweep_load(const char *path, const cli_texts *sets, qn_sweep *out)
{
    char *text;
    if (qn_read_text(path, &text))
        return cli_fail_input();
    int status = cli_sweep_text(path, text, sets, out);
    free(text);
    return status;
}

char *cli_command(const char *verb, int argc, char **argv)
{
    qn_buffer b = {0};
    qn_buffer_add(&b, "quench %s", verb);
    for (int i = 0; i < argc; i++)
        qn_buffer_add(&b, strpbrk(argv[i], " \t\n'\"$*;&|<>{}[]()") ? " '%s'" : " %s", argv[i]);
    return b.text;
}

char *cli_split_group(const char *text, const char **group)
{
    const char *mark = access(text, F_OK) ? strstr(text, ":/") : NULL;
    *group = mark && mark[2] ? mark + 2 : NULL;
    return mark ? strndup(text, (size_t)(mark - text)) : strdup(text);
}

static int no_result(const char *path)
{
    char *folder = access(path, F_OK) ? qn_parts_folder(path) : NULL;
    bool parts = folder && !access(folder, F_OK);
    free(folder);
    if (parts)
        cli_say("%s is not merged yet: `quench status %s` says how far it is, the same `quench run` goes on, `quench merge --allow-missing %s` takes what there is", path, path,
                path);
    return parts ? CLI_INPUT : CLI_DONE;
}

/* `names`: which samples; `all` of them. */
static int read_result(const char *text, bool all, char *const *names, qn_dataset **out)
{
    static const char *const no_samples[] = {"checkpoints", "environment", "samples", NULL}, *const some[] = {"checkpoints", "environment", NULL};
    const char *group;
    char *path = cli_split_group(text, &group);
    int err = path ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory"), status = err ? cli_fail(err) : no_result(path);
    if (!status) {
        err = names && !group ? qn_dataset_read_some(path, some, "samples", (const char *const *)names, out)
                              : qn_dataset_read(path, all && !group ? some : no_samples, out);
        if (!err && group) {
            qn_dataset *root = *out;
            err = qn_dataset_take_group(root, group, out);
            if (err) {
                qn_dataset_free(root);
                cli_say("%s: %s; `quench show %s` lists what is in the file", path, qn_error_text(), path);
                free(path);
                return CLI_INPUT;
            }
        }
        if (err)
            status = cli_fail_input();
    }
    free(path);
    return status;
}

int cli_result_read(const char *path, bool samples, qn_dataset **out)
{
    return read_result(path, samples, NULL, out);
}

int cli_result_read_some(const char *path, char *const *names, qn_dataset **out)
{
    return read_result(path, false, names, out);
}

int cli_sweep_of_result(const char *output, qn_sweep *out)
{
    static const char *const skip[] = {"samples", "checkpoints", "environment", NULL};
    qn_dataset *d = NULL;
    qn_source *parts = NULL;
    size_t n_parts = 0;
    qn_identity id;
    int err;
    if (!access(output, F_OK)) {
        err = qn_dataset_read(output, skip, &d);
        if (!err)
            err = qn_identity_read(d, output, &id);
    } else {
        err = qn_parts_open(output, &parts, &n_parts, NULL, NULL);
        if (!err && !n_parts)
            err = qn_fail(QN_ERR_INPUT, "%s: there is no such file, and no parts of it", output);
        if (!err)
            err = qn_identity_read(parts[0].data, parts[0].path, &id);
        for (size_t i = 0; i < n_parts; i++)
            qn_source_close(&parts[i]);
        free(parts);
    }
    if (err) {
        qn_dataset_free(d);
        return cli_fail_input();
    }
    int status = CLI_INPUT;
    if (!cli_model(id.model))
        cli_say("%s was made by model '%s', which is not here; give it with --plugin", output, id.model);
    else
        status = load(&(qn_sweep_source){.file = id.file, .text = id.text, .sets = (const char *const *)id.sets, .n_sets = id.n_sets, .find = find, .near = near,
                                         .inputs = id.input, .n_inputs = id.n_inputs},
                      false, out);
    if (!status && d && qn_adapt_adopt(out, d)) {
        status = cli_fail_input();
        qn_sweep_free(out);
    }
    qn_dataset_free(d);
    qn_identity_free(&id);
    return status;
}
