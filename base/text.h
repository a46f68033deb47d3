#pragma once
// Text that grows in an arena: what is printed piece by piece (plans, JSON, run files).
//
//     struct text t;
//     text_begin(&t, a);
//     text_printf(&t, "step %llu\n", step);
//     puts(t.data);

#include <stddef.h>

#include "base/arena.h"

struct text {
    struct arena *arena;
    char *data;     // NUL-terminated; moves when it grows
    size_t n_bytes; // without the NUL
    size_t capacity_bytes;
};

/// An empty text in a. Can't fail.
void text_begin(struct text *t, struct arena *a);
/// Appends n_bytes of data. Can't fail.
void text_put(struct text *t, const char *data, size_t n_bytes);
/// Appends what printf would print. Can't fail.
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
