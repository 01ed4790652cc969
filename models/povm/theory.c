/* theory.c -- see theory.h.  The exact steady state (pauli.h) up to THEORY_SITES sites; closed forms of a single driven and damped spin, and the relation
 * between <Y> and <Z> that holds in every steady state of the driven, damped Ising model. */
#include "theory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "settings.h"

enum { THEORY_SITES = 10 };

enum {
    SX, SY, SZ, XX, YY, ZZ, ENERGY, PURITY, SX_MEAN, SY_MEAN, SZ_MEAN, ZZ_MEAN, GAP, SX_SPIN, SY_SPIN, SZ_SPIN, SZ_OF_SY, QUANTITIES
};

const qn_quantity povm_quantities[] = {
    [SX] = {"sx_end", "1", "⟨X⟩", "exact steady value of <X>, up to 10 sites", NULL},
    [SY] = {"sy_end", "1", "⟨Y⟩", "exact steady value of <Y>", NULL},
    [SZ] = {"sz_end", "1", "⟨Z⟩", "exact steady value of <Z>", NULL},
    [XX] = {"xx_end", "1", "⟨XX⟩", "exact steady value of <XX> over the bonds", NULL},
    [YY] = {"yy_end", "1", "⟨YY⟩", "exact steady value of <YY> over the bonds", NULL},
    [ZZ] = {"zz_end", "1", "⟨ZZ⟩", "exact steady value of <ZZ> over the bonds", NULL},
    [ENERGY] = {"energy_end", "γ", "⟨H⟩/N", "exact steady value of the energy a site", NULL},
    [PURITY] = {"purity_end", "1", "Tr ρ^2", "purity of the exact steady state", NULL},
    [SX_MEAN] = {"sx_mean", "1", "⟨X⟩", "the same as sx_end: what trajectories average to", NULL},
    [SY_MEAN] = {"sy_mean", "1", "⟨Y⟩", "the same as sy_end", NULL},
    [SZ_MEAN] = {"sz_mean", "1", "⟨Z⟩", "the same as sz_end", NULL},
    [ZZ_MEAN] = {"zz_mean", "1", "⟨ZZ⟩", "the same as zz_end", NULL},
    [GAP] = {"gap", "γ", "Δ", "spectral gap of the Liouvillian, up to 4 sites", NULL},
    [SX_SPIN] = {"sx_spin", "1", "⟨X⟩", "steady <X> of one spin in the field g with the decay rate gamma, no coupling", NULL},
    [SY_SPIN] = {"sy_spin", "1", "⟨Y⟩", "steady <Y> of one spin, 2 g gamma/(gamma^2 + 2 g^2)", NULL},
    [SZ_SPIN] = {"sz_spin", "1", "⟨Z⟩", "steady <Z> of one spin, -gamma^2/(gamma^2 + 2 g^2)", NULL},
    [SZ_OF_SY] = {"sz_identity", "1", "⟨Z⟩", "-1 + g <Y>/gamma by the exact <Y>: it is <Z> in every steady state of hamiltonian V/4 ZZ + g/2 X, jumps sqrt(gamma) s-", NULL},
    [QUANTITIES] = {.name = NULL},
};

/* Whether the texts are those of the driven, damped Ising model: g in -g/2 X.. as the table of parameters has them. */
static bool is_ising(const qn_params *p)
{
    return !strcmp(qn_text(p, "hamiltonian"), "V/4 ZZ + g/2 X") && !strcmp(qn_text(p, "jumps"), "sqrt(gamma) s-");
}

static int exact(const povm_problem *problem, double *out)
{
    povm_exact x;
    povm_steady_solver s = {0};
    double largest;
    int err = povm_exact_init(problem, &x);
    if (!err)
        err = povm_steady_solver_create(&x.g, problem->start, &s);
    while (!err && !s.over)
        povm_steady_solver_step(&s);
    if (!err && s.converged) {
        povm_expectations e;
        povm_pauli_expectations(&x.g, problem, s.c, x.one, x.pair, &e);
        povm_look_exact(x.look, &e);
        for (int k = SX; k <= ENERGY; k++)
            out[k] = k >= XX && k <= ZZ && !problem->lattice.n_bonds ? NAN : povm_look_mean(x.look, POVM_O_SX + k - SX, 0);
        out[PURITY] = povm_pauli_purity(&x.g, s.c);
        memcpy(out + SX_MEAN, out + SX, 3 * sizeof *out);
        out[ZZ_MEAN] = out[ZZ];
    }
    povm_steady_solver_free(&s);
    povm_exact_free(&x);
    if (!err && problem->lattice.n <= POVM_GAP_SITES)
        err = povm_pauli_gap(problem, &out[GAP], &largest);
    return err;
}

int povm_theory_at(const qn_params *p, double *out)
{
    povm_problem problem;
    for (int k = 0; k < QUANTITIES; k++)
        out[k] = NAN;
    int err = povm_problem_read(p, &problem);
    if (err)
        return err;
    if (problem.lattice.n <= THEORY_SITES)
        err = exact(&problem, out);
    if (is_ising(p)) {
        const double g = qn_real(p, "g"), gamma = qn_real(p, "gamma"), scale = gamma * gamma + 2 * g * g;
        out[SX_SPIN] = 0;
        out[SY_SPIN] = 2 * g * gamma / scale;
        out[SZ_SPIN] = -gamma * gamma / scale;
        out[SZ_OF_SY] = -1 + g * out[SY] / gamma;
    }
    povm_problem_free(&problem);
    return err;
}
