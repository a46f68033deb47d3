#pragma once
// Cuts text into the pieces inside which BPE merges, by rules that are usually written as regular
// expressions, without a regex engine: pretokenize_rule.c lists them.
//
// Bytes that are not well-formed UTF-8 each count as one symbol. Pieces are then cut where they
// would be if each of them were U+FFFD (what decode(errors="replace") gives), but keep their bytes.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

enum pretokenize_class {
    PRETOKENIZE_OTHER,       // none of the others: controls, unassigned, private
    PRETOKENIZE_PUNCTUATION, // \p{P}, \p{S}, broken bytes
    PRETOKENIZE_MARK,        // \p{M}
    PRETOKENIZE_UPPER,       // \p{Lu}, \p{Lt}
    PRETOKENIZE_LOWER,       // \p{Ll}
    PRETOKENIZE_LETTER,      // \p{Lm}, \p{Lo}
    PRETOKENIZE_NUMBER,      // \p{N}
    PRETOKENIZE_SPACE,       // \s: White_Space, but for the two below
    PRETOKENIZE_NEWLINE,     // CR, LF
    PRETOKENIZE_N_CLASSES
};

// Rules up to TEKKEN take all text by themselves; the others are steps of several.
// One row a rule: its name, the function that finds a piece, and its regular expression as it
// stands in tokenizer.json (Oniguruma's syntax; NULL: is not saved as a Split).
#define PRETOKENIZE_TABLE(X)                                                                       \
    X(GPT2, gpt2,                                                                                  \
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+")        \
    X(CL100K, cl100k,                                                                              \
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"                    \
      " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")                             \
    X(QWEN2, qwen2,                                                                                \
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"                         \
      " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")                             \
    X(O200K, o200k,                                                                                \
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"  \
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"                                                             \
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"  \
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"                                                             \
      "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")                \
    X(TEKKEN, tekken,                                                                              \
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|" \
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|" \
      "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")                     \
    X(DIGITS, digits, "\\p{N}")                                                                    \
    X(DIGITS3, digits3, "\\p{N}{1,3}")                                                             \
    X(DEEPSEEK_HAN, deepseek_han,                                                                  \
      "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F"                                        \
      "\xE3\x82\xA0-\xE3\x83\xBF]+")                                                               \
    X(DEEPSEEK, deepseek,                                                                          \
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"                                     \
      "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|"            \
      "\\s+(?!\\S)|\\s+")                                                                          \
    X(WORDS, words, NULL)                                                                          \
    X(METASPACE, metaspace, NULL)

enum pretokenize_rule {
#define X(NAME, name, regex) PRETOKENIZE_##NAME,
    PRETOKENIZE_TABLE(X)
#undef X
        PRETOKENIZE_N_RULES
};

struct pretokenize; // class of each code point; immutable

/// The table of classes, from utf8proc's Unicode data, in a. Can't fail.
const struct pretokenize *pretokenize_build(struct arena *a);
/// Bytes of the first piece of text (>= 1): a match of the rule's expression, or what lies before
/// the first match. text.n_bytes >= 1. Linear in what it returns, but for runs of space and of
/// letters, which may be read twice. Can't fail.
size_t pretokenize_next(const struct pretokenize *p, enum pretokenize_rule rule, struct span text);
/// Class of a code point below 0x110000. Can't fail.
enum pretokenize_class pretokenize_class(const struct pretokenize *p, uint32_t code);
/// Bytes of the first character of text, 1 if it is broken. text.n_bytes >= 1. Can't fail.
size_t pretokenize_character(const struct pretokenize *p, struct span text);
/// "cl100k" for PRETOKENIZE_CL100K. Can't fail.
const char *pretokenize_name(enum pretokenize_rule rule);
/// The expression of rule for tokenizer.json. Can't fail.
const char *pretokenize_regex(enum pretokenize_rule rule);
/// The rule with this name, or PRETOKENIZE_N_RULES. Can't fail.
enum pretokenize_rule pretokenize_rule_named(const char *name, size_t n_name);
/// The rule with this expression (or another known way to write it), or PRETOKENIZE_N_RULES. Can't
/// fail.
enum pretokenize_rule pretokenize_rule_of_regex(const char *regex);
