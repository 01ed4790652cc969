/* theory.c -- `quench theory`: a model's theory for the parameters of a sweep, as a result file or CSV. */
#include "theory.h"

#include <stdlib.h>

#include "cli.h"
#include "dataset.h"
#include "text.h"

static int build(const qn_sweep *s, const char *output, bool csv)
{
    qn_dataset *d;
    int err;
    if (!s->model->theory) {
        cli_say("model %s has no theory", s->model->name);
        return CLI_INPUT;
    }
    if (csv) {
        err = qn_theory_csv(s, stdout);
        return err ? cli_fail(err) : CLI_DONE;
    }
    err = qn_theory_build(s, &d);
    if (!err) {
        err = qn_dataset_write(d, output);
        qn_dataset_free(d);
    }
    if (err)
        return cli_fail(err);
    cli_say("theory of %s at %zu point%s in %s", s->model->name, s->n_points, s->n_points > 1 ? "s" : "", output);
    return CLI_DONE;
}

int cli_theory(int argc, char **argv)
{
    const char *output = NULL, *sweep = NULL;
    bool csv = false;
    cli_texts sets = {0}, plugins = {0};
    const cli_option options[] = {
        {"set", 0, CLI_TEXTS, &sets, "NAME=VALUE", "a parameter; a list [a, b] or range {from: a, to: b, points: n} makes an axis"},
        {"sweep", 0, CLI_TEXT, &sweep, "SWEEP.yaml", "take the parameters and axes of this sweep file first"},
        {"output", 'o', CLI_TEXT, &output, "OUT.h5", "the file (default: MODEL_theory.h5)"},
        {"csv", 0, CLI_FLAG, &csv, NULL, "a table on standard output instead of a file"},
        {"plugin", 0, CLI_TEXTS, &plugins, "FILE.so", "load a model"},
        {0},
    };
    int n = cli_parse("theory", "MODEL [options]", "Theory curves and exact values for the same parameters as a sweep; `quench plot --overlay` draws them over\nits data.", options, argc, argv,
                      1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&plugins);
    if (n >= 0 && !status) {
        qn_sweep s;
        char *text = qn_format("model: %s\nseed: 0\n", argv[0]), *path = output ? NULL : qn_format("%s_theory.h5", argv[0]);
        if (!cli_model(argv[0])) {
            cli_say("there is no model '%s'; `quench models` lists them, --plugin loads one", argv[0]);
            status = CLI_INPUT;
        } else {
            status = sweep ? cli_sweep_load(sweep, &sets, &s) : cli_sweep_text("theory", text ? text : "", &sets, &s);
            if (!status) {
                if (s.model == cli_model(argv[0])) {
                    status = build(&s, output ? output : path, csv);
                } else {
                    cli_say("%s is a sweep of model %s, not %s", sweep, s.model->name, argv[0]);
                    status = CLI_INPUT;
                }
                qn_sweep_free(&s);
            }
        }
        free(text);
        free(path);
    }
    cli_texts_free(&sets);
    cli_texts_free(&plugins);
    return status;
}
