/* ladder.h -- the values of a tempering ladder whose neighbours exchange equally often, out of the exchange rates of one that was run. */
#ifndef QN_LADDER_H
#define QN_LADDER_H

#include "dataset.h"

typedef struct qn_ladder_choice {
    const char *axis;
    size_t n;
    double *value;           /* [n], from the first value of the file's ladder to its last */
    double barrier;          /* length of the whole */
    double rate, lowest;     /* the exchange rate to expect between neighbours; the lowest that was measured */
} qn_ladder_choice;

/* Between close values exchanges are rejected in proportion to the length of the interval in a measure of the axis alone, whose whole is the
 * barrier; n values at equal lengths have equal rates, and round trips take the fewest exchanges when half of them are accepted (Syed, Bouchard-Cote,
 * Deligiannidis & Doucet, J. R. Stat. Soc. B 84, 321 (2022)).  Across a longer interval the rate is erfc(sqrt(pi)/2 length), as for energies of normal
 * distribution (Kone & Kofke, J. Chem. Phys. 122, 206101 (2005)), by which rates become lengths.  `points` 0: as many as make half accepted.
 * Rates are averaged over the points of the other axes that `where` leaves.  QN_ERR_INPUT with a sentence when the file is of
 * no tempering, or its axis of whole numbers or texts. */
int qn_ladder_choose(const qn_dataset *d, const char *const *where, size_t n_where, size_t points, qn_ladder_choice *out) QN_NODISCARD;
void qn_ladder_choice_free(qn_ladder_choice *c);

#endif
