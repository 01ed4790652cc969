/* terms.c -- see terms.h: summands are cut out of the text by hand, their factors are read by the core's expressions. */
#include "terms.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"

enum { LONGEST = 400 }; /* characters of a factor */

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Characters of the letter at `at`; 0: none. */
static size_t letter(const char *at)
{
    if (*at == 'X' || *at == 'Y' || *at == 'Z')
        return 1;
    return *at == 's' && (at[1] == '-' || at[1] == '+') ? 2 : 0;
}

/* Characters of the word at `at`; 0: none.  Words are made of letters alone: Zeta is a name. */
static size_t word(const char *at)
{
    size_t n = 0;
    for (size_t k; (k = letter(at + n)) > 0;)
        n += k;
    return n && in_name(at[n]) ? 0 : n;
}

/* What a number or a name at `at` takes; 0: it is neither. */
static size_t operand(const char *at)
{
    if (isdigit((unsigned char)*at) || *at == '.') {
        char *end;
        strtod(at, &end);
        return (size_t)(end - at);
    }
    size_t n = 0;
    while (in_name(at[n]))
        n++;
    return n;
}

static bool imaginary(const char *name, size_t n)
{
    return n == 1 && (*name == 'i' || *name == 'j' || *name == 'I');
}

/* Whether the text has a name that is a function's: followed by a parenthesis. */
static bool called(const char *end)
{
    while (isspace((unsigned char)*end))
        end++;
    return *end == '(';
}

/* ---- one summand -------------------------------------------------------------------------------------------------- */

/* The text of a summand's factor (empty: 1) and its word. */
typedef struct summand {
    char factor[LONGEST + 1];
    const char *begin, *end; /* of the factor in the text */
    const char *word;
    size_t word_length;
} summand;

#define LETTERS "the letters are X, Y, Z and, in jumps, s- and s+"

/* Between two summands stands a sign, which belongs to the second. */
static bool at_end(const char **at)
{
    while (isspace((unsigned char)**at))
        (*at)++;
    return !**at;
}

/* A summand ends at its word, which stands in no parentheses.  Moves *at behind it, or behind what is wrong. */
static int cut(const char **at, summand *out)
{
    const char *begin = out->begin = *at, *p = begin, *shown = begin; /* shown: without the sign between two summands */
    bool after_operand = false;
    int depth = 0;
    while (*shown == '+' || isspace((unsigned char)*shown))
        shown++;
    for (;;) {
        while (isspace((unsigned char)*p))
            p++;
        size_t n = depth ? 0 : word(p);
        if (n) {
            out->word = p;
            out->word_length = n;
            *at = p + n;
            break;
        }
        if (!*p || (!depth && after_operand && (*p == '+' || *p == '-'))) {
            *at = p;
            while (p > begin && isspace((unsigned char)p[-1]))
                p--;
            out->end = p;
            return qn_fail(QN_ERR_INPUT, "'%.*s' has no word of Pauli letters; a term is a factor and a word, `g/2 X`, and sums within a factor need parentheses (" LETTERS ")",
                           (int)(p > shown ? p - shown : 0), shown);
        }
        n = operand(p);
        if (n && after_operand && !depth) {
            *at = p + n;
            at_end(at);
            out->end = !**at || **at == '+' || **at == '-' ? p : p + n; /* at the end of a summand it was meant as a word */
            if (imaginary(p, n))
                return qn_fail(QN_ERR_INPUT, "the factor '%.*s' is not real, so that the term is not Hermitian; factors are real numbers", (int)(p + n > shown ? p + n - shown : 0), shown);
            return qn_fail(QN_ERR_INPUT, "'%.*s' is no word; " LETTERS, (int)n, p);
        }
        after_operand = n > 0 || *p == ')';
        depth += (*p == '(') - (*p == ')');
        p += n ? n : 1;
    }
    const char *end = out->word;
    while (end > begin && (isspace((unsigned char)end[-1]) || end[-1] == '*'))
        end--;
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    out->end = end;
    if (end - begin > LONGEST)
        return qn_fail(QN_ERR_INPUT, "the factor '%.40s...' is longer than %d characters", begin, LONGEST);
    bool bare = true; /* signs alone stand for 1 */
    for (const char *c = begin; c < end; c++)
        bare &= *c == '+' || *c == '-' || isspace((unsigned char)*c);
    snprintf(out->factor, sizeof out->factor, "%.*s%s", (int)(end - begin), begin, bare ? "1" : "");
    return 0;
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

typedef struct naming {
    int (*found)(void *to, const char *name);
    void *to;
} naming;

/* Names between two places of the text, without functions and constants. */
static int collect(const char *at, const char *end, const naming *f)
{
    int err = 0;
    while (at < end && !err) {
        const size_t n = operand(at);
        char name[64];
        const bool number = isdigit((unsigned char)*at) || *at == '.';
        if (n && !number && !imaginary(at, n) && !called(at + n) && !(n == 2 && !strncmp(at, "pi", 2)) && word(at) != n) {
            if (n >= sizeof name)
                return qn_fail(QN_ERR_INPUT, "the name '%.20s...' is longer than %zu characters", at, sizeof name - 1);
            snprintf(name, sizeof name, "%.*s", (int)n, at);
            err = f->found(f->to, name);
        }
        at += n ? n : 1;
    }
    return err;
}

/* A summand without a word leaves its names out where it is nothing but one name: that was meant as a word. */
int povm_terms_names(const char *text, int (*found)(void *to, const char *name), void *to)
{
    const naming f = {found, to};
    const char *at = text;
    int err = 0;
    while (!at_end(&at) && !err) {
        summand s;
        const bool sound = !cut(&at, &s);
        const char *begin = s.begin;
        while (begin < s.end && (*begin == '+' || *begin == '-' || isspace((unsigned char)*begin)))
            begin++;
        if (sound || operand(begin) != (size_t)(s.end - begin))
            err = collect(begin, s.end, &f);
    }
    return err;
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

static int read_factor(const qn_params *p, const char *text, double *out)
{
    qn_expr *e;
    while (*text == '+' || isspace((unsigned char)*text))
        text++;
    int err = qn_expr_compile(text, &e);
    if (err)
        return err;
    double value[64] = {0};
    for (size_t i = 0; i < qn_expr_names(e) && !err; i++) {
        const char *name = qn_expr_name(e, i);
        if (imaginary(name, strlen(name)))
            err = qn_fail(QN_ERR_INPUT, "the factor '%s' is not real, so that the term is not Hermitian; factors are real numbers", text);
        else if (word(name) == strlen(name))
            err = qn_fail(QN_ERR_INPUT, "the factor '%s' has the letter %s in it; a word stands behind its factor", text, name);
        else
            value[i] = qn_real(p, name);
    }
    if (!err) {
        *out = qn_expr_eval(e, value);
        if (!isfinite(*out))
            err = qn_fail(QN_ERR_INPUT, "the factor '%s' is %g; factors are real and finite", text, *out);
    }
    qn_expr_free(e);
    return err;
}

static void set_letter(const char *name, size_t n, povm_word *w, int site)
{
    static const struct {
        const char *name;
        double complex op[2][2];
    } table[] = {
        {"X", {{0, 1}, {1, 0}}}, {"Y", {{0, -I}, {I, 0}}}, {"Z", {{1, 0}, {0, -1}}}, {"s-", {{0, 0}, {1, 0}}}, {"s+", {{0, 1}, {0, 0}}},
    };
    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        if (strlen(table[k].name) == n && !strncmp(name, table[k].name, n)) {
            memcpy(w->op[site], table[k].op, sizeof w->op[site]);
            snprintf(w->letter[site], sizeof w->letter[site], "%s", table[k].name);
        }
}

static int read_word(const summand *s, bool jumps, povm_word *out)
{
    const char *at = s->word, *end = at + s->word_length;
    for (out->sites = 0; at < end; out->sites++) {
        size_t n = letter(at);
        if (out->sites == 2)
            return qn_fail(QN_ERR_INPUT, "the word '%.*s' is too long; one letter acts on every site, two on every bond", (int)s->word_length, s->word);
        if (n == 2 && !jumps)
            return qn_fail(QN_ERR_INPUT, "the term '%.*s' is not Hermitian; use X, Y and Z (s- = (X - i Y)/2, s+s- with s-s+ = (XX + YY)/2)", (int)s->word_length, s->word);
        set_letter(at, n, out, out->sites);
        at += n;
    }
    return 0;
}

int povm_words_read(const qn_params *p, bool jumps, povm_word *out, int *count)
{
    const char *text = qn_text(p, jumps ? "jumps" : "hamiltonian"), *at = text ? text : "";
    *count = 0;
    while (!at_end(&at)) {
        if (*count && *at != '+' && *at != '-')
            return qn_fail(QN_ERR_INPUT, "'+' or '-' expected at '%.20s'", at);
        if (*count == POVM_MAX_TERMS)
            return qn_fail(QN_ERR_INPUT, "more than %d terms", POVM_MAX_TERMS);
        summand s;
        povm_word *w = &out[*count];
        *w = (povm_word){0};
        int err = cut(&at, &s);
        if (!err)
            err = read_word(&s, jumps, w);
        if (!err)
            err = read_factor(p, s.factor, &w->factor);
        if (err)
            return err;
        ++*count;
    }
    return 0;
}

int povm_terms_read(const qn_params *p, povm_terms *out)
{
    int err = povm_words_read(p, false, out->hamiltonian, &out->n_hamiltonian);
    return err ? err : povm_words_read(p, true, out->jump, &out->n_jumps);
}
