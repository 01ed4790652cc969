/* outcome.c -- see outcome.h. */
#include "outcome.h"

#include <string.h>

size_t povm_outcome_count(int n, int k)
{
    size_t count = 1;
    for (int i = 0; i < n && count <= POVM_MOST_STRINGS; i++)
        count *= (size_t)k;
    return count <= POVM_MOST_STRINGS ? count : POVM_MOST_STRINGS + 1;
}

void povm_outcome_string(int n, int k, size_t index, uint8_t *string)
{
    for (int i = 0; i < n; i++, index /= (size_t)k)
        string[i] = (uint8_t)(index % (size_t)k);
}

static size_t stride_of(int k, int site)
{
    size_t stride = 1;
    while (site-- > 0)
        stride *= (size_t)k;
    return stride;
}

/* out += matrix (or its transpose) on the digits of strides s1 and s2 (0: no second digit). */
static void add_term(size_t count, size_t k, size_t s1, size_t s2, const double *matrix, bool transposed, const double *x, double *out)
{
    size_t side = s2 ? k * k : k, at[POVM_OUTCOMES * POVM_OUTCOMES];
    for (size_t r = 0; r < side; r++)
        at[r] = r % k * s1 + r / k * s2;
    for (size_t base = 0; base < count; base++) {
        if (base / s1 % k || (s2 && base / s2 % k))
            continue;
        for (size_t a = 0; a < side; a++) {
            double sum = 0;
            for (size_t b = 0; b < side; b++)
                sum += (transposed ? matrix[b * side + a] : matrix[a * side + b]) * x[base + at[b]];
            out[base + at[a]] += sum;
        }
    }
}

static void apply(const povm_problem *p, bool transposed, const double *x, double *out)
{
    const povm_generator *g = &p->generator;
    size_t count = povm_outcome_count(p->lattice.n, g->k);
    memset(out, 0, count * sizeof *out);
    for (int i = 0; g->has_one && i < p->lattice.n; i++)
        add_term(count, (size_t)g->k, stride_of(g->k, i), 0, g->one, transposed, x, out);
    for (int b = 0; g->has_two && b < p->lattice.n_bonds; b++)
        add_term(count, (size_t)g->k, stride_of(g->k, p->lattice.bond[b][0]), stride_of(g->k, p->lattice.bond[b][1]), g->two, transposed, x, out);
}

void povm_outcome_apply(const povm_problem *p, const double *x, double *out)
{
    apply(p, false, x, out);
}

void povm_outcome_apply_transposed(const povm_problem *p, const double *x, double *out)
{
    apply(p, true, x, out);
}

void povm_outcome_product(const povm_problem *p, const double r[3], double *out)
{
    size_t k = (size_t)p->frame.k, count = povm_outcome_count(p->lattice.n, p->frame.k);
    double one[POVM_OUTCOMES];
    povm_frame_product(&p->frame, r, one);
    for (size_t s = 0; s < count; s++) {
        out[s] = 1;
        for (size_t i = 0, rest = s; i < (size_t)p->lattice.n; i++, rest /= k)
            out[s] *= one[rest % k];
    }
}

void povm_rates_init(const povm_problem *p, povm_rates *r)
{
    const povm_generator *g = &p->generator;
    size_t k = (size_t)g->k;
    memset(r, 0, sizeof *r);
    for (size_t q = 0; q < 3; q++) {
        const double *dual = p->frame.dual[q + 1];
        for (size_t a = 0; g->has_one && a < k; a++)
            for (size_t b = 0; b < k; b++)
                r->one[q][a] += dual[b] * g->one[b * k + a];
        for (size_t a = 0; g->has_two && a < k * k; a++)
            for (size_t b = 0; b < k * k; b++)
                r->two[q][a] += (dual[b % k] + dual[b / k]) * g->two[b * k * k + a];
    }
}

void povm_rates_at(const povm_rates *r, const povm_problem *p, const uint8_t *string, double rate[3])
{
    const povm_lattice *l = &p->lattice;
    for (size_t q = 0; q < 3; q++) {
        double sum = 0;
        for (int i = 0; p->generator.has_one && i < l->n; i++)
            sum += r->one[q][string[i]];
        for (int b = 0; p->generator.has_two && b < l->n_bonds; b++)
            sum += r->two[q][string[l->bond[b][0]] + p->generator.k * string[l->bond[b][1]]];
        rate[q] = sum / l->n;
    }
}
