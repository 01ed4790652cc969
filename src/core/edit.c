/* edit.c -- see edit.h. */
#include "edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static void drop_pair(qn_node *map, const char *key)
{
    for (size_t i = 0; map && map->kind == QN_NODE_MAPPING && i < map->n; i++)
        if (!strcmp(map->items[2 * i]->text, key)) {
            qn_node_free(map->items[2 * i]);
            qn_node_free(map->items[2 * i + 1]);
            memmove(&map->items[2 * i], &map->items[2 * i + 2], 2 * (map->n - i - 1) * sizeof *map->items);
            map->n--;
            return;
        }
}

/* Puts key: value into the mapping (takes `value`), in the old place when the key is there; the key then stands in no file either. */
static int put_pair(qn_node *map, const char *key, qn_node *value)
{
    size_t i = 0;
    while (i < map->n && strcmp(map->items[2 * i]->text, key))
        i++;
    qn_node **items = i < map->n ? map->items : realloc(map->items, 2 * (map->n + 1) * sizeof *items);
    if (items)
        map->items = items;
    qn_node *name = qn_node_scalar(key);
    if (!items || !name) {
        qn_node_free(name);
        qn_node_free(value);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    if (i < map->n) {
        qn_node_free(items[2 * i]);
        qn_node_free(items[2 * i + 1]);
    } else {
        map->n++;
    }
    items[2 * i] = name;
    items[2 * i + 1] = value;
    return 0;
}

/* The mapping `key` of the root, made when absent or empty. */
static int section(qn_node *root, const char *key, qn_node **out)
{
    *out = (qn_node *)(uintptr_t)qn_node_get(root, key);
    if (*out && !qn_node_is_null(*out))
        return 0;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    (*out)->kind = QN_NODE_MAPPING;
    return put_pair(root, key, *out);
}

static void forget_place(qn_node *n)
{
    n->line = QN_LINE_SET;
    n->column = 0;
    for (size_t i = 0; i < n->n * (n->kind == QN_NODE_MAPPING ? 2 : 1); i++)
        forget_place(n->items[i]);
}

/* A list or a range is read as YAML, so that an axis can be given too; anything else is taken as it stands. */
static qn_node *set_value(const char *text)
{
    if (text[0] != '[' && text[0] != '{')
        return qn_node_scalar(text);
    char *yaml = qn_format("x: %s\n", text);
    qn_problems quiet = {.file = "--set"};
    qn_node *root = NULL, *value = NULL;
    if (yaml && !qn_config_parse(yaml, &quiet, &root) && root->n == 1) {
        value = root->items[1];
        root->items[1] = NULL;
        forget_place(value);
    }
    qn_problems_free(&quiet);
    qn_node_free(root);
    free(yaml);
    return value;
}

int qn_edit(qn_node *tree, const qn_schema *schema, const char *set, qn_problems *c)
{
    const char *eq = strchr(set, '=');
    char name[128];
    if (!eq || eq == set || (size_t)(eq - set) >= sizeof name || strchr(set, '\n')) {
        qn_problem_at(c, NULL, "--set %s: NAME=VALUE in one line is expected", set);
        return 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)(eq - set), set);
    int k = qn_schema_index(schema, name), err;
    bool top = k < 0 && (!strcmp(name, "seed") || !strcmp(name, "replicas") || !strcmp(name, "title") || !strcmp(name, "output"));
    qn_node *value = top ? qn_node_scalar(eq + 1) : set_value(eq + 1), *in;
    if (!value) {
        qn_problem_at(c, NULL, "--set %s: the value is not valid YAML", set);
        return 0;
    }
    bool list = value->kind == QN_NODE_SEQUENCE && value->n && value->items[0]->kind != QN_NODE_SEQUENCE; /* one value of a list parameter */
    bool axis = k >= 0 && value->kind != QN_NODE_SCALAR && (schema->item[k].type != QN_LIST || !list);
    static const char *const sections[] = {"sampling", "continuation", "tempering"};
    const char *key = name, *of = NULL;
    if (top)
        return put_pair(tree, name, value);
    for (size_t i = 0; k < 0 && i < sizeof sections / sizeof *sections; i++) {
        size_t n = strlen(sections[i]);
        if (strncmp(name, sections[i], n) || name[n] != '.')
            continue;
        of = sections[i];
        key = name + n + 1;
    }
    if (of) {
        err = section(tree, of, &in);
    } else { /* an unknown name is put among the parameters and complained about there */
        err = section(tree, axis ? "sweep" : "parameters", &in);
        drop_pair((qn_node *)(uintptr_t)qn_node_get(tree, axis ? "parameters" : "sweep"), name);
    }
    if (err || in->kind != QN_NODE_MAPPING) { /* what stands there instead is complained about when it is read */
        qn_node_free(value);
        return err;
    }
    return put_pair(in, key, value);
}
