/* reweight.c -- `quench reweight`: observables between the temperatures of a sweep. */
#include "reweight.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "text.h"

static void say(void *ctx, const char *line)
{
    (void)ctx;
    cli_say("%s", line);
}

static int print(const qn_dataset *d)
{
    qn_selection s;
    const qn_var *v[256];
    size_t n = 0;
    int err = qn_select(d, NULL, 0, &s);
    for (size_t i = 0; i < d->n_vars && n < 256 && !err; i++)
        if (qn_is_observable(d, d->vars[i]))
            v[n++] = d->vars[i];
    if (!err)
        err = qn_table_write(&s, n, v, false, QN_TABLE_CSV, stdout);
    qn_selection_free(&s);
    return err;
}

int cli_reweight(int argc, char **argv)
{
    qn_reweight_request q = {.say = say};
    const char *output = NULL;
    bool csv = false;
    int64_t points = 100;
    cli_texts where = {0};
    const cli_option options[] = {
        {"along", 0, CLI_TEXT, &q.along, "AXIS", "the axis of temperatures (T)"},
        {"inverse", 0, CLI_FLAG, &q.inverse, NULL, "that axis holds inverse temperatures"},
        {"energy", 0, CLI_TEXT, &q.energy, "EXPRESSION", "energy of a configuration, of series and parameters (the file's `energy`)"},
        {"points", 0, CLI_COUNT, &points, "N", "temperatures between the lowest and the highest (100)"},
        {"where", 0, CLI_TEXTS, &where, "NAME=VALUE", "only these runs; also NAME=V1,V2 and NAME=LOW:HIGH"},
        {"output", 'o', CLI_TEXT, &output, "FILE.h5", "the file (default: OUT_reweighted.h5)"},
        {"csv", 0, CLI_FLAG, &csv, NULL, "a table on standard output instead of a file"},
        {0},
    };
    int n = cli_parse("reweight", "OUT.h5 [OBSERVABLE]... [options]",
                      "Means between the temperatures of a sweep out of every measurement of all its runs (multiple histograms), with\n"
                      "errors, and ln Z.  An observable is a series, a derived quantity or 'c=L^2*(u2-u^2)/T^2'.\n"
                      "Needs `bins` of at least the number of measurements under `sampling`, so that the file holds each.",
                      options, argc, argv, 1, -1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : CLI_DONE;
    qn_dataset *d = NULL, *result = NULL;
    if (n > 0)
        status = cli_result_read(argv[0], true, &d);
    if (n > 0 && !status) {
        size_t stem = strlen(argv[0]);
        char *path = output ? strdup(output) : qn_format("%.*s_reweighted.h5", (int)(stem > 3 && !strcmp(argv[0] + stem - 3, ".h5") ? stem - 3 : stem), argv[0]);
        q.data = d;
        q.path = argv[0];
        q.observable = (const char *const *)argv + 1;
        q.n_observables = (size_t)n - 1;
        q.where = where.item;
        q.n_where = where.n;
        q.points = (size_t)points;
        int err = path ? qn_reweight(&q, &result) : qn_fail(QN_ERR_NOMEM, "out of memory");
        if (!err)
            err = csv ? print(result) : qn_dataset_write(result, path);
        status = err ? cli_fail(err) : CLI_DONE;
        if (!err && !csv)
            cli_say("%lld temperatures in %s", (long long)points, path);
        free(path);
    }
    qn_dataset_free(result);
    qn_dataset_free(d);
    cli_texts_free(&where);
    return status;
}
