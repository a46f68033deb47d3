#pragma once
// The manifest of a checkpoint: what makes a folder a checkpoint. JSON text, then one last line
// "crc32c XXXXXXXX" over all before it.

#include "base/span.h"
#include "trainer/checkpoint/checkpoint.h"

enum { MANIFEST_LIMIT_BYTES = 256 << 20 };

struct manifest_part {
    const char *name; // within the folder
    uint64_t id, n_bytes;
};

struct manifest {
    struct checkpoint_state state;
    struct checkpoint_model model;
    const struct manifest_part *parts;
    uint64_t n_parts;
};

/// Writes folder/manifest by atomic replace: the commit. *committed, written in any case: the new
/// manifest is in place, even if what came after failed. Errors: ERR_IO; ERR_DATA (texts that are
/// not UTF-8).
enum err manifest_write(const char *folder, const struct manifest *m, bool *committed) MUST_CHECK;
/// Everything in a. Errors: ERR_IO (no checkpoint there), ERR_CORRUPT (checksum), ERR_DATA (what is
/// wrong in it).
enum err manifest_read(const char *folder, struct arena *a, struct manifest *out) MUST_CHECK;
/// The same of bytes; path is for messages. Local.
enum err manifest_decode(struct span text, const char *path, struct arena *a,
                         struct manifest *out) MUST_CHECK;
