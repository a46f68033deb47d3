// zstd, frames one after another (skippable ones too). A frame that is whole in the buffer and
// small is decompressed at once, so that its checksum is compared before anything is handed out. A
// frame's window is at most 128 MiB.

#include <zstd.h>

#include "base/size.h"
#include "shard/read/unpack_source.h"

enum { WINDOW_LOG_LIMIT = 27, AHEAD_BYTES = 256 << 10, AT_ONCE_LIMIT_BYTES = 16 << 20 };

static enum err zstd_open(struct unpack *s)
{
    s->state = ZSTD_createDStream();
    if (!s->state) return fail(ERR_MEMORY, "%s: unzstd", s->source.path);
    const size_t n = ZSTD_DCtx_setParameter(s->state, ZSTD_d_windowLogMax, WINDOW_LOG_LIMIT);
    ASSERT(!ZSTD_isError(n));
    return OK;
}

static void zstd_close(struct unpack *s)
{
    ZSTD_freeDStream(s->state);
}

static enum err damaged(const struct unpack *s, const char *what)
{
    return fail(ERR_DATA, "%s: damaged zstd frame at byte %llu: %s", s->source.path,
                (unsigned long long)s->member_offset, what);
}

static enum err zstd_step(struct unpack *s)
{
    TRY(unpack_reserve(s, UNPACK_STEP_BYTES));
    const struct span bytes = unpack_source_bytes(&s->source);
    ZSTD_inBuffer in = {bytes.data, bytes.n_bytes, 0};
    ZSTD_outBuffer out = {s->window + s->end, UNPACK_STEP_BYTES, 0};
    const size_t left = ZSTD_decompressStream(s->state, &out, &in);
    if (ZSTD_isError(left)) return damaged(s, ZSTD_getErrorName(left));
    if (in.pos == 0 && out.pos == 0 && s->source.n_read == s->source.file_bytes)
        return damaged(s, "the file ends within it");
    s->source.first += in.pos;
    s->end += out.pos;
    s->in_member = left != 0;
    return OK;
}

// Decompresses the frame that begins at the source, if all of it is in the buffer and its size is
// said and small; *done false leaves everything as it was.
static enum err frame_at_once(struct unpack *s, bool *done)
{
    const struct span bytes = unpack_source_bytes(&s->source);
    const unsigned long long n_content = ZSTD_getFrameContentSize(bytes.data, bytes.n_bytes);
    const size_t n_frame = ZSTD_findFrameCompressedSize(bytes.data, bytes.n_bytes);
    *done = !ZSTD_isError(n_frame) && n_content <= AT_ONCE_LIMIT_BYTES;
    if (!*done) return OK;
    TRY(unpack_reserve(s, (size_t)n_content));
    const size_t n = ZSTD_decompressDCtx(s->state, s->window + s->end, s->capacity - s->end,
                                         bytes.data, n_frame);
    if (ZSTD_isError(n)) return damaged(s, ZSTD_getErrorName(n));
    s->source.first += n_frame;
    s->end += n;
    return OK;
}

static enum err zstd_fill(struct unpack *s)
{
    const size_t n_before = s->end - s->first;
    while (s->end - s->first == n_before) {
        TRY(unpack_source_want(&s->source, 1));
        if (!s->in_member) {
            if (s->source.first == s->source.end) return OK;
            s->member_offset = unpack_source_offset(&s->source);
            s->member_began = true;
            bool done;
            TRY(unpack_source_want(&s->source, AHEAD_BYTES));
            TRY(frame_at_once(s, &done));
            if (done) continue;
            s->streamed = true;
        }
        TRY(zstd_step(s));
    }
    return OK;
}

static bool zstd_plausible(struct unpack *s, struct span bytes)
{
    const size_t n = ZSTD_DCtx_reset(s->state, ZSTD_reset_session_only);
    ASSERT(!ZSTD_isError(n));
    return ZSTD_getFrameContentSize(bytes.data, bytes.n_bytes) != ZSTD_CONTENTSIZE_ERROR;
}

// A skippable frame, as pzstd puts it before each of its frames.
static bool zstd_begins(struct span bytes)
{
    const uint8_t *b = bytes.data;
    return bytes.n_bytes >= 4 && b[0] >> 4 == 5 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18;
}

const struct unpack_codec unpack_zstd = {.name = "zstd",
                                         .magic = {0x28, 0xb5, 0x2f, 0xfd},
                                         .n_magic = 4,
                                         .begins = zstd_begins,
                                         .open = zstd_open,
                                         .fill = zstd_fill,
                                         .plausible = zstd_plausible,
                                         .close = zstd_close};
