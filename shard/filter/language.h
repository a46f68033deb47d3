#pragma once
// Which language a text is in: CLD2, which is built in, or a fastText classifier such as lid.176
// (shard/filter/fasttext.h). Immutable once open and safe from several threads.

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

struct language;

enum { LANGUAGE_CODE_LIMIT = 24 };

struct language_label {
    char code[LANGUAGE_CODE_LIMIT]; // "en", "zh-Hant"; "un" = unknown
    // 0 to 1. fastText: the label's probability. CLD2: the share of the text's bytes in the
    // language, halved when CLD2 calls its answer unreliable.
    float score;
};

/// model NULL = CLD2, else the path of a fastText .bin or .ftz. Lives in a. Errors: those of
/// fasttext_open.
enum err language_open(const char *model, struct arena *a, struct language **out) MUST_CHECK;
/// The label of text; bytes that are not UTF-8 are read as spaces by CLD2. a is scratch.
/// Thread-safe with an arena a thread. Can't fail.
void language_detect(const struct language *l, struct span text, struct arena *a,
                     struct language_label *out);
