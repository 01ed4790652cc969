/* store.c -- one thread at a time in HDF5, and its errors in a sentence (see store.h). */
#include "store.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "dataset.h"

static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

void qn_store_enter(qn_silence *s)
{
    pthread_mutex_lock(&library);
    H5Eget_auto2(H5E_DEFAULT, &s->print, &s->ctx);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void qn_store_leave(const qn_silence *s)
{
    H5Eset_auto2(H5E_DEFAULT, s->print, s->ctx);
    pthread_mutex_unlock(&library);
}

static herr_t keep_first(unsigned n, const H5E_error2_t *e, void *to)
{
    if (n == 0 && e->desc)
        snprintf(to, QN_STORE_REASON, "%s", e->desc);
    return 0;
}

const char *qn_store_reason(char to[QN_STORE_REASON])
{
    strcpy(to, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, to);
    return to;
}

hid_t qn_store_open(const char *path)
{
    char why[QN_STORE_REASON];
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    int bad = access < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 || H5Pset_file_locking(access, false, true) < 0;
    hid_t file = bad ? -1 : H5Fopen(path, H5F_ACC_RDONLY, access);
    qn_store_reason(why);
    if (access >= 0)
        H5Pclose(access);
    if (file < 0 && H5Fis_hdf5(path) <= 0)
        qn_fail(QN_ERR_DATA, "%s: is not an HDF5 file", path);
    else if (file < 0)
        qn_fail(QN_ERR_DATA, "%s: cannot be read, the file is damaged or cut short: %s", path, why);
    return file;
}

const char *qn_hdf5_version(void)
{
    return H5_VERS_INFO + strlen("HDF5 library version: ");
}
