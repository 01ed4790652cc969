/* settings.c -- reading, checking and pricing the parameters of a point (see settings.h). */
#include "settings.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "source.h"
#include "text.h"

/* The number of iid patterns asked for, as a real number: it may be more than any integer type holds. */
static double patterns_wanted(const qn_params *p)
{
    if (qn_is_set(p, "K"))
        return qn_real(p, "K");
    double k = round(heb_patterns_at(qn_real(p, "load"), (size_t)qn_int(p, "N"), (int)qn_int(p, "P"), (heb_norm)qn_choice(p, "norm")));
    return k < 1 ? 1 : k;
}

heb_examples heb_examples_of(const qn_params *p, size_t m_file)
{
    heb_examples x = {(heb_dataset)qn_choice(p, "dataset"), NAN, NAN, NAN};
    x.m = m_file ? (double)m_file : qn_real(p, "M");
    x.r = qn_is_set(p, "r") ? qn_real(p, "r") : NAN;
    x.rho = qn_is_set(p, "rho") ? qn_real(p, "rho") : NAN;
    if (isnan(x.r))
        x.r = 1 / sqrt(1 + x.rho * x.m);
    else if (!m_file && !isnan(x.rho))
        x.m = x.r == 1 ? 1 : fmax(1, round((1 - x.r * x.r) / (x.rho * x.r * x.r)));
    x.rho = (1 - x.r * x.r) / (x.m * x.r * x.r);
    return x;
}

int heb_settings_read(const qn_params *p, const heb_source *loaded, heb_settings *out)
{
    *out = (heb_settings){
        .p = (int)qn_int(p, "P"),
        .kind = (heb_kind)qn_choice(p, "energy"),
        .norm = (heb_norm)qn_choice(p, "norm"),
        .rule = (heb_rule)qn_choice(p, "dynamics"),
        .sequential = qn_choice(p, "scan") == 1,
        .reuse = qn_bool(p, "field_reuse"),
        .origin = (heb_origin)qn_choice(p, "patterns"),
        .start = (heb_start)qn_choice(p, "start"),
        .mixed = qn_choice(p, "start") < HEB_MIXTURE ? 0 : 2 * (size_t)(qn_choice(p, "start") - HEB_MIXTURE) + 3,
        .start_overlap = qn_real(p, "start_overlap"),
        .cue_item = qn_choice(p, "cue") == HEB_CUE_ITEM,
        .cue_noise = qn_real(p, "cue_noise"),
        .cue_blank = qn_real(p, "cue_blank"),
        .chains = (size_t)qn_int(p, "replicas_per_disorder"),
        .lags = (size_t)qn_int(p, "correlation_lags"),
        .retrieved = qn_real(p, "retrieval_threshold"),
        .left = qn_real(p, "left_threshold"),
        .histograms = qn_bool(p, "histograms"),
    };
    if (out->rule != HEB_ZERO)
        out->temperature = qn_real(p, "T");
    if (out->origin == HEB_IID) {
        out->n = (size_t)qn_int(p, "N");
        out->k = (size_t)patterns_wanted(p);
        out->examples = heb_examples_of(p, 0);
    } else if (loaded) {
        out->n = loaded->patterns.n;
        out->k = loaded->patterns.k;
        out->examples = heb_examples_of(p, loaded->m);
    } else {
        heb_size size;
        int err = heb_source_size(p, &size, NULL);
        if (err)
            return err;
        out->n = size.n;
        out->k = size.k;
        out->examples = heb_examples_of(p, size.m);
    }
    out->load = heb_load_of((double)out->k, out->n, out->p, out->norm);
    return 0;
}

/* ---- check ---- */

/* `name` means something with one value of a choice only; where `needed`, that value does not go without it. */
static const struct {
    const char *name, *choice;
    int value;
    const char *text;
    bool needed;
} pairs[] = {
    {"start_file", "start", HEB_FROM_FILE, "file", true},
    {"start_overlap", "start", HEB_NOISY, "noisy", true},
    {"images", "patterns", HEB_IMAGES, "mnist", false},
    {"labels", "patterns", HEB_IMAGES, "mnist", false},
    {"threshold", "patterns", HEB_IMAGES, "mnist", false},
    {"drop_constant", "patterns", HEB_IMAGES, "mnist", false},
    {"archetype", "patterns", HEB_IMAGES, "mnist", false},
    {"classes", "patterns", HEB_IMAGES, "mnist", false},
    {"cue", "patterns", HEB_IMAGES, "mnist", false},
    {"cue_noise", "patterns", HEB_IMAGES, "mnist", false},
    {"cue_blank", "patterns", HEB_IMAGES, "mnist", false},
    {"cue", "start", HEB_AT_PATTERN, "pattern", false},
    {"cue_noise", "start", HEB_AT_PATTERN, "pattern", false},
    {"cue_blank", "start", HEB_AT_PATTERN, "pattern", false},
    {"cue_images", "cue", HEB_CUE_ITEM, "item", true},
    {"cue_labels", "cue", HEB_CUE_ITEM, "item", true},
};

static void check_pairs(const qn_params *p, qn_problems *c)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        bool fits = qn_choice(p, pairs[i].choice) == pairs[i].value;
        if (qn_is_given(p, pairs[i].name) && !fits)
            qn_complain(c, pairs[i].name, "has a meaning with %s: %s only, and %s is %s", pairs[i].choice, pairs[i].text, pairs[i].choice,
                        qn_text(p, pairs[i].choice));
        if (pairs[i].needed && fits && !qn_is_set(p, pairs[i].name))
            qn_complain(c, pairs[i].choice, "%s needs %s", pairs[i].text, pairs[i].name);
    }
}

static bool check_classes(const qn_params *p, qn_problems *c)
{
    size_t n;
    const double *x = qn_list(p, "classes", &n);
    if (!n)
        qn_complain(c, "classes", "is empty; name at least one label");
    for (size_t i = 0; i < n; i++) {
        bool twice = false;
        for (size_t j = 0; j < i; j++)
            twice |= x[j] == x[i];
        if (x[i] == floor(x[i]) && !twice)
            continue;
        qn_complain(c, "classes", "%g is %s; labels are whole numbers from 0 to 255, each once", x[i], twice ? "there twice" : "no label");
        return false;
    }
    return n > 0;
}

/* Whether the examples are described. */
static bool check_dataset(const qn_params *p, qn_problems *c)
{
    static const char *const names[] = {"M", "r", "rho", "example_file"};
    heb_origin origin = (heb_origin)qn_choice(p, "patterns");
    int dataset = qn_choice(p, "dataset");
    const char *text = qn_text(p, "dataset");
    if (dataset == HEB_ARCHETYPES) {
        for (size_t i = 0; i < 4; i++)
            if (qn_is_given(p, names[i]))
                qn_complain(c, names[i], "has a meaning with dataset: supervised or unsupervised only, and dataset is archetypes");
        if (qn_choice(p, "start") == HEB_AT_EXAMPLE)
            qn_complain(c, "start", "example needs dataset: supervised or unsupervised");
        return true;
    }
    bool file = qn_is_set(p, "example_file"), m = qn_is_given(p, "M") || file, r = qn_is_set(p, "r"), rho = qn_is_set(p, "rho");
    if (origin == HEB_IMAGES) {
        qn_complain(c, "dataset", "%s goes with patterns: iid or file, not mnist", text);
        return false;
    }
    if ((origin == HEB_ROWS) != file) {
        qn_complain(c, file ? "example_file" : "patterns", file ? "holds the examples of patterns: file, and patterns is iid" : "file needs example_file, M rows for every pattern");
        return false;
    }
    if (m + r + rho == 3)
        qn_complain(c, "rho", "follows from r and M, rho = (1-r^2)/(M r^2); give two of the three");
    else if (!r && !rho)
        qn_complain(c, "dataset", "%s needs r, the quality of the examples, or rho", text);
    else if (!m && r && rho && qn_real(p, "rho") == 0 && qn_real(p, "r") < 1)
        qn_complain(c, "rho", "0 at r = %g takes infinitely many examples; give rho > 0", qn_real(p, "r"));
    else if (!m && !(heb_examples_of(p, 0).m <= INT16_MAX))
        qn_complain(c, "rho", "%g at r = %g takes M = %.6g examples; at most %d", qn_real(p, "rho"), qn_real(p, "r"), heb_examples_of(p, 0).m, INT16_MAX);
    else if (dataset == HEB_SUPERVISED && qn_int(p, "P") > HEB_FOLDED_MOST_P)
        qn_complain(c, "P", "%lld; dataset: supervised goes up to P = %d", (long long)qn_int(p, "P"), HEB_FOLDED_MOST_P);
    else
        return true;
    return false;
}

/* Whether the files that the patterns come from are named. */
static bool check_files(const qn_params *p, qn_problems *c)
{
    heb_origin origin = (heb_origin)qn_choice(p, "patterns");
    bool rows = origin == HEB_ROWS || (origin == HEB_IMAGES && qn_choice(p, "archetype") == HEB_CLASS_FILE), whole = true;
    if (rows && !qn_is_set(p, "pattern_file")) {
        qn_complain(c, origin == HEB_ROWS ? "patterns" : "archetype", "file needs pattern_file, rows of 1 and -1");
        whole = false;
    }
    if (!rows && qn_is_given(p, "pattern_file"))
        qn_complain(c, "pattern_file", "has a meaning with patterns: file or archetype: file only, and patterns is %s", qn_text(p, "patterns"));
    static const char *const needed[] = {"images", "labels"};
    for (size_t i = 0; i < 2 && origin == HEB_IMAGES && !rows; i++)
        if (!qn_is_set(p, needed[i])) {
            qn_complain(c, "patterns", "mnist needs %s, the path of an IDX file", needed[i]);
            whole = false;
        }
    if (origin == HEB_IMAGES)
        whole &= check_classes(p, c) && (qn_choice(p, "cue") != HEB_CUE_ITEM || (qn_is_set(p, "cue_images") && qn_is_set(p, "cue_labels")));
    return whole;
}

/* N and K of patterns from files; false: not to be known. */
static bool check_contents(const qn_params *p, qn_problems *c, size_t *n, size_t *k, size_t *m)
{
    if (qn_is_given(p, "load"))
        qn_complain(c, "load", "the number of patterns follows from the file; give K to take fewer");
    if (qn_bool(p, "histograms") && !qn_is_given(p, "N"))
        qn_complain(c, "histograms", "have N + 1 entries; give N too, as it is in the file");
    const char *param = "patterns";
    heb_size size;
    int err = heb_source_size(p, &size, &param);
    if (err == QN_ERR_IO) /* the core has said so; or a result file is looked at where its data are not */
        return false;
    if (err) {
        qn_complain(c, param, "%s", qn_error_text());
        return false;
    }
    *n = size.n;
    *k = size.k;
    *m = size.m;
    if (qn_is_given(p, "N") && (size_t)qn_int(p, "N") != *n)
        qn_complain(c, "N", "%lld, but the patterns have %zu spins; leave N out, or give that", (long long)qn_int(p, "N"), *n);
    if (*n > HEB_MOST_SPINS)
        qn_complain(c, param, "patterns of %zu spins are too long; at most %d", *n, HEB_MOST_SPINS);
    return true;
}

static double bytes_of(const qn_params *p, double n, double k, double m)
{
    double chains = qn_real(p, "replicas_per_disorder");
    int dataset = qn_choice(p, "dataset");
    if (dataset == HEB_SUPERVISED)
        return heb_patterns_bytes(n, k) + heb_folded_bytes(n, k, (int)qn_int(p, "P")) * (1 + chains / n) + 29 * n * chains;
    if (dataset == HEB_UNSUPERVISED) {
        double archetypes = heb_patterns_bytes(n, k);
        k *= m;
        return archetypes + heb_patterns_bytes(n, k) + heb_problem_bytes(n, k, (int)qn_int(p, "P")) + chains * heb_chain_bytes(n, k);
    }
    return heb_patterns_bytes(n, k) + heb_problem_bytes(n, k, (int)qn_int(p, "P")) + chains * heb_chain_bytes(n, k);
}

static void check_memory(const qn_params *p, qn_problems *c, double n, double k, double m)
{
    double bytes = bytes_of(p, n, k, m), most = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    const char *param = qn_is_set(p, "K") ? "K" : "load";
    char need[32], have[32];
    if (bytes > most)
        qn_complain(c, param, "%.6g patterns of N = %.0f spins need %s of memory, and this machine has %s; lower N or %s", k, n,
                    qn_human_bytes(bytes, need), qn_human_bytes(most, have), param);
}

void heb_check(const qn_params *p, qn_problems *c)
{
    bool iid = qn_choice(p, "patterns") == HEB_IID;
    int64_t order = qn_int(p, "P");
    size_t n = (size_t)qn_int(p, "N"), k = 0, m = 0;
    check_pairs(p, c);
    if (qn_choice(p, "dynamics") == HEB_ZERO && qn_is_given(p, "T") && qn_real(p, "T") != 0)
        qn_warn(c, "T", "has no part in dynamics: zero, which is at T = 0");
    if (iid && qn_is_given(p, "load") && qn_is_given(p, "K"))
        qn_complain(c, "K", "says the same as load; give one of them");
    if (order % 2)
        qn_complain(c, "P", "%lld is odd; this energy needs an even number", (long long)order);
    bool learning = check_dataset(p, c);
    if (!check_files(p, c) || (!iid && !check_contents(p, c, &n, &k, &m)) || order % 2 || !learning)
        return;
    if (qn_is_set(p, "start_file") && iid) {
        qn_spins start;
        int err = qn_spins_read(qn_text(p, "start_file"), n, &start);
        if (err && err != QN_ERR_IO)
            qn_complain(c, "start_file", "%s", qn_error_text());
        qn_spins_free(&start);
    }
    if ((size_t)order > n) {
        qn_complain(c, qn_is_given(p, "N") ? "N" : "P", "%zu spins have no interaction of P = %lld; P must be at most N", n, (long long)order);
        return;
    }
    double patterns = iid ? patterns_wanted(p) : (double)k, examples = heb_examples_of(p, m).m;
    int start = qn_choice(p, "start"), mixed = start < HEB_MIXTURE ? 0 : 2 * (start - HEB_MIXTURE) + 3;
    if (mixed > patterns)
        qn_complain(c, "start", "a mixture of %d patterns needs as many; there are %.6g", mixed, patterns);
    if (qn_choice(p, "dataset") == HEB_SUPERVISED && !heb_folded_fits((double)n, examples, (int)order))
        qn_complain(c, iid ? "M" : "example_file", "%.6g examples, but sums over %zu spins stay whole numbers of 63 bits up to M = %.0f at P = %lld", examples, n,
                    floor(pow(0x1p62 / (double)n, 1.0 / (double)(order - 1))), (long long)order);
    check_memory(p, c, (double)n, patterns, examples);
}

/* ---- cost ---- */

/* Measured on one core of a Zen 5 with AVX-512: an update takes 10 ns and 0.02 ns a pattern, a flip 0.1 ns a pattern more, a measurement
 * 1 ns a pattern; AVX2 takes two to three times as long. */
void heb_cost(const qn_params *p, qn_cost *c)
{
    heb_settings s;
    if (heb_settings_read(p, NULL, &s))
        return;
    bool supervised = s.examples.kind == HEB_SUPERVISED, unsupervised = s.examples.kind == HEB_UNSUPERVISED;
    double n = (double)s.n, k = (double)s.k, patterns = heb_patterns_bytes(n, k), rows = unsupervised ? k * s.examples.m : k;
    double wide = supervised ? 4 * s.p * k : s.p == 2 && rows > n ? n / 4 : rows; /* with the coupling matrix only flips cost */
    c->step_s = (double)s.chains * (n * (1e-8 + 5e-11 * wide) + 1e-9 * k);
    c->task_bytes = bytes_of(p, n, k, s.examples.m) - (s.origin == HEB_IID ? 0 : patterns);
    c->shared_bytes = s.origin == HEB_IID ? 0 : patterns;
}
