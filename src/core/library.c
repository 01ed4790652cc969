/* library.c -- see library.h. */
#include "library.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

int qn_library_symbol(const char *option, const char *path, const char *symbol, const char *declaration, void **handle, void **out)
{
    char *place = qn_format("%s%s", strchr(path, '/') ? "" : "./", path); /* dlopen would search the system's folders */
    if (!place)
        return qn_fail(QN_ERR_NOMEM, "out of memory");
    *handle = dlopen(place, RTLD_NOW | RTLD_LOCAL);
    free(place);
    if (!*handle)
        return qn_fail(QN_ERR_INPUT, "%s%s cannot be loaded: %s", option, path, dlerror());
    *out = dlsym(*handle, symbol);
    if (*out)
        return 0;
    dlclose(*handle);
    return qn_fail(QN_ERR_INPUT, "%s%s does not export `%s`", option, path, declaration);
}
