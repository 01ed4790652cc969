/* plot.c -- `quench plot`: a figure of a result, as a file or in the terminal. */
#include "plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "dataset.h"
#include "regrid.h"
#include "select.h"
#include "terminal.h"
#include "text.h"

typedef struct wishes {
    const char *output, *table, *size;
    bool terminal, keep;
} wishes;

static void say(void *ctx, const char *line)
{
    (void)ctx;
    cli_say("%s", line);
}

static const char *const skip[] = {"samples", "checkpoints", "environment", NULL};

/* FILE_OBSERVABLE.png in the working directory. */
static char *default_output(const char *path, const char *observable)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    size_t n = strlen(base);
    if (n > 3 && !strcmp(base + n - 3, ".h5"))
        n -= 3;
    return qn_format("%.*s_%s.png", (int)n, base, observable);
}

/* Says which other observables there are when none was named. */
static void say_default(const qn_dataset *d, const char *chosen)
{
    qn_buffer others = {0};
    for (size_t i = 0; i < d->n_vars; i++)
        if (qn_is_observable(d, d->vars[i]) && strcmp(d->vars[i]->name, chosen))
            qn_buffer_add(&others, "%s%s", others.n ? ", " : "", d->vars[i]->name);
    if (others.n)
        cli_say("drawing %s; there are also: %s", chosen, others.text);
    qn_buffer_free(&others);
}

static int draw_here(const qn_figure *f)
{
    struct winsize w;
    qn_terminal t = {.columns = 80, .rows = 24, .colour = cli_colour(STDOUT_FILENO)};
    const char *columns = getenv("COLUMNS"), *kind = getenv("TERM"), *depth = getenv("COLORTERM");
    int64_t n;
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col && w.ws_row) {
        t.columns = w.ws_col;
        t.rows = w.ws_row;
    } else if (columns && !qn_parse_int(columns, &n) && n > 0 && n < 1000) {
        t.columns = (size_t)n;
    }
    if (kind && !strcmp(kind, "dumb"))
        t.colour = false;
    t.true_colour = depth && (!strcmp(depth, "truecolor") || !strcmp(depth, "24bit"));
    t.unicode = qn_terminal_unicode();
    int err = qn_terminal_draw(f, &t, stdout);
    return err ? cli_fail(err) : CLI_DONE;
}

static int draw(const qn_figure_request *q, const wishes *w, const char *output)
{
    qn_figure f;
    int err = qn_figure_build(q, &f), status = CLI_DONE;
    if (err) {
        status = cli_fail(err);
    } else {
        if (w->table && (err = qn_figure_table(&f, w->table)))
            status = cli_fail(err);
        if (!status && w->terminal)
            status = draw_here(&f);
        if (!status && output) {
            qn_plot_style style = {.page = w->size && !strcmp(w->size, "page"), .keep = w->keep};
            err = qn_plot_write(&f, output, &style);
            status = err ? cli_fail(err) : CLI_DONE;
            if (!err)
                cli_say("%s in %s", q->observable, output);
        }
    }
    qn_figure_free(&f);
    return status;
}

/* FILE.h5, or FILE.h5:NAME,NAME: a colon separates the names, unless the whole is a file.  Data and path are the caller's to free. */
static int read_overlay(const char *text, qn_figure_overlay *out)
{
    if (access(text, F_OK) && strstr(text, ":/")) { /* FILE.h5:/GROUP */
        qn_dataset *group = NULL;
        int status = cli_result_read(text, false, &group);
        *out = (qn_figure_overlay){.path = strdup(text), .data = group};
        return status;
    }
    const char *colon = access(text, F_OK) ? strrchr(text, ':') : NULL;
    char *path = qn_format("%.*s", (int)(colon ? colon - text : (ptrdiff_t)strlen(text)), text);
    qn_dataset *d = NULL;
    *out = (qn_figure_overlay){.path = path, .only = colon ? colon + 1 : NULL};
    if (colon && !colon[1]) {
        cli_say("plot: --overlay %s: names of what is drawn stand after the colon, as in %sm,load_spinodal", text, text);
        return CLI_INPUT;
    }
    int err = path ? qn_dataset_read(path, skip, &d) : qn_fail(QN_ERR_NOMEM, "out of memory");
    out->data = d;
    return err ? cli_fail_input() : CLI_DONE;
}

static int plot(qn_figure_request *q, const wishes *w, const cli_texts *overlays)
{
    qn_dataset *d = NULL;
    qn_figure_overlay *over = calloc(overlays->n + 1, sizeof *over);
    int status = over ? cli_result_read(q->path, false, &d) : cli_fail(qn_fail(QN_ERR_NOMEM, "out of memory"));
    for (size_t i = 0; i < overlays->n && !status; i++)
        status = read_overlay(overlays->item[i], &over[i]);
    char *output = NULL;
    bool list = false;
    if (!status && qn_regrid(&d, &list))
        status = cli_fail_input();
    if (!status) {
        q->lines |= list && !q->y; /* a map of it would be mostly gaps */
        q->data = d;
        q->overlay = over;
        q->n_overlays = overlays->n;
        if (!q->observable && (q->observable = qn_figure_default(d)))
            say_default(d, q->observable);
        if (w->output)
            output = strdup(w->output);
        else if (!w->terminal && q->observable)
            output = default_output(q->path, q->observable);
        status = draw(q, w, output);
    }
    free(output);
    for (size_t i = 0; over && i < overlays->n; i++) {
        free((char *)over[i].path); /* both from read_overlay */
        qn_dataset_free((qn_dataset *)over[i].data);
    }
    free(over);
    qn_dataset_free(d);
    return status;
}

static int check_wishes(const qn_figure_request *q, const wishes *w)
{
    size_t n = w->table ? strlen(w->table) : 0;
    if (w->output && qn_plot_check(w->output))
        return cli_fail_input();
    if (w->size && strcmp(w->size, "column") && strcmp(w->size, "page")) {
        cli_say("plot: --size is column (85 mm) or page (170 mm), not '%s'", w->size);
        return CLI_INPUT;
    }
    if (n > 3 && !strcmp(w->table + n - 3, ".h5")) {
        cli_say("plot: --data %s would write a table over a result file; give it another name, such as %.*s.csv", w->table, (int)(n - 3), w->table);
        return CLI_INPUT;
    }
    if (w->keep && w->terminal && !w->output) {
        cli_say("plot: --keep keeps the script of a figure; give the figure with -o");
        return CLI_INPUT;
    }
    if (q->lines && q->y) {
        cli_say("plot: --lines and --y exclude each other: the vertical axis of lines is the observable");
        return CLI_INPUT;
    }
    return CLI_DONE;
}

int cli_plot(int argc, char **argv)
{
    wishes w = {0};
    qn_figure_request q = {.say = say};
    cli_texts overlays = {0}, where = {0};
    const cli_option options[] = {
        {"overlay", 0, CLI_TEXTS, &overlays, "FILE.h5[:NAMES]", "theory or another result over it, or only what is named of it; may be given several times"},
        {"output", 'o', CLI_TEXT, &w.output, "FIG.png", "the figure: .png, .svg or .pdf (default: FILE_OBSERVABLE.png)"},
        {"terminal", 0, CLI_FLAG, &w.terminal, NULL, "draw in the terminal; with -o both"},
        {"where", 0, CLI_TEXTS, &where, "NAME=VALUE", "only these points; also NAME=V1,V2 and NAME=LOW:HIGH"},
        {"x", 0, CLI_TEXT, &q.x, "NAME", "the horizontal axis"},
        {"y", 0, CLI_TEXT, &q.y, "NAME", "the vertical axis of a map"},
        {"lines", 0, CLI_FLAG, &q.lines, NULL, "lines instead of a map: one for each value of the slower axis"},
        {"log", 0, CLI_FLAG, &q.log, NULL, "the observable on a logarithmic scale"},
        {"size", 0, CLI_TEXT, &w.size, "column|page", "85 mm (default) or 170 mm wide"},
        {"title", 0, CLI_TEXT, &q.title, "TEXT", "a line above the figure"},
        {"keep", 0, CLI_FLAG, &w.keep, NULL, "also FIG.gp, which holds the data and makes the figure again, and FIG.csv"},
        {"data", 0, CLI_TEXT, &w.table, "FILE.csv", "also the numbers of the figure; - for standard output"},
        {0},
    };
    int n = cli_parse("plot", "FILE.h5 [OBSERVABLE] [options]",
                      "A figure of a result: a map over two axes, points with error bars over one, curves over their own axis.\n"
                      "Bars are one standard error (the 95 % Wilson interval of 0/1 outcomes); points that are not equilibrated are\n"
                      "hatched or open.",
                      options, argc, argv, 1, 2);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : check_wishes(&q, &w);
    if (n > 0 && !status) {
        q.path = argv[0];
        q.observable = n > 1 ? argv[1] : NULL;
        q.where = where.item;
        q.n_where = where.n;
        status = plot(&q, &w, &overlays);
    }
    cli_texts_free(&overlays);
    cli_texts_free(&where);
    return status;
}
