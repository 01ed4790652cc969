/* logits_body.h -- logits of strings, their probabilities and draws, for one precision: REAL, NAME(f), EXP.  See tree.h. */

/* A string (of each row) in the tree, or one with sites changed: logits of the sites after the last that changed. */
typedef struct NAME(logits) {
    size_t site;                       /* the last that changed; of the root 0 */
    size_t sites;                      /* n-1 - site, of the root n */
    REAL *l, *e, *dl;                  /* [rows][sites][k] logits; their exponentials, then probabilities; dF/dl */
    REAL *most, *sum;                  /* [rows][sites] */
} NAME(logits);

/* Scratch of the tree; rows: POVM_BLOCK. */
typedef struct NAME(tree) {
    NAME(logits) node[3];              /* the string, one site changed, two */
    double *log_p[2];                  /* [rows][n][k] of the first two nodes */
    double *before;                    /* [rows][n+1] log P of the sites before */
    double *target[2];                 /* [rows][n][k] weights of outcomes */
    double *one;                       /* [rows][n][k] weights of strings */
    double *weight, *value;            /* [rows] */
    uint8_t *b, *c;                    /* [rows] outcomes of the changed sites */
    bool keep;                         /* what backward needs */
} NAME(tree);

static void NAME(tree_layout)(size_t n, size_t k, NAME(tree) *w, povm_arena *m)
{
    const size_t logits = POVM_BLOCK * n * k, sites = POVM_BLOCK * n;
    for (int i = 0; i < 3; i++) {
        NAME(logits) *v = &w->node[i];
        v->l = povm_take(m, logits * sizeof(REAL));
        v->e = povm_take(m, logits * sizeof(REAL));
        v->dl = povm_take(m, logits * sizeof(REAL));
        v->most = povm_take(m, sites * sizeof(REAL));
        v->sum = povm_take(m, sites * sizeof(REAL));
    }
    for (int i = 0; i < 2; i++) {
        w->log_p[i] = povm_take(m, logits * sizeof(double));
        w->target[i] = povm_take(m, logits * sizeof(double));
    }
    w->one = povm_take(m, logits * sizeof(double));
    w->before = povm_take(m, (sites + POVM_BLOCK) * sizeof(double));
    w->weight = povm_take(m, POVM_BLOCK * sizeof(double));
    w->value = povm_take(m, POVM_BLOCK * sizeof(double));
    w->b = povm_take(m, POVM_BLOCK);
    w->c = povm_take(m, POVM_BLOCK);
}

#define INLINE static inline __attribute__((always_inline))

/* most[r] = max_a l, e = exp(l - most), sum[r] = sum_a e >= 1. */
INLINE void NAME(exponents_of)(const size_t k, size_t rows, const REAL *restrict l, REAL *restrict e, REAL *restrict most, REAL *restrict sum)
{
    for (size_t r = 0; r < rows; r++) {
        REAL m = l[r * k];
        for (size_t a = 1; a < k; a++)
            m = l[r * k + a] > m ? l[r * k + a] : m;
        most[r] = m;
    }
    for (size_t r = 0; r < rows; r++) {
        REAL s = 0;
        for (size_t a = 0; a < k; a++) {
            const REAL x = EXP(l[r * k + a] - most[r]);
            e[r * k + a] = x;
            s += x;
        }
        sum[r] = s;
    }
}

QN_CLONES static void NAME(exponents)(size_t k, size_t rows, const REAL *l, REAL *e, REAL *most, REAL *sum)
{
    if (k == 4)
        NAME(exponents_of)(4, rows, l, e, most, sum);
    else
        NAME(exponents_of)(k, rows, l, e, most, sum);
}

/* e becomes the probabilities. */
QN_CLONES static void NAME(divide)(size_t k, size_t rows, REAL *e, const REAL *sum)
{
    if (k == 4)
        for (size_t r = 0; r < rows; r++)
            for (size_t a = 0; a < 4; a++)
                e[r * 4 + a] /= sum[r];
    else
        for (size_t r = 0; r < rows; r++)
            for (size_t a = 0; a < k; a++)
                e[r * k + a] /= sum[r];
}

/* log p of all outcomes. */
QN_CLONES static void NAME(log_p)(size_t k, size_t rows, const REAL *restrict l, const REAL *restrict most, const REAL *restrict sum, double *restrict out)
{
    if (k == 4)
        for (size_t r = 0; r < rows; r++) {
            const double shift = (double)most[r] + qn_vlog((double)sum[r]);
            for (size_t a = 0; a < 4; a++)
                out[r * 4 + a] = (double)l[r * 4 + a] - shift;
        }
    else
        for (size_t r = 0; r < rows; r++) {
            const double shift = (double)most[r] + qn_vlog((double)sum[r]);
            for (size_t a = 0; a < k; a++)
                out[r * k + a] = (double)l[r * k + a] - shift;
        }
}

enum { NAME(fit) = 256 };

/* out[s] += sum_t log p(a_t) over `sites` sites: l [count][sites][k], a_t of string s at strings[s * stride + t].  One logarithm a string, of the
 * product of the sums: at most k each, so that hundreds of sites fit a double. */
static void NAME(add_logp)(size_t k, size_t count, size_t sites, const REAL *l, const REAL *most, const REAL *sum, const uint8_t *strings, size_t stride,
                           double *out)
{
    for (size_t s = 0; s < count; s++, l += sites * k, most += sites, sum += sites, strings += stride)
        for (size_t t = 0; t < sites;) {
            double x = 0, product = 1;
            for (const size_t end = sites - t > NAME(fit) ? t + NAME(fit) : sites; t < end; t++) {
                x += (double)(l[t * k + strings[t]] - most[t]);
                product *= (double)sum[t];
            }
            out[s] += x - qn_vlog(product);
        }
}

/* The first outcome c with u sum < e_0 + ... + e_c. */
INLINE void NAME(choose_of)(const size_t k, size_t rows, const REAL *restrict e, const REAL *restrict sum, const double *restrict u, uint8_t *restrict out)
{
    for (size_t r = 0; r < rows; r++) {
        const double at = u[r] * (double)sum[r];
        double below = 0;
        int chosen = 0;
        for (size_t a = 0; a + 1 < k; a++) {
            below += (double)e[r * k + a];
            chosen += at >= below;
        }
        out[r] = (uint8_t)chosen;
    }
}

QN_CLONES static void NAME(choose)(size_t k, size_t rows, const REAL *e, const REAL *sum, const double *u, uint8_t *out)
{
    if (k == 4)
        NAME(choose_of)(4, rows, e, sum, u, out);
    else
        NAME(choose_of)(k, rows, e, sum, u, out);
}

/* Outcome `chosen` of site i of n enters log P as add_logp() would add it up: before site 0 x = out = 0, product = 1. */
static void NAME(count_in)(size_t k, size_t n, size_t i, size_t count, const REAL *l, const REAL *most, const REAL *sum, const uint8_t *chosen,
                           double *x, double *product, double *out)
{
    const bool full = i + 1 == n || (i + 1) % NAME(fit) == 0;
    for (size_t s = 0; s < count; s++) {
        x[s] += (double)(l[s * k + chosen[s]] - most[s]);
        product[s] *= (double)sum[s];
        if (full) {
            out[s] += x[s] - qn_vlog(product[s]);
            x[s] = 0;
            product[s] = 1;
        }
    }
}

/* dl += target - (sum of the target) p for `sites` sites of the net, the last ones of target. */
INLINE void NAME(aim_of)(const size_t k, size_t n, size_t count, size_t sites, const double *restrict target, const REAL *restrict p, REAL *restrict dl)
{
    for (size_t s = 0; s < count; s++, target += n * k) {
        const double *want = target + (n - sites) * k;
        for (size_t t = 0; t < sites; t++, want += k, p += k, dl += k) {
            double sum = 0;
            for (size_t a = 0; a < k; a++)
                sum += want[a];
            for (size_t a = 0; a < k; a++)
                dl[a] += (REAL)(want[a] - sum * (double)p[a]);
        }
    }
}

QN_CLONES static void NAME(aim)(size_t k, size_t n, size_t count, size_t sites, const double *target, const REAL *p, REAL *dl)
{
    if (k == 4)
        NAME(aim_of)(4, n, count, sites, target, p, dl);
    else
        NAME(aim_of)(k, n, count, sites, target, p, dl);
}

/* dl = weight (one at the outcomes of the string - p) for its last `sites` sites. */
QN_CLONES static void NAME(aim_string)(size_t n, size_t k, size_t count, size_t sites, const uint8_t *strings, const double *weight,
                                       const REAL *restrict p, REAL *restrict dl)
{
    for (size_t s = 0; s < count; s++, strings += n) {
        const REAL w = (REAL)weight[s];
        for (size_t i = 0; i < sites * k; i++)
            dl[i] = -w * p[i];
        for (size_t t = 0; t < sites; t++)
            dl[t * k + strings[n - sites + t]] += w;
        p += sites * k;
        dl += sites * k;
    }
}

#undef INLINE
