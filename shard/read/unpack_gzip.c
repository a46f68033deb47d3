// gzip, members one after another. A member that is whole in the buffer and small is decompressed
// at once with libdeflate, which checks it before anything is handed out and takes half of zlib's
// time; anything else streams through zlib.

#include <libdeflate.h>
#include <zlib.h>

#include "base/grow.h"
#include "base/size.h"
#include "shard/read/unpack_source.h"

enum {
    AHEAD_BYTES = 256 << 10,        // of the file in the buffer before a member is tried at once
    AT_ONCE_BYTES = 1 << 20,        // first guess of a member's size, decompressed
    AT_ONCE_LIMIT_BYTES = 16 << 20, // most that a member tried at once may have
    PROBE_BYTES = 512
};

struct state {
    struct libdeflate_decompressor *at_once;
    z_stream zlib;
    size_t guess_bytes;
};

static enum err gzip_open(struct unpack *s)
{
    struct state *state = NULL;
    size_t capacity = 0;
    TRY(grow_array(&state, &capacity, 1, sizeof *state));
    *state = (struct state){.guess_bytes = AT_ONCE_BYTES};
    s->state = state;
    state->at_once = libdeflate_alloc_decompressor();
    const bool ready = inflateInit2(&state->zlib, 16 + MAX_WBITS) == Z_OK;
    return state->at_once && ready ? OK : fail(ERR_MEMORY, "%s: gunzip", s->source.path);
}

static void gzip_close(struct unpack *s)
{
    struct state *state = s->state;
    libdeflate_free_decompressor(state->at_once);
    inflateEnd(&state->zlib);
    grow_free(state);
}

static enum err damaged(const struct unpack *s, const char *what)
{
    return fail(ERR_DATA, "%s: damaged gzip member at byte %llu: %s", s->source.path,
                (unsigned long long)s->member_offset, what);
}

// Decompresses the member that begins at the source, if all of it is in the buffer and it is not
// too large; *done false leaves everything as it was.
static enum err member_at_once(struct unpack *s, size_t *n_out, bool *done)
{
    struct state *state = s->state;
    *done = false;
    for (;;) {
        TRY(unpack_reserve(s, state->guess_bytes));
        const struct span bytes = unpack_source_bytes(&s->source);
        size_t n_in = 0;
        const enum libdeflate_result result =
            libdeflate_gzip_decompress_ex(state->at_once, bytes.data, bytes.n_bytes,
                                          s->window + s->end, s->capacity - s->end, &n_in, n_out);
        if (result == LIBDEFLATE_INSUFFICIENT_SPACE && state->guess_bytes < AT_ONCE_LIMIT_BYTES) {
            state->guess_bytes *= 4;
            continue;
        }
        state->guess_bytes = AT_ONCE_BYTES;
        if (result != LIBDEFLATE_SUCCESS) return OK;
        s->source.first += n_in;
        s->end += *n_out;
        *done = true;
        return OK;
    }
}

static enum err member_begin(struct unpack *s)
{
    struct state *state = s->state;
    s->member_offset = unpack_source_offset(&s->source);
    s->member_began = true;
    TRY(unpack_source_want(&s->source, AHEAD_BYTES));
    size_t n_out = 0;
    bool done;
    TRY(member_at_once(s, &n_out, &done));
    if (!done && s->source.end - s->source.first < UNPACK_SOURCE_LIMIT &&
        s->source.n_read < s->source.file_bytes) {
        TRY(unpack_source_want(&s->source, UNPACK_SOURCE_LIMIT));
        TRY(member_at_once(s, &n_out, &done));
    }
    if (done) return OK;
    s->in_member = s->streamed = true;
    inflateReset(&state->zlib);
    return OK;
}

// One step of zlib over what is in the buffer.
static enum err inflate_step(struct unpack *s)
{
    struct state *state = s->state;
    TRY(unpack_source_want(&s->source, 1));
    TRY(unpack_reserve(s, UNPACK_STEP_BYTES));
    const struct span bytes = unpack_source_bytes(&s->source);
    if (bytes.n_bytes == 0) return damaged(s, "the file ends within it");
    z_stream *zlib = &state->zlib;
    zlib->next_in = s->source.buffer + s->source.first;
    zlib->avail_in = (uInt)bytes.n_bytes;
    zlib->next_out = s->window + s->end;
    zlib->avail_out = UNPACK_STEP_BYTES;
    const int result = inflate(zlib, Z_NO_FLUSH);
    s->source.first = s->source.end - zlib->avail_in;
    s->end += UNPACK_STEP_BYTES - zlib->avail_out;
    if (result == Z_OK || result == Z_BUF_ERROR) return OK;
    if (result != Z_STREAM_END) return damaged(s, zlib->msg ? zlib->msg : "not gzip");
    s->in_member = false;
    return OK;
}

// Zeros behind the last member are padding, as gzip itself takes them.
static enum err skip_padding(struct unpack *s)
{
    for (;;) {
        TRY(unpack_source_want(&s->source, 1));
        const struct span bytes = unpack_source_bytes(&s->source);
        size_t n = 0;
        while (n < bytes.n_bytes && bytes.data[n] == 0)
            n++;
        s->source.first += n;
        if (n < bytes.n_bytes || n == 0) return OK;
    }
}

static enum err gzip_fill(struct unpack *s)
{
    const size_t end = s->end - s->first;
    while (s->end - s->first == end) {
        if (!s->in_member) {
            TRY(skip_padding(s));
            if (s->source.first == s->source.end) return OK;
            TRY(member_begin(s));
        }
        if (s->in_member) TRY(inflate_step(s));
    }
    return OK;
}

static bool gzip_plausible(struct unpack *s, struct span bytes)
{
    enum { FLAGS = 3, RESERVED = 0xe0, HEADER_BYTES = 10 };
    if (bytes.n_bytes < HEADER_BYTES || bytes.data[FLAGS] & RESERVED) return false;
    struct state *state = s->state;
    uint8_t out[PROBE_BYTES];
    inflateReset(&state->zlib);
    state->zlib.next_in = s->source.buffer + s->source.first;
    state->zlib.avail_in = (uInt)bytes.n_bytes;
    state->zlib.next_out = out;
    state->zlib.avail_out = sizeof out;
    const int result = inflate(&state->zlib, Z_NO_FLUSH);
    return result == Z_STREAM_END || (result == Z_OK && state->zlib.avail_out < sizeof out);
}

const struct unpack_codec unpack_gzip = {.name = "gzip",
                                         .magic = {0x1f, 0x8b, 8},
                                         .n_magic = 3,
                                         .largest_ratio = 1032,
                                         .open = gzip_open,
                                         .fill = gzip_fill,
                                         .plausible = gzip_plausible,
                                         .close = gzip_close};
