/* perceptron.h -- f = w.x/sqrt(d) on the data of population.h, P points or online; and its reduction to (w1, r).
 *
 * Points are kept as rows y x, so that u = y F is alpha times a row's product with the predictor's weights v over sqrt(d): v = w - w0 where f0 is
 * subtracted, else w.  What all points together say (errors, losses, noise; online the training ones too) is exact, from w1 and r alone. */
#ifndef SGD_PERCEPTRON_H
#define SGD_PERCEPTRON_H

#include "population.h"
#include "state.h"

/* Fills test_loss and test_err, and online what stands for the training set, for a predictor of (w1, r). */
void sgd_population_look(const sgd_rule *q, const sgd_settings *set, double w1, double r, sgd_look *out);

#endif
