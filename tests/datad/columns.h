#pragma once
// A dataset on disk with the columns that a build may add: verdicts, languages, a score and loss
// runs, written by hand from a seed; what each document has can be asked for.

#include "base/file.h"
#include "base/pool.h"
#include "base/rng.h"
#include "shard/dataset/dataset.h"
#include "shard/dataset/dataset_index.h"
#include "shard/format/shard.h"
#include "shard/format/shard_writer.h"
#include "tests/check.h"

enum {
    COLUMNS_SHARDS = 2,
    COLUMNS_BINS = 3,       // of a shard
    COLUMNS_DOCUMENTS = 40, // of a bin
    COLUMNS_ALL = COLUMNS_SHARDS * COLUMNS_BINS * COLUMNS_DOCUMENTS,
    COLUMNS_VOCABULARY = 500,
    COLUMNS_RUNS = 6
};

struct columns_document {
    uint32_t n_tokens, n_runs;
    uint32_t runs[COLUMNS_RUNS];
    const char *verdict, *language;
    float quality;
};

struct columns_options {
    uint64_t seed;
    bool verdicts, losses;
    uint64_t bad; // this document's first loss run is longer than it; 0 = none
};

static const char *const columns_languages[] = {"en", "de", "fr"};
static const char *const columns_verdicts[] = {"kept", "gopher.words", "kept"};

/// Document d; its loss runs may end before it does.
__attribute__((unused)) static struct columns_document
columns_document(const struct columns_options *o, uint64_t d)
{
    const uint64_t key = rng_key(o->seed, "columns");
    struct columns_document out = {.n_tokens = 1 + (uint32_t)(rng_u64(key, d, 0) % 90),
                                   .verdict = columns_verdicts[rng_u64(key, d, 1) % 3],
                                   .language = columns_languages[rng_u64(key, d, 2) % 3],
                                   .quality = (float)(rng_u64(key, d, 3) % 10) / 10};
    uint32_t rest = out.n_tokens;
    out.n_runs = (uint32_t)(rng_u64(key, d, 4) % COLUMNS_RUNS);
    for (uint32_t i = 0; i < out.n_runs; i++) {
        out.runs[i] = (uint32_t)(rng_u64(key, d, 5 + i) % (rest + 1));
        rest -= out.runs[i];
    }
    if (o->bad > 0 && o->bad == d) {
        out.n_runs = 1;
        out.runs[0] = out.n_tokens + 1;
    }
    return out;
}

/// Whether token of a document counts for the loss.
__attribute__((unused)) static bool columns_counts(const struct columns_options *o,
                                                   const struct columns_document *d, uint32_t token)
{
    if (!o->losses || d->n_runs == 0) return true;
    uint32_t end = 0;
    for (uint32_t i = 0; i < d->n_runs; i++) {
        end += d->runs[i];
        if (token < end) return i % 2 == 1;
    }
    return false;
}

__attribute__((unused)) static uint32_t columns_token(uint64_t d, uint32_t token)
{
    return (uint32_t)(d * 31 + token) % (COLUMNS_VOCABULARY - 1);
}

static struct span columns_text(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

// A shard's columns while it is written.
struct columns_writer {
    struct shard_writer *w;
    uint32_t tokens, lengths, ids, sources, text_bytes, bin_documents, bin_tokens, verdict,
        language, quality, counts, runs;
};

static void columns_declare(struct columns_writer *c, const struct columns_options *o)
{
    c->tokens = shard_writer_column(c->w, "tokens", COLUMN_U16, FRAME_ZSTD);
    c->lengths = shard_writer_column(c->w, "lengths", COLUMN_U32, FRAME_ZSTD);
    c->ids = shard_writer_column(c->w, "ids", COLUMN_BLOB, FRAME_ZSTD);
    c->sources = shard_writer_column(c->w, "sources", COLUMN_BLOB, FRAME_ZSTD);
    c->text_bytes = shard_writer_column(c->w, "text_bytes", COLUMN_U32, FRAME_ZSTD);
    c->bin_documents = shard_writer_column(c->w, "bin_documents", COLUMN_U32, FRAME_NONE);
    c->bin_tokens = shard_writer_column(c->w, "bin_tokens", COLUMN_U64, FRAME_NONE);
    c->language = shard_writer_column(c->w, "language", COLUMN_BLOB, FRAME_ZSTD);
    c->quality = shard_writer_column(c->w, "score.quality", COLUMN_F32, FRAME_ZSTD);
    if (o->verdicts) c->verdict = shard_writer_column(c->w, "verdict", COLUMN_BLOB, FRAME_ZSTD);
    if (!o->losses) return;
    c->counts = shard_writer_column(c->w, "loss_run_counts", COLUMN_U32, FRAME_ZSTD);
    c->runs = shard_writer_column(c->w, "loss_runs", COLUMN_U32, FRAME_ZSTD);
}

static void columns_add(struct columns_writer *c, const struct columns_options *o, uint64_t number,
                        const struct columns_document *d)
{
    char id[32];
    snprintf(id, sizeof id, "document %llu", (unsigned long long)number);
    for (uint32_t i = 0; i < d->n_tokens; i++) {
        const uint32_t token =
            i + 1 == d->n_tokens ? COLUMNS_VOCABULARY - 1 : columns_token(number, i);
        CHECK_OK(shard_writer_add_u32(c->w, c->tokens, &token, 1));
    }
    const uint32_t n_bytes = 3 * d->n_tokens;
    CHECK_OK(shard_writer_add_u32(c->w, c->lengths, &d->n_tokens, 1));
    CHECK_OK(shard_writer_add_blob(c->w, c->ids, columns_text(id)));
    CHECK_OK(shard_writer_add_blob(c->w, c->sources, columns_text("made")));
    CHECK_OK(shard_writer_add_u32(c->w, c->text_bytes, &n_bytes, 1));
    CHECK_OK(shard_writer_add_blob(c->w, c->language, columns_text(d->language)));
    CHECK_OK(shard_writer_add_f32(c->w, c->quality, &d->quality, 1));
    if (o->verdicts) CHECK_OK(shard_writer_add_blob(c->w, c->verdict, columns_text(d->verdict)));
    if (!o->losses) return;
    CHECK_OK(shard_writer_add_u32(c->w, c->counts, &d->n_runs, 1));
    CHECK_OK(shard_writer_add_u32(c->w, c->runs, d->runs, d->n_runs));
}

static void columns_add_bin(struct columns_writer *c, const struct columns_options *o,
                            uint64_t first, uint64_t *n_tokens)
{
    const uint32_t n_documents = COLUMNS_DOCUMENTS;
    uint64_t n = 0;
    for (uint64_t i = 0; i < COLUMNS_DOCUMENTS; i++) {
        const struct columns_document d = columns_document(o, first + i);
        columns_add(c, o, first + i, &d);
        n += d.n_tokens;
    }
    CHECK_OK(shard_writer_cut(c->w, c->tokens));
    CHECK_OK(shard_writer_cut(c->w, c->lengths));
    CHECK_OK(shard_writer_add_u32(c->w, c->bin_documents, &n_documents, 1));
    CHECK_OK(shard_writer_add_u64(c->w, c->bin_tokens, &n, 1));
    *n_tokens += n;
}

static void columns_write_shard(const struct columns_options *o, uint64_t shard, const char *folder,
                                struct pool *pool, struct arena *a, struct dataset_index_shard *out)
{
    struct columns_writer c = {.w = shard_writer_open(a, pool)};
    struct layout layout;
    columns_declare(&c, o);
    *out = (struct dataset_index_shard){.file = arena_printf(a, "shard-%05d.shard", (int)shard),
                                        .n_documents = (uint64_t)COLUMNS_BINS * COLUMNS_DOCUMENTS,
                                        .n_bins = COLUMNS_BINS};
    for (uint64_t b = 0; b < COLUMNS_BINS; b++)
        columns_add_bin(&c, o, (shard * COLUMNS_BINS + b) * COLUMNS_DOCUMENTS, &out->n_tokens);
    const uint32_t vocabulary = COLUMNS_VOCABULARY, end = COLUMNS_VOCABULARY - 1;
    const uint64_t hash[2] = {0, 0};
    const uint32_t v = shard_writer_column(c.w, "vocabulary", COLUMN_U32, FRAME_NONE);
    const uint32_t e = shard_writer_column(c.w, "end_of_text", COLUMN_U32, FRAME_NONE);
    const uint32_t h = shard_writer_column(c.w, "tokenizer_hash", COLUMN_U64, FRAME_NONE);
    CHECK_OK(shard_writer_add_u32(c.w, v, &vocabulary, 1));
    CHECK_OK(shard_writer_add_u32(c.w, e, &end, 1));
    CHECK_OK(shard_writer_add_u64(c.w, h, hash, 2));
    CHECK_OK(shard_writer_finish(c.w, arena_printf(a, "%s/%s", folder, out->file), &layout));
    out->id = dataset_index_hex(layout.file_id, a);
    out->n_bytes = layout.file_bytes;
    shard_writer_close(c.w);
}

/// Writes folder.
__attribute__((unused)) static void columns_write(const struct columns_options *o,
                                                  const char *folder)
{
    struct arena a;
    struct pool *pool;
    arena_init(&a, "columns");
    CHECK_OK(pool_open(&a, 1, &pool));
    CHECK_OK(file_make_folders(folder));
    struct dataset_index_shard shards[COLUMNS_SHARDS];
    struct dataset_index index = {.shards = shards,
                                  .n_shards = COLUMNS_SHARDS,
                                  .vocabulary = COLUMNS_VOCABULARY,
                                  .end_of_text = COLUMNS_VOCABULARY - 1,
                                  .tokenizer_hash = dataset_index_hex((struct hash128){0}, &a),
                                  .tokenizer_file = "",
                                  .tokenizer_file_hash = ""};
    for (uint64_t i = 0; i < COLUMNS_SHARDS; i++) {
        columns_write_shard(o, i, folder, pool, &a, &shards[i]);
        index.n_documents += shards[i].n_documents;
        index.n_tokens += shards[i].n_tokens;
        index.n_bins += shards[i].n_bins;
    }
    CHECK_OK(dataset_index_write(&index, folder));
    pool_close(pool);
    arena_fini(&a);
}
