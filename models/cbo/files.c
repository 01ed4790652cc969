/* files.c -- see files.h. */
#include "files.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"

static struct {
    char *question;
    size_t answer[CBO_ANSWERS];
} known[16];
static size_t next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Name, inode, size and time of every file; NULL when memory is out. */
static char *question_of(const char *const *paths, size_t n)
{
    qn_buffer b = {0};
    for (size_t i = 0; i < n; i++) {
        struct stat s = {0};
        if (paths[i] && stat(paths[i], &s) == 0)
            qn_buffer_add(&b, "|%zu %s %lld %lld %lld.%ld", i, paths[i], (long long)s.st_ino, (long long)s.st_size,
                          (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    }
    if (b.failed)
        qn_buffer_free(&b);
    return b.text;
}

bool cbo_files_known(const char *const *paths, size_t n, size_t answer[CBO_ANSWERS])
{
    char *question = question_of(paths, n);
    bool found = false;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; question && i < sizeof known / sizeof *known && !found; i++)
        if (known[i].question && !strcmp(known[i].question, question)) {
            memcpy(answer, known[i].answer, sizeof known[i].answer);
            found = true;
        }
    pthread_mutex_unlock(&lock);
    free(question);
    return found;
}

void cbo_files_remember(const char *const *paths, size_t n, const size_t answer[CBO_ANSWERS])
{
    char *question = question_of(paths, n);
    if (!question)
        return;
    pthread_mutex_lock(&lock);
    size_t i = next++ % (sizeof known / sizeof *known);
    free(known[i].question);
    known[i].question = question;
    memcpy(known[i].answer, answer, sizeof known[i].answer);
    pthread_mutex_unlock(&lock);
}
