#pragma once
// A list of words and phrases, one a line of a file, that a text is searched for in lower case:
// between characters that are of no word, or anywhere for Japanese, Thai and Chinese.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/filter/filter_character.h"

struct filter_badwords;

/// Reads the list into a. Errors: ERR_IO, ERR_DATA (above 1 MiB, or nothing in it).
enum err filter_badwords_open(const char *path, struct arena *a,
                              struct filter_badwords **out) MUST_CHECK;

struct filter_badwords_scratch {
    uint8_t *lower;
    size_t capacity;
};

/// How often they stand in text, well-formed UTF-8. language is a label, NULL = unknown. Errors:
/// ERR_MEMORY.
enum err filter_badwords_count(const struct filter_badwords *b, struct filter_badwords_scratch *s,
                               const struct filter_characters *t, struct span text,
                               const char *language, uint64_t *out) MUST_CHECK;
