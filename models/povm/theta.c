/* theta.c -- see theta.h. */
#include "theta.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"

#define MARK 112111118109.0 /* "povm" */
enum { FORMAT = 1 };
enum { AT_MARK, AT_FORMAT, AT_ANSATZ, AT_FRAME, AT_N, AT_K, AT_D, AT_F, AT_HEADS, AT_LAYERS, AT_NORM, AT_HIDDEN, AT_STRINGS, AT_ORDERS, AT_COUNT, AT_REST };
static const char *const names[POVM_THETA_HEADER] = {
    [AT_FORMAT] = "format", [AT_N] = "number of sites", [AT_K] = "outcomes",     [AT_D] = "d",           [AT_F] = "f",         [AT_HEADS] = "heads",
    [AT_LAYERS] = "layers", [AT_HIDDEN] = "hidden",     [AT_STRINGS] = "strings", [AT_COUNT] = "number of parameters",
};
static const char *const ansaetze[] = {"product", "made", "gru", "transformer", "table", "rbm"};
static const char *const frames[] = {"tetra_cube", "tetra_z", "pauli4", "pauli6"};
static const char *const norms[] = {"none", "post_ln", "pre_ln"};

/* 48 bits of a hash of the orders. */
static double digest(const povm_shape *s)
{
    if (!s->order || s->orders < 1)
        return 0;
    return (double)(qn_hash_bytes(s->order, (size_t)s->orders * (size_t)s->n * sizeof *s->order).w[0] >> 16);
}

static void header(const povm_shape *s, povm_kind frame, size_t count, double out[POVM_THETA_HEADER])
{
    const bool transformer = s->ansatz == POVM_TRANSFORMER, deep = transformer || s->ansatz == POVM_GRU || s->ansatz == POVM_MADE;
    const bool wide = transformer || s->ansatz == POVM_GRU, units = s->ansatz == POVM_MADE || s->ansatz == POVM_RBM;
    memset(out, 0, POVM_THETA_HEADER * sizeof *out);
    out[AT_MARK] = MARK;
    out[AT_FORMAT] = FORMAT;
    out[AT_ANSATZ] = s->ansatz;
    out[AT_FRAME] = frame;
    out[AT_N] = s->n;
    out[AT_K] = s->k;
    out[AT_D] = wide ? s->d : 0;
    out[AT_F] = transformer ? s->f : 0;
    out[AT_HEADS] = transformer ? s->heads : 0;
    out[AT_LAYERS] = deep ? s->layers : 0;
    out[AT_NORM] = transformer ? s->norm : 0;
    out[AT_HIDDEN] = units ? s->hidden : 0;
    out[AT_STRINGS] = s->order ? s->orders : 1;
    out[AT_ORDERS] = digest(s);
    out[AT_COUNT] = (double)count;
}

void povm_theta_write(const povm_shape *s, povm_kind frame, size_t count, const double *theta, double *out)
{
    header(s, frame, count, out);
    memcpy(out + POVM_THETA_HEADER, theta, count * sizeof *theta);
}

static const char *name_in(const char *const *list, size_t n, double x)
{
    return x >= 0 && x < (double)n && x == floor(x) ? list[(size_t)x] : "unknown";
}

/* Of an entry that differs. */
static void tell(int at, double has, double want, char *why, size_t size)
{
    if (at == AT_ANSATZ)
        snprintf(why, size, "it holds the parameters of ansatz %s; those of %s were expected", name_in(ansaetze, sizeof ansaetze / sizeof *ansaetze, has),
                 ansaetze[(size_t)want]);
    else if (at == AT_FRAME)
        snprintf(why, size, "its network is for the outcomes of povm %s; %s was expected", name_in(frames, sizeof frames / sizeof *frames, has),
                 frames[(size_t)want]);
    else if (at == AT_NORM)
        snprintf(why, size, "its network has layer_norm %s; %s was expected", name_in(norms, sizeof norms / sizeof *norms, has), norms[(size_t)want]);
    else if (at == AT_ORDERS)
        snprintf(why, size, "its string state reads the sites in other orders; the same lattice and boundary were expected");
    else
        snprintf(why, size, "its network has %s %.15g; %.15g was expected", names[at], has, want);
}

bool povm_theta_fits(const povm_shape *s, povm_kind frame, size_t count, size_t n, const double *x, char *why, size_t size)
{
    double want[POVM_THETA_HEADER];
    header(s, frame, count, want);
    if (n < POVM_THETA_HEADER || x[AT_MARK] != MARK) {
        snprintf(why, size, "it does not hold parameters of a network; the artifact `theta` of a variational task was expected");
        return false;
    }
    for (int i = AT_FORMAT; i < AT_REST; i++)
        if (x[i] != want[i]) {
            tell(i, x[i], want[i], why, size);
            return false;
        }
    if (n < POVM_THETA_HEADER + count) {
        snprintf(why, size, "it ends after %zu of %zu parameters; the whole artifact `theta` was expected", n - POVM_THETA_HEADER, count);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[POVM_THETA_HEADER + i])) {
            snprintf(why, size, "its parameter %zu is not a finite number; the end of a run that did not diverge was expected", i);
            return false;
        }
    return true;
}

int povm_theta_read(const qn_params *p, const povm_shape *s, povm_kind frame, size_t count, uint64_t replica, double *theta)
{
    char why[256];
    double *x;
    size_t n = 0;
    const char *path = qn_text(p, "from");
    int err = qn_read_artifact(path, "theta", p, replica, &n, &x);
    if (err)
        return err;
    if (!povm_theta_fits(s, frame, count, n, x, why, sizeof why))
        err = qn_fail(QN_ERR_INPUT, "%s: %s", path, why);
    else if (theta)
        memcpy(theta, x + POVM_THETA_HEADER, count * sizeof *theta);
    free(x);
    return err;
}
