// llm.c's files of tokens: a header of 256 i32 (magic, version, number of tokens), then the tokens:
// magic 20240520, version 1: u16; magic 20240801, version 7: u32. A document begins with a token
// that ends texts: the one of the tokenizer at hand where that is known, else GPT-2's 50256 or
// Llama 3's 128000 (which begins its texts; its <|end_of_text|> is 128001). Files cut documents:
// what stands before the first such token is a document too.

#include <string.h>

#include "base/little.h"
#include "base/size.h"
#include "shard/read/reader_kind.h"
#include "shard/read/token_file.h"

enum {
    HEADER_BYTES = 1024,
    TOKENS_LIMIT = READER_DOCUMENT_LIMIT / 4,
    TOKENS_AT_ONCE = 4096,
    GPT2_END = 50256,
    LLAMA3_BEGIN = 128000,
    LLAMA3_END = 128001
};

static const struct {
    uint32_t magic, version, end;
    enum token_file_type type;
} FORMATS[] = {{20240520, 1, GPT2_END, TOKEN_FILE_U16},
               {20240801, 7, LLAMA3_BEGIN, TOKEN_FILE_U32}};
enum { N_FORMATS = sizeof FORMATS / sizeof FORMATS[0] };

struct llmc_state {
    struct token_file tokens;
    enum token_file_type type;
    uint32_t end_of_text;
    uint64_t n_tokens, next;
    uint32_t ahead[TOKENS_AT_ONCE]; // tokens [first, end) of it are read and not yet taken
    size_t first, end;
};

bool reader_llmc_sniff(struct span head)
{
    if (head.n_bytes < HEADER_BYTES) return false;
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (little_get_u32(head.data) == FORMATS[i].magic) return true;
    }
    return false;
}

static enum err read_header(struct reader *r, struct llmc_state *state)
{
    uint32_t header[3];
    const struct reader_options *o = r->options;
    TRY(token_file_read_tokens(&state->tokens, TOKEN_FILE_U32, 0, 3, header));
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (header[0] != FORMATS[i].magic || header[1] != FORMATS[i].version) continue;
        state->type = FORMATS[i].type;
        state->end_of_text = FORMATS[i].end;
    }
    if (!state->type)
        return fail(ERR_DATA,
                    "%s: not llm.c's tokens of a known version; of Megatron's pair give "
                    "the .idx",
                    r->file->path);
    const bool llama3 = state->end_of_text == LLAMA3_BEGIN && o->end_of_text == LLAMA3_END;
    if (o->has_end_of_text && !llama3) state->end_of_text = o->end_of_text;
    state->n_tokens = header[2];
    const uint64_t expected = HEADER_BYTES + state->n_tokens * token_file_width(state->type);
    if (state->tokens.n_bytes != expected)
        return fail(ERR_DATA, "%s: %llu bytes, %u tokens take %llu", r->file->path,
                    (unsigned long long)state->tokens.n_bytes, header[2],
                    (unsigned long long)expected);
    return OK;
}

static enum err begin(struct reader *r)
{
    struct llmc_state *state = ARENA_NEW(&r->file_arena, struct llmc_state);
    r->state = state;
    enum err e = token_file_open(r->file->path, &r->file_arena, &state->tokens);
    if (e == OK) e = read_header(r, state);
    r->ended = e != OK;
    if (e == ERR_DATA) r->loss.n_bytes += r->file->n_bytes;
    return e;
}

void reader_llmc_close(struct reader *r)
{
    struct llmc_state *state = r->state;
    token_file_close(&state->tokens);
}

static enum err read_ahead(struct llmc_state *state)
{
    const size_t n = (size_t)size_min(TOKENS_AT_ONCE, state->n_tokens - state->next);
    const uint64_t at = HEADER_BYTES + state->next * token_file_width(state->type);
    TRY(token_file_read_tokens(&state->tokens, state->type, at, n, state->ahead));
    state->next += n;
    state->first = 0;
    state->end = n;
    return OK;
}

// Takes tokens up to the next end of text, which is taken too; no more than the limit are kept.
static enum err take_document(struct llmc_state *state, struct arena *a, uint32_t **tokens,
                              uint64_t *n)
{
    size_t capacity = 0;
    *tokens = NULL;
    *n = 0;
    for (;;) {
        if (state->first == state->end && state->next == state->n_tokens) return OK;
        if (state->first == state->end) TRY(read_ahead(state));
        size_t at = state->first;
        while (at < state->end && state->ahead[at] != state->end_of_text)
            at++;
        const size_t n_more = at - state->first;
        if (*n + n_more <= TOKENS_LIMIT) {
            *tokens = ARENA_GROW(a, uint32_t, *tokens, (size_t)*n + n_more, &capacity);
            memcpy(*tokens + *n, state->ahead + state->first, n_more * sizeof **tokens);
        }
        *n += n_more;
        const bool ends = at < state->end;
        state->first = at + ends;
        if (ends) return OK;
    }
}

enum err reader_llmc_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    if (!r->state) TRY(begin(r));
    struct llmc_state *state = r->state;
    for (;;) {
        r->ended = r->ended || (state->first == state->end && state->next == state->n_tokens);
        if (r->ended) return OK;
        uint32_t *tokens;
        uint64_t n;
        TRY(take_document(state, a, &tokens, &n));
        if (n == 0) continue;
        r->number++;
        if (n <= TOKENS_LIMIT) {
            *out = reader_record_of_tokens(r, tokens, (size_t)n, a);
            return OK;
        }
        r->loss.n_bytes += n * token_file_width(state->type);
        return fail(ERR_DATA, "%s: document %llu has more than %d tokens", r->file->path,
                    (unsigned long long)r->number, TOKENS_LIMIT);
    }
}
