#include <stdio.h>

#include "base/cli.h"
#include "shard/export/warc_pack.h"

static enum err command_warc_pack(int argc, char **argv)
{
    struct warc_pack_options o = {0};
    const struct cli_option options[] = {
        {"out", 'o', CLI_TEXT, &o.out, "OUT.warc.gz", "file to make; must not exist"},
        {"file-bytes", 0, CLI_U64, &o.file_bytes, "N",
         "several files OUT-00000.warc.gz ... of about N bytes, so that ranks can share them"}};
    const struct cli_usage usage = {
        .synopsis = "weft warc pack -o OUT.warc.gz [--file-bytes N] TREE...",
        .summary = "pack HTML files into WARC, a gzip member a page",
        .example = "weft warc pack -o manuals.warc.gz --file-bytes 16000000 /usr/share/doc",
        .options = options,
        .n_options = sizeof options / sizeof options[0],
        .min_operands = 1,
        .max_operands = SIZE_MAX};
    char **operands = NULL;
    TRY(cli_parse(argc, argv, &usage, &operands, &o.n_inputs));
    if (!o.out) return fail(ERR_USAGE, "warc pack: -o OUT.warc.gz is missing");
    o.inputs = operands;
    struct warc_pack_result r;
    TRY(warc_pack(&o, &r));
    printf("%s: pages %llu html %.1f MB files %llu bytes %.1f MB left out %llu files\n", o.out,
           (unsigned long long)r.n_pages, (double)r.page_bytes / 1e6, (unsigned long long)r.n_files,
           (double)r.file_bytes / 1e6, (unsigned long long)r.n_skipped);
    return OK;
}

CLI_COMMAND(warc)
{
    static const struct cli_command commands[] = {
        {"pack", command_warc_pack, "HTML files to WARC"}};
    return cli_dispatch(argc, argv, "weft warc", commands, sizeof commands / sizeof commands[0]);
}
