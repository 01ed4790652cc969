/* observables.c -- see observables.h. */
#include "observables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "settings.h"

#define OVER_TIME {QN_DIM_TIME}
#define OVER_SITES {QN_DIM_TIME, "site"}
#define OVER_DISTANCES {QN_DIM_TIME, "distance"}

const qn_observable povm_observables[] = {
    [POVM_O_T] = {"t", QN_CURVE, OVER_TIME, "1/γ", "t", "time, steps times tau; steady, fit: iterations", 0},
    [POVM_O_SX] = {"sx", QN_CURVE, OVER_TIME, "1", "⟨X⟩", "average of X over the sites", QN_OWN_ERROR},
    [POVM_O_SY] = {"sy", QN_CURVE, OVER_TIME, "1", "⟨Y⟩", "average of Y over the sites", QN_OWN_ERROR},
    [POVM_O_SZ] = {"sz", QN_CURVE, OVER_TIME, "1", "⟨Z⟩", "average of Z over the sites", QN_OWN_ERROR},
    [POVM_O_XX] = {"xx", QN_CURVE, OVER_TIME, "1", "⟨XX⟩", "average of XX over the bonds", QN_OWN_ERROR},
    [POVM_O_YY] = {"yy", QN_CURVE, OVER_TIME, "1", "⟨YY⟩", "average of YY over the bonds", QN_OWN_ERROR},
    [POVM_O_ZZ] = {"zz", QN_CURVE, OVER_TIME, "1", "⟨ZZ⟩", "average of ZZ over the bonds", QN_OWN_ERROR},
    [POVM_O_ENERGY] = {"energy", QN_CURVE, OVER_TIME, "γ", "⟨H⟩/N", "energy a site", QN_OWN_ERROR},
    [POVM_O_PURITY] = {"purity", QN_CURVE, OVER_TIME, "1", "Tr ρ^2", "purity of the state", 0},
    [POVM_O_SX_SITE] = {"sx_site", QN_CURVE, OVER_SITES, "1", "⟨X_i⟩", "average of X at a site", QN_OWN_ERROR},
    [POVM_O_SY_SITE] = {"sy_site", QN_CURVE, OVER_SITES, "1", "⟨Y_i⟩", "average of Y at a site", QN_OWN_ERROR},
    [POVM_O_SZ_SITE] = {"sz_site", QN_CURVE, OVER_SITES, "1", "⟨Z_i⟩", "average of Z at a site", QN_OWN_ERROR},
    [POVM_O_CORR_XX] = {"corr_xx", QN_CURVE, OVER_DISTANCES, "1", "C_{XX}(d)", "connected correlator of X, average over the pairs at a distance", QN_OWN_ERROR},
    [POVM_O_CORR_YY] = {"corr_yy", QN_CURVE, OVER_DISTANCES, "1", "C_{YY}(d)", "connected correlator of Y, average over the pairs at a distance", QN_OWN_ERROR},
    [POVM_O_CORR_ZZ] = {"corr_zz", QN_CURVE, OVER_DISTANCES, "1", "C_{ZZ}(d)", "connected correlator of Z, average over the pairs at a distance", QN_OWN_ERROR},
    [POVM_O_C] = {"C", QN_CURVE, OVER_TIME, "1", "C", "certificate, sum over strings of |LP| (steady) or of the residual of a time step (fbt)", QN_OWN_ERROR},
    [POVM_O_C_SUM] = {"C_sum", QN_CURVE, OVER_TIME, "1", "Σ C", "sum of C over the time steps, an estimate of what the error may have grown to", 0},
    [POVM_O_ESS] = {"ess", QN_CURVE, OVER_TIME, "1", "ESS", "effective sample size, as a part of the samples", 0},
    [POVM_O_IDENTITY] = {"identity", QN_CURVE, OVER_TIME, "γ", "d⟨Z⟩/dt", "stationarity identity, d<Z>/dt by the equation of motion, 0 in a steady state", QN_OWN_ERROR},
    [POVM_O_LOSS] = {"loss", QN_CURVE, OVER_TIME, "1", NULL, "objective of the optimisation, of its last batch", 0},
    [POVM_O_EVALUATIONS] = {"evaluations", QN_CURVE, OVER_TIME, "1", NULL, "positions of the network evaluated so far", 0},
    [POVM_O_INNER] = {"inner_done", QN_CURVE, OVER_TIME, "1", NULL, "inner iterations of the last time step", 0},
    [POVM_O_RESIDUAL] = {"residual", QN_CURVE, OVER_TIME, "1", NULL, "residual; exact_steady: largest |d<Q>/dt| over Pauli strings Q; tdvp: part of the variance of the local estimator that the network cannot follow", 0},
    [POVM_O_MIN_EIGENVALUE] = {"min_eigenvalue", QN_CURVE, OVER_TIME, "1", NULL, "smallest eigenvalue of the state, up to 6 sites", 0},
    [POVM_O_JUMPS] = {"n_jumps", QN_CURVE, OVER_TIME, "1", NULL, "jumps of a trajectory so far, average", QN_OWN_ERROR},
    [POVM_O_SX_MEAN] = {"sx_mean", QN_SERIES, {0}, "1", "⟨X⟩", "time average of X over the sites of trajectories", 0},
    [POVM_O_SY_MEAN] = {"sy_mean", QN_SERIES, {0}, "1", "⟨Y⟩", "time average of Y over the sites of trajectories", 0},
    [POVM_O_SZ_MEAN] = {"sz_mean", QN_SERIES, {0}, "1", "⟨Z⟩", "time average of Z over the sites of trajectories", 0},
    [POVM_O_ZZ_MEAN] = {"zz_mean", QN_SERIES, {0}, "1", "⟨ZZ⟩", "time average of ZZ over the bonds of trajectories", 0},
    [POVM_O_GAP] = {"gap", QN_OUTCOME, {0}, "γ", "Δ", "spectral gap of the Liouvillian, up to 4 sites", 0},
    [POVM_O_STATUS] = {"status", QN_OUTCOME, {0}, "1", NULL, "status, 0 all went well, 1 C small enough, 2 no lower C any more, 3 no convergence, 4 the loss is not a number, 5 the effective sample size fell below 1 %", 0},
    [POVM_O_THETA] = {"theta", QN_ARTIFACT, {"parameter"}, "1", NULL, "parameters of the network, after a header that names it", 0},
    [POVM_O_C_AVERAGE] = {"C_average", QN_OUTCOME, {0}, "1", NULL, "C of the averaged parameters at the end", QN_OWN_ERROR},
    [POVM_O_SX_AVERAGE] = {"sx_average", QN_OUTCOME, {0}, "1", NULL, "average of X over the sites by the averaged parameters at the end", QN_OWN_ERROR},
    [POVM_O_SY_AVERAGE] = {"sy_average", QN_OUTCOME, {0}, "1", NULL, "average of Y over the sites by the averaged parameters at the end", QN_OWN_ERROR},
    [POVM_O_SZ_AVERAGE] = {"sz_average", QN_OUTCOME, {0}, "1", NULL, "average of Z over the sites by the averaged parameters at the end", QN_OWN_ERROR},
    [POVM_OBSERVABLES] = {.name = NULL},
};

bool povm_look_provides(int obs)
{
    return obs <= POVM_O_ENERGY || (obs >= POVM_O_SX_SITE && obs <= POVM_O_CORR_ZZ);
}

/* ---- the sums of a look ------------------------------------------------------------------------------------------- */

enum {
    TOTALS = 7,  /* sx sy sz xx yy zz energy, then the sites: linear, a number a sample */
    CHUNK = 256, /* samples that are worked out at a time */
    MOST_K2 = POVM_OUTCOMES * POVM_OUTCOMES
};

struct povm_look {
    const povm_problem *problem;
    povm_distances distances;
    size_t n, k, n_linear, n_pairs, stride; /* n_pairs: distances that are measured */
    bool exact, jackknife;
    size_t samples;
    double weights, weights2;
    double *sum, *square;              /* [n_linear] */
    double *block;                     /* [POVM_LOOK_BLOCKS][stride]: weight, linear, products [3][n_pairs] */
    double energy_one[POVM_OUTCOMES], energy_two[MOST_K2];
    double *value;                     /* [CHUNK][n_linear] */
    double *dual, *weighted;           /* [CHUNK][n] of one letter */
    double *product;                   /* [n][n] */
};

/* Energy of a string: a number a site and a number a bond. */
static void set_energy(povm_look *l)
{
    const povm_frame *f = &l->problem->frame;
    const povm_terms *t = &l->problem->terms;
    for (int i = 0; i < t->n_hamiltonian; i++) {
        const povm_word *w = &t->hamiltonian[i];
        const int first = w->letter[0][0] - 'X' + 1, second = w->sites == 2 ? w->letter[1][0] - 'X' + 1 : 0;
        for (int a = 0; a < f->k; a++)
            for (int b = 0; b < f->k; b++) {
                if (w->sites == 2)
                    l->energy_two[a + f->k * b] += w->factor * f->dual[first][a] * f->dual[second][b];
                else if (b == 0)
                    l->energy_one[a] += w->factor * f->dual[first][a];
            }
    }
}

int povm_look_create(const povm_problem *problem, povm_look **out)
{
    povm_look *l = *out = calloc(1, sizeof *l);
    if (!l)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    l->problem = problem;
    l->n = (size_t)problem->lattice.n;
    l->k = (size_t)problem->frame.k;
    l->n_linear = TOTALS + 3 * l->n;
    int err = 0;
    if (l->n <= POVM_PAIR_SITES)
        err = povm_distances_create(&problem->lattice, &l->distances);
    l->n_pairs = (size_t)l->distances.count;
    l->stride = 1 + l->n_linear + 3 * l->n_pairs;
    l->sum = calloc(l->n_linear, sizeof *l->sum);
    l->square = calloc(l->n_linear, sizeof *l->square);
    l->block = calloc(POVM_LOOK_BLOCKS * l->stride, sizeof *l->block);
    l->value = calloc(CHUNK * l->n_linear, sizeof *l->value);
    l->dual = calloc(CHUNK * l->n, sizeof *l->dual);
    l->weighted = calloc(CHUNK * l->n, sizeof *l->weighted);
    l->product = calloc(l->n_pairs ? l->n * l->n : 1, sizeof *l->product);
    if (!err && !(l->sum && l->square && l->block && l->value && l->dual && l->weighted && l->product))
        err = qn_fail(QN_ERR_NOMEM, "out of memory");
    if (err) {
        povm_look_destroy(l);
        *out = NULL;
        return err;
    }
    set_energy(l);
    return 0;
}

void povm_look_destroy(povm_look *l)
{
    if (!l)
        return;
    povm_distances_free(&l->distances);
    free(l->sum);
    free(l->square);
    free(l->block);
    free(l->value);
    free(l->dual);
    free(l->weighted);
    free(l->product);
    free(l);
}

void povm_look_clear(povm_look *l)
{
    l->samples = 0;
    l->weights = l->weights2 = 0;
    l->exact = l->jackknife = false;
    memset(l->sum, 0, l->n_linear * sizeof *l->sum);
    memset(l->square, 0, l->n_linear * sizeof *l->square);
    memset(l->block, 0, POVM_LOOK_BLOCKS * l->stride * sizeof *l->block);
}

static void add_sample(povm_look *l, double *block, const double *value, double weight)
{
    l->samples++;
    l->weights += weight;
    l->weights2 += weight * weight;
    block[0] += weight;
    for (size_t j = 0; j < l->n_linear; j++) {
        l->sum[j] += weight * value[j];
        l->square[j] += weight * value[j] * value[j];
        block[1 + j] += weight * value[j];
    }
}

/* out[class] += product_ij over the pairs of every distance */
static void add_pairs(const povm_look *l, const double *product, double *out)
{
    for (size_t i = 0; i < l->n; i++)
        for (size_t j = i + 1; j < l->n; j++)
            if (l->distances.of[i * l->n + j] >= 0)
                out[l->distances.of[i * l->n + j]] += product[i * l->n + j];
}

/* ---- strings ------------------------------------------------------------------------------------------------------ */

static void string_energies(povm_look *l, size_t count, const uint8_t *strings)
{
    const povm_lattice *lattice = &l->problem->lattice;
    for (size_t s = 0; s < count; s++) {
        const uint8_t *a = strings + s * l->n;
        double energy = 0;
        for (size_t i = 0; i < l->n; i++)
            energy += l->energy_one[a[i]];
        for (int b = 0; b < lattice->n_bonds; b++)
            energy += l->energy_two[a[lattice->bond[b][0]] + l->k * a[lattice->bond[b][1]]];
        l->value[s * l->n_linear + 6] = energy / (double)l->n;
    }
}

/* One letter of `count` strings: sites, averages over sites and bonds, products of pairs. */
static void string_letter(povm_look *l, int letter, size_t count, const uint8_t *strings, const double *weight, double *block)
{
    const povm_lattice *lattice = &l->problem->lattice;
    const double *dual = l->problem->frame.dual[letter + 1];
    for (size_t s = 0; s < count; s++) {
        double *d = l->dual + s * l->n, *value = l->value + s * l->n_linear, sum = 0, near = 0;
        for (size_t i = 0; i < l->n; i++) {
            d[i] = dual[strings[s * l->n + i]];
            sum += d[i];
        }
        for (int b = 0; b < lattice->n_bonds; b++)
            near += d[lattice->bond[b][0]] * d[lattice->bond[b][1]];
        value[letter] = sum / (double)l->n;
        value[3 + letter] = near / lattice->n_bonds;
        memcpy(value + TOTALS + (size_t)letter * l->n, d, l->n * sizeof *d);
        for (size_t i = 0; i < l->n; i++)
            l->weighted[s * l->n + i] = (weight ? weight[s] : 1) * d[i];
    }
    if (!l->n_pairs)
        return;
    memset(l->product, 0, l->n * l->n * sizeof *l->product);
    qn_gemm_f64(QN_GEMM_OWN, QN_TN, l->n, l->n, count, l->weighted, l->n, l->dual, l->n, l->product, l->n);
    add_pairs(l, l->product, block + 1 + l->n_linear + (size_t)letter * l->n_pairs);
}

void povm_look_strings(povm_look *l, size_t count, const uint8_t *strings, const double *weight, bool correlated)
{
    l->jackknife |= weight || correlated;
    for (size_t b = 0; b < POVM_LOOK_BLOCKS; b++) {
        double *block = l->block + b * l->stride;
        for (size_t s = b * count / POVM_LOOK_BLOCKS, end = (b + 1) * count / POVM_LOOK_BLOCKS; s < end;) {
            const size_t now = end - s < CHUNK ? end - s : CHUNK;
            for (int letter = 0; letter < 3; letter++)
                string_letter(l, letter, now, strings + s * l->n, weight ? weight + s : NULL, block);
            string_energies(l, now, strings + s * l->n);
            for (size_t j = 0; j < now; j++)
                add_sample(l, block, l->value + j * l->n_linear, weight ? weight[s + j] : 1);
            s += now;
        }
    }
}

/* ---- states ------------------------------------------------------------------------------------------------------- */

static void add_state(povm_look *l, double *block, const povm_expectations *x)
{
    double *value = l->value;
    for (size_t letter = 0; letter < 3; letter++) {
        const double *site = x->one + letter * l->n;
        value[letter] = 0;
        for (size_t i = 0; i < l->n; i++)
            value[letter] += site[i] / (double)l->n;
        value[3 + letter] = x->near[letter];
        if (l->n_pairs && x->pair)
            add_pairs(l, x->pair + letter * l->n * l->n, block + 1 + l->n_linear + letter * l->n_pairs);
    }
    value[6] = x->energy;
    memcpy(value + TOTALS, x->one, 3 * l->n * sizeof *value);
    add_sample(l, block, value, 1);
}

void povm_look_exact(povm_look *l, const povm_expectations *x)
{
    add_state(l, l->block, x);
    l->exact = true;
}

void povm_look_state(povm_look *l, size_t index, size_t count, const povm_expectations *x)
{
    add_state(l, l->block + (count > POVM_LOOK_BLOCKS ? index * POVM_LOOK_BLOCKS / count : index) * l->stride, x);
}

/* ---- means and errors --------------------------------------------------------------------------------------------- */

/* Which linear number an observable is, with its element; n_linear: a correlator. */
static size_t linear_of(const povm_look *l, int obs, size_t k)
{
    if (obs >= POVM_O_SX && obs <= POVM_O_ENERGY)
        return (size_t)(obs - POVM_O_SX);
    if (obs >= POVM_O_SX_SITE && obs <= POVM_O_SZ_SITE)
        return TOTALS + (size_t)(obs - POVM_O_SX_SITE) * l->n + k;
    return l->n_linear;
}

/* Mean over the pairs at distance k of <P_i P_j> - <P_i><P_j>, out of sums laid out as a block's. */
static double connected(const povm_look *l, size_t letter, size_t k, const double *sums)
{
    const double *site = sums + 1 + TOTALS + letter * l->n, weight = sums[0];
    double apart = 0;
    for (size_t i = 0; i < l->n; i++)
        for (size_t j = i + 1; j < l->n; j++)
            if (l->distances.of[i * l->n + j] == (int)k)
                apart += site[i] * site[j];
    return (sums[1 + l->n_linear + letter * l->n_pairs + k] / weight - apart / (weight * weight)) / l->distances.pairs[k];
}

static double of_sums(const povm_look *l, int obs, size_t k, const double *sums)
{
    const size_t j = linear_of(l, obs, k);
    return j < l->n_linear ? sums[1 + j] / sums[0] : connected(l, (size_t)(obs - POVM_O_CORR_XX), k, sums);
}

/* Sums over all blocks but one; POVM_LOOK_BLOCKS leaves none out.  They are formed in l->value, which is large enough for one. */
static void sum_blocks(const povm_look *l, size_t without, double *sums)
{
    memset(sums, 0, l->stride * sizeof *sums);
    for (size_t b = 0; b < POVM_LOOK_BLOCKS; b++)
        for (size_t j = 0; j < l->stride && b != without; j++)
            sums[j] += l->block[b * l->stride + j];
}

double povm_look_mean(const povm_look *l, int obs, size_t k)
{
    const size_t j = linear_of(l, obs, k);
    if (j < l->n_linear)
        return l->sum[j] / l->weights;
    double *sums = malloc(l->stride * sizeof *sums), mean = NAN;
    if (sums) {
        sum_blocks(l, POVM_LOOK_BLOCKS, sums);
        mean = of_sums(l, obs, k, sums);
    }
    free(sums);
    return mean;
}

static double jackknife(const povm_look *l, int obs, size_t k)
{
    double *sums = malloc(l->stride * sizeof *sums), mean = 0, square = 0, blocks = 0;
    if (!sums)
        return NAN;
    for (size_t b = 0; b < POVM_LOOK_BLOCKS; b++) {
        if (!(l->block[b * l->stride] > 0))
            continue;
        sum_blocks(l, b, sums);
        const double x = of_sums(l, obs, k, sums), step = x - mean;
        blocks++;
        mean += step / blocks;
        square += step * (x - mean);
    }
    free(sums);
    return blocks > 1 ? sqrt((blocks - 1) / blocks * square) : NAN;
}

double povm_look_error(const povm_look *l, int obs, size_t k)
{
    const size_t j = linear_of(l, obs, k);
    if (l->exact)
        return 0;
    if (l->jackknife || j == l->n_linear)
        return jackknife(l, obs, k);
    const double n = (double)l->samples, mean = l->sum[j] / n;
    return n > 1 ? sqrt(fmax(l->square[j] / n - mean * mean, 0) / (n - 1)) : NAN;
}

double povm_look_ess(const povm_look *l)
{
    return l->weights * l->weights / l->weights2;
}

void povm_look_put(const povm_look *l, qn_record *r)
{
    for (int obs = POVM_O_SX; obs <= POVM_O_CORR_ZZ; obs++) {
        const size_t width = obs >= POVM_O_CORR_XX ? l->n_pairs : obs >= POVM_O_SX_SITE ? l->n : 1;
        if (!povm_look_provides(obs) || (obs >= POVM_O_XX && obs <= POVM_O_ZZ && !l->problem->lattice.n_bonds))
            continue;
        for (size_t k = 0; k < width; k++)
            qn_put_error(r, obs, k, povm_look_mean(l, obs, k), povm_look_error(l, obs, k));
    }
}

/* ---- dimensions --------------------------------------------------------------------------------------------------- */

static size_t distances(const qn_params *p, double *values)
{
    povm_lattice lattice;
    povm_distances d = {0};
    size_t n = 0;
    if (!povm_lattice_of(p, &lattice) && lattice.n <= POVM_PAIR_SITES && !povm_distances_create(&lattice, &d)) {
        n = (size_t)d.count;
        if (values)
            memcpy(values, d.value, n * sizeof *values);
        povm_distances_free(&d);
    }
    povm_lattice_free(&lattice);
    return n;
}

size_t povm_dimension(const qn_params *p, const char *dim, double *values)
{
    if (!strcmp(dim, "distance"))
        return distances(p, values);
    const size_t n = !strcmp(dim, "site") ? (size_t)povm_sites(p) : !strcmp(dim, "parameter") ? povm_theta_length(p) : 0;
    for (size_t k = 0; values && k < n; k++)
        values[k] = (double)k;
    return n;
}
