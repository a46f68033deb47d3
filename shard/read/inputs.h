#pragma once
// Which files a corpus consists of: operands of the command line, folders walked recursively in
// sorted order. What kind a file is its name says (shard/read/reader_kind.c), with .gz or .zst
// behind it where that kind may be compressed. Within folders the rest is counted, and links to
// folders are not followed. An operand of another name is told by its first bytes, or read as text.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum input_kind {
    INPUT_TEXT,
    INPUT_HTML,
    INPUT_JSONL,
    INPUT_JSON,
    INPUT_WARC,
    INPUT_IMAGE,
    INPUT_TAR,
    INPUT_CSV,
    INPUT_MEGATRON,
    INPUT_LLMC,
    INPUT_N
};

enum { INPUTS_DEPTH_LIMIT = 64 };

// The bytes [first_byte, end_byte) of a file that was cut (shard/read/boundary.h).
struct input_piece {
    uint64_t first_byte, end_byte; // end_byte 0: the file is whole
    bool packed;                   // it begins with a compressed member; false: it is plain
    uint64_t n_before;             // by how much numbers of records in the file are larger
    uint64_t n_bytes_before;       // decompressed, of what stands before it
};

struct input_file {
    const char *path;
    const char
        *source; // last word of its operand and the path below it: names no machine's folders
    enum input_kind kind;
    bool compressed;  // by its name: .gz or .zst
    uint64_t n_bytes; // on disk when it was listed, to divide work by
    struct input_piece piece;
};

struct inputs {
    struct input_file *files;
    size_t n_files;
    size_t n_skipped; // within folders, by their names
};

/// Lists the files behind the operands, in order, into a. Errors: ERR_IO (missing, unreadable),
/// ERR_DATA (compressed operand, folders too deep).
enum err inputs_list(char *const *operands, size_t n_operands, struct arena *a,
                     struct inputs *out) MUST_CHECK;
