/* analysis.h -- what the verbs that analyse a result share: their options, reading the samples they need, printing and keeping what they find. */
#ifndef CLI_ANALYSIS_H
#define CLI_ANALYSIS_H

#include "cli.h"
#include "dataset.h"
#include "sampled.h"

typedef struct cli_analysis {
    const char *verb, *group;    /* the group of --write: "fit" */
    cli_texts where;
    const char *along, *statistic_word, *output;
    int64_t resamples;
    bool csv, json, write;
    qn_statistic statistic;
    char *command;
    const char *path;            /* as given */
    qn_dataset *d;               /* the result, with the samples of the observable */
    double began;
} cli_analysis;

/* Entries of the verb's table of options. */
#define CLI_ANALYSIS_OPTIONS(a)                                                                                                      \
    {"along", 0, CLI_TEXT, &(a).along, "AXIS", "along which axis; also a curve's own, such as time"},                              \
    {"statistic", 0, CLI_TEXT, &(a).statistic_word, "mean|median|geometric", "over the replicas (mean); a median counts runs that did not end as above"}, \
    {"where", 0, CLI_TEXTS, &(a).where, "NAME=VALUE", "only these points; also V1,V2 and LOW:HIGH, and NAME>=VALUE"},                   \
    {"resamples", 0, CLI_COUNT, &(a).resamples, "N", "of the bootstrap (1000)"},                                                     \
    {"csv", 0, CLI_FLAG, &(a).csv, NULL, "comma-separated values, 17 digits"},                                                      \
    {"json", 0, CLI_FLAG, &(a).json, NULL, "an array of objects"},                                                                  \
    {"write", 0, CLI_FLAG, &(a).write, NULL, "keep what was found in the file, as the group of the verb's name"},                   \
    {"output", 'o', CLI_TEXT, &(a).output, "FILE.h5", "keep it in a file of its own"}

/* Before cli_parse, which reorders argv. */
void cli_analysis_init(cli_analysis *a, const char *verb, int argc, char **argv);
/* Checks the options and reads `path` for `observable`.  0 or an exit status, told. */
int cli_analysis_open(cli_analysis *a, const char *path, const char *observable);
/* Prints `found` (what has the dimensions of its axes, and more dimensions only when nothing else has), writes it where it was asked for, and frees it.
 * Returns the exit status. */
int cli_analysis_finish(cli_analysis *a, qn_dataset *found);
void cli_analysis_free(cli_analysis *a);
void cli_analysis_say(void *ctx, const char *line);

#endif
