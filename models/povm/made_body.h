/* made_body.h -- made.c for one precision: REAL, NAME(f), GEMM, EXP, TANH.
 *
 * Rows are strings.  Columns of hidden units are ordered by group, columns of logits by site; a node that differs from its parent at site j has only
 * what depends on that site: groups j.., sites j+1.. .  It is worked out as the parent plus differences,
 *
 *     z' = z + W1[b'_j] - W1[b_j],    second layer z' = z + W2 (a' - a),    logits l' = l + W_out (a' - a),
 *
 * and backward adds to the parent what came from the child. */

typedef struct NAME(node) {
    size_t groups;                     /* from the site that differs on; of the root all */
    REAL *z[2], *a[2];                 /* [rows][groups h], by layer; a = tanh z */
    REAL *d[2];                        /* a - a of the parent; of the root a itself */
    REAL *da[2], *dz[2];               /* what children add to dF/da, dF/dz; backward turns dz into all of it */
} NAME(node);

typedef struct NAME(work) {
    NAME(tree) tree;
    NAME(node) node[3];
    REAL *push;                        /* [POVM_BLOCK][groups h] */
    REAL *grad;                        /* [parameters] of the block */
} NAME(work);

static size_t NAME(layout)(const made *t, NAME(work) *w, void *memory)
{
    povm_arena m = {.at = memory};
    const size_t units = POVM_BLOCK * t->units;
    NAME(tree_layout)(t->n, t->k, &w->tree, &m);
    for (int i = 0; i < 3; i++) {
        NAME(node) *v = &w->node[i];
        for (size_t y = 0; y < t->layers; y++) {
            v->z[y] = povm_take(&m, units * sizeof(REAL));
            v->a[y] = povm_take(&m, units * sizeof(REAL));
            v->d[y] = i ? povm_take(&m, units * sizeof(REAL)) : v->a[y];
            v->da[y] = povm_take(&m, units * sizeof(REAL));
            v->dz[y] = povm_take(&m, units * sizeof(REAL));
        }
    }
    w->push = povm_take(&m, units * sizeof(REAL));
    w->grad = povm_take(&m, t->count * sizeof(REAL));
    return m.used;
}

static void NAME(set)(made *t, const double *theta)
{
    REAL *w = t->w;
    for (size_t i = 0; i < t->count; i++)
        w[i] = (REAL)theta[i];
    REAL *turned = w + t->count;
    for (size_t y = 0; y < t->layers; y++) { /* block g of layer y: [h][columns] becomes [columns][h] */
        const bool out = y + 1 == t->layers;
        for (size_t g = 0; g < t->groups; g++) {
            const size_t columns = (t->groups - g) * (out ? t->k : t->h), at = t->h * (out ? t->k : t->h) * before_group(t, g);
            const REAL *from = w + (out ? t->w_out : t->w2) + at;
            REAL *to = turned + (out ? 0 : t->h * t->k * t->pairs) + at;
            for (size_t u = 0; u < t->h; u++)
                for (size_t c = 0; c < columns; c++)
                    to[c * t->h + u] = from[u * columns + c];
        }
    }
}

/* ---- rows ---- */

/* z of the root: biases and the rows of the outcomes. */
QN_CLONES static void NAME(fill)(const made *t, size_t count, const uint8_t *strings, REAL *restrict z)
{
    const REAL *w = t->w;
    const size_t units = t->units;
    for (size_t s = 0; s < count; s++, z += units, strings += t->n) {
        memcpy(z, w + t->b1, units * sizeof *z);
        for (size_t i = 0; i < t->groups; i++) {
            const size_t columns = units - i * t->h;
            const REAL *row = w + t->w1 + t->k * t->h * before_group(t, i) + strings[i] * columns;
            for (size_t u = 0; u < columns; u++)
                z[i * t->h + u] += row[u];
        }
    }
}

/* out[s] = the last `columns` of `from`, plus row b[s], less row a[s] of w. */
QN_CLONES static void NAME(replace)(size_t count, size_t columns, const REAL *restrict from, size_t stride, const REAL *restrict w, const uint8_t *b,
                                    const uint8_t *a, size_t a_stride, REAL *restrict out)
{
    for (size_t s = 0; s < count; s++, from += stride, out += columns) {
        const REAL *in = w + b[s] * columns, *less = w + a[s * a_stride] * columns;
        for (size_t u = 0; u < columns; u++)
            out[u] = from[u] + (in[u] - less[u]);
    }
}

QN_CLONES static void NAME(tanh_of)(size_t n, const REAL *restrict z, REAL *restrict a)
{
    for (size_t i = 0; i < n; i++)
        a[i] = TANH(z[i]);
}

/* a = tanh z, d = a - from. */
QN_CLONES static void NAME(tanh_change)(size_t count, size_t columns, const REAL *restrict z, const REAL *restrict from, size_t stride, REAL *restrict a,
                                        REAL *restrict d)
{
    for (size_t s = 0; s < count; s++, from += stride, z += columns, a += columns, d += columns)
        for (size_t u = 0; u < columns; u++) {
            a[u] = TANH(z[u]);
            d[u] = a[u] - from[u];
        }
}

/* dz = (push + da)(1 - a^2) + dz: dF/dz of a layer.  Children's da only where `inner`. */
QN_CLONES static void NAME(slope)(size_t n, bool inner, const REAL *restrict push, const REAL *restrict da, const REAL *restrict a, REAL *restrict dz)
{
    if (inner)
        for (size_t i = 0; i < n; i++)
            dz[i] += (push[i] + da[i]) * (1 - a[i] * a[i]);
    else
        for (size_t i = 0; i < n; i++)
            dz[i] = push[i] * (1 - a[i] * a[i]);
}

/* The last `columns` of each row of to += sign x. */
QN_CLONES static void NAME(add_last)(size_t count, size_t columns, REAL sign, const REAL *restrict x, REAL *restrict to, size_t stride)
{
    to += stride - columns;
    for (size_t s = 0; s < count; s++, x += columns, to += stride)
        for (size_t u = 0; u < columns; u++)
            to[u] += sign * x[u];
}

QN_CLONES static void NAME(add_row)(size_t columns, REAL sign, const REAL *restrict x, REAL *restrict to)
{
    for (size_t u = 0; u < columns; u++)
        to[u] += sign * x[u];
}

/* ---- forward ---- */

/* to[count][.] += x w over the blocks of layer y (the last: into logits): block g takes columns of group g to the columns that it reaches. */
static void NAME(spread)(const made *t, size_t y, size_t site, size_t count, const REAL *x, REAL *to, size_t to_columns)
{
    const bool out = y + 1 == t->layers;
    const size_t wide = out ? t->k : t->h, x_columns = (t->groups - site) * t->h;
    for (size_t g = site; g < t->groups; g++) {
        const size_t columns = (t->groups - g) * wide;
        const REAL *w = (const REAL *)t->w + (out ? t->w_out : t->w2) + t->h * wide * before_group(t, g);
        GEMM(QN_GEMM_OWN, QN_NN, count, columns, t->h, x + (g - site) * t->h, x_columns, w, columns, to + to_columns - columns, to_columns);
    }
}

static void NAME(root)(const made *t, NAME(work) *w, size_t count, const uint8_t *strings)
{
    NAME(node) *v = &w->node[0];
    NAME(logits) *o = &w->tree.node[0];
    const REAL *theta = t->w;
    v->groups = t->groups;
    o->site = 0;
    o->sites = t->n;
    NAME(fill)(t, count, strings, v->z[0]);
    for (size_t s = 0; s < count; s++)
        memcpy(o->l + s * t->n * t->k, theta + t->b_out, t->n * t->k * sizeof(REAL));
    for (size_t y = 0; y < t->layers; y++) {
        const bool out = y + 1 == t->layers;
        NAME(tanh_of)(count * t->units, v->z[y], v->a[y]);
        for (size_t s = 0; s < count && !out; s++)
            memcpy(v->z[y + 1] + s * t->units, theta + t->b2, t->units * sizeof(REAL));
        NAME(spread)(t, y, 0, count, v->a[y], out ? o->l : v->z[y + 1], out ? t->n * t->k : t->units);
    }
    NAME(exponents)(t->k, count * t->n, o->l, o->e, o->most, o->sum);
}

static void NAME(child)(const made *t, NAME(work) *w, int number, size_t site, size_t count, const uint8_t *strings, const uint8_t *b)
{
    NAME(node) *v = &w->node[number];
    NAME(logits) *o = &w->tree.node[number];
    const NAME(node) *p = &w->node[number - 1];
    const NAME(logits) *from = &w->tree.node[number - 1];
    o->site = site;
    v->groups = o->sites = t->groups - site;
    const size_t columns = v->groups * t->h, of_parent = p->groups * t->h, skip = of_parent - columns, logits = o->sites * t->k;
    NAME(replace)(count, columns, p->z[0] + skip, of_parent, (const REAL *)t->w + t->w1 + t->k * t->h * before_group(t, site), b, strings + site, t->n,
                  v->z[0]);
    for (size_t s = 0; s < count; s++)
        memcpy(o->l + s * logits, from->l + (s + 1) * from->sites * t->k - logits, logits * sizeof(REAL));
    for (size_t y = 0; y < t->layers; y++) {
        const bool out = y + 1 == t->layers;
        NAME(tanh_change)(count, columns, v->z[y], p->a[y] + skip, of_parent, v->a[y], v->d[y]);
        for (size_t s = 0; s < count && !out; s++)
            memcpy(v->z[y + 1] + s * columns, p->z[y + 1] + s * of_parent + skip, columns * sizeof(REAL));
        NAME(spread)(t, y, site, count, v->d[y], out ? o->l : v->z[y + 1], out ? logits : columns);
    }
    NAME(exponents)(t->k, count * o->sites, o->l, o->e, o->most, o->sum);
}

/* Site by site: groups of hidden units are filled when all that they see is drawn. */
static void NAME(sample)(const made *t, void *memory, qn_rng *rng, size_t count, uint8_t *strings, double *out)
{
    NAME(work) w;
    NAME(layout)(t, &w, memory);
    const NAME(node) *v = &w.node[0];
    NAME(logits) *o = &w.tree.node[0], *spare = &w.tree.node[1];
    const REAL *theta = t->w;
    const size_t n = t->n, k = t->k, h = t->h, units = t->units, logits = n * k;
    double u[POVM_BLOCK], x[POVM_BLOCK] = {0}, product[POVM_BLOCK];
    for (size_t s = 0; s < count; s++) {
        memcpy(v->z[0] + s * units, theta + t->b1, units * sizeof(REAL));
        memcpy(o->l + s * logits, theta + t->b_out, logits * sizeof(REAL));
        if (t->layers > 1)
            memcpy(v->z[1] + s * units, theta + t->b2, units * sizeof(REAL));
        out[s] = 0;
        product[s] = 1;
    }
    for (size_t i = 0; i < n; i++) {
        qn_rng_fill_uniform(rng, POVM_BLOCK, u);
        for (size_t s = 0; s < count; s++)
            memcpy(spare->l + s * k, o->l + s * logits + i * k, k * sizeof(REAL));
        NAME(exponents)(k, count, spare->l, spare->e, o->most, o->sum);
        NAME(choose)(k, count, spare->e, o->sum, u, w.tree.b);
        NAME(count_in)(k, n, i, count, spare->l, o->most, o->sum, w.tree.b, x, product, out);
        for (size_t s = 0; s < count; s++)
            strings[s * n + i] = w.tree.b[s];
        if (i == t->groups)
            break;
        const size_t columns = units - i * h;
        const REAL *rows = theta + t->w1 + k * h * before_group(t, i);
        for (size_t s = 0; s < count; s++)
            NAME(add_row)(columns, 1, rows + w.tree.b[s] * columns, v->z[0] + s * units + i * h);
        for (size_t y = 0; y < t->layers; y++) {
            const bool last = y + 1 == t->layers;
            const size_t wide = last ? k : h, to_columns = last ? logits : units, reach = (t->groups - i) * wide;
            for (size_t s = 0; s < count; s++)
                memcpy(w.push + s * h, v->z[y] + s * units + i * h, h * sizeof(REAL));
            NAME(tanh_of)(count * h, w.push, v->a[y]);
            GEMM(QN_GEMM_OWN, QN_NN, count, reach, h, v->a[y], h, theta + (last ? t->w_out : t->w2) + h * wide * before_group(t, i), reach,
                 (last ? o->l : v->z[y + 1]) + to_columns - reach, to_columns);
        }
    }
}

/* ---- backward ---- */

static void NAME(backward)(const made *t, NAME(work) *w, int number, size_t count, const uint8_t *strings, const uint8_t *b, bool inner)
{
    NAME(node) *v = &w->node[number], *p = number ? v - 1 : NULL;
    NAME(logits) *o = &w->tree.node[number], *up = number ? o - 1 : NULL;
    const size_t k = t->k, h = t->h, columns = v->groups * h, skip = p ? p->groups * h - columns : 0, logits = o->sites * k;
    REAL *grad = w->grad;
    if (p)
        NAME(add_last)(count, logits, 1, o->dl, up->dl, up->sites * k);
    else
        for (size_t s = 0; s < count; s++)
            NAME(add_row)(logits, 1, o->dl + s * logits, grad + t->b_out);
    for (size_t y = t->layers; y-- > 0;) {
        const bool out = y + 1 == t->layers;
        const size_t wide = out ? k : h, down_columns = out ? logits : columns;
        const REAL *down = out ? o->dl : v->dz[y + 1];
        const REAL *turned = (const REAL *)t->w + t->count + (out ? 0 : h * k * t->pairs);
        REAL *to = grad + (out ? t->w_out : t->w2);
        memset(w->push, 0, count * columns * sizeof(REAL));
        for (size_t g = o->site; g < t->groups; g++) {
            const size_t reach = (t->groups - g) * wide, at = h * wide * before_group(t, g), x = (g - o->site) * h;
            GEMM(QN_GEMM_OWN, QN_NN, count, h, reach, down + down_columns - reach, down_columns, turned + at, h, w->push + x, columns);
            GEMM(QN_GEMM_OWN, QN_TN, h, reach, count, v->d[y] + x, columns, down + down_columns - reach, down_columns, to + at, reach);
        }
        if (p)
            NAME(add_last)(count, columns, -1, w->push, p->da[y], columns + skip);
        NAME(slope)(count * columns, inner, w->push, v->da[y], v->a[y], v->dz[y]);
        if (p)
            NAME(add_last)(count, columns, 1, v->dz[y], p->dz[y], columns + skip);
        else
            for (size_t s = 0; s < count; s++)
                NAME(add_row)(columns, 1, v->dz[y] + s * columns, grad + (y ? t->b2 : t->b1));
    }
    REAL *rows = grad + t->w1;
    if (p) {
        rows += k * h * before_group(t, o->site);
        for (size_t s = 0; s < count; s++) {
            NAME(add_row)(columns, 1, v->dz[0] + s * columns, rows + b[s] * columns);
            NAME(add_row)(columns, -1, v->dz[0] + s * columns, rows + strings[s * t->n + o->site] * columns);
        }
        return;
    }
    for (size_t i = 0; i < t->groups; i++) {
        const size_t reach = columns - i * h;
        for (size_t s = 0; s < count; s++)
            NAME(add_row)(reach, 1, v->dz[0] + s * columns + i * h, rows + k * h * before_group(t, i) + strings[s * t->n + i] * reach);
    }
}

static void NAME(begin)(const made *t, NAME(work) *w, int number, size_t count, bool inner)
{
    NAME(node) *v = &w->node[number];
    NAME(logits) *o = &w->tree.node[number];
    memset(o->dl, 0, count * o->sites * t->k * sizeof(REAL));
    for (size_t y = 0; y < t->layers && inner; y++) {
        memset(v->da[y], 0, count * v->groups * t->h * sizeof(REAL));
        memset(v->dz[y], 0, count * v->groups * t->h * sizeof(REAL));
    }
    if (!number)
        memset(w->grad, 0, t->count * sizeof *w->grad);
}
