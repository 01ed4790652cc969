/* args.c -- options out of a table, and their help text. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "text.h"

static const char *takes(const cli_option *o)
{
    return o->kind == CLI_FLAG ? NULL : o->value ? o->value : "VALUE";
}

static void print_help(const char *verb, const char *usage, const char *summary, const cli_option *options)
{
    printf("usage: quench %s %s\n\n%s\n\n", verb, usage, summary);
    for (const cli_option *o = options; o->name; o++) {
        char left[64], letter[8] = "";
        if (o->letter)
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, takes(o) ? " " : "", takes(o) ? takes(o) : "");
        printf("  %-26s %s\n", left, o->meaning);
    }
    printf("  %-26s %s\n", "--help", "this text");
}

/* "90", "1.5h": seconds. */
static bool parse_seconds(const char *text, double *out)
{
    static const struct {
        char unit;
        double s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char number[64];
    size_t n = strlen(text);
    double scale = 1;
    if (n == 0 || n >= sizeof number)
        return false;
    memcpy(number, text, n + 1);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (number[n - 1] == units[i].unit) {
            scale = units[i].s;
            number[n - 1] = 0;
            break;
        }
    if (qn_parse_real(number, out) || !(*out > 0))
        return false;
    *out *= scale;
    return true;
}

static int take_value(const char *verb, const cli_option *o, const char *value)
{
    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)o->to = true;
        return 0;
    case CLI_TEXT:
        *(const char **)o->to = value;
        return 0;
    case CLI_TEXTS: {
        cli_texts *t = o->to;
        const char **more = realloc(t->item, (t->n + 1) * sizeof *more);
        if (!more) {
            cli_say("out of memory");
            return -1;
        }
        t->item = more;
        t->item[t->n++] = value;
        return 0;
    }
    case CLI_COUNT: {
        int64_t x;
        if (qn_parse_int(value, &x) || x < 1) {
            cli_say("%s: --%s takes a whole number of at least 1, not '%s'", verb, o->name, value);
            return -1;
        }
        *(int64_t *)o->to = x;
        return 0;
    }
    case CLI_SECONDS:
        if (parse_seconds(value, o->to))
            return 0;
        cli_say("%s: --%s takes a time such as 90, 5m, 2h or 1d, not '%s'", verb, o->name, value);
        return -1;
    }
    return -1;
}

static const cli_option *find_long(const char *verb, const cli_option *options, const char *name, size_t n)
{
    const char *known[64];
    size_t count = 0;
    for (const cli_option *o = options; o->name; o++) {
        if (strlen(o->name) == n && !strncmp(o->name, name, n))
            return o;
        if (count < 64)
            known[count++] = o->name;
    }
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)n, name);
    const char *near = qn_nearest(word, count, known);
    if (near)
        cli_say("%s has no option --%s; did you mean --%s?", verb, word, near);
    else
        cli_say("%s has no option --%s; `quench %s --help` lists them", verb, word, verb);
    return NULL;
}

int cli_parse(const char *verb, const char *usage, const char *summary, const cli_option *options, int argc, char **argv, int least, int most)
{
    int kept = 0;
    bool over = false;
    for (int i = 0; i < argc; i++) {
        char *a = argv[i];
        const char *value = NULL;
        const cli_option *o = NULL;
        if (over || a[0] != '-' || !a[1]) {
            argv[kept++] = a;
            continue;
        }
        if (!strcmp(a, "--")) {
            over = true;
            continue;
        }
        if (!strcmp(a, "--help") || !strcmp(a, "-h")) {
            print_help(verb, usage, summary, options);
            return -2;
        }
        if (a[1] == '-') {
            const char *eq = strchr(a, '=');
            o = find_long(verb, options, a + 2, eq ? (size_t)(eq - a - 2) : strlen(a + 2));
            if (!o)
                return -1;
            value = eq ? eq + 1 : NULL;
        } else {
            for (o = options; o->name && o->letter != a[1]; o++)
                ;
            if (!o->name) {
                cli_say("%s has no option -%c; `quench %s --help` lists them", verb, a[1], verb);
                return -1;
            }
            value = a[2] ? a + 2 : NULL;
        }
        if (o->kind == CLI_FLAG && value) {
            cli_say("%s: --%s takes no value", verb, o->name);
            return -1;
        }
        if (o->kind != CLI_FLAG && !value) {
            if (i + 1 == argc) {
                cli_say("%s: --%s needs %s", verb, o->name, takes(o));
                return -1;
            }
            value = argv[++i];
        }
        if (take_value(verb, o, value))
            return -1;
    }
    if (kept < least || (most >= 0 && kept > most)) {
        cli_say("usage: quench %s %s", verb, usage);
        return -1;
    }
    return kept;
}

void cli_texts_free(cli_texts *t)
{
    free(t->item);
    *t = (cli_texts){0};
}
