/* progress.c -- see progress.h. */
#include "progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "text.h"

/* A signal handler can reach nothing but globals. */
static volatile sig_atomic_t stop_signal, interrupts, flushes;
static struct sigaction old_int, old_term, old_usr1;

static void on_signal(int sig)
{
    if (sig == SIGUSR1) {
        flushes++;
        return;
    }
    if (sig == SIGINT && ++interrupts > 1)
        _exit(130);
    stop_signal = 1;
}

void qn_signals_install(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    a.sa_flags = SA_RESTART;
    sigemptyset(&a.sa_mask);
    stop_signal = interrupts = flushes = 0;
    sigaction(SIGINT, &a, &old_int);
    sigaction(SIGTERM, &a, &old_term);
    sigaction(SIGUSR1, &a, &old_usr1);
}

void qn_signals_restore(void)
{
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    sigaction(SIGUSR1, &old_usr1, NULL);
}

bool qn_signals_stop(void)
{
    return stop_signal;
}

int qn_signals_flush(void)
{
    return flushes;
}

void qn_progress_start(qn_progress *p)
{
    p->start = p->last = qn_now();
}

static double all_worked(const qn_progress *p)
{
    return atomic_load(&p->worked) + atomic_load(&p->worked_elsewhere);
}

static void line(qn_progress *p, char *out, size_t room)
{
    double t = qn_now() - p->start, worked = all_worked(p), left = worked > 0 ? t * (p->work - worked) / worked : -1;
    size_t done = atomic_load(&p->done) + atomic_load(&p->done_elsewhere), all = p->before + p->tasks;
    char time_left[32], spent[32];
    double share = p->work > 0 ? worked / p->work : 1;
    snprintf(out, room, "%zu of %zu tasks, %.0f %%, %.3g tasks/s, %s, %s left", p->before + done, all, 100 * (share > 1 ? 1 : share),
             t > 0 ? (double)done / t : 0, qn_human_seconds(t, spent), qn_human_seconds(left > 0 || left == 0 ? left : -1, time_left));
}

bool qn_progress_due(const qn_progress *p)
{
    return !p->quiet && qn_now() - p->last >= (p->bar ? 0.2 : 60);
}

/* Bytes of a text that fit in so many columns; UTF-8 is not cut inside a character. */
static int fitting(const char *text, int columns)
{
    int n = 0;
    for (; text[n] && columns > 0; columns--)
        do
            n++;
        while ((text[n] & 0xC0) == 0x80);
    return n;
}

void qn_progress_print(qn_progress *p, const char *of_task)
{
    if (p->quiet)
        return;
    p->last = qn_now();
    char text[400];
    line(p, text, sizeof text - 200);
    if (of_task && *of_task)
        snprintf(text + strlen(text), 200, "; %s", of_task);
    if (!p->bar) {
        fprintf(stderr, "quench: %s\n", text);
        return;
    }
    enum { WIDTH = 24 };
    struct winsize window;
    int columns = !ioctl(STDERR_FILENO, TIOCGWINSZ, &window) && window.ws_col > WIDTH + 4 ? window.ws_col - WIDTH - 4 : 80;
    double share = p->work > 0 ? all_worked(p) / p->work : 1;
    int full = (int)(share * WIDTH + 0.5);
    fputs("\r\033[K[", stderr);
    for (int i = 0; i < WIDTH; i++)
        fputs(i < full ? "=" : i == full ? ">" : " ", stderr);
    fprintf(stderr, "] %.*s", fitting(text, columns), text); /* a line that wraps could not be drawn over */
    fflush(stderr);
}

void qn_progress_note(qn_progress *p, const char *text)
{
    fprintf(stderr, "%squench: %s\n", p->bar && !p->quiet ? "\r\033[K" : "", text);
}

void qn_progress_end(qn_progress *p)
{
    if (!p->quiet && p->bar)
        fputs("\r\033[K", stderr);
}
