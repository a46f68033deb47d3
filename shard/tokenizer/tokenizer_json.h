#pragma once
// What the JSON vocabularies of GPT-2 and Hugging Face have in common.

#include <jansson.h>

#include "base/err.h"
#include "base/span.h"
#include "shard/tokenizer/tokenizer_model.h"

/// Whether value is the string text. Can't fail.
bool tokenizer_json_is(const json_t *value, const char *text);
/// What normalizer, pre_tokenizer and model.byte_fallback of a tokenizer.json say. Whatever would
/// give other tokens than ours is refused. Errors: ERR_DATA naming what is not supported.
enum err tokenizer_json_pipeline(const json_t *root, const char *name,
                                 struct tokenizer_pipeline *out) MUST_CHECK;
/// After all merges: lets text whose rule is "all is one piece" be cut into words where no token
/// goes across them. Can't fail.
void tokenizer_json_settle_rules(struct tokenizer_draft *d);
/// normalizer and pre_tokenizer (new references) that tokenizer_json_pipeline reads as p. Can't
/// fail.
void tokenizer_json_pipeline_save(const struct tokenizer_pipeline *p, json_t **normalizer,
                                  json_t **pre_tokenizer);
/// Parses text as a JSON object without repeated keys; *out is to be json_decref'd. Errors:
/// ERR_DATA naming line and column.
enum err tokenizer_json_parse(struct span text, const char *name, json_t **out) MUST_CHECK;
/// Adds the tokens of vocabulary ({"Ġthe": 262, ...}; {"▁the": 278, "<0x0A>": 13, ...} when the
/// pipeline begins with characters). Those that the draft has as special tokens already must have
/// the same id; <|endoftext|> becomes special. Errors: ERR_DATA.
enum err tokenizer_json_vocabulary(struct tokenizer_draft *d, json_t *vocabulary) MUST_CHECK;
/// Adds the merge of two tokens as they are written in the vocabulary. Errors: ERR_DATA.
enum err tokenizer_json_merge(struct tokenizer_draft *d, struct span left,
                              struct span right) MUST_CHECK;
/// As tokenizer_json_merge, of "left right". Errors: ERR_DATA.
enum err tokenizer_json_merge_line(struct tokenizer_draft *d, struct span line) MUST_CHECK;
