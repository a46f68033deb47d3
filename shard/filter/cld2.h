#pragma once
// The door to CLD2, a C++ library: names the language of UTF-8 text.

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cld2_answer {
    const char *code; // ISO 639-1 where there is one; "un" = unknown; static
    int percent;      // of the text's bytes
    bool reliable;
    size_t n_valid; // bytes up to the first that is not UTF-8
};

/// n_bytes <= INT_MAX. Thread-safe. Can't fail.
struct cld2_answer cld2_detect(const char *text, size_t n_bytes);

#ifdef __cplusplus
}
#endif
