#pragma once
// What the JSON vocabularies of GPT-2 and Hugging Face have in common.

#include <jansson.h>

#include "base/err.h"
#include "base/span.h"
#include "shard/tokenizer/tokenizer_model.h"

/// Parses text as a JSON object without repeated keys; *out is to be json_decref'd. Errors:
/// ERR_DATA naming line and column.
enum err tokenizer_json_parse(struct span text, const char *name, json_t **out) MUST_CHECK;
/// Adds the tokens of vocabulary ({"Ġthe": 262, ...}). Those that the draft has as special tokens
/// already must have the same id; <|endoftext|> becomes special. Errors: ERR_DATA.
enum err tokenizer_json_vocabulary(struct tokenizer_draft *d, json_t *vocabulary) MUST_CHECK;
/// Adds the merge of two tokens in GPT-2's alphabet. Errors: ERR_DATA.
enum err tokenizer_json_merge(struct tokenizer_draft *d, struct span left,
                              struct span right) MUST_CHECK;
/// As tokenizer_json_merge, of "left right". Errors: ERR_DATA.
enum err tokenizer_json_merge_line(struct tokenizer_draft *d, struct span line) MUST_CHECK;
