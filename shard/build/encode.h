#pragma once
// From the pieces of a row to tokens: text is tokenized, tokens and bins are taken as they are,
// images keep their place. Thread-safe with a scratch and an arena a thread.

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "shard/build/part_row.h"
#include "shard/tokenizer/tokenizer.h"

struct encoder {
    const struct tokenizer *tokenizer; // NULL: a token a byte
    uint32_t vocabulary, end_of_text;
    uint32_t first_bin, n_bins; // ids of bins of numbers; n_bins 0 = there are none
    struct hash128 hash;        // of the tokenizer; 0 0 = none
};

enum { ENCODER_BYTE_VOCABULARY = 257 };

struct encode_scratch {
    struct tokenizer_scratch *tokenizer; // NULL without one
};

/// Opens path's tokenizer (NULL: a token a byte), in a. Errors: ERR_IO, ERR_DATA (no end of text).
enum err encoder_open(struct encoder *e, const char *path, uint32_t n_bins,
                      struct arena *a) MUST_CHECK;

/// Turns row's pieces into tokens, loss runs and images. tokens is kept by the caller and owns the
/// ids; the rest lives in a. Errors: ERR_DATA (an id outside the vocabulary, a damaged image),
/// ERR_MEMORY.
enum err encode_row(const struct encoder *e, struct encode_scratch *s, struct part_row *row,
                    struct tokenizer_tokens *tokens, struct arena *a) MUST_CHECK;
