/* sealed.c -- see sealed.h. */
#include "sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rng.h"
#include "text.h"

#define MAGIC "QNSEAL01"

/* Over the n bytes before it. */
static void seal(const char *x, size_t n, char out[QN_SEAL_BYTES])
{
    uint64_t word[3] = {n};
    qn_hash h = qn_hash_bytes(x, n);
    memcpy(&word[1], h.w, sizeof h.w);
    memcpy(out, MAGIC, 8);
    memcpy(out + 8, word, sizeof word);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int open_aside(const char *path, char **aside)
{
    static atomic_uint counter;
    for (;;) {
        *aside = qn_format("%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&counter, 1));
        if (!*aside)
            return -1;
        int fd = open(*aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
        free(*aside); /* left by a process of that number that was killed */
    }
}

static int write_all(int fd, const char *x, size_t n)
{
    while (n) {
        ssize_t done = write(fd, x, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        x += done;
        n -= (size_t)done;
    }
    return 0;
}

/* A rename lasts when the folder is on the disk too.  Some file systems refuse to sync a folder: nothing can be done then. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

static int put_file(const char *path, const char *x, size_t n)
{
    char *aside;
    int fd = open_aside(path, &aside);
    if (!aside)
        return qn_fail(QN_ERR_NOMEM, "%s: out of memory", path);
    if (fd < 0) {
        int why = errno;
        free(aside);
        return qn_fail(QN_ERR_IO, "%s: cannot be written: %s", path, strerror(why));
    }
    int bad = write_all(fd, x, n) || fsync(fd), why = errno;
    if (close(fd) && !bad) {
        bad = -1;
        why = errno;
    }
    if (!bad && rename(aside, path)) {
        bad = -1;
        why = errno;
    }
    if (bad)
        unlink(aside);
    else
        sync_folder(path);
    free(aside);
    return bad ? qn_fail(QN_ERR_IO, "%s: cannot be written: %s", path, strerror(why)) : 0;
}

int qn_sealed_put(const char *path, char *x, size_t n)
{
    seal(x, n, x + n);
    return put_file(path, x, n + QN_SEAL_BYTES);
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */

/* x: the whole file. */
static int check_seal(const char *path, const char *x, size_t n, bool needed)
{
    char want[QN_SEAL_BYTES];
    if (n < QN_SEAL_BYTES || memcmp(x + n - QN_SEAL_BYTES, MAGIC, 8))
        return needed ? qn_fail(QN_ERR_DATA, "%s: does not end with its seal: it is cut short or no part of a run", path) : 0;
    seal(x, n - QN_SEAL_BYTES, want);
    if (memcmp(want, x + n - QN_SEAL_BYTES, QN_SEAL_BYTES))
        return qn_fail(QN_ERR_DATA, "%s: does not match its seal: the file is damaged", path);
    return 0;
}

static int check_open(const char *path, int fd, bool needed, size_t *n)
{
    struct stat info;
    if (fd < 0 || fstat(fd, &info))
        return qn_fail(QN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return qn_fail(QN_ERR_IO, "%s: is not a file", path);
    *n = (size_t)info.st_size;
    if (!*n)
        return qn_fail(QN_ERR_DATA, "%s: is not an HDF5 file: it is empty", path);
    void *x = mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (x == MAP_FAILED)
        return qn_fail(QN_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    int err = check_seal(path, x, *n, needed);
    munmap(x, *n);
    return err;
}

int qn_sealed_check(const char *path, bool needed, size_t *n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = check_open(path, fd, needed, n);
    if (fd >= 0)
        close(fd);
    return err;
}
