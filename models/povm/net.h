/* net.h -- probabilities of outcome strings, P(a_0 ... a_{n-1}) = prod_t P(a_t | a_0 ... a_{t-1}), that can be sampled exactly.
 *
 * A net is a shape, a vector theta of parameters in double precision (the optimiser's) and, after povm_net_set, a copy of it in the precision of its
 * arithmetic.  Strings are uint8_t [count][n], in the order of the sites of the lattice.  log P is always a double.
 *
 * Everything runs over blocks of POVM_BLOCK strings; blocks are spread over qn_threads() threads, gradients are added up in POVM_SLOTS groups of
 * consecutive blocks and the groups in order, so that the bits do not depend on the number of threads.  One povm_net serves one task. */
#ifndef POVM_NET_H
#define POVM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quench.h"

enum { POVM_BLOCK = 64, POVM_LANES = 32 /* of a tile, see lanes.h */, POVM_SLOTS = 32, POVM_MAX_TENSORS = 96 };

/* In the order of the choices of the parameters `ansatz` and `layer_norm`. */
typedef enum { POVM_PRODUCT = 0, POVM_MADE, POVM_GRU, POVM_TRANSFORMER, POVM_TABLE, POVM_RBM } povm_ansatz;
typedef enum { POVM_NO_NORM = 0, POVM_POST_LN, POVM_PRE_LN } povm_norm;

typedef struct povm_shape {
    povm_ansatz ansatz;
    int n, k;                 /* sites, outcomes */
    int d, f, heads, layers;  /* transformer: width, feed-forward width; gru: d, layers; made: 1 or 2 layers */
    povm_norm norm;
    int hidden;               /* made, rbm: units a site */
    int orders;               /* string state over so many orders; 0 or 1: the order of the sites */
    const int *order;         /* [orders][n], kept by the caller; NULL: the order of the sites */
    bool single;              /* arithmetic in single precision */
} povm_shape;

typedef struct povm_tensor {
    const char *name;         /* "layer0.Wq" */
    size_t first, count;      /* where in theta */
    size_t rows, columns;
} povm_tensor;

/* What one ansatz implements, for one block in its own order of sites.  `self` is what open() made; `work` is private to the thread, [work_bytes]. */
typedef struct povm_net_methods {
    const char *name;
    size_t (*tensors)(const povm_shape *s, povm_tensor *out);                       /* how many; fills at most POVM_MAX_TENSORS */
    int (*open)(const povm_shape *s, void **self);
    void (*close)(void *self);
    /* theta of the product state p[n][k], other weights Gaussian by the ansatz's own rule times `scale`, output weights times `noise`. */
    void (*start)(const povm_shape *s, const double *p, double scale, double noise, qn_rng *rng, double *theta);
    void (*set)(void *self, const double *theta);
    size_t (*work_bytes)(const void *self);
    void (*sample)(const void *self, void *work, qn_rng *rng, size_t count, uint8_t *strings, double *logp); /* draws for POVM_BLOCK strings always */
    void (*logp)(const void *self, void *work, size_t count, const uint8_t *strings, double *logp);
    void (*grad)(const void *self, void *work, size_t count, const uint8_t *strings, const double *weight, double *grad); /* grad += sum w grad log P */
    /* Optional (else connected.c lists the strings and calls logp and grad): prefix re-use.  For each string and each bond (i, j) log P with sites i and
     * j set to b_i, b_j.  log_one[count][n][k], log_two[count][n_bonds][k*k] (b_i + k b_j); entries that leave a site as it is included.
     * evaluations: += positions of the net that were worked out, a string at a time. */
    void (*connected)(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                      double *log_two, uint64_t *evaluations);
    /* grad += sum over the same list of weight_one, weight_two times grad log P. */
    void (*connected_grad)(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings,
                           const double *weight_one, const double *weight_two, double *grad);
    /* Optional (else grad is called string by string): grad log P of each string into out[count][parameters]. */
    void (*scores)(const void *self, void *work, size_t count, const uint8_t *strings, double *out);
} povm_net_methods;

typedef struct povm_net povm_net;

int povm_net_create(const povm_shape *s, povm_net **out) QN_NODISCARD;
void povm_net_destroy(povm_net *net);
void povm_net_use_threads(povm_net *net, int threads); /* 0 (as created): qn_threads() */
const povm_shape *povm_net_shape(const povm_net *net);
size_t povm_net_count(const povm_net *net); /* parameters */
size_t povm_net_tensors(const povm_net *net, const povm_tensor **out);
void povm_net_start(const povm_net *net, const double *p, double scale, double noise, qn_rng *rng, double *theta);
void povm_net_set(povm_net *net, const double *theta);

/* `count` strings and their log P.  Block b draws from stream first + b of the purpose (qn_stream_split), so that a longer draw begins with a shorter one.
 * Not for an rbm, whose log P is known up to a constant: see the chains of rbm.h. */
void povm_net_sample(povm_net *net, const qn_streams *streams, qn_purpose purpose, uint64_t first, size_t count, uint8_t *strings, double *logp);
void povm_net_logp(povm_net *net, size_t count, const uint8_t *strings, double *logp);
void povm_net_grad(povm_net *net, size_t count, const uint8_t *strings, const double *weight, double *grad); /* adds */
/* grad log P of every string, [count][parameters]. */
void povm_net_scores(povm_net *net, size_t count, const uint8_t *strings, double *out);

/* All strings that one generator connects with each of `count` strings, see the methods; `tree` false: the plain list, for tests.  Returns how
 * many positions were evaluated. */
uint64_t povm_net_connected(povm_net *net, bool tree, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                            double *log_two);
void povm_net_connected_grad(povm_net *net, bool tree, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings,
                             const double *weight_one, const double *weight_two, double *grad);

/* ---- for the ansaetze ------------------------------------------------------------------------------------------ */

extern const povm_net_methods povm_product, povm_made, povm_gru, povm_transformer, povm_table, povm_rbm;

/* The methods of the bare ansatz.  Where a shape has `order`, net.c takes povm_strings (strings.c), which calls these with orders = 0; it has room for
 * two bonds a site. */
const povm_net_methods *povm_net_methods_of(povm_ansatz ansatz);
extern const povm_net_methods povm_strings;

/* connected.c: the methods connected and connected_grad for any net, out of logp and grad of the distinct strings.  `list` is scratch of
 * povm_list_bytes(), private to the thread as `work` is.  Strings of weight 0 are left out of the gradient. */
size_t povm_list_bytes(const povm_shape *s);
void povm_list_connected(const povm_net_methods *methods, const povm_shape *s, const void *self, void *work, void *list, size_t n_bonds,
                         const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one, double *log_two, uint64_t *evaluations);
void povm_list_connected_grad(const povm_net_methods *methods, const povm_shape *s, const void *self, void *work, void *list, size_t n_bonds,
                              const int (*bond)[2], size_t count, const uint8_t *strings, const double *weight_one, const double *weight_two,
                              double *grad);

#endif
