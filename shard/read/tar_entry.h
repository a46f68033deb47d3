#pragma once
// The entries of a tar archive, read from bytes in memory: ustar, pax and GNU's long names and
// sizes. Names are only names: nothing is ever written or opened by them.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

enum { TAR_ENTRY_BLOCK = 512, TAR_ENTRY_EXTENSION_LIMIT = 1 << 20 };

enum tar_entry_kind {
    TAR_ENTRY_FILE,
    TAR_ENTRY_OTHER,  // folder, link, device: has no content of its own
    TAR_ENTRY_SPARSE, // a file whose content is not what it would be unpacked
    TAR_ENTRY_END     // a block of zeros
};

enum tar_entry_result {
    TAR_ENTRY_OK,
    TAR_ENTRY_SHORT, // more bytes are needed to tell: n_bytes of them from the entry's begin
    TAR_ENTRY_BAD    // not the head of an entry
};

struct tar_entry {
    enum tar_entry_kind kind;
    struct span name; // borrows the bytes; a long one too; a split one is in a
    uint64_t n_head;  // bytes before the content
    uint64_t n_content;
    uint64_t n_bytes; // head and content, padded to blocks; may overstate what is there
};

/// The entry that bytes begin with, its extended headers included. Can't fail but by its result.
enum tar_entry_result tar_entry_parse(struct span bytes, struct arena *a, struct tar_entry *out);
