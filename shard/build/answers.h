#pragma once
// What a pass over rows found in one part, on disk in the order of rows: {row u32, item u32}
// records, little-endian, where item says which line or paragraph is meant (0: the document). They
// are written and read as streams, so memory does not grow with them.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct answer {
    uint32_t row, item;
};

enum { ANSWERS_AT_ONCE = 1 << 13 };

struct answers_writer {
    const char *path, *temporary;
    int fd; // -1: not open
    struct answer held[ANSWERS_AT_ONCE];
    size_t n_held;
};

/// Begins path, which appears when it is finished; path is borrowed. Errors: ERR_IO.
enum err answers_begin(struct answers_writer *w, const char *path, struct arena *a) MUST_CHECK;
/// Appends an answer; rows ascend. Errors: ERR_IO.
enum err answers_add(struct answers_writer *w, struct answer answer) MUST_CHECK;
/// Puts the file in place. Errors: ERR_IO.
enum err answers_finish(struct answers_writer *w) MUST_CHECK;
/// Closes what was begun and not finished. Can't fail.
void answers_abandon(struct answers_writer *w);

struct answers_reader {
    const char *path;
    int fd; // -1: not open
    uint64_t n_bytes, n_read;
    struct answer held[ANSWERS_AT_ONCE];
    size_t n_held, next;
};

/// Opens path, which is borrowed. Errors: ERR_IO, ERR_CORRUPT.
enum err answers_open(struct answers_reader *r, const char *path) MUST_CHECK;
/// The items of that row, in a; rows are asked for in ascending order. Errors: ERR_IO, ERR_CORRUPT.
enum err answers_take(struct answers_reader *r, uint32_t row, struct arena *a, uint32_t **items,
                      size_t *n_items) MUST_CHECK;
/// Can't fail.
void answers_close(struct answers_reader *r);
