// weft tokenizer train: records are read in batches by this thread; the pool makes documents of
// them and counts their pieces, each thread for itself.
#include "shard/command_tokenizer_train.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/log.h"
#include "base/pool.h"
#include "shard/extract/extract.h"
#include "shard/lost.h"
#include "shard/read/reader.h"
#include "shard/read/reader_kind.h"
#include "shard/tokenizer/bpe_train.h"

enum {
    OPERANDS_LIMIT = 1 << 20,
    WORKERS_LIMIT = 1024,
    BATCH_RECORDS = 4096,
    BATCH_BYTES = 32 << 20, // and one record more
};

struct slot {
    struct reader_record record;
    enum err e;
    char *line; // of the error
};

struct training {
    const char *out_path, *rule_name, *extract_name;
    enum pretokenize_rule rule;
    uint64_t vocabulary, n_workers;
    bool json;
    struct inputs inputs;
    struct reader_options reading;
    struct extract_options extract;
    uint64_t n_documents;
    struct lost lost;
    struct arena run, batch;
    struct arena *texts; // one a thread, for one record
    struct arena *lines; // one a thread, of this batch's errors
    struct pool *pool;
    struct reader *reader;
    struct bpe_train *train;
    struct slot *slots; // BATCH_RECORDS
    size_t n_slots;
};

static enum err extract(const struct training *t, const struct reader_record *record,
                        const struct document *page, struct arena *a, struct span *text)
{
    const enum err e = extract_page(*text, page->charset, &t->extract, a, text);
    return e == OK ? OK : reader_fail_at(record, e);
}

static enum err count_record(struct training *t, const struct reader_record *record,
                             size_t thread_idx)
{
    struct arena *a = &t->texts[thread_idx];
    struct document document;
    arena_reset(a);
    TRY(reader_document(record, a, &document));
    for (size_t i = 0; i < document.n_pieces; i++) {
        struct span text = document.pieces[i].bytes;
        if (document.pieces[i].kind != DOCUMENT_TEXT) continue;
        if (document.html) TRY(extract(t, record, &document, a, &text));
        TRY(bpe_train_add(t->train, thread_idx, text));
    }
    return OK;
}

static void count_task(void *context, size_t task_idx, size_t thread_idx)
{
    struct training *t = context;
    struct slot *slot = &t->slots[task_idx];
    slot->e = count_record(t, &slot->record, thread_idx);
    slot->line = slot->e == OK ? NULL : arena_strdup(&t->lines[thread_idx], err_line());
}

static enum err read_batch(struct training *t, bool *more)
{
    arena_reset(&t->batch);
    t->n_slots = 0;
    for (size_t n_bytes = 0; t->n_slots < BATCH_RECORDS && n_bytes < BATCH_BYTES;) {
        struct slot *slot = &t->slots[t->n_slots];
        TRY(reader_next(t->reader, &t->batch, &slot->record, more));
        if (!*more) break;
        n_bytes += slot->record.raw.n_bytes;
        t->n_slots++;
    }
    return OK;
}

static enum err take_slot(struct training *t, const struct slot *slot)
{
    if (slot->e == ERR_DATA && t->reading.skip_bad)
        lost_add(&t->lost, slot->line);
    else if (slot->e != OK)
        return fail(slot->e, "%s", slot->line);
    t->n_documents += slot->e == OK;
    return OK;
}

static enum err count_batch(struct training *t)
{
    pool_run(t->pool, t->n_slots, count_task, t);
    for (size_t i = 0; i < t->n_slots; i++)
        TRY(take_slot(t, &t->slots[i]));
    for (size_t i = 0; i < t->n_workers; i++)
        arena_reset(&t->lines[i]);
    log_progress("counting words: %" PRIu64 " documents, %.1f MB", t->n_documents,
                 (double)bpe_train_bytes(t->train) / 1e6);
    return bpe_train_settle(t->train, t->pool, false);
}

static void report(const struct training *t, const struct tokenizer *tokenizer)
{
    char hash[33];
    hash_hex(tokenizer_hash(tokenizer), hash);
    uint32_t vocabulary = tokenizer_vocabulary(tokenizer);
    if (vocabulary < t->vocabulary)
        log_line("the text gives %" PRIu32 " tokens, not %" PRIu64, vocabulary, t->vocabulary);
    log_progress_end();
    printf(t->json ? "{\"documents\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"vocabulary\": %" PRIu32
                     ", \"hash\": \"%s\"}\n"
                   : "documents %" PRIu64 " bytes %" PRIu64 " vocabulary %" PRIu32 " hash %s\n",
           t->n_documents, bpe_train_bytes(t->train), vocabulary, hash);
    if (t->lost.n && !t->json) printf("left out %" PRIu64 " bad documents\n", t->lost.n);
}

static enum err train_all(struct training *t)
{
    struct tokenizer *tokenizer;
    for (bool more = true; more;) {
        TRY(read_batch(t, &more));
        TRY(count_batch(t));
    }
    TRY(bpe_train_settle(t->train, t->pool, true));
    log_progress("joining pairs");
    TRY(bpe_train_run(t->train, t->vocabulary, &t->run, &tokenizer));
    TRY(tokenizer_save(tokenizer, t->out_path));
    report(t, tokenizer);
    return OK;
}

static enum err train_on(struct training *t, char *const *operands, size_t n_operands)
{
    arena_init(&t->run, "tokenizer train");
    arena_init(&t->batch, "batch");
    t->texts = ARENA_ARRAY(&t->run, struct arena, t->n_workers);
    t->slots = ARENA_ARRAY(&t->run, struct slot, BATCH_RECORDS);
    t->lines = ARENA_ARRAY(&t->run, struct arena, t->n_workers);
    for (size_t i = 0; i < t->n_workers; i++) {
        arena_init(&t->texts[i], "document");
        arena_init(&t->lines[i], "lines of errors");
    }
    enum err e = inputs_list(operands, n_operands, &t->run, &t->inputs);
    if (e == OK) e = pool_open(&t->run, t->n_workers, &t->pool);
    if (e == OK) t->reader = reader_open(&t->inputs, &t->reading, &t->run);
    if (e == OK) e = bpe_train_open(t->rule, t->n_workers, &t->run, &t->train);
    if (e == OK) e = train_all(t);
    bpe_train_close(t->train);
    if (t->reader != NULL) reader_close(t->reader);
    if (t->pool != NULL) pool_close(t->pool);
    for (size_t i = 0; i < t->n_workers; i++) {
        arena_fini(&t->texts[i]);
        arena_fini(&t->lines[i]);
    }
    arena_fini(&t->batch);
    arena_fini(&t->run);
    return e;
}

enum err command_tokenizer_train(int argc, char **argv)
{
    struct training t = {
        .n_workers = pool_usable_cores(), .rule_name = "gpt2", .extract_name = "main"};
    const struct cli_option options[] = {
        {"output", 'o', CLI_TEXT, &t.out_path, "TOK", "the tokenizer.json to write"},
        {"vocab", 'v', CLI_U64, &t.vocabulary, "N", "number of tokens, <|endoftext|> included"},
        {"rule", 0, CLI_TEXT, &t.rule_name, "NAME", "gpt2 (default), cl100k, qwen2, o200k, tekken"},
        {"extract", 0, CLI_TEXT, &t.extract_name, "HOW",
         "of HTML: main content (default) or plain, as weft shard build"},
        {"skip-bad", 0, CLI_FLAG, &t.reading.skip_bad, NULL, "leave out unreadable documents"},
        {"workers", 0, CLI_U64, &t.n_workers, "N", "threads; the output does not depend on it"},
        {"json", 0, CLI_FLAG, &t.json, NULL, "print the figures as JSON"}};
    const struct cli_usage usage = {
        .synopsis = "weft tokenizer train -o TOK --vocab N [OPTION]... INPUT...",
        .summary = "train a byte-level BPE vocabulary on what weft shard build reads",
        .example = "weft tokenizer train -o tokenizer.json --vocab 8192 /usr/share/doc",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_operands = 1,
        .max_operands = OPERANDS_LIMIT};
    char **operands;
    size_t n_operands;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    if (t.out_path == NULL) return fail(ERR_USAGE, "weft tokenizer train: no -o TOK given");
    t.rule = pretokenize_rule_named(t.rule_name, strlen(t.rule_name));
    if (t.rule > PRETOKENIZE_TEKKEN)
        return fail(ERR_USAGE,
                    "weft tokenizer train: --rule '%s' is none of gpt2, cl100k, qwen2, "
                    "o200k and tekken",
                    t.rule_name);
    if (t.n_workers < 1 || t.n_workers > WORKERS_LIMIT)
        return fail(ERR_USAGE, "weft tokenizer train: --workers %" PRIu64 "; from 1 to %d",
                    t.n_workers, WORKERS_LIMIT);
    TRY(extract_mode_named(t.extract_name, &t.extract.mode));
    t.reading.lost = lost_add;
    t.reading.context = &t.lost;
    TRY(bpe_train_check_vocabulary(t.vocabulary)); // before hours of reading
    return train_on(&t, operands, n_operands);
}
