#include <string.h>

#include "base/grow.h"
#include "shard/tokenizer/piece_cache.h"
#include "shard/tokenizer/sentencepiece.h"
#include "shard/tokenizer/tokenizer_model.h"

struct tokenizer_scratch {
    struct arena a;           // holds this struct and the cache
    struct hash128 tokenizer; // whose pieces are in the cache
    struct piece_cache cache;
    struct bpe_scratch bpe;
    struct normalize_buffer normal;
    struct sentencepiece_model *model; // of that tokenizer, if it is one
};

enum err tokenizer_scratch_open(struct tokenizer_scratch **out)
{
    struct arena a;
    arena_init(&a, "tokenizer scratch");
    struct piece_entry *entries =
        arena_array(&a, PIECE_CACHE_SLOTS, sizeof(struct piece_entry), 64);
    struct tokenizer_scratch *s = ARENA_NEW(&a, struct tokenizer_scratch);
    s->cache.entries = entries;
    s->a = a;
    *out = s;
    return OK;
}

void tokenizer_scratch_close(struct tokenizer_scratch *s)
{
    if (s == NULL) return;
    bpe_scratch_close(&s->bpe);
    normalize_buffer_free(&s->normal);
    sentencepiece_close(s->model);
    struct arena a = s->a;
    arena_fini(&a);
}

void tokenizer_tokens_free(struct tokenizer_tokens *tokens)
{
    grow_free(tokens->ids);
    *tokens = (struct tokenizer_tokens){0};
}

// ids gets the tokens of piece's characters, or of the bytes of those that are none.
static size_t characters_of(const struct tokenizer *t, struct span piece, uint32_t *ids)
{
    size_t n_ids = 0;
    while (piece.n_bytes > 0) {
        size_t n = pretokenize_character(t->pretokenize, piece);
        const struct span_entry *entry = span_table_find(&t->ids, (struct span){piece.data, n});
        if (entry != NULL)
            ids[n_ids++] = (uint32_t)entry->value;
        else
            for (size_t i = 0; i < n; i++)
                ids[n_ids++] = t->bpe.byte_ids[piece.data[i]];
        piece = (struct span){piece.data + n, piece.n_bytes - n};
    }
    return n_ids;
}

static enum err encode_piece(const struct tokenizer *t, struct tokenizer_scratch *s,
                             struct span piece, struct tokenizer_tokens *out)
{
    if (t->pipeline.whole_pieces) {
        const struct span_entry *whole = span_table_find(&t->ids, piece);
        if (whole != NULL) {
            out->ids[out->n_ids++] = (uint32_t)whole->value;
            return OK;
        }
    }
    TRY(grow_array(&out->ids, &out->capacity, out->n_ids + piece.n_bytes, sizeof *out->ids));
    uint32_t *ids = out->ids + out->n_ids;
    size_t n_ids;
    if (t->pipeline.characters) {
        n_ids = characters_of(t, piece, ids);
        TRY(bpe_join(&t->bpe, &s->bpe, ids, &n_ids));
    } else {
        TRY(bpe_encode(&t->bpe, &s->bpe, piece, ids, &n_ids));
    }
    out->n_ids += n_ids;
    return OK;
}

// As encode_piece; leaves the result in the cache's place for key if it fits.
static enum err encode_miss(const struct tokenizer *t, struct tokenizer_scratch *s,
                            struct span piece, const struct piece_key *key,
                            struct piece_entry *entry, struct tokenizer_tokens *out)
{
    size_t first = out->n_ids;
    TRY(encode_piece(t, s, piece, out));
    size_t n_ids = out->n_ids - first;
    if (n_ids > PIECE_CACHE_IDS) return OK;
    entry->key = *key;
    entry->n_bytes = (uint8_t)piece.n_bytes;
    entry->n_ids = (uint8_t)n_ids;
    memcpy(entry->ids, out->ids + first, n_ids * sizeof *entry->ids);
    return OK;
}

// A piece at the beginning of readable_bytes that may be read.
static enum err encode_cached(const struct tokenizer *t, struct tokenizer_scratch *s,
                              struct span piece, size_t readable_bytes,
                              struct tokenizer_tokens *out)
{
    TRY(grow_array(&out->ids, &out->capacity, out->n_ids + PIECE_CACHE_IDS, sizeof *out->ids));
    if (piece.n_bytes > PIECE_CACHE_KEY_BYTES) return encode_piece(t, s, piece, out);
    const struct piece_key key = piece_key_of(piece, readable_bytes);
    struct piece_entry *entry = piece_cache_at(&s->cache, &key);
    if (!piece_entry_holds(entry, &key, piece.n_bytes))
        return encode_miss(t, s, piece, &key, entry, out);
    memcpy(out->ids + out->n_ids, entry->ids, sizeof entry->ids);
    out->n_ids += entry->n_ids;
    return OK;
}

// Cuts text by the rules from rule_idx on and encodes the pieces.
static enum err encode_pieces(const struct tokenizer *t, struct tokenizer_scratch *s,
                              size_t rule_idx, struct span text, struct tokenizer_tokens *out)
{
    bool last = rule_idx + 1 >= t->pipeline.n_rules;
    while (text.n_bytes > 0) {
        struct span piece = text;
        if (rule_idx < t->pipeline.n_rules)
            piece.n_bytes = pretokenize_next(t->pretokenize, t->pipeline.rules[rule_idx], text);
        if (last)
            TRY(encode_cached(t, s, piece, text.n_bytes, out));
        else
            TRY(encode_pieces(t, s, rule_idx + 1, piece, out));
        text = (struct span){text.data + piece.n_bytes, text.n_bytes - piece.n_bytes};
    }
    return OK;
}

// Makes s the scratch of t: what it remembers of another tokenizer is dropped.
static enum err scratch_turn_to(struct tokenizer_scratch *s, const struct tokenizer *t)
{
    if (s->tokenizer.lo == t->hash.lo && s->tokenizer.hi == t->hash.hi) return OK;
    memset(s->cache.entries, 0, PIECE_CACHE_SLOTS * sizeof *s->cache.entries);
    sentencepiece_close(s->model);
    s->model = NULL;
    s->tokenizer = (struct hash128){0};
    if (t->model.n_bytes > 0) TRY(sentencepiece_open(t->model, "a tokenizer", &s->model));
    s->tokenizer = t->hash;
    return OK;
}

enum err tokenizer_encode(const struct tokenizer *t, struct tokenizer_scratch *s, struct span text,
                          struct tokenizer_tokens *out)
{
    TRY(scratch_turn_to(s, t));
    if (s->model != NULL) {
        const uint32_t *ids;
        size_t n_ids;
        TRY(sentencepiece_encode(s->model, text, &ids, &n_ids));
        TRY(grow_array(&out->ids, &out->capacity, out->n_ids + n_ids, sizeof *out->ids));
        if (n_ids > 0) memcpy(out->ids + out->n_ids, ids, n_ids * sizeof *ids);
        out->n_ids += n_ids;
        return OK;
    }
    const struct tokenizer_pipeline *p = &t->pipeline;
    struct span normal;
    TRY(normalize_text(p->form, p->prefix, p->characters, text, &s->normal, &normal));
    return encode_pieces(t, s, 0, normal, out);
}
