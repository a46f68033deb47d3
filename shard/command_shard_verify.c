#include <stdio.h>

#include "base/cli.h"
#include "base/file.h"
#include "base/log.h"
#include "shard/command_shard.h"
#include "shard/dataset/dataset_verify.h"
#include "shard/format/shard.h"

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    log_progress("shard verify: %s %llu of %llu shards", (const char *)context,
                 (unsigned long long)done, (unsigned long long)total);
}

static enum err verify_file(const char *path)
{
    struct arena a;
    struct shard *s = NULL;
    arena_init(&a, "shard verify");
    enum err e = shard_open(path, &a, &s);
    if (e == OK) e = shard_verify(s);
    shard_close(s);
    arena_fini(&a);
    return e;
}

enum err command_shard_verify(int argc, char **argv)
{
    const struct cli_usage usage = {
        .synopsis = "weft shard verify DIR|SHARD...",
        .summary = "read every byte of datasets, or of single shards, and check it",
        .example = "weft shard verify data/books",
        .min_operands = 1,
        .max_operands = SIZE_MAX};
    char **operands = NULL;
    size_t n_operands = 0;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    for (size_t i = 0; i < n_operands; i++) {
        if (file_is_folder(operands[i]))
            TRY(dataset_verify(operands[i], show_progress, operands[i]));
        else
            TRY(verify_file(operands[i]));
        log_progress_end();
        printf("%s: ok\n", operands[i]);
    }
    return OK;
}
