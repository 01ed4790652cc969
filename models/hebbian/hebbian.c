/* hebbian.c -- dense Hebbian networks: the model's tables and the life of one task.
 *
 * A task is R = replicas_per_disorder chains on one set of patterns.  "Pattern 1" is the nominated one: the first of iid patterns or of
 * a file's rows, the archetype of the cue's class for images.  Patterns are drawn from the disorder stream, starts and updates from
 * the dynamics stream (examples follow the patterns, number after number, for spin, pattern, example); chain 1 is the one that outcomes speak of, series are averages over the chains. */
#include "hebbian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "settings.h"
#include "source.h"
#include "theory.h"

/* ---- parameters ------------------------------------------------------------------------------------------------- */

#define SHARED (QN_DISORDER | QN_DATA)

static const qn_param parameters[] = {
    {.name = "N", .type = QN_INT, .def = "128", .min = 1, .max = HEB_MOST_SPINS, .unit = "1", .flags = QN_DISORDER,
     .meaning = "number of spins; patterns from files have their own"},
    {.name = "P", .type = QN_INT, .def = "4", .min = 2, .max = 64, .unit = "1", .flags = QN_DISORDER, .meaning = "spins in an interaction, even"},
    {.name = "load", .type = QN_REAL, .def = "0.05", .min = 0, .max = 1e6, .unit = "1", .symbol = "γ", .flags = QN_DISORDER,
     .meaning = "storage load, K = 2 load C(N,P)/N (norm exact), 2 load N^{P-1}/P! (asymptotic), at least 1"},
    {.name = "K", .type = QN_INT, .min = 1, .max = 9e15, .unit = "1", .flags = SHARED, .meaning = "number of patterns, in place of load; of a file: the first K"},
    {.name = "T", .type = QN_REAL, .def = "0.5", .min = 0, .max = 1e6, .unit = "1", .flags = QN_RETUNE, .meaning = "temperature, in units of the energy"},
    {.name = "energy", .type = QN_CHOICE, .def = "distinct", .choices = "distinct|full", .unit = "1",
     .meaning = "energy function, of products of distinct spins, or -(N/2) sum m^P with coinciding indices"},
    {.name = "dataset", .type = QN_CHOICE, .def = "archetypes", .choices = "archetypes|supervised|unsupervised", .unit = "1", .flags = QN_DISORDER,
     .meaning = "what is stored, the patterns, the mean of the noisy examples of each (supervised), or every example by itself (unsupervised)"},
    {.name = "M", .type = QN_INT, .def = "20", .min = 1, .max = INT16_MAX, .unit = "1", .flags = QN_DISORDER, .meaning = "number of examples of each pattern"},
    {.name = "r", .type = QN_REAL, .min = 0, .max = 1, .unit = "1", .flags = QN_DISORDER | QN_MIN_OPEN,
     .meaning = "quality of the examples, each of their spins is that of the pattern with probability (1+r)/2"},
    {.name = "rho", .type = QN_REAL, .min = 0, .max = 1e9, .unit = "1", .symbol = "ρ", .flags = QN_DISORDER,
     .meaning = "entropy of the data set, (1-r^2)/(M r^2), in place of M or r"},
    {.name = "example_file", .type = QN_PATH, .flags = SHARED, .meaning = "file of examples of patterns: file, rows of +-1, M rows of the first pattern, M of the second, ..."},
    {.name = "norm", .type = QN_CHOICE, .def = "exact", .choices = "exact|asymptotic", .unit = "1", .flags = QN_DISORDER,
     .meaning = "prefactor of the energy and of load, exact at every N, or the leading power of N"},
    {.name = "dynamics", .type = QN_CHOICE, .def = "heatbath", .choices = "heatbath|metropolis|zero", .unit = "1",
     .meaning = "dynamics of single spin flips; zero: descent at T = 0 until a sweep flips nothing"},
    {.name = "scan", .type = QN_CHOICE, .def = "random", .choices = "random|sequential", .unit = "1",
     .meaning = "order of the sites, drawn (zero: a new permutation each sweep), or one after the other"},
    {.name = "start", .type = QN_CHOICE, .def = "pattern", .choices = "pattern|random|noisy|file|example|spurious:3|spurious:5|spurious:7", .unit = "1",
     .meaning = "first state, pattern 1 (mnist: the cue), random, pattern 1 with flipped spins, rows of a file, the first example of pattern 1, or the signs of the sum of the first 3, 5, 7 patterns"},
    {.name = "start_overlap", .type = QN_REAL, .min = -1, .max = 1, .unit = "1", .symbol = "m_0",
     .meaning = "overlap of a noisy start, each spin of pattern 1 is flipped with probability (1-m_0)/2"},
    {.name = "start_file", .type = QN_PATH, .flags = QN_DATA, .meaning = "file of first states, rows of +-1; chain r takes row r, or the first again"},
    {.name = "replicas_per_disorder", .type = QN_INT, .def = "1", .min = 1, .max = 256, .unit = "1",
     .meaning = "chains on the same patterns; from 2 on their overlaps q are measured"},
    {.name = "retrieval_threshold", .type = QN_REAL, .def = "0.9", .min = 0, .max = 1, .unit = "1", .meaning = "overlap |m| from which a final state counts as retrieved"},
    {.name = "left_threshold", .type = QN_REAL, .def = "0.5", .min = 0, .max = 1, .unit = "1", .meaning = "overlap |m| below which a chain has left the pattern"},
    {.name = "patterns", .type = QN_CHOICE, .def = "iid", .choices = "iid|file|mnist", .unit = "1", .flags = SHARED,
     .meaning = "origin of the patterns, fair random signs, rows of a file, or archetypes of labelled images"},
    {.name = "pattern_file", .type = QN_PATH, .flags = SHARED, .meaning = "file of patterns, rows of +-1, text or HDF5; archetype file: one row a class"},
    {.name = "images", .type = QN_PATH, .flags = SHARED, .meaning = "IDX file of images, plain or .gz"},
    {.name = "labels", .type = QN_PATH, .flags = SHARED, .meaning = "IDX file of their labels"},
    {.name = "threshold", .type = QN_INT, .def = "128", .min = 1, .max = 255, .unit = "1", .flags = SHARED, .meaning = "pixel value (of 255) from which a spin is +1"},
    {.name = "drop_constant", .type = QN_BOOL, .def = "false", .unit = "1", .flags = SHARED, .meaning = "omission of pixels that are equal in all patterns"},
    {.name = "archetype", .type = QN_CHOICE, .def = "class_mean", .choices = "class_mean|first|file", .unit = "1", .flags = SHARED,
     .meaning = "pattern of a class, sign of the mean (tie: -1), its first item, or a row of pattern_file"},
    {.name = "classes", .type = QN_LIST, .def = "0, 1, 2, 3, 4, 5, 6, 7, 8, 9", .min = 0, .max = 255, .unit = "1", .flags = SHARED,
     .meaning = "labels that have an archetype"},
    {.name = "cue", .type = QN_CHOICE, .def = "archetype", .choices = "archetype|item", .unit = "1", .flags = QN_DATA,
     .meaning = "cue that mnist starts from, the archetype of a random class, or a random item of cue_images"},
    {.name = "cue_images", .type = QN_PATH, .flags = QN_DATA, .meaning = "IDX file of test images"},
    {.name = "cue_labels", .type = QN_PATH, .flags = QN_DATA, .meaning = "IDX file of their labels"},
    {.name = "cue_noise", .type = QN_REAL, .def = "0", .min = 0, .max = 1, .unit = "1", .meaning = "probability of a flipped pixel, in the cue"},
    {.name = "cue_blank", .type = QN_REAL, .def = "0", .min = 0, .max = 1, .unit = "1", .meaning = "probability of a blanked pixel, made background, -1, in the cue"},
    {.name = "histograms", .type = QN_BOOL, .def = "false", .unit = "1", .meaning = "histograms P(m), and P(q) of two or more chains, are kept"},
    {.name = "correlation_lags", .type = QN_INT, .def = "0", .min = 0, .max = 1000000, .unit = "sweeps", .meaning = "longest lag of C(t); 0: none"},
    {.name = "field_reuse", .type = QN_BOOL, .def = "true", .unit = "1", .meaning = "reuse of local fields between flips, faster where few spins move"},
    {.name = NULL},
};

/* ---- observables ------------------------------------------------------------------------------------------------ */

enum {
    U, U2, M, M_ABS, M2, M4, M_MAX, CROSSTALK, MEAN, MEAN2, NU, ACCEPTANCE, Q, Q2, Q4, SPINS,
    M_HISTOGRAM, Q_HISTOGRAM, CORRELATION, ARCHETYPE_OVERLAP, CONFUSION, GRAM, EXAMPLE_OVERLAP, MIXTURE,
    RETRIEVED, LEFT, M_START, M_FINAL, ONE_STEP, STABILITY, SWEEPS_TO_STOP, RECOGNISED, PIXEL_ERROR, PICTURES,
    N_REALISED, K_REALISED, LOAD_REALISED, M_REALISED, R_REALISED, RHO_REALISED, N_OBSERVABLES
};

static const qn_observable observables[] = {
    [U] = {"u", QN_SERIES, {0}, "1", "u", "energy per spin", 0},
    [U2] = {"u2", QN_SERIES, {0}, "1", "u^2", "squared energy per spin", 0},
    [M] = {"m", QN_SERIES, {0}, "1", "m", "overlap with pattern 1", 0},
    [M_ABS] = {"m_abs", QN_SERIES, {0}, "1", "|m|", "absolute overlap with pattern 1", 0},
    [M2] = {"m2", QN_SERIES, {0}, "1", "m^2", "squared overlap with pattern 1", 0},
    [M4] = {"m4", QN_SERIES, {0}, "1", "m^4", "fourth power of the overlap with pattern 1", 0},
    [M_MAX] = {"m_max", QN_SERIES, {0}, "1", "max_μ |m_μ|", "largest absolute overlap with any pattern", 0},
    [CROSSTALK] = {"crosstalk", QN_SERIES, {0}, "1", "Σ_{μ≥2} m_μ^2", "summed squared overlaps with the patterns beside pattern 1", 0},
    [MEAN] = {"n", QN_SERIES, {0}, "1", "n", "overlap with the examples of pattern 1, their mean", 0},
    [MEAN2] = {"n2", QN_SERIES, {0}, "1", "n^2", "squared overlap with the examples of pattern 1", 0},
    [NU] = {"nu", QN_SERIES, {0}, "1", "ν", "overlap with the examples of pattern 1 over the norm of their mean, n/R^{1/2}", 0},
    [ACCEPTANCE] = {"acceptance", QN_SERIES, {0}, "1", "a", "flips an update, in the last sweep", 0},
    [Q] = {"q", QN_SERIES, {0}, "1", "q", "overlap of two chains on the same patterns, over all pairs", 0},
    [Q2] = {"q2", QN_SERIES, {0}, "1", "q^2", "squared overlap of two chains", 0},
    [Q4] = {"q4", QN_SERIES, {0}, "1", "q^4", "fourth power of the overlap of two chains", 0},
    [SPINS] = {"spins", QN_SERIES, {0}, "1", "N", "number of spins", 0},
    [M_HISTOGRAM] = {"m_histogram", QN_CURVE, {"overlap"}, "1", "P(m)", "distribution of the overlap with pattern 1", QN_HISTOGRAM},
    [Q_HISTOGRAM] = {"q_histogram", QN_CURVE, {"overlap"}, "1", "P(q)", "distribution of the overlap of two chains", QN_HISTOGRAM},
    [CORRELATION] = {"correlation", QN_CURVE, {"lag"}, "1", "C(t)", "overlap of a chain with itself t sweeps before", 0},
    [ARCHETYPE_OVERLAP] = {"archetype_overlap", QN_CURVE, {"class"}, "1", "m_μ", "overlap with the archetype of each class", 0},
    [CONFUSION] = {"confusion", QN_CURVE, {"class", "recalled"}, "1", "P(class, recalled)", "class of the cue against class of the largest final overlap", QN_HISTOGRAM},
    [GRAM] = {"gram", QN_CURVE, {"class", "recalled"}, "1", "ξ^μ·ξ^ν/N", "overlaps of the archetypes with each other", 0},
    [EXAMPLE_OVERLAP] = {"example_overlap", QN_CURVE, {"example"}, "1", "n_{1,a}", "overlap with each example of pattern 1", 0},
    [MIXTURE] = {"mixture_overlap", QN_CURVE, {"component"}, "1", "m_μ", "overlap with each pattern of the mixture", 0},
    [RETRIEVED] = {"retrieved", QN_OUTCOME, {0}, "1", "P_{ret}", "probability of retrieval, final |m| reaches retrieval_threshold", QN_BINARY},
    [LEFT] = {"left", QN_OUTCOME, {0}, "1", "P_{left}", "probability of leaving the pattern, final |m| is below left_threshold", QN_BINARY},
    [M_START] = {"m_start", QN_OUTCOME, {0}, "1", "m(0)", "overlap of the start with pattern 1", 0},
    [M_FINAL] = {"m_final", QN_OUTCOME, {0}, "1", "m(∞)", "final overlap with pattern 1", 0},
    [ONE_STEP] = {"one_step", QN_OUTCOME, {0}, "1", "m(1)", "overlap with pattern 1 after one parallel step, all spins of the start set along their fields at once", 0},
    [STABILITY] = {"stability", QN_OUTCOME, {0}, "1", "P(ξh>0)", "fraction of spins along their fields in pattern 1", 0},
    [SWEEPS_TO_STOP] = {"sweeps_to_stop", QN_OUTCOME, {0}, "sweeps", "t_{stop}", "sweeps of the descent, the one that flips nothing included", 0},
    [RECOGNISED] = {"recognised", QN_OUTCOME, {0}, "1", NULL, "accuracy of recognition, the largest final overlap is with the class of the cue", QN_BINARY},
    [PIXEL_ERROR] = {"pixel_error", QN_OUTCOME, {0}, "1", NULL, "pixel error, fraction of final pixels that differ from the archetype of the cue's class", 0},
    [PICTURES] = {"pictures", QN_ARTIFACT, {"panel", "row", "column"}, "1", NULL, "start, final state and archetype of the cue's class as images of +-1; pixels without a spin are NaN", 0},
    [N_REALISED] = {"N_realised", QN_OUTCOME, {0}, "1", "N", "number of spins in the files", QN_POSITION},
    [K_REALISED] = {"K_realised", QN_OUTCOME, {0}, "1", "K", "number of patterns", QN_POSITION},
    [LOAD_REALISED] = {"load_realised", QN_OUTCOME, {0}, "1", "γ", "load of the K patterns", QN_POSITION},
    [M_REALISED] = {"M_realised", QN_OUTCOME, {0}, "1", "M", "number of examples of each pattern", QN_POSITION},
    [R_REALISED] = {"r_realised", QN_OUTCOME, {0}, "1", "r", "quality of the examples", QN_POSITION},
    [RHO_REALISED] = {"rho_realised", QN_OUTCOME, {0}, "1", "ρ", "entropy of the data set", QN_POSITION},
    [N_OBSERVABLES] = {.name = NULL},
};

static const qn_derived derived[] = {
    {"total_energy", "spins*u", "1", "E", "energy of all spins, by which reweight reweights", 0},
    {"specific_heat", "spins*(u2 - u^2)/T^2", "1", "C", "specific heat per spin", QN_PER_REPLICA},
    {"susceptibility", "spins*(m2 - m_abs^2)/T", "1", "χ", "susceptibility of m", QN_PER_REPLICA},
    {"binder", "1 - m4/(3*m2^2)", "1", "U_4", "Binder's cumulant of m", 0},
    {"sg_susceptibility", "spins*q2", "1", "χ_{SG}", "spin-glass susceptibility", 0},
    {"binder_q", "(3 - q4/q2^2)/2", "1", "g_q", "Binder's cumulant of q", 0},
    {.name = NULL},
};

static size_t dimension(const qn_params *p, const char *dim, double *values)
{
    size_t n = 0;
    if (!strcmp(dim, "overlap")) {
        n = qn_bool(p, "histograms") ? (size_t)qn_int(p, "N") + 1 : 0;
        for (size_t k = 0; values && k < n; k++)
            values[k] = (2 * (double)k - (double)(n - 1)) / (double)(n - 1);
    } else if (!strcmp(dim, "lag")) {
        n = qn_int(p, "correlation_lags") ? (size_t)qn_int(p, "correlation_lags") + 1 : 0;
        for (size_t k = 0; values && k < n; k++)
            values[k] = (double)k;
    } else if (!strcmp(dim, "example") || !strcmp(dim, "component")) {
        heb_settings s;
        if (dim[0] == 'c' ? qn_choice(p, "start") >= HEB_MIXTURE : qn_choice(p, "dataset") == HEB_UNSUPERVISED)
            n = heb_settings_read(p, NULL, &s) ? 0 : dim[0] == 'c' ? s.mixed : (size_t)s.examples.m;
        for (size_t k = 0; values && k < n; k++)
            values[k] = (double)k + 1;
    } else if (!strcmp(dim, "panel") || !strcmp(dim, "row") || !strcmp(dim, "column")) {
        heb_size size;
        if (qn_choice(p, "patterns") == HEB_IMAGES && !heb_source_size(p, &size, NULL))
            n = dim[0] == 'p' ? 3 : dim[0] == 'r' ? size.rows : size.cols;
        for (size_t k = 0; values && k < n; k++)
            values[k] = (double)k;
    } else if (qn_choice(p, "patterns") == HEB_IMAGES) { /* class, recalled */
        const double *label = qn_list(p, "classes", &n);
        if (values)
            memcpy(values, label, n * sizeof *label);
    }
    return n;
}

static bool provides(const qn_params *p, int obs)
{
    heb_start start = (heb_start)qn_choice(p, "start");
    switch (obs) {
    case Q: case Q2: case Q4:
        return qn_int(p, "replicas_per_disorder") > 1;
    case Q_HISTOGRAM:
        return qn_int(p, "replicas_per_disorder") > 1 && qn_bool(p, "histograms");
    case M_HISTOGRAM:
        return qn_bool(p, "histograms");
    case CORRELATION:
        return qn_int(p, "correlation_lags") > 0;
    case LEFT:
        return start == HEB_AT_PATTERN || start == HEB_NOISY;
    case MEAN: case MEAN2: case NU: case M_REALISED: case R_REALISED: case RHO_REALISED:
        return qn_choice(p, "dataset") != HEB_ARCHETYPES;
    case EXAMPLE_OVERLAP:
        return qn_choice(p, "dataset") == HEB_UNSUPERVISED;
    case MIXTURE:
        return start >= HEB_MIXTURE;
    case SWEEPS_TO_STOP:
        return qn_choice(p, "dynamics") == HEB_ZERO;
    case ARCHETYPE_OVERLAP: case CONFUSION: case GRAM: case RECOGNISED: case PIXEL_ERROR: case PICTURES:
        return qn_choice(p, "patterns") == HEB_IMAGES;
    case N_REALISED:
        return qn_choice(p, "patterns") != HEB_IID;
    default:
        return true;
    }
}

/* ---- data that tasks share -------------------------------------------------------------------------------------- */

static int prepare(const qn_params *p, void **shared)
{
    heb_source *x = malloc(sizeof *x);
    if (!x)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    int err = heb_source_load(p, x, NULL);
    if (err)
        free(x);
    else
        *shared = x;
    return err;
}

static void release(void *shared)
{
    if (shared)
        heb_source_free(shared);
    free(shared);
}

/* ---- one task --------------------------------------------------------------------------------------------------- */

/* C(t) by reference states that are renewed every `lags` sweeps; the first is taken at the first measurement. */
typedef struct correlation {
    size_t lags, at;          /* 0 lags: off; sweeps since the reference */
    bool started;
    int8_t *reference;        /* [chains][n] */
    int64_t *product, *times; /* [lags+1] summed s(t0) s(t0+t) over chains and sites, and how often */
} correlation;

typedef struct task {
    heb_settings set;
    const heb_source *source;
    heb_patterns own;         /* iid */
    const heb_patterns *patterns;
    heb_patterns examples;    /* unsupervised: all, those of a pattern together */
    heb_folded folded;        /* supervised */
    int16_t *overlap;         /* unsupervised: [slots] with the patterns, of the chain looked at last */
    int8_t *example;          /* [n] the first example of pattern 1 */
    heb_problem problem;
    heb_chain *chain;         /* [set.chains] */
    size_t target;            /* pattern 1, counted from 0 */
    double m_start, one_step, stability;
    int8_t *start;            /* images: the first state of chain 1 */
    int64_t sweeps, updates, flips; /* sweeps of the task; the others of the last one */
    int64_t *stopped;         /* [set.chains] HEB_ZERO: the sweep that flipped nothing, or 0 */
    correlation c;
} task;

/* Overlaps of a chain with the patterns, [k]; good until the next call. */
static const int16_t *overlaps(heb_chain *c, const task *t)
{
    heb_chain_overlaps(c);
    if (!t->overlap)
        return c->m;
    memset(t->overlap, 0, (t->set.k + 63) / 64 * 64 * sizeof *t->overlap);
    heb_kernel_get()->overlaps(t->patterns, c->s, t->overlap);
    return t->overlap;
}

static int32_t target_overlap(heb_chain *c, const task *t)
{
    return overlaps(c, t)[t->target];
}

/* sum_i s_i etabar_i of pattern 1 */
static double mean_overlap(const heb_chain *c, const task *t)
{
    size_t m = (size_t)t->set.examples.m;
    if (t->set.examples.kind == HEB_SUPERVISED)
        return (double)c->power[t->target] / (double)m;
    int64_t sum = 0;
    for (size_t a = 0; a < m; a++)
        sum += c->m[t->target * m + a];
    return (double)sum / (double)m;
}

static double per_spin(const task *t, double x)
{
    return x / (double)t->set.n;
}

/* A sign that is -1 with the given probability. */
static int8_t noise(qn_rng *rng, double probability)
{
    return qn_rng_uniform(rng) < probability ? -1 : 1;
}

static int8_t mixture(const task *t, size_t i)
{
    int sum = 0;
    for (size_t mu = 0; mu < t->set.mixed; mu++)
        sum += heb_patterns_at_site(t->patterns, i, mu);
    return sum > 0 ? 1 : -1;
}

/* The first state of chain r; xi is pattern 1. */
static void draw_start(task *t, size_t r, const int8_t *cue, const int8_t *xi, qn_rng *rng, int8_t *s)
{
    const heb_settings *set = &t->set;
    for (size_t i = 0; i < set->n; i++)
        switch (set->start) {
        case HEB_AT_RANDOM:
            s[i] = noise(rng, 0.5);
            break;
        case HEB_NOISY:
            s[i] = (int8_t)(xi[i] * noise(rng, (1 - set->start_overlap) / 2));
            break;
        case HEB_AT_EXAMPLE:
            s[i] = t->example[i];
            break;
        case HEB_FROM_FILE:
            s[i] = t->source->start.s[r % t->source->start.rows * set->n + i];
            break;
        default:
            if (set->mixed) {
                s[i] = mixture(t, i);
                break;
            }
            s[i] = cue[i];
            if (set->cue_noise > 0)
                s[i] = (int8_t)(s[i] * noise(rng, set->cue_noise));
            if (set->cue_blank > 0 && noise(rng, set->cue_blank) < 0)
                s[i] = -1;
        }
}

/* One parallel step at T = 0 from the present state of chain 1, and the fraction of spins along their field in pattern 1. */
static void look_at_fields(task *t, const int8_t *xi, const int8_t *start)
{
    heb_chain *c = &t->chain[0];
    size_t stable = 0;
    int64_t dot = 0;
    heb_chain_set(c, xi);
    for (size_t i = 0; i < t->set.n; i++)
        stable += heb_chain_aligned(c, i) > 0;
    heb_chain_set(c, start);
    for (size_t i = 0; i < t->set.n; i++)
        dot += heb_chain_aligned(c, i) < 0 ? -start[i] * xi[i] : start[i] * xi[i];
    t->stability = per_spin(t, (double)stable);
    t->one_step = per_spin(t, (double)dot);
    t->m_start = per_spin(t, target_overlap(c, t));
}

static int set_starts(task *t, qn_rng *rng)
{
    size_t n = t->set.n;
    int8_t *xi = malloc(n), *s = malloc(n), *first = malloc(n);
    if (t->set.origin == HEB_IMAGES)
        t->start = malloc(n);
    int err = xi && s && first && (t->start || t->set.origin != HEB_IMAGES) ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for the start of N = %zu spins", n);
    const int8_t *cue = xi;
    if (t->set.origin == HEB_IMAGES && t->set.cue_item) {
        size_t item = (size_t)qn_rng_below(rng, t->source->n_cues);
        t->target = t->source->cue_pattern[item];
        cue = t->source->cue + item * n;
    } else if (t->set.origin == HEB_IMAGES) {
        t->target = (size_t)qn_rng_below(rng, t->set.k);
    }
    if (!err)
        heb_patterns_get(t->patterns, t->target, xi);
    for (size_t r = 0; r < t->set.chains && !err; r++) {
        draw_start(t, r, cue, xi, rng, r ? s : first);
        if (r)
            heb_chain_set(&t->chain[r], s);
        else
            look_at_fields(t, xi, first);
    }
    if (t->start && !err)
        memcpy(t->start, first, n);
    free(xi);
    free(s);
    free(first);
    return err;
}

static int correlation_init(correlation *c, size_t lags, size_t spins)
{
    c->lags = lags;
    if (!lags)
        return 0;
    c->reference = calloc(spins, 1);
    c->product = calloc(lags + 1, sizeof *c->product);
    c->times = calloc(lags + 1, sizeof *c->times);
    return c->reference && c->product && c->times ? 0 : qn_fail(QN_ERR_NOMEM, "no memory for the correlation of %zu lags", lags);
}

static void destroy(void *state)
{
    task *t = state;
    if (!t)
        return;
    for (size_t r = 0; t->chain && r < t->set.chains; r++)
        heb_chain_free(&t->chain[r]);
    free(t->chain);
    free(t->stopped);
    free(t->start);
    free(t->c.reference);
    free(t->c.product);
    free(t->c.times);
    heb_problem_free(&t->problem);
    heb_patterns_free(&t->own);
    heb_patterns_free(&t->examples);
    heb_folded_free(&t->folded);
    free(t->overlap);
    free(t->example);
    free(t);
}

/* Examples of every pattern, from the file or drawn, and the problem that stores them. */
static int set_examples(task *t, qn_rng *rng)
{
    size_t n = t->set.n, k = t->set.k, m = (size_t)t->set.examples.m;
    bool supervised = t->set.examples.kind == HEB_SUPERVISED;
    double wrong = (1 - t->set.examples.r) / 2;
    t->example = malloc(n);
    if (!supervised)
        t->overlap = aligned_alloc(64, (k + 63) / 64 * 64 * sizeof *t->overlap);
    if (!t->example || !(supervised || t->overlap))
        return qn_fail(QN_ERR_NOMEM, "no memory for the examples of N = %zu spins", n);
    int err = supervised ? heb_folded_init(&t->folded, n, k, m) : heb_patterns_init(&t->examples, n, k * m);
    for (size_t i = 0; i < n && !err; i++)
        for (size_t mu = 0; mu < k; mu++) {
            int xi = heb_patterns_at_site(t->patterns, i, mu), sum = 0;
            for (size_t a = 0; a < m; a++) {
                size_t row = mu * m + a;
                int eta = t->set.origin == HEB_ROWS ? t->source->examples.s[row * n + i] : xi * noise(rng, wrong);
                sum += eta;
                if (!supervised && eta > 0)
                    t->examples.bits[i * t->examples.words + row / 16] |= (uint16_t)(1u << row % 16);
                if (row == 0)
                    t->example[i] = (int8_t)eta;
            }
            if (supervised)
                t->folded.w[i * t->folded.slots + mu] = (int16_t)sum;
        }
    return err;
}

static int set_problem(task *t, qn_rng *rng)
{
    const heb_settings *s = &t->set;
    if (s->examples.kind == HEB_ARCHETYPES)
        return heb_problem_init(&t->problem, s->p, s->kind, s->norm, t->patterns);
    int err = set_examples(t, rng);
    double r2 = s->examples.r * s->examples.r, m = s->examples.m;
    if (err)
        return err;
    if (s->examples.kind == HEB_SUPERVISED)
        return heb_folded_problem(&t->problem, s->p, s->kind, s->norm, &t->folded, r2 + (1 - r2) / m, t->patterns);
    double r2p = pow(r2, s->p);
    err = heb_problem_init(&t->problem, s->p, s->kind, s->norm, &t->examples);
    if (!err)
        heb_energy_scale(&t->problem.energy, 1 / (m * sqrt(r2p + (1 - r2p) / m)));
    return err;
}

static int create(const qn_params *p, const void *shared, qn_streams *streams, void **state)
{
    task *t = *state = calloc(1, sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    t->source = shared;
    int err = heb_settings_read(p, t->source, &t->set);
    if (!err && t->set.origin == HEB_IID) {
        err = heb_patterns_init(&t->own, t->set.n, t->set.k);
        if (!err)
            heb_patterns_draw(&t->own, &streams->disorder);
    }
    t->patterns = t->set.origin == HEB_IID ? &t->own : &t->source->patterns;
    if (!err)
        err = set_problem(t, &streams->disorder);
    t->chain = err ? NULL : calloc(t->set.chains, sizeof *t->chain);
    t->stopped = calloc(t->set.chains, sizeof *t->stopped);
    if (!err && (!t->chain || !t->stopped))
        err = qn_fail(QN_ERR_NOMEM, "no memory for %zu chains", t->set.chains);
    for (size_t r = 0; r < t->set.chains && !err; r++)
        err = heb_chain_init(&t->chain[r], &t->problem, t->set.reuse);
    if (!err)
        err = correlation_init(&t->c, t->set.lags, t->set.chains * t->set.n);
    return err ? err : set_starts(t, &streams->dynamics);
}

static int64_t product(size_t n, const int8_t *a, const int8_t *b)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n;) { /* 32 bits suffice for a block */
        size_t end = n - i > 32768 ? i + 32768 : n;
        int32_t part = 0;
        for (; i < end; i++)
            part += a[i] * b[i];
        sum += part;
    }
    return sum;
}

static void correlate(task *t)
{
    correlation *c = &t->c;
    for (size_t r = 0; r < t->set.chains; r++)
        c->product[c->at] += product(t->set.n, t->chain[r].s, c->reference + r * t->set.n);
    c->times[c->at]++;
}

static void renew_reference(task *t)
{
    for (size_t r = 0; r < t->set.chains; r++)
        memcpy(t->c.reference + r * t->set.n, t->chain[r].s, t->set.n);
    t->c.at = 0;
    correlate(t);
}

static int step(void *state, qn_streams *streams)
{
    task *t = state;
    t->sweeps++;
    t->updates = t->flips = 0;
    for (size_t r = 0; r < t->set.chains; r++) {
        if (t->stopped[r])
            continue;
        size_t flips = heb_chain_sweep(&t->chain[r], t->set.rule, t->set.sequential, t->set.temperature, &streams->dynamics);
        if (t->set.rule == HEB_ZERO && !flips)
            t->stopped[r] = t->sweeps;
        t->flips += (int64_t)flips;
        t->updates += (int64_t)t->set.n;
    }
    if (t->c.started) {
        t->c.at++;
        correlate(t);
        if (t->c.at == t->c.lags)
            renew_reference(t);
    }
    return 0;
}

static qn_end done(const void *state)
{
    const task *t = state;
    for (size_t r = 0; r < t->set.chains; r++)
        if (!t->stopped[r])
            return QN_GOING;
    return QN_ENDED;
}

/* ---- measuring -------------------------------------------------------------------------------------------------- */

static void measure_chains(task *t, qn_record *rec)
{
    bool learning = t->set.examples.kind != HEB_ARCHETYPES;
    double n = (double)t->set.n, sum[NU + 1] = {0}, R = t->set.examples.r * t->set.examples.r * (1 + t->set.examples.rho);
    int last = learning ? NU : CROSSTALK;
    for (size_t r = 0; r < t->set.chains; r++) {
        heb_summary x;
        const int16_t *overlap_of = overlaps(&t->chain[r], t);
        heb_chain_summary(&t->chain[r], &x);
        if (t->overlap) { /* of examples so far */
            double energy = x.energy;
            heb_overlap_summary(t->set.k, overlap_of, &x);
            x.energy = energy;
        }
        int32_t overlap = overlap_of[t->target];
        double mean = learning ? mean_overlap(&t->chain[r], t) / n : 0;
        double u = x.energy / n, m = overlap / n;
        const double value[] = {[U] = u, [U2] = u * u, [M] = m, [M_ABS] = fabs(m), [M2] = m * m, [M4] = m * m * m * m, [M_MAX] = x.m_max / n,
                                [CROSSTALK] = (double)(x.sum_m2 - (int64_t)overlap * overlap) / (n * n), [MEAN] = mean, [MEAN2] = mean * mean, [NU] = mean / sqrt(R)};
        for (int i = 0; i <= last; i++)
            sum[i] += value[i];
        if (t->set.histograms)
            qn_count(rec, M_HISTOGRAM, (size_t)(overlap + (int32_t)t->set.n) / 2, 1);
        for (size_t mu = 0; t->set.origin == HEB_IMAGES && mu < t->set.k; mu++)
            qn_put_at(rec, ARCHETYPE_OVERLAP, t->source->class_of[mu], overlap_of[mu] / n);
        for (size_t mu = 0; mu < t->set.mixed; mu++)
            qn_put_at(rec, MIXTURE, mu, overlap_of[mu] / n);
        size_t examples = t->overlap ? (size_t)t->set.examples.m : 0;
        for (size_t a = 0; a < examples; a++)
            qn_put_at(rec, EXAMPLE_OVERLAP, a, t->chain[r].m[t->target * examples + a] / n);
    }
    for (int i = 0; i <= last; i++)
        qn_put(rec, i, sum[i] / (double)t->set.chains);
}

static void measure_pairs(const task *t, qn_record *rec)
{
    double n = (double)t->set.n, pairs = (double)(t->set.chains * (t->set.chains - 1) / 2), q1 = 0, q2 = 0, q4 = 0;
    for (size_t a = 0; a < t->set.chains; a++)
        for (size_t b = 0; b < a; b++) {
            int64_t dot = product(t->set.n, t->chain[a].s, t->chain[b].s);
            double q = (double)dot / n;
            q1 += q;
            q2 += q * q;
            q4 += q * q * q * q;
            if (t->set.histograms)
                qn_count(rec, Q_HISTOGRAM, (size_t)(dot + (int64_t)t->set.n) / 2, 1);
        }
    qn_put(rec, Q, q1 / pairs);
    qn_put(rec, Q2, q2 / pairs);
    qn_put(rec, Q4, q4 / pairs);
}

static int measure(void *state, qn_streams *streams, qn_record *rec)
{
    (void)streams;
    task *t = state;
    measure_chains(t, rec);
    if (t->set.chains > 1)
        measure_pairs(t, rec);
    qn_put(rec, SPINS, (double)t->set.n);
    qn_put(rec, ACCEPTANCE, t->updates ? (double)t->flips / (double)t->updates : 0);
    if (t->c.lags && !t->c.started) {
        t->c.started = true;
        renew_reference(t);
    }
    return 0;
}

static void finish_images(const task *t, qn_record *rec)
{
    const heb_source *x = t->source;
    const int16_t *m = t->chain[0].m;
    size_t best = 0;
    for (size_t mu = 0; mu < t->set.k; mu++) {
        best = m[mu] > m[best] ? mu : best;
        for (size_t nu = 0; nu < t->set.k; nu++)
            qn_put_at(rec, GRAM, x->class_of[mu] * x->n_classes + x->class_of[nu], x->gram[mu * t->set.k + nu]);
    }
    qn_count(rec, CONFUSION, x->class_of[t->target] * x->n_classes + x->class_of[best], 1);
    qn_put(rec, RECOGNISED, best == t->target);
    qn_put(rec, PIXEL_ERROR, (1 - per_spin(t, m[t->target])) / 2);
    size_t picture = x->rows * x->cols;
    for (size_t i = 0; i < t->set.n; i++) {
        qn_put_at(rec, PICTURES, x->pixel[i], t->start[i]);
        qn_put_at(rec, PICTURES, picture + x->pixel[i], t->chain[0].s[i]);
        qn_put_at(rec, PICTURES, 2 * picture + x->pixel[i], heb_patterns_at_site(t->patterns, i, t->target));
    }
}

static int finish(void *state, qn_streams *streams, qn_record *rec)
{
    (void)streams;
    task *t = state;
    double m = per_spin(t, target_overlap(&t->chain[0], t));
    qn_put(rec, M_START, t->m_start);
    qn_put(rec, ONE_STEP, t->one_step);
    qn_put(rec, STABILITY, t->stability);
    qn_put(rec, M_FINAL, m);
    qn_put(rec, RETRIEVED, fabs(m) >= t->set.retrieved);
    if (t->set.start == HEB_AT_PATTERN || t->set.start == HEB_NOISY)
        qn_put(rec, LEFT, fabs(m) < t->set.left);
    if (t->set.rule == HEB_ZERO && t->stopped[0])
        qn_put(rec, SWEEPS_TO_STOP, (double)t->stopped[0]);
    for (size_t k = 0; t->c.started && k <= t->c.lags; k++)
        if (t->c.times[k])
            qn_put_at(rec, CORRELATION, k, (double)t->c.product[k] / (double)t->c.times[k] / (double)(t->set.chains * t->set.n));
    if (t->set.origin == HEB_IMAGES)
        finish_images(t, rec);
    if (t->set.origin != HEB_IID)
        qn_put(rec, N_REALISED, (double)t->set.n);
    qn_put(rec, K_REALISED, (double)t->set.k);
    qn_put(rec, LOAD_REALISED, t->set.load);
    if (t->set.examples.kind != HEB_ARCHETYPES) {
        qn_put(rec, M_REALISED, t->set.examples.m);
        qn_put(rec, R_REALISED, t->set.examples.r);
        qn_put(rec, RHO_REALISED, t->set.examples.rho);
    }
    return 0;
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------ */

/* Patterns come again from create(), what was seen at the start is kept (along a chained axis it was another); fields and overlaps from the spins.  The digest of the overlaps says
 * whether spins and patterns are those of the chain that was saved. */
static int save_chain(heb_chain *c, size_t r, qn_group *g)
{
    char name[48];
    int err = heb_chain_verify(c);
    if (err)
        return err;
    qn_hash digest = qn_hash_bytes(c->m, c->pb->k * sizeof *c->m);
    snprintf(name, sizeof name, "spins.%zu", r);
    err = qn_save_bytes(g, name, c->pb->n, c->s);
    snprintf(name, sizeof name, "overlaps.%zu", r);
    return err ? err : qn_save_bytes(g, name, sizeof digest, &digest);
}

static int save(const void *state, qn_group *g)
{
    const task *t = state;
    const correlation *c = &t->c;
    int64_t counts[] = {t->sweeps, (int64_t)c->at, c->started};
    double begin[] = {t->m_start, t->one_step};
    int err = qn_save_i64(g, "counts", sizeof counts / sizeof *counts, counts);
    if (!err)
        err = qn_save_f64(g, "begin", sizeof begin / sizeof *begin, begin);
    if (!err)
        err = qn_save_i64(g, "stopped", t->set.chains, t->stopped);
    for (size_t r = 0; r < t->set.chains && !err; r++)
        err = save_chain(&t->chain[r], r, g);
    if (err || !c->lags)
        return err;
    err = qn_save_bytes(g, "reference", t->set.chains * t->set.n, c->reference);
    if (!err)
        err = qn_save_i64(g, "products", c->lags + 1, c->product);
    return err ? err : qn_save_i64(g, "times", c->lags + 1, c->times);
}

static int load_chain(heb_chain *c, size_t r, const qn_group *g, int8_t *s)
{
    char name[48];
    qn_hash saved, now;
    snprintf(name, sizeof name, "spins.%zu", r);
    int err = qn_load_bytes(g, name, c->pb->n, s);
    snprintf(name, sizeof name, "overlaps.%zu", r);
    if (!err)
        err = qn_load_bytes(g, name, sizeof saved, &saved);
    for (size_t i = 0; i < c->pb->n && !err; i++)
        if (s[i] != 1 && s[i] != -1)
            err = qn_fail(QN_ERR_DATA, "the checkpoint holds a spin that is not 1 or -1");
    if (err)
        return err;
    heb_chain_set(c, s);
    now = qn_hash_bytes(c->m, c->pb->k * sizeof *c->m);
    return memcmp(&saved, &now, sizeof now) ? qn_fail(QN_ERR_DATA, "the checkpoint's overlaps are not those of its spins and these patterns") : 0;
}

static int load(void *state, const qn_group *g)
{
    task *t = state;
    correlation *c = &t->c;
    int64_t counts[3];
    double begin[2];
    int8_t *s = malloc(t->set.n);
    int err = s ? qn_load_i64(g, "counts", sizeof counts / sizeof *counts, counts) : qn_fail(QN_ERR_NOMEM, "out of memory");
    if (!err)
        err = qn_load_f64(g, "begin", sizeof begin / sizeof *begin, begin);
    if (!err)
        err = qn_load_i64(g, "stopped", t->set.chains, t->stopped);
    for (size_t r = 0; r < t->set.chains && !err; r++)
        err = load_chain(&t->chain[r], r, g, s);
    free(s);
    if (err)
        return err;
    t->m_start = begin[0];
    t->one_step = begin[1];
    t->sweeps = counts[0];
    c->at = (size_t)counts[1];
    c->started = counts[2];
    if (!c->lags)
        return 0;
    if (c->at > c->lags)
        return qn_fail(QN_ERR_DATA, "the checkpoint is beyond the longest lag");
    err = qn_load_bytes(g, "reference", t->set.chains * t->set.n, c->reference);
    if (!err)
        err = qn_load_i64(g, "products", c->lags + 1, c->product);
    return err ? err : qn_load_i64(g, "times", c->lags + 1, c->times);
}

/* ---- chained axes: temperature ---------------------------------------------------------------------------------- */

/* C(t) begins anew with the next measurement. */
static void forget_correlation(task *t)
{
    correlation *c = &t->c;
    c->started = false;
    c->at = 0;
    for (size_t k = 0; c->lags && k <= c->lags; k++)
        c->product[k] = c->times[k] = 0;
}

/* The present state of chain 1 is the start at the new temperature. */
static int retune(void *state, const qn_params *p)
{
    task *t = state;
    size_t n = t->set.n;
    int8_t *xi = malloc(2 * n);
    if (!xi)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    if (t->set.rule != HEB_ZERO)
        t->set.temperature = qn_real(p, "T");
    t->sweeps = t->updates = t->flips = 0;
    memset(t->stopped, 0, t->set.chains * sizeof *t->stopped);
    forget_correlation(t);
    heb_patterns_get(t->patterns, t->target, xi);
    memcpy(xi + n, t->chain[0].s, n);
    look_at_fields(t, xi, xi + n);
    free(xi);
    return 0;
}

static double log_weight(void *state, size_t part, const qn_params *p)
{
    task *t = state;
    double temperature = qn_real(p, "T");
    return t->set.rule == HEB_ZERO || temperature == 0 ? NAN : -heb_chain_energy(&t->chain[part]) / temperature;
}

static size_t parts(const void *state)
{
    return ((const task *)state)->set.chains;
}

/* Chains of two tasks on the same patterns; each goes on with the tables of the task where it now is. */
static void swap(void *a, void *b, size_t part)
{
    task *x = a, *y = b;
    heb_chain was = x->chain[part];
    x->chain[part] = y->chain[part];
    y->chain[part] = was;
    x->chain[part].pb = &x->problem;
    y->chain[part].pb = &y->problem;
    forget_correlation(x);
    forget_correlation(y);
}

/* ---- the model -------------------------------------------------------------------------------------------------- */

const qn_model hebbian_model = {
    .abi = QN_ABI,
    .name = "hebbian",
    .summary = "dense Hebbian (P-spin Hopfield) networks: storage and retrieval of patterns, learning from examples",
    .reference = "Agliari et al., arXiv:2212.00606; Albanese et al., arXiv:2111.12997; Hopfield 1982 for P = 2",
    .stream_version = 1,
    .parameters = parameters,
    .observables = observables,
    .derived = derived,
    .theory = heb_quantities,
    .check = heb_check,
    .cost = heb_cost,
    .dimension = dimension,
    .provides = provides,
    .theory_at = heb_theory_at,
    .prepare = prepare,
    .release = release,
    .create = create,
    .destroy = destroy,
    .step = step,
    .measure = measure,
    .finish = finish,
    .done = done,
    .save = save,
    .load = load,
    .retune = retune,
    .log_weight = log_weight,
    .parts = parts,
    .swap = swap,
};
