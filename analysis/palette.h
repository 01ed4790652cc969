/* palette.h -- the colours of maps and of ordered curves: dark blue over green to yellow, even to the eye and ordered in grey. */
#ifndef QN_PALETTE_H
#define QN_PALETTE_H

#include <stddef.h>

typedef struct qn_colour {
    double rgb[3];    /* sRGB, 0..1 */
    double lightness; /* CIE L*, 0..100; grows along the palette */
} qn_colour;

/* n >= 2 colours from one end of the palette to the other, neighbours equally far apart in CIELAB. */
void qn_palette(size_t n, qn_colour *out);

#endif
