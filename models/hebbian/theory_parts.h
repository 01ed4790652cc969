/* theory_parts.h -- the equations behind theory.h.
 *
 * The crosstalk of the other patterns is a Gaussian field whose covariance between replicas of overlap q is load xi'(q)/2:
 *   distinct  xi(q) = q^P
 *   full      xi(q) = sum_{j < P/2} P!/[(2^j j!)^2 (P-2j)!] q^(P-2j)     (Hermite expansion of m^P)
 * On the condensed pattern acts the field h = a + sigma z, z standard normal, a = (P/2) m^(P-1), in units of energy.  For P >= 4
 * sigma^2 = load xi'(q)/2; for P = 2 the patterns feed back and sigma^2 = load q/(1-C)^2, C = (1-q)/T (Amit, Gutfreund,
 * Sompolinsky, Ann. Phys. 173 (1987) 30).
 *
 * Everything is written in T, C = (1-q)/T, d = 1-m and T E ln 2cosh(h/T), which stay finite at T = 0 and lose no digits there. */
#ifndef HEBBIAN_THEORY_PARTS_H
#define HEBBIAN_THEORY_PARTS_H

#include "energy.h"

#define HEB_MAX_P 64  /* of the theory */
#define HEB_NODES 64 /* Gauss-Legendre nodes a panel; GSL has these tabulated */

#define HEB_MOST_BINOMIAL 64 /* examples up to which their binomial law is summed */

/* Retrieval of an archetype known by examples (theory_learning.c). */
typedef struct heb_learning {
    bool on;                      /* else storage */
    double rho, signal, weight, top; /* top: the largest x, weight E|u| */
    size_t n;                     /* > 0: u by the binomial law of n examples of quality r, with these probabilities; 0: Gaussian */
    double r, p[HEB_MOST_BINOMIAL + 1];
} heb_learning;

typedef struct heb_theory {
    int p;
    double T;
    size_t terms;                 /* xi = sum_k coef[k] q^power[k] */
    int power[HEB_MAX_P / 2];
    double coef[HEB_MAX_P / 2];
    double node[HEB_NODES], weight[HEB_NODES]; /* on [-1, 1] */
    bool failed;                  /* a root was not found */
    heb_learning learning;
} heb_theory;

/* P even, 2 <= P <= HEB_MAX_P; T >= 0.  Nothing to free. */
int heb_theory_init(heb_theory *th, int p, heb_kind kind, double T) QN_NODISCARD;

double heb_xi(const heb_theory *th, double q);
double heb_xi1(const heb_theory *th, double q);        /* xi' */
double heb_xi2(const heb_theory *th, double q);        /* xi'' */
double heb_xi_slope(const heb_theory *th, double q);   /* [xi(1) - xi(q)]/(1-q), without cancellation at q = 1 */
double heb_xi_bend(const heb_theory *th, double q);    /* [xi(1) - xi(q) - (1-q) xi'(q)]/(1-q)^2 */

/* A root of f between lo and hi, where f has opposite signs; NaN, and th->failed, when it has not.  Brent's method, to `relative`. */
typedef struct heb_equation {
    double (*f)(double x, void *of);
    void *of;
} heb_equation;
double heb_root(heb_theory *th, heb_equation eq, double lo, double hi);
/* The x of the maximum of f in (lo, hi), given n points to look at on a geometric grid; of several hills the one at the largest x.  NaN when
 * f is nowhere positive. */
double heb_maximum(heb_theory *th, heb_equation eq, double lo, double hi, size_t n);

/* ---- Gaussian averages (theory_gauss.c) ---- */

typedef struct heb_moments {
    double d;  /* E[1 - tanh(h/T)] */
    double c;  /* E sech^2(h/T) / T */
    double s4; /* E sech^4(h/T) / T */
    double l;  /* T E ln 2cosh(h/T) */
} heb_moments;

/* h = a + sigma z with a, sigma, T >= 0. */
heb_moments heb_average(const heb_theory *th, double a, double sigma);

typedef struct heb_tilted {
    double log_z; /* ln E (2cosh(h/T))^(yT) */
    double c, s4; /* as above in the measure tilted by (2cosh(h/T))^(yT) */
    double l;     /* <T ln 2cosh(h/T)> */
} heb_tilted;

/* h = sigma z, sigma > 0, 0 <= y T <= 1. */
heb_tilted heb_tilted_average(const heb_theory *th, double sigma, double y);

/* ---- replica symmetry (theory_rs.c) ---- */

/* A solution of the RS equations. */
typedef struct heb_rs {
    double t;               /* -ln(1-m): the parameter along the retrieval branch */
    double m, q, a, sigma, load;
    double x;               /* the energy of the condensed pattern is -x^P/2: m in storage */
    double nu;              /* learning: the overlap with the examples that theory_learning.c calls x */
    heb_moments at;
} heb_rs;

/* The retrieval solution with 1 - m = exp(-t), stable or not: m fixes sigma, sigma fixes q, and the load is explicit.  load = 0 where
 * no sigma gives this m. */
heb_rs heb_rs_at(heb_theory *th, double t);
/* The range of t with a retrieval solution; false when there is none at this T.  At its upper end the load is 0. */
bool heb_rs_range(heb_theory *th, double *lo, double *hi);
/* Where the load is largest: retrieval exists below (load 0 and m NaN when nowhere). */
heb_rs heb_rs_spinodal(heb_theory *th);
/* The branch at a load below the spinodal's. */
heb_rs heb_rs_retrieval(heb_theory *th, const heb_rs *spinodal, double load);
/* m = 0 and q > 0 for P = 2: the spin glass, T < 1 + sqrt(load), load > 0. */
heb_rs heb_rs_glass(heb_theory *th, double load);

double heb_rs_f(const heb_theory *th, const heb_rs *s);
double heb_rs_u(const heb_theory *th, const heb_rs *s);
double heb_rs_replicon(const heb_theory *th, const heb_rs *s); /* RS is stable where it is positive; -inf at T = 0 */

/* ---- learning (theory_learning.c): heb_rs_at, _spinodal, _retrieval come here when th->learning.on ---- */

double heb_learning_top(double rho);
heb_rs heb_learning_at(heb_theory *th, double t); /* t = -ln(1 - x/top) */
heb_rs heb_learning_spinodal(heb_theory *th);
heb_rs heb_learning_retrieval(heb_theory *th, const heb_rs *spinodal, double load);
void heb_learning_law(heb_theory *th, size_t m, double r); /* from now on the binomial law of m <= HEB_MOST_BINOMIAL examples */
heb_rs heb_learning_upper(const heb_theory *th, double load); /* by iteration from above; x near 0 where nothing is retrieved */
/* E sign(h) at overlap m0 with the archetype, where nothing has reacted: the whole of one parallel step.  Storage too. */
double heb_learning_step(const heb_theory *th, double load, double m0);

/* ---- one step of replica symmetry breaking with retrieval, storage at P >= 4 (theory_rsb.c) ---- */

typedef struct heb_rsb {
    double m, q1, q2;   /* overlap between states, within one */
    double c, y, load, f; /* c = (1-q2)/T, y = x/T with Parisi's x */
} heb_rsb;

/* Where the branch with q1 < q2 has its largest load, and the branch at a smaller one; all NaN where it is not found: P = 2, learning, or
 * so warm or so little load that q1 = q2. */
heb_rsb heb_rsb_spinodal(heb_theory *th);
heb_rsb heb_rsb_retrieval(heb_theory *th, const heb_rsb *spinodal, double load);

/* ---- the state without retrieval (theory_glass.c) ---- */

typedef struct heb_rest {
    double q;        /* overlap within one state; 0 in the paramagnet */
    double y;        /* Parisi parameter over T, of one step of replica symmetry breaking; 0 when RS */
    double f, u, replicon;
} heb_rest;

/* Temperatures in units of sqrt(load): of the static transition, and of the dynamic one, below which there are many states.  For
 * P >= 4 one step of replica symmetry breaking; NaN for P = 2, where T_glass = 1 + sqrt(load). */
typedef struct heb_transitions {
    double glass, dynamic;
} heb_transitions;
heb_transitions heb_glass_transitions(heb_theory *th);

/* m = 0 at this load: the glass below T_glass, else the paramagnet. */
heb_rest heb_rest_at(heb_theory *th, const heb_transitions *at, double load);

#endif
