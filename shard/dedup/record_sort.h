#pragma once
// Sorts records of u64 words in place, without memory of its own.

#include <stddef.h>
#include <stdint.h>

/// Orders n_records records of n_words words by their first n_keys words, ascending. Not stable.
/// Can't fail.
void record_sort(uint64_t *words, size_t n_records, size_t n_words, size_t n_keys);
