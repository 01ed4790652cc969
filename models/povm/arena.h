/* arena.h -- cuts one block of memory into aligned pieces; without a block it counts what they would take. */
#ifndef POVM_ARENA_H
#define POVM_ARENA_H

#include <stddef.h>

typedef struct povm_arena {
    char *at;                 /* aligned to 64 bytes, or NULL */
    size_t used;
} povm_arena;

static inline void *povm_take(povm_arena *m, size_t bytes)
{
    const size_t from = m->used;
    m->used += (bytes + 63) / 64 * 64;
    return m->at ? m->at + from : NULL;
}

#endif
