/* terminal.h -- figures as characters: colours or shades for maps, marks and dotted lines for curves. */
#ifndef QN_TERMINAL_H
#define QN_TERMINAL_H

#include "figure.h"

typedef struct qn_terminal {
    size_t columns, rows;
    bool colour, true_colour, unicode;
} qn_terminal;

bool qn_terminal_unicode(void); /* what the locale's variables say */
int qn_terminal_draw(const qn_figure *f, const qn_terminal *t, FILE *out) QN_NODISCARD;

#endif
