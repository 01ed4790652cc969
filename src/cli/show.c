/* show.c -- `quench show`: what is in a result, and tables of it. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dataset.h"
#include "table.h"

#define SHORT_TABLE 60 /* rows that are printed without being asked for an observable */

static void describe(const qn_dataset *d, const qn_selection *s)
{
    const char *title = qn_attr_text(d, NULL, "title"), *model = qn_attr_text(d, NULL, "model");
    printf("%s (model %s)\n", title ? title : "", model ? model : "?");
    for (size_t r = 0; r < s->n; r++) {
        const qn_var *c = s->range[r].coordinate;
        char from[64] = "", to[64] = "";
        const char *meaning = c ? qn_attr_text(d, c, "long_name") : NULL;
        if (c && s->range[r].n) {
            qn_cell_text(c, s->range[r].index[0], 6, from, sizeof from);
            qn_cell_text(c, s->range[r].index[s->range[r].n - 1], 6, to, sizeof to);
        }
        printf("  axis %-17s %zu: %s to %s%s%s\n", s->range[r].name, s->range[r].n, from, to, meaning ? "   " : "", meaning ? meaning : "");
    }
    for (size_t i = 0; i < d->n_vars; i++) {
        const qn_var *v = d->vars[i];
        const char *kind = qn_attr_text(d, v, "kind"), *meaning = qn_attr_text(d, v, "long_name");
        if (kind)
            printf("  %-22s %-10s %s\n", v->name, kind, meaning ? meaning : "");
    }
}

/* All observables without dimensions of their own. */
static size_t scalars(const qn_dataset *d, const qn_selection *s, const qn_var **out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_vars && n < room; i++)
        if (qn_is_observable(d, d->vars[i]) && d->vars[i]->rank == s->n_axes)
            out[n++] = d->vars[i];
    return n;
}

#define SAMPLES "samples/"

/* An observable by name, or `samples/NAME`: what it comes from, replica by replica. */
static int find(const qn_dataset *d, const char *name, const qn_var **out)
{
    if (strncmp(name, SAMPLES, strlen(SAMPLES)))
        return qn_observable_find(d, name, out);
    const qn_dataset *samples = qn_dataset_find_group(d, "samples");
    *out = samples ? qn_dataset_find(samples, name + strlen(SAMPLES)) : NULL;
    return *out ? 0 : qn_fail(QN_ERR_INPUT, "there are no samples of '%s'", name + strlen(SAMPLES));
}

static int show(const qn_dataset *d, char **names, size_t n_names, const cli_texts *where, qn_table_form form)
{
    qn_selection s;
    const qn_var *v[256];
    size_t n = 0;
    int err = qn_select(d, where->item, where->n, &s);
    if (err)
        return cli_fail(err);
    for (; n < n_names && n < 256 && !err; n++)
        err = find(d, names[n], &v[n]);
    if (!err && !n_names) {
        n = scalars(d, &s, v, 256);
        if (form == QN_TABLE_TEXT)
            describe(d, &s);
    }
    bool table = n_names || form != QN_TABLE_TEXT || (qn_selection_rows(&s) <= SHORT_TABLE && n);
    if (!err && !n_names && form == QN_TABLE_TEXT)
        printf(table ? "\n" : "\n%zu points; name an observable for its table, or give --csv\n", qn_selection_rows(&s));
    if (!err && table)
        err = qn_table_write(&s, n, v, n_names == 1, form, stdout);
    qn_selection_free(&s);
    return err ? cli_fail(err) : CLI_DONE;
}

int cli_show(int argc, char **argv)
{
    bool csv = false, json = false;
    cli_texts where = {0};
    const cli_option options[] = {
        {"csv", 0, CLI_FLAG, &csv, NULL, "comma-separated values, 17 digits"},
        {"json", 0, CLI_FLAG, &json, NULL, "an array of objects"},
        {"where", 0, CLI_TEXTS, &where, "NAME=VALUE", "only these points; also NAME=V1,V2 and NAME=LOW:HIGH"},
        {0},
    };
    int n = cli_parse("show", "OUT.h5 [OBSERVABLE]... [options]",
                      "What is in a result; with OBSERVABLE its table (with one: all that stands beside it, such as tau and the\n"
                      "equilibration verdict).  samples/NAME: what it comes from, replica by replica, and artifacts.",
                      options, argc, argv, 1, -1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : CLI_DONE;
    if (n > 0 && csv && json) {
        cli_say("show: --csv and --json exclude each other");
        status = CLI_INPUT;
    } else if (n > 0) {
        bool samples = false;
        for (int i = 1; i < n; i++)
            samples |= !strncmp(argv[i], SAMPLES, strlen(SAMPLES));
        qn_dataset *d;
        status = cli_result_read(argv[0], samples, &d);
        if (!status) {
            status = show(d, argv + 1, (size_t)n - 1, &where, csv ? QN_TABLE_CSV : json ? QN_TABLE_JSON : QN_TABLE_TEXT);
            qn_dataset_free(d);
        }
    }
    cli_texts_free(&where);
    return status;
}
