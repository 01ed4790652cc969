/* verify.c -- `quench verify`: runs tasks of a finished file again and says whether every bit is the same. */
#include "verify.h"

#include "cli.h"

int cli_verify(int argc, char **argv)
{
    int64_t tasks = 3;
    bool all = false;
    cli_texts plugins = {0};
    const cli_option options[] = {
        {"points", 0, CLI_COUNT, &tasks, "K", "how many tasks to run again, spread over the sweep (3)"},
        {"all", 0, CLI_FLAG, &all, NULL, "every task"},
        {"plugin", 0, CLI_TEXTS, &plugins, "FILE.so", "load a model"},
        {0},
    };
    int n = cli_parse("verify", "OUT.h5 [options]",
                      "Checks the digest of every row, computes every mean and error again from the samples, and runs K tasks\nagain.  Exit status 1 when a bit differs.", options, argc, argv,
                      1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&plugins);
    qn_sweep s;
    if (n >= 0 && !status && !(status = cli_sweep_of_result(argv[0], &s))) {
        qn_verdict_report r;
        int err = qn_verify(&s, argv[0], all ? 0 : (size_t)tasks, &r);
        if (err) {
            status = cli_fail(err);
        } else {
            bool same = !r.altered && !r.differ && !r.changed;
            printf("%s: %zu rows read, %zu altered; %zu variables recomputed, %zu differ; %zu tasks run again, %zu differ\n", argv[0], r.rows, r.altered, r.summaries,
                   r.changed, r.rerun, r.differ);
            printf("%s\n", same ? "every bit is the same" : r.first);
            status = same ? CLI_DONE : CLI_FAILED;
        }
        qn_sweep_free(&s);
    }
    cli_texts_free(&plugins);
    return status;
}
