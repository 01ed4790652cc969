/* merge.c -- `quench merge`: puts the parts of a run together. */
#include "merge.h"

#include "cli.h"

static void say(void *ctx, const char *line)
{
    (void)ctx;
    cli_say("%s", line);
}

static int merge(const qn_sweep *s, const char *output, bool allow_missing)
{
    qn_layout l;
    qn_plan p;
    size_t missing = 0;
    int err = qn_layout_init(&l, s), status = CLI_DONE;
    if (err)
        return cli_fail(err);
    err = qn_plan_init(&p, s, &l, output, NULL, 0, say, NULL);
    if (!err && p.result_whole) {
        cli_say("%s is already whole: %zu tasks", output, p.wanted);
    } else if (!err && p.done < p.wanted && !allow_missing) {
        cli_say("%zu of %zu tasks are missing; run them, or give --allow-missing (their places are then NaN, and the parts stay)", p.wanted - p.done, p.wanted);
        status = CLI_FAILED;
    } else if (!err) {
        err = qn_merge(&p, output, &(qn_provenance){.command = "quench merge", .threads = 1}, &missing);
        if (!err)
            cli_say("%zu of %zu tasks merged into %s", p.wanted - missing, p.wanted, output);
    }
    if (err)
        status = cli_fail(err);
    qn_plan_free(&p);
    qn_layout_free(&l);
    return status;
}

int cli_merge(int argc, char **argv)
{
    bool allow = false;
    cli_texts plugins = {0};
    const cli_option options[] = {
        {"allow-missing", 0, CLI_FLAG, &allow, NULL, "merge although tasks are missing; their places are NaN"},
        {"plugin", 0, CLI_TEXTS, &plugins, "FILE.so", "load a model"},
        {0},
    };
    int n = cli_parse("merge", "OUT.h5 [options]", "Puts the parts in OUT.h5.parts together with what OUT.h5 has.", options, argc, argv, 1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&plugins);
    qn_sweep s;
    if (n >= 0 && !status && !(status = cli_sweep_of_result(argv[0], &s))) {
        if (s.growing) { /* what belongs to it is known at its end only */
            cli_say("%s is adaptive (target, refine) and not finished; the same `quench run` goes on, and merges it", argv[0]);
            status = CLI_FAILED;
        } else {
            status = merge(&s, argv[0], allow);
        }
        qn_sweep_free(&s);
    }
    cli_texts_free(&plugins);
    return status;
}
