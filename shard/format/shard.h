#pragma once
// A shard: one file of named typed columns, each cut in frames that are compressed and checksummed
// alone (frame.h, layout.h, docs/SHARD_FORMAT.md). Opening reads header, footer and directory; a
// read fetches, checks and decompresses only the frames that it needs. An open shard
// does not change, so several threads may read it. Messages name file, column, frame and offset.
//
//     TRY(shard_open(path, a, &s));
//     TRY(shard_column(s, "tokens", &column));
//     TRY(shard_read_u32(s, column, first, n, tokens));
//     shard_close(s);

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/format/layout.h"

struct shard;

/// Opens path; the shard lives in a. Errors: ERR_IO, ERR_DATA (not a shard), ERR_CORRUPT.
enum err shard_open(const char *path, struct arena *a, struct shard **out) MUST_CHECK;
/// As shard_open, of the bytes of a file in memory, which are borrowed; name is for messages.
enum err shard_open_memory(struct span bytes, const char *name, struct arena *a,
                           struct shard **out) MUST_CHECK;
/// Closes the file; s may be NULL. Can't fail.
void shard_close(struct shard *s);

/// What the file says about itself: id, columns, frames. Borrowed.
const struct layout *shard_layout(const struct shard *s);
const char *shard_name(const struct shard *s);
/// Index of the column of that name. Errors: ERR_DATA when there is none.
enum err shard_column(const struct shard *s, const char *name, uint32_t *column_idx) MUST_CHECK;

/// The n elements from first on of a u8, u16 or u32 column, widened. Errors: ERR_IO, ERR_CORRUPT,
/// ERR_DATA (outside the column, or another type).
enum err shard_read_u32(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                        uint32_t *out) MUST_CHECK;
/// As shard_read_u32, of a u8, u16, u32 or u64 column.
enum err shard_read_u64(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                        uint64_t *out) MUST_CHECK;
/// The n numbers from first on of any column but blobs, as f64 (64-bit integers are rounded).
enum err shard_read_f64(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                        double *out) MUST_CHECK;
/// The n byte strings from first on of a blob column; their bytes live in a.
enum err shard_read_blobs(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                          struct arena *a, struct span *out) MUST_CHECK;

/// Reads every byte: all checksums, all frames decompressed, and the file id against the content.
/// Columns of unknown type or codec get their checksums checked only, and the id is not checked
/// then. Errors: as reads.
enum err shard_verify(const struct shard *s) MUST_CHECK;
