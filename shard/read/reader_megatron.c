// Megatron's pair of files: NAME.idx says where the sequences of NAME.bin stand and which of them
// are a document. Layout of the index, little-endian: "MMIDIDX\0\0", u64 version 1, u8 type of
// tokens, u64 sequences, u64 documents + 1; then i32 lengths and i64 byte offsets of the sequences,
// i64 first sequence of each document and one past the last, and maybe i8 modes of the sequences.
//
// The tables are read where they are needed, so memory does not grow with them. A document's
// sequences are joined; an end of text at its end is left off.

#include <string.h>

#include "base/little.h"
#include "shard/read/reader_kind.h"
#include "shard/read/token_file.h"

enum { HEADER_BYTES = 34, TOKENS_LIMIT = READER_DOCUMENT_LIMIT / 4 };

static const char MAGIC[9] = "MMIDIDX\0";

struct megatron_state {
    struct token_file lengths, offsets, documents, modes; // views of the index, a buffer each
    struct token_file tokens;
    enum token_file_type type;
    uint64_t n_sequences, n_documents;
    uint64_t lengths_at, offsets_at, documents_at, modes_at; // modes_at 0 = none
    uint64_t document;                                       // the next
};

bool reader_megatron_sniff(struct span head)
{
    return head.n_bytes >= sizeof MAGIC && memcmp(head.data, MAGIC, sizeof MAGIC) == 0;
}

static enum err damaged(const struct reader *r, const char *what)
{
    return fail(ERR_DATA, "%s: %s", r->file->path, what);
}

// The tables' places, which must be exactly the file.
static enum err lay_out(struct reader *r, struct megatron_state *state)
{
    struct token_file *f = &state->lengths;
    uint64_t bytes[HEADER_BYTES];
    uint8_t header[HEADER_BYTES];
    TRY(token_file_read(f, TOKEN_FILE_U8, 0, HEADER_BYTES, bytes));
    for (size_t i = 0; i < HEADER_BYTES; i++)
        header[i] = (uint8_t)bytes[i];
    const uint8_t type = header[17];
    const uint64_t n = little_get_u64(header + 18), m = little_get_u64(header + 26);
    if (memcmp(header, MAGIC, sizeof MAGIC) != 0) return damaged(r, "not a Megatron index");
    if (little_get_u64(header + 9) != 1) return damaged(r, "a Megatron index of another version");
    if (!(type >= TOKEN_FILE_U8 && type <= TOKEN_FILE_I64) && type != TOKEN_FILE_U16)
        return damaged(r, "its tokens are not whole numbers");
    if (n > f->n_bytes / 12 || m > f->n_bytes / 8 || m == 0)
        return damaged(r, "more sequences or documents than the file has room for");
    state->type = (enum token_file_type)type;
    state->n_sequences = n;
    state->n_documents = m - 1;
    state->lengths_at = HEADER_BYTES;
    state->offsets_at = state->lengths_at + 4 * n;
    state->documents_at = state->offsets_at + 8 * n;
    const uint64_t end = state->documents_at + 8 * m;
    if (f->n_bytes == end + n && n) state->modes_at = end;
    if (f->n_bytes != end && !state->modes_at) return damaged(r, "longer or shorter than it says");
    return OK;
}

static const char *tokens_path(struct reader *r)
{
    const char *path = r->file->path, *dot = strrchr(path, '.');
    const int n = dot && !strchr(dot, '/') ? (int)(dot - path) : (int)strlen(path);
    return arena_printf(&r->file_arena, "%.*s.bin", n, path);
}

static enum err open_files(struct reader *r, struct megatron_state *state)
{
    struct arena *a = &r->file_arena;
    TRY(token_file_open(r->file->path, a, &state->lengths));
    TRY(token_file_open(r->file->path, a, &state->offsets));
    TRY(token_file_open(r->file->path, a, &state->documents));
    TRY(token_file_open(r->file->path, a, &state->modes));
    TRY(token_file_open(tokens_path(r), a, &state->tokens));
    TRY(lay_out(r, state));
    uint64_t first;
    TRY(token_file_read(&state->documents, TOKEN_FILE_I64, state->documents_at, 1, &first));
    return first == 0 ? OK : damaged(r, "its first document does not begin at sequence 0");
}

void reader_megatron_close(struct reader *r)
{
    struct megatron_state *state = r->state;
    token_file_close(&state->lengths);
    token_file_close(&state->offsets);
    token_file_close(&state->documents);
    token_file_close(&state->modes);
    token_file_close(&state->tokens);
}

static enum err begin(struct reader *r)
{
    r->state = ARENA_NEW(&r->file_arena, struct megatron_state);
    const enum err e = open_files(r, r->state);
    r->ended = e != OK; // without its tables nothing of it can be read
    if (e == ERR_DATA) r->loss.n_bytes += r->file->n_bytes;
    return e;
}

// Where a sequence stands in the file of tokens.
static enum err find_sequence(struct reader *r, uint64_t sequence, uint64_t *offset, uint64_t *n)
{
    struct megatron_state *state = r->state;
    uint64_t mode = 0;
    TRY(token_file_read(&state->lengths, TOKEN_FILE_I32, state->lengths_at + 4 * sequence, 1, n));
    TRY(token_file_read(&state->offsets, TOKEN_FILE_I64, state->offsets_at + 8 * sequence, 1,
                        offset));
    if (state->modes_at)
        TRY(token_file_read(&state->modes, TOKEN_FILE_I8, state->modes_at + sequence, 1, &mode));
    if (mode) return damaged(r, "a sequence that is no text (mode)");
    const uint32_t width = token_file_width(state->type);
    const uint64_t n_bytes = state->tokens.n_bytes;
    if (*offset % width || *offset > n_bytes || *n > (n_bytes - *offset) / width)
        return damaged(r, "a sequence outside of its .bin file");
    return OK;
}

static enum err read_sequences(struct reader *r, uint64_t first, uint64_t end, struct arena *a,
                               struct reader_record *out)
{
    struct megatron_state *state = r->state;
    uint32_t *tokens = NULL;
    size_t n_tokens = 0, capacity = 0;
    for (uint64_t i = first; i < end; i++) {
        uint64_t offset, n;
        TRY(find_sequence(r, i, &offset, &n));
        if (n > TOKENS_LIMIT - n_tokens) return damaged(r, "a document longer than the limit");
        tokens = ARENA_GROW(a, uint32_t, tokens, n_tokens + (size_t)n, &capacity);
        TRY(token_file_read_tokens(&state->tokens, state->type, offset, (size_t)n,
                                   tokens + n_tokens));
        n_tokens += (size_t)n;
    }
    const struct reader_options *o = r->options;
    n_tokens -= n_tokens && o->has_end_of_text && tokens[n_tokens - 1] == o->end_of_text;
    *out = reader_record_of_tokens(r, tokens, n_tokens, a);
    return OK;
}

enum err reader_megatron_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    if (!r->state) TRY(begin(r));
    struct megatron_state *state = r->state;
    r->ended = r->ended || state->document == state->n_documents;
    if (r->ended) return OK;
    uint64_t sequences[2];
    r->number++;
    const uint64_t at = state->documents_at + 8 * state->document++;
    TRY(token_file_read(&state->documents, TOKEN_FILE_I64, at, 2, sequences));
    if (sequences[0] > sequences[1] || sequences[1] > state->n_sequences)
        return damaged(r, "a document of sequences that are not there");
    return read_sequences(r, sequences[0], sequences[1], a, out);
}

enum err reader_tokens_document(const struct reader_record *record, struct arena *a,
                                struct document *out)
{
    struct piece_list pieces = {.arena = a};
    piece_list_add(&pieces, DOCUMENT_TOKENS, true, record->raw);
    piece_list_end(&pieces, out);
    return OK;
}
