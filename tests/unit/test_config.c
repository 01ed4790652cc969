/* The sweep file as a tree with positions, and complaints with carets. */
#include "qtest.h"

#include <unistd.h>

#include "config.h"

static qn_node *parse(const char *text, qn_problems *c)
{
    qn_node *n;
    *c = (qn_problems){.file = "f.yaml", .source = text};
    if (qn_config_parse(text, c, &n))
        assert_null(n);
    return n;
}

static void printed(qn_problems *c, const char *want)
{
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    qn_problems_print(c, f);
    fclose(f);
    assert_string_equal(text, want);
    free(text);
}

static void place(const qn_node *n, const char *text, int line, int column)
{
    assert_non_null(n);
    if (text)
        assert_string_equal(n->text, text);
    assert_int_equal(n->line, line);
    assert_int_equal(n->column, column);
}

static void tree(void **state)
{
    (void)state;
    qn_problems c;
    qn_node *n = parse("# a comment\nmodel: ising\n\nsweep:\n  T: [0.1, \"0.2\"]   # listed\n  é: {from: 1,\n      to: 2}\nempty:\nnull: ~\n", &c);
    assert_int_equal(c.n, 0);
    assert_int_equal(n->kind, QN_NODE_MAPPING);
    assert_int_equal(n->n, 4);
    place(qn_node_get(n, "model"), "ising", 2, 8);
    const qn_node *sweep = qn_node_get(n, "sweep"), *list = qn_node_get(sweep, "T"), *range = qn_node_get(sweep, "é");
    assert_int_equal(list->kind, QN_NODE_SEQUENCE);
    place(list, NULL, 5, 7);
    place(list->items[1], "0.2", 5, 13);
    place(qn_node_get(range, "to"), "2", 7, 11);
    place(qn_node_get(n, "empty"), "", 8, 7); /* behind its key */
    assert_true(qn_node_is_null(qn_node_get(n, "empty")));
    assert_true(qn_node_is_null(qn_node_get(n, "null")));
    assert_false(qn_node_is_null(list));
    assert_null(qn_node_get(n, "none"));
    assert_null(qn_node_get(list, "T"));
    assert_null(qn_node_get(NULL, "T"));
    qn_node_free(n);
    qn_node_free(NULL);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a: [1, 2", "f.yaml:2:1: YAML: "},
        {"a: 1\na: 2\n", "f.yaml:2:1: YAML: duplicate key"},
        {"a: 1\n b: 2\n", "f.yaml:1:4: YAML: "},
        {"a:\n\t- 1\n", "f.yaml:2:"},
        {"- 1\n", "f.yaml:1:1: a sweep file is a mapping"},
        {"", "f.yaml:1:1: a sweep file is a mapping"},
        {"# nothing\n", "f.yaml:1:1: a sweep file is a mapping"},
        {"text", "f.yaml:1:1: a sweep file is a mapping"},
        {"a: 1\n---\nb: 2\n", "f.yaml: the file holds several"},
        {"? [a, b]\n: 1\n", "f.yaml:1:4: a key must be a plain name"},
        {"a: é\xff\n", "f.yaml:1:5: the byte 0xff is not UTF-8"},
        {"a: 1\nb: \xc0\xaf\n", "f.yaml:2:4: the byte 0xc0"},
        {"a: \xed\xa0\x80\n", "f.yaml:1:4: the byte 0xed"},
        {"a: \xe2\x82", "f.yaml:1:4: the byte 0xe2"},
        {"a: \xf4\x90\x80\x80", "f.yaml:1:4: the byte 0xf4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qn_problems c;
        assert_null(parse(cases[i].text, &c));
        char *text, line[100];
        size_t n;
        FILE *f = open_memstream(&text, &n);
        qn_problems_print(&c, f);
        fclose(f);
        snprintf(line, sizeof line, "quench: %s", cases[i].want);
        if (strncmp(text, line, strlen(line)))
            fail_msg("<%s>: \"%s\", want \"%s...\"", cases[i].text, text, line);
        free(text);
        qn_problems_free(&c);
    }
    char *deep = malloc(20001);
    memset(deep, '[', 20000);
    memcpy(deep, "a: ", 3);
    deep[20000] = 0;
    qn_problems c;
    assert_null(parse(deep, &c));
    assert_int_equal(c.item[0].line, 1);
    qn_problems_free(&c);
    free(deep);
}

/* Well-formed YAML that a sweep file has no use for: complained about in place, and the rest is still read. */
static void special(void **state)
{
    (void)state;
    static const char *const text[] = {"a: &x 1\n", "a: !!int 3\n", "b: 1\na: &x [1, 2]\n", "a: !t {b: 1}\n"};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        qn_problems c;
        qn_node *n = parse(text[i], &c);
        assert_non_null(n);
        assert_int_equal(c.n, 1);
        assert_int_equal(c.item[0].line, i == 2 ? 2 : 1);
        assert_non_null(strstr(c.item[0].text, "anchors, aliases and tags"));
        qn_problems_free(&c);
        qn_node_free(n);
    }
}

static const qn_node *first(void *ctx, const char *param)
{
    const qn_node *n = ctx;
    return strcmp(param, "a") ? NULL : n->items[0];
}

static void carets(void **state)
{
    (void)state;
    qn_problems c;
    qn_node *n = parse("a: 1\n\tb: [x, yyy]\n", &c); /* a tab is no indentation */
    assert_null(n);
    qn_problems_free(&c);
    n = parse("a: 1\nsection:\n  b: [é, yyy]\n", &c);
    const qn_node *list = qn_node_get(qn_node_get(n, "section"), "b");
    qn_problem_at(&c, list->items[1], "second %d", 2);
    qn_problem_at(&c, list->items[1], "second %d", 2); /* said once */
    qn_problem_at(&c, n->items[0], "first");
    qn_problem_at(&c, NULL, "about the whole");
    qn_node *set = qn_node_scalar("v");
    qn_problem_at(&c, set, "from the command line");
    qn_node_free(set);
    c.where = first;
    c.ctx = n;
    qn_complain(&c, "a", "is %s", "odd");
    qn_complain(&c, "z", "is nowhere");
    assert_int_equal(c.n, 6);
    printed(&c, "quench: --set: from the command line\n"
                "quench: f.yaml: about the whole\n"
                "quench: f.yaml: z: is nowhere\n"
                "quench: f.yaml:1:1: first\n     1 | a: 1\n       | ^\n"
                "quench: f.yaml:1:1: a: is odd\n     1 | a: 1\n       | ^\n"
                "quench: f.yaml:3:10: second 2\n     3 |   b: [é, yyy]\n       |          ^~~\n");
    qn_problems_free(&c);
    qn_node_free(n);
}

static void keys(void **state)
{
    (void)state;
    static const char *const known[] = {"steps", "bins"};
    qn_problems c;
    qn_node *n = parse("steps: 1\nbinz: 2\nqqqqqq: 3\n", &c);
    qn_node_check_keys(&c, n, "in sampling", 2, known);
    assert_int_equal(c.n, 2);
    assert_string_equal(c.item[0].text, "unknown key 'binz' in sampling; did you mean 'bins'?");
    assert_string_equal(c.item[1].text, "unknown key 'qqqqqq' in sampling; known are: steps, bins");
    qn_problems_free(&c);
    qn_node_free(n);
}

static void files(void **state)
{
    (void)state;
    char path[] = "/tmp/quench-config-XXXXXX", *text;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char *large = malloc(100000);
    memset(large, 'x', 100000);
    assert_int_equal(write(fd, large, 100000), 100000);
    assert_int_equal(qn_read_text(path, &text), 0);
    assert_int_equal(strlen(text), 100000);
    free(text);
    assert_int_equal(write(fd, "a\0b", 3), 3);
    assert_int_equal(qn_read_text(path, &text), QN_ERR_INPUT);
    assert_non_null(strstr(qn_error_text(), "NUL"));
    assert_null(text);
    close(fd);
    unlink(path);
    free(large);
    assert_int_equal(qn_read_text(path, &text), QN_ERR_INPUT);
    assert_non_null(strstr(qn_error_text(), path));
    assert_int_equal(qn_read_text("/", &text), QN_ERR_INPUT); /* a folder */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tree),   cmocka_unit_test(refused), cmocka_unit_test(special),
                                       cmocka_unit_test(carets), cmocka_unit_test(keys),    cmocka_unit_test(files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
