/* analysis.c -- see analysis.h. */
#include "analysis.h"

#include <stdlib.h>
#include <string.h>

#include "merge.h"
#include "resample.h"
#include "table.h"
#include "text.h"

void cli_analysis_init(cli_analysis *a, const char *verb, int argc, char **argv)
{
    *a = (cli_analysis){.verb = verb, .group = verb, .resamples = QN_RESAMPLES, .began = qn_now(), .command = cli_command(verb, argc, argv)};
}

void cli_analysis_free(cli_analysis *a)
{
    qn_dataset_free(a->d);
    cli_texts_free(&a->where);
    free(a->command);
}

void cli_analysis_say(void *ctx, const char *line)
{
    (void)ctx;
    cli_say("%s", line);
}

static int check(cli_analysis *a)
{
    static const char *const words[] = {"mean", "median", "geometric"};
    const char *word = a->statistic_word ? a->statistic_word : words[0];
    if (a->csv && a->json) {
        cli_say("%s: --csv and --json exclude each other", a->verb);
        return CLI_INPUT;
    }
    if (a->resamples < 100 || a->resamples > 100000) {
        cli_say("%s: --resamples takes 100 to 100000, not %lld", a->verb, (long long)a->resamples);
        return CLI_INPUT;
    }
    for (size_t i = 0; i < 3; i++)
        if (!strcmp(word, words[i])) {
            a->statistic = (qn_statistic)i;
            return CLI_DONE;
        }
    cli_say("%s: --statistic is mean, median or geometric, not '%s'", a->verb, word);
    return CLI_INPUT;
}

/* First without samples, to see which are needed; they may be large. */
int cli_analysis_open(cli_analysis *a, const char *path, const char *observable)
{
    qn_dataset *head = NULL;
    char **names = NULL;
    a->path = path;
    int status = check(a);
    if (!status)
        status = cli_result_read(path, false, &head);
    if (!status && qn_sampled_needs(head, observable, &names))
        status = cli_fail_input();
    qn_dataset_free(head);
    if (!status)
        status = cli_result_read_some(path, names, &a->d);
    qn_sampled_needs_free(names);
    return status;
}

/* ---- what was found ------------------------------------------------------------------------------------------------ */

static bool is_ancillary(const qn_dataset *d, const qn_var *v)
{
    size_t n = strlen(v->name);
    for (size_t i = 0; i < d->n_vars; i++) {
        const char *names = qn_attr_text(d, d->vars[i], "ancillary_variables");
        for (const char *a = names; a && (a = strstr(a, v->name)); a++)
            if ((a == names || a[-1] == ' ') && (!a[n] || a[n] == ' '))
                return true;
    }
    return false;
}

/* Variables of `rank` that the table shows by themselves: no coordinates of axes, nothing that stands beside another, no auxiliary coordinate over the
 * axes, which tables show anyway. */
static size_t columns(const qn_dataset *d, size_t rank, size_t axes, const qn_var **out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_vars && n < room; i++) {
        const qn_var *v = d->vars[i];
        const char *kind = qn_attr_text(d, v, "kind");
        bool coordinate = kind && !strcmp(kind, "coordinate");
        if (v->rank == rank && !(v->rank == 1 && !strcmp(v->name, v->dims[0])) && !(coordinate && rank == axes) && !is_ancillary(d, v))
            out[n++] = v;
    }
    return n;
}

/* Rows without any of the numbers (windows beyond the end of a line) are left out by the selection when there is one dimension. */
static int print(const cli_analysis *a, const qn_dataset *d)
{
    qn_selection s;
    const qn_var *v[256];
    int err = qn_select(d, NULL, 0, &s);
    if (err)
        return err;
    size_t n = 0, axes = s.n_axes;
    for (size_t rank = axes; rank <= axes + 1; rank++) { /* numbers of each line, then those with a dimension more */
        n = columns(d, rank, axes, v, 256);
        if (n)
            err = qn_table_write(&s, n, v, a->csv || a->json, a->csv ? QN_TABLE_CSV : a->json ? QN_TABLE_JSON : QN_TABLE_TEXT, stdout);
        if (err || (n && (a->csv || a->json)))
            break;
    }
    qn_selection_free(&s);
    return err;
}

/* The group /VERB of the file, in place of an older one.  Takes `found`. */
static int put_in_file(const cli_analysis *a, qn_dataset *found)
{
    const char *group;
    char *path = cli_split_group(a->path, &group);
    qn_dataset *whole = NULL;
    int err = path ? qn_dataset_read(path, NULL, &whole) : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (err) {
        qn_dataset_free(found);
        free(path);
        return err;
    }
    bool replaced = qn_dataset_find_group(whole, a->group) != NULL;
    if (whole->left_out) {
        err = qn_fail(QN_ERR_INPUT, "%s holds what would be lost (%s): another program has changed it; use -o FILE.h5", path, whole->left_out);
        qn_dataset_free(found);
    } else {
        err = qn_dataset_put_group(whole, a->group, found);
    }
    if (!err)
        err = qn_dataset_write(whole, path);
    if (!err)
        cli_say("%s in %s:/%s", replaced ? "replaced" : "written", path, a->group);
    qn_dataset_free(whole);
    free(path);
    return err;
}

int cli_analysis_finish(cli_analysis *a, qn_dataset *found)
{
    const char *base = strrchr(a->path, '/');
    int err = print(a, found);
    if (!err)
        err = qn_attr_str(found, NULL, "source", base ? base + 1 : a->path);
    if (!err)
        err = qn_environment(found, &(qn_provenance){.command = a->command, .threads = 1, .wall_s = qn_now() - a->began});
    if (!err && a->output && !(err = qn_dataset_write(found, a->output)))
        cli_say("%s in %s", a->verb, a->output);
    if (!err && a->write)
        return (err = put_in_file(a, found)) ? cli_fail(err) : CLI_DONE;
    qn_dataset_free(found);
    return err ? cli_fail(err) : CLI_DONE;
}
