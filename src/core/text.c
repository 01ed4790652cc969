/* text.c -- see text.h. */
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONGEST_NAME 64

static size_t edit_distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), row[LONGEST_NAME + 1];
    if (na > LONGEST_NAME || nb > LONGEST_NAME)
        return LONGEST_NAME;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

const char *qn_nearest(const char *name, size_t n, const char *const *candidates)
{
    const char *best = NULL;
    size_t least = strlen(name) / 3 + 2; /* further away than this it is not a slip of the finger */
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(name, candidates[i]);
        if (d < least && d < strlen(candidates[i])) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}

void qn_buffer_add(qn_buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int more = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (more < 0 || b->failed) {
        b->failed = true;
        va_end(again);
        return;
    }
    if (b->n + (size_t)more + 1 > b->room) {
        size_t room = 2 * (b->n + (size_t)more + 1);
        char *text = realloc(b->text, room);
        if (!text) {
            b->failed = true;
            va_end(again);
            return;
        }
        b->text = text;
        b->room = room;
    }
    vsnprintf(b->text + b->n, (size_t)more + 1, format, again);
    va_end(again);
    b->n += (size_t)more;
}

void qn_buffer_free(qn_buffer *b)
{
    free(b->text);
    memset(b, 0, sizeof *b);
}

char *qn_format(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

int qn_parse_int(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long x = strtoll(text, &end, 10);
    if (end == text || *end || errno)
        return QN_ERR_INPUT;
    *out = x;
    return 0;
}

int qn_parse_u64(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    if (text[0] < '0' || text[0] > '9') /* strtoull would take a sign or a space */
        return QN_ERR_INPUT;
    unsigned long long x = strtoull(text, &end, text[1] == 'x' ? 16 : 10);
    if (end == text || *end || errno)
        return QN_ERR_INPUT;
    *out = x;
    return 0;
}

int qn_parse_real(const char *text, double *out)
{
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !isfinite(x) || text[0] == ' ' || strpbrk(text, "xX"))
        return QN_ERR_INPUT;
    *out = x;
    return 0;
}

const char *qn_human_bytes(double bytes, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t u = 0;
    while (bytes >= 1000 && u + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        u++;
    }
    snprintf(out, 32, bytes < 10 && u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
    return out;
}

const char *qn_human_seconds(double s, char out[32])
{
    if (!(s >= 0) || s > 1e12)
        snprintf(out, 32, "?");
    else if (s < 10)
        snprintf(out, 32, "%.1f s", s);
    else if (s < 100)
        snprintf(out, 32, "%.0f s", s);
    else if (s < 5400)
        snprintf(out, 32, "%.0f min %02.0f s", floor(s / 60), fmod(floor(s), 60));
    else if (s < 2 * 86400)
        snprintf(out, 32, "%.0f h %02.0f min", floor(s / 3600), floor(fmod(s, 3600) / 60));
    else
        snprintf(out, 32, "%.1f days", s / 86400);
    return out;
}

double qn_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
