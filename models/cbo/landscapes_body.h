/* landscapes_body.h -- the analytic landscapes on tiles, compiled once for each instruction set (levels.h); formulas in landscapes.c.
 *
 * One vector of lanes at a time, sums over coordinates in registers.  1 - cos(2 pi z) is written 2 sin(pi z)^2, which keeps its
 * relative accuracy at the minimum. */

#define EVAL(name) TARGET static void NAME(name)(const cbo_objective *o, size_t lanes, const double *x, double *f, double *scratch)
#define EACH_VECTOR (void)scratch; for (size_t i = 0; i < lanes; i += W)
#define X(k) (*(const VMEM *)(x + (k) * CBO_LANES + i))
#define F (*(VMEM *)(f + i))

EVAL(quadratic)
{
    const double *a = land(o)->c;
    EACH_VECTOR {
        VD sum = {0};
        for (size_t k = 0; k < o->d; k++)
            sum += a[k] * (X(k) * X(k));
        F = 0.5 * sum;
    }
}

/* Sums of z^2 and of sin(pi z)^2. */
TARGET static inline __attribute__((always_inline)) void NAME(waves)(const cbo_objective *o, const double *x, size_t i, VD *square, VD *sine)
{
    VD sum = {0}, wave = {0};
    for (size_t k = 0; k < o->d; k++) {
        VD z = X(k), s = NAME(vsinpi)(z);
        sum += z * z;
        wave += s * s;
    }
    *square = sum;
    *sine = wave;
}

EVAL(ackley)
{
    const double per_d = 1.0 / (double)o->d;
    EACH_VECTOR {
        VD square, sine;
        NAME(waves)(o, x, i, &square, &sine);
        F = 20.0 * (1.0 - NAME(vexp)(-0.2 * NAME(vsqrt)(square * per_d))) + 2.718281828459045 * (1.0 - NAME(vexp)(sine * (-2.0 * per_d)));
    }
}

EVAL(rastrigin)
{
    const double twice_a = 2 * o->a;
    EACH_VECTOR {
        VD square, sine;
        NAME(waves)(o, x, i, &square, &sine);
        F = square + twice_a * sine;
    }
}

EVAL(griewank)
{
    const double *frequency = land(o)->c; /* 1/(pi sqrt(k)) */
    EACH_VECTOR {
        VD square = {0}, product = (VD){0} + 1.0;
        for (size_t k = 0; k < o->d; k++) {
            square += X(k) * X(k);
            product *= NAME(vcospi)(X(k) * frequency[k]);
        }
        F = 1.0 + square * (1.0 / 4000) - product;
    }
}

EVAL(rosenbrock)
{
    EACH_VECTOR {
        VD sum = {0}, z = X(0);
        for (size_t k = 1; k < o->d; k++) {
            VD next = X(k), bend = next - z * z, rest = 1.0 - z;
            sum += 100.0 * (bend * bend) + rest * rest;
            z = next;
        }
        F = sum;
    }
}

EVAL(salomon)
{
    EACH_VECTOR {
        VD square = {0};
        for (size_t k = 0; k < o->d; k++)
            square += X(k) * X(k);
        VD r = NAME(vsqrt)(square), s = NAME(vsinpi)(r);
        F = 2.0 * (s * s) + 0.1 * r;
    }
}

EVAL(schwefel220)
{
    EACH_VECTOR {
        VD sum = {0};
        for (size_t k = 0; k < o->d; k++)
            sum += NAME(vabs)(X(k));
        F = sum;
    }
}

EVAL(xsyrandom)
{
    const double *eta = land(o)->c;
    EACH_VECTOR {
        VD sum = {0};
        for (size_t k = 0; k < o->d; k++) {
            VD base = NAME(vabs)(X(k)), power = (VD){0} + eta[k];
            for (size_t n = k + 1; n; n >>= 1, base *= base)
                if (n & 1)
                    power *= base;
            sum += power;
        }
        F = sum;
    }
}

EVAL(dropwave)
{
    (void)o;
    EACH_VECTOR {
        VD square = X(0) * X(0) + X(1) * X(1);
        F = -(1.0 + NAME(vcospi)(NAME(vsqrt)(square) * 3.8197186342054881)) / (0.5 * square + 2.0);
    }
}

EVAL(eggholder)
{
    const double per_pi = 0.31830988618379067;
    (void)o;
    EACH_VECTOR {
        VD a = X(1) + 47.0, b = a + 0.5 * X(0), c = X(0) - a;
        F = -a * NAME(vsinpi)(NAME(vsqrt)(NAME(vabs)(b)) * per_pi) - X(0) * NAME(vsinpi)(NAME(vsqrt)(NAME(vabs)(c)) * per_pi);
    }
}

EVAL(himmelblau)
{
    (void)o;
    EACH_VECTOR {
        VD a = X(0) * X(0) + X(1) - 11.0, b = X(0) + X(1) * X(1) - 7.0;
        F = a * a + b * b;
    }
}

EVAL(wshaped)
{
    (void)o;
    EACH_VECTOR {
        VD z = X(0), a = z - 4.0;
        F = z * z * (a * a + 1.0);
    }
}

/* Ripples, and the wall beyond the minimiser. */
TARGET static inline __attribute__((always_inline)) VD NAME(canyon_rest)(double ripple, VD x, VD y, VD v2)
{
    VD sx = NAME(vsinpi)(0.375 * x), sy = NAME(vsinpi)(0.375 * y), w = -x - 1.6 * y;
    VD wall = 4.0 * NAME(vexp)(1.0 - 2.0 * (v2 * v2)) * (1.0 - NAME(vexp)(-9.0 * (w * w)));
    return 2.0 * ripple * (sx * sx + sy * sy) + NAME(vselect)(VMASK(w > 0.0), wall, (VD){0});
}

EVAL(canyon)
{
    const double ripple = land(o)->ripple;
    EACH_VECTOR {
        VD a = X(0), b = X(1), a2 = a * a, v = b - (a - 1.0) * ((a - 4.0) * (a - 4.0)) * 0.125 - 2.0, v2 = v * v;
        VD bed = 25.0 * (1.0 - NAME(vexp)(-1.4 * v2 * NAME(vexp)(-0.002 * (a2 * a2))));
        F = bed + 0.4 * a2 + 0.2 * (b * b) + NAME(canyon_rest)(ripple, a, b, v2);
    }
}

EVAL(two_valley)
{
    const double ripple = land(o)->ripple;
    EACH_VECTOR {
        VD a = X(0), b = X(1), v = -b - 0.6 * a * (a - 4.0), v2 = v * v;
        F = 25.0 * (1.0 - NAME(vexp)(-1.2 * v2)) + 0.75 * (a * a) + 0.2 * (b * b) + NAME(canyon_rest)(ripple, a, b, v2);
    }
}

#undef F
#undef X
#undef EACH_VECTOR
#undef EVAL
