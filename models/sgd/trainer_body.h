/* trainer_body.h -- trainer.h for one precision: REAL, NAME(f), GEMM, GATHER. */

typedef struct NAME(trainer) {
    sgd_trainer_setup s;
    size_t weights, last;     /* last: depth - 1 */
    double out, fan;          /* h^-q, h^-1/2 */
    REAL *w0, *dw, *sum;      /* [weights] */
    REAL *z0;                 /* [train->n][depth][h] */
    double *f0, *x2;          /* [train->n] f at w0; |x|^2 */
    REAL *own;                /* [train->n][d] rows of points that are not bytes */
    REAL *x;                  /* [SGD_BLOCK][d] of the points in work, and for each layer [SGD_BLOCK][h]: */
    REAL *z, *a, *da, *delta, *before;
    const REAL **from;        /* [SGD_BLOCK] z0 of each point */
    double *f, *push;         /* [SGD_BLOCK] */
} NAME(trainer);

static REAL *NAME(layer)(const NAME(trainer) *t, REAL *of, size_t l)
{
    return of + l * SGD_BLOCK * t->s.shape->h;
}

/* ---- rows of hidden units ---- */

/* dz in z becomes z = z0 + dz; a = s phi(z), da = s (phi(z) - phi(z0)) with s = scale gain.  Returns nothing that depends on the order of rows. */
QN_CLONES static void NAME(activate)(const sgd_phi *phi, double scale, size_t n, const REAL *z0, REAL *z, REAL *a, REAL *da)
{
    const REAL s = (REAL)(scale * phi->gain), half_eps = (REAL)(phi->eps / 2);
    switch (phi->kind) {
    case SGD_RELU:
        for (size_t i = 0; i < n; i++) {
            REAL dz = z[i], new = z0[i] + dz, on = new > 0 ? new : 0;
            REAL change = z0[i] > 0 ? (new > 0 ? dz : -z0[i]) : on;
            z[i] = new;
            a[i] = s * on;
            da[i] = s * change;
        }
        return;
    case SGD_TANH: /* tanh(x+y) - tanh(x) = tanh(y) (1 - tanh^2 x)/(1 + tanh x tanh y) */
        for (size_t i = 0; i < n; i++) {
            double t0 = sgd_tanh((double)z0[i]), t = sgd_tanh((double)z[i]);
            double change = t * (1 - t0 * t0) / (1 + t0 * t);
            z[i] += z0[i];
            a[i] = (REAL)((double)s * (t0 + change));
            da[i] = (REAL)((double)s * change);
        }
        return;
    case SGD_QUAD:
        for (size_t i = 0; i < n; i++) {
            REAL dz = z[i], new = z0[i] + dz;
            z[i] = new;
            a[i] = s * (new + half_eps * new * new);
            da[i] = s * dz * (1 + half_eps * (new + z0[i]));
        }
        return;
    case SGD_IDENTITY:
        break;
    }
    for (size_t i = 0; i < n; i++) {
        da[i] = s * z[i];
        z[i] += z0[i];
        a[i] = s * z[i];
    }
}

/* delta *= s phi'(z), where a = s phi(z). */
QN_CLONES static void NAME(slope)(const sgd_phi *phi, double scale, size_t n, const REAL *z, const REAL *a, REAL *delta)
{
    const REAL s = (REAL)(scale * phi->gain), eps = (REAL)phi->eps;
    switch (phi->kind) {
    case SGD_RELU:
        for (size_t i = 0; i < n; i++)
            delta[i] = z[i] > 0 ? s * delta[i] : 0;
        return;
    case SGD_TANH:
        for (size_t i = 0; i < n; i++)
            delta[i] *= s - a[i] * a[i] / s;
        return;
    case SGD_QUAD:
        for (size_t i = 0; i < n; i++)
            delta[i] *= s * (1 + eps * z[i]);
        return;
    case SGD_IDENTITY:
        break;
    }
    for (size_t i = 0; i < n; i++)
        delta[i] *= s;
}

/* v0.da + dv.a in 16 partial sums. */
QN_CLONES static double NAME(read_out)(size_t n, const REAL *v0, const REAL *dv, const REAL *a, const REAL *da)
{
    REAL sum[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t j = 0; j < 16; j++)
            sum[j] += v0[i + j] * da[i + j] + dv[i + j] * a[i + j];
    for (size_t j = 0; i + j < n; j++)
        sum[j] += v0[i + j] * da[i + j] + dv[i + j] * a[i + j];
    for (size_t wide = 8; wide; wide /= 2)
        for (size_t j = 0; j < wide; j++)
            sum[j] += sum[j + wide];
    return (double)sum[0];
}

static double NAME(square)(size_t n, const REAL *x)
{
    double sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++)
            sum[j] += (double)x[i + j] * (double)x[i + j];
    for (; i < n; i++)
        sum[i % 8] += (double)x[i] * (double)x[i];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* delta = c (v0 + dv). */
QN_CLONES static void NAME(top_delta)(size_t n, double c, const REAL *v0, const REAL *dv, REAL *delta)
{
    const REAL x = (REAL)c;
    for (size_t i = 0; i < n; i++)
        delta[i] = x * (v0[i] + dv[i]);
}

QN_CLONES static void NAME(add)(size_t n, double c, const REAL *x, REAL *y)
{
    const REAL s = (REAL)c;
    for (size_t i = 0; i < n; i++)
        y[i] += s * x[i];
}

/* ---- a block of points ---- */

/* z0 of the m points whose rows are in t->x, into `before`; f0 where asked for. */
static void NAME(initial)(NAME(trainer) *t, size_t m, double *f0)
{
    const sgd_shape *s = t->s.shape;
    size_t h = s->h;
    double fan = t->fan;
    for (size_t l = 0; l < s->depth; l++) {
        size_t in = sgd_shape_inputs(s, l);
        REAL *z = NAME(layer)(t, t->before, l), *a = NAME(layer)(t, t->a, l), *zero = NAME(layer)(t, t->z, l);
        memset(z, 0, m * h * sizeof *z);
        memset(zero, 0, m * h * sizeof *zero);
        GEMM(t->s.how, QN_NN, m, h, in, l ? NAME(layer)(t, t->a, l - 1) : t->x, in, t->w0 + sgd_shape_at(s, l), h, z, h);
        NAME(activate)(&s->phi, l < t->last ? fan : 1, m * h, z, zero, a, NAME(layer)(t, t->da, l));
    }
    const REAL *v = t->w0 + sgd_shape_at(s, s->depth), *a = NAME(layer)(t, t->a, t->last);
    for (size_t k = 0; f0 && k < m; k++) /* v as "dv" of a zero change */
        f0[k] = t->out * NAME(read_out)(h, v, v, a + k * h, NAME(layer)(t, t->da, t->last) + k * h);
}

/* z, a, da of the m points whose rows are in t->x and whose z0 is at t->from (layers `stride` apart); f: f - f0. */
static void NAME(forward)(NAME(trainer) *t, size_t m, size_t stride)
{
    const sgd_shape *s = t->s.shape;
    size_t h = s->h;
    double fan = t->fan, out = t->out;
    for (size_t l = 0; l < s->depth; l++) {
        size_t in = sgd_shape_inputs(s, l), at = sgd_shape_at(s, l);
        REAL *z = NAME(layer)(t, t->z, l), *a = NAME(layer)(t, t->a, l), *da = NAME(layer)(t, t->da, l);
        memset(z, 0, m * h * sizeof *z);
        GEMM(t->s.how, QN_NN, m, h, in, l ? NAME(layer)(t, t->a, l - 1) : t->x, in, t->dw + at, h, z, h);
        if (l)
            GEMM(t->s.how, QN_NN, m, h, h, NAME(layer)(t, t->da, l - 1), h, t->w0 + at, h, z, h);
        for (size_t k = 0; k < m; k++)
            NAME(activate)(&s->phi, l < t->last ? fan : 1, h, t->from[k] + l * stride, z + k * h, a + k * h, da + k * h);
    }
    size_t v = sgd_shape_at(s, s->depth);
    const REAL *a = NAME(layer)(t, t->a, t->last), *da = NAME(layer)(t, t->da, t->last);
    for (size_t k = 0; k < m; k++)
        t->f[k] = out * NAME(read_out)(h, t->w0 + v, t->dw + v, a + k * h, da + k * h);
}

/* Training points at[] (NULL: first..): rows, z0, forward, predictor in f. */
static void NAME(look_at)(NAME(trainer) *t, size_t m, const uint32_t *at, size_t first)
{
    const sgd_shape *s = t->s.shape;
    size_t units = s->depth * s->h;
    if (!t->own)
        GATHER(t->s.train, m, at, first, t->x);
    for (size_t k = 0; k < m; k++) {
        size_t mu = at ? at[k] : first + k;
        t->from[k] = t->z0 + mu * units;
        for (size_t i = 0; i < s->h * sizeof(REAL); i += 64)
            __builtin_prefetch((const char *)t->from[k] + i);
        if (t->own)
            memcpy(t->x + k * s->d, t->own + mu * s->d, s->d * sizeof *t->x);
    }
    NAME(forward)(t, m, s->h);
    for (size_t k = 0; k < m; k++)
        t->f[k] = t->s.loss.alpha * (t->f[k] + (t->s.subtract ? 0 : t->f0[at ? at[k] : first + k]));
}

static void NAME(keep_row)(NAME(trainer) *t, size_t to, size_t k)
{
    const sgd_shape *s = t->s.shape;
    size_t h = s->h;
    memcpy(t->x + to * s->d, t->x + k * s->d, s->d * sizeof *t->x);
    for (size_t l = 0; l < s->depth; l++) {
        REAL *z = NAME(layer)(t, t->z, l), *a = NAME(layer)(t, t->a, l);
        memcpy(z + to * h, z + k * h, h * sizeof *z);
        memcpy(a + to * h, a + k * h, h * sizeof *a);
    }
}

/* Of the points of look_at, those that push move to the front; their -dL/df is in push.  How many. */
static size_t NAME(pushing)(NAME(trainer) *t, size_t m, const uint32_t *at, size_t first)
{
    const double *y = t->s.train->y;
    size_t hits = 0;
    for (size_t k = 0; k < m; k++) {
        double label = y[at ? at[k] : first + k], f = t->f[k];
        double push = t->s.loss.kind == SGD_SQUARE ? sgd_push_residual(&t->s.loss, label - f) : label * sgd_push(&t->s.loss, label * f);
        if (push == 0)
            continue;
        t->push[hits] = push;
        if (hits < k)
            NAME(keep_row)(t, hits, k);
        hits++;
    }
    return hits;
}

/* delta_l = rate push df/dz_l of the first m points. */
static void NAME(backward)(NAME(trainer) *t, size_t m, double rate)
{
    const sgd_shape *s = t->s.shape;
    size_t h = s->h, v = sgd_shape_at(s, s->depth);
    double fan = t->fan, out = t->out;
    REAL *top = NAME(layer)(t, t->delta, t->last);
    for (size_t k = 0; k < m; k++)
        NAME(top_delta)(h, rate * out * t->push[k], t->w0 + v, t->dw + v, top + k * h);
    for (size_t l = s->depth; l-- > 0;) {
        REAL *delta = NAME(layer)(t, t->delta, l);
        if (l < t->last) {
            size_t at = sgd_shape_at(s, l + 1);
            const REAL *up = NAME(layer)(t, t->delta, l + 1);
            memset(delta, 0, m * h * sizeof *delta);
            GEMM(t->s.how, QN_NT, m, h, h, up, h, t->w0 + at, h, delta, h);
            GEMM(t->s.how, QN_NT, m, h, h, up, h, t->dw + at, h, delta, h);
        }
        NAME(slope)(&s->phi, l < t->last ? fan : 1, m * h, NAME(layer)(t, t->z, l), NAME(layer)(t, t->a, l), delta);
    }
}

/* to += rate * sum over the first m points of push grad f. */
static void NAME(update)(NAME(trainer) *t, size_t m, double rate, REAL *to)
{
    const sgd_shape *s = t->s.shape;
    size_t h = s->h, v = sgd_shape_at(s, s->depth);
    double out = t->out;
    NAME(backward)(t, m, rate);
    for (size_t l = 0; l < s->depth; l++) {
        size_t in = sgd_shape_inputs(s, l);
        GEMM(t->s.how, QN_TN, in, h, m, l ? NAME(layer)(t, t->a, l - 1) : t->x, in, NAME(layer)(t, t->delta, l), h, to + sgd_shape_at(s, l), h);
    }
    const REAL *a = NAME(layer)(t, t->a, t->last);
    for (size_t k = 0; !s->shared_readout && k < m; k++)
        NAME(add)(h, rate * out * t->push[k], a + k * h, to + v);
}

/* ---- the table ---- */

static void NAME(destroy)(void *trainer)
{
    NAME(trainer) *t = trainer;
    if (!t)
        return;
    void *all[] = {t->w0, t->dw, t->sum, t->z0, t->f0, t->x2, t->own, t->x, t->z, t->a, t->da, t->delta, t->before, t->from, t->f, t->push};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(t);
}

static int NAME(create)(const sgd_trainer_setup *setup, void **trainer)
{
    NAME(trainer) *t = *trainer = calloc(1, sizeof *t);
    if (!t)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    t->s = *setup;
    const sgd_shape *s = t->s.shape;
    size_t n = t->s.train->n, units = s->depth * s->h;
    t->weights = sgd_shape_weights(s);
    t->last = s->depth - 1;
    t->out = sgd_shape_out(s);
    t->fan = 1 / sqrt((double)s->h);
    REAL **layers[] = {&t->z, &t->a, &t->da, &t->delta, &t->before}, **weights[] = {&t->w0, &t->dw, &t->sum};
    bool failed = false;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        failed |= !(*layers[i] = malloc(SGD_BLOCK * units * sizeof(REAL)));
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        failed |= !(*weights[i] = aligned_alloc(64, (t->weights * sizeof(REAL) + 63) / 64 * 64));
    t->z0 = malloc(n * units * sizeof *t->z0);
    t->f0 = malloc(n * sizeof *t->f0);
    t->x2 = malloc(n * sizeof *t->x2);
    t->own = t->s.train->bytes ? NULL : malloc(n * s->d * sizeof *t->own);
    t->x = malloc(SGD_BLOCK * s->d * sizeof *t->x);
    t->from = malloc(SGD_BLOCK * sizeof *t->from);
    t->f = malloc(SGD_BLOCK * sizeof *t->f);
    t->push = malloc(SGD_BLOCK * sizeof *t->push);
    if (failed || !t->z0 || !t->f0 || !t->x2 || (!t->own && !t->s.train->bytes) || !t->x || !t->from || !t->f || !t->push)
        return qn_fail(QN_ERR_NOMEM, "no memory for a net of %zu weights and %zu points", t->weights, n);
    for (size_t i = 0; i < t->weights; i++) {
        t->w0[i] = (REAL)setup->w0[i];
        t->dw[i] = 0;
    }
    for (size_t first = 0; first < n; first += SGD_BLOCK) {
        size_t m = first + SGD_BLOCK < n ? SGD_BLOCK : n - first;
        GATHER(t->s.train, m, NULL, first, t->x);
        if (t->own)
            memcpy(t->own + first * s->d, t->x, m * s->d * sizeof *t->own);
        NAME(initial)(t, m, t->f0 + first);
        for (size_t k = 0; k < m; k++)
            t->x2[first + k] = NAME(square)(s->d, t->x + k * s->d);
        for (size_t k = 0; k < m; k++)
            for (size_t l = 0; l < s->depth; l++)
                memcpy(t->z0 + (first + k) * units + l * s->h, NAME(layer)(t, t->before, l) + k * s->h, s->h * sizeof *t->z0);
    }
    return 0;
}

static size_t NAME(step)(void *trainer, size_t n, const uint32_t *at, double rate)
{
    NAME(trainer) *t = trainer;
    if (n <= SGD_BLOCK) {
        NAME(look_at)(t, n, at, 0);
        size_t hits = NAME(pushing)(t, n, at, 0);
        if (hits)
            NAME(update)(t, hits, rate, t->dw);
        return hits;
    }
    size_t all = 0;
    memset(t->sum, 0, t->weights * sizeof *t->sum);
    for (size_t first = 0; first < n; first += SGD_BLOCK) {
        size_t m = first + SGD_BLOCK < n ? SGD_BLOCK : n - first;
        const uint32_t *part = at ? at + first : NULL;
        NAME(look_at)(t, m, part, first);
        size_t hits = NAME(pushing)(t, m, part, first);
        if (hits)
            NAME(update)(t, hits, rate, t->sum);
        all += hits;
    }
    if (all)
        NAME(add)(t->weights, 1, t->sum, t->dw);
    return all;
}

static void NAME(predict)(void *trainer, bool test, size_t first, size_t n, double *predictor)
{
    NAME(trainer) *t = trainer;
    const sgd_shape *s = t->s.shape;
    for (size_t end = first + n; first < end; first += SGD_BLOCK) {
        size_t m = first + SGD_BLOCK < end ? SGD_BLOCK : end - first;
        if (test) {
            GATHER(t->s.test, m, NULL, first, t->x);
            NAME(initial)(t, m, predictor);
            for (size_t k = 0; k < m; k++)
                t->from[k] = t->before + k * s->h;
            NAME(forward)(t, m, SGD_BLOCK * s->h);
            for (size_t k = 0; k < m; k++)
                t->f[k] = t->s.loss.alpha * (t->f[k] + (t->s.subtract ? 0 : predictor[k]));
        } else {
            NAME(look_at)(t, m, NULL, first);
        }
        memcpy(predictor, t->f, m * sizeof *predictor);
        predictor += m;
    }
}

static void NAME(descend)(void *trainer, double *minus_gradient, double *predictor)
{
    NAME(trainer) *t = trainer;
    size_t n = t->s.train->n;
    memset(t->sum, 0, t->weights * sizeof *t->sum);
    for (size_t first = 0; first < n; first += SGD_BLOCK) {
        size_t m = first + SGD_BLOCK < n ? SGD_BLOCK : n - first;
        NAME(look_at)(t, m, NULL, first);
        memcpy(predictor + first, t->f, m * sizeof *predictor);
        size_t hits = NAME(pushing)(t, m, NULL, first);
        if (hits)
            NAME(update)(t, hits, 1 / (double)n, t->sum);
    }
    for (size_t i = 0; i < t->weights; i++)
        minus_gradient[i] = (double)t->sum[i];
}

static double NAME(survey)(void *trainer, double *predictor)
{
    NAME(trainer) *t = trainer;
    const sgd_shape *s = t->s.shape;
    size_t n = t->s.train->n, h = s->h;
    double largest = 0, out = t->out;
    for (size_t first = 0; first < n; first += SGD_BLOCK) {
        size_t m = first + SGD_BLOCK < n ? SGD_BLOCK : n - first;
        NAME(look_at)(t, m, NULL, first);
        memcpy(predictor + first, t->f, m * sizeof *predictor);
        for (size_t k = 0; k < m; k++)
            t->push[k] = 1;
        NAME(backward)(t, m, 1);
        for (size_t k = 0; k < m; k++) {
            const REAL *top = NAME(layer)(t, t->a, t->last) + k * h;
            double norm = s->shared_readout ? 0 : out * out * NAME(square)(h, top);
            for (size_t l = 0; l < s->depth; l++)
                norm += NAME(square)(h, NAME(layer)(t, t->delta, l) + k * h) * (l ? NAME(square)(h, NAME(layer)(t, t->a, l - 1) + k * h) : t->x2[first + k]);
            largest = norm <= largest ? largest : norm; /* NaN stays */
        }
    }
    return largest;
}

static void NAME(get)(const void *trainer, double *dw)
{
    const NAME(trainer) *t = trainer;
    for (size_t i = 0; i < t->weights; i++)
        dw[i] = (double)t->dw[i];
}

static void NAME(set)(void *trainer, const double *dw)
{
    NAME(trainer) *t = trainer;
    for (size_t i = 0; i < t->weights; i++)
        t->dw[i] = (REAL)dw[i];
}

/* One layer that is off everywhere is enough: nothing passes it, in neither direction. */
static bool NAME(dead)(void *trainer)
{
    NAME(trainer) *t = trainer;
    const sgd_shape *s = t->s.shape;
    if (s->phi.kind != SGD_RELU)
        return false;
    uint64_t off = ((uint64_t)1 << s->depth) - 1; /* layers that were off so far */
    for (size_t first = 0, step = 1; off && first < t->s.train->n; first += step, step = step < SGD_BLOCK ? 2 * step : SGD_BLOCK) {
        size_t m = first + step < t->s.train->n ? step : t->s.train->n - first;
        NAME(look_at)(t, m, NULL, first);
        for (size_t l = 0; l < s->depth; l++) {
            const REAL *z = NAME(layer)(t, t->z, l);
            for (size_t i = 0; i < m * s->h && off >> l & 1; i++)
                if (!(z[i] <= 0))
                    off &= ~((uint64_t)1 << l);
        }
    }
    return off != 0;
}

static int NAME(save)(const void *trainer, qn_group *g)
{
    const NAME(trainer) *t = trainer;
    return qn_save_bytes(g, "dw", t->weights * sizeof *t->dw, t->dw);
}

static int NAME(load)(void *trainer, const qn_group *g)
{
    NAME(trainer) *t = trainer;
    return qn_load_bytes(g, "dw", t->weights * sizeof *t->dw, t->dw);
}

const sgd_arith ARITH = {
    .number = sizeof(REAL),
    .create = NAME(create),
    .destroy = NAME(destroy),
    .step = NAME(step),
    .predict = NAME(predict),
    .descend = NAME(descend),
    .get = NAME(get),
    .set = NAME(set),
    .survey = NAME(survey),
    .dead = NAME(dead),
    .save = NAME(save),
    .load = NAME(load),
};
