#pragma once
// Loads any bytes as a tokenizer and uses what loads. The first byte says the format; for GPT-2's
// two files a NUL byte is between them.

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "shard/tokenizer/tokenizer_model.h"

static inline enum err devour_load(struct span input, struct arena *a, struct tokenizer **out)
{
    const struct span text = {input.data + 1, input.n_bytes - 1};
    if (input.data[0] == 'j') return tokenizer_load_json(text, "fuzz", a, out);
    if (input.data[0] == 'm') return tokenizer_load_model(text, "fuzz", a, out);
    if (input.data[0] == 'r')
        return tokenizer_load_ranks(text, PRETOKENIZE_N_RULES, "fuzz", a, out);
    const uint8_t *end = memchr(text.data, 0, text.n_bytes);
    size_t n = end == NULL ? text.n_bytes : (size_t)(end - text.data);
    const struct span merges = {text.data + n, text.n_bytes - n};
    return tokenizer_load_gpt2((struct span){text.data, n}, merges, "fuzz", a, out);
}

// Ids are in the vocabulary; without normalizer, prefix and spaces written otherwise their bytes
// are the text.
static inline void devour_text(const struct tokenizer *t, struct span text)
{
    struct tokenizer_scratch *s;
    struct tokenizer_tokens tokens = {0};
    ASSERT(tokenizer_scratch_open(&s) == OK);
    enum err e = tokenizer_encode(t, s, text, &tokens);
    ASSERT(e == OK || (e == ERR_DATA && t->model.n_bytes > 0));
    const struct tokenizer_pipeline *p = &t->pipeline;
    bool same = t->model.n_bytes == 0 && p->form == NORMALIZE_NONE && !p->characters &&
                p->prefix == NORMALIZE_NO_PREFIX;
    size_t at = 0;
    for (size_t i = 0; i < tokens.n_ids; i++) {
        ASSERT(tokens.ids[i] < tokenizer_vocabulary(t));
        struct span bytes = tokenizer_bytes(t, tokens.ids[i]);
        ASSERT(tokenizer_bytes_first(t, tokens.ids[i]).n_bytes <= bytes.n_bytes);
        if (!same) continue;
        ASSERT(bytes.n_bytes > 0 && bytes.n_bytes <= text.n_bytes - at);
        ASSERT(memcmp(bytes.data, text.data + at, bytes.n_bytes) == 0);
        at += bytes.n_bytes;
    }
    ASSERT(!same || at == text.n_bytes);
    tokenizer_tokens_free(&tokens);
    tokenizer_scratch_close(s);
}

// What is saved loads again, the same.
static inline void devour_save(const struct tokenizer *t, struct arena *a)
{
    const char *path = arena_printf(a, "devour.%d.%s", (int)getpid(), tokenizer_file_name(t));
    struct tokenizer *back;
    ASSERT(tokenizer_save(t, path) == OK);
    ASSERT(tokenizer_open(path, a, &back) == OK);
    ASSERT(file_remove_tree(path) == OK);
    struct hash128 x = tokenizer_hash(t), y = tokenizer_hash(back);
    ASSERT(x.lo == y.lo && x.hi == y.hi);
}

static inline enum err devour(struct span input, bool save)
{
    static const uint8_t text[] =
        "ab AB abab\xC3\xA9 e\xCC\x81 12345 \xE2\x96\x81 <sep>\n\xFF\0 ab";
    if (input.n_bytes == 0) return ERR_DATA;
    struct arena a;
    arena_init(&a, "devour");
    struct tokenizer *t;
    enum err e = devour_load(input, &a, &t);
    ASSERT(e == OK || e == ERR_DATA);
    if (e == OK) {
        devour_text(t, input);
        devour_text(t, (struct span){text, sizeof text - 1});
        if (save) devour_save(t, &a);
    }
    arena_fini(&a);
    return e;
}
