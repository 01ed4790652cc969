/* example.c -- an objective of your own, kept outside the library: the Frenkel-Kontorova chain.
 *
 * Atoms at x_0 < x_1 < .. in a periodic potential, joined by springs; the first hangs on a wall at 0:
 *   f(x) = (stiffness/2) sum_k (x_k - x_{k-1} - spacing)^2 + height sum_k (1 - cos 2 pi x_k),   x_{-1} = 0.
 * With a whole spacing the minimum is x_k = (k+1) spacing, f = 0; with another one springs and potential compete and nobody tells.
 * Source: Frenkel, Kontorova 1938.  Replace what is between the marks [1] to [4]. */
#include <quench_objective.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double two_pi = 6.283185307179586;

/* [1] What a run of yours needs to know: here the numbers of `objective_options: "stiffness=2 spacing=1 height=0.5"`. */
typedef struct chain {
    double stiffness, spacing, height;
} chain;

static int create(size_t d, const char *options, uint64_t seed, void **context, char *message, size_t size)
{
    (void)d;
    (void)seed; /* a random potential would be drawn from it */
    chain *c = malloc(sizeof *c);
    if (!c) {
        snprintf(message, size, "out of memory");
        return 1;
    }
    *c = (chain){.stiffness = 1, .spacing = 1, .height = 1};
    char name[16], rest[2];
    double value;
    int used;
    for (const char *at = options; sscanf(at, "%1s", rest) == 1; at += used) {
        double *to = NULL;
        if (sscanf(at, " %15[a-z]=%lf%n", name, &value, &used) == 2)
            to = !strcmp(name, "stiffness") ? &c->stiffness : !strcmp(name, "spacing") ? &c->spacing : !strcmp(name, "height") ? &c->height : NULL;
        if (!to) {
            snprintf(message, size, "options are stiffness=, spacing= and height= with a number, not \"%s\"", at);
            free(c);
            return 1;
        }
        *to = value;
    }
    *context = c;
    return 0;
}

/* [2] f of n points; the loop over points is the inner one, so that it runs in vector registers. */
static void eval(size_t n, size_t d, size_t ld, const double *x, double *out, void *context)
{
    const chain *c = context;
    for (size_t i = 0; i < n; i++)
        out[i] = 0;
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < n; i++) {
            double y = x[k * ld + i], stretch = y - (k ? x[(k - 1) * ld + i] : 0) - c->spacing;
            out[i] += c->stiffness / 2 * stretch * stretch + c->height * (1 - cos(two_pi * y));
        }
}

/* [3] Its gradient at one point.  Leave it out, and .grad too, when you have none. */
static void grad(size_t d, const double *x, double *g, void *context)
{
    const chain *c = context;
    for (size_t k = 0; k < d; k++) {
        double left = x[k] - (k ? x[k - 1] : 0) - c->spacing, right = k + 1 < d ? x[k + 1] - x[k] - c->spacing : 0;
        g[k] = c->stiffness * (left - right) + c->height * two_pi * sin(two_pi * x[k]);
    }
}

/* [4] Where the minimum is, as far as one knows. */
static size_t minimiser(size_t d, double *x, double *f_min, void *context)
{
    const chain *c = context;
    if (c->spacing != floor(c->spacing) || c->stiffness < 0 || c->height < 0)
        return 0;
    for (size_t k = 0; x && k < d; k++)
        x[k] = (double)(k + 1) * c->spacing;
    *f_min = 0;
    return 1;
}

static void destroy(void *context)
{
    free(context);
}

const quench_objective_table quench_objective = {
    .abi = QUENCH_OBJECTIVE_ABI,
    .flags = QUENCH_OBJECTIVE_REENTRANT, /* no variables outside the context that change */
    .name = "chain",
    .d_min = 1,
    .create = create,
    .eval = eval,
    .grad = grad,
    .minimiser = minimiser,
    .destroy = destroy,
};
