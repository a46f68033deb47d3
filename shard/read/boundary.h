#pragma once
// Where a large file may be cut, so that several ranks read it: where reading from the file's begin
// begins a record too, and knows nothing of what stood before. A piece ends where the next one
// begins, so reading a piece (struct input_piece) needs to know nothing of the cut.
//
// Plain files whose records end at a separator (lines of JSONL, text that is split) have places of
// which a look tells that they are such. Compressed WARC, a gzip member or zstd frame a record, has
// places that look so: a member's head may stand within another's data, and whoever was crawled may
// have put it there. So a place is a guess until the piece before it was read and was clean: all
// its members whole and all its records sound up to that very byte. Then, if its begin is one of
// the file's members, so is its end; the first piece's is, and one piece vouches for the next.
//
// Other kinds are not cut. In plain WARC and tar a guess would have to be proved in the same way,
// but readers look a little behind a record to see whether its length lies, so a piece's last
// record would be judged by other bytes. Lines of compressed JSONL do not end where members do.

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/read/reader.h"

static const uint64_t BOUNDARY_NONE = UINT64_MAX;

/// How a file may be cut.
struct boundary_rule {
    const char *separator; // records end at it; NULL = they do not
    bool members;          // records begin with compressed members; places are guesses
};

/// What reading a piece told.
struct boundary_count {
    uint64_t n_numbers; // how far numbers of records go: lines, pieces of text not blank, records
    uint64_t n_bytes;   // decompressed
    bool clean;         // its end is a boundary, if its begin is one
};

/// The file's rule if it is packed, or plain; empty when it cannot be cut then. Borrowed from
/// options. Can't fail.
struct boundary_rule boundary_rule(const struct input_file *file,
                                   const struct reader_options *options, bool packed);
/// Whether the file is packed, as its first bytes tell. Errors: ERR_IO ERR_MEMORY.
enum err boundary_packed(const struct input_file *file, bool *out) MUST_CHECK;
/// The first place in [from, end) that may be a boundary, or BOUNDARY_NONE; from > 0. Of separators
/// that overlap ("\n\n\n" in a run of newlines) those are passed over of which it depends on
/// earlier ones whether they count. Errors: ERR_IO (shorter than end, too), ERR_MEMORY.
enum err boundary_find(const struct input_file *file, const struct boundary_rule *rule,
                       uint64_t from, uint64_t end, uint64_t *out) MUST_CHECK;
/// Reads a piece to see what is in it. Thread-safe. Errors: ERR_IO ERR_MEMORY.
enum err boundary_count(const struct input_file *piece, const struct reader_options *options,
                        struct boundary_count *out) MUST_CHECK;
