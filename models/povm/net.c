/* net.c -- see net.h: blocks over threads, slots of gradients, the choice of the ansatz. */
#include "net.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct povm_net {
    povm_shape shape;
    const povm_net_methods *methods;
    void *self;
    povm_tensor tensor[POVM_MAX_TENSORS];
    size_t n_tensors, count;
    int threads;              /* asked for; 0: qn_threads() */
    int n_work;
    void **work;              /* a thread's scratch: of the methods, then of the list */
    size_t work_bytes;        /* of the methods */
    double *slot;             /* [POVM_SLOTS][count] */
};

const povm_net_methods *povm_net_methods_of(povm_ansatz ansatz)
{
    switch (ansatz) {
    case POVM_PRODUCT:
        return &povm_product;
    case POVM_MADE:
        return &povm_made;
    case POVM_GRU:
        return &povm_gru;
    case POVM_TRANSFORMER:
        return &povm_transformer;
    case POVM_TABLE:
        return &povm_table;
    case POVM_RBM:
        return &povm_rbm;
    }
    return NULL;
}

/* ---- life ---- */

/* Scratch for so many threads, or for as many as memory allows. */
static void make_work(povm_net *net, int threads)
{
    if (threads <= net->n_work)
        return;
    void **work = realloc(net->work, (size_t)threads * sizeof *work);
    if (!work)
        return;
    net->work = work;
    const size_t bytes = (net->work_bytes + povm_list_bytes(&net->shape) + 63) / 64 * 64;
    while (net->n_work < threads) {
        void *one = aligned_alloc(64, bytes);
        if (!one)
            return;
        memset(one, 0, bytes);
        net->work[net->n_work++] = one;
    }
}

static int open_net(povm_net *net)
{
    int err = net->methods->open(&net->shape, &net->self);
    if (err)
        return err;
    net->n_tensors = net->methods->tensors(&net->shape, net->tensor);
    const povm_tensor *last = &net->tensor[net->n_tensors - 1];
    net->count = last->first + last->count;
    net->work_bytes = (net->methods->work_bytes(net->self) + 63) / 64 * 64;
    net->slot = malloc(POVM_SLOTS * net->count * sizeof *net->slot);
    make_work(net, 1);
    return net->slot && net->n_work ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for a net of %zu parameters", net->count);
}

int povm_net_create(const povm_shape *s, povm_net **out)
{
    *out = NULL;
    povm_net *net = calloc(1, sizeof *net);
    if (!net)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    net->shape = *s;
    net->methods = s->order ? &povm_strings : povm_net_methods_of(s->ansatz);
    int err = open_net(net);
    if (err) {
        povm_net_destroy(net);
        return err;
    }
    *out = net;
    return 0;
}

void povm_net_destroy(povm_net *net)
{
    if (!net)
        return;
    if (net->self)
        net->methods->close(net->self);
    for (int i = 0; i < net->n_work; i++)
        free(net->work[i]);
    free(net->work);
    free(net->slot);
    free(net);
}

void povm_net_use_threads(povm_net *net, int threads)
{
    net->threads = threads;
}

const povm_shape *povm_net_shape(const povm_net *net)
{
    return &net->shape;
}

size_t povm_net_count(const povm_net *net)
{
    return net->count;
}

size_t povm_net_tensors(const povm_net *net, const povm_tensor **out)
{
    *out = net->tensor;
    return net->n_tensors;
}

void povm_net_start(const povm_net *net, const double *p, double scale, double noise, qn_rng *rng, double *theta)
{
    net->methods->start(&net->shape, p, scale, noise, rng, theta);
}

void povm_net_set(povm_net *net, const double *theta)
{
    net->methods->set(net->self, theta);
}

/* ---- blocks over threads ---- */

/* One call for all blocks: what a block needs; block() does the strings from first on. */
typedef struct call {
    povm_net *net;
    void (*block)(const struct call *c, void *work, size_t first, size_t count, double *grad, uint64_t *evaluations);
    const qn_streams *streams;
    qn_purpose purpose;
    uint64_t stream;
    bool tree;
    size_t size;                    /* strings a block */
    size_t n_bonds;
    const int (*bond)[2];
    const uint8_t *strings;
    uint8_t *draw;
    double *logp, *scores, *log_one, *log_two;
    const double *weight, *weight_one, *weight_two;
} call;

static int threads_for(povm_net *net, size_t pieces)
{
    int threads = net->threads ? net->threads : qn_threads();
    if ((size_t)threads > pieces)
        threads = (int)pieces;
    make_work(net, threads);
    return threads < net->n_work ? threads : net->n_work;
}

static void run_block(const call *c, size_t b, size_t count, double *grad, uint64_t *evaluations)
{
    const size_t first = b * c->size, left = count - first;
    c->block(c, c->net->work[omp_get_thread_num()], first, left < c->size ? left : c->size, grad, evaluations);
}

/* Blocks that have nothing to do with each other. */
static uint64_t run_blocks(const call *c, size_t count)
{
    uint64_t evaluations = 0;
    const size_t blocks = (count + c->size - 1) / c->size;
    const int threads = blocks ? threads_for(c->net, blocks) : 1;
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(+ : evaluations) if (threads > 1)
    for (size_t b = 0; b < blocks; b++)
        run_block(c, b, count, NULL, &evaluations);
    return evaluations;
}

/* Blocks that add to a gradient: consecutive ones share a slot, slots are added in order. */
static void run_slots(const call *c, size_t count, double *grad)
{
    povm_net *net = c->net;
    const size_t blocks = (count + c->size - 1) / c->size, slots = blocks < POVM_SLOTS ? blocks : POVM_SLOTS;
    const int threads = blocks ? threads_for(net, slots) : 1;
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
    for (size_t g = 0; g < slots; g++) {
        double *slot = net->slot + g * net->count;
        memset(slot, 0, net->count * sizeof *slot);
        uint64_t evaluations = 0;
        for (size_t b = g * blocks / slots; b < (g + 1) * blocks / slots; b++)
            run_block(c, b, count, slot, &evaluations);
    }
    for (size_t g = 0; g < slots; g++)
        for (size_t i = 0; i < net->count; i++)
            grad[i] += net->slot[g * net->count + i];
}

static size_t sites(const call *c)
{
    return (size_t)c->net->shape.n;
}

static size_t outcomes(const call *c)
{
    return (size_t)c->net->shape.k;
}

static void *list_of(const call *c, void *work)
{
    return (char *)work + c->net->work_bytes;
}

/* ---- the calls ---- */

static void sample_block(const call *c, void *work, size_t first, size_t count, double *grad, uint64_t *evaluations)
{
    (void)grad, (void)evaluations;
    qn_rng rng;
    qn_stream_split(c->streams, c->purpose, c->stream + first / c->size, &rng);
    c->net->methods->sample(c->net->self, work, &rng, count, c->draw + first * sites(c), c->logp + first);
}

void povm_net_sample(povm_net *net, const qn_streams *streams, qn_purpose purpose, uint64_t first, size_t count, uint8_t *strings, double *logp)
{
    const call c = {.net = net, .block = sample_block, .size = POVM_BLOCK, .streams = streams, .purpose = purpose, .stream = first, .draw = strings, .logp = logp};
    run_blocks(&c, count);
}

static void logp_block(const call *c, void *work, size_t first, size_t count, double *grad, uint64_t *evaluations)
{
    (void)grad, (void)evaluations;
    c->net->methods->logp(c->net->self, work, count, c->strings + first * sites(c), c->logp + first);
}

void povm_net_logp(povm_net *net, size_t count, const uint8_t *strings, double *logp)
{
    const call c = {.net = net, .block = logp_block, .size = POVM_BLOCK, .strings = strings, .logp = logp};
    run_blocks(&c, count);
}

static void grad_block(const call *c, void *work, size_t first, size_t count, double *grad, uint64_t *evaluations)
{
    (void)evaluations;
    c->net->methods->grad(c->net->self, work, count, c->strings + first * sites(c), c->weight + first, grad);
}

void povm_net_grad(povm_net *net, size_t count, const uint8_t *strings, const double *weight, double *grad)
{
    const call c = {.net = net, .block = grad_block, .size = POVM_BLOCK, .strings = strings, .weight = weight};
    run_slots(&c, count, grad);
}

static void score_block(const call *c, void *work, size_t first, size_t count, double *grad, uint64_t *evaluations)
{
    (void)grad, (void)evaluations;
    const povm_net *net = c->net;
    const uint8_t *strings = c->strings + first * sites(c);
    double *scores = c->scores + first * net->count;
    if (net->methods->scores) {
        net->methods->scores(net->self, work, count, strings, scores);
        return;
    }
    memset(scores, 0, count * net->count * sizeof *scores);
    for (size_t j = 0; j < count; j++)
        net->methods->grad(net->self, work, 1, strings + j * sites(c), &(double){1}, scores + j * net->count);
}

void povm_net_scores(povm_net *net, size_t count, const uint8_t *strings, double *out)
{
    const call c = {.net = net, .block = score_block, .size = POVM_LANES, .strings = strings, .scores = out};
    run_blocks(&c, count);
}

static void connected_block(const call *c, void *work, size_t first, size_t count, double *grad, uint64_t *evaluations)
{
    (void)grad;
    const povm_net *net = c->net;
    const uint8_t *strings = c->strings + first * sites(c);
    double *one = c->log_one + first * sites(c) * outcomes(c), *two = c->n_bonds ? c->log_two + first * c->n_bonds * outcomes(c) * outcomes(c) : NULL;
    if (c->tree && net->methods->connected)
        net->methods->connected(net->self, work, c->n_bonds, c->bond, count, strings, one, two, evaluations);
    else
        povm_list_connected(net->methods, &net->shape, net->self, work, list_of(c, work), c->n_bonds, c->bond, count, strings, one, two, evaluations);
}

uint64_t povm_net_connected(povm_net *net, bool tree, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                            double *log_two)
{
    const call c = {.net = net, .block = connected_block, .size = POVM_BLOCK, .tree = tree, .n_bonds = n_bonds, .bond = bond, .strings = strings,
                    .log_one = log_one, .log_two = log_two};
    return run_blocks(&c, count);
}

static void connected_grad_block(const call *c, void *work, size_t first, size_t count, double *grad, uint64_t *evaluations)
{
    (void)evaluations;
    const povm_net *net = c->net;
    const uint8_t *strings = c->strings + first * sites(c);
    const double *one = c->weight_one + first * sites(c) * outcomes(c);
    const double *two = c->n_bonds ? c->weight_two + first * c->n_bonds * outcomes(c) * outcomes(c) : NULL;
    if (c->tree && net->methods->connected_grad)
        net->methods->connected_grad(net->self, work, c->n_bonds, c->bond, count, strings, one, two, grad);
    else
        povm_list_connected_grad(net->methods, &net->shape, net->self, work, list_of(c, work), c->n_bonds, c->bond, count, strings, one, two, grad);
}

void povm_net_connected_grad(povm_net *net, bool tree, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings,
                             const double *weight_one, const double *weight_two, double *grad)
{
    const call c = {.net = net, .block = connected_grad_block, .size = POVM_BLOCK, .tree = tree, .n_bonds = n_bonds, .bond = bond, .strings = strings,
                    .weight_one = weight_one, .weight_two = weight_two};
    run_slots(&c, count, grad);
}
