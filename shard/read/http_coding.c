// Each coding goes on where it stopped, with as much room as there is; room grows by four up to one
// byte more than the limit, so a bomb costs the limit and no more.

#define ZLIB_CONST
#include "shard/read/http_coding.h"

#include <brotli/decode.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/size.h"

enum { FIRST_BYTES = 16 << 10, ZSTD_WINDOW_LOG = 23 /* of HTTP, RFC 9659 */ };

enum step { STEP_FULL, STEP_CUT, STEP_ENDED, STEP_DAMAGED };

struct stream {
    const struct row *row;
    struct span rest; // of the body
    z_stream zlib;
    BrotliDecoderState *brotli;
    ZSTD_DStream *zstd;
    const char *damage;
};

struct row {
    bool (*open)(struct stream *s); // false: no memory
    // Unpacks into room bytes at out; *n of them are written.
    enum step (*step)(struct stream *s, uint8_t *out, size_t room, size_t *n);
    void (*close)(struct stream *s);
    int window_bits; // of zlib
};

static bool zlib_open(struct stream *s)
{
    return inflateInit2(&s->zlib, s->row->window_bits) == Z_OK;
}

static enum step zlib_step(struct stream *s, uint8_t *out, size_t room, size_t *n)
{
    s->zlib.next_in = s->rest.data;
    s->zlib.avail_in = (uInt)s->rest.n_bytes;
    s->zlib.next_out = out;
    s->zlib.avail_out = (uInt)room;
    const int result = inflate(&s->zlib, Z_NO_FLUSH);
    s->rest = (struct span){s->zlib.next_in, s->zlib.avail_in};
    *n = room - s->zlib.avail_out;
    if (result == Z_STREAM_END) return STEP_ENDED;
    if ((result == Z_OK || result == Z_BUF_ERROR) && s->zlib.avail_out == 0) return STEP_FULL;
    if ((result == Z_OK || result == Z_BUF_ERROR) && s->rest.n_bytes == 0) return STEP_CUT;
    s->damage = s->zlib.msg ? s->zlib.msg : "ends";
    return STEP_DAMAGED;
}

static void zlib_close(struct stream *s)
{
    inflateEnd(&s->zlib);
}

static bool brotli_open(struct stream *s)
{
    s->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    return s->brotli;
}

static enum step brotli_step(struct stream *s, uint8_t *out, size_t room, size_t *n)
{
    size_t left = room;
    const BrotliDecoderResult result = BrotliDecoderDecompressStream(
        s->brotli, &s->rest.n_bytes, &s->rest.data, &left, &out, NULL);
    *n = room - left;
    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        return STEP_ENDED;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return STEP_CUT;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        return STEP_FULL;
    case BROTLI_DECODER_RESULT_ERROR:
        break;
    }
    s->damage = BrotliDecoderErrorString(BrotliDecoderGetErrorCode(s->brotli));
    return STEP_DAMAGED;
}

static void brotli_close(struct stream *s)
{
    BrotliDecoderDestroyInstance(s->brotli);
}

static bool zstd_open(struct stream *s)
{
    s->zstd = ZSTD_createDStream();
    return s->zstd &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
}

// Frame after frame.
static enum step zstd_step(struct stream *s, uint8_t *out, size_t room, size_t *n)
{
    ZSTD_inBuffer from = {s->rest.data, s->rest.n_bytes, 0};
    ZSTD_outBuffer to = {out, room, 0};
    size_t left = 0;
    do
        left = ZSTD_decompressStream(s->zstd, &to, &from);
    while (!ZSTD_isError(left) && from.pos < from.size && to.pos < to.size);
    s->rest = (struct span){s->rest.data + from.pos, s->rest.n_bytes - from.pos};
    *n = to.pos;
    if (ZSTD_isError(left)) {
        s->damage = ZSTD_getErrorName(left);
        return STEP_DAMAGED;
    }
    if (to.pos == to.size && (left || s->rest.n_bytes)) return STEP_FULL;
    return left ? STEP_CUT : STEP_ENDED;
}

static void zstd_close(struct stream *s)
{
    ZSTD_freeDStream(s->zstd);
}

static const struct row ROWS[HTTP_CODINGS] = {
    [HTTP_GZIP] = {zlib_open, zlib_step, zlib_close, 16 + MAX_WBITS},
    [HTTP_ZLIB] = {zlib_open, zlib_step, zlib_close, MAX_WBITS},
    [HTTP_DEFLATE] = {zlib_open, zlib_step, zlib_close, -MAX_WBITS},
    [HTTP_BROTLI] = {brotli_open, brotli_step, brotli_close, 0},
    [HTTP_ZSTD] = {zstd_open, zstd_step, zstd_close, 0}};

static enum err undo(struct stream *s, size_t limit_bytes, struct arena *a, struct span *out,
                     bool *whole)
{
    size_t capacity = size_min(size_max(FIRST_BYTES, 4 * s->rest.n_bytes), limit_bytes + 1), n = 0;
    uint8_t *data = arena_alloc(a, capacity, 1);
    for (;;) {
        size_t n_new;
        const enum step step = s->row->step(s, data + n, capacity - n, &n_new);
        n += n_new;
        if (n > limit_bytes)
            return fail(ERR_DATA, "a body of more than %zu bytes when unpacked", limit_bytes);
        if (step == STEP_DAMAGED) return fail(ERR_DATA, "a damaged compressed body: %s", s->damage);
        *whole = step == STEP_ENDED && s->rest.n_bytes == 0;
        *out = (struct span){data, n};
        if (step != STEP_FULL) return OK;
        capacity = size_min(4 * capacity, limit_bytes + 1);
        uint8_t *grown = arena_alloc(a, capacity, 1);
        memcpy(grown, data, n);
        data = grown;
    }
}

enum err http_coding_undo(enum http_coding coding, struct span body, size_t limit_bytes,
                          struct arena *a, struct span *out, bool *whole)
{
    struct stream s = {.row = &ROWS[coding], .rest = body};
    enum err e = s.row->open(&s) ? OK : fail(ERR_MEMORY, "unpack a body");
    if (e == OK) e = undo(&s, limit_bytes, a, out, whole);
    s.row->close(&s);
    return e;
}
