/* cli.h -- what the verbs share: options out of a table, messages and exit statuses, sweeps and results by path.
 * Only this folder prints or exits.  Results go to standard output, everything else to standard error. */
#ifndef CLI_H
#define CLI_H

#include "identity.h"
#include "sweep.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_INPUT = 2, CLI_STOPPED = 75 };

/* ---- options -------------------------------------------------------------------------------------------------- */

typedef struct cli_texts { /* an option that may be given several times */
    size_t n;
    const char **item;
} cli_texts;

typedef enum { CLI_FLAG = 1, CLI_TEXT, CLI_TEXTS, CLI_COUNT, CLI_SECONDS } cli_kind;
typedef struct cli_option {
    const char *name;    /* without the dashes; NULL ends the table */
    char letter;         /* short form, or 0 */
    cli_kind kind;
    void *to;            /* bool, const char *, cli_texts, int64_t (at least 1), double (seconds; 90, 5m, 2h, 1d) */
    const char *value;   /* what stands for the value in the help text */
    const char *meaning;
} cli_option;

/* Options stand anywhere, `--` ends them; the rest is left in argv[0..return value).  -1: the user's mistake (told), -2: --help
 * (printed).  `usage`: "SWEEP.yaml [options]". */
int cli_parse(const char *verb, const char *usage, const char *summary, const cli_option *options, int argc, char **argv, int least, int most);
void cli_texts_free(cli_texts *t);
/* Exit status for what cli_parse returned. */
#define CLI_PARSE_STATUS(n) ((n) == -2 ? CLI_DONE : CLI_INPUT)

/* ---- messages ------------------------------------------------------------------------------------------------- */

/* "quench: ..." on standard error. */
void cli_say(const char *format, ...) QN_PRINTF(1, 2);
/* Prints the sentence of a failed call and returns the exit status that belongs to its error. */
int cli_fail(int err);
/* The same where what failed is a file that the user named: always the user's input. */
int cli_fail_input(void);
int cli_status_of(int err); /* the exit status alone */
bool cli_colour(int fd); /* a terminal, and NO_COLOR is not set */

/* ---- models, sweeps, results ---------------------------------------------------------------------------------- */

/* Loads plug-ins once; 0 or an exit status (told). */
int cli_plugins(const cli_texts *paths);
const qn_model *cli_model(const char *name); /* built in or loaded; NULL */
size_t cli_models(const qn_model *const **out);

/* A sweep file by path, with --set edits; mistakes and warnings are printed.  0 or an exit status; then nothing is to be freed. */
int cli_sweep_load(const char *path, const cli_texts *sets, qn_sweep *out);
/* A sweep out of text that is in no file. `name` is for messages. */
int cli_sweep_text(const char *name, const char *text, const cli_texts *sets, qn_sweep *out);
/* The sweep kept in a result file, or in its parts while it is not merged yet. */
int cli_sweep_of_result(const char *output, qn_sweep *out);

/* Largest memory of a task and of prepared data over the points, by the model's own account. */
int cli_sweep_memory(const qn_sweep *s, double *task, double *shared);

/* A finished file without its samples (with them when `samples`), checkpoints and environment; FILE.h5:/GROUP is what an analysis has written into
 * it.  0, or the exit status after a message, which for a run that is not merged yet says where it stands. */
int cli_result_read(const char *path, bool samples, qn_dataset **out);
/* The same with those samples only; `names` NULL-terminated, NULL: none. */
int cli_result_read_some(const char *path, char *const *names, qn_dataset **out);
/* The file of FILE.h5:/GROUP, allocated, and the group in it (NULL: the whole). */
char *cli_split_group(const char *text, const char **group);
/* "quench VERB ..." as it was given, for provenance; allocated, NULL without memory. */
char *cli_command(const char *verb, int argc, char **argv);

/* ---- verbs ---------------------------------------------------------------------------------------------------- */

typedef struct cli_verb {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* without the verb itself; returns the exit status */
} cli_verb;

int cli_check(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_show(int argc, char **argv);
int cli_models_verb(int argc, char **argv);
int cli_theory(int argc, char **argv);
int cli_plot(int argc, char **argv);
int cli_submit(int argc, char **argv);
int cli_merge(int argc, char **argv);
int cli_diff(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_ladder(int argc, char **argv);
int cli_trace(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_reweight(int argc, char **argv);
int cli_fit(int argc, char **argv);
int cli_boundary(int argc, char **argv);
int cli_collapse(int argc, char **argv);

#endif
