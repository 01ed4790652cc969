/* qtest.h -- what every C test shares: cmocka, comparisons with a stated bound, the suite's budget for false alarms.
 * One program a module; tables of cases where there are several. */
#ifndef QTEST_H
#define QTEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Statistical checks: |got - want| <= z err.  Seeds are fixed, so a test that passes passes for ever; z = 4 would fail a
 * fresh seed with probability 6e-5 a check. */
#define Q_Z 4.0

#define assert_near(got, want, tol)                                                                                  \
    do {                                                                                                             \
        double g_ = (got), w_ = (want), t_ = (tol);                                                                  \
        if (!(fabs(g_ - w_) <= t_))                                                                                  \
            fail_msg("%s = %.15g, want %s = %.15g within %.3g (off by %.3g)", #got, g_, #want, w_, t_, g_ - w_);     \
    } while (0)

#define assert_sigma(got, err, want)                                                                                 \
    do {                                                                                                             \
        double g_ = (got), e_ = (err), w_ = (want);                                                                  \
        if (!(fabs(g_ - w_) <= Q_Z * e_))                                                                            \
            fail_msg("%s = %.8g +- %.2g, want %.8g (z = %.2f)", #got, g_, e_, w_, (g_ - w_) / e_);                   \
    } while (0)

#endif
