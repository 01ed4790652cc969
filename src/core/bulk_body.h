/* bulk_body.h -- the loops of bulk.c, compiled once for each instruction set (levels.h). */

enum { NAME(parts) = 8 / W }; /* vectors that hold the eight lanes */

#define LANES_LOOP _Pragma("GCC unroll 4") for (size_t h = 0; h < NAME(parts); h++)

TARGET static inline __attribute__((always_inline)) void NAME(next)(VU s[4][NAME(parts)], VU out[NAME(parts)])
{
    LANES_LOOP {
        VU sum = s[0][h] + s[3][h], t = s[1][h] << 17;
        out[h] = (sum << 23 | sum >> 41) + s[0][h];
        s[2][h] ^= s[0][h];
        s[3][h] ^= s[1][h];
        s[1][h] ^= s[2][h];
        s[0][h] ^= s[3][h];
        s[2][h] ^= t;
        s[3][h] = s[3][h] << 45 | s[3][h] >> 19;
    }
}

TARGET static void NAME(words)(qn_bulk *b, size_t groups, uint64_t *restrict out)
{
    VU s[4][NAME(parts)];
    memcpy(s, b->s, sizeof s);
    for (size_t g = 0; g < groups; g++, out += QN_BULK_GROUP)
        for (size_t half = 0; half < 2; half++) {
            VU word[NAME(parts)];
            NAME(next)(s, word);
            memcpy(out + 8 * half, word, sizeof word);
        }
    memcpy(b->s, s, sizeof s);
}

/* Of 16 words, 0..7 give the radii, 8..15 the angles: an eighth of a turn either way (52 bits) from one of four axes (2 other bits). */
TARGET static void NAME(normals)(qn_bulk *b, size_t groups, double *restrict out)
{
    VU s[4][NAME(parts)];
    memcpy(s, b->s, sizeof s);
    for (size_t g = 0; g < groups; g++, out += QN_BULK_GROUP) {
        VU u[NAME(parts)], v[NAME(parts)];
        NAME(next)(s, u);
        NAME(next)(s, v);
        LANES_LOOP {
            VD radius = NAME(vsqrt)(-2.0 * NAME(vlog)(NAME(from_bits)(u[h] >> 12 | UINT64_C(0x3ff0000000000000)) - 1.0 + 0x1p-53)), sine, cosine;
            VD eighths = NAME(from_bits)(v[h] >> 12 | UINT64_C(0x3ff0000000000000)) - 1.5 + 0x1p-53;
            NAME(vsincos_octant)(eighths * 1.57079632679489661923, &sine, &cosine);
            VU x = NAME(to_bits)(radius * sine), y = NAME(to_bits)(radius * cosine), axis = v[h];
            VU swap = (x ^ y) & -(axis & 1);
            x ^= swap ^ axis >> 1 << 63;
            y ^= swap ^ (axis ^ axis >> 1) << 63;
            memcpy(out + h * W, &x, sizeof x);
            memcpy(out + 8 + h * W, &y, sizeof y);
        }
    }
    memcpy(b->s, s, sizeof s);
}

#undef LANES_LOOP
