/* schedule.c -- see schedule.h. */
#include "schedule.h"

#include <math.h>

double cbo_alpha_at(const cbo_settings *set, uint64_t step)
{
    double alpha = set->alpha;
    switch (set->alpha_rule) {
    case CBO_ALPHA_GEOMETRIC:
        alpha *= pow(set->alpha_factor, (double)step);
        break;
    case CBO_ALPHA_DOUBLING:
        alpha *= exp2((double)(step / set->epoch));
        break;
    case CBO_ALPHA_FIXED: case CBO_ALPHA_NEFF:
        return alpha;
    }
    return alpha > 0 && !(alpha < set->alpha_max) ? fmax(set->alpha, set->alpha_max) : alpha; /* an alpha beyond alpha_max stays where it is */
}

/* sigma_{e+1} = sigma_e log2(e+1)/log2(e+2), e = 1, 2, ...: the product telescopes. */
double cbo_sigma_at(const cbo_settings *set, uint64_t step)
{
    return set->cooling ? set->sigma / log2((double)(step / set->epoch + 2)) : set->sigma;
}
