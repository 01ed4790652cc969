/* kernel_body.h -- moves and weights of one tile, compiled once for each instruction set (levels.h).
 *
 * x' = c + (drift y + amplitude xi), y = x - c.  What depends on the particle alone stands in two rows of lanes, `drift` and `scale`;
 * then the amplitude is scale, scale y_k or spread min(scale |y_k|, M). */

#define INLINE TARGET static inline __attribute__((always_inline))
#define AT(p, i) (*(VMEM *)((p) + (i)))
#define IN(p, i) (*(const VMEM *)((p) + (i)))

INLINE void NAME(norms)(size_t d, size_t lanes, const double *x, const double *c, double *norm)
{
    size_t i = 0;
    for (; i + 4 * W <= lanes; i += 4 * W) {
        VD s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (size_t k = 0; k < d; k++) {
            const double *row = x + k * CBO_LANES + i;
            VD y0 = IN(row, 0) - c[k], y1 = IN(row, W) - c[k], y2 = IN(row, 2 * W) - c[k], y3 = IN(row, 3 * W) - c[k];
            s0 += y0 * y0;
            s1 += y1 * y1;
            s2 += y2 * y2;
            s3 += y3 * y3;
        }
        AT(norm, i) = NAME(vsqrt)(s0);
        AT(norm, i + W) = NAME(vsqrt)(s1);
        AT(norm, i + 2 * W) = NAME(vsqrt)(s2);
        AT(norm, i + 3 * W) = NAME(vsqrt)(s3);
    }
    for (; i < lanes; i += W) {
        VD s = {0};
        for (size_t k = 0; k < d; k++) {
            VD y = IN(x, k * CBO_LANES + i) - c[k];
            s += y * y;
        }
        AT(norm, i) = NAME(vsqrt)(s);
    }
}

/* Factor H(f - f_c) of each particle; one without a value drifts. */
INLINE void NAME(heaviside)(const cbo_move *m, size_t lanes, const double *f, double *h)
{
    for (size_t i = 0; i < lanes; i += W) {
        VD gap = IN(f, i) - m->f_c, value;
        if (m->heaviside == CBO_HEAVISIDE_SHARP)
            value = NAME(vselect)(VMASK(gap > 0.0), (VD){0} + 1.0, (VD){0});
        else
            value = 1.0 / (1.0 + NAME(vexp)(gap * (-2.0 / m->heaviside_eps)));
        AT(h, i) = NAME(vselect)(VMASK(gap != gap), (VD){0} + 1.0, value);
    }
}

/* `count` coordinates from x on; returns the largest |x'| seen. */
INLINE VD NAME(shift_rows)(const rule *r, size_t count, size_t lanes, const double *c, const double *xi, const double *drift, const double *scale,
                           double *x, VD top)
{
    for (size_t k = 0; k < count; k++, x += CBO_LANES, xi += lanes)
        for (size_t i = 0; i < lanes; i += W) {
            VD y = IN(x, i) - c[k], amplitude = IN(scale, i), to;
            if (r->kind == BY_COMPONENT)
                amplitude *= y;
            else if (r->kind == TRUNCATED_COMPONENT)
                amplitude = r->spread * NAME(vmin)(amplitude * NAME(vabs)(y), (VD){0} + r->truncation);
            if (r->kind == GEOMETRIC)
                to = c[k] + y * NAME(vexp)(IN(drift, i) + amplitude * IN(xi, i));
            else
                to = c[k] + (IN(drift, i) * y + amplitude * IN(xi, i));
            AT(x, i) = to;
            top = NAME(vmax)(NAME(vabs)(to), top);
        }
    return top;
}

INLINE VD NAME(shift)(const rule *r, size_t count, size_t lanes, const double *c, const double *xi, const double *drift, const double *scale, double *x,
                      VD top)
{
    switch (r->kind) { /* one loop a kind */
    case BY_PARTICLE:
        return NAME(shift_rows)(&(rule){.kind = BY_PARTICLE}, count, lanes, c, xi, drift, scale, x, top);
    case BY_COMPONENT:
        return NAME(shift_rows)(&(rule){.kind = BY_COMPONENT}, count, lanes, c, xi, drift, scale, x, top);
    case TRUNCATED_COMPONENT:
        return NAME(shift_rows)(&(rule){.kind = TRUNCATED_COMPONENT, .spread = r->spread, .truncation = r->truncation}, count, lanes, c, xi, drift, scale,
                                x, top);
    default:
        return NAME(shift_rows)(&(rule){.kind = GEOMETRIC}, count, lanes, c, xi, drift, scale, x, top);
    }
}

/* The rows of particle constants. */
TARGET static void NAME(prepare)(const rule *r, const cbo_move *m, size_t d, size_t lanes, const double *x, const double *f, const double *c,
                                 double *drift, double *scale)
{
    for (size_t i = 0; i < lanes; i += W) {
        AT(drift, i) = (VD){0} + 1.0;
        AT(scale, i) = (VD){0} + 1.0;
    }
    const bool factor = m->heaviside != CBO_HEAVISIDE_NONE && r->kind != GEOMETRIC;
    if (factor)
        NAME(heaviside)(m, lanes, f, drift);
    if (factor && m->heaviside_noise)
        memcpy(scale, drift, lanes * sizeof *scale);
    double norm[CBO_LANES];
    if (r->by_norm)
        NAME(norms)(d, lanes, x, c, norm);
    for (size_t i = 0; i < lanes; i += W) {
        VD s = IN(scale, i), keep = (VD){0} + r->keep;
        if (factor)
            keep = 1.0 - r->pull * IN(drift, i);
        AT(drift, i) = keep;
        if (r->by_norm)
            s = NAME(vmin)(s * IN(norm, i), (VD){0} + r->truncation);
        if (r->kind != TRUNCATED_COMPONENT)
            s *= r->spread;
        AT(scale, i) = s;
    }
}

/* Returns the largest |coordinate| of the tile after its move. */
TARGET static double NAME(move)(const rule *r, const cbo_move *m, size_t d, size_t lanes, const double *f, const double *c, qn_bulk *bulk, double *x)
{
    double drift[CBO_LANES], scale[CBO_LANES], xi[CHUNK * CBO_LANES], top[W];
    NAME(prepare)(r, m, d, lanes, x, f, c, drift, scale);
    VD most = {0};
    for (size_t k = 0; k < d; k += CHUNK) {
        size_t count = d - k < CHUNK ? d - k : CHUNK;
        qn_bulk_normal(bulk, count * lanes, xi);
        most = NAME(shift)(r, count, lanes, c + k, xi, drift, scale, x + k * CBO_LANES, most);
    }
    memcpy(top, &most, sizeof top);
    double all = 0;
    for (size_t i = 0; i < W; i++)
        all = top[i] > all ? top[i] : all;
    return all;
}

/* Sum over lanes: lanes that agree modulo 8 first, in order, then 8-4-2-1. */
INLINE double NAME(fold)(const VD part[8 / W])
{
    double t[8];
    memcpy(t, part, sizeof t);
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/* e^-u, or 0 from u = 340 on: a sum that is at least 1 does not notice, and squares do not become subnormal, which is slow. */
INLINE VD NAME(weight)(VD u)
{
    VU none = ~VMASK(u < 340.0);
    return NAME(vselect)(none, (VD){0}, NAME(vexp)(-NAME(vmin)(u, (VD){0} + 340.0)));
}

/* The tile's slot.  Particles without a value, and padding, get weight 0 and are not looked at. */
TARGET static void NAME(weigh)(double alpha, size_t d, size_t lanes, size_t count, const double *x, const double *f, double *slot)
{
    double value[CBO_LANES], w[CBO_LANES];
    size_t nonfinite = 0;
    VU odd = {0};
    for (size_t i = 0; i < lanes; i += W) {
        VU good = VMASK(IN(f, i) < INFINITY);
        odd |= ~good;
        AT(value, i) = NAME(vselect)(good, IN(f, i), (VD){0} + INFINITY);
    }
    uint64_t any = 0;
    for (size_t i = 0; i < W; i++)
        any |= odd[i];
    if (any)
        for (size_t i = 0; i < count; i++)
            nonfinite += value[i] == INFINITY;
    for (size_t i = count; i < lanes; i++)
        value[i] = INFINITY;

    VD low = {0};
    low += INFINITY;
    for (size_t i = 0; i < lanes; i += W)
        low = NAME(vmin)(IN(value, i), low);
    double least = INFINITY;
    for (size_t i = 0; i < W; i++)
        least = low[i] < least ? low[i] : least;
    slot[CBO_SLOT_LEAST] = least;
    slot[CBO_SLOT_NONFINITE] = (double)nonfinite;
    if (!(fabs(least) < INFINITY))
        return;

    VD sum[8 / W] = {{0}}, square[8 / W] = {{0}};
    for (size_t i = 0; i < lanes; i += 8)
        for (size_t h = 0; h < 8 / W; h++) {
            VD v = IN(value, i + h * W), gap = v - least, weight;
            if (isinf(alpha))
                weight = NAME(vselect)(VMASK(gap == 0.0), (VD){0} + 1.0, (VD){0});
            else
                weight = NAME(vselect)(VMASK(v < INFINITY), NAME(weight)(alpha * gap), (VD){0});
            AT(w, i + h * W) = weight;
            sum[h] += weight;
            square[h] += weight * weight;
        }
    slot[CBO_SLOT_SUM] = NAME(fold)(sum);
    slot[CBO_SLOT_SQUARE] = NAME(fold)(square);
    for (size_t k = 0; k < d; k++, x += CBO_LANES) {
        VD part[8 / W] = {{0}};
        for (size_t i = 0; i < lanes; i += 8)
            for (size_t h = 0; h < 8 / W; h++)
                part[h] += IN(w, i + h * W) * IN(x, i + h * W);
        slot[CBO_SLOT_X + k] = NAME(fold)(part);
    }
}

#undef IN
#undef AT
#undef INLINE
