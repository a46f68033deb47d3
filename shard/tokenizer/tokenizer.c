#include "shard/tokenizer/tokenizer.h"

#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "shard/tokenizer/piece_cache.h"
#include "shard/tokenizer/tokenizer_model.h"

struct tokenizer_scratch {
    struct arena a;           // holds this struct and the cache
    struct hash128 tokenizer; // whose pieces are in the cache
    struct piece_cache cache;
    struct bpe_scratch bpe;
};

uint32_t tokenizer_vocabulary(const struct tokenizer *t)
{
    return t->n_ids;
}

uint32_t tokenizer_end_of_text(const struct tokenizer *t)
{
    return t->end_of_text;
}

struct hash128 tokenizer_hash(const struct tokenizer *t)
{
    return t->hash;
}

struct span tokenizer_bytes(const struct tokenizer *t, uint32_t id)
{
    return id < t->n_ids ? t->tokens[id].bytes : (struct span){0};
}

struct span tokenizer_bytes_first(const struct tokenizer *t, uint32_t id)
{
    return tokenizer_bytes(t, id);
}

const char *tokenizer_file_name(const struct tokenizer *t)
{
    (void)t;
    return "tokenizer.json";
}

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
    struct arena a = s->a;
    arena_fini(&a);
}

void tokenizer_tokens_free(struct tokenizer_tokens *tokens)
{
    grow_free(tokens->ids);
    *tokens = (struct tokenizer_tokens){0};
}

static enum err encode_piece(const struct tokenizer *t, struct tokenizer_scratch *s,
                             struct span piece, struct tokenizer_tokens *out)
{
    if (t->whole_pieces) {
        const struct span_entry *whole = span_table_find(&t->ids, piece);
        if (whole != NULL) {
            out->ids[out->n_ids++] = (uint32_t)whole->value;
            return OK;
        }
    }
    TRY(grow_array(&out->ids, &out->capacity, out->n_ids + piece.n_bytes, sizeof *out->ids));
    size_t n_ids;
    TRY(bpe_encode(&t->bpe, &s->bpe, piece, out->ids + out->n_ids, &n_ids));
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

static void scratch_belongs_to(struct tokenizer_scratch *s, const struct tokenizer *t)
{
    if (s->tokenizer.lo == t->hash.lo && s->tokenizer.hi == t->hash.hi) return;
    memset(s->cache.entries, 0, PIECE_CACHE_SLOTS * sizeof *s->cache.entries);
    s->tokenizer = t->hash;
}

enum err tokenizer_encode(const struct tokenizer *t, struct tokenizer_scratch *s, struct span text,
                          struct tokenizer_tokens *out)
{
    scratch_belongs_to(s, t);
    while (text.n_bytes > 0) {
        const struct span piece = {text.data, pretokenize_next(t->pretokenize, text)};
        TRY(grow_array(&out->ids, &out->capacity, out->n_ids + PIECE_CACHE_IDS, sizeof *out->ids));
        if (piece.n_bytes > PIECE_CACHE_KEY_BYTES) {
            TRY(encode_piece(t, s, piece, out));
        } else {
            const struct piece_key key = piece_key_of(piece, text.n_bytes);
            struct piece_entry *entry = piece_cache_at(&s->cache, &key);
            if (piece_entry_holds(entry, &key, piece.n_bytes)) {
                memcpy(out->ids + out->n_ids, entry->ids, sizeof entry->ids);
                out->n_ids += entry->n_ids;
            } else {
                TRY(encode_miss(t, s, piece, &key, entry, out));
            }
        }
        text.data += piece.n_bytes;
        text.n_bytes -= piece.n_bytes;
    }
    return OK;
}

static enum err open_folder(const char *path, struct arena *scratch, struct arena *a,
                            struct tokenizer **out)
{
    static const char *const names[][2] = {{"encoder.json", "vocab.bpe"},
                                           {"vocab.json", "merges.txt"}};
    struct span text;
    const char *json = arena_printf(scratch, "%s/tokenizer.json", path);
    if (file_exists(json)) {
        TRY(file_read(json, TOKENIZER_FILE_LIMIT_BYTES, scratch, &text));
        return tokenizer_load_json(text, json, a, out);
    }
    for (size_t i = 0; i < 2; i++) {
        const char *vocabulary = arena_printf(scratch, "%s/%s", path, names[i][0]);
        if (!file_exists(vocabulary)) continue;
        const char *merges = arena_printf(scratch, "%s/%s", path, names[i][1]);
        struct span merges_text;
        TRY(file_read(vocabulary, TOKENIZER_FILE_LIMIT_BYTES, scratch, &text));
        TRY(file_read(merges, TOKENIZER_FILE_LIMIT_BYTES, scratch, &merges_text));
        return tokenizer_load_gpt2(text, merges_text, path, a, out);
    }
    return fail(ERR_DATA,
                "%s: no tokenizer here: neither tokenizer.json nor encoder.json with vocab.bpe",
                path);
}

static enum err open_file(const char *path, struct arena *scratch, struct arena *a,
                          struct tokenizer **out)
{
    struct span text;
    TRY(file_read(path, TOKENIZER_FILE_LIMIT_BYTES, scratch, &text));
    size_t at = 0;
    while (at < text.n_bytes && (text.data[at] == ' ' || text.data[at] == '\n' ||
                                 text.data[at] == '\r' || text.data[at] == '\t'))
        at++;
    if (at < text.n_bytes && text.data[at] == '{') return tokenizer_load_json(text, path, a, out);
    return tokenizer_load_ranks(text, path, a, out);
}

enum err tokenizer_open(const char *path, struct arena *a, struct tokenizer **out)
{
    struct arena scratch;
    arena_init(&scratch, "tokenizer file");
    enum err e = file_is_folder(path) ? open_folder(path, &scratch, a, out)
                                      : open_file(path, &scratch, a, out);
    arena_fini(&scratch);
    return e;
}
