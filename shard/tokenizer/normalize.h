#pragma once
// What a tokenizer does to text before it cuts it: Unicode normal forms, and a space before the
// text.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum normalize_form {
    NORMALIZE_NONE,
    NORMALIZE_NFC,
    NORMALIZE_NFD,
    NORMALIZE_NFKC,
    NORMALIZE_NFKD,
    NORMALIZE_N_FORMS
};

enum normalize_prefix {
    NORMALIZE_NO_PREFIX,
    NORMALIZE_PREFIX,         // a space before every text that is not empty
    NORMALIZE_PREFIX_MISSING, // only where there is none
};

struct normalize_buffer {
    uint8_t *bytes;
    size_t n_bytes, capacity;
};

/// "NFC" for NORMALIZE_NFC; "none". Can't fail.
const char *normalize_name(enum normalize_form form);
/// *out = text in that form, with U+2581 as spaces when `metaspace`; text itself when nothing
/// changes, else in b. Bytes that are not UTF-8 stay. Runs of more than 2 KiB of marks are
/// normalised in pieces (so that they take no quadratic time). Errors: ERR_MEMORY; ERR_DATA above
/// 2^30 bytes.
enum err normalize_text(enum normalize_form form, enum normalize_prefix prefix, bool metaspace,
                        struct span text, struct normalize_buffer *b, struct span *out) MUST_CHECK;
/// Frees what b grew to. Can't fail.
void normalize_buffer_free(struct normalize_buffer *b);
