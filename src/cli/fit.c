/* fit.c -- `quench fit`: a function fitted along one axis, for every value of the others. */
#include "fit.h"

#include "analysis.h"

int cli_fit(int argc, char **argv)
{
    cli_analysis a;
    const char *form = NULL, *start = NULL;
    bool local = false, log = false;
    int64_t window = 0;
    cli_analysis_init(&a, "fit", argc, argv);
    const cli_option options[] = {
        {"form", 0, CLI_TEXT, &form, "FORM", "power (default), logistic, stretched, or an expression in the axis and named parameters"},
        {"start", 0, CLI_TEXT, &start, "a=1,b=2", "where parameters start (chosen; 1 in an expression)"},
        {"log", 0, CLI_FLAG, &log, NULL, "logistic: over the logarithm of the axis"},
        {"local", 0, CLI_FLAG, &local, NULL, "in windows of successive points: local slopes of a power law"},
        {"window", 0, CLI_COUNT, &window, "N", "points in a window (as many as there are parameters)"},
        CLI_ANALYSIS_OPTIONS(a),
        {0},
    };
    int n = cli_parse("fit", "OUT.h5 OBSERVABLE --along AXIS [options]",
                      "Fits a function along one axis, for every value of the others, by weighted least squares; 0/1 outcomes to the\n"
                      "logistic form by maximum likelihood.  Errors by bootstrap over replicas (over bins where replicas are few), with\n"
                      "points that share their disorder drawn alike.  power: amplitude*x^exponent; logistic:\n"
                      "1/(1 + exp(-(x - midpoint)/width)); stretched: amplitude*exp(-(x/tau)^beta).  OBSERVABLE may be an expression of\n"
                      "observables; OUT.h5:/boundary is what another verb has written.",
                      options, argc, argv, 2, 2);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_analysis_open(&a, argv[0], argv[1]);
    if (n > 0 && !status) {
        qn_dataset *found;
        qn_fit_request q = {.data = a.d, .observable = argv[1], .along = a.along, .form = form, .start = start, .statistic = a.statistic, .where = a.where.item, .n_where = a.where.n,
                            .resamples = (size_t)a.resamples, .local = local || window, .window = (size_t)window, .log = log, .say = cli_analysis_say};
        int err = qn_fit_make(&q, &found);
        status = err ? cli_fail(err) : cli_analysis_finish(&a, found);
    }
    cli_analysis_free(&a);
    return status;
}
