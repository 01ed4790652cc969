/* expr.c -- see expr.h: recursive descent to a stack program. */
#include "expr.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum { OP_NUMBER, OP_NAME, OP_NEG, OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_POW, OP_CALL1, OP_CALL2 } op_code;

typedef struct op {
    op_code code;
    double number;                    /* OP_NUMBER */
    size_t name;                      /* OP_NAME */
    double (*one)(double);            /* OP_CALL1 */
    double (*two)(double, double);    /* OP_CALL2 */
} op;

#define MOST_OPS 512
#define MOST_NAMES 64
#define DEEPEST 64 /* of the stack, and of parentheses */

struct qn_expr {
    size_t n_ops, n_names, depth, deepest;
    op ops[MOST_OPS];
    char *name[MOST_NAMES];
};

/* Unlike fmin and fmax: what is missing (NaN) stays missing. */
static double least(double x, double y)
{
    return isnan(x) || x < y ? x : y;
}

static double most(double x, double y)
{
    return isnan(x) || x > y ? x : y;
}

static const struct {
    const char *name;
    double (*one)(double);
    double (*two)(double, double);
} functions[] = {
    {"sqrt", sqrt, NULL}, {"exp", exp, NULL},   {"log", log, NULL}, {"abs", fabs, NULL}, {"tanh", tanh, NULL}, {"cosh", cosh, NULL},
    {"sinh", sinh, NULL}, {"sin", sin, NULL},   {"cos", cos, NULL}, {"min", NULL, least}, {"max", NULL, most},
};

typedef struct parser {
    const char *text, *at;
    qn_expr *e;
    int err;
    size_t nested;
} parser;

static void expected(parser *p, const char *what)
{
    if (p->err)
        return;
    if (*p->at)
        p->err = qn_fail(QN_ERR_INPUT, "column %zu of \"%s\": %s expected, not '%c'", (size_t)(p->at - p->text) + 1, p->text, what, *p->at);
    else
        p->err = qn_fail(QN_ERR_INPUT, "column %zu of \"%s\": %s expected, but it ends here", (size_t)(p->at - p->text) + 1, p->text, what);
}

static void skip_space(parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool accept(parser *p, char c)
{
    skip_space(p);
    if (p->err || *p->at != c)
        return false;
    p->at++;
    return true;
}

/* `grows`: what the operation adds to the stack. */
static void emit(parser *p, op o, int grows)
{
    qn_expr *e = p->e;
    if (p->err)
        return;
    if (e->n_ops == MOST_OPS) {
        p->err = qn_fail(QN_ERR_INPUT, "the expression \"%.60s...\" is too long", p->text);
        return;
    }
    e->ops[e->n_ops++] = o;
    e->depth = grows > 0 ? e->depth + 1 : e->depth - (size_t)-grows;
    e->deepest = e->depth > e->deepest ? e->depth : e->deepest;
    if (e->deepest > DEEPEST)
        p->err = qn_fail(QN_ERR_INPUT, "the expression \"%.60s...\" is nested too deeply", p->text);
}

/* One level deeper in the grammar; hostile text must not exhaust the stack. */
static bool enter(parser *p)
{
    if (!p->err && ++p->nested > DEEPEST)
        p->err = qn_fail(QN_ERR_INPUT, "the expression \"%.60s...\" is nested too deeply", p->text);
    return !p->err;
}

static void sum(parser *p);

static void name(parser *p)
{
    const char *start = p->at;
    while (isalnum((unsigned char)*p->at) || *p->at == '_')
        p->at++;
    size_t n = (size_t)(p->at - start);
    skip_space(p);
    if (*p->at == '(') {
        size_t f = 0, count = sizeof functions / sizeof *functions;
        while (f < count && (strlen(functions[f].name) != n || strncmp(functions[f].name, start, n)))
            f++;
        if (f == count) {
            p->at = start;
            expected(p, "a known function (sqrt exp log abs tanh cosh sinh sin cos min max)");
            return;
        }
        p->at++;
        sum(p);
        if (functions[f].two) {
            if (!accept(p, ','))
                expected(p, "',' and a second argument");
            sum(p);
        }
        if (!accept(p, ')'))
            expected(p, "')'");
        emit(p, (op){.code = functions[f].two ? OP_CALL2 : OP_CALL1, .one = functions[f].one, .two = functions[f].two}, functions[f].two ? -1 : 0);
        return;
    }
    if (n == 2 && !strncmp(start, "pi", 2)) {
        emit(p, (op){.code = OP_NUMBER, .number = acos(-1)}, 1);
        return;
    }
    qn_expr *e = p->e;
    size_t k = 0;
    while (k < e->n_names && (strlen(e->name[k]) != n || strncmp(e->name[k], start, n)))
        k++;
    if (k == e->n_names) {
        if (k == MOST_NAMES) {
            p->err = qn_fail(QN_ERR_INPUT, "the expression \"%.60s...\" uses more than %d names", p->text, MOST_NAMES);
            return;
        }
        e->name[k] = strndup(start, n);
        if (!e->name[k]) {
            p->err = qn_fail(QN_ERR_NOMEM, "out of memory");
            return;
        }
        e->n_names++;
    }
    emit(p, (op){.code = OP_NAME, .name = k}, 1);
}

static void atom(parser *p)
{
    skip_space(p);
    if (p->err)
        return;
    if (isdigit((unsigned char)*p->at) || *p->at == '.') {
        char *end;
        double x = strtod(p->at, &end);
        if (end == p->at || isalpha((unsigned char)*end)) {
            expected(p, "a number");
            return;
        }
        p->at = end;
        emit(p, (op){.code = OP_NUMBER, .number = x}, 1);
    } else if (isalpha((unsigned char)*p->at) || *p->at == '_') {
        name(p);
    } else if (accept(p, '(')) {
        sum(p);
        if (!accept(p, ')'))
            expected(p, "')'");
    } else {
        expected(p, "a number, a name or '('");
    }
}

/* -x^2 is -(x^2); 2^-1 and 2^3^2 = 2^(3^2) are allowed. */
static void signed_power(parser *p)
{
    bool minus = false;
    for (;; minus = !minus) {
        while (accept(p, '+'))
            ;
        if (!accept(p, '-'))
            break;
    }
    atom(p);
    if (accept(p, '^')) {
        if (!enter(p))
            return;
        signed_power(p);
        p->nested--;
        emit(p, (op){.code = OP_POW}, -1);
    }
    if (minus)
        emit(p, (op){.code = OP_NEG}, 0);
}

static void product(parser *p)
{
    signed_power(p);
    while (!p->err) {
        if (accept(p, '*')) {
            signed_power(p);
            emit(p, (op){.code = OP_MUL}, -1);
        } else if (accept(p, '/')) {
            signed_power(p);
            emit(p, (op){.code = OP_DIV}, -1);
        } else {
            return;
        }
    }
}

static void sum(parser *p)
{
    if (!enter(p))
        return;
    product(p);
    while (!p->err) {
        if (accept(p, '+')) {
            product(p);
            emit(p, (op){.code = OP_ADD}, -1);
        } else if (accept(p, '-')) {
            product(p);
            emit(p, (op){.code = OP_SUB}, -1);
        } else {
            break;
        }
    }
    p->nested--;
}

int qn_expr_compile(const char *text, qn_expr **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    parser p = {.text = text, .at = text, .e = *out};
    sum(&p);
    skip_space(&p);
    if (!p.err && *p.at)
        expected(&p, "an operator or the end");
    if (p.err) {
        qn_expr_free(*out);
        *out = NULL;
    }
    return p.err;
}

void qn_expr_free(qn_expr *e)
{
    for (size_t i = 0; e && i < e->n_names; i++)
        free(e->name[i]);
    free(e);
}

size_t qn_expr_names(const qn_expr *e)
{
    return e->n_names;
}

const char *qn_expr_name(const qn_expr *e, size_t i)
{
    return e->name[i];
}

double qn_expr_eval(const qn_expr *e, const double *values)
{
    double s[DEEPEST + 1];
    size_t n = 0; /* s[n-1] is the top */
    for (size_t i = 0; i < e->n_ops; i++) {
        const op *o = &e->ops[i];
        switch (o->code) {
        case OP_NUMBER: s[n++] = o->number; break;
        case OP_NAME: s[n++] = values[o->name]; break;
        case OP_NEG: s[n - 1] = -s[n - 1]; break;
        case OP_ADD: n--; s[n - 1] += s[n]; break;
        case OP_SUB: n--; s[n - 1] -= s[n]; break;
        case OP_MUL: n--; s[n - 1] *= s[n]; break;
        case OP_DIV: n--; s[n - 1] /= s[n]; break;
        case OP_POW: n--; s[n - 1] = pow(s[n - 1], s[n]); break;
        case OP_CALL1: s[n - 1] = o->one(s[n - 1]); break;
        case OP_CALL2: n--; s[n - 1] = o->two(s[n - 1], s[n]); break;
        }
    }
    return s[0];
}
