/* collapse.c -- `quench collapse`: finite-size scaling with free exponents, and its figure. */
#include "collapse.h"

#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "plot.h"
#include "text.h"

/* The scaled data of all sizes over one another. */
static int draw(const qn_dataset *found, const char *path, const char *observable, const char *along)
{
    qn_figure f;
    qn_plot_style style = {0};
    const qn_var *v = NULL;
    for (size_t i = 0; i < found->n_vars && !v; i++) {
        const char *kind = qn_attr_text(found, found->vars[i], "kind");
        v = kind && !strcmp(kind, "scaled") ? found->vars[i] : NULL;
    }
    char *x = qn_format("%s_scaled", along);
    qn_figure_request q = {.data = found, .path = path, .observable = v ? v->name : observable, .x = x, .lines = true, .say = cli_analysis_say};
    int err = x ? qn_figure_build(&q, &f) : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err)
        err = qn_plot_write(&f, path, &style);
    qn_figure_free(&f);
    free(x);
    if (!err)
        cli_say("the collapse in %s", path);
    return err;
}

int cli_collapse(int argc, char **argv)
{
    cli_analysis a;
    const char *figure = NULL;
    qn_collapse_request q = {.say = cli_analysis_say};
    cli_analysis_init(&a, "collapse", argc, argv);
    const cli_option options[] = {
        {"size", 0, CLI_TEXT, &q.size, "SIZEAXIS", "the axis of sizes (L or N)"},
        {"exponents", 0, CLI_TEXT, &q.exponents, "LIST", "beta/nu (default), gamma/nu or none (of ratios), and starts: T_c=2.3,1/nu=1,beta/nu=0.1"},
        {"fix", 0, CLI_TEXT, &q.fix, "NAME=X,...", "hold T_c (of axis T), 1/nu, beta/nu or gamma/nu at a value"},
        {"figure", 0, CLI_TEXT, &figure, "FIG.png", "draw the collapsed curves: .png, .svg or .pdf"},
        CLI_ANALYSIS_OPTIONS(a),
        {0},
    };
    int n = cli_parse("collapse", "OUT.h5 OBSERVABLE [--along AXIS] [--size SIZEAXIS] [options]",
                      "Finite-size scaling: y = L^e F((x - x_c) L^(1/nu)) with free x_c, 1/nu and e (-beta/nu or gamma/nu), for every value of the\n"
                      "other axes.  The quality is the mean squared distance of a point from the curve of the other sizes in units of its error:\n"
                      "about 1 for a collapse.  Take points near x_c (--where), errors by bootstrap as in `quench fit`.",
                      options, argc, argv, 2, 2);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : CLI_DONE;
    if (n > 0 && figure && qn_plot_check(figure))
        status = cli_fail_input();
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
        int err = qn_collapse_make(&q, &found);
        if (!err && figure && (err = draw(found, figure, argv[1], a.along ? a.along : "T")))
            qn_dataset_free(found);
        status = err ? cli_fail(err) : cli_analysis_finish(&a, found);
    }
    cli_analysis_free(&a);
    return status;
}
