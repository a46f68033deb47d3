#include "shard/read/token_file.h"

#include <string.h>

#include "base/file.h"
#include "base/little.h"
#include "base/size.h"

enum { BUFFER_BYTES = 256 << 10 };

enum err token_file_open(const char *path, struct arena *a, struct token_file *out)
{
    struct token_file f = {.path = path};
    TRY(file_open_read(path, &f.fd));
    f.buffer = arena_alloc(a, BUFFER_BYTES, 8);
    *out = f;
    const enum err e = file_size(f.fd, path, &out->n_bytes);
    if (e != OK) token_file_close(out);
    return e;
}

void token_file_close(struct token_file *f)
{
    if (!f->buffer) return;
    const enum err e = file_close(f->fd, f->path);
    (void)e; // nothing was written
    f->buffer = NULL;
}

uint32_t token_file_width(enum token_file_type type)
{
    switch (type) {
    case TOKEN_FILE_U8:
    case TOKEN_FILE_I8:
        return 1;
    case TOKEN_FILE_I16:
    case TOKEN_FILE_U16:
        return 2;
    case TOKEN_FILE_I32:
    case TOKEN_FILE_U32:
        return 4;
    case TOKEN_FILE_I64:
        return 8;
    }
    return 0;
}

static uint64_t element(enum token_file_type type, const uint8_t *p)
{
    switch (type) {
    case TOKEN_FILE_U8:
        return *p;
    case TOKEN_FILE_I8:
        return (uint64_t)(int8_t)*p;
    case TOKEN_FILE_I16:
        return (uint64_t)(int16_t)little_get_u16(p);
    case TOKEN_FILE_U16:
        return little_get_u16(p);
    case TOKEN_FILE_I32:
        return (uint64_t)(int32_t)little_get_u32(p);
    case TOKEN_FILE_U32:
        return little_get_u32(p);
    case TOKEN_FILE_I64:
        return little_get_u64(p);
    }
    return 0;
}

// The element's bytes, in the buffer.
static enum err bytes_at(struct token_file *f, uint64_t offset, uint32_t width, const uint8_t **out)
{
    if (width > f->n_bytes || offset > f->n_bytes - width)
        return fail(ERR_DATA, "%s: ends at byte %llu, byte %llu is wanted", f->path,
                    (unsigned long long)f->n_bytes, (unsigned long long)offset);
    if (offset < f->first || offset + width > f->end) {
        const size_t n = (size_t)size_min(BUFFER_BYTES, f->n_bytes - offset);
        TRY(file_pread(f->fd, f->path, f->buffer, n, offset));
        f->first = offset;
        f->end = offset + n;
    }
    *out = f->buffer + (offset - f->first);
    return OK;
}

enum err token_file_read(struct token_file *f, enum token_file_type type, uint64_t offset, size_t n,
                         uint64_t *out)
{
    const uint32_t width = token_file_width(type);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *bytes;
        TRY(bytes_at(f, offset + i * width, width, &bytes));
        out[i] = element(type, bytes);
        if (out[i] > INT64_MAX)
            return fail(ERR_DATA, "%s: a negative number at byte %llu", f->path,
                        (unsigned long long)(offset + i * width));
    }
    return OK;
}

enum err token_file_read_tokens(struct token_file *f, enum token_file_type type, uint64_t offset,
                                size_t n, uint32_t *out)
{
    const uint32_t width = token_file_width(type);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *bytes;
        TRY(bytes_at(f, offset + i * width, width, &bytes));
        const uint64_t token = element(type, bytes);
        if (token > UINT32_MAX - 1)
            return fail(ERR_DATA, "%s: no token id at byte %llu", f->path,
                        (unsigned long long)(offset + i * width));
        out[i] = (uint32_t)token;
    }
    return OK;
}
