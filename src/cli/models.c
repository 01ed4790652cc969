/* models.c -- `quench models`: the models, and one model's parameters, observables and theory, all out of its tables. */
#include <string.h>

#include "cli.h"
#include "params.h"

static void print_parameter(const qn_param *p)
{
    static const char *const type[] = {"", "int", "real", "bool", "choice", "path", "text", "list"};
    char numbers[128] = "";
    const char *range = p->type == QN_CHOICE ? p->choices : numbers;
    if ((p->type == QN_INT || p->type == QN_REAL || p->type == QN_LIST) && (p->min != 0 || p->max != 0))
        qn_param_range(p, numbers);
    printf("  %-22s %-7s %-12s %s%s%s%s%s%s%s\n", p->name, type[p->type], p->def ? p->def : p->flags & QN_REQUIRED ? "(required)" : "unset", p->meaning,
           p->unit && strcmp(p->unit, "1") ? ", in " : "", p->unit && strcmp(p->unit, "1") ? p->unit : "", *range ? " [" : "", range, *range ? "]" : "",
           p->flags & QN_RETUNE ? "; can be chained" : "");
}

static void print_observable(const qn_observable *o)
{
    static const char *const kind[] = {"", "series", "curve", "outcome", "artifact"};
    char dims[96] = "";
    for (size_t d = 0; d < QN_MAX_DIMS && o->dims[d]; d++)
        snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s%s", d ? ", " : " over ", o->dims[d]);
    printf("  %-22s %-8s %s%s%s%s\n", o->name, o->flags & QN_POSITION ? "position" : kind[o->kind], o->meaning, dims, o->unit && strcmp(o->unit, "1") ? ", in " : "",
           o->unit && strcmp(o->unit, "1") ? o->unit : "");
}

static void print_model(const qn_model *m)
{
    printf("%s: %s\n", m->name, m->summary);
    if (m->reference)
        printf("%s\n", m->reference);
    puts("\nparameters (name, type, default, meaning)");
    for (const qn_param *p = m->parameters; p->name; p++)
        print_parameter(p);
    if (m->retune)
        printf("continuation%s along what can be chained\n", m->log_weight ? " and tempering run" : " runs");
    puts("\nobservables");
    for (const qn_observable *o = m->observables; o && o->name; o++)
        print_observable(o);
    if (m->derived)
        puts("\nderived");
    for (const qn_derived *d = m->derived; d && d->name; d++)
        printf("  %-22s %s = %s\n", d->name, d->meaning, d->expression);
    if (m->theory)
        puts("\ntheory");
    for (const qn_quantity *q = m->theory; q && q->name; q++)
        printf("  %-22s %s%s%s%s\n", q->name, q->meaning, q->locates ? " (a boundary in " : "", q->locates ? q->locates : "", q->locates ? ")" : "");
}

int cli_models_verb(int argc, char **argv)
{
    cli_texts plugins = {0};
    const cli_option options[] = {{"plugin", 0, CLI_TEXTS, &plugins, "FILE.so", "load a model"}, {0}};
    int n = cli_parse("models", "[NAME] [options]", "Lists the models; with NAME that model's parameters, observables and theory.", options, argc, argv, 0, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : cli_plugins(&plugins);
    if (n == 0 && !status) {
        const qn_model *const *m;
        size_t count = cli_models(&m);
        for (size_t i = 0; i < count; i++)
            printf("%-12s %s\n", m[i]->name, m[i]->summary);
    } else if (n == 1 && !status) {
        const qn_model *m = cli_model(argv[0]);
        if (m)
            print_model(m);
        else
            cli_say("there is no model '%s'; `quench models` lists them, --plugin loads one", argv[0]);
        status = m ? CLI_DONE : CLI_INPUT;
    }
    cli_texts_free(&plugins);
    return status;
}
