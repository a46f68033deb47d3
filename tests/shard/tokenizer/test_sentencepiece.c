// SentencePiece models and JSON shapes whose ids are worked out by hand, and the line with which
// models are refused that the library would not survive.
#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "shard/tokenizer/tokenizer_model.h"
#include "tests/shard/tokenizer/made_tokenizer.h"

static struct arena a;

static struct span span_of(const struct made_bytes *b)
{
    return (struct span){b->data, b->n};
}

// The ids of text, as "1 2 3".
static const char *ids_of(const struct tokenizer *t, const char *text)
{
    struct tokenizer_scratch *s;
    struct tokenizer_tokens tokens = {0};
    const char *out = "";
    CHECK_OK(tokenizer_scratch_open(&s));
    CHECK_OK(tokenizer_encode(t, s, (struct span){(const uint8_t *)text, strlen(text)}, &tokens));
    for (size_t i = 0; i < tokens.n_ids; i++)
        out = arena_printf(&a, "%s%s%u", out, i > 0 ? " " : "", tokens.ids[i]);
    tokenizer_tokens_free(&tokens);
    tokenizer_scratch_close(s);
    return out;
}

static const char *bytes_of(struct span bytes)
{
    return arena_strndup(&a, (const char *)bytes.data, bytes.n_bytes);
}

static void check_unigram(void)
{
    uint8_t map[8192];
    size_t n_map;
    made_charsmap(map, &n_map);
    const struct made_model made = {MADE_UNIGRAM, false, true, map, n_map};
    struct tokenizer *t;
    CHECK_OK(tokenizer_load_model(span_of(made_model(&made, &a)), "f", &a, &t));
    CHECK_EQ(tokenizer_vocabulary(t), 13);
    CHECK_EQ(tokenizer_end_of_text(t), 2);
    // Ids from 3: space, a, b, x, y, ab, " a", xy, " ab", <sep>.
    CHECK_TEXT(ids_of(t, "ab"), "11");
    CHECK_TEXT(ids_of(t, "  ab  aab "), "11 9 8"); // spaces become one, those at the ends none
    CHECK_TEXT(ids_of(t, "Ab AB"), "11 3 10");     // the character map
    CHECK_TEXT(ids_of(t, "a<sep>b"), "9 12 5");
    CHECK_TEXT(ids_of(t, "a?b"), "9 0 5"); // unknown
    CHECK_TEXT(ids_of(t, ""), "");
    CHECK_TEXT(bytes_of(tokenizer_bytes(t, 11)), " ab");
    CHECK_TEXT(bytes_of(tokenizer_bytes_first(t, 11)), "ab");
    CHECK_TEXT(bytes_of(tokenizer_bytes(t, 0)), " \xE2\x81\x87 ");
    CHECK_TEXT(bytes_of(tokenizer_bytes(t, 1)), "<s>");
    CHECK_EQ(tokenizer_bytes(t, 13).n_bytes, 0);
    CHECK_TEXT(tokenizer_file_name(t), "tokenizer.model");
}

static void check_bpe(void)
{
    const struct made_model made = {MADE_BPE, true, false, NULL, 0};
    struct tokenizer *t, *back;
    struct made_bytes *model = made_model(&made, &a);
    CHECK_OK(tokenizer_load_model(span_of(model), "f", &a, &t));
    CHECK_EQ(tokenizer_vocabulary(t), 13 + 256);
    CHECK_TEXT(ids_of(t, "ab ab?"), "264 267 66"); // no space before; a byte
    CHECK_TEXT(ids_of(t, "\xFF"), "242 194 192");  // U+FFFD's bytes
    CHECK_TEXT(bytes_of(tokenizer_bytes(t, 66)), "?");
    CHECK_TEXT(bytes_of(tokenizer_bytes_first(t, 267)), " ab"); // nothing was put before
    const char *folder = arena_printf(&a, "test_sentencepiece.%d", (int)getpid());
    CHECK_OK(file_make_folders(folder));
    CHECK_OK(tokenizer_save(t, arena_printf(&a, "%s/%s", folder, tokenizer_file_name(t))));
    CHECK_OK(tokenizer_open(folder, &a, &back));
    CHECK(tokenizer_hash(t).lo == tokenizer_hash(back).lo);
    CHECK_EQ(tokenizer_end_of_text(back), 2);
    CHECK_TEXT(ids_of(back, "ab ab?"), "264 267 66");
    CHECK_OK(file_remove_tree(folder));
}

static void check_shapes(void)
{
    struct tokenizer *t;
    CHECK_OK(tokenizer_load_json(made_characters(MADE_LLAMA2, &a), "f", &a, &t));
    // Ids: byte + 3, space 259, a, b, e acute, ab, " a", " ab".
    CHECK_TEXT(ids_of(t, "ab"), "265");
    CHECK_TEXT(ids_of(t, " ab"), "259 265"); // a space before every text
    CHECK_TEXT(ids_of(t, "ab\xE2\x96\x81"
                         "ab"),
               "265 265");
    CHECK_TEXT(ids_of(t, "\xC3\xA9?\xC3"), "259 262 66 198");
    CHECK_TEXT(ids_of(t, ""), "");
    CHECK_EQ(tokenizer_end_of_text(t), 2);
    CHECK_TEXT(bytes_of(tokenizer_bytes_first(t, 265)), "ab");
    CHECK_OK(tokenizer_load_json(made_characters(MADE_METASPACE, &a), "f", &a, &t));
    CHECK_TEXT(ids_of(t, "ab"), "265");
    CHECK_TEXT(ids_of(t, " ab"), "265"); // only where there is none
    CHECK_OK(tokenizer_load_json(made_json(MADE_QWEN2, &a), "f", &a, &t));
    CHECK_TEXT(ids_of(t, "ab ab 12"), "256 258 32 49 50");
    CHECK_TEXT(ids_of(t, "e\xCC\x81"), "195 169"); // composed
    CHECK_TEXT(ids_of(t, "\xCC\x81"), "204 129");
    CHECK_TEXT(ids_of(t, "e\xCC\xFF\x81"), "101 204 255 129"); // broken bytes stay
    CHECK_EQ(tokenizer_end_of_text(t), 259);
}

// One scratch goes from tokenizer to tokenizer.
static void check_scratch(void)
{
    const struct made_model made = {MADE_BPE, true, true, NULL, 0};
    struct tokenizer *json, *model;
    struct tokenizer_scratch *s;
    struct tokenizer_tokens tokens = {0};
    CHECK_OK(tokenizer_load_json(made_json(MADE_GPT2, &a), "f", &a, &json));
    CHECK_OK(tokenizer_load_model(span_of(made_model(&made, &a)), "f", &a, &model));
    CHECK_OK(tokenizer_scratch_open(&s));
    const struct span text = {(const uint8_t *)"ab", 2};
    for (size_t i = 0; i < 4; i++)
        CHECK_OK(tokenizer_encode(i % 2 ? model : json, s, text, &tokens));
    CHECK_EQ(tokens.n_ids, 4);
    CHECK_EQ(tokens.ids[2], 256);
    CHECK_EQ(tokens.ids[3], 267);
    tokenizer_tokens_free(&tokens);
    tokenizer_scratch_close(s);
}

// Runs of marks take linear time: 400 kB of them, in a disorder that sorting would pay for.
static void check_marks(void)
{
    struct normalize_buffer b = {0};
    struct span out;
    size_t n = 0;
    uint8_t *text = ARENA_ARRAY(&a, uint8_t, 400000);
    while (n + 4 <= 400000) {
        memcpy(text + n, "\xCC\x81\xCC\xA3", 4); // above, below
        n += 4;
    }
    CHECK_OK(normalize_text(NORMALIZE_NFC, NORMALIZE_NO_PREFIX, false, (struct span){text, n}, &b,
                            &out));
    CHECK_EQ(out.n_bytes, n);
    CHECK(memcmp(out.data, "\xCC\xA3\xCC\xA3", 4) == 0);
    // U+11A7 is just before the consonants that end a syllable; it must not join one.
    static const uint8_t syllable[] = "\xEA\xB8\x94\xE1\x86\xA7\xE1\x85\xBC";
    const struct span whole = {syllable, sizeof syllable - 1};
    CHECK_OK(normalize_text(NORMALIZE_NFC, NORMALIZE_NO_PREFIX, false, whole, &b, &out));
    CHECK_EQ(out.n_bytes, whole.n_bytes);
    CHECK(memcmp(out.data, syllable, out.n_bytes) == 0);
    normalize_buffer_free(&b);
}

// The model with a field more: a number, or a string.
static struct span with_number(unsigned part, unsigned field, uint64_t value)
{
    const struct made_model made = {MADE_BPE, true, true, NULL, 0};
    struct made_bytes *b = made_model(&made, &a), *more = ARENA_NEW(&a, struct made_bytes);
    made_number(more, field, value);
    made_string(b, part, more->data, more->n);
    return span_of(b);
}

static struct span with_piece(const char *text, float score, unsigned kind)
{
    const struct made_model made = {MADE_BPE, true, true, NULL, 0};
    struct made_bytes *b = made_model(&made, &a);
    made_piece(b, text, score, kind);
    return span_of(b);
}

// The model with its character map changed at one unit.
static struct span with_unit(uint32_t at, uint32_t unit)
{
    uint8_t map[8192];
    size_t n_map;
    made_charsmap(map, &n_map);
    little_put_u32(map + 4 + 4 * at, unit);
    const struct made_model made = {MADE_UNIGRAM, false, true, map, n_map};
    return span_of(made_model(&made, &a));
}

static void refused(struct span model, const char *line)
{
    struct tokenizer *t;
    CHECK_ERR(tokenizer_load_model(model, "f", &a, &t), ERR_DATA);
    CHECK_LINE(line);
}

static void check_refusals(void)
{
    enum { PIECE = 1, TRAINER, NORMALIZER, DENORMALIZER = 5 };
    static const char nowhere[] = "f: damaged: its character map points nowhere";
    refused(with_number(TRAINER, 3, MADE_WORD),
            "f: model type 3 is not supported; unigram and BPE are");
    refused(with_number(TRAINER, 3, 77), "f: model type 77 is not supported; unigram and BPE are");
    refused(with_number(TRAINER, 24, 1), "f: treat_whitespace_as_suffix is not supported");
    refused(with_number(DENORMALIZER, 3, 1), "f: has a denormalizer, which is not supported");
    refused(with_number(PIECE, 3, 1), "f: piece 269 has no proper text");
    refused(with_number(PIECE, 3, 9), "f: piece 269 is of the unknown kind 9");
    refused(with_piece("\xFF", 0, MADE_NORMAL), "f: piece 269 has no proper text");
    refused(with_piece("z", NAN, MADE_NORMAL), "f: piece 269 has no proper score");
    refused(with_piece("ab", 0, MADE_NORMAL), "f: ab is already defined.");
    refused(with_piece("<0x1>", 0, MADE_BYTE), "f: byte piece <0x1> is invalid.");
    refused(with_piece("<unk2>", 0, MADE_UNKNOWN), "f: unk is already defined.");
    refused((struct span){(const uint8_t *)"", 0}, "f: 0 pieces; from 1 to 4194304 are read");
    refused(with_unit(0, (4096u ^ 0) << 10), nowhere);         // children beyond the end
    refused(with_unit(512, UINT32_C(1) << 31 | 100), nowhere); // a string beyond the end
    refused(with_unit(512 ^ 'B', (512 ^ 'B' ^ 512) << 10 | 'B'), nowhere); // a circle
    uint8_t map[8] = {0xFF, 0xFF, 0xFF, 0xFF};
    const struct made_model made = {MADE_UNIGRAM, false, true, map, sizeof map};
    refused(span_of(made_model(&made, &a)), nowhere);
}

// User-defined pieces that begin each other: 64 go, 65 do not fit the library's room.
static void check_nested(void)
{
    const struct made_model made = {MADE_UNIGRAM, false, true, NULL, 0};
    struct made_bytes *b = made_model(&made, &a);
    struct tokenizer *t;
    char text[80] = "";
    for (size_t n = 1; n <= 65; n++) {
        text[n - 1] = 'z';
        made_piece(b, text, 0, MADE_USER);
        if (n < 65) CHECK_OK(tokenizer_load_model(span_of(b), "f", &a, &t));
    }
    refused(span_of(b), "f: more than 64 user-defined pieces begin each other");
}

static void check_truncated(void)
{
    uint8_t map[8192];
    size_t n_map;
    made_charsmap(map, &n_map);
    const struct made_model made = {MADE_UNIGRAM, false, true, map, n_map};
    const struct span model = span_of(made_model(&made, &a));
    size_t n_good = 0;
    for (size_t n = 0; n < model.n_bytes; n += n < 200 ? 1 : 61) {
        struct tokenizer *t;
        enum err e = tokenizer_load_model((struct span){model.data, n}, "f", &a, &t);
        CHECK(e == OK || e == ERR_DATA);
        n_good += e == OK; // between two fields it is a model with less in it
    }
    CHECK(n_good < 20);
}

int main(void)
{
    arena_init(&a, "test");
    check_unigram();
    check_bpe();
    check_shapes();
    check_scratch();
    check_marks();
    check_refusals();
    check_nested();
    check_truncated();
    arena_fini(&a);
    return 0;
}
