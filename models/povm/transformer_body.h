/* transformer_body.h -- transformer.c for one precision: REAL, NAME(f), GEMM. */

static void (*const NAME(add_biases)[])(size_t, const REAL *, const REAL *, REAL *) = LEVELS(NAME(add_bias));
static void (*const NAME(sums_lanes)[])(size_t, const REAL *, REAL *) = LEVELS(NAME(sum_lanes));
static void (*const NAME(multiplies)[])(size_t, const REAL *, REAL *) = LEVELS(NAME(multiply));
static void (*const NAME(exp_negs)[])(size_t, REAL *) = LEVELS(NAME(exp_neg));
static void (*const NAME(gelus)[])(size_t, REAL *, REAL *) = LEVELS(NAME(gelu));
static void (*const NAME(turns)[])(size_t, const REAL *, REAL *) = LEVELS(NAME(turn));
static void (*const NAME(look_ups)[])(size_t, size_t, const REAL *, const uint8_t *, REAL *) = LEVELS(NAME(look_up));
static void (*const NAME(normalises)[])(size_t, const REAL *, const REAL *, const REAL *, REAL *, REAL *, REAL *) = LEVELS(NAME(normalise));
static void (*const NAME(normalise_backs)[])(size_t, const REAL *, const REAL *, const REAL *, const REAL *, bool, REAL *,
                                             REAL *) = LEVELS(NAME(normalise_back));
static void (*const NAME(attends)[])(size_t, size_t, size_t, size_t, const REAL *const *, const REAL *, REAL *, REAL *) = LEVELS(NAME(attend));
static void (*const NAME(attend_backs)[])(size_t, size_t, size_t, size_t, const REAL *const *, REAL *const *, const REAL *, const REAL *, const REAL *,
                                          REAL *, REAL *) = LEVELS(NAME(attend_back));

/* One layer at one site of a tile; the pointers are tiles [rows][POVM_LANES].  u: what W acts on, u2: what W1 acts on (x and h, or their norms). */
typedef struct NAME(cell) {
    REAL *kv, *q, *x;               /* [2 d], [d], [d], one after the other */
    REAL *u, *a, *ctx, *h, *u2, *g, *slope, *y;
    REAL *hat1, *inverse1, *hat2, *inverse2;
    REAL *dkv, *dq, *dx;            /* [2 d], [d], [d], one after the other */
} NAME(cell);

/* All layers at one site. */
typedef struct NAME(site) {
    NAME(cell) cell[LAYERS];
    double *log_p, *p, *coef;       /* [k]: of the outcomes; dF/dlog_p */
    uint8_t token[POVM_LANES];      /* outcome at the site before */
} NAME(site);

typedef struct NAME(net) {
    povm_shape shape;
    sizes z;
    int level;
    REAL *w;                        /* theta */
    REAL *position;                 /* [n][d] */
    REAL *table;                    /* [n][4 d][k]: k, v, q and x of the first layer at each site after each outcome (site 0: after the start) */
    REAL *scratch;                  /* of one cell, for set */
} NAME(net);

typedef struct NAME(work) {
    NAME(site) *own, *once, *twice; /* [n] of the string; with one outcome changed; with two */
    NAME(site) **at;                /* [n] those that make up the present string */
    const REAL **kv;                /* [n] */
    REAL **dkv;
    REAL *logit, *dlogit, *sum, *dy, *e, *dctx, *dz, *gain, *da, *turned, *token;
    NAME(cell) columns;             /* lanes: sites and outcomes of the table */
    bool each;                      /* every string has a gradient of its own */
    size_t lanes;                   /* strings of the tile */
    REAL *acc;                      /* [parameters] of this call, or [POVM_LANES][parameters] */
    REAL *by_token;                 /* [n][4 d][SLOTS] dF/dtable */
    uint8_t *string, *b, *c;        /* [n][POVM_LANES] */
    double *uniform;                /* [n][POVM_BLOCK] */
    double *total;                  /* [POVM_LANES] */
    double *one;                    /* [POVM_LANES][n][k] weights of strings */
} NAME(work);

/* ---- memory ---- */

static REAL *NAME(tile)(povm_arena *m, size_t rows)
{
    return povm_take(m, rows * POVM_LANES * sizeof(REAL));
}

/* What set needs, and the ends of the gradient. */
static void NAME(take_columns)(const sizes *z, povm_arena *m, NAME(cell) *c)
{
    const size_t d = z->d, step = d * POVM_LANES;
    REAL *all = NAME(tile)(m, 4 * d), *back = NAME(tile)(m, 4 * d);
    *c = (NAME(cell)){.kv = all, .dkv = back};
    if (!m->at)
        return;
    c->q = all + 2 * step;
    c->x = c->u = all + 3 * step;
    c->dq = back + 2 * step;
    c->dx = back + 3 * step;
}

static void NAME(take_columns_norm)(const sizes *z, povm_arena *m, NAME(cell) *c)
{
    c->hat1 = NAME(tile)(m, z->d);
    c->inverse1 = NAME(tile)(m, 1);
    if (z->norm == POVM_PRE_LN)
        c->u = NAME(tile)(m, z->d);
}

/* Sites that keep everything. */
static NAME(site) *NAME(take_full)(const sizes *z, povm_arena *m)
{
    const size_t d = z->d, step = d * POVM_LANES;
    NAME(site) *s = povm_take(m, z->n * sizeof *s);
    for (size_t t = 0; t < z->n; t++) {
        NAME(cell) cell[LAYERS] = {{0}};
        for (size_t l = 0; l < z->layers; l++) {
            NAME(cell) *c = &cell[l];
            c->kv = NAME(tile)(m, 4 * d);
            c->dkv = NAME(tile)(m, 4 * d);
            if (m->at) {
                c->q = c->kv + 2 * step;
                c->x = c->u = c->kv + 3 * step;
                c->dq = c->dkv + 2 * step;
                c->dx = c->dkv + 3 * step;
            }
            c->a = NAME(tile)(m, z->heads * z->n);
            c->ctx = NAME(tile)(m, d);
            c->h = c->u2 = NAME(tile)(m, d);
            c->g = NAME(tile)(m, z->f);
            c->slope = NAME(tile)(m, z->f);
            if (z->norm != POVM_NO_NORM) {
                c->hat1 = NAME(tile)(m, d);
                c->inverse1 = NAME(tile)(m, 1);
                c->hat2 = NAME(tile)(m, d);
                c->inverse2 = NAME(tile)(m, 1);
            }
            if (z->norm == POVM_PRE_LN) {
                c->u = NAME(tile)(m, d);
                c->u2 = NAME(tile)(m, d);
            }
            if (l)
                cell[l - 1].y = c->x;
        }
        cell[z->layers - 1].y = NAME(tile)(m, d);
        double *log_p = povm_take(m, 3 * z->k * POVM_LANES * sizeof *log_p);
        if (!m->at)
            continue;
        memcpy(s[t].cell, cell, sizeof cell);
        s[t].log_p = log_p;
        s[t].p = log_p + z->k * POVM_LANES;
        s[t].coef = s[t].p + z->k * POVM_LANES;
    }
    return s;
}

/* Sites that keep keys, values and log_p only: the rest lies in `shared`, but q and x are where the next site will put its keys and values. */
static NAME(site) *NAME(take_lean)(const sizes *z, povm_arena *m, const NAME(cell) *shared)
{
    const size_t d = z->d, step = d * POVM_LANES, outcomes = z->k * POVM_LANES;
    NAME(site) *s = povm_take(m, z->n * sizeof *s);
    double *log_p = povm_take(m, (z->n + 1) * outcomes * sizeof *log_p);
    REAL *kv[LAYERS];
    for (size_t l = 0; l < z->layers; l++)
        kv[l] = NAME(tile)(m, (z->n + 1) * 2 * d);
    for (size_t t = 0; t < z->n && m->at; t++) {
        for (size_t l = 0; l < z->layers; l++) {
            NAME(cell) *c = &s[t].cell[l];
            *c = *shared;
            c->kv = kv[l] + t * 2 * step;
            c->q = c->kv + 2 * step;
            c->x = c->kv + 3 * step;
            if (z->norm != POVM_PRE_LN)
                c->u = c->x;
            if (l)
                s[t].cell[l - 1].y = c->x;
        }
        s[t].log_p = log_p + t * outcomes;
        s[t].p = log_p + z->n * outcomes;
        s[t].coef = NULL;
    }
    return s;
}

/* Lays out the work of a call, in `memory` or to count; how many bytes. */
static size_t NAME(lay_out)(const sizes *z, void *memory, bool full, bool tree, bool each, NAME(work) *w)
{
    povm_arena m = {.at = memory};
    const size_t n = z->n, wide = z->d > z->f ? z->d : z->f;
    *w = (NAME(work)){.each = each};
    if (full) {
        w->own = NAME(take_full)(z, &m);
        w->once = tree ? NAME(take_full)(z, &m) : NULL;
        w->twice = tree ? NAME(take_full)(z, &m) : NULL;
        w->dlogit = NAME(tile)(&m, z->k);
        w->dy = NAME(tile)(&m, z->d);
        w->e = NAME(tile)(&m, z->d);
        w->dctx = NAME(tile)(&m, z->d);
        w->dz = NAME(tile)(&m, z->f);
        w->gain = NAME(tile)(&m, z->d);
        w->da = NAME(tile)(&m, n);
        w->turned = NAME(tile)(&m, z->d);
        w->token = NAME(tile)(&m, SLOTS);
        NAME(take_columns)(z, &m, &w->columns);
        NAME(take_columns_norm)(z, &m, &w->columns);
        w->acc = povm_take(&m, (each ? POVM_LANES : 1) * z->count * sizeof(REAL));
        w->by_token = povm_take(&m, n * 4 * z->d * SLOTS * sizeof(REAL));
        w->one = povm_take(&m, POVM_LANES * n * z->k * sizeof(double));
    } else {
        NAME(cell) shared = {.u = NAME(tile)(&m, z->d), .a = NAME(tile)(&m, z->heads * n), .ctx = NAME(tile)(&m, z->d), .h = NAME(tile)(&m, z->d),
                             .g = NAME(tile)(&m, z->f), .y = NAME(tile)(&m, z->d), .hat1 = NAME(tile)(&m, z->d), .inverse1 = NAME(tile)(&m, 1)};
        shared.u2 = z->norm == POVM_PRE_LN ? NAME(tile)(&m, z->d) : shared.h;
        shared.hat2 = shared.hat1;
        shared.inverse2 = shared.inverse1;
        w->own = NAME(take_lean)(z, &m, &shared);
        w->once = tree ? NAME(take_lean)(z, &m, &shared) : NULL;
        w->twice = tree ? NAME(take_lean)(z, &m, &shared) : NULL;
        w->uniform = povm_take(&m, n * POVM_BLOCK * sizeof(double));
    }
    w->sum = NAME(tile)(&m, wide);
    w->logit = NAME(tile)(&m, z->k);
    w->at = povm_take(&m, n * sizeof *w->at);
    w->kv = povm_take(&m, n * sizeof *w->kv);
    w->dkv = povm_take(&m, n * sizeof *w->dkv);
    w->string = povm_take(&m, n * POVM_LANES);
    w->b = povm_take(&m, POVM_LANES);
    w->c = povm_take(&m, POVM_LANES);
    w->total = povm_take(&m, POVM_LANES * sizeof(double));
    return m.used;
}

static size_t NAME(work_bytes)(const NAME(net) *t)
{
    NAME(work) w;
    size_t most = 0;
    for (int call = 0; call < 3; call++) { /* the tree, its gradient, scores */
        const size_t bytes = NAME(lay_out)(&t->z, NULL, call > 0, call < 2, call == 2, &w);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static void NAME(close)(NAME(net) *t)
{
    if (!t)
        return;
    free(t->w);
    free(t);
}

static int NAME(open)(const povm_shape *s, void **net)
{
    NAME(net) *t = *net = calloc(1, sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    t->shape = *s;
    t->z = sizes_of(s);
    t->level = level();
    const sizes *z = &t->z;
    for (int pass = 0; pass < 2; pass++) {
        povm_arena m = {.at = (char *)t->w};
        NAME(cell) c;
        t->w = povm_take(&m, z->count * sizeof(REAL));
        t->position = povm_take(&m, z->n * z->d * sizeof(REAL));
        t->table = povm_take(&m, z->n * 4 * z->d * z->k * sizeof(REAL));
        t->scratch = povm_take(&m, 0);
        NAME(take_columns)(z, &m, &c);
        NAME(take_columns_norm)(z, &m, &c);
        if (pass)
            break;
        t->w = aligned_alloc(64, m.used);
        if (!t->w)
            return qn_fail(QN_ERR_NOMEM, "out of memory for a transformer of %zu parameters", z->count);
        memset(t->w, 0, m.used);
    }
    for (size_t at = 0; at < z->n; at++)
        for (size_t c = 0; c < z->d; c += 2) {
            const double angle = (double)at * pow(10000, -(double)c / (double)z->d);
            t->position[at * z->d + c] = (REAL)sin(angle);
            t->position[at * z->d + c + 1] = (REAL)cos(angle);
        }
    return 0;
}

/* ---- forward ---- */

/* y = W x + b, W [rows][columns]. */
static void NAME(affine)(const NAME(net) *t, size_t rows, size_t columns, size_t w, size_t b, const REAL *x, REAL *y)
{
    NAME(add_biases)[t->level](rows, t->w + b, NULL, y);
    GEMM(QN_NN, rows, POVM_LANES, columns, t->w + w, columns, x, POVM_LANES, y, POVM_LANES);
}

/* Keys, values and queries out of x. */
static void NAME(project)(const NAME(net) *t, size_t l, NAME(cell) *c)
{
    const sizes *z = &t->z;
    const layer *at = &z->layer[l];
    if (z->norm == POVM_PRE_LN)
        NAME(normalises)[t->level](z->d, t->w + at->gain1, t->w + at->bias1, c->x, c->hat1, c->inverse1, c->u);
    NAME(affine)(t, 3 * z->d, z->d, at->w, at->b, c->u, c->kv);
}

/* The columns first.. of the table, (site, outcome), as lanes of x. */
static void NAME(inputs)(const NAME(net) *t, size_t first, NAME(cell) *c)
{
    const sizes *z = &t->z;
    for (size_t l = 0; l < POVM_LANES; l++) {
        const size_t at = (first + l) / z->k, token = at ? (first + l) % z->k : z->k;
        for (size_t i = 0; i < z->d; i++)
            c->x[i * POVM_LANES + l] = at < z->n ? t->w[token * z->d + i] + t->position[at * z->d + i] : 0;
    }
}

static void NAME(set)(NAME(net) *t, const double *theta)
{
    const sizes *z = &t->z;
    for (size_t i = 0; i < z->count; i++)
        t->w[i] = (REAL)theta[i];
    povm_arena m = {.at = (char *)t->scratch};
    NAME(cell) c;
    NAME(take_columns)(z, &m, &c);
    NAME(take_columns_norm)(z, &m, &c);
    for (size_t first = 0; first < z->n * z->k; first += POVM_LANES) {
        NAME(inputs)(t, first, &c);
        NAME(project)(t, 0, &c);
        for (size_t l = 0; l < POVM_LANES && first + l < z->n * z->k; l++) {
            const size_t at = (first + l) / z->k, a = (first + l) % z->k;
            for (size_t i = 0; i < 4 * z->d; i++)
                t->table[(at * 4 * z->d + i) * z->k + a] = c.kv[i * POVM_LANES + l];
        }
    }
}

/* Site at of the present string: log_p of its outcomes out of its token and the sites before. */
static void NAME(forward)(const NAME(net) *t, NAME(work) *w, size_t at)
{
    const sizes *z = &t->z;
    const size_t d = z->d, f = z->f;
    NAME(site) *s = w->at[at];
    NAME(look_ups)[t->level](4 * d, z->k, t->table + at * 4 * d * z->k, s->token, s->cell[0].kv);
    for (size_t l = 0; l < z->layers; l++) {
        const layer *in = &z->layer[l];
        NAME(cell) *c = &s->cell[l];
        if (l)
            NAME(project)(t, l, c);
        for (size_t u = 0; u <= at; u++)
            w->kv[u] = w->at[u]->cell[l].kv;
        NAME(attends)[t->level](z->heads, d, at + 1, z->n, w->kv, c->q, c->a, c->ctx);
        REAL *h = z->norm == POVM_POST_LN ? w->sum : c->h, *y = z->norm == POVM_POST_LN ? w->sum : c->y;
        NAME(add_biases)[t->level](d, t->w + in->bo, c->x, h);
        GEMM(QN_NN, d, POVM_LANES, d, t->w + in->wo, d, c->ctx, POVM_LANES, h, POVM_LANES);
        if (z->norm == POVM_POST_LN)
            NAME(normalises)[t->level](d, t->w + in->gain1, t->w + in->bias1, h, c->hat1, c->inverse1, c->h);
        if (z->norm == POVM_PRE_LN)
            NAME(normalises)[t->level](d, t->w + in->gain2, t->w + in->bias2, h, c->hat2, c->inverse2, c->u2);
        NAME(affine)(t, f, d, in->w1, in->b1, c->u2, c->g);
        NAME(gelus)[t->level](f, c->g, c->slope);
        NAME(add_biases)[t->level](d, t->w + in->b2, c->h, y);
        GEMM(QN_TN, d, POVM_LANES, f, t->w + in->w2, d, c->g, POVM_LANES, y, POVM_LANES);
        if (z->norm == POVM_POST_LN)
            NAME(normalises)[t->level](d, t->w + in->gain2, t->w + in->bias2, y, c->hat2, c->inverse2, c->y);
    }
    NAME(affine)(t, z->k, d, z->wy, z->by, s->cell[z->layers - 1].y, w->logit);
    for (size_t i = 0; i < z->k * POVM_LANES; i++)
        s->log_p[i] = (double)w->logit[i];
    povm_softmax(z->k, s->log_p, s->p);
}

/* The strings up to the last lane; all sites are its own. */
static void NAME(present)(const sizes *z, NAME(work) *w, size_t lanes, const uint8_t *strings)
{
    w->lanes = lanes;
    if (strings)
        spread(z->n, lanes, strings, w->string);
    for (size_t t = 0; t < z->n; t++)
        w->at[t] = &w->own[t];
}

/* Sites from.. of the present string, where the site before `from` has the outcomes b (NULL: those of the string). */
static void NAME(follow)(const NAME(net) *t, NAME(work) *w, size_t from, const uint8_t *b)
{
    for (size_t at = from; at < t->z.n; at++) {
        const uint8_t *before = at == from && b ? b : w->string + (at ? at - 1 : 0) * POVM_LANES;
        memcpy(w->at[at]->token, before, POVM_LANES);
        NAME(forward)(t, w, at);
    }
}

static void NAME(logp)(const NAME(net) *t, void *memory, size_t count, const uint8_t *strings, double *out)
{
    NAME(work) w;
    NAME(lay_out)(&t->z, memory, false, false, false, &w);
    for (size_t first = 0; first < count; first += POVM_LANES) {
        const size_t lanes = count - first < POVM_LANES ? count - first : POVM_LANES;
        NAME(present)(&t->z, &w, lanes, strings + first * t->z.n);
        NAME(follow)(t, &w, 0, NULL);
        memset(w.total, 0, POVM_LANES * sizeof *w.total);
        for (size_t at = 0; at < t->z.n; at++)
            add_chosen(w.own[at].log_p, w.string + at * POVM_LANES, w.total);
        memcpy(out + first, w.total, lanes * sizeof *out);
    }
}

static void NAME(sample)(const NAME(net) *t, void *memory, qn_rng *rng, size_t count, uint8_t *strings, double *out)
{
    NAME(work) w;
    const size_t n = t->z.n;
    NAME(lay_out)(&t->z, memory, false, false, false, &w);
    qn_rng_fill_uniform(rng, n * POVM_BLOCK, w.uniform);
    for (size_t first = 0; first < count; first += POVM_LANES) {
        const size_t lanes = count - first < POVM_LANES ? count - first : POVM_LANES;
        NAME(present)(&t->z, &w, 0, NULL);
        memset(w.total, 0, POVM_LANES * sizeof *w.total);
        for (size_t at = 0; at < n; at++) {
            NAME(site) *s = w.at[at];
            uint8_t *outcome = w.string + at * POVM_LANES;
            memset(s->token, 0, POVM_LANES);
            if (at)
                memcpy(s->token, outcome - POVM_LANES, POVM_LANES);
            NAME(forward)(t, &w, at);
            povm_choose(t->z.k, s->p, s->log_p, w.uniform + at * POVM_BLOCK + first, outcome, w.total);
        }
        for (size_t l = 0; l < lanes; l++)
            for (size_t at = 0; at < n; at++)
                strings[(first + l) * n + at] = w.string[at * POVM_LANES + l];
        memcpy(out + first, w.total, lanes * sizeof *out);
    }
}

/* ---- backward ---- */

/* dF/dw [rows][columns] += dy x', x' [POVM_LANES][columns]. */
static void NAME(outer)(const NAME(net) *t, NAME(work) *w, size_t rows, size_t columns, const REAL *dy, const REAL *turned, size_t to)
{
    if (!w->each)
        GEMM(QN_NN, rows, columns, POVM_LANES, dy, POVM_LANES, turned, columns, w->acc + to, columns);
    for (size_t l = 0; w->each && l < w->lanes; l++)
        GEMM(QN_NN, rows, columns, 1, dy + l, POVM_LANES, turned + l * columns, columns, w->acc + l * t->z.count + to, columns);
}

/* dF/db [rows] += dy over the lanes. */
static void NAME(sum)(const NAME(net) *t, NAME(work) *w, size_t rows, const REAL *dy, size_t to)
{
    if (!w->each)
        NAME(sums_lanes)[t->level](rows, dy, w->acc + to);
    for (size_t l = 0; w->each && l < w->lanes; l++)
        for (size_t i = 0; i < rows; i++)
            w->acc[l * t->z.count + to + i] += dy[i * POVM_LANES + l];
}

/* dx = (or, `more`: +=) W' dy, W [rows][columns]. */
static void NAME(pull)(const NAME(net) *t, size_t rows, size_t columns, size_t w, const REAL *dy, bool more, REAL *dx)
{
    if (!more)
        memset(dx, 0, columns * POVM_LANES * sizeof *dx);
    GEMM(QN_TN, columns, POVM_LANES, rows, t->w + w, columns, dy, POVM_LANES, dx, POVM_LANES);
}

/* Through a norm: dx = (+=) ... dy. */
static void NAME(unnorm)(const NAME(net) *t, NAME(work) *w, size_t gain, size_t bias, const REAL *hat, const REAL *inverse, const REAL *dy, bool more, REAL *dx)
{
    NAME(sum)(t, w, t->z.d, dy, bias);
    NAME(normalise_backs)[t->level](t->z.d, t->w + gain, hat, inverse, dy, more, dx, w->gain);
    NAME(sum)(t, w, t->z.d, w->gain, gain);
}

/* From the gradients of keys, values and queries to that of x, which is added to. */
static void NAME(unproject)(const NAME(net) *t, NAME(work) *w, size_t l, NAME(cell) *c)
{
    const sizes *z = &t->z;
    const layer *at = &z->layer[l];
    NAME(turns)[t->level](z->d, c->u, w->turned);
    NAME(outer)(t, w, 3 * z->d, z->d, c->dkv, w->turned, at->w);
    NAME(sum)(t, w, 3 * z->d, c->dkv, at->b);
    if (z->norm != POVM_PRE_LN) {
        NAME(pull)(t, 3 * z->d, z->d, at->w, c->dkv, true, c->dx);
        return;
    }
    NAME(pull)(t, 3 * z->d, z->d, at->w, c->dkv, false, w->e);
    NAME(unnorm)(t, w, at->gain1, at->bias1, c->hat1, c->inverse1, w->e, true, c->dx);
}

/* The first layer's dF/d(k, v, q, x) by token. */
static void NAME(by_tokens)(const NAME(net) *t, NAME(work) *w, size_t at, const NAME(site) *s)
{
    memset(w->token, 0, POVM_LANES * SLOTS * sizeof(REAL));
    for (size_t l = 0; l < POVM_LANES; l++)
        w->token[l * SLOTS + s->token[l]] = 1;
    const size_t rows = 4 * t->z.d;
    GEMM(QN_NN, rows, SLOTS, POVM_LANES, s->cell[0].dkv, POVM_LANES, w->token, SLOTS, w->by_token + at * rows * SLOTS, SLOTS);
}

/* The same to the end where every string has its own: through the projections into E. */
static void NAME(by_strings)(const NAME(net) *t, NAME(work) *w, size_t at, NAME(site) *s)
{
    const sizes *z = &t->z;
    const layer *in = &z->layer[0];
    NAME(cell) *c = &s->cell[0];
    if (z->norm == POVM_PRE_LN)
        NAME(normalises)[t->level](z->d, t->w + in->gain1, t->w + in->bias1, c->x, c->hat1, c->inverse1, c->u);
    NAME(unproject)(t, w, 0, c);
    for (size_t l = 0; l < w->lanes; l++)
        for (size_t i = 0; i < z->d; i++)
            w->acc[l * z->count + (at ? s->token[l] : z->k) * z->d + i] += c->dx[i * POVM_LANES + l];
}

/* Site at of the present string, after all later ones: from coef to the parameters and to dkv of the sites before. */
static void NAME(backward)(const NAME(net) *t, NAME(work) *w, size_t at)
{
    const sizes *z = &t->z;
    const size_t d = z->d, f = z->f, k = z->k;
    NAME(site) *s = w->at[at];
    for (size_t l = 0; l < POVM_LANES; l++) {
        double sum = 0;
        for (size_t a = 0; a < k; a++)
            sum += s->coef[a * POVM_LANES + l];
        for (size_t a = 0; a < k; a++)
            w->dlogit[a * POVM_LANES + l] = (REAL)(s->coef[a * POVM_LANES + l] - sum * s->p[a * POVM_LANES + l]);
    }
    NAME(turns)[t->level](d, s->cell[z->layers - 1].y, w->turned);
    NAME(outer)(t, w, k, d, w->dlogit, w->turned, z->wy);
    NAME(sum)(t, w, k, w->dlogit, z->by);
    NAME(pull)(t, k, d, z->wy, w->dlogit, false, w->dy);
    for (size_t l = z->layers; l-- > 0;) {
        const layer *in = &z->layer[l];
        NAME(cell) *c = &s->cell[l];
        if (z->norm == POVM_POST_LN)
            NAME(unnorm)(t, w, in->gain2, in->bias2, c->hat2, c->inverse2, w->dy, false, w->dy);
        NAME(turns)[t->level](d, w->dy, w->turned);
        NAME(outer)(t, w, f, d, c->g, w->turned, in->w2);
        NAME(sum)(t, w, d, w->dy, in->b2);
        memset(w->dz, 0, f * POVM_LANES * sizeof(REAL));
        GEMM(QN_NN, f, POVM_LANES, d, t->w + in->w2, d, w->dy, POVM_LANES, w->dz, POVM_LANES);
        NAME(multiplies)[t->level](f, c->slope, w->dz);
        NAME(turns)[t->level](d, c->u2, w->turned);
        NAME(outer)(t, w, f, d, w->dz, w->turned, in->w1);
        NAME(sum)(t, w, f, w->dz, in->b1);
        NAME(pull)(t, f, d, in->w1, w->dz, z->norm != POVM_PRE_LN, z->norm == POVM_PRE_LN ? w->e : w->dy);
        if (z->norm == POVM_PRE_LN)
            NAME(unnorm)(t, w, in->gain2, in->bias2, c->hat2, c->inverse2, w->e, true, w->dy);
        if (z->norm == POVM_POST_LN)
            NAME(unnorm)(t, w, in->gain1, in->bias1, c->hat1, c->inverse1, w->dy, false, w->dy);
        NAME(turns)[t->level](d, c->ctx, w->turned);
        NAME(outer)(t, w, d, d, w->dy, w->turned, in->wo);
        NAME(sum)(t, w, d, w->dy, in->bo);
        NAME(pull)(t, d, d, in->wo, w->dy, false, w->dctx);
        for (size_t u = 0; u <= at; u++) {
            w->kv[u] = w->at[u]->cell[l].kv;
            w->dkv[u] = w->at[u]->cell[l].dkv;
        }
        NAME(attend_backs)[t->level](z->heads, d, at + 1, z->n, w->kv, w->dkv, c->q, c->a, w->dctx, c->dq, w->da);
        memcpy(c->dx, w->dy, d * POVM_LANES * sizeof(REAL));
        if (!l)
            break;
        NAME(unproject)(t, w, l, c);
        memcpy(w->dy, c->dx, d * POVM_LANES * sizeof(REAL));
    }
    if (w->each)
        NAME(by_strings)(t, w, at, s);
    else
        NAME(by_tokens)(t, w, at, s);
}

/* Sites from.. of the present string start without coef and dkv. */
static void NAME(clear)(const sizes *z, NAME(work) *w, size_t from)
{
    for (size_t at = from; at < z->n; at++) {
        memset(w->at[at]->coef, 0, z->k * POVM_LANES * sizeof(double));
        for (size_t l = 0; l < z->layers; l++)
            memset(w->at[at]->cell[l].dkv, 0, 2 * z->d * POVM_LANES * sizeof(REAL));
    }
}

/* Sites n-1 down to from. */
static void NAME(back_to)(const NAME(net) *t, NAME(work) *w, size_t from)
{
    for (size_t at = t->z.n; at-- > from;)
        NAME(backward)(t, w, at);
}

static void NAME(begin)(const sizes *z, NAME(work) *w)
{
    memset(w->acc, 0, z->count * sizeof(REAL));
    memset(w->by_token, 0, z->n * 4 * z->d * SLOTS * sizeof(REAL));
}

/* From the table to the parameters, and all of it into grad. */
static void NAME(end)(const NAME(net) *t, NAME(work) *w, double *grad)
{
    const sizes *z = &t->z;
    const size_t d = z->d;
    NAME(cell) *c = &w->columns;
    for (size_t first = 0; first < z->n * z->k; first += POVM_LANES) {
        NAME(inputs)(t, first, c);
        if (z->norm == POVM_PRE_LN)
            NAME(project)(t, 0, c);
        for (size_t l = 0; l < POVM_LANES; l++) {
            const size_t at = (first + l) / z->k, a = (first + l) % z->k;
            for (size_t i = 0; i < 4 * d; i++)
                c->dkv[i * POVM_LANES + l] = at < z->n ? w->by_token[(at * 4 * d + i) * SLOTS + a] : 0;
        }
        NAME(unproject)(t, w, 0, c);
        for (size_t l = 0; l < POVM_LANES && first + l < z->n * z->k; l++) {
            const size_t at = (first + l) / z->k, token = at ? (first + l) % z->k : z->k;
            for (size_t i = 0; i < d; i++)
                w->acc[token * d + i] += c->dx[i * POVM_LANES + l];
        }
    }
    for (size_t i = 0; i < z->count; i++)
        grad[i] += (double)w->acc[i];
}

/* The tile of strings that is present, with its weights in total. */
static void NAME(tile_grad)(const NAME(net) *t, NAME(work) *w)
{
    NAME(follow)(t, w, 0, NULL);
    NAME(clear)(&t->z, w, 0);
    for (size_t at = 0; at < t->z.n; at++)
        aim(w->own[at].coef, w->string + at * POVM_LANES, w->total);
    NAME(back_to)(t, w, 0);
}

static void NAME(grad)(const NAME(net) *t, void *memory, size_t count, const uint8_t *strings, const double *weight, double *grad)
{
    NAME(work) w;
    NAME(lay_out)(&t->z, memory, true, false, false, &w);
    NAME(begin)(&t->z, &w);
    for (size_t first = 0; first < count; first += POVM_LANES) {
        const size_t lanes = count - first < POVM_LANES ? count - first : POVM_LANES;
        NAME(present)(&t->z, &w, lanes, strings + first * t->z.n);
        memset(w.total, 0, POVM_LANES * sizeof *w.total);
        memcpy(w.total, weight + first, lanes * sizeof *w.total);
        NAME(tile_grad)(t, &w);
    }
    NAME(end)(t, &w, grad);
}

static void NAME(scores)(const NAME(net) *t, void *memory, size_t count, const uint8_t *strings, double *out)
{
    NAME(work) w;
    const size_t parameters = t->z.count;
    NAME(lay_out)(&t->z, memory, true, false, true, &w);
    for (size_t first = 0; first < count; first += POVM_LANES) {
        const size_t lanes = count - first < POVM_LANES ? count - first : POVM_LANES;
        memset(w.acc, 0, lanes * parameters * sizeof *w.acc);
        NAME(present)(&t->z, &w, lanes, strings + first * t->z.n);
        for (size_t l = 0; l < POVM_LANES; l++)
            w.total[l] = 1;
        NAME(tile_grad)(t, &w);
        for (size_t i = 0; i < lanes * parameters; i++)
            out[first * parameters + i] = (double)w.acc[i];
    }
}

/* ---- the tree: sites up to a change are those of the string, the rest follows anew ---- */

static void NAME(branch)(const sizes *z, NAME(work) *w, size_t from, NAME(site) *sites)
{
    for (size_t at = from; at < z->n; at++)
        w->at[at] = &sites[at];
}

/* Both outcomes of a bond as its number among k k. */
static size_t NAME(pair)(size_t k, const int bond[2], size_t i, size_t b, size_t c)
{
    return bond[0] == (int)i ? b + k * c : c + k * b;
}

static void NAME(connected)(const NAME(net) *t, void *memory, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                            double *log_two, uint64_t *evaluations)
{
    NAME(work) w;
    const sizes *z = &t->z;
    const size_t n = z->n, k = z->k;
    NAME(lay_out)(z, memory, false, true, false, &w);
    for (size_t first = 0; first < count; first += POVM_LANES) {
        const size_t lanes = count - first < POVM_LANES ? count - first : POVM_LANES;
        double before[POVM_LANES] = {0}; /* log P of the sites before i */
        double *one = log_one + first * n * k, *two = n_bonds ? log_two + first * n_bonds * k * k : NULL;
        NAME(present)(z, &w, lanes, strings + first * n);
        NAME(follow)(t, &w, 0, NULL);
        *evaluations += lanes * n;
        for (size_t i = 0; i < n; i++) {
            for (size_t x = 1; x < k; x++) {
                double sum[POVM_LANES];
                memcpy(sum, before, sizeof sum);
                change(k, x, w.string + i * POVM_LANES, w.b);
                add_chosen(w.own[i].log_p, w.b, sum);
                NAME(branch)(z, &w, i + 1, w.once);
                NAME(follow)(t, &w, i + 1, w.b);
                *evaluations += lanes * (n - 1 - i);
                for (size_t j = i + 1; j < n; j++) {
                    const size_t q = find_bond(n_bonds, bond, i, j);
                    for (size_t y = 1; y < k && q < n_bonds; y++) {
                        memcpy(w.total, sum, sizeof sum);
                        change(k, y, w.string + j * POVM_LANES, w.c);
                        add_chosen(w.once[j].log_p, w.c, w.total);
                        NAME(branch)(z, &w, j + 1, w.twice);
                        NAME(follow)(t, &w, j + 1, w.c);
                        *evaluations += lanes * (n - 1 - j);
                        for (size_t at = j + 1; at < n; at++)
                            add_chosen(w.twice[at].log_p, w.string + at * POVM_LANES, w.total);
                        for (size_t l = 0; l < lanes; l++)
                            two[(l * n_bonds + q) * k * k + NAME(pair)(k, bond[q], i, w.b[l], w.c[l])] = w.total[l];
                    }
                    NAME(branch)(z, &w, j + 1, w.once);
                    add_chosen(w.once[j].log_p, w.string + j * POVM_LANES, sum);
                }
                for (size_t l = 0; l < lanes; l++)
                    one[(l * n + i) * k + w.b[l]] = sum[l];
                NAME(branch)(z, &w, i + 1, w.own);
            }
            add_chosen(w.own[i].log_p, w.string + i * POVM_LANES, before);
        }
        for (size_t l = 0; l < lanes; l++) {
            const uint8_t *string = strings + (first + l) * n;
            for (size_t i = 0; i < n; i++)
                one[(l * n + i) * k + string[i]] = before[l];
            povm_connected_fill(&t->shape, n_bonds, bond, string, one + l * n * k, two + l * n_bonds * k * k);
        }
    }
}

/* Strings with sites i and j (bond q) changed to w->b and w->c, sites i + 1.. being once: their gradient. Their weight is added to total. */
static void NAME(second)(const NAME(net) *t, NAME(work) *w, size_t n_bonds, const int (*bond)[2], size_t q, size_t i, size_t j, size_t lanes,
                         const double *weight_two)
{
    const sizes *z = &t->z;
    const size_t n = z->n, k = z->k;
    double weight[POVM_LANES] = {0};
    bool any = false;
    for (size_t l = 0; l < lanes; l++) {
        const bool turned = bond[q][0] != (int)i;
        const size_t b = turned ? w->c[l] : w->b[l], c = turned ? w->b[l] : w->c[l];
        weight[l] = povm_connected_pair(&t->shape, n_bonds, bond, q, b, c, weight_two + l * n_bonds * k * k);
        w->total[l] += weight[l];
        any |= weight[l] != 0;
    }
    if (!any)
        return;
    for (size_t at = i + 1; at < j; at++)
        aim(w->once[at].coef, w->string + at * POVM_LANES, weight);
    aim(w->once[j].coef, w->c, weight);
    NAME(branch)(z, w, j + 1, w->twice);
    NAME(follow)(t, w, j + 1, w->c);
    NAME(clear)(z, w, j + 1);
    for (size_t at = j + 1; at < n; at++)
        aim(w->twice[at].coef, w->string + at * POVM_LANES, weight);
    NAME(back_to)(t, w, j + 1);
    NAME(branch)(z, w, j + 1, w->once);
}

static void NAME(connected_grad)(const NAME(net) *t, void *memory, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings,
                                 const double *weight_one, const double *weight_two, double *grad)
{
    NAME(work) w;
    const sizes *z = &t->z;
    const size_t n = z->n, k = z->k;
    NAME(lay_out)(z, memory, true, true, false, &w);
    NAME(begin)(z, &w);
    for (size_t first = 0; first < count; first += POVM_LANES) {
        const size_t lanes = count - first < POVM_LANES ? count - first : POVM_LANES;
        const double *two = n_bonds ? weight_two + first * n_bonds * k * k : NULL;
        double own[POVM_LANES] = {0};
        NAME(present)(z, &w, lanes, strings + first * n);
        NAME(follow)(t, &w, 0, NULL);
        NAME(clear)(z, &w, 0);
        for (size_t l = 0; l < lanes; l++)
            own[l] = povm_connected_fold(&t->shape, n_bonds, bond, strings + (first + l) * n, weight_one + (first + l) * n * k, two + l * n_bonds * k * k,
                                         w.one + l * n * k);
        for (size_t at = 0; at < n; at++)
            aim(w.own[at].coef, w.string + at * POVM_LANES, own);
        for (size_t i = 0; i < n; i++)
            for (size_t x = 1; x < k; x++) {
                double weight[POVM_LANES] = {0};
                change(k, x, w.string + i * POVM_LANES, w.b);
                for (size_t l = 0; l < lanes; l++)
                    weight[l] = w.one[(l * n + i) * k + w.b[l]];
                memcpy(w.total, weight, sizeof weight); /* and of the strings with a second change */
                NAME(branch)(z, &w, i + 1, w.once);
                NAME(follow)(t, &w, i + 1, w.b);
                NAME(clear)(z, &w, i + 1);
                for (size_t at = i + 1; at < n; at++)
                    aim(w.once[at].coef, w.string + at * POVM_LANES, weight);
                for (size_t j = i + 1; j < n; j++) {
                    const size_t q = find_bond(n_bonds, bond, i, j);
                    for (size_t y = 1; y < k && q < n_bonds; y++) {
                        change(k, y, w.string + j * POVM_LANES, w.c);
                        NAME(second)(t, &w, n_bonds, bond, q, i, j, lanes, two);
                    }
                }
                NAME(back_to)(t, &w, i + 1);
                NAME(branch)(z, &w, i + 1, w.own);
                for (size_t at = 0; at < i; at++)
                    aim(w.own[at].coef, w.string + at * POVM_LANES, w.total);
                aim(w.own[i].coef, w.b, w.total);
            }
        NAME(back_to)(t, &w, 0);
    }
    NAME(end)(t, &w, grad);
}
