/* form.h -- the functions that are fitted: power law, logistic, stretched exponential, or an expression in named parameters; weighted least
 * squares by GSL (gsl_multifit_nlinear), 0/1 outcomes to the logistic function by maximum likelihood. */
#ifndef QN_FORM_H
#define QN_FORM_H

#include "expr.h"

#define QN_FORM_PARAMETERS 8

typedef enum { QN_FORM_POWER = 1, QN_FORM_LOGISTIC, QN_FORM_STRETCHED, QN_FORM_EXPRESSION } qn_form_kind;

typedef struct qn_form {
    qn_form_kind kind;
    const char *text;          /* "amplitude*P^exponent": for people */
    char made[256];
    const char *axis;
    size_t n;
    const char *name[QN_FORM_PARAMETERS]; /* of the parameters */
    double start[QN_FORM_PARAMETERS];     /* NaN: chosen */
    bool started;                         /* some start was given */
    qn_expr *expression;
    size_t n_constants;        /* names of an expression that are neither the axis nor free: 1st, 2nd, ... */
    const char *constant[16];
    size_t role[16];           /* of each name of the expression: 0 the axis, 1 + k parameter k, 100 + k constant k */
} qn_form;

/* `text`: power, logistic, stretched, or an expression in the name `axis` and parameters.  known(name) says which names have a value in the file:
 * they are constants.  `start`: "a=1,b=2" or NULL.  QN_ERR_INPUT with a sentence. */
int qn_form_init(qn_form *f, const char *text, const char *axis, const char *start, bool (*known)(void *ctx, const char *name), void *ctx) QN_NODISCARD;
void qn_form_free(qn_form *f);

/* One line's numbers: y at x with the standard errors err (NULL: all alike); constants of an expression; runs (0/1 outcomes: how many each y is the
 * share of) or NULL. */
typedef struct qn_form_data {
    size_t n;
    const double *x, *err, *constant, *runs;
} qn_form_data;

/* Best parameters theta[f->n] for y (NaN entries are left out), from `start` (NULL: chosen); NaN when there are too few points or the fit does not
 * converge.  *chi2: weighted sum of squared residuals.  Fails for lack of memory only. */
int qn_form_fit(const qn_form *f, const qn_form_data *d, const double *y, const double *start, double *theta, double *chi2) QN_NODISCARD;
double qn_form_value(const qn_form *f, const double *theta, const double *constant, double x);
/* Can this x stand in the form?  (A power law takes x > 0.) */
bool qn_form_takes(const qn_form *f, double x);

#endif
