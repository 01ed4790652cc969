/* error.c -- the one list of errors, and this thread's last sentence. */
#include <stdarg.h>
#include <stdio.h>

#include "quench.h"

#ifndef QN_VERSION
#define QN_VERSION "0.1.0"
#endif

static _Thread_local char sentence[2048];

int qn_fail(int err, const char *format, ...)
{
    char text[sizeof sentence]; /* the arguments may point into the old sentence */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(sentence, sizeof sentence, "%s", text);
    return err;
}

const char *qn_error_text(void)
{
    return sentence;
}

const char *qn_strerror(int err)
{
#define CASE(name, code, text) \
    case code:                 \
        return text " (" #name ")";
    switch (err) {
        QN_ERRORS(CASE)
    }
    return "unknown error";
}

const char *qn_version(void)
{
    return QN_VERSION;
}
