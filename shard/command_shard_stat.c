#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/json_text.h"
#include "base/size.h"
#include "shard/command_shard.h"
#include "shard/dataset/dataset.h"
#include "shard/dataset/dataset_filter.h"
#include "shard/dataset/dataset_index.h"
#include "shard/format/shard.h"

// Sums over the shards of a dataset; a column is one of the same name and type in each.
struct column_sum {
    const struct layout_column *first;
    uint64_t n_elems, n_frames, raw_bytes, stored_bytes;
};

// Documents whose verdict is kept: what datad serves without a filter.
struct kept {
    bool verdicts; // false: all are
    uint64_t n_documents, n_tokens, text_bytes;
};

struct stat {
    const struct dataset_info *info;
    struct kept kept;
    struct dataset_index index;
    uint64_t text_bytes, file_bytes, raw_bytes;
    struct column_sum columns[COLUMN_LIMIT];
    size_t n_columns;
};

static struct column_sum *find_sum(struct stat *st, const struct layout_column *column)
{
    for (size_t i = 0; i < st->n_columns; i++) {
        const struct layout_column *first = st->columns[i].first;
        if (strcmp(first->name, column->name) == 0 && first->type == column->type)
            return &st->columns[i];
    }
    if (st->n_columns == COLUMN_LIMIT) return NULL;
    st->columns[st->n_columns].first = column;
    return &st->columns[st->n_columns++];
}

// Sums a column of the bin's documents, and of those that are kept.
static enum err sum_column(const struct dataset *d, const struct dataset_bin *bin, const char *name,
                           const uint8_t *keep, struct arena *a, uint64_t *all, uint64_t *kept)
{
    const struct shard *s = dataset_shard(d, bin->shard);
    uint32_t column, *values = ARENA_ARRAY(a, uint32_t, bin->n_documents);
    TRY(shard_column(s, name, &column));
    TRY(shard_read_u32(s, column, bin->first_document, bin->n_documents, values));
    for (uint64_t i = 0; i < bin->n_documents; i++) {
        *all += values[i];
        *kept += keep[i] ? values[i] : 0;
    }
    return OK;
}

static enum err add_bin(struct stat *st, const struct dataset *d, const struct dataset_filter *f,
                        uint64_t idx, struct arena *a)
{
    const struct dataset_bin bin = dataset_bin(d, idx);
    uint8_t *keep = arena_alloc(a, bin.n_documents, 1);
    memset(keep, 1, bin.n_documents);
    if (f) TRY(dataset_filter_read(f, idx, keep));
    for (uint64_t i = 0; i < bin.n_documents; i++)
        st->kept.n_documents += keep[i];
    uint64_t n_tokens = 0; // of all; the index has it
    TRY(sum_column(d, &bin, "lengths", keep, a, &n_tokens, &st->kept.n_tokens));
    return sum_column(d, &bin, "text_bytes", keep, a, &st->text_bytes, &st->kept.text_bytes);
}

static enum err add_bins(struct stat *st, const struct dataset *d, struct arena *a)
{
    struct dataset_filter *f;
    struct arena scratch;
    TRY(dataset_filter_open(d, "", a, &f));
    st->kept.verdicts = f;
    arena_init(&scratch, "bin");
    enum err e = OK;
    for (uint64_t i = 0; i < st->info->n_bins && e == OK; i++) {
        e = add_bin(st, d, f, i, &scratch);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    return e;
}

static enum err add_shard(struct stat *st, const struct shard *s)
{
    const struct layout *l = shard_layout(s);
    st->file_bytes += l->file_bytes;
    for (uint32_t c = 0; c < l->n_columns; c++) {
        struct column_sum *sum = find_sum(st, &l->columns[c]);
        if (!sum) return fail(ERR_DATA, "%s: more than %d columns", shard_name(s), COLUMN_LIMIT);
        sum->n_elems += l->columns[c].n_elems;
        sum->n_frames += l->columns[c].n_frames;
        sum->raw_bytes += l->columns[c].raw_bytes;
        sum->stored_bytes += l->columns[c].stored_bytes;
        st->raw_bytes += l->columns[c].raw_bytes;
    }
    return OK;
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

static void print_share(const char *name, uint64_t n_documents, uint64_t n_tokens,
                        uint64_t text_bytes, const char *what)
{
    printf("%-13s %llu documents, %llu tokens, %llu text bytes: %s\n", name,
           (unsigned long long)n_documents, (unsigned long long)n_tokens,
           (unsigned long long)text_bytes, what);
}

// Only with --keep-dropped: else the totals are what is kept.
static void print_kept(const struct stat *st)
{
    const struct kept *kept = &st->kept;
    if (!kept->verdicts) return;
    print_share("of these kept", kept->n_documents, kept->n_tokens, kept->text_bytes,
                "the funnel's end, and what datad serves without a filter");
    print_share("and dropped", st->info->n_documents - kept->n_documents,
                st->info->n_tokens - kept->n_tokens, st->text_bytes - kept->text_bytes,
                "each with the rule that drops it as its verdict (--keep-dropped)");
}

static void print_table(const struct stat *st, struct arena *a)
{
    const struct dataset_info *info = st->info;
    char hash[33], tokenizer[33];
    hash_hex(info->hash, hash);
    hash_hex(info->tokenizer_hash, tokenizer);
    printf("hash          %s\n", hash);
    printf("tokenizer     %s\n", info->tokenizer_file[0] ? tokenizer : "none (a token a byte)");
    printf("vocabulary    %u\n", info->vocabulary);
    printf("shards        %llu\n", (unsigned long long)info->n_shards);
    printf("bins          %llu (at most %llu tokens)\n", (unsigned long long)info->n_bins,
           (unsigned long long)info->max_bin_tokens);
    printf("documents     %llu\n", (unsigned long long)info->n_documents);
    printf("tokens        %llu (%.1f a document)\n", (unsigned long long)info->n_tokens,
           ratio(info->n_tokens, info->n_documents));
    printf("text bytes    %llu (%.3f a token)\n", (unsigned long long)st->text_bytes,
           ratio(st->text_bytes, info->n_tokens - info->n_documents));
    printf("file bytes    %llu (columns %llu, ratio %.2f)\n", (unsigned long long)st->file_bytes,
           (unsigned long long)st->raw_bytes, ratio(st->raw_bytes, st->file_bytes));
    print_kept(st);
    printf("\n%-43s %-5s %-5s %12s %8s %14s %14s %6s\n", "column", "type", "codec", "elements",
           "frames", "bytes", "stored", "ratio");
    for (size_t i = 0; i < st->n_columns; i++) {
        const struct column_sum *c = &st->columns[i];
        printf("%-43s %-5s %-5s %12llu %8llu %14llu %14llu %6.2f\n", c->first->name,
               column_type_name(c->first->type), frame_codec_name(c->first->codec),
               (unsigned long long)c->n_elems, (unsigned long long)c->n_frames,
               (unsigned long long)c->raw_bytes, (unsigned long long)c->stored_bytes,
               ratio(c->raw_bytes, c->stored_bytes));
    }
    const struct dataset_index_loss *lost = &st->index.lost;
    printf("\nleft out      %llu empty documents, %llu bad ones (%llu bytes), %llu files of other "
           "kinds, %llu records that are no documents\n\n",
           (unsigned long long)lost->n_empty, (unsigned long long)lost->n_bad,
           (unsigned long long)lost->bad_bytes, (unsigned long long)lost->n_files,
           (unsigned long long)lost->n_other);
    fputs(funnel_chart(&st->index.funnel, a), stdout);
}

static json_t *columns_json(const struct stat *st)
{
    json_t *columns = json_array();
    for (size_t i = 0; i < st->n_columns; i++) {
        const struct column_sum *c = &st->columns[i];
        json_array_append_new(columns,
                              json_pack("{s:s s:s s:s s:I s:I s:I s:I}", "name", c->first->name,
                                        "type", column_type_name(c->first->type), "codec",
                                        frame_codec_name(c->first->codec), "elements",
                                        (json_int_t)c->n_elems, "frames", (json_int_t)c->n_frames,
                                        "bytes", (json_int_t)c->raw_bytes, "stored_bytes",
                                        (json_int_t)c->stored_bytes));
    }
    return columns;
}

static enum err print_json(const struct stat *st, struct arena *a)
{
    const struct dataset_info *info = st->info;
    char hash[33], tokenizer[33];
    hash_hex(info->hash, hash);
    hash_hex(info->tokenizer_hash, tokenizer);
    json_t *root = json_pack(
        "{s:s s:s s:s s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:f s:o}", "hash", hash,
        "tokenizer_hash", tokenizer, "tokenizer_file", info->tokenizer_file, "vocabulary",
        (json_int_t)info->vocabulary, "end_of_text", (json_int_t)info->end_of_text, "shards",
        (json_int_t)info->n_shards, "bins", (json_int_t)info->n_bins, "max_bin_tokens",
        (json_int_t)info->max_bin_tokens, "documents", (json_int_t)info->n_documents, "tokens",
        (json_int_t)info->n_tokens, "text_bytes", (json_int_t)st->text_bytes, "column_bytes",
        (json_int_t)st->raw_bytes, "file_bytes", (json_int_t)st->file_bytes, "compression_ratio",
        ratio(st->raw_bytes, st->file_bytes), "columns", columns_json(st));
    json_object_set_new(root, "kept",
                        json_pack("{s:I s:I s:I}", "documents", (json_int_t)st->kept.n_documents,
                                  "tokens", (json_int_t)st->kept.n_tokens, "text_bytes",
                                  (json_int_t)st->kept.text_bytes));
    const struct dataset_index_loss *lost = &st->index.lost;
    json_object_set_new(root, "left_out",
                        json_pack("{s:I s:I s:I s:I s:I}", "files", (json_int_t)lost->n_files,
                                  "empty", (json_int_t)lost->n_empty, "bad",
                                  (json_int_t)lost->n_bad, "bad_bytes", (json_int_t)lost->bad_bytes,
                                  "other", (json_int_t)lost->n_other));
    json_object_set_new(root, "funnel", funnel_to_json(&st->index.funnel));
    char *text;
    enum err e = json_text(root, a, &text);
    json_decref(root);
    TRY(e);
    fputs(text, stdout);
    return OK;
}

static enum err print_stat(const struct dataset *d, const char *folder, bool json, struct arena *a)
{
    struct stat *st = ARENA_NEW(a, struct stat);
    st->info = dataset_info(d);
    TRY(dataset_index_read(folder, a, &st->index));
    for (uint64_t i = 0; i < st->info->n_shards; i++)
        TRY(add_shard(st, dataset_shard(d, i)));
    TRY(add_bins(st, d, a));
    if (json) return print_json(st, a);
    print_table(st, a);
    return OK;
}

enum err command_shard_stat(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = {{"json", 0, CLI_FLAG, &json, NULL, "print JSON"}};
    const struct cli_usage usage = {
        .synopsis = "weft shard stat [--json] DIR",
        .summary = "say documents, tokens, bins, sizes, and what each rule let through",
        .example = "weft shard stat data/books",
        .options = options,
        .n_options = sizeof options / sizeof options[0]};
    const char *folder;
    TRY(cli_parse_one(argc, argv, &usage, &folder));
    struct arena a;
    struct dataset *d = NULL;
    arena_init(&a, "shard stat");
    enum err e = dataset_open(folder, &a, &d);
    if (e == OK) e = print_stat(d, folder, json, &a);
    dataset_close(d);
    arena_fini(&a);
    return e;
}
