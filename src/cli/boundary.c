/* boundary.c -- `quench boundary`: where something changes along an axis, for every value of the others. */
#include "boundary.h"

#include <string.h>

#include "analysis.h"
#include "text.h"

typedef struct wishes {
    const char *level, *factor, *from, *crossing, *drift;
    bool steepest, half;
} wishes;

static bool number(const char *option, const char *text, double *out)
{
    if (!qn_parse_real(text, out))
        return true;
    cli_say("boundary: %s takes a number, not '%s'", option, text);
    return false;
}

/* Fills how; 0 or the exit status. */
static int read_wishes(const wishes *w, qn_boundary_request *q)
{
    int ways = !!w->level + !!w->factor + !!w->crossing + w->steepest + w->half;
    if (ways > 1) {
        cli_say("boundary: --level, --steepest, --half, --factor and --crossing exclude each other");
        return CLI_INPUT;
    }
    q->how = w->level      ? QN_BOUNDARY_LEVEL
             : w->factor   ? QN_BOUNDARY_FACTOR
             : w->crossing ? QN_BOUNDARY_CROSSING
             : w->steepest ? QN_BOUNDARY_STEEPEST
             : w->half     ? QN_BOUNDARY_HALF
                           : QN_BOUNDARY_DEFAULT;
    q->size = w->crossing;
    q->drift = QN_BOUNDARY_DRIFT;
    if ((w->level && !number("--level", w->level, &q->level)) || (w->factor && !number("--factor", w->factor, &q->factor)) || (w->drift && !number("--drift", w->drift, &q->drift)))
        return CLI_INPUT;
    if (w->from && strcmp(w->from, "low") && strcmp(w->from, "high")) {
        cli_say("boundary: --from is low or high, not '%s'", w->from);
        return CLI_INPUT;
    }
    if (w->factor && !w->from) {
        cli_say("boundary: --factor needs --from low or --from high: the end whose value is left");
        return CLI_INPUT;
    }
    q->from_given = w->from != NULL;
    q->from_high = w->from && !strcmp(w->from, "high");
    return CLI_DONE;
}

int cli_boundary(int argc, char **argv)
{
    cli_analysis a;
    wishes w = {0};
    qn_boundary_request q = {.say = cli_analysis_say};
    cli_analysis_init(&a, "boundary", argc, argv);
    const cli_option options[] = {
        {"level", 0, CLI_TEXT, &w.level, "X", "where the observable is X"},
        {"steepest", 0, CLI_FLAG, &w.steepest, NULL, "where it changes fastest"},
        {"half", 0, CLI_FLAG, &w.half, NULL, "where a probability is 1/2, by a logistic fit (default of 0/1 outcomes)"},
        {"factor", 0, CLI_TEXT, &w.factor, "F", "where it leaves its value at one end of the axis by this factor"},
        {"from", 0, CLI_TEXT, &w.from, "low|high", "that end; with --level: the first crossing from there"},
        {"crossing", 0, CLI_TEXT, &w.crossing, "SIZEAXIS", "where curves of successive sizes cross (default of ratios over L or N)"},
        {"drift", 0, CLI_TEXT, &w.drift, "E", "crossings approach their limit as 1/size^E (2)"},
        {"log", 0, CLI_FLAG, &q.log, NULL, "over the logarithm of the axis, as on a logarithmic grid"},
        CLI_ANALYSIS_OPTIONS(a),
        {0},
    };
    int n = cli_parse("boundary", "OUT.h5 OBSERVABLE [--along AXIS] [options]",
                      "Where something changes along an axis (T, when there is one), for every value of the others, with bootstrap errors over\n"
                      "replicas, or bins where replicas are few.  `quench plot --overlay` draws it.  OBSERVABLE may be an expression of\n"
                      "observables.",
                      options, argc, argv, 2, 2);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : read_wishes(&w, &q);
    if (n > 0 && !status)
        status = cli_analysis_open(&a, argv[0], argv[1]);
    if (n > 0 && !status) {
        qn_dataset *found;
        q.data = a.d;
        q.observable = argv[1];
        q.along = a.along;
        q.statistic = a.statistic;
        q.where = a.where.item;
        q.n_where = a.where.n;
        q.resamples = (size_t)a.resamples;
        int err = qn_boundary_make(&q, &found);
        status = err ? cli_fail(err) : cli_analysis_finish(&a, found);
    }
    cli_analysis_free(&a);
    return status;
}
