/* quench_mpi.c -- the table of ranks.h over MPI: built as quench_mpi.so where mpicc is found.
 *
 * Rank 0 holds a window of words that all ranks reach by one-sided operations: the next number to take, whether a rank stopped, and for
 * every rank how far it is.  MPI is used by one thread at a time (a mutex).  Whoever waits for other ranks sleeps between looks: the
 * processor belongs to the ranks that still work. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

#include "ranks.h"

enum { NEXT, STOP, FIRST, WORDS_A_RANK = 2 }; /* words of the window; from FIRST on those of the ranks: done, worked */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static MPI_Comm world;
static MPI_Win window;
static int64_t *words; /* of rank 0, in its memory */
static int rank, size, local;

static int join(int *rank_out, int *size_out, int *beside_out)
{
    int provided;
    MPI_Comm node;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS || provided < MPI_THREAD_SERIALIZED)
        return -1;
    MPI_Comm_dup(MPI_COMM_WORLD, &world);
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &size);
    MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &local);
    MPI_Comm_free(&node);
    size_t bytes = rank == 0 ? (size_t)(FIRST + WORDS_A_RANK * size) * sizeof *words : 0;
    if (MPI_Win_allocate((MPI_Aint)bytes, sizeof *words, MPI_INFO_NULL, world, &words, &window) != MPI_SUCCESS)
        return -1;
    MPI_Win_lock_all(MPI_MODE_NOCHECK, window);
    if (bytes)
        memset(words, 0, bytes);
    MPI_Win_sync(window);
    MPI_Barrier(world);
    *rank_out = rank;
    *size_out = size;
    *beside_out = local;
    return 0;
}

static void leave(void)
{
    MPI_Win_unlock_all(window);
    MPI_Win_free(&window);
    MPI_Comm_free(&world);
    MPI_Finalize();
}

#define MOST_SLEEP_NS 1000000

/* Ends the operation that `request` began. The lock is held on entry and on return, but not while asleep. */
static void wait_for(MPI_Request *request)
{
    int over = 0;
    for (long ns = 20000;; ns = ns < MOST_SLEEP_NS / 2 ? 2 * ns : MOST_SLEEP_NS) {
        MPI_Test(request, &over, MPI_STATUS_IGNORE);
        if (over)
            return;
        pthread_mutex_unlock(&lock);
        nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
        pthread_mutex_lock(&lock);
    }
}

static void sum(int64_t *x, size_t n)
{
    MPI_Request request;
    pthread_mutex_lock(&lock);
    int64_t *all = malloc((n + 1) * sizeof *all);
    if (!all)
        MPI_Abort(world, 1);
    MPI_Iallreduce(x, all, (int)n, MPI_INT64_T, MPI_SUM, world, &request);
    wait_for(&request);
    memcpy(x, all, n * sizeof *all);
    free(all);
    pthread_mutex_unlock(&lock);
}

static void least(int64_t *x)
{
    MPI_Request request;
    int64_t all;
    pthread_mutex_lock(&lock);
    MPI_Iallreduce(x, &all, 1, MPI_INT64_T, MPI_MIN, world, &request);
    wait_for(&request);
    *x = all;
    pthread_mutex_unlock(&lock);
}

static void share(void *x, size_t bytes, int from)
{
    MPI_Request request;
    pthread_mutex_lock(&lock);
    MPI_Ibcast(x, (int)bytes, MPI_BYTE, from, world, &request);
    wait_for(&request);
    pthread_mutex_unlock(&lock);
}

/* Rank 0 clears the words between two points that all ranks pass. */
static void begin(void)
{
    int64_t all = 0;
    least(&all);
    if (rank == 0) {
        pthread_mutex_lock(&lock);
        memset(words, 0, (size_t)(FIRST + WORDS_A_RANK * size) * sizeof *words);
        MPI_Win_sync(window);
        pthread_mutex_unlock(&lock);
    }
    least(&all);
}

static int64_t take(void)
{
    int64_t one = 1, taken = 0;
    pthread_mutex_lock(&lock);
    MPI_Fetch_and_op(&one, &taken, MPI_INT64_T, 0, NEXT, MPI_SUM, window);
    MPI_Win_flush(0, window);
    pthread_mutex_unlock(&lock);
    return taken;
}

/* Also lets MPI answer the others' one-sided operations where the network cannot without this process. */
static void tell(int64_t done, double worked, bool stop, qn_ranks_news *news)
{
    int64_t mine[WORDS_A_RANK] = {done}, raised = stop, before = 0;
    int any;
    memcpy(&mine[1], &worked, sizeof worked);
    memset(news, 0, sizeof *news);
    pthread_mutex_lock(&lock);
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, world, &any, MPI_STATUS_IGNORE);
    MPI_Accumulate(mine, WORDS_A_RANK, MPI_INT64_T, 0, FIRST + WORDS_A_RANK * rank, WORDS_A_RANK, MPI_INT64_T, MPI_REPLACE, window);
    MPI_Fetch_and_op(&raised, &before, MPI_INT64_T, 0, STOP, MPI_MAX, window);
    MPI_Win_flush(0, window);
    news->stop = before > 0;
    if (rank == 0) {
        MPI_Win_sync(window);
        for (int i = 1; i < size; i++) {
            double its;
            memcpy(&its, &words[FIRST + WORDS_A_RANK * i + 1], sizeof its);
            news->done += words[FIRST + WORDS_A_RANK * i];
            news->worked += its;
        }
    }
    pthread_mutex_unlock(&lock);
}

extern const qn_ranks_table quench_ranks;
const qn_ranks_table quench_ranks = {QN_RANKS_VERSION, join, leave, begin, take, tell, sum, least, share};
