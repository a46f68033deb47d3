#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/size.h"

enum { FIRST_BYTES = 256 };

void text_begin(struct text *t, struct arena *a)
{
    *t = (struct text){
        .arena = a, .data = arena_alloc(a, FIRST_BYTES, 1), .capacity_bytes = FIRST_BYTES};
}

// Room for n_bytes more and the NUL.
static void reserve(struct text *t, size_t n_bytes)
{
    size_t need_bytes, double_bytes;
    ASSERT(size_add(t->n_bytes, n_bytes, &need_bytes) && size_add(need_bytes, 1, &need_bytes));
    if (need_bytes <= t->capacity_bytes) return;
    ASSERT(size_mul(t->capacity_bytes, 2, &double_bytes));
    t->capacity_bytes = size_max(need_bytes, double_bytes);
    char *larger = arena_alloc(t->arena, t->capacity_bytes, 1);
    memcpy(larger, t->data, t->n_bytes);
    t->data = larger;
}

void text_put(struct text *t, const char *data, size_t n_bytes)
{
    reserve(t, n_bytes);
    memcpy(t->data + t->n_bytes, data, n_bytes);
    t->n_bytes += n_bytes;
    t->data[t->n_bytes] = '\0';
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(t->data + t->n_bytes, t->capacity_bytes - t->n_bytes, format, args);
    va_end(args);
    ASSERT(n >= 0);
    if ((size_t)n >= t->capacity_bytes - t->n_bytes) {
        reserve(t, (size_t)n);
        vsnprintf(t->data + t->n_bytes, t->capacity_bytes - t->n_bytes, format, again);
    }
    va_end(again);
    t->n_bytes += (size_t)n;
}
