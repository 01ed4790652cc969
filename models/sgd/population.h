/* population.h -- the data of the perceptron and exact averages over them (Sclocchi, Geiger & Wyart, arXiv:2301.13703).
 *
 * A point is x = (x1, x_perp), x_perp ~ N(0, I_{d-1}), with density |x1|^chi exp(-x1^2/2)/(2 Z) of x1, Z = 2^((chi-1)/2) Gamma((chi+1)/2), and
 * y = sign(x1).  y x has y x1 = |x1| = x > 0, and its part along w_perp is u ~ N(0, 1) in units of r = |w_perp|:
 *     y w.x/sqrt(d) = (w1 x + r u)/sqrt(d),      x^2 = 2 Gamma((chi+1)/2), chi-squared with chi+1 degrees of freedom.  */
#ifndef SGD_POPULATION_H
#define SGD_POPULATION_H

#include "loss.h"
#include "quench.h"

/* ---- drawing x ---- */

typedef struct sgd_boundary {
    double chi, shape, c; /* x^2/2 ~ Gamma(shape); c: of Marsaglia & Tsang 2000 */
} sgd_boundary;
void sgd_boundary_init(sgd_boundary *b, double chi);
double sgd_boundary_draw(const sgd_boundary *b, qn_rng *rng);
double sgd_gamma_draw(double shape, qn_rng *rng); /* Gamma(shape), shape > 0 */

/* ---- averages ---- */

double sgd_chi_z(double chi);                  /* Z */
double sgd_chi_mean(double chi, double power); /* E x^power */

enum { SGD_NODES = 16, SGD_MOST_NODES = 64 * SGD_NODES };
typedef struct sgd_rule {
    double chi, log_z;
    double x[SGD_NODES], w[SGD_NODES];   /* Gauss-Legendre on (0, 1) */
    double x0[SGD_NODES], w0[SGD_NODES]; /* Gauss-Jacobi on (0, 1) with weight x^chi */
} sgd_rule;
int sgd_rule_init(sgd_rule *q, double chi) QN_NODISCARD;

/* Nodes of integrals over (lo, hi) of x^chi times something that is smooth on the scale `width`; the weights hold x^chi.  lo = 0 or lo >= width.
 * Returns how many (at most SGD_MOST_NODES: `width` is raised where there would be more). */
size_t sgd_rule_nodes(const sgd_rule *q, double lo, double hi, double width, double *x, double *w);

/* Averages over all points: of what stands in the comment where the point is unfitted (w1 x + r u < edge), else 0. */
typedef struct sgd_population {
    double n;          /* 1: the share of unfitted points */
    double x, u;       /* x; u */
    double xx, uu;     /* x^2; u^2 */
    double below;      /* (edge - w1 x - r u): the hinge */
    double below2;     /* its square */
} sgd_population;
void sgd_population_at(const sgd_rule *q, double w1, double r, double edge, sgd_population *out);

/* P(w1 x + r u <= 0) = P(t > w1 sqrt(chi+1)/r), t Student's with chi+1 degrees of freedom; w = 0: 1 (F = 0 is an error). */
double sgd_population_error(double chi, double w1, double r);

/* E L(y F) with F y = (alpha/sqrt(d)) (w1 x + r u). */
double sgd_population_loss(const sgd_rule *q, const sgd_loss *l, size_t d, double w1, double r);

#endif
