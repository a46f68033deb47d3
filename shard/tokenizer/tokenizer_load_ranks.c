// tiktoken's rank files: a line a token, its bytes in base64 and its rank, which is also its id.
// Merges are not written down: each token of several bytes was made from the two parts that the
// merges of lower rank leave of it. (If they leave more, which no training does, merges of higher
// rank may still lead to two; a token that nothing leads to is found only when it is a whole piece,
// as in tiktoken.) Special tokens are not in the file,
// nor is the rule that cuts pieces: published files are known by their number of ranks. In others
// <|endoftext|> takes the lowest free id, which is GPT-2's 50256.
#include "shard/tokenizer/tokenizer_model.h"

#include <string.h>

enum {
    SPECIALS_LIMIT = 5,
    PARTS_LIMIT = 64, // that merges of lower rank leave of a token; with more it is a whole piece
};

// The published files that do not go by GPT-2's rule.
static const struct published {
    size_t n_ranks;
    enum pretokenize_rule rule;
    struct {
        const char *text;
        uint32_t id;
    } specials[SPECIALS_LIMIT];
} published[] = {
    {100256,
     PRETOKENIZE_CL100K,
     {{TOKENIZER_END_OF_TEXT, 100257},
      {"<|fim_prefix|>", 100258},
      {"<|fim_middle|>", 100259},
      {"<|fim_suffix|>", 100260},
      {"<|endofprompt|>", 100276}}},
    {199998, PRETOKENIZE_O200K, {{TOKENIZER_END_OF_TEXT, 199999}, {"<|endofprompt|>", 200018}}},
};

struct lines {
    struct span text;
    size_t n_lines;
};

static bool next_line(struct lines *l, struct span *line)
{
    if (l->text.n_bytes == 0) return false;
    const uint8_t *end = memchr(l->text.data, '\n', l->text.n_bytes);
    size_t n = end == NULL ? l->text.n_bytes : (size_t)(end - l->text.data);
    size_t n_taken = n + (end != NULL);
    *line = (struct span){l->text.data, n > 0 && l->text.data[n - 1] == '\r' ? n - 1 : n};
    l->text = (struct span){l->text.data + n_taken, l->text.n_bytes - n_taken};
    l->n_lines++;
    return true;
}

static int digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

// Strict base64: whole groups, = only at the end, no stray bits. False if it is not that.
static bool base64_decode(struct span text, uint8_t *out, size_t *n_out)
{
    if (text.n_bytes == 0 || text.n_bytes % 4 != 0) return false;
    size_t n = 0, n_pad = 0;
    if (text.data[text.n_bytes - 1] == '=') n_pad = 1 + (text.data[text.n_bytes - 2] == '=');
    uint32_t bits = 0;
    for (size_t i = 0; i < text.n_bytes; i++) {
        bool pad = i + n_pad >= text.n_bytes;
        int digit = pad ? 0 : digit_of(text.data[i]);
        if (digit < 0) return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 3) continue;
        if (pad && (bits & ((1u << 8 * n_pad) - 1)) != 0) return false;
        for (size_t k = 0; k < 3 - (pad ? n_pad : 0); k++)
            out[n++] = (uint8_t)(bits >> (16 - 8 * k));
        bits = 0;
    }
    *n_out = n;
    return true;
}

// Decimal number of up to 9 digits.
static bool number_decode(struct span text, uint64_t *out)
{
    if (text.n_bytes == 0 || text.n_bytes > 9) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.n_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        value = 10 * value + (text.data[i] - '0');
    }
    *out = value;
    return true;
}

static enum err load_line(struct tokenizer_draft *d, struct span line, size_t n_lines)
{
    uint8_t bytes[TOKENIZER_TOKEN_LIMIT_BYTES];
    size_t n_bytes;
    uint64_t rank;
    const uint8_t *space = memchr(line.data, ' ', line.n_bytes);
    size_t n_code = space == NULL ? 0 : (size_t)(space - line.data);
    if (space == NULL || n_code / 4 * 3 > sizeof bytes ||
        !base64_decode((struct span){line.data, n_code}, bytes, &n_bytes) ||
        !number_decode((struct span){space + 1, line.n_bytes - n_code - 1}, &rank))
        return fail(ERR_DATA, "%s:%zu: not 'base64 rank', as in tiktoken's files", d->name,
                    n_lines);
    return tokenizer_draft_token(d, rank, (struct span){bytes, n_bytes}, TOKENIZER_TEXT);
}

static enum err add_special(struct tokenizer_draft *d, const char *text, uint32_t id)
{
    const struct span bytes = {(const uint8_t *)text, strlen(text)};
    return tokenizer_draft_token(d, id, bytes, TOKENIZER_SPECIAL);
}

// The rule and the special tokens that are not in the file.
static enum err load_known(struct tokenizer_draft *d, enum pretokenize_rule rule)
{
    const struct published *known = NULL;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        if (published[i].n_ranks == d->n_tokens && published[i].n_ranks == d->n_ids)
            known = &published[i];
    if (rule == PRETOKENIZE_N_RULES) rule = known == NULL ? PRETOKENIZE_GPT2 : known->rule;
    d->pipeline = tokenizer_pipeline_of(rule);
    for (size_t i = 0; known != NULL && i < SPECIALS_LIMIT; i++)
        if (known->specials[i].text != NULL)
            TRY(add_special(d, known->specials[i].text, known->specials[i].id));
    if (known != NULL) return OK;
    uint32_t free_id = 0;
    while (d->tokens[free_id].bytes.n_bytes > 0)
        free_id++;
    return add_special(d, TOKENIZER_END_OF_TEXT, free_id);
}

static enum err load_tokens(struct tokenizer_draft *d, struct span text, enum pretokenize_rule rule)
{
    struct lines lines = {.text = text};
    for (struct span line; next_line(&lines, &line);)
        if (line.n_bytes > 0) TRY(load_line(d, line, lines.n_lines));
    if (d->n_tokens == 0) return fail(ERR_DATA, "%s: no token in it", d->name);
    return load_known(d, rule);
}

// Goes on joining the n parts of token where the merges of lower rank stop, by the ranks of all
// tokens. Returns how many are left, two if they give the token.
static size_t join_parts(const struct tokenizer_draft *d, struct span token, uint32_t *parts,
                         size_t n)
{
    while (n > 2) {
        const uint8_t *at = token.data;
        uint64_t best_id = UINT64_MAX;
        size_t best = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            size_t n_left = d->tokens[parts[i]].bytes.n_bytes;
            const struct span both = {at, n_left + d->tokens[parts[i + 1]].bytes.n_bytes};
            const struct span_entry *entry = span_table_find(&d->ids, both);
            if (entry != NULL && entry->value < best_id) {
                best_id = entry->value;
                best = i;
            }
            at += n_left;
        }
        if (best_id == UINT64_MAX) break;
        parts[best] = (uint32_t)best_id;
        n--;
        memmove(parts + best + 1, parts + best + 2, (n - best - 1) * sizeof *parts);
    }
    return n;
}

static enum err load_merges(struct tokenizer_draft *d)
{
    struct bpe_scratch scratch = {0};
    uint32_t parts[TOKENIZER_TOKEN_LIMIT_BYTES];
    enum err e = OK;
    for (uint32_t id = 0; id < d->n_ids && e == OK; id++) {
        struct span bytes = d->tokens[id].bytes;
        if (bytes.n_bytes < 2 || d->tokens[id].kind != TOKENIZER_TEXT) continue;
        size_t n_parts;
        e = bpe_encode(&d->bpe, &scratch, bytes, parts, &n_parts);
        if (e != OK) break;
        if (n_parts > 2 && n_parts <= PARTS_LIMIT) n_parts = join_parts(d, bytes, parts, n_parts);
        if (n_parts == 2)
            e = tokenizer_draft_merge(d, d->tokens[parts[0]].bytes, d->tokens[parts[1]].bytes);
        else
            d->pipeline.whole_pieces = true;
    }
    bpe_scratch_close(&scratch);
    return e;
}

enum err tokenizer_load_ranks(struct span text, enum pretokenize_rule rule, const char *name,
                              struct arena *a, struct tokenizer **out)
{
    size_t n_lines = 0;
    for (size_t i = 0; i < text.n_bytes; i++)
        n_lines += text.data[i] == '\n';
    struct tokenizer_draft d;
    TRY(tokenizer_draft_begin(&d, name, n_lines + 2, a));
    enum err e = load_tokens(&d, text, rule);
    if (e == OK) e = tokenizer_draft_merges_begin(&d);
    if (e == OK) e = load_merges(&d);
    if (e == OK) tokenizer_draft_finish(&d, out);
    tokenizer_draft_end(&d);
    return e;
}
