#pragma once
// Small tokenizer files made in memory: a seed for each shape that loads.

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/little.h"
#include "shard/tokenizer/byte_alphabet.h"
#include "tests/check.h"

#define MADE_SPACE "\xE2\x96\x81"

struct made_bytes {
    uint8_t data[1 << 16];
    size_t n;
};

static inline void made_put(struct made_bytes *b, const void *data, size_t n)
{
    CHECK(n <= sizeof b->data - b->n);
    if (n > 0) memcpy(b->data + b->n, data, n);
    b->n += n;
}

static inline void made_text(struct made_bytes *b, const char *text)
{
    made_put(b, text, strlen(text));
}

// A varint of protobuf.
static inline void made_varint(struct made_bytes *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        made_put(b, &(uint8_t){(uint8_t)(value | 0x80)}, 1);
    made_put(b, &(uint8_t){(uint8_t)value}, 1);
}

static inline void made_number(struct made_bytes *b, unsigned field, uint64_t value)
{
    made_varint(b, field << 3);
    made_varint(b, value);
}

static inline void made_string(struct made_bytes *b, unsigned field, const void *data, size_t n)
{
    made_varint(b, field << 3 | 2);
    made_varint(b, n);
    made_put(b, data, n);
}

static inline void made_piece(struct made_bytes *b, const char *text, float score, unsigned kind)
{
    struct made_bytes piece = {.n = 0};
    uint8_t bits[4];
    uint32_t word;
    memcpy(&word, &score, sizeof word);
    little_put_u32(bits, word);
    made_string(&piece, 1, text, strlen(text));
    made_put(&piece, &(uint8_t){2 << 3 | 5}, 1);
    made_put(&piece, bits, 4);
    made_number(&piece, 3, kind);
    made_string(b, 1, piece.data, piece.n);
}

enum { MADE_NORMAL = 1, MADE_UNKNOWN, MADE_CONTROL, MADE_USER, MADE_UNUSED, MADE_BYTE };
enum { MADE_UNIGRAM = 1, MADE_BPE, MADE_WORD };
enum { MADE_UNITS = 1024 };

// A character map of two rules: "A" -> "a", "AB" -> "xy".
static inline void made_charsmap(uint8_t *map, size_t *n)
{
    static const char strings[] = "a\0xy";
    static const struct {
        uint32_t at, label, end, children;
    } states[] = {{0, 0, 0, 256}, {256 ^ 'A', 'A', 1, 512}, {512 ^ 'B', 'B', 1, 768}};
    little_put_u32(map, 4 * MADE_UNITS);
    for (size_t i = 0; i < MADE_UNITS; i++)
        little_put_u32(map + 4 + 4 * i, UINT32_C(1) << 31); // what no byte leads to
    for (size_t i = 0; i < 3; i++)
        little_put_u32(map + 4 + 4 * states[i].at, (states[i].at ^ states[i].children) << 10 |
                                                       states[i].end << 8 | states[i].label);
    little_put_u32(map + 4 + 4 * 512, UINT32_C(1) << 31 | 0);
    little_put_u32(map + 4 + 4 * 768, UINT32_C(1) << 31 | 2);
    memcpy(map + 4 + 4 * MADE_UNITS, strings, sizeof strings);
    *n = 4 + 4 * MADE_UNITS + sizeof strings;
}

struct made_model {
    unsigned type;
    bool byte_fallback, prefix;
    const uint8_t *charsmap;
    size_t n_charsmap;
};

// Pieces: <unk> <s> </s> [bytes] then those below.
static inline struct made_bytes *made_model(const struct made_model *m, struct arena *a)
{
    static const char *const texts[] = {
        MADE_SPACE, "a", "b", "x", "y", "ab", MADE_SPACE "a", "xy", MADE_SPACE "ab"};
    struct made_bytes *b = ARENA_NEW(a, struct made_bytes);
    struct made_bytes *part = ARENA_NEW(a, struct made_bytes);
    made_piece(b, "<unk>", 0, MADE_UNKNOWN);
    made_piece(b, "<s>", 0, MADE_CONTROL);
    made_piece(b, "</s>", 0, MADE_CONTROL);
    for (unsigned i = 0; i < 256 && m->byte_fallback; i++)
        made_piece(b, arena_printf(a, "<0x%02X>", i), 0, MADE_BYTE);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        made_piece(b, texts[i], (float)(i < 5 ? -9 - (int)i : 4 - (int)i), MADE_NORMAL);
    made_piece(b, "<sep>", 0, MADE_USER);
    made_number(part, 3, m->type);
    made_number(part, 35, m->byte_fallback);
    made_string(b, 2, part->data, part->n);
    part->n = 0;
    made_string(part, 1, "made", 4);
    if (m->n_charsmap > 0) made_string(part, 2, m->charsmap, m->n_charsmap);
    made_number(part, 3, m->prefix);
    made_string(b, 3, part->data, part->n);
    return b;
}

// A tokenizer.json: the bytes, "ab", " a", " ab", two special tokens; steps are its normalizer and
// pre_tokenizer.
static inline struct span made_json(const char *steps, struct arena *a)
{
    struct made_bytes *b = ARENA_NEW(a, struct made_bytes);
    made_text(b, arena_printf(a, "{%s, \"added_tokens\": [{\"id\": 259, \"content\": \"</s>\"}], ",
                              steps));
    made_text(b, "\"model\": {\"type\": \"BPE\", \"vocab\": {");
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t byte = (uint8_t)i;
        const char *text = byte_alphabet_encode((struct span){&byte, 1}, a);
        made_text(b, arena_printf(a, "\"%s%s\": %u, ", i == '"' || i == '\\' ? "\\" : "", text, i));
    }
    made_text(b, "\"ab\": 256, \"\xC4\xA0"
                 "a\": 257, \"\xC4\xA0"
                 "ab\": 258}, ");
    made_text(b, "\"merges\": [\"a b\", \"\xC4\xA0 a\", \"\xC4\xA0 ab\"]}}");
    return (struct span){b->data, b->n};
}

// A tokenizer.json with byte_fallback.
static inline struct span made_characters(const char *steps, struct arena *a)
{
    struct made_bytes *b = ARENA_NEW(a, struct made_bytes);
    made_text(
        b, arena_printf(a, "{%s, \"added_tokens\": [{\"id\": 2, \"content\": \"</s>\"}], ", steps));
    made_text(b, "\"model\": {\"type\": \"BPE\", \"byte_fallback\": true, \"vocab\": {");
    made_text(b, "\"<unk>\": 0, \"<s>\": 1, \"</s>\": 2");
    for (unsigned i = 0; i < 256; i++)
        made_text(b, arena_printf(a, ", \"<0x%02X>\": %u", i, 3 + i));
    made_text(b, ", \"" MADE_SPACE "\": 259, \"a\": 260, \"b\": 261, \"\xC3\xA9\": 262, ");
    made_text(b, "\"ab\": 263, \"" MADE_SPACE "a\": 264, \"" MADE_SPACE "ab\": 265}, ");
    made_text(b, "\"merges\": [\"a b\", \"" MADE_SPACE " a\", \"" MADE_SPACE " ab\"]}}");
    return (struct span){b->data, b->n};
}

#define MADE_GPT2                                                                               \
    "\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": " \
    "false}"
#define MADE_LLAMA2                                                                                \
    "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", "          \
    "\"prepend\": \"" MADE_SPACE "\"}, {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, " \
    "\"content\": \"" MADE_SPACE "\"}]}, \"pre_tokenizer\": null"
#define MADE_METASPACE                                                                     \
    "\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": " \
    "\"" MADE_SPACE "\", \"prepend_scheme\": \"first\", \"split\": true}"
#define MADE_QWEN2                                                                          \
    "\"normalizer\": {\"type\": \"NFC\"}, \"pre_tokenizer\": {\"type\": \"Sequence\", "     \
    "\"pretokenizers\": [{\"type\": \"Digits\", \"individual_digits\": true}, {\"type\": "  \
    "\"Split\", \"pattern\": {\"Regex\": \"\\\\p{N}{1,3}\"}, \"behavior\": \"Isolated\"}, " \
    "{\"type\": \"ByteLevel\", \"add_prefix_space\": false}]}"

// A seed for each shape; the first byte says how it is loaded (tokenizer_devour.h).
static inline size_t made_seeds(struct span seeds[8], struct arena *a)
{
    uint8_t *map = ARENA_ARRAY(a, uint8_t, 1 << 14);
    size_t n_map, n = 0;
    made_charsmap(map, &n_map);
    const struct made_model models[] = {{MADE_UNIGRAM, false, true, map, n_map},
                                        {MADE_BPE, true, false, NULL, 0}};
    const struct span texts[] = {made_json(MADE_GPT2, a), made_json(MADE_QWEN2, a),
                                 made_characters(MADE_LLAMA2, a),
                                 made_characters(MADE_METASPACE, a)};
    for (size_t i = 0; i < 4; i++, n++) {
        uint8_t *data = ARENA_ARRAY(a, uint8_t, texts[i].n_bytes + 1);
        data[0] = 'j';
        memcpy(data + 1, texts[i].data, texts[i].n_bytes);
        seeds[n] = (struct span){data, texts[i].n_bytes + 1};
    }
    for (size_t i = 0; i < 2; i++, n++) {
        const struct made_bytes *b = made_model(&models[i], a);
        uint8_t *data = ARENA_ARRAY(a, uint8_t, b->n + 1);
        data[0] = 'm';
        memcpy(data + 1, b->data, b->n);
        seeds[n] = (struct span){data, b->n + 1};
    }
    return n;
}
