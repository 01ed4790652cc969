/* palette.c -- a path through CIELAB (CIE 15:2004, D65): lightness grows evenly while the hue turns from violet-blue to yellow;
 * the chroma stays inside sRGB.  Stops are spaced by arc length, so equal steps of a value look equal. */
#include "palette.h"

#include <math.h>

#define FINE 1024 /* points of the path over which the arc length is summed */

typedef struct lab {
    double l, a, b;
} lab;

static lab path(double t)
{
    static const double chroma[] = {36, 26, 24, 38, 60, 56}; /* below the limit of sRGB at the lightness and hue of each sixth */
    double s = t * 5, degree = 305 - 207 * t;
    size_t k = s < 4 ? (size_t)s : 4;
    double c = chroma[k] + (s - (double)k) * (chroma[k + 1] - chroma[k]);
    return (lab){14 + 79 * t, c * cos(degree * M_PI / 180), c * sin(degree * M_PI / 180)};
}

static double unfold(double f) /* inverse of CIELAB's cube root with its linear foot */
{
    return f > 6.0 / 29 ? f * f * f : 3 * (6.0 / 29) * (6.0 / 29) * (f - 4.0 / 29);
}

static qn_colour to_srgb(lab c)
{
    static const double m[3][3] = {{3.2404542, -1.5371385, -0.4985314}, {-0.9692660, 1.8760108, 0.0415560}, {0.0556434, -0.2040259, 1.0572252}};
    double f = (c.l + 16) / 116, xyz[3] = {0.95047 * unfold(f + c.a / 500), unfold(f), 1.08883 * unfold(f - c.b / 200)};
    qn_colour out = {.lightness = c.l};
    for (size_t i = 0; i < 3; i++) {
        double v = m[i][0] * xyz[0] + m[i][1] * xyz[1] + m[i][2] * xyz[2];
        v = v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055; /* IEC 61966-2-1 */
        out.rgb[i] = fmin(fmax(v, 0), 1);
    }
    return out;
}

void qn_palette(size_t n, qn_colour *out)
{
    double arc[FINE + 1] = {0};
    for (size_t i = 1; i <= FINE; i++) {
        lab p = path((double)(i - 1) / FINE), q = path((double)i / FINE);
        arc[i] = arc[i - 1] + sqrt((p.l - q.l) * (p.l - q.l) + (p.a - q.a) * (p.a - q.a) + (p.b - q.b) * (p.b - q.b));
    }
    for (size_t k = 0, i = 0; k < n; k++) {
        double want = arc[FINE] * (double)k / (double)(n - 1);
        while (i + 1 < FINE && arc[i + 1] < want)
            i++;
        out[k] = to_srgb(path(((double)i + (want - arc[i]) / (arc[i + 1] - arc[i])) / FINE));
    }
}
