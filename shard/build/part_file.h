#pragma once
// A part file: rows on disk between two stations of a build. It is a shard (docs/SHARD_FORMAT.md)
// with columns of its own, compressed for speed. Rows lie in groups that share no frame, so a group
// is read with one decompression of each of its frames, and only a group is in memory at a time.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"
#include "shard/build/part_row.h"
#include "shard/format/column.h"

struct part_writer;
struct part_writer_options {
    size_t n_scores;        // of every row
    enum column_type token; // COLUMN_U16 or COLUMN_U32
};

/// A writer whose memory is its own. Borrows pool. Can't fail.
struct part_writer *part_writer_open(const struct part_writer_options *o, struct arena *a,
                                     struct pool *pool);
/// Appends a row. Errors: ERR_MEMORY, ERR_DATA (a piece is too long).
enum err part_writer_add(struct part_writer *w, const struct part_row *row) MUST_CHECK;
/// Ends the group, if it has rows. Errors: ERR_MEMORY.
enum err part_writer_end_group(struct part_writer *w) MUST_CHECK;
/// Writes path, whole or not at all. Errors: ERR_IO, ERR_MEMORY.
enum err part_writer_finish(struct part_writer *w, const char *path) MUST_CHECK;
/// Frees everything; w may be NULL. Can't fail.
void part_writer_close(struct part_writer *w);

struct part_reader;
struct part_group {
    struct part_row *rows;
    size_t n_rows;
};
/// What is known of rows without reading their content.
struct part_sizes {
    uint32_t *n_tokens;    // of each row
    uint64_t *image_bytes; // of each row
    size_t n_rows;
};

/// Opens a part file whose rows have n_scores scores, in a. Errors: ERR_IO, ERR_CORRUPT, ERR_DATA.
enum err part_reader_open(const char *path, size_t n_scores, struct arena *a,
                          struct part_reader **out) MUST_CHECK;
/// r may be NULL. Can't fail.
void part_reader_close(struct part_reader *r);
/// Can't fail.
size_t part_reader_n_groups(const struct part_reader *r);
/// Can't fail.
uint64_t part_reader_n_rows(const struct part_reader *r);
/// Rows of the groups before that group. Can't fail.
uint64_t part_reader_first_row(const struct part_reader *r, size_t group);
/// The rows of a group, in a. Errors: ERR_IO, ERR_CORRUPT, ERR_DATA.
enum err part_reader_group(const struct part_reader *r, size_t group, struct arena *a,
                           struct part_group *out) MUST_CHECK;
/// The sizes of the rows of a group, in a. Errors: as part_reader_group.
enum err part_reader_sizes(const struct part_reader *r, size_t group, struct arena *a,
                           struct part_sizes *out) MUST_CHECK;
