/* main.c -- the program: finds the verb and hands it the rest. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_errno.h>

#include "cli.h"
#include "isa.h"
#include "merge.h"
#include "text.h"

static const cli_verb verbs[] = {
    {"check", "read a sweep file, count its points and tasks, estimate memory, disk and time", cli_check},
    {"run", "run a sweep, or go on with it", cli_run},
    {"status", "what is done, running and missing", cli_status},
    {"show", "a table of a result", cli_show},
    {"models", "the models, and one model's parameters and observables", cli_models_verb},
    {"theory", "theory curves and exact values, as a result file or CSV", cli_theory},
    {"boundary", "a phase boundary along an axis, with bootstrap errors", cli_boundary},
    {"fit", "a function fitted along an axis, with bootstrap errors", cli_fit},
    {"collapse", "finite-size scaling with free exponents", cli_collapse},
    {"plot", "a figure of a result", cli_plot},
    {"reweight", "observables between the temperatures of a sweep", cli_reweight},
    {"ladder", "values for a tempering ladder with equal exchange rates", cli_ladder},
    {"report", "a page of HTML with figures, tables and provenance", cli_report},
    {"trace", "one task as a time series", cli_trace},
    {"submit", "an array job for a cluster (Slurm), for what of a sweep is missing", cli_submit},
    {"merge", "put the parts of a run together", cli_merge},
    {"diff", "compare two results", cli_diff},
    {"verify", "run tasks of a finished file again and compare every bit", cli_verify},
};
#define N_VERBS (sizeof verbs / sizeof *verbs)

static void help(FILE *out)
{
    fputs("usage: quench VERB ...\n\nStatistical-physics Monte Carlo: parameter sweeps, phase diagrams, results in HDF5.\n\n", out);
    for (size_t i = 0; i < N_VERBS; i++)
        fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\n`quench VERB --help` lists a verb's options; `man quench` has the sweep file.  Exit status: 0 done, 1 failed, 2 the\n"
          "input is wrong, 75 interrupted and resumable.\n", out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return CLI_INPUT;
    }
    const char *verb = argv[1];
    if (!strcmp(verb, "--help") || !strcmp(verb, "-h") || !strcmp(verb, "help")) {
        help(stdout);
        return CLI_DONE;
    }
    if (!strcmp(verb, "--version")) {
        char libraries[256];
        qn_libraries(libraries);
        printf("quench %s (%s)\n", qn_version(), libraries);
        return CLI_DONE;
    }
    signal(SIGXFSZ, SIG_IGN); /* a file beyond the size limit is a write that fails, not the end */
    if (qn_isa_check())
        return cli_fail_input();
    gsl_set_error_handler_off(); /* GSL would abort; its callers look at what it returns */
    const char *names[N_VERBS];
    for (size_t i = 0; i < N_VERBS; i++) {
        names[i] = verbs[i].name;
        if (strcmp(verb, verbs[i].name))
            continue;
        int status = verbs[i].run(argc - 2, argv + 2);
        if (fflush(stdout) || ferror(stdout)) { /* a full disk behind standard output */
            cli_say("standard output could not be written");
            return status ? status : CLI_FAILED;
        }
        return status;
    }
    const char *near = qn_nearest(verb, N_VERBS, names);
    if (near)
        cli_say("there is no verb '%s'; did you mean '%s'?", verb, near);
    else
        cli_say("there is no verb '%s'; `quench --help` lists them", verb);
    return CLI_INPUT;
}
