#pragma once
// Evaluation files as pieces of text: the items of a file, and what is searched for of each.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct decontaminate_item {
    uint32_t path; // of the options
    uint32_t line; // from 1
};

typedef enum err (*decontaminate_item_fn)(void *context, struct decontaminate_item item);
/// A string of the item given last.
typedef enum err (*decontaminate_string_fn)(void *context, struct span text);
/// An answer of the item given last, with its question before it.
typedef enum err (*decontaminate_answer_fn)(void *context, struct span question,
                                            struct span answer);

struct decontaminate_visitor {
    void *context;
    decontaminate_item_fn item;
    decontaminate_string_fn string;
    decontaminate_answer_fn answer;
};

/// Hands the items of text on in order: lines of JSON, or paragraphs. path is for error lines.
/// Local. Errors: ERR_DATA (no JSON), the visitor's.
enum err decontaminate_parse(struct span text, bool jsonl, const char *path, uint32_t path_idx,
                             const struct decontaminate_visitor *v) MUST_CHECK;
/// Reads one file and hands its items on. Local. Errors: ERR_IO, ERR_DATA (no JSON, file
/// too large), the visitor's.
enum err decontaminate_read(const char *path, uint32_t path_idx,
                            const struct decontaminate_visitor *v) MUST_CHECK;
