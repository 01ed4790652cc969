/* ising.c -- a complete model outside the library: the Ising model on an L x L square lattice with periodic boundaries,
 *
 *     H = - sum over bonds <ij> of s_i s_j,    s_i = +-1,    J = k_B = 1.
 *
 * It needs nothing but <quench.h>.  To write a model of your own, copy this folder and go through the marks [1] to [8];
 * README.md says how to build and run it.
 *
 * Heat bath: Glauber 1963.  Clusters: Swendsen & Wang, PRL 58, 86 (1987).  Energy: Onsager, Phys. Rev. 65, 117 (1944);
 * magnetisation: Yang, Phys. Rev. 85, 808 (1952); finite lattices: Kaufman, Phys. Rev. 76, 1232 (1949). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quench.h>

/* ---- [1] parameters: what a sweep file may set ------------------------------------------------------------------ */

enum { HEATBATH, CLUSTER }; /* in the order of `choices` */
enum { ORDERED, RANDOM };

static const qn_param parameters[] = {
    {.name = "L", .type = QN_INT, .def = "32", .min = 2, .max = 8192, .unit = "1", .symbol = "L", .meaning = "linear size of the lattice"},
    {.name = "T", .type = QN_REAL, .def = "2.5", .min = 0, .max = 1000, .flags = QN_MIN_OPEN | QN_RETUNE, .unit = "J", .symbol = "T", .meaning = "temperature"},
    {.name = "dynamics", .type = QN_CHOICE, .def = "heatbath", .choices = "heatbath|cluster", .unit = "1",
     .meaning = "single spins, or Swendsen-Wang clusters, which mix at T_c too"},
    {.name = "start", .type = QN_CHOICE, .def = "ordered", .choices = "ordered|random", .unit = "1", .meaning = "first configuration"},
    {.name = NULL},
};

/* ---- [2] observables: what measure() puts, in this order -------------------------------------------------------- */

enum { U, U2, M, M_ABS, M2, M4 };

static const qn_observable observables[] = {
    {.name = "u", .kind = QN_SERIES, .unit = "J", .symbol = "u", .meaning = "energy per spin"},
    {.name = "u2", .kind = QN_SERIES, .unit = "J^2", .symbol = "u^2", .meaning = "square of the energy per spin"},
    {.name = "m", .kind = QN_SERIES, .unit = "1", .symbol = "m", .meaning = "magnetisation per spin"},
    {.name = "m_abs", .kind = QN_SERIES, .unit = "1", .symbol = "|m|", .meaning = "absolute magnetisation per spin"},
    {.name = "m2", .kind = QN_SERIES, .unit = "1", .symbol = "m^2", .meaning = "square of the magnetisation"},
    {.name = "m4", .kind = QN_SERIES, .unit = "1", .symbol = "m^4", .meaning = "fourth power of the magnetisation"},
    {.name = NULL},
};

/* Functions of their means; the core gives them an error. */
static const qn_derived derived[] = {
    {.name = "energy", .expression = "L^2*u", .unit = "J", .symbol = "E", .meaning = "energy of the whole lattice, by which reweight reweights"},
    {.name = "binder", .expression = "1 - m4/(3*m2^2)", .unit = "1", .symbol = "U_4", .meaning = "Binder's cumulant"},
    {.name = "specific_heat", .expression = "L^2*(u2 - u^2)/T^2", .unit = "1", .symbol = "C", .meaning = "specific heat per spin"},
    {.name = "susceptibility", .expression = "L^2*(m2 - m_abs^2)/T", .unit = "1/J", .symbol = "χ", .meaning = "susceptibility per spin"},
    {.name = NULL},
};

/* ---- [3] the state of one Markov chain -------------------------------------------------------------------------- */

typedef struct ising {
    size_t l;
    int dynamics;
    double up[5];     /* heat bath: probability of s = +1 where the neighbours sum to -4, -2, 0, 2, 4 */
    double bond;      /* clusters: probability of a bond between equal neighbours */
    int8_t *spin;     /* [l][l] */
    double *uniform;  /* [2 l] random numbers of one row */
    uint32_t *parent; /* clusters: [l][l], a site of the same cluster with a smaller number, or itself */
} ising;

static void destroy(void *state)
{
    ising *s = state;
    if (!s)
        return;
    free(s->spin);
    free(s->uniform);
    free(s->parent);
    free(s);
}

static void set_temperature(ising *s, double t)
{
    for (int k = 0; k < 5; k++)
        s->up[k] = 1 / (1 + exp(2 * (4 - 2 * k) / t));
    s->bond = -expm1(-2 / t);
}

/* [4] From parameters to the first state.  What create() leaves in *state, the core hands to destroy(), also after a failure. */
static int create(const qn_params *p, const void *shared, qn_streams *streams, void **state)
{
    (void)shared;
    ising *s = *state = calloc(1, sizeof *s);
    if (!s)
        return qn_fail(QN_ERR_NOMEM, "no memory for an Ising lattice");
    set_temperature(s, qn_real(p, "T"));
    s->l = (size_t)qn_int(p, "L");
    s->dynamics = qn_choice(p, "dynamics");
    size_t n = s->l * s->l;
    s->spin = malloc(n);
    s->uniform = malloc(2 * s->l * sizeof *s->uniform);
    s->parent = s->dynamics == CLUSTER ? malloc(n * sizeof *s->parent) : NULL;
    if (!s->spin || !s->uniform || (s->dynamics == CLUSTER && !s->parent))
        return qn_fail(QN_ERR_NOMEM, "no memory for an Ising lattice of L = %zu", s->l);
    bool random = qn_choice(p, "start") == RANDOM;
    for (size_t i = 0; i < n; i++)
        s->spin[i] = random && qn_rng_u64(&streams->dynamics) >> 63 ? -1 : 1;
    return 0;
}

/* ---- [5] one step: every spin gets the chance to move once ------------------------------------------------------ */

/* One colour of the chequerboard after the other: sites of one colour do not see each other, so their order is free and the
 * processor overlaps them.  (At odd L it does not close around the boundary; an update in place is right all the same.) */
static void heatbath(ising *s, qn_rng *rng)
{
    size_t l = s->l;
    for (size_t colour = 0; colour < 2; colour++)
        for (size_t y = 0; y < l; y++) {
            int8_t *row = s->spin + y * l;
            const int8_t *north = s->spin + (y ? y - 1 : l - 1) * l, *south = s->spin + (y + 1 < l ? y + 1 : 0) * l;
            size_t first = (y + colour) % 2, count = (l - first + 1) / 2;
            qn_rng_fill_uniform(rng, count, s->uniform);
            for (size_t k = 0; k < count; k++) {
                size_t x = first + 2 * k, west = x ? x - 1 : l - 1, east = x + 1 < l ? x + 1 : 0;
                int sum = row[west] + row[east] + north[x] + south[x];
                row[x] = (int8_t)(2 * (s->uniform[k] < s->up[(sum + 4) / 2]) - 1); /* no branch to mispredict */
            }
        }
}

static uint32_t root(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]]; /* halves the path on the way */
    return i;
}

static void join(uint32_t *parent, uint32_t i, uint32_t j)
{
    i = root(parent, i);
    j = root(parent, j);
    if (i < j)
        parent[j] = i;
    else
        parent[i] = j;
}

/* Bonds between equal neighbours with probability 1 - exp(-2/T), then one fair coin for each cluster. */
static void cluster(ising *s, qn_rng *rng)
{
    uint32_t l = (uint32_t)s->l, n = l * l;
    for (uint32_t i = 0; i < n; i++)
        s->parent[i] = i;
    for (uint32_t y = 0; y < l; y++) {
        qn_rng_fill_uniform(rng, 2 * s->l, s->uniform);
        for (uint32_t x = 0; x < l; x++) {
            uint32_t i = y * l + x, east = y * l + (x + 1) % l, south = (y + 1) % l * l + x;
            if (s->spin[i] == s->spin[east] && s->uniform[2 * x] < s->bond)
                join(s->parent, i, east);
            if (s->spin[i] == s->spin[south] && s->uniform[2 * x + 1] < s->bond)
                join(s->parent, i, south);
        }
    }
    for (uint32_t i = 0; i < n; i++) { /* a root is the first site of its cluster: it has its new spin before the others ask */
        uint32_t r = root(s->parent, i);
        s->spin[i] = r != i ? s->spin[r] : qn_rng_u64(rng) >> 63 ? 1 : -1;
    }
}

static int step(void *state, qn_streams *streams)
{
    ising *s = state;
    if (s->dynamics == CLUSTER)
        cluster(s, &streams->dynamics);
    else
        heatbath(s, &streams->dynamics);
    return 0;
}

/* Sums over bonds and over sites. */
static void add_up(const ising *s, int64_t *bonds, int64_t *up)
{
    size_t l = s->l;
    *bonds = *up = 0;
    for (size_t y = 0; y < l; y++) {
        const int8_t *row = s->spin + y * l, *south = s->spin + (y + 1 < l ? y + 1 : 0) * l;
        int32_t b = row[l - 1] * row[0], m = 0;
        for (size_t x = 0; x < l; x++) {
            b += row[x] * south[x];
            m += row[x];
        }
        for (size_t x = 0; x + 1 < l; x++)
            b += row[x] * row[x + 1];
        *bonds += b;
        *up += m;
    }
}

static int measure(void *state, qn_streams *streams, qn_record *record)
{
    (void)streams; /* a measurement that needs random numbers takes them from streams->measurement */
    const ising *s = state;
    int64_t bonds, up;
    add_up(s, &bonds, &up);
    double n = (double)(s->l * s->l), u = -(double)bonds / n, m = (double)up / n;
    qn_put(record, U, u);
    qn_put(record, U2, u * u);
    qn_put(record, M, m);
    qn_put(record, M_ABS, fabs(m));
    qn_put(record, M2, m * m);
    qn_put(record, M4, m * m * m * m);
    return 0;
}

/* ---- [6] checkpoints: all that the next step depends on; the core saves streams and record itself ---------------- */

static int save(const void *state, qn_group *g)
{
    const ising *s = state;
    return qn_save_bytes(g, "spin", s->l * s->l, s->spin);
}

static int load(void *state, const qn_group *g)
{
    ising *s = state;
    return qn_load_bytes(g, "spin", s->l * s->l, s->spin);
}

/* ---- [7] optional: what chained axes need, and a line about a task in progress ---------------------------------- */

static int retune(void *state, const qn_params *p)
{
    set_temperature(state, qn_real(p, "T"));
    return 0;
}

static double log_weight(void *state, size_t part, const qn_params *p)
{
    (void)part; /* a state is one configuration */
    int64_t bonds, up;
    add_up(state, &bonds, &up);
    return (double)bonds / qn_real(p, "T");
}

static void progress(const void *state, char *text, size_t size)
{
    const ising *s = state;
    int64_t bonds, up;
    add_up(s, &bonds, &up);
    snprintf(text, size, "u = %.4f, m = %.4f", -(double)bonds / (double)(s->l * s->l), (double)up / (double)(s->l * s->l));
}

/* ---- [8] optional: cost for the order of tasks and for `quench check`; theory to draw over the data --------------- */

static void cost(const qn_params *p, qn_cost *c)
{
    double l = qn_real(p, "L");
    c->step_s = l * l * (qn_choice(p, "dynamics") == CLUSTER ? 20e-9 : 3e-9);
    c->task_bytes = l * l * (qn_choice(p, "dynamics") == CLUSTER ? 5 : 1) + 16 * l;
}

enum { T_C, Q_U, Q_M, Q_M_ABS, Q_HEAT, Q_U_FINITE };

static const qn_quantity theory[] = {
    {.name = "T_c", .unit = "J", .symbol = "T_c", .locates = "T", .meaning = "critical temperature, infinite lattice"},
    {.name = "u", .unit = "J", .symbol = "u", .meaning = "energy per spin, infinite lattice"},
    {.name = "m", .unit = "1", .symbol = "m", .meaning = "spontaneous magnetisation, infinite lattice"},
    {.name = "m_abs", .unit = "1", .symbol = "|m|", .meaning = "the same, which |m| tends to"},
    {.name = "specific_heat", .unit = "1", .symbol = "C", .meaning = "specific heat per spin, infinite lattice"},
    {.name = "u_finite", .unit = "J", .symbol = "u_L", .meaning = "energy per spin of this L"},
    {.name = NULL},
};

/* Complete elliptic integrals K and E of modulus k = sqrt(1 - k1^2) by the arithmetic-geometric mean (Abramowitz & Stegun 17.6). */
static void elliptic(double k1, double *K, double *E)
{
    double a = 1, b = fmax(k1, 1e-300), c2 = 1 - b * b, sum = c2 / 2;
    for (double weight = 1; a - b > 1e-15 * a; weight *= 2) {
        double c = (a - b) / 2, g = sqrt(a * b);
        a = (a + b) / 2;
        b = g;
        sum += weight * c * c;
    }
    *K = acos(-1) / (2 * a);
    *E = *K * (1 - sum);
}

/* -d(ln Z)/d(beta) per spin on the L x L torus.  Kaufman's partition function is a common factor (2 sinh 2b)^(L^2/2)/2 times
 *   prod 2cosh(L g_r/2) + prod 2sinh(L g_r/2) over odd r < 2L  +  the same two over even r,
 *   cosh g_r = cosh^2(2b)/sinh(2b) - cos(pi r/L),  g_0 = 2b + ln tanh b (negative above T_c).
 * Each product is kept as a logarithm and a logarithmic derivative; g_0 and g_0' enter apart, since sinh(L g_0/2) changes sign. */
static double energy_finite(double beta, size_t l)
{
    if (beta > 100) /* exp(-8 beta) is nothing */
        return -2;
    double half = (double)l / 2, sh = sinh(2 * beta), ch = cosh(2 * beta);
    double g0 = 2 * beta + log(tanh(beta)), g0_slope = 2 + 2 / sh, x0 = half * g0, e0 = exp(-2 * fabs(x0));
    double log_of[4] = {0, 0, fabs(x0) + log1p(e0), fabs(x0)}, slope[4] = {0}; /* cosh, sinh of odd r; cosh, sinh of even r */
    slope[2] = half * g0_slope * tanh(x0);
    for (size_t r = 1; r < 2 * l; r++) {
        double c = ch * ch / sh - cos(acos(-1) * (double)r / (double)l), g = acosh(c);
        double g_slope = 2 * ch * (1 - 1 / (sh * sh)) / sqrt((c - 1) * (c + 1)), x = half * g;
        size_t k = r % 2 ? 0 : 2;
        log_of[k] += x + log1p(exp(-2 * x));
        log_of[k + 1] += x + log1p(-exp(-2 * x));
        slope[k] += half * g_slope * tanh(x);
        slope[k + 1] += half * g_slope / tanh(x);
    }
    double top = fmax(fmax(log_of[0], log_of[1]), fmax(log_of[2], log_of[3])), z = 0, dz = 0;
    for (size_t k = 0; k < 4; k++) {
        double weight = exp(log_of[k] - top), sign = k < 3 ? 1 : copysign(1 - e0, x0); /* k = 3: 2sinh(x0), without exp|x0| */
        z += weight * sign;
        dz += weight * sign * slope[k] + (k < 3 ? 0 : weight * half * g0_slope * (1 + e0));
    }
    return -ch / sh - dz / z / (double)(l * l);
}

static int theory_at(const qn_params *p, double *out)
{
    double beta = 1 / qn_real(p, "T"), th = tanh(2 * beta), k1 = 2 * th * th - 1, K, E, pi = acos(-1);
    elliptic(fabs(k1), &K, &E);
    out[T_C] = 2 / log(1 + sqrt(2));
    out[Q_U] = -(1 + 2 / pi * k1 * K) / th;
    out[Q_M] = out[Q_M_ABS] = qn_real(p, "T") < out[T_C] ? pow(1 - pow(sinh(2 * beta), -4), 0.125) : 0;
    out[Q_HEAT] = 2 / pi * pow(beta / th, 2) * (2 * K - 2 * E - (1 - k1) * (pi / 2 + k1 * K));
    out[Q_U_FINITE] = energy_finite(beta, (size_t)qn_int(p, "L"));
    return 0;
}

/* ---- the model -------------------------------------------------------------------------------------------------- */

static const qn_model model = {
    .abi = QN_ABI,
    .name = "ising",
    .summary = "Ising model on the square lattice",
    .reference = "Onsager, Phys. Rev. 65, 117 (1944)",
    .stream_version = 1, /* raise it when a change alters the random sequence: old results are then not mistaken for new ones */
    .parameters = parameters,
    .observables = observables,
    .derived = derived,
    .theory = theory,
    .cost = cost,
    .theory_at = theory_at,
    .create = create,
    .destroy = destroy,
    .step = step,
    .measure = measure,
    .save = save,
    .load = load,
    .retune = retune,
    .log_weight = log_weight,
    .progress = progress,
};

const qn_model *quench_model(void); /* the one name that the file exports */
const qn_model *quench_model(void)
{
    return &model;
}
