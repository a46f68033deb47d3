#pragma once
// Packs HTML files into WARC files, a response record a page, a gzip member a record, in the order
// of the inputs. The bytes depend on pages and options alone: dates are the epoch, ids are hashes
// of name and page.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct warc_pack_options {
    const char *out;     // a file name ending in .warc.gz
    uint64_t file_bytes; // a file ends with the record that reaches this; 0 = one file, named out
    char *const *inputs; // else NAME-00000.warc.gz, NAME-00001.warc.gz, ...
    size_t n_inputs;
};

struct warc_pack_result {
    uint64_t n_pages, page_bytes;
    uint64_t n_files, file_bytes;
    uint64_t n_skipped; // of other kinds, or longer than pages may be
};

/// Files appear under their names when they are complete. Errors: ERR_IO, ERR_DATA (no page),
/// ERR_USAGE (a file exists, or out ends otherwise).
enum err warc_pack(const struct warc_pack_options *options,
                   struct warc_pack_result *out) MUST_CHECK;
