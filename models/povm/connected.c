/* connected.c -- the strings that one- and two-site terms connect with a string, as a plain list of distinct ones: 1 + (k-1) n + (k-1)^2 pairs. */
#include "connected.h"

#include <stdlib.h>
#include <string.h>

static bool same_pair(const int a[2], const int b[2])
{
    return (a[0] == b[0] && a[1] == b[1]) || (a[0] == b[1] && a[1] == b[0]);
}

size_t povm_bond_first(const int (*bond)[2], size_t q)
{
    size_t first = 0;
    while (!same_pair(bond[first], bond[q]))
        first++;
    return first;
}

void povm_connected_fill(const povm_shape *s, size_t n_bonds, const int (*bond)[2], const uint8_t *string, const double *log_one, double *log_two)
{
    const size_t k = (size_t)s->k;
    for (size_t q = 0; q < n_bonds; q++) {
        const size_t i = (size_t)bond[q][0], j = (size_t)bond[q][1], first = povm_bond_first(bond, q);
        const bool turned = bond[first][0] != bond[q][0];
        double *two = log_two + q * k * k;
        const double *from = log_two + first * k * k;
        for (size_t c = 0; c < k; c++)
            for (size_t b = 0; b < k; b++)
                if (c == string[j])
                    two[b + k * c] = log_one[i * k + b];
                else if (b == string[i])
                    two[b + k * c] = log_one[j * k + c];
                else if (first < q)
                    two[b + k * c] = turned ? from[c + k * b] : from[b + k * c];
    }
}

double povm_connected_fold(const povm_shape *s, size_t n_bonds, const int (*bond)[2], const uint8_t *string, const double *weight_one,
                           const double *weight_two, double *one)
{
    const size_t n = (size_t)s->n, k = (size_t)s->k;
    memcpy(one, weight_one, n * k * sizeof *one);
    double own = 0;
    for (size_t q = 0; q < n_bonds; q++) {
        const size_t i = (size_t)bond[q][0], j = (size_t)bond[q][1];
        const double *two = weight_two + q * k * k;
        for (size_t b = 0; b < k; b++) {
            one[i * k + b] += two[b + k * string[j]];
            if (b != string[j])
                one[j * k + b] += two[string[i] + k * b];
        }
    }
    for (size_t i = 0; i < n; i++) {
        own += one[i * k + string[i]];
        one[i * k + string[i]] = 0;
    }
    return own;
}

double povm_connected_pair(const povm_shape *s, size_t n_bonds, const int (*bond)[2], size_t q, size_t b, size_t c, const double *weight_two)
{
    const size_t k = (size_t)s->k;
    double sum = 0;
    for (size_t r = q; r < n_bonds; r++)
        if (same_pair(bond[r], bond[q]))
            sum += weight_two[r * k * k + (bond[r][0] == bond[q][0] ? b + k * c : c + k * b)];
    return sum;
}

/* ---- the list ---- */

/* Strings in wait for a full block: where log P goes, or what weight they have. */
typedef struct list {
    const povm_net_methods *methods;
    const void *self;
    void *work;
    size_t n, waiting;
    uint64_t evaluated;           /* strings */
    uint8_t *string;              /* [POVM_BLOCK][n] */
    double *value, **to;          /* [POVM_BLOCK] */
    double *one;                  /* [n][k] */
    double *grad;                 /* NULL: log P is asked for */
} list;

size_t povm_list_bytes(const povm_shape *s)
{
    const size_t n = (size_t)s->n, k = (size_t)s->k;
    return n * k * sizeof(double) + POVM_BLOCK * (n + sizeof(double) + sizeof(double *));
}

static list list_in(void *memory, const povm_net_methods *methods, const povm_shape *s, const void *self, void *work)
{
    list l = {.methods = methods, .self = self, .work = work, .n = (size_t)s->n};
    l.one = memory;
    l.value = l.one + l.n * (size_t)s->k;
    l.to = (double **)(l.value + POVM_BLOCK);
    l.string = (uint8_t *)(l.to + POVM_BLOCK);
    return l;
}

static void flush(list *l)
{
    if (!l->waiting)
        return;
    if (l->grad) {
        l->methods->grad(l->self, l->work, l->waiting, l->string, l->value, l->grad);
    } else {
        l->methods->logp(l->self, l->work, l->waiting, l->string, l->value);
        for (size_t j = 0; j < l->waiting; j++)
            *l->to[j] = l->value[j];
    }
    l->evaluated += l->waiting;
    l->waiting = 0;
}

/* The string with outcome b at site i and c at site j; its log P into *to, or its gradient times the weight. */
static void add(list *l, const uint8_t *string, size_t i, size_t b, size_t j, size_t c, double *to, double weight)
{
    if (l->grad && weight == 0)
        return;
    uint8_t *copy = l->string + l->waiting * l->n;
    memcpy(copy, string, l->n);
    copy[i] = (uint8_t)b;
    copy[j] = (uint8_t)c;
    l->to[l->waiting] = to;
    l->value[l->waiting] = weight;
    if (++l->waiting == POVM_BLOCK)
        flush(l);
}

void povm_list_connected(const povm_net_methods *methods, const povm_shape *s, const void *self, void *work, void *memory, size_t n_bonds,
                         const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one, double *log_two, uint64_t *evaluations)
{
    list l = list_in(memory, methods, s, self, work);
    const size_t n = l.n, k = (size_t)s->k;
    for (size_t x = 0; x < count; x++) {
        const uint8_t *a = strings + x * n;
        double *one = log_one + x * n * k, *two = log_two + x * n_bonds * k * k;
        add(&l, a, 0, a[0], 0, a[0], &one[a[0]], 0);
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < k; b++)
                if (b != a[i])
                    add(&l, a, i, b, i, b, &one[i * k + b], 0);
        for (size_t q = 0; q < n_bonds; q++) {
            const size_t i = (size_t)bond[q][0], j = (size_t)bond[q][1];
            for (size_t c = 0; povm_bond_first(bond, q) == q && c < k; c++)
                for (size_t b = 0; b < k; b++)
                    if (b != a[i] && c != a[j])
                        add(&l, a, i, b, j, c, &two[q * k * k + b + k * c], 0);
        }
    }
    flush(&l);
    *evaluations += l.evaluated * n;
    for (size_t x = 0; x < count; x++) {
        const uint8_t *a = strings + x * n;
        double *one = log_one + x * n * k;
        for (size_t i = 1; i < n; i++)
            one[i * k + a[i]] = one[a[0]];
        povm_connected_fill(s, n_bonds, bond, a, one, log_two + x * n_bonds * k * k);
    }
}

void povm_list_connected_grad(const povm_net_methods *methods, const povm_shape *s, const void *self, void *work, void *memory, size_t n_bonds,
                              const int (*bond)[2], size_t count, const uint8_t *strings, const double *weight_one, const double *weight_two,
                              double *grad)
{
    list l = list_in(memory, methods, s, self, work);
    l.grad = grad;
    const size_t n = l.n, k = (size_t)s->k;
    for (size_t x = 0; x < count; x++) {
        const uint8_t *a = strings + x * n;
        const double *two = weight_two + x * n_bonds * k * k;
        const double own = povm_connected_fold(s, n_bonds, bond, a, weight_one + x * n * k, two, l.one);
        add(&l, a, 0, a[0], 0, a[0], NULL, own);
        for (size_t i = 0; i < n; i++)
            for (size_t b = 0; b < k; b++)
                if (b != a[i])
                    add(&l, a, i, b, i, b, NULL, l.one[i * k + b]);
        for (size_t q = 0; q < n_bonds; q++) {
            const size_t i = (size_t)bond[q][0], j = (size_t)bond[q][1];
            for (size_t c = 0; povm_bond_first(bond, q) == q && c < k; c++)
                for (size_t b = 0; b < k; b++)
                    if (b != a[i] && c != a[j])
                        add(&l, a, i, b, j, c, NULL, povm_connected_pair(s, n_bonds, bond, q, b, c, two));
        }
    }
    flush(&l);
}
