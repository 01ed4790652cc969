/* progress.h -- signals that stop a run politely, and the line that tells how far it is. */
#ifndef QN_PROGRESS_H
#define QN_PROGRESS_H

#include <stdatomic.h>

#include "quench.h"

/* SIGINT and SIGTERM raise `stop` (a second SIGINT ends the program at once); SIGUSR1 counts in `flush`. */
void qn_signals_install(void);
void qn_signals_restore(void);
bool qn_signals_stop(void);
int qn_signals_flush(void); /* how many SIGUSR1 so far */

typedef struct qn_progress {
    bool quiet, bar;
    size_t tasks, before;          /* all of this run, and those found finished */
    double start, last;
    double work;                   /* steps of the tasks of this run, weighted by cost */
    atomic_size_t done;
    _Atomic double worked;
    atomic_size_t done_elsewhere;     /* the same of other processes */
    _Atomic double worked_elsewhere;
} qn_progress;
void qn_progress_start(qn_progress *p);
bool qn_progress_due(const qn_progress *p);
/* Prints, from any thread (locked by the caller); `of_task`: a model's line about the caller's task, or NULL. */
void qn_progress_print(qn_progress *p, const char *of_task);
void qn_progress_end(qn_progress *p);
void qn_progress_note(qn_progress *p, const char *line); /* a message that must not be torn by the bar */

#endif
