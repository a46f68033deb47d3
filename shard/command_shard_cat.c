#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "shard/command_shard.h"
#include "shard/dataset/dataset.h"
#include "shard/tokenizer/tokenizer.h"

static const uint64_t ALL = UINT64_MAX;

struct printer {
    const struct dataset *dataset;
    struct tokenizer *tokenizer; // NULL: tokens are bytes
    bool as_tokens;
};

static void print_tokens(const uint32_t *tokens, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        printf("%u%c", tokens[i], i + 1 < n ? ' ' : '\n');
}

// Without the end_of_text that ends every document.
static void print_text(const struct printer *p, const uint32_t *tokens, uint32_t n)
{
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (!p->tokenizer) {
            if (tokens[i] < 256) putchar((int)tokens[i]); // others are bins of a trajectory
            continue;
        }
        const struct span bytes = i == 0 ? tokenizer_bytes_first(p->tokenizer, tokens[i])
                                         : tokenizer_bytes(p->tokenizer, tokens[i]);
        fwrite(bytes.data, 1, bytes.n_bytes, stdout);
    }
}

static void print_document(const struct printer *p, const uint32_t *tokens, uint32_t n)
{
    if (p->as_tokens)
        print_tokens(tokens, n);
    else
        print_text(p, tokens, n);
}

static enum err check_stdout(void)
{
    return ferror(stdout) ? fail(ERR_IO, "write standard output: %s", strerror(errno)) : OK;
}

static enum err print_bin(const struct printer *p, uint64_t bin, struct arena *a)
{
    const struct dataset_bin b = dataset_bin(p->dataset, bin);
    uint32_t *lengths = ARENA_ARRAY(a, uint32_t, b.n_documents);
    uint32_t *tokens = ARENA_ARRAY(a, uint32_t, b.n_tokens);
    TRY(dataset_read_lengths(p->dataset, bin, lengths));
    TRY(dataset_read_tokens(p->dataset, bin, tokens));
    for (uint64_t i = 0; i < b.n_documents; tokens += lengths[i++]) {
        if (!p->as_tokens && (bin || i)) printf("\n\f\n");
        print_document(p, tokens, lengths[i]);
    }
    return check_stdout();
}

static enum err print_all(const struct printer *p)
{
    struct arena a;
    arena_init(&a, "shard cat");
    enum err e = OK;
    for (uint64_t bin = 0; bin < dataset_info(p->dataset)->n_bins && e == OK; bin++) {
        e = print_bin(p, bin, &a);
        arena_reset(&a);
    }
    arena_fini(&a);
    return e;
}

static enum err open_tokenizer(struct printer *p, struct arena *a)
{
    const struct dataset_info *info = dataset_info(p->dataset);
    if (!info->tokenizer_file[0] || p->as_tokens) return OK;
    TRY(tokenizer_open(info->tokenizer_file, a, &p->tokenizer));
    const struct hash128 hash = tokenizer_hash(p->tokenizer);
    if (hash.lo != info->tokenizer_hash.lo || hash.hi != info->tokenizer_hash.hi)
        return fail(ERR_DATA, "%s: not the tokenizer that the shards were made with",
                    info->tokenizer_file);
    return OK;
}

static enum err cat(struct printer *p, uint64_t document, struct arena *a)
{
    TRY(open_tokenizer(p, a));
    if (document == ALL) return print_all(p);
    struct dataset_document d;
    TRY(dataset_read_document(p->dataset, document, a, &d));
    print_document(p, d.tokens, d.n_tokens);
    return check_stdout();
}

enum err command_shard_cat(int argc, char **argv)
{
    bool as_tokens = false, as_text = false;
    uint64_t document = ALL;
    const struct cli_option options[] = {
        {"text", 0, CLI_FLAG, &as_text, NULL,
         "decoded text (default); a form feed between documents"},
        {"tokens", 0, CLI_FLAG, &as_tokens, NULL, "token ids, a line a document"},
        {"document", 0, CLI_U64, &document, "N", "only this one, from 0"}};
    const struct cli_usage usage = {.synopsis =
                                        "weft shard cat [--text|--tokens] [--document N] DIR",
                                    .summary = "print documents of a dataset",
                                    .example = "weft shard cat --document 3 data/books",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    const char *folder;
    TRY(cli_parse_one(argc, argv, &usage, &folder));
    if (as_tokens && as_text) return fail(ERR_USAGE, "--text and --tokens exclude each other");
    struct arena a;
    struct dataset *d = NULL;
    arena_init(&a, "shard cat");
    enum err e = dataset_open(folder, &a, &d);
    if (e == OK) e = cat(&(struct printer){.dataset = d, .as_tokens = as_tokens}, document, &a);
    dataset_close(d);
    arena_fini(&a);
    return e;
}
