/* gru_body.h -- gru.c for one precision: REAL, NAME(f), GEMM, EXP, TANH.
 *
 * Rows are strings.  A node of the tree that differs from its parent at site j goes through positions j+1.. with its own hidden states, from the
 * parent's state at position j, which saw the outcomes before j only. */

typedef struct NAME(layer) {
    REAL *h;                           /* [positions + 1][rows][d] states: the one before the first position, then those after each */
    REAL *g, *c, *uc;                  /* [positions][rows][2d] gates r and z; [positions][rows][d] candidates, U_c h + b_h */
    REAL *dh;                          /* [positions][rows][d] what children add to dF/dh after each */
} NAME(layer);

typedef struct NAME(work) {
    NAME(tree) tree;
    NAME(layer) node[3][GRU_MOST_LAYERS];
    REAL *u, *x;                       /* [rows][3d] U h; inputs of the gates, or dF/d of both */
    REAL *back, *push;                 /* [layers][rows][d] dF/dh from later positions; [rows][d] */
    REAL *grad;                        /* [parameters] of the block */
} NAME(work);

static size_t NAME(layout)(const gru *t, NAME(work) *w, void *memory)
{
    povm_arena m = {.at = memory};
    const size_t state = POVM_BLOCK * t->d * sizeof(REAL);
    NAME(tree_layout)(t->n, t->k, &w->tree, &m);
    for (int i = 0; i < 3; i++)
        for (size_t y = 0; y < t->layers; y++)
            w->node[i][y] = (NAME(layer)){.h = povm_take(&m, (t->n + 1) * state), .g = povm_take(&m, 2 * t->n * state), .c = povm_take(&m, t->n * state),
                                          .uc = povm_take(&m, t->n * state), .dh = povm_take(&m, t->n * state)};
    w->u = povm_take(&m, 3 * state);
    w->x = povm_take(&m, 3 * state);
    w->back = povm_take(&m, t->layers * state);
    w->push = povm_take(&m, state);
    w->grad = povm_take(&m, t->count * sizeof(REAL));
    return m.used;
}

static void NAME(turn)(size_t rows, size_t columns, const REAL *from, REAL *to)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
}

static void NAME(set)(gru *t, const double *theta)
{
    REAL *w = t->w;
    for (size_t i = 0; i < t->count; i++)
        w[i] = (REAL)theta[i];
    for (size_t y = 0; y < t->layers; y++)
        NAME(turn)(t->d, 3 * t->d, w + t->u[y], w + t->u_turned[y]);
    if (t->layers > 1)
        NAME(turn)(t->d, 3 * t->d, w + t->v, w + t->v_turned);
    NAME(turn)(t->d, t->k, w + t->w_out, w + t->w_out_turned);
}

/* ---- rows ---- */

/* x = the row of the position, plus the row of the outcome before it. */
QN_CLONES static void NAME(inputs)(size_t count, size_t columns, const REAL *restrict position, const REAL *restrict outcomes, const uint8_t *a, size_t stride,
                                   REAL *restrict x)
{
    for (size_t s = 0; s < count; s++, x += columns) {
        const REAL *row = a ? outcomes + a[s * stride] * columns : NULL;
        for (size_t i = 0; i < columns; i++)
            x[i] = row ? position[i] + row[i] : position[i];
    }
}

/* The gates: r = s(x_r + u_r), z = s(x_z + u_z), c = tanh(x_c + r (u_c + b)), after = c + z (h - c), s(y) = 1/2 + tanh(y/2)/2. */
QN_CLONES static void NAME(gates)(size_t count, size_t d, const REAL *restrict x, const REAL *restrict u, const REAL *restrict b, const REAL *restrict h,
                                  REAL *restrict g, REAL *restrict c, REAL *restrict uc, REAL *restrict after)
{
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < 2 * d; i++)
            g[i] = (REAL)0.5 + (REAL)0.5 * TANH((REAL)0.5 * (x[i] + u[i]));
        for (size_t i = 0; i < d; i++) {
            uc[i] = u[2 * d + i] + b[i];
            c[i] = TANH(x[2 * d + i] + g[i] * uc[i]);
            after[i] = c[i] + g[d + i] * (h[i] - c[i]);
        }
        x += 3 * d;
        u += 3 * d;
        g += 2 * d;
        c += d;
        uc += d;
        h += d;
        after += d;
    }
}

/* dh = dF/dh after the gates becomes its direct part of dF/dh before; dx, du: dF/d of the inputs and of U h. */
QN_CLONES static void NAME(gates_back)(size_t count, size_t d, const REAL *restrict g, const REAL *restrict c, const REAL *restrict uc, const REAL *restrict h,
                                       REAL *restrict dh, REAL *restrict dx, REAL *restrict du)
{
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < d; i++) {
            const REAL r = g[i], z = g[d + i], dc = dh[i] * (1 - z) * (1 - c[i] * c[i]);
            dx[i] = du[i] = dc * uc[i] * r * (1 - r);
            dx[d + i] = du[d + i] = dh[i] * (h[i] - c[i]) * z * (1 - z);
            dx[2 * d + i] = dc;
            du[2 * d + i] = dc * r;
            dh[i] *= z;
        }
        g += 2 * d;
        c += d;
        uc += d;
        h += d;
        dh += d;
        dx += 3 * d;
        du += 3 * d;
    }
}

QN_CLONES static void NAME(add)(size_t n, const REAL *restrict x, REAL *restrict to)
{
    for (size_t i = 0; i < n; i++)
        to[i] += x[i];
}

/* ---- forward ---- */

/* States after position t, the number-th of these arrays, with outcomes a (NULL: none) at the site before. */
static void NAME(step)(const gru *t, NAME(work) *w, NAME(layer) *layer, size_t number, size_t position, size_t count, const uint8_t *a, size_t stride)
{
    const REAL *theta = t->w;
    const size_t d = t->d, state = POVM_BLOCK * d, gates = w->tree.keep ? number * state : 0;
    for (size_t y = 0; y < t->layers; y++) {
        const NAME(layer) *v = &layer[y];
        if (y) {
            NAME(inputs)(count, 3 * d, theta + t->b1, NULL, NULL, 0, w->x);
            GEMM(QN_GEMM_OWN, QN_NN, count, 3 * d, d, layer[y - 1].h + (number + 1) * state, d, theta + t->v, 3 * d, w->x, 3 * d);
        } else {
            NAME(inputs)(count, 3 * d, theta + t->positions + position * 3 * d, theta + t->outcomes, a, stride, w->x);
        }
        memset(w->u, 0, count * 3 * d * sizeof(REAL));
        GEMM(QN_GEMM_OWN, QN_NN, count, 3 * d, d, v->h + number * state, d, theta + t->u[y], 3 * d, w->u, 3 * d);
        NAME(gates)(count, d, w->x, w->u, theta + t->b_h[y], v->h + number * state, v->g + 2 * gates, v->c + gates, v->uc + gates,
                    v->h + (number + 1) * state);
    }
}

/* Logits of the position into rows of `columns`. */
static void NAME(look)(const gru *t, const NAME(layer) *top, size_t number, size_t position, size_t count, REAL *l, size_t columns)
{
    const REAL *theta = t->w;
    for (size_t s = 0; s < count; s++)
        memcpy(l + s * columns, theta + t->b_out + position * t->k, t->k * sizeof(REAL));
    GEMM(QN_GEMM_OWN, QN_NN, count, t->k, t->d, top->h + (number + 1) * POVM_BLOCK * t->d, t->d, theta + t->w_out, t->k, l, columns);
}

/* Positions from..n-1 of a node; the outcomes before the first of them are a. */
static void NAME(run)(const gru *t, NAME(work) *w, int number, size_t from, size_t count, const uint8_t *strings, const uint8_t *a)
{
    NAME(layer) *layer = w->node[number];
    NAME(logits) *o = &w->tree.node[number];
    for (size_t v = 0; v < o->sites; v++) {
        const uint8_t *before = v ? strings + from + v - 1 : a;
        NAME(step)(t, w, layer, v, from + v, count, before, v ? t->n : 1);
        NAME(look)(t, &layer[t->layers - 1], v, from + v, count, o->l + v * t->k, o->sites * t->k);
    }
    NAME(exponents)(t->k, count * o->sites, o->l, o->e, o->most, o->sum);
}

static void NAME(root)(const gru *t, NAME(work) *w, size_t count, const uint8_t *strings)
{
    NAME(logits) *o = &w->tree.node[0];
    o->site = 0;
    o->sites = t->n;
    for (size_t y = 0; y < t->layers; y++)
        memset(w->node[0][y].h, 0, count * t->d * sizeof(REAL));
    NAME(run)(t, w, 0, 0, count, strings, NULL);
}

/* The state of the parent after position `site`. */
static size_t NAME(state_of_parent)(const NAME(work) *w, int number, size_t site)
{
    return number == 1 ? site : site - w->tree.node[1].site - 1;
}

static void NAME(child)(const gru *t, NAME(work) *w, int number, size_t site, size_t count, const uint8_t *strings, const uint8_t *b)
{
    NAME(logits) *o = &w->tree.node[number];
    o->site = site;
    o->sites = t->n - 1 - site;
    const size_t from = NAME(state_of_parent)(w, number, site) + 1;
    for (size_t y = 0; y < t->layers; y++)
        memcpy(w->node[number][y].h, w->node[number - 1][y].h + from * POVM_BLOCK * t->d, count * t->d * sizeof(REAL));
    NAME(run)(t, w, number, site + 1, count, strings, b);
}

static void NAME(sample)(const gru *t, void *memory, qn_rng *rng, size_t count, uint8_t *strings, double *out)
{
    NAME(work) w;
    NAME(layout)(t, &w, memory);
    w.tree.keep = false;
    NAME(logits) *o = &w.tree.node[0];
    double u[POVM_BLOCK], x[POVM_BLOCK] = {0}, product[POVM_BLOCK];
    for (size_t y = 0; y < t->layers; y++)
        memset(w.node[0][y].h, 0, count * t->d * sizeof(REAL));
    for (size_t s = 0; s < count; s++) {
        out[s] = 0;
        product[s] = 1;
    }
    for (size_t i = 0; i < t->n; i++) {
        qn_rng_fill_uniform(rng, POVM_BLOCK, u);
        NAME(step)(t, &w, w.node[0], i, i, count, i ? w.tree.b : NULL, 1);
        NAME(look)(t, &w.node[0][t->layers - 1], i, i, count, o->l, t->k);
        NAME(exponents)(t->k, count, o->l, o->e, o->most, o->sum);
        NAME(choose)(t->k, count, o->e, o->sum, u, w.tree.b);
        NAME(count_in)(t->k, t->n, i, count, o->l, o->most, o->sum, w.tree.b, x, product, out);
        for (size_t s = 0; s < count; s++)
            strings[s * t->n + i] = w.tree.b[s];
    }
}

/* ---- backward ---- */

static void NAME(begin)(const gru *t, NAME(work) *w, int number, size_t count, bool inner)
{
    const NAME(logits) *o = &w->tree.node[number];
    memset(o->dl, 0, count * o->sites * t->k * sizeof(REAL));
    for (size_t y = 0; y < t->layers && inner; y++)
        memset(w->node[number][y].dh, 0, o->sites * POVM_BLOCK * t->d * sizeof(REAL));
    if (!number)
        memset(w->grad, 0, t->count * sizeof(REAL));
}

static void NAME(backward)(const gru *t, NAME(work) *w, int number, size_t count, const uint8_t *strings, const uint8_t *b, bool inner)
{
    NAME(layer) *layer = w->node[number];
    const NAME(logits) *o = &w->tree.node[number];
    const REAL *theta = t->w;
    const size_t k = t->k, d = t->d, state = POVM_BLOCK * d, top = t->layers - 1, from = number ? o->site + 1 : 0;
    REAL *grad = w->grad;
    memset(w->back, 0, t->layers * state * sizeof(REAL));
    for (size_t v = o->sites; v-- > 0;) {
        const size_t position = from + v;
        const REAL *dl = o->dl + v * k;
        for (size_t s = 0; s < count; s++)
            NAME(add)(k, dl + s * o->sites * k, grad + t->b_out + position * k);
        GEMM(QN_GEMM_OWN, QN_TN, d, k, count, layer[top].h + (v + 1) * state, d, dl, o->sites * k, grad + t->w_out, k);
        GEMM(QN_GEMM_OWN, QN_NN, count, d, k, dl, o->sites * k, theta + t->w_out_turned, d, w->back + top * state, d);
        for (size_t y = t->layers; y-- > 0;) {
            REAL *dh = w->back + y * state;
            const REAL *before = layer[y].h + v * state;
            if (inner)
                NAME(add)(count * d, layer[y].dh + v * state, dh);
            NAME(gates_back)(count, d, layer[y].g + 2 * v * state, layer[y].c + v * state, layer[y].uc + v * state, before, dh, w->x, w->u);
            GEMM(QN_GEMM_OWN, QN_TN, d, 3 * d, count, before, d, w->u, 3 * d, grad + t->u[y], 3 * d);
            GEMM(QN_GEMM_OWN, QN_NN, count, d, 3 * d, w->u, 3 * d, theta + t->u_turned[y], d, dh, d);
            REAL *bias = grad + (y ? t->b1 : t->positions + position * 3 * d);
            for (size_t s = 0; s < count; s++) {
                NAME(add)(d, w->u + s * 3 * d + 2 * d, grad + t->b_h[y]);
                NAME(add)(3 * d, w->x + s * 3 * d, bias);
            }
            if (y) {
                GEMM(QN_GEMM_OWN, QN_TN, d, 3 * d, count, layer[y - 1].h + (v + 1) * state, d, w->x, 3 * d, grad + t->v, 3 * d);
                GEMM(QN_GEMM_OWN, QN_NN, count, d, 3 * d, w->x, 3 * d, theta + t->v_turned, d, w->back + (y - 1) * state, d);
            } else if (position) {
                for (size_t s = 0; s < count; s++) {
                    const size_t a = v ? strings[s * t->n + position - 1] : b[s];
                    NAME(add)(3 * d, w->x + s * 3 * d, grad + t->outcomes + a * 3 * d);
                }
            }
        }
    }
    for (size_t y = 0; y < t->layers && number; y++)
        NAME(add)(count * d, w->back + y * state, w->node[number - 1][y].dh + NAME(state_of_parent)(w, number, o->site) * state);
}
