/* spins.h -- energies of spin models on continuous x: the spherical p-spin glass and dense Hebbian networks.
 *
 *   spherical_pspin  H = -d^{-(p-1)/2} sum_{i1<..<ip} J_{i1..ip} x_{i1}..x_{ip}, J normal with variance p!/2, on |x|^2 = d.  p = 2: H = -(1/2) x^T J x,
 *                    Var J_ij = 1/d, no diagonal; its minimum is -(d/2) lambda_max(J) (GSL).  Source: Crisanti, Sommers 1992.
 *   hebbian          H = -d^{1-p} sum_mu (xi^mu . x)^p on |x|^2 = d; one pattern: minimum -d at xi, and at -xi for even p.  With `wells` g > 0
 *                    in place of the sphere: plus (g/4) sum (x_k^2 - 1)^2.
 *
 * On the sphere means: f(x) = H(x sqrt(d)/|x|), so that methods that leave the sphere see the same function; f(0) is NaN.  Gradients
 * are those of this f, tangential.  Couplings and patterns come from the disorder stream; the scores are the overlaps xi.x/(|xi||x|). */
#ifndef CBO_SPINS_H
#define CBO_SPINS_H

#include "objective.h"

extern const cbo_objective_kind cbo_spin_kinds[]; /* ends with name NULL */

#endif
