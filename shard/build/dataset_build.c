// The main thread reads a batch of records, the pool turns them into documents and tokens, the main
// thread appends them in the order in which they were read. Bins and shards are cut there, so they
// do not depend on threads. Frames are compressed by the same pool (shard/format/shard_writer.c).

#include "shard/build/dataset_build.h"

#include <string.h>

#include "base/file.h"
#include "base/pool.h"
#include "base/size.h"
#include "shard/dataset/dataset_folder.h"
#include "shard/dataset/dataset_index.h"
#include "shard/extract/html_text.h"
#include "shard/format/shard_writer.h"
#include "shard/read/reader.h"
#include "shard/tokenizer/tokenizer.h"

enum {
    BATCH_RECORDS = 4096,
    BATCH_BYTES = 16 << 20, // of records, but at least one
    KEPT_IDS = 1 << 16,     // ids of a slot that are kept for the next batch
    BYTE_VOCABULARY = 257,  // without a tokenizer: bytes and end_of_text
    BYTES_AT_ONCE = 4096,
    TOKENIZER_BYTES_LIMIT = 256 << 20
};

// A record on its way to a document.
struct slot {
    struct reader_record record;
    struct document document;
    struct span text;
    struct tokenizer_tokens tokens; // kept over batches
    enum err e;
    const char *error_line;
};

struct worker {
    struct arena texts; // documents of this batch
    struct tokenizer_scratch *scratch;
};

struct columns {
    uint32_t tokens, lengths, ids, sources, text_bytes;
    uint32_t bin_documents, bin_tokens, vocabulary, end_of_text, tokenizer_hash;
};

struct entry {
    struct dataset_index_shard shard;
    struct entry *next;
};

struct builder {
    const struct dataset_build_options *options;
    struct arena run, batch, shard;
    struct dataset_folder folder;
    struct tokenizer *tokenizer; // NULL: bytes
    uint32_t vocabulary, end_of_text;
    struct hash128 tokenizer_hash;
    struct pool *pool;
    struct worker *workers;
    struct reader_options reader_options;
    struct reader *reader;
    struct slot *slots;
    size_t n_slots;
    struct shard_writer *writer; // NULL between shards
    struct columns columns;
    uint64_t bin_documents, bin_tokens; // of the open bin
    struct dataset_index_shard counts;  // of the open shard
    struct entry *entries, **last_entry;
    struct dataset_build_result result;
};

// Batches

// The one text piece of a document; the text of a page.
static enum err take_text(struct slot *slot, struct arena *a)
{
    const struct document *document = &slot->document;
    slot->text = (struct span){0};
    if (document->n_pieces == 0) return OK;
    if (document->n_pieces > 1 || document->pieces[0].kind != DOCUMENT_TEXT)
        return fail(ERR_DATA, "%s: a document of more than one text", slot->record.file->path);
    slot->text = document->pieces[0].bytes;
    if (!document->html) return OK;
    const enum err e = html_text_extract(slot->text, a, &slot->text);
    return e == OK ? OK : fail_at(e, "%s", slot->record.file->path);
}

static enum err encode_slot(struct builder *b, struct slot *slot, struct worker *worker)
{
    slot->tokens.n_ids = 0;
    TRY(reader_document(&slot->record, &worker->texts, &slot->document));
    TRY(take_text(slot, &worker->texts));
    if (!b->tokenizer || slot->text.n_bytes == 0) return OK;
    return tokenizer_encode(b->tokenizer, worker->scratch, slot->text, &slot->tokens);
}

static void encode_task(void *context, size_t task_idx, size_t thread_idx)
{
    struct builder *b = context;
    struct slot *slot = &b->slots[task_idx];
    struct worker *worker = &b->workers[thread_idx];
    slot->e = encode_slot(b, slot, worker);
    if (slot->e != OK) slot->error_line = arena_strdup(&worker->texts, err_line());
}

static enum err read_batch(struct builder *b, bool *more)
{
    size_t n_bytes = 0;
    *more = true;
    b->n_slots = 0;
    while (b->n_slots < BATCH_RECORDS && n_bytes < BATCH_BYTES) {
        struct slot *slot = &b->slots[b->n_slots];
        TRY(reader_next(b->reader, &b->batch, &slot->record, more));
        if (!*more) return OK;
        n_bytes += slot->record.raw.n_bytes;
        b->n_slots++;
    }
    return OK;
}

// Bins and shards

static void begin_shard(struct builder *b)
{
    const enum frame_codec codec = b->options->codec;
    struct shard_writer *w = shard_writer_open(&b->shard, b->pool);
    const enum column_type token = b->vocabulary <= 1 << 16 ? COLUMN_U16 : COLUMN_U32;
    b->columns = (struct columns){
        .tokens = shard_writer_column(w, "tokens", token, codec),
        .lengths = shard_writer_column(w, "lengths", COLUMN_U32, codec),
        .ids = shard_writer_column(w, "ids", COLUMN_BLOB, codec),
        .sources = shard_writer_column(w, "sources", COLUMN_BLOB, codec),
        .text_bytes = shard_writer_column(w, "text_bytes", COLUMN_U32, codec),
        .bin_documents = shard_writer_column(w, "bin_documents", COLUMN_U32, codec),
        .bin_tokens = shard_writer_column(w, "bin_tokens", COLUMN_U64, codec),
        .vocabulary = shard_writer_column(w, "vocabulary", COLUMN_U32, FRAME_NONE),
        .end_of_text = shard_writer_column(w, "end_of_text", COLUMN_U32, FRAME_NONE),
        .tokenizer_hash = shard_writer_column(w, "tokenizer_hash", COLUMN_U64, FRAME_NONE)};
    b->writer = w;
    b->counts = (struct dataset_index_shard){0};
}

// Ends the bin; tokens and lengths begin a new frame with it, so that a bin is read without others.
static enum err end_bin(struct builder *b)
{
    if (b->bin_documents == 0) return OK;
    TRY(shard_writer_add_u64(b->writer, b->columns.bin_documents, &b->bin_documents, 1));
    TRY(shard_writer_add_u64(b->writer, b->columns.bin_tokens, &b->bin_tokens, 1));
    TRY(shard_writer_cut(b->writer, b->columns.tokens));
    TRY(shard_writer_cut(b->writer, b->columns.lengths));
    b->counts.n_bins++;
    b->bin_documents = b->bin_tokens = 0;
    return OK;
}

static void add_entry(struct builder *b, const struct layout *l, const char *file)
{
    struct entry *entry = ARENA_NEW(&b->run, struct entry);
    entry->shard = b->counts;
    entry->shard.file = file;
    entry->shard.id = dataset_index_hex(l->file_id, &b->run);
    entry->shard.n_bytes = l->file_bytes;
    *b->last_entry = entry;
    b->last_entry = &entry->next;
    b->result.n_shards++;
    b->result.n_bins += b->counts.n_bins;
    b->result.file_bytes += l->file_bytes;
}

static enum err end_shard(struct builder *b)
{
    TRY(end_bin(b));
    const uint64_t hash[2] = {b->tokenizer_hash.lo, b->tokenizer_hash.hi};
    TRY(shard_writer_add_u32(b->writer, b->columns.vocabulary, &b->vocabulary, 1));
    TRY(shard_writer_add_u32(b->writer, b->columns.end_of_text, &b->end_of_text, 1));
    TRY(shard_writer_add_u64(b->writer, b->columns.tokenizer_hash, hash, 2));
    if (b->result.n_shards == DATASET_INDEX_SHARDS_LIMIT)
        return fail(ERR_DATA, "more than %d shards: write larger ones (--shard-tokens)",
                    DATASET_INDEX_SHARDS_LIMIT);
    const char *file =
        arena_printf(&b->run, "shard-%05llu.shard", (unsigned long long)b->result.n_shards);
    struct layout l;
    TRY(shard_writer_finish(b->writer, arena_printf(&b->shard, "%s/%s", b->folder.partial, file),
                            &l));
    add_entry(b, &l, file);
    shard_writer_close(b->writer);
    b->writer = NULL;
    arena_reset(&b->shard);
    return OK;
}

// Documents

static enum err add_tokens(struct builder *b, const struct slot *slot)
{
    const uint32_t column = b->columns.tokens;
    if (b->tokenizer)
        TRY(shard_writer_add_u32(b->writer, column, slot->tokens.ids, slot->tokens.n_ids));
    const struct span text = b->tokenizer ? (struct span){0} : slot->text;
    for (size_t done = 0; done < text.n_bytes;) {
        uint32_t ids[BYTES_AT_ONCE];
        const size_t n = size_min(BYTES_AT_ONCE, text.n_bytes - done);
        for (size_t i = 0; i < n; i++)
            ids[i] = text.data[done + i];
        TRY(shard_writer_add_u32(b->writer, column, ids, n));
        done += n;
    }
    return shard_writer_add_u32(b->writer, column, &b->end_of_text, 1);
}

static enum err add_document(struct builder *b, const struct slot *slot)
{
    const struct document *document = &slot->document;
    const uint64_t n_tokens = 1 + (b->tokenizer ? slot->tokens.n_ids : slot->text.n_bytes);
    ASSERT(n_tokens <= UINT32_MAX); // READER_DOCUMENT_LIMIT
    if (b->bin_documents && b->bin_tokens + n_tokens > b->options->bin_tokens) {
        TRY(end_bin(b));
        if (b->counts.n_tokens >= b->options->shard_tokens) TRY(end_shard(b));
    }
    if (!b->writer) begin_shard(b);
    const char *source = slot->record.file->source;
    const uint32_t length = (uint32_t)n_tokens, text_bytes = (uint32_t)slot->text.n_bytes;
    TRY(add_tokens(b, slot));
    TRY(shard_writer_add_u32(b->writer, b->columns.lengths, &length, 1));
    TRY(shard_writer_add_u32(b->writer, b->columns.text_bytes, &text_bytes, 1));
    TRY(shard_writer_add_blob(b->writer, b->columns.ids, document->id));
    TRY(shard_writer_add_blob(b->writer, b->columns.sources,
                              (struct span){(const uint8_t *)source, strlen(source)}));
    b->bin_documents++;
    b->bin_tokens += n_tokens;
    b->counts.n_documents++;
    b->counts.n_tokens += n_tokens;
    b->result.n_documents++;
    b->result.n_tokens += n_tokens;
    b->result.text_bytes += text_bytes;
    return OK;
}

static enum err add_slot(struct builder *b, struct slot *slot)
{
    if (slot->e == ERR_DATA && b->options->skip_bad) {
        b->result.n_bad++;
        return OK;
    }
    if (slot->e != OK) return fail(slot->e, "%s", slot->error_line);
    if (slot->text.n_bytes == 0) {
        b->result.n_empty++;
        return OK;
    }
    TRY(add_document(b, slot));
    if (slot->tokens.capacity > KEPT_IDS) {
        tokenizer_tokens_free(&slot->tokens);
        slot->tokens = (struct tokenizer_tokens){0};
    }
    return OK;
}

static enum err build_documents(struct builder *b)
{
    for (bool more = true; more;) {
        TRY(read_batch(b, &more));
        pool_run(b->pool, b->n_slots, encode_task, b);
        for (size_t i = 0; i < b->n_slots; i++)
            TRY(add_slot(b, &b->slots[i]));
        if (b->options->progress) b->options->progress(b->options->context, &b->result);
        arena_reset(&b->batch);
        for (size_t i = 0; i < pool_n_threads(b->pool); i++)
            arena_reset(&b->workers[i].texts);
    }
    if (b->writer) TRY(end_shard(b));
    if (b->result.n_documents == 0)
        return fail(ERR_DATA, "no document in the input (%llu files read, %llu empty documents)",
                    (unsigned long long)b->result.n_files, (unsigned long long)b->result.n_empty);
    return OK;
}

// The whole

static enum err load_tokenizer(struct builder *b)
{
    b->vocabulary = BYTE_VOCABULARY;
    b->end_of_text = BYTE_VOCABULARY - 1;
    if (!b->options->tokenizer) return OK;
    TRY(tokenizer_open(b->options->tokenizer, &b->run, &b->tokenizer));
    b->vocabulary = tokenizer_vocabulary(b->tokenizer);
    b->end_of_text = tokenizer_end_of_text(b->tokenizer);
    b->tokenizer_hash = tokenizer_hash(b->tokenizer);
    if (b->end_of_text >= b->vocabulary)
        return fail(ERR_DATA, "%s: no <|endoftext|> in its vocabulary to end documents with",
                    b->options->tokenizer);
    return OK;
}

static enum err open_workers(struct builder *b)
{
    const size_t n = b->options->n_workers;
    TRY(pool_open(&b->run, n, &b->pool));
    b->workers = ARENA_ARRAY(&b->run, struct worker, n);
    b->slots = ARENA_ARRAY(&b->run, struct slot, BATCH_RECORDS);
    for (size_t i = 0; i < n; i++)
        arena_init(&b->workers[i].texts, "worker's texts");
    for (size_t i = 0; i < n && b->tokenizer; i++)
        TRY(tokenizer_scratch_open(&b->workers[i].scratch));
    return OK;
}

static enum err write_tokenizer(struct builder *b, struct dataset_index *index)
{
    index->tokenizer_file = index->tokenizer_file_hash = "";
    if (!b->tokenizer) return OK;
    const char *path = arena_printf(&b->run, "%s/tokenizer.json", b->folder.partial);
    struct span bytes;
    TRY(tokenizer_save(b->tokenizer, path));
    TRY(file_read(path, TOKENIZER_BYTES_LIMIT, &b->run, &bytes));
    index->tokenizer_file = "tokenizer.json";
    index->tokenizer_file_hash =
        dataset_index_hex(hash_xxh3_128(bytes.data, bytes.n_bytes), &b->run);
    return OK;
}

static enum err write_index(struct builder *b)
{
    struct dataset_index index = {.n_shards = b->result.n_shards,
                                  .n_documents = b->result.n_documents,
                                  .n_tokens = b->result.n_tokens,
                                  .n_bins = b->result.n_bins,
                                  .vocabulary = b->vocabulary,
                                  .end_of_text = b->end_of_text};
    index.tokenizer_hash = dataset_index_hex(b->tokenizer_hash, &b->run);
    index.shards = ARENA_ARRAY(&b->run, struct dataset_index_shard, index.n_shards);
    size_t n = 0;
    for (const struct entry *entry = b->entries; entry; entry = entry->next)
        index.shards[n++] = entry->shard;
    TRY(write_tokenizer(b, &index));
    return dataset_index_write(&index, b->folder.partial);
}

static enum err build(struct builder *b)
{
    const struct dataset_build_options *o = b->options;
    struct inputs inputs;
    TRY(inputs_list(o->inputs, o->n_inputs, &b->run, &inputs));
    b->result.n_files = inputs.n_files;
    b->result.n_skipped_files = inputs.n_skipped;
    TRY(load_tokenizer(b));
    TRY(dataset_folder_begin(o->out, &b->run, &b->folder));
    TRY(open_workers(b));
    b->reader_options = (struct reader_options){.separator = o->separator, .skip_bad = o->skip_bad};
    b->reader = reader_open(&inputs, &b->reader_options, &b->run);
    TRY(build_documents(b));
    b->result.n_bad += reader_loss(b->reader).n_documents;
    TRY(write_index(b));
    return dataset_folder_commit(&b->folder);
}

static void release(struct builder *b)
{
    if (b->writer) shard_writer_close(b->writer);
    if (b->reader) reader_close(b->reader);
    for (size_t i = 0; b->slots && i < BATCH_RECORDS; i++)
        tokenizer_tokens_free(&b->slots[i].tokens);
    for (size_t i = 0; b->workers && i < b->options->n_workers; i++) {
        if (b->workers[i].scratch) tokenizer_scratch_close(b->workers[i].scratch);
        arena_fini(&b->workers[i].texts);
    }
    if (b->pool) pool_close(b->pool);
    dataset_folder_end(&b->folder);
    arena_fini(&b->shard);
    arena_fini(&b->batch);
    arena_fini(&b->run);
}

enum err dataset_build(const struct dataset_build_options *options,
                       struct dataset_build_result *out)
{
    ASSERT(options->n_workers >= 1 && options->bin_tokens >= 1 && options->shard_tokens >= 1);
    struct builder b = {.options = options, .folder = {.fd = -1}};
    b.last_entry = &b.entries;
    arena_init(&b.run, "shard build");
    arena_init(&b.batch, "batch of records");
    arena_init(&b.shard, "shard");
    const enum err e = build(&b);
    if (e == OK) *out = b.result;
    release(&b);
    return e;
}
