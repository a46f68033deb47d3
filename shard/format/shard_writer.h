#pragma once
// Writes one shard. Columns are declared, elements appended, and finish puts the whole file in
// place at once: temporary name, fsync, rename, fsync of the folder. Compressed frames are held in
// memory until then, because the file's id, which seeds every checksum, comes from all the content.
// The bytes written do not depend on the number of threads.
//
//     TRY(shard_writer_open(a, pool, &w));
//     tokens = shard_writer_column(w, "tokens", COLUMN_U16, FRAME_ZSTD);
//     TRY(shard_writer_add_u32(w, tokens, ids, n));
//     TRY(shard_writer_finish(w, path, &layout));
//     shard_writer_close(w);

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/span.h"
#include "shard/format/layout.h"

struct shard_writer;

enum { SHARD_WRITER_BLOB_LIMIT = 64 << 20 };

/// The writer and everything it holds live in a; pool (borrowed) compresses frames. Can't fail.
struct shard_writer *shard_writer_open(struct arena *a, struct pool *pool);
/// Frees compression state. Can't fail.
void shard_writer_close(struct shard_writer *w);

/// Adds a column and returns its index; name is valid and new, elements of other columns may have
/// been appended. Can't fail.
uint32_t shard_writer_column(struct shard_writer *w, const char *name, enum column_type type,
                             enum frame_codec codec);
/// Appends n values, which fit, to a column of u8, u16 or u32. Errors: ERR_MEMORY.
enum err shard_writer_add_u32(struct shard_writer *w, uint32_t column_idx, const uint32_t *values,
                              size_t n) MUST_CHECK;
/// Appends n values, which fit, to a column of u8 to u64, or bit patterns to i64 or f64.
enum err shard_writer_add_u64(struct shard_writer *w, uint32_t column_idx, const uint64_t *values,
                              size_t n) MUST_CHECK;
/// Appends n f32 values. Errors: ERR_MEMORY.
enum err shard_writer_add_f32(struct shard_writer *w, uint32_t column_idx, const float *values,
                              size_t n) MUST_CHECK;
/// Appends one byte string. Errors: ERR_MEMORY, ERR_DATA (longer than SHARD_WRITER_BLOB_LIMIT).
enum err shard_writer_add_blob(struct shard_writer *w, uint32_t column_idx,
                               struct span bytes) MUST_CHECK;
/// Ends the column's frame here, so that the next element begins a new one. Errors: ERR_MEMORY.
enum err shard_writer_cut(struct shard_writer *w, uint32_t column_idx) MUST_CHECK;

/// Writes path, which appears whole or not at all, and gives its layout (in the writer's arena).
/// Errors: ERR_IO (nothing is left behind), ERR_MEMORY.
enum err shard_writer_finish(struct shard_writer *w, const char *path,
                             struct layout *out) MUST_CHECK;
