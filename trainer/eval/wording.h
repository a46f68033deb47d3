#pragma once
// Between text and token ids, as the data of a run has it: by its tokenizer, or bytes.

#include "base/arena.h"
#include "base/span.h"
#include "shard/tokenizer/tokenizer.h"
#include "trainer/config.h"

struct wording {
    bool bytes;                  // tokens are bytes: the dataset was built without a tokenizer
    struct tokenizer *tokenizer; // else; NULL: there is no text (data.kind random)
    const char *tokenizer_file;  // NULL without one
    uint32_t end_of_text;        // UINT32_MAX = none
};

/// From the first source of the run's data that is there. In a. Local. Errors: of dataset_open,
/// tokenizer_open.
enum err wording_open(struct wording *w, const struct config *c, struct arena *a) MUST_CHECK;
/// Ids of text, in a. Errors: ERR_DATA when the run has no text.
enum err wording_encode(const struct wording *w, struct span text, struct arena *a, uint32_t **ids,
                        size_t *n_ids) MUST_CHECK;
/// Bytes of id; none for end of text or without text. Borrowed until the next call (thread-local
/// for bytes). Can't fail.
struct span wording_bytes(const struct wording *w, uint32_t id);
