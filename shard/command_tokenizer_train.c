#include "shard/command_tokenizer_train.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/log.h"
#include "shard/extract/html_text.h"
#include "shard/read/reader.h"
#include "shard/tokenizer/bpe_train.h"

enum { OPERANDS_LIMIT = 1 << 20, PROGRESS_DOCUMENTS = 256 };

struct training {
    const char *out_path;
    uint64_t vocabulary;
    bool json;
    struct inputs inputs;
    uint64_t n_documents;
};

static enum err add_document(struct bpe_train *train, const struct document *document,
                             struct arena *a)
{
    for (size_t i = 0; i < document->n_pieces; i++) {
        struct span text = document->pieces[i].bytes;
        if (document->pieces[i].kind != DOCUMENT_TEXT) continue;
        if (document->html) TRY(html_text_extract(text, a, &text));
        TRY(bpe_train_add(train, text));
    }
    return OK;
}

static enum err add_records(struct training *training, struct reader *reader,
                            struct bpe_train *train)
{
    bool more = true;
    while (more) {
        struct arena a;
        arena_init(&a, "document");
        struct reader_record record;
        struct document document;
        enum err e = reader_next(reader, &a, &record, &more);
        if (e == OK && more) e = reader_document(&record, &a, &document);
        if (e == OK && more) e = add_document(train, &document, &a);
        arena_fini(&a);
        TRY(e);
        training->n_documents += more;
        if (training->n_documents % PROGRESS_DOCUMENTS == 0)
            log_progress("counting words: %" PRIu64 " documents, %.1f MB", training->n_documents,
                         (double)bpe_train_bytes(train) / 1e6);
    }
    return OK;
}

static void report(const struct training *t, const struct bpe_train *train,
                   const struct tokenizer *tokenizer)
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
           t->n_documents, bpe_train_bytes(train), vocabulary, hash);
}

static enum err train_into(struct training *t, struct reader *reader, struct bpe_train *train,
                           struct arena *a)
{
    struct tokenizer *tokenizer;
    TRY(add_records(t, reader, train));
    log_progress("joining pairs");
    TRY(bpe_train_run(train, t->vocabulary, a, &tokenizer));
    TRY(tokenizer_save(tokenizer, t->out_path));
    report(t, train, tokenizer);
    return OK;
}

static enum err train_on(struct training *t, char *const *operands, size_t n_operands)
{
    struct arena a;
    arena_init(&a, "tokenizer train");
    struct reader *reader = NULL;
    struct bpe_train *train = NULL;
    enum err e = inputs_list(operands, n_operands, &a, &t->inputs);
    const struct reader_options options = {0};
    if (e == OK) reader = reader_open(&t->inputs, &options, &a);
    if (e == OK) e = bpe_train_open(&a, &train);
    if (e == OK) e = train_into(t, reader, train, &a);
    if (reader != NULL) reader_close(reader);
    bpe_train_close(train);
    arena_fini(&a);
    return e;
}

enum err command_tokenizer_train(int argc, char **argv)
{
    struct training t = {0};
    const struct cli_option options[] = {
        {"output", 'o', CLI_TEXT, &t.out_path, "TOK", "the tokenizer.json to write"},
        {"vocab", 'v', CLI_U64, &t.vocabulary, "N", "number of tokens, <|endoftext|> included"},
        {"json", 0, CLI_FLAG, &t.json, NULL, "print the figures as JSON"}};
    const struct cli_usage usage = {
        .synopsis = "weft tokenizer train -o TOK --vocab N INPUT...",
        .summary = "train a byte-level BPE vocabulary on text, HTML and JSONL files and folders",
        .example = "weft tokenizer train -o tokenizer.json --vocab 8192 /usr/share/doc",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_operands = 1,
        .max_operands = OPERANDS_LIMIT};
    char **operands;
    size_t n_operands;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    if (t.out_path == NULL) return fail(ERR_USAGE, "weft tokenizer train: no -o TOK given");
    TRY(bpe_train_check_vocabulary(t.vocabulary)); // before hours of reading
    return train_on(&t, operands, n_operands);
}
