#include "shard/format/frame.h"

#include <lz4.h>
#include <string.h>
#include <zstd.h>

#include "base/little.h"

enum { SEED_BYTES = 36 };

const char *frame_codec_name(uint8_t code)
{
    switch (code) {
#define X(name, value, text) \
    case value:              \
        return text;
        FRAME_CODEC_TABLE(X)
#undef X
    }
    return "unknown";
}

uint32_t frame_crc(const struct frame_place *place, const struct frame *f, const void *stored)
{
    uint8_t seed[SEED_BYTES];
    little_put_u64(seed, place->file_id.lo);
    little_put_u64(seed + 8, place->file_id.hi);
    little_put_u32(seed + 16, place->column_idx);
    little_put_u32(seed + 20, place->frame_idx);
    little_put_u32(seed + 24, f->stored_bytes);
    little_put_u32(seed + 28, f->raw_bytes);
    little_put_u32(seed + 32, f->n_elems);
    return hash_crc32c(hash_crc32c(0, seed, sizeof seed), stored, f->stored_bytes);
}

void frame_context_init(struct frame_context *c)
{
    *c = (struct frame_context){0};
}

void frame_context_fini(struct frame_context *c)
{
    ZSTD_freeCCtx(c->compress);
    ZSTD_freeDCtx(c->decompress);
    *c = (struct frame_context){0};
}

// n_stored 0 = did not fit in fewer bytes than raw.
static enum err compress_zstd(struct frame_context *c, struct span raw, uint8_t *stored,
                              uint32_t *n_stored)
{
    if (!c->compress) c->compress = ZSTD_createCCtx();
    if (!c->compress) return fail(ERR_MEMORY, "out of memory for a zstd context");
    const size_t n = ZSTD_compressCCtx(c->compress, stored, raw.n_bytes - 1, raw.data, raw.n_bytes,
                                       FRAME_ZSTD_LEVEL);
    *n_stored = ZSTD_isError(n) ? 0 : (uint32_t)n;
    return OK;
}

static uint32_t compress_lz4(struct span raw, uint8_t *stored)
{
    const int n = LZ4_compress_default((const char *)raw.data, (char *)stored, (int)raw.n_bytes,
                                       (int)raw.n_bytes - 1);
    return n > 0 ? (uint32_t)n : 0;
}

enum err frame_compress(struct frame_context *c, enum frame_codec codec, struct span raw,
                        uint8_t *stored, uint32_t *n_stored)
{
    ASSERT(raw.n_bytes <= FRAME_RAW_LIMIT);
    uint32_t n = 0;
    if (raw.n_bytes > 1) {
        switch (codec) {
        case FRAME_NONE:
            break;
        case FRAME_ZSTD:
            TRY(compress_zstd(c, raw, stored, &n));
            break;
        case FRAME_LZ4:
            n = compress_lz4(raw, stored);
            break;
        }
    }
    if (n == 0) {
        if (raw.n_bytes) memcpy(stored, raw.data, raw.n_bytes);
        n = (uint32_t)raw.n_bytes;
    }
    *n_stored = n;
    return OK;
}

static enum err decompress_zstd(struct frame_context *c, struct span stored, uint8_t *raw,
                                uint32_t n_raw)
{
    if (!c->decompress) c->decompress = ZSTD_createDCtx();
    if (!c->decompress) return fail(ERR_MEMORY, "out of memory for a zstd context");
    const size_t n = ZSTD_decompressDCtx(c->decompress, raw, n_raw, stored.data, stored.n_bytes);
    if (ZSTD_isError(n)) return fail(ERR_CORRUPT, "zstd: %s", ZSTD_getErrorName(n));
    if (n != n_raw) return fail(ERR_CORRUPT, "zstd gave %zu bytes, expected %u", n, n_raw);
    return OK;
}

static enum err decompress_lz4(struct span stored, uint8_t *raw, uint32_t n_raw)
{
    const int n = LZ4_decompress_safe((const char *)stored.data, (char *)raw, (int)stored.n_bytes,
                                      (int)n_raw);
    if (n < 0) return fail(ERR_CORRUPT, "lz4: malformed block");
    if ((uint32_t)n != n_raw) return fail(ERR_CORRUPT, "lz4 gave %d bytes, expected %u", n, n_raw);
    return OK;
}

enum err frame_decompress(struct frame_context *c, uint8_t codec, struct span stored, uint8_t *raw,
                          uint32_t n_raw)
{
    ASSERT(n_raw <= FRAME_RAW_LIMIT && stored.n_bytes <= n_raw);
    if (stored.n_bytes == n_raw) {
        if (n_raw) memcpy(raw, stored.data, n_raw);
        return OK;
    }
    if (codec == FRAME_ZSTD) return decompress_zstd(c, stored, raw, n_raw);
    if (codec == FRAME_LZ4) return decompress_lz4(stored, raw, n_raw);
    return fail(ERR_CORRUPT, "codec %u cannot have shrunk %u bytes", codec, n_raw);
}
