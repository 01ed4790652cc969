/* report.c -- `quench report`: a page of HTML out of finished files. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "text.h"

static void say(void *ctx, const char *line)
{
    (void)ctx;
    cli_say("%s", line);
}

static int read_files(size_t n, const char *const *path, qn_report_file *out)
{
    static const char *const skip[] = {"samples", "checkpoints", NULL};
    for (size_t i = 0; i < n; i++) {
        qn_dataset *d = NULL;
        if (qn_dataset_read(path[i], skip, &d))
            return cli_fail_input();
        out[i] = (qn_report_file){.data = d, .path = path[i]};
        if (!qn_attr_text(d, NULL, "Conventions") || strcmp(qn_attr_text(d, NULL, "Conventions"), "quench-1")) {
            cli_say("%s: not a result of quench", path[i]);
            return CLI_INPUT;
        }
    }
    return CLI_DONE;
}

int cli_report(int argc, char **argv)
{
    const char *output = "report.html", *title = NULL;
    cli_texts overlays = {0}, where = {0}, observables = {0};
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &output, "FILE.html", "the page (default: report.html)"},
        {"observable", 0, CLI_TEXTS, &observables, "NAME", "only this one; may be given several times"},
        {"overlay", 0, CLI_TEXTS, &overlays, "FILE.h5", "theory or another result over every figure that it fits"},
        {"where", 0, CLI_TEXTS, &where, "NAME=VALUE", "only these points; also NAME=V1,V2 and NAME=LOW:HIGH"},
        {"title", 0, CLI_TEXT, &title, "TEXT", "the heading (default: the title of the first file)"},
        {0},
    };
    int n = cli_parse("report", "OUT.h5... [options]",
                      "One page of HTML with the figures, the tables, the equilibration warnings, the sweep file and the provenance\n"
                      "of finished runs.  It is one file that needs no network.",
                      options, argc, argv, 1, -1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : CLI_DONE;
    if (n > 0) {
        size_t stem = strlen(output), files = (size_t)n, count;
        qn_report_file *file = calloc(files + overlays.n, sizeof *file);
        if (stem < 6 || strcmp(output + stem - 5, ".html")) {
            cli_say("report: -o %s: a report is a .html file", output);
            status = CLI_INPUT;
        }
        if (!status)
            status = file ? read_files(files, (const char *const *)argv, file) : cli_fail(qn_fail(QN_ERR_NOMEM, "out of memory"));
        if (!status)
            status = read_files(overlays.n, overlays.item, file + files);
        if (!status) {
            qn_report_request q = {.file = file, .n_files = files, .overlay = file + files, .n_overlays = overlays.n, .observable = observables.item,
                                   .n_observables = observables.n, .where = where.item, .n_where = where.n, .title = title, .say = say};
            int err = qn_report_write(&q, output, &count);
            status = err ? cli_fail(err) : CLI_DONE;
            if (!err)
                cli_say("%zu figure%s of %zu file%s in %s", count, count == 1 ? "" : "s", files, files > 1 ? "s" : "", output);
        }
        for (size_t i = 0; file && i < files + overlays.n; i++)
            qn_dataset_free((qn_dataset *)file[i].data);
        free(file);
    }
    cli_texts_free(&overlays);
    cli_texts_free(&where);
    cli_texts_free(&observables);
    return status;
}
