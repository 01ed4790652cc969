/* ranks.c -- see ranks.h. */
#include "ranks.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text.h"

/* There is one MPI world in a process, as there is one standard error. */
static const qn_ranks_table *table;
static int rank, size = 1, beside = 1;
static int hushed = -1, own_out, own_err; /* a file in memory instead of standard output and error, and these */

/* ---- who started this process ------------------------------------------------------------------------------------------ */

static int64_t number_of(const char *variable)
{
    const char *text = getenv(variable);
    int64_t x;
    return text && !qn_parse_int(text, &x) && x >= 0 ? x : -1;
}

typedef struct launch {
    const char *rank, *size, *by;
} launch;

/* What launchers say in the environment: Open MPI (mpirun), Hydra (MPICH) and Slurm with PMI, Slurm alone.  The batch script itself is in no step
 * of several tasks. */
static const launch launches[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "mpirun"},
    {"PMI_RANK", "PMI_SIZE", "mpirun"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "srun"},
};

static const launch *find_launch(void)
{
    for (size_t i = 0; i < sizeof launches / sizeof *launches; i++)
        if (number_of(launches[i].rank) >= 0 && number_of(launches[i].size) >= 1)
            return &launches[i];
    return NULL;
}

/* ---- the shared object -------------------------------------------------------------------------------------------------- */

/* Beside the program, or where `make install` puts it. */
static void *load(void)
{
    static const char *const places[] = {"quench_mpi.so", "../lib/quench/quench_mpi.so"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return NULL;
    self[n] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = 0;
    void *so = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places && !so; i++) {
        char *path = qn_format("%s%s", self, places[i]);
        if (path && !access(path, R_OK))
            so = dlopen(path, RTLD_NOW | RTLD_GLOBAL); /* global: MPI libraries load components that need their symbols */
        free(path);
    }
    return so;
}

int qn_ranks_join(void)
{
    const char *wanted = getenv("QUENCH_MPI");
    const launch *by = wanted && !strcmp(wanted, "0") ? NULL : find_launch();
    int64_t expected = by ? number_of(by->size) : -1;
    if (expected == 1 || (!by && (wanted || !getenv("PMIX_RANK"))))
        return 0;
    rank = by ? (int)number_of(by->rank) : 0; /* so that an error here is told once */
    if (by && !strcmp(by->by, "srun") && !getenv("PMIX_RANK") && !getenv("PMI_FD"))
        return qn_fail(QN_ERR_INPUT, "srun started this as one of %lld processes without a way for MPI to join them; `srun --mpi=list` shows what there is (--mpi=pmix suits Open MPI), or set QUENCH_MPI=0 for processes on their own (--part)",
                       (long long)expected);
    void *so = load();
    const qn_ranks_table *t = so ? dlsym(so, "quench_ranks") : NULL;
    if (!t && !by)
        return 0;
    if (!t)
        return qn_fail(QN_ERR_INPUT, "%s started this as one of %lld processes, but quench_mpi.so, which joins them, %s; install mpicc (Debian: libopenmpi-dev) and run make, or set QUENCH_MPI=0 for processes on their own (--part)",
                       by->by, (long long)expected, so ? "is no such thing" : "is not beside the program");
    if (t->version != QN_RANKS_VERSION)
        return qn_fail(QN_ERR_INPUT, "quench_mpi.so is of another version of quench; run make");
    if (t->join(&rank, &size, &beside))
        return qn_fail(QN_ERR_INPUT, "MPI does not start");
    if (expected > 1 && size == 1) {
        rank = (int)number_of(by->rank);
        t->leave();
        return qn_fail(QN_ERR_INPUT, "%s started %lld processes, but MPI joins each with itself only: quench_mpi.so was built for another MPI than that of %s%s", by->by,
                       (long long)expected, by->by, strcmp(by->by, "srun") ? "" : " (`srun --mpi=list` shows what it has; --mpi=pmix suits Open MPI), or start it with mpirun");
    }
    if (size == 1)
        t->leave();
    else
        table = t;
    return 0;
}

void qn_ranks_leave(void)
{
    if (table)
        table->leave();
    table = NULL;
    rank = 0;
    size = beside = 1;
}

int qn_ranks_rank(void)
{
    return rank;
}

int qn_ranks_size(void)
{
    return size;
}

int qn_ranks_beside(void)
{
    return beside;
}

/* ---- one voice ------------------------------------------------------------------------------------------------------------ */

#define MOST_HEARD 8192

void qn_ranks_hush(void)
{
    if (!table || rank == 0 || (hushed = memfd_create("quench", MFD_CLOEXEC)) < 0)
        return;
    fflush(stdout);
    own_out = dup(STDOUT_FILENO);
    own_err = dup(STDERR_FILENO);
    dup2(hushed, STDOUT_FILENO);
    dup2(hushed, STDERR_FILENO);
}

/* Standard output and error again, and what was kept from them. */
static void unhush(char text[MOST_HEARD])
{
    text[0] = 0;
    if (hushed < 0)
        return;
    fflush(stdout);
    fflush(stderr);
    ssize_t n = pread(hushed, text, MOST_HEARD - 1, 0);
    text[n > 0 ? n : 0] = 0;
    dup2(own_out, STDOUT_FILENO);
    dup2(own_err, STDERR_FILENO);
    close(own_out);
    close(own_err);
    close(hushed);
    hushed = -1;
}

int qn_ranks_hear(int status)
{
    struct {
        int status;
        char text[MOST_HEARD];
    } said;
    if (!table)
        return status;
    unhush(said.text);
    said.status = status;
    int64_t who = status ? rank : size;
    table->least(&who);
    if (who == size)
        return 0;
    table->share(&said, sizeof said, (int)who);
    if (rank == 0 && who != 0)
        fputs(said.text, stderr);
    return said.status;
}

int qn_ranks_agree(int err)
{
    struct {
        int err;
        char host[64], text[2048];
    } said = {.err = err};
    if (!table)
        return err;
    int64_t who = !err ? 2 * size : err == QN_ERR_STOPPED ? size + rank : rank;
    table->least(&who);
    if (who == 2 * size)
        return 0;
    who %= size;
    if (who == rank) {
        gethostname(said.host, sizeof said.host - 1);
        snprintf(said.text, sizeof said.text, "%s", qn_error_text());
    }
    table->share(&said, sizeof said, (int)who);
    if (who == rank)
        return err;
    return who == 0 || said.err == QN_ERR_STOPPED ? qn_fail(said.err, "%s", said.text) : qn_fail(said.err, "%s (rank %d, on %s)", said.text, (int)who, said.host);
}

int qn_ranks_compare(uint64_t number, const char *what)
{
    uint64_t first = number;
    qn_ranks_share(&first, sizeof first);
    return qn_ranks_agree(first == number ? 0 : qn_fail(QN_ERR_IO, "rank %d has %s than rank 0", rank, what));
}

/* ---- passed on -------------------------------------------------------------------------------------------------------------- */

void qn_ranks_sum(int64_t *x, size_t n)
{
    if (table)
        table->sum(x, n);
}

void qn_ranks_share(void *x, size_t bytes)
{
    if (table)
        table->share(x, bytes, 0);
}

void qn_ranks_begin(void)
{
    if (table)
        table->begin();
}

int64_t qn_ranks_take(void)
{
    return table->take();
}

void qn_ranks_tell(int64_t done, double worked, bool stop, qn_ranks_news *news)
{
    table->tell(done, worked, stop, news);
}
