/* provenance.c -- who made a result, with what, where: the group /environment, apart from everything that `verify` compares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fftw3.h>
#include <gsl/gsl_version.h>
#include <libfyaml.h>
#include <xxhash.h>

#include "isa.h"
#include "merge.h"
#include "text.h"

#ifndef QN_GIT
#define QN_GIT "unknown"
#endif
#ifndef QN_FLAGS
#define QN_FLAGS "unknown"
#endif

void qn_libraries(char out[256])
{
    snprintf(out, 256, "GSL %s, %s, HDF5 %s, libfyaml %s, xxHash %d.%d.%d", gsl_version, fftw_version, qn_hdf5_version(), fy_library_version(),
             XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE);
}

static void cpu_name(char *out, size_t room)
{
    snprintf(out, room, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            snprintf(out, room, "%s", strchr(line, ':') + 2);
            out[strcspn(out, "\n")] = 0;
            break;
        }
    if (f)
        fclose(f);
}

int qn_environment(qn_dataset *d, const qn_provenance *how)
{
    qn_dataset *e;
    char libraries[256], cpu[128], host[128] = "unknown", when[40] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    gethostname(host, sizeof host - 1);
    cpu_name(cpu, sizeof cpu);
    qn_libraries(libraries);
    const struct {
        const char *name, *text;
    } say[] = {{"git", QN_GIT}, {"compiler", __VERSION__}, {"flags", QN_FLAGS}, {"libraries", libraries}, {"cpu", cpu}, {"isa", qn_isa_name(qn_isa())},
               {"host", host}, {"finished", when}, {"command", how->command ? how->command : ""}};
    int64_t threads = how->threads, ranks = how->ranks;
    int err = qn_dataset_group(d, "environment", &e);
    for (size_t i = 0; i < sizeof say / sizeof *say && !err; i++)
        err = qn_attr_str(e, NULL, say[i].name, say[i].text);
    if (!err)
        err = qn_attr_i64(e, NULL, "threads", 1, &threads);
    if (!err && ranks > 1)
        err = qn_attr_i64(e, NULL, "ranks", 1, &ranks);
    return err ? err : qn_attr_f64(e, NULL, "wall_s", 1, &how->wall_s);
}
