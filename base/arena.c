#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/size.h"

// Under ASan what is not handed out is poisoned, and each piece is followed by a gap, so that
// running over its end is reported as with malloc.
#ifdef WEFT_ASAN // set by the build, for gcc and clang alike
#include <sanitizer/asan_interface.h>
enum { REDZONE_BYTES = 32, LEAST_ALIGN = 8 }; // ASan's shadow has a byte for each 8
#else
#define ASAN_POISON_MEMORY_REGION(at, n_bytes) ((void)(at), (void)(n_bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, n_bytes) ((void)(at), (void)(n_bytes))
enum { REDZONE_BYTES = 0, LEAST_ALIGN = 1 };
#endif

enum { CHUNK_BYTES = 64 * 1024, ALIGN_LIMIT = 4096 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t capacity_bytes, used_bytes;
    alignas(64) unsigned char data[];
};

void arena_init(struct arena *a, const char *name)
{
    *a = (struct arena){.name = name};
}

static void chunk_free(struct arena_chunk *chunk)
{
    ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->capacity_bytes);
    free(chunk);
}

static _Thread_local bool growth_forbidden;

bool arena_forbid(bool forbidden)
{
    bool before = growth_forbidden;
    growth_forbidden = forbidden;
    return before;
}

static struct arena_chunk *chunk_add(struct arena *a, size_t need_bytes)
{
    ASSERT(!growth_forbidden);
    size_t capacity_bytes = size_max(need_bytes, CHUNK_BYTES);
    size_t total_bytes;
    if (!size_add(capacity_bytes, sizeof(struct arena_chunk) + 63, &total_bytes))
        err_abort(__FILE__, __LINE__, "arena %s: size overflow", a->name);
    struct arena_chunk *chunk = aligned_alloc(64, size_align(total_bytes, 64));
    if (chunk == NULL)
        err_abort(__FILE__, __LINE__, "arena %s: no memory for %zu bytes", a->name, need_bytes);
    *chunk = (struct arena_chunk){.next = a->chunks, .capacity_bytes = capacity_bytes};
    ASAN_POISON_MEMORY_REGION(chunk->data, chunk->capacity_bytes);
    a->chunks = chunk;
    return chunk;
}

void arena_fini(struct arena *a)
{
    while (a->chunks != NULL) {
        struct arena_chunk *next = a->chunks->next;
        chunk_free(a->chunks);
        a->chunks = next;
    }
    a->used_bytes = 0;
}

void arena_reset(struct arena *a)
{
    size_t capacity_bytes = 0;
    for (const struct arena_chunk *c = a->chunks; c != NULL; c = c->next)
        capacity_bytes += c->capacity_bytes; // memory that exists: no overflow
    if (a->chunks != NULL && a->chunks->next != NULL) {
        arena_fini(a);
        chunk_add(a, capacity_bytes);
    }
    if (a->chunks != NULL) {
        ASAN_POISON_MEMORY_REGION(a->chunks->data, a->chunks->capacity_bytes);
        a->chunks->used_bytes = 0;
    }
    a->used_bytes = 0;
}

// Where a piece with this alignment begins in the chunk, counted from its data.
static size_t chunk_start(const struct arena_chunk *chunk, size_t align)
{
    uintptr_t data = (uintptr_t)chunk->data;
    return (size_t)(size_align(data + chunk->used_bytes, align) - data);
}

void *arena_alloc(struct arena *a, size_t n_bytes, size_t align)
{
    ASSERT(align != 0 && (align & (align - 1)) == 0 && align <= ALIGN_LIMIT);
    align = size_max(align, LEAST_ALIGN);
    size_t taken_bytes, need_bytes; // the piece with its gap, and in the worst place
    ASSERT(size_add(n_bytes, REDZONE_BYTES, &taken_bytes));
    ASSERT(size_add(taken_bytes, align, &need_bytes));
    struct arena_chunk *chunk = a->chunks;
    if (chunk == NULL || chunk->capacity_bytes - chunk->used_bytes < need_bytes)
        chunk = chunk_add(a, need_bytes);
    size_t start = chunk_start(chunk, align);
    chunk->used_bytes = start + taken_bytes;
    a->used_bytes += n_bytes;
    ASAN_UNPOISON_MEMORY_REGION(chunk->data + start, n_bytes);
    return memset(chunk->data + start, 0, n_bytes);
}

void *arena_array(struct arena *a, size_t count, size_t size, size_t align)
{
    size_t n_bytes;
    if (!size_mul(count, size, &n_bytes))
        err_abort(__FILE__, __LINE__, "arena %s: %zu x %zu bytes overflow", a->name, count, size);
    return arena_alloc(a, n_bytes, align);
}

void *arena_grow(struct arena *a, void *old, size_t n_needed, size_t *capacity, size_t size,
                 size_t align)
{
    if (old != NULL && n_needed <= *capacity) return old;
    size_t wanted = size_max(n_needed, size_max(16, 2 * *capacity));
    void *grown = arena_array(a, wanted, size, align);
    if (old != NULL) memcpy(grown, old, *capacity * size);
    *capacity = wanted;
    return grown;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1, 1);
    memcpy(copy, s, n);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s == NULL ? arena_strndup(a, "", 0) : arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(n >= 0);
    char *text = arena_alloc(a, (size_t)n + 1, 1);
    vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}
