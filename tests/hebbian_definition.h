/* hebbian_definition.h -- the energy of one pattern of the storage engine, for tests: its definition written out anew, in integers of 128 bits. */
#ifndef HEBBIAN_DEFINITION_H
#define HEBBIAN_DEFINITION_H

#include "qtest.h"

#include "hebbian/energy.h"

/* e_P of `up` ones and `down` minus ones: the coefficient of t^P in (1+t)^up (1-t)^down, exact in 128 bits. */
static inline long double elementary(int up, int down, int p)
{
    __int128 c[65] = {1};
    for (int i = 0; i < up; i++)
        for (int k = p; k > 0; k--)
            c[k] += c[k - 1];
    for (int i = 0; i < down; i++)
        for (int k = p; k > 0; k--)
            c[k] -= c[k - 1];
    return (long double)c[p];
}

static inline long double choose(int n, int p)
{
    return elementary(n, 0, p);
}

static inline long double factorial(int p)
{
    return p < 2 ? 1 : p * factorial(p - 1);
}

/* -H of one pattern with overlap M. */
static inline long double energy_of(int n, int p, heb_kind kind, heb_norm norm, int m)
{
    if (kind == HEB_FULL)
        return (long double)n / 2 * powl((long double)m / n, p);
    long double c = norm == HEB_EXACT ? n / (2 * choose(n, p)) : factorial(p) / (2 * powl(n, p - 1));
    return c * elementary((n + m) / 2, (n - m) / 2, p);
}

#endif
