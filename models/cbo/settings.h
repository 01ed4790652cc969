/* settings.h -- the table of parameters, the parameters of one point read once, and what the table cannot say about them. */
#ifndef CBO_SETTINGS_H
#define CBO_SETTINGS_H

#include "ensemble.h"

/* In the order of the choices in the table. */
typedef enum {
    CBO_QUADRATIC = 0, CBO_ACKLEY, CBO_RASTRIGIN, CBO_GRIEWANK, CBO_ROSENBROCK, CBO_SALOMON, CBO_SCHWEFEL220, CBO_XSYRANDOM, CBO_DROPWAVE,
    CBO_EGGHOLDER, CBO_HIMMELBLAU, CBO_WSHAPED, CBO_CANYON, CBO_SPHERICAL_PSPIN, CBO_HEBBIAN, CBO_SOFTMAX, CBO_MLP, CBO_TEACHER, CBO_USER
} cbo_objective_name;
typedef enum {
    CBO_METHOD_CBO = 0, CBO_METHOD_MEMORY, CBO_METHOD_POLARIZED, CBO_METHOD_SAMPLING, CBO_METHOD_SPHERE,
    CBO_METHOD_HOPPING, CBO_METHOD_PROXIMAL, CBO_METHOD_GRADIENT, CBO_METHOD_LANGEVIN, CBO_METHODS
} cbo_method_kind;
typedef enum { CBO_EULER = 0, CBO_EXPONENTIAL, CBO_GEOMETRIC } cbo_integrator;
typedef enum { CBO_ALPHA_FIXED = 0, CBO_ALPHA_GEOMETRIC, CBO_ALPHA_DOUBLING, CBO_ALPHA_NEFF } cbo_alpha_rule;
typedef enum { CBO_START_UNIFORM = 0, CBO_START_NORMAL } cbo_start;
typedef enum { CBO_C_INF = 0, CBO_F_C, CBO_BEST_INF, CBO_MODE_COUNT } cbo_criterion;

typedef struct cbo_settings {
    cbo_objective_name objective;
    cbo_method_kind method;
    size_t n;                   /* particles; 1 for the methods that follow one point (proximal, gradient, langevin) */

    double lambda, sigma, dt;   /* sigma: before cooling */
    cbo_noise noise;
    double truncation;
    bool componentwise;         /* truncation acts on components */
    cbo_integrator integrator;
    cbo_heaviside heaviside;
    double heaviside_eps;
    bool heaviside_noise;
    double cap, kick_tol;       /* 0: no kick */
    double consensus_radius;    /* c is projected onto this ball around 0; INFINITY: it is not */

    double alpha, alpha_factor, alpha_max, neff_target; /* alpha may be INFINITY */
    cbo_alpha_rule alpha_rule;
    bool cooling;               /* sigma_{e+1} = sigma_e log2(e+1)/log2(e+2) over epochs */
    size_t epoch;               /* steps of an epoch */

    size_t batch_size;          /* particle batches; 0: none */
    bool batch_full;            /* every block moves all particles */

    cbo_start start;
    double start_low, start_high, start_mean, start_sd;

    cbo_criterion success;
    double success_tol;
    bool keep_consensus, implicit; /* measure c itself; measure the implicit gradient */

    int64_t stop_evaluations;   /* stopping rules; a rule that is off: 0, and -INFINITY for the targets */
    double stop_consensus, stop_spread, stop_f, stop_best;
    int64_t stop_patience;

    /* memory: personal bests y */
    double memory_lambda, memory_sigma, gradient_drift, memory_kappa, memory_beta;
    bool memory_smooth;
    /* polarized */
    double kernel_width;        /* kappa; INFINITY: plain CBO */
    bool kernel_power;          /* the kernel too is raised to the power alpha */
    /* sampling */
    bool sampling_euler, sampling_optimise;
    /* hopping: samples of N(x_k, s^2 I), s = hop_width * hop_factor^floor(k/hop_every) */
    double hop_width, hop_factor;
    size_t hop_every;
    /* proximal, gradient, langevin */
    double tau;                 /* step of proximal and gradient; the table says how it follows from alpha when unset */
    int restarts;
    double eta;                 /* langevin: x - eta grad f dt + sigma_k sqrt(dt) xi, sigma_k = sigma/log(k+1) */
} cbo_settings;

extern const qn_param cbo_parameters[];

void cbo_settings_read(const qn_params *p, cbo_settings *out); /* of a point that cbo_check has nothing against */
void cbo_check(const qn_params *p, qn_problems *c);
void cbo_cost(const qn_params *p, qn_cost *c);
bool cbo_single(cbo_method_kind m); /* follows one point, not an ensemble */
size_t cbo_dimension_of(const qn_params *p); /* d of the objective; 0 where only the data tell */

#endif
