#pragma once
// Reads fastText's supervised models (.bin, and .ftz with product quantisation) and predicts as
// fastText does: words, character n-grams by FNV-1a buckets, mean of rows, softmax or hierarchical
// softmax. For language identification (lid.176) and for quality classifiers. Immutable once open
// and safe from several threads.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

struct fasttext;

/// Errors: ERR_IO, ERR_DATA naming what is wrong in the file (no fastText model, absurd sizes, cut
/// short, a kind that does not classify).
enum err fasttext_open(const char *path, struct arena *a, struct fasttext **out) MUST_CHECK;
/// As fasttext_open, of a file in memory; name is for messages.
enum err fasttext_open_memory(struct span bytes, const char *name, struct arena *a,
                              struct fasttext **out) MUST_CHECK;

/// How many labels it knows. Can't fail.
uint32_t fasttext_n_labels(const struct fasttext *f);
/// "en" for "__label__en". Borrowed. Can't fail.
const char *fasttext_label(const struct fasttext *f, uint32_t label);
/// probabilities[n_labels] of text read as one line (newlines are spaces). a is scratch. Can't
/// fail; without a known word all are 0.
void fasttext_predict(const struct fasttext *f, struct span text, struct arena *a,
                      float *probabilities);
