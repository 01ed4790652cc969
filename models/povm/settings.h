/* settings.h -- the table of parameters, the problem of one point, and what the table cannot say about it. */
#ifndef POVM_SETTINGS_H
#define POVM_SETTINGS_H

#include "task.h"

extern const qn_param povm_parameters[];

povm_task_kind povm_task_of(const qn_params *p);
int povm_sites(const qn_params *p);                            /* N, or Lx Ly */
int povm_lattice_of(const qn_params *p, povm_lattice *out);    /* free it after a failure too */

size_t povm_theta_length(const qn_params *p);                  /* elements of the artifact `theta`; 0: the task has none */

int povm_problem_read(const qn_params *p, povm_problem *out) QN_NODISCARD;
void povm_problem_free(povm_problem *problem);

int povm_declare(const qn_params *p, void *to);
/* Complains about the lattice, the words and the start; true when the problem could be read. */
bool povm_problem_check(const qn_params *p, povm_problem *out, qn_problems *c);

#endif
