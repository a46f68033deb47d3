#include "shard/build/encode.h"

#include "base/grow.h"
#include "base/little.h"
#include "shard/image/image.h"

enum err encoder_open(struct encoder *e, const char *path, uint32_t n_bins, struct arena *a)
{
    *e = (struct encoder){.vocabulary = ENCODER_BYTE_VOCABULARY,
                          .end_of_text = ENCODER_BYTE_VOCABULARY - 1};
    if (path) {
        struct tokenizer *tokenizer;
        TRY(tokenizer_open(path, a, &tokenizer));
        e->tokenizer = tokenizer;
        e->vocabulary = tokenizer_vocabulary(tokenizer);
        e->end_of_text = tokenizer_end_of_text(tokenizer);
        e->hash = tokenizer_hash(tokenizer);
        if (e->end_of_text >= e->vocabulary)
            return fail(ERR_DATA, "%s: no <|endoftext|> in its vocabulary to end documents with",
                        path);
    }
    e->first_bin = e->vocabulary;
    e->n_bins = n_bins;
    if (__builtin_add_overflow(e->vocabulary, n_bins, &e->vocabulary))
        return fail(ERR_DATA, "%u bins do not fit behind a vocabulary of %u", n_bins, e->first_bin);
    return OK;
}

// Of one row.
struct encoding {
    const struct encoder *encoder;
    struct encode_scratch *scratch;
    struct part_row *row;
    struct tokenizer_tokens *tokens;
    struct part_image *images;
    uint32_t *loss_runs; // loss_runs[n_loss_runs - 1] is open; even ones have no loss
    uint32_t n_loss_runs;
};

static enum err add_id(struct encoding *x, uint32_t id)
{
    struct tokenizer_tokens *t = x->tokens;
    TRY(grow_array(&t->ids, &t->capacity, t->n_ids + 1, sizeof *t->ids));
    t->ids[t->n_ids++] = id;
    return OK;
}

static enum err add_text(struct encoding *x, struct span text)
{
    const struct encoder *e = x->encoder;
    if (e->tokenizer && text.n_bytes)
        return tokenizer_encode(e->tokenizer, x->scratch->tokenizer, text, x->tokens);
    if (e->tokenizer) return OK;
    struct tokenizer_tokens *t = x->tokens;
    TRY(grow_array(&t->ids, &t->capacity, t->n_ids + text.n_bytes, sizeof *t->ids));
    for (size_t i = 0; i < text.n_bytes; i++)
        t->ids[t->n_ids++] = text.data[i];
    return OK;
}

static enum err at_row(const struct encoding *x, enum err e)
{
    const struct part_row *row = x->row;
    return fail_at(e, "document %.*s of %.*s", (int)row->id.n_bytes, (const char *)row->id.data,
                   (int)row->source.n_bytes, (const char *)row->source.data);
}

static enum err add_tokens(struct encoding *x, struct span bytes)
{
    for (size_t at = 0; at + 4 <= bytes.n_bytes; at += 4) {
        const uint32_t id = little_get_u32(bytes.data + at);
        if (id >= x->encoder->vocabulary)
            return at_row(x, fail(ERR_DATA,
                                  "token %u is none of the tokenizer's %u; -t names "
                                  "the one that made it",
                                  id, x->encoder->vocabulary));
        TRY(add_id(x, id));
    }
    return OK;
}

static enum err add_bins(struct encoding *x, struct span bytes)
{
    for (size_t at = 0; at + 2 <= bytes.n_bytes; at += 2) {
        const uint32_t bin = little_get_u16(bytes.data + at);
        if (bin >= x->encoder->n_bins)
            return at_row(x, fail(ERR_DATA, "bin %u of %u", bin, x->encoder->n_bins));
        TRY(add_id(x, x->encoder->first_bin + bin));
    }
    return OK;
}

static enum err add_image(struct encoding *x, struct span bytes)
{
    struct image_info info;
    TRY(image_header(bytes, &image_limits_default, &info));
    x->images[x->row->n_images++] =
        (struct part_image){(uint32_t)x->tokens->n_ids, info.width, info.height, bytes};
    return OK;
}

static enum err add_piece(struct encoding *x, const struct document_piece *piece)
{
    switch (piece->kind) {
    case DOCUMENT_TEXT:
        return add_text(x, piece->bytes);
    case DOCUMENT_TOKENS:
        return add_tokens(x, piece->bytes);
    case DOCUMENT_BINS:
        return add_bins(x, piece->bytes);
    case DOCUMENT_IMAGE:
        return add_image(x, piece->bytes);
    }
    return OK;
}

// The next n tokens have loss or not.
static void add_run(struct encoding *x, bool loss, size_t n)
{
    if (n == 0) return;
    if ((x->n_loss_runs - 1) % 2 != loss) x->loss_runs[x->n_loss_runs++] = 0;
    x->loss_runs[x->n_loss_runs - 1] += (uint32_t)n;
}

// The end of text has loss as the last piece that has tokens or text of its own.
static enum err add_pieces(struct encoding *x)
{
    bool loss = true;
    for (uint32_t i = 0; i < x->row->n_pieces; i++) {
        const struct document_piece *piece = &x->row->pieces[i];
        const size_t before = x->tokens->n_ids;
        TRY(add_piece(x, piece));
        if (piece->kind == DOCUMENT_IMAGE) continue;
        add_run(x, piece->loss, x->tokens->n_ids - before);
        loss = piece->loss;
    }
    TRY(add_id(x, x->encoder->end_of_text));
    add_run(x, loss, 1);
    return OK;
}

enum err encode_row(const struct encoder *e, struct encode_scratch *s, struct part_row *row,
                    struct tokenizer_tokens *tokens, struct arena *a)
{
    struct encoding x = {.encoder = e, .scratch = s, .row = row, .tokens = tokens};
    x.images = ARENA_ARRAY(a, struct part_image, row->n_pieces);
    x.loss_runs = ARENA_ARRAY(a, uint32_t, row->n_pieces + 3);
    x.n_loss_runs = 1;
    tokens->n_ids = 0;
    row->n_images = 0;
    TRY(add_pieces(&x));
    if (tokens->n_ids > UINT32_MAX)
        return at_row(&x, fail(ERR_DATA, "%zu tokens, the limit is %u", tokens->n_ids, UINT32_MAX));
    row->tokens = tokens->ids;
    row->n_tokens = (uint32_t)tokens->n_ids;
    row->images = x.images;
    row->loss_runs = x.loss_runs;
    row->n_loss_runs = x.n_loss_runs == 2 && x.loss_runs[0] == 0 ? 0 : x.n_loss_runs;
    row->pieces = NULL;
    row->n_pieces = 0;
    return OK;
}
