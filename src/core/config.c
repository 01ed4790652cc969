/* config.c -- libfyaml to a plain tree with positions; complaints with carets. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

#include "text.h"

#define LARGEST_TEXT (64u << 20)

int qn_read_text(const char *path, char **out)
{
    *out = NULL;
    FILE *f = fopen(path, "rb");
    if (!f)
        return qn_fail(QN_ERR_INPUT, "%s: %s", path, strerror(errno));
    size_t n = 0, room = 1 << 14;
    char *text = malloc(room);
    while (text) {
        size_t got = fread(text + n, 1, room - n - 1, f);
        n += got;
        if (!got || n >= LARGEST_TEXT)
            break;
        if (room - n - 1 == 0) {
            char *more = realloc(text, room *= 2);
            if (!more)
                free(text);
            text = more;
        }
    }
    int bad = ferror(f), why = errno;
    fclose(f);
    if (!text)
        return qn_fail(QN_ERR_NOMEM, "%s: out of memory", path);
    text[n] = 0;
    if (bad || n >= LARGEST_TEXT || memchr(text, 0, n)) {
        free(text);
        return qn_fail(QN_ERR_INPUT, "%s: %s", path, bad ? strerror(why) : n >= LARGEST_TEXT ? "larger than 64 MiB" : "holds a NUL byte, so it is not text");
    }
    *out = text;
    return 0;
}

void qn_node_free(qn_node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n * (n->kind == QN_NODE_MAPPING ? 2 : 1); i++)
        qn_node_free(n->items[i]);
    free(n->items);
    free(n->text);
    free(n);
}

qn_node *qn_node_scalar(const char *text)
{
    qn_node *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->line = QN_LINE_SET;
    n->text = strdup(text);
    if (n->text)
        return n;
    free(n);
    return NULL;
}

const qn_node *qn_node_get(const qn_node *mapping, const char *key)
{
    for (size_t i = 0; mapping && mapping->kind == QN_NODE_MAPPING && i < mapping->n; i++)
        if (!strcmp(mapping->items[2 * i]->text, key))
            return mapping->items[2 * i + 1];
    return NULL;
}

bool qn_node_is_null(const qn_node *n)
{
    return n->kind == QN_NODE_SCALAR && (!*n->text || !strcmp(n->text, "~") || !strcmp(n->text, "null"));
}

static void add_problem(qn_problems *c, int line, int column, int width, char *text)
{
    for (size_t i = 0; text && i < c->n; i++)
        if (c->item[i].line == line && c->item[i].column == column && !strcmp(c->item[i].text, text)) {
            free(text);
            return;
        }
    if (text && c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 8;
        qn_problem *item = realloc(c->item, room * sizeof *item);
        if (item) {
            c->item = item;
            c->room = room;
        }
    }
    if (!text || c->n == c->room) {
        free(text);
        return;
    }
    c->item[c->n++] = (qn_problem){.line = line, .column = column, .width = width, .text = text};
}

void qn_problem_at(qn_problems *c, const qn_node *at, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_problem(c, at ? at->line : 0, at ? at->column : 0, at ? at->width : 0, strdup(text));
}

void qn_complain(qn_problems *c, const char *param, const char *format, ...)
{
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const qn_node *at = c->where ? c->where(c->ctx, param) : NULL;
    qn_problem_at(c, at, "%s: %s", param, text);
}

/* Kept once a format and place: along an axis the text would differ at every point by its numbers. */
void qn_warn(qn_problems *c, const char *param, const char *format, ...)
{
    const qn_node *at = c->where ? c->where(c->ctx, param) : NULL;
    qn_problem w = {.line = at ? at->line : 0, .column = at ? at->column : 0, .width = at ? at->width : 0, .format = format, .times = 1};
    for (size_t i = 0; i < c->n_warnings; i++)
        if (c->warning[i].format == format && c->warning[i].line == w.line && c->warning[i].column == w.column) {
            c->warning[i].times++;
            return;
        }
    if (c->n_warnings == c->warning_room) {
        size_t room = c->warning_room ? 2 * c->warning_room : 8;
        qn_problem *more = realloc(c->warning, room * sizeof *more);
        if (!more)
            return;
        c->warning = more;
        c->warning_room = room;
    }
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    w.text = qn_format("%s: %s", param, text);
    if (w.text)
        c->warning[c->n_warnings++] = w;
}

static int by_position(const void *a, const void *b)
{
    const qn_problem *x = a, *y = b;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line) : (x->column > y->column) - (x->column < y->column);
}

/* `quench: FILE:LINE:COLUMN: text`, the line and a caret under it. */
static void print_problem(const qn_problems *c, const qn_problem *p, FILE *out)
{
    const char *kind = p->format ? "warning: " : "";
    if (p->line == QN_LINE_SET)
        fprintf(out, "quench: --set: %s%s", kind, p->text);
    else if (!p->line || !c->source)
        fprintf(out, "quench: %s: %s%s", c->file, kind, p->text);
    else
        fprintf(out, "quench: %s:%d:%d: %s%s", c->file, p->line, p->column, kind, p->text);
    if (p->times > 1)
        fprintf(out, " (here; at %zu points in all)", p->times);
    fputc('\n', out);
    if (p->line <= 0)
        return;
    const char *start = c->source;
    for (int l = 1; l < p->line && start; l++)
        start = (start = strchr(start, '\n')) ? start + 1 : NULL;
    if (!start)
        return;
    int n = (int)strcspn(start, "\r\n");
    fprintf(out, "%6d | %.*s\n       | ", p->line, n, start);
    for (int k = 1; k < p->column; k++)
        fputc(k <= n && start[k - 1] == '\t' ? '\t' : ' ', out);
    fputc('^', out);
    for (int k = 1; k < p->width && p->column + k <= n; k++)
        fputc('~', out);
    fputc('\n', out);
}

static void print_all(const qn_problems *c, size_t n, qn_problem *item, FILE *out)
{
    if (n)
        qsort(item, n, sizeof *item, by_position);
    for (size_t i = 0; i < n; i++)
        print_problem(c, &item[i], out);
}

void qn_problems_print(qn_problems *c, FILE *out)
{
    print_all(c, c->n, c->item, out);
}

void qn_warnings_print(qn_problems *c, FILE *out)
{
    print_all(c, c->n_warnings, c->warning, out);
}

void qn_problems_free(qn_problems *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->item[i].text);
    for (size_t i = 0; i < c->n_warnings; i++)
        free(c->warning[i].text);
    free(c->item);
    free(c->warning);
    c->item = c->warning = NULL;
    c->n = c->room = c->n_warnings = c->warning_room = 0;
}

static void unknown_key(qn_problems *c, const qn_node *key, const char *in, size_t n, const char *const *known)
{
    const char *near = qn_nearest(key->text, n, known);
    qn_buffer all = {0};
    for (size_t i = 0; i < n; i++)
        qn_buffer_add(&all, "%s%s", i ? ", " : "", known[i]);
    if (near)
        qn_problem_at(c, key, "unknown key '%s' %s; did you mean '%s'?", key->text, in, near);
    else
        qn_problem_at(c, key, "unknown key '%s' %s; known are: %s", key->text, in, all.text ? all.text : "none");
    qn_buffer_free(&all);
}

void qn_node_check_keys(qn_problems *c, const qn_node *map, const char *in, size_t n, const char *const *known)
{
    for (size_t i = 0; i < map->n; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found |= !strcmp(known[k], map->items[2 * i]->text);
        if (!found)
            unknown_key(c, map->items[2 * i], in, n, known);
    }
}

/* ---- from libfyaml -------------------------------------------------------------------------------------------- */

static void place(qn_node *to, struct fy_token *token)
{
    const struct fy_mark *start = token ? fy_token_start_mark(token) : NULL, *end = token ? fy_token_end_mark(token) : NULL;
    to->width = start && end && end->line == start->line && end->column > start->column ? end->column - start->column : 1;
    if (!start) /* nothing is there: the caller knows the key */
        return;
    to->line = start->line + 1;
    to->column = start->column + 1;
}

static int convert(struct fy_node *from, qn_problems *c, qn_node **out)
{
    qn_node *to = *out = calloc(1, sizeof *to);
    if (!to)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!from) { /* "key:" with nothing behind it */
        to->text = strdup("");
        return to->text ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    void *it = NULL;
    size_t tag;
    bool special = fy_node_is_alias(from) || fy_node_get_tag(from, &tag) || fy_document_lookup_anchor_by_node(fy_node_document(from), from);
    switch (fy_node_get_type(from)) {
    case FYNT_SCALAR: {
        size_t n = 0;
        const char *text = fy_node_get_scalar(from, &n);
        place(to, fy_node_get_scalar_token(from));
        to->text = calloc(1, n + 1);
        if (!to->text)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        if (n)
            memcpy(to->text, text, n);
        break;
    }
    case FYNT_SEQUENCE: {
        to->kind = QN_NODE_SEQUENCE;
        int count = fy_node_sequence_item_count(from);
        to->items = calloc((size_t)(count > 0 ? count : 1), sizeof *to->items);
        if (!to->items)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        struct fy_node *item;
        while ((int)to->n < count && (item = fy_node_sequence_iterate(from, &it)))
            if (convert(item, c, &to->items[to->n++]))
                return QN_ERR_NOMEM;
        break;
    }
    case FYNT_MAPPING: {
        to->kind = QN_NODE_MAPPING;
        int count = fy_node_mapping_item_count(from);
        to->items = calloc((size_t)(count > 0 ? 2 * count : 1), sizeof *to->items);
        if (!to->items)
            return qn_fail(QN_ERR_NOMEM, "out of memory");
        struct fy_node_pair *pair;
        while ((int)to->n < count && (pair = fy_node_mapping_iterate(from, &it))) {
            qn_node **slot = &to->items[2 * to->n++];
            if (convert(fy_node_pair_key(pair), c, &slot[0]) || convert(fy_node_pair_value(pair), c, &slot[1]))
                return QN_ERR_NOMEM;
            if (slot[0]->kind != QN_NODE_SCALAR) {
                qn_problem_at(c, slot[0], "a key must be a plain name");
                return QN_ERR_INPUT;
            }
            if (!slot[1]->line) {
                slot[1]->line = slot[0]->line;
                slot[1]->column = slot[0]->column + slot[0]->width + 1;
                slot[1]->width = 1;
            }
        }
        break;
    }
    }
    if (to->kind != QN_NODE_SCALAR) { /* a collection stands where its first entry stands */
        to->line = to->n ? to->items[0]->line : 0;
        to->column = to->n ? to->items[0]->column : 0;
        to->width = 1;
    }
    if (special)
        qn_problem_at(c, to, "anchors, aliases and tags are not used in a sweep file; write the value itself");
    return 0;
}

/* The first byte that is no UTF-8 (RFC 3629), or NULL. */
static const char *not_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        int more = *s < 0x80 ? 0 : *s >= 0xc2 && *s < 0xe0 ? 1 : (*s & 0xf0) == 0xe0 ? 2 : *s >= 0xf0 && *s < 0xf5 ? 3 : -1;
        bool low = (*s == 0xe0 && s[1] < 0xa0) || (*s == 0xf0 && s[1] < 0x90);                  /* too long a form */
        bool high = (*s == 0xed && s[1] >= 0xa0) || (*s == 0xf4 && s[1] >= 0x90);               /* surrogates, beyond the end */
        if (more < 0 || (more && (low || high)))
            return (const char *)s;
        for (int k = 1; k <= more; k++)
            if ((s[k] & 0xc0) != 0x80)
                return (const char *)s;
        s += more + 1;
    }
    return NULL;
}

static int complain_utf8(qn_problems *c, const char *text, const char *bad)
{
    int line = 1, column = 1;
    for (; text < bad; text++) {
        line += *text == '\n';
        column = *text == '\n' ? 1 : column + ((*text & 0xc0) != 0x80);
    }
    add_problem(c, line, column, 1, qn_format("the byte 0x%02x is not UTF-8 text", (unsigned)(unsigned char)*bad));
    return QN_ERR_INPUT;
}

/* The only document of the text, as a tree. */
static int read_document(struct fy_parser *parser, struct fy_diag *diag, qn_problems *c, qn_node **out)
{
    struct fy_document *doc = fy_parse_load_document(parser), *second = doc ? fy_parse_load_document(parser) : NULL;
    struct fy_node *root = doc ? fy_document_root(doc) : NULL;
    int err = QN_ERR_INPUT;
    if (fy_diag_got_error(diag)) {
        struct fy_diag_error *e;
        void *it = NULL;
        while ((e = fy_diag_errors_iterate(diag, &it)))
            add_problem(c, e->line > 0 ? e->line : 1, e->column > 0 ? e->column : 1, 1, qn_format("YAML: %s", e->msg));
        if (!c->n)
            qn_problem_at(c, NULL, "the file is not valid YAML");
    } else if (!root || fy_node_get_type(root) != FYNT_MAPPING) {
        add_problem(c, 1, 1, 1, strdup("a sweep file is a mapping that begins with `model: NAME`"));
    } else if (second) {
        qn_problem_at(c, NULL, "the file holds several YAML documents (---); a sweep file is one");
    } else {
        err = convert(root, c, out);
    }
    fy_parse_document_destroy(parser, second);
    fy_parse_document_destroy(parser, doc);
    return err;
}

int qn_config_parse(const char *text, qn_problems *c, qn_node **out)
{
    *out = NULL;
    const char *bad = not_utf8(text);
    if (bad)
        return complain_utf8(c, text, bad);
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&quiet);
    if (!diag)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&cfg);
    int err = parser && !fy_parser_set_string(parser, text, FY_NT) ? read_document(parser, diag, c, out) : qn_fail(QN_ERR_NOMEM, "out of memory");
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    if (err) {
        qn_node_free(*out);
        *out = NULL;
    }
    return err;
}
