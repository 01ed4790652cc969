/* ladder.c -- see ladder.h. */
#include "ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_interp.h>

#include "select.h"

/* Rates beyond these say no more than that they are. */
#define LEAST_RATE 1e-3
#define MOST_RATE (1 - 1e-4)

/* Length of an interval across which exchanges are accepted at this rate, and back. */
static double length_of(double rate)
{
    return 2 / sqrt(M_PI) * gsl_cdf_ugaussian_Qinv(fmin(fmax(rate, LEAST_RATE), MOST_RATE) / 2) / M_SQRT2;
}

static double rate_across(double length)
{
    return erfc(sqrt(M_PI) / 2 * length);
}

/* Mean exchange rates to the next value over the rows that are selected, [n - 1]. */
static int mean_rates(const qn_selection *s, const qn_var *rate, size_t along, size_t n, double *mean)
{
    int64_t *count = calloc(n, sizeof *count);
    if (!count)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i + 1 < n; i++)
        mean[i] = 0;
    for (size_t row = 0; row < qn_selection_rows(s); row++) {
        size_t at, i = qn_selection_index(s, row, along);
        if (i + 1 < n && qn_selection_place(s, rate, row, &at) && !isnan(rate->f64[at])) {
            mean[i] += rate->f64[at];
            count[i]++;
        }
    }
    int err = 0;
    for (size_t i = 0; i + 1 < n && !err; i++) {
        err = count[i] ? 0 : qn_fail(QN_ERR_INPUT, "no exchange was tried between values %zu and %zu of %s", i + 1, i + 2, s->range[along].name);
        mean[i] /= (double)count[i];
    }
    free(count);
    return err;
}

/* x at equal steps of the measure, by a monotone cubic (Steffen 1990) through (measure, x). */
static int equal_steps(size_t n, const double *measure, const double *x, bool log_scale, qn_ladder_choice *c)
{
    const gsl_interp_type *type = n > 2 ? gsl_interp_steffen : gsl_interp_linear;
    gsl_interp *f = gsl_interp_alloc(type, n);
    double *y = malloc(n * sizeof *y);
    c->value = malloc(c->n * sizeof *c->value);
    if (!f || !y || !c->value) {
        gsl_interp_free(f);
        free(y);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++)
        y[i] = log_scale ? log(x[i]) : x[i];
    gsl_interp_init(f, measure, y, n);
    for (size_t k = 0; k < c->n; k++) {
        double at = gsl_interp_eval(f, measure, y, measure[n - 1] * (double)k / (double)(c->n - 1), NULL);
        c->value[k] = k == 0 ? x[0] : k + 1 == c->n ? x[n - 1] : log_scale ? exp(at) : at;
    }
    gsl_interp_free(f);
    free(y);
    return 0;
}

static int choose(const qn_selection *s, const qn_var *rate, size_t along, size_t points, qn_ladder_choice *c)
{
    const qn_range *r = &s->range[along];
    const qn_var *x = r->coordinate;
    if (!x || x->type != QN_F64)
        return qn_fail(QN_ERR_INPUT, "%s does not take any real value, so no ladder can be laid between its values", r->name);
    if (r->n != r->whole)
        return qn_fail(QN_ERR_INPUT, "the whole ladder is needed; --where may choose along the other axes only, not %s", r->name);
    size_t n = x->size;
    double *mean = malloc(n * sizeof *mean), *measure = malloc(n * sizeof *measure);
    int err = mean && measure ? mean_rates(s, rate, along, n, mean) : qn_fail(QN_ERR_NOMEM, "out of memory");
    bool positive = true;
    c->lowest = 1;
    for (size_t i = 0; i < n && !err; i++) {
        measure[i] = i ? measure[i - 1] + length_of(mean[i - 1]) : 0;
        c->lowest = i + 1 < n ? fmin(c->lowest, mean[i]) : c->lowest;
        positive &= x->f64[i] > 0;
    }
    if (!err) {
        c->barrier = measure[n - 1];
        c->n = points ? points : (size_t)fmax(2, 1 + round(c->barrier / length_of(0.5)));
        c->rate = rate_across(c->barrier / (double)(c->n - 1));
        c->axis = x->name;
        err = equal_steps(n, measure, x->f64, positive, c);
    }
    free(mean);
    free(measure);
    return err;
}

int qn_ladder_choose(const qn_dataset *d, const char *const *where, size_t n_where, size_t points, qn_ladder_choice *out)
{
    const qn_var *rate = qn_dataset_find(d, "exchange_rate");
    const char *axis = rate ? qn_attr_text(d, rate, "along") : NULL;
    memset(out, 0, sizeof *out);
    if (!axis || rate->type != QN_F64)
        return qn_fail(QN_ERR_INPUT, "the file has no exchange rates: a ladder is laid by what one that was run (`tempering: {axis: ...}`) has measured");
    if (points == 1)
        return qn_fail(QN_ERR_INPUT, "a ladder has at least two values");
    qn_selection s;
    int err = qn_select(d, where, n_where, &s);
    size_t along = 0;
    while (!err && along < s.n && strcmp(s.range[along].name, axis))
        along++;
    if (!err)
        err = along < s.n ? choose(&s, rate, along, points, out) : qn_fail(QN_ERR_INPUT, "the file lacks its axis %s", axis);
    qn_selection_free(&s);
    if (err)
        qn_ladder_choice_free(out);
    return err;
}

void qn_ladder_choice_free(qn_ladder_choice *c)
{
    free(c->value);
    memset(c, 0, sizeof *c);
}
