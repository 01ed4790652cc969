/* both_body.h -- the methods of a net SELF (with `shape` and `bytes`) that is written once for each precision: f32_NAME and f64_NAME. */

static size_t work_bytes(const void *self)
{
    return ((const SELF *)self)->bytes;
}

#define BOTH(f, ...) ((t->shape.single ? f32_##f : f64_##f)(t, __VA_ARGS__))

static void set(void *self, const double *theta)
{
    SELF *t = self;
    BOTH(set, theta);
}

static void sample(const void *self, void *work, qn_rng *rng, size_t count, uint8_t *strings, double *logp)
{
    const SELF *t = self;
    BOTH(sample, work, rng, count, strings, logp);
}

static void logp_of(const void *self, void *work, size_t count, const uint8_t *strings, double *logp)
{
    const SELF *t = self;
    BOTH(logp, work, count, strings, logp);
}

static void grad_of(const void *self, void *work, size_t count, const uint8_t *strings, const double *weight, double *grad)
{
    const SELF *t = self;
    BOTH(grad, work, count, strings, weight, grad);
}

static void connected(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings, double *log_one,
                      double *log_two, uint64_t *evaluations)
{
    const SELF *t = self;
    BOTH(connected, work, n_bonds, bond, count, strings, log_one, log_two, evaluations);
}

static void connected_grad(const void *self, void *work, size_t n_bonds, const int (*bond)[2], size_t count, const uint8_t *strings,
                           const double *weight_one, const double *weight_two, double *grad)
{
    const SELF *t = self;
    BOTH(connected_grad, work, n_bonds, bond, count, strings, weight_one, weight_two, grad);
}
