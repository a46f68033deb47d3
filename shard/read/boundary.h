#pragma once
// Where a large file may be cut, so that several ranks read it: in front of a record that certainly
// begins there whatever stands before it. That is known of plain files whose records end at a
// separator (lines of JSONL, text that is split). A piece ends where the next one begins, so
// reading a piece (struct input_piece) needs to know nothing of the cut.
//
// Compressed files, WARC and tar are not cut: whether a record begins at a place depends on all
// that stands before it. A gzip header can stand within compressed data, and a record within
// another's block, as whoever was crawled likes, so only reading from the file's begin is certain.

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/read/reader.h"

static const uint64_t BOUNDARY_NONE = UINT64_MAX;

/// What ends the file's records, or NULL when it cannot be cut; borrowed from options. Reads the
/// file's first bytes. Errors: ERR_IO ERR_MEMORY.
enum err boundary_separator(const struct input_file *file, const struct reader_options *options,
                            const char **out) MUST_CHECK;
/// The first byte in [from, end) where a record certainly begins, or BOUNDARY_NONE; from > 0. Of
/// separators that overlap ("\n\n\n" in a run of newlines) those are passed over of which it
/// depends on earlier ones whether they count. Errors: ERR_IO (shorter than end, too), ERR_MEMORY.
enum err boundary_find(const struct input_file *file, const char *separator, uint64_t from,
                       uint64_t end, uint64_t *out) MUST_CHECK;
/// How far numbers of records go on in a piece: its lines, or its pieces of text that are not
/// blank. Thread-safe. Errors: ERR_IO ERR_MEMORY.
enum err boundary_count(const struct input_file *piece, const struct reader_options *options,
                        uint64_t *out) MUST_CHECK;
