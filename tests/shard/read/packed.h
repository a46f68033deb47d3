#pragma once
// Compressed bytes for tests of readers.

#include <brotli/encode.h>
#include <libdeflate.h>
#include <zstd.h>

#include "base/text.h"
#include "tests/check.h"

static inline void packed_libdeflate(struct text *t, const char *data, size_t n, bool gzip)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    const size_t limit = libdeflate_gzip_compress_bound(c, n);
    char *to = arena_alloc(t->arena, limit, 1);
    text_put(t, to,
             gzip ? libdeflate_gzip_compress(c, data, n, to, limit)
                  : libdeflate_deflate_compress(c, data, n, to, limit));
    libdeflate_free_compressor(c);
}

/// Appends a gzip member of data.
static inline void packed_gzip(struct text *t, const char *data, size_t n)
{
    packed_libdeflate(t, data, n, true);
}

/// Appends a stream of deflate without a head.
static inline void packed_deflate(struct text *t, const char *data, size_t n)
{
    packed_libdeflate(t, data, n, false);
}

/// Appends a brotli stream.
static inline void packed_brotli(struct text *t, const char *data, size_t n)
{
    size_t n_stream = BrotliEncoderMaxCompressedSize(n);
    char *stream = arena_alloc(t->arena, n_stream, 1);
    CHECK(BrotliEncoderCompress(5, BROTLI_MAX_WINDOW_BITS, BROTLI_MODE_TEXT, n,
                                (const uint8_t *)data, &n_stream, (uint8_t *)stream));
    text_put(t, stream, n_stream);
}

/// Appends a zstd frame of data, with its checksum.
static inline void packed_zstd(struct text *t, const char *data, size_t n)
{
    const size_t limit = ZSTD_compressBound(n);
    char *frame = arena_alloc(t->arena, limit, 1);
    ZSTD_CCtx *c = ZSTD_createCCtx();
    CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1)));
    const size_t n_frame = ZSTD_compress2(c, frame, limit, data, n);
    CHECK(!ZSTD_isError(n_frame));
    text_put(t, frame, n_frame);
    ZSTD_freeCCtx(c);
}
