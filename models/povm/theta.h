/* theta.h -- the artifact `theta`: parameters of a net after a header that names the net, so that those of another are refused.
 *
 * Header: a mark, then what determines the meaning of the parameters; entries that the ansatz does not have are 0. */
#ifndef POVM_THETA_H
#define POVM_THETA_H

#include "frame.h"
#include "net.h"

enum { POVM_THETA_HEADER = 16 };

/* out [POVM_THETA_HEADER + count]. */
void povm_theta_write(const povm_shape *s, povm_kind frame, size_t count, const double *theta, double *out);

/* Are the n numbers x an artifact of a net of this shape with `count` parameters (from x + POVM_THETA_HEADER on)?  More numbers may follow: files pad.
 * Otherwise `why` says what is wrong and what would be right, to be read after the name of the file. */
bool povm_theta_fits(const povm_shape *s, povm_kind frame, size_t count, size_t n, const double *x, char *why, size_t size);

/* theta [count] from the result file that parameter `from` names, of the point nearest to p; NULL: looks whether it is there and fits.
 * QN_ERR_INPUT with a sentence that names the file. */
int povm_theta_read(const qn_params *p, const povm_shape *s, povm_kind frame, size_t count, uint64_t replica, double *theta) QN_NODISCARD;

#endif
