/* landscapes.c -- analytic functions, z = x - shift (objective.c sees to shift and rotation).
 *
 *   quadratic    (1/2) sum a_k z_k^2
 *   ackley       -20 exp(-0.2 sqrt(mean z^2)) - exp(mean cos 2 pi z) + 20 + e
 *   rastrigin    sum z^2 + A sum (1 - cos 2 pi z): sums over coordinates, not means
 *   griewank     1 + sum z^2/4000 - prod cos(z_k/sqrt(k)), k = 1, 2, ...
 *   rosenbrock   sum 100 (z_{k+1} - z_k^2)^2 + (1 - z_k)^2
 *   salomon      1 - cos(2 pi |z|) + 0.1 |z|
 *   schwefel220  sum |z_k|
 *   xsyrandom    sum eta_k |z_k|^k, eta_k uniform on (0, 1), drawn from the disorder
 *   dropwave     -(1 + cos(12 r))/(r^2/2 + 2), r = |z|
 *   eggholder    -(y + 47) sin sqrt|y + x/2 + 47| - x sin sqrt|x - y - 47|; its known minimum is that of the box [-512, 512]^2
 *   himmelblau   (x^2 + y - 11)^2 + (x + y^2 - 7)^2: four minima of the same value
 *   wshaped      z^2 ((z - 4)^2 + 1)
 *   canyon       v = y - (x-1)(x-4)^2/8 - 2,  w = -x - 1.6 y,
 *                25 (1 - exp(-1.4 v^2 exp(-0.002 x^4))) + 0.4 x^2 + 0.2 y^2 + R (2 - cos(0.75 pi x) - cos(0.75 pi y))
 *                + 4 exp(1 - 2 v^4) (1 - exp(-9 w^2)) where w > 0
 *                two_valley: v = -y - 0.6 x (x - 4), first term 25 (1 - exp(-1.2 v^2)), 0.75 x^2 in place of 0.4 x^2
 * Sources: Surjanovic & Bingham, Virtual Library of Simulation Experiments (2013), for all but the canyon; Riedl, Klock, Geldhauser, Fornasier,
 * arXiv:2306.09778, figure 1, for the canyon. */
#include "landscapes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmath.h"

typedef struct landscape {
    double *c;     /* [d] constants of the coordinates: a_k, eta_k, frequencies; or NULL */
    double ripple; /* canyon */
    size_t which;  /* row of the table of loops */
} landscape;

static inline const landscape *land(const cbo_objective *o)
{
    return o->data;
}

#define QN_BODY "cbo/landscapes_body.h"
#include "levels.h"

typedef void eval_function(const cbo_objective *, size_t, const double *, double *, double *);

enum {
    QUADRATIC, ACKLEY, RASTRIGIN, GRIEWANK, ROSENBROCK, SALOMON, SCHWEFEL220, XSYRANDOM, DROPWAVE, EGGHOLDER, HIMMELBLAU, WSHAPED, CANYON, TWO_VALLEY
};
static eval_function *const loops[][3] = {
    [QUADRATIC] = QN_LEVELS(quadratic), [ACKLEY] = QN_LEVELS(ackley), [RASTRIGIN] = QN_LEVELS(rastrigin), [GRIEWANK] = QN_LEVELS(griewank),
    [ROSENBROCK] = QN_LEVELS(rosenbrock), [SALOMON] = QN_LEVELS(salomon), [SCHWEFEL220] = QN_LEVELS(schwefel220),
    [XSYRANDOM] = QN_LEVELS(xsyrandom), [DROPWAVE] = QN_LEVELS(dropwave), [EGGHOLDER] = QN_LEVELS(eggholder), [HIMMELBLAU] = QN_LEVELS(himmelblau),
    [WSHAPED] = QN_LEVELS(wshaped), [CANYON] = QN_LEVELS(canyon), [TWO_VALLEY] = QN_LEVELS(two_valley)};

/* ---- gradients -------------------------------------------------------------------------------------------------- */

static void grad_quadratic(const cbo_objective *o, const double *z, double *g)
{
    for (size_t k = 0; k < o->d; k++)
        g[k] = land(o)->c[k] * z[k];
}

/* At the minimiser, where there is none, 0. */
static void grad_ackley(const cbo_objective *o, const double *z, double *g)
{
    double n = (double)o->d, square = 0, sine = 0;
    for (size_t k = 0; k < o->d; k++) {
        double s = sin(M_PI * z[k]);
        square += z[k] * z[k];
        sine += s * s;
    }
    double root = sqrt(square / n), radial = root > 0 ? 4 * exp(-0.2 * root) / (n * root) : 0, wave = 2 * M_PI / n * exp(1 - 2 * sine / n);
    for (size_t k = 0; k < o->d; k++)
        g[k] = radial * z[k] + wave * sin(2 * M_PI * z[k]);
}

static void grad_rastrigin(const cbo_objective *o, const double *z, double *g)
{
    for (size_t k = 0; k < o->d; k++)
        g[k] = 2 * z[k] + 2 * M_PI * o->a * sin(2 * M_PI * z[k]);
}

/* The product without factor k is made of those before it and those after it: factors may be 0. */
static void grad_griewank(const cbo_objective *o, const double *z, double *g)
{
    double before = 1, after = 1;
    for (size_t k = o->d; k-- > 0;) {
        g[k] = after;
        after *= cos(z[k] / sqrt((double)k + 1));
    }
    for (size_t k = 0; k < o->d; k++) {
        double root = sqrt((double)k + 1);
        g[k] = z[k] / 2000 + before * g[k] * sin(z[k] / root) / root;
        before *= cos(z[k] / root);
    }
}

static void grad_rosenbrock(const cbo_objective *o, const double *z, double *g)
{
    double left = 0; /* of the term before */
    for (size_t k = 0; k + 1 < o->d; k++) {
        double bend = z[k + 1] - z[k] * z[k];
        g[k] = left - 400 * z[k] * bend - 2 * (1 - z[k]);
        left = 200 * bend;
    }
    g[o->d - 1] = left;
}

static double norm(size_t d, const double *z)
{
    double sum = 0;
    for (size_t k = 0; k < d; k++)
        sum += z[k] * z[k];
    return sqrt(sum);
}

static void grad_salomon(const cbo_objective *o, const double *z, double *g)
{
    double r = norm(o->d, z), slope = r > 0 ? (2 * M_PI * sin(2 * M_PI * r) + 0.1) / r : 0;
    for (size_t k = 0; k < o->d; k++)
        g[k] = slope * z[k];
}

static void grad_schwefel220(const cbo_objective *o, const double *z, double *g)
{
    for (size_t k = 0; k < o->d; k++)
        g[k] = (z[k] > 0) - (z[k] < 0);
}

static void grad_xsyrandom(const cbo_objective *o, const double *z, double *g)
{
    for (size_t k = 0; k < o->d; k++)
        g[k] = ((z[k] > 0) - (z[k] < 0)) * land(o)->c[k] * (double)(k + 1) * pow(fabs(z[k]), (double)k);
}

static void grad_dropwave(const cbo_objective *o, const double *z, double *g)
{
    double r = norm(2, z), below = r * r / 2 + 2, slope = r > 0 ? 12 * sin(12 * r) / (below * r) : 0;
    (void)o;
    for (size_t k = 0; k < 2; k++)
        g[k] = z[k] * (slope + (1 + cos(12 * r)) / (below * below));
}

static void grad_himmelblau(const cbo_objective *o, const double *z, double *g)
{
    double a = z[0] * z[0] + z[1] - 11, b = z[0] + z[1] * z[1] - 7;
    (void)o;
    g[0] = 4 * z[0] * a + 2 * b;
    g[1] = 2 * a + 4 * z[1] * b;
}

static void grad_wshaped(const cbo_objective *o, const double *z, double *g)
{
    double a = z[0] - 4;
    (void)o;
    g[0] = 2 * z[0] * (a * a + 1) + 2 * z[0] * z[0] * a;
}

/* Of ripples and wall, given v and its gradient. */
static void grad_canyon_rest(double ripple, const double *z, double v, double vx, double vy, double *g)
{
    double w = -z[0] - 1.6 * z[1];
    for (size_t k = 0; k < 2; k++)
        g[k] += ripple * 0.75 * M_PI * sin(0.75 * M_PI * z[k]);
    if (w <= 0)
        return;
    double front = 4 * exp(1 - 2 * v * v * v * v), edge = exp(-9 * w * w);
    double by_v = -8 * v * v * v * front * (1 - edge), by_w = front * 18 * w * edge;
    g[0] += by_v * vx - by_w;
    g[1] += by_v * vy - 1.6 * by_w;
}

static void grad_canyon(const cbo_objective *o, const double *z, double *g)
{
    double x = z[0], v = z[1] - (x - 1) * (x - 4) * (x - 4) / 8 - 2, vx = -((x - 4) * (x - 4) + 2 * (x - 1) * (x - 4)) / 8;
    double taper = exp(-0.002 * x * x * x * x), u = 1.4 * v * v * taper, bed = 25 * exp(-u);
    g[0] = bed * (2.8 * v * vx * taper - u * 0.008 * x * x * x) + 0.8 * x;
    g[1] = bed * 2.8 * v * taper + 0.4 * z[1];
    grad_canyon_rest(land(o)->ripple, z, v, vx, 1, g);
}

static void grad_two_valley(const cbo_objective *o, const double *z, double *g)
{
    double x = z[0], v = -z[1] - 0.6 * x * (x - 4), vx = -1.2 * x + 2.4, bed = 25 * exp(-1.2 * v * v) * 2.4 * v;
    g[0] = bed * vx + 1.5 * x;
    g[1] = -bed + 0.4 * z[1];
    grad_canyon_rest(land(o)->ripple, z, v, vx, -1, g);
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static void free_landscape(cbo_objective *o)
{
    landscape *l = o->data;
    if (l)
        free(l->c);
    free(l);
}

/* With a minimiser at the origin and value 0; `constants`: d numbers to be filled in land(o)->c. */
static int begin(cbo_objective *o, size_t which, void (*grad)(const cbo_objective *, const double *, double *), bool constants)
{
    landscape *l = o->data = calloc(1, sizeof *l);
    o->free_data = free_landscape;
    o->minimiser = calloc(o->d, sizeof *o->minimiser);
    if (!l || !o->minimiser || (constants && !(l->c = calloc(o->d, sizeof *l->c))))
        return qn_fail(QN_ERR_NOMEM, "no memory for the objective %s of d = %zu coordinates", o->name, o->d);
    l->which = which;
    o->n_minimisers = 1;
    o->f_min = 0;
    o->eval = loops[which][qn_isa()];
    o->grad = grad;
    return 0;
}

bool cbo_landscape_use(cbo_objective *o, qn_isa_level level)
{
    if (o->free_data != free_landscape)
        return false;
    *(o->eval_inner ? &o->eval_inner : &o->eval) = loops[land(o)->which][level];
    return true;
}

#define MAKE(name) static int make_##name(cbo_objective *o, const qn_params *p, const void *shared, qn_streams *s)
#define PLAIN(name, which)                                                                                            \
    MAKE(name)                                                                                                        \
    {                                                                                                                 \
        (void)p, (void)shared, (void)s;                                                                               \
        return begin(o, which, grad_##name, false);                                                                   \
    }
PLAIN(ackley, ACKLEY)
PLAIN(salomon, SALOMON)
PLAIN(schwefel220, SCHWEFEL220)
PLAIN(wshaped, WSHAPED)

MAKE(quadratic)
{
    (void)shared, (void)s;
    int err = begin(o, QUADRATIC, grad_quadratic, true);
    if (err)
        return err;
    size_t n;
    const double *a = qn_list(p, "curvatures", &n);
    for (size_t k = 0; k < o->d; k++)
        land(o)->c[k] = a[k % n];
    return 0;
}

MAKE(rastrigin)
{
    (void)shared, (void)s;
    o->a = qn_real(p, "A");
    return begin(o, RASTRIGIN, grad_rastrigin, false);
}

MAKE(griewank)
{
    (void)p, (void)shared, (void)s;
    int err = begin(o, GRIEWANK, grad_griewank, true);
    for (size_t k = 0; k < o->d && !err; k++)
        land(o)->c[k] = 1 / (M_PI * sqrt((double)k + 1));
    return err;
}

MAKE(rosenbrock)
{
    (void)p, (void)shared, (void)s;
    int err = begin(o, ROSENBROCK, grad_rosenbrock, false);
    for (size_t k = 0; k < o->d && !err; k++)
        o->minimiser[k] = 1;
    return err;
}

MAKE(xsyrandom)
{
    (void)p, (void)shared;
    int err = begin(o, XSYRANDOM, grad_xsyrandom, true);
    for (size_t k = 0; k < o->d && !err; k++)
        land(o)->c[k] = qn_rng_uniform_pos(&s->disorder);
    return err;
}

MAKE(dropwave)
{
    (void)p, (void)shared, (void)s;
    int err = begin(o, DROPWAVE, grad_dropwave, false);
    o->f_min = -1;
    return err;
}

MAKE(eggholder)
{
    (void)p, (void)shared, (void)s;
    int err = begin(o, EGGHOLDER, NULL, false);
    if (err)
        return err;
    o->minimiser[0] = 512;
    o->minimiser[1] = 404.231805123817; /* the zero of the derivative along the edge x = 512 */
    o->f_min = -959.6406627208506;
    return 0;
}

MAKE(himmelblau)
{
    static const double near[4][2] = {{3, 2}, {-2.805118, 3.131313}, {-3.779310, -3.283186}, {3.584428, -1.848127}};
    (void)p, (void)shared, (void)s;
    int err = begin(o, HIMMELBLAU, grad_himmelblau, false);
    if (err)
        return err;
    double *m = realloc(o->minimiser, sizeof near);
    if (!m)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    o->minimiser = memcpy(m, near, sizeof near);
    o->n_minimisers = 4;
    for (size_t j = 0; j < 4; j++, m += 2)
        for (int step = 0; step < 4; step++) { /* Newton for the two squares that vanish */
            double a = m[0] * m[0] + m[1] - 11, b = m[0] + m[1] * m[1] - 7, det = 4 * m[0] * m[1] - 1;
            double dx = (2 * m[1] * a - b) / det, dy = (2 * m[0] * b - a) / det;
            m[0] -= dx;
            m[1] -= dy;
        }
    return 0;
}

MAKE(canyon)
{
    static const double ripple[] = {0.25, 1.1625, 0}; /* smooth, noisy, two_valley */
    (void)shared, (void)s;
    int variant = qn_choice(p, "variant");
    int err = variant == 2 ? begin(o, TWO_VALLEY, grad_two_valley, false) : begin(o, CANYON, grad_canyon, false);
    if (err)
        return err;
    ((landscape *)o->data)->ripple = qn_is_set(p, "ripple") ? qn_real(p, "ripple") : ripple[variant];
    return 0;
}

const cbo_objective_kind cbo_landscape_kinds[] = {
    {.name = "quadratic", .d_min = 1, .make = make_quadratic},
    {.name = "ackley", .d_min = 1, .make = make_ackley},
    {.name = "rastrigin", .d_min = 1, .make = make_rastrigin},
    {.name = "griewank", .d_min = 1, .make = make_griewank},
    {.name = "rosenbrock", .d_min = 2, .make = make_rosenbrock},
    {.name = "salomon", .d_min = 1, .make = make_salomon},
    {.name = "schwefel220", .d_min = 1, .make = make_schwefel220},
    {.name = "xsyrandom", .d_min = 1, .make = make_xsyrandom},
    {.name = "dropwave", .d_min = 2, .d_max = 2, .make = make_dropwave},
    {.name = "eggholder", .d_min = 2, .d_max = 2, .make = make_eggholder},
    {.name = "himmelblau", .d_min = 2, .d_max = 2, .make = make_himmelblau},
    {.name = "wshaped", .d_min = 1, .d_max = 1, .make = make_wshaped},
    {.name = "canyon", .d_min = 2, .d_max = 2, .make = make_canyon},
    {.name = NULL},
};
