/* ranks.h -- the processes of one run under mpirun or srun.  MPI itself is behind a table of functions in quench_mpi.so, which is loaded only
 * when the environment says that this process is one of several; without, every call here costs a comparison and does nothing.
 * Calls marked `all` are collective: every rank makes them, in the same order. */
#ifndef QN_RANKS_H
#define QN_RANKS_H

#include "quench.h"

/* Becomes one of the ranks (all).  QN_ERR_INPUT when the launcher started several processes and MPI does not join them. */
int qn_ranks_join(void) QN_NODISCARD;
void qn_ranks_leave(void);    /* all */
int qn_ranks_rank(void);      /* 0 when there is one process */
int qn_ranks_size(void);      /* 1 */
int qn_ranks_beside(void);    /* ranks on this machine, this one among them */

/* Ranks but the first keep what they print to themselves, */
void qn_ranks_hush(void);
/* until it is known whether all have the same good input (all).  Returns the exit status of the first rank that has not, whose messages rank 0
 * prints; else 0. */
int qn_ranks_hear(int status);

/* The first error of any rank, with its sentence, or 0 (all).  That a rank was stopped counts only when none failed. */
int qn_ranks_agree(int err) QN_NODISCARD;
/* QN_ERR_IO unless all ranks have the same number as rank 0 (all). */
int qn_ranks_compare(uint64_t number, const char *what) QN_NODISCARD;
void qn_ranks_sum(int64_t *x, size_t n);      /* all */
void qn_ranks_share(void *x, size_t bytes);   /* from rank 0 (all) */

void qn_ranks_begin(void);    /* all: numbers begin at 0 again */
int64_t qn_ranks_take(void);  /* the next number that no rank has taken */

typedef struct qn_ranks_news {
    int64_t done;      /* tasks and */
    double worked;     /* work of the other ranks; known to rank 0 only */
    bool stop;         /* a rank was stopped, or failed */
} qn_ranks_news;
/* Tells the others how far this rank is; what the others told. */
void qn_ranks_tell(int64_t done, double worked, bool stop, qn_ranks_news *news);

/* What quench_mpi.so exports under the name quench_ranks.  Any thread may call `take` and `tell`, also while another is in a collective. */
#define QN_RANKS_VERSION 1
typedef struct qn_ranks_table {
    int version;
    int (*join)(int *rank, int *size, int *beside); /* 0, else MPI could not start */
    void (*leave)(void);
    void (*begin)(void);
    int64_t (*take)(void);
    void (*tell)(int64_t done, double worked, bool stop, qn_ranks_news *news);
    void (*sum)(int64_t *x, size_t n);
    void (*least)(int64_t *x);
    void (*share)(void *x, size_t bytes, int from);
} qn_ranks_table;

#endif
