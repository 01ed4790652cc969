/* tree_body.h -- the driver of the tree for one net and precision: REAL, NAME(f), NET with t->shape, t->n, t->k, t->count.  The net has
 *
 *   NAME(work)      `tree`, its scratch, and `grad` [parameters] of a block; NAME(layout)(t, w, memory) cuts it and returns its size
 *   NAME(root)      node 0: strings
 *   NAME(child)     node i: as node i-1, but outcome b[s] in place of strings[s][site], site < n-1 and after that of the parent
 *   NAME(begin)     before the backward of a node: dl = 0; with `inner` it will have children; node 0: grad = 0
 *   NAME(backward)  dF/dparameters of a node whose dl is complete, and what it adds to its parent
 *
 * A child may be overwritten after its backward. */

static void NAME(logp)(const NET *t, void *memory, size_t count, const uint8_t *strings, double *out)
{
    NAME(work) w;
    NAME(layout)(t, &w, memory);
    w.tree.keep = false;
    NAME(root)(t, &w, count, strings);
    const NAME(logits) *v = &w.tree.node[0];
    memset(out, 0, count * sizeof *out);
    NAME(add_logp)(t->k, count, t->n, v->l, v->most, v->sum, strings, t->n, out);
}

/* Aims at the weights in target, for a node whose e are not probabilities yet. */
static void NAME(pull)(const NET *t, NAME(logits) *v, size_t count, const double *target)
{
    NAME(divide)(t->k, count * v->sites, v->e, v->sum);
    NAME(aim)(t->k, t->n, count, v->sites, target, v->e, v->dl);
}

static void NAME(add_grad)(const NET *t, const NAME(work) *w, double *grad)
{
    for (size_t i = 0; i < t->count; i++)
        grad[i] += (double)w->grad[i];
}

static void NAME(grad)(const NET *t, void *memory, size_t count, const uint8_t *strings, const double *weight, double *grad)
{
    NAME(work) w;
    NAME(layout)(t, &w, memory);
    w.tree.keep = true;
    NAME(root)(t, &w, count, strings);
    NAME(begin)(t, &w, 0, count, false);
    NAME(logits) *v = &w.tree.node[0];
    NAME(divide)(t->k, count * t->n, v->e, v->sum);
    NAME(aim_string)(t->n, t->k, count, t->n, strings, weight, v->e, v->dl);
    NAME(backward)(t, &w, 0, count, strings, NULL, false);
    NAME(add_grad)(t, &w, grad);
}

/* ---- connected strings ---- */

static void NAME(connected)(const NET *t, void *memory, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                            double *log_two, uint64_t *evaluations)
{
    NAME(work) w;
    NAME(layout)(t, &w, memory);
    w.tree.keep = false;
    NAME(root)(t, &w, count, strings);
    const size_t n = t->n, k = t->k;
    NAME(logits) *base = &w.tree.node[0], *first = &w.tree.node[1], *second = &w.tree.node[2];
    NAME(log_p)(k, count * n, base->l, base->most, base->sum, w.tree.log_p[0]);
    for (size_t s = 0; s < count; s++) {
        double *before = w.tree.before + s * (n + 1);
        before[0] = 0;
        for (size_t i = 0; i < n; i++)
            before[i + 1] = before[i] + w.tree.log_p[0][(s * n + i) * k + strings[s * n + i]];
        for (size_t i = 0; i < n; i++)
            log_one[(s * n + i) * k + strings[s * n + i]] = before[n];
    }
    *evaluations += count * n;
    for (size_t i = 0; i < n; i++)
        for (size_t x = 1; x < k; x++) {
            const size_t after = n - 1 - i;
            povm_turn(k, count, strings + i, n, x, w.tree.b);
            if (after) {
                NAME(child)(t, &w, 1, i, count, strings, w.tree.b);
                NAME(log_p)(k, count * after, first->l, first->most, first->sum, w.tree.log_p[1]);
            }
            *evaluations += count * after;
            for (size_t s = 0; s < count; s++) {
                double sum = w.tree.before[s * (n + 1) + i] + w.tree.log_p[0][(s * n + i) * k + w.tree.b[s]];
                w.tree.value[s] = sum;
                for (size_t v = 0; v < after; v++)
                    sum += w.tree.log_p[1][(s * after + v) * k + strings[s * n + i + 1 + v]];
                log_one[(s * n + i) * k + w.tree.b[s]] = sum;
            }
            for (size_t j = i + 1; j < n; j++) { /* value: log P of the sites before j */
                const size_t q = povm_bond_between(n_bonds, bond, i, j), rest = n - 1 - j;
                for (size_t y = 1; y < k && q < n_bonds; y++) {
                    double tail[POVM_BLOCK] = {0};
                    povm_turn(k, count, strings + j, n, y, w.tree.c);
                    if (rest) {
                        NAME(child)(t, &w, 2, j, count, strings, w.tree.c);
                        NAME(add_logp)(k, count, rest, second->l, second->most, second->sum, strings + j + 1, n, tail);
                    }
                    *evaluations += count * rest;
                    for (size_t s = 0; s < count; s++)
                        log_two[(s * n_bonds + q) * k * k + ((size_t)bond[q][0] == i ? w.tree.b[s] + k * w.tree.c[s] : w.tree.c[s] + k * w.tree.b[s])] =
                            w.tree.value[s] + w.tree.log_p[1][(s * after + j - i - 1) * k + w.tree.c[s]] + tail[s];
                }
                for (size_t s = 0; s < count; s++)
                    w.tree.value[s] += w.tree.log_p[1][(s * after + j - i - 1) * k + strings[s * n + j]];
            }
        }
    for (size_t s = 0; s < count; s++)
        povm_connected_fill(&t->shape, n_bonds, bond, strings + s * n, log_one + s * n * k, log_two + s * n_bonds * k * k);
}

/* The strings with sites i and j changed, (b, c) = the outcomes; their weight also where it belongs to the sites up to j. */
static bool NAME(second_grad)(const NET *t, NAME(work) *w, size_t n_bonds, const int (*bond)[2], size_t q, size_t i, size_t j, size_t count,
                              const uint8_t *strings, const double *weight_two, bool *open)
{
    const size_t n = t->n, k = t->k;
    bool any = false;
    double weight[POVM_BLOCK];
    for (size_t s = 0; s < count; s++) {
        const size_t b = bond[q][0] == (int)i ? w->tree.b[s] : w->tree.c[s], c = bond[q][0] == (int)i ? w->tree.c[s] : w->tree.b[s];
        weight[s] = povm_connected_pair(&t->shape, n_bonds, bond, q, b, c, weight_two + s * n_bonds * k * k);
        any |= weight[s] != 0;
    }
    if (!any)
        return false;
    if (!*open) {
        NAME(child)(t, w, 1, i, count, strings, w->tree.b);
        NAME(begin)(t, w, 1, count, true);
        *open = true;
    }
    for (size_t s = 0; s < count; s++) {
        w->tree.weight[s] += weight[s];
        w->tree.target[1][(s * n + j) * k + w->tree.c[s]] += weight[s];
    }
    povm_aim_at(t->n, t->k, count, strings, i + 1, j, weight, w->tree.target[1]);
    if (j + 1 == n)
        return true;
    NAME(logits) *v = &w->tree.node[2];
    NAME(child)(t, w, 2, j, count, strings, w->tree.c);
    NAME(begin)(t, w, 2, count, false);
    NAME(divide)(k, count * v->sites, v->e, v->sum);
    NAME(aim_string)(n, k, count, v->sites, strings, weight, v->e, v->dl);
    NAME(backward)(t, w, 2, count, strings, w->tree.c, false);
    return true;
}

static void NAME(connected_grad)(const NET *t, void *memory, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings,
                                 const double *weight_one, const double *weight_two, double *grad)
{
    NAME(work) w;
    NAME(layout)(t, &w, memory);
    w.tree.keep = true;
    NAME(root)(t, &w, count, strings);
    const size_t n = t->n, k = t->k;
    NAME(begin)(t, &w, 0, count, true);
    memset(w.tree.target[0], 0, count * n * k * sizeof(double));
    double own[POVM_BLOCK];
    for (size_t s = 0; s < count; s++)
        own[s] = povm_connected_fold(&t->shape, n_bonds, bond, strings + s * n, weight_one + s * n * k, weight_two + s * n_bonds * k * k,
                                     w.tree.one + s * n * k);
    povm_aim_at(t->n, t->k, count, strings, 0, n, own, w.tree.target[0]);
    for (size_t i = 0; i < n; i++)
        for (size_t x = 1; x < k; x++) {
            bool any = false, open = false; /* open: node 1 is the string with site i changed */
            povm_turn(k, count, strings + i, n, x, w.tree.b);
            for (size_t s = 0; s < count; s++) {
                w.tree.weight[s] = w.tree.one[(s * n + i) * k + w.tree.b[s]];
                any |= w.tree.weight[s] != 0;
            }
            memset(w.tree.target[1], 0, count * n * k * sizeof(double));
            povm_aim_at(t->n, t->k, count, strings, i + 1, n, w.tree.weight, w.tree.target[1]);
            if (any && i + 1 < n) {
                NAME(child)(t, &w, 1, i, count, strings, w.tree.b);
                NAME(begin)(t, &w, 1, count, true);
                open = true;
            }
            for (size_t j = i + 1; j < n; j++) {
                const size_t q = povm_bond_between(n_bonds, bond, i, j);
                for (size_t y = 1; y < k && q < n_bonds; y++) {
                    povm_turn(k, count, strings + j, n, y, w.tree.c);
                    any |= NAME(second_grad)(t, &w, n_bonds, bond, q, i, j, count, strings, weight_two, &open);
                }
            }
            if (!any)
                continue;
            for (size_t s = 0; s < count; s++)
                w.tree.target[0][(s * n + i) * k + w.tree.b[s]] += w.tree.weight[s];
            povm_aim_at(t->n, t->k, count, strings, 0, i, w.tree.weight, w.tree.target[0]);
            if (!open)
                continue;
            NAME(pull)(t, &w.tree.node[1], count, w.tree.target[1]);
            NAME(backward)(t, &w, 1, count, strings, w.tree.b, true);
        }
    NAME(pull)(t, &w.tree.node[0], count, w.tree.target[0]);
    NAME(backward)(t, &w, 0, count, strings, NULL, true);
    NAME(add_grad)(t, &w, grad);
}
