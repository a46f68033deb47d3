#pragma once
// Little-endian fields of a frame, one after another. The writer's and the reader's owner checks
// the room beforehand: each message has a fixed length or a named limit.

#include <stdint.h>
#include <string.h>

struct field_writer {
    uint8_t *at;
};

struct field_reader {
    const uint8_t *at;
};

static inline void field_put(struct field_writer *w, uint64_t value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        w->at[i] = (uint8_t)(value >> (8 * i));
    w->at += n_bytes;
}

static inline uint64_t field_get(struct field_reader *r, size_t n_bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++)
        value |= (uint64_t)r->at[i] << (8 * i);
    r->at += n_bytes;
    return value;
}

static inline uint32_t field_get_u32(struct field_reader *r)
{
    return (uint32_t)field_get(r, 4);
}

static inline void field_put_text(struct field_writer *w, const char *text, size_t n_bytes)
{
    memcpy(w->at, text, n_bytes);
    w->at += n_bytes;
}

static inline void field_get_text(struct field_reader *r, char *text, size_t n_bytes)
{
    memcpy(text, r->at, n_bytes);
    r->at += n_bytes;
}
