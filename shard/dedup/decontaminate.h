#pragma once
// Decontamination: which n-grams of words of a document also stand in evaluation files. The index
// holds a hash of every n-gram of every item; documents are simplified (shard/dedup/simplify.h) and
// split into words in the same way.
//
//     TRY(decontaminate_open(&options, a, &index));          // read-only from here on
//     if (decontaminate_judge(index, words, n_words, &hit)) ...
//         TRY(decontaminate_note(report, number, hit));      // and drop the document
//     ...
//     TRY(decontaminate_write(report, e, folder));           // collective; rank 0 writes the report

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/dedup/duplicates.h"

/// Words of a simplified text as spans into it, in a.
typedef const struct span *(*decontaminate_split_fn)(struct span text, struct arena *a,
                                                     size_t *n_words);

struct decontaminate_options {
    char *const *paths; // .jsonl (every string of a line's object) or any other: plain text
    size_t n_paths;
    size_t n_gram_words;          // 0 = 13
    decontaminate_split_fn split; // NULL = at spaces
    size_t memory_bytes;          // limit of the index; 0 = 4 GiB
};

struct decontaminate_hit {
    uint32_t item;      // of the index
    struct range words; // of the document: the first n-gram that hit
};

struct decontaminate_index;
struct decontaminate_report;

/// Reads the evaluation files. The index lives in a and may be shared by threads. Local. Errors:
/// ERR_IO, ERR_DATA (not JSON: file and line), ERR_USAGE (no n-gram in any file; over
/// memory_bytes).
enum err decontaminate_open(const struct decontaminate_options *o, struct arena *a,
                            const struct decontaminate_index **out) MUST_CHECK;
/// Words of an n-gram; items, and those of them that are too short to be found. Can't fail.
size_t decontaminate_n_gram_words(const struct decontaminate_index *index);
size_t decontaminate_n_items(const struct decontaminate_index *index, size_t *n_too_short);
/// "file:line" of an item. Can't fail.
const char *decontaminate_item_name(const struct decontaminate_index *index, uint32_t item,
                                    struct arena *a);
/// True when a document has an n-gram of an evaluation item. Local. Can't fail.
bool decontaminate_judge(const struct decontaminate_index *index, struct span text,
                         const struct span *words, size_t n_words, struct decontaminate_hit *out);
