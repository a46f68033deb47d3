#pragma once
// Reads elements of a file through a small buffer: the tables and tokens of pre-tokenized formats.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct token_file {
    const char *path;
    int fd;
    uint64_t n_bytes;
    uint8_t *buffer;
    uint64_t first, end; // of the file, in the buffer
};

enum token_file_type {
    TOKEN_FILE_U8 = 1,
    TOKEN_FILE_I8,
    TOKEN_FILE_I16,
    TOKEN_FILE_I32,
    TOKEN_FILE_I64,
    TOKEN_FILE_U16 = 8,
    TOKEN_FILE_U32
};

/// Opens; the buffer lives in a. Errors: ERR_IO.
enum err token_file_open(const char *path, struct arena *a, struct token_file *out) MUST_CHECK;
/// Closes what was opened; of a zeroed struct nothing. Can't fail.
void token_file_close(struct token_file *f);
/// Bytes of one element. Can't fail.
uint32_t token_file_width(enum token_file_type type);
/// n elements at byte offset into out. Errors: ERR_IO; ERR_DATA: beyond the end of the file, or an
/// element that is negative.
enum err token_file_read(struct token_file *f, enum token_file_type type, uint64_t offset, size_t n,
                         uint64_t *out) MUST_CHECK;
/// As token_file_read, for token ids: ERR_DATA when one does not fit.
enum err token_file_read_tokens(struct token_file *f, enum token_file_type type, uint64_t offset,
                                size_t n, uint32_t *out) MUST_CHECK;
