#include "shard/tokenizer/tokenizer_model.h"

#include <inttypes.h>
#include <string.h>

enum err tokenizer_draft_begin(struct tokenizer_draft *d, const char *name, size_t limit_tokens,
                               struct arena *a)
{
    *d = (struct tokenizer_draft){.name = name, .a = a};
    if (limit_tokens > TOKENIZER_ID_LIMIT)
        return fail(ERR_DATA, "%s: %zu tokens; at most %d", name, limit_tokens, TOKENIZER_ID_LIMIT);
    d->limit_ids = (uint32_t)limit_tokens + TOKENIZER_HOLES_LIMIT;
    d->tokens = ARENA_ARRAY(a, struct tokenizer_token, d->limit_ids);
    TRY(span_table_open(&d->ids, a));
    TRY(span_table_open(&d->bytes, a));
    return span_table_open(&d->specials, a);
}

void tokenizer_draft_end(struct tokenizer_draft *d)
{
    span_table_close(&d->ids);
    span_table_close(&d->bytes);
    span_table_close(&d->specials);
    bpe_close(&d->bpe);
}

static enum err token_check(const struct tokenizer_draft *d, uint64_t id, struct span bytes)
{
    if (id >= d->limit_ids)
        return fail(ERR_DATA, "%s: id %" PRIu64 " is too far from the %u others", d->name, id,
                    d->n_tokens);
    if (d->tokens[id].bytes.n_bytes > 0)
        return fail(ERR_DATA, "%s: id %" PRIu64 " is given twice", d->name, id);
    if (bytes.n_bytes == 0 || bytes.n_bytes > TOKENIZER_TOKEN_LIMIT_BYTES)
        return fail(ERR_DATA, "%s: id %" PRIu64 " is a token of %zu bytes; 1 to %d can be", d->name,
                    id, bytes.n_bytes, TOKENIZER_TOKEN_LIMIT_BYTES);
    return OK;
}

enum err tokenizer_draft_token(struct tokenizer_draft *d, uint64_t id, struct span bytes,
                               enum tokenizer_token_kind kind)
{
    TRY(token_check(d, id, bytes));
    struct span_table *own = kind == TOKENIZER_TEXT      ? &d->ids
                             : kind == TOKENIZER_SPECIAL ? &d->specials
                                                         : &d->bytes;
    const struct span_table *other = kind == TOKENIZER_TEXT ? &d->specials : &d->ids;
    struct span_entry *entry = kind == TOKENIZER_BYTE ? NULL : span_table_find(other, bytes);
    if (entry == NULL) entry = span_table_find(own, bytes);
    if (entry != NULL)
        return fail(ERR_DATA, "%s: ids %" PRIu64 " and %" PRIu64 " are the same token", d->name,
                    entry->value, id);
    TRY(span_table_insert(own, bytes, &entry));
    entry->value = id;
    d->tokens[id] = (struct tokenizer_token){entry->bytes, kind};
    d->n_tokens++;
    if (id >= d->n_ids) d->n_ids = (uint32_t)id + 1;
    return OK;
}

enum err tokenizer_draft_merges_begin(struct tokenizer_draft *d)
{
    uint32_t byte_ids[256];
    const struct span_table *own = d->pipeline.characters ? &d->bytes : &d->ids;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        const struct span_entry *entry = span_table_find(own, (struct span){&byte, 1});
        if (entry == NULL)
            return fail(ERR_DATA,
                        d->pipeline.characters ? "%s: no token <0x%02X>; tokenizers without all "
                                                 "bytes lose characters"
                                               : "%s: byte 0x%02X is no token",
                        d->name, i);
        byte_ids[i] = (uint32_t)entry->value;
    }
    return bpe_open(&d->bpe, byte_ids);
}

// "left + right" of merge n is not what the vocabulary has.
static enum err merge_unknown(const struct tokenizer_draft *d, struct span bytes)
{
    int n_shown = bytes.n_bytes > 40 ? 40 : (int)bytes.n_bytes;
    return fail(ERR_DATA, "%s: merge %zu needs the token '%.*s', which is not in the vocabulary",
                d->name, d->bpe.n_merges, n_shown, (const char *)bytes.data);
}

enum err tokenizer_draft_merge(struct tokenizer_draft *d, struct span left, struct span right)
{
    uint8_t joined[TOKENIZER_TOKEN_LIMIT_BYTES];
    size_t n_bytes = left.n_bytes + right.n_bytes;
    if (n_bytes > sizeof joined)
        return fail(ERR_DATA, "%s: merge %zu makes a token of %zu bytes; at most %d", d->name,
                    d->bpe.n_merges, n_bytes, TOKENIZER_TOKEN_LIMIT_BYTES);
    memcpy(joined, left.data, left.n_bytes);
    memcpy(joined + left.n_bytes, right.data, right.n_bytes);
    const struct span parts[3] = {left, right, {joined, n_bytes}};
    uint32_t ids[3];
    for (size_t i = 0; i < 3; i++) {
        const struct span_entry *entry = span_table_find(&d->ids, parts[i]);
        if (entry == NULL) return merge_unknown(d, parts[i]);
        ids[i] = (uint32_t)entry->value;
    }
    enum err e = bpe_add(&d->bpe, (struct bpe_merge){ids[0], ids[1], ids[2]});
    return e == OK ? OK : fail_at(e, "%s", d->name);
}

struct tokenizer_pipeline tokenizer_pipeline_of(enum pretokenize_rule rule)
{
    return (struct tokenizer_pipeline){.rules = {rule}, .n_rules = 1};
}

int tokenizer_byte_of(struct span text)
{
    static const char digits[] = "0123456789ABCDEF";
    if (text.n_bytes != 6 || memcmp(text.data, "<0x", 3) != 0 || text.data[5] != '>') return -1;
    const char *high = memchr(digits, text.data[3], 16), *low = memchr(digits, text.data[4], 16);
    return high == NULL || low == NULL ? -1 : (int)((high - digits) << 4 | (low - digits));
}

struct span tokenizer_spaces(struct span text, struct arena *a)
{
    uint8_t *bytes = ARENA_ARRAY(a, uint8_t, text.n_bytes);
    size_t n = 0;
    for (size_t at = 0; at < text.n_bytes;) {
        bool space = text.n_bytes - at >= 3 && memcmp(text.data + at, "\xE2\x96\x81", 3) == 0;
        bytes[n++] = space ? ' ' : text.data[at];
        at += space ? 3 : 1;
    }
    return (struct span){bytes, n};
}

static void put_u32(uint8_t **at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        *(*at)++ = (uint8_t)(value >> 8 * i);
}

// What the hash says of the pipeline. (Of GPT-2's it is what it was before there were others.)
static const char *pipeline_text(const struct tokenizer_pipeline *p, struct arena *a)
{
    bool plain = p->form == NORMALIZE_NONE && p->prefix == NORMALIZE_NO_PREFIX && !p->characters;
    if (plain && p->n_rules == 1 && p->rules[0] == PRETOKENIZE_GPT2)
        return "byte-level bpe, gpt-2 pieces";
    const char *text = arena_printf(a, "%s bpe, %s, prefix %d, pieces",
                                    p->characters ? "character-level" : "byte-level",
                                    normalize_name(p->form), (int)p->prefix);
    for (size_t i = 0; i < p->n_rules; i++)
        text = arena_printf(a, "%s %s", text, pretokenize_name(p->rules[i]));
    return text;
}

// Of the pipeline, the flag, each id's length, kind and bytes, and each merge.
static struct hash128 model_hash(const struct tokenizer *t)
{
    struct arena scratch;
    arena_init(&scratch, "tokenizer hash");
    const char *rule = pipeline_text(&t->pipeline, &scratch);
    size_t n_rule = strlen(rule) + 1;
    size_t n_bytes = n_rule + 1 + 5 * (size_t)t->n_ids + 12 * t->bpe.n_merges;
    for (uint32_t id = 0; id < t->n_ids; id++)
        n_bytes += t->tokens[id].bytes.n_bytes;
    uint8_t *data = ARENA_ARRAY(&scratch, uint8_t, n_bytes), *at = data;
    memcpy(at, rule, n_rule);
    at += n_rule;
    *at++ = t->pipeline.whole_pieces;
    for (uint32_t id = 0; id < t->n_ids; id++) {
        struct span bytes = t->tokens[id].bytes;
        put_u32(&at, (uint32_t)bytes.n_bytes);
        *at++ = (uint8_t)t->tokens[id].kind;
        if (bytes.n_bytes > 0) memcpy(at, bytes.data, bytes.n_bytes);
        at += bytes.n_bytes;
    }
    for (size_t i = 0; i < t->bpe.n_merges; i++) {
        put_u32(&at, t->bpe.merges[i].left);
        put_u32(&at, t->bpe.merges[i].right);
        put_u32(&at, t->bpe.merges[i].id);
    }
    ASSERT(at == data + n_bytes);
    struct hash128 hash = hash_xxh3_128(data, n_bytes);
    arena_fini(&scratch);
    return hash;
}

// What ends a document, by the first that there is.
static const char *const TOKENIZER_ENDS[] = {
    TOKENIZER_END_OF_TEXT,
    "<|end_of_text|>",
    "</s>",
    "<\xEF\xBD\x9C\x65nd\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>", // DeepSeek's, x65 = e
    "<EOT>",
    "<eos>",
    "[EOS]",
    "<|im_end|>",
    "<|eot_id|>",
};

static uint32_t end_of_text(const struct tokenizer_draft *d)
{
    for (size_t i = 0; i < sizeof TOKENIZER_ENDS / sizeof *TOKENIZER_ENDS; i++) {
        const struct span text = {(const uint8_t *)TOKENIZER_ENDS[i], strlen(TOKENIZER_ENDS[i])};
        const struct span_entry *entry = span_table_find(&d->specials, text);
        if (entry != NULL) return (uint32_t)entry->value;
    }
    return UINT32_MAX;
}

void tokenizer_draft_finish(struct tokenizer_draft *d, struct tokenizer **out)
{
    struct tokenizer *t = ARENA_NEW(d->a, struct tokenizer);
    t->pretokenize = pretokenize_build(d->a);
    t->pipeline = d->pipeline;
    t->tokens = d->tokens;
    t->n_ids = d->n_ids;
    t->bpe = bpe_take(&d->bpe, d->a);
    t->ids = span_table_take(&d->ids, d->a);
    t->end_of_text = end_of_text(d);
    t->hash = model_hash(t);
    *out = t;
}
