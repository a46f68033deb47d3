#pragma once
// An arena: memory with one lifetime, freed at once. Grows by chunks from malloc; what it hands out
// is zeroed and stays where it is until reset or fini.
//
//     struct arena a;
//     arena_init(&a, "plan");
//     struct step *steps = ARENA_ARRAY(&a, struct step, n);
//     arena_fini(&a);
//
// Running out of memory aborts with the arena's name: a plan or a config does not fit, and the big
// allocations (the slab, data buffers) do not come from here.

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;
struct arena {
    const char *name;
    struct arena_chunk *chunks;
    size_t used_bytes;
};

/// name is borrowed for the arena's life. Can't fail.
void arena_init(struct arena *a, const char *name);
/// Frees everything; the arena may be used again after arena_init. Can't fail.
void arena_fini(struct arena *a);
/// Takes back everything that was handed out. The memory stays, in one chunk, so that an arena that
/// is reset each step soon calls malloc no more. Can't fail.
void arena_reset(struct arena *a);

/// Zeroed bytes, aligned to align (a power of two). n_bytes 0 gives a valid pointer.
void *arena_alloc(struct arena *a, size_t n_bytes, size_t align) __attribute__((returns_nonnull));
/// As arena_alloc of count * size bytes; aborts on overflow.
void *arena_array(struct arena *a, size_t count, size_t size, size_t align)
    __attribute__((returns_nonnull));
/// Copy of s (NUL-terminated). s may be NULL: gives "".
char *arena_strdup(struct arena *a, const char *s);
/// Copy of the first n bytes of s, NUL-terminated.
char *arena_strndup(struct arena *a, const char *s, size_t n);
/// printf into the arena.
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Room for at least n_needed elements: returns old while *capacity suffices, else a copy of twice
/// the capacity (the old array stays in the arena). *capacity is in elements.
void *arena_grow(struct arena *a, void *old, size_t n_needed, size_t *capacity, size_t size,
                 size_t align) __attribute__((returns_nonnull));

#define ARENA_GROW(a, type, old, n_needed, capacity) \
    ((type *)arena_grow((a), (old), (n_needed), (capacity), sizeof(type), alignof(type)))
/// While forbidden, this thread's arenas may not take memory from the system: ASSERT. For code that
/// promises to allocate nothing (I4). Returns what it was before. Local.
bool arena_forbid(bool forbidden);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type), alignof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), (count), sizeof(type), alignof(type)))
