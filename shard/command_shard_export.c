#include <stdio.h>

#include "base/cli.h"
#include "base/log.h"
#include "shard/command_shard.h"
#include "shard/export/dataset_export.h"

enum { FILE_TOKENS = 100000000 };

static enum err export_dataset(const char *folder, const struct dataset_export_format *format,
                               const struct dataset_export_options *options, struct arena *a)
{
    struct dataset *d = NULL;
    struct dataset_export_result r;
    TRY(dataset_open(folder, a, &d));
    const bool has_loss = dataset_has_loss(d);
    const enum err e = format->write(d, options, a, &r);
    dataset_close(d);
    TRY(e);
    if (has_loss) log_line("%s: what counts for the loss has no place in the format", folder);
    printf("%s: documents %llu tokens %llu files %llu bytes %.1f MB\n", options->out,
           (unsigned long long)r.n_documents, (unsigned long long)r.n_tokens,
           (unsigned long long)r.n_files, (double)r.file_bytes / 1e6);
    return OK;
}

enum err command_shard_export(int argc, char **argv)
{
    const char *format_name = NULL;
    struct dataset_export_options o = {.file_tokens = FILE_TOKENS};
    const struct cli_option options[] = {
        {"format", 0, CLI_TEXT, &format_name, "NAME", "megatron (.bin, .idx) or llmc"},
        {"out", 'o', CLI_TEXT, &o.out, "OUT", "what the files' names begin with"},
        {"file-tokens", 0, CLI_U64, &o.file_tokens, "N", "llmc: tokens at which a file ends"}};
    const struct cli_usage usage = {
        .synopsis = "weft shard export --format NAME -o OUT DATASET",
        .summary = "write a dataset's tokens as other trainers read them",
        .example = "weft shard export --format megatron -o books data/books",
        .options = options,
        .n_options = sizeof options / sizeof options[0]};
    const char *folder;
    const struct dataset_export_format *format;
    TRY(cli_parse_one(argc, argv, &usage, &folder));
    if (!o.out || !format_name)
        return fail(ERR_USAGE, "shard export: --format NAME and -o OUT are needed");
    TRY(dataset_export_find(format_name, &format));
    struct arena a;
    arena_init(&a, "shard export");
    const enum err e = export_dataset(folder, format, &o, &a);
    arena_fini(&a);
    return e;
}
