#pragma once
// SentencePiece's processor, the one C++ library of the tokenizer: this is all that is used of it.
// A processor belongs to one thread. What a .model may contain is checked before it gets here
// (tokenizer_load_model.c), because the library ends the process on some damaged ones.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct sentencepiece_model;

/// A processor for model, a checked .model; name is for messages. Errors: ERR_MEMORY; ERR_DATA with
/// what the library says.
enum err sentencepiece_open(struct span model, const char *name,
                            struct sentencepiece_model **out) MUST_CHECK;
/// NULL is fine. Can't fail.
void sentencepiece_close(struct sentencepiece_model *s);
/// *ids, valid until the next call, get the tokens of text. Errors: ERR_MEMORY; ERR_DATA above 2^28
/// bytes, or with what the library says.
enum err sentencepiece_encode(struct sentencepiece_model *s, struct span text, const uint32_t **ids,
                              size_t *n_ids) MUST_CHECK;
