/* settings.c -- see settings.h. */
#include "settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "theta.h"
#include "variational_settings.h"

const qn_param povm_parameters[] = {
    {.name = "task", .type = QN_CHOICE, .def = "exact_steady", .choices = "exact_steady|exact_dynamics|trajectories|steady|fbt|tdvp|fit", .unit = "1",
     .meaning = "what is done: exact steady state or dynamics of the Pauli vector, quantum trajectories, variational steady state, variational dynamics by the implicit "
                "trapezoid or by the projected equation, fit of a known state"},

    /* the system */
    {.name = "lattice", .type = QN_CHOICE, .def = "chain", .choices = "chain|grid|graph", .unit = "1", .flags = QN_DISORDER, .meaning = "lattice, N sites in a row, Lx x Ly, or N sites with the bonds given"},
    {.name = "N", .type = QN_INT, .def = "4", .min = 1, .max = 1024, .unit = "1", .flags = QN_DISORDER, .meaning = "number of spins; of a grid it is Lx Ly"},
    {.name = "Lx", .type = QN_INT, .def = "3", .min = 1, .max = 256, .unit = "1", .symbol = "L_x", .flags = QN_DISORDER, .meaning = "grid: sites along x"},
    {.name = "Ly", .type = QN_INT, .def = "3", .min = 1, .max = 256, .unit = "1", .symbol = "L_y", .flags = QN_DISORDER, .meaning = "grid: sites along y"},
    {.name = "boundary", .type = QN_CHOICE, .def = "periodic", .choices = "periodic|open", .unit = "1", .flags = QN_DISORDER, .meaning = "boundary of chains and grids"},
    {.name = "double_bonds", .type = QN_BOOL, .def = "false", .unit = "1", .flags = QN_DISORDER, .meaning = "where a periodic side has length 2: both bonds of a pair count"},
    {.name = "bonds", .type = QN_LIST, .min = 0, .max = 1023, .unit = "1", .flags = QN_DISORDER, .meaning = "graph: its bonds, two sites each, counted from 0"},
    {.name = "hamiltonian", .type = QN_TEXT, .def = "V/4 ZZ + g/2 X", .meaning = "Hamiltonian, a sum of words of X, Y, Z with real factors; one letter acts on every site, two on every bond; names in factors are parameters"},
    {.name = "jumps", .type = QN_TEXT, .def = "sqrt(gamma) s-", .meaning = "jump operators, a sum of words of X, Y, Z, s- and s+ with factors; every word is a jump of its own at every site (bond), its rate the square of the factor"},
    {.name = "V", .type = QN_REAL, .flags = QN_RETUNE, .def = "2", .min = -1e9, .max = 1e9, .unit = "γ", .meaning = "coupling, where hamiltonian or jumps name it"},
    {.name = "g", .type = QN_REAL, .flags = QN_RETUNE, .def = "1", .min = -1e9, .max = 1e9, .unit = "γ", .meaning = "field, where hamiltonian or jumps name it"},
    {.name = "gamma", .type = QN_REAL, .flags = QN_RETUNE, .def = "1", .min = 0, .max = 1e9, .unit = "1", .symbol = "γ", .meaning = "rate, where hamiltonian or jumps name it"},
    {.name = "start", .type = QN_TEXT, .def = "up", .meaning = "product state at t = 0: up, down, +x, -x, +y, -y, or three numbers, the Bloch vector of every site"},
    {.name = "tau", .type = QN_REAL, .def = "0.05", .min = 0, .max = 1e6, .unit = "1/γ", .symbol = "τ", .flags = QN_MIN_OPEN, .meaning = "time step"},
    {.name = "povm", .type = QN_CHOICE, .def = "tetra_cube", .choices = "tetra_cube|tetra_z|pauli4|pauli6", .unit = "1", .meaning = "measurement whose outcome probabilities stand for the state"},

    /* trajectories */
    {.name = "trajectories", .type = QN_INT, .def = "64", .min = 1, .max = 1000000, .unit = "1", .meaning = "trajectories of a task, which are averaged"},
    {.name = "dt", .type = QN_REAL, .min = 0, .max = 1, .unit = "1/γ", .symbol = "Δt", .flags = QN_MIN_OPEN, .meaning = "trajectories: longest step of the splitting (unset: 0.02)"},

    POVM_VARIATIONAL_PARAMETERS,
    {.name = NULL},
};

povm_task_kind povm_task_of(const qn_params *p)
{
    return (povm_task_kind)qn_choice(p, "task");
}

/* ---- the problem of a point --------------------------------------------------------------------------------------- */

enum { CHAIN = 0, GRID, GRAPH };

int povm_sites(const qn_params *p)
{
    return (int)(qn_choice(p, "lattice") == GRID ? qn_int(p, "Lx") * qn_int(p, "Ly") : qn_int(p, "N"));
}

int povm_lattice_of(const qn_params *p, povm_lattice *out)
{
    const int kind = qn_choice(p, "lattice"), n = povm_sites(p);
    const bool periodic = qn_choice(p, "boundary") == 0;
    size_t n_sites = 0;
    const double *sites = qn_list(p, "bonds", &n_sites);
    if (kind == GRAPH)
        return povm_lattice_graph(n, n_sites, sites, out);
    return povm_lattice_create(kind == GRID ? (int)qn_int(p, "Lx") : n, kind == GRID ? (int)qn_int(p, "Ly") : 1, periodic, qn_bool(p, "double_bonds"), out);
}

static int read_start(const char *text, double r[3])
{
    static const struct {
        const char *name;
        double r[3];
    } named[] = {{"up", {0, 0, 1}}, {"down", {0, 0, -1}}, {"+z", {0, 0, 1}}, {"-z", {0, 0, -1}}, {"+x", {1, 0, 0}},
                 {"-x", {-1, 0, 0}}, {"+y", {0, 1, 0}}, {"-y", {0, -1, 0}}};
    for (size_t k = 0; k < sizeof named / sizeof *named; k++)
        if (!strcmp(text, named[k].name)) {
            memcpy(r, named[k].r, sizeof named[k].r);
            return 0;
        }
    const char *at = text;
    char *end;
    for (int q = 0; q < 3; q++, at = end + (*end == ',')) {
        r[q] = strtod(at, &end);
        if (end == at || (q < 2 ? *end != ',' : *end != 0))
            return qn_fail(QN_ERR_INPUT, "'%s' is no product state; up, down, +x, -x, +y, -y or three numbers, \"0.6, 0, -0.8\"", text);
    }
    const double length = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    if (!(length <= 1 + 1e-12))
        return qn_fail(QN_ERR_INPUT, "the Bloch vector '%s' has the length %g; it is at most 1", text, length);
    return 0;
}

void povm_problem_free(povm_problem *problem)
{
    povm_lattice_free(&problem->lattice);
}

int povm_problem_read(const qn_params *p, povm_problem *out)
{
    memset(out, 0, sizeof *out);
    out->tau = qn_real(p, "tau");
    povm_frame_init(&out->frame, (povm_kind)qn_choice(p, "povm"));
    int err = povm_lattice_of(p, &out->lattice);
    if (!err)
        err = povm_terms_read(p, &out->terms);
    if (!err)
        err = read_start(qn_text(p, "start"), out->start);
    if (err) {
        povm_problem_free(out);
        return err;
    }
    povm_generator_build(&out->frame, &out->terms, &out->generator);
    return 0;
}

size_t povm_theta_length(const qn_params *p)
{
    povm_problem problem;
    povm_variational v;
    if (povm_task_of(p) < POVM_STEADY || povm_problem_read(p, &problem))
        return 0;
    povm_variational_read(p, &problem, &v);
    povm_problem_free(&problem);
    return POVM_THETA_HEADER + povm_variational_parameters(&v);
}

/* ---- names in the texts ------------------------------------------------------------------------------------------- */

typedef struct declaring {
    void *to;
    const char *text;
} declaring;

/* Whole numbers of the model's own table may be named too: 1/N. */
static int declare_one(void *to, const char *name)
{
    const declaring *d = to;
    for (const qn_param *own = povm_parameters; own->name; own++)
        if (!strcmp(own->name, name) && (own->type == QN_INT || own->type == QN_REAL))
            return 0;
    for (const qn_observable *o = povm_observables; o->name; o++)
        if (!strcmp(o->name, name))
            return qn_fail(QN_ERR_INPUT, "%s names '%s', which is an observable; another name was expected", d->text, name);
    return qn_declare_real(d->to, name, d->text);
}

int povm_declare(const qn_params *p, void *to)
{
    int err = 0;
    for (int k = 0; k < 2 && !err; k++) {
        declaring d = {to, k ? "jumps" : "hamiltonian"};
        const char *text = qn_text(p, d.text);
        if (text)
            err = povm_terms_names(text, declare_one, &d);
    }
    return err;
}

/* ---- what is wrong ------------------------------------------------------------------------------------------------ */

typedef struct looking {
    const char *name;
    bool found;
} looking;

static int look_for(void *to, const char *name)
{
    looking *l = to;
    l->found |= !strcmp(l->name, name);
    return 0;
}

static bool named(const qn_params *p, const char *name)
{
    looking l = {name, false};
    const int err = povm_terms_names(qn_text(p, "hamiltonian"), look_for, &l) | povm_terms_names(qn_text(p, "jumps"), look_for, &l);
    return l.found && !err;
}

/* Given, but without a part in what is chosen: not a mistake, since a sweep over tasks or lattices gives all of them their numbers. */
static void warn_idle(const qn_params *p, qn_problems *c)
{
    static const char *const couplings[] = {"V", "g", "gamma"};
    const int lattice = qn_choice(p, "lattice");
    for (size_t k = 0; k < sizeof couplings / sizeof *couplings; k++)
        if (qn_is_given(p, couplings[k]) && !named(p, couplings[k]))
            qn_warn(c, couplings[k], "neither hamiltonian nor jumps name it");
    if (qn_is_given(p, "N") && lattice == GRID)
        qn_warn(c, "N", "has no part in lattice: grid, which has Lx Ly sites");
    for (int k = 0; k < 2; k++)
        if (qn_is_given(p, k ? "Ly" : "Lx") && lattice != GRID)
            qn_warn(c, k ? "Ly" : "Lx", "has no part in lattice: %s", qn_text(p, "lattice"));
    if (qn_is_given(p, "bonds") && lattice != GRAPH)
        qn_warn(c, "bonds", "has no part in lattice: %s", qn_text(p, "lattice"));
    if (qn_is_given(p, "boundary") && lattice == GRAPH)
        qn_warn(c, "boundary", "has no part in lattice: graph");
}

bool povm_problem_check(const qn_params *p, povm_problem *out, qn_problems *c)
{
    povm_terms terms;
    double start[3];
    bool sound = true;
    memset(out, 0, sizeof *out);
    if (povm_lattice_of(p, &out->lattice)) {
        qn_complain(c, "bonds", "%s", qn_error_text());
        sound = false;
    }
    for (int jumps = 0; jumps < 2; jumps++)
        if (povm_words_read(p, jumps, jumps ? terms.jump : terms.hamiltonian, jumps ? &terms.n_jumps : &terms.n_hamiltonian)) {
            qn_complain(c, jumps ? "jumps" : "hamiltonian", "%s", qn_error_text());
            sound = false;
        }
    if (read_start(qn_text(p, "start"), start)) {
        qn_complain(c, "start", "%s", qn_error_text());
        sound = false;
    }
    if (sound && qn_choice(p, "lattice") == GRAPH && !qn_is_given(p, "bonds"))
        qn_warn(c, "lattice", "a graph without bonds; give bonds, two sites each");
    else if (sound && !povm_lattice_connected(&out->lattice))
        qn_warn(c, "bonds", "the graph is not connected; its parts do not know of each other");
    povm_problem_free(out);
    warn_idle(p, c);
    return sound && !povm_problem_read(p, out);
}
