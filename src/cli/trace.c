/* trace.c -- `quench trace`: one task of a sweep as a time series, for looking at. */
#include "trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "text.h"

/* Index of the value of axis `a` that a condition names: numbers to 1e-9, else the same text. */
static bool find_value(const qn_sweep *s, size_t a, const char *text, size_t *out)
{
    const qn_param *p = &s->schema.item[s->axis[a].param];
    qn_value v;
    if (qn_value_parse(p, text, &v))
        return false;
    char *want = qn_value_text(p, &v);
    bool found = false;
    for (size_t i = 0; i < s->axis[a].n && !found; i++) {
        const qn_value *x = &s->axis[a].value[i];
        char *have = qn_value_text(p, x);
        found = qn_value_numeric(p) ? fabs(x->r - v.r) <= 1e-9 * fmax(fabs(x->r), fabs(v.r)) : want && have && !strcmp(want, have);
        *out = i;
        free(have);
    }
    free(want);
    qn_value_free(&v);
    return found;
}

static int refuse_value(const qn_sweep *s, size_t a, const char *text)
{
    const qn_param *p = &s->schema.item[s->axis[a].param];
    qn_buffer all = {0};
    for (size_t i = 0; i < s->axis[a].n && i < 12; i++) {
        char *have = qn_value_text(p, &s->axis[a].value[i]);
        qn_buffer_add(&all, "%s%s", i ? ", " : "", have ? have : "?");
        free(have);
    }
    cli_say("--where %s=%s: there is no such value; %s has %s%s", p->name, text, p->name, all.text ? all.text : "none", s->axis[a].n > 12 ? ", ..." : "");
    qn_buffer_free(&all);
    return CLI_INPUT;
}

/* The point that --where names: every axis with more than one value must be named. */
static int find_point(const qn_sweep *s, const cli_texts *where, size_t *point)
{
    size_t at[QN_MAX_RANK + 1] = {0};
    bool named[QN_MAX_RANK + 1] = {false};
    for (size_t w = 0; w < where->n; w++) {
        const char *text = where->item[w], *eq = strchr(text, '=');
        size_t a = 0;
        while (eq && a < s->n_axes && (strlen(s->schema.item[s->axis[a].param].name) != (size_t)(eq - text) ||
                                       strncmp(s->schema.item[s->axis[a].param].name, text, (size_t)(eq - text))))
            a++;
        if (!eq || a == s->n_axes || a > QN_MAX_RANK) {
            cli_say(eq ? "--where %s: the sweep has no axis of that name" : "--where %s: NAME=VALUE is expected", text);
            return CLI_INPUT;
        }
        if (!find_value(s, a, eq + 1, &at[a]))
            return refuse_value(s, a, eq + 1);
        named[a] = true;
    }
    *point = 0;
    for (size_t a = 0; a < s->n_axes; a++) {
        if (s->axis[a].n > 1 && (a > QN_MAX_RANK || !named[a])) {
            const char *name = s->schema.item[s->axis[a].param].name;
            cli_say("a trace is of one point: give --where %s=VALUE, one of its %zu values", name, s->axis[a].n);
            return CLI_INPUT;
        }
        *point = *point * s->axis[a].n + at[a];
    }
    return CLI_DONE;
}

/* All that lies over time alone, as columns. */
static int print(const qn_dataset *d)
{
    qn_selection s;
    const qn_var *v[256];
    size_t n = 0;
    int err = qn_select(d, NULL, 0, &s);
    for (size_t i = 0; i < d->n_vars && n < 256 && !err; i++)
        if (qn_is_observable(d, d->vars[i]) && d->vars[i]->rank == 1 && !strcmp(d->vars[i]->dims[0], QN_DIM_TIME))
            v[n++] = d->vars[i];
    if (!err)
        err = n ? qn_select_extend(&s, v[0]) : qn_fail(QN_ERR_INPUT, "nothing is measured over time alone; write the trace with -o FILE.h5");
    if (!err)
        err = qn_table_write(&s, n, v, false, QN_TABLE_CSV, stdout);
    qn_selection_free(&s);
    return err;
}

static bool is_result(const char *path)
{
    size_t n = strlen(path);
    return n > 3 && !strcmp(path + n - 3, ".h5");
}

int cli_trace(int argc, char **argv)
{
    const char *output = NULL;
    bool csv = false;
    int64_t replica = 1;
    cli_texts sets = {0}, where = {0}, plugins = {0};
    const cli_option options[] = {
        {"where", 0, CLI_TEXTS, &where, "NAME=VALUE", "the point: a value for every axis"},
        {"replica", 0, CLI_COUNT, &replica, "R", "which of its replicas, from 1 (1)"},
        {"output", 'o', CLI_TEXT, &output, "TRACE.h5", "the file (default: the sweep's output with _trace)"},
        {"csv", 0, CLI_FLAG, &csv, NULL, "a table on standard output instead of a file"},
        {"set", 0, CLI_TEXTS, &sets, "NAME=VALUE", "replace a value of the sweep file, such as sampling.interval=1"},
        {"plugin", 0, CLI_TEXTS, &plugins, "FILE.so", "load a model"},
        {0},
    };
    int n = cli_parse("trace", "SWEEP.yaml|OUT.h5 --where NAME=VALUE ... [options]",
                      "Runs one task of a sweep, with the random numbers that it has there, and keeps every measurement, those of\n"
                      "thermalization too: a time series that `quench plot` draws.",
                      options, argc, argv, 1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&plugins);
    qn_sweep s;
    if (n >= 0 && !status && is_result(argv[0]) && sets.n) {
        cli_say("trace: --set changes a sweep file; %s is a result", argv[0]);
        status = CLI_INPUT;
    }
    if (n >= 0 && !status && !(status = is_result(argv[0]) ? cli_sweep_of_result(argv[0], &s) : cli_sweep_load(argv[0], &sets, &s))) {
        size_t point;
        qn_dataset *d = NULL;
        int stem = (int)strlen(s.output) - (is_result(s.output) ? 3 : 0);
        char *path = output ? strdup(output) : qn_format("%.*s_trace.h5", stem, s.output);
        status = find_point(&s, &where, &point);
        if (!status) {
            int err = path ? qn_trace(&s, point, replica - 1, &d) : qn_fail(QN_ERR_NOMEM, "out of memory");
            if (!err)
                err = csv ? print(d) : qn_dataset_write(d, path);
            if (err)
                status = cli_fail(err);
            else if (!csv)
                cli_say("replica %lld of one point, every measurement of it, in %s", (long long)replica, path);
            qn_dataset_free(d);
        }
        free(path);
        qn_sweep_free(&s);
    }
    cli_texts_free(&sets);
    cli_texts_free(&where);
    cli_texts_free(&plugins);
    return status;
}
