/* expr.h -- arithmetic expressions in named quantities ("1 - m4/(3*m2^2)"), compiled once, evaluated often.
 * Grammar: + - * / ^ (right-associative, binds tighter than unary minus), parentheses, numbers, names [A-Za-z_][A-Za-z0-9_]*,
 * functions sqrt exp log abs tanh cosh sinh sin cos min max, constant pi. */
#ifndef QN_EXPR_H
#define QN_EXPR_H

#include "quench.h"

typedef struct qn_expr qn_expr;
/* Fails with QN_ERR_INPUT and a sentence that gives the column and what was expected. */
int qn_expr_compile(const char *text, qn_expr **out) QN_NODISCARD;
void qn_expr_free(qn_expr *e);
size_t qn_expr_names(const qn_expr *e);                  /* how many distinct names it uses, in order of appearance */
const char *qn_expr_name(const qn_expr *e, size_t i);
double qn_expr_eval(const qn_expr *e, const double *values); /* values in the order of the names */

#endif
