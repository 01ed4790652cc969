/* lattice.c -- see lattice.h. */
#include "lattice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quench.h"

static void add_bond(povm_lattice *l, int i, int j, bool double_bonds)
{
    for (int b = 0; b < l->n_bonds && !double_bonds; b++)
        if ((l->bond[b][0] == i && l->bond[b][1] == j) || (l->bond[b][0] == j && l->bond[b][1] == i))
            return;
    l->bond[l->n_bonds][0] = i;
    l->bond[l->n_bonds++][1] = j;
}

int povm_lattice_create(int lx, int ly, bool periodic, bool double_bonds, povm_lattice *out)
{
    *out = (povm_lattice){.n = lx * ly, .lx = lx, .ly = ly, .periodic = periodic};
    out->bond = calloc((size_t)(2 * out->n), sizeof *out->bond);
    if (!out->bond)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (int y = 0; y < ly; y++)
        for (int x = 0; x < lx; x++) {
            if (lx > 1 && (periodic || x + 1 < lx))
                add_bond(out, x + lx * y, (x + 1) % lx + lx * y, double_bonds);
            if (ly > 1 && (periodic || y + 1 < ly))
                add_bond(out, x + lx * y, x + lx * ((y + 1) % ly), double_bonds);
        }
    return 0;
}

int povm_lattice_graph(int n, size_t n_sites, const double *sites, povm_lattice *out)
{
    *out = (povm_lattice){.n = n, .graph = true};
    if (n_sites % 2)
        return qn_fail(QN_ERR_INPUT, "%zu numbers are no pairs of sites; a bond is two of them, `0, 1, 1, 2` a chain of three sites", n_sites);
    for (size_t k = 0; k < n_sites; k++)
        if (!(sites[k] >= 0 && sites[k] < n && sites[k] == floor(sites[k])))
            return qn_fail(QN_ERR_INPUT, "site %g is out of range; the sites of N = %d are 0 to %d", sites[k], n, n - 1);
    out->bond = calloc(n_sites / 2 + 1, sizeof *out->bond);
    if (!out->bond)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k + 1 < n_sites; k += 2) {
        if (sites[k] == sites[k + 1])
            return qn_fail(QN_ERR_INPUT, "the bond %g, %g joins a site with itself", sites[k], sites[k + 1]);
        add_bond(out, (int)sites[k], (int)sites[k + 1], true);
    }
    return 0;
}

void povm_lattice_free(povm_lattice *l)
{
    free(l->bond);
    memset(l, 0, sizeof *l);
}

/* ---- distances -------------------------------------------------------------------------------------------------- */

static int along(int from, int to, int side, bool periodic)
{
    int d = abs(from - to);
    return periodic && side - d < d ? side - d : d;
}

/* Squares of distances on a lattice, steps between the sites of a graph (-1: no way). */
static void measure(const povm_lattice *l, int *d)
{
    const int n = l->n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (l->graph) {
                d[i * n + j] = i == j ? 0 : -1;
            } else {
                int x = along(i % l->lx, j % l->lx, l->lx, l->periodic), y = along(i / l->lx, j / l->lx, l->ly, l->periodic);
                d[i * n + j] = x * x + y * y;
            }
        }
    for (int step = 1; l->graph && step < n; step++)
        for (int i = 0; i < n; i++)
            for (int b = 0; b < 2 * l->n_bonds; b++) {
                int from = l->bond[b / 2][b % 2], to = l->bond[b / 2][1 - b % 2];
                if (d[i * n + from] == step - 1 && d[i * n + to] < 0)
                    d[i * n + to] = step;
            }
}

int povm_distances_create(const povm_lattice *l, povm_distances *out)
{
    const int n = l->n;
    const size_t cells = (size_t)n * (size_t)n;
    memset(out, 0, sizeof *out);
    out->of = malloc(cells * sizeof *out->of);
    out->value = calloc(cells, sizeof *out->value);
    out->pairs = calloc(cells, sizeof *out->pairs);
    if (!out->of || !out->value || !out->pairs) {
        povm_distances_free(out);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    measure(l, out->of);
    int longest = 0;
    for (size_t c = 0; c < cells; c++)
        longest = out->of[c] > longest ? out->of[c] : longest;
    int *index = calloc((size_t)longest + 1, sizeof *index); /* pairs at every distance, then its number */
    if (!index) {
        povm_distances_free(out);
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    }
    for (size_t c = 0; c < cells; c++)
        if (out->of[c] > 0)
            index[out->of[c]]++;
    for (int d = 1; d <= longest; d++) {
        if (!index[d])
            continue;
        out->value[out->count] = l->graph ? d : sqrt(d);
        out->pairs[out->count] = index[d] / 2;
        index[d] = out->count++;
    }
    for (size_t c = 0; c < cells; c++)
        out->of[c] = out->of[c] > 0 ? index[out->of[c]] : -1;
    free(index);
    return 0;
}

void povm_distances_free(povm_distances *d)
{
    free(d->of);
    free(d->value);
    free(d->pairs);
    memset(d, 0, sizeof *d);
}

bool povm_lattice_connected(const povm_lattice *l)
{
    bool reached[POVM_MOST_SITES] = {true};
    int count = 1;
    for (bool more = true; more;) {
        more = false;
        for (int b = 0; b < l->n_bonds; b++) {
            int i = l->bond[b][0], j = l->bond[b][1];
            if (reached[i] == reached[j])
                continue;
            reached[i] = reached[j] = more = true;
            count++;
        }
    }
    return count == l->n;
}

/* ---- orders ------------------------------------------------------------------------------------------------------- */

/* The site that is t-th on a path that begins at corner `way` & 3, runs along x (`way` & 4: along y) and turns at the end of every row, everything
 * moved by (dx, dy). */
static int place(const povm_lattice *l, int way, int dx, int dy, int t)
{
    const bool down = way & 4;
    const int along_side = down ? l->ly : l->lx, across_side = down ? l->lx : l->ly;
    int row = t / along_side, at = t % along_side;
    if (row % 2)
        at = along_side - 1 - at;
    if (way & 1)
        at = along_side - 1 - at;
    if (way & 2)
        row = across_side - 1 - row;
    const int x = ((down ? row : at) + dx) % l->lx, y = ((down ? at : row) + dy) % l->ly;
    return x + l->lx * y;
}

int povm_lattice_orders(const povm_lattice *l, int most, int **out)
{
    const bool chain = l->graph || l->ly == 1 || l->lx == 1;
    const int ways = chain ? 2 : 8, moves = l->graph || !l->periodic ? 1 : l->n, all = ways * moves;
    const int count = most < all ? most : all;
    *out = malloc((size_t)count * (size_t)l->n * sizeof **out);
    if (!*out)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    for (int s = 0; s < count; s++) {
        const int which = (int)((int64_t)s * all / count), way = which % ways, move = which / ways;
        for (int t = 0; t < l->n; t++) {
            int *site = &(*out)[s * l->n + t];
            if (chain)
                *site = ((way ? l->n - 1 - t : t) + move) % l->n;
            else
                *site = place(l, way, move % l->lx, move / l->lx, t);
        }
    }
    return count;
}
