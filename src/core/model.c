/* model.c -- checks that a model's tables make sense before anything is built on them; loads plug-ins. */
#include "model.h"

#include <ctype.h>
#include <dlfcn.h>
#include <string.h>

#include "expr.h"
#include "library.h"

static bool plain_name(const char *s)
{
    if (!isalpha((unsigned char)*s))
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_')
            return false;
    return true;
}

static const qn_param *find_param(const qn_model *m, const char *name)
{
    for (const qn_param *p = m->parameters; p->name; p++)
        if (!strcmp(p->name, name))
            return p;
    return NULL;
}

static const qn_observable *find_obs(const qn_model *m, const char *name)
{
    for (const qn_observable *o = m->observables; o && o->name; o++)
        if (!strcmp(o->name, name))
            return o;
    return NULL;
}

/* Names that the core gives to variables and dimensions of its own. */
static bool reserved(const char *name)
{
    static const char *const own[] = {"replica", "bin", "half", "word", "point", "entry", "key", "chain", "measurements", "steps", "digest", "exchange_rate", "round_trips", QN_DIM_TIME};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strcmp(own[i], name))
            return true;
    return false;
}

static int check_derived(const qn_model *m, const qn_derived *d)
{
    qn_expr *e;
    int err = qn_expr_compile(d->expression, &e);
    if (err)
        return qn_fail(QN_ERR_MODEL, "model %s: the expression of %s: %s", m->name, d->name, qn_error_text());
    for (size_t i = 0; i < qn_expr_names(e) && !err; i++) {
        const char *name = qn_expr_name(e, i);
        const qn_observable *o = find_obs(m, name);
        const qn_param *p = find_param(m, name);
        if (i >= 16)
            err = qn_fail(QN_ERR_MODEL, "model %s: the expression of %s uses more than 16 names", m->name, d->name);
        else if (!(o && o->kind == QN_SERIES && !o->dims[0]) && !(p && (p->type == QN_INT || p->type == QN_REAL)))
            err = qn_fail(QN_ERR_MODEL, "model %s: %s names '%s', which is neither a scalar series nor a numeric parameter", m->name, d->name, name);
    }
    qn_expr_free(e);
    return err;
}

int qn_model_validate(const qn_model *m)
{
    if (!m || m->abi != QN_ABI)
        return qn_fail(QN_ERR_MODEL, "the model speaks interface version %u, this quench speaks %d; compile it against the installed quench.h", m ? m->abi : 0, QN_ABI);
    if (!m->name || !plain_name(m->name) || !m->summary || !m->parameters || !m->create || !m->destroy || !m->step || !m->measure || !m->save || !m->load)
        return qn_fail(QN_ERR_MODEL, "model %s lacks its name, summary, parameters or one of create, destroy, step, measure, save, load", m->name ? m->name : "?");
    if ((m->log_weight || m->step_many) && !m->retune)
        return qn_fail(QN_ERR_MODEL, "model %s has log_weight or step_many without retune", m->name);
    if (!m->parts != !m->swap)
        return qn_fail(QN_ERR_MODEL, "model %s has only one of parts and swap", m->name);
    if (!m->prepare != !m->release)
        return qn_fail(QN_ERR_MODEL, "model %s has only one of prepare and release", m->name);
    if (!m->theory != !m->theory_at)
        return qn_fail(QN_ERR_MODEL, "model %s has only one of theory and theory_at", m->name);
    for (const qn_param *p = m->parameters; p->name; p++)
        if (!plain_name(p->name) || reserved(p->name) || find_param(m, p->name) != p || !p->meaning || (p->type == QN_CHOICE && !p->choices))
            return qn_fail(QN_ERR_MODEL, "model %s: parameter '%s' is reserved, double, or lacks its meaning or choices", m->name, p->name);
    for (const qn_param *p = m->parameters; p->name; p++)
        if (p->flags & QN_RETUNE && (!m->retune || p->flags & QN_DATA))
            return qn_fail(QN_ERR_MODEL, "model %s: parameter '%s' cannot be retuned: %s", m->name, p->name, m->retune ? "it determines shared data" : "the model has no retune");
    for (const qn_observable *o = m->observables; o && o->name; o++) {
        if (find_param(m, o->name))
            return qn_fail(QN_ERR_MODEL, "model %s: observable '%s' has the name of a parameter", m->name, o->name);
        if (!plain_name(o->name) || reserved(o->name) || find_obs(m, o->name) != o || !o->meaning || strlen(o->name) > 60)
            return qn_fail(QN_ERR_MODEL, "model %s: observable '%s' is reserved, double, too long or lacks its meaning", m->name, o->name);
        for (size_t d = 0; d < QN_MAX_DIMS && o->dims[d]; d++)
            if (strcmp(o->dims[d], QN_DIM_TIME) && (!m->dimension || reserved(o->dims[d]) || find_param(m, o->dims[d]) || find_obs(m, o->dims[d])))
                return qn_fail(QN_ERR_MODEL, "model %s: dimension '%s' of %s is the name of something else, or the model lacks dimension()", m->name, o->dims[d], o->name);
        if (o->kind != QN_CURVE && o->dims[0] && !strcmp(o->dims[0], QN_DIM_TIME))
            return qn_fail(QN_ERR_MODEL, "model %s: only a curve runs over time, not %s", m->name, o->name);
    }
    int err = 0;
    for (const qn_derived *d = m->derived; d && d->name && !err; d++)
        err = find_param(m, d->name) || find_obs(m, d->name) ? qn_fail(QN_ERR_MODEL, "model %s: derived '%s' has the name of something else", m->name, d->name)
                                                             : check_derived(m, d);
    return err;
}

int qn_plugin_load(const char *path, const qn_model **out)
{
    void *lib, *symbol;
    *out = NULL;
    int err = qn_library_symbol("--plugin ", path, QN_PLUGIN_SYMBOL, "const qn_model *" QN_PLUGIN_SYMBOL "(void)", &lib, &symbol);
    if (err)
        return err;
    const qn_model *(*get)(void);
    memcpy(&get, &symbol, sizeof get); /* ISO C has no cast from object to function pointer */
    const qn_model *m = get();
    err = qn_model_validate(m);
    if (err) {
        err = qn_fail(QN_ERR_INPUT, "--plugin %s: %s", path, qn_error_text());
        dlclose(lib);
        return err;
    }
    *out = m; /* stays loaded for the life of the program */
    return 0;
}
